//! State on its way: an anonymous file in memory, sealed, with a header that says what it is and a
//! checksum over the rest. Whoever gets the descriptor can neither change it nor be surprised by a
//! change.
//!
//! ```text
//! "WHISPER>" | format: u16 | sections: u16 | lengths: u64 each | BLAKE3 of all else: 32 | sections
//! ```
//! Numbers are little-endian.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::fd::OwnedFd;

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, fcntl_get_seals, memfd_create};
use thiserror::Error;

const MAGIC: &[u8; 8] = b"WHISPER>";

/// The hash stands behind magic, format, and number and lengths of the sections.
const HASH_BYTES: usize = 32;

/// More than a shard's state ever is, in bytes: what says to be longer is damaged.
const BYTES_MAX: u64 = 64 << 30;

const SEALS: SealFlags =
    SealFlags::WRITE.union(SealFlags::SHRINK).union(SealFlags::GROW).union(SealFlags::SEAL);

/// Why a parcel can't be used.
#[derive(Debug, Error)]
pub(crate) enum ParcelError {
    /// It isn't what was sent.
    #[error("the state is damaged: {0}")]
    Damaged(&'static str),
    /// It is of another format.
    #[error("the state has format {0}, not the one that was agreed upon")]
    Foreign(u16),
    /// The system refuses.
    #[error("the state's file: {0}")]
    System(#[from] io::Error),
}

/// Seals some sections of state.
///
/// # Errors
/// Where there is no memory, or no descriptor.
pub(crate) fn seal(format: u16, sections: &[&[u8]]) -> io::Result<OwnedFd> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    // Kernels before 6.3 know no files that can't be run.
    let fd = memfd_create("whisper-state", flags | MemfdFlags::NOEXEC_SEAL)
        .or_else(|_| memfd_create("whisper-state", flags))?;
    let mut head = MAGIC.to_vec();
    head.extend_from_slice(&format.to_le_bytes());
    head.extend_from_slice(&(sections.len() as u16).to_le_bytes());
    for section in sections {
        head.extend_from_slice(&(section.len() as u64).to_le_bytes());
    }
    let hash = hash(&head, sections);
    let mut file = File::from(fd);
    file.write_all(&head)?;
    file.write_all(&hash)?;
    for section in sections {
        file.write_all(section)?;
    }
    let fd = OwnedFd::from(file);
    fcntl_add_seals(&fd, SEALS)?;
    Ok(fd)
}

/// Opens a parcel of this format and so many sections.
///
/// # Errors
/// [`ParcelError`].
pub(crate) fn open<const N: usize>(fd: OwnedFd, format: u16) -> Result<[Vec<u8>; N], ParcelError> {
    let seals = fcntl_get_seals(&fd).map_err(|_| ParcelError::Damaged("it can't be sealed"))?;
    if !seals.contains(SEALS) {
        return Err(ParcelError::Damaged("it isn't sealed"));
    }
    let mut file = File::from(fd);
    let len = file.metadata()?.len();
    file.rewind()?;
    let mut head = vec![0; MAGIC.len() + 4 + 8 * N];
    let fixed = (head.len() + HASH_BYTES) as u64;
    if len < fixed || len > BYTES_MAX {
        return Err(ParcelError::Damaged("it is too short or too long"));
    }
    file.read_exact(&mut head)?;
    let (magic, rest) = head.split_at(MAGIC.len());
    if magic != MAGIC {
        return Err(ParcelError::Damaged("it begins with something else"));
    }
    let is = u16::from_le_bytes([rest[0], rest[1]]);
    if is != format {
        return Err(ParcelError::Foreign(is));
    }
    if usize::from(u16::from_le_bytes([rest[2], rest[3]])) != N {
        return Err(ParcelError::Damaged("it has other sections"));
    }
    let lengths: Vec<u64> = rest[4..]
        .chunks_exact(8)
        .map(|it| u64::from_le_bytes(it.try_into().expect("chunks of 8")))
        .collect();
    let sum = lengths.iter().try_fold(fixed, |sum, it| sum.checked_add(*it));
    if sum != Some(len) {
        return Err(ParcelError::Damaged("its length is wrong"));
    }
    let mut told = [0; HASH_BYTES];
    file.read_exact(&mut told)?;
    let mut sections = [const { Vec::new() }; N];
    for (section, len) in sections.iter_mut().zip(lengths) {
        section.resize(len as usize, 0);
        file.read_exact(section)?;
    }
    let parts = sections.each_ref().map(|it| &it[..]);
    if hash(&head, &parts) != told {
        return Err(ParcelError::Damaged("its checksum is wrong"));
    }
    Ok(sections)
}

fn hash(head: &[u8], sections: &[&[u8]]) -> [u8; HASH_BYTES] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(head);
    for section in sections {
        hasher.update(section);
    }
    *hasher.finalize().as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_bytes(bytes: &[u8], seals: SealFlags) -> OwnedFd {
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        let mut file = File::from(memfd_create("test", flags).expect("a file"));
        file.write_all(bytes).expect("written");
        fcntl_add_seals(&file, seals).expect("sealed");
        file.into()
    }

    fn bytes_of(fd: OwnedFd) -> Vec<u8> {
        let mut file = File::from(fd);
        file.rewind().expect("it is a file");
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).expect("read");
        bytes
    }

    #[test]
    fn what_was_sealed_comes_out() {
        let parcel = seal(3, &[b"one", b"", &[7; 100_000]]).expect("sealed");
        let [one, two, three] = open(parcel, 3).expect("opened");
        assert_eq!((&one[..], &two[..], three), (&b"one"[..], &b""[..], vec![7; 100_000]));
    }

    #[test]
    fn nobody_can_change_it() {
        let parcel = seal(1, &[b"one"]).expect("sealed");
        let mut file = File::from(parcel.try_clone().expect("a copy"));
        assert!(file.write_all(b"two").is_err());
        assert!(file.set_len(0).is_err());
        let bytes = bytes_of(parcel);
        let open_to_change = of_bytes(&bytes, SealFlags::SHRINK);
        assert!(matches!(open::<1>(open_to_change, 1), Err(ParcelError::Damaged(_))));
    }

    #[test]
    fn every_damage_is_found() {
        let bytes = bytes_of(seal(1, &[b"one", b"three"]).expect("sealed"));
        assert!(open::<2>(of_bytes(&bytes, SEALS), 1).is_ok());
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            assert!(open::<2>(of_bytes(&damaged, SEALS), 1).is_err(), "byte {at}");
            assert!(open::<2>(of_bytes(&bytes[..at], SEALS), 1).is_err(), "up to {at}");
        }
        let longer = [&bytes[..], b"!"].concat();
        assert!(open::<2>(of_bytes(&longer, SEALS), 1).is_err());
        let other = open::<2>(of_bytes(&bytes, SEALS), 2);
        assert!(matches!(other, Err(ParcelError::Foreign(1))));
        assert!(open::<1>(of_bytes(&bytes, SEALS), 1).is_err(), "other sections");
    }
}
