//! HTTP on the same listener: upgrades, health, numbers, and the web client.

use serde::Serialize;
use whisper_core::http::{
    Head, HeaderValue, Offer, Request, Status, Subprotocol, write_error, write_switching,
};
use whisper_core::shard::Shard;
use whisper_core::time::Micros;
use whisper_reactor::{ConnId, Io};
use whisper_store::bans::BanSet;

use super::Common;
use super::bans::{ban_on, recognise, turn_away};
use super::guest::{Door, Guest};
use crate::config::Service;

const PLAIN: HeaderValue<'static> = HeaderValue::from_static("text/plain; charset=utf-8");
const JSON: HeaderValue<'static> = HeaderValue::from_static("application/json");

/// What becomes of a connection after a request.
pub(super) enum Answered {
    /// It waits for the next one.
    Kept,
    /// It is a WebSocket now, with messages written in this.
    Upgraded(Subprotocol),
    /// It was told that its person is banned, and is to be closed.
    Banned,
    /// It is to be closed.
    Over,
}

/// Answers one request.
pub(super) fn answer(
    io: &mut Io,
    conn: ConnId,
    request: &Request<'_>,
    (guest, now, shard, bans, (door, common)): (
        &mut Guest,
        Micros,
        &mut Shard,
        &BanSet,
        (&Door, &Common),
    ),
) -> Answered {
    let service = guest.service;
    if service == Service::Redirect {
        return redirect(io, conn, request, common);
    }
    let secure = service == Service::Tls;
    let hsts_secs = if secure { common.hsts_secs } else { 0 };
    let kept = if request.keep_alive { Answered::Kept } else { Answered::Over };
    let mut short = |status, content_type, body: &[u8]| {
        let head = Head {
            content_type: Some(content_type),
            keep_alive: request.keep_alive,
            hsts_secs,
            ..Head::new(status)
        };
        io.write(conn, |out| head.write_with_body(out, request.method, body));
    };
    match (&request.upgrade, request.path) {
        (Some(_), "/" | "/ws") if is_foreign(request, secure, door) => {
            io.write(conn, |out| write_error(out, Status::Forbidden, request.method, None));
            return Answered::Over;
        }
        (Some(upgrade), "/" | "/ws") => {
            let agreed = match upgrade.offer {
                Offer::Ours(protocol) => Some(protocol),
                // None of what it offered is spoken here: the client decides (RFC 6455, 4.2.2).
                Offer::Unknown | Offer::Nothing => None,
            };
            let cookie = recognise(guest, request, &common.bans, secure || door.is_behind_tls);
            let cookie = HeaderValue::new(&cookie);
            if let Some(ban) = ban_on(bans, now, guest) {
                turn_away(io, conn, (upgrade, agreed), (&ban, &common.bans), cookie);
                return Answered::Banned;
            }
            io.write(conn, |out| write_switching(out, upgrade.key, agreed, cookie));
            return Answered::Upgraded(agreed.unwrap_or(Subprotocol::Msgpack));
        }
        (None, "/health") if common.pulse.is_steady(now) => short(Status::Ok, PLAIN, b"ok\n"),
        (None, "/health") => short(Status::Unavailable, PLAIN, b"a shard is stuck\n"),
        (None, "/stats") => {
            let body = serde_json::to_vec(&Numbers::of(shard)).expect("numbers are JSON");
            short(Status::Ok, JSON, &body);
        }
        (None, _) if let Some(answer) = common.site.answer(request) => {
            let head = Head { hsts_secs, ..answer.head };
            io.write(conn, |out| head.write(out));
            if let Some(body) = answer.body {
                io.write_shared(conn, body);
            }
        }
        _ => {
            io.write(conn, |out| write_error(out, Status::NotFound, request.method, None));
            return Answered::Over;
        }
    }
    kept
}

/// Whether a page that has no business here asks. Who names no page is no browser.
fn is_foreign(request: &Request<'_>, secure: bool, door: &Door) -> bool {
    request.origin.is_some_and(|origin| !door.origins.allow(origin, request.host, secure))
}

/// Says where the same is over TLS.
fn redirect(io: &mut Io, conn: ConnId, request: &Request<'_>, common: &Common) -> Answered {
    let to = request.host.and_then(|host| https(host, common.https_port, request.target));
    let head = match to.as_deref().and_then(HeaderValue::new) {
        Some(to) => Head { location: Some(to), ..Head::new(Status::PermanentRedirect) },
        None => Head::new(Status::BadRequest),
    };
    io.write(conn, |out| head.write_with_body(out, request.method, b""));
    Answered::Over
}

/// The same target of the same host, over TLS.
fn https(host: &str, port: u16, target: &str) -> Option<String> {
    let name = match host.rsplit_once(':') {
        // The last colon of an address in brackets is none before a port.
        Some((name, port)) if !port.ends_with(']') => name,
        _ => host,
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._[]:".contains(&byte);
    if name.is_empty() || !name.bytes().all(plain) {
        return None;
    }
    Some(match port {
        443 => format!("https://{name}{target}"),
        port => format!("https://{name}:{port}{target}"),
    })
}

/// The body of `GET /stats`: the fields of a `stats` message, and what is open.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Numbers {
    total_online: u64,
    in_queue: u64,
    active_chats: u64,
    avg_match_time: u32,
    /// How many nodes the numbers are of.
    nodes: u32,
    /// Other nodes can't be heard at present.
    stale: bool,
    /// Which shard answered, and serves what follows on this connection.
    shard: u16,
    lanes: Vec<OpenLane>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OpenLane {
    age_category: &'static str,
    mode: &'static str,
    queue_type: &'static str,
}

impl Numbers {
    fn of(shard: &mut Shard) -> Self {
        let stats = shard.stats();
        let lanes = shard.open_lanes().map(|lane| OpenLane {
            age_category: lane.age.as_str(),
            mode: lane.mode.as_str(),
            queue_type: lane.queue.as_str(),
        });
        Self {
            total_online: stats.total_online,
            in_queue: stats.in_queue,
            active_chats: stats.active_chats,
            avg_match_time: stats.avg_match_ms,
            nodes: shard.nodes(),
            stale: stats.stale,
            shard: shard.id().shard,
            lanes: lanes.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::https;

    #[test]
    fn the_way_to_tls_is_the_same_but_for_the_port() {
        for (host, port, expected) in [
            ("chat.example", 443, "https://chat.example/a?b=c"),
            ("chat.example:80", 443, "https://chat.example/a?b=c"),
            ("chat.example:8080", 8443, "https://chat.example:8443/a?b=c"),
            ("[::1]", 443, "https://[::1]/a?b=c"),
            ("[::1]:80", 8443, "https://[::1]:8443/a?b=c"),
        ] {
            assert_eq!(https(host, port, "/a?b=c").as_deref(), Some(expected));
        }
        for host in ["", ":80", "a b", "a/b", "user@host", "a\"b"] {
            assert_eq!(https(host, 443, "/"), None, "{host}");
        }
    }
}
