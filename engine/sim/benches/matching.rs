//! What a match costs the shards: nanoseconds of their own work, from a person's join to their side
//! of the room, rings and codec left out.
//!
//! Every interest that is joined for has a list of 64 or more who wait for somebody else; so each
//! join is held against many before it finds its one partner, or nobody. Those who wait have that one
//! interest and no other in common with whoever comes: beside it they have one of their own, or nine.
//!
//! `cargo bench -p whisper-sim --bench matching`, with `-- 10/64/2/8` for some scenes only
//! (interests, waiting, with how many interests each, shards). Without `--bench`, as under `cargo
//! test`, it runs 20 rounds to see that it does; a number sets how many. Instructions are steadier
//! than time; to count them, run the binary that cargo names under
//! `valgrind --tool=callgrind --collect-atstart=no --toggle-collect='*timed*'`.

#![allow(clippy::print_stdout, reason = "a benchmark speaks on stdout")]

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use whisper_core::ids::{Link, SessionId};
use whisper_core::moderation::{Ladder, Rules};
use whisper_core::settings::Settings;
use whisper_core::shard::{Effect, Envelope, Event, Setup, Shard};
use whisper_core::time::Micros;
use whisper_proto::{
    AgeCategory, ClientMessage, Join, Lane, LanguageWish, Mode, QueueType, Relax, ServerMessage,
};
use whisper_shard_router::{Placement, ShardId};

const LANE: Lane = Lane { age: AgeCategory::Adult, mode: Mode::Text, queue: QueueType::Moderated };

/// Interests that somebody waits for.
const TOPICS: usize = 64;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let rounds = args.iter().find_map(|arg| arg.parse().ok());
    let measuring = args.iter().any(|arg| arg == "--bench");
    let rounds = rounds.unwrap_or(if measuring { 30_000 } else { 20 });
    let wanted: Vec<_> = args.iter().filter(|arg| arg.contains('/')).collect();
    println!(
        "{:>9} {:>7} {:>9} {:>6} {:>10} {:>14}",
        "interests", "waiting", "with each", "shards", "messages", "ns per person"
    );
    for shards in [1, 8] {
        for interests in [3, 10] {
            for (waiting, theirs) in [(0, 0), (64, 2), (64, 10), (256, 2), (256, 10)] {
                let name = format!("{interests}/{waiting}/{theirs}/{shards}");
                if !wanted.is_empty() && !wanted.contains(&&name) {
                    continue;
                }
                let mut cores = Cores::new(shards);
                cores.fill_lists(waiting, theirs);
                let (took, messages) = cores.measure(rounds, interests);
                let people = 2 * rounds as u128;
                let (each, messages) = (took.as_nanos() / people, u128::from(messages) / people);
                println!("{interests:9} {waiting:7} {theirs:9} {shards:6} {messages:10} {each:14}");
            }
        }
    }
}

/// Shards whose messages arrive at once.
struct Cores {
    now: Micros,
    shards: Vec<Shard>,
    underway: VecDeque<(ShardId, ShardId, Envelope)>,
    opened: Option<SessionId>,
    matched: usize,
    delivered: u64,
    people: u64,
    topics: Vec<String>,
}

impl Cores {
    fn new(shards: u16) -> Self {
        let now = Micros(1_800_000_000_000_000);
        let placement = Placement::single_node([7; 16], 0, shards);
        let settings = Arc::new(Settings::default());
        let make = |shard| {
            let setup = Setup {
                me: ShardId { node: 0, shard },
                shards: shards.into(),
                placement: placement.clone(),
                settings: Arc::clone(&settings),
                rules: Arc::new(Rules::none(Ladder::default())),
                evidence_secret: [1; 32],
                session_secret: [2; 32],
                seed: [shard as u8; 32],
            };
            Shard::new(now, setup)
        };
        Self {
            now,
            shards: (0..shards).map(make).collect(),
            underway: VecDeque::new(),
            opened: None,
            matched: 0,
            delivered: 0,
            people: 0,
            topics: (0..TOPICS).map(|number| format!("topic {number}")).collect(),
        }
    }

    /// Has so many wait for each topic, with so many interests each, of which they have nothing but
    /// the topic in common with anybody.
    fn fill_lists(&mut self, waiting: usize, interests: usize) {
        for topic in self.topics.clone() {
            for number in 0..waiting {
                let person = self.connect();
                let own = (1..interests).map(|it| format!("{topic} of {number}, {it}"));
                let likes: Vec<_> = own.chain([topic.clone()]).collect();
                let likes: Vec<_> = likes.iter().map(String::as_str).collect();
                self.join(person, &likes);
            }
        }
        assert_eq!(self.matched, 0, "those who fill the lists stay there");
    }

    /// Matches pairs that have all their interests in common; the time that their joins took.
    fn measure(&mut self, rounds: usize, interests: usize) -> (Duration, u64) {
        let topics = self.topics.clone();
        let mut took = Duration::ZERO;
        let before = self.delivered;
        for round in 0..rounds {
            let pair = [self.connect(), self.connect()];
            // Neighbours on a circle, from another place each time.
            let likes = (0..interests).map(|it| topics[(round * 7 + it) % TOPICS].as_str());
            let likes: Vec<_> = likes.collect();
            self.matched = 0;
            took += self.timed(pair, &likes);
            assert_eq!(self.matched, 2, "the two find each other");
            for session in pair {
                self.feed(session.home(), Event::Disconnected { session, broken: false });
            }
            self.settle();
        }
        (took, self.delivered - before)
    }

    /// What is measured; not inlined, so that a profiler can be told to look at this alone.
    #[inline(never)]
    fn timed(&mut self, pair: [SessionId; 2], likes: &[&str]) -> Duration {
        let begun = Instant::now();
        for person in pair {
            self.join(person, likes);
        }
        begun.elapsed()
    }

    fn connect(&mut self) -> SessionId {
        let home = ShardId { node: 0, shard: (self.people % self.shards.len() as u64) as u16 };
        self.people += 1;
        self.feed(home, Event::Connected { link: Link(self.people) });
        self.opened.take().expect("who connects is let in")
    }

    fn join(&mut self, session: SessionId, likes: &[&str]) {
        // Everything happens within a moment, so that no tier opens.
        let interests = likes.iter().copied().collect();
        let join =
            Join { lane: LANE, interests, relax: Relax::Strict, language: LanguageWish::Any };
        self.feed(session.home(), Event::Message { session, message: ClientMessage::Join(join) });
        self.settle();
    }

    /// Delivers everything, and carries on what scans are owed.
    fn settle(&mut self) {
        loop {
            while let Some((from, to, envelope)) = self.underway.pop_front() {
                self.delivered += 1;
                self.feed(to, Event::FromShard { from, envelope });
            }
            let due = self.shards.iter().find(|it| it.next_timeout() <= Micros(0));
            let Some(id) = due.map(Shard::id) else { return };
            self.feed(id, Event::Tick);
        }
    }

    fn feed(&mut self, at: ShardId, event: Event<'_>) {
        let Self { shards, underway, opened, matched, now, .. } = self;
        let mut effects = |effect: Effect<'_>| match effect {
            Effect::Opened { session, .. } => *opened = Some(session),
            Effect::ToShard { to, envelope } => underway.push_back((at, to, envelope)),
            Effect::Send { message: ServerMessage::Matched(_), .. } => *matched += 1,
            _ => {}
        };
        shards[usize::from(at.shard)].handle(*now, event, &mut effects);
    }
}
