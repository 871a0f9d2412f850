//! One node, and what it hears.

use std::time::Duration;

use whisper_cluster::{
    Beat, ClusterKey, Epoch, LISTEN, Load, Membership, Place, Refusal, Run, SILENCE, SKEW_MAX,
    Standing, VERSION,
};

const START: Duration = Duration::from_secs(1_800_000_000);
const LOAD: Load = Load { capacity: 4, shards: 4, people: 10 };

fn key() -> ClusterKey {
    ClusterKey::new(&[7; 32], "main")
}

fn run(started_us: u64) -> Run {
    Run { started_us, nonce: 1 }
}

/// Node 1, which has joined, and the time.
fn joined() -> (Membership, Duration) {
    let mut node = Membership::new(key(), 1, run(100), LOAD);
    node.connected(START);
    node.look(START + LISTEN);
    assert_eq!(node.place(), Place::Member);
    (node, START + LISTEN)
}

fn beat(node: u16, started_us: u64, number: u64, sent: Duration) -> Beat {
    let (standing, epoch) = (Standing::Member, Epoch { number: 1, digest: 0 });
    Beat { node, run: run(started_us), number, sent, standing, load: LOAD, epoch }
}

fn nodes(of: &Membership) -> Vec<u16> {
    of.view().members().iter().map(|it| it.node).collect()
}

#[test]
fn who_is_heard_is_a_member_until_silent() {
    let (mut node, now) = joined();
    let alone = node.view().epoch();
    node.hear(now, &beat(2, 200, 1, now).seal(&key())).expect("it is good");
    assert_eq!(nodes(&node), [1, 2]);
    assert!(node.view().epoch() > alone);
    let half = 1_700..2_400;
    assert!(half.contains(&node.view().buckets_of(1)) && half.contains(&node.view().buckets_of(2)));
    node.look(now + SILENCE - Duration::from_micros(1));
    assert_eq!(nodes(&node), [1, 2]);
    node.look(now + SILENCE);
    assert_eq!(nodes(&node), [1]);
    // Who leaves is gone at once.
    let later = now + SILENCE;
    node.hear(later, &beat(2, 200, 2, later).seal(&key())).expect("it is good");
    let last = Beat { standing: Standing::Leaving, ..beat(2, 200, 3, later) };
    node.hear(later, &last.seal(&key())).expect("it is good");
    assert_eq!(nodes(&node), [1]);
}

#[test]
fn a_node_listens_before_it_joins_and_until_then_is_alone() {
    let mut node = Membership::new(key(), 1, run(100), LOAD);
    assert_eq!(node.place(), Place::Alone);
    node.connected(START);
    node.hear(START, &beat(2, 200, 1, START).seal(&key())).expect("it is good");
    assert_eq!(nodes(&node), [1]);
    assert_eq!(Beat::open(&node.beat(START), &key()).map(|it| it.standing), Ok(Standing::Joining));
    node.look(START + LISTEN);
    assert_eq!(nodes(&node), [1, 2]);
    let beat = Beat::open(&node.beat(START + LISTEN), &key()).expect("it is good");
    assert_eq!((beat.standing, beat.number), (Standing::Member, 2));
    assert_eq!(beat.epoch, node.view().epoch());
}

#[test]
fn who_drains_owns_nothing() {
    let (mut node, now) = joined();
    node.hear(now, &beat(2, 200, 1, now).seal(&key())).expect("it is good");
    node.set_load(now, Load { capacity: 0, ..LOAD });
    assert_eq!((node.view().buckets_of(1), node.view().buckets_of(2)), (0, 4_096));
    assert_eq!(nodes(&node), [1, 2]);
}

#[test]
fn what_is_not_of_the_cluster_is_refused_with_what_to_do() {
    let (mut node, now) = joined();
    let good = beat(2, 200, 1, now).seal(&key());
    let mut refused = |bytes: &[u8]| {
        let refusal = node.hear(now, bytes).expect_err("it is refused");
        assert!(Refusal::REASONS.contains(&refusal.reason()));
        refusal
    };
    assert_eq!(refused(b""), Refusal::Garbled);
    assert_eq!(refused(b"PING\r\n"), Refusal::Garbled);
    assert_eq!(refused(&good[..good.len() - 1]), Refusal::Garbled);
    assert_eq!(refused(&[&good[..], &[0]].concat()), Refusal::Garbled);
    let mut newer = good;
    newer[2..4].copy_from_slice(&(VERSION + 1).to_be_bytes());
    assert_eq!(refused(&newer[..20]), Refusal::Version { theirs: VERSION + 1 });
    assert!(refused(&newer).to_string().contains("the same release"));
    for (secret, name) in [([8; 32], "main"), ([7; 32], "other")] {
        let theirs = ClusterKey::new(&secret, name);
        let refusal = refused(&beat(2, 200, 1, now).seal(&theirs));
        assert_eq!(refusal, Refusal::Secret { theirs: theirs.id(), ours: key().id() });
        assert!(refusal.to_string().contains("cluster_secret_file"));
    }
    // Every bit behind the head is proven.
    for bit in 8 * 8..8 * good.len() {
        let mut bent = good;
        bent[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(refused(&bent), Refusal::Forged);
    }
    assert_eq!(nodes(&node), [1]);
}

#[test]
fn a_beat_counts_once_and_while_it_is_fresh() {
    let (mut node, now) = joined();
    let first = beat(2, 200, 1, now).seal(&key());
    let third = beat(2, 200, 3, now).seal(&key());
    node.hear(now, &third).expect("beats may be lost");
    assert_eq!(node.hear(now, &third), Err(Refusal::Repeated { node: 2 }));
    assert_eq!(node.hear(now, &first), Err(Refusal::Repeated { node: 2 }));
    let by = SKEW_MAX + Duration::from_secs(1);
    let clock = Err(Refusal::Clock { node: 2, by });
    assert_eq!(node.hear(now + by, &beat(2, 200, 9, now).seal(&key())), clock);
    assert_eq!(node.hear(now, &beat(2, 200, 9, now + by).seal(&key())), clock);
    // Nor does it when the node is gone since: not before its time makes it stale.
    for secs in 4..=30 {
        let later = now + Duration::from_secs(secs);
        node.look(later);
        assert_eq!(node.hear(later, &third), Err(Refusal::Repeated { node: 2 }));
    }
    assert_eq!(nodes(&node), [1]);
}

#[test]
fn of_two_with_one_number_the_older_keeps_it() {
    // This one is older: it stays, and says so.
    let (mut node, now) = joined();
    let taken = Err(Refusal::Taken { node: 1 });
    assert_eq!(node.hear(now, &beat(1, 101, 1, now).seal(&key())), taken);
    assert_eq!(node.place(), Place::Member);
    // This one is younger: it steps out of the map.
    node.hear(now, &beat(2, 200, 1, now).seal(&key())).expect("it is good");
    assert_eq!(node.hear(now, &beat(1, 99, 1, now).seal(&key())), taken);
    assert_eq!((node.place(), nodes(&node)), (Place::Taken { heard: now }, vec![1]));
    assert_eq!(Beat::open(&node.beat(now), &key()).map(|it| it.standing), Ok(Standing::Joining));
    // Once the other is silent it listens again, and joins.
    let later = now + SILENCE;
    node.look(later);
    assert_eq!(node.place(), Place::Joining { until: later + LISTEN });
    node.look(later + LISTEN);
    assert_eq!(node.place(), Place::Member);
    // Or when the other says that it ends.
    assert_eq!(node.hear(later, &beat(1, 99, 2, later).seal(&key())), taken);
    let last = Beat { standing: Standing::Leaving, ..beat(1, 99, 3, later) };
    node.hear(later, &last.seal(&key())).expect("it is good");
    assert_eq!(node.place(), Place::Joining { until: later + LISTEN });
    // Its own beats, should they come back, mean nothing.
    let mine = node.beat(later);
    node.hear(later, &mine).expect("it is its own");
}

#[test]
fn third_parties_go_by_the_older_of_two_with_one_number() {
    let (mut node, now) = joined();
    let of_two = |node: &Membership| node.view().members()[1].run;
    node.hear(now, &beat(2, 200, 1, now).seal(&key())).expect("it is good");
    node.hear(now, &beat(2, 201, 1, now).seal(&key())).expect("it is good");
    assert_eq!(of_two(&node), run(200));
    let later = now + SILENCE / 2;
    node.hear(later, &beat(2, 201, 2, later).seal(&key())).expect("it is good");
    assert_eq!(of_two(&node), run(200));
    let before = node.view().epoch();
    node.look(now + SILENCE);
    assert_eq!(of_two(&node), run(201));
    assert!(node.view().epoch() > before, "a process that started again is another member");
}

#[test]
fn there_are_so_many_nodes_and_no_more() {
    let (mut node, now) = joined();
    for other in 2..=64 {
        node.hear(now, &beat(other, 1, 1, now).seal(&key())).expect("there is room");
    }
    let full = Err(Refusal::Full { node: 65 });
    assert_eq!(node.hear(now, &beat(65, 1, 1, now).seal(&key())), full);
    for started in 2..=32 {
        node.hear(now, &beat(2, started, 1, now).seal(&key())).expect("there is room");
    }
    let full = Err(Refusal::Full { node: 2 });
    assert_eq!(node.hear(now, &beat(2, 33, 1, now).seal(&key())), full);
}
