//! A socket that signals don't disturb.

use std::io::{self, Read, Write};
use std::net::TcpStream;

/// A read with a timeout is cut short by any signal, such as those of a process that was started
/// and has ended, and not taken up again by the kernel: here it is.
#[derive(Debug)]
pub(crate) struct Patient(pub(crate) TcpStream);

impl Read for Patient {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.0.read(bytes) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => return other,
            }
        }
    }
}

impl Write for Patient {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
