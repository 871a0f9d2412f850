//! Sending everybody elsewhere: who goes when, what they are told, and how evenly.

mod town;

use town::{News, Town, in_all_towns, in_towns};
use whisper_core::event_log::replay;
use whisper_core::settings::Drain;
use whisper_core::shard::{Event, Order};
use whisper_core::time::{Micros, Span};
use whisper_proto::{CloseCode, QueueType};
use whisper_shard_router::ShardId;

const RULES: &str = "base = \"none\"";

/// Has every shard take the order.
fn drain(town: &mut Town, order: Drain) {
    for shard in 0..town.shards.len() as u16 {
        town.happens(ShardId { node: 0, shard }, Event::Order(Order::Drain(order)));
    }
}

/// From now on: so long for those in no chat, and so long for chats.
fn course(now: Micros, idle: Span, chats: Span, jitter: Span) -> Drain {
    Drain { began: now, chats_from: now + idle, until: now + idle + chats, jitter }
}

fn is_sent_on(news: &[News]) -> bool {
    matches!(news, [News::SentOn { .. }, News::Closed(CloseCode::Restart)])
}

#[test]
fn chats_go_last_and_both_at_once() {
    in_all_towns(QueueType::Moderated, RULES, |mut town, ann, bob| {
        let idle = town.comes(0);
        let queued = town.comes(0);
        town.joins(queued, QueueType::Moderated, "nobody else's");
        let order = course(town.now, Span::secs(1), Span::secs(1), Span::secs(2));
        drain(&mut town, order);
        town.passes(Span::secs(1));
        for who in [idle, queued] {
            let news = town.news_of(who);
            assert!(is_sent_on(&news), "{news:?}");
        }
        assert_eq!(town.shards[0].tickets().len(), 0);
        // The two who chat are told nothing, and go on.
        assert!(town.partner(ann) == Some(bob) && town.news.is_empty(), "{:?}", town.news);
        town.talks(ann, "hello");
        assert_eq!(town.news_of(bob).len(), 1);
        town.news.clear();
        town.passes(Span::millis(1_100));
        for who in [ann, bob] {
            let news = town.news_of(who);
            assert!(is_sent_on(&news), "no end of the chat, and once: {news:?}");
        }
    });
}

#[test]
fn who_comes_late_or_leaves_a_chat_late_goes_at_once() {
    in_towns(QueueType::Moderated, RULES, |mut town, ann, bob| {
        let order = course(town.now, Span::secs(1), Span::secs(3_600), Span::default());
        drain(&mut town, order);
        town.passes(Span::secs(2));
        let late = town.comes(0);
        town.says(ann, whisper_proto::ClientMessage::Leave);
        assert_eq!(town.news_of(bob), [News::Told("partner_skipped".into())]);
        town.news.clear();
        town.passes(Span::millis(100));
        for who in [late, ann, bob] {
            let told = [News::SentOn { after_ms: 0 }, News::Closed(CloseCode::Restart)];
            assert_eq!(town.news_of(who), told);
        }
    });
}

#[test]
fn a_drain_is_flat_from_its_beginning_to_its_end() {
    const IDLE: usize = 6_000;
    const CHATS: usize = 2_000;
    const SECONDS: usize = 10;
    let mut town = Town::new(3, RULES);
    let people: Vec<_> = (0..IDLE + 2 * CHATS).map(|who| town.comes((who % 3) as u16)).collect();
    // Those who came first chat; of most pairs, the two are of different shards.
    for (number, pair) in people[..2 * CHATS].chunks_exact(2).enumerate() {
        let interest = format!("{number}");
        pair.iter().for_each(|who| town.joins(*who, QueueType::Moderated, &interest));
    }
    town.news.clear();
    let idle = Span::secs((SECONDS * IDLE / people.len()) as u64);
    let chats = Span::secs(SECONDS as u64);
    let order = course(town.now, idle, Span(chats.0 - idle.0), Span::secs(1));
    drain(&mut town, order);
    let mut waits = 0;
    for second in 0..SECONDS {
        town.passes(Span::secs(1));
        let news = std::mem::take(&mut town.news);
        let went = news.iter().filter(|(_, it)| matches!(it, News::SentOn { .. })).count();
        waits += news.iter().fold(0, |sum, (_, it)| match it {
            News::SentOn { after_ms } => sum + u64::from(*after_ms),
            _ => sum,
        });
        let even = people.len() / SECONDS;
        assert!(went.abs_diff(even) < even / 8, "{went} in second {second}, not {even}");
    }
    town.passes(Span::millis(100));
    assert!(town.shards.iter_mut().all(|shard| shard.counts().online == 0));
    let mean = waits / people.len() as u64;
    assert!((450..550).contains(&mean), "waits are random up to a second: {mean} ms in the mean");
}

#[test]
fn a_log_of_a_drain_is_replayed() {
    in_towns(QueueType::Moderated, RULES, |mut town, _, _| {
        for _ in 0..50 {
            town.comes(0);
        }
        let order = course(town.now, Span::secs(1), Span::secs(1), Span::secs(1));
        drain(&mut town, order);
        town.passes(Span::secs(3));
        let replayed = replay(&*town.log()).unwrap_or_else(|failure| panic!("{failure}"));
        assert!(replayed.shards.iter().any(|it| it.effects > 150));
    });
}
