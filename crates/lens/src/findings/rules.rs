//! Fields that break a rule of the specifications.

use super::{Draft, FindingId, Severity, frames_of};
use crate::{Connection, Notes, Side};

/// The note, its sign, how bad it is, and where it is written.
const RULES: &[(Notes, &str, Severity, &str)] = &[
    (Notes::SCALE_TOO_LARGE, "scale-too-large", Severity::Warning, "7323#2.3"),
    (Notes::MSS_WITHOUT_SYN, "mss-without-syn", Severity::Warning, "9293#3.7.1"),
    (Notes::SACK_OF_UNSENT, "sack-of-unsent", Severity::Problem, "2018#3"),
    (Notes::WINDOW_SHRANK, "window-shrank", Severity::Warning, "9293#3.8.6"),
];

pub(super) fn look(connection: &Connection) -> Vec<Draft> {
    if Side::BOTH.iter().all(|side| connection.sent_by(*side).has_no_notes()) {
        return Vec::new(); // nearly always
    }
    let broken = |side: Side| {
        RULES.iter().filter_map(move |(note, sign, severity, section)| {
            let seen = connection.sent_by(side).note(*note);
            // what was never captured may well have been sent
            let is_unsure = *note == Notes::SACK_OF_UNSENT && connection.faults.missing.count > 0;
            // it costs something where the sender had counted on it
            let is_harmless =
                *note == Notes::WINDOW_SHRANK && connection.sent_by(side.other()).again.refused_segments == 0;
            let severity = if is_harmless { Severity::Info } else { *severity };
            (seen.count > 0 && !is_unsure).then(|| {
                Draft::of_end(FindingId::RuleBroken, severity, connection, side)
                    .sign(sign)
                    .number("times", seen.count)
                    .by(frames_of(seen))
                    .see(section)
            })
        })
    };
    Side::BOTH.into_iter().flat_map(broken).collect()
}
