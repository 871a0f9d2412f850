//! `cargo xtask run`: the whole thing, on this machine, with nothing set up.

use std::process::ExitCode;

use crate::Result;
use crate::checkout::Checkout;
use crate::client;
use crate::commands::build;

/// Where the engine listens unless told otherwise.
const LISTEN: &str = "127.0.0.1:8080";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Passed on to `whisper serve`.
    #[arg(last = true, value_name = "ARGS")]
    serve: Vec<String>,
}

/// Ends by becoming the engine: Ctrl-C and SIGTERM are its own, and nothing else is left running.
pub(crate) fn run(checkout: &Checkout, args: &Args) -> Result<ExitCode> {
    client::build_if_stale(checkout)?;
    let engine = build::engine(checkout)?;
    let set = |variable: &str| std::env::var(variable).ok().filter(|value| !value.is_empty());
    let defaults = [
        ("--listen", set("WHISPER_LISTEN"), LISTEN.to_owned()),
        ("--data-dir", set("WHISPER_DATA_DIR"), checkout.path("data").display().to_string()),
        // Whoever tries it out does so with many tabs from one address.
        ("--exempt", set("WHISPER_EXEMPT"), "127.0.0.0/8,::1/128".to_owned()),
        ("--web-root", set("WHISPER_WEB_ROOT"), client::web_root(checkout).display().to_string()),
    ];
    let serve = with_defaults(&args.serve, &defaults);
    let listen = flag(&args.serve, "--listen").or(set("WHISPER_LISTEN"));
    println!("Whisper: http://{} (Ctrl-C stops it)", listen.as_deref().unwrap_or(LISTEN));
    Err(checkout.task(engine).args(["serve"]).args(serve).become_it())
}

/// `given`, and those of the flags (name, value in the environment, default) that neither it nor
/// the environment sets.
fn with_defaults(given: &[String], flags: &[(&str, Option<String>, String)]) -> Vec<String> {
    let mut args = given.to_vec();
    for (name, environment, default) in flags {
        if environment.is_none() && flag(given, name).is_none() {
            args.extend([(*name).to_owned(), default.clone()]);
        }
    }
    args
}

/// The value of a flag, written `--name value` or `--name=value`.
fn flag(args: &[String], name: &str) -> Option<String> {
    let at = args.iter().position(|arg| arg.split('=').next() == Some(name))?;
    match args[at].split_once('=') {
        Some((_, value)) => Some(value.to_owned()),
        None => args.get(at + 1).cloned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn defaults_give_way_to_flags_and_environment() {
        let flags = [
            ("--listen", None, "127.0.0.1:8080".to_owned()),
            ("--data-dir", Some("/srv".to_owned()), "data".to_owned()),
        ];
        assert_eq!(with_defaults(&[], &flags), words("--listen 127.0.0.1:8080"));
        for given in ["--reactors 2 --listen [::1]:9", "--listen=[::1]:9"] {
            assert_eq!(with_defaults(&words(given), &flags), words(given));
            assert_eq!(flag(&words(given), "--listen").as_deref(), Some("[::1]:9"));
        }
    }
}
