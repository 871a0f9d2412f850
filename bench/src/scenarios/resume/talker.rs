//! One person, and what they have to know to come back.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::channel::Channel;

/// Texts that may wait for somebody to be back; what is due beyond that is not said. The engine
/// keeps 64 for whoever is away.
const WAITING_MAX: usize = 32;

/// After so many texts it is said that they arrived.
const ACK_EVERY: u64 = 8;

/// Where somebody stands with the engine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Standing {
    /// Was never greeted.
    #[default]
    New,
    /// Is who they are.
    In,
    /// The connection was lost, and no other is greeted yet.
    Away,
    /// Has told the token, and waits for what becomes of it.
    Asking,
    /// The session is no more.
    Gone,
}

/// One person.
#[derive(Debug, Default)]
pub(super) struct Talker {
    pub(super) standing: Standing,
    /// Who they are in this session, and what brings it back.
    pub(super) user: Box<str>,
    pub(super) token: Box<[u8]>,
    pub(super) room: Option<Box<str>>,
    /// What the partner says.
    pub(super) partner: Channel,
    /// The highest number heard, and the highest that was said to have arrived.
    pub(super) heard: u64,
    told: u64,
    /// Since when the session has no connection.
    pub(super) away_since: Option<Instant>,
    /// When anything was heard last.
    heard_at: Option<Instant>,
    /// Since when it is asked whether anybody is there, after a silence.
    asked_at: Option<Instant>,
    /// When the present attempt to come back began.
    tries_since: Option<Instant>,
    /// The number of the next text.
    next: u32,
    /// What was said and not acknowledged, in order.
    waiting: VecDeque<Waiting>,
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    seq: u32,
    due: Duration,
    /// When it was sent last, on the present connection.
    sent: Option<Instant>,
}

impl Talker {
    /// Another text, due then; its number, unless too many wait.
    pub(super) fn begin(&mut self, due: Duration) -> Option<u32> {
        if self.waiting.len() >= WAITING_MAX {
            return None;
        }
        let seq = self.next;
        self.next += 1;
        self.waiting.push_back(Waiting { seq, due, sent: None });
        Some(seq)
    }

    /// A text is sent now; when it was due.
    pub(super) fn sending(&mut self, seq: u32) -> Option<Duration> {
        let waiting = self.waiting.iter_mut().find(|it| it.seq == seq)?;
        waiting.sent = Some(Instant::now());
        Some(waiting.due)
    }

    /// The engine has a text for good.
    pub(super) fn acknowledge(&mut self, seq: u32) {
        self.waiting.retain(|it| it.seq != seq);
    }

    /// The numbers of what the engine may not have.
    pub(super) fn unacknowledged(&self) -> impl Iterator<Item = u32> {
        self.waiting.iter().map(|it| it.seq)
    }

    /// A text of this number was heard; what to acknowledge now, if anything.
    pub(super) fn hear(&mut self, number: u64) -> Option<u64> {
        self.heard = self.heard.max(number);
        if self.heard < self.told + ACK_EVERY {
            return None;
        }
        self.told = self.heard;
        Some(self.heard)
    }

    /// The connection is lost, and another attempt begins.
    pub(super) fn leave(&mut self, now: Instant) {
        self.standing = if self.user.is_empty() { Standing::New } else { Standing::Away };
        self.away_since.get_or_insert(now);
        (self.tries_since, self.asked_at) = (Some(now), None);
        self.waiting.iter_mut().for_each(|it| it.sent = None);
    }

    /// Anything was heard.
    pub(super) fn listen(&mut self, now: Instant) {
        (self.heard_at, self.asked_at) = (Some(now), None);
    }

    /// Whether to ask whether anybody is there: after so long a silence, once.
    pub(super) fn asks_who_is_there(&mut self, now: Instant, silence: Duration) -> bool {
        let is_quiet = self.heard_at.is_some_and(|at| now.saturating_duration_since(at) > silence);
        let asks = self.standing == Standing::In && is_quiet && self.asked_at.is_none();
        if asks {
            self.asked_at = Some(now);
        }
        asks
    }

    /// Whether it is time to think that nothing arrives on the present connection.
    pub(super) fn waits_in_vain(&self, now: Instant, patience: Duration) -> bool {
        let since = match self.standing {
            Standing::In => self.waiting.front().and_then(|it| it.sent).or(self.asked_at),
            Standing::Away | Standing::Asking => self.tries_since,
            Standing::New | Standing::Gone => None,
        };
        since.is_some_and(|since| now.saturating_duration_since(since) > patience)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_acknowledged_is_said_again_in_order() {
        let mut talker = Talker { standing: Standing::In, user: "u".into(), ..Talker::default() };
        let numbers: Vec<_> = (0..WAITING_MAX).map(|_| talker.begin(Duration::ZERO)).collect();
        assert_eq!(numbers.iter().flatten().count(), WAITING_MAX);
        assert_eq!(talker.begin(Duration::ZERO), None, "no more than the engine would keep");
        talker.acknowledge(0);
        talker.acknowledge(2);
        assert_eq!(talker.unacknowledged().take(3).collect::<Vec<_>>(), [1, 3, 4]);
        assert_eq!(talker.begin(Duration::ZERO), Some(WAITING_MAX as u32));
    }

    #[test]
    fn patience_counts_from_what_was_sent_on_this_connection() {
        let mut talker = Talker { standing: Standing::In, user: "u".into(), ..Talker::default() };
        let (patience, later) = (Duration::from_secs(1), Instant::now() + Duration::from_secs(60));
        let seq = talker.begin(Duration::ZERO).unwrap();
        assert!(!talker.waits_in_vain(later, patience), "it was not sent yet");
        talker.sending(seq);
        assert!(talker.waits_in_vain(later, patience));
        talker.leave(later);
        assert_eq!(talker.standing, Standing::Away);
        assert!(!talker.waits_in_vain(later, patience), "the attempt has just begun");
        talker.acknowledge(seq);
        talker.standing = Standing::In;
        assert!(!talker.waits_in_vain(later + patience, patience), "nothing waits");
    }

    #[test]
    fn who_hears_nothing_asks_once_and_gives_up() {
        let mut talker = Talker { standing: Standing::In, user: "u".into(), ..Talker::default() };
        let (silence, now) = (Duration::from_millis(100), Instant::now());
        talker.listen(now);
        assert!(!talker.asks_who_is_there(now + silence, silence));
        let later = now + 2 * silence;
        assert!(talker.asks_who_is_there(later, silence));
        assert!(!talker.asks_who_is_there(later, silence), "it asked already");
        assert!(talker.waits_in_vain(later + 3 * silence, 2 * silence));
        talker.listen(later);
        assert!(!talker.waits_in_vain(later + 3 * silence, 2 * silence), "somebody is there");
    }

    #[test]
    fn what_arrived_is_acknowledged_now_and_then() {
        let mut talker = Talker::default();
        let told: Vec<_> = (1..=20).filter_map(|number| talker.hear(number)).collect();
        assert_eq!(told, [ACK_EVERY, 2 * ACK_EVERY]);
    }
}
