//! `handover`: people in every state that a connection can be in, while the server hands them all to
//! its next process again and again, at the word of a command of whoever runs it.
//!
//! Of ten pairs four talk, one has half a frame under way at any time ([`halves`]), three are
//! matched and say nothing until the end, and of two one waits in the queue for the other
//! ([`seekers`]). Every text proves whose it is and which, as in `relay`, and has to arrive once and
//! in order; nobody may lose their connection.

mod halves;
mod seekers;
mod upgrades;

use std::iter::Peekable;
use std::ops::Range;
use std::time::{Duration, Instant};

use rand::SeedableRng as _;
use rand::rngs::SmallRng;
use whisper_proto::{ClientMessage, Say, ServerMessage};

use self::halves::Halves;
use self::seekers::Seekers;
use self::upgrades::{Operating, Upgrades};
use super::{Failed, MESSAGES, UNMODERATED, interest, join, stay_on};
use crate::channel::{Arrival, Channel};
use crate::cli::{self, Wire};
use crate::driver::{DriveError, Gathered, News, PersonId, Scenario, Scene};
use crate::fleet;
use crate::operator::Operator;
use crate::payload::{BYTES_MIN, Seal, Stamp};
use crate::plan::{Arrivals, Load, Phase, Plan, Spacing};
use crate::record::{Count, Timing};
use crate::report::Report;

/// What a pair does, by the last digit of its number.
const ROLES: [Role; 10] = [
    Role::Talk,
    Role::Seek,
    Role::Keep,
    Role::Half,
    Role::Talk,
    Role::Keep,
    Role::Talk,
    Role::Seek,
    Role::Keep,
    Role::Talk,
];

/// The most that a command may take, for the length of the run.
const COMMAND_MAX: Duration = Duration::from_secs(30);

/// The longest that somebody waits in the queue: the engine's patience is 30 s.
const SEEK_MAX: Duration = Duration::from_secs(10);

/// The longest that the rest of a frame waits.
const HALF_MAX: Duration = Duration::from_secs(10);

/// How often it is looked how the command is doing.
const LOOK: Duration = Duration::from_millis(5);

/// Runs it.
///
/// # Errors
/// Where it can't be run; what goes wrong in it is in the report.
pub(crate) fn run(args: &cli::Handover, operator: &Operator) -> Result<Report, Failed> {
    stay_on(&args.aim.cores)?;
    let longest = (args.every + COMMAND_MAX) * u32::try_from(args.times).unwrap_or(u32::MAX);
    let load = Load::constant(args.warm_up, longest);
    let people = args.connections.next_multiple_of(2);
    let mut plan = Plan::new(&args.aim, Wire::default(), people, load)?;
    plan.together = 2;
    let operating = Operating::start(args)?;
    let upgrades = operating.upgrades();
    let ran = fleet::run(plan, operator, |plan, reactor| {
        Handover::new(plan, reactor, plan.share(reactor), args, upgrades.clone())
    });
    drop(upgrades);
    let mut ran = ran?;
    let balance: i64 = ran.rests.iter().sum();
    ran.ledger.add_late(Count::Lost, balance.max(0) as u64);
    let mut report = Report::of("handover", MESSAGES, &ran);
    report.count("connections", people);
    operating.end(&mut report);
    Ok(report)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// Talks when a message is due.
    Talk,
    /// Has half a frame under way.
    Half,
    /// Is matched, and silent.
    Keep,
    /// Waits in the queue, and is matched now and again.
    Seek,
}

/// One reactor's people.
struct Handover {
    seed: u64,
    seal: Seal,
    epoch: Instant,
    people: Vec<Person>,
    matched: usize,
    talkers: Vec<PersonId>,
    arrivals: Peekable<Arrivals>,
    /// Whose turn it is to talk.
    speaker: usize,
    halves: Halves,
    seekers: Seekers,
    upgrades: Upgrades,
    /// Handovers that had begun, and that had ended, when it was last looked.
    begun: usize,
    ended: usize,
    /// All of them are over, and noted.
    is_over: bool,
    /// The longest that a message took since the last one began.
    pause: Duration,
    /// Messages said here less messages that arrived here, of those who don't seek.
    balance: i64,
    text: Vec<u8>,
}

/// One person.
struct Person {
    role: Role,
    /// The number of the next text.
    next: u32,
    /// What the partner says.
    partner: Channel,
}

impl Handover {
    fn new(
        plan: &Plan,
        reactor: usize,
        names: Range<usize>,
        args: &cli::Handover,
        upgrades: Upgrades,
    ) -> Self {
        let role = |name: usize| ROLES[name / 2 % ROLES.len()];
        let rate = args.rate * names.len() as f64 / plan.people as f64;
        let offset = reactor as f64 / plan.reactors as f64;
        let seed = plan.seed.wrapping_add(reactor as u64);
        let random = |salt| SmallRng::seed_from_u64(seed ^ salt);
        let mark = format!("run{:08x}x{reactor}", plan.seed as u32);
        let mut seekers = Seekers::new(mark, (10 * args.every).min(SEEK_MAX), random(1));
        let of = |wanted| {
            let people = names.clone().map(role).enumerate();
            people.filter(move |(_, role)| *role == wanted).map(|(person, _)| person)
        };
        let who_seeks: Vec<_> = of(Role::Seek).collect();
        for pair in who_seeks.chunks_exact(2) {
            seekers.add(pair[0], pair[1]);
        }
        Self {
            seed: plan.seed,
            seal: Seal::new(plan.seed),
            epoch: plan.epoch,
            talkers: of(Role::Talk).collect(),
            people: names
                .map(|name| Person { role: role(name), next: 0, partner: Channel::default() })
                .collect(),
            matched: 0,
            arrivals: Arrivals::new(&plan.load, rate, offset, Spacing::Even, seed).peekable(),
            speaker: 0,
            halves: Halves::new((2 * args.every).min(HALF_MAX), random(2)),
            seekers,
            upgrades,
            begun: 0,
            ended: 0,
            is_over: false,
            pause: Duration::ZERO,
            balance: 0,
            text: Vec::new(),
        }
    }

    fn those_who(&self, role: Role) -> Vec<PersonId> {
        let all = self.people.iter().enumerate();
        all.filter(|(_, person)| person.role == role).map(|(person, _)| person).collect()
    }

    /// Writes somebody's next text, which was due then.
    fn write(&mut self, scene: &Scene<'_>, person: PersonId, seq: u32, due: Instant) {
        let stamp = Stamp { channel: scene.name(person), seq, due: due - self.epoch };
        self.seal.write(stamp, 0, BYTES_MIN, &mut self.text);
    }

    /// What says the text.
    fn saying(&self) -> ClientMessage<'_> {
        let content = str::from_utf8(&self.text).expect("texts are ASCII");
        ClientMessage::Message(Say { content, id: None, room: None })
    }

    /// Somebody has another text to say.
    fn next(&mut self, scene: &Scene<'_>, person: PersonId, due: Instant) {
        let seq = self.people[person].next;
        self.people[person].next += 1;
        self.balance += 1;
        self.write(scene, person, seq, due);
    }

    fn say(&mut self, scene: &mut Scene<'_>, person: PersonId, due: Instant) {
        self.next(scene, person, due);
        scene.say(person, &self.saying());
    }

    /// Has somebody send what is left of their frame, and begin another.
    fn say_half(&mut self, scene: &mut Scene<'_>, person: PersonId) {
        self.next(scene, person, Instant::now());
        scene.begin_to_say(person, self.halves.begin(person), &self.saying());
    }

    /// Somebody heard a text.
    fn arrived(&mut self, scene: &mut Scene<'_>, person: PersonId, text: &str) {
        let Some(stamp) = self.seal.read(text.as_bytes(), 0) else {
            return scene.count(Count::Foreign);
        };
        let Person { role, partner, .. } = &mut self.people[person];
        if *role == Role::Seek {
            return self.seekers.heard(scene, person, stamp.channel, stamp.seq);
        }
        if stamp.channel != scene.name(person) ^ 1 {
            return scene.count(Count::Foreign);
        }
        match partner.arrive(stamp.seq) {
            Arrival::Doubled => return scene.count(Count::Doubled),
            Arrival::Late => scene.count(Count::Reordered),
            Arrival::Good => {}
        }
        self.balance -= 1;
        scene.count(Count::Done);
        if *role == Role::Talk {
            let took = Instant::now().saturating_duration_since(self.epoch + stamp.due);
            scene.time(Timing::Relay, took);
            self.pause = self.pause.max(took);
        }
    }

    fn message(&mut self, scene: &mut Scene<'_>, person: PersonId, message: &ServerMessage<'_>) {
        let seeks = self.people[person].role == Role::Seek;
        match message {
            ServerMessage::Message(said) => self.arrived(scene, person, said.content),
            ServerMessage::Matched(_) if seeks => {
                if let Some(number) = self.seekers.matched(scene, person) {
                    self.write(scene, person, number, Instant::now());
                    scene.say(person, &self.saying());
                }
            }
            ServerMessage::Matched(_) => self.matched += 1,
            ServerMessage::PartnerSkipped | ServerMessage::PartnerDisconnected if seeks => {
                self.seekers.parted(scene, person);
            }
            ServerMessage::Error(_)
            | ServerMessage::MatchTimeout { .. }
            | ServerMessage::ModerationWarning(_)
            | ServerMessage::PartnerReconnecting { .. }
            | ServerMessage::Reconnect(_)
            | ServerMessage::PartnerSkipped
            | ServerMessage::PartnerDisconnected => scene.count(Count::Unexpected),
            _ => {}
        }
    }

    /// Notes how the handovers go: the first reactor how long they took, and each the longest that a
    /// message took since one began, when the next begins or it ends.
    fn look(&mut self, scene: &mut Scene<'_>) {
        let begun = self.upgrades.begun();
        let is_over = self.upgrades.are_over() && !self.is_over;
        self.is_over |= is_over;
        if begun > self.begun || is_over {
            if self.begun > 0 {
                scene.time(Timing::HandoverPause, self.pause);
            }
            (self.begun, self.pause) = (begun, Duration::ZERO);
        }
        if scene.reactor() == 0 {
            let (took, ended) = self.upgrades.ended_since(self.ended);
            self.ended = ended;
            for took in took {
                scene.count(Count::Handovers);
                scene.time(Timing::Handover, took);
            }
        }
    }
}

impl Scenario for Handover {
    type Rest = i64;

    fn heard(
        &mut self,
        scene: &mut Scene<'_>,
        person: PersonId,
        news: &News<'_>,
    ) -> Result<(), DriveError> {
        match news {
            News::Ready if self.people[person].role != Role::Seek => {
                let interest = interest(self.seed, scene.name(person) as usize / 2);
                scene.say(person, &join(UNMODERATED, &interest));
            }
            News::Message(message) => self.message(scene, person, message),
            News::Opened | News::Ready | News::Ping | News::Frame(_) => {}
        }
        Ok(())
    }

    fn gathered(&self, scene: &Scene<'_>) -> Gathered {
        if scene.ready() < self.people.len() {
            return Gathered::of(scene.ready(), self.people.len(), "people are there");
        }
        let wanted = self.people.iter().filter(|person| person.role != Role::Seek).count();
        Gathered::of(self.matched, wanted, "people found their partner")
    }

    fn entered(&mut self, scene: &mut Scene<'_>, phase: Phase) {
        match phase {
            Phase::WarmUp => {
                for person in self.those_who(Role::Half) {
                    self.say_half(scene, person);
                }
                self.seekers.begin(scene);
            }
            Phase::Measured(0) if scene.reactor() == 0 => self.upgrades.begin(),
            Phase::Draining => {
                self.those_who(Role::Half).into_iter().for_each(|person| scene.finish(person));
                self.seekers.finish();
                for person in self.those_who(Role::Keep) {
                    self.say(scene, person, Instant::now());
                }
            }
            _ => {}
        }
    }

    fn turn(&mut self, scene: &mut Scene<'_>) -> Result<Option<Instant>, DriveError> {
        if scene.phase() == Phase::Gathering {
            scene.want(self.people.len());
            return Ok(None);
        }
        let (Some(began), true) = (scene.began(), scene.is_loading()) else { return Ok(None) };
        let now = Instant::now();
        self.look(scene);
        while let Some(person) = self.halves.pop_due(now) {
            self.say_half(scene, person);
        }
        self.seekers.come(scene, now);
        while let Some(at) = self.arrivals.next_if(|at| began + *at <= now) {
            let due = began + at;
            scene.count(Count::Requested);
            scene.time(Timing::Lag, now - due);
            if let Some(person) = self.talkers.get(self.speaker).copied() {
                self.speaker = (self.speaker + 1) % self.talkers.len();
                self.say(scene, person, due);
            }
        }
        let next = self.arrivals.peek().map(|at| began + *at);
        let dues = [next, self.halves.next_due(), self.seekers.next_due(), Some(now + LOOK)];
        Ok(dues.into_iter().flatten().min())
    }

    fn is_finished(&self) -> bool {
        self.is_over
    }

    fn balance(&self) -> i64 {
        self.balance + self.seekers.balance
    }

    fn rest(self) -> i64 {
        self.balance()
    }
}
