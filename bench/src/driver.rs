//! The one loop: carries a plan out over a reactor, and lets a scenario say what people do.

use std::io;
use std::time::{Duration, Instant};

use nix::sys::prctl;
use siphasher::sip128::SipHasher13;
use thiserror::Error;
use whisper_core::ws::{self, Opcode};
use whisper_proto::{ClientMessage, ServerMessage};
use whisper_reactor::{Closed, ConnId, Handler, Io, Opened, Reactor, SetupError, Wait};

use crate::client::{Client, Heard};
use crate::measure::MeasureError;
use crate::plan::{Dialect, Plan};

/// Connections on their way at once: fewer than any sensible listen backlog.
const ON_THE_WAY_MAX: usize = 512;

/// How long nothing may happen while people are on their way.
const STALLED_AFTER: Duration = Duration::from_secs(10);

/// A person, numbered from 0. What a scenario knows of people it keeps by this number.
pub(crate) type PersonId = usize;

/// What people do.
pub(crate) trait Scenario {
    /// Somebody heard something.
    ///
    /// # Errors
    /// What makes it pointless to go on.
    fn heard(
        &mut self,
        net: &mut Net<'_>,
        person: PersonId,
        news: &News<'_>,
    ) -> Result<(), DriveError>;

    /// Does what is due, and says until when there is nothing more to do. Called once a turn.
    ///
    /// # Errors
    /// What makes it pointless to go on.
    fn turn(&mut self, net: &mut Net<'_>) -> Result<Next, DriveError>;
}

/// What a person's client has to tell.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "built on the stack, heard at once, never kept")]
pub(crate) enum News<'a> {
    /// It is there: upgraded, and greeted by an engine.
    Ready,
    /// A message of the engine.
    Message(ServerMessage<'a>),
    /// A bare frame.
    Frame(&'a [u8]),
    /// A ping. It is answered already.
    Ping,
}

/// When a scenario wants its next turn; it gets one after any news, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Then.
    At(Instant),
    /// When there is news.
    News,
    /// Never: it is over.
    Done,
}

/// Why a plan could not be carried out.
#[derive(Debug, Error)]
pub(crate) enum DriveError {
    /// There is no reactor here.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The ring failed.
    #[error("the ring: {0}")]
    Ring(io::Error),
    /// One table of sockets is too small.
    #[error("{people} people, and only {slots} sockets: raise RLIMIT_NOFILE")]
    TooFewSlots {
        /// People wanted.
        people: usize,
        /// Sockets to be had.
        slots: u32,
    },
    /// Somebody could not get in.
    #[error("person {person} could not connect: {why}")]
    NotReady {
        /// Who.
        person: PersonId,
        /// Why.
        why: String,
    },
    /// Nothing happens any more.
    #[error("stalled: {done} of {wanted} people {what}")]
    Stalled {
        /// How far it came.
        done: usize,
        /// How far it should have come.
        wanted: usize,
        /// What they are, or did.
        what: &'static str,
    },
    /// Something can't be measured.
    #[error(transparent)]
    Measure(#[from] MeasureError),
}

/// What became of the people.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    /// Connections that ended before their time.
    pub(crate) lost: usize,
    /// Why the first of them did.
    pub(crate) first_lost: Option<String>,
}

/// Carries a plan out until the scenario is over.
///
/// # Errors
/// Where it can't be, or the scenario gives up.
pub(crate) fn run(plan: Plan, scenario: &mut impl Scenario) -> Result<Outcome, DriveError> {
    // Without it timers may be late by 50 µs. Not vital.
    let _ = prctl::set_timerslack(1);
    let people = plan.people;
    // A closed connection keeps its slot for a moment; at the end all may be closing.
    let config = whisper_reactor::Config { slots: people as u32 + 64, ..Default::default() };
    let mut reactor = Reactor::new(config)?;
    if (reactor.slots() as usize) < people {
        return Err(DriveError::TooFewSlots { people, slots: reactor.slots() });
    }
    let mut crowd = Crowd::new(plan);
    loop {
        let io = reactor.io();
        let next = scenario.turn(&mut Net { io: &mut *io, crowd: &mut crowd })?;
        crowd.dial(io);
        crowd.check_progress()?;
        let wait = match next {
            Next::Done => return Ok(crowd.outcome),
            Next::News => Wait::For(STALLED_AFTER / 10),
            Next::At(due) => match due.saturating_duration_since(Instant::now()) {
                Duration::ZERO => Wait::No,
                left => Wait::For(left.min(STALLED_AFTER / 10)),
            },
        };
        reactor.wait(wait).map_err(DriveError::Ring)?;
        let mut floor = Floor { crowd: &mut crowd, scenario: &mut *scenario, failure: None };
        reactor.dispatch(&mut floor);
        if let Some(failure) = floor.failure {
            return Err(failure);
        }
    }
}

/// What a scenario acts through.
pub(crate) struct Net<'a> {
    io: &'a mut Io,
    crowd: &'a mut Crowd,
}

impl Net<'_> {
    /// Has so many people there, those already there included; the plan's number at most.
    pub(crate) fn want(&mut self, people: usize) {
        self.crowd.wanted = people.min(self.crowd.plan.people);
    }

    /// How many people are there.
    pub(crate) fn ready(&self) -> usize {
        self.crowd.ready
    }

    /// The shard that serves somebody, where the plan was to ask for it.
    pub(crate) fn shard(&self, person: PersonId) -> Option<u16> {
        self.crowd.people[person].shard
    }

    /// Has somebody say something to the engine.
    pub(crate) fn say(&mut self, person: PersonId, message: &ClientMessage<'_>) {
        self.frame(person, |out| message.encode(out));
    }

    /// Has somebody send bytes as they are.
    pub(crate) fn send(&mut self, person: PersonId, payload: &[u8]) {
        self.frame(person, |out| out.extend_from_slice(payload));
    }

    fn frame(&mut self, person: PersonId, payload: impl FnOnce(&mut Vec<u8>)) {
        let Some(conn) = self.crowd.people[person].conn else { return };
        let mask = self.crowd.next_mask();
        self.io.write(conn, |out| {
            let mark = ws::begin_masked_frame(out, mask);
            payload(out);
            ws::end_frame(out, mark, Opcode::Binary);
        });
    }
}

/// Everybody, and how far they are.
struct Crowd {
    plan: Plan,
    people: Vec<Person>,
    /// Who is behind a slot of the reactor.
    by_slot: Vec<PersonId>,
    wanted: usize,
    dialled: usize,
    ready: usize,
    progress: Instant,
    mask: u64,
    outcome: Outcome,
}

#[derive(Default)]
struct Person {
    conn: Option<ConnId>,
    client: Client,
    shard: Option<u16>,
    ready: bool,
}

impl Crowd {
    fn new(plan: Plan) -> Self {
        Self {
            wanted: 0,
            people: (0..plan.people).map(|_| Person::default()).collect(),
            by_slot: Vec::new(),
            dialled: 0,
            ready: 0,
            progress: Instant::now(),
            mask: plan.seed | 1,
            outcome: Outcome::default(),
            plan,
        }
    }

    /// Lets more people come, not all at once.
    fn dial(&mut self, io: &mut Io) {
        if self.dialled == self.ready {
            self.progress = Instant::now();
        }
        let to = self.wanted.min(self.ready + ON_THE_WAY_MAX);
        while self.dialled < to {
            let person = self.dialled;
            io.connect(self.plan.target, self.plan.source(person), person as u64);
            self.dialled += 1;
        }
    }

    fn check_progress(&self) -> Result<(), DriveError> {
        if self.dialled > self.ready && self.progress.elapsed() > STALLED_AFTER {
            let (done, wanted) = (self.ready, self.wanted);
            return Err(DriveError::Stalled { done, wanted, what: "are there" });
        }
        Ok(())
    }

    /// Who is behind a connection, unless that is no more.
    fn behind(&self, conn: ConnId) -> Option<PersonId> {
        let person = *self.by_slot.get(conn.slot() as usize)?;
        (self.people[person].conn == Some(conn)).then_some(person)
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
        let hasher = SipHasher13::new_with_keys(self.plan.seed, 1);
        let nonce = hasher.hash(&person.to_le_bytes()).as_bytes();
        Client::upgrade(&self.plan.host, nonce, self.plan.dialect, out)
    }
}

/// What the reactor's news mean to the crowd and its scenario.
struct Floor<'a, S> {
    crowd: &'a mut Crowd,
    scenario: &'a mut S,
    failure: Option<DriveError>,
}

impl<S: Scenario> Floor<'_, S> {
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
                io.write(conn, |out| {
                    ws::encode_masked_frame(out, Opcode::Pong, payload, mask);
                });
                News::Ping
            }
            Heard::Pong => return,
            Heard::Upgraded if dialect == Dialect::Whisper => return,
            Heard::Upgraded => News::Ready,
            Heard::Message(ServerMessage::Connected(_)) => News::Ready,
            Heard::Message(message) => News::Message(message),
            Heard::Frame(frame) => News::Frame(frame),
            Heard::Close(code) => {
                let code = code.map_or("no code".to_owned(), |code| code.to_string());
                return self.lose(io, person, format!("closed by the server with {code}"));
            }
        };
        if matches!(news, News::Ready) {
            self.crowd.people[person].ready = true;
            self.crowd.ready += 1;
            self.crowd.progress = Instant::now();
        }
        let mut net = Net { io, crowd: &mut *self.crowd };
        if let Err(error) = self.scenario.heard(&mut net, person, &news) {
            self.failure.get_or_insert(error);
        }
    }

    /// A connection ended before its time.
    fn lose(&mut self, io: &mut Io, person: PersonId, why: String) {
        let lost = &mut self.crowd.people[person];
        if let Some(conn) = lost.conn.take() {
            io.abort(conn);
        }
        if !lost.ready {
            self.failure.get_or_insert(DriveError::NotReady { person, why });
            return;
        }
        self.crowd.outcome.lost += 1;
        self.crowd.outcome.first_lost.get_or_insert(why);
    }
}

impl<S: Scenario> Handler for Floor<'_, S> {
    fn opened(&mut self, io: &mut Io, conn: ConnId, how: Opened) {
        let Opened::Connected { token } = how else { return };
        let person = token as PersonId;
        let slot = conn.slot() as usize;
        if self.crowd.by_slot.len() <= slot {
            self.crowd.by_slot.resize(slot + 1, person);
        }
        self.crowd.by_slot[slot] = person;
        self.crowd.people[person].conn = Some(conn);
        io.write(conn, |out| {
            let client = match self.crowd.plan.ask_shard {
                true => Client::ask(&self.crowd.plan.host, out),
                false => self.crowd.upgrade(person, out),
            };
            self.crowd.people[person].client = client;
        });
    }

    fn received(&mut self, io: &mut Io, conn: ConnId, bytes: &mut [u8]) {
        let Some(person) = self.crowd.behind(conn) else { return };
        let mut input = bytes;
        loop {
            // What it says borrows from the client, and may concern the whole crowd.
            let mut client = std::mem::take(&mut self.crowd.people[person].client);
            let more = match client.next(&mut input) {
                Ok(Some(heard)) => {
                    let asked = matches!(heard, Heard::Shard(_));
                    self.take(io, conn, person, heard);
                    if asked {
                        continue; // another client took its place
                    }
                    true
                }
                Ok(None) => false,
                Err(broken) => return self.lose(io, person, broken.to_string()),
            };
            self.crowd.people[person].client = client;
            if !more {
                return;
            }
        }
    }

    fn closed(&mut self, io: &mut Io, conn: ConnId, why: Closed) {
        let Some(person) = self.crowd.behind(conn) else { return };
        self.crowd.people[person].conn = None;
        self.lose(io, person, format!("closed: {why:?}"));
    }

    fn connect_failed(&mut self, _: &mut Io, token: u64, error: io::Error) {
        let person = token as PersonId;
        self.failure.get_or_insert(DriveError::NotReady { person, why: error.to_string() });
    }
}
