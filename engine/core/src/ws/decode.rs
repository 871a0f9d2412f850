//! Bytes in any pieces → messages and control frames.
//!
//! A frame that lies whole in the chunk is unmasked where it lies and borrowed from it: no copy, no
//! allocation. Only what comes in pieces is put together in a box, which is gone again with the
//! message. The box grows by what has arrived, never by what a header announces.

use arrayvec::ArrayVec;

use super::frame::{CONTROL_BYTES_MAX, Frame, HEADER_BYTES_MAX};
use super::{Item, Limits, Opcode, Role, Violation};
use crate::codec::{Damage, Field, Reader, Writer};

/// The reading half of a connection. 16 bytes, and nothing on the heap unless a message is under
/// way.
#[derive(Debug)]
pub struct Decoder {
    role: Role,
    partial: Option<Box<Partial>>,
}

/// What came of something whose rest is still to come.
#[derive(Debug, Default)]
struct Partial {
    /// The beginning of a header.
    header: ArrayVec<u8, HEADER_BYTES_MAX>,
    /// The frame whose payload is coming in.
    frame: Option<Frame>,
    /// The payload of a control frame. It may come between the frames of a message.
    control: Vec<u8>,
    message: Option<Message>,
}

#[derive(Debug)]
struct Message {
    opcode: Opcode,
    frames: u32,
    bytes: Vec<u8>,
    /// How many bytes of a text are known to be good UTF-8.
    checked: usize,
    /// Handed out, and forgotten at the next call.
    whole: bool,
}

/// A message or control frame that has come to its end, and where it lies.
enum Whole<'b> {
    InChunk(Opcode, &'b [u8]),
    Held(Opcode),
}

impl Decoder {
    /// A decoder at the beginning of the frames of a connection on which we are `role`.
    pub fn new(role: Role) -> Self {
        Self { role, partial: None }
    }

    /// Takes the next item off the front of `input`; None when all of `input` was taken and it
    /// completes nothing (more).
    ///
    /// To be called until it returns None: that also frees what the last item lay in. The `limits`
    /// may change between calls.
    ///
    /// # Errors
    /// A [`Violation`], as soon as the bytes so far show one. Neither after that, nor after
    /// [`Item::Close`], may the decoder be used again.
    pub fn next<'s, 'b: 's>(
        &'s mut self,
        input: &mut &'b mut [u8],
        limits: &Limits,
    ) -> Result<Option<Item<'s>>, Violation> {
        self.forget_delivered();
        let Some(whole) = self.advance(input, limits)? else { return Ok(None) };
        let (opcode, payload) = match whole {
            Whole::InChunk(opcode, payload) => (opcode, payload),
            Whole::Held(opcode) => (opcode, self.held(opcode)),
        };
        Item::new(opcode, payload).map(Some)
    }

    /// Reads until something is whole or `input` is empty.
    fn advance<'b>(
        &mut self,
        input: &mut &'b mut [u8],
        limits: &Limits,
    ) -> Result<Option<Whole<'b>>, Violation> {
        loop {
            let begun = self.partial.as_mut().and_then(|partial| partial.frame.take());
            let frame = if let Some(frame) = begun {
                frame
            } else {
                let Some(mut frame) = self.read_header(input)? else { return Ok(None) };
                self.admit(&frame, limits)?;
                if let Some(opcode) = frame.opcode
                    && frame.fin
                    && frame.len <= input.len() as u64
                {
                    return Ok(Some(Whole::InChunk(opcode, frame.take_payload(input))));
                }
                frame
            };
            if let Some(opcode) = self.partial.get_or_insert_default().absorb(frame, input)? {
                return Ok(Some(Whole::Held(opcode)));
            }
            if input.is_empty() {
                return Ok(None);
            }
        }
    }

    /// What was put together of a control frame or a message.
    fn held(&self, opcode: Opcode) -> &[u8] {
        match self.partial.as_deref() {
            Some(partial) if opcode.is_control() => &partial.control,
            Some(Partial { message: Some(message), .. }) => &message.bytes,
            _ => &[],
        }
    }

    /// Takes a header off `input`, or puts aside what there is of one.
    fn read_header(&mut self, input: &mut &mut [u8]) -> Result<Option<Frame>, Violation> {
        let begun = self.partial.as_ref().is_some_and(|partial| !partial.header.is_empty());
        if !begun && let Some((frame, len)) = Frame::parse(input, self.role)? {
            drop_front(input, len);
            return Ok(Some(frame));
        }
        while let Some(&byte) = input.first() {
            drop_front(input, 1);
            let header = &mut self.partial.get_or_insert_default().header;
            header.push(byte);
            if let Some((frame, _)) = Frame::parse(header, self.role)? {
                header.clear();
                return Ok(Some(frame));
            }
        }
        Ok(None)
    }

    /// Whether the frame may come now, and whether what it adds to a message is within the limits.
    fn admit(&mut self, frame: &Frame, limits: &Limits) -> Result<(), Violation> {
        let message = self.partial.as_mut().and_then(|partial| partial.message.as_mut());
        let room = match (frame.opcode, message) {
            (Some(opcode), _) if opcode.is_control() => return Ok(()),
            (Some(_), None) => limits.message,
            (Some(_), Some(_)) => return Err(Violation::InterleavedMessage),
            (None, None) => return Err(Violation::StrayContinuation),
            (None, Some(message)) => {
                message.frames += 1;
                if message.frames > limits.fragments {
                    return Err(Violation::TooManyFragments);
                }
                limits.message.saturating_sub(message.bytes.len())
            }
        };
        if frame.len > room as u64 {
            return Err(Violation::MessageTooBig);
        }
        Ok(())
    }

    /// Drops what the last call handed out, and the box if there is nothing else in it.
    fn forget_delivered(&mut self) {
        let Some(partial) = &mut self.partial else { return };
        if partial.frame.is_none() {
            partial.control.clear();
        }
        partial.message.take_if(|message| message.whole);
        if partial.header.is_empty() && partial.frame.is_none() && partial.message.is_none() {
            self.partial = None;
        }
    }
}

impl Partial {
    /// Whether the rest of something is still to come.
    fn is_half_read(&self) -> bool {
        let within_message = self.message.as_ref().is_some_and(|message| !message.whole);
        !self.header.is_empty() || self.frame.is_some() || within_message
    }

    /// Takes what `input` has of the frame's payload, and says what it makes whole.
    fn absorb(
        &mut self,
        mut frame: Frame,
        input: &mut &mut [u8],
    ) -> Result<Option<Opcode>, Violation> {
        let payload = frame.take_payload(input);
        let ends = frame.len == 0;
        if !ends {
            self.frame = Some(frame);
        }
        if let Some(opcode) = frame.opcode
            && opcode.is_control()
        {
            self.control.extend_from_slice(payload);
            return Ok(ends.then_some(opcode));
        }
        let message = match frame.opcode {
            Some(opcode) => self.message.get_or_insert_with(|| Message::new(opcode)),
            None => self.message.as_mut().ok_or(Violation::StrayContinuation)?,
        };
        message.append(payload)?;
        message.whole = ends && frame.fin;
        Ok(message.whole.then_some(message.opcode))
    }
}

impl Message {
    fn new(opcode: Opcode) -> Self {
        Self { opcode, frames: 1, bytes: Vec::new(), checked: 0, whole: false }
    }

    /// Adds to the message; a text is refused at the first byte that no more bytes can make good.
    fn append(&mut self, payload: &[u8]) -> Result<(), Violation> {
        self.bytes.extend_from_slice(payload);
        if self.opcode == Opcode::Text {
            self.checked += match str::from_utf8(&self.bytes[self.checked..]) {
                Ok(text) => text.len(),
                Err(bad) if bad.error_len().is_none() => bad.valid_up_to(),
                Err(_) => return Err(Violation::BadUtf8),
            };
        }
        Ok(())
    }
}

impl Field for Decoder {
    fn put(&self, w: &mut Writer<'_>) {
        self.role.put(w);
        let half_read = self.partial.as_ref().filter(|partial| partial.is_half_read());
        half_read.is_some().put(w);
        if let Some(partial) = half_read {
            partial.put(w);
        }
    }

    fn get(r: &mut Reader<'_>) -> Result<Self, Damage> {
        let (role, partial) = (Role::get(r)?, Option::<Box<Partial>>::get(r)?);
        // Anything that isn't the beginning of a header would be read beyond its end.
        let begun = |header: &[u8]| header.is_empty() || Frame::parse(header, role) == Ok(None);
        if partial.as_ref().is_some_and(|partial| !begun(&partial.header)) {
            return Err(Damage);
        }
        Ok(Self { role, partial })
    }
}

/// What was handed out already is left out.
impl Field for Partial {
    fn put(&self, w: &mut Writer<'_>) {
        let Self { header, frame, control, message } = self;
        header.put(w);
        frame.put(w);
        let message = message.as_ref().filter(|message| !message.whole);
        message.map(|message| message.opcode).put(w);
        if let Some(Message { opcode: _, frames, bytes, checked: _, whole: _ }) = message {
            frames.put(w);
            bytes.put(w);
        }
        if frame.is_some() {
            control.put(w);
        }
    }

    fn get(r: &mut Reader<'_>) -> Result<Self, Damage> {
        let (header, frame) = (Field::get(r)?, Option::<Frame>::get(r)?);
        let mut message = Option::<Opcode>::get(r)?.map(Message::new);
        if let Some(message) = &mut message {
            message.frames = Field::get(r)?;
            message.append(&Vec::get(r)?).map_err(|_| Damage)?;
        }
        let control = if frame.is_some() { Vec::get(r)? } else { Vec::new() };
        // Once begun, nothing looks at these again.
        let coming = frame.filter(|it| it.opcode.is_some_and(Opcode::is_control));
        let coming = coming.map_or(0, |frame| frame.len);
        if control.len() as u64 > (CONTROL_BYTES_MAX as u64).saturating_sub(coming) {
            return Err(Damage);
        }
        Ok(Self { header, frame, control, message })
    }
}

fn drop_front(input: &mut &mut [u8], len: usize) {
    *input = &mut std::mem::take(input)[len..];
}
