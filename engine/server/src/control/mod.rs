//! The control thread: everything slow, on one single-threaded runtime.
//!
//! It hears from the workers by a bounded mailbox and asks of them by another; no state of a shard
//! is reachable from here.

mod admin;
mod bans;
mod cluster;
mod drain;
mod lines;
mod metrics;
mod proclaiming;
mod reload;
mod reports;
mod service_manager;
mod siege;
mod switches;
mod upgrade;

use std::io;
use std::time::Duration;

use crossbeam_channel::Receiver;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use whisper_core::time::Span;

use self::admin::{Admin, Interests};
pub(crate) use self::admin::{Operators, Token};
pub(crate) use self::bans::{Bans, Office, Terms, Whom};
pub(crate) use self::cluster::{Cluster, Join, NatsServers};
use self::drain::Drains;
pub(crate) use self::lines::{Line, Lines};
use self::metrics::{Board, Expiry, Parts};
pub(crate) use self::proclaiming::Proclaimed;
pub(crate) use self::reload::{Candidate, Source};
pub(crate) use self::reports::{Docket, Intake, Policy, Sealer};
pub(crate) use self::siege::Siege;
pub(crate) use self::switches::Switches;
pub(crate) use self::upgrade::{Outcome, Upgrades};
use crate::clock::Clock;
use crate::pulse::Pulse;
use crate::room::Room;
use crate::rules::RulesFile;
use crate::succession::HandedOver;
use crate::tls::Certificates;
use crate::worker::{Filing, Report};

/// How long the workers may take to end before the process ends without them.
const END_MAX: Duration = Duration::from_millis(4_500);

/// How often it is looked whether all have gone.
const DRAIN_LOOK: Duration = Duration::from_millis(50);

/// What the control thread is made from.
pub(crate) struct Control {
    /// The ways to all workers.
    pub(crate) lines: Lines,
    /// What they tell.
    pub(crate) reports: Receiver<Report>,
    /// Each sends once, when it ends.
    pub(crate) ended: UnboundedReceiver<io::Result<()>>,
    /// Where the configuration is from.
    pub(crate) source: Source,
    /// What was read of it anew, until its rules are read too.
    pub(crate) candidate: Option<Candidate>,
    /// Where the listeners that speak TLS have their certificates from.
    pub(crate) certificates: Option<Certificates>,
    /// When the certificates end, in Unix seconds, if there are any.
    pub(crate) certificates_end: Option<u64>,
    /// Where the rules of what may be said are from.
    pub(crate) rules: RulesFile,
    /// The rules in force.
    pub(crate) proclaimed: Proclaimed,
    /// The time.
    pub(crate) clock: Clock,
    /// Whether every shard turns.
    pub(crate) pulse: Pulse,
    /// Whether newcomers are let in.
    pub(crate) room: Room,
    /// Memory that is kept free, in bytes.
    pub(crate) memory_reserve: u64,
    /// Within which time SIGTERM has everybody go elsewhere.
    pub(crate) drain: Span,
    /// What operators may switch.
    pub(crate) switches: Switches,
    /// The way to where bans are decided upon.
    pub(crate) bans: Bans,
    /// The other nodes.
    pub(crate) cluster: Cluster,
    /// The way of reports to their intake.
    pub(crate) filings: mpsc::Sender<Filing>,
    /// Handing over to another process.
    pub(crate) upgrades: Upgrades,
    /// What comes of it.
    pub(crate) outcomes: UnboundedReceiver<Outcome>,
}

/// How the process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Nobody is served any more.
    Stopped,
    /// Another process serves everybody.
    HandedOver,
}

impl Control {
    /// Serves operators until a signal, or the end of a worker, ends the process.
    ///
    /// # Errors
    /// Where the operators' listener can't be served, or a worker failed.
    pub(crate) async fn run(
        mut self,
        operators: Operators,
        (office, intake): (Office, Intake),
        ready: impl FnOnce() -> io::Result<()>,
    ) -> io::Result<End> {
        let mut stops = Stops::new()?;
        let mut hangups = signal(SignalKind::hangup())?;
        let mut upgrades = signal(SignalKind::user_defined2())?;
        let expiry = Expiry::default();
        expiry.set(self.certificates_end);
        let parts = Parts {
            clock: self.clock,
            pulse: self.pulse.clone(),
            room: self.room.clone(),
            memory_reserve: self.memory_reserve,
            switches: self.switches.clone(),
            bans: self.bans.clone(),
            filings: self.filings.clone(),
            expiry: expiry.clone(),
            upgrades: self.upgrades.clone(),
        };
        let numbers = (office.numbers(), intake.numbers(), self.cluster.clone());
        let board = Board::new(self.lines.len(), parts, numbers);
        let mine = office.mine();
        tokio::spawn(office.run(self.lines.clone()));
        let drains = Drains::new(self.lines.clone(), board.clone(), self.room.clone(), self.clock);
        let admin = Admin {
            board: board.clone(),
            drains: drains.clone(),
            upgrades: self.upgrades.clone(),
            pulse: self.pulse.clone(),
            clock: self.clock,
            switches: self.switches.clone(),
            bans: self.bans.clone(),
            docket: intake.docket(),
            interests: Interests::new(self.lines.clone()),
            cluster: self.cluster.clone(),
        };
        tokio::spawn(intake.run());
        admin.serve(operators)?;
        ready()?;
        service_manager::ready();
        let told = service_manager::keep_told(board.clone(), self.pulse.clone(), self.clock);
        tokio::spawn(told);
        let mut tick = interval(Duration::from_secs(1));
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = tick.tick() => {
                    self.reports.try_iter().for_each(|report| board.take(report));
                    if let Some(mine) = &mine {
                        mine.send_replace(board.stats());
                    }
                    self.cluster.tell(board.stats().online, board.is_draining());
                    self.switches.weigh(board.upgrades());
                    if self.certificates.as_mut().is_some_and(Certificates::have_changed) {
                        self.renew(&expiry);
                    }
                    if self.rules.has_changed() {
                        self.rules.reload("its file has changed");
                    }
                    if self.room.look(self.memory_reserve) {
                        let full = self.room.is_full();
                        tracing::warn!(full, "memory decides whether newcomers are let in");
                    }
                }
                Some(()) = hangups.recv() => {
                    service_manager::reloading();
                    if self.upgrades.is_newer_there() && self.upgrade(&drains) {
                        continue;
                    }
                    self.read_again(&expiry, board.upgrades());
                    if !self.rules.is_being_read() {
                        service_manager::ready();
                    }
                }
                rules = self.rules.reloaded() => {
                    self.take(rules, &expiry, board.upgrades()).await;
                    if !self.rules.is_being_read() {
                        service_manager::ready();
                    }
                }
                Some(()) = upgrades.recv() => {
                    service_manager::reloading();
                    if !self.upgrade(&drains) {
                        service_manager::ready();
                    }
                }
                Some(outcome) = self.outcomes.recv() => {
                    if self.is_over(outcome).await {
                        return Ok(End::HandedOver);
                    }
                }
                stop = stops.next() => {
                    if self.upgrades.is_under_way() {
                        self.upgrades.call_off();
                        if let Some(outcome) = self.outcomes.recv().await
                            && self.is_over(outcome).await
                        {
                            return Ok(End::HandedOver);
                        }
                    }
                    let over = if stop == TERMINATE { self.drain } else { Span::default() };
                    tracing::info!(signal = stop, over_ms = over.as_millis(), "draining");
                    if drains.has_begun() || over == Span::default() {
                        return self.end(&drains, stops).await;
                    }
                    if let Err(error) = drains.begin(over) {
                        tracing::error!(%error, "not everybody is told to go in good time");
                    }
                }
                () = sleep(DRAIN_LOOK), if drains.has_begun() => {
                    self.reports.try_iter().for_each(|report| board.take(report));
                    if drains.is_over() {
                        return self.end(&drains, stops).await;
                    }
                }
                ended = self.ended.recv() => {
                    let error = io::Error::other("a worker ended by itself");
                    return ended.unwrap_or(Ok(())).and(Err(error));
                }
            }
        }
    }

    /// Has another process take over. False where that can't begin.
    fn upgrade(&self, drains: &Drains) -> bool {
        let begun = self.upgrades.begin(drains.has_begun());
        if let Err(error) = &begun {
            tracing::error!(%error, "no other process can take over");
        }
        begun.is_ok()
    }

    /// Whether this process is done, having handed over.
    async fn is_over(&self, outcome: Outcome) -> bool {
        match outcome {
            Ok(HandedOver { pid, sockets }) => {
                tracing::info!(pid, sockets, "another process serves from here on");
                service_manager::succeeded_by(pid);
                // The heir has its number only now, and no chat with another node goes on.
                self.cluster.leave().await;
                true
            }
            Err(failure) => {
                self.upgrades.failed(&failure);
                service_manager::ready();
                false
            }
        }
    }

    /// Has all workers end, and waits for them: not for long, and not where a signal says so.
    async fn end(mut self, drains: &Drains, mut stops: Stops) -> io::Result<End> {
        drains.end();
        self.cluster.leave().await;
        let all = async {
            for _ in 0..self.lines.len() {
                self.ended.recv().await.unwrap_or(Ok(()))?;
            }
            Ok(End::Stopped)
        };
        tokio::select! {
            ended = timeout(END_MAX, all) => ended.unwrap_or_else(|_| {
                tracing::warn!("some connections were not closed in time");
                Ok(End::Stopped)
            }),
            stop = stops.next() => {
                tracing::warn!(signal = stop, "ending without the last connections");
                Ok(End::Stopped)
            }
        }
    }
}

/// The signal by which supervisors stop a process. The other one is a person's at a terminal, who
/// waits for nobody.
const TERMINATE: &str = "SIGTERM";

/// The signals that end the process in good order.
struct Stops {
    terminate: Signal,
    interrupt: Signal,
}

impl Stops {
    fn new() -> io::Result<Self> {
        let terminate = signal(SignalKind::terminate())?;
        Ok(Self { terminate, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => TERMINATE,
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}
