//! In a room: what is passed on to the partner, and how a chat ends.

use whisper_proto::{ErrorCode, Mode, Report, Said, Say, ServerMessage, Signal};

use super::absence::Words;
use super::people::{LastRoom, Missed, State, seconds};
use super::{Effect, Effects, Floor, ShardMessage};
use crate::evidence::Statement;
use crate::ids::{RoomId, SessionId, message_id};
use crate::rooms::{Ending, RoomMessage, Worth};

/// What most messages take when encoded; longer ones grow once or twice.
const ENVELOPE_BYTES: usize = 256;

impl Floor {
    /// Numbers, tags and delivers what a person says in the room at a place, and remembers it by a
    /// hash of its id.
    pub(super) fn deliver(
        &mut self,
        session: SessionId,
        place: u32,
        (say, hash): (&Say<'_>, Option<u64>),
        effects: &mut impl Effects,
    ) {
        let seq = self.rooms.say(place);
        let room = self.rooms.at(place);
        let unix_millis = self.now.unix_millis();
        let content = say.content;
        let statement = Statement { room: room.id, seq, side: room.side, unix_millis, content };
        let tag = self.notary.tag(&statement);
        let made_here;
        let id = match say.id {
            Some(id) => id,
            None => {
                made_here = message_id(seq);
                &made_here
            }
        };
        let sender_id = room.side.public_id(&room.id);
        let said = Said { id, sender_id: &sender_id, content, timestamp: unix_millis, seq, tag };
        self.relay(place, &ServerMessage::Message(said), Worth::Line, effects);
        if let Some(kept) = &mut self.rooms.at_mut(place).kept {
            kept.said(seq, hash);
        }
        if let Some(id) = say.id {
            self.tell(session, &ServerMessage::MessageAck { id, seq }, effects);
        }
    }

    /// Tells the partner something that isn't numbered.
    pub(super) fn pass_on(
        &mut self,
        session: SessionId,
        room: Option<&str>,
        message: &ServerMessage<'_>,
        worth: Worth,
        effects: &mut impl Effects,
    ) {
        if let Some(place) = self.chatting(session, room, None, effects) {
            self.relay(place, message, worth, effects);
        }
    }

    /// Passes WebRTC signalling on verbatim, where the lane allows calls.
    pub(super) fn signal(
        &mut self,
        session: SessionId,
        signal: Signal<'_>,
        effects: &mut impl Effects,
    ) {
        let Some(place) = self.chatting(session, signal.room, None, effects) else { return };
        if self.rooms.at(place).lane.mode != Mode::Text {
            self.relay(place, &ServerMessage::Signal(signal), Worth::Step, effects);
        } else {
            let why = "This is a text chat; nothing is signalled in it.";
            self.refuse(session, ErrorCode::BadMessage, why, None, effects);
        }
    }

    /// Takes a report on the present or the last partner, who isn't met again.
    pub(super) fn report(
        &mut self,
        session: SessionId,
        report: &Report<'_>,
        effects: &mut impl Effects,
    ) {
        let Some(person) = self.people.get(session) else { return };
        let present = person.place().map(|place| {
            let room = self.rooms.at(place);
            (room.id, room.side, room.partner)
        });
        let last = person.last_room().map(|last| (last.id, last.side, last.partner));
        let named = |target: &(RoomId, _, _)| report.room.is_none_or(|room| target.0.is(room));
        let Some((room, side, partner)) = present.into_iter().chain(last).find(named) else {
            if report.room.is_some() {
                return;
            }
            let why = "There is nobody you could report.";
            return self.refuse(session, ErrorCode::NoReportTarget, why, report.id, effects);
        };
        let now = self.now;
        let proves = |it: &&whisper_proto::Evidence<'_>| {
            let (seq, unix_millis, content) = (it.seq, it.timestamp, it.content);
            let statement = Statement { room, seq, side: side.other(), unix_millis, content };
            self.notary.proves(now, &statement, &it.tag)
        };
        let proved: Vec<_> = report.evidence.iter().filter(proves).copied().collect();
        effects.push(Effect::Reported {
            reporter: session,
            accused: partner,
            room,
            side,
            reason: report.reason,
            comment: report.comment,
            proved: &proved,
        });
        let Some(person) = self.people.get_mut(session) else { return };
        person.extra_mut().block(partner);
        let id = report.id.unwrap_or_default();
        self.tell(session, &ServerMessage::ReportReceived { id }, effects);
    }

    /// Ends the chat of a person who goes; they are idle then.
    pub(super) fn part(
        &mut self,
        session: SessionId,
        place: u32,
        ending: Ending,
        effects: &mut impl Effects,
    ) {
        let room = self.rooms.at(place);
        let (id, partner) = (room.id, room.partner);
        self.close_side(session, place, None);
        if partner.home() == self.me && self.in_room(partner, id).is_some() {
            return self.partner_left(partner, id, ending, effects);
        }
        let ended = RoomMessage::Ended { to: partner, room: id, ending };
        self.to_shard(partner.home(), ShardMessage::Room(ended), effects);
    }

    /// Ends the chat of a person whose partner has gone, if it is that chat they are in.
    pub(super) fn partner_left(
        &mut self,
        session: SessionId,
        room: RoomId,
        ending: Ending,
        effects: &mut impl Effects,
    ) {
        let Some((_, place)) = self.in_room(session, room) else { return };
        self.close_side(session, place, Some(ending));
        self.tell_ending(session, ending, effects);
    }

    /// Tells a person how their chat has ended.
    pub(super) fn tell_ending(
        &mut self,
        session: SessionId,
        ending: Ending,
        effects: &mut impl Effects,
    ) {
        let message = match ending {
            Ending::Skipped => ServerMessage::PartnerSkipped,
            Ending::Disconnected => ServerMessage::PartnerDisconnected,
            Ending::Drained { jitter } => return self.send_on(session, jitter, effects),
        };
        self.tell(session, &message, effects);
    }

    /// Answers what only makes sense in a chat, said by somebody who is in none. Where it names a
    /// room it is late, and dropped.
    pub(super) fn no_chat(
        &self,
        session: SessionId,
        room: Option<&str>,
        id: Option<&str>,
        effects: &mut impl Effects,
    ) {
        if room.is_none() {
            self.refuse(session, ErrorCode::NotInChat, "You are in no chat.", id, effects);
        }
    }

    /// The place of the room a person is in, if it is the one they mean.
    pub(super) fn chatting(
        &self,
        session: SessionId,
        room: Option<&str>,
        id: Option<&str>,
        effects: &mut impl Effects,
    ) -> Option<u32> {
        let Some(place) = self.people.get(session)?.place() else {
            self.no_chat(session, room, id, effects);
            return None;
        };
        room.is_none_or(|room| self.rooms.at(place).id.is(room)).then_some(place)
    }

    /// Brings a message to the partner: straight to their connection if they are of this shard,
    /// encoded to their home if not.
    fn relay(
        &mut self,
        place: u32,
        message: &ServerMessage<'_>,
        worth: Worth,
        effects: &mut impl Effects,
    ) {
        let room = self.rooms.at(place);
        let (to, id) = (room.partner, room.id);
        if to.home() == self.me
            && let Some((link, theirs)) = self.in_room(to, id)
        {
            self.census.turnover.relayed_here += 1;
            let words = Words::Plain(message);
            return self.hand_over((link, theirs), words, worth, effects);
        }
        self.census.turnover.relayed_away += 1;
        let mut payload = Vec::with_capacity(ENVELOPE_BYTES);
        message.encode(&mut payload);
        let payload = payload.into_boxed_slice();
        let deliver = RoomMessage::Deliver { to, room: id, payload, worth };
        self.to_shard(to.home(), ShardMessage::Room(deliver), effects);
    }

    /// Closes one side of a room, which the partner has ended in this way, or this side has.
    fn close_side(&mut self, session: SessionId, place: u32, by_partner: Option<Ending>) {
        let room = self.rooms.close(place);
        let Some(person) = self.people.get_mut(session) else { return };
        person.state = if person.is_here() { State::Idle } else { State::Stranded };
        person.active = seconds(self.now);
        let by_partner_too = by_partner.is_some();
        let missed = match (by_partner, room.kept) {
            (Some(ending), Some(kept)) => Some(Box::new(Missed { kept, ending })),
            (_, kept) => {
                self.shelf.free(kept);
                None
            }
        };
        person.extra_mut().come_out_of(LastRoom {
            id: room.id,
            side: room.side,
            partner: room.partner,
            ended: self.now,
            by_partner: by_partner_too,
            blocked: false,
            missed,
        });
    }
}
