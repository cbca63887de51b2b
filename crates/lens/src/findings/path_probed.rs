//! A search for a larger path MTU by probes: how large packets may be.

use super::{Draft, FindingId, Severity};
use crate::{Connection, Side};

pub(super) fn look(connection: &Connection) -> Vec<Draft> {
    let probed = |side: Side| {
        let probes = connection.sent_by(side).path_probes;
        if probes.arrived + probes.lost == 0 {
            return None;
        }
        Some(
            Draft::of_end(FindingId::PathProbed, Severity::Info, connection, side)
                .number("arrived_probes", probes.arrived)
                .number("arrived_max_bytes", probes.arrived_bytes_max)
                .number("lost_probes", probes.lost)
                .number("lost_min_bytes", probes.lost_bytes_min)
                .by(probes.frames)
                .see("4821#7"),
        )
    };
    Side::BOTH.into_iter().filter_map(probed).collect()
}
