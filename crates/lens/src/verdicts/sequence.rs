//! The judgement itself: Wireshark's conditions in Wireshark's order (4.4).
//!
//! `sent` is the direction of the segment, `other` the opposite one. Numbers are raw and windows
//! unscaled, as there. The order matters: an earlier verdict can end the questions.

use super::unacked::{Entry, Taken};
use super::{Remembered, Scale, Verdicts};
use crate::limits::{FAST_RETRANSMISSION_NS, IN_FLIGHT_BYTES_MAX, REORDERING_NS};
use crate::{Frame, Segment};
use wire::Seq;
use wire::tcp::Flags;

/// What the judgement says of one segment.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Judged {
    pub(crate) verdicts: Verdicts,
    /// Which duplicate it is, from 1, and the frame that it repeats.
    pub(crate) duplicate_ack: Option<(u32, Frame)>,
    /// For a retransmission: the time since the frame that it probably repeats, and that frame.
    pub(crate) rto: Option<(u64, Frame)>,
    /// What its acknowledgment hit.
    pub(crate) acked: Option<Acked>,
    /// The segment whose end it hit: a sample of the round-trip time.
    pub(crate) sample: Option<Acked>,
    /// Something that was acknowledged had been sent twice: it is no sample (Karn, RFC 6298 §3).
    pub(crate) is_ambiguous: bool,
    /// Bytes in flight after it, when that can be known.
    pub(crate) in_flight_bytes: Option<u32>,
}

/// The segment that an acknowledgment answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Acked {
    pub(crate) frame: Frame,
    pub(crate) rtt_ns: u64,
}

/// What the whole connection knows when a segment is judged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known {
    /// The time of the handshake, if it was captured.
    pub(crate) initial_rtt_ns: Option<u64>,
    /// At most this many segments of a direction are remembered as in flight.
    pub(crate) unacked_max: usize,
    /// The MPTCP operations that both ends have shown so far, if the connection speaks MPTCP: one bit per subtype.
    pub(crate) mptcp: Option<u8>,
}

/// Judges `segment` and remembers it. The judgement is written where it is kept: there is nothing in `judged` before.
#[inline(always)]
pub(crate) fn judge(
    sent: &mut Remembered,
    other: &mut Remembered,
    segment: &Segment,
    known: &Known,
    judged: &mut Judged,
) {
    begin(sent, other, segment);
    judge_position(sent, other, segment, known, judged);
    if sent.ack_of(segment) != sent.last_ack {
        sent.last_new_ack_frame = segment.frame;
        sent.duplicate_acks = 0;
    }
    judge_acknowledgment(sent, other, segment, judged);
    let moves = segment.text_bytes > 0 || segment.flags.intersects(Flags::SYN | Flags::FIN);
    if moves && !judged.verdicts.contains(Verdicts::KEEP_ALIVE) {
        judge_repetition(sent, other, segment, known, judged);
    }
    remember(sent, segment, known, judged.verdicts);
    let acknowledges = sent.is_acknowledgment(segment);
    let taken = if acknowledges { other.unacked.acknowledge(segment.ack) } else { Taken::default() };
    judged_of(taken, segment, judged);
    judged.in_flight_bytes = in_flight(sent, other, segment);
    sack_after(sent, segment, judged);
}

/// What the acknowledgment took off the list.
#[inline(always)]
pub(super) fn judged_of(taken: Taken, segment: &Segment, judged: &mut Judged) {
    let acked = |(frame, time_ns): (Frame, u64)| Acked {
        frame,
        rtt_ns: segment.time.as_nanos().saturating_sub(time_ns),
    };
    (judged.acked, judged.sample) = (taken.hit.map(acked), taken.whole.map(acked));
    judged.is_ambiguous = taken.is_ambiguous;
    if taken.partial {
        judged.verdicts |= Verdicts::PARTIAL_ACK;
    }
}

/// Relative numbers begin at the ISN, or at 1 where the handshake is missing.
#[inline]
pub(crate) fn begin(sent: &mut Remembered, other: &mut Remembered, segment: &Segment) {
    if sent.base.is_none() {
        sent.base = Some(if segment.flags.syn() { segment.seq } else { segment.seq - 1 });
    }
    if segment.flags.ack() {
        if other.base.is_none() {
            other.base = Some(segment.ack - 1);
        }
        other.in_flight_unknown = false;
    }
}

/// Rows 1 to 9: where the segment stands, its window, and whether it repeats an acknowledgment.
#[inline(always)]
fn judge_position(
    sent: &mut Remembered,
    other: &mut Remembered,
    segment: &Segment,
    known: &Known,
    judged: &mut Judged,
) {
    let special = segment.flags.intersects(Flags::SYN | Flags::FIN | Flags::RST);
    let in_place = sent.next_seq == Some(segment.seq);
    let len = segment.text_bytes;
    if len == 1 && in_place && other.is_closed() {
        judged.verdicts |= Verdicts::ZERO_WINDOW_PROBE;
        return;
    }
    if segment.window == 0 && !special {
        judged.verdicts |= Verdicts::ZERO_WINDOW;
    }
    if sent.set(sent.next_seq).is_some_and(|next| segment.seq.after(next)) && !segment.flags.rst() {
        judged.verdicts |= Verdicts::LOST_SEGMENT;
        sent.in_flight_unknown = true;
    }
    if special {
        return;
    }
    if len <= 1 && sent.next_seq == Some(segment.seq + 1) {
        judged.verdicts |= Verdicts::KEEP_ALIVE;
    }
    if len > 0 {
        if fills_window(other, segment) {
            judged.verdicts |= Verdicts::WINDOW_FULL;
        }
        return;
    }
    if in_place {
        judge_bare_ack(sent, other, segment, known, judged);
    }
}

#[inline]
pub(super) fn fills_window(other: &Remembered, segment: &Segment) -> bool {
    let shift = if other.window_is_of_syn { 0 } else { other.scale.shift() };
    let last_ack = other.last_ack.unwrap_or_default(); // there it is zero before the first
    other.scale != Scale::Unknown
        && segment.seq + segment.text_bytes == last_ack + (u32::from(other.window) << shift)
}

/// Rows 5 and 7 to 9: no text, in place, nothing but an acknowledgment and a window.
#[inline]
fn judge_bare_ack(
    sent: &mut Remembered,
    other: &mut Remembered,
    segment: &Segment,
    known: &Known,
    judged: &mut Judged,
) {
    let (window, same_ack) = (segment.window, sent.ack_of(segment) == sent.last_ack);
    if window == 0 {
        let consumed = sent.last_ack.is_some_and(|last_ack| segment.ack == last_ack + 1);
        if sent.window == 0
            && (same_ack || consumed)
            && other.last_verdicts.contains(Verdicts::ZERO_WINDOW_PROBE)
        {
            judged.verdicts |= Verdicts::ZERO_WINDOW_PROBE_ACK;
            if consumed {
                other.next_seq = Some(segment.ack);
                other.acknowledgeable = Some(segment.ack);
            }
        }
        return;
    }
    if !same_ack {
        return;
    }
    if window != sent.window {
        judged.verdicts |= Verdicts::WINDOW_UPDATE;
    } else if other.last_verdicts.contains(Verdicts::KEEP_ALIVE) {
        judged.verdicts |= Verdicts::KEEP_ALIVE_ACK;
    } else if known.mptcp.is_none_or(|operations| operations == sent.mptcp_operations) {
        judged.verdicts |= Verdicts::DUPLICATE_ACK;
        sent.duplicate_acks += 1;
        judged.duplicate_ack = Some((sent.duplicate_acks, sent.last_new_ack_frame));
    }
}

/// Row 10: does it acknowledge what was not captured?
#[inline]
fn judge_acknowledgment(sent: &Remembered, other: &mut Remembered, segment: &Segment, judged: &mut Judged) {
    let is_beyond = other.set(other.acknowledgeable).is_some_and(|known| segment.ack.after(known));
    if is_beyond && segment.flags.ack() {
        judge_beyond(sent, other, segment, judged);
    }
}

#[inline(never)]
fn judge_beyond(sent: &Remembered, other: &mut Remembered, segment: &Segment, judged: &mut Judged) {
    let takes_probe = sent.last_ack.is_some_and(|last_ack| segment.ack == last_ack + 1)
        && sent.next_seq == Some(segment.seq)
        && other.last_verdicts.contains(Verdicts::ZERO_WINDOW_PROBE);
    if takes_probe {
        // the probed byte was consumed together with the opening of the window
        judged.verdicts |= Verdicts::WINDOW_UPDATE;
        other.next_seq = Some(segment.ack);
        other.acknowledgeable = Some(segment.ack);
        return;
    }
    judged.verdicts |= Verdicts::ACK_LOST_SEGMENT;
    other.acknowledgeable = Some(other.unacked.contiguous_from(segment.ack).unwrap_or(segment.ack));
}

/// Rows 11 to 14: text, SYN or FIN that comes again or late.
#[inline]
fn judge_repetition(
    sent: &Remembered,
    other: &Remembered,
    segment: &Segment,
    known: &Known,
    judged: &mut Judged,
) {
    let text_end = segment.seq + segment.text_bytes;
    let is_acked = other.set(other.last_ack).is_some_and(|last_ack| text_end.at_or_before(last_ack));
    if segment.text_bytes > 0 && is_acked {
        judged.verdicts |= Verdicts::RETRANSMISSION | Verdicts::SPURIOUS_RETRANSMISSION;
        return;
    }
    let mut not_advanced = sent.set(sent.next_seq).is_some_and(|next| segment.seq.before(next));
    if segment.text_bytes > 1 && sent.next_seq == Some(segment.seq + 1) {
        not_advanced = false; // the first byte was a window probe; the rest is new
    }
    if not_advanced {
        judge_again(sent, other, segment, known, judged);
    }
}

/// Rows 12 to 14: it does not go beyond what was sent.
#[inline(never)]
fn judge_again(sent: &Remembered, other: &Remembered, segment: &Segment, known: &Known, judged: &mut Judged) {
    let now_ns = segment.time.as_nanos();
    let text_end = segment.seq + segment.text_bytes;
    if is_fast(sent, other, segment, now_ns) {
        judged.verdicts |= Verdicts::RETRANSMISSION | Verdicts::FAST_RETRANSMISSION;
        return;
    }
    let reordering_ns = known.initial_rtt_ns.filter(|rtt_ns| *rtt_ns > 0).unwrap_or(REORDERING_NS);
    if now_ns.wrapping_sub(sent.next_seq_time_ns) < reordering_ns {
        let counted = u32::from(segment.flags.intersects(Flags::SYN | Flags::FIN));
        let closes_gap = sent.next_seq == Some(text_end + counted) && !sent.advanced_without_text;
        if !closes_gap && !sent.unacked.holds(segment.seq, text_end) {
            judged.verdicts |= Verdicts::OUT_OF_ORDER;
            return;
        }
    }
    judged.verdicts |= Verdicts::RETRANSMISSION;
    let reference = sent.unacked.oldest_from(segment.seq);
    let (time_ns, frame) =
        reference.map_or((sent.next_seq_time_ns, sent.next_seq_frame), |entry| (entry.time_ns, entry.frame));
    let after_ns = now_ns.saturating_sub(time_ns);
    judged.rto = (after_ns > 0).then_some((after_ns, frame));
}

fn is_fast(sent: &Remembered, other: &Remembered, segment: &Segment, now_ns: u64) -> bool {
    if other.duplicate_acks < 2 || now_ns.wrapping_sub(other.last_ack_time_ns) >= FAST_RETRANSMISSION_NS {
        return false;
    }
    let text_end = segment.seq + segment.text_bytes;
    let has_sacked = || sent.base.is_some_and(|base| other.has_sacked(segment.seq, text_end, base));
    other.last_ack == Some(segment.seq) || (!other.sack().is_empty() && !has_sacked())
}

/// What the next segments will be judged by.
#[inline(always)]
fn remember(sent: &mut Remembered, segment: &Segment, known: &Known, verdicts: Verdicts) {
    let now_ns = segment.time.as_nanos();
    let moves = segment.text_bytes > 0 || segment.flags.intersects(Flags::SYN | Flags::FIN);
    let counted = u32::from(segment.flags.intersects(Flags::SYN | Flags::FIN));
    let end = segment.seq + segment.text_bytes + counted;
    if moves && sent.unacked.len() < known.unacked_max {
        place_in_flight(sent, segment, end);
    }
    if !sent.is_of_nobody(segment) {
        advance(sent, segment, end, verdicts);
    }
    sent.window = segment.window;
    sent.was_heard = true;
    sent.window_is_of_syn = segment.flags.syn() || (sent.window_is_of_syn && !segment.flags.ack());
    sent.last_ack = sent.ack_of(segment);
    sent.last_ack_time_ns = now_ns;
    sent.last_verdicts = verdicts;
    sent.mptcp_operations = known.mptcp.unwrap_or(sent.mptcp_operations);
    sent.set_sack(&segment.options.sack);
}

/// Enters a segment into the list.
#[inline(always)]
pub(super) fn place_in_flight(sent: &mut Remembered, segment: &Segment, end: Seq) {
    let mut entry = Entry::new(segment.seq, end, segment.frame, segment.time.as_nanos());
    if sent.next_seq.is_some_and(|next| segment.seq.before(next)) {
        sent.unacked.note_again(&mut entry);
    }
    sent.unacked.push(entry);
}

/// The numbers move on to `end`, though not for a probe of the window.
#[inline]
fn advance(sent: &mut Remembered, segment: &Segment, end: Seq, verdicts: Verdicts) {
    let counted = segment.flags.intersects(Flags::SYN | Flags::FIN);
    let is_probe = verdicts.contains(Verdicts::ZERO_WINDOW_PROBE);
    if sent.set(sent.next_seq).is_none_or(|next| end.after(next)) {
        if !counted || sent.next_seq.is_none_or(|next| end != next + 1) {
            sent.advanced_without_text = segment.text_bytes == 0;
        }
        if !is_probe {
            sent.next_seq = Some(end);
            sent.next_seq_time_ns = segment.time.as_nanos();
            sent.next_seq_frame = segment.frame;
        }
    }
    if !is_probe && sent.set(sent.acknowledgeable).is_none_or(|known| segment.seq == known) {
        sent.acknowledgeable = sent.next_seq;
    }
}

/// Span of what is unacknowledged, less what the other end reports by SACK.
#[inline]
fn in_flight(sent: &Remembered, other: &Remembered, segment: &Segment) -> Option<u32> {
    if segment.text_bytes == 0 || sent.in_flight_unknown {
        return None;
    }
    let sacked: u32 =
        other.sack().iter().fold(0, |sum: u32, block| sum.wrapping_add(block.right.bytes_since(block.left)));
    let counted = u32::from(segment.flags.intersects(Flags::SYN | Flags::FIN));
    span_in_flight(sent, sacked.wrapping_add(counted))
}

/// The span of what is in the list, less so many bytes.
#[inline(always)]
pub(super) fn span_in_flight(sent: &Remembered, less_bytes: u32) -> Option<u32> {
    let span_bytes = sent.base.map_or(0, |base| sent.unacked.span_bytes(base));
    let bytes = span_bytes.wrapping_sub(less_bytes);
    (bytes > 0 && bytes < IN_FLIGHT_BYTES_MAX).then_some(bytes)
}

/// 4.4: what looks like a window update but carries SACK blocks is a duplicate ACK.
fn sack_after(sent: &mut Remembered, segment: &Segment, judged: &mut Judged) {
    if !segment.options.sack.is_empty() && judged.verdicts.contains(Verdicts::WINDOW_UPDATE) {
        judged.verdicts = judged.verdicts.without(Verdicts::WINDOW_UPDATE) | Verdicts::DUPLICATE_ACK;
        sent.duplicate_acks += 1;
        sent.last_verdicts = judged.verdicts;
        judged.duplicate_ack = Some((sent.duplicate_acks, sent.last_new_ack_frame));
    }
}
