//! What a sender spent its time on: how long it had something to do, and how much of that it waited for the
//! peer's window or for the application's buffer (`tcpi_busy_time`, `tcpi_rwnd_limited`, `tcpi_sndbuf_limited`).

use crate::Instant;
use core::time::Duration;

/// What limits a busy sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum Doing {
    /// Nothing waits to be sent or acknowledged.
    #[default]
    Nothing,
    /// Sending, or waiting for acknowledgments.
    Sending,
    /// The peer's window is full and more waits behind it.
    WaitingForWindow,
    /// All is sent, the buffer is full of what is not acknowledged, and the application wants to write.
    WaitingForBuffer,
}

/// Times in units of 64 microseconds: 76 hours fit. Packed, because three bytes in each connection would be empty.
#[derive(Clone, Copy, Debug)]
#[repr(Rust, packed)]
pub(crate) struct BusyTime {
    sending: u32,
    for_window: u32,
    for_buffer: u32,
    /// In the same units, on the driver's clock; wraps.
    since: u32,
    doing: Doing,
}

const UNIT_NS: u64 = 64_000;

fn units_of(now: Instant) -> u32 {
    (now.as_nanos() / UNIT_NS) as u32
}

fn duration(units: u32) -> Duration {
    Duration::from_nanos(u64::from(units) * UNIT_NS)
}

impl BusyTime {
    pub(crate) fn new(now: Instant) -> Self {
        BusyTime { sending: 0, for_window: 0, for_buffer: 0, since: units_of(now), doing: Doing::Nothing }
    }

    /// From now on it does this.
    #[inline]
    pub(crate) fn turn_to(&mut self, now: Instant, doing: Doing) {
        if self.doing != doing {
            self.turn(now, doing);
        }
    }

    #[inline(never)]
    fn turn(&mut self, now: Instant, doing: Doing) {
        self.close(now);
        self.doing = doing;
    }

    pub(crate) fn stop(&mut self, now: Instant) {
        self.turn_to(now, Doing::Nothing);
    }

    fn close(&mut self, now: Instant) {
        let units = units_of(now).wrapping_sub(self.since);
        self.since = units_of(now);
        match self.doing {
            Doing::Nothing => {}
            Doing::Sending => self.sending = self.sending.saturating_add(units),
            Doing::WaitingForWindow => self.for_window = self.for_window.saturating_add(units),
            Doing::WaitingForBuffer => self.for_buffer = self.for_buffer.saturating_add(units),
        }
    }

    /// Until now: busy in all, waiting for the peer's window, waiting for the application's buffer.
    pub(crate) fn times(&self, now: Instant) -> (Duration, Duration, Duration) {
        let mut until = *self;
        until.close(now);
        let (window, buffer) = (duration(until.for_window), duration(until.for_buffer));
        (duration(until.sending) + window + buffer, window, buffer)
    }
}

#[cfg(test)]
mod tests;
