//! The event log of a process: workers hand over what their recorders wrote, one thread brings it
//! to a file.
//!
//! No worker waits for the disk. Where the file's thread is behind, a shard's log ends there and
//! says so; nothing is left out of the middle.

mod file;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use crossbeam_channel::{Sender, TrySendError, bounded};
use whisper_core::event_log::{End, Recorder};
use whisper_core::shard::{Effect, Event, Setup, Shard};
use whisper_core::time::{Micros, Span};

pub(crate) use self::file::LogFile;

/// What a worker gathers before it hands that over within a turn.
const PAYLOAD_BYTES: usize = 1 << 16;

/// For how long it gathers at most.
const GATHER_MAX: Span = Span::millis(100);

/// How long a worker that ends waits for the file's thread.
const FAREWELL_MAX: Duration = Duration::from_secs(1);

/// What a worker gives to the file's thread.
enum Letter {
    /// Records of a shard.
    Records {
        /// Whose.
        shard: u16,
        /// The payload of a chunk.
        payload: Vec<u8>,
    },
    /// The last of a shard.
    End {
        /// Whose.
        shard: u16,
        /// Why.
        why: End,
    },
    /// A question whether all before it is written; the answer is that its sender is dropped.
    Written(#[expect(dead_code, reason = "dropping it is what it is for")] Sender<()>),
}

/// How a worker reaches the file's thread.
#[derive(Clone)]
pub(crate) struct ToFile(Sender<Letter>);

/// One worker's part of the log.
pub(crate) struct EventLog {
    shard: u16,
    /// Shared with what happens in a panic of this thread, and with nobody else.
    recorder: Rc<RefCell<Recorder>>,
    to_file: ToFile,
    /// When what has gathered is to be handed over.
    due: Option<Micros>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Recording,
    /// Something couldn't be handed over, and nothing is recorded any more; the file's thread has
    /// to be told.
    Behind,
    Over,
}

impl EventLog {
    /// Begins the log of the shard that this thread makes from this now.
    pub(crate) fn new(now: Micros, setup: &Setup, to_file: ToFile) -> Self {
        let recorder = Rc::new(RefCell::new(Recorder::new(now, setup)));
        OF_THIS_THREAD.set(Some((Rc::clone(&recorder), to_file.clone())));
        let due = Some(now);
        Self { shard: setup.me.shard, recorder, to_file, due, state: State::Recording }
    }

    /// The shard is about to take an event.
    pub(crate) fn told(&self, shard: &Shard, now: Micros, event: &Event<'_>) {
        if self.state == State::Recording {
            self.recorder.borrow_mut().told(shard, now, event);
        }
    }

    /// The shard has this done.
    pub(crate) fn did(&self, effect: &Effect<'_>) {
        if self.state == State::Recording {
            self.recorder.borrow_mut().did(effect);
        }
    }

    /// Everything that came of the event has been done.
    pub(crate) fn done(&mut self, now: Micros) {
        if self.state != State::Recording {
            return;
        }
        let mut recorder = self.recorder.borrow_mut();
        recorder.done();
        let gathered = recorder.gathered();
        drop(recorder);
        if gathered >= PAYLOAD_BYTES {
            self.hand_over();
        } else if gathered > 0 {
            self.due.get_or_insert(now + GATHER_MAX);
        }
    }

    /// When [`Self::turned`] has something to do.
    pub(crate) fn due(&self) -> Option<Micros> {
        self.due
    }

    /// A turn is over. False when the log is too.
    pub(crate) fn turned(&mut self, now: Micros) -> bool {
        if self.due.is_some_and(|due| due <= now) {
            match self.state {
                State::Recording => self.hand_over(),
                State::Behind => self.confess(now),
                State::Over => {}
            }
        }
        self.state != State::Over
    }

    /// The worker ends.
    pub(crate) fn end(mut self) {
        let why = match self.state {
            State::Recording => End::Stopped,
            State::Behind => End::Behind,
            State::Over => return,
        };
        if why == End::Stopped {
            let payload = self.recorder.borrow_mut().take();
            let letter = Letter::Records { shard: self.shard, payload };
            // Who can't be reached has said so.
            let _ = self.to_file.0.send_timeout(letter, FAREWELL_MAX);
        }
        let letter = Letter::End { shard: self.shard, why };
        let _ = self.to_file.0.send_timeout(letter, FAREWELL_MAX);
        self.state = State::Over;
    }

    fn hand_over(&mut self) {
        self.due = None;
        let payload = self.recorder.borrow_mut().take();
        match self.to_file.0.try_send(Letter::Records { shard: self.shard, payload }) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => {
                tracing::warn!(
                    shard = self.shard,
                    "the disk is behind; the event log of this shard ends"
                );
                self.state = State::Behind;
                self.due = Some(Micros(0));
            }
            // The file is full or broken, and its thread has said so.
            Err(TrySendError::Disconnected(_)) => self.state = State::Over,
        }
    }

    /// Has the file say that something is missing from here on.
    fn confess(&mut self, now: Micros) {
        let letter = Letter::End { shard: self.shard, why: End::Behind };
        match self.to_file.0.try_send(letter) {
            Err(TrySendError::Full(_)) => self.due = Some(now + GATHER_MAX),
            Ok(()) | Err(TrySendError::Disconnected(_)) => self.state = State::Over,
        }
    }
}

impl Drop for EventLog {
    fn drop(&mut self) {
        OF_THIS_THREAD.take();
    }
}

thread_local! {
    /// The log of the worker that runs in this thread.
    static OF_THIS_THREAD: RefCell<Option<(Rc<RefCell<Recorder>>, ToFile)>> =
        const { RefCell::new(None) };
}

/// Has a worker that panics hand over what it has, up to the event that it panics at, and wait until
/// that is in the file: a panic ends the process. Nothing, on a thread that keeps no log.
pub(crate) fn last_words() {
    // Where the recorder itself panics, or the thread is at its end, there is nothing to say.
    let _ = OF_THIS_THREAD.try_with(|log| {
        if let Some((recorder, to_file)) = log.take()
            && let Ok(mut recorder) = recorder.try_borrow_mut()
        {
            let (shard, payload) = (recorder.shard(), recorder.take());
            if !payload.is_empty() {
                to_file.say_at_last(Letter::Records { shard, payload });
            }
        }
    });
}

impl ToFile {
    /// Sends a letter and waits, not for long, until it is written.
    fn say_at_last(&self, letter: Letter) {
        let (written, is_written) = bounded(0);
        let _ = self.0.send_timeout(letter, FAREWELL_MAX);
        let _ = self.0.send_timeout(Letter::Written(written), FAREWELL_MAX);
        let _ = is_written.recv_timeout(FAREWELL_MAX);
    }
}
