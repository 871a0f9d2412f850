//! The process's file limit, which is also the bound of each ring's descriptor table.

use std::io;

/// Raises the soft RLIMIT_NOFILE to the hard one and returns it. A reactor does so when it is made.
///
/// # Errors
/// What `getrlimit` or `setrlimit` answered.
pub fn raise_file_limit() -> io::Result<u64> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is a valid place for the kernel to write to.
    if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) } != 0 {
        return Err(io::Error::last_os_error());
    }
    if limit.rlim_cur < limit.rlim_max {
        limit.rlim_cur = limit.rlim_max;
        // SAFETY: `limit` is initialised and only read.
        if unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) } != 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(limit.rlim_cur)
}

/// Has the allocator give back to the system, at any time, what is freed in large pieces.
///
/// glibc begins with 128 KiB for that, and raises it to the largest block that it ever saw freed, up
/// to 32 MiB. A process that makes large tables at its start then keeps for good what any later rush
/// took. A size that is set stays as it is.
pub fn give_back_what_is_freed() {
    #[cfg(target_env = "gnu")]
    {
        const BYTES: libc::c_int = 128 * 1024;
        // SAFETY: both are numbers that the allocator keeps, and sets under its own lock.
        unsafe {
            libc::mallopt(libc::M_MMAP_THRESHOLD, BYTES);
            libc::mallopt(libc::M_TRIM_THRESHOLD, BYTES);
        }
    }
}
