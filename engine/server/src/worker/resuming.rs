//! Connections that come back: whom a token names, and giving a connection to them.

use whisper_core::codec::Writer;
use whisper_core::ids::SessionId;
use whisper_core::resume::Claim;
use whisper_core::shard::{Bearer, Event, Shard};
use whisper_core::time::Micros;
use whisper_proto::{ClientMessage, Hello};
use whisper_reactor::{ConnId, Io};
use whisper_shard_router::ShardId;
use whisper_store::bans::Identity;

use super::abroad::Abroad;
use super::desk::Desk;
use super::heritage::put_person;
use super::link::{is_abroad, link_of};
use super::standing::known;

/// Where somebody who brings a token is to be brought back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Their session is at home here.
    Here(Claim),
    /// It is at home in another shard of this process.
    Away {
        /// Which.
        to: usize,
        /// Whom the token names.
        claim: Claim,
    },
    /// Perhaps on another node.
    Abroad(ShardId),
    /// The token is none of this process's, or too old.
    Nowhere,
}

/// The way back that a message asks for, and what its sender has heard; None for most.
#[inline]
pub(super) fn way_back(
    message: &ClientMessage<'_>,
    (shard, now): (&Shard, Micros),
    abroad: &Abroad,
) -> Option<(Way, u64)> {
    let ClientMessage::Hello(Hello { resume: Some(token), last_seq, .. }) = message else {
        return None;
    };
    let way = match shard.claim(now, token) {
        None => {
            let home = shard.home_of(now, token);
            let home = home.and_then(|home| abroad.nodes.successor_of(home));
            home.map_or(Way::Nowhere, Way::Abroad)
        }
        Some(claim) if claim.session.home() == shard.id() => Way::Here(claim),
        Some(claim) => Way::Away { to: claim.session.shard.into(), claim },
    };
    Some((way, last_seq.unwrap_or_default()))
}

/// Has a shard bring somebody back.
pub(super) fn resume<'a>(bearer: Bearer, claim: Claim, last_seq: u64) -> Event<'a> {
    Event::Resume { bearer, claim, last_seq }
}

impl Desk {
    /// Lets a connection that another reactor has handed over speak for whom a token names, who has
    /// heard up to a number; or for somebody new. Until then nobody is behind it.
    pub(super) fn take_over(&mut self, io: &mut Io, conn: ConnId, claim: Claim, last_seq: u64) {
        let Some(connection) = self.connections.get_mut(conn) else { return };
        let link = link_of(conn, connection.session.protocol());
        let (opened, closed) =
            self.handle_opening(io, resume(Bearer::Moved(link), claim, last_seq));
        self.release(closed);
        let Some(connection) = self.connections.get_mut(conn) else { return };
        connection.person = opened;
        let Some(session) = opened else { return };
        let event = known((session, connection.guest.who()), None, (&self.shard, self.now));
        self.handle(io, event);
        self.look_at(io, conn, true);
    }

    /// A connection is being closed, and its person has another.
    pub(super) fn release(&mut self, conn: Option<ConnId>) {
        if let Some(connection) = conn.and_then(|conn| self.connections.get_mut(conn)) {
            connection.person = None;
            connection.session.over();
        }
    }
}

/// Those without a connection here who are waited for, or have one at another node, so that a ban
/// finds them too.
#[derive(Debug)]
pub(super) struct Absentees {
    people: Vec<(SessionId, Identity)>,
    /// With how many those are looked for who are back.
    pruned_at: usize,
    /// How many are still to be looked at, from the front.
    left: usize,
}

/// Below so many, nobody is looked for who is back.
const UNPRUNED: usize = 1_024;

impl Default for Absentees {
    fn default() -> Self {
        Self { people: Vec::new(), pruned_at: UNPRUNED, left: 0 }
    }
}

impl Absentees {
    /// Takes note of somebody who is without a connection here.
    pub(super) fn note(&mut self, person: SessionId, identity: Identity, shard: &Shard) {
        if self.people.len() >= self.pruned_at {
            self.prune(|person| is_without(person, shard));
        }
        self.people.push((person, identity));
    }

    /// Forgets who is back, and of whoever was noted more than once all but the latest.
    fn prune(&mut self, is_without: impl Fn(SessionId) -> bool) {
        self.people.retain(|(person, _)| is_without(*person));
        self.people.reverse();
        self.people.sort_by_key(|(person, _)| *person);
        self.people.dedup_by_key(|(person, _)| *person);
        self.pruned_at = UNPRUNED.max(2 * self.people.len());
        if self.is_looking() {
            self.look_again();
        }
    }

    /// Writes down who they are.
    pub(super) fn put(&self, w: &mut Writer<'_>) {
        w.number(self.people.len() as u64);
        self.people.iter().for_each(|person| put_person(person, w));
    }

    /// All are to be looked at again.
    pub(super) fn look_again(&mut self) {
        self.left = self.people.len();
    }

    /// Whether there is anybody to look at.
    pub(super) fn is_looking(&self) -> bool {
        self.left > 0
    }

    /// The next to be looked at, if they are still waited for.
    pub(super) fn next(&mut self, shard: &Shard) -> Option<(SessionId, Identity)> {
        self.left = self.left.checked_sub(1)?;
        let (person, identity) = self.people[self.left];
        if is_without(person, shard) {
            return Some((person, identity));
        }
        self.people.swap_remove(self.left);
        None
    }
}

/// Whether somebody is there, or waited for, and has no connection here.
fn is_without(person: SessionId, shard: &Shard) -> bool {
    shard.is_absent(person) || shard.link_of(person).is_some_and(is_abroad)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn whoever_comes_and_goes_is_noted_once() {
        let person = |slot| SessionId { node: 1, shard: 0, slot, generation: 7 };
        let seen_at = |last| Identity {
            address: Ipv4Addr::new(10, 0, 0, last).into(),
            cookie: None,
            fingerprint: None,
        };
        let mut absentees = Absentees::default();
        for round in 0..100 {
            absentees.people.extend((0..10).map(|slot| (person(slot), seen_at(round))));
            absentees.look_again();
            absentees.prune(|it| it.slot != 3);
            let there = (0..10).filter(|slot| *slot != 3);
            let latest: Vec<_> = there.map(|slot| (person(slot), seen_at(round))).collect();
            assert_eq!(absentees.people, latest);
            assert_eq!(absentees.left, latest.len());
        }
    }
}
