//! What a segment carries: reference-counted slices that no layer copies.
//!
//! A transmission borrows ranges of the send queue as [`bytes::Bytes`]; a super-segment may need
//! several of them. An arriving frame is one slice. [`Payload`] holds either, and does not allocate
//! in the usual case of one piece.

use alloc::vec::Vec;
use bytes::Bytes;

/// The bytes that a segment carries, in one piece or several.
///
/// ```
/// use bytes::Bytes;
/// use synfin_wire::Payload;
/// let mut payload = Payload::from(Bytes::from_static(b"hello "));
/// payload.push(Bytes::from_static(b"world"));
/// assert_eq!(payload.len(), 11);
/// assert_eq!(payload.slice(4, 4).to_vec(), b"o wo");
/// ```
#[derive(Clone, Debug)]
pub struct Payload(Pieces);

/// As small as one slice, because payloads are moved more often than they are read.
#[derive(Clone, Debug)]
enum Pieces {
    /// One piece, perhaps empty.
    One(Bytes),
    /// Several, none of them empty.
    Many(Vec<Bytes>),
}

impl Payload {
    /// No bytes at all.
    pub const fn new() -> Self {
        Payload(Pieces::One(Bytes::new()))
    }

    fn as_slice(&self) -> &[Bytes] {
        match &self.0 {
            Pieces::One(piece) => core::slice::from_ref(piece),
            Pieces::Many(pieces) => pieces,
        }
    }

    /// How many bytes there are in all pieces.
    pub fn len(&self) -> usize {
        match &self.0 {
            Pieces::One(piece) => piece.len(),
            Pieces::Many(pieces) => len_of(pieces),
        }
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        matches!(&self.0, Pieces::One(piece) if piece.is_empty())
    }

    /// Appends a piece; an empty one is dropped.
    pub fn push(&mut self, piece: Bytes) {
        if piece.is_empty() {
            return;
        }
        match &mut self.0 {
            Pieces::One(first) if first.is_empty() => *first = piece,
            Pieces::One(first) => {
                let mut pieces = Vec::with_capacity(4);
                pieces.extend([core::mem::take(first), piece]);
                self.0 = Pieces::Many(pieces);
            }
            Pieces::Many(pieces) => pieces.push(piece),
        }
    }

    /// The pieces in order, none of them empty.
    pub fn pieces(&self) -> impl Iterator<Item = &Bytes> + '_ {
        self.as_slice().iter().filter(|piece| !piece.is_empty())
    }

    /// The pieces in order, none of them empty, without a reference count for each.
    pub fn into_pieces(self) -> impl Iterator<Item = Bytes> {
        let (one, many) = match self.0 {
            Pieces::One(piece) => (Some(piece).filter(|piece| !piece.is_empty()), Vec::new()),
            Pieces::Many(pieces) => (None, pieces),
        };
        one.into_iter().chain(many)
    }

    /// The only piece, perhaps empty; a payload of several pieces is returned as the error.
    pub fn into_only_piece(self) -> Result<Bytes, Payload> {
        match self.0 {
            Pieces::One(piece) => Ok(piece),
            Pieces::Many(_) => Err(self),
        }
    }

    /// The only piece, if there is at most one: the whole payload without copying.
    pub fn contiguous(&self) -> Option<&Bytes> {
        match &self.0 {
            Pieces::One(piece) => Some(piece),
            Pieces::Many(_) => None,
        }
    }

    /// The `len_bytes` bytes from `start` on, sharing the same memory.
    ///
    /// # Panics
    /// If the range reaches past the end.
    #[must_use]
    pub fn slice(&self, start: usize, len_bytes: usize) -> Payload {
        if let Pieces::One(piece) = &self.0 {
            return Payload::from(piece.slice(start..start + len_bytes));
        }
        let mut skip = start;
        let mut want = len_bytes;
        let mut out = Payload::new();
        for piece in self.as_slice() {
            if want == 0 {
                break;
            }
            if skip >= piece.len() {
                skip -= piece.len();
                continue;
            }
            let take = want.min(piece.len() - skip);
            out.push(piece.slice(skip..skip + take));
            skip = 0;
            want -= take;
        }
        assert!(want == 0, "a slice must lie inside the payload");
        out
    }

    /// Moves the bytes into a buffer of exactly their size: a small slice keeps the whole buffer that it lies in.
    ///
    /// ```
    /// let frame = bytes::Bytes::from(vec![7; 65_536]);
    /// let mut payload = synfin_wire::Payload::from(frame.slice(..100));
    /// payload.compact();
    /// assert!(frame.is_unique() && payload.len() == 100);
    /// ```
    #[cold]
    pub fn compact(&mut self) {
        *self = Payload::from(Bytes::from(self.to_vec()));
    }

    /// Drops everything past the first `len_bytes` bytes.
    #[inline]
    pub fn truncate(&mut self, len_bytes: usize) {
        match &mut self.0 {
            Pieces::One(piece) if len_bytes >= piece.len() => {}
            Pieces::One(piece) => piece.truncate(len_bytes),
            Pieces::Many(_) => self.truncate_many(len_bytes),
        }
    }

    #[cold]
    fn truncate_many(&mut self, len_bytes: usize) {
        if len_bytes < self.len() {
            *self = self.slice(0, len_bytes);
        }
    }

    /// Drops the first `len_bytes` bytes (all of them if there are fewer).
    pub fn advance(&mut self, len_bytes: usize) {
        match &mut self.0 {
            _ if len_bytes == 0 => {}
            Pieces::One(piece) => bytes::Buf::advance(piece, len_bytes.min(piece.len())),
            Pieces::Many(_) => self.advance_many(len_bytes),
        }
    }

    #[cold]
    fn advance_many(&mut self, len_bytes: usize) {
        let len = self.len();
        let skip = len_bytes.min(len);
        *self = self.slice(skip, len - skip);
    }

    /// A copy in one piece. For tests, ICMP quotations and other places where a copy costs little.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.len());
        self.pieces().for_each(|piece| out.extend_from_slice(piece));
        out
    }
}

/// Out of line, because nearly every payload is one piece.
#[cold]
fn len_of(pieces: &[Bytes]) -> usize {
    pieces.iter().map(Bytes::len).sum()
}

impl Default for Payload {
    fn default() -> Self {
        Payload::new()
    }
}

impl From<Bytes> for Payload {
    fn from(piece: Bytes) -> Self {
        Payload(Pieces::One(piece))
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
    fn a_payload_is_as_small_as_one_slice() {
        assert_eq!(size_of::<Payload>(), size_of::<Bytes>());
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
