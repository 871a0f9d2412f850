//! Bad machines, one fault each, and what is said of them.

use whisper_store::reports::PostgresAbout;

use super::checks::{Finding, Level, judge};
use super::settings::Settings;
use super::snapshot::{Certificate, Limits, Memory, Nats, Redis, Snapshot};

const DAY: i64 = 24 * 3_600;
const NOW: i64 = 20_000 * DAY;
const MILLION: u64 = 1_000_000;

/// A machine that a million people fit on.
fn fine() -> Snapshot {
    let redis = Redis {
        version: "7.0.15".into(),
        is_master: true,
        maxmemory_policy: Some("noeviction".into()),
    };
    Snapshot {
        kernel: "6.18.44-amd64".into(),
        reactor: Ok(()),
        is_filtered: false,
        limits: Limits { of: "whisper.service".into(), files: 1 << 20, locked: 512 << 20 },
        sysctls: [
            ("kernel.io_uring_disabled", "0"),
            ("net.core.somaxconn", "4096"),
            ("net.core.netdev_max_backlog", "16384"),
            ("net.ipv4.tcp_mem", "282948\t377265\t565896"),
            ("fs.file-max", "9223372036854775807"),
        ]
        .map(|(name, value)| (name, value.to_owned()))
        .into(),
        memory: Memory { total: 24 << 30, available: 20 << 30 },
        cores: 16,
        numa_nodes: 1,
        is_clock_synchronized: Some(true),
        now: NOW,
        certificates: vec![("a.pem".into(), Ok(lasting(NOW - 10 * DAY, 90)))],
        redis: vec![("redis://127.0.0.1:6379".into(), Ok(redis))],
        postgres: Some(Ok(PostgresAbout {
            version: 150_012,
            is_read_only: false,
            may_create_tables: true,
        })),
        nats: vec![(
            "nats://127.0.0.1:4222".into(),
            Ok(Nats { version: "2.9.10".into(), lacks_login: false, payload_max: 1 << 20 }),
        )],
    }
}

fn lasting(from: i64, days: i64) -> Certificate {
    Certificate { from, until: from + days * DAY }
}

fn settings() -> Settings {
    toml::from_str("tls.cert = [\"a.pem\"]\n[people]\nper_reactor = 65536\n").expect("settings")
}

/// What isn't good of a machine that is fine but for this.
#[track_caller]
fn faults(change: impl FnOnce(&mut Snapshot)) -> Vec<Finding> {
    let mut seen = fine();
    change(&mut seen);
    let mut findings = judge(&seen, &settings(), MILLION);
    findings.retain(|finding| finding.level != Level::Good);
    findings
}

/// That there is one, of this, so bad, with this in the line that mends it.
#[track_caller]
fn one_fault(level: Level, of: &str, mend: &str, change: impl FnOnce(&mut Snapshot)) {
    let found = faults(change);
    let [fault] = &found[..] else { panic!("{found:?}") };
    assert_eq!((fault.level, fault.of), (level, of), "{fault:?}");
    let said = fault.mend.as_deref().expect("every fault has one");
    assert!(said.contains(mend), "{said}");
}

#[test]
fn a_fine_machine_is_fine() {
    let found = faults(|_| {});
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn kernels_that_are_old_or_shut_are_told() {
    use Level::{Failure, Warning};
    for old in ["6.1.0-44-amd64", "5.15.0", "6.6.9"] {
        one_fault(Failure, "kernel", "backports", |seen| seen.kernel = old.into());
    }
    for new in ["6.7.0", "7.0.1-rc1", "10.2"] {
        assert!(faults(|seen| seen.kernel = new.into()).is_empty(), "{new}");
    }
    one_fault(Warning, "kernel", "uname", |seen| seen.kernel = "hurd".into());
    for level in ["1", "2"] {
        one_fault(Failure, "io_uring", "kernel.io_uring_disabled=0", |seen| {
            seen.sysctls.insert("kernel.io_uring_disabled", level.into());
            seen.reactor = Err("io_uring is disabled".into());
        });
    }
    one_fault(Failure, "io_uring", "same words", |seen| {
        seen.reactor = Err("this kernel's io_uring lacks MSG_RING".into());
    });
    one_fault(Warning, "io_uring", "container", |seen| seen.is_filtered = true);
}

#[test]
fn a_machine_that_is_too_small_is_told_with_the_size_it_has() {
    use Level::{Failure, Warning};
    one_fault(Failure, "sockets", "LimitNOFILE=1048576", |seen| seen.limits.files = 1_024);
    one_fault(Failure, "sockets", "people.per_reactor = 500512", |seen| seen.cores = 2);
    one_fault(Failure, "locked memory", "LimitMEMLOCK=16M", |seen| seen.limits.locked = 8 << 20);
    assert!(
        faults(|seen| {
            seen.limits.locked = 8 << 20;
            seen.kernel = "6.12.0".into();
        })
        .is_empty(),
        "rings weren't counted then"
    );
    // A million at 4,839 bytes each and the reserve are 5,126 MiB.
    one_fault(Failure, "memory", "at most 776", |seen| seen.memory.total = 4 << 30);
    one_fault(Warning, "memory", "ps aux", |seen| seen.memory.available = 5 << 30);
    one_fault(Failure, "fs.file-max", "fs.file-max=1065536", |seen| {
        seen.sysctls.insert("fs.file-max", "100000".into());
    });
    one_fault(Warning, "net.ipv4.tcp_mem", "'125000 187500 250000'", |seen| {
        seen.sysctls.insert("net.ipv4.tcp_mem", "1 2 200000".into());
    });
    one_fault(Warning, "net.core.somaxconn", "=4096", |seen| {
        seen.sysctls.insert("net.core.somaxconn", "128".into());
    });
    one_fault(Warning, "net.core.netdev_max_backlog", "=16384", |seen| {
        seen.sysctls.insert("net.core.netdev_max_backlog", "1000".into());
    });
    one_fault(Failure, "conntrack", "nf_conntrack_max=1200000", |seen| {
        seen.sysctls.insert("net.netfilter.nf_conntrack_max", "262144".into());
    });
    one_fault(Warning, "NUMA", "whisper@0", |seen| seen.numa_nodes = 2);
    one_fault(Warning, "clock", "timesyncd", |seen| seen.is_clock_synchronized = Some(false));
    one_fault(Warning, "clock", "timedatectl", |seen| seen.is_clock_synchronized = None);
}

#[test]
fn few_people_need_little() {
    let mut seen = fine();
    seen.cores = 1;
    seen.limits.files = 10_600;
    seen.memory = Memory { total: 1 << 30, available: 1 << 30 };
    seen.sysctls.insert("net.netfilter.nf_conntrack_max", "16384".into());
    seen.sysctls.insert("net.core.netdev_max_backlog", "1000".into());
    let worst = judge(&seen, &settings(), 10_000).iter().map(|it| it.level).max();
    assert_eq!(worst, Some(Level::Good));
}

#[test]
fn certificates_are_told_while_there_is_time() {
    use Level::{Failure, Warning};
    let with = |certificate: Certificate| {
        move |seen: &mut Snapshot| {
            seen.certificates = vec![("a.pem".into(), Ok(certificate))];
        }
    };
    one_fault(Warning, "certificate", "renew", with(lasting(NOW - 80 * DAY, 90)));
    one_fault(Failure, "certificate", "renew", with(lasting(NOW - 90 * DAY, 90)));
    one_fault(Failure, "certificate", "clock", with(lasting(NOW + 1, 90)));
    // One of six days isn't told of all its life.
    assert!(faults(with(lasting(NOW - 4 * DAY, 6))).is_empty());
    one_fault(Warning, "certificate", "renew", with(lasting(NOW - 5 * DAY, 6)));
    one_fault(Failure, "certificate", "PEM", |seen| {
        seen.certificates = vec![("a.pem".into(), Err("there is none in it".into()))];
    });
}

#[test]
fn stores_that_lose_or_refuse_are_told() {
    use Level::{Failure, Warning};
    fn redis(seen: &mut Snapshot) -> &mut Redis {
        seen.redis[0].1.as_mut().expect("it answers")
    }
    fn postgres(seen: &mut Snapshot) -> &mut PostgresAbout {
        seen.postgres.as_mut().and_then(|it| it.as_mut().ok()).expect("it answers")
    }
    one_fault(Warning, "Redis", "serves without it", |seen| {
        seen.redis[0].1 = Err("Connection refused".into());
    });
    one_fault(Failure, "Redis", "newer", |seen| redis(seen).version = "5.0.14".into());
    one_fault(Failure, "Redis", "master", |seen| redis(seen).is_master = false);
    one_fault(Warning, "Redis", "noeviction", |seen| {
        redis(seen).maxmemory_policy = Some("allkeys-lru".into());
    });
    assert!(faults(|seen| redis(seen).maxmemory_policy = None).is_empty(), "not ours to see");
    one_fault(Warning, "PostgreSQL", "wait on disk", |seen| {
        seen.postgres = Some(Err("connection refused".into()));
    });
    one_fault(Failure, "PostgreSQL", "primary", |seen| postgres(seen).is_read_only = true);
    one_fault(Failure, "PostgreSQL", "GRANT", |seen| postgres(seen).may_create_tables = false);
    one_fault(Warning, "PostgreSQL", "14", |seen| postgres(seen).version = 110_022);
    one_fault(Warning, "NATS", "by itself", |seen| {
        seen.nats[0].1 = Err("Connection refused".into());
    });
    one_fault(Failure, "NATS", "USER:PASSWORD", |seen| {
        seen.nats[0].1.as_mut().expect("it answers").lacks_login = true;
    });
    one_fault(Failure, "NATS", "max_payload", |seen| {
        seen.nats[0].1.as_mut().expect("it answers").payload_max = 64 << 10;
    });
}
