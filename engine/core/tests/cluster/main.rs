//! People of several nodes: that they meet, that their chats end where a link does, and that nobody is
//! held or alone for long whatever is lost.

mod crossing;
mod histories;
mod net;

use net::Cluster;
use whisper_core::match_queue::{ClusterMessage, LEASE};
use whisper_core::time::Span;
use whisper_proto::{ClientMessage, Hello, Relax, Report, ReportReason};
use whisper_shard_router::ShardId;

/// Longer than any ticket waits before other nodes are asked.
const A_WHILE: Span = Span::millis(600);

fn two_nodes() -> (Cluster, usize, usize) {
    let mut cluster = Cluster::new(&[2, 1]);
    let (ann, bob) = (cluster.comes(1, 1), cluster.comes(2, 0));
    (cluster, ann, bob)
}

fn meet(cluster: &mut Cluster, people: [usize; 2]) {
    people.into_iter().for_each(|who| cluster.likes(who, "tea"));
    cluster.passes(A_WHILE, true);
    assert!(cluster.together(people[0], people[1]), "they met");
}

#[test]
fn two_of_different_nodes_meet_and_talk() {
    let (mut cluster, ann, bob) = two_nodes();
    meet(&mut cluster, [ann, bob]);
    let [(room, one), (its, other)] = [ann, bob].map(|it| cluster.person(it).room.clone().unwrap());
    assert_eq!(room, its);
    assert_ne!(one, other);
    cluster.talks(ann, "hello over there");
    cluster.deliver_all();
    assert_eq!(cluster.person(bob).told, ["matched", "hello over there"]);
    cluster.leaves(bob);
    cluster.deliver_all();
    assert_eq!(cluster.person(ann).told.last().map(String::as_str), Some("partner_skipped"));
    assert!(cluster.leased().is_empty());
}

#[test]
fn whoever_takes_anyone_meets_over_there_too() {
    let (mut cluster, ann, bob) = two_nodes();
    cluster.joins(ann, &["tea"], Relax::Gradual);
    cluster.joins(bob, &["chess"], Relax::Gradual);
    cluster.passes(Span::secs(4), true);
    assert!(cluster.together(ann, bob));
}

#[test]
fn of_three_nodes_any_two_meet_whoever_owns_what_they_like() {
    let mut cluster = Cluster::new(&[1, 2, 3]);
    for number in 0..60 {
        let interest = format!("interest {number}");
        let nodes = [1 + number % 3, 1 + (number + 1) % 3];
        let people = nodes.map(|node| cluster.comes(node, 0));
        people.into_iter().for_each(|who| cluster.likes(who, &interest));
        cluster.passes(A_WHILE, true);
        assert!(cluster.together(people[0], people[1]), "{interest} of {nodes:?}");
    }
    let listed = cluster.every_shard().map(|shard| shard.queue().cluster_listed().len());
    assert_eq!(listed.sum::<usize>(), 0, "no list keeps those who met");
}

/// Where people come often, those of the own node have half a second.
#[test]
fn somebody_of_the_own_node_goes_first() {
    let (mut cluster, far, _) = two_nodes();
    // A crowd: people who come to node 2 at short intervals, and go.
    for _ in 0..200 {
        let one = cluster.comes(2, 0);
        cluster.likes(one, "crowds");
        cluster.passes(Span::millis(20), true);
        cluster.leaves(one);
    }
    cluster.likes(far, "tea");
    cluster.passes(A_WHILE, true);
    let (ann, bob) = (cluster.comes(2, 0), cluster.comes(2, 0));
    cluster.likes(ann, "tea");
    cluster.passes(Span::millis(400), true);
    assert!(cluster.person(ann).queued, "others aren't asked yet");
    cluster.likes(bob, "tea");
    cluster.passes(Span::millis(1), true);
    assert!(cluster.together(ann, bob));
    // Who finds nobody there is looked for everywhere.
    let cat = cluster.comes(2, 0);
    cluster.likes(cat, "tea");
    cluster.passes(A_WHILE, true);
    assert!(cluster.together(far, cat));
}

/// Where hardly anybody comes there is nobody to wait for.
#[test]
fn a_quiet_node_asks_the_others_at_once() {
    let (mut cluster, ann, bob) = two_nodes();
    cluster.likes(ann, "tea");
    cluster.likes(bob, "tea");
    cluster.passes(Span::millis(5), true);
    assert!(cluster.together(ann, bob));
}

#[test]
fn nobody_is_told_before_both_homes_have_confirmed() {
    let (mut cluster, ann, bob) = two_nodes();
    cluster.likes(ann, "tea");
    cluster.likes(bob, "tea");
    cluster.passes(Span(1), false);
    let confirm = |it: &ClusterMessage| matches!(it, ClusterMessage::Confirm { .. });
    assert!(cluster.deliver_until(confirm));
    assert!([ann, bob].iter().all(|&who| cluster.person(who).told.is_empty()));
    assert_eq!(cluster.leased().len(), 2);
    // The link stands still for longer than they are held.
    cluster.passes(Span(LEASE.0 + 1), false);
    assert!(cluster.leased().is_empty());
    assert!([ann, bob].iter().all(|&who| cluster.person(who).told.is_empty()));
    // It goes on: the late answer leads to nothing, and they find each other again.
    cluster.deliver_all();
    assert!(cluster.person(ann).room.is_none() && cluster.person(bob).room.is_none());
    cluster.passes(Span::secs(2), true);
    assert!(cluster.together(ann, bob));
}

#[test]
fn whoever_leaves_while_leased_has_left() {
    let steps: [fn(&ClusterMessage) -> bool; 4] = [
        |it| matches!(it, ClusterMessage::Claim { .. }),
        |it| matches!(it, ClusterMessage::Accept { .. }),
        |it| matches!(it, ClusterMessage::Confirm { .. }),
        |it| matches!(it, ClusterMessage::Confirmed { .. }),
    ];
    for (number, step) in steps.into_iter().enumerate() {
        for first_leaves in [true, false] {
            let (mut cluster, ann, bob) = two_nodes();
            cluster.likes(ann, "tea");
            cluster.likes(bob, "tea");
            cluster.passes(Span(1), false);
            assert!(cluster.deliver_until(step), "step {number}");
            let (leaver, other) = if first_leaves { (ann, bob) } else { (bob, ann) };
            cluster.leaves(leaver);
            cluster.passes(Span::millis(10), true);
            assert!(cluster.person(other).room.is_none(), "step {number}");
            assert!(cluster.leased().is_empty(), "step {number}");
            // Whoever stays isn't forgotten: unless they had been told of a room, they still wait.
            let again = cluster.comes(cluster.person(leaver).session.node, 0);
            if cluster.person(other).queued {
                cluster.likes(again, "tea");
                cluster.passes(Span::secs(2), true);
                assert!(cluster.together(again, other), "step {number}");
            } else {
                let told = &cluster.person(other).told;
                assert_eq!(told[0], "matched", "step {number}");
                assert!(told[1].starts_with("partner_"), "step {number}: {told:?}");
            }
        }
    }
}

#[test]
fn a_lost_link_ends_its_chats_and_no_others() {
    let mut cluster = Cluster::new(&[1, 1, 1]);
    let people = [1, 2, 1, 3].map(|node| cluster.comes(node, 0));
    let [ann, bob, cat, dan] = people;
    cluster.says(ann, ClientMessage::Hello(Hello::default()));
    meet(&mut cluster, [ann, bob]);
    meet(&mut cluster, [cat, dan]);
    cluster.vanishes(ann);
    cluster.deliver_all();
    cluster.cut(1, 2);
    cluster.passes(Span::millis(1), true);
    assert_eq!(cluster.person(bob).told.last().unwrap(), "partner_disconnected");
    let ann = cluster.person(ann).session;
    assert_eq!(cluster.shard(ann.home()).room_of(ann), None, "for absent people too");
    assert!(cluster.together(cat, dan));
    // A link that is up again is another: nothing of the old chat comes back.
    cluster.connect(1, 2);
    cluster.passes(Span::millis(1), true);
    cluster.likes(bob, "tea");
    let eve = cluster.comes(1, 0);
    meet(&mut cluster, [eve, bob]);
}

#[test]
fn a_lost_link_frees_who_is_leased_over_it() {
    for stop in 0..4 {
        let (mut cluster, ann, bob) = two_nodes();
        cluster.likes(ann, "tea");
        cluster.likes(bob, "tea");
        cluster.passes(Span(1), false);
        assert!(cluster.deliver_until(|it| match stop {
            0 => matches!(it, ClusterMessage::Claim { .. }),
            1 => matches!(it, ClusterMessage::Accept { .. }),
            2 => matches!(it, ClusterMessage::Confirm { .. }),
            _ => matches!(it, ClusterMessage::Confirmed { .. }),
        }));
        cluster.cut(1, 2);
        cluster.passes(Span::millis(1), true);
        assert!(cluster.leased().is_empty(), "{stop}");
        assert!(cluster.person(ann).room.is_none() && cluster.person(bob).room.is_none());
        cluster.connect(1, 2);
        for who in [ann, bob] {
            if !cluster.person(who).queued {
                cluster.likes(who, "tea");
            }
        }
        cluster.passes(Span::secs(2), true);
        // Having met, if they did, they aren't brought together again.
        assert!(cluster.together(ann, bob) || cluster.have_met(ann, bob), "{stop}");
    }
}

#[test]
fn a_map_that_is_behind_is_caught_up_with() {
    let mut cluster = Cluster::new(&[1, 1, 1]);
    // Node 1 knows that node 3 has gone; what it owned is node 1's or node 2's now.
    let map = cluster.map(2_000_000, &[1, 2]);
    cluster.goes_by(1, &map);
    cluster.deliver_all();
    let mut pairs = Vec::new();
    for number in 0..24 {
        let people = [cluster.comes(1, 0), cluster.comes(2, 0)];
        people.into_iter().for_each(|who| cluster.likes(who, &format!("interest {number}")));
        pairs.push(people);
    }
    cluster.passes(Span::millis(100), true);
    let met = |cluster: &Cluster| pairs.iter().filter(|it| cluster.together(it[0], it[1])).count();
    assert_eq!(met(&cluster), 0, "an owner goes by one map, and a home by another");
    cluster.goes_by(2, &map);
    cluster.passes(Span::millis(300), true);
    assert_eq!(met(&cluster), pairs.len());
}

#[test]
fn a_node_alone_and_then_with_others_loses_nobody() {
    let (mut cluster, ann, bob) = two_nodes();
    let alone = [1, 2].map(|node| cluster.map(2_000_000, &[node]));
    cluster.cut(1, 2);
    cluster.goes_by(1, &alone[0]);
    cluster.goes_by(2, &alone[1]);
    cluster.likes(ann, "tea");
    cluster.likes(bob, "tea");
    cluster.passes(Span::secs(5), true);
    assert!(cluster.person(ann).queued && cluster.person(bob).queued);
    cluster.heal();
    cluster.passes(Span::millis(1), true);
    assert!(cluster.together(ann, bob));
}

#[test]
fn a_process_that_follows_frees_who_is_leased_and_ends_what_is_elsewhere() {
    let (mut cluster, ann, bob) = two_nodes();
    let (cat, dan) = (cluster.comes(1, 0), cluster.comes(2, 0));
    meet(&mut cluster, [cat, dan]);
    cluster.likes(ann, "jazz");
    cluster.likes(bob, "jazz");
    cluster.passes(Span(1), false);
    assert!(cluster.deliver_until(|it| matches!(it, ClusterMessage::Confirm { .. })));
    cluster.cut(1, 2);
    cluster.follow(1, 2);
    cluster.passes(Span::millis(1), true);
    for who in [cat, dan] {
        assert_eq!(cluster.person(who).told.last().unwrap(), "partner_disconnected");
    }
    assert!(cluster.leased().is_empty());
    cluster.heal();
    cluster.passes(A_WHILE, true);
    assert!(cluster.together(ann, bob), "as if nothing had been");
}

/// Names of other nodes' people are not this one's to change.
#[test]
fn whoever_was_reported_elsewhere_is_known_to_fewer_shards() {
    let mut cluster = Cluster::new(&[2, 2]);
    let (ann, bob, _) = (cluster.comes(2, 0), cluster.comes(1, 1), cluster.comes(2, 1));
    meet(&mut cluster, [ann, bob]);
    cluster.says(
        ann,
        ClientMessage::Report(Report {
            reason: ReportReason::Spam,
            comment: None,
            id: None,
            evidence: Vec::new(),
            block: true,
            room: None,
        }),
    );
    cluster.leaves(ann);
    cluster.passes(Span::millis(1), true);
    cluster.cut(1, 2);
    cluster.follow(2, 1);
    cluster.heal();
    for who in [ann, bob] {
        cluster.joins(who, &[], Relax::Anyone);
    }
    cluster.passes(Span::secs(20), true);
    assert!(cluster.person(ann).queued && cluster.person(bob).queued, "never again");
}

#[test]
fn what_meets_a_leased_ticket_at_home_waits_for_the_lease() {
    let mut cluster = Cluster::new(&[2, 1]);
    let (ann, bob) = (cluster.comes(1, 0), cluster.comes(2, 0));
    cluster.likes(ann, "tea");
    cluster.likes(bob, "tea");
    cluster.passes(Span(1), false);
    assert!(cluster.deliver_until(|it| {
        matches!(it, ClusterMessage::Accept { .. } | ClusterMessage::Claim { .. })
    }));
    let leased_at = cluster.leased()[0].home();
    cluster.freeze(if leased_at.node == 1 { 2 } else { 1 }, true);
    let cat = cluster.comes(leased_at.node, leased_at.shard);
    let held = if leased_at == (ShardId { node: 2, shard: 0 }) { bob } else { ann };
    cluster.likes(cat, "tea");
    cluster.passes(Span::millis(900), true);
    assert!(cluster.person(cat).queued, "the other may still answer");
    cluster.passes(Span::millis(200), true);
    assert!(cluster.together(held, cat));
}

/// Whoever would have opened up to anyone meanwhile does so when their node goes on.
#[test]
fn people_of_a_node_that_stood_still_meet_each_other() {
    for (early, frozen) in [(1_000, 6_000), (2_900, 10_000), (3_500, 10_000), (100, 2_000)] {
        let mut cluster = Cluster::new(&[1, 1, 1]);
        let far = [cluster.comes(1, 0), cluster.comes(3, 0)];
        far.into_iter().for_each(|who| cluster.joins(who, &["jazz"], Relax::Strict));
        let people = [0; 5].map(|_| cluster.comes(2, 0));
        let likes = ["tea", "chess", "golf", "rain", "jazz"];
        for (who, likes) in people.into_iter().zip(likes) {
            cluster.joins(who, &[likes], Relax::Gradual);
            cluster.passes(Span::millis(10), true);
        }
        cluster.passes(Span::millis(early), true);
        cluster.freeze(2, true);
        cluster.passes(Span::millis(frozen), true);
        cluster.cut(1, 2);
        cluster.cut(2, 3);
        let alone = cluster.map(3_000_000, &[2]);
        cluster.goes_by(2, &alone);
        cluster.heal();
        cluster.passes(Span::millis(3_500), true);
        let waiting = people.into_iter().filter(|&who| cluster.person(who).queued).count();
        assert!(waiting <= 1, "{waiting} of one node wait after {early} and {frozen} ms");
    }
}
