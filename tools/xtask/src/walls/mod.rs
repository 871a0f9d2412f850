//! The walls of the house, and its style: who may know whom, what the pure rooms lack, where
//! `unsafe` lives, how long a file gets.
//!
//! Crates are the real walls. This module checks that nobody tears one down unnoticed; the test
//! below makes plain `cargo test` do so too.

mod edges;
mod paths;
mod sources;
mod text;
mod tidy;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::Result;
use crate::checkout::Checkout;
use crate::steps::Outcome;
use crate::walls::text::Text;

/// The crates that must build where there is no operating system.
pub(crate) const PURE: &[&str] = &["whisper-proto", "whisper-core", "whisper-cluster"];

/// Checks everything, prints what is wrong, and what to do.
pub(crate) fn check(checkout: &Checkout) -> Outcome {
    let findings = match find(checkout) {
        Ok(findings) => findings,
        Err(error) => return Err(error).into(),
    };
    for finding in &findings {
        println!("{finding}");
    }
    match findings.len() {
        0 => Outcome::passed(""),
        n => Outcome::failed(format!("{n} findings")),
    }
}

fn find(checkout: &Checkout) -> Result<Vec<String>> {
    let files = read_all(checkout)?;
    let mut findings = edges::check(checkout)?;
    findings.extend(sources::check(&files));
    findings.extend(tidy::check(&files));
    Ok(findings)
}

/// What tools make, wherever it lies.
const MADE_ANYWHERE: &[&str] = &[".git", ".svelte-kit", "dist", "node_modules", "target"];

/// What commands make and people keep, in its one place.
const MADE_HERE: &[&str] = &[
    ".env",
    ".services",
    "bench/out",
    "data",
    "engine/fuzz/libfuzzer/artifacts",
    "engine/fuzz/libfuzzer/corpus",
    "frontend/build",
    "frontend/e2e/shots",
];

/// A file of the project.
struct File {
    /// Relative to the root, with `/`.
    path: String,
    content: String,
    /// Code and comments apart, for a Rust file.
    rust: Option<Text>,
}

impl File {
    fn new(path: String, content: String) -> Self {
        let rust = path.ends_with(".rs").then(|| Text::of(&content));
        Self { path, content, rust }
    }

    /// The name without folders and extension.
    fn stem(&self) -> &str {
        let name = self.path.rsplit('/').next().unwrap_or(&self.path);
        name.split('.').next().unwrap_or(name)
    }
}

/// Every file of the checkout that is text, but for what tools make and keep.
fn read_all(checkout: &Checkout) -> Result<Vec<File>> {
    let mut paths = Vec::new();
    walk(checkout, &checkout.path(""), &mut paths)?;
    paths.sort();
    let mut files = Vec::new();
    for path in paths {
        if let Ok(content) = String::from_utf8(fs::read(&path)?) {
            files.push(File::new(checkout.shown(&path), content));
        }
    }
    Ok(files)
}

fn walk(checkout: &Checkout, folder: &Path, paths: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if MADE_ANYWHERE.iter().any(|made| entry.file_name() == *made)
            || MADE_HERE.contains(&&*checkout.shown(&path))
        {
            continue;
        }
        let kind = entry.file_type()?;
        if kind.is_dir() {
            walk(checkout, &path, paths)?;
        } else if kind.is_file() {
            paths.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_house_keeps_its_walls() {
        let checkout = Checkout::find().expect("we run in a checkout");
        let findings = find(&checkout).expect("its sources can be read");
        assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
    }
}
