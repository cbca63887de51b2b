//! A receive window that was closed: the application did not read what came. Windows of SYN, FIN and RST do not count.

use super::{Draft, FindingId, Severity, frames_of};
use crate::{Connection, Side};

/// Shorter closures cost nothing worth a sentence.
const WORTH_NS: u64 = 1_000_000;

pub(super) fn look(connection: &Connection) -> Vec<Draft> {
    let closed = |side: Side| {
        let direction = connection.sent_by(side);
        // without text there is nothing to read, and behind the sender's FIN there is nothing to take
        let received = connection.sent_by(side.other()).unique_bytes;
        let fin = connection.close.fins[side.other().index()];
        let is_over = fin.is_some_and(|fin| fin.sent.frame < direction.zero_window.first_frame);
        if direction.zero_window.count == 0 || direction.zero_window_ns < WORTH_NS || received == 0 || is_over
        {
            return None;
        }
        let is_long = direction.zero_window_ns_max >= 200_000_000;
        let severity = if is_long { Severity::Problem } else { Severity::Warning };
        Some(
            Draft::of_end(FindingId::ZeroWindow, severity, connection, side)
                .number("closed_us", direction.zero_window_ns / 1_000)
                .number("times", direction.zero_window.count)
                .sign_if(direction.zero_window_at_end, "at-end")
                .by(frames_of(direction.zero_window))
                .see("9293#3.8.6.1"),
        )
    };
    Side::BOTH.into_iter().filter_map(closed).collect()
}
