//! How large the receive buffer is: as large as its use so far asks for.
//!
//! A peer that sends nothing, and a reader that takes nothing, do not need megabytes; a window that is offered can be
//! filled by whoever likes. So the buffer begins small and grows with what the reader takes within a round
//! trip (dynamic right-sizing, as Linux has it). It doubles until it holds four times as much: twice, because a sender
//! in slow start sends twice as much in the next round trip, and twice again, because it hears of the new window only
//! after that round trip. It never shrinks by itself: what was offered stays offered.
//!
//! What is *not* here: what is offered of the buffer (`window.rs`), and the round trip (`rtt.rs`).

use super::Receiver;
use super::rtt::units;
use crate::{Config, Instant};

/// How many times what the reader takes within a round trip the buffer is to hold.
const ROUNDS_HELD: u32 = 4;

/// The round trip in which the reader is being watched. Four bytes, because every connection has them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Round {
    /// When it began, in milliseconds of the driver's clock.
    began_ms: u16,
    /// The next byte that the reader had to take then, in units of the window's scale: more than half the circle of
    /// 16 bits does not arrive in a round trip.
    read: u16,
}

impl Receiver {
    /// Bytes that may have arrived and are not read yet.
    pub(crate) fn buffer_bytes(&self, config: &Config) -> u32 {
        let most = config.receive_buffer_bytes;
        match config.receive_buffer_bytes_initial {
            0 => most,
            initial => {
                let factor = 1_u32.checked_shl(self.doublings.into()).unwrap_or(u32::MAX);
                initial.saturating_mul(factor).min(most)
            }
        }
    }

    /// The reader has taken nothing yet: its first round trip begins with the first text.
    pub(super) fn watch_reader(&mut self) {
        self.round = Round { began_ms: self.round.began_ms, read: units(self.next_to_read(), self.shift) };
    }

    /// Text was taken at `now`: the buffer grows if the reader's pace asks for it.
    #[inline]
    pub(crate) fn size_buffer(&mut self, now: Instant, config: &Config) {
        let elapsed_ms = (now.as_millis() as u16).wrapping_sub(self.round.began_ms);
        // A round trip of less than a millisecond is measured by the clock as often as by the path.
        if elapsed_ms > 0 {
            self.end_round_if_over(now, elapsed_ms, config);
        }
    }

    #[inline(never)]
    fn end_round_if_over(&mut self, now: Instant, elapsed_ms: u16, config: &Config) {
        let Some(rtt_us) = self.rtt.micros() else { return };
        if u32::from(elapsed_ms) * 1_000 < rtt_us {
            return;
        }
        let read = units(self.next_to_read(), self.shift);
        let taken_bytes = u32::from(read.wrapping_sub(self.round.read)) << (self.shift + 2);
        let wanted_bytes = taken_bytes.saturating_mul(ROUNDS_HELD).min(config.receive_buffer_bytes);
        while self.buffer_bytes(config) < wanted_bytes {
            self.doublings += 1;
        }
        self.round = Round { began_ms: now.as_millis() as u16, read };
    }
}
