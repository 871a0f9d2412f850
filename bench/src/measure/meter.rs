//! Readings of the server's clocks where a phase begins or ends.

use std::time::Instant;

use super::{CpuTime, MeasureError, Memory};

/// Reads what a server has used, where its process is known.
#[derive(Debug)]
pub(crate) struct Meter {
    server: Option<u32>,
    readings: Vec<Reading>,
}

/// What it had used at a moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    /// When.
    pub(crate) at: Instant,
    /// By all its threads.
    pub(crate) cpu: CpuTime,
    /// Of the memory there is.
    pub(crate) memory: Memory,
}

impl Meter {
    /// Of the server with this process id, if known.
    pub(crate) fn new(server: Option<u32>) -> Self {
        Self { server, readings: Vec::new() }
    }

    /// Adds a reading.
    ///
    /// # Errors
    /// The system's.
    pub(crate) fn read(&mut self) -> Result<(), MeasureError> {
        if let Some(pid) = self.server {
            let memory = Memory::of_process(pid)?;
            let cpu = CpuTime::of_process(pid)?;
            self.readings.push(Reading { at: Instant::now(), cpu, memory });
        }
        Ok(())
    }

    /// All of them; none where no server is known.
    pub(crate) fn readings(self) -> Vec<Reading> {
        self.readings
    }
}
