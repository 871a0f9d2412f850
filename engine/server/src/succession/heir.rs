//! The side of the process that takes over.

use std::io;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender};
use thiserror::Error;
use whisper_core::succession::FORMATS;
use whisper_tls::Zeroizing;

use super::channel::{Channel, ChannelError, Patience};
use super::letter::{Agreed, All, Door, Hello, Letter};
use super::parcel::{self, ParcelError};
use super::{ANSWER_MAX, FAREWELL_MAX, START_MAX, faults};
use crate::config::Config;
use crate::listeners;
use crate::worker::{Heirloom, InheritError};

/// Why a process can't take over. It ends, and the other one goes on.
#[derive(Debug, Error)]
pub(crate) enum HeirError {
    /// It wasn't started by an engine, or has no way to it.
    #[error("--take-over: {0}")]
    Stdin(#[source] io::Error),
    /// The other is not heard, or doesn't hear.
    #[error("taking over: {0}")]
    Channel(#[from] ChannelError),
    /// It writes nothing that this one reads.
    #[error("the engine that runs writes no state that this version reads")]
    Foreign,
    /// It said something else than it should.
    #[error("the engine that runs says something unexpected")]
    Order,
    /// What is listened on can't change with a handover.
    #[error("{0} was changed: that needs a restart")]
    Changed(&'static str),
    /// State can't be read.
    #[error(transparent)]
    Parcel(#[from] ParcelError),
    /// A worker can't take over.
    #[error("reactor {reactor}: {error}")]
    Worker {
        /// Which.
        reactor: usize,
        /// Why.
        error: InheritError,
    },
    /// A worker has gone.
    #[error("a reactor has gone")]
    Lost,
}

/// A process that was started to take over.
pub(crate) struct Heir(Channel);

/// What it was told before it made its reactors.
pub(crate) struct Inheritance {
    channel: Channel,
    pub(crate) agreed: Agreed,
}

/// A process that has everything, and has yet to begin. Whatever can fail is to be done before.
pub(crate) struct Poised {
    channel: Channel,
    agreed: Agreed,
    ways: Vec<Sender<Heirloom>>,
    all: All,
    /// Since when it has everything.
    since: Instant,
}

/// How a process began that took over.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Takeover {
    /// Sockets of people that it got.
    pub(crate) sockets: u64,
    /// For how long nobody was served, in microseconds.
    pub(crate) paused_micros: u64,
}

/// The workers, as they are to begin.
pub(crate) struct Workers {
    /// The way to each.
    pub(crate) ways: Vec<Sender<Heirloom>>,
    /// Where each says that it has all, or why not.
    pub(crate) taken: Receiver<(usize, Result<(), InheritError>)>,
}

impl Heir {
    /// The engine that started this process is at its standard input.
    ///
    /// # Errors
    /// Where it isn't.
    pub(crate) fn at_stdin() -> Result<Self, HeirError> {
        faults::reached("new:start");
        Channel::of_stdin().map(Self).map_err(HeirError::Stdin)
    }

    /// Says what this process is, which has read all that is read at a start.
    ///
    /// # Errors
    /// [`HeirError`]; the other has been told why.
    pub(crate) fn introduce(self, config: &Config) -> Result<Inheritance, HeirError> {
        let Self(channel) = self;
        let patience = Patience::of(START_MAX);
        let formats = faults::formats((*FORMATS.start(), *FORMATS.end()));
        let version = env!("CARGO_PKG_VERSION").to_owned();
        channel.send(&Letter::Hello(Hello { formats, version }), &[], patience)?;
        faults::reached("new:hello");
        let agreed = match channel.receive(patience)?.0 {
            Letter::Agreed(agreed) => *agreed,
            Letter::Foreign => return Err(HeirError::Foreign),
            _ => return Err(HeirError::Order),
        };
        let inheritance = Inheritance { channel, agreed };
        match inheritance.agreed.changed(config) {
            None => Ok(inheritance),
            Some(what) => Err(inheritance.refuse(HeirError::Changed(what))),
        }
    }
}

impl Agreed {
    /// Which of the addresses are configured otherwise.
    fn changed(&self, config: &Config) -> Option<&'static str> {
        let configured = self.doors.iter().map(|door| (door.service, door.configured));
        [
            (configured.eq(config.listeners()), "what is listened on"),
            (self.admin == config.admin, "admin"),
            (self.admin_socket == config.admin_socket, "admin_socket"),
        ]
        .into_iter()
        .find_map(|(is_same, what)| (!is_same).then_some(what))
    }
}

impl Inheritance {
    /// Takes everything, by way of the workers. Besides it there are the operators' listeners, the
    /// one in the file system first.
    ///
    /// # Errors
    /// [`HeirError`]; the other has been told why, and goes on.
    pub(crate) fn take(self, workers: Workers) -> Result<(Poised, Vec<OwnedFd>), HeirError> {
        self.channel.send(&Letter::Ready, &[], Patience::of(ANSWER_MAX))?;
        faults::reached("new:ready");
        match self.gather(&workers) {
            Ok((all, since, operators)) => {
                let Self { channel, agreed } = self;
                Ok((Poised { channel, agreed, ways: workers.ways, all, since }, operators))
            }
            Err(error) => Err(self.refuse(error)),
        }
    }

    /// Hands the workers what comes, until they have all; since when that is, and what isn't theirs.
    fn gather(&self, workers: &Workers) -> Result<(All, Instant, Vec<OwnedFd>), HeirError> {
        let mut operators = Vec::new();
        let mut cores = vec![None; self.agreed.shards.into()];
        let all = loop {
            let (letter, descriptors) = self.channel.receive(Patience::of(ANSWER_MAX))?;
            let (shard, heirloom) = match letter {
                Letter::Operators => {
                    operators = descriptors;
                    continue;
                }
                Letter::Listeners { shard, tags } => {
                    let listeners = descriptors.into_iter().map(TcpListener::from);
                    (shard, Heirloom::Listeners(listeners.zip(tags).collect()))
                }
                Letter::State { shard } => {
                    let [parcel] = descriptors.try_into().map_err(|_| HeirError::Order)?;
                    let [core, ours, keys] = parcel::open(parcel, self.agreed.format)?;
                    *cores.get_mut(usize::from(shard)).ok_or(HeirError::Order)? = Some(core);
                    faults::reached("new:state");
                    (shard, Heirloom::State { from: shard, ours, keys: Zeroizing::new(keys) })
                }
                Letter::Sockets { shard, connections: names } => {
                    faults::reached("new:sockets");
                    (shard, Heirloom::Sockets { from: shard, names, sockets: descriptors })
                }
                Letter::All(all) => break all,
                _ => return Err(HeirError::Order),
            };
            let way = &workers.ways[usize::from(shard) % workers.ways.len()];
            way.send(heirloom).map_err(|_| HeirError::Lost)?;
        };
        let since = Instant::now();
        let cores: Option<Arc<[Vec<u8>]>> = cores.into_iter().collect();
        let cores = cores.ok_or(HeirError::Order)?;
        for way in &workers.ways {
            way.send(Heirloom::All(Arc::clone(&cores))).map_err(|_| HeirError::Lost)?;
        }
        for _ in &workers.ways {
            let said = workers.taken.recv_timeout(ANSWER_MAX);
            let (reactor, taken) = said.map_err(|_| HeirError::Lost)?;
            taken.map_err(|error| HeirError::Worker { reactor, error })?;
        }
        Ok((all, since, operators))
    }

    /// Tells the other why this process ends.
    fn refuse(&self, error: HeirError) -> HeirError {
        let why = Letter::Refused(error.to_string());
        // Who has gone needn't know.
        let _ = self.channel.send(&why, &[], Patience::of(ANSWER_MAX));
        error
    }
}

impl Poised {
    /// Serves from here on.
    ///
    /// # Errors
    /// [`HeirError`]; the other goes on.
    pub(crate) fn begin(self) -> Result<Takeover, HeirError> {
        faults::reached("new:all");
        self.confirm()?;
        for (number, way) in self.ways.iter().enumerate() {
            let more = self.more_listeners(number);
            way.send(Heirloom::Begin(more)).map_err(|_| HeirError::Lost)?;
        }
        let All { sockets, paused_micros } = self.all;
        let paused_micros = paused_micros + self.since.elapsed().as_micros() as u64;
        // Operators are heard by one process, and what is aborted here is gone, once that has ended.
        while self.channel.receive(Patience::of(FAREWELL_MAX)).is_ok() {}
        Ok(Takeover { sockets, paused_micros })
    }

    /// Comes to terms on who serves from here on: this process. One that has died has no say.
    fn confirm(&self) -> Result<(), HeirError> {
        let patience = Patience::of(ANSWER_MAX);
        let heard = self.channel.send(&Letter::Taken, &[], patience).and_then(|()| {
            faults::reached("new:taken");
            self.channel.receive(patience)
        });
        match heard {
            Ok((Letter::Yours, _)) => {}
            Ok(_) => return Err(HeirError::Order),
            Err(ChannelError::Ended) => {
                tracing::warn!("the engine that handed over has died: this one serves");
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        }
        faults::reached("new:yours");
        match self.channel.send(&Letter::Mine, &[], patience) {
            Ok(()) | Err(ChannelError::Ended) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Listeners for a reactor that the other process had none like. Bound no sooner: with their
    /// backlog, whoever waits there would be lost where nothing came of it.
    fn more_listeners(&self, reactor: usize) -> Vec<(TcpListener, u32)> {
        let Agreed { doors, shards, .. } = &self.agreed;
        if reactor < usize::from(*shards) {
            return Vec::new();
        }
        let bind = |(tag, door): (u32, &Door)| match listeners::bind_beside(door.address) {
            Ok(listener) => Some((listener, tag)),
            Err(error) => {
                tracing::error!(reactor, %error, "a reactor gets no newcomers there");
                None
            }
        };
        (0..).zip(doors).filter_map(bind).collect()
    }
}
