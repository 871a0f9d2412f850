//! What may stand in a header that we write.

/// Text that is safe as the value of a header: visible ASCII and spaces. No line can be ended in
/// it, and so no header be slipped in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeaderValue<'a>(&'a str);

impl<'a> HeaderValue<'a> {
    /// The value, or None where it has any other character.
    pub const fn new(value: &'a str) -> Option<Self> {
        let bytes = value.as_bytes();
        let mut i = 0;
        while i < bytes.len() {
            if !matches!(bytes[i], b' '..=b'~') {
                return None;
            }
            i += 1;
        }
        Some(Self(value))
    }

    /// A value known at compile time: in a `const`, a bad one does not compile.
    ///
    /// # Panics
    /// Where [`HeaderValue::new`] gives None.
    pub const fn from_static(value: &'static str) -> HeaderValue<'static> {
        match HeaderValue::new(value) {
            Some(value) => value,
            None => panic!("a header value is visible ASCII"),
        }
    }

    /// The text.
    pub const fn as_str(self) -> &'a str {
        self.0
    }
}
