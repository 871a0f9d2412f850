//! What is printed, and asked back.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;
use serde_json::{Value, json};

use crate::admin::AdminError;

/// How an answer is wanted.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Form {
    /// JSON instead of a table.
    #[arg(long)]
    pub(crate) json: bool,
}

/// For the audit.
#[derive(Clone, Debug, Args)]
pub(crate) struct Why {
    /// Why, for the audit.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub(crate) why: String,
}

/// For what hurts if it is a mistake.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Care {
    /// Say what would be done, and do nothing.
    #[arg(long)]
    dry_run: bool,
    /// Don't ask whether it is meant.
    #[arg(long, short)]
    yes: bool,
}

impl Care {
    /// Whether it is only to be said what would be done.
    pub(crate) fn is_dry(self) -> bool {
        self.dry_run
    }

    /// Says what is about to be done, and answers whether to do it: not in a dry run; and where it
    /// isn't said with the command, a person at a terminal is asked.
    pub(crate) fn goes_on(&self, what: &str, form: Form) -> Result<bool, AdminError> {
        if self.dry_run {
            answer(form, &json!({ "would": what }), |_| format!("would {what}\n"));
            return Ok(false);
        }
        if self.yes {
            return Ok(true);
        }
        if !io::stdin().is_terminal() {
            return Err(AdminError::Unconfirmed);
        }
        let _ = write!(io::stderr(), "{what}? [y/N] ");
        let mut answer = String::new();
        let _ = io::stdin().lock().read_line(&mut answer);
        match answer.trim() {
            "y" | "Y" | "yes" => Ok(true),
            _ => Err(AdminError::Unconfirmed),
        }
    }
}

/// Prints to whoever reads; one that has gone away has read enough.
pub(crate) fn print(text: &str) {
    is_read(text);
}

/// The same, and whether there is still somebody.
pub(crate) fn is_read(text: &str) -> bool {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_ok()
}

/// Prints an answer of the engine as it is, or as `table` has it.
pub(crate) fn answer(form: Form, value: &Value, table: impl FnOnce(&Value) -> String) {
    match form.json {
        true => print(&format!("{value}\n")),
        false => print(&table(value)),
    }
}

/// Rows under headings, in columns as wide as their widest.
pub(crate) fn columns<const N: usize>(headings: [&str; N], rows: &[[String; N]]) -> String {
    let mut widths = headings.map(|heading| heading.chars().count());
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: [&str; N]| {
        let padded = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        let text = padded.collect::<Vec<_>>().join("  ");
        format!("{}\n", text.trim_end())
    };
    let body = rows.iter().map(|row| line(row.each_ref().map(String::as_str)));
    line(headings) + &body.collect::<String>()
}

/// Text of others as one harmless line: no control characters reach the terminal.
pub(crate) fn harmless(text: &str) -> String {
    let clean = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    text.chars().map(clean).collect()
}

/// A field as text, whatever its type; nothing where there is none.
pub(crate) fn field(value: &Value, name: &str) -> String {
    match &value[name] {
        Value::Null => String::new(),
        Value::String(text) => harmless(text),
        other => other.to_string(),
    }
}

/// The elements of a list.
pub(crate) fn rows<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().map_or(&[], Vec::as_slice)
}

/// How long ago a time is, in Unix milliseconds.
pub(crate) fn ago(at_ms: Option<u64>) -> String {
    at_ms.map_or_else(String::new, |at| span(now_ms().saturating_sub(at)))
}

/// How far ahead a time is; for ever where there is none.
pub(crate) fn ahead(at_ms: Option<u64>) -> String {
    at_ms.map_or_else(|| "never".to_owned(), |at| span(at.saturating_sub(now_ms())))
}

/// Now, in Unix milliseconds.
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn span(ms: u64) -> String {
    match ms / 60_000 {
        minutes @ 0..=99 => format!("{minutes}m"),
        minutes @ 100..=2_999 => format!("{}h", minutes / 60),
        minutes => format!("{}d", minutes / (24 * 60)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_under_their_headings() {
        let rows = [["1".to_owned(), "ünï".to_owned()], ["100".to_owned(), String::new()]];
        assert_eq!(columns(["id", "is"], &rows), "id   is\n1    ünï\n100\n");
    }

    #[test]
    fn escapes_of_others_dont_reach_the_terminal() {
        assert_eq!(harmless("a\u{1b}[2Jb\n"), "a\u{fffd}[2Jb\u{fffd}");
    }
}
