//! Two sides, and a wire between them that loses nothing unless it is told to.

use std::time::Duration;

use whisper_cluster::{ClusterKey, Link, News, Process, Run};

pub(crate) const START: Duration = Duration::from_secs(1_800_000_000);

pub(crate) fn key() -> ClusterKey {
    ClusterKey::new(&[7; 32], "main")
}

pub(crate) fn process(node: u16) -> Process {
    Process { node, run: Run { started_us: 100, nonce: u64::from(node) } }
}

/// Sides 0 and 1 are those of nodes 1 and 2.
pub(crate) struct Pair {
    pub(crate) now: Duration,
    pub(crate) links: [Link; 2],
    /// What is under way: to which side, and the packet.
    pub(crate) wire: Vec<(usize, Vec<u8>)>,
    /// What each side was told of late, in order.
    pub(crate) news: [Vec<News>; 2],
}

impl Pair {
    pub(crate) fn new() -> Self {
        let links = [side(START, 0, 1), side(START, 1, 1)];
        Self { now: START, links, wire: Vec::new(), news: Default::default() }
    }

    /// Two sides that are up.
    pub(crate) fn up() -> Self {
        let mut pair = Self::new();
        pair.pass(Duration::from_millis(1));
        assert_eq!(pair.take_news(), [[News::Up], [News::Up]]);
        pair
    }

    /// One side says all that it has to say.
    pub(crate) fn poll(&mut self, side: usize) {
        while let Some(packet) = self.links[side].poll(self.now) {
            self.wire.push((1 - side, packet));
        }
        self.gather(side);
    }

    /// A side hears a packet.
    pub(crate) fn hear(&mut self, side: usize, packet: &[u8]) {
        self.links[side].hear(self.now, packet).expect("it is of this link");
        self.gather(side);
    }

    /// All that is under way comes, and what is said to it, until nothing is.
    pub(crate) fn settle(&mut self) {
        loop {
            (0..2).for_each(|side| self.poll(side));
            if self.wire.is_empty() {
                return;
            }
            for (side, packet) in std::mem::take(&mut self.wire) {
                self.hear(side, &packet);
            }
        }
    }

    /// Time goes by, and everything comes.
    pub(crate) fn pass(&mut self, span: Duration) {
        self.pass_but(span, |_| false);
    }

    /// The same, but for what is to be lost on its way to a side.
    pub(crate) fn pass_but(&mut self, span: Duration, lost: impl Fn(usize) -> bool) {
        let end = self.now + span;
        while self.now < end {
            self.now += Duration::from_millis(1);
            loop {
                (0..2).for_each(|side| self.poll(side));
                self.wire.retain(|(side, _)| !lost(*side));
                if self.wire.is_empty() {
                    break;
                }
                for (side, packet) in std::mem::take(&mut self.wire) {
                    self.hear(side, &packet);
                }
            }
        }
    }

    pub(crate) fn push(&mut self, side: usize, item: &[u8]) {
        self.links[side].push(self.now, item).expect("it is up, and has room");
    }

    pub(crate) fn take_news(&mut self) -> [Vec<News>; 2] {
        std::mem::take(&mut self.news)
    }

    pub(crate) fn gather(&mut self, side: usize) {
        while let Some(news) = self.links[side].news() {
            self.news[side].push(news);
        }
    }
}

pub(crate) fn side(now: Duration, side: usize, half: u64) -> Link {
    let all = [process(1), process(2)];
    Link::new(&key(), now, (all[side], all[1 - side]), half)
}

/// The items that were heard.
pub(crate) fn items(news: &[News]) -> Vec<Vec<u8>> {
    let batches = news.iter().filter_map(|news| match news {
        News::Heard(batch) => Some(batch),
        News::Up | News::Lost => None,
    });
    batches.flat_map(|batch| batch.items().map(<[u8]>::to_vec)).collect()
}
