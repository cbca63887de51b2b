//! Large segments that never get through while small ones do.

use super::{Draft, FindingId, Severity};
use crate::{Connection, Side};

/// Timeouts of one segment in a row that raise the suspicion.
const TIMEOUTS: u8 = 3;
/// Smaller segments fit through every path of IPv6 (1,280 bytes, less headers and some tunnels).
const LARGE_BYTES: u32 = 1_150;

pub(super) fn look(connection: &Connection) -> Vec<Draft> {
    let hole = |side: Side| {
        let direction = connection.sent_by(side);
        let stuck = direction.stuck;
        // what is captured on the sending host is larger than what leaves it: the MSS bounds that
        let offered = connection.handshake.offered.iter().filter_map(|offered| offered.mss).min();
        let full_bytes = offered.map_or(direction.text_bytes_max, u32::from).min(direction.text_bytes_max);
        // options take a few bytes of the MSS
        let is_full = stuck.text_bytes >= LARGE_BYTES && stuck.text_bytes + 40 >= full_bytes;
        if stuck.timeouts < TIMEOUTS || !is_full || direction.large_was_acked {
            return None;
        }
        Some(
            Draft::of_end(FindingId::MtuBlackHole, Severity::Problem, connection, side)
                .number("text_bytes", stuck.text_bytes)
                .number("sent_times", u64::from(stuck.timeouts) + 1)
                .by([stuck.frame])
                .see("4821#1"),
        )
    };
    Side::BOTH.into_iter().filter_map(hole).collect()
}
