//! Connections here of people at home on another node.

use whisper_core::session::{write_message, write_payload};
use whisper_core::settings::Drain;
use whisper_core::shard::Event;
use whisper_core::time::{Micros, Span};
use whisper_core::ws;
use whisper_proto::{Banned, ClientMessage, CloseCode, Hello, Reconnect, ServerMessage};
use whisper_reactor::{ConnId, Io};
use whisper_shard_router::ShardId;

use super::super::bans::{Heeded, ban_on};
use super::super::connections::Connection;
use super::super::desk::Desk;
use super::super::guest::Guest;
use super::super::standing::known;
use super::{Abroad, Come, RETURN, Roam};

/// How long a home may take to answer.
const ANSWER_MAX: Span = Span::secs(1);

/// How long they wait first where a link is lost, which may be there again by then: who has taken
/// over from their home reaches NATS, listens for 1.5 s, and is linked once its beats are heard, two
/// seconds after all. The third is to spare.
const AGAIN: Span = Span::secs(3);

/// How many are told to come back in one turn.
const PARTING_PER_TURN: usize = 256;

/// Where a connection's person is, or may be, at home.
#[derive(Debug)]
pub(in super::super) struct Journey {
    home: ShardId,
    /// That is being asked.
    asking: Option<Asking>,
}

/// What waits for a home's answer.
#[derive(Debug)]
struct Asking {
    /// What the client said of the person's language.
    language: Option<Box<str>>,
    /// What is asked of a client that the `hello` made suspect.
    challenge: Option<Vec<u8>>,
    /// What was said since.
    unheard: Vec<u8>,
    /// Until when the home may answer.
    until: Micros,
}

impl Journey {
    /// What is said while the home is asked is kept here.
    pub(in super::super) fn unheard(&mut self) -> Option<&mut Vec<u8>> {
        self.asking.as_mut().map(|it| &mut it.unheard)
    }

    /// Whether the home is being asked.
    pub(in super::super) fn is_asking(&self) -> bool {
        self.asking.is_some()
    }

    /// The home, once the person is known to be there.
    pub(in super::super) fn home(&self) -> Option<ShardId> {
        (!self.is_asking()).then_some(self.home)
    }
}

impl Abroad {
    /// Asks the home that a token names whether its bearer can be brought back. What the connection
    /// says meanwhile is kept.
    pub(in super::super) fn ask(
        &mut self,
        (home, conn): (ShardId, ConnId),
        hello: &Hello<'_>,
        (guest, heeded): (&mut Guest, Heeded),
        now: Micros,
    ) {
        let challenge = match heeded {
            Heeded::Owes(challenge) => Some(challenge),
            // Who is banned is told so at home, or here once they stay.
            Heeded::Fine | Heeded::Banned(_) => None,
        };
        let come = Come {
            token: hello.resume.unwrap_or_default().to_vec(),
            last_seq: hello.last_seq.unwrap_or_default(),
            language: hello.language.map(str::to_owned),
            challenge: challenge.clone(),
            who: guest.who(),
        };
        let (language, until) = (hello.language.map(Box::from), now + ANSWER_MAX);
        let asking = Asking { language, challenge, unheard: Vec::new(), until };
        guest.set_out(Journey { home, asking: Some(asking) });
        self.asking.push_back((until, conn));
        self.send(home, Roam::Come { conn: conn.to_bits(), come });
    }

    /// Brings what a visitor says to their home.
    pub(in super::super) fn relay(
        &mut self,
        (home, conn): (ShardId, ConnId),
        message: &ClientMessage<'_>,
    ) {
        let mut payload = Vec::new();
        message.encode(&mut payload);
        self.send(home, Roam::Said { conn: conn.to_bits(), payload });
    }

    /// A connection is gone that was on a journey.
    pub(in super::super) fn gone(&mut self, conn: ConnId, journey: &Journey, broken: bool) {
        self.visitors -= usize::from(!journey.is_asking());
        self.send(journey.home, Roam::Left { conn: conn.to_bits(), broken });
    }
}

impl Desk {
    /// The home refuses: whoever it is stays here.
    pub(super) fn refused_abroad(&mut self, io: &mut Io, (from, conn): (ShardId, ConnId)) {
        if self.is_at(from, conn) {
            self.stay(io, conn);
        }
    }

    /// The home says something to a visitor; its first word is that it knows them.
    pub(super) fn told_abroad(
        &mut self,
        io: &mut Io,
        (from, conn): (ShardId, ConnId),
        payload: &[u8],
        fleeting: bool,
    ) {
        if !self.is_at(from, conn) {
            return;
        }
        let Some(connection) = self.connections.get_mut(conn) else { return };
        let protocol = connection.session.protocol();
        let taken_in = connection.guest.journey_mut().and_then(|it| it.asking.take());
        let before = taken_in.as_ref().and_then(|_| connection.person.take());
        self.tally.messages_out += 1;
        let write = |out: &mut Vec<u8>| write_payload(out, payload, protocol);
        if fleeting {
            io.write_droppable(conn, write);
        } else {
            io.write(conn, write);
        }
        if let Some(session) = before {
            self.handle(io, Event::Disconnected { session, broken: false });
        }
        if let Some(Asking { mut unheard, .. }) = taken_in {
            self.abroad.visitors += 1;
            io.resume(conn);
            self.hear(io, conn, &mut unheard);
        }
    }

    /// The home has a visitor's connection closed.
    pub(super) fn closed_abroad(
        &mut self,
        io: &mut Io,
        (from, conn): (ShardId, ConnId),
        code: u16,
    ) {
        if !self.is_at(from, conn) {
            return;
        }
        let Some(connection) = self.connections.get_mut(conn) else { return };
        let journey = connection.guest.take_journey();
        self.abroad.visitors -= usize::from(journey.is_some_and(|it| !it.is_asking()));
        connection.session.over();
        io.write(conn, |out| ws::encode_close(out, code, ""));
        io.close(conn);
    }

    /// A node can't be reached: whoever asked there stays here, and its people are to come back by
    /// another way.
    pub(super) fn lose_home(&mut self, io: &mut Io, node: u16) {
        for place in 0..self.connections.span() {
            let Some((conn, connection)) = self.connections.at(place) else { continue };
            let Some(journey) = connection.guest.journey_mut() else { continue };
            match journey.is_asking() {
                _ if journey.home.node != node => {}
                true => {
                    self.tally.resumes_refused += 1;
                    self.stay(io, conn);
                }
                false => self.abroad.parting.push_front((self.now, conn)),
            }
        }
    }

    /// Everybody who has a connection here goes elsewhere, visitors too: evenly within the time of
    /// those who are in no chat, as theirs go on.
    pub(in super::super) fn drain_visitors(&mut self, drain: Drain) {
        let visitors: Vec<_> = (0..self.connections.span())
            .filter_map(|place| {
                let (conn, connection) = self.connections.at(place)?;
                connection.guest.journey_mut()?.home().map(|_| conn)
            })
            .collect();
        let (all, time) = (visitors.len().max(1) as u64, drain.chats_from.since(drain.began));
        let moment = |nth: u64| drain.began + Span(time.0 / all * nth);
        let parting = (0..).zip(visitors).map(|(nth, conn)| (moment(nth), conn));
        self.abroad.parting.retain(|(at, _)| *at < drain.began);
        self.abroad.parting.extend(parting);
        self.abroad.jitter = drain.jitter.max(RETURN);
    }

    /// A process before had connections of people at home elsewhere, which don't follow to this one.
    pub(in super::super) fn part_soon(&mut self, conn: ConnId) {
        self.abroad.parting.push_back((self.now, conn));
    }

    /// Lets those stay here whose homes haven't answered, and tells those to come back whose moment
    /// has come.
    pub(in super::super) fn travel_on(&mut self, io: &mut Io) {
        while let Some((at, conn)) = self.abroad.asking.pop_front_if(|(at, _)| *at <= self.now) {
            self.give_up_asking(io, conn, at);
        }
        for _ in 0..PARTING_PER_TURN {
            let due = self.abroad.parting.pop_front_if(|(at, _)| *at <= self.now);
            let Some((_, conn)) = due else { return };
            self.part(io, conn);
        }
    }

    /// Asks no more: whoever waits for an answer stays here.
    pub(in super::super) fn ask_no_more(&mut self, io: &mut Io) {
        for (until, conn) in std::mem::take(&mut self.abroad.asking) {
            self.give_up_asking(io, conn, until);
        }
    }

    /// Asks no more on behalf of a connection that has asked until this time. The home may have brought
    /// them back just now: it is told that they aren't coming.
    fn give_up_asking(&mut self, io: &mut Io, conn: ConnId, until: Micros) {
        let Some(Connection { guest, .. }) = self.connections.get_mut(conn) else { return };
        let Some(journey) = guest.journey_mut() else { return };
        if journey.asking.as_ref().is_none_or(|it| it.until != until) {
            return;
        }
        self.abroad.gone(conn, journey, false);
        self.tally.resumes_refused += 1;
        self.stay(io, conn);
    }

    /// Somebody who asked elsewhere is somebody new here, as they were told, and hears so again.
    fn stay(&mut self, io: &mut Io, conn: ConnId) {
        let Some(Connection { guest, person, .. }) = self.connections.get_mut(conn) else { return };
        let Some(Asking { language, challenge, mut unheard, .. }) =
            guest.take_journey().and_then(|it| it.asking)
        else {
            return;
        };
        let (person, who) = (*person, guest.who());
        io.resume(conn);
        if let Some(session) = person {
            self.greet(io, session, challenge);
            let hello = Hello { language: language.as_deref(), ..Hello::default() };
            self.handle(io, Event::Message { session, message: ClientMessage::Hello(hello) });
            let event = known((session, who), None, (&self.shard, self.now));
            self.handle(io, event);
            self.look_at(io, conn, false);
        }
        self.hear(io, conn, &mut unheard);
    }

    /// Tells a visitor to come back by another way. Nobody has said that it ends: they are waited for.
    fn part(&mut self, io: &mut Io, conn: ConnId) {
        let jitter = self.abroad.jitter;
        let Some(Connection { session, guest, person, .. }) = self.connections.get_mut(conn) else {
            return;
        };
        if person.is_some() || !session.is_websocket() {
            return;
        }
        let protocol = session.protocol();
        let mut after_ms = share(jitter, conn);
        let journey = guest.take_journey();
        if journey.as_ref().is_none_or(|it| !self.abroad.nodes.are_linked(it.home.node)) {
            after_ms += AGAIN.as_millis();
        }
        if let Some(journey) = journey {
            self.abroad.gone(conn, &journey, true);
        }
        session.over();
        let reconnect = Reconnect { after_ms, url: None };
        io.write(conn, |out| {
            write_message(out, &ServerMessage::Reconnect(reconnect), protocol);
            ws::encode_close(out, CloseCode::Restart.as_u16(), "");
        });
        io.close(conn);
    }

    /// A visitor is banned here, whatever their home knows of it.
    pub(in super::super) fn turn_visitor_away(&mut self, io: &mut Io, conn: ConnId) {
        let Some(Connection { session, guest, .. }) = self.connections.get_mut(conn) else {
            return;
        };
        if guest.home_abroad().is_none() {
            return;
        }
        let Some(ban) = ban_on(&self.watch.set, self.now, guest) else { return };
        let Some(journey) = guest.take_journey() else { return };
        let (protocol, code) = (session.protocol(), self.common.bans.code_of(&ban));
        session.over();
        self.abroad.gone(conn, &journey, false);
        self.tally.banned += 1;
        let banned = Banned { reason: &ban.reason, code: &code, until: ban.until };
        io.write(conn, |out| {
            write_message(out, &ServerMessage::Banned(banned), protocol);
            ws::encode_close(out, CloseCode::Banned.as_u16(), "");
        });
        io.close(conn);
    }

    /// Whether a connection's person is, or may be, at home there.
    fn is_at(&mut self, home: ShardId, conn: ConnId) -> bool {
        let connection = self.connections.get_mut(conn);
        let journey = connection.and_then(|it| it.guest.journey_mut());
        journey.is_some_and(|it| it.home == home)
    }
}

/// A part of a time in milliseconds, another one for each place: any run of them is spread evenly
/// by the golden ratio.
fn share(time: Span, conn: ConnId) -> u32 {
    const GOLDEN: u32 = 0x9e37_79b9;
    let part = u64::from(conn.slot().wrapping_mul(GOLDEN));
    ((u64::from(time.as_millis()) * part) >> 32) as u32
}
