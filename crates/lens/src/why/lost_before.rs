//! Text that was sent before and lost on its way to the capture point: to the capture it is new.
//!
//! What shows it: the sender's packet counter says that packets are missing, more than numbers are, and nothing had
//! come for as long as a sender waits. What is *not* here: text whose first sending was captured.

use super::retransmission::{TIMEOUT_NS_MIN, is_near};
use super::sender::Place;
use super::{Confidence, Evidence, Scene, Sender, Why};
use tcp::SendReason;
use wire::Seq;

/// What went again though the capture holds it for the first time.
pub(super) struct LostBefore {
    pub(super) why: Why,
    /// What was sent before ends here, as far as the packets tell.
    pub(super) until: Seq,
}

/// Whether the text, beyond all that was captured of its sender, was sent before.
pub(super) fn lost_before(scene: &Scene<'_>, from: &Sender) -> Option<LostBefore> {
    let segment = scene.segment;
    if is_near(scene) || segment.sequence_bytes() == 0 {
        return None;
    }
    let missing = from.ids.missing(segment)?;
    let next = scene.prior.next_seq?;
    let gap_bytes = segment.seq.offset_from(next).max(0).cast_unsigned();
    let of_gap = gap_bytes.div_ceil(scene.mss_bytes.max(1));
    // an acknowledgment may be missing as well, where one is owed
    let owed = u32::from(scene.prior.other_in_flight_bytes > 0);
    let again = u32::from(missing).checked_sub(of_gap + owed).filter(|again| *again > 0)?;
    let now_ns = segment.time.as_nanos();
    let quiet_ns = now_ns.saturating_sub(scene.prior.next_seq_time_ns.max(scene.other.last_ack_time_ns));
    let place = Place::of(segment, scene.prior);
    let least_ns = if place == Place::BeyondGap { scene.rtt_ns + scene.rtt_ns / 2 } else { TIMEOUT_NS_MIN };
    if quiet_ns < least_ns {
        return None;
    }
    let may_probe =
        scene.has_probes && from.loss.as_ref().is_none_or(|loss| loss.may_probe() && loss.probes_seen >= 0);
    // the last segment goes first, as a probe; what begins where the others end was alone, or a timeout began with it
    let is_probe = may_probe && (place == Place::BeyondGap || again == 1);
    let [reason, other] = if is_probe {
        [SendReason::TailLossProbe, SendReason::Timeout]
    } else {
        [SendReason::Timeout, SendReason::TailLossProbe]
    };
    let why = Why::new(reason, Confidence::LIKELY).or(other).by(Evidence::IP_ID | Evidence::TIMING);
    let behind = if is_probe { 0 } else { (again - 1).saturating_mul(scene.mss_bytes) };
    Some(LostBefore { why, until: segment.end() + behind })
}
