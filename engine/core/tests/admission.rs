//! Who may come in: caps and rates of addresses, through the doors that homes and owners use.

use core::net::IpAddr;
use std::collections::{BTreeMap, VecDeque};
use std::sync::LazyLock;

use proptest::prelude::*;
use whisper_core::limits::{
    Admission, AdmissionRates, Answer, Ask, Held, Rate, Visit, Visitor, Wait, unclaimed,
};
use whisper_core::time::{Micros, Span};
use whisper_shard_router::Placement;

fn placement() -> &'static Placement {
    static PLACEMENT: LazyLock<Placement> = LazyLock::new(|| Placement::single_node([7; 16], 0, 4));
    &PLACEMENT
}

fn visitor(address: &str) -> Visitor {
    Visitor::new(address.parse().expect("an address"), placement())
}

fn at(ms: u64) -> Micros {
    Micros(1_800_000_000_000_000 + ms * 1_000)
}

/// Opens a WebSocket for a visitor without a kept seat, as far as it may.
fn seat(owner: &mut Admission, now: Micros, who: &Visitor) -> Result<(), Span> {
    match owner.handle(now, who, Ask::Upgrade(Held::Nothing)).expect("is answered") {
        Answer::Granted(Held::Seat) => Ok(()),
        Answer::Granted(held) => panic!("a seat was asked for, not {held:?}"),
        Answer::Refused(wait) => Err(wait),
    }
}

#[test]
fn an_address_has_five_sockets_at_once() {
    let mut owner = Admission::new(AdmissionRates::default(), 1);
    let (one, other) = (visitor("192.0.2.7"), visitor("192.0.2.8"));
    for _ in 0..5 {
        seat(&mut owner, at(0), &one).expect("room for five");
    }
    assert!(seat(&mut owner, at(0), &one).is_err());
    seat(&mut owner, at(0), &other).expect("the neighbour is somebody else");
    owner.handle(at(1), &one, Ask::Leave(Held::Seat));
    seat(&mut owner, at(1), &one).expect("one has left");
}

#[test]
fn a_hundred_upgrades_a_minute_and_then_as_they_come_back() {
    let mut owner = Admission::new(AdmissionRates::default(), 1);
    let one = visitor("192.0.2.7");
    for _ in 0..100 {
        seat(&mut owner, at(0), &one).expect("a hundred at once");
        owner.handle(at(0), &one, Ask::Leave(Held::Seat));
    }
    let wait = seat(&mut owner, at(0), &one).expect_err("the minute's share is gone");
    assert_eq!(wait, Span::millis(600));
    seat(&mut owner, at(600), &one).expect("as told");
}

#[test]
fn mapped_addresses_are_the_addresses_they_map() {
    assert_eq!(visitor("::ffff:192.0.2.7"), visitor("192.0.2.7"));
    assert_ne!(visitor("192.0.2.7"), visitor("192.0.2.8"));
    assert_eq!(visitor("2001:db8::1"), visitor("2001:db8::ffff:ffff:ffff:ffff"));
    assert_ne!(visitor("2001:db8::1"), visitor("2001:db8:0:1::1"));
}

#[test]
fn a_wide_network_is_capped_as_a_whole() {
    let mut owner = Admission::new(AdmissionRates::default(), 1);
    let in_56 = |n: u32| visitor(&format!("2001:db8:0:{n:x}::1"));
    let seated = (0..256).filter(|&n| seat(&mut owner, at(0), &in_56(n)).is_ok()).count();
    assert_eq!(seated, 4 * 5, "a /56 holds four times what a /64 holds");
    let in_48 = |n: u32| visitor(&format!("2001:db8:0:{:x}::1", 0x100 * n));
    let more = (1..256).filter(|&n| seat(&mut owner, at(0), &in_48(n)).is_ok()).count();
    assert_eq!(seated + more, 16 * 5, "a /48 sixteen times");
    let placement = placement();
    let owners = (0..256).map(|n| in_56(n).owner(placement));
    assert!(owners.into_iter().all(|it| it == in_48(3).owner(placement)), "one shard sees all");
}

#[test]
fn kept_seats_leave_room_for_whoever_asks() {
    let mut owner = Admission::new(AdmissionRates::default(), 1);
    let one = visitor("192.0.2.7");
    let knocks: Vec<_> =
        (0..6).map(|_| owner.handle(at(0), &one, Ask::Knock { tls: false })).collect();
    let reserved = knocks.iter().filter(|it| **it == Some(Answer::Granted(Held::Reserved)));
    assert_eq!(reserved.count(), 2, "the rest decide when they know what they want");
    for _ in 0..3 {
        assert_eq!(
            owner.handle(at(0), &one, Ask::Upgrade(Held::Plain)),
            Some(Answer::Granted(Held::Seat))
        );
    }
    assert!(matches!(
        owner.handle(at(0), &one, Ask::Upgrade(Held::Plain)),
        Some(Answer::Refused(_))
    ));
}

#[test]
fn plain_connections_handshakes_and_requests_have_bounds_of_their_own() {
    let rates = AdmissionRates {
        plain: 3,
        handshakes: Rate::per_minute(60, 2),
        requests: Rate::per_minute(60, 2),
        ..AdmissionRates::default()
    };
    let mut owner = Admission::new(rates, 1);
    let one = visitor("192.0.2.7");
    let mut refused = |ask| matches!(owner.handle(at(0), &one, ask), Some(Answer::Refused(_)));
    assert!(!refused(Ask::Knock { tls: true }) && !refused(Ask::Knock { tls: true }));
    assert!(refused(Ask::Knock { tls: true }), "two handshakes at once");
    assert!(!refused(Ask::Knock { tls: false }));
    assert!(refused(Ask::Knock { tls: false }), "three connections at once");
    assert!(!refused(Ask::Request(Held::Plain)) && !refused(Ask::Request(Held::Plain)));
    assert!(refused(Ask::Request(Held::Plain)), "two requests at once");
}

#[test]
fn whoever_is_gone_is_forgotten() {
    let mut owner = Admission::new(AdmissionRates::default(), 1);
    for n in 0..100 {
        let guest = visitor(&format!("192.0.2.{n}"));
        seat(&mut owner, at(0), &guest).expect("room");
        owner.handle(at(1_000), &guest, Ask::Leave(Held::Seat));
    }
    assert_eq!(owner.remembered(), 100);
    for n in 0..100 {
        owner.handle(at(70_000 + n), &visitor("198.51.100.1"), Ask::Request(Held::Nothing));
    }
    assert_eq!(owner.remembered(), 1);
}

/// What happens to one of the connections of a random world.
#[derive(Clone, Debug)]
enum Step {
    Open {
        address: u8,
        tls: bool,
    },
    Request {
        which: usize,
        upgrade: bool,
    },
    Close {
        which: usize,
    },
    /// The owner gets to its next question, the home to its next answer.
    Turn,
    Later {
        ms: u64,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (0u8..4, any::<bool>()).prop_map(|(address, tls)| Step::Open { address, tls }),
        4 => (any::<usize>(), any::<bool>())
            .prop_map(|(which, upgrade)| Step::Request { which, upgrade }),
        2 => any::<usize>().prop_map(|which| Step::Close { which }),
        6 => Just(Step::Turn),
        1 => (0u64..5_000).prop_map(|ms| Step::Later { ms }),
    ];
    prop::collection::vec(step, 0..300)
}

struct Connection {
    visitor: Visitor,
    visit: Visit,
    seated: bool,
    /// A request that waits for the owner, and whether it is for a WebSocket.
    kept: Option<bool>,
}

/// A home with its connections, an owner, and what is on its way between them.
struct World {
    owner: Admission,
    now: u64,
    next: usize,
    open: BTreeMap<usize, Connection>,
    questions: VecDeque<(usize, Visitor, Ask)>,
    answers: VecDeque<(usize, Visitor, Ask, Answer)>,
}

impl World {
    fn ask(&mut self, id: usize, visitor: Visitor, ask: Option<Ask>) {
        self.questions.extend(ask.map(|ask| (id, visitor, ask)));
    }

    fn nth(&self, which: usize) -> Option<usize> {
        (!self.open.is_empty()).then(|| *self.open.keys().nth(which % self.open.len()).expect("in"))
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Open { address, tls } => {
                let address = IpAddr::from([192, 0, 2, address]);
                let visitor = Visitor::new(address, placement());
                let (visit, ask) = Visit::knock(tls);
                let connection = Connection { visitor, visit, seated: false, kept: None };
                self.open.insert(self.next, connection);
                self.ask(self.next, visitor, Some(ask));
                self.next += 1;
            }
            Step::Request { which, upgrade } => {
                let Some(id) = self.nth(which) else { return };
                let connection = &self.open[&id];
                if !connection.seated && connection.kept.is_none() {
                    self.request(id, upgrade);
                }
            }
            Step::Close { which } => {
                let Some(id) = self.nth(which) else { return };
                let Connection { visitor, visit, .. } = self.open.remove(&id).expect("it is open");
                self.ask(id, visitor, visit.leave());
            }
            Step::Turn => {
                if let Some((id, visitor, ask)) = self.questions.pop_front()
                    && let Some(answer) = self.owner.handle(at(self.now), &visitor, ask)
                {
                    self.answers.push_back((id, visitor, ask, answer));
                }
                if let Some((id, visitor, ask, answer)) = self.answers.pop_front() {
                    match self.open.get_mut(&id) {
                        Some(connection) => {
                            connection.visit.answered(ask, answer);
                            if let Some(upgrade) = connection.kept.take() {
                                self.request(id, upgrade);
                            }
                        }
                        None => self.ask(id, visitor, unclaimed(ask, answer)),
                    }
                }
            }
            Step::Later { ms } => self.now += ms,
        }
    }

    fn request(&mut self, id: usize, upgrade: bool) {
        let connection = self.open.get_mut(&id).expect("it is open");
        let visitor = connection.visitor;
        match connection.visit.request(upgrade) {
            Wait::No(ask) => {
                connection.seated = upgrade;
                self.ask(id, visitor, ask);
            }
            Wait::Yes(ask) => {
                connection.kept = Some(upgrade);
                self.ask(id, visitor, ask);
            }
            Wait::Refused(wait) => assert!(wait.0 > 0),
        }
    }

    fn settle(&mut self) {
        while !self.questions.is_empty() || !self.answers.is_empty() {
            self.step(Step::Turn);
        }
    }
}

proptest! {
    /// Whatever connections do and whenever they go: no address has more sockets than it may, and
    /// when all are gone, nothing is left of them.
    #[test]
    fn nothing_is_held_twice_and_nothing_forever(steps in steps()) {
        let rates = AdmissionRates { sockets: 3, plain: 6, ..AdmissionRates::default() };
        let owner = Admission::new(rates, 1);
        let mut world = World {
            owner,
            now: 0,
            next: 0,
            open: BTreeMap::new(),
            questions: VecDeque::new(),
            answers: VecDeque::new(),
        };
        for step in steps {
            world.step(step);
            for address in 0..4u8 {
                let who = Visitor::new(IpAddr::from([192, 0, 2, address]), placement());
                let mine = world.open.values().filter(|it| it.visitor == who);
                let seated = mine.filter(|it| it.seated).count();
                prop_assert!(seated <= 3, "{seated} sockets of one address");
            }
        }
        while !world.open.is_empty() {
            world.step(Step::Close { which: 0 });
        }
        world.settle();
        // Everybody may hold everything again at once, as if nobody had ever been there.
        for address in 0..4u8 {
            let who = Visitor::new(IpAddr::from([192, 0, 2, address]), placement());
            world.now += 60_000;
            for _ in 0..3 {
                prop_assert!(seat(&mut world.owner, at(world.now), &who).is_ok());
            }
            for _ in 0..3 {
                world.owner.handle(at(world.now), &who, Ask::Leave(Held::Seat));
            }
        }
        world.now += 120_000;
        let nobody = visitor("198.51.100.1");
        for _ in 0..10 {
            world.owner.handle(at(world.now), &nobody, Ask::Leave(Held::Nothing));
            world.now += 120_000;
        }
        prop_assert!(world.owner.remembered() <= 1);
    }
}
