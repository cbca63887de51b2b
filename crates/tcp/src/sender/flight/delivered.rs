//! What an acknowledgment says of a flight, in one value: [`Heard`].
//!
//! Detectors, recovery and controllers are told nothing else. SACK blocks that name nothing in flight are
//! ignored; where a block ends within a segment, only whole segments count (RFC 2018 §4 reports what arrived,
//! and what arrived were segments), so that a peer cannot make crumbs of our scoreboard.

use super::{Flight, Place, Run};
use crate::Instant;
use crate::sender::rate::Stamp;
use wire::Seq;
use wire::tcp::SackBlock;

/// No window is larger: what a block reports from farther back is not believed.
const REPORT_BYTES_MAX: u32 = 1 << 30;

/// What one acknowledgment said.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Heard {
    /// By how much SND.UNA moved.
    pub(crate) advanced_bytes: u32,
    /// Newly delivered, cumulatively or selectively.
    pub(crate) delivered_bytes: u32,
    /// How many segments that is.
    pub(crate) delivered_segments: u32,
    /// The most bytes that one of them had.
    pub(crate) segment_bytes: u16,
    /// Newly reported beyond SND.UNA.
    pub(crate) sacked_bytes: u32,
    /// Of what was delivered, the transmission that left last; one that cannot have been answered yet is left
    /// out (RFC 8985 §6.2, step 2).
    pub(crate) newest: Option<Newest>,
    /// When the newest of those left that were sent only once.
    pub(crate) fresh_sent_at: Option<Instant>,
    /// The highest end among them.
    pub(crate) fresh_end: Option<Seq>,
    /// The highest end of all that was delivered.
    pub(crate) highest_end: Option<Seq>,
    /// What was sent once arrived after something sent later (RFC 8985 §6.2, step 3).
    pub(crate) reordered: bool,
    /// Received twice (RFC 2883).
    pub(crate) duplicate: Option<SackBlock>,
    /// What the newest delivery had been sent with, for the delivery rate.
    pub(crate) stamp: Option<(Stamp, Instant)>,
}

/// The transmission that left last of those that were delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Newest {
    pub(crate) sent_at: Instant,
    pub(super) order: Seq,
    pub(crate) end: Seq,
}

impl Newest {
    /// Whether it left after `other` (RFC 8985 §6.2: of two sent at once the one with the larger number; but what
    /// was sent again left after everything that had been sent before, whatever its number).
    pub(crate) fn is_after(self, other: Newest) -> bool {
        let (order, end) = (self.order.offset_from(other.order), self.end.offset_from(other.end));
        (self.sent_at, order, end) > (other.sent_at, 0, 0)
    }
}

/// What tells whether a retransmission can have been answered.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Belief {
    /// When the segment was sent that the acknowledgment echoes, in milliseconds of our clock.
    pub(crate) echo_ms: Option<u32>,
    /// The smallest round-trip time.
    pub(crate) rtt_min_ns: u64,
}

impl Belief {
    fn is_answer_to(&self, run: &Run, now: Instant) -> bool {
        if run.times == 0 {
            return true;
        }
        let sent_ms = run.sent_at.as_millis() as u32;
        let echo_is_older = self.echo_ms.is_some_and(|echo| (echo.wrapping_sub(sent_ms) as i32) < 0);
        !echo_is_older && now.nanos_since(run.sent_at) >= self.rtt_min_ns
    }
}

impl Flight {
    /// The peer acknowledges everything before `ack`, and reports `blocks`.
    pub(crate) fn on_ack(&mut self, now: Instant, ack: Seq, blocks: &[SackBlock], belief: &Belief) -> Heard {
        let mut heard = Heard::default();
        let highest = self.highest;
        while let Some(first) = self.runs.first_mut().filter(|first| first.start.before(ack)) {
            let first_end = first.end;
            let mut part = Run { end: first_end.earliest(ack), ..*first };
            heard.advanced_bytes += part.bytes();
            if part.end == first_end {
                self.runs.pop();
            } else {
                first.start = ack;
                part.stamp.cut(first_end.bytes_since(ack));
            }
            match part.place {
                Place::Sacked => {
                    self.sacked_bytes -= part.bytes();
                    if part.end == first_end {
                        self.sacked_segments -= part.sacked_segments;
                    }
                }
                _ => self.deliver(now, &part, highest, belief, &mut heard),
            }
        }
        if heard.advanced_bytes > 0 {
            self.highest = self.highest.latest(ack);
            self.undecided = self.undecided.latest(ack);
            self.lost_from = self.lost_from.latest(ack);
            while self.again.front().is_some_and(|again| again.end.at_or_before(ack)) {
                self.again.pop_front();
            }
        }
        if !blocks.is_empty() {
            self.on_blocks(now, ack, blocks, highest, belief, &mut heard);
        }
        heard
    }

    #[inline(never)]
    fn on_blocks(
        &mut self,
        now: Instant,
        ack: Seq,
        blocks: &[SackBlock],
        highest: Seq,
        belief: &Belief,
        heard: &mut Heard,
    ) {
        heard.duplicate = duplicate(ack, blocks);
        let news = if heard.duplicate.is_some() { &blocks[1..] } else { blocks };
        for block in news {
            let una = self.runs.first().map_or(self.end, |first| first.start);
            let is_ours = block.left.before(block.right)
                && block.left.at_or_after(una)
                && block.right.at_or_before(self.end)
                && block.right.bytes_since(una) <= REPORT_BYTES_MAX;
            if is_ours {
                self.on_block(now, *block, highest, belief, heard);
            }
        }
    }

    fn on_block(&mut self, now: Instant, block: SackBlock, highest: Seq, belief: &Belief, heard: &mut Heard) {
        let mut index = self.index_of(block.left);
        while let Some(run) = self.runs.get(index).filter(|run| run.start.before(block.right)) {
            let (left, right) = (block.left.latest(run.start), block.right.earliest(run.end));
            let from = if self.fin == Some(left) { left } else { run.boundary_from(left) };
            let to = if self.fin == Some(right) { right } else { run.boundary_until(right) };
            if run.place == Place::Sacked || !from.before(to) {
                index += 1;
                continue;
            }
            index = self.split(from);
            self.split(to);
            let run = self.runs[index];
            self.deliver(now, &run, highest, belief, heard);
            heard.sacked_bytes += run.bytes();
            self.sacked_bytes += run.bytes();
            self.highest = self.highest.latest(run.end);
            let segments = run.bytes().div_ceil(u32::from(run.segment_bytes.max(1)));
            self.sacked_segments += segments;
            (self.runs[index].place, self.runs[index].sacked_segments) = (Place::Sacked, segments);
            index = self.join_sacked(index) + 1;
        }
    }

    /// Makes one run of a SACKed one and its SACKed neighbours; returns where it is now.
    fn join_sacked(&mut self, index: usize) -> usize {
        if let Some(next) = self.runs.get(index + 1).filter(|next| next.place == Place::Sacked) {
            let (end, segments) = (next.end, next.sacked_segments);
            self.runs[index].end = end;
            self.runs[index].sacked_segments += segments;
            self.runs.remove(index + 1);
        }
        let (end, segments) = (self.runs[index].end, self.runs[index].sacked_segments);
        match index.checked_sub(1).and_then(|before| self.runs.get_mut(before)) {
            Some(before) if before.place == Place::Sacked => {
                before.end = end;
                before.sacked_segments += segments;
                self.runs.remove(index);
                index - 1
            }
            _ => index,
        }
    }

    /// A run, or a part of one, is with the peer.
    fn deliver(&mut self, now: Instant, run: &Run, highest: Seq, belief: &Belief, heard: &mut Heard) {
        let bytes = run.bytes();
        match run.place {
            Place::InFlight => {
                self.in_flight_bytes -= bytes;
                if run.times > 0 {
                    self.resent_bytes -= bytes;
                }
            }
            Place::Lost(_) => self.lost_bytes -= bytes,
            Place::Sacked => {}
        }
        heard.delivered_bytes += bytes;
        heard.delivered_segments += bytes.div_ceil(u32::from(run.segment_bytes.max(1)));
        heard.segment_bytes = heard.segment_bytes.max(bytes.min(run.segment_bytes.into()) as u16);
        self.rate.on_delivered(now, bytes);
        let order = (run.sent_at, run.stamp.delivered);
        if heard.stamp.is_none_or(|(stamp, sent_at)| (sent_at, stamp.delivered) <= order) {
            heard.stamp = Some((run.stamp, run.sent_at));
        }
        let further = |end: Option<Seq>| Some(end.map_or(run.end, |end| end.latest(run.end)));
        heard.highest_end = further(heard.highest_end);
        if run.times == 0 {
            heard.reordered |= run.end.before(highest);
            heard.fresh_sent_at = heard.fresh_sent_at.max(Some(run.sent_at));
            heard.fresh_end = further(heard.fresh_end);
        }
        let is_newer = heard.newest.is_none_or(|newest| !newest.is_after(run.newest()));
        if is_newer && belief.is_answer_to(run, now) {
            heard.newest = Some(run.newest());
        }
    }
}

/// The block that reports what arrived twice: the first, below what is acknowledged or within the second
/// (RFC 2883 §4).
fn duplicate(ack: Seq, blocks: &[SackBlock]) -> Option<SackBlock> {
    let first = *blocks.first()?;
    let is_below = first.right.at_or_before(ack) && ack.bytes_since(first.left) <= REPORT_BYTES_MAX;
    let is_within = blocks
        .get(1)
        .is_some_and(|second| second.left.at_or_before(first.left) && first.right.at_or_before(second.right));
    (first.left.before(first.right) && (is_below || is_within)).then_some(first)
}
