//! Segments that arrived before their turn, until the hole in front of them is filled.
//!
//! RFC 9293 §3.10.7.4 (SHLD-31) keeps them; what overlaps is trimmed, and the byte that came first wins: against what
//! comes later out of order, and against what fills the hole in front of it. This is one rule, the one that the RFC's "only
//! what is new is taken" says, what SACK has told the peer, and what every monitor on the way can follow, because it has seen
//! the first byte, too: where a host and a monitor differ in what they believe of an overlap, text can be hidden from the
//! monitor. (Linux has two rules: what fills a hole wins against what was kept behind it.)
//!
//! The receive window bounds the bytes, [`pieces_max`] the pieces: a peer sending every second
//! byte of its window is refused rather than served. Each piece is a copy of its own, so that what is held is what is
//! counted: the frame it came in may be much larger, and stays in memory as long as any part of it does. What to tell
//! the peer is in `sack.rs`.

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

/// A piece of a segment, as it arrived.
#[derive(Debug)]
struct Held {
    seq: Seq,
    text: Bytes,
}

impl Held {
    fn end(&self) -> Seq {
        self.seq + self.text.len() as u32
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
    /// The runs without a hole that the pieces make up, in order.
    runs: VecDeque<SackBlock>,
    bytes: usize,
}

impl Reassembly {
    pub(crate) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// How many bytes of text are held.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// In how many pieces.
    pub(crate) fn pieces(&self) -> usize {
        self.held.len()
    }

    /// How many bytes of memory that takes.
    pub(crate) fn held_bytes(&self) -> usize {
        let tables = self.held.capacity() * size_of::<Held>() + self.runs.capacity() * size_of::<SackBlock>();
        self.bytes + tables
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
                    if self.held.len() >= pieces_max {
                        return if kept { self.kept(seq, duplicate) } else { Insertion::NoRoom };
                    }
                    let right = next.map_or(end, |(start, _)| start.earliest(end));
                    let part = payload.slice(at.bytes_since(seq) as usize, right.bytes_since(at) as usize);
                    self.place(index, at, &part);
                    (at, index, kept) = (right, index + 1, true);
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

    /// Puts a copy of a part that overlaps nothing before the piece with the number `index`.
    fn place(&mut self, index: usize, seq: Seq, part: &Payload) {
        let text = Bytes::from(part.to_vec());
        self.bytes += text.len();
        self.note_run(SackBlock { left: seq, right: seq + text.len() as u32 });
        self.held.insert(index, Held { seq, text });
    }

    /// `new` overlaps none of the runs: it joins those that it touches.
    fn note_run(&mut self, new: SackBlock) {
        let index = self.runs.partition_point(|run| run.right.before(new.left));
        let touches_before = self.runs.get(index).is_some_and(|run| run.right == new.left);
        let after = if touches_before { index + 1 } else { index };
        let touches_after = self.runs.get(after).is_some_and(|run| run.left == new.right);
        match (touches_before, touches_after) {
            (true, true) => {
                let joined = self.runs.remove(after).map_or(new.right, |run| run.right);
                self.runs[index].right = joined;
            }
            (true, false) => self.runs[index].right = new.right,
            (false, true) => self.runs[after].left = new.left,
            (false, false) => self.runs.insert(index, new),
        }
    }

    /// The run without a hole that `seq` lies in.
    fn run_around(&self, seq: Seq) -> SackBlock {
        let index = self.runs.partition_point(|run| run.right.at_or_before(seq));
        let run = self.runs.get(index).filter(|run| run.left.at_or_before(seq));
        run.copied().unwrap_or(SackBlock { left: seq, right: seq })
    }

    /// The run without a hole that ends at `end`.
    pub(crate) fn run_until(&self, end: Seq) -> Option<SackBlock> {
        Some(self.run_around(end - 1)).filter(|run| run.left.before(end) && run.right == end)
    }

    /// Where the first of them begins.
    pub(crate) fn first(&self) -> Option<Seq> {
        self.held.front().map(|held| held.seq)
    }

    /// Takes out the first piece if its turn has come; trims what lies before `next`.
    pub(crate) fn take(&mut self, next: Seq) -> Option<Bytes> {
        while self.held.front()?.seq.at_or_before(next) {
            let first = self.held.pop_front()?;
            self.bytes -= first.text.len();
            self.trim_runs(first.end());
            if first.end().after(next) {
                let mut text = first.text;
                bytes::Buf::advance(&mut text, next.bytes_since(first.seq) as usize);
                return Some(text);
            }
        }
        None
    }

    /// Everything before `next` was taken.
    fn trim_runs(&mut self, next: Seq) {
        while let Some(first) = self.runs.front_mut() {
            if first.right.after(next) {
                first.left = first.left.latest(next);
                break;
            }
            self.runs.pop_front();
        }
    }

    /// Drops the highest pieces until at most `bytes_max` of text are held; returns where what is held ends now, if
    /// anything was dropped.
    pub(crate) fn prune(&mut self, bytes_max: usize) -> Option<Seq> {
        let mut end = None;
        while self.bytes > bytes_max {
            let last = self.held.pop_back()?;
            self.bytes -= last.text.len();
            end = Some(last.seq);
        }
        let end = end?;
        while let Some(last) = self.runs.back_mut().filter(|run| run.right.after(end)) {
            if last.left.before(end) {
                last.right = end;
                break;
            }
            self.runs.pop_back();
        }
        self.held.shrink_to(2 * self.held.len());
        self.runs.shrink_to(2 * self.runs.len());
        Some(self.held.back().map_or(end, Held::end))
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
            prop_assert_eq!((reassembly.bytes, reassembly.runs.len()), (0, 0));
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

    #[test]
    fn pieces_in_reverse_make_one_run() {
        let mut reassembly = Reassembly::default();
        for index in (1..=100u32).rev() {
            let seq = Seq::new(index * 10);
            let run = SackBlock { left: seq, right: Seq::new(1_010) };
            let insertion = reassembly.insert(seq, &stream(0, 10), PIECES_MIN);
            assert_eq!(insertion, Insertion::Kept { run, duplicate: None });
        }
        assert_eq!((reassembly.runs.len(), reassembly.bytes()), (1, 1_000));
    }

    #[test]
    fn the_highest_are_pruned_first_and_the_runs_end_where_the_text_does() {
        let mut reassembly = Reassembly::default();
        for seq in [100, 110, 300, 310] {
            reassembly.insert(Seq::new(seq), &stream(0, 10), PIECES_MIN);
        }
        assert_eq!(reassembly.prune(40), None);
        assert_eq!(reassembly.prune(35), Some(Seq::new(310)));
        assert_eq!(reassembly.run_around(Seq::new(300)).right, Seq::new(310));
        assert_eq!(reassembly.prune(20), Some(Seq::new(120)));
        assert_eq!((reassembly.runs.len(), reassembly.bytes()), (1, 20));
        assert_eq!(reassembly.prune(0), Some(Seq::new(100)));
        assert!(reassembly.is_empty() && reassembly.runs.is_empty());
    }

    #[test]
    fn a_piece_does_not_keep_the_frame_that_it_came_in() {
        let frame = Bytes::from(alloc::vec![7; 65_536]);
        let mut reassembly = Reassembly::default();
        reassembly.insert(Seq::new(1), &frame.slice(..600).into(), PIECES_MIN);
        assert!(frame.is_unique(), "the piece is a copy");
        assert!(reassembly.held_bytes() < 1_200, "{}", reassembly.held_bytes());
    }
}
