//! Much of what was sent was lost on the way: what is known to be needless, refused for the window, or never answered is
//! not counted, and a super-segment counts as the segments that its network card makes of it.

use super::{Draft, FindingId, Severity, frames_of};
use crate::limits::NEAR_PART;
use crate::{Connection, Side};

/// Fewer lost segments say nothing about the path.
const SEGMENTS_MIN: u32 = 3;

pub(super) fn look(connection: &Connection) -> Vec<Draft> {
    let lossy = |side: Side| {
        let direction = connection.sent_by(side);
        let again = &direction.again;
        let sent = direction.data_segments.max(1);
        let per_mille = u64::from(again.lost_segments) * 1_000 / u64::from(sent);
        if again.lost_segments < SEGMENTS_MIN || per_mille < 10 {
            return None;
        }
        let severity = if per_mille >= 50 { Severity::Problem } else { Severity::Warning };
        Some(
            Draft::of_end(FindingId::Loss, severity, connection, side)
                .number("lost_segments", again.lost_segments)
                .number("sent_segments", sent)
                .number("lost_per_mille", per_mille)
                .number("sent_again_segments", again.sent_again_segments)
                .number("needless_segments", again.needless_segments)
                .sign_if(is_at_receiver(connection, side), "at-least")
                .by(direction.retransmission_frames)
                .by(frames_of(again.lost)),
        )
    };
    Side::BOTH.into_iter().filter_map(lossy).collect()
}

/// Captured near the receiver, what is lost on the way a second time, or never goes again, is not seen.
fn is_at_receiver(connection: &Connection, side: Side) -> bool {
    let rtt_min_ns = connection.sent_by(side).rtt.map(|rtt| u64::from(rtt.min_us) * 1_000);
    rtt_min_ns.zip(connection.initial_rtt_ns).is_some_and(|(min_ns, all_ns)| min_ns < all_ns / NEAR_PART)
}
