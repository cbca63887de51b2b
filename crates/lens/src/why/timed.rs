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
