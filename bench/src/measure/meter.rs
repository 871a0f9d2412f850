//! Readings at both ends of a measured window.

use std::time::{Duration, Instant};

use super::{CpuTime, MeasureError};

/// The share of a core from which on the generator is taken to be the bottleneck.
const SATURATED: f64 = 0.95;

/// Reads the clocks of server and generator when a window begins, and when it ends.
#[derive(Debug)]
pub(crate) struct Meter {
    server: Option<u32>,
    begun: Option<Sample>,
}

#[derive(Clone, Copy, Debug)]
struct Sample {
    at: Instant,
    own: CpuTime,
    server: Option<CpuTime>,
}

/// What passed within the window.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Readings {
    /// On the wall.
    pub(crate) elapsed: Duration,
    /// On the generator's core.
    pub(crate) own: CpuTime,
    /// On the server's, where its process is known.
    pub(crate) server: Option<CpuTime>,
}

impl Meter {
    /// Of the server with this process id, if known.
    pub(crate) fn new(server: Option<u32>) -> Self {
        Self { server, begun: None }
    }

    /// Begins the window.
    ///
    /// # Errors
    /// The system's.
    pub(crate) fn begin(&mut self) -> Result<(), MeasureError> {
        self.begun = Some(self.sample()?);
        Ok(())
    }

    /// Ends the window: None where it was never begun.
    ///
    /// # Errors
    /// The system's.
    pub(crate) fn end(&mut self) -> Result<Option<Readings>, MeasureError> {
        let now = self.sample()?;
        Ok(self.begun.take().map(|begun| Readings {
            elapsed: now.at - begun.at,
            own: now.own - begun.own,
            server: now.server.zip(begun.server).map(|(now, begun)| now - begun),
        }))
    }

    fn sample(&self) -> Result<Sample, MeasureError> {
        let server = self.server.map(CpuTime::of_process).transpose()?;
        Ok(Sample { at: Instant::now(), own: CpuTime::of_this_thread()?, server })
    }
}

impl Readings {
    /// How much of a core the generator needed, 1 being all of it.
    pub(crate) fn own_load(&self) -> f64 {
        self.own.total().as_secs_f64() / self.elapsed.as_secs_f64().max(f64::EPSILON)
    }

    /// Whether the generator may have been slower than the server.
    pub(crate) fn is_saturated(&self) -> bool {
        self.own_load() >= SATURATED
    }
}
