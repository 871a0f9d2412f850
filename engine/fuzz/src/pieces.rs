//! The pieces in which a stream arrives.

use crate::choices::Choices;

/// Lengths of pieces, one after another and then again from the first.
pub(crate) struct Pieces([usize; 4]);

impl Pieces {
    pub(crate) fn choose(choices: &mut Choices<'_>) -> Self {
        Self([(); 4].map(|()| 1 + choices.below(64)))
    }

    /// Cuts the stream up.
    pub(crate) fn of<'a>(&self, stream: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        let mut rest = stream;
        self.0.into_iter().cycle().map_while(move |len| {
            let (piece, behind) = rest.split_at(len.min(rest.len()));
            rest = behind;
            (!piece.is_empty()).then_some(piece)
        })
    }
}
