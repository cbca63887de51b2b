//! A time or a duration of the capture in eight bytes, also when it is not known: every connection has many of those.

use std::num::NonZeroU64;

/// Nanoseconds. `Option<Nanos>` needs no more room than this: the number is kept one larger than it is. The last
/// nanosecond of the 64 bits, five centuries from now, counts as the one before it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Nanos(NonZeroU64);

impl Nanos {
    /// So many.
    pub(crate) fn of(ns: u64) -> Nanos {
        Nanos(NonZeroU64::MIN.saturating_add(ns))
    }

    /// How many.
    pub(crate) fn ns(self) -> u64 {
        self.0.get() - 1
    }
}

impl std::fmt::Debug for Nanos {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.ns().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_known_and_an_option_costs_nothing() {
        assert_eq!(size_of::<Option<Nanos>>(), 8);
        for ns in [0, 1, u64::MAX - 1] {
            assert_eq!(Nanos::of(ns).ns(), ns);
        }
        assert_eq!(Nanos::of(u64::MAX).ns(), u64::MAX - 1);
    }
}
