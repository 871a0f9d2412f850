//! Bans, on the control thread: whoever decides one comes to this door.
//!
//! [`Bans`] is the door, [`Office`] what is behind it. A ban is in force in memory first, workers
//! are given the new picture at once, and only then is it written down: by one transaction with who
//! decided it and why, and to the store that nodes share, where there is one.

mod http;
mod numbers;
mod office;

use tokio::sync::{mpsc, oneshot};
use whisper_store::bans::{AppealId, Ban, Identity, Keys, Standing, Subject};

pub(in crate::control) use self::http::routes;
pub(crate) use self::numbers::Numbers;
pub(crate) use self::office::Office;

/// The kind of a ban for which an operator says none.
pub(in crate::control) const BY_OPERATOR: &str = "operator";

/// Questions that may wait for the office.
const ASKS: usize = 1_024;

/// Whom a ban is on.
#[derive(Clone, Debug)]
pub(crate) enum Whom {
    /// A person: their address, their device, and what their client said of it.
    Person(Identity),
    /// One subject, as an operator names it.
    Subject(Subject),
}

/// What a ban says.
#[derive(Clone, Debug)]
pub(crate) struct Terms {
    /// Why, for the person.
    pub(crate) reason: String,
    /// The kind of ban: letters, digits and `_`.
    pub(crate) code: String,
    /// Until when, in Unix milliseconds; None for good.
    pub(crate) until: Option<u64>,
    /// Why, for the audit.
    pub(crate) why: String,
}

/// A ban in force, with what the person is told to quote.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    /// What it says.
    pub(crate) ban: Ban,
    /// What the banned may quote.
    pub(crate) appeal: AppealId,
    /// How it stands with the shared store.
    pub(crate) standing: Standing,
}

/// What an operator decides on bans that are gone from the shared store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// They stay, and are written there again.
    Restore,
    /// They were meant to go.
    Release,
}

/// The process is ending.
#[derive(Debug, thiserror::Error)]
#[error("the engine is ending")]
pub(crate) struct Ending;

/// The door. Clones lead to the same office; workers hold one as well, and never wait at it.
#[derive(Clone, Debug)]
pub(crate) struct Bans {
    asks: mpsc::Sender<Ask>,
    keys: Keys,
}

/// Where somebody waits for what can be quoted of a ban.
type Answer = oneshot::Sender<Option<AppealId>>;

/// What is asked of the office.
#[derive(Debug)]
enum Ask {
    Impose { whom: Whom, terms: Terms, by: String, answer: Option<Answer> },
    Caught { key: Box<str>, who: Identity },
    Lift { name: String, by: String, why: String, answer: oneshot::Sender<usize> },
    List { most: usize, answer: oneshot::Sender<Vec<Listed>> },
    Decide { decision: Decision, by: String, answer: oneshot::Sender<usize> },
    Rest { answer: Answer },
}

impl Bans {
    /// Bans somebody, and waits until that is written down; `by` is who decided it, for the audit.
    /// Answers with what they can quote; None where nothing is known of them that a ban could be on.
    ///
    /// # Errors
    /// [`Ending`].
    pub(crate) async fn impose(
        &self,
        whom: Whom,
        terms: Terms,
        by: &str,
    ) -> Result<Option<AppealId>, Ending> {
        let by = by.to_owned();
        self.ask(|answer| Ask::Impose { whom, terms, by, answer: Some(answer) }).await
    }

    /// How much waits at the door.
    pub(crate) fn waiting(&self) -> usize {
        self.asks.max_capacity() - self.asks.capacity()
    }

    /// The same for who can't wait. False where too much waits at the door.
    #[must_use]
    pub(crate) fn impose_soon(&self, whom: Whom, terms: Terms, by: &str) -> bool {
        let by = by.to_owned();
        self.asks.try_send(Ask::Impose { whom, terms, by, answer: None }).is_ok()
    }

    /// A ban on a user has met their session: it goes on to be one on what they are known by.
    /// False where too much waits at the door.
    #[must_use]
    pub(crate) fn caught(&self, ban: &Ban, who: Identity) -> bool {
        self.asks.try_send(Ask::Caught { key: ban.key.clone(), who }).is_ok()
    }

    /// Lifts the bans under a key (`banned:ips:192.0.2.7`) or with an appeal id. Answers how many
    /// there were.
    ///
    /// # Errors
    /// [`Ending`].
    pub(crate) async fn lift(&self, name: &str, by: &str, why: &str) -> Result<usize, Ending> {
        let (name, by, why) = (name.to_owned(), by.to_owned(), why.to_owned());
        self.ask(|answer| Ask::Lift { name, by, why, answer }).await
    }

    /// The bans in force, at most so many, those that end first at the front.
    ///
    /// # Errors
    /// [`Ending`].
    pub(crate) async fn list(&self, most: usize) -> Result<Vec<Listed>, Ending> {
        self.ask(|answer| Ask::List { most, answer }).await
    }

    /// Decides on the bans that are withheld. Answers how many there were.
    ///
    /// # Errors
    /// [`Ending`].
    pub(crate) async fn decide(&self, decision: Decision, by: &str) -> Result<usize, Ending> {
        let by = by.to_owned();
        self.ask(|answer| Ask::Decide { decision, by, answer }).await
    }

    /// Is answered once all that was asked before is written down. For threads without a runtime;
    /// None where too much waits at the door.
    pub(crate) fn rest(&self) -> Option<oneshot::Receiver<Option<AppealId>>> {
        let (answer, answered) = oneshot::channel();
        self.asks.try_send(Ask::Rest { answer }).is_ok().then_some(answered)
    }

    /// The keys that cookies are signed and fingerprints hidden with.
    pub(crate) fn keys(&self) -> &Keys {
        &self.keys
    }

    /// What a person is told as the code of their ban: its kind, and what to quote.
    pub(crate) fn code_of(&self, ban: &Ban) -> String {
        format!("{}-{}", ban.code, self.keys.appeal_of(ban))
    }

    async fn ask<T>(&self, ask: impl FnOnce(oneshot::Sender<T>) -> Ask) -> Result<T, Ending> {
        let (answer, answered) = oneshot::channel();
        self.asks.send(ask(answer)).await.map_err(|_| Ending)?;
        answered.await.map_err(|_| Ending)
    }
}
