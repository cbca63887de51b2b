//! The bytes that have arrived in order and are not read yet.
//!
//! An arriving payload is kept as it came and copied once, into the reader's slice. Small ones are
//! gathered into blocks instead, so that a peer sending single bytes costs their sum and not a
//! buffer for each.

use crate::fifo::Fifo;
use alloc::boxed::Box;
use bytes::{Buf, Bytes, BytesMut};
use wire::Payload;

/// Payloads below this size are copied together rather than kept each in its own buffer.
const KEEP_BYTES_MIN: usize = 512;
/// What a piece keeps besides its text: the headers of its frame, and the count of those who use the buffer.
const PIECE_OVERHEAD_BYTES: usize = 128;
/// The size of the blocks they are gathered into: two of the largest, and small enough for an allocator
/// to keep at hand.
const GATHER_BYTES: usize = 1 << 10;

/// Bytes in order, waiting for the reader.
#[derive(Debug, Default)]
pub(crate) struct ReceiveQueue(Option<Box<Pieces>>);

impl ReceiveQueue {
    pub(crate) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |pieces| pieces.len_bytes)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Memory that the queue takes: that of the buffers which its pieces keep, if each piece is at least half of the
    /// buffer it lies in.
    #[inline]
    pub(crate) fn held_bytes(&self) -> usize {
        self.0.as_ref().map_or(0, |pieces| pieces.held_bytes())
    }

    /// What [`ReceiveQueue::held_bytes`] grows by, at most, when this is appended, or a part of it and as many
    /// `more` pieces as are said.
    pub(crate) fn cost_bytes(&self, payload: &Payload, more: usize) -> usize {
        // What is left of a piece whose end is cut off may be small.
        let (mut pieces, mut small) = (1, 1);
        for piece in payload.pieces() {
            pieces += 1;
            small += usize::from(piece.len() < KEEP_BYTES_MIN);
        }
        // Small ones fill a block by half at least, before there is another.
        let blocks = small.min(1 + payload.len() / (GATHER_BYTES - KEEP_BYTES_MIN)) + more;
        payload.len() + blocks * GATHER_BYTES + self.growth_bytes(pieces + more)
    }

    /// What so many more pieces take beside their text.
    fn growth_bytes(&self, count: usize) -> usize {
        let tables = match &self.0 {
            Some(pieces) => pieces.pieces.growth_bytes(count),
            None => size_of::<Pieces>() + Fifo::<Bytes>::default().growth_bytes(count),
        };
        tables + count * PIECE_OVERHEAD_BYTES
    }

    /// Appends what arrived.
    pub(crate) fn push(&mut self, payload: Payload) {
        if !payload.is_empty() {
            self.0.get_or_insert_default().push(payload);
        }
    }

    /// Copies out and removes as much as fits; returns how much.
    pub(crate) fn read(&mut self, mut into: &mut [u8]) -> usize {
        self.read_with(into.len(), |piece| {
            let (now, later) = core::mem::take(&mut into).split_at_mut(piece.len());
            now.copy_from_slice(piece);
            into = later;
        })
    }

    /// Shows at most `most_bytes` piece by piece and removes them; returns how many.
    #[inline]
    pub(crate) fn read_with(&mut self, most_bytes: usize, take: impl FnMut(&[u8])) -> usize {
        let read = self.0.as_mut().map_or(0, |pieces| pieces.read_with(most_bytes, take));
        self.release_if_empty();
        read
    }

    /// Removes and returns the first piece as it arrived, without copying.
    pub(crate) fn read_bytes(&mut self) -> Option<Bytes> {
        let piece = self.0.as_mut()?.read_bytes();
        self.release_if_empty();
        piece
    }

    /// Copies out as much as fits and keeps it; returns how much.
    pub(crate) fn peek(&self, into: &mut [u8]) -> usize {
        self.0.as_ref().map_or(0, |pieces| pieces.peek(into))
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.0 = None;
    }

    fn release_if_empty(&mut self) {
        if self.0.as_ref().is_some_and(|pieces| pieces.len_bytes == 0) {
            self.0 = None;
        }
    }
}

/// The queue while there is something in it.
#[derive(Debug, Default)]
struct Pieces {
    pieces: Fifo<Bytes>,
    /// Small payloads gathered; logically behind `pieces`.
    gathered: BytesMut,
    len_bytes: usize,
    /// What was read of the first piece, whose buffer is still there.
    read_bytes: usize,
}

impl Pieces {
    fn held_bytes(&self) -> usize {
        let gathering = self.gathered.capacity().saturating_sub(self.gathered.len());
        let tables = size_of::<Pieces>() + self.pieces.held_bytes();
        // A block for each end: one of small payloads may be read in part, another be filled in part.
        tables + self.len_bytes + self.read_bytes + gathering + self.pieces.len() * PIECE_OVERHEAD_BYTES
    }

    /// Appends what arrived.
    fn push(&mut self, payload: Payload) {
        match payload.into_only_piece() {
            Ok(piece) => self.push_piece(piece),
            Err(pieces) => pieces.into_pieces().for_each(|piece| self.push_piece(piece)),
        }
    }

    fn push_piece(&mut self, piece: Bytes) {
        self.len_bytes += piece.len();
        if piece.len() < KEEP_BYTES_MIN {
            if self.gathered.capacity() - self.gathered.len() < piece.len() {
                self.flush_gathered();
                self.gathered = BytesMut::with_capacity(GATHER_BYTES);
            }
            self.gathered.extend_from_slice(&piece);
        } else {
            self.flush_gathered();
            self.pieces.push(piece);
        }
    }

    fn flush_gathered(&mut self) {
        if !self.gathered.is_empty() {
            self.pieces.push(self.gathered.split().freeze());
        }
    }

    /// Shows at most `most_bytes` piece by piece and removes them; returns how many.
    #[inline]
    fn read_with(&mut self, most_bytes: usize, mut take: impl FnMut(&[u8])) -> usize {
        let mut left = most_bytes;
        while left > 0 {
            let Some(piece) = self.pieces.first_mut() else { break };
            let here = piece.len().min(left);
            take(&piece[..here]);
            left -= here;
            if here == piece.len() {
                self.pieces.pop();
                self.read_bytes = 0;
            } else {
                piece.advance(here);
                self.read_bytes += here;
            }
        }
        let here = self.gathered.len().min(left);
        if here > 0 {
            take(&self.gathered[..here]);
            self.gathered.advance(here);
        }
        let read = most_bytes - (left - here);
        self.len_bytes -= read;
        read
    }

    /// Removes and returns the first piece as it arrived, without copying.
    fn read_bytes(&mut self) -> Option<Bytes> {
        if self.pieces.is_empty() {
            self.flush_gathered();
        }
        let piece = self.pieces.pop()?;
        self.read_bytes = 0;
        self.len_bytes -= piece.len();
        Some(piece)
    }

    /// Copies out as much as fits and keeps it; returns how much.
    fn peek(&self, mut into: &mut [u8]) -> usize {
        let wanted = into.len();
        for piece in self.pieces.iter().map(|piece| &piece[..]).chain([&self.gathered[..]]) {
            let take = piece.len().min(into.len());
            let (now, later) = into.split_at_mut(take);
            now.copy_from_slice(&piece[..take]);
            into = later;
        }
        wanted - into.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn gives_back_what_was_pushed(steps in proptest::collection::vec((0usize..3_000, 0usize..4_000), 1..40)) {
            let (mut queue, mut flat, mut next) = (ReceiveQueue::default(), Vec::<u8>::new(), 0u8);
            for (push, read) in steps {
                let data: Vec<u8> = (0..push).map(|_| { next = next.wrapping_add(1); next }).collect();
                flat.extend(&data);
                let payload = Payload::from(Bytes::from(data));
                let most_bytes = queue.held_bytes() + queue.cost_bytes(&payload, 0);
                queue.push(payload);
                prop_assert!(queue.held_bytes() <= most_bytes);
                let mut peeked = alloc::vec![0; read];
                let seen = queue.peek(&mut peeked);
                prop_assert_eq!(&peeked[..seen], &flat[..read.min(flat.len())]);
                let mut out = alloc::vec![0; read];
                let count = queue.read(&mut out);
                prop_assert_eq!(&out[..count], &flat[..read.min(flat.len())]);
                flat.drain(..count);
                prop_assert_eq!(queue.len(), flat.len());
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_appended_costs_at_most_what_was_said(
            steps in proptest::collection::vec((proptest::collection::vec(1usize..1_100, 1..50), any::<u16>()), 1..12),
        ) {
            let mut queue = ReceiveQueue::default();
            for (sizes, cut) in steps {
                let mut payload = Payload::new();
                sizes.iter().for_each(|size| payload.push(Bytes::from(alloc::vec![7; *size])));
                // The second half was out of order, of the first a part was here before.
                let half = payload.len() / 2;
                let (mut now, later) = (payload.slice(0, half), payload.slice(half, payload.len() - half));
                let most_bytes = queue.held_bytes() + queue.cost_bytes(&now, sizes.len()) + later.len();
                now.advance(usize::from(cut) % half.max(1));
                queue.push(now);
                later.into_pieces().for_each(|piece| queue.push(piece.into()));
                prop_assert!(queue.held_bytes() <= most_bytes, "{} of {most_bytes}", queue.held_bytes());
            }
        }
    }

    #[test]
    fn single_bytes_are_gathered() {
        let mut queue = ReceiveQueue::default();
        for _ in 0..100_000 {
            queue.push(Bytes::from_static(b"x").into());
        }
        let blocks = queue.0.map_or(0, |pieces| pieces.pieces.len());
        assert!(blocks <= 100_000 / GATHER_BYTES + 1, "{blocks} blocks");
    }
}
