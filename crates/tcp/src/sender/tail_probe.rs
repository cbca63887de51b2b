//! A probe of the tail: the last segment again, or new data, when nothing has come back for two round trips
//! (TLP, RFC 8985 §7).
//!
//! A lost tail is found in a round trip instead of a timeout. A probe marks nothing as lost; only what its
//! acknowledgment says can show that it repaired a loss, and that is a sign of congestion like any other.

use wire::Seq;

/// How long a peer may keep an acknowledgment back (RFC 8985 §7.2, TLP.max_ack_delay): what most systems do at
/// worst.
const ACK_DELAY_US_MAX: u64 = 200_000;
/// Before a measurement of the round trip (RFC 8985 §7.2).
const TIMEOUT_US_UNMEASURED: u64 = 1_000_000;
/// No probe goes sooner: on a path of microseconds every delayed acknowledgment would draw one.
const TIMEOUT_US_MIN: u64 = 2_000;

/// Where a probe stands.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TailProbe {
    /// TLP.end_seq: SND.NXT when the probe left; `None` when no probe is out.
    out: Option<Out>,
    /// No measurement of the round trip has come since the last probe.
    is_unmeasured: bool,
    /// The timer ran out: a probe has to go out.
    pub(crate) is_owed: bool,
}

#[derive(Clone, Copy, Debug)]
struct Out {
    end: Seq,
    is_retransmission: bool,
}

/// What an acknowledgment says of the probe (RFC 8985 §7.4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing yet, or nothing was lost.
    Nothing,
    /// The probe repaired a loss.
    Repaired,
}

/// What decides how long to wait before probing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tail {
    /// `None` before a measurement.
    pub(crate) srtt_us: Option<u32>,
    pub(crate) is_one_segment: bool,
}

impl Tail {
    /// PTO in microseconds, before it is capped by what is left of the retransmission timeout.
    pub(crate) fn timeout_us(self) -> u64 {
        let Some(srtt_us) = self.srtt_us else { return TIMEOUT_US_UNMEASURED };
        let ack_delay = if self.is_one_segment { ACK_DELAY_US_MAX } else { 0 };
        (2 * u64::from(srtt_us) + ack_delay).max(TIMEOUT_US_MIN)
    }
}

impl TailProbe {
    /// Whether another probe may go: one is enough for a tail, and for a measurement.
    pub(crate) fn may_probe(&self) -> bool {
        self.out.is_none() && !self.is_unmeasured
    }

    /// The probe left; `nxt` is SND.NXT after it.
    pub(crate) fn on_sent(&mut self, nxt: Seq, is_retransmission: bool) {
        self.out = Some(Out { end: nxt, is_retransmission });
        (self.is_owed, self.is_unmeasured) = (false, true);
    }

    /// The round trip was measured.
    pub(crate) fn on_measured(&mut self) {
        self.is_unmeasured = false;
    }

    /// The timer of a timeout ran out, or a recovery began: the probe says nothing any more.
    pub(crate) fn forget(&mut self) {
        (self.out, self.is_owed) = (None, false);
    }

    /// Whether an acknowledgment is still to tell what became of the probe.
    pub(crate) fn awaits_verdict(&self) -> bool {
        self.out.is_some()
    }

    /// Whether the probe that is out ends here.
    pub(crate) fn ends_at(&self, end: Seq) -> bool {
        self.out.is_some_and(|out| out.is_retransmission && out.end == end)
    }

    /// An acknowledgment of everything before `ack` came. `reports_probe`: it says that the probe arrived twice, or
    /// repeats an acknowledgment without news, which only the second copy can have drawn.
    pub(crate) fn on_ack(&mut self, ack: Seq, reports_probe: bool) -> Verdict {
        let Some(out) = self.out.filter(|out| ack.at_or_after(out.end)) else { return Verdict::Nothing };
        let verdict = match () {
            () if !out.is_retransmission || reports_probe => Verdict::Nothing,
            () if ack.after(out.end) => Verdict::Repaired,
            // The next acknowledgment tells.
            () => return Verdict::Nothing,
        };
        self.out = None;
        verdict
    }
}

#[cfg(test)]
mod tests;
