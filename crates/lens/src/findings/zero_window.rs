//! A receive window that was closed: the application stopped reading.

use super::{Finding, Severity, frames_of, name, times};
use crate::connection::text::seconds;
use crate::{Connection, Side};

/// Shorter closures cost nothing worth a sentence.
const WORTH_NS: u64 = 1_000_000;

pub(super) fn look(connection: &Connection) -> Vec<Finding> {
    let closed = |side: Side| {
        let direction = connection.sent_by(side);
        if direction.zero_window.count == 0
            || direction.zero_window_ns < WORTH_NS && !direction.zero_window_at_end
        {
            return None;
        }
        let (who, lasted) = (name(connection, side), seconds(direction.zero_window_ns));
        let often = match direction.zero_window.count {
            1 => String::new(),
            count => format!(" (it closed {})", times(count)),
        };
        let end = if direction.zero_window_at_end { "; it was still closed at the end" } else { "" };
        let long = direction.zero_window_ns_max >= 200_000_000 || direction.zero_window_at_end;
        let severity = if long { Severity::Problem } else { Severity::Warning };
        let sentence =
            format!("the window of {who} was zero for {lasted}{often}: its application stopped reading{end}");
        let finding = Finding::new("zero-window", severity, connection, sentence);
        Some(finding.by(frames_of(direction.zero_window)).see("9293#3.8.6.1"))
    };
    Side::BOTH.into_iter().filter_map(closed).collect()
}
