//! Where effects become bytes, and messages to others.

use std::collections::VecDeque;

use tokio::sync::mpsc;
use whisper_core::ids::{Link, SessionId};
use whisper_core::limits::Heed;
use whisper_core::moderation::{Action, Severity};
use whisper_core::session::{write_message, write_payload};
use whisper_core::shard::{Effect, Effects, Envelope, Event, Offence, Shard};
use whisper_core::time::Micros;
use whisper_core::ws;
use whisper_proto::{
    Banned, ClientMessage, CloseCode, Connected, DecodeError, ErrorCode, ErrorMessage,
    ServerMessage,
};
use whisper_reactor::{ConnId, Io};
use whisper_shard_router::Port;
use whisper_store::bans::Identity;

use super::Common;
use super::abroad::Abroad;
use super::across::Across;
use super::admission::{Told, too_fast};
use super::bans::{BY_RULES, code_for, sentence};
use super::desk::Tally;
use super::filing::{Filing, Proved};
use super::guest::Who;
use super::link::{conn_of, is_abroad};
use super::standing::{known, tells_more};
use super::web::Answered;
use crate::control::{Bans, Terms, Whom};
use crate::event_log::EventLog;

/// Carries the effects of one event out.
pub(super) struct Carrier<'a> {
    pub(super) io: &'a mut Io,
    pub(super) port: &'a mut Port<Envelope>,
    pub(super) tally: &'a mut Tally,
    pub(super) told: &'a mut VecDeque<Told>,
    pub(super) abroad: &'a mut Abroad,
    pub(super) filings: &'a mpsc::Sender<Filing>,
    pub(super) log: Option<&'a mut EventLog>,
    /// What is asked of whoever is being told that they are connected.
    pub(super) challenge: Option<Vec<u8>>,
    /// Whom the event made of a connection.
    pub(super) opened: Option<SessionId>,
    /// A connection that the event had closed.
    pub(super) closed: Option<ConnId>,
    /// A shard that was sent to and is behind.
    pub(super) behind: Option<usize>,
    /// For how long, and why, rules have whoever spoke banned.
    pub(super) sentence: Option<Terms>,
    /// Who speaks, and where it is known what they can quote.
    pub(super) speaker: Option<(Identity, &'a Bans)>,
    /// What whoever spoke was found at fault for, and stays.
    pub(super) fault: Option<Severity>,
}

impl<'a> Carrier<'a> {
    pub(super) fn new(
        io: &'a mut Io,
        port: &'a mut Port<Envelope>,
        tally: &'a mut Tally,
        told: &'a mut VecDeque<Told>,
        abroad: &'a mut Abroad,
        filings: &'a mpsc::Sender<Filing>,
        log: Option<&'a mut EventLog>,
    ) -> Self {
        Self {
            io,
            port,
            tally,
            told,
            abroad,
            filings,
            log,
            challenge: None,
            opened: None,
            closed: None,
            behind: None,
            sentence: None,
            speaker: None,
            fault: None,
        }
    }

    /// Writes a message to a connection, or has the node write it that has the connection.
    #[inline]
    fn send(&mut self, link: Link, message: &ServerMessage<'_>) {
        let fleeting = is_fleeting(message);
        if is_abroad(link) {
            return self.abroad.tell(link, fleeting, |out| message.encode(out));
        }
        let (conn, protocol) = conn_of(link);
        let write = |out: &mut Vec<u8>| write_message(out, message, protocol);
        if fleeting {
            self.io.write_droppable(conn, write);
        } else {
            self.io.write(conn, write);
        }
    }

    /// The code that bans know a sentence by.
    fn code_of_sentence(&self) -> Option<String> {
        let (who, bans) = self.speaker.as_ref()?;
        code_for(who, self.sentence.as_ref()?, bans)
    }

    /// Answers what is no message.
    pub(super) fn refuse(&mut self, link: Link, error: &DecodeError) {
        let (code, message) = (ErrorCode::from(error), error.to_string());
        let error = ErrorMessage { code, message: &message, id: None, retry_after_ms: None };
        self.push(Effect::Send { link, message: &ServerMessage::Error(error) });
    }

    /// Answers what came too soon; a client that has been told often enough is closed.
    pub(super) fn hold_back(&mut self, link: Link, heed: Heed, id: Option<&str>) -> Answered {
        if let Some(error) = too_fast(heed, id) {
            self.push(Effect::Send { link, message: &error });
            return Answered::Kept;
        }
        let (conn, _) = conn_of(link);
        let code = CloseCode::RateLimited as u16;
        self.io.write(conn, |out| ws::encode_close(out, code, "too fast for too long"));
        Answered::Over
    }
}

/// Has somebody say something, and what follows from it for others than the shard.
pub(super) fn say<'a>(
    (session, who): (SessionId, Who),
    message: ClientMessage<'_>,
    (shard, now): (&mut Shard, Micros),
    carrier: &mut Carrier<'a>,
    common: &'a Common,
) {
    let more = tells_more(&message);
    carrier.speaker = Some((who.identity, &common.bans));
    take(shard, now, Event::Message { session, message }, carrier);
    let fault = carrier.fault.take();
    if more || fault.is_some() {
        let event = known((session, who), fault, (shard, now));
        take(shard, now, event, carrier);
    }
    if let Some(terms) = carrier.sentence.take()
        && !common.bans.impose_soon(Whom::Person(who.identity), terms, BY_RULES)
    {
        tracing::error!("too many bans at once: one ends with its connection");
    }
}

/// Has the shard take an event, and then what it said to itself: nobody else's event may come
/// between.
pub(super) fn take(shard: &mut Shard, now: Micros, event: Event<'_>, carrier: &mut Carrier<'_>) {
    if let Some(log) = &carrier.log {
        log.told(shard, now, &event);
    }
    shard.handle(now, event, carrier);
    while let Some(envelope) = carrier.port.recv_own() {
        let from = shard.id();
        shard.handle(now, Event::FromShard { from, envelope }, carrier);
    }
    if let Some(log) = &mut carrier.log {
        log.done(now);
    }
}

impl Effects for Carrier<'_> {
    fn push(&mut self, effect: Effect<'_>) {
        if let Some(log) = &self.log {
            log.did(&effect);
        }
        match effect {
            Effect::Send { link, message } => {
                self.tally.messages_out += 1;
                match message {
                    ServerMessage::Connected(it) if self.challenge.is_some() => {
                        let challenge = self.challenge.clone();
                        let asked = Connected { challenge: challenge.as_deref(), ..it.clone() };
                        self.send(link, &ServerMessage::Connected(asked));
                    }
                    ServerMessage::Banned(it) if let Some(code) = self.code_of_sentence() => {
                        self.send(link, &ServerMessage::Banned(Banned { code: &code, ..*it }));
                    }
                    _ => self.send(link, message),
                }
            }
            Effect::Forward { link, payload, fleeting } => {
                self.tally.messages_out += 1;
                if is_abroad(link) {
                    let write = |out: &mut Vec<u8>| out.extend_from_slice(payload);
                    return self.abroad.tell(link, fleeting, write);
                }
                let (conn, protocol) = conn_of(link);
                let write = |out: &mut Vec<u8>| write_payload(out, payload, protocol);
                if fleeting {
                    self.io.write_droppable(conn, write);
                } else {
                    self.io.write(conn, write);
                }
            }
            Effect::ToShard { to, envelope } if self.abroad.nodes.have(to) => {
                self.abroad.nodes.push(to, &Across::Said(envelope));
            }
            Effect::ToShard { to, envelope } => {
                let to = usize::from(to.shard);
                self.port.send(to, envelope);
                if to != self.port.me() && self.port.congested(to) {
                    self.behind = Some(to);
                }
            }
            Effect::Opened { session, .. } => self.opened = Some(session),
            Effect::Close { link, code } if is_abroad(link) => {
                let hosted = self.abroad.close(link, code);
                if let Some((person, who)) = hosted.and_then(|it| Some((it.person?, it.who))) {
                    self.told.push_back(Told::Gone { person, identity: who.identity });
                }
            }
            Effect::Close { link, code } => {
                let (conn, _) = conn_of(link);
                self.io.write(conn, |out| ws::encode_close(out, code as u16, ""));
                self.io.close(conn);
                self.closed = Some(conn);
            }
            Effect::Reported { reporter, accused, room, side, reason, comment, proved } => {
                let comment = comment.unwrap_or_default().to_owned();
                let proved = proved.iter().map(Proved::from).collect();
                let filing = Filing { reporter, accused, room, side, reason, comment, proved };
                self.tally.reports += 1;
                self.tally.reports_lost += u64::from(self.filings.try_send(filing).is_err());
            }
            Effect::Judged { offence, severity, action } => {
                self.tally.verdicts.count(offence, severity, action);
                let counts = offence == Offence::Message && severity > Severity::Low;
                self.fault = (counts && action < Action::Ban).then_some(severity);
            }
            Effect::Sentenced { code, severity, until, .. } => {
                self.tally.sentenced += 1;
                self.sentence = Some(sentence(code, severity, until));
            }
            Effect::Answered { link, visitor, ask, answer } => {
                self.told.push_back(Told::Admission { link, visitor, ask, answer });
            }
            Effect::Remembered { session, record } => {
                self.told.push_back(Told::Record { session, record });
            }
        }
    }
}

/// What goes stale by itself, and is not worth waiting for a slow reader.
fn is_fleeting(message: &ServerMessage<'_>) -> bool {
    matches!(
        message,
        ServerMessage::PartnerTyping { .. }
            | ServerMessage::PartnerRead { .. }
            | ServerMessage::Stats(_)
    )
}
