//! What the service manager is told by `sd_notify(3)`: that the engine is ready, that every shard
//! turns, and what it does. Where there is no manager, nobody is.

use std::env;
use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::time::{MissedTickBehavior, interval};

use super::metrics::Board;
use crate::clock::Clock;
use crate::pulse::Pulse;

/// How often it is told, at least.
const INTERVAL: Duration = Duration::from_secs(1);

/// For how much longer it is to wait for the end of an engine that is being emptied, from each time
/// on that it is told so.
const NOT_YET: Duration = Duration::from_secs(30);

/// A manager that hasn't read what it was told before isn't waited for any longer.
const PATIENCE: Duration = Duration::from_millis(100);

/// The engine accepts, by the configuration that it has read.
pub(super) fn ready() {
    tell(&[NotifyState::Ready]);
}

/// The configuration is being read again; [`ready`] ends it.
pub(super) fn reloading() {
    // Without a time, managers before `Type=notify-reload` understand it all the same.
    let now = NotifyState::monotonic_usec_now().unwrap_or(NotifyState::MonotonicUsec(0));
    tell(&[NotifyState::Reloading, now]);
}

/// Another process is the engine from here on. This one ends.
pub(super) fn succeeded_by(pid: u32) {
    tell(&[NotifyState::MainPid(pid), NotifyState::Ready]);
}

/// The engine ends, in good order.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Feeds the watchdog as long as every shard turns, and says how many people there are. Shards that
/// end one after the other, as they were told, are no reason to starve it.
pub(super) async fn keep_told(board: Board, pulse: Pulse, clock: Clock) {
    let watchdog = sd_notify::watchdog_enabled();
    let mut tick = interval(watchdog.map_or(INTERVAL, |after| INTERVAL.min(after / 2)));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut told = String::new();
    loop {
        tick.tick().await;
        let is_draining = board.is_draining();
        let is_well = is_draining || pulse.is_steady(clock.now());
        if is_well && watchdog.is_some() {
            tell(&[NotifyState::Watchdog]);
        }
        if is_draining {
            tell(&[NotifyState::ExtendTimeoutUsec(NOT_YET.as_micros() as u32)]);
        }
        let stats = board.stats();
        let state = match (is_draining, is_well) {
            (true, _) => "draining: ",
            (_, true) => "",
            (_, false) => "a reactor doesn't turn: ",
        };
        let status = format!("{state}{} people, {} chats", stats.online, stats.active_chats);
        if status != told {
            tell(&[NotifyState::Status(&status)]);
            told = status;
        }
    }
}

/// A manager that can't be told has gone, or asked for nothing.
fn tell(states: &[NotifyState<'_>]) {
    let Some(socket) = env::var_os("NOTIFY_SOCKET") else { return };
    let lines: String = states.iter().map(|state| format!("{state}\n")).collect();
    let _ = send(&socket, &lines);
}

/// `sd_notify::notify` waits for as long as the manager doesn't read.
fn send(socket: &OsStr, lines: &str) -> io::Result<()> {
    let address = match socket.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name),
        None => SocketAddr::from_pathname(socket),
    };
    let datagram = UnixDatagram::unbound()?;
    datagram.set_write_timeout(Some(PATIENCE))?;
    datagram.send_to_addr(lines.as_bytes(), &address?).map(drop)
}
