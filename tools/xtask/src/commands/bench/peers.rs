//! `cargo xtask bench peers`: the engine beside its rivals, all doing the same works in turn.
//!
//! Every run has a server that was just started, alone on one core, and the generator on another.
//! The servers take turns within a round, and the rounds go over all works, so that what changes on
//! the machine in the meantime concerns all. Told are medians over the rounds.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use super::contestants::{self, Contestant};
use super::document;
use super::host::{self, Host};
use super::reactors::{self, Reactors};
use super::runs::{Length, Run, Shelf};
use super::table::{self, Sheet};
use super::works::{self, Work};
use crate::Result;
use crate::checkout::Checkout;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Two short rounds, for a look: four minutes.
    #[arg(long)]
    quick: bool,
    /// How often each server does each work [default: 5, or 2 with --quick].
    #[arg(long)]
    rounds: Option<usize>,
    /// Only this work; repeatable.
    #[arg(long = "work", value_name = "NAME", value_parser = names(works::ALL.iter().map(|it| it.name).chain([reactors::NAME])))]
    works: Vec<String>,
    /// Only this server; repeatable.
    #[arg(long = "server", value_name = "NAME", value_parser = names(contestants::ALL.iter().map(|it| it.name)))]
    servers: Vec<String>,
    /// Minutes after which no other round begins.
    #[arg(long, default_value_t = 23)]
    minutes_max: u64,
    /// Use again what was measured of this commit before a break.
    #[arg(long)]
    resume: bool,
    /// Print the tables, and leave bench/RESULTS.md as it is.
    #[arg(long)]
    dry_run: bool,
}

fn names(names: impl Iterator<Item = &'static str>) -> clap::builder::PossibleValuesParser {
    names.collect::<Vec<_>>().into()
}

const THOROUGH: Length = Length { secs: "4", warm_up: "1.5" };
const QUICK: Length = Length { secs: "1", warm_up: "0.5" };

pub(crate) fn run(checkout: &Checkout, args: &Args) -> Result<ExitCode> {
    let host = Host::this(checkout)?;
    contestants::build(checkout)?;
    let description = host.description(checkout);
    let (length, rounds) = if args.quick { (QUICK, 2) } else { (THOROUGH, 5) };
    let rounds = args.rounds.unwrap_or(rounds);
    let works: Vec<&Work> = works::ALL.iter().filter(|it| wanted(&args.works, it.name)).collect();
    let servers = contestants::ALL.into_iter().filter(|it| wanted(&args.servers, it.name));
    let servers: Vec<Contestant> = servers.collect();
    let kept = format!("bench/out/peers-{}-{}s", host::commit(checkout), length.secs);
    let shelf = Shelf::open(checkout.path(kept), args.resume)?;

    let (mut sheet, mut reactors) = (Sheet::default(), Reactors::default());
    let mut done = 0;
    let until = Instant::now() + Duration::from_secs(60 * args.minutes_max);
    while done < rounds && Instant::now() < until {
        done += 1;
        for work in &works {
            println!("round {done} of {rounds}: {}", work.name);
            for server in servers.iter().filter(|server| work.is_for(server.name)) {
                let name = format!("{}.{}.{done}", work.name, server.name);
                let run = shelf.run(&name, || Run::of(checkout, &host, *server, work, length))?;
                run.faults().for_each(|fault| println!("  {}: {fault}", server.title));
                sheet.add(work, *server, Some(run));
            }
        }
        if wanted(&args.works, reactors::NAME) && wanted(&args.servers, contestants::ENGINE.name) {
            println!("round {done} of {rounds}: {}", reactors::NAME);
            reactors.round(checkout, &host, &shelf, length, done)?;
        }
    }
    let judgements = sheet.judge(&works);
    let (table, verdict) = (sheet.table(&works), table::verdict(&judgements));
    let faults = [sheet.faults(), reactors.faults()].concat();
    let faults: String = faults.iter().map(|fault| format!("- {fault}\n")).collect();
    let mut body = format!(
        "{description}\n\n{done} rounds of {secs} s after {warm_up} s of warm-up, each with a \
         server just started; medians. Each server has one core, the generator another. Whisper asks \
         nobody for work before they join (bench/peers/whisper.toml).\n\n",
        secs = length.secs,
        warm_up = length.warm_up,
    );
    body.push_str(&table);
    if sheet.has_doubts() {
        body.push_str(
            "\n\\* The generator was busy all the time: a speed is its own, and at least that of \
             the server. CPU a message stands.\n",
        );
    }
    if !faults.is_empty() {
        body.push_str("\nRuns that count for nothing:\n\n");
        body.push_str(&faults);
    }
    body.push_str("\n### Bars\n\n");
    body.push_str(&verdict);
    body.push_str(&reactors.section(checkout));
    println!("\n{body}");
    if !args.dry_run {
        document::write(checkout, "Beside its rivals", &body)?;
    }
    Ok(ExitCode::from(u8::from(!faults.is_empty())))
}

fn wanted(chosen: &[String], name: &str) -> bool {
    chosen.is_empty() || chosen.iter().any(|it| it == name)
}
