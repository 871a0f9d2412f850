//! `cargo xtask bench million`: a million people at once, in pairs, who all can talk.
//!
//! One `whisper` process and one generator on the same machine. A ring's table of descriptors is
//! bounded by RLIMIT_NOFILE, so both have as many reactors as that takes, however few the cores.
//! What the machine can't hold is found out before: fewer people are asked in then, and it is said.

use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::document;
use super::host::{self, Host, Memory};
use super::table::shown;
use crate::Result;
use crate::checkout::Checkout;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// People at once; half as many pairs.
    #[arg(long, default_value_t = 1_000_000)]
    people: u64,
    /// Messages a second, due whatever becomes of those before.
    #[arg(long, default_value_t = 10_000)]
    rate: u64,
    /// Seconds of that.
    #[arg(long, default_value_t = 60)]
    secs: u64,
    /// Print the table, and leave bench/RESULTS.md as it is.
    #[arg(long)]
    dry_run: bool,
}

/// Memory of server, generator and kernel for a connection, both of its ends: 8.2 KB of it are the
/// kernel's for two sockets.
const BYTES_EACH: u64 = 12_000;

/// The share of a ring's table that is planned for. The kernel spreads connections over listeners
/// by a hash, so some get more than others.
const FULL_PERCENT: u64 = 86;

/// Below the ports that the system gives to those who dial: none of them can have it taken.
const LISTEN: &str = "127.0.0.1:8081";

/// How long all of them may take to come.
const PATIENCE_S: &str = "1500";

pub(crate) fn run(checkout: &Checkout, args: &Args) -> Result<ExitCode> {
    let host = Host::this(checkout)?;
    let packages = ["--package", "whisper-engine", "--package", "whisper-bench"];
    checkout.cargo(&["build", "--release"]).args(packages).run()?;
    let (people, reactors, remarks) = plan(args.people, Memory::now().available, files_max()?);
    remarks.iter().for_each(|remark| println!("{remark}"));
    let somaxconn = Path::new("/proc/sys/net/core/somaxconn");
    let backlog = fs::read_to_string(somaxconn).unwrap_or_default();
    println!(
        "{people} people, {reactors} reactors on either side; net.core.somaxconn is {}.",
        backlog.trim()
    );
    let description = host.description(checkout);

    let before = Memory::now();
    let server = host
        .pinned(checkout, &host.cores, checkout.target("release/whisper"))
        .args(["serve", "--listen", LISTEN, "--exempt", "127.0.0.0/8"])
        .args(["--reactors", &reactors.to_string()])
        .args(["--data-dir".into(), checkout.path("bench/out/data")])
        .start()?;
    let pid = server.process.pid();
    let generator = host
        .pinned(checkout, &host.cores, "timeout")
        .args([PATIENCE_S])
        .args([checkout.target("release/whisper-bench")])
        .args(["relay", "--target", LISTEN, "--pid", &pid.to_string()])
        .args(["--pairs", &(people / 2).to_string(), "--rate", &args.rate.to_string()])
        .args(["--secs", &args.secs.to_string(), "--warm-up", "5"])
        .args(["--reactors", &reactors.to_string(), "--json", "--quiet"]);
    let (said, peak) = watched(pid, 2 * people, || generator.said())?;
    let (out, complaint) = said;
    let result: Value =
        serde_json::from_str(&out).map_err(|_| format!("no result: {}", complaint.trim()))?;

    let body = format!(
        "{description}\n\n{}{}",
        remarks.iter().map(|remark| format!("{remark}\n\n")).collect::<String>(),
        table(&result, people, reactors, &before, &peak)
    );
    println!("\n{body}");
    if !args.dry_run {
        document::write(checkout, "One million", &body)?;
    }
    let faults = result["faults"].as_array().map_or(1, Vec::len);
    Ok(ExitCode::from(u8::from(faults > 0)))
}

/// How many people there can be, on how many reactors, and what is to be said of it.
fn plan(wanted: u64, memory: u64, files: u64) -> (u64, u64, Vec<String>) {
    let mut remarks = Vec::new();
    let room = memory * 9 / 10 / BYTES_EACH;
    let people = wanted.min(room).max(2) / 2 * 2;
    if people < wanted {
        remarks.push(format!(
            "{wanted} people were asked for; there are {:.1} GB of memory to be had, which is \
             enough for {people}.",
            memory as f64 / 1e9
        ));
    }
    let per_reactor = (files.min(1 << 20) * FULL_PERCENT / 100).max(1);
    (people, people.div_ceil(per_reactor), remarks)
}

/// The hard RLIMIT_NOFILE, to which every ring raises its own.
fn files_max() -> Result<u64> {
    let limits = fs::read_to_string("/proc/self/limits")?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let hard = line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok());
    hard.ok_or_else(|| "no limit of open files in /proc/self/limits".into())
}

/// The most that was in use while something went on.
#[derive(Clone, Copy, Debug, Default)]
struct Peak {
    /// Of the server, in RAM.
    server: u64,
    /// Of the generator, in RAM.
    generator: u64,
    /// Of the kernel's own objects.
    slab: u64,
    /// From the beginning to when all connections were open.
    open_after: Option<Duration>,
}

/// Does something while looking at memory, and for so many connected sockets, once a second.
fn watched<T>(server: u32, sockets: u64, work: impl FnOnce() -> Result<T>) -> Result<(T, Peak)> {
    let over = AtomicBool::new(false);
    let begun = Instant::now();
    thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let mut peak = Peak::default();
            while !over.load(Ordering::Acquire) {
                peak.server = peak.server.max(host::resident_bytes(server));
                peak.generator = peak.generator.max(generator_bytes());
                peak.slab = peak.slab.max(Memory::now().slab);
                if peak.open_after.is_none() && tcp_sockets() >= sockets {
                    peak.open_after = Some(begun.elapsed());
                }
                thread::park_timeout(Duration::from_secs(1));
            }
            peak
        });
        let done = work();
        over.store(true, Ordering::Release);
        watch.thread().unpark();
        let peak = watch.join().map_err(|_| "memory can't be watched")?;
        Ok((done?, peak))
    })
}

/// TCP sockets in use, of all programs.
fn tcp_sockets() -> u64 {
    let counts = fs::read_to_string("/proc/net/sockstat").unwrap_or_default();
    let tcp = counts.lines().find_map(|line| line.strip_prefix("TCP: inuse "));
    tcp.and_then(|line| line.split(' ').next()?.parse().ok()).unwrap_or(0)
}

/// What generators of ours have in RAM: our grandchild, beneath `timeout`.
fn generator_bytes() -> u64 {
    let children = |pid: u32| {
        let path = format!("/proc/{pid}/task/{pid}/children");
        let list = fs::read_to_string(path).unwrap_or_default();
        list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<u32>>()
    };
    let beneath = children(std::process::id()).into_iter().flat_map(children);
    beneath.map(host::resident_bytes).sum()
}

fn table(result: &Value, people: u64, reactors: u64, before: &Memory, peak: &Peak) -> String {
    let figure = |name: &str| result["figures"][name].as_f64().unwrap_or(f64::NAN);
    let latency = |name: &str| result["latencies"]["relay"][name].as_f64().unwrap_or(f64::NAN);
    let list = |key: &str| {
        let lines = result[key].as_array().into_iter().flatten().filter_map(Value::as_str);
        lines.map(|line| format!("\n- {key}: {line}")).collect::<String>()
    };
    let mb = |bytes: u64| shown(bytes as f64 / 1e6, 0);
    let seconds = peak.open_after.map(|took| shown(took.as_secs_f64(), 0));
    let seconds = seconds.unwrap_or_else(|| "not seen".into());
    let rows = [
        ("people connected, matched in pairs, all at once", shown(people as f64, 0)),
        ("reactors of the server, and as many of the generator", reactors.to_string()),
        ("seconds until all were connected", seconds),
        ("connections lost (bar: 0)", shown(figure("connections_lost"), 0)),
        ("messages a second, open loop", shown(figure("messages_per_second"), 0)),
        ("messages lost (bar: 0)", shown(figure("messages_lost"), 0)),
        (
            "… doubled, foreign",
            format!(
                "{}, {}",
                shown(figure("messages_doubled"), 0),
                shown(figure("messages_foreign"), 0)
            ),
        ),
        ("p50 ms", shown(latency("p50_us") / 1e3, 2)),
        ("p99 ms", shown(latency("p99_us") / 1e3, 2)),
        (
            "CPU µs a message, all that goes on included",
            shown(figure("server_cpu_us_per_message"), 1),
        ),
        ("server, MB resident at the most (bar: 512)", mb(peak.server)),
        ("generator, MB resident at the most", mb(peak.generator)),
        (
            "kernel objects of both ends, MB more than before",
            mb(peak.slab.saturating_sub(before.slab)),
        ),
    ];
    let rows = rows.map(|(what, number)| format!("| {what} | {number} |\n"));
    format!("| | |\n|---|--:|\n{}{}{}\n", rows.concat(), list("faults"), list("invalid"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_machine_has_fewer_people_and_says_so() {
        let (people, reactors, remarks) = plan(1_000_000, 24 << 30, 20_000);
        assert_eq!((people, reactors), (1_000_000, 59));
        assert!(remarks.is_empty());
        let (people, _, remarks) = plan(1_000_000, 2 << 30, 20_000);
        assert_eq!(people, 161_060);
        assert_eq!(remarks.len(), 1);
    }

    #[test]
    fn a_large_table_needs_few_reactors() {
        assert_eq!(plan(1_000_000, 1 << 40, 1 << 20).1, 2);
        assert!(files_max().unwrap() > 0);
    }
}
