//! Bringing a session back: somebody comes by a new connection with the token of an old one.
//!
//! The newest connection wins, also while the old one still looks alive: whoever has the token is
//! the person. What comes of it is told at once, by `connected`: under the name of the session that
//! was lost, or under another.

use whisper_proto::CloseCode;
use whisper_shard_router::ShardId;

use super::people::{State, seconds};
use super::{Effect, Effects, Floor, Shard};
use crate::ids::{Link, SessionId};
use crate::resume::Claim;
#[cfg(feature = "faults")]
use crate::resume::Lapse;
use crate::time::Micros;

/// Who brings a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bearer {
    /// Somebody who came to this shard, was greeted, and has done nothing else.
    Here(SessionId),
    /// A connection that another shard has handed over. Nobody is behind it yet.
    Moved(Link),
    /// A connection that stays where it is, on another node, where somebody is behind it. What they
    /// say comes from there; where nobody can be brought back, nothing comes of it here.
    Abroad(Link),
}

/// What a claim is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Worth {
    /// Somebody can be brought back.
    Good,
    /// Nobody is there, or a later token is out: nothing changes.
    Late,
    /// There is no chat to bring them back to.
    Idle,
    /// What they missed is not all there.
    Gapped,
}

impl Shard {
    /// What a token says: None where it was not made by this process or one that this follows, or
    /// before yesterday. Any shard can tell; what it is worth is known at the session's home.
    pub fn claim(&self, now: Micros, token: &[u8]) -> Option<Claim> {
        let claim = self.floor.mint.open(now, token)?;
        let session = self.floor.renaming.current(claim.session);
        // There may have been more shards then.
        let known = session.shard < self.floor.census.shards();
        known.then_some(Claim { session, ..claim })
    }

    /// The shard of another node, or of this, that can tell what a token is worth, as far as the
    /// nodes of a [cluster](Shard::show_ways) can read that on it.
    pub fn home_of(&self, now: Micros, token: &[u8]) -> Option<ShardId> {
        self.floor.mint.home_of(now, token)
    }

    /// Has the nodes that share this secret know from here on whose a token is.
    pub fn show_ways(&mut self, secret: [u8; 32]) {
        self.floor.mint.show_ways(secret);
    }

    pub(super) fn resume(
        &mut self,
        bearer: Bearer,
        (claim, last_seq): (Claim, u64),
        effects: &mut impl Effects,
    ) {
        let link = match bearer {
            Bearer::Moved(link) | Bearer::Abroad(link) => link,
            Bearer::Here(fresh) => match self.floor.people.get(fresh) {
                Some(it) if it.state == State::Idle && fresh != claim.session => it.link,
                _ => return,
            },
        };
        let worth = self.floor.worth(claim, last_seq);
        let turnover = &mut self.floor.census.turnover;
        *match worth {
            Worth::Good => &mut turnover.resumed,
            Worth::Gapped => &mut turnover.resumes_gapped,
            Worth::Late | Worth::Idle => &mut turnover.resumes_late,
        } += 1;
        match (worth, bearer) {
            (Worth::Good, Bearer::Here(fresh)) => drop(self.floor.forget(fresh)),
            (Worth::Good, Bearer::Moved(_) | Bearer::Abroad(_)) | (Worth::Late, _) => {}
            // They are here, so that they aren't there any more.
            (Worth::Idle | Worth::Gapped, _) => {
                self.floor.close_link_of(claim.session, effects);
                self.depart(claim.session, effects);
            }
        }
        match bearer {
            _ if worth == Worth::Good => self.bring_back(claim, (link, last_seq), effects),
            Bearer::Here(fresh) => self.greet(fresh, effects),
            Bearer::Abroad(_) => {}
            Bearer::Moved(link) => {
                let session = self.floor.people.arrive(self.floor.now, link);
                effects.push(Effect::Opened { link, session });
                self.greet(session, effects);
            }
        }
    }

    /// Gives a connection to somebody who has heard up to a number, and tells them what they missed.
    fn bring_back(
        &mut self,
        Claim { session, uses }: Claim,
        (link, last_seq): (Link, u64),
        effects: &mut impl Effects,
    ) {
        let floor = &mut self.floor;
        floor.close_link_of(session, effects);
        let Some(person) = floor.people.get_mut(session) else { return };
        let (was_here, place) = (person.is_here(), person.place());
        person.link = link;
        person.state = place.map_or(State::Idle, State::Chatting);
        person.active = seconds(floor.now);
        let extra = person.extra_mut();
        if uses == extra.uses {
            (extra.uses, extra.old_token) = (uses.wrapping_add(1), true);
        }
        floor.absent.cancel(session.slot);
        effects.push(Effect::Opened { link, session });
        self.greet(session, effects);
        self.floor.catch_up(session, (link, last_seq), effects);
        if let Some(place) = place.filter(|_| !was_here) {
            self.floor.tell_partner(place, None, effects);
        }
    }
}

impl Floor {
    fn worth(&self, claim: Claim, last_seq: u64) -> Worth {
        // A driver that can't bring a connection to where it belongs may try its luck.
        if claim.session.home() != self.me {
            return Worth::Late;
        }
        let Some(person) = self.people.get(claim.session) else { return Worth::Late };
        let (uses, old_token) = person.extra().map_or((0, false), |it| (it.uses, it.old_token));
        if claim.uses != uses && !(old_token && claim.uses.wrapping_add(1) == uses) {
            return Worth::Late;
        }
        let missed = || Some(&person.extra()?.missed()?.kept);
        let kept = match person.state {
            State::Chatting(place) | State::Absent(place) => self.rooms.at(place).kept.as_ref(),
            State::Idle | State::Stranded => missed(),
            State::Queued(_) => None,
        };
        match kept {
            None => Worth::Idle,
            Some(kept) if kept.reaches(last_seq) => Worth::Good,
            Some(_) => Worth::Gapped,
        }
    }

    /// Closes the connection that somebody has, if any: they have another.
    fn close_link_of(&self, session: SessionId, effects: &mut impl Effects) {
        if let Some(link) = self.people.get(session).and_then(|person| person.present_link()) {
            effects.push(Effect::Close { link, code: CloseCode::GoingAway });
        }
    }

    /// Tells somebody what they missed who has heard up to a number.
    fn catch_up(
        &mut self,
        session: SessionId,
        (link, last_seq): (Link, u64),
        effects: &mut impl Effects,
    ) {
        let Some(person) = self.people.get_mut(session) else { return };
        let (kept, ending) = match (person.place(), person.extra_mut().missed_mut()) {
            (Some(place), _) => (self.rooms.at_mut(place).kept.as_mut(), None),
            (None, Some(missed)) => (Some(&mut missed.kept), Some(missed.ending)),
            (None, None) => (None, None),
        };
        let Some(kept) = kept else { return };
        let from = last_seq;
        #[cfg(feature = "faults")]
        let from = if self.shelf.has(Lapse::TellsAgain) { 0 } else { from };
        for payload in kept.missed(from) {
            effects.push(Effect::Forward { link, payload, fleeting: false });
        }
        self.shelf.caught_up(kept, last_seq);
        let partner = kept.partner;
        match ending {
            None => self.tell_of_partner(session, partner, effects),
            Some(ending) => self.tell_ending(session, ending, effects),
        }
    }
}
