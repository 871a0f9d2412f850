//! Responses, to the byte.

use proptest::prelude::*;
use whisper_core::http::{
    Cache, Encoding, Head, HeaderValue, Method, Status, Subprotocol, write_error, write_switching,
};

const JSON: HeaderValue<'static> = HeaderValue::from_static("application/json");
const ALWAYS: &str = "X-Content-Type-Options: nosniff\r\nX-Frame-Options: DENY\r\nReferrer-Policy: no-referrer\r\nCross-Origin-Resource-Policy: same-origin\r\n\r\n";

fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = b"before|".to_vec();
    write(&mut out);
    let text = String::from_utf8(out).unwrap();
    text.strip_prefix("before|").unwrap().to_owned()
}

#[test]
fn a_small_answer() {
    let head = Head { content_type: Some(JSON), keep_alive: true, ..Head::new(Status::Ok) };
    let expected = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\
         Cache-Control: no-store\r\nConnection: keep-alive\r\n{ALWAYS}"
    );
    let body = b"{\"ok\":true}";
    let get = written(|out| head.write_with_body(out, Method::Get, body));
    assert_eq!(get, format!("{expected}{{\"ok\":true}}"));
    assert_eq!(written(|out| head.write_with_body(out, Method::Head, body)), expected);
}

#[test]
fn a_static_file() {
    let head = Head {
        content_type: HeaderValue::new("text/html; charset=utf-8"),
        length: Some(1_234_567),
        etag: HeaderValue::new("\"abc\""),
        encoding: Some(Encoding::Brotli),
        cache: Cache::Revalidate,
        keep_alive: true,
        ..Head::new(Status::Ok)
    };
    let expected = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 1234567\r\n\
         ETag: \"abc\"\r\nContent-Encoding: br\r\nCache-Control: no-cache\r\n\
         Vary: Accept-Encoding\r\nConnection: keep-alive\r\n{ALWAYS}"
    );
    assert_eq!(written(|out| head.write(out)), expected);

    let head = Head { encoding: Some(Encoding::Gzip), cache: Cache::Immutable, ..head };
    let text = written(|out| head.write(out));
    assert!(text.contains("\r\nCache-Control: public, max-age=31536000, immutable\r\n"), "{text}");
    assert!(text.contains("\r\nContent-Encoding: gzip\r\n"), "{text}");
}

#[test]
fn not_modified_has_no_body() {
    let head = Head {
        etag: HeaderValue::new("\"abc\""),
        cache: Cache::Revalidate,
        ..Head::new(Status::NotModified)
    };
    let expected = format!(
        "HTTP/1.1 304 Not Modified\r\nETag: \"abc\"\r\nCache-Control: no-cache\r\n\
         Vary: Accept-Encoding\r\nConnection: close\r\n{ALWAYS}"
    );
    assert_eq!(written(|out| head.write(out)), expected);
}

#[test]
fn errors_close_and_say_what_they_must() {
    let expected = format!(
        "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain; charset=utf-8\r\n\
         Content-Length: 9\r\nCache-Control: no-store\r\nConnection: close\r\n{ALWAYS}Not Found"
    );
    assert_eq!(written(|out| write_error(out, Status::NotFound, Method::Get, None)), expected);

    let busy = written(|out| write_error(out, Status::Unavailable, Method::Get, Some(5)));
    assert!(busy.contains("\r\nRetry-After: 5\r\n"), "{busy}");
    let upgrade = written(|out| write_error(out, Status::UpgradeRequired, Method::Get, None));
    assert!(
        upgrade.contains("\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"),
        "{upgrade}"
    );
    let head = written(|out| write_error(out, Status::BadRequest, Method::Head, None));
    assert!(head.ends_with("\r\n\r\n"), "{head}");
}

#[test]
fn a_page_may_do_only_so_much() {
    let head = Head {
        policy: HeaderValue::new("default-src 'self'"),
        hsts_secs: 600,
        ..Head::new(Status::Ok)
    };
    let text = written(|out| head.write(out));
    for line in [
        "Content-Security-Policy: default-src 'self'",
        "Permissions-Policy: camera=(self), microphone=(self), display-capture=(), geolocation=(), \
         payment=(), usb=(), browsing-topics=()",
        "Cross-Origin-Opener-Policy: same-origin",
        "Strict-Transport-Security: max-age=600",
    ] {
        assert!(text.contains(&format!("\r\n{line}\r\n")), "{line} in {text}");
    }
}

#[test]
fn the_way_elsewhere() {
    let location = HeaderValue::new("https://chat.example/a?b");
    let head = Head { location, ..Head::new(Status::PermanentRedirect) };
    let text = written(|out| head.write_with_body(out, Method::Get, b""));
    assert!(text.starts_with("HTTP/1.1 308 Permanent Redirect\r\n"), "{text}");
    assert!(text.contains("\r\nLocation: https://chat.example/a?b\r\n"), "{text}");
}

#[test]
fn the_switch_to_a_websocket() {
    let key = "dGhlIHNhbXBsZSBub25jZQ==";
    let expected = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
        Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
    assert_eq!(written(|out| write_switching(out, key, None, None)), format!("{expected}\r\n"));

    let cookie = HeaderValue::new("device=abc; HttpOnly; Secure");
    let text = written(|out| write_switching(out, key, Some(Subprotocol::Json), cookie));
    assert_eq!(
        text,
        format!(
            "{expected}Sec-WebSocket-Protocol: whisper.v1.json\r\n\
             Set-Cookie: device=abc; HttpOnly; Secure\r\n\r\n"
        )
    );
}

#[test]
fn a_header_value_ends_no_line() {
    for bad in ["a\r\nSet-Cookie: b=c", "a\nb", "a\rb", "a\0", "a\tb", "\u{7f}", "é"] {
        assert_eq!(HeaderValue::new(bad), None, "{bad:?}");
    }
    assert_eq!(HeaderValue::new("a b~!").map(HeaderValue::as_str), Some("a b~!"));
    assert_eq!(HeaderValue::new("").map(HeaderValue::as_str), Some(""));
}

proptest! {
    /// Whatever a value holds, the head has as many lines as before.
    #[test]
    fn nothing_adds_a_header(value in any::<String>()) {
        if let Some(value) = HeaderValue::new(&value) {
            let head = Head { content_type: Some(value), etag: Some(value), ..Head::new(Status::Ok) };
            let text = written(|out| head.write(out));
            prop_assert_eq!(text.matches("\r\n").count(), 10);
            prop_assert_eq!(text.matches(['\r', '\n']).count(), 20);
        }
    }
}
