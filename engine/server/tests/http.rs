//! HTTP on the listener for people: what is answered, what is refused, and the web client's files.

mod harness;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use harness::{Engine, FIN, Http, Shared, Spoken, frame, upgrade_request};
use tempfile::TempDir;
use whisper_proto::ServerMessage;

static ENGINE: Shared = Shared::new(2);

const PAGE: &str = "<!doctype html><title>Whisper</title>";

#[test]
fn bad_requests_are_refused_by_status() {
    let engine = ENGINE.get();
    let upgrade = upgrade_request();
    let many_headers = "X: y\r\n".repeat(65);
    let long = "x".repeat(9_000);
    let cases = [
        (400, "hello\r\n\r\n".into()),
        (400, "\x16\x03\x01\x02".into()), // TLS, where none is spoken
        (400, "GET /health HTTP/1.1\r\n\r\n".into()),
        (400, "GET /health HTTP/1.1\nHost: x\n\n".into()),
        (400, "GET /health HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n".into()),
        (400, "GET /health HTTP/1.1\r\nHost: x\r\nHost : y\r\n\r\n".into()),
        (400, "GET /health HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n".into()),
        (400, "GET /health HTTP/2.0\r\nHost: x\r\n\r\n".into()),
        (400, "GET /health\r\n\r\n".into()),
        (400, "GET http://x/health HTTP/1.1\r\nHost: x\r\n\r\n".into()),
        (400, "GET health HTTP/1.1\r\nHost: x\r\n\r\n".into()),
        (400, "GET /health#top HTTP/1.1\r\nHost: x\r\n\r\n".into()),
        (400, "GET /h\u{e4}lth HTTP/1.1\r\nHost: x\r\n\r\n".into()),
        (400, "GET /health HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".into()),
        (400, "GET /health HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello".into()),
        (405, "POST /health HTTP/1.1\r\nHost: x\r\n\r\n".into()),
        (405, "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n".into()),
        (404, "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n".into()),
        (404, "GET / HTTP/1.1\r\nHost: x\r\n\r\n".into()), // no web root
        (404, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n".into()),
        (404, upgrade.replace("/ws", "/elsewhere")),
        (400, upgrade.replace("dGhlIHNhbXBsZSBub25jZQ==", "c2hvcnQ=")),
        (400, upgrade.replace("dGhlIHNhbXBsZSBub25jZQ==", "!!!!!!!!!!!!!!!!!!!!!!==")),
        (400, upgrade.replace("Sec-WebSocket-Key", "X-Key")),
        (400, upgrade.replace("GET", "HEAD")),
        (426, upgrade.replace("Version: 13", "Version: 12")),
        (426, upgrade.replace("Sec-WebSocket-Version", "X-Version")),
        (431, format!("GET /{long} HTTP/1.1\r\nHost: x\r\n\r\n")),
        (431, format!("GET /health HTTP/1.1\r\nHost: x\r\nX: {long}")),
        (431, format!("GET /health HTTP/1.1\r\nHost: x\r\n{many_headers}\r\n")),
    ];
    for (status, request) in cases {
        eprintln!("{request}");
        let mut http = engine.http();
        http.send(&request);
        let head_only = request.starts_with("HEAD");
        let answer = if head_only { http.answer_head() } else { http.answer() };
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("Connection"), Some("close"));
        assert!(answer.header("Content-Length").is_some());
        assert_eq!(answer.header("Allow"), (status == 405).then_some("GET, HEAD"));
        if status == 426 {
            assert_eq!(answer.header("Sec-WebSocket-Version"), Some("13"));
        }
        if !head_only {
            http.expect_end();
        }
        assert_eq!(engine.http().get("/health").status, 200);
    }
}

#[test]
fn health_and_numbers_are_there_for_the_asking() {
    let engine = ENGINE.get();
    let mut http = engine.http();
    for _ in 0..3 {
        let health = http.get("/health?who=balancer");
        assert_eq!((health.status, health.text()), (200, "ok\n"));
        assert_eq!(health.header("Connection"), Some("keep-alive"));
        assert_eq!(health.header("Cache-Control"), Some("no-store"));
        let stats = http.get("/stats");
        assert_eq!(stats.header("Content-Type"), Some("application/json"));
        let numbers = stats.json();
        for key in ["totalOnline", "inQueue", "activeChats", "avgMatchTime", "nodes", "shard"] {
            assert!(numbers[key].is_u64(), "{key} in {numbers}");
        }
        let lanes = numbers["lanes"].as_array().expect("a list of lanes");
        assert_eq!(lanes.len(), 7);
        assert_eq!(lanes[0]["ageCategory"], "teen");
    }
}

#[test]
fn connections_are_kept_as_their_version_and_wish_say() {
    let engine = ENGINE.get();
    for (request, kept) in [
        ("GET /health HTTP/1.1\r\nHost: x\r\n\r\n", true),
        ("GET /health HTTP/1.1\r\nHost: x\r\nConnection: Close\r\n\r\n", false),
        ("GET /health HTTP/1.0\r\n\r\n", false),
        ("GET /health HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true),
    ] {
        let mut http = engine.http();
        http.send(request);
        assert_eq!(http.answer().status, 200);
        if kept {
            http.send(request);
            assert_eq!(http.answer().status, 200);
        } else {
            http.expect_end();
        }
    }
}

#[test]
fn requests_may_come_in_any_pieces() {
    let engine = ENGINE.get();
    let request = "GET /health HTTP/1.1\r\nHost: x\r\n\r\n";
    let mut http = engine.http();
    for byte in request.bytes() {
        http.send([byte]);
    }
    assert_eq!(http.answer().text(), "ok\n");

    // Pipelined, answered in order; a HEAD has no body that would shift the next.
    http.send(
        [request, &request.replace("GET", "HEAD"), &request.replace("health", "stats")].concat(),
    );
    assert_eq!(http.answer().text(), "ok\n");
    let head = http.answer_head();
    assert_eq!((head.status, head.header("Content-Length")), (200, Some("3")));
    assert_eq!(http.answer().header("Content-Type"), Some("application/json"));

    // Nothing is answered behind what is refused.
    http.send([request, "POST / HTTP/1.1\r\nHost: x\r\n\r\n", request].concat());
    assert_eq!(http.answer().status, 200);
    assert_eq!(http.answer().status, 405);
    http.expect_end();
}

#[test]
fn frames_may_follow_an_upgrade_at_once() {
    let engine = ENGINE.get();
    let mut http = engine.http();
    let ping = frame(FIN | 0x2, b"\x81\xa4type\xa4ping");
    let stats = "GET /stats HTTP/1.1\r\nHost: x\r\n\r\n";
    http.send([stats.as_bytes(), upgrade_request().as_bytes(), &ping].concat());
    assert_eq!(http.answer().status, 200);
    let switching = http.answer_head();
    assert_eq!(switching.status, 101);
    assert_eq!(switching.header("Sec-WebSocket-Accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    assert_eq!(switching.header("Sec-WebSocket-Protocol"), None, "none was offered");
    let mut ann = http.into_client(Spoken::Msgpack);
    let (_, stats) = ann.greet();
    assert!(stats.total_online >= 1);
    ann.hear("pong", |it| matches!(it, ServerMessage::Pong { .. }).then_some(()));
    ann.ping();
}

#[test]
fn only_pages_of_our_own_may_open_a_websocket() {
    let same = ENGINE.get();
    let listed =
        Engine::configured(1, "origin = [\"https://chat.example\", \"http://localhost:5173\"]\n");
    for (engine, host, origin, allowed) in [
        (&*same, "whisper", None, true),
        (&*same, "whisper", Some("http://whisper"), true),
        (&*same, "whisper:8080", Some("http://whisper:8080"), true),
        // Somebody in front of us may have ended TLS.
        (&*same, "whisper", Some("https://whisper"), true),
        (&*same, "whisper", Some("http://whisper:8080"), false),
        (&*same, "whisper", Some("https://evil.example"), false),
        (&*same, "whisper", Some("https://whisper.evil.example"), false),
        (&*same, "whisper", Some("null"), false),
        (&*same, "whisper", Some(""), false),
        (&listed, "whisper", None, true),
        (&listed, "whisper", Some("https://chat.example"), true),
        (&listed, "whisper", Some("http://localhost:5173"), true),
        (&listed, "whisper", Some("http://whisper"), false),
        (&listed, "whisper", Some("https://chat.example:8443"), false),
        (&listed, "whisper", Some("https://chat.example.evil.example"), false),
    ] {
        let mut http = engine.http();
        let origin_line = origin.map_or(String::new(), |it| format!("Origin: {it}\r\n"));
        let host_line = format!("Host: {host}\r\n{origin_line}");
        http.send(upgrade_request().replace("Host: whisper\r\n", &host_line));
        let answer = http.answer_head();
        assert_eq!(answer.status, if allowed { 101 } else { 403 }, "{origin:?} at {host}");
    }
    // Two of them are no way around it.
    let mut http = same.http();
    let twice = "Host: whisper\r\nOrigin: http://whisper\r\nOrigin: https://evil.example\r\n";
    http.send(upgrade_request().replace("Host: whisper\r\n", twice));
    assert_eq!(http.answer().status, 400);
    // What is no WebSocket is for anybody.
    let foreign = "Origin: https://evil.example\r\n";
    assert_eq!(same.http().get_with("/health", foreign).status, 200);
}

#[test]
fn the_subprotocol_is_agreed_on() {
    let engine = ENGINE.get();
    for (offer, chosen) in [
        ("whisper.v1.msgpack", Some("whisper.v1.msgpack")),
        ("other, whisper.v1.msgpack", Some("whisper.v1.msgpack")),
        ("whisper.v1.json", Some("whisper.v1.json")),
        ("whisper.v1.json, whisper.v1.msgpack", Some("whisper.v1.json")),
        ("whisper.v1.msgpack, whisper.v1.json", Some("whisper.v1.msgpack")),
        ("other", None),
    ] {
        let mut http = engine.http();
        let offer = format!("13\r\nSec-WebSocket-Protocol: {offer}");
        http.send(upgrade_request().replace("13", &offer));
        let switching = http.answer_head();
        assert_eq!(switching.status, 101);
        assert_eq!(switching.header("Sec-WebSocket-Protocol"), chosen);
        let json = chosen == Some("whisper.v1.json");
        let mut ann = http.into_client(if json { Spoken::Json } else { Spoken::Msgpack });
        ann.greet();
        ann.ping();
    }
}

/// An engine whose web root lies within its data dir, so that its key is one `..` away.
fn engine_with_site() -> Engine {
    let dir = TempDir::new().expect("a directory");
    let root = dir.path().join("data/web");
    let write = |path: &str, contents: &[u8]| {
        let path = root.join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        fs::write(path, contents).expect("a file");
    };
    write("200.html", PAGE.as_bytes());
    write("app.js", b"plain");
    write("app.js.br", b"as brotli");
    write("app.js.gz", b"as gzip");
    write("robots.txt", b"");
    write("_app/immutable/big.a1b2.js", &big_file());
    write(".hidden", b"dot files are files");
    symlink("../cluster.key", root.join("link.key")).expect("a link");
    symlink("..", root.join("up")).expect("a link");
    let toml = format!("web_root = {:?}\n", root.to_str().expect("a path"));
    Engine::in_dir(dir, 2, &toml)
}

/// More than the kernel takes at once for a socket.
fn big_file() -> Vec<u8> {
    (0..4u32 << 20).map(|n| (n / 7) as u8).collect()
}

#[test]
fn files_are_served_as_what_they_are() {
    let engine = engine_with_site();
    let mut http = engine.http();
    for (path, content_type, body) in [
        ("/", "text/html; charset=utf-8", PAGE),
        ("/chat", "text/html; charset=utf-8", PAGE),
        ("/chat/with?x=1.js", "text/html; charset=utf-8", PAGE),
        ("/app.js?v=2", "text/javascript; charset=utf-8", "plain"),
        ("/robots.txt", "text/plain; charset=utf-8", ""),
    ] {
        let answer = http.get(path);
        assert_eq!((answer.status, answer.text()), (200, body), "{path}");
        assert_eq!(answer.header("Content-Type"), Some(content_type));
        assert_eq!(answer.header("Cache-Control"), Some("no-cache"));
        assert_eq!(answer.header("X-Content-Type-Options"), Some("nosniff"));
        let policy = answer.header("Content-Security-Policy");
        let is_page = content_type.starts_with("text/html");
        assert_eq!(policy.is_some_and(|it| it.ends_with("frame-ancestors 'none'")), is_page);
        http.send(format!("HEAD {path} HTTP/1.1\r\nHost: x\r\n\r\n"));
        let head = http.answer_head();
        assert_eq!((head.status, head.header("ETag")), (200, answer.header("ETag")));
        assert_eq!(head.header("Content-Length"), answer.header("Content-Length"));
    }
    // What has its own meaning keeps it.
    assert_eq!(http.get("/health").text(), "ok\n");
    http.upgrade().ping();
}

/// What the first view needs comes by one answer: no redirect, and no page that leads to another.
#[test]
fn the_way_in_is_the_first_page_itself() {
    let dir = TempDir::new().expect("a directory");
    let root = dir.path().join("web");
    fs::create_dir(&root).expect("a directory");
    let pages =
        [("index.html", "first"), ("index.html.br", "first, as brotli"), ("200.html", "other")];
    for (name, text) in pages {
        fs::write(root.join(name), text).expect("a page");
    }
    let engine = Engine::in_dir(dir, 1, &format!("web_root = {root:?}\n"));
    let mut http = engine.http();
    for (path, text) in [("/", "first"), ("/?from=home", "first"), ("/chat", "other")] {
        let answer = http.get(path);
        assert_eq!((answer.status, answer.text()), (200, text), "{path}");
    }
    let answer = http.get_with("/", "Accept-Encoding: br\r\n");
    assert_eq!((answer.status, answer.text()), (200, "first, as brotli"));
    let has_it = format!("If-None-Match: {}\r\n", answer.header("ETag").expect("a name"));
    assert_eq!(http.get_with("/", &has_it).status, 304);
    assert_eq!(http.get_with("/chat", &has_it).status, 200, "that is another page");
}

#[test]
fn compressed_forms_go_to_who_takes_them() {
    let engine = engine_with_site();
    let mut http = engine.http();
    for (accept, encoding, body) in [
        ("gzip, deflate, br, zstd", Some("br"), "as brotli"),
        ("gzip", Some("gzip"), "as gzip"),
        ("br;q=0, gzip;q=0.5", Some("gzip"), "as gzip"),
        ("deflate", None, "plain"),
        ("", None, "plain"),
    ] {
        let answer = http.get_with("/app.js", &format!("Accept-Encoding: {accept}\r\n"));
        assert_eq!((answer.status, answer.text()), (200, body), "{accept}");
        assert_eq!(answer.header("Content-Encoding"), encoding);
        assert_eq!(answer.header("Vary"), Some("Accept-Encoding"));
        assert_eq!(answer.header("Content-Type"), Some("text/javascript; charset=utf-8"));
    }
}

#[test]
fn who_has_it_is_told_so() {
    let engine = engine_with_site();
    let mut http = engine.http();
    let first = http.get("/app.js");
    let etag = first.header("ETag").expect("a tag");
    assert_ne!(http.get("/").header("ETag"), Some(etag));
    for known in [etag, &format!("W/{etag}"), &format!("\"other\", {etag}"), "*"] {
        let again = http.get_with("/app.js", &format!("If-None-Match: {known}\r\n"));
        assert_eq!((again.status, again.header("Content-Length")), (304, None), "{known}");
        assert_eq!(again.header("ETag"), Some(etag));
    }
    assert_eq!(http.get_with("/app.js", "If-None-Match: \"other\"\r\n").status, 200);
}

#[test]
fn big_files_arrive_whole() {
    let engine = engine_with_site();
    let big = big_file();
    let path = "/_app/immutable/big.a1b2.js";
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n");
    // Asked for three times before any of it is read.
    let mut http = engine.http();
    http.send(request.repeat(3));
    for _ in 0..3 {
        let answer = http.answer();
        assert!(answer.body == big, "{} bytes came", answer.body.len());
        let forever = "public, max-age=31536000, immutable";
        assert_eq!(answer.header("Cache-Control"), Some(forever));
    }
    assert_eq!(http.get("/health").status, 200);
}

#[test]
fn nothing_outside_the_web_root_is_served() {
    let engine = engine_with_site();
    let key_path = engine.dir().join("data/cluster.key");
    let key = fs::read_to_string(&key_path).expect("the engine has made its key");
    let climbs = [
        "/../cluster.key",
        "/./../cluster.key",
        "//../cluster.key",
        "/_app/../../cluster.key",
        "/web/../cluster.key",
        "/%2e%2e/cluster.key",
        "/%2E%2E%2Fcluster.key",
        "/..%2fcluster.key",
        "/%252e%252e/cluster.key",
        "/..%c0%afcluster.key",
        "/....//cluster.key",
        "/..\\cluster.key",
        "/..;/cluster.key",
        "/app.js/../../cluster.key",
        "/../cluster.key%00.js",
        "/cluster.key",
        "/link.key",
        "/up/cluster.key",
        "/../web/app.js",
    ];
    let absolute = Path::new("/").join(key_path.strip_prefix("/").expect("an absolute path"));
    let absolute = absolute.to_str().expect("a path");
    for path in climbs.into_iter().chain([absolute, &format!("/{absolute}")]) {
        let mut http = engine.http();
        let answer = http.get(path);
        assert_eq!(answer.status, 404, "{path}: {}", answer.text());
        assert!(!answer.text().contains(&key), "{path}");
    }
    // A page stands in for every path without a dot, whatever it climbs.
    assert_eq!(engine.http().get("/../../etc/passwd").text(), PAGE);
}

#[test]
fn operators_have_a_listener_of_their_own() {
    let engine = ENGINE.get();
    let mut people = engine.http();
    assert_eq!(people.get("/metrics").status, 404);
    let mut operators = Http::connect(engine.admin);
    assert_eq!(operators.get("/metrics").status, 200);
    assert_eq!(operators.get("/health").text(), "ok\n");
    assert_eq!(operators.get("/stats").status, 404);
    assert_eq!(operators.get("/admin/stats").status, 403, "without a token");
}
