//! The binary `whisper`: composes what the modules make.
//!
//! It allocates with the system's allocator, which grows a big table by moving its pages and not by
//! a copy: what a connection costs is mostly such tables. It is told to keep no large piece that was
//! freed. `docs/performance.md` has the comparison.

mod cli;
mod clock;
mod config;
mod control;
mod cpus;
mod crash;
mod event_log;
mod listeners;
mod log_level;
mod pulse;
mod room;
mod rules;
mod secrets;
mod serve;
mod site;
mod succession;
mod tls;
mod watch;
mod worker;

use std::error::Error;
use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::{ArgMatches, FromArgMatches};

use self::cli::{Cli, Command, ConfigCommand};
use self::config::Config;
use self::control::Source;
use self::log_level::LogLevel;
use self::rules::RulesFile;
use self::secrets::ClusterSecret;
use self::succession::Heir;
use self::tls::Certificates;

fn main() -> ExitCode {
    whisper_reactor::give_back_what_is_freed();
    let matches = cli::command().get_matches();
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    match run(cli.command, innermost(&matches)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "whisper: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command, matches: &ArgMatches) -> Result<(), Box<dyn Error>> {
    match command {
        Command::Serve { settings, take_over } => {
            let log_level = LogLevel::begin();
            let heir = take_over.then(Heir::at_stdin).transpose()?;
            let (config, in_force) = Config::resolve(settings.clone(), matches)?;
            let matches = matches.clone();
            let resolve = Box::new(move || Config::resolve(settings.clone(), &matches));
            Ok(serve::serve(&config, Source { resolve, in_force }, log_level, heir)?)
        }
        Command::Completions(wish) => Ok(wish.print(cli::command())?),
        Command::Man(wish) => Ok(wish.print(cli::command())?),
        Command::Config { command: ConfigCommand::Check(settings) } => {
            let (config, _) = Config::resolve(settings, matches)?;
            if let Some(tls) = &config.tls {
                Certificates::load(&tls.source)?;
            }
            if let Some(cluster) = &config.cluster {
                ClusterSecret::load(&cluster.secret_file)?;
            }
            RulesFile::load(config.rules.as_deref())?;
            Ok(writeln!(io::stdout(), "The configuration is good.")?)
        }
        Command::Config { command: ConfigCommand::Default } => {
            Ok(write!(io::stdout(), "{}", config::annotated(matches)?)?)
        }
        Command::Config { command: ConfigCommand::Reference } => {
            Ok(write!(io::stdout(), "{}", config::reference(matches)?)?)
        }
        Command::Config { command: ConfigCommand::Show { origins, mut settings } } => {
            let origins = settings.takes_bare_origin() || origins;
            let (_, explained) = Config::resolve(settings, matches)?;
            Ok(write!(io::stdout(), "{}", explained.with_origins(origins))?)
        }
    }
}

/// The matches of the subcommand that has the settings.
fn innermost(matches: &ArgMatches) -> &ArgMatches {
    matches.subcommand().map_or(matches, |(_, inner)| innermost(inner))
}
