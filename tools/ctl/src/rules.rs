//! `whisperctl rules`: what moderation rules see, before they are rolled out.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};
use thiserror::Error;
use whisper_core::moderation::{Evidence, Explanation, Moderator, Rules, RulesError, Scope};

use crate::print::{self, Form};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Read a rules file, and say where it is wrong.
    Check {
        /// The file.
        file: PathBuf,
        #[command(flatten)]
        form: Form,
    },
    /// Say what the rules see in a text, and why.
    Explain {
        /// The text.
        text: String,
        #[command(flatten)]
        asked: Asked,
        #[command(flatten)]
        form: Form,
    },
    /// Judge every line of a file by itself, and show those with a fault.
    DryRun {
        /// The file; `-` for standard input.
        file: PathBuf,
        /// The numbers only.
        #[arg(long)]
        quiet: bool,
        #[command(flatten)]
        asked: Asked,
        #[command(flatten)]
        form: Form,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Asked {
    /// A rules file; those that come with the engine where there is none.
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// Whose rules count.
    #[arg(long, value_enum, default_value_t = LaneKind::Adult)]
    lane: LaneKind,
}

/// Lanes, as far as rules tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LaneKind {
    /// Moderated, for adults.
    Adult,
    /// Moderated, for teens.
    Teen,
    /// Unmoderated.
    Unmoderated,
}

#[derive(Debug, Error)]
pub(crate) enum Failure {
    #[error("can't read {path}: {error}")]
    Unreadable { path: PathBuf, error: io::Error },
    #[error("{path}: {error}")]
    Bad { path: PathBuf, error: RulesError },
}

/// Does it, and says whether nothing was found at fault.
pub(crate) fn run(command: &Command) -> Result<bool, Failure> {
    let (out, clean) = match command {
        Command::Check { file, form } => {
            let (rules, terms) = read(file)?.len();
            let out = match form.json {
                true => format!("{}\n", json!({ "good": true, "rules": rules, "terms": terms })),
                false => format!("{}: good; {rules} rules, {terms} terms\n", file.display()),
            };
            (out, true)
        }
        Command::Explain { text, asked, form } => {
            let explanation = asked.rules()?.explain(asked.scope(), text);
            let clean = explanation.outcome.is_none();
            let out = match form.json {
                true => format!("{}\n", as_json(&explanation)),
                false => in_words(&explanation),
            };
            (out, clean)
        }
        Command::DryRun { file, quiet, asked, form } => {
            return dry_run(asked.rules()?, asked.scope(), file, (*quiet, *form));
        }
    };
    print::print(&out);
    Ok(clean)
}

impl Asked {
    fn rules(&self) -> Result<Arc<Rules>, Failure> {
        self.rules.as_deref().map_or_else(|| Ok(Rules::shipped()), read).map(Arc::new)
    }

    fn scope(&self) -> Scope {
        match self.lane {
            LaneKind::Adult => Scope::Adult,
            LaneKind::Teen => Scope::Teen,
            LaneKind::Unmoderated => Scope::Unmoderated,
        }
    }
}

fn read(path: &Path) -> Result<Rules, Failure> {
    let text = fs::read_to_string(path)
        .map_err(|error| Failure::Unreadable { path: path.to_owned(), error })?;
    Rules::parse(&text).map_err(|error| Failure::Bad { path: path.to_owned(), error })
}

fn as_json(explanation: &Explanation) -> Value {
    let hit = |hit: &Evidence| {
        let severity = hit.severity.map(|severity| severity.as_str());
        json!({ "rule": hit.rule, "severity": severity, "parts": hit.parts })
    };
    let outcome = explanation.outcome.as_ref().map(|(severity, rule, code)| {
        json!({ "severity": severity.as_str(), "rule": rule, "code": code })
    });
    json!({
        "readsAs": explanation.folded,
        "hits": explanation.evidence.iter().map(hit).collect::<Vec<_>>(),
        "toxicity": explanation.toxicity,
        "outcome": outcome,
    })
}

fn in_words(explanation: &Explanation) -> String {
    let mut out = format!("reads as   {}\n", explanation.folded);
    for hit in &explanation.evidence {
        let severity = hit.severity.map_or("signal", |severity| severity.as_str());
        let _ = write!(out, "hits       {} ({severity})", hit.rule);
        for part in &hit.parts {
            let _ = write!(out, " «{part}»");
        }
        out.push('\n');
    }
    let _ = writeln!(out, "toxicity   {:.4}", explanation.toxicity);
    match &explanation.outcome {
        None => out += "outcome    allowed\n",
        Some((severity, rule, code)) => {
            let severity = severity.as_str();
            let _ = writeln!(out, "outcome    {severity}, code {code}, by rule {rule}");
        }
    }
    out
}

fn dry_run(
    rules: Arc<Rules>,
    scope: Scope,
    path: &Path,
    (quiet, form): (bool, Form),
) -> Result<bool, Failure> {
    let unreadable = |error| Failure::Unreadable { path: path.to_owned(), error };
    let lines: Box<dyn io::BufRead> = if path == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        Box::new(BufReader::new(fs::File::open(path).map_err(unreadable)?))
    };
    let explained = Arc::clone(&rules);
    let mut moderator = Moderator::new(rules);
    let mut out = io::stdout().lock();
    let (mut count, mut at_fault) = (0_u64, 0_u64);
    for (number, line) in (1_u64..).zip(lines.lines()) {
        let line = line.map_err(unreadable)?;
        count += 1;
        let Some(finding) = moderator.find(scope, &line) else { continue };
        at_fault += 1;
        if quiet {
            continue;
        }
        let (severity, rule) = (finding.severity.as_str(), finding.rule);
        let evidence = explained.explain(scope, &line).evidence;
        let parts = evidence.iter().flat_map(|hit| &hit.parts).map(String::as_str);
        let parts = parts.collect::<Vec<_>>();
        let told = match form.json {
            true => writeln!(
                out,
                "{}",
                json!({ "line": number, "severity": severity, "rule": rule, "parts": parts, "text": line })
            ),
            false => {
                writeln!(out, "{number}\t{severity}\t{rule}\t{}\t{line}", parts.join(", "))
            }
        };
        if told.is_err() {
            return Ok(false);
        }
    }
    let share = at_fault as f64 / count.max(1) as f64 * 100.0;
    let _ = match form.json {
        true => writeln!(out, "{}", json!({ "lines": count, "atFault": at_fault })),
        false => writeln!(out, "{at_fault} of {count} lines ({share:.2} %) at fault"),
    };
    Ok(at_fault == 0)
}
