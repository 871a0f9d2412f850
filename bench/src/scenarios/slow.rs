//! `slow`: pairs who talk at a rate, alone at first, and then beside people who take up places:
//! those who join, talk, and never read what they are told; and those whose request never comes to
//! an end, a byte at a time. What the pairs notice of it is told beside what was before, and how
//! long it takes until the server is rid of the others.
//!
//! Whoever doesn't read doesn't hear the server hang up either, only that it takes nothing more.

use std::time::{Duration, Instant};

use whisper_proto::{ClientMessage, Say, ServerMessage};

use super::relay::{self, Relay};
use super::{Failed, UNMODERATED, interest, join, stay_on};
use crate::cli::{self, Course, Talk, Wire};
use crate::driver::{DriveError, Gathered, Lost, News, PersonId, Scenario, Scene};
use crate::fleet;
use crate::operator::Operator;
use crate::plan::{Load, Phase, Plan, Spacing};
use crate::record::Timing;
use crate::report::Report;

/// The phase in which they come.
const ATTACK: Phase = Phase::Measured(1);

/// Bytes that may wait for a slow reader's own connection before it says nothing more.
const UNSENT_MAX: usize = 64 * 1024;

/// How a request begins that has no end.
const HEAD: &[u8] = b"GET /ws HTTP/1.1\r\nHost: localhost\r\nX-Slow: ";

/// What slow readers say.
const FLOOD: &str = const {
    match str::from_utf8(&[b'y'; 2000]) {
        Ok(text) => text,
        Err(_) => panic!("it is ASCII"),
    }
};

/// Runs it.
///
/// # Errors
/// Where it can't be run; what goes wrong in it is in the report.
pub(crate) fn run(args: &cli::Slow, operator: &Operator) -> Result<Report, Failed> {
    stay_on(&args.aim.cores)?;
    let talk = talk(args);
    relay::check(&talk)?;
    let load = Load::holds(args.warm_up, [args.calm, args.attack]);
    let people = 2 * args.pairs + args.readers + args.handshakes;
    let mut plan = Plan::new(&args.aim, Wire::default(), people, load)?;
    plan.together = 2;
    // Those on their way for good shall keep nobody from coming.
    plan.on_the_way_max = people;
    let ran = fleet::run(plan, operator, |plan, reactor| Slow::new(plan, reactor, args, &talk))?;

    let p99 = |phase: usize| {
        let times = ran.ledger.phases().get(phase).and_then(|it| it.tally.time(Timing::Relay));
        times.map(|times| times.value_at_quantile(0.99) as f64 / 1e3)
    };
    let calm_and_attacked = p99(0).zip(p99(1));
    let left: usize = ran.rests.iter().map(|rest| rest.left).sum();
    let gone = ran.rests.iter().map(|rest| rest.gone).max().unwrap_or_default();
    let balance = ran.rests.iter().map(|rest| rest.balance).sum();
    let mut report = relay::report("slow", ran, balance);
    if let Some((calm, attacked)) = calm_and_attacked {
        report.figure("calm_p99_us", calm, "µs");
        report.figure("attacked_p99_us", attacked, "µs");
        report.figure("attacked_to_calm_p99", attacked / calm, "");
    }
    report.count("attackers", args.readers + args.handshakes);
    report.count("attackers_left", left);
    report.figure("last_attacker_gone_after_ms", gone.as_secs_f64() * 1e3, "ms");
    Ok(report)
}

/// What the pairs do.
fn talk(args: &cli::Slow) -> Talk {
    Talk {
        pairs: args.pairs,
        depth: 1,
        rate: Some(args.rate),
        spacing: Spacing::Even,
        bytes: args.bytes,
        course: Course { secs: args.calm, warm_up: args.warm_up, phases: Vec::new() },
        room: false,
        moderated: false,
    }
}

/// One reactor's part.
struct Slow {
    relay: Relay,
    seed: u64,
    /// From which of this reactor's people on they attack; and from which by handshakes.
    attackers: (PersonId, PersonId),
    people: Vec<Attacker>,
    /// From one message of a slow reader to the next, and when that is.
    flood: (Duration, Instant),
    /// From one byte of a slow handshake to the next, and when that is.
    drip: (Duration, Instant),
    /// When they came; None before.
    since: Option<Instant>,
    /// How long after that the last of those left who did.
    gone: Duration,
}

/// Somebody who attacks.
#[derive(Clone, Copy, Debug, Default)]
struct Attacker {
    /// Since when; None while they don't.
    since: Option<Instant>,
    /// Whether they are gone.
    gone: bool,
    /// Bytes of the request that were sent.
    sent: usize,
}

/// What is left of a reactor's part.
struct Rest {
    balance: i64,
    /// Attackers who are still there.
    left: usize,
    /// When the last of the others was gone, from the beginning of the attack.
    gone: Duration,
}

impl Slow {
    fn new(plan: &Plan, reactor: usize, args: &cli::Slow, talk: &Talk) -> Self {
        let names = plan.share(reactor);
        let here = |name: usize| name.clamp(names.start, names.end);
        let honest = names.start..here(2 * args.pairs);
        let handshakes = here(2 * args.pairs + args.readers) - names.start;
        let now = Instant::now();
        Self {
            seed: plan.seed,
            attackers: (honest.len(), handshakes),
            people: vec![Attacker::default(); names.len() - honest.len()],
            relay: Relay::new(plan, reactor, honest, talk, None),
            flood: (Duration::from_secs_f64(1.0 / args.flood), now),
            drip: (args.drip, now),
            since: None,
            gone: Duration::ZERO,
        }
    }

    fn attacker(&mut self, person: PersonId) -> Option<&mut Attacker> {
        self.people.get_mut(person.checked_sub(self.attackers.0)?)
    }

    /// Has all say or write what is due.
    fn attack(&mut self, scene: &mut Scene<'_>, now: Instant) -> Instant {
        let (first, handshakes) = self.attackers;
        let at_it = |people: &[Attacker], from, to| -> Vec<PersonId> {
            let there = |person: &PersonId| people[*person - first].since.is_some();
            (from..to).filter(there).collect()
        };
        if due(&mut self.flood, now) {
            for person in at_it(&self.people, first, handshakes) {
                if scene.unsent(person) < UNSENT_MAX {
                    let say = Say { content: FLOOD, id: None, room: None };
                    scene.say(person, &ClientMessage::Message(say));
                }
            }
        }
        if due(&mut self.drip, now) {
            for person in at_it(&self.people, handshakes, first + self.people.len()) {
                let sent = &mut self.people[person - first].sent;
                scene.write(person, &[HEAD.get(*sent).copied().unwrap_or(b'y')]);
                *sent += 1;
            }
        }
        self.flood.1.min(self.drip.1)
    }

    /// An attacker heard something.
    fn told(&mut self, scene: &mut Scene<'_>, person: PersonId, news: &News<'_>) {
        let by_handshake = person >= self.attackers.1;
        let begins = match news {
            News::Opened => by_handshake,
            News::Ready => {
                let interest = interest(self.seed, scene.name(person) as usize / 2);
                scene.say(person, &join(UNMODERATED, &interest));
                false
            }
            News::Message(ServerMessage::Matched(_)) => {
                scene.stop_reading(person);
                true
            }
            _ => false,
        };
        if let (true, Some(attacker)) = (begins, self.attacker(person)) {
            attacker.since.get_or_insert_with(Instant::now);
        }
    }
}

/// Whether something that is done again and again is to be done now; once, however late it is.
fn due((every, next): &mut (Duration, Instant), now: Instant) -> bool {
    if now < *next {
        return false;
    }
    *next = now + *every;
    true
}

impl Scenario for Slow {
    type Rest = Rest;

    fn heard(
        &mut self,
        scene: &mut Scene<'_>,
        person: PersonId,
        news: &News<'_>,
    ) -> Result<(), DriveError> {
        if person < self.attackers.0 {
            return self.relay.heard(scene, person, news);
        }
        self.told(scene, person, news);
        Ok(())
    }

    fn lost(
        &mut self,
        scene: &mut Scene<'_>,
        person: PersonId,
        why: Lost,
    ) -> Result<(), DriveError> {
        let by_handshake = person >= self.attackers.1;
        let began = self.since;
        let Some(attacker) = self.attacker(person) else {
            return self.relay.lost(scene, person, why);
        };
        attacker.gone = true;
        if let Some(since) = attacker.since.take() {
            let timing = if by_handshake { Timing::SlowHandshake } else { Timing::SlowReader };
            scene.time(timing, since.elapsed());
        }
        if let Some(began) = began {
            self.gone = began.elapsed();
        }
        Ok(())
    }

    fn upgrades(&self, person: PersonId) -> bool {
        person < self.attackers.1
    }

    fn gathered(&self, scene: &Scene<'_>) -> Gathered {
        self.relay.gathered(scene)
    }

    fn entered(&mut self, scene: &mut Scene<'_>, phase: Phase) {
        self.relay.entered(scene, phase);
        if phase == ATTACK {
            self.since = Some(Instant::now());
            let (first, _) = self.attackers;
            (first..first + self.people.len()).for_each(|person| scene.come(person));
        }
    }

    fn turn(&mut self, scene: &mut Scene<'_>) -> Result<Option<Instant>, DriveError> {
        let next = self.relay.turn(scene)?;
        if scene.phase() != ATTACK || self.people.is_empty() {
            return Ok(next);
        }
        let attack = self.attack(scene, Instant::now());
        Ok(next.into_iter().chain([attack]).min())
    }

    fn balance(&self) -> i64 {
        self.relay.balance()
    }

    fn rest(self) -> Rest {
        let left = self.people.iter().filter(|attacker| !attacker.gone).count();
        Rest { balance: self.relay.rest(), left, gone: self.gone }
    }
}
