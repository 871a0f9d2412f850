//! Whose a connection is, and what it may: the home's side of admission.
//!
//! An address is that of the socket's peer, or what a listed proxy says of its client; nothing else
//! is believed. The shard that owns the address counts what it holds, see
//! [`whisper_core::limits::Admission`].

use std::net::IpAddr;

use ipnet::IpNet;
use whisper_core::http::Request;
use whisper_core::limits::{Act, Heed, Speech, SpeechRates, Visit};
use whisper_core::proxy::{Forwarded, ForwardedError, ProxyReader};
use whisper_core::time::Micros;
use whisper_store::bans::Identity;

use super::challenge::Owed;
use super::moving::Errand;
use crate::config::{Config, Origins, Service};

/// What a worker knows of who may come in, and by which door.
#[derive(Debug)]
pub(crate) struct Door {
    /// Addresses free of limits.
    pub(crate) exempt: Vec<IpNet>,
    /// Proxies that are believed.
    pub(crate) proxies: Vec<IpNet>,
    /// Where these say in a request whom they ask for; None: they don't.
    pub(crate) forwarded: Option<Forwarded>,
    /// How often a client may say what.
    pub(crate) speech: SpeechRates,
    /// Whose pages may open WebSockets.
    pub(crate) origins: Origins,
    /// In front of us, somebody may have ended TLS.
    pub(crate) is_behind_tls: bool,
}

impl Door {
    /// As it is configured.
    pub(crate) fn of(config: &Config) -> Self {
        Self {
            exempt: config.exempt.clone(),
            proxies: config.proxies.clone(),
            forwarded: config.forwarded.clone(),
            speech: config.speech,
            origins: config.origins.clone(),
            is_behind_tls: !config.proxies.is_empty(),
        }
    }

    pub(super) fn exempts(&self, address: IpAddr) -> bool {
        self.exempt.iter().any(|net| net.contains(&address))
    }

    pub(super) fn believes(&self, peer: IpAddr) -> bool {
        self.proxies.iter().any(|net| net.contains(&peer))
    }
}

/// What a connection is known by.
#[derive(Debug)]
pub(super) struct Guest {
    /// The client, as far as it is known.
    pub(super) address: IpAddr,
    pub(super) visit: Visit,
    /// What is spoken with it.
    pub(super) service: Service,
    /// Free of limits.
    pub(super) exempt: bool,
    /// The peer is a proxy, and each request is somebody's.
    pub(super) many: bool,
    /// All places to stay on were taken when it came.
    pub(super) late: bool,
    /// The name in the device's cookie; 0 before there is any.
    device: u64,
    /// What it said lately, metered; apart, since whoever ever joined has it.
    speech: Option<Box<Speech>>,
    extra: Option<Box<Extra>>,
}

/// What few connections have, or not for long.
#[derive(Debug, Default)]
struct Extra {
    /// A PROXY header that has not come whole.
    header: Option<ProxyReader>,
    /// What came while the owner of the address was asked.
    kept: Option<Kept>,
    /// A challenge not met yet.
    owed: Option<Owed>,
    /// What the client said of its device, hashed.
    fingerprint: Option<u64>,
    /// What leads it to another worker.
    errand: Option<Errand>,
}

/// What came too early, and waits for an owner's answer.
#[derive(Debug)]
pub(super) enum Kept {
    /// The first bytes of a TLS handshake, as the wire had them.
    Handshake(Vec<u8>),
    /// A request, and what followed it.
    Request(Vec<u8>),
}

/// What may come while an owner is asked, beyond a request: some receive buffers.
const KEPT_MAX: usize = 64 * 1024;

impl Guest {
    /// Somebody from this address, on a listener of this kind.
    pub(super) fn new(address: IpAddr, service: Service) -> Self {
        let address = address.to_canonical();
        let (exempt, many, late, device) = (false, false, false, 0);
        let (visit, speech, extra) = (Visit::FREE, None, None);
        Self { address, visit, service, exempt, many, late, device, speech, extra }
    }

    /// What bans know it by.
    pub(super) fn identity(&self) -> Identity {
        let fingerprint = self.extra.as_ref().and_then(|extra| extra.fingerprint);
        let cookie = (self.device != 0).then_some(self.device);
        Identity { address: self.address, cookie, fingerprint }
    }

    /// The device has this name in its cookie, which isn't 0.
    pub(super) fn name_device(&mut self, device: u64) {
        self.device = device;
    }

    /// What its client says of the device, hashed. The first word counts.
    pub(super) fn say_fingerprint(&mut self, hash: u64) {
        self.extra_mut().fingerprint.get_or_insert(hash);
    }

    /// From here on, whatever is said begins with a PROXY header.
    pub(super) fn expect_header(&mut self) {
        self.extra_mut().header = Some(ProxyReader::default());
    }

    /// The reader of the PROXY header, as long as that hasn't come whole.
    pub(super) fn header(&mut self) -> Option<&mut ProxyReader> {
        self.extra.as_mut()?.header.as_mut()
    }

    pub(super) fn header_is_read(&mut self) {
        self.extra_mut().header = None;
        self.shrink();
    }

    /// Keeps a request, or what follows it, until [`Guest::take_kept`]; false where that is more
    /// than anybody sends who waits for an answer.
    #[must_use]
    pub(super) fn keep(&mut self, bytes: &[u8]) -> bool {
        self.keep_as(Kept::Request, bytes)
    }

    /// The same for the beginning of a handshake.
    #[must_use]
    pub(super) fn keep_handshake(&mut self, bytes: &[u8]) -> bool {
        self.keep_as(Kept::Handshake, bytes)
    }

    /// Whether the owner is being asked about what was said, or the connection is leaving: what
    /// comes is kept.
    pub(super) fn waits(&self) -> bool {
        self.extra.as_ref().is_some_and(|extra| extra.kept.is_some() || extra.errand.is_some())
    }

    /// Goes to another worker, and keeps what comes until it is there.
    pub(super) fn send(&mut self, errand: Errand) {
        self.extra_mut().errand = Some(errand);
    }

    pub(super) fn errand(&self) -> Option<&Errand> {
        self.extra.as_ref()?.errand.as_ref()
    }

    pub(super) fn take_errand(&mut self) -> Option<Errand> {
        let errand = self.extra.as_mut()?.errand.take();
        self.shrink();
        errand
    }

    pub(super) fn take_kept(&mut self) -> Option<Kept> {
        let kept = self.extra.as_mut()?.kept.take();
        self.shrink();
        kept
    }

    /// Meters what the client does.
    pub(super) fn does(&mut self, now: Micros, act: Act, rates: &SpeechRates) -> Heed {
        if self.exempt {
            return Heed::Heard;
        }
        let speech = self.speech.get_or_insert_with(|| Box::new(Speech::new(now)));
        speech.act(now, act, rates)
    }

    /// Learns from a request whose it is, where the peer is a proxy.
    ///
    /// # Errors
    /// [`ForwardedError`]: the proxy doesn't say.
    pub(super) fn asked_for(
        &mut self,
        request: &Request<'_>,
        door: &Door,
    ) -> Result<(), ForwardedError> {
        if let (true, Some(forwarded)) = (self.many, &door.forwarded) {
            self.address = forwarded.client(request, |hop| door.believes(hop))?;
            self.exempt = door.exempts(self.address);
        }
        Ok(())
    }

    /// Must meet a challenge before it may look for a partner.
    pub(super) fn owe(&mut self, owed: Owed) {
        self.extra_mut().owed = Some(owed);
    }

    /// The challenge that isn't met yet.
    pub(super) fn owed(&mut self) -> Option<&mut Option<Owed>> {
        self.extra.as_mut().map(|extra| &mut extra.owed).filter(|owed| owed.is_some())
    }

    fn keep_as(&mut self, kind: fn(Vec<u8>) -> Kept, bytes: &[u8]) -> bool {
        let extra = self.extra_mut();
        let kept = match &mut extra.errand {
            Some(errand) => &mut errand.unheard,
            None => {
                let kept = extra.kept.get_or_insert_with(|| kind(Vec::new()));
                let (Kept::Handshake(kept) | Kept::Request(kept)) = kept;
                kept
            }
        };
        kept.extend_from_slice(bytes);
        kept.len() <= KEPT_MAX
    }

    fn extra_mut(&mut self) -> &mut Extra {
        self.extra.get_or_insert_default()
    }

    /// Frees what holds nothing any more.
    fn shrink(&mut self) {
        self.extra.take_if(|it| {
            let Extra { header, kept, owed, fingerprint, errand } = &**it;
            let few = header.is_none() && kept.is_none() && errand.is_none();
            few && owed.is_none() && fingerprint.is_none()
        });
    }
}
