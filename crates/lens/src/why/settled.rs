//! Why a segment of the short route was sent: text is new, an acknowledgment comes at once, second, or late.
//!
//! What is asked beforehand leaves the questions of `data.rs` and `ack.rs` no other answer, and what the sender is
//! remembered by moves on as there.

use super::ack::why_advancing;
use super::afar::Timing;
use super::data::{learn_turn, new_text, probe_or_new};
use super::lost_before::FULL_PART;
use super::signs::TIMEOUT_NS_MIN;
use super::timers::{InFlight, Timers};
use super::{Sender, Why, has_probes};
use crate::Segment;
use crate::verdicts::Remembered;
use tcp::SendReason;

/// Text of the short route, and what is known beside its sender.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TextOf<'a> {
    pub(crate) segment: &'a Segment,
    /// Something before it was unacknowledged.
    pub(crate) in_flight: bool,
    /// It comes when a silent tail would be probed with it.
    pub(crate) may_be_probe: bool,
    /// From here to its sender and back, where that is followed from afar.
    pub(crate) far_turn_ns: Option<u64>,
    pub(crate) mss_bytes: u32,
}

impl Sender {
    /// New text that continues the stream is nothing but that: no loss before it is going on or shows by it, no pause, no
    /// probe of the path.
    #[inline(always)]
    pub(crate) fn goes_on_with_text(&self, segment: &Segment, other: &Remembered, mss_bytes: u32) -> bool {
        let now_ns = segment.time.as_nanos();
        now_ns.saturating_sub(self.last_ns) < TIMEOUT_NS_MIN
            && now_ns != other.last_ack_time_ns
            && self.loss.as_ref().is_none_or(|loss| loss.is_quiet())
            && !self.sizes.may_be_probe(segment)
            && !self.may_be_too_big(segment, mss_bytes)
    }

    /// See `too_big` in `lost_before.rs`: packets are missing, and text is smaller than the path seemed to allow.
    #[inline(always)]
    fn may_be_too_big(&self, segment: &Segment, mss_bytes: u32) -> bool {
        let is_smaller = segment.text_bytes >= self.largest_text_bytes
            && segment.text_bytes < mss_bytes - mss_bytes / FULL_PART;
        is_smaller && self.ids.missing(segment).is_some_and(|missing| missing > 0)
    }

    /// See `is_in_time_of_probe` in `data.rs`, of text that comes alone between ends with SACK.
    #[inline(never)]
    pub(crate) fn may_probe_with(
        &self,
        segment: &Segment,
        sent: &Remembered,
        other: &Remembered,
        turn_ns: impl FnOnce() -> u64,
    ) -> bool {
        let now_ns = segment.time.as_nanos();
        let Some(oldest_ns) = sent.unacked.oldest_ns() else { return false };
        let (sent_ns, acked_ns) = (sent.next_seq_time_ns, other.last_ack_time_ns);
        let before = InFlight { oldest_ns, is_one: sent.unacked.len() == 1, sent_ns, acked_ns };
        has_probes(now_ns)
            && self.probes_seen() >= -1
            && Timers::over(&before, turn_ns(), self).is_some_and(|timers| timers.is_time_of_probe(now_ns))
    }

    /// Takes text with which the sender [goes on](Sender::goes_on_with_text).
    #[inline(always)]
    pub(crate) fn go_on_with_text(&mut self, text: &TextOf<'_>, to: &Sender) -> Why {
        let segment = text.segment;
        if let Some(turn_ns) = text.far_turn_ns {
            self.hear_from_afar(segment, to, turn_ns, text.mss_bytes);
        }
        learn_turn(segment, text.in_flight, self, to);
        let quiet_ns = segment.time.as_nanos().saturating_sub(self.last_ns);
        self.has_paused |= self.has_sent && quiet_ns >= TIMEOUT_NS_MIN / 2;
        let why = if text.may_be_probe { probe_or_new() } else { new_text() };
        self.sizes.on_sent(segment, true, why.reason, text.mss_bytes);
        self.last_reason = why.reason;
        why
    }

    #[inline(never)]
    fn hear_from_afar(&mut self, segment: &Segment, to: &Sender, turn_ns: u64, mss_bytes: u32) {
        let timing = Timing::of_next(segment, turn_ns, mss_bytes, self, to);
        if let Some(afar) = self.afar() {
            afar.on_arrival(segment, &timing, segment.seq);
            afar.on_new(segment, &timing, segment.seq);
        }
    }

    /// Something was lost of it, and what it knows is followed where its receiver is, if that is where the capture was
    /// taken.
    #[inline(always)]
    pub(crate) fn is_followed_from_afar(&self) -> bool {
        self.loss.as_ref().is_some_and(|loss| loss.afar.is_some())
    }

    /// Why an acknowledgment without text came of what this end had sent: it says something new, and nothing else.
    #[inline(always)]
    pub(crate) fn why_acknowledged(&self, now_ns: u64, turn_ns: impl FnOnce() -> u64) -> Why {
        why_advancing(now_ns, self, turn_ns)
    }

    /// Its latest segment asked whether the other end is there, or can take more.
    #[inline(always)]
    pub(crate) fn has_asked(&self) -> bool {
        matches!(self.last_reason, SendReason::ZeroWindowProbe | SendReason::KeepAlive)
    }
}
