//! A handshake that did without what makes TCP fast: SACK, timestamps, window scaling, the MSS.

use super::{Finding, Severity, name};
use crate::{Connection, Offered, Side};

/// Less than this gains little from any of it.
const BYTES_MIN: u64 = 100_000;

pub(super) fn look(connection: &Connection) -> Vec<Finding> {
    let offered = connection.handshake.offered;
    if !offered.iter().all(|offered| offered.syn_captured) {
        return Vec::new();
    }
    let much = connection.directions.iter().any(|direction| direction.text_bytes >= BYTES_MIN);
    let retransmitted = connection.directions.iter().any(|direction| direction.retransmissions.total() > 0);
    let frames =
        [connection.handshake.syn, connection.handshake.syn_ack].map(|at| at.map_or(0, |at| at.frame));
    let mut found = Vec::new();
    let mut missing = |what: &str, section, severity, lacks: fn(&Offered) -> bool| {
        let without: Vec<String> = Side::BOTH
            .into_iter()
            .filter(|side| lacks(&offered[side.index()]))
            .map(|side| name(connection, side))
            .collect();
        if !without.is_empty() {
            let sentence = format!("{} did not offer {what}", without.join(" and "));
            found
                .push(Finding::new("option-missing", severity, connection, sentence).by(frames).see(section));
        }
    };
    if much || retransmitted {
        missing(
            "SACK: several losses in one flight are repaired one per round trip",
            "2018#3",
            Severity::Warning,
            |offered| !offered.sack,
        );
    }
    if much {
        missing(
            "window scaling: no more than 65,535 bytes can be in flight",
            "7323#2",
            Severity::Warning,
            |offered| offered.window_scale.is_none(),
        );
        missing(
            "timestamps: round trips are measured less often, old duplicates not recognised",
            "7323#3",
            Severity::Info,
            |offered| !offered.timestamps,
        );
    }
    missing(
        "an MSS: the peer must assume 536 bytes (1,220 over IPv6)",
        "9293#3.7.1",
        Severity::Info,
        |offered| offered.mss.is_none(),
    );
    found
}
