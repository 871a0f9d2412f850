//! What judging a line costs, in nanoseconds: the best of several rounds, so that a busy machine
//! doesn't count.
//!
//! `cargo bench -p whisper-sim --bench moderation`; without `--bench`, as under `cargo test`, it runs
//! once to see that it does.

#![allow(clippy::print_stdout, reason = "a benchmark speaks on stdout")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use whisper_core::moderation::{Moderator, Rules, Scope, Tail};

fn main() {
    let (rounds, times) =
        if std::env::args().any(|arg| arg == "--bench") { (50, 2_000) } else { (1, 1) };
    let mut moderator = Moderator::new(Arc::new(Rules::shipped()));
    let lines = [
        (
            "64 B, clean ASCII",
            "do you like to play the guitar or do you listen to music at home".to_owned(),
        ),
        (
            "64 B, with digits",
            "i am 25 and live with 2 cats since 2019, how about you, friend?!".to_owned(),
        ),
        ("64 B, Cyrillic", "привет как дела у тебя сегодня все".to_owned()),
        ("64 B, Chinese", "今天天气很好我们一起去公园散步吧你喜欢吗".to_owned()),
        (
            "64 B, a fault",
            "what the f.u.c.k is going on here, you st0p that now, please man".to_owned(),
        ),
        ("2,000 chars, ASCII", "the pen is on a class assignment ".repeat(61)[..2_000].to_owned()),
        ("2,000 chars, terms", "fuck shit ass ".repeat(143)[..2_000].to_owned()),
        ("2,000 chars, digits", "i'm 14 or 5h1t a55 at 42 elm ".repeat(69)[..2_000].to_owned()),
        ("2,000 chars, masks", "f*c*k*!a@b$c+1 ".repeat(134)[..2_000].to_owned()),
        ("2,000 chars, astral", "𝓯𝓾𝓬 🅰п".chars().cycle().take(2_000).collect()),
    ];
    println!("{:22} {:>10}", "line", "ns");
    for (name, line) in &lines {
        let times = if line.len() > 100 { times / 20 + 1 } else { times };
        let mut best = f64::MAX;
        for _ in 0..rounds {
            let begun = Instant::now();
            for _ in 0..times {
                let mut tail = Tail::default();
                black_box(moderator.hear(Scope::Adult, black_box(line), &mut tail));
            }
            best = best.min(begun.elapsed().as_nanos() as f64 / f64::from(times));
        }
        println!("{name:22} {best:10.0}");
    }
}
