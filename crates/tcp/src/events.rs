//! What the application has not been told yet: one bit for each kind, told in a fixed order.

use crate::segment::{Error, Event};

/// Raised events, at most one of each kind.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Events(u16);

impl Events {
    fn bit(event: Event) -> u16 {
        match event {
            Event::Connected => 1,
            Event::Accepted => 1 << 1,
            Event::Readable => 1 << 2,
            Event::Urgent => 1 << 3,
            Event::PeerFinished => 1 << 4,
            Event::Writable => 1 << 5,
            Event::PathDoubted => 1 << 6,
            Event::Finished => 1 << 7,
            Event::Failed(_) => 1 << 8,
            Event::Closed => 1 << 9,
        }
    }

    pub(crate) fn raise(&mut self, event: Event) {
        self.0 |= Events::bit(event);
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The next event in the order of a connection's life; `failure` is what a raised failure says.
    pub(crate) fn next(&mut self, failure: Option<Error>) -> Option<Event> {
        let lowest = self.0 & self.0.wrapping_neg();
        self.0 &= !lowest;
        match lowest {
            0 => None,
            1 => Some(Event::Connected),
            2 => Some(Event::Accepted),
            4 => Some(Event::Readable),
            8 => Some(Event::Urgent),
            16 => Some(Event::PeerFinished),
            32 => Some(Event::Writable),
            64 => Some(Event::PathDoubted),
            128 => Some(Event::Finished),
            256 => Some(Event::Failed(failure.unwrap_or(Error::Aborted))),
            _ => Some(Event::Closed),
        }
    }
}
