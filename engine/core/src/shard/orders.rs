//! What an operator orders, as it reaches a shard. Whoever gives an order gives it to every shard,
//! each in its own time; a person's to their home.

use std::sync::Arc;

use whisper_proto::{Banned, ErrorCode};
use whisper_shard_router::Placement;

use super::census::Elsewhere;
use super::drain::Draining;
use super::people::{Person, State};
use super::{Effects, Floor, Shard};
use crate::ids::SessionId;
use crate::limits::{ABSENT_ENDED, AdmissionRates, PLACES_CLEARED};
use crate::moderation::Rules;
use crate::rooms::Ending;
use crate::settings::{Drain, OpenLanes};

/// What somebody is told who wants into a lane that is closed.
pub(super) const LANE_CLOSED: &str = "Nobody is paired in this lane.";

/// An operator's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order<'a> {
    /// These lanes are open from here on, and no others. Whoever waits in another is taken out of
    /// the queue, by the next ticks, and told [`ErrorCode::LaneClosed`]; chats go on.
    Lanes(OpenLanes),
    /// Other nodes do so much; people are shown it with what is done here.
    Elsewhere(Elsewhere),
    /// A person is told this, disconnected with [`whisper_proto::CloseCode::Banned`], and gone at once: to their
    /// partner and to all who would meet them it is as if their connection were lost for good.
    Ban {
        /// Whom. Nobody, if they are gone.
        session: SessionId,
        /// Why, and for how long.
        banned: Banned<'a>,
    },
    /// What is said is held to these rules from here on. Nobody's record changes by it.
    Rules(&'a Arc<Rules>),
    /// Everybody is told to come back elsewhere ([`whisper_proto::Reconnect`]), disconnected with
    /// [`whisper_proto::CloseCode::Restart`], and gone, by the next ticks, each at their moment. A
    /// later order takes the place of an earlier one.
    Drain(Drain),
    /// One address may hold so much from here on, and come so often. Who holds more keeps it.
    Admission(AdmissionRates),
    /// The cluster goes by this map. Whoever waits is looked for by it from here on.
    Map(&'a Placement),
    /// A link to a node is up. What is sent there arrives in order, and what it sends, until
    /// [`Self::Lost`].
    Linked(u16),
    /// The link to a node is over, and nothing comes of what was under way on it. To whoever chats
    /// with somebody there it is as if their partner's connection were lost for good.
    Lost(u16),
}

impl Shard {
    pub(super) fn ordered(&mut self, order: Order<'_>, effects: &mut impl Effects) {
        match order {
            Order::Lanes(lanes) => {
                self.floor.lanes = lanes;
                self.floor.clearing = Some(0);
            }
            Order::Ban { session, banned } => self.expel(session, banned, effects),
            Order::Rules(rules) => self.floor.judge.replace_rules(Arc::clone(rules)),
            Order::Admission(rates) => self.floor.admission.set_rates(rates),
            Order::Drain(drain) => self.floor.draining = Some(Draining::new(drain)),
            Order::Map(map) => self.queue.replace_map(map.clone()),
            Order::Linked(node) => self.queue.linked(node),
            Order::Lost(node) => self.lost_node(node, effects),
            Order::Elsewhere(elsewhere) => self.floor.census.heard_elsewhere(elsewhere),
        }
    }

    fn lost_node(&mut self, node: u16, effects: &mut impl Effects) {
        let now = self.floor.now;
        let (queue, mut desk) = self.desk(effects);
        queue.lost(now, node, &mut desk);
        self.floor.part_with(|partner| partner.node == node);
    }

    /// Goes on ending chats whose other side is lost.
    pub(super) fn end_bereft(&mut self, effects: &mut impl Effects) {
        for _ in 0..ABSENT_ENDED {
            let Some((session, room)) = self.floor.bereft.pop_front() else { return };
            self.floor.partner_left(session, room, Ending::Disconnected, effects);
        }
    }

    /// Goes on taking people out of the queue whose lane was closed. Nobody comes into such a lane
    /// meanwhile, so that one pass over the table suffices.
    pub(super) fn clear_closed_lanes(&mut self, effects: &mut impl Effects) {
        let Some(begin) = self.floor.clearing.take() else { return };
        let span = self.floor.people.span();
        let end = span.min(begin + PLACES_CLEARED);
        for slot in begin..end {
            if self.floor.waits_in_closed_lane(slot) {
                let session = self.floor.people.session_at(slot);
                self.unqueue(session, effects);
                self.floor.refuse_lane(session, effects);
            }
        }
        self.floor.clearing = (end < span).then_some(end);
    }
}

impl Floor {
    /// Tells a person that they don't get into the queue, or are out of it, for their lane.
    pub(super) fn refuse_lane(&self, session: SessionId, effects: &mut impl Effects) {
        self.refuse(session, ErrorCode::LaneClosed, LANE_CLOSED, None, effects);
    }

    /// Has the chats ended by the next ticks whose other side is lost. Each by its room: whoever chats
    /// with somebody else by then goes on.
    pub(super) fn part_with(&mut self, lost: impl Fn(SessionId) -> bool) {
        for slot in 0..self.people.span() {
            let Some(place) = self.people.at(slot).and_then(Person::place) else { continue };
            let room = self.rooms.at(place);
            if lost(room.partner) {
                self.bereft.push_back((self.people.session_at(slot), room.id));
            }
        }
    }

    fn waits_in_closed_lane(&self, slot: usize) -> bool {
        let Some(person) = self.people.at(slot) else { return false };
        let wishes = person.extra().and_then(|extra| extra.wishes.as_ref());
        let waits = matches!(person.state, State::Queued(_));
        waits && wishes.is_some_and(|it| !self.lanes.contains(it.lane))
    }
}
