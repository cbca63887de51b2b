//! Retransmissions that were not needed.

use super::{Finding, Severity, name, times};
use crate::{Connection, Notes, Side, Verdicts};

pub(super) fn look(connection: &Connection) -> Vec<Finding> {
    let needless = |side: Side| {
        let direction = connection.sent_by(side);
        let count = direction.retransmissions.spurious;
        if count == 0 {
            return None;
        }
        let who = name(connection, side);
        let all = direction.retransmissions.total();
        let severity = if count >= 3 && count * 4 >= all { Severity::Warning } else { Severity::Info };
        let of_all = if all > count { format!(" ({all} in all)") } else { String::new() };
        let sentence = format!(
            "{who} retransmitted {} without need{of_all}: the original had arrived; its timer is too short, or the path reorders or delays",
            times(count)
        );
        let shown = connection.sent_by(side.other()).note(Notes::SHOWS_SPURIOUS);
        let again = direction.verdict(Verdicts::SPURIOUS_RETRANSMISSION);
        let finding = Finding::new("spurious-retransmission", severity, connection, sentence);
        let first = direction.retransmission_frames[0];
        Some(finding.by([again.first_frame, shown.first_frame, again.last_frame, first]).see("3522#3"))
    };
    Side::BOTH.into_iter().filter_map(needless).collect()
}
