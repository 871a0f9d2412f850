//! What is measured: works for a server, and the figures that each gives.

/// Something for a server to do.
#[derive(Debug)]
pub(crate) struct Work {
    /// What it is called on the command line, and in files.
    pub(crate) name: &'static str,
    /// The generator's scenario and its options.
    pub(crate) args: &'static [&'static str],
    /// More of them for the engine: what a rival doesn't know of.
    pub(crate) engine_args: &'static [&'static str],
    /// Only for servers of these names; for all where there is none.
    pub(crate) only: &'static [&'static str],
    /// Whether it goes on for as long as it is told to.
    pub(crate) timed: bool,
    /// What of it is told.
    pub(crate) figures: &'static [Figure],
}

/// A number of a result.
#[derive(Debug)]
pub(crate) struct Figure {
    /// A row of the table.
    pub(crate) title: &'static str,
    /// Where it stands in `result.json`.
    pub(crate) pointer: &'static str,
    pub(crate) digits: usize,
    /// What the engine is held to.
    pub(crate) bars: &'static [Bar],
}

/// What the engine is held to.
#[derive(Debug)]
pub(crate) enum Bar {
    /// At most so many times Bun's.
    OfBun(f64),
    /// At most so many times the best rival's.
    OfBest(f64),
    /// At most that.
    AtMost(f64),
    /// At least that.
    AtLeast(f64),
}

impl Work {
    /// Whether a server does it.
    pub(crate) fn is_for(&self, server: &str) -> bool {
        self.only.is_empty() || self.only.contains(&server)
    }
}

const fn cpu(title: &'static str, bars: &'static [Bar]) -> Figure {
    Figure { title, pointer: "/figures/server_cpu_us_per_message", digits: 2, bars }
}

const fn latency(title: &'static str, pointer: &'static str) -> Figure {
    Figure { title, pointer, digits: 0, bars: &[] }
}

/// A relay between pairs.
const fn relay(
    name: &'static str,
    args: &'static [&'static str],
    figures: &'static [Figure],
) -> Work {
    Work { name, args, engine_args: &[], only: &[], timed: true, figures }
}

/// All of them, in the order of the table.
pub(crate) const ALL: &[Work] = &[
    relay(
        "relay-100x1",
        &["relay", "--pairs", "100", "--depth", "1"],
        &[
            cpu("relay, 100 pairs, depth 1: CPU µs a message", &[Bar::OfBun(0.85)]),
            Figure {
                title: "… of that in user mode",
                pointer: "/figures/server_user_us_per_message",
                digits: 2,
                bars: &[Bar::AtMost(0.6)],
            },
            Figure {
                title: "… messages a second",
                pointer: "/figures/messages_per_second",
                digits: 0,
                bars: &[Bar::AtLeast(100_000.0)],
            },
        ],
    ),
    Work {
        name: "relay-100x1-moderated",
        args: &["relay", "--pairs", "100", "--depth", "1"],
        // Rivals have no such lane: what Bun relays stays unread.
        engine_args: &["--moderated"],
        only: &["whisper", "bun"],
        timed: true,
        figures: &[cpu(
            "the same, Whisper in the moderated lane, where all is read: CPU µs a message",
            &[Bar::OfBun(0.95)],
        )],
    },
    relay(
        "relay-5000x1",
        &["relay", "--pairs", "5000", "--depth", "1"],
        &[cpu("relay, 5,000 pairs, depth 1: CPU µs a message", &[Bar::OfBun(0.85)])],
    ),
    relay(
        "relay-100x16-merged",
        &["relay", "--pairs", "100", "--depth", "16"],
        &[cpu(
            "relay, 100 pairs, depth 16, clients that merge writes: CPU µs a message",
            &[Bar::OfBest(0.25), Bar::OfBun(0.25)],
        )],
    ),
    relay(
        "relay-100x16-single",
        &["relay", "--pairs", "100", "--depth", "16", "--writes", "single"],
        &[cpu(
            "relay, 100 pairs, depth 16, a frame a write: CPU µs a message",
            &[Bar::OfBest(0.85), Bar::OfBun(0.85)],
        )],
    ),
    relay(
        "relay-100-at-50k",
        &["relay", "--pairs", "100", "--rate", "50000"],
        &[
            cpu("relay, 100 pairs, open loop of 50,000 a second: CPU µs a message", &[]),
            latency("… p50 µs", "/latencies/relay/p50_us"),
            latency("… p99 µs", "/latencies/relay/p99_us"),
            latency("… p99.9 µs", "/latencies/relay/p999_us"),
        ],
    ),
    Work {
        name: "connect",
        args: &["connect", "--connections", "10000"],
        // The engine's is all of an arrival: upgrade, join and match.
        engine_args: &["--join"],
        only: &[],
        timed: false,
        figures: &[Figure {
            title: "accept and upgrade, and for Whisper join and match: CPU µs",
            pointer: "/figures/server_cpu_us_per_upgrade",
            digits: 1,
            bars: &[Bar::OfBun(1.0)],
        }],
    },
    Work {
        name: "idle",
        args: &["idle", "--connections", "12000", "--steps", "4000"],
        engine_args: &["--hold", "6s"],
        only: &[],
        timed: false,
        figures: &[
            Figure {
                title: "an idle connection: bytes of user memory",
                pointer: "/figures/server_anonymous_bytes_per_connection",
                digits: 0,
                bars: &[Bar::AtMost(200.0)],
            },
            Figure {
                title: "… of kernel memory beyond the socket",
                pointer: "/figures/kernel_beyond_socket_bytes_per_connection",
                digits: 0,
                bars: &[Bar::AtMost(320.0)],
            },
        ],
    },
];
