//! The pair relay on glommio: one executor, one task for each pair. What is there to read at once
//! leaves in one write. The frames are read by the few lines that the floor has, for glommio brings
//! no codec.

use std::cell::RefCell;
use std::error::Error;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use futures_lite::io::{AsyncRead as _, AsyncReadExt as _, AsyncWrite as _, AsyncWriteExt as _};
use glommio::net::{TcpListener, TcpStream};
use glommio::{LocalExecutorBuilder, Placement, spawn_local};
use whisper_peers::wire::{self, FRAME_BYTES_MAX, Front};
use whisper_rivals::{Pairing, address};

/// As much as is read at once.
const READ_BYTES: usize = 4096;

/// The longest request that is read.
const REQUEST_BYTES_MAX: usize = 8192;

fn main() -> Result<(), Box<dyn Error>> {
    let address = address()?;
    let executor = LocalExecutorBuilder::new(Placement::Unbound).make()?;
    executor.run(async {
        let listener = TcpListener::bind(address)?;
        whisper_peers::announce(listener.local_addr()?)?;
        let pairing = Rc::new(RefCell::new(Pairing::default()));
        loop {
            let stream = listener.accept().await?;
            spawn_local(serve(stream, Rc::clone(&pairing))).detach();
        }
    })
}

/// Upgrades a connection; the task of whoever comes second serves both.
async fn serve(mut stream: TcpStream, pairing: Rc<RefCell<Pairing<TcpStream>>>) {
    if stream.set_nodelay(true).is_err() || upgrade(&mut stream).await.is_err() {
        return;
    }
    let pair = pairing.borrow_mut().arrive(stream);
    let Some((mut first, mut second)) = pair else { return };
    for stream in [&mut first, &mut second] {
        if stream.write_all(&wire::PAIRED).await.is_err() {
            return;
        }
    }
    let (mut forth, mut back) = (Way::default(), Way::default());
    // Either way may end it; both streams close then.
    let _ = poll_fn(|context| {
        let forth = forth.pass(context, &mut first, &mut second);
        let back = back.pass(context, &mut second, &mut first);
        if forth.is_ready() { forth } else { back }
    })
    .await;
}

/// From one of a pair to the other.
#[derive(Default)]
struct Way {
    /// A frame that has not arrived whole.
    partial: Vec<u8>,
    /// Frames that have not left, and how much of them has.
    unsent: (Vec<u8>, usize),
}

impl Way {
    /// Passes on what there is; ready when there will be no more.
    fn pass(
        &mut self,
        context: &mut Context<'_>,
        from: &mut TcpStream,
        to: &mut TcpStream,
    ) -> Poll<io::Result<()>> {
        loop {
            ready!(self.send(context, to))?;
            let start = self.partial.len();
            self.partial.resize(start + READ_BYTES, 0);
            let read = Pin::new(&mut *from).poll_read(context, &mut self.partial[start..]);
            let got = if let Poll::Ready(Ok(got)) = read { got } else { 0 };
            self.partial.truncate(start + got);
            if ready!(read)? == 0 || self.take_frames().is_err() {
                return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
            }
        }
    }

    fn take_frames(&mut self) -> Result<(), ()> {
        let mut used = 0;
        loop {
            match wire::frame(&mut self.partial[used..]) {
                Front::Part => break,
                Front::Bad => return Err(()),
                Front::Whole(len, (head, body)) => {
                    self.unsent.0.extend_from_slice(head);
                    self.unsent.0.extend_from_slice(body);
                    used += len;
                }
            }
        }
        self.partial.drain(..used);
        if self.partial.len() > 2 * FRAME_BYTES_MAX { Err(()) } else { Ok(()) }
    }

    fn send(&mut self, context: &mut Context<'_>, to: &mut TcpStream) -> Poll<io::Result<()>> {
        let (bytes, sent) = &mut self.unsent;
        while *sent < bytes.len() {
            *sent += ready!(Pin::new(&mut *to).poll_write(context, &bytes[*sent..]))?;
        }
        bytes.clear();
        *sent = 0;
        Poll::Ready(Ok(()))
    }
}

/// Reads the request and answers it. Nothing may follow it before the answer (RFC 6455, 4.1).
async fn upgrade(stream: &mut TcpStream) -> io::Result<()> {
    let mut request = Vec::new();
    let mut chunk = [0; 1024];
    while request.len() < REQUEST_BYTES_MAX {
        let got = stream.read(&mut chunk).await?;
        request.extend_from_slice(&chunk[..got]);
        match wire::upgrade(&request) {
            Front::Part if got > 0 => {}
            Front::Whole(len, answer) if len == request.len() => {
                return stream.write_all(&answer).await;
            }
            _ => break,
        }
    }
    Err(io::ErrorKind::InvalidData.into())
}
