//! What shards leave: all of it, in a form that is kept, to as many shards or another number.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use whisper_core::ids::Link;
use whisper_core::limits::{Answer, Ask, Held};
use whisper_core::moderation::Severity;
use whisper_core::settings::Drain;
use whisper_core::shard::{Event, Order, Setup, Shard, Traits};
use whisper_core::succession::{FORMATS, Refused, Succession, Unsettled};
use whisper_core::time::Span;
use whisper_proto::{ClientMessage, Hello, QueueType, Report, ReportReason, Say};
use whisper_shard_router::{Placement, ShardId};

use crate::town::{News, Town};

const RULES: &str = r#"
base = "none"
[code.x]
message = "Not here."
[[rule]]
id = "medium"
severity = "medium"
code = "x"
terms = ["middling"]
"#;

const ADDRESS: [u8; 4] = [192, 0, 2, 7];

fn hello(town: &mut Town, who: usize) {
    town.says(who, ClientMessage::Hello(Hello { language: Some("de"), ..Hello::default() }));
}

fn says(town: &mut Town, who: usize, id: &str, content: &str) {
    town.says(who, ClientMessage::Message(Say { content, id: Some(id), room: None }));
}

fn loses(town: &mut Town, who: usize) {
    let session = town.session(who);
    town.happens(session.home(), Event::Disconnected { session, broken: true });
}

/// A connection from [`ADDRESS`] asks for a seat; whether it gets one.
fn asks_for_a_seat(town: &mut Town, link: u64) -> bool {
    let at = ShardId { node: 0, shard: 0 };
    let visitor = town.shards[0].visitor(ADDRESS.into());
    let (link, ask) = (Link(link), Ask::Upgrade(Held::Nothing));
    town.happens(at, Event::Asked { link, visitor, ask });
    match town.news_of(link.0 as usize).last() {
        Some(News::Answered(answer)) => matches!(answer, Answer::Granted(Held::Seat)),
        other => panic!("nobody answered: {other:?}"),
    }
}

/// A town with somebody in every state, and a little of everything that is kept.
fn full_town() -> Town {
    let mut town = Town::new(3, RULES);
    let people: Vec<_> = (0..14).map(|who| town.comes(who % 3)).collect();
    (0..12).for_each(|who| hello(&mut town, who));
    for pair in [[0, 1], [2, 3], [4, 8], [9, 10]] {
        town.meet(QueueType::Moderated, pair);
    }
    // A chat with lines unheard, one repeated, one split, and one that was blocked.
    says(&mut town, 0, "a", "ann.example@mail");
    says(&mut town, 0, "b", "how are you? I am mid");
    says(&mut town, 1, "c", "a line that is long enough to be known when it is said again");
    (0..4).for_each(|_| says(&mut town, 1, "d", "middling"));
    // Somebody away, and one whose chat ended meanwhile.
    loses(&mut town, 2);
    says(&mut town, 3, "e", "are you there?");
    loses(&mut town, 4);
    town.says(8, ClientMessage::Leave);
    // A partner blocked and left, and a chat before the present one.
    let report = Report {
        reason: ReportReason::Spam,
        comment: None,
        id: None,
        evidence: Vec::new(),
        block: true,
        room: None,
    };
    town.says(9, ClientMessage::Report(report));
    town.says(9, ClientMessage::Leave);
    town.meet(QueueType::Moderated, [9, 11]);
    for who in [5, 6] {
        town.joins(who, QueueType::Moderated, if who == 5 { "chess" } else { "go" });
    }
    town.joins(7, QueueType::Unmoderated, "nobody else's");
    for link in 0..3 {
        assert!(asks_for_a_seat(&mut town, 100 + link));
    }
    let traits = Traits { address: Some(ADDRESS.into()), device: Some(7), fingerprint: Some(8) };
    town.is_known(people[12], traits, Some(Severity::Medium));
    let began = town.now + Span::secs(3_600);
    let drain = Drain { began, chats_from: began, until: began, jitter: Span::secs(1) };
    town.happens(ShardId { node: 0, shard: 1 }, Event::Order(Order::Drain(drain)));
    town.news.clear();
    town
}

fn follow(town: &mut Town, shards: u16) {
    let estates = town.estates();
    town.follow(&estates, shards);
}

#[test]
fn what_was_taken_on_is_left_again() {
    let mut town = full_town();
    // With the same time, generations and day for all shards.
    follow(&mut town, 3);
    let left = town.estates();
    follow(&mut town, 3);
    assert!(town.estates() == left);
}

#[test]
fn everybody_goes_on_whatever_the_number_of_shards() {
    let mut town = full_town();
    let name = |town: &Town, who| town.shards[0].public_id(town.session(who));
    let names: Vec<_> = (0..14).map(|who| name(&town, who)).collect();
    let kept: usize = town.shards.iter().map(Shard::kept_bytes).sum();
    for shards in [1, 5, 2, 2, 3] {
        follow(&mut town, shards);
        for (who, before) in names.iter().enumerate() {
            assert_eq!(name(&town, who), *before, "{who} is who they were");
            let (session, count) = (town.session(who), town.shards.len());
            assert!(usize::from(session.shard) < count, "{session:?} of {count}");
        }
        let sum = |of: fn(&Shard) -> usize| town.shards.iter().map(of).sum::<usize>();
        assert_eq!(sum(Shard::absent), 2);
        assert_eq!(sum(Shard::chatting), 6);
        assert_eq!(sum(|shard| shard.tickets().len()), 3);
        assert_eq!(sum(Shard::kept_bytes), kept);
        assert_eq!(town.partner(0), Some(1));
        assert_eq!(town.partner(2), Some(3));
        says(&mut town, 1, "c", "a line that is long enough to be known when it is said again");
        assert_eq!(town.news_of(1), [News::Told("message_ack".into())], "they said it before");
        assert_eq!(town.news_of(0), []);
    }
    assert!(asks_for_a_seat(&mut town, 103) && asks_for_a_seat(&mut town, 104));
    assert!(!asks_for_a_seat(&mut town, 105), "an address has five");
    town.talks(0, "dling");
    let blocked = town.news_of(0);
    assert!(blocked.iter().any(|it| matches!(it, News::Judged(..))), "in two parts: {blocked:?}");
    town.joins(13, QueueType::Moderated, "chess");
    assert_eq!(town.partner(13), Some(5), "who waits is found");
    town.passes(Span::secs(21));
    assert_eq!(town.shards.iter().map(Shard::absent).sum::<usize>(), 0);
    assert_eq!(town.partner(3), None);
}

#[test]
fn who_has_no_connection_any_more_is_lost() {
    let mut town = full_town();
    let estates = town.estates();
    let estates: Vec<_> = estates.iter().map(Vec::as_slice).collect();
    let placement = Placement::single_node([3; 16], 0, 3);
    let succession = Succession::read(&estates, 3, &placement).expect("good estates");
    let session = town.session(0);
    let setup = Setup { me: session.home(), ..town.setup() };
    let mut links = |_, link| Some(link).filter(|link: &Link| link.0 != 0);
    let heir = Shard::inherit(town.now, setup, &succession, &mut links).expect("a good estate");
    assert_eq!(heir.link_of(session), Some(Link::NOBODYS));
    town.shards[usize::from(session.shard)] = heir;
    town.happens(session.home(), Event::Tick);
    assert!(town.shards[usize::from(session.shard)].is_absent(session));
    assert_eq!(town.news_of(1), [News::Told("partner_reconnecting".into())]);
}

#[test]
fn what_cannot_be_followed_is_refused() {
    let town = full_town();
    let estates = town.estates();
    let [one, two, three] = [0, 1, 2].map(|at| estates[at].as_slice());
    let placement = Placement::single_node([3; 16], 0, 2);
    let read = |estates: &[&[u8]]| Succession::read(estates, 2, &placement).map(drop);
    assert_eq!(read(&[three, one, two]), Ok(()), "in any order");
    for some in [&[][..], &[one, two], &[one, two, two], &[one, two, three, three]] {
        assert_eq!(read(some), Err(Refused::Incomplete));
    }
    let mut later = one.to_vec();
    let format = later.iter().position(|byte| *byte == b'\n').expect("a line") + 1;
    later[format] = *FORMATS.end() as u8 + 1;
    assert_eq!(read(&[&later, two, three]), Err(Refused::Format(FORMATS.end() + 1)));
    let other = Placement::single_node([4; 16], 0, 2);
    let refused = Succession::read(&[one, two, three], 2, &other).map(drop);
    assert_eq!(refused, Err(Refused::OtherSecret));
    let elsewhere = Placement::single_node([3; 16], 9, 2);
    let refused = Succession::read(&[one, two, three], 2, &elsewhere).map(drop);
    assert_eq!(refused, Err(Refused::OtherNode { before: 0, now: 9 }));
    assert!(matches!(read(&[&one[..40], two, three]), Err(Refused::Damaged(_))));
}

#[test]
fn nothing_is_left_while_a_ticket_is_held() {
    let mut town = Town::new(2, RULES);
    let (ann, bob) = (town.comes(0), town.comes(1));
    let left = |town: &Town| town.shards[1].bequeath(&mut Vec::new());
    // One of them is owned by his shard, which proposes them at once.
    let proposed = ["tea", "chess", "go", "rain"].iter().find(|interest| {
        town.joins(ann, QueueType::Moderated, interest);
        assert_eq!(left(&town), Ok(()));
        town.joins_unheard(bob, QueueType::Moderated, interest);
        left(&town) == Err(Unsettled)
    });
    assert!(proposed.is_some());
}

/// Of what a town left that had a little of everything, as format 1 has it. Other bytes here are
/// another format, with another number: this one is still to be read then. Written anew with
/// `WHISPER_BLESS=1`, as long as no release has it.
#[test]
fn the_first_format_is_kept_and_read() {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/succession/format-1");
    let mut town = full_town();
    let estates = town.estates();
    let path = |shard| kept.join(format!("shard-{shard}"));
    if std::env::var_os("WHISPER_BLESS").is_some() {
        fs::create_dir_all(&kept).expect("a folder");
        for (shard, estate) in estates.iter().enumerate() {
            fs::write(path(shard), estate).expect("written");
        }
    }
    let read = |shard| fs::read(path(shard)).expect("it is kept");
    let kept: Vec<_> = (0..estates.len()).map(read).collect();
    if *FORMATS.end() == 1 {
        assert!(kept == estates, "the state is written otherwise: that is format 2");
    }
    assert!(FORMATS.contains(&1) || *FORMATS.end() > 2, "a build reads the format before its own");
    if FORMATS.contains(&1) {
        town.follow(&kept, 2);
        assert_eq!(town.partner(0), Some(1));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// A bit that fell over, or an end that is missing, is refused or harmless.
    #[test]
    fn damage_never_panics(
        shard in 0usize..3,
        at in any::<prop::sample::Index>(),
        bit in 0u8..9,
        shards in 1u16..4,
    ) {
        thread_local!(static ESTATES: Vec<Vec<u8>> = full_town().estates());
        ESTATES.with(|estates| {
            let mut estates = estates.clone();
            let at = at.index(estates[shard].len());
            match bit {
                8 => estates[shard].truncate(at),
                bit => estates[shard][at] ^= 1 << bit,
            }
            let placement = Placement::single_node([3; 16], 0, shards);
            let estates: Vec<_> = estates.iter().map(Vec::as_slice).collect();
            let Ok(succession) = Succession::read(&estates, shards, &placement) else { return };
            for shard in 0..shards {
                let setup = Setup {
                    me: ShardId { node: 0, shard },
                    shards: shards.into(),
                    placement: placement.clone(),
                    ..Town::new(1, RULES).setup()
                };
                let now = succession.now();
                drop(Shard::inherit(now, setup, &succession, &mut |_, link| Some(link)));
            }
        });
    }
}
