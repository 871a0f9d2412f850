//! The mesh on one thread: order, overflow, fairness, when a port may sleep and whom it wakes.

use whisper_shard_router::{OVERFLOW_BOUND, Port, RING_SLOTS, Sleep, mesh};

/// A mesh of two.
fn pair(slots: usize) -> (Port<u32>, Port<u32>) {
    let mut ports = mesh(2, slots).into_iter();
    (ports.next().unwrap(), ports.next().unwrap())
}

fn no_wake(to: usize) {
    panic!("port {to} was not asleep");
}

fn drain(port: &mut Port<u32>) -> Vec<(usize, u32)> {
    std::iter::from_fn(|| port.recv()).collect()
}

#[test]
fn what_is_sent_arrives_in_order_after_the_flush() {
    let (mut a, mut b) = pair(RING_SLOTS);
    (0..10).for_each(|n| a.send(1, n));
    assert_eq!(b.recv(), None, "nothing is seen before the flush");
    a.flush(no_wake);
    assert_eq!(drain(&mut b), (0..10).map(|n| (0, n)).collect::<Vec<_>>());
    assert_eq!((a.counters().sent, a.counters().overflowed), (10, 0));
    assert_eq!(b.counters().received, 10);
    assert_eq!((a.me(), b.me()), (0, 1));
}

#[test]
fn a_message_to_oneself_needs_no_flush_and_keeps_its_turn() {
    let mut alone = mesh(1, RING_SLOTS).pop().unwrap();
    alone.send(0, 1);
    alone.send(0, 2);
    assert_eq!(alone.prepare_sleep(), Sleep::No);
    assert_eq!(alone.recv(), Some((0, 1)));
    alone.send(0, 3);
    assert_eq!(drain(&mut alone), [(0, 2), (0, 3)]);
    assert_eq!(alone.prepare_sleep(), Sleep::Now);
}

#[test]
fn messages_to_oneself_can_be_had_out_of_turn() {
    let (mut a, mut b) = pair(RING_SLOTS);
    b.send(0, 7);
    b.flush(no_wake);
    a.send(0, 1);
    a.send(0, 2);
    assert_eq!([a.recv_own(), a.recv_own(), a.recv_own()], [Some(1), Some(2), None]);
    assert_eq!(a.prepare_sleep(), Sleep::No, "there is one from another");
    assert_eq!(drain(&mut a), [(1, 7)]);
    assert_eq!(a.prepare_sleep(), Sleep::Now);
    assert_eq!(a.counters().received, 3);
}

#[test]
fn what_does_not_fit_waits_in_order() {
    let (mut a, mut b) = pair(4);
    (0..11).for_each(|n| a.send(1, n));
    assert_eq!((a.depth(), a.waiting()), (4, 7));
    a.flush(no_wake);
    assert_eq!(a.prepare_sleep(), Sleep::Briefly);
    a.awake();

    let mut received = drain(&mut b);
    assert_eq!(received.len(), 4);
    assert_eq!(a.depth(), 0);
    a.send(1, 11); // there is room in the ring now, but older ones wait
    assert_eq!(a.waiting(), 8);
    for left in [4, 0] {
        a.flush(no_wake);
        assert_eq!(a.waiting(), left);
        received.extend(drain(&mut b));
    }
    assert_eq!(received, (0..12).map(|n| (0, n)).collect::<Vec<_>>());
    assert_eq!(a.prepare_sleep(), Sleep::Now);
    assert_eq!(a.counters().overflowed, 8);
}

#[test]
fn congestion_is_per_target_and_passes() {
    let mut ports = mesh(3, 8);
    let mut a = ports.remove(0);
    let mut b = ports.remove(0);
    for n in 0..OVERFLOW_BOUND as u32 + 7 {
        a.send(1, n);
    }
    assert!(!a.congested(1), "one below the bound");
    a.send(1, 0);
    assert!(a.congested(1));
    assert!(!a.congested(2) && !a.congested(0));
    a.flush(no_wake);
    drain(&mut b);
    a.flush(no_wake);
    assert!(!a.congested(1));

    (0..OVERFLOW_BOUND as u32).for_each(|n| a.send(0, n));
    assert!(a.congested(0), "the local queue counts too");
}

#[test]
fn sources_take_turns() {
    let mut ports = mesh(4, RING_SLOTS);
    for from in [3, 1, 0] {
        (0..RING_SLOTS as u32).for_each(|n| ports[from].send(2, n));
        ports[from].flush(no_wake);
    }
    for n in 0..RING_SLOTS as u32 {
        assert_eq!([0; 3].map(|_| ports[2].recv()), [0, 1, 3].map(|from| Some((from, n))));
    }
    assert_eq!(ports[2].recv(), None);
}

/// A source that never runs dry delays a new one by one round, no more.
#[test]
fn a_busy_source_starves_nobody() {
    let mut ports = mesh(3, 4);
    let mut busy = ports.remove(0);
    let mut other = ports.remove(0);
    let mut receiver = ports.remove(0);
    for n in 0..100 {
        busy.send(2, n);
        busy.send(2, n);
        busy.flush(no_wake);
        receiver.send(2, n); // oneself, without end, is a source like the others
        receiver.send(2, n);
        receiver.recv();
    }
    other.send(2, 7);
    other.flush(no_wake);
    let turns = (1..).find(|_| {
        busy.flush(no_wake);
        receiver.recv().unwrap().0 == 1
    });
    assert!(turns.unwrap() <= 4, "{turns:?}");
}

#[test]
fn one_wake_for_each_sleep_and_none_for_the_wakeful() {
    let mut ports = mesh(3, RING_SLOTS);
    let mut c = ports.pop().unwrap();
    let mut b = ports.pop().unwrap();
    let mut a = ports.pop().unwrap();
    let wakes = |port: &mut Port<u32>| {
        let mut woken = Vec::new();
        port.flush(|to| woken.push(to));
        woken
    };

    assert_eq!(c.prepare_sleep(), Sleep::Now);
    a.send(2, 1);
    a.send(2, 2);
    a.send(1, 3);
    assert_eq!(wakes(&mut a), [2], "once for two messages, and 1 is awake");
    b.send(2, 4);
    assert_eq!(wakes(&mut b), [0; 0], "it is on its way");
    assert_eq!(wakes(&mut a), [0; 0], "nothing new");
    c.awake();
    assert_eq!(c.prepare_sleep(), Sleep::No, "three messages to read");
    assert_eq!(drain(&mut c).len(), 3);
    assert_eq!(c.prepare_sleep(), Sleep::Now);
    b.send(2, 5);
    assert_eq!(wakes(&mut b), [2]);
    assert_eq!((a.counters().wakes, b.counters().wakes), (1, 1));
}

#[test]
fn a_port_with_unflushed_messages_must_not_sleep() {
    let (mut a, _b) = pair(RING_SLOTS);
    a.send(1, 1);
    assert_eq!(a.prepare_sleep(), Sleep::No);
    a.flush(no_wake);
    assert_eq!(a.prepare_sleep(), Sleep::Now);
}

/// A shard that refused to sleep is awake for its senders too: they spend no wake on it.
#[test]
fn a_refused_sleep_leaves_no_flag_behind() {
    let (mut a, mut b) = pair(RING_SLOTS);
    a.send(1, 1);
    a.flush(no_wake);
    assert_eq!(b.prepare_sleep(), Sleep::No);
    a.send(1, 2);
    a.flush(no_wake);
    assert_eq!(drain(&mut b).len(), 2);
}

#[test]
fn the_largest_mesh_and_the_largest_message() {
    let mut ports = mesh::<[u64; 8]>(128, 1);
    ports[127].send(0, [127; 8]);
    ports[0].send(127, [1; 8]);
    ports[127].flush(no_wake);
    ports[0].flush(no_wake);
    assert_eq!(ports[0].recv(), Some((127, [127; 8])));
    assert_eq!(ports[127].recv(), Some((0, [1; 8])));
}
