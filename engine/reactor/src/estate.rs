//! What there is of a connection besides its socket: what has to come along, wherever it goes on.

use crate::io::{Event, Io};
use crate::outbox::{Outbox, Unsent};
use crate::slots::{ConnId, Flags, Phase, Slot};

/// A connection without its socket, and without what its owner knows of it. Plain data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Estate {
    /// Received, and not heard: where it goes on, this is heard first.
    pub input: Vec<u8>,
    /// Written, and not taken by the kernel.
    pub unsent: Unsent,
    /// What is written, and what waits as it was written, leaves by a [`crate::Sealer`] only.
    pub sealed: bool,
    /// Nothing is to be received, see [`Io::pause`].
    pub paused: bool,
    /// Its owner has let go of it, or the peer has. What was written before has still to leave.
    pub closing: bool,
}

impl Io {
    /// What there is of a connection that can go on elsewhere; None where it can't.
    pub(crate) fn estate(&self, conn: ConnId, slot: &Slot) -> Option<Estate> {
        let closing = match slot.phase {
            Phase::Open | Phase::Leaving | Phase::Still => false,
            Phase::Flushing | Phase::Lingering => true,
            Phase::Free | Phase::Arriving | Phase::Passing | Phase::Ending => return None,
        };
        let unsent = slot.outbox.as_ref().map_or_else(Unsent::default, |outbox| outbox.copy());
        (!slot.flags.any(Flags::BROKEN)).then(|| Estate {
            input: self.moving.input(conn).to_vec(),
            unsent,
            // Where the sealer has said its last, all that waits is as the wire carries it.
            sealed: slot.flags.any(Flags::SEALED) && !slot.flags.any(Flags::FINISHED),
            paused: slot.flags.any(Flags::PAUSED),
            closing,
        })
    }

    /// Begins to serve a connection that has its slot already, and comes with this.
    pub(crate) fn move_in(&mut self, conn: ConnId, estate: Estate) {
        let Some(slot) = self.slots.get_mut(conn) else { return };
        let Estate { input, unsent, sealed, paused, closing } = estate;
        if sealed {
            slot.flags.insert(Flags::SEALED);
        }
        if paused {
            slot.flags.insert(Flags::PAUSED);
        }
        if !unsent.is_empty() {
            let outbox = Outbox::unpack(unsent, &self.unsent_sum);
            slot.outbox = (!outbox.is_empty()).then(|| Box::new(outbox));
        }
        if closing {
            slot.phase = Phase::Flushing;
            return self.check_unsent(conn);
        }
        self.settle_in(conn, input);
    }

    /// Goes on with a connection that this was received for before.
    pub(crate) fn settle_in(&mut self, conn: ConnId, input: Vec<u8>) {
        if let Some(slot) = self.slots.get_mut(conn)
            && !slot.flags.any(Flags::BROKEN)
        {
            slot.flags.remove(Flags::ENDED); // the socket says it again
        }
        if !input.is_empty() {
            self.events.push_back(Event::Kept(conn, input));
        }
        self.check_unsent(conn);
    }
}
