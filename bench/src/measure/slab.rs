//! Kernel memory by what it is for: `/proc/slabinfo`, which only root may read.
//!
//! The counts are the whole system's. What others do at the same time is in them, and so are both
//! ends of a loopback connection; whoever compares two of them must see to the rest.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream};

use super::{MeasureError, parsed};

/// Bytes in use, by the name of the cache that they are taken from.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Slab(BTreeMap<String, f64>);

impl Slab {
    /// What is in use now.
    ///
    /// # Errors
    /// Where we aren't root, or the kernel doesn't tell.
    pub(crate) fn now() -> Result<Self, MeasureError> {
        parsed("/proc/slabinfo", "the objects in use", Self::parse)
    }

    /// What each of `count` more things took since `earlier`.
    pub(crate) fn per_thing_since(&self, earlier: &Self, count: usize) -> Self {
        let each = |(name, bytes): (&String, &f64)| {
            (name.clone(), (bytes - earlier.of(name)) / count.max(1) as f64)
        };
        Self(self.0.iter().map(each).collect())
    }

    /// The bytes of one cache.
    pub(crate) fn of(&self, name: &str) -> f64 {
        self.0.get(name).copied().unwrap_or(0.0)
    }

    /// The bytes of all caches for objects of a size, whatever they are.
    pub(crate) fn of_sizes(&self) -> f64 {
        let sizes = self.0.iter().filter(|(name, _)| name.starts_with("kmalloc-"));
        sizes.map(|(_, bytes)| bytes).sum()
    }

    fn parse(slabinfo: &str) -> Option<Self> {
        let mut lines = slabinfo.lines();
        lines.next()?.strip_prefix("slabinfo - version: 2.")?;
        let lines = lines.filter(|line| !line.starts_with('#'));
        lines.map(cache).collect::<Option<_>>().map(Self)
    }
}

/// Name and bytes in use of a line `name active_objs num_objs objsize …`.
fn cache(line: &str) -> Option<(String, f64)> {
    let mut fields = line.split_ascii_whitespace();
    let name = fields.next()?;
    let active: u64 = fields.next()?.parse().ok()?;
    let size: u64 = fields.nth(1)?.parse().ok()?;
    Some((name.to_owned(), (active * size) as f64))
}

/// What a TCP connection over loopback costs the kernel, both ends, when both are ordinary file
/// descriptors: found by opening `count` of them.
///
/// # Errors
/// Where sockets can't be opened, or the kernel's memory can't be read.
pub(crate) fn plain_socket_cost(count: usize) -> Result<Slab, MeasureError> {
    let open = |listener: &TcpListener| -> io::Result<(TcpStream, TcpStream)> {
        let near = TcpStream::connect(listener.local_addr()?)?;
        Ok((near, listener.accept()?.0))
    };
    let listener =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(MeasureError::PlainSockets)?;
    let before = Slab::now()?;
    let held: io::Result<Vec<_>> = (0..count).map(|_| open(&listener)).collect();
    let held = held.map_err(MeasureError::PlainSockets)?;
    let cost = Slab::now()?.per_thing_since(&before, held.len());
    drop(held);
    Ok(cost)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLABINFO: &str = "slabinfo - version: 2.1\n\
        # name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab>\n\
        io_kiocb             592    624    256   16    1 : tunables    0    0    0\n\
        kmalloc-64             3      4     64   64    1 : tunables    0    0    0\n\
        kmalloc-512            1      1    512   16    2 : tunables    0    0    0\n";

    #[test]
    fn objects_in_use_are_counted_in_bytes() {
        let slab = Slab::parse(SLABINFO).unwrap();
        assert_eq!(slab.of("io_kiocb"), 592.0 * 256.0);
        assert_eq!(slab.of_sizes(), 3.0 * 64.0 + 512.0);
        assert_eq!(slab.of("TCP"), 0.0);
        assert_eq!(Slab::parse("slabinfo - version: 3.0\n"), None);
    }

    #[test]
    fn differences_are_shared_out() {
        let earlier = Slab::parse(SLABINFO).unwrap();
        let later = Slab::parse(&SLABINFO.replace("592", "602")).unwrap();
        let each = later.per_thing_since(&earlier, 10);
        assert_eq!(each.of("io_kiocb"), 256.0);
        assert_eq!(each.of_sizes(), 0.0);
    }
}
