//! What becomes of links, and comes by them, on its way to the workers: to each in order, as soon as
//! its mailbox has room.

use std::collections::{BTreeMap, VecDeque};

use whisper_cluster::{Batch, Epoch, Member, NodeNews, View};
use whisper_shard_router::{Lodging, Placement};

use crate::control::Lines;
use crate::worker::{Command, address};

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

/// What a node sent can't be handed on. Its link is to be given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unhanded {
    /// It is for a shard that there isn't, or for none.
    Nonsense,
    /// A worker is too far behind.
    Behind,
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
        for worker in 0..self.waiting.len() {
            self.put(worker, command.clone(), 0);
        }
    }

    /// Gives each worker what a node sent for it.
    pub(super) fn give(&mut self, node: u16, batch: Batch) -> Result<(), Unhanded> {
        for (shard, batch) in split(batch).ok_or(Unhanded::Nonsense)? {
            let worker = usize::from(shard);
            let waiting = self.waiting.get(worker).ok_or(Unhanded::Nonsense)?;
            let bytes = batch.bytes().len();
            if waiting.bytes + bytes > WAITING_MAX {
                return Err(Unhanded::Behind);
            }
            self.put(worker, Command::Nodes(NodeNews::Heard { node, batch }), bytes);
        }
        Ok(())
    }

    /// Tries again with those whose mailboxes had no room.
    pub(super) fn retry(&mut self) {
        for (worker, waiting) in self.waiting.iter_mut().enumerate() {
            while let Some(command) = waiting.commands.pop_front() {
                let bytes = bytes_of(&command);
                if let Err(command) = self.lines.offer(worker, command) {
                    waiting.commands.push_front(command);
                    break;
                }
                waiting.bytes -= bytes;
            }
        }
    }

    /// Whether something waits for room.
    pub(super) fn is_behind(&self) -> bool {
        self.waiting.iter().any(|it| !it.commands.is_empty())
    }

    fn put(&mut self, worker: usize, command: Command, bytes: usize) {
        let waiting = &mut self.waiting[worker];
        let left = match waiting.commands.is_empty() {
            true => self.lines.offer(worker, command).err(),
            false => Some(command),
        };
        if let Some(command) = left {
            waiting.commands.push_back(command);
            waiting.bytes += bytes;
        }
    }
}

fn bytes_of(command: &Command) -> usize {
    match command {
        Command::Nodes(NodeNews::Heard { batch, .. }) => batch.bytes().len(),
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
    use super::*;

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
}
