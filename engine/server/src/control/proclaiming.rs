//! Which rules what is said is held to: every change is given to the workers, and written down.

use std::sync::Arc;

use whisper_core::moderation::RulesDigest;
use whisper_store::audit::{Audit, Entry};
use whisper_store::sqlite::SqliteError;

use super::Lines;
use crate::clock::Clock;
use crate::rules::Reread;
use crate::worker::Command;

/// What the audit calls a change of rules.
const WHAT: &str = "rules";

/// The rules in force, by their digest.
pub(crate) struct Proclaimed {
    digest: RulesDigest,
    audit: Audit,
    clock: Clock,
}

impl Proclaimed {
    /// Takes note of the rules that the engine begins with: written down where they are others than
    /// it ended with.
    ///
    /// # Errors
    /// Where the audit can't be read or written.
    pub(crate) async fn begin(
        first: Reread,
        audit: Audit,
        clock: Clock,
    ) -> Result<Self, SqliteError> {
        let this = Self { digest: first.rules.digest(), audit, clock };
        let before = this.audit.last_subject(WHAT).await?;
        if before.as_deref() != Some(&*this.digest.to_string()) {
            let entry = this.entry(before.as_deref().unwrap_or("none"), &first);
            this.audit.write(entry).await?;
        }
        Ok(this)
    }

    /// Has what is said held to the rules that were read.
    pub(super) async fn take(&mut self, lines: &Lines, read: Reread) {
        let ((count, terms), digest) = (read.rules.len(), read.rules.digest());
        if !lines.tell(&Command::Rules(Arc::clone(&read.rules))) {
            tracing::error!("a worker doesn't listen, and keeps the old rules");
        }
        tracing::info!(rules = count, terms, %digest, "rules read");
        let before = std::mem::replace(&mut self.digest, digest);
        if before == digest {
            return;
        }
        if let Err(error) = self.audit.write(self.entry(&before.to_string(), &read)).await {
            tracing::error!(%error, "the audit misses a change of rules");
        }
    }

    fn entry(&self, before: &str, Reread { rules: _, owner, why }: &Reread) -> Entry {
        let subject = self.digest.to_string();
        Entry {
            at_ms: self.clock.now().unix_millis(),
            who: owner.map_or("engine".to_owned(), |uid| format!("operator:uid {uid}")),
            what: WHAT.to_owned(),
            why: format!("{before} → {subject}: {why}"),
            subject,
        }
    }
}
