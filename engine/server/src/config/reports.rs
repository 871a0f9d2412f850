//! `[reports]`, validated.

use super::origin::Ledger;
use super::{ConfigError, file};
use crate::control::Policy;

/// Longest time that anything of reports may take, in days: ten years.
const DAYS_MAX: u64 = 3_650;

const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;
const DAY_MS: u64 = 24 * HOUR_MS;

/// Where reports are kept, and what comes of them.
#[derive(Debug)]
pub(crate) struct ReportsConfig {
    /// A PostgreSQL; None for the SQLite file.
    pub(crate) url: Option<String>,
    /// What comes of them.
    pub(crate) policy: Policy,
}

pub(super) fn resolve(
    ledger: &mut Ledger<'_>,
    typed: Option<String>,
    file: file::Reports,
) -> Result<ReportsConfig, ConfigError> {
    let defaults = Policy::default();
    let url = ledger.pick_secret(("reports.url", "reports"), typed, file.url);
    let ban_after = ledger.file_only("reports.ban_after", file.ban_after, defaults.ban_after);
    let mut time = |key, file: Option<u64>, default: u64, unit: u64| {
        let value = ledger.file_only(key, file, default / unit);
        let most = DAYS_MAX * DAY_MS / unit;
        match (1..=most).contains(&value) {
            true => Ok(value * unit),
            false => Err(ConfigError::Value { key, why: format!("must be 1 to {most}") }),
        }
    };
    let within_ms = time("reports.within_hours", file.within_hours, defaults.within_ms, HOUR_MS)?;
    let ban_ms = time("reports.ban_minutes", file.ban_minutes, defaults.ban_ms, MINUTE_MS)?;
    let retention_ms =
        time("reports.retention_days", file.retention_days, defaults.retention_ms, DAY_MS)?;
    Ok(ReportsConfig { url, policy: Policy { ban_after, within_ms, ban_ms, retention_ms } })
}
