//! What must hold once every message has arrived, and once everybody has gone.

use std::collections::BTreeSet;

use whisper_core::histogram::Histogram;
use whisper_core::match_queue::{Level, interest_key};
use whisper_core::shard::Shard;
use whisper_core::time::{Micros, Span};
use whisper_proto::Tier;
use whisper_shard_router::Placement;

use super::apart::FOUND_WITHIN;
use super::{Auditor, Calm, Life, Standing, Tickets, Verdict, Wish, ensure};
use crate::person::Who;

/// Of those who wait, how many are held against the others.
const SAMPLED: usize = 128;

/// Somebody who waits.
struct Waiting<'a> {
    who: Who,
    home: u16,
    wish: &'a Wish,
    tier: Tier,
    waited: Span,
    /// How long that tier has been open.
    open: Span,
}

impl Auditor {
    /// Nothing is underway within a node that runs, and no scan is owed. Nodes go by this map, where
    /// there is one that all go by.
    pub(crate) fn settled(
        &mut self,
        now: Micros,
        shards: &[Shard],
        (calm, map): (&Calm, Option<&Placement>),
    ) -> Verdict {
        let shards: Vec<_> = shards.iter().enumerate().filter(|(it, _)| calm.runs(*it)).collect();
        let mut leased = BTreeSet::new();
        for &(place, shard) in &shards {
            if self.leases_end(now, shard)? {
                leased.insert(self.places.node_of(place as u16));
            }
        }
        let tickets = self.tickets(&shards, &leased)?;
        self.lists_keep_the_living(&tickets, &shards, &leased)?;
        self.cluster_lists_keep_the_living(now, &shards, (&tickets, map), calm)?;
        self.rooms_have_two_sides(calm)?;
        self.nobody_is_alone_for_long(calm)?;
        numbers_tell_what_is_there(&shards)?;
        self.nobody_waits_in_vain(now, (&tickets, &leased), calm)
    }

    /// Nobody is here any more.
    pub(crate) fn drained(&self, shards: &[Shard]) -> Verdict {
        for (number, shard) in shards.iter().enumerate() {
            ensure!(shard.tickets().is_empty(), "shard {number} keeps a ticket");
            ensure!(shard.queue().listed_len() == 0, "shard {number} keeps a list");
            ensure!(
                shard.queue().cluster_listed().is_empty(),
                "shard {number} keeps a list for all"
            );
            ensure!(shard.rooms().is_empty(), "shard {number} keeps a room");
            ensure!(shard.absent() == 0, "shard {number} waits for somebody");
            let kept = shard.kept_bytes();
            ensure!(kept == 0, "shard {number} keeps {kept} bytes for nobody");
        }
        Ok(())
    }

    /// The tickets of all shards; none is held, but where somebody is leased.
    fn tickets(
        &self,
        shards: &[(usize, &Shard)],
        leased: &BTreeSet<u16>,
    ) -> Result<Tickets, super::Violation> {
        let mut tickets = Tickets::new();
        for (card, held) in shards.iter().flat_map(|(_, shard)| shard.tickets()) {
            let who = self.whose(card.person)?;
            // Behind somebody leased others may be held, as long as that lasts.
            let may_be = leased.contains(&self.places.node_of(self.lives[who.0].home));
            ensure!(!held || may_be, "{who:?} is held for good");
            ensure!(tickets.insert(card.ticket, who).is_none(), "{:?} is there twice", card.ticket);
        }
        Ok(tickets)
    }

    fn lists_keep_the_living(
        &self,
        tickets: &Tickets,
        shards: &[(usize, &Shard)],
        leased: &BTreeSet<u16>,
    ) -> Verdict {
        let mut listed = BTreeSet::new();
        for &(shard, it) in shards {
            for (ticket, busy) in it.queue().listed() {
                let Some(who) = tickets.get(&ticket) else {
                    ensure!(false, "shard {shard} lists {ticket:?}, which is gone");
                    continue;
                };
                let may_be = leased.contains(&self.places.node_of(shard as u16));
                ensure!(!busy || may_be, "{who:?} is busy at shard {shard} for good");
                listed.insert((*who, shard as u16));
            }
        }
        for who in tickets.values() {
            let Life { home, wish: Some(wish), .. } = &self.lives[who.0] else { continue };
            let placement = &self.placements[usize::from(self.places.node_of(*home))];
            for name in &wish.likes {
                let owner = self.places.place(placement.owner(interest_key(placement, name)));
                ensure!(listed.contains(&(*who, owner)), "{who:?} isn't listed under {name}");
            }
            let somewhere = listed.range((*who, 0)..=(*who, u16::MAX)).next().is_some();
            ensure!(somewhere, "{who:?} isn't listed at all");
        }
        Ok(())
    }

    /// Each side of a room knows the same room and the other side, and has heard it all, where
    /// nothing is underway between the two.
    fn rooms_have_two_sides(&self, calm: &Calm) -> Verdict {
        for (number, life) in self.lives.iter().enumerate() {
            let who = Who(number);
            let Standing::Chatting { room } = &life.standing else { continue };
            if life.loss.is_absent() || !self.is_calm_for(who, calm) {
                continue;
            }
            let Some(partner) = life.partner else {
                ensure!(false, "{who:?} is in {room} with nobody known");
                continue;
            };
            let other = &self.lives[partner.0];
            ensure!(other.standing == life.standing, "{who:?} is alone in {room}");
            ensure!(
                other.partner == Some(who),
                "{partner:?} takes {:?} for {who:?}",
                other.partner
            );
            self.has_heard_all(who)?;
        }
        Ok(())
    }

    /// Every tier that is due is open, and no two who would fit both wait. Where many wait, some
    /// of them are held against all who came before.
    fn nobody_waits_in_vain(
        &self,
        now: Micros,
        (tickets, leased): (&Tickets, &BTreeSet<u16>),
        calm: &Calm,
    ) -> Verdict {
        let times = &self.settings.tiers;
        let mut waiting: Vec<Waiting<'_>> = Vec::new();
        for (ticket, &who) in tickets {
            let life = &self.lives[who.0];
            let (Standing::Queued { tier, opened, .. }, Some(wish)) = (&life.standing, &life.wish)
            else {
                continue;
            };
            let (tier, waited) = (*tier, now.since(Micros(ticket.at)));
            ensure!(waited < times.timeout, "{who:?} waits past the timeout");
            ensure!(life.lane_is_open(&self.lanes), "{who:?} waits in a closed lane");
            let due = wish.due(waited >= times.single, waited >= times.any);
            ensure!(tier >= due, "{who:?} has waited {waited:?} with {tier} open only");
            ensure!(tier <= wish.widest(), "{who:?} asked never to open {tier}");
            let (home, open) = (life.home, now.since(*opened));
            waiting.push(Waiting { who, home, wish, tier, waited, open });
        }
        let stride = waiting.len().div_ceil(SAMPLED).max(1);
        for (place, newcomer) in waiting.iter().enumerate().step_by(stride) {
            for other in &waiting[..place] {
                let within = calm.is_within(newcomer.home, other.home);
                let held = within && leased.contains(&self.places.node_of(newcomer.home));
                let known = within && !held || calm.well && self.had_time(newcomer, other);
                let vain = known && self.would_fit(newcomer, other);
                ensure!(!vain, "{:?} and {:?} would fit, and both wait", newcomer.who, other.who);
            }
        }
        Ok(())
    }

    /// Whether two of different nodes, if they fit, had time to find each other since.
    fn had_time(&self, one: &Waiting<'_>, other: &Waiting<'_>) -> bool {
        let again = self.settings.tiers.again;
        [one, other].into_iter().all(|it| {
            let forgives = it.waited.0.checked_sub(again.0);
            it.open >= FOUND_WITHIN && forgives.is_none_or(|since| since >= FOUND_WITHIN.0)
        })
    }

    fn would_fit(&self, one: &Waiting<'_>, other: &Waiting<'_>) -> bool {
        let again = self.settings.tiers.again;
        let late = one.waited >= again && other.waited >= again;
        let forgive = late && one.wish.forgives() && other.wish.forgives();
        let refuses = |it: &Waiting<'_>, stranger: &Waiting<'_>| {
            self.lives[it.who.0].memory.refuses(stranger.who, forgive)
        };
        let tier = one.wish.tier_with(&other.wish.likes);
        one.wish.admits(other.wish)
            && tier <= one.tier.min(other.tier)
            && !refuses(one, other)
            && !refuses(other, one)
    }
}

/// What is told of shards is what is in them.
fn numbers_tell_what_is_there(shards: &[(usize, &Shard)]) -> Verdict {
    for &(number, shard) in shards {
        let tickets = shard.tickets();
        let mut levels = [0; Level::COUNT];
        tickets.iter().for_each(|(card, _)| levels[card.level as usize] += 1);
        let told = shard.queued_by_level();
        ensure!(told == levels, "shard {number} tells of {told:?}, and has {levels:?}");
        let (told, rooms) = (shard.chatting(), shard.rooms().len());
        ensure!(told == rooms, "shard {number} tells of {told} who chat, and has {rooms}");
        let turnover = shard.turnover();
        let matched: u64 = turnover.waits.iter().map(Histogram::count).sum();
        let ended = matched + turnover.timeouts;
        let left = turnover.tickets.checked_sub(ended + tickets.len() as u64);
        ensure!(left.is_some(), "shard {number} counts more ends than tickets: {turnover:?}");
    }
    Ok(())
}
