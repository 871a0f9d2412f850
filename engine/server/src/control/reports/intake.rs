//! How reports come in: a worker files them, the homes of both sides say who they are, and from then
//! on they are on disk.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use whisper_core::ids::{SessionId, Side};
use whisper_store::bans::Identity;
use whisper_store::reports::{Evidence, Report};

use super::{Docket, DocketError, Numbers, Policy};
use crate::control::Lines;
use crate::worker::{Command, Filing};

/// How long a worker may take to say who somebody is.
const ANSWER_MAX: Duration = Duration::from_secs(1);

/// How often what waits is brought to the database.
const RETRY_INTERVAL: Duration = Duration::from_secs(5);

/// How long a database that failed is left alone: less, or the next try would come a hair too early.
const AWAY: Duration = Duration::from_secs(4);

/// How often reports are counted.
const COUNT_INTERVAL: Duration = Duration::from_secs(5);

/// How often reports past their time are deleted.
const EXPIRY_INTERVAL: Duration = Duration::from_secs(3_600);

/// Brings reports where they are kept.
pub(crate) struct Intake {
    docket: Docket,
    lines: Lines,
    filings: mpsc::Receiver<Filing>,
    /// Who waits until those before are on disk.
    rests: mpsc::Receiver<oneshot::Sender<()>>,
    /// Who is to be weighed.
    accused: BTreeSet<String>,
    numbers: Numbers,
    /// Nothing is asked of the database before.
    away_until: Option<Instant>,
}

impl Intake {
    /// An intake of what these workers file. Who sends something to `rests` is answered once all
    /// that was filed before is on disk.
    pub(crate) fn new(
        docket: Docket,
        lines: Lines,
        filings: mpsc::Receiver<Filing>,
        rests: mpsc::Receiver<oneshot::Sender<()>>,
    ) -> Self {
        let (accused, numbers) = (BTreeSet::new(), Numbers::default());
        Self { docket, lines, filings, rests, accused, numbers, away_until: None }
    }

    /// Where it brings them.
    pub(in crate::control) fn docket(&self) -> Docket {
        self.docket.clone()
    }

    /// How many there are, kept up to date.
    pub(in crate::control) fn numbers(&self) -> Numbers {
        self.numbers.clone()
    }

    /// Takes reports until the process ends.
    pub(crate) async fn run(mut self) {
        let mut retry = interval(RETRY_INTERVAL);
        let mut count = interval(COUNT_INTERVAL);
        let mut expiry = interval(EXPIRY_INTERVAL);
        count.set_missed_tick_behavior(MissedTickBehavior::Delay);
        retry.set_missed_tick_behavior(MissedTickBehavior::Delay);
        expiry.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                filing = self.filings.recv() => {
                    let Some(filing) = filing else { return };
                    self.take(filing).await;
                    if self.rests.is_empty() {
                        self.settle().await;
                    }
                }
                // Who waited may have given up.
                Some(rest) = self.rests.recv() => drop(rest.send(())),
                _ = retry.tick() => self.settle().await,
                _ = count.tick() => self.count().await,
                _ = expiry.tick() => self.expire().await,
            }
        }
    }

    /// Writes a report down.
    async fn take(&mut self, filing: Filing) {
        let (reporter, accused) =
            tokio::join!(self.identify(filing.reporter), self.identify_partner(&filing));
        let report = self.docket.report(filing, reporter, accused);
        match self.docket.reports.file(&report).await {
            Ok(()) => drop(self.accused.insert(report.accused)),
            Err(error) => {
                self.numbers.unkept();
                tracing::error!(report = report.id, %error, "a report is lost");
            }
        }
    }

    /// Who somebody of this node is, or was; None where their home doesn't know any more.
    async fn identify(&self, session: SessionId) -> Option<Identity> {
        self.ask(session.shard, session).await
    }

    /// The same of who was reported. Where that is somebody of another node, the reporter's worker
    /// asks there.
    async fn identify_partner(&self, filing: &Filing) -> Option<Identity> {
        let Filing { reporter, accused, .. } = *filing;
        let home = if accused.node == reporter.node { accused.shard } else { reporter.shard };
        self.ask(home, accused).await
    }

    async fn ask(&self, worker: u16, session: SessionId) -> Option<Identity> {
        let (answer, mut answered) = mpsc::channel(1);
        let command = Command::Identify { session, answer };
        if !self.lines.tell_one(worker.into(), command) {
            return None;
        }
        timeout(ANSWER_MAX, answered.recv()).await.ok().flatten()
    }

    /// Brings what waits to the database, and weighs who is reported there.
    async fn settle(&mut self) {
        if !self.is_away() {
            let settled = self.try_to_settle().await;
            self.answered(&settled);
        }
        self.count_waiting().await;
    }

    /// Whether the database failed a moment ago.
    fn is_away(&self) -> bool {
        self.away_until.is_some_and(|until| Instant::now() < until)
    }

    /// Takes note of whether the database did what it was asked.
    fn answered(&mut self, answer: &Result<(), DocketError>) {
        self.numbers.set_database(answer.is_ok());
        match (answer, self.away_until.take()) {
            (Err(error), before) => {
                if before.is_none() {
                    tracing::error!(%error, "reports wait for their database");
                }
                self.away_until = Some(Instant::now() + AWAY);
            }
            (Ok(()), Some(_)) => tracing::info!("the database of reports is back"),
            (Ok(()), None) => {}
        }
    }

    async fn try_to_settle(&mut self) -> Result<(), DocketError> {
        self.accused.extend(self.docket.reports.deliver().await?);
        while let Some(accused) = self.accused.first() {
            self.docket.weigh(accused).await?;
            self.accused.pop_first();
        }
        Ok(())
    }

    /// Counts the reports, as far as their database is there: it says so by answering.
    async fn count(&mut self) {
        if self.is_away() {
            return;
        }
        let counted = self.docket.reports.count().await;
        let counted = counted.map(|count| self.numbers.set(count)).map_err(DocketError::from);
        self.answered(&counted);
    }

    /// Counts those that wait on this machine's disk, wherever their database is.
    async fn count_waiting(&self) {
        match self.docket.reports.waiting().await {
            Ok(waiting) => self.numbers.set_waiting(waiting),
            Err(error) => tracing::warn!(%error, "reports that wait can't be counted"),
        }
    }

    /// Deletes what is past its time.
    async fn expire(&self) {
        let Policy { retention_ms, .. } = self.docket.policy;
        let before = self.docket.clock.now().unix_millis().saturating_sub(retention_ms);
        match self.docket.reports.expire(before).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "reports past their time are deleted"),
            Err(error) => tracing::warn!(%error, "reports past their time can't be deleted"),
        }
    }
}

impl Docket {
    /// What is kept of a filing.
    fn report(
        &self,
        filing: Filing,
        reporter: Option<Identity>,
        accused: Option<Identity>,
    ) -> Report {
        let side = match filing.side {
            Side::First => 0,
            Side::Second => 1,
        };
        let (sealer, session) = (&self.sealer, filing.reporter);
        let handle =
            |who: Option<&Identity>| who.and_then(|it| sealer.seal(it)).unwrap_or_default();
        let evidence = filing.proved.into_iter().map(|said| Evidence {
            seq: said.seq,
            at_ms: said.unix_millis,
            content: said.content,
        });
        Report {
            id: sealer.report_id(&filing.room.0, side),
            at_ms: self.clock.now().unix_millis(),
            reason: filing.reason.as_str().into(),
            comment: filing.comment,
            accused_handle: handle(accused.as_ref()),
            accused: accused.map(|it| sealer.counted(&it)).unwrap_or_default(),
            reporter_handle: handle(reporter.as_ref()),
            // Somebody who is gone before they are asked is one person nevertheless.
            reporter: reporter.map_or_else(|| format!("{session:?}"), |it| sealer.counted(&it)),
            evidence: evidence.collect(),
            ..Report::default()
        }
    }
}
