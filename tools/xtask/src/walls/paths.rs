//! The paths that a piece of code names.

/// A path, as `std::net::IpAddr`, and the line it stands on, from 1.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) line: usize,
    pub(super) path: String,
}

/// Every path in code without comments and quotes. A tree, as in `use std::{fs, net::IpAddr}`,
/// is taken apart into its paths; a lone word is a path too.
pub(super) fn named(code: &str) -> Vec<Named> {
    let mut reader = Reader { tokens: tokens(code), at: 0, found: Vec::new() };
    while reader.at < reader.tokens.len() {
        if !reader.path("") {
            reader.at += 1;
        }
    }
    reader.found
}

/// Whether code brings in a module from a file of its own: `mod name;`.
pub(super) fn declares_module(code: &str, name: &str) -> bool {
    tokens(code)
        .windows(3)
        .any(|three| three[0].text == "mod" && three[1].text == name && three[2].text == ";")
}

struct Token<'a> {
    line: usize,
    text: &'a str,
}

impl Token<'_> {
    fn is_word(&self) -> bool {
        self.text.starts_with(|c: char| c.is_alphabetic() || c == '_')
    }
}

/// Words, `::`, and every other visible character by itself.
fn tokens(code: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    for (line, mut rest) in (1..).zip(code.lines()) {
        while let Some(c) = rest.chars().next() {
            let len = if c.is_alphanumeric() || c == '_' {
                rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())
            } else if rest.starts_with("::") {
                2
            } else {
                c.len_utf8()
            };
            if !c.is_whitespace() {
                tokens.push(Token { line, text: &rest[..len] });
            }
            rest = &rest[len..];
        }
    }
    tokens
}

struct Reader<'a> {
    tokens: Vec<Token<'a>>,
    at: usize,
    found: Vec<Named>,
}

impl Reader<'_> {
    /// Reads a path that begins here, under a prefix; says whether there was one.
    fn path(&mut self, prefix: &str) -> bool {
        let Some(first) = self.tokens.get(self.at).filter(|token| token.is_word()) else {
            return false;
        };
        let line = first.line;
        let mut path = join(prefix, first.text);
        self.at += 1;
        while self.is_at(0, "::") {
            match self.tokens.get(self.at + 1) {
                Some(token) if token.is_word() => path = join(&path, token.text),
                Some(token) if token.text == "{" => {
                    self.at += 2;
                    self.tree(&path);
                    return true;
                }
                // A glob, or the arguments of a generic: the path ends here.
                _ => break,
            }
            self.at += 2;
        }
        self.found.push(Named { line, path });
        true
    }

    /// Reads the rest of a tree, whose brace has been opened.
    fn tree(&mut self, prefix: &str) {
        while self.at < self.tokens.len() && !self.is_at(0, "}") {
            if self.is_at(0, "as") {
                self.at += 2;
            } else if !self.path(prefix) {
                self.at += 1;
            }
        }
        self.at += 1;
    }

    fn is_at(&self, ahead: usize, text: &str) -> bool {
        self.tokens.get(self.at + ahead).is_some_and(|token| token.text == text)
    }
}

fn join(prefix: &str, segment: &str) -> String {
    match (prefix, segment) {
        ("", _) => segment.to_owned(),
        (_, "self") => prefix.to_owned(),
        _ => format!("{prefix}::{segment}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(code: &str) -> Vec<String> {
        named(code).into_iter().map(|named| named.path).collect()
    }

    #[test]
    fn trees_are_taken_apart() {
        assert_eq!(
            paths("use std::{fmt, net::{self, IpAddr as Ip}, time::*};"),
            ["use", "std::fmt", "std::net", "std::net::IpAddr", "std::time"]
        );
    }

    #[test]
    fn paths_stand_anywhere_with_their_line() {
        let found = named("fn f() {\n    crate::rooms::at::<u8>(x.y)\n}\n");
        let path = Named { line: 2, path: "crate::rooms::at".to_owned() };
        assert!(found.contains(&path), "{found:?}");
        assert_eq!(paths("a { b } c::{"), ["a", "b"]);
    }
}
