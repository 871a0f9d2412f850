//! HTTP heads, from outside: what is taken, what is refused, in any pieces, and what is answered.

mod reader;
mod requests;
mod responses;
mod upgrade;

use whisper_core::http::{HeadReader, Reject};

/// A head and what follows it; None where the chunks have no whole one.
type Reading = Result<Option<(Vec<u8>, Vec<u8>)>, Reject>;

/// Reads one head from the chunks.
fn read_head<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Reading {
    let mut reader = HeadReader::new();
    let mut chunks = chunks.into_iter();
    while let Some(chunk) = chunks.next() {
        let mut chunk = chunk.to_vec();
        let mut input = &mut chunk[..];
        if let Some(head) = reader.next(&mut input)? {
            let head = head.to_vec();
            let rest = [&input[..], &chunks.collect::<Vec<_>>().concat()].concat();
            return Ok(Some((head, rest)));
        }
        assert!(input.is_empty(), "{} bytes left behind", input.len());
    }
    Ok(None)
}
