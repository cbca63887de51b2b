//! Two real connections with tiny windows, every interleaving to a stated depth and number of faults.
//!
//! A connection cannot be copied or compared, and need not be: a state is the path that leads to it, lived anew
//! for each step, and two states are the same when everything in them prints the same. Time stands still while
//! segments arrive and jumps when a timer fires, so that many paths meet again.
//!
//! Free of charge is what a good network does: segments arrive in order per direction, timers fire when nothing is
//! under way. A *fault* is a loss, a repetition, an overtaking, or a timer that fires although something is under way
//! or could be read.

mod live;
mod model;

pub use live::{Act, Live, Opening, Reading, Script};
pub use model::{Place, Two};
