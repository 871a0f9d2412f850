//! The ways to the workers.

use std::sync::Arc;

use crossbeam_channel::{Sender, TrySendError};
use whisper_reactor::Notifier;

use crate::worker::{Command, Rite};

/// The way to one worker.
pub(crate) struct Line {
    /// Its mailbox.
    pub(crate) commands: Sender<Command>,
    /// Beside it: what has to do with the end of the process.
    pub(crate) rites: Sender<Rite>,
    /// Makes it look.
    pub(crate) notifier: Notifier,
}

/// The ways to all workers. Clones lead to the same.
#[derive(Clone)]
pub(crate) struct Lines(Arc<[Line]>);

impl Lines {
    /// The ways to these.
    pub(crate) fn new(lines: Vec<Line>) -> Self {
        Self(lines.into())
    }

    /// How many workers there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Asks the same of all workers. False where one has not taken it: it is gone, or so many
    /// commands behind that its mailbox is full.
    #[must_use]
    pub(super) fn tell(&self, command: &Command) -> bool {
        let mut all = true;
        for line in &*self.0 {
            all &= line.commands.try_send(command.clone()).is_ok();
            line.notifier.notify();
        }
        all
    }

    /// Has one worker perform a rite. False where its mailbox is full, or it is gone.
    #[must_use]
    pub(crate) fn have(&self, worker: usize, rite: Rite) -> bool {
        let Some(line) = self.0.get(worker) else { return false };
        let taken = line.rites.try_send(rite).is_ok();
        line.notifier.notify();
        taken
    }

    /// Has one worker, by the number of its shard, take something of which there may be much. The
    /// other half of its mailbox is left to what is asked seldom, and once.
    ///
    /// # Errors
    /// The command, where its mailbox has no room for it.
    pub(super) fn offer(&self, worker: usize, command: Command) -> Result<(), Command> {
        let Some(line) = self.0.get(worker) else { return Ok(()) };
        if !is_half_free(&line.commands) {
            return Err(command);
        }
        let offered = line.commands.try_send(command);
        line.notifier.notify();
        match offered {
            Err(TrySendError::Full(command)) => Err(command),
            // Who is gone hears nothing any more.
            Err(TrySendError::Disconnected(_)) | Ok(()) => Ok(()),
        }
    }

    /// Asks one worker, by the number of its shard. False where it has not taken it.
    #[must_use]
    pub(super) fn tell_one(&self, worker: usize, command: Command) -> bool {
        let Some(line) = self.0.get(worker) else { return false };
        let taken = line.commands.try_send(command).is_ok();
        line.notifier.notify();
        taken
    }
}

fn is_half_free(mailbox: &Sender<Command>) -> bool {
    mailbox.capacity().is_none_or(|most| 2 * mailbox.len() < most)
}

#[cfg(test)]
mod tests {
    use crossbeam_channel::bounded;
    use whisper_cluster::NodeNews;

    use super::*;

    #[test]
    fn half_of_a_mailbox_is_left_to_what_is_asked_once() {
        const ROOM: usize = 8;
        let (mailbox, _worker) = bounded(ROOM);
        while is_half_free(&mailbox) {
            mailbox.send(Command::Nodes(NodeNews::Lost { node: 1 })).expect("there is room");
        }
        assert_eq!(mailbox.len(), ROOM / 2);
    }
}
