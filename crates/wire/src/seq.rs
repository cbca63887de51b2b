//! Sequence numbers: positions on the circle of 2^32 (RFC 9293 §3.4).
//!
//! A circle has no "less than", so [`Seq`] has none: two numbers are compared by the shorter way
//! around, with the words the RFC uses. What is *not* here: window checks, which need two edges and
//! belong to the connection.

use core::fmt;
use core::ops::{Add, AddAssign, Sub};

/// A position in sequence space, modulo 2^32 (RFC 9293 §3.4).
///
/// ```
/// use synfin_wire::Seq;
/// let last = Seq::new(u32::MAX);
/// assert!(last.before(last + 1));
/// assert_eq!((last + 5).bytes_since(last), 5);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
#[repr(transparent)]
pub struct Seq(u32);

impl Seq {
    /// The position with this 32-bit number, as it stands in a header.
    pub const fn new(number: u32) -> Self {
        Seq(number)
    }

    /// The 32-bit number, as it stands in a header.
    pub const fn number(self) -> u32 {
        self.0
    }

    /// Whether this position comes before `other`, by the shorter way around.
    pub const fn before(self, other: Seq) -> bool {
        self.offset_from(other) < 0
    }

    /// Whether this position is `other` or comes before it.
    pub const fn at_or_before(self, other: Seq) -> bool {
        self.offset_from(other) <= 0
    }

    /// Whether this position comes after `other`, by the shorter way around.
    pub const fn after(self, other: Seq) -> bool {
        self.offset_from(other) > 0
    }

    /// Whether this position is `other` or comes after it.
    pub const fn at_or_after(self, other: Seq) -> bool {
        self.offset_from(other) >= 0
    }

    /// How many bytes lie from `earlier` up to here, modulo 2^32.
    ///
    /// The caller knows that `earlier` is not after `self`; otherwise the result is the long way around.
    pub const fn bytes_since(self, earlier: Seq) -> u32 {
        self.0.wrapping_sub(earlier.0)
    }

    /// The signed distance from `other` to here, by the shorter way around.
    pub const fn offset_from(self, other: Seq) -> i32 {
        self.0.wrapping_sub(other.0).cast_signed()
    }

    /// The later of two positions.
    #[must_use]
    pub const fn latest(self, other: Seq) -> Seq {
        if self.before(other) { other } else { self }
    }

    /// The earlier of two positions.
    #[must_use]
    pub const fn earliest(self, other: Seq) -> Seq {
        if other.before(self) { other } else { self }
    }
}

impl Add<u32> for Seq {
    type Output = Seq;
    fn add(self, bytes: u32) -> Seq {
        Seq(self.0.wrapping_add(bytes))
    }
}

impl AddAssign<u32> for Seq {
    fn add_assign(&mut self, bytes: u32) {
        *self = *self + bytes;
    }
}

impl Sub<u32> for Seq {
    type Output = Seq;
    fn sub(self, bytes: u32) -> Seq {
        Seq(self.0.wrapping_sub(bytes))
    }
}

impl fmt::Debug for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::Seq;

    #[test]
    fn order_is_the_shorter_way_around() {
        for base in [0u32, 1, 0x7fff_ffff, 0x8000_0000, u32::MAX - 1, u32::MAX] {
            let here = Seq::new(base);
            assert!(here.before(here + 1) && (here + 1).after(here));
            assert!(here.before(here + 0x7fff_ffff));
            assert!(here.at_or_before(here) && here.at_or_after(here));
            assert_eq!((here + 1_000).bytes_since(here), 1_000);
            assert_eq!(here.offset_from(here + 3), -3);
            assert_eq!(here.latest(here + 9), here + 9);
            assert_eq!((here + 9).earliest(here), here);
        }
    }
}
