//! `cargo xtask services up|down`: Redis and PostgreSQL for use by hand, apart from any that the
//! machine runs: own ports, own folders under `.services/`, loopback only, no passwords.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::Result;
use crate::checkout::Checkout;
use crate::debian::{self, POSTGRESQL, REDIS};
use crate::process::Task;

const REDIS_PORT: &str = "16379";
const POSTGRES_PORT: &str = "15432";
/// Both the database and the role that owns it.
const POSTGRES_NAME: &str = "whisper";

#[derive(clap::Subcommand)]
pub(crate) enum Action {
    /// Start both, unless they run, and print their addresses.
    Up,
    /// Stop both. What they hold stays.
    Down,
}

pub(crate) fn run(checkout: &Checkout, action: Action) -> Result<ExitCode> {
    match action {
        Action::Up => {
            debian::need(checkout, &[REDIS, POSTGRESQL])?;
            start_redis(checkout)?;
            Postgres::at(checkout)?.start()?;
            println!("WHISPER_REDIS=redis://127.0.0.1:{REDIS_PORT}");
            let url =
                format!("postgres://{POSTGRES_NAME}@127.0.0.1:{POSTGRES_PORT}/{POSTGRES_NAME}");
            println!("WHISPER_REPORTS={url}");
        }
        Action::Down => {
            stop_redis(checkout)?;
            if debian::postgresql_bin().is_some() {
                Postgres::at(checkout)?.stop()?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn start_redis(checkout: &Checkout) -> Result {
    if redis_cli(checkout, "ping").succeeds() {
        println!("redis: runs already");
        return Ok(());
    }
    let folder = checkout.path(".services/redis");
    fs::create_dir_all(&folder)?;
    checkout
        .task("redis-server")
        .args(["--bind", "127.0.0.1", "--port", REDIS_PORT, "--daemonize", "yes"])
        .args(["--logfile", "redis.log", "--dir"])
        .args([folder])
        .run()?;
    wait_until("redis answers", || redis_cli(checkout, "ping").succeeds())?;
    println!("redis: started");
    Ok(())
}

fn stop_redis(checkout: &Checkout) -> Result {
    if !redis_cli(checkout, "ping").succeeds() {
        println!("redis: did not run");
        return Ok(());
    }
    redis_cli(checkout, "shutdown").output()?;
    wait_until("redis is gone", || !redis_cli(checkout, "ping").succeeds())?;
    println!("redis: stopped");
    Ok(())
}

fn redis_cli(checkout: &Checkout, command: &str) -> Task {
    checkout.task("redis-cli").args(["-p", REDIS_PORT, command])
}

/// A PostgreSQL of our own. It refuses to run as root; there, the user `postgres` that its Debian
/// package made runs it.
struct Postgres<'a> {
    checkout: &'a Checkout,
    bin: PathBuf,
    folder: PathBuf,
}

impl<'a> Postgres<'a> {
    fn at(checkout: &'a Checkout) -> Result<Self> {
        let bin = debian::postgresql_bin().ok_or("PostgreSQL is not installed")?;
        Ok(Self { checkout, bin, folder: checkout.path(".services/postgres") })
    }

    fn start(&self) -> Result {
        if self.runs() {
            println!("postgres: runs already");
            return Ok(());
        }
        if !self.folder.join("PG_VERSION").is_file() {
            self.create()?;
        }
        let options = format!("-p {POSTGRES_PORT} -h 127.0.0.1 -c unix_socket_directories=''");
        self.program("pg_ctl")
            .args(["start", "--silent", "--wait", "--options", &options, "--log", "postgres.log"])
            .args([Path::new("--pgdata"), &self.folder])
            .run()?;
        let there = format!("SELECT 1/count(*) FROM pg_database WHERE datname = '{POSTGRES_NAME}'");
        let address = ["-h", "127.0.0.1", "-p", POSTGRES_PORT, "-U", POSTGRES_NAME];
        if !self.program("psql").args(address).args(["-d", "postgres", "-c", &there]).succeeds() {
            self.program("createdb").args(address).args([POSTGRES_NAME]).run()?;
        }
        println!("postgres: started");
        Ok(())
    }

    fn stop(&self) -> Result {
        if !self.runs() {
            println!("postgres: did not run");
            return Ok(());
        }
        self.program("pg_ctl")
            .args(["stop", "--silent", "--wait", "--mode", "fast"])
            .args([Path::new("--pgdata"), &self.folder])
            .run()?;
        println!("postgres: stopped");
        Ok(())
    }

    fn runs(&self) -> bool {
        let status = self.program("pg_ctl").args(["status", "--pgdata"]);
        self.folder.is_dir() && status.args([&self.folder]).succeeds()
    }

    fn create(&self) -> Result {
        fs::create_dir_all(&self.folder)?;
        if debian::is_root() {
            self.checkout.task("chown").args(["postgres:"]).args([&self.folder]).run()?;
        }
        self.program("initdb")
            .args(["--auth", "trust", "--encoding", "UTF8", "--username", POSTGRES_NAME])
            .args([Path::new("--pgdata"), &self.folder])
            .output()
            .map(drop)
    }

    /// One of its programs, in its folder, as a user that it accepts.
    fn program(&self, name: &str) -> Task {
        let program = self.bin.join(name);
        let task = if debian::is_root() {
            self.checkout.task("runuser").args(["-u", "postgres", "--"]).args([program])
        } else {
            self.checkout.task(program)
        };
        task.folder(&self.folder)
    }
}

/// Waits for something that takes a moment; at most ten seconds.
fn wait_until(what: &str, done: impl Fn() -> bool) -> Result {
    let until = Instant::now() + Duration::from_secs(10);
    while !done() {
        if Instant::now() > until {
            return Err(format!("waited ten seconds, in vain, until {what}").into());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}
