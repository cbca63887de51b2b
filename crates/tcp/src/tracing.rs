//! Keeping trace values until somebody reads them; without a reader nothing is built or kept.

use crate::connection::{Connection, Fact};
use crate::trace::Trace;
use alloc::boxed::Box;
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
struct Traces(VecDeque<Trace>);

/// Where trace values go. Boxed: tracing is rare.
#[derive(Debug, Default)]
pub(crate) struct Tracer(Option<Box<Traces>>);

/// How many trace values wait for a reader before the oldest is dropped.
const TRACES_MAX: usize = 65_536;

impl Traces {
    fn keep_room(&mut self) {
        while self.0.len() >= TRACES_MAX {
            self.0.pop_front();
        }
    }
}

impl Tracer {
    /// Keeps what `what` says, if anybody will read it.
    #[inline]
    pub(crate) fn note(&mut self, what: impl FnOnce() -> Trace) {
        if self.0.is_some() {
            self.keep(what);
        }
    }

    /// Apart and cold, so that the code of those who do not trace lies close together.
    #[cold]
    #[inline(never)]
    fn keep(&mut self, what: impl FnOnce() -> Trace) {
        if let Some(traces) = &mut self.0 {
            traces.keep_room();
            traces.0.push_back(what());
        }
    }

    /// Memory that what waits for a reader takes.
    #[inline]
    pub(crate) fn held_bytes(&self) -> usize {
        self.0.as_ref().map_or(0, |traces| size_of::<Traces>() + traces.0.capacity() * size_of::<Trace>())
    }

    /// Whether anybody will read what is noted.
    #[inline]
    pub(crate) fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// How many trace values wait for a reader.
    pub(crate) fn waiting(&self) -> usize {
        self.0.as_ref().map_or(0, |traces| traces.0.len())
    }

    /// Puts a trace value before those that came after `place`.
    pub(crate) fn insert(&mut self, place: usize, what: Trace) {
        if let Some(traces) = &mut self.0 {
            traces.keep_room();
            traces.0.insert(place.min(traces.0.len()), what);
        }
    }
}

impl Connection {
    /// Starts or stops keeping a [`Trace`] of everything; [`Connection::poll_trace`] reads it.
    pub fn set_tracing(&mut self, tracing: Tracing) {
        self.tracer = Tracer(match tracing {
            Tracing::On => Some(self.tracer.0.take().unwrap_or_default()),
            Tracing::Off => None,
        });
        if tracing == Tracing::On {
            self.marks.put(Fact::KeepsMore);
        }
    }

    /// The oldest trace value not yet read. At most 65,536 are kept.
    pub fn poll_trace(&mut self) -> Option<Trace> {
        self.tracer.0.as_mut()?.0.pop_front()
    }

    #[inline]
    pub(crate) fn trace(&mut self, what: impl FnOnce() -> Trace) {
        self.tracer.note(what);
    }
}
