//! `whisper-sim`: lives a town and says how it went, or many small worlds and says if one breaks.

#![allow(clippy::print_stdout, reason = "a command line speaks on stdout")]

mod print;

use std::error::Error;
use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use clap::{Parser, Subcommand};
use whisper_core::event_log;
use whisper_core::time::Span;
use whisper_sim::scale::{self, Plan};
use whisper_sim::{Book, sweep};

/// Simulates Whisper's shards in virtual time. The same flags give the same run and the same hash
/// on every machine.
#[derive(Parser)]
#[command(name = "whisper-sim", version, args_conflicts_with_subcommands = true)]
struct Args {
    /// What to do instead of simulating.
    #[command(subcommand)]
    command: Option<Command>,
    /// Where to write the event log of the town; with --seeds, of a world that breaks.
    #[arg(long, value_name = "FILE")]
    event_log: Option<PathBuf>,
    /// Where all chance comes from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Instead of one town: this many small worlds and troubled towns, from --seed on, over all
    /// cores, with every rule checked after every step.
    #[arg(long, value_name = "N")]
    seeds: Option<u64>,
    /// Steps of each small world.
    #[arg(long, default_value_t = sweep::STEPS, requires = "seeds")]
    steps: usize,
    /// Nodes that act as one.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    nodes: u16,
    /// Shards of each node.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=128))]
    shards: u16,
    /// People.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(2..))]
    users: u32,
    /// Put half of the people on the first shard, the others on any.
    #[arg(long)]
    lopsided: bool,
    /// How long they act, in seconds of simulated time.
    #[arg(long, default_value_t = 60)]
    secs: u64,
    /// Seconds that are left out of the figures; a tenth of all where not given.
    #[arg(long)]
    warm_up: Option<u64>,
    /// Joins a second, skips included; chats last accordingly.
    #[arg(long, default_value_t = 1_000.0)]
    rate: f64,
    /// Interests there are.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u16).range(1..))]
    interests: u16,
    /// Exponent of their popularity by Zipf's law.
    #[arg(long, default_value_t = 1.0)]
    zipf: f64,
    /// Mean interests of a person.
    #[arg(long, default_value_t = 3)]
    likes: usize,
    /// Various lanes, languages and wishes to open up; else one lane, and the default of each.
    #[arg(long)]
    mixed: bool,
    /// How long a message between shards of a node takes at the most, in microseconds.
    #[arg(long, default_value_t = 50)]
    latency: u64,
    /// How long a message between nodes takes at the most, in microseconds.
    #[arg(long, default_value_t = 1_000)]
    link_latency: u64,
    /// Places in each ring.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..))]
    ring_slots: u16,
    /// How many shards are slow.
    #[arg(long, default_value_t = 0)]
    slow_shards: u16,
    /// For how long a slow shard is gone after a turn, in milliseconds at the most.
    #[arg(long, default_value_t = 5)]
    stall: u64,
    /// The clock jumps forward this often, in seconds on average; 0 for never.
    #[arg(long, default_value_t = 0)]
    jumps: u64,
    /// A shard is given an operator's order (a ban, lanes closed or opened) this often, in
    /// milliseconds on average; 0 for never.
    #[arg(long, default_value_t = 0)]
    orders: u64,
    /// Seconds between two inspections.
    #[arg(long, default_value_t = 1)]
    inspect: u64,
    /// Don't compare with the central matcher.
    #[arg(long)]
    no_oracle: bool,
    /// Check nothing; for measuring the engine alone.
    #[arg(long)]
    unaudited: bool,
}

/// What `whisper-sim` can do beside simulating.
#[derive(Subcommand)]
enum Command {
    /// Have the shards of an event log (`whisper serve --event-log FILE`, or --event-log here) decide
    /// everything again. Prints for each its events, effects and their hash; fails at the first
    /// event of which something else comes than came then.
    Replay {
        /// The event log.
        file: PathBuf,
    },
}

fn main() -> ExitCode {
    let args = Args::parse();
    let done = match (&args.command, args.seeds) {
        (Some(Command::Replay { file }), _) => replay(file),
        (None, Some(seeds)) => sweep_seeds(&args, seeds),
        (None, None) => live(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn replay(file: &Path) -> Result<(), Box<dyn Error>> {
    let begun = Instant::now();
    let replayed = event_log::replay(BufReader::new(File::open(file)?))?;
    print::replayed(&replayed, begun.elapsed());
    for unfinished in replayed.unfinished {
        println!("never finished: {unfinished}\ntold again, it comes to");
        println!("{} effects", unfinished.run());
    }
    Ok(())
}

fn sweep_seeds(args: &Args, seeds: u64) -> Result<(), Box<dyn Error>> {
    let begun = Instant::now();
    let seeds = args.seed..args.seed.saturating_add(seeds);
    let swept = sweep::sweep(seeds, args.steps).map_err(|broken| {
        let Some(file) = &args.event_log else { return broken.into() };
        let Some(log) = broken.log(args.steps) else {
            return format!("{broken}\nno event log: it is of several processes").into();
        };
        match fs::write(file, log) {
            Ok(()) => {
                Box::<dyn Error>::from(format!("{broken}\nits event log: {}", file.display()))
            }
            Err(error) => format!("{broken}\nno event log: {error}").into(),
        }
    })?;
    let took = begun.elapsed().as_secs_f64();
    println!("{swept} in {took:.1} s; every rule held");
    Ok(())
}

fn live(args: &Args) -> Result<(), Box<dyn Error>> {
    let plan = plan(args);
    let begun = Instant::now();
    if let Some(file) = &args.event_log {
        let book = Book::default();
        let lived = scale::live_logged(plan, &book);
        fs::write(file, book.bytes())?;
        print::report(&lived?, None, begun.elapsed());
        return Ok(());
    }
    let (report, oracle) = if args.no_oracle {
        (scale::live(plan)?, None)
    } else {
        let (report, oracle) = scale::live_beside_oracle(plan)?;
        (report, Some(oracle))
    };
    print::report(&report, oracle.as_ref(), begun.elapsed());
    Ok(())
}

fn plan(args: &Args) -> Plan {
    let warm_up = args.warm_up.map_or(Span(args.secs * 100_000), Span::secs);
    Plan {
        seed: args.seed,
        nodes: args.nodes,
        shards: args.shards,
        users: args.users,
        lopsided: args.lopsided,
        lasts: Span::secs(args.secs),
        warm_up,
        rate: args.rate.max(0.001),
        interests: args.interests.into(),
        zipf: args.zipf,
        likes: args.likes,
        mixed: args.mixed,
        latency: Span(args.latency),
        link_latency: Span(args.link_latency),
        ring_slots: args.ring_slots.into(),
        slow_shards: args.slow_shards,
        stall: Span::millis(args.stall),
        jump_every: Span::secs(args.jumps),
        orders_every: Span::millis(args.orders),
        inspect_every: Span::secs(args.inspect.max(1)),
        audited: !args.unaudited,
    }
}
