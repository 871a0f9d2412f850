use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::panic;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use tempfile::TempDir;
use whisper_core::event_log::{Ended, Replayed, header, replay};
use whisper_core::ids::Link;
use whisper_core::moderation::{Ladder, Rules};
use whisper_core::settings::Settings;
use whisper_shard_router::{Placement, ShardId};

use super::file::Scribe;
use super::*;

const NOW: Micros = Micros(1_700_000_000_000_000);

/// A shard with a log of its own, and a clock.
struct Desk {
    shard: Shard,
    log: EventLog,
    now: Micros,
}

impl Desk {
    fn new(shard: u16, to_file: ToFile) -> Self {
        let setup = Setup {
            me: ShardId { node: 0, shard },
            shards: 2,
            placement: Placement::single_node([3; 16], 0, 2),
            settings: Arc::new(Settings::default()),
            rules: Arc::new(Rules::none(Ladder::default())),
            evidence_secret: [4; 32],
            session_secret: [5; 32],
            seed: [6; 32],
        };
        let log = EventLog::new(NOW, &setup, to_file);
        Self { shard: Shard::new(NOW, setup), log, now: NOW }
    }

    /// Somebody connects, half a turn after the last.
    fn somebody_comes(&mut self) {
        self.now = self.now + Span(GATHER_MAX.0 / 2);
        let event = || Event::Connected { link: Link(self.now.0) };
        self.log.told(&self.shard, self.now, &event());
        let log = &self.log;
        self.shard.handle(self.now, event(), &mut |effect: Effect<'_>| log.did(&effect));
        self.log.done(self.now);
    }

    /// Turns until the log is over, or has been handed over.
    fn turn(&mut self) -> bool {
        self.now = self.now + GATHER_MAX;
        self.log.turned(self.now)
    }
}

fn file_in(dir: &TempDir) -> PathBuf {
    dir.path().join("events")
}

fn read(dir: &TempDir) -> Replayed {
    let log = fs::read(file_in(dir)).expect("a log");
    replay(log.as_slice()).unwrap_or_else(|failure| panic!("{failure}"))
}

#[test]
fn what_workers_recorded_is_in_the_file_when_it_is_closed() {
    let dir = TempDir::new().expect("a directory");
    let file = LogFile::create(&file_in(&dir), 1 << 20).expect("a file");
    for shard in [1, 0] {
        let mut desk = Desk::new(shard, file.way());
        (0..10).for_each(|_| desk.somebody_comes());
        desk.log.end();
    }
    file.close();
    let replayed = read(&dir);
    assert_eq!(
        replayed.shards.iter().map(|it| (it.shard, it.events)).collect::<Vec<_>>(),
        [(0, 10), (1, 10)]
    );
    assert!(replayed.shards.iter().all(|it| it.ended == Ended::Said(End::Stopped)));
    let mode = fs::metadata(file_in(&dir)).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn the_log_before_is_kept() {
    let dir = TempDir::new().expect("a directory");
    fs::write(file_in(&dir), "of before").expect("a file");
    LogFile::create(&file_in(&dir), 1 << 20).expect("a file").close();
    assert_eq!(fs::read(file_in(&dir)).expect("the new one"), header());
    let old = dir.path().join("events.old");
    assert_eq!(fs::read_to_string(old).expect("the old one"), "of before");
    assert!(LogFile::create(dir.path(), 1 << 20).is_err(), "nothing but a file is put aside");
    assert!(dir.path().is_dir());
}

#[test]
fn where_the_file_is_full_every_log_says_so() {
    const MOST: u64 = 2_000;
    let (to_file, letters) = bounded(1_000);
    let mut desks = [0, 1].map(|shard| Desk::new(shard, ToFile(to_file.clone())));
    for _ in 0..100 {
        for desk in &mut desks {
            desk.somebody_comes();
            assert!(desk.turn());
        }
    }
    let mut log = Vec::new();
    Scribe::begin(&mut log, MOST).expect("memory takes it").run(&letters, Path::new("events"));
    drop(letters);
    for desk in &mut desks {
        desk.somebody_comes();
        assert!(!desk.turn(), "there is nobody to hand it to");
    }
    assert!(log.len() as u64 <= MOST);
    let replayed = replay(log.as_slice()).expect("what is there is whole");
    assert_eq!(replayed.shards.len(), 2);
    let most = 1..100;
    assert!(replayed.shards.iter().all(|it| most.contains(&it.events)));
    assert!(replayed.shards.iter().all(|it| it.ended == Ended::Said(End::Full)));
}

#[test]
fn where_the_disk_is_behind_nothing_is_left_out_of_the_middle() {
    let (to_file, letters) = bounded(2);
    let mut desk = Desk::new(0, ToFile(to_file));
    for _ in 0..10 {
        desk.somebody_comes();
        assert!(desk.turn(), "there is more to say");
    }
    let mut log = header();
    let mut add = |payload: Vec<u8>| {
        log.extend(whisper_core::event_log::Head::of(0, &payload).to_bytes());
        log.extend(payload);
    };
    let mut last = None;
    // The disk has caught up, and hears that it was too late.
    while let Ok(letter) = letters.try_recv() {
        match letter {
            Letter::Records { payload, .. } => add(payload),
            Letter::End { why, .. } => last = Some(why),
            Letter::Written(_) => unreachable!("nobody asked"),
        }
        desk.somebody_comes();
        desk.turn();
    }
    assert_eq!(last, Some(End::Behind));
    assert!(!desk.turn(), "it is over");
    add(End::Behind.payload());
    let replayed = replay(log.as_slice()).expect("what is there is whole");
    assert_eq!(replayed.shards[0].ended, Ended::Said(End::Behind));
    assert_eq!(replayed.shards[0].events, 2, "what was handed over");
}

#[test]
fn a_worker_that_panics_leaves_the_event_that_it_panicked_at() {
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        before(info);
        last_words();
    }));
    let dir = TempDir::new().expect("a directory");
    let file = LogFile::create(&file_in(&dir), 1 << 20).expect("a file");
    let way = file.way();
    let worker = thread::spawn(move || {
        let mut desk = Desk::new(0, way);
        desk.somebody_comes();
        desk.log.told(&desk.shard, desk.now, &Event::Tick);
        panic!("in the midst of it");
    });
    assert!(worker.join().is_err());
    file.close();
    let mut replayed = read(&dir);
    assert_eq!((replayed.shards[0].events, replayed.shards[0].ended), (1, Ended::Cut));
    let unfinished = replayed.unfinished.pop().expect("it is there");
    assert!(unfinished.to_string().contains("event 2"), "{unfinished}");
    // Here it was no fault of the shard's.
    unfinished.run();
}
