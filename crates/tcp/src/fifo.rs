//! A queue whose first element is in line.
//!
//! Most queues of a connection hold one element at a time (a question, an answer, a lone segment in flight): that
//! one costs no allocation of its own.

use alloc::collections::VecDeque;

/// How many more elements are made room for when there is a second: a batch of segments, in one of the
/// small allocations that an allocator keeps at hand.
const MORE: usize = 15;

/// Elements in order.
#[derive(Clone, Debug)]
pub(crate) struct Fifo<T> {
    /// `None` only when there are none at all.
    first: Option<T>,
    more: VecDeque<T>,
}

impl<T> Default for Fifo<T> {
    fn default() -> Self {
        Fifo { first: None, more: VecDeque::new() }
    }
}

impl<T> Fifo<T> {
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        if self.first.is_some() { 1 + self.more.len() } else { 0 }
    }

    /// Memory that the queue takes besides its first element, which lies in line.
    #[inline]
    pub(crate) fn held_bytes(&self) -> usize {
        self.more.capacity() * size_of::<T>()
    }

    /// Memory that it takes in addition when so many elements are appended, one after another.
    pub(crate) fn growth_bytes(&self, count: usize) -> usize {
        let capacity = self.more.capacity();
        // The first of all needs no place, which is not worth a distinction.
        let needed = self.more.len() + count;
        let mut grown = capacity;
        while grown < needed {
            grown = (2 * grown).max(MORE);
        }
        (grown - capacity) * size_of::<T>()
    }

    /// Appends an element.
    #[inline]
    pub(crate) fn push(&mut self, element: T) {
        if self.first.is_none() {
            self.first = Some(element);
        } else {
            self.push_behind(element);
        }
    }

    #[inline(never)]
    fn push_behind(&mut self, element: T) {
        if self.more.capacity() == 0 {
            self.more.reserve(MORE);
        }
        self.more.push_back(element);
    }

    /// Removes the first element.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<T> {
        let next = if self.more.is_empty() { None } else { self.more.pop_front() };
        core::mem::replace(&mut self.first, next)
    }

    #[inline]
    pub(crate) fn first(&self) -> Option<&T> {
        self.first.as_ref()
    }

    #[inline]
    pub(crate) fn first_mut(&mut self) -> Option<&mut T> {
        self.first.as_mut()
    }

    #[inline]
    pub(crate) fn last(&self) -> Option<&T> {
        self.more.back().or(self.first.as_ref())
    }

    #[inline]
    pub(crate) fn last_mut(&mut self) -> Option<&mut T> {
        match self.more.back_mut() {
            Some(last) => Some(last),
            None => self.first.as_mut(),
        }
    }

    /// The element with this number, if there are so many.
    #[inline]
    pub(crate) fn get(&self, index: usize) -> Option<&T> {
        match index.checked_sub(1) {
            None => self.first.as_ref(),
            Some(index) => self.more.get(index),
        }
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, index: usize) -> Option<&mut T> {
        match index.checked_sub(1) {
            None => self.first.as_mut(),
            Some(index) => self.more.get_mut(index),
        }
    }

    /// Puts `element` before the one with the number `index`, which is at least 1.
    ///
    /// # Panics
    /// If `index` is 0 or beyond the end.
    pub(crate) fn insert(&mut self, index: usize, element: T) {
        self.more.insert(index - 1, element);
    }

    /// Removes the element with the number `index`, which is at least 1.
    ///
    /// # Panics
    /// If `index` is 0.
    pub(crate) fn remove(&mut self, index: usize) {
        self.more.remove(index - 1);
    }

    /// How many of the first elements are `so`, when all those are before all others.
    pub(crate) fn partition_point(&self, so: impl Fn(&T) -> bool) -> usize {
        match &self.first {
            Some(first) if so(first) => 1 + self.more.partition_point(so),
            _ => 0,
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.first.iter().chain(&self.more)
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.first.iter_mut().chain(&mut self.more)
    }
}

impl<T> core::ops::Index<usize> for Fifo<T> {
    type Output = T;
    fn index(&self, index: usize) -> &T {
        self.get(index).expect("an element with this number")
    }
}

impl<T> core::ops::IndexMut<usize> for Fifo<T> {
    fn index_mut(&mut self, index: usize) -> &mut T {
        self.get_mut(index).expect("an element with this number")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    #[derive(Clone, Debug)]
    enum Step {
        Push,
        Pop,
        Insert(usize),
        Remove(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            3 => Just(Step::Push),
            2 => Just(Step::Pop),
            1 => any::<usize>().prop_map(Step::Insert),
            1 => any::<usize>().prop_map(Step::Remove),
        ]
    }

    proptest! {
        #[test]
        fn agrees_with_a_vector(steps in proptest::collection::vec(step(), 1..80), at in any::<usize>()) {
            let (mut fifo, mut flat) = (Fifo::default(), Vec::new());
            for (number, step) in steps.into_iter().enumerate() {
                match step {
                    Step::Push => { fifo.push(number); flat.push(number); }
                    Step::Pop => {
                        let first = (!flat.is_empty()).then(|| flat.remove(0));
                        prop_assert_eq!(fifo.pop(), first);
                    }
                    Step::Insert(at) if !flat.is_empty() => {
                        let at = 1 + at % flat.len();
                        fifo.insert(at, number);
                        flat.insert(at, number);
                    }
                    Step::Remove(at) if flat.len() > 1 => {
                        let at = 1 + at % (flat.len() - 1);
                        fifo.remove(at);
                        flat.remove(at);
                    }
                    _ => {}
                }
                prop_assert!(fifo.iter().eq(flat.iter()) && fifo.iter_mut().eq(flat.iter_mut()));
                prop_assert_eq!((fifo.len(), fifo.is_empty()), (flat.len(), flat.is_empty()));
                prop_assert_eq!((fifo.first(), fifo.last()), (flat.first(), flat.last()));
                prop_assert_eq!(fifo.last_mut().copied(), flat.last().copied());
                let index = at % (flat.len() + 1);
                prop_assert_eq!(fifo.get(index), flat.get(index));
                prop_assert_eq!(fifo.get_mut(index).copied(), flat.get(index).copied());
                if let Some(first) = flat.first().copied() {
                    prop_assert_eq!(fifo.partition_point(|element| *element == first), 1);
                }
            }
        }
    }
}
