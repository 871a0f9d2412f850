//! `resume`: pairs who talk through a [network that cuts their connections](crate::network), and who
//! come back to their chats as the protocol has it: `hello` with the token and the highest number
//! heard; what was said and never acknowledged is said again, under the same id.
//!
//! Every text proves whose it is and which, as in `relay`, and has to arrive once and in order,
//! however many connections it took.

mod talker;

use std::iter::Peekable;
use std::ops::Range;
use std::time::{Duration, Instant};

use whisper_proto::{ClientMessage, Hello, Say, ServerMessage};

use self::talker::{Standing, Talker};
use super::{Failed, UNMODERATED, interest, join, stay_on};
use crate::channel::Arrival;
use crate::cli::{self, Wire};
use crate::driver::{DriveError, Gathered, Lost, News, PersonId, Scenario, Scene};
use crate::fleet;
use crate::network::{Cutting, Network, Switch};
use crate::operator::Operator;
use crate::payload::{BYTES_MIN, Seal, Stamp};
use crate::plan::{Arrivals, Load, Phase, Plan, PlanError, Spacing};
use crate::record::{Count, Timing};
use crate::report::{Report, Things};

/// What people say to each other, and what might go wrong with it. That connections are lost is
/// what this is about.
const MESSAGES: Things = Things {
    one: "message",
    many: "messages",
    timing: Timing::Relay,
    faults: &[
        Count::Lost,
        Count::Doubled,
        Count::Reordered,
        Count::Foreign,
        Count::Unexpected,
        Count::Refused,
    ],
};

/// How often it is looked who waits in vain.
const LOOK: Duration = Duration::from_millis(20);

/// Runs it.
///
/// # Errors
/// Where it can't be run; what goes wrong in it is in the report.
pub(crate) fn run(args: &cli::Resume, operator: &Operator) -> Result<Report, Failed> {
    stay_on(&args.aim.cores)?;
    if !(BYTES_MIN..=whisper_proto::limits::CONTENT_CHARS).contains(&args.bytes) {
        let must_be = format!("{BYTES_MIN} to {}", whisper_proto::limits::CONTENT_CHARS);
        return Err(PlanError::Number { name: "--bytes", must_be }.into());
    }
    let people = 2 * args.pairs;
    let mut plan = Plan::new(&args.aim, Wire::default(), people, Load::from(&args.course))?;
    plan.together = 2;
    plan.make_room();
    let cutting = Cutting { after: args.cut_after, silent: args.silent };
    let network = Network::start(plan.one_target()?, people, cutting, plan.seed)?;
    plan.targets = vec![network.address()];
    let switch = network.switch();
    let ran = fleet::run(plan, operator, |plan, reactor| {
        Resume::new(plan, reactor, plan.share(reactor), args, switch.clone())
    });
    let cuts = network.end()?;
    let mut ran = ran?;
    let balance: i64 = ran.rests.iter().sum();
    ran.ledger.add_late(Count::Lost, balance.max(0) as u64);
    let mut report = Report::of("resume", MESSAGES, &ran);
    report.count("cuts_by_reset", cuts.resets);
    report.count("cuts_in_silence", cuts.silences);
    Ok(report)
}

/// One reactor's people.
struct Resume {
    bytes: usize,
    patience: Duration,
    seed: u64,
    seal: Seal,
    epoch: Instant,
    people: Vec<Talker>,
    matched: usize,
    arrivals: Peekable<Arrivals>,
    /// Who speaks next.
    speaker: PersonId,
    switch: Switch,
    look_at: Instant,
    /// Messages said here less messages that arrived here.
    balance: i64,
    text: Vec<u8>,
}

impl Resume {
    fn new(
        plan: &Plan,
        reactor: usize,
        names: Range<usize>,
        args: &cli::Resume,
        switch: Switch,
    ) -> Self {
        let rate = args.rate * names.len() as f64 / plan.people as f64;
        let offset = reactor as f64 / plan.reactors as f64;
        let seed = plan.seed.wrapping_add(reactor as u64);
        Self {
            bytes: args.bytes,
            patience: args.patience,
            seed: plan.seed,
            seal: Seal::new(plan.seed),
            epoch: plan.epoch,
            people: names.map(|_| Talker::default()).collect(),
            matched: 0,
            arrivals: Arrivals::new(&plan.load, rate, offset, Spacing::Even, seed).peekable(),
            speaker: 0,
            switch,
            look_at: Instant::now(),
            balance: 0,
            text: Vec::new(),
        }
    }

    /// Has somebody say the next of their texts, now or when they are back.
    fn say(&mut self, scene: &mut Scene<'_>, person: PersonId, due: Instant) {
        let talker = &mut self.people[person];
        let Some(seq) = talker.begin(due - self.epoch) else {
            return scene.count(Count::Dropped);
        };
        self.balance += 1;
        if talker.standing == Standing::In && scene.is_ready(person) {
            self.utter(scene, person, seq);
        }
    }

    /// Has somebody say a text again, or for the first time.
    fn utter(&mut self, scene: &mut Scene<'_>, person: PersonId, seq: u32) {
        let Some(due) = self.people[person].sending(seq) else { return };
        let stamp = Stamp { channel: scene.name(person), seq, due };
        self.seal.write(stamp, 0, self.bytes, &mut self.text);
        let content = str::from_utf8(&self.text).expect("texts are ASCII");
        let (id, room) = (seq.to_string(), self.people[person].room.as_deref());
        scene.say(person, &ClientMessage::Message(Say { content, id: Some(&id), room }));
    }

    /// The engine greets somebody: for the first time, upon a new connection, or as who they were.
    fn greeted(&mut self, scene: &mut Scene<'_>, person: PersonId, user: &str, token: &[u8]) {
        let talker = &mut self.people[person];
        match talker.standing {
            Standing::New => {
                (talker.user, talker.token) = (user.into(), token.into());
                talker.standing = Standing::In;
                scene.say(person, &ClientMessage::Hello(Hello::default()));
                let interest = interest(self.seed, scene.name(person) as usize / 2);
                scene.say(person, &join(UNMODERATED, &interest));
            }
            Standing::Away => {
                talker.standing = Standing::Asking;
                let hello = Hello {
                    resume: Some(&talker.token),
                    last_seq: Some(talker.heard),
                    ..Hello::default()
                };
                scene.say(person, &ClientMessage::Hello(hello));
            }
            Standing::Asking if *talker.user == *user => {
                talker.standing = Standing::In;
                talker.token = token.into();
                scene.count(Count::Resumed);
                if let Some(since) = talker.away_since.take() {
                    scene.time(Timing::Resume, since.elapsed());
                }
                let again: Vec<u32> = talker.unacknowledged().collect();
                again.into_iter().for_each(|seq| self.utter(scene, person, seq));
            }
            Standing::Asking => {
                scene.count(Count::Refused);
                talker.standing = Standing::Gone;
                talker.away_since = None;
            }
            Standing::In | Standing::Gone => {}
        }
    }

    /// Somebody heard a text that has this number in the room.
    fn arrived(&mut self, scene: &mut Scene<'_>, person: PersonId, text: &str, number: u64) {
        let stamp = self.seal.read(text.as_bytes(), 0);
        let Some(stamp) = stamp.filter(|stamp| stamp.channel == scene.name(person) ^ 1) else {
            return scene.count(Count::Foreign);
        };
        let talker = &mut self.people[person];
        match talker.partner.arrive(stamp.seq) {
            Arrival::Doubled => return scene.count(Count::Doubled),
            Arrival::Late => scene.count(Count::Reordered),
            Arrival::Good => {}
        }
        self.balance -= 1;
        scene.count(Count::Done);
        let due = self.epoch + stamp.due;
        scene.time(Timing::Relay, Instant::now().saturating_duration_since(due));
        if let Some(seq) = talker.hear(number) {
            scene.say(person, &ClientMessage::Ack { seq });
        }
    }

    fn message(&mut self, scene: &mut Scene<'_>, person: PersonId, message: &ServerMessage<'_>) {
        match message {
            ServerMessage::Connected(it) => self.greeted(scene, person, it.user_id, it.resume),
            ServerMessage::Message(said) => self.arrived(scene, person, said.content, said.seq),
            ServerMessage::MessageAck { id, .. } => match id.parse() {
                Ok(seq) => self.people[person].acknowledge(seq),
                Err(_) => scene.count(Count::Foreign),
            },
            ServerMessage::Matched(matched) => {
                let talker = &mut self.people[person];
                self.matched += usize::from(talker.room.is_none());
                talker.room = Some(matched.room_id.into());
            }
            ServerMessage::Error(_)
            | ServerMessage::MatchTimeout { .. }
            | ServerMessage::ModerationWarning(_)
            | ServerMessage::PartnerSkipped
            | ServerMessage::PartnerDisconnected => scene.count(Count::Unexpected),
            _ => {}
        }
    }

    /// Has somebody try another connection.
    fn come_again(&mut self, scene: &mut Scene<'_>, person: PersonId) {
        let talker = &mut self.people[person];
        if talker.standing != Standing::Gone {
            talker.leave(Instant::now());
            scene.come(person);
        }
    }

    /// Has those try another connection who have waited in vain.
    fn look(&mut self, scene: &mut Scene<'_>, now: Instant) {
        for person in 0..self.people.len() {
            if self.people[person].waits_in_vain(now, self.patience) {
                scene.vanish(person);
                self.come_again(scene, person);
            } else if self.people[person].asks_who_is_there(now, self.patience / 2) {
                scene.say(person, &ClientMessage::Ping);
            }
        }
    }
}

impl Scenario for Resume {
    type Rest = i64;

    fn heard(
        &mut self,
        scene: &mut Scene<'_>,
        person: PersonId,
        news: &News<'_>,
    ) -> Result<(), DriveError> {
        self.people[person].listen(Instant::now());
        if let News::Message(message) = news {
            self.message(scene, person, message);
        }
        Ok(())
    }

    fn lost(
        &mut self,
        scene: &mut Scene<'_>,
        person: PersonId,
        why: Lost,
    ) -> Result<(), DriveError> {
        if scene.phase() == Phase::Gathering {
            return Err(DriveError::NotReady { person: scene.name(person), why });
        }
        self.come_again(scene, person);
        Ok(())
    }

    fn gathered(&self, _: &Scene<'_>) -> Gathered {
        Gathered::of(self.matched, self.people.len(), "people found their partner")
    }

    fn entered(&mut self, _: &mut Scene<'_>, phase: Phase) {
        // What is under way at the end has to arrive as well, for which the network is good again.
        self.switch.set(matches!(phase, Phase::WarmUp | Phase::Measured(_)));
    }

    fn turn(&mut self, scene: &mut Scene<'_>) -> Result<Option<Instant>, DriveError> {
        if scene.phase() == Phase::Gathering {
            scene.want(self.people.len());
            return Ok(None);
        }
        let Some(began) = scene.began() else { return Ok(None) };
        let now = Instant::now();
        if now >= self.look_at {
            self.look_at = now + LOOK;
            self.look(scene, now);
        }
        while scene.is_loading()
            && let Some(at) = self.arrivals.next_if(|at| began + *at <= now)
        {
            scene.count(Count::Requested);
            let due = began + at;
            scene.time(Timing::Lag, now - due);
            let speaker = self.speaker;
            self.speaker = (speaker + 1) % self.people.len().max(1);
            self.say(scene, speaker, due);
        }
        let next = self.arrivals.peek().filter(|_| scene.is_loading()).map(|at| began + *at);
        Ok(next.into_iter().chain([self.look_at]).min())
    }

    fn balance(&self) -> i64 {
        self.balance
    }

    fn rest(self) -> i64 {
        self.balance
    }
}
