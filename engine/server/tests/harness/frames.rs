//! WebSocket frames as a client writes them, good ones and others.

/// The bit of a message's last frame.
pub(crate) const FIN: u8 = 0x80;

const MASKED: u8 = 0x80;

/// A client's frame. Its masking key is zero, which is as good as any: the payload shows as it is.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = header(first, payload.len() as u64);
    frame.extend_from_slice(payload);
    frame
}

/// A masked frame's header that declares a payload of `len` bytes.
pub(crate) fn header(first: u8, len: u64) -> Vec<u8> {
    let mut header = vec![first];
    match len {
        0..=125 => header.push(MASKED | len as u8),
        126..=0xFFFF => {
            header.push(MASKED | 126);
            header.extend((len as u16).to_be_bytes());
        }
        _ => {
            header.push(MASKED | 127);
            header.extend(len.to_be_bytes());
        }
    }
    header.extend([0; 4]);
    header
}

/// A close frame with this payload.
pub(crate) fn close_frame(payload: &[u8]) -> Vec<u8> {
    frame(FIN | 0x8, payload)
}
