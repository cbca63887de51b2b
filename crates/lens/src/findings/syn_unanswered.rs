//! A SYN without an answer, or one that had to be sent again.

use super::{Finding, Severity, name, times};
use crate::connection::text::seconds;
use crate::{Connection, Opened};

pub(super) fn look(connection: &Connection) -> Vec<Finding> {
    let (Some(syn), Opened::By(opener)) = (connection.handshake.syn, connection.opened) else {
        return Vec::new();
    };
    let again = connection.handshake.again[opener.index()];
    let answers = connection.handshake.again[opener.other().index()];
    let frames = [syn.frame, again.first_frame, again.last_frame];
    let answered = connection.sent_by(opener.other()).packets > 0;
    if answered && again.count + answers.count == 0 {
        return Vec::new();
    }
    let (who, whom) = (name(connection, opener), name(connection, opener.other()));
    if !answered {
        if connection.sent_by(opener).text_segments > 0 || connection.handshake.ack.is_some() {
            return Vec::new(); // one direction was captured: another finding
        }
        let tried = times(again.count + 1);
        let lasted = seconds(connection.duration_ns());
        let icmp = if connection.icmp_errors > 0 { "; an ICMP error came back" } else { "" };
        let sentence = format!(
            "{whom} did not answer: {who} sent its SYN {tried} in {lasted}{icmp}; a filter drops it, or the host is not there"
        );
        return vec![
            Finding::new("syn-unanswered", Severity::Problem, connection, sentence)
                .by(frames)
                .see("9293#3.8.3"),
        ];
    }
    let Some(syn_ack) = connection.handshake.syn_ack else { return Vec::new() };
    let mut found = Vec::new();
    if again.count > 0 {
        let late = match again.first_frame < syn_ack.frame {
            true => format!(
                "; the answer came {} after the first",
                seconds(syn_ack.time.as_nanos().saturating_sub(syn.time.as_nanos()))
            ),
            false => ": the answer did not reach it at first".to_owned(),
        };
        let sentence = format!("{who} sent its SYN {}{late}", times(again.count + 1));
        found.push(
            Finding::new("syn-retransmitted", Severity::Warning, connection, sentence)
                .by(frames)
                .see("6298#5"),
        );
    }
    if answers.count > 0 {
        let sentence = format!(
            "{whom} sent its SYN,ACK {}: its third step came late or was lost",
            times(answers.count + 1)
        );
        let frames = [syn_ack.frame, answers.first_frame, answers.last_frame];
        found.push(
            Finding::new("syn-ack-retransmitted", Severity::Warning, connection, sentence)
                .by(frames)
                .see("6298#5"),
        );
    }
    found
}
