//! The people of one reactor, and their connections.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use siphasher::sip128::SipHasher13;
use whisper_core::ws::{self, Opcode};
use whisper_proto::ServerMessage;
use whisper_reactor::{Closed, ConnId, Handler, Io, Opened};

use super::error::LostBy;
use super::tls::Streams;
use super::{Clock, DriveError, Lost, News, PersonId, Scenario, Scene};
use crate::cli::Writes;
use crate::client::{Client, Heard};
use crate::plan::{Dialect, Load, Plan};
use crate::record::Count;

/// Everybody, and how far they are.
pub(super) struct Crowd {
    plan: Arc<Plan>,
    /// Who these are, as all reactors together number people.
    names: Range<usize>,
    people: Vec<Person>,
    /// Who is behind a slot of the reactor.
    by_slot: Vec<PersonId>,
    /// How many shall be there who were not called by name.
    wanted: usize,
    /// Who shall connect, in order.
    to_dial: VecDeque<PersonId>,
    /// Who was sent elsewhere, and when they go there.
    moving: BinaryHeap<Reverse<(Instant, PersonId)>>,
    /// How many are between dialling and ready.
    on_the_way: usize,
    ready: usize,
    mask: u64,
    /// Sends so far: what is written between two of them leaves together.
    turn: u32,
    /// Frames that must not leave together with an earlier one of the same connection.
    held: VecDeque<Held>,
    /// What is left of frames of which the beginning was written.
    unfinished: BTreeMap<PersonId, Vec<u8>>,
    first_lost: Option<Lost>,
    /// Who speaks TLS, where that is spoken.
    streams: Option<Streams>,
    /// What was said on a wire, while it is heard.
    plain: Vec<u8>,
}

#[derive(Default)]
struct Person {
    conn: Option<ConnId>,
    client: Client,
    state: State,
    shard: Option<u16>,
    /// Which dial it is that counts.
    dial: u32,
    /// The turn in which it was last written to.
    written: u32,
    /// Was sent elsewhere, and stays there.
    moved: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Away,
    /// In the queue of those who shall connect.
    Waiting,
    /// Dialled, or not upgraded yet.
    OnTheWay,
    Ready,
}

struct Held {
    person: PersonId,
    conn: ConnId,
    frame: Vec<u8>,
}

impl Crowd {
    pub(super) fn new(plan: Arc<Plan>, reactor: usize) -> Self {
        let names = plan.share(reactor);
        Self {
            people: names.clone().map(|_| Person::default()).collect(),
            by_slot: Vec::new(),
            wanted: 0,
            to_dial: VecDeque::new(),
            moving: BinaryHeap::new(),
            on_the_way: 0,
            ready: 0,
            // Never 0, and another one for each reactor.
            mask: (plan.seed ^ (reactor as u64) << 32) | 1,
            turn: 1,
            held: VecDeque::new(),
            unfinished: BTreeMap::new(),
            first_lost: None,
            streams: plan.tls.as_ref().map(Streams::new),
            plain: Vec::new(),
            names,
            plan,
        }
    }

    /// How much is asked of them, and when.
    pub(super) fn load(&self) -> &Load {
        &self.plan.load
    }

    /// What encrypts what is written.
    pub(super) fn streams(&mut self) -> Option<&mut Streams> {
        self.streams.as_mut()
    }

    /// How many are there.
    pub(super) fn ready(&self) -> usize {
        self.ready
    }

    pub(super) fn is_ready(&self, person: PersonId) -> bool {
        self.people[person].state == State::Ready
    }

    pub(super) fn shard(&self, person: PersonId) -> Option<u16> {
        self.people[person].shard
    }

    pub(super) fn conn(&self, person: PersonId) -> Option<ConnId> {
        self.people[person].conn
    }

    /// The number of a person among those of all reactors.
    pub(super) fn name(&self, person: PersonId) -> u32 {
        (self.names.start + person) as u32
    }

    pub(super) fn first_lost(&mut self) -> Option<String> {
        self.first_lost.take().map(|why| why.to_string())
    }

    pub(super) fn note_lost(&mut self, why: Lost) {
        self.first_lost.get_or_insert(why);
    }

    /// Has the first so many people come, and those beyond leave who came so.
    pub(super) fn want(&mut self, io: &mut Io, people: usize) {
        let people = people.min(self.people.len());
        let before = std::mem::replace(&mut self.wanted, people);
        (before..people).for_each(|person| self.come(person));
        (people..before).for_each(|person| self.leave(io, person));
    }

    /// Has somebody come who is away.
    pub(super) fn come(&mut self, person: PersonId) {
        if self.people[person].state == State::Away {
            self.people[person].state = State::Waiting;
            self.to_dial.push_back(person);
        }
    }

    /// Has somebody leave, in good order.
    pub(super) fn leave(&mut self, io: &mut Io, person: PersonId) {
        if let Some(conn) = self.people[person].conn {
            if self.people[person].state == State::Ready {
                let mask = self.next_mask();
                let payload = 1000_u16.to_be_bytes();
                io.write(conn, |out| {
                    ws::encode_masked_frame(out, Opcode::Close, &payload, mask);
                });
            }
            io.close(conn);
        }
        self.forget(person);
    }

    /// Has somebody's connection end without a word.
    pub(super) fn vanish(&mut self, io: &mut Io, person: PersonId) {
        if let Some(conn) = self.people[person].conn {
            io.abort(conn);
        }
        self.forget(person);
    }

    /// Lets more of those come who shall, not all at once.
    pub(super) fn dial(&mut self, io: &mut Io) {
        let now = Instant::now();
        while let Some(Reverse((at, _))) = self.moving.peek()
            && *at <= now
            && let Some(Reverse((_, person))) = self.moving.pop()
        {
            self.to_dial.push_back(person);
        }
        while self.on_the_way < self.plan.on_the_way_max
            && let Some(person) = self.to_dial.pop_front()
        {
            let who = &mut self.people[person];
            if who.state != State::Waiting {
                continue;
            }
            who.state = State::OnTheWay;
            who.dial = who.dial.wrapping_add(1);
            let token = u64::from(who.dial) << 32 | person as u64;
            self.on_the_way += 1;
            let name = self.names.start + person;
            let also = self.plan.also.filter(|_| who.moved);
            let target = also.unwrap_or_else(|| self.plan.target(name));
            io.connect(target, self.plan.source(name), token);
        }
    }

    /// Whether some frames must wait for those before them to leave.
    pub(super) fn holds_frames(&self) -> bool {
        !self.held.is_empty()
    }

    /// What was written has left: the next frame of each who has one waiting may follow.
    pub(super) fn begin_turn(&mut self, io: &mut Io) {
        self.turn = self.turn.wrapping_add(1);
        for _ in 0..self.held.len() {
            let Some(held) = self.held.pop_front() else { return };
            let who = &mut self.people[held.person];
            if who.conn == Some(held.conn) && who.written == self.turn {
                self.held.push_back(held);
                continue;
            }
            who.written = self.turn;
            io.write(held.conn, |out| out.extend_from_slice(&held.frame));
        }
    }

    /// Writes bytes for somebody who is connected, whether or not they are a WebSocket.
    pub(super) fn write(&mut self, io: &mut Io, person: PersonId, bytes: &[u8]) {
        if let Some(conn) = self.people[person].conn {
            io.write(conn, |out| out.extend_from_slice(bytes));
        }
    }

    /// Writes what is left of somebody's frame, and this share of another. The rest of that one
    /// waits for the next call, or for [`Crowd::finish`].
    pub(super) fn part_of_frame(
        &mut self,
        io: &mut Io,
        person: PersonId,
        share: f64,
        payload: impl FnOnce(&mut Vec<u8>),
    ) {
        let mut frame = Vec::new();
        let mark = ws::begin_masked_frame(&mut frame, self.next_mask());
        payload(&mut frame);
        ws::end_frame(&mut frame, mark, Opcode::Binary);
        let cut = (frame.len() as f64 * share) as usize;
        let rest = frame.split_off(cut.clamp(1, frame.len() - 1));
        self.finish(io, person);
        self.write(io, person, &frame);
        self.unfinished.insert(person, rest);
    }

    /// Writes what is left of somebody's frame.
    pub(super) fn finish(&mut self, io: &mut Io, person: PersonId) {
        if let Some(rest) = self.unfinished.remove(&person) {
            self.write(io, person, &rest);
        }
    }

    /// Writes one frame for somebody who is connected; what `payload` appends is in it.
    pub(super) fn frame(
        &mut self,
        io: &mut Io,
        person: PersonId,
        payload: impl FnOnce(&mut Vec<u8>),
    ) {
        let mask = self.next_mask();
        let who = &mut self.people[person];
        let Some(conn) = who.conn else { return };
        let encode = |out: &mut Vec<u8>| {
            let mark = ws::begin_masked_frame(out, mask);
            payload(out);
            ws::end_frame(out, mark, Opcode::Binary);
        };
        if self.plan.writes == Writes::Single && who.written == self.turn {
            let mut frame = Vec::new();
            encode(&mut frame);
            self.held.push_back(Held { person, conn, frame });
            return;
        }
        who.written = self.turn;
        io.write(conn, encode);
    }

    /// Somebody was sent elsewhere, and goes there after a while.
    fn move_on(&mut self, io: &mut Io, person: PersonId, after: Duration) {
        self.leave(io, person);
        let who = &mut self.people[person];
        (who.moved, who.state) = (true, State::Waiting);
        self.moving.push(Reverse((Instant::now() + after, person)));
    }

    fn connected(&mut self, person: PersonId, conn: ConnId) {
        let slot = conn.slot() as usize;
        if self.by_slot.len() <= slot {
            self.by_slot.resize(slot + 1, person);
        }
        self.by_slot[slot] = person;
        self.people[person].conn = Some(conn);
    }

    fn arrived(&mut self, person: PersonId) {
        self.people[person].state = State::Ready;
        self.on_the_way -= 1;
        self.ready += 1;
    }

    /// Who is behind a connection, unless that is no more.
    fn behind(&self, conn: ConnId) -> Option<PersonId> {
        let person = *self.by_slot.get(conn.slot() as usize)?;
        (self.people.get(person)?.conn == Some(conn)).then_some(person)
    }

    /// Who dialled with this token, unless they have given it up.
    fn dialler(&self, token: u64) -> Option<PersonId> {
        let person = token as u32 as PersonId;
        let who = &self.people[person];
        let counts = who.state == State::OnTheWay && u64::from(who.dial) == token >> 32;
        counts.then_some(person)
    }

    /// Somebody has no connection any more; says whether they were ready.
    fn forget(&mut self, person: PersonId) -> bool {
        let who = &mut self.people[person];
        who.conn = None;
        who.client = Client::default();
        self.unfinished.remove(&person);
        let was = std::mem::take(&mut who.state);
        self.ready -= usize::from(was == State::Ready);
        self.on_the_way -= usize::from(was == State::OnTheWay);
        was == State::Ready
    }

    /// Another masking key (RFC 6455, section 10.3): a xorshift, which is as unpredictable as our
    /// loopback needs.
    fn next_mask(&mut self) -> [u8; 4] {
        self.mask ^= self.mask << 13;
        self.mask ^= self.mask >> 7;
        self.mask ^= self.mask << 17;
        ((self.mask >> 32) as u32).to_ne_bytes()
    }

    fn upgrade(&self, person: PersonId, out: &mut Vec<u8>) -> Client {
        let who = u64::from(self.people[person].dial) << 32 | u64::from(self.name(person));
        let hasher = SipHasher13::new_with_keys(self.plan.seed, 1);
        let nonce = hasher.hash(&who.to_le_bytes()).as_bytes();
        Client::upgrade(&self.plan.host, nonce, self.plan.dialect, out)
    }
}

/// What the reactor's news mean to the crowd and its scenario.
pub(super) struct Floor<'a, S> {
    pub(super) crowd: &'a mut Crowd,
    pub(super) clock: &'a mut Clock,
    pub(super) scenario: &'a mut S,
    pub(super) failure: Option<DriveError>,
}

impl<S: Scenario> Floor<'_, S> {
    fn tell(&mut self, io: &mut Io, person: PersonId, news: &News<'_>) {
        let mut scene = Scene::new(io, self.crowd, self.clock);
        if let Err(error) = self.scenario.heard(&mut scene, person, news) {
            self.failure.get_or_insert(error);
        }
    }

    fn take(&mut self, io: &mut Io, conn: ConnId, person: PersonId, heard: Heard<'_>) {
        let dialect = self.crowd.plan.dialect;
        let news = match heard {
            Heard::Shard(shard) => {
                self.crowd.people[person].shard = Some(shard);
                return io.write(conn, |out| {
                    let upgrading = self.crowd.upgrade(person, out);
                    self.crowd.people[person].client = upgrading;
                });
            }
            Heard::Ping(payload) => {
                let mask = self.crowd.next_mask();
                let pong =
                    |out: &mut Vec<u8>| ws::encode_masked_frame(out, Opcode::Pong, payload, mask);
                match self.crowd.unfinished.get_mut(&person) {
                    // Nothing may stand within a frame.
                    Some(rest) => pong(rest),
                    None => io.write(conn, pong),
                }
                News::Ping
            }
            Heard::Pong => return,
            Heard::Upgraded if dialect == Dialect::Whisper => return,
            Heard::Upgraded => News::Ready,
            Heard::Message(message @ ServerMessage::Connected(_)) => {
                // Whoever resumes is greeted again.
                if !self.crowd.is_ready(person) {
                    self.crowd.arrived(person);
                    self.tell(io, person, &News::Ready);
                }
                News::Message(message)
            }
            Heard::Message(ServerMessage::Reconnect(it)) if self.crowd.plan.also.is_some() => {
                self.clock.recorder.count(Count::Moved);
                return self.crowd.move_on(io, person, Duration::from_millis(it.after_ms.into()));
            }
            Heard::Message(message) => News::Message(message),
            Heard::Frame(frame) => News::Frame(frame),
            Heard::Close(code) => return self.lose(io, person, LostBy::Close(code)),
        };
        if matches!(news, News::Ready) {
            self.crowd.arrived(person);
        }
        self.tell(io, person, &news);
    }

    /// A connection ended without our doing.
    fn lose(&mut self, io: &mut Io, person: PersonId, how: LostBy) {
        if let Some(conn) = self.crowd.people[person].conn {
            io.abort(conn);
        }
        let why = Lost::new(self.crowd.forget(person), how);
        let mut scene = Scene::new(io, self.crowd, self.clock);
        if let Err(error) = self.scenario.lost(&mut scene, person, why) {
            self.failure.get_or_insert(error);
        }
    }
}

impl<S: Scenario> Floor<'_, S> {
    /// What was said on a connection.
    fn hear(&mut self, io: &mut Io, conn: ConnId, bytes: &mut [u8]) {
        let mut input = bytes;
        // Whoever heard something may have left upon it.
        while let Some(person) = self.crowd.behind(conn) {
            // What it says borrows from the client, and may concern the whole crowd.
            let mut client = std::mem::take(&mut self.crowd.people[person].client);
            let (more, keeps) = match client.next(&mut input) {
                Ok(Some(heard)) => {
                    // Where it was a question, the upgrade takes its place.
                    let keeps = !matches!(heard, Heard::Shard(_));
                    self.take(io, conn, person, heard);
                    (true, keeps)
                }
                Ok(None) => (false, true),
                Err(broken) => return self.lose(io, person, broken.into()),
            };
            if keeps && self.crowd.behind(conn).is_some() {
                self.crowd.people[person].client = client;
            }
            if !more {
                return;
            }
        }
    }
}

impl<S: Scenario> Handler for Floor<'_, S> {
    fn opened(&mut self, io: &mut Io, conn: ConnId, how: Opened) {
        let Opened::Connected { token } = how else { return };
        let Some(person) = self.crowd.dialler(token) else { return io.abort(conn) };
        self.crowd.connected(person, conn);
        if let Some(streams) = &mut self.crowd.streams
            && let Err(error) = streams.open(io, conn)
        {
            return self.lose(io, person, error.into());
        }
        self.tell(io, person, &News::Opened);
        if self.crowd.people[person].conn != Some(conn) {
            return; // the scenario had them leave
        }
        if !self.scenario.upgrades(person) {
            return;
        }
        io.write(conn, |out| {
            let client = match self.crowd.plan.ask_shard {
                true => Client::ask(&self.crowd.plan.host, out),
                false => self.crowd.upgrade(person, out),
            };
            self.crowd.people[person].client = client;
        });
    }

    fn received(&mut self, io: &mut Io, conn: ConnId, bytes: &mut [u8]) {
        let Some(streams) = &mut self.crowd.streams else { return self.hear(io, conn, bytes) };
        let mut plain = std::mem::take(&mut self.crowd.plain);
        let told = streams.receive(io, conn, bytes, &mut plain);
        self.hear(io, conn, &mut plain);
        plain.clear();
        self.crowd.plain = plain; // keep the allocation
        if let (Err(error), Some(person)) = (told, self.crowd.behind(conn)) {
            self.lose(io, person, error.into());
        }
    }

    fn closed(&mut self, io: &mut Io, conn: ConnId, why: Closed) {
        if let Some(person) = self.crowd.behind(conn) {
            self.crowd.people[person].conn = None;
            self.lose(io, person, LostBy::Socket(why));
        }
    }

    fn connect_failed(&mut self, io: &mut Io, token: u64, error: io::Error) {
        if let Some(person) = self.crowd.dialler(token) {
            self.lose(io, person, LostBy::Connecting(error));
        }
    }
}
