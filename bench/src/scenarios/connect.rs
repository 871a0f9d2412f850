//! `connect`: a storm of people who come: connect, upgrade, and hear `connected`. In a closed loop
//! so many are on their way at once, until all are there; in an open loop they set out when it is
//! due, however many are on their way, and their time counts from then. Whoever is to join as well
//! has a partner who comes beside them, and is there when matched.

use std::collections::VecDeque;
use std::iter::Peekable;
use std::time::{Duration, Instant};

use whisper_proto::ServerMessage;

use super::{Failed, UNMODERATED, interest, join, stay_on};
use crate::cli::{self, Stay};
use crate::driver::{DriveError, Gathered, Lost, News, PersonId, Scenario, Scene};
use crate::fleet;
use crate::operator::Operator;
use crate::plan::{Arrivals, Load, Plan};
use crate::record::{Count, Timing};
use crate::report::{Report, Things};

const UPGRADES: Things = Things {
    one: "upgrade",
    many: "upgrades",
    timing: Timing::Connect,
    faults: &[Count::ConnectionsFailed, Count::ConnectionsLost, Count::Unexpected],
};

/// The longest that a closed loop may take.
const LONGEST: Duration = Duration::from_secs(3600);

/// How long the way may be while nobody else comes to an end of theirs.
const STALLED_AFTER: Duration = Duration::from_secs(15);

/// How long a place is kept for somebody beyond their stay: for coming and going.
const ON_THE_WAY: Duration = Duration::from_secs(5);

/// Runs it.
///
/// # Errors
/// Where it can't be run; what goes wrong in it is in the report.
pub(crate) fn run(args: &cli::Connect, operator: &Operator) -> Result<Report, Failed> {
    stay_on(&args.aim.cores)?;
    let (people, load) = match args.rate {
        None => (args.connections, Load::constant(Duration::ZERO, LONGEST)),
        Some(rate) => {
            let load = Load::from(&args.course);
            let all = rate * load.area();
            let at_once = match args.stay {
                Stay::End => all,
                Stay::For(time) => rate * load.peak() * (time + ON_THE_WAY).as_secs_f64(),
            };
            (all.min(at_once).ceil() as usize, load)
        }
    };
    // Nobody's partner is left out.
    let people = if args.join { people.next_multiple_of(2) } else { people };
    let mut plan = Plan::new(&args.aim, args.wire, people, load)?;
    plan.together = 2;
    plan.on_the_way_max = people;
    let ran = fleet::run(plan, operator, |plan, reactor| Connect::new(plan, reactor, args))?;
    let mut report = Report::of("connect", UPGRADES, &ran);
    let unfinished: usize = ran.rests.iter().sum();
    report.count("connections_unfinished", unfinished);
    report.fault_if(unfinished > 0, || format!("{unfinished} connections never came to be"));
    Ok(report)
}

/// One reactor's part.
struct Connect {
    seed: u64,
    joins: bool,
    stay: Stay,
    pace: Pace,
    people: Vec<Comer>,
    /// Who may set out, in order.
    away: VecDeque<PersonId>,
    /// Who leaves when.
    leaving: VecDeque<(Instant, PersonId)>,
    /// Who set out and is not there yet.
    on_the_way: usize,
    /// When somebody last came to an end of their way, good or bad.
    progress: Instant,
}

enum Pace {
    /// So many are on their way at once.
    Closed(usize),
    /// They set out when it is due.
    Open(Peekable<Arrivals>),
}

/// One person.
#[derive(Clone, Copy, Default)]
struct Comer {
    /// When they should have set out; None unless they are on their way.
    due: Option<Instant>,
    /// When their socket was connected, and then when they were upgraded.
    since: Option<Instant>,
}

impl Connect {
    fn new(plan: &Plan, reactor: usize, args: &cli::Connect) -> Self {
        let people = plan.share(reactor).len();
        let pace = match args.rate {
            None => Pace::Closed(args.at_once.div_ceil(plan.reactors)),
            Some(rate) => {
                let rate = rate * people as f64 / plan.people as f64;
                let offset = reactor as f64 / plan.reactors as f64;
                let seed = plan.seed.wrapping_add(reactor as u64);
                let arrivals = Arrivals::new(&plan.load, rate, offset, args.spacing, seed);
                Pace::Open(arrivals.peekable())
            }
        };
        Self {
            seed: plan.seed,
            joins: args.join,
            stay: args.stay,
            pace,
            people: vec![Comer::default(); people],
            away: (0..people).collect(),
            leaving: VecDeque::new(),
            on_the_way: 0,
            progress: Instant::now(),
        }
    }

    fn set_out(&mut self, scene: &mut Scene<'_>, due: Instant) -> bool {
        let Some(person) = self.away.pop_front() else { return false };
        self.people[person] = Comer { due: Some(due), since: None };
        if self.on_the_way == 0 {
            self.progress = Instant::now();
        }
        self.on_the_way += 1;
        scene.come(person);
        true
    }

    /// Somebody is there, with all that belongs to it.
    fn done(&mut self, scene: &mut Scene<'_>, person: PersonId, now: Instant) {
        let Some(due) = self.people[person].due.take() else { return };
        self.on_the_way -= 1;
        self.progress = now;
        scene.count(Count::Done);
        scene.time(Timing::Connect, now - due);
        if let Stay::For(stay) = self.stay {
            self.leaving.push_back((now + stay, person));
        }
    }

    fn let_go(&mut self, scene: &mut Scene<'_>, now: Instant) {
        while let Some((_, person)) = self.leaving.pop_front_if(|(at, _)| *at <= now) {
            scene.leave(person);
            self.away.push_back(person);
        }
    }
}

impl Scenario for Connect {
    /// Connections that neither came to be nor failed.
    type Rest = usize;

    fn heard(
        &mut self,
        scene: &mut Scene<'_>,
        person: PersonId,
        news: &News<'_>,
    ) -> Result<(), DriveError> {
        let now = Instant::now();
        match news {
            News::Opened => self.people[person].since = Some(now),
            News::Ready => {
                if let Some(opened) = self.people[person].since.replace(now) {
                    scene.time(Timing::Upgrade, now - opened);
                }
                if self.joins {
                    let interest = interest(self.seed, scene.name(person) as usize / 2);
                    scene.say(person, &join(UNMODERATED, &interest));
                } else {
                    self.done(scene, person, now);
                }
            }
            News::Message(ServerMessage::Matched(_)) if self.joins => {
                if let Some(ready) = self.people[person].since.take() {
                    scene.time(Timing::Match, now - ready);
                }
                self.done(scene, person, now);
            }
            News::Message(ServerMessage::Error(_) | ServerMessage::MatchTimeout { .. }) => {
                scene.count(Count::Unexpected);
            }
            News::Message(_) | News::Frame(_) | News::Ping => {}
        }
        Ok(())
    }

    fn lost(
        &mut self,
        scene: &mut Scene<'_>,
        person: PersonId,
        why: Lost,
    ) -> Result<(), DriveError> {
        let failed = self.people[person].due.take().is_some();
        self.on_the_way -= usize::from(failed);
        self.progress = Instant::now();
        scene.count(if failed { Count::ConnectionsFailed } else { Count::ConnectionsLost });
        scene.note_lost(why);
        // Who stays to the end comes once; others have their place back when they would have left.
        if let (true, Stay::For(stay)) = (failed, self.stay) {
            self.leaving.push_back((Instant::now() + stay, person));
        }
        Ok(())
    }

    fn gathered(&self, _: &Scene<'_>) -> Gathered {
        Gathered::of(0, 0, "people need to be there")
    }

    fn is_finished(&self) -> bool {
        matches!(self.pace, Pace::Closed(_)) && self.away.is_empty() && self.on_the_way == 0
    }

    fn turn(&mut self, scene: &mut Scene<'_>) -> Result<Option<Instant>, DriveError> {
        let (Some(began), true) = (scene.began(), scene.is_loading()) else { return Ok(None) };
        let now = Instant::now();
        self.let_go(scene, now);
        if self.on_the_way > 0 && now - self.progress > STALLED_AFTER {
            let (done, wanted) = (scene.ready(), scene.ready() + self.on_the_way);
            return Err(DriveError::Stalled { done, wanted, what: "connections came to be" });
        }
        let mut next = self.leaving.front().map(|(at, _)| *at);
        if let Pace::Closed(at_once) = self.pace {
            while self.on_the_way < at_once && self.set_out(scene, now) {}
            return Ok(next);
        }
        while let Pace::Open(arrivals) = &mut self.pace {
            let Some(at) = arrivals.next_if(|at| began + *at <= now) else {
                next = arrivals.peek().map(|at| began + *at).into_iter().chain(next).min();
                break;
            };
            scene.count(Count::Requested);
            scene.time(Timing::Lag, now - (began + at));
            if !self.set_out(scene, began + at) {
                scene.count(Count::Dropped);
            }
        }
        Ok(next)
    }

    fn balance(&self) -> i64 {
        self.on_the_way as i64
    }

    fn rest(self) -> usize {
        self.on_the_way
    }
}
