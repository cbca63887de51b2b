//! Why something was sent again (RFC 6298, 5681, 6582, 6675, 8985).
//!
//! Asked in the order in which a sender would act: an acknowledgment that just came can start or
//! continue a recovery; without one only a timer can have fired.

use super::loss::Began;
use super::{Confidence, Evidence, Loss, Scene, Sender, Why};
use tcp::SendReason;
use wire::Seq;

/// What the answer depends on, in one place.
#[derive(Clone, Copy, Debug)]
struct Signs {
    /// Since the same bytes were sent before.
    gap_ns: u64,
    /// Since the last segment of the receiver.
    since_ack_ns: u64,
    /// An acknowledgment came just before, seen from here.
    follows_ack: bool,
    /// At the first unacknowledged byte.
    at_una: bool,
    /// Up to the highest byte sent.
    is_tail: bool,
    duplicate_acks: u32,
    /// Bytes beyond the first unacknowledged one up to the highest SACK block.
    sacked_ahead_bytes: u32,
    mss_bytes: u32,
    rtt_ns: u64,
    rto_ns: u64,
}

pub(super) fn why_again(scene: &Scene<'_>, from: &mut Sender, to: &Sender) -> Why {
    let signs = signs(scene, from, to);
    let began = from.loss.as_ref().and_then(|loss| loss.recovery());
    let acknowledged =
        scene.other.last_ack != Seq::new(0) && scene.segment.end().at_or_before(scene.other.last_ack);
    let why = match began {
        Some(began) => in_recovery(&signs, began, scene),
        None => at_first(&signs),
    };
    let loss = from.loss.get_or_insert_default();
    note(loss, &why, scene, began);
    if acknowledged {
        loss.mark_frame(scene.segment.frame);
        return why.by(Evidence::ACKNOWLEDGED_BEFORE);
    }
    why
}

fn signs(scene: &Scene<'_>, from: &Sender, to: &Sender) -> Signs {
    let (segment, other) = (scene.segment, scene.other);
    let now_ns = segment.time.as_nanos();
    let since_ack_ns = now_ns.saturating_sub(other.last_ack_time_ns);
    let before_ns = scene.prior.earlier.map_or(scene.prior.next_seq_time_ns, |earlier| earlier.time_ns);
    let una = other.last_ack;
    let highest_sacked = other.sack().iter().map(|block| block.right).reduce(Seq::latest);
    let sacked_ahead_bytes =
        highest_sacked.filter(|right| right.after(una)).map_or(0, |right| right.bytes_since(una));
    Signs {
        gap_ns: now_ns.saturating_sub(before_ns),
        since_ack_ns,
        follows_ack: follows_ack(scene, from, to, since_ack_ns),
        at_una: segment.seq == una,
        is_tail: segment.end() == scene.prior.next_seq,
        duplicate_acks: other.duplicate_acks,
        sacked_ahead_bytes,
        mss_bytes: from.largest_text_bytes.max(536),
        rtt_ns: scene.rtt_ns,
        rto_ns: from.rto_ns().max(scene.rtt_ns + scene.rtt_ns / 2),
    }
}

/// Did an acknowledgment set it off? The echo in it says what its sender had heard last; without
/// timestamps only the time since the last acknowledgment here can tell.
fn follows_ack(scene: &Scene<'_>, from: &Sender, to: &Sender, since_ack_ns: u64) -> bool {
    let now_ns = scene.segment.time.as_nanos();
    let echo = scene.segment.options.timestamps.map(|stamps| stamps.echo);
    if let Some(age_ns) = echo.and_then(|echo| to.clock.age_ns(echo, now_ns))
        && from.echo_turn_us > 0
    {
        let usual_ns = u64::from(from.echo_turn_us) * 1_000;
        return age_ns <= usual_ns + usual_ns / 4 + 20_000_000;
    }
    since_ack_ns <= scene.turn_ns + (scene.rtt_ns / 2).clamp(10_000_000, 100_000_000)
}

/// The first retransmission after everything went well.
fn at_first(signs: &Signs) -> Why {
    let by_acks = signs.duplicate_acks >= 3 || signs.sacked_ahead_bytes > 3 * signs.mss_bytes;
    if by_acks && signs.follows_ack {
        let by_dupacks = signs.duplicate_acks >= 3;
        let reason = if by_dupacks { SendReason::FastRetransmit } else { SendReason::SackRecovery };
        let evidence = if by_dupacks { Evidence::DUPLICATE_ACKS } else { Evidence::SACK };
        return Why::new(reason, Confidence::HIGH).by(evidence | Evidence::TIMING).or(SendReason::Timeout);
    }
    if (signs.duplicate_acks >= 1 || signs.sacked_ahead_bytes > 0) && signs.follows_ack {
        // early retransmit (RFC 5827) or RACK (RFC 8985): fewer signs suffice
        return Why::new(SendReason::SackRecovery, Confidence::LIKELY)
            .by(Evidence::DUPLICATE_ACKS | Evidence::TIMING)
            .or(SendReason::FastRetransmit)
            .or(SendReason::Timeout);
    }
    let in_probe_time = signs.gap_ns < signs.rto_ns && signs.gap_ns / 3 >= signs.rtt_ns / 2;
    if signs.is_tail && in_probe_time {
        return Why::new(SendReason::TailLossProbe, Confidence::LIKELY)
            .by(Evidence::TIMING)
            .or(SendReason::Timeout);
    }
    timeout(signs)
}

fn in_recovery(signs: &Signs, began: Began, scene: &Scene<'_>) -> Why {
    let sacks = !scene.other.sack().is_empty();
    let waited = signs.at_una && signs.gap_ns >= 190_000_000;
    if !signs.follows_ack && (waited || signs.since_ack_ns >= signs.rto_ns) {
        return timeout(signs);
    }
    match began {
        Began::Acks if sacks => Why::new(SendReason::SackRecovery, Confidence::HIGH).by(Evidence::SACK),
        Began::Acks => Why::new(SendReason::RecoveryRetransmit, Confidence::HIGH).by(Evidence::TIMING),
        Began::Timeout => Why::new(SendReason::RecoveryRetransmit, Confidence::LIKELY)
            .by(Evidence::TIMING)
            .or(SendReason::SackRecovery)
            .or(SendReason::Timeout),
        Began::Probe if signs.duplicate_acks >= 1 => Why::new(SendReason::SackRecovery, Confidence::LIKELY)
            .by(Evidence::SACK)
            .or(SendReason::FastRetransmit),
        Began::Probe => timeout(signs),
    }
}

fn timeout(signs: &Signs) -> Why {
    let plausible = signs.gap_ns >= 190_000_000;
    let why = Why::new(SendReason::Timeout, if plausible { Confidence::HIGH } else { Confidence::LOW });
    Why { implied_rto_ns: Some(signs.gap_ns), ..why.by(Evidence::TIMING).or(SendReason::TailLossProbe) }
}

/// Keeps the counts, and where recovery stands.
fn note(loss: &mut Loss, why: &Why, scene: &Scene<'_>, began: Option<Began>) {
    loss.push(scene.segment);
    let until = scene.prior.next_seq;
    let counts = &mut loss.counts;
    match why.reason {
        SendReason::Timeout => {
            counts.timeout += 1;
            loss.on_timeout();
            loss.begin(until, Began::Timeout);
        }
        SendReason::FastRetransmit => counts.fast += 1,
        SendReason::SackRecovery => counts.sack += 1,
        SendReason::TailLossProbe => counts.probe += 1,
        _ => counts.recovery += 1,
    }
    if began.is_none() {
        match why.reason {
            SendReason::Timeout => {}
            SendReason::TailLossProbe => loss.begin(until, Began::Probe),
            _ => loss.begin(until, Began::Acks),
        }
    }
}
