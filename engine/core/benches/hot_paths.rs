//! The paths that a busy engine spends its time on, alone: from received bytes to bytes to send,
//! with everything in between that is not the kernel's.
//!
//! `hot_paths NAME COUNT` walks one of them so often and says nothing: run it under
//! `valgrind --tool=callgrind`, as `cargo xtask bench guard` does, to count its instructions.
//! `hot_paths names` lists them. With no arguments, as under `cargo test`, it walks each a few times to
//! see that it leads anywhere.

#![allow(clippy::print_stdout, reason = "a benchmark speaks on stdout")]

use std::collections::VecDeque;
use std::sync::Arc;

use whisper_core::http::{Subprotocol, write_switching};
use whisper_core::ids::{Link, SessionId};
use whisper_core::moderation::{Ladder, Rules};
use whisper_core::session::{Input, Session, write_message, write_payload};
use whisper_core::settings::Settings;
use whisper_core::shard::{Effect, Effects, Envelope, Event, Setup, Shard};
use whisper_core::succession::Succession;
use whisper_core::time::Micros;
use whisper_core::ws::{self, Opcode};
use whisper_proto::{
    AgeCategory, ClientMessage, Hello, Join, Lane, LanguageWish, Mode, QueueType, Relax, Say,
};
use whisper_shard_router::{Placement, ShardId};

/// Walks so often.
type Walk = fn(u64);

const PATHS: [(&str, Walk); 8] = [
    ("upgrade", upgrade),
    ("match_of_two", match_of_two),
    ("relay", relay),
    ("relay_with_ids", relay_with_ids),
    ("relay_kept", relay_kept),
    ("relay_across", relay_across),
    ("relay_moderated", relay_moderated),
    ("succession", succession),
];

fn main() {
    let args: Vec<_> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    match &args[..] {
        [] => PATHS.iter().for_each(|(_, walk)| walk(10)),
        [names] if names == "names" => PATHS.iter().for_each(|(name, _)| println!("{name}")),
        [name, count] => {
            let (_, walk) = PATHS.iter().find(|(path, _)| path == name).expect("a path's NAME");
            walk(count.parse().expect("COUNT is a number"));
        }
        _ => panic!("hot_paths [names | NAME COUNT]"),
    }
}

/// A request becomes a WebSocket, whose person is told `connected` and the numbers; then it is gone.
fn upgrade(count: u64) {
    let mut engine = Engine::new(1);
    for person in 0..count {
        let person = engine.connect(0, person);
        assert!(engine.sent.contains("101 Switching Protocols"));
        engine.disconnect(person);
    }
}

/// Two come, join with an interest that only they have, are matched, and go. (Those who stay would
/// not meet again.)
fn match_of_two(count: u64) {
    let mut engine = Engine::new(1);
    for pair in 0..count {
        let people = [engine.connect(0, 0), engine.connect(0, 1)];
        engine.join(people, pair);
        people.into_iter().rev().for_each(|person| engine.disconnect(person));
    }
}

/// Messages of 64 characters each go from one of a pair to the other, as a client sends it that
/// names neither message nor room, by the rules that come with the engine.
fn relay(count: u64) {
    let mut engine = Engine::held_to(Rules::shipped(), 1);
    let people = [engine.connect(0, 0), engine.connect(0, 1)];
    engine.join(people, 0);
    engine.talk(people, count, &say(None, None));
}

/// The same as the web client sends it: with the message's id, which is acknowledged, and the room; without rules.
fn relay_with_ids(count: u64) {
    let mut engine = Engine::new(1);
    let people = [engine.connect(0, 0), engine.connect(0, 1)];
    let room = engine.join(people, 0);
    engine.talk(people, count, &say(Some("0123456789abcdef"), Some(&room)));
}

/// The same as `relay_with_ids` between people who said hello: what they are told is kept until they
/// acknowledge it, as they do every 16 messages, and ids are remembered.
fn relay_kept(count: u64) {
    let mut engine = Engine::new(1);
    let people = [engine.connect(0, 0), engine.connect(0, 1)];
    let hello = frame(&ClientMessage::Hello(Hello::default()));
    people.into_iter().for_each(|person| engine.hear(person, &hello));
    let room = engine.join(people, 0);
    // More than are remembered of either.
    let line = |number: u64| {
        let id = format!("{number:016x}");
        say(Some(&id), Some(&room)).swap_remove(number as usize % LINES.len())
    };
    let frames: Vec<_> = (0..256).map(line).collect();
    for begun in (0..count).step_by(32) {
        engine.talk(people, (count - begun).min(32), &frames[begun as usize % 256..]);
        let ack = frame(&ClientMessage::Ack { seq: begun / 2 + 16 });
        people.into_iter().for_each(|person| engine.hear(person, &ack));
    }
}

/// The same as `relay` between people of two shards, without rules.
fn relay_across(count: u64) {
    let mut engine = Engine::new(2);
    let people = [engine.connect(0, 0), engine.connect(1, 1)];
    engine.join(people, 0);
    engine.talk(people, count, &say(None, None));
}

/// The same as `relay` where more than what is never tolerated is looked for.
fn relay_moderated(count: u64) {
    let mut engine = Engine::held_to(Rules::shipped(), 1);
    let people = [engine.connect(0, 0), engine.connect(0, 1)];
    engine.join_in(QueueType::Moderated, people, 0);
    engine.talk(people, count, &say(None, None));
}

/// As many people as a hundred who chat and have something kept for them, again and again, are left by
/// the shard of one process and taken on by that of the next.
fn succession(count: u64) {
    const PEOPLE: u64 = 100;
    let mut engine = Engine::new(1);
    for pair in 0..PEOPLE / 2 {
        let people = [engine.connect(0, 2 * pair), engine.connect(0, 2 * pair + 1)];
        let hello = frame(&ClientMessage::Hello(Hello::default()));
        people.into_iter().for_each(|person| engine.hear(person, &hello));
        engine.join(people, pair);
        engine.talk(people, 2, &say(None, None));
    }
    let setup = setup(0, 1, &Arc::new(Rules::none(Ladder::default())));
    for _ in 0..count.div_ceil(PEOPLE) {
        let mut left = Vec::new();
        engine.shards[0].bequeath(&mut left).expect("nothing is underway");
        let succession = Succession::read(&[&left], 1, &setup.placement).expect("a good estate");
        let heir = Shard::inherit(NOW, setup.clone(), &succession, &mut |_, link| Some(link));
        engine.shards[0] = heir.expect("a good estate");
    }
    assert_eq!(engine.shards[0].chatting(), PEOPLE as usize);
}

/// Shards on one thread, and the sessions that a worker would have.
struct Engine {
    shards: Vec<Shard>,
    sessions: Vec<(Session, Option<SessionId>)>,
    sent: Sent,
    /// Where the bytes that arrive lie.
    buffer: Vec<u8>,
}

/// What is to leave.
#[derive(Default)]
struct Sent {
    bytes: Vec<u8>,
    messages: u64,
    opened: Option<SessionId>,
    /// The shard whose effects these are.
    speaker: u16,
    /// From whom to whom.
    underway: VecDeque<(u16, ShardId, Envelope)>,
}

const NOW: Micros = Micros(20_000 * 86_400_000_000);

/// A turn's worth of messages, after which a reactor would send and begin again.
const TURN: u64 = 64;

impl Engine {
    /// Shards with nothing to look for: to compile the rules that come with the engine takes longer
    /// than all walks.
    fn new(shards: u16) -> Self {
        Self::held_to(Rules::none(Ladder::default()), shards)
    }

    fn held_to(rules: Rules, shards: u16) -> Self {
        let rules = Arc::new(rules);
        let shard = |shard| Shard::new(NOW, setup(shard, shards, &rules));
        Self {
            shards: (0..shards).map(shard).collect(),
            sessions: Vec::new(),
            sent: Sent::default(),
            buffer: Vec::new(),
        }
    }

    /// A person comes to a shard; who they are is their place among the sessions.
    fn connect(&mut self, shard: usize, key: u64) -> usize {
        let request = format!(
            "GET /ws HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUpgrade: websocket\r\n\
             Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: {key:021}A==\r\n\r\n"
        );
        let mut bytes = request.into_bytes();
        let mut input = bytes.as_mut_slice();
        let mut session = Session::default();
        self.sent.bytes.clear();
        let Some(Input::Request(request)) = session.next(&mut input) else { panic!("a request") };
        let upgrade = request.upgrade.expect("it asks for a WebSocket");
        write_switching(&mut self.sent.bytes, upgrade.key, None, None);
        session.upgraded(Subprotocol::Msgpack);
        let link = Link(self.sessions.len() as u64);
        self.shards[shard].handle(NOW, Event::Connected { link }, &mut self.sent);
        self.sessions.push((session, self.sent.opened.take()));
        self.sessions.len() - 1
    }

    fn disconnect(&mut self, person: usize) {
        let (_, session) = self.sessions.remove(person);
        let session = session.expect("they were here");
        let gone = Event::Disconnected { session, broken: false };
        take(&mut self.shards, &mut self.sent, session.home(), gone);
    }

    /// Both join where little is moderated; returns the room they are in.
    fn join(&mut self, people: [usize; 2], pair: u64) -> String {
        self.join_in(QueueType::Unmoderated, people, pair)
    }

    fn join_in(&mut self, queue: QueueType, people: [usize; 2], pair: u64) -> String {
        let interest = format!("interest {pair}");
        let lane = Lane { age: AgeCategory::Adult, mode: Mode::Text, queue };
        let join = frame(&ClientMessage::Join(Join {
            lane,
            interests: std::iter::once(&*interest).collect(),
            relax: Relax::Strict,
            language: LanguageWish::Any,
        }));
        people.into_iter().for_each(|person| self.hear(person, &join));
        let session = self.sessions[people[0]].1.expect("they are here");
        let home = &self.shards[usize::from(session.home().shard)];
        let (room, _) = home.room_of(session).expect("they met");
        self.sent.bytes.clear();
        room.encode().to_string()
    }

    /// They take turns in saying some lines, the same only after many others.
    fn talk(&mut self, people: [usize; 2], count: u64, frames: &[Vec<u8>]) {
        let before = self.sent.messages;
        for number in 0..count {
            let turn = number as usize;
            self.hear(people[turn % 2], &frames[turn % frames.len()]);
            if number % TURN == 0 {
                self.sent.bytes.clear();
            }
        }
        assert!(self.sent.messages - before >= count, "each message arrived");
    }

    /// Bytes of somebody's client arrive.
    fn hear(&mut self, person: usize, bytes: &[u8]) {
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        buffer.extend_from_slice(bytes);
        let mut input = buffer.as_mut_slice();
        let (session, who) = &mut self.sessions[person];
        let said = session.next(&mut input).expect("a whole frame");
        let (Input::Message(message), Some(session)) = (said, *who) else { panic!("a message") };
        take(&mut self.shards, &mut self.sent, session.home(), Event::Message { session, message });
        self.buffer = buffer;
    }
}

fn setup(shard: u16, shards: u16, rules: &Arc<Rules>) -> Setup {
    Setup {
        me: ShardId { node: 0, shard },
        shards: shards.into(),
        placement: Placement::single_node([3; 16], 0, shards),
        settings: Arc::new(Settings::default()),
        rules: Arc::clone(rules),
        evidence_secret: [1; 32],
        session_secret: [2; 32],
        seed: [shard as u8; 32],
    }
}

/// Has a shard take an event, and then all of them what they say to each other by it.
fn take(shards: &mut [Shard], sent: &mut Sent, home: ShardId, event: Event<'_>) {
    sent.speaker = home.shard;
    shards[usize::from(home.shard)].handle(NOW, event, sent);
    while let Some((from, to, envelope)) = sent.underway.pop_front() {
        let from = ShardId { node: home.node, shard: from };
        sent.speaker = to.shard;
        shards[usize::from(to.shard)].handle(NOW, Event::FromShard { from, envelope }, sent);
    }
}

impl Sent {
    fn contains(&self, text: &str) -> bool {
        self.bytes.windows(text.len()).any(|window| window == text.as_bytes())
    }
}

impl Effects for Sent {
    fn push(&mut self, effect: Effect<'_>) {
        match effect {
            Effect::Send { message, .. } => {
                self.messages += 1;
                write_message(&mut self.bytes, message, Subprotocol::Msgpack);
            }
            Effect::Forward { payload, .. } => {
                self.messages += 1;
                write_payload(&mut self.bytes, payload, Subprotocol::Msgpack);
            }
            Effect::ToShard { to, envelope } => {
                self.underway.push_back((self.speaker, to, envelope));
            }
            Effect::Opened { session, .. } => self.opened = Some(session),
            // None of these paths asks for more.
            _ => {}
        }
    }
}

/// A client's frame with a message.
fn frame(message: &ClientMessage<'_>) -> Vec<u8> {
    let mut payload = Vec::new();
    message.encode(&mut payload);
    let mut frame = Vec::new();
    ws::encode_masked_frame(&mut frame, Opcode::Binary, &payload, [1, 2, 3, 4]);
    frame
}

/// What people say; more lines than are remembered of anybody.
const LINES: [&str; 16] = [
    "How do you do? I like the same things as you, or so I am told ;-)",
    "do you like to play the guitar or do you listen to music at home?",
    "Well, it rained all day long, so we stayed inside and baked bread",
    "my sister says hello, by the way: she has just come in from work.",
    "That is what I thought too. But then the others did not agree....",
    "We could watch a film tonight, or the one that you talked about?!",
    "no idea, I never went there. Is it far from where your friends go",
    "Sounds lovely! I'd rather be in the mountains than by the sea now",
    "and what do you do when you are not here, if you don't mind that?",
    "i was reading a book on how birds find their way home in the dark",
    "Ha, you are funny - most people here just say hi and then they go",
    "they told us it would be finished by spring, but who believes it?",
    "Can you hear the wind where you live? Here it is quite loud today",
    "oh yes, with cheese and tomatoes, and a bit of pepper, not a lot.",
    "It's getting late for me, so let us talk about it again tomorrow?",
    "nothing much happened, to be honest. how was your week then, good",
];

fn say(id: Option<&str>, room: Option<&str>) -> Vec<Vec<u8>> {
    let said =
        |content: &&str| frame(&ClientMessage::Message(Say { content: &content[..64], id, room }));
    LINES.iter().map(said).collect()
}
