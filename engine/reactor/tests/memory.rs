//! What an idle connection costs, and what an idle reactor does. One test per process: the counts
//! are the process's.

mod harness;

use std::alloc::{GlobalAlloc, Layout, System};
use std::io::Write;
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use harness::{World, ignore};
use whisper_reactor::{Config, Reactor, Wait};

/// The system's allocator, with a count of the bytes in use.
struct Counting;

static IN_USE: AtomicUsize = AtomicUsize::new(0);

// SAFETY: all calls go to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        IN_USE.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: passed on to our caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, address: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: passed on to our caller.
        unsafe { System.dealloc(address, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

#[test]
fn idle_connections_and_idle_reactors_are_cheap() {
    let before = resident_bytes();
    let mut reactor = Reactor::new(Config::default()).unwrap();
    reactor.wait(Wait::No).unwrap();
    let reactor_bytes = resident_bytes() - before;
    assert!(reactor_bytes < 3 << 20, "an idle reactor is resident with {reactor_bytes} B");
    drop(reactor);

    const CLIENTS: usize = 4096;
    let config =
        Config { quiet: Duration::from_millis(10), slots: 2 * CLIENTS as u32, ..Config::default() };
    let mut world = World::new(config, ignore);
    let in_use = IN_USE.load(Ordering::Relaxed);
    let mut clients = Vec::with_capacity(CLIENTS);
    while clients.len() < CLIENTS {
        clients.push(TcpStream::connect(world.address).unwrap());
        if clients.len().is_multiple_of(256) {
            world.until("they are accepted", |world| world.heard.opened.len() == clients.len());
        }
    }
    for client in &mut clients {
        client.write_all(&[1; 100]).unwrap();
    }
    world.until("all is heard", |world| world.heard.received_bytes == CLIENTS * 100);
    world.heard.forget();
    world.until("all are quiet", |world| world.reactor.counters().poll_armed_now == CLIENTS as u64);
    let clients_bytes = clients.capacity() * size_of::<TcpStream>();
    let per_connection =
        (IN_USE.load(Ordering::Relaxed) - in_use - clients_bytes) as f64 / CLIENTS as f64;
    assert!(per_connection <= 40.0, "{per_connection} B per idle connection");
}

fn resident_bytes() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: usize = statm.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096
}
