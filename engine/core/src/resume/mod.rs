//! How a chat survives a lost connection: tokens that name a session to a later connection of the
//! same person, and what is kept of a chat until the person is known to have it.
//!
//! Nothing that a person may have missed is lost in silence. What is kept is bounded, and of what is
//! forgotten to stay within it, the number is remembered: who comes back and has not got that far
//! doesn't get the chat back, and both sides are told that it is over.

mod kept;
mod shelf;
mod token;

pub use kept::{Kept, Partner, Repeat};
#[cfg(feature = "faults")]
pub use shelf::Lapse;
pub use shelf::Shelf;
pub use token::{Claim, Mint, TOKEN_BYTES, Token};
