//! How the engine is: by reactor, and in sum.

use serde_json::Value;

use crate::admin::{Admin, AdminError};
use crate::openmetrics::Samples;
use crate::print::{self, Form};

/// The columns of the table: heading, and family of metrics.
const COLUMNS: [(&str, &str); 6] = [
    ("online", "whisper_people_online"),
    ("queued", "whisper_people_queued"),
    ("chats", "whisper_chats"),
    ("sockets", "whisper_sockets_open"),
    ("messages in", "whisper_messages_in_total"),
    ("messages out", "whisper_messages_out_total"),
];

/// Prints a row for each reactor; answers whether the engine is alive and ready.
pub(crate) fn status(admin: &Admin, form: Form) -> Result<bool, AdminError> {
    let (health, ready) = (admin.get("/health")?, admin.get("/ready")?);
    let samples = Samples::parse(&admin.get_ok("/metrics")?);
    let reactors = samples.reactors();
    let row = |reactor: &str| COLUMNS.map(|(_, family)| samples.value(family, reactor));
    let mut out = String::new();
    if form.json {
        let rows = reactors.iter().map(|reactor| {
            let row = COLUMNS.iter().zip(row(reactor));
            row.map(|(&(name, _), value)| (name.replace(' ', "_"), value.into()))
                .collect::<serde_json::Map<_, _>>()
        });
        let rows: Vec<_> = rows.collect();
        let status = serde_json::json!({
            "healthy": health.ok(), "ready": ready.ok(), "reactors": rows,
        });
        out += &format!("{status}\n");
    } else {
        out += &format!("health   {}\nready    {}\n\n", health.body.trim(), ready.body.trim());
        out += "reactor";
        COLUMNS.iter().for_each(|(name, _)| out += &format!("{name:>14}"));
        out.push('\n');
        for reactor in reactors {
            out += &format!("{reactor:>7}");
            row(&reactor).iter().for_each(|value| out += &format!("{value:>14}"));
            out.push('\n');
        }
    }
    print::print(&out);
    Ok(health.ok() && ready.ok())
}

/// Prints the engine's numbers in sum.
pub(crate) fn stats(admin: &Admin, form: Form) -> Result<bool, AdminError> {
    print::answer(form, &admin.look("/admin/stats")?, |stats| {
        let none = serde_json::Map::new();
        let stats = stats.as_object().unwrap_or(&none);
        let width = stats.keys().map(String::len).max().unwrap_or(0);
        let line = |(name, value): (&String, &Value)| format!("{name:<width$}  {value}\n");
        stats.iter().map(line).collect()
    });
    Ok(true)
}
