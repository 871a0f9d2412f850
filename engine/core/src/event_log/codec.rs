//! How values are written, and read back: numbers as LEB128, words as the protocol spells them,
//! everything else as what it consists of.

use std::borrow::Cow;

use arrayvec::ArrayVec;
use whisper_proto::{
    AgeCategory, ErrorCode, LanguageWish, Mode, QueueType, Relax, ReportReason, SignalKind,
};
use whisper_shard_router::{KeyHash, Placement};

use crate::match_queue::interest_key;
use crate::shard::HashedJoin;

/// Bytes that are no value of the kind that should stand there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Damage;

/// How the hash of an interest is found.
#[derive(Clone, Copy)]
pub(super) enum Hashing<'a> {
    /// From its name.
    ByName(&'a Placement),
    /// From the name that stands in for it.
    ByStandIn,
}

/// Writes values one after another.
pub(super) struct Writer<'a> {
    bytes: &'a mut Vec<u8>,
    hashing: Hashing<'a>,
}

impl<'a> Writer<'a> {
    pub(super) fn new(bytes: &'a mut Vec<u8>, hashing: Hashing<'a>) -> Self {
        Self { bytes, hashing }
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub(super) fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.bytes.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.bytes.push(number as u8);
    }

    pub(super) fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.bytes(text.as_bytes());
    }

    /// What stands for an interest: its hash, never its name.
    pub(super) fn interest(&mut self, name: &str) {
        let hash = match self.hashing {
            Hashing::ByName(placement) => interest_key(placement, name),
            // Whatever else it be, it is none of the log's.
            Hashing::ByStandIn => HashedJoin::stood_for(name).unwrap_or(KeyHash(0)),
        };
        hash.put(self);
    }
}

/// Reads values one after another.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn bytes(&mut self, count: usize) -> Result<&'a [u8], Damage> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Damage)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(super) fn number(&mut self) -> Result<u64, Damage> {
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

    pub(super) fn text(&mut self) -> Result<&'a str, Damage> {
        let count = self.count()?;
        std::str::from_utf8(self.bytes(count)?).map_err(|_| Damage)
    }

    /// How many follow.
    pub(super) fn count(&mut self) -> Result<usize, Damage> {
        usize::try_from(self.number()?).map_err(|_| Damage)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Damage> {
        Ok(self.bytes(N)?.try_into().expect("as many as asked for"))
    }
}

/// A value that can be written and read back.
pub(super) trait Field: Sized {
    fn put(&self, w: &mut Writer<'_>);
    fn get(r: &mut Reader<'_>) -> Result<Self, Damage>;
}

/// Declares how types are written: a struct as its fields, an enum as the number of the variant and
/// what it holds. Both directions follow from one line, and a field or variant left out doesn't
/// compile.
macro_rules! fields {
    () => {};
    (struct $name:ident { $($field:ident),* } $($more:tt)*) => {
        impl Field for $name {
            fn put(&self, w: &mut Writer<'_>) {
                let Self { $($field),* } = self;
                $( $field.put(w); )*
            }

            fn get(r: &mut Reader<'_>) -> Result<Self, Damage> {
                Ok(Self { $( $field: Field::get(r)? ),* })
            }
        }
        fields! { $($more)* }
    };
    (enum $name:ident $(<$life:lifetime>)? {
        $( $number:literal $variant:ident $(($inner:ident))? $({ $($field:ident),* })?; )*
    } $($more:tt)*) => {
        impl $(<$life>)? Field for $name $(<$life>)? {
            fn put(&self, w: &mut Writer<'_>) {
                match self {
                    $( Self::$variant $(($inner))? $({ $($field),* })? => {
                        w.number($number);
                        $( $inner.put(w); )?
                        $( $( $field.put(w); )* )?
                    } )*
                }
            }

            fn get(r: &mut Reader<'_>) -> Result<Self, Damage> {
                Ok(match r.number()? {
                    $( $number => {
                        $( let $inner = Field::get(r)?; )?
                        $( $( let $field = Field::get(r)?; )* )?
                        Self::$variant $(($inner))? $({ $($field),* })?
                    } )*
                    _ => return Err(Damage),
                })
            }
        }
        fields! { $($more)* }
    };
}
pub(super) use fields;

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
