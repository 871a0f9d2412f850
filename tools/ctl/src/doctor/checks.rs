//! Judgements: each looks at one thing of a snapshot, and says what line mends it.
//!
//! What a person costs was measured; `docs/performance.md` tells how.

use serde_json::{Value, json};
use whisper_core::limits::{places_for, places_spare};
use whisper_store::reports::PostgresAbout;

use super::settings::Settings;
use super::snapshot::{Certificate, Nats, Redis, Snapshot};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    /// As it should be.
    Good,
    /// It goes, and could go better, or not for long.
    Warning,
    /// The engine can't serve so many people here.
    Failure,
}

impl Level {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Warning => "warning",
            Self::Failure => "failure",
        }
    }
}

/// What was found of one thing.
#[derive(Debug)]
pub(super) struct Finding {
    pub(super) level: Level,
    /// Of what.
    pub(super) of: &'static str,
    pub(super) found: String,
    /// What to do.
    pub(super) mend: Option<String>,
}

impl Finding {
    pub(super) fn to_json(&self) -> Value {
        let Self { level, of, found, mend } = self;
        json!({ "level": level.as_str(), "of": of, "found": found, "mend": mend })
    }
}

/// The first kernel with all that a ring is asked for.
const KERNEL_MIN: (u32, u32) = (6, 7);
/// The first kernel that counts rings as locked memory.
const KERNEL_COUNTS_RINGS: (u32, u32) = (6, 14);
/// The most sockets of one ring's table.
const TABLE_MAX: u64 = 1 << 20;
/// What a reactor's rings take of it, in bytes.
const RING_BYTES: u64 = 1 << 20;
/// What the kernel keeps for a quiet socket: itself, its poll, its place in the table.
const KERNEL_BYTES: u64 = 3_640 + 256 + 40;
/// What the engine keeps for somebody who chats.
const PERSON_BYTES: u64 = 640;
/// What TLS adds.
const TLS_BYTES: u64 = 263;
/// Connections that the engine lets wait on each listener.
const BACKLOG: u64 = 4_096;
/// Descriptors that all else on the machine may need.
const OTHER_FILES: u64 = 65_536;
/// A message between nodes may have 64 KiB and some.
const NATS_PAYLOAD_MIN: u64 = 128 << 10;
/// A certificate that ends so soon should have been renewed: seconds, or a part of its whole time.
const RENEW_BEFORE: i64 = 14 * 24 * 3_600;
const RENEW_PART: i64 = 5;
/// The oldest that client-side caching by prefix works with.
const REDIS_MIN: u32 = 6;
/// The oldest that its makers look after.
const POSTGRES_MIN: u32 = 14;

/// All that is to be said of a machine for so many people.
pub(super) fn judge(seen: &Snapshot, settings: &Settings, people: u64) -> Vec<Finding> {
    let reactors = settings.reactors.unwrap_or(seen.cores);
    let mut findings = vec![
        kernel(seen),
        io_uring(seen),
        sockets(seen, settings, reactors, people),
        locked_memory(seen, reactors),
        memory(seen, settings, people),
        files(seen, people),
        backlog(seen),
        packets(seen, people),
        tcp_memory(seen, people),
        conntrack(seen, people),
        numa(seen),
        clock(seen),
    ];
    findings.extend(seen.certificates.iter().map(|(path, it)| certificate(seen.now, path, it)));
    findings.extend(seen.redis.iter().map(|(address, it)| redis(address, it)));
    findings.extend(seen.postgres.as_ref().map(postgres));
    findings.extend(seen.nats.iter().map(|(address, it)| nats(address, it)));
    findings
}

fn good(of: &'static str, found: impl Into<String>) -> Finding {
    Finding { level: Level::Good, of, found: found.into(), mend: None }
}

fn warning(of: &'static str, found: impl Into<String>, mend: impl Into<String>) -> Finding {
    Finding { level: Level::Warning, of, found: found.into(), mend: Some(mend.into()) }
}

fn failure(of: &'static str, found: impl Into<String>, mend: impl Into<String>) -> Finding {
    Finding { level: Level::Failure, ..warning(of, found, mend) }
}

fn kernel(seen: &Snapshot) -> Finding {
    let of = "kernel";
    match seen.kernel_version() {
        Some(version) if version >= KERNEL_MIN => good(of, &seen.kernel),
        Some(_) => failure(
            of,
            format!("{} is older than {}.{}", seen.kernel, KERNEL_MIN.0, KERNEL_MIN.1),
            "boot a newer one; on Debian 12: apt install -t bookworm-backports linux-image-amd64",
        ),
        None => warning(of, format!("{}: what is that?", seen.kernel), "compare with `uname -r`"),
    }
}

fn io_uring(seen: &Snapshot) -> Finding {
    let of = "io_uring";
    let disabled = seen.sysctl("kernel.io_uring_disabled", 0).unwrap_or(0);
    if disabled > 0 {
        return failure(
            of,
            format!("kernel.io_uring_disabled = {disabled}"),
            "sysctl -w kernel.io_uring_disabled=0, and a line in /etc/sysctl.d",
        );
    }
    match &seen.reactor {
        Ok(()) if seen.is_filtered => warning(
            of,
            "tried, and works; but this shell is under a filter of system calls",
            "try again outside of the container: the engine's filter may be another",
        ),
        Ok(()) => good(of, "tried: every operation is there"),
        Err(why) => failure(of, why, "see `whisper serve`: it refuses with the same words"),
    }
}

fn sockets(seen: &Snapshot, settings: &Settings, reactors: u64, people: u64) -> Finding {
    let of = "sockets";
    let limits = &seen.limits;
    let table = settings.people.per_reactor.min(limits.files).min(TABLE_MAX);
    let most = reactors.saturating_mul(table - places_spare(table));
    let found = format!(
        "{reactors} reactors of {table} sockets, for {most} people (people.per_reactor = {}; {}: {} \
         files)",
        settings.people.per_reactor, limits.of, limits.files
    );
    if most >= people {
        return good(of, found);
    }
    let most_each = TABLE_MAX - places_spare(TABLE_MAX);
    let each = people.div_ceil(reactors.max(1));
    let mend = if each > most_each {
        format!("reactors = {}", people.div_ceil(most_each))
    } else {
        let table = places_for(each);
        match limits.files < table {
            true => {
                format!("LimitNOFILE={TABLE_MAX} in the unit, and people.per_reactor = {table}")
            }
            false => format!("people.per_reactor = {table}"),
        }
    };
    failure(of, found, mend)
}

fn locked_memory(seen: &Snapshot, reactors: u64) -> Finding {
    let of = "locked memory";
    let limits = &seen.limits;
    let wanted = reactors * RING_BYTES;
    let counted = seen.kernel_version().is_none_or(|version| version >= KERNEL_COUNTS_RINGS);
    if !counted || limits.locked >= wanted {
        return good(of, format!("{} of {} for rings", mib(limits.locked), limits.of));
    }
    failure(
        of,
        format!("{}: {}, and {reactors} rings need {}", limits.of, mib(limits.locked), mib(wanted)),
        format!("LimitMEMLOCK={}M in the unit", wanted >> 20),
    )
}

fn memory(seen: &Snapshot, settings: &Settings, people: u64) -> Finding {
    let of = "memory";
    let each = KERNEL_BYTES + PERSON_BYTES + if settings.has_tls() { TLS_BYTES } else { 0 };
    let reserve = settings.limits.memory_reserve_mib << 20;
    let wanted = people * each + reserve;
    let found = format!(
        "{} wanted ({each} B each, and {} kept free) of {}, {} of them available",
        mib(wanted),
        mib(reserve),
        mib(seen.memory.total),
        mib(seen.memory.available),
    );
    if wanted > seen.memory.total {
        let most = seen.memory.total.saturating_sub(reserve) / each;
        return failure(of, found, format!("more memory, or at most {most} people"));
    }
    if wanted > seen.memory.available {
        return warning(
            of,
            found,
            "see who else has it, unless it is the engine: `ps aux --sort -rss`",
        );
    }
    good(of, found)
}

fn files(seen: &Snapshot, people: u64) -> Finding {
    let of = "fs.file-max";
    let wanted = people + OTHER_FILES;
    // Sockets of rings take no number of a process; the kernel counts them all the same.
    match seen.sysctl(of, 0) {
        Some(most) if most < wanted => failure(
            of,
            format!("{most} open files on the machine"),
            format!("sysctl -w {of}={wanted}"),
        ),
        most => good(of, shown(most)),
    }
}

fn backlog(seen: &Snapshot) -> Finding {
    let of = "net.core.somaxconn";
    match seen.sysctl(of, 0) {
        Some(most) if most < BACKLOG => warning(
            of,
            format!("{most}: fewer newcomers may wait than the engine lets"),
            format!("sysctl -w {of}={BACKLOG}"),
        ),
        most => good(of, shown(most)),
    }
}

fn packets(seen: &Snapshot, people: u64) -> Finding {
    let of = "net.core.netdev_max_backlog";
    let wanted = if people >= 100_000 { 16_384 } else { 1_000 };
    match seen.sysctl(of, 0) {
        Some(most) if most < wanted => warning(
            of,
            format!("{most} packets may wait for a core"),
            format!("sysctl -w {of}={wanted}"),
        ),
        most => good(of, shown(most)),
    }
}

/// A page for every fourth person: quiet sockets keep nothing in their buffers.
fn tcp_memory(seen: &Snapshot, people: u64) -> Finding {
    let of = "net.ipv4.tcp_mem";
    let wanted = people / 4;
    match seen.sysctl(of, 2) {
        Some(most) if most < wanted => {
            let (low, pressure) = (wanted / 2, wanted / 4 * 3);
            warning(
                of,
                format!("at most {most} pages in the buffers of all sockets"),
                format!("sysctl -w {of}='{low} {pressure} {wanted}'"),
            )
        }
        most => good(of, format!("{} pages at the most", shown(most))),
    }
}

fn conntrack(seen: &Snapshot, people: u64) -> Finding {
    let of = "conntrack";
    let wanted = people + people / 5;
    match seen.sysctl("net.netfilter.nf_conntrack_max", 0) {
        None => good(of, "not loaded"),
        Some(most) if most < wanted => failure(
            of,
            format!("{most} connections on the machine; beyond that packets are dropped"),
            format!(
                "sysctl -w net.netfilter.nf_conntrack_max={wanted}, or `notrack` for the engine's ports"
            ),
        ),
        Some(most) => good(of, most.to_string()),
    }
}

fn numa(seen: &Snapshot) -> Finding {
    let of = "NUMA";
    match seen.numa_nodes {
        0 | 1 => good(of, "one node"),
        nodes => warning(
            of,
            format!("{nodes} nodes: reactors reach the memory of others by the interconnect"),
            "measure first; then whisper@0, whisper@1, …, each with a network card of its node",
        ),
    }
}

fn clock(seen: &Snapshot) -> Finding {
    let of = "clock";
    match seen.is_clock_synchronized {
        Some(true) => good(of, "synchronized"),
        Some(false) => warning(
            of,
            "not synchronized: bans end, and certificates too, by this clock",
            "apt install systemd-timesyncd, or chrony",
        ),
        None => warning(
            of,
            "nobody says whether it is synchronized",
            "apt install systemd-timesyncd; `timedatectl` then says",
        ),
    }
}

fn certificate(now: i64, path: &str, seen: &Result<Certificate, String>) -> Finding {
    let of = "certificate";
    let renew = "renew it (`certbot renew`), then `systemctl reload whisper`";
    let Certificate { from, until } = match seen {
        Ok(certificate) => *certificate,
        Err(why) => return failure(of, format!("{path}: {why}"), "a PEM file, its chain after it"),
    };
    let days = (until - now) / (24 * 3_600);
    if now < from {
        return failure(of, format!("{path}: not good yet"), "look at the clock, or wait");
    }
    if now >= until {
        return failure(of, format!("{path}: ended {} days ago", -days), renew);
    }
    // Of one that is made for six days, the last one is late; of one for ninety, the last fortnight.
    if until - now < RENEW_BEFORE.min((until - from) / RENEW_PART) {
        return warning(of, format!("{path}: ends in {days} days"), renew);
    }
    good(of, format!("{path}: good for {days} days"))
}

fn redis(address: &str, seen: &Result<Redis, String>) -> Finding {
    let of = "Redis";
    let Redis { version, is_master, maxmemory_policy } = match seen {
        Ok(redis) => redis,
        Err(why) => {
            return warning(
                of,
                format!("{address}: {why}"),
                "systemctl start redis-server, where it is to run; until then the engine serves without \
                 it, by the bans that it knows",
            );
        }
    };
    let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
    if major.is_some_and(|major| major < REDIS_MIN) {
        let found = format!("{address}: {version} doesn't tell of changes by prefix");
        return failure(of, found, format!("Redis {REDIS_MIN} or newer"));
    }
    if !is_master {
        return failure(of, format!("{address}: a replica"), "the address of its master");
    }
    match maxmemory_policy.as_deref() {
        Some(policy) if policy != "noeviction" => warning(
            of,
            format!("{address}: maxmemory-policy {policy} forgets bans when memory runs short"),
            "redis-cli CONFIG SET maxmemory-policy noeviction, and a line in redis.conf",
        ),
        _ => good(of, format!("{address}: {version}")),
    }
}

fn postgres(seen: &Result<PostgresAbout, String>) -> Finding {
    let of = "PostgreSQL";
    let PostgresAbout { version, is_read_only, may_create_tables } = match seen {
        Ok(postgres) => *postgres,
        Err(why) => {
            let mend = "systemctl start postgresql, where it is to run, or mend the URL; until then \
                        reports wait on disk";
            return warning(of, why, mend);
        }
    };
    let major = version / 10_000;
    if is_read_only {
        return failure(of, "read-only: a standby?", "the address of the primary");
    }
    if !may_create_tables {
        let mend = "GRANT CREATE ON SCHEMA public TO the user of the URL";
        return failure(of, "the user may not make tables", mend);
    }
    if major < POSTGRES_MIN {
        let found = format!("{major}: nobody looks after it any more");
        return warning(of, found, format!("{POSTGRES_MIN} or newer"));
    }
    good(of, major.to_string())
}

fn nats(address: &str, seen: &Result<Nats, String>) -> Finding {
    let of = "NATS";
    match seen {
        Err(why) => warning(
            of,
            format!("{address}: {why}"),
            "systemctl start nats-server, where it is to run, or mend the address in nats; until then \
             the node goes on by itself",
        ),
        Ok(Nats { lacks_login: true, .. }) => failure(
            of,
            format!("{address}: wants to know who it is"),
            "nats://USER:PASSWORD@HOST:PORT in nats, better as WHISPER_NATS in the environment file",
        ),
        Ok(Nats { payload_max, .. }) if *payload_max < NATS_PAYLOAD_MIN => failure(
            of,
            format!("{address}: takes messages of {payload_max} bytes, and nodes send larger ones"),
            format!("max_payload: {NATS_PAYLOAD_MIN} in its configuration, or more"),
        ),
        Ok(Nats { version, .. }) => good(of, format!("{address}: {version}")),
    }
}

fn shown(value: Option<u64>) -> String {
    value.map_or_else(|| "not known here".to_owned(), |value| value.to_string())
}

fn mib(bytes: u64) -> String {
    match bytes >> 20 {
        mib @ 0..=9_999 => format!("{mib} MiB"),
        mib if mib >> 10 > 1 << 20 => "without bound".to_owned(),
        mib => format!("{} GiB", mib >> 10),
    }
}
