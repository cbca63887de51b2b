//! A queue of slices, the first of them in line.
//!
//! Most queues of a connection hold one slice at a time, a question or an answer: that one costs no
//! allocation of its own.

use alloc::collections::VecDeque;
use bytes::Bytes;

/// How many more slices are made room for when there is a second: a batch of segments, in one of the
/// small allocations that an allocator keeps at hand.
const MORE: usize = 15;

/// Slices in order, none of them empty.
#[derive(Debug, Default)]
pub(crate) struct Slices {
    /// Empty only when there are none at all.
    first: Bytes,
    more: VecDeque<Bytes>,
}

impl Slices {
    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_empty()
    }

    /// Appends a slice that is not empty.
    pub(crate) fn push(&mut self, slice: Bytes) {
        debug_assert!(!slice.is_empty(), "an empty slice would stand for the end");
        if self.first.is_empty() {
            self.first = slice;
            return;
        }
        if self.more.capacity() == 0 {
            self.more.reserve(MORE);
        }
        self.more.push_back(slice);
    }

    /// Removes the first slice.
    pub(crate) fn pop(&mut self) -> Option<Bytes> {
        if self.first.is_empty() {
            return None;
        }
        Some(core::mem::replace(&mut self.first, self.more.pop_front().unwrap_or_default()))
    }

    /// The first slice, to be shortened but not emptied.
    pub(crate) fn first_mut(&mut self) -> Option<&mut Bytes> {
        (!self.first.is_empty()).then_some(&mut self.first)
    }

    /// The slice with this number, if there are so many.
    pub(crate) fn get(&self, index: usize) -> Option<&Bytes> {
        match index {
            0 => Some(&self.first).filter(|first| !first.is_empty()),
            _ => self.more.get(index - 1),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Bytes> {
        core::iter::once(&self.first).filter(|first| !first.is_empty()).chain(&self.more)
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.iter().count()
    }
}
