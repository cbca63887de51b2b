//! What is known when something is sent again: the signs that its cause is concluded from, gathered in one place.
//!
//! What is *not* here: the conclusions, which are `retransmission.rs`'s.

use super::era::has_reorder_timer;
use super::timers::Timers;
use super::{Scene, Sender};
use tcp::SendReason;
use wire::Seq;

/// Hardly any sender's retransmission timer runs out sooner.
pub(super) const TIMEOUT_NS_MIN: u64 = 190_000_000;
/// What a sender does at once it does within this time.
pub(super) const AT_ONCE_NS: u64 = 1_000_000;

/// No host's timer for what may only be late runs out sooner after an acknowledgment: two ticks and the rest of one.
const TIMER_NS_MIN: u64 = 3_000_000;
/// Where nothing was heard and nothing was sent for so long, only a timer sends something again.
const SILENCE_NS_MIN: u64 = 8_000_000;
/// A pacer lets nothing wait so long that a tick decides.
const PACED_NS_MAX: u64 = 2_500_000;
/// What one timer sends follows within this time.
const BURST_NS: u64 = 300_000;
/// A sender that spreads its window over the round trip lets nothing that is lost wait longer.
const PACING_NS_MAX: u64 = 100_000_000;

/// What the answer depends on, in one place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signs {
    pub(super) now_ns: u64,
    /// The sender is told by SACK blocks what is missing.
    pub(super) has_sack: bool,
    /// Since the same bytes were sent before.
    pub(super) gap_ns: u64,
    /// How long its sender has waited: since then, or since something was acknowledged after it.
    pub(super) waited_ns: u64,
    /// Since the last segment of the receiver.
    pub(super) since_ack_ns: u64,
    /// Since the sender's own segment before this one.
    pub(super) quiet_ns: u64,
    /// A timer can have run out just now; `None` where the ticks of the host are not known.
    pub(super) is_at_tick: Option<bool>,
    /// The segment before it was sent by the timer for what may only be late.
    pub(super) follows_reorder_timer: bool,
    /// The capture was taken near the sender: what it does is seen when it does it.
    pub(super) is_near: bool,
    /// An acknowledgment came just before, seen from here.
    pub(super) follows_ack: bool,
    /// So shortly before that nothing else has sent it, as far as can be seen from here.
    pub(super) is_at_once: bool,
    /// It answers in no time at all: a simulated host.
    pub(super) is_exact: bool,
    /// It left its sender some time after what that had heard last, seen from afar.
    pub(super) has_waited: bool,
    /// Its receiver had acknowledged it before, seen from here.
    pub(super) is_acknowledged: bool,
    /// And that shortly before, by text that came late: seen from afar, with timestamps.
    pub(super) is_overtaken_here: bool,
    /// At the first unacknowledged byte.
    pub(super) at_una: bool,
    /// The sending before this was a retransmission, too.
    pub(super) was_again: bool,
    /// Something before it is unacknowledged.
    pub(super) is_beyond_una: bool,
    /// Up to the highest byte sent.
    pub(super) is_tail: bool,
    /// The sender may probe its tail: that takes SACK, and no probe waits for an answer.
    pub(super) may_probe: bool,
    /// The last that it sent was perhaps such a probe, with new text.
    pub(super) follows_probe: bool,
    /// Whether it does: what its losses so far say for it and against it.
    pub(super) probes_seen: i8,
    /// Later than any probe of a tail would be.
    pub(super) is_late_for_probe: bool,
    pub(super) duplicate_acks: u32,
    /// Bytes beyond the first unacknowledged one up to the highest SACK block.
    pub(super) sacked_ahead_bytes: u32,
    pub(super) mss_bytes: u32,
    pub(super) rto_ns: u64,
}

impl Signs {
    /// An acknowledgment that just came makes it a loss by RFC 5681 or RFC 6675.
    pub(super) fn is_by_acks(&self) -> bool {
        let is_told = self.duplicate_acks >= 3 || self.sacked_ahead_bytes > 3 * self.mss_bytes;
        is_told && self.is_at_once
    }

    /// Nothing had come for so long that only the retransmission timer can have sent the first segment again.
    pub(super) fn is_silent_at_una(&self) -> bool {
        // what is known to be overtaken does not wait for that timer
        let least_ns = if self.sacked_ahead_bytes > 0 { self.rto_ns - self.rto_ns / 8 } else { 0 };
        self.at_una && !self.follows_ack && self.gap_ns >= least_ns.max(TIMEOUT_NS_MIN)
    }

    /// Neither an acknowledgment nor a pacer can have sent it: a timer did.
    pub(super) fn is_only_by_timer(&self) -> bool {
        self.is_near && !self.is_exact && self.since_ack_ns.min(self.quiet_ns) >= SILENCE_NS_MIN
    }

    /// It left at a tick of its host, and nothing else had just let it out; or nothing else can have sent it.
    pub(super) fn is_by_tick(&self) -> bool {
        let is_alone = self.since_ack_ns.min(self.quiet_ns) >= PACED_NS_MAX;
        let goes_on = self.follows_reorder_timer && self.quiet_ns <= BURST_NS;
        self.is_at_tick == Some(true) && (is_alone || goes_on) || self.is_only_by_timer()
    }

    /// It left between the ticks of its host, shortly after another: a pacer let it out.
    pub(super) fn is_paced(&self) -> bool {
        self.is_at_tick == Some(false) && self.quiet_ns < PACED_NS_MAX
    }

    /// No acknowledgment came for so long that a timer has sent it, seen near the sender.
    pub(super) fn is_by_timer(&self) -> bool {
        self.is_near && !self.is_at_once && (self.is_exact || self.since_ack_ns >= TIMER_NS_MIN)
    }
}

pub(super) fn signs(scene: &Scene<'_>, from: &Sender, to: &Sender) -> Signs {
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
        waited_ns: now_ns.saturating_sub(before_ns.max(from.progress_ns + scene.turn_ns)),
        since_ack_ns,
        quiet_ns: now_ns.saturating_sub(from.last_ns),
        is_at_tick: scene.is_at_tick,
        follows_reorder_timer: from.last_reason == SendReason::ReorderTimeout,
        is_near,
        follows_ack,
        is_at_once: if is_near { since_ack_ns <= scene.turn_ns + AT_ONCE_NS } else { follows_ack },
        is_exact: from.is_exact(),
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
