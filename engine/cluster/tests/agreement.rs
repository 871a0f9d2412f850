//! Several nodes and a network that loses, delays, cuts: whoever has heard the same goes by the same
//! map, whatever was before.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use whisper_cluster::{
    BEAT_BYTES, BEAT_EVERY, ClusterKey, Epoch, LISTEN, Load, Member, Membership, Place, Run,
    SILENCE,
};
use whisper_shard_router::BUCKETS;

const NODES: usize = 5;
const STEP: Duration = Duration::from_millis(250);
const START: Duration = Duration::from_secs(1_800_000_000);

/// What befalls the cluster in one step of time.
#[derive(Clone, Copy, Debug)]
enum Trouble {
    Nothing,
    /// The process dies, and another takes its place.
    Restart(usize),
    /// It stands still, or goes on.
    Freeze(usize),
    /// It is on the other side of a cut, or back.
    Cut(usize),
    /// Its capacity changes.
    Weigh(usize, u32),
    /// So many of the next beats are lost.
    Lose(usize),
}

fn trouble() -> impl Strategy<Value = Trouble> {
    let node = 0..NODES;
    prop_oneof![
        12 => Just(Trouble::Nothing),
        1 => node.clone().prop_map(Trouble::Restart),
        1 => node.clone().prop_map(Trouble::Freeze),
        1 => node.clone().prop_map(Trouble::Cut),
        1 => (node, 0..8_u32).prop_map(|(node, weight)| Trouble::Weigh(node, weight)),
        2 => (1..12_usize).prop_map(Trouble::Lose),
    ]
}

struct Cluster {
    now: Duration,
    nodes: Vec<Membership>,
    frozen: [bool; NODES],
    apart: [bool; NODES],
    /// What is on its way: from, to, bytes. What comes to a frozen node waits for it.
    wire: Vec<(usize, usize, [u8; BEAT_BYTES])>,
    lost: usize,
    /// The map that each name was seen for.
    seen: BTreeMap<Epoch, (Vec<Member>, Vec<u16>)>,
}

fn start(node: usize, now: Duration) -> Membership {
    let key = ClusterKey::new(&[7; 32], "main");
    let run = Run { started_us: now.as_micros() as u64, nonce: node as u64 };
    let mut it = Membership::new(key, node as u16, run, Load { capacity: 4, shards: 4, people: 0 });
    it.connected(now);
    it
}

impl Cluster {
    fn new() -> Self {
        Self {
            now: START,
            nodes: (0..NODES).map(|node| start(node, START)).collect(),
            frozen: [false; NODES],
            apart: [false; NODES],
            wire: Vec::new(),
            lost: 0,
            seen: BTreeMap::new(),
        }
    }

    fn befall(&mut self, trouble: Trouble) {
        match trouble {
            Trouble::Nothing => {}
            Trouble::Restart(node) => {
                self.nodes[node] = start(node, self.now);
                self.frozen[node] = false;
                self.wire.retain(|(_, to, _)| *to != node);
            }
            Trouble::Freeze(node) => self.frozen[node] ^= true,
            Trouble::Cut(node) => self.apart[node] ^= true,
            Trouble::Weigh(node, capacity) => {
                self.nodes[node].set_load(self.now, Load { capacity, shards: 4, people: 0 });
            }
            Trouble::Lose(beats) => self.lost += beats,
        }
    }

    /// A step of time: what is on its way arrives, who is due beats, all look. Returns an error where
    /// one name stands for two maps.
    fn step(&mut self) -> Result<(), TestCaseError> {
        self.now += STEP;
        for (from, to, bytes) in std::mem::take(&mut self.wire) {
            if self.frozen[to] {
                self.wire.push((from, to, bytes));
            } else if self.apart[from] == self.apart[to] {
                // A beat of an earlier life of the sender, or held up for long, may be refused.
                let _ = self.nodes[to].hear(self.now, &bytes);
            }
        }
        let steps = (self.now.as_millis() / STEP.as_millis()) as usize;
        for from in (0..NODES).filter(|node| !self.frozen[*node]) {
            self.nodes[from].look(self.now);
            // Not all at once.
            if (steps + from).is_multiple_of((BEAT_EVERY.as_millis() / STEP.as_millis()) as usize) {
                let bytes = self.nodes[from].beat(self.now);
                for to in (0..NODES).filter(|to| *to != from) {
                    match self.lost {
                        0 => self.wire.push((from, to, bytes)),
                        _ => self.lost -= 1,
                    }
                }
            }
        }
        for node in &self.nodes {
            let view = node.view();
            let owners: Vec<_> = (0..BUCKETS as u16).map(|bucket| view.owner(bucket)).collect();
            let map = (view.members().to_vec(), owners);
            let known = self.seen.entry(view.epoch()).or_insert_with(|| map.clone());
            prop_assert_eq!(&*known, &map, "{} names two maps", view.epoch());
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn once_all_is_well_all_go_by_one_map(troubles in prop::collection::vec(trouble(), 0..160)) {
        let mut cluster = Cluster::new();
        for trouble in troubles {
            cluster.befall(trouble);
            cluster.step()?;
        }
        (cluster.frozen, cluster.apart, cluster.lost) = ([false; NODES], [false; NODES], 0);
        // Whoever stood still hears what has waited, and who was silent is forgotten; then each hears
        // what number the others have.
        let calm = SILENCE + LISTEN + 4 * BEAT_EVERY;
        for _ in 0..calm.as_millis() / STEP.as_millis() {
            cluster.step()?;
        }
        let view = cluster.nodes[0].view();
        prop_assert_eq!(view.members().len(), NODES);
        for node in &cluster.nodes {
            prop_assert_eq!(node.place(), Place::Member);
            prop_assert_eq!(node.view().epoch(), view.epoch());
            prop_assert_eq!(node.view().members(), view.members());
        }
        // And stay so.
        let epoch = view.epoch();
        for _ in 0..40 {
            cluster.step()?;
        }
        prop_assert!(cluster.nodes.iter().all(|node| node.view().epoch() == epoch));
    }
}
