//! DualPI2, the dual-queue coupled AQM of RFC 9332, appendix A: low latency for L4S beside classic traffic.
//!
//! ECT(1) and CE wait in the L queue, everything else in the C queue (RFC 9331 §5.1). A PI controller turns the classic
//! queueing delay into a base probability p'; classic packets are dropped or marked with its square, L4S packets marked
//! with k times p', or by a threshold of their own if that says more. Classic senders see the root of what L4S senders
//! see, and so their rates come out about the same. Integers only: a probability is a number of 2^-32ths.
//!
//! What is *not* here: how a packet is marked, and how large the buffer is.

use super::PACKET_BYTES;
use super::fifo::Fifo;
use std::time::Duration;
use wire::Instant;

/// The settings of [`Discipline::DualPi2`](super::Discipline::DualPi2), with the names of RFC 9332, appendix A.
///
/// Fields are added in minor versions: write `DualPi2 { target, ..DualPi2::default() }`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DualPi2 {
    /// `target`: the queueing delay at which the controller aims for classic traffic.
    pub target: Duration,
    /// `Tupdate`: how often the base probability is computed.
    pub update_every: Duration,
    /// `RTT_max`: the longest round trip for which it is stable; the gains alpha and beta follow from it.
    pub rtt_max: Duration,
    /// `k`: how much stronger the signal for L4S is than the root of the classic one; at least 1.
    pub coupling: u32,
    /// `minTh`: L4S packets that have waited longer begin to be marked whatever the controller says.
    pub threshold: Duration,
    /// `range`: from there on the chance rises to certainty over this time; zero for a step.
    pub ramp: Duration,
    /// How many of 256 parts of the rate the classic queue gets when L4S traffic does not respond; at least 1 is left to
    /// either.
    pub classic_share: u8,
}

impl Default for DualPi2 {
    /// The values of RFC 9332, appendix A: 15 ms, 16 ms (as in Linux), 100 ms, 2, and a share of 1/16; the threshold is
    /// a step at 1 ms, as in Linux (RFC 9332 §2.4 and appendix A.1, note c).
    fn default() -> Self {
        DualPi2 {
            target: Duration::from_millis(15),
            update_every: Duration::from_millis(16),
            rtt_max: Duration::from_millis(100),
            coupling: 2,
            threshold: Duration::from_millis(1),
            ramp: Duration::ZERO,
            classic_share: 16,
        }
    }
}

/// Certainty.
const ONE: u64 = 1 << 32;
/// After this many updates in a row without a packet in between, the base probability is where it stays.
const UPDATES_AT_ONCE_MAX: u32 = 2_000;

/// What is to become of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Send,
    Mark,
    MarkOrDrop,
    Drop,
}

/// Whose turn it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    Low,
    Classic,
}

/// What is known of a packet that was taken out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Taken {
    pub(super) which: Which,
    pub(super) waited: Duration,
    /// Others waited before it.
    pub(super) follows: bool,
    /// What waited in both queues, this packet included.
    pub(super) bytes_before: u64,
}

/// The state of the controller and of the scheduler.
#[derive(Debug, Default)]
pub(super) struct Coupled {
    /// p'.
    base: u64,
    /// `prevq`
    delay_before: Duration,
    update_at: Option<Instant>,
    /// `q.count` of each queue: marks and drops come at even distances (`recur`).
    low_count: u64,
    classic_count: u64,
    /// What the classic queue has to catch up with, in 256ths of bytes; above zero it is its turn. `None`: the link was
    /// idle since.
    classic_credit: Option<i64>,
}

impl Coupled {
    /// Computes the base probability as often as it should have been until now (figure 8). Between two calls nothing
    /// comes or goes, so the delay at each update is known afterwards.
    pub(super) fn catch_up<T>(&mut self, now: Instant, low: &Fifo<T>, classic: &Fifo<T>, config: &DualPi2) {
        let every = config.update_every.max(Duration::from_micros(1));
        let mut at = *self.update_at.get_or_insert(now + every);
        let mut updates = 0;
        while at <= now {
            // Line 2a: the greater delay, so that L4S traffic that does not respond is controlled, too.
            self.update(classic.delay(at).max(low.delay(at)), config);
            at += every;
            updates += 1;
            if updates == UPDATES_AT_ONCE_MAX {
                let skipped = now.since(at).as_nanos() / every.as_nanos();
                at = at.plus_nanos(u64::try_from(skipped * every.as_nanos()).unwrap_or(u64::MAX));
                self.delay_before = classic.delay(at).max(low.delay(at));
            }
        }
        self.update_at = Some(at);
    }

    /// Line 3: p' + alpha (curq - target) + beta (curq - prevq), with alpha = 0.1 Tupdate / RTT_max^2 and
    /// beta = 0.3 / RTT_max (figure 2), bounded as the text asks.
    fn update(&mut self, delay: Duration, config: &DualPi2) {
        let nanos = |duration: Duration| duration.as_nanos().min(1 << 62) as i128;
        let rtt_max = nanos(config.rtt_max).clamp(1_000, 1 << 40);
        let every = nanos(config.update_every).min(1 << 31);
        let one = i128::from(ONE);
        let error = nanos(delay) - nanos(config.target);
        let growth = nanos(delay) - nanos(self.delay_before);
        // 33 bits, 63 bits and 31 bits: it fits.
        let integral = one * error * every / (10 * rtt_max * rtt_max);
        let proportional = 3 * one * growth / (10 * rtt_max);
        let base = (i128::from(self.base) + integral + proportional).clamp(0, one);
        self.base = base as u64;
        self.delay_before = delay;
    }

    /// Weighted round robin. The credit changes only while both queues have packets, and favours L again once the link
    /// was idle (appendix A.1).
    pub(super) fn choose<T>(&mut self, low: &Fifo<T>, classic: &Fifo<T>, config: &DualPi2) -> Option<Which> {
        let share = i64::from(config.classic_share.max(1));
        let rest = 256 - share;
        match (low.first_bytes(), classic.first_bytes()) {
            (None, None) => {
                self.classic_credit = None;
                None
            }
            (Some(_), None) => Some(Which::Low),
            (None, Some(_)) => Some(Which::Classic),
            (Some(low), Some(classic)) => {
                let credit = self.classic_credit.get_or_insert(PACKET_BYTES as i64 * (share - rest));
                if *credit <= 0 {
                    *credit += share * low as i64;
                    return Some(Which::Low);
                }
                *credit -= rest * classic as i64;
                Some(Which::Classic)
            }
        }
    }

    /// What becomes of a packet whose turn has come (figure 7).
    pub(super) fn judge(&mut self, taken: Taken, config: &DualPi2) -> Verdict {
        let k = u64::from(config.coupling.clamp(1, 1 << 15));
        // As in Linux, the controller has no say while less than two packets wait (appendix A.1).
        let base = if taken.bytes_before < 2 * PACKET_BYTES { 0 } else { self.base };
        let coupled = (k * base).min(ONE);
        let squared = ((u128::from(base) * u128::from(base)) >> 32) as u64;
        match taken.which {
            Which::Low if coupled < ONE => {
                // Lines 5a to 5d: not for a packet that had the queue to itself. As in Linux that is asked when it
                // comes, because else the last of a burst would never be marked.
                let native = if taken.follows { ramp(taken.waited, config) } else { 0 };
                let is_hit = recur(&mut self.low_count, native.max(coupled));
                if is_hit { Verdict::Mark } else { Verdict::Send }
            }
            // Overload saturation, lines 8c to 8i: what is not dropped is marked, because k p' is certainty.
            Which::Low if recur(&mut self.low_count, squared) => Verdict::Drop,
            Which::Low => Verdict::Mark,
            Which::Classic if !recur(&mut self.classic_count, squared) => Verdict::Send,
            // p_Cmax, lines 12a to 13: overload disables ECN.
            Which::Classic if squared >= ONE / (k * k) => Verdict::Drop,
            Which::Classic => Verdict::MarkOrDrop,
        }
    }

    #[cfg(test)]
    pub(super) const fn base(&self) -> u64 {
        self.base
    }
}

/// The native AQM of the L queue (figure 5).
fn ramp(waited: Duration, config: &DualPi2) -> u64 {
    let Some(above) = waited.checked_sub(config.threshold).filter(|above| !above.is_zero()) else { return 0 };
    if above >= config.ramp {
        return ONE;
    }
    u64::try_from(above.as_nanos() * u128::from(ONE) / config.ramp.as_nanos()).unwrap_or(ONE)
}

/// True with this likelihood, at even distances.
fn recur(count: &mut u64, likelihood: u64) -> bool {
    *count += likelihood;
    let is_hit = *count > ONE;
    if is_hit {
        *count -= ONE;
    }
    is_hit
}

#[cfg(test)]
mod tests;
