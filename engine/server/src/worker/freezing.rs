//! A worker that stands still while its process hands over: no socket is heard, no timer runs, and
//! nothing is ordered. Messages between shards go on until none is under way: then what all
//! shards know fits together, and can be written down.

use crossbeam_channel::Sender;

use super::Worker;
use super::bequeathing::FromShard;

/// What is asked of a worker while its process hands over. It is heard beside commands, and after
/// them.
#[derive(Clone, Debug)]
pub(crate) enum Rite {
    /// Let nobody in for now: whoever comes waits to be accepted.
    Hold,
    /// Stand still, but for messages between shards.
    Freeze,
    /// Say how still everything is.
    Count(Sender<Count>),
    /// Write down what is here, in this format, and give copies of all sockets.
    Bequeath {
        /// One that [`whisper_core::succession::FORMATS`] has.
        format: u16,
        /// Where to.
        to: Sender<FromShard>,
    },
    /// Go on, as if nothing had been.
    Thaw,
}

/// How still a worker is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Count {
    /// Somebody's hands are being shaken, in TLS.
    pub(crate) shaking: bool,
    /// Nothing is in flight between it and the kernel, and nothing unheard.
    pub(crate) still: bool,
    /// Messages that it has sent to shards, so far.
    pub(crate) sent: u64,
    /// And received.
    pub(crate) received: u64,
}

impl Worker {
    pub(super) fn hear_rites(&mut self) {
        while let Ok(rite) = self.rites.try_recv() {
            match rite {
                Rite::Hold => self.reactor.hold_accepting(),
                Rite::Freeze => {
                    self.desk.ask_no_more(self.reactor.io());
                    self.streams.give_up_shaking(self.reactor.io());
                    self.reactor.freeze();
                    self.desk.frozen = true;
                }
                // Who asked may have given up, here and below.
                Rite::Count(answer) => drop(answer.try_send(self.count())),
                Rite::Bequeath { format, to } => self.bequeath(format, &to),
                Rite::Thaw => {
                    self.reactor.thaw();
                    self.desk.frozen = false;
                }
            }
        }
    }

    fn count(&self) -> Count {
        let whisper_shard_router::Counters { sent, received, .. } = self.desk.port.counters();
        let is_heard = self.desk.told.is_empty();
        let still = self.reactor.is_frozen() && is_heard;
        Count { shaking: self.streams.is_shaking(), still, sent, received }
    }
}
