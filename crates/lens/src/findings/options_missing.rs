//! A handshake that did without what makes TCP fast: SACK, timestamps, window scaling, the MSS.

use super::{Draft, FindingId, Severity};
use crate::{Connection, Offered, Side};

/// Less than this gains little from any of it.
const BYTES_MIN: u64 = 100_000;
/// What no more can be in flight than without window scaling, in bytes; less than half of it is not bound by it.
const UNSCALED_BYTES: u32 = 65_535;

pub(super) fn look(connection: &Connection) -> Vec<Draft> {
    let offered = connection.handshake.offered;
    if !offered.iter().all(|offered| offered.syn_captured) {
        return Vec::new();
    }
    let directions = &connection.directions;
    let much = directions.iter().any(|direction| direction.text_bytes >= BYTES_MIN);
    let lossy = directions.iter().any(|direction| direction.again.lost_segments > 0);
    let is_wide = directions.iter().any(|direction| direction.in_flight_bytes_max >= UNSCALED_BYTES / 2);
    let frames =
        [connection.handshake.syn, connection.handshake.syn_ack].map(|at| at.map_or(0, |at| at.frame));
    let missing = |sign, section, severity, lacks: fn(&Offered) -> bool| {
        let mut without = Side::BOTH.into_iter().filter(|side| lacks(&offered[side.index()]));
        let id = FindingId::OptionMissing;
        let draft = match (without.next(), without.next()) {
            (None, _) => return None,
            (Some(side), None) => Draft::of_end(id, severity, connection, side),
            (Some(_), Some(_)) => Draft::of(id, severity, connection),
        };
        Some(draft.sign(sign).by(frames).see(section))
    };
    let sack = || missing("sack", "2018#3", Severity::Warning, |offered| !offered.sack);
    let scale =
        || missing("window-scale", "7323#2", Severity::Warning, |offered| offered.window_scale.is_none());
    let stamps = || missing("timestamps", "7323#3", Severity::Info, |offered| !offered.timestamps);
    let mss = || missing("mss", "9293#3.7.1", Severity::Info, |offered| offered.mss.is_none());
    let found = [
        if much || lossy { sack() } else { None },
        if much && is_wide { scale() } else { None },
        if much { stamps() } else { None },
        mss(),
    ];
    found.into_iter().flatten().collect()
}
