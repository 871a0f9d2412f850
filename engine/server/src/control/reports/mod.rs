//! Reports, on the control thread: filed by workers, weighed, and decided upon by operators.
//!
//! A [`Docket`] is where they are kept and looked at, an [`Intake`] what brings them there. Different
//! people who report somebody within a day make a ban, and the next one twice as long: whom it is on
//! is sealed in the report, and opened for a ban only.

mod intake;
mod numbers;
mod sealing;

use std::sync::Arc;

use thiserror::Error;
use whisper_store::audit::{Audit, Entry};
use whisper_store::reports::{self, DatabaseError, Evidence, Filter, Reports, Status, Summary};
use whisper_store::sqlite::SqliteError;

pub(crate) use self::intake::Intake;
pub(super) use self::numbers::Numbers;
pub(crate) use self::sealing::Sealer;
use super::bans::{Bans, Ending, Terms, Whom};
use crate::clock::Clock;

/// No ban that comes of reports alone is longer, in milliseconds: 30 days.
const BAN_MAX_MS: u64 = 30 * DAY_MS;

const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;

/// What comes of reports, and how long they are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Policy {
    /// So many different people make a ban; 0 for never.
    pub(crate) ban_after: u64,
    /// Within this time, in milliseconds.
    pub(crate) within_ms: u64,
    /// So long is the first, in milliseconds; each further one twice as long as the one before.
    pub(crate) ban_ms: u64,
    /// For so long reports are kept, in milliseconds.
    pub(crate) retention_ms: u64,
}

impl Default for Policy {
    /// Three people within a day make a ban of an hour; reports are kept for 30 days.
    fn default() -> Self {
        Self { ban_after: 3, within_ms: DAY_MS, ban_ms: HOUR_MS, retention_ms: 30 * DAY_MS }
    }
}

/// What an operator can't have.
#[derive(Debug, Error)]
pub(crate) enum DocketError {
    /// There is no such report, or no longer.
    #[error("there is no report {0}")]
    Unknown(String),
    /// It has been decided.
    #[error("report {0} was decided before")]
    Decided(String),
    /// It isn't known who was reported.
    #[error(
        "who was reported in {0} had left too long before, so that nobody can be banned for it"
    )]
    Nobody(String),
    /// The database's.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The audit can't be written.
    #[error(transparent)]
    Audit(#[from] SqliteError),
    /// The process is ending.
    #[error(transparent)]
    Ending(#[from] Ending),
}

/// The reports. Clones show the same.
#[derive(Clone, Debug)]
pub(crate) struct Docket {
    reports: Reports,
    /// Who decided what.
    pub(super) audit: Audit,
    /// The door to bans.
    pub(super) bans: Bans,
    sealer: Arc<Sealer>,
    policy: Policy,
    clock: Clock,
}

impl Docket {
    /// Reports kept here, whose bans come by that door.
    pub(crate) fn new(
        (reports, audit): (Reports, Audit),
        bans: Bans,
        sealer: Sealer,
        policy: Policy,
        clock: Clock,
    ) -> Self {
        Self { reports, audit, bans, sealer: Arc::new(sealer), policy, clock }
    }

    /// The reports that are wanted.
    pub(super) async fn list(&self, filter: &Filter) -> Result<Vec<Summary>, DocketError> {
        Ok(self.reports.list(filter).await?)
    }

    /// A report with its evidence.
    pub(super) async fn show(&self, id: &str) -> Result<(Summary, Vec<Evidence>), DocketError> {
        self.reports.show(id).await?.ok_or_else(|| DocketError::Unknown(id.to_owned()))
    }

    /// An operator's decision that ends no chat.
    pub(super) async fn resolve(
        &self,
        id: &str,
        status: Status,
        (who, why): (&str, &str),
    ) -> Result<(), DocketError> {
        let decision = reports::Decision { status, ban: String::new() };
        if !self.reports.decide(id, &decision).await? {
            self.show(id).await?;
            return Err(DocketError::Decided(id.to_owned()));
        }
        self.note(who, &format!("report {}", status.as_str()), id, why).await
    }

    /// Bans who was reported. Answers with what they may quote.
    pub(super) async fn ban(
        &self,
        id: &str,
        terms: Terms,
        (who, why): (&str, &str),
    ) -> Result<String, DocketError> {
        let unknown = || DocketError::Unknown(id.to_owned());
        let (handle, _) = self.reports.handle(id).await?.ok_or_else(unknown)?;
        let identity = self.sealer.open(&handle).ok_or(DocketError::Nobody(id.to_owned()))?;
        let appeal = self.bans.impose(Whom::Person(identity), terms, who).await?;
        let ban = appeal.ok_or(DocketError::Nobody(id.to_owned()))?.to_string();
        let decision = reports::Decision { status: Status::Banned, ban: ban.clone() };
        self.reports.decide(id, &decision).await?;
        self.note(who, "report banned", id, why).await?;
        Ok(ban)
    }

    /// Keeps a report past its time, or no longer.
    pub(super) async fn hold(
        &self,
        id: &str,
        held: bool,
        (who, why): (&str, &str),
    ) -> Result<(), DocketError> {
        if !self.reports.hold(id, held).await? {
            return Err(DocketError::Unknown(id.to_owned()));
        }
        self.note(who, if held { "report held" } else { "report released" }, id, why).await
    }

    /// Bans somebody whom enough people have reported.
    async fn weigh(&self, accused: &str) -> Result<(), DocketError> {
        let Policy { ban_after, within_ms, ban_ms, .. } = self.policy;
        if accused.is_empty() || ban_after == 0 {
            return Ok(());
        }
        let now = self.clock.now().unix_millis();
        let standing = self.reports.standing(accused, now.saturating_sub(within_ms)).await?;
        if standing.reporters < ban_after {
            return Ok(());
        }
        let Some(handle) = self.reports.latest_handle(accused).await? else { return Ok(()) };
        let Some(identity) = self.sealer.open(&handle) else { return Ok(()) };
        let doubled = u32::try_from(standing.strikes).ok().and_then(|it| 2_u64.checked_pow(it));
        let length = doubled.and_then(|it| ban_ms.checked_mul(it)).unwrap_or(BAN_MAX_MS);
        let terms = Terms {
            reason: "Several people have reported you.".into(),
            code: "reported".into(),
            until: Some(now + length.min(BAN_MAX_MS)),
            why: format!("{} people have reported them", standing.reporters),
        };
        let appeal = self.bans.impose(Whom::Person(identity), terms, "engine").await?;
        let Some(ban) = appeal.map(|it| it.to_string()) else { return Ok(()) };
        let decision = reports::Decision { status: Status::Banned, ban: ban.clone() };
        let count = self.reports.decide_all(accused, &decision).await?;
        let why = format!("{} people, {count} reports", standing.reporters);
        self.note("engine", "reports banned", &ban, &why).await
    }

    async fn note(
        &self,
        who: &str,
        what: &str,
        subject: &str,
        why: &str,
    ) -> Result<(), DocketError> {
        tracing::info!(who, what, subject, "a report is decided");
        let at_ms = self.clock.now().unix_millis();
        let entry = Entry {
            at_ms,
            who: who.to_owned(),
            what: what.to_owned(),
            subject: subject.to_owned(),
            why: why.to_owned(),
        };
        Ok(self.audit.write(entry).await?)
    }
}
