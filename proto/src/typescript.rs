//! The types of the protocol as TypeScript has them, for clients in browsers.
//!
//! [`wire`] is a whole file; the feature is for making it, and off otherwise.

use std::fmt::{Display, Write as _};

use ts_rs::{Config, TS};

use crate::{
    AgeCategory, Banned, ClientMessage, Connected, ErrorCode, ErrorMessage, Evidence, Hello,
    IceServer, Join, Lane, LanguageWish, Matched, Mode, ModerationWarning, QueueType, Reconnect,
    Relax, Report, ReportReason, Said, Say, Searching, ServerMessage, SessionLimits, Severity,
    Signal, SignalKind, Skip, Stats, Tier, limits,
};

/// Bytes, as JavaScript has them.
#[derive(TS)]
#[ts(rename = "Uint8Array", type = "Uint8Array")]
pub struct Bytes;

/// A map that is carried as it came: encoded here, a value in a client.
#[derive(TS)]
#[ts(type = "Record<string, unknown>")]
pub struct AnyMap;

/// Of `matched`: what is known of the partner. In Rust the lists stand in
/// [`Matched`](crate::Matched) itself.
#[derive(TS)]
#[ts(rename_all = "camelCase")]
pub struct PartnerInfo {
    /// The partner's interests, normalised.
    #[ts(type = "ReadonlyArray<string>")]
    pub interests: (),
    /// Those the two share.
    #[ts(type = "ReadonlyArray<string>")]
    pub shared_interests: (),
}

/// Every type of the protocol and the bounds that clients keep, as one TypeScript module.
pub fn wire() -> String {
    let mut file = format!("{HEAD}\n");
    constants(&mut file);
    declare::<AnyMap>(&mut file);
    declare::<AgeCategory>(&mut file);
    declare::<Mode>(&mut file);
    declare::<QueueType>(&mut file);
    declare::<Relax>(&mut file);
    declare::<LanguageWish>(&mut file);
    declare::<Tier>(&mut file);
    declare::<SignalKind>(&mut file);
    declare::<ReportReason>(&mut file);
    declare::<Severity>(&mut file);
    declare::<ErrorCode>(&mut file);
    declare::<Lane>(&mut file);
    declare::<Signal<'_>>(&mut file);
    declare::<ClientMessage<'_>>(&mut file);
    declare::<Hello<'_>>(&mut file);
    declare::<Join<'_>>(&mut file);
    declare::<Say<'_>>(&mut file);
    declare::<Skip<'_>>(&mut file);
    declare::<Report<'_>>(&mut file);
    declare::<Evidence<'_>>(&mut file);
    declare::<ServerMessage<'_>>(&mut file);
    declare::<Connected<'_>>(&mut file);
    declare::<SessionLimits>(&mut file);
    declare::<IceServer<'_>>(&mut file);
    declare::<Searching>(&mut file);
    declare::<Matched<'_>>(&mut file);
    declare::<PartnerInfo>(&mut file);
    declare::<Said<'_>>(&mut file);
    declare::<ModerationWarning<'_>>(&mut file);
    declare::<Stats>(&mut file);
    declare::<Banned<'_>>(&mut file);
    declare::<Reconnect<'_>>(&mut file);
    declare::<ErrorMessage<'_>>(&mut file);
    file
}

const HEAD: &str = "\
/**
 * The messages of the wire protocol, made from the Rust types by `cargo xtask types`. Do not edit.
 *
 * @module
 */
";

/// The words of an enum, and the bounds, for those who check what arrives.
fn constants(file: &mut String) {
    for (name, value) in [
        ("MESSAGE_BYTES", limits::MESSAGE_BYTES),
        ("CONTENT_CHARS", limits::CONTENT_CHARS),
        ("COMMENT_CHARS", limits::COMMENT_CHARS),
        ("INTERESTS", limits::INTERESTS),
        ("INTEREST_CHARS", limits::INTEREST_CHARS),
        ("EVIDENCE", limits::EVIDENCE),
    ] {
        let _ = writeln!(file, "export const {name} = {value};");
    }
    file.push('\n');
    words(file, "AGE_CATEGORIES", AgeCategory::ALL);
    words(file, "MODES", Mode::ALL);
    words(file, "QUEUE_TYPES", QueueType::ALL);
    words(file, "TIERS", Tier::ALL);
    words(file, "SEVERITIES", Severity::ALL);
}

fn words<W: Copy + Display>(file: &mut String, name: &str, all: &[W]) {
    let all: Vec<_> = all.iter().map(|word| format!("'{word}'")).collect();
    let _ = writeln!(file, "export const {name} = [{}] as const;", all.join(", "));
}

fn declare<T: TS>(file: &mut String) {
    // JavaScript's numbers hold every time and count that there will be.
    let config = Config::new().with_large_int("number");
    let docs = T::docs().map(|docs| docs.trim_end().to_owned() + "\n").unwrap_or_default();
    let declaration = format!("\n{docs}export {}\n", T::decl(&config));
    file.push_str(&on_one_line(&without_links(&declaration)));
}

/// A remark of one line takes one.
fn on_one_line(docs: &str) -> String {
    let mut short = String::with_capacity(docs.len());
    let mut lines = docs.lines().peekable();
    while let Some(line) = lines.next() {
        let Some(only) = lines.next_if(|_| line == "/**") else {
            let _ = writeln!(short, "{line}");
            continue;
        };
        let _ = match lines.next_if_eq(&" */") {
            Some(end) => writeln!(short, "/**{}{end}", only.trim_start_matches(" *")),
            None => writeln!(short, "{line}\n{only}"),
        };
    }
    short
}

/// Names of Rust items stay names; where they lead is of no use elsewhere.
fn without_links(docs: &str) -> String {
    let mut plain = String::with_capacity(docs.len());
    let mut rest = docs;
    while let Some((before, link)) = rest.split_once("[`") {
        let Some((name, after)) = link.split_once("`]") else { break };
        let target = after.strip_prefix('(').and_then(|target| target.split_once(')'));
        let _ = write!(plain, "{before}`{name}`");
        rest = target.map_or(after, |(_, after)| after);
    }
    plain + rest
}
