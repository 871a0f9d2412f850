//! Who may come in: what an address holds, kept by the one shard that owns the address.
//!
//! The home of a connection asks the owner of its address ([`Ask`]) and is answered ([`Answer`]),
//! mostly while the request is still on its way. IPv6 networks are handed out whole, so an address
//! there counts by its /64, and wider blocks are capped as well.

use core::net::IpAddr;
use std::collections::VecDeque;

use whisper_shard_router::{KeyHash, Placement, ShardId};

use super::rate::{Meter, Rate};
use crate::codec::{Damage, Field, Reader, Writer, fields};
use crate::seeded_map::SeededMap;
use crate::time::{Micros, Span};

/// Addresses that one shard remembers. Beyond that newcomers are turned away until others leave.
const PLACES_MAX: usize = 1 << 18;

/// Seats kept at once for connections of one address that have not yet said what they want.
const RESERVED_MAX: u32 = 2;

/// When to come again where nobody knows when others will leave.
const RETRY: Span = Span::secs(5);

/// How many times an IPv6 block may hold what a /64 may: the /64 itself, its /56, its /48.
const SHARES: [u32; 3] = [1, 4, 16];

/// What one address may hold, and how often it may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdmissionRates {
    /// WebSockets at once. Default 5.
    pub sockets: u32,
    /// WebSockets opened. Default 100 a minute.
    pub upgrades: Rate,
    /// Connections at once that are no WebSocket (yet). Default 32.
    pub plain: u32,
    /// Plain HTTP requests. Default 600 a minute, half of them at once.
    pub requests: Rate,
    /// TLS handshakes. Default 120 a minute, half of them at once.
    pub handshakes: Rate,
}

impl Default for AdmissionRates {
    fn default() -> Self {
        Self {
            sockets: 5,
            upgrades: Rate::per_minute(100, 100),
            plain: 32,
            requests: Rate::per_minute(600, 300),
            handshakes: Rate::per_minute(120, 60),
        }
    }
}

impl AdmissionRates {
    /// Which meter an ask is held against, and at which rate.
    fn toll(&self, ask: Ask) -> Option<(usize, Rate)> {
        match ask {
            Ask::Upgrade(_) => Some((0, self.upgrades)),
            Ask::Request(_) => Some((1, self.requests)),
            Ask::Knock { tls: true } => Some((2, self.handshakes)),
            Ask::Knock { tls: false } | Ask::Leave(_) => None,
        }
    }

    /// After this long without a visit an address is as good as unknown.
    fn quiet(&self) -> Span {
        self.upgrades.window().max(self.requests.window()).max(self.handshakes.window())
    }
}

/// An address as the shards know it: keyed hashes of it and of the blocks around it. What an
/// address was can't be read from them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Visitor {
    /// The narrowest first. All the same for IPv4, where no block is wider than an address.
    blocks: [KeyHash; 3],
}

impl Visitor {
    /// The visitor at `address`; an IPv4 address is the same one mapped into IPv6.
    pub fn new(address: IpAddr, placement: &Placement) -> Self {
        let blocks = match address.to_canonical() {
            IpAddr::V4(address) => {
                let [a, b, c, d] = address.octets();
                [placement.hash(&[b'4', a, b, c, d]); 3]
            }
            IpAddr::V6(address) => {
                let octets = address.octets();
                [8, 7, 6].map(|bytes| {
                    // The width tells the hashes of nested blocks apart.
                    let mut block = [0; 10];
                    block[0] = b'6';
                    block[1] = bytes as u8;
                    block[2..2 + bytes].copy_from_slice(&octets[..bytes]);
                    placement.hash(&block)
                })
            }
        };
        Self { blocks }
    }

    /// The shard that counts this visitor: that of the widest block, so that all within it meet.
    pub fn owner(&self, placement: &Placement) -> ShardId {
        placement.owner(self.blocks[2])
    }

    /// The widest of its blocks, as far as its owner depends on it.
    fn quarter(&self) -> u16 {
        (self.blocks[2].0 >> 48) as u16
    }

    /// The narrowest of its blocks: an address, in IPv6 a /64.
    pub fn narrowest(&self) -> KeyHash {
        self.blocks[0]
    }

    /// The blocks to be counted, and how many shares each has.
    fn blocks(&self) -> impl Iterator<Item = (KeyHash, u32)> + use<> {
        let nested = self.blocks[0] != self.blocks[2];
        self.blocks.into_iter().zip(SHARES).take(if nested { 3 } else { 1 })
    }
}

/// What a connection holds at its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Held {
    /// Nothing: a proxy's connection, which brings many visitors.
    Nothing,
    /// A place among the connections that are no WebSocket.
    Plain,
    /// Such a place, and a seat kept for it.
    Reserved,
    /// A WebSocket's seat.
    Seat,
}

/// What a home asks of the owner, or tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ask {
    /// A connection was opened. Answered.
    Knock {
        /// It will cost a TLS handshake.
        tls: bool,
    },
    /// It wants to become a WebSocket. Answered, but where a seat was kept for it.
    Upgrade(Held),
    /// It wants a page. Answered. A seat that was kept for it is given up.
    Request(Held),
    /// It is gone, and gives back what it held. Not answered.
    Leave(Held),
}

/// What the owner says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    /// Yes, and it now holds this.
    Granted(Held),
    /// Too many, or too often: it holds what it held. May be tried again after this long.
    Refused(Span),
}

fields! {
    struct Visitor { blocks }
    enum Held {
        0 Nothing;
        1 Plain;
        2 Reserved;
        3 Seat;
    }
    enum Ask {
        0 Knock { tls };
        1 Upgrade(held);
        2 Request(held);
        3 Leave(held);
    }
    enum Answer {
        0 Granted(held);
        1 Refused(wait);
    }
}

/// The addresses that one shard owns.
#[derive(Clone)]
pub struct Admission {
    rates: AdmissionRates,
    places: SeededMap<KeyHash, Place>,
    count: usize,
    /// Places that hold nothing, by the time of the last look at them.
    quiet: VecDeque<(Micros, KeyHash)>,
}

/// What the connections of one block hold, and what is left of its rates.
#[derive(Clone, Debug)]
struct Place {
    seats: u32,
    plain: u32,
    reserved: u32,
    /// In the order of [`AdmissionRates::toll`].
    meters: [Meter; 3],
    /// Stands among the quiet ones.
    queued: bool,
    /// Of the widest block around it, which names its owner.
    quarter: u16,
}

const _: () = assert!(size_of::<Place>() == 28);

impl Admission {
    /// A shard's own part of the addresses, with nobody there. The hash table takes its order from
    /// `seed`.
    pub fn new(rates: AdmissionRates, seed: u64) -> Self {
        Self { rates, places: SeededMap::new(seed), count: 0, quiet: VecDeque::new() }
    }

    /// Goes by these from here on. Nobody loses what they hold.
    pub fn set_rates(&mut self, rates: AdmissionRates) {
        self.rates = rates;
    }

    /// Addresses and blocks remembered now.
    pub fn remembered(&self) -> usize {
        self.count
    }

    /// Takes what a home asks about a visitor.
    pub fn handle(&mut self, now: Micros, visitor: &Visitor, ask: Ask) -> Option<Answer> {
        self.forget(now);
        let holds = match ask {
            Ask::Leave(held) => {
                self.swap(now, visitor, held, Held::Nothing);
                return None;
            }
            // It was allowed when the seat was kept.
            Ask::Upgrade(Held::Reserved) => {
                self.charge(now, visitor, ask);
                self.swap(now, visitor, Held::Reserved, Held::Seat);
                return None;
            }
            Ask::Knock { .. } if self.may_reserve(now, visitor) => Held::Reserved,
            Ask::Upgrade(_) => Held::Seat,
            Ask::Request(Held::Nothing) => Held::Nothing,
            Ask::Knock { .. } | Ask::Request(_) => Held::Plain,
        };
        if let Err(wait) = self.may(now, visitor, ask) {
            return Some(Answer::Refused(wait));
        }
        self.swap(now, visitor, ask.held(), holds);
        self.charge(now, visitor, ask);
        Some(Answer::Granted(holds))
    }

    /// Writes who holds what, and what is left of their rates.
    pub fn bequeath(&self, w: &mut Writer<'_>) {
        let places = self.places.sorted();
        w.number(places.len() as u64);
        for (block, place) in places {
            block.put(w);
            place.put(w);
        }
        w.number(self.quiet.len() as u64);
        for (since, block) in &self.quiet {
            since.put(w);
            block.put(w);
        }
    }

    /// Takes on those whom another shard counted, and who are of shard `me` now.
    ///
    /// # Errors
    /// [`Damage`].
    pub fn inherit(
        &mut self,
        mut r: Reader<'_>,
        me: ShardId,
        placement: &Placement,
    ) -> Result<(), Damage> {
        for _ in 0..r.count()? {
            let (block, place) = (KeyHash::get(&mut r)?, Place::get(&mut r)?);
            // Only those bits of a hash decide.
            if placement.owner(KeyHash(u64::from(place.quarter) << 48)) == me
                && self.places.insert(block, place).is_none()
            {
                self.count += 1;
            }
        }
        for _ in 0..r.count()? {
            let (since, block) = (Micros::get(&mut r)?, KeyHash::get(&mut r)?);
            if let Some(place) = self.places.get_mut(&block)
                && !std::mem::replace(&mut place.queued, true)
            {
                self.quiet.push_back((since, block));
            }
        }
        self.quiet.make_contiguous().sort_by_key(|(since, _)| *since);
        r.end()
    }

    /// Whether every block around the visitor has room for it.
    fn may(&self, now: Micros, visitor: &Visitor, ask: Ask) -> Result<(), Span> {
        for (block, share) in visitor.blocks() {
            let Some(place) = self.places.get(&block) else {
                if self.count + SHARES.len() > PLACES_MAX {
                    return Err(RETRY);
                }
                continue;
            };
            let (taken, cap) = match ask {
                Ask::Knock { .. } => (place.plain, self.rates.plain),
                Ask::Upgrade(_) => (place.seats + place.reserved, self.rates.sockets),
                Ask::Request(_) | Ask::Leave(_) => (0, 1),
            };
            if taken >= cap.saturating_mul(share) {
                return Err(RETRY);
            }
            if let Some((meter, rate)) = self.rates.toll(ask) {
                place.meters[meter].clone().take(now, rate.times(share))?;
            }
        }
        Ok(())
    }

    /// Whether a seat may be kept for a visitor before it says that it wants one.
    fn may_reserve(&self, now: Micros, visitor: &Visitor) -> bool {
        let reserved = |block, share| {
            self.places.get(&block).is_none_or(|place| place.reserved < RESERVED_MAX * share)
        };
        visitor.blocks().all(|(block, share)| reserved(block, share))
            && self.may(now, visitor, Ask::Upgrade(Held::Nothing)).is_ok()
    }

    /// Takes from the meters what [`Self::may`] found there. (Of a seat that was kept, another may
    /// have taken it since; it was promised all the same.)
    fn charge(&mut self, now: Micros, visitor: &Visitor, ask: Ask) {
        let Some((meter, rate)) = self.rates.toll(ask) else { return };
        for (block, share) in visitor.blocks() {
            if let Some(place) = self.places.get_mut(&block) {
                let _ = place.meters[meter].take(now, rate.times(share));
            }
        }
    }

    /// A visitor holds something else from now on.
    fn swap(&mut self, now: Micros, visitor: &Visitor, before: Held, after: Held) {
        for (block, _) in visitor.blocks() {
            let Self { places, count, quiet, .. } = self;
            let place = places.get_or_insert_with(block, || {
                *count += 1;
                Place::new(now, visitor.quarter())
            });
            place.give_back(before);
            place.take(after);
            if place.is_empty() && !place.queued {
                place.queued = true;
                quiet.push_back((now, block));
            }
        }
    }

    /// Forgets who has been gone for long enough, a few at a time.
    fn forget(&mut self, now: Micros) {
        for _ in 0..2 * SHARES.len() {
            let Some(&(since, block)) = self.quiet.front() else { return };
            if now.since(since) < self.rates.quiet() {
                return;
            }
            self.quiet.pop_front();
            let Some(place) = self.places.get_mut(&block) else { continue };
            if !place.is_empty() {
                place.queued = false;
            } else if place.meters.iter().all(|meter| meter.is_full(now)) {
                self.places.remove(&block);
                self.count -= 1;
            } else {
                place.queued = true;
                self.quiet.push_back((now, block));
            }
        }
    }
}

impl Field for Place {
    fn put(&self, w: &mut Writer<'_>) {
        let Self { seats, plain, reserved, meters, queued: _, quarter } = self;
        seats.put(w);
        plain.put(w);
        reserved.put(w);
        quarter.put(w);
        meters.put(w);
    }

    fn get(r: &mut Reader<'_>) -> Result<Self, Damage> {
        let (seats, plain, reserved) = (Field::get(r)?, Field::get(r)?, Field::get(r)?);
        let (quarter, meters) = (Field::get(r)?, Field::get(r)?);
        Ok(Self { seats, plain, reserved, meters, queued: false, quarter })
    }
}

impl Place {
    fn new(now: Micros, quarter: u16) -> Self {
        let meters = [Meter::new(now); 3];
        Self { seats: 0, plain: 0, reserved: 0, meters, queued: false, quarter }
    }

    fn is_empty(&self) -> bool {
        self.seats == 0 && self.plain == 0
    }

    fn take(&mut self, held: Held) {
        match held {
            Held::Nothing => {}
            Held::Plain => self.plain += 1,
            Held::Reserved => {
                self.plain += 1;
                self.reserved += 1;
            }
            Held::Seat => self.seats += 1,
        }
    }

    fn give_back(&mut self, held: Held) {
        match held {
            Held::Nothing => {}
            Held::Plain => self.plain -= 1,
            Held::Reserved => {
                self.plain -= 1;
                self.reserved -= 1;
            }
            Held::Seat => self.seats -= 1,
        }
    }
}

impl Ask {
    /// What the connection holds when it asks.
    pub(super) fn held(self) -> Held {
        match self {
            Self::Knock { .. } => Held::Nothing,
            Self::Upgrade(held) | Self::Request(held) | Self::Leave(held) => held,
        }
    }
}
