//! What an operator may set of the core.

use std::sync::Arc;

use whisper_proto::{AgeCategory, Lane, Mode, QueueType};

use crate::codec::{Damage, Field, Reader, Writer, fields};
use crate::ice::IceServers;
use crate::interests::Aliases;
use crate::limits::AdmissionRates;
use crate::match_queue::{CLUSTER_AFTER, LaneId, TierTimes};
use crate::time::{Micros, Span};

/// Settings of every shard of a process.
#[derive(Clone, Debug)]
pub struct Settings {
    /// When tiers open.
    pub tiers: TierTimes,
    /// How long somebody is looked for on their own node before the others are asked. Default
    /// 500 ms; less where so few come that nobody is to be expected by then.
    pub cluster_after: Span,
    /// Which lanes are open.
    pub lanes: OpenLanes,
    /// How often somebody idle or searching is told the numbers. Default 5 s; stretched where that
    /// would be more than [`crate::limits::STATS_PER_SECOND`] a second.
    pub stats_interval: Span,
    /// How long a person may be in no queue and no chat. Default 30 min.
    pub idle_max: Span,
    /// How long a chat waits for somebody whose connection is lost. Default 20 s; 0 for not at all.
    pub resume_grace: Span,
    /// How many people a shard waits for at a time; who is lost beyond is gone.
    pub absent_max: u32,
    /// Other names of interests.
    pub aliases: Arc<Aliases>,
    /// What one address may hold.
    pub admission: AdmissionRates,
    /// Where calls find a way; None where only from one person to the other.
    pub ice: Option<IceServers>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            tiers: TierTimes::default(),
            cluster_after: CLUSTER_AFTER,
            lanes: OpenLanes::default(),
            stats_interval: Span::secs(5),
            idle_max: Span::secs(30 * 60),
            resume_grace: Span::secs(20),
            absent_max: 65_536,
            aliases: Arc::new(Aliases::default()),
            admission: AdmissionRates::default(),
            ice: None,
        }
    }
}

/// The set of lanes people may join.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OpenLanes(u16);

impl OpenLanes {
    /// No lane at all.
    pub const NONE: Self = Self(0);

    /// Opens a lane, or closes it. Teen lanes exist for the moderated queue only.
    pub fn set(&mut self, lane: Lane, open: bool) {
        let bit = 1 << lane_id(lane).0;
        let exists = lane.age == AgeCategory::Adult || lane.queue == QueueType::Moderated;
        self.0 = if open && exists { self.0 | bit } else { self.0 & !bit };
    }

    /// Whether people may join the lane.
    pub fn contains(self, lane: Lane) -> bool {
        self.0 & 1 << lane_id(lane).0 != 0
    }

    /// The open lanes.
    pub fn iter(self) -> impl Iterator<Item = Lane> {
        every_lane().filter(move |&lane| self.contains(lane))
    }
}

impl Default for OpenLanes {
    /// Everything for adults; text for teens.
    fn default() -> Self {
        let mut lanes = Self::NONE;
        for lane in every_lane() {
            lanes.set(lane, lane.age == AgeCategory::Adult || lane.mode == Mode::Text);
        }
        lanes
    }
}

impl Field for OpenLanes {
    fn put(&self, w: &mut Writer<'_>) {
        w.number(self.iter().fold(0, |bits, lane| bits | 1 << lane_id(lane).0));
    }

    fn get(r: &mut Reader<'_>) -> Result<Self, Damage> {
        let bits = r.number()?;
        let mut lanes = Self::NONE;
        every_lane().for_each(|lane| lanes.set(lane, bits >> lane_id(lane).0 & 1 == 1));
        Ok(lanes)
    }
}

/// The number the match queue knows a lane by.
pub fn lane_id(lane: Lane) -> LaneId {
    LaneId(lane.age as u8 * 6 + lane.mode as u8 * 2 + lane.queue as u8)
}

/// Every lane there can be.
pub fn every_lane() -> impl Iterator<Item = Lane> {
    let ages = AgeCategory::ALL.iter();
    ages.flat_map(|&age| {
        Mode::ALL.iter().flat_map(move |&mode| {
            QueueType::ALL.iter().map(move |&queue| Lane { age, mode, queue })
        })
    })
}

/// When whom is sent elsewhere: the same for all shards of a box, so that the whole box is even.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drain {
    /// From when on those who are in no chat go.
    pub began: Micros,
    /// From when on chats end. Not before `began`.
    pub chats_from: Micros,
    /// When the last go. Not before `chats_from`.
    pub until: Micros,
    /// Each is told to come back after a random time of at most so much.
    pub jitter: Span,
}

fields! { struct Drain { began, chats_from, until, jitter } }

#[cfg(test)]
mod tests {
    use super::*;
    use crate::match_queue::LANES;

    #[test]
    fn every_lane_has_a_number_of_its_own() {
        let ids: std::collections::BTreeSet<_> = every_lane().map(lane_id).collect();
        assert_eq!(ids.len(), LANES);
        assert!(ids.iter().all(|id| usize::from(id.0) < LANES));
    }

    #[test]
    fn teens_are_moderated_whatever_is_opened() {
        let mut lanes = OpenLanes::default();
        let lane = Lane { age: AgeCategory::Teen, mode: Mode::Text, queue: QueueType::Unmoderated };
        lanes.set(lane, true);
        assert!(!lanes.contains(lane));
        assert_eq!(lanes.iter().count(), 7);
    }
}
