//! An end that was not heard of any more while the other sent again and again: gone, or the path is.

use super::{Draft, FindingId, Severity, frames_of};
use crate::{Connection, Side};

/// Fewer repetitions may all have been lost.
const AGAIN_MIN: u32 = 3;

pub(super) fn look(connection: &Connection) -> Vec<Draft> {
    let silent = |side: Side| {
        let direction = connection.sent_by(side);
        let again = &direction.again;
        // a FIN alone has a finding of its own, and after a reset nobody answers
        let fin =
            connection.close.fins[side.index()].is_some_and(|fin| fin.again.count >= again.unanswered.count);
        if again.unanswered.count < AGAIN_MIN || fin {
            return None;
        }
        let other = side.other();
        let since_ns = connection.sent_by(other).last_ns;
        let silent_ns = connection.last_time.as_nanos().saturating_sub(since_ns);
        Some(
            Draft::of_end(FindingId::PeerSilent, Severity::Problem, connection, other)
                .number("silent_us", silent_ns / 1_000)
                .number("sent_again_times", again.unanswered.count)
                .by(frames_of(again.unanswered))
                .awaits(other, since_ns, direction.rto_ns)
                .see("9293#3.8.3"),
        )
    };
    Side::BOTH.into_iter().filter_map(silent).collect()
}
