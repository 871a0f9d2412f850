//! What is measured: works for a server, and the figures that each gives.

/// Something for a server to do.
#[derive(Debug)]
pub(crate) struct Work {
    /// What it is called on the command line, and in files.
    pub(crate) name: &'static str,
    /// The generator's scenario and its options.
    pub(crate) args: &'static [&'static str],
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

const fn cpu(title: &'static str, bars: &'static [Bar]) -> Figure {
    Figure { title, pointer: "/figures/server_cpu_us_per_message", digits: 2, bars }
}

/// All of them, in the order of the table.
pub(crate) const ALL: &[Work] = &[
    Work {
        name: "relay-100x1",
        args: &["relay", "--pairs", "100", "--depth", "1"],
        figures: &[
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
    },
    Work {
        name: "relay-5000x1",
        args: &["relay", "--pairs", "5000", "--depth", "1"],
        figures: &[cpu("relay, 5,000 pairs, depth 1: CPU µs a message", &[Bar::OfBun(0.85)])],
    },
    Work {
        name: "relay-100x16",
        args: &["relay", "--pairs", "100", "--depth", "16"],
        figures: &[cpu(
            "relay, 100 pairs, depth 16, clients that merge writes: CPU µs a message",
            &[Bar::OfBest(0.25), Bar::OfBun(0.25)],
        )],
    },
];
