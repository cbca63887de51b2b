//! Sent again, or overtaken on the way? By evidence, not by a fixed time.

use super::{Evidence, Scene, Sender};

/// Which of the two, and how strongly: positive for "sent again".
#[derive(Clone, Copy, Debug)]
pub(super) struct Weighed {
    pub(super) again: i32,
    pub(super) evidence: Evidence,
}

/// Weighs the signs for a segment that lies below the highest one of its sender.
pub(super) fn weigh(scene: &Scene<'_>, from: &Sender) -> Weighed {
    let mut weighed = Weighed { again: 0, evidence: Evidence::NONE };
    let mut add = |points: i32, evidence: Evidence| {
        weighed.again += points;
        weighed.evidence |= evidence;
    };
    if scene.prior.earlier.is_some() {
        add(4, Evidence::SEEN_BEFORE);
    }
    if let (Some(stamps), Some(high)) = (scene.segment.options.timestamps, from.clock.highest()) {
        match stamps.value.wrapping_sub(high).cast_signed() {
            ..0 => add(-6, Evidence::TIMESTAMPS),
            1.. => add(3, Evidence::TIMESTAMPS),
            0 => {}
        }
    }
    match from.ids.ahead(scene.segment) {
        Some(..0) => add(-4, Evidence::IP_ID),
        Some(0..) => add(4, Evidence::IP_ID),
        None => {}
    }
    let asked_for = scene.other.duplicate_acks >= 3 && scene.other.last_ack == Some(scene.segment.seq);
    if asked_for {
        add(2, Evidence::DUPLICATE_ACKS);
    }
    let recovering = from.loss.as_ref().is_some_and(|loss| loss.recovery().is_some());
    if recovering && !scene.other.sack().is_empty() {
        add(3, Evidence::SACK);
    }
    let highest_reported = scene.other.sack().iter().any(|block| block.left.at_or_after(scene.segment.end()));
    if highest_reported && scene.other.duplicate_acks > 0 {
        add(1, Evidence::SACK);
    }
    let now_ns = scene.segment.time.as_nanos();
    match scene.prior.hole_since_ns.filter(|_| !scene.is_near) {
        // an answer to what its receiver said of the hole takes a turn to come here
        Some(since_ns) if now_ns.saturating_sub(since_ns) < scene.turn_ns - scene.turn_ns / 8 => {
            add(-3, Evidence::TIMING);
        }
        Some(_) => add(3, Evidence::TIMING),
        None => {
            let since_highest_ns = now_ns.saturating_sub(scene.prior.next_seq_time_ns);
            if since_highest_ns < (scene.rtt_ns / 4).clamp(500_000, 20_000_000) {
                add(-2, Evidence::TIMING);
            } else if since_highest_ns > scene.rtt_ns {
                add(2, Evidence::TIMING);
            }
        }
    }
    weighed
}
