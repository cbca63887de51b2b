//! What an acknowledgment says of the segments of the end that it answers, in the order in which that end hears it: what
//! had run out before, what was delivered, which retransmissions were mistakes, and what counts as lost from here on.
//!
//! Comes before the judgement, which forgets what is acknowledged. What is *not* here: how long the sender waits
//! (`why/overtaken.rs`), and what takes a recovery back (`why/loss/mistakes.rs`).

use super::times::PathTimes;
use super::{Before, Half, Live};
use crate::limits::{MSS_BYTES_DEFAULT, NEAR_PART};
use crate::nanos::Nanos;
use crate::verdicts::reports_duplicate;
use crate::why::{Afar, Circumstances, Reported, Sending, has_reorder_timer};
use crate::{Frame, Segment, Side};
use wire::Seq;

impl Live {
    /// Tells the other end what a segment of `from` acknowledges. Returns the frame of a retransmission that it shows to
    /// have been needless.
    #[inline]
    pub(super) fn hear(&mut self, from: Side, segment: &Segment, before: &Before) -> Option<Frame> {
        if !segment.flags.ack() {
            return None;
        }
        self.hear_ack(from, segment, before.last_ack, before.is_advanced_by(segment))
    }

    /// The same for one that has an acknowledgment, where `from` had acknowledged `last_ack`.
    #[inline(always)]
    pub(super) fn hear_ack(
        &mut self,
        from: Side,
        segment: &Segment,
        last_ack: Option<Seq>,
        advances: bool,
    ) -> Option<Frame> {
        let (half, other) = self.halves.split(from);
        if advances {
            other.sender.progress_ns = segment.time.as_nanos();
        }
        if other.listens_to(segment) {
            let turn_ns = self.times.turn_ns(other, half);
            let initial_rtt_ns = self.times.initial_rtt.map(Nanos::ns);
            let mss_bytes = self.marks.mss_bytes();
            return other.hear_of_flight(segment, last_ack, PathTimes { turn_ns, initial_rtt_ns, mss_bytes });
        }
        let is_exact = other.sender.is_exact();
        let loss = other.sender.loss.as_mut()?;
        if let Some(afar) = &mut loss.afar {
            afar.on_ack(segment);
        }
        loss.overtaken.is_exact |= is_exact;
        let rtt_ns = other.traffic.rtt.min_ns();
        loss.hear_of_mistakes(&Reported::by(segment, last_ack, other.judged.next_seq, rtt_ns))
    }
}

impl Half {
    /// Whether an acknowledgment says more of its segments in flight than how far they are acknowledged.
    #[inline]
    fn listens_to(&self, acknowledgment: &Segment) -> bool {
        let is_watched = || self.sender.loss.as_ref().is_some_and(|loss| loss.is_watching());
        !acknowledgment.options.sack.is_empty() || is_watched()
    }

    /// What an acknowledgment says of its segments in flight, once SACK blocks were seen.
    #[inline(never)]
    fn hear_of_flight(
        &mut self,
        acknowledgment: &Segment,
        last_ack: Option<Seq>,
        times: PathTimes,
    ) -> Option<Frame> {
        let PathTimes { turn_ns, initial_rtt_ns, mss_bytes } = times;
        let now_ns = acknowledgment.time.as_nanos();
        let of_text_ns = self.traffic.rtt.min_ns().map(|rtt_ns| rtt_ns + turn_ns);
        let rtt_min_ns = of_text_ns.into_iter().chain(initial_rtt_ns).min().unwrap_or(0);
        let (sender, unacked) = (&mut self.sender, &mut self.judged.unacked);
        let srtt_ns = sender.srtt_ns().unwrap_or(0) + turn_ns;
        let mss_bytes = sender.largest_text_bytes.min(mss_bytes).max(MSS_BYTES_DEFAULT);
        let is_exact = sender.is_exact();
        let loss = sender.loss.get_or_insert_default();
        if initial_rtt_ns.is_some_and(|rtt_ns| turn_ns >= rtt_ns / NEAR_PART) || loss.afar.is_some() {
            let afar = loss.afar.get_or_insert_with(|| Box::new(Afar::new(acknowledgment.ack)));
            afar.on_ack(acknowledgment);
        }
        loss.overtaken.is_exact |= is_exact;
        loss.overtaken.is_old = !has_reorder_timer(now_ns);
        let oldest = unacked.oldest_open(loss.overtaken.overdue());
        if loss.recovery().is_none() {
            loss.overtaken.on_silence(now_ns, turn_ns, oldest);
        }
        let is_recovering = loss.is_recovering_beyond(acknowledgment.ack);
        loss.overtaken.look_at_timer(now_ns, turn_ns, oldest, is_recovering, false);
        let blocks = acknowledgment.options.sack.as_slice();
        let news = &blocks[usize::from(reports_duplicate(acknowledgment)).min(blocks.len())..];
        let echo = acknowledgment.options.timestamps.map(|stamps| stamps.echo);
        let answers = |sending: Sending| {
            let since_ns = now_ns.saturating_sub(sending.time_ns);
            since_ns + turn_ns >= rtt_min_ns && echo.is_none_or(|echo| loss.may_echo(sending.frame, echo))
        };
        let delivery = unacked.deliver(acknowledgment.ack, news, mss_bytes, answers);
        loss.overtaken.on_delivery(&delivery, now_ns, turn_ns);
        if let Some((timed, fresh)) = sender.timed.as_mut().zip(delivery.fresh) {
            timed.on_delivery(now_ns, acknowledgment.ack, fresh);
        }
        let shown = loss.hear_of_mistakes(&Reported::by(
            acknowledgment,
            last_ack,
            self.judged.next_seq,
            self.traffic.rtt.min_ns(),
        ));
        loss.on_delivery(&delivery);
        let is_recovering = loss.is_recovering_beyond(acknowledgment.ack);
        let around = Circumstances {
            now_ns,
            is_recovering,
            sacked_segments: delivery.sacked_segments,
            rtt_min_ns,
            srtt_ns,
        };
        loss.overtaken.look(&around);
        shown
    }
}
