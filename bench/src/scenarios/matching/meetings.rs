//! People who like what many like: joins at a given rate, whatever the answers, with interests by
//! Zipf's law, new ones for every join.
//!
//! Whoever is free for longest takes the next join that is due, and their time to match counts from
//! when it was due. Once matched, each of the two stays for a time of an exponential distribution,
//! so that chats last `--stay` in the mean. Whoever's is over first ends it: by a skip, which goes
//! back to the queue at once with the same wishes, or by leaving, and is free again; so is the one
//! who was left. Times after a skip are told apart, for they come on top of the rate.
//!
//! What the engine tells of every match (what the two share, and in which tier they met) is checked
//! against what was asked for.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::iter::Peekable;
use std::time::{Duration, Instant};

use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};
use rand_distr::Exp1;
use whisper_proto::{ClientMessage, ErrorCode, Matched, Relax, ServerMessage, Skip, Tier};

use crate::cli;
use crate::driver::{DriveError, Gathered, News, PersonId, Scenario, Scene};
use crate::plan::{Arrivals, Plan};
use crate::record::{Count, Timing};
use crate::scenarios::UNMODERATED;
use crate::scenarios::catalogue::{Catalogue, Likes};

/// The people of one reactor. They meet those of the others too.
pub(super) struct Meetings {
    relax: Relax,
    stay: Duration,
    skips: f64,
    catalogue: Catalogue,
    random: SmallRng,
    /// When joins are due.
    arrivals: Peekable<Arrivals>,
    people: Vec<Person>,
    /// Who may join, in order.
    free: VecDeque<PersonId>,
    /// Whose stay in which of their chats is over when.
    ends: BinaryHeap<Reverse<(Instant, PersonId, u32)>>,
}

#[derive(Clone, Default)]
struct Person {
    likes: Likes,
    state: State,
    /// Chats so far.
    chats: u32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// May join, once they are there.
    #[default]
    Free,
    /// Joined, which was due then.
    Joined(Instant),
    /// Skipped then, and so waits again.
    Skipped(Instant),
    Chatting,
    /// Left; free as soon as the engine has heard of it, as it answers what was asked behind.
    Leaving,
}

/// Whoever waits at the end of a run.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Waiting {
    pub(super) people: usize,
    pub(super) longest: Duration,
}

impl Meetings {
    pub(super) fn new(plan: &Plan, reactor: usize, args: &cli::Match) -> Self {
        let people = plan.share(reactor).len();
        let rate = args.rate * people as f64 / plan.people as f64;
        let offset = reactor as f64 / plan.reactors as f64;
        let seed = plan.seed.wrapping_add(reactor as u64);
        Self {
            relax: args.relax,
            stay: args.stay,
            skips: args.skips,
            catalogue: Catalogue::new(args.interests, args.exponent, &args.each),
            random: SmallRng::seed_from_u64(!seed),
            arrivals: Arrivals::new(&plan.load, rate, offset, args.spacing, seed).peekable(),
            people: vec![Person::default(); people],
            free: VecDeque::with_capacity(people),
            ends: BinaryHeap::new(),
        }
    }

    fn join(&mut self, scene: &mut Scene<'_>, due: Instant, now: Instant) {
        scene.count(Count::Requested);
        scene.time(Timing::Lag, now - due);
        let Some(person) = self.free.pop_front() else { return scene.count(Count::Dropped) };
        let likes = self.catalogue.pick(&mut self.random);
        likes.join(UNMODERATED, self.relax, |join| scene.say(person, join));
        self.people[person] =
            Person { likes, state: State::Joined(due), chats: self.people[person].chats };
    }

    fn matched(&mut self, scene: &mut Scene<'_>, person: PersonId, matched: &Matched<'_>) {
        let now = Instant::now();
        let who = &mut self.people[person];
        match who.state {
            State::Joined(due) => {
                let took = now - due;
                scene.time(Timing::Match, took);
                scene.time(Timing::of_tier(matched.tier), took);
                let by_engine = Duration::from_millis(matched.waited_ms.into());
                scene.time(Timing::WaitedByEngine, by_engine);
            }
            State::Skipped(at) => scene.time(Timing::MatchAfterSkip, now - at),
            // It was on its way when they left.
            State::Leaving => return,
            State::Free | State::Chatting => return scene.count(Count::Unexpected),
        }
        if !who.likes.agree_with(matched) {
            scene.count(Count::Unexpected);
        }
        // One of the two is.
        scene.count_many(Count::Done, matched.is_initiator.into());
        who.state = State::Chatting;
        who.chats += 1;
        // The shorter of two such times is half of one.
        let stay = self.stay.mul_f64(2.0 * self.random.sample::<f64, _>(Exp1));
        self.ends.push(Reverse((now + stay, person, who.chats)));
    }

    /// Has those end their chat whose stay is over.
    fn part(&mut self, scene: &mut Scene<'_>, now: Instant) {
        while let Some(Reverse((at, person, chat))) = self.ends.peek().copied()
            && at <= now
        {
            self.ends.pop();
            let who = &mut self.people[person];
            if who.state != State::Chatting || who.chats != chat {
                continue; // the other was first
            }
            if self.random.random_bool(self.skips) {
                who.state = State::Skipped(now);
                scene.count(Count::Skips);
                scene.say(person, &ClientMessage::Skip(Skip::default()));
            } else {
                who.state = State::Leaving;
                scene.count(Count::Leaves);
                scene.say(person, &ClientMessage::Leave);
                scene.say(person, &ClientMessage::Ping);
            }
        }
    }

    fn set_free(&mut self, person: PersonId) {
        self.people[person].state = State::Free;
        self.free.push_back(person);
    }

    fn message(&mut self, scene: &mut Scene<'_>, person: PersonId, message: &ServerMessage<'_>) {
        let state = self.people[person].state;
        match (message, state) {
            (ServerMessage::Matched(matched), _) => self.matched(scene, person, matched),
            (
                ServerMessage::PartnerSkipped | ServerMessage::PartnerDisconnected,
                State::Chatting,
            ) => self.set_free(person),
            // Both wanted it to end: what was said here was on its way, or still is.
            (
                ServerMessage::PartnerSkipped | ServerMessage::PartnerDisconnected,
                State::Skipped(_) | State::Leaving,
            ) => {}
            (ServerMessage::Error(error), State::Leaving)
                if error.code == ErrorCode::NotInQueue => {}
            (ServerMessage::Pong { .. }, State::Leaving) => self.set_free(person),
            (ServerMessage::MatchTimeout { .. }, State::Joined(_) | State::Skipped(_)) => {
                scene.count(Count::Timeouts);
                self.set_free(person);
            }
            (
                ServerMessage::Error(_)
                | ServerMessage::MatchTimeout { .. }
                | ServerMessage::PartnerSkipped
                | ServerMessage::PartnerDisconnected,
                _,
            ) => scene.count(Count::Unexpected),
            _ => {}
        }
    }
}

impl Scenario for Meetings {
    type Rest = Waiting;

    fn heard(
        &mut self,
        scene: &mut Scene<'_>,
        person: PersonId,
        news: &News<'_>,
    ) -> Result<(), DriveError> {
        match news {
            News::Ready => self.free.push_back(person),
            News::Message(message) => self.message(scene, person, message),
            News::Opened | News::Frame(_) | News::Ping => {}
        }
        Ok(())
    }

    fn gathered(&self, scene: &Scene<'_>) -> Gathered {
        Gathered::of(scene.ready(), self.people.len(), "people are there")
    }

    fn turn(&mut self, scene: &mut Scene<'_>) -> Result<Option<Instant>, DriveError> {
        let Some(began) = scene.began() else {
            scene.want(self.people.len());
            return Ok(None);
        };
        if !scene.is_loading() {
            return Ok(None);
        }
        let now = Instant::now();
        self.part(scene, now);
        while let Some(at) = self.arrivals.next_if(|at| began + *at <= now) {
            self.join(scene, began + at, now);
        }
        let next = self.arrivals.peek().map(|at| began + *at);
        let end = self.ends.peek().map(|Reverse((at, ..))| *at);
        Ok(next.into_iter().chain(end).min())
    }

    /// Whoever waits at the end may have nobody left to wait for.
    fn balance(&self) -> i64 {
        0
    }

    fn rest(self) -> Waiting {
        let since = self.people.iter().filter_map(|who| match who.state {
            State::Joined(at) | State::Skipped(at) => Some(at.elapsed()),
            State::Free | State::Chatting | State::Leaving => None,
        });
        let waiting = since.map(|longest| Waiting { people: 1, longest });
        waiting.fold(Waiting::default(), Waiting::and)
    }
}

impl Waiting {
    /// These and others.
    pub(super) fn and(self, other: Self) -> Self {
        Self { people: self.people + other.people, longest: self.longest.max(other.longest) }
    }
}

impl Timing {
    /// The time to match of those who meet in this tier.
    fn of_tier(tier: Tier) -> Self {
        match tier {
            Tier::Exact => Self::MatchExact,
            Tier::Overlap => Self::MatchOverlap,
            Tier::Single => Self::MatchSingle,
            Tier::Any => Self::MatchAny,
        }
    }
}
