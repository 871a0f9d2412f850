//! What threads share: atomics, cells, handles. All of it comes from the standard library, or, in a
//! build with `--cfg loom`, from the model checker, which then runs every order of events that it
//! knows of (see `loom_tests`). Whatever of this crate two threads touch is made of these.

#[cfg(loom)]
pub(crate) use loom::{
    cell::UnsafeCell,
    sync::Arc,
    sync::atomic::{AtomicU64, AtomicUsize, Ordering, fence},
};

#[cfg(not(loom))]
pub(crate) use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering, fence},
};

/// The standard cell behind the checker's interface: each access is a call, so that it has a
/// beginning and an end.
#[cfg(not(loom))]
pub(crate) struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

#[cfg(not(loom))]
impl<T> UnsafeCell<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(std::cell::UnsafeCell::new(value))
    }

    /// Hands `access` a pointer to read through; nobody may write meanwhile.
    pub(crate) fn with<R>(&self, access: impl FnOnce(*const T) -> R) -> R {
        access(self.0.get())
    }

    /// Hands `access` a pointer to write through; nobody else may read or write meanwhile.
    pub(crate) fn with_mut<R>(&self, access: impl FnOnce(*mut T) -> R) -> R {
        access(self.0.get())
    }
}

/// The checker's flag, but that a store is a swap whose result nobody looks at.
///
/// Loom 0.7 lets a store slip in between the two halves of another thread's swap, which no machine
/// does, and then reports wakes lost that way. Two swaps it keeps apart. A relaxed swap forbids
/// nothing else that a relaxed store allows.
#[cfg(loom)]
#[derive(Default)]
pub(crate) struct AtomicBool(loom::sync::atomic::AtomicBool);

#[cfg(loom)]
impl AtomicBool {
    pub(crate) fn load(&self, order: Ordering) -> bool {
        self.0.load(order)
    }

    pub(crate) fn store(&self, value: bool, order: Ordering) {
        self.0.swap(value, order);
    }

    pub(crate) fn swap(&self, value: bool, order: Ordering) -> bool {
        self.0.swap(value, order)
    }
}
