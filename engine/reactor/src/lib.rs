//! Sockets over io_uring: tokens and bytes, nothing else.
//!
//! A [`Reactor`] belongs to one thread and owns one ring with every socket that thread serves. It
//! serves both roles: [`Reactor::listen`] accepts, [`Io::connect`] dials. What the bytes mean is
//! not its business: it knows no protocol, no session, no TLS, and the crates that do know are not
//! among its dependencies.
//!
//! A turn of the loop is three steps, and everything else may be done between them:
//!
//! ```no_run
//! # use whisper_reactor::{Closed, ConnId, Config, Handler, Io, Opened, Reactor, Wait};
//! struct Echo;
//! impl Handler for Echo {
//!     fn opened(&mut self, _: &mut Io, _: ConnId, _: Opened) {}
//!     fn received(&mut self, io: &mut Io, conn: ConnId, bytes: &mut [u8]) {
//!         io.write(conn, |out| out.extend_from_slice(bytes));
//!     }
//!     fn closed(&mut self, _: &mut Io, _: ConnId, _: Closed) {}
//! }
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut reactor = Reactor::new(Config::default())?;
//! reactor.listen(std::net::TcpListener::bind("127.0.0.1:0")?, 0)?;
//! loop {
//!     reactor.wait(Wait::Forever)?; // send what was written, then sleep until the kernel has news
//!     reactor.dispatch(&mut Echo); // hear the news
//! }
//! # }
//! ```
//!
//! How a connection lives, in the words of the modules:
//!
//! - `listener` and `connector` bring a socket into the ring's own descriptor table. It never has
//!   a process file descriptor, so RLIMIT_NOFILE bounds a ring and not the process.
//! - `arming`: a quiet connection holds a poll (256 B of kernel memory); data arms a multishot
//!   receive that fills buffers of a shared pool (`buffers`); after some quiet seconds it is back
//!   to a poll.
//! - `sends`: all that is written to a connection in one turn is one segment of an `arena`, and
//!   leaves as one non-blocking send that completes silently. Only what the kernel refused is
//!   copied into the connection's bounded `outbox`.
//! - `sealing`: what is written to a sealed connection becomes what its wire carries, by somebody
//!   who knows how; here only the place for it is known.
//! - `moving`: a live connection leaves for another reactor, or for whoever can take its socket:
//!   detached first, so that it is nothing but a still socket and some state, then passed on.
//! - `freezing` and `adopting`: a whole reactor stands still, so that another process can take its
//!   connections: their sockets, and the `estate` of each. If none does, it goes on.
//! - `closing`: what was written leaves first; then FIN, a short wait for the peer's, and the slot.
//!   A slot is never closed with an operation in flight.
//!
//! Memory per idle connection: one 32-byte slot record here, nothing on the heap.

mod adopting;
mod arena;
mod arming;
mod buffers;
mod closing;
mod config;
mod connector;
mod counters;
mod deadlines;
mod estate;
mod freezing;
mod io;
mod limits;
mod listener;
mod moving;
mod outbox;
mod reactor;
mod ring;
mod sealing;
mod sends;
mod setup;
mod slots;
mod token;
mod wake;

pub use config::Config;
pub use counters::Counters;
pub use estate::Estate;
pub use io::{Closed, Handler, Io, Opened};
pub use limits::{give_back_what_is_freed, raise_file_limit};
pub use moving::Cargo;
pub use outbox::{Piece, Unsent};
pub use reactor::{Reactor, Wait};
pub use sealing::Sealer;
pub use setup::SetupError;
pub use slots::ConnId;
pub use wake::{Notifier, WakeHandle};
