//! One connection's dealings with the owner of its address, from accept to close.
//!
//! Most connections ask once, when they are accepted, and are answered before their request is
//! there: a WebSocket is then opened without waiting for anybody.

use super::admission::{Answer, Ask, Held};
use crate::codec::fields;
use crate::time::Span;

/// Where a connection stands: 4 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visit {
    held: Held,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nobody counts it.
    Free,
    /// The owner is asked, or holds what [`Visit`] says.
    Counted,
    Asked,
    /// What was asked for last may be done once.
    Granted,
    /// Come again after so many seconds.
    Refused(u8),
}

fields! {
    struct Visit { held, state }
    enum State {
        0 Free;
        1 Counted;
        2 Asked;
        3 Granted;
        4 Refused(seconds);
    }
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Answer it; where there is something to tell the owner, tell it.
    No(Option<Ask>),
    /// Keep it until the owner has answered; where there is something to ask, ask it.
    Yes(Option<Ask>),
    /// Refuse it: too many, or too often. It may be tried again after this long.
    Refused(Span),
}

const _: () = assert!(size_of::<Visit>() <= 4);

impl Visit {
    /// A connection that nobody counts: exempt.
    pub const FREE: Self = Self { held: Held::Nothing, state: State::Free };

    /// A proxy's connection: each of its requests is somebody's.
    pub const MANY: Self = Self { held: Held::Nothing, state: State::Counted };

    /// A connection that was just accepted, and what to ask of its owner.
    pub fn knock(tls: bool) -> (Self, Ask) {
        (Self { held: Held::Nothing, state: State::Asked }, Ask::Knock { tls })
    }

    /// Whether anything may be done for it that costs: a handshake.
    pub fn may_begin(&self) -> Wait {
        match self.state {
            State::Asked => Wait::Yes(None),
            State::Refused(secs) => Wait::Refused(Span::secs(secs.into())),
            State::Free | State::Counted | State::Granted => Wait::No(None),
        }
    }

    /// A request is there. `upgrade`: for a WebSocket.
    pub fn request(&mut self, upgrade: bool) -> Wait {
        let ask = if upgrade { Ask::Upgrade(self.held) } else { Ask::Request(self.held) };
        match self.state {
            State::Free => Wait::No(None),
            State::Asked => Wait::Yes(None),
            State::Refused(secs) => Wait::Refused(Span::secs(secs.into())),
            State::Granted => {
                self.state = State::Counted;
                Wait::No(None)
            }
            State::Counted if upgrade && self.held == Held::Reserved => {
                self.held = Held::Seat;
                Wait::No(Some(ask))
            }
            State::Counted => {
                self.state = State::Asked;
                Wait::Yes(Some(ask))
            }
        }
    }

    /// The owner has answered `ask`.
    pub fn answered(&mut self, ask: Ask, answer: Answer) {
        match answer {
            Answer::Granted(held) => {
                self.held = held;
                let knocked = matches!(ask, Ask::Knock { .. });
                self.state = if knocked { State::Counted } else { State::Granted };
            }
            Answer::Refused(wait) => {
                let secs = wait.0.div_ceil(1_000_000);
                self.state = State::Refused(u8::try_from(secs).unwrap_or(u8::MAX));
            }
        }
    }

    /// A proxy's request that was refused is over; the next may be somebody else's.
    pub fn next_visitor(&mut self) {
        if self.held == Held::Nothing && matches!(self.state, State::Refused(_)) {
            self.state = State::Counted;
        }
    }

    /// The connection is gone: what to tell the owner. Where an answer is still to come, see
    /// [`unclaimed`].
    pub fn leave(self) -> Option<Ask> {
        let told_later = self.state == State::Asked;
        (!told_later && self.held != Held::Nothing).then_some(Ask::Leave(self.held))
    }
}

/// What to tell the owner whose answer finds the connection gone.
pub fn unclaimed(ask: Ask, answer: Answer) -> Option<Ask> {
    let held = match answer {
        Answer::Granted(held) => held,
        Answer::Refused(_) => ask.held(),
    };
    (held != Held::Nothing).then_some(Ask::Leave(held))
}
