//! What waits, in the order in which it came.

use std::collections::VecDeque;
use std::time::Duration;
use wire::Instant;

/// Something that waits.
#[derive(Debug)]
pub(super) struct Waiting<T> {
    pub(super) item: T,
    pub(super) bytes: u64,
    pub(super) since: Instant,
    /// Others waited here when it came.
    pub(super) follows: bool,
}

/// One queue.
#[derive(Debug)]
pub(super) struct Fifo<T> {
    waiting: VecDeque<Waiting<T>>,
    bytes: u64,
}

impl<T> Fifo<T> {
    pub(super) const fn new() -> Self {
        Fifo { waiting: VecDeque::new(), bytes: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn push(&mut self, now: Instant, item: T, bytes: u64) {
        let follows = !self.waiting.is_empty();
        self.bytes += bytes;
        self.waiting.push_back(Waiting { item, bytes, since: now, follows });
    }

    pub(super) fn pop(&mut self) -> Option<Waiting<T>> {
        let first = self.waiting.pop_front()?;
        self.bytes -= first.bytes;
        Some(first)
    }

    /// How many bytes the first has, if there is one.
    pub(super) fn first_bytes(&self) -> Option<u64> {
        self.waiting.front().map(|first| first.bytes)
    }

    /// Since when the first waits, if there is one.
    pub(super) fn first_since(&self) -> Option<Instant> {
        self.waiting.front().map(|first| first.since)
    }

    /// How long the first has waited; zero if nobody does.
    pub(super) fn delay(&self, now: Instant) -> Duration {
        self.first_since().map_or(Duration::ZERO, |since| now.since(since))
    }

    /// Whoever came last, if somebody waits: `change` may make it another, and says how many bytes it then has.
    pub(super) fn change_last(&mut self, change: impl FnOnce(&mut T) -> Option<u64>) -> bool {
        let Some(last) = self.waiting.back_mut() else { return false };
        let Some(bytes) = change(&mut last.item) else { return false };
        self.bytes = self.bytes - last.bytes + bytes;
        last.bytes = bytes;
        true
    }
}
