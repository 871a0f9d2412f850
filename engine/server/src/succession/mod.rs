//! One process takes over from another, and nobody notices more than a pause: the *testator*, which
//! serves, starts its *heir*, shows it everything, and ends once that one has begun.
//!
//! 1. The heir is started as the testator was, with one end of a [channel] as its standard input.
//!    It reads all that is read at a start. *Hello*; *Agreed* on the newest format of state that
//!    both know, or else the heir is *Foreign*, and ends. It makes its reactors: *Ready*.
//! 2. The testator's workers [freeze](crate::worker::Rite). Their messages to each other go on until
//!    none is under way: as many were received as were sent, twice in a row.
//! 3. Each worker gives copies of its listeners, its state as a sealed [parcel], and copies of its
//!    sockets. The heir takes them as they come. *All*.
//! 4. The heir makes its shards: *Taken*. *Yours*. The heir says *Mine* and only then serves; the
//!    testator hears it and ends, and touches no socket any more.
//!
//! The testator forgets nothing until it hears *Mine*: where the heir errs, is late or dies before,
//! it is killed and waited for, and the workers thaw. Where the testator dies once *All* was said,
//! the heir has everything and serves; before that, it ends too. So each connection is served by
//! one process, whatever happens when.

mod channel;
mod faults;
mod heir;
mod letter;
mod parcel;
mod successor;
mod testator;

use std::time::Duration;

pub(crate) use self::channel::DESCRIPTORS_MAX;
pub(crate) use self::heir::{Heir, HeirError, Takeover, Workers};
pub(crate) use self::letter::{Door, Switched};
pub(crate) use self::parcel::seal;
pub(crate) use self::successor::Binary;
pub(crate) use self::testator::{Desks, Failure, HandedOver, Will};

/// How long an heir may take to read its configuration and make its reactors. Nobody waits for it.
const START_MAX: Duration = Duration::from_secs(90);

/// How long any step may take while everybody waits. How many steps there are depends on how many
/// people there are.
const STEP_MAX: Duration = Duration::from_secs(5);

/// How long the heir waits, while its workers serve already, until the testator has ended.
const FAREWELL_MAX: Duration = Duration::from_secs(2);

/// How long the heir waits for what the testator has to say meanwhile: longer, so that it is the
/// testator who gives up.
const ANSWER_MAX: Duration = Duration::from_secs(30);
