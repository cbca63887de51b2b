//! A FIN that the peer never acknowledged.

use super::{Draft, FindingId, Severity};
use crate::{Connection, Side};

pub(super) fn look(connection: &Connection) -> Vec<Draft> {
    if connection.close.reset.is_some() {
        return Vec::new();
    }
    let unanswered = |side: Side| {
        let fin = connection.close.fins[side.index()].filter(|fin| fin.acked.is_none())?;
        let severity = if fin.again.count > 0 { Severity::Problem } else { Severity::Info };
        let frames = [fin.sent.frame, fin.again.first_frame, fin.again.last_frame];
        let patience_ns = connection.sent_by(side).rto_ns.max(PATIENCE_NS_MIN);
        Some(
            Draft::of_end(FindingId::FinUnacknowledged, severity, connection, side)
                .number("sent_again_times", fin.again.count)
                .by(frames)
                .awaits(side.other(), fin.sent.time.as_nanos(), patience_ns)
                .see("9293#3.6"),
        )
    };
    Side::BOTH.into_iter().filter_map(unanswered).collect()
}

/// The first timeout of a sender that knows nothing (RFC 6298 §2).
const PATIENCE_NS_MIN: u64 = 1_000_000_000;
