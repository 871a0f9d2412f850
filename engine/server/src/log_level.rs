//! How much is logged: JSON lines on stderr, of the cold path only.

use std::io;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Registry, fmt, reload};

/// The level of the process's log, to be changed while it runs.
#[derive(Clone, Debug)]
pub(crate) struct LogLevel(reload::Handle<LevelFilter, Registry>);

impl LogLevel {
    /// Begins to log, at `info`. Once per process.
    pub(crate) fn begin() -> Self {
        let (filter, handle) = reload::Layer::new(LevelFilter::INFO);
        // A NATS that is away is told of once, by ourselves.
        let foreign = Targets::new()
            .with_default(LevelFilter::TRACE)
            .with_target("async_nats", LevelFilter::OFF);
        let lines = fmt::layer().json().with_writer(io::stderr);
        tracing_subscriber::registry().with(filter).with(foreign).with(lines).init();
        Self(handle)
    }

    /// The level now.
    pub(crate) fn get(&self) -> LevelFilter {
        self.0.clone_current().unwrap_or(LevelFilter::OFF)
    }

    /// Logs this much from now on.
    pub(crate) fn set(&self, level: LevelFilter) {
        // It fails only where nobody logs any more.
        let _ = self.0.reload(level);
    }
}
