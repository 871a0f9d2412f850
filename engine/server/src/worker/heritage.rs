//! How what is no type of the core or of this worker is written, so that another process's worker
//! can read it. Everything else says so beside itself, by the core's
//! [`codec`](whisper_core::codec).

use std::collections::VecDeque;
use std::sync::Arc;

use whisper_core::codec::{Damage, Field, Reader, Writer, fields};
use whisper_core::ids::SessionId;
use whisper_reactor::{Estate, Piece, Unsent};
use whisper_store::bans::Identity;

use crate::config::Service;

fields! {
    enum Service { 0 Plain; 1 Tls; 2 Redirect; }
}

/// Bodies that many connections share while they are sent: each is written once, where it first
/// occurs, and by its number from there on.
#[derive(Debug, Default)]
pub(super) struct Bodies(Vec<Arc<[u8]>>);

impl Bodies {
    fn put(&mut self, body: &Arc<[u8]>, w: &mut Writer<'_>) {
        let known = self.0.iter().position(|it| Arc::ptr_eq(it, body));
        let number = known.unwrap_or_else(|| {
            self.0.push(Arc::clone(body));
            self.0.len() - 1
        });
        w.number(number as u64);
        if known.is_none() {
            body.to_vec().put(w);
        }
    }

    fn get(&mut self, r: &mut Reader<'_>) -> Result<Arc<[u8]>, Damage> {
        let number = r.number()? as usize;
        if number == self.0.len() {
            self.0.push(Vec::get(r)?.into());
        }
        self.0.get(number).cloned().ok_or(Damage)
    }
}

/// Writes what there is of a connection in its reactor.
pub(super) fn put_estate(estate: &Estate, bodies: &mut Bodies, w: &mut Writer<'_>) {
    let Estate { input, unsent, sealed, paused, closing } = estate;
    let Unsent { first, rest, sealed: sealed_bytes } = unsent;
    input.put(w);
    first.is_some().put(w);
    if let Some((piece, gone)) = first {
        put_piece(piece, bodies, w);
        w.number(*gone as u64);
    }
    w.number(rest.len() as u64);
    rest.iter().for_each(|piece| put_piece(piece, bodies, w));
    w.number(*sealed_bytes as u64);
    [*sealed, *paused, *closing].iter().for_each(|flag| flag.put(w));
}

/// Reads that.
pub(super) fn get_estate(bodies: &mut Bodies, r: &mut Reader<'_>) -> Result<Estate, Damage> {
    let input = Vec::get(r)?;
    let first = match bool::get(r)? {
        true => Some((get_piece(bodies, r)?, r.number()? as usize)),
        false => None,
    };
    let mut rest = VecDeque::new();
    for _ in 0..r.number()? {
        rest.push_back(get_piece(bodies, r)?);
    }
    let unsent = Unsent { first, rest, sealed: r.number()? as usize };
    let (sealed, paused, closing) = (bool::get(r)?, bool::get(r)?, bool::get(r)?);
    Ok(Estate { input, unsent, sealed, paused, closing })
}

fn put_piece(piece: &Piece, bodies: &mut Bodies, w: &mut Writer<'_>) {
    match piece {
        Piece::Own(bytes) => {
            false.put(w);
            bytes.put(w);
        }
        Piece::Shared(body) => {
            true.put(w);
            bodies.put(body, w);
        }
    }
}

fn get_piece(bodies: &mut Bodies, r: &mut Reader<'_>) -> Result<Piece, Damage> {
    Ok(match bool::get(r)? {
        false => Piece::Own(Vec::get(r)?),
        true => Piece::Shared(bodies.get(r)?),
    })
}

/// Writes who somebody is.
pub(super) fn put_person(person: &(SessionId, Identity), w: &mut Writer<'_>) {
    let (session, Identity { address, cookie, fingerprint }) = person;
    session.put(w);
    address.put(w);
    cookie.put(w);
    fingerprint.put(w);
}

/// Reads that.
pub(super) fn get_person(r: &mut Reader<'_>) -> Result<(SessionId, Identity), Damage> {
    let session = SessionId::get(r)?;
    let (address, cookie, fingerprint) = (Field::get(r)?, Field::get(r)?, Field::get(r)?);
    Ok((session, Identity { address, cookie, fingerprint }))
}
