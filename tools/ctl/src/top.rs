//! What each reactor does, second by second.

use std::io::{self, IsTerminal as _};
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::{Map, Value, json};

use crate::admin::{Admin, AdminError};
use crate::openmetrics::Samples;
use crate::print::{self, Form, columns};

/// How to look.
#[derive(Debug, Args)]
pub(crate) struct Top {
    /// How long to look each time, in seconds: at least 1, for reactors tell their numbers as often.
    #[arg(long, value_name = "SECONDS", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=3600))]
    interval: u64,
    /// Look once, and end.
    #[arg(long)]
    once: bool,
    #[command(flatten)]
    form: Form,
}

/// How a number comes of a metric.
#[derive(Clone, Copy)]
enum Of {
    /// As it is.
    Now(&'static str),
    /// What it grew by in a second.
    Rate(&'static str),
    /// The same of seconds: a share, in percent.
    Share(&'static str),
}

/// The columns: their name, and what they are.
const COLUMNS: [(&str, Of); 11] = [
    ("online", Of::Now("whisper_people_online")),
    ("queued", Of::Now("whisper_people_queued")),
    ("chats", Of::Now("whisper_chats")),
    ("sockets", Of::Now("whisper_sockets_open")),
    ("upgrades/s", Of::Rate("whisper_upgrades_total")),
    ("in/s", Of::Rate("whisper_messages_in_total")),
    ("out/s", Of::Rate("whisper_messages_out_total")),
    ("sends/s", Of::Rate("whisper_sends_total")),
    ("KiB out/s", Of::Rate("whisper_sent_bytes_total")),
    ("turns/s", Of::Rate("whisper_turns_total")),
    ("busy %", Of::Share("whisper_turn_seconds_sum")),
];

/// Prints a row for each reactor and one for all, again and again; answers whether the engine is
/// ready.
pub(crate) fn run(admin: &Admin, wish: &Top) -> Result<bool, AdminError> {
    let look = || Ok((Samples::parse(&admin.get_ok("/metrics")?), Instant::now()));
    // A page of a terminal is written over; into a file or a pipe goes one after the other.
    let page = io::stdout().is_terminal() && !wish.once && !wish.form.json;
    let (mut before, mut then): (Samples, Instant) = look()?;
    loop {
        thread::sleep(Duration::from_secs(wish.interval));
        let (after, now) = look()?;
        let ready = admin.get("/ready")?;
        let rows = rows(&before, &after, now - then);
        let text = match wish.form.json {
            true => format!("{}\n", as_json(&rows, ready.ok())),
            false => table(&rows, ready.body.trim()),
        };
        // Home, the text, and nothing below it: less flicker than an empty page.
        let text = if page { format!("\x1b[H\x1b[2J{text}") } else { text };
        if !print::is_read(&text) || wish.once {
            return Ok(ready.ok());
        }
        (before, then) = (after, now);
    }
}

/// The numbers of a reactor, or of all.
struct Row {
    name: String,
    numbers: [f64; COLUMNS.len()],
}

fn rows(before: &Samples, after: &Samples, passed: Duration) -> Vec<Row> {
    let seconds = passed.as_secs_f64().max(f64::EPSILON);
    let of = |reactor: &str| {
        COLUMNS.map(|(_, of)| {
            let grown = |family| after.number(family, reactor) - before.number(family, reactor);
            // A restart begins anew at 0.
            let rate = |family| (grown(family) / seconds).max(0.0);
            match of {
                Of::Now(family) => after.number(family, reactor),
                Of::Rate(family) if family.contains("bytes") => rate(family) / 1_024.0,
                Of::Rate(family) => rate(family),
                Of::Share(family) => 100.0 * rate(family),
            }
        })
    };
    let row = |reactor: String| Row { numbers: of(&reactor), name: reactor };
    let mut rows: Vec<_> = after.reactors().into_iter().map(row).collect();
    let count = rows.len().max(1) as f64;
    let mut numbers = [0.0; COLUMNS.len()];
    for (column, number) in numbers.iter_mut().enumerate() {
        *number = rows.iter().map(|row| row.numbers[column]).sum();
        if let (_, Of::Share(_)) = COLUMNS[column] {
            *number /= count;
        }
    }
    rows.push(Row { name: "all".into(), numbers });
    rows
}

fn table(rows: &[Row], ready: &str) -> String {
    let headings: [&str; COLUMNS.len() + 1] =
        std::array::from_fn(|at| if at == 0 { "reactor" } else { COLUMNS[at - 1].0 });
    let cells = |row: &Row| {
        std::array::from_fn(|at| match at {
            0 => row.name.clone(),
            at => format!("{:.0}", row.numbers[at - 1]),
        })
    };
    let rows: Vec<[String; COLUMNS.len() + 1]> = rows.iter().map(cells).collect();
    format!("{ready}\n{}", columns(headings, &rows))
}

fn as_json(rows: &[Row], ready: bool) -> Value {
    let row = |row: &Row| {
        let numbers = COLUMNS.iter().zip(row.numbers);
        let number = |((name, _), number): (&(&str, Of), f64)| {
            let name = name.replace("/s", "_per_second").replace(" %", "_percent");
            (name.replace(' ', "_"), json!((number * 10.0).round() / 10.0))
        };
        let mut numbers: Map<String, Value> = numbers.map(number).collect();
        numbers.insert("reactor".into(), row.name.clone().into());
        Value::Object(numbers)
    };
    json!({ "ready": ready, "reactors": rows.iter().map(row).collect::<Vec<_>>() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_of_the_time_that_passed() {
        let at = |people: u32, messages: u32, busy: f64| {
            Samples::parse(&format!(
                "whisper_people_online{{reactor=\"0\"}} {people}\n\
                 whisper_people_online{{reactor=\"1\"}} 7\n\
                 whisper_messages_in_total{{reactor=\"0\"}} {messages}\n\
                 whisper_turn_seconds_sum{{reactor=\"0\"}} {busy}\n",
            ))
        };
        let rows = rows(&at(5, 100, 1.0), &at(6, 300, 1.5), Duration::from_secs(2));
        let names: Vec<_> = rows.iter().map(|row| row.name.as_str()).collect();
        assert_eq!(names, ["0", "1", "all"]);
        let value = as_json(&rows, true);
        let row = |at: usize| value["reactors"][at].clone();
        assert_eq!((&row(0)["online"], &row(2)["online"]), (&json!(6.0), &json!(13.0)));
        assert_eq!(row(0)["in_per_second"], json!(100.0));
        assert_eq!(row(0)["busy_percent"], json!(25.0));
        assert_eq!(row(2)["busy_percent"], json!(12.5), "of all reactors");
        let text = table(&rows, "ready");
        assert!(
            text.starts_with("ready\nreactor  online") && text.contains("\nall      13"),
            "{text}"
        );
    }
}
