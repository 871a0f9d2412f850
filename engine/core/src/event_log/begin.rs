//! How a shard's log begins: with all that the shard was made from, but its secrets.

use std::sync::Arc;

use whisper_shard_router::{KeyHash, Placement, ShardId};

use crate::codec::fields;
use crate::match_queue::{LANES, LaneId, TierTimes, lane_key};
use crate::moderation::{Ladder, Rules, RulesDigest};
use crate::settings::{OpenLanes, Settings};
use crate::shard::{Setup, Shard};
use crate::time::{Micros, Span};

/// What a shard was made from. Neither its secrets nor the key of its placement: what follows from
/// those is written where it is needed, which is the hashes of lanes.
#[derive(Clone, Debug)]
pub(super) struct Begin {
    pub(super) now: Micros,
    pub(super) me: ShardId,
    shards: u32,
    epoch: u64,
    lane_keys: [KeyHash; LANES],
    settings: Kept,
    rules: KeptRules,
    seed: [u8; 32],
}

/// [`Rules`] by their name, and what they do about what was found, which a log does have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeptRules {
    /// What tells them from others.
    pub digest: RulesDigest,
    /// How long people are put up with.
    pub ladder: Ladder,
}

/// [`Settings`] that decide what is in a log. Other names of interests aren't among them, nor what an
/// address may hold: a log has no names, and no addresses.
#[derive(Clone, Debug)]
struct Kept {
    tiers: TierTimes,
    cluster_after: Span,
    lanes: OpenLanes,
    stats_interval: Span,
    idle_max: Span,
    resume_grace: Span,
    absent_max: u32,
}

fields! {
    struct Begin { now, me, shards, epoch, lane_keys, settings, rules, seed }
    struct KeptRules { digest, ladder }
    struct RulesDigest(0)
    struct Ladder { warnings, blocks, ban_hours, zero_ban_hours }
    struct Kept { tiers, cluster_after, lanes, stats_interval, idle_max, resume_grace, absent_max }
    struct TierTimes { single, any, again, timeout, patience }
}

impl Begin {
    pub(super) fn of(now: Micros, setup: &Setup) -> Self {
        let Setup {
            me,
            shards,
            placement,
            settings,
            rules,
            seed,
            evidence_secret: _,
            session_secret: _,
        } = setup;
        let Settings {
            tiers,
            cluster_after,
            lanes,
            stats_interval,
            idle_max,
            resume_grace,
            absent_max,
            aliases: _,
            admission: _,
            ice: _,
        } = **settings;
        let kept = Kept {
            tiers,
            cluster_after,
            lanes,
            stats_interval,
            idle_max,
            resume_grace,
            absent_max,
        };
        Self {
            now,
            me: *me,
            shards: *shards as u32,
            epoch: placement.epoch(),
            lane_keys: std::array::from_fn(|lane| lane_key(placement, LaneId(lane as u8))),
            settings: kept,
            rules: KeptRules::of(rules),
            seed: *seed,
        }
    }

    /// The same shard again, under secrets that anybody knows; None where keys were placed in
    /// another way than this build would.
    pub(super) fn shard(&self) -> Option<Shard> {
        let shards = u16::try_from(self.shards).ok().filter(|&shards| self.me.shard < shards)?;
        let placement = Placement::single_node([0; 16], self.me.node, shards);
        if placement.epoch() != self.epoch {
            return None;
        }
        let Kept {
            tiers,
            cluster_after,
            lanes,
            stats_interval,
            idle_max,
            resume_grace,
            absent_max,
        } = self.settings;
        let settings = Settings {
            tiers,
            cluster_after,
            lanes,
            stats_interval,
            idle_max,
            resume_grace,
            absent_max,
            ..Settings::default()
        };
        let setup = Setup {
            me: self.me,
            shards: shards.into(),
            placement,
            settings: Arc::new(settings),
            rules: Arc::new(self.rules.again()),
            evidence_secret: [0; 32],
            session_secret: [0; 32],
            seed: self.seed,
        };
        Some(Shard::new(self.now, setup).with_lane_keys(self.lane_keys))
    }
}

impl KeptRules {
    pub(super) fn of(rules: &Rules) -> Self {
        Self { digest: rules.digest(), ladder: rules.ladder() }
    }

    /// Rules that do the same about what was found, and find nothing themselves.
    pub(super) fn again(&self) -> Rules {
        Rules::none(self.ladder)
    }
}
