//! How a live connection leaves one reactor, and arrives at another.
//!
//! - *Leaving*: whatever is in flight is cancelled. What was received meanwhile, or had been and was
//!   not heard, is kept in order; what was written and not sent stays in the outbox.
//! - *Still*: nothing is in flight, and the peer notices nothing but a pause. From here the
//!   connection can be served again ([`Io::reattach`]), or be brought to wherever its socket can
//!   be: the descriptor and its [`Estate`] are all there is of it.
//! - *Passing*: the kernel installs the socket in the other ring's table (`MSG_RING` with
//!   `SEND_FD`) and posts a completion there, which has the estate and the owner's cargo in it. So
//!   socket and state arrive together or not at all: either the other reactor hears of the arrival,
//!   or this one of the return. Only then is the slot closed here, which to the peer is nothing.
//!
//! A table has some slots for arrivals that no accept may take, and no more connections are on
//! their way to it at a time ([`crate::Config::arrivals_max`]). Here, as many can be leaving.

use std::any::Any;
use std::collections::BTreeMap;
use std::io;

use crate::closing::cancel_all;
use crate::estate::Estate;
use crate::io::{Closed, Event, Io};
use crate::outbox::Unsent;
use crate::ring::{Completion, Ring};
use crate::sends::token;
use crate::slots::{ConnId, Flags, Phase, Slot};
use crate::token::Op;
use crate::wake::WakeHandle;

/// What the owner of a connection sends along with it.
pub type Cargo = Box<dyn Any + Send>;

/// Connections that can be leaving, or still, in one reactor at a time.
const LEAVING_MAX: usize = 256;

/// Bytes that a connection may have received and not heard when it leaves. A peer that gets more
/// in before the cancel does is closed: it is flooding.
const INPUT_MAX: usize = 256 * 1024;

/// All that arrives with a socket.
#[derive(Debug)]
struct Parcel {
    estate: Estate,
    cargo: Cargo,
}

/// A connection that is not served here any more, or not at present.
#[derive(Debug)]
struct Leaver {
    estate: Estate,
    passing: Option<Passing>,
}

/// A parcel that the kernel has until it has told how that went.
#[derive(Debug)]
struct Passing {
    to: WakeHandle,
    parcel: *mut Parcel,
}

/// The connections of a reactor that are on their way, by their slots.
#[derive(Debug, Default)]
pub(crate) struct Moving {
    leavers: BTreeMap<u32, Leaver>,
    /// To be submitted.
    passes: Vec<ConnId>,
}

impl Moving {
    /// A connection that was leaving is being closed instead.
    pub(crate) fn forget(&mut self, conn: ConnId) {
        self.leavers.remove(&conn.slot());
    }

    /// What was received for a connection that leaves, and not heard.
    pub(crate) fn input(&self, conn: ConnId) -> &[u8] {
        self.leavers.get(&conn.slot()).map_or(&[], |leaver| &leaver.estate.input)
    }
}

impl Io {
    /// Begins to take a connection out of service, for it to be served elsewhere. Nothing more is
    /// received, nothing can be written, and [`crate::Handler::detached`] is heard when the socket
    /// is still; or `closed`, where the connection broke before.
    ///
    /// False, and nothing happens, where the connection is not open, is about to be closed, too many
    /// are leaving, or the reactor is frozen: try again in a later turn.
    pub fn detach(&mut self, conn: ConnId) -> bool {
        let parting = Flags::OVERFULL.or(Flags::BROKEN);
        let is_full = self.moving.leavers.len() >= LEAVING_MAX;
        if self.frozen
            || is_full
            || self.slots.open_mut(conn).is_none_or(|slot| slot.flags.any(parting))
        {
            return false;
        }
        self.move_plain_to_outbox(conn); // it is sealed where it is sent
        let Some(slot) = self.slots.open_mut(conn) else { return false };
        slot.phase = Phase::Leaving;
        let estate = Estate { sealed: slot.flags.any(Flags::SEALED), ..Estate::default() };
        self.moving.leavers.insert(conn.slot(), Leaver { estate, passing: None });
        self.touch(conn);
        true
    }

    /// Serves a detached connection again. What came for it meanwhile is heard first.
    pub fn reattach(&mut self, conn: ConnId) {
        let Some(slot) = self.slots.get_mut(conn).filter(|slot| slot.phase == Phase::Still) else {
            return;
        };
        slot.phase = Phase::Open;
        let Some(leaver) = self.moving.leavers.remove(&conn.slot()) else { return };
        self.settle_in(conn, leaver.estate.input);
    }

    /// Passes a detached connection to another reactor, where it is heard of as
    /// [`crate::Handler::arrived`] together with `cargo`. It is that one's from then on: here,
    /// nothing more is heard of it, and what is asked for it does nothing; except that, where it
    /// can't be passed, [`crate::Handler::returned`] is heard.
    ///
    /// # Errors
    /// The cargo, where the connection is not detached, or where too many are on their way to the
    /// other reactor, or that one is gone, or this one is frozen. The connection stays as it is.
    pub fn pass(&mut self, conn: ConnId, to: &WakeHandle, cargo: Cargo) -> Result<(), Cargo> {
        let Some(slot) = self.slots.get_mut(conn).filter(|slot| slot.phase == Phase::Still) else {
            return Err(cargo);
        };
        let Some(leaver) = self.moving.leavers.get_mut(&conn.slot()) else { return Err(cargo) };
        if self.frozen || to.ring().is_none() || !to.expect_arrival() {
            return Err(cargo);
        }
        slot.phase = Phase::Passing;
        let mut estate = std::mem::take(&mut leaver.estate);
        estate.unsent = slot.outbox.take().map_or_else(Unsent::default, |outbox| outbox.pack());
        let parcel = Box::into_raw(Box::new(Parcel { estate, cargo }));
        leaver.passing = Some(Passing { to: to.clone(), parcel });
        self.moving.passes.push(conn);
        Ok(())
    }

    /// Whether a connection is detached: neither served nor on its way.
    pub fn is_detached(&self, conn: ConnId) -> bool {
        self.slots.get(conn).is_some_and(|slot| slot.phase == Phase::Still)
    }

    /// Submits what is to be passed.
    pub(crate) fn submit_passes(&mut self, ring: &mut Ring) -> io::Result<()> {
        for conn in self.moving.passes.drain(..) {
            let leaver = self.moving.leavers.get(&conn.slot());
            let Some(passing) = leaver.and_then(|it| it.passing.as_ref()) else { continue };
            // A ring that is gone has no descriptor: the kernel says so, and the parcel returns.
            let target = passing.to.ring().unwrap_or(-1);
            let address = passing.parcel.expose_provenance() as u64;
            ring.send_file(conn.slot(), target, address, token(Op::Passed, conn))?;
        }
        Ok(())
    }

    /// Cancels what is in flight; where nothing is any more, the handler will hear so.
    pub(crate) fn settle_leaving(&mut self, conn: ConnId, ring: &mut Ring) -> io::Result<()> {
        let Some(slot) = self.slots.get_mut(conn) else { return Ok(()) };
        cancel_all(conn, slot, ring)?;
        if slot.flags.any(Flags::IN_FLIGHT.or(Flags::BROKEN)) {
            return Ok(());
        }
        if slot.flags.any(Flags::SUBMITTED) {
            // The last segment is on its way; the next look knows whether it fell short.
            slot.flags.remove(Flags::SUBMITTED);
            self.touch(conn);
            return Ok(());
        }
        slot.phase = Phase::Still;
        self.events.push_back(Event::Detached(conn));
        Ok(())
    }

    /// Keeps what was received for a connection that is leaving.
    pub(crate) fn keep_input(&mut self, conn: ConnId, bytes: &[u8]) {
        let leaves = |slot: &Slot| matches!(slot.phase, Phase::Leaving | Phase::Still);
        if !self.slots.get(conn).is_some_and(leaves) {
            return;
        }
        let Some(leaver) = self.moving.leavers.get_mut(&conn.slot()) else { return };
        if leaver.estate.input.len() + bytes.len() > INPUT_MAX {
            return self.let_go(conn, Phase::Ending, Closed::Error(libc::ENOBUFS));
        }
        leaver.estate.input.extend_from_slice(bytes);
    }

    /// A socket of ours is in the other ring, or can't be.
    pub(crate) fn on_passed(&mut self, completion: Completion) {
        let conn = ConnId::new(completion.token.slot, completion.token.generation);
        let Some(Leaver { passing: Some(passing), .. }) = self.moving.leavers.remove(&conn.slot())
        else {
            return;
        };
        let Some(slot) = self.slots.get_mut(conn) else { return };
        if completion.result >= 0 {
            slot.phase = Phase::Ending;
            self.counters.moved_out += 1;
            return self.touch(conn);
        }
        passing.to.arrived();
        self.counters.moves_failed += 1;
        // SAFETY: made by `pass` from a box, and the other ring has not heard of it: its completion
        // is posted exactly where this one is no failure. (Where the kernel had no memory for it,
        // the other table keeps the socket, which nobody there knows or serves.)
        let Parcel { estate, cargo } = *unsafe { Box::from_raw(passing.parcel) };
        slot.phase = Phase::Open;
        let error = io::Error::from_raw_os_error(-completion.result);
        self.events.push_back(Event::Returned(conn, cargo, error));
        self.move_in(conn, estate);
    }

    /// A socket from another ring is in ours.
    pub(crate) fn on_arrived(&mut self, completion: Completion, me: &WakeHandle) {
        let Some(parcel) = open(completion) else { return };
        me.arrived();
        let Parcel { estate, cargo } = *parcel;
        let conn = self.slots.open(completion.result as u32, Phase::Open);
        self.counters.moved_in += 1;
        self.events.push_back(Event::Arrived(conn, cargo));
        self.move_in(conn, estate);
    }
}

/// Frees what is in a completion that nobody hears any more.
pub(crate) fn discard(completion: Completion) {
    drop(open(completion));
}

fn open(completion: Completion) -> Option<Box<Parcel>> {
    if completion.token.op != Op::Arrived || completion.result < 0 {
        return None;
    }
    let address = completion.token.carried() as usize;
    // SAFETY: completions of this kind are asked for by `submit_passes` only, each with the address
    // of a box that `pass` made. The kernel posts one to one ring, once, and then tells the sender
    // of success, who forgets the address.
    Some(unsafe { Box::from_raw(std::ptr::with_exposed_provenance_mut(address)) })
}
