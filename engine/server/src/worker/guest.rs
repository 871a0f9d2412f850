//! Whose a connection is, and what it may: the home's side of admission.
//!
//! An address is that of the socket's peer, or what a listed proxy says of its client; nothing else
//! is believed. The shard that owns the address counts what it holds, see
//! [`whisper_core::limits::Admission`].

use std::net::IpAddr;

use ipnet::IpNet;
use whisper_core::codec::{Damage, Field, Reader, Writer, fields};
use whisper_core::http::Request;
use whisper_core::ids::SessionId;
use whisper_core::limits::{Act, Heed, Speech, SpeechRates, Visit};
use whisper_core::proxy::{Forwarded, ForwardedError, ProxyReader};
use whisper_core::time::Micros;
use whisper_shard_router::ShardId;
use whisper_store::bans::Identity;

use super::abroad::Journey;
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
    /// The name in the device's cookie, which everybody is given; 0 before there is any.
    device: u64,
    known: Option<Box<Known>>,
}

/// What somebody is known by to those who keep what is held against people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Who {
    pub(super) identity: Identity,
    /// Free of limits.
    pub(super) exempt: bool,
}

impl Field for Who {
    fn put(&self, w: &mut Writer<'_>) {
        let Self { identity: Identity { address, cookie, fingerprint }, exempt } = self;
        address.put(w);
        cookie.put(w);
        fingerprint.put(w);
        exempt.put(w);
    }

    fn get(r: &mut Reader<'_>) -> Result<Self, Damage> {
        let (address, cookie, fingerprint) = (Field::get(r)?, Field::get(r)?, Field::get(r)?);
        let identity = Identity { address, cookie, fingerprint };
        Ok(Self { identity, exempt: Field::get(r)? })
    }
}

/// What most have who say anything.
#[derive(Debug, Default)]
struct Known {
    /// What it said lately, metered.
    speech: Option<Speech>,
    /// What the client said of its device, hashed; 0 before it did.
    fingerprint: u64,
    passing: Option<Box<Passing>>,
}

const _: () = assert!(size_of::<Known>() <= 56, "with its header, the allocator's class of 64");

/// What few connections have, and not for long.
#[derive(Debug, Default)]
struct Passing {
    /// A PROXY header that has not come whole.
    header: Option<ProxyReader>,
    /// What came while the owner of the address was asked.
    kept: Option<Kept>,
    /// A challenge not met yet.
    owed: Option<Owed>,
    /// What leads it to another worker.
    errand: Option<Errand>,
    /// Its person is at home on another node, or may be.
    journey: Option<Journey>,
}

/// What came too early, and waits for an owner's answer.
#[derive(Debug)]
pub(super) enum Kept {
    /// The first bytes of a TLS handshake, as the wire had them.
    Handshake(Vec<u8>),
    /// A request, and what followed it.
    Request(Vec<u8>),
}

fields! {
    struct Guest { address, visit, service, exempt, many, late, device, known }
    struct Known { speech, fingerprint, passing }
    enum Kept { 0 Handshake(bytes); 1 Request(bytes); }
}

impl Field for Passing {
    /// Links to other nodes are the process's own, and so are journeys on them.
    fn put(&self, w: &mut Writer<'_>) {
        let Self { header, kept, owed, errand, journey: _ } = self;
        header.put(w);
        kept.put(w);
        owed.put(w);
        errand.put(w);
    }

    fn get(r: &mut Reader<'_>) -> Result<Self, Damage> {
        let (header, kept) = (Field::get(r)?, Field::get(r)?);
        Ok(Self { header, kept, owed: Field::get(r)?, errand: Field::get(r)?, journey: None })
    }
}

/// What may come while an owner is asked, beyond a request: some receive buffers.
const KEPT_MAX: usize = 64 * 1024;

impl Guest {
    /// Somebody from this address, on a listener of this kind.
    pub(super) fn new(address: IpAddr, service: Service) -> Self {
        let address = address.to_canonical();
        let (exempt, many, late, device) = (false, false, false, 0);
        Self { address, visit: Visit::FREE, service, exempt, many, late, device, known: None }
    }

    /// What bans know it by.
    pub(super) fn identity(&self) -> Identity {
        let fingerprint = self.known.as_ref().map(|it| it.fingerprint).filter(|hash| *hash != 0);
        let cookie = (self.device != 0).then_some(self.device);
        Identity { address: self.address, cookie, fingerprint }
    }

    /// What it is known by to others than bans, too.
    pub(super) fn who(&self) -> Who {
        Who { identity: self.identity(), exempt: self.exempt }
    }

    /// The device has this name in its cookie, which isn't 0.
    pub(super) fn name_device(&mut self, device: u64) {
        self.device = device;
    }

    /// What its client says of the device, hashed. The first word counts.
    pub(super) fn say_fingerprint(&mut self, hash: u64) {
        let fingerprint = &mut self.known_mut().fingerprint;
        if *fingerprint == 0 {
            *fingerprint = hash;
        }
    }

    /// From here on, whatever is said begins with a PROXY header.
    pub(super) fn expect_header(&mut self) {
        self.passing_mut().header = Some(ProxyReader::default());
    }

    /// The reader of the PROXY header, as long as that hasn't come whole.
    pub(super) fn header(&mut self) -> Option<&mut ProxyReader> {
        self.passing()?.header.as_mut()
    }

    pub(super) fn header_is_read(&mut self) {
        self.passing_mut().header = None;
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
        let passing = self.known.as_ref().and_then(|it| it.passing.as_ref());
        passing.is_some_and(|it| {
            let is_asking = it.journey.as_ref().is_some_and(Journey::is_asking);
            it.kept.is_some() || it.errand.is_some() || is_asking
        })
    }

    /// Asks another node for its person, and keeps what comes until that has answered.
    pub(super) fn set_out(&mut self, journey: Journey) {
        self.passing_mut().journey = Some(journey);
    }

    pub(super) fn journey_mut(&mut self) -> Option<&mut Journey> {
        self.passing()?.journey.as_mut()
    }

    pub(super) fn take_journey(&mut self) -> Option<Journey> {
        let journey = self.passing()?.journey.take();
        self.shrink();
        journey
    }

    /// Where its person is known to be at home, if that is another node.
    pub(super) fn home_abroad(&self) -> Option<ShardId> {
        self.known.as_ref()?.passing.as_ref()?.journey.as_ref()?.home()
    }

    /// Goes to another worker, and keeps what comes until it is there.
    pub(super) fn send(&mut self, errand: Errand) {
        self.passing_mut().errand = Some(errand);
    }

    pub(super) fn errand(&self) -> Option<&Errand> {
        self.known.as_ref()?.passing.as_ref()?.errand.as_ref()
    }

    /// The one that its errand leads to has another name, and perhaps another home.
    pub(super) fn rename_claimed(&mut self, rename: impl Fn(SessionId) -> SessionId) {
        if let Some(errand) = self.passing().and_then(|it| it.errand.as_mut()) {
            errand.rename_claimed(rename);
        }
    }

    pub(super) fn take_errand(&mut self) -> Option<Errand> {
        let errand = self.passing()?.errand.take();
        self.shrink();
        errand
    }

    pub(super) fn take_kept(&mut self) -> Option<Kept> {
        let kept = self.passing()?.kept.take();
        self.shrink();
        kept
    }

    /// Meters what the client does.
    pub(super) fn does(&mut self, now: Micros, act: Act, rates: &SpeechRates) -> Heed {
        if self.exempt {
            return Heed::Heard;
        }
        let speech = self.known_mut().speech.get_or_insert_with(|| Speech::new(now));
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
        self.passing_mut().owed = Some(owed);
    }

    /// The challenge that isn't met yet.
    pub(super) fn owed(&mut self) -> Option<&Owed> {
        self.passing()?.owed.as_ref()
    }

    /// The challenge is met.
    pub(super) fn owes_nothing(&mut self) {
        self.passing_mut().owed = None;
        self.shrink();
    }

    fn keep_as(&mut self, kind: fn(Vec<u8>) -> Kept, bytes: &[u8]) -> bool {
        let passing = self.passing_mut();
        let kept = match &mut passing.errand {
            Some(errand) => &mut errand.unheard,
            None if let Some(unheard) = passing.journey.as_mut().and_then(Journey::unheard) => {
                unheard
            }
            None => {
                let kept = passing.kept.get_or_insert_with(|| kind(Vec::new()));
                let (Kept::Handshake(kept) | Kept::Request(kept)) = kept;
                kept
            }
        };
        kept.extend_from_slice(bytes);
        kept.len() <= KEPT_MAX
    }

    fn known_mut(&mut self) -> &mut Known {
        self.known.get_or_insert_default()
    }

    fn passing(&mut self) -> Option<&mut Passing> {
        self.known.as_mut()?.passing.as_deref_mut()
    }

    fn passing_mut(&mut self) -> &mut Passing {
        self.known_mut().passing.get_or_insert_default()
    }

    /// Frees what holds nothing any more.
    fn shrink(&mut self) {
        let Some(known) = &mut self.known else { return };
        known.passing.take_if(|it| {
            let Passing { header, kept, owed, errand, journey } = &**it;
            header.is_none()
                && kept.is_none()
                && owed.is_none()
                && errand.is_none()
                && journey.is_none()
        });
        let Known { speech, fingerprint, passing } = &**known;
        if speech.is_none() && *fingerprint == 0 && passing.is_none() {
            self.known = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::super::challenge::Challenges;
    use super::*;

    #[test]
    fn what_passes_is_freed_and_what_it_is_known_by_stays() {
        let challenges = Challenges::new([7; 32]);
        challenges.set_effort(1);
        let mut guest = Guest::new(Ipv4Addr::LOCALHOST.into(), Service::Plain);
        guest.expect_header();
        assert!(guest.header().is_some());
        guest.header_is_read();
        assert!(guest.keep(b"GET") && guest.waits());
        assert!(matches!(guest.take_kept(), Some(Kept::Request(kept)) if kept == b"GET"));
        assert!(guest.known.is_none(), "nothing is left of it");

        guest.name_device(3);
        let (owed, _) = challenges.make(Micros(0)).expect("it is asked");
        guest.owe(owed);
        guest.say_fingerprint(4);
        guest.say_fingerprint(5);
        guest.owes_nothing();
        assert!(
            guest.owed().is_none() && guest.known.as_ref().is_some_and(|it| it.passing.is_none())
        );
        let Identity { cookie, fingerprint, .. } = guest.identity();
        assert_eq!((cookie, fingerprint), (Some(3), Some(4)), "the first word counts");
    }
}
