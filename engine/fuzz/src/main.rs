//! `whisper-fuzz`: the corpus, for those who run the fuzzer. `cargo xtask fuzz` does.

use std::error::Error;
use std::fs;
use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use whisper_fuzz::{TARGETS, Target, corpus};

/// The corpus of the fuzz targets.
#[derive(Parser)]
struct Cli {
    action: Action,
    /// Of which target; «list» needs none.
    target: Option<String>,
    /// A folder of inputs; for «try», files with one each.
    paths: Vec<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Action {
    /// Print the names of all targets and the longest input worth trying for each.
    List,
    /// Write seeds and corpus into a folder, a file each.
    Unpack,
    /// Replace the corpus by what is in a folder, but for the seeds.
    Pack,
    /// Run the target with inputs from files.
    Try,
}

fn main() -> Result<(), Box<dyn Error>> {
    let cli = Cli::parse();
    if let Action::List = cli.action {
        for target in TARGETS {
            print(&format!("{} {}", target.name, target.bytes_max));
        }
        return Ok(());
    }
    let name = cli.target.as_deref().ok_or("of which target?")?;
    let target = Target::named(name).ok_or_else(|| format!("{name}: no target of this name"))?;
    for path in &cli.paths {
        match cli.action {
            Action::List => {}
            Action::Unpack => corpus::unpack(&target.inputs()?, path)?,
            Action::Pack => {
                let seeds = (target.seeds)();
                let mut inputs = corpus::pack(path)?;
                inputs.retain(|input| !seeds.contains(input));
                corpus::write(name, &inputs)?;
            }
            Action::Try => (target.run)(&fs::read(path)?),
        }
    }
    Ok(())
}

#[allow(clippy::print_stdout, reason = "a command line speaks on stdout")]
fn print(line: &str) {
    println!("{line}");
}
