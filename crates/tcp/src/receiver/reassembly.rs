//! Segments that arrived before their turn, until the hole in front of them is filled.
//!
//! RFC 9293 §3.10.7.4 (SHLD-31) keeps them; what overlaps is trimmed, and the byte that came first wins: against what
//! comes later out of order, and against what fills the hole in front of it. This is one rule, the one that the RFC's "only
//! what is new is taken" says, what SACK has told the peer, and what every monitor on the way can follow, because it has seen
//! the first byte, too: where a host and a monitor differ in what they believe of an overlap, text can be hidden from the
//! monitor. (Linux has two rules: what fills a hole wins against what was kept behind it.)
//!
//! The receive window bounds the bytes, [`pieces_max`] the pieces: a peer sending every second
//! byte of its window is refused rather than served. What to tell the peer is in `sack.rs`.

use alloc::collections::VecDeque;
use bytes::Bytes;
use wire::tcp::SackBlock;
use wire::{Payload, Seq};

/// How many separate pieces are held at least.
const PIECES_MIN: usize = 8_192;
/// Of larger buffers: a piece for so many bytes. A third of a segment of Ethernet's size; more pieces come from a
/// peer that sends crumbs, and cost more than the data is worth.
const BYTES_PER_PIECE: usize = 512;

/// How many separate pieces are held for a receive buffer of this size: a window of 4 MiB is 2,900 full segments of
/// Ethernet's size, one of 32 MiB 23,000.
pub(crate) fn pieces_max(buffer_bytes: u32) -> usize {
    (buffer_bytes as usize / BYTES_PER_PIECE).max(PIECES_MIN)
}
/// Payloads below this size are copied into a buffer of their own size when held.
const KEEP_BYTES_MIN: usize = 512;

/// One run of bytes without a hole, as it arrived.
#[derive(Debug)]
struct Held {
    seq: Seq,
    payload: Payload,
    len_bytes: u32,
}

impl Held {
    fn end(&self) -> Seq {
        self.seq + self.len_bytes
    }
}

/// What became of an arriving piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Insertion {
    /// Kept; `run` is the run of held bytes that it now belongs to.
    Kept {
        /// The whole run without a hole around the piece.
        run: SackBlock,
        /// The first part that was held already, for D-SACK.
        duplicate: Option<SackBlock>,
    },
    /// Everything in it was held already.
    Duplicate {
        /// The whole run without a hole around the piece.
        run: SackBlock,
        /// The first part of the piece, as it is held.
        block: SackBlock,
    },
    /// There are too many pieces already.
    NoRoom,
}

/// Adds one part of a segment that was held already to the first of them, if it belongs to it: the next piece of a run does.
pub(super) fn note_part(first: &mut Option<SackBlock>, part: SackBlock) {
    match first {
        Some(first) if first.right == part.left => first.right = part.right,
        Some(_) => {}
        None => *first = Some(part),
    }
}

/// Out-of-order pieces, sorted and without overlap, all after RCV.NXT.
#[derive(Debug, Default)]
pub(crate) struct Reassembly {
    held: VecDeque<Held>,
    pieces: usize,
}

impl Reassembly {
    pub(crate) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// How many bytes are held.
    pub(crate) fn bytes(&self) -> usize {
        self.held.iter().map(|held| held.len_bytes as usize).sum()
    }

    /// Keeps `payload`, whose first byte is `seq` and which lies after RCV.NXT, unless `pieces_max` are held already.
    pub(crate) fn insert(&mut self, seq: Seq, payload: &Payload, pieces_max: usize) -> Insertion {
        let (mut at, end) = (seq, seq + payload.len() as u32);
        let mut index = self.held.partition_point(|held| held.end().at_or_before(seq));
        let mut duplicate = None;
        let mut kept = false;
        while at.before(end) {
            let next = self.held.get(index).map(|held| (held.seq, held.end()));
            match next {
                Some((start, stop)) if start.at_or_before(at) => {
                    let right = stop.earliest(end);
                    note_part(&mut duplicate, SackBlock { left: at, right });
                    (at, index) = (right, index + 1);
                }
                _ => {
                    if self.pieces >= pieces_max {
                        return if kept { self.kept(seq, duplicate) } else { Insertion::NoRoom };
                    }
                    let right = next.map_or(end, |(start, _)| start.earliest(end));
                    let part = payload.slice(at.bytes_since(seq) as usize, right.bytes_since(at) as usize);
                    index = self.place(index, at, part) + 1;
                    (at, kept) = (right, true);
                }
            }
        }
        if kept {
            self.kept(seq, duplicate)
        } else {
            let block = duplicate.unwrap_or(SackBlock { left: seq, right: end });
            Insertion::Duplicate { run: self.run_around(seq), block }
        }
    }

    fn kept(&self, seq: Seq, duplicate: Option<SackBlock>) -> Insertion {
        Insertion::Kept { run: self.run_around(seq), duplicate }
    }

    /// Puts a part that overlaps nothing before `index`, or at the end of the run before it; returns
    /// where it is now.
    fn place(&mut self, index: usize, seq: Seq, part: Payload) -> usize {
        let len_bytes = part.len() as u32;
        let part = if part.len() < KEEP_BYTES_MIN { Payload::from(Bytes::from(part.to_vec())) } else { part };
        self.pieces += part.pieces().count();
        if let Some(before) = index.checked_sub(1).and_then(|before| self.held.get_mut(before))
            && before.end() == seq
        {
            before.len_bytes += len_bytes;
            part.into_pieces().for_each(|piece| before.payload.push(piece));
            return index - 1;
        }
        self.held.insert(index, Held { seq, payload: part, len_bytes });
        index
    }

    /// The run without a hole that `seq` lies in.
    fn run_around(&self, seq: Seq) -> SackBlock {
        let index = self.held.partition_point(|held| held.end().at_or_before(seq));
        let Some(held) = self.held.get(index) else { return SackBlock { left: seq, right: seq } };
        let mut run = SackBlock { left: held.seq, right: held.end() };
        for before in self.held.range(..index).rev() {
            if before.end() != run.left {
                break;
            }
            run.left = before.seq;
        }
        for after in self.held.range(index + 1..) {
            if after.seq != run.right {
                break;
            }
            run.right = after.end();
        }
        run
    }

    /// The run without a hole that ends at `end`.
    pub(crate) fn run_until(&self, end: Seq) -> Option<SackBlock> {
        Some(self.run_around(end - 1)).filter(|run| run.left.before(end) && run.right == end)
    }

    /// Where the first of them begins.
    pub(crate) fn first(&self) -> Option<Seq> {
        self.held.front().map(|held| held.seq)
    }

    /// Takes out the first run if its turn has come; trims what lies before `next`.
    pub(crate) fn take(&mut self, next: Seq) -> Option<Payload> {
        while self.held.front()?.seq.at_or_before(next) {
            let mut first = self.held.pop_front()?;
            self.pieces -= first.payload.pieces().count();
            if first.end().after(next) {
                first.payload.advance(next.bytes_since(first.seq) as usize);
                return Some(first.payload);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    fn stream(from: u32, len: u32) -> Payload {
        Bytes::from((from..from + len).map(|at| (at % 251) as u8).collect::<Vec<u8>>()).into()
    }

    proptest! {
        #[test]
        fn any_order_and_overlap_gives_the_stream(
            base in any::<u32>(),
            segments in proptest::collection::vec((0u32..4_000, 1u32..1_500), 1..60),
        ) {
            let base = Seq::new(base);
            let (mut reassembly, mut next, mut out) = (Reassembly::default(), base, Vec::new());
            for (from, len) in segments.into_iter().chain([(0, 6_000)]) {
                let mut payload = stream(from, len);
                let mut seq = base + from;
                if seq.before(next) {
                    payload.advance(next.bytes_since(seq) as usize);
                    seq = next;
                }
                if payload.is_empty() {
                    continue;
                }
                if seq == next {
                    next += payload.len() as u32;
                    out.extend(payload.to_vec());
                } else {
                    match reassembly.insert(seq, &payload, PIECES_MIN) {
                        Insertion::Kept { run, .. } => {
                            prop_assert!(run.left.at_or_before(seq) && run.right.at_or_after(seq + payload.len() as u32));
                        }
                        Insertion::Duplicate { block, .. } => prop_assert_eq!(block.left, seq),
                        Insertion::NoRoom => prop_assert!(false, "60 segments fit"),
                    }
                }
                while let Some(held) = reassembly.take(next) {
                    next += held.len() as u32;
                    out.extend(held.to_vec());
                }
            }
            prop_assert!(reassembly.is_empty());
            prop_assert_eq!(reassembly.pieces, 0);
            prop_assert_eq!(&out, &stream(0, out.len() as u32).to_vec());
        }
    }

    #[test]
    fn crumbs_are_refused_when_there_are_too_many() {
        let mut reassembly = Reassembly::default();
        for index in 0..PIECES_MIN as u32 {
            assert!(matches!(
                reassembly.insert(Seq::new(index * 2), &stream(0, 1), PIECES_MIN),
                Insertion::Kept { .. }
            ));
        }
        assert_eq!(reassembly.insert(Seq::new(1_000_001), &stream(0, 1), PIECES_MIN), Insertion::NoRoom);
    }
}
