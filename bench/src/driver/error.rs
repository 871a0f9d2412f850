//! What can go wrong with a run, and with one connection.

use std::{fmt, io};

use thiserror::Error;
use whisper_reactor::{Closed, SetupError};

use crate::client::Broken;
use crate::measure::MeasureError;

/// Why a plan could not be carried out.
#[derive(Debug, Error)]
pub(crate) enum DriveError {
    /// There is no reactor here.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The ring failed.
    #[error("the ring: {0}")]
    Ring(io::Error),
    /// A thread can't be where it should.
    #[error("can't stay on the core that --cores says: {0}")]
    NotPinned(nix::Error),
    /// A table of sockets is too small.
    #[error(
        "{wanted} sockets wanted of a reactor that has {slots}: more --reactors, or a higher RLIMIT_NOFILE"
    )]
    TooFewSlots {
        /// Sockets wanted.
        wanted: usize,
        /// Sockets to be had.
        slots: u32,
    },
    /// Somebody could not get in.
    #[error("person {person} could not connect: {why}")]
    NotReady {
        /// Who, as all reactors together number people.
        person: u32,
        /// Why.
        why: Lost,
    },
    /// Nothing happens any more.
    #[error("stalled: {done} of {wanted} {what}")]
    Stalled {
        /// How far it came.
        done: usize,
        /// How far it should have come.
        wanted: usize,
        /// What they are, or did.
        what: &'static str,
    },
    /// A server that should relay echoes.
    #[error("people hear themselves: the server echoes, so say --peer=echo")]
    Echoes,
    /// Somebody wants it to end, and nothing was measured yet.
    #[error("interrupted before anything was measured")]
    Interrupted,
    /// Another reactor can't go on.
    #[error("another reactor gave up")]
    GivenUp,
    /// Something can't be measured.
    #[error(transparent)]
    Measure(MeasureError),
}

/// How a connection ended, or failed to begin.
#[derive(Debug)]
pub(crate) struct Lost {
    was_ready: bool,
    how: LostBy,
}

/// What ended it.
#[derive(Debug, Error)]
pub(crate) enum LostBy {
    /// The system.
    #[error("{0}")]
    Connecting(io::Error),
    /// The server, by what it said.
    #[error("{0}")]
    Broken(#[from] Broken),
    /// The server, by what it said of TLS, or we for what it said.
    #[error("TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// The server, by a close frame with this code.
    #[error("closed by the server with {}", code_text(*.0))]
    Close(Option<u16>),
    /// The socket.
    #[error("{}", closed_text(*.0))]
    Socket(Closed),
}

impl Lost {
    pub(super) fn new(was_ready: bool, how: LostBy) -> Self {
        Self { was_ready, how }
    }

    /// Whether it was a WebSocket with its person there.
    pub(crate) fn was_ready(&self) -> bool {
        self.was_ready
    }
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.how.fmt(f)
    }
}

fn code_text(code: Option<u16>) -> String {
    code.map_or("no code".to_owned(), |code| code.to_string())
}

fn closed_text(closed: Closed) -> String {
    match closed {
        Closed::Local => "closed by ourselves".to_owned(),
        Closed::Peer => "closed by the server".to_owned(),
        Closed::Reset => "reset".to_owned(),
        Closed::Error(errno) => io::Error::from_raw_os_error(errno).to_string(),
        Closed::SlowReader => "the server doesn't read what it is sent".to_owned(),
    }
}
