//! `churn`: people as a model has them ([`Model`]), so many and always the same: they come, look for
//! somebody, talk with pauses for thought, skip, leave, give up, go, and come back. For soaks: what
//! a server keeps of those who are gone shows in the slope of its memory.
//!
//! A [`Register`] knows who is in a room with whom: both sides have to agree, and nobody may be told
//! that a partner is gone who isn't.
//!
//! Every text is good in one chat only, and is checked on arrival; each chat numbers them anew, so
//! that a gap shows. Whoever ends a chat in good order says a last word before: a partner who hears
//! of the end but not the last word lost something. What was on its way to somebody who ended the
//! chat is nobody's loss.

mod model;
mod person;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::SeedableRng as _;
use rand::rngs::SmallRng;
use whisper_proto::{ClientMessage, ErrorCode, Hello, Lane, ServerMessage, Skip};

use self::model::Ending;
pub(super) use self::model::Model;
use self::person::{Chat, Doing, Heard, Person};
use super::catalogue::Catalogue;
use super::{Failed, MESSAGES, MODERATED, UNMODERATED, stay_on};
use crate::cli::{self, Wire};
use crate::driver::{DriveError, Gathered, Lost, News, PersonId, Scenario, Scene};
use crate::fleet;
use crate::operator::Operator;
use crate::payload::{BYTES_MIN, Seal, Stamp};
use crate::plan::{Load, Phase, Plan};
use crate::record::{Count, Timing};
use crate::register::{Entered, Leaving, Left, Register};
use crate::report::Report;

/// How people behave, unless a file says otherwise.
const MODEL: &str = include_str!("../../../models/people.toml");

/// After so many messages a client says that they arrived.
const ACK_EVERY: u64 = 16;

/// Whoever skipped and then hears that the chat was over may have skipped too late for it to count.
/// They give the engine so long to say that it looks for somebody, and then join anew.
const SKIP_DOUBT: Duration = Duration::from_secs(2);

/// How often those look again who are too many at the present level.
const LOOK: Duration = Duration::from_secs(1);

/// Runs it.
///
/// # Errors
/// Where it can't be run; what goes wrong in it is in the report.
pub(crate) fn run(args: &cli::Churn, operator: &Operator) -> Result<Report, Failed> {
    stay_on(&args.aim.cores)?;
    let model = Model::read(args.model.as_deref(), MODEL)?;
    let load = Load::from(&args.course);
    let people = (args.people as f64 * load.peak().max(1.0)).ceil() as usize;
    let mut plan = Plan::new(&args.aim, Wire::default(), people, load)?;
    plan.make_room();
    let register = Arc::new(Register::new(plan.targets.len()));
    let ran = fleet::run(plan, operator, |plan, reactor| {
        Churn::new(plan, reactor, &model, args.people, args.hurry, Arc::clone(&register))
    })?;
    Ok(Report::of("churn", MESSAGES, &ran))
}

/// One reactor's people. They meet those of the others too.
pub(super) struct Churn {
    model: Model,
    register: Arc<Register>,
    /// The number of the first of them, as all reactors together number people.
    first: u32,
    catalogue: Catalogue,
    lane: Lane,
    /// How many times faster than the model they live.
    hurry: f64,
    /// How many there are at level 1.
    all: usize,
    seal: Seal,
    epoch: Instant,
    random: SmallRng,
    people: Vec<Person>,
    /// What somebody does next, and when; void where their `alarm` is another one by now.
    alarms: BinaryHeap<Reverse<(Instant, PersonId, u32)>>,
    text: Vec<u8>,
}

impl Churn {
    /// As this model has them, so many times faster, `all` of them on all reactors.
    pub(super) fn new(
        plan: &Plan,
        reactor: usize,
        model: &Model,
        all: usize,
        hurry: f64,
        register: Arc<Register>,
    ) -> Self {
        let model = model.clone();
        let names = plan.share(reactor);
        let interests = &model.interests;
        let each = interests.min..=interests.max;
        Self {
            catalogue: Catalogue::new(interests.count, interests.exponent, &each),
            lane: if model.search.moderated { MODERATED } else { UNMODERATED },
            model,
            register,
            first: names.start as u32,
            hurry,
            all,
            seal: Seal::new(plan.seed),
            epoch: plan.epoch,
            random: SmallRng::seed_from_u64(!plan.seed.wrapping_add(reactor as u64)),
            people: vec![Person::default(); names.len()],
            alarms: BinaryHeap::new(),
            text: Vec::new(),
        }
    }

    /// A time of the model's, as these people live.
    fn time(&mut self, of: impl Fn(&Model) -> model::Spread) -> Duration {
        of(&self.model).time(&mut self.random).div_f64(self.hurry)
    }

    /// Has somebody do what they do next at that moment, and nothing before.
    fn set_alarm(&mut self, person: PersonId, at: Instant) {
        let who = &mut self.people[person];
        who.alarm = who.alarm.wrapping_add(1);
        self.alarms.push(Reverse((at, person, who.alarm)));
    }

    fn name(&self, person: PersonId) -> u32 {
        self.first + person as u32
    }

    fn rest(&mut self, person: PersonId) {
        self.register.rest(self.name(person));
        self.people[person].doing = Doing::Resting;
        let rest = self.time(|model| model.between.rest_s);
        self.set_alarm(person, Instant::now() + rest);
    }

    /// Somebody is gone, and will be back.
    fn stay_away(&mut self, person: PersonId) {
        self.register.rest(self.name(person));
        self.people[person].doing = Doing::Away;
        let away = self.time(|model| model.between.away_s);
        self.set_alarm(person, Instant::now() + away);
    }

    fn wait(&mut self, person: PersonId, since: Instant, again: bool) {
        self.register.seek(self.name(person), since);
        self.people[person].doing = Doing::Waiting { since, again, doubts: false };
        let patience = self.time(|model| model.search.patience_s);
        self.set_alarm(person, since + patience);
    }

    /// Has somebody leave queue or chat, and go on once the engine has heard of it.
    fn quit(&mut self, scene: &mut Scene<'_>, person: PersonId) {
        self.register.rest(self.name(person));
        self.people[person].doing = Doing::Quitting;
        scene.say(person, &ClientMessage::Leave);
        scene.say(person, &ClientMessage::Ping);
    }

    /// Somebody's alarm went off, which was due then.
    fn act(&mut self, scene: &mut Scene<'_>, person: PersonId, due: Instant, now: Instant) {
        let is_wanted = f64::from(scene.name(person)) < self.all as f64 * scene.level(now);
        match &mut self.people[person].doing {
            Doing::Away if !is_wanted => self.set_alarm(person, now + LOOK),
            Doing::Away => {
                self.people[person].doing = Doing::Coming(due);
                scene.come(person);
            }
            Doing::Resting => {
                if !is_wanted || self.model.between.away.has(&mut self.random) {
                    scene.leave(person);
                    return self.stay_away(person);
                }
                let likes = self.catalogue.pick(&mut self.random);
                likes.join(self.lane, self.model.search.relax, |join| scene.say(person, join));
                scene.count(Count::Joins);
                self.people[person].likes = likes;
                self.wait(person, now, false);
            }
            Doing::Waiting { doubts, .. } => {
                scene.count_many(Count::GivenUp, (!*doubts).into());
                self.quit(scene, person);
            }
            Doing::Chatting(chat) if now >= chat.until => self.end(scene, person, now),
            Doing::Chatting(chat)
                if !chat.types && self.model.chat.typing.has(&mut self.random) =>
            {
                chat.types = true;
                let room = Some(&*chat.room);
                scene.say(person, &ClientMessage::Typing { is_typing: true, room });
                let typing = self.time(|model| model.chat.type_s);
                self.go_on(person, now + typing);
            }
            Doing::Chatting(chat) => {
                chat.types = false;
                self.say(scene, person, due, false);
                let thought = self.time(|model| model.chat.think_s);
                self.go_on(person, now + thought);
            }
            Doing::Coming(_) | Doing::Quitting => {}
        }
    }

    /// Has somebody go on with their chat at that moment, unless it is over before.
    fn go_on(&mut self, person: PersonId, at: Instant) {
        if let Doing::Chatting(chat) = &self.people[person].doing {
            let at = at.min(chat.until);
            self.set_alarm(person, at);
        }
    }

    /// Has somebody say something, perhaps for the last time in this chat.
    fn say(&mut self, scene: &mut Scene<'_>, person: PersonId, due: Instant, last: bool) {
        let bytes = self.model.chat.length.pick(&mut self.random).max(BYTES_MIN as f64) as usize;
        let Doing::Chatting(chat) = &mut self.people[person].doing else { return };
        let stamp =
            Stamp { channel: scene.name(person), seq: chat.next_seq(last), due: due - self.epoch };
        self.seal.write(stamp, chat.key(), bytes, &mut self.text);
        scene.count(Count::Said);
        scene.say(person, &chat.message(&self.text));
    }

    /// Somebody ends their chat.
    fn end(&mut self, scene: &mut Scene<'_>, person: PersonId, now: Instant) {
        let ending = self.model.endings.pick(&mut self.random);
        if ending != Ending::Vanish {
            self.say(scene, person, now, true);
        }
        let Doing::Chatting(chat) = &self.people[person].doing else { return };
        scene.count_many(Count::Lost, chat.missing());
        self.register.leave(chat.key(), self.name(person), Leaving::Ended, now);
        match ending {
            Ending::Skip => {
                scene.count(Count::Skips);
                scene.say(
                    person,
                    &ClientMessage::Skip(Skip { reason: None, room: Some(&chat.room) }),
                );
                self.wait(person, now, true);
            }
            Ending::Leave => {
                scene.count(Count::Leaves);
                self.quit(scene, person);
            }
            Ending::Disconnect => {
                scene.count(Count::Departures);
                scene.leave(person);
                self.stay_away(person);
            }
            Ending::Vanish => {
                scene.count(Count::Vanishings);
                scene.vanish(person);
                self.stay_away(person);
            }
        }
    }

    /// The engine says that a chat is over.
    fn ended(&mut self, scene: &mut Scene<'_>, person: PersonId, in_good_order: bool) {
        match &mut self.people[person].doing {
            Doing::Chatting(chat) => {
                let lost = chat.missing() + u64::from(in_good_order && chat.lacks_last_word());
                scene.count_many(Count::Lost, lost);
                let how = if in_good_order { Leaving::Ended } else { Leaving::Told };
                match self.register.leave(chat.key(), self.name(person), how, Instant::now()) {
                    Left::Rightly => {}
                    Left::Parted(since) => {
                        scene.count(Count::Parted);
                        since.into_iter().for_each(|since| scene.time(Timing::Told, since));
                    }
                    Left::Wrongly => scene.count(Count::Broken),
                }
                self.rest(person);
            }
            // Both ended it.
            Doing::Quitting => {}
            Doing::Waiting { again: true, doubts, .. } => {
                *doubts = true;
                self.set_alarm(person, Instant::now() + SKIP_DOUBT);
            }
            _ => scene.count(Count::Unexpected),
        }
    }

    fn matched(
        &mut self,
        scene: &mut Scene<'_>,
        person: PersonId,
        matched: &whisper_proto::Matched<'_>,
    ) {
        let now = Instant::now();
        let who = &self.people[person];
        let name = self.name(person);
        let mut chat = Chat::new(matched.room_id, now);
        let room = chat.key();
        match who.doing {
            Doing::Waiting { since, again, .. } => {
                let timing = if again { Timing::MatchAfterSkip } else { Timing::Match };
                scene.time(timing, now - since);
                self.enter(scene, room, name, now - since, now);
            }
            // It was on its way when they gave up.
            Doing::Quitting => {
                // Nobody knows how long they waited.
                self.register.enter(room, name, Duration::ZERO, now);
                self.register.leave(room, name, Leaving::Ended, now);
                return;
            }
            Doing::Chatting(_) => return scene.count(Count::InTwoRooms),
            _ => return scene.count(Count::Unexpected),
        }
        if !self.people[person].likes.agree_with(matched) {
            scene.count(Count::Unexpected);
        }
        scene.count_many(Count::Chats, matched.is_initiator.into());
        let until = now + self.time(|model| model.chat.stay_s);
        chat.until = until;
        self.people[person].doing = Doing::Chatting(chat);
        let thought = self.time(|model| model.chat.think_s);
        self.go_on(person, now + thought);
    }

    /// Somebody is in a room, for which they waited so long.
    fn enter(&self, scene: &mut Scene<'_>, room: u64, name: u32, waited: Duration, now: Instant) {
        match self.register.enter(room, name, waited, now) {
            Entered::First => {}
            Entered::Third => scene.count(Count::Thirds),
            Entered::Met { other, waited: theirs } if self.register.boxes() > 1 => {
                let within = self.register.is_within(name, other);
                scene.count_many(Count::ChatsAcross, (!within).into());
                let timing = if within { Timing::MatchWithin } else { Timing::MatchAcross };
                let known = [waited, theirs].into_iter().filter(|waited| !waited.is_zero());
                known.for_each(|waited| scene.time(timing, waited));
            }
            Entered::Met { .. } => {}
        }
    }

    fn heard(&mut self, scene: &mut Scene<'_>, person: PersonId, text: &[u8], seq: u64) {
        let now = Instant::now();
        let who = &mut self.people[person];
        let Doing::Chatting(chat) = &mut who.doing else {
            let over = matches!(who.doing, Doing::Quitting | Doing::Waiting { again: true, .. });
            return scene.count_many(Count::Foreign, (!over).into());
        };
        let stamp = self.seal.read(text, chat.key());
        let heard = stamp.map(|stamp| (stamp, chat.hear(stamp, scene.name(person))));
        match heard {
            None | Some((_, Heard::Foreign)) => return scene.count(Count::Foreign),
            Some((_, Heard::Again)) => return scene.count(Count::Doubled),
            Some((_, Heard::Late)) => scene.count(Count::Reordered),
            Some((_, Heard::Good)) => {}
        }
        let Some((stamp, _)) = heard else { return };
        scene.count(Count::Done);
        let took = now.saturating_duration_since(self.epoch + stamp.due);
        scene.time(Timing::Relay, took);
        if self.register.boxes() > 1 {
            let within = self.register.is_within(scene.name(person), stamp.channel);
            scene.time(if within { Timing::RelayWithin } else { Timing::RelayAcross }, took);
        }
        if who.says_hello && seq.is_multiple_of(ACK_EVERY) {
            scene.say(person, &ClientMessage::Ack { seq });
        }
    }

    fn message(&mut self, scene: &mut Scene<'_>, person: PersonId, message: &ServerMessage<'_>) {
        match message {
            ServerMessage::Message(said) => {
                self.heard(scene, person, said.content.as_bytes(), said.seq);
            }
            ServerMessage::Matched(matched) => self.matched(scene, person, matched),
            ServerMessage::PartnerSkipped => self.ended(scene, person, true),
            ServerMessage::PartnerDisconnected => self.ended(scene, person, false),
            ServerMessage::Searching(_) => {
                if let Doing::Waiting { doubts: true, since, again } = self.people[person].doing {
                    self.wait(person, since, again);
                }
            }
            ServerMessage::PartnerReconnecting { grace_ms } => {
                if let Doing::Chatting(chat) = &self.people[person].doing {
                    let until = Instant::now() + Duration::from_millis((*grace_ms).into());
                    self.register.warn(chat.key(), self.name(person), until);
                }
            }
            ServerMessage::Pong { .. } => self.rest(person),
            ServerMessage::MatchTimeout { .. } => match self.people[person].doing {
                Doing::Waiting { .. } => {
                    scene.count(Count::Timeouts);
                    self.rest(person);
                }
                Doing::Quitting => {}
                _ => scene.count(Count::Unexpected),
            },
            // The chat or the search was over before they wanted it to be.
            ServerMessage::Error(error)
                if error.code == ErrorCode::NotInQueue
                    && matches!(self.people[person].doing, Doing::Quitting) => {}
            ServerMessage::Error(_)
            | ServerMessage::ModerationWarning(_)
            | ServerMessage::Banned(_)
            | ServerMessage::Reconnect(_) => scene.count(Count::Unexpected),
            _ => {}
        }
    }

    fn arrived(&mut self, scene: &mut Scene<'_>, person: PersonId) {
        if let Doing::Coming(due) = self.people[person].doing {
            scene.time(Timing::Connect, due.elapsed());
        }
        let says_hello = self.model.clients.hello.has(&mut self.random);
        self.people[person].says_hello = says_hello;
        if says_hello {
            scene.say(
                person,
                &ClientMessage::Hello(Hello { language: Some("en"), ..Hello::default() }),
            );
        }
        self.rest(person);
    }
}

impl Scenario for Churn {
    type Rest = ();

    fn heard(
        &mut self,
        scene: &mut Scene<'_>,
        person: PersonId,
        news: &News<'_>,
    ) -> Result<(), DriveError> {
        match news {
            News::Ready => self.arrived(scene, person),
            News::Message(message) => self.message(scene, person, message),
            News::Opened | News::Frame(_) | News::Ping => {}
        }
        Ok(())
    }

    /// A soak goes on without those who are lost, who count as faults and come back.
    fn lost(
        &mut self,
        scene: &mut Scene<'_>,
        person: PersonId,
        why: Lost,
    ) -> Result<(), DriveError> {
        if scene.phase() == Phase::Gathering {
            return Err(DriveError::NotReady { person: scene.name(person), why });
        }
        let (was_there, now) = (why.was_ready(), Instant::now());
        if let Doing::Chatting(chat) = &self.people[person].doing {
            self.register.leave(chat.key(), self.name(person), Leaving::Lost, now);
        }
        if self.register.excuses(self.name(person), was_there, now) {
            scene.count(Count::LostWithBox);
        } else {
            let fault = if was_there { Count::ConnectionsLost } else { Count::ConnectionsFailed };
            scene.count(fault);
            scene.note_lost(why);
        }
        self.stay_away(person);
        Ok(())
    }

    fn gathered(&self, scene: &Scene<'_>) -> Gathered {
        Gathered::of(scene.ready(), self.people.len(), "people are there")
    }

    fn entered(&mut self, _: &mut Scene<'_>, phase: Phase) {
        if phase == Phase::WarmUp {
            // Whoever came first has not rested for longer.
            self.alarms.clear();
            (0..self.people.len()).for_each(|person| self.rest(person));
        }
    }

    fn turn(&mut self, scene: &mut Scene<'_>) -> Result<Option<Instant>, DriveError> {
        if scene.phase() == Phase::Gathering {
            scene.want(self.people.len());
            return Ok(None);
        }
        if !scene.is_loading() {
            return Ok(None);
        }
        let now = Instant::now();
        while let Some(Reverse((due, person, alarm))) = self.alarms.peek().copied()
            && due <= now
        {
            self.alarms.pop();
            if self.people[person].alarm == alarm {
                scene.time(Timing::Lag, now - due);
                self.act(scene, person, due, now);
            }
        }
        Ok(self.alarms.peek().map(|Reverse((due, ..))| *due))
    }

    /// Chats are still going on at the end; nothing is due in them.
    fn balance(&self) -> i64 {
        0
    }

    fn rest(self) {}
}
