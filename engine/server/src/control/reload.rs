//! Reading the configuration again while the engine runs: all of it or nothing.
//!
//! Everything is read before anything is taken: settings and certificates at once, rules on a thread
//! of their own, for they take a while.

use std::error::Error;
use std::sync::Arc;

use whisper_tls::Identities;

use super::Control;
use super::metrics::Expiry;
use crate::config::{Config, ConfigError, Explained, TlsConfig, is_reloaded};
use crate::rules::{Reread, RulesFileError};
use crate::tls::Certificates;
use crate::worker::{Command, Door};

/// Where the configuration is from, and what of it is in force.
pub(crate) struct Source {
    /// Resolves it again, from the same command line.
    pub(crate) resolve: Box<dyn Fn() -> Result<(Config, Explained), ConfigError>>,
    /// What is in force.
    pub(crate) in_force: Explained,
}

/// A configuration that was read, and waits for its rules to be read too.
pub(crate) struct Candidate {
    config: Config,
    explained: Explained,
    certificates: Option<(Certificates, Arc<Identities>)>,
}

impl Candidate {
    /// Reads everything but the rules, and changes nothing.
    fn read(source: &Source) -> Result<Self, Box<dyn Error>> {
        let (config, explained) = (source.resolve)()?;
        let load = |tls: &TlsConfig| Certificates::load(&tls.source);
        let certificates = config.tls.as_ref().map(load).transpose()?;
        Ok(Self { config, explained, certificates })
    }
}

impl Control {
    /// Begins to read the configuration again, with certificates and rules. Where anything has a
    /// mistake, everything stays as it is. `upgrades` WebSockets were opened so far.
    pub(super) fn read_again(&mut self, expiry: &Expiry, upgrades: u64) {
        let candidate = match Candidate::read(&self.source) {
            Ok(candidate) => candidate,
            Err(error) => return tracing::error!(%error, "the old configuration stays"),
        };
        let rules = candidate.config.rules.clone();
        if rules.is_none() && self.rules.are_shipped() {
            return self.adopt(candidate, expiry, upgrades);
        }
        self.rules.reload_from(rules, "SIGHUP");
        self.candidate = Some(candidate);
    }

    /// Takes rules that were read, and the configuration that waited for them.
    pub(super) async fn take(
        &mut self,
        rules: Result<Reread, RulesFileError>,
        expiry: &Expiry,
        upgrades: u64,
    ) {
        match (self.candidate.take(), rules) {
            (None, Ok(rules)) => self.proclaimed.take(&self.lines, rules).await,
            (None, Err(error)) => tracing::error!(%error, "the old rules stay"),
            (Some(candidate), Ok(rules)) => {
                self.proclaimed.take(&self.lines, rules).await;
                self.adopt(candidate, expiry, upgrades);
            }
            (Some(_), Err(error)) => tracing::error!(%error, "the old configuration stays"),
        }
    }

    fn adopt(&mut self, candidate: Candidate, expiry: &Expiry, upgrades: u64) {
        let Candidate { config, explained, certificates } = candidate;
        let changes = self.source.in_force.changes(&explained);
        let (taken, left): (Vec<_>, Vec<_>) = changes.into_iter().partition(|key| is_reloaded(key));
        let has = |keys: &[&str]| taken.iter().any(|key| keys.iter().any(|it| key.starts_with(it)));
        // Where TLS wasn't spoken, there is no listener that could show any.
        if let (Some(old), Some((new, identities))) = (&mut self.certificates, certificates) {
            *old = new;
            self.show(identities, expiry);
        }
        let mut told = true;
        if has(&["exempt", "origin", "proxies", "client_ip_header", "limits."]) {
            told &= self.lines.tell(&Command::Door(Arc::new(Door::of(&config))));
        }
        if has(&["limits."]) {
            self.memory_reserve = config.memory_reserve;
            told &= self.lines.tell(&Command::Admission(config.core.admission));
        }
        if has(&["matching.lanes"]) {
            told &= self.switches.set_lanes(config.core.lanes).is_ok();
        }
        if has(&["challenge."]) {
            self.switches.set_siege(config.challenge, config.challenge_from, upgrades);
        }
        if has(&["log_level"]) {
            self.switches.set_log_level(config.log_level);
        }
        self.drain = config.drain;
        if !told {
            tracing::error!("a worker doesn't listen, and keeps some of the old settings");
        }
        self.source.in_force.adopt(&explained, &taken);
        let (changed, needs_restart) = (taken.join(", "), left.join(", "));
        tracing::info!(changed, needs_restart, "configuration read");
    }

    /// Reads the certificates again. Where they can't be used, the old ones stay.
    pub(super) fn renew(&mut self, expiry: &Expiry) {
        let Some(certificates) = &mut self.certificates else { return };
        match certificates.reload() {
            Ok(identities) => self.show(identities, expiry),
            Err(error) => tracing::error!(%error, "the old certificates stay"),
        }
    }

    /// Shows these certificates from here on.
    fn show(&self, identities: Arc<Identities>, expiry: &Expiry) {
        expiry.set(identities.not_after());
        if !self.lines.tell(&Command::Renew(identities)) {
            tracing::error!("a worker doesn't listen, and keeps the old certificates");
        }
        tracing::info!("certificates read");
    }
}
