//! What must hold of people of different nodes, between whom anything may be lost.
//!
//! Time counts here while whatever can arrive does (*calm* time): a schedule that holds a message
//! back for a minute hasn't shown that somebody was left alone for one.

use std::collections::{BTreeMap, BTreeSet};

use whisper_cluster::SILENCE;
use whisper_core::match_queue::{LEASE, interest_key};
use whisper_core::shard::Shard;
use whisper_core::time::{Micros, Span};
use whisper_shard_router::Placement;

use super::{Auditor, Standing, Verdict, ensure};
use crate::person::Who;
use crate::places::Places;

/// Whoever's partner is gone, or out of reach, knows it by then, where nothing is lost on the way.
const ALONE_MAX: Span = Span(SILENCE.as_micros() as u64 + 1_000_000);

/// Where packets are lost, the last word of a link may be too, and the other side gives up by itself.
const ALONE_IN_BAD_WEATHER_MAX: Span = Span(2 * ALONE_MAX.0);

/// Two who fit and are of different nodes have found each other by this time after they could, where
/// nothing is wrong: they are looked for at home first, and may be held for others.
pub(super) const FOUND_WITHIN: Span = Span::secs(3);

/// Which nodes can be held to what.
#[derive(Clone, Debug)]
pub(crate) struct Calm {
    places: Places,
    /// They run: what they know can be looked at.
    runs: Vec<bool>,
    /// Of each pair of nodes, whether they are linked and nothing is underway between them.
    still: Vec<bool>,
    /// Of each pair of nodes, whether they go by one map.
    agree: Vec<bool>,
    /// Of each pair of nodes, whether either can't hear the other, or isn't there.
    out_of_reach: Vec<bool>,
    /// Packets may be lost.
    foul: bool,
    /// Nothing has been wrong for long enough: two of any nodes have found each other.
    pub(super) well: bool,
}

/// What the auditor remembers of nodes.
#[derive(Default)]
pub(super) struct Apart {
    /// The time in which what could arrive did.
    calm: Span,
    /// How often a shard was told that its link to a node is over.
    losses: BTreeMap<(u16, u16), u64>,
    /// Rooms that two of different nodes came into.
    pub(super) rooms: u64,
}

impl Calm {
    /// All nodes for which that is so run, and there is nothing else to hold them to.
    pub(crate) fn new(places: Places, runs: impl Fn(u16) -> bool) -> Self {
        let pairs = usize::from(places.nodes()).pow(2);
        Self {
            places,
            runs: (0..places.nodes()).map(runs).collect(),
            still: vec![false; pairs],
            agree: vec![false; pairs],
            out_of_reach: vec![false; pairs],
            foul: false,
            well: false,
        }
    }

    /// The same, and between nodes it is so.
    pub(crate) fn between(
        mut self,
        still: impl Fn(u16, u16) -> bool,
        agree: impl Fn(u16, u16) -> bool,
        out_of_reach: impl Fn(u16, u16) -> bool,
        (foul, well): (bool, bool),
    ) -> Self {
        let nodes = self.places.nodes();
        let pairs = (0..nodes).flat_map(|one| (0..nodes).map(move |other| (one, other)));
        for (place, (one, other)) in pairs.enumerate() {
            self.still[place] = one != other && still(one, other);
            self.agree[place] = agree(one, other);
            self.out_of_reach[place] = one != other && out_of_reach(one, other);
        }
        (self.foul, self.well) = (foul, well);
        self
    }

    /// Whether the shard at a place runs.
    pub(crate) fn runs(&self, place: usize) -> bool {
        self.runs[place / usize::from(self.places.shards())]
    }

    /// Whether two places are of one node.
    pub(super) fn is_within(&self, one: u16, other: u16) -> bool {
        self.places.node_of(one) == self.places.node_of(other)
    }

    /// Whether nothing is underway between two places whose nodes run.
    pub(super) fn is_between(&self, one: u16, other: u16) -> bool {
        let within = self.is_within(one, other) && self.runs(one.into());
        within || self.still[self.pair(one, other)]
    }

    /// The same, where both go by one map. By another, it isn't known who lists a ticket that is over;
    /// whoever it is forgets it with the next map, or where it is proposed.
    fn is_by_one_map(&self, one: u16, other: u16) -> bool {
        self.is_between(one, other) && self.agree[self.pair(one, other)]
    }

    fn is_out_of_reach(&self, one: u16, other: u16) -> bool {
        self.out_of_reach[self.pair(one, other)]
    }

    fn pair(&self, one: u16, other: u16) -> usize {
        let [one, other] = [one, other].map(|place| usize::from(self.places.node_of(place)));
        one * self.runs.len() + other
    }
}

impl Auditor {
    /// So much time goes by in which what can arrive does.
    pub(crate) fn lives_through(&mut self, span: Span) {
        self.apart.calm.0 += span.0;
    }

    /// Rooms that two of different nodes have been in.
    pub(crate) fn rooms_across(&self) -> u64 {
        self.apart.rooms
    }

    /// A process dies, and all its people are gone.
    pub(crate) fn dies(&mut self, now: Micros, node: u16) {
        let home = self.places.of_node(node);
        for number in 0..self.lives.len() {
            let life = &self.lives[number];
            if home.contains(&life.home) && life.standing != Standing::Gone {
                self.departs(now, Who(number));
            }
        }
        self.lanes[usize::from(home.start)..usize::from(home.end)].fill(self.settings.lanes);
    }

    /// Something else is wrong with a node, or between two, than was before: what there is to be noticed
    /// of it takes its time from now on.
    pub(crate) fn befalls(&mut self, node: u16, other: Option<u16>) {
        for number in 0..self.lives.len() {
            let [here, there] = [self.lives[number].home, self.home_of_partner(Who(number))]
                .map(|place| self.places.node_of(place));
            let between = |it: u16| (here, there) == (node, it) || (there, here) == (node, it);
            if other.map_or(here == node || there == node, between) {
                self.lives[number].alone = None;
            }
        }
    }

    /// A shard is about to be told that its link to a node is over.
    pub(crate) fn loses_link(&mut self, place: u16, node: u16) {
        *self.apart.losses.entry((place, node)).or_default() += 1;
    }

    /// How often a shard has lost a node.
    pub(super) fn losses(&self, place: u16, node: u16) -> u64 {
        self.apart.losses.get(&(place, node)).copied().unwrap_or(0)
    }

    /// Whether somebody's home has lost their partner's node since the two met.
    pub(super) fn has_lost_partner(&self, who: Who) -> bool {
        let (home, far) = (self.lives[who.0].home, self.home_of_partner(who));
        let far = self.places.node_of(far);
        let met = self.guest_of(who, |guest| guest.losses[usize::from(far)]);
        self.places.node_of(home) != far && met.is_some_and(|met| self.losses(home, far) > met)
    }

    /// Whether somebody's home and their partner's can be held to the same.
    pub(super) fn is_calm_for(&self, who: Who, calm: &Calm) -> bool {
        calm.is_between(self.lives[who.0].home, self.home_of_partner(who))
    }

    pub(super) fn home_of_partner(&self, who: Who) -> u16 {
        let life = &self.lives[who.0];
        life.partner.map_or(life.home, |partner| self.lives[partner.0].home)
    }

    /// Nobody is left alone in a room for long, whatever became of the partner or of the way there.
    pub(super) fn nobody_is_alone_for_long(&mut self, calm: &Calm) -> Verdict {
        let bound = if calm.foul { ALONE_IN_BAD_WEATHER_MAX } else { ALONE_MAX };
        for number in 0..self.lives.len() {
            let (who, life) = (Who(number), &self.lives[number]);
            let Standing::Chatting { room } = &life.standing else {
                self.lives[number].alone = None;
                continue;
            };
            if !calm.runs(life.home.into()) || life.loss.is_absent() {
                continue;
            }
            let there = self.home_of_partner(who);
            let together =
                life.partner.is_some_and(|it| self.lives[it.0].standing == life.standing);
            let alone = !together || calm.is_out_of_reach(life.home, there);
            let since = alone.then(|| life.alone.unwrap_or(self.apart.calm));
            let lasts = since.map_or(0, |since| self.apart.calm.0 - since.0);
            ensure!(lasts <= bound.0, "{who:?} was alone in {room} for {lasts} µs");
            self.lives[number].alone = since;
        }
        Ok(())
    }

    /// Nobody is held for somebody of another node for longer than a lease, and none is over that
    /// wasn't ended. Returns whether anybody is.
    pub(super) fn leases_end(&self, now: Micros, shard: &Shard) -> Result<bool, super::Violation> {
        let leases = shard.queue().leases();
        for &(ticket, until) in &leases {
            let left = until.0.saturating_sub(now.0);
            ensure!(left > 0 && left <= LEASE.0, "{ticket:?} is leased for {left} µs more");
        }
        Ok(!leases.is_empty())
    }

    /// The cluster's lists have nobody who is gone, as far as can be known where they are; and
    /// everybody who waits, where all is well.
    pub(super) fn cluster_lists_keep_the_living(
        &self,
        now: Micros,
        shards: &[(usize, &Shard)],
        (tickets, map): (&super::Tickets, Option<&Placement>),
        calm: &Calm,
    ) -> Verdict {
        let mut listed = BTreeSet::new();
        for &(place, shard) in shards {
            for (ticket, _) in shard.queue().cluster_listed() {
                let home = self.places.place(ticket.home());
                let alive = tickets.contains_key(&ticket);
                let may_know = calm.is_by_one_map(place as u16, home);
                ensure!(alive || !may_know, "{place} lists {ticket:?} for all, which is gone");
                listed.insert((ticket, place as u16));
            }
        }
        let Some(map) = map.filter(|_| calm.well) else { return Ok(()) };
        let late = |at: u64| now.since(Micros(at)) >= FOUND_WITHIN;
        for (ticket, who) in tickets.iter().filter(|(ticket, _)| late(ticket.at)) {
            let Some(wish) = &self.lives[who.0].wish else { continue };
            for name in &wish.likes {
                let owner = self.places.place(map.owner(interest_key(map, name)));
                let there = listed.contains(&(*ticket, owner));
                ensure!(there, "{who:?} isn't listed for all under {name}");
            }
        }
        Ok(())
    }
}
