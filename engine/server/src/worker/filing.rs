//! What a worker has to do with reports: it passes them on, and says who somebody is, or was, whom a
//! report names. Nobody's identity goes anywhere else: not with a match, not to a partner's shard.
//! Where they are of another node, it is asked there.

use std::collections::VecDeque;

use tokio::sync::mpsc;
use whisper_core::codec::{Damage, Field, Reader, Writer};
use whisper_core::ids::{RoomId, SessionId, Side};
use whisper_proto::{Evidence, ReportReason};
use whisper_shard_router::ShardId;
use whisper_store::bans::Identity;

use super::across::Across;
use super::desk::Desk;
use super::heritage::{get_person, put_person};
use super::link::{conn_of, is_abroad};

/// People who have left, and can still be reported: at the most, and of those a reactor can hold.
const DEPARTED_MAX: usize = 16_384;
const DEPARTED_SHARE: usize = 8;

/// People of other nodes who are asked about at once.
const INQUIRIES_MAX: usize = 64;

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

/// Who left lately, as many as an eighth of a reactor's sockets, 16,384 at the most. Somebody who
/// reports does so within minutes.
#[derive(Debug)]
pub(super) struct Departed {
    people: VecDeque<(SessionId, Identity)>,
    max: usize,
}

impl Departed {
    /// Of a reactor that can hold so many sockets.
    pub(super) fn of(sockets: usize) -> Self {
        let max = (sockets / DEPARTED_SHARE).clamp(1, DEPARTED_MAX);
        Self { people: VecDeque::with_capacity(max), max }
    }

    pub(super) fn leave(&mut self, person: SessionId, identity: Identity) {
        if self.people.len() == self.max {
            self.people.pop_front();
        }
        self.people.push_back((person, identity));
    }

    /// Writes down who left, the first to leave first.
    pub(super) fn put(&self, w: &mut Writer<'_>) {
        w.number(self.people.len() as u64);
        self.people.iter().for_each(|person| put_person(person, w));
    }

    pub(super) fn find(&self, person: SessionId) -> Option<Identity> {
        let latest_first = self.people.iter().rev();
        latest_first.copied().find(|(who, _)| *who == person).map(|(_, identity)| identity)
    }
}

/// Who people of other nodes are is asked there, and here is who wants to know.
#[derive(Debug, Default)]
pub(super) struct Inquiries(VecDeque<(SessionId, mpsc::Sender<Identity>)>);

/// Who somebody is, on its way to a node where they are reported.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Known(SessionId, Identity);

impl Known {
    /// This is who somebody is.
    pub(super) fn new(person: SessionId, identity: Identity) -> Self {
        Self(person, identity)
    }
}

impl Field for Known {
    fn put(&self, w: &mut Writer<'_>) {
        put_person(&(self.0, self.1), w);
    }

    fn get(r: &mut Reader<'_>) -> Result<Self, Damage> {
        get_person(r).map(|(session, identity)| Self(session, identity))
    }
}

impl Desk {
    /// Answers who somebody is, as soon as it is known. Where nobody can tell, the way back is dropped.
    pub(super) fn answer_who(&mut self, person: SessionId, answer: mpsc::Sender<Identity>) {
        if self.abroad.nodes.have(person.home()) {
            if !self.abroad.nodes.are_linked(person.node) {
                return;
            }
            self.abroad.nodes.push(person.home(), &Across::Who { person });
            let Inquiries(open) = &mut self.inquiries;
            // Those that were never answered are the oldest.
            if open.len() == INQUIRIES_MAX {
                open.pop_front();
            }
            open.push_back((person, answer));
        } else if let Some(identity) = self.identify(person) {
            // Who asked may have given up, here and below.
            let _ = answer.try_send(identity);
        }
    }

    /// A node can't tell any more who its people are.
    pub(super) fn expect_no_answers_of(&mut self, node: u16) {
        self.inquiries.0.retain(|(asked, _)| asked.node != node);
    }

    /// Tells another node who somebody is.
    pub(super) fn tell_who(&mut self, from: ShardId, person: SessionId) {
        if let Some(identity) = self.identify(person) {
            self.abroad.nodes.push(from, &Across::Known(Known::new(person, identity)));
        }
    }

    /// Another node told who somebody is.
    pub(super) fn was_told_who(&mut self, Known(person, identity): Known) {
        self.inquiries.0.retain(|(asked, answer)| {
            let is_it = *asked == person;
            if is_it {
                let _ = answer.try_send(identity);
            }
            !is_it
        });
    }

    /// Who somebody is who is at home here, or was not long ago.
    fn identify(&mut self, person: SessionId) -> Option<Identity> {
        let here = match self.shard.link_of(person) {
            Some(link) if is_abroad(link) => self.abroad.who(link).map(|it| it.identity),
            Some(link) => self.connections.get_mut(conn_of(link).0).map(|it| it.guest.identity()),
            None => None,
        };
        here.or_else(|| self.departed.find(person))
    }
}
