//! Losses that were repaired by waiting for the timer.

use super::{Finding, Severity, name};
use crate::{Connection, Side};

pub(super) fn look(connection: &Connection) -> Vec<Finding> {
    let slow = |side: Side| {
        let direction = connection.sent_by(side);
        let counts = direction.retransmissions;
        if counts.timeout < 3 || counts.timeout * 2 <= counts.total() {
            return None;
        }
        let who = name(connection, side);
        let sack = connection.handshake.offered.iter().all(|offered| offered.sack);
        let advice = if sack || connection.handshake.syn.is_none() {
            "too little was in flight for duplicate ACKs; tail-loss probes (RACK-TLP) would help"
        } else {
            "SACK was not agreed upon, which would let losses be repaired sooner"
        };
        let sentence = format!(
            "{who} repaired {} of {} losses by waiting for its retransmission timer: {advice}",
            counts.timeout,
            counts.total()
        );
        Some(
            Finding::new("timeout-recovery", Severity::Warning, connection, sentence)
                .by(direction.retransmission_frames)
                .see("8985#1"),
        )
    };
    Side::BOTH.into_iter().filter_map(slow).collect()
}
