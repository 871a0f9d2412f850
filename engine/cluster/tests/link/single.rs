//! One trouble at a time.

use std::time::Duration;

use whisper_cluster::{
    ClusterKey, ITEM_BYTES, KEPT_MAX, LINK_SILENCE, Link, News, PacketError, PushError,
    UNACKED_BYTES_MAX, UNACKED_MAX,
};

use crate::pair::{Pair, items, key, process, side};

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[test]
fn what_is_pushed_goes_out_at_once_and_as_one() {
    let mut pair = Pair::up();
    for item in [&b"one"[..], b"", b"three"] {
        pair.push(0, item);
    }
    pair.poll(0);
    let [(to, packet)] = &std::mem::take(&mut pair.wire)[..] else { panic!("one packet") };
    assert_eq!(*to, 1);
    pair.hear(1, packet);
    assert_eq!(items(&pair.take_news()[1]), [&b"one"[..], b"", b"three"]);
    // Its acknowledgement waits a little for company, and has it.
    assert!(pair.links[1].due() <= pair.now + ms(20));
    pair.push(1, b"back");
    pair.settle();
    assert_eq!(pair.links[0].unacked(), (0, 0));
    assert!(pair.links[0].round_trip().is_some());
}

#[test]
fn who_has_nothing_to_say_acknowledges_within_20_ms() {
    let mut pair = Pair::up();
    pair.push(0, b"one");
    pair.settle();
    assert_eq!(pair.links[0].unacked().0, 1);
    pair.pass(ms(20));
    assert_eq!(pair.links[0].unacked(), (0, 0));
    assert_eq!(pair.links[0].counters().resends, 0);
}

#[test]
fn two_seconds_without_a_wire_lose_nothing() {
    let mut pair = Pair::up();
    for count in 0..4_000_u32 {
        pair.push(0, &[&count.to_be_bytes()[..], &[0; 1_000]].concat());
        pair.poll(0);
    }
    pair.wire.clear();
    pair.pass_but(ms(2_000), |_| true);
    let before = pair.now;
    while pair.links[0].unacked().0 > 0 {
        pair.pass(ms(1));
        assert!(pair.now < before + ms(1_100), "{:?}", pair.links[0].unacked());
    }
    let [_, news] = pair.take_news();
    let heard = items(&news).into_iter().map(|it| [it[0], it[1], it[2], it[3]]);
    assert!(heard.map(u32::from_be_bytes).eq(0..4_000));
    // Each of six tries was no more than the other side would have kept.
    assert!(pair.links[0].counters().resends <= 4_000 + 6 * KEPT_MAX as u64);
    assert!(!news.contains(&News::Lost));
}

#[test]
fn a_gap_is_filled_without_waiting_for_a_timer() {
    let mut pair = Pair::up();
    for count in 0..10_u8 {
        pair.push(0, &[count]);
        pair.poll(0);
    }
    pair.wire.remove(3);
    pair.now += ms(25);
    pair.settle();
    assert_eq!(items(&pair.take_news()[1]).len(), 10);
    // Those behind it had come, and weren't sent again.
    assert_eq!(pair.links[0].counters().resends, 1);
}

#[test]
fn a_cut_that_goes_one_way_is_learnt_on_both_sides() {
    let mut pair = Pair::up();
    // Who hears learns it from the other, who hears nothing and gives up.
    pair.pass_but(LINK_SILENCE + ms(1), |to| to == 1);
    assert_eq!(pair.take_news(), [[News::Lost], [News::Lost]]);
    pair.pass(ms(1_100));
    assert_eq!(pair.take_news(), [[News::Up], [News::Up]]);
}

#[test]
fn who_stood_still_for_too_long_learns_it_with_the_other() {
    let mut pair = Pair::up();
    let packet = |pair: &mut Pair| {
        pair.push(0, b"before");
        pair.poll(0);
        pair.wire.pop().expect("a packet").1
    };
    let late = packet(&mut pair);
    // Side 1 stands still; side 0 gives up.
    pair.now += LINK_SILENCE;
    pair.poll(0);
    assert_eq!(pair.take_news()[0], [News::Lost]);
    // What side 1 has in its mailbox comes first, and is the last of that link.
    pair.hear(1, &late);
    pair.settle();
    let [zero, one] = pair.take_news();
    assert_eq!(zero, [News::Up]);
    assert!(matches!(&one[..], [News::Heard(_), News::Lost, News::Up]), "{one:?}");
}

#[test]
fn old_packets_are_no_sign_of_life() {
    let mut pair = Pair::up();
    pair.push(0, b"once");
    pair.poll(0);
    let (_, packet) = pair.wire.pop().expect("a packet");
    let end = pair.now + LINK_SILENCE;
    pair.hear(1, &packet);
    while pair.now < end {
        pair.now += ms(100);
        pair.poll(1);
        pair.hear(1, &packet);
    }
    let [_, news] = pair.take_news();
    assert!(matches!(&news[..], [News::Heard(_), News::Lost]), "{news:?}");
}

#[test]
fn who_never_acknowledges_costs_a_link_and_no_more() {
    for (size, most) in [(1_000, UNACKED_MAX), (ITEM_BYTES, UNACKED_BYTES_MAX / ITEM_BYTES)] {
        let mut pair = Pair::up();
        let mut pushed = 0;
        loop {
            let item = vec![0; size];
            match pair.links[0].push(pair.now, &item) {
                Ok(()) => pushed += 1,
                Err(error) => break assert_eq!(error, PushError::Full),
            }
            // Each in a batch of its own.
            pair.poll(0);
        }
        assert!(pushed <= most, "{pushed} of {size}");
        assert!(pushed * 100 > most * 99, "{pushed} of {size}");
        pair.gather(0);
        assert_eq!(pair.take_news()[0], [News::Lost]);
        assert_eq!(pair.links[0].push(pair.now, b"more"), Err(PushError::Down));
        assert_eq!(pair.links[0].unacked(), (0, 0));
        pair.wire.clear();
        pair.settle();
        assert_eq!(pair.take_news(), [vec![News::Up], vec![News::Lost, News::Up]]);
    }
}

#[test]
fn items_of_any_size_up_to_the_bound_travel() {
    let mut pair = Pair::up();
    let sizes = [32 << 10, 1, ITEM_BYTES, 40_000, 40_000, 0];
    for size in sizes {
        pair.push(0, &vec![7; size]);
    }
    assert_eq!(pair.links[0].push(pair.now, &vec![0; ITEM_BYTES + 1]), Err(PushError::TooLong));
    pair.settle();
    assert!(items(&pair.take_news()[1]).iter().map(Vec::len).eq(sizes));
}

#[test]
fn packets_of_others_change_nothing() {
    let mut pair = Pair::up();
    pair.push(0, b"secret");
    pair.poll(0);
    let (_, packet) = pair.wire.pop().expect("a packet");
    assert!(!packet.windows(6).any(|it| it == b"secret"));
    let mut bent = packet.clone();
    *bent.last_mut().expect("bytes") ^= 1;
    let now = pair.now;
    assert_eq!(pair.links[1].hear(now, &bent), Err(PacketError::Forged));
    let own = pair.links[0].hear(now, &packet);
    assert_eq!(own, Err(PacketError::Stranger { node: 2 }));
    let other = ClusterKey::new(&[8; 32], "main");
    let mut theirs = Link::new(&other, now, (process(2), process(1)), 1);
    assert!(theirs.hear(now, &packet).is_err());
    // A later process of the node has other keys.
    let mut later = process(2);
    later.run.nonce += 1;
    let mut theirs = Link::new(&key(), now, (later, process(1)), 1);
    assert_eq!(theirs.hear(now, &packet), Err(PacketError::Stranger { node: 1 }));
    pair.hear(1, &packet);
    assert_eq!(items(&pair.take_news()[1]), [b"secret"]);
}

#[test]
fn a_link_that_is_made_anew_ends_the_one_before() {
    let mut pair = Pair::up();
    pair.push(1, b"lost");
    pair.poll(1);
    let (_, late) = pair.wire.pop().expect("a packet");
    pair.links[0] = side(pair.now, 0, pair.links[0].half() + 1);
    pair.settle();
    let [zero, one] = pair.take_news();
    assert_eq!((&zero[..], &one[..]), (&[News::Up][..], &[News::Lost, News::Up][..]));
    pair.hear(0, &late);
    assert!(pair.take_news()[0].is_empty(), "it was of another link");
}

#[test]
fn what_was_said_before_a_link_was_made_anew_is_of_no_link() {
    let mut pair = Pair::new();
    // Side 1 comes up, says something, and is made anew before side 0 has heard of it.
    pair.poll(0);
    let (_, hello) = pair.wire.pop().expect("a packet");
    pair.hear(1, &hello);
    pair.poll(1);
    let (_, early) = pair.wire.pop().expect("a packet");
    pair.links[1] = side(pair.now, 1, pair.links[1].half() + 1);
    pair.poll(1);
    let (_, anew) = pair.wire.pop().expect("a packet");
    pair.hear(0, &anew);
    pair.hear(0, &early);
    assert!(pair.take_news()[0].is_empty());
    pair.settle();
    assert_eq!(pair.take_news(), [[News::Up], [News::Up]]);
}
