//! A socket that signals don't disturb, with or without TLS in it.

use std::io::{self, Read, Write};
use std::net::TcpStream;

use rustls::{ClientConnection, Stream};

/// A connection to the server.
#[derive(Debug)]
pub(crate) struct Patient {
    pub(crate) socket: TcpStream,
    pub(crate) tls: Option<Box<ClientConnection>>,
}

/// A read with a timeout is cut short by any signal, such as those of a process that was started
/// and has ended, and not taken up again by the kernel: here it is.
struct Uninterrupted<'a>(&'a mut TcpStream);

impl Read for Patient {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let mut socket = Uninterrupted(&mut self.socket);
        match &mut self.tls {
            Some(tls) => Stream::new(&mut **tls, &mut socket).read(bytes),
            None => socket.read(bytes),
        }
    }
}

impl Write for Patient {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut socket = Uninterrupted(&mut self.socket);
        match &mut self.tls {
            Some(tls) => Stream::new(&mut **tls, &mut socket).write(bytes),
            None => socket.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        let mut socket = Uninterrupted(&mut self.socket);
        match &mut self.tls {
            Some(tls) => Stream::new(&mut **tls, &mut socket).flush(),
            None => socket.flush(),
        }
    }
}

impl Read for Uninterrupted<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.0.read(bytes) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => return other,
            }
        }
    }
}

impl Write for Uninterrupted<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
