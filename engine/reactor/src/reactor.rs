//! The turn: flush, enter, drain; then dispatch.

use std::io;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::net::TcpListener;
use std::time::Duration;

use crate::buffers::Buffers;
use crate::config::Config;
use crate::counters::Counters;
use crate::io::{Event, Handler, Io, Opened};
use crate::listener::Listeners;
use crate::moving;
use crate::ring::Ring;
use crate::sealing::Sealer;
use crate::setup::SetupError;
use crate::token::{Op, Token};
use crate::wake::{Notifier, WakeHandle};

/// Events that may wait for the handler without an allocation, once a rush is over.
const EVENTS_KEPT: usize = 1024;

/// How long [`Reactor::wait`] may sleep when there is nothing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Not at all.
    No,
    /// So long at most.
    For(Duration),
    /// Until there is something.
    Forever,
}

/// One ring and its sockets. Belongs to the thread that made it.
pub struct Reactor {
    pub(crate) ring: Ring,
    // The kernel may hold pointers into these until the ring has cancelled all: see `drop`.
    buffers: ManuallyDrop<Buffers>,
    pub(crate) io: ManuallyDrop<Io>,
    pub(crate) listeners: ManuallyDrop<Listeners>,
    notifier: Notifier,
    notifier_armed: bool,
    wake_handle: WakeHandle,
    event_budget: usize,
    /// What the kernel said to [`Op::Lent`] and [`Op::Adopted`], and to which of them.
    pub(crate) answers: Vec<(u32, i32)>,
    /// The kernel accepts submissions from the ring's own thread only.
    not_send: PhantomData<*const ()>,
}

impl Reactor {
    /// Makes a reactor for the calling thread, and raises the process's file limit on the way.
    ///
    /// # Errors
    /// What is missing here, and what to do about it.
    pub fn new(config: Config) -> Result<Reactor, SetupError> {
        let ring = Ring::new(&config)?;
        let buffers = Buffers::new(config.recv_buffers, config.recv_buffer_bytes);
        let mut buffers = buffers.map_err(|source| SetupError::Limit {
            what: "no memory for the receive buffers",
            limit: "RLIMIT_AS or the memory limit",
            source,
        })?;
        // SAFETY: `drop` lets go of the buffers only when no receive is in flight.
        unsafe { buffers.register(&ring) }
            .map_err(|source| SetupError::Lacks { what: "rings of provided buffers", source })?;
        let notifier = Notifier::new().map_err(|source| SetupError::Limit {
            what: "no descriptor for the notifier",
            limit: "RLIMIT_NOFILE (LimitNOFILE= in a unit)",
            source,
        })?;
        let arrivals_max = config.arrivals_max.min(ring.slots() / 8);
        Ok(Reactor {
            wake_handle: WakeHandle::new(ring.fd(), arrivals_max),
            io: ManuallyDrop::new(Io::new(&config, ring.slots())),
            ring,
            buffers: ManuallyDrop::new(buffers),
            listeners: ManuallyDrop::new(Listeners::new(config.accept_watermark, arrivals_max)),
            notifier,
            notifier_armed: false,
            event_budget: config.event_budget.max(1),
            answers: Vec::new(),
            not_send: PhantomData,
        })
    }

    /// How many sockets the ring can hold: what was asked for, or what the limits allow.
    pub fn slots(&self) -> u32 {
        self.ring.slots()
    }

    /// Accepts from this socket too. `tag` tells its connections apart in `opened`.
    ///
    /// # Errors
    /// The socket's, when its options can't be set.
    pub fn listen(&mut self, socket: TcpListener, tag: u32) -> io::Result<()> {
        self.listeners.add(socket, tag)
    }

    /// Stops accepting, on all listeners, and closes them. Connections stay.
    pub fn stop_listening(&mut self) {
        self.listeners.stop();
    }

    /// Lets another reactor wake this one, or pass it connections: see [`Io::wake`], [`Io::pass`].
    pub fn wake_handle(&self) -> WakeHandle {
        self.wake_handle.clone()
    }

    /// Lets a thread without a ring wake this one.
    pub fn notifier(&self) -> Notifier {
        self.notifier.clone()
    }

    /// Sends what was written, has the kernel wait for what should be waited for, and sleeps until
    /// something happened or the time is up. It may return early, and doesn't sleep while events
    /// are left to dispatch.
    ///
    /// # Errors
    /// The ring's. They are fatal: the reactor is good for nothing but being dropped.
    pub fn wait(&mut self, wait: Wait) -> io::Result<()> {
        self.io.clock.tick();
        self.io.cool();
        self.io.expire_stalled();
        self.io.expire_closing();
        let now = self.io.clock.now();
        self.io.connector.expire(now);
        self.flush()?;
        let patience = self.patience(wait);
        self.io.counters.turns += 1;
        self.io.counters.sleeps += u64::from(patience != Some(Duration::ZERO));
        self.ring.enter(patience)?;
        self.drain();
        while self.ring.overflowed() {
            self.ring.enter(Some(Duration::ZERO))?;
            self.drain();
        }
        self.io.clear_segments();
        self.buffers.note_peak();
        if self.buffers.is_short() || !self.io.starved.is_empty() {
            self.buffers.grow();
            self.io.counters.buffers_now = u64::from(self.buffers.grown());
        }
        Ok(())
    }

    /// Has what was written to sealed connections turned into what their wires carry. To be called
    /// before [`Reactor::wait`], which sends it; what is not sealed doesn't leave.
    pub fn seal(&mut self, sealer: &mut impl Sealer) {
        self.io.seal_due(sealer);
    }

    /// Tells the handler what happened, up to the budget; the rest waits, in order. Returns how
    /// many events were told.
    pub fn dispatch<H: Handler>(&mut self, handler: &mut H) -> usize {
        let (io, buffers) = (&mut *self.io, &mut *self.buffers);
        for told in 0..self.event_budget {
            let Some(event) = io.events.pop_front() else { return told };
            match event {
                Event::Accepted(conn, arrival) => {
                    let how = Opened::Accepted { listener: arrival.tag, peer: arrival.peer() };
                    handler.opened(io, conn, how);
                }
                Event::Connected(conn, token) => {
                    handler.opened(io, conn, Opened::Connected { token });
                }
                Event::ConnectFailed(token, error) => handler.connect_failed(io, token, error),
                Event::Received(conn, buffer, len) => {
                    let bytes = buffers.filled(buffer, len);
                    match io.slots.open_mut(conn) {
                        Some(_) => handler.received(io, conn, bytes),
                        None => io.keep_input(conn, bytes),
                    }
                    buffers.recycle(buffer);
                }
                Event::Drained(conn) => {
                    if io.slots.open_mut(conn).is_some_and(|slot| slot.outbox.is_none()) {
                        handler.drained(io, conn);
                    }
                }
                Event::Overflowed(conn) => io.part(conn, |io| handler.overflowed(io, conn)),
                Event::Ended(conn, errno) => {
                    if let Some(why) = io.end(conn, errno) {
                        handler.closed(io, conn, why);
                    }
                }
                Event::Closed(conn, why) => handler.closed(io, conn, why),
                Event::Detached(conn) => {
                    if io.is_detached(conn) {
                        handler.detached(io, conn);
                    }
                }
                Event::Arrived(conn, cargo) => handler.arrived(io, conn, cargo),
                Event::Returned(conn, cargo, error) => handler.returned(io, conn, cargo, error),
                Event::Kept(conn, mut bytes) => match io.slots.open_mut(conn) {
                    Some(_) => handler.received(io, conn, &mut bytes),
                    None => io.keep_input(conn, &bytes),
                },
            }
        }
        self.event_budget
    }

    /// To write, or to ask for anything else, outside [`Reactor::dispatch`].
    pub fn io(&mut self) -> &mut Io {
        &mut self.io
    }

    /// Completions taken so far: [`Counters::completions`] by itself.
    pub fn completions(&self) -> u64 {
        self.io.counters.completions
    }

    /// What was done so far.
    pub fn counters(&self) -> Counters {
        Counters {
            buffers_now: self.buffers.grown().into(),
            buffers_max: self.buffers.capacity().into(),
            ..self.io.counters
        }
    }

    /// The fewest receive buffers that were free at the end of any wait since this was last asked,
    /// of all that may exist: the low-water mark.
    pub fn take_low_water(&mut self) -> u64 {
        self.buffers.take_low_water().into()
    }

    /// Gives back, a part at a time, what a rush took that is over. To be called every second or so,
    /// between turns.
    pub fn relax(&mut self) {
        if self.ring.is_heard_out() {
            // SAFETY: whatever was filled was heard of and lent. The kernel fills a buffer while this
            // thread is in a system call that submits or waits (DEFER_TASKRUN), and then only.
            unsafe { self.buffers.relax() };
        }
        self.io.events.shrink_to(EVENTS_KEPT);
    }

    /// Queues all that was asked for since the last turn.
    fn flush(&mut self) -> io::Result<()> {
        let (ring, io) = (&mut self.ring, &mut *self.io);
        // A receive that is armed before its buffers are back would only end again.
        self.buffers.commit();
        io.feed(&self.buffers);
        io.send_segments(ring)?;
        io.settle(ring)?;
        io.submit_passes(ring)?;
        io.connector.submit(ring)?;
        self.listeners.settle(ring, io)?;
        for target in io.wakes.drain(..) {
            if let Some(fd) = target.ring() {
                ring.wake(fd)?;
            }
        }
        if !self.notifier_armed {
            self.notifier_armed = true;
            ring.poll_many(self.notifier.fd(), Token::of(Op::Notified))?;
        }
        Ok(())
    }

    /// How long the kernel may keep us, `None` being forever.
    fn patience(&self, wait: Wait) -> Option<Duration> {
        let io = &*self.io;
        let busy = !io.events.is_empty()
            || !io.touched.is_empty()
            || io.connector.has_work()
            || self.listeners.has_work();
        if busy {
            return Some(Duration::ZERO);
        }
        let asked = match wait {
            Wait::No => return Some(Duration::ZERO),
            Wait::For(duration) => Some(duration),
            Wait::Forever => None,
        };
        let dues = [
            io.cooling.next_due(),
            io.flushing.next_due(),
            io.lingering.next_due(),
            io.watched.next_due(),
            io.connector.next_due(),
            self.listeners.next_due(),
        ];
        let due = dues.into_iter().flatten().min();
        let due = due.map(|due| Duration::from_millis(due.saturating_sub(io.clock.now()).max(1)));
        match (asked, due) {
            (Some(asked), Some(due)) => Some(asked.min(due)),
            (asked, due) => asked.or(due),
        }
    }

    /// Turns all completions into changes of state, and those that concern the handler into events.
    pub(crate) fn drain(&mut self) {
        for completion in self.ring.completions() {
            self.io.counters.completions += 1;
            let io = &mut *self.io;
            match completion.token.op {
                Op::Ignored => {}
                Op::Accept => self.listeners.on_accepted(completion, io),
                Op::PeerName => self.listeners.on_named(completion, io),
                Op::Poll => io.on_poll(completion),
                Op::Receive => io.on_received(completion, &mut self.buffers),
                Op::Send => io.on_sent_short(completion),
                Op::SendUnsent => io.on_sent_unsent(completion),
                Op::Shutdown => io.on_shut(completion),
                Op::Install => io.on_installed(completion),
                Op::Connect => io.on_connected(completion),
                Op::Wake => io.counters.wakes += 1,
                Op::Passed => io.on_passed(completion),
                Op::Arrived => io.on_arrived(completion, &self.wake_handle),
                Op::Lent | Op::Adopted => {
                    self.answers.push((completion.token.generation, completion.result));
                }
                Op::Notified => {
                    io.counters.notifications += 1;
                    self.notifier_armed = completion.more();
                }
            }
        }
    }
}

impl Drop for Reactor {
    /// Cancels first, frees after: until then the kernel may write to the buffers. Should that
    /// fail, their memory is never reused.
    fn drop(&mut self) {
        self.wake_handle.retire();
        // What a failed turn left in the queue goes first, so that it is cancelled too.
        let cancelled = self.ring.enter(Some(Duration::ZERO)).is_ok()
            && self.ring.cancel_all().is_ok()
            && self.ring.enter(Some(Duration::ZERO)).is_ok();
        self.ring.completions().for_each(moving::discard);
        if cancelled {
            // SAFETY: dropped here once, and not used after.
            unsafe {
                ManuallyDrop::drop(&mut self.buffers);
                ManuallyDrop::drop(&mut self.io);
                ManuallyDrop::drop(&mut self.listeners);
            }
        }
    }
}
