//! The scalable part: by how much marks close the window, and what arrives without opens it.
//!
//! The window has fractions of a byte, because a short round trip opens it by less. It may become smaller than two
//! segments: then the rate goes on falling, while two segments may still be in flight, so that an acknowledgment comes
//! without delay (RFC 9331 §4.3, item 5; the draft's "Scaling Down to Fractional Windows").

use super::alpha::{Alpha, Feedback, Round};
use super::bottleneck::Bottleneck;
use crate::Instant;
use crate::congestion::cwnd::{Cwnd, Share, sane_mss};
use crate::congestion::rounds::Rounds;
use crate::congestion::validation::Validation;
use crate::congestion::{Acked, Congested, Controller, Growth, Reduction, slow_start};

/// The draft's "Reduced RTT-Dependence": the shortest round trip that counts as it is.
const RTT_VIRTUAL_US: u64 = 25_000;
/// RFC 9331 §4.3, item 2: a loss is answered as Reno answers it (RFC 5681 equation (4)).
const BETA_LOSS: Share = Share { of: 1, out_of: 2 };
/// No window is so small that it would be less than this, in bytes per second: 100 kbit/s, a segment in 0.12 s. A sender
/// that is slower learns too little of the path.
const RATE_BYTES_PER_S_MIN: u64 = 12_500;
/// Binary digits of a window's fraction.
const FRACTION_BITS: u32 = 16;

/// What an acknowledgment led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// No reduction.
    Nothing,
    /// Marks have reduced the window.
    Reduced,
    /// The marks come from a classic queue.
    Classic,
}

/// The window was reduced: marks on what was out then say nothing new.
#[derive(Clone, Copy, Debug)]
struct Reduced {
    at: Instant,
    /// The window before, if it was for a mark.
    before_bytes: u32,
}

/// A window that follows the share of marks.
#[derive(Clone, Debug)]
pub(crate) struct Scalable {
    cwnd: Cwnd,
    /// What the window is beyond whole bytes, in 2^-16 of one.
    fraction: u16,
    /// `None` before the first mark: until then nothing is known of a queue that marks.
    alpha: Option<Alpha>,
    round: Option<Round>,
    reduced: Option<Reduced>,
    bottleneck: Bottleneck,
    /// What the latest acknowledgments have marked, and growth has not heeded yet.
    marked_bytes: u32,
    /// The latest; 0: none yet.
    srtt_us: u32,
    mss: u32,
    /// What was delivered within a round trip, while much is in flight (RFC 7661).
    rounds: Option<Rounds>,
}

impl Scalable {
    pub(super) fn with(cwnd: Cwnd) -> Self {
        Scalable {
            cwnd,
            fraction: 0,
            alpha: None,
            round: None,
            reduced: None,
            bottleneck: Bottleneck::default(),
            marked_bytes: 0,
            srtt_us: 0,
            mss: 1,
            rounds: None,
        }
    }

    pub(super) fn cwnd(&self) -> Cwnd {
        self.cwnd
    }

    /// The window that a round trip's worth of pacing spreads, however small.
    pub(crate) fn paced_bytes(&self) -> u32 {
        self.cwnd.bytes
    }

    /// How long a round trip counts for, in microseconds.
    fn virtual_rtt_us(&self) -> u64 {
        let srtt_us = u64::from(self.srtt_us);
        if self.cwnd.in_slow_start() { srtt_us } else { srtt_us.max(RTT_VIRTUAL_US) }
    }

    /// How long a segment takes at the present rate, in nanoseconds.
    fn packet_ns(&self) -> u64 {
        u64::from(self.mss) * u64::from(self.srtt_us) * 1_000 / u64::from(self.cwnd.bytes.max(1))
    }

    /// The window with its fraction.
    fn exact(&self) -> u64 {
        (u64::from(self.cwnd.bytes) << FRACTION_BITS) | u64::from(self.fraction)
    }

    fn set_exact(&mut self, window: u64) {
        let window = window.min(u64::from(Cwnd::BYTES_MAX) << FRACTION_BITS);
        self.cwnd.bytes = (window >> FRACTION_BITS) as u32;
        self.fraction = window as u16;
    }

    pub(super) fn on_feedback(&mut self, feedback: &Feedback) -> Answer {
        (self.srtt_us, self.mss) = (feedback.srtt_us, sane_mss(feedback.mss));
        let has_marks = feedback.marked_packets > 0;
        if has_marks {
            self.marked_bytes = self.marked_bytes.saturating_add(feedback.marked_bytes());
        }
        let is_reduced = has_marks && !feedback.recovering && self.may_reduce(feedback.now);
        if is_reduced {
            self.reduce_for_marks(feedback.now);
        }
        let least_us = self.virtual_rtt_us();
        let over = self.round.get_or_insert_with(|| Round::begin(feedback)).on_feedback(feedback, least_us);
        if let Some(round) = over
            && let Some(alpha) = &mut self.alpha
        {
            round.weigh(alpha);
            let packet_ns = self.packet_ns();
            if round.has_marks()
                && self.bottleneck.on_marked_round(round.rtt_min_ns, feedback.rtt_min_ns, packet_ns)
            {
                return Answer::Classic;
            }
        }
        if is_reduced { Answer::Reduced } else { Answer::Nothing }
    }

    /// At most once in a round trip (the draft's "Multiplicative Decrease on ECN Feedback").
    fn may_reduce(&self, now: Instant) -> bool {
        self.reduced.is_none_or(|reduced| now.micros_since(reduced.at) >= self.virtual_rtt_us())
    }

    /// The first mark ends slow start, and is answered as a loss.
    fn reduce_for_marks(&mut self, now: Instant) {
        let alpha = *self.alpha.get_or_insert(Alpha::first());
        self.reduced = Some(Reduced { at: now, before_bytes: self.cwnd.bytes });
        let window = self.exact();
        let least = (RATE_BYTES_PER_S_MIN * u64::from(self.srtt_us) / 1_000_000).max(1) << FRACTION_BITS;
        self.set_exact((window - alpha.half_of(window)).max(least.min(window)));
        self.cwnd.ssthresh_bytes = self.cwnd.bytes;
        self.cwnd.counted_bytes = 0;
    }

    /// A segment a round trip for what arrives unmarked; where round trips are short, a segment in 25 ms for a window as
    /// it would be over 25 ms, which is the square of the proportion.
    fn avoid(&mut self, unmarked_bytes: u32) {
        let srtt_us = u64::from(self.srtt_us).min(RTT_VIRTUAL_US);
        let (part, whole) = match srtt_us {
            0 => (1, 1),
            _ => (u128::from(srtt_us * srtt_us), u128::from(RTT_VIRTUAL_US * RTT_VIRTUAL_US)),
        };
        // 30, 16, 30 and 16 bits.
        let segments = (u128::from(unmarked_bytes) * u128::from(self.mss) * part) << FRACTION_BITS;
        let opened = segments / (u128::from(self.cwnd.bytes.max(1)) * whole);
        // No acknowledgment opens the window by more than it acknowledges.
        let most = u128::from(unmarked_bytes) << FRACTION_BITS;
        self.set_exact(self.exact() + opened.min(most) as u64);
    }

    fn grow(&mut self, acked: &Acked, unmarked_bytes: u32) {
        if !self.cwnd.in_slow_start() {
            self.avoid(unmarked_bytes);
            return;
        }
        let growth_bytes = slow_start::standard_growth_bytes(&Acked { bytes: unmarked_bytes, ..*acked });
        let rest_bytes = self.cwnd.open(growth_bytes);
        if rest_bytes > 0 {
            self.avoid(rest_bytes);
        }
    }

    /// The window that a loss halves: that before a mark, if both are of one round trip, so that an episode of congestion
    /// is answered once.
    fn lossy_bytes(&self, now: Instant) -> u32 {
        let of_same_round =
            self.reduced.filter(|reduced| now.micros_since(reduced.at) < u64::from(self.srtt_us));
        of_same_round.map_or(self.cwnd.bytes, |reduced| reduced.before_bytes.max(self.cwnd.bytes))
    }
}

impl Controller for Scalable {
    /// Two segments at least may be in flight, whatever the rate; after a timeout one.
    fn cwnd_bytes(&self) -> u32 {
        if self.cwnd.in_slow_start() { self.cwnd.bytes } else { self.cwnd.bytes.max(2 * self.mss) }
    }

    fn ssthresh_bytes(&self) -> u32 {
        self.cwnd.ssthresh_bytes
    }

    fn on_acked(&mut self, acked: &Acked) {
        (self.srtt_us, self.mss) = (acked.srtt_us, sane_mss(acked.mss));
        let unmarked_bytes = acked.bytes.saturating_sub(core::mem::take(&mut self.marked_bytes));
        if acked.recovering {
            return;
        }
        if acked.cwnd_limited {
            self.grow(acked, unmarked_bytes);
        }
        if self.rounds.is_none() {
            self.rounds = Rounds::begin(acked, self.cwnd.bytes);
        }
        let validated = self.rounds.as_mut().is_some_and(|rounds| {
            rounds.on_acked(acked);
            rounds.validates(acked.now, self.cwnd.bytes)
        });
        let initial_window_bytes = Validation::initial_window_bytes(self.mss);
        self.cwnd.validate(acked.now, acked.cwnd_limited || validated, initial_window_bytes);
    }

    fn on_congestion(&mut self, reduction: &Reduction) {
        self.mss = sane_mss(reduction.mss);
        if reduction.why == Congested::Marked {
            if self.may_reduce(reduction.now) {
                self.reduce_for_marks(reduction.now);
            }
            return;
        }
        let pipe_ack_bytes =
            self.rounds.as_ref().and_then(|rounds| rounds.pipe_ack_bytes(reduction, self.cwnd.bytes));
        let mut before = self.cwnd;
        before.set(self.lossy_bytes(reduction.now));
        let halved_bytes = BETA_LOSS.of_bytes(before.used_bytes(reduction, pipe_ack_bytes));
        // A mark may have taken more already.
        self.cwnd.reduce(halved_bytes.min(self.cwnd.bytes), Congested::Lost, self.mss);
        self.fraction = 0;
        self.reduced = Some(Reduced { at: reduction.now, before_bytes: 0 });
        if let Some(rounds) = &mut self.rounds {
            rounds.on_congestion(reduction.now);
        }
    }

    fn on_timeout(&mut self, reduction: &Reduction, again: bool) {
        if !again {
            self.on_congestion(reduction);
        }
        self.cwnd.collapse(sane_mss(reduction.mss));
        self.fraction = 0;
    }

    fn on_undo(&mut self, before: &Self, _now: Instant) {
        if self.cwnd.undo(before.cwnd) {
            (self.fraction, self.reduced) = (before.fraction, before.reduced);
        }
    }

    fn on_idle(&mut self, _now: Instant, initial_window_bytes: u32) {
        self.cwnd.restart(initial_window_bytes);
    }

    fn on_resumed(&mut self, now: Instant, initial_window_bytes: u32) {
        self.cwnd.validate(now, false, initial_window_bytes);
    }

    fn on_quiet(&mut self, _now: Instant) {
        self.rounds = None;
    }

    fn on_mtu(&mut self, mss: u32) {
        self.cwnd.on_mtu(sane_mss(mss));
        self.fraction = 0;
    }

    fn explain(&self) -> Growth {
        if self.cwnd.in_slow_start() { Growth::SlowStart } else { Growth::Scalable }
    }
}
