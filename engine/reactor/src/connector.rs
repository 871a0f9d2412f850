//! Dialling: socket and bind by system call, then the ring's table, then connect.
//!
//! A ring-made socket could not be bound to a source address on kernels before 6.11, and a process
//! descriptor held for one turn costs less than a second way of doing it.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsRawFd, RawFd};
use std::time::Duration;

use socket2::{Domain, SockAddr, Socket, Type};

use crate::deadlines::{Deadlines, Millis};
use crate::io::{Event, Io};
use crate::ring::{Completion, Ring};
use crate::slots::Phase;
use crate::token::{Op, Token};

/// One dialling. Boxed, because the kernel reads and writes it where it lies.
struct Attempt {
    token: u64,
    serial: u32,
    to: SockAddr,
    /// Held until the table has the socket.
    socket: Option<Socket>,
    /// The socket's descriptor at first; the kernel puts the slot's number here.
    descriptor: RawFd,
    expired: bool,
}

/// Dials in progress.
pub(crate) struct Connector {
    attempts: Vec<Option<Box<Attempt>>>,
    vacant: Vec<u32>,
    serial: u32,
    /// Sockets in the table that are not connections yet.
    installed: u32,
    expiring: Deadlines<Token>,
    /// To be submitted.
    installs: Vec<u32>,
    connects: Vec<u32>,
    cancels: Vec<Token>,
    closes: Vec<u32>,
}

impl Connector {
    pub(crate) fn new(timeout: Duration) -> Connector {
        Connector {
            attempts: Vec::new(),
            vacant: Vec::new(),
            serial: 0,
            installed: 0,
            expiring: Deadlines::new(timeout),
            installs: Vec::new(),
            connects: Vec::new(),
            cancels: Vec::new(),
            closes: Vec::new(),
        }
    }

    /// Makes the socket; all else happens with the next turns.
    pub(crate) fn start(
        &mut self,
        to: SocketAddr,
        from: Option<IpAddr>,
        token: u64,
        now: Millis,
    ) -> io::Result<()> {
        let socket = new_socket(to, from)?;
        self.serial = self.serial.wrapping_add(1);
        let serial = self.serial;
        let descriptor = socket.as_raw_fd();
        let attempt = Attempt {
            token,
            serial,
            to: to.into(),
            socket: Some(socket),
            descriptor,
            expired: false,
        };
        let index = self.vacant.pop().unwrap_or(self.attempts.len() as u32);
        if index as usize == self.attempts.len() {
            self.attempts.push(None);
        }
        self.attempts[index as usize] = Some(Box::new(attempt));
        self.installs.push(index);
        self.expiring.push(now, Token::new(Op::Connect, index, serial));
        Ok(())
    }

    /// Slots of the table that dials hold.
    pub(crate) fn installed(&self) -> u32 {
        self.installed
    }

    pub(crate) fn next_due(&self) -> Option<Millis> {
        self.expiring.next_due()
    }

    /// Whether something is to be submitted.
    pub(crate) fn has_work(&self) -> bool {
        !(self.installs.is_empty()
            && self.connects.is_empty()
            && self.cancels.is_empty()
            && self.closes.is_empty())
    }

    /// Gives up attempts that took too long.
    pub(crate) fn expire(&mut self, now: Millis) {
        while let Some(token) = self.expiring.pop_due(now) {
            if let Some(attempt) = self.attempt_mut(token) {
                attempt.expired = true;
                self.cancels.push(token);
            }
        }
        let attempts = &self.attempts;
        self.expiring.forget_while(|token| !is_going_on(attempts, *token));
    }

    pub(crate) fn submit(&mut self, ring: &mut Ring) -> io::Result<()> {
        for token in self.cancels.drain(..) {
            ring.cancel(token)?;
        }
        for slot in self.closes.drain(..) {
            ring.close(slot)?;
        }
        for index in self.connects.drain(..) {
            let Some(attempt) = &self.attempts[index as usize] else { continue };
            let token = Token::new(Op::Connect, index, attempt.serial);
            // SAFETY: the attempt is boxed, and stays until its connect has completed.
            unsafe { ring.connect(attempt.descriptor as u32, &attempt.to, token)? };
        }
        for index in self.installs.drain(..) {
            let Some(attempt) = &mut self.attempts[index as usize] else { continue };
            let token = Token::new(Op::Install, index, attempt.serial);
            // SAFETY: the attempt is boxed, stays until its install has completed, and nobody
            // looks at the descriptor before.
            unsafe { ring.install(&raw mut attempt.descriptor, 1, token)? };
        }
        Ok(())
    }

    fn attempt_mut(&mut self, token: Token) -> Option<&mut Attempt> {
        let attempt = self.attempts.get_mut(token.slot as usize)?.as_deref_mut()?;
        (attempt.serial == token.generation).then_some(attempt)
    }

    fn finish(&mut self, index: u32) -> Option<Box<Attempt>> {
        let attempt = self.attempts.get_mut(index as usize)?.take()?;
        self.vacant.push(index);
        Some(attempt)
    }
}

impl Io {
    pub(crate) fn on_installed(&mut self, completion: Completion) {
        let index = completion.token.slot;
        let Some(attempt) = self.connector.attempt_mut(completion.token) else { return };
        attempt.socket = None;
        if completion.result == 1 {
            let (slot, expired) = (attempt.descriptor as u32, attempt.expired);
            self.connector.installed += 1;
            if expired {
                self.fail_attempt(index, Some(slot), libc::ETIMEDOUT);
            } else {
                self.connector.connects.push(index);
            }
        } else {
            let errno = if completion.result < 0 { -completion.result } else { libc::ENFILE };
            self.fail_attempt(index, None, errno);
        }
    }

    pub(crate) fn on_connected(&mut self, completion: Completion) {
        let index = completion.token.slot;
        let Some(attempt) = self.connector.attempt_mut(completion.token) else { return };
        let (slot, expired) = (attempt.descriptor as u32, attempt.expired);
        match -completion.result {
            libc::ECANCELED if expired => self.fail_attempt(index, Some(slot), libc::ETIMEDOUT),
            0 => {
                let Some(attempt) = self.connector.finish(index) else { return };
                self.connector.installed -= 1;
                let conn = self.slots.open(slot, Phase::Open);
                self.counters.connected += 1;
                self.events.push_back(Event::Connected(conn, attempt.token));
                self.touch(conn);
            }
            errno => self.fail_attempt(index, Some(slot), errno),
        }
    }

    fn fail_attempt(&mut self, index: u32, slot: Option<u32>, errno: i32) {
        let Some(attempt) = self.connector.finish(index) else { return };
        if let Some(slot) = slot {
            self.connector.installed -= 1;
            self.connector.closes.push(slot);
        }
        let error = io::Error::from_raw_os_error(errno);
        self.events.push_back(Event::ConnectFailed(attempt.token, error));
    }
}

fn is_going_on(attempts: &[Option<Box<Attempt>>], token: Token) -> bool {
    let attempt = attempts.get(token.slot as usize).and_then(Option::as_deref);
    attempt.is_some_and(|attempt| attempt.serial == token.generation)
}

fn new_socket(to: SocketAddr, from: Option<IpAddr>) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(to), Type::STREAM, None)?;
    socket.set_tcp_nodelay(true)?;
    if let Some(from) = from {
        pick_port_at_connect(&socket)?;
        socket.bind(&SocketAddr::new(from, 0).into())?;
    }
    Ok(socket)
}

/// Lets one source address have a port's worth of connections *to each destination*.
fn pick_port_at_connect(socket: &Socket) -> io::Result<()> {
    let on: libc::c_int = 1;
    // SAFETY: the option's value is an int that lives until the call returns.
    let done = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::IPPROTO_IP,
            libc::IP_BIND_ADDRESS_NO_PORT,
            (&raw const on).cast(),
            size_of::<libc::c_int>() as libc::socklen_t,
        )
    };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
