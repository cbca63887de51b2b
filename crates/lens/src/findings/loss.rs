//! Much of what was sent had to be sent again.

use super::{Finding, Severity, name};
use crate::{Connection, Side};

/// Fewer retransmissions say nothing about the path.
const SEGMENTS_MIN: u32 = 3;

pub(super) fn look(connection: &Connection) -> Vec<Finding> {
    let lossy = |side: Side| {
        let direction = connection.sent_by(side);
        let counts = &direction.retransmissions;
        // a probe of the path's MTU is lost by its size
        let again = counts.total().saturating_sub(counts.spurious + counts.path_mtu);
        let sent = direction.packets.max(1);
        let per_mille = u64::from(again) * 1_000 / u64::from(sent);
        if again < SEGMENTS_MIN || per_mille < 10 {
            return None;
        }
        let severity = if per_mille >= 50 { Severity::Problem } else { Severity::Warning };
        let who = name(connection, side);
        let sentence = format!(
            "{}.{} % of what {who} sent was lost on the way: {again} of {sent} packets were sent again",
            per_mille / 10,
            per_mille % 10
        );
        Some(Finding::new("loss", severity, connection, sentence).by(direction.retransmission_frames))
    };
    Side::BOTH.into_iter().filter_map(lossy).collect()
}
