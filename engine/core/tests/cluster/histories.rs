//! Random histories of everything at once: people, lost links, nodes that stand still, maps that
//! differ.

use proptest::prelude::*;
use whisper_core::time::Span;
use whisper_proto::Relax;

use super::net::Cluster;

/// Steps of a history, in which a few dozen people come and go.
const STEPS: usize = 400;

/// More interests would bring nobody together.
const INTERESTS: [&str; 3] = ["tea", "jazz", "chess"];

/// A source of choices (xorshift64*).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % bound
    }

    fn pick<T: Copy>(&mut self, options: &[T]) -> T {
        options[self.below(options.len())]
    }
}

/// One thing happens. Within, every client sees to it that it is in one room at most.
fn step(cluster: &mut Cluster, dice: &mut Dice, epoch: &mut u64) {
    let nodes = cluster.all_nodes();
    match dice.below(100) {
        0..60 => {
            let waiting = cluster.waiting();
            if !waiting.is_empty() {
                cluster.deliver(dice.pick(&waiting));
            }
        }
        60..66 => {
            let node = dice.pick(&nodes);
            cluster.comes(node, 0);
        }
        66..82 if cluster.population() > 0 => act(cluster, dice),
        82..92 => {
            let time = dice.pick(&[1, 1, 5, 50, 300, 1_100]);
            cluster.passes(Span::millis(time), false);
        }
        92..94 => cluster.cut(dice.pick(&nodes), dice.pick(&nodes)),
        94..97 => {
            let (one, other) = (dice.pick(&nodes), dice.pick(&nodes));
            if one != other {
                cluster.connect(one, other);
            }
        }
        97 => cluster.freeze(dice.pick(&nodes), dice.below(3) == 0),
        _ => {
            *epoch += 1;
            let there: Vec<_> = nodes.iter().copied().filter(|_| dice.below(3) > 0).collect();
            let map = cluster.map(*epoch, if there.is_empty() { &nodes } else { &there });
            nodes.iter().for_each(|&node| cluster.goes_by(node, &map));
        }
    }
}

fn act(cluster: &mut Cluster, dice: &mut Dice) {
    let who = dice.below(cluster.population());
    if cluster.is_frozen(who) {
        return;
    }
    let person = cluster.person(who);
    if person.room.is_some() {
        match dice.below(3) {
            0 => cluster.skips(who),
            1 => cluster.leaves(who),
            _ => cluster.talks(who, "hm"),
        }
    } else if person.queued {
        if dice.below(3) == 0 {
            cluster.leaves(who);
        }
    } else {
        let interests = [dice.pick(&INTERESTS), dice.pick(&INTERESTS)];
        let some = &interests[..1 + dice.below(2)];
        cluster.joins(who, some, dice.pick(&[Relax::Strict, Relax::Gradual, Relax::Anyone]));
    }
}

/// All links are there again, all nodes run and go by one map, and nobody does anything: who is in a
/// room has their partner there, nobody is held, and nobody waits beside whom they could have.
fn comes_to_rest(cluster: &mut Cluster) {
    cluster.heal();
    cluster.passes(Span::secs(4), true);
    assert_eq!(cluster.leased(), [], "nobody is held");
    for shard in cluster.every_shard() {
        assert!(shard.queue().is_settled());
        let busy = shard.queue().cluster_listed().into_iter().filter(|it| it.1);
        assert_eq!(busy.count(), 0, "no proposal is forgotten");
    }
    let people = 0..cluster.population();
    for who in people.clone() {
        let person = cluster.person(who);
        let (room, _) = cluster.shard(person.session.home()).room_of(person.session).unzip();
        assert_eq!(room.is_some(), person.room.is_some(), "{who} knows where they are");
        if room.is_some() {
            let partners = people.clone().filter(|&it| it != who && cluster.together(who, it));
            assert_eq!(partners.count(), 1, "{who} is in a room by themselves");
        }
    }
    let tickets: Vec<_> = cluster.every_shard().flat_map(|shard| shard.tickets()).collect();
    for (number, (one, _)) in tickets.iter().enumerate() {
        for (other, _) in &tickets[number + 1..] {
            let [me, them] = [one, other].map(|it| {
                let mut people = people.clone();
                people
                    .find(|&who| cluster.person(who).session == it.person)
                    .expect("they are there")
            });
            let fit = one.fit(other).is_some();
            assert!(!fit || cluster.have_met(me, them), "{one:?} and {other:?} could have met");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]
    #[test]
    fn whatever_is_lost_nobody_is_stuck(seed in 1..u64::MAX, three in any::<bool>()) {
        let mut cluster = Cluster::new(if three { &[1, 2, 1] } else { &[2, 1] });
        let (mut dice, mut epoch) = (Dice(seed), 2_000_000);
        for _ in 0..STEPS {
            step(&mut cluster, &mut dice, &mut epoch);
        }
        comes_to_rest(&mut cluster);
        cluster.replay();
    }
}
