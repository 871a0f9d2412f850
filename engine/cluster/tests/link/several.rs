//! The links of a node, as members come and go.

use std::collections::BTreeMap;
use std::time::Duration;

use whisper_cluster::{
    LISTEN, Links, Load, Membership, NodeNews, PacketError, Process, Run, SILENCE, View,
};

use crate::pair::{START, key};

/// Nodes that hear each other's beats, and each other's packets.
struct Town {
    now: Duration,
    nodes: BTreeMap<u16, (Membership, Links)>,
}

impl Town {
    fn of(nodes: &[u16]) -> Self {
        let mut town = Self { now: START, nodes: BTreeMap::new() };
        nodes.iter().for_each(|node| town.start(*node));
        town.pass(LISTEN + Duration::from_secs(2));
        town
    }

    fn start(&mut self, node: u16) {
        let started_us = self.now.as_micros() as u64;
        let run = Run { started_us, nonce: started_us ^ u64::from(node) };
        let load = Load { capacity: 1, shards: shards_of(node), people: 0 };
        let mut membership = Membership::new(key(), node, run, load);
        membership.connected(self.now);
        self.nodes.insert(node, (membership, Links::new(key(), Process { node, run })));
    }

    fn pass(&mut self, span: Duration) {
        let end = self.now + span;
        while self.now < end {
            self.now += Duration::from_millis(250);
            let now = self.now;
            let beats: Vec<_> = self.nodes.values_mut().map(|(it, _)| it.beat(now)).collect();
            for (membership, links) in self.nodes.values_mut() {
                for beat in &beats {
                    membership.hear(now, beat).expect("it is good");
                }
                membership.look(now);
                links.look(now, membership.view());
            }
            self.settle();
        }
    }

    fn settle(&mut self) {
        loop {
            let now = self.now;
            let mut wire = Vec::new();
            for (_, links) in self.nodes.values_mut() {
                wire.extend(std::iter::from_fn(|| links.poll(now)));
            }
            if wire.is_empty() {
                return;
            }
            for (to, packet) in wire {
                // Who doesn't know the sender yet will hear of it again.
                let Some((_, links)) = self.nodes.get_mut(&to) else { continue };
                let heard = links.hear(now, &packet);
                assert!(matches!(heard, Ok(()) | Err(PacketError::Stranger { .. })), "{heard:?}");
            }
        }
    }

    fn links(&mut self, node: u16) -> &mut Links {
        &mut self.nodes.get_mut(&node).expect("it runs").1
    }

    fn news(&mut self, node: u16) -> Vec<NodeNews> {
        let links = self.links(node);
        std::iter::from_fn(|| links.news()).collect()
    }
}

fn shards_of(node: u16) -> u16 {
    10 + node
}

/// The names of the links that came up, by node.
fn linked(news: &[NodeNews]) -> BTreeMap<u16, u64> {
    let linked = news.iter().filter_map(|news| match news {
        NodeNews::Linked { node, generation, shards } => {
            assert_eq!(*shards, shards_of(*node));
            Some((*node, *generation))
        }
        NodeNews::Heard { .. } | NodeNews::Lost { .. } => None,
    });
    linked.collect()
}

#[test]
fn every_member_is_linked_and_lost_with_its_process() {
    let mut town = Town::of(&[1, 2, 3]);
    let one = linked(&town.news(1));
    assert!(one.keys().eq(&[2, 3]));
    assert!(linked(&town.news(2)).keys().eq(&[1, 3]));
    let now = town.now;
    town.links(1).send(now, (2, one[&2]), b"for two");
    town.links(1).send(now, (2, one[&2] + 9), b"by another link");
    town.links(1).send(now, (9, 1), b"for nobody");
    town.settle();
    let heard = town.news(2);
    let [NodeNews::Heard { node: 1, batch }] = &heard[..] else { panic!("{heard:?}") };
    assert!(batch.items().eq([b"for two"]));

    // A process ends, and another of its number begins: the link is another.
    town.start(2);
    town.pass(SILENCE + LISTEN);
    let news = town.news(1);
    assert_eq!(news[0], NodeNews::Lost { node: 2 });
    assert!(linked(&news)[&2] > one[&3]);
    let (_, status) = town.links(1).status().find(|(node, _)| *node == 2).expect("known");
    assert!(status.is_up && status.counters.resets == 1);

    // And one that is gone is lost, and remembered.
    town.nodes.remove(&3);
    town.pass(SILENCE + Duration::from_secs(1));
    assert!(town.news(1).contains(&NodeNews::Lost { node: 3 }));
    let (_, status) = town.links(1).status().find(|(node, _)| *node == 3).expect("known");
    assert!(!status.is_up && status.counters.resets == 1);
    let alone: View =
        Membership::new(key(), 1, Run { started_us: 1, nonce: 1 }, Load::default()).view().clone();
    town.links(1).look(now, &alone);
    assert_eq!(town.news(1), [NodeNews::Lost { node: 2 }]);
    assert_eq!(town.links(1).due(), None);

    // Who had lost sight of it for a moment begins anew, and it learns that.
    town.news(2);
    town.pass(Duration::from_secs(2));
    assert!(linked(&town.news(1)).keys().eq(&[2]));
    let news = town.news(2);
    assert!(matches!(news[..], [NodeNews::Lost { node: 1 }, NodeNews::Linked { node: 1, .. }]));
}

/// As where a cut goes one way: one hears nothing of the other any more, and can still be heard.
#[test]
fn who_drops_a_node_tells_it() {
    let mut town = Town::of(&[1, 2]);
    town.news(2);
    let me = Run { started_us: 1, nonce: 1 };
    let alone = Membership::new(key(), 1, me, Load::default()).view().clone();
    let now = town.now;
    town.links(1).look(now, &alone);
    town.settle();
    assert_eq!(town.news(2), [NodeNews::Lost { node: 1 }]);
}

#[test]
fn what_makes_no_sense_above_resets_the_link_of_that_name_alone() {
    let mut town = Town::of(&[1, 2]);
    let first = linked(&town.news(1))[&2];
    town.news(2);
    let now = town.now;
    town.links(1).reset(now, (2, first));
    town.settle();
    let news = town.news(1);
    assert_eq!(news[0], NodeNews::Lost { node: 2 });
    assert_eq!(linked(&news)[&2], first + 1);
    assert_eq!(town.news(2)[0], NodeNews::Lost { node: 1 });
    town.links(1).reset(now, (2, first));
    assert!(town.news(1).is_empty(), "that one is over");
}

#[test]
fn strangers_are_counted() {
    let mut town = Town::of(&[1, 2]);
    let now = town.now;
    for (packet, reason) in [(&b"PING"[..], "garbled"), (b"WL\x00\x09\x00\x00\x00\x00", "foreign")]
    {
        assert!(town.links(1).hear(now, packet).is_err());
        let place = PacketError::REASONS.iter().position(|it| *it == reason).expect("known");
        assert_eq!(town.links(1).refused()[place], 1);
    }
}
