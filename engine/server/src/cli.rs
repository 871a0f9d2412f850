//! The command line, as typed. What it means stands in [`crate::config`].

use std::convert::Infallible;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, CommandFactory, Parser, Subcommand};
use ipnet::IpNet;
use serde::{Deserialize, Serialize, Serializer};
use whisper_manual::{Completions, Pages};

/// Whisper: an anonymous stranger-chat engine.
#[derive(Debug, Parser)]
#[command(name = "whisper", version, about, max_term_width = 100)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The command line. Of `config show`, a bare `--origin` is short for `--origins`.
pub(crate) fn command() -> clap::Command {
    let bare = |origin: clap::Arg| origin.num_args(0..=1).default_missing_value("");
    Cli::command().mut_subcommand("config", |config| {
        config.mut_subcommand("show", |show| show.mut_arg("origin", bare))
    })
}

/// What `whisper` can do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve the engine, and the web client where a web root is set.
    ///
    /// Prints one JSON line with `"event":"ready"` and the addresses when it accepts.
    /// SIGTERM has everybody go elsewhere at an even rate within `--drain-secs`, those who chat last,
    /// and exits; a second one, or SIGINT, exits at once. SIGHUP reads the configuration again,
    /// certificates and rules included: what of it takes effect then stands in
    /// docs/configuration.md; with a mistake in it, the old one stays. SIGUSR2, and SIGHUP where
    /// another program lies by now where this one came from, have that take over with everybody who
    /// is here: see docs/handover.md.
    Serve {
        /// How.
        #[command(flatten)]
        settings: Settings,
        /// Take over from the engine that started this one, see docs/handover.md.
        #[arg(long, hide = true)]
        take_over: bool,
    },
    /// Print completions for a shell.
    Completions(Completions),
    /// Print this program's page for `man`.
    Man(Pages),
    /// Look at the configuration without serving.
    Config {
        /// What to do with it.
        #[command(subcommand)]
        command: ConfigCommand,
    },
}

/// What can be done with a configuration.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Say whether the configuration is good, and where it isn't.
    Check(Settings),
    /// Print a file with every setting at its default, and what each means.
    Default,
    /// Print the same as the page docs/configuration.md.
    #[command(hide = true)]
    Reference,
    /// Print the configuration that would be used, as TOML.
    Show {
        /// Say of each value where it came from. A bare --origin does as well.
        #[arg(long)]
        origins: bool,
        /// The settings to resolve.
        #[command(flatten)]
        settings: Settings,
    },
}

/// Settings by flag or environment. Flags go before the environment, that before the file.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Settings {
    /// A TOML file with settings; unknown keys are errors.
    #[arg(long, value_name = "FILE", env = "WHISPER_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// Where to listen for people, repeatable [default: 127.0.0.1:8080].
    #[arg(long, value_name = "ADDR", env = "WHISPER_LISTEN", value_delimiter = ',')]
    pub(crate) listen: Option<Vec<SocketAddr>>,
    /// Where to listen for operators: /metrics, /ready, /health; and, with a token, all that
    /// `whisperctl` does. Loopback only. Off by default.
    #[arg(long, value_name = "ADDR", env = "WHISPER_ADMIN")]
    pub(crate) admin: Option<SocketAddr>,
    /// The operators' Unix socket, for this user and root alone
    /// [default: admin.sock in systemd's runtime directory, or else in the data dir].
    #[arg(long, value_name = "PATH", env = "WHISPER_ADMIN_SOCKET")]
    pub(crate) admin_socket: Option<PathBuf>,
    /// A file with the token that operators show over TCP, as `credential:NAME` too; without one
    /// they can only look there.
    #[arg(long, value_name = "FILE", env = "WHISPER_ADMIN_TOKEN")]
    pub(crate) admin_token: Option<PathBuf>,
    /// Reactors; more than the cores where one table of sockets per reactor doesn't suffice
    /// [default: one for each core this process may use].
    #[arg(long, value_name = "N", env = "WHISPER_REACTORS")]
    pub(crate) reactors: Option<u16>,
    /// Where the engine keeps its key, and whisper.db: bans and the audit [default: data].
    #[arg(long, value_name = "DIR", env = "WHISPER_DATA_DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// The built web client to serve at /.
    #[arg(long, value_name = "DIR", env = "WHISPER_WEB_ROOT")]
    pub(crate) web_root: Option<PathBuf>,
    /// Rules of what may be said, beside those that come with the engine or in their place; see
    /// docs/moderation.md. Read again on SIGHUP and when it changes; where it has a mistake, the old
    /// rules stay.
    #[arg(long, value_name = "FILE", env = "WHISPER_RULES")]
    pub(crate) rules: Option<PathBuf>,
    /// Proxies that are believed when they say whom they speak for, repeatable.
    #[arg(long, value_name = "CIDR", env = "WHISPER_PROXIES", value_delimiter = ',')]
    pub(crate) proxies: Option<Vec<IpNet>>,
    /// Of the addresses listened on, one where every connection begins with a PROXY header,
    /// version 1 or 2, repeatable; anybody but the proxies is refused there.
    #[arg(long, value_name = "ADDR", env = "WHISPER_PROXY_PROTOCOL", value_delimiter = ',')]
    pub(crate) proxy_protocol: Option<Vec<SocketAddr>>,
    /// The header in which proxies name their client elsewhere: `X-Forwarded-For`, whose last hop
    /// that is no proxy counts, or one with a single address, as `CF-Connecting-IP`.
    #[arg(long, value_name = "NAME", env = "WHISPER_CLIENT_IP_HEADER")]
    pub(crate) client_ip_header: Option<String>,
    /// Keep what shards are told in this file, for `whisper-sim replay`: ids, hashes, kinds and
    /// sizes; never what people say or like, nor their addresses. To be guarded like a core dump:
    /// it foretells ids. An older file is kept as FILE.old. Off by default.
    #[arg(long, value_name = "FILE", env = "WHISPER_EVENT_LOG")]
    pub(crate) event_log: Option<PathBuf>,
    /// Where the event log ends, in MiB [default: 1024].
    #[arg(long, value_name = "MIB", env = "WHISPER_EVENT_LOG_MAX_MIB")]
    pub(crate) event_log_max_mib: Option<u64>,
    /// Within how many seconds SIGTERM has everybody go elsewhere; 0 for at once [default: 30].
    #[arg(long, value_name = "SECONDS", env = "WHISPER_DRAIN_SECS")]
    pub(crate) drain_secs: Option<u64>,
    /// Leave a core where the process dies: it has what people say in it, and the keys. Without it
    /// nothing but root may look into the process either.
    #[arg(long, env = "WHISPER_CORE_DUMPS", num_args = 0..=1, default_missing_value = "true")]
    pub(crate) core_dumps: Option<bool>,
    /// How much is logged: error, warn, info, debug or trace [default: info].
    #[arg(long, value_name = "LEVEL", env = "WHISPER_LOG_LEVEL")]
    pub(crate) log_level: Option<String>,
    /// A Redis that nodes share their bans and numbers by, repeatable: each further one is for when
    /// those before it don't answer. As redis://:PASSWORD@127.0.0.1:6379 or unix:/run/redis.sock.
    /// Bans are kept under the data dir alone where there is none.
    #[arg(long, value_name = "URL", env = "WHISPER_REDIS", value_delimiter = ',')]
    #[arg(hide_env_values = true)]
    pub(crate) redis: Option<Vec<ServerUrl>>,
    /// Addresses free of limits, never of bans, repeatable.
    #[arg(long, value_name = "CIDR", env = "WHISPER_EXEMPT", value_delimiter = ',')]
    pub(crate) exempt: Option<Vec<IpNet>>,
    /// The pages that may open WebSockets here, repeatable: as `https://chat.example.org`
    /// [default: those of the name that the request asks for].
    #[arg(long, value_name = "ORIGIN", env = "WHISPER_ORIGIN", value_delimiter = ',')]
    pub(crate) origin: Option<Vec<String>>,
    /// The PostgreSQL that keeps what people report, as `postgres://user:password@host/database`
    /// [default: none; reports are in the SQLite file of the data dir].
    #[arg(long, value_name = "URL", env = "WHISPER_REPORTS", hide_env_values = true)]
    pub(crate) reports: Option<String>,
    /// Settings of TLS.
    #[command(flatten)]
    pub(crate) tls: TlsSettings,
    /// Settings of relays.
    #[command(flatten)]
    pub(crate) turn: TurnSettings,
    /// Settings of a cluster.
    #[command(flatten)]
    pub(crate) cluster: ClusterSettings,
}

/// Settings of a cluster by flag or environment.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Cluster")]
pub(crate) struct ClusterSettings {
    /// A NATS server by which this node and others act as one, repeatable: each further one is for
    /// when those before it don't answer. As nats://user:password@10.0.0.1:4222, or tls:// in place
    /// of nats://. Without one the node is by itself. See docs/cluster.md.
    #[arg(long, value_name = "URL", env = "WHISPER_NATS", value_delimiter = ',')]
    #[arg(hide_env_values = true)]
    pub(crate) nats: Option<Vec<ServerUrl>>,
    /// This node's number, its own in its cluster: 0 to 65535.
    #[arg(long, value_name = "N", env = "WHISPER_NODE_ID")]
    pub(crate) node_id: Option<u16>,
    /// The file with the secret that all nodes of a cluster share, as `credential:NAME` too: 64
    /// hexadecimal digits, as the `cluster.key` that a node makes in its data dir.
    #[arg(long, value_name = "FILE", env = "WHISPER_CLUSTER_SECRET_FILE")]
    pub(crate) cluster_secret_file: Option<PathBuf>,
    /// What the cluster is called, where several share a NATS: letters, digits, - and _
    /// [default: main].
    #[arg(long, value_name = "NAME", env = "WHISPER_CLUSTER_NAME")]
    pub(crate) cluster_name: Option<String>,
}

/// Settings of relays by flag or environment.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Calls")]
pub(crate) struct TurnSettings {
    /// A STUN or TURN server that clients are told of, repeatable: as
    /// `turn:relay.example.org:3478?transport=udp`. Without one, callers learn each other's address.
    #[arg(id = "turn_urls", long = "turn-urls", value_name = "URL")]
    #[arg(env = "WHISPER_TURN_URLS", value_delimiter = ',')]
    pub(crate) urls: Option<Vec<String>>,
    /// The file with the secret that those of TURN know us by (coturn's `static-auth-secret`).
    /// `credential:NAME` is one that systemd passed.
    #[arg(id = "turn_secret", long = "turn-secret", value_name = "FILE")]
    #[arg(env = "WHISPER_TURN_SECRET")]
    pub(crate) secret: Option<PathBuf>,
}

/// Where a Redis or a NATS is. It may have a password within, and so is never shown.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub(crate) struct ServerUrl(pub(crate) String);

impl FromStr for ServerUrl {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerUrl")
    }
}

impl Serialize for ServerUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // The kind and the host, without what stands between them and an @.
        let kind = self.0.split_once("://").map_or("redis", |(kind, _)| kind);
        let host = self.0.rsplit_once('@').map(|(_, host)| format!("{kind}://…@{host}"));
        serializer.serialize_str(host.as_deref().unwrap_or(&self.0))
    }
}

/// Settings of TLS by flag or environment.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "TLS")]
pub(crate) struct TlsSettings {
    /// Where to listen for people who speak TLS, repeatable
    /// [default: 127.0.0.1:8443 where there is a certificate].
    #[arg(id = "tls_listen", long = "tls-listen", value_name = "ADDR")]
    #[arg(env = "WHISPER_TLS_LISTEN", value_delimiter = ',')]
    pub(crate) listen: Option<Vec<SocketAddr>>,
    /// A certificate with its chain, in PEM, repeatable; the first is the default. Read again on
    /// SIGHUP and when it changes. `credential:NAME` is one that systemd passed.
    #[arg(id = "tls_cert", long = "tls-cert", value_name = "FILE")]
    #[arg(env = "WHISPER_TLS_CERT", value_delimiter = ',')]
    pub(crate) cert: Option<Vec<PathBuf>>,
    /// The key of each certificate, in the same order.
    #[arg(id = "tls_key", long = "tls-key", value_name = "FILE")]
    #[arg(env = "WHISPER_TLS_KEY", value_delimiter = ',')]
    pub(crate) key: Option<Vec<PathBuf>>,
    /// Make a certificate that nobody trusts, for trying out.
    #[arg(id = "tls_self_signed", long = "tls-self-signed", env = "WHISPER_TLS_SELF_SIGNED")]
    #[arg(num_args = 0..=1, default_missing_value = "true")]
    pub(crate) self_signed: Option<bool>,
    /// Where to listen for plain HTTP only to send people to the first TLS address, repeatable.
    #[arg(id = "tls_redirect", long = "tls-redirect", value_name = "ADDR")]
    #[arg(env = "WHISPER_TLS_REDIRECT", value_delimiter = ',')]
    pub(crate) redirect: Option<Vec<SocketAddr>>,
}

impl Settings {
    /// Forgets an `--origin` without a value, and answers whether there was one.
    pub(crate) fn takes_bare_origin(&mut self) -> bool {
        self.origin.take_if(|given| given.iter().all(String::is_empty)).is_some()
    }
}
