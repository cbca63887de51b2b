//! Retransmissions that were not needed.

use super::{Draft, FindingId, Severity};
use crate::{Connection, Notes, Side, Verdicts};

pub(super) fn look(connection: &Connection) -> Vec<Draft> {
    let needless = |side: Side| {
        let direction = connection.sent_by(side);
        let count = direction.retransmissions.spurious;
        if count == 0 {
            return None;
        }
        let all = direction.retransmissions.total();
        let severity = if count >= 3 && count * 4 >= all { Severity::Warning } else { Severity::Info };
        let shown = connection.sent_by(side.other()).note(Notes::SHOWS_SPURIOUS);
        let again = direction.verdict(Verdicts::SPURIOUS_RETRANSMISSION);
        let first = direction.retransmission_frames[0];
        Some(
            Draft::of_end(FindingId::SpuriousRetransmission, severity, connection, side)
                .number("needless_packets", count)
                .number("sent_again_packets", all)
                .by([again.first_frame, shown.first_frame, again.last_frame, first])
                .see("3522#3"),
        )
    };
    Side::BOTH.into_iter().filter_map(needless).collect()
}
