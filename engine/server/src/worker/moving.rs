//! Bringing connections home: whoever comes back to a session may have been accepted by any
//! reactor, and the shard that knows the session serves its connection too.
//!
//! The connection's `hello` is the last thing that is heard of it where it landed. What follows is
//! kept, the socket is [detached](whisper_reactor::Io::detach), and all that a worker knows of it
//! travels with it as one value: who it is, what it holds at the owner of its address, what it
//! said lately, the reader with half a frame in it, the keys of its encryption. The home worker
//! goes on from there as if it had heard the `hello` itself. Where the move doesn't come about, the
//! connection stays where it is, as a newcomer's.

use whisper_core::codec::{Damage, Field, Reader, Writer};
use whisper_core::ids::SessionId;
use whisper_core::resume::Claim;
use whisper_core::shard::Event;
use whisper_core::time::{Micros, Span};
use whisper_proto::{ClientMessage, Hello};
use whisper_reactor::{Cargo, ConnId, Io};

use super::bans::Heeded;
use super::connections::Connection;
use super::desk::Desk;
use super::front::Front;
use crate::tls::Stream;

/// How long a connection may wait until it can set out.
const WAIT_MAX: Span = Span::secs(1);

/// Why a connection goes elsewhere, and what was said before it could.
#[derive(Debug)]
pub(super) struct Errand {
    /// The worker that it goes to.
    to: usize,
    /// Whom its client claims to be.
    claim: Claim,
    /// The partner's highest message that its client has.
    last_seq: u64,
    /// What its client said of the person's language.
    language: Option<Box<str>>,
    /// What is asked of a client that the `hello` made suspect.
    challenge: Option<Vec<u8>>,
    /// Said after the `hello`, and not heard yet.
    pub(super) unheard: Vec<u8>,
    /// Until when it may try to set out.
    until: Micros,
}

/// A connection on its way, without its socket.
struct Traveller {
    connection: Connection,
    stream: Option<Box<Stream>>,
}

impl Errand {
    /// The errand that a `hello` sends its connection on, which was heeded.
    pub(super) fn new(
        (to, claim, last_seq): (usize, Claim, u64),
        hello: &ClientMessage<'_>,
        heeded: Heeded,
        now: Micros,
    ) -> Self {
        let language = match hello {
            ClientMessage::Hello(hello) => hello.language.map(Box::from),
            _ => None,
        };
        let challenge = match heeded {
            Heeded::Owes(challenge) => Some(challenge),
            // Who is banned is told so at home.
            Heeded::Fine | Heeded::Banned(_) => None,
        };
        let (unheard, until) = (Vec::new(), now + WAIT_MAX);
        Self { to, claim, last_seq, language, challenge, unheard, until }
    }
}

impl Errand {
    /// Whom its client claims to be has another name, and perhaps another home.
    pub(super) fn rename_claimed(&mut self, rename: impl Fn(SessionId) -> SessionId) {
        self.claim.session = rename(self.claim.session);
        self.to = self.claim.session.shard.into();
    }
}

impl Field for Errand {
    fn put(&self, w: &mut Writer<'_>) {
        let Self { to: _, claim, last_seq, language, challenge, unheard, until } = self;
        claim.put(w);
        last_seq.put(w);
        language.as_deref().map(str::to_owned).put(w);
        challenge.put(w);
        unheard.put(w);
        until.put(w);
    }

    fn get(r: &mut Reader<'_>) -> Result<Self, Damage> {
        let claim = Claim::get(r)?;
        Ok(Self {
            to: claim.session.shard.into(),
            claim,
            last_seq: u64::get(r)?,
            language: Option::<String>::get(r)?.map(Into::into),
            challenge: Field::get(r)?,
            unheard: Field::get(r)?,
            until: Micros::get(r)?,
        })
    }
}

impl Desk {
    /// Has a connection set out on its [`Errand`], as soon as it can. `unheard` was said already.
    pub(super) fn set_out(&mut self, io: &mut Io, conn: ConnId, unheard: &[u8]) {
        let Some(Connection { guest, .. }) = self.connections.get_mut(conn) else { return };
        if !guest.keep(unheard) {
            io.abort(conn);
        } else if !io.detach(conn) {
            self.homeward.push_back(conn);
        }
    }
}

impl Front<'_> {
    /// Lets those set out who could not before.
    pub(super) fn set_out_again(&mut self, io: &mut Io) {
        for _ in 0..self.desk.homeward.len() {
            let Some(conn) = self.desk.homeward.pop_front() else { return };
            let connection = self.desk.connections.get_mut(conn);
            let Some(errand) = connection.and_then(|it| it.guest.errand()) else { continue };
            if errand.until <= self.desk.now {
                io.reattach(conn);
                self.settle(io, conn);
            } else if io.is_detached(conn) {
                self.send_home(io, conn);
            } else {
                self.desk.set_out(io, conn, &[]);
            }
        }
    }

    /// A connection is detached: it goes where its errand leads.
    pub(super) fn send_home(&mut self, io: &mut Io, conn: ConnId) {
        let connection = self.desk.connections.get_mut(conn);
        let Some(to) = connection.and_then(|it| it.guest.errand()).map(|errand| errand.to) else {
            return io.reattach(conn);
        };
        let Some(connection) = self.desk.connections.close(conn) else { return };
        let traveller = Traveller { connection, stream: self.streams.take_out(conn) };
        let home = &self.desk.common.wakes[to];
        if let Err(cargo) = io.pass(conn, home, Box::new(traveller)) {
            // As many as may be are on their way there.
            self.unpack(conn, cargo);
            self.desk.homeward.push_back(conn);
        }
    }

    /// A connection is here, or back: its errand is done, or in vain.
    pub(super) fn take_in(&mut self, io: &mut Io, conn: ConnId, cargo: Cargo) {
        self.unpack(conn, cargo);
        self.settle(io, conn);
    }

    fn unpack(&mut self, conn: ConnId, cargo: Cargo) {
        // Nobody sends anything else.
        let Ok(traveller) = cargo.downcast::<Traveller>() else { return };
        let Traveller { connection, stream } = *traveller;
        self.desk.connections.put_in(conn, connection);
        if let Some(stream) = stream {
            self.streams.put_in(conn, stream);
        }
    }

    /// Has a connection speak for whom it claims, if that is somebody here, and hears the rest.
    fn settle(&mut self, io: &mut Io, conn: ConnId) {
        let desk = &mut *self.desk;
        let Some(connection) = desk.connections.get_mut(conn) else { return };
        let Some(errand) = connection.guest.take_errand() else { return };
        let Errand { claim, last_seq, language, challenge, mut unheard, .. } = errand;
        desk.take_over(io, conn, claim, last_seq);
        let person = desk.connections.get_mut(conn).and_then(|it| it.person);
        if let Some(session) = person {
            let hello = Hello { language: language.as_deref(), ..Hello::default() };
            desk.handle(io, Event::Message { session, message: ClientMessage::Hello(hello) });
            if challenge.is_some() {
                desk.greet(io, session, challenge);
            }
        }
        desk.hear(io, conn, &mut unheard);
    }
}
