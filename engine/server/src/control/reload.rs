//! Reading the configuration again while the engine runs: all of it or nothing.

use std::sync::Arc;

use super::Control;
use super::metrics::Expiry;
use crate::config::{Config, ConfigError, Explained, is_reloaded};
use crate::tls::{CertificateError, Certificates};
use crate::worker::{Command, Door};

/// Where the configuration is from, and what of it is in force.
pub(crate) struct Source {
    /// Resolves it again, from the same command line.
    pub(crate) resolve: Box<dyn Fn() -> Result<(Config, Explained), ConfigError>>,
    /// What is in force.
    pub(crate) in_force: Explained,
}

impl Control {
    /// Reads the configuration again, with certificates and rules. Where it has a mistake, the old one
    /// stays. `upgrades` WebSockets were opened so far.
    pub(super) fn read_again(&mut self, expiry: &Expiry, upgrades: u64) {
        let (config, explained) = match (self.source.resolve)() {
            Ok(resolved) => resolved,
            Err(error) => return tracing::error!(%error, "the old configuration stays"),
        };
        let changes = self.source.in_force.changes(&explained);
        let (taken, left): (Vec<_>, Vec<_>) = changes.into_iter().partition(|key| is_reloaded(key));
        let has = |keys: &[&str]| taken.iter().any(|key| keys.iter().any(|it| key.starts_with(it)));
        if has(&["tls."])
            && let Err(error) = self.take_certificates(&config, expiry)
        {
            return tracing::error!(%error, "the old configuration stays");
        }
        if !has(&["tls."]) {
            self.renew(expiry);
        }
        if has(&["rules"]) {
            self.rules.move_to(config.rules.clone());
        } else {
            self.rules.reload("SIGHUP");
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

    /// Shows other certificates from here on.
    fn take_certificates(
        &mut self,
        config: &Config,
        expiry: &Expiry,
    ) -> Result<(), CertificateError> {
        // Where TLS wasn't spoken, there is no listener that could show any.
        let (Some(certificates), Some(tls)) = (&mut self.certificates, &config.tls) else {
            return Ok(());
        };
        let identities;
        (*certificates, identities) = Certificates::load(&tls.source)?;
        expiry.set(identities.not_after());
        if !self.lines.tell(&Command::Renew(identities)) {
            tracing::error!("a worker doesn't listen, and keeps the old certificates");
        }
        Ok(())
    }
}
