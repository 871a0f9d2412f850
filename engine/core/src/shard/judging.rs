//! What people say and like is judged where it enters, before anybody else has it; and what comes
//! of it.

use std::sync::Arc;

use whisper_proto::{Banned, CloseCode, ErrorCode, Lane, ModerationWarning, Say, ServerMessage};
use whisper_shard_router::KeyHash;

use super::standing::day;
use super::{Effect, Effects, Floor, Shard};
use crate::ids::SessionId;
use crate::interests::BadInterest;
use crate::moderation::{Action, Finding, Moderator, Rules, Scope, Severity, Tail};

/// What is said of a message that isn't delivered, beside why.
pub(super) const BLOCKED: &str = "This message was not delivered.";

/// What somebody did that rules don't allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Offence {
    /// Said it to their partner.
    Message,
    /// Asked for partners who like it.
    Interest,
}

impl Offence {
    /// In one word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Interest => "interest",
        }
    }
}

/// What was found in what somebody said or likes, for its whole life; words for the person are
/// empty where a log is run again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    severity: Severity,
    code: Box<str>,
    message: Box<str>,
}

/// Who listens: the rules, and for each room's place how its side's last lines ended.
pub(super) struct Judge {
    pub(super) moderator: Moderator,
    tails: Vec<Tail>,
    unfaulted: Unfaulted,
}

/// Interests in which nothing was found lately: most that people have, others have too, and to look
/// one up costs far less than to judge it. Hashes are keyed, so that nobody can aim at a place.
struct Unfaulted(Box<[u64; UNFAULTED]>);

/// 8 KiB a shard.
const UNFAULTED: usize = 1_024;

impl Judge {
    pub(super) fn new(moderator: Moderator) -> Self {
        Self { moderator, tails: Vec::new(), unfaulted: Unfaulted::default() }
    }

    pub(super) fn reserve(&mut self, rooms: usize) {
        self.tails.reserve_exact(rooms);
    }

    /// A chat begins in a room at this place.
    pub(super) fn attend(&mut self, place: u32) {
        let place = place as usize;
        if let Some(before) = self.tails.get_mut(place) {
            *before = Tail::default();
            return;
        }
        // Places are given from the lowest on, so that the next is never far.
        self.tails.resize_with(place + 1, Tail::default);
    }

    /// How the last lines of the side at a place have ended.
    pub(super) fn tail(&self, place: u32) -> &Tail {
        &self.tails[place as usize]
    }

    /// A chat goes on in a room at this place.
    pub(super) fn attend_from(&mut self, place: u32, tail: Tail) {
        self.attend(place);
        self.tails[place as usize] = tail;
    }

    /// Goes by other rules from here on.
    pub(super) fn replace_rules(&mut self, rules: Arc<Rules>) {
        self.moderator.replace_rules(rules);
        self.unfaulted = Unfaulted::default();
    }

    fn find_in_interest(&mut self, scope: Scope, (name, key): (&str, KeyHash)) -> Option<Found> {
        // In no scope this is 0, which stands for none.
        let mark = key.0 << 2 | (scope as u64 + 1);
        let known = &mut self.unfaulted.0[(key.0 >> 32) as usize % UNFAULTED];
        if *known == mark {
            return None;
        }
        let found = self.moderator.find_in_interest(scope, name).map(Found::from);
        if found.is_none() {
            *known = mark;
        }
        found
    }

    fn hear(&mut self, place: u32, scope: Scope, text: &str) -> Option<Finding<'_>> {
        self.moderator.hear(scope, text, &mut self.tails[place as usize])
    }
}

impl Default for Unfaulted {
    fn default() -> Self {
        Self(Box::new([0; UNFAULTED]))
    }
}

impl Found {
    /// What was found of a severity, in a log without words.
    pub(super) fn unworded(severity: Severity) -> Self {
        Self { severity, code: Box::default(), message: Box::default() }
    }
}

impl From<Finding<'_>> for Found {
    fn from(finding: Finding<'_>) -> Self {
        let Finding { rule: _, severity, code, message } = finding;
        Self { severity, code: code.into(), message: message.into() }
    }
}

impl Shard {
    /// Takes what a person says to their partner; `known` is what was found in it, where that is
    /// known already.
    pub(super) fn say(
        &mut self,
        session: SessionId,
        say: &Say<'_>,
        known: Option<Found>,
        effects: &mut impl Effects,
    ) {
        let floor = &mut self.floor;
        let Some(place) = floor.chatting(session, say.room, say.id, effects) else { return };
        let hash = floor.remembered_by(place, say.id);
        if floor.answers_repeat(session, place, say.id.zip(hash), effects) {
            return;
        }
        let found = known.or_else(|| floor.find_in_words(session, place, say.content));
        let Some(fault) = found else { return floor.deliver(session, place, (say, hash), effects) };
        let ladder = floor.judge.moderator.rules().ladder();
        let Some(person) = floor.people.get_mut(session) else { return };
        let day = day(floor.now);
        let standing = &mut person.extra_mut().standing;
        let action = standing.fault(day, fault.severity, ladder);
        let warnings = standing.on(day).warnings.into();
        let severity = fault.severity;
        effects.push(Effect::Judged { offence: Offence::Message, severity, action });
        let blocked = action >= Action::Block;
        let warning = ModerationWarning {
            message: &fault.message,
            severity: severity.on_the_wire(),
            code: &fault.code,
            warnings,
            blocked,
        };
        let warning = ServerMessage::ModerationWarning(warning);
        match action {
            Action::Allow => floor.deliver(session, place, (say, hash), effects),
            Action::Warn => {
                floor.deliver(session, place, (say, hash), effects);
                floor.tell(session, &warning, effects);
            }
            Action::Block => {
                floor.remember_blocked(place, hash);
                floor.tell(session, &warning, effects);
                floor.refuse(session, ErrorCode::Blocked, BLOCKED, say.id, effects);
            }
            Action::Ban => self.ban_for(session, &fault, effects),
        }
    }

    /// Bans somebody who did what is never tolerated, or came to the end of the ladder.
    pub(super) fn ban_for(
        &mut self,
        session: SessionId,
        fault: &Found,
        effects: &mut impl Effects,
    ) {
        let floor = &self.floor;
        let Some(person) = floor.people.get(session) else { return };
        let ladder = floor.judge.moderator.rules().ladder();
        let until = floor.now + ladder.ban(fault.severity);
        let Found { severity, code, message } = fault;
        let (link, severity) = (person.link, *severity);
        effects.push(Effect::Sentenced { link, session, severity, code, until });
        let until = Some(until.unix_millis());
        let banned = Banned { reason: message, code, until };
        self.expel(session, banned, effects);
    }

    /// Tells a person that they are banned, and ends all that they are in.
    pub(super) fn expel(
        &mut self,
        session: SessionId,
        banned: Banned<'_>,
        effects: &mut impl Effects,
    ) {
        let Some(person) = self.floor.people.get(session) else { return };
        if let Some(link) = person.present_link() {
            effects.push(Effect::Send { link, message: &ServerMessage::Banned(banned) });
            effects.push(Effect::Close { link, code: CloseCode::Banned });
        }
        self.depart(session, effects);
    }

    /// Refuses interests for what was found in them.
    pub(super) fn refuse_interests(
        &mut self,
        session: SessionId,
        fault: &Found,
        effects: &mut impl Effects,
    ) {
        let (offence, severity) = (Offence::Interest, fault.severity);
        let action = if severity == Severity::Zero { Action::Ban } else { Action::Block };
        effects.push(Effect::Judged { offence, severity, action });
        if action == Action::Ban {
            return self.ban_for(session, fault, effects);
        }
        let why = BadInterest::Unfit.to_string();
        self.floor.refuse(session, ErrorCode::BadInterests, &why, None, effects);
    }
}

impl Floor {
    /// What is wrong with what somebody says in a room: by itself, or beside what they said lately.
    fn find_in_words(&mut self, session: SessionId, place: u32, text: &str) -> Option<Found> {
        let scope = Scope::of(self.rooms.at(place).lane);
        if let Some(finding) = self.judge.hear(place, scope, text) {
            return Some(finding.into());
        }
        if !self.judge.moderator.remembers(scope) {
            return None;
        }
        let lately = &mut self.people.get_mut(session)?.extra_mut().lately;
        self.judge.moderator.recall(scope, text, lately).map(Found::from)
    }

    /// What is wrong with interests that somebody wants to be met by in a lane.
    pub(super) fn find_in_interests<'a>(
        &mut self,
        lane: Lane,
        interests: impl IntoIterator<Item = (&'a str, KeyHash)>,
    ) -> Option<Found> {
        let scope = Scope::of(lane);
        let judge = &mut self.judge;
        let faults = interests.into_iter().filter_map(|it| judge.find_in_interest(scope, it));
        faults.max_by_key(|fault| fault.severity)
    }
}
