//! A reset of an open connection: by whom, why, and whether it must be obeyed. Told once.

use super::{Draft, FindingId, Severity, answer_refused, frames_of};
use crate::{Confidence, Connection, Notes, Reset, ResetAcceptability};
use tcp::ResetReason;

/// Keep-alives without an answer after which a reset means that the sender gave up.
const KEEP_ALIVES_MIN: u32 = 2;
/// A connection on which nothing was said for so long is idle.
const IDLE_NS_MIN: u64 = 1_000_000_000;

pub(super) fn look(connection: &Connection) -> Vec<Draft> {
    let Some(reset) = connection.close.reset.filter(|reset| reset.was_synchronized) else {
        return Vec::new();
    };
    if answer_refused::refusal(connection).is_some() {
        return Vec::new();
    }
    if let Some(found) = strangers(connection, &reset).or_else(|| ignored(connection, &reset)) {
        return vec![found];
    }
    // something late came for a connection that was closed and had everything: no data came, and nothing was lost
    let is_late_ack = reset.reason == ResetReason::DataAfterClose && reset.other_in_flight_bytes == 0;
    if is_late_ack && reset.in_flight_bytes == 0 {
        return Vec::new();
    }
    let (id, confidence, severity) = because(connection, &reset);
    let received_bytes = connection.sent_by(reset.by.other()).unique_bytes;
    // after the close, the numbers of an answer to what comes late are those of what it answers
    let is_outside =
        reset.acceptability == ResetAcceptability::Outside && id != FindingId::ResetDataAfterClose;
    let is_without_data = connection.directions.iter().all(|direction| direction.text_segments == 0);
    let may_be_unread = id == FindingId::Reset && received_bytes > 0 && !has_closed(connection, &reset);
    vec![
        Draft::of_end(id, severity, connection, reset.by)
            .number("unacknowledged_bytes", reset.in_flight_bytes)
            .number("received_bytes", received_bytes)
            .sign_if(reset.acceptability == ResetAcceptability::InWindow, "not-exact")
            .sign_if(is_outside, "outside")
            .sign_if(id == FindingId::Reset && reset.is_bare, "bare")
            .sign_if(id == FindingId::Reset && is_without_data, "no-data")
            .sign_if(may_be_unread, "instead-of-fin")
            .sign_if(reset.reason == ResetReason::UnacceptableAck, "unacceptable-ack")
            .sure(confidence)
            .outside_if(is_outside)
            .by([reset.at.frame])
            .see("9293#3.10.7.4"),
    ]
}

fn has_closed(connection: &Connection, reset: &Reset) -> bool {
    let before = |fin: &crate::Fin| fin.sent.frame < reset.at.frame;
    connection.close.fins[reset.by.index()].as_ref().is_some_and(before)
}

fn because(connection: &Connection, reset: &Reset) -> (FindingId, Confidence, Severity) {
    let probes = connection.sent_by(reset.by).keep_alives;
    if probes.unanswered.count >= KEEP_ALIVES_MIN && probes.unanswered.last_frame < reset.at.frame {
        return (FindingId::ResetKeepAlive, Confidence::HIGH, Severity::Problem);
    }
    match reset.reason {
        ResetReason::GaveUp => (FindingId::ResetGaveUp, Confidence::LIKELY, Severity::Problem),
        ResetReason::DataAfterClose => (FindingId::ResetDataAfterClose, Confidence::HIGH, Severity::Warning),
        ResetReason::UnreadData => (FindingId::ResetUnreadData, Confidence::HIGH, Severity::Warning),
        ResetReason::ClosedPort => {
            let confidence = if reset.is_of_nobody { Confidence::HIGH } else { Confidence::LIKELY };
            (FindingId::HalfOpen, confidence, Severity::Problem)
        }
        // stacks abort with an acknowledgment; one that knows nothing has none to give
        ResetReason::Aborted if reset.is_of_nobody && !has_closed(connection, reset) => {
            (FindingId::HalfOpen, Confidence::LIKELY, Severity::Problem)
        }
        _ => (FindingId::Reset, Confidence::LIKELY, aborted_severity(connection, reset)),
    }
}

/// Another time to live than that of the end's other packets, and the end goes on: it was not the sender.
fn strangers(connection: &Connection, reset: &Reset) -> Option<Draft> {
    let [ttl, usual_ttl] = reset.ttl?;
    if ttl == usual_ttl || reset.goes_on_frame == 0 {
        return None;
    }
    Some(
        Draft::of_end(FindingId::ResetByStranger, Severity::Problem, connection, reset.by)
            .number("hop_limit", u64::from(ttl))
            .number("usual_hop_limit", u64::from(usual_ttl))
            .by([reset.at.frame, reset.goes_on_frame])
            .see("5961#3"),
    )
}

/// The other end goes on as if nothing had come.
fn ignored(connection: &Connection, reset: &Reset) -> Option<Draft> {
    let other = reset.by.other();
    let seen = connection.sent_by(other).note(Notes::RESET_IGNORED);
    if seen.count == 0 {
        return None;
    }
    Some(
        Draft::of_end(FindingId::ResetIgnored, Severity::Warning, connection, other)
            .number("reset_frame", reset.at.frame)
            .sign_if(reset.acceptability == ResetAcceptability::Outside, "outside")
            .by([reset.at.frame])
            .by(frames_of(seen))
            .see("5961#3"),
    )
}

fn aborted_severity(connection: &Connection, reset: &Reset) -> Severity {
    let closed = connection.close.fins.iter().flatten().filter(|fin| fin.sent.frame < reset.at.frame).count();
    let transferring = reset.in_flight_bytes > 0 || connection.close.fins.iter().all(Option::is_none);
    let is_without_data = connection.directions.iter().all(|direction| direction.text_segments == 0);
    // what came was acknowledged, and nothing was said for a while: browsers and proxies throw idle connections away so
    let is_idle = reset.in_flight_bytes == 0
        && reset.at.time.as_nanos().saturating_sub(connection.turns.last_ns) >= IDLE_NS_MIN;
    match (closed == 2 || is_without_data, transferring) {
        (true, _) => Severity::Info,
        (false, true) if is_idle => Severity::Warning,
        (false, true) => Severity::Problem,
        (false, false) => Severity::Warning,
    }
}
