//! Who is there, who is gone, and who is kept out.

use std::process::Output;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::harness::{Client, Engine, Nats, Words, chat, say, whisper};
use crate::{
    GONE_WITHIN, OTHER_SECRET, SECRET, await_map, cluster, members, metric, node, node_with,
};

/// Two who have met here.
fn talking(engine: &Engine) -> [Client; 2] {
    let mut pair = [engine.client(), engine.client()];
    let [ann, bob] = &mut pair;
    chat(ann, bob);
    pair
}

/// One says something, and the other hears it.
#[track_caller]
fn hears([ann, bob]: &mut [Client; 2], words: &str) {
    ann.say(&say(words));
    assert_eq!(bob.expect::<Words>().content, words);
}

#[test]
fn nodes_that_come_and_go_change_the_map_and_nothing_else() {
    let nats = Nats::start();
    let mut third = node(nats.port, 3);
    let [first, mut second] = [1, 2].map(|id| node(nats.port, id));
    let three = await_map(&[&first, &second, &third], &[1, 2, 3]);
    for engine in [&first, &second, &third] {
        assert_eq!(metric(engine, "whisper_cluster_nodes"), 3.0);
        assert_eq!(metric(engine, "whisper_cluster_joined"), 1.0);
        assert_eq!(metric(engine, "whisper_cluster_nats_up"), 1.0);
        assert!((1_000.0..1_800.0).contains(&metric(engine, "whisper_cluster_buckets")));
        assert!(three.starts_with(&format!("{}-", metric(engine, "whisper_cluster_epoch"))));
    }
    let mut pair = talking(&first);

    // Killed.
    let since = Instant::now();
    third.signal(Signal::SIGKILL);
    await_map(&[&first, &second], &[1, 2]);
    assert!(since.elapsed() <= GONE_WITHIN, "{:?}", since.elapsed());
    third = third.start_again();
    let again = await_map(&[&first, &second, &third], &[1, 2, 3]);
    assert_ne!(again, three);

    // Frozen.
    let since = Instant::now();
    third.signal(Signal::SIGSTOP);
    await_map(&[&first, &second], &[1, 2]);
    assert!(since.elapsed() <= GONE_WITHIN, "{:?}", since.elapsed());
    third.signal(Signal::SIGCONT);
    await_map(&[&first, &second, &third], &[1, 2, 3]);

    // Ended in good order: it says so.
    let since = Instant::now();
    second.signal(Signal::SIGTERM);
    await_map(&[&first, &third], &[1, 3]);
    assert!(since.elapsed() < Duration::from_secs(4), "{:?}", since.elapsed());
    assert!(second.wait().success());
    hears(&mut pair, "still there");
}

#[test]
fn without_nats_every_node_goes_on_by_itself_and_joins_again() {
    let port = Nats::free_port();
    let engines = [1, 2].map(|id| node(port, id));
    let [one, two] = &engines;
    let alone = |engine: &Engine, id: u64| {
        await_map(&[engine], &[id]);
        hears(&mut talking(engine), "as ever");
    };
    one.await_log("NATS is away");
    alone(one, 1);
    assert_eq!(metric(one, "whisper_cluster_joined"), 0.0);

    let nats = Nats::start_on(port);
    await_map(&[one, two], &[1, 2]);

    // It stands still: nobody hears anybody.
    let since = Instant::now();
    nats.signal(Signal::SIGSTOP);
    await_map(&[one], &[1]);
    await_map(&[two], &[2]);
    assert!(since.elapsed() <= GONE_WITHIN, "{:?}", since.elapsed());
    nats.signal(Signal::SIGCONT);
    await_map(&[one, two], &[1, 2]);

    // It dies, and another takes its place.
    let since = Instant::now();
    drop(nats);
    await_map(&[one], &[1]);
    assert!(since.elapsed() <= GONE_WITHIN, "{:?}", since.elapsed());
    alone(two, 2);
    assert!(metric(one, "whisper_cluster_nats_losses_total") >= 1.0);
    let _nats = Nats::start_on(port);
    await_map(&[one, two], &[1, 2]);
    // What is away is told of once, not at every try.
    assert!(one.log().matches("NATS is away").count() < 10, "{}", one.log());
    assert!(!one.log().contains("async_nats"), "{}", one.log());
}

#[test]
fn who_has_another_secret_is_kept_out_and_both_sides_say_so() {
    let nats = Nats::start();
    let [one, two] = [1, 2].map(|id| node(nats.port, id));
    await_map(&[&one, &two], &[1, 2]);
    let stranger = node_with(nats.port, 3, OTHER_SECRET);
    for engine in [&one, &stranger] {
        engine.await_log("a node has another cluster secret");
        assert!(metric(engine, "whisper_cluster_refused_total{reason=\"secret\"}") >= 1.0);
        let told = cluster(engine)["lastRefused"]["why"].as_str().expect("why").to_owned();
        assert!(told.contains("cluster_secret_file"), "{told}");
    }
    assert_eq!(members(&cluster(&one)), [1, 2]);
    assert_eq!(members(&cluster(&stranger)), [3]);
    assert!(!stranger.log().contains(OTHER_SECRET) && !one.log().contains(SECRET));
}

#[test]
fn who_comes_with_a_number_that_is_taken_waits_until_it_is_free() {
    let nats = Nats::start();
    let [one, two] = [1, 2].map(|id| node(nats.port, id));
    await_map(&[&one, &two], &[1, 2]);
    let late = node(nats.port, 2);
    late.await_log("another node is node 2 too");
    two.await_log("another node is node 2 too");
    let told = cluster(&late);
    assert_eq!((told["state"].as_str(), told["joined"].as_bool()), (Some("taken"), Some(false)));
    await_map(&[&one, &two], &[1, 2]);
    let before = cluster(&one)["epoch"].clone();
    two.signal(Signal::SIGKILL);
    let now = await_map(&[&one, &late], &[1, 2]);
    assert_ne!(before, now);
}

/// What is wrong with these settings, by their flags.
fn wrong(flags: &[&str]) -> String {
    let Output { status, stderr, .. } =
        whisper().args(["config", "check"]).args(flags).output().expect("it runs");
    assert!(!status.success(), "{flags:?}");
    String::from_utf8(stderr).expect("text")
}

#[test]
fn settings_that_make_no_node_are_told_with_what_is_missing() {
    let nats = ["--nats", "nats://127.0.0.1:4222"];
    let with = |flags: &[&str]| wrong(&[&nats[..], flags].concat());
    assert!(wrong(&["--node-id", "1"]).contains("of no use without nats"));
    assert!(with(&[]).contains("node_id"));
    assert!(with(&["--node-id", "1"]).contains("cluster_secret_file"));
    let missing = with(&["--node-id", "1", "--cluster-secret-file", "/nowhere/secret"]);
    assert!(missing.contains("/nowhere/secret"), "{missing}");
    let name = ["--node-id", "1", "--cluster-secret-file", "x", "--cluster-name", "a.b"];
    assert!(with(&name).contains("cluster_name"));
    assert!(wrong(&["--nats", "http://127.0.0.1"]).contains("nats://10.0.0.1:4222"));
    // What is in an address before an @ is nobody's to read.
    let shown = whisper()
        .args(["config", "show", "--nats", "nats://user:hush@127.0.0.1:4222", "--node-id", "1"])
        .args(["--cluster-secret-file", "x"])
        .output()
        .expect("it runs");
    let shown = String::from_utf8(shown.stdout).expect("text");
    assert!(shown.contains("nats://…@127.0.0.1:4222") && !shown.contains("hush"), "{shown}");
}
