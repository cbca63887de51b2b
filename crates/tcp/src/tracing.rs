//! Keeping trace values until somebody reads them; without a reader nothing is built or kept.

use crate::connection::Connection;
use crate::trace::Trace;
use alloc::collections::VecDeque;

/// Whether to keep a trace.
///
/// There are no others: a program may match on both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Tracing {
    /// No: costs nothing.
    #[default]
    Off,
    /// Yes.
    On,
}

/// Trace values that nobody has read yet.
#[derive(Debug, Default)]
pub(crate) struct Traces(VecDeque<Trace>);

/// How many trace values wait for a reader before the oldest is dropped.
const TRACES_MAX: usize = 65_536;

impl Traces {
    fn keep_room(&mut self) {
        while self.0.len() >= TRACES_MAX {
            self.0.pop_front();
        }
    }
}

impl Connection {
    /// Starts or stops keeping a [`Trace`] of everything; [`Connection::poll_trace`] reads it.
    pub fn set_tracing(&mut self, tracing: Tracing) {
        self.tracing = match tracing {
            Tracing::On => Some(self.tracing.take().unwrap_or_default()),
            Tracing::Off => None,
        };
    }

    /// The oldest trace value not yet read. At most 65,536 are kept.
    pub fn poll_trace(&mut self) -> Option<Trace> {
        self.tracing.as_mut()?.0.pop_front()
    }

    #[inline]
    pub(crate) fn trace(&mut self, what: impl FnOnce() -> Trace) {
        if self.tracing.is_some() {
            self.keep_trace(what);
        }
    }

    /// Apart and cold, so that the code of those who do not trace lies close together.
    #[cold]
    #[inline(never)]
    fn keep_trace(&mut self, what: impl FnOnce() -> Trace) {
        if let Some(traces) = &mut self.tracing {
            traces.keep_room();
            traces.0.push_back(what());
        }
    }

    /// How many trace values wait for a reader.
    pub(crate) fn traces_waiting(&self) -> usize {
        self.tracing.as_ref().map_or(0, |traces| traces.0.len())
    }

    /// Puts a trace value before those that came after `place`.
    pub(crate) fn trace_at(&mut self, place: usize, what: Trace) {
        if let Some(traces) = &mut self.tracing {
            traces.keep_room();
            traces.0.insert(place.min(traces.0.len()), what);
        }
    }
}
