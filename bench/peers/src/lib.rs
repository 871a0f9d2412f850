//! Small servers to measure beside the engine, and what they have in common.
//!
//! Each does one thing: it accepts WebSockets, pairs clients as they come, tells both by an empty
//! binary frame, and passes binary frames on as they are. `floor` is the least that a server on
//! io_uring can do. The others, in `rivals/` and `bun/`, stand on what people would pick instead of
//! writing an engine.

pub mod wire;

use std::io::{self, Write as _};
use std::net::{SocketAddr, TcpListener};

use socket2::{Domain, Socket, Type};

/// Connections that may wait to be accepted, as the engine has it. The kernel cuts it to
/// `net.core.somaxconn`.
const BACKLOG: i32 = 4096;

/// A listening socket whose connections send at once (`TCP_NODELAY`, which they inherit). It is
/// non-blocking where `nonblocking`; what it accepts is not by that.
///
/// # Errors
/// The system's.
pub fn listen(address: SocketAddr, nonblocking: bool) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.set_tcp_nodelay(true)?;
    socket.set_nonblocking(nonblocking)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Says on stdout, in one line of JSON, that and where a server listens.
///
/// # Errors
/// The system's.
pub fn announce(address: SocketAddr) -> io::Result<()> {
    let ready = serde_json::json!({ "event": "ready", "listen": address });
    let mut out = io::stdout().lock();
    writeln!(out, "{ready}")?;
    out.flush()
}
