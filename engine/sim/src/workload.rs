//! Invents people: they join for what many like, talk, skip, click twice, vanish at any moment. And
//! operators, who close lanes and ban people.

use whisper_core::settings::OpenLanes;
use whisper_core::time::Span;
use whisper_proto::{
    AgeCategory, ClientMessage, Hello, Join, Lane, LanguageWish, Mode, Names, QueueType, Relax,
    Report, ReportReason, Say, Signal, SignalKind, Skip,
};

use crate::dice::Dice;
use crate::person::Who;
use crate::trouble::Trouble;
use crate::world::World;

/// How many interests there are to choose from. Few, so that people meet.
const INTERESTS: usize = 24;

/// Of a hundred steps, how many are another process, where there are any.
const FOLLOWERS: usize = 3;

/// The most shards of a process.
const SHARDS_MAX: usize = 5;

/// A signalling body: the msgpack map `{"sdp": "v"}`.
const SDP: &[u8] = b"\x81\xa3sdp\xa1v";

/// A seeded stream of what people do, and of time.
pub struct Workload {
    dice: Dice,
    people_max: usize,
    interests: Vec<String>,
    here: Vec<Who>,
    /// Who is cut off, or has no connection, and could come back.
    lost: Vec<Who>,
    lines: usize,
    /// Shards that weren't told yet which lanes are open.
    untold: Vec<u16>,
    lanes: OpenLanes,
    /// Decides when a process is followed by another, where that ever happens.
    followers: Option<Dice>,
    /// What goes wrong between nodes, where there are several.
    trouble: Option<Trouble>,
}

impl Workload {
    /// A workload of up to `people_max` people at a time, at least one.
    pub fn new(seed: u64, people_max: usize) -> Self {
        let interests = (0..INTERESTS).map(|number| format!("topic {number}")).collect();
        let dice = Dice::new(!seed);
        let (here, lost) = (Vec::new(), Vec::new());
        let (untold, lanes) = (Vec::new(), OpenLanes::default());
        let (lines, followers, trouble) = (0, None, None);
        Self { dice, people_max, interests, here, lost, lines, untold, lanes, followers, trouble }
    }

    /// The same, in a world of processes that follow one another at any moment.
    #[must_use]
    pub fn with_followers(mut self, seed: u64) -> Self {
        self.followers = Some(Dice::new(seed.rotate_left(32)));
        self
    }

    /// The same, in a world of several nodes, with which everything goes wrong that can.
    #[must_use]
    pub fn with_trouble(mut self, seed: u64) -> Self {
        self.trouble = Some(Trouble::new(seed));
        self
    }

    /// Does one thing: mostly a delivery, else what somebody does, or time that passes.
    pub fn step(&mut self, world: &mut World) {
        self.here.retain(|&who| world.person(who).is_here());
        self.lost.retain(|&who| world.person(who).is_lost());
        if self.followers.as_mut().is_some_and(|dice| dice.chance(FOLLOWERS)) {
            return self.follow(world);
        }
        if let Some(trouble) = &mut self.trouble
            && trouble.comes()
        {
            return trouble.happens(world);
        }
        match self.dice.below(100) {
            0..44 => drop(world.deliver()),
            44 => self.order(world),
            45..50 => self.arrive(world),
            50..54 => self.suffer(world),
            54..90 => self.act(world),
            90..95 => world.pass(Span(self.dice.below(400_000) as u64)),
            95..97 => world.settle(),
            97..99 => world.wait(Span::millis(self.dice.below(3_000) as u64)),
            _ => world.wait(Span::millis(self.dice.below(40_000) as u64)),
        }
    }

    /// Another process follows, mostly of as many shards, and seldom without somebody's connection.
    fn follow(&mut self, world: &mut World) {
        let Some(dice) = &mut self.followers else { return };
        let same = dice.chance(50);
        let shards = if same { world.shards() } else { 1 + dice.below(SHARDS_MAX) as u16 };
        let mut gone = Vec::new();
        if !self.here.is_empty() && dice.chance(30) {
            gone.push(dice.pick(&self.here));
        }
        world.follow(shards, &gone);
        self.lost.extend(gone);
        // What one shard was told goes for those that it is followed by, or begun with.
        if !self.untold.is_empty() {
            self.untold = (0..shards).collect();
        }
    }

    fn arrive(&mut self, world: &mut World) {
        if self.here.len() == self.people_max {
            return;
        }
        let shard = self.dice.below(usize::from(world.shards())) as u16;
        if !world.runs(world.node_of(shard)) {
            return;
        }
        let who = world.connect(shard);
        self.here.push(who);
        if self.dice.chance(40) {
            let language = Some(self.dice.pick(&["de", "en-GB", "pt-BR"]));
            world.send(who, &ClientMessage::Hello(Hello { language, ..Hello::default() }));
        }
    }

    /// What somebody does who is cut off, or whose connection is lost.
    fn suffer(&mut self, world: &mut World) {
        if self.lost.is_empty() {
            return;
        }
        let who = self.dice.pick(&self.lost);
        match self.dice.below(100) {
            0..40 => {
                let shards = world.shards_of(world.node_of(world.person(who).shard));
                let shard = shards.start + self.dice.below(shards.len()) as u16;
                if world.resume(who, shard) {
                    self.here.push(who);
                }
            }
            40..55 => world.lose(who),
            // What they say arrives, and they don't know.
            55..80 if world.room(who).is_some() => self.say(world, who, None),
            80..85 => world.acknowledge(who),
            85..88 => world.disconnect(who),
            88..90 => world.ban(who),
            _ => {}
        }
    }

    fn say(&mut self, world: &mut World, who: Who, room: Option<&str>) {
        self.lines += 1;
        let content = &format!("line {}", self.lines);
        let id = Some(content.as_str()).filter(|_| self.dice.chance(50));
        world.send(who, &ClientMessage::Message(Say { content, id, room }));
    }

    /// An operator bans somebody, or opens all lanes but one; shards hear of that one by one.
    fn order(&mut self, world: &mut World) {
        if let Some(shard) = self.untold.pop() {
            return world.open_lanes(shard, self.lanes);
        }
        if !self.here.is_empty() && self.dice.chance(50) {
            return world.ban(self.dice.pick(&self.here));
        }
        self.lanes = OpenLanes::default();
        if self.dice.chance(60) {
            let lane = self.wish().lane;
            self.lanes.set(lane, false);
        }
        self.untold = (0..world.shards()).collect();
    }

    fn act(&mut self, world: &mut World) {
        if self.here.is_empty() {
            return self.arrive(world);
        }
        let who = self.dice.pick(&self.here);
        if !world.can_act(who) {
            return;
        }
        if world.room(who).is_some() {
            return self.chat(world, who);
        }
        match self.dice.below(100) {
            0..70 if !world.is_queued(who) => self.join(world, who),
            // A join that replaces another, where they wait.
            70..78 => self.join(world, who),
            78..82 => world.skip(who),
            82..86 => world.leave(who),
            86..90 => world.disconnect(who),
            90..94 => self.report(world, who),
            94..96 => world.say(who, "is anybody there?"),
            _ => {}
        }
    }

    fn chat(&mut self, world: &mut World, who: Who) {
        let current = world.room(who).map(str::to_owned);
        let room = current.as_deref().filter(|_| self.dice.chance(50));
        match self.dice.below(100) {
            0..40 => self.say(world, who, room),
            40..46 => {
                let is_typing = self.dice.chance(50);
                world.send(who, &ClientMessage::Typing { is_typing, room });
            }
            46..50 => world.send(who, &ClientMessage::Read { seq: 1, room }),
            50..54 => world.send(who, &ClientMessage::AudioToggle { enabled: true, room }),
            54..60 => {
                let signal = Signal { kind: SignalKind::Offer, room: None, body: SDP };
                world.send(who, &ClientMessage::Signal(signal));
            }
            60..62 => {
                let late = Say { content: "late", id: None, room: Some("AAAAAAAAAAAAAAAAAAAAAA") };
                world.send(who, &ClientMessage::Message(late));
            }
            62..64 => self.join(world, who),
            64..80 => {
                let skip = Skip { reason: None, room };
                world.send(who, &ClientMessage::Skip(skip));
                if self.dice.chance(25) {
                    world.send(who, &ClientMessage::Skip(skip));
                }
            }
            80..86 => world.leave(who),
            86..90 => self.report(world, who),
            90..92 => world.disconnect(who),
            92..94 => {
                world.lose(who);
                self.lost.push(who);
            }
            94..97 => {
                world.deafen(who);
                self.lost.push(who);
            }
            97..99 => world.acknowledge(who),
            _ => {}
        }
    }

    fn join(&mut self, world: &mut World, who: Who) {
        let clicks = if self.dice.chance(10) { 2 } else { 1 };
        let join = self.wish();
        for _ in 0..clicks {
            world.join(who, &join);
        }
    }

    fn report(&self, world: &mut World, who: Who) {
        let report = Report {
            reason: ReportReason::Spam,
            comment: None,
            id: None,
            evidence: Vec::new(),
            block: true,
            room: None,
        };
        world.send(who, &ClientMessage::Report(report));
    }

    fn wish(&mut self) -> Join<'_> {
        // Most are in one lane, so that something happens there.
        let (age, mode, queue) = match self.dice.below(10) {
            0 => (AgeCategory::Teen, Mode::Text, self.dice.pick(QueueType::ALL)),
            1 => (AgeCategory::Adult, Mode::Video, QueueType::Unmoderated),
            2 => (AgeCategory::Adult, Mode::Voice, QueueType::Moderated),
            _ => (AgeCategory::Adult, Mode::Text, QueueType::Moderated),
        };
        let language = if self.dice.chance(15) { LanguageWish::Same } else { LanguageWish::Any };
        let relax = match self.dice.below(10) {
            0..2 => Relax::Strict,
            2..6 => Relax::Anyone,
            _ => Relax::Gradual,
        };
        let interests: Names<'_> = (0..self.dice.below(5))
            .map(|_| self.dice.zipf(INTERESTS))
            .collect::<Vec<_>>()
            .into_iter()
            .map(|number| self.interests[number].as_str())
            .collect();
        Join { lane: Lane { age, mode, queue }, interests, relax, language }
    }
}
