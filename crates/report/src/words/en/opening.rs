//! How connections open, and how they do not.

use super::{Said, times};

pub(super) fn answer_refused(said: &Said<'_>) -> String {
    let (who, whom) = (&said.who, &said.whom);
    if said.has("had-asked") {
        return format!(
            "{who} asked to open and refused the answer of {whom}: a port scan, or its program was gone by then; no connection opened"
        );
    }
    format!(
        "{who} refused the SYN,ACK of {whom}, for it had not asked to open: an old duplicate or a forged SYN had reached {whom}; no connection opened, which is what the third step is for"
    )
}

pub(super) fn fast_open_not_taken(said: &Said<'_>) -> String {
    let (who, whom) = (&said.who, &said.whom);
    let (all, taken) = (said.number("text_bytes"), said.number("taken_bytes"));
    let text = match taken {
        0 => format!("the {all} bytes"),
        taken => format!("{} of the {all} bytes", all - taken),
    };
    let cookie = if said.has("had-cookie") { ", which had a cookie" } else { "" };
    let reason = if said.has("only-bare-syn-answered") {
        "only the SYN without text was answered; somebody on the path may drop SYNs with text or with the option"
    } else if said.has("new-cookie-granted") {
        "the cookie is not valid any more, and a new one is granted"
    } else if said.has("no-room") {
        "it had no room for more"
    } else if said.has("not-now") {
        "it does not do Fast Open, or not now"
    } else {
        "it wants a cookie, or does not do Fast Open"
    };
    format!(
        "{who} did not take {text} of {whom} on the SYN{cookie}: {reason}; it goes again after the handshake, a round trip later"
    )
}

pub(super) fn option_missing(said: &Said<'_>) -> String {
    let who = match said.finding.subject {
        lens::FindingSubject::Connection { ends: [opener, acceptor], .. } => {
            format!("{opener} and {acceptor}")
        }
        _ => said.who.clone(),
    };
    let what = if said.has("sack") {
        "SACK: several losses in one flight are repaired one per round trip"
    } else if said.has("window-scale") {
        "window scaling: no more than 65,535 bytes can be in flight"
    } else if said.has("timestamps") {
        "timestamps: round trips are measured less often, old duplicates not recognised"
    } else {
        "an MSS: the peer must assume 536 bytes (1,220 over IPv6)"
    };
    format!("{who} did not offer {what}")
}

pub(super) fn port_reuse(said: &Said<'_>) -> String {
    let when = match said.finding.number("since_us") {
        Some(_) => format!(
            "{} after the one before it; the old one may still be in TIME-WAIT, and its segments under way",
            said.time("since_us")
        ),
        None => "later".to_owned(),
    };
    format!("{} used its port to {} for another connection {when}", said.who, said.whom)
}

pub(super) fn refused(said: &Said<'_>) -> String {
    format!(
        "{} refused the connection of {}: nobody listens there, or a firewall answers for it",
        said.who, said.whom
    )
}

pub(super) fn split_handshake() -> String {
    "the handshake was split: the SYN was answered by a SYN, and acknowledged apart; some filters are passed that way"
        .to_owned()
}

pub(super) fn syn_ack_retransmitted(said: &Said<'_>) -> String {
    let why = if said.has("never-acknowledged") {
        "it got no third step"
    } else {
        "its third step came late or was lost"
    };
    format!("{} sent its SYN,ACK {}: {why}", said.who, said.times("syn_acks"))
}

pub(super) fn syn_ignored(said: &Said<'_>) -> String {
    format!(
        "{who} did not answer the SYN of {whom} ({} in {}), whose port was in use until {} before, with newer timestamps: the old connection may be in TIME-WAIT at {who}, which ignores a SYN with an older one; open from another port, or let timestamps go on across connections",
        said.times("syns"),
        said.time("waited_us"),
        said.time("since_us"),
        who = said.who,
        whom = said.whom,
    )
}

pub(super) fn syn_retransmitted(said: &Said<'_>) -> String {
    let late = match said.has("answer-was-sent") {
        true => ": the answer did not reach it at first".to_owned(),
        false => format!("; the answer came {} after the first", said.time("answered_after_us")),
    };
    format!("{} sent its SYN {}{late}", said.who, said.times("syns"))
}

pub(super) fn syn_unanswered(said: &Said<'_>) -> String {
    let tried = match said.number("syns") {
        1 => "once".to_owned(),
        syns => format!("{} in {}", times(syns), said.time("tried_us")),
    };
    let icmp = if said.number("icmp_errors") > 0 { "; an ICMP error came back" } else { "" };
    let why = if said.has("host-answers") {
        "the host answers others in this capture, so a filter drops it, or its queue of connections is full"
    } else {
        "a filter drops it, or the host is not there"
    };
    format!(
        "{} did not answer within {}: {} sent its SYN {tried}{icmp}; {why}",
        said.who,
        said.time("waited_us"),
        said.whom
    )
}

pub(super) fn unacceptable_ack(said: &Said<'_>) -> String {
    format!("{} acknowledged what was never sent, during the handshake: a stale or forged segment", said.who)
}

pub(super) fn unreachable(said: &Said<'_>) -> String {
    let router = said.finding.said_by.map_or_else(|| "a router".to_owned(), |router| router.to_string());
    let what = said.finding.signs.first().copied().unwrap_or("unreachable");
    format!(
        "{router} answered the SYN of {} to {} by an ICMP error, {what}: no connection opened; ask there, or of the rule that it follows",
        said.whom, said.who
    )
}
