//! Both copies arrive: what was sent again is needless, because the original is seen where it is received.
//!
//! What is captured near the receiver has arrived there, unless it is lost on the little way that is left. That is seen:
//! its receiver, so near, goes on asking for it. So an original counts as arrived here only where nothing asks for it:
//! with SACK it is in a block, without SACK it lies beyond what is asked for. Where it is acknowledged, or a D-SACK or a
//! timestamp tells of it later, others say so already.

use super::Scene;
use crate::limits::NEAR_PART;

/// Whether the original of this retransmission, and the retransmission as well, are seen to arrive.
pub(super) fn both_arrive(scene: &Scene<'_>) -> bool {
    let (segment, other) = (scene.segment, scene.other);
    let [begin, end] = scene.prior.earlier_text;
    let is_seen = scene.prior.earlier.is_some()
        && begin.at_or_before(segment.seq)
        && end.at_or_after(segment.end())
        && segment.text_bytes > 0;
    let is_at_receiver =
        scene.turn_ns > 0 && scene.rtt_ns.saturating_sub(scene.turn_ns) < scene.rtt_ns / NEAR_PART;
    if !is_seen || !is_at_receiver || other.is_closed() {
        return false;
    }
    let is_sacked = other
        .sack()
        .iter()
        .any(|block| block.left.at_or_before(segment.seq) && block.right.at_or_after(segment.end()));
    let is_beyond_una = other.last_ack.is_some_and(|una| segment.seq.after(una));
    is_sacked || !scene.has_sack && is_beyond_una
}
