//! `bench/RESULTS.md`: one section for each command that measures.

use std::fs;

use crate::Result;
use crate::checkout::Checkout;

pub(crate) const PATH: &str = "bench/RESULTS.md";

const HEAD: &str = "# Results\n\n\
    Measured by `cargo xtask bench`, which writes this page. How, and what it means: \
    docs/performance.md.\n";

/// Writes a section anew; the others stay.
///
/// # Errors
/// The system's.
pub(crate) fn write(checkout: &Checkout, title: &str, body: &str) -> Result {
    write_to(checkout, PATH, title, body)
}

/// The same in another page, which is about more than figures.
///
/// # Errors
/// The system's.
pub(crate) fn write_to(checkout: &Checkout, page: &str, title: &str, body: &str) -> Result {
    let path = checkout.path(page);
    let before = fs::read_to_string(&path).unwrap_or_else(|_| HEAD.to_owned());
    fs::write(&path, with_section(&before, title, body))?;
    println!("\nWritten to {page}.");
    Ok(())
}

/// A page whose section of this title says something else; it comes last where it was not there.
fn with_section(page: &str, title: &str, body: &str) -> String {
    let mut sections: Vec<_> = page.split("\n## ").map(|it| it.trim_end().to_owned()).collect();
    let section = format!("{title}\n\n{}", body.trim_end());
    let is_it = |it: &&mut String| it.lines().next() == Some(title);
    match sections.iter_mut().skip(1).find(is_it) {
        Some(old) => *old = section,
        None => sections.push(section),
    }
    sections.join("\n\n## ") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_is_replaced_and_the_others_stay() {
        let page = with_section("# A\n\nHead.\n", "B", "b\n");
        let page = with_section(&page, "C", "c");
        assert_eq!(page, "# A\n\nHead.\n\n## B\n\nb\n\n## C\n\nc\n");
        assert_eq!(with_section(&page, "B", "d"), "# A\n\nHead.\n\n## B\n\nd\n\n## C\n\nc\n");
        assert_eq!(with_section(&page, "C", "c"), page);
    }
}
