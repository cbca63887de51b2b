//! Round trips as a sender measures them that times one segment at a time (RFC 6298 §3, §4; RFC 9293's classic way).
//!
//! Most systems measure by every acknowledgment. Whether a sender is one of those that do not is known of simulated hosts
//! alone, which answer in no time at all; their timers are on time, too, so that it matters what they have measured.

use super::Sending;
use crate::Segment;
use crate::limits::RTT_US_MAX;
use tcp::SmoothedRtt;
use wire::Seq;

/// What such a sender has measured, and measures.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timed {
    pub(crate) rtt: SmoothedRtt,
    /// The end of the segment that is timed, and when it was sent.
    segment: Option<(Seq, u64)>,
    /// When something was sent again last.
    resent_ns: u64,
}

impl Timed {
    /// It has measured `rtt` up to now.
    pub(super) fn new(rtt: SmoothedRtt) -> Timed {
        Timed { rtt, segment: None, resent_ns: 0 }
    }

    /// A segment with text left, for the first time or again. Without SACK nothing is timed while something goes again.
    pub(super) fn on_sent(&mut self, segment: &Segment, is_again: bool, has_sack: bool) {
        let now_ns = segment.time.as_nanos();
        if !is_again {
            self.segment.get_or_insert((segment.end(), now_ns));
            return;
        }
        self.resent_ns = now_ns;
        let is_other = |end: Seq| !(end.after(segment.seq) && end.at_or_before(segment.end()));
        self.segment = self.segment.filter(|(end, _)| has_sack && is_other(*end));
    }

    /// The retransmission timer ran out.
    pub(super) fn on_timeout(&mut self) {
        self.segment = None;
    }

    /// An acknowledgment up to `ack` says that `fresh`, which was sent once, has arrived.
    pub(crate) fn on_delivery(&mut self, now_ns: u64, ack: Seq, fresh: Sending) {
        if self.segment.take_if(|(end, sent_ns)| ack.before(*end) && fresh.time_ns >= *sent_ns).is_some() {
            self.sample(now_ns.saturating_sub(fresh.time_ns));
        }
    }

    /// Everything before `ack` is acknowledged, by a segment that echoes what was said so long ago.
    pub(crate) fn on_progress(&mut self, now_ns: u64, ack: Seq, echo_age_ns: Option<u64>) {
        match self.segment {
            Some((end, sent_ns)) if ack.at_or_after(end) => {
                self.segment = None;
                self.sample(now_ns.saturating_sub(sent_ns));
            }
            Some(_) => {}
            None => {
                let since_again_ns = now_ns.saturating_sub(self.resent_ns);
                if let Some(age_ns) = echo_age_ns.filter(|age_ns| *age_ns <= since_again_ns) {
                    self.sample(age_ns);
                }
            }
        }
    }

    fn sample(&mut self, rtt_ns: u64) {
        self.rtt.on_sample(u32::try_from(rtt_ns / 1_000).unwrap_or(u32::MAX).min(RTT_US_MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(us: u64, seq: u32) -> Segment {
        let time = tcp::Instant::from_nanos(us * 1_000);
        Segment { seq: Seq::new(seq), text_bytes: 100, time, ..Segment::default() }
    }

    #[test]
    fn one_segment_is_timed_at_a_time_and_none_that_went_again() {
        let mut timed = Timed::new(SmoothedRtt::default());
        timed.on_sent(&sent(0, 0), false, true);
        timed.on_sent(&sent(500, 100), false, true);
        timed.on_progress(900_000, Seq::new(50), Some(1));
        assert_eq!(timed.rtt.srtt_us(), None, "what is timed has not arrived");
        timed.on_progress(1_000_000, Seq::new(200), Some(1));
        assert_eq!(timed.rtt.srtt_us(), Some(1_000), "of the first");
        timed.on_sent(&sent(2_000, 200), false, true);
        timed.on_sent(&sent(3_000, 200), true, true);
        timed.on_progress(11_000_000, Seq::new(300), Some(9_000_000));
        assert_eq!(timed.rtt.srtt_us(), Some(1_000), "an echo of before it went again says nothing");
        timed.on_sent(&sent(12_000, 300), false, true);
        let fresh = Sending { time_ns: 13_000_000, frame: 9 };
        timed.on_delivery(14_000_000, Seq::new(300), fresh);
        timed.on_progress(99_000_000, Seq::new(400), None);
        assert_eq!(timed.rtt.srtt_us(), Some(1_000), "what came later arrived first, and was measured");
    }
}
