//! `relay`: pairs who talk, with so many messages in flight in each. Whoever gets a message sends
//! the next one, so a pair never has more of them and, unless one is lost, never less.
//!
//! Every text proves whose it is and which ([`crate::payload`]). It is checked on arrival, and the
//! run fails where one was lost, doubled, or somebody else's.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use whisper_proto::{ClientMessage, Say, ServerMessage};

use super::{Failed, interest, join, prepare};
use crate::channel::{Arrival, Channel};
use crate::cli::{self, Aim, Peer, Talk};
use crate::driver::{self, DriveError, Net, News, Next, Outcome, PersonId, Scenario};
use crate::measure::{Meter, Readings};
use crate::payload::{BYTES_MIN, Seal, Stamp};
use crate::plan::{Dialect, Phase, Phases, Plan, PlanError};
use crate::report::{self, Report};

/// How long those who are there may take to find their partners.
const PAIRING_MAX: Duration = Duration::from_secs(5);

/// Runs it.
///
/// # Errors
/// Where it can't be run; what goes wrong in it is in the report.
pub(crate) fn run(args: &cli::Relay) -> Result<Report, Failed> {
    prepare(&args.aim)?;
    Ok(measure(&args.aim, args.talk, args.peer)?.report())
}

/// What a run came to.
pub(super) struct Measured {
    outcome: Outcome,
    tally: Tally,
    readings: Option<Readings>,
    latencies: Histogram<u64>,
}

/// Runs it on the core where we are.
pub(super) fn measure(aim: &Aim, talk: Talk, peer: Option<Peer>) -> Result<Measured, Failed> {
    let number = |name, must_be: &str| PlanError::Number { name, must_be: must_be.to_owned() };
    if !(BYTES_MIN..=whisper_proto::limits::CONTENT_CHARS).contains(&talk.bytes) {
        return Err(number("--bytes", &format!("{BYTES_MIN} to 2000")).into());
    }
    if talk.pairs == 0 || talk.depth == 0 {
        return Err(number("--pairs and --depth", "at least 1").into());
    }
    let dialect = if peer.is_some() { Dialect::Bare } else { Dialect::Whisper };
    let plan = Plan::new(aim, dialect, 2 * talk.pairs)?;
    let mut relay = Relay::new(&plan, aim.pid, talk, peer);
    let outcome = driver::run(plan, &mut relay)?;
    let Relay { tally, readings, latencies, .. } = relay;
    Ok(Measured { outcome, tally, readings, latencies })
}

/// What was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    /// Messages that arrived as they should, within the measured window.
    measured: u64,
    /// Messages that never came.
    lost: u64,
    /// Messages that came again, or after later ones.
    doubled: u64,
    /// Messages that belong to nobody here, or to somebody else.
    foreign: u64,
    /// Errors, warnings, and partners who left.
    troubles: u64,
}

struct Relay {
    talk: Talk,
    peer: Option<Peer>,
    seed: u64,
    seal: Seal,
    people: Vec<Talker>,
    /// People whose partner is known.
    paired: usize,
    /// When all partners must be known: some time after everybody is there.
    paired_by: Option<Instant>,
    phases: Phases,
    meter: Meter,
    readings: Option<Readings>,
    tally: Tally,
    latencies: Histogram<u64>,
    text: Vec<u8>,
}

/// One person.
#[derive(Default)]
struct Talker {
    /// Who says what this person hears.
    partner: Option<PersonId>,
    room: Option<Box<str>>,
    channel: Channel,
}

impl Relay {
    fn new(plan: &Plan, server: Option<u32>, talk: Talk, peer: Option<Peer>) -> Self {
        Self {
            talk,
            peer,
            seed: plan.seed,
            seal: Seal::new(plan.seed),
            people: (0..plan.people).map(|_| Talker::default()).collect(),
            paired: 0,
            paired_by: None,
            phases: Phases::new(talk.warm_up, talk.secs),
            meter: Meter::new(server),
            readings: None,
            tally: Tally::default(),
            latencies: report::latencies(),
            text: Vec::new(),
        }
    }

    /// Has somebody say the next of their texts.
    fn say(&mut self, net: &mut Net<'_>, person: PersonId) {
        let talker = &mut self.people[person];
        let stamp = Stamp { channel: person as u32, seq: talker.channel.say(Instant::now()) };
        self.seal.write(stamp, self.talk.bytes, &mut self.text);
        if self.peer.is_some() {
            return net.send(person, &self.text);
        }
        let content = str::from_utf8(&self.text).expect("texts are ASCII");
        let room = talker.room.as_deref().filter(|_| self.talk.room);
        net.say(person, &ClientMessage::Message(Say { content, id: None, room }));
    }

    /// Somebody heard a text.
    fn arrived(&mut self, net: &mut Net<'_>, person: PersonId, text: &[u8]) {
        let now = Instant::now();
        let Some(stamp) = self.seal.read(text) else {
            self.tally.foreign += 1;
            return;
        };
        let speaker = stamp.channel as usize;
        match self.people[person].partner {
            // The bare relay doesn't say whom it paired; their first texts do.
            None if self.peer.is_some() && speaker < self.people.len() => {
                self.people[person].partner = Some(speaker);
                self.paired += 1;
            }
            Some(partner) if partner == speaker => {}
            _ => {
                self.tally.foreign += 1;
                return;
            }
        }
        let Arrival::Good { said, lost } = self.people[speaker].channel.arrive(stamp.seq) else {
            self.tally.doubled += 1;
            return;
        };
        self.tally.lost += u64::from(lost);
        match self.phases.phase() {
            Phase::Gathering | Phase::Draining | Phase::Over => return,
            Phase::WarmUp => {}
            Phase::Measured => {
                self.tally.measured += 1;
                self.latencies.saturating_record((now - said).as_nanos() as u64);
            }
        }
        let answerer = self.answerer(person);
        self.say(net, answerer);
    }

    /// Who speaks after this person heard something. Where each hears but itself, the two of a pair
    /// take turns all the same, so that as many sockets are in use.
    fn answerer(&self, person: PersonId) -> PersonId {
        if self.peer == Some(Peer::Echo) { person ^ 1 } else { person }
    }

    /// Has everybody say a first text: where it arrives shows who is paired with whom.
    fn greet(&mut self, net: &mut Net<'_>, person: PersonId) {
        self.say(net, person);
    }

    /// Puts the messages in flight that then go back and forth.
    fn serve(&mut self, net: &mut Net<'_>) {
        for person in 0..self.people.len() {
            let other = match self.peer {
                Some(Peer::Echo) => Some(person ^ 1),
                _ => self.people[person].partner,
            };
            if other.is_some_and(|other| person < other) {
                (0..self.talk.depth).for_each(|_| self.say(net, person));
            }
        }
    }

    /// Whether everybody found their partner, and has nothing more to say to begin with.
    ///
    /// # Errors
    /// Where they should have by now.
    fn is_gathered(&mut self, now: Instant, ready: usize) -> Result<bool, DriveError> {
        let (done, wanted) = (self.paired, self.people.len());
        if done == wanted && self.in_flight() == 0 {
            return Ok(true);
        }
        if ready == wanted && now > *self.paired_by.get_or_insert(now + PAIRING_MAX) {
            return Err(DriveError::Stalled { done, wanted, what: "found their partner" });
        }
        Ok(false)
    }

    fn in_flight(&self) -> usize {
        self.people.iter().map(|talker| talker.channel.in_flight()).sum()
    }

    fn message(
        &mut self,
        net: &mut Net<'_>,
        person: PersonId,
        message: &ServerMessage<'_>,
    ) -> Result<(), DriveError> {
        match message {
            ServerMessage::Message(said) => self.arrived(net, person, said.content.as_bytes()),
            ServerMessage::Matched(matched) => {
                self.people[person].partner = Some(person ^ 1);
                self.people[person].room = Some(matched.room_id.into());
                self.paired += 1;
                self.greet(net, person);
            }
            ServerMessage::Error(_)
            | ServerMessage::MatchTimeout { .. }
            | ServerMessage::ModerationWarning(_)
            | ServerMessage::PartnerSkipped
            | ServerMessage::PartnerDisconnected => self.tally.troubles += 1,
            _ => {}
        }
        Ok(())
    }
}

impl Scenario for Relay {
    fn heard(
        &mut self,
        net: &mut Net<'_>,
        person: PersonId,
        news: &News<'_>,
    ) -> Result<(), DriveError> {
        match news {
            News::Ready if self.peer.is_none() => {
                net.say(person, &join(&interest(self.seed, person / 2)));
            }
            News::Ready if self.peer == Some(Peer::Echo) => self.greet(net, person),
            News::Ready | News::Ping => {}
            // The bare relay's word that there is a partner.
            News::Frame([]) => self.greet(net, person),
            News::Frame(text) => self.arrived(net, person, text),
            News::Message(message) => self.message(net, person, message)?,
        }
        Ok(())
    }

    fn turn(&mut self, net: &mut Net<'_>) -> Result<Next, DriveError> {
        net.want(self.people.len());
        let now = Instant::now();
        let complete = match self.phases.phase() {
            Phase::Gathering => self.is_gathered(now, net.ready())?,
            Phase::Draining => self.in_flight() == 0,
            Phase::WarmUp | Phase::Measured | Phase::Over => false,
        };
        match self.phases.advance(now, complete) {
            Some(Phase::WarmUp) => self.serve(net),
            Some(Phase::Measured) => self.meter.begin()?,
            Some(Phase::Draining) => self.readings = self.meter.end()?,
            Some(Phase::Over) => self.tally.lost += self.in_flight() as u64,
            Some(Phase::Gathering) | None => {}
        }
        Ok(match (self.phases.phase(), self.phases.until()) {
            (Phase::Over, _) => Next::Done,
            (_, Some(until)) => Next::At(until),
            (_, None) => Next::News,
        })
    }
}

impl Measured {
    /// The figures, and what was wrong.
    pub(super) fn report(&self) -> Report {
        let mut report = Report::new("relay");
        let tally = self.tally;
        report.count("messages", tally.measured);
        if let Some(readings) = &self.readings {
            let rate = tally.measured as f64 / readings.elapsed.as_secs_f64();
            report.figure("messages_per_second", rate, "");
            report.latency("relay", &self.latencies);
            report.cpu(readings, tally.measured, "message");
            report.judge_generator(readings);
        }
        for (what, count) in [
            ("lost", tally.lost),
            ("doubled", tally.doubled),
            ("foreign", tally.foreign),
            ("troubles", tally.troubles),
        ] {
            report.count(format!("messages_{what}"), count);
            report.fault_if(count > 0, || format!("{count} messages {what}"));
        }
        report.fault_if(tally.measured == 0, || "no message arrived".to_owned());
        report.judge_people(&self.outcome);
        report
    }
}
