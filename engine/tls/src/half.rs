//! One direction of a connection: its key, its count of records, and what the next key comes from.

use arrayvec::ArrayVec;
use aws_lc_rs::aead::{
    AES_128_GCM, AES_256_GCM, Aad, Algorithm, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce,
    UnboundKey,
};
use aws_lc_rs::hkdf::{self, HKDF_SHA256, HKDF_SHA384, KeyType, Prk};
use rustls::ConnectionTrafficSecrets;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::alert::Alert;
use crate::record::{HEADER_BYTES, Kind, PLAIN_BYTES_MAX, VERSION};
use crate::succession::{self, Damage};

/// The longest key: 256 bits.
const KEY_BYTES_MAX: usize = 32;

/// The longest traffic secret: a SHA-384.
const SECRET_BYTES_MAX: usize = 48;

const TAG_BYTES: usize = 16;

/// TLS 1.2 has eight bytes of the nonce of AES-GCM in each record.
const EXPLICIT_BYTES: usize = 8;

/// Records that may be sealed with one AES key (RFC 8446, section 5.5, with room to spare).
const SEALED_MAX: u64 = 1 << 24;

/// More records than any connection lives to see.
const COUNT_MAX: u64 = 1 << 62;

/// What the next keys of a direction of TLS 1.3 derive from.
pub(crate) type Secret = ArrayVec<u8, SECRET_BYTES_MAX>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Version {
    Tls12 = 2,
    Tls13 = 3,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Cipher {
    Aes128 = 1,
    Aes256 = 2,
    ChaCha20 = 3,
}

/// One direction.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(crate) struct Half {
    #[zeroize(skip)]
    version: Version,
    #[zeroize(skip)]
    cipher: Cipher,
    key: [u8; KEY_BYTES_MAX],
    /// Every record's nonce is this, xor its number.
    iv: [u8; NONCE_LEN],
    /// Empty in TLS 1.2.
    secret: Secret,
    /// Records so far, under this key.
    count: u64,
}

impl Half {
    /// A direction of TLS 1.2, or of 1.3 where its traffic secret is given as well: then the keys
    /// are derived from that. `count` records have passed already.
    pub(crate) fn new(
        keys: &ConnectionTrafficSecrets,
        secret: Option<Secret>,
        count: u64,
    ) -> Option<Self> {
        let (cipher, key, iv) = match keys {
            ConnectionTrafficSecrets::Aes128Gcm { key, iv } => (Cipher::Aes128, key, iv),
            ConnectionTrafficSecrets::Aes256Gcm { key, iv } => (Cipher::Aes256, key, iv),
            ConnectionTrafficSecrets::Chacha20Poly1305 { key, iv } => (Cipher::ChaCha20, key, iv),
            _ => return None,
        };
        let version = if secret.is_some() { Version::Tls13 } else { Version::Tls12 };
        let secret = secret.unwrap_or_default();
        let mut half =
            Self { version, cipher, key: [0; KEY_BYTES_MAX], iv: [0; NONCE_LEN], secret, count };
        match version {
            Version::Tls13 => half.derive_key(),
            Version::Tls12 => {
                half.key[..cipher.key_bytes()].copy_from_slice(key.as_ref());
                half.iv.copy_from_slice(iv.as_ref());
            }
        }
        Some(half)
    }

    pub(crate) fn version(&self) -> Version {
        self.version
    }

    /// Writes all of it.
    pub(crate) fn put(&self, out: &mut succession::Writer) {
        out.byte(self.version as u8);
        out.byte(self.cipher as u8);
        out.array(&self.key[..self.cipher.key_bytes()]);
        out.array(&self.iv);
        out.array(&self.secret);
        out.number(self.count);
    }

    /// Reads what [`Half::put`] wrote.
    pub(crate) fn get(bytes: &mut succession::Reader<'_>) -> Result<Self, Damage> {
        let version = match bytes.byte()? {
            2 => Version::Tls12,
            3 => Version::Tls13,
            _ => return Err(Damage::Content),
        };
        let cipher = match bytes.byte()? {
            1 => Cipher::Aes128,
            2 => Cipher::Aes256,
            3 => Cipher::ChaCha20,
            _ => return Err(Damage::Content),
        };
        let mut half = Self {
            version,
            cipher,
            key: [0; KEY_BYTES_MAX],
            iv: [0; NONCE_LEN],
            secret: Secret::new(),
            count: 0,
        };
        let key_bytes = cipher.key_bytes();
        half.key[..key_bytes].copy_from_slice(bytes.array(key_bytes)?);
        half.iv.copy_from_slice(bytes.array(NONCE_LEN)?);
        if version == Version::Tls13 {
            let secret = bytes.array(cipher.hash().len())?;
            half.secret.try_extend_from_slice(secret).map_err(|_| Damage::Content)?;
        }
        half.count = bytes.number()?;
        if half.count > COUNT_MAX { Err(Damage::Content) } else { Ok(half) }
    }

    /// The key, expanded: some 600 bytes on the heap, for as long as there is work for it.
    pub(crate) fn expand(&self) -> LessSafeKey {
        let key = UnboundKey::new(self.cipher.algorithm(), &self.key[..self.cipher.key_bytes()]);
        LessSafeKey::new(key.expect("the key has the length of its algorithm"))
    }

    /// Decrypts a whole record where it lies: what it is about, and what it says.
    pub(crate) fn open<'r>(
        &mut self,
        key: &LessSafeKey,
        record: &'r mut [u8],
    ) -> Result<(Kind, &'r mut [u8]), Alert> {
        let (header, body) =
            record.split_first_chunk_mut::<HEADER_BYTES>().ok_or(Alert::DecodeError)?;
        let (kind, plain) = match self.version {
            Version::Tls13 => {
                if Kind::parse(header[0])? != Kind::Data {
                    return Err(Alert::UnexpectedMessage);
                }
                let nonce = Nonce::assume_unique_for_key(self.nonce());
                let inner = key.open_in_place(nonce, Aad::from(*header), body);
                strip_padding(inner.map_err(|_| Alert::BadRecordMac)?)?
            }
            Version::Tls12 => {
                let kind = Kind::parse(header[0])?;
                let (nonce, sealed) = match self.cipher {
                    Cipher::ChaCha20 => (self.nonce(), body),
                    Cipher::Aes128 | Cipher::Aes256 => {
                        let (explicit, sealed) = body
                            .split_first_chunk_mut::<EXPLICIT_BYTES>()
                            .ok_or(Alert::BadRecordMac)?;
                        let mut nonce = self.iv;
                        nonce[NONCE_LEN - EXPLICIT_BYTES..].copy_from_slice(explicit);
                        (nonce, sealed)
                    }
                };
                let len = sealed.len().checked_sub(TAG_BYTES).ok_or(Alert::BadRecordMac)?;
                let aad = self.aad12(kind, len);
                let nonce = Nonce::assume_unique_for_key(nonce);
                let plain = key.open_in_place(nonce, aad, sealed);
                (kind, plain.map_err(|_| Alert::BadRecordMac)?)
            }
        };
        if plain.len() > PLAIN_BYTES_MAX {
            return Err(Alert::RecordOverflow);
        }
        self.count += 1;
        Ok((kind, plain))
    }

    /// Appends `plain` to `wire`, encrypted, in as few records as will do; in one, if it is empty.
    pub(crate) fn seal(&mut self, key: &LessSafeKey, kind: Kind, plain: &[u8], wire: &mut Vec<u8>) {
        let mut rest = plain;
        loop {
            let (now, later) = rest.split_at(rest.len().min(PLAIN_BYTES_MAX));
            self.seal_one(key, kind, now, wire);
            rest = later;
            if rest.is_empty() {
                return;
            }
        }
    }

    /// Whether this key has sealed as much as one may.
    pub(crate) fn is_worn_out(&self) -> bool {
        self.cipher != Cipher::ChaCha20 && self.count >= SEALED_MAX
    }

    /// As if the key had sealed as much as it may.
    #[cfg(test)]
    pub(crate) fn wear_out(&mut self) {
        self.count = SEALED_MAX;
    }

    /// Goes on to the next key (RFC 8446, section 7.2). TLS 1.2 has none.
    pub(crate) fn update(&mut self) {
        let len = self.secret.len();
        let mut next = [0; SECRET_BYTES_MAX];
        self.expand_label(b"traffic upd", &mut next[..len]);
        self.secret.copy_from_slice(&next[..len]);
        next.zeroize();
        self.count = 0;
        self.derive_key();
    }

    fn seal_one(&mut self, key: &LessSafeKey, kind: Kind, plain: &[u8], wire: &mut Vec<u8>) {
        let nonce = self.nonce();
        let start = wire.len();
        let explicit: &[u8] = match (self.version, self.cipher) {
            (Version::Tls12, Cipher::Aes128 | Cipher::Aes256) => {
                &nonce[NONCE_LEN - EXPLICIT_BYTES..]
            }
            _ => &[],
        };
        let (outer, inner): (Kind, &[u8]) = match self.version {
            Version::Tls13 => (Kind::Data, &[kind as u8]),
            Version::Tls12 => (kind, &[]),
        };
        let body = explicit.len() + plain.len() + inner.len() + TAG_BYTES;
        let [high, low] = (body as u16).to_be_bytes();
        let header = [outer as u8, VERSION[0], VERSION[1], high, low];
        wire.reserve(HEADER_BYTES + body);
        wire.extend_from_slice(&header);
        wire.extend_from_slice(explicit);
        wire.extend_from_slice(plain);
        wire.extend_from_slice(inner);
        let secret = &mut wire[start + HEADER_BYTES + explicit.len()..];
        let unique = Nonce::assume_unique_for_key(nonce);
        let tag = match self.version {
            Version::Tls13 => key.seal_in_place_separate_tag(unique, Aad::from(header), secret),
            Version::Tls12 => {
                let aad = self.aad12(kind, plain.len());
                key.seal_in_place_separate_tag(unique, aad, secret)
            }
        };
        wire.extend_from_slice(tag.expect("a record is within the limits of its cipher").as_ref());
        self.count += 1;
    }

    /// The number of the next record, within the direction's own iv (RFC 8446, section 5.3).
    fn nonce(&self) -> [u8; NONCE_LEN] {
        let mut nonce = self.iv;
        for (byte, count) in nonce[NONCE_LEN - 8..].iter_mut().zip(self.count.to_be_bytes()) {
            *byte ^= count;
        }
        nonce
    }

    /// What TLS 1.2 authenticates beside a record's contents.
    fn aad12(&self, kind: Kind, len: usize) -> Aad<[u8; 13]> {
        let mut aad = [0; 13];
        aad[..8].copy_from_slice(&self.count.to_be_bytes());
        aad[8] = kind as u8;
        aad[9..11].copy_from_slice(&VERSION);
        aad[11..].copy_from_slice(&(len as u16).to_be_bytes());
        Aad::from(aad)
    }

    fn derive_key(&mut self) {
        let (mut key, mut iv) = ([0; KEY_BYTES_MAX], [0; NONCE_LEN]);
        self.expand_label(b"key", &mut key[..self.cipher.key_bytes()]);
        self.expand_label(b"iv", &mut iv);
        (self.key, self.iv) = (key, iv);
        key.zeroize();
        iv.zeroize();
    }

    /// HKDF-Expand-Label without a context (RFC 8446, section 7.1).
    fn expand_label(&self, label: &[u8], out: &mut [u8]) {
        struct Len(usize);
        impl KeyType for Len {
            fn len(&self) -> usize {
                self.0
            }
        }
        const PREFIX: &[u8] = b"tls13 ";
        let len = (out.len() as u16).to_be_bytes();
        let label_len = [(PREFIX.len() + label.len()) as u8];
        let info: [&[u8]; 5] = [&len, &label_len, PREFIX, label, &[0]];
        Prk::new_less_safe(self.cipher.hash(), &self.secret)
            .expand(&info, Len(out.len()))
            .and_then(|okm| okm.fill(out))
            .expect("a key is far shorter than what a secret can be expanded to");
    }
}

impl Cipher {
    fn key_bytes(self) -> usize {
        self.algorithm().key_len()
    }

    /// By which the next keys derive in TLS 1.3.
    fn hash(self) -> hkdf::Algorithm {
        match self {
            Self::Aes256 => HKDF_SHA384,
            Self::Aes128 | Self::ChaCha20 => HKDF_SHA256,
        }
    }

    fn algorithm(self) -> &'static Algorithm {
        match self {
            Self::Aes128 => &AES_128_GCM,
            Self::Aes256 => &AES_256_GCM,
            Self::ChaCha20 => &CHACHA20_POLY1305,
        }
    }
}

/// The contents of a record of TLS 1.3: behind them stands what they are about, and behind that any
/// number of zeros.
fn strip_padding(inner: &mut [u8]) -> Result<(Kind, &mut [u8]), Alert> {
    let at = inner.iter().rposition(|byte| *byte != 0).ok_or(Alert::UnexpectedMessage)?;
    Ok((Kind::parse(inner[at])?, &mut inner[..at]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_is_nothing_said() {
        let strip = |inner: &[u8]| {
            let mut inner = inner.to_vec();
            strip_padding(&mut inner).map(|(kind, plain)| (kind, plain.to_vec()))
        };
        assert_eq!(strip(b"hello\x17"), Ok((Kind::Data, b"hello".to_vec())));
        assert_eq!(strip(b"hello\0\x17\0\0\0"), Ok((Kind::Data, b"hello\0".to_vec())));
        assert_eq!(strip(b"\x16\0"), Ok((Kind::Handshake, vec![])));
        for nothing in [&b""[..], b"\0\0", b"hello", b"\x14"] {
            assert_eq!(strip(nothing), Err(Alert::UnexpectedMessage));
        }
    }
}
