//! HTTP heads, of requests and of answers to an upgrade.

use core::net::IpAddr;

use whisper_core::http::{
    HEAD_BYTES_MAX, HeadReader, HeaderValue, Reject, Request, Subprotocol, UpgradeRequest,
};
use whisper_core::proxy::Forwarded;

use crate::Target;
use crate::choices::Choices;
use crate::pieces::Pieces;
use crate::seeds;

pub(crate) const TARGET: Target =
    Target { name: "http_head", run, seeds: seeds::http_head, bytes_max: HEAD_BYTES_MAX + 512 };

fn run(input: &[u8]) {
    let mut choices = Choices::new(input);
    let pieces = Pieces::choose(&mut choices);
    let stream = choices.rest();

    let (heads, reject) = read([stream]);
    assert_eq!((&heads, reject), as_ref(&read(pieces.of(stream))), "the pieces matter");
    assert_eq!((&heads, reject), as_ref(&read(stream.chunks(1))), "bytes one by one matter");
    for head in &heads {
        assert!(head.len() <= HEAD_BYTES_MAX, "a head over its limit");
        if let Ok(request) = Request::parse(head) {
            check(&request);
        }
        let wish = UpgradeRequest {
            host: HeaderValue::from_static("whisper"),
            target: HeaderValue::from_static("/ws"),
            nonce: [7; 16],
            origin: None,
            protocol: Some(Subprotocol::Msgpack),
        };
        let _ = wish.check_answer(head);
    }
}

/// What is true of every request that is accepted.
fn check(request: &Request<'_>) {
    assert!(request.path.starts_with('/'), "{:?}", request.path);
    assert!(request.path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'?'));
    for text in [request.host, request.origin, request.cookies].into_iter().flatten() {
        assert!(HeaderValue::new(text).is_some(), "{text:?} would not stand in a header");
    }
    if let Some(upgrade) = &request.upgrade {
        assert_eq!(upgrade.key.len(), 24);
    }
    assert_eq!(request.values("transfer-encoding").next(), None, "a body slipped in");
    assert!(request.values("content-length").all(|length| length == "0"), "a body slipped in");
    let _ = (request.cookie("a"), request.has_current("\"a\""));

    let listed = |address: IpAddr| address.is_loopback();
    if let Ok(client) = Forwarded::For.client(request, listed) {
        let hops = request.values("x-forwarded-for").flat_map(|line| line.split(','));
        let mut plain = hops.filter_map(|hop| hop.trim().parse::<IpAddr>().ok());
        let a_stranger = plain.any(|hop| !listed(hop.to_canonical()));
        assert!(!(listed(client) && a_stranger), "{client} is a proxy of ours");
    }
    let _ = Forwarded::Named("cf-connecting-ip".into()).client(request, listed);
}

/// The heads of a stream, and what ended it.
fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Vec<u8>>, Option<Reject>) {
    let mut reader = HeadReader::new();
    let mut heads = Vec::new();
    for piece in pieces {
        let mut piece = piece.to_vec();
        let mut input = &mut piece[..];
        loop {
            match reader.next(&mut input) {
                Ok(Some(head)) => heads.push(head.to_vec()),
                Ok(None) => break,
                Err(reject) => return (heads, Some(reject)),
            }
        }
        assert!(input.is_empty(), "the reader left {} bytes", input.len());
    }
    (heads, None)
}

fn as_ref((heads, reject): &(Vec<Vec<u8>>, Option<Reject>)) -> (&Vec<Vec<u8>>, Option<Reject>) {
    (heads, *reject)
}
