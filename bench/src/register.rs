//! The register of a run's rooms: every chat as both of its people have it, whichever reactor is
//! theirs and whichever box serves them, held against what is promised.
//!
//! A room has two people, who are both in it, or both out within a moment; nobody is told that
//! their partner is gone who isn't; nobody waits for long while somebody waits too whom they have
//! not met. Where boxes are in trouble that somebody made, it knows what that excuses, and what
//! not: people of other boxes are told in time of the partners they lost.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Within this time somebody whose partner's box is lost is told.
pub(crate) const TOLD_MAX: Duration = Duration::from_secs(5);

/// How long somebody may be alone in a room, where nothing is wrong: as long, and a moment for us.
const ALONE_MAX: Duration = Duration::from_secs(6);

/// How long two may wait for anybody: until they settle for whoever is there (3 s) on their own
/// box, and then on others (0.5 s), and one hold that ends by itself (1 s), and a moment for us.
const SEEK_MAX: Duration = Duration::from_secs(6);

/// After the end of a trouble, until the boxes act as one again.
const REJOIN: Duration = Duration::from_secs(4);

/// After a box was cut off, until people there are heard and hear again: TCP tries again after twice
/// the time each time, and so up to 6.4 s after a cut of 6 s.
const RECOVER: Duration = Duration::from_secs(8);

/// All rooms of a run.
#[derive(Debug)]
pub(crate) struct Register {
    boxes: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    rooms: HashMap<u64, Room>,
    /// Who looks for somebody since when, and whether it was noted that it takes too long.
    waiting: HashMap<u32, (Instant, bool)>,
    met: HashSet<(u32, u32)>,
    troubles: Vec<Noted>,
}

#[derive(Debug)]
struct Room {
    first: Side,
    second: Option<Side>,
    /// That something is wrong with it was noted.
    noted: bool,
}

/// A person's part in a room.
#[derive(Clone, Copy, Debug)]
struct Side {
    name: u32,
    since: Instant,
    /// How long they had waited.
    waited: Duration,
    out: Option<Instant>,
    /// Until when they know that they may be alone.
    warned: Option<Instant>,
}

/// What somebody does to boxes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Trouble {
    /// To which; all where None, by what is between them.
    pub(crate) of: Option<usize>,
    /// Whether it lasts long enough for boxes to lose each other.
    pub(crate) parts: bool,
    /// Whether people there hear nothing.
    pub(crate) silences: bool,
    /// Whether people there lose their connections.
    pub(crate) kills: bool,
}

#[derive(Clone, Copy, Debug)]
struct Noted {
    trouble: Trouble,
    from: Instant,
    until: Option<Instant>,
}

/// What the register makes of somebody who enters a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entered {
    /// They are the first to say so.
    First,
    /// They meet this one, who had waited so long.
    Met { other: u32, waited: Duration },
    /// There are two in it already.
    Third,
}

/// How somebody comes out of a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leaving {
    /// By their own word, or by their partner's.
    Ended,
    /// They are told that their partner is gone.
    Told,
    /// Their own connection is lost.
    Lost,
}

/// What the register makes of that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// It is as it should be.
    Rightly,
    /// Their boxes had lost each other, that long ago; or they could not be told before, or had only
    /// just met.
    Parted(Option<Duration>),
    /// Their partner is still there.
    Wrongly,
}

/// What is wrong for the first time, in people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wrong {
    /// Are in a room, and their partner is not.
    pub(crate) alone: u64,
    /// Wait, and so does somebody for them.
    pub(crate) stuck: u64,
    /// Should have been told of a partner whose box is lost.
    pub(crate) untold: u64,
    /// Who the first of them are.
    pub(crate) such_as: Vec<String>,
}

/// The most that are told of by name.
const SUCH_AS_MAX: usize = 5;

impl Wrong {
    /// Adds others.
    pub(crate) fn add(&mut self, other: Self) {
        self.alone += other.alone;
        self.stuck += other.stuck;
        self.untold += other.untold;
        let room = SUCH_AS_MAX - self.such_as.len().min(SUCH_AS_MAX);
        self.such_as.extend(other.such_as.into_iter().take(room));
    }

    fn tell(&mut self, person: impl FnOnce() -> String) {
        if self.such_as.len() < SUCH_AS_MAX {
            self.such_as.push(person());
        }
    }
}

impl Register {
    /// An empty one. A person's box is their name modulo their number.
    pub(crate) fn new(boxes: usize) -> Self {
        Self { boxes: boxes.max(1), state: Mutex::default() }
    }

    /// How many boxes there are.
    pub(crate) fn boxes(&self) -> usize {
        self.boxes
    }

    /// Whether these two are people of one box.
    pub(crate) fn is_within(&self, one: u32, other: u32) -> bool {
        self.box_of(one) == self.box_of(other)
    }

    /// Somebody looks for a partner since then.
    pub(crate) fn seek(&self, name: u32, since: Instant) {
        self.state().waiting.insert(name, (since, false));
    }

    /// They don't any more.
    pub(crate) fn rest(&self, name: u32) {
        self.state().waiting.remove(&name);
    }

    /// Somebody was told that they are in this room now, for which they waited so long.
    pub(crate) fn enter(&self, room: u64, name: u32, waited: Duration, now: Instant) -> Entered {
        let mut state = self.state();
        state.waiting.remove(&name);
        let side = Side { name, since: now, waited, out: None, warned: None };
        let Some(found) = state.rooms.get_mut(&room) else {
            state.rooms.insert(room, Room { first: side, second: None, noted: false });
            return Entered::First;
        };
        if found.second.is_some() || found.first.name == name {
            return Entered::Third;
        }
        found.second = Some(side);
        let Side { name: other, waited, out, .. } = found.first;
        if out.is_some() {
            // They were faster, and told before us. We shall hear of it.
            found.first.out = Some(now);
        }
        state.met.insert((name.min(other), name.max(other)));
        Entered::Met { other, waited }
    }

    /// Somebody in this room is told that their partner may come back until then.
    pub(crate) fn warn(&self, room: u64, name: u32, until: Instant) {
        let mut state = self.state();
        let own = state.rooms.get_mut(&room).and_then(|found| found.sides(name));
        if let Some((own, _)) = own {
            own.warned = Some(until);
        }
    }

    /// Somebody is out of this room.
    pub(crate) fn leave(&self, room: u64, name: u32, how: Leaving, now: Instant) -> Left {
        let mut state = self.state();
        let Some(found) = state.rooms.get_mut(&room) else { return Left::Rightly };
        let Some((own, other)) = found.sides(name) else { return Left::Rightly };
        own.out = Some(now);
        let since = own.since;
        let Some(other) = other.copied() else { return Left::Rightly };
        if other.out.is_some() {
            state.rooms.remove(&room);
        }
        if how != Leaving::Told {
            return Left::Rightly;
        }
        let pair = [name, other.name].map(|name| self.box_of(name));
        let parting = state.troubles.iter().rev().find(|it| it.parts(pair) && it.is_felt(now));
        match parting {
            Some(it) if since < it.from && !it.silences(pair[0]) => {
                Left::Parted(Some(now - it.from))
            }
            _ if other.out.is_some() => Left::Rightly,
            Some(_) => Left::Parted(None),
            None => Left::Wrongly,
        }
    }

    /// Whether what was done to their box is why somebody lost their connection, or found none.
    pub(crate) fn excuses(&self, name: u32, was_there: bool, now: Instant) -> bool {
        let its = self.box_of(name);
        let is_why = |it: &Noted| it.silences(its) && (it.trouble.kills || !was_there);
        self.state().troubles.iter().any(|it| is_why(it) && it.is_felt(now))
    }

    /// A trouble begins.
    pub(crate) fn begin(&self, trouble: Trouble, now: Instant) {
        self.state().troubles.push(Noted { trouble, from: now, until: None });
    }

    /// All troubles are over.
    pub(crate) fn end_all(&self, now: Instant) {
        for noted in &mut self.state().troubles {
            noted.until.get_or_insert(now);
        }
    }

    /// Looks at everybody, and says what is wrong that was not before.
    pub(crate) fn audit(&self, now: Instant) -> Wrong {
        let mut state = self.state();
        let State { rooms, waiting, met, troubles } = &mut *state;
        let mut wrong = Wrong::default();
        rooms.retain(|_, room| {
            let (alone, untold) = self.look_at(room, troubles, now);
            wrong.alone += alone;
            wrong.untold += untold;
            if alone + untold > 0 {
                room.noted = true;
                wrong.tell(|| self.describe(room, now));
            }
            // Whoever is out of a room that nobody else ever was in has waited for long enough.
            room.second.is_some() || room.first.out.is_none_or(|out| now - out < RECOVER)
        });
        self.find_stuck(waiting, met, troubles, now, &mut wrong);
        wrong
    }

    /// How many are alone in a room, or should have been told that they are.
    fn look_at(&self, room: &Room, troubles: &[Noted], now: Instant) -> (u64, u64) {
        if room.noted {
            return (0, 0);
        }
        let (mut alone, mut untold) = (0, 0);
        let sides = [Some(room.first), room.second];
        for (own, other) in [(sides[0], sides[1]), (sides[1], sides[0])] {
            let Some(own) = own.filter(|it| it.out.is_none()) else { continue };
            let its = self.box_of(own.name);
            let theirs = other.map(|other| self.box_of(other.name));
            let lost = theirs.is_some_and(|theirs| {
                let parted = |it: &&Noted| it.parts([its, theirs]) && it.from >= own.since;
                let parting = troubles.iter().rev().find(parted);
                parting.is_some_and(|it| !it.silences(its) && now - it.from > TOLD_MAX)
            });
            untold += u64::from(lost);
            let left_at = other.map_or(Some(own.since), |other| other.out);
            let Some(left_at) = left_at.filter(|_| !lost) else { continue };
            let left_at = own.warned.map_or(left_at, |until| left_at.max(until));
            let concerns =
                |it: &Noted| it.concerns(its) || theirs.is_none_or(|theirs| it.concerns(theirs));
            let clear = clear_since(troubles, concerns, left_at);
            alone += u64::from(clear.is_some_and(|clear| now > clear + ALONE_MAX));
        }
        (alone, untold)
    }

    /// How many wait too long though somebody waits as long for them.
    fn find_stuck(
        &self,
        waiting: &mut HashMap<u32, (Instant, bool)>,
        met: &HashSet<(u32, u32)>,
        troubles: &[Noted],
        now: Instant,
        wrong: &mut Wrong,
    ) {
        let long = waiting.iter().filter(|(_, (since, noted))| !noted && now > *since + SEEK_MAX);
        let mut long: Vec<_> = long.map(|(name, (since, _))| (*name, *since)).collect();
        long.sort_unstable();
        let mut stuck = Vec::new();
        for (place, &(one, since)) in long.iter().enumerate() {
            for &(other, other_since) in &long[place + 1..] {
                let pair = [one, other].map(|name| self.box_of(name));
                let concerns = |it: &Noted| match pair[0] == pair[1] {
                    true => it.trouble.of == Some(pair[0]),
                    false => pair.into_iter().any(|its| it.concerns(its)),
                };
                let clear = clear_since(troubles, concerns, since.max(other_since));
                let is_long = clear.is_some_and(|clear| now > clear + SEEK_MAX);
                if is_long && !met.contains(&(one, other)) {
                    stuck.extend([one, other]);
                    wrong.tell(|| {
                        let waited = [now - since, now - other_since];
                        format!(
                            "waiting: people {one} and {other} of boxes {pair:?}, for {waited:.1?}"
                        )
                    });
                }
            }
        }
        stuck.sort_unstable();
        stuck.dedup();
        for name in &stuck {
            if let Some((_, noted)) = waiting.get_mut(name) {
                *noted = true;
            }
        }
        wrong.stuck = stuck.len() as u64;
    }

    fn describe(&self, room: &Room, now: Instant) -> String {
        let side = |side: &Side| {
            let out = side.out.map(|out| format!(", out for {:.1?}", now - out));
            let (its, since) = (self.box_of(side.name), now - side.since);
            format!(
                "person {} of box {its}, in for {since:.1?}{}",
                side.name,
                out.unwrap_or_default()
            )
        };
        let second = room.second.as_ref().map_or_else(|| "nobody".to_owned(), side);
        format!("in a room: {}; {second}", side(&room.first))
    }

    fn box_of(&self, name: u32) -> usize {
        name as usize % self.boxes
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Room {
    /// Somebody's own side, and the other.
    fn sides(&mut self, name: u32) -> Option<(&mut Side, Option<&Side>)> {
        if self.first.name == name {
            return Some((&mut self.first, self.second.as_ref()));
        }
        let second = self.second.as_mut().filter(|second| second.name == name)?;
        Some((second, Some(&self.first)))
    }
}

impl Noted {
    fn concerns(&self, its: usize) -> bool {
        self.trouble.of.is_none_or(|of| of == its)
    }

    fn silences(&self, its: usize) -> bool {
        self.trouble.silences && self.concerns(its)
    }

    /// Whether it has these two boxes lose each other.
    fn parts(&self, [one, other]: [usize; 2]) -> bool {
        self.trouble.parts && one != other && (self.concerns(one) || self.concerns(other))
    }

    /// Whether it lasts, or lasted just now.
    fn is_felt(&self, now: Instant) -> bool {
        self.until.is_none_or(|until| now < until + RECOVER)
    }

    /// When all is as it was; None as long as it lasts.
    fn over(&self) -> Option<Instant> {
        // Whoever lost their connection has another one, which has nothing to try again.
        let is_heard_late = self.trouble.silences && !self.trouble.kills;
        Some(self.until? + if is_heard_late { RECOVER } else { REJOIN })
    }
}

/// From when on none of these troubles was felt, if that is later than `since`; None as long as one
/// lasts.
fn clear_since(
    troubles: &[Noted],
    concerns: impl Fn(&Noted) -> bool,
    since: Instant,
) -> Option<Instant> {
    let mut concerned = troubles.iter().filter(|it| concerns(it));
    concerned.try_fold(since, |clear, it| Some(clear.max(it.over()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A register of three boxes, and a moment so long after another.
    fn register() -> (Register, impl Fn(u64) -> Instant) {
        let begin = Instant::now();
        (Register::new(3), move |ms| begin + Duration::from_millis(ms))
    }

    const CUT: Trouble = Trouble { of: Some(2), parts: true, silences: true, kills: false };

    /// How many are alone, stuck, and untold, who were not before.
    fn wrong(register: &Register, now: Instant) -> [u64; 3] {
        let Wrong { alone, stuck, untold, such_as } = register.audit(now);
        assert_eq!(such_as.is_empty(), alone + stuck + untold == 0);
        [alone, stuck, untold]
    }

    /// Two meet in room 7.
    fn meet(register: &Register, [one, other]: [u32; 2], now: Instant) {
        let waited = Duration::from_secs(1);
        assert_eq!(register.enter(7, one, waited, now), Entered::First);
        assert_eq!(register.enter(7, other, waited, now), Entered::Met { other: one, waited });
    }

    #[test]
    fn a_room_has_two_people() {
        let (register, at) = register();
        meet(&register, [0, 1], at(0));
        assert_eq!(register.enter(7, 2, Duration::ZERO, at(1)), Entered::Third);
        assert!(!register.is_within(0, 1) && register.is_within(1, 4));
        assert_eq!(register.leave(7, 0, Leaving::Ended, at(2)), Left::Rightly);
        assert_eq!(register.leave(7, 1, Leaving::Told, at(3)), Left::Rightly);
        assert_eq!(wrong(&register, at(60_000)), [0, 0, 0]);
    }

    #[test]
    fn nobody_is_told_of_a_loss_that_is_none() {
        let (register, at) = register();
        meet(&register, [0, 2], at(0));
        assert_eq!(register.leave(7, 0, Leaving::Told, at(1)), Left::Wrongly);
        assert_eq!(register.leave(7, 2, Leaving::Told, at(1)), Left::Rightly);
        meet(&register, [3, 6], at(2));
        register.begin(CUT, at(3));
        assert_eq!(register.leave(7, 3, Leaving::Told, at(9)), Left::Wrongly, "of another box");
    }

    #[test]
    fn whoever_is_parted_is_told_in_time() {
        let (register, at) = register();
        meet(&register, [0, 2], at(0));
        register.begin(CUT, at(1_000));
        assert_eq!(wrong(&register, at(5_900)), [0, 0, 0]);
        assert_eq!(wrong(&register, at(6_100)), [0, 0, 1]);
        assert_eq!(wrong(&register, at(6_200)), [0, 0, 0], "it was counted");
        let late = Left::Parted(Some(Duration::from_millis(5_300)));
        assert_eq!(register.leave(7, 0, Leaving::Told, at(6_300)), late);
        register.end_all(at(8_000));
        assert_eq!(register.leave(7, 2, Leaving::Told, at(8_500)), Left::Rightly);
        meet(&register, [3, 5], at(9_000));
        assert_eq!(register.leave(7, 3, Leaving::Told, at(9_100)), Left::Parted(None));
    }

    #[test]
    fn a_short_trouble_excuses_nothing() {
        let (register, at) = register();
        meet(&register, [0, 2], at(0));
        register.begin(Trouble { parts: false, ..CUT }, at(1_000));
        assert_eq!(wrong(&register, at(20_000)), [0, 0, 0]);
        assert_eq!(register.leave(7, 0, Leaving::Told, at(20_000)), Left::Wrongly);
        assert!(!register.excuses(2, true, at(2_000)), "its connections hold");
        assert!(register.excuses(2, false, at(2_000)) && !register.excuses(1, false, at(2_000)));
    }

    #[test]
    fn whoever_is_alone_shows_once_the_trouble_is_over() {
        let (register, at) = register();
        meet(&register, [0, 2], at(0));
        register.begin(CUT, at(1_000));
        register.leave(7, 0, Leaving::Told, at(5_000));
        assert_eq!(wrong(&register, at(60_000)), [0, 0, 0], "nobody can tell them");
        register.end_all(at(60_000));
        assert_eq!(wrong(&register, at(73_900)), [0, 0, 0]);
        assert_eq!(wrong(&register, at(74_100)), [1, 0, 0]);
        // And who is in a room that nobody else ever came to, unless they know of it.
        register.enter(8, 1, Duration::ZERO, at(70_000));
        register.warn(8, 1, at(80_000));
        assert_eq!(wrong(&register, at(86_100)), [1, 0, 0]);
    }

    #[test]
    fn who_waits_for_each_other_is_stuck() {
        let (register, at) = register();
        register.seek(0, at(0));
        assert_eq!(wrong(&register, at(60_000)), [0, 0, 0], "there is nobody");
        register.seek(1, at(60_000));
        assert_eq!(wrong(&register, at(65_900)), [0, 0, 0]);
        assert_eq!(wrong(&register, at(66_100)), [0, 2, 0]);
        assert_eq!(wrong(&register, at(66_200)), [0, 0, 0], "they were counted");
        meet(&register, [0, 1], at(67_000));
        for name in [0, 1] {
            register.leave(7, name, Leaving::Ended, at(68_000));
            register.seek(name, at(68_000));
        }
        assert_eq!(wrong(&register, at(90_000)), [0, 0, 0], "they have met");
    }

    #[test]
    fn while_boxes_are_apart_their_people_wait_for_their_own() {
        let (register, at) = register();
        let nats = Trouble { of: None, parts: true, silences: false, kills: false };
        register.begin(nats, at(0));
        [0, 1].into_iter().for_each(|name| register.seek(name, at(0)));
        assert_eq!(wrong(&register, at(20_000)), [0, 0, 0]);
        register.seek(3, at(20_000));
        assert_eq!(wrong(&register, at(26_100)), [0, 2, 0]);
    }
}
