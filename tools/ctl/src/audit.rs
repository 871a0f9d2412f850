//! Who decided what.

use serde_json::Value;

use crate::admin::{Admin, AdminError, escaped};
use crate::print::{self, Form, ago, columns, field, rows};

/// Lists decisions, the latest first.
pub(crate) fn list(
    admin: &Admin,
    subject: Option<String>,
    limit: u32,
    form: Form,
) -> Result<bool, AdminError> {
    let of = subject.map(|it| format!("&subject={}", escaped(&it))).unwrap_or_default();
    let answer = admin.look(&format!("/admin/audit?limit={limit}{of}"))?;
    print::answer(form, &answer, |answer| {
        let row = |it: &Value| {
            let [who, what, subject, why] =
                ["who", "what", "subject", "why"].map(|name| field(it, name));
            [ago(it["at_ms"].as_u64()), who, what, subject, why]
        };
        let all: Vec<_> = rows(answer, "audit").iter().map(row).collect();
        columns(["ago", "who", "what", "subject", "why"], &all)
    });
    Ok(true)
}
