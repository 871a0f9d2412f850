//! What a scenario acts through.

use std::time::{Duration, Instant};

use whisper_proto::ClientMessage;
use whisper_reactor::Io;

use super::crowd::Crowd;
use super::{Clock, Lost, PersonId};
use crate::fleet::Board;
use crate::plan::Phase;
use crate::record::{Count, Timing};

/// A reactor's people, what can be had of them, and what time it is.
pub(crate) struct Scene<'a> {
    io: &'a mut Io,
    crowd: &'a mut Crowd,
    clock: &'a mut Clock,
}

impl<'a> Scene<'a> {
    pub(super) fn new(io: &'a mut Io, crowd: &'a mut Crowd, clock: &'a mut Clock) -> Self {
        Self { io, crowd, clock }
    }

    /// How many are there.
    pub(crate) fn ready(&self) -> usize {
        self.crowd.ready()
    }

    /// Whether somebody is there.
    pub(crate) fn is_ready(&self, person: PersonId) -> bool {
        self.crowd.is_ready(person)
    }

    /// A person's number among those of all reactors.
    pub(crate) fn name(&self, person: PersonId) -> u32 {
        self.crowd.name(person)
    }

    /// Has the first so many people come, and those beyond leave who came so.
    pub(crate) fn want(&mut self, people: usize) {
        self.crowd.want(self.io, people);
    }

    /// Has somebody come who is away.
    pub(crate) fn come(&mut self, person: PersonId) {
        self.crowd.come(person);
    }

    /// Has somebody leave, in good order.
    pub(crate) fn leave(&mut self, person: PersonId) {
        self.crowd.leave(self.io, person);
    }

    /// Has somebody's connection end without a word, as where a network is gone.
    pub(crate) fn vanish(&mut self, person: PersonId) {
        self.crowd.vanish(self.io, person);
    }

    /// The shard that serves somebody, where the plan was to ask for it.
    pub(crate) fn shard(&self, person: PersonId) -> Option<u16> {
        self.crowd.shard(person)
    }

    /// Has somebody say something to the engine.
    pub(crate) fn say(&mut self, person: PersonId, message: &ClientMessage<'_>) {
        self.crowd.frame(self.io, person, |out| message.encode(out));
    }

    /// Has somebody begin to say something, of which so much is sent now. The rest is with the
    /// beginning of what they say next, or when they [finish](Scene::finish).
    pub(crate) fn begin_to_say(
        &mut self,
        person: PersonId,
        share: f64,
        message: &ClientMessage<'_>,
    ) {
        self.crowd.part_of_frame(self.io, person, share, |out| message.encode(out));
    }

    /// Has somebody say the rest of what they began to say.
    pub(crate) fn finish(&mut self, person: PersonId) {
        self.crowd.finish(self.io, person);
    }

    /// Has somebody send bytes as they are.
    pub(crate) fn send(&mut self, person: PersonId, payload: &[u8]) {
        self.crowd.frame(self.io, person, |out| out.extend_from_slice(payload));
    }

    /// Has somebody write bytes without a frame around them.
    pub(crate) fn write(&mut self, person: PersonId, bytes: &[u8]) {
        self.crowd.write(self.io, person, bytes);
    }

    /// Has somebody read nothing any more. Their connection's end shows only when they write.
    pub(crate) fn stop_reading(&mut self, person: PersonId) {
        if let Some(conn) = self.crowd.conn(person) {
            self.io.pause(conn);
        }
    }

    /// Bytes of somebody that the system has not taken yet.
    pub(crate) fn unsent(&self, person: PersonId) -> usize {
        self.crowd.conn(person).map_or(0, |conn| self.io.unsent(conn))
    }

    /// Something happened.
    pub(crate) fn count(&mut self, what: Count) {
        self.clock.recorder.count(what);
    }

    /// Something happened so often.
    pub(crate) fn count_many(&mut self, what: Count, many: u64) {
        self.clock.recorder.count_many(what, many);
    }

    /// Something took so long.
    pub(crate) fn time(&mut self, what: Timing, took: Duration) {
        self.clock.recorder.time(what, took);
    }

    /// Keeps the first of the reasons why connections are lost.
    pub(crate) fn note_lost(&mut self, why: Lost) {
        self.crowd.note_lost(why);
    }

    /// The phase at present.
    pub(crate) fn phase(&self) -> Phase {
        self.clock.phases.phase()
    }

    /// Whether the load is on.
    pub(crate) fn is_loading(&self) -> bool {
        self.clock.phases.is_loading()
    }

    /// When the load began; None before.
    pub(crate) fn began(&self) -> Option<Instant> {
        self.clock.phases.began()
    }

    /// The load's level; 0 where it is not on.
    pub(crate) fn level(&self, now: Instant) -> f64 {
        let began = self.began().filter(|_| self.is_loading());
        began.map_or(0.0, |began| self.crowd.load().level(now.saturating_duration_since(began)))
    }

    /// Which reactor this is.
    pub(crate) fn reactor(&self) -> usize {
        self.clock.number
    }

    /// What all reactors know of each other.
    pub(crate) fn board(&self) -> &Board {
        &self.clock.board
    }
}
