//! A connection that has shaken hands: records in, records out.
//!
//! Beside data there are alerts, and in TLS 1.3 updates of keys. Whatever else a peer sends ends
//! the connection, and so do records in a row that say nothing: they cost us work and it next to
//! none.

use crate::alert::{Alert, Told};
use crate::half::{Half, Version};
use crate::record::{Kind, Reader};
use crate::succession::{self, Damage};

/// Records without data that may follow one another.
const IDLE_RECORDS_MAX: u8 = 32;

/// Handshake type, and length, of a `KeyUpdate` (RFC 8446, section 4.6.3).
const KEY_UPDATE: [u8; 4] = [24, 0, 0, 1];
const UPDATE_NOT_REQUESTED: u8 = 0;
const UPDATE_REQUESTED: u8 = 1;

/// The keys of both directions, and a record that isn't whole.
pub(crate) struct Traffic {
    receiving: Half,
    sending: Half,
    reader: Reader,
    idle_records: u8,
    /// The peer wants us to go on to our next key.
    update_due: bool,
    peer_is_done: bool,
}

// An idle connection holds nothing else.
const _: () = assert!(size_of::<Traffic>() <= 256);

/// What a peer has said of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    /// There may be more.
    Goes,
    /// It has said its last.
    IsDone,
    /// It gave up.
    GaveUp,
}

impl Traffic {
    pub(crate) fn new(receiving: Half, sending: Half) -> Self {
        Self {
            receiving,
            sending,
            reader: Reader::default(),
            idle_records: 0,
            update_due: false,
            peer_is_done: false,
        }
    }

    /// Takes what came over the wire, and hands on what it says, record by record, decrypted where
    /// it lies.
    ///
    /// # Errors
    /// The alert that ends the connection.
    pub(crate) fn receive(
        &mut self,
        mut wire: &mut [u8],
        mut hear: impl FnMut(&mut [u8]),
    ) -> Result<Peer, Alert> {
        let tls13 = self.is_tls13();
        let mut key = None;
        while !self.peer_is_done
            && let Some(record) = self.reader.next(&mut wire)?
        {
            let expanded = key.get_or_insert_with(|| self.receiving.expand());
            let (kind, plain) = self.receiving.open(expanded, record)?;
            match kind {
                Kind::Data if !plain.is_empty() => {
                    self.idle_records = 0;
                    hear(plain);
                    continue;
                }
                Kind::Data => {}
                Kind::Alert => match Told::parse(plain, tls13)? {
                    Told::Close => self.peer_is_done = true,
                    Told::Nothing => {}
                    Told::Failure => return Ok(Peer::GaveUp),
                },
                Kind::Handshake => {
                    self.update_due |= parse_update(plain, tls13)?;
                    self.receiving.update();
                    key = None;
                }
            }
            self.idle_records = self.idle_records.saturating_add(1);
            if self.idle_records > IDLE_RECORDS_MAX {
                return Err(Alert::UnexpectedMessage);
            }
        }
        Ok(if self.peer_is_done { Peer::IsDone } else { Peer::Goes })
    }

    /// Whether there is something to be sent besides data.
    pub(crate) fn has_output(&self) -> bool {
        self.update_due
    }

    /// Appends what carries `plain`.
    pub(crate) fn send(&mut self, plain: &[u8], wire: &mut Vec<u8>) {
        if self.update_due || self.sending.is_worn_out() && self.is_tls13() {
            self.update_due = false;
            let [a, b, c, d] = KEY_UPDATE;
            let update = [a, b, c, d, UPDATE_NOT_REQUESTED];
            self.sending.seal(&self.sending.expand(), Kind::Handshake, &update, wire);
            self.sending.update();
        }
        if !plain.is_empty() && !self.sending.is_worn_out() {
            self.sending.seal(&self.sending.expand(), Kind::Data, plain, wire);
        }
    }

    /// Appends the alert that says why nothing more will follow.
    pub(crate) fn end(&mut self, why: Alert, wire: &mut Vec<u8>) {
        self.sending.seal(&self.sending.expand(), Kind::Alert, &why.encode(), wire);
    }

    /// Whether no more can be sent, because the only key there is has sealed all that it may.
    pub(crate) fn is_worn_out(&self) -> bool {
        self.sending.is_worn_out() && !self.is_tls13()
    }

    /// Bytes of a record that isn't whole.
    pub(crate) fn partial_bytes(&self) -> usize {
        self.reader.partial().len()
    }

    /// Writes all of it.
    pub(crate) fn put(&self, out: &mut succession::Writer) {
        self.receiving.put(out);
        self.sending.put(out);
        out.run(self.reader.partial());
        out.byte(self.idle_records);
        out.byte(u8::from(self.update_due) | u8::from(self.peer_is_done) << 1);
    }

    /// Reads what [`Traffic::put`] wrote.
    pub(crate) fn get(bytes: &mut succession::Reader<'_>) -> Result<Self, Damage> {
        let (receiving, sending) = (Half::get(bytes)?, Half::get(bytes)?);
        if receiving.version() != sending.version() {
            return Err(Damage::Content);
        }
        let reader = Reader::with_partial(bytes.run()?).ok_or(Damage::Content)?;
        let idle_records = bytes.byte()?;
        let facts @ 0..=3 = bytes.byte()? else { return Err(Damage::Content) };
        let (update_due, peer_is_done) = (facts & 1 != 0, facts & 2 != 0);
        Ok(Self { receiving, sending, reader, idle_records, update_due, peer_is_done })
    }

    fn is_tls13(&self) -> bool {
        self.receiving.version() == Version::Tls13
    }
}

/// Reads the one message of the handshake that may come after it. It has a record of its own, since
/// what follows is under another key. Answers whether we shall update too.
fn parse_update(message: &[u8], tls13: bool) -> Result<bool, Alert> {
    if !tls13 {
        return Err(Alert::NoRenegotiation);
    }
    match message.strip_prefix(&KEY_UPDATE) {
        Some([UPDATE_NOT_REQUESTED]) => Ok(false),
        Some([UPDATE_REQUESTED]) => Ok(true),
        Some([_]) => Err(Alert::DecodeError),
        _ => Err(Alert::UnexpectedMessage),
    }
}

#[cfg(test)]
mod tests {
    use rustls::ConnectionTrafficSecrets;
    use rustls::crypto::cipher::{AeadKey, Iv};

    use super::*;
    use crate::half::Secret;

    /// A server, and a client made of the same stuff.
    fn pair(tls13: bool) -> [Traffic; 2] {
        let half = |seed: u8| {
            let (key, iv) = (AeadKey::from([seed; 32]), Iv::new([seed; 12]));
            let keys = ConnectionTrafficSecrets::Aes256Gcm { key, iv };
            let secret = tls13.then(|| Secret::from([seed; 48]));
            Half::new(&keys, secret, 0).expect("a cipher that is known")
        };
        [Traffic::new(half(1), half(2)), Traffic::new(half(2), half(1))]
    }

    /// What `to` makes of a record that `from` seals.
    fn hear(from: &mut Traffic, to: &mut Traffic, kind: Kind, plain: &[u8]) -> Result<Peer, Alert> {
        let mut wire = Vec::new();
        from.sending.seal(&from.sending.expand(), kind, plain, &mut wire);
        to.receive(&mut wire, |_| ())
    }

    fn talk(from: &mut Traffic, to: &mut Traffic, plain: &[u8]) {
        let (mut wire, mut heard) = (Vec::new(), Vec::new());
        from.send(plain, &mut wire);
        let peer = to.receive(&mut wire, |plain| heard.extend_from_slice(plain));
        assert_eq!((peer, &heard[..]), (Ok(Peer::Goes), plain));
    }

    #[test]
    fn an_update_is_answered_where_it_asks_for_that() {
        let [mut server, mut client] = pair(true);
        for (asked, answers) in [(UPDATE_NOT_REQUESTED, false), (UPDATE_REQUESTED, true)] {
            let update = [&KEY_UPDATE[..], &[asked]].concat();
            assert_eq!(hear(&mut client, &mut server, Kind::Handshake, &update), Ok(Peer::Goes));
            client.sending.update();
            assert_eq!(server.has_output(), answers);
            talk(&mut server, &mut client, b"down");
            assert!(!server.has_output() && !client.has_output());
            talk(&mut client, &mut server, b"up");
        }
    }

    #[test]
    fn no_other_handshake_is_heard_later() {
        for (message, alert) in [
            (&[24, 0, 0, 1, 2][..], Alert::DecodeError),
            (&[24, 0, 0, 1], Alert::UnexpectedMessage),
            (&[24, 0, 0, 1, 0, 24, 0, 0, 1, 0], Alert::UnexpectedMessage),
            (&[1, 0, 0, 0], Alert::UnexpectedMessage),
            (&[], Alert::UnexpectedMessage),
        ] {
            let [mut server, mut client] = pair(true);
            assert_eq!(hear(&mut client, &mut server, Kind::Handshake, message), Err(alert));
        }
        let [mut server, mut client] = pair(false);
        let hello = [1, 0, 0, 0];
        let refused = hear(&mut client, &mut server, Kind::Handshake, &hello);
        assert_eq!(refused, Err(Alert::NoRenegotiation));
    }

    #[test]
    fn who_says_nothing_says_it_only_so_often() {
        let update = [&KEY_UPDATE[..], &[UPDATE_NOT_REQUESTED]].concat();
        for (kind, plain) in
            [(Kind::Data, &b""[..]), (Kind::Handshake, &update), (Kind::Alert, &[1, 90])]
        {
            let [mut server, mut client] = pair(true);
            for round in 0..2 * IDLE_RECORDS_MAX {
                if round == IDLE_RECORDS_MAX {
                    talk(&mut client, &mut server, b"something");
                }
                assert_eq!(hear(&mut client, &mut server, kind, plain), Ok(Peer::Goes));
                if kind == Kind::Handshake {
                    client.sending.update();
                }
            }
            let once_more = hear(&mut client, &mut server, kind, plain);
            assert_eq!(once_more, Err(Alert::UnexpectedMessage));
        }
    }

    #[test]
    fn alerts_mean_what_they_say() {
        for (tls13, alert, means) in [
            (true, &[1, 0][..], Ok(Peer::IsDone)),
            (true, &[2, 0], Ok(Peer::IsDone)),
            (true, &[1, 90], Ok(Peer::Goes)),
            (true, &[1, 70], Ok(Peer::GaveUp)),
            (false, &[1, 70], Ok(Peer::Goes)),
            (false, &[2, 70], Ok(Peer::GaveUp)),
            (false, &[1, 0], Ok(Peer::IsDone)),
            (true, &[1], Err(Alert::DecodeError)),
            (true, &[1, 0, 0], Err(Alert::DecodeError)),
        ] {
            let [mut server, mut client] = pair(tls13);
            assert_eq!(hear(&mut client, &mut server, Kind::Alert, alert), means);
            if means == Ok(Peer::IsDone) {
                let mut wire = Vec::new();
                client.send(b"after the end", &mut wire);
                assert_eq!(server.receive(&mut wire, |_| panic!("it has ended")), means);
            }
        }
    }

    #[test]
    fn a_worn_out_key_is_replaced_or_used_no_more() {
        let [mut server, mut client] = pair(true);
        for half in [&mut server.sending, &mut client.receiving] {
            half.wear_out();
        }
        talk(&mut server, &mut client, b"under a new key");
        assert!(!server.sending.is_worn_out());
        talk(&mut server, &mut client, b"and again");

        let [mut server, _] = pair(false);
        assert!(!server.is_worn_out());
        server.sending.wear_out();
        assert!(server.is_worn_out());
        let mut wire = Vec::new();
        server.send(b"one too many", &mut wire);
        assert_eq!(wire, []);
    }
}
