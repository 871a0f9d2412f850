//! `whisperctl`: the operator's command line, over the engine's admin listener; and, where no engine
//! is needed, by itself.

mod admin;
mod openmetrics;
mod rules;

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use self::admin::{Admin, AdminError};
use self::openmetrics::Samples;

/// Look after a running Whisper engine.
#[derive(Debug, Parser)]
#[command(name = "whisperctl", version, about, max_term_width = 100)]
struct Cli {
    /// The engine's admin listener, as given to `whisper serve --admin`.
    #[arg(long, value_name = "ADDR", env = "WHISPER_ADMIN", default_value = "127.0.0.1:9090")]
    admin: SocketAddr,
    /// What to do.
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Say how the engine is: alive, ready, and the numbers of each reactor.
    ///
    /// Exit status: 0 alive and ready, 1 not so, 2 not reached.
    Status {
        /// One JSON object instead of a table.
        #[arg(long)]
        json: bool,
    },
    /// Try moderation rules, here and now; no engine is asked.
    ///
    /// Exit status: 0 good, or nothing at fault; 1 something at fault; 2 rules or file not read.
    #[command(subcommand)]
    Rules(rules::Command),
}

fn main() -> ExitCode {
    let Cli { admin, command } = Cli::parse();
    let done = match command {
        Command::Status { json } => {
            status(&Admin::new(admin), json).map_err(|error| error.to_string())
        }
        Command::Rules(command) => rules::run(&command).map_err(|error| error.to_string()),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            let _ = writeln!(io::stderr(), "whisperctl: {error}");
            ExitCode::from(2)
        }
    }
}

/// The columns of the table: heading, and family of metrics.
const COLUMNS: [(&str, &str); 6] = [
    ("online", "whisper_people_online"),
    ("queued", "whisper_people_queued"),
    ("chats", "whisper_chats"),
    ("sockets", "whisper_sockets_open"),
    ("messages in", "whisper_messages_in_total"),
    ("messages out", "whisper_messages_out_total"),
];

fn status(admin: &Admin, json: bool) -> Result<bool, AdminError> {
    let (health, ready) = (admin.get("/health")?, admin.get("/ready")?);
    let samples = Samples::parse(&admin.get_ok("/metrics")?);
    let reactors = samples.reactors();
    let row = |reactor: &str| COLUMNS.map(|(_, family)| samples.value(family, reactor));
    let mut out = String::new();
    if json {
        let rows = reactors.iter().map(|reactor| {
            let row = COLUMNS.iter().zip(row(reactor));
            row.map(|(&(name, _), value)| (name.replace(' ', "_"), value.into()))
                .collect::<serde_json::Map<_, _>>()
        });
        let rows: Vec<_> = rows.collect();
        let status = serde_json::json!({
            "healthy": health.ok, "ready": ready.ok, "reactors": rows,
        });
        out += &format!("{status}\n");
    } else {
        out += &format!("health   {}\nready    {}\n\n", health.body.trim(), ready.body.trim());
        out += "reactor";
        COLUMNS.iter().for_each(|(name, _)| out += &format!("{name:>14}"));
        out.push('\n');
        for reactor in reactors {
            out += &format!("{reactor:>7}");
            row(&reactor).iter().for_each(|value| out += &format!("{value:>14}"));
            out.push('\n');
        }
    }
    // A reader that has gone away has read enough.
    let _ = io::stdout().write_all(out.as_bytes());
    Ok(health.ok && ready.ok)
}
