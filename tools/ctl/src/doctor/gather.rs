//! Looks at the machine. What can't be seen is left out, and said to be unknown by whoever judges.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use whisper_reactor::{Config, Reactor};
use x509_parser::pem::Pem;

use super::services;
use super::settings::Settings;
use super::snapshot::{Certificate, Limits, Memory, SYSCTLS, Snapshot};

/// The unit whose limits count where no engine runs.
const UNIT: &str = "whisper.service";

/// Sockets of the reactor that is tried.
const SLOTS: u32 = 64;

/// Everything that is judged.
pub(super) fn gather(settings: &Settings) -> Snapshot {
    let sysctls = SYSCTLS.into_iter().filter_map(|name| Some((name, sysctl(name)?)));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let services::Answers { redis, postgres, nats } = services::ask(settings);
    Snapshot {
        kernel: sysctl("kernel.osrelease").unwrap_or_default(),
        reactor: try_reactor(),
        is_filtered: read("/proc/self/status").is_some_and(|it| it.contains("\nSeccomp:\t2")),
        limits: limits(),
        sysctls: sysctls.collect(),
        memory: memory(&read("/proc/meminfo").unwrap_or_default()),
        cores: thread::available_parallelism().map_or(1, |cores| cores.get() as u64),
        numa_nodes: numa_nodes(),
        is_clock_synchronized: is_clock_synchronized(),
        now: now.as_secs().try_into().unwrap_or(i64::MAX),
        certificates: settings
            .certificates()
            .map(|path| (path.display().to_string(), certificate(&path)))
            .collect(),
        redis,
        postgres,
        nats,
    }
}

/// Makes one as the engine does: its rings, their flags, every operation that it asks for.
fn try_reactor() -> Result<(), String> {
    let config = Config { slots: SLOTS, ..Config::default() };
    Reactor::new(config).map(drop).map_err(|error| error.to_string())
}

/// Those of the engine that runs as a service; or else what its unit says; or else our own.
fn limits() -> Limits {
    let shown = |property: &str| {
        let mut systemctl = Command::new("systemctl");
        let said =
            systemctl.args(["show", "--value", "--property", property, UNIT]).output().ok()?;
        Some(String::from_utf8_lossy(&said.stdout).trim().to_owned()).filter(|it| !it.is_empty())
    };
    let of_process = |pid: &str| {
        let text = read(&format!("/proc/{pid}/limits"))?;
        let hard = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name))?;
            Some(bound(line.split_whitespace().nth(1)?))
        };
        Some((hard("Max open files")?, hard("Max locked memory")?))
    };
    let runs = shown("MainPID").filter(|pid| pid != "0");
    if let Some((files, locked)) = runs.as_deref().and_then(of_process) {
        return Limits { of: "the engine that runs".into(), files, locked };
    }
    if shown("LoadState").as_deref() == Some("loaded")
        && let (Some(files), Some(locked)) = (shown("LimitNOFILE"), shown("LimitMEMLOCK"))
    {
        return Limits { of: UNIT.into(), files: bound(&files), locked: bound(&locked) };
    }
    let (files, locked) = of_process("self").unwrap_or((u64::MAX, u64::MAX));
    Limits { of: "this shell".into(), files, locked }
}

/// A limit as text: a number, or a word for none.
fn bound(text: &str) -> u64 {
    text.parse().unwrap_or(u64::MAX)
}

fn memory(meminfo: &str) -> Memory {
    let field = |name: &str| {
        let line = meminfo.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kib| kib << 10)
    };
    Memory {
        total: field("MemTotal:").unwrap_or(0),
        available: field("MemAvailable:").unwrap_or(0),
    }
}

fn numa_nodes() -> u64 {
    let nodes = fs::read_dir("/sys/devices/system/node").into_iter().flatten().flatten();
    let is_node = |name: &str| {
        let number = name.strip_prefix("node");
        number.is_some_and(|it| !it.is_empty() && it.bytes().all(|byte| byte.is_ascii_digit()))
    };
    nodes.filter(|entry| entry.file_name().to_str().is_some_and(is_node)).count() as u64
}

fn is_clock_synchronized() -> Option<bool> {
    let mut timedatectl = Command::new("timedatectl");
    let said =
        timedatectl.args(["show", "--value", "--property", "NTPSynchronized"]).output().ok()?;
    match String::from_utf8_lossy(&said.stdout).trim() {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    }
}

/// The first of a file is the engine's own; the others lead to whoever is trusted.
fn certificate(path: &Path) -> Result<Certificate, String> {
    let pem = fs::read(path).map_err(|error| error.to_string())?;
    let first = Pem::iter_from_buffer(&pem).next().ok_or("there is none in it")?;
    let first = first.map_err(|error| error.to_string())?;
    let certificate = first.parse_x509().map_err(|error| error.to_string())?;
    let validity = certificate.validity();
    Ok(Certificate { from: validity.not_before.timestamp(), until: validity.not_after.timestamp() })
}

fn sysctl(name: &str) -> Option<String> {
    read(&format!("/proc/sys/{}", name.replace('.', "/")))
}

fn read(path: &str) -> Option<String> {
    fs::read_to_string(path).ok().map(|text| text.trim().to_owned())
}
