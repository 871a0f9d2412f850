//! The way to NATS: beats and packets out, beats and packets in, and back again by itself when it
//! was away.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_nats::connection::State as Connection;
use async_nats::{Client, Event, Subscriber};
use futures_util::{FutureExt as _, StreamExt as _};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use whisper_cluster::{BATCH_BYTES, BEAT_EVERY, NodeNews, PACKET_OVERHEAD};

use super::Shared;
use super::handing::Handing;
use super::servers::NatsServers;
use crate::worker::{Command, ToNode};

/// How often it is looked who has gone silent.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// How soon after a new map the others hear of it.
const TELL_AFTER: Duration = Duration::from_millis(100);

/// How long to wait before NATS is tried again; it doubles up to the second.
const RETRY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// How long a connection may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long a message may take to be handed over. What isn't taken is lost, as it may be on its way:
/// there is another beat in a second, and a packet is sent again.
const SEND_PATIENCE: Duration = Duration::from_millis(50);

/// Packets, or turns of workers, that are heard before anything is said.
const HEARD_AT_ONCE: usize = 64;

/// How soon it is tried again to hand something to a worker whose mailbox was full.
const RETRY_HANDING: Duration = Duration::from_millis(1);

/// Most bytes of what nodes send.
const PACKET_MAX: usize = PACKET_OVERHEAD + BATCH_BYTES;

/// Messages that may wait to be sent.
const SENDS_MAX: usize = 256;

/// Messages that may wait to be heard; what comes beyond is lost.
const HEARS_MAX: usize = 1_024;

/// The task that has the connection.
pub(super) struct Wire {
    shared: Arc<Shared>,
    servers: NatsServers,
    from_workers: mpsc::Receiver<Vec<ToNode>>,
    handing: Handing,
    leaving: mpsc::Receiver<oneshot::Sender<()>>,
    /// What the client complained of last.
    complaint: Arc<Mutex<Option<String>>>,
    /// When the next beat is due.
    due: Duration,
}

impl Wire {
    pub(super) fn new(
        shared: Arc<Shared>,
        servers: NatsServers,
        (handing, from_workers): (Handing, mpsc::Receiver<Vec<ToNode>>),
        leaving: mpsc::Receiver<oneshot::Sender<()>>,
    ) -> Self {
        let (complaint, due) = (Arc::default(), Duration::ZERO);
        Self { shared, servers, from_workers, handing, leaving, complaint, due }
    }

    /// Beats, listens and carries until this node ends.
    pub(super) async fn run(mut self) {
        let (client, mut beats, mut packets) = match self.connect().await {
            Ok(all) => all,
            Err(error) => return tracing::error!(%error, "this node stays by itself"),
        };
        let mut look = interval(LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let before = self.shared.epoch();
            let pause = self.pause();
            tokio::select! {
                Some(message) = beats.next() => self.shared.hear(&message.payload),
                Some(message) = packets.next() => {
                    self.hear(&message.payload);
                    for _ in 1..HEARD_AT_ONCE {
                        let Some(Some(message)) = packets.next().now_or_never() else { break };
                        self.hear(&message.payload);
                    }
                }
                Some(turn) = self.from_workers.recv() => {
                    self.take(turn);
                    for _ in 1..HEARD_AT_ONCE {
                        let Ok(turn) = self.from_workers.try_recv() else { break };
                        self.take(turn);
                    }
                }
                _ = look.tick() => self.look(&client),
                () = sleep(pause) => {}
                Some(told) = self.leaving.recv() => {
                    let now = self.shared.now();
                    self.shared.change(|state| state.membership.leave(now));
                    self.beat(&client).await;
                    let _ = client.flush().await;
                    let _ = told.send(());
                    return;
                }
            }
            self.hand_on();
            self.send(&client).await;
            let now = self.shared.now();
            if self.shared.epoch() != before {
                self.due = self.due.min(now + TELL_AFTER);
            }
            if now >= self.due {
                self.due = now + BEAT_EVERY;
                self.beat(&client).await;
            }
        }
    }

    /// How long nothing happens by itself.
    fn pause(&self) -> Duration {
        let due = self.shared.state().links.due();
        let pause = due.map_or(LOOK_EVERY, |due| due.saturating_sub(self.shared.now()));
        if self.handing.is_behind() { pause.min(RETRY_HANDING) } else { pause }
    }

    fn hear(&mut self, packet: &[u8]) {
        self.shared.hear_packet(packet);
        // At once, so that no more waits than the links let through.
        self.hand_on();
    }

    /// What workers have for other nodes.
    fn take(&mut self, turn: Vec<ToNode>) {
        let now = self.shared.now();
        let state = &mut *self.shared.state();
        for it in turn {
            match it {
                ToNode::Items { link, items } => {
                    items.items().for_each(|item| state.links.send(now, link, item));
                }
                ToNode::GiveUp { link, why } => state.give_up(now, link, why),
            }
        }
    }

    /// Tells the workers what became of the links, and what came by them.
    fn hand_on(&mut self) {
        self.handing.retry();
        let view = self.shared.state().membership.view().clone();
        self.handing.map(&view);
        // What else came by a link that is given up isn't heard: it would be after a gap.
        let mut given_up = BTreeSet::new();
        while let Some(news) = { self.shared.state().links.news() } {
            let (node, batch) = match news {
                NodeNews::Heard { node, .. } if given_up.contains(&node) => continue,
                NodeNews::Heard { node, batch } => (node, batch),
                NodeNews::Linked { node, generation, .. } => {
                    tracing::info!(node, generation, "linked to a node");
                    self.handing.tell(&Command::Nodes(news));
                    continue;
                }
                NodeNews::Lost { node } => {
                    tracing::warn!(node, "the link to a node is over");
                    given_up.remove(&node);
                    self.handing.tell(&Command::Nodes(news));
                    continue;
                }
            };
            if let Err(why) = self.handing.give(node, batch) {
                given_up.insert(node);
                let now = self.shared.now();
                let state = &mut *self.shared.state();
                if let Some(generation) = state.links.generation(node) {
                    state.give_up(now, (node, generation), why);
                }
            }
        }
    }

    /// Sends all that the links have to say. While NATS is away that is lost, and said again.
    async fn send(&mut self, client: &Client) {
        loop {
            let now = self.shared.now();
            let Some((node, packet)) = self.shared.state().links.poll(now) else { break };
            if client.connection_state() != Connection::Connected {
                continue;
            }
            let sent = client.publish(self.shared.packets_to(node), packet.into());
            if timeout(SEND_PATIENCE, sent).await.is_err() {
                break;
            }
        }
        self.hand_on();
    }

    /// A client that connects, now and whenever it must, and what it hears: beats, and packets.
    async fn connect(&self) -> Result<(Client, Subscriber, Subscriber), async_nats::Error> {
        let complaint = Arc::clone(&self.complaint);
        let options = self
            .servers
            .options()
            .name(format!("whisper node {}", self.shared.node))
            .no_echo()
            .retry_on_initial_connect()
            .connection_timeout(PATIENCE)
            .ping_interval(PATIENCE)
            .client_capacity(SENDS_MAX)
            .subscription_capacity(HEARS_MAX)
            .reconnect_delay_callback(delay)
            .event_callback(move |event| {
                if let Some(why) = complaint_of(&event) {
                    *complaint.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
                }
                std::future::ready(())
            });
        let client = options.connect(&self.servers.addresses[..]).await?;
        let beats = client.subscribe(self.shared.beats()).await?;
        let packets = client.subscribe(self.shared.packets_to(self.shared.node)).await?;
        Ok((client, beats, packets))
    }

    /// Sees whether NATS is there, and who else.
    fn look(&mut self, client: &Client) {
        let is_up = client.connection_state() == Connection::Connected;
        let now = self.shared.now();
        let mut complaint = self.complaint.lock().unwrap_or_else(PoisonError::into_inner);
        let (came, went, complains) = self.shared.change(|state| {
            let was_up = std::mem::replace(&mut state.nats_up, is_up);
            state.membership.look(now);
            if is_up && !was_up {
                state.membership.connected(now);
            }
            state.nats_losses += u64::from(was_up && !is_up);
            // Not before it is known why.
            let complains = !is_up && complaint.is_some() && state.is_time_to_log("nats", now);
            (is_up && !was_up, was_up && !is_up, complains)
        });
        if came {
            tracing::info!("NATS is there");
            self.due = now;
            let max_payload = client.server_info().max_payload;
            if max_payload < PACKET_MAX {
                tracing::error!(
                    max_payload,
                    "NATS takes no message as large as nodes send, and links break by it: its \
                     max_payload is to be 128 KiB at least"
                );
            }
        }
        if went || complains {
            let why = complaint.take().unwrap_or_default();
            tracing::warn!(why, "NATS is away: this node goes on by itself, and tries again");
        }
    }

    /// Tells the others that this node is there, if they can hear it.
    async fn beat(&self, client: &Client) {
        if client.connection_state() != Connection::Connected {
            return;
        }
        let now = self.shared.now();
        let bytes = self.shared.change(|state| {
            state.beats_sent += 1;
            state.membership.beat(now)
        });
        let sent = client.publish(self.shared.beats(), bytes.to_vec().into());
        let _ = timeout(SEND_PATIENCE, sent).await;
    }
}

/// What the client may say, which tells little, and what it means.
const MEANINGS: [(&str, &str); 3] = [
    (
        "authorization violation",
        "it refuses the login, which stands in nats, as in nats://USER:PASSWORD@HOST",
    ),
    (
        "TLS error",
        "the system's certificates can't be read, or the host in nats is no name for one",
    ),
    ("IO error", "nothing answers there, or with a certificate that the system doesn't trust"),
];

/// What the client complains of, if it does.
fn complaint_of(event: &Event) -> Option<String> {
    let (Event::ClientError(_) | Event::ServerError(_) | Event::SlowConsumer(_)) = event else {
        return None;
    };
    let said = event.to_string();
    let meaning = MEANINGS.iter().find(|(words, _)| said.contains(words));
    Some(meaning.map_or(said.clone(), |(_, meaning)| format!("{said}: {meaning}")))
}

/// How long to wait before NATS is tried for the how-manieth time.
fn delay(attempts: usize) -> Duration {
    let doublings = u32::try_from(attempts.saturating_sub(1)).unwrap_or(u32::MAX).min(16);
    if attempts == 0 { Duration::ZERO } else { RETRY.1.min(RETRY.0 * 2_u32.pow(doublings)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nats_is_tried_again_at_most_a_second_apart() {
        let delays = [0, 1, 2, 3, 6, usize::MAX].map(|attempts| delay(attempts).as_millis());
        assert_eq!(delays, [0, 50, 100, 200, 1_000, 1_000]);
    }
}
