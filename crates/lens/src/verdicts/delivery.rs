//! What an acknowledgment says of the segments in flight: which of their sendings were delivered (RFC 2018,
//! RFC 8985 §6.2).

use super::unacked::{Entry, Unacked, older};
use crate::Frame;
use crate::why::{Overdue, Sending};
use wire::Seq;
use wire::tcp::{SackBlock, SackBlocks};

/// What one acknowledgment says of what is in flight.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Delivery {
    /// The latest sending of which something new was delivered.
    pub(crate) newest: Option<Sending>,
    /// The latest of them that was the only one of its bytes: it says how long a round trip takes.
    pub(crate) fresh: Option<Sending>,
    /// Something that was sent once arrived after something sent later.
    pub(crate) reordered: bool,
    /// Segments beyond the acknowledgment that the receiver has.
    pub(crate) sacked_segments: u32,
}

impl Entry {
    fn sending(&self) -> Sending {
        Sending { time_ns: self.time_ns, frame: self.frame }
    }

    fn overlap_bytes(&self, block: &SackBlock) -> u32 {
        block.right.earliest(self.end).offset_from(block.left.latest(self.seq)).max(0).cast_unsigned()
    }

    /// It was not sent again and is not known to have arrived.
    pub(super) fn is_open(&self) -> bool {
        !self.is_resent && !self.is_delivered
    }

    /// It has arrived and was not sent again: so the receiver reports it, until it is acknowledged.
    pub(super) fn is_sacked(&self) -> bool {
        self.is_delivered && !self.is_resent
    }

    /// How many segments of a size it is, when it is a super-segment. Nearly none is, and that costs no division.
    pub(super) fn segments(&self, mss_bytes: u32) -> u32 {
        segments(self.end.bytes_since(self.seq), mss_bytes)
    }
}

fn segments(bytes: u32, mss_bytes: u32) -> u32 {
    if bytes <= mss_bytes { u32::from(bytes > 0) } else { bytes.div_ceil(mss_bytes.max(1)) }
}

/// What an acknowledgment reports, and what was concluded from it so far.
struct Report<'a, F> {
    ack: Seq,
    /// In the order in which they were written.
    blocks: &'a [SackBlock],
    mss_bytes: u32,
    /// What was known to have arrived before.
    highest: Option<Seq>,
    /// Whether the acknowledgment can answer a retransmission.
    answers: F,
    delivery: Delivery,
    /// The frames of the newest and of the fresh one: segments are not looked at in the order of capture.
    newest_frame: Frame,
    fresh_frame: Frame,
}

impl<F: Fn(Sending) -> bool> Report<'_, F> {
    /// Looks at a segment that is not known to have arrived.
    fn see(&mut self, entry: &mut Entry) {
        let block =
            self.blocks.iter().find(|block| block.left.before(entry.end) && entry.seq.before(block.right));
        let is_acked = entry.end.at_or_before(self.ack);
        let is_whole = is_acked
            || block.is_some_and(|block| {
                block.left.at_or_before(entry.seq) && entry.end.at_or_before(block.right)
            });
        let is_news = block.is_some() || entry.seq.before(self.ack);
        if is_news && !entry.is_resent {
            let is_fresh = !entry.is_again && !entry.is_touched;
            if is_fresh && entry.frame >= self.fresh_frame {
                (self.delivery.fresh, self.fresh_frame) = (Some(entry.sending()), entry.frame);
            }
            self.delivery.reordered |=
                is_fresh && self.highest.is_some_and(|highest| entry.end.before(highest));
            if entry.frame >= self.newest_frame && (!entry.is_again || (self.answers)(entry.sending())) {
                // what is missing of a super-segment was overtaken by what arrived of it
                let is_part =
                    block.is_some() && !is_whole && entry.end.bytes_since(entry.seq) > self.mss_bytes;
                let Sending { time_ns, frame } = entry.sending();
                let frame = frame.saturating_add(is_part.into());
                (self.delivery.newest, self.newest_frame) = (Some(Sending { time_ns, frame }), entry.frame);
            }
        }
        entry.is_touched |= is_news;
        entry.is_delivered |= is_whole;
        // of a super-segment a part may be there
        if !entry.is_resent && !entry.is_delivered && block.is_some() {
            let bytes = self.blocks.iter().map(|block| entry.overlap_bytes(block)).sum();
            self.delivery.sacked_segments += segments(bytes, self.mss_bytes);
        }
    }
}

impl Unacked {
    /// Everything before `ack` and `blocks` are with the receiver; `answers` says whether the acknowledgment can
    /// answer a retransmission. Call it before [`Unacked::acknowledge`].
    pub(crate) fn deliver(
        &mut self,
        ack: Seq,
        blocks: &[SackBlock],
        mss_bytes: u32,
        answers: impl Fn(Sending) -> bool,
    ) -> Delivery {
        let more = self.more.get_or_insert_default();
        let highest = more.highest_delivered;
        let reported = blocks.iter().map(|block| block.right).fold(ack, Seq::latest);
        let known = highest.map_or(reported, |highest| highest.latest(reported));
        let mut report = Report {
            ack,
            blocks,
            mss_bytes,
            highest,
            answers,
            delivery: Delivery::default(),
            newest_frame: 0,
            fresh_frame: 0,
        };
        let sorted = by_left_edge(ack, blocks);
        let sorted = sorted.as_slice();
        let mut sacked = self.first.look(ack, sorted, known, mss_bytes, |entry| report.see(entry));
        sacked += more.second.look(ack, sorted, known, mss_bytes, |entry| report.see(entry));
        for entry in more.rest.iter_mut().filter(|entry| entry.seq.before(entry.end)) {
            if !entry.is_delivered {
                report.see(entry);
            }
            sacked += if entry.is_sacked() && entry.end.after(ack) { entry.segments(mss_bytes) } else { 0 };
        }
        more.highest_delivered = Some(known);
        report.delivery.sacked_segments += sacked;
        report.delivery
    }

    /// The first sending that is not known to have arrived, was not sent again, and that is not overdue.
    pub(crate) fn oldest_open(&self, overdue: Option<Overdue>) -> Option<Sending> {
        let covered = |entry: &Entry| overdue.is_some_and(|overdue| overdue.covers(entry.sending()));
        let first = self.first.oldest_open(covered);
        let oldest = match &self.more {
            None => first,
            Some(more) => {
                let rest = more.rest.iter().find(|entry| entry.is_open() && !covered(entry));
                older(older(first, more.second.oldest_open(covered)), rest)
            }
        };
        oldest.map(Entry::sending)
    }
}

/// The blocks in the order of their left edges, counted from `ack`.
fn by_left_edge(ack: Seq, blocks: &[SackBlock]) -> SackBlocks {
    let mut sorted = SackBlocks::default();
    let mut after = None;
    for _ in blocks {
        let key = |at: usize| (blocks[at].left.offset_from(ack), at);
        let next = (0..blocks.len()).map(key).filter(|key| after.is_none_or(|after| *key > after)).min();
        let Some((_, at)) = next else { break };
        sorted.push(blocks[at]);
        after = next;
    }
    sorted
}
