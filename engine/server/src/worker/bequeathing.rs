//! What a frozen worker hands to another process: all that its shard and it itself know, written
//! down, and copies of its sockets. Nothing changes here by that: until the other process has
//! begun, this one can go on.

use std::io;
use std::net::TcpListener;
use std::os::fd::OwnedFd;

use crossbeam_channel::Sender;
use thiserror::Error;
use whisper_core::codec::{Field as _, Writer};
use whisper_core::succession::Unsettled;
use whisper_reactor::ConnId;
use whisper_tls::Zeroizing;

use super::Worker;
use super::heritage::{Bodies, put_estate};
use crate::succession::{DESCRIPTORS_MAX, seal};

/// Part of what a worker hands over, in this order.
#[derive(Debug)]
pub(crate) enum Piece {
    /// Listening sockets, with their tags.
    Listeners(Vec<(TcpListener, u32)>),
    /// What is known: of the shard, of the worker, and the keys of TLS; a section each.
    State(OwnedFd),
    /// Sockets of connections, in the order in which the state has them.
    Sockets(Vec<ConnId>, Vec<OwnedFd>),
    /// That was all.
    Done,
    /// It can't be done.
    Failed(BequeathError),
}

/// A piece, and whose it is.
pub(crate) type FromShard = (u16, Piece);

/// Bytes that the length of a connection's keys takes, at most.
const KEYS_HEAD: usize = 5;

/// Why a worker can't hand over.
#[derive(Debug, Error)]
pub(crate) enum BequeathError {
    /// Messages between shards are under way.
    #[error("shards are still talking: {0}")]
    Unsettled(#[from] Unsettled),
    /// The system refuses.
    #[error(transparent)]
    System(#[from] io::Error),
}

impl Worker {
    /// Hands over what is here, as far as somebody takes it.
    pub(super) fn bequeath(&mut self, format: u16, to: &Sender<FromShard>) {
        let me = self.desk.port.me() as u16;
        // Who doesn't take it any more will have this worker thaw.
        let _ = match self.hand_over(format, |piece| to.send((me, piece)).is_ok()) {
            Ok(()) => to.send((me, Piece::Done)),
            Err(error) => to.send((me, Piece::Failed(error))),
        };
    }

    fn hand_over(
        &mut self,
        format: u16,
        mut give: impl FnMut(Piece) -> bool,
    ) -> Result<(), BequeathError> {
        if !give(Piece::Listeners(self.reactor.listeners()?)) {
            return Ok(());
        }
        let mut core = Vec::new();
        self.desk.shard.bequeath(&mut core)?;
        let mut ours = Vec::new();
        let connections = self.write_down(&mut ours);
        let keys = self.keys_of(&connections);
        if !give(Piece::State(seal(format, &[&core, &ours, &keys])?)) {
            return Ok(());
        }
        drop((core, ours, keys));
        for some in connections.chunks(DESCRIPTORS_MAX) {
            let sockets = self.reactor.lend(some)?;
            if !give(Piece::Sockets(some.to_vec(), sockets)) {
                break;
            }
        }
        Ok(())
    }

    /// Writes down what this worker knows; all connections in it.
    fn write_down(&mut self, out: &mut Vec<u8>) -> Vec<ConnId> {
        let mut w = Writer::new(out);
        let Self { reactor, desk, .. } = self;
        let heads = desk.heads.awaited();
        let mut bodies = Bodies::default();
        let all: Vec<_> = reactor.estates().collect();
        w.number(all.len() as u64);
        for (conn, estate) in &all {
            conn.to_bits().put(&mut w);
            put_estate(estate, &mut bodies, &mut w);
            let known = desk.connections.get_mut(*conn);
            known.is_some().put(&mut w);
            if let Some(connection) = known {
                connection.put(&mut w);
                heads.get(conn).copied().put(&mut w);
            }
        }
        w.number(desk.decided.len() as u64);
        for (conn, bytes) in &desk.decided {
            conn.to_bits().put(&mut w);
            bytes.put(&mut w);
        }
        desk.departed.put(&mut w);
        desk.absentees.put(&mut w);
        all.into_iter().map(|(conn, _)| conn).collect()
    }

    /// What encrypts these connections, as far as they are encrypted, in their order.
    fn keys_of(&self, connections: &[ConnId]) -> Zeroizing<Vec<u8>> {
        let all: Vec<_> = connections.iter().map(|conn| self.streams.bequeath(*conn)).collect();
        let length = |keys: &Option<_>| {
            KEYS_HEAD + keys.as_ref().map_or(0, |it: &Zeroizing<Vec<u8>>| it.len())
        };
        // All at once: what grows leaves copies behind.
        let mut out = Zeroizing::new(Vec::with_capacity(all.iter().map(length).sum()));
        let mut w = Writer::new(&mut out);
        for keys in all {
            let keys = keys.as_deref().map_or(&[][..], |it| it);
            w.number(keys.len() as u64);
            w.bytes(keys);
        }
        out
    }
}
