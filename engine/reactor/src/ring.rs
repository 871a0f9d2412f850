//! The ring itself: how it is set up, entered, and what it is asked for.

use std::io;
use std::net::TcpListener;
use std::os::fd::{AsRawFd, RawFd};
use std::time::Duration;

use io_uring::types::{CancelBuilder, DestinationSlot, Fd, Fixed, Timespec};
use io_uring::{IoUring, cqueue, opcode, squeue};

use crate::config::Config;
use crate::limits::raise_file_limit;
use crate::setup::{self, SetupError};
use crate::token::{Op, SLOT_BITS, Token};

/// The one group of provided buffers.
const BUFFER_GROUP: u16 = 0;

/// The kernel's bound for one ring's descriptor table (`IORING_MAX_FIXED_FILES`).
const SLOTS_MAX: u64 = 1 << 20;

/// Threads that the kernel may run for one ring; by default it is four per core.
const KERNEL_WORKERS: u32 = 2;

/// Calls that the kernel may put off, for want of memory, before that counts as an error.
const TRIES: u32 = 10_000;

/// One thing that the kernel finished.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Completion {
    pub(crate) token: Token,
    pub(crate) result: i32,
    pub(crate) flags: u32,
}

impl Completion {
    /// Whether the operation goes on and will complete again.
    pub(crate) fn more(&self) -> bool {
        cqueue::more(self.flags)
    }

    /// The buffer that was filled.
    pub(crate) fn buffer(&self) -> Option<u16> {
        cqueue::buffer_select(self.flags)
    }
}

/// A ring of this thread. Every operation that is asked for here names its own completion by a
/// [`Token`], or completes silently unless it fails.
pub(crate) struct Ring {
    uring: IoUring,
    /// The ring's number among the thread's registered ones: spares a descriptor look-up per call.
    registered: Option<u32>,
    slots: u32,
    can_install: bool,
}

impl Ring {
    pub(crate) fn new(config: &Config) -> Result<Ring, SetupError> {
        let uring = IoUring::builder()
            .setup_single_issuer()
            .setup_defer_taskrun()
            .setup_coop_taskrun()
            .setup_submit_all()
            .setup_cqsize(config.cq_entries)
            .build(config.sq_entries)
            .map_err(setup::explain)?;
        let can_install = setup::probe(&uring)?;
        let limit = raise_file_limit().map_err(|source| SetupError::Limit {
            what: "cannot raise the file limit",
            limit: "RLIMIT_NOFILE (LimitNOFILE= in a unit)",
            source,
        })?;
        let slots = u64::from(config.slots).min(limit).min(SLOTS_MAX).min(1 << SLOT_BITS) as u32;
        uring.submitter().register_files_sparse(slots).map_err(|source| SetupError::Limit {
            what: "cannot register the descriptor table",
            limit: "RLIMIT_NOFILE (LimitNOFILE= in a unit) or ask for fewer slots",
            source,
        })?;
        // Only FIN needs the kernel's worker threads, and many closes at once need no more of them.
        let _ = uring.submitter().register_iowq_max_workers(&mut [KERNEL_WORKERS; 2]);
        let registered = register_ring_fd(uring.as_raw_fd()).ok();
        Ok(Ring { uring, registered, slots, can_install })
    }

    /// The size of the descriptor table.
    pub(crate) fn slots(&self) -> u32 {
        self.slots
    }

    pub(crate) fn fd(&self) -> RawFd {
        self.uring.as_raw_fd()
    }

    /// Makes the ring of provided buffers known.
    ///
    /// # Safety
    /// `address` must be that of `entries` zeroed, page-aligned entries that outlive all receives.
    pub(crate) unsafe fn register_buffers(&self, address: u64, entries: u16) -> io::Result<()> {
        // SAFETY: passed on to our caller.
        unsafe {
            self.uring.submitter().register_buf_ring_with_flags(address, entries, BUFFER_GROUP, 0)
        }
    }

    /// Cancels all that is in flight and waits until it is, for a second at most.
    pub(crate) fn cancel_all(&self) -> io::Result<()> {
        let timeout = Some(Timespec::new().sec(1));
        match self.uring.submitter().register_sync_cancel(timeout, CancelBuilder::any()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    /// Submits what is queued and waits for a completion, `None` meaning for as long as it takes.
    /// With a zero duration it only gathers completions that are due.
    ///
    /// On return all that was queued is submitted, unless there is an error. Errors are fatal.
    pub(crate) fn enter(&mut self, wait: Option<Duration>) -> io::Result<()> {
        let mut tries = 0;
        let mut wait = wait;
        loop {
            match self.enter_once(wait) {
                Ok(()) => {}
                Err(error) => match error.raw_os_error() {
                    // A signal, or the time is up: there may or may not be completions.
                    Some(libc::EINTR | libc::ETIME) => {}
                    // The kernel is short of memory, or of room for completions, which it keeps.
                    Some(libc::EAGAIN | libc::EBUSY) if tries < TRIES => {
                        std::thread::yield_now();
                    }
                    _ => return Err(error),
                },
            }
            if self.uring.submission().is_empty() {
                return Ok(());
            }
            tries += 1;
            wait = Some(Duration::ZERO);
        }
    }

    /// The completions so far.
    pub(crate) fn completions(&mut self) -> impl Iterator<Item = Completion> {
        self.uring.completion().map(|entry| Completion {
            token: Token::unpack(entry.user_data()),
            result: entry.result(),
            flags: entry.flags(),
        })
    }

    /// Whether the kernel keeps completions that had no room. An enter brings them.
    pub(crate) fn overflowed(&mut self) -> bool {
        self.uring.submission().cq_overflow()
    }

    /// Whether all that has completed was heard of.
    pub(crate) fn is_heard_out(&mut self) -> bool {
        self.uring.completion().is_empty() && !self.overflowed()
    }

    /// Queues an operation; submits when the queue is full.
    ///
    /// # Safety
    /// Memory that the entry points to must stay valid, and unaliased if the kernel writes to it,
    /// until the operation's last completion.
    unsafe fn push(&mut self, entry: &squeue::Entry) -> io::Result<()> {
        // SAFETY: passed on to our caller.
        while unsafe { self.uring.submission().push(entry) }.is_err() {
            self.make_room()?;
        }
        Ok(())
    }

    /// Submits, without looking for completions.
    fn make_room(&mut self) -> io::Result<()> {
        for _ in 1..TRIES {
            match self.uring.submit() {
                Ok(_) => return Ok(()),
                Err(error) => match error.raw_os_error() {
                    Some(libc::EINTR | libc::EAGAIN | libc::EBUSY) => std::thread::yield_now(),
                    _ => return Err(error),
                },
            }
        }
        self.uring.submit().map(drop)
    }

    fn enter_once(&mut self, wait: Option<Duration>) -> io::Result<()> {
        const GETEVENTS: u32 = 1;
        const EXT_ARG: u32 = 1 << 3;
        const REGISTERED_RING: u32 = 1 << 4;
        /// `struct io_uring_getevents_arg`.
        #[repr(C)]
        struct Argument {
            sigmask: u64,
            sigmask_size: u32,
            min_wait_usec: u32,
            timeout: u64,
        }
        let (fd, flags) = match self.registered {
            Some(index) => (index as i32, GETEVENTS | REGISTERED_RING),
            None => (self.uring.as_raw_fd(), GETEVENTS),
        };
        let queued = self.uring.submission().len() as u32;
        let wanted = u32::from(wait != Some(Duration::ZERO));
        let timeout = wait.filter(|wait| !wait.is_zero()).map(Timespec::from);
        let argument = timeout.as_ref().map(|timeout| Argument {
            sigmask: 0,
            sigmask_size: 0,
            min_wait_usec: 0,
            timeout: std::ptr::from_ref(timeout) as u64,
        });
        let (flags, pointer, size) = match &argument {
            Some(argument) => {
                (flags | EXT_ARG, std::ptr::from_ref(argument), size_of::<Argument>())
            }
            None => (flags, std::ptr::null(), 0),
        };
        // SAFETY: the descriptor is our ring's; the argument and the time it points to live until
        // the call returns. What the queued entries point to is vouched for by `push`.
        let result = unsafe {
            libc::syscall(libc::SYS_io_uring_enter, fd, queued, wanted, flags, pointer, size)
        };
        if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }
}

/// What the kernel is asked for, one function each.
impl Ring {
    pub(crate) fn accept_many(&mut self, from: &TcpListener, token: Token) -> io::Result<()> {
        let entry =
            opcode::AcceptMulti::new(Fd(from.as_raw_fd())).allocate_file_index(true).build();
        // SAFETY: points to no memory.
        unsafe { self.push(&entry.user_data(token.pack())) }
    }

    pub(crate) fn accept_one(&mut self, from: &TcpListener, token: Token) -> io::Result<()> {
        let null = std::ptr::null_mut();
        let entry = opcode::Accept::new(Fd(from.as_raw_fd()), null, null.cast())
            .file_index(Some(DestinationSlot::auto_target()))
            .build();
        // SAFETY: the name is not asked for, so this points to no memory.
        unsafe { self.push(&entry.user_data(token.pack())) }
    }

    /// Asks for the peer's name (`SO_PEERNAME`), which a multishot accept doesn't tell. The result
    /// is its length.
    ///
    /// # Safety
    /// `name` must stay valid for `len` bytes until the completion.
    pub(crate) unsafe fn peer_name(
        &mut self,
        slot: u32,
        name: *mut u8,
        len: u32,
        token: Token,
    ) -> io::Result<()> {
        const SO_PEERNAME: u32 = 28;
        const COMMAND_OFFSET: usize = 8;
        const SOCKET_URING_OP_GETSOCKOPT: u32 = 2;
        let mut entry = opcode::SetSockOpt::new(
            Fixed(slot),
            libc::SOL_SOCKET as u32,
            SO_PEERNAME,
            name.cast_const().cast(),
            len,
        )
        .build()
        .user_data(token.pack());
        const { assert!(size_of::<squeue::Entry>() == 64) };
        // SAFETY: `Entry` is `struct io_uring_sqe`, whose `cmd_op` lies at that offset. The two
        // commands differ in nothing else; the binding only knows how to build one of them.
        // The memory written to is vouched for by our caller.
        unsafe {
            (&raw mut entry)
                .cast::<u8>()
                .add(COMMAND_OFFSET)
                .cast::<u32>()
                .write_unaligned(SOCKET_URING_OP_GETSOCKOPT);
            self.push(&entry)
        }
    }

    /// Puts the files of so many descriptors into free slots of the table, and writes the slots'
    /// numbers over them. The result is how many there was room for.
    ///
    /// # Safety
    /// The descriptors must stay valid until the completion, and nobody else may look at them.
    pub(crate) unsafe fn install(
        &mut self,
        descriptors: *mut RawFd,
        count: u32,
        token: Token,
    ) -> io::Result<()> {
        const ANY_SLOT: i32 = -1; // IORING_FILE_INDEX_ALLOC
        let entry = opcode::FilesUpdate::new(descriptors, count).offset(ANY_SLOT).build();
        // SAFETY: vouched for by our caller.
        unsafe { self.push(&entry.user_data(token.pack())) }
    }

    /// # Safety
    /// `address` must stay valid until the completion.
    pub(crate) unsafe fn connect(
        &mut self,
        slot: u32,
        address: &socket2::SockAddr,
        token: Token,
    ) -> io::Result<()> {
        let entry =
            opcode::Connect::new(Fixed(slot), address.as_ptr().cast(), address.len()).build();
        // SAFETY: vouched for by our caller.
        unsafe { self.push(&entry.user_data(token.pack())) }
    }

    /// A poll that ends with the first data or hang-up.
    pub(crate) fn poll(&mut self, slot: u32, token: Token) -> io::Result<()> {
        let entry = opcode::PollAdd::new(Fixed(slot), (libc::POLLIN | libc::POLLRDHUP) as u32);
        // SAFETY: points to no memory.
        unsafe { self.push(&entry.build().user_data(token.pack())) }
    }

    /// A poll that goes on, of one of the process's own descriptors.
    pub(crate) fn poll_many(&mut self, fd: RawFd, token: Token) -> io::Result<()> {
        let entry = opcode::PollAdd::new(Fd(fd), libc::POLLIN as u32).multi(true).build();
        // SAFETY: points to no memory.
        unsafe { self.push(&entry.user_data(token.pack())) }
    }

    /// A receive that goes on, into provided buffers.
    pub(crate) fn receive(&mut self, slot: u32, token: Token) -> io::Result<()> {
        let entry = opcode::RecvMulti::new(Fixed(slot), BUFFER_GROUP).build();
        // SAFETY: the buffers were vouched for when they were registered.
        unsafe { self.push(&entry.user_data(token.pack())) }
    }

    /// A receive of what is there now, into one provided buffer.
    pub(crate) fn receive_now(&mut self, slot: u32, token: Token) -> io::Result<()> {
        let entry = opcode::Recv::new(Fixed(slot), std::ptr::null_mut(), 0)
            .buf_group(BUFFER_GROUP)
            .flags(libc::MSG_DONTWAIT)
            .build()
            .flags(squeue::Flags::BUFFER_SELECT);
        // SAFETY: the buffers were vouched for when they were registered.
        unsafe { self.push(&entry.user_data(token.pack())) }
    }

    /// A send that takes what it can at once and completes only if that is not all.
    ///
    /// # Safety
    /// `bytes` must stay in place until the ring was entered.
    pub(crate) unsafe fn send_now(
        &mut self,
        slot: u32,
        bytes: &[u8],
        token: Token,
    ) -> io::Result<()> {
        let entry = opcode::Send::new(Fixed(slot), bytes.as_ptr(), bytes.len() as u32)
            // WAITALL makes a short send count as failed, so that it isn't silent.
            .flags(libc::MSG_DONTWAIT | libc::MSG_WAITALL | libc::MSG_NOSIGNAL)
            .build()
            .flags(squeue::Flags::SKIP_SUCCESS);
        // SAFETY: vouched for by our caller.
        unsafe { self.push(&entry.user_data(token.pack())) }
    }

    /// A send that waits for the peer.
    ///
    /// # Safety
    /// `bytes` must stay in place until the completion.
    pub(crate) unsafe fn send_all(
        &mut self,
        slot: u32,
        bytes: &[u8],
        token: Token,
    ) -> io::Result<()> {
        let len = bytes.len().min(1 << 30) as u32;
        let entry = opcode::Send::new(Fixed(slot), bytes.as_ptr(), len)
            .flags(libc::MSG_WAITALL | libc::MSG_NOSIGNAL)
            .build();
        // SAFETY: vouched for by our caller.
        unsafe { self.push(&entry.user_data(token.pack())) }
    }

    /// Sends FIN; receiving goes on.
    pub(crate) fn shutdown(&mut self, slot: u32, token: Token) -> io::Result<()> {
        let entry = opcode::Shutdown::new(Fixed(slot), libc::SHUT_WR).build();
        // SAFETY: points to no memory.
        unsafe { self.push(&entry.user_data(token.pack())) }
    }

    /// Ends an operation early; its own last completion tells when.
    pub(crate) fn cancel(&mut self, operation: Token) -> io::Result<()> {
        let entry = opcode::AsyncCancel::new(operation.pack()).build();
        // SAFETY: points to no memory.
        unsafe { self.push(&silently(entry)) }
    }

    /// Has the close that follows reset the connection: the kernel drops what it has not sent.
    pub(crate) fn reset_at_close(&mut self, slot: u32) -> io::Result<()> {
        static AT_ONCE: libc::linger = libc::linger { l_onoff: 1, l_linger: 0 };
        let value = (&raw const AT_ONCE).cast();
        let length = size_of::<libc::linger>() as u32;
        let (level, option) = (libc::SOL_SOCKET as u32, libc::SO_LINGER as u32);
        let entry = opcode::SetSockOpt::new(Fixed(slot), level, option, value, length).build();
        // SAFETY: the value is a static, and nobody writes to it.
        unsafe { self.push(&silently(entry)) }
    }

    /// Frees the slot. Nothing may be in flight on it.
    pub(crate) fn close(&mut self, slot: u32) -> io::Result<()> {
        // SAFETY: points to no memory.
        unsafe { self.push(&silently(opcode::Close::new(Fixed(slot)).build())) }
    }

    /// Installs the slot's socket in a free slot of another ring's table, too, and tells that ring's
    /// owner by a completion of [`Op::Arrived`] that carries 56 bits. Either both happens and this
    /// completes without an error, or neither.
    pub(crate) fn send_file(
        &mut self,
        slot: u32,
        ring: RawFd,
        carried: u64,
        token: Token,
    ) -> io::Result<()> {
        let arrived = Token::carrying(Op::Arrived, carried).pack();
        let anywhere = DestinationSlot::auto_target();
        let entry = opcode::MsgRingSendFd::new(Fd(ring), Fixed(slot), anywhere, arrived).build();
        // SAFETY: points to no memory; what it carries is a number to the kernel.
        unsafe { self.push(&entry.user_data(token.pack())) }
    }

    /// Whether [`Ring::lend`] can be asked for: since Linux 6.8.
    pub(crate) fn can_lend(&self) -> bool {
        self.can_install
    }

    /// Has the process get a descriptor of the slot's file, which stays in the slot as well. The
    /// result is the descriptor, closed on exec.
    pub(crate) fn lend(&mut self, slot: u32, token: Token) -> io::Result<()> {
        let entry = opcode::FixedFdInstall::new(Fixed(slot), 0).build();
        // SAFETY: points to no memory.
        unsafe { self.push(&entry.user_data(token.pack())) }
    }

    /// Lets another ring's owner return from its wait.
    pub(crate) fn wake(&mut self, ring: RawFd) -> io::Result<()> {
        let entry = opcode::MsgRingData::new(Fd(ring), 0, Token::of(Op::Wake).pack(), None).build();
        // SAFETY: points to no memory.
        unsafe { self.push(&silently(entry)) }
    }
}

fn silently(entry: squeue::Entry) -> squeue::Entry {
    entry.flags(squeue::Flags::SKIP_SUCCESS).user_data(Token::of(Op::Ignored).pack())
}

impl Drop for Ring {
    fn drop(&mut self) {
        if let Some(index) = self.registered {
            // The thread's registration would keep the ring, and all its sockets, open.
            let _ = update_ring_fd(self.uring.as_raw_fd(), UNREGISTER_RING_FDS, index, 0);
        }
    }
}

const REGISTER_RING_FDS: u32 = 20;
const UNREGISTER_RING_FDS: u32 = 21;

/// Registers the ring's own descriptor with the thread; the binding's version forgets the number.
fn register_ring_fd(fd: RawFd) -> io::Result<u32> {
    update_ring_fd(fd, REGISTER_RING_FDS, u32::MAX, fd as u64)
}

fn update_ring_fd(fd: RawFd, operation: u32, offset: u32, data: u64) -> io::Result<u32> {
    /// `struct io_uring_rsrc_update`.
    #[repr(C)]
    struct Update {
        offset: u32,
        reserved: u32,
        data: u64,
    }
    let mut update = Update { offset, reserved: 0, data };
    // SAFETY: the kernel reads and writes one `Update`, which lives until the call returns.
    let done =
        unsafe { libc::syscall(libc::SYS_io_uring_register, fd, operation, &raw mut update, 1) };
    if done == 1 { Ok(update.offset) } else { Err(io::Error::last_os_error()) }
}
