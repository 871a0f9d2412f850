//! House style, where a machine can see it.

use crate::walls::File;
use crate::walls::paths;

/// A longer file does more than one thing.
const LINES_MAX: usize = 600;

/// Longer files, and why. A row that is no longer needed must go: the ratchet turns one way.
const LONG: &[(&str, &str)] = &[];

/// What a language's sources are called.
const SOURCES: &[&str] = &[".rs", ".ts", ".svelte", ".js", ".mjs"];

/// Names that say nothing about what is inside.
const VAGUE: &[&str] =
    &["common", "helper", "helpers", "manager", "managers", "misc", "util", "utils"];

/// Checks every file.
pub(super) fn check(files: &[File]) -> Vec<String> {
    let mut findings: Vec<_> = files.iter().flat_map(check_file).collect();
    findings.extend(forgotten(files));
    findings.extend(LONG.iter().filter_map(|(path, _)| {
        let still = files.iter().any(|file| file.path == *path && is_long(file));
        let row = "is listed as long and isn't; drop its row in tools/xtask/src/walls/tidy.rs";
        (!still).then(|| format!("{path}: {row}"))
    }));
    findings
}

fn check_file(file: &File) -> Vec<String> {
    let mut findings = Vec::new();
    let path = &file.path;
    if !file.content.is_empty() && !file.content.ends_with('\n') {
        findings.push(format!("{path}: doesn't end with a line break; add one"));
    }
    if !SOURCES.iter().any(|source| path.ends_with(source)) {
        return findings;
    }
    if is_long(file) && !LONG.iter().any(|(long, _)| long == path) {
        findings.push(format!(
            "{path}: {} lines, and {LINES_MAX} is the most; split it by what it does",
            file.content.lines().count()
        ));
    }
    let vague = path.split(['/', '.']).find(|part| VAGUE.contains(part));
    if let Some(part) = vague {
        findings.push(format!("{path}: «{part}» says nothing; name it for what it does"));
    }
    let remarks = file.rust.as_ref().map_or(&file.content, |text| &text.comments);
    for (line, remark) in (1..).zip(remarks.lines()) {
        if let Some(word) = ["FIXME", "TODO", "XXX"].iter().find(|word| remark.contains(**word)) {
            findings.push(format!("{path}:{line}: {word}; do it now, or open an issue"));
        }
    }
    findings.extend(unfinished(file));
    findings
}

/// Stubs, and tests that don't run.
fn unfinished(file: &File) -> Vec<String> {
    let Some(text) = &file.rust else { return Vec::new() };
    let mut findings = Vec::new();
    for (line, code) in (1..).zip(text.code.lines()) {
        let place = format!("{}:{line}", file.path);
        for stub in ["todo!", "unimplemented!"] {
            if code.contains(stub) {
                findings.push(format!("{place}: {stub}; write it, or leave the item out"));
            }
        }
        if code.contains("#[ignore") {
            findings.push(format!("{place}: an ignored test; make it run, or delete it"));
        }
    }
    findings
}

/// Rust files under some `src/` that no `mod` line brings in: the compiler never sees them.
fn forgotten(files: &[File]) -> Vec<String> {
    let mut findings = Vec::new();
    for file in files {
        let Some((krate, inside)) = file.path.split_once("src/") else { continue };
        let is_root = ["main", "lib"].contains(&file.stem()) || inside.starts_with("bin/");
        let name = match (file.stem(), inside.rsplit('/').nth(1)) {
            ("mod", Some(folder)) => folder,
            (stem, _) => stem,
        };
        let declares = |other: &File| {
            let code = other.rust.as_ref().map_or("", |text| &text.code);
            other.path.starts_with(krate) && paths::declares_module(code, name)
        };
        let is_program = |other: &File| {
            other.path == format!("{krate}Cargo.toml") && other.content.contains(inside)
        };
        let brought_in = || files.iter().any(|other| declares(other) || is_program(other));
        if file.rust.is_some() && !is_root && !brought_in() {
            findings.push(format!(
                "{}: no `mod {name}` brings it in; add one, or delete it",
                file.path
            ));
        }
    }
    findings
}

fn is_long(file: &File) -> bool {
    file.content.lines().count() > LINES_MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, content: &str) -> File {
        File::new(path.to_owned(), content.to_owned())
    }

    #[test]
    fn finds_what_is_untidy() {
        let long = "// a line\n".repeat(LINES_MAX + 1);
        for (path, content) in [
            ("a/README.md", "no line break"),
            ("a/tests/long.rs", &long),
            ("frontend/src/lib/utils.ts", "export {};\n"),
            ("a/tests/common/mod.rs", "\n"),
            ("a/tests/b.rs", "fn f() { todo!() }\n"),
            ("a/tests/b.rs", "#[ignore = \"slow\"]\nfn f() {}\n"),
            ("frontend/src/a.svelte", "<!-- FIXME: later -->\n"),
            ("a/src/orphan.rs", "fn f() {}\n"),
        ] {
            assert_eq!(check(&[file(path, content)]).len(), 1, "{path}: {content:.20}");
        }
    }

    #[test]
    fn leaves_the_tidy_alone() {
        let files = [
            file("a/src/lib.rs", "mod child;\npub mod other;\n"),
            file("a/src/child.rs", "//! Says \"todo!\" in a comment, which is no stub.\n"),
            file("a/src/other/mod.rs", "const A: &str = \"FIXME\";\n"),
            file("a/src/bin/tool.rs", "fn main() {}\n"),
            file("b/src/floor.rs", "fn main() {}\n"),
            file("b/Cargo.toml", "[[bin]]\npath = \"src/floor.rs\"\n"),
            file("empty", ""),
        ];
        assert_eq!(check(&files), Vec::<String>::new());
    }
}
