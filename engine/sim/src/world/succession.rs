//! One process followed by another.

use std::sync::Arc;

use whisper_core::ids::SessionId;
use whisper_core::shard::Shard;
use whisper_core::succession::Succession;
use whisper_shard_router::Placement;

use super::{World, link, of_link, setup};
use crate::person::Who;
use crate::places::{NODE, Places};
use crate::trace::What;

impl World {
    /// What is underway between shards arrives; then the process is followed by another of so many
    /// shards, in which the connections of some are gone.
    ///
    /// # Panics
    /// In a world whose event log is written, which ends where the process does; and in one of several
    /// nodes.
    pub fn follow(&mut self, shards: u16, gone: &[Who]) {
        assert!(self.scribe.is_none(), "an event log is of one process");
        assert_eq!(self.places.nodes(), 1, "processes of a cluster die and start");
        self.trace.note(self.now, 0, What::Followed { shards });
        let estates = self.estates();
        let estates: Vec<_> = estates.iter().map(Vec::as_slice).collect();
        self.places = Places::new(1, shards);
        self.placements = Self::placements_of(self.seed, self.places);
        let succession = Succession::read(&estates, shards, &self.placements[0]);
        let succession = succession.expect("what every shard left is whole");
        #[cfg(feature = "faults")]
        let succession = succession.overlooking(self.broken.oversight);
        self.processes += 1;
        let gone: Vec<_> = gone.iter().filter_map(|&who| self.is_cut_off(who)).collect();
        self.rename(&succession, shards);
        let heirs = (0..shards).map(|shard| {
            let (settings, rules) = (Arc::clone(&self.settings), Arc::clone(&self.rules));
            let setup = setup(
                self.seed,
                self.processes,
                (shard, self.places),
                &self.placements,
                settings,
                rules,
            );
            let people = &self.people;
            Shard::inherit(self.now, setup, &succession, &mut |_, former| {
                let (who, _) = of_link(former);
                let person = &people[who.0];
                person.session.is_some().then(|| link(who, person.connection))
            })
        });
        let heirs: Result<Vec<_>, _> = heirs.collect();
        self.shards = heirs.expect("what a shard left can be taken on");
        #[cfg(feature = "faults")]
        self.break_shards();
        self.network.begin_anew(self.places);
        while self.tick() {}
        for (who, session, must) in gone {
            let session = succession.home_of(session);
            let waits = self.shards[usize::from(session.shard)].is_absent(session);
            self.people[who.0].lost = waits.then_some(session);
            let done = self.auditor.has_lost(self.now, who, (must, waits));
            self.insist(done);
        }
    }

    /// What the shards leave, once what is underway between them has arrived.
    pub fn estates(&mut self) -> Vec<Vec<u8>> {
        while self.deliver() {}
        self.shards.iter().map(estate).collect()
    }

    /// Who owns which key in the world of a seed, where there are so many shards.
    pub fn placement_of(seed: u64, shards: u16) -> Placement {
        Self::placements_of(seed, Places::new(1, shards)).remove(0)
    }

    /// The same, of each node.
    pub(super) fn placements_of(seed: u64, places: Places) -> Vec<Placement> {
        let key: [u8; 16] = seed.to_le_bytes().repeat(2).try_into().expect("16 bytes");
        let of = |node| Placement::single_node(key, NODE + node, places.shards());
        (0..places.nodes()).map(of).collect()
    }

    /// Somebody's connection is gone between two processes, if they have one.
    fn is_cut_off(&mut self, who: Who) -> Option<(Who, SessionId, bool)> {
        let session = self.people[who.0].session.take()?;
        self.people[who.0].deaf = false;
        self.note(who, What::Does(who, "is cut off between processes"));
        Some((who, session, self.auditor.loses(self.now, who)))
    }

    /// People have other names, and other connections.
    fn rename(&mut self, succession: &Succession<'_>, shards: u16) {
        for person in &mut self.people {
            person.connection += u32::from(person.session.is_some());
            for session in [&mut person.session, &mut person.lost].into_iter().flatten() {
                *session = succession.home_of(*session);
            }
            let session = person.session.or(person.lost);
            person.shard = session.map_or(person.shard % shards, |session| session.shard);
        }
        let renamed =
            self.auditor.follows(&self.placements, self.places, |it| succession.home_of(it));
        self.insist(renamed);
    }
}

/// What a shard leaves.
fn estate(shard: &Shard) -> Vec<u8> {
    let mut bytes = Vec::new();
    shard.bequeath(&mut bytes).expect("nothing is underway");
    bytes
}
