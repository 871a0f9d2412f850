//! Whether there can be a ring here, and what to do where there can't.

use std::io;

use io_uring::{IoUring, Probe, opcode};
use thiserror::Error;

/// What is asked of the kernel here, by its own names.
const OPCODES: [(u8, &str); 11] = [
    (opcode::PollAdd::CODE, "POLL_ADD"),
    (opcode::Recv::CODE, "RECV"),
    (opcode::Send::CODE, "SEND"),
    (opcode::Accept::CODE, "ACCEPT"),
    (opcode::Connect::CODE, "CONNECT"),
    (opcode::AsyncCancel::CODE, "ASYNC_CANCEL"),
    (opcode::Close::CODE, "CLOSE"),
    (opcode::Shutdown::CODE, "SHUTDOWN"),
    (opcode::FilesUpdate::CODE, "FILES_UPDATE"),
    (opcode::MsgRingData::CODE, "MSG_RING"),
    (opcode::UringCmd16::CODE, "URING_CMD"),
];

/// Why there can be no reactor here, and what to do about it.
#[derive(Debug, Error)]
pub enum SetupError {
    /// Forbidden by the system's administrator.
    #[error(
        "io_uring is disabled on this system (kernel.io_uring_disabled = {level}); \
         allow it with `sysctl kernel.io_uring_disabled=0`"
    )]
    Disabled {
        /// 1: disabled for unprivileged processes; 2: disabled for all.
        level: u8,
    },
    /// Not the kernel's setting, so probably a sandbox.
    #[error(
        "io_uring_setup is not permitted ({0}); a seccomp filter forbids it, as container \
         runtimes do by default: allow io_uring_setup, io_uring_enter and io_uring_register"
    )]
    Forbidden(#[source] io::Error),
    /// The kernel has no io_uring at all, or a filter says so.
    #[error("this kernel has no io_uring ({0}); Linux 6.7 or newer is needed")]
    Absent(#[source] io::Error),
    /// The kernel is too old for the ring's flags or registrations.
    #[error("this kernel's io_uring lacks {what} ({source}); Linux 6.7 or newer is needed")]
    Lacks {
        /// The missing feature.
        what: &'static str,
        /// What the kernel answered.
        source: io::Error,
    },
    /// The kernel is too old for some operations.
    #[error("this kernel's io_uring lacks {}; Linux 6.7 or newer is needed", .0.join(", "))]
    LacksOperations(Vec<&'static str>),
    /// A limit of the process or of the system is too low.
    #[error("{what} ({source}); raise {limit}")]
    Limit {
        /// What could not be had.
        what: &'static str,
        /// The limit to raise.
        limit: &'static str,
        /// What the kernel answered.
        source: io::Error,
    },
}

/// Looks whether the kernel can do what it will be asked for. Answers whether it can do what it will
/// be asked for only where a process is succeeded by another.
pub(crate) fn probe(uring: &IoUring) -> Result<bool, SetupError> {
    let mut probe = Probe::new();
    uring
        .submitter()
        .register_probe(&mut probe)
        .map_err(|source| SetupError::Lacks { what: "a probe of its operations", source })?;
    let missing: Vec<_> = OPCODES
        .iter()
        .filter(|(code, _)| !probe.is_supported(*code))
        .map(|(_, name)| *name)
        .collect();
    if !missing.is_empty() {
        return Err(SetupError::LacksOperations(missing));
    }
    Ok(probe.is_supported(opcode::FixedFdInstall::CODE))
}

/// What a refused ring means.
pub(crate) fn explain(error: io::Error) -> SetupError {
    explain_at(error, disabled_level())
}

/// The administrator's setting: 0 allows io_uring to all.
fn disabled_level() -> u8 {
    let setting = std::fs::read_to_string("/proc/sys/kernel/io_uring_disabled");
    setting.ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0)
}

fn explain_at(error: io::Error, disabled_level: u8) -> SetupError {
    match error.raw_os_error() {
        Some(libc::EPERM | libc::EACCES) if disabled_level > 0 => {
            SetupError::Disabled { level: disabled_level }
        }
        Some(libc::EPERM | libc::EACCES) => SetupError::Forbidden(error),
        Some(libc::ENOSYS) => SetupError::Absent(error),
        Some(libc::EINVAL) => SetupError::Lacks {
            what: "SINGLE_ISSUER, DEFER_TASKRUN or COOP_TASKRUN, or a queue size is out of range",
            source: error,
        },
        Some(libc::ENOMEM) => SetupError::Limit {
            what: "no memory for the rings",
            limit: "RLIMIT_MEMLOCK (LimitMEMLOCK= in a unit) or the memory limit",
            source: error,
        },
        _ => SetupError::Limit {
            what: "no descriptor for the ring",
            limit: "RLIMIT_NOFILE (LimitNOFILE= in a unit)",
            source: error,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_what_to_do() {
        let advice =
            |errno, level| explain_at(io::Error::from_raw_os_error(errno), level).to_string();
        assert!(advice(libc::EPERM, 2).contains("sysctl kernel.io_uring_disabled=0"));
        assert!(advice(libc::EPERM, 0).contains("seccomp"));
        assert!(advice(libc::ENOSYS, 0).contains("Linux 6.7"));
        assert!(advice(libc::EINVAL, 0).contains("DEFER_TASKRUN"));
        assert!(advice(libc::ENOMEM, 0).contains("LimitMEMLOCK="));
        assert!(advice(libc::EMFILE, 0).contains("LimitNOFILE="));
    }
}
