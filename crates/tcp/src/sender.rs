//! The send half of a connection (RFC 9293 §3.3.1, figure 3): what was written, what is in flight, what counts
//! as lost, and how much may leave.
//!
//! A value with verbs of its own, one room for each subject: the scoreboard (`flight.rs`), when something
//! counts as lost (`rack.rs`, `duplicates.rs`), the probe of a tail (`tail_probe.rs`), where recovery stands
//! (`phase.rs`, `recovery.rs`), the way down to a new window (`prr.rs`), mistakes (`undo.rs`), the clock of the
//! bursts (`pacer.rs`), the round trip (`rtt.rs`), the peer's window (`window.rs`), marks of the network (`ecn.rs`, `scalable.rs`),
//! the largest packet that the path carries (`path_search.rs`, `path_probe.rs`). One gate lets data out
//! (`next.rs`), one place hears acknowledgments (`acked.rs`), one function arms the timers (`clock.rs`), and the
//! congestion window is decided in [`crate::congestion`]. What it needs from the connection around it is lent
//! for the time of a call.
//!
//! What is *not* here: the receive half, which this half cannot see; states, giving up, the handshake.

mod acked;
mod busy_time;
mod clock;
mod duplicates;
mod ecn;
mod facts;
mod flight;
mod load;
mod model;
mod next;
mod pacer;
mod path_probe;
mod path_search;
mod phase;
mod prr;
mod queue;
mod rack;
mod rate;
mod recovery;
mod rtt;
mod scalable;
mod smoothed_rtt;
mod syn_text;
mod tail_probe;
mod undo;
mod usage;
mod window;

pub(crate) use acked::Ack;
pub(crate) use busy_time::BusyTime;
pub(crate) use ecn::{Echo, Heeds};
pub(crate) use facts::Fact;
pub(crate) use flight::LostRun;
pub(crate) use next::Ask;
pub(crate) use pacer::Rate;
pub(crate) use path_search::PathSearch;
pub(crate) use phase::Phase;
pub use phase::RecoveryPhase;
pub(crate) use rate::{DeliveryRate, PathSample};
pub(crate) use rtt::{RtoBounds, Rtt};
pub use smoothed_rtt::SmoothedRtt;
pub(crate) use window::WindowUpdate;

use crate::congestion::{Congestion, Controller};
use crate::marks::Marks;
use crate::timers::{Timer, TimerTable};
use crate::trace::Trace;
use crate::tracing::Tracer;
use crate::{Config, Instant};
use alloc::boxed::Box;
use busy_time::Doing;
use bytes::Bytes;
use load::Load;
use queue::SendQueue;
use rack::Reordering;
use wire::tcp::Flags;
use wire::{Payload, Seq};

/// The send half of a connection.
#[derive(Debug)]
pub(crate) struct Sender {
    /// Initial send sequence number.
    pub(crate) iss: Seq,
    /// Oldest unacknowledged.
    pub(crate) una: Seq,
    /// Next to be sent for the first time.
    pub(crate) nxt: Seq,
    /// The peer's window in bytes, scaled.
    pub(crate) wnd: u32,
    /// The largest window the peer ever offered (MAX.SND.WND).
    wnd_max: u32,
    /// SEG.SEQ of the last window update.
    wl1: Seq,
    /// SEG.ACK of the last window update.
    wl2: Seq,
    /// One past the last byte that the application has written; where the FIN goes or went.
    written: Seq,
    /// One past the last urgent byte (SND.UP), or SND.UNA.
    up: Seq,
    /// One past the last small segment sent, for Minshall's rule.
    small: Seq,
    /// The shift for windows that the peer sends (Snd.Wind.Shift).
    pub(crate) shift: u8,
    /// The peer reports what it has beyond gaps (RFC 2018).
    sack: bool,
    pub(crate) marks: Marks<Fact>,
    /// The window is closed, or too small, and is asked about; how often the time between was doubled.
    persist: window::Persist,
    /// Retransmissions of the same data in a row, or probes in a row, without an answer.
    pub(crate) attempts: u8,
    /// When the first of these was made, in milliseconds of the driver's clock.
    first_resent_ms: u32,
    /// How much the path reorders.
    reordering: Reordering,
    /// Text of the largest segment that has arrived (RFC 5927 §7.2's maxsizeacked, without headers).
    pub(crate) segment_bytes_acked: u16,
    /// When text or a control was last sent.
    pub(crate) last_sent_at: Instant,
    /// When something was last sent again, in milliseconds: older echoes say nothing of the round trip.
    resent_ms: u32,
    pub(crate) rtt: Rtt,
    pub(crate) congestion: Congestion,
    queue: SendQueue,
    load: Option<Box<Load>>,
    pub(crate) sent: Sent,
    pub(crate) busy: BusyTime,
}

/// What [`crate::Info`] reports of what was sent.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sent {
    pub(crate) bytes_acked: u64,
    pub(crate) bytes_again: u64,
    pub(crate) segments: u32,
    pub(crate) segments_again: u32,
    pub(crate) delivered_segments: u32,
    /// At most 65,535.
    pub(crate) timeouts: u16,
    /// At most 65,535.
    pub(crate) undone: u16,
}

impl Sent {
    /// `start..end` left again, in so many segments.
    #[inline(never)]
    fn count_again(&mut self, start: Seq, end: Seq, segments: u32) {
        self.segments_again = self.segments_again.wrapping_add(segments);
        self.bytes_again += u64::from(end.bytes_since(start));
    }
}

/// What the connection lends its send half for the time of a call.
pub(crate) struct Lent<'a> {
    pub(crate) now: Instant,
    pub(crate) config: &'a Config,
    /// Text bytes of a full-sized segment: SMSS with the standing options taken off.
    pub(crate) mss: u32,
    pub(crate) timers: &'a mut TimerTable,
    pub(crate) tracer: &'a mut Tracer,
    /// What is known of marks, if ECN was agreed upon.
    pub(crate) heeds: Option<&'a mut Heeds>,
}

impl Lent<'_> {
    /// Sets a timer, unless it is set so already.
    pub(crate) fn arm(&mut self, timer: Timer, due: Instant) {
        if self.timers.due(timer) != Some(due) {
            self.timers.set(timer, due);
            self.tracer.note(|| Trace::TimerArmed { timer, due });
        }
    }
}

impl Sender {
    #[inline]
    pub(crate) fn new(now: Instant, iss: Seq, config: &Config) -> Self {
        let zero = Seq::new(0);
        Sender {
            iss,
            una: iss,
            nxt: iss,
            wnd: 0,
            wnd_max: 0,
            wl1: zero,
            wl2: zero,
            written: iss + 1,
            up: iss,
            small: iss,
            shift: 0,
            sack: false,
            marks: Marks::default(),
            persist: window::Persist::default(),
            attempts: 0,
            reordering: Reordering::NONE,
            segment_bytes_acked: 0,
            first_resent_ms: 0,
            last_sent_at: now,
            resent_ms: 0,
            rtt: Rtt::new(config.rto_initial, RtoBounds::new(config)),
            congestion: Congestion::new(config.congestion, 0, iss),
            queue: SendQueue::default(),
            load: None,
            sent: Sent::default(),
            busy: BusyTime::new(now),
        }
    }

    /// Takes over what the peer's SYN says of its window, which is never scaled (RFC 7323 §2.2), and whether it
    /// permits SACK.
    pub(crate) fn synchronize(&mut self, seq: Seq, window: u16, sack: bool) {
        self.wnd = u32::from(window);
        self.wnd_max = self.wnd;
        self.wl1 = seq;
        // Whatever the peer acknowledges is newer than nothing.
        self.wl2 = self.iss;
        self.sack = sack;
    }

    /// Begins with this much in flight at most (RFC 6928 §2).
    #[inline]
    pub(crate) fn begin(&mut self, initial_window_bytes: u32, config: &Config) {
        self.congestion = Congestion::new(config.congestion, initial_window_bytes, self.iss);
    }

    /// The peer went away before the handshake was complete; the next one may bring other options.
    pub(crate) fn return_to_listen(&mut self, now: Instant, config: &Config) {
        // What was written was for the peer that went away.
        let busy = self.busy;
        *self = Sender { busy, sent: self.sent, ..Sender::new(now, self.iss, config) };
    }

    /// The connection is CLOSED: nothing more leaves.
    pub(crate) fn on_closed(&mut self, now: Instant) {
        self.queue.clear();
        self.written = self.written.earliest(self.nxt);
        self.load = None;
        self.busy.stop(now);
        self.marks.clear([Fact::FinQueued, Fact::WriterWaits, Fact::SendSmall, Fact::WindowProbeOwed]);
    }

    /// One past the last byte the application has written; where the FIN goes or went.
    pub(crate) fn stream_end(&self) -> Seq {
        self.written
    }

    /// The sequence number of the first byte in the queue.
    pub(crate) fn text_start(&self) -> Seq {
        if self.syn_acked() { self.una } else { self.iss + 1 }
    }

    /// Where the record ends in which `from` lies, if its end is noted.
    fn record_end(&self, from: Seq) -> Option<Seq> {
        let start = self.text_start();
        let offset = from.offset_from(start).max(0) as usize;
        self.queue.record_end(offset).map(|end| start + end as u32)
    }

    /// Bytes written and not sent.
    pub(crate) fn unsent_bytes(&self) -> u32 {
        self.stream_end().offset_from(self.nxt).max(0).cast_unsigned()
    }

    /// Data or a FIN has been given to us and is not acknowledged.
    pub(crate) fn has_waiting(&self) -> bool {
        self.has_text() || (self.fin_queued() && !self.fin_acked()) || self.una != self.nxt
    }

    /// A FIN is queued and has not been sent.
    fn owes_fin(&self) -> bool {
        self.fin_queued() && !self.fin_sent()
    }

    /// Where our FIN stands, once sent.
    pub(crate) fn fin(&self) -> Option<Seq> {
        self.fin_sent().then_some(self.written)
    }

    /// Queues a copy of `data`.
    pub(crate) fn write(&mut self, data: &[u8]) {
        self.queue.push(data);
        self.written += data.len() as u32;
    }

    /// Queues `data` without copying it.
    pub(crate) fn write_bytes(&mut self, data: Bytes) {
        self.written += data.len() as u32;
        self.queue.push_bytes(data);
    }

    /// A record ends behind what is queued. Says whether that could be noted.
    pub(crate) fn end_record(&mut self) -> bool {
        self.queue.end_record()
    }

    /// Whether no more ends of records can be noted.
    pub(crate) fn is_full_of_records(&self) -> bool {
        self.queue.is_full_of_records()
    }

    /// What is queued is urgent up to its end.
    pub(crate) fn urge(&mut self) {
        self.up = self.written;
    }

    /// One past the last urgent byte (SND.UP), while it is not acknowledged.
    pub(crate) fn urgent_end(&self) -> Option<Seq> {
        self.up.after(self.una).then_some(self.up)
    }

    /// Text that is not acknowledged.
    pub(crate) fn has_text(&self) -> bool {
        !self.queue.is_empty()
    }

    /// Bytes of text that are not acknowledged, sent or not.
    pub(crate) fn queued_bytes(&self) -> usize {
        self.queue.len()
    }

    /// Text bytes that were sent, again or for the first time.
    pub(crate) fn sent_bytes(&self) -> u64 {
        let in_flight = self.nxt.earliest(self.written).offset_from(self.text_start()).max(0);
        self.sent.bytes_acked + u64::from(in_flight.cast_unsigned()) + self.sent.bytes_again
    }

    /// Something goes again because of a timeout.
    pub(crate) fn count_attempt(&mut self, now: Instant) {
        if self.attempts == 0 {
            self.first_resent_ms = now.as_millis() as u32;
        }
        self.attempts = self.attempts.saturating_add(1);
    }

    /// How long ago the first of the attempts was made.
    pub(crate) fn attempting_for(&self, now: Instant) -> core::time::Duration {
        core::time::Duration::from_millis((now.as_millis() as u32).wrapping_sub(self.first_resent_ms).into())
    }

    /// Our FIN is acknowledged.
    pub(crate) fn fin_acked(&self) -> bool {
        self.fin_sent() && self.una.after(self.written)
    }

    /// The right edge of what the peer takes.
    pub(crate) fn edge(&self) -> Seq {
        self.una + self.wnd
    }

    /// The largest window the peer ever offered (MAX.SND.WND).
    pub(crate) fn wnd_max(&self) -> u32 {
        self.wnd_max
    }

    /// Sent and not acknowledged (FlightSize); a SYN counts.
    pub(crate) fn flight_bytes(&self) -> u32 {
        self.nxt.bytes_since(self.una)
    }

    /// FlightSize as a reduction counts it: without what limited transmit has sent beyond the window (RFC 5681 §3.2,
    /// step 2).
    fn flight_within_window(&self, load: &Load) -> u32 {
        self.nxt.bytes_since(self.una.latest(load.flight.start())).min(self.congestion.cwnd_bytes())
    }

    /// What may be in flight: the controller's window, or the way down to it (RFC 9937).
    pub(crate) fn window_bytes(&self) -> u32 {
        self.window_in(self.load.as_ref().map_or(&Phase::Open, |load| &load.phase))
    }

    /// How many windows the application should be ahead: two; three where the window does not shrink in a recovery, because
    /// what is reported behind a gap stays in the buffer while new data leaves (Linux: `tcp_sndbuf_expand`).
    pub(crate) fn windows_buffered(&self) -> u32 {
        if self.congestion.has_model() { 3 } else { 2 }
    }

    /// The same while the load is lent.
    fn window_in(&self, phase: &Phase) -> u32 {
        phase.prr().map_or_else(|| self.congestion.cwnd_bytes(), prr::Prr::window_bytes)
    }

    /// Where recovery stands.
    pub(crate) fn phase(&self) -> RecoveryPhase {
        let Some(load) = &self.load else { return RecoveryPhase::Open };
        match load.phase {
            Phase::Cwr { .. } => RecoveryPhase::Cwr,
            Phase::Recovery { .. } => RecoveryPhase::Recovery,
            Phase::Loss { .. } => RecoveryPhase::Loss,
            Phase::Open if load.flight.sacked_bytes() > 0 || load.duplicates.count() > 0 => {
                RecoveryPhase::Disorder
            }
            Phase::Open => RecoveryPhase::Open,
        }
    }

    /// Reported beyond what is acknowledged, counted as lost (sent again or not), sent again and in flight: all in
    /// bytes.
    pub(crate) fn scoreboard(&self) -> (u32, u32, u32) {
        self.load.as_ref().map_or((0, 0, 0), |load| {
            let sacked = load.flight.sacked_bytes() + load.duplicates.bytes();
            let resent = load.flight.resent_bytes();
            (sacked, load.flight.lost_bytes() + resent, resent)
        })
    }

    /// Something sent earlier arrived later.
    fn see_reordering(&mut self, lent: &mut Lent<'_>) {
        if !core::mem::replace(&mut self.reordering.seen, true) {
            lent.tracer.note(|| Trace::Reordering);
        }
    }

    /// The path was seen to reorder.
    pub(crate) fn has_seen_reordering(&self) -> bool {
        self.reordering.seen
    }

    /// The latest measured delivery rate.
    pub(crate) fn delivery_rate(&self) -> Option<rate::RateSample> {
        let kept = || self.congestion.model().map(|model| model.counters());
        self.load.as_ref().map(|load| load.flight.rate).or_else(kept)?.latest()
    }

    /// Something waits to be sent (again): [`Sender::next`] is worth asking.
    pub(crate) fn wants_to_send(&self) -> bool {
        let again = self.load.as_ref().is_some_and(|load| load.flight.lost_bytes() > 0 || load.tail.is_owed);
        again || self.owes_fin() || self.owes_window_probe() || self.stream_end().after(self.nxt)
    }

    /// The text of a plan: the bytes `from..to` of the stream, the FIN included if `to` reaches over it.
    pub(crate) fn text(&mut self, from: Seq, to: Seq) -> (Flags, Payload) {
        let end = self.stream_end();
        let text_end = to.earliest(end);
        let offset = from.offset_from(self.text_start()).max(0) as usize;
        let len = text_end.offset_from(from).max(0).cast_unsigned();
        let payload = self.queue.range(offset, len as usize);
        let mut flags = Flags::ACK;
        if to.after(end) {
            flags |= Flags::FIN;
            self.marks.put(Fact::FinSent);
        }
        if len > 0 && text_end == end {
            // RFC 9293 §3.9.1.2, MUST-61: nothing more is queued behind this.
            flags |= Flags::PSH;
        }
        (flags, payload)
    }

    /// Whether the peer has taken its share since this was asked last: of a queue of text 1/64 of what there was when it
    /// was asked first, and at least `least_bytes`. Yes, when it is asked for the first time.
    pub(crate) fn has_progressed(&mut self, least_bytes: usize) -> bool {
        self.queue.has_progressed(least_bytes)
    }

    /// Whether the answer of [`Sender::has_progressed`] would be yes for text that still waits; asking changes nothing.
    pub(crate) fn has_taken_share(&self) -> bool {
        self.queue.has_passed_goal()
    }

    /// Memory that the send half takes besides itself.
    #[inline]
    pub(crate) fn held_bytes(&self) -> usize {
        self.queue.held_bytes() + self.load.as_ref().map_or(0, |load| load.held_bytes())
    }

    /// A write found the buffer full.
    pub(crate) fn wait_for_room(&mut self, now: Instant) {
        self.marks.put(Fact::WriterWaits);
        self.note_limit_of_buffer(now);
    }

    /// The buffer takes more.
    pub(crate) fn on_room(&mut self, now: Instant) {
        self.marks.set(Fact::WriterWaits, false);
        if self.unsent_bytes() == 0 {
            self.busy.turn_to(now, if self.una == self.nxt { Doing::Nothing } else { Doing::Sending });
        }
    }

    /// All is sent, and only a larger buffer would let more be sent.
    fn note_limit_of_buffer(&mut self, now: Instant) {
        if self.writer_waits() && self.una != self.nxt && self.unsent_bytes() == 0 {
            self.busy.turn_to(now, Doing::WaitingForBuffer);
        }
    }

    fn trace_congestion(&self, phase: &Phase, lent: &mut Lent<'_>) {
        lent.tracer.note(|| Trace::Congestion {
            cwnd_bytes: self.window_in(phase),
            ssthresh_bytes: self.congestion.ssthresh_bytes(),
            growth: self.congestion.explain(),
        });
    }
}

#[cfg(test)]
mod tests;
