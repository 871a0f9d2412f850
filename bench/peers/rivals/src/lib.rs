//! What the rivals' programs share.

use std::net::SocketAddr;

/// Where to listen: the program's one argument.
///
/// # Errors
/// What is wrong with it.
pub fn address() -> Result<SocketAddr, Box<dyn std::error::Error>> {
    let argument = std::env::args().nth(1).ok_or("the address to listen on is missing")?;
    Ok(argument.parse()?)
}

/// Pairs whatever it is given as it comes.
#[derive(Debug)]
pub struct Pairing<T> {
    waiting: Option<T>,
}

impl<T> Default for Pairing<T> {
    fn default() -> Self {
        Self { waiting: None }
    }
}

impl<T> Pairing<T> {
    /// The one who waits and the one who comes, or nobody: then who comes waits.
    pub fn arrive(&mut self, comes: T) -> Option<(T, T)> {
        match self.waiting.take() {
            Some(waited) => Some((waited, comes)),
            None => {
                self.waiting = Some(comes);
                None
            }
        }
    }
}
