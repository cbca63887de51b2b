//! Who reads the traces of a host: the program, which takes them when it likes, and what tells them to a subscriber of
//! the crate `tracing`. Neither notices the other.
//!
//! The host keeps one queue, with its bound and its count of losses: it is the program's. The subscriber's records are
//! copied out of it before the lock is released ([`TraceReaders::collect`]), and taken out if the program wants none.

use stack::{Host, TraceEnd, TraceRecord};
use std::collections::VecDeque;
use tcp::Tracing;

/// Records that wait to be told to the subscriber: more than one pass of the driver can produce, some 8 MB. One that is
/// slower loses the oldest.
const RECORDS_MAX: usize = 65_536;

/// What each reader wants, and what waits for it beside the host's own queue.
#[derive(Debug, Default)]
pub(crate) struct TraceReaders {
    /// Whether the program wants traces.
    program: Tracing,
    /// What the program had not taken when it said that it wants no more.
    left: VecDeque<TraceRecord>,
    subscriber: Option<Untold>,
}

/// What is still to be told to the subscriber.
#[derive(Debug, Default)]
pub(crate) struct Untold {
    /// Oldest first.
    pub(crate) records: VecDeque<TraceRecord>,
    /// How many there was no room for.
    pub(crate) lost: u64,
    /// The number of the first record that was not collected yet.
    next: u64,
}

impl TraceReaders {
    /// The program wants traces, or none.
    pub(crate) fn set_program(&mut self, host: &mut Host, tracing: Tracing) {
        if tracing == Tracing::Off && self.subscriber.is_some() {
            self.leave(host);
        }
        self.program = tracing;
        self.apply(host);
    }

    /// What the program has not taken yet.
    pub(crate) fn take_for_program(&mut self, host: &mut Host) -> Vec<TraceRecord> {
        let mut records: Vec<TraceRecord> = self.left.drain(..).collect();
        if self.program == Tracing::On || self.subscriber.is_none() {
            records.extend(std::iter::from_fn(|| host.poll_trace()));
        }
        records
    }

    /// Copies what is new for the subscriber.
    pub(crate) fn collect(&mut self, host: &mut Host) {
        let Some(untold) = &mut self.subscriber else { return };
        match self.program {
            Tracing::Off => std::iter::from_fn(|| host.poll_trace()).for_each(|record| untold.push(record)),
            Tracing::On => {
                let next = untold.next;
                let new = host.traces().rev().take_while(|record| record.number >= next).count();
                let known = host.traces().count() - new;
                host.traces().skip(known).for_each(|record| untold.push(*record));
            }
        }
    }

    /// Keeps for the program what it could still take.
    fn leave(&mut self, host: &mut Host) {
        self.left.extend(std::iter::from_fn(|| host.poll_trace()));
        self.left.drain(..self.left.len().saturating_sub(RECORDS_MAX));
    }

    fn apply(&self, host: &mut Host) {
        let (tracing, end) = match (self.program, &self.subscriber) {
            (Tracing::On, _) => (Tracing::On, TraceEnd::Closed),
            (Tracing::Off, Some(_)) => (Tracing::On, TraceEnd::TimeWait),
            (Tracing::Off, None) => (Tracing::Off, TraceEnd::Closed),
        };
        host.set_trace_end(end);
        host.set_tracing(tracing);
    }
}

#[cfg(feature = "tracing")]
impl TraceReaders {
    /// The subscriber wants traces, or none.
    pub(crate) fn set_subscriber(&mut self, host: &mut Host, tracing: Tracing) {
        match tracing {
            Tracing::Off => self.subscriber = None,
            Tracing::On => {
                let next = host.traces().next_back().map_or(0, |record| record.number + 1);
                if self.program == Tracing::Off {
                    self.leave(host);
                }
                self.subscriber.get_or_insert_with(|| Untold { next, ..Untold::default() });
            }
        }
        self.apply(host);
    }

    /// Whether there is something to tell.
    pub(crate) fn has_untold(&self) -> bool {
        self.subscriber.as_ref().is_some_and(|untold| !untold.records.is_empty())
    }

    /// Takes what is to be told.
    pub(crate) fn take_untold(&mut self) -> Untold {
        let Some(untold) = &mut self.subscriber else { return Untold::default() };
        std::mem::replace(untold, Untold { next: untold.next, ..Untold::default() })
    }
}

impl Untold {
    fn push(&mut self, record: TraceRecord) {
        if self.records.len() == RECORDS_MAX {
            self.records.pop_front();
            self.lost += 1;
        }
        self.next = record.number + 1;
        self.records.push_back(record);
    }
}
