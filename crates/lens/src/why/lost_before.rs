//! Text that was sent before and lost on its way to the capture point: to the capture it is new.
//!
//! What shows it: the sender's packet counter says that packets are missing, more than numbers are, and it had
//! said nothing for as long as a sender waits. What is *not* here: text whose first sending was captured.

use super::afar::Timing;
use super::place::Place;
use super::signs::TIMEOUT_NS_MIN;
use super::{Confidence, Evidence, Scene, Sender, Why};
use tcp::SendReason;
use wire::Seq;

/// Segments smaller than this are small because there was no more to say.
const FULL_BYTES_MIN: u32 = 400;

/// Text that is smaller than the largest by this part of it is no full segment: options take less.
pub(super) const FULL_PART: u32 = 20;

/// What went again though the capture holds it for the first time.
pub(super) struct LostBefore {
    pub(super) why: Why,
    /// What was sent before ends here, as far as the packets tell.
    pub(super) until: Seq,
}

/// Whether the text, beyond all that was captured of its sender, was sent before.
#[inline]
pub(super) fn lost_before(scene: &Scene<'_>, from: &Sender) -> Option<LostBefore> {
    let segment = scene.segment;
    if scene.is_near || segment.sequence_bytes() == 0 {
        return None;
    }
    let quiet_ns = segment.time.as_nanos().saturating_sub(from.last_ns);
    let in_blackout = || from.ids.missing_in_blackout(segment).filter(|_| quiet_ns >= TIMEOUT_NS_MIN);
    let missing = from.ids.missing(segment).or_else(in_blackout).filter(|missing| *missing > 0)?;
    let next = scene.prior.next_seq?;
    let gap_bytes = segment.seq.offset_from(next).max(0).cast_unsigned();
    let of_gap = gap_bytes.div_ceil(scene.mss_bytes.max(1));
    let again = u32::from(missing).checked_sub(of_gap).filter(|again| *again > 0)?;
    // where an acknowledgment is owed, that may be what is missing
    let is_owed = scene.prior.other_in_flight_bytes > 0;
    let place = Place::of(segment, scene.prior);
    if let Some(lost) = too_big(scene, from, again, quiet_ns) {
        return Some(lost);
    }
    let least_ns = if place == Place::BeyondGap { scene.rtt_ns + scene.rtt_ns / 2 } else { TIMEOUT_NS_MIN };
    if quiet_ns < least_ns {
        return None;
    }
    let may_probe =
        scene.has_probes && from.loss.as_ref().is_none_or(|loss| loss.may_probe()) && from.probes_seen() >= 0;
    // the last segment goes first, as a probe; what begins where the others end was alone, or a timeout began with it
    let is_probe = may_probe && (place == Place::BeyondGap || again == 1);
    let [reason, other] = if is_probe {
        [SendReason::TailLossProbe, SendReason::Timeout]
    } else {
        [SendReason::Timeout, SendReason::TailLossProbe]
    };
    let confidence = if is_owed && again == 1 { Confidence::LOW } else { Confidence::LIKELY };
    let why = Why::new(reason, confidence).or(other).by(Evidence::IP_ID | Evidence::TIMING);
    let behind = if is_probe { 0 } else { (again - 1).saturating_mul(scene.mss_bytes) };
    Some(LostBefore { why, until: segment.end() + behind })
}

/// A lone segment that comes when the timer for it has just run out, by its sender's own clock, where no counter tells
/// whether it was sent before. A pause of the application that takes just as long looks the same, so that it takes a
/// sender that was never seen to pause.
pub(super) fn lost_alone(scene: &Scene<'_>, from: &Sender, timing: &Timing) -> Option<LostBefore> {
    let segment = scene.segment;
    let is_in_time = timing.is_quiet() && (97..=128).contains(&timing.waited_percent(segment));
    if !is_in_time
        || timing.ahead.is_none()
        || from.ids.missing(segment).is_some()
        || from.ids.are_followed_by(segment)
    {
        return None;
    }
    // whoever pauses for so long anyway says nothing by it
    if scene.is_near || from.has_paused || scene.prior.next_seq != Some(segment.seq) {
        return None;
    }
    let may_probe = scene.has_probes && from.probes_seen() >= 0;
    let [reason, other] = if may_probe {
        [SendReason::TailLossProbe, SendReason::Timeout]
    } else {
        [SendReason::Timeout, SendReason::TailLossProbe]
    };
    // whoever has not acknowledged for so long has answered, and the answer was lost
    let is_owed = scene.prior.other_in_flight_bytes > 0;
    let confidence = if is_owed { Confidence::LIKELY } else { Confidence::LOW };
    let why = Why::new(reason, confidence)
        .or(other)
        .or(SendReason::NewData)
        .by(Evidence::TIMESTAMPS | Evidence::TIMING);
    Some(LostBefore { why, until: segment.end() })
}

/// Large packets vanished, and what they held comes in smaller ones before any timer can have run out: a router said
/// that they were too big for the path (RFC 1191 §6.5).
fn too_big(scene: &Scene<'_>, from: &Sender, again: u32, quiet_ns: u64) -> Option<LostBefore> {
    let segment = scene.segment;
    let is_smaller = segment.text_bytes >= FULL_BYTES_MIN
        && segment.text_bytes >= from.largest_text_bytes
        && segment.text_bytes < scene.mss_bytes - scene.mss_bytes / FULL_PART;
    let is_next = scene.prior.next_seq == Some(segment.seq);
    if !is_next || !is_smaller || segment.flags.psh() && again < 2 || quiet_ns >= TIMEOUT_NS_MIN {
        return None;
    }
    let why = Why::new(SendReason::PathMtu, Confidence::LIKELY)
        .or(SendReason::NewData)
        .by(Evidence::IP_ID | Evidence::SIZE);
    Some(LostBefore { why, until: segment.end() + (again - 1).saturating_mul(scene.mss_bytes) })
}
