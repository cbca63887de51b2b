//! Pieces of files that are lent to the stack, which sends from them without copying.
//!
//! Buffers go round: the stack holds one until the peer has acknowledged it, then it is filled again. New memory for
//! each would cost the system a page fault every 4 KB.

use bytes::{Bytes, BytesMut};
use std::collections::VecDeque;

/// Bytes read from a file at once, to begin with: a peer that takes nothing makes us hold no more.
const PIECE_BYTES_MIN: usize = 16 << 10;
/// The same to a peer that takes all that it is given: four super-segments.
const PIECE_BYTES_MAX: usize = 256 << 10;
/// Pieces that are kept to be filled again: as many of the largest size as a send queue holds.
const FREE_PIECES_MAX: usize = 16;

/// The pieces of a connection.
pub(crate) struct Pieces {
    /// In the order in which they were lent; no more than the send queue can hold.
    lent: VecDeque<Bytes>,
    /// Acknowledged, all of the present size.
    free: Vec<BytesMut>,
    piece_bytes: usize,
}

impl Default for Pieces {
    fn default() -> Self {
        Pieces { lent: VecDeque::new(), free: Vec::new(), piece_bytes: PIECE_BYTES_MIN }
    }
}

impl Pieces {
    /// One to fill.
    pub(crate) fn take(&mut self) -> BytesMut {
        while let Some(piece) = self.lent.pop_front() {
            match piece.try_into_mut() {
                Ok(piece) => self.free.push(piece),
                Err(still_lent) => {
                    self.lent.push_front(still_lent);
                    break;
                }
            }
        }
        let piece_bytes = self.piece_bytes;
        self.free.retain(|piece| piece.len() == piece_bytes);
        self.free.truncate(FREE_PIECES_MAX);
        self.free.pop().unwrap_or_else(|| BytesMut::zeroed(piece_bytes))
    }

    /// The peer took all that it was given: the next pieces are larger, if so much may be held.
    pub(crate) fn grow(&mut self, piece_bytes_max: usize) {
        let most = piece_bytes_max.clamp(PIECE_BYTES_MIN, PIECE_BYTES_MAX);
        self.piece_bytes = (2 * self.piece_bytes).min(most);
    }

    /// Lends a piece that was filled.
    pub(crate) fn lend(&mut self, piece: BytesMut) -> Bytes {
        let piece = piece.freeze();
        self.lent.push_back(piece.clone());
        piece
    }

    /// The same bytes as a handle, if they are in a piece that is lent: HTTP's machinery passes slices on, where the
    /// stack wants to know who holds the memory.
    pub(crate) fn handle_of(&self, bytes: &[u8]) -> Option<Bytes> {
        let wanted = bytes.as_ptr_range();
        let holds = |piece: &&Bytes| {
            let range = piece.as_ptr_range();
            range.start <= wanted.start && wanted.end <= range.end
        };
        // What is still to be sent was lent last.
        let piece = self.lent.iter().rev().find(holds).filter(|_| !bytes.is_empty())?;
        Some(piece.slice_ref(bytes))
    }

    /// Whether any are lent.
    pub(crate) fn are_lent(&self) -> bool {
        !self.lent.is_empty()
    }

    /// Nothing more is to be lent: what is not with the stack is given back.
    pub(crate) fn forget(&mut self) {
        *self = Pieces::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_grow_to_their_share_and_become_smaller_with_it() {
        let mut pieces = Pieces::default();
        for (share, expected) in
            [(1 << 30, 32 << 10), (1 << 30, 64 << 10), (40 << 10, 40 << 10), (0, PIECE_BYTES_MIN)]
        {
            pieces.grow(share);
            assert_eq!(pieces.take().len(), expected);
        }
    }

    #[test]
    fn what_the_peer_has_acknowledged_is_filled_again_and_no_hoard_is_kept() {
        let mut pieces = Pieces::default();
        let acknowledged: Vec<Bytes> = (0..20)
            .map(|_| {
                let piece = pieces.take();
                pieces.lend(piece)
            })
            .collect();
        assert_eq!(pieces.lent.len(), acknowledged.len(), "all are with the stack");
        drop(acknowledged);
        drop(pieces.take());
        assert_eq!((pieces.lent.len(), pieces.free.len()), (0, FREE_PIECES_MAX - 1));
    }

    #[test]
    fn a_slice_of_a_lent_piece_is_found_again_and_no_other() {
        let mut pieces = Pieces::default();
        let (first, second) = (pieces.take(), pieces.take());
        let (first, second) = (pieces.lend(first), pieces.lend(second));
        for piece in [&first, &second] {
            let handle = pieces.handle_of(&piece[10..20]).expect("it is lent");
            assert_eq!(handle.as_ptr_range(), piece[10..20].as_ptr_range());
        }
        assert!(pieces.handle_of(&first[5..5]).is_none() && pieces.handle_of(b"another").is_none());
    }
}
