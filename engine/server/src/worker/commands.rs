//! What the control thread asks of a worker.

use std::sync::Arc;

use tokio::sync::mpsc;
use whisper_cluster::NodeNews;
use whisper_core::ids::SessionId;
use whisper_core::limits::AdmissionRates;
use whisper_core::moderation::Rules;
use whisper_core::settings::{Drain, OpenLanes};
use whisper_core::shard::{Elsewhere, Event, Order};
use whisper_shard_router::Placement;
use whisper_store::bans::{BanSet, Identity};
use whisper_store::stats::Others;
use whisper_tls::Identities;

use super::popularity::{Liked, Popularity};
use super::{Door, Worker};

/// Commands that a frozen worker takes from its mailbox, to obey them once it has thawed.
const DEFERRED_MAX: usize = 16;

/// Commands that are obeyed in one turn: what other nodes send is among them.
const COMMANDS_PER_TURN: usize = 16;

/// What the control thread asks of a worker.
#[derive(Clone, Debug)]
pub(crate) enum Command {
    /// Accept nobody, and send everybody elsewhere, each at their moment.
    Drain(Drain),
    /// The same; then close what is still open, and end.
    End(Drain),
    /// Show these to newcomers.
    Renew(Arc<Identities>),
    /// Let people in by this from here on.
    Door(Arc<Door>),
    /// Let one address hold so much, and come so often.
    Admission(AdmissionRates),
    /// Pair people in these lanes and in no others.
    Lanes(OpenLanes),
    /// Hold what is said to these.
    Rules(Arc<Rules>),
    /// People are shown these numbers too.
    Others {
        /// What other nodes do.
        others: Others,
        /// What they do can't be known at present.
        stale: bool,
    },
    /// Let nobody stay whom these bans are on.
    Bans {
        /// All of them.
        set: Arc<BanSet>,
        /// Some that are new are on people's names.
        users: bool,
    },
    /// Count what people like. Without an answer the way back is dropped.
    Popularity {
        /// So many here must like something for its name to be told.
        named_from: u32,
        /// Where to tell it.
        answer: mpsc::Sender<Vec<Liked>>,
    },
    /// Look for people by this map of the whole cluster.
    Map(Placement),
    /// Take what became of the link to another node, or came by it.
    Nodes(NodeNews),
    /// Say who somebody is, or was who left lately. Without an answer the way back is dropped.
    Identify {
        /// Somebody at home here, or at another node.
        session: SessionId,
        /// Where to say it.
        answer: mpsc::Sender<Identity>,
    },
}

impl Worker {
    /// Obeys what has come. While [frozen](super::freezing), only questions are answered.
    pub(super) fn hear_commands(&mut self) {
        if !self.desk.frozen {
            while let Some(command) = self.deferred.pop_front() {
                self.obey(command);
            }
        }
        for _ in 0..COMMANDS_PER_TURN {
            if self.deferred.len() >= DEFERRED_MAX {
                return;
            }
            let Ok(command) = self.commands.try_recv() else { return };
            match command {
                Command::Identify { .. } => self.obey(command),
                _ if self.desk.frozen => self.deferred.push_back(command),
                _ => self.obey(command),
            }
        }
    }

    fn obey(&mut self, command: Command) {
        let order = match command {
            Command::Drain(drain) => return self.drain(drain),
            Command::End(drain) => return self.end(drain),
            Command::Renew(identities) => return self.streams.renew(identities),
            Command::Door(door) => {
                self.desk.door = door;
                return;
            }
            Command::Bans { set, users } => return self.desk.take_bans(set, users),
            Command::Popularity { named_from, answer } => {
                self.popularity = Some(Popularity::begin(named_from, answer));
                return;
            }
            Command::Identify { session, answer } => {
                return self.desk.answer_who(session, answer);
            }
            Command::Nodes(news) => return self.hear_node(news),
            Command::Map(map) => {
                let order = Event::Order(Order::Map(&map));
                return self.desk.handle(self.reactor.io(), order);
            }
            Command::Rules(rules) => {
                let order = Event::Order(Order::Rules(&rules));
                return self.desk.handle(self.reactor.io(), order);
            }
            Command::Admission(rates) => Order::Admission(rates),
            Command::Others { others, stale } => Order::Elsewhere(elsewhere(&others, stale)),
            Command::Lanes(lanes) => Order::Lanes(lanes),
        };
        self.desk.handle(self.reactor.io(), Event::Order(order));
    }
}

/// What a shard is told of other nodes.
fn elsewhere(others: &Others, stale: bool) -> Elsewhere {
    let Others { sum, nodes } = others;
    Elsewhere {
        online: sum.online,
        queued: sum.in_queue,
        chats: sum.active_chats,
        matched: sum.matched,
        waited_ms: sum.waited_ms,
        nodes: *nodes,
        stale,
    }
}
