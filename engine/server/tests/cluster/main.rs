//! Several nodes and a real NATS.

#[path = "../harness/mod.rs"]
mod harness;

mod chats;
mod failures;
mod login;
mod membership;

use std::fs;
use std::time::Duration;

use harness::{Engine, Http, Nats, until};
use serde_json::Value;
use tempfile::TempDir;

/// Within this time a node that is gone is on nobody's map.
const GONE_WITHIN: Duration = Duration::from_secs(5);

const SECRET: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
const OTHER_SECRET: &str = "ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

fn node(port: u16, id: u16) -> Engine {
    node_with(port, id, SECRET)
}

fn node_with(port: u16, id: u16, secret: &str) -> Engine {
    node_of(port, id, secret, 1)
}

fn node_of(port: u16, id: u16, secret: &str, reactors: u16) -> Engine {
    let dir = TempDir::new().expect("a directory");
    let toml = settings_of(&dir, &format!("nats://127.0.0.1:{port}"), id, secret);
    Engine::in_dir(dir, reactors, &toml)
}

/// The settings of a node, whose secret is kept there.
fn settings_of(dir: &TempDir, nats: &str, id: u16, secret: &str) -> String {
    let file = dir.path().join("cluster.secret");
    fs::write(&file, secret).expect("a secret");
    format!("nats = [{nats:?}]\nnode_id = {id}\ncluster_secret_file = {file:?}\n")
}

fn cluster(engine: &Engine) -> Value {
    let (status, cluster) = engine.look("cluster");
    assert_eq!(status, 200);
    cluster
}

/// The nodes on an engine's map.
fn members(cluster: &Value) -> Vec<u64> {
    let nodes = cluster["nodes"].as_array().expect("nodes").iter();
    nodes.filter(|it| it["state"] == "member").filter_map(|it| it["node"].as_u64()).collect()
}

/// Waits until all of these go by one map of these nodes, each with a part of it; its name.
#[track_caller]
fn await_map(engines: &[&Engine], nodes: &[u64]) -> String {
    until(|| {
        let all: Vec<_> = engines.iter().map(|engine| cluster(engine)).collect();
        let epoch = &all[0]["epoch"];
        let agree = |it: &Value| members(it) == nodes && it["epoch"] == *epoch;
        if all.iter().all(agree) {
            for it in &all {
                let nodes = it["nodes"].as_array().expect("nodes").iter();
                let buckets: Vec<_> = nodes.filter_map(|it| it["buckets"].as_u64()).collect();
                assert_eq!(buckets.iter().sum::<u64>(), 4_096, "{it}");
            }
            return Ok(epoch.as_str().expect("a name").to_owned());
        }
        Err(format!("{nodes:?}\n{all:?}"))
    })
}

fn metric(engine: &Engine, name: &str) -> f64 {
    let text = Http::connect(engine.admin).get("/metrics").text().to_owned();
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.unwrap_or_else(|| panic!("{name} in {text}")).parse().expect("a number")
}

/// Nodes 1 and on of so many reactors each, once all are linked to each other.
fn linked<const N: usize>(nats: &Nats, reactors: [u16; N]) -> [Engine; N] {
    let mut ids = 1..;
    let all = reactors
        .map(|reactors| node_of(nats.port, ids.next().expect("a number"), SECRET, reactors));
    await_links(&all.each_ref());
    all
}

/// Waits until each of these has a link to each other.
#[track_caller]
fn await_links(engines: &[&Engine]) {
    for engine in engines {
        until(|| {
            let told = cluster(engine);
            let nodes = told["nodes"].as_array().expect("nodes").iter();
            let up = nodes.filter(|it| it["link"]["up"] == true).count();
            if up == engines.len() - 1 { Ok(()) } else { Err(told.to_string()) }
        });
    }
}
