//! How often one person's client may say what.

use whisper_proto::ClientMessage;

use super::rate::{Meter, Rate};
use crate::codec::fields;
use crate::time::{Micros, Span};

/// What a client does, as far as it is metered: each kind apart, so that somebody who types a lot
/// can still leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Says something to the partner.
    Message,
    /// Tells that it is typing.
    Typing,
    /// Passes on signalling of a call, or toggles its picture or sound.
    Signal,
    /// Joins, skips or leaves.
    Join,
    /// Reports somebody.
    Report,
    /// Anything else: marks what was read, pings, says nonsense; control frames count as well.
    Other,
}

impl Act {
    /// How many kinds there are.
    pub const COUNT: usize = Self::Other as usize + 1;

    /// What saying this counts as.
    pub fn of(message: &ClientMessage<'_>) -> Self {
        match message {
            ClientMessage::Message(_) => Self::Message,
            ClientMessage::Typing { .. } => Self::Typing,
            ClientMessage::Signal(_)
            | ClientMessage::VideoToggle { .. }
            | ClientMessage::AudioToggle { .. } => Self::Signal,
            ClientMessage::Join(_) | ClientMessage::Skip(_) | ClientMessage::Leave => Self::Join,
            ClientMessage::Report(_) => Self::Report,
            ClientMessage::Hello(_)
            | ClientMessage::Ack { .. }
            | ClientMessage::Read { .. }
            | ClientMessage::Ping => Self::Other,
        }
    }
}

/// The rate of each kind of act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpeechRates {
    rates: [Rate; Act::COUNT],
    /// How many refusals a client may provoke before it is shown out.
    pub refusals: Rate,
}

impl SpeechRates {
    /// The rate of one kind.
    pub fn of(&mut self, act: Act) -> &mut Rate {
        &mut self.rates[act as usize]
    }
}

impl Default for SpeechRates {
    /// More than a quick person and a busy browser need; far less than a flood.
    fn default() -> Self {
        let mut rates = [Rate::per_minute(1, 1); Act::COUNT];
        rates[Act::Message as usize] = Rate::per_minute(90, 20);
        rates[Act::Typing as usize] = Rate::per_minute(120, 20);
        rates[Act::Signal as usize] = Rate::per_minute(600, 200);
        rates[Act::Join as usize] = Rate::per_minute(60, 20);
        rates[Act::Report as usize] = Rate::per_minute(10, 20);
        rates[Act::Other as usize] = Rate::per_minute(180, 60);
        Self { rates, refusals: Rate::per_minute(60, 120) }
    }
}

/// What becomes of an act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heed {
    /// It is heard.
    Heard,
    /// It comes too soon: the client is told for how long to hold it.
    TooSoon(Span),
    /// The client has been told often enough.
    Enough,
}

/// One person's meters: 28 bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Speech {
    acts: [Meter; Act::COUNT],
    refusals: Meter,
}

impl Speech {
    /// Meters that nothing was taken from.
    pub fn new(now: Micros) -> Self {
        Self { acts: [Meter::new(now); Act::COUNT], refusals: Meter::new(now) }
    }

    /// Meters one act.
    pub fn act(&mut self, now: Micros, act: Act, rates: &SpeechRates) -> Heed {
        match self.acts[act as usize].take(now, rates.rates[act as usize]) {
            Ok(()) => Heed::Heard,
            Err(wait) => match self.refusals.take(now, rates.refusals) {
                Ok(()) => Heed::TooSoon(wait),
                Err(_) => Heed::Enough,
            },
        }
    }
}

fields! { struct Speech { acts, refusals } }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_kind_running_dry_leaves_the_others() {
        let (now, rates) = (Micros(7), SpeechRates::default());
        let mut speech = Speech::new(now);
        for _ in 0..20 {
            assert_eq!(speech.act(now, Act::Message, &rates), Heed::Heard);
        }
        assert!(matches!(speech.act(now, Act::Message, &rates), Heed::TooSoon(_)));
        assert_eq!(speech.act(now, Act::Join, &rates), Heed::Heard);
    }

    #[test]
    fn whoever_never_listens_is_shown_out() {
        let (now, rates) = (Micros(7), SpeechRates::default());
        let mut speech = Speech::new(now);
        let heeds: Vec<_> = (0..200).map(|_| speech.act(now, Act::Typing, &rates)).collect();
        assert_eq!(heeds.iter().position(|heed| *heed == Heed::Enough), Some(20 + 120));
    }
}
