//! What an acceptable acknowledgment does to the sender: the queue, the clock, the window, recovery.
//!
//! RFC 9293 §3.10.7.4 (fifth step), RFC 6298 §5, RFC 7323 §4, RFC 5681, RFC 6582.

use crate::congestion::{Acked, Controller, Lost};
use crate::connection::Connection;
use crate::recovery::fast_recovery::{OnAdvance, OnDuplicate, Phase, Resend};
use crate::segment::{Event, Segment};
use crate::timers::Timer;
use crate::trace::{LossSign, Trace};
use crate::variables::Timed;
use crate::{Instant, SendReason};

impl Connection {
    /// SND.UNA - MAX.SND.WND =< SEG.ACK =< SND.NXT holds.
    pub(crate) fn on_acknowledgment(&mut self, now: Instant, segment: &Segment) {
        let header = &segment.header;
        let window = u32::from(header.window) << if header.flags.syn() { 0 } else { self.snd.shift };
        let same_window = window == self.snd.wnd;
        if header.ack.after(self.snd.una) {
            self.on_advance(now, segment);
        } else if header.ack == self.snd.una && self.snd.una != self.snd.nxt {
            self.on_possible_duplicate(segment, same_window);
        }
        if header.ack.at_or_after(self.snd.una) {
            self.update_window(now, segment, window);
        }
    }

    fn on_advance(&mut self, now: Instant, segment: &Segment) {
        let ack = segment.header.ack;
        let (in_flight, bytes) = (self.in_flight(), ack.bytes_since(self.snd.una));
        let from = self.text_start();
        let text =
            if ack.after(from) { (ack.bytes_since(from) as usize).min(self.send_queue.len()) } else { 0 };
        self.sample_rtt(now, segment);
        (self.snd.una, self.marks.syn_acked) = (ack, true);
        self.send_queue.acked(text);
        self.counters.bytes_acked += text as u64;
        self.attempts = 0;
        // The path works: what ICMP said of it is past.
        self.soft_error = None;
        // Pulled along: half a circle later it would hold back a small segment.
        self.snd.small = self.snd.small.latest(ack);
        if self.snd.up.is_some_and(|up| up.at_or_before(ack)) {
            self.snd.up = None;
        }
        let advance = self.recovery.on_advance(self.snd.una);
        match advance {
            OnAdvance::Nothing => self.grow(bytes, in_flight),
            OnAdvance::Full => self.on_full_acknowledgment(),
            OnAdvance::Partial { .. } => self.on_partial_acknowledgment(bytes),
        }
        self.trace_congestion();
        // RFC 6298 §5.2, §5.3.
        if self.snd.una == self.snd.nxt {
            self.timers.stop(Timer::Retransmit);
            self.timers.stop(Timer::User);
        } else {
            if advance != (OnAdvance::Partial { first: false }) {
                self.restart_retransmit_timer(now);
            }
            self.restart_user_timer(now);
        }
        if self.marks.writer_waits && self.write_room() > 0 {
            self.marks.writer_waits = false;
            self.events.raise(Event::Writable);
        }
    }

    /// RFC 6298 §3, RFC 7323 §4: the timed segment if it was never sent again, else the echo.
    ///
    /// An echo counts only when it answers the retransmission. One that is older answers the first
    /// transmission, or is stale: a duplicate does not move TS.Recent (RFC 7323 §5.3, R2 before R3),
    /// so the answer to it echoes something long past, and would count the timeout as round trip.
    /// Without a measurement the back-off stays, as Karn's algorithm wants.
    fn sample_rtt(&mut self, now: Instant, segment: &Segment) {
        let ack = segment.header.ack;
        let micros = match self.timed.segment() {
            Some((end, sent_at)) if end.at_or_before(ack) => {
                self.timed = Timed::NOTHING;
                now.micros_since(sent_at)
            }
            Some(_) => return,
            None => {
                let Some(micros) = self.micros_since_echoed(now, segment) else { return };
                micros
            }
        };
        let rtt_us = u32::try_from(micros).unwrap_or(u32::MAX);
        self.rtt.on_sample(rtt_us, self.rto_bounds());
        if self.tracing.is_some() {
            let (srtt_us, rto_us) = (self.rtt.srtt_us().unwrap_or(0), self.rto_us());
            self.trace(|| Trace::RttSample { rtt_us, srtt_us, rto_us });
        }
    }

    /// The option's clock is coarse, so a zero says "below 1 ms".
    #[inline(never)]
    fn micros_since_echoed(&self, now: Instant, segment: &Segment) -> Option<u64> {
        let stamps = segment.header.options.timestamps.filter(|_| self.timestamps.agreed)?;
        let millis = self.timestamp_clock(now).wrapping_sub(stamps.echo);
        self.is_echo_of_resent(now, stamps.echo).then(|| u64::from(millis) * 1_000)
    }

    /// The echo is of something sent since the last retransmission, and not from the future.
    fn is_echo_of_resent(&self, now: Instant, echo: u32) -> bool {
        let age = self.timestamp_clock(now).wrapping_sub(echo);
        age <= self.timestamp_clock(now).wrapping_sub(self.timestamps.resent) && age < 1 << 31
    }

    /// Nothing is being recovered: the window may grow.
    fn grow(&mut self, bytes: u32, in_flight: u32) {
        let mss = self.mss();
        // Slow start needs half the window in use, congestion avoidance nearly all of it.
        let cwnd = self.congestion.cwnd_bytes();
        let used = if cwnd < self.congestion.ssthresh_bytes() { cwnd / 2 } else { cwnd.saturating_sub(mss) };
        let app_limited = in_flight < used && !self.marks.cwnd_limited;
        let growth_bytes_max = match self.config.abc_limit_segments {
            0 => u32::MAX,
            // RFC 3465 §2.3: after a timeout one segment, for much of it may have arrived before.
            _ if self.recovery.phase == Phase::Loss => mss,
            limit => u32::from(limit) * mss,
        };
        self.congestion.on_acked(&Acked { bytes, growth_bytes_max, app_limited }, mss);
    }

    /// RFC 6582 §3.2 step 3, the variant that avoids a burst.
    #[cold]
    fn on_full_acknowledgment(&mut self) {
        let (mss, flight) = (self.mss(), self.snd.nxt.bytes_since(self.snd.una));
        self.congestion.set_cwnd(self.congestion.ssthresh_bytes().min(flight.max(mss) + mss));
        self.recovery.resend = None;
    }

    /// RFC 6582 §3.2 step 3: deflates by what was acknowledged, adds one segment.
    #[cold]
    fn on_partial_acknowledgment(&mut self, bytes: u32) {
        let mss = self.mss();
        let deflated = self.congestion.cwnd_bytes().saturating_sub(bytes);
        self.congestion.set_cwnd((deflated + if bytes >= mss { mss } else { 0 }).max(mss));
        self.lose_first(SendReason::RecoveryRetransmit, LossSign::PartialAck);
    }

    /// While something is in flight. RFC 5681 §2: a duplicate has no text, no SYN, no FIN and the same window.
    #[inline(never)]
    fn on_possible_duplicate(&mut self, segment: &Segment, same_window: bool) {
        // Before a closed window there is nothing to lose but the byte of a probe: its answers say
        // "still closed", not "something is missing".
        let plain = segment.len_in_sequence_space() == 0 && self.snd.wnd > 0;
        if !plain || !same_window || self.syn_unacked() {
            return;
        }
        let mss = self.mss();
        match self.recovery.on_duplicate(self.snd.una, self.snd.nxt) {
            OnDuplicate::LimitedTransmit | OnDuplicate::Ignore => {}
            OnDuplicate::Inflate => {
                self.congestion.set_cwnd(self.congestion.cwnd_bytes().saturating_add(mss));
            }
            OnDuplicate::Enter => {
                // RFC 5681 §3.2 step 2: without what limited transmit sent.
                let in_flight_bytes =
                    self.snd.nxt.bytes_since(self.snd.una).saturating_sub(self.recovery.limited_bytes());
                let lost = Lost { in_flight_bytes, by_timeout: false };
                self.congestion.on_lost(&lost, mss);
                self.congestion.set_cwnd(self.congestion.ssthresh_bytes() + 3 * mss);
                self.lose_first(SendReason::FastRetransmit, LossSign::DuplicateAcks);
                self.trace_congestion();
            }
        }
    }

    /// The first unacknowledged segment is to be sent again.
    fn lose_first(&mut self, why: SendReason, sign: LossSign) {
        let (next, end) = (self.snd.una, (self.snd.una + self.mss()).earliest(self.snd.nxt));
        self.recovery.resend = Some(Resend { next, end, why });
        self.timed = Timed::NOTHING;
        self.trace(|| Trace::Loss { seq: next, sign });
    }

    /// SND.WND <- SEG.WND if the segment is not older than the last that set it.
    fn update_window(&mut self, now: Instant, segment: &Segment, window: u32) {
        let header = &segment.header;
        // Beyond the RFC, as Linux: what acknowledges more is newer whatever its number, for it may be a
        // retransmission. Else SND.UNA moves under an old window, and we send past the peer's right edge.
        let newer = self.snd.wl2.before(header.ack)
            || self.snd.wl1.before(header.seq)
            || (self.snd.wl1 == header.seq && self.snd.wl2 == header.ack);
        if !newer {
            return;
        }
        (self.snd.wl1, self.snd.wl2) = (self.snd.wl1.latest(header.seq), header.ack);
        if window == self.snd.wnd {
            if window == 0 {
                // The peer answers, so its closed window is no reason to give up (MUST-37).
                self.attempts = 0;
            }
            return;
        }
        let opened = self.snd.wnd < window;
        self.snd.wnd = window;
        self.snd.wnd_max = self.snd.wnd_max.max(window);
        self.trace(|| Trace::SendWindow { window_bytes: window });
        if opened && self.timers.is_running(Timer::Persist) {
            self.on_window_opened(now);
        }
    }

    /// The window was closed, and probed, and is open again: what was sent into it counts as lost.
    #[cold]
    fn on_window_opened(&mut self, now: Instant) {
        self.timers.stop(Timer::Persist);
        (self.attempts, self.marks.window_probe_owed) = (0, false);
        self.rtt.end_back_off();
        if self.snd.una != self.snd.nxt {
            self.recovery.resend =
                Some(Resend { next: self.snd.una, end: self.snd.nxt, why: SendReason::ZeroWindowProbe });
            self.restart_retransmit_timer(now);
        }
    }

    pub(crate) fn trace_congestion(&mut self) {
        let (cwnd_bytes, ssthresh_bytes) = (self.congestion.cwnd_bytes(), self.congestion.ssthresh_bytes());
        self.trace(|| Trace::Congestion { cwnd_bytes, ssthresh_bytes });
    }
}
