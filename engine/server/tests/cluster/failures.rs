//! Boxes that die, stand still, or lose their NATS, while people of theirs talk to others'.

use std::time::Instant;

use nix::sys::signal::Signal;
use tempfile::TempDir;
use whisper_cluster::LINK_SILENCE;
use whisper_proto::{ClientMessage, ServerMessage};

use crate::chats::meet_across;
use crate::harness::{Client, Engine, Nats, Stopped, Words, chat, say, until_true};
use crate::{GONE_WITHIN, SECRET, await_links, linked, metric, node, settings_of};

const UNACKED: &str = "whisper_cluster_link_unacked_bytes{node=\"2\"}";

/// More than may wait for a reactor: 64 batches in its mailbox, and 4 MiB before that.
const MORE_THAN_WAITS: usize = 24 << 20;

/// Somebody learns within 5 s that their partner is gone.
#[track_caller]
fn is_left(person: &mut Client, since: Instant) {
    person.hears(&ServerMessage::PartnerDisconnected);
    assert!(since.elapsed() <= GONE_WITHIN, "{:?}", since.elapsed());
}

#[test]
fn partners_of_who_was_served_by_a_box_that_dies_learn_it() {
    let nats = Nats::start();
    let [one, two, three] = linked(&nats, [1, 1, 1]);
    let mut pair = [one.client(), two.client()];
    let mut third = [one.client(), three.client()];
    for [ann, bob] in [&mut pair, &mut third] {
        meet_across(ann, bob);
    }
    let since = Instant::now();
    two.signal(Signal::SIGKILL);
    is_left(&mut pair[0], since);
    // Nobody else is.
    let [ann, bob] = &mut third;
    ann.say(&say("still there"));
    assert_eq!(bob.expect::<Words>().content, "still there");
    assert_eq!(metric(&one, "whisper_cluster_link_resets_total{node=\"2\"}"), 1.0);
    // And they meet others.
    let [ann, _] = &mut pair;
    meet_across(ann, &mut three.client());
}

#[test]
fn a_box_that_stands_still_is_left_and_comes_back() {
    let nats = Nats::start();
    let [one, two] = linked(&nats, [1, 1]);
    let (mut ann, mut bob) = (one.client(), two.client());
    meet_across(&mut ann, &mut bob);
    let since = Instant::now();
    two.signal(Signal::SIGSTOP);
    is_left(&mut ann, since);
    two.signal(Signal::SIGCONT);
    // Those it serves learn it too: no half of a chat stays.
    is_left(&mut bob, Instant::now());
    await_links(&[&one, &two]);
    meet_across(&mut ann, &mut two.client());
}

#[test]
fn a_nats_that_starts_again_loses_no_word() {
    let first = Nats::start();
    let [one, two] = linked(&first, [1, 1]);
    let (mut ann, mut bob) = (one.client(), two.client());
    meet_across(&mut ann, &mut bob);
    let (port, mut nats) = (first.port, Some(first));
    let mut words = 0..;
    for _ in 0..3 {
        let first = words.start;
        // Before it goes, while it is away, and as it comes.
        for moment in 0..3 {
            for word in words.by_ref().take(100) {
                ann.say(&say(&format!("ann {word}")));
                bob.say(&say(&format!("bob {word}")));
            }
            match moment {
                0 => drop(nats.take()),
                1 => nats = Some(Nats::start_on(port)),
                _ => {}
            }
        }
        for word in first..words.start {
            assert_eq!(bob.expect::<Words>().content, format!("ann {word}"));
            assert_eq!(ann.expect::<Words>().content, format!("bob {word}"));
        }
    }
    assert_eq!(metric(&one, "whisper_cluster_link_resets_total{node=\"2\"}"), 0.0);
}

#[test]
fn partners_of_who_is_served_by_a_box_that_is_upgraded_learn_it_at_once() {
    let nats = Nats::start();
    let [mut one, two] = linked(&nats, [1, 1]);
    let (mut ann, mut bob) = (one.client(), two.client());
    meet_across(&mut ann, &mut bob);
    one.hand_over();
    let since = Instant::now();
    for person in [&mut ann, &mut bob] {
        person.hears(&ServerMessage::PartnerDisconnected);
    }
    // Not only by its silence.
    assert!(since.elapsed() < LINK_SILENCE / 2, "{:?}", since.elapsed());
    // Nobody's connection is lost by it, and they meet others as ever.
    await_links(&[&one, &two]);
    meet_across(&mut ann, &mut two.client());
    meet_across(&mut bob, &mut one.client());
}

#[test]
fn a_reactor_that_stands_still_costs_the_links_that_have_more_for_it_than_may_wait() {
    let nats = Nats::start();
    let one = node(nats.port, 1);
    let dir = TempDir::new().expect("a directory");
    let settings = settings_of(&dir, &format!("nats://127.0.0.1:{}", nats.port), 2, SECRET);
    let two = Engine::in_dir(dir, 2, &(settings + "core_dumps = true\n"));
    await_links(&[&one, &two]);
    let (mut ann, mut bob) = (one.client(), two.client_on(1));
    meet_across(&mut ann, &mut bob);
    let [mut cat, mut dan] = [one.client(), one.client()];
    chat(&mut cat, &mut dan);

    let stopped = Stopped::new(&two, "reactor-1");
    let story = "and then ".repeat(200);
    let (mut number, mut is_over) = (0, false);
    while !is_over {
        for _ in 0..50 {
            ann.say(&say(&format!("{number} {story}")));
            number += 1;
        }
        assert!(number * story.len() < MORE_THAN_WAITS, "nothing is given up");
        // Nobody else falls behind.
        until_true("it has gone", || metric(&one, UNACKED) < 1e6);
        ann.say(&ClientMessage::Ping);
        is_over = ann.hear("a pong, or the end", |it| match it {
            ServerMessage::Pong { .. } => Some(false),
            ServerMessage::PartnerDisconnected => Some(true),
            _ => None,
        });
    }
    let given_up = |reason: &str| {
        metric(&two, &format!("whisper_cluster_links_given_up_total{{reason=\"{reason}\"}}"))
    };
    assert_eq!(given_up("reactor_behind"), 1.0);
    two.await_log("a reactor is too far behind");
    // Nothing else is in its way: there is another link, and who talks goes on.
    await_links(&[&one, &two]);
    cat.say(&say("still there"));
    assert_eq!(dan.expect::<Words>().content, "still there");

    // It goes on, and knows of the other link: its people meet others over that.
    drop(stopped);
    drop(bob);
    meet_across(&mut one.client(), &mut two.client_on(1));
    assert_eq!(given_up("reactor_behind"), 1.0);
    assert_eq!(given_up("nonsense"), 0.0);
}
