//! The other nodes: who is there, as NATS tells, and what people's homes have to say to each other
//! ([guide](../../../../../docs/cluster.md)). What follows from what is heard is decided by
//! [`Membership`] and [`Links`]; this is their clock and their wire.

mod handing;
mod numbers;
mod servers;
mod wire;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_nats::Subject;
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use whisper_cluster::{
    Beat, ClusterKey, Epoch, KeyId, LinkStatus, Links, Load, Membership, PacketError, Place,
    Process, Refusal, Run, Standing,
};
use whisper_shard_router::Placement;

use self::handing::Handing;
pub(crate) use self::servers::NatsServers;
use self::wire::Wire;
use super::Lines;
use crate::clock::Clock;
use crate::config::ClusterConfig;
use crate::secrets::ClusterSecret;
use crate::worker::{GivenUp, ToNode};

/// How long the end may wait until the others are told of it.
const FAREWELL: Duration = Duration::from_millis(300);

/// The same trouble is logged once in so long.
const LOG_EVERY: Duration = Duration::from_secs(60);

/// The cluster that this node is of, if of any. Clones show the same; only the control thread holds
/// any.
#[derive(Clone, Default)]
pub(crate) struct Cluster(Option<Arc<Shared>>);

struct Shared {
    name: String,
    node: u16,
    key_id: KeyId,
    /// At the start.
    load: Load,
    clock: Clock,
    state: Mutex<State>,
    farewell: mpsc::Sender<oneshot::Sender<()>>,
}

/// What a node joins with.
pub(crate) struct Join<'a> {
    /// Where the others are.
    pub(crate) config: &'a ClusterConfig,
    /// What they have in common.
    pub(crate) secret: &'a ClusterSecret,
    /// This node's weight among them.
    pub(crate) capacity: u32,
    /// Random: tells this process from others that started with it.
    pub(crate) nonce: u64,
    /// The time.
    pub(crate) clock: Clock,
}

struct State {
    membership: Membership,
    links: Links,
    nats_up: bool,
    nats_losses: u64,
    beats_sent: u64,
    beats_heard: u64,
    maps: u64,
    /// By the reason's place among all.
    refused: [u64; Refusal::REASONS.len()],
    /// Links, by the reason's place among all.
    given_up: [u64; GivenUp::REASONS.len()],
    /// What was refused last, and when.
    last_refused: Option<(Duration, Refusal)>,
    /// When each trouble was logged last.
    logged: BTreeMap<&'static str, Duration>,
}

impl Cluster {
    /// Joins the others, within the present runtime. Without any of them, and without NATS, it tries
    /// on and on.
    pub(crate) fn join(
        Join { config, secret, capacity, nonce, clock }: Join<'_>,
        (lines, from_workers): (Lines, mpsc::Receiver<Vec<ToNode>>),
    ) -> Self {
        let key = ClusterKey::new(&secret.cluster_key(), &config.name);
        let (node, run) = (config.node, Run { started_us: clock.now().0, nonce });
        let key_id = key.id();
        let shards = lines.len() as u16;
        let load = Load { capacity, shards, people: 0 };
        let placement = Placement::single_node(secret.placement_key(), node, shards);
        let state = State {
            links: Links::new(key.clone(), Process { node, run }),
            membership: Membership::new(key, node, run, load),
            nats_up: false,
            nats_losses: 0,
            beats_sent: 0,
            beats_heard: 0,
            maps: 1,
            refused: Default::default(),
            given_up: Default::default(),
            last_refused: None,
            logged: BTreeMap::new(),
        };
        let (farewell, leaving) = mpsc::channel(1);
        let shared = Arc::new(Shared {
            name: config.name.clone(),
            node,
            key_id,
            load,
            clock,
            state: Mutex::new(state),
            farewell,
        });
        let workers = (Handing::new(lines, placement), from_workers);
        tokio::spawn(Wire::new(Arc::clone(&shared), config.nats.clone(), workers, leaving).run());
        Self(Some(shared))
    }

    /// What this node does. One that drains is to own nothing.
    pub(super) fn tell(&self, people: u64, draining: bool) {
        let Some(shared) = &self.0 else { return };
        let capacity = if draining { 0 } else { shared.load.capacity };
        let people = u32::try_from(people).unwrap_or(u32::MAX);
        let load = Load { capacity, people, ..shared.load };
        let now = shared.now();
        shared.change(|state| state.membership.set_load(now, load));
    }

    /// This node ends: the others are told, so that they needn't wait for its silence.
    pub(super) async fn leave(&self) {
        let Some(shared) = &self.0 else { return };
        let (done, told) = oneshot::channel();
        if shared.farewell.try_send(done).is_ok() {
            // Who isn't told will notice.
            let _ = timeout(FAREWELL, told).await;
        }
    }

    /// All there is to know, for operators.
    pub(super) fn status(&self) -> Value {
        let Some(shared) = &self.0 else { return json!({ "configured": false }) };
        let now = shared.now();
        // Who has just gone silent is on no list, and on no map.
        shared.change(|state| state.membership.look(now));
        let state = shared.state();
        let State { membership, nats_up, refused, last_refused, .. } = &*state;
        let view = membership.view();
        let load = membership.load();
        let me = (Standing::Member, view.epoch(), load, None);
        let mut nodes = vec![(shared.node, me)];
        nodes.extend(membership.others(now).map(|(beat, heard)| {
            let Beat { node, standing, epoch, load, .. } = *beat;
            (node, (standing, epoch, load, Some(ms(now.saturating_sub(heard)))))
        }));
        nodes.sort_unstable_by_key(|(node, _)| *node);
        let is_in = |node: u16| view.members().iter().any(|it| it.node == node);
        let links: BTreeMap<u16, LinkStatus> = state.links.status().collect();
        let nodes = nodes.into_iter().map(|(node, (standing, epoch, load, heard_ms_ago))| {
            json!({
                "node": node,
                "me": node == shared.node,
                "state": if is_in(node) { "member" } else { standing_name(standing) },
                "epoch": epoch.to_string(),
                "buckets": view.buckets_of(node),
                "capacity": load.capacity,
                "people": load.people,
                "heardMsAgo": heard_ms_ago,
                "link": links.get(&node).map(link_of),
            })
        });
        let refused: serde_json::Map<_, _> = Refusal::REASONS
            .iter()
            .zip(refused)
            .filter(|(_, count)| **count > 0)
            .map(|(reason, count)| ((*reason).to_owned(), json!(count)))
            .collect();
        json!({
            "configured": true,
            "cluster": shared.name,
            "node": shared.node,
            "secretId": shared.key_id.to_string(),
            "natsUp": nats_up,
            "state": place_name(membership.place()),
            "joined": state.is_joined(),
            "epoch": view.epoch().to_string(),
            "nodes": nodes.collect::<Vec<_>>(),
            "refused": refused,
            "lastRefused": last_refused.map(|(at, refusal)| json!({
                "why": refusal.to_string(),
                "msAgo": ms(now.saturating_sub(at)),
            })),
        })
    }
}

impl Shared {
    fn now(&self) -> Duration {
        Duration::from_micros(self.clock.now().0)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what is known, and tells if that is another map.
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state();
        let before = state.membership.view().clone();
        let done = change(&mut state);
        let state = &mut *state;
        let view = state.membership.view();
        if view.members() != before.members() {
            let nodes: Vec<_> = view.members().iter().map(|it| it.node).collect();
            let (epoch, mine) = (view.epoch(), view.buckets_of(self.node));
            tracing::info!(%epoch, ?nodes, buckets = mine, "the cluster has another map");
            state.maps += 1;
            let now = self.now();
            state.links.look(now, view);
        }
        done
    }

    /// Hears what came.
    fn hear(&self, bytes: &[u8]) {
        let now = self.now();
        self.change(|state| match state.membership.hear(now, bytes) {
            Ok(()) => state.beats_heard += 1,
            Err(refusal) => state.refuse(now, refusal),
        });
    }

    /// Hears what came for this node alone.
    fn hear_packet(&self, packet: &[u8]) {
        let now = self.now();
        let state = &mut *self.state();
        if let Err(error) = state.links.hear(now, packet)
            // Those of who comes and goes are under way; beats tell of another release.
            && !matches!(error, PacketError::Stranger { .. } | PacketError::Foreign)
            && state.is_time_to_log(PacketError::REASONS[error.place()], now)
        {
            tracing::error!("a packet is refused: {error}");
        }
    }

    /// Where beats are said and heard.
    fn beats(&self) -> Subject {
        format!("whisper.{}.beat", self.name).into()
    }

    /// Where a node hears packets: one subject a node and not one a shard, since order, and what is
    /// acknowledged, are of the link between two nodes.
    fn packets_to(&self, node: u16) -> Subject {
        format!("whisper.{}.node.{node}", self.name).into()
    }

    fn epoch(&self) -> Epoch {
        self.state().membership.view().epoch()
    }
}

impl State {
    fn is_joined(&self) -> bool {
        self.nats_up && self.membership.place() == Place::Member
    }

    fn refuse(&mut self, now: Duration, refusal: Refusal) {
        let place = Refusal::REASONS.iter().position(|it| *it == refusal.reason());
        place.into_iter().for_each(|place| self.refused[place] += 1);
        self.last_refused = Some((now, refusal));
        if self.is_time_to_log(refusal.reason(), now) {
            tracing::error!(reason = refusal.reason(), "refused: {refusal}");
        }
    }

    /// Gives up a link, unless it is over already.
    fn give_up(&mut self, now: Duration, link: (u16, u64), why: GivenUp) {
        if self.links.reset(now, link) {
            self.given_up[why.place()] += 1;
            if self.is_time_to_log(GivenUp::REASONS[why.place()], now) {
                tracing::error!(node = link.0, "a link is given up: {why}");
            }
        }
    }

    /// Whether a trouble is to be logged, which comes again and again.
    fn is_time_to_log(&mut self, trouble: &'static str, now: Duration) -> bool {
        let is_due = self.logged.get(trouble).is_none_or(|at| now.saturating_sub(*at) >= LOG_EVERY);
        if is_due {
            self.logged.insert(trouble, now);
        }
        is_due
    }
}

fn standing_name(standing: Standing) -> &'static str {
    match standing {
        Standing::Joining => "joining",
        Standing::Member => "member",
        Standing::Leaving => "leaving",
    }
}

fn place_name(place: Place) -> &'static str {
    match place {
        Place::Alone => "alone",
        Place::Joining { .. } => "joining",
        Place::Member => "member",
        Place::Taken { .. } => "taken",
        Place::Leaving => "leaving",
    }
}

fn link_of(status: &LinkStatus) -> Value {
    let LinkStatus { is_up, unacked, unacked_bytes, round_trip, counters } = *status;
    json!({
        "up": is_up,
        "roundTripUs": round_trip.map(|it| it.as_micros() as u64),
        "unacked": unacked,
        "unackedBytes": unacked_bytes,
        "sentBatches": counters.batches_sent,
        "sentBytes": counters.bytes_sent,
        "heardBatches": counters.batches_heard,
        "heardBytes": counters.bytes_heard,
        "resends": counters.resends,
        "resets": counters.resets,
    })
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cluster")
    }
}
