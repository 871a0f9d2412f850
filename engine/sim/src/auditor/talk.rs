//! What two who are in a room say and hear, from the match to the end.

use std::collections::{BTreeSet, VecDeque};

use whisper_core::limits::SAID_REMEMBERED;
use whisper_core::time::{Micros, Span};
use whisper_proto::{ClientMessage, Matched, Mode, Tier};

use super::lost::Loss;
use super::rules::{Memory, Passed, Wish};
use super::{Auditor, Standing, Verdict, Violation, ensure};
use crate::person::Who;

/// A room, by what its two sides were told.
#[derive(Default)]
pub(super) struct Room {
    /// The offering side last.
    pub(super) guests: [Option<Guest>; 2],
    /// What each side said and the other hasn't heard.
    pub(super) underway: [VecDeque<Passed>; 2],
    /// How many messages each side has said.
    pub(super) said: [u64; 2],
    /// What each side was told, and didn't hear.
    pub(super) unheard: [VecDeque<Passed>; 2],
    /// The ids of what each side said.
    pub(super) ids: [Vec<(String, u64)>; 2],
}

/// One side of a room, as it was when they came in.
pub(super) struct Guest {
    pub(super) who: Who,
    pub(super) here: bool,
    pub(super) partner_id: String,
    pub(super) wish: Wish,
    pub(super) tier: Tier,
    pub(super) since: Micros,
    pub(super) waited: Span,
    pub(super) memory: Memory,
    /// The chat outlives their connection.
    pub(super) resumable: bool,
    /// They were without a connection: what is fleeting may not have come.
    pub(super) was_lost: bool,
    /// How often their home had lost each other node by then, counted from 0.
    pub(super) losses: Vec<u64>,
}

impl Auditor {
    pub(super) fn matched(&mut self, now: Micros, who: Who, matched: &Matched<'_>) -> Verdict {
        let home = self.lives[who.0].home;
        let losses = (0..self.places.nodes()).map(|node| self.losses(home, node)).collect();
        let life = &mut self.lives[who.0];
        let Standing::Queued { since, tier, .. } = life.standing else {
            ensure!(false, "{who:?} is {:?}, and matched", life.standing);
            return Ok(());
        };
        let wish = life.wish.clone().expect("whoever is queued has a wish");
        ensure!(matched.mode == wish.lane.mode, "{who:?} is matched in another mode");
        let waited = now.since(since);
        ensure!(waited.as_millis().abs_diff(matched.waited_ms) <= 1, "{who:?} waited {waited:?}");
        let theirs = matched.interests.iter().copied().map(String::from).collect();
        let shared: BTreeSet<_> = matched.shared.iter().copied().map(String::from).collect();
        ensure!(wish.shared_with(&theirs) == shared, "{who:?} is told other shared interests");
        ensure!(wish.tier_with(&theirs) == matched.tier, "{who:?} is told another tier");
        ensure!(matched.tier <= tier, "{who:?} met in {}, and opened {tier} only", matched.tier);

        let room = matched.room_id.to_owned();
        life.standing = Standing::Chatting { room: room.clone() };
        let side = usize::from(matched.is_initiator);
        let guest = Guest {
            who,
            here: true,
            partner_id: matched.partner_id.into(),
            wish,
            tier,
            since,
            waited,
            memory: life.memory.clone(),
            resumable: life.said_hello,
            was_lost: false,
            losses,
        };
        life.loss = Loss::default();
        let room = self.rooms.entry(room).or_default();
        ensure!(room.guests[side].is_none(), "two people on one side of a room");
        if let Some(partner) = &room.guests[1 - side] {
            ensure!(partner.who != who, "{who:?} met themselves");
            ensure!(partner.wish.likes == theirs, "{who:?} is told other interests of the partner");
            ensure!(
                partner.tier >= matched.tier,
                "{:?} hadn't opened {}",
                partner.who,
                matched.tier
            );
            ensure!(partner.partner_id != guest.partner_id, "two people of one name");
            let lane = guest.wish.admits(&partner.wish);
            ensure!(lane, "{who:?} and {:?} are of different lanes", partner.who);
            let patient = guest.waited >= self.settings.tiers.again
                && partner.waited >= self.settings.tiers.again;
            let forgive = patient && guest.wish.forgives() && partner.wish.forgives();
            let strangers = !guest.memory.refuses(partner.who, forgive)
                && !partner.memory.refuses(who, forgive);
            ensure!(strangers, "{who:?} met {:?} again", partner.who);
        }
        if let Some(partner) = &room.guests[1 - side] {
            let [here, there] = [who, partner.who].map(|it| self.lives[it.0].home);
            let [here, there] = [here, there].map(|place| self.places.node_of(place));
            self.apart.rooms += u64::from(here != there);
        }
        room.guests[side] = Some(guest);
        Ok(())
    }

    pub(super) fn partner_left(&mut self, now: Micros, who: Who, told: &'static str) -> Verdict {
        let (room, side) = self.side_of(who, told)?;
        self.partner_may_be_given_up(now, &room, side);
        let [me, partner] = [side, 1 - side].map(|side| self.rooms[&room].guests[side].as_ref());
        let me = me.expect("whoever chats is a guest");
        let (here, there) = (self.lives[who.0].home, self.home_of_partner(who));
        let [node, far] = [here, there].map(|home| self.places.node_of(home));
        if let Some(partner) = partner {
            let excused = !partner.here || self.has_lost_partner(who);
            ensure!(excused, "{who:?} was told {told}, and the partner is there");
        } else if node == far {
            // They never came in: then they gave up while they were held for this one.
            let since = me.since;
            let partner = self.lives[who.0].partner.map(|partner| self.lives[partner.0].gave_up);
            ensure!(partner >= Some(since), "{who:?} was matched with somebody who wasn't free");
        }
        self.keeps_what_was_unheard(who, told);
        self.leave_room(who);
        Ok(())
    }

    /// Notes what somebody says to their partner, to be heard in this order.
    pub(super) fn passes_on(&mut self, now: Micros, who: Who, message: &ClientMessage<'_>) {
        let Ok((id, side)) = self.side_of(who, "") else { return };
        let room = self.rooms.get_mut(&id).expect("people chat in rooms");
        let guest = room.guests[side].as_ref().expect("whoever chats is a guest");
        let calls = guest.wish.lane.mode != Mode::Text;
        let seq = room.said[side] + 1;
        let Some((meant, passed)) = Passed::said(message, now, seq) else { return };
        if meant.is_some_and(|meant| meant != id) || (passed.is_signal() && !calls) {
            return;
        }
        if let (ClientMessage::Message(say), true) = (message, passed.is_line()) {
            let ids = &mut room.ids[side];
            let last = ids.len().saturating_sub(SAID_REMEMBERED);
            let again = ids[last..].iter().find(|(id, _)| Some(id.as_str()) == say.id);
            if let (Some((_, before)), true) = (again, guest.resumable) {
                self.lives[who.0].acks.push_back(*before);
                return;
            }
            ids.push((say.id.unwrap_or_default().to_owned(), seq));
            self.lives[who.0].acks.extend(say.id.map(|_| seq));
        }
        room.said[side] += u64::from(passed.is_line());
        room.underway[side].push_back(passed);
    }

    pub(super) fn delivered(&mut self, who: Who, passed: &Passed) -> Verdict {
        if let Some(next) = self.lives[who.0].loss.heard_late() {
            ensure!(next == *passed, "{who:?} hears {passed:?} late, and not {next:?}");
            return Ok(());
        }
        let (id, side) = self.side_of(who, "what a partner says")?;
        let room = self.rooms.get_mut(&id).expect("people chat in rooms");
        let was_lost = room.guests[side].as_ref().is_some_and(|guest| guest.was_lost);
        let underway = &mut room.underway[1 - side];
        let mut next = underway.pop_front();
        while was_lost && next.as_ref().is_some_and(|it| it.is_fleeting() && it != passed) {
            next = underway.pop_front();
        }
        if self.lives[who.0].loss.is_deaf() && passed.is_line() {
            room.unheard[side].push_back(passed.clone());
        }
        ensure!(next.as_ref() == Some(passed), "{who:?} hears {passed:?}, and not {next:?}");
        let guest = room.guests[side].as_ref().expect("whoever chats is a guest");
        if let Passed::Line { sender_id: Some(sender), .. } = passed {
            ensure!(*sender == guest.partner_id, "{who:?} hears somebody else than the partner");
        }
        Ok(())
    }

    pub(super) fn leave_room(&mut self, who: Who) {
        let Ok((id, side)) = self.side_of(who, "") else { return };
        let room = self.rooms.get_mut(&id).expect("people chat in rooms");
        if let Some(guest) = &mut room.guests[side] {
            guest.here = false;
        }
        // Nobody comes into a room that both have left; one that only one came into is kept.
        if room.guests.iter().all(|guest| guest.as_ref().is_some_and(|guest| !guest.here)) {
            self.rooms.remove(&id);
        }
        self.lives[who.0].standing = Standing::Idle;
    }

    /// The room that somebody is in and their side of it.
    pub(super) fn side_of(&self, who: Who, told: &str) -> Result<(String, usize), Violation> {
        let standing = &self.lives[who.0].standing;
        let Standing::Chatting { room } = standing else {
            return Err(Violation(format!("{who:?} is {standing:?}, and told {told}")));
        };
        let sits = |guest: &Option<Guest>| guest.as_ref().is_some_and(|guest| guest.who == who);
        let side = self.rooms[room].guests.iter().position(sits);
        Ok((room.clone(), side.expect("whoever chats is a guest")))
    }
}
