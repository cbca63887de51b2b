//! Fields that break a rule of the specifications.

use super::{Finding, Severity, frames_of, name, times};
use crate::{Connection, Notes, Side};

/// The note, what to say, how bad it is, and where it is written.
const RULES: &[(Notes, &str, Severity, &str)] = &[
    (
        Notes::SCALE_TOO_LARGE,
        "offered a window scale beyond 14, which counts as 14",
        Severity::Warning,
        "7323#2.3",
    ),
    (Notes::MSS_WITHOUT_SYN, "sent an MSS option outside a SYN", Severity::Warning, "9293#3.7.1"),
    (Notes::SACK_OF_UNSENT, "reported by SACK what was never sent", Severity::Problem, "2018#3"),
    (
        Notes::WINDOW_SHRANK,
        "shrank its window: what it had promised to take it took back",
        Severity::Warning,
        "9293#3.8.6",
    ),
];

pub(super) fn look(connection: &Connection) -> Vec<Finding> {
    let broken = |side: Side| {
        RULES.iter().filter_map(move |(note, what, severity, section)| {
            let seen = connection.sent_by(side).note(*note);
            if seen.count == 0 {
                return None;
            }
            let sentence = format!("{} {what} ({})", name(connection, side), times(seen.count));
            Some(
                Finding::new("rule-broken", *severity, connection, sentence).by(frames_of(seen)).see(section),
            )
        })
    };
    Side::BOTH.into_iter().flat_map(broken).collect()
}
