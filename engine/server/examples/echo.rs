//! A plain WebSocket echo through the engine's reactor and codec, for conformance suites.
//!
//! `cargo run --release -p whisper-engine --example echo -- ADDR [MAX_MESSAGE] [tls]`
//!
//! With `tls`, within TLS, by a certificate that nobody trusts.

#[allow(dead_code, reason = "an echo has no numbers to tell and nothing to renew")]
#[path = "../src/tls/streams.rs"]
mod streams;

use std::collections::HashMap;
use std::error::Error;
use std::io::{self, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use streams::Streams;
use whisper_core::http::{HeadReader, Method, Request, Status, write_error, write_switching};
use whisper_core::ws::{Decoder, Item, Limits, Opcode, Role, encode_close, encode_frame};
use whisper_reactor::{Closed, Config, ConnId, Handler, Io, Opened, Reactor, Wait};
use whisper_tls::{Identities, Identity, Tickets};

const USAGE: &str = "usage: echo ADDR [MAX_MESSAGE] [tls]";

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let address: SocketAddr = arguments.next().ok_or(USAGE)?.parse()?;
    let message = arguments.next().map_or(Ok(64 * 1024), |max| max.parse())?;
    // What a suite may have in flight: some of the greatest messages, echoed and not yet read.
    let config = Config { unsent_max: 8 * message + (1 << 20), ..Config::default() };
    let mut reactor = Reactor::new(config)?;
    let listener = TcpListener::bind(address)?;
    let streams = match arguments.next().as_deref() {
        None => None,
        Some("tls") => {
            let identity = Identity::self_signed(&[address.ip().to_string()])?;
            let identities = Identities::new(vec![identity]).ok_or("there is one")?;
            Some(Streams::new(Some((Arc::new(identities), Tickets::new()?))))
        }
        Some(_) => return Err(USAGE.into()),
    };
    let scheme = if streams.is_some() { "wss" } else { "ws" };
    writeln!(io::stdout(), "listening on {scheme}://{}", listener.local_addr()?)?;
    reactor.listen(listener, 0)?;
    let limits = Limits { message, fragments: u32::MAX };
    let mut front = Front { echo: Echo { limits, peers: HashMap::new() }, streams };
    loop {
        let behind = front.streams.as_ref().is_some_and(Streams::is_behind);
        if let Some(streams) = &mut front.streams {
            reactor.seal(streams);
        }
        reactor.wait(if behind { Wait::No } else { Wait::Forever })?;
        reactor.dispatch(&mut front);
        if let Some(streams) = &mut front.streams {
            streams.go_on(reactor.io(), |io, conn, plain| front.echo.received(io, conn, plain));
        }
    }
}

/// The echo, and TLS before it.
struct Front {
    echo: Echo,
    streams: Option<Streams>,
}

impl Handler for Front {
    fn opened(&mut self, io: &mut Io, conn: ConnId, how: Opened) {
        if let Some(streams) = &mut self.streams {
            streams.open(io, conn);
        }
        self.echo.opened(io, conn, how);
    }

    fn received(&mut self, io: &mut Io, conn: ConnId, bytes: &mut [u8]) {
        let Some(streams) = &mut self.streams else {
            return self.echo.received(io, conn, bytes);
        };
        streams.received(io, conn, bytes, |io, plain| self.echo.received(io, conn, plain));
    }

    fn closed(&mut self, io: &mut Io, conn: ConnId, why: Closed) {
        self.echo.closed(io, conn, why);
    }
}

struct Echo {
    limits: Limits,
    peers: HashMap<ConnId, Peer>,
}

enum Peer {
    Http(HeadReader),
    WebSocket(Decoder),
}

/// What becomes of a peer after what it said.
enum Next {
    Go,
    Upgrade,
    Over,
}

impl Handler for Echo {
    fn opened(&mut self, _io: &mut Io, conn: ConnId, _how: Opened) {
        self.peers.insert(conn, Peer::Http(HeadReader::new()));
    }

    fn received(&mut self, io: &mut Io, conn: ConnId, bytes: &mut [u8]) {
        let mut input = bytes;
        while let Some(peer) = self.peers.get_mut(&conn) {
            let next = match peer {
                Peer::Http(reader) => {
                    match reader.next(&mut input).map(|head| head.map(Request::parse)) {
                        Ok(None) => return,
                        Ok(Some(Ok(Request { upgrade: Some(upgrade), .. }))) => {
                            io.write(conn, |out| write_switching(out, upgrade.key, None, None));
                            Next::Upgrade
                        }
                        Ok(Some(Ok(Request { method, .. }))) => {
                            refuse(io, conn, Status::NotFound, method)
                        }
                        Ok(Some(Err(reject))) | Err(reject) => {
                            refuse(io, conn, reject.status(), Method::Get)
                        }
                    }
                }
                Peer::WebSocket(decoder) => match decoder.next(&mut input, &self.limits) {
                    Ok(None) => return,
                    Ok(Some(item)) => answer(io, conn, item),
                    Err(violation) => {
                        let code = violation.close_code();
                        io.write(conn, |out| encode_close(out, code, &violation.to_string()));
                        Next::Over
                    }
                },
            };
            match next {
                Next::Go => {}
                Next::Upgrade => *peer = Peer::WebSocket(Decoder::new(Role::Server)),
                Next::Over => {
                    self.peers.remove(&conn);
                    io.close(conn);
                }
            }
        }
    }

    fn closed(&mut self, _io: &mut Io, conn: ConnId, _why: Closed) {
        self.peers.remove(&conn);
    }
}

fn answer(io: &mut Io, conn: ConnId, item: Item<'_>) -> Next {
    let mut echo = |opcode, payload: &[u8]| {
        io.write(conn, |out| encode_frame(out, opcode, payload));
        Next::Go
    };
    match item {
        Item::Text(text) => echo(Opcode::Text, text.as_bytes()),
        Item::Binary(bytes) => echo(Opcode::Binary, bytes),
        Item::Ping(payload) => echo(Opcode::Pong, payload),
        Item::Pong(_) => Next::Go,
        Item::Close(Some((code, reason))) => {
            io.write(conn, |out| encode_close(out, code, reason));
            Next::Over
        }
        Item::Close(None) => {
            echo(Opcode::Close, b"");
            Next::Over
        }
    }
}

fn refuse(io: &mut Io, conn: ConnId, status: Status, method: Method) -> Next {
    io.write(conn, |out| write_error(out, status, method, None));
    Next::Over
}
