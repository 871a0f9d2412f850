//! `relay`: pairs who talk. In a closed loop there are so many messages in flight in each pair, and
//! whoever gets one sends the next; in an open loop messages are sent when they are due, whatever
//! came of those before, and their time counts from then.
//!
//! Every text proves whose it is and which ([`crate::payload`]). It is checked on arrival, and the
//! run fails where one was lost, doubled, out of order, altered, or somebody else's.

mod acquaintance;
mod pace;

use std::ops::Range;
use std::time::Instant;

use whisper_proto::{ClientMessage, Lane, Say, ServerMessage};

use self::acquaintance::{Acquaintances, Greeting};
use self::pace::Pace;
use super::{Failed, MESSAGES, MODERATED, UNMODERATED, interest, join, stay_on};
use crate::channel::{Arrival, Channel};
use crate::cli::{self, Aim, Peer, Talk, Wire};
use crate::driver::{DriveError, Gathered, News, PersonId, Scenario, Scene};
use crate::fleet::{self, Ran};
use crate::operator::Operator;
use crate::payload::{BYTES_MIN, Seal, Stamp};
use crate::plan::{Load, Phase, Plan, PlanError};
use crate::record::{Count, Timing};
use crate::report::Report;

/// Bytes that may wait for a connection before nothing more is said on it.
const UNSENT_MAX: usize = 16 * 1024;

/// Runs it.
///
/// # Errors
/// Where it can't be run; what goes wrong in it is in the report.
pub(crate) fn run(args: &cli::Relay, operator: &Operator) -> Result<Report, Failed> {
    stay_on(&args.aim.cores)?;
    measure(&args.aim, &args.talk, args.wire, operator)
}

/// Runs it on the cores where we are.
pub(super) fn measure(
    aim: &Aim,
    talk: &Talk,
    wire: Wire,
    operator: &Operator,
) -> Result<Report, Failed> {
    check(talk)?;
    let load = Load::from(&talk.course);
    // Where nothing else says how much, there are more pairs at a higher level.
    let pairs = match talk.rate {
        Some(_) => talk.pairs,
        None => (talk.pairs as f64 * load.peak()).ceil() as usize,
    };
    let mut plan = Plan::new(aim, wire, 2 * pairs, load)?;
    plan.together = 2;
    let ran = fleet::run(plan, operator, |plan, reactor| {
        Relay::new(plan, reactor, plan.share(reactor), talk, wire.peer)
    })?;
    let balance = ran.rests.iter().sum();
    Ok(report("relay", ran, balance))
}

/// Whether texts may be as long as they shall.
///
/// # Errors
/// Where they may not.
pub(super) fn check(talk: &Talk) -> Result<(), PlanError> {
    if !(BYTES_MIN..=whisper_proto::limits::CONTENT_CHARS).contains(&talk.bytes) {
        let must_be = format!("{BYTES_MIN} to {}", whisper_proto::limits::CONTENT_CHARS);
        return Err(PlanError::Number { name: "--bytes", must_be });
    }
    Ok(())
}

/// What is left when nothing more arrives was lost.
pub(super) fn report<R>(scenario: &'static str, mut ran: Ran<R>, balance: i64) -> Report {
    ran.ledger.add_late(Count::Lost, balance.max(0) as u64);
    Report::of(scenario, MESSAGES, &ran)
}

/// One reactor's people who talk.
pub(super) struct Relay {
    peer: Option<Peer>,
    lane: Lane,
    bytes: usize,
    names_room: bool,
    seed: u64,
    seal: Seal,
    epoch: Instant,
    people: Vec<Talker>,
    acquaintances: Acquaintances,
    pace: Pace,
    /// Messages said here less messages that arrived here.
    balance: i64,
    text: Vec<u8>,
}

/// One person.
#[derive(Default)]
struct Talker {
    /// The number of the next text.
    next: u32,
    /// What the partner says.
    partner: Channel,
    /// The name of the room, where messages shall have it.
    room: Option<Box<str>>,
}

impl Relay {
    /// Those with these names, as all reactors together number people: the first of this one's.
    pub(super) fn new(
        plan: &Plan,
        reactor: usize,
        names: Range<usize>,
        talk: &Talk,
        peer: Option<Peer>,
    ) -> Self {
        Self {
            peer,
            lane: if talk.moderated { MODERATED } else { UNMODERATED },
            bytes: talk.bytes,
            names_room: talk.room,
            seed: plan.seed,
            seal: Seal::new(plan.seed),
            epoch: plan.epoch,
            people: names.clone().map(|_| Talker::default()).collect(),
            acquaintances: Acquaintances::new(names.len()),
            pace: Pace::new(plan, reactor, names.len(), talk),
            balance: 0,
            text: Vec::new(),
        }
    }

    /// Has somebody say the next of their texts, which was due then.
    fn say(&mut self, scene: &mut Scene<'_>, person: PersonId, due: Instant) {
        let seq = self.people[person].next;
        self.people[person].next += 1;
        self.balance += 1;
        self.utter(scene, person, seq, due);
    }

    /// Has somebody say a text of this number.
    fn utter(&mut self, scene: &mut Scene<'_>, person: PersonId, seq: u32, due: Instant) {
        let stamp = Stamp { channel: scene.name(person), seq, due: due - self.epoch };
        self.seal.write(stamp, 0, self.bytes, &mut self.text);
        if self.peer.is_some() {
            return scene.send(person, &self.text);
        }
        let content = str::from_utf8(&self.text).expect("texts are ASCII");
        let room = self.people[person].room.as_deref();
        scene.say(person, &ClientMessage::Message(Say { content, id: None, room }));
    }

    /// Somebody heard a text.
    ///
    /// # Errors
    /// [`DriveError::Echoes`] where that is not what the server is for.
    fn arrived(
        &mut self,
        scene: &mut Scene<'_>,
        person: PersonId,
        text: &[u8],
    ) -> Result<(), DriveError> {
        let now = Instant::now();
        let Some(stamp) = self.seal.read(text, 0) else {
            scene.count(Count::Foreign);
            return Ok(());
        };
        if self.peer == Some(Peer::Relay) && stamp.channel == scene.name(person) {
            return Err(DriveError::Echoes);
        }
        // A bare relay doesn't say whom it paired; whoever is heard first is the partner.
        let partner = match self.peer {
            Some(_) => self.acquaintances.partner_or(person, stamp.channel),
            None => scene.name(person) ^ 1,
        };
        if partner != stamp.channel {
            scene.count(Count::Foreign);
            return Ok(());
        }
        if let Some(greeting) = Greeting::of(stamp.seq) {
            if greeting == Greeting::Question && partner != scene.name(person) {
                self.utter(scene, person, Greeting::Answer.seq(), now);
            }
            return Ok(());
        }
        match self.people[person].partner.arrive(stamp.seq) {
            Arrival::Doubled => {
                scene.count(Count::Doubled);
                return Ok(());
            }
            Arrival::Late => scene.count(Count::Reordered),
            Arrival::Good => {}
        }
        self.balance -= 1;
        scene.count(Count::Done);
        scene.time(Timing::Relay, now.saturating_duration_since(self.epoch + stamp.due));
        let ending = matches!(scene.phase(), Phase::Draining | Phase::Over);
        if !ending && self.pace.answers(scene.name(person), partner) {
            // Where each hears but itself, the two of a pair take turns all the same, so that as
            // many sockets are in use.
            let answerer = if self.peer == Some(Peer::Echo) { person ^ 1 } else { person };
            self.say(scene, answerer, now);
        }
        Ok(())
    }

    fn message(
        &mut self,
        scene: &mut Scene<'_>,
        person: PersonId,
        message: &ServerMessage<'_>,
    ) -> Result<(), DriveError> {
        match message {
            ServerMessage::Message(said) => {
                return self.arrived(scene, person, said.content.as_bytes());
            }
            ServerMessage::Matched(matched) => {
                let _ = self.acquaintances.partner_or(person, scene.name(person) ^ 1);
                if self.names_room {
                    self.people[person].room = Some(matched.room_id.into());
                }
            }
            ServerMessage::Error(_)
            | ServerMessage::MatchTimeout { .. }
            | ServerMessage::ModerationWarning(_)
            | ServerMessage::PartnerSkipped
            | ServerMessage::PartnerDisconnected => scene.count(Count::Unexpected),
            _ => {}
        }
        Ok(())
    }
}

impl Scenario for Relay {
    type Rest = i64;

    fn heard(
        &mut self,
        scene: &mut Scene<'_>,
        person: PersonId,
        news: &News<'_>,
    ) -> Result<(), DriveError> {
        match news {
            News::Ready if self.peer.is_none() => {
                let interest = interest(self.seed, scene.name(person) as usize / 2);
                scene.say(person, &join(self.lane, &interest));
            }
            // A bare relay's word that there is a partner.
            News::Frame([]) => self.utter(scene, person, Greeting::Question.seq(), Instant::now()),
            News::Frame(text) => self.arrived(scene, person, text)?,
            News::Message(message) => self.message(scene, person, message)?,
            News::Opened | News::Ready | News::Ping => {}
        }
        Ok(())
    }

    fn gathered(&self, scene: &Scene<'_>) -> Gathered {
        match scene.ready() == self.people.len() {
            true => {
                let known = self.acquaintances.known();
                Gathered::of(known, self.people.len(), "people found their partner")
            }
            false => Gathered::of(scene.ready(), self.people.len(), "people are there"),
        }
    }

    fn entered(&mut self, scene: &mut Scene<'_>, phase: Phase) {
        if phase == Phase::WarmUp {
            self.pace.begin((0..self.people.len()).map(|person| {
                let partner = self.acquaintances.partner(person);
                (person, scene.name(person), partner.unwrap_or_default())
            }));
        }
    }

    fn turn(&mut self, scene: &mut Scene<'_>) -> Result<Option<Instant>, DriveError> {
        if scene.phase() == Phase::Gathering {
            scene.want(self.people.len());
            if self.peer.is_none() {
                return Ok(None);
            }
            for person in self.acquaintances.strangers_to_greet() {
                if scene.is_ready(person) {
                    self.utter(scene, person, Greeting::Question.seq(), Instant::now());
                }
            }
            return Ok(Some(self.acquaintances.greet_at()));
        }
        let (Some(began), true) = (scene.began(), scene.is_loading()) else { return Ok(None) };
        let now = Instant::now();
        for (person, times) in self.pace.serve(scene.level(now)) {
            (0..times).for_each(|_| self.say(scene, person, now));
        }
        while let Some((person, due)) = self.pace.pop_due(began, now) {
            scene.count(Count::Requested);
            scene.time(Timing::Lag, now - due);
            if !scene.is_ready(person) || scene.unsent(person) > UNSENT_MAX {
                scene.count(Count::Dropped);
                continue;
            }
            self.say(scene, person, due);
        }
        Ok(self.pace.next_due(began))
    }

    fn balance(&self) -> i64 {
        self.balance
    }

    fn rest(self) -> i64 {
        self.balance
    }
}
