//! `whisperctl doctor`: whether this machine can serve as many people as are wanted, and what to
//! change where it can't.
//!
//! [`gather`] looks at the machine and judges nothing; [`checks`] judges what was seen, and looks at
//! nothing.

mod checks;
mod gather;
mod services;
mod settings;
mod snapshot;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use self::checks::{Finding, Level, judge};
use self::settings::Settings;
use crate::print::{self, Form};

/// Where a package has its settings.
const CONFIG: &str = "/etc/whisper/whisper.toml";

#[derive(Debug, Args)]
pub(crate) struct Wish {
    /// So many people at once.
    #[arg(long = "for", value_name = "PEOPLE", default_value_t = 10_000)]
    people: u64,
    /// The engine's settings [default: /etc/whisper/whisper.toml, where it is there].
    #[arg(long, value_name = "FILE", env = "WHISPER_CONFIG")]
    config: Option<PathBuf>,
    /// A certificate to look at beside those of the settings, repeatable.
    #[arg(long, value_name = "FILE", env = "WHISPER_TLS_CERT", value_delimiter = ',')]
    tls_cert: Vec<PathBuf>,
    /// The Redis that the engine is to share bans by, in place of those of the settings.
    #[arg(long, value_name = "URL", env = "WHISPER_REDIS", value_delimiter = ',')]
    #[arg(hide_env_values = true)]
    redis: Vec<String>,
    /// The PostgreSQL for reports, in place of that of the settings.
    #[arg(long, value_name = "URL", env = "WHISPER_REPORTS", hide_env_values = true)]
    reports: Option<String>,
    /// The NATS by which nodes act as one, in place of those of the settings.
    #[arg(long, value_name = "URL", env = "WHISPER_NATS", value_delimiter = ',')]
    #[arg(hide_env_values = true)]
    nats: Vec<String>,
    #[command(flatten)]
    form: Form,
}

/// Looks, judges, prints; the exit status: 0 all is well, 1 something could be better, 2 something
/// keeps the engine from serving so many.
pub(crate) fn run(wish: Wish) -> Result<u8, String> {
    let default = Some(PathBuf::from(CONFIG)).filter(|path| path.is_file());
    let mut settings = match wish.config.or(default) {
        Some(path) => Settings::read(&path)?,
        None => Settings::default(),
    };
    settings.tls.cert.extend(wish.tls_cert);
    if !wish.redis.is_empty() {
        settings.redis = wish.redis;
    }
    if !wish.nats.is_empty() {
        settings.nats = wish.nats;
    }
    settings.reports.url = wish.reports.or(settings.reports.url);
    let snapshot = gather::gather(&settings);
    let findings = judge(&snapshot, &settings, wish.people);
    let worst = findings.iter().map(|finding| finding.level).max().unwrap_or(Level::Good);
    match wish.form.json {
        true => {
            let findings: Vec<_> = findings.iter().map(Finding::to_json).collect();
            let answer =
                json!({ "for": wish.people, "worst": worst.as_str(), "findings": findings });
            print::print(&format!("{answer}\n"));
        }
        false => print::print(&table(&findings, wish.people)),
    }
    Ok(worst as u8)
}

fn table(findings: &[Finding], people: u64) -> String {
    let width = findings.iter().map(|finding| finding.of.len()).max().unwrap_or(0);
    let mut out = String::new();
    for Finding { level, of, found, mend } in findings {
        out += &format!("{:<7}  {of:<width$}  {}\n", level.as_str(), print::harmless(found));
        if let Some(mend) = mend {
            out += &format!("{:<7}  {:<width$}  → {mend}\n", "", "");
        }
    }
    let count = |level| findings.iter().filter(|finding| finding.level == level).count();
    let (failures, warnings) = (count(Level::Failure), count(Level::Warning));
    out + &format!("\nFor {people} people: {failures} failures, {warnings} warnings.\n")
}
