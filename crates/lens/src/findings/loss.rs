//! Much of what was sent was lost on the way: what is known to be needless, refused for the window, or never answered is
//! not counted, and a super-segment counts as the segments that its network card makes of it.

use super::{Draft, FindingId, Severity, frames_of};
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
                .by(direction.retransmission_frames)
                .by(frames_of(again.lost)),
        )
    };
    Side::BOTH.into_iter().filter_map(lossy).collect()
}
