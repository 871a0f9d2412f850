//! The way between the two processes: a `SOCK_SEQPACKET` pair. A packet is one [`Letter`] and the
//! descriptors that it speaks of, whole or not at all; the end of a process is the end of the way.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags,
    SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg,
    sendmsg, socketpair, sockopt,
};
use thiserror::Error;

use super::letter::Letter;

/// Descriptors that one packet takes: the kernel's `SCM_MAX_FD`.
pub(crate) const DESCRIPTORS_MAX: usize = 253;

/// The longest letter, in bytes: the names of [`DESCRIPTORS_MAX`] connections are a quarter of it.
const LETTER_MAX: usize = 16 << 10;

/// How often it is looked whether the exchange is called off.
const LOOK: Duration = Duration::from_millis(50);

/// Why nothing comes, or can be sent.
#[derive(Debug, Error)]
pub(crate) enum ChannelError {
    /// The other process has ended, or let go of the channel.
    #[error("the other process has gone")]
    Ended,
    /// It took too long.
    #[error("the other process didn't answer in time")]
    Late,
    /// It was called off here.
    #[error("it was called off")]
    CalledOff,
    /// What came is no letter.
    #[error("the other process sent what is no letter")]
    Damaged,
    /// The system refuses.
    #[error("the channel: {0}")]
    System(#[from] io::Error),
}

/// One end.
#[derive(Debug)]
pub(crate) struct Channel(OwnedFd);

/// Until when to wait, and what ends the wait before.
#[derive(Clone, Copy)]
pub(crate) struct Patience<'a> {
    until: Instant,
    called_off: &'a dyn Fn() -> bool,
}

impl<'a> Patience<'a> {
    /// So long from now, or until this says that it is called off.
    pub(crate) fn new(max: Duration, called_off: &'a dyn Fn() -> bool) -> Self {
        Self { until: Instant::now() + max, called_off }
    }

    /// So long from now.
    pub(crate) fn of(max: Duration) -> Self {
        Self::new(max, &|| false)
    }

    /// How long to sleep until the next look.
    ///
    /// # Errors
    /// [`ChannelError::Late`], [`ChannelError::CalledOff`].
    pub(crate) fn left(&self) -> Result<Duration, ChannelError> {
        if (self.called_off)() {
            return Err(ChannelError::CalledOff);
        }
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(ChannelError::Late) } else { Ok(left.min(LOOK)) }
    }
}

impl Channel {
    /// Both ends. The second is for a process that is about to be started.
    ///
    /// # Errors
    /// Where there are no descriptors for them.
    pub(crate) fn pair() -> io::Result<(Self, OwnedFd)> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let (mine, other) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
        Ok((Self(mine), other))
    }

    /// This process's end, where it was started with one as its standard input.
    ///
    /// # Errors
    /// Where that is something else.
    pub(crate) fn of_stdin() -> io::Result<Self> {
        let end = io::stdin().as_fd().try_clone_to_owned()?;
        let is_ours = sockopt::socket_type(&end).is_ok_and(|it| it == SocketType::SEQPACKET);
        if !is_ours {
            let why = "--take-over is for an engine that another one starts";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        }
        Ok(Self(end))
    }

    /// Sends a letter, with descriptors. They can be closed after.
    ///
    /// # Errors
    /// [`ChannelError`]; nothing of the letter has been sent then.
    ///
    /// # Panics
    /// With more than [`DESCRIPTORS_MAX`] descriptors.
    pub(crate) fn send(
        &self,
        letter: &Letter,
        descriptors: &[BorrowedFd<'_>],
        patience: Patience<'_>,
    ) -> Result<(), ChannelError> {
        let bytes = letter.write();
        debug_assert!(bytes.len() <= LETTER_MAX, "{} bytes", bytes.len());
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !descriptors.is_empty() {
            let fits = control.push(SendAncillaryMessage::ScmRights(descriptors));
            assert!(fits, "at most {DESCRIPTORS_MAX} descriptors");
        }
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        loop {
            match sendmsg(&self.0, &[io::IoSlice::new(&bytes)], &mut control, flags) {
                Ok(_) => return Ok(()),
                Err(Errno::INTR) => {}
                // Too many are on their way: the other process is about to take them.
                Err(Errno::TOOMANYREFS) => std::thread::sleep(patience.left()?.min(LOOK / 50)),
                Err(Errno::AGAIN) => self.wait(PollFlags::OUT, patience)?,
                Err(Errno::PIPE | Errno::CONNRESET) => return Err(ChannelError::Ended),
                Err(error) => return Err(ChannelError::System(error.into())),
            }
        }
    }

    /// Waits for a letter, and the descriptors that came with it.
    ///
    /// # Errors
    /// [`ChannelError`].
    pub(crate) fn receive(
        &self,
        patience: Patience<'_>,
    ) -> Result<(Letter, Vec<OwnedFd>), ChannelError> {
        let mut bytes = [0; LETTER_MAX];
        let flags = RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT;
        loop {
            let mut space =
                [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
            let mut control = RecvAncillaryBuffer::new(&mut space);
            let into = &mut [io::IoSliceMut::new(&mut bytes)];
            let message = match recvmsg(&self.0, into, &mut control, flags) {
                Ok(message) => message,
                Err(Errno::INTR) => continue,
                Err(Errno::AGAIN) => {
                    self.wait(PollFlags::IN, patience)?;
                    continue;
                }
                Err(Errno::CONNRESET) => return Err(ChannelError::Ended),
                Err(error) => return Err(ChannelError::System(error.into())),
            };
            let descriptors = control.drain().flat_map(|it| match it {
                RecvAncillaryMessage::ScmRights(descriptors) => descriptors.collect(),
                _ => Vec::new(),
            });
            let descriptors = descriptors.collect();
            if message.bytes == 0 {
                return Err(ChannelError::Ended);
            }
            // Where this process may have no more descriptors, the kernel leaves some out.
            if message.flags.intersects(ReturnFlags::TRUNC | ReturnFlags::CTRUNC) {
                return Err(ChannelError::Damaged);
            }
            let letter = Letter::read(&bytes[..message.bytes]).ok_or(ChannelError::Damaged)?;
            return Ok((letter, descriptors));
        }
    }

    fn wait(&self, wanted: PollFlags, patience: Patience<'_>) -> Result<(), ChannelError> {
        let left = patience.left()?;
        let left = Timespec { tv_sec: 0, tv_nsec: left.as_nanos() as _ };
        match poll(&mut [PollFd::new(&self.0, wanted)], Some(&left)) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(ChannelError::System(error.into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{Read as _, Write as _};

    use super::*;

    const SOON: Duration = Duration::from_secs(5);

    fn pair() -> (Channel, Channel) {
        let (one, other) = Channel::pair().expect("a pair");
        (one, Channel(other))
    }

    #[test]
    fn letters_come_whole_and_in_order_with_their_descriptors() {
        let (old, new) = pair();
        let pipes: Vec<_> = (0..DESCRIPTORS_MAX).map(|_| io::pipe().expect("a pipe")).collect();
        let ends: Vec<_> = pipes.iter().map(|(_, write)| write.as_fd()).collect();
        let connections: Vec<u64> = (0..DESCRIPTORS_MAX as u64).map(|it| u64::MAX - it).collect();
        let sockets = Letter::Sockets { shard: 7, connections };
        old.send(&sockets, &ends, Patience::of(SOON)).expect("sent");
        old.send(&Letter::Yours, &[], Patience::of(SOON)).expect("sent");
        let (letter, descriptors) = new.receive(Patience::of(SOON)).expect("a letter");
        assert_eq!(letter, sockets);
        assert_eq!(descriptors.len(), DESCRIPTORS_MAX);
        let last = descriptors.into_iter().next_back().expect("the last");
        File::from(last).write_all(b"!").expect("it is a pipe's");
        let mut byte = [0];
        let (mut read, _) = pipes.into_iter().next_back().expect("the last");
        read.read_exact(&mut byte).expect("it came");
        let (letter, descriptors) = new.receive(Patience::of(SOON)).expect("a letter");
        assert_eq!((letter, descriptors.len()), (Letter::Yours, 0));
    }

    #[test]
    fn the_end_of_one_is_heard_behind_what_it_sent() {
        let (old, new) = pair();
        old.send(&Letter::Yours, &[], Patience::of(SOON)).expect("sent");
        drop(old);
        assert_eq!(new.receive(Patience::of(SOON)).expect("it was sent").0, Letter::Yours);
        assert!(matches!(new.receive(Patience::of(SOON)), Err(ChannelError::Ended)));
        let sent = new.send(&Letter::Taken, &[], Patience::of(SOON));
        assert!(matches!(sent, Err(ChannelError::Ended)), "{sent:?}");
    }

    #[test]
    fn nobody_waits_for_ever() {
        let (old, _new) = pair();
        let nothing = old.receive(Patience::of(Duration::from_millis(5)));
        assert!(matches!(nothing, Err(ChannelError::Late)));
        let called_off = old.receive(Patience::new(SOON, &|| true));
        assert!(matches!(called_off, Err(ChannelError::CalledOff)));
        let full = (0..100_000).find_map(|_| {
            old.send(&Letter::Taken, &[], Patience::of(Duration::from_millis(5))).err()
        });
        assert!(matches!(full, Some(ChannelError::Late)), "{full:?}");
    }

    #[test]
    fn what_is_no_letter_is_an_error() {
        let (old, new) = pair();
        let said: &[&[u8]] = &[b"hello", &[0xC1; 7], &[0xDF, 0xFF, 0xFF, 0xFF, 0xFF]];
        for bytes in said {
            rustix::net::send(&new.0, bytes, SendFlags::empty()).expect("sent");
            let heard = old.receive(Patience::of(SOON));
            assert!(matches!(heard, Err(ChannelError::Damaged)), "{heard:?}");
        }
        rustix::net::send(&new.0, &[0; LETTER_MAX + 1], SendFlags::empty()).expect("sent");
        assert!(matches!(old.receive(Patience::of(SOON)), Err(ChannelError::Damaged)));
    }
}
