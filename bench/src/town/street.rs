//! A network of our own: a street that this process moves into, and houses on it, each with one
//! cable that can be pulled.
//!
//! All are network namespaces that nothing but our own threads keeps: they are gone with this
//! process, however it ends, and nothing of the machine's own network is touched. Who may make none
//! makes them in a user namespace of their own, as its root, where the system lets them.

use std::fs;
use std::io::{self, Write as _};
use std::net::Ipv4Addr;
use std::process::{self, Command, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use nix::sched::{CloneFlags, unshare};
use nix::unistd::{getegid, geteuid, gettid};
use thiserror::Error;

use super::program;

/// The street's own address; those of the houses follow.
const FIRST: [u8; 4] = [10, 77, 0, 1];

/// The most houses that there may be.
const HOUSES_MAX: u8 = 200;

/// Why there is no network.
#[derive(Debug, Error)]
pub(crate) enum StreetError {
    /// The system lets us have no namespace, or no say in it. Holds what it refused.
    #[error(
        "this needs network namespaces, and the system lets us make none ({0}): be root; or let \
         everybody make them in user namespaces of their own, by user.max_user_namespaces above 0, \
         and kernel.apparmor_restrict_unprivileged_userns=0 or kernel.unprivileged_userns_clone=1 \
         where there is such a sysctl; a container needs CAP_SYS_ADMIN and CAP_NET_ADMIN"
    )]
    NotAllowed(String),
    /// The program that sets networks up is not there.
    #[error("can't start ip: {0}; apt-get install iproute2")]
    NoIp(io::Error),
    /// It doesn't do what it is told.
    #[error("ip: {0}")]
    Refused(String),
    /// The system's.
    #[error("can't make a network: {0}")]
    Io(#[from] io::Error),
    /// There are too many houses.
    #[error("at most {HOUSES_MAX} houses")]
    Full,
}

/// The street: a bridge. Whoever this thread starts from now on lives on it.
#[derive(Debug)]
pub(crate) struct Street {
    houses: u8,
}

impl Street {
    /// Moves this thread from the machine's network to one of its own, by what this process may do,
    /// or else as root of a user namespace of its own. For that it must be called before any other
    /// thread is started.
    ///
    /// # Errors
    /// [`StreetError::NotAllowed`] says what to do.
    pub(crate) fn move_in() -> Result<Self, StreetError> {
        match leave_for(CloneFlags::CLONE_NEWNET).and_then(|()| pave()) {
            Err(StreetError::NotAllowed(_)) => be_root().and_then(|()| pave())?,
            other => other?,
        }
        Ok(Self { houses: 0 })
    }

    /// Another house, with a cable to the street.
    ///
    /// # Errors
    /// Where it can't be built.
    pub(crate) fn build(&mut self) -> Result<House, StreetError> {
        if self.houses == HOUSES_MAX {
            return Err(StreetError::Full);
        }
        self.houses += 1;
        let [a, b, c, own] = FIRST;
        let address = Ipv4Addr::new(a, b, c, own + self.houses);
        let cable = format!("cable{}", self.houses);
        let (jobs, to_do) = mpsc::channel();
        let (tell, told) = mpsc::sync_channel(1);
        thread::Builder::new().name(format!("house-{}", self.houses)).spawn(move || {
            let moved = leave_for(CloneFlags::CLONE_NEWNET);
            // Nobody waits for it where the street is gone.
            let _ = tell.send(moved.map(|()| gettid()));
            live(&to_do);
        })?;
        let thread = told.recv().map_err(io::Error::other)??;
        let there = format!("/proc/{}/task/{thread}/ns/net", process::id());
        ip(&format!(
            "link add {cable} type veth peer name door netns {there}\n\
             link set {cable} master street\nlink set {cable} up\n"
        ))?;
        let house = House { address, cable, jobs };
        house.do_there(move || {
            ip(&format!("link set lo up\naddr add {address}/24 dev door\nlink set door up\n"))
        })??;
        Ok(house)
    }
}

/// A thread with a network of its own.
#[derive(Debug)]
pub(crate) struct House {
    address: Ipv4Addr,
    cable: String,
    jobs: Sender<Job>,
}

type Job = Box<dyn FnOnce() + Send>;

impl House {
    /// Its address on the street.
    pub(crate) fn address(&self) -> Ipv4Addr {
        self.address
    }

    /// Does something there, as starting a program, and waits for it.
    ///
    /// # Errors
    /// Where nobody is there any more.
    pub(crate) fn do_there<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> io::Result<T> {
        let (tell, told) = mpsc::sync_channel(1);
        let job: Job = Box::new(move || drop(tell.send(job())));
        self.jobs.send(job).map_err(|_| io::Error::other("the house is gone"))?;
        told.recv().map_err(io::Error::other)
    }

    /// Puts its cable in, or pulls it. To be called on the street.
    ///
    /// # Errors
    /// What `ip` says.
    pub(crate) fn connect(&self, connected: bool) -> Result<(), StreetError> {
        let state = if connected { "up" } else { "down" };
        ip(&format!("link set {} {state}\n", self.cable))
    }
}

/// What the thread of a house does, until nobody knows the house any more.
fn live(to_do: &Receiver<Job>) {
    while let Ok(job) = to_do.recv() {
        job();
    }
}

/// Moves this thread to namespaces of its own.
fn leave_for(namespaces: CloneFlags) -> Result<(), StreetError> {
    unshare(namespaces).map_err(|errno| StreetError::NotAllowed(format!("unshare: {errno}")))
}

/// Moves this process to a user namespace where it is root, and to a network of that.
fn be_root() -> Result<(), StreetError> {
    let (user, group) = (geteuid(), getegid());
    leave_for(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNET)?;
    let map = |file: &str, line: String| {
        let path = format!("/proc/self/{file}");
        fs::write(&path, line).map_err(|error| StreetError::NotAllowed(format!("{path}: {error}")))
    };
    map("setgroups", "deny".to_owned())?;
    map("uid_map", format!("0 {user} 1"))?;
    map("gid_map", format!("0 {group} 1"))
}

/// Lays the street, on the network of the calling thread.
fn pave() -> Result<(), StreetError> {
    let own = Ipv4Addr::from(FIRST);
    ip(&format!(
        "link set lo up\nlink add street type bridge\naddr add {own}/24 dev street\n\
         link set street up\n"
    ))
}

/// Tells `ip` to do all this, on the network of the calling thread.
fn ip(commands: &str) -> Result<(), StreetError> {
    let mut ip = Command::new(program("ip"))
        .args(["-batch", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(StreetError::NoIp)?;
    if let Some(mut stdin) = ip.stdin.take() {
        stdin.write_all(commands.as_bytes())?;
    }
    let output = ip.wait_with_output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    match output.status.success() {
        true => Ok(()),
        false if said.contains("not permitted") => {
            Err(StreetError::NotAllowed(format!("ip: {}", said.trim())))
        }
        false => Err(StreetError::Refused(said.into_owned())),
    }
}
