//! Several interests in one allocation.

use std::fmt;

/// Stands behind each name; a normal form has no control characters.
const END: char = '\n';

/// The interests of a person in their normal forms, in order. One allocation, none where there are
/// none: everybody who ever joined keeps theirs, and they travel between shards with each claim.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Names(Box<str>);

impl Names {
    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.split_terminator(END)
    }

    /// Whether this could be one of them.
    pub(crate) fn has_room_for(name: &str) -> bool {
        !name.is_empty() && !name.contains(END)
    }

    /// How many there are; counted anew each time.
    pub fn count(&self) -> usize {
        self.iter().count()
    }
}

impl<S: AsRef<str>> FromIterator<S> for Names {
    fn from_iter<I: IntoIterator<Item = S>>(names: I) -> Self {
        let mut all = String::new();
        for name in names {
            let name = name.as_ref();
            debug_assert!(Self::has_room_for(name), "a normal form");
            all.push_str(name);
            all.push(END);
        }
        Self(all.into())
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back_one_by_one() {
        for some in [&[][..], &["chess"], &["sci fi", "c++", "café"]] {
            let names: Names = some.iter().collect();
            assert_eq!(names.iter().collect::<Vec<_>>(), some);
            assert_eq!(names.count(), some.len());
        }
        assert_eq!(size_of_val(&*Names::default().0), 0);
    }
}
