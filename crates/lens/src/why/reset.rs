//! Why a connection was reset (RFC 9293 §3.5.2, §3.6.1, §3.10.5).

use super::place::Place;
use super::{Confidence, Evidence, Scene, Sender, Why};
use crate::limits::{FORGOTTEN_NS_MIN, TRAVEL_NS_MIN};
use tcp::state::State;
use tcp::{ResetReason, SendReason};
use wire::Seq;

/// Retransmissions without an answer after which a reset means that the sender gave up.
const GAVE_UP: u8 = 4;

/// The end that resets was silent for long, and answers what the other end has just said.
fn has_forgotten(scene: &Scene<'_>, from: &Sender, to: &Sender) -> bool {
    let now_ns = scene.segment.time.as_nanos();
    let answers_at_once = to.last_ns > from.last_ns
        && now_ns.saturating_sub(to.last_ns) <= TRAVEL_NS_MIN.max(scene.rtt_ns.saturating_mul(2));
    from.has_sent && answers_at_once && to.last_ns - from.last_ns >= FORGOTTEN_NS_MIN
}

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
    // it has what it never read, and knows the connection (§3.6.1, SHLD-3; RFC 2525 §2.17)
    if scene.unread_bytes > 0 && segment.flags.ack() {
        return because(ResetReason::UnreadData, Confidence::HIGH).or(or(ResetReason::Aborted));
    }
    // it answers what comes after a long silence in the name of nobody, and has not closed: it knows of no connection
    if answers_ack && scene.prior.own_fin_end.is_none() && has_forgotten(scene, from, to) {
        return because(ResetReason::ClosedPort, Confidence::LIKELY)
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
