//! What a segment carries: reference-counted slices, never copied on the way through.
//!
//! A transmission borrows ranges of the send queue as [`bytes::Bytes`]; a super-segment may straddle
//! several of them. An arriving frame is one slice. [`Payload`] holds either without allocating for
//! the usual case of one piece.

use alloc::vec::Vec;
use bytes::Bytes;

/// The bytes that a segment carries, in one piece or several.
///
/// ```
/// use bytes::Bytes;
/// use wire::Payload;
/// let mut payload = Payload::from(Bytes::from_static(b"hello "));
/// payload.push(Bytes::from_static(b"world"));
/// assert_eq!(payload.len(), 11);
/// assert_eq!(payload.slice(4, 4).to_vec(), b"o wo");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Payload {
    first: Bytes,
    rest: Vec<Bytes>,
}

impl Payload {
    /// No bytes at all.
    pub const fn new() -> Self {
        Payload { first: Bytes::new(), rest: Vec::new() }
    }

    /// How many bytes there are in all pieces.
    pub fn len(&self) -> usize {
        self.first.len() + self.rest.iter().map(Bytes::len).sum::<usize>()
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.first.is_empty() && self.rest.is_empty()
    }

    /// Appends a piece; an empty one is dropped.
    pub fn push(&mut self, piece: Bytes) {
        if piece.is_empty() {
            return;
        }
        if self.first.is_empty() {
            self.first = piece;
        } else {
            self.rest.push(piece);
        }
    }

    /// The pieces in order, none of them empty.
    pub fn pieces(&self) -> impl Iterator<Item = &Bytes> + '_ {
        core::iter::once(&self.first).filter(|piece| !piece.is_empty()).chain(self.rest.iter())
    }

    /// Takes the pieces apart, in order.
    pub fn into_pieces(self) -> impl Iterator<Item = Bytes> {
        core::iter::once(self.first).filter(|piece| !piece.is_empty()).chain(self.rest)
    }

    /// The only piece, if there is at most one: the whole payload without copying.
    pub fn contiguous(&self) -> Option<&Bytes> {
        self.rest.is_empty().then_some(&self.first)
    }

    /// The `len_bytes` bytes from `start` on, sharing the same memory.
    ///
    /// # Panics
    /// If the range reaches past the end.
    #[must_use]
    pub fn slice(&self, start: usize, len_bytes: usize) -> Payload {
        if self.rest.is_empty() {
            return Payload { first: self.first.slice(start..start + len_bytes), rest: Vec::new() };
        }
        let (mut skip, mut want, mut out) = (start, len_bytes, Payload::new());
        for piece in self.pieces() {
            if want == 0 {
                break;
            }
            if skip >= piece.len() {
                skip -= piece.len();
                continue;
            }
            let take = want.min(piece.len() - skip);
            out.push(piece.slice(skip..skip + take));
            (skip, want) = (0, want - take);
        }
        assert!(want == 0, "a slice must lie inside the payload");
        out
    }

    /// Drops everything past the first `len_bytes` bytes.
    pub fn truncate(&mut self, len_bytes: usize) {
        if len_bytes < self.len() {
            *self = self.slice(0, len_bytes);
        }
    }

    /// Drops the first `len_bytes` bytes (all of them if there are fewer).
    pub fn advance(&mut self, len_bytes: usize) {
        let len = self.len();
        let skip = len_bytes.min(len);
        if skip > 0 {
            *self = self.slice(skip, len - skip);
        }
    }

    /// A copy in one piece. For tests, ICMP quotations and other places off the path of a byte.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.len());
        self.pieces().for_each(|piece| out.extend_from_slice(piece));
        out
    }
}

impl From<Bytes> for Payload {
    fn from(first: Bytes) -> Self {
        Payload { first, rest: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn three() -> Payload {
        let mut payload = Payload::new();
        for piece in [&b"abc"[..], b"", b"de", b"fghi"] {
            payload.push(Bytes::from_static(piece));
        }
        payload
    }

    #[test]
    fn slices_agree_with_a_flat_copy() {
        let flat = three().to_vec();
        for start in 0..=flat.len() {
            for len in 0..=flat.len() - start {
                assert_eq!(three().slice(start, len).to_vec(), flat[start..start + len].to_vec());
            }
        }
    }

    #[test]
    fn advance_and_truncate_stop_at_the_ends() {
        let mut payload = three();
        payload.advance(4);
        payload.truncate(3);
        assert_eq!(payload.to_vec(), vec![b'e', b'f', b'g']);
        payload.advance(99);
        assert!(payload.is_empty());
    }
}
