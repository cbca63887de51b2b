//! Losses that were repaired by waiting for the timer.

use super::{Draft, FindingId, Severity};
use crate::{Connection, Side};

pub(super) fn look(connection: &Connection) -> Vec<Draft> {
    let slow = |side: Side| {
        let direction = connection.sent_by(side);
        let counts = direction.retransmissions;
        // what the window refused, and what nobody answered, was no loss that SACK or a probe could have repaired
        let lost = direction.again.lost_segments;
        if counts.timeout < 3 || counts.timeout * 2 <= counts.total() || lost < counts.timeout || lost < 3 {
            return None;
        }
        if direction.again.refused_segments + direction.again.unanswered_segments > 0 {
            return None;
        }
        let handshake = &connection.handshake;
        let is_known = handshake.offered.iter().all(|offered| offered.syn_captured);
        let sack = handshake.offered.iter().all(|offered| offered.sack);
        Some(
            Draft::of_end(FindingId::TimeoutRecovery, Severity::Warning, connection, side)
                .number("timeouts", counts.timeout)
                .number("sent_again_packets", counts.total())
                .sign_if(is_known && !sack, "no-sack")
                .by(direction.retransmission_frames)
                .see("8985#1"),
        )
    };
    Side::BOTH.into_iter().filter_map(slow).collect()
}
