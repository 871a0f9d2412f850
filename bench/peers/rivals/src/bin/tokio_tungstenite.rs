//! The pair relay on tokio and tokio-tungstenite: one thread, one task for each pair, 4 KiB to read
//! into. What is there to read at once leaves in one write, so no message is flushed by itself.

use std::cell::RefCell;
use std::error::Error;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{LocalSet, spawn_local};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, accept_async_with_config};
use whisper_rivals::{Pairing, address};

type Socket = WebSocketStream<TcpStream>;

const READ_BUFFER_BYTES: usize = 4096;

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

/// Upgrades a connection; the task of whoever comes second serves both.
async fn serve(stream: TcpStream, pairing: Rc<RefCell<Pairing<Socket>>>) {
    let config = WebSocketConfig::default().read_buffer_size(READ_BUFFER_BYTES);
    let Ok(socket) = accept_async_with_config(stream, Some(config)).await else { return };
    let pair = pairing.borrow_mut().arrive(socket);
    let Some((mut first, mut second)) = pair else { return };
    for socket in [&mut first, &mut second] {
        if socket.send(Message::binary("")).await.is_err() {
            return;
        }
    }
    poll_fn(|context| {
        let forth = pass(context, &mut first, &mut second);
        let back = pass(context, &mut second, &mut first);
        if forth.is_ready() || back.is_ready() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

/// Passes on what there is, and is ready when there will be no more.
fn pass(context: &mut Context<'_>, from: &mut Socket, to: &mut Socket) -> Poll<()> {
    loop {
        if ready!(to.poll_ready_unpin(context)).is_err() {
            return Poll::Ready(());
        }
        let Poll::Ready(message) = from.poll_next_unpin(context) else { break };
        let Some(Ok(message @ Message::Binary(_))) = message else { return Poll::Ready(()) };
        if to.start_send_unpin(message).is_err() {
            return Poll::Ready(());
        }
    }
    match to.poll_flush_unpin(context) {
        Poll::Ready(Err(_)) => Poll::Ready(()),
        _ => Poll::Pending,
    }
}
