//! The counters of both halves, after everything is concluded.

use super::{Before, Half, Times};
use crate::ecn::MarksHeard;
use crate::limits::{MSS_BYTES_ETHERNET, OWN_ROUNDS_MIN};
use crate::metrics::{PathNow, TextSent, Waited};
use crate::pair::Pair;
use crate::verdicts::{Judged, Scale};
use crate::why::{Place, Sender};
use crate::{Segment, Side};
use wire::Seq;

impl Pair<Half> {
    /// Counts a segment of `from`, and remembers it as its sender's latest. Returned is what its text waited for.
    #[inline]
    pub(super) fn count(
        &mut self,
        from: Side,
        segment: &Segment,
        judged: &Judged,
        before: &Before,
        times: &Times,
        marks: Option<&MarksHeard>,
    ) -> Waited {
        let (sent, other) = self.split(from);
        let window_bytes = sent.judged.window_bytes(segment.window).0;
        let mut waited = Waited::default();
        if !segment.flags.rst() {
            sent.traffic.on_window(window_bytes, segment, segment.time.as_nanos());
        }
        if segment.flags.ack() {
            let advanced_bytes = |last_ack: Seq| segment.ack.bytes_since(last_ack);
            let advanced = before.is_advanced_by(segment).then(|| before.last_ack.map_or(0, advanced_bytes));
            other.count_acknowledgment(segment, judged, advanced);
            other.traffic.limits.on_offer(segment.time.as_nanos(), segment.ack + window_bytes);
        }
        if segment.text_bytes > 0 {
            sent.infer_scale(other, segment, judged);
            let is_marked = || marks.is_some_and(|marks| marks.was_told(from));
            let text = TextNow {
                in_flight_bytes: judged.in_flight_bytes,
                mss_bytes: before.mss_bytes,
                is_again: before.next_seq.is_some_and(|next| segment.seq.before(next)),
                acked: before.acknowledged,
            };
            waited = sent.count_text(other, segment, &text, times, is_marked);
        }
        sent.sender.on_sent(segment, Place::of(segment, before), before);
        waited
    }
}

/// What is known of a text when it is counted.
#[derive(Clone, Copy, Debug)]
pub(super) struct TextNow {
    /// With it, if that is known.
    pub(super) in_flight_bytes: Option<u32>,
    /// The largest text of one segment that both ends allow, as far as known.
    pub(super) mss_bytes: u32,
    /// It was sent before.
    pub(super) is_again: bool,
    /// What the other end had acknowledged, if it ever did.
    pub(super) acked: Option<Seq>,
}

impl Half {
    /// An acknowledgment, and how many bytes more it acknowledges than the one before, if it is new.
    #[inline]
    pub(super) fn count_acknowledgment(
        &mut self,
        acknowledgment: &Segment,
        judged: &Judged,
        advanced_bytes: Option<u32>,
    ) {
        let now_ns = acknowledgment.time.as_nanos();
        if let Some(stamps) = acknowledgment.options.timestamps {
            self.traffic.on_echo(stamps.echo, now_ns);
        }
        if let Some(acked) = judged.sample
            && is_sample(&self.sender)
        {
            self.traffic.rtt.add_ns(acked.rtt_ns);
        }
        if let Some(rtt_ns) = self.sample_ns(acknowledgment, judged, advanced_bytes.is_some()) {
            self.sender.on_rtt(rtt_ns);
        }
        if let Some(advanced_bytes) = advanced_bytes {
            let ack = acknowledgment.ack;
            if let Some(timed) = &mut self.sender.timed {
                let echo = acknowledgment.options.timestamps.map(|stamps| stamps.echo);
                let age_ns = echo.and_then(|echo| self.sender.clock.age_ns(echo, now_ns));
                timed.on_progress(now_ns, ack, age_ns);
            }
            self.sender.on_progress(now_ns, ack, advanced_bytes);
        }
        if self.judged.unacked.len() == 0 {
            self.traffic.limits.on_emptied(now_ns, acknowledgment.window == 0);
        }
    }

    /// The round trip that the sender measures by an acknowledgment: of what it sent once, else by the echo, which says
    /// what is answered (RFC 6298 §3, RFC 7323 §4.3).
    #[inline]
    fn sample_ns(&self, acknowledgment: &Segment, judged: &Judged, advances: bool) -> Option<u64> {
        match judged.sample {
            Some(acked) if !judged.is_ambiguous => Some(acked.rtt_ns),
            _ if judged.is_ambiguous && advances => {
                let echo = acknowledgment.options.timestamps?.echo;
                self.sender.clock.age_ns(echo, acknowledgment.time.as_nanos())
            }
            _ => None,
        }
    }

    #[inline]
    pub(super) fn infer_scale(&self, other: &mut Half, segment: &Segment, judged: &Judged) {
        let receiver = &mut other.judged;
        if receiver.scale == Scale::Unknown
            && let Some(last_ack) = receiver.last_ack
            && !segment.flags.syn()
            && judged.in_flight_bytes.is_some()
        {
            let beyond_ack = segment.end().offset_from(last_ack).max(0).cast_unsigned();
            receiver.inferred_scale.on_sent(beyond_ack, receiver.window);
        }
    }

    #[inline]
    pub(super) fn count_text(
        &mut self,
        other: &Half,
        segment: &Segment,
        text: &TextNow,
        times: &Times,
        is_marked: impl Fn() -> bool,
    ) -> Waited {
        let Half { sender, traffic, end, .. } = self;
        let turn_ns = times.turn_to_ns(end.is_passive, other.traffic.rtt.min_ns());
        let sent = TextSent {
            now_ns: segment.time.as_nanos(),
            turn_ns: turn_ns.unwrap_or(0),
            text_bytes: segment.text_bytes,
            in_flight_bytes: text.in_flight_bytes.unwrap_or(segment.text_bytes),
            window_bytes: other.window_bytes(),
            largest_text_bytes: sender.largest_text_bytes,
            mss_bytes: text.mss_bytes.min(MSS_BYTES_ETHERNET),
            is_of_many: traffic.text_segments > 2 * OWN_ROUNDS_MIN,
            is_again: text.is_again,
            is_after_loss: sender.loss.as_ref().is_some_and(|loss| loss.counts.total() > 0),
            end: segment.end(),
            acked: text.acked,
            acked_ns: other.judged.last_ack_time_ns,
            peer_text_ns: other.traffic.last_text_ns,
        };
        traffic.on_text(sent, |rtt| {
            Some(PathNow {
                turn_ns: turn_ns?,
                rtt_min_ns: rtt.min_ns()?,
                srtt_ns: sender.srtt_ns()?,
                is_marked: is_marked(),
            })
        })
    }
}

/// Karn's rule (RFC 6298 §3): no samples while something sent again is unacknowledged.
fn is_sample(sender: &Sender) -> bool {
    sender.loss.as_ref().is_none_or(|loss| loss.recovery().is_none())
}
