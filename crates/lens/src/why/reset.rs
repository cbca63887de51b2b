//! Why a connection was reset (RFC 9293 §3.5.2, §3.6.1, §3.10.5).

use super::place::Place;
use super::{Confidence, Evidence, Scene, Sender, Why};
use tcp::state::State;
use tcp::{ResetReason, SendReason};
use wire::Seq;

/// Retransmissions without an answer after which a reset means that the sender gave up.
const GAVE_UP: u8 = 4;

#[inline(never)]
pub(super) fn why_reset(scene: &Scene<'_>, from: &Sender, to: &Sender) -> Why {
    let because = |reason, confidence| Why::new(SendReason::Reset(reason), confidence);
    let or = SendReason::Reset;
    let segment = scene.segment;
    // an answer in the name of nobody: numbers are taken from the segment it answers (§3.5.2)
    let answers_ack = !segment.flags.ack() && scene.other.last_ack == Some(segment.seq);
    match scene.prior.state {
        State::Closed | State::Listen if scene.prior.own_fin_end.is_some() => {
            return because(ResetReason::DataAfterClose, Confidence::LIKELY).or(or(ResetReason::ClosedPort));
        }
        State::Closed | State::Listen => {
            let from_syn = segment.flags.ack() && segment.seq == Seq::new(0);
            let sure = if from_syn || answers_ack { Confidence::CERTAIN } else { Confidence::LIKELY };
            return because(ResetReason::ClosedPort, sure).or(or(ResetReason::Aborted));
        }
        State::SynSent if !segment.flags.ack() => {
            return because(ResetReason::UnacceptableAck, Confidence::HIGH).or(or(ResetReason::Aborted));
        }
        State::SynReceived if segment.flags.ack() && segment.seq == Seq::new(0) => {
            return because(ResetReason::ClosedPort, Confidence::CERTAIN);
        }
        _ => {}
    }
    // A SYN,ACK refused by somebody who has said no more than a SYN, if that: it knows of no opening
    // (§3.5, figure 8), though the diagram, taking its SYN for granted, has it ESTABLISHED.
    let said_no_more = !from.has_sent || from.last_reason == SendReason::Syn;
    let heard_no_more = scene.other.base.is_some_and(|base| scene.other.next_seq == Some(base + 1));
    if answers_ack && said_no_more && heard_no_more {
        return because(ResetReason::ClosedPort, Confidence::HIGH).or(or(ResetReason::Aborted));
    }
    if from.loss.as_ref().is_some_and(|loss| loss.timeouts_in_a_row >= GAVE_UP) {
        return because(ResetReason::GaveUp, Confidence::LIKELY)
            .or(or(ResetReason::Aborted))
            .by(Evidence::TIMING);
    }
    // it asked whether anybody is there, and nobody answered (RFC 9293 §3.8.4)
    if from.last_reason == SendReason::KeepAlive && to.last_ns < from.last_ns {
        return because(ResetReason::GaveUp, Confidence::LIKELY)
            .or(or(ResetReason::Aborted))
            .by(Evidence::TIMING);
    }
    let closed = scene.prior.own_fin_end.is_some();
    if closed {
        return because(ResetReason::DataAfterClose, Confidence::HIGH).or(or(ResetReason::Aborted));
    }
    if answers_ack && scene.prior.state.is_synchronized() && !segment.flags.ack() {
        return because(ResetReason::Aborted, Confidence::LOW)
            .or(or(ResetReason::ClosedPort))
            .or(or(ResetReason::UnreadData));
    }
    // text that came and was perhaps not read
    let text_from = scene.other.base.map(|base| base + 1);
    let unread = scene.other.next_seq.zip(text_from).is_some_and(|(next, from)| next.after(from));
    if unread && to.last_place != Place::Old {
        return because(ResetReason::Aborted, Confidence::LOW).or(or(ResetReason::UnreadData));
    }
    because(ResetReason::Aborted, Confidence::LIKELY)
}
