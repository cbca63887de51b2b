//! A SYN without an answer, or one that had to be sent again.

use super::{Draft, FindingId, Hosts, Severity};
use crate::{Connection, Opened};

/// The first timeout of a sender that knows nothing (RFC 6298 §2): an answer that takes longer is missed.
const PATIENCE_NS: u64 = 1_000_000_000;
/// As long as an end may linger in TIME-WAIT: twice the longest segment lifetime (RFC 9293 §3.4.2).
const LINGERS_S: u64 = 240;

/// `hosts`: those that were heard of in the capture.
pub(super) fn look(connection: &Connection, hosts: &Hosts) -> Vec<Draft> {
    let (Some(syn), Opened::By(opener)) = (connection.handshake.syn, connection.opened) else {
        return Vec::new();
    };
    let again = connection.handshake.again[opener.index()];
    let answers = connection.handshake.again[opener.other().index()];
    let frames = [syn.frame, again.first_frame, again.last_frame];
    let acceptor = opener.other();
    if connection.sent_by(acceptor).packets == 0 {
        if connection.ended_by_icmp.is_some() {
            return Vec::new(); // it was answered, though not by the other end
        }
        if !connection.was_never_opened() || hosts.is_deaf(connection.address(opener).ip()) {
            return Vec::new(); // one direction was captured: another finding
        }
        let lingers = connection.previous_end.map(|end| connection.first_time.since(end));
        let lingers = lingers.filter(|since| since.as_secs() < LINGERS_S && connection.has_older_stamp);
        let id = if lingers.is_some() { FindingId::SynIgnored } else { FindingId::SynUnanswered };
        let draft = Draft::of_end(id, Severity::Problem, connection, acceptor)
            .number("syns", again.count + 1)
            .number(
                "waited_us",
                connection.watched_until.as_nanos().saturating_sub(syn.time.as_nanos()) / 1_000,
            )
            .number("tried_us", connection.duration_ns() / 1_000)
            .number("icmp_errors", connection.icmp_errors)
            .sign_if(hosts.was_heard(connection.address(acceptor).ip()), "host-answers")
            .by(frames)
            .awaits(acceptor, syn.time.as_nanos(), PATIENCE_NS);
        return vec![match lingers {
            Some(since) => draft.number("since_us", since.as_micros() as u64).see("6191#2"),
            None => draft.see("9293#3.8.3"),
        }];
    }
    let Some(syn_ack) = connection.handshake.syn_ack else { return Vec::new() };
    let mut found = Vec::new();
    if again.count > 0 {
        let came_late = again.first_frame < syn_ack.frame;
        let draft = Draft::of_end(FindingId::SynRetransmitted, Severity::Warning, connection, opener)
            .number("syns", again.count + 1);
        let draft = match came_late {
            true => draft.number(
                "answered_after_us",
                syn_ack.time.as_nanos().saturating_sub(syn.time.as_nanos()) / 1_000,
            ),
            false => draft.sign("answer-was-sent"),
        };
        found.push(draft.by(frames).see("6298#5"));
    }
    if answers.count > 0 {
        found.push(
            Draft::of_end(FindingId::SynAckRetransmitted, Severity::Warning, connection, acceptor)
                .number("syn_acks", answers.count + 1)
                .sign_if(connection.handshake.ack.is_none(), "never-acknowledged")
                .by([syn_ack.frame, answers.first_frame, answers.last_frame])
                .see("6298#5"),
        );
    }
    found
}
