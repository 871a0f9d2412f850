//! Listening sockets: one for each reactor and address, among which the kernel spreads connections.

use std::fs::{self, Permissions};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use socket2::{Domain, Protocol, Socket, Type};

/// Connections that may wait to be accepted. The kernel cuts it to `net.core.somaxconn`.
const BACKLOG: i32 = 4096;

/// What the kernel may hold for a peer that doesn't read: several messages of full size, and all of
/// the web client's page. By itself it would hold megabytes for whoever asks for them. (It reckons
/// with twice that, for its own needs.)
const SEND_BUFFER_BYTES: usize = 128 * 1024;

/// Makes sure that nobody listens on an address yet, another engine included: the kernel would let
/// two of them share the people, who then never meet.
///
/// # Errors
/// The system's, with the address.
pub(crate) fn ensure_free(address: SocketAddr) -> io::Result<()> {
    // Only who asks to share a port is let in beside those who do.
    let alone = socket(address).and_then(|socket| socket.bind(&address.into()));
    alone.map_err(explain(address))
}

/// Binds `count` sockets to the same address. Port 0 takes a free one, the same for all.
///
/// # Errors
/// The system's, with the address.
pub(crate) fn bind(address: SocketAddr, count: usize) -> io::Result<Vec<TcpListener>> {
    let explain = explain(address);
    let first = bind_one(address).map_err(explain)?;
    let address = first.local_addr()?;
    let mut sockets = vec![first];
    for _ in 1..count {
        sockets.push(bind_one(address).map_err(explain)?);
    }
    Ok(sockets)
}

/// Binds one more socket to an address that is listened on by this process's people already.
///
/// # Errors
/// The system's, with the address.
pub(crate) fn bind_beside(address: SocketAddr) -> io::Result<TcpListener> {
    bind_one(address).map_err(explain(address))
}

/// Binds the operators' socket.
///
/// # Errors
/// The system's, with the address.
pub(crate) fn bind_admin(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address).map_err(explain(address))
}

/// Binds the operators' Unix socket, for the owner of this process alone. One on which nobody
/// listens any more is replaced.
///
/// # Errors
/// The system's, with the path; where somebody listens, or something else lies there.
pub(crate) fn bind_admin_socket(path: &Path) -> io::Result<UnixListener> {
    let explain =
        |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    let is_socket = |it: fs::Metadata| it.file_type().is_socket();
    if fs::symlink_metadata(path).is_ok_and(is_socket) {
        match UnixStream::connect(path) {
            Ok(_) => return Err(explain(io::ErrorKind::AddrInUse.into())),
            Err(_) => fs::remove_file(path).map_err(explain)?,
        }
    }
    let listener = UnixListener::bind(path).map_err(explain)?;
    fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(explain)?;
    Ok(listener)
}

fn explain(address: SocketAddr) -> impl Fn(io::Error) -> io::Error + Copy {
    move |error| io::Error::new(error.kind(), format!("can't listen on {address}: {error}"))
}

fn bind_one(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = socket(address)?;
    socket.set_reuse_port(true)?;
    // Accepted sockets inherit these: replies leave at once, and only so much waits.
    socket.set_tcp_nodelay(true)?;
    socket.set_send_buffer_size(SEND_BUFFER_BYTES)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

fn socket(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // Connections of an earlier process that are not quite over don't keep their address.
    socket.set_reuse_address(true)?;
    Ok(socket)
}
