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
use std::sync::OnceLock;

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
    let mut bytes = Vec::with_capacity(len);
    while bytes.len() < len {
        let most = (len - bytes.len()).min(CHUNK_BYTES);
        bytes.extend_from_slice(pattern_chunk(position + bytes.len() as u64, most));
    }
    bytes
}

/// Bytes that a program reads or writes at a time.
pub(crate) const CHUNK_BYTES: usize = 65_536;

/// At most [`CHUNK_BYTES`] of the pattern from `position` on, without making them anew.
pub(crate) fn pattern_chunk(position: u64, len: usize) -> &'static [u8] {
    /// After so many bytes the pattern repeats.
    const PERIOD: usize = 251 * 256;
    static TABLE: OnceLock<Vec<u8>> = OnceLock::new();
    let table = TABLE.get_or_init(|| (0..(PERIOD + CHUNK_BYTES) as u64).map(pattern_byte).collect());
    let at = (position % PERIOD as u64) as usize;
    &table[at..at + len]
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
        let long: Vec<u8> = (7..200_007).map(pattern_byte).collect();
        assert_eq!(pattern(7, 200_000), long, "over several periods");
        for start in [0, 64_255, 1 << 40] {
            let one_by_one: Vec<u8> = (start..start + CHUNK_BYTES as u64).map(pattern_byte).collect();
            assert_eq!(pattern_chunk(start, CHUNK_BYTES), one_by_one);
        }
    }
}
