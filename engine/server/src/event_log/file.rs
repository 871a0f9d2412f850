//! The file of an event log, and the thread that writes it.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::thread;

use crossbeam_channel::{Receiver, bounded};
use whisper_core::event_log::{End, Head, header};

use super::{FAREWELL_MAX, Letter, ToFile};

/// Letters that may wait: 16 MiB at most.
const LETTERS: usize = 256;

/// The file, as long as its thread runs.
pub(crate) struct LogFile {
    to_file: ToFile,
    /// Nothing comes by it but its end, which is the thread's.
    over: Receiver<()>,
}

impl LogFile {
    /// Makes the file, readable by its owner only, and begins to write. An older one of that name is
    /// kept beside it, as `….old`. At `bytes_max`, or a little before, the log ends.
    ///
    /// # Errors
    /// Where the file or the thread can't be made.
    pub(crate) fn create(path: &Path, bytes_max: u64) -> io::Result<Self> {
        Self::create_file(path, bytes_max)
            .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
    }

    fn create_file(path: &Path, bytes_max: u64) -> io::Result<Self> {
        put_aside(path)?;
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        let scribe = Scribe::begin(file, bytes_max)?;
        let (to_file, letters) = bounded(LETTERS);
        let (alive, over) = bounded(0);
        let path = path.to_owned();
        thread::Builder::new().name("event-log".into()).spawn(move || {
            scribe.run(&letters, &path);
            drop(alive);
        })?;
        Ok(Self { to_file: ToFile(to_file), over })
    }

    /// The way to it, for one worker.
    pub(crate) fn way(&self) -> ToFile {
        self.to_file.clone()
    }

    /// All workers have ended: waits until what they said is written.
    pub(crate) fn close(self) {
        drop(self.to_file);
        // A worker that hangs keeps its way; nobody waits for that one.
        let _ = self.over.recv_timeout(FAREWELL_MAX);
    }
}

/// Makes way for a new file.
fn put_aside(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_file() => {
            let mut older = OsString::from(path);
            older.push(".old");
            fs::rename(path, older)
        }
        Ok(_) => Err(io::Error::new(io::ErrorKind::AlreadyExists, "is there, and is no file")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// What the file's thread does.
pub(super) struct Scribe<W> {
    file: W,
    /// Bytes that may still be written.
    left: u64,
    /// Shards that have begun and not ended.
    begun: BTreeSet<u16>,
}

impl<W: Write> Scribe<W> {
    pub(super) fn begin(mut file: W, bytes_max: u64) -> io::Result<Self> {
        let header = header();
        file.write_all(&header)?;
        let left = bytes_max.saturating_sub(header.len() as u64);
        Ok(Self { file, left, begun: BTreeSet::new() })
    }

    /// Writes until nobody is left to send, or no more can be written.
    pub(super) fn run(mut self, letters: &Receiver<Letter>, path: &Path) {
        let path = path.display();
        while let Ok(letter) = letters.recv() {
            match self.take(letter) {
                Ok(true) => {}
                Ok(false) => {
                    return tracing::warn!(%path, "the event log is as long as it may be, and ends");
                }
                Err(error) => {
                    return tracing::warn!(%path, %error, "the event log can't be written, and ends");
                }
            }
        }
    }

    /// False where the file is full.
    fn take(&mut self, letter: Letter) -> io::Result<bool> {
        match letter {
            Letter::Records { shard, payload } => {
                self.begun.insert(shard);
                if !self.has_room_for(&payload) {
                    while let Some(shard) = self.begun.pop_first() {
                        self.write(shard, &End::Full.payload())?;
                    }
                    return Ok(false);
                }
                self.write(shard, &payload)?;
            }
            Letter::End { shard, why } => {
                if self.begun.remove(&shard) {
                    self.write(shard, &why.payload())?;
                }
            }
            // All before it is written.
            Letter::Written(_) => {}
        }
        Ok(true)
    }

    /// Whether the file may grow by a chunk, and an end for each shard.
    fn has_room_for(&self, payload: &[u8]) -> bool {
        let chunk = |payload: usize| (Head::BYTES + payload) as u64;
        let ends = self.begun.len() as u64 * chunk(End::Full.payload().len());
        chunk(payload.len()) + ends <= self.left
    }

    fn write(&mut self, shard: u16, payload: &[u8]) -> io::Result<()> {
        let mut chunk = Vec::with_capacity(Head::BYTES + payload.len());
        chunk.extend(Head::of(shard, payload).to_bytes());
        chunk.extend(payload);
        self.left = self.left.saturating_sub(chunk.len() as u64);
        self.file.write_all(&chunk)
    }
}
