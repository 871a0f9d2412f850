//! What shards do about what people say and like: seen at their door, and in their logs.

use std::collections::VecDeque;
use std::sync::Arc;

use whisper_core::event_log::{End, Head, Recorder, header, replay};
use whisper_core::ids::{Link, SessionId};
use whisper_core::moderation::{Action, Record, Rules, Severity};
use whisper_core::settings::Settings;
use whisper_core::shard::{Effect, Envelope, Event, Offence, Order, Setup, Shard, Traits};
use whisper_core::time::{Micros, Span};
use whisper_proto::{
    AgeCategory, ClientMessage, CloseCode, ErrorCode, Join, Lane, LanguageWish, Mode, QueueType,
    Relax, Say, ServerMessage,
};
use whisper_shard_router::{Placement, ShardId};

/// Rules of one word for each severity.
const RULES: &str = r#"
base = "none"
[ladder]
warnings = 2
blocks = 1
ban_hours = 1
zero_ban_hours = 2
[code.x]
message = "Not here."
[[rule]]
id = "low"
severity = "low"
code = "x"
terms = ["lowly"]
[[rule]]
id = "medium"
severity = "medium"
code = "x"
terms = ["middling"]
[[rule]]
id = "high"
severity = "high"
code = "x"
terms = ["towering"]
[[rule]]
id = "zero"
severity = "zero"
code = "x"
lanes = "all"
terms = ["nought"]
"#;

const GENESIS: Micros = Micros(1_790_000_000_000_000);

/// Shards with people, and their logs.
struct Town {
    now: Micros,
    shards: Vec<Shard>,
    recorders: Vec<Recorder>,
    underway: VecDeque<(ShardId, ShardId, Envelope)>,
    remembered: Vec<(SessionId, Record)>,
    people: Vec<SessionId>,
    /// What came of it, by connection.
    news: Vec<(u64, News)>,
}

/// What matters here of an effect.
#[derive(Clone, Debug, PartialEq, Eq)]
enum News {
    Told(String),
    Words(String, u64),
    Warned { warnings: u32, blocked: bool },
    Refused(ErrorCode, Option<String>),
    Banned { until: Option<u64> },
    Closed(CloseCode),
    Judged(Offence, Severity, Action),
    Sentenced(Severity, Micros),
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
            other => Self::Told(other.kind().into()),
        })
    }
}

impl Town {
    fn new(shards: u16) -> Self {
        let rules = Arc::new(Rules::parse(RULES).expect("good rules"));
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
            shards: setups.into_iter().map(|setup| Shard::new(GENESIS, setup)).collect(),
            underway: VecDeque::new(),
            remembered: Vec::new(),
            people: Vec::new(),
            news: Vec::new(),
        }
    }

    /// Somebody comes to a shard; returns their number.
    fn comes(&mut self, shard: u16) -> usize {
        let link = Link(self.people.len() as u64);
        self.happens(ShardId { node: 0, shard }, Event::Connected { link });
        self.people.len() - 1
    }

    fn says(&mut self, who: usize, message: ClientMessage<'_>) {
        let session = self.people[who];
        self.happens(session.home(), Event::Message { session, message });
    }

    fn talks(&mut self, who: usize, content: &str) {
        self.says(who, ClientMessage::Message(Say { content, id: Some("id"), room: None }));
    }

    fn joins(&mut self, who: usize, queue: QueueType, interest: &str) {
        let lane = Lane { age: AgeCategory::Adult, mode: Mode::Text, queue };
        let interests = std::iter::once(interest).collect();
        let (relax, language) = (Relax::Strict, LanguageWish::Any);
        self.says(who, ClientMessage::Join(Join { lane, interests, relax, language }));
    }

    fn meet(&mut self, queue: QueueType, people: [usize; 2]) {
        people.into_iter().for_each(|who| self.joins(who, queue, "tea"));
        assert!(self.partner(people[0]).is_some(), "they met");
        self.news.clear();
    }

    fn partner(&self, who: usize) -> Option<usize> {
        let session = self.people[who];
        let (_, partner) = self.shards[usize::from(session.shard)].room_of(session)?;
        self.people.iter().position(|it| *it == partner)
    }

    /// What came of what happened since this was asked, for somebody.
    fn news_of(&mut self, who: usize) -> Vec<News> {
        let link = who as u64;
        let (theirs, others) =
            std::mem::take(&mut self.news).into_iter().partition(|it| it.0 == link);
        self.news = others;
        theirs.into_iter().map(|(_, news): (u64, News)| news).collect()
    }

    /// A shard takes an event, and then all of them what they tell each other.
    fn happens(&mut self, at: ShardId, event: Event<'_>) {
        self.now = self.now + Span::millis(1);
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
    fn is_known(&mut self, who: usize, traits: Traits, fault: Option<Severity>) {
        let session = self.people[who];
        let marks = self.shards[usize::from(session.shard)].marks(self.now, traits);
        self.happens(session.home(), Event::Known { session, marks, fault });
    }

    /// Says what is at fault, known by these; what becomes of it.
    fn errs(&mut self, who: usize, traits: Traits) -> Action {
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
        let Self { now, shards, recorders, underway, remembered, people, news } = self;
        let place = usize::from(at.shard);
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
                    Effect::Answered { .. } | Effect::Reported { .. } => {}
                }
            });
            let own = to_itself.pop_front();
            event = own.map(|envelope| Event::FromShard { from: at, envelope });
        }
        recorder.done();
    }

    /// The log of all shards so far.
    fn log(mut self) -> Vec<u8> {
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

/// Two who chat, on one shard and on two.
fn in_towns(queue: QueueType, mut test: impl FnMut(Town, usize, usize)) {
    for (shards, bobs) in [(1, 0), (2, 1)] {
        let mut town = Town::new(shards);
        let (ann, bob) = (town.comes(0), town.comes(bobs));
        town.meet(queue, [ann, bob]);
        test(town, ann, bob);
    }
}

fn judged(severity: Severity, action: Action) -> News {
    News::Judged(Offence::Message, severity, action)
}

#[test]
fn what_is_blocked_reaches_nobody_and_has_no_number() {
    in_towns(QueueType::Moderated, |mut town, ann, bob| {
        town.talks(ann, "how towering");
        let told = [
            judged(Severity::High, Action::Block),
            News::Warned { warnings: 1, blocked: true },
            News::Refused(ErrorCode::Blocked, Some("id".into())),
        ];
        assert_eq!(town.news_of(ann), told);
        assert_eq!(town.news_of(bob), []);
        town.talks(ann, "hello");
        assert_eq!(town.news_of(bob), [News::Words("hello".into(), 1)]);
        assert_eq!(town.news_of(ann), [News::Told("message_ack".into())]);
    });
}

#[test]
fn who_comes_to_the_end_of_the_ladder_is_banned_and_gone() {
    in_towns(QueueType::Moderated, |mut town, ann, bob| {
        for _ in 0..2 {
            town.talks(ann, "middling");
            assert_eq!(town.news_of(bob).len(), 1);
        }
        town.talks(ann, "middling");
        town.news.clear();
        town.talks(ann, "middling");
        let until = town.now + Span::secs(3_600);
        let told = [
            judged(Severity::Medium, Action::Ban),
            News::Sentenced(Severity::Medium, until),
            News::Banned { until: Some(until.unix_millis()) },
            News::Closed(CloseCode::Banned),
        ];
        assert_eq!(town.news_of(ann), told);
        assert_eq!(town.news_of(bob), [News::Told("partner_disconnected".into())]);
        // She is nobody any more.
        town.talks(ann, "hello");
        assert_eq!(town.news, []);
    });
}

#[test]
fn unmoderated_lanes_know_zero_tolerance_only() {
    in_towns(QueueType::Unmoderated, |mut town, ann, bob| {
        for word in ["lowly", "middling", "towering"] {
            town.talks(ann, word);
            assert_eq!(town.news_of(bob).len(), 1);
            assert_eq!(town.news_of(ann), [News::Told("message_ack".into())]);
        }
        town.talks(ann, "nou");
        town.talks(ann, "ght");
        let until = town.now + Span::secs(7_200);
        assert!(town.news_of(ann).contains(&News::Sentenced(Severity::Zero, until)));
        let told = town.news_of(bob);
        assert_eq!(told.last(), Some(&News::Told("partner_disconnected".into())));
        assert_eq!(told.len(), 2, "the first half was harmless: {told:?}");
    });
}

#[test]
fn interests_are_refused_by_the_rules_of_their_lane() {
    let mut town = Town::new(1);
    let ann = town.comes(0);
    town.joins(ann, QueueType::Moderated, "middling");
    let refused = News::Judged(Offence::Interest, Severity::Medium, Action::Block);
    assert_eq!(town.news_of(ann), [refused, News::Refused(ErrorCode::BadInterests, None)]);
    assert_eq!(town.shards[0].tickets().len(), 0);
    for (queue, interest) in [(QueueType::Moderated, "lowly"), (QueueType::Unmoderated, "middling")]
    {
        town.joins(ann, queue, interest);
        assert_eq!(town.news_of(ann), []);
        assert_eq!(town.shards[0].tickets().len(), 1);
    }
    town.joins(ann, QueueType::Unmoderated, "nought");
    assert!(town.news_of(ann).contains(&News::Closed(CloseCode::Banned)));
    assert_eq!(town.shards[0].tickets().len(), 0);
}

#[test]
fn who_has_strikes_comes_after_others_who_fit() {
    let mut town = Town::new(1);
    let [ann, bob, cat] = [(); 3].map(|()| town.comes(0));
    town.meet(QueueType::Moderated, [ann, bob]);
    town.talks(ann, "middling");
    for who in [ann, bob] {
        town.says(who, ClientMessage::Leave);
    }
    // She waits longer; and having met, these two wait beside each other.
    for who in [ann, bob, cat] {
        town.joins(who, QueueType::Moderated, "tea");
    }
    assert_eq!(town.partner(cat), Some(bob));
    assert_eq!(town.partner(ann), None);
}

#[test]
fn a_log_has_what_was_found_and_none_of_the_words() {
    for shards in [1, 2] {
        let mut town = Town::new(shards);
        let (ann, bob) = (town.comes(0), town.comes(shards - 1));
        town.joins(ann, QueueType::Moderated, "towering");
        town.meet(QueueType::Moderated, [ann, bob]);
        for word in ["lowly", "hello", "middling", "towering", "hello"] {
            town.talks(ann, word);
            town.talks(bob, word);
        }
        let others = RULES.replace("towering", "hello").replace("warnings = 2", "warnings = 9");
        let rules = Arc::new(Rules::parse(&others).expect("good rules"));
        for shard in 0..shards {
            let order = Event::Order(Order::Rules(&rules));
            town.happens(ShardId { node: 0, shard }, order);
        }
        for word in ["towering", "hello", "nought"] {
            town.talks(ann, word);
        }
        assert_eq!(town.partner(bob), None);
        let log = town.log();
        let replayed = replay(&*log).unwrap_or_else(|failure| panic!("{failure}"));
        assert!(replayed.shards.iter().all(|it| it.events > 3 && it.effects > 0));
        for word in ["lowly", "hello", "middling", "towering", "nought", "Not here"] {
            assert!(!log.windows(word.len()).any(|it| it == word.as_bytes()), "{word}");
        }
    }
}

/// Somebody new at a shard, known by these, who chats with somebody nobody knows.
fn comes_again(town: &mut Town, shard: u16, traits: Traits) -> usize {
    let (who, partner) = (town.comes(shard), town.comes(0));
    town.is_known(who, traits, None);
    town.meet(QueueType::Moderated, [who, partner]);
    who
}

#[test]
fn whoever_comes_again_is_no_newcomer_until_the_next_day() {
    use Action::{Ban, Block, Warn};
    let known_by = |device: u64| Traits { device: Some(device), ..Traits::default() };
    for shards in [1, 3] {
        let mut town = Town::new(shards);
        // On whichever shard they come, by the same device.
        for (connection, action) in (0..).zip([Warn, Warn, Block, Ban]) {
            let who = comes_again(&mut town, connection % shards, known_by(7));
            assert_eq!(town.errs(who, known_by(7)), action, "connection {connection}");
        }
        let other = comes_again(&mut town, 0, known_by(8));
        assert_eq!(town.errs(other, known_by(8)), Warn);
        // Two connections at once are one person as well; each hears of it with its next fault.
        let again = comes_again(&mut town, shards - 1, known_by(8));
        assert_eq!(town.errs(again, known_by(8)), Warn);
        assert_eq!(town.errs(other, known_by(8)), Warn, "one behind");
        assert_eq!(town.errs(other, known_by(8)), Ban);
        town.now = town.now + Span::secs(86_400);
        assert_eq!(town.errs(again, known_by(8)), Warn, "even while connected");
        let next = comes_again(&mut town, 0, known_by(8));
        assert_eq!(town.errs(next, known_by(8)), Warn);
        let log = town.log();
        let replayed = replay(&*log).unwrap_or_else(|failure| panic!("{failure}"));
        assert!(replayed.shards[0].events > 20);
    }
}

#[test]
fn what_many_may_share_blocks_and_bans_nobody() {
    use Action::{Ban, Block, Warn};
    let traits = |address: &str, fingerprint| {
        let address = Some(address.parse().expect("an address"));
        Traits { address, device: None, fingerprint }
    };
    let mut town = Town::new(2);
    let here = traits("2001:db8::1", None);
    let ann = comes_again(&mut town, 0, here);
    for action in [Warn, Warn, Block] {
        assert_eq!(town.errs(ann, here), action);
    }
    // Others of the /64 begin where faults are blocked; what they do themselves bans them.
    for _ in 0..3 {
        let next = comes_again(&mut town, 1, traits("2001:db8::2", None));
        assert_eq!(town.errs(next, here), Block);
    }
    assert_eq!(town.errs(ann, here), Ban);
    let far = comes_again(&mut town, 0, traits("2001:db8:0:1::1", None));
    assert_eq!(town.errs(far, traits("2001:db8:0:1::1", None)), Warn);
    // A fingerprint counts within its neighbourhood.
    let [near, next_door, far] =
        ["192.0.2.1", "192.0.2.99", "198.51.100.1"].map(|address| traits(address, Some(5)));
    let bob = comes_again(&mut town, 0, near);
    for action in [Warn, Warn] {
        assert_eq!(town.errs(bob, near), action);
    }
    let cat = comes_again(&mut town, 1, next_door);
    assert_eq!(town.errs(cat, next_door), Block);
    let dan = comes_again(&mut town, 1, far);
    assert_eq!(town.errs(dan, far), Warn);
}
