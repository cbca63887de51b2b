//! Marks of how the capture was made.

use super::{Said, time};

pub(super) fn captured_twice(said: &Said<'_>) -> String {
    let how = if said.has("across-router") {
        "before and behind a router (the hop counts differ)"
    } else {
        "at the same place (a mirror port that sees both directions, or several interfaces)"
    };
    let packets = said.counted("packets", "packet was", "packets were");
    format!(
        "{packets} captured twice, {how}: verdicts like retransmission and duplicate ACK on them are the capture's, not the network's"
    )
}

pub(super) fn capture_ends(said: &Said<'_>) -> String {
    let after = said.number("watched_us");
    let (who, whom) = (&said.who, &said.whom);
    let what = if said.has("keep-alive-unanswered") {
        format!("the first unanswered keep-alive of {who}")
    } else {
        format!("the SYN of {whom} to {who}")
    };
    match after {
        0 => format!("the capture ends with {what}: whether it was answered is not in it"),
        after => {
            format!("the capture ends {} after {what}: whether it was answered is not in it", time(after))
        }
    }
}

pub(super) fn capture_loss(said: &Said<'_>) -> String {
    format!(
        "the capture missed packets: {} acknowledged and not in it, in {}; counts of loss are not to be trusted",
        said.counted("missing_bytes", "byte is", "bytes are"),
        said.counted("gaps", "place", "places")
    )
}

pub(super) fn direction_late(said: &Said<'_>) -> String {
    format!(
        "what {} sent is late in the capture: {} captured up to {} after their own acknowledgment; two captures were joined badly, or one interface reports late. No packet is missing, but round trips and causes are wrong",
        said.who,
        said.counted("packets", "packet was", "packets were"),
        said.time("late_max_us")
    )
}

pub(super) fn no_row(said: &Said<'_>) -> String {
    format!(
        "{} sent {} what no way through the state diagram explains: a forged segment, a middlebox, or a stack at fault",
        said.who,
        said.times("times")
    )
}

pub(super) fn one_sided(said: &Said<'_>) -> String {
    format!(
        "only what {} sent was captured: what {} did, and when segments arrived, is not known",
        said.who, said.whom
    )
}

pub(super) fn records_reordered(said: &Said<'_>) -> String {
    format!(
        "{} older than the record before: sort the capture by time (reordercap)",
        said.counted("records", "record is", "records are")
    )
}

pub(super) fn super_segments(said: &Said<'_>) -> String {
    format!(
        "{} larger than the MSS: captured on the sending or receiving host, before its network card cut or after it joined",
        said.counted("segments", "segment is", "segments are")
    )
}
