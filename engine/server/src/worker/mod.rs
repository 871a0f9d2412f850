//! A core's loop: one reactor, one shard, one port of the mesh.
//!
//! A turn: send what was written and sleep; hear the sockets; hear the other shards; let what is due
//! happen; tell the other shards. Each part has a budget, so that none starves another.

mod abroad;
mod across;
mod admission;
mod bans;
mod bequeathing;
mod carrier;
mod challenge;
mod commands;
mod connections;
mod desk;
mod ending;
mod filing;
mod freezing;
mod front;
mod guest;
mod heads;
mod heritage;
mod inheriting;
mod link;
mod moving;
mod pace;
mod popularity;
mod resuming;
mod standing;
mod verdicts;
mod web;

use std::collections::VecDeque;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender};
use tokio::sync::mpsc;
use whisper_core::match_queue::Level;
use whisper_core::session::KeepAlive;
use whisper_core::shard::{Counts, Envelope, Event, Setup, Shard, Turnover};
use whisper_core::sweep::Sweep;
use whisper_core::time::{Micros, Span};
use whisper_core::ws;
use whisper_proto::CloseCode;
use whisper_reactor::{Counters, Reactor, Wait, WakeHandle};
use whisper_shard_router::{Port, Sleep};
use whisper_store::bans::BanSet;
use whisper_tls::{Identities, Tickets};

use self::abroad::Abroad;
use self::across::Nodes;
pub(crate) use self::across::{GivenUp, ToNode, address};
use self::admission::Patience;
use self::bans::Watch;
pub(crate) use self::bequeathing::{BequeathError, Piece};
pub(crate) use self::challenge::Challenges;
pub(crate) use self::commands::Command;
use self::connections::Connections;
use self::desk::Desk;
pub(crate) use self::desk::Tally;
use self::ending::Ending;
pub(crate) use self::filing::Filing;
use self::filing::{Departed, Inquiries};
pub(crate) use self::freezing::{Count, Rite};
use self::front::Front;
pub(crate) use self::guest::Door;
use self::heads::Heads;
pub(crate) use self::inheriting::{Heirloom, Heritage, InheritError};
use self::pace::Pace;
pub(crate) use self::popularity::Liked;
use self::popularity::Popularity;
use self::resuming::Absentees;
use crate::clock::{Clock, duration};
use crate::config::Service;
use crate::control::Bans;
use crate::event_log::{EventLog, ToFile};
use crate::pulse::Pulse;
use crate::room::Room;
use crate::site::Site;
use crate::tls::{self, Streams};

/// Messages from other shards that are heard in one turn.
const MESSAGES_PER_TURN: usize = 4096;

/// While messages wait for room in another shard's ring, or on their way to another node, or
/// connections for leave to move, how long
/// to sleep at most.
const RETRY: Duration = Duration::from_micros(100);

/// How finely pings are spread over their interval.
const KEEP_ALIVE_STEP: Span = Span::millis(250);

/// How often the control thread is told the numbers.
const REPORT_INTERVAL: Span = Span::secs(1);

/// The same while people are sent elsewhere, which it waits for.
const REPORT_INTERVAL_ENDING: Span = Span::millis(100);

/// What a worker tells the control thread, once a second.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Report {
    /// Which worker.
    pub(crate) shard: usize,
    /// Its shard's numbers.
    pub(crate) counts: Counts,
    /// Its reactor's.
    pub(crate) reactor: Counters,
    /// Its port's.
    pub(crate) mesh: whisper_shard_router::Counters,
    /// What it did for people.
    pub(crate) tally: Tally,
    /// What its TLS connections came to.
    pub(crate) tls: tls::Tally,
    /// Sockets open now.
    pub(crate) sockets: usize,
    /// Addresses that its shard remembers.
    pub(crate) addresses: usize,
    /// How it keeps up.
    pub(crate) pace: Pace,
    /// What its shard has done for people.
    pub(crate) turnover: Turnover,
    /// People in its queue, by how far their ticket has opened up.
    pub(crate) queued_by_level: [u32; Level::COUNT],
    /// People in a chat.
    pub(crate) chatting: usize,
    /// Of them, and of those whose chat just ended: without a connection, and waited for.
    pub(crate) absent: usize,
    /// Connections of people at home on another node.
    pub(crate) visitors: usize,
    /// People at home here whose connection another node has.
    pub(crate) hosted: usize,
    /// Bytes kept for people who may have missed them.
    pub(crate) kept_bytes: usize,
    /// The fewest receive buffers that were free since the last report.
    pub(crate) buffers_free_low: u64,
    /// Messages in its fullest ring to another shard.
    pub(crate) mesh_depth: usize,
    /// Messages for which there is no room in a ring.
    pub(crate) mesh_waiting: usize,
    /// An event log is kept of it.
    pub(crate) is_logged: bool,
}

/// What all workers of a process share the knowledge of.
pub(crate) struct Common {
    /// The time.
    pub(crate) clock: Clock,
    /// Whether every shard turns.
    pub(crate) pulse: Pulse,
    /// The web client.
    pub(crate) site: Arc<Site>,
    /// By the tag of a listener: what is spoken there.
    pub(crate) services: Vec<Service>,
    /// By the tag of a listener: whether its connections begin with a PROXY header.
    pub(crate) proxied: Vec<bool>,
    /// Where TLS is spoken, for those who come without.
    pub(crate) https_port: u16,
    /// For how many seconds browsers that came by TLS shall not try without.
    pub(crate) hsts_secs: u32,
    /// What is asked of newcomers.
    pub(crate) challenges: Arc<Challenges>,
    /// Whether there is room for more.
    pub(crate) room: Room,
    /// Where bans are decided upon.
    pub(crate) bans: Bans,
    /// How often a quiet socket is pinged.
    pub(crate) ping_interval: Span,
    /// How long a request's head may take.
    pub(crate) head_max: Span,
    /// How to wake each shard.
    pub(crate) wakes: Vec<WakeHandle>,
}

/// What one worker is made from, beside its reactor.
pub(crate) struct Parts {
    /// Its listening sockets.
    pub(crate) listeners: Vec<TcpListener>,
    /// Its end of the mesh.
    pub(crate) port: Port<Envelope>,
    /// Its shard's.
    pub(crate) shard: Setup,
    /// Where there are other nodes: what they read by whose a token is.
    pub(crate) ways: Option<[u8; 32]>,
    /// Where its event log goes, if one is kept.
    pub(crate) log: Option<ToFile>,
    /// What it shows, where it speaks TLS.
    pub(crate) tls: Option<(Arc<Identities>, Tickets)>,
    /// Who may come in, to begin with.
    pub(crate) door: Arc<Door>,
    /// The bans to begin with.
    pub(crate) bans: Arc<BanSet>,
    /// From the control thread.
    pub(crate) commands: Receiver<Command>,
    /// From whatever has the process handed over.
    pub(crate) rites: Receiver<Rite>,
    /// To the control thread.
    pub(crate) reports: Sender<Report>,
    /// To the control thread: what people report of each other.
    pub(crate) filings: mpsc::Sender<Filing>,
    /// To the control thread: what goes to other nodes.
    pub(crate) to_nodes: mpsc::Sender<Vec<ToNode>>,
}

/// One core's worth of the engine.
pub(crate) struct Worker {
    reactor: Reactor,
    streams: Streams,
    desk: Desk,
    commands: Receiver<Command>,
    /// Those that wait for a thaw.
    deferred: VecDeque<Command>,
    rites: Receiver<Rite>,
    reports: Sender<Report>,
    keep_alive: Sweep,
    pace: Pace,
    /// While an operator looks what is popular.
    popularity: Option<Popularity>,
    next_report: Micros,
    ending: Option<Ending>,
}

impl Worker {
    /// A worker that accepts from its listeners as soon as it runs.
    ///
    /// # Errors
    /// Where a socket can't be listened on.
    pub(crate) fn new(
        mut reactor: Reactor,
        mut parts: Parts,
        common: Arc<Common>,
    ) -> io::Result<Self> {
        for (tag, listener) in (0..).zip(std::mem::take(&mut parts.listeners)) {
            reactor.listen(listener, tag)?;
        }
        let now = common.clock.now();
        let log = parts.log.clone().map(|to_file| EventLog::new(now, &parts.shard, to_file));
        let shard = Shard::new(now, parts.shard.clone());
        Ok(Self::with(reactor, parts, common, (now, shard, log)))
    }

    /// A worker with this shard.
    fn with(
        reactor: Reactor,
        parts: Parts,
        common: Arc<Common>,
        (now, mut shard, log): (Micros, Shard, Option<EventLog>),
    ) -> Self {
        let sockets = reactor.slots() as usize;
        let abroad = Abroad::new(Nodes::new(shard.id(), parts.to_nodes), sockets);
        shard.reserve(sockets);
        if let Some(secret) = parts.ways {
            shard.show_ways(secret);
        }
        Self {
            reactor,
            streams: Streams::new(parts.tls),
            desk: Desk {
                now,
                shard,
                port: parts.port,
                connections: Connections::with_capacity(sockets),
                paused: Vec::new(),
                homeward: VecDeque::new(),
                told: VecDeque::new(),
                decided: VecDeque::new(),
                patience: Patience::default(),
                heads: Heads::new(common.head_max),
                tally: Tally::default(),
                filings: parts.filings,
                departed: Departed::of(sockets),
                inquiries: Inquiries::default(),
                absentees: Absentees::default(),
                abroad,
                log,
                watch: Watch::new(parts.bans),
                door: parts.door,
                common,
                frozen: false,
            },
            commands: parts.commands,
            deferred: VecDeque::new(),
            rites: parts.rites,
            reports: parts.reports,
            keep_alive: Sweep::new(now, KEEP_ALIVE_STEP),
            pace: Pace::default(),
            popularity: None,
            next_report: now,
            ending: None,
        }
    }

    /// Turns until drained.
    ///
    /// # Errors
    /// The ring's, which are fatal.
    pub(crate) fn run(mut self) -> io::Result<()> {
        while !self.has_ended() {
            self.turn()?;
        }
        if let Some(log) = self.desk.log.take() {
            log.end();
        }
        Ok(())
    }

    fn turn(&mut self) -> io::Result<()> {
        self.reactor.seal(&mut self.streams);
        let wait = self.patience();
        self.reactor.wait(wait)?;
        self.pace.began(self.reactor.completions());
        self.desk.port.awake();
        self.desk.now = self.desk.common.clock.now();
        self.desk.common.pulse.beat(self.desk.port.me(), self.desk.now);

        let mut front = Front { desk: &mut self.desk, streams: &mut self.streams };
        self.reactor.dispatch(&mut front);
        let io = self.reactor.io();
        front.desk.hear_shards(io, MESSAGES_PER_TURN);
        front.go_on(io);
        self.desk.resume_paused(io);
        if !self.desk.frozen {
            self.do_what_is_due();
        }
        self.report();
        self.hear_commands();
        self.hear_rites();

        let Desk { now, port, abroad, common, log, .. } = &mut self.desk;
        log.take_if(|log| !log.turned(*now));
        abroad.nodes.flush();
        let io = self.reactor.io();
        port.flush(|to| io.wake(&common.wakes[to]));
        Ok(())
    }

    /// All that happens by itself.
    fn do_what_is_due(&mut self) {
        let io = self.reactor.io();
        self.desk.disappoint(io);
        self.desk.give_up(io);
        self.desk.travel_on(io);
        self.desk.look_around(io);
        if self.desk.shard.next_timeout() <= self.desk.now {
            self.desk.handle(io, Event::Tick);
        }
        self.keep_alive();
        self.close_some();
        self.popularity.take_if(|count| count.go_on(&self.desk.shard));
    }

    /// How long to sleep, having shown the other shards that we do.
    fn patience(&mut self) -> Wait {
        let now = self.desk.common.clock.now();
        self.pace.turned(now.since(self.desk.now));
        if self.desk.frozen {
            return match self.desk.port.prepare_sleep() {
                Sleep::No => Wait::No,
                Sleep::Briefly => Wait::For(RETRY),
                Sleep::Now => Wait::For(duration(self.next_report.since(now))),
            };
        }
        let mut due = self.desk.shard.next_timeout().min(self.next_report);
        if !self.desk.connections.is_empty() {
            due = due.min(self.keep_alive.next());
        }
        let log_due = self.desk.log.as_ref().and_then(EventLog::due);
        let others =
            [self.desk.patience.next(), self.desk.heads.next(), self.desk.abroad.next(), log_due];
        due = others.into_iter().chain([self.ending_due()]).flatten().fold(due, Micros::min);
        if due <= now
            || self.streams.is_behind()
            || self.desk.is_looking()
            || self.popularity.is_some()
            || !self.commands.is_empty()
        {
            return Wait::No;
        }
        match self.desk.port.prepare_sleep() {
            Sleep::No => Wait::No,
            Sleep::Now if !self.desk.homeward.is_empty() || self.desk.abroad.nodes.is_waiting() => {
                Wait::For(RETRY)
            }
            Sleep::Briefly => Wait::For(RETRY),
            Sleep::Now => Wait::For(duration(due.since(now))),
        }
    }

    fn keep_alive(&mut self) {
        let Desk { now, connections, common, .. } = &mut self.desk;
        let io = self.reactor.io();
        for place in self.keep_alive.due(*now, connections.span(), common.ping_interval) {
            let Some((conn, connection)) = connections.at(place) else { continue };
            match connection.session.keep_alive() {
                KeepAlive::Fine => {}
                KeepAlive::Ping => {
                    io.write(conn, |out| ws::encode_frame(out, ws::Opcode::Ping, b""));
                }
                KeepAlive::Dead => connection.say_goodbye(io, conn, "no answer to pings"),
            }
        }
    }

    fn report(&mut self) {
        if self.desk.now < self.next_report {
            return;
        }
        let interval = if self.ending.is_some() { REPORT_INTERVAL_ENDING } else { REPORT_INTERVAL };
        self.next_report = self.desk.now + interval;
        self.reactor.relax();
        let (visitors, hosted) = self.desk.abroad.counts();
        let report = Report {
            shard: self.desk.port.me(),
            counts: self.desk.shard.counts(),
            reactor: self.reactor.counters(),
            mesh: self.desk.port.counters(),
            tally: self.desk.tally,
            tls: self.streams.tally(),
            sockets: self.reactor.io().open_connections(),
            addresses: self.desk.shard.addresses(),
            pace: self.pace,
            turnover: *self.desk.shard.turnover(),
            queued_by_level: self.desk.shard.queued_by_level(),
            chatting: self.desk.shard.chatting(),
            absent: self.desk.shard.absent(),
            visitors,
            hosted,
            kept_bytes: self.desk.shard.kept_bytes(),
            buffers_free_low: self.reactor.take_low_water(),
            mesh_depth: self.desk.port.depth(),
            mesh_waiting: self.desk.port.waiting(),
            is_logged: self.desk.log.is_some(),
        };
        // A control thread that is behind gets a newer one in a second.
        let _ = self.reports.try_send(report);
    }
}

impl Common {
    /// Whether the connections of a listener begin with a PROXY header.
    fn is_proxied(&self, listener: u32) -> bool {
        self.proxied.get(listener as usize).copied().unwrap_or(false)
    }
}

impl connections::Connection {
    /// Closes with 1001, in the words of the protocol that is spoken. Nobody has said that it ends:
    /// it counts as lost.
    fn say_goodbye(
        &mut self,
        io: &mut whisper_reactor::Io,
        conn: whisper_reactor::ConnId,
        why: &str,
    ) {
        if self.session.is_websocket() {
            io.write(conn, |out| ws::encode_close(out, CloseCode::GoingAway as u16, why));
        }
        io.close(conn);
    }
}
