//! What connections cost in memory, found from how it grows; and what grows though nobody comes.

use super::Report;
use super::result::MemorySample;
use super::run::Things;
use crate::measure::{Sample, Slab, Watch};
use crate::scenarios::idle::Reading;

impl Report {
    /// Adds what was used at each reading, and what each connection between them cost. The kernel's
    /// part is left out where nobody may know it, or what plain sockets cost is not known.
    pub(crate) fn memory(&mut self, readings: &[Reading], plain: Option<&Slab>) {
        for Reading { connections, server, .. } in readings {
            if let Some(memory) = server {
                let mb = |bytes: u64| bytes as f64 / 1e6;
                let at = |kind| format!("server_{kind}_mb_at_{connections}");
                self.figure(at("rss"), mb(memory.resident), "MB");
                self.figure(at("anonymous"), mb(memory.anonymous), "MB");
            }
        }
        // A first step takes in what a server needs for connections at all; so where there are
        // several, a connection's own cost is what came after it.
        let first = usize::from(readings.len() > 2);
        if let (Some(from), Some(to)) = (readings.get(first), readings.last()) {
            self.slope(from, to, plain, "");
        }
        if readings.len() > 2 {
            for pair in readings.windows(2) {
                let [from, to] = pair else { continue };
                let label = format!("_{}_to_{}", from.connections, to.connections);
                self.slope(from, to, plain, &label);
            }
        }
    }

    /// Adds what the server held in the course of a run in which so many things were done: how fast
    /// that grew, what was left of it in the end, and what it counted itself.
    pub(super) fn watched(&mut self, things: Things, watch: &Watch, done: u64) {
        self.memory = watch.samples.iter().map(MemorySample::from).collect();
        let mut growth = |what: &str, of: &dyn Fn(&Sample) -> u64| {
            if let Some(slope) = watch.slope(|sample| of(sample) as f64) {
                self.figure(format!("{what}_growth_kb_per_10min"), slope * 600.0 / 1e3, "kB");
            }
        };
        growth("server_rss", &|sample| sample.memory.resident);
        growth("server_anonymous", &|sample| sample.memory.anonymous);
        growth("kernel_slab", &|sample| sample.kernel);
        for (when, standing) in [("begin", watch.begin), ("end", watch.end)] {
            if let Some(files) = standing.files {
                self.count(format!("server_files_at_{when}"), files);
            }
            if let Some(sockets) = standing.sockets {
                self.figure(format!("server_sockets_at_{when}"), sockets, "");
            }
        }
        for (name, more) in watch.counted() {
            if name == "process_cpu_seconds" {
                let each = more * 1e6 / done.max(1) as f64;
                self.figure(format!("server_counted_cpu_us_per_{}", things.one), each, "µs");
            }
            let name = name.strip_prefix("whisper_").unwrap_or(name);
            self.figure(format!("server_counted_{name}"), more, "");
        }
    }

    fn slope(&mut self, from: &Reading, to: &Reading, plain: Option<&Slab>, label: &str) {
        let mut each = |what: &str, bytes: f64| {
            self.figure(format!("{what}_bytes_per_connection{label}"), bytes, "B");
        };
        if let (Some(before), Some(after)) = (from.server, to.server) {
            let count = from.until(to).max(1) as f64;
            let grown = |before: u64, after: u64| (after as f64 - before as f64) / count;
            each("server_rss", grown(before.resident, after.resident));
            each("server_anonymous", grown(before.anonymous, after.anonymous));
        }
        if let Some((requests, beside)) = plain.and_then(|it| Reading::kernel_each(from, to, it)) {
            each("kernel_requests", requests);
            each("kernel_beside_them", beside);
            each("kernel_beyond_socket", requests + beside);
        }
    }
}
