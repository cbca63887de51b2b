//! Why a segment without text was sent: which acknowledgment it is (RFC 9293 §3.8.6.3, RFC 5681 §4.2).

use super::place::Place;
use super::{Confidence, Evidence, Scene, Sender, Why};
use crate::{EndState, Verdicts};
use tcp::SendReason;
use tcp::state::State;

/// An acknowledgment that comes later than this after what it acknowledges has waited.
const WAITED_NS: u64 = 15_000_000;

#[inline]
pub(super) fn why_ack(scene: &Scene<'_>, to: &Sender) -> Why {
    let verdicts = scene.judged.verdicts;
    if answers_probe(scene, to) {
        return Why::new(SendReason::ProbeAck, Confidence::HIGH);
    }
    if !scene.segment.flags.ack() {
        return Why::new(SendReason::ImmediateAck, Confidence::LOW);
    }
    if completes_handshake(scene) {
        return Why::new(SendReason::HandshakeAck, Confidence::HIGH);
    }
    if verdicts.contains(Verdicts::WINDOW_UPDATE) {
        return Why::new(SendReason::WindowUpdate, Confidence::HIGH);
    }
    let advances = scene.prior.is_advanced_by(scene.segment);
    if advances && scene.prior.other_fin_end.is_some_and(|end| scene.segment.ack.at_or_after(end)) {
        return Why::new(SendReason::FinAck, Confidence::HIGH);
    }
    if advances {
        why_advancing(scene.segment.time.as_nanos(), to, || scene.turn_ns)
    } else {
        why_repeating(scene, to)
    }
}

/// The other end's latest segment asked whether this one is there, or can take more; nothing else wants an answer.
fn answers_probe(scene: &Scene<'_>, to: &Sender) -> bool {
    let was_asked = matches!(to.last_reason, SendReason::ZeroWindowProbe | SendReason::KeepAlive);
    let advances = scene.prior.last_ack.is_some_and(|last| scene.segment.ack.after(last + 1));
    was_asked && !advances && !scene.judged.verdicts.contains(Verdicts::WINDOW_UPDATE)
}

#[inline]
fn completes_handshake(scene: &Scene<'_>) -> bool {
    let moved = |end: &EndState, from: State| {
        end.moves.iter().any(|row| row.from == from && row.to == State::Established)
    };
    let opened =
        moved(&scene.sender_after, State::SynSent) || moved(&scene.receiver_after, State::SynReceived);
    let first = scene.sent.base.is_some_and(|base| scene.segment.seq == base + 1)
        && scene.other.base.is_some_and(|base| scene.segment.ack == base + 1);
    opened
        || (first && scene.prior.last_ack != Some(scene.segment.ack))
        || (first
            && scene.sent.last_ack == Some(scene.segment.ack)
            && scene.other.last_verdicts.is_empty()
            && from_syn(scene))
}

/// The other end's latest segment is a SYN,ACK: its window is still that of a SYN.
fn from_syn(scene: &Scene<'_>) -> bool {
    scene.other.window_is_of_syn
}

/// Something new is acknowledged: at once, as the second segment, or after waiting?
#[inline]
pub(super) fn why_advancing(now_ns: u64, to: &Sender, turn_ns: impl FnOnce() -> u64) -> Why {
    let waited_ns = now_ns.saturating_sub(to.owed_last_ns);
    let full = to.largest_text_bytes.max(1);
    if to.last_place == Place::InGap {
        return Why::new(SendReason::ImmediateAck, Confidence::HIGH).by(Evidence::TIMING);
    }
    if waited_ns >= WAITED_NS && waited_ns >= WAITED_NS + turn_ns() {
        return Why::new(SendReason::DelayedAck, Confidence::HIGH)
            .by(Evidence::TIMING)
            .or(SendReason::ImmediateAck);
    }
    if to.owed_segments >= 2 || to.owed_bytes > full {
        return Why::new(SendReason::SecondSegmentAck, Confidence::LIKELY).or(SendReason::ImmediateAck);
    }
    Why::new(SendReason::ImmediateAck, Confidence::LIKELY).or(SendReason::DelayedAck)
}

/// Nothing new is acknowledged: what did the other end do to be told again?
#[inline(never)]
fn why_repeating(scene: &Scene<'_>, to: &Sender) -> Why {
    if scene.other_was_suspicious {
        return Why::new(SendReason::ChallengeAck, Confidence::HIGH).or(SendReason::DuplicateAck);
    }
    if scene.judged.verdicts.contains(Verdicts::DSACK) {
        return Why::new(SendReason::OutOfWindowAck, Confidence::HIGH)
            .by(Evidence::DSACK)
            .or(SendReason::DuplicateAck);
    }
    if !scene.segment.options.sack.is_empty() {
        return Why::new(SendReason::DuplicateAck, Confidence::HIGH).by(Evidence::SACK);
    }
    // Nothing is owed, and the other end takes nothing: an empty segment asks whether that is still so.
    if scene.other.is_closed() && to.owed_segments == 0 && to.last_reason != SendReason::ZeroWindowProbe {
        return Why::new(SendReason::ZeroWindowProbe, Confidence::LIKELY).or(SendReason::DuplicateAck);
    }
    match to.last_place {
        Place::BeyondGap => Why::new(SendReason::DuplicateAck, Confidence::HIGH).by(Evidence::TIMING),
        Place::Old => Why::new(SendReason::OutOfWindowAck, Confidence::LIKELY).or(SendReason::DuplicateAck),
        Place::InGap | Place::Next if scene.judged.verdicts.contains(Verdicts::DUPLICATE_ACK) => {
            Why::new(SendReason::DuplicateAck, Confidence::LIKELY).or(SendReason::WindowUpdate)
        }
        Place::InGap | Place::Next => Why::new(SendReason::ImmediateAck, Confidence::LOW)
            .or(SendReason::ChallengeAck)
            .or(SendReason::DuplicateAck),
    }
}
