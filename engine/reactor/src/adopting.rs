//! How connections come from another process: by their descriptors, and what there is of them
//! besides.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

use crate::estate::Estate;
use crate::reactor::Reactor;
use crate::slots::{ConnId, Flags, Phase};
use crate::token::{Op, Token};

impl Reactor {
    /// Takes connections in, and names them, in this order. They go on where they were; their
    /// owner hears nothing of their coming, only of what comes next. Of those that are
    /// [closing](Estate::closing) nothing is heard at all.
    ///
    /// In a [frozen](Reactor::freeze) reactor they stay still, and are served when it
    /// [thaws](Reactor::thaw): so whoever takes over freezes first, and can let go of everything
    /// up to that moment without a peer noticing.
    ///
    /// # Errors
    /// The kernel's, and then none is taken in: `ENFILE` where the table has no room for all.
    pub fn adopt(&mut self, sockets: Vec<(OwnedFd, Estate)>) -> io::Result<Vec<ConnId>> {
        let mut places: Vec<RawFd> = sockets.iter().map(|(socket, _)| socket.as_raw_fd()).collect();
        let placed = self.place(&mut places)?;
        if placed < sockets.len() {
            for place in &places[..placed] {
                self.ring.close(*place as u32)?;
            }
            return Err(io::Error::from_raw_os_error(libc::ENFILE));
        }
        let adopted = sockets.into_iter().zip(places).map(|((_, estate), place)| {
            let conn = self.io.slots.open(place as u32, Phase::Open);
            if let Some(slot) = self.io.slots.get_mut(conn) {
                // Most are quiet, and a poll tells of the others.
                slot.flags.remove(Flags::WARM);
            }
            self.io.counters.adopted += 1;
            self.io.move_in(conn, estate);
            conn
        });
        Ok(adopted.collect())
    }

    /// Puts sockets into free slots of the table, whose numbers take their place. How many there
    /// was room for.
    fn place(&mut self, places: &mut Vec<RawFd>) -> io::Result<usize> {
        if places.is_empty() {
            return Ok(0);
        }
        self.answers.clear();
        // SAFETY: the numbers stay where they are, and nobody looks at them, until the kernel has
        // answered; where it can't be asked for its answer they are never freed.
        let asked = unsafe {
            let count = places.len() as u32;
            self.ring.install(places.as_mut_ptr(), count, Token::of(Op::Adopted))
        };
        if let Err(fatal) = asked.and_then(|()| self.await_answers(1)) {
            std::mem::forget(std::mem::take(places));
            return Err(fatal);
        }
        match self.answers.pop() {
            Some((_, placed @ 0..)) => Ok(placed as usize),
            Some((_, error)) => Err(io::Error::from_raw_os_error(-error)),
            None => Ok(0),
        }
    }
}
