//! The pair relay on tokio and fastwebsockets: one thread, and for each pair one task in either
//! direction. The upgrade is our own, because the crate's needs all of hyper.

use std::cell::RefCell;
use std::convert::Infallible;
use std::error::Error;
use std::future::ready;
use std::io;
use std::rc::Rc;

use fastwebsockets::{
    Frame, OpCode, Payload, Role, WebSocketRead, WebSocketWrite, after_handshake_split,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{LocalSet, spawn_local};
use whisper_peers::wire::{self, FRAME_BYTES_MAX, Front};
use whisper_rivals::{Pairing, address};

type Reader = WebSocketRead<OwnedReadHalf>;
type Writer = WebSocketWrite<OwnedWriteHalf>;

/// The longest request that is read.
const REQUEST_BYTES_MAX: usize = 8192;

fn main() -> Result<(), Box<dyn Error>> {
    let listener = whisper_peers::listen(address()?, true)?;
    whisper_peers::announce(listener.local_addr()?)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    LocalSet::new().block_on(&runtime, async {
        let listener = TcpListener::from_std(listener)?;
        let pairing = Rc::new(RefCell::new(Pairing::default()));
        loop {
            let (stream, _) = listener.accept().await?;
            spawn_local(serve(stream, Rc::clone(&pairing)));
        }
    })
}

/// Upgrades a connection, and begins to relay where it is the second of a pair.
async fn serve(mut stream: TcpStream, pairing: Rc<RefCell<Pairing<(Reader, Writer)>>>) {
    if upgrade(&mut stream).await.is_err() {
        return;
    }
    let (reader, writer) = stream.into_split();
    let (mut reader, mut writer) = after_handshake_split(reader, writer, Role::Server);
    reader.set_max_message_size(FRAME_BYTES_MAX + 1);
    writer.set_auto_apply_mask(false);
    let pair = pairing.borrow_mut().arrive((reader, writer));
    let Some(((reader_a, mut writer_a), (reader_b, mut writer_b))) = pair else { return };
    for writer in [&mut writer_a, &mut writer_b] {
        if writer.write_frame(Frame::binary(Payload::Borrowed(b""))).await.is_err() {
            return;
        }
    }
    spawn_local(relay(reader_a, writer_b));
    spawn_local(relay(reader_b, writer_a));
}

/// Passes frames on until one side is gone. Dropping a writer ends its side.
async fn relay(mut from: Reader, mut to: Writer) {
    // What it would answer to a ping or close is nobody's concern here.
    let mut mute = |_: Frame<'_>| ready(Ok::<(), Infallible>(()));
    while let Ok(frame) = from.read_frame(&mut mute).await {
        // The same without its mask.
        let Frame { fin, opcode, payload, .. } = frame;
        let passed_on = Frame::new(fin, opcode, None, payload);
        if opcode != OpCode::Binary || to.write_frame(passed_on).await.is_err() {
            return;
        }
    }
}

/// Reads the request and answers it. Nothing may follow it before the answer (RFC 6455, 4.1).
async fn upgrade(stream: &mut TcpStream) -> io::Result<()> {
    let mut request = Vec::with_capacity(512);
    while request.len() < REQUEST_BYTES_MAX && stream.read_buf(&mut request).await? > 0 {
        match wire::upgrade(&request) {
            Front::Part => {}
            Front::Whole(len, answer) if len == request.len() => {
                return stream.write_all(&answer).await;
            }
            Front::Whole(..) | Front::Bad => break,
        }
    }
    Err(io::ErrorKind::InvalidData.into())
}
