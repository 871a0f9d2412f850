//! What becomes of links, and comes by them, on its way to the workers: to each in order, as soon as
//! its mailbox has room.

use std::collections::{BTreeMap, VecDeque};

use whisper_cluster::{Batch, Epoch, Member, NodeNews, View};
use whisper_shard_router::{Lodging, Placement};

use crate::control::Lines;
use crate::worker::{Command, GivenUp, address};

/// Bytes that may wait for one worker. Where one is as far behind, the link that has more for it is
/// given up.
const WAITING_MAX: usize = 4 << 20;

/// The workers, as the links reach them.
pub(super) struct Handing {
    lines: Lines,
    waiting: Vec<Waiting>,
    /// The map that they were given last.
    map: Placement,
}

/// What its mailbox has no room for.
#[derive(Default)]
struct Waiting {
    commands: VecDeque<Command>,
    bytes: usize,
}

impl Handing {
    /// The workers, which go by this map to begin with.
    pub(super) fn new(lines: Lines, map: Placement) -> Self {
        let waiting = (0..lines.len()).map(|_| Waiting::default()).collect();
        Self { lines, waiting, map }
    }

    /// Has all workers go by this map, if they don't yet.
    pub(super) fn map(&mut self, view: &View) {
        let Epoch { number, digest } = view.epoch();
        let epoch = u64::from(number) << 32 | u64::from(digest);
        if self.map.epoch() != epoch {
            let lodging =
                |it: &Member| Lodging { node: it.node, weight: it.capacity, shards: it.shards };
            let nodes: Vec<_> = view.members().iter().map(lodging).collect();
            self.map = self.map.over(epoch, &nodes);
            self.tell(&Command::Map(self.map.clone()));
        }
    }

    /// Tells all workers.
    pub(super) fn tell(&mut self, command: &Command) {
        for (worker, waiting) in self.waiting.iter_mut().enumerate() {
            waiting.tell(command.clone(), |it| self.lines.offer(worker, it));
        }
    }

    /// Gives each worker what a node sent for it.
    ///
    /// # Errors
    /// Why the link to that node is to be given up: some of it will never be heard.
    pub(super) fn give(&mut self, node: u16, batch: Batch) -> Result<(), GivenUp> {
        for (shard, batch) in split(batch).ok_or(GivenUp::Nonsense)? {
            let worker = usize::from(shard);
            let waiting = self.waiting.get_mut(worker).ok_or(GivenUp::Nonsense)?;
            waiting.give(node, batch, |it| self.lines.offer(worker, it))?;
        }
        Ok(())
    }

    /// Tries again with those whose mailboxes had no room.
    pub(super) fn retry(&mut self) {
        for (worker, waiting) in self.waiting.iter_mut().enumerate() {
            waiting.retry(|it| self.lines.offer(worker, it));
        }
    }

    /// Whether something waits for room.
    pub(super) fn is_behind(&self) -> bool {
        self.waiting.iter().any(|it| !it.commands.is_empty())
    }
}

/// However long a worker stands still, no more waits for it than one map, that a link was lost and
/// that there is another for each node, and [`WAITING_MAX`] of what came by links.
impl Waiting {
    fn give(
        &mut self,
        node: u16,
        batch: Batch,
        offer: impl FnOnce(Command) -> Result<(), Command>,
    ) -> Result<(), GivenUp> {
        let heard = Command::Nodes(NodeNews::Heard { node, batch });
        if self.bytes + bytes_of(&heard) > WAITING_MAX {
            return Err(GivenUp::ReactorBehind);
        }
        self.put(heard, offer);
        Ok(())
    }

    fn tell(&mut self, command: Command, offer: impl FnOnce(Command) -> Result<(), Command>) {
        match command {
            Command::Map(_) => {
                let mut waiting = self.commands.iter_mut();
                if let Some(older) = waiting.find(|it| matches!(it, Command::Map(_))) {
                    *older = command;
                    return;
                }
            }
            Command::Nodes(NodeNews::Lost { node }) if self.forget(node) => return,
            _ => {}
        }
        self.put(command, offer);
    }

    /// Drops what waits of the links to a node, the last of which is lost. True where the worker
    /// needn't be told of that, since it knows of none.
    fn forget(&mut self, node: u16) -> bool {
        let is_of = |it: &Command| match it {
            Command::Nodes(
                NodeNews::Linked { node: its, .. }
                | NodeNews::Heard { node: its, .. }
                | NodeNews::Lost { node: its },
            ) => *its == node,
            _ => false,
        };
        let first = self.commands.iter().find(|it| is_of(it));
        let knows_none = matches!(first, Some(Command::Nodes(NodeNews::Linked { .. })));
        self.commands.retain(|it| !is_of(it));
        self.bytes = self.commands.iter().map(bytes_of).sum();
        knows_none
    }

    fn retry(&mut self, mut offer: impl FnMut(Command) -> Result<(), Command>) {
        while let Some(command) = self.commands.pop_front() {
            let bytes = bytes_of(&command);
            if let Err(command) = offer(command) {
                self.commands.push_front(command);
                break;
            }
            self.bytes -= bytes;
        }
    }

    fn put(&mut self, command: Command, offer: impl FnOnce(Command) -> Result<(), Command>) {
        let left = match self.commands.is_empty() {
            true => offer(command).err(),
            false => Some(command),
        };
        if let Some(command) = left {
            self.bytes += bytes_of(&command);
            self.commands.push_back(command);
        }
    }
}

/// What it takes, of that which came by links: many batches are small.
fn bytes_of(command: &Command) -> usize {
    match command {
        Command::Nodes(NodeNews::Heard { batch, .. }) => size_of::<Command>() + batch.bytes().len(),
        _ => 0,
    }
}

/// The items for each shard. None where an item has no address.
fn split(batch: Batch) -> Option<BTreeMap<u16, Batch>> {
    let shard_of = |item: &[u8]| address(item).map(|(to, _)| to);
    let first = batch.items().next().and_then(shard_of)?;
    if batch.items().all(|item| shard_of(item) == Some(first)) {
        return Some(BTreeMap::from([(first, batch)]));
    }
    let mut all = BTreeMap::<u16, Batch>::new();
    for item in batch.items() {
        let fits = all.entry(shard_of(item)?).or_default().push(item);
        debug_assert!(fits, "a part of a batch is no larger than the batch");
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
    use proptest::prelude::*;

    use super::*;

    const NODES: u16 = 3;

    /// The room of the mailbox.
    const ROOM: usize = 2;

    fn batch(items: &[&[u8]]) -> Batch {
        let mut batch = Batch::default();
        assert!(items.iter().all(|item| batch.push(item)));
        batch
    }

    #[test]
    fn each_shard_gets_its_own_items_in_their_order() {
        let [a, b, c] = [&b"\0\x01\0\x09one"[..], b"\0\x02\0\x09two", b"\0\x01\0\x08three"];
        let parts = split(batch(&[a, b, c])).expect("they have addresses");
        assert_eq!(parts, BTreeMap::from([(1, batch(&[a, c])), (2, batch(&[b]))]));
        assert_eq!(split(batch(&[a, c])), Some(BTreeMap::from([(1, batch(&[a, c]))])));
        assert_eq!(split(batch(&[a, b"\0\x01\0"])), None);
        assert_eq!(split(Batch::default()), None);
    }

    /// What the control thread does, or the worker.
    #[derive(Clone, Copy, Debug)]
    enum Act {
        Link(u16),
        Hear(u16, usize),
        Lose(u16),
        Map,
        Retry,
        Read,
    }

    fn acts() -> impl Strategy<Value = Vec<Act>> {
        let node = 1..=NODES;
        let act = prop_oneof![
            2 => node.clone().prop_map(Act::Link),
            8 => (node.clone(), prop_oneof![Just(8), Just(60_000)])
                .prop_map(|(node, size)| Act::Hear(node, size)),
            2 => node.prop_map(Act::Lose),
            1 => Just(Act::Map),
            2 => Just(Act::Retry),
            2 => Just(Act::Read),
        ];
        prop::collection::vec(act, 1..400)
    }

    /// One worker, its mailbox, and what both sides know.
    struct Scene {
        waiting: Waiting,
        to_worker: Sender<Command>,
        mailbox: Receiver<Command>,
        map: Placement,
        /// The links that are up, and how much each has brought.
        up: BTreeMap<u16, (u64, u64)>,
        /// Those that are to be given up.
        behind: BTreeSet<u16>,
        generations: u64,
        /// The same, as the worker has it.
        seen: BTreeMap<u16, (u64, u64)>,
        seen_map: u64,
    }

    impl Scene {
        fn new() -> Self {
            let (to_worker, mailbox) = bounded(ROOM);
            Self {
                waiting: Waiting::default(),
                to_worker,
                mailbox,
                map: Placement::single_node([1; 16], 9, 1),
                up: BTreeMap::new(),
                behind: BTreeSet::new(),
                generations: 0,
                seen: BTreeMap::new(),
                seen_map: 1,
            }
        }

        fn act(&mut self, act: Act) {
            let to_worker = self.to_worker.clone();
            let offer = |command| match to_worker.try_send(command) {
                Err(TrySendError::Full(command)) => Err(command),
                other => other.map_err(|_| unreachable!("the worker is there")),
            };
            match act {
                Act::Link(node) if !self.up.contains_key(&node) => {
                    self.generations += 1;
                    let generation = self.generations;
                    self.up.insert(node, (generation, 0));
                    let news = NodeNews::Linked { node, generation, shards: 1 };
                    self.waiting.tell(Command::Nodes(news), offer);
                }
                Act::Hear(node, size) if !self.behind.contains(&node) => {
                    let Some((_, heard)) = self.up.get_mut(&node) else { return };
                    let mut item = vec![0; size];
                    item[..8].copy_from_slice(&(*heard + 1).to_be_bytes());
                    match self.waiting.give(node, batch(&[&item]), offer) {
                        Ok(()) => *heard += 1,
                        Err(why) => {
                            assert_eq!(why, GivenUp::ReactorBehind);
                            assert!(self.waiting.bytes > WAITING_MAX - (1 << 16));
                            self.behind.insert(node);
                        }
                    }
                }
                Act::Lose(node) if self.up.remove(&node).is_some() => {
                    self.behind.remove(&node);
                    self.waiting.tell(Command::Nodes(NodeNews::Lost { node }), offer);
                }
                Act::Map => {
                    let lodging = Lodging { node: 9, weight: 1, shards: 1 };
                    self.map = self.map.over(self.map.epoch() + 1, &[lodging]);
                    self.waiting.tell(Command::Map(self.map.clone()), offer);
                }
                Act::Retry => self.waiting.retry(offer),
                Act::Read => self.read(),
                _ => {}
            }
            let bytes = self.waiting.commands.iter().map(bytes_of).sum::<usize>();
            assert!(bytes == self.waiting.bytes && bytes <= WAITING_MAX);
            let others = self.waiting.commands.iter().filter(|it| bytes_of(it) == 0).count();
            assert!(others <= 1 + 2 * usize::from(NODES), "{others} wait");
        }

        /// The worker takes one.
        fn read(&mut self) {
            match self.mailbox.try_recv() {
                Ok(Command::Map(map)) => {
                    assert!(map.epoch() > self.seen_map);
                    self.seen_map = map.epoch();
                }
                Ok(Command::Nodes(NodeNews::Linked { node, generation, .. })) => {
                    assert_eq!(self.seen.insert(node, (generation, 0)), None, "it has one");
                }
                Ok(Command::Nodes(NodeNews::Lost { node })) => {
                    assert!(self.seen.remove(&node).is_some(), "it has none");
                }
                Ok(Command::Nodes(NodeNews::Heard { node, batch })) => {
                    let (_, heard) = self.seen.get_mut(&node).expect("it has a link");
                    *heard += 1;
                    let item = batch.items().next().expect("an item");
                    assert_eq!(item[..8], heard.to_be_bytes(), "there is a gap");
                }
                Ok(other) => panic!("{other:?}"),
                Err(_) => {}
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_worker_that_stands_still_costs_links_and_no_memory(acts in acts()) {
            let mut scene = Scene::new();
            acts.into_iter().for_each(|act| scene.act(act));
            while !scene.waiting.commands.is_empty() || !scene.mailbox.is_empty() {
                scene.act(Act::Read);
                scene.act(Act::Retry);
            }
            prop_assert_eq!(&scene.seen, &scene.up);
            prop_assert_eq!(scene.seen_map, scene.map.epoch());
        }
    }

    #[test]
    fn a_worker_that_never_moves_again_is_behind_after_what_may_wait() {
        let mut scene = Scene::new();
        for _ in 0..20 {
            scene.act(Act::Link(1));
            scene.act(Act::Link(2));
            while scene.behind.len() < 2 {
                scene.act(Act::Hear(1, 60_000));
                scene.act(Act::Hear(2, 8));
            }
            scene.act(Act::Map);
            scene.act(Act::Lose(1));
            scene.act(Act::Lose(2));
        }
        assert!(scene.waiting.commands.len() <= 3 && scene.waiting.bytes == 0);
    }
}
