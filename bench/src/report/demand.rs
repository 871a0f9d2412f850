//! `--threshold`: what a run must come to, as in `relay.p99<5ms` or `messages_per_second>=100000`.

use std::str::FromStr;

use thiserror::Error;

use super::result::Percentiles;

/// A bound for a latency's percentile or a figure.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Demand {
    /// As it was written.
    pub(crate) text: String,
    subject: Subject,
    relation: Relation,
    bound: f64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Subject {
    /// A latency and which of its numbers; how many microseconds the demand's unit has.
    Latency {
        name: String,
        statistic: String,
        unit_us: Unit,
    },
    Figure(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Nanos,
    Micros,
    Millis,
    Seconds,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Relation {
    Less,
    AtMost,
    More,
    AtLeast,
    Equal,
}

/// Why an expression is none.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub(crate) enum DemandError {
    /// No relation in it.
    #[error("compare something: with <, <=, >, >= or ==, as in relay.p99<5ms")]
    NoRelation,
    /// No number to compare with.
    #[error("no number after the relation, as in relay.p99<5ms")]
    NoNumber,
    /// A time without its unit, or with an unknown one.
    #[error("a latency needs a unit: ns, us, ms or s")]
    NoUnit,
    /// A unit after what has none.
    #[error("a figure is compared with a plain number; its unit is in its name")]
    UnitOfFigure,
    /// Not one of the numbers that a latency has.
    #[error("a latency has min, mean, p50, p90, p99, p99.9, p99.99 and max")]
    NoStatistic,
}

impl Demand {
    /// What it is about, in its unit, and whether it is met. None where there is no such thing; a
    /// demand on what was never measured is not met.
    pub(crate) fn judge(
        &self,
        figure: impl Fn(&str) -> Option<f64>,
        latency: impl Fn(&str) -> Option<Percentiles>,
    ) -> (Option<f64>, bool) {
        let value = match &self.subject {
            Subject::Figure(name) => figure(name),
            Subject::Latency { name, statistic, unit_us } => latency(name)
                .filter(|times| times.count > 0)
                .and_then(|times| times.named(statistic))
                .map(|us| us / unit_us.in_us()),
        };
        let met = value.is_some_and(|value| match self.relation {
            Relation::Less => value < self.bound,
            Relation::AtMost => value <= self.bound,
            Relation::More => value > self.bound,
            Relation::AtLeast => value >= self.bound,
            Relation::Equal => value == self.bound,
        });
        (value, met)
    }
}

impl FromStr for Demand {
    type Err = DemandError;

    fn from_str(text: &str) -> Result<Self, DemandError> {
        const RELATIONS: [(&str, Relation); 5] = [
            ("<=", Relation::AtMost),
            (">=", Relation::AtLeast),
            ("==", Relation::Equal),
            ("<", Relation::Less),
            (">", Relation::More),
        ];
        let place = text.find(['<', '>', '=']).ok_or(DemandError::NoRelation)?;
        let (subject, rest) = text.split_at(place);
        let (sign, relation) = RELATIONS
            .into_iter()
            .find(|(sign, _)| rest.starts_with(sign))
            .ok_or(DemandError::NoRelation)?;
        let rest = rest[sign.len()..].trim();
        let end = rest.find(|c: char| c.is_alphabetic() || c == '%').unwrap_or(rest.len());
        let (number, unit) = rest.split_at(end);
        let bound = number.trim().parse().map_err(|_| DemandError::NoNumber)?;
        let subject = match subject.trim().split_once('.') {
            None if unit.is_empty() => Subject::Figure(subject.trim().to_owned()),
            None => return Err(DemandError::UnitOfFigure),
            Some((name, statistic)) => {
                let (name, statistic) = (name.to_owned(), statistic.to_owned());
                if Percentiles::default().named(&statistic).is_none() {
                    return Err(DemandError::NoStatistic);
                }
                Subject::Latency { name, statistic, unit_us: unit.parse()? }
            }
        };
        Ok(Self { text: text.to_owned(), subject, relation, bound })
    }
}

impl Unit {
    fn in_us(self) -> f64 {
        match self {
            Self::Nanos => 1e-3,
            Self::Micros => 1.0,
            Self::Millis => 1e3,
            Self::Seconds => 1e6,
        }
    }
}

impl FromStr for Unit {
    type Err = DemandError;

    fn from_str(text: &str) -> Result<Self, DemandError> {
        Ok(match text {
            "ns" => Self::Nanos,
            "us" | "µs" => Self::Micros,
            "ms" => Self::Millis,
            "s" => Self::Seconds,
            _ => return Err(DemandError::NoUnit),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes of a demand where the p99 of `relay` is 5 ms, and 3 messages were lost.
    fn judge(text: &str) -> (Option<f64>, bool) {
        let times = Percentiles { count: 7, p99_us: 5_000.0, ..Percentiles::default() };
        let demand: Demand = text.parse().unwrap();
        demand.judge(
            |name| (name == "messages_lost").then_some(3.0),
            |name| (name == "relay").then_some(times),
        )
    }

    #[test]
    fn demands_are_met_or_not() {
        for (text, value, met) in [
            ("relay.p99<5ms", 5.0, false),
            ("relay.p99<=5ms", 5.0, true),
            ("relay.p99 < 5.001 ms", 5.0, true),
            ("relay.p99>4999us", 5_000.0, true),
            ("relay.p99==0.005s", 0.005, true),
            ("messages_lost == 3", 3.0, true),
            ("messages_lost>=4", 3.0, false),
        ] {
            assert_eq!(judge(text), (Some(value), met), "{text}");
        }
    }

    #[test]
    fn what_was_not_measured_meets_nothing() {
        assert_eq!(judge("match.p99<5ms"), (None, false));
        assert_eq!(judge("messages_doubled==0"), (None, false));
    }

    #[test]
    fn what_says_nothing_is_refused() {
        for (text, error) in [
            ("relay.p99", DemandError::NoRelation),
            ("relay.p99=5ms", DemandError::NoRelation),
            ("relay.p99<ms", DemandError::NoNumber),
            ("relay.p99<5", DemandError::NoUnit),
            ("relay.p98<5ms", DemandError::NoStatistic),
            ("messages_lost<1ms", DemandError::UnitOfFigure),
        ] {
            assert_eq!(text.parse::<Demand>(), Err(error), "{text}");
        }
    }
}
