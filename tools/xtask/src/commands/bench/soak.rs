//! `cargo xtask bench soak`: people come, meet, talk and go for half an hour, and the engine must be
//! as it was: its memory level, no socket and no file left over, nothing lost.
//!
//! Two crowds live in it at once, as `bench/models/people.toml` says: most of them plain and in the
//! moderated lane, a third over TLS and in the unmoderated one, so that neither meets the other's.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::document;
use super::host::{self, Host};
use super::table::shown;
use crate::Result;
use crate::checkout::Checkout;
use crate::process::{Ready, Task};
use crate::steps::Outcome;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// People, connected or away for the moment.
    #[arg(long, default_value_t = 15_000)]
    people: u64,
    /// Minutes measured; half as long, and ten at most, comes before: until then people have ever
    /// more that is remembered of them, as whom they met.
    #[arg(long, default_value_t = 30)]
    minutes: u64,
    /// How many times faster than the model they live.
    #[arg(long, default_value_t = 1)]
    hurry: u64,
    /// Print the table, and leave bench/RESULTS.md as it is.
    #[arg(long)]
    dry_run: bool,
}

/// How long and how much.
struct Course {
    /// Where the programs stand below the target folder.
    profile: &'static str,
    people: u64,
    hurry: u64,
    warm_up: Duration,
    measured: Duration,
    /// How much memory may grow, in percent: in ten minutes, or in all where that is less.
    growth_max: f64,
}

/// What came of it.
struct Soaked {
    crowds: [Value; 2],
    /// The engine's memory while it was measured, in bytes: when, and how much.
    memory: Vec<(Duration, u64)>,
    files: [usize; 2],
    sockets_left: u64,
    /// What the engine refused, by reason.
    refused: Vec<(String, u64)>,
}

/// How often memory is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// How long the engine has to let go of those who left.
const SETTLE_MAX: Duration = Duration::from_secs(15);

/// The window that growth is told for.
const TEN_MINUTES: f64 = 600.0;

const MODEL: &str = "bench/models/people.toml";

pub(crate) fn run(checkout: &Checkout, args: &Args) -> Result<ExitCode> {
    let packages = ["--package", "whisper-engine", "--package", "whisper-bench"];
    checkout.cargo(&["build", "--release"]).args(packages).run()?;
    let measured = Duration::from_secs(60 * args.minutes);
    let course = Course {
        profile: "release",
        people: args.people,
        hurry: args.hurry,
        warm_up: (measured / 2).min(Duration::from_secs(600)),
        measured,
        growth_max: 1.0,
    };
    let host = Host::this(checkout)?;
    let description = host.description(checkout);
    let soaked = soak(checkout, &course)?;
    let (table, faults) = (soaked.table(&course), soaked.faults(&course));
    let faults: String = faults.iter().map(|fault| format!("\n- **{fault}**")).collect();
    let body = format!("{description}\n\n{table}{faults}\n");
    println!("\n{body}");
    if !args.dry_run {
        document::write(checkout, "Soak", &body)?;
    }
    Ok(ExitCode::from(u8::from(!faults.is_empty())))
}

/// Less than a minute of it, by the engine as the tests have it: what is never given back shows.
pub(crate) fn short(checkout: &Checkout) -> Outcome {
    let course = Course {
        profile: "debug",
        people: 600,
        hurry: 20,
        warm_up: Duration::from_secs(15),
        measured: Duration::from_secs(30),
        growth_max: 5.0,
    };
    // With the features that the whole workspace asks for, as the tests were built.
    let build = ["build", "--workspace", "--bin", "whisper", "--bin", "whisper-bench"];
    let soaked = checkout.cargo(&build).run().and_then(|()| soak(checkout, &course));
    let judged = soaked.map(|soaked| (soaked.growth(), soaked.faults(&course)));
    match judged {
        Ok((growth, faults)) if faults.is_empty() => {
            Outcome::passed(format!("memory {growth:+.1} % in {} s", course.measured.as_secs()))
        }
        Ok((_, faults)) => Outcome::failed(faults.join("; ")),
        Err(error) => Err(error).into(),
    }
}

fn soak(checkout: &Checkout, course: &Course) -> Result<Soaked> {
    let folder = checkout.path("bench/out/soak");
    fs::create_dir_all(&folder)?;
    let whisper = checkout.target(course.profile).join("whisper");
    let engine = checkout
        .task(whisper)
        .args(["serve", "--listen", "127.0.0.1:0", "--exempt", "127.0.0.0/8", "--reactors", "2"])
        .args(["--tls-listen", "127.0.0.1:0", "--tls-self-signed", "--admin", "127.0.0.1:0"])
        .args(["--data-dir".into(), folder.join("data")])
        .start()?;
    let admin = engine.ready["admin"].as_str().ok_or("no address for operators")?.to_owned();
    let over_tls = engine.ready["tls"][0].as_str().ok_or("no address for TLS")?;
    let unmoderated = folder.join("unmoderated.toml");
    fs::write(&unmoderated, unmoderated_model(&fs::read_to_string(checkout.path(MODEL))?)?)?;

    let third = course.people / 3;
    let plain = crowd(checkout, course, &engine.address, course.people - third);
    let tls = crowd(checkout, course, over_tls, third).args([
        "--tls-insecure".into(),
        "--model".into(),
        unmoderated,
    ]);
    let files_before = open_files(&engine)?;
    let over = AtomicBool::new(false);
    let (crowds, memory) = thread::scope(|scope| {
        let watch = scope.spawn(|| watch(engine.process.pid(), course, &over));
        let crowds = [plain, tls].map(|task| scope.spawn(|| said(task).map_err(|e| e.to_string())));
        let crowds = crowds.map(|it| it.join().map_err(|_| "a crowd is lost")?);
        over.store(true, Ordering::Release);
        watch.thread().unpark();
        Ok::<_, crate::Error>((crowds, watch.join().map_err(|_| "memory can't be watched")?))
    })?;
    let [plain, tls] = crowds;
    let (files_after, sockets_left) = settled(&engine, &admin, files_before)?;
    let files = [files_before, files_after];
    let refused = refused(&admin)?;
    Ok(Soaked { crowds: [plain?, tls?], memory, files, sockets_left, refused })
}

/// People who live as the model says, on so many seconds.
fn crowd(checkout: &Checkout, course: &Course, target: &str, people: u64) -> Task {
    let seconds = |time: Duration| format!("{}s", time.as_secs());
    checkout
        .task(checkout.target(course.profile).join("whisper-bench"))
        .args(["churn", "--target", target, "--people", &people.to_string()])
        .args(["--hurry", &course.hurry.to_string(), "--json", "--quiet"])
        .args(["--secs", &seconds(course.measured), "--warm-up", &seconds(course.warm_up)])
}

fn said(task: Task) -> Result<Value> {
    let (out, complaint) = task.said()?;
    serde_json::from_str(&out).map_err(|_| format!("no result: {}", complaint.trim()).into())
}

/// The built-in model, but for its lane.
fn unmoderated_model(model: &str) -> Result<String> {
    let changed = model.replace("\nmoderated = true\n", "\nmoderated = false\n");
    if changed == model {
        return Err(format!("{MODEL} is not of the moderated lane").into());
    }
    Ok(changed)
}

/// The engine's memory from the end of the warm-up to the end of what is measured.
fn watch(pid: u32, course: &Course, over: &AtomicBool) -> Vec<(Duration, u64)> {
    let (begun, mut seen) = (Instant::now(), Vec::new());
    while !over.load(Ordering::Acquire) {
        thread::park_timeout(LOOK);
        let at = begun.elapsed();
        if at > course.warm_up && at <= course.warm_up + course.measured {
            seen.push((at, host::resident_bytes(pid)));
        }
    }
    seen
}

fn open_files(engine: &Ready) -> Result<usize> {
    Ok(fs::read_dir(format!("/proc/{}/fd", engine.process.pid()))?.count())
}

/// How many files the engine still has open, and sockets of people, once it has had the time to
/// close them.
fn settled(engine: &Ready, admin: &str, files_before: usize) -> Result<(usize, u64)> {
    let begun = Instant::now();
    loop {
        // In this order: to be asked for the one is a file more, for a moment.
        let (files, sockets) = (open_files(engine)?, sockets_open(admin)?);
        if (files <= files_before && sockets == 0) || begun.elapsed() > SETTLE_MAX {
            return Ok((files, sockets));
        }
        thread::sleep(LOOK);
    }
}

/// Sockets of people, as the engine itself counts them.
fn sockets_open(admin: &str) -> Result<u64> {
    let sockets = values(&scrape(admin)?, "whisper_sockets_open");
    if sockets.is_empty() {
        return Err("the engine tells nothing of its sockets".into());
    }
    Ok(sockets.iter().map(|(_, count)| count).sum())
}

/// What it refused, by reason.
fn refused(admin: &str) -> Result<Vec<(String, u64)>> {
    let mut by_reason = BTreeMap::new();
    for (labels, count) in values(&scrape(admin)?, "whisper_refused_total") {
        let reason = labels.split_once("reason=\"").and_then(|(_, rest)| rest.split_once('"'));
        let reason = reason.map_or("?", |(reason, _)| reason);
        *by_reason.entry(reason.to_owned()).or_default() += count;
    }
    by_reason.retain(|_, count| *count > 0);
    Ok(by_reason.into_iter().collect())
}

/// The numbers that the engine tells operators.
fn scrape(admin: &str) -> Result<String> {
    let mut stream = TcpStream::connect(admin)?;
    stream.set_read_timeout(Some(SETTLE_MAX))?;
    let head = format!("GET /metrics HTTP/1.1\r\nHost: {admin}\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes())?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    Ok(text)
}

/// The labels and values of a metric, wherever it counts whole things.
fn values(text: &str, name: &str) -> Vec<(String, u64)> {
    let value = |line: &str| {
        let (labels, value) = line.strip_prefix(name)?.strip_prefix('{')?.rsplit_once(' ')?;
        Some((labels.to_owned(), value.parse().ok()?))
    };
    text.lines().filter_map(value).collect()
}

impl Soaked {
    /// How much memory grew by the line that fits best, in percent of its mean: in ten minutes, or
    /// in all of the time where that is less.
    fn growth(&self) -> f64 {
        let points = self.memory.iter().map(|(at, bytes)| (at.as_secs_f64(), *bytes as f64));
        let window = match (self.memory.first(), self.memory.last()) {
            (Some((first, _)), Some((last, _))) => (*last - *first).as_secs_f64(),
            _ => 0.0,
        };
        let (slope, mean) = line(points.collect::<Vec<_>>().as_slice());
        100.0 * slope * window.min(TEN_MINUTES) / mean
    }

    /// Whether it levels off, or goes on.
    fn course_of_memory(&self) -> String {
        let last = self.memory.len().saturating_sub(1);
        let at = (0..=6).filter_map(|sixth| self.memory.get(last * sixth / 6));
        at.map(|(_, bytes)| shown(mb(*bytes), 1)).collect::<Vec<_>>().join(", ")
    }

    fn faults(&self, course: &Course) -> Vec<String> {
        let mut faults: Vec<String> = Vec::new();
        for crowd in &self.crowds {
            let named = crowd["faults"].as_array().into_iter().flatten();
            faults.extend(named.filter_map(Value::as_str).map(str::to_owned));
        }
        let growth = self.growth();
        if growth.is_nan() || growth > course.growth_max {
            faults.push(format!("memory grew by {growth:.1} % (at most {})", course.growth_max));
        }
        let [before, after] = self.files;
        if after > before {
            faults.push(format!("{after} files are open in the end, and {before} were before"));
        }
        if self.sockets_left > 0 {
            faults.push(format!("{} sockets are left when all have gone", self.sockets_left));
        }
        faults
    }

    fn table(&self, course: &Course) -> String {
        let sum = |pointer: &str| -> f64 {
            self.crowds.iter().filter_map(|crowd| crowd.pointer(pointer)?.as_f64()).sum()
        };
        let [before, after] = self.files;
        let refused = self.refused.iter().map(|(reason, count)| format!("{count} {reason}"));
        let refused = refused.collect::<Vec<_>>().join(", ");
        let rows = [
            ("people, two thirds plain, a third over TLS", shown(course.people as f64, 0)),
            ("minutes before, and measured", {
                let minutes = |time: Duration| shown(time.as_secs_f64() / 60.0, 1);
                format!("{}, {}", minutes(course.warm_up), minutes(course.measured))
            }),
            ("connections made in that time", shown(sum("/latencies/connect/count"), 0)),
            ("chats", shown(sum("/figures/chats"), 0)),
            ("messages", shown(sum("/figures/messages"), 0)),
            ("… lost, doubled, foreign", {
                let counts = ["lost", "doubled", "foreign"];
                counts.map(|it| shown(sum(&format!("/figures/messages_{it}")), 0)).join(", ")
            }),
            ("server, MB resident, at each sixth of the time", self.course_of_memory()),
            ("… most", shown(self.memory.iter().map(|it| it.1).max().map_or(f64::NAN, mb), 1)),
            ("… growth in 10 minutes, % (bar: 1)", shown(self.growth(), 2)),
            ("open files before and after", format!("{before}, {after}")),
            ("sockets left in the end (bar: 0)", self.sockets_left.to_string()),
            ("refused, by reason", if refused.is_empty() { "nothing".to_owned() } else { refused }),
        ];
        let rows = rows.map(|(what, number)| format!("| {what} | {number} |\n"));
        format!("| | |\n|---|--:|\n{}", rows.concat())
    }
}

fn mb(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// Slope and mean of the straight line that fits points best.
fn line(points: &[(f64, f64)]) -> (f64, f64) {
    let count = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
    let (x, y) = (mean(|point| point.0), mean(|point| point.1));
    let (mut over, mut under) = (0.0, 0.0);
    for point in points {
        over += (point.0 - x) * (point.1 - y);
        under += (point.0 - x).powi(2);
    }
    (over / under, y)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COURSE: Course = Course {
        profile: "debug",
        people: 10,
        hurry: 1,
        warm_up: Duration::ZERO,
        measured: Duration::from_secs(1800),
        growth_max: 1.0,
    };

    /// A run that took 100 MB to begin with, and so much more each second.
    fn grown_by(bytes_each_second: u64) -> Soaked {
        let fine = || serde_json::json!({ "faults": [], "figures": {} });
        let at =
            |second: u64| (Duration::from_secs(second), 100_000_000 + second * bytes_each_second);
        let memory = (0..1800).map(at).collect();
        Soaked {
            crowds: [fine(), fine()],
            memory,
            files: [9, 9],
            sockets_left: 0,
            refused: Vec::new(),
        }
    }

    #[test]
    fn what_leaks_is_told() {
        assert!(grown_by(0).faults(&COURSE).is_empty());
        assert!(grown_by(1_000).faults(&COURSE).is_empty(), "0.6 % in ten minutes");
        assert_eq!(grown_by(3_000).faults(&COURSE), ["memory grew by 1.8 % (at most 1)"]);
        let left = Soaked { files: [9, 10], sockets_left: 2, ..grown_by(0) };
        assert_eq!(left.faults(&COURSE).len(), 2);
        let lost = serde_json::json!({ "faults": ["3 messages lost"], "figures": {} });
        let lost = Soaked { crowds: [lost, Value::Null], ..grown_by(0) };
        assert_eq!(lost.faults(&COURSE), ["3 messages lost"]);
        let unseen = Soaked { memory: Vec::new(), ..grown_by(0) };
        assert_eq!(unseen.faults(&COURSE).len(), 1, "what wasn't measured isn't good");
    }

    #[test]
    fn numbers_are_found_by_their_names() {
        let text = "# TYPE a gauge\na{reactor=\"0\"} 2\na{reactor=\"1\"} 3\nab{x=\"y\"} 5\n";
        let found = values(text, "a");
        assert_eq!(found.iter().map(|(_, count)| count).sum::<u64>(), 5);
        assert_eq!(found[0].0, "reactor=\"0\"}");
    }

    #[test]
    fn only_the_lane_of_the_model_is_changed() {
        let model = "[search]\nmoderated = true\nrelax = 1\n";
        let changed = unmoderated_model(model).expect("it is moderated");
        assert_eq!(changed, "[search]\nmoderated = false\nrelax = 1\n");
        assert!(unmoderated_model(&changed).is_err());
    }
}
