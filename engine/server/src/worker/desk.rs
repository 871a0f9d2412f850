//! Where bytes become events.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::mpsc;
use whisper_core::http::{Method, write_error};
use whisper_core::ids::SessionId;
use whisper_core::limits::{Act, Heed};
use whisper_core::session::Input;
use whisper_core::shard::{Bearer, Effect, Effects, Envelope, Event, Shard};
use whisper_core::time::Micros;
use whisper_core::ws::{self, Opcode};
use whisper_proto::{ClientMessage, CloseCode};
use whisper_reactor::{ConnId, Io};
use whisper_shard_router::{Port, ShardId};
use whisper_store::bans::Identity;

use super::Common;
use super::abroad::Abroad;
use super::admission::{
    Admitted, Patience, Told, act_of, admit, challenge_required, door_link, passes,
};
use super::bans::{Heeded, Watch, heed, order_of};
use super::carrier::{Carrier, say, take};
use super::connections::{Connection, Connections};
use super::filing::{Departed, Filing, Inquiries};
use super::guest::{Door, Who};
use super::heads::Heads;
use super::link::link_of;
use super::moving::Errand;
use super::resuming::{Absentees, Way, resume, way_back};
use super::standing::known;
use super::verdicts::Verdicts;
use super::web::{self, Answered};
use crate::event_log::EventLog;

/// A worker without its reactor: what the reactor's news mean to it.
pub(super) struct Desk {
    pub(super) now: Micros,
    pub(super) shard: Shard,
    pub(super) port: Port<Envelope>,
    pub(super) connections: Connections,
    pub(super) paused: Vec<Paused>,
    /// Connections that go to another worker as soon as they can.
    pub(super) homeward: VecDeque<ConnId>,
    pub(super) told: VecDeque<Told>,
    /// The first bytes of handshakes whose owners have answered.
    pub(super) decided: VecDeque<(ConnId, Vec<u8>)>,
    pub(super) patience: Patience,
    pub(super) heads: Heads,
    pub(super) tally: Tally,
    pub(super) filings: mpsc::Sender<Filing>,
    pub(super) departed: Departed,
    pub(super) inquiries: Inquiries,
    pub(super) absentees: Absentees,
    pub(super) abroad: Abroad,
    pub(super) log: Option<EventLog>,
    pub(super) watch: Watch,
    pub(super) door: Arc<Door>,
    pub(super) common: Arc<Common>,
    /// Nothing happens by itself, see [`super::freezing`].
    pub(super) frozen: bool,
}

/// A connection that isn't read while a shard it feeds is behind.
pub(super) struct Paused {
    conn: ConnId,
    target: usize,
}

/// What a worker did for people so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// WebSockets opened.
    pub(crate) upgrades: u64,
    /// HTTP requests, upgrades and refused ones included.
    pub(crate) requests: u64,
    /// Messages received from people's clients.
    pub(crate) messages_in: u64,
    /// Messages written to people's clients.
    pub(crate) messages_out: u64,
    /// Frames that were no message.
    pub(crate) malformed: u64,
    /// Partners reported.
    pub(crate) reports: u64,
    /// Reports that the control thread had no room for.
    pub(crate) reports_lost: u64,
    /// Requests refused because their address has too many, or too often.
    pub(crate) refused_addresses: u64,
    /// Upgrades and connections refused because the box is full.
    pub(crate) refused_full: u64,
    /// Upgrades refused because the box is being emptied.
    pub(crate) refused_closed: u64,
    /// TLS handshakes refused because their address has too many connections, or comes too often.
    pub(crate) refused_handshakes: u64,
    /// Requests and handshakes refused because the owner of their address didn't answer.
    pub(crate) refused_unanswered: u64,
    /// Connections and requests that should have told their client's address, and didn't.
    pub(crate) refused_proxies: u64,
    /// Messages refused because a challenge wasn't met.
    pub(crate) refused_unproved: u64,
    /// Messages refused because their client was too fast.
    pub(crate) held_back: [u64; Act::COUNT],
    /// What rules found.
    pub(crate) verdicts: Verdicts,
    /// People banned by rules.
    pub(crate) sentenced: u64,
    /// Newcomers refused because they are banned.
    pub(crate) refused_banned: u64,
    /// Sessions ended by a ban.
    pub(crate) banned: u64,
    /// Tokens that were none of this process's, or too old.
    pub(crate) resumes_refused: u64,
}

impl Desk {
    /// Takes one event, and then what the shard has to say to itself.
    pub(super) fn handle(&mut self, io: &mut Io, event: Event<'_>) {
        let Self { now, shard, port, tally, told, abroad, filings, log, .. } = self;
        let mut carrier = Carrier::new(io, port, tally, told, abroad, filings, log.as_mut());
        take(shard, *now, event, &mut carrier);
    }

    /// The same for an event that may make somebody of a connection, and close another; whom, and
    /// which.
    pub(super) fn handle_opening(
        &mut self,
        io: &mut Io,
        event: Event<'_>,
    ) -> (Option<SessionId>, Option<ConnId>) {
        let Self { now, shard, port, tally, told, abroad, filings, log, .. } = self;
        let mut carrier = Carrier::new(io, port, tally, told, abroad, filings, log.as_mut());
        take(shard, *now, event, &mut carrier);
        (carrier.opened, carrier.closed)
    }

    /// Greets somebody once more, perhaps with something asked of them.
    pub(super) fn greet(&mut self, io: &mut Io, person: SessionId, challenge: Option<Vec<u8>>) {
        let Self { shard, port, tally, told, abroad, filings, log, .. } = self;
        let mut carrier = Carrier::new(io, port, tally, told, abroad, filings, log.as_mut());
        carrier.challenge = challenge;
        shard.greet(person, &mut carrier);
    }

    /// Takes what somebody says whose client another node hears.
    pub(super) fn say_for(
        &mut self,
        io: &mut Io,
        who: (SessionId, Who),
        message: ClientMessage<'_>,
    ) {
        let Self { now, shard, port, tally, told, abroad, filings, log, common, .. } = self;
        let mut carrier = Carrier::new(io, port, tally, told, abroad, filings, log.as_mut());
        say(who, message, (shard, *now), &mut carrier, common);
    }

    pub(super) fn hear_shards(&mut self, io: &mut Io, budget: usize) {
        let node = self.shard.id().node;
        for _ in 0..budget {
            let Some((from, envelope)) = self.port.recv() else { return };
            let from = ShardId { node, shard: from as u16 };
            self.handle(io, Event::FromShard { from, envelope });
            self.hear_answers(io);
        }
    }

    /// Takes what a client says.
    pub(super) fn hear(&mut self, io: &mut Io, conn: ConnId, input: &mut [u8]) {
        let Self {
            now,
            shard,
            port,
            connections,
            paused,
            told,
            patience,
            heads,
            tally,
            filings,
            log,
            watch,
            door,
            common,
            decided: _,
            departed: _,
            inquiries: _,
            absentees: _,
            homeward: _,
            abroad,
            frozen: _,
        } = self;
        let Some(connection) = connections.get_mut(conn) else { return };
        let Connection { session, person, guest, requests, .. } = connection;
        if guest.waits() {
            if !guest.keep(input) {
                io.abort(conn);
            }
            return;
        }
        let mut input = input;
        let mut is_back = None;
        let mut sets_out = false;
        let mut asks_abroad = false;
        let mut carrier = Carrier::new(io, port, tally, told, abroad, filings, log.as_mut());
        loop {
            let protocol = session.protocol();
            let Some(said) = session.next(&mut input) else { break };
            let too_soon = act_of(&said).and_then(|(act, id)| {
                let heed = guest.does(*now, act, &door.speech);
                if heed == Heed::Heard {
                    return None;
                }
                carrier.tally.held_back[act as usize] += 1;
                Some((heed, id))
            });
            let unproved = match &said {
                Input::Message(message) => !passes(guest, message, &common.challenges),
                _ => false,
            };
            let next = match (said, *person) {
                _ if let Some((heed, id)) = too_soon => {
                    carrier.hold_back(link_of(conn, protocol), heed, id)
                }
                (Input::Message(_), _) if unproved => {
                    carrier.tally.refused_unproved += 1;
                    let (link, message) = (link_of(conn, protocol), &challenge_required());
                    carrier.push(Effect::Send { link, message });
                    Answered::Kept
                }
                (Input::Message(message), Some(mut session)) => {
                    carrier.tally.messages_in += 1;
                    #[cfg(test)]
                    crate::crash::tests::choke_on(&message);
                    match way_back(&message, (shard, *now), carrier.abroad) {
                        None => {}
                        Some((Way::Here(claim), last_seq)) => {
                            let event = resume(Bearer::Here(session), claim, last_seq);
                            take(shard, *now, event, &mut carrier);
                            if let Some(back) = carrier.opened.take() {
                                (session, *person) = (back, Some(back));
                                is_back = Some(carrier.closed.take());
                                let event = known((session, guest.who()), None, (shard, *now));
                                take(shard, *now, event, &mut carrier);
                            }
                        }
                        Some((Way::Away { to, claim }, last_seq)) => {
                            let heeded = heed(guest, &message, (*now, &*watch.set, &**common));
                            guest.send(Errand::new((to, claim, last_seq), &message, heeded, *now));
                            *person = None;
                            let event = Event::Disconnected { session, broken: false };
                            take(shard, *now, event, &mut carrier);
                            sets_out = true;
                            break;
                        }
                        Some((Way::Abroad(home), _))
                            if let ClientMessage::Hello(hello) = &message =>
                        {
                            let heeded = heed(guest, &message, (*now, &*watch.set, &**common));
                            carrier.abroad.ask((home, conn), hello, (guest, heeded), *now);
                            asks_abroad = true;
                            break;
                        }
                        Some((Way::Nowhere | Way::Abroad(_), _)) => {
                            carrier.tally.resumes_refused += 1;
                            shard.greet(session, &mut carrier);
                        }
                    }
                    let heeded = heed(guest, &message, (*now, &*watch.set, &**common));
                    say((session, guest.who()), message, (shard, *now), &mut carrier, common);
                    match heeded {
                        Heeded::Fine => Answered::Kept,
                        Heeded::Owes(challenge) => {
                            carrier.challenge = Some(challenge);
                            shard.greet(session, &mut carrier);
                            carrier.challenge = None;
                            Answered::Kept
                        }
                        Heeded::Banned(ban) => {
                            carrier.tally.banned += 1;
                            *person = None;
                            let code = common.bans.code_of(&ban);
                            let order = order_of(session, &ban, &code);
                            take(shard, *now, Event::Order(order), &mut carrier);
                            Answered::Over
                        }
                    }
                }
                (Input::Malformed(error), Some(session)) => {
                    carrier.tally.malformed += 1;
                    take(shard, *now, Event::Malformed { session, error }, &mut carrier);
                    Answered::Kept
                }
                (Input::Message(message), None) if let Some(home) = guest.home_abroad() => {
                    carrier.tally.messages_in += 1;
                    carrier.abroad.relay((home, conn), &message);
                    Answered::Kept
                }
                (Input::Malformed(error), None) if guest.home_abroad().is_some() => {
                    carrier.tally.malformed += 1;
                    carrier.refuse(link_of(conn, protocol), &error);
                    Answered::Kept
                }
                (Input::Ping(payload), _) => {
                    carrier.io.write(conn, |out| ws::encode_frame(out, Opcode::Pong, payload));
                    Answered::Kept
                }
                // Every WebSocket is a person's, from its upgrade on.
                (Input::Pong | Input::Message(_) | Input::Malformed(_), _) => Answered::Kept,
                (Input::Request(mut request), _) => {
                    carrier.tally.requests += 1;
                    // A box that is full or being emptied keeps nobody for a next request.
                    request.keep_alive &= !(guest.late || common.room.is_closed());
                    *requests = requests.wrapping_add(1);
                    let admitted = admit(guest, &request, (&**door, &**common));
                    if let Admitted::Later(_) = admitted {
                        // It is heard again once the owner has answered; so is what follows it.
                        if !guest.keep(request.head) || !guest.keep(input) {
                            carrier.io.abort(conn);
                        }
                        carrier.io.pause(conn);
                        patience.begin(*now, conn);
                    }
                    if let Admitted::Yes(Some(ask)) | Admitted::Later(Some(ask)) = admitted {
                        let (link, visitor) = (door_link(conn), shard.visitor(guest.address));
                        take(shard, *now, Event::Asked { link, visitor, ask }, &mut carrier);
                    }
                    match admitted {
                        Admitted::Yes(_) => {
                            let context =
                                (&mut *guest, *now, &mut *shard, &*watch.set, (&**door, &**common));
                            web::answer(carrier.io, conn, &request, context)
                        }
                        Admitted::Later(_) => break,
                        Admitted::No(refusal) => {
                            refusal.count(carrier.tally);
                            let kept = guest.many && request.keep_alive;
                            let method = request.method;
                            carrier.io.write(conn, |out| refusal.write(out, method, kept));
                            if kept { Answered::Kept } else { Answered::Over }
                        }
                    }
                }
                (Input::Rejected(reject), _) => {
                    carrier.tally.requests += 1;
                    let status = reject.status();
                    carrier.io.write(conn, |out| write_error(out, status, Method::Get, None));
                    Answered::Over
                }
                (Input::Over(code), _) => {
                    carrier.io.write(conn, |out| ws::encode_close(out, code, ""));
                    Answered::Over
                }
            };
            match next {
                Answered::Kept => {}
                Answered::Upgraded(protocol) => {
                    carrier.tally.upgrades += 1;
                    session.upgraded(protocol);
                    let link = link_of(conn, protocol);
                    if !guest.exempt
                        && let Some((owed, challenge)) = common.challenges.make(*now)
                    {
                        guest.owe(owed);
                        carrier.challenge = Some(challenge);
                    }
                    take(shard, *now, Event::Connected { link }, &mut carrier);
                    carrier.challenge = None;
                    *person = carrier.opened.take();
                    if let Some(session) = *person {
                        let event = known((session, guest.who()), None, (shard, *now));
                        take(shard, *now, event, &mut carrier);
                    }
                }
                Answered::Banned => {
                    carrier.tally.refused_banned += 1;
                    session.over();
                    carrier.io.close(conn);
                }
                Answered::Over => {
                    session.over();
                    carrier.io.close(conn);
                }
            }
        }
        if let Some(target) = carrier.behind {
            io.pause(conn);
            paused.push(Paused { conn, target });
        }
        if asks_abroad {
            if !guest.keep(input) {
                io.abort(conn);
            }
            return io.pause(conn);
        }
        if session.is_within_head() {
            heads.begin(*now, conn, connection);
        }
        if sets_out {
            // What follows is heard at home.
            return self.set_out(io, conn, input);
        }
        if let Some(before) = is_back {
            self.release(before);
            self.look_at(io, conn, true);
        }
    }

    pub(super) fn resume_paused(&mut self, io: &mut Io) {
        let port = &self.port;
        self.paused.retain(|paused| {
            let behind = port.congested(paused.target);
            if !behind {
                io.resume(paused.conn);
            }
            behind
        });
    }
}

impl Desk {
    /// A last word to who doesn't read.
    pub(super) fn overflowed(&mut self, io: &mut Io, conn: ConnId) {
        let Some(connection) = self.connections.get_mut(conn) else { return };
        if connection.session.is_websocket() {
            let code = CloseCode::SlowReader as u16;
            io.write(conn, |out| ws::encode_close(out, code, "too much waits for you"));
        }
    }

    /// A connection is gone.
    pub(super) fn closed(&mut self, io: &mut Io, conn: ConnId) {
        let Some(mut connection) = self.connections.close(conn) else { return };
        let broken = !connection.session.is_over();
        if let Some(session) = connection.person {
            self.parted(io, (session, connection.guest.identity()), broken);
        }
        if let Some(journey) = connection.guest.take_journey() {
            self.abroad.gone(conn, &journey, broken);
        }
        self.let_out(io, conn, &connection.guest);
    }

    /// The connection that somebody had is gone.
    pub(super) fn parted(
        &mut self,
        io: &mut Io,
        (session, identity): (SessionId, Identity),
        broken: bool,
    ) {
        self.departed.leave(session, identity);
        self.handle(io, Event::Disconnected { session, broken });
        if self.shard.is_absent(session) {
            self.absentees.note(session, identity, &self.shard);
        }
    }

    /// Gives up those whose head takes too long.
    pub(super) fn give_up(&mut self, io: &mut Io) {
        self.heads.give_up(self.now, io, &mut self.connections);
    }
}
