//! The curve of CUBIC and the line of Reno beside it (RFC 9438 §4.2 to §4.5, §4.7).
//!
//! W_cubic(t) = C (t - K)^3 + W_max, in integers: native code and WebAssembly must give the same bytes. Time is in
//! 2^-16 s (15 us), C * MSS in 2^-16 bytes.

use super::super::cwnd::{Cwnd, Share};
use super::super::{Acked, Growth};
use crate::Instant;

/// Where the window was, and the stage of avoidance that follows from it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Curve {
    /// W_max: the window in use at the last reduction, less by fast convergence; 0: none is known, and avoidance
    /// begins on the plateau.
    w_max_bytes: u32,
    /// cwnd_prior: the window when ssthresh was set last.
    cwnd_prior_bytes: u32,
    /// Nothing was in flight at some time since then.
    pub(super) was_quiet: bool,
    /// The stage of avoidance that is going on.
    stage: Option<Stage>,
}

/// A stage of congestion avoidance.
#[derive(Clone, Copy, Debug)]
struct Stage {
    /// When the curve is flat, in 2^-16 s from the beginning of the stage: K.
    k: u32,
    /// How high it is there.
    plateau_bytes: u32,
    /// t: how long the window has been growing, in nanoseconds.
    grown_ns: u64,
    /// Until when t was counted, or was not to be counted.
    counted_until: Instant,
    /// The window was in use then.
    in_use: bool,
    /// W_est: the window that Reno would have.
    w_est_bytes: u32,
    /// What was counted for W_est and not turned into bytes yet.
    w_est_counted: u64,
    growth: Growth,
}

impl Curve {
    /// (1 + beta) / 2 with the beta of a loss (RFC 9438 §4.7).
    const FAST_CONVERGENCE: Share = Share { of: 17, out_of: 20 };
    /// alpha_cubic = 3 (1 - beta) / (1 + beta) (RFC 9438 §4.3).
    const ALPHA: Share = Share { of: 9, out_of: 17 };

    /// The first stage after a slow start that ended without a loss (RFC 9438 §4.10): K = 0, and W_max is the window
    /// at its beginning.
    pub(super) const fn without_loss(cwnd_bytes: u32) -> Self {
        Curve { w_max_bytes: 0, cwnd_prior_bytes: cwnd_bytes, was_quiet: false, stage: None }
    }

    /// The window was reduced from `cwnd_prior_bytes`, of which `used_bytes` were in flight.
    pub(super) fn on_congestion(&mut self, cwnd_prior_bytes: u32, used_bytes: u32) {
        // RFC 9438 §4.7: less than last time, so another flow has come: leave more to it. It SHOULD be off for a
        // lone flow, but a sender cannot know that it is alone.
        self.w_max_bytes = if used_bytes < self.w_max_bytes {
            Self::FAST_CONVERGENCE.of_bytes(used_bytes)
        } else {
            used_bytes
        };
        self.cwnd_prior_bytes = cwnd_prior_bytes;
        self.was_quiet = false;
        self.stage = None;
    }

    /// RFC 9438 §4.8: after a timeout K = 0, and W_max is the window at the beginning of avoidance.
    pub(super) fn on_timeout(&mut self, cwnd_prior_bytes: u32) {
        *self = Curve::without_loss(cwnd_prior_bytes);
    }

    /// Slow start again, without congestion: the stage of avoidance that follows is a new one.
    pub(super) fn restart(&mut self) {
        self.stage = None;
    }

    /// Begins a stage, unless one is going on.
    pub(super) fn begin(&mut self, now: Instant, cwnd_bytes: u32, mss: u32) {
        if self.stage.is_some() {
            return;
        }
        // A window above W_max is on the plateau: the cube root of less than nothing is no time.
        let plateau_bytes = self.w_max_bytes.max(cwnd_bytes);
        self.stage = Some(Stage {
            k: time_to_grow(plateau_bytes - cwnd_bytes, mss),
            plateau_bytes,
            grown_ns: 0,
            counted_until: now,
            in_use: true,
            w_est_bytes: cwnd_bytes,
            w_est_counted: 0,
            growth: if plateau_bytes > cwnd_bytes { Growth::Concave } else { Growth::Convex },
        });
    }

    /// Counts the time up to an acknowledgment. RFC 9438 §4.2, MUST NOT: not while the application sent too little
    /// for the window to grow.
    pub(super) fn tick(&mut self, acked: &Acked) {
        let Some(stage) = &mut self.stage else { return };
        if acked.cwnd_limited {
            let since_ns = acked.now.as_nanos().saturating_sub(stage.counted_until.as_nanos());
            // The first after a pause acknowledges what filled the window again: that was one round trip ago.
            let rtt_ns = acked.rtt_ns.unwrap_or(u64::from(acked.srtt_us) * 1_000);
            let counted_ns = if stage.in_use { since_ns } else { since_ns.min(rtt_ns) };
            stage.grown_ns = stage.grown_ns.saturating_add(counted_ns);
        }
        stage.in_use = acked.cwnd_limited;
        stage.counted_until = acked.now;
    }

    /// Nothing is in flight: the clock stands until something is acknowledged again.
    pub(super) fn on_quiet(&mut self) {
        self.was_quiet = true;
        if let Some(stage) = &mut self.stage {
            stage.in_use = false;
        }
    }

    /// Grows the window by what `acked_bytes` are worth.
    pub(super) fn grow(&mut self, cwnd: &mut Cwnd, acked_bytes: u32, srtt_us: u32, mss: u32) {
        let Some(stage) = &mut self.stage else { return };
        // More than a window cannot have been in flight since it had this size.
        let acked_bytes = acked_bytes.min(cwnd.bytes);
        stage.grow_w_est(self.cwnd_prior_bytes, cwnd.bytes, acked_bytes, mss);
        if stage.window_at(stage.grown_ns, mss) < stage.w_est_bytes && stage.w_est_bytes > cwnd.bytes {
            stage.growth = Growth::RenoFriendly;
            // Not faster than slow start, should W_est be far ahead (segments became smaller in the middle).
            cwnd.set(stage.w_est_bytes.min(cwnd.bytes.saturating_add(acked_bytes)));
            cwnd.counted_bytes = 0;
            return;
        }
        stage.growth = if cwnd.bytes < stage.plateau_bytes { Growth::Concave } else { Growth::Convex };
        let target_at_ns = stage.grown_ns.saturating_add(u64::from(srtt_us) * 1_000);
        let most_bytes = cwnd.bytes.saturating_add(cwnd.bytes / 2);
        let target_bytes = stage.window_at(target_at_ns, mss).clamp(cwnd.bytes, most_bytes);
        // (target - cwnd) / cwnd segments for each segment; what is less than a byte is kept.
        let counted = u64::from(target_bytes - cwnd.bytes) * u64::from(acked_bytes)
            + u64::from(cwnd.counted_bytes.min(cwnd.bytes));
        let window = u64::from(cwnd.bytes);
        cwnd.counted_bytes = u32::try_from(counted % window).expect("less than the window");
        let grown = u32::try_from(counted / window).expect("at most the window");
        cwnd.set(cwnd.bytes.saturating_add(grown));
    }

    /// By which rule the window grew last.
    pub(super) fn growth(&self, cwnd_bytes: u32) -> Growth {
        match self.stage {
            Some(stage) => stage.growth,
            None if cwnd_bytes < self.w_max_bytes => Growth::Concave,
            None => Growth::Convex,
        }
    }
}

impl Stage {
    /// RFC 9438 figure 4, in bytes: W_est grows by alpha * MSS for each window of acknowledged bytes.
    fn grow_w_est(&mut self, cwnd_prior_bytes: u32, cwnd_bytes: u32, acked_bytes: u32, mss: u32) {
        let full = Curve::ALPHA.out_of;
        let alpha = if self.w_est_bytes >= cwnd_prior_bytes { full } else { Curve::ALPHA.of };
        let window = u64::from(cwnd_bytes) * u64::from(full);
        let counted = u64::from(acked_bytes) * u64::from(mss) * u64::from(alpha) + self.w_est_counted;
        self.w_est_counted = counted % window;
        let grown = u32::try_from(counted / window).unwrap_or(u32::MAX);
        self.w_est_bytes = self.w_est_bytes.saturating_add(grown).min(Cwnd::BYTES_MAX);
    }

    /// W_cubic(t), RFC 9438 figure 1; between nothing and the largest window.
    fn window_at(&self, t_ns: u64, mss: u32) -> u32 {
        let t = fine_seconds(t_ns);
        let difference_bytes = growth_in(t.abs_diff(self.k), mss);
        let bytes = if t < self.k {
            self.plateau_bytes.saturating_sub(difference_bytes)
        } else {
            self.plateau_bytes.saturating_add(difference_bytes)
        };
        bytes.min(Cwnd::BYTES_MAX)
    }
}

/// Nanoseconds as multiples of 2^-16 s; 18 hours at most.
fn fine_seconds(ns: u64) -> u32 {
    const NS: u64 = 1_000_000_000;
    let fine = ((ns / NS) << 16) + ((ns % NS) << 16) / NS;
    u32::try_from(fine).unwrap_or(u32::MAX)
}

/// C * MSS * t^3 in bytes, rounded down; t in 2^-16 s. C is 0.4 (RFC 9438 §5).
fn growth_in(t: u32, mss: u32) -> u32 {
    // After 2^11 s even segments of one byte have grown to 2^31.
    let t = u64::from(t.min(1 << 27));
    let c_mss = u64::from(mss) * (2 << 16) / 5;
    // (2^27)^3 * 65,535 * 2^16 is less than 2^113.
    let bytes = (u128::from(t * t) * u128::from(t) * u128::from(c_mss)) >> (3 * 16 + 16);
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

/// K: how long the curve takes over the last `bytes` to the plateau, in 2^-16 s (RFC 9438 figure 2).
fn time_to_grow(bytes: u32, mss: u32) -> u32 {
    // (t * 2^16)^3 = bytes / (0.4 MSS) * 2^48: at most 2^30 * 2.5 * 2^48.
    let cube = ((u128::from(bytes) * 5) << 47) / u128::from(mss);
    cube_root(cube)
}

/// The largest integer whose cube is not above `cube`, bit by bit: exact, and needed once per stage.
fn cube_root(cube: u128) -> u32 {
    let mut root: u128 = 0;
    for bit in (0..32).rev() {
        let larger = root | 1 << bit;
        if larger * larger * larger <= cube {
            root = larger;
        }
    }
    u32::try_from(root).expect("32 bits were tried")
}

#[cfg(test)]
mod tests;
