//! What must hold: in every world, and in every world where nothing is underway.

use std::fmt;

use whisper_core::ids::TicketId;
use whisper_core::match_queue::{Card, Level};

use super::scene::{SHARDS, Stage};
use super::shard::{Person, Shard, Standing};

/// What must hold of every world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Property {
    /// Nobody is matched while in a room, and a room has two sides.
    DoubleRoom,
    /// At rest, whoever is in a room has their partner there.
    GhostRoom,
    /// A person who waits has a ticket at home, listed with every owner that should know it.
    LostTicket,
    /// At rest, nobody is held or in a proposal: no wait is for ever.
    HeldForEver,
    /// At rest, no list keeps a ticket that is over.
    DeadTicket,
    /// Of a proposed pair the older ticket is held and the younger claimed: what waits for what
    /// has no cycle.
    OutOfOrder,
    /// Partners want the same lane.
    MixedLane,
    /// At rest, no two wait who could have each other.
    MissedPair,
    /// What is said about a room touches no other.
    OtherRoomTouched,
    /// While nobody does anything, deliveries come to an end.
    Livelock,
}

/// A property that doesn't hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which one.
    pub property: Property,
    /// Whose, or where.
    pub by: String,
}

type Verdict = Result<(), Violation>;

impl Property {
    pub(super) fn broken_by(self, by: String) -> Violation {
        Violation { property: self, by }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.property, self.by)
    }
}

/// A world to be judged: its shards.
pub(super) struct View<'a> {
    pub(super) stage: &'a Stage<'a>,
    pub(super) shards: [&'a Shard; SHARDS],
}

struct Waiting {
    who: usize,
    card: Card,
    held: bool,
}

impl View<'_> {
    /// What holds in every world: rooms have two sides, who are each other's.
    pub(super) fn at_any_time(&self) -> Verdict {
        for (who, person) in self.people() {
            let Standing::Chatting { room, partner } = person.standing else { continue };
            for (other, them) in self.people() {
                let Standing::Chatting { room: theirs, partner: their_partner } = them.standing
                else {
                    continue;
                };
                let together = other == partner && their_partner == who;
                if other != who && theirs == room && !together {
                    let names = [who, other].map(|it| self.name(it));
                    return Err(Property::DoubleRoom.broken_by(names.join(" and ")));
                }
            }
        }
        Ok(())
    }

    /// What holds where nothing is underway.
    pub(super) fn at_rest(&self) -> Verdict {
        self.rooms_have_both_sides()?;
        let waiting = self.waiting();
        if let Some(held) = waiting.iter().find(|it| it.held) {
            return Err(Property::HeldForEver.broken_by(self.name(held.who).into()));
        }
        for shard in 0..SHARDS {
            self.lists_the_living(shard, &waiting)?;
        }
        if self.stage.scene.apart.is_some() {
            for shard in 0..SHARDS {
                self.lists_the_cluster(shard, &waiting)?;
            }
        }
        for (number, one) in waiting.iter().enumerate() {
            for other in &waiting[number + 1..] {
                if self.could_meet(one, other) {
                    let names = [one, other].map(|it| self.name(it.who));
                    return Err(Property::MissedPair.broken_by(names.join(" and ")));
                }
            }
        }
        Ok(())
    }

    fn rooms_have_both_sides(&self) -> Verdict {
        for (who, person) in self.people() {
            let Standing::Chatting { room, partner } = person.standing else { continue };
            let there = self.person(partner).standing;
            if there != (Standing::Chatting { room, partner: who }) {
                let names = [who, partner].map(|it| self.name(it)).join(" without ");
                return Err(Property::GhostRoom.broken_by(names));
            }
        }
        Ok(())
    }

    fn lists_the_living(&self, shard: usize, waiting: &[Waiting]) -> Verdict {
        let listed = self.shards[shard].queue.listed();
        let by = |ticket: TicketId| format!("{} at shard {shard}", super::story::ticket(ticket));
        for &(ticket, busy) in &listed {
            if waiting.iter().all(|it| it.card.ticket != ticket) {
                return Err(Property::DeadTicket.broken_by(by(ticket)));
            }
            if busy {
                return Err(Property::HeldForEver.broken_by(by(ticket)));
            }
        }
        for it in waiting {
            let ticket = it.card.ticket;
            let known = listed.iter().any(|&(listed, _)| listed == ticket);
            let mut owners = self.owners(it).map(|owner| match self.stage.scene.apart {
                None => owner,
                Some(_) => self.stage.scene.people[it.who].home,
            });
            if known != owners.any(|owner| usize::from(owner) == shard) {
                return Err(Property::LostTicket.broken_by(by(ticket)));
            }
        }
        Ok(())
    }

    /// The same of a cluster owner, of whose tickets some sit out for a while.
    fn lists_the_cluster(&self, shard: usize, waiting: &[Waiting]) -> Verdict {
        let listed = self.shards[shard].queue.cluster_listed();
        let by = |ticket| format!("{} in the cluster at {shard}", super::story::ticket(ticket));
        let dead =
            |&&(ticket, _): &&(TicketId, bool)| waiting.iter().all(|it| it.card.ticket != ticket);
        if let Some(&(ticket, _)) = listed.iter().find(dead) {
            return Err(Property::DeadTicket.broken_by(by(ticket)));
        }
        for it in waiting {
            let ticket = it.card.ticket;
            let known = listed.iter().any(|&(listed, _)| listed == ticket);
            if known != self.owners(it).any(|owner| usize::from(owner) == shard) {
                return Err(Property::LostTicket.broken_by(by(ticket)));
            }
        }
        Ok(())
    }

    /// Whether a cluster owner has somebody sit out.
    fn sits_out(&self, waiting: &Waiting) -> bool {
        let listed = self.shards.iter().flat_map(|shard| shard.queue.cluster_listed());
        listed.into_iter().any(|(ticket, busy)| busy && ticket == waiting.card.ticket)
    }

    /// Who must know a ticket: the owners of what they like, and of the lane once anyone will do.
    fn owners(&self, waiting: &Waiting) -> impl Iterator<Item = u16> {
        let scene = self.stage.scene;
        let desire = scene.people[waiting.who].desires[self.person(waiting.who).desire];
        let lane = (waiting.card.level >= Level::Any).then(|| scene.lanes[desire.lane]);
        desire.likes.iter().map(|&interest| scene.interests[interest]).chain(lane)
    }

    fn could_meet(&self, one: &Waiting, other: &Waiting) -> bool {
        let level = one.card.level.min(other.card.level);
        let [(my_lane, mine), (their_lane, theirs)] = [one, other].map(|it| {
            let desire = self.stage.scene.people[it.who].desires[self.person(it.who).desire];
            (desire.lane, desire.likes)
        });
        let shared = mine.iter().filter(|it| theirs.contains(it)).count();
        let close = shared >= 2 || shared == 1 && mine.len() == 1 && theirs.len() == 1;
        let needed = match shared {
            _ if close => Level::Overlap,
            0 => Level::Any,
            _ => Level::Single,
        };
        let refused = [(one, other), (other, one)].iter().any(|(one, other)| {
            let [me, stranger] = [one, other].map(|it| self.stage.session(it.who));
            self.person(one.who).refuses(self.stage, me, stranger, level == Level::Again)
        });
        let later = self.sits_out(one) || self.sits_out(other);
        my_lane == their_lane && level >= needed && !refused && !later
    }

    fn waiting(&self) -> Vec<Waiting> {
        let tickets = self.shards.iter().flat_map(|shard| shard.queue.tickets());
        tickets.map(|(card, held)| Waiting { who: card.person.slot as usize, card, held }).collect()
    }

    fn people(&self) -> impl Iterator<Item = (usize, &Person)> {
        (0..self.stage.scene.people.len()).map(|who| (who, self.person(who)))
    }

    fn person(&self, who: usize) -> &Person {
        &self.shards[usize::from(self.stage.scene.people[who].home)].people[who]
    }

    fn name(&self, who: usize) -> &'static str {
        super::story::name(who)
    }
}
