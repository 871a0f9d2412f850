//! Connections that are lost, and people who come back.

use whisper_core::ids::SessionId;
use whisper_core::shard::{Bearer, Event};
use whisper_proto::{ClientMessage, Say};

use super::{World, link};
use crate::person::{Landing, Who};
use crate::trace::What;

impl World {
    /// Nothing reaches somebody any more, and the engine doesn't know. What they say arrives.
    pub fn deafen(&mut self, who: Who) {
        if self.people[who.0].session.is_some() && self.can_act(who) {
            self.note(who, What::Does(who, "is cut off"));
            self.people[who.0].deaf = true;
            self.auditor.deafens(who);
        }
    }

    /// The engine sees that a connection is lost. Nothing comes of it where they have none.
    pub fn lose(&mut self, who: Who) {
        if !self.can_act(who) {
            return;
        }
        let Some(session) = self.people[who.0].session.take() else { return };
        let shard = self.people[who.0].shard;
        let must_wait = self.auditor.loses(self.now, who);
        self.note(who, What::Does(who, "is lost"));
        self.feed(shard, Event::Disconnected { session, broken: true });
        let waits = self.shards[usize::from(shard)].is_absent(session);
        let person = &mut self.people[who.0];
        (person.deaf, person.lost) = (false, waits.then_some(session));
        let done = self.auditor.has_lost(self.now, who, (must_wait, waits));
        self.insist(done);
    }

    /// Somebody opens another connection, to any shard of their node, and asks for what they were in; then says
    /// again what wasn't answered. Whether they are back; otherwise they are gone.
    pub fn resume(&mut self, who: Who, landing: u16) -> bool {
        if !self.can_act(who) {
            return false;
        }
        let person = &mut self.people[who.0];
        let last_seq = person.last_seq();
        let (Some(token), Some(before)) = (person.token(), person.session.or(person.lost)) else {
            return false;
        };
        person.landing = Some(Landing::default());
        let link = link(who, person.connection + 1);
        let must = self.auditor.comes_again(self.now, who, last_seq);
        self.note(who, What::Does(who, "comes again"));
        self.feed(landing, Event::Connected { link });
        let landed = self.people[who.0].landing.as_mut().and_then(|it| it.fresh.take());
        let fresh = landed.expect("whoever connects is somebody");
        let claim = self.shards[usize::from(landing)].claim(self.now, &token);
        let Some(claim) = claim else {
            // It names a shard that is no more, and somebody who went before it did.
            return self.is_not_back(who, landing, (fresh, must));
        };
        assert_eq!(claim.session, before, "a token names its session");
        let home = self.places.place(claim.session.home());
        let bearer = if home == landing {
            self.people[who.0].landing = Some(Landing { fresh: Some(fresh) });
            Bearer::Here(fresh)
        } else {
            self.feed(landing, Event::Disconnected { session: fresh, broken: false });
            Bearer::Moved(link)
        };
        self.feed(home, Event::Resume { bearer, claim, last_seq });
        let Some(landing) = self.people[who.0].landing.take() else {
            self.say_again(who);
            return true;
        };
        let fresh = landing.fresh.expect("whoever isn't back is somebody else");
        self.is_not_back(who, home, (fresh, must))
    }

    /// They are somebody else, whose life is over here.
    fn is_not_back(&mut self, who: Who, home: u16, (fresh, must): (SessionId, bool)) -> bool {
        let person = &mut self.people[who.0];
        person.landing = None;
        (person.session, person.lost, person.deaf) = (None, None, false);
        let failed = self.auditor.is_not_back(self.now, who, must);
        self.insist(failed);
        self.feed(home, Event::Disconnected { session: fresh, broken: false });
        false
    }

    fn say_again(&mut self, who: Who) {
        for (id, content) in self.people[who.0].unanswered.clone() {
            let say = Say { content: &content, id: Some(&id), room: None };
            self.send(who, &ClientMessage::Message(say));
        }
    }

    /// Somebody says how much they have heard.
    pub fn acknowledge(&mut self, who: Who) {
        let seq = self.people[who.0].last_seq();
        self.send(who, &ClientMessage::Ack { seq });
    }
}
