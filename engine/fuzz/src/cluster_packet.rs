//! What comes from NATS, which may be in anybody's hands: beats and packets of two nodes, lost,
//! doubled, out of order, bent and made up.

use std::time::Duration;

use whisper_cluster::{BEAT_EVERY, ClusterKey, Links, Load, Membership, NodeNews, Process, Run};

use crate::Target;
use crate::choices::Choices;
use crate::seeds;

pub(crate) const TARGET: Target =
    Target { name: "cluster_packet", run, seeds: seeds::cluster_packet, bytes_max: 2_048 };

const ACTS_MAX: usize = 100;
/// What is under way; what comes beyond is lost.
const WIRE_MAX: usize = 64;
/// Bytes of an item that say by which link it went, and as the how-manieth.
const NUMBERS: usize = 16;

fn run(input: &[u8]) {
    live(input);
}

fn live(input: &[u8]) -> [Node; 2] {
    let mut choices = Choices::new(input);
    let mut scene = Scene::new();
    for _ in 0..ACTS_MAX {
        if choices.is_empty() {
            break;
        }
        scene.act(&mut choices);
        scene.nodes.iter_mut().for_each(Node::look);
    }
    scene.nodes
}

/// Something under way.
#[derive(Clone)]
struct Sent {
    /// The place of the node that it is for.
    to: usize,
    is_beat: bool,
    bytes: Vec<u8>,
}

struct Scene {
    now: Duration,
    nodes: [Node; 2],
    wire: Vec<Sent>,
}

/// One node, what it sent by its link and what it heard.
struct Node {
    number: u16,
    membership: Membership,
    links: Links,
    beat_at: Duration,
    /// The link that is up, and the items sent by it.
    link: Option<(u64, u64)>,
    /// The other side's link that is heard, and the items heard by it.
    heard: Option<(u64, u64)>,
    /// The last that was heard before.
    heard_last: u64,
    items: usize,
}

impl Scene {
    fn new() -> Self {
        let now = Duration::from_secs(1_790_000_000);
        let key = ClusterKey::new(&[7; 32], "main");
        let node = |number: u16| {
            let run = Run { started_us: now.as_micros() as u64, nonce: number.into() };
            let load = Load { capacity: 1, shards: 1, people: 0 };
            let mut membership = Membership::new(key.clone(), number, run, load);
            membership.connected(now);
            Node {
                number,
                membership,
                links: Links::new(key.clone(), Process { node: number, run }),
                beat_at: now,
                link: None,
                heard: None,
                heard_last: 0,
                items: 0,
            }
        };
        Self { now, nodes: [node(1), node(2)], wire: Vec::new() }
    }

    fn act(&mut self, choices: &mut Choices<'_>) {
        let count = self.wire.len();
        match choices.below(12) {
            0 => self.pass(choices.pick(&[5, 25, 100, 500, 1_000, 5_000])),
            1 => {
                for _ in 0..10 {
                    self.pass(250);
                    self.deliver_all();
                }
            }
            2..4 => {
                let (side, size) = (choices.below(2), choices.pick(&[0, 20, 3_000, 20_000]));
                self.nodes[side].send(self.now, size.max(NUMBERS));
                self.poll();
            }
            4 | 5 => self.deliver_all(),
            6 if count > 0 => {
                let sent = self.wire.remove(choices.below(count));
                self.deliver(&sent);
            }
            7 if count > 0 => drop(self.wire.remove(choices.below(count))),
            8 if count > 0 => {
                let sent = self.wire[choices.below(count)].clone();
                self.deliver(&sent);
            }
            9 if count > 0 => self.bend(choices),
            10 => {
                let side = choices.below(2);
                if let Some((generation, _)) = self.nodes[side].link {
                    let peer = self.nodes[1 - side].number;
                    self.nodes[side].links.reset(self.now, (peer, generation));
                    self.poll();
                }
            }
            _ => {
                let length = choices.byte().into();
                let bytes = choices.bytes(length);
                for node in &mut self.nodes {
                    assert!(node.links.hear(self.now, bytes).is_err(), "nobody sealed that");
                    assert!(node.membership.hear(self.now, bytes).is_err(), "nobody proved that");
                }
            }
        }
    }

    /// Something under way is changed, and comes.
    fn bend(&mut self, choices: &mut Choices<'_>) {
        let sent = &self.wire[choices.below(self.wire.len())];
        let mut bent = sent.clone();
        let at = (choices.below(256) << 8 | choices.below(256)) % sent.bytes.len();
        match choices.below(4) {
            0 => bent.bytes.truncate(at),
            1 => bent.bytes.push(choices.byte()),
            2 => bent.bytes[at..].fill(choices.byte()),
            _ => bent.bytes[at] ^= 1 << choices.below(8),
        }
        if bent.bytes == sent.bytes {
            return;
        }
        let node = &mut self.nodes[bent.to];
        let is_refused = match bent.is_beat {
            true => node.membership.hear(self.now, &bent.bytes).is_err(),
            false => node.links.hear(self.now, &bent.bytes).is_err(),
        };
        assert!(is_refused, "it was bent");
    }

    fn pass(&mut self, millis: u64) {
        self.now += Duration::from_millis(millis);
        for node in &mut self.nodes {
            node.membership.look(self.now);
            node.links.look(self.now, node.membership.view());
        }
        self.poll();
    }

    /// Everybody says what they have to say now.
    fn poll(&mut self) {
        for (place, node) in self.nodes.iter_mut().enumerate() {
            let to = 1 - place;
            if self.now >= node.beat_at {
                node.beat_at = self.now + BEAT_EVERY;
                let bytes = node.membership.beat(self.now).to_vec();
                self.wire.push(Sent { to, is_beat: true, bytes });
            }
            while let Some((_, bytes)) = node.links.poll(self.now) {
                self.wire.push(Sent { to, is_beat: false, bytes });
            }
        }
        self.wire.truncate(WIRE_MAX);
    }

    fn deliver(&mut self, sent: &Sent) {
        let node = &mut self.nodes[sent.to];
        // It may come again, or of a link that is over.
        match sent.is_beat {
            true => drop(node.membership.hear(self.now, &sent.bytes)),
            false => drop(node.links.hear(self.now, &sent.bytes)),
        }
        node.links.look(self.now, node.membership.view());
        node.look();
    }

    fn deliver_all(&mut self) {
        for sent in std::mem::take(&mut self.wire) {
            self.deliver(&sent);
        }
        self.poll();
    }
}

impl Node {
    fn send(&mut self, now: Duration, size: usize) {
        let Some((generation, count)) = &mut self.link else { return };
        let mut item = vec![0; size];
        item[..8].copy_from_slice(&generation.to_be_bytes());
        item[8..NUMBERS].copy_from_slice(&count.to_be_bytes());
        *count += 1;
        let link = (3 - self.number, *generation);
        self.links.send(now, link, &item);
    }

    /// What became of the link, and came by it: in order, whole and once.
    fn look(&mut self) {
        while let Some(news) = self.links.news() {
            match news {
                NodeNews::Linked { generation, .. } => {
                    assert_eq!(self.link.replace((generation, 0)), None, "it has one");
                }
                NodeNews::Lost { .. } => {
                    assert!(self.link.take().is_some(), "it has none");
                    self.heard = None;
                }
                NodeNews::Heard { batch, .. } => {
                    assert!(self.link.is_some(), "it has none");
                    for item in batch.items() {
                        self.items += 1;
                        let number =
                            |at| u64::from_be_bytes(item[at..at + 8].try_into().expect("eight"));
                        let (link, count) = (number(0), number(8));
                        let expected = self.heard.unwrap_or_else(|| {
                            assert!(link > self.heard_last, "a link is heard again");
                            (link, 0)
                        });
                        assert_eq!((link, count), expected, "in order, and once");
                        (self.heard, self.heard_last) = (Some((link, count + 1)), link);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_have_nodes_hear_each_other() {
        let hear = |seed: &Vec<u8>| live(seed).iter().map(|node| node.items).sum::<usize>() > 2;
        assert!(seeds::cluster_packet().iter().filter(|seed| hear(seed)).count() >= 3);
    }
}
