//! How a reactor stops, so that another process can take over, and how it goes on if none does.
//!
//! - *Freezing*: accepts, polls, receives and waiting sends are cancelled, and none is begun. What
//!   had come by then is heard as ever; what is written meanwhile leaves, as far as the kernel takes
//!   it at once. So that comes to an end by itself.
//! - *Frozen*: nothing is in flight and nothing unheard. Each connection is a still socket and its
//!   [`Estate`]; both can be read without being given away.
//! - *Thawing*: everything is armed again. No peer has noticed more than a pause.
//!
//! The turn goes on through all of it: wakes and notifications are heard, and so are connections
//! that another reactor had passed on before it froze. The clock of stalls and lingering stands
//! still, so that no peer pays for the pause.

use std::io;
use std::net::TcpListener;
use std::os::fd::{FromRawFd, OwnedFd};

use crate::estate::Estate;
use crate::io::Io;
use crate::reactor::Reactor;
use crate::slots::{ConnId, Flags, Phase};
use crate::token::{Op, Token};

impl Reactor {
    /// Accepts nobody until [`Reactor::thaw`]; who comes waits in the listeners' backlogs. A moment
    /// of this before freezing lets those get through whose beginnings can't be handed over.
    pub fn hold_accepting(&mut self) {
        self.listeners.hold(true);
    }

    /// Stops: nothing is accepted or received any more, nothing armed. Go on with turns, sealing
    /// included, until [`Reactor::is_frozen`]. Until [`Reactor::thaw`], [`Io::detach`] and
    /// [`Io::pass`] refuse. Dials go on, and what comes of them is frozen as well.
    pub fn freeze(&mut self) {
        if !self.io.frozen {
            self.io.frozen = true;
            self.io.clock.stop();
            self.io.touch_all();
        }
    }

    /// Whether a reactor that was told to freeze has: nothing is in flight but dials, everything
    /// that came was heard, and everything written has left or was refused by the kernel.
    ///
    /// A frozen reactor may find itself with something to do once more: where its owner writes, or
    /// where a connection comes from a reactor that is not frozen.
    pub fn is_frozen(&self) -> bool {
        let io = &*self.io;
        let is_idle = io.events.is_empty()
            && io.touched.is_empty()
            && io.written.is_empty()
            && io.sealing.is_idle()
            && self.listeners.are_idle();
        io.frozen
            && is_idle
            && io.slots.tenants().all(|(_, slot)| {
                let in_between =
                    matches!(slot.phase, Phase::Arriving | Phase::Passing | Phase::Ending);
                !in_between && !slot.flags.any(Flags::IN_FLIGHT)
            })
    }

    /// Goes on, as if nothing had been.
    pub fn thaw(&mut self) {
        self.listeners.hold(false);
        if self.io.frozen {
            self.io.frozen = false;
            self.io.clock.go_on();
            self.io.touch_all();
        }
    }

    /// All connections of a frozen reactor that can go on elsewhere, in the order of their slots:
    /// those that their owner holds, and those that are [closing](Estate::closing). Those that are
    /// about to leave for another reactor, or were, are among the former. Nothing is taken away.
    pub fn estates(&self) -> impl Iterator<Item = (ConnId, Estate)> + '_ {
        let io = &*self.io;
        debug_assert!(io.frozen, "what is in flight can't be read");
        io.slots.tenants().filter_map(|(conn, slot)| Some((conn, io.estate(conn, slot)?)))
    }

    /// Descriptors of the process for these connections, in this order, to be given away or dropped:
    /// to the peer, neither is anything. They count for RLIMIT_NOFILE, so ask for some at a time.
    ///
    /// # Errors
    /// The kernel's, and then none is there: `EMFILE` where the process has too many. Of the kind
    /// [`io::ErrorKind::Unsupported`] before Linux 6.8, and [`io::ErrorKind::NotFound`] where a
    /// connection is no more.
    pub fn lend(&mut self, conns: &[ConnId]) -> io::Result<Vec<OwnedFd>> {
        if !self.ring.can_lend() {
            return Err(io::ErrorKind::Unsupported.into());
        }
        if conns.iter().any(|conn| self.io.slots.get(*conn).is_none()) {
            return Err(io::ErrorKind::NotFound.into());
        }
        self.answers.clear();
        for (index, conn) in (0..).zip(conns) {
            self.ring.lend(conn.slot(), Token::new(Op::Lent, 0, index))?;
        }
        self.await_answers(conns.len())?;
        let mut lent: Vec<_> = self.answers.drain(..).collect();
        lent.sort_unstable_by_key(|(index, _)| *index);
        let owned = |(_, result): (u32, i32)| match result {
            // SAFETY: the kernel has just made this descriptor for us, and nobody else knows it.
            0.. => Ok(unsafe { OwnedFd::from_raw_fd(result) }),
            error => Err(io::Error::from_raw_os_error(-error)),
        };
        // All of them become owned before the first error is seen, so that none leaks.
        let lent: Vec<_> = lent.into_iter().map(owned).collect();
        lent.into_iter().collect()
    }

    /// The sockets that are listened on, once more, with their tags. What has not been accepted
    /// waits in them, whoever accepts it.
    ///
    /// # Errors
    /// `EMFILE`, where the process has too many descriptors.
    pub fn listeners(&self) -> io::Result<Vec<(TcpListener, u32)>> {
        self.listeners.clone_all()
    }

    /// Has the kernel do what was asked of it just now, and gathers its answers. Whatever else it
    /// tells meanwhile is dealt with as ever.
    pub(crate) fn await_answers(&mut self, count: usize) -> io::Result<()> {
        while self.answers.len() < count {
            self.ring.enter(None)?;
            self.drain();
        }
        Ok(())
    }
}

impl Io {
    /// Has all connections looked at before the next wait.
    fn touch_all(&mut self) {
        for index in 0..self.slots.span() {
            if let Some((conn, _)) = self.slots.tenant_mut(index) {
                self.touch(conn);
            }
        }
    }
}
