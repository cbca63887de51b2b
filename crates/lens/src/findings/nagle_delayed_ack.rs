//! Small writes that wait for a delayed acknowledgment: Nagle's rule meets delayed ACKs.

use super::{Draft, FindingId, Severity, frames_of};
use crate::{Connection, Side};

pub(super) fn look(connection: &Connection) -> Vec<Draft> {
    let waits = |side: Side| {
        let direction = connection.sent_by(side);
        if direction.nagle_waits.count < 2 {
            return None;
        }
        Some(
            Draft::of_end(FindingId::NagleDelayedAck, Severity::Warning, connection, side)
                .number("times", direction.nagle_waits.count)
                .number("waited_us", direction.nagle_wait_ns / 1_000)
                .by(frames_of(direction.nagle_waits))
                .see("9293#3.7.4"),
        )
    };
    Side::BOTH.into_iter().filter_map(waits).collect()
}
