//! What connections cost in memory, found from how it grows.

use super::Report;
use crate::measure::Slab;
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
