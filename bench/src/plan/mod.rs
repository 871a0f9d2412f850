//! What is to be done: whom to load, as how many people, from where, and in which phases.

mod load;
mod phases;
mod tls;

pub(crate) use self::load::{Arrivals, Load, PhaseWish, Segment, Spacing};
pub(crate) use self::phases::{Phase, Phases};
pub(crate) use self::tls::{Tls, TlsError};

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::Range;
use std::time::Instant;

use thiserror::Error;

use crate::cli::{Aim, Course, Sources, Wire, Writes};
use crate::measure::Watched;

/// Sockets of a ring beyond one for each person: a closed connection keeps its own for a moment.
const SLOTS_SPARE: usize = 64;

/// One in so many sockets is to spare where people come and go all the time.
const COME_AND_GO: usize = 16;

/// Connections on their way at once, of all reactors: fewer than any sensible listen backlog.
const ON_THE_WAY_MAX: usize = 512;

/// Whom to load, and who does.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Where the server listens, or each of several that act as one.
    pub(crate) targets: Vec<SocketAddr>,
    /// Where those go whom it sends elsewhere; None where nobody expects that.
    pub(crate) also: Option<SocketAddr>,
    /// The first target, as `Host` says it.
    pub(crate) host: String,
    /// What is spoken on a WebSocket.
    pub(crate) dialect: Dialect,
    /// How it is encrypted, if at all.
    pub(crate) tls: Option<Tls>,
    /// What becomes of several frames for one connection.
    pub(crate) writes: Writes,
    /// Whether to ask for the shard that serves a connection before it is upgraded.
    pub(crate) ask_shard: bool,
    /// The most people there will be at once.
    pub(crate) people: usize,
    /// Sockets of a ring beyond one for each person.
    pub(crate) spare: usize,
    /// How many of them, one after the other, must be in the hands of the same reactor.
    pub(crate) together: usize,
    /// How much is asked of them, and when.
    pub(crate) load: Load,
    /// Connections of one reactor that may be on their way at once.
    pub(crate) on_the_way_max: usize,
    /// Threads, each with a ring.
    pub(crate) reactors: usize,
    /// Whether there are so many because it takes so many.
    reactors_chosen: bool,
    /// Where those may run; anywhere if empty.
    pub(crate) cores: Vec<usize>,
    /// The server's process and numbers, where they are known.
    pub(crate) server: Watched,
    /// What times are counted from.
    pub(crate) epoch: Instant,
    /// From which nonces, masks, texts and the names of interests derive.
    pub(crate) seed: u64,
    sources: Sources,
}

/// What is spoken on a WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// The engine's messages; a person is ready when it has heard `connected`.
    Whisper,
    /// Frames as they come; a person is ready when the socket is.
    Bare,
}

/// Why a plan is not carried out.
#[derive(Clone, Debug, Error, PartialEq)]
pub(crate) enum PlanError {
    /// The target is another machine.
    #[error("{0} is not this machine; if you may load it, say --i-may-load-this-host")]
    NotLoopback(SocketAddr),
    /// There is nobody to load.
    #[error("no target")]
    NoTarget,
    /// There are several targets, and this knows what to do with one.
    #[error("this has people at one target only")]
    OneTarget,
    /// TLS can't be spoken.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A number makes no sense.
    #[error("{name} must be {must_be}")]
    Number {
        /// Which option.
        name: &'static str,
        /// What would do.
        must_be: String,
    },
}

impl Plan {
    /// A plan for so many people at level 1 of what the course of the load is.
    ///
    /// # Errors
    /// [`PlanError::NotLoopback`] where leave to load the target is needed and was not given;
    /// [`PlanError::Tls`] where TLS can't be spoken as asked for.
    pub(crate) fn new(aim: &Aim, wire: Wire, people: usize, load: Load) -> Result<Self, PlanError> {
        let targets = aim.targets.clone();
        targets.iter().try_for_each(|target| may_load(*target, aim))?;
        let &[target, ..] = &targets[..] else { return Err(PlanError::NoTarget) };
        let reactors = match aim.reactors {
            Some(reactors) => usize::from(reactors),
            None => reactors_for(people),
        };
        Ok(Self {
            targets,
            also: None,
            host: target.to_string(),
            dialect: if wire.peer.is_some() { Dialect::Bare } else { Dialect::Whisper },
            tls: Tls::new(&aim.encryption, &target.ip().to_canonical().to_string())?,
            writes: wire.writes,
            ask_shard: false,
            people,
            spare: SLOTS_SPARE,
            together: 1,
            load,
            on_the_way_max: ON_THE_WAY_MAX.div_ceil(reactors),
            reactors,
            reactors_chosen: aim.reactors.is_none(),
            cores: aim.cores.clone(),
            server: Watched { pids: aim.pids.clone(), metrics: aim.metrics.clone() },
            epoch: Instant::now(),
            seed: aim.telling.seed.0,
            sources: aim.sources.clone(),
        })
    }

    /// The target, where there must be but one.
    ///
    /// # Errors
    /// [`PlanError::OneTarget`] where there are others.
    pub(crate) fn one_target(&self) -> Result<SocketAddr, PlanError> {
        match self.targets[..] {
            [target] => Ok(target),
            _ => Err(PlanError::OneTarget),
        }
    }

    /// Has those whom the target sends elsewhere go there.
    ///
    /// # Errors
    /// [`PlanError::NotLoopback`], as for the target.
    pub(crate) fn sends_to(&mut self, also: SocketAddr, aim: &Aim) -> Result<(), PlanError> {
        may_load(also, aim)?;
        self.also = Some(also);
        Ok(())
    }

    /// Makes room for people who come and go all the time, with more reactors where it needs them
    /// and none were asked for: those who went keep their sockets for a moment.
    pub(crate) fn make_room(&mut self) {
        let more = self.people / COME_AND_GO;
        if self.reactors_chosen {
            self.reactors = reactors_for(self.people + more);
        }
        self.spare = SLOTS_SPARE + more.div_ceil(self.reactors);
    }

    /// The people of one reactor.
    pub(crate) fn share(&self, reactor: usize) -> Range<usize> {
        let groups = self.people / self.together;
        let first = |reactor: usize| match reactor == self.reactors {
            true => self.people,
            false => groups * reactor / self.reactors * self.together,
        };
        first(reactor)..first(reactor + 1)
    }

    /// How many sockets a reactor needs for its share.
    pub(crate) fn slots(&self, reactor: usize) -> usize {
        self.share(reactor).len() + self.spare
    }

    /// Where a person goes: each to the next of the targets, in turn.
    pub(crate) fn target(&self, person: usize) -> SocketAddr {
        self.targets[person % self.targets.len()]
    }

    /// The address that a person comes from; None where the system shall choose.
    pub(crate) fn source(&self, person: usize) -> Option<IpAddr> {
        let number = match &self.sources {
            Sources::Given(addresses) => return Some(addresses[person % addresses.len()]),
            Sources::OneEach => person as u32,
            Sources::Few(count) => person as u32 % count,
        };
        // Only this network is all ours.
        let IpAddr::V4(target) = self.target(person).ip() else { return None };
        target.is_loopback().then(|| loopback(number).into())
    }
}

impl From<&Course> for Load {
    fn from(course: &Course) -> Self {
        match course.phases.is_empty() {
            true => Self::constant(course.warm_up, course.secs),
            false => Self::of_phases(course.warm_up, &course.phases),
        }
    }
}

/// Whether we have leave to load this address.
fn may_load(target: SocketAddr, aim: &Aim) -> Result<(), PlanError> {
    match target.ip().to_canonical().is_loopback() || aim.i_may_load_this_host {
        true => Ok(()),
        false => Err(PlanError::NotLoopback(target)),
    }
}

/// As few reactors as have room for all.
fn reactors_for(people: usize) -> usize {
    // Where it can't be raised, making the reactor says what is wrong.
    let table = whisper_reactor::raise_file_limit().unwrap_or(1024) as usize;
    people.div_ceil(table.saturating_sub(SLOTS_SPARE).max(1)).max(1)
}

/// The loopback address of this number: `127.1.0.1` and on, without the network's last one.
fn loopback(number: u32) -> Ipv4Addr {
    const FIRST: u32 = u32::from_be_bytes([127, 1, 0, 1]);
    const LAST: u32 = u32::from_be_bytes([127, 255, 255, 254]);
    Ipv4Addr::from_bits(FIRST + number % (LAST - FIRST + 1))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use clap::Parser as _;

    use super::*;
    use crate::cli::{Cli, Command, Run};

    fn plan(options: &str, people: usize) -> Result<Plan, PlanError> {
        let line = format!("whisper-bench idle --target {options}");
        let Command::Run(Run::Idle(idle)) = Cli::parse_from(line.split(' ')).command else {
            panic!("no idle: {line}");
        };
        let load = Load::constant(Duration::ZERO, Duration::from_secs(1));
        Plan::new(&idle.aim, Wire::default(), people, load)
    }

    #[test]
    fn other_machines_are_left_alone() {
        for target in ["192.0.2.1:80", "0.0.0.0:80", "[2001:db8::1]:80"] {
            let refused = plan(target, 1).unwrap_err();
            assert_eq!(refused, PlanError::NotLoopback(target.parse().unwrap()));
        }
        for target in ["127.0.0.1:80", "127.9.9.9:80", "[::1]:80", "[::ffff:127.0.0.1]:80"] {
            assert!(plan(target, 1).is_ok());
        }
        let allowed = plan("192.0.2.1:80 --i-may-load-this-host", 1).unwrap();
        assert_eq!(allowed.source(0), None);
    }

    #[test]
    fn everybody_has_an_address_or_some_share() {
        let own = plan("127.0.0.1:80", 1).unwrap();
        assert_eq!(own.source(0), Some([127, 1, 0, 1].into()));
        assert_eq!(own.source(300), Some([127, 1, 1, 45].into()));
        let shared = plan("127.0.0.1:80 --sources 2", 1).unwrap();
        assert_eq!(shared.source(2), shared.source(0));
        assert_ne!(shared.source(1), shared.source(0));
        let given = plan("192.0.2.1:80 --i-may-load-this-host --sources 10.0.0.1,10.0.0.2", 1);
        assert_eq!(given.unwrap().source(3), Some([10, 0, 0, 2].into()));
        assert_eq!(plan("[::1]:80", 1).unwrap().source(0), None);
        let last = loopback(u32::from_be_bytes([0, 254, 255, 253]));
        assert_eq!(last, Ipv4Addr::new(127, 255, 255, 254));
    }

    #[test]
    fn reactors_share_the_people_in_whole_groups() {
        for (people, reactors) in [(10, 1), (10, 3), (4, 3), (1_000_000, 58), (2, 5)] {
            let options = format!("127.0.0.1:80 --reactors {reactors}");
            let plan = Plan { together: 2, ..plan(&options, people).unwrap() };
            let shares: Vec<_> = (0..reactors).map(|reactor| plan.share(reactor)).collect();
            assert_eq!(shares[0].start, 0);
            assert_eq!(shares[reactors - 1].end, people);
            assert!(shares.windows(2).all(|pair| pair[0].end == pair[1].start));
            assert!(shares.iter().all(|share| share.start % 2 == 0), "{shares:?}");
            let lens = shares.iter().map(|share| share.len());
            assert!(lens.clone().max().unwrap() - lens.min().unwrap() <= 2, "{shares:?}");
        }
        assert!(plan("127.0.0.1:80", 50_000_000).unwrap().reactors > 1, "one table is too small");
    }
}
