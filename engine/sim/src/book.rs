//! The event log of what is simulated.

use std::cell::RefCell;
use std::rc::Rc;

use whisper_core::event_log::{End, Head, Recorder, header};
use whisper_core::shard::{Effect, Event, Setup, Shard};
use whisper_core::time::Micros;

/// Payloads aren't much longer.
const PAYLOAD_BYTES: usize = 1 << 16;

/// Where an event log gathers. It stays when the world that it is of breaks.
#[derive(Clone)]
pub struct Book(Rc<RefCell<Vec<u8>>>);

/// Writes all shards of a world into a book.
pub(crate) struct Scribe {
    recorders: Vec<Recorder>,
    book: Book,
}

impl Default for Book {
    fn default() -> Self {
        Self(Rc::new(RefCell::new(header())))
    }
}

impl Book {
    /// The log so far. It is whole once its world is gone.
    pub fn bytes(&self) -> Vec<u8> {
        self.0.borrow().clone()
    }

    fn add(&self, shard: u16, payload: &[u8]) {
        let mut bytes = self.0.borrow_mut();
        bytes.extend(Head::of(shard, payload).to_bytes());
        bytes.extend(payload);
    }
}

impl Scribe {
    /// Begins the log of shards made from this now.
    pub(crate) fn new<'a>(
        book: &Book,
        now: Micros,
        setups: impl IntoIterator<Item = &'a Setup>,
    ) -> Self {
        let recorders = setups.into_iter().map(|setup| Recorder::new(now, setup)).collect();
        Self { recorders, book: book.clone() }
    }

    pub(crate) fn told(&mut self, shard: &Shard, now: Micros, event: &Event<'_>) {
        self.recorders[usize::from(shard.id().shard)].told(shard, now, event);
    }

    pub(crate) fn did(&mut self, shard: u16, effect: &Effect<'_>) {
        self.recorders[usize::from(shard)].did(effect);
    }

    pub(crate) fn done(&mut self, shard: u16) {
        let recorder = &mut self.recorders[usize::from(shard)];
        recorder.done();
        if recorder.gathered() >= PAYLOAD_BYTES {
            self.book.add(shard, &recorder.take());
        }
    }
}

impl Drop for Scribe {
    fn drop(&mut self) {
        for recorder in &mut self.recorders {
            let mut payload = recorder.take();
            // Where a world breaks off, that is the end.
            if !recorder.is_underway() {
                payload.extend(End::Stopped.payload());
            }
            self.book.add(recorder.shard(), &payload);
        }
    }
}
