//! The landmarks of a connection: the frames of its handshake and its close, and counts with their
//! first frames. Findings and summaries are made of them.

use super::tally::{Seen, Tally};
use super::{Before, Offered};
use crate::analysis::{Analysis, Notes};
use crate::ends::ResetAcceptability;
use crate::fast_open::FastOpening;
use crate::icmp::IcmpHeard;
use crate::limits::{ACK_WAITED_NS_MIN, AT_ONCE_NS, MSS_BYTES_MAX, SMALL_BYTES};
use crate::nanos::Nanos;
use crate::verdicts::Judged;
use crate::why::{Order, Why};
use crate::zeek::History;
use crate::{Frame, Segment, Side};
use tcp::{ResetReason, SendReason};
use wire::Seq;
use wire::tcp::Flags;

/// A frame and its time; packed, because every connection has nine of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(Rust, packed(4))]
pub(crate) struct At {
    pub(crate) frame: Frame,
    pub(crate) time: Nanos,
}

/// A FIN and what became of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FinMark {
    pub(crate) sent: At,
    pub(crate) end: Seq,
    pub(crate) acked: Option<At>,
}

/// A reset.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ResetMark {
    pub(crate) by: Side,
    pub(crate) at: At,
    pub(crate) reason: ResetReason,
    pub(crate) acceptability: ResetAcceptability,
    pub(crate) was_synchronized: bool,
    pub(crate) in_flight_bytes: u32,
    pub(crate) other_in_flight_bytes: u32,
}

/// Counts that most connections never need.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rare {
    pub(crate) seen: [Tally; 2],
    pub(crate) syn_again: [Seen; 2],
    /// When a side last sent a SYN of either kind, if it sent more than one.
    last_syn: [Option<Nanos>; 2],
    pub(crate) fin_again: [Seen; 2],
    /// The reset that counts.
    reset: Option<ResetMark>,
    pub(crate) resets: [Seen; 2],
    pub(crate) icmp: Option<Box<IcmpHeard>>,
    pub(crate) reordered: [Seen; 2],
    pub(crate) challenge_acks: [Seen; 2],
    pub(crate) nagle_waits: [Seen; 2],
    pub(crate) nagle_wait_ns: [u64; 2],
    pub(crate) stuck: [Stuck; 2],
    /// Made by the first SYN with text or a Fast Open option.
    pub(crate) fast_opening: Option<Box<FastOpening>>,
}

/// The longest row of timeouts of one segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Stuck {
    /// Timeouts in a row.
    pub timeouts: u8,
    /// The text that was sent again and again, in bytes.
    pub text_bytes: u32,
    /// The last of these frames.
    pub frame: Frame,
    /// The last timeout, in nanoseconds.
    pub last_rto_ns: u64,
}

/// The landmarks.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    pub(crate) syn: [Option<At>; 2],
    pub(crate) syn_ack: [Option<At>; 2],
    pub(crate) handshake_ack: Option<At>,
    pub(crate) fin: [Option<FinMark>; 2],
    pub(crate) offered: [Offered; 2],
    pub(crate) history: History,
    /// A segment of the middle of a connection was seen: it was open.
    was_open: bool,
    pub(crate) rare: Option<Box<Rare>>,
    suspicious: [bool; 2],
    /// The end that acknowledged late, and when: does the other send at once?
    late_ack: Option<(Side, Nanos, u32)>,
}

impl Marks {
    /// A value out of every line of memory, to have them all fetched at once.
    pub(super) fn warmth(&self) -> u64 {
        let fins = self.fin.iter().fold(0, |sum, fin| sum ^ fin.map_or(0, |fin| fin.sent.frame));
        let acks = [self.syn_ack[0], self.handshake_ack].into_iter().flatten();
        let frames = acks.fold(fins, |sum, at| sum ^ at.frame);
        u64::from(frames) ^ u64::from(self.was_open) ^ u64::from(self.history.warmth())
    }

    /// The reset that counts.
    pub(crate) fn reset(&self) -> Option<&ResetMark> {
        self.rare.as_ref()?.reset.as_ref()
    }

    /// The latest segment of `side` was one that a careful receiver challenges (RFC 5961).
    #[inline]
    pub(crate) fn suspicious_from(&self, side: Side) -> bool {
        self.suspicious[side.index()]
    }

    /// More text than the smaller MSS of the handshake allows.
    pub(crate) fn exceeds_mss(&self, segment: &Segment) -> bool {
        segment.text_bytes > self.mss_bytes()
    }

    /// A SYN and the SYN,ACK of the other end were captured.
    pub(crate) fn has_handshake(&self) -> bool {
        Side::BOTH
            .iter()
            .any(|side| self.syn[side.index()].is_some() && self.syn_ack[side.other().index()].is_some())
    }

    /// The ends agreed on SACK.
    #[inline]
    pub(super) fn has_sack(&self) -> bool {
        self.offered.iter().all(|offered| offered.sack)
    }

    /// The smaller MSS of the handshake; where that is not known, the largest that links have.
    #[inline]
    pub(crate) fn mss_bytes(&self) -> u32 {
        self.mss_known_bytes().unwrap_or(u32::from(MSS_BYTES_MAX))
    }

    /// The smaller MSS of the handshake, if one was captured.
    #[inline]
    pub(crate) fn mss_known_bytes(&self) -> Option<u32> {
        let [a, b] = &self.offered;
        let least = match (a.mss, b.mss) {
            (Some(of_a), Some(of_b)) => Some(of_a.min(of_b)),
            (of_a, of_b) => of_a.or(of_b),
        };
        least.map(u32::from)
    }

    /// A segment of the middle of the connection was seen.
    pub(crate) fn was_open(&self) -> bool {
        self.was_open
    }

    /// The end that opened, as far as a SYN or SYN,ACK shows it.
    pub(crate) fn opener(&self) -> Option<Side> {
        let sent = |at: &[Option<At>; 2], side: Side| at[side.index()].is_some();
        Side::BOTH.into_iter().find(|side| sent(&self.syn, *side) || sent(&self.syn_ack, side.other()))
    }

    /// Counts of a note for one direction.
    pub(crate) fn note(&self, side: Side, note: Notes) -> Seen {
        self.rare.as_ref().map(|rare| rare.seen[side.index()].note(note)).unwrap_or_default()
    }

    /// When `side` last sent a SYN, or a SYN,ACK if `segment` is one.
    #[inline]
    pub(crate) fn last_syn_ns(&self, side: Side, segment: &Segment) -> Option<u64> {
        let first = if segment.flags.ack() { &self.syn_ack } else { &self.syn }[side.index()];
        let first = first.filter(|_| segment.flags.syn())?;
        let last = self.rare.as_ref().and_then(|rare| rare.last_syn[side.index()]);
        Some(last.unwrap_or(first.time).ns())
    }

    /// The counts that most connections never need; made now.
    fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    /// The memory of Fast Open, made now if the handshake `has_words` about it.
    pub(super) fn fast_opening(&mut self, has_words: bool) -> Option<&mut Option<Box<FastOpening>>> {
        if has_words || self.rare.is_some() { Some(&mut self.rare().fast_opening) } else { None }
    }

    /// An ICMP error quotes a segment of the connection.
    pub(super) fn icmp(&mut self) -> &mut IcmpHeard {
        self.rare().icmp.get_or_insert_default()
    }

    /// It was this segment that acknowledged the FIN of `side`.
    #[inline]
    pub(super) fn fin_is_acked_by(&self, side: Side, segment: &Segment) -> bool {
        let acked = self.fin[side.index()].and_then(|fin| fin.acked);
        acked.is_some_and(|acked| acked.frame == segment.frame)
    }

    /// Takes note of a segment, after everything is concluded; `judged` does not depend on where
    /// numbers begin.
    #[inline]
    pub(super) fn on_segment(
        &mut self,
        from: Side,
        segment: &Segment,
        analysis: &Analysis,
        judged: &Judged,
        before: &Before,
    ) {
        let at = At { frame: segment.frame, time: Nanos::of(segment.time.as_nanos()) };
        let is_plain = !segment.flags.intersects(Flags::SYN | Flags::FIN | Flags::RST)
            && analysis.verdicts.is_empty()
            && analysis.notes.is_empty()
            && judged.verdicts.is_empty();
        if is_plain {
            self.history.on_plain(from, segment);
            self.on_ack(from, segment, at);
            self.suspicious[from.index()] = false;
            self.on_reason(from, segment, &analysis.why, judged, at);
            return; // nearly always
        }
        if !(analysis.verdicts.is_empty() && analysis.notes.is_empty()) {
            let seen = &mut self.rare().seen[from.index()];
            seen.count(analysis.verdicts, analysis.notes, segment.frame);
        }
        self.history.on_segment(from, segment, judged.verdicts, analysis.notes);
        if analysis.notes.is_copy() {
            return;
        }
        if segment.flags.syn() {
            self.on_syn(from, segment, analysis, at);
        }
        if segment.flags.fin() {
            self.on_fin(from, segment, at);
        }
        if segment.flags.rst() {
            self.on_rst(from, analysis, at, before);
        }
        self.on_ack(from, segment, at);
        self.suspicious[from.index()] = analysis.notes.contains(Notes::SYN_IN_SYNCHRONIZED)
            || analysis.reset == Some(ResetAcceptability::InWindow);
        self.on_reason(from, segment, &analysis.why, judged, at);
    }

    /// A segment with neither SYN, FIN nor RST changes nothing but its counts here: the handshake and the close are not
    /// under way.
    pub(super) fn are_settled(&self) -> bool {
        let awaits_handshake = self.handshake_ack.is_none() && self.syn_ack.iter().any(Option::is_some);
        !awaits_handshake && self.fin[0].is_none() && self.fin[1].is_none()
    }

    /// Takes note of a segment of the short route, and of the little that there is to say of it.
    #[inline(always)]
    pub(super) fn on_settled(&mut self, from: Side, segment: &Segment, analysis: &Analysis, judged: &Judged) {
        let at = At { frame: segment.frame, time: Nanos::of(segment.time.as_nanos()) };
        if analysis.verdicts.is_empty() && analysis.notes.is_empty() {
            self.history.on_plain(from, segment);
        } else {
            self.on_said(from, segment, analysis, judged);
        }
        self.was_open = true;
        self.suspicious[from.index()] = false;
        match analysis.why.reason {
            SendReason::DelayedAck => self.on_late_ack(from, judged, at),
            SendReason::NewData => {
                self.on_new_data(from, segment, at);
                self.late_ack = None;
            }
            SendReason::TailProbeWithNewData => self.late_ack = None,
            _ => {}
        }
    }

    #[cold]
    fn on_said(&mut self, from: Side, segment: &Segment, analysis: &Analysis, judged: &Judged) {
        let seen = &mut self.rare().seen[from.index()];
        seen.count(analysis.verdicts, analysis.notes, segment.frame);
        self.history.on_segment(from, segment, judged.verdicts, analysis.notes);
    }

    /// The segment of `frame` showed that there were so many more timeouts before it, or fewer.
    pub(super) fn correct_stuck(&mut self, from: Side, frame: Frame, more: i16) {
        if let Some(rare) = &mut self.rare {
            let stuck = &mut rare.stuck[from.index()];
            if stuck.frame == frame {
                let timeouts = i16::from(stuck.timeouts).saturating_add(more);
                stuck.timeouts = timeouts.clamp(1, i16::from(u8::MAX)) as u8;
            }
        }
    }

    fn on_syn(&mut self, from: Side, segment: &Segment, analysis: &Analysis, at: At) {
        if self.syn[from.index()].is_some() || self.syn_ack[from.index()].is_some() {
            self.rare().last_syn[from.index()] = Some(at.time);
        }
        let slot = if segment.flags.ack() { &mut self.syn_ack } else { &mut self.syn };
        let slot = &mut slot[from.index()];
        if slot.is_none() {
            *slot = Some(at);
        } else if analysis.why.reason == SendReason::Timeout {
            self.rare().syn_again[from.index()].note(at.frame);
        }
        self.offered[from.index()].on_syn(segment);
    }

    fn on_fin(&mut self, from: Side, segment: &Segment, at: At) {
        let fin = &mut self.fin[from.index()];
        if fin.is_none() {
            *fin = Some(FinMark { sent: at, end: segment.end(), acked: None });
        } else {
            self.rare().fin_again[from.index()].note(at.frame);
        }
    }

    fn on_rst(&mut self, by: Side, analysis: &Analysis, at: At, before: &Before) {
        self.rare().resets[by.index()].note(at.frame);
        let reason = match analysis.why.reason {
            SendReason::Reset(reason) => reason,
            _ => ResetReason::Aborted,
        };
        let acceptability = analysis.reset.unwrap_or(ResetAcceptability::Unknown);
        let better = self.reset().is_none_or(|known| known.acceptability != ResetAcceptability::Exact)
            && acceptability == ResetAcceptability::Exact;
        if self.reset().is_none() || better {
            let numbers = before.next_seq.zip(before.acknowledged);
            let unacked = numbers.map_or(0, |(next, una)| next.offset_from(una).max(0));
            let no_syn = [self.syn, self.syn_ack].iter().flatten().all(|at| at.is_none());
            let was_synchronized = self.handshake_ack.is_some() || (no_syn && self.was_open);
            // a FIN has a number, and is no text
            let fin = |side: Side| self.fin[side.index()].is_some_and(|fin| fin.acked.is_none());
            let text = |bytes: u32, side: Side| bytes.saturating_sub(u32::from(fin(side)));
            let in_flight_bytes = if was_synchronized { text(unacked.cast_unsigned(), by) } else { 0 };
            let other_in_flight_bytes = text(before.other_in_flight_bytes, by.other());
            let mark = ResetMark {
                by,
                at,
                reason,
                acceptability,
                was_synchronized,
                in_flight_bytes,
                other_in_flight_bytes,
            };
            self.rare().reset = Some(mark);
        }
    }

    #[inline]
    fn on_ack(&mut self, from: Side, segment: &Segment, at: At) {
        if !segment.flags.ack() {
            return;
        }
        if let Some(fin) = &mut self.fin[from.other().index()]
            && fin.acked.is_none()
            && segment.ack.at_or_after(fin.end)
        {
            fin.acked = Some(at);
        }
        self.was_open |= !segment.flags.syn() && !segment.flags.rst();
        let opens = !segment.flags.syn() && !segment.flags.rst() && self.handshake_ack.is_none();
        if opens && self.syn_ack[from.other().index()].is_some() {
            self.handshake_ack = Some(at);
        }
    }

    #[inline]
    fn on_reason(&mut self, from: Side, segment: &Segment, why: &Why, judged: &Judged, at: At) {
        if why.order == Order::Reordered {
            self.rare().reordered[from.index()].note(at.frame);
        }
        match why.reason {
            SendReason::ChallengeAck => self.rare().challenge_acks[from.index()].note(at.frame),
            SendReason::Timeout if segment.text_bytes > 0 => {
                let stuck = &mut self.rare().stuck[from.index()];
                let timeouts =
                    if stuck.text_bytes == segment.text_bytes { stuck.timeouts.saturating_add(1) } else { 1 };
                let last_rto_ns = why.implied_rto_ns.unwrap_or(0);
                *stuck = Stuck { timeouts, text_bytes: segment.text_bytes, frame: at.frame, last_rto_ns };
            }
            SendReason::DelayedAck => {
                self.on_late_ack(from, judged, at);
                return;
            }
            SendReason::NewData => self.on_new_data(from, segment, at),
            _ => {}
        }
        if segment.text_bytes > 0 {
            self.late_ack = None;
        }
    }

    fn on_late_ack(&mut self, from: Side, judged: &Judged, at: At) {
        let waited_us = judged.acked.map_or(0, |acked| acked.rtt_ns / 1_000);
        self.late_ack = Some((from, at.time, u32::try_from(waited_us).unwrap_or(u32::MAX)));
    }

    /// A small segment that was held back until a delayed ACK came: Nagle's rule meets delayed ACKs.
    fn on_new_data(&mut self, from: Side, segment: &Segment, at: At) {
        let Some((acker, acked, waited_us)) = self.late_ack else { return };
        let waited_ns = u64::from(waited_us) * 1_000;
        let at_once = at.time.ns().saturating_sub(acked.ns()) < AT_ONCE_NS;
        let small = !self.exceeds_mss(segment) && segment.text_bytes < SMALL_BYTES;
        if acker != from && at_once && small && waited_ns >= ACK_WAITED_NS_MIN {
            let rare = self.rare();
            rare.nagle_waits[from.index()].note(at.frame);
            rare.nagle_wait_ns[from.index()] = rare.nagle_wait_ns[from.index()].saturating_add(waited_ns);
        }
    }
}
