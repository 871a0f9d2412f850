//! What must hold for any bytes.
//!
//! Each [`Target`] is a function that takes any bytes and panics where a promise is broken. A
//! fuzzer looks for such bytes (`cargo xtask fuzz`, with libFuzzer; the programs that it runs are
//! in `libfuzzer/`); the tests run every target with its seeds and with the corpus, which are the
//! inputs that have reached most so far.
//!
//! | target | promise |
//! |---|---|
//! | `ws_decode` | frames come to the same in any pieces, in either role, and what was read can be written again |
//! | `http_head` | so do heads; what is accepted is within the rules |
//! | `proxy_header` | so do PROXY headers; nobody is believed who isn't listed |
//! | `tls_bytes` | what comes before hands are shaken comes to the same in any pieces, is never taken for more, and gets records for an answer |
//! | `msgpack_decode` | what is taken for a message is taken for the same when it is written again |
//! | `json_decode` | likewise, and it is the same message in both spellings |
//! | `session_bytes` | whatever clients send: what they get is good frames and good messages, and nothing of them is left when they are gone |
//! | `succession` | whatever a process is left: what it takes on, it can leave, and the next takes on the same; what a connection has half read can be read on |
//! | `cluster_packet` | whatever comes from NATS: what is hidden is heard by those it is meant for, as it was said, and by nobody else |
//! | `cluster_said` | whatever a shard of another node says: what has no business here is refused, and nothing of the rest is left when the link is over |
//! | `shard_acts` | whatever people do in whatever order: the simulator's auditor finds nothing |
//!
//! What a target reads as choices (which pieces, which client) it takes off the front of its
//! input, so that a fuzzer changes them as it changes the rest.

pub mod corpus;

mod choices;
mod cluster_packet;
mod cluster_said;
mod http_head;
mod json_decode;
mod msgpack_decode;
mod pieces;
mod proxy_header;
mod seeds;
mod session_bytes;
mod shard_acts;
mod succession;
mod tls_bytes;
mod ws_decode;

/// Something that must hold for any bytes.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its name; also that of its corpus, and of its program under libFuzzer.
    pub name: &'static str,
    /// Panics where it doesn't hold.
    pub run: fn(&[u8]),
    /// Inputs to begin with, made from the golden vectors or written by hand.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// The longest input worth trying, in bytes.
    pub bytes_max: usize,
}

/// Every target.
pub const TARGETS: &[Target] = &[
    ws_decode::TARGET,
    http_head::TARGET,
    proxy_header::TARGET,
    tls_bytes::TARGET,
    msgpack_decode::TARGET,
    json_decode::TARGET,
    session_bytes::TARGET,
    succession::TARGET,
    cluster_packet::TARGET,
    cluster_said::TARGET,
    shard_acts::TARGET,
];

impl Target {
    /// The target of that name.
    pub fn named(name: &str) -> Option<Self> {
        TARGETS.iter().copied().find(|target| target.name == name)
    }

    /// Its seeds and its corpus.
    ///
    /// # Errors
    /// Where the corpus can't be read.
    pub fn inputs(&self) -> std::io::Result<Vec<Vec<u8>>> {
        let mut inputs = (self.seeds)();
        inputs.extend(corpus::read(self.name)?);
        Ok(inputs)
    }
}

/// Runs the target of that name: what the programs in `libfuzzer/` do.
///
/// # Panics
/// Where its promise is broken, or where there is none of that name.
pub fn run(name: &str, input: &[u8]) {
    let target = Target::named(name).expect("a target of this name");
    (target.run)(input);
}
