//! People at home here whose connection is at another node.

use std::collections::HashMap;

use whisper_core::ids::{Link, SessionId};
use whisper_core::resume::Claim;
use whisper_core::shard::{Bearer, Event};
use whisper_proto::{ClientMessage, Hello};
use whisper_reactor::Io;
use whisper_shard_router::ShardId;

use super::super::desk::Desk;
use super::super::guest::Who;
use super::super::link::{link_abroad, place_abroad};
use super::super::resuming::resume;
use super::super::standing::known;
use super::{Come, Roam};

/// A connection that another node has: whose worker has it, and its name there.
type Remote = (ShardId, u64);

/// Somebody at home here whose connection another node has.
pub(in super::super) struct Hosted {
    /// The worker that has the connection.
    pub(super) from: ShardId,
    /// Its name there.
    pub(super) conn: u64,
    /// Whose it is; None while that is being decided.
    pub(in super::super) person: Option<SessionId>,
    /// What they are known by.
    pub(in super::super) who: Who,
    generation: u32,
}

/// All of them, by place.
pub(super) struct Hosting {
    places: Vec<Option<Hosted>>,
    free: Vec<u32>,
    by_connection: HashMap<Remote, Link>,
    /// How many there have been.
    came: u32,
    max: usize,
}

impl Hosting {
    /// Room for so many.
    pub(super) fn of(max: usize) -> Self {
        let by_connection = HashMap::new();
        Self { places: Vec::new(), free: Vec::new(), by_connection, came: 0, max }
    }

    pub(super) fn len(&self) -> usize {
        self.by_connection.len()
    }

    pub(super) fn get(&self, link: Link) -> Option<&Hosted> {
        let (place, generation) = place_abroad(link)?;
        let hosted = self.places.get(place as usize)?.as_ref()?;
        (hosted.generation == generation).then_some(hosted)
    }

    pub(super) fn leave(&mut self, link: Link) -> Option<Hosted> {
        self.get(link)?;
        let (place, _) = place_abroad(link)?;
        let hosted = self.places[place as usize].take()?;
        self.free.push(place);
        self.by_connection.remove(&(hosted.from, hosted.conn));
        Some(hosted)
    }

    /// A connection of another node, which nobody is behind yet; None where there is no room, or it
    /// is known already.
    fn enter(&mut self, (from, conn): Remote, who: Who) -> Option<Link> {
        if self.len() >= self.max || self.by_connection.contains_key(&(from, conn)) {
            return None;
        }
        let place = self.free.pop().unwrap_or(self.places.len() as u32);
        self.came = self.came.wrapping_add(1);
        let hosted = Hosted { from, conn, person: None, who, generation: self.came };
        if place as usize == self.places.len() {
            self.places.push(Some(hosted));
        } else {
            self.places[place as usize] = Some(hosted);
        }
        let link = link_abroad(place, self.came);
        self.by_connection.insert((from, conn), link);
        Some(link)
    }

    fn get_mut(&mut self, link: Link) -> Option<&mut Hosted> {
        let (place, generation) = place_abroad(link)?;
        let hosted = self.places.get_mut(place as usize)?.as_mut()?;
        (hosted.generation == generation).then_some(hosted)
    }

    /// Those of a node, in the order of their places.
    fn of_node(&self, node: u16) -> Vec<Link> {
        let places = (0_u32..).zip(&self.places);
        let hosted = places.filter_map(|(place, hosted)| Some((place, hosted.as_ref()?)));
        let theirs = hosted.filter(|(_, hosted)| hosted.from.node == node);
        theirs.map(|(place, hosted)| link_abroad(place, hosted.generation)).collect()
    }
}

impl Desk {
    /// Somebody has brought a token of this shard to another node: they are brought back, with their
    /// connection there, or refused.
    pub(super) fn host(&mut self, io: &mut Io, (from, conn): Remote, come: Come) {
        if self.bring_home(io, (from, conn), come).is_none() {
            self.abroad.send(from, Roam::Refused { conn });
        }
    }

    fn bring_home(&mut self, io: &mut Io, remote: Remote, come: Come) -> Option<()> {
        let Come { token, last_seq, language, challenge, who } = come;
        let claim = self.shard.claim(self.now, &token);
        let claim = claim.filter(|it| it.session.home() == self.shard.id());
        let entered = claim.and_then(|it| Some((it, self.abroad.hosting.enter(remote, who)?)));
        let Some((claim, link)) = entered else {
            self.tally.resumes_refused += 1;
            return None;
        };
        let Some(session) = self.resume_abroad(io, link, claim, last_seq) else {
            self.abroad.hosting.leave(link);
            return None;
        };
        if let Some(hosted) = self.abroad.hosting.get_mut(link) {
            hosted.person = Some(session);
        }
        let hello = Hello { language: language.as_deref(), ..Hello::default() };
        self.handle(io, Event::Message { session, message: ClientMessage::Hello(hello) });
        if challenge.is_some() {
            self.greet(io, session, challenge);
        }
        let event = known((session, who), None, (&self.shard, self.now));
        self.handle(io, event);
        // So that bans find them as they find everybody here.
        self.absentees.note(session, who.identity, &self.shard);
        self.look_for(io, session, who.identity, true);
        Some(())
    }

    fn resume_abroad(
        &mut self,
        io: &mut Io,
        link: Link,
        claim: Claim,
        last_seq: u64,
    ) -> Option<SessionId> {
        let event = resume(Bearer::Abroad(link), claim, last_seq);
        let (opened, closed) = self.handle_opening(io, event);
        self.release(closed);
        opened
    }

    /// What somebody's client has said where it is. It was metered there.
    pub(super) fn hear_hosted(&mut self, io: &mut Io, remote: Remote, payload: &[u8]) {
        let Some(link) = self.abroad.hosting.by_connection.get(&remote).copied() else { return };
        let Some(hosted) = self.abroad.hosting.get_mut(link) else { return };
        let (Some(session), Ok(message)) = (hosted.person, ClientMessage::decode(payload)) else {
            return;
        };
        if let ClientMessage::Hello(Hello { fingerprint: Some(said), .. }) = &message {
            let hash = self.common.bans.keys().fingerprint(said);
            hosted.who.identity.fingerprint.get_or_insert(hash);
        }
        let who = hosted.who;
        self.tally.messages_in += 1;
        self.say_for(io, (session, who), message);
        self.hear_answers(io);
    }

    /// A connection of another node is gone.
    pub(super) fn hosted_left(&mut self, io: &mut Io, remote: Remote, broken: bool) {
        let link = self.abroad.hosting.by_connection.get(&remote).copied();
        if let Some(link) = link {
            self.lose(io, link, broken);
        }
    }

    /// A node is gone, and all connections that it has.
    pub(super) fn lose_hosted(&mut self, io: &mut Io, node: u16) {
        for link in self.abroad.hosting.of_node(node) {
            self.lose(io, link, true);
        }
    }

    fn lose(&mut self, io: &mut Io, link: Link, broken: bool) {
        let hosted = self.abroad.hosting.leave(link);
        let Some(Hosted { person: Some(session), who, .. }) = hosted else { return };
        self.parted(io, (session, who.identity), broken);
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use proptest::prelude::*;
    use whisper_store::bans::Identity;

    use super::super::super::link::is_abroad;
    use super::*;

    fn who() -> Who {
        let address = Ipv4Addr::LOCALHOST.into();
        Who { identity: Identity { address, cookie: None, fingerprint: None }, exempt: false }
    }

    fn worker(node: u16, shard: u16) -> ShardId {
        ShardId { node, shard }
    }

    proptest! {
        #[test]
        fn a_link_is_one_connections_as_long_as_that_is_there(
            steps in prop::collection::vec((0u16..3, 0u16..2, 0u64..6, 0u8..4), 1..200),
        ) {
            const MAX: usize = 8;
            let mut hosting = Hosting::of(MAX);
            let mut there: Vec<(Remote, Link)> = Vec::new();
            let mut gone: Vec<Link> = Vec::new();
            for (node, shard, conn, what) in steps {
                let remote = (worker(node, shard), conn);
                let known = there.iter().position(|(it, _)| *it == remote);
                match (what, known) {
                    (0 | 1, _) => {
                        let link = hosting.enter(remote, who());
                        prop_assert_eq!(link.is_some(), known.is_none() && there.len() < MAX);
                        there.extend(link.map(|link| (remote, link)));
                    }
                    (2, Some(at)) => {
                        let (_, link) = there.swap_remove(at);
                        let left = hosting.leave(link).expect("it is there");
                        prop_assert_eq!((left.from, left.conn), remote);
                        gone.push(link);
                    }
                    (3, _) => {
                        for link in hosting.of_node(node) {
                            hosting.leave(link);
                            gone.push(link);
                        }
                        there.retain(|((from, _), _)| from.node != node);
                    }
                    _ => {}
                }
                prop_assert_eq!(hosting.len(), there.len());
                for (remote, link) in &there {
                    let hosted = hosting.get(*link).expect("it is there");
                    prop_assert_eq!((hosted.from, hosted.conn), *remote);
                    prop_assert!(is_abroad(*link));
                }
                prop_assert!(gone.iter().all(|link| hosting.get(*link).is_none()));
            }
        }
    }
}
