//! Programs that are needed often: a bulk sender, a sink, an echo, requests and responses, one that stalls.
//!
//! Each is made with what it should do, started with [`crate::World::start`], and leaves what it saw in a
//! [`Shared`] value that the test keeps.

mod bulk;
mod echo;
mod exchange;

pub use bulk::{Bulk, Reading, Sink, Transfer};
pub use echo::Echo;
pub use exchange::{Exchange, Request, Served, Server};

use std::cell::RefCell;
use std::rc::Rc;

/// What a program on a host and the test share.
pub type Shared<T> = Rc<RefCell<T>>;

/// The byte at a place of a stream that shows where it belongs: any shift, loss or repetition is noticed.
///
/// ```
/// assert_ne!(sim::apps::pattern_byte(0), sim::apps::pattern_byte(251));
/// ```
pub fn pattern_byte(position: u64) -> u8 {
    (position % 251) as u8 ^ (position / 251) as u8
}

/// `len` such bytes from `position` on.
pub fn pattern(position: u64, len: usize) -> Vec<u8> {
    (position..position + len as u64).map(pattern_byte).collect()
}
