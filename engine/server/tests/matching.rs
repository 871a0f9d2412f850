//! Who meets whom, and when: lanes, tiers, languages, timeouts.

mod harness;

use harness::{
    ADULT_TEXT, Client, Engine, Match, everywhere, join, lane, meet, meet_the_next, strict, topic,
    wish,
};
use whisper_proto::{
    AgeCategory, ClientMessage, ErrorCode, Hello, Join, Lane, LanguageWish, Mode, QueueType, Relax,
    Searching, ServerMessage, Skip, Tier,
};

/// Times so short that a test can wait for them, and so long that it is not overtaken.
const QUICK: &str = "[matching]\nsingle_after_ms = 100\nany_after_ms = 300\ntimeout_ms = 1200\n";

fn open_lanes() -> Vec<Lane> {
    let adult = Mode::ALL.iter().flat_map(|&mode| {
        QueueType::ALL.iter().map(move |&queue| lane(AgeCategory::Adult, mode, queue))
    });
    adult.chain([lane(AgeCategory::Teen, Mode::Text, QueueType::Moderated)]).collect()
}

#[test]
fn lanes_never_mix() {
    everywhere(|engine, _, _| {
        let topic = topic();
        let mut waiting: Vec<(Lane, Client)> = Vec::new();
        for lane in open_lanes() {
            let mut person = engine.client();
            join(&mut person, strict(lane, &[&topic]));
            waiting.push((lane, person));
        }
        // All of them wait for the same, and none has met another.
        for (_, person) in &mut waiting {
            person.ping();
        }
        for (lane, person) in waiting.iter_mut().rev() {
            let mut late = engine.client();
            join(&mut late, strict(*lane, &[&topic]));
            let (of_person, of_late): (Match, Match) = (person.expect(), late.expect());
            assert_eq!((&of_person.room, of_person.mode), (&of_late.room, lane.mode));
        }
    });
}

#[test]
fn what_is_shared_makes_the_tier() {
    let [music, chess, tea, rain] = [(); 4].map(|()| topic());
    let (music, chess, tea, rain) = (&*music, &*chess, &*tea, &*rain);
    for (tier, of_ann, of_bob, shared) in [
        (Tier::Exact, &[music, chess][..], &[chess, music][..], &[chess, music][..]),
        (Tier::Overlap, &[music, chess, tea], &[rain, chess, music], &[chess, music]),
        (Tier::Single, &[music, tea], &[rain, music], &[music]),
    ] {
        everywhere(|_, mut ann, mut bob| {
            join(&mut ann, strict(ADULT_TEXT, of_ann));
            join(&mut bob, strict(ADULT_TEXT, of_bob));
            let (to_ann, to_bob): (Match, Match) = (ann.expect(), bob.expect());
            assert_eq!((to_ann.tier, to_bob.tier), (tier, tier));
            assert_eq!((to_ann.interests, to_bob.interests), (owned(of_bob), owned(of_ann)));
            let mut found = to_ann.shared.clone();
            found.sort_by_key(|name| shared.iter().position(|it| it == name));
            assert_eq!(found, owned(shared));
            assert!(to_ann.waited_ms >= to_bob.waited_ms, "the first has waited longer");
        });
    }
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().copied().map(Into::into).collect()
}

#[test]
fn tiers_open_one_after_another_and_then_time_is_up() {
    let engine = Engine::configured(2, QUICK);
    let mut ann = engine.client();
    ann.say(&ClientMessage::Join(wish(ADULT_TEXT, &["alone"])));
    for tier in [Tier::Overlap, Tier::Single, Tier::Any] {
        assert_eq!(ann.expect::<Searching>().tier, tier);
    }
    let waited = ann.hear("match_timeout", |message| match message {
        ServerMessage::MatchTimeout { waited_ms } => Some(*waited_ms),
        _ => None,
    });
    assert!((1_200..5_000).contains(&waited), "{waited}");
    // Out of the queue, and free to join again.
    ann.say(&ClientMessage::Leave);
    ann.refused(ErrorCode::NotInQueue);
    join(&mut ann, wish(ADULT_TEXT, &["alone"]));
    let mut bob = engine.client();
    join(&mut bob, wish(ADULT_TEXT, &["alone too"]));
    let (of_ann, of_bob): (Match, Match) = (ann.expect(), bob.expect());
    assert_eq!((of_ann.tier, of_bob.tier), (Tier::Any, Tier::Any));
    assert!(of_ann.shared.is_empty());
}

#[test]
fn strict_wishes_meet_no_stranger_to_them() {
    let engine = Engine::configured(2, QUICK);
    let (mut ann, mut bob) = (engine.client_on(0), engine.client_on(1));
    join(&mut ann, strict(ADULT_TEXT, &["chess"]));
    join(&mut bob, Join { relax: Relax::Anyone, ..wish(ADULT_TEXT, &["tea"]) });
    for person in [&mut ann, &mut bob] {
        person.hear("match_timeout", |message| {
            matches!(message, ServerMessage::MatchTimeout { .. }).then_some(())
        });
    }
}

#[test]
fn anyone_and_no_interests_meet_at_once() {
    // No tier opens by time here.
    let patient = "[matching]\nsingle_after_ms = 60000\nany_after_ms = 60000\ntimeout_ms = 60000\n";
    let engine = Engine::configured(2, patient);
    let anyone =
        |interests: &[&'static str]| Join { relax: Relax::Anyone, ..wish(ADULT_TEXT, interests) };
    for (first, second) in [
        (anyone(&["tea"]), anyone(&["chess"])),
        (wish(ADULT_TEXT, &[]), wish(ADULT_TEXT, &[])),
        (wish(ADULT_TEXT, &[]), anyone(&["chess"])),
        (wish(ADULT_TEXT, &["", " \t", "!?"]), wish(ADULT_TEXT, &[])),
    ] {
        for (ann, bob) in [(0, 0), (0, 1), (1, 0)] {
            let (mut ann, mut bob) = (engine.client_on(ann), engine.client_on(bob));
            ann.say(&ClientMessage::Join(first.clone()));
            ann.expect::<Searching>();
            bob.say(&ClientMessage::Join(second.clone()));
            let (of_ann, of_bob): (Match, Match) = (ann.expect(), bob.expect());
            assert_eq!((&of_ann.room, of_ann.tier), (&of_bob.room, Tier::Any));
        }
    }
}

#[test]
fn the_same_language_is_kept_to() {
    everywhere(|engine, mut ann, mut bob| {
        let topic = topic();
        let hello = |language| ClientMessage::Hello(Hello { language, ..Hello::default() });
        let same = Join { language: LanguageWish::Same, ..strict(ADULT_TEXT, &[&topic]) };
        ann.say(&ClientMessage::Join(same.clone()));
        ann.refused(ErrorCode::BadMessage); // Same as what?
        ann.say(&hello(Some("de-CH")));
        bob.say(&hello(Some("en")));
        join(&mut ann, same.clone());
        join(&mut bob, same);
        // English is not Bob's wish only: nobody with another language meets him, or Ann.
        let mut cat = engine.client();
        cat.say(&hello(Some("de-AT")));
        join(&mut cat, strict(ADULT_TEXT, &[&topic]));
        assert_eq!(cat.expect::<Match>().room, ann.expect::<Match>().room);
    });
}

#[test]
fn a_second_join_replaces_the_first() {
    everywhere(|engine, mut ann, mut bob| {
        let (before, after) = (topic(), topic());
        join(&mut ann, strict(ADULT_TEXT, &[&before]));
        join(&mut ann, strict(ADULT_TEXT, &[&after]));
        // What was wished before finds her no more.
        join(&mut bob, strict(ADULT_TEXT, &[&before]));
        let mut cat = engine.client();
        join(&mut cat, strict(ADULT_TEXT, &[&after]));
        assert_eq!(ann.expect::<Match>().room, cat.expect::<Match>().room);
        let mut dan = engine.client();
        join(&mut dan, strict(ADULT_TEXT, &[&before]));
        assert_eq!(bob.expect::<Match>().room, dan.expect::<Match>().room);
    });
}

#[test]
fn a_skip_asks_for_the_same_again() {
    everywhere(|engine, mut ann, mut bob| {
        let lane = lane(AgeCategory::Adult, Mode::Voice, QueueType::Unmoderated);
        let topic = topic();
        join(&mut ann, strict(lane, &[&topic]));
        join(&mut bob, strict(lane, &[&topic]));
        let (first, _): (Match, Match) = (ann.expect(), bob.expect());
        ann.say(&ClientMessage::Skip(Skip::default()));
        bob.hears(&ServerMessage::PartnerSkipped);
        // A skip that crosses the partner's own means the same.
        bob.say(&ClientMessage::Skip(Skip { reason: None, room: Some(&first.room) }));
        bob.expect::<Searching>();
        ann.expect::<Searching>();
        // In the same lane, with the same interests.
        meet_the_next(engine, [&mut ann, &mut bob], lane, &topic);
    });
}

#[test]
fn closed_lanes_are_said_to_be() {
    let engine = Engine::configured(1, "matching.lanes = [\"adult/voice/unmoderated\"]\n");
    let open = lane(AgeCategory::Adult, Mode::Voice, QueueType::Unmoderated);
    let (welcome, _) = engine.http().upgrade_silently().greet();
    assert_eq!(&*welcome.lanes, [open]);
    let (mut ann, mut bob) = (engine.client(), engine.client());
    ann.say(&ClientMessage::Join(strict(ADULT_TEXT, &["tea"])));
    ann.refused(ErrorCode::LaneClosed);
    join(&mut ann, strict(open, &["tea"]));
    join(&mut bob, strict(open, &["tea"]));
    assert_eq!(ann.expect::<Match>().room, bob.expect::<Match>().room);
}

#[test]
fn who_met_lately_doesnt_meet_again() {
    everywhere(|engine, mut ann, mut bob| {
        let topic = topic();
        meet(&mut ann, &mut bob, &topic);
        ann.say(&ClientMessage::Leave);
        bob.hears(&ServerMessage::PartnerSkipped);
        join(&mut ann, strict(ADULT_TEXT, &[&topic]));
        join(&mut bob, strict(ADULT_TEXT, &[&topic]));
        meet_the_next(engine, [&mut ann, &mut bob], ADULT_TEXT, &topic);
    });
}
