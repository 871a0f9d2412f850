//! The values of options, as people write them.

use std::fmt;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use whisper_proto::{Relax, limits};

/// A length of time: `10`, `10s`, `500ms`, `2m`, `1h`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let end = text.find(|c: char| c.is_ascii_alphabetic() || c == 'µ').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let seconds = match unit {
        "" | "s" => 1.0,
        "us" | "µs" => 1e-6,
        "ms" => 1e-3,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => return Err("a time is 10s, 500ms, 2m or 1h".to_owned()),
    };
    let number: f64 = number.trim().parse().map_err(|_| "not a number".to_owned())?;
    Duration::try_from_secs_f64(number * seconds).map_err(|error| error.to_string())
}

/// A number of things a second, more than 0: `5000`, `5k`, `1.5M`.
pub(crate) fn rate(text: &str) -> Result<f64, String> {
    let text = text.trim().trim_end_matches("/s");
    let (number, factor) = match text.strip_suffix(['k', 'M']) {
        Some(number) if text.ends_with('k') => (number, 1e3),
        Some(number) => (number, 1e6),
        None => (text, 1.0),
    };
    let number: f64 = number.parse().map_err(|_| "not a number".to_owned())?;
    let rate = number * factor;
    if rate > 0.0 && rate <= 1e9 { Ok(rate) } else { Err("more than 0, at most 1000M".to_owned()) }
}

/// A number of things, at least 1: `5000`, `5k`, `1M`.
pub(crate) fn count(text: &str) -> Result<usize, String> {
    let count = rate(text)?;
    if count.fract() == 0.0 { Ok(count as usize) } else { Err("a whole number".to_owned()) }
}

/// A part of all: 0 to 1.
pub(crate) fn share(text: &str) -> Result<f64, String> {
    let share = text.trim().parse().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "0 to 1".to_owned())
}

/// How uneven popularity is.
pub(crate) fn exponent(text: &str) -> Result<f64, String> {
    let exponent = text.trim().parse().ok().filter(|exponent| (0.0..=10.0).contains(exponent));
    exponent.ok_or_else(|| "0 (all alike) to 10".to_owned())
}

/// How many interests a person has: `3`, `1-5`.
pub(crate) fn each(text: &str) -> Result<RangeInclusive<usize>, String> {
    let (min, max) = text.split_once('-').unwrap_or((text, text));
    let parsed = min.trim().parse().ok().zip(max.trim().parse().ok());
    let range = parsed.filter(|(min, max)| min <= max && *max <= limits::INTERESTS);
    let range = range.map(|(min, max)| min..=max);
    range.ok_or_else(|| format!("a number or MIN-MAX, at most {}", limits::INTERESTS))
}

/// How far somebody goes from their interests.
pub(crate) fn relax(text: &str) -> Result<Relax, String> {
    match text.trim() {
        "strict" => Ok(Relax::Strict),
        "gradual" => Ok(Relax::Gradual),
        "anyone" => Ok(Relax::Anyone),
        _ => Err("strict, gradual or anyone".to_owned()),
    }
}

/// An address, or a name that has one.
pub(crate) fn target(text: &str) -> Result<SocketAddr, String> {
    let mut found = text.to_socket_addrs().map_err(|error| format!("{error}; give HOST:PORT"))?;
    found.next().ok_or_else(|| "this name has no address".to_owned())
}

/// The addresses that connections come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Sources {
    /// Every person has its own, of those on loopback.
    OneEach,
    /// So many of those on loopback, in turn.
    Few(u32),
    /// These, in turn.
    Given(Vec<IpAddr>),
}

impl FromStr for Sources {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "one-each" {
            return Ok(Self::OneEach);
        }
        if let Ok(count) = text.parse() {
            return if count > 0 { Ok(Self::Few(count)) } else { Err("at least 1".to_owned()) };
        }
        let given: Result<Vec<IpAddr>, _> = text.split(',').map(|it| it.trim().parse()).collect();
        given.map(Self::Given).map_err(|_| "a number, one-each, or addresses A,B,C".to_owned())
    }
}

/// How long somebody stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stay {
    /// So long.
    For(Duration),
    /// To the end of the run.
    End,
}

impl FromStr for Stay {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "end" { Ok(Self::End) } else { duration(text).map(Self::For) }
    }
}

/// What everything random in a run derives from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seed(pub(crate) u64);

impl Seed {
    /// Another one every time.
    pub(crate) fn fresh() -> Self {
        use std::hash::{BuildHasher, RandomState};
        // The standard library's keys are the one randomness it offers.
        Self(RandomState::new().hash_one(std::process::id()))
    }
}

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for Seed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = u64::from_str_radix(text, 16);
        number.map(Self).map_err(|_| "at most 16 hexadecimal digits".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units_or_are_seconds() {
        for (text, millis) in
            [("10", 10_000), ("1.5", 1_500), ("500ms", 500), ("2 m", 120_000), ("1h", 3_600_000)]
        {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in ["-1", "soon", "", "10 days", "1e400s"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn rates_may_be_short() {
        assert_eq!(rate("5k"), Ok(5_000.0));
        assert_eq!(rate("1.5M/s"), Ok(1_500_000.0));
        assert_eq!(rate("0.1"), Ok(0.1));
        assert!(rate("0").is_err() && rate("-1").is_err() && rate("k").is_err());
        assert_eq!(count("2k"), Ok(2_000));
        assert!(count("0.5").is_err());
    }

    #[test]
    fn shares_and_numbers_of_interests_are_within_bounds() {
        assert_eq!((share("0"), share("0.25"), share("1")), (Ok(0.0), Ok(0.25), Ok(1.0)));
        assert!(share("1.1").is_err() && share("nan").is_err() && exponent("-1").is_err());
        assert_eq!((each("3"), each("1-5"), each("0-10")), (Ok(3..=3), Ok(1..=5), Ok(0..=10)));
        assert!(each("5-1").is_err() && each("1-11").is_err() && each("few").is_err());
        assert_eq!(relax("strict"), Ok(Relax::Strict));
        assert!(relax("easy").is_err());
    }

    #[test]
    fn targets_are_addresses_or_names() {
        assert_eq!(target("127.0.0.1:80"), Ok(([127, 0, 0, 1], 80).into()));
        assert!(target("localhost:80").unwrap().ip().is_loopback());
        assert!(target("127.0.0.1").is_err());
    }

    #[test]
    fn there_is_at_least_one_source() {
        assert_eq!("one-each".parse(), Ok(Sources::OneEach));
        assert_eq!("3".parse(), Ok(Sources::Few(3)));
        let given = ["10.0.0.1", "fd00::1"].map(|address| address.parse().unwrap());
        assert_eq!("10.0.0.1, fd00::1".parse(), Ok(Sources::Given(given.to_vec())));
        assert!("0".parse::<Sources>().is_err() && "here".parse::<Sources>().is_err());
    }

    #[test]
    fn seeds_are_read_as_they_are_written() {
        let seed = Seed::fresh();
        assert_eq!(seed.to_string().parse(), Ok(seed));
        assert!("0xff".parse::<Seed>().is_err());
    }
}
