//! What a reactor did so far.

/// A snapshot of a reactor's counters. All count since the start; those named `*_now` are gauges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Turns: system calls that waited for or looked after completions.
    pub turns: u64,
    /// Turns that let the kernel put the thread to sleep.
    pub sleeps: u64,
    /// Completions taken from the ring.
    pub completions: u64,
    /// Connections accepted.
    pub accepted: u64,
    /// Connections dialled with success.
    pub connected: u64,
    /// Connections that came from another reactor.
    pub moved_in: u64,
    /// Connections that were passed to another reactor.
    pub moved_out: u64,
    /// Connections that could not be passed, and returned.
    pub moves_failed: u64,
    /// Connections that came from another process.
    pub adopted: u64,
    /// Connections whose `closed` was or will be heard.
    pub closed: u64,
    /// Buffers of data received.
    pub receives: u64,
    /// Bytes received.
    pub received_bytes: u64,
    /// Segments sent: one per connection and turn in which something was written.
    pub sends: u64,
    /// Bytes in them.
    pub sent_bytes: u64,
    /// Sends that the kernel took only in part, or not at all.
    pub sends_short: u64,
    /// Of those, sends of which it took nothing.
    pub sends_refused: u64,
    /// Connections closed because their peer doesn't read.
    pub slow_readers: u64,
    /// Receives that ended for want of a buffer. No data is lost by it.
    pub receives_starved: u64,
    /// Receive buffers that exist by now.
    pub buffers_now: u64,
    /// Receive buffers that may exist.
    pub buffers_max: u64,
    /// Connections that hold a multishot receive.
    pub receive_armed_now: u64,
    /// Connections that hold a poll.
    pub poll_armed_now: u64,
    /// Wakes by another reactor.
    pub wakes: u64,
    /// Wakes by a [`crate::Notifier`]; several at once may count as one.
    pub notifications: u64,
}
