//! When a sender's timers are due, as far as it can be reckoned from outside (RFC 6298 §5, RFC 8985 §7.2).

use super::{Scene, Sender};

/// How long a receiver may keep an acknowledgment back (RFC 8985 §7.2, TLP.max_ack_delay).
const ACK_DELAY_NS_MAX: u64 = 200_000_000;
/// Systems count round trips in their own ways, and are busy: a probe leaves no later than this after it seems due.
const LATE_NS: u64 = 40_000_000;
/// What belongs to one burst follows within this time.
const ALONE_NS: u64 = 1_000_000;
/// No sender probes sooner.
const PROBE_NS_MIN: u64 = 2_000_000;

/// When the timers are due, in nanoseconds of the capture's clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timers {
    /// The probe of a silent tail, which is never due after the retransmission timeout; that one counts from the last
    /// progress, or from what was sent into an empty flight.
    probe_ns: u64,
    /// When the last text was sent.
    sent_ns: u64,
    /// How far the reckoning may be off: the sender's round trip is known only as seen from here.
    slack_ns: u64,
}

/// What was in flight before a segment, by which its sender's timers count.
#[derive(Clone, Copy, Debug)]
pub(super) struct InFlight {
    /// When the first segment of it was sent.
    pub(super) oldest_ns: u64,
    /// It is one segment.
    pub(super) is_one: bool,
    /// When the last text was sent.
    pub(super) sent_ns: u64,
    /// When the other end was heard last.
    pub(super) acked_ns: u64,
}

/// What is sent now does not belong to the burst of the text before it.
#[inline]
pub(crate) fn is_alone(now_ns: u64, sent_ns: u64) -> bool {
    now_ns > sent_ns + ALONE_NS
}

impl Timers {
    /// `None` while nothing is in flight, or no round trip was measured.
    pub(super) fn of(scene: &Scene<'_>, from: &Sender) -> Option<Timers> {
        let before = InFlight {
            oldest_ns: scene.prior.oldest_ns?,
            is_one: scene.prior.is_one_in_flight,
            sent_ns: scene.prior.next_seq_time_ns,
            acked_ns: scene.other.last_ack_time_ns,
        };
        Timers::over(&before, scene.turn_ns, from)
    }

    /// The same, by what is in flight.
    pub(super) fn over(before: &InFlight, turn_ns: u64, from: &Sender) -> Option<Timers> {
        let srtt_ns = from.srtt_ns()? + turn_ns;
        let since_ns = from.progress_ns.max(before.oldest_ns) + turn_ns;
        let quiet_since_ns = before.sent_ns.max(before.acked_ns + turn_ns);
        let ack_delay_ns = if before.is_one { ACK_DELAY_NS_MAX } else { 0 };
        let timeout_ns = since_ns + from.rto_ns().max(srtt_ns);
        let probe_ns = quiet_since_ns + (2 * srtt_ns + ack_delay_ns).max(PROBE_NS_MIN);
        let (sent_ns, slack_ns) = (before.sent_ns, srtt_ns / 4 + 1_000_000);
        Some(Timers { probe_ns: probe_ns.min(timeout_ns), sent_ns, slack_ns })
    }

    /// Whether a probe of the tail would go now. A probe comes alone: what follows text at once is not one.
    pub(super) fn is_time_of_probe(&self, now_ns: u64) -> bool {
        now_ns.abs_diff(self.probe_ns) <= self.slack_ns && is_alone(now_ns, self.sent_ns)
    }

    /// Whether a probe would have gone long before.
    pub(super) fn is_late_for_probe(&self, now_ns: u64) -> bool {
        now_ns > self.probe_ns + self.slack_ns + LATE_NS
    }
}
