//! Two sides of a link and what carries it: whatever that does, what one pushes the other hears, in
//! order and once, until both learn that it is over.

mod hostile;
mod pair;
mod several;
mod single;
