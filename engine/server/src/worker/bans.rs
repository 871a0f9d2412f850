//! Who may not be here: newcomers are told so at once, and those who are here within a few turns
//! of a new picture of the bans.

use std::sync::Arc;

use whisper_core::http::{HeaderValue, Request, Subprotocol, Upgrade, write_switching};
use whisper_core::ids::SessionId;
use whisper_core::moderation::Severity;
use whisper_core::session::write_message;
use whisper_core::shard::{Event, Order};
use whisper_core::time::Micros;
use whisper_core::ws;
use whisper_proto::{Banned, ClientMessage, CloseCode, Hello, ServerMessage};
use whisper_reactor::{ConnId, Io};
use whisper_store::bans::{Ban, BanSet, Identity, Verdict};

use super::Common;
use super::connections::Connection;
use super::desk::Desk;
use super::guest::Guest;
use crate::config::Service;
use crate::control::{Bans, Terms};
use crate::secrets;

/// Places of the table that are looked at in one turn.
const PLACES_PER_TURN: usize = 2_048;

/// The device cookie's name.
const COOKIE: &str = "whisper_device";

/// How long browsers keep it, in seconds: 30 days from the last visit.
const COOKIE_SECS: u32 = 30 * 24 * 60 * 60;

/// The bans, as this worker knows them, and how far it has looked whom they are on.
pub(super) struct Watch {
    pub(super) set: Arc<BanSet>,
    /// The next place to look at.
    place: usize,
    /// How many are still to be looked at.
    left: usize,
    /// People's names are to be looked at too.
    users: bool,
}

impl Watch {
    /// A watch that begins with nobody to look for.
    pub(super) fn new(set: Arc<BanSet>) -> Self {
        Self { set, place: 0, left: 0, users: false }
    }
}

impl Desk {
    /// Takes a new picture. Everybody is looked at from here on, going round: pictures that come
    /// often keep nobody from being looked at.
    pub(super) fn take_bans(&mut self, set: Arc<BanSet>, users: bool) {
        let watch = &mut self.watch;
        watch.set = set;
        watch.users = users || watch.users && watch.left > 0;
        watch.left = self.connections.span();
        self.absentees.look_again();
    }

    /// Whether there is anybody to look at.
    pub(super) fn is_looking(&self) -> bool {
        self.watch.left > 0 || self.absentees.is_looking()
    }

    /// Looks at some of those who are here.
    pub(super) fn look_around(&mut self, io: &mut Io) {
        for _ in 0..self.watch.left.min(PLACES_PER_TURN) {
            self.watch.left -= 1;
            let place = self.watch.place;
            self.watch.place = if place + 1 < self.connections.span() { place + 1 } else { 0 };
            if let Some((conn, _)) = self.connections.at(place) {
                self.look_at(io, conn, self.watch.users);
            }
        }
        for _ in 0..PLACES_PER_TURN {
            if !self.absentees.is_looking() {
                break;
            }
            if let Some((person, identity)) = self.absentees.next(&self.shard) {
                self.look_for(io, person, identity, self.watch.users);
            }
        }
    }

    /// Looks whether somebody is banned; by their name too, where that may be.
    pub(super) fn look_at(&mut self, io: &mut Io, conn: ConnId, users: bool) {
        let Some(Connection { person, guest, .. }) = self.connections.get_mut(conn) else { return };
        let Some(session) = *person else { return self.turn_visitor_away(io, conn) };
        let who = guest.identity();
        if let Some(ban) = self.ban_of(session, who, users) {
            self.send_away(io, conn, &ban);
        }
    }

    /// The same for somebody who has no connection here.
    pub(super) fn look_for(&mut self, io: &mut Io, session: SessionId, who: Identity, users: bool) {
        if let Some(ban) = self.ban_of(session, who, users) {
            self.tally.banned += 1;
            let code = self.common.bans.code_of(&ban);
            self.handle(io, Event::Order(order_of(session, &ban, &code)));
        }
    }

    fn ban_of(&mut self, session: SessionId, who: Identity, users: bool) -> Option<Arc<Ban>> {
        let now = self.now.unix_millis();
        let verdict = self.watch.set.judge(now, &who);
        let mut found = match verdict {
            Verdict::Banned(ban) => Some(Arc::clone(ban)),
            Verdict::Suspect | Verdict::Free => None,
        };
        if users && let Some(ban) = self.watch.set.of_user(now, &self.shard.public_id(session)) {
            found = Some(Arc::clone(ban));
            if !self.common.bans.caught(ban, who) {
                // Looked for again with the next picture.
                tracing::error!("too many bans at once: one reaches a session only");
            }
        }
        found
    }

    /// Ends the session of somebody who is banned.
    pub(super) fn send_away(&mut self, io: &mut Io, conn: ConnId, ban: &Ban) {
        let Some(Connection { person, session: spoken, .. }) = self.connections.get_mut(conn)
        else {
            return;
        };
        let Some(session) = person.take() else { return };
        spoken.over();
        self.tally.banned += 1;
        let code = self.common.bans.code_of(ban);
        self.handle(io, Event::Order(order_of(session, ban, &code)));
    }
}

/// What a message says of who sent it.
pub(super) enum Heeded {
    /// Nothing, or nothing that matters.
    Fine,
    /// Their client says the same of itself as somebody's who is banned: they are asked for this.
    Owes(Vec<u8>),
    /// They are banned.
    Banned(Arc<Ban>),
}

/// Takes note of what a client says of its device, and looks once more whether it is banned.
pub(super) fn heed(
    guest: &mut Guest,
    message: &ClientMessage<'_>,
    (now, set, common): (Micros, &BanSet, &Common),
) -> Heeded {
    let ClientMessage::Hello(Hello { fingerprint: Some(said), .. }) = message else {
        return Heeded::Fine;
    };
    guest.say_fingerprint(common.bans.keys().fingerprint(said));
    match set.judge(now.unix_millis(), &guest.identity()) {
        Verdict::Free => Heeded::Fine,
        Verdict::Banned(ban) => Heeded::Banned(Arc::clone(ban)),
        Verdict::Suspect => match common.challenges.make_for_suspect(now) {
            // One that is owed already must be met; a proof met before doesn't speak for this.
            Some((owed, challenge)) if guest.owed().is_none() => {
                guest.owe(owed);
                Heeded::Owes(challenge)
            }
            _ => Heeded::Fine,
        },
    }
}

/// Who bans by rules, for the audit.
pub(super) const BY_RULES: &str = "engine: rules";

/// What rules have somebody banned for.
pub(super) fn sentence(code: &str, severity: Severity, until: Micros) -> Terms {
    let reason = "What was said here is against the rules.".to_owned();
    let why = format!("{code}, of severity {}", severity.as_str());
    Terms { reason, code: code.to_owned(), until: Some(until.unix_millis()), why }
}

/// The code that somebody is told whom rules have banned: what they would be told if they came
/// again.
pub(super) fn code_for(who: &Identity, terms: &Terms, bans: &Bans) -> Option<String> {
    let mut all = who.bans(&terms.reason, &terms.code, terms.until);
    bans.keys().unite(&mut all);
    all.first().map(|ban| bans.code_of(ban))
}

/// What a shard is ordered to do about somebody.
pub(super) fn order_of<'a>(session: SessionId, ban: &'a Ban, code: &'a str) -> Order<'a> {
    Order::Ban { session, banned: Banned { reason: &ban.reason, code, until: ban.until } }
}

/// Reads the device's cookie from a request for a WebSocket, or gives it a name; what is to be set.
pub(super) fn recognise(
    guest: &mut Guest,
    request: &Request<'_>,
    bans: &Bans,
    secure: bool,
) -> String {
    let known = request.cookie(COOKIE).and_then(|value| bans.keys().read_cookie(value));
    // A device without a name is only harder to tell from others; that is no reason to fail.
    let device = known.unwrap_or_else(|| secrets::random().map_or(1, u64::from_be_bytes).max(1));
    guest.name_device(device);
    let value = bans.keys().sign_cookie(device);
    let secure = if secure || guest.service == Service::Tls { "; Secure" } else { "" };
    format!("{COOKIE}={value}; Max-Age={COOKIE_SECS}; Path=/; HttpOnly; SameSite=Strict{secure}")
}

/// Answers somebody who is banned: a WebSocket that says so and ends, for a browser shows its page
/// nothing of any other refusal.
pub(super) fn turn_away(
    io: &mut Io,
    conn: ConnId,
    (upgrade, agreed): (&Upgrade<'_>, Option<Subprotocol>),
    (ban, bans): (&Ban, &Bans),
    cookie: Option<HeaderValue<'_>>,
) {
    let code = bans.code_of(ban);
    let banned = Banned { reason: &ban.reason, code: &code, until: ban.until };
    io.write(conn, |out| {
        write_switching(out, upgrade.key, agreed, cookie);
        let protocol = agreed.unwrap_or(Subprotocol::Msgpack);
        write_message(out, &ServerMessage::Banned(banned), protocol);
        ws::encode_close(out, CloseCode::Banned as u16, "");
    });
}

/// Whether this newcomer is banned.
pub(super) fn ban_on(set: &BanSet, now: Micros, guest: &Guest) -> Option<Arc<Ban>> {
    match set.judge(now.unix_millis(), &guest.identity()) {
        Verdict::Banned(ban) => Some(Arc::clone(ban)),
        Verdict::Suspect | Verdict::Free => None,
    }
}
