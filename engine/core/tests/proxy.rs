//! What proxies say of their clients.

use core::net::IpAddr;

use proptest::prelude::*;
use whisper_core::http::Request;
use whisper_core::proxy::{Forwarded, ForwardedError, Proxied, ProxyError, ProxyReader};

fn read(bytes: &[u8]) -> Result<Option<(Proxied, Vec<u8>)>, ProxyError> {
    let mut bytes = bytes.to_vec();
    let mut input = &mut bytes[..];
    let read = ProxyReader::default().next(&mut input)?;
    Ok(read.map(|proxied| (proxied, input.to_vec())))
}

fn client(address: &str) -> Proxied {
    Proxied::Client(address.parse().expect("an address"))
}

fn binary(command: u8, family: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = b"\r\n\r\n\0\r\nQUIT\n".to_vec();
    bytes.extend([command, family]);
    bytes.extend((body.len() as u16).to_be_bytes());
    bytes.extend(body);
    bytes
}

const V4: [u8; 12] = [192, 0, 2, 7, 198, 51, 100, 1, 0xDC, 4, 1, 0xBB];

#[test]
fn lines_name_the_client_and_leave_the_rest() {
    let line = b"PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\nGET / HTTP/1.1\r\n";
    let (proxied, rest) = read(line).expect("a header").expect("whole");
    assert_eq!(proxied, client("192.0.2.7"));
    assert_eq!(rest, b"GET / HTTP/1.1\r\n");
    let line = b"PROXY TCP6 2001:db8::7 2001:db8::1 56324 443\r\n";
    assert_eq!(read(line), Ok(Some((client("2001:db8::7"), vec![]))));
    let line = b"PROXY TCP6 ::ffff:192.0.2.7 ::ffff:192.0.2.1 56324 443\r\n";
    assert_eq!(read(line), Ok(Some((client("192.0.2.7"), vec![]))));
}

#[test]
fn lines_that_are_off_are_refused() {
    for line in [
        "PROXY TCP4 192.0.2.7 198.51.100.1 56324\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 56324 443 9\r\n",
        "PROXY TCP4 2001:db8::7 2001:db8::1 56324 443\r\n",
        "PROXY TCP4 192.0.2.7  198.51.100.1 56324 443\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 56324 70000\r\n",
        "PROXY UDP4 192.0.2.7 198.51.100.1 56324 443\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\n",
        &format!("PROXY {}", "x".repeat(120)),
    ] {
        assert_eq!(read(line.as_bytes()), Err(ProxyError::Broken), "{line}");
    }
    for start in ["GET / HTTP/1.1\r\n", "P\r\n", "\x16\x03\x01", "proxy TCP4"] {
        assert_eq!(read(start.as_bytes()), Err(ProxyError::Missing), "{start:?}");
    }
}

#[test]
fn binary_headers_name_the_client_whatever_follows_the_addresses() {
    let with_extensions = [&V4[..], b"\x04\0\x02ab"].concat();
    let (proxied, rest) = read(&[&binary(0x21, 0x11, &with_extensions)[..], b"rest"].concat())
        .expect("good")
        .expect("whole");
    assert_eq!((proxied, &rest[..]), (client("192.0.2.7"), &b"rest"[..]));
    let mut v6 = [0; 36];
    v6[..16].copy_from_slice(&"2001:db8::7".parse::<core::net::Ipv6Addr>().expect("v6").octets());
    assert_eq!(read(&binary(0x21, 0x21, &v6)), Ok(Some((client("2001:db8::7"), vec![]))));
    for check in [&binary(0x20, 0x00, b"")[..], &binary(0x21, 0x00, b""), b"PROXY UNKNOWN\r\n"] {
        assert_eq!(read(check), Ok(Some((Proxied::Local, vec![]))));
    }
}

#[test]
fn binary_headers_that_are_off_are_refused() {
    assert_eq!(read(&binary(0x21, 0x11, &V4[..11])), Err(ProxyError::Broken));
    assert_eq!(read(&binary(0x22, 0x11, &V4)), Err(ProxyError::Broken));
    assert_eq!(read(&binary(0x11, 0x11, &V4)), Err(ProxyError::Broken));
    assert_eq!(read(&binary(0x21, 0x31, &[0; 216])), Err(ProxyError::NoAddress));
    assert_eq!(read(&binary(0x21, 0x11, &[0; 2_000])), Err(ProxyError::TooLong));
}

proptest! {
    /// However a header is cut, the same is read, and never a byte of the client's own.
    #[test]
    fn pieces_make_the_whole(cuts in prop::collection::vec(1usize..9, 0..40), line in any::<bool>()) {
        let header = if line {
            b"PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n".to_vec()
        } else {
            binary(0x21, 0x11, &V4)
        };
        let mut bytes = [&header[..], b"PROXY and more"].concat();
        let mut rest = &mut bytes[..];
        let mut reader = ProxyReader::default();
        let mut cuts = cuts.into_iter();
        let (mut left, mut found) = (header.len() + 14, None);
        while found.is_none() {
            let cut = cuts.next().unwrap_or(usize::MAX).min(rest.len());
            let (piece, later) = std::mem::take(&mut rest).split_at_mut(cut);
            rest = later;
            let mut piece = piece;
            found = reader.next(&mut piece).expect("a good header");
            left = piece.len() + rest.len();
        }
        prop_assert_eq!(found, Some(client("192.0.2.7")));
        prop_assert_eq!(left, 14);
    }

    #[test]
    fn noise_never_panics(noise in prop::collection::vec(any::<u8>(), 0..300), signed in any::<bool>()) {
        let bytes = if signed { [&b"\r\n\r\n\0\r\nQUIT\n"[..], &noise].concat() } else { noise };
        let _ = read(&bytes);
    }
}

fn forwarded(headers: &str, header: &Forwarded) -> Result<IpAddr, ForwardedError> {
    let head = format!("GET / HTTP/1.1\r\nHost: x\r\n{headers}\r\n");
    let request = Request::parse(head.as_bytes()).expect("a request");
    header.client(&request, |address| address.to_string().starts_with("10."))
}

#[test]
fn the_last_hop_that_is_no_proxy_of_ours_is_the_client() {
    let client = |headers| forwarded(headers, &Forwarded::For).map(|it| it.to_string());
    assert_eq!(client("X-Forwarded-For: 192.0.2.7\r\n"), Ok("192.0.2.7".into()));
    assert_eq!(
        client("X-Forwarded-For: 203.0.113.9, 192.0.2.7, 10.0.0.2\r\n"),
        Ok("192.0.2.7".into())
    );
    assert_eq!(
        client("X-Forwarded-For: 203.0.113.9\r\nx-forwarded-for: 192.0.2.7\r\n"),
        Ok("192.0.2.7".into()),
        "what the client wrote itself stands first"
    );
    assert_eq!(client("X-Forwarded-For: 10.0.0.3, 10.0.0.2\r\n"), Ok("10.0.0.3".into()));
    assert_eq!(client("X-Forwarded-For: [2001:db8::7]:443\r\n"), Ok("2001:db8::7".into()));
    assert_eq!(client("X-Forwarded-For: 192.0.2.7:9\r\n"), Ok("192.0.2.7".into()));
    assert_eq!(client("X-Forwarded-For: nonsense, 192.0.2.7\r\n"), Ok("192.0.2.7".into()));
    assert_eq!(client("X-Forwarded-For: 192.0.2.7, nonsense\r\n"), Err(ForwardedError::Broken));
    assert_eq!(client("X-Real-IP: 192.0.2.7\r\n"), Err(ForwardedError::Missing));
}

#[test]
fn a_named_header_stands_alone() {
    let named = Forwarded::Named("CF-Connecting-IP".into());
    let client = |headers| forwarded(headers, &named).map(|it| it.to_string());
    assert_eq!(
        client("cf-connecting-ip: 192.0.2.7\r\nX-Forwarded-For: 203.0.113.9\r\n"),
        Ok("192.0.2.7".into())
    );
    assert_eq!(
        client("CF-Connecting-IP: 192.0.2.7\r\nCF-Connecting-IP: 192.0.2.8\r\n"),
        Err(ForwardedError::Broken)
    );
    assert_eq!(client(""), Err(ForwardedError::Missing));
}
