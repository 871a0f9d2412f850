//! Inputs to begin with: the golden vectors in the form that each target takes, and what else would
//! take a fuzzer long to find.

use data_encoding::HEXLOWER;
use serde_json::Value;
use whisper_core::codec::{Field as _, Writer};
use whisper_core::ids::TicketId;
use whisper_core::match_queue::{ClusterMessage, MatchMessage};
use whisper_core::shard::{Envelope, ShardMessage};
use whisper_core::ws::{Opcode, close_payload, encode_frame, encode_masked_frame};
use whisper_sim::{Workload, World};

use crate::session_bytes::Act;

/// Choices of pieces that leave a short stream whole.
const WHOLE: [u8; 4] = [63; 4];

const CLIENT: &str = include_str!("../../../proto/vectors/client.json");
const SERVER: &str = include_str!("../../../proto/vectors/server.json");
const ACCEPTED: &str = include_str!("../../../proto/vectors/accepted.json");
const BAD: &str = include_str!("../../../proto/vectors/bad.json");
const ACCEPTED_TEXT: &str = include_str!("../../../proto/vectors/accepted_text.json");
const BAD_TEXT: &str = include_str!("../../../proto/vectors/bad_text.json");

const HEADS: &[&str] = &[
    "GET / HTTP/1.1\r\nHost: whisper\r\n\r\n",
    "HEAD /app.js?v=1 HTTP/1.1\r\nHost: whisper\r\nAccept-Encoding: br;q=1, gzip;q=0\r\nIf-None-Match: W/\"a\", \"b\"\r\n\r\n",
    "GET /ws HTTP/1.1\r\nHost: whisper\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: whisper.v1.json\r\nOrigin: https://whisper.example\r\nCookie: a=1; b=2\r\n\r\n",
    "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.7, [2001:db8::1]:80\r\nX-Forwarded-For: 127.0.0.1\r\nCF-Connecting-IP: ::ffff:192.0.2.7\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
    "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "GET / HTTP/1.1\nHost: a\n\n",
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: whisper.v1.msgpack\r\n\r\n",
];

pub(crate) fn ws_decode() -> Vec<Vec<u8>> {
    let payloads: [(Opcode, Vec<u8>); 8] = [
        (Opcode::Text, "grüß 🦀".into()),
        (Opcode::Binary, vec![1; 126]),
        (Opcode::Binary, vec![2; 300]),
        (Opcode::Ping, b"?".into()),
        (Opcode::Pong, Vec::new()),
        (Opcode::Close, Vec::new()),
        (Opcode::Close, close_payload(1000, "bye").to_vec()),
        (Opcode::Close, close_payload(4999, "").to_vec()),
    ];
    let mut seeds = Vec::new();
    for (opcode, payload) in payloads {
        let (mut of_client, mut of_server) = (vec![0, 1], vec![1, 1]);
        of_client.extend(WHOLE);
        of_server.extend(WHOLE);
        encode_masked_frame(&mut of_client, opcode, &payload, [1, 2, 3, 4]);
        encode_frame(&mut of_server, opcode, &payload);
        seeds.extend([of_client, of_server]);
    }
    // A text in two fragments with a ping between them, and then a close; bytes one by one.
    let mut fragments = vec![1, 0, 0, 0, 0, 0];
    fragments.extend(b"\x01\x02a\xc3\x89\x01?\x80\x01\xa4\x88\x02\x03\xe8");
    seeds.push(fragments);
    seeds
}

pub(crate) fn http_head() -> Vec<Vec<u8>> {
    HEADS.iter().map(|head| [&WHOLE, head.as_bytes()].concat()).collect()
}

pub(crate) fn proxy_header() -> Vec<Vec<u8>> {
    let binary = |body: &[u8]| [b"\r\n\r\n\0\r\nQUIT\n", body].concat();
    let headers = [
        b"PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\nGET / ".to_vec(),
        b"PROXY TCP6 ::ffff:192.0.2.7 2001:db8::1 56324 443\r\n".to_vec(),
        b"PROXY UNKNOWN\r\n".to_vec(),
        binary(b"\x21\x11\0\x0c\xc0\0\x02\x07\xc6\x33\x64\x01\xdc\x04\x01\xbbGET / "),
        binary(&[&b"\x21\x21\0\x27"[..], &[0x20; 36], b"\x04\0\0"].concat()),
        binary(b"\x20\0\0\0"),
    ];
    headers.iter().map(|header| [&WHOLE, &header[..]].concat()).collect()
}

/// What the shards of small worlds leave, and what connections do.
pub(crate) fn succession() -> Vec<Vec<u8>> {
    let worlds = (0..8).map(|seed: u8| {
        let shards = 1 + u16::from(seed) % 3;
        let mut world = World::new(0, shards);
        let mut workload = Workload::new(seed.into(), 4);
        (0..60 + 40 * usize::from(seed)).for_each(|_| workload.step(&mut world));
        let mut input = vec![2, 1, seed];
        let mut w = Writer::new(&mut input);
        world.estates().iter().for_each(|estate| estate.put(&mut w));
        input
    });
    // In the middle of a head, of a frame's header, of a message in pieces, of a header of a proxy.
    let connections: [&[u8]; 5] = [
        b"\x00\x0a\x00\x07GET / H\x01\x00TTP/1.1\r\nHost: a\r\n\r\n",
        b"\x00\x07\x01\x00\x01\x01\x81\x00\x00\x01\x00\x85\x01\x02\x03\x04\x00\x00\x00\x00\x00",
        b"\x00\x0b\x01\x00\x01\x00\x00\x01\x02\x01\x02ab\x01\x00\x80\x81\x01\x02\x03\x04\x00",
        b"\x00\x03\x03\x01\x02",
        b"\x01\x0bPROXY TCP4 ",
    ];
    worlds.chain(connections.map(<[u8]>::to_vec)).collect()
}

/// Two nodes that find each other; then one says something, and things happen on the way.
pub(crate) fn cluster_packet() -> Vec<Vec<u8>> {
    let (meet, wait, deliver) = (&[1; 3][..], &[0, 2][..], &[4][..]);
    let says = |side: u8| [[2, side, 1], [2, side, 2], [2, side, 1]].concat();
    let both = [says(0), says(1)].concat();
    let stories: [&[&[u8]]; 7] = [
        &[&both, deliver],
        &[&both, &[7, 0], deliver, wait, deliver],
        &[&both, &[8, 1], &[6, 1], deliver, &[8, 0], deliver],
        &[&both, &[9, 0, 0, 60, 3, 2], &[9, 1, 0, 9, 0], &[9, 0, 0, 0, 1, 7], deliver],
        &[&both, deliver, &[10, 0], deliver, deliver, &both, deliver],
        &[&both, deliver, &[0, 5], meet, &both, deliver],
        &[&[11, 8], b"WL\0\x01abcd", &[2, 0, 3], &both, &[7, 0], &[7, 0], wait, deliver, deliver],
    ];
    stories.iter().map(|story| [meet, &story.concat()].concat()).collect()
}

/// Somebody is looked for in the cluster, and found, by either side; then all that may follow.
pub(crate) fn cluster_said() -> Vec<Vec<u8>> {
    let claimed = [&[8, 0, 0, 2, 1, 0, 1][..], &[8, 0, 0, 1, 1]].concat();
    let proposed = [&[8, 0, 0, 2, 0, 0, 1][..], &[8, 0, 0, 1, 1], &[8, 0, 0, 1, 1]].concat();
    let ends: [&[u8]; 6] = [
        &[],
        &[8, 0, 0, 0, 2, 2, b'o', b'k'],
        &[2, 0, 0, 8, 0, 0, 2, 0, 8, 0, 0, 0, 1],
        &[4, 1],
        &[2, 0, 3, 1],
        &[6, 0, 0, 1, 1, 0, 3, 9, 200, 30, 7],
    ];
    let mut seeds = Vec::new();
    for (place, end) in ends.iter().enumerate() {
        for how in [&claimed, &proposed] {
            let topic = (place % 3) as u8;
            seeds.push([&[0, 1, 0, topic, 3, 3, 2][..], how, end].concat());
        }
    }
    // Bytes of a message, as they are.
    let withdraw = MatchMessage::Cluster(Box::new(ClusterMessage::Withdraw {
        ticket: TicketId { at: 1, node: World::NODE + 1, shard: 0, slot: 3 },
    }));
    let envelope = Envelope { epoch: 1, message: ShardMessage::Match(withdraw) };
    let mut bytes = Vec::new();
    envelope.put(&mut Writer::new(&mut bytes));
    seeds.push([&[5, bytes.len() as u8][..], &bytes].concat());
    seeds
}

/// Greetings of TLS clients, good ones and others.
pub(crate) fn tls_bytes() -> Vec<Vec<u8>> {
    let record = |kind: u8, body: &[u8]| [&[kind, 3, 1], &counted16(body)[..]].concat();
    let hello = |extensions: &[&[u8]]| {
        let suites = b"\x13\x01\x13\x02\x13\x03\xc0\x2b\xc0\x2f\xcc\xa8";
        let body = [
            b"\x03\x03",
            &[7; 32][..],
            b"\x00",
            &counted16(suites),
            b"\x01\x00",
            &counted16(&extensions.concat()),
        ]
        .concat();
        let length = u32::try_from(body.len()).expect("short").to_be_bytes();
        [&[1][..], &length[1..], &body].concat()
    };
    let extension = |kind: u8, body: &[u8]| [&[0, kind], &counted16(body)[..]].concat();
    let groups = extension(10, &counted16(b"\x00\x1d\x00\x17"));
    let signatures = extension(13, &counted16(b"\x04\x03\x08\x04\x04\x01"));
    let points = extension(11, b"\x01\x00");
    let versions = extension(43, b"\x04\x03\x04\x03\x03");
    let name = extension(0, &counted16(b"\x00\x00\x0cchat.example"));
    let alpn = extension(16, &counted16(b"\x08http/1.1"));
    // The base point is a good key of X25519.
    let share = [&[0, 0x1d][..], &counted16(&[&[9][..], &[0; 31]].concat())].concat();
    let modern: [&[u8]; 5] = [&name, &groups, &signatures, &versions, &alpn];
    let shares = extension(51, &counted16(&share));
    let first = hello(&[&modern[..], &[&shares]].concat());
    let again = hello(&[&modern[..], &[&extension(51, b"\x00\x00")]].concat());
    let older = hello(&[&name, &groups, &signatures, &points, &alpn]);
    let (begin, rest) = first.split_at(40);
    [
        record(22, &first),
        [record(22, &first), record(20, b"\x01"), record(23, &[5; 40])].concat(),
        [record(22, begin), record(22, rest)].concat(),
        record(22, &again),
        [record(22, &again), record(22, &first)].concat(),
        record(22, &older),
        [record(22, &older), record(22, b"\x10\x00\x00\x21\x20"), record(20, b"\x01")].concat(),
        record(21, b"\x02\x28"),
        [22, 3, 1, 0x41, 1].to_vec(),
        b"GET / HTTP/1.1\r\nHost: whisper\r\n\r\n".to_vec(),
        b"\x80\x2e\x01\x03\x03".to_vec(),
        // A version that never was, which rustls takes for one.
        HEXLOWER
            .decode(
                b"150002003f3f3f3f1603010079bf01003f3f3f3f16e701007901000075030307f62707\
                  070707070707070707070707070707073b3b3b3b3b3b3b3b3b3b3b3b3b07030707000707",
            )
            .expect("hex"),
    ]
    .iter()
    .map(|stream| [&WHOLE, &stream[..]].concat())
    .collect()
}

/// Bytes behind their count.
fn counted16(bytes: &[u8]) -> Vec<u8> {
    let count = u16::try_from(bytes.len()).expect("short").to_be_bytes();
    [&count, bytes].concat()
}

pub(crate) fn msgpack_decode() -> Vec<Vec<u8>> {
    let files = [CLIENT, SERVER, ACCEPTED, BAD];
    let hex = files.iter().flat_map(|file| field(file, "hex"));
    hex.map(|hex| HEXLOWER.decode(hex.as_bytes()).expect("hex")).collect()
}

pub(crate) fn json_decode() -> Vec<Vec<u8>> {
    let files = [CLIENT, SERVER, ACCEPTED_TEXT, BAD_TEXT];
    files.iter().flat_map(|file| field(file, "text")).map(String::into_bytes).collect()
}

pub(crate) fn session_bytes() -> Vec<Vec<u8>> {
    let act = |act: Act, client: u8, rest: &[u8]| [&[act as u8, client], rest].concat();
    // Whatever a message chooses after its kind: the first of everything.
    let join = |client| act(Act::Message, client, &[0, 0, 1, 0, 0, 2, 0]);
    let say = |client| act(Act::Message, client, &[2, 1, 1]);
    let deliver = || act(Act::Deliver, 0, &[0]).repeat(6);
    // The owner of the address has to be asked.
    let open = |client, shard, offer| [act(Act::Open, client, &[shard, offer]), deliver()].concat();
    let pair = |offers: [u8; 2], shards: [u8; 2]| {
        let opened = [open(0, shards[0], offers[0]), open(1, shards[1], offers[1])].concat();
        [
            opened,
            deliver(),
            join(0),
            deliver(),
            join(1),
            deliver(),
            say(0),
            deliver(),
            say(1),
            deliver(),
        ]
        .concat()
    };
    let skip = [act(Act::Message, 0, &[3]), deliver()].concat();
    let raw =
        |client: u8, bytes: &[u8]| act(Act::Bytes, client, &[&[bytes.len() as u8], bytes].concat());
    let mut stories = vec![
        pair([0, 0], [0, 0]),
        pair([0, 1], [0, 1]),
        pair([1, 1], [1, 0]),
        [pair([1, 0], [0, 1]), skip, act(Act::Pass, 0, &[12]), deliver()].concat(),
        [pair([0, 0], [0, 1]), act(Act::Vanish, 0, &[]), deliver()].concat(),
        [open(0, 0, 1), act(Act::Frame, 0, b"\x00\x0f{\"type\":\"ping\"}")].concat(),
        [open(0, 0, 0), act(Act::Frame, 0, b"\x03\x02\x03\xe8")].concat(),
        [open(0, 0, 2), act(Act::KeepAlive, 0, &[]).repeat(4)].concat(),
        [pair([0, 0], [0, 1]), say(0).repeat(10), deliver()].concat(),
        // Many of one address, with TLS and without, to shards that own it or don't.
        [(0..8).flat_map(|n| open(n, n, 0)).collect(), deliver().repeat(4)].concat(),
        [(0..8).flat_map(|n| open(n, 8 + n % 2, 0)).collect(), deliver().repeat(4)].concat(),
        // Gone before the owner has answered, whichever shard that is.
        [0, 1].map(|n| [act(Act::Open, n, &[n, 0]), act(Act::Vanish, n, &[])].concat()).concat(),
    ];
    stories.extend(HEADS.iter().map(|head| [open(0, 0, 3), raw(0, head.as_bytes())].concat()));
    stories.into_iter().map(|story| [WHOLE.to_vec(), story].concat()).collect()
}

pub(crate) fn shard_acts() -> Vec<Vec<u8>> {
    let (connect, deliver, settle) = (|shard| vec![0, shard], vec![2], vec![12]);
    let join = |who, topics, relax| vec![6, who, topics, 0, relax, 0];
    let say = |who| vec![14, who, 1, 0, 0, 1];
    let skip = |who| vec![14, who, 0, 4];
    let gone = |who| vec![14, who, 0, 15];
    let two = [connect(0), connect(1), join(0, 1, 0), settle.clone()].concat();
    let met = [two.clone(), join(1, 1, 1), settle.clone(), say(0), say(1), settle.clone()].concat();
    [
        met.clone(),
        [met.clone(), skip(0), skip(1), settle.clone()].concat(),
        [met.clone(), gone(0), settle.clone(), vec![11, 10]].concat(),
        [two, join(1, 1, 2), deliver.clone(), deliver.clone(), skip(0), deliver, gone(1)].concat(),
        [met, vec![13, 1, 0], settle.clone(), vec![13, 0, 0], settle].concat(),
    ]
    .into_iter()
    .flat_map(|story| [[vec![0, 7], story.clone()].concat(), [vec![2, 7], story].concat()])
    .collect()
}

/// A field of every vector in a file.
fn field(file: &str, name: &str) -> Vec<String> {
    let vectors: Vec<Value> = serde_json::from_str(file).expect("vectors");
    vectors.iter().map(|vector| vector[name].as_str().expect("a text").to_owned()).collect()
}
