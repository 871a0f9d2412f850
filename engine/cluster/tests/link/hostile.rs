//! A wire that does its worst, processes that stand still, and links that are given up at any time.

use std::time::Duration;

use proptest::prelude::*;
use whisper_cluster::News;

use crate::pair::{Pair, side};

/// What befalls the two.
#[derive(Clone, Copy, Debug)]
enum Trouble {
    /// A side pushes so many items of so many bytes.
    Push(usize, u8, u16),
    /// Of what is under way, one packet comes: this one, counted around.
    Deliver(usize),
    /// So many come, as they were sent.
    DeliverSome(usize),
    /// It comes, and will come again.
    Double(usize),
    /// It is lost.
    Lose(usize),
    /// All that is under way is lost.
    LoseAll,
    /// So many milliseconds go by.
    Wait(u16),
    /// A side stands still, or goes on.
    Freeze(usize),
    /// A side gives up.
    Reset(usize),
    /// A side loses sight of the other, and sees it again.
    Renew(usize),
}

fn trouble() -> impl Strategy<Value = Trouble> {
    let (side, packet) = (0..2_usize, 0..1_000_usize);
    prop_oneof![
        12 => (side.clone(), 1..20_u8, 0..3_000_u16).prop_map(|(it, n, s)| Trouble::Push(it, n, s)),
        8 => packet.clone().prop_map(Trouble::Deliver),
        16 => (1..30_usize).prop_map(Trouble::DeliverSome),
        3 => packet.clone().prop_map(Trouble::Double),
        3 => packet.prop_map(Trouble::Lose),
        1 => Just(Trouble::LoseAll),
        8 => (1..150_u16).prop_map(Trouble::Wait),
        1 => (1_000..6_000_u16).prop_map(Trouble::Wait),
        1 => side.clone().prop_map(Trouble::Freeze),
        1 => side.clone().prop_map(Trouble::Reset),
        1 => side.prop_map(Trouble::Renew),
    ]
}

/// What one side pushed, and what it heard, by links that are counted where they are pushed to.
#[derive(Debug, Default)]
struct Book {
    is_up: bool,
    /// The how-manieth link this is for this side, and the items pushed by it.
    link: u64,
    pushed: u64,
    /// Of the other side's links the one that is heard now, and the items heard by it.
    heard: Option<(u64, u64)>,
    /// The last of the other side's links that was heard.
    heard_last: u64,
}

impl Book {
    fn take(&mut self, news: &News) {
        match news {
            News::Up => {
                assert!(!self.is_up, "up twice");
                (self.is_up, self.pushed) = (true, 0);
                self.link += 1;
            }
            News::Lost => {
                assert!(self.is_up, "lost without being up");
                (self.is_up, self.heard) = (false, None);
            }
            News::Heard(batch) => {
                assert!(self.is_up, "heard without being up");
                for item in batch.items() {
                    let number = |at| u64::from_be_bytes(item[at..at + 8].try_into().expect("8"));
                    let (link, count) = (number(0), number(8));
                    let (now, next) = self.heard.unwrap_or_else(|| {
                        assert!(link > self.heard_last, "a link is heard again");
                        (link, 0)
                    });
                    assert_eq!((link, count), (now, next), "in order, and once");
                    self.heard = Some((now, next + 1));
                    self.heard_last = now;
                }
            }
        }
    }
}

struct World {
    pair: Pair,
    books: [Book; 2],
    frozen: [bool; 2],
}

impl World {
    fn befall(&mut self, trouble: Trouble) {
        let count = self.pair.wire.len();
        match trouble {
            Trouble::Push(side, count, size) => {
                for _ in 0..count {
                    self.push(side, size.into());
                }
            }
            Trouble::Deliver(_) | Trouble::Double(_) | Trouble::Lose(_) if count == 0 => {}
            Trouble::Deliver(at) => self.deliver(at % count),
            Trouble::DeliverSome(most) => {
                for _ in 0..most.min(count) {
                    self.deliver(0);
                }
            }
            Trouble::Double(at) => {
                let packet = self.pair.wire[at % count].clone();
                self.pair.wire.push(packet);
                self.deliver(at % count);
            }
            Trouble::Lose(at) => drop(self.pair.wire.remove(at % count)),
            Trouble::LoseAll => self.pair.wire.clear(),
            Trouble::Wait(ms) => self.pair.now += Duration::from_millis(ms.into()),
            Trouble::Freeze(side) => self.frozen[side] = !self.frozen[side],
            Trouble::Reset(side) => self.pair.links[side].reset(self.pair.now),
            Trouble::Renew(it) => {
                // Whoever keeps links tells of this by itself.
                let link = &mut self.pair.links[it];
                let next = side(self.pair.now, it, link.half() + 1);
                if std::mem::replace(link, next).is_up() {
                    self.books[it].take(&News::Lost);
                }
            }
        }
        for side in (0..2).filter(|side| !self.frozen[*side]) {
            self.pair.poll(side);
        }
        self.hear();
    }

    fn push(&mut self, side: usize, size: usize) {
        let book = &mut self.books[side];
        if self.frozen[side] || !self.pair.links[side].is_up() {
            return;
        }
        let mut item = [book.link.to_be_bytes(), book.pushed.to_be_bytes()].concat();
        item.resize(16 + size, b'x');
        book.pushed += 1;
        self.pair.push(side, &item);
    }

    /// What comes to who stands still waits.
    fn deliver(&mut self, at: usize) {
        if !self.frozen[self.pair.wire[at].0] {
            let (side, packet) = self.pair.wire.remove(at);
            self.pair.links[side].hear(self.pair.now, &packet).expect("it is of this link");
            self.pair.gather(side);
            self.hear();
        }
    }

    fn hear(&mut self) {
        for side in 0..2 {
            self.pair.gather(side);
        }
        for (book, news) in self.books.iter_mut().zip(self.pair.take_news()) {
            news.iter().for_each(|news| book.take(news));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn what_is_heard_is_a_prefix_of_what_was_pushed(
        troubles in prop::collection::vec(trouble(), 1..300),
    ) {
        let mut world =
            World { pair: Pair::new(), books: Default::default(), frozen: [false; 2] };
        for trouble in troubles {
            world.befall(trouble);
        }
        // All is well again: both come up, and hear all that is pushed from then on.
        world.frozen = [false; 2];
        world.pair.pass(Duration::from_secs(3));
        world.hear();
        prop_assert!(world.books.iter().all(|book| book.is_up));
        for count in 0..200 {
            world.push(count % 2, count * 50);
        }
        world.pair.settle();
        world.hear();
        for side in 0..2 {
            let (book, other) = (&world.books[side], &world.books[1 - side]);
            prop_assert_eq!(other.heard, Some((book.link, book.pushed)));
        }
    }
}
