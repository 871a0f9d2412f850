//! Counting tests from what the test runners print.

use std::ops::AddAssign;

/// How many tests passed and failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
}

impl Tally {
    /// What one line of output adds. Knows `cargo test`, vitest and `node --test`.
    pub(crate) fn of_line(line: &str) -> Self {
        let plain = without_colours(line);
        let words: Vec<&str> = plain.split_whitespace().collect();
        match words.as_slice() {
            // test result: ok. 3 passed; 0 failed; 0 ignored; …
            ["test", "result:", rest @ ..] => counts(rest),
            // Tests  1 failed | 33 passed (34)
            ["Tests", rest @ ..] => counts(rest),
            // «# pass 3», or «ℹ pass 3» on a terminal
            ["#" | "ℹ", "pass", n] => Self { passed: n.parse().unwrap_or(0), failed: 0 },
            ["#" | "ℹ", "fail" | "cancelled", n] => {
                Self { passed: 0, failed: n.parse().unwrap_or(0) }
            }
            _ => Self::default(),
        }
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

/// «3 passed; 0 failed;»: every number followed by one of the two words.
fn counts(words: &[&str]) -> Tally {
    let mut tally = Tally::default();
    for pair in words.windows(2) {
        let Ok(n) = pair[0].parse::<usize>() else { continue };
        match pair[1].trim_end_matches(';') {
            "passed" => tally.passed += n,
            "failed" => tally.failed += n,
            _ => {}
        }
    }
    tally
}

/// Drops the escape sequences that colour a terminal: ESC [ … letter.
fn without_colours(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' {
            chars.by_ref().find(char::is_ascii_alphabetic);
        } else {
            plain.push(c);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(passed: usize, failed: usize) -> Tally {
        Tally { passed, failed }
    }

    #[test]
    fn counts_what_each_runner_prints() {
        let cargo = "test result: FAILED. 12 passed; 3 failed; 0 ignored; 0 measured; 7 filtered out; finished in 0.01s\n";
        assert_eq!(Tally::of_line(cargo), tally(12, 3));
        let vitest = "\u{1b}[2m      Tests \u{1b}[22m \u{1b}[1m\u{1b}[31m1 failed\u{1b}[39m\u{1b}[22m | \u{1b}[32m33 passed\u{1b}[39m (34)\n";
        assert_eq!(Tally::of_line(vitest), tally(33, 1));
        assert_eq!(Tally::of_line("      Tests  34 passed (34)"), tally(34, 0));
        assert_eq!(Tally::of_line("# pass 3\n"), tally(3, 0));
        assert_eq!(Tally::of_line("ℹ fail 2\n"), tally(0, 2));
    }

    #[test]
    fn other_lines_count_nothing() {
        for line in ["", " Test Files  2 passed (2)", "# tests 3", "test a::b ... ok", "1 passed"] {
            assert_eq!(Tally::of_line(line), tally(0, 0), "{line}");
        }
    }
}
