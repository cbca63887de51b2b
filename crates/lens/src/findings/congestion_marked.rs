//! Congestion that the network announced instead of dropping (ECN): what was told of it, what was seen of it here, and
//! what the sender did.

use super::{Finding, Severity, counted, frames_of, name, times};
use crate::ecn::Marked;
use crate::{Connection, Notes, Seen, Side};
use tcp::EcnFeedback;

pub(super) fn look(connection: &Connection) -> Vec<Finding> {
    let marked = |side: Side| {
        let here = connection.sent_by(side).note(Notes::ECN_CONGESTION);
        let marked = &connection.sent_by(side).marked;
        if marked.told.count > 0 {
            told(connection, side, marked, here)
        } else {
            seen(connection, side, here)
        }
    };
    Side::BOTH.into_iter().filter_map(marked).collect()
}

/// The other end tells of marks.
fn told(connection: &Connection, side: Side, marked: &Marked, here: Seen) -> Option<Finding> {
    let (who, whom) = (name(connection, side), name(connection, side.other()));
    let rounds = counted(marked.told.count, "round trip", "round trips");
    let (what, section) = match connection.handshake.ecn {
        Some(EcnFeedback::Accurate) => {
            let packets = counted(marked.told_packets, "packet", "packets");
            // without the option there is only a number of three bits
            let least = if marked.told_bytes == 0 { "at least " } else { "" };
            (
                format!("marked {least}{packets} of {who} in {rounds} instead of dropping (ACE of {whom})"),
                "9768#3.2",
            )
        }
        _ => {
            (format!("marked packets of {who} in {rounds} instead of dropping (ECE of {whom})"), "3168#6.1.2")
        }
    };
    let passed = match here.count {
        0 => String::new(),
        count => format!("; {} here already", counted(count, "packet was marked", "packets were marked")),
    };
    let sentence = format!("the path {what}{passed}; {}", answer(&who, marked));
    let frames = frames_of(marked.told).into_iter().chain(frames_of(marked.cwr)).chain(frames_of(here));
    Some(Finding::new("congestion-marked", Severity::Info, connection, sentence).by(frames).see(section))
}

/// What the sender did about it.
fn answer(who: &str, marked: &Marked) -> String {
    let cwr = match marked.cwr.count {
        0 => String::new(),
        count => format!("said {} that its window is reduced (CWR)", times(count)),
    };
    let slowed = match (marked.slowed, marked.watched) {
        (_, 0) => String::new(),
        (0, watched) => format!("had no less in flight after {}", if watched == 1 { "it" } else { "any" }),
        (slowed, watched) => {
            let fall = marked.first_fall.map_or_else(String::new, |[before, after]| {
                format!(" (from {before} to {after} bytes after the first)")
            });
            format!("had less in flight after {slowed} of {watched}{fall}")
        }
    };
    match (cwr.is_empty(), slowed.is_empty()) {
        (true, true) => format!("{who} sent too little afterwards to see what it made of it"),
        (false, false) => format!("{who} {cwr} and {slowed}"),
        _ => format!("{who} {cwr}{slowed}"),
    }
}

/// Marks are seen here, and nothing is told of them.
fn seen(connection: &Connection, side: Side, here: Seen) -> Option<Finding> {
    if here.count == 0 {
        return None;
    }
    let sentence = format!(
        "{} of {} marked on the way instead of being dropped: a queue is filling (ECN)",
        counted(here.count, "packet", "packets"),
        format_args!("{} {}", name(connection, side), if here.count == 1 { "was" } else { "were" })
    );
    Some(
        Finding::new("congestion-marked", Severity::Info, connection, sentence)
            .by(frames_of(here))
            .see("3168#5"),
    )
}
