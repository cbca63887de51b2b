//! Small writes that wait for a delayed acknowledgment: Nagle's rule meets delayed ACKs.

use super::{Finding, Severity, frames_of, name, times};
use crate::connection::text::seconds;
use crate::{Connection, Side};

pub(super) fn look(connection: &Connection) -> Vec<Finding> {
    let waits = |side: Side| {
        let direction = connection.sent_by(side);
        if direction.nagle_waits.count < 2 {
            return None;
        }
        let (who, whom) = (name(connection, side), name(connection, side.other()));
        let sentence = format!(
            "{who} held a small segment back {} until a delayed acknowledgment of {whom} came, {} in all: write at once what belongs together, or set TCP_NODELAY",
            times(direction.nagle_waits.count),
            seconds(direction.nagle_wait_ns)
        );
        let finding = Finding::new("nagle-delayed-ack", Severity::Warning, connection, sentence);
        Some(finding.by(frames_of(direction.nagle_waits)).see("9293#3.7.4"))
    };
    Side::BOTH.into_iter().filter_map(waits).collect()
}
