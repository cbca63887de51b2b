//! What an end sent and the capture did not show: missing for good, or only late.

use crate::live::Seen;
use crate::{Frame, Segment};
use wire::Seq;
use wire::tcp::Flags;

/// Gaps followed at once; a capture with more has lost so much that the exact number says nothing.
const GAPS_MAX: usize = 16;
/// Numbers that are farther away are of another connection, or forged.
const GAP_BYTES_MAX: u32 = 1 << 28;
/// Text that comes to the capture later than this after its acknowledgment was sent again, or never left late.
const LATE_NS_MAX: u64 = 1_000_000_000;

/// The gaps of one direction.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gaps {
    open: Vec<Gap>,
    /// Everything below is seen, or in a gap.
    top: Seq,
    missing: Seen,
    missing_bytes: u64,
    /// Segments that came after their own acknowledgment, and the longest time after it.
    pub(crate) late: Seen,
    pub(crate) late_ns_max: u64,
}

/// Bytes that were not seen.
#[derive(Clone, Copy, Debug)]
struct Gap {
    left: Seq,
    right: Seq,
    /// When and by which frame they were acknowledged; frame 0 for not.
    acked_ns: u64,
    acked_frame: Frame,
}

/// It leaves out what comes next.
fn skips(segment: &Segment, next: Seq) -> bool {
    let is_text = segment.sequence_bytes() > 0 && !segment.flags.intersects(Flags::SYN | Flags::RST);
    is_text && is_beyond(segment.seq, next)
}

fn is_beyond(seq: Seq, next: Seq) -> bool {
    seq.after(next) && seq.bytes_since(next) < GAP_BYTES_MAX
}

impl Gaps {
    /// What there is to follow when the sender of this direction skips something; `None` where it does not.
    pub(super) fn opened_by_text(segment: &Segment, next: Option<Seq>) -> Option<Gaps> {
        next.filter(|next| skips(segment, *next)).map(|top| Gaps { top, ..Gaps::default() })
    }

    /// The sender of this direction sends: a gap opens before it, or it fills one.
    pub(super) fn on_text(&mut self, segment: &Segment, next: Option<Seq>) {
        if segment.sequence_bytes() == 0 || segment.flags.intersects(Flags::SYN | Flags::RST) {
            return;
        }
        self.fill(segment);
        if next.is_some_and(|next| skips(segment, next)) && segment.seq.after(self.top) {
            self.open(Gap { left: self.top, right: segment.seq, acked_ns: 0, acked_frame: 0 });
        }
        self.top = self.top.latest(segment.end());
    }

    /// What there is to follow when the other end has what was not seen; `None` where it has not.
    ///
    /// `has_text`: text of this direction was seen; before it, a probe with the number before the next looks as if a
    /// byte were missing.
    pub(super) fn opened_by_ack(segment: &Segment, next: Seq, has_text: bool) -> Option<Gaps> {
        let is_of_probe = !has_text && segment.ack == next + 1;
        (!is_of_probe && is_beyond(segment.ack, next)).then(|| Gaps { top: next, ..Gaps::default() })
    }

    /// The other end acknowledges: what it has and was not seen is missing, or late.
    pub(super) fn on_ack(&mut self, segment: &Segment, next: Seq) {
        let (now_ns, frame) = (segment.time.as_nanos(), segment.frame);
        for gap in
            self.open.iter_mut().filter(|gap| gap.acked_frame == 0 && gap.right.at_or_before(segment.ack))
        {
            (gap.acked_ns, gap.acked_frame) = (now_ns, frame);
        }
        if is_beyond(segment.ack, next) && segment.ack.after(self.top) {
            self.open(Gap { left: self.top, right: segment.ack, acked_ns: now_ns, acked_frame: frame });
            self.top = segment.ack;
        }
    }

    fn open(&mut self, gap: Gap) {
        if self.open.len() == GAPS_MAX {
            let oldest = self.open.remove(0);
            self.give_up(&oldest);
        }
        self.open.push(gap);
    }

    fn fill(&mut self, segment: &Segment) {
        let (left, right, now_ns) = (segment.seq, segment.end(), segment.time.as_nanos());
        let mut rest = None;
        for gap in &mut self.open {
            if !(left.before(gap.right) && gap.left.before(right)) {
                continue;
            }
            let after_ns = now_ns.saturating_sub(gap.acked_ns);
            if gap.acked_frame != 0 && after_ns <= LATE_NS_MAX {
                self.late.note(segment.frame);
                self.late_ns_max = self.late_ns_max.max(after_ns);
            }
            if left.after(gap.left) && right.before(gap.right) {
                rest = Some(Gap { left: right, ..*gap });
            }
            match left.after(gap.left) {
                true => gap.right = left,
                false => gap.left = right.latest(gap.left),
            }
        }
        self.open.retain(|gap| gap.left.before(gap.right));
        if let Some(rest) = rest {
            self.open(rest);
        }
    }

    /// It was acknowledged and never seen, or just lost.
    fn give_up(&mut self, gap: &Gap) {
        if gap.acked_frame != 0 {
            self.missing.note(gap.acked_frame);
            self.missing_bytes += u64::from(gap.right.bytes_since(gap.left));
        }
    }

    /// What is missing for good, and how many bytes of it.
    pub(crate) fn missing(&self) -> (Seen, u64) {
        let mut all = Gaps { missing: self.missing, missing_bytes: self.missing_bytes, ..Gaps::default() };
        self.open.iter().for_each(|gap| all.give_up(gap));
        (all.missing, all.missing_bytes)
    }
}
