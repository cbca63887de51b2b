//! Why something was sent again (RFC 6298, 5681, 6582, 6675, 8985).
//!
//! Asked in the order in which a sender would act: an acknowledgment that just came can start or
//! continue a recovery; without one only a timer can have fired.

use super::era::has_reorder_timer;
use super::loss::Began;
use super::overtaken::Shown;
use super::timers::Timers;
use super::{Confidence, Evidence, Loss, Scene, Sender, Why};
use tcp::SendReason;
use wire::Seq;

/// Hardly any sender's retransmission timer runs out sooner.
pub(super) const TIMEOUT_NS_MIN: u64 = 190_000_000;

/// What is captured and what the sender's clock says differ by no more than this.
const EARLY_NS: u64 = 300_000;
/// What a sender does at once it does within this time.
const AT_ONCE_NS: u64 = 1_000_000;

/// No host's timer for what may only be late runs out sooner after an acknowledgment: two ticks and the rest of one.
const TIMER_NS_MIN: u64 = 3_000_000;
/// A sender that spreads its window over the round trip lets nothing that is lost wait longer.
const PACING_NS_MAX: u64 = 100_000_000;

/// What the answer depends on, in one place.
#[derive(Clone, Copy, Debug)]
struct Signs {
    now_ns: u64,
    /// The sender is told by SACK blocks what is missing.
    has_sack: bool,
    /// Since the same bytes were sent before.
    gap_ns: u64,
    /// Since the last segment of the receiver.
    since_ack_ns: u64,
    /// The capture was taken near the sender: what it does is seen when it does it.
    is_near: bool,
    /// An acknowledgment came just before, seen from here.
    follows_ack: bool,
    /// So shortly before that nothing else has sent it, as far as can be seen from here.
    is_at_once: bool,
    /// It answers in no time at all: a simulated host.
    is_exact: bool,
    /// It left its sender some time after what that had heard last, seen from afar.
    has_waited: bool,
    /// Its receiver had acknowledged it before, seen from here.
    is_acknowledged: bool,
    /// And that shortly before, by text that came late: seen from afar, with timestamps.
    is_overtaken_here: bool,
    /// At the first unacknowledged byte.
    at_una: bool,
    /// The sending before this was a retransmission, too.
    was_again: bool,
    /// Something before it is unacknowledged.
    is_beyond_una: bool,
    /// Up to the highest byte sent.
    is_tail: bool,
    /// The sender may probe its tail: that takes SACK, and no probe waits for an answer.
    may_probe: bool,
    /// The last that it sent was perhaps such a probe, with new text.
    follows_probe: bool,
    /// Whether it does: what its losses so far say for it and against it.
    probes_seen: i8,
    /// Later than any probe of a tail would be.
    is_late_for_probe: bool,
    duplicate_acks: u32,
    /// Bytes beyond the first unacknowledged one up to the highest SACK block.
    sacked_ahead_bytes: u32,
    mss_bytes: u32,
    rto_ns: u64,
}

impl Signs {
    /// An acknowledgment that just came makes it a loss by RFC 5681 or RFC 6675.
    fn is_by_acks(&self) -> bool {
        let is_told = self.duplicate_acks >= 3 || self.sacked_ahead_bytes > 3 * self.mss_bytes;
        is_told && self.is_at_once
    }

    /// Nothing had come for so long that only the retransmission timer can have sent the first segment again.
    fn is_silent_at_una(&self) -> bool {
        // what is known to be overtaken does not wait for that timer
        let least_ns = if self.sacked_ahead_bytes > 0 { self.rto_ns - self.rto_ns / 8 } else { 0 };
        self.at_una && !self.follows_ack && self.gap_ns >= least_ns.max(TIMEOUT_NS_MIN)
    }

    /// No acknowledgment came for so long that a timer has sent it, seen near the sender.
    fn is_by_timer(&self) -> bool {
        self.is_near && !self.is_at_once && (self.is_exact || self.since_ack_ns >= TIMER_NS_MIN)
    }
}

pub(super) fn why_again(scene: &Scene<'_>, from: &mut Sender, to: &Sender) -> Why {
    let signs = signs(scene, from, to);
    let loss = from.loss.get_or_insert_default();
    let began = loss.recovery();
    // what does not follow an acknowledgment was sent by a timer, which may seem to be a little early
    let is_seen = signs.since_ack_ns > scene.turn_ns + EARLY_NS;
    let early_ns = if is_seen { EARLY_NS } else { 0 };
    let is_recovering = began.is_some_and(|began| began != Began::Probe);
    loss.overtaken.look_at_timer(
        signs.now_ns + early_ns,
        scene.turn_ns,
        scene.prior.earlier,
        is_recovering,
        is_seen,
    );
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
    let why = match (shown, began) {
        // a busy host's timer has not run out, or the window let nothing out until the acknowledgment came
        (Some((Shown::ReorderTimer, is_close)), _)
            if signs.is_near && signs.is_at_once && !signs.is_exact =>
        {
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
    learn_of_probes(loss, &why, &signs, began);
    note(loss, &why, scene);
    let confidence = if signs.is_near { why.confidence.seen_near() } else { why.confidence };
    let why = Why { confidence, ..why };
    if signs.is_acknowledged {
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
    let (is_near, follows_ack) = (scene.is_near, follows_ack(scene, from, to, since_ack_ns));
    let una = other.last_ack;
    let is_acknowledged = una.is_some_and(|una| segment.end().at_or_before(una));
    let highest_sacked = other.sack().iter().map(|block| block.right).reduce(Seq::latest);
    let sacked_ahead_bytes =
        highest_sacked.zip(una).map_or(0, |(right, una)| right.offset_from(una).max(0).cast_unsigned());
    Signs {
        now_ns,
        has_sack: !other.sack().is_empty() || from.loss.as_ref().is_some_and(|loss| loss.is_watching()),
        gap_ns: now_ns.saturating_sub(before_ns),
        since_ack_ns,
        is_near,
        follows_ack,
        is_at_once: if is_near { since_ack_ns <= scene.turn_ns + AT_ONCE_NS } else { follows_ack },
        is_exact: from.is_exact,
        has_waited: has_waited(scene, from, to),
        is_acknowledged,
        is_overtaken_here: is_acknowledged
            && !scene.is_near
            && segment.options.timestamps.is_some()
            && now_ns.saturating_sub(before_ns) < scene.rtt_ns / 2,
        at_una: una == Some(segment.seq),
        was_again: scene
            .prior
            .earlier
            .is_some_and(|earlier| from.loss.as_ref().is_some_and(|loss| loss.has_resent_in(earlier.frame))),
        is_beyond_una: una.is_some_and(|una| segment.seq.after(una)),
        is_tail: scene.prior.next_seq == Some(segment.end()),
        may_probe: scene.has_probes && from.loss.as_ref().is_none_or(|loss| loss.may_probe()),
        follows_probe: from.last_reason == SendReason::TailProbeWithNewData,
        probes_seen: from.probes_seen(),
        is_late_for_probe: Timers::of(scene, from).is_some_and(|timers| timers.is_late_for_probe(now_ns)),
        duplicate_acks: other.duplicate_acks,
        sacked_ahead_bytes,
        mss_bytes: from.largest_text_bytes.min(scene.mss_bytes).max(536),
        rto_ns: from.rto_ns().max(scene.rtt_ns + scene.rtt_ns / 2),
    }
}

/// Did an acknowledgment set it off? The echo in it says what its sender had heard last; without
/// timestamps only the time since the last acknowledgment here can tell.
fn follows_ack(scene: &Scene<'_>, from: &Sender, to: &Sender, since_ack_ns: u64) -> bool {
    if scene.is_near {
        // what is sent again waits for its turn in a paced window, and no longer
        return since_ack_ns <= scene.turn_ns + (scene.rtt_ns / 2).clamp(AT_ONCE_NS, PACING_NS_MAX);
    }
    if let Some([age_ns, usual_ns]) = ages_of_echo(scene, from, to) {
        return age_ns <= usual_ns + usual_ns / 4 + 20_000_000;
    }
    since_ack_ns <= scene.turn_ns + (scene.rtt_ns / 2).clamp(10_000_000, 100_000_000)
}

/// How old the echo in it is, and how old echoes in new text are: with what its sender had heard last, it would have come
/// so much sooner.
fn ages_of_echo(scene: &Scene<'_>, from: &Sender, to: &Sender) -> Option<[u64; 2]> {
    let echo = scene.segment.options.timestamps?.echo;
    Some([to.clock.age_ns(echo, scene.segment.time.as_nanos())?, from.echo_turn_ns()?])
}

/// It left its sender some time after what that had heard last: a timer has sent it, seen from afar.
fn has_waited(scene: &Scene<'_>, from: &Sender, to: &Sender) -> bool {
    !scene.is_near
        && has_reorder_timer(scene.segment.time.as_nanos())
        && ages_of_echo(scene, from, to)
            .is_some_and(|[age_ns, usual_ns]| age_ns > usual_ns + usual_ns / 20 + TIMER_NS_MIN)
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
    let is_alone_in_time = signs.probes_seen >= 0 && !signs.is_late_for_probe;
    if signs.is_tail && signs.may_probe && (signs.is_beyond_una || is_alone_in_time) {
        let is_shown = signs.is_beyond_una || signs.probes_seen > 0;
        let confidence = if is_shown { Confidence::HIGH } else { Confidence::LIKELY };
        return Why::new(SendReason::TailLossProbe, confidence).by(Evidence::TIMING).or(SendReason::Timeout);
    }
    timeout(signs)
}

fn in_recovery(signs: &Signs, began: Began) -> Why {
    if signs.is_silent_at_una() || (!signs.follows_ack && signs.since_ack_ns >= signs.rto_ns) {
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
fn learn_of_probes(loss: &mut Loss, why: &Why, signs: &Signs, began: Option<Began>) {
    let is_first = began.is_none();
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
        SendReason::TailLossProbe => loss.on_lone_tail(signs.gap_ns),
        SendReason::Timeout if began == Some(Began::Probe) && signs.was_again => {
            loss.on_tail_again(signs.gap_ns);
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
    if began.is_none() {
        match why.reason {
            SendReason::Timeout => {}
            SendReason::TailLossProbe => loss.begin(until, Began::Probe),
            _ => loss.begin(until, Began::Acks),
        }
    }
    loss.push(scene.segment);
}
