//! Where each value came from.

use std::fmt::{self, Write as _};
use std::path::PathBuf;

use clap::ArgMatches;
use clap::parser::ValueSource;
use serde::Serialize;

/// Picks each value from the strongest source that has it, and keeps account.
pub(super) struct Ledger<'a> {
    matches: &'a ArgMatches,
    file: Option<PathBuf>,
    lines: Vec<Line>,
}

/// The settings in use, with their origins: prints as TOML.
#[derive(Clone, Debug)]
pub(crate) struct Explained {
    lines: Vec<Line>,
    origins: bool,
}

/// A setting, and its value.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) key: &'static str,
    /// As TOML; none where it is not set.
    pub(super) value: Option<String>,
    /// Unless it is set, it follows from the machine or from other settings.
    pub(super) follows: bool,
    /// What tells a secret from another.
    hash: Option<blake3::Hash>,
    origin: String,
}

impl Line {
    fn new(key: &'static str, value: Option<String>, origin: String) -> Self {
        Self { key, value, follows: false, hash: None, origin }
    }
}

impl<'a> Ledger<'a> {
    pub(super) fn new(matches: &'a ArgMatches, file: Option<PathBuf>) -> Self {
        Self { matches, file, lines: Vec::new() }
    }

    pub(super) fn pick<T: Serialize>(
        &mut self,
        key: &'static str,
        typed: Option<T>,
        file: Option<T>,
        default: T,
    ) -> T {
        let origin = self.origin(key, typed.is_some(), file.is_some());
        let value = typed.or(file).unwrap_or(default);
        self.lines.push(Line::new(key, Some(to_toml(&value)), origin));
        value
    }

    /// A setting whose default follows from the machine, or from other settings.
    pub(super) fn pick_following<T: Serialize>(
        &mut self,
        key: &'static str,
        typed: Option<T>,
        file: Option<T>,
        default: T,
    ) -> T {
        let value = self.pick(key, typed, file, default);
        self.lines.iter_mut().rev().take(1).for_each(|line| line.follows = true);
        value
    }

    /// A setting without a default.
    pub(super) fn pick_some<T: Serialize>(
        &mut self,
        key: &'static str,
        typed: Option<T>,
        file: Option<T>,
    ) -> Option<T> {
        let origin = self.origin(key, typed.is_some(), file.is_some());
        let value = typed.or(file);
        self.lines.push(Line::new(key, value.as_ref().map(to_toml), origin));
        value
    }

    /// A setting without a default that is nobody's to read: it is told that there is one.
    pub(super) fn pick_secret(
        &mut self,
        (key, flag): (&'static str, &str),
        typed: Option<String>,
        file: Option<String>,
    ) -> Option<String> {
        let origin = self.origin(flag, typed.is_some(), file.is_some());
        let value = typed.or(file);
        let shown = value.as_ref().map(|_| to_toml(&"(not shown)"));
        let hash = value.as_ref().map(|value| blake3::hash(value.as_bytes()));
        self.lines.push(Line { hash, ..Line::new(key, shown, origin) });
        value
    }

    /// A setting that has no flag.
    pub(super) fn file_only<T: Serialize>(
        &mut self,
        key: &'static str,
        file: Option<T>,
        default: T,
    ) -> T {
        self.pick(key, None, file, default)
    }

    pub(super) fn explained(self) -> Explained {
        Explained { lines: self.lines, origins: false }
    }

    fn origin(&self, key: &str, typed: bool, file: bool) -> String {
        if typed {
            // A setting of a table has its flag and variable by both names.
            let id = key.replace('.', "_");
            return match self.matches.value_source(&id) {
                Some(ValueSource::EnvVariable) => format!("WHISPER_{}", id.to_uppercase()),
                _ => format!("--{}", id.replace('_', "-")),
            };
        }
        match &self.file {
            Some(path) if file => path.display().to_string(),
            _ => "default".into(),
        }
    }
}

impl Explained {
    /// All settings, in the order in which they were picked.
    pub(super) fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// The settings that differ.
    pub(crate) fn changes(&self, to: &Self) -> Vec<&'static str> {
        let differs = |(before, after): &(&Line, &Line)| {
            (&before.value, before.hash) != (&after.value, after.hash)
        };
        // Every configuration has all settings, in one order.
        let pairs = self.lines.iter().zip(&to.lines).filter(differs);
        pairs.map(|(line, _)| line.key).collect()
    }

    /// Takes those of the settings over that are in force from here on.
    pub(crate) fn adopt(&mut self, from: &Self, keys: &[&str]) {
        for (line, new) in self.lines.iter_mut().zip(&from.lines) {
            if keys.contains(&line.key) {
                *line = new.clone();
            }
        }
    }

    /// The same, with an origin at each value.
    pub(crate) fn with_origins(self, origins: bool) -> Self {
        Self { origins, ..self }
    }
}

impl fmt::Display for Explained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let split = |line: &Line| line.key.split_once('.').unwrap_or(("", line.key));
        let mut lines: Vec<&Line> = self.lines.iter().collect();
        lines.sort_by_key(|line| split(line).0);
        let mut table = "";
        for line in lines {
            let (of, key) = split(line);
            if of != table {
                writeln!(f, "\n[{of}]")?;
                table = of;
            }
            let mut text = match &line.value {
                Some(value) => format!("{key} = {value}"),
                None => format!("# {key} is not set"),
            };
            if self.origins {
                write!(text, "  # {}", line.origin)?;
            }
            writeln!(f, "{text}")?;
        }
        Ok(())
    }
}

fn to_toml<T: Serialize>(value: &T) -> String {
    let value = toml::Value::try_from(value).expect("settings are plain values");
    value.to_string()
}
