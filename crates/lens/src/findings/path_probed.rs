//! A search for a larger path MTU by probes: how large packets may be.

use super::{Finding, Severity, counted, name};
use crate::{Connection, Side};

pub(super) fn look(connection: &Connection) -> Vec<Finding> {
    let probed = |side: Side| {
        let probes = connection.sent_by(side).path_probes;
        if probes.arrived + probes.lost == 0 {
            return None;
        }
        let mut results = Vec::new();
        if probes.arrived > 0 {
            results.push(format!("packets of {} bytes arrive", probes.arrived_bytes_max));
        }
        if probes.lost > 0 {
            let lost = counted(probes.lost, "lost path probe", "lost path probes");
            results
                .push(format!("{lost} of {} bytes or more, which is no congestion", probes.lost_bytes_min));
        }
        let sentence = format!(
            "{} searches for a larger path MTU by {}: {}",
            name(connection, side),
            counted(probes.arrived + probes.lost, "probe", "probes"),
            results.join("; ")
        );
        Some(
            Finding::new("path-probed", Severity::Info, connection, sentence).by(probes.frames).see("4821#7"),
        )
    };
    Side::BOTH.into_iter().filter_map(probed).collect()
}
