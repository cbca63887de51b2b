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
/// assert_ne!(synfin_sim::apps::pattern_byte(0), synfin_sim::apps::pattern_byte(251));
/// ```
pub fn pattern_byte(position: u64) -> u8 {
    (position % 251) as u8 ^ (position / 251) as u8
}

/// `len` such bytes from `position` on.
pub fn pattern(position: u64, len: usize) -> Vec<u8> {
    pattern_from(position).take(len).collect()
}

/// The pattern from `position` on, without a division per byte.
pub(crate) fn pattern_from(position: u64) -> impl Iterator<Item = u8> {
    let (mut low, mut high) = ((position % 251) as u8, (position / 251) as u8);
    std::iter::repeat_with(move || {
        let byte = low ^ high;
        (low, high) = if low == 250 { (0, high.wrapping_add(1)) } else { (low + 1, high) };
        byte
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pattern_is_the_same_byte_by_byte_and_at_once() {
        for start in [0, 1, 250, 251, 64_000, u64::from(u32::MAX)] {
            let one_by_one: Vec<u8> = (start..start + 1_000).map(pattern_byte).collect();
            assert_eq!(pattern(start, 1_000), one_by_one);
        }
    }
}
