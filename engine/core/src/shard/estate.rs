//! What a shard leaves to the process that follows, and how that takes it on.

use std::borrow::Cow;
use std::collections::VecDeque;

use whisper_shard_router::ShardId;

use super::drain::Draining;
use super::people::{Extra, Person, State};
use super::{Effects, Setup, Shard};
use crate::codec::{Damage, Field as _, Reader, Writer, fields};
use crate::ids::{Link, SessionId};
use crate::limits::{ABSENT_ENDED, PLACES_CLEARED};
use crate::match_queue::{LaneId, Share, Stay, lane_key};
use crate::moderation::Tail;
use crate::rooms::Room;
#[cfg(feature = "faults")]
use crate::settings::OpenLanes;
#[cfg(feature = "faults")]
use crate::succession::Oversight;
use crate::succession::{self, Estate, Head, Succession, Unsettled};
use crate::time::Micros;
#[cfg(feature = "faults")]
use crate::timers::Timers;

/// What was left to a shard and isn't settled yet; that is done by ticks, some of it at a time.
#[derive(Debug, Default)]
pub(super) struct Arrears {
    /// People whose connection didn't come along.
    unlinked: VecDeque<SessionId>,
    /// The place up to which tickets were posted again.
    posted: usize,
}

/// Where somebody is, with what other tables have of it.
enum Whereabouts<'a> {
    Idle { link: Link },
    Queued { link: Link, stay: Stay },
    Chatting { link: Link, room: Cow<'a, Room>, tail: Cow<'a, Tail> },
    Absent { until: Micros, room: Cow<'a, Room>, tail: Cow<'a, Tail> },
    Stranded { until: Micros },
}

fields! {
    enum Whereabouts<'a> {
        0 Idle { link };
        1 Queued { link, stay };
        2 Chatting { link, room, tail };
        3 Absent { until, room, tail };
        4 Stranded { until };
    }
}

impl Shard {
    /// Appends what this shard leaves to the process that follows, in the latest of
    /// [`succession::FORMATS`]. The shard itself is as before, and can go on.
    ///
    /// What is written has secrets in it, and what people were told. It is for the one process that
    /// follows, and for nobody's disk.
    ///
    /// # Errors
    /// [`Unsettled`]; nothing is of use then that was written.
    pub fn bequeath(&self, out: &mut Vec<u8>) -> Result<(), Unsettled> {
        if !self.queue.is_settled() {
            return Err(Unsettled);
        }
        let floor = &self.floor;
        let taken = (0..floor.people.span()).filter(|&slot| floor.people.at(slot).is_some());
        let head = Head {
            me: floor.me,
            shards: floor.census.shards(),
            now: floor.now,
            lane_key: lane_key(&floor.placement, LaneId(0)),
            session_secret: floor.mint.secret(),
            span: floor.people.span() as u32,
            arrivals: floor.people.arrivals(),
            renaming: floor.renaming.clone(),
            counts: self.tally(),
            elsewhere: floor.census.elsewhere(),
            lanes: floor.lanes,
            drain: floor.draining.as_ref().map(Draining::drain),
        };
        let mut w = succession::begin(out);
        head.put(&mut w);
        w.part(|w| self.queue.bequeath(w));
        w.part(|w| {
            w.number(floor.people.len() as u64);
            taken.for_each(|slot| self.bequeath_person(slot, w));
        });
        w.part(|w| floor.admission.bequeath(w));
        w.part(|w| floor.standings.bequeath(w));
        Ok(())
    }

    /// The shard of a process that follows another. By its next ticks, the first of which is due at
    /// once, tickets are posted again, and it is as if their connection broke to those for whom
    /// `links` has none: it is asked by the shard that was their home, and the name that it had for
    /// their connection.
    ///
    /// Of the setup, the secret of tokens is that of the process before. An event log can't begin
    /// here: what it begins with is a shard with nobody in it.
    ///
    /// # Errors
    /// [`Damage`]: what was left makes no sense.
    pub fn inherit(
        now: Micros,
        setup: Setup,
        succession: &Succession<'_>,
        links: &mut dyn FnMut(u16, Link) -> Option<Link>,
    ) -> Result<Self, Damage> {
        let now = now.max(succession.now());
        let (me, shards) = (setup.me, setup.shards);
        let session_secret = succession.session_secret();
        let mut shard = Self::new(now, Setup { session_secret, ..setup });
        let floor = &mut shard.floor;
        let head = succession.head_for(me.shard);
        floor.renaming = succession.renaming();
        floor.lanes = head.lanes;
        floor.draining = head.drain.map(Draining::new);
        floor.census.heard_elsewhere(head.elsewhere);
        floor.census.inherit(me.shard, succession.counts());
        floor.arrears = Some(Arrears::default());
        // Those who come from elsewhere may wait in a lane that is open there.
        floor.clearing = Some(0);
        for estate in succession.all() {
            floor.admission.inherit(estate.admission, me, &floor.placement)?;
            let mine = |name| floor.placement.owner(name) == me;
            floor.standings.inherit(estate.standings, mine)?;
        }
        let mut places = Vec::new();
        for (offset, estate) in succession.left_to(me.shard) {
            shard.queue.inherit(estate.queue)?;
            shard.take_in(&mut places, (offset, estate), succession, links)?;
        }
        shard.floor.people.inherit(places, succession.arrivals());
        // To other nodes this process is another, and whoever was there is gone.
        shard.floor.part_with(|partner| partner.node != me.node);
        let counts = shard.counts();
        let share = Share::new(counts.online, shard.floor.census.sum().online, shards);
        shard.queue.weigh(share);
        #[cfg(feature = "faults")]
        shard.overlook(succession);
        Ok(shard)
    }

    /// Goes on settling what was left to this shard.
    pub(super) fn settle_in(&mut self, effects: &mut impl Effects) {
        let Some(mut arrears) = self.floor.arrears.take() else { return };
        for _ in 0..ABSENT_ENDED {
            let Some(session) = arrears.unlinked.pop_front() else { break };
            // They may be back by a token already.
            if self.floor.people.get(session).is_some_and(|it| it.link == Link::NOBODYS) {
                self.lost(session, true, effects);
            }
        }
        let span = self.floor.people.span();
        let end = span.min(arrears.posted + PLACES_CLEARED);
        for slot in arrears.posted..end {
            let state = self.floor.people.at(slot).map(|person| person.state);
            if let Some(State::Queued(place)) = state {
                let now = self.floor.now;
                let (queue, mut desk) = self.desk(effects);
                queue.post_anew(now, place, &mut desk);
            }
        }
        arrears.posted = end;
        if end < span || !arrears.unlinked.is_empty() {
            self.floor.arrears = Some(arrears);
        }
    }

    /// Writes a person, who is there.
    fn bequeath_person(&self, slot: usize, w: &mut Writer<'_>) {
        let floor = &self.floor;
        let Some(person) = floor.people.at(slot) else { return };
        let Person { link, state, active, generation, extra } = person;
        let (link, until) = (*link, floor.absent.of(slot as u32).unwrap_or(floor.now));
        let tail = |place| Cow::Borrowed(floor.judge.tail(place));
        let room = |place| Cow::Borrowed(floor.rooms.at(place));
        let whereabouts = match *state {
            State::Idle => Whereabouts::Idle { link },
            State::Queued(at) => match self.queue.stay(at) {
                Some(stay) => Whereabouts::Queued { link, stay },
                None => Whereabouts::Idle { link },
            },
            State::Chatting(at) => Whereabouts::Chatting { link, room: room(at), tail: tail(at) },
            State::Absent(at) => Whereabouts::Absent { until, room: room(at), tail: tail(at) },
            State::Stranded => Whereabouts::Stranded { until },
        };
        (slot as u32).put(w);
        generation.put(w);
        active.put(w);
        extra.put(w);
        whereabouts.put(w);
    }

    /// Takes in the people of a shard that was, behind those who are there.
    fn take_in(
        &mut self,
        places: &mut Vec<Option<Person>>,
        (offset, estate): (u32, &Estate<'_>),
        succession: &Succession<'_>,
        links: &mut dyn FnMut(u16, Link) -> Option<Link>,
    ) -> Result<(), Damage> {
        let mut r = estate.people;
        let mut linked = |link| links(estate.head.me.shard, link);
        for _ in 0..r.count()? {
            let slot = u32::get(&mut r)?;
            let place = slot.checked_add(offset).ok_or(Damage)?;
            if slot >= estate.head.span || (place as usize) < places.len() {
                return Err(Damage);
            }
            places.resize_with(place as usize, || None);
            places.push(Some(self.take_in_person(place, &mut r, succession, &mut linked)?));
        }
        // Free ones stay theirs, too: see [`Renaming`](crate::succession::Renaming).
        places.resize_with((offset + estate.head.span) as usize, || None);
        r.end()
    }

    fn take_in_person(
        &mut self,
        slot: u32,
        r: &mut Reader<'_>,
        succession: &Succession<'_>,
        linked: &mut dyn FnMut(Link) -> Option<Link>,
    ) -> Result<Person, Damage> {
        let (generation, active) = (u32::get(r)?, u32::get(r)?);
        let (mut extra, whereabouts) = (Option::<Box<Extra>>::get(r)?, Whereabouts::get(r)?);
        let ShardId { node, shard } = self.floor.me;
        let session = SessionId { node, shard, slot, generation };
        if let Some(extra) = &mut extra {
            extra.rename(|other| succession.home_of(other));
            extra.missed().iter().for_each(|missed| self.floor.shelf.take_in(&missed.kept));
        }
        let (link, state) = match whereabouts {
            Whereabouts::Idle { link } => (Some(link), State::Idle),
            Whereabouts::Queued { link, stay } => {
                let wishes =
                    extra.as_ref().and_then(|extra| extra.wishes.as_ref()).ok_or(Damage)?;
                let wish = wishes.wish(session, stay, &self.queue).ok_or(Damage)?;
                self.floor.census.turnover.tickets += 1;
                (Some(link), State::Queued(self.queue.take_in(wish, stay).slot))
            }
            Whereabouts::Chatting { link, room, tail } => {
                (Some(link), State::Chatting(self.enter(room, tail, succession)))
            }
            Whereabouts::Absent { until, room, tail } => {
                self.floor.absent.set(slot, until);
                (None, State::Absent(self.enter(room, tail, succession)))
            }
            Whereabouts::Stranded { until } => {
                self.floor.absent.set(slot, until);
                (None, State::Stranded)
            }
        };
        let present = link.and_then(linked);
        if let (Some(_), None, Some(arrears)) = (link, present, &mut self.floor.arrears) {
            arrears.unlinked.push_back(session);
        }
        let link = present.unwrap_or(Link::NOBODYS);
        Ok(Person { link, state, active, generation, extra })
    }

    /// Puts one side of a chat where it goes on; returns its place.
    fn enter(
        &mut self,
        room: Cow<'_, Room>,
        tail: Cow<'_, Tail>,
        succession: &Succession<'_>,
    ) -> u32 {
        let floor = &mut self.floor;
        let mut room = room.into_owned();
        room.partner = succession.home_of(room.partner);
        room.kept.iter().for_each(|kept| floor.shelf.take_in(kept));
        let place = floor.rooms.open(room);
        floor.judge.attend_from(place, tail.into_owned());
        place
    }

    /// Forgets what is to be left out.
    #[cfg(feature = "faults")]
    fn overlook(&mut self, succession: &Succession<'_>) {
        let (floor, overlooks) = (&mut self.floor, |it| succession.overlooks(it));
        let arrears = floor.arrears.get_or_insert_default();
        if overlooks(Oversight::TicketsUnposted) {
            arrears.posted = floor.people.span();
        }
        if overlooks(Oversight::Unlinked) {
            arrears.unlinked.clear();
        }
        if overlooks(Oversight::Deadlines) {
            floor.absent = Timers::default();
        }
        if overlooks(Oversight::Lanes) {
            floor.lanes = OpenLanes::default();
        }
        for slot in 0..floor.people.span() {
            let Some(person) = floor.people.at(slot) else { continue };
            let place = person.place();
            let session = floor.people.session_at(slot);
            let extra = floor.people.get_mut(session).and_then(Person::extra_if_any);
            if let Some(extra) = extra.filter(|_| overlooks(Oversight::Partners)) {
                extra.forget_partners();
            }
            if let Some(place) = place.filter(|_| overlooks(Oversight::Kept)) {
                floor.shelf.free(floor.rooms.at_mut(place).kept.take());
            }
        }
    }
}
