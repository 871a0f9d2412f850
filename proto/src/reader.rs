//! Reads msgpack out of a frame, borrowing from it.
//!
//! Nothing is allocated, and no loop runs longer than the frame: what a length declares is checked
//! against what remains before it is believed.

use rmp::Marker;

use crate::DecodeError;
use crate::key;
use crate::limits::{DEPTH, UTF8_BYTES_MAX};

pub(crate) type Result<T> = std::result::Result<T, DecodeError>;

/// A key that the protocol knows, by its wire spelling.
pub(crate) type Field = &'static str;

/// A cursor over one msgpack value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    /// How many maps and arrays are open around the cursor.
    depth: u8,
}

/// A field that may or may not have been met yet.
pub(crate) struct Slot<T> {
    field: Field,
    value: Option<T>,
}

/// What stands at the cursor. Of maps and arrays only the head has been read.
pub(crate) enum Token<'a> {
    Nil,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Str(&'a [u8]),
    Bin(&'a [u8]),
    Array(usize),
    Map(usize),
    Ext,
}

impl<'a> Reader<'a> {
    /// Starts at the front of `bytes`, outside of any map.
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, depth: 0 }
    }

    /// Starts at the front of `data`, with the envelope around it.
    pub(crate) const fn within_envelope(data: &'a [u8]) -> Self {
        Self { rest: data, depth: 1 }
    }

    /// Confirms that nothing remains.
    pub(crate) fn end(&self) -> Result<()> {
        if self.rest.is_empty() { Ok(()) } else { Err(DecodeError::TrailingBytes) }
    }

    /// Reads a map: `each` is called with every key and must consume the value. Keys that aren't
    /// strings are shown as the empty one, which is no field of the protocol.
    #[inline]
    pub(crate) fn fields(
        &mut self,
        not_a_map: DecodeError,
        mut each: impl FnMut(&'a str, &mut Self) -> Result<()>,
    ) -> Result<()> {
        let Token::Map(entries) = self.token()? else { return Err(not_a_map) };
        self.enter()?;
        for _ in 0..entries {
            let key = self.key()?;
            each(key, self)?;
        }
        self.leave();
        Ok(())
    }

    /// Reads the data of a message, as [`fields`](Self::fields) does.
    #[inline]
    pub(crate) fn data_fields(
        &mut self,
        each: impl FnMut(&'a str, &mut Self) -> Result<()>,
    ) -> Result<()> {
        self.fields(DecodeError::WrongType(key::DATA), each)
    }

    /// Reads the data of a message that has no fields.
    pub(crate) fn no_fields(&mut self) -> Result<()> {
        self.data_fields(|_, r| r.skip())
    }

    /// Reads the data of a message that has one field, and must have it.
    pub(crate) fn only_field<T>(
        &mut self,
        field: Field,
        read: fn(&mut Self, Field) -> Result<T>,
    ) -> Result<T> {
        let mut value = Slot::new(field);
        self.data_fields(|name, r| if name == field { value.fill(r, read) } else { r.skip() })?;
        value.required()
    }

    /// Reads an array of at most `max` elements: `each` must consume one.
    pub(crate) fn elements(
        &mut self,
        field: Field,
        max: usize,
        too_many: DecodeError,
        mut each: impl FnMut(&mut Self) -> Result<()>,
    ) -> Result<()> {
        let Token::Array(elements) = self.token()? else {
            return Err(DecodeError::WrongType(field));
        };
        if elements > max {
            return Err(too_many);
        }
        self.enter()?;
        for _ in 0..elements {
            each(self)?;
        }
        self.leave();
        Ok(())
    }

    /// Reads a string.
    #[inline]
    pub(crate) fn str(&mut self, field: Field) -> Result<&'a str> {
        match self.token()? {
            Token::Str(bytes) => {
                std::str::from_utf8(bytes).map_err(|_| DecodeError::BadUtf8(field))
            }
            _ => Err(DecodeError::WrongType(field)),
        }
    }

    /// Reads a string of at most `MAX` code points.
    #[inline]
    pub(crate) fn text<const MAX: usize>(&mut self, field: Field) -> Result<&'a str> {
        let text = self.str(field)?;
        // Bytes bound the code points from both sides, so hardly any text has to be counted.
        let fits = text.len() <= MAX
            || (text.len() <= MAX * UTF8_BYTES_MAX && text.chars().count() <= MAX);
        if fits { Ok(text) } else { Err(DecodeError::TooLong(field)) }
    }

    /// Reads a string of 1 to `MAX` code points.
    #[inline]
    pub(crate) fn nonempty_text<const MAX: usize>(&mut self, field: Field) -> Result<&'a str> {
        let text = self.text::<MAX>(field)?;
        if text.is_empty() { Err(DecodeError::Empty(field)) } else { Ok(text) }
    }

    /// Reads binary data of any length.
    pub(crate) fn bin(&mut self, field: Field) -> Result<&'a [u8]> {
        match self.token()? {
            Token::Bin(bytes) => Ok(bytes),
            _ => Err(DecodeError::WrongType(field)),
        }
    }

    /// Reads binary data of `N` bytes.
    pub(crate) fn bin_array<const N: usize>(&mut self, field: Field) -> Result<[u8; N]> {
        self.bin(field)?.try_into().map_err(|_| DecodeError::WrongLength(field))
    }

    /// Reads a boolean.
    pub(crate) fn bool(&mut self, field: Field) -> Result<bool> {
        match self.token()? {
            Token::Bool(value) => Ok(value),
            _ => Err(DecodeError::WrongType(field)),
        }
    }

    /// Reads an integer of any width, or a float without a fraction.
    pub(crate) fn u64(&mut self, field: Field) -> Result<u64> {
        let value = match self.token()? {
            Token::Unsigned(value) => Some(value),
            Token::Signed(value) => value.try_into().ok(),
            Token::Float(value) => u64_from_f64(value),
            _ => return Err(DecodeError::WrongType(field)),
        };
        value.ok_or(DecodeError::OutOfRange(field))
    }

    /// Reads an integer as [`u64`](Self::u64) does, and fits it into 32 bits.
    pub(crate) fn u32(&mut self, field: Field) -> Result<u32> {
        self.u64(field)?.try_into().map_err(|_| DecodeError::OutOfRange(field))
    }

    /// Checks a map of any content, and returns its bytes.
    pub(crate) fn raw_map(&mut self, field: Field) -> Result<&'a [u8]> {
        self.raw(field, |head| matches!(head, Token::Map(_)))
    }

    /// Checks an array of any content, and returns its bytes.
    pub(crate) fn raw_array(&mut self, field: Field) -> Result<&'a [u8]> {
        self.raw(field, |head| matches!(head, Token::Array(_)))
    }

    /// Skips one value and returns a reader of just that value, to be read later.
    pub(crate) fn keep(&mut self) -> Result<Self> {
        let start = *self;
        self.skip()?;
        Ok(Self { rest: start.up_to(self), depth: start.depth })
    }

    /// The bytes from here to a later cursor over the same value.
    pub(crate) fn up_to(&self, later: &Self) -> &'a [u8] {
        &self.rest[..self.rest.len() - later.rest.len()]
    }

    /// Skips one value, checking lengths and depth on the way.
    pub(crate) fn skip(&mut self) -> Result<()> {
        let values = match self.token()? {
            Token::Array(elements) => elements,
            Token::Map(entries) => 2 * entries,
            _ => return Ok(()),
        };
        self.enter()?;
        for _ in 0..values {
            self.skip()?;
        }
        self.leave();
        Ok(())
    }

    fn raw(&mut self, field: Field, expected: fn(&Token<'_>) -> bool) -> Result<&'a [u8]> {
        let start = *self;
        if !expected(&self.token()?) {
            return Err(DecodeError::WrongType(field));
        }
        *self = start;
        self.skip()?;
        Ok(start.up_to(self))
    }

    /// Consumes a nil if one stands here.
    #[inline]
    fn nil(&mut self) -> bool {
        match self.rest {
            [0xc0, rest @ ..] => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    #[inline]
    fn key(&mut self) -> Result<&'a str> {
        // Every key of the protocol is this short; worth a way of its own.
        if let [marker @ 0xa0..=0xbf, rest @ ..] = self.rest {
            self.rest = rest;
            let bytes = self.take(usize::from(marker & 0x1f))?;
            return Ok(std::str::from_utf8(bytes).unwrap_or_default());
        }
        let start = *self;
        if let Token::Str(bytes) = self.token()? {
            return Ok(std::str::from_utf8(bytes).unwrap_or_default());
        }
        *self = start;
        self.skip()?;
        Ok("")
    }

    /// Goes into a map or an array whose head has been read.
    #[inline]
    pub(crate) fn enter(&mut self) -> Result<()> {
        if self.depth == DEPTH {
            return Err(DecodeError::TooDeep);
        }
        self.depth += 1;
        Ok(())
    }

    /// Leaves a map or an array behind its last element.
    #[inline]
    pub(crate) fn leave(&mut self) {
        self.depth -= 1;
    }

    /// Reads a value, or the head of one.
    pub(crate) fn token(&mut self) -> Result<Token<'a>> {
        let [marker] = self.array()?;
        Ok(match Marker::from_u8(marker) {
            Marker::Null => Token::Nil,
            Marker::True => Token::Bool(true),
            Marker::False => Token::Bool(false),

            Marker::FixPos(value) => Token::Unsigned(u64::from(value)),
            Marker::U8 => Token::Unsigned(u64::from(u8::from_be_bytes(self.array()?))),
            Marker::U16 => Token::Unsigned(u64::from(u16::from_be_bytes(self.array()?))),
            Marker::U32 => Token::Unsigned(u64::from(u32::from_be_bytes(self.array()?))),
            Marker::U64 => Token::Unsigned(u64::from_be_bytes(self.array()?)),

            Marker::FixNeg(value) => Token::Signed(i64::from(value)),
            Marker::I8 => Token::Signed(i64::from(i8::from_be_bytes(self.array()?))),
            Marker::I16 => Token::Signed(i64::from(i16::from_be_bytes(self.array()?))),
            Marker::I32 => Token::Signed(i64::from(i32::from_be_bytes(self.array()?))),
            Marker::I64 => Token::Signed(i64::from_be_bytes(self.array()?)),

            Marker::F32 => Token::Float(f64::from(f32::from_be_bytes(self.array()?))),
            Marker::F64 => Token::Float(f64::from_be_bytes(self.array()?)),

            Marker::FixStr(length) => Token::Str(self.take(usize::from(length))?),
            Marker::Str8 => Token::Str(self.sized::<1>()?),
            Marker::Str16 => Token::Str(self.sized::<2>()?),
            Marker::Str32 => Token::Str(self.sized::<4>()?),

            Marker::Bin8 => Token::Bin(self.sized::<1>()?),
            Marker::Bin16 => Token::Bin(self.sized::<2>()?),
            Marker::Bin32 => Token::Bin(self.sized::<4>()?),

            Marker::FixArray(count) => Token::Array(self.elements_left(usize::from(count))?),
            Marker::Array16 => {
                let count = self.length::<2>()?;
                Token::Array(self.elements_left(count)?)
            }
            Marker::Array32 => {
                let count = self.length::<4>()?;
                Token::Array(self.elements_left(count)?)
            }

            Marker::FixMap(count) => Token::Map(self.entries_left(usize::from(count))?),
            Marker::Map16 => {
                let count = self.length::<2>()?;
                Token::Map(self.entries_left(count)?)
            }
            Marker::Map32 => {
                let count = self.length::<4>()?;
                Token::Map(self.entries_left(count)?)
            }

            Marker::FixExt1 => self.ext(1)?,
            Marker::FixExt2 => self.ext(2)?,
            Marker::FixExt4 => self.ext(4)?,
            Marker::FixExt8 => self.ext(8)?,
            Marker::FixExt16 => self.ext(16)?,
            Marker::Ext8 => {
                let length = self.length::<1>()?;
                self.ext(length)?
            }
            Marker::Ext16 => {
                let length = self.length::<2>()?;
                self.ext(length)?
            }
            Marker::Ext32 => {
                let length = self.length::<4>()?;
                self.ext(length)?
            }

            Marker::Reserved => return Err(DecodeError::ReservedByte),
        })
    }

    /// Skips the type and the data of an extension; the protocol has none.
    fn ext(&mut self, length: usize) -> Result<Token<'a>> {
        let [_kind] = self.array()?;
        self.take(length)?;
        Ok(Token::Ext)
    }

    /// Believes a count of elements if each may at least have its one byte.
    fn elements_left(&self, count: usize) -> Result<usize> {
        if count <= self.rest.len() { Ok(count) } else { Err(DecodeError::Truncated) }
    }

    /// Believes a count of entries if each may at least have its two bytes.
    fn entries_left(&self, count: usize) -> Result<usize> {
        if count <= self.rest.len() / 2 { Ok(count) } else { Err(DecodeError::Truncated) }
    }

    fn sized<const WIDTH: usize>(&mut self) -> Result<&'a [u8]> {
        let length = self.length::<WIDTH>()?;
        self.take(length)
    }

    fn length<const WIDTH: usize>(&mut self) -> Result<usize> {
        const { assert!(WIDTH <= 4 && WIDTH <= size_of::<usize>()) };
        let bytes: [u8; WIDTH] = self.array()?;
        Ok(bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)))
    }

    #[inline]
    fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(*taken)
    }
}

impl<T> Slot<T> {
    pub(crate) const fn new(field: Field) -> Self {
        Self { field, value: None }
    }

    /// Fills the slot with what stands at the cursor. A nil leaves it as it is.
    #[inline]
    pub(crate) fn fill<'a>(
        &mut self,
        r: &mut Reader<'a>,
        read: impl FnOnce(&mut Reader<'a>, Field) -> Result<T>,
    ) -> Result<()> {
        if r.nil() {
            return Ok(());
        }
        if self.value.is_some() {
            return Err(DecodeError::Duplicate(self.field));
        }
        self.value = Some(read(r, self.field)?);
        Ok(())
    }

    /// The value so far.
    #[inline]
    pub(crate) const fn get(&self) -> Option<&T> {
        self.value.as_ref()
    }

    /// The value, or an error where it was absent.
    #[inline]
    pub(crate) fn required(self) -> Result<T> {
        self.value.ok_or(DecodeError::Missing(self.field))
    }

    /// The value, if it was there.
    #[inline]
    pub(crate) fn optional(self) -> Option<T> {
        self.value
    }
}

/// Whether the bytes are one value, whole and no deeper than a message may be.
pub(crate) fn is_one_value(bytes: &[u8]) -> bool {
    let mut r = Reader::new(bytes);
    r.skip().and_then(|()| r.end()).is_ok()
}

/// The integer that a float stands for: JavaScript has but one kind of number.
fn u64_from_f64(value: f64) -> Option<u64> {
    // 2^64, the first float that doesn't fit. NaN is in no range.
    const END: f64 = 18_446_744_073_709_551_616.0;
    let whole = (0.0..END).contains(&value) && value.fract() == 0.0;
    whole.then_some(value as u64)
}
