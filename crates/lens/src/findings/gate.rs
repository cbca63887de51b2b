//! The one gate: what may be said of a connection, given what the capture can show.
//!
//! Each kind states its needs in the table of kinds; nothing else decides. What fails is not told, or is told as what
//! it is: that the capture ends too early.

use super::finding::{Awaited, Draft};
use super::{Finding, FindingId, Needs, Severity};
use crate::{Confidence, Connection, Side};

/// Acknowledgments of what was not captured that leave counts of losses worth telling: one in so many packets.
const PACKETS_PER_MISSING: u32 = 200;

/// What the gate says of a draft.
pub(super) fn pass(draft: Draft, connection: &Connection) -> Option<Finding> {
    let Draft { finding, awaited, is_outside } = draft;
    let needs = finding.id.needs();
    let lacks = |need, holds: bool| needs.contains(need) && !holds;
    if finding.confidence < Confidence::LIKELY
        || lacks(Needs::BOTH_SIDES, connection.faults.only.is_none())
        || lacks(Needs::CAPTURED_ONCE, connection.faults.twice.count == 0)
        || lacks(Needs::COMPLETE, is_complete(connection))
        || lacks(Needs::IN_WINDOW, !is_outside)
    {
        return None;
    }
    let Some(awaited) = awaited else { return Some(finding) };
    let was_heard = connection.sent_by(awaited.of).last_ns > awaited.since_ns;
    if lacks(Needs::PEER_SILENT, !was_heard) || lacks(Needs::PEER_ALIVE, was_heard) {
        return None;
    }
    let watched_ns = connection.watched_until.as_nanos().saturating_sub(awaited.since_ns);
    if lacks(Needs::TIME_LEFT, watched_ns >= awaited.patience_ns) {
        return is_worth_telling(finding.id).then(|| capture_ends(&finding, awaited, watched_ns));
    }
    Some(finding)
}

/// The counts of what was sent and lost can be trusted.
fn is_complete(connection: &Connection) -> bool {
    let packets: u32 = connection.directions.iter().map(|direction| direction.packets).sum();
    connection.faults.missing.count <= packets / PACKETS_PER_MISSING && connection.faults.late.count == 0
}

/// Whether people would take the end of the capture for the end of the story.
fn is_worth_telling(id: FindingId) -> bool {
    matches!(id, FindingId::SynUnanswered | FindingId::SynIgnored | FindingId::KeepAliveUnanswered)
}

fn capture_ends(finding: &Finding, awaited: Awaited, watched_ns: u64) -> Finding {
    let _: Side = awaited.of;
    Finding {
        id: FindingId::CaptureEnds,
        severity: Severity::Info,
        confidence: Confidence::CERTAIN,
        numbers: vec![("watched_us", watched_ns / 1_000)],
        signs: vec![finding.id.name()],
        section: None,
        ..finding.clone()
    }
}
