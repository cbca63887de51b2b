//! What a scalable controller needs of the send half around it (RFC 9331 §4): that marks are told exactly, every
//! acknowledgment with the marks that it tells, and a classic controller in its place where that is not to be had.
//!
//! The rate may be less than a segment in a round trip, so that nothing is in flight while the next segment waits for its
//! time: the wait is kept beside the flight.

use crate::congestion::{Answer, Feedback, ScalableDoubt};
use crate::sender::flight::Heard;
use crate::sender::load::Load;
use crate::sender::{Lent, Sender};
use crate::trace::Trace;
use wire::Seq;

/// After so many segments some feedback should have come. What goes again is not ECT(1), so a few say nothing.
const UNCONFIRMED_SEGMENTS: u32 = 10;

impl Sender {
    /// Without exact feedback, or with marks that are not believed, a classic controller goes on.
    #[inline]
    pub(super) fn stay_scalable_if_possible(&mut self, lent: &mut Lent<'_>) {
        if !lent.heeds.as_ref().is_some_and(|heeds| heeds.tell_shares()) {
            self.fall_back(ScalableDoubt::NoFeedback, lent);
        }
    }

    /// Something is lost. If much was delivered, and nothing of what left as ECT(1) was said to have arrived so, the path
    /// may clear the field, or drops where it should mark.
    #[inline(never)]
    pub(super) fn doubt_scalability(&mut self, lent: &mut Lent<'_>) {
        let unconfirmed_bytes = lent.heeds.as_ref().map_or(0, |heeds| heeds.unconfirmed_bytes());
        if unconfirmed_bytes >= UNCONFIRMED_SEGMENTS * lent.mss {
            self.fall_back(ScalableDoubt::Unconfirmed, lent);
        }
    }

    #[cold]
    fn fall_back(&mut self, doubt: ScalableDoubt, lent: &mut Lent<'_>) {
        if let Some(prague) = self.congestion.prague_mut() {
            prague.fall_back(lent.now, lent.mss);
            lent.tracer.note(|| Trace::NotScalable { doubt });
        }
    }

    /// An acknowledgment of the flight, with so many marks that are news.
    #[inline(never)]
    pub(super) fn tell_scalable(
        &mut self,
        load: &Load,
        heard: &Heard,
        una: Seq,
        marked_packets: u32,
        lent: &mut Lent<'_>,
    ) {
        self.stay_scalable_if_possible(lent);
        let feedback = Feedback {
            now: lent.now,
            delivered_bytes: heard.delivered_bytes,
            marked_packets,
            una,
            nxt: self.nxt,
            rtt_ns: heard.fresh_sent_at.map(|sent_at| lent.now.nanos_since(sent_at)),
            rtt_min_ns: self.rtt.min_ns().unwrap_or(0),
            srtt_us: self.rtt.srtt_us().unwrap_or(0),
            mss: lent.mss,
            recovering: load.phase.prr().is_some(),
        };
        let Some(prague) = self.congestion.prague_mut() else { return };
        match prague.on_feedback(&feedback) {
            Answer::Nothing => {}
            Answer::Reduced => self.trace_congestion(&load.phase, lent),
            Answer::Classic => self.fall_back(ScalableDoubt::LongQueue, lent),
        }
        let paid_at = load.pacer.paid_at();
        if load.flight.is_empty()
            && self.congestion.is_scalable()
            && let Some(heeds) = &mut lent.heeds
        {
            heeds.hold_until(paid_at);
        }
    }
}
