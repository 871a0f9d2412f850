//! Writes msgpack at the end of a caller's buffer.

use rmp::encode::{self, ByteBuf};

use crate::key;
use crate::reader::is_one_value;

/// The head of a str shorter than [`FIXSTR_END`], without its length.
const FIXSTR: u8 = 0xa0;
const FIXSTR_END: usize = 32;
/// The head of a map shorter than [`FIXMAP_END`], without its length.
const FIXMAP: u8 = 0x80;
const FIXMAP_END: u8 = 16;

/// A value that a field may hold.
pub(crate) trait Value {
    fn write(&self, out: &mut ByteBuf);
}

/// Bytes, as msgpack `bin`.
pub(crate) struct Bin<'a>(pub(crate) &'a [u8]);

/// One msgpack value that is already encoded.
pub(crate) struct Raw<'a>(pub(crate) &'a [u8]);

/// A map that counts its entries while they are written; at most 15.
pub(crate) struct Map<'b> {
    out: &'b mut ByteBuf,
    entries: u8,
}

/// Appends a message whose `data` has fields.
#[inline]
pub(crate) fn message(out: &mut Vec<u8>, kind: &'static str, fields: impl FnOnce(&mut Map<'_>)) {
    append(out, |out| {
        map(out, |envelope| {
            envelope.put(key::TYPE, kind);
            envelope.put_map(key::DATA, fields);
        });
    });
}

/// Appends a message that is nothing but its type.
pub(crate) fn bare_message(out: &mut Vec<u8>, kind: &'static str) {
    append(out, |out| map(out, |envelope| envelope.put(key::TYPE, kind)));
}

/// Appends a message whose `data` is already encoded.
pub(crate) fn raw_message(out: &mut Vec<u8>, kind: &'static str, data: &[u8]) {
    append(out, |out| {
        map(out, |envelope| {
            envelope.put(key::TYPE, kind);
            envelope.put(key::DATA, Raw(data));
        });
    });
}

/// Appends an array of maps, which is no message by itself.
pub(crate) fn maps<T>(out: &mut Vec<u8>, items: &[T], fields: impl FnMut(&mut Map<'_>, &T)) {
    append(out, |out| array_of_maps(out, items, fields));
}

impl Map<'_> {
    /// Adds an entry.
    #[inline(always)]
    pub(crate) fn put(&mut self, key: &'static str, value: impl Value) {
        self.key(key);
        value.write(self.out);
    }

    /// Adds an entry where there is a value.
    #[inline]
    pub(crate) fn put_some(&mut self, key: &'static str, value: Option<impl Value>) {
        if let Some(value) = value {
            self.put(key, value);
        }
    }

    /// Adds an entry `true`; leaves out what is false.
    pub(crate) fn put_flag(&mut self, key: &'static str, value: bool) {
        if value {
            self.put(key, true);
        }
    }

    /// Adds an entry that is a map itself.
    #[inline]
    pub(crate) fn put_map(&mut self, key: &'static str, fields: impl FnOnce(&mut Map<'_>)) {
        self.key(key);
        map(self.out, fields);
    }

    /// Adds an entry that is an array of maps.
    pub(crate) fn put_maps<T>(
        &mut self,
        key: &'static str,
        items: &[T],
        fields: impl FnMut(&mut Map<'_>, &T),
    ) {
        self.key(key);
        array_of_maps(self.out, items, fields);
    }

    /// Keys are constants, so once inlined the encoded key is one too, and this is a single copy.
    #[inline(always)]
    fn key(&mut self, key: &'static str) {
        debug_assert!(key.len() < FIXSTR_END && self.entries < FIXMAP_END);
        let mut encoded = [0; FIXSTR_END];
        encoded[0] = FIXSTR | key.len() as u8;
        encoded[1..=key.len()].copy_from_slice(key.as_bytes());
        self.out.as_mut_vec().extend_from_slice(&encoded[..=key.len()]);
        self.entries += 1;
    }
}

impl Value for &str {
    #[inline]
    fn write(&self, out: &mut ByteBuf) {
        let Ok(()) = encode::write_str(out, self);
    }
}

impl Value for u64 {
    #[inline]
    fn write(&self, out: &mut ByteBuf) {
        let Ok(_) = encode::write_uint(out, *self);
    }
}

impl Value for u32 {
    #[inline]
    fn write(&self, out: &mut ByteBuf) {
        u64::from(*self).write(out);
    }
}

impl Value for bool {
    #[inline]
    fn write(&self, out: &mut ByteBuf) {
        let Ok(()) = encode::write_bool(out, *self);
    }
}

impl Value for Bin<'_> {
    #[inline]
    fn write(&self, out: &mut ByteBuf) {
        let Ok(()) = encode::write_bin(out, self.0);
    }
}

impl Value for Raw<'_> {
    #[inline]
    fn write(&self, out: &mut ByteBuf) {
        debug_assert!(is_one_value(self.0), "not one msgpack value");
        out.as_mut_vec().extend_from_slice(self.0);
    }
}

impl Value for &[&str] {
    fn write(&self, out: &mut ByteBuf) {
        array_len(out, self.len());
        for text in *self {
            text.write(out);
        }
    }
}

/// Lends the caller's buffer to `rmp` as the one kind of buffer that cannot fail.
#[inline]
fn append(out: &mut Vec<u8>, write: impl FnOnce(&mut ByteBuf)) {
    let mut buffer = ByteBuf::from_vec(std::mem::take(out));
    write(&mut buffer);
    *out = buffer.into_vec();
}

#[inline]
fn map(out: &mut ByteBuf, fields: impl FnOnce(&mut Map<'_>)) {
    let head = out.as_vec().len();
    out.as_mut_vec().push(0);
    let mut map = Map { out, entries: 0 };
    fields(&mut map);
    let entries = map.entries;
    out.as_mut_vec()[head] = FIXMAP | entries;
}

fn array_of_maps<T>(out: &mut ByteBuf, items: &[T], mut fields: impl FnMut(&mut Map<'_>, &T)) {
    array_len(out, items.len());
    for item in items {
        map(out, |entry| fields(entry, item));
    }
}

fn array_len(out: &mut ByteBuf, length: usize) {
    // Lists of the protocol are short; a longer one than u32 can count has no memory to be in.
    let Ok(_) = encode::write_array_len(out, length as u32);
}
