//! What a worker has to do with reports: it passes them on, and says who somebody is, or was, whom a
//! report names. Nobody's identity goes anywhere else: not with a match, not to a partner's shard.

use std::collections::VecDeque;

use whisper_core::ids::{RoomId, SessionId, Side};
use whisper_proto::{Evidence, ReportReason};
use whisper_store::bans::Identity;

/// People who have left, and can still be reported.
const DEPARTED_MAX: usize = 16_384;

/// A report, on its way to the control thread.
#[derive(Clone, Debug)]
pub(crate) struct Filing {
    /// By whom.
    pub(crate) reporter: SessionId,
    /// On whom.
    pub(crate) accused: SessionId,
    /// Where.
    pub(crate) room: RoomId,
    /// The reporter's side of it.
    pub(crate) side: Side,
    /// For what.
    pub(crate) reason: ReportReason,
    /// What the reporter says to it.
    pub(crate) comment: String,
    /// What the accused said, proved.
    pub(crate) proved: Vec<Proved>,
}

/// A message that proved true.
#[derive(Clone, Debug)]
pub(crate) struct Proved {
    /// Its number.
    pub(crate) seq: u64,
    /// When it was said, in Unix milliseconds.
    pub(crate) unix_millis: u64,
    /// What was said.
    pub(crate) content: String,
}

impl From<&Evidence<'_>> for Proved {
    fn from(evidence: &Evidence<'_>) -> Self {
        let Evidence { seq, timestamp: unix_millis, content, .. } = *evidence;
        Self { seq, unix_millis, content: content.to_owned() }
    }
}

/// Who left lately: the last 16,384 of a reactor. Somebody who reports does so within minutes.
#[derive(Debug, Default)]
pub(super) struct Departed(VecDeque<(SessionId, Identity)>);

impl Departed {
    pub(super) fn leave(&mut self, person: SessionId, identity: Identity) {
        if self.0.len() == DEPARTED_MAX {
            self.0.pop_front();
        }
        self.0.push_back((person, identity));
    }

    pub(super) fn find(&self, person: SessionId) -> Option<Identity> {
        let latest_first = self.0.iter().rev();
        latest_first.copied().find(|(who, _)| *who == person).map(|(_, identity)| identity)
    }
}
