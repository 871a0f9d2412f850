//! Settings: flags > environment > file > defaults, validated once.

mod cluster;
mod credential;
mod file;
mod limits;
mod manual;
mod origin;
mod reload;
mod reports;
mod tls;
mod turn;
mod web_origin;

use std::fmt::Debug;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{env, fs, io};

use clap::ArgMatches;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tracing_subscriber::filter::LevelFilter;
use whisper_core::interests::Aliases;
use whisper_core::limits::SpeechRates;
use whisper_core::match_queue::TierTimes;
use whisper_core::proxy::Forwarded;
use whisper_core::settings::{OpenLanes, Settings as CoreSettings, every_lane};
use whisper_core::time::Span;
use whisper_proto::Lane;
use whisper_store::shared::check_address;

pub(crate) use self::cluster::ClusterConfig;
use self::file::File;
pub(crate) use self::manual::{annotated, reference};
pub(crate) use self::origin::Explained;
use self::origin::Ledger;
pub(crate) use self::reload::is_reloaded;
pub(crate) use self::reports::ReportsConfig;
pub(crate) use self::tls::{CertificateSource, PemPair, TlsConfig};
pub(crate) use self::web_origin::Origins;
use crate::cli::{self, ClusterSettings, ServerUrl};
use crate::cpus;

/// Most reactors one process may have: the shards of one mesh.
const REACTORS_MAX: u16 = whisper_shard_router::PORTS_MAX as u16;

/// Where systemd says that a service keeps what lives as long as it runs.
const RUNTIME_DIRECTORY: &str = "RUNTIME_DIRECTORY";

/// The operators' socket there, or else in the data dir.
const ADMIN_SOCKET: &str = "admin.sock";

/// Where an event log ends, unless said otherwise.
const EVENT_LOG_MIB: u64 = 1_024;

/// Within how many seconds SIGTERM has everybody go elsewhere, unless said otherwise: less than
/// supervisors wait.
const DRAIN_SECS: u64 = 30;

/// The longest drain, in seconds: a day.
const DRAIN_SECS_MAX: u64 = 24 * 60 * 60;

/// What a process is run with.
#[derive(Debug)]
pub(crate) struct Config {
    /// Where people connect.
    pub(crate) listen: Vec<SocketAddr>,
    /// Where operators connect over TCP.
    pub(crate) admin: Option<SocketAddr>,
    /// Where operators connect by a Unix socket.
    pub(crate) admin_socket: PathBuf,
    /// The file with what an operator must show over TCP to do more than look.
    pub(crate) admin_token: Option<PathBuf>,
    /// Reactor threads.
    pub(crate) reactors: u16,
    /// Where the engine keeps its key.
    pub(crate) data_dir: PathBuf,
    /// The built web client.
    pub(crate) web_root: Option<PathBuf>,
    /// Rules of what may be said.
    pub(crate) rules: Option<PathBuf>,
    /// Where Redis is, in the order to be tried; nowhere where it is empty.
    pub(crate) redis: Vec<String>,
    /// The other nodes, if there are to be any.
    pub(crate) cluster: Option<ClusterConfig>,
    /// Addresses free of limits.
    pub(crate) exempt: Vec<IpNet>,
    /// Whose pages may open WebSockets.
    pub(crate) origins: Origins,
    /// Listeners that speak TLS, if any.
    pub(crate) tls: Option<TlsConfig>,
    /// Proxies that are believed.
    pub(crate) proxies: Vec<IpNet>,
    /// Of all listeners, those where connections begin with a PROXY header.
    pub(crate) proxy_protocol: Vec<SocketAddr>,
    /// Where proxies name their client elsewhere.
    pub(crate) forwarded: Option<Forwarded>,
    /// How often a client may say what.
    pub(crate) speech: SpeechRates,
    /// Where reports are kept, and what comes of them.
    pub(crate) reports: ReportsConfig,
    /// When newcomers must prove some work.
    pub(crate) challenge: ChallengeMode,
    /// WebSockets opened in a second, from which on they must where that is automatic.
    pub(crate) challenge_from: u32,
    /// Memory that is kept free, in bytes.
    pub(crate) memory_reserve: u64,
    /// Within which time SIGTERM has everybody go elsewhere.
    pub(crate) drain: Span,
    /// A process that dies may leave a core.
    pub(crate) core_dumps: bool,
    /// How much is logged.
    pub(crate) log_level: LevelFilter,
    /// Sockets of one reactor; bounded by RLIMIT_NOFILE as well.
    pub(crate) per_reactor: u32,
    /// How often a quiet socket is pinged.
    pub(crate) ping_interval: Span,
    /// Where the event log goes, if one is kept.
    pub(crate) event_log: Option<PathBuf>,
    /// Bytes at which it ends.
    pub(crate) event_log_max: u64,
    /// How long a request's head may take, TLS and all.
    pub(crate) head_max: Span,
    /// What every shard is told.
    pub(crate) core: Arc<CoreSettings>,
}

/// When newcomers must prove some work before they may look for a partner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ChallengeMode {
    /// Never.
    Off,
    /// While far more come than people do.
    Auto,
    /// Always.
    On,
}

impl ChallengeMode {
    /// As it is written.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Auto => "auto",
            Self::On => "on",
        }
    }
}

/// What is spoken on a listener.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Service {
    /// HTTP and WebSocket.
    #[default]
    Plain,
    /// The same within TLS.
    Tls,
    /// HTTP, and only to say where TLS is.
    Redirect,
}

/// Why a configuration can't be used. Each says whose line to mend.
#[derive(Debug, Error)]
pub(crate) enum ConfigError {
    /// A file can't be read.
    #[error("can't read {}: {error}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A file has a mistake.
    #[error("{}:{line}:{column}: {why}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// What is wrong.
        why: String,
    },
    /// A value can't be used.
    #[error("{key}: {why}")]
    Value {
        /// Which setting.
        key: &'static str,
        /// What is wrong, and what would do.
        why: String,
    },
}

impl Config {
    /// Resolves settings from all their sources.
    ///
    /// # Errors
    /// Where a file can't be read or a value can't be used.
    pub(crate) fn resolve(
        settings: cli::Settings,
        matches: &ArgMatches,
    ) -> Result<(Self, Explained), ConfigError> {
        let file = settings.config.as_deref().map(File::read).transpose()?.unwrap_or_default();
        let mut ledger = Ledger::new(matches, settings.config.clone());
        let listen = vec![SocketAddr::from(([127, 0, 0, 1], 8080))];
        let cores = u16::try_from(cpus::allowed().len()).unwrap_or(REACTORS_MAX);
        let data_dir = ledger.pick("data_dir", settings.data_dir, file.data_dir, "data".into());
        let admin_token = ledger.pick_some("admin_token", settings.admin_token, file.admin_token);
        let config = Self {
            listen: ledger.pick("listen", settings.listen, file.listen, listen),
            admin: ledger.pick_some("admin", settings.admin, file.admin),
            admin_socket: ledger.pick_following(
                "admin_socket",
                settings.admin_socket,
                file.admin_socket,
                env::var_os(RUNTIME_DIRECTORY)
                    .map_or_else(|| data_dir.clone(), PathBuf::from)
                    .join(ADMIN_SOCKET),
            ),
            admin_token: admin_token
                .map(|path| credential::locate("admin_token", &path))
                .transpose()?,
            reactors: ledger.pick_following(
                "reactors",
                settings.reactors,
                file.reactors,
                cores.clamp(1, REACTORS_MAX),
            ),
            data_dir,
            web_root: ledger.pick_some("web_root", settings.web_root, file.web_root),
            rules: ledger.pick_some("rules", settings.rules, file.rules),
            redis: redis(ledger.pick("redis", settings.redis, file.redis, Vec::new()))?,
            cluster: cluster::resolve(
                &mut ledger,
                settings.cluster,
                ClusterSettings {
                    nats: file.nats,
                    node_id: file.node_id,
                    cluster_secret_file: file.cluster_secret_file,
                    cluster_name: file.cluster_name,
                },
            )?,
            exempt: ledger.pick("exempt", settings.exempt, file.exempt, Vec::new()),
            origins: Origins::resolve(&mut ledger, settings.origin, file.origin)?,
            tls: tls::resolve(&mut ledger, settings.tls, file.tls)?,
            proxies: ledger.pick("proxies", settings.proxies, file.proxies, Vec::new()),
            proxy_protocol: ledger.pick(
                "proxy_protocol",
                settings.proxy_protocol,
                file.proxy_protocol,
                Vec::new(),
            ),
            forwarded: ledger
                .pick_some("client_ip_header", settings.client_ip_header, file.client_ip_header)
                .map(forwarded)
                .transpose()?,
            event_log: ledger.pick_some("event_log", settings.event_log, file.event_log),
            event_log_max: ledger
                .pick(
                    "event_log_max_mib",
                    settings.event_log_max_mib,
                    file.event_log_max_mib,
                    EVENT_LOG_MIB,
                )
                .saturating_mul(1 << 20),
            speech: limits::speech(&mut ledger, &file.limits)?,
            reports: reports::resolve(&mut ledger, settings.reports, file.reports)?,
            challenge: ledger.file_only("challenge.mode", file.challenge.mode, ChallengeMode::Auto),
            challenge_from: ledger.file_only(
                "challenge.upgrades_per_second",
                file.challenge.upgrades_per_second,
                2_000,
            ),
            memory_reserve: ledger.file_only(
                "limits.memory_reserve_mib",
                file.limits.memory_reserve_mib,
                512,
            ) << 20,
            drain: Span::secs(ledger.pick(
                "drain_secs",
                settings.drain_secs,
                file.drain_secs,
                DRAIN_SECS,
            )),
            core_dumps: ledger.pick("core_dumps", settings.core_dumps, file.core_dumps, false),
            log_level: log_level(&ledger.pick(
                "log_level",
                settings.log_level,
                file.log_level,
                LevelFilter::INFO.to_string(),
            ))?,
            per_reactor: ledger.file_only("people.per_reactor", file.people.per_reactor, 65_536),
            ping_interval: Span::millis(ledger.file_only(
                "people.ping_interval_ms",
                file.people.ping_interval_ms,
                30_000,
            )),
            head_max: Span::millis(ledger.file_only(
                "people.head_max_ms",
                file.people.head_max_ms,
                10_000,
            )),
            core: Arc::new(CoreSettings {
                ice: turn::resolve(&mut ledger, settings.turn, file.turn)?,
                ..core_settings(&mut ledger, file.matching, &file.people, &file.limits)?
            }),
        };
        config.validate()?;
        Ok((config, ledger.explained()))
    }

    /// Where people connect, and what is spoken there.
    pub(crate) fn listeners(&self) -> impl Iterator<Item = (Service, SocketAddr)> {
        let tls = self.tls.iter();
        let secure =
            tls.clone().flat_map(|tls| &tls.listen).map(|address| (Service::Tls, *address));
        let redirect =
            tls.flat_map(|tls| &tls.redirect).map(|address| (Service::Redirect, *address));
        let plain = self.listen.iter().map(|address| (Service::Plain, *address));
        plain.chain(secure).chain(redirect)
    }

    fn validate(&self) -> Result<(), ConfigError> {
        let wrong = |key, why: String| Err(ConfigError::Value { key, why });
        if self.listen.is_empty() && self.tls.is_none() {
            return wrong("listen", "needs at least one address, here or in tls.listen".into());
        }
        if !(1..=REACTORS_MAX).contains(&self.reactors) {
            return wrong("reactors", format!("must be 1 to {REACTORS_MAX}"));
        }
        if self.admin.is_some_and(|admin| !admin.ip().is_loopback()) {
            return wrong("admin", "must be a loopback address: it has no password".into());
        }
        if self.web_root.as_ref().is_some_and(|root| !root.join("200.html").is_file()) {
            let why = "has no 200.html: build the web client first (cargo xtask build)";
            return wrong("web_root", why.into());
        }
        let is_listener = |it: &SocketAddr| self.listeners().any(|(_, listener)| listener == *it);
        if let Some(stray) = self.proxy_protocol.iter().find(|it| !is_listener(it)) {
            return wrong(
                "proxy_protocol",
                format!("{stray} is not among the addresses of listeners"),
            );
        }
        if self.proxies.is_empty() && !self.proxy_protocol.is_empty() {
            return wrong("proxy_protocol", "needs proxies: nobody else may connect there".into());
        }
        if self.proxies.is_empty() && self.forwarded.is_some() {
            return wrong("client_ip_header", "needs proxies: nobody else is believed".into());
        }
        if self.event_log_max == 0 {
            return wrong("event_log_max_mib", "must be at least 1".into());
        }
        if self.drain > Span::secs(DRAIN_SECS_MAX) {
            return wrong(
                "drain_secs",
                format!("must be at most {DRAIN_SECS_MAX}, which is a day"),
            );
        }
        if self.per_reactor == 0 {
            return wrong("people.per_reactor", "must be at least 1".into());
        }
        if self.head_max.0 == 0 {
            return wrong("people.head_max_ms", "must be at least 1".into());
        }
        if self.ping_interval.0 < Span::secs(1).0 {
            return wrong("people.ping_interval_ms", "must be at least 1000".into());
        }
        Ok(())
    }
}

fn core_settings(
    ledger: &mut Ledger<'_>,
    matching: file::Matching,
    people: &file::People,
    limits: &file::Limits,
) -> Result<CoreSettings, ConfigError> {
    let defaults = CoreSettings::default();
    let TierTimes { single, any, again, timeout, patience } = defaults.tiers;
    let mut span = |key, file: Option<u64>, default: Span| {
        Span::millis(ledger.file_only(key, file, default.0 / 1_000))
    };
    let tiers = TierTimes {
        single: span("matching.single_after_ms", matching.single_after_ms, single),
        any: span("matching.any_after_ms", matching.any_after_ms, any),
        again: span("matching.again_after_ms", matching.again_after_ms, again),
        timeout: span("matching.timeout_ms", matching.timeout_ms, timeout),
        patience,
    };
    let cluster_after =
        span("matching.cluster_after_ms", matching.cluster_after_ms, defaults.cluster_after);
    let stats_interval =
        span("people.stats_interval_ms", people.stats_interval_ms, defaults.stats_interval);
    let idle_max = span("people.idle_max_ms", people.idle_max_ms, defaults.idle_max);
    let grace = defaults.resume_grace;
    let resume_grace = span("people.resume_grace_ms", people.resume_grace_ms, grace);
    let absent_max = ledger.file_only("people.absent_max", people.absent_max, defaults.absent_max);
    let ordered = tiers.single <= tiers.any && tiers.any <= tiers.timeout && tiers.timeout.0 > 0;
    if !ordered {
        let why = "must not be before matching.single_after_ms nor after matching.timeout_ms";
        return Err(ConfigError::Value { key: "matching.any_after_ms", why: why.into() });
    }
    let default_lanes = defaults.lanes.iter().map(lane_name).collect();
    let names = ledger.file_only("matching.lanes", matching.lanes, default_lanes);
    let aliases = ledger.pick_some("matching.aliases", None, matching.aliases);
    Ok(CoreSettings {
        tiers,
        cluster_after,
        lanes: open_lanes(&names)?,
        stats_interval,
        idle_max,
        resume_grace,
        absent_max,
        aliases: match aliases {
            Some(path) => Arc::new(read_aliases(&path)?),
            None => defaults.aliases,
        },
        admission: limits::admission(ledger, limits)?,
        ..defaults
    })
}

fn redis(addresses: Vec<ServerUrl>) -> Result<Vec<String>, ConfigError> {
    let good = |ServerUrl(address)| match check_address(&address) {
        Ok(()) => Ok(address),
        Err(error) => Err(ConfigError::Value { key: "redis", why: error.to_string() }),
    };
    addresses.into_iter().map(good).collect()
}

/// `X-Forwarded-For` is a list; any other header has one address.
fn forwarded(name: String) -> Result<Forwarded, ConfigError> {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(is_token) {
        let why = format!("{name:?} is no name of a header");
        return Err(ConfigError::Value { key: "client_ip_header", why });
    }
    Ok(match name.eq_ignore_ascii_case("x-forwarded-for") {
        true => Forwarded::For,
        false => Forwarded::Named(name.into()),
    })
}

/// How much is logged: never nothing at all.
fn log_level(name: &str) -> Result<LevelFilter, ConfigError> {
    parse_log_level(name).map_err(|why| ConfigError::Value { key: "log_level", why })
}

/// The level of this name, or why there is none.
pub(crate) fn parse_log_level(name: &str) -> Result<LevelFilter, String> {
    let level: Option<LevelFilter> = name.parse().ok().filter(|it| *it != LevelFilter::OFF);
    level.ok_or_else(|| format!("{name:?} is none of error, warn, info, debug, trace"))
}

/// Lanes are written as `adult/text/moderated`.
fn open_lanes(names: &[String]) -> Result<OpenLanes, ConfigError> {
    let mut lanes = OpenLanes::NONE;
    for name in names {
        let wrong = |why: String| ConfigError::Value { key: "matching.lanes", why };
        switch_lane(&mut lanes, name, true).map_err(wrong)?;
    }
    Ok(lanes)
}

/// Opens or closes the lane of this name, or says why that can't be.
pub(crate) fn switch_lane(lanes: &mut OpenLanes, name: &str, open: bool) -> Result<(), String> {
    let lane = every_lane()
        .find(|&lane| lane_name(lane) == name)
        .ok_or_else(|| format!("{name:?} is no lane; one is \"adult/text/moderated\""))?;
    lanes.set(lane, open);
    if lanes.contains(lane) != open {
        return Err(format!("{name:?} can't be opened: teens are always moderated"));
    }
    Ok(())
}

/// A lane as it is written.
pub(crate) fn lane_name(lane: Lane) -> String {
    format!("{}/{}/{}", lane.age, lane.mode, lane.queue)
}

fn read_aliases(path: &Path) -> Result<Aliases, ConfigError> {
    Aliases::parse(&read(path)?).map_err(|error| ConfigError::File {
        path: path.to_owned(),
        line: error.line,
        column: error.column,
        why: error.to_string(),
    })
}

fn read(path: &Path) -> Result<String, ConfigError> {
    fs::read_to_string(path)
        .map_err(|error| ConfigError::Unreadable { path: path.to_owned(), error })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_are_named_in_full() {
        let lanes = open_lanes(&["adult/text/moderated".into()]).expect("a lane");
        assert_eq!(lanes.iter().count(), 1);
        assert!(open_lanes(&["adult/text".into()]).is_err());
        assert!(open_lanes(&["teen/text/unmoderated".into()]).is_err());
    }
}
