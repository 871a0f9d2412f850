//! What shards do about what people say and like: seen at their door, and in their logs.

mod town;

use std::sync::Arc;

use town::{News, Town, in_all_towns};
use whisper_core::event_log::replay;
use whisper_core::moderation::{Action, Rules, Severity};
use whisper_core::shard::{Event, Offence, Order, Traits};
use whisper_core::time::Span;
use whisper_proto::{ClientMessage, CloseCode, ErrorCode, QueueType};
use whisper_shard_router::ShardId;

/// Rules of one word for each severity.
const RULES: &str = r#"
base = "none"
[ladder]
warnings = 2
blocks = 1
ban_hours = 1
zero_ban_hours = 2
[code.x]
message = "Not here."
[[rule]]
id = "low"
severity = "low"
code = "x"
terms = ["lowly"]
[[rule]]
id = "medium"
severity = "medium"
code = "x"
terms = ["middling"]
[[rule]]
id = "high"
severity = "high"
code = "x"
terms = ["towering"]
[[rule]]
id = "zero"
severity = "zero"
code = "x"
lanes = "all"
terms = ["nought"]
"#;

fn judged(severity: Severity, action: Action) -> News {
    News::Judged(Offence::Message, severity, action)
}

#[test]
fn what_is_blocked_reaches_nobody_and_has_no_number() {
    in_all_towns(QueueType::Moderated, RULES, |mut town, ann, bob| {
        town.talks(ann, "how towering");
        let told = [
            judged(Severity::High, Action::Block),
            News::Warned { warnings: 1, blocked: true },
            News::Refused(ErrorCode::Blocked, Some("id".into())),
        ];
        assert_eq!(town.news_of(ann), told);
        assert_eq!(town.news_of(bob), []);
        town.talks(ann, "hello");
        assert_eq!(town.news_of(bob), [News::Words("hello".into(), 1)]);
        assert_eq!(town.news_of(ann), [News::Told("message_ack".into())]);
    });
}

#[test]
fn who_comes_to_the_end_of_the_ladder_is_banned_and_gone() {
    in_all_towns(QueueType::Moderated, RULES, |mut town, ann, bob| {
        for _ in 0..2 {
            town.talks(ann, "middling");
            assert_eq!(town.news_of(bob).len(), 1);
        }
        town.talks(ann, "middling");
        town.news.clear();
        town.talks(ann, "middling");
        let until = town.now + Span::secs(3_600);
        let told = [
            judged(Severity::Medium, Action::Ban),
            News::Sentenced(Severity::Medium, until),
            News::Banned { until: Some(until.unix_millis()) },
            News::Closed(CloseCode::Banned),
        ];
        assert_eq!(town.news_of(ann), told);
        assert_eq!(town.news_of(bob), [News::Told("partner_disconnected".into())]);
        // She is nobody any more.
        town.talks(ann, "hello");
        assert_eq!(town.news, []);
    });
}

#[test]
fn unmoderated_lanes_know_zero_tolerance_only() {
    in_all_towns(QueueType::Unmoderated, RULES, |mut town, ann, bob| {
        for word in ["lowly", "middling", "towering"] {
            town.talks(ann, word);
            assert_eq!(town.news_of(bob).len(), 1);
            assert_eq!(town.news_of(ann), [News::Told("message_ack".into())]);
        }
        town.talks(ann, "nou");
        town.talks(ann, "ght");
        let until = town.now + Span::secs(7_200);
        assert!(town.news_of(ann).contains(&News::Sentenced(Severity::Zero, until)));
        let told = town.news_of(bob);
        assert_eq!(told.last(), Some(&News::Told("partner_disconnected".into())));
        assert_eq!(told.len(), 2, "the first half was harmless: {told:?}");
    });
}

#[test]
fn interests_are_refused_by_the_rules_of_their_lane() {
    let mut town = Town::new(1, RULES);
    let ann = town.comes(0);
    town.joins(ann, QueueType::Moderated, "middling");
    let refused = News::Judged(Offence::Interest, Severity::Medium, Action::Block);
    assert_eq!(town.news_of(ann), [refused, News::Refused(ErrorCode::BadInterests, None)]);
    assert_eq!(town.shards[0].tickets().len(), 0);
    for (queue, interest) in [(QueueType::Moderated, "lowly"), (QueueType::Unmoderated, "middling")]
    {
        town.joins(ann, queue, interest);
        assert_eq!(town.news_of(ann), []);
        assert_eq!(town.shards[0].tickets().len(), 1);
    }
    town.joins(ann, QueueType::Unmoderated, "nought");
    assert!(town.news_of(ann).contains(&News::Closed(CloseCode::Banned)));
    assert_eq!(town.shards[0].tickets().len(), 0);
}

#[test]
fn who_has_strikes_comes_after_others_who_fit() {
    let mut town = Town::new(1, RULES);
    let [ann, bob, cat] = [(); 3].map(|()| town.comes(0));
    town.meet(QueueType::Moderated, [ann, bob]);
    town.talks(ann, "middling");
    for who in [ann, bob] {
        town.says(who, ClientMessage::Leave);
    }
    // She waits longer; and having met, these two wait beside each other.
    for who in [ann, bob, cat] {
        town.joins(who, QueueType::Moderated, "tea");
    }
    assert_eq!(town.partner(cat), Some(bob));
    assert_eq!(town.partner(ann), None);
}

#[test]
fn a_log_has_what_was_found_and_none_of_the_words() {
    for shards in [1, 2] {
        let mut town = Town::new(shards, RULES);
        let (ann, bob) = (town.comes(0), town.comes(shards - 1));
        town.joins(ann, QueueType::Moderated, "towering");
        town.meet(QueueType::Moderated, [ann, bob]);
        for word in ["lowly", "hello", "middling", "towering", "hello"] {
            town.talks(ann, word);
            town.talks(bob, word);
        }
        let others = RULES.replace("towering", "hello").replace("warnings = 2", "warnings = 9");
        let rules = Arc::new(Rules::parse(&others).expect("good rules"));
        for shard in 0..shards {
            let order = Event::Order(Order::Rules(&rules));
            town.happens(ShardId { node: 0, shard }, order);
        }
        for word in ["towering", "hello", "nought"] {
            town.talks(ann, word);
        }
        assert_eq!(town.partner(bob), None);
        let log = town.log();
        let replayed = replay(&*log).unwrap_or_else(|failure| panic!("{failure}"));
        assert!(replayed.shards.iter().all(|it| it.events > 3 && it.effects > 0));
        for word in ["lowly", "hello", "middling", "towering", "nought", "Not here"] {
            assert!(!log.windows(word.len()).any(|it| it == word.as_bytes()), "{word}");
        }
    }
}

/// Somebody new at a shard, known by these, who chats with somebody nobody knows.
fn comes_again(town: &mut Town, shard: u16, traits: Traits) -> usize {
    let (who, partner) = (town.comes(shard), town.comes(0));
    town.is_known(who, traits, None);
    town.meet(QueueType::Moderated, [who, partner]);
    who
}

#[test]
fn whoever_comes_again_is_no_newcomer_until_the_next_day() {
    use Action::{Ban, Block, Warn};
    let known_by = |device: u64| Traits { device: Some(device), ..Traits::default() };
    for shards in [1, 3] {
        let mut town = Town::new(shards, RULES);
        // On whichever shard they come, by the same device.
        for (connection, action) in (0..).zip([Warn, Warn, Block, Ban]) {
            let who = comes_again(&mut town, connection % shards, known_by(7));
            assert_eq!(town.errs(who, known_by(7)), action, "connection {connection}");
        }
        let other = comes_again(&mut town, 0, known_by(8));
        assert_eq!(town.errs(other, known_by(8)), Warn);
        // Two connections at once are one person as well; each hears of it with its next fault.
        let again = comes_again(&mut town, shards - 1, known_by(8));
        assert_eq!(town.errs(again, known_by(8)), Warn);
        assert_eq!(town.errs(other, known_by(8)), Warn, "one behind");
        assert_eq!(town.errs(other, known_by(8)), Ban);
        town.now = town.now + Span::secs(86_400);
        assert_eq!(town.errs(again, known_by(8)), Warn, "even while connected");
        let next = comes_again(&mut town, 0, known_by(8));
        assert_eq!(town.errs(next, known_by(8)), Warn);
        let log = town.log();
        let replayed = replay(&*log).unwrap_or_else(|failure| panic!("{failure}"));
        assert!(replayed.shards[0].events > 20);
    }
}

#[test]
fn what_many_may_share_blocks_and_bans_nobody() {
    use Action::{Ban, Block, Warn};
    let traits = |address: &str, fingerprint| {
        let address = Some(address.parse().expect("an address"));
        Traits { address, device: None, fingerprint }
    };
    let mut town = Town::new(2, RULES);
    let here = traits("2001:db8::1", None);
    let ann = comes_again(&mut town, 0, here);
    for action in [Warn, Warn, Block] {
        assert_eq!(town.errs(ann, here), action);
    }
    // Others of the /64 begin where faults are blocked; what they do themselves bans them.
    for _ in 0..3 {
        let next = comes_again(&mut town, 1, traits("2001:db8::2", None));
        assert_eq!(town.errs(next, here), Block);
    }
    assert_eq!(town.errs(ann, here), Ban);
    let far = comes_again(&mut town, 0, traits("2001:db8:0:1::1", None));
    assert_eq!(town.errs(far, traits("2001:db8:0:1::1", None)), Warn);
    // A fingerprint counts within its neighbourhood.
    let [near, next_door, far] =
        ["192.0.2.1", "192.0.2.99", "198.51.100.1"].map(|address| traits(address, Some(5)));
    let bob = comes_again(&mut town, 0, near);
    for action in [Warn, Warn] {
        assert_eq!(town.errs(bob, near), action);
    }
    let cat = comes_again(&mut town, 1, next_door);
    assert_eq!(town.errs(cat, next_door), Block);
    let dan = comes_again(&mut town, 1, far);
    assert_eq!(town.errs(dan, far), Warn);
}
