//! Shards with their sessions, and nothing of a reactor: what it does with bytes is done here in the
//! simplest way.

use core::net::IpAddr;
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use whisper_core::http::{Offer, Subprotocol};
use whisper_core::ids::{Link, SessionId};
use whisper_core::limits::{
    Act, AdmissionRates, Answer, Ask, Heed, Held, Rate, Speech, SpeechRates, Visit, Visitor, Wait,
    unclaimed,
};
use whisper_core::moderation::{Ladder, Rules};
use whisper_core::session::{Input, KeepAlive, Session, write_payload};
use whisper_core::settings::Settings;
use whisper_core::shard::{Effect, Envelope, Event, Setup, Shard};
use whisper_core::time::{Micros, Span};
use whisper_core::ws::{Opcode, encode_close, encode_frame};
use whisper_proto::{CloseCode, ErrorCode, ErrorMessage, ServerMessage};
use whisper_shard_router::{Placement, ShardId};

use super::ears::Ears;

const NODE: u16 = 3;
const GENESIS: Micros = Micros(1_790_000_000_000_000);

/// A shard that is still due after so many ticks has lost its sense of time.
const TICKS_MAX: usize = 10_000;

/// What one address may hold: little, so that it is reached.
const RATES: AdmissionRates = AdmissionRates {
    sockets: 4,
    upgrades: Rate::per_minute(60, 6),
    plain: 6,
    requests: Rate::per_minute(60, 6),
    handshakes: Rate::per_minute(60, 6),
};

/// Where clients come from; two are of one block of IPv6.
pub(super) const ADDRESSES: [&str; 4] =
    ["192.0.2.1", "198.51.100.1", "2001:db8:0:1::1", "2001:db8:0:2::1"];

pub(super) struct House {
    now: Micros,
    rates: SpeechRates,
    shards: Vec<Shard>,
    /// From each shard to each, in order.
    rings: Vec<VecDeque<Envelope>>,
    clients: Vec<Option<Client>>,
    /// Connections ever opened; each has its own link.
    opened: u64,
    /// The kinds of messages that people who are gone were sent.
    heard: BTreeSet<&'static str>,
}

struct Client {
    link: Link,
    shard: usize,
    address: IpAddr,
    visit: Visit,
    /// Shall speak TLS, and hasn't begun: the rest of it is as without.
    knocks: bool,
    /// What came while the owner of the address was asked.
    kept: Option<Vec<u8>>,
    speech: Speech,
    session: Session,
    person: Option<SessionId>,
    /// There once it is a WebSocket.
    ears: Option<Ears>,
    /// The engine has closed it, and hears of its end soon.
    over: bool,
}

/// What a client said, and needs nothing of the session any more.
enum Heard {
    Event(Vec<Owned>),
    Ping(Vec<u8>),
    TooFast(Heed),
    Wait(Option<Ask>, Vec<u8>),
    Upgrade(Option<Ask>, Subprotocol),
    Page(Option<Ask>),
    Close(u16),
    End,
    Nothing,
}

/// An effect that outlives the event.
enum Owned {
    Opened(Link, SessionId),
    Tell(Link, Vec<u8>),
    Close(Link, CloseCode),
    ToShard(ShardId, Envelope),
    Answered(Link, Visitor, Ask, Answer),
}

impl House {
    pub(super) fn new(shards: u16) -> Self {
        let placement = Placement::single_node([5; 16], NODE, shards);
        let settings = Arc::new(Settings { admission: RATES, ..Settings::default() });
        let rules = Arc::new(Rules::none(Ladder::default()));
        let setup = |shard| Setup {
            me: ShardId { node: NODE, shard },
            shards: shards.into(),
            placement: placement.clone(),
            settings: Arc::clone(&settings),
            rules: Arc::clone(&rules),
            evidence_secret: [1; 32],
            session_secret: [2; 32],
            seed: [shard as u8; 32],
        };
        Self {
            now: GENESIS,
            rates: speech_rates(),
            shards: (0..shards).map(|shard| Shard::new(GENESIS, setup(shard))).collect(),
            rings: vec![VecDeque::new(); usize::from(shards) * usize::from(shards)],
            clients: Vec::new(),
            opened: 0,
            heard: BTreeSet::new(),
        }
    }

    /// Somebody connects to a shard, in place of whoever had the number before.
    pub(super) fn open(&mut self, number: usize, shard: usize, address: usize, tls: bool) {
        self.vanish(number);
        if self.clients.len() <= number {
            self.clients.resize_with(number + 1, || None);
        }
        self.opened += 1;
        let link = Link(self.opened);
        let (visit, ask) = Visit::knock(tls);
        let address: IpAddr = ADDRESSES[address].parse().expect("an address");
        self.clients[number] = Some(Client {
            link,
            shard,
            address,
            visit,
            knocks: tls,
            kept: None,
            speech: Speech::new(self.now),
            session: Session::default(),
            person: None,
            ears: None,
            over: false,
        });
        self.ask(shard, link, address, ask);
        self.bury();
    }

    /// What a client speaks, if it has a WebSocket.
    pub(super) fn protocol(&self, number: usize) -> Option<Subprotocol> {
        Some(self.clients.get(number)?.as_ref()?.ears.as_ref()?.protocol)
    }

    /// A connection is lost.
    pub(super) fn vanish(&mut self, number: usize) {
        let Some(client) = self.clients.get_mut(number).and_then(Option::take) else { return };
        self.heard.extend(client.ears.into_iter().flat_map(|ears| ears.heard));
        if let Some(session) = client.person {
            let broken = !client.session.is_over();
            self.feed(client.shard, Event::Disconnected { session, broken });
        }
        if let Some(ask) = client.visit.leave() {
            self.ask(client.shard, client.link, client.address, ask);
        }
    }

    /// Bytes arrive from a client.
    pub(super) fn received(&mut self, number: usize, bytes: &[u8]) {
        self.hear(number, bytes);
        self.bury();
    }

    fn hear(&mut self, number: usize, bytes: &[u8]) {
        let mut bytes = bytes.to_vec();
        let mut input = &mut bytes[..];
        if self.keeps(number, input) {
            return;
        }
        loop {
            let Some(Some(client)) = self.clients.get_mut(number) else { return };
            let (shard, link, person) = (client.shard, client.link, client.person);
            let Some(said) = client.session.next(&mut input) else { break };
            let act = match &said {
                Input::Message(message) => Some(Act::of(message)),
                Input::Malformed(_) | Input::Ping(_) => Some(Act::Other),
                _ => None,
            };
            let heed = act.map_or(Heed::Heard, |it| client.speech.act(self.now, it, &self.rates));
            let heard = match (said, person) {
                _ if heed != Heed::Heard => Heard::TooFast(heed),
                (Input::Message(message), Some(session)) => {
                    let event = Event::Message { session, message };
                    Heard::Event(handle(&mut self.shards[shard], self.now, event))
                }
                (Input::Malformed(error), Some(session)) => {
                    let event = Event::Malformed { session, error };
                    Heard::Event(handle(&mut self.shards[shard], self.now, event))
                }
                (Input::Message(_) | Input::Malformed(_), None) => panic!("a WebSocket of nobody"),
                (Input::Ping(payload), _) => Heard::Ping(payload.to_vec()),
                (Input::Pong, _) => Heard::Nothing,
                (Input::Request(request), _) => {
                    let offer = request.upgrade.as_ref().map(|it| it.offer);
                    match client.visit.request(offer.is_some()) {
                        Wait::Refused(_) => Heard::End,
                        // It is heard again once the owner has answered; so is what follows it.
                        Wait::Yes(ask) => Heard::Wait(ask, [request.head, input].concat()),
                        Wait::No(ask) => match offer {
                            Some(Offer::Ours(protocol)) => Heard::Upgrade(ask, protocol),
                            Some(_) => Heard::Upgrade(ask, Subprotocol::Msgpack),
                            None if request.keep_alive => Heard::Page(ask),
                            None => Heard::End,
                        },
                    }
                }
                (Input::Rejected(_), _) => Heard::End,
                (Input::Over(code), _) => Heard::Close(code),
            };
            match heard {
                Heard::Event(effects) => self.carry_out(shard, effects),
                Heard::TooFast(Heed::TooSoon(wait)) => {
                    let mut payload = Vec::new();
                    ServerMessage::Error(ErrorMessage {
                        code: ErrorCode::RateLimited,
                        message: "",
                        id: None,
                        retry_after_ms: Some(wait.as_millis()),
                    })
                    .encode(&mut payload);
                    self.carry_out(shard, vec![Owned::Tell(link, payload)]);
                }
                Heard::TooFast(_) => {
                    client.write(|out| encode_close(out, CloseCode::RateLimited.as_u16(), ""));
                    client.end();
                }
                Heard::Ping(payload) => {
                    client.write(|out| encode_frame(out, Opcode::Pong, &payload));
                }
                Heard::Wait(ask, kept) => {
                    client.kept = Some(kept);
                    return self.tell(number, ask);
                }
                Heard::Page(ask) => self.tell(number, ask),
                Heard::Upgrade(ask, protocol) => {
                    client.session.upgraded(protocol);
                    client.ears = Some(Ears::new(protocol));
                    let address = client.address;
                    self.tell(number, ask);
                    self.feed(shard, Event::Connected { link });
                    let sockets = self.clients.iter().flatten();
                    let of_it = sockets.filter(|it| it.ears.is_some() && it.address == address);
                    assert!(of_it.count() <= RATES.sockets as usize, "too many of one address");
                }
                Heard::Close(code) => {
                    client.write(|out| encode_close(out, code, ""));
                    client.end();
                }
                Heard::End => client.end(),
                Heard::Nothing => {}
            }
        }
        assert!(input.is_empty() || self.is_over(number), "the session left {} bytes", input.len());
    }

    /// Whether the bytes of a client aren't heard yet, or never: its address is still being asked
    /// about, or was refused.
    fn keeps(&mut self, number: usize, bytes: &[u8]) -> bool {
        let Some(Some(client)) = self.clients.get_mut(number) else { return true };
        if let Some(kept) = &mut client.kept {
            kept.extend_from_slice(bytes);
            return true;
        }
        if client.knocks {
            match client.visit.may_begin() {
                Wait::No(ask) => assert_eq!(ask, None, "it was asked when it knocked"),
                Wait::Yes(_) => client.kept = Some(bytes.to_vec()),
                Wait::Refused(_) => client.end(),
            }
            client.knocks = client.kept.is_some();
        }
        client.kept.is_some() || client.over
    }

    /// A look at a connection that may be quiet.
    pub(super) fn keep_alive(&mut self, number: usize) {
        let Some(Some(client)) = self.clients.get_mut(number) else { return };
        match client.session.keep_alive() {
            KeepAlive::Fine => {}
            KeepAlive::Ping => client.write(|out| encode_frame(out, Opcode::Ping, b"")),
            KeepAlive::Dead => client.end(),
        }
        self.bury();
    }

    /// One message between two shards arrives; false if none is underway.
    pub(super) fn deliver(&mut self, choice: usize) -> bool {
        let busy = |ring: &usize| !self.rings[*ring].is_empty();
        let busy: Vec<usize> = (0..self.rings.len()).filter(busy).collect();
        if busy.is_empty() {
            return false;
        }
        let ring = busy[choice % busy.len()];
        let (from, to) = (ring / self.shards.len(), ring % self.shards.len());
        let envelope = self.rings[ring].pop_front().expect("it is busy");
        let from = self.shards[from].id();
        self.feed(to, Event::FromShard { from, envelope });
        self.bury();
        true
    }

    /// Time passes, while what is underway stays so.
    pub(super) fn pass(&mut self, span: Span) {
        self.now = self.now + span;
        for shard in 0..self.shards.len() {
            let mut ticks = 0;
            while self.shards[shard].next_timeout() <= self.now {
                self.feed(shard, Event::Tick);
                ticks += 1;
                assert!(ticks < TICKS_MAX, "a shard ticks without end");
            }
        }
        self.bury();
    }

    /// Everybody goes, and nothing of them may be left. Returns the kinds of messages they were
    /// sent.
    pub(super) fn close(mut self) -> BTreeSet<&'static str> {
        for number in 0..self.clients.len() {
            self.vanish(number);
        }
        while self.deliver(0) {}
        self.has_room_for_all();
        for shard in &mut self.shards {
            assert_eq!(shard.rooms(), [], "a room with nobody in it");
            assert!(shard.tickets().is_empty(), "a ticket of nobody");
            assert_eq!(shard.counts().online, 0, "somebody without a connection");
        }
        self.heard
    }

    /// Once the rates allow it, every address may hold again what it may hold.
    fn has_room_for_all(&mut self) {
        self.now = self.now + Span::secs(600);
        for address in ADDRESSES {
            let address: IpAddr = address.parse().expect("an address");
            let visitor = self.shards[0].visitor(address);
            let plain = (0..RATES.plain).map(|_| Ask::Knock { tls: false });
            let seats = (0..RATES.sockets).map(|_| Ask::Upgrade(Held::Nothing));
            // Of those that knock some are kept a seat, so the seats come first.
            for ask in seats.chain(plain) {
                let link = Link(0);
                let mut asked = vec![(0, Event::Asked { link, visitor, ask })];
                let mut answer = None;
                while let Some((shard, event)) = asked.pop() {
                    for effect in handle(&mut self.shards[shard], self.now, event) {
                        match effect {
                            Owned::ToShard(to, envelope) => {
                                let from = self.shards[shard].id();
                                asked.push((to.shard.into(), Event::FromShard { from, envelope }));
                            }
                            Owned::Answered(.., it) => answer = Some(it),
                            _ => panic!("nobody else is there"),
                        }
                    }
                }
                let granted = matches!(answer, Some(Answer::Granted(_)));
                assert!(granted, "{address} still holds something: {ask:?} gets {answer:?}");
            }
        }
    }

    /// What a client's home has to ask of the owner of its address, if anything.
    fn tell(&mut self, number: usize, ask: Option<Ask>) {
        let (Some(Some(client)), Some(ask)) = (self.clients.get(number), ask) else { return };
        self.ask(client.shard, client.link, client.address, ask);
    }

    /// A home has something to ask of an owner.
    fn ask(&mut self, shard: usize, link: Link, address: IpAddr, ask: Ask) {
        let visitor = self.shards[shard].visitor(address);
        self.feed(shard, Event::Asked { link, visitor, ask });
    }

    /// What an owner has answered: whoever waited for it goes on.
    fn answered(
        &mut self,
        shard: usize,
        (link, visitor): (Link, Visitor),
        ask: Ask,
        answer: Answer,
    ) {
        let place =
            self.clients.iter().position(|it| it.as_ref().is_some_and(|it| it.link == link));
        let Some((number, client)) =
            place.and_then(|number| Some((number, self.clients[number].as_mut()?)))
        else {
            if let Some(ask) = unclaimed(ask, answer) {
                self.feed(shard, Event::Asked { link, visitor, ask });
            }
            return;
        };
        client.visit.answered(ask, answer);
        if let Some(kept) = client.kept.take() {
            self.hear(number, &kept);
        }
    }

    fn feed(&mut self, shard: usize, event: Event<'_>) {
        let effects = handle(&mut self.shards[shard], self.now, event);
        self.carry_out(shard, effects);
    }

    /// Carries out what an event came to, and then what the shard said to itself.
    fn carry_out(&mut self, shard: usize, effects: Vec<Owned>) {
        let me = self.shards[shard].id();
        let mut to_itself = VecDeque::new();
        let mut answers = Vec::new();
        let mut effects = effects;
        loop {
            for effect in effects {
                match effect {
                    Owned::Opened(link, session) => {
                        let client = self.client(link).expect("they have just connected");
                        client.person = Some(session);
                    }
                    Owned::Tell(link, payload) => {
                        if let Some(client) = self.client(link) {
                            let protocol = client.ears.as_ref().expect("a WebSocket").protocol;
                            client.write(|out| write_payload(out, &payload, protocol));
                        }
                    }
                    Owned::Close(link, code) => {
                        if let Some(client) = self.client(link) {
                            client.write(|out| encode_close(out, code.as_u16(), ""));
                            client.over = true;
                        }
                    }
                    Owned::Answered(link, visitor, ask, answer) => {
                        answers.push((link, visitor, ask, answer));
                    }
                    Owned::ToShard(to, envelope) if to == me => to_itself.push_back(envelope),
                    Owned::ToShard(to, envelope) => {
                        let ring = shard * self.shards.len() + usize::from(to.shard);
                        self.rings[ring].push_back(envelope);
                    }
                }
            }
            let Some(envelope) = to_itself.pop_front() else { break };
            let event = Event::FromShard { from: me, envelope };
            effects = handle(&mut self.shards[shard], self.now, event);
        }
        for (link, visitor, ask, answer) in answers {
            self.answered(shard, (link, visitor), ask, answer);
        }
    }

    /// Lets those go whose connections the engine has closed.
    fn bury(&mut self) {
        while let Some(number) = (0..self.clients.len()).find(|&number| self.is_over(number)) {
            self.vanish(number);
        }
    }

    fn is_over(&self, number: usize) -> bool {
        self.clients[number].as_ref().is_some_and(|client| client.over)
    }

    fn client(&mut self, link: Link) -> Option<&mut Client> {
        self.clients.iter_mut().flatten().find(|client| client.link == link)
    }
}

impl Client {
    /// Bytes reach the client, unless the engine has closed before.
    fn write(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        if self.over {
            return;
        }
        let mut bytes = Vec::new();
        write(&mut bytes);
        self.ears.as_mut().expect("only a WebSocket is written to").hear(bytes);
    }

    /// The engine closes, and hears no more.
    fn end(&mut self) {
        self.session.over();
        self.over = true;
    }
}

/// What a client may say: as much as people do, but of messages.
fn speech_rates() -> SpeechRates {
    let mut rates = SpeechRates::default();
    *rates.of(Act::Message) = Rate::per_minute(60, 6);
    rates.refusals = Rate::per_minute(60, 3);
    rates
}

fn handle(shard: &mut Shard, now: Micros, event: Event<'_>) -> Vec<Owned> {
    let mut effects = Vec::new();
    shard.handle(now, event, &mut |effect: Effect<'_>| {
        effects.extend(match effect {
            Effect::Opened { link, session } => Some(Owned::Opened(link, session)),
            Effect::Send { link, message } => {
                let mut payload = Vec::new();
                message.encode(&mut payload);
                Some(Owned::Tell(link, payload))
            }
            Effect::Forward { link, payload, .. } => Some(Owned::Tell(link, payload.to_vec())),
            Effect::Close { link, code } => Some(Owned::Close(link, code)),
            Effect::ToShard { to, envelope } => Some(Owned::ToShard(to, envelope)),
            Effect::Answered { link, visitor, ask, answer } => {
                Some(Owned::Answered(link, visitor, ask, answer))
            }
            Effect::Reported { .. } | Effect::Remembered { .. } => None,
            // Here are no rules.
            Effect::Judged { .. } | Effect::Sentenced { .. } => None,
        });
    });
    effects
}
