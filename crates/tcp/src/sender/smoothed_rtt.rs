//! The smoothed round-trip time and its variation (RFC 6298 §2), by themselves.
//!
//! What a timeout makes of them (bounds, back-off) stands in [`super::rtt`]; who has no timers, because it
//! only watches, needs no more than this.

use core::num::NonZeroU32;

/// SRTT and RTTVAR of one direction (RFC 6298 §2), in eight bytes.
///
/// ```
/// use synfin_tcp::SmoothedRtt;
/// let mut rtt = SmoothedRtt::default();
/// assert_eq!((rtt.srtt_us(), rtt.rto_us(0)), (None, None));
/// rtt.on_sample(100_000);
/// assert_eq!((rtt.srtt_us(), rtt.rttvar_us(), rtt.rto_us(0)), (Some(100_000), 50_000, Some(300_000)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct SmoothedRtt {
    srtt_us: Option<NonZeroU32>,
    rttvar_us: u32,
}

impl SmoothedRtt {
    /// A round trip took so long, in microseconds (RFC 6298 §2.2, §2.3). Less than one counts as one. Which segments
    /// may be measured (Karn, §3) is for the caller to decide.
    #[inline]
    pub fn on_sample(&mut self, rtt_us: u32) {
        let rtt_us = rtt_us.max(1);
        let srtt_us = match self.srtt_us() {
            None => {
                self.rttvar_us = rtt_us / 2;
                rtt_us
            }
            Some(srtt_us) => {
                let deviation_us = srtt_us.abs_diff(rtt_us);
                self.rttvar_us = (self.rttvar_us - self.rttvar_us / 4).saturating_add(deviation_us / 4);
                (srtt_us - srtt_us / 8).saturating_add(rtt_us / 8)
            }
        };
        self.srtt_us = Some(NonZeroU32::new(srtt_us).unwrap_or(NonZeroU32::MIN));
    }

    /// SRTT in microseconds, never 0; `None` before the first measurement.
    #[inline]
    pub fn srtt_us(self) -> Option<u32> {
        self.srtt_us.map(NonZeroU32::get)
    }

    /// RTTVAR in microseconds; 0 before the first measurement.
    #[inline]
    pub fn rttvar_us(self) -> u32 {
        self.rttvar_us
    }

    /// The retransmission timeout that the measurements want, without bounds and back-off, in microseconds (RFC 6298
    /// §2.3): SRTT and four times RTTVAR, which counts as `variance_min_us` at least, and as a microsecond, the
    /// granularity of the clock. `None` before the first measurement.
    #[inline]
    pub fn rto_us(self, variance_min_us: u32) -> Option<u32> {
        let variance_us = self.rttvar_us.saturating_mul(4).max(variance_min_us).max(1);
        Some(self.srtt_us()?.saturating_add(variance_us))
    }
}
