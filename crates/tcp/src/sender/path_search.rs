//! The search for the largest packet that the path carries: search_low, search_high and what lies between
//! (RFC 4821 §7, RFC 8899 §5).
//!
//! Sizes are those of whole IP packets. The size that nothing speaks against is tried first: the largest that can be,
//! or the one that a router has named. Then the common ones from below, because a probe that arrives costs nothing;
//! then halves of what is left (RFC 4821 §7.3). Three probes of a size have to be lost before it is too big (RFC 8899
//! §5.1.2, MAX_PROBES), one on Linux, which only halves.
//!
//! What is *not* here: whether a probe may leave and what became of it, which is `path_probe.rs`'s; whether to believe
//! ICMP and when to suspect a black hole, which is `path.rs`'s of the connection.

use crate::{Config, Instant};
use core::time::Duration;
use wire::Seq;

/// Sizes of packets that common links and tunnels carry: IPv6's least, what conservative tunnels take, WireGuard,
/// VXLAN, IPsec, IP in IP, PPPoE, Ethernet, FDDI, jumbo frames.
const COMMON: [u32; 10] = [1_280, 1_400, 1_420, 1_450, 1_460, 1_480, 1_492, 1_500, 4_352, 9_000];

/// RFC 4821 §7.3, RFC 8201 §4: no attempt to find a larger size sooner than this after it turned out to be smaller.
const INTERVAL_MIN: Duration = Duration::from_secs(300);

/// What an increase has to show before the next is tried: so many timeouts long (RFC 4821 §7.8).
const TRIAL_PERIODS: u8 = 3;
/// A period with fewer segments says nothing.
const TRIAL_SEGMENTS_MIN: u32 = 10;

/// A probe in the network.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Probe {
    pub(crate) start: Seq,
    pub(crate) end: Seq,
    /// Of its packet.
    pub(crate) size_bytes: u32,
}

/// What a message "too big" has claimed, until a timeout makes it credible (RFC 5927 §7.2, the pending error).
#[derive(Clone, Copy, Debug)]
struct Claim {
    seq: Seq,
    mtu_bytes: u32,
}

/// A larger size has to show that it does not lose more than the one before (RFC 4821 §7.8).
#[derive(Clone, Copy, Debug)]
struct Trial {
    before_bytes: u32,
    period_from: Instant,
    /// Segments sent, and sent again, when the period began.
    at_first: (u32, u32),
    good: u8,
    bad: u8,
}

/// How segments fared, for a [`Trial`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Course {
    pub(crate) now: Instant,
    pub(crate) rto_us: u32,
    pub(crate) segments: u32,
    pub(crate) segments_again: u32,
}

/// Where the search stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PathSearch {
    /// Packets of this size are expected to arrive, and are what is sent (search_low, eff_pmtu).
    low_bytes: u32,
    /// No larger ones are tried (search_high).
    high_bytes: u32,
    /// What search_high was at first: the link, or what the peer takes.
    ceiling_bytes: u32,
    /// Nothing speaks against this size: it is tried first.
    promising_bytes: u32,
    /// IP and TCP headers with the standing options.
    header_bytes: u32,
    probe: Option<Probe>,
    /// How many probes of the size that is being tried were lost.
    lost: u8,
    /// No probe before.
    not_before: Instant,
    /// There is nothing more to find until then.
    is_resting: bool,
    claim: Option<Claim>,
    trial: Option<Trial>,
    /// What the connection has to use from here on, until it takes it.
    news: Option<u32>,
}

impl PathSearch {
    /// Packets of `mtu_bytes` are what is sent, and nothing larger is known of.
    pub(crate) fn new(mtu_bytes: u32, header_bytes: u32) -> Self {
        PathSearch {
            low_bytes: mtu_bytes,
            high_bytes: mtu_bytes,
            ceiling_bytes: mtu_bytes,
            promising_bytes: mtu_bytes,
            header_bytes,
            probe: None,
            lost: 0,
            not_before: Instant::ZERO,
            is_resting: false,
            claim: None,
            trial: None,
            news: None,
        }
    }

    /// search_low and search_high.
    pub(crate) fn range_bytes(&self) -> (u32, u32) {
        (self.low_bytes, self.high_bytes)
    }

    /// The probe in the network, if any.
    pub(crate) fn probe(&self) -> Option<Probe> {
        self.probe
    }

    /// How much text a packet of this size has.
    pub(crate) fn text_bytes(&self, size_bytes: u32) -> u32 {
        size_bytes.saturating_sub(self.header_bytes)
    }

    /// Packets may be as large as this: if that is news, it is tried at once.
    pub(crate) fn raise_ceiling(&mut self, ceiling_bytes: u32) {
        if ceiling_bytes > self.ceiling_bytes {
            self.ceiling_bytes = ceiling_bytes;
            self.begin_anew();
        }
    }

    /// We are allowed, or the peer takes, no larger packets than this from here on.
    pub(crate) fn lower_ceiling(&mut self, ceiling_bytes: u32) {
        let bounded = |bytes: u32| bytes.min(ceiling_bytes);
        self.ceiling_bytes = bounded(self.ceiling_bytes);
        self.low_bytes = bounded(self.low_bytes);
        (self.high_bytes, self.promising_bytes) = (bounded(self.high_bytes), bounded(self.promising_bytes));
    }

    fn begin_anew(&mut self) {
        self.high_bytes = self.ceiling_bytes;
        self.promising_bytes = self.ceiling_bytes;
        (self.lost, self.is_resting, self.not_before) = (0, false, Instant::ZERO);
    }

    /// A router has said, credibly, that no more than `mtu_bytes` fits: a larger size is tried after the interval.
    pub(crate) fn lower(&mut self, now: Instant, mtu_bytes: u32, config: &Config) {
        (self.low_bytes, self.high_bytes) = (mtu_bytes, mtu_bytes);
        (self.probe, self.claim, self.trial, self.news) = (None, None, None, None);
        self.rest(now, config);
    }

    /// What is larger than `mtu_bytes` seems to vanish. It may have been an outage: one probe of the size that was in
    /// use tells (RFC 4821 §7.7).
    pub(crate) fn suspect_black_hole(&mut self, mtu_bytes: u32, config: &Config) {
        self.low_bytes = mtu_bytes;
        (self.probe, self.claim, self.trial, self.news) = (None, None, None, None);
        self.begin_anew();
        self.lost = most_lost(config) - 1;
    }

    /// Nothing more to find: until the interval is over (RFC 4821 §7.3).
    fn rest(&mut self, now: Instant, config: &Config) {
        self.is_resting = true;
        self.not_before = now + config.mtu_probe_interval.max(INTERVAL_MIN);
    }

    /// The size to be tried next, if one is worth it now.
    pub(crate) fn next_size(&mut self, now: Instant, config: &Config) -> Option<u32> {
        if self.probe.is_some() || self.trial.is_some() || now < self.not_before {
            return None;
        }
        if self.is_resting {
            self.begin_anew();
        }
        let (low, high) = (self.low_bytes, self.high_bytes);
        let threshold = u32::from(config.mtu_probe_threshold_bytes.max(1));
        if high < low + threshold {
            self.rest(now, config);
            return None;
        }
        if config.habits.path_probes_only_halve() {
            return Some(u32::midpoint(low, high));
        }
        if high == self.promising_bytes {
            return Some(high);
        }
        let common = COMMON.into_iter().find(|common| (low + threshold..=high).contains(common));
        Some(common.unwrap_or(low + (high - low).div_ceil(2)))
    }

    /// A probe leaves.
    pub(crate) fn on_sent(&mut self, probe: Probe) {
        self.probe = Some(probe);
    }

    /// Everything before `una` has arrived. Returns the size of a probe that has (RFC 4821 §7.6.1).
    pub(crate) fn on_acked(&mut self, una: Seq, course: &Course, config: &Config) -> Option<u32> {
        self.claim = self.claim.filter(|claim| claim.seq.at_or_after(una));
        let probe = self.probe.filter(|probe| una.at_or_after(probe.end));
        let Some(probe) = probe else {
            self.judge_trial(course);
            return None;
        };
        let trial = Trial {
            before_bytes: self.low_bytes,
            period_from: course.now,
            at_first: (course.segments, course.segments_again),
            good: 0,
            bad: 0,
        };
        self.trial = Some(trial).filter(|_| config.habits.larger_size_is_verified());
        (self.probe, self.lost) = (None, 0);
        self.low_bytes = probe.size_bytes;
        self.news = Some(probe.size_bytes);
        Some(probe.size_bytes)
    }

    /// Falls back if more than a tenth of what is sent is sent again, for several timeouts' time (RFC 4821 §7.8).
    fn judge_trial(&mut self, course: &Course) {
        let Some(trial) = &mut self.trial else { return };
        let sent = course.segments.wrapping_sub(trial.at_first.0);
        let again = course.segments_again.wrapping_sub(trial.at_first.1);
        let is_over = course.now.micros_since(trial.period_from) >= u64::from(course.rto_us);
        if !is_over || sent < TRIAL_SEGMENTS_MIN {
            return;
        }
        let is_bad = again > sent / 10;
        (trial.bad, trial.good) = (trial.bad + u8::from(is_bad), trial.good + u8::from(!is_bad));
        (trial.period_from, trial.at_first) = (course.now, (course.segments, course.segments_again));
        let (before_bytes, is_wrong) = (trial.before_bytes, trial.bad == TRIAL_PERIODS);
        if is_wrong {
            self.high_bytes = self.low_bytes - 1;
            self.low_bytes = before_bytes;
            self.news = Some(before_bytes);
        }
        if is_wrong || trial.good == TRIAL_PERIODS {
            self.trial = None;
        }
    }

    /// The probe is lost, and nothing beside it: the next one waits (RFC 4821 §7.6.2). Returns its size.
    pub(crate) fn on_lost(&mut self, now: Instant, wait_us: u64, config: &Config) -> Option<u32> {
        let Probe { size_bytes, .. } = self.probe.take()?;
        self.not_before = now.plus_micros(wait_us);
        self.lost += 1;
        if self.lost >= most_lost(config) {
            (self.lost, self.high_bytes) = (0, size_bytes - 1);
        }
        Some(size_bytes)
    }

    /// Nobody can tell what became of the probe, or why: the same size is tried again (RFC 4821 §7.6.4).
    pub(crate) fn forget_probe(&mut self) {
        self.probe = None;
    }

    /// A router says what it would have carried instead of the probe. Returns the probe's size; `None` if that is not
    /// what the message is about.
    pub(crate) fn on_too_big(&mut self, seq: Seq, mtu_bytes: u32) -> Option<u32> {
        let probe = self.probe.filter(|probe| probe.start == seq)?;
        if mtu_bytes < self.low_bytes || mtu_bytes >= probe.size_bytes {
            return None;
        }
        self.probe = None;
        (self.lost, self.high_bytes, self.promising_bytes) = (0, mtu_bytes, mtu_bytes);
        Some(probe.size_bytes)
    }

    /// Keeps what a message claims of a segment for its timeout.
    pub(crate) fn keep_claim(&mut self, seq: Seq, mtu_bytes: u32) {
        self.claim = Some(Claim { seq, mtu_bytes });
    }

    /// What was claimed of a segment that has timed out.
    pub(crate) fn take_claim(&mut self) -> Option<u32> {
        self.claim.take().map(|claim| claim.mtu_bytes)
    }

    /// The size to use from here on, once after it has changed.
    pub(crate) fn take_news(&mut self) -> Option<u32> {
        self.news.take()
    }

    /// Nothing is searched for or awaited: it need not be kept.
    pub(crate) fn is_over(&self) -> bool {
        let is_at_top = self.low_bytes >= self.ceiling_bytes;
        is_at_top
            && self.probe.is_none()
            && self.claim.is_none()
            && self.trial.is_none()
            && self.news.is_none()
    }
}

/// How many probes of one size are lost before it counts as too big.
fn most_lost(config: &Config) -> u8 {
    if config.habits.path_probes_only_halve() { 1 } else { 3 }
}

#[cfg(test)]
mod tests;
