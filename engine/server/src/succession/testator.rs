//! The side of the process that serves, and hands over.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{RecvTimeoutError, bounded};
use thiserror::Error;
use tokio::sync::{mpsc, oneshot};
use whisper_core::succession::FORMATS;

use super::channel::{Channel, ChannelError, Patience};
use super::letter::{Agreed, All, Door, Hello, Letter, Switched, common_format};
use super::successor::{Binary, Successor};
use super::{START_MAX, STEP_MAX, faults};
use crate::clock::Clock;
use crate::control::{Bans, Lines, Switches};
use crate::worker::{BequeathError, Challenges, Count, Piece, Rite};

/// Between two looks how still the workers are.
const LOOK: Duration = Duration::from_micros(200);

/// How long it may take to write down what workers have said, while everybody waits.
const WRITING_MAX: Duration = Duration::from_millis(500);

/// How long handshakes of TLS may take to come to their end, while newcomers wait.
const SHAKING_MAX: Duration = Duration::from_millis(500);

/// Pieces that may wait to be sent: each has as many descriptors as a packet takes, at most.
const PIECES_MAX: usize = 8;

/// What a process has to hand over, besides its shards.
pub(crate) struct Will {
    /// What it was started from.
    pub(crate) binary: Binary,
    /// The ways to its workers.
    pub(crate) lines: Lines,
    /// Its time.
    pub(crate) clock: Clock,
    /// What it listens on, by tag.
    pub(crate) doors: Vec<Door>,
    /// Where operators are heard: as it is configured.
    pub(crate) admin: Option<SocketAddr>,
    /// Likewise.
    pub(crate) admin_socket: PathBuf,
    /// The sockets there, the one in the file system first.
    pub(crate) operators: Vec<OwnedFd>,
    /// What operators may have switched by hand, and what that was at the start.
    pub(crate) switches: (Switches, Switched),
    /// What newcomers are asked.
    pub(crate) challenges: Arc<Challenges>,
    /// Where what workers said may still have to be written down.
    pub(crate) desks: Desks,
    /// How many processes have handed over before.
    pub(crate) generation: u32,
}

/// The control thread's desks that write down what workers say.
pub(crate) struct Desks {
    /// Of bans.
    pub(crate) bans: Bans,
    /// Of reports.
    pub(crate) reports: mpsc::Sender<oneshot::Sender<()>>,
}

/// It is over: another process serves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HandedOver {
    /// Which.
    pub(crate) pid: u32,
    /// Sockets of people that it has.
    pub(crate) sockets: u64,
}

/// Why this process goes on serving.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    /// The new program can't be run.
    #[error("{}: {error}", path.display())]
    Start {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// It can't be understood.
    #[error(
        "version {version} reads state of the formats {} to {}, and this process writes {} to {}: \
         drain this one, and start that",
        formats.0, formats.1, FORMATS.start(), FORMATS.end()
    )]
    Foreign {
        /// Which.
        version: String,
        /// What it reads.
        formats: (u16, u16),
    },
    /// It won't or can't.
    #[error("the new process says: {0}")]
    Refused(String),
    /// It is not heard, or doesn't hear.
    #[error("{during}: {error}")]
    Channel {
        /// What it was to do.
        during: &'static str,
        /// What is with the channel.
        error: ChannelError,
    },
    /// It said something else than it should.
    #[error("{0}: the new process says something else")]
    Order(&'static str),
    /// A worker can't hand over.
    #[error("reactor {shard}: {error}")]
    Worker {
        /// Which.
        shard: u16,
        /// Why.
        error: BequeathError,
    },
    /// A worker doesn't answer.
    #[error("the reactors don't come to rest in time")]
    Restless,
    /// Shards go on talking.
    #[error(transparent)]
    System(#[from] io::Error),
}

/// One attempt.
struct Talk<'a> {
    will: &'a Will,
    channel: Channel,
    called_off: &'a dyn Fn() -> bool,
}

impl Will {
    /// Has the program that now lies where this process came from take over. Everybody is served by
    /// this process again, where that fails; by the other, and by nobody here, where it doesn't.
    ///
    /// Takes as long as the other needs to start; people wait for the last part of it only. Blocks.
    ///
    /// # Errors
    /// [`Failure`].
    pub(crate) fn hand_over(&self, called_off: &dyn Fn() -> bool) -> Result<HandedOver, Failure> {
        let (channel, end) = Channel::pair()?;
        let path = self.binary.path();
        let mut successor = Successor::start(path, end)
            .map_err(|error| Failure::Start { path: path.to_owned(), error })?;
        let pid = successor.pid();
        tracing::info!(pid, "a new process is to take over");
        let talk = Talk { will: self, channel, called_off };
        let format = talk.introduce()?;
        let handed_over = talk.hand_over(format);
        match handed_over {
            Ok(sockets) => {
                successor.let_go();
                Ok(HandedOver { pid, sockets })
            }
            Err(failure) => {
                // It may have everything: nobody else serves before it is gone.
                successor.end();
                self.thaw();
                Err(failure)
            }
        }
    }

    fn thaw(&self) {
        let patience = Patience::of(STEP_MAX);
        if self.tell(&Rite::Thaw, patience).is_err() {
            tracing::error!("a reactor doesn't hear that it shall go on");
        }
    }

    /// Tells all workers, each as soon as its mailbox has room.
    fn tell(&self, rite: &Rite, patience: Patience<'_>) -> Result<(), Failure> {
        for shard in 0..self.lines.len() {
            while !self.lines.have(shard, rite.clone()) {
                patience.left().map_err(|_| Failure::Restless)?;
                thread::sleep(LOOK);
            }
        }
        Ok(())
    }
}

impl Talk<'_> {
    /// Finds out what the other is, and has it prepare itself; the format of state.
    fn introduce(&self) -> Result<u16, Failure> {
        let patience = Patience::new(START_MAX, self.called_off);
        let hello = self.expect("starting", patience, |letter| match letter {
            Letter::Hello(hello) => Ok(hello),
            other => Err(other),
        })?;
        faults::reached("old:hello");
        let Hello { formats, version } = hello;
        let Some(format) = common_format(FORMATS, formats) else {
            let _ = self.send("introducing", &Letter::Foreign, &[], patience);
            return Err(Failure::Foreign { version, formats });
        };
        let will = self.will;
        let agreed = Letter::Agreed(Box::new(Agreed {
            format,
            moment: will.clock.moment(),
            shards: will.lines.len() as u16,
            doors: will.doors.clone(),
            admin: will.admin,
            admin_socket: will.admin_socket.clone(),
            switched: (will.switches.1.clone(), will.switches.0.as_they_are()),
            challenges: will.challenges.key(),
            generation: will.generation + 1,
        }));
        self.send("introducing", &agreed, &[], patience)?;
        self.expect("starting", patience, |letter| match letter {
            Letter::Ready => Ok(()),
            other => Err(other),
        })?;
        faults::reached("old:ready");
        Ok(format)
    }

    /// Hands over; how many sockets that were.
    fn hand_over(&self, format: u16) -> Result<u64, Failure> {
        self.let_hands_be_shaken()?;
        let began = Instant::now();
        self.will.tell(&Rite::Freeze, self.patience())?;
        self.await_rest(self.patience())?;
        self.will.desks.await_rest();
        faults::reached("old:frozen");
        let operators: Vec<_> = self.will.operators.iter().map(OwnedFd::as_fd).collect();
        self.send("taking", &Letter::Operators, &operators, self.patience())?;
        let sockets = self.give_all(format)?;
        let paused_micros = began.elapsed().as_micros() as u64;
        self.send("taking", &Letter::All(All { sockets, paused_micros }), &[], self.patience())?;
        faults::reached("old:all");
        self.expect("taking", self.patience(), |letter| match letter {
            Letter::Taken => Ok(()),
            other => Err(other),
        })?;
        faults::reached("old:taken");
        // From here on it is the other's, if that lives: nothing is called off any more.
        let patience = Patience::of(STEP_MAX);
        self.send("beginning", &Letter::Yours, &[], patience)?;
        faults::reached("old:yours");
        self.expect("beginning", patience, |letter| match letter {
            Letter::Mine => Ok(()),
            other => Err(other),
        })?;
        Ok(sockets)
    }

    /// Lets handshakes of TLS that have begun come to their end, for a while, and none begin: they
    /// can't be handed over.
    fn let_hands_be_shaken(&self) -> Result<(), Failure> {
        self.will.tell(&Rite::Hold, self.patience())?;
        let until = Instant::now() + SHAKING_MAX;
        while self.count(self.patience())?.shaking && Instant::now() < until {
            thread::sleep(LOOK);
        }
        Ok(())
    }

    /// Waits until nothing is under way, between workers and the kernel or among the workers. Where
    /// two counts in a row agree that all was received that was sent, and each was done before the
    /// next began, nothing can have been under way at the end of the first (Mattern, "Algorithms for
    /// distributed termination detection", 1987).
    fn await_rest(&self, patience: Patience<'_>) -> Result<(), Failure> {
        let mut before = None;
        loop {
            let sum = self.count(patience)?;
            let is_still = sum.still && sum.sent == sum.received;
            if is_still && before == Some(sum) {
                return Ok(());
            }
            before = is_still.then_some(sum);
            patience.left().map_err(|_| Failure::Restless)?;
            thread::sleep(LOOK);
        }
    }

    fn count(&self, patience: Patience<'_>) -> Result<Count, Failure> {
        let workers = self.will.lines.len();
        let (answer, answers) = bounded(workers);
        self.will.tell(&Rite::Count(answer), patience)?;
        let mut sum = Count { shaking: false, still: true, sent: 0, received: 0 };
        for _ in 0..workers {
            let count = receive(&answers, patience)?;
            sum.shaking |= count.shaking;
            sum.still &= count.still;
            sum.sent += count.sent;
            sum.received += count.received;
        }
        Ok(sum)
    }

    fn give_all(&self, format: u16) -> Result<u64, Failure> {
        let (to, pieces) = bounded(PIECES_MAX);
        self.will.tell(&Rite::Bequeath { format, to }, self.patience())?;
        let (mut sockets, mut left) = (0, self.will.lines.len());
        while left > 0 {
            let patience = self.patience();
            let (shard, piece) = receive(&pieces, patience)?;
            match piece {
                Piece::Listeners(listeners) => self.give_listeners(shard, &listeners, patience)?,
                Piece::State(parcel) => {
                    self.send("taking", &Letter::State { shard }, &[parcel.as_fd()], patience)?;
                    faults::reached("old:state");
                }
                Piece::Sockets(names, descriptors) => {
                    sockets += names.len() as u64;
                    let names = names.into_iter().map(|conn| conn.to_bits()).collect();
                    let descriptors: Vec<_> = descriptors.iter().map(OwnedFd::as_fd).collect();
                    let letter = Letter::Sockets { shard, connections: names };
                    self.send("taking", &letter, &descriptors, patience)?;
                    faults::reached("old:sockets");
                }
                Piece::Done => left -= 1,
                Piece::Failed(error) => return Err(Failure::Worker { shard, error }),
            }
        }
        Ok(sockets)
    }

    fn give_listeners(
        &self,
        shard: u16,
        listeners: &[(TcpListener, u32)],
        patience: Patience<'_>,
    ) -> Result<(), Failure> {
        for some in listeners.chunks(super::DESCRIPTORS_MAX) {
            let tags = some.iter().map(|(_, tag)| *tag).collect();
            let descriptors: Vec<_> = some.iter().map(|(listener, _)| listener.as_fd()).collect();
            let letter = Letter::Listeners { shard, tags };
            self.send("taking", &letter, &descriptors, patience)?;
        }
        Ok(())
    }

    fn patience(&self) -> Patience<'_> {
        Patience::new(STEP_MAX, self.called_off)
    }

    fn send(
        &self,
        during: &'static str,
        letter: &Letter,
        descriptors: &[BorrowedFd<'_>],
        patience: Patience<'_>,
    ) -> Result<(), Failure> {
        let sent = self.channel.send(letter, descriptors, patience);
        match sent {
            Ok(()) => Ok(()),
            // It may have said why it has gone.
            Err(error @ ChannelError::Ended) => match self.channel.receive(patience) {
                Ok((Letter::Refused(why), _)) => Err(Failure::Refused(why)),
                _ => Err(Failure::Channel { during, error }),
            },
            Err(error) => Err(Failure::Channel { during, error }),
        }
    }

    fn expect<T>(
        &self,
        during: &'static str,
        patience: Patience<'_>,
        wanted: impl FnOnce(Letter) -> Result<T, Letter>,
    ) -> Result<T, Failure> {
        let received = self.channel.receive(patience);
        let (letter, _) = received.map_err(|error| Failure::Channel { during, error })?;
        wanted(letter).map_err(|other| match other {
            Letter::Refused(why) => Failure::Refused(why),
            _ => Failure::Order(during),
        })
    }
}

impl Desks {
    /// Waits until all is on disk that came before; not for long: it would be lost by a restart too.
    fn await_rest(&self) {
        let until = Instant::now() + WRITING_MAX;
        let bans = self.bans.rest();
        let (answer, reports) = oneshot::channel();
        let reports = self.reports.try_send(answer).is_ok().then_some(reports);
        let is_done = wait(bans, until) & wait(reports, until);
        if !is_done {
            tracing::error!("some bans or reports may not be written down: the disk is slow");
        }
    }
}

/// Whether an answer came in time.
fn wait<T>(answer: Option<oneshot::Receiver<T>>, until: Instant) -> bool {
    let Some(mut answer) = answer else { return false };
    loop {
        match answer.try_recv() {
            Ok(_) => return true,
            Err(oneshot::error::TryRecvError::Empty) if Instant::now() < until => {
                thread::sleep(LOOK);
            }
            Err(_) => return false,
        }
    }
}

/// What workers answer, as long as there is time.
fn receive<T>(
    answers: &crossbeam_channel::Receiver<T>,
    patience: Patience<'_>,
) -> Result<T, Failure> {
    loop {
        let left = patience.left().map_err(|_| Failure::Restless)?;
        match answers.recv_timeout(left) {
            Ok(answer) => return Ok(answer),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Err(Failure::Restless),
        }
    }
}
