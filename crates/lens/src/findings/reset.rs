//! A reset of an open connection: by whom, why, and whether it must be obeyed.

use super::{Finding, Severity, answer_refused, name};
use crate::{Connection, Reset, ResetAcceptability};
use tcp::ResetReason;

pub(super) fn look(connection: &Connection) -> Vec<Finding> {
    let Some(reset) = connection.close.reset.filter(|reset| reset.was_synchronized) else {
        return Vec::new();
    };
    if answer_refused::refusal(connection).is_some() {
        return Vec::new();
    }
    let (who, whom) = (name(connection, reset.by), name(connection, reset.by.other()));
    let both_closed =
        connection.close.fins.iter().flatten().filter(|fin| fin.sent.frame < reset.at.frame).count() == 2;
    let (kind, because, severity) = match reset.reason {
        ResetReason::GaveUp => {
            ("reset-gave-up", "it gave up after retransmitting in vain", Severity::Problem)
        }
        ResetReason::DataAfterClose => {
            ("reset-data-after-close", "data came for an application that had closed", Severity::Warning)
        }
        ResetReason::UnreadData => ("reset-unread-data", "it closed with data unread", Severity::Warning),
        ResetReason::ClosedPort => {
            ("half-open", "it does not know the connection any more: it restarted", Severity::Problem)
        }
        ResetReason::UnacceptableAck => {
            ("reset", "it was told of data that it never sent", Severity::Warning)
        }
        ResetReason::Aborted => (
            "reset",
            "its application threw the connection away",
            aborted_severity(connection, &reset, both_closed),
        ),
        _ => ("reset", "for a reason of its own", Severity::Warning),
    };
    let lost = match reset.in_flight_bytes {
        0 => String::new(),
        1 => "; 1 byte that it had sent was never acknowledged".to_owned(),
        bytes => format!("; {bytes} bytes that it had sent were never acknowledged"),
    };
    let obeyed = match reset.acceptability {
        ResetAcceptability::Exact => "",
        ResetAcceptability::InWindow => {
            "; its number is not the next expected, so a current stack challenges it first"
        }
        ResetAcceptability::Outside => "; its number is outside the window, so it must be ignored",
        ResetAcceptability::Unknown => "; one direction alone does not show whether its number is acceptable",
    };
    let sentence = format!("{who} reset the connection to {whom}: {because}{lost}{obeyed}");
    let mut found =
        vec![Finding::new(kind, severity, connection, sentence).by([reset.at.frame]).see("9293#3.10.7.4")];
    found.extend(unread(connection, &reset));
    found
}

fn aborted_severity(connection: &Connection, reset: &Reset, both_closed: bool) -> Severity {
    let transferring = reset.in_flight_bytes > 0 || connection.close.fins.iter().all(Option::is_none);
    match (both_closed, transferring) {
        (true, _) => Severity::Info,
        (false, true) => Severity::Problem,
        (false, false) => Severity::Warning,
    }
}

/// RST where a FIN was due, with data of the peer just received: it may never have been read.
fn unread(connection: &Connection, reset: &Reset) -> Option<Finding> {
    let received = connection.sent_by(reset.by.other()).text_bytes;
    let own_fin = connection.close.fins[reset.by.index()];
    let late_data = connection.sent_by(reset.by.other()).text_segments > 0;
    if reset.reason != ResetReason::Aborted || own_fin.is_some() || received == 0 || !late_data {
        return None;
    }
    let who = name(connection, reset.by);
    let sentence = format!(
        "{who} ended with a RST instead of a FIN after receiving {received} bytes: its application may have closed without reading all of them"
    );
    Some(
        Finding::new("reset-instead-of-fin", Severity::Info, connection, sentence)
            .by([reset.at.frame])
            .see("9293#3.6.1"),
    )
}
