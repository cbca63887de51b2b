//! What an acknowledgment says of the segments in flight: which of their sendings were delivered (RFC 2018,
//! RFC 8985 §6.2).

use super::unacked::{Entry, Unacked};
use crate::why::Sending;
use wire::Seq;
use wire::tcp::SackBlock;

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
    fn is_open(&self) -> bool {
        !self.is_resent && !self.is_delivered
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
        let mut delivery = Delivery::default();
        let (highest, is_in_order) = (self.highest_delivered, self.is_in_order());
        let reported = blocks.iter().map(|block| block.right).fold(ack, Seq::latest);
        let known = highest.map_or(reported, |highest| highest.latest(reported));
        // Nothing is known of what begins there or later.
        let is_beyond = |entry: &&mut Entry| is_in_order && entry.seq.at_or_after(known);
        for entry in self.entries.iter_mut().take_while(|entry| !is_beyond(entry)) {
            if !entry.seq.before(entry.end) {
                continue;
            }
            let holds = |block: &&SackBlock| block.left.before(entry.end) && entry.seq.before(block.right);
            let is_acked = entry.end.at_or_before(ack);
            let block = blocks.iter().find(holds);
            let is_whole = is_acked
                || block.is_some_and(|block| {
                    block.left.at_or_before(entry.seq) && entry.end.at_or_before(block.right)
                });
            let is_news = !entry.is_delivered && (block.is_some() || entry.seq.before(ack));
            if is_news && !entry.is_resent {
                let is_fresh = !entry.is_again && !entry.is_touched;
                delivery.fresh = if is_fresh { Some(entry.sending()) } else { delivery.fresh };
                delivery.reordered |= is_fresh && highest.is_some_and(|highest| entry.end.before(highest));
                if !entry.is_again || answers(entry.sending()) {
                    // what is missing of a super-segment was overtaken by what arrived of it
                    let is_part =
                        block.is_some() && !is_whole && entry.end.bytes_since(entry.seq) > mss_bytes;
                    let Sending { time_ns, frame } = entry.sending();
                    delivery.newest = Some(Sending { time_ns, frame: frame.saturating_add(is_part.into()) });
                }
            }
            entry.is_touched |= is_news;
            entry.is_delivered |= is_whole;
            // of a super-segment a part may be there; most of what is in flight is not touched, and costs no division
            if !entry.is_resent && !is_acked && (entry.is_delivered || block.is_some()) {
                let bytes = match entry.is_delivered {
                    true => entry.end.bytes_since(entry.seq),
                    false => blocks.iter().map(|block| entry.overlap_bytes(block)).sum(),
                };
                delivery.sacked_segments += bytes.div_ceil(mss_bytes.max(1));
            }
        }
        self.highest_delivered = Some(known);
        delivery
    }

    /// The first sending that is not known to have arrived, was not sent again, and for which `asked` holds.
    pub(crate) fn oldest_open(&self, asked: impl Fn(Sending) -> bool) -> Option<Sending> {
        self.entries
            .iter()
            .filter(|entry| entry.is_open())
            .map(Entry::sending)
            .find(|sending| asked(*sending))
    }
}
