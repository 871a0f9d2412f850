//! Requests: a table of heads, and what comes of each.

use proptest::prelude::*;
use whisper_core::http::{Encodings, Method, Offer, Reject, Request, Subprotocol, Upgrade};

const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// A request for `/` with these header lines besides `Host`.
fn with(lines: &[&str]) -> String {
    let lines: String = lines.iter().flat_map(|line| [line, "\r\n"]).collect();
    format!("GET / HTTP/1.1\r\nHost: example.org\r\n{lines}\r\n")
}

/// The same, with all that an upgrade needs but what `lines` bring.
fn upgrade_with(lines: &[&str]) -> String {
    let given = |name: &str| lines.iter().any(|line| line.starts_with(name));
    let key = format!("Sec-WebSocket-Key: {KEY}");
    let all = ["Upgrade: websocket", "Connection: Upgrade", &key, "Sec-WebSocket-Version: 13"];
    let missing = all.into_iter().filter(|line| !given(line.split(':').next().unwrap_or(line)));
    with(&missing.chain(lines.iter().copied()).collect::<Vec<_>>())
}

fn parse(head: &str) -> Result<Request<'_>, Reject> {
    Request::parse(head.as_bytes())
}

#[test]
fn what_a_browser_sends() {
    let head = "GET /ws?v=1 HTTP/1.1\r\n\
        Host: chat.example.org:8080\r\n\
        Connection: keep-alive, Upgrade\r\n\
        Pragma: no-cache\r\n\
        User-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n\
        Upgrade: websocket\r\n\
        Origin: https://chat.example.org:8080\r\n\
        Sec-WebSocket-Version: 13\r\n\
        Accept-Encoding: gzip, deflate, br, zstd\r\n\
        Accept-Language: de,en;q=0.9\r\n\
        Cookie: a=1; device=abc=; b=\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
        Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\
        Sec-WebSocket-Protocol: whisper.v1.msgpack\r\n\r\n";
    let request = parse(head).unwrap();
    let expected = Request {
        method: Method::Get,
        target: "/ws?v=1",
        path: "/ws",
        host: Some("chat.example.org:8080"),
        origin: Some("https://chat.example.org:8080"),
        cookies: Some("a=1; device=abc=; b="),
        keep_alive: true,
        upgrade: Some(Upgrade { key: KEY, offer: Offer::Ours(Subprotocol::Msgpack) }),
        if_none_match: None,
        accepts: Encodings { brotli: true, gzip: true },
        head: head.as_bytes(),
    };
    assert_eq!(request, expected);
    assert_eq!(request.cookie("device"), Some("abc="));
    assert_eq!(request.cookie("b"), Some(""));
    assert_eq!(request.cookie("c"), None);
}

#[test]
fn bad_requests() {
    for head in [
        // The request line
        "GET / HTTP/2.0\r\nHost: h\r\n\r\n",
        "GET /\r\nHost: h\r\n\r\n",
        "GET  / HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET / x HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET http://h/ HTTP/1.1\r\nHost: h\r\n\r\n", // absolute form
        "GET * HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET example.org:80 HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET /# HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET /ü HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET /\t HTTP/1.1\r\nHost: h\r\n\r\n",
        // Lines
        "GET / HTTP/1.1\r\nHost: h\r\nA: b\r\n c\r\n\r\n", // obs-fold
        "GET / HTTP/1.1\r\n Host: h\r\n\r\n",
        "GET / HTTP/1.1\r\nHost : h\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nno colon\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nA: b\rC: d\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nA: \0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\n: empty name\r\n\r\n",
        // Host
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\u{e9}\r\n\r\n",
        // More or less than one head
        "",
        "GET / HTTP/1.1\r\nHost: h\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n",
        // Bodies
        &with(&["Content-Length: 1"]),
        &with(&["Content-Length: 00"]),
        &with(&["Content-Length: 0, 5"]),
        &with(&["Content-Length: -0"]),
        &with(&["Content-Length: 0", "content-length: 7"]),
        &with(&["Transfer-Encoding: chunked"]),
        &with(&["transfer-encoding: identity"]),
        &with(&["TRANSFER-ENCODING:"]),
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n",
        // What may stand there once
        &with(&["Origin: a", "Origin: b"]),
        &with(&["Cookie: a=1", "Cookie: b=2"]),
        &with(&["Upgrade: websocket", "Upgrade: websocket"]),
        &upgrade_with(&["Sec-WebSocket-Key: a", "Sec-WebSocket-Key: b"]),
        &upgrade_with(&["Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 13"]),
        // Keys that are not 16 bytes in base64
        &upgrade_with(&["Sec-WebSocket-Key:"]),
        &upgrade_with(&["Sec-WebSocket-Key: AAAA"]),
        &upgrade_with(&["Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAAAA"]),
        &upgrade_with(&["Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAA==="]),
        &upgrade_with(&["Sec-WebSocket-Key: ????????????????????????"]),
        &with(&["Upgrade: websocket", "Connection: upgrade", "Sec-WebSocket-Version: 13"]),
        &upgrade_with(&[]).replace("GET", "HEAD"),
    ] {
        assert_eq!(parse(head), Err(Reject::BadRequest), "{head:?}");
    }
    assert_eq!(Reject::BadRequest.status().code(), 400);
}

#[test]
fn other_methods_are_not_known_here() {
    for method in ["POST", "PUT", "OPTIONS", "get", "BREW"] {
        let head = with(&[]).replacen("GET", method, 1);
        assert_eq!(parse(&head), Err(Reject::Method), "{method}");
    }
    assert_eq!(Reject::Method.status().code(), 405);
    assert_eq!(parse(&with(&[]).replacen("GET", "HEAD", 1)).unwrap().method, Method::Head);
}

#[test]
fn too_many_headers_are_too_long_a_head() {
    let lines = ["A: b"; 65];
    assert!(parse(&with(&lines[..63])).is_ok());
    assert_eq!(parse(&with(&lines[..64])), Err(Reject::HeadTooLong));
}

#[test]
fn paths_are_passed_on_as_they_came() {
    for (target, path) in [
        ("/", "/"),
        ("/a/b.js?v=1?2", "/a/b.js"),
        ("/?", "/"),
        ("//evil.example/../%2e%2e/%00", "//evil.example/../%2e%2e/%00"),
    ] {
        let head = format!("GET {target} HTTP/1.1\r\nHost: h\r\n\r\n");
        assert_eq!(parse(&head).unwrap().path, path);
    }
}

#[test]
fn connections_live_on_as_their_version_has_it() {
    for (version, connection, keep_alive) in [
        ("1.1", "", true),
        ("1.1", "Connection: close\r\n", false),
        ("1.1", "Connection: x, Close , y\r\n", false),
        ("1.1", "Connection: keep-alive\r\nConnection: close\r\n", false),
        ("1.0", "", false),
        ("1.0", "Connection: Keep-Alive\r\n", true),
        ("1.0", "Connection: keep-alive, close\r\n", false),
    ] {
        let head = format!("GET / HTTP/{version}\r\nHost: h\r\n{connection}\r\n");
        assert_eq!(parse(&head).unwrap().keep_alive, keep_alive, "{head:?}");
    }
    assert_eq!(parse("GET / HTTP/1.0\r\n\r\n").unwrap().host, None, "1.0 needs none");
}

#[test]
fn what_is_an_upgrade() {
    let upgrade = |head: &str| parse(head).map(|request| request.upgrade.is_some());
    assert_eq!(upgrade(&upgrade_with(&[])), Ok(true));
    assert_eq!(upgrade(&upgrade_with(&["Upgrade: h2c, WebSocket"])), Ok(true));
    assert_eq!(
        upgrade(&upgrade_with(&["Connection: keep-alive", "Connection: UPGRADE"])),
        Ok(true)
    );
    assert_eq!(upgrade(&upgrade_with(&["Content-Length: 0"])), Ok(true));
    // Other wishes are ignored, as they may be.
    assert_eq!(upgrade(&upgrade_with(&["Upgrade: h2c"])), Ok(false));
    assert_eq!(upgrade(&upgrade_with(&["Connection: keep-alive"])), Ok(false));
    assert_eq!(upgrade(&upgrade_with(&[]).replace("HTTP/1.1", "HTTP/1.0")), Ok(false));
    assert_eq!(upgrade(&with(&["Upgrade: websocket"])), Ok(false));
    // Versions
    for version in ["8", "12", "013", "14", "13, 8", ""] {
        let head = upgrade_with(&[&format!("Sec-WebSocket-Version: {version}")]);
        assert_eq!(parse(&head), Err(Reject::WebSocketVersion), "{version}");
    }
    assert_eq!(Reject::WebSocketVersion.status().code(), 426);
}

#[test]
fn what_is_offered_to_speak() {
    let offer = |lines: &[&str]| parse(&upgrade_with(lines)).unwrap().upgrade.unwrap().offer;
    let (msgpack, json) = (Offer::Ours(Subprotocol::Msgpack), Offer::Ours(Subprotocol::Json));
    assert_eq!(offer(&[]), Offer::Nothing);
    assert_eq!(offer(&["Sec-WebSocket-Protocol: whisper.v1.json"]), json);
    assert_eq!(offer(&["Sec-WebSocket-Protocol: x, whisper.v1.msgpack,whisper.v1.json"]), msgpack);
    assert_eq!(
        offer(&["Sec-WebSocket-Protocol: y", "sec-websocket-protocol: whisper.v1.json"]),
        json
    );
    assert_eq!(offer(&["Sec-WebSocket-Protocol: whisper.v2.msgpack, chat"]), Offer::Unknown);
    assert_eq!(offer(&["Sec-WebSocket-Protocol: Whisper.V1.Json"]), Offer::Unknown);
}

#[test]
fn accepted_encodings() {
    let accepts = |value: &str| {
        let head = with(&[&format!("Accept-Encoding: {value}")]);
        let Encodings { brotli, gzip } = parse(&head).unwrap().accepts;
        (brotli, gzip)
    };
    assert_eq!(accepts("gzip, deflate, br"), (true, true));
    assert_eq!(accepts("GZIP;q=0.5"), (false, true));
    assert_eq!(accepts("br;q=0, gzip;q=0.001"), (false, true));
    assert_eq!(accepts("br; q=0.0,gzip ;q=1"), (false, true));
    assert_eq!(accepts("brotli, xgzip, *"), (false, false));
    assert_eq!(accepts(""), (false, false));
    assert_eq!(parse(&with(&[])).unwrap().accepts, Encodings::default());
}

#[test]
fn etags_are_compared_weakly() {
    let current = |value: &str| {
        let head = with(&[&format!("If-None-Match: {value}")]);
        parse(&head).unwrap().has_current("\"abc\"")
    };
    assert!(current("\"abc\""));
    assert!(current("W/\"abc\""));
    assert!(current("\"x\", \"abc\""));
    assert!(current("*"));
    assert!(!current("\"ab\""));
    assert!(!current("abc"));
    assert!(!parse(&with(&[])).unwrap().has_current("\"abc\""));
}

proptest! {
    #[test]
    fn no_head_makes_it_panic(head in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Request::parse(&head);
    }

    #[test]
    fn no_header_makes_it_panic(
        name in "(Host|Connection|Cookie|Upgrade|Accept-Encoding|Sec-WebSocket-[A-Z][a-z]{2,8}|[!-~]{1,30})",
        value in "\\PC{0,60}",
    ) {
        let head = upgrade_with(&[&format!("{name}: {value}")]);
        if let Ok(request) = parse(&head) {
            let _ = (request.cookie(&value), request.has_current(&value));
        }
    }
}
