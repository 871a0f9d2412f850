//! One thread of an engine that stands still while the others go on.

use nix::sys::ptrace;
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;

use super::Engine;

/// A thread that stands still until this is dropped, by the thread that made it.
///
/// Only root may trace a process that leaves no core: others set `core_dumps`.
pub(crate) struct Stopped(Pid);

impl Stopped {
    /// Has the engine's thread of this name stand still.
    pub(crate) fn new(engine: &Engine, name: &str) -> Self {
        let thread = engine.thread(name);
        ptrace::seize(thread, ptrace::Options::empty()).expect("a child is ours to trace");
        ptrace::interrupt(thread).expect("it runs");
        waitpid(thread, Some(WaitPidFlag::__WALL)).expect("it stops");
        Self(thread)
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        // Where the engine is gone by now, so is the thread.
        let _ = ptrace::detach(self.0, None);
    }
}
