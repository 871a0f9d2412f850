//! Megabytes of frames that nobody should send, made from the fuzz corpus: each connection ends with
//! the code that its bytes have earned, and the engine is as big afterwards as before.
//!
//! `WHISPER_HOSTILE_MB=100 cargo test -p whisper-engine --test hostile -- --nocapture` for more of it.

mod harness;

use std::io::{Read, Write};
use std::net::Shutdown;

use data_encoding::HEXLOWER;
use harness::{Engine, FIN, frame, header, upgrade_request};
use whisper_core::http::Subprotocol;
use whisper_core::session::{Input, Session};
use whisper_core::ws::{Decoder, Item, Limits, Role};

const CONTINUATION: u8 = 0x0;
const TEXT: u8 = 0x1;
const BINARY: u8 = 0x2;

/// Connections that are hostile at the same time.
const BATCH: usize = 64;

/// What the engine may grow by meanwhile, and what may be left of that.
const GROWTH_MAX: usize = 64 << 20;
const LEFT_MAX: usize = 16 << 20;

/// The frames that a fuzzer found to reach most of the codec, and messages of that kind.
const FRAMES: &str = include_str!("../../fuzz/corpus/ws_decode.hex");
const MESSAGES: &str = include_str!("../../fuzz/corpus/msgpack_decode.hex");

/// What stands before the frames in an input of the fuzzer.
const CHOICES: usize = 6;

#[test]
fn hostile_frames_end_with_their_code_and_leave_nothing() {
    let megabytes = std::env::var("WHISPER_HOSTILE_MB").map_or(4, |it| it.parse().expect("MB"));
    let engine = Engine::start(2);
    let mut villain = Villain::new();
    engine.client().ping();
    let (before, _) = engine.resident_bytes();
    let (mut sent, mut closed, mut unfinished) = (0, 0, 0);
    while sent < megabytes << 20 {
        let streams: Vec<Vec<u8>> = (0..BATCH).map(|_| villain.stream()).collect();
        let mut sockets = Vec::new();
        for stream in &streams {
            let mut http = engine.http();
            http.send(upgrade_request());
            assert_eq!(http.answer_head().status, 101);
            let (mut socket, unread) = http.into_parts();
            // Behind what ends a connection nobody needs to listen.
            let _ = socket.write_all(stream);
            sent += stream.len();
            sockets.push((socket, unread));
        }
        for ((mut socket, mut heard), stream) in sockets.into_iter().zip(&streams) {
            let expected = earned(stream);
            if expected.is_none() {
                // It waits for the rest: without one, the connection just ends.
                let _ = socket.socket.shutdown(Shutdown::Write);
                unfinished += 1;
            }
            // A reset is an end as well.
            let _ = socket.read_to_end(&mut heard);
            assert_eq!(code_in(heard), expected, "{}", HEXLOWER.encode(stream));
            closed += usize::from(expected.is_some());
        }
    }
    // Nobody else is worse off.
    engine.client().ping();
    let (after, peak) = engine.resident_bytes();
    eprintln!(
        "{sent} bytes by {closed} closed and {unfinished} unfinished connections: \
         {before} bytes resident before, {peak} at most, {after} after"
    );
    assert!(closed > unfinished, "most connections are told why they end");
    assert!(peak - before <= GROWTH_MAX, "from {before} to {peak} bytes");
    assert!(after <= before + LEFT_MAX, "from {before} to {after} bytes");
}

/// The code that bytes have earned, by the rules without a socket. (What the rules are, other tests
/// say.)
fn earned(stream: &[u8]) -> Option<u16> {
    let (mut session, mut bytes) = (Session::default(), stream.to_vec());
    session.upgraded(Subprotocol::Msgpack);
    let mut input = &mut bytes[..];
    while let Some(said) = session.next(&mut input) {
        if let Input::Over(code) = said {
            return Some(code);
        }
    }
    None
}

/// The code of the close frame among what the engine said, which is good frames and nothing else.
fn code_in(mut heard: Vec<u8>) -> Option<u16> {
    let mut decoder = Decoder::new(Role::Client);
    let mut input = &mut heard[..];
    while let Some(item) = decoder.next(&mut input, &Limits::default()).expect("good frames") {
        if let Item::Close(close) = item {
            return close.map(|(code, _)| code);
        }
    }
    None
}

/// Invents streams.
struct Villain {
    frames: Vec<Vec<u8>>,
    messages: Vec<Vec<u8>>,
    dice: u64,
}

impl Villain {
    fn new() -> Self {
        let lines = |file: &str| -> Vec<Vec<u8>> {
            file.lines().map(|line| HEXLOWER.decode(line.as_bytes()).expect("hex")).collect()
        };
        let frames = lines(FRAMES).into_iter().filter(|input| input.len() > CHOICES);
        let frames = frames.map(|input| input[CHOICES..].to_vec()).collect();
        Self { frames, messages: lines(MESSAGES), dice: 1 }
    }

    /// Nonsense in good frames, a message that is never whole, and then the worst.
    fn stream(&mut self) -> Vec<u8> {
        let mut stream = Vec::new();
        for _ in 0..self.below(24) {
            let payload = match self.below(3) {
                0 => vec![self.below(256) as u8; self.below(2_000)],
                _ => self.pick(|it| &it.messages),
            };
            stream.extend(frame(FIN | BINARY, &payload));
        }
        let fragments = self.below(14);
        for at in 0..fragments {
            let opcode = if at == 0 { BINARY } else { CONTINUATION };
            stream.extend(frame(opcode, &[0xc1; 1_100]));
        }
        let mut worst = match self.below(6) {
            0 => frame(FIN | TEXT, b"{}"),
            1 => header(FIN | BINARY, (1 << self.below(63)) + 20_000),
            2 => frame(0x70, &[]),
            _ => self.pick(|it| &it.frames),
        };
        if self.below(2) == 0 && !worst.is_empty() {
            let at = self.below(worst.len());
            worst[at] ^= 1 << self.below(8);
        }
        stream.extend(worst);
        // Half of them hear of a close that can't be missed.
        if self.below(2) == 0 {
            stream.extend(frame(FIN | 0xB, b"").repeat(8));
        }
        stream
    }

    fn pick(&mut self, among: impl Fn(&Self) -> &Vec<Vec<u8>>) -> Vec<u8> {
        let at = self.below(among(self).len());
        among(self)[at].clone()
    }

    /// A number below `end`, by splitmix64.
    fn below(&mut self, end: usize) -> usize {
        self.dice = self.dice.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.dice;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ mixed >> 31) % end as u64) as usize
    }
}
