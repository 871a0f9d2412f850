//! Waiting for what must become so.

use std::thread;
use std::time::{Duration, Instant};

/// Nothing in these tests takes this long unless it hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Looks again and again until what is looked for is there; it fails with what was there instead.
#[track_caller]
pub(crate) fn until<T>(mut look: impl FnMut() -> Result<T, String>) -> T {
    /// Looks mostly open a connection, and each of those holds its port for a while.
    const PAUSE: Duration = Duration::from_millis(2);
    let start = Instant::now();
    loop {
        match look() {
            Ok(found) => return found,
            Err(instead) => assert!(start.elapsed() < PATIENCE, "never as wanted: {instead}"),
        }
        thread::sleep(PAUSE);
    }
}

/// The same for a question of yes or no, about this.
#[track_caller]
pub(crate) fn until_true(what: &str, mut is_so: impl FnMut() -> bool) {
    until(|| if is_so() { Ok(()) } else { Err(what.to_owned()) });
}
