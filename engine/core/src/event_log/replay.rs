//! Makes the decisions of a log again, and compares.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::io::{self, Read};

use super::effects::{Account, Outcome};
use super::{End, HEADER, Head, PAYLOAD_BYTES_MAX, Record, Told, VERSION};
use crate::codec::{Field, Hashing, Reader};
use crate::moderation::Severity;
use crate::rooms::RoomMessage;
use crate::shard::{Effect, Envelope, Event, Shard, ShardMessage};
use crate::time::{Micros, Span};

/// Events that are told of before one that comes out otherwise.
const REMEMBERED: usize = 16;

/// A log whose every event came out as it was written.
pub struct Replayed {
    /// How each shard fared, in order.
    pub shards: Vec<ShardReplayed>,
    /// The last chunk is cut short; what it has whole was replayed.
    pub torn: bool,
    /// What shards were told last and, as the log has it, never finished.
    pub unfinished: Vec<Unfinished>,
}

/// How one shard fared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShardReplayed {
    /// Which.
    pub shard: u16,
    /// Events from outside.
    pub events: u64,
    /// What came of them.
    pub effects: u64,
    /// A hash of both, in order.
    pub digest: u64,
    /// How its log ends.
    pub ended: Ended,
}

/// How a shard's log ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It says why.
    Said(End),
    /// It doesn't: the process ended first.
    Cut,
}

/// Why a log can't be replayed, or doesn't come out as it was written.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// It can't be read.
    #[error("can't read the log: {0}")]
    Unreadable(#[from] io::Error),
    /// It is something else.
    #[error("this is no event log: it doesn't begin with {HEADER:?}")]
    NoLog,
    /// Another build wrote it.
    #[error("the log is of version {0:?}; this build replays version {VERSION} only")]
    OtherVersion(String),
    /// No chunk begins where one should.
    #[error("the log is damaged: no chunk begins at byte {at}")]
    Lost {
        /// Where.
        at: u64,
    },
    /// Bytes are not what was written.
    #[error("the log is damaged in the chunk at byte {at} (shard {shard}): {why}")]
    Damaged {
        /// Where the chunk begins.
        at: u64,
        /// Whose it says it is.
        shard: u16,
        /// What is wrong.
        why: &'static str,
    },
    /// Keys have other owners than in this build.
    #[error("shard {shard} was placed otherwise than this build places shards")]
    PlacedOtherwise {
        /// Which.
        shard: u16,
    },
    /// A shard did something else than it did then.
    #[error(transparent)]
    Diverged(Box<Diverged>),
}

/// An event of which something else came than was written.
#[derive(Clone, Debug, thiserror::Error)]
pub struct Diverged {
    /// Whose.
    pub shard: u16,
    /// Which of its events, from 1.
    pub event: u64,
    /// How many effects it had, and has.
    pub effects: [u64; 2],
    /// The last events, the one in question at the end.
    pub last: Vec<String>,
}

/// Replays a whole log. What is said of the log of a process holds for this build where it behaves
/// as the one that wrote it.
///
/// # Errors
/// [`Failure`]; nothing is said then of what comes after.
pub fn replay(mut log: impl Read) -> Result<Replayed, Failure> {
    read_header(&mut log)?;
    let mut at = super::header().len() as u64;
    let mut shards: BTreeMap<u16, Rerun> = BTreeMap::new();
    let mut torn = false;
    while !torn {
        let mut head = [0; Head::BYTES];
        let got = read_up_to(&mut log, &mut head)?;
        if got < Head::BYTES {
            torn = got > 0;
            break;
        }
        let head = Head::from_bytes(head).ok_or(Failure::Lost { at })?;
        let Head { shard, length, .. } = head;
        let damaged = |why| Failure::Damaged { at, shard, why };
        if length as usize > PAYLOAD_BYTES_MAX {
            return Err(damaged("longer than a chunk may be"));
        }
        let mut payload = vec![0; length as usize];
        let got = read_up_to(&mut log, &mut payload)?;
        torn = got < payload.len();
        payload.truncate(got);
        if !torn && Head::of(shard, &payload) != head {
            return Err(damaged("its checksum differs"));
        }
        shards.entry(shard).or_default().take(&payload, torn).map_err(|wrong| match wrong {
            Wrong::Damaged(why) => damaged(why),
            Wrong::PlacedOtherwise => Failure::PlacedOtherwise { shard },
            Wrong::Diverged(effects, last) => {
                let event = shards[&shard].events;
                Failure::Diverged(Box::new(Diverged { shard, event, effects, last }))
            }
        })?;
        at += (Head::BYTES + payload.len()) as u64;
    }
    let summary = |(&shard, it): (&u16, &Rerun)| ShardReplayed {
        shard,
        events: it.events,
        effects: it.account.effects(),
        digest: it.account.digest(),
        ended: it.ended.map_or(Ended::Cut, Ended::Said),
    };
    Ok(Replayed {
        shards: shards.iter().map(summary).collect(),
        torn,
        unfinished: shards.into_iter().filter_map(Unfinished::of).collect(),
    })
}

/// An event that a shard was told and, as the log has it, never finished.
pub struct Unfinished {
    shard: u16,
    rerun: Rerun,
    body: Vec<u8>,
}

impl Unfinished {
    fn of((shard, mut rerun): (u16, Rerun)) -> Option<Self> {
        let body = rerun.unfinished.take()?;
        Some(Self { shard, rerun, body })
    }

    /// Tells the event again, as one in which nothing was found: what was is only known of those
    /// that were finished. Returns how many effects came of it, if it ends this time.
    ///
    /// # Panics
    /// Where the shard does, as it may have then.
    pub fn run(mut self) -> u64 {
        match Record::get(&mut Reader::discreet(&self.body)) {
            Ok(Record::Event { after, told }) => {
                self.rerun.tell(after, told, None, &self.body).effects
            }
            _ => unreachable!("it was read before"),
        }
    }
}

impl fmt::Display for Unfinished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (shard, event) = (self.shard, self.rerun.events + 1);
        write!(f, "shard {shard}, event {event}: {}", describe(&self.body))
    }
}

impl fmt::Display for Diverged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { shard, event, effects: [then, now], last } = self;
        write!(f, "shard {shard} does something else at its event {event}: ")?;
        if then == now {
            write!(f, "{now} effects, as then, but others")?;
        } else {
            write!(f, "{now} effects, and then {then}")?;
        }
        let before = last.len().saturating_sub(1) as u64;
        write!(f, ". Its last events:")?;
        for (number, told) in (event - before..).zip(last) {
            write!(f, "\n  {number}: {told}")?;
        }
        Ok(())
    }
}

/// One shard that is run again.
#[derive(Default)]
struct Rerun {
    shard: Option<Shard>,
    now: Micros,
    account: Account,
    events: u64,
    to_itself: VecDeque<Envelope>,
    last: VecDeque<Vec<u8>>,
    ended: Option<End>,
    unfinished: Option<Vec<u8>>,
}

/// What is wrong with a payload.
enum Wrong {
    Damaged(&'static str),
    PlacedOtherwise,
    /// Effects then and now, and the last events.
    Diverged([u64; 2], Vec<String>),
}

impl Rerun {
    /// Takes the records of a payload; of one that is torn, the whole ones.
    fn take(&mut self, payload: &[u8], torn: bool) -> Result<(), Wrong> {
        let mut r = Reader::discreet(payload);
        while !r.rest().is_empty() {
            if self.ended.is_some() || self.unfinished.is_some() {
                return Err(Wrong::Damaged("something follows the end"));
            }
            let Ok(body) = r.count().and_then(|count| r.bytes(count)) else {
                return if torn { Ok(()) } else { Err(Wrong::Damaged("a record is cut short")) };
            };
            let mut whole = Reader::discreet(body);
            let record = Record::get(&mut whole).ok().filter(|_| whole.rest().is_empty());
            match record.ok_or(Wrong::Damaged("a record makes no sense"))? {
                Record::Begin(begin) if self.shard.is_none() => {
                    self.now = begin.now;
                    self.shard = Some(begin.shard().ok_or(Wrong::PlacedOtherwise)?);
                }
                Record::Event { after, told } if self.shard.is_some() => {
                    let unfinished = r.rest().is_empty();
                    match Outcome::get(&mut r) {
                        Ok(outcome) => self.again(after, told, body, outcome)?,
                        Err(_) if torn => return Ok(()),
                        Err(_) if unfinished => self.unfinished = Some(body.to_vec()),
                        Err(_) => return Err(Wrong::Damaged("an outcome is cut short")),
                    }
                }
                Record::End(end) => self.ended = Some(end),
                Record::Begin(_) => return Err(Wrong::Damaged("a shard begins twice")),
                Record::Event { .. } => return Err(Wrong::Damaged("a shard has no beginning")),
            }
        }
        Ok(())
    }

    fn again(
        &mut self,
        after: Span,
        told: Told<'_>,
        body: &[u8],
        then: Outcome,
    ) -> Result<(), Wrong> {
        self.events += 1;
        if self.last.len() == REMEMBERED {
            self.last.pop_front();
        }
        self.last.push_back(body.to_vec());
        let now = self.tell(after, told, then.found, body);
        if now == then {
            return Ok(());
        }
        let last = self.last.iter().map(|body| describe(body)).collect();
        Err(Wrong::Diverged([then.effects, now.effects], last))
    }

    /// One event from outside, and all that the shard says to itself because of it.
    fn tell(
        &mut self,
        after: Span,
        told: Told<'_>,
        found: Option<Severity>,
        body: &[u8],
    ) -> Outcome {
        self.now = self.now + after;
        self.account.event(body);
        told.retell(found, |event| self.hear(event));
        while let Some(envelope) = self.to_itself.pop_front() {
            let from = self.shard.as_ref().expect("it has begun").id();
            self.hear(Event::FromShard { from, envelope });
        }
        self.account.close()
    }

    fn hear(&mut self, event: Event<'_>) {
        let Self { shard, now, account, to_itself, .. } = self;
        let shard = shard.as_mut().expect("it has begun");
        let me = shard.id();
        shard.handle(*now, event, &mut |effect: Effect<'_>| {
            account.effect(&effect, Hashing::ByStandIn);
            if let Effect::ToShard { to, envelope } = effect
                && to == me
            {
                to_itself.push_back(envelope);
            }
        });
    }
}

/// An event, for people.
fn describe(body: &[u8]) -> String {
    let Ok(Record::Event { after, told }) = Record::get(&mut Reader::discreet(body)) else {
        return "no event".into();
    };
    let Span(after) = after;
    let what = match &told {
        Told::FromShard { from, envelope } => match &envelope.message {
            ShardMessage::Room(RoomMessage::Deliver { to, room, payload, .. }) => {
                let (from, size) = (from.shard, payload.len());
                format!("from shard {from}: {size} bytes for {to:?} in {}", room.encode())
            }
            message => format!("from shard {}: {message:?}", from.shard),
        },
        Told::Said { session, said } => format!("{session:?}: {said:?}"),
        other => format!("{other:?}"),
    };
    format!("{after} µs later, {what}")
}

fn read_header(log: &mut impl Read) -> Result<(), Failure> {
    /// Digits of a version, and the end of the line.
    const VERSION_BYTES_MAX: usize = 10;
    let mut begin = [0; HEADER.len()];
    if read_up_to(log, &mut begin)? < begin.len() || begin != *HEADER.as_bytes() {
        return Err(Failure::NoLog);
    }
    let mut version = String::new();
    while version.len() < VERSION_BYTES_MAX {
        let mut byte = [0];
        if read_up_to(log, &mut byte)? == 0 {
            return Err(Failure::NoLog);
        }
        if byte == *b"\n" {
            break;
        }
        version.push(char::from(byte[0]));
    }
    if version == VERSION.to_string() { Ok(()) } else { Err(Failure::OtherVersion(version)) }
}

/// Reads until the buffer is full or there is no more; how much there was.
fn read_up_to(log: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut got = 0;
    while got < buffer.len() {
        match log.read(&mut buffer[got..]) {
            Ok(0) => break,
            Ok(count) => got += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(got)
}
