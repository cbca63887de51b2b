//! What an application has not read: what arrived since the right edge of its window last moved.
//!
//! A receiver offers again what its application has read, at the latest when half of its buffer or a segment is free
//! again (RFC 9293 §3.8.6.2.2). So where more has arrived since than the window still allows, it is in the buffer.

use wire::Seq;

/// The window of one end, and when its right edge moved.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reading {
    /// The right edge, and what was acknowledged when it moved there.
    edge: Option<(Seq, Seq)>,
}

impl Reading {
    /// An acknowledgment offers the window up to `edge`.
    #[inline]
    pub(super) fn on_window(&mut self, edge: Seq, ack: Seq) {
        if self.edge.is_none_or(|(known, _)| edge.after(known)) {
            self.edge = Some((edge, ack));
        }
    }

    /// Bytes that are certainly not read when `acked` is what was acknowledged last; 0 where they may be.
    pub(super) fn unread_bytes(&self, acked: Seq, least_bytes: u32) -> u32 {
        let Some((edge, since)) = self.edge else { return 0 };
        let arrived_bytes = acked.offset_from(since).max(0).cast_unsigned();
        let left_bytes = edge.offset_from(acked).max(0).cast_unsigned();
        if arrived_bytes >= left_bytes.max(least_bytes) { arrived_bytes } else { 0 }
    }
}
