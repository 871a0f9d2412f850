//! What is to be done: whom to load, as how many people, from where, and in which phases.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use thiserror::Error;

use crate::cli::{Aim, Sources};

/// How long what is under way may take to end.
const DRAIN_MAX: Duration = Duration::from_secs(5);

/// Whom to load, and who does.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Where the server listens.
    pub(crate) target: SocketAddr,
    /// The same, as `Host` says it.
    pub(crate) host: String,
    /// What is spoken on a WebSocket.
    pub(crate) dialect: Dialect,
    /// Whether to ask for the shard that serves a connection before it is upgraded.
    pub(crate) ask_shard: bool,
    /// The most people there will be at once.
    pub(crate) people: usize,
    /// From which nonces, masks and the names of interests derive. Another one every run.
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
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub(crate) enum PlanError {
    /// The target is another machine.
    #[error("{0} is not this machine; if you may load it, say --i-may-load-this-host")]
    NotLoopback(SocketAddr),
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
    /// A plan for so many people.
    ///
    /// # Errors
    /// [`PlanError::NotLoopback`] where leave to load the target is needed and was not given.
    pub(crate) fn new(aim: &Aim, dialect: Dialect, people: usize) -> Result<Self, PlanError> {
        let target = aim.target;
        if !target.ip().to_canonical().is_loopback() && !aim.i_may_load_this_host {
            return Err(PlanError::NotLoopback(target));
        }
        let host = target.to_string();
        let (sources, ask_shard) = (aim.sources, false);
        Ok(Self { target, host, dialect, ask_shard, people, seed: aim.telling.seed.0, sources })
    }

    /// The address that a person comes from; None where the system shall choose.
    pub(crate) fn source(&self, person: usize) -> Option<IpAddr> {
        // Only this network is all ours.
        let IpAddr::V4(target) = self.target.ip() else { return None };
        if !target.is_loopback() {
            return None;
        }
        let number = match self.sources {
            Sources::OneEach => person as u32,
            Sources::Few(count) => person as u32 % count,
        };
        Some(loopback(number).into())
    }
}

/// The loopback address of this number: `127.1.0.1` and on, without the network's last one.
fn loopback(number: u32) -> Ipv4Addr {
    const FIRST: u32 = u32::from_be_bytes([127, 1, 0, 1]);
    const LAST: u32 = u32::from_be_bytes([127, 255, 255, 254]);
    Ipv4Addr::from_bits(FIRST + number % (LAST - FIRST + 1))
}

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// People connect, and do what must be done before.
    Gathering,
    /// The load is on, and nothing counts.
    WarmUp,
    /// It counts.
    Measured,
    /// Nothing is begun any more.
    Draining,
    /// The end.
    Over,
}

/// The way of a run through its phases.
#[derive(Debug)]
pub(crate) struct Phases {
    phase: Phase,
    until: Option<Instant>,
    warm_up: Duration,
    measured: Duration,
}

impl Phases {
    /// A run at its beginning.
    pub(crate) fn new(warm_up: Duration, measured: Duration) -> Self {
        Self { phase: Phase::Gathering, until: None, warm_up, measured }
    }

    /// The phase at present.
    pub(crate) fn phase(&self) -> Phase {
        self.phase
    }

    /// When the present phase ends by itself.
    pub(crate) fn until(&self) -> Option<Instant> {
        self.until
    }

    /// Goes on to the next phase where that is due, and says so. `complete` is whether everybody
    /// is gathered, or everything drained.
    pub(crate) fn advance(&mut self, now: Instant, complete: bool) -> Option<Phase> {
        let is_up = self.until.is_some_and(|until| now >= until);
        let (next, length) = match self.phase {
            Phase::Gathering if complete => (Phase::WarmUp, Some(self.warm_up)),
            Phase::WarmUp if is_up => (Phase::Measured, Some(self.measured)),
            Phase::Measured if is_up => (Phase::Draining, Some(DRAIN_MAX)),
            Phase::Draining if complete || is_up => (Phase::Over, None),
            _ => return None,
        };
        self.phase = next;
        self.until = length.map(|length| now + length);
        Some(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Telling;

    fn aim(target: &str) -> Aim {
        Aim {
            target: target.parse().unwrap(),
            i_may_load_this_host: false,
            sources: Sources::OneEach,
            pid: None,
            core: None,
            telling: Telling {
                out: None,
                thresholds: Vec::new(),
                json: false,
                seed: "5eed".parse().unwrap(),
            },
        }
    }

    #[test]
    fn other_machines_are_left_alone() {
        for target in ["192.0.2.1:80", "0.0.0.0:80", "[2001:db8::1]:80"] {
            let refused = Plan::new(&aim(target), Dialect::Bare, 1).unwrap_err();
            assert_eq!(refused, PlanError::NotLoopback(target.parse().unwrap()));
        }
        for target in ["127.0.0.1:80", "127.9.9.9:80", "[::1]:80", "[::ffff:127.0.0.1]:80"] {
            assert!(Plan::new(&aim(target), Dialect::Bare, 1).is_ok());
        }
        let allowed = Aim { i_may_load_this_host: true, ..aim("192.0.2.1:80") };
        assert_eq!(Plan::new(&allowed, Dialect::Bare, 1).unwrap().source(0), None);
    }

    #[test]
    fn everybody_has_an_address_or_some_share() {
        let own = Plan::new(&aim("127.0.0.1:80"), Dialect::Bare, 1).unwrap();
        assert_eq!(own.source(0), Some(Ipv4Addr::new(127, 1, 0, 1).into()));
        assert_eq!(own.source(255), Some(Ipv4Addr::new(127, 1, 1, 0).into()));
        let few = Aim { sources: Sources::Few(2), ..aim("127.0.0.1:80") };
        let few = Plan::new(&few, Dialect::Bare, 1).unwrap();
        assert_eq!(few.source(0), few.source(2));
        assert_ne!(few.source(0), few.source(1));
        assert!(loopback(u32::MAX).is_loopback() && loopback(16_711_677).is_loopback());
    }

    #[test]
    fn a_run_goes_through_its_phases() {
        let start = Instant::now();
        let later = |seconds| start + Duration::from_secs(seconds);
        let mut phases = Phases::new(Duration::from_secs(1), Duration::from_secs(10));
        assert_eq!(phases.advance(later(99), false), None, "not everybody is here");
        assert_eq!(phases.advance(start, true), Some(Phase::WarmUp));
        assert_eq!(phases.advance(start, true), None);
        assert_eq!(phases.advance(later(1), true), Some(Phase::Measured));
        assert_eq!(phases.until(), Some(later(11)));
        assert_eq!(phases.advance(later(11), false), Some(Phase::Draining));
        assert_eq!(phases.advance(later(12), false), None);
        assert_eq!(phases.advance(later(12), true), Some(Phase::Over));
    }
}
