//! What becomes of people whose connection is lost.

use std::collections::VecDeque;

use whisper_core::limits::KEPT_MESSAGES;
use whisper_core::shard::Shard;
use whisper_core::time::{Micros, Span};

use super::rules::Passed;
use super::{Auditor, Standing, Verdict, Violation, ensure};
use crate::person::Who;

/// Somebody's trouble with their connection.
#[derive(Default)]
pub(super) struct Loss {
    /// Nothing reaches them, and the engine doesn't know.
    deaf: bool,
    /// Since when they are waited for.
    absent: Option<Micros>,
    /// They are coming again; and whether they must be let in.
    comes: Option<bool>,
    /// How their chat ended, as they were told and didn't hear.
    end: Option<&'static str>,
    /// What they were told before that, and didn't hear.
    unheard: VecDeque<Passed>,
    /// They were told that their partner is away.
    partner_away: bool,
}

impl Loss {
    pub(super) fn is_absent(&self) -> bool {
        self.absent.is_some()
    }

    /// They are coming again, and need not be let in.
    pub(super) fn may_be_refused(&self) -> bool {
        self.comes == Some(false)
    }

    pub(super) fn is_deaf(&self) -> bool {
        self.deaf
    }

    /// What somebody who is back hears of a chat that is over, next.
    pub(super) fn heard_late(&mut self) -> Option<Passed> {
        if self.deaf { None } else { self.unheard.pop_front() }
    }

    fn is_due(&self, now: Micros, grace: Span) -> bool {
        self.absent.is_some_and(|since| now.since(since) >= grace)
    }
}

impl Auditor {
    /// Nothing reaches somebody from here on.
    pub(crate) fn deafens(&mut self, who: Who) {
        self.lives[who.0].loss.deaf = true;
        self.note_loss(who);
    }

    /// The engine sees that a connection is lost. Whether it must wait for its person.
    pub(crate) fn loses(&mut self, now: Micros, who: Who) -> bool {
        self.note_loss(who);
        let resumable = self.guest_of(who, |guest| guest.resumable);
        let life = &mut self.lives[who.0];
        if resumable == Some(true) {
            life.loss.absent = Some(now);
        } else if life.standing != Standing::Idle {
            self.departs(now, who);
        }
        resumable == Some(true)
    }

    /// It has seen so, and waits or doesn't.
    pub(crate) fn has_lost(
        &mut self,
        now: Micros,
        who: Who,
        (must, waits): (bool, bool),
    ) -> Verdict {
        let life = &mut self.lives[who.0];
        ensure!(waits || !must, "{who:?} is lost in a chat, and not waited for");
        match life.standing {
            // They may have missed how it ended.
            Standing::Idle if waits => life.loss.absent = Some(now),
            Standing::Idle => self.departs(now, who),
            Standing::Gone => ensure!(!waits, "{who:?} is waited for in no chat"),
            Standing::Queued { .. } | Standing::Chatting { .. } => {}
        }
        Ok(())
    }

    /// Somebody comes again who has heard so much. Whether the engine must take them back.
    pub(crate) fn comes_again(&mut self, now: Micros, who: Who, last_seq: u64) -> bool {
        let grace = self.settings.resume_grace;
        let resumable = self.guest_of(who, |guest| guest.resumable) == Some(true);
        let told = self.side_of(who, "").map_or(0, |(room, side)| {
            let room = &self.rooms[&room];
            let others = room.underway[1 - side].iter().filter(|it| !it.is_line());
            room.said[1 - side] + others.count() as u64
        });
        let life = &mut self.lives[who.0];
        let chats = matches!(life.standing, Standing::Chatting { .. });
        let kept = told.saturating_sub(last_seq) <= KEPT_MESSAGES as u64;
        let must = chats && resumable && kept && !life.loss.is_due(now, grace);
        life.loss.comes = Some(must);
        must
    }

    /// They are told something as somebody new.
    pub(crate) fn greets(&self, who: Who, landing: bool) -> Verdict {
        ensure!(landing, "{who:?} is told something by a connection that is none of theirs");
        Ok(())
    }

    /// Their session has the new connection.
    pub(crate) fn is_back(&mut self, who: Who) {
        let loss = &mut self.lives[who.0].loss;
        (loss.deaf, loss.absent, loss.comes) = (false, None, None);
        if let Ok((room, side)) = self.side_of(who, "") {
            let room = self.rooms.get_mut(&room).expect("people chat in rooms");
            let mut missed = std::mem::take(&mut room.unheard[side]);
            missed.append(&mut room.underway[1 - side]);
            room.underway[1 - side] = missed;
        }
    }

    /// They came, and were taken for somebody new.
    pub(crate) fn is_not_back(&mut self, now: Micros, who: Who, must: bool) -> Verdict {
        ensure!(!must, "{who:?} came back in time, and was taken for somebody new");
        if self.lives[who.0].standing != Standing::Gone {
            self.departs(now, who);
        }
        Ok(())
    }

    /// Of a chat that is over, somebody who didn't hear hears it when they are back.
    pub(super) fn hears_the_end_again(&mut self, who: Who, told: &str) -> Result<bool, Violation> {
        let life = &mut self.lives[who.0];
        if life.loss.deaf || life.standing != Standing::Idle {
            return Ok(false);
        }
        let Some(end) = life.loss.end else { return Ok(false) };
        ensure!(end == told, "{who:?} was told {end}, and is told {told}");
        let unheard = life.loss.unheard.len();
        ensure!(unheard == 0, "{who:?} missed {unheard} messages before {told}");
        Ok(true)
    }

    /// The chat of somebody ends, which they may not hear, nor what came before.
    pub(super) fn keeps_what_was_unheard(&mut self, who: Who, told: &'static str) {
        let Ok((room, side)) = self.side_of(who, "") else { return };
        let resumable = self.guest_of(who, |guest| guest.resumable) == Some(true);
        let loss = &mut self.lives[who.0].loss;
        loss.partner_away = false;
        if resumable {
            // Whoever hears it may yet be told again.
            loss.end = Some(told);
        }
        if loss.deaf {
            let room = self.rooms.get_mut(&room).expect("people chat in rooms");
            loss.unheard = std::mem::take(&mut room.unheard[side]);
        }
    }

    /// A partner who isn't waited for any longer is gone, and one who came too late.
    pub(super) fn partner_may_be_given_up(&mut self, now: Micros, room: &str, side: usize) {
        let Some(partner) = self.rooms[room].guests[1 - side].as_ref().map(|guest| guest.who)
        else {
            return;
        };
        let loss = &self.lives[partner.0].loss;
        if loss.may_be_refused() || loss.is_due(now, self.settings.resume_grace) {
            self.departs(now, partner);
        }
    }

    /// Somebody is told that their partner is away, or back.
    pub(super) fn partner_wavers(&mut self, who: Who, grace_ms: Option<u32>) -> Verdict {
        let (room, side) = self.side_of(who, "where the partner is")?;
        let partner = self.rooms[&room].guests[1 - side].as_ref();
        let was_lost = partner.is_some_and(|partner| partner.was_lost);
        ensure!(was_lost, "{who:?} is told of a partner who was never lost");
        let most = self.settings.resume_grace.as_millis();
        ensure!(grace_ms.is_none_or(|it| it <= most), "{who:?} is to wait for {grace_ms:?} ms");
        let loss = &mut self.lives[who.0].loss;
        if !loss.deaf {
            loss.partner_away = grace_ms.is_some();
        }
        Ok(())
    }

    /// Whoever isn't waited for any longer has had their time.
    pub(super) fn look_at_the_lost(&mut self, now: Micros, home: u16, shard: &Shard) -> Verdict {
        for number in 0..self.lives.len() {
            let (who, life) = (Who(number), &self.lives[number]);
            let Some(session) = life.session.filter(|_| life.home == home) else { continue };
            if life.loss.is_absent() && life.loss.comes.is_none() && !shard.is_absent(session) {
                let due = life.loss.is_due(now, self.settings.resume_grace);
                ensure!(due, "{who:?} isn't waited for as long as is said");
                self.departs(now, who);
            }
        }
        Ok(())
    }

    /// Everything said to somebody who is there has arrived; and they know where their partner is.
    pub(super) fn has_heard_all(&self, who: Who) -> Verdict {
        let (room, side) = self.side_of(who, "")?;
        let (life, room) = (&self.lives[who.0], &self.rooms[&room]);
        let was_lost = room.guests[side].as_ref().is_some_and(|guest| guest.was_lost);
        let lasting = |said: &&Passed| !(was_lost && said.is_fleeting());
        let deaf = room.underway[1 - side].iter().filter(lasting).count();
        ensure!(deaf == 0, "{deaf} messages to {who:?} were lost");
        let away = self.partner_of(who).map(|partner| self.lives[partner.0].loss.is_absent());
        let told = life.loss.partner_away;
        ensure!(
            life.loss.deaf || away == Some(told),
            "{who:?} takes their partner for away: {told}"
        );
        Ok(())
    }

    /// Whom somebody is in a room with, as long as both are.
    pub(super) fn partner_of(&self, who: Who) -> Option<Who> {
        let (room, side) = self.side_of(who, "").ok()?;
        let partner = self.rooms[&room].guests[1 - side].as_ref();
        partner.filter(|partner| partner.here).map(|partner| partner.who)
    }

    /// The chat of somebody may be over, which they haven't heard.
    pub(super) fn may_have_ended(&self, who: Who) -> bool {
        let loss = &self.lives[who.0].loss;
        let stays = |partner: Who| !self.lives[partner.0].loss.may_be_refused();
        let alone = || !self.partner_of(who).is_some_and(stays) || self.has_lost_partner(who);
        loss.may_be_refused() || loss.is_absent() && alone()
    }

    fn note_loss(&mut self, who: Who) {
        let Ok((room, side)) = self.side_of(who, "") else { return };
        let room = self.rooms.get_mut(&room).expect("people chat in rooms");
        room.guests[side].as_mut().expect("whoever chats is a guest").was_lost = true;
    }

    pub(super) fn guest_of<T>(&self, who: Who, of: impl Fn(&super::talk::Guest) -> T) -> Option<T> {
        let (room, side) = self.side_of(who, "").ok()?;
        self.rooms[&room].guests[side].as_ref().map(of)
    }
}
