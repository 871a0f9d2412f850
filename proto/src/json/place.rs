//! Where in a message a value stands, as far as it matters to how it is spelled.

use crate::key;

/// What surrounds a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// `data` of a message whose fields the protocol knows.
    Data,
    /// The list of evidence in a report, and its entries.
    Evidence,
    /// A field that is bin in msgpack.
    Binary,
    /// Whatever is carried verbatim, or skipped.
    Elsewhere,
}

impl Place {
    /// What an entry of a map at this place is.
    pub(super) fn entry(self, key: &str) -> Self {
        match (self, key) {
            (Self::Data, key::RESUME | key::PROOF | key::TAG) => Self::Binary,
            (Self::Evidence, key::TAG) => Self::Binary,
            (Self::Data, key::EVIDENCE) => Self::Evidence,
            _ => Self::Elsewhere,
        }
    }

    /// What an element of an array at this place is.
    pub(super) fn element(self) -> Self {
        match self {
            Self::Evidence => Self::Evidence,
            _ => Self::Elsewhere,
        }
    }
}
