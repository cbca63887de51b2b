//! What was known before a segment: gathered once, and handed to all the rooms that conclude something from it.

use super::Live;
use crate::ends::Numbers;
use crate::limits::TRAVEL_NS_MIN;
use crate::why::Sending;
use crate::{Segment, Side};
use tcp::state::State;
use wire::Seq;

/// What was known before the segment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Before {
    /// The latest time of the connection's segments, in nanoseconds.
    pub(crate) previous_ns: u64,
    /// One past the highest byte that the sender had sent, and when it was sent.
    pub(crate) next_seq: Option<Seq>,
    pub(crate) next_seq_time_ns: u64,
    /// What the sender had acknowledged, if it ever did.
    pub(crate) last_ack: Option<Seq>,
    /// What the other end had acknowledged, if it ever did.
    pub(crate) acknowledged: Option<Seq>,
    /// The largest text of one segment that both ends allow, as far as known.
    pub(crate) mss_bytes: u32,
    /// When something was captured first that lies beyond this segment, which fills a hole: since then its receiver
    /// asks for it.
    pub(crate) hole_since_ns: Option<u64>,
    /// The newest captured segment that overlaps this one.
    pub(crate) earlier: Option<Sending>,
    /// Where that begins and ends.
    pub(crate) earlier_text: [Seq; 2],
    /// Something of the sender was unacknowledged.
    pub(crate) in_flight: bool,
    /// And it was one segment.
    pub(crate) is_one_in_flight: bool,
    /// When the first segment in flight was sent.
    pub(crate) oldest_ns: Option<u64>,
    /// Bytes of the other end that were unacknowledged.
    pub(crate) other_in_flight_bytes: u32,
    /// The right edge of the window that the sender had offered, if it is known exactly.
    pub(crate) window_edge: Option<Seq>,
    /// The sender's state.
    pub(crate) state: State,
    /// The sender's FIN ends here, if it had sent one.
    pub(crate) own_fin_end: Option<Seq>,
    /// The other end's FIN ends here, if it had sent one.
    pub(crate) other_fin_end: Option<Seq>,
    /// The segment has one of the bits that move ends, or one of them awaits something.
    pub(crate) is_moving: bool,
    /// What the receiver judges the segment by when it arrives.
    pub(crate) numbers: Numbers,
    /// A time after which a segment would have arrived, in nanoseconds.
    pub(crate) travel_ns: u64,
    /// A RST acknowledges less than the other end had sent.
    pub(crate) peer_was_not_heard: bool,
    /// The SYN carried data that was taken (RFC 7413).
    pub(crate) fast_open: bool,
}

impl Before {
    /// The segment acknowledges more than its sender had.
    #[inline]
    pub(crate) fn is_advanced_by(&self, segment: &Segment) -> bool {
        segment.flags.ack() && self.last_ack.is_none_or(|last_ack| segment.ack.after(last_ack))
    }

    /// The segment acknowledges no less than its sender had.
    #[inline]
    pub(super) fn is_kept_by(&self, segment: &Segment) -> bool {
        segment.flags.ack() && self.last_ack.is_none_or(|last_ack| segment.ack.at_or_after(last_ack))
    }
}

impl Live {
    /// What is known now, before `segment` of `from` is taken.
    #[inline]
    pub(super) fn before(&self, from: Side, segment: &Segment) -> Before {
        let (half, other) = self.halves.of(from);
        let (sent, heard) = (&half.judged, &other.judged);
        let repeats =
            segment.sequence_bytes() > 0 && sent.next_seq.is_some_and(|next| segment.seq.before(next));
        let earlier = if repeats { sent.unacked.newest_over(segment.seq, segment.end()) } else { None };
        let flags = segment.flags;
        let is_moving =
            flags.syn() || flags.fin() || flags.rst() || !half.end.is_settled() || !other.end.is_settled();
        Before {
            previous_ns: self.times.last_ns,
            next_seq: sent.next_seq,
            next_seq_time_ns: sent.next_seq_time_ns,
            last_ack: sent.last_ack,
            acknowledged: heard.last_ack,
            mss_bytes: self.marks.mss_bytes(),
            hole_since_ns: match earlier {
                None if repeats => sent.unacked.earliest_beyond_ns(segment.end()),
                _ => None,
            },
            earlier: earlier.map(|entry| Sending { time_ns: entry.time_ns, frame: entry.frame }),
            earlier_text: earlier.map_or([segment.end(); 2], |entry| [entry.seq, entry.end]),
            in_flight: sent.unacked.len() > 0,
            is_one_in_flight: sent.unacked.len() == 1,
            oldest_ns: sent.unacked.oldest_ns(),
            other_in_flight_bytes: other.in_flight_bytes(half),
            window_edge: half.window_edge(),
            state: half.end.state(),
            own_fin_end: half.end.fin_end,
            other_fin_end: other.end.fin_end,
            is_moving,
            // the states alone ask for these, and only while they can change
            numbers: if is_moving { self.numbers(from, segment) } else { Numbers::default() },
            travel_ns: if is_moving { (2 * self.times.rtt_ns(&self.halves)).max(TRAVEL_NS_MIN) } else { 0 },
            peer_was_not_heard: flags.ack() && heard.next_seq.is_some_and(|next| next.after(segment.ack)),
            fast_open: self.fast_open_taken,
        }
    }

    #[inline(never)]
    fn numbers(&self, from: Side, segment: &Segment) -> Numbers {
        let (half, other) = self.halves.of(from);
        Numbers {
            expected: half.judged.acknowledgeable,
            acknowledged: other.judged.last_ack,
            window_bytes: other.window_bytes(),
            is_contiguous: self.is_contiguous(from, segment),
            is_same_syn: half.judged.base.is_none_or(|base| base == segment.seq),
        }
    }

    /// With the segment, everything up to its end has been captured and nothing before it awaits a repetition.
    fn is_contiguous(&self, from: Side, segment: &Segment) -> bool {
        let (half, other) = self.halves.of(from);
        let (sent, end) = (&half.judged, segment.end());
        let known = match sent.acknowledgeable {
            Some(known) if known != segment.seq => known,
            _ => sent.next_seq.map_or(end, |next| next.latest(end)),
        };
        let heard = |hole: Seq| other.judged.last_ack.is_some_and(|una| una.after(hole));
        known == end && half.sender.hole.is_none_or(|hole| heard(hole) || hole.at_or_after(end))
    }
}
