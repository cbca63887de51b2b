//! What is true of a connection or is not, eight such things in a byte: an idle connection is counted in bytes.

use core::fmt;
use core::marker::PhantomData;

/// One of at most eight things that are true or are not.
pub(crate) trait Mark: Copy {
    /// A bit of its own.
    fn bit(self) -> u8;
}

/// All of a kind that are true.
pub(crate) struct Marks<M>(u8, PhantomData<M>);

impl<M: Mark> Marks<M> {
    #[inline]
    pub(crate) fn has(self, mark: M) -> bool {
        self.0 & mark.bit() != 0
    }

    /// It is true from now on, or not.
    #[inline]
    pub(crate) fn set(&mut self, mark: M, is: bool) {
        self.0 = if is { self.0 | mark.bit() } else { self.0 & !mark.bit() };
    }

    #[inline]
    pub(crate) fn put(&mut self, mark: M) {
        self.set(mark, true);
    }

    /// It is not true any more; returns whether it was.
    #[inline]
    pub(crate) fn take(&mut self, mark: M) -> bool {
        let had = self.has(mark);
        self.set(mark, false);
        had
    }

    /// None of these is true any more.
    pub(crate) fn clear<const N: usize>(&mut self, marks: [M; N]) {
        marks.into_iter().for_each(|mark| self.set(mark, false));
    }

    /// The same with this one.
    #[must_use]
    pub(crate) fn with(mut self, mark: M, is: bool) -> Self {
        self.set(mark, is);
        self
    }
}

impl<M> Clone for Marks<M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for Marks<M> {}

impl<M> Default for Marks<M> {
    fn default() -> Self {
        Marks(0, PhantomData)
    }
}

impl<M> fmt::Debug for Marks<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08b}", self.0)
    }
}
