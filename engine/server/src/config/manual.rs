//! What every setting means: as a file of defaults, and as a page. What is said of a setting stands
//! once, with its flag, or else with its key in the file.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use clap::{Arg, ArgMatches};

use super::file::{self, Key};
use super::origin::Line;
use super::{Config, ConfigError, is_reloaded};
use crate::cli::{self, Settings};

/// Characters of a line of comment.
const WIDTH: usize = 96;

/// A table of the file, and its settings.
struct Chapter {
    name: &'static str,
    about: &'static str,
    settings: Vec<Setting>,
}

/// One setting, with all that is to be said of it.
struct Setting {
    /// Within its table.
    name: &'static str,
    /// With it.
    key: String,
    about: String,
    kind: String,
    /// As TOML; None where it is not set, or follows from something else.
    default: Option<String>,
    /// The flag and the variable of the environment, where there are any.
    flag: Option<(String, String)>,
    /// What stands for a value.
    sample: String,
}

/// A file with every setting at its default. As a configuration it means nothing but that.
///
/// # Errors
/// Never, for the defaults are good.
pub(crate) fn annotated(matches: &ArgMatches) -> Result<String, ConfigError> {
    let mut out = String::from(
        "# Every setting of `whisper serve`, at its default. Flags go before variables of the\n\
         # environment, those before this file; `whisper config show --origins` says what is used.\n\
         # What is marked (reload) takes effect on SIGHUP, the rest at the next start.\n",
    );
    for Chapter { name, about, settings } in chapters(matches)? {
        if !name.is_empty() {
            let _ = write!(out, "\n\n{}[{name}]\n", comment(about));
        }
        for setting in settings {
            let mut about = setting.about.clone();
            if let Some((flag, variable)) = &setting.flag {
                let _ = write!(about, "\n{flag}, {variable}");
            }
            if is_reloaded(&setting.key) {
                about += " (reload)";
            }
            let _ = write!(out, "\n{}", comment(&about));
            let _ = match setting.default {
                Some(value) => writeln!(out, "{} = {value}", setting.name),
                None => writeln!(out, "# {} = {}", setting.name, setting.sample),
            };
        }
    }
    Ok(out)
}

/// The same as a page in Markdown.
///
/// # Errors
/// Never, for the defaults are good.
pub(crate) fn reference(matches: &ArgMatches) -> Result<String, ConfigError> {
    let mut out = String::from(
        "# Configuration\n\n\
         This page is made from the engine's own types: `whisper config reference`. \
         `whisper config default` prints a file with every setting at its default to begin with.\n\n\
         A setting is a flag of `whisper serve`, a variable of the environment, or a key of the TOML \
         file that `--config` names; the first of these that has it decides. Unknown keys are errors, \
         told with line and column. `whisper config check` says whether a configuration is good, \
         `whisper config show --origins` what is used and from where.\n\n\
         On SIGHUP the file is read again. What is marked **reload** takes effect then, what else has \
         changed at the next start; one line of the log says which is which. Certificates and \
         rules are read again too, whether or not their paths have changed. With a mistake in any of \
         them nothing is taken, and everything stays as it was.\n",
    );
    for Chapter { name, about, settings } in chapters(matches)? {
        if !name.is_empty() {
            let _ = write!(out, "\n## `[{name}]`\n\n{}\n", flow(about));
        }
        for setting in settings {
            let default = match &setting.default {
                Some(value) => format!("default `{value}`"),
                None => "no fixed default".into(),
            };
            let flag = setting.flag.as_ref();
            let flag = flag.map_or(String::new(), |(flag, env)| format!("; `{flag}`, `{env}`"));
            let reload = if is_reloaded(&setting.key) { "; **reload**" } else { "" };
            let _ = write!(
                out,
                "\n### `{}`\n\n{}; {default}{flag}{reload}\n\n{}\n",
                setting.key,
                setting.kind,
                flow(&setting.about),
            );
        }
    }
    Ok(out)
}

/// Every table, with its settings in the order of the file's types.
fn chapters(matches: &ArgMatches) -> Result<Vec<Chapter>, ConfigError> {
    let (_, explained) = Config::resolve(Settings::default(), matches)?;
    let lines: BTreeMap<_, _> = explained.lines().iter().map(|line| (line.key, line)).collect();
    let command = cli::command();
    let serve = command.find_subcommand("serve").into_iter();
    let flags: BTreeMap<_, _> =
        serve.flat_map(|it| it.get_arguments()).map(|arg| (arg.get_id().as_str(), arg)).collect();
    let chapter = |table: file::Table| {
        let setting = |key: Key| {
            let full = match table.name {
                "" => key.name.to_owned(),
                table => format!("{table}.{}", key.name),
            };
            let line = lines[full.as_str()];
            // The one setting of reports that has a flag is what that flag is called after.
            let id = if full == "reports.url" { "reports".into() } else { full.replace('.', "_") };
            setting(full, &key, line, flags.get(id.as_str()).copied())
        };
        let settings = table.keys.into_iter().map(setting).collect();
        Chapter { name: table.name, about: table.about, settings }
    };
    Ok(file::tables().into_iter().map(chapter).collect())
}

fn setting(full: String, key: &Key, line: &Line, flag: Option<&Arg>) -> Setting {
    let said = flag.and_then(|flag| flag.get_long_help().or(flag.get_help()));
    let mut about = said.map_or_else(|| key.about.to_owned(), ToString::to_string);
    let default = line.value.clone().filter(|_| !line.follows);
    // A default that stands beside it isn't told twice.
    if default.is_some()
        && let Some((before, _)) = about.split_once(" [default:")
    {
        about = format!("{before}.");
    }
    // As help it has none.
    if !about.trim_end().ends_with(['.', ']']) {
        about.push('.');
    }
    let (kind, is_text, is_list) = kind(key.kind);
    let name = flag.and_then(|it| it.get_value_names()?.first()).map_or("FILE", |it| it.as_str());
    let one = if is_text { format!("{name:?}") } else { name.to_owned() };
    let sample = if is_list { format!("[{one}]") } else { one };
    let flag = flag.and_then(|flag| {
        Some((format!("--{}", flag.get_long()?), flag.get_env()?.to_str()?.to_owned()))
    });
    Setting { name: key.name, key: full, about, kind, default, flag, sample }
}

/// A type in words, whether its values stand in quotes, and whether it is a list.
fn kind(of: &str) -> (String, bool, bool) {
    let bare: String = of.split_whitespace().collect();
    if let Some(one) = bare.strip_prefix("Vec<").and_then(|it| it.strip_suffix('>')) {
        let (one, is_text, _) = kind(one);
        return (format!("list, each: {one}"), is_text, true);
    }
    let (words, is_text) = match bare.as_str() {
        "SocketAddr" => ("address with port", true),
        "IpNet" => ("block of addresses", true),
        "PathBuf" => ("path", true),
        "ServerUrl" => ("URL", true),
        "ChallengeMode" => ("`\"off\"`, `\"auto\"` or `\"on\"`", true),
        "PerMinute" => ("rate", false),
        "bool" => ("`true` or `false`", false),
        "u16" | "u32" | "u64" => ("number", false),
        _ => ("text", true),
    };
    (words.to_owned(), is_text, false)
}

/// Comment lines, broken between words.
fn comment(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let mut width = 0;
        for word in line.split_whitespace() {
            if width == 0 || width + 1 + word.len() > WIDTH {
                out += if out.is_empty() || out.ends_with('\n') { "#" } else { "\n#" };
                width = 1;
            }
            out.push(' ');
            out += word;
            width += 1 + word.len();
        }
        if !out.is_empty() && !out.ends_with('\n') {
            out.push('\n');
        }
    }
    out
}

/// One paragraph on one line.
fn flow(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
