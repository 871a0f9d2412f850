//! TLS on the way: rustls as any client has it, and so none of the engine's own record layer. What
//! the reactor's connections say is sealed by it, and what their wires carry is opened.

use std::io::{self, Read as _, Write as _};

use rustls::ClientConnection;
use whisper_reactor::{ConnId, Io, Sealer};

use crate::plan::Tls;

/// The connections of one reactor, by their places in its table.
pub(super) struct Streams {
    tls: Tls,
    places: Vec<Option<(ConnId, Box<ClientConnection>)>>,
}

impl Streams {
    /// None yet.
    pub(super) fn new(tls: &Tls) -> Self {
        Self { tls: tls.clone(), places: Vec::new() }
    }

    /// A connection shakes hands from now on. What is written to it leaves once they are shaken.
    ///
    /// # Errors
    /// Where rustls has no randomness, or no use for the name.
    pub(super) fn open(&mut self, io: &mut Io, conn: ConnId) -> Result<(), rustls::Error> {
        io.seal(conn);
        let Tls { config, name } = self.tls.clone();
        let mut stream = ClientConnection::new(config, name)?;
        // What may wait is the reactor's business.
        stream.set_buffer_limit(None);
        let place = conn.slot() as usize;
        if self.places.len() <= place {
            self.places.resize_with(place + 1, || None);
        }
        self.places[place] = Some((conn, Box::new(stream)));
        io.seal_soon(conn);
        Ok(())
    }

    /// Appends to `plain` what came over a connection's wire.
    ///
    /// # Errors
    /// What the server did wrong.
    pub(super) fn receive(
        &mut self,
        io: &mut Io,
        conn: ConnId,
        mut wire: &[u8],
        plain: &mut Vec<u8>,
    ) -> Result<(), rustls::Error> {
        let Some(stream) = stream_mut(&mut self.places, conn) else { return Ok(()) };
        let mut told = Ok(());
        while !wire.is_empty() {
            // It takes no more than it has room for, so it is opened piece by piece.
            let taken = stream.read_tls(&mut wire).unwrap_or(0);
            told = stream.process_new_packets().map(drop);
            // Ends with an error where nothing more is there, and where nothing will be.
            let _ = stream.reader().read_to_end(plain);
            if taken == 0 || told.is_err() {
                break;
            }
        }
        if stream.wants_write() {
            io.seal_soon(conn);
        }
        told
    }
}

impl Sealer for Streams {
    fn seal(&mut self, conn: ConnId, plain: &[u8], wire: &mut Vec<u8>) {
        let Some(stream) = stream_mut(&mut self.places, conn) else { return };
        // It keeps what can't leave yet.
        let kept = stream.writer().write_all(plain).and_then(|()| drain(stream, wire));
        kept.expect("memory takes all that is written to it");
    }

    fn finish(&mut self, conn: ConnId, wire: &mut Vec<u8>) {
        let Some(stream) = stream_mut(&mut self.places, conn) else { return };
        stream.send_close_notify();
        drain(stream, wire).expect("memory takes all that is written to it");
    }

    fn released(&mut self, conn: ConnId) {
        let place = self.places.get_mut(conn.slot() as usize);
        // Another may be in its place by now.
        if let Some(place) = place.filter(|it| it.as_ref().is_some_and(|(it, _)| *it == conn)) {
            *place = None;
        }
    }
}

fn drain(stream: &mut ClientConnection, wire: &mut Vec<u8>) -> io::Result<()> {
    while stream.wants_write() {
        stream.write_tls(wire)?;
    }
    Ok(())
}

fn stream_mut(
    places: &mut [Option<(ConnId, Box<ClientConnection>)>],
    conn: ConnId,
) -> Option<&mut ClientConnection> {
    let (here, stream) = places.get_mut(conn.slot() as usize)?.as_mut()?;
    (*here == conn).then_some(stream)
}
