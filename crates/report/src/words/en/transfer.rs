//! What happens while data is under way.

use super::{Said, counted, percent, times};
use crate::words::said::codepoint;

pub(super) fn congestion_marked(said: &Said<'_>) -> String {
    let (who, whom, here) = (&said.who, &said.whom, said.number("marked_here_packets"));
    let rounds = said.counted("told_round_trips", "round trip", "round trips");
    if said.number("told_round_trips") == 0 {
        let were = if here == 1 { "was" } else { "were" };
        return format!(
            "{} of {who} {were} marked on the way instead of being dropped: a queue is filling (ECN)",
            counted(here, "packet", "packets")
        );
    }
    let what = if said.has("accurate-ecn") {
        // without the option there is only a number of three bits
        let least = if said.number("told_bytes") == 0 { "at least " } else { "" };
        let packets = said.counted("told_packets", "packet", "packets");
        format!("marked {least}{packets} of {who} in {rounds} instead of dropping (ACE of {whom})")
    } else {
        format!("marked packets of {who} in {rounds} instead of dropping (ECE of {whom})")
    };
    let passed = match here {
        0 => String::new(),
        here => format!("; {} here already", counted(here, "packet was marked", "packets were marked")),
    };
    format!("the path {what}{passed}; {}", answer_to_marks(said))
}

/// What the sender did about marks.
fn answer_to_marks(said: &Said<'_>) -> String {
    let who = &said.who;
    let cwr = match said.number("window_reduced_times") {
        0 => String::new(),
        count => format!("said {} that its window is reduced (CWR)", times(count)),
    };
    let slowed = match (said.number("slowed_times"), said.number("watched_times")) {
        (_, 0) => String::new(),
        (0, watched) => format!("had no less in flight after {}", if watched == 1 { "it" } else { "any" }),
        (slowed, watched) => {
            let [before, after] =
                ["in_flight_before_bytes", "in_flight_after_bytes"].map(|name| said.finding.number(name));
            let fall = before.zip(after).map_or_else(String::new, |(before, after)| {
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

pub(super) fn ecn_changed(said: &Said<'_>) -> String {
    let (who, whom) = (&said.who, &said.whom);
    if said.has("not-counted") {
        return format!(
            "{who} sends ECN-capable packets, and what {whom} counts of them is nothing: the path clears the field between here and there, so it drops where it could mark"
        );
    }
    let [left, answer] = if said.has("on-syn") { ["SYN", "SYN,ACK"] } else { ["SYN,ACK", "ACK"] };
    let consequence = if said.has("cleared") {
        "the path clears the field: it drops where it could mark"
    } else {
        "the path sets the field: its marks are not to be believed"
    };
    format!(
        "the {left} of {who} left as {}, and the {answer} says that it arrived as {}: {consequence}",
        codepoint(said.number("left_codepoint")),
        codepoint(said.number("arrived_codepoint"))
    )
}

pub(super) fn keep_alive(said: &Said<'_>) -> String {
    format!(
        "{} kept an idle connection alive {} (idle up to {})",
        said.who,
        said.times("keep_alives"),
        said.time("idle_max_us")
    )
}

pub(super) fn keep_alive_unanswered(said: &Said<'_>) -> String {
    let (all, none) = (said.number("keep_alives"), said.number("unanswered_keep_alives"));
    let which = if all == none { format!("none of the {all}") } else { format!("none of the last {none}") };
    format!(
        "{} answered {which} keep-alives of {} and was not heard of any more: it is gone or unreachable",
        said.whom, said.who
    )
}

pub(super) fn loss(said: &Said<'_>) -> String {
    let again = said.number("sent_again_segments");
    let needless = match said.number("needless_segments") {
        0 => String::new(),
        needless => format!(", {needless} of them without need"),
    };
    // seen from the receiver's side
    let at_least = if said.has("at-least") { "at least " } else { "" };
    format!(
        "{at_least}{} of what {} sent was lost on the way: {} of {}; {again} went again{needless}",
        percent(said.number("lost_per_mille")),
        said.who,
        said.number("lost_segments"),
        said.counted("sent_segments", "segment", "segments")
    )
}

pub(super) fn marks_not_echoed(said: &Said<'_>) -> String {
    let why = if said.has("not-agreed") {
        "the ends have not agreed on ECN, so the marks are lost on them: the packets should have been dropped, or somebody on the path sets the field"
    } else {
        "its stack is at fault, or a middlebox clears the flags on the way back; the queue will grow until it drops"
    };
    format!(
        "{} acknowledged marked packets of {} {} without a word of the marks: {why}",
        said.who,
        said.whom,
        said.counted("times", "time", "times")
    )
}

pub(super) fn mtu_black_hole(said: &Said<'_>) -> String {
    format!(
        "{} sent a segment of {} {} without an answer, and no segment of that size ever got through: suspect a path MTU black hole (blocked ICMP); clamp the MSS or enable probing (RFC 4821)",
        said.who,
        said.bytes("text_bytes"),
        said.times("sent_times")
    )
}

pub(super) fn nagle_delayed_ack(said: &Said<'_>) -> String {
    format!(
        "{} held a small segment back {} until a delayed acknowledgment of {} came, {} in all: write at once what belongs together, or set TCP_NODELAY",
        said.who,
        said.times("times"),
        said.whom,
        said.time("waited_us")
    )
}

pub(super) fn path_probed(said: &Said<'_>) -> String {
    let (arrived, lost) = (said.number("arrived_probes"), said.number("lost_probes"));
    let mut results = Vec::new();
    if arrived > 0 {
        results.push(format!("packets of {} arrive", said.bytes("arrived_max_bytes")));
    }
    if lost > 0 {
        let probes = counted(lost, "lost path probe", "lost path probes");
        results.push(format!("{probes} of {} or more, which is no congestion", said.bytes("lost_min_bytes")));
    }
    let probes = counted(arrived + lost, "probe", "probes");
    format!("{} searches for a larger path MTU by {probes}: {}", said.who, results.join("; "))
}

pub(super) fn path_too_small(said: &Said<'_>) -> String {
    let router = said.finding.said_by.map_or_else(|| "a router".to_owned(), |router| router.to_string());
    format!(
        "{router} said that a packet of {} from {} to {} is too big: no more than {} pass there; smaller segments went from then on if the ICMP error reached it",
        said.bytes("too_big_bytes"),
        said.who,
        said.whom,
        said.bytes("mtu_bytes")
    )
}

pub(super) fn reordering(said: &Said<'_>) -> String {
    let were = if said.number("packets") == 1 { "was" } else { "were" };
    let packets = said.counted("packets", "packet", "packets");
    format!("{packets} of {} {were} overtaken on the way (not lost): the path reorders", said.who)
}

pub(super) fn request_unanswered(said: &Said<'_>) -> String {
    let (who, whom, waited) = (&said.who, &said.whom, said.time("waited_us"));
    let end = if said.has("closed") {
        format!("it closed {waited} later without a byte of an answer")
    } else if said.has("client-left") {
        format!("{whom} gave up after {waited}")
    } else {
        format!("nothing came for {waited}, until the end")
    };
    let bytes = said.bytes("request_bytes");
    match said.number("answered_requests") {
        0 => format!(
            "{who} acknowledged the {bytes} of {whom} and sent nothing back: {end}; a request that its application did not answer, or data that needs no answer"
        ),
        count => format!(
            "{who} acknowledged a request of {bytes} from {whom} and did not answer it (it had answered {} before): {end}; its application hangs, or waits for somebody itself",
            times(count)
        ),
    }
}

pub(super) fn rule_broken(said: &Said<'_>) -> String {
    let what = if said.has("scale-too-large") {
        "offered a window scale beyond 14, which counts as 14"
    } else if said.has("mss-without-syn") {
        "sent an MSS option outside a SYN"
    } else if said.has("sack-of-unsent") {
        "reported by SACK what was never sent"
    } else {
        "shrank its window: what it had promised to take it took back"
    };
    format!("{} {what} ({})", said.who, said.times("times"))
}

pub(super) fn server_think_time(said: &Said<'_>) -> String {
    let most = said.time("think_max_us");
    let often = match said.number("answers") {
        1 => most,
        answers => format!("up to {most} (median {} of {answers})", said.time("think_median_us")),
    };
    format!(
        "{} took {often} from the last byte of a request to the first of its answer: that is its application's time, not the network's",
        said.who
    )
}

pub(super) fn slow_client(said: &Said<'_>) -> String {
    format!(
        "{} took up to {} (median {} of {}) from an answer to its next request: the connection mostly waited for it",
        said.who,
        said.time("pause_max_us"),
        said.time("pause_median_us"),
        said.number("pauses")
    )
}

pub(super) fn spurious(said: &Said<'_>) -> String {
    let (needless, all) = (said.number("needless_packets"), said.number("sent_again_packets"));
    let of_all = if all > needless { format!(" ({all} in all)") } else { String::new() };
    format!(
        "{} retransmitted {} without need{of_all}: the original had arrived; its timer is too short, or the path reorders or delays",
        said.who,
        times(needless)
    )
}

pub(super) fn timeout_recovery(said: &Said<'_>) -> String {
    let advice = if said.has("no-sack") {
        "SACK was not agreed upon, which would let losses be repaired sooner"
    } else {
        "too little was in flight for duplicate ACKs; tail-loss probes (RACK-TLP) would help"
    };
    format!(
        "{} repaired {} of {} losses by waiting for its retransmission timer: {advice}",
        said.who,
        said.number("timeouts"),
        said.number("sent_again_packets")
    )
}

pub(super) fn window_limited(said: &Said<'_>) -> String {
    if said.has("slow-reader") {
        return format!(
            "the window of {} (at most {}) held {} back for {} of {}: it was emptied slowly, so its application reads slowly, or means to",
            said.who,
            said.bytes("window_max_bytes"),
            said.whom,
            said.time("limited_us"),
            said.time("total_us")
        );
    }
    format!(
        "the window of {} (at most {}) held {} back for {} of {}: a larger receive buffer would speed the transfer up",
        said.who,
        said.bytes("window_max_bytes"),
        said.whom,
        said.time("limited_us"),
        said.time("total_us")
    )
}

pub(super) fn zero_window(said: &Said<'_>) -> String {
    let often = match said.number("times") {
        1 => String::new(),
        count => format!(" (it closed {})", times(count)),
    };
    let end = if said.has("at-end") { "; it was still closed at the end" } else { "" };
    format!(
        "the window of {} was zero for {}{often}: its application did not read what came{end}",
        said.who,
        said.time("closed_us")
    )
}
