//! A new connection on the addresses and ports of an old one.

use super::{Finding, Severity, name};
use crate::connection::text::seconds;
use crate::{Connection, Side, Verdicts};

pub(super) fn look(connection: &Connection) -> Vec<Finding> {
    let reused = |side: Side| {
        let seen = connection.sent_by(side).verdict(Verdicts::REUSED_PORTS);
        if seen.count == 0 {
            return None;
        }
        let early = connection.previous_end.map(|end| connection.first_time.since(end));
        let (severity, when) = match early {
            Some(after) if after.as_secs() < 60 => (
                Severity::Warning,
                format!(
                    "{} after the one before it; the old one may still be in TIME-WAIT, and its segments under way",
                    seconds(after.as_nanos().try_into().unwrap_or(u64::MAX))
                ),
            ),
            _ => (Severity::Info, "later".to_owned()),
        };
        let (who, whom) = (name(connection, side), name(connection, side.other()));
        let sentence = format!("{who} used its port to {whom} for another connection {when}");
        Some(
            Finding::new("port-reuse", severity, connection, sentence)
                .by([seen.first_frame])
                .see("9293#3.6.1"),
        )
    };
    Side::BOTH.into_iter().filter_map(reused).collect()
}
