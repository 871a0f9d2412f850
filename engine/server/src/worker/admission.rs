//! Letting connections in: what a worker asks the owners of their addresses, and what becomes of
//! those who are refused.

use std::collections::VecDeque;

use whisper_core::http::{Head, HeaderValue, Method, Request, Status};
use whisper_core::ids::{Link, SessionId};
use whisper_core::limits::{Act, Answer, Ask, Heed, Visit, Visitor, Wait, unclaimed};
use whisper_core::moderation::Record;
use whisper_core::proxy::Proxied;
use whisper_core::session::Input;
use whisper_core::shard::Event;
use whisper_core::time::{Micros, Span};
use whisper_proto::{ClientMessage, ErrorCode, ErrorMessage, ServerMessage};
use whisper_reactor::{ConnId, Io};
use whisper_store::bans::Identity;

use super::Common;
use super::challenge::Challenges;
use super::connections::{Connection, Left};
use super::desk::{Desk, Tally};
use super::guest::{Door, Guest, Kept};
use crate::config::Service;

/// How long an owner may take to answer.
const ANSWER_MAX: Span = Span::secs(1);

/// When to come again where the box is full.
const FULL_RETRY: Span = Span::secs(30);

/// When to come again, elsewhere, where it is being emptied.
const CLOSED_RETRY: Span = Span::secs(1);

/// What comes of an event for the worker: what an owner has said, and who has gone.
pub(super) enum Told {
    /// Whether somebody may come in.
    Admission { link: Link, visitor: Visitor, ask: Ask, answer: Answer },
    /// What is held against somebody.
    Record { session: SessionId, record: Record },
    /// Somebody whose connection another node has is told to go.
    Gone { person: SessionId, identity: Identity },
}

/// Requests and handshakes that wait for an owner, by the time at which they have waited too long.
#[derive(Default)]
pub(super) struct Patience(VecDeque<(Micros, ConnId)>);

impl Patience {
    pub(super) fn begin(&mut self, now: Micros, conn: ConnId) {
        self.0.push_back((now + ANSWER_MAX, conn));
    }

    /// When there may be somebody to disappoint.
    pub(super) fn next(&self) -> Option<Micros> {
        self.0.front().map(|(at, _)| *at)
    }

    fn take_over(&mut self, now: Micros) -> Option<ConnId> {
        self.0.pop_front_if(|(at, _)| *at <= now).map(|(_, conn)| conn)
    }
}

/// What becomes of a request.
pub(super) enum Admitted {
    /// It is answered. The owner may be told something.
    Yes(Option<Ask>),
    /// It waits for the owner, who may have to be asked.
    Later(Option<Ask>),
    /// It is refused.
    No(Refusal),
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Too many from this address, or too often.
    TooMany(Span),
    /// The box has no room: no memory, or no place in this reactor's table.
    Full,
    /// The box is being emptied.
    Closed,
    /// A proxy doesn't say whose request it is.
    Unnamed,
    /// The owner doesn't answer.
    Unanswered,
}

impl Refusal {
    pub(super) fn count(self, tally: &mut Tally) {
        *match self {
            Self::TooMany(_) => &mut tally.refused_addresses,
            Self::Full => &mut tally.refused_full,
            Self::Closed => &mut tally.refused_closed,
            Self::Unnamed => &mut tally.refused_proxies,
            Self::Unanswered => &mut tally.refused_unanswered,
        } += 1;
    }

    /// Appends the answer.
    pub(super) fn write(self, out: &mut Vec<u8>, method: Method, keep_alive: bool) {
        const TEXT: HeaderValue<'static> = HeaderValue::from_static("text/plain; charset=utf-8");
        let (status, retry) = match self {
            Self::TooMany(wait) => (Status::TooManyRequests, Some(wait)),
            Self::Full => (Status::Unavailable, Some(FULL_RETRY)),
            Self::Closed => (Status::Unavailable, Some(CLOSED_RETRY)),
            Self::Unanswered => (Status::Unavailable, Some(ANSWER_MAX)),
            Self::Unnamed => (Status::BadRequest, None),
        };
        let retry_after = retry.map(|wait| wait.as_millis().div_ceil(1_000).max(1));
        let head = Head { content_type: Some(TEXT), retry_after, keep_alive, ..Head::new(status) };
        head.write_with_body(out, method, status.reason().as_bytes());
    }
}

/// Whether a request may be answered now.
pub(super) fn admit(
    guest: &mut Guest,
    request: &Request<'_>,
    (door, common): (&Door, &Common),
) -> Admitted {
    if guest.asked_for(request, door).is_err() {
        return Admitted::No(Refusal::Unnamed);
    }
    let upgrade = request.upgrade.is_some();
    if upgrade && common.room.is_closed() {
        return Admitted::No(Refusal::Closed);
    }
    // There is no place for the exempt either.
    if upgrade && (guest.late || (common.room.is_full() && !guest.exempt)) {
        return Admitted::No(Refusal::Full);
    }
    if guest.exempt {
        return Admitted::Yes(None);
    }
    match guest.visit.request(upgrade) {
        Wait::No(ask) => Admitted::Yes(ask),
        Wait::Yes(ask) => Admitted::Later(ask),
        Wait::Refused(wait) => {
            if guest.many {
                // The next request may be somebody else's.
                guest.visit = Visit::MANY;
            }
            Admitted::No(Refusal::TooMany(wait))
        }
    }
}

/// What something a client says counts as, and the client's name for it.
pub(super) fn act_of<'a>(said: &Input<'a>) -> Option<(Act, Option<&'a str>)> {
    let message = match said {
        Input::Message(message) => message,
        Input::Malformed(_) | Input::Ping(_) => return Some((Act::Other, None)),
        Input::Pong | Input::Request(_) | Input::Rejected(_) | Input::Over(_) => return None,
    };
    let id = match message {
        ClientMessage::Message(say) => say.id,
        ClientMessage::Report(report) => report.id,
        _ => None,
    };
    Some((Act::of(message), id))
}

/// Whether a message may pass while a challenge is owed; a proof in it is looked at.
pub(super) fn passes(
    guest: &mut Guest,
    message: &ClientMessage<'_>,
    challenges: &Challenges,
) -> bool {
    let Some(owed) = guest.owed() else { return true };
    match message {
        ClientMessage::Hello(hello) => {
            let Some(proof) = hello.proof else { return true };
            let met = challenges.is_met(owed, proof);
            if met {
                guest.owes_nothing();
            }
            met
        }
        ClientMessage::Join(_) | ClientMessage::Skip(_) => false,
        _ => true,
    }
}

/// What to answer to what came too soon; None where the client has been told often enough.
pub(super) fn too_fast(heed: Heed, id: Option<&str>) -> Option<ServerMessage<'_>> {
    let Heed::TooSoon(wait) = heed else { return None };
    Some(ServerMessage::Error(ErrorMessage {
        code: ErrorCode::RateLimited,
        message: "Too fast. Wait a little.",
        id,
        retry_after_ms: Some(wait.as_millis()),
    }))
}

/// What to answer to who asks for a partner before the challenge is met, or brings no proof of it.
pub(super) fn challenge_required() -> ServerMessage<'static> {
    ServerMessage::Error(ErrorMessage {
        code: ErrorCode::ChallengeRequired,
        message: "Many come at once: answer the challenge in hello.proof first.",
        id: None,
        retry_after_ms: None,
    })
}

/// The name of a connection in what is asked about it.
pub(super) fn door_link(conn: ConnId) -> Link {
    Link(conn.to_bits())
}

impl Desk {
    /// A connection is there: its address is known, or a proxy will tell it first. Where there are no
    /// more places than newcomers are answered on, it is cut off: in the backlog it would wait unheard.
    pub(super) fn let_in(&mut self, io: &mut Io, conn: ConnId, listener: u32, mut guest: Guest) {
        guest.late = match self.connections.left() {
            Left::Place => false,
            Left::Word => true,
            Left::Nothing => {
                Refusal::Full.count(&mut self.tally);
                return io.abort(conn);
            }
        };
        let door = &self.door;
        let believed = door.believes(guest.address);
        if self.common.is_proxied(listener) {
            if !believed {
                self.tally.refused_proxies += 1;
                return io.abort(conn);
            }
            guest.expect_header();
            let connection = self.connections.open(conn, guest);
            self.heads.begin(self.now, conn, connection);
        } else {
            guest.many = believed && door.forwarded.is_some();
            let connection = self.connections.open(conn, guest);
            self.heads.begin(self.now, conn, connection);
            self.knock(io, conn);
        }
    }

    /// Takes a PROXY header off the front of `input`. False where that is all, or too much.
    pub(super) fn read_header(&mut self, io: &mut Io, conn: ConnId, input: &mut &mut [u8]) -> bool {
        let Some(Connection { guest, .. }) = self.connections.get_mut(conn) else { return false };
        let Some(header) = guest.header() else { return true };
        match header.next(input) {
            Ok(None) => false,
            Ok(Some(proxied)) => {
                if let Proxied::Client(address) = proxied {
                    guest.address = address;
                }
                guest.header_is_read();
                self.knock(io, conn);
                true
            }
            Err(_) => {
                self.tally.refused_proxies += 1;
                io.abort(conn);
                false
            }
        }
    }

    /// Whether a connection's TLS handshake may begin with these bytes, its first. If not, they are
    /// kept until the owner of its address has answered ([`Desk::decided`]), or it is cut off:
    /// an answer would cost what it is refused.
    pub(super) fn may_shake(&mut self, io: &mut Io, conn: ConnId, wire: &[u8]) -> bool {
        let Some(Connection { guest, .. }) = self.connections.get_mut(conn) else { return false };
        match guest.visit.may_begin() {
            Wait::No(_) => return true,
            Wait::Yes(_) => {
                if !guest.waits() {
                    self.patience.begin(self.now, conn);
                    io.pause(conn);
                }
                if !guest.keep_handshake(wire) {
                    io.abort(conn);
                }
            }
            Wait::Refused(_) => {
                self.tally.refused_handshakes += 1;
                io.abort(conn);
            }
        }
        false
    }

    /// Hears what owners have answered, and goes on with whoever waited for it.
    pub(super) fn hear_answers(&mut self, io: &mut Io) {
        while let Some(told) = self.told.pop_front() {
            let (link, visitor, ask, answer) = match told {
                Told::Admission { link, visitor, ask, answer } => (link, visitor, ask, answer),
                Told::Record { session, record } => {
                    self.handle(io, Event::Remembered { session, record });
                    continue;
                }
                Told::Gone { person, identity } => {
                    self.departed.leave(person, identity);
                    continue;
                }
            };
            let conn = ConnId::from_bits(link.0);
            let Some(connection) = self.connections.get_mut(conn) else {
                if let Some(ask) = unclaimed(ask, answer) {
                    self.handle(io, Event::Asked { link, visitor, ask });
                }
                continue;
            };
            connection.guest.visit.answered(ask, answer);
            match connection.guest.take_kept() {
                Some(Kept::Request(mut kept)) => {
                    io.resume(conn);
                    self.hear(io, conn, &mut kept);
                }
                Some(Kept::Handshake(kept)) => {
                    io.resume(conn);
                    self.decided.push_back((conn, kept));
                }
                None => {}
            }
        }
    }

    /// Refuses those whose owner hasn't answered in time.
    pub(super) fn disappoint(&mut self, io: &mut Io) {
        while let Some(conn) = self.patience.take_over(self.now) {
            let Some(connection) = self.connections.get_mut(conn) else { continue };
            let Some(kept) = connection.guest.take_kept() else { continue };
            Refusal::Unanswered.count(&mut self.tally);
            match kept {
                // In the clear there is nothing to be said to it.
                Kept::Handshake(_) => io.abort(conn),
                Kept::Request(_) => {
                    connection.session.over();
                    io.write(conn, |out| Refusal::Unanswered.write(out, Method::Get, false));
                    io.close(conn);
                }
            }
        }
    }

    /// A connection is gone, and gives back what it held.
    pub(super) fn let_out(&mut self, io: &mut Io, conn: ConnId, guest: &Guest) {
        if let Some(ask) = guest.visit.leave() {
            let visitor = self.shard.visitor(guest.address);
            self.handle(io, Event::Asked { link: door_link(conn), visitor, ask });
        }
    }

    /// The address of a connection is known: asks its owner, unless nobody counts it.
    fn knock(&mut self, io: &mut Io, conn: ConnId) {
        let Some(Connection { guest, .. }) = self.connections.get_mut(conn) else { return };
        if guest.many {
            guest.visit = Visit::MANY;
            return;
        }
        guest.exempt = self.door.exempts(guest.address);
        if guest.exempt {
            return;
        }
        let (visit, ask) = Visit::knock(guest.service == Service::Tls);
        guest.visit = visit;
        let visitor = self.shard.visitor(guest.address);
        self.handle(io, Event::Asked { link: door_link(conn), visitor, ask });
    }
}
