//! A Rust source taken apart into code and comments.

/// The same text twice. Each keeps every line break, and is blank where the other has its say;
/// what stands between quotes is blank in both.
pub(super) struct Text {
    pub(super) code: String,
    pub(super) comments: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Code,
    Comment,
    Quoted,
}

impl Text {
    pub(super) fn of(source: &str) -> Self {
        let mut text = Self { code: String::new(), comments: String::new() };
        let mut rest = source;
        while !rest.is_empty() {
            let (kind, len) = next(rest, text.code.chars().next_back());
            for c in rest[..len].chars() {
                let keep = |it| if kind == it || c == '\n' { c } else { ' ' };
                text.code.push(keep(Kind::Code));
                text.comments.push(keep(Kind::Comment));
            }
            rest = &rest[len..];
        }
        text
    }
}

/// What `rest`, which is not empty, begins with, and how many bytes that takes.
fn next(rest: &str, before: Option<char>) -> (Kind, usize) {
    let in_word = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
    if rest.starts_with("//") {
        return (Kind::Comment, rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return (Kind::Comment, block_comment(rest));
    }
    if rest.starts_with('"') {
        return (Kind::Quoted, string(rest));
    }
    if !in_word && let Some(len) = raw_string(rest) {
        return (Kind::Quoted, len);
    }
    if let Some(len) = character(rest) {
        return (Kind::Quoted, len);
    }
    (Kind::Code, rest.chars().next().map_or(1, char::len_utf8))
}

/// `/* … */`, which nests.
fn block_comment(rest: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        if rest.as_bytes()[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest.as_bytes()[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

/// `"…"`, with escapes.
fn string(rest: &str) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// `r"…"`, `br#"…"#` and the like.
fn raw_string(rest: &str) -> Option<usize> {
    let prefix = ["r", "br", "cr"].iter().find(|prefix| {
        rest.strip_prefix(**prefix).is_some_and(|rest| rest.starts_with(['"', '#']))
    })?;
    let body = &rest[prefix.len()..];
    let hashes = body.len() - body.trim_start_matches('#').len();
    let inside = body[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let start = rest.len() - inside.len();
    Some(inside.find(&end).map_or(rest.len(), |at| start + at + end.len()))
}

/// `'x'` or `'\…'`; a lifetime is neither.
fn character(rest: &str) -> Option<usize> {
    let inside = rest.strip_prefix('\'')?;
    let mut chars = inside.char_indices();
    let end = match chars.next()? {
        (_, '\\') => {
            chars.next()?;
            chars.find(|(_, c)| *c == '\'')?.0
        }
        (_, c) => inside[c.len_utf8()..].starts_with('\'').then(|| c.len_utf8())?,
    };
    Some(1 + end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_code_and_comments_apart_and_drops_quotes() {
        let text = Text::of("let a = \"b // c\"; // d\n/* e /* f */ g */ h\n");
        assert_eq!(text.code, "let a =         ;     \n                  h\n");
        assert_eq!(text.comments, "                  // d\n/* e /* f */ g */  \n");
    }

    #[test]
    fn tells_characters_from_lifetimes() {
        let text = Text::of(
            r##"fn f<'a>(x: &'a str) { ['"', '\'', '\u{41}', '/']; r#"un"safe"#; bar"q"; }"##,
        );
        assert!(text.code.contains("fn f<'a>(x: &'a str)"), "{}", text.code);
        assert!(!text.code.contains("safe"), "{}", text.code);
        assert!(text.code.ends_with("; bar   ; }"), "{}", text.code);
    }

    #[test]
    fn what_never_ends_ends_with_the_file() {
        for source in ["\"a", "r#\"a\"", "/* a", "'", "'\\", "// a"] {
            assert_eq!(Text::of(source).code.chars().count(), source.chars().count(), "{source}");
        }
    }
}
