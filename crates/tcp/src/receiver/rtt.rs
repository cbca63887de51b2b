//! The round trip as the receiver sees it (`tcpi_rcv_rtt`): how long after one of our acknowledgments the text arrives
//! that it let go.
//!
//! With timestamps a segment of text says which moment of our clock it answers (RFC 7323 §4.1). Without them the time
//! counts in which one window of text arrives: what lies beyond a window can only be sent after another
//! acknowledgment, so that is never less than a round trip, but often more. A peer that has little to say makes both
//! longer and never shorter. Hence what is shorter is believed at once; what is longer moves the estimate by an eighth
//! of the difference if a timestamp says it, and not at all if a window does (Linux has it so, too).
//!
//! What is *not* here: the round trip of what we send (`sender/rtt.rs`), and the size of the receive window.

use crate::Instant;
use wire::Seq;

/// No round trip takes longer: a timestamp from before that was kept by a peer that had nothing to say.
const ECHO_AGE_MS_MAX: u32 = 60_000;
/// The clock of the Timestamps option ticks each millisecond, so that an echo of the same tick is this old at most.
const TICK_US: u32 = 1_000;

/// The receiver's estimate of the round trip. Eight bytes, because every connection has them: with timestamps `mark` is
/// the echo that was used last, without them it is a time, and only then `until` is used.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ReceiverRtt {
    mark: u32,
    until: u16,
    estimate: Coarse,
}

/// Text that arrived in order, as far as the round trip is concerned.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    pub(crate) now: Instant,
    /// RCV.NXT behind it.
    pub(crate) nxt: Seq,
    /// The window last announced, counted from its own acknowledgment.
    pub(crate) window_bytes: u32,
    /// Rcv.Wind.Shift.
    pub(crate) shift: u8,
}

impl ReceiverRtt {
    /// Whether an echo is worth [`ReceiverRtt::on_echo`]: once for what answers the same tick.
    #[inline]
    pub(crate) fn is_news(&self, echo: u32) -> bool {
        echo != self.mark
    }

    /// A segment of text as large as any before it echoes `echo` while our clock of the option says `clock`. What is
    /// longer than the estimate says nothing while text `waits_for_reader`: the window may be what the peer waits for.
    #[inline(never)]
    pub(crate) fn on_echo(&mut self, clock: u32, echo: u32, waits_for_reader: bool) {
        self.mark = echo;
        let age_ms = clock.wrapping_sub(echo);
        if age_ms > ECHO_AGE_MS_MAX {
            return;
        }
        let sample_us = (age_ms * 1_000).max(TICK_US);
        match self.estimate.micros() {
            Some(estimate_us) if sample_us >= estimate_us => {
                if !waits_for_reader {
                    self.estimate = Coarse::of_micros(estimate_us + (sample_us - estimate_us) / 8);
                }
            }
            _ => self.estimate = Coarse::of_micros(sample_us),
        }
    }

    /// Text arrived, and there are no timestamps.
    #[inline]
    pub(crate) fn on_text(&mut self, arrival: &Arrival) {
        let is_before = (units(arrival.nxt, arrival.shift).wrapping_sub(self.until) as i16) < 0;
        if self.mark == 0 || !is_before {
            self.take_window(arrival);
        }
    }

    /// A window of text has arrived since `mark`, or nothing is measured yet.
    #[inline(never)]
    fn take_window(&mut self, arrival: &Arrival) {
        let now_us = arrival.now.as_micros() as u32;
        if self.mark != 0 {
            let sample_us = now_us.wrapping_sub(self.mark).max(1);
            if self.estimate.micros().is_none_or(|estimate_us| sample_us < estimate_us) {
                self.estimate = Coarse::of_micros(sample_us);
            }
        }
        // Rounded up: half a window is not a whole one.
        let round_up = unit_bytes(arrival.shift) - 1;
        self.until = units(arrival.nxt + arrival.window_bytes + round_up, arrival.shift);
        self.mark = now_us.max(1);
    }

    /// The estimate in microseconds, to half a percent; `None` before the first measurement.
    pub(crate) fn micros(self) -> Option<u32> {
        self.estimate.micros()
    }
}

/// A window of 65,535 units of the window's scale is a quarter of the circle of 16 bits: two such windows can pass
/// before "behind" becomes "before".
const fn unit_bytes(shift: u8) -> u32 {
    4 << shift
}

pub(super) const fn units(at: Seq, shift: u8) -> u16 {
    (at.number() >> (shift + 2)) as u16
}

/// Microseconds in two bytes: eleven bits and an exponent, to a thousandth, rounded down. Zero is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Coarse(u16);

impl Coarse {
    const BITS: u32 = 11;

    const fn of_micros(us: u32) -> Self {
        let exponent = (u32::BITS - us.leading_zeros()).saturating_sub(Self::BITS);
        Coarse((exponent << Self::BITS) as u16 | (us >> exponent) as u16)
    }

    fn micros(self) -> Option<u32> {
        let (exponent, mantissa) = (self.0 >> Self::BITS, self.0 & ((1 << Self::BITS) - 1));
        (mantissa != 0).then(|| u32::from(mantissa) << exponent)
    }
}

#[cfg(test)]
mod tests;
