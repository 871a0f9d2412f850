//! The TOML file, as written. Unknown keys are errors, told with line and column.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::{ChallengeMode, ConfigError};
use crate::cli::ServerUrl;

/// A table of the file: its keys, all optional, with what they mean where no flag says so, and the
/// tables within.
macro_rules! table {
    (
        $(#[doc = $about:literal])+
        $Table:ident {
            $($(#[doc = $doc:literal])* $key:ident: $Type:ty,)*
        }
        $(tables { $($name:ident: $Within:ident,)* })?
    ) => {
        $(#[doc = $about])+
        #[derive(Debug, Default, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(super) struct $Table {
            $($(#[doc = $doc])* pub(super) $key: Option<$Type>,)*
            $($(#[serde(default)] pub(super) $name: $Within,)*)?
        }

        impl $Table {
            /// What stands here, and then what stands in the tables within.
            fn describe(table: &'static str, all: &mut Vec<Table>) {
                let keys = vec![$(Key {
                    name: stringify!($key),
                    about: concat!($($doc, "\n"),*),
                    kind: stringify!($Type),
                }),*];
                all.push(Table { name: table, about: concat!($($about, "\n"),+), keys });
                $($($Within::describe(stringify!($name), all);)*)?
            }
        }
    };
}

/// A table of the file, described.
pub(super) struct Table {
    /// Its name; none of the outermost.
    pub(super) name: &'static str,
    /// What it is about, in Markdown.
    pub(super) about: &'static str,
    /// What stands in it.
    pub(super) keys: Vec<Key>,
}

/// A key of a table, described.
pub(super) struct Key {
    /// Its name in the table.
    pub(super) name: &'static str,
    /// What it is; nothing where a flag says so.
    pub(super) about: &'static str,
    /// Its type, as it is called here.
    pub(super) kind: &'static str,
}

/// All tables of the file, the outermost first.
pub(super) fn tables() -> Vec<Table> {
    let mut all = Vec::new();
    File::describe("", &mut all);
    all
}

table! {
    /// Every key of the file; all are optional.
    File {
        listen: Vec<SocketAddr>,
        admin: SocketAddr,
        admin_socket: PathBuf,
        admin_token: PathBuf,
        reactors: u16,
        data_dir: PathBuf,
        web_root: PathBuf,
        rules: PathBuf,
        redis: Vec<ServerUrl>,
        nats: Vec<ServerUrl>,
        node_id: u16,
        cluster_secret_file: PathBuf,
        cluster_name: String,
        exempt: Vec<IpNet>,
        origin: Vec<String>,
        proxies: Vec<IpNet>,
        proxy_protocol: Vec<SocketAddr>,
        client_ip_header: String,
        event_log: PathBuf,
        event_log_max_mib: u64,
        drain_secs: u64,
        core_dumps: bool,
        log_level: String,
    }
    tables {
        tls: Tls,
        turn: Turn,
        reports: Reports,
        limits: Limits,
        challenge: Challenge,
        matching: Matching,
        people: People,
    }
}

table! {
    /// Listeners that speak TLS, and what they show.
    Tls {
        listen: Vec<SocketAddr>,
        cert: Vec<PathBuf>,
        key: Vec<PathBuf>,
        self_signed: bool,
        redirect: Vec<SocketAddr>,
        /// For so many seconds browsers that came by TLS shall not try without
        /// (`Strict-Transport-Security`); 0 says nothing about it.
        hsts_secs: u32,
    }
}

table! {
    /// Relays for calls, and what they know us by.
    Turn {
        urls: Vec<String>,
        secret: PathBuf,
        /// How long the credentials hold that a session gets, in seconds: from a minute to 30 days,
        /// and longer than anybody stays connected.
        ttl_secs: u64,
    }
}

table! {
    /// Who meets whom, and when.
    Matching {
        /// After so many milliseconds of waiting one shared interest will do; two or more do at once.
        single_after_ms: u64,
        /// After so many anybody will do, unless a person wants it otherwise.
        any_after_ms: u64,
        /// After so many, of those who settle for anybody, somebody they met lately will do.
        again_after_ms: u64,
        /// After so many nobody is looked for any more, and the person told so.
        timeout_ms: u64,
        /// After so many, of those who found nobody on their own node, the others of a cluster are
        /// asked too; sooner where so few come that nobody is to be expected by then.
        cluster_after_ms: u64,
        /// The lanes that people may join, as `adult/text/moderated`. Teens are always moderated.
        lanes: Vec<String>,
        /// A file with other names of interests, a line each: `js -> javascript`.
        aliases: PathBuf,
    }
}

table! {
    /// Connections, and what they are told.
    People {
        /// How often a quiet connection is pinged, in milliseconds; it is closed when the second ping
        /// stays without an answer.
        ping_interval_ms: u64,
        /// How long a request's head may take, TLS and all, in milliseconds.
        head_max_ms: u64,
        /// How often people who are idle or searching are told the numbers, in milliseconds. More
        /// seldom where there are many.
        stats_interval_ms: u64,
        /// After so many milliseconds in no queue and no chat, without a word, a person is
        /// disconnected.
        idle_max_ms: u64,
        /// How long a chat waits for somebody whose connection is lost, in milliseconds; 0 for not at
        /// all. Clients that say `hello` come back by themselves.
        resume_grace_ms: u64,
        /// How many people one reactor waits for at a time. Whose connection is lost beyond, their
        /// partner is told that they are gone.
        absent_max: u32,
        /// Sockets of one reactor; `RLIMIT_NOFILE` bounds them as well. A sixteenth of them, 512 at
        /// most, is kept for telling newcomers that all others are taken.
        per_reactor: u32,
    }
}

table! {
    /// What one address may hold, and how often a client may say what. A rate is
    /// `{ per_minute = 60, burst = 20 }`: so many a minute in the long run, and so many at once.
    Limits {
        /// WebSockets at once from one address.
        sockets: u32,
        /// WebSockets opened from one address.
        upgrades: PerMinute,
        /// Connections at once from one address that are no WebSocket, or none yet.
        plain_connections: u32,
        /// Plain requests from one address.
        requests: PerMinute,
        /// TLS handshakes from one address.
        handshakes: PerMinute,
        /// What a person says.
        messages: PerMinute,
        /// Notes that a person types.
        typing: PerMinute,
        /// Steps of setting up a call.
        signals: PerMinute,
        /// Searches, skips included.
        joins: PerMinute,
        /// Reports.
        reports: PerMinute,
        /// Everything else that a client says.
        others: PerMinute,
        /// Answers `rate_limited`; past these a client is closed with 4029.
        refusals: PerMinute,
        /// Memory that is kept free, in MiB: with less, newcomers are refused with 503. At least 64.
        memory_reserve_mib: u64,
    }
}

table! {
    /// What people report: where it is kept, and what comes of it.
    Reports {
        url: String,
        /// So many different people have somebody banned whom they report; 0 for never.
        ban_after: u64,
        /// Within so many hours.
        within_hours: u64,
        /// The first ban is for so many minutes; each further one is twice as long.
        ban_minutes: u64,
        /// Reports are deleted after so many days, unless held.
        retention_days: u64,
    }
}

table! {
    /// When newcomers must prove some work.
    Challenge {
        /// `off`, `on`, or `auto`: while far more come than people do.
        mode: ChallengeMode,
        /// WebSockets opened in a second from which on that is so.
        upgrades_per_second: u32,
    }
}

/// `{ per_minute = 60, burst = 20 }`
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PerMinute {
    pub(super) per_minute: u32,
    pub(super) burst: u32,
}

impl File {
    pub(super) fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = super::read(path)?;
        toml::from_str(&text).map_err(|error| {
            let (line, column) = error.span().map_or((1, 1), |span| position(&text, span.start));
            let why = error.message().to_owned();
            ConfigError::File { path: path.to_owned(), line, column, why }
        })
    }
}

/// Line and column of a byte, both from 1.
fn position(text: &str, byte: usize) -> (usize, usize) {
    let before = &text[..text.floor_char_boundary(byte)];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_from_one() {
        assert_eq!(position("a\nbc", 0), (1, 1));
        assert_eq!(position("a\nbc", 3), (2, 2));
    }
}
