//! How values are written, and read back: numbers as LEB128, words as the protocol spells them,
//! everything else as what it consists of.
//!
//! An [event log](crate::event_log) is written with discretion: the names of interests and what is
//! said are left out of it. What one process hands to [the next](crate::succession) is whole.

use core::net::IpAddr;
use std::borrow::Cow;

use arrayvec::{ArrayString, ArrayVec};
use thiserror::Error;
use whisper_proto::{
    AgeCategory, ErrorCode, Lane, LanguageWish, Mode, QueueType, Relax, ReportReason, SignalKind,
};
use whisper_shard_router::{KeyHash, Placement, ShardId};

use crate::interests::Names;
use crate::match_queue::{KEYS_MAX, interest_key};
use crate::shard::HashedJoin;

/// No payload between shards is longer: a client's message and what its delivery adds.
const PAYLOAD_BYTES_MAX: usize = 2 * whisper_proto::limits::MESSAGE_BYTES;

/// Bytes that are no value of the kind that should stand there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("bytes that are no value of the kind that should stand there")]
pub struct Damage;

/// How the hash of an interest is found, which stands for its name in an event log.
#[derive(Clone, Copy)]
pub(crate) enum Hashing<'a> {
    /// From its name.
    ByName(&'a Placement),
    /// From the name that stands in for it.
    ByStandIn,
}

/// Writes values one after another.
pub struct Writer<'a> {
    bytes: &'a mut Vec<u8>,
    /// Of those who write with discretion.
    hashing: Option<Hashing<'a>>,
}

impl<'a> Writer<'a> {
    /// Appends values to `bytes`, whole.
    pub fn new(bytes: &'a mut Vec<u8>) -> Self {
        Self { bytes, hashing: None }
    }

    /// Appends values without names and words.
    pub(crate) fn discreet(bytes: &'a mut Vec<u8>, hashing: Hashing<'a>) -> Self {
        Self { bytes, hashing: Some(hashing) }
    }

    pub(crate) fn is_discreet(&self) -> bool {
        self.hashing.is_some()
    }

    /// These bytes as they are; the reader must know how many.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// A number, in as many bytes as it needs.
    pub fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.bytes.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.bytes.push(number as u8);
    }

    /// A text and its length.
    pub fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.bytes(text.as_bytes());
    }

    /// How many there are, and each.
    pub fn list<'t, T: Field + 't>(&mut self, items: impl ExactSizeIterator<Item = &'t T>) {
        self.number(items.len() as u64);
        items.for_each(|item| item.put(self));
    }

    /// What `write` writes, and before it how long that is, so that it can be passed by.
    pub(crate) fn part(&mut self, write: impl FnOnce(&mut Self)) {
        let begin = self.bytes.len();
        self.bytes(&[0; 8]);
        write(self);
        let length = (self.bytes.len() - begin - 8) as u64;
        self.bytes[begin..begin + 8].copy_from_slice(&length.to_le_bytes());
    }

    /// What stands for an interest in an event log: its hash, never its name.
    pub(crate) fn interest(&mut self, name: &str) {
        let hash = match self.hashing {
            Some(Hashing::ByName(placement)) => interest_key(placement, name),
            // Whatever else it be, it is none of the log's.
            _ => HashedJoin::stood_for(name).unwrap_or(KeyHash(0)),
        };
        hash.put(self);
    }
}

/// Reads values one after another.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    discreet: bool,
}

impl<'a> Reader<'a> {
    /// Reads what [`Writer::new`] wrote.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, discreet: false }
    }

    /// Reads what was written with discretion.
    pub(crate) fn discreet(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, discreet: true }
    }

    pub(crate) fn is_discreet(&self) -> bool {
        self.discreet
    }

    /// What is left to be read.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// That all of it was read.
    ///
    /// # Errors
    /// [`Damage`], here as below: there is more; there are fewer, or they are no such value.
    pub fn end(self) -> Result<(), Damage> {
        if self.rest.is_empty() { Ok(()) } else { Err(Damage) }
    }

    /// So many bytes as they are.
    ///
    /// # Errors
    /// [`Damage`].
    pub fn bytes(&mut self, count: usize) -> Result<&'a [u8], Damage> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(Damage)?;
        self.rest = rest;
        Ok(taken)
    }

    /// What [`Writer::number`] wrote.
    ///
    /// # Errors
    /// [`Damage`].
    pub fn number(&mut self) -> Result<u64, Damage> {
        let mut number = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let [byte] = self.array()?;
            let part = u64::from(byte & 0x7F);
            if part << shift >> shift != part {
                return Err(Damage);
            }
            number |= part << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Damage)
    }

    /// What [`Writer::text`] wrote.
    ///
    /// # Errors
    /// [`Damage`].
    pub fn text(&mut self) -> Result<&'a str, Damage> {
        let count = self.count()?;
        std::str::from_utf8(self.bytes(count)?).map_err(|_| Damage)
    }

    /// What [`Writer::list`] wrote.
    ///
    /// # Errors
    /// [`Damage`].
    pub fn list<T: Field>(&mut self) -> Result<Vec<T>, Damage> {
        let count = self.count()?;
        // No value takes less than a byte, so that no number makes us hold much more than was sent.
        if count > self.rest.len() {
            return Err(Damage);
        }
        (0..count).map(|_| T::get(self)).collect()
    }

    /// What [`Writer::part`] wrote.
    pub(crate) fn part(&mut self) -> Result<Self, Damage> {
        let length = usize::try_from(u64::from_le_bytes(self.array()?)).map_err(|_| Damage)?;
        Ok(Self { rest: self.bytes(length)?, ..*self })
    }

    /// How many follow.
    pub(crate) fn count(&mut self) -> Result<usize, Damage> {
        usize::try_from(self.number()?).map_err(|_| Damage)
    }

    /// So many values, one after another.
    pub(crate) fn each<T: Field, const N: usize>(&mut self) -> Result<[T; N], Damage> {
        let values: ArrayVec<T, N> = (0..N).map(|_| T::get(self)).collect::<Result<_, _>>()?;
        values.into_inner().map_err(|_| Damage)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Damage> {
        Ok(self.bytes(N)?.try_into().expect("as many as asked for"))
    }
}

/// A value that can be written and read back.
pub trait Field: Sized {
    /// Writes it.
    fn put(&self, w: &mut Writer<'_>);

    /// Reads it back.
    ///
    /// # Errors
    /// [`Damage`]: it isn't what stands there.
    fn get(r: &mut Reader<'_>) -> Result<Self, Damage>;
}

/// Declares how types are written: a struct as its fields, an enum as the number of the variant and
/// what it holds. Both directions follow from one line, and a field or variant left out doesn't
/// compile. Within the core, `array` adds arrays of a type to it.
///
/// ```
/// use whisper_core::codec::{Reader, Writer, fields};
///
/// #[derive(Debug, PartialEq)]
/// struct Place(u32);
///
/// #[derive(Debug, PartialEq)]
/// enum State {
///     Idle,
///     Sitting { place: Place, since: u64 },
/// }
///
/// fields! {
///     struct Place(0)
///     enum State {
///         0 Idle;
///         1 Sitting { place, since };
///     }
/// }
///
/// use whisper_core::codec::Field as _;
/// let (mut bytes, state) = (Vec::new(), State::Sitting { place: Place(7), since: 300 });
/// state.put(&mut Writer::new(&mut bytes));
/// assert_eq!(State::get(&mut Reader::new(&bytes)), Ok(state));
/// ```
#[doc(hidden)]
#[macro_export]
macro_rules! fields {
    () => {};
    (struct $name:ident { $($field:ident),* } $($more:tt)*) => {
        impl $crate::codec::Field for $name {
            fn put(&self, w: &mut $crate::codec::Writer<'_>) {
                let Self { $($field),* } = self;
                $( $crate::codec::Field::put($field, w); )*
            }

            fn get(r: &mut $crate::codec::Reader<'_>) -> Result<Self, $crate::codec::Damage> {
                Ok(Self { $( $field: $crate::codec::Field::get(r)? ),* })
            }
        }
        $crate::codec::fields! { $($more)* }
    };
    (array $name:ident $($more:tt)*) => {
        impl<const N: usize> $crate::codec::Field for [$name; N] {
            fn put(&self, w: &mut $crate::codec::Writer<'_>) {
                self.iter().for_each(|it| $crate::codec::Field::put(it, w));
            }

            fn get(r: &mut $crate::codec::Reader<'_>) -> Result<Self, $crate::codec::Damage> {
                r.each()
            }
        }
        $crate::codec::fields! { $($more)* }
    };
    (struct $name:ident ( $($field:tt),* ) $($more:tt)*) => {
        impl $crate::codec::Field for $name {
            fn put(&self, w: &mut $crate::codec::Writer<'_>) {
                let Self { $($field: _),* } = self;
                $( $crate::codec::Field::put(&self.$field, w); )*
            }

            fn get(r: &mut $crate::codec::Reader<'_>) -> Result<Self, $crate::codec::Damage> {
                Ok(Self { $( $field: $crate::codec::Field::get(r)? ),* })
            }
        }
        $crate::codec::fields! { $($more)* }
    };
    (enum $name:ident $(<$life:lifetime>)? {
        $( $number:literal $variant:ident $(($inner:ident))? $({ $($field:ident),* })?; )*
    } $($more:tt)*) => {
        impl $(<$life>)? $crate::codec::Field for $name $(<$life>)? {
            fn put(&self, w: &mut $crate::codec::Writer<'_>) {
                match self {
                    $( Self::$variant $(($inner))? $({ $($field),* })? => {
                        w.number($number);
                        $( $crate::codec::Field::put($inner, w); )?
                        $( $( $crate::codec::Field::put($field, w); )* )?
                    } )*
                }
            }

            fn get(r: &mut $crate::codec::Reader<'_>) -> Result<Self, $crate::codec::Damage> {
                Ok(match r.number()? {
                    $( $number => {
                        $( let $inner = $crate::codec::Field::get(r)?; )?
                        $( $( let $field = $crate::codec::Field::get(r)?; )* )?
                        Self::$variant $(($inner))? $({ $($field),* })?
                    } )*
                    _ => return Err($crate::codec::Damage),
                })
            }
        }
        $crate::codec::fields! { $($more)* }
    };
}
#[doc(inline)]
pub use fields;

fields! {
    array KeyHash
    struct ShardId { node, shard }
    struct Lane { age, mode, queue }
}

macro_rules! numbers {
    ($($name:ty),*) => {$(
        impl Field for $name {
            fn put(&self, w: &mut Writer<'_>) {
                w.number(u64::from(*self));
            }

            fn get(r: &mut Reader<'_>) -> Result<Self, Damage> {
                Self::try_from(r.number()?).map_err(|_| Damage)
            }
        }
    )*};
}
numbers! { u8, u16, u32, u64 }

macro_rules! words {
    ($($name:ident),*) => {$(
        impl Field for $name {
            fn put(&self, w: &mut Writer<'_>) {
                w.text(self.as_str());
            }

            fn get(r: &mut Reader<'_>) -> Result<Self, Damage> {
                Self::from_wire(r.text()?).ok_or(Damage)
            }
        }
    )*};
}
words! { AgeCategory, ErrorCode, LanguageWish, Mode, QueueType, Relax, ReportReason, SignalKind }

impl Field for bool {
    fn put(&self, w: &mut Writer<'_>) {
        w.number(u64::from(*self));
    }

    fn get(r: &mut Reader<'_>) -> Result<Self, Damage> {
        match r.number()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Damage),
        }
    }
}

impl<const N: usize> Field for [u8; N] {
    fn put(&self, w: &mut Writer<'_>) {
        w.bytes(self);
    }

    fn get(r: &mut Reader<'_>) -> Result<Self, Damage> {
        r.array()
    }
}

impl Field for KeyHash {
    fn put(&self, w: &mut Writer<'_>) {
        w.bytes(&self.0.to_le_bytes());
    }

    fn get(r: &mut Reader<'_>) -> Result<Self, Damage> {
        Ok(Self(u64::from_le_bytes(r.array()?)))
    }
}

impl Field for Vec<u8> {
    fn put(&self, w: &mut Writer<'_>) {
        w.number(self.len() as u64);
        w.bytes(self);
    }

    fn get(r: &mut Reader<'_>) -> Result<Self, Damage> {
        let count = r.count()?;
        r.bytes(count).map(Self::from)
    }
}

impl Field for String {
    fn put(&self, w: &mut Writer<'_>) {
        w.text(self);
    }

    fn get(r: &mut Reader<'_>) -> Result<Self, Damage> {
        r.text().map(Self::from)
    }
}

impl<T: Field> Field for Option<T> {
    fn put(&self, w: &mut Writer<'_>) {
        self.is_some().put(w);
        if let Some(value) = self {
            value.put(w);
        }
    }

    fn get(r: &mut Reader<'_>) -> Result<Self, Damage> {
        bool::get(r)?.then(|| T::get(r)).transpose()
    }
}

impl<T: Field, const N: usize> Field for ArrayVec<T, N> {
    fn put(&self, w: &mut Writer<'_>) {
        w.number(self.len() as u64);
        self.iter().for_each(|it| it.put(w));
    }

    fn get(r: &mut Reader<'_>) -> Result<Self, Damage> {
        let count = r.count()?;
        if count > N {
            return Err(Damage);
        }
        (0..count).map(|_| T::get(r)).collect()
    }
}

impl<T: Field> Field for Box<T> {
    fn put(&self, w: &mut Writer<'_>) {
        T::put(self, w);
    }

    fn get(r: &mut Reader<'_>) -> Result<Self, Damage> {
        T::get(r).map(Self::new)
    }
}

impl<T: Field + Clone> Field for Cow<'_, T> {
    fn put(&self, w: &mut Writer<'_>) {
        T::put(self, w);
    }

    fn get(r: &mut Reader<'_>) -> Result<Self, Damage> {
        T::get(r).map(Self::Owned)
    }
}

impl<const N: usize> Field for ArrayString<N> {
    fn put(&self, w: &mut Writer<'_>) {
        w.text(self);
    }

    fn get(r: &mut Reader<'_>) -> Result<Self, Damage> {
        Self::from(r.text()?).map_err(|_| Damage)
    }
}

impl Field for IpAddr {
    fn put(&self, w: &mut Writer<'_>) {
        match self {
            Self::V4(address) => {
                w.number(4);
                address.octets().put(w);
            }
            Self::V6(address) => {
                w.number(6);
                address.octets().put(w);
            }
        }
    }

    fn get(r: &mut Reader<'_>) -> Result<Self, Damage> {
        match r.number()? {
            4 => Ok(Self::from(r.array::<4>()?)),
            6 => Ok(Self::from(r.array::<16>()?)),
            _ => Err(Damage),
        }
    }
}

/// What somebody likes. In an event log hashes, read back as the names that stand in for them.
impl Field for Names {
    fn put(&self, w: &mut Writer<'_>) {
        w.number(self.count() as u64);
        for name in self.iter() {
            if w.is_discreet() { w.interest(name) } else { w.text(name) }
        }
    }

    fn get(r: &mut Reader<'_>) -> Result<Self, Damage> {
        if r.is_discreet() {
            let hashes: ArrayVec<_, KEYS_MAX> = Field::get(r)?;
            return Ok(hashes.into_iter().map(HashedJoin::stand_in).collect());
        }
        let count = r.count()?;
        if count > KEYS_MAX {
            return Err(Damage);
        }
        let name = |_| r.text().ok().filter(|name| Self::has_room_for(name)).ok_or(Damage);
        (0..count).map(name).collect()
    }
}

/// What is said. In an event log how much it was, read back as so many zeros.
impl Field for Box<[u8]> {
    fn put(&self, w: &mut Writer<'_>) {
        w.number(self.len() as u64);
        if !w.is_discreet() {
            w.bytes(self);
        }
    }

    fn get(r: &mut Reader<'_>) -> Result<Self, Damage> {
        let count = r.count()?;
        if !r.is_discreet() {
            return r.bytes(count).map(Self::from);
        }
        if count > PAYLOAD_BYTES_MAX {
            return Err(Damage);
        }
        Ok(vec![0; count].into())
    }
}
