//! How connections end.

use super::{Said, counted, times};

pub(super) fn challenge_ack(said: &Said<'_>) -> String {
    let (who, whom) = (&said.who, &said.whom);
    match said.number("challenges") {
        0 => format!("{whom} sent a SYN inside the open connection and {who} did not challenge it"),
        challenges => format!(
            "{who} challenged a suspicious segment of {whom} {}: a half-open connection after a restart, or a forgery",
            times(challenges)
        ),
    }
}

pub(super) fn fin_unacknowledged(said: &Said<'_>) -> String {
    match said.number("sent_again_times") {
        0 => format!("{} sent its FIN and no acknowledgment of it was captured", said.who),
        again => {
            format!("{} retransmitted its FIN {}: the peer never acknowledged it", said.who, times(again))
        }
    }
}

pub(super) fn half_closed(said: &Said<'_>) -> String {
    let (who, whom, lasted) = (&said.who, &said.whom, said.time("half_closed_us"));
    if said.has("in-use") {
        return format!(
            "{who} went on sending for {lasted} after {whom} had closed its direction: a half-close in use"
        );
    }
    if said.has("never-closed") {
        return format!(
            "{who} did not close within {lasted} after {whom} had: its application does not see, or does not act on, the end of the data (CLOSE-WAIT)"
        );
    }
    format!("{who} closed {lasted} after {whom} had")
}

pub(super) fn peer_silent(said: &Said<'_>) -> String {
    format!(
        "{} was not heard of for the last {}: {} sent the same {} again without an answer; the host, or the path to it, was gone",
        said.who,
        said.time("silent_us"),
        said.whom,
        said.times("sent_again_times")
    )
}

/// What every reset has: by whom, why, what was lost, whether it must be obeyed.
pub(super) fn reset(said: &Said<'_>, because: &str) -> String {
    let lost = match said.number("unacknowledged_bytes") {
        0 => String::new(),
        bytes => {
            format!("; {} that it had sent", counted(bytes, "byte", "bytes"))
                + if bytes == 1 { " was never acknowledged" } else { " were never acknowledged" }
        }
    };
    let obeyed = if said.has("outside") {
        "; its number is outside the window, so it must be ignored"
    } else if said.has("not-exact") {
        "; its number is not the next expected, so a current stack challenges it first"
    } else {
        ""
    };
    format!("{} reset the connection to {}: {because}{lost}{obeyed}", said.who, said.whom)
}

pub(super) fn aborted(said: &Said<'_>) -> String {
    if said.has("unacceptable-ack") {
        return reset(said, "it was told of data that it never sent");
    }
    if said.has("bare") {
        return reset(said, "its application threw it away, or it does not know the connection any more");
    }
    if said.has("no-data") {
        return reset(
            said,
            "it was opened and thrown away without a byte of data: a health check, a scan, or a change of mind",
        );
    }
    if said.has("instead-of-fin") {
        let received = said.bytes("received_bytes");
        let because = format!(
            "its application threw it away instead of closing, after it had received {received}; some may not have been read"
        );
        return reset(said, &because);
    }
    reset(said, "its application threw the connection away")
}

pub(super) fn reset_keep_alive(said: &Said<'_>) -> String {
    reset(
        said,
        "it gave up, because its keep-alives went unanswered; the other host, or the path to it, was gone",
    )
}

pub(super) fn reset_by_stranger(said: &Said<'_>) -> String {
    format!(
        "a reset came in the name of {who}, and {who} goes on: its hop limit is {}, that of the others {}; a middlebox on the path, or a forger, sent it",
        said.number("hop_limit"),
        said.number("usual_hop_limit"),
        who = said.who,
    )
}

pub(super) fn reset_ignored(said: &Said<'_>) -> String {
    let why = if said.has("outside") {
        "its number is outside the window, so it had to"
    } else {
        "it did not accept it, or never got it; the RST may be forged"
    };
    format!("{} went on after the RST of frame {}: {why}", said.who, said.number("reset_frame"))
}

pub(super) fn text_after_fin(said: &Said<'_>) -> String {
    format!("{} sent text {} beyond its own FIN, which ends its data", said.who, said.times("times"))
}
