//! A connection, from its first byte to its last.

use crate::acceptor::Acceptor;
use crate::alert::Alert;
use crate::handshake::{Done, Handshake};
use crate::traffic::{Peer, Traffic};

/// One connection: wire on one side, what is said on the other.
pub struct Connection {
    pub(crate) state: State,
    /// To be sent before anything else, as it is.
    pub(crate) outgoing: Vec<u8>,
}

pub(crate) enum State {
    /// Nothing came yet, and nothing is kept for it.
    Fresh(Acceptor),
    Handshake(Box<Handshake>),
    /// Not boxed: this is what nearly all connections are, nearly all of the time.
    Traffic(Traffic),
    /// Both sides will say no more; this alert is ours to send.
    Ending(Traffic, Alert),
    Over,
}

/// What came of the bytes that were received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// There may be more.
    Open,
    /// Hands were shaken with these bytes. What followed has been heard already.
    Shaken {
        /// By a ticket.
        resumed: bool,
    },
    /// The peer has said its last, and said so. The connection is to be closed.
    Closed,
    /// It is over. The connection is to be closed; [`Connection::finish`] tells the peer why.
    Failed(Failure),
}

/// Why a connection is over before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Not a word of TLS: something else was meant to be spoken.
    NotTls,
    /// No agreement: of versions or ciphers, or the client broke the rules, or gave up.
    Handshake,
    /// The client broke the rules later, or somebody on the way did.
    Traffic(Alert),
    /// The client gave up.
    Peer,
    /// Ours is the fault.
    Internal,
}

impl Connection {
    /// A connection that was just accepted.
    pub fn new(acceptor: &Acceptor) -> Self {
        Self { state: State::Fresh(acceptor.clone()), outgoing: Vec::new() }
    }

    /// Whether it is still shaking hands: receiving then costs some 100 µs now and again, and not
    /// 0.2.
    pub fn is_handshaking(&self) -> bool {
        matches!(self.state, State::Fresh(_) | State::Handshake(_))
    }

    /// Keeps bytes for later, while hands are shaken; call [`Connection::receive`] with none of its
    /// own then.
    pub fn keep(&mut self, wire: &[u8]) -> Heard {
        let Some(handshake) = self.state.handshake() else { return Heard::Open };
        if handshake.keep(wire) < wire.len() {
            return self.fail(Failure::Handshake);
        }
        Heard::Open
    }

    /// Takes bytes off the wire, and hands on what they say.
    pub fn receive(&mut self, mut wire: &mut [u8], mut hear: impl FnMut(&mut [u8])) -> Heard {
        if !self.is_handshaking() {
            return self.hear(wire, hear);
        }
        let Done { traffic, mut rest, resumed } = match self.shake(&mut wire) {
            Ok(Some(done)) => done,
            Ok(None) => return Heard::Open,
            Err(failure) => return self.fail(failure),
        };
        self.state = State::Traffic(traffic);
        match self.hear(&mut rest, &mut hear) {
            Heard::Open => {}
            other => return other,
        }
        match self.hear(wire, hear) {
            Heard::Open => Heard::Shaken { resumed },
            other => other,
        }
    }

    /// Whether there is something to be sent that nobody asked for: call [`Connection::send`].
    pub fn has_output(&self) -> bool {
        let updates = matches!(&self.state, State::Traffic(traffic) if traffic.has_output());
        updates || !self.outgoing.is_empty()
    }

    /// Appends to `wire` what carries `plain`, behind whatever else there is to send. Before hands
    /// are shaken nothing can be said, and it is lost.
    pub fn send(&mut self, plain: &[u8], wire: &mut Vec<u8>) {
        self.send_own(wire);
        if let State::Traffic(traffic) = &mut self.state {
            traffic.send(plain, wire);
            if traffic.is_worn_out() {
                self.end(Alert::CloseNotify);
            }
        }
    }

    /// Appends the end: all that was said has been sent, and nothing more will be.
    pub fn finish(&mut self, wire: &mut Vec<u8>) {
        self.send_own(wire);
        match std::mem::replace(&mut self.state, State::Over) {
            State::Traffic(mut traffic) => traffic.end(Alert::CloseNotify, wire),
            State::Ending(mut traffic, alert) => traffic.end(alert, wire),
            State::Fresh(_) | State::Handshake(_) | State::Over => {}
        }
    }

    /// Answers, as it is, somebody who speaks something else ([`Failure::NotTls`]).
    pub fn answer_in_clear(&mut self, answer: &[u8]) {
        debug_assert!(matches!(self.state, State::Over));
        self.outgoing.extend_from_slice(answer);
    }

    fn send_own(&mut self, wire: &mut Vec<u8>) {
        if !self.outgoing.is_empty() {
            wire.append(&mut self.outgoing);
            self.outgoing = Vec::new();
        }
    }

    fn hear(&mut self, wire: &mut [u8], hear: impl FnMut(&mut [u8])) -> Heard {
        let State::Traffic(traffic) = &mut self.state else { return Heard::Open };
        match traffic.receive(wire, hear) {
            Ok(Peer::Goes) => Heard::Open,
            Ok(Peer::IsDone) => Heard::Closed,
            Ok(Peer::GaveUp) => self.fail(Failure::Peer),
            Err(alert) => self.fail(Failure::Traffic(alert)),
        }
    }

    /// Takes off the wire what belongs to the handshake, and perhaps a little more.
    fn shake(&mut self, wire: &mut &mut [u8]) -> Result<Option<Done>, Failure> {
        loop {
            let Some(handshake) = self.state.handshake() else { return Err(Failure::Internal) };
            let taken = handshake.keep(wire);
            *wire = &mut std::mem::take(wire)[taken..];
            if handshake.drive(&mut self.outgoing)? {
                break;
            }
            if wire.is_empty() {
                return Ok(None);
            }
            if taken == 0 {
                // A message that is longer than any has to be.
                return Err(Failure::Handshake);
            }
        }
        match std::mem::replace(&mut self.state, State::Over) {
            State::Handshake(handshake) => handshake.finish().map(Some),
            _ => Err(Failure::Internal),
        }
    }

    fn fail(&mut self, failure: Failure) -> Heard {
        match failure {
            Failure::Traffic(alert) => self.end(alert),
            Failure::Peer | Failure::NotTls | Failure::Handshake | Failure::Internal => {
                self.state = State::Over;
            }
        }
        Heard::Failed(failure)
    }

    /// Nothing more is said or heard but why.
    fn end(&mut self, why: Alert) {
        self.state = match std::mem::replace(&mut self.state, State::Over) {
            State::Traffic(traffic) => State::Ending(traffic, why),
            other => other,
        };
    }
}

impl State {
    /// The handshake, which begins with the first byte; None when it is done.
    fn handshake(&mut self) -> Option<&mut Handshake> {
        if let Self::Fresh(acceptor) = self {
            // An error would be one of the configuration.
            let handshake = Handshake::new(acceptor);
            *self = handshake.map_or(Self::Over, |handshake| Self::Handshake(handshake.into()));
        }
        match self {
            Self::Handshake(handshake) => Some(handshake),
            _ => None,
        }
    }
}
