//! A town: shards, the rings between them, and people, in virtual time.

use std::collections::VecDeque;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use whisper_core::digest::Digest;
use whisper_core::ids::{Link, SessionId};
#[cfg(feature = "faults")]
use whisper_core::match_queue::Fault;
use whisper_core::moderation::{Ladder, Rules};
use whisper_core::settings::{OpenLanes, Settings};
use whisper_core::shard::{Effect, Envelope, Event, Order, Setup, Shard};
use whisper_core::time::{Micros, Span};
use whisper_proto::{Banned, ClientMessage, Hello, ServerMessage, Skip};
use whisper_shard_router::{Lodging, Placement};

use super::counts::Counts;
use super::crowd::{Crowd, Deed, Standing};
use super::links::Links;
use super::oracle::Arrival;
use super::plan::Plan;
use super::rings::{NEVER, Rings};
use super::samples::{Sample, Tally};
use super::tastes::Tastes;
use super::{Failure, Report};
use crate::auditor::{Auditor, Calm, Verdict};
use crate::book::{Book, Scribe};
use crate::dice::{Dice, seed_bytes};
use crate::person::Who;
use crate::places::{NODE, Places};
use crate::trace::{Trace, What};
use crate::words::{kind, kind_of_envelope};
use crate::world::GENESIS;

/// A sender with something waiting for room in a ring looks again after this, as a reactor does.
const FLUSH_EVERY: Span = Span::millis(1);

/// What a shard takes from its rings in one turn, at the most.
const TURN_BUDGET: usize = 256;

/// A town of the real shards. See the [module's page](super).
pub(super) struct Town {
    plan: Plan,
    shards: Vec<Shard>,
    /// When each shard does something next, by virtual time.
    turns: Vec<Micros>,
    tastes: Arc<Tastes>,
    /// A slow shard does nothing before this.
    busy_until: Vec<Micros>,
    next_jump: Micros,
    next_order: Micros,
    dice: Dice,
    outside: Outside,
}

/// All that lies around the shards.
struct Outside {
    /// Virtual time, that of rings and people.
    now: Micros,
    /// How far the clock that shards are shown is ahead of it.
    skew: Span,
    rings: Rings,
    links: Links,
    places: Places,
    /// Shards that were sent something, and when that arrives.
    told: Vec<(usize, Micros)>,
    to_itself: VecDeque<Envelope>,
    crowd: Crowd,
    auditor: Option<Auditor>,
    verdict: Verdict,
    /// Who was matched by what is handled now, and the place of their sample, if they have one.
    matched: Vec<(Who, SessionId, Option<usize>)>,
    closing: Vec<Who>,
    counts: Counts,
    tally: Tally,
    counted_from: Micros,
    digest: Digest,
    scribe: Option<Scribe>,
    trace: Trace,
}

impl Town {
    pub(super) fn new(plan: Plan, book: Option<&Book>) -> Self {
        let settings = Arc::new(Settings::default());
        let key = plan.seed.to_le_bytes().repeat(2).try_into().expect("16 bytes");
        let places = plan.places();
        let placement = |node| Placement::single_node(key, NODE + node, plan.shards);
        let placements: Vec<_> = (0..plan.nodes).map(placement).collect();
        let rules = Arc::new(Rules::none(Ladder::default()));
        let setup = |place| Setup {
            me: places.id(place),
            shards: plan.shards.into(),
            placement: placements[usize::from(places.node_of(place))].clone(),
            settings: Arc::clone(&settings),
            rules: Arc::clone(&rules),
            evidence_secret: [0xE5; 32],
            session_secret: seed_bytes(plan.seed),
            seed: seed_bytes(plan.seed ^ (u64::from(place) + 1) << 32),
        };
        let setups: Vec<_> = (0..places.len()).map(setup).collect();
        let scribe = book.map(|book| Scribe::new(book, GENESIS, &setups));
        let shards: Vec<_> = setups.into_iter().map(|it| Shard::new(GENESIS, it)).collect();
        let auditor =
            plan.audited.then(|| Auditor::new(Arc::clone(&settings), placements.clone(), places));
        let tastes = Arc::new(Tastes::new(plan.interests, plan.zipf, plan.likes));
        let outside = Outside {
            now: GENESIS,
            skew: Span(0),
            rings: Rings::new(plan.seed, places, plan.ring_slots, plan.latency),
            links: Links::new(plan.seed, places, plan.link_latency),
            places,
            told: Vec::new(),
            to_itself: VecDeque::new(),
            crowd: Crowd::new(&plan, Arc::clone(&tastes), GENESIS),
            auditor,
            verdict: Ok(()),
            matched: Vec::new(),
            closing: Vec::new(),
            counts: Counts::default(),
            tally: Tally::default(),
            counted_from: GENESIS + plan.warm_up,
            digest: Digest::default(),
            scribe,
            trace: Trace::default(),
        };
        let mut dice = Dice::new(plan.seed ^ 0x70E5);
        let next_jump = sometime(&mut dice, plan.jump_every, GENESIS);
        let next_order = sometime(&mut dice, plan.orders_every, GENESIS);
        Self {
            tastes,
            turns: shards.iter().map(Shard::next_timeout).collect(),
            busy_until: vec![Micros(0); shards.len()],
            plan,
            shards,
            next_jump,
            next_order,
            dice,
            outside,
        }
    }

    /// The same town, with a rule of every match queue broken.
    #[cfg(feature = "faults")]
    pub(super) fn breaking(mut self, rule: Fault) -> Self {
        self.shards.iter_mut().for_each(|shard| shard.break_rule(rule));
        self
    }

    /// Lives from the beginning to the end, and tells `oracle` of everybody who joins.
    pub(super) fn live(mut self, mut oracle: impl FnMut(Arrival)) -> Result<Report, Failure> {
        let lived = self.link().and_then(|()| self.act(&mut oracle)).and_then(|()| self.drain());
        let Outside { counts, tally, digest, rings, trace, .. } = self.outside;
        if let Err(violation) = lived {
            let (seed, step, last) = (self.plan.seed, counts.steps, trace.tell());
            return Err(Failure { seed, step, what: violation.to_string(), last });
        }
        let counts = Counts { overflowed: rings.overflowed(), ..counts };
        Ok(Report { plan: self.plan, counts, tally, hash: digest.finish() })
    }

    /// Where there are several nodes, all go by one map and are linked.
    fn link(&mut self) -> Verdict {
        let Plan { nodes, shards, .. } = self.plan;
        if nodes == 1 {
            return Ok(());
        }
        let lodging = |node| Lodging { node: NODE + node, weight: 1, shards };
        let lodgings: Vec<_> = (0..nodes).map(lodging).collect();
        let key = self.plan.seed.to_le_bytes().repeat(2).try_into().expect("16 bytes");
        let map = Placement::single_node(key, NODE, shards).over(1 << 32, &lodgings);
        for place in 0..self.shards.len() {
            self.feed(place, Event::Order(Order::Map(&map)))?;
            let home = self.outside.places.node_of(place as u16);
            for node in (0..nodes).filter(|node| *node != home) {
                self.feed(place, Event::Order(Order::Linked(NODE + node)))?;
            }
        }
        Ok(())
    }

    fn act(&mut self, oracle: &mut impl FnMut(Arrival)) -> Verdict {
        let end = GENESIS + self.plan.lasts;
        let mut inspection = GENESIS + self.plan.inspect_every;
        loop {
            let (shard, turn) = self.next_turn();
            let deed = self.outside.crowd.next().unwrap_or(NEVER);
            let now = turn.min(deed);
            if now >= end {
                return Ok(());
            }
            self.outside.now = self.outside.now.max(now);
            if now >= self.next_jump {
                self.jump();
            } else if now >= self.next_order {
                self.order()?;
            } else if now >= inspection {
                self.inspect()?;
                inspection = self.outside.now + self.plan.inspect_every;
            } else if turn <= deed {
                self.turn(shard)?;
            } else {
                self.deed(oracle)?;
            }
        }
    }

    /// The clock is set forward: whatever waits for its time is late all at once.
    fn jump(&mut self) {
        self.outside.skew.0 += self.dice.below(2_000_000) as u64;
        self.outside.counts.jumps += 1;
        self.next_jump = sometime(&mut self.dice, self.plan.jump_every, self.outside.now);
        for shard in 0..self.shards.len() {
            self.plan_turn(shard);
        }
    }

    /// A shard is given an order. The others may have been given others.
    fn order(&mut self) -> Verdict {
        self.next_order = sometime(&mut self.dice, self.plan.orders_every, self.outside.now);
        self.outside.counts.orders += 1;
        if self.dice.chance(50) {
            let Some(seat) = self.outside.crowd.anybody() else { return Ok(()) };
            let (who, shard) = (seat.who, usize::from(seat.shard));
            let Some(session) = seat.session else { return Ok(()) };
            if let Some(auditor) = &mut self.outside.auditor {
                auditor.bans(who);
            }
            let banned = Banned { reason: "spam", code: "spam", until: None };
            self.outside.trace.note(self.outside.now, shard, What::Bans(who));
            return self.feed(shard, Event::Order(Order::Ban { session, banned }));
        }
        let mut lanes = OpenLanes::default();
        if self.dice.chance(60) {
            lanes.set(self.outside.crowd.lane(), false);
        }
        let shard = self.dice.below(self.shards.len());
        if let Some(auditor) = &mut self.outside.auditor {
            auditor.opens(shard as u16, lanes);
        }
        self.outside.trace.note(self.outside.now, shard, What::Opens(lanes));
        self.feed(shard, Event::Order(Order::Lanes(lanes)))
    }

    /// Brings everything to rest, with nobody doing anything meanwhile, and looks at it: the lists
    /// and rooms of all shards, and the people of one of them.
    fn inspect(&mut self) -> Verdict {
        self.rest()?;
        let looked_at = self.outside.counts.inspections as usize % self.shards.len();
        self.outside.counts.inspections += 1;
        let clock = self.outside.clock();
        let Some(auditor) = &mut self.outside.auditor else { return Ok(()) };
        auditor.look(clock, looked_at as u16, &self.shards[looked_at])?;
        let calm = Calm::new(self.outside.places, |_| true);
        let calm = calm.between(|_, _| true, |_, _| true, |_, _| false, (false, false));
        auditor.settled(clock, &self.shards, (&calm, None))
    }

    /// Nothing underway, nothing due.
    fn rest(&mut self) -> Verdict {
        loop {
            let clock = self.outside.clock();
            let due = self.shards.iter().any(|shard| shard.next_timeout() <= clock);
            let underway = self.outside.rings.underway() + self.outside.links.underway();
            if !due && underway == 0 {
                return Ok(());
            }
            let (shard, at) = self.next_turn();
            self.outside.now = self.outside.now.max(at);
            self.turn(shard)?;
        }
    }

    /// Everybody goes, and nothing may be left of them.
    fn drain(&mut self) -> Verdict {
        for seat in self.outside.crowd.seats() {
            self.vanish(seat)?;
        }
        self.rest()?;
        match &self.outside.auditor {
            Some(auditor) => auditor.drained(&self.shards),
            None => Ok(()),
        }
    }

    fn next_turn(&self) -> (usize, Micros) {
        let turns = self.turns.iter().copied().enumerate();
        turns.min_by_key(|&(_, at)| at).expect("a town has a shard")
    }

    /// One turn of a shard's loop: its timers, what has arrived, what waited for room.
    fn turn(&mut self, shard: usize) -> Verdict {
        if self.shards[shard].next_timeout() <= self.outside.clock() {
            self.outside.trace.note(self.outside.now, shard, What::Tick);
            self.feed(shard, Event::Tick)?;
        }
        let mut first = self.outside.counts.steps as usize % self.shards.len();
        for _ in 0..TURN_BUDGET {
            let now = self.outside.now;
            let Some((from, envelope)) = self.outside.rings.take(now, shard, first) else { break };
            first = (from + 1) % self.shards.len();
            self.outside.trace.note(now, shard, What::told(from, &envelope));
            let from = self.outside.places.id(from as u16);
            self.feed(shard, Event::FromShard { from, envelope })?;
        }
        for _ in 0..TURN_BUDGET {
            let now = self.outside.now;
            let Some((from, envelope)) = self.outside.links.take(now, shard) else { break };
            self.outside.trace.note(now, shard, What::told(from.into(), &envelope));
            let from = self.outside.places.id(from);
            self.feed(shard, Event::FromShard { from, envelope })?;
        }
        let Outside { now, rings, told, .. } = &mut self.outside;
        rings.flush(*now, shard, |to, at| told.push((to, at)));
        if shard < usize::from(self.plan.slow_shards) {
            let away = Span(self.dice.word() % (self.plan.stall.0 + 1));
            self.busy_until[shard] = self.outside.now + away;
        }
        self.plan_turn(shard);
        Ok(())
    }

    /// Settles when a shard has its next turn, and those that it spoke to.
    fn plan_turn(&mut self, shard: usize) {
        let outside = &mut self.outside;
        let timeout = self.shards[shard].next_timeout().0.saturating_sub(outside.skew.0);
        let arrives = outside.rings.next(shard).min(outside.links.next(shard));
        let mut next = Micros(timeout).min(arrives);
        if outside.rings.overflows(shard) {
            next = next.min(outside.now + FLUSH_EVERY);
        }
        self.turns[shard] = next.max(self.busy_until[shard]).max(outside.now);
        for (to, at) in outside.told.drain(..) {
            self.turns[to] = self.turns[to].min(at.max(self.busy_until[to]));
        }
    }

    /// Somebody does what they planned.
    fn deed(&mut self, oracle: &mut impl FnMut(Arrival)) -> Verdict {
        let Some((seat, deed)) = self.outside.crowd.take_next() else { return Ok(()) };
        let it = self.outside.crowd.seat(seat);
        let (who, shard) = (it.who, usize::from(it.shard));
        if deed != Deed::Arrive && self.busy_until[shard] > self.outside.now {
            self.outside.crowd.plan(seat, self.busy_until[shard], deed);
            return Ok(());
        }
        self.outside.trace.note(self.outside.now, shard, What::Does(who, deed.name()));
        match deed {
            Deed::Arrive => {
                self.arrive(seat)?;
                self.join(seat, oracle)
            }
            Deed::Join => self.join(seat, oracle),
            Deed::Skip => {
                let clicks = if self.outside.crowd.clicks_twice() { 2 } else { 1 };
                for _ in 0..clicks {
                    if self.outside.crowd.seat(seat).standing == Standing::Chatting {
                        self.outside.enters(seat, oracle);
                    }
                    self.say(seat, &ClientMessage::Skip(Skip::default()))?;
                }
                Ok(())
            }
            Deed::Leave => {
                self.outside.crowd.rests(seat, self.outside.now);
                self.say(seat, &ClientMessage::Leave)
            }
            Deed::Vanish => self.vanish(seat),
        }
    }

    fn arrive(&mut self, seat: u32) -> Verdict {
        let (who, shard) = self.outside.crowd.arrives(seat);
        if let Some(auditor) = &mut self.outside.auditor {
            auditor.arrives(who, shard);
        }
        self.feed(shard.into(), Event::Connected { link: Link(who.0 as u64) })?;
        if let Some(language) = self.outside.crowd.language(seat) {
            let language = Some(language);
            self.say(seat, &ClientMessage::Hello(Hello { language, ..Hello::default() }))?;
        }
        Ok(())
    }

    fn join(&mut self, seat: u32, oracle: &mut impl FnMut(Arrival)) -> Verdict {
        let tastes = Arc::clone(&self.tastes);
        let wish = self.outside.crowd.seat(seat).wish.clone();
        self.outside.enters(seat, oracle);
        self.say(seat, &ClientMessage::Join(wish.join(&tastes)))
    }

    fn vanish(&mut self, seat: u32) -> Verdict {
        let now = self.outside.now;
        let it = self.outside.crowd.seat(seat);
        let (who, shard) = (it.who, usize::from(it.shard));
        let Some(session) = it.session else { return Ok(()) };
        self.outside.crowd.departs(seat, now);
        let clock = self.outside.clock();
        if let Some(auditor) = &mut self.outside.auditor {
            auditor.departs(clock, who);
        }
        self.feed(shard, Event::Disconnected { session, broken: false })
    }

    fn say(&mut self, seat: u32, message: &ClientMessage<'_>) -> Verdict {
        let it = self.outside.crowd.seat(seat);
        let (who, shard) = (it.who, usize::from(it.shard));
        let Some(session) = it.session else { return Ok(()) };
        let clock = self.outside.clock();
        if let Some(auditor) = &mut self.outside.auditor {
            auditor.says(clock, who, message);
        }
        self.feed(shard, Event::Message { session, message: message.clone() })?;
        self.outside.auditor.as_mut().map_or(Ok(()), |auditor| auditor.has_said(who))
    }

    /// One event from outside, and all that a shard says to itself because of it.
    fn feed(&mut self, shard: usize, event: Event<'_>) -> Verdict {
        let clock = self.outside.clock();
        if let Some(scribe) = &mut self.outside.scribe {
            scribe.told(&self.shards[shard], clock, &event);
        }
        let mut next = Some(event);
        while let Some(event) = next {
            let outside = &mut self.outside;
            outside.counts.steps += 1;
            let mut carry_out = |effect: Effect<'_>| outside.carry_out(shard, effect);
            self.shards[shard].handle(clock, event, &mut carry_out);
            outside.look_at_the_matched(&self.shards[shard])?;
            let from = outside.places.id(shard as u16);
            let envelope = outside.to_itself.pop_front();
            next = envelope.map(|envelope| Event::FromShard { from, envelope });
        }
        if let Some(scribe) = &mut self.outside.scribe {
            scribe.done(shard as u16);
        }
        while let Some(who) = self.outside.closing.pop() {
            let seat = self.outside.crowd.seat_of(who);
            self.vanish(seat)?;
        }
        self.plan_turn(shard);
        Ok(())
    }
}

impl Outside {
    /// The time that shards are shown.
    fn clock(&self) -> Micros {
        self.now + self.skew
    }

    /// Somebody's search is about to begin.
    fn enters(&mut self, seat: u32, oracle: &mut impl FnMut(Arrival)) {
        let clock = self.clock();
        let gives_up = self.crowd.enters(seat, self.now, clock);
        let it = self.crowd.seat(seat);
        self.counts.joins += 1;
        oracle(Arrival {
            at: clock,
            who: it.who,
            wish: it.wish.clone(),
            gives_up,
            uncounted: self.now < self.counted_from,
        });
    }

    fn carry_out(&mut self, shard: usize, effect: Effect<'_>) {
        if let Some(scribe) = &mut self.scribe {
            scribe.did(shard as u16, &effect);
        }
        match effect {
            Effect::Opened { link, session } => {
                session.hash(&mut self.digest);
                let who = Who(link.0 as usize);
                let seat = self.crowd.seat_of(who);
                self.crowd.seat_mut(seat).session = Some(session);
                if let Some(auditor) = &mut self.auditor
                    && self.verdict.is_ok()
                {
                    self.verdict = auditor.opened(who, session);
                }
            }
            Effect::Send { link, message } => self.tell(link, message),
            Effect::Forward { link, payload, .. } => {
                let message = ServerMessage::decode(payload);
                self.tell(link, &message.expect("what the engine encodes decodes"));
            }
            Effect::Close { link, .. } => self.closing.push(Who(link.0 as usize)),
            Effect::ToShard { to, envelope } => {
                (to, &envelope).hash(&mut self.digest);
                let kind = kind_of_envelope(&envelope);
                let within = self.places.are_of_one_node(shard as u16, to);
                let to = usize::from(self.places.place(to));
                if to == shard {
                    self.counts.kept[kind] += 1;
                    return self.to_itself.push_back(envelope);
                }
                self.counts.sent[kind] += 1;
                if !within {
                    self.counts.between[kind] += 1;
                    let at = self.links.send(self.now, shard as u16, to as u16, envelope);
                    return self.told.push((to, at));
                }
                let arrives = self.rings.send(self.now, shard, to, envelope);
                self.told.extend(arrives.map(|at| (to, at)));
            }
            Effect::Reported { .. } => {}
            Effect::Answered { .. } | Effect::Remembered { .. } => {
                unreachable!("nobody knocks in a town")
            }
            Effect::Judged { .. } | Effect::Sentenced { .. } => unreachable!("no rules, no faults"),
        }
    }

    fn tell(&mut self, link: Link, message: &ServerMessage<'_>) {
        let (who, clock) = (Who(link.0 as usize), self.clock());
        (link, kind(message)).hash(&mut self.digest);
        if let Some(auditor) = &mut self.auditor
            && self.verdict.is_ok()
        {
            self.verdict = auditor.hears(clock, who, message);
        }
        let seat = self.crowd.seat_of(who);
        match message {
            ServerMessage::Matched(matched) => {
                self.counts.matched += 1;
                let it = self.crowd.seat(seat);
                let (Some(session), waited) = (it.session, clock.since(it.since)) else { return };
                (matched.room_id, waited).hash(&mut self.digest);
                let counted = it.joined >= self.counted_from;
                if counted {
                    self.tally.samples.push(Sample {
                        waited: waited.0 as u32,
                        commonness: it.wish.commonness,
                        seat,
                        shard: it.shard,
                        tier: matched.tier,
                        shared: matched.shared.len() as u8,
                        across: false,
                    });
                }
                let sample = counted.then(|| self.tally.samples.len() - 1);
                self.matched.push((who, session, sample));
            }
            ServerMessage::MatchTimeout { .. } => {
                let counted = self.crowd.seat(seat).joined >= self.counted_from;
                self.tally.timeouts += u64::from(counted);
            }
            _ => {}
        }
        self.crowd.told(seat, self.now, message);
    }

    /// Who was matched just now is in the room they were told of, and learns whom they met.
    fn look_at_the_matched(&mut self, home: &Shard) -> Verdict {
        std::mem::replace(&mut self.verdict, Ok(()))?;
        for (who, session, sample) in self.matched.drain(..) {
            let Some((room, partner)) = home.room_of(session) else { continue };
            if partner.node != session.node {
                self.counts.across += 1;
                sample.into_iter().for_each(|it| self.tally.samples[it].across = true);
            }
            if let Some(auditor) = &mut self.auditor {
                auditor.sees(who, room, partner)?;
            }
        }
        Ok(())
    }
}

/// When something comes next that comes by chance; a mean of zero is for never.
fn sometime(dice: &mut Dice, mean: Span, now: Micros) -> Micros {
    if mean == Span(0) { NEVER } else { now + dice.lapse(mean) }
}
