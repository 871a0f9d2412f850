//! Shards with people, and their logs: what tests see of either.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::collections::VecDeque;
use std::sync::Arc;

use whisper_core::event_log::{End, Head, Recorder, header};
use whisper_core::ids::{Link, SessionId};
use whisper_core::limits::Answer;
use whisper_core::moderation::{Action, Record, Rules, Severity};
use whisper_core::settings::Settings;
use whisper_core::shard::{Effect, Envelope, Event, Offence, Order, Setup, Shard, Traits};
use whisper_core::succession::Succession;
use whisper_core::time::{Micros, Span};
use whisper_proto::{
    AgeCategory, ClientMessage, CloseCode, ErrorCode, Join, Lane, LanguageWish, Mode, QueueType,
    Relax, Say, ServerMessage,
};
use whisper_shard_router::{Placement, ShardId};

const GENESIS: Micros = Micros(1_790_000_000_000_000);

/// Shards with people, and their logs.
pub(crate) struct Town {
    pub(crate) now: Micros,
    pub(crate) shards: Vec<Shard>,
    recorders: Vec<Recorder>,
    underway: VecDeque<(ShardId, ShardId, Envelope)>,
    remembered: Vec<(SessionId, Record)>,
    people: Vec<SessionId>,
    setups: Vec<Setup>,
    /// Another process follows before each event.
    is_followed: bool,
    /// What came of it, by connection.
    pub(crate) news: Vec<(u64, News)>,
}

/// What matters here of an effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum News {
    Told(String),
    Words(String, u64),
    Warned { warnings: u32, blocked: bool },
    Refused(ErrorCode, Option<String>),
    Banned { until: Option<u64> },
    Closed(CloseCode),
    SentOn { after_ms: u32 },
    Judged(Offence, Severity, Action),
    Sentenced(Severity, Micros),
    Answered(Answer),
}

impl News {
    fn of(message: &ServerMessage<'_>) -> Option<Self> {
        Some(match message {
            ServerMessage::Stats(_)
            | ServerMessage::Connected(_)
            | ServerMessage::Searching(_)
            | ServerMessage::Matched(_) => return None,
            ServerMessage::Message(it) => Self::Words(it.content.into(), it.seq),
            ServerMessage::ModerationWarning(it) => {
                Self::Warned { warnings: it.warnings, blocked: it.blocked }
            }
            ServerMessage::Error(it) => Self::Refused(it.code, it.id.map(Into::into)),
            ServerMessage::Banned(it) => Self::Banned { until: it.until },
            ServerMessage::Reconnect(it) => Self::SentOn { after_ms: it.after_ms },
            other => Self::Told(other.kind().into()),
        })
    }
}

impl Town {
    pub(crate) fn new(shards: u16, rules: &str) -> Self {
        let rules = Arc::new(Rules::parse(rules).expect("good rules"));
        let setups: Vec<_> = (0..shards)
            .map(|shard| Setup {
                me: ShardId { node: 0, shard },
                shards: shards.into(),
                placement: Placement::single_node([3; 16], 0, shards),
                settings: Arc::new(Settings::default()),
                rules: Arc::clone(&rules),
                evidence_secret: [1; 32],
                session_secret: [2; 32],
                seed: [shard as u8; 32],
            })
            .collect();
        Self {
            now: GENESIS,
            recorders: setups.iter().map(|setup| Recorder::new(GENESIS, setup)).collect(),
            shards: setups.iter().cloned().map(|setup| Shard::new(GENESIS, setup)).collect(),
            setups,
            is_followed: false,
            underway: VecDeque::new(),
            remembered: Vec::new(),
            people: Vec::new(),
            news: Vec::new(),
        }
    }

    /// The same town, of processes that follow one another before each event. What its logs say is
    /// of no use then.
    pub(crate) fn followed(self) -> Self {
        Self { is_followed: true, ..self }
    }

    /// What the first of its shards was made from.
    pub(crate) fn setup(&self) -> Setup {
        self.setups[0].clone()
    }

    /// What the shards leave.
    pub(crate) fn estates(&self) -> Vec<Vec<u8>> {
        let estate = |shard: &Shard| {
            let mut bytes = Vec::new();
            shard.bequeath(&mut bytes).map(|()| bytes).expect("nothing is underway")
        };
        self.shards.iter().map(estate).collect()
    }

    /// Another process of so many shards follows, which is left this.
    pub(crate) fn follow(&mut self, estates: &[Vec<u8>], shards: u16) {
        let placement = Placement::single_node([3; 16], 0, shards);
        let estates: Vec<_> = estates.iter().map(Vec::as_slice).collect();
        let succession = Succession::read(&estates, shards, &placement).expect("good estates");
        self.now = self.now.max(succession.now());
        let setup = |shard| Setup {
            me: ShardId { node: 0, shard },
            shards: shards.into(),
            placement: placement.clone(),
            session_secret: [9; 32],
            ..self.setups[0].clone()
        };
        self.setups = (0..shards).map(setup).collect();
        let heir = |setup: &Setup| {
            Shard::inherit(self.now, setup.clone(), &succession, &mut |_, link| Some(link))
        };
        self.shards = self.setups.iter().map(|it| heir(it).expect("a good estate")).collect();
        self.recorders = self.setups.iter().map(|it| Recorder::new(self.now, it)).collect();
        for session in &mut self.people {
            *session = succession.home_of(*session);
        }
        for shard in 0..shards {
            self.settle(ShardId { node: 0, shard }, Event::Tick);
        }
    }

    /// Somebody comes to a shard; returns their number.
    pub(crate) fn comes(&mut self, shard: u16) -> usize {
        let link = Link(self.people.len() as u64);
        self.happens(ShardId { node: 0, shard }, Event::Connected { link });
        self.people.len() - 1
    }

    pub(crate) fn says(&mut self, who: usize, message: ClientMessage<'_>) {
        let session = self.people[who];
        self.happens(session.home(), Event::Message { session, message });
    }

    pub(crate) fn talks(&mut self, who: usize, content: &str) {
        self.says(who, ClientMessage::Message(Say { content, id: Some("id"), room: None }));
    }

    pub(crate) fn joins(&mut self, who: usize, queue: QueueType, interest: &str) {
        self.says(who, join(queue, interest));
    }

    /// The same, and what shards tell each other because of it stays underway.
    pub(crate) fn joins_unheard(&mut self, who: usize, queue: QueueType, interest: &str) {
        let session = self.people[who];
        self.take(session.home(), Event::Message { session, message: join(queue, interest) });
    }

    pub(crate) fn meet(&mut self, queue: QueueType, people: [usize; 2]) {
        people.into_iter().for_each(|who| self.joins(who, queue, "tea"));
        assert!(self.partner(people[0]).is_some(), "they met");
        self.news.clear();
    }

    pub(crate) fn session(&self, who: usize) -> SessionId {
        self.people[who]
    }

    pub(crate) fn partner(&self, who: usize) -> Option<usize> {
        let session = self.people[who];
        let (_, partner) = self.shards[usize::from(session.shard)].room_of(session)?;
        self.people.iter().position(|it| *it == partner)
    }

    /// What came of what happened since this was asked, for somebody.
    pub(crate) fn news_of(&mut self, who: usize) -> Vec<News> {
        let link = who as u64;
        let (theirs, others) =
            std::mem::take(&mut self.news).into_iter().partition(|it| it.0 == link);
        self.news = others;
        theirs.into_iter().map(|(_, news): (u64, News)| news).collect()
    }

    /// A shard takes an event, and then all of them what they tell each other.
    pub(crate) fn happens(&mut self, at: ShardId, event: Event<'_>) {
        self.now = self.now + Span::millis(1);
        if self.is_followed {
            self.follow(&self.estates(), self.shards.len() as u16);
        }
        self.settle(at, event);
    }

    /// Time passes, and every shard does what is due.
    pub(crate) fn passes(&mut self, time: Span) {
        let until = self.now + time;
        loop {
            let due = |shard: &Shard| (shard.next_timeout(), shard.id());
            let (at, shard) = self.shards.iter().map(due).min().expect("a shard");
            if at > until {
                break;
            }
            self.now = self.now.max(at);
            self.settle(shard, Event::Tick);
        }
        self.now = until;
    }

    fn settle(&mut self, at: ShardId, event: Event<'_>) {
        self.take(at, event);
        loop {
            if let Some((from, to, envelope)) = self.underway.pop_front() {
                self.take(to, Event::FromShard { from, envelope });
            } else if let Some((session, record)) = self.remembered.pop() {
                self.take(session.home(), Event::Remembered { session, record });
            } else {
                return;
            }
        }
    }

    /// Whoever keeps what is held against them is asked.
    pub(crate) fn is_known(&mut self, who: usize, traits: Traits, fault: Option<Severity>) {
        let session = self.people[who];
        let marks = self.shards[usize::from(session.shard)].marks(self.now, traits);
        self.happens(session.home(), Event::Known { session, marks, fault });
    }

    /// Says what is at fault, known by these; what becomes of it.
    pub(crate) fn errs(&mut self, who: usize, traits: Traits) -> Action {
        self.talks(who, "middling");
        let action = self.news_of(who).into_iter().find_map(|news| match news {
            News::Judged(_, _, action) => Some(action),
            _ => None,
        });
        self.is_known(who, traits, Some(Severity::Medium));
        self.news.clear();
        action.expect("it is at fault")
    }

    fn take(&mut self, at: ShardId, event: Event<'_>) {
        let Self { now, shards, recorders, underway, remembered, people, setups, news, .. } = self;
        let place = usize::from(at.shard);
        if let Event::Order(Order::Rules(rules)) = &event {
            setups.iter_mut().for_each(|setup| setup.rules = Arc::clone(rules));
        }
        let (shard, recorder) = (&mut shards[place], &mut recorders[place]);
        recorder.told(shard, *now, &event);
        let by = match &event {
            Event::Message { session, .. } => people.iter().position(|it| it == session),
            _ => None,
        };
        let mut to_itself = VecDeque::new();
        let mut event = Some(event);
        while let Some(next) = event.take() {
            shard.handle(*now, next, &mut |effect: Effect<'_>| {
                recorder.did(&effect);
                let by = by.unwrap_or_default() as u64;
                match effect {
                    Effect::Opened { session, .. } => people.push(session),
                    Effect::Send { link, message } => {
                        news.extend(News::of(message).map(|it| (link.0, it)));
                    }
                    Effect::Forward { link, payload, .. } => {
                        let message = ServerMessage::decode(payload).expect("what was encoded");
                        news.extend(News::of(&message).map(|it| (link.0, it)));
                    }
                    Effect::Close { link, code } => news.push((link.0, News::Closed(code))),
                    Effect::ToShard { to, envelope } if to == at => to_itself.push_back(envelope),
                    Effect::ToShard { to, envelope } => underway.push_back((at, to, envelope)),
                    Effect::Judged { offence, severity, action } => {
                        news.push((by, News::Judged(offence, severity, action)));
                    }
                    Effect::Sentenced { link, severity, until, .. } => {
                        news.push((link.0, News::Sentenced(severity, until)));
                    }
                    Effect::Remembered { session, record } => remembered.push((session, record)),
                    Effect::Answered { link, answer, .. } => {
                        news.push((link.0, News::Answered(answer)));
                    }
                    Effect::Reported { .. } => {}
                }
            });
            let own = to_itself.pop_front();
            event = own.map(|envelope| Event::FromShard { from: at, envelope });
        }
        recorder.done();
    }

    /// The log of all shards so far.
    pub(crate) fn log(mut self) -> Vec<u8> {
        let mut log = header();
        for recorder in &mut self.recorders {
            for payload in [recorder.take(), End::Stopped.payload()] {
                log.extend_from_slice(&Head::of(recorder.shard(), &payload).to_bytes());
                log.extend_from_slice(&payload);
            }
        }
        log
    }
}

fn join(queue: QueueType, interest: &str) -> ClientMessage<'_> {
    let lane = Lane { age: AgeCategory::Adult, mode: Mode::Text, queue };
    let interests = std::iter::once(interest).collect();
    let (relax, language) = (Relax::Strict, LanguageWish::Any);
    ClientMessage::Join(Join { lane, interests, relax, language })
}

/// Two who chat, on one shard and on two.
pub(crate) fn in_towns(queue: QueueType, rules: &str, mut test: impl FnMut(Town, usize, usize)) {
    for (shards, bobs) in [(1, 0), (2, 1)] {
        in_town(Town::new(shards, rules), (queue, bobs), &mut test);
    }
}

/// The same, and on two of processes that follow one another.
pub(crate) fn in_all_towns(
    queue: QueueType,
    rules: &str,
    mut test: impl FnMut(Town, usize, usize),
) {
    in_towns(queue, rules, &mut test);
    in_town(Town::new(2, rules).followed(), (queue, 1), test);
}

fn in_town(
    mut town: Town,
    (queue, bobs): (QueueType, u16),
    mut test: impl FnMut(Town, usize, usize),
) {
    let (ann, bob) = (town.comes(0), town.comes(bobs));
    town.meet(queue, [ann, bob]);
    test(town, ann, bob);
}
