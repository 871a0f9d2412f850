//! The floor under every table of measurements: the least that a WebSocket server on io_uring can
//! do, so that what the engine adds to it can be seen.
//!
//! One thread, direct descriptors, a multishot accept, one multishot receive per connection, all
//! frames for a connection in one turn merged into one send that completes silently. Nothing else:
//! no limits, no timers, no quiet state, no close handshake; a peer that doesn't read is cut off,
//! and a frame larger than 64 KiB too. Not a server for anybody.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicU16, Ordering};

use clap::Parser;
use io_uring::types::{BufRingEntry, Fd, Fixed};
use io_uring::{IoUring, cqueue, opcode, squeue};
use whisper_peers::wire::{self, FRAME_BYTES_MAX, Front};

const BUFFERS: u16 = 2048;
const BUFFER_BYTES: usize = 2048;

/// A bare io_uring WebSocket server: pairs its clients as they come and relays, or echoes.
#[derive(Parser)]
struct Arguments {
    /// Where to listen.
    #[arg(long, value_name = "ADDRESS")]
    listen: SocketAddr,
    /// Pair clients and relay (the default). Both are told by an empty frame.
    #[arg(long, conflicts_with = "echo")]
    relay: bool,
    /// Send every frame back.
    #[arg(long)]
    echo: bool,
}

fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let listener = whisper_peers::listen(arguments.listen, false)?;
    let ring = new_ring()?;
    let buffers = Buffers::new(&ring)?;
    whisper_peers::announce(listener.local_addr()?)?;
    let relay = Relay { echo: arguments.echo, ..Relay::default() };
    Floor { ring, buffers, relay }.run(&listener)
}

/// What a completion is about: the upper bits of its user data.
const ACCEPT: u64 = 1 << 48;
const RECEIVE: u64 = 2 << 48;
const SEND: u64 = 3 << 48;
const ABOUT: u64 = 0xff << 48;

fn user_data(about: u64, generation: u16, slot: u32) -> u64 {
    about | u64::from(generation) << 32 | u64::from(slot)
}

/// The kernel's side: the ring, and its buffers.
struct Floor {
    ring: IoUring,
    buffers: Buffers,
    relay: Relay,
}

impl Floor {
    fn run(mut self, listener: &TcpListener) -> io::Result<()> {
        let mut accepting = false;
        loop {
            if !std::mem::replace(&mut accepting, true) {
                let entry = opcode::AcceptMulti::new(Fd(listener.as_raw_fd()));
                let entry = entry.allocate_file_index(true).build();
                self.push(&entry.user_data(ACCEPT))?;
            }
            match self.ring.submit_and_wait(1) {
                Ok(_) => {}
                Err(error) if error.raw_os_error() == Some(libc::EINTR) => {}
                Err(error) => return Err(error),
            }
            // The sends copied from it when they were submitted.
            self.relay.arena.clear();
            self.complete(&mut accepting);
            self.submit()?;
        }
    }

    fn complete(&mut self, accepting: &mut bool) {
        for completion in self.ring.completion() {
            let (result, flags) = (completion.result(), completion.flags());
            let (bits, slot) = (completion.user_data(), completion.user_data() as u32);
            match bits & ABOUT {
                ACCEPT => {
                    *accepting = cqueue::more(flags);
                    if result >= 0 {
                        self.relay.open(result as u32);
                    }
                }
                RECEIVE => {
                    if let Some(id) = cqueue::buffer_select(flags) {
                        if result > 0 {
                            self.relay.received(slot, self.buffers.filled(id, result as usize));
                        }
                        self.buffers.recycle(id);
                    }
                    if !cqueue::more(flags) {
                        let starved = result > 0 || result == -libc::ENOBUFS;
                        self.relay.receive_ended(slot, starved);
                    }
                }
                // Only a send that fell short completes.
                SEND if self.relay.conns[slot as usize].generation == (bits >> 32) as u16 => {
                    self.relay.close(slot);
                }
                _ => {}
            }
        }
    }

    /// Queues what the relay wants, recycled buffers first and sends before closes.
    fn submit(&mut self) -> io::Result<()> {
        self.buffers.commit();
        for index in 0..self.relay.written.len() {
            let slot = self.relay.written[index];
            let conn = &mut self.relay.conns[slot as usize];
            conn.written = false;
            let bytes = &self.relay.arena[conn.start..conn.end];
            let entry = opcode::Send::new(Fixed(slot), bytes.as_ptr(), bytes.len() as u32)
                .flags(libc::MSG_DONTWAIT | libc::MSG_WAITALL | libc::MSG_NOSIGNAL)
                .build()
                .flags(squeue::Flags::SKIP_SUCCESS)
                .user_data(user_data(SEND, conn.generation, slot));
            self.push(&entry)?;
        }
        self.relay.written.clear();
        for (slot, wish) in std::mem::take(&mut self.relay.wishes) {
            let receive = user_data(RECEIVE, 0, slot);
            let silently = squeue::Flags::SKIP_SUCCESS;
            self.push(&match wish {
                Wish::Receive => opcode::RecvMulti::new(Fixed(slot), 0).build().user_data(receive),
                Wish::Cancel => opcode::AsyncCancel::new(receive).build().flags(silently),
                Wish::Close => opcode::Close::new(Fixed(slot)).build().flags(silently),
            })?;
        }
        Ok(())
    }

    fn push(&mut self, entry: &squeue::Entry) -> io::Result<()> {
        // SAFETY: receives use the registered buffers, which live as long as the ring; sends point
        // into the arena, which isn't touched before they were submitted; others have no memory.
        while unsafe { self.ring.submission().push(entry) }.is_err() {
            self.ring.submit()?;
        }
        Ok(())
    }
}

/// What a connection needs of the ring.
enum Wish {
    Receive,
    Cancel,
    Close,
}

/// The server's side: who is there, who talks to whom, and what is to be sent.
#[derive(Default)]
struct Relay {
    echo: bool,
    conns: Vec<Conn>,
    /// The one who waits for a partner.
    waiting: Option<u32>,
    /// This turn's bytes, one segment per connection.
    arena: Vec<u8>,
    written: Vec<u32>,
    wishes: Vec<(u32, Wish)>,
}

#[derive(Default)]
struct Conn {
    generation: u16,
    state: State,
    /// A receive is in flight.
    armed: bool,
    /// There is a segment for it in the arena.
    written: bool,
    start: usize,
    end: usize,
    partner: Option<u32>,
    /// A request or frame that has not arrived whole.
    partial: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Default)]
enum State {
    #[default]
    Free,
    Http,
    WebSocket,
    Closing,
}

impl Relay {
    fn open(&mut self, slot: u32) {
        if self.conns.len() <= slot as usize {
            self.conns.resize_with(slot as usize + 1, Conn::default);
        }
        let conn = &mut self.conns[slot as usize];
        let generation = conn.generation.wrapping_add(1);
        *conn = Conn { generation, state: State::Http, armed: true, ..Conn::default() };
        self.wishes.push((slot, Wish::Receive));
    }

    fn received(&mut self, slot: u32, bytes: &mut [u8]) {
        let mut whole = std::mem::take(&mut self.conns[slot as usize].partial);
        if whole.is_empty() {
            let used = self.consume(slot, bytes);
            whole.extend_from_slice(&bytes[used..]);
        } else {
            whole.extend_from_slice(bytes);
            let used = self.consume(slot, &mut whole);
            whole.drain(..used);
        }
        if whole.len() > 2 * FRAME_BYTES_MAX {
            self.close(slot);
        }
        self.conns[slot as usize].partial = whole;
    }

    fn receive_ended(&mut self, slot: u32, starved: bool) {
        self.conns[slot as usize].armed = false;
        if starved && self.conns[slot as usize].state != State::Closing {
            self.conns[slot as usize].armed = true;
            self.wishes.push((slot, Wish::Receive));
        } else {
            self.close(slot);
            self.conns[slot as usize].state = State::Free;
            self.wishes.push((slot, Wish::Close));
        }
    }

    /// Ends a connection and its partner's. The slot is closed when the receive has ended.
    fn close(&mut self, slot: u32) {
        let conn = &mut self.conns[slot as usize];
        if matches!(conn.state, State::Free | State::Closing) {
            return;
        }
        conn.state = State::Closing;
        if conn.armed {
            self.wishes.push((slot, Wish::Cancel));
        }
        if self.waiting == Some(slot) {
            self.waiting = None;
        }
        if let Some(partner) = conn.partner.take() {
            self.close(partner);
        }
    }

    /// Handles the request or the frames at the start of `bytes`, and says how many were whole.
    fn consume(&mut self, slot: u32, bytes: &mut [u8]) -> usize {
        let mut used = 0;
        loop {
            let rest = &mut bytes[used..];
            let step = match self.conns[slot as usize].state {
                State::Http => self.upgrade(slot, rest),
                State::WebSocket => self.frame(slot, rest),
                State::Free | State::Closing => Some(rest.len()),
            };
            match step {
                None | Some(0) => return used,
                Some(step) => used += step,
            }
        }
    }

    fn upgrade(&mut self, slot: u32, bytes: &[u8]) -> Option<usize> {
        match wire::upgrade(bytes) {
            Front::Part => None,
            Front::Bad => {
                self.close(slot);
                Some(bytes.len())
            }
            Front::Whole(len, answer) => {
                self.write(slot, |out| out.extend_from_slice(&answer));
                self.conns[slot as usize].state = State::WebSocket;
                if !self.echo {
                    self.pair(slot);
                }
                Some(len)
            }
        }
    }

    fn pair(&mut self, slot: u32) {
        let Some(other) = self.waiting.take() else {
            self.waiting = Some(slot);
            return;
        };
        for (one, partner) in [(slot, other), (other, slot)] {
            self.conns[one as usize].partner = Some(partner);
            self.write(one, |out| out.extend_from_slice(&wire::PAIRED));
        }
    }

    fn frame(&mut self, slot: u32, bytes: &mut [u8]) -> Option<usize> {
        let all = bytes.len();
        match wire::frame(bytes) {
            Front::Part => None,
            Front::Bad => {
                self.close(slot);
                Some(all)
            }
            Front::Whole(len, (head, body)) => {
                let to = if self.echo { Some(slot) } else { self.conns[slot as usize].partner };
                if let Some(to) = to {
                    self.write(to, |out| {
                        out.extend_from_slice(head);
                        out.extend_from_slice(body);
                    });
                }
                Some(len)
            }
        }
    }

    /// Appends to the connection's segment, which moves to the arena's end if it isn't there.
    fn write(&mut self, slot: u32, append: impl FnOnce(&mut Vec<u8>)) {
        let conn = &mut self.conns[slot as usize];
        if !conn.written {
            conn.written = true;
            conn.start = self.arena.len();
            self.written.push(slot);
        } else if conn.end != self.arena.len() {
            let start = self.arena.len();
            self.arena.extend_from_within(conn.start..conn.end);
            conn.start = start;
        }
        append(&mut self.arena);
        conn.end = self.arena.len();
    }
}

/// The kernel's choice of receive buffers. Lives as long as the process.
struct Buffers {
    entries: *mut BufRingEntry,
    memory: *mut u8,
    tail: u16,
}

impl Buffers {
    fn new(ring: &IoUring) -> io::Result<Buffers> {
        let map = |len: usize| {
            let (rights, kind) =
                (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
            // SAFETY: a new mapping touches nothing else.
            let start = unsafe { libc::mmap(std::ptr::null_mut(), len, rights, kind, -1, 0) };
            if start == libc::MAP_FAILED { Err(io::Error::last_os_error()) } else { Ok(start) }
        };
        let entries = map(usize::from(BUFFERS) * size_of::<BufRingEntry>())?.cast();
        let memory = map(usize::from(BUFFERS) * BUFFER_BYTES)?.cast();
        let mut buffers = Buffers { entries, memory, tail: 0 };
        // SAFETY: the entries are page-aligned, that many, and never unmapped.
        unsafe {
            let address = entries as u64;
            ring.submitter().register_buf_ring_with_flags(address, BUFFERS, 0, 0)?;
        }
        (0..BUFFERS).for_each(|id| buffers.recycle(id));
        buffers.commit();
        Ok(buffers)
    }

    fn filled(&mut self, id: u16, len: usize) -> &mut [u8] {
        assert!(id < BUFFERS && len <= BUFFER_BYTES);
        // SAFETY: within the mapping, and ours from its completion until it is recycled.
        unsafe { std::slice::from_raw_parts_mut(self.address(id), len) }
    }

    fn recycle(&mut self, id: u16) {
        let address = self.address(id) as u64;
        let index = usize::from(self.tail % BUFFERS);
        // SAFETY: within the mapping, and not the kernel's before the tail has passed it.
        let entry = unsafe { &mut *self.entries.add(index) };
        entry.set_addr(address);
        entry.set_len(BUFFER_BYTES as u32);
        entry.set_bid(id);
        self.tail = self.tail.wrapping_add(1);
    }

    fn commit(&mut self) {
        // SAFETY: the tail lies in the first entry; the kernel only reads it.
        unsafe {
            let tail = BufRingEntry::tail(self.entries).cast::<AtomicU16>();
            (*tail).store(self.tail, Ordering::Release);
        }
    }

    fn address(&self, id: u16) -> *mut u8 {
        // SAFETY: ids are below BUFFERS, so within the mapping.
        unsafe { self.memory.add(usize::from(id) * BUFFER_BYTES) }
    }
}

fn new_ring() -> io::Result<IoUring> {
    let ring = IoUring::builder()
        .setup_single_issuer()
        .setup_defer_taskrun()
        .setup_coop_taskrun()
        .setup_cqsize(32_768)
        .build(4096)?;
    // The largest table that the process's file limit allows.
    let registered = |bits: &u32| ring.submitter().register_files_sparse(1 << bits).is_ok();
    (10..=20).rev().find(registered).ok_or_else(io::Error::last_os_error)?;
    Ok(ring)
}
