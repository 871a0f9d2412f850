//! The limits, from what is written to what is metered.

use whisper_core::limits::{Act, AdmissionRates, Rate, SpeechRates};

use super::ConfigError;
use super::file::{Limits, PerMinute};
use super::origin::Ledger;

/// Most of anything in a minute that a meter can tell apart.
const PER_MINUTE_MAX: u32 = 60_000;

/// Resolves what one address may hold, and how often it may come.
pub(super) fn admission(
    ledger: &mut Ledger<'_>,
    file: &Limits,
) -> Result<AdmissionRates, ConfigError> {
    let AdmissionRates { sockets, plain, .. } = AdmissionRates::default();
    Ok(AdmissionRates {
        sockets: count(ledger, "limits.sockets", file.sockets, sockets)?,
        upgrades: rate(ledger, "limits.upgrades", file.upgrades, (100, 100))?,
        plain: count(ledger, "limits.plain_connections", file.plain_connections, plain)?,
        requests: rate(ledger, "limits.requests", file.requests, (600, 300))?,
        handshakes: rate(ledger, "limits.handshakes", file.handshakes, (120, 60))?,
    })
}

/// Resolves how often a client may say what.
pub(super) fn speech(ledger: &mut Ledger<'_>, file: &Limits) -> Result<SpeechRates, ConfigError> {
    let mut rates = SpeechRates::default();
    for (act, key, file, default) in [
        (Act::Message, "limits.messages", file.messages, (90, 20)),
        (Act::Typing, "limits.typing", file.typing, (120, 20)),
        (Act::Signal, "limits.signals", file.signals, (600, 200)),
        (Act::Join, "limits.joins", file.joins, (60, 20)),
        (Act::Report, "limits.reports", file.reports, (10, 20)),
        (Act::Other, "limits.others", file.others, (180, 60)),
    ] {
        *rates.of(act) = rate(ledger, key, file, default)?;
    }
    rates.refusals = rate(ledger, "limits.refusals", file.refusals, (60, 120))?;
    Ok(rates)
}

fn count(
    ledger: &mut Ledger<'_>,
    key: &'static str,
    file: Option<u32>,
    default: u32,
) -> Result<u32, ConfigError> {
    match ledger.file_only(key, file, default) {
        0 => Err(ConfigError::Value { key, why: "must be at least 1".into() }),
        count => Ok(count),
    }
}

fn rate(
    ledger: &mut Ledger<'_>,
    key: &'static str,
    file: Option<PerMinute>,
    (per_minute, burst): (u32, u32),
) -> Result<Rate, ConfigError> {
    let PerMinute { per_minute, burst } =
        ledger.file_only(key, file, PerMinute { per_minute, burst });
    if !(1..=PER_MINUTE_MAX).contains(&per_minute) || burst == 0 {
        let why = format!("needs per_minute of 1 to {PER_MINUTE_MAX}, and a burst of at least 1");
        return Err(ConfigError::Value { key, why });
    }
    Ok(Rate::per_minute(per_minute, burst))
}

#[cfg(test)]
mod tests {
    use clap::{ArgMatches, Command};

    use super::*;

    /// What is printed as the default must be what the core means by it.
    #[test]
    fn the_defaults_stand_here_as_in_the_core() {
        let matches: ArgMatches = Command::new("whisper").get_matches_from(["whisper"]);
        let mut ledger = Ledger::new(&matches, None);
        let limits = Limits::default();
        let admission = admission(&mut ledger, &limits).expect("good defaults");
        assert_eq!(admission, AdmissionRates::default());
        assert_eq!(speech(&mut ledger, &limits).expect("good ones"), SpeechRates::default());
    }
}
