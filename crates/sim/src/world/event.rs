//! What is going to happen, earliest first.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use tcp::Instant;
use wire::Frame;

/// What can happen.
#[derive(Debug)]
pub(super) enum What {
    /// A frame arrives at one end of a link.
    Arrives { link: usize, side: usize, frame: Box<Frame>, record: Option<usize>, coming: Coming },
    /// The transmitter of one end of a link has sent the last bit.
    Transmitted { link: usize, side: usize },
    /// A host's timer is due, if it is still armed for then.
    Timer { node: usize },
    /// A program asked to be called.
    Wake { node: usize },
}

/// How an arriving frame counts for who watches frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coming {
    /// It was sent by a host and is as it was sent.
    Whole,
    /// It was sent by a host and has a flipped bit.
    Damaged,
    /// It is a second copy, or an answer from the path.
    Untold,
}

#[derive(Debug)]
struct Planned {
    at: Instant,
    /// Of two at the same time the one planned first happens first.
    number: u64,
    what: What,
}

impl PartialEq for Planned {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Planned {}

impl PartialOrd for Planned {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Planned {
    /// The earliest is the greatest, for [`BinaryHeap`] gives the greatest.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.number).cmp(&(self.at, self.number))
    }
}

/// Everything that is planned.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    heap: BinaryHeap<Planned>,
    number: u64,
}

impl Agenda {
    pub(super) fn push(&mut self, at: Instant, what: What) {
        self.number += 1;
        self.heap.push(Planned { at, number: self.number, what });
    }

    /// The next, if it is not after `until`.
    pub(super) fn pop_until(&mut self, until: Instant) -> Option<(Instant, What)> {
        self.heap.peek().filter(|planned| planned.at <= until)?;
        self.heap.pop().map(|planned| (planned.at, planned.what))
    }
}
