//! The operator's queue of reports.

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use crate::admin::{Admin, AdminError, escaped};
use crate::bans::Sentence;
use crate::print::{self, Care, Form, Why, ago, columns, field, rows};

#[derive(Debug, Subcommand)]
pub(crate) enum Reports {
    /// List reports: urgent ones first, then the oldest.
    List {
        #[command(flatten)]
        wanted: Wanted,
        #[command(flatten)]
        form: Form,
    },
    /// Show a report, with the messages that proved true.
    Show {
        /// Its id.
        id: String,
        #[command(flatten)]
        form: Form,
    },
    /// Decide on a report.
    Resolve {
        /// Its id.
        id: String,
        /// Whether there is something in it.
        #[arg(long = "as", value_enum)]
        decision: Decision,
        #[command(flatten)]
        why: Why,
        #[command(flatten)]
        form: Form,
    },
    /// Ban who was reported: their address, their device, and what their client said of it.
    Ban {
        /// The report's id.
        id: String,
        #[command(flatten)]
        sentence: Sentence,
        #[command(flatten)]
        why: Why,
        #[command(flatten)]
        care: Care,
        #[command(flatten)]
        form: Form,
    },
    /// Keep a report past its time, for a court or the police; or no longer.
    Hold {
        /// Its id.
        id: String,
        /// No longer.
        #[arg(long)]
        release: bool,
        #[command(flatten)]
        why: Why,
        #[command(flatten)]
        form: Form,
    },
    /// Print whole reports, one JSON object a line.
    Export {
        #[command(flatten)]
        wanted: Wanted,
    },
}

/// Which reports.
#[derive(Debug, Args)]
pub(crate) struct Wanted {
    /// Only open, upheld, dismissed or banned ones.
    #[arg(long)]
    status: Option<String>,
    /// Only for this reason, as the protocol has it.
    #[arg(long)]
    reason: Option<String>,
    /// Only on this person, by the hash that reports show.
    #[arg(long, value_name = "HASH")]
    accused: Option<String>,
    /// Only those of the last so many hours.
    #[arg(long, value_name = "HOURS")]
    hours: Option<u64>,
    /// Only those that are kept past their time.
    #[arg(long)]
    held: bool,
    /// Only those with messages that proved true.
    #[arg(long)]
    verified: bool,
    /// So many, at most 1,000.
    #[arg(long, default_value_t = 100)]
    limit: u32,
}

/// Whether there is something in a report.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Decision {
    /// There is.
    Upheld,
    /// There isn't, and it doesn't count against anybody.
    Dismissed,
}

pub(crate) fn run(admin: &Admin, command: Reports) -> Result<bool, AdminError> {
    match command {
        Reports::List { wanted, form } => {
            print::answer(form, &admin.look(&wanted.path())?, list);
        }
        Reports::Show { id, form } => {
            print::answer(form, &admin.look(&path(&id, ""))?, one);
        }
        Reports::Resolve { id, decision, why, form } => {
            let decision = match decision {
                Decision::Upheld => "upheld",
                Decision::Dismissed => "dismissed",
            };
            let wish = json!({ "decision": decision, "why": why.why });
            print::answer(form, &admin.order(&path(&id, "/resolve"), &wish)?, done);
        }
        Reports::Ban { id, sentence, why, care, form } => {
            let what = format!("ban who was reported in {id}, {}", sentence.length());
            if !care.goes_on(&what, form)? {
                return Ok(true);
            }
            let (seconds, reason) = (sentence.seconds(), &sentence.reason);
            let wish = json!({ "seconds": seconds, "reason": reason, "why": why.why });
            print::answer(form, &admin.order(&path(&id, "/ban"), &wish)?, done);
        }
        Reports::Hold { id, release, why, form } => {
            let wish = json!({ "held": !release, "why": why.why });
            print::answer(form, &admin.order(&path(&id, "/hold"), &wish)?, |answer| {
                let held = answer["held"].as_bool().unwrap_or(false);
                let kept = if held { "is held" } else { "is no longer held" };
                format!("{} {kept}\n", field(answer, "id"))
            });
        }
        Reports::Export { wanted } => {
            for report in rows(&admin.look(&wanted.path())?, "reports") {
                let id = report["id"].as_str().unwrap_or_default();
                print::print(&format!("{}\n", admin.look(&path(id, ""))?));
            }
        }
    }
    Ok(true)
}

impl Wanted {
    fn path(&self) -> String {
        let mut query = vec![format!("limit={}", self.limit)];
        for (name, value) in
            [("status", &self.status), ("reason", &self.reason), ("accused", &self.accused)]
        {
            query.extend(value.as_deref().map(|value| format!("{name}={}", escaped(value))));
        }
        if let Some(hours) = self.hours {
            let back = hours.saturating_mul(3_600_000);
            query.push(format!("since_ms={}", print::now_ms().saturating_sub(back)));
        }
        query.extend(self.held.then(|| "held=true".to_owned()));
        query.extend(self.verified.then(|| "verified=true".to_owned()));
        format!("/admin/reports?{}", query.join("&"))
    }
}

fn path(id: &str, deed: &str) -> String {
    format!("/admin/reports/{}{deed}", escaped(id))
}

fn list(answer: &Value) -> String {
    let row = |it: &Value| {
        let urgent = it["urgent"].as_bool().unwrap_or(false);
        let held = it["held"].as_bool().unwrap_or(false);
        [
            field(it, "id"),
            ago(it["at_ms"].as_u64()),
            format!("{}{}", field(it, "reason"), if urgent { " !" } else { "" }),
            field(it, "verified"),
            format!("{}{}", field(it, "status"), if held { ", held" } else { "" }),
            field(it, "accused").chars().take(8).collect(),
        ]
    };
    let all: Vec<_> = rows(answer, "reports").iter().map(row).collect();
    columns(["id", "age", "reason", "verified", "status", "accused"], &all)
}

fn one(report: &Value) -> String {
    let mut out = String::new();
    for name in ["id", "reason", "status", "held", "ban", "accused", "comment"] {
        out += &format!("{name:<8}  {}\n", field(report, name));
    }
    out += &format!("{:<8}  {}\n", "age", ago(report["at_ms"].as_u64()));
    for said in rows(report, "evidence") {
        out += &format!("{:>8}  {}\n", field(said, "seq"), field(said, "content"));
    }
    out
}

fn done(answer: &Value) -> String {
    let ban = field(answer, "ban");
    let appeal = if ban.is_empty() { String::new() } else { format!(", to be quoted: {ban}") };
    format!("{} is {}{appeal}\n", field(answer, "id"), field(answer, "status"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_stays_within_its_place() {
        assert_eq!(path("a/../b?c", "/ban"), "/admin/reports/a%2F%2E%2E%2Fb%3Fc/ban");
    }
}
