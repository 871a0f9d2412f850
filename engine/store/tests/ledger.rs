//! What a store says is believed, but not that much is suddenly gone.

use std::sync::Arc;

use whisper_store::bans::{Ban, BanSet, Identity, Ledger, Loss, Standing, Verdict};

fn ban(n: usize, until: Option<u64>) -> Ban {
    Ban::read(&key(n), "Spam", until).expect("a ban")
}

fn key(n: usize) -> String {
    format!("banned:ips:198.51.{}.{}", n / 256, n % 256)
}

/// A ledger with so many bans that stand in the store.
fn ledger(bans: usize) -> Ledger {
    let mut ledger = Ledger::default();
    let scan = ledger.scanned(0, (0..bans).map(|n| ban(n, None)).collect());
    assert_eq!((scan.changed.len(), scan.withheld), (bans, 0));
    ledger
}

fn is_banned(set: &BanSet, n: usize, now_ms: u64) -> bool {
    let address = key(n)["banned:ips:".len()..].parse().expect("an address");
    let who = Identity { address, cookie: None, fingerprint: None };
    matches!(set.judge(now_ms, &who), Verdict::Banned(_))
}

#[test]
fn a_few_that_are_missing_were_lifted_and_many_are_withheld() {
    let mut few = ledger(100);
    let scan = few.scanned(1, (20..100).map(|n| ban(n, None)).collect());
    assert_eq!((scan.lifted.len(), scan.withheld, few.len()), (20, 0, 80));
    for left in [0, 1, 49] {
        let mut many = ledger(100);
        let scan = many.scanned(1, (0..left).map(|n| ban(n, None)).collect());
        assert_eq!((scan.lifted.len(), scan.withheld), (0, 100 - left), "{left} are left");
        assert!(is_banned(&many.picture(), 99, 1));
        // Another scan changes nothing; what comes back is no longer withheld.
        assert_eq!(many.scanned(2, (0..left).map(|n| ban(n, None)).collect()).lifted, []);
        many.scanned(3, (0..100).map(|n| ban(n, None)).collect());
        assert_eq!(many.withheld(), 0);
    }
    let mut one = ledger(1);
    assert_eq!(one.scanned(1, Vec::new()).withheld, 1, "an empty store is never believed");
}

#[test]
fn what_is_withheld_is_restored_or_released() {
    let mut ledger = ledger(3);
    ledger.scanned(1, Vec::new());
    assert_eq!((ledger.restore().len(), ledger.unwritten(), ledger.withheld()), (3, 3, 0));
    let (bans, _) = ledger.to_write();
    bans.iter().for_each(|ban| ledger.written(ban));
    assert_eq!(ledger.unwritten(), 0);
    ledger.scanned(2, Vec::new());
    assert_eq!(ledger.release().len(), 3);
    assert!(ledger.is_empty() && ledger.picture().is_empty());
}

#[test]
fn single_losses_are_believed_until_they_are_many() {
    let mut ledger = ledger(30);
    let mut lost = |n| ledger.lost(100, &key(n));
    let lifted = (0..30).filter(|n| matches!(lost(*n), Loss::Lifted(_))).count();
    assert!((10..=15).contains(&lifted), "{lifted}");
    assert_eq!(ledger.withheld(), 30 - lifted);
    // Given time, the same is an operator at work.
    let mut slow = self::ledger(30);
    let lifted = |n: u64| matches!(slow.lost(n * 3_000, &key(n as usize)), Loss::Lifted(_));
    assert_eq!((0..30).map(lifted).filter(|it| *it).count(), 30);
}

#[test]
fn what_ends_by_itself_is_no_loss() {
    let mut ledger = Ledger::default();
    ledger.scanned(0, (0..20).map(|n| ban(n, Some(1_000 + n as u64))).collect());
    assert_eq!(ledger.next_end(), Some(1_000));
    assert!(is_banned(&ledger.picture(), 0, 999) && !is_banned(&ledger.picture(), 0, 1_000));
    assert_eq!(ledger.lost(990, &key(0)), Loss::Nothing);
    assert_eq!(ledger.expire(1_019).len(), 20);
    assert!(ledger.is_empty());
    assert_eq!(ledger.scanned(2_000, Vec::new()).withheld, 0);
}

#[test]
fn what_waits_to_be_written_is_newer_than_what_is_read() {
    let mut ledger = ledger(2);
    // Banned and lifted here while the store was away.
    let ours = ledger.put(Ban { reason: "Worse".into(), ..ban(0, None) }, Standing::Unwritten);
    assert!(ledger.lift(&key(1), true).is_some());
    let scan = ledger.scanned(1, vec![ban(0, None), ban(1, None)]);
    assert_eq!((scan.changed.len(), scan.lifted.len(), ledger.len()), (0, 0, 1));
    let (bans, ended) = ledger.to_write();
    assert_eq!((&*bans[0].reason, &*ended[0]), ("Worse", &*key(1)));
    ledger.written(&ours.expect("it is new"));
    ledger.deleted(&key(1));
    assert_eq!(ledger.unwritten(), 0);
    // A ban that is new again after it was lifted is put, not deleted.
    ledger.lift(&key(0), true);
    ledger.put(ban(0, None), Standing::Unwritten);
    let (bans, ended) = ledger.to_write();
    assert_eq!((bans.len(), ended.len()), (1, 0));
}

#[test]
fn the_same_ban_again_is_no_change() {
    let mut ledger = ledger(1);
    assert!(ledger.put(ban(0, None), Standing::Stored).is_none());
    assert!(ledger.put(ban(0, Some(9_000)), Standing::Stored).is_some());
    assert!(ledger.put(ban(0, Some(9_500)), Standing::Stored).is_none(), "clocks differ");
    let (kept, standing) = ledger.get(&key(0)).expect("it is there");
    assert_eq!((Arc::strong_count(kept) > 0, standing), (true, Standing::Stored));
    assert_eq!(ledger.by_kind().collect::<Vec<_>>(), [("ips", 1)]);
}
