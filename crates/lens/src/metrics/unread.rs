//! What an application has not read: what arrived since the right edge of its window last moved.
//!
//! A receiver offers again what its application has read, at the latest when half of its buffer or a segment is free
//! again (RFC 9293 §3.8.6.2.2). So where more has arrived since than the window still allows, it is in the buffer. A
//! window field is rounded, and a buffer may grow a little: an edge that creeps has not moved.

use crate::limits::UNREAD_BYTES_MIN;
use wire::Seq;

/// The window of one end.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reading {
    /// Its right edge when it moved last, and what was acknowledged then.
    moved: Option<(Seq, Seq)>,
    /// Its right edge now.
    edge: Seq,
}

impl Reading {
    /// An acknowledgment offers the window up to `edge`.
    #[inline]
    pub(super) fn on_window(&mut self, edge: Seq, ack: Seq) {
        let has_crept = |(moved, _): (Seq, Seq)| edge.offset_from(moved) < UNREAD_BYTES_MIN.cast_signed();
        if !self.moved.is_some_and(has_crept) {
            self.moved = Some((edge, ack));
            self.edge = edge;
        } else if edge.after(self.edge) {
            self.edge = edge;
        }
    }

    /// Bytes that are certainly not read when `acked` is what was acknowledged last; 0 where they may be.
    pub(super) fn unread_bytes(&self, acked: Seq) -> u32 {
        let Some((moved, since)) = self.moved else { return 0 };
        let held_bytes = acked.offset_from(since) - self.edge.offset_from(moved);
        let held_bytes = held_bytes.max(0).cast_unsigned();
        let left_bytes = self.edge.offset_from(acked).max(0).cast_unsigned();
        if held_bytes >= left_bytes.max(UNREAD_BYTES_MIN) { held_bytes } else { 0 }
    }
}
