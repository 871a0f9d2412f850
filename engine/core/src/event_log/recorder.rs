//! Writes the log of one shard.

use whisper_shard_router::{Placement, ShardId};

use super::begin::Begin;
use super::effects::Account;
use super::{Record, Told};
use crate::codec::{Field, Hashing, Writer, fields};
use crate::shard::{Effect, Event, Setup, Shard};
use crate::time::Micros;

/// Why a log ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The process did, in order.
    Stopped,
    /// What writes it couldn't keep up.
    Behind,
    /// It is as long as it may be.
    Full,
}

fields! {
    enum End {
        0 Stopped;
        1 Behind;
        2 Full;
    }
}

/// Writes down what a shard is told, and an account of what it does.
///
/// For each event from outside: [`told`](Self::told), then [`did`](Self::did) for each of its
/// effects and for those of what the shard had to say to itself, then [`done`](Self::done). Of the
/// bytes that gather, [`take`](Self::take) gives what is whole.
pub struct Recorder {
    me: ShardId,
    placement: Placement,
    now: Micros,
    account: Account,
    body: Vec<u8>,
    written: Vec<u8>,
    /// An event was told, and isn't done.
    underway: bool,
}

impl Recorder {
    /// Begins the log of a shard that is made from this now.
    pub fn new(now: Micros, setup: &Setup) -> Self {
        let mut recorder = Self {
            me: setup.me,
            placement: setup.placement.clone(),
            now,
            account: Account::default(),
            body: Vec::new(),
            written: Vec::new(),
            underway: false,
        };
        recorder.write(&Record::Begin(Begin::of(now, setup)));
        recorder
    }

    /// The shard is about to take an event from outside.
    pub fn told(&mut self, shard: &Shard, now: Micros, event: &Event<'_>) {
        let Some(told) = Told::of(event, shard) else { return };
        let after = now.since(self.now);
        self.now = now;
        self.write(&Record::Event { after, told });
        self.account.event(&self.body);
        self.underway = true;
    }

    /// The shard has this done. What is done for another reason than an event is none of its doing.
    pub fn did(&mut self, effect: &Effect<'_>) {
        if !self.underway {
            return;
        }
        self.account.effect(effect, Hashing::ByName(&self.placement));
    }

    /// Everything that came of the event has been done.
    pub fn done(&mut self) {
        if !std::mem::take(&mut self.underway) {
            return;
        }
        let outcome = self.account.close();
        outcome.put(&mut Writer::discreet(&mut self.written, Hashing::ByName(&self.placement)));
    }

    /// Whether an event is between [`told`](Self::told) and [`done`](Self::done). Nothing may follow
    /// what is [taken](Self::take) then: that it never came to an outcome is what the log has to say.
    pub fn is_underway(&self) -> bool {
        self.underway
    }

    /// Bytes that have gathered.
    pub fn gathered(&self) -> usize {
        self.written.len()
    }

    /// What has gathered, as the payload of a chunk.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.written)
    }

    /// Whose log it is.
    pub fn shard(&self) -> u16 {
        self.me.shard
    }

    fn write(&mut self, record: &Record<'_>) {
        let hashing = Hashing::ByName(&self.placement);
        self.body.clear();
        record.put(&mut Writer::discreet(&mut self.body, hashing));
        frame(&self.body, &mut Writer::discreet(&mut self.written, hashing));
    }
}

impl End {
    /// What a log ends with, as a payload or the end of one.
    pub fn payload(self) -> Vec<u8> {
        let (mut body, mut payload) = (Vec::new(), Vec::new());
        Record::End(self).put(&mut Writer::discreet(&mut body, Hashing::ByStandIn));
        frame(&body, &mut Writer::discreet(&mut payload, Hashing::ByStandIn));
        payload
    }
}

/// A record: its body behind its length.
fn frame(body: &[u8], w: &mut Writer<'_>) {
    w.number(body.len() as u64);
    w.bytes(body);
}
