//! An idle connection that is held by keep-alives, or whose keep-alives go unanswered.

use super::{Draft, FindingId, Severity, frames_of};
use crate::{Connection, Side};

/// An end that lives answers within this.
const PATIENCE_NS: u64 = 1_000_000_000;
/// One that goes unanswered may have been lost.
const UNANSWERED_MIN: u32 = 2;

pub(super) fn look(connection: &Connection) -> Vec<Draft> {
    let held = |side: Side| {
        let probes = connection.sent_by(side).keep_alives;
        if probes.sent.count == 0 {
            return None;
        }
        let draft = |id, severity| {
            Draft::of_end(id, severity, connection, side)
                .number("keep_alives", probes.sent.count)
                .see("9293#3.8.4")
        };
        if probes.unanswered.count >= UNANSWERED_MIN {
            let found = draft(FindingId::KeepAliveUnanswered, Severity::Problem)
                .number("unanswered_keep_alives", probes.unanswered.count)
                .by(frames_of(probes.unanswered))
                .awaits(side.other(), probes.unanswered_since_ns, PATIENCE_NS);
            return Some(found);
        }
        let idle_ns = connection.sent_by(side).idle_ns_max.max(longest_silence_ns(connection, side));
        let found = draft(FindingId::KeepAlive, Severity::Info).number("idle_max_us", idle_ns / 1_000);
        Some(found.number("answered_keep_alives", probes.answered).by(frames_of(probes.sent)))
    };
    Side::BOTH.into_iter().filter_map(held).collect()
}

/// From the last text of an end to the end of the connection, as far as captured.
fn longest_silence_ns(connection: &Connection, side: Side) -> u64 {
    connection.duration_ns().saturating_sub(connection.sent_by(side).sending_ns)
}
