//! What somebody is told who comes.

use whisper_proto::{Connected, ServerMessage, SessionLimits, Stats, limits};

use super::{Effect, Effects, Shard};
use crate::ids::{Link, SessionId};
use crate::resume::Claim;

/// What every client is told of the bounds.
const SESSION_LIMITS: SessionLimits = SessionLimits {
    message_bytes: limits::MESSAGE_BYTES as u32,
    content_chars: limits::CONTENT_CHARS as u32,
    interests: limits::INTERESTS as u32,
    interest_chars: limits::INTEREST_CHARS as u32,
};

impl Shard {
    pub(super) fn connected(&mut self, link: Link, effects: &mut impl Effects) {
        let stats = self.stats();
        let floor = &mut self.floor;
        let session = floor.people.arrive(floor.now, link);
        effects.push(Effect::Opened { link, session });
        self.greet(session, effects);
        let stats = Stats { total_online: stats.total_online + 1, ..stats };
        effects.push(Effect::Send { link, message: &ServerMessage::Stats(stats) });
    }

    /// Tells a person `connected`: at the beginning, and again by a driver that has something to
    /// add to it. Nobody, if they are gone; nothing changes by it.
    pub fn greet(&mut self, session: SessionId, effects: &mut impl Effects) {
        let floor = &mut self.floor;
        let Some(person) = floor.people.get(session) else { return };
        let Some(link) = person.present_link() else { return };
        let uses = person.extra().map_or(0, |extra| extra.uses);
        let token = floor.mint.seal(floor.now, Claim { session, uses });
        let user_id = floor.public_id(session);
        let ice_servers = floor.settings.ice.as_ref().map(|ice| ice.encode(floor.now, &user_id));
        let connected = ServerMessage::Connected(Connected {
            user_id: &user_id,
            resume: &token,
            server_time: floor.now.unix_millis(),
            limits: SESSION_LIMITS,
            ice_servers: ice_servers.as_deref(),
            relay_only: false,
            lanes: floor.lanes.iter().collect(),
            challenge: None,
        });
        effects.push(Effect::Send { link, message: &connected });
    }
}
