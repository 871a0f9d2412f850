//! From a configuration to running threads, and back.

use std::io::{self, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use crossbeam_channel::{Receiver, Sender, bounded};
use thiserror::Error;
use tokio::sync::mpsc;
use whisper_core::limits::places_spare;
use whisper_core::moderation::Rules;
use whisper_core::shard::Setup;
use whisper_reactor::{Notifier, Reactor, SetupError, WakeHandle};
use whisper_shard_router::{Placement, RING_SLOTS, ShardId, mesh};
use whisper_store::audit::Audit;
use whisper_store::reports::{PostgresError, Reports};
use whisper_store::shared::Link;
use whisper_store::sqlite::{Sqlite, SqliteError};
use whisper_store::{audit, bans, reports};
use whisper_tls::Tickets;

use crate::clock::Clock;
use crate::config::{Config, Service};
use crate::control::{
    Bans, Cluster, Control, Docket, End, Intake, Join, Line, Lines, Office, Operators, Proclaimed,
    Sealer, Siege, Source, Switches, Token, Upgrades,
};
use crate::event_log::LogFile;
use crate::log_level::LogLevel;
use crate::pulse::Pulse;
use crate::room::Room;
use crate::rules::{RulesFile, RulesFileError};
use crate::secrets::{self, ClusterSecret};
use crate::site::Site;
use crate::succession::{Binary, Desks, Door, Heir, HeirError, Switched, Will, Workers};
use crate::tls::{CertificateError, Certificates};
use crate::worker::{Challenges, Common, Door as PeopleDoor, Heritage, Parts, Worker};
use crate::{cpus, crash, listeners};

/// The number of a node that is by itself.
const NODE: u16 = 0;

/// Commands that may wait for a worker.
const COMMANDS: usize = 64;

/// What another process hands over that may wait for a worker: each has as many sockets as a packet.
const HEIRLOOMS: usize = 8;

/// Reports that may wait for the control thread.
const FILINGS: usize = 1_024;

/// Turns of a worker whose messages to other nodes may wait for the control thread.
const TURNS: usize = 4;

/// Receive buffers of a reactor, however many others it shares its core with.
const RECV_BUFFERS_MIN: u32 = 64;

/// Entries of a reactor's submission and completion rings, likewise.
const SQ_ENTRIES_MIN: u32 = 512;
/// The kernel looks for what is cancelled in a table sized by the latter: with fewer its lists are
/// longer, with more they are no shorter.
const CQ_ENTRIES_MIN: u32 = 8192;

/// Slots of the mesh from a reactor to another, likewise: 1 KiB. What doesn't fit waits in order.
const RING_SLOTS_MIN: u32 = 16;

/// Why the engine can't serve.
#[derive(Debug, Error)]
pub(crate) enum ServeError {
    /// The system refused something.
    #[error("{what}: {error}")]
    System {
        /// What was wanted.
        what: &'static str,
        /// What the system said.
        error: io::Error,
    },
    /// A reactor can't be made here.
    #[error(transparent)]
    Reactor(#[from] SetupError),
    /// Another process can't be taken over from.
    #[error(transparent)]
    Heir(#[from] HeirError),
    /// The certificates can't be used.
    #[error(transparent)]
    Certificates(#[from] CertificateError),
    /// The rules can't be used.
    #[error(transparent)]
    Rules(#[from] RulesFileError),
    /// What is kept can't be read.
    #[error(transparent)]
    Kept(#[from] SqliteError),
    /// The address of the database for reports can't be used.
    #[error(transparent)]
    Reports(#[from] PostgresError),
}

/// What a reactor's thread shows of itself before it turns.
type Face = Result<(WakeHandle, Notifier, u32), SetupError>;

/// Serves until told to stop.
///
/// # Errors
/// Where something needed can't be had, or a worker fails.
pub(crate) fn serve(
    config: &Config,
    source: Source,
    log_level: LogLevel,
    heir: Option<Heir>,
) -> Result<(), ServeError> {
    log_level.set(config.log_level);
    let system = |what| move |error| ServeError::System { what, error };
    let binary = Binary::of_this_process().map_err(system("this program"))?;
    crash::end_at_panic();
    if !config.core_dumps
        && let Err(error) = crash::leave_no_core()
    {
        tracing::error!(%error, "a process that dies may leave a core");
    }
    let secret = match &config.cluster {
        Some(cluster) => std::fs::create_dir_all(&config.data_dir)
            .and_then(|()| ClusterSecret::load(&cluster.secret_file))
            .map_err(system("the cluster's secret"))?,
        None => ClusterSecret::load_or_create(&config.data_dir).map_err(system("the data dir"))?,
    };
    let site = match &config.web_root {
        Some(root) => Site::load(root).map_err(system("the web root"))?,
        None => Site::default(),
    };
    let (certificates, tls) = match &config.tls {
        Some(tls) => {
            let (certificates, identities) = Certificates::load(&tls.source)?;
            let tickets =
                Tickets::new().map_err(|error| system("tickets")(io::Error::other(error)))?;
            (Some(certificates), Some((identities, tickets)))
        }
        None => (None, None),
    };
    let (rules_file, read) = RulesFile::load(config.rules.as_deref())?;
    let reactors = usize::from(config.reactors);
    let inheritance = heir.map(|heir| heir.introduce(config)).transpose()?;
    let agreed = inheritance.as_ref().map(|it| it.agreed.clone());
    let (doors, sockets) = match &agreed {
        Some(agreed) => (agreed.doors.clone(), (0..reactors).map(|_| Vec::new()).collect()),
        None => listen(config).map_err(system("listen"))?,
    };
    let own_operators = match agreed {
        Some(_) => None,
        None => Some(operators(config).map_err(system("admin"))?),
    };
    let log = match (config.event_log.as_deref(), &agreed) {
        (Some(path), None) => {
            Some(LogFile::create(path, config.event_log_max).map_err(system("the event log"))?)
        }
        (Some(_), Some(_)) => {
            tracing::warn!("no event log is kept: its shards would have to begin with it");
            None
        }
        (None, _) => None,
    };

    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(system("a runtime"))?;
    let areas = [audit::MIGRATIONS, bans::MIGRATIONS, reports::MIGRATIONS];
    let file = Sqlite::open(&config.data_dir, &areas)?;
    let (bans, mut office) = runtime.block_on(async {
        let start = || Link::start(config.redis.clone(), secret.node_name(&config.data_dir));
        let redis = (!config.redis.is_empty()).then(start);
        Office::open(file.clone(), secret.ban_keys(), redis).await
    })?;

    let certificates_end = tls.as_ref().and_then(|(identities, _)| identities.not_after());
    let clock = agreed.as_ref().map_or_else(Clock::start, |it| Clock::carried_on(it.moment));
    let pulse = Pulse::new(clock.now(), reactors);
    let room = Room::default();
    let key = agreed.as_ref().map_or_else(secrets::random, |it| Ok(it.challenges));
    let challenges = Arc::new(Challenges::new(key.map_err(system("randomness"))?));
    let mut siege = Siege::new(config.challenge, config.challenge_from);
    challenges.set_effort(siege.look(0));
    let door = Arc::new(PeopleDoor::of(config));
    let setups = setups(config, &secret, &read.rules).map_err(system("randomness"))?;
    let (to_control, reports) = bounded(4 * reactors);
    let (file_report, filings) = mpsc::channel(FILINGS);
    let (to_nodes, from_workers) = mpsc::channel(TURNS * reactors);
    let (end, ended) = mpsc::unbounded_channel();
    let mut threads = Vec::new();
    let mut lines = Vec::new();
    let mut wakes = Vec::new();
    let mut sockets_max = 0;
    let (taken, all_taken) = bounded(reactors);
    let mut ways = Vec::new();
    let ports = mesh(reactors, share_of_core(config, RING_SLOTS as u32, RING_SLOTS_MIN) as usize);
    for (number, ((listeners, port), shard)) in
        sockets.into_iter().zip(ports).zip(setups).enumerate()
    {
        let (commands, mailbox) = bounded(COMMANDS);
        let (rites, all_rites) = bounded(COMMANDS);
        let (tls, log, reports) = (tls.clone(), log.as_ref().map(LogFile::way), to_control.clone());
        let parts = Parts {
            listeners,
            port,
            shard,
            ways: config.cluster.as_ref().map(|_| secret.ways_key()),
            tls,
            log,
            door: Arc::clone(&door),
            bans: office.picture(),
            commands: mailbox,
            rites: all_rites,
            reports,
            filings: file_report.clone(),
            to_nodes: to_nodes.clone(),
        };
        let (show, face) = bounded(1);
        let (start, common) = bounded(1);
        let heritage = inheritance.as_ref().map(|_| {
            let (way, heirlooms) = bounded(HEIRLOOMS);
            ways.push(way);
            Heritage { heirlooms, taken: taken.clone() }
        });
        let config = reactor_config(config);
        let thread = Start { number, config, parts, heritage, show, common };
        let end = end.clone();
        let handle = thread::Builder::new()
            .name(format!("reactor-{number}"))
            .spawn(move || {
                // Nobody to tell means that the process is ending already.
                let _ = end.send(thread.run());
            })
            .map_err(system("a thread"))?;
        threads.push((handle, start));
        let Ok(face) = face.recv() else { continue };
        let (wake, notifier, slots) = face?;
        sockets_max += u64::from(slots);
        wakes.push(wake);
        lines.push(Line { commands, rites, notifier });
    }
    let common = Arc::new(Common {
        clock,
        pulse: pulse.clone(),
        site: Arc::new(site),
        services: doors.iter().map(|door| door.service).collect(),
        proxied: config.listeners().map(|(_, it)| config.proxy_protocol.contains(&it)).collect(),
        https_port: addresses_of(&doors, Service::Tls).next().map_or(443, |it| it.port()),
        hsts_secs: config.tls.as_ref().map_or(0, |tls| tls.hsts_secs),
        challenges: Arc::clone(&challenges),
        room: room.clone(),
        bans: bans.clone(),
        ping_interval: config.ping_interval,
        head_max: config.head_max,
        wakes,
    });
    let mut handles: Vec<JoinHandle<()>> = Vec::new();
    for (handle, start) in threads {
        // A thread that is gone has told why by its end.
        let _ = start.send(Arc::clone(&common));
        handles.push(handle);
    }
    let lines = Lines::new(lines);
    let token = config.admin_token.as_deref().map(Token::read).transpose();
    let token = token.map_err(system("admin"))?;
    let docket = docket(config, &secret, file.clone(), bans.clone(), clock)?;
    let (rest, rests) = mpsc::channel(1);
    let intake = Intake::new(docket, lines.clone(), filings, rests);
    let switched = Switched::of(config);
    let switches =
        Switches::new(lines.clone(), config.core.lanes, siege, Arc::clone(&challenges), log_level);
    if let Some(agreed) = &agreed {
        office.succeeds();
        switches.go_on(agreed.kept(&switched));
    }
    let proclaimed = runtime.block_on(Proclaimed::begin(read, Audit::new(file), clock))?;
    let (poised, operators) = match inheritance {
        Some(inheritance) => {
            let (poised, operators) = inheritance.take(Workers { ways, taken: all_taken })?;
            (Some(poised), Operators::inherited(operators, token))
        }
        None => (None, own_operators),
    };
    let operators = operators.ok_or(HeirError::Order)?;
    let admin_address =
        operators.tcp.as_ref().map(TcpListener::local_addr).transpose().map_err(system("admin"))?;
    let will = Will {
        binary,
        lines: lines.clone(),
        clock,
        doors: doors.clone(),
        admin: config.admin,
        admin_socket: config.admin_socket.clone(),
        operators: operators.copies().map_err(system("admin"))?,
        challenges,
        switches: (switches.clone(), switched),
        desks: Desks { bans, reports: rest },
        generation: agreed.map_or(0, |it| it.generation),
    };
    let (over, outcomes) = mpsc::unbounded_channel();
    let upgrades = Upgrades::new(will, over);
    let cluster = match &config.cluster {
        Some(cluster) => {
            let capacity = usize::from(config.reactors).min(cpus::allowed().len()) as u32;
            let nonce = u64::from_be_bytes(secrets::random().map_err(system("randomness"))?);
            let join = Join { config: cluster, secret: &secret, capacity, nonce, clock };
            let workers = (lines.clone(), from_workers);
            runtime.block_on(async { Cluster::join(join, workers) })
        }
        None => Cluster::default(),
    };
    let control = Control {
        lines,
        reports,
        ended,
        certificates,
        certificates_end,
        rules: rules_file,
        proclaimed,
        source,
        candidate: None,
        clock,
        pulse,
        room,
        memory_reserve: config.memory_reserve,
        drain: config.drain,
        switches,
        bans: common.bans.clone(),
        cluster,
        filings: file_report,
        upgrades: upgrades.clone(),
        outcomes,
    };
    // Nothing may fail from here on where this process takes over: nobody else serves then.
    let ready = || {
        let Some(poised) = poised else {
            return print_ready(&doors, admin_address, sockets_max, config);
        };
        upgrades.begun_by_taking_over(poised.begin().map_err(io::Error::other)?);
        if let Err(error) = print_ready(&doors, admin_address, sockets_max, config) {
            tracing::warn!(%error, "nobody reads that this process is ready");
        }
        Ok(())
    };
    let served = runtime
        .block_on(control.run(operators, (office, intake), ready))
        .map_err(system("the engine"));
    if !served.as_ref().is_ok_and(|end| *end == End::HandedOver) {
        // Left behind, it would be replaced by the next.
        let _ = std::fs::remove_file(&config.admin_socket);
    }
    if let Some(log) = log {
        log.close();
    }
    served.map(drop)
}

/// Binds all that is listened on, for each reactor.
fn listen(config: &Config) -> io::Result<(Vec<Door>, Vec<Vec<TcpListener>>)> {
    let reactors = usize::from(config.reactors);
    let mut sockets: Vec<Vec<TcpListener>> = (0..reactors).map(|_| Vec::new()).collect();
    let mut doors = Vec::new();
    for (_, address) in config.listeners() {
        listeners::ensure_free(address)?;
    }
    for (service, configured) in config.listeners() {
        let bound = listeners::bind(configured, reactors)?;
        doors.push(Door { service, configured, address: bound[0].local_addr()? });
        sockets.iter_mut().zip(bound).for_each(|(sockets, socket)| sockets.push(socket));
    }
    Ok((doors, sockets))
}

/// Where operators are heard.
fn operators(config: &Config) -> io::Result<Operators> {
    let token = config.admin_token.as_deref().map(Token::read).transpose()?;
    let tcp = config.admin.map(listeners::bind_admin).transpose()?;
    Ok(Operators { tcp, token, socket: listeners::bind_admin_socket(&config.admin_socket)? })
}

/// Where reports are kept and decided upon.
fn docket(
    config: &Config,
    secret: &ClusterSecret,
    file: Sqlite,
    bans: Bans,
    clock: Clock,
) -> Result<Docket, ServeError> {
    let audit = Audit::new(file.clone());
    let reports = match &config.reports.url {
        Some(url) => Reports::in_postgres(file, url)?,
        None => Reports::in_file(file),
    };
    let sealer = Sealer::new(&secret.reports_key());
    Ok(Docket::new((reports, audit), bans, sealer, config.reports.policy, clock))
}

/// What a reactor's thread begins with.
struct Start {
    number: usize,
    config: whisper_reactor::Config,
    parts: Parts,
    /// Where it takes over.
    heritage: Option<Heritage>,
    show: Sender<Face>,
    common: Receiver<Arc<Common>>,
}

impl Start {
    fn run(self) -> io::Result<()> {
        let cores = cpus::allowed();
        let core = cores[self.number % cores.len()];
        if let Err(error) = cpus::pin(core) {
            tracing::warn!(reactor = self.number, core, %error, "not pinned");
        }
        let reactor = match Reactor::new(self.config) {
            Ok(reactor) => reactor,
            Err(error) => {
                let _ = self.show.send(Err(error));
                return Ok(());
            }
        };
        let _ = self.show.send(Ok((reactor.wake_handle(), reactor.notifier(), reactor.slots())));
        // Without the others there is nothing to run.
        let Ok(common) = self.common.recv() else { return Ok(()) };
        match self.heritage {
            None => Worker::new(reactor, self.parts, common)?.run(),
            Some(heritage) => {
                Worker::inherit(reactor, self.parts, common, &heritage)?.map_or(Ok(()), Worker::run)
            }
        }
    }
}

/// The addresses of the listeners of a kind.
fn addresses_of(all: &[Door], wanted: Service) -> impl Iterator<Item = SocketAddr> + use<'_> {
    all.iter().filter(move |door| door.service == wanted).map(|door| door.address)
}

/// Where there are more reactors than cores, for the sake of their tables, those of a core share
/// its work, and so what one would need: buffers to receive, entries of its rings, which are 0.8 MiB
/// of memory however little happens, and slots in the mesh, of which every pair has its own.
fn share_of_core(config: &Config, whole: u32, least: u32) -> u32 {
    let per_core = u32::from(config.reactors).div_ceil(cpus::allowed().len().max(1) as u32);
    (whole / per_core).max(least).next_power_of_two()
}

/// A reactor of this process.
fn reactor_config(config: &Config) -> whisper_reactor::Config {
    let default = whisper_reactor::Config::default();
    let share = |whole, least| share_of_core(config, whole, least);
    // Half the spare places are for telling newcomers that the others are taken.
    let arrivals_max = (places_spare(config.per_reactor.into()) / 4) as u32;
    whisper_reactor::Config {
        slots: config.per_reactor,
        sq_entries: share(default.sq_entries, SQ_ENTRIES_MIN),
        cq_entries: share(default.cq_entries, CQ_ENTRIES_MIN),
        arrivals_max: if config.reactors > 1 { arrivals_max } else { 0 },
        recv_buffers: share(default.recv_buffers.into(), RECV_BUFFERS_MIN) as u16,
        ..default
    }
}

/// One setup a shard: the same secrets, and randomness of its own.
fn setups(config: &Config, secret: &ClusterSecret, rules: &Arc<Rules>) -> io::Result<Vec<Setup>> {
    let node = config.cluster.as_ref().map_or(NODE, |cluster| cluster.node);
    let placement = Placement::single_node(secret.placement_key(), node, config.reactors);
    let session_secret = secrets::random()?;
    let setup = |shard| {
        Ok(Setup {
            me: ShardId { node, shard },
            shards: config.reactors.into(),
            placement: placement.clone(),
            settings: Arc::clone(&config.core),
            rules: Arc::clone(rules),
            evidence_secret: secret.evidence_key(),
            session_secret,
            seed: secrets::random()?,
        })
    };
    (0..config.reactors).map(setup).collect()
}

fn print_ready(
    doors: &[Door],
    admin: Option<SocketAddr>,
    sockets_max: u64,
    config: &Config,
) -> io::Result<()> {
    let of = |service| addresses_of(doors, service).collect::<Vec<_>>();
    let line = serde_json::json!({
        "event": "ready",
        "listen": of(Service::Plain),
        "tls": of(Service::Tls),
        "redirect": of(Service::Redirect),
        "admin": admin,
        "adminSocket": config.admin_socket,
        "reactors": config.reactors,
        "socketsMax": sockets_max,
        "exempt": config.exempt,
        "version": env!("CARGO_PKG_VERSION"),
        "pid": std::process::id(),
    });
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}
