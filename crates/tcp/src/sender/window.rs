//! The peer's window (RFC 9293 §3.10.7.4, fifth step), and asking a peer that keeps it closed (§3.8.6.1).

use super::Fact;
use crate::sender::{Lent, RtoBounds, Sender};
use crate::timers::Timer;
use crate::trace::{LossSign, Trace};
use core::time::Duration;
use wire::Seq;

/// The state of the persist timer, whose time doubles apart from the retransmission timeout: what a closed window
/// makes us wait says nothing of the round trip.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Persist {
    /// Probes sent since the window closed.
    backoff: u8,
    /// The window was closed with nothing in flight, and is being asked about.
    is_asking: bool,
}

/// What a segment says of the window.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WindowUpdate {
    pub(crate) seq: Seq,
    pub(crate) ack: Seq,
    /// Scaled.
    pub(crate) window_bytes: u32,
}

impl Sender {
    /// SND.WND <- SEG.WND if the segment is not older than the last that set it.
    pub(crate) fn update_window(&mut self, update: WindowUpdate, lent: &mut Lent<'_>) {
        let WindowUpdate { seq, ack, window_bytes } = update;
        // Beyond the RFC, as Linux: what acknowledges more is newer whatever its number, because it may be a
        // retransmission. Else SND.UNA moves under an old window, and we send past the peer's right edge.
        let newer = self.wl2.before(ack) || self.wl1.before(seq) || (self.wl1 == seq && self.wl2 == ack);
        if !newer {
            return;
        }
        (self.wl1, self.wl2) = (self.wl1.latest(seq), ack);
        if window_bytes == self.wnd {
            if window_bytes == 0 {
                // The peer answers, so its closed window is no reason to give up (MUST-37).
                self.attempts = 0;
            }
            return;
        }
        let opened = self.wnd < window_bytes;
        self.wnd = window_bytes;
        self.wnd_max = self.wnd_max.max(window_bytes);
        lent.tracer.note(|| Trace::SendWindow { window_bytes });
        if opened && (self.persist.is_asking || lent.timers.is_running(Timer::Persist)) {
            self.on_window_opened(lent);
        }
    }

    /// The window was closed, and probed, and is open again: what was sent into it counts as lost.
    #[cold]
    fn on_window_opened(&mut self, lent: &mut Lent<'_>) {
        lent.timers.stop(Timer::Persist);
        self.persist = Persist::default();
        self.attempts = 0;
        self.marks.set(Fact::WindowProbeOwed, false);
        if let Some(load) = &mut self.load {
            load.flight.lose_where(LossSign::WindowReopened, |_| true);
            load.duplicates.limit_to(load.flight.in_flight_bytes());
            load.timeout_from = lent.now;
        }
        self.arm(lent);
    }

    /// Nothing can be sent: if nothing is in flight either, the persist timer must ask.
    #[inline(never)]
    pub(super) fn wait_for_window(&mut self, lent: &mut Lent<'_>) {
        if self.una == self.nxt && !lent.timers.is_running(Timer::Persist) {
            self.persist.is_asking = true;
            self.arm_persist(lent);
        }
    }

    /// SHLD-29, SHLD-30: first after the retransmission timeout, then backed off, whatever back-off retransmissions
    /// have come to.
    fn arm_persist(&self, lent: &mut Lent<'_>) {
        let timeout_us = self.rtt.doubled_us(self.persist.backoff, RtoBounds::new(lent.config));
        let timeout = Duration::from_micros(timeout_us.into());
        let bounds = lent.config.habits.window_probe_bounds();
        let timeout = bounds.map_or(timeout, |(least, most)| timeout.clamp(least, most));
        lent.arm(Timer::Persist, lent.now + timeout);
    }

    /// The override timer of §3.8.6.2.1: of the 0.1 - 1 s that it may wait we take the longest, for a reader that is
    /// slow but not stuck.
    pub(super) fn wait_for_more_window(&self, lent: &mut Lent<'_>) {
        if !lent.timers.is_running(Timer::Persist) {
            lent.arm(Timer::Persist, lent.now.plus_micros(1_000_000));
        }
    }

    /// The window is open, but too small for what waits: what fits is sent now.
    pub(crate) fn override_silly_window(&mut self) -> bool {
        let is_open = self.edge().after(self.nxt) && self.una == self.nxt;
        if is_open {
            self.marks.put(Fact::SendSmall);
        }
        is_open
    }

    /// A probe of the closed window goes out, and the next one waits twice as long.
    pub(crate) fn probe_window(&mut self, lent: &mut Lent<'_>) {
        self.persist.backoff = self.persist.backoff.saturating_add(1);
        self.persist.is_asking = true;
        self.marks.put(Fact::WindowProbeOwed);
        self.arm_persist(lent);
    }

    /// How many probes in a row have not opened the window.
    pub(crate) fn window_probes(&self) -> u8 {
        self.persist.backoff
    }

    /// A closed window is being asked about.
    pub(super) fn is_asking_for_window(&self) -> bool {
        self.persist.is_asking
    }

    /// Data left without asking.
    pub(super) fn stop_asking_for_window(&mut self, lent: &mut Lent<'_>) {
        if self.persist.is_asking || lent.timers.is_running(Timer::Persist) {
            self.persist = Persist::default();
            lent.timers.stop(Timer::Persist);
        }
    }
}
