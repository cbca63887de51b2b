//! A value for each end, and both at once from the point of view of the one that sends.

use crate::Side;
use std::ops::{Index, IndexMut};

/// One value for each end of a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pair<T>([T; 2]);

impl<T> Pair<T> {
    /// The value of `from` and that of the other end.
    #[inline]
    pub(crate) fn of(&self, from: Side) -> (&T, &T) {
        let [a, b] = &self.0;
        if from == Side::A { (a, b) } else { (b, a) }
    }

    /// The same, to be changed.
    #[inline]
    pub(crate) fn split(&mut self, from: Side) -> (&mut T, &mut T) {
        let [a, b] = &mut self.0;
        if from == Side::A { (a, b) } else { (b, a) }
    }

    /// Both, A's first.
    pub(crate) fn iter(&self) -> std::slice::Iter<'_, T> {
        self.0.iter()
    }
}

impl<T> Index<Side> for Pair<T> {
    type Output = T;
    #[inline]
    fn index(&self, side: Side) -> &T {
        &self.0[side.index()]
    }
}

impl<T> IndexMut<Side> for Pair<T> {
    #[inline]
    fn index_mut(&mut self, side: Side) -> &mut T {
        &mut self.0[side.index()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sender_comes_first_and_both_can_be_changed() {
        let mut pair = Pair::<u8>::default();
        for (from, sent, heard) in [(Side::A, 1, 2), (Side::B, 3, 4)] {
            let (own, other) = pair.split(from);
            (*own, *other) = (sent, heard);
            assert_eq!(pair.of(from), (&sent, &heard));
            assert_eq!((pair[from], pair[from.other()]), (sent, heard));
        }
        assert_eq!(pair.iter().copied().collect::<Vec<_>>(), [4, 3]);
    }
}
