//! Large segments that never get through while small ones do.

use super::{Finding, Severity, name};
use crate::{Connection, Side};

/// Timeouts of one segment in a row that raise the suspicion.
const TIMEOUTS: u8 = 3;
/// Smaller segments fit through every path of IPv6 (1,280 bytes, less headers and some tunnels).
const LARGE_BYTES: u32 = 1_150;

pub(super) fn look(connection: &Connection) -> Vec<Finding> {
    let hole = |side: Side| {
        let direction = connection.sent_by(side);
        let stuck = direction.stuck;
        let whole = stuck.text_bytes >= LARGE_BYTES && stuck.text_bytes == direction.text_bytes_max;
        if stuck.timeouts < TIMEOUTS || !whole || direction.large_was_acked {
            return None;
        }
        let sentence = format!(
            "{} sent a segment of {} bytes {} times without an answer, and no segment of that size ever got through: suspect a path MTU black hole (blocked ICMP); clamp the MSS or enable probing (RFC 4821)",
            name(connection, side),
            stuck.text_bytes,
            u32::from(stuck.timeouts) + 1
        );
        Some(
            Finding::new("mtu-black-hole", Severity::Problem, connection, sentence)
                .by([stuck.frame])
                .see("4821#1"),
        )
    };
    Side::BOTH.into_iter().filter_map(hole).collect()
}
