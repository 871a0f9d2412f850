//! Readings of the server's clocks where a phase begins or ends.

use std::time::Instant;

use super::{CpuTime, MeasureError, Memory};

/// Reads what a server has used, where its processes are known.
#[derive(Debug)]
pub(crate) struct Meter {
    servers: Vec<u32>,
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
    /// Of the server with these processes, if known.
    pub(crate) fn new(servers: Vec<u32>) -> Self {
        Self { servers, readings: Vec::new() }
    }

    /// Adds a reading.
    ///
    /// # Errors
    /// The system's.
    pub(crate) fn read(&mut self) -> Result<(), MeasureError> {
        if self.servers.is_empty() {
            return Ok(());
        }
        let (mut cpu, mut memory) = (CpuTime::NONE, Memory::default());
        for pid in &self.servers {
            memory = memory + Memory::of_process(*pid)?;
            cpu = cpu + CpuTime::of_process(*pid)?;
        }
        self.readings.push(Reading { at: Instant::now(), cpu, memory });
        Ok(())
    }

    /// All of them; none where no server is known.
    pub(crate) fn readings(self) -> Vec<Reading> {
        self.readings
    }
}
