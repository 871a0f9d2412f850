//! PROXY headers.

use whisper_core::proxy::{PROXY_BYTES_MAX, Proxied, ProxyError, ProxyReader};

use crate::Target;
use crate::choices::Choices;
use crate::pieces::Pieces;
use crate::seeds;

pub(crate) const TARGET: Target = Target {
    name: "proxy_header",
    run,
    seeds: seeds::proxy_header,
    bytes_max: PROXY_BYTES_MAX + 64,
};

fn run(input: &[u8]) {
    let mut choices = Choices::new(input);
    let pieces = Pieces::choose(&mut choices);
    let stream = choices.rest();

    let whole = read([stream]);
    assert_eq!(read(pieces.of(stream)), whole, "the pieces matter");
    assert_eq!(read(stream.chunks(1)), whole, "bytes one by one matter");
    if let Ok(Some((proxied, length))) = whole {
        assert!(length <= PROXY_BYTES_MAX, "a header over its limit");
        if let Proxied::Client(address) = proxied {
            assert_eq!(address, address.to_canonical(), "two names for one client");
        }
        assert_eq!(read([&stream[..length]]), whole, "what follows the header matters");
    }
}

/// What a stream begins with, and how long that is.
fn read<'a>(
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Option<(Proxied, usize)>, ProxyError> {
    let mut reader = ProxyReader::default();
    let mut before = 0;
    for piece in pieces {
        let mut bytes = piece.to_vec();
        let mut input = &mut bytes[..];
        if let Some(proxied) = reader.next(&mut input)? {
            return Ok(Some((proxied, before + piece.len() - input.len())));
        }
        assert!(input.is_empty(), "the reader left {} bytes", input.len());
        before += piece.len();
    }
    Ok(None)
}
