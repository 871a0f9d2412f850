//! What a reactor may use, in one place.

use std::time::Duration;

/// The bounds of one reactor. Every default is safe; `slots` is the one worth thinking about.
#[derive(Clone, Debug)]
pub struct Config {
    /// Direct descriptors: how many sockets the ring can hold, lingering ones included. Clamped to
    /// RLIMIT_NOFILE and to what the kernel allows one ring (2^20); ask [`crate::Reactor::slots`]
    /// what came of it.
    pub slots: u32,
    /// Submission queue entries, a power of two. A turn with more of them submits in between.
    pub sq_entries: u32,
    /// Completion queue entries, a power of two. An overflow costs system calls, not events.
    pub cq_entries: u32,
    /// Receive buffers the pool may grow to, a power of two up to 32768. It starts small.
    pub recv_buffers: u16,
    /// Bytes of one receive buffer: the most that one [`crate::Handler::received`] sees.
    pub recv_buffer_bytes: u32,
    /// Silence after which a connection gives its receive back and waits in a poll. It happens
    /// between one and two of these after the last byte.
    pub quiet: Duration,
    /// Bytes that may wait for a connection whose peer doesn't read, beyond what the kernel holds.
    /// One byte more closes it with [`crate::Closed::SlowReader`].
    pub unsent_max: usize,
    /// The same for all connections together: whoever is written to when they hold more is closed.
    pub unsent_sum_max: usize,
    /// Shared bodies ([`crate::Io::write_shared`]) that may wait for one connection.
    pub unsent_shared_max: usize,
    /// How often it is looked whether what waits for a peer moves on.
    pub stall: Duration,
    /// Bytes that must have left between two such looks; else the peer is given up.
    pub stall_bytes: usize,
    /// Events handed out by one [`crate::Reactor::dispatch`]; the others wait, in order.
    pub event_budget: usize,
    /// With fewer free slots than this, connections are accepted one by one instead of as they
    /// come. Should be no less than the longest listen backlog: an accept that finds the table
    /// full loses its connection.
    pub accept_watermark: u32,
    /// Connections that may be on their way here from other reactors at a time. So many slots are
    /// kept for them: accepting stops while no more are free. An eighth of the slots at most; with
    /// 0, none can be passed here.
    pub arrivals_max: u32,
    /// How long a dialled connection may take.
    pub connect_timeout: Duration,
    /// How long a closed connection may take to get rid of what was written before.
    pub flush_timeout: Duration,
    /// How long a closed connection, all sent, waits for the peer's end.
    pub linger: Duration,
    /// Bytes thrown away while doing so, before giving up on the peer.
    pub linger_bytes: u32,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            slots: 16_384,
            sq_entries: 4096,
            cq_entries: 32_768,
            recv_buffers: 2048,
            recv_buffer_bytes: 2048,
            quiet: Duration::from_secs(2),
            unsent_max: 64 * 1024,
            unsent_sum_max: 64 * 1024 * 1024,
            unsent_shared_max: 64,
            stall: Duration::from_secs(5),
            stall_bytes: 4096,
            event_budget: 4096,
            accept_watermark: 4096,
            arrivals_max: 0,
            connect_timeout: Duration::from_secs(10),
            flush_timeout: Duration::from_secs(30),
            linger: Duration::from_secs(1),
            linger_bytes: 64 * 1024,
        }
    }
}
