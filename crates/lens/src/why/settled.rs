//! Why a segment of the short route was sent: text is new, an acknowledgment comes at once, second, or late.
//!
//! What is asked beforehand leaves the questions of `data.rs` and `ack.rs` no other answer, and what the sender is
//! remembered by moves on as there.

use super::ack::why_advancing;
use super::afar::Timing;
use super::data::learn_turn;
use super::lost_before::FULL_PART;
use super::signs::TIMEOUT_NS_MIN;
use super::timers::{InFlight, Timers, is_alone};
use super::{Confidence, Sender, Why, has_probes};
use crate::Segment;
use crate::verdicts::Remembered;
use tcp::SendReason;

/// What the short route knows of a segment beside its sender.
pub(crate) struct Around<'a, T> {
    pub(crate) segment: &'a Segment,
    /// Both directions before it.
    pub(crate) sent: &'a Remembered,
    pub(crate) other: &'a Remembered,
    /// The ends agreed on SACK.
    pub(crate) has_sack: bool,
    pub(crate) mss_bytes: u32,
    /// From here to its sender and back; worked out by few.
    pub(crate) turn_ns: T,
}

impl Sender {
    /// New text that continues the stream is nothing but that: no loss before it is going on or shows by it, no pause, no
    /// probe of the path or of a tail.
    #[inline(always)]
    pub(crate) fn goes_on_with_text(&self, around: &Around<'_, impl Fn() -> u64>) -> bool {
        let now_ns = around.segment.time.as_nanos();
        now_ns.saturating_sub(self.last_ns) < TIMEOUT_NS_MIN
            && now_ns != around.other.last_ack_time_ns
            && self.loss.as_ref().is_none_or(|loss| loss.is_quiet())
            && !self.sizes.may_be_probe(around.segment)
            && !self.may_be_too_big(around)
            && !self.may_be_tail_probe(around)
    }

    /// See `too_big` in `lost_before.rs`: packets are missing, and text is smaller than the path seemed to allow.
    #[inline(always)]
    fn may_be_too_big(&self, around: &Around<'_, impl Fn() -> u64>) -> bool {
        let (text_bytes, mss_bytes) = (around.segment.text_bytes, around.mss_bytes);
        let is_smaller =
            text_bytes >= self.largest_text_bytes && text_bytes < mss_bytes - mss_bytes / FULL_PART;
        is_smaller && self.ids.missing(around.segment).is_some_and(|missing| missing > 0)
    }

    /// See `is_in_time_of_probe` in `data.rs`.
    #[inline(always)]
    fn may_be_tail_probe(&self, around: &Around<'_, impl Fn() -> u64>) -> bool {
        let (now_ns, sent_ns) = (around.segment.time.as_nanos(), around.sent.next_seq_time_ns);
        if !around.has_sack || !is_alone(now_ns, sent_ns) {
            return false; // nearly always
        }
        let Some(oldest_ns) = around.sent.unacked.oldest_ns() else { return false };
        let acked_ns = around.other.last_ack_time_ns;
        let before = InFlight { oldest_ns, is_one: around.sent.unacked.len() == 1, sent_ns, acked_ns };
        has_probes(now_ns)
            && self.probes_seen() >= -1
            && Timers::over(&before, (around.turn_ns)(), self)
                .is_some_and(|timers| timers.is_time_of_probe(now_ns))
    }

    /// Takes text with which the sender [goes on](Sender::goes_on_with_text). `far_turn_ns` is the
    /// time from here to the sender and back, where that is followed from afar.
    #[inline(always)]
    pub(crate) fn go_on_with_text(
        &mut self,
        segment: &Segment,
        in_flight: bool,
        to: &Sender,
        far_turn_ns: Option<u64>,
        mss_bytes: u32,
    ) -> Why {
        if let Some(turn_ns) = far_turn_ns {
            self.hear_from_afar(segment, to, turn_ns, mss_bytes);
        }
        learn_turn(segment, in_flight, self, to);
        let quiet_ns = segment.time.as_nanos().saturating_sub(self.last_ns);
        self.has_paused |= self.has_sent && quiet_ns >= TIMEOUT_NS_MIN / 2;
        self.sizes.on_sent(segment, true, SendReason::NewData, mss_bytes);
        self.last_reason = SendReason::NewData;
        Why::new(SendReason::NewData, Confidence::HIGH)
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
