//! An idle connection that is held by keep-alives, or whose keep-alives go unanswered.

use super::{Finding, Severity, frames_of, name, times};
use crate::connection::text::seconds;
use crate::{Connection, Side, Verdicts};

pub(super) fn look(connection: &Connection) -> Vec<Finding> {
    let held = |side: Side| {
        let direction = connection.sent_by(side);
        let probes = direction.verdict(Verdicts::KEEP_ALIVE);
        if probes.count == 0
            || direction.zero_window.count + connection.sent_by(side.other()).zero_window.count > 0
        {
            return None;
        }
        let answers = connection.sent_by(side.other()).verdict(Verdicts::KEEP_ALIVE_ACK);
        let who = name(connection, side);
        let idle =
            seconds(direction.idle_ns_max.max(connection.duration_ns().saturating_sub(direction.sending_ns)));
        let (severity, sentence) = if answers.count == 0 && connection.faults.only.is_none() {
            let whom = name(connection, side.other());
            (
                Severity::Problem,
                format!(
                    "{whom} answered none of the {} keep-alives of {who}: it is gone or unreachable",
                    probes.count
                ),
            )
        } else {
            (
                Severity::Info,
                format!("{who} kept an idle connection alive {} (idle up to {idle})", times(probes.count)),
            )
        };
        Some(
            Finding::new("keep-alive", severity, connection, sentence)
                .by(frames_of(probes))
                .see("9293#3.8.4"),
        )
    };
    Side::BOTH.into_iter().filter_map(held).collect()
}
