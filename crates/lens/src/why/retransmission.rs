//! Why something was sent again (RFC 6298, 5681, 6582, 6675, 8985).
//!
//! Asked in the order in which a sender would act: an acknowledgment that just came can start or
//! continue a recovery; without one only a timer can have fired.

use super::loss::Began;
use super::marks::Shown;
use super::needless::both_arrive;
use super::signs::{AT_ONCE_NS, Signs, TIMEOUT_NS_MIN, signs};
use super::{Confidence, Evidence, Loss, Scene, Sender, Why};
use crate::Segment;
use crate::second_look::LoneTail;
use tcp::SendReason;

/// What is captured and what the sender's clock says differ by no more than this.
const EARLY_NS: u64 = 300_000;

pub(super) fn why_again(scene: &Scene<'_>, from: &mut Sender, to: &Sender) -> Why {
    let signs = signs(scene, from, to);
    let loss = from.loss.get_or_insert_default();
    let began = loss.recovery();
    // what does not follow an acknowledgment was sent by a timer
    let is_seen = signs.since_ack_ns > scene.turn_ns + EARLY_NS;
    let is_recovering = began.is_some_and(|began| began != Began::Probe);
    loss.overtaken.look_at_timer(signs.now_ns, scene.turn_ns, scene.prior.earlier, is_recovering, is_seen);
    if let Some(sending) = scene.prior.earlier {
        let is_first = began.is_none();
        match signs.since_ack_ns <= scene.turn_ns + AT_ONCE_NS {
            true if is_first => loss.overtaken.on_sent_by_ack(scene.other.last_ack_time_ns, sending),
            false if (is_first || !signs.is_exact) && signs.is_by_timer() && !signs.is_silent_at_una() => {
                loss.overtaken.on_sent_by_timer(signs.now_ns, scene.turn_ns, sending);
            }
            _ => {}
        }
    }
    let shown = scene.prior.earlier.and_then(|sending| loss.overtaken.shown(sending));
    match shown {
        Some((Shown::ReorderTimer, _)) if signs.is_silent_at_una() => loss.overtaken.doubt_timer(),
        None if began.is_none() && signs.is_by_acks() => loss.overtaken.doubt_timer(),
        _ => {}
    }
    if signs.is_only_by_timer() {
        loss.on_timer_seen();
    }
    let is_overtaken = scene.prior.earlier.is_some_and(|sending| loss.overtaken.is_overtaken(sending));
    let is_since_timeout =
        scene.prior.earlier.is_some_and(|sending| loss.has_resent_since_timeout(sending.frame));
    let has_timer = !loss.overtaken.is_old;
    let why = match (as_it_left(&signs, shown, began, has_timer, is_overtaken), began) {
        // what went again was lost again: Linux ends the timeout's recovery and begins one of its own
        (Some((Shown::Ack, is_close)), Some(Began::Timeout))
            if !signs.is_exact && signs.is_at_once && is_since_timeout && !signs.is_silent_at_una() =>
        {
            loss.begin(scene.prior.next_seq.unwrap_or(scene.segment.end()), Began::Acks);
            known_lost(&signs, Shown::Ack, is_close)
        }
        // whatever shows it: until all that was out at the timeout is acknowledged
        (Some((Shown::Ack, _)), Some(Began::Timeout)) if !signs.is_exact && !signs.is_silent_at_una() => {
            after_timeout(Evidence::SACK | Evidence::TIMING)
        }
        (Some((shown, is_close)), _) => known_lost(&signs, shown, is_close),
        (None, Some(began)) => in_recovery(&signs, began),
        (None, None) => at_first(&signs),
    };
    let why =
        if signs.has_waited && why.reason == SendReason::SackRecovery { reorder_timeout(&why) } else { why };
    learn_of_probes(loss, &why, &signs, began, scene.segment);
    note(loss, &why, scene);
    let confidence = if signs.is_near { why.confidence.seen_near() } else { why.confidence };
    let why = Why { confidence, ..why };
    if signs.is_acknowledged {
        loss.mark_frame(scene.segment.frame);
        return why.by(Evidence::ACKNOWLEDGED_BEFORE);
    }
    if both_arrive(scene) {
        loss.mark_frame(scene.segment.frame);
        return why.by(Evidence::SEEN_BEFORE | Evidence::AT_RECEIVER);
    }
    why
}

/// By what it counts as lost. What was heard before tells what was due, the moment at which it left what let it out: a
/// timer leaves at a tick and after a silence, an answer at once, and what a pacer holds back at any time. The second value
/// says that it is a close call.
fn as_it_left(
    signs: &Signs,
    shown: Option<(Shown, bool)>,
    began: Option<Began>,
    has_timer: bool,
    is_overtaken: bool,
) -> Option<(Shown, bool)> {
    if signs.is_silent_at_una() {
        return shown;
    }
    let is_by_timer = has_timer && signs.is_by_tick() && began != Some(Began::Timeout);
    match shown {
        Some((Shown::Ack | Shown::ReorderTimer, is_close)) if is_by_timer => {
            Some((Shown::ReorderTimer, is_close))
        }
        None if is_by_timer && is_overtaken => Some((Shown::ReorderTimer, true)),
        // by then a recovery of its own goes on
        Some((Shown::Timeout, is_close))
            if began == Some(Began::Acks) && signs.is_near && !signs.is_exact =>
        {
            Some((Shown::Ack, is_close))
        }
        // what that timer has shown a pacer lets out
        Some((Shown::ReorderTimer, is_close)) if signs.is_paced() => Some((Shown::Ack, is_close)),
        // a busy host's timer has not run out, or the window let nothing out until the acknowledgment came
        Some((Shown::ReorderTimer, is_close)) if signs.is_near && signs.is_at_once && !signs.is_exact => {
            Some((Shown::Ack, is_close))
        }
        shown => shown,
    }
}

/// What SACK, or a timeout before, shows to be lost is sent again as soon as the windows allow; after a silence
/// it is the timer that sends it.
fn known_lost(signs: &Signs, shown: Shown, is_close: bool) -> Why {
    if signs.is_silent_at_una() {
        return timeout(signs).or(shown.reason());
    }
    let why =
        Why::new(shown.reason(), if shown == Shown::Ack { Confidence::HIGH } else { Confidence::LIKELY });
    match shown {
        // on a path that reorders an acknowledgment and the timer come close to each other
        Shown::Ack if is_close => {
            Why { confidence: Confidence::LIKELY, ..why }.by(Evidence::SACK).or(SendReason::ReorderTimeout)
        }
        Shown::Ack => why.by(Evidence::SACK),
        Shown::ReorderTimer => {
            why.by(Evidence::SACK | Evidence::TIMING).or(SendReason::SackRecovery).or(SendReason::Timeout)
        }
        Shown::Timeout => why.by(Evidence::TIMING).or(SendReason::SackRecovery).or(SendReason::Timeout),
    }
}

/// The first retransmission after everything went well.
fn at_first(signs: &Signs) -> Why {
    if signs.is_by_acks() {
        let why = if signs.has_sack {
            Why::new(SendReason::SackRecovery, Confidence::HIGH)
                .by(Evidence::SACK)
                .or(SendReason::FastRetransmit)
        } else {
            Why::new(SendReason::FastRetransmit, Confidence::HIGH)
        };
        let evidence = if signs.duplicate_acks >= 3 { Evidence::DUPLICATE_ACKS } else { Evidence::NONE };
        return why.by(evidence | Evidence::TIMING).or(SendReason::Timeout);
    }
    // or it was asked for, and came by then
    let is_told = signs.duplicate_acks >= 1 || signs.sacked_ahead_bytes > 0;
    if signs.is_at_once && (is_told || signs.is_overtaken_here && signs.has_sack) {
        // early retransmit (RFC 5827): fewer signs suffice
        return Why::new(SendReason::SackRecovery, Confidence::LIKELY)
            .by(Evidence::DUPLICATE_ACKS | Evidence::TIMING)
            .or(SendReason::FastRetransmit)
            .or(SendReason::Timeout);
    }
    // a segment alone is probed at the latest when its timeout would run out (RFC 8985 §7.3)
    let is_alone_in_time = signs.probes_seen > 0 || signs.probes_seen == 0 && !signs.is_late_for_probe;
    if signs.is_tail && signs.may_probe && (signs.is_beyond_una || is_alone_in_time) {
        let is_shown = signs.is_beyond_una || signs.probes_seen > 0;
        let confidence = if is_shown { Confidence::HIGH } else { Confidence::LIKELY };
        return Why::new(SendReason::TailLossProbe, confidence).by(Evidence::TIMING).or(SendReason::Timeout);
    }
    // too soon for any timeout: something was heard that is not known here
    if signs.is_near && !signs.is_exact && signs.has_sack && signs.gap_ns < TIMEOUT_NS_MIN {
        let [reason, other] = match signs.is_by_tick() && signs.sacked_ahead_bytes > 0 {
            true => [SendReason::ReorderTimeout, SendReason::SackRecovery],
            false => [SendReason::SackRecovery, SendReason::ReorderTimeout],
        };
        return Why::new(reason, Confidence::LOW).by(Evidence::TIMING).or(other).or(SendReason::Timeout);
    }
    timeout(signs)
}

fn in_recovery(signs: &Signs, began: Began) -> Why {
    let is_late = !signs.follows_ack && signs.since_ack_ns >= signs.rto_ns;
    // whatever round trips its sender has measured: nothing else waits so long
    let is_alone = signs.is_near && signs.at_una && signs.since_ack_ns.min(signs.quiet_ns) >= TIMEOUT_NS_MIN;
    if signs.is_silent_at_una() || is_late || is_alone {
        return timeout(signs);
    }
    match began {
        // without SACK only the timer sends the first segment a second time
        Began::Acks if !signs.has_sack && signs.at_una && signs.was_again => timeout(signs),
        Began::Acks if signs.has_sack => {
            Why::new(SendReason::SackRecovery, Confidence::HIGH).by(Evidence::SACK)
        }
        Began::Acks => Why::new(SendReason::RecoveryRetransmit, Confidence::HIGH).by(Evidence::TIMING),
        Began::Timeout => Why::new(SendReason::AfterTimeout, Confidence::LIKELY)
            .by(Evidence::TIMING)
            .or(SendReason::RecoveryRetransmit)
            .or(SendReason::Timeout),
        Began::Probe if signs.is_at_once && (signs.duplicate_acks >= 1 || signs.sacked_ahead_bytes > 0) => {
            Why::new(SendReason::SackRecovery, Confidence::LIKELY)
                .by(Evidence::SACK)
                .or(SendReason::FastRetransmit)
        }
        Began::Probe => timeout(signs),
    }
}

fn reorder_timeout(by_ack: &Why) -> Why {
    let why = Why::new(SendReason::ReorderTimeout, Confidence::LIKELY).or(SendReason::SackRecovery);
    why.by(by_ack.evidence | Evidence::TIMESTAMPS | Evidence::TIMING)
}

fn after_timeout(evidence: Evidence) -> Why {
    let why = Why::new(SendReason::AfterTimeout, Confidence::LIKELY).by(evidence);
    why.or(SendReason::SackRecovery).or(SendReason::Timeout)
}

fn timeout(signs: &Signs) -> Why {
    let plausible = signs.gap_ns >= TIMEOUT_NS_MIN;
    let why = Why::new(SendReason::Timeout, if plausible { Confidence::HIGH } else { Confidence::LOW });
    Why { implied_rto_ns: Some(signs.gap_ns), ..why.by(Evidence::TIMING).or(SendReason::TailLossProbe) }
}

/// Whether this sender probes its tails, as what it just did shows.
fn learn_of_probes(loss: &mut Loss, why: &Why, signs: &Signs, began: Option<Began>, segment: &Segment) {
    let is_first = began.is_none();
    let is_lone_tail = signs.is_tail && signs.at_una && signs.may_probe && !signs.is_late_for_probe;
    loss.on_again(segment.seq, signs.now_ns);
    // the last segment would have been probed before the first was sent again
    let is_unprobed = is_first
        && signs.may_probe
        && !signs.is_tail
        && signs.at_una
        && !signs.follows_probe
        && signs.gap_ns >= TIMEOUT_NS_MIN
        && signs.sacked_ahead_bytes == 0;
    match why.reason {
        SendReason::TailLossProbe if signs.is_beyond_una => loss.on_probe_seen(true),
        SendReason::TailLossProbe | SendReason::Timeout if is_first && is_lone_tail => {
            loss.on_lone_tail(LoneTail {
                frame: segment.frame,
                seq: segment.seq,
                time_ns: signs.now_ns,
                waited_ns: signs.waited_ns,
                rto_ns: signs.rto_ns,
                told: why.reason,
                again_before: loss.counts.total(),
            });
        }
        SendReason::Timeout if is_unprobed => loss.on_probe_seen(false),
        _ => {}
    }
}

/// Keeps the counts, and where recovery stands.
fn note(loss: &mut Loss, why: &Why, scene: &Scene<'_>) {
    let until = scene.prior.next_seq.unwrap_or(scene.segment.end());
    let began = loss.recovery();
    let counts = &mut loss.counts;
    match why.reason {
        SendReason::Timeout => {
            counts.timeout += 1;
            loss.on_timeout(scene.segment.frame);
            loss.begin(until, Began::Timeout);
            loss.overtaken.on_timeout(scene.segment.time.as_nanos(), scene.turn_ns, scene.segment.frame);
        }
        SendReason::FastRetransmit => counts.fast += 1,
        SendReason::SackRecovery | SendReason::ReorderTimeout => counts.sack += 1,
        SendReason::TailLossProbe => {
            counts.probe += 1;
            loss.on_probe(until);
        }
        _ => counts.recovery += 1,
    }
    if began.is_none_or(|began| began == Began::Probe) {
        match why.reason {
            SendReason::Timeout => {}
            SendReason::TailLossProbe => loss.begin(until, Began::Probe),
            _ => loss.begin(until, Began::Acks),
        }
    }
    loss.push(scene.segment, why.reason);
}
