//! What follows from a connection's variables, for the rooms that need it: sizes, positions, time-outs.

use crate::connection::Connection;
use crate::receiver::ReceiveBuffer;
use crate::recovery::rtt::{RtoBounds, micros};
use crate::timers::Timer;
use crate::trace::Trace;
use crate::variables::Timed;
use crate::{Instant, SendReason};
use wire::Seq;

impl Connection {
    /// Something is sent again: it is not timed any more (Karn), only its echo counts.
    pub(crate) fn on_resent(&mut self, now: Instant, segments: u32, bytes: u32) {
        self.timed = Timed::NOTHING;
        self.timestamps.resent = self.timestamp_clock(now);
        self.counters.retransmissions = self.counters.retransmissions.wrapping_add(segments);
        self.counters.bytes_retransmitted += u64::from(bytes);
    }

    pub(crate) fn arm(&mut self, timer: Timer, due: Instant) {
        self.timers.set(timer, due);
        self.trace(|| Trace::TimerArmed { timer, due });
    }

    pub(crate) fn rto_bounds(&self) -> RtoBounds {
        let min_us = micros(self.config.rto_min);
        let max_us = micros(self.config.rto_max).max(min_us);
        let (slop_us, variance_min_us) = (micros(self.config.rto_slop), micros(self.config.rto_variance_min));
        RtoBounds { min_us, max_us, variance_min_us, slop_us }
    }

    #[inline(never)]
    pub(crate) fn rto_us(&self) -> u32 {
        self.rtt.rto_us(self.rto_bounds())
    }

    /// What the receive half has to know of its buffer.
    pub(crate) fn receive_buffer(&self) -> ReceiveBuffer {
        ReceiveBuffer::new(&self.config, self.sizes, self.state())
    }

    /// Measures anew how large segments may be: after a change of path, options or the peer's word.
    pub(crate) fn measure(&mut self) {
        self.sizes.measure(self.path, &self.config);
    }

    /// Text bytes of a full-sized segment: SMSS with the standing options taken off.
    pub(crate) fn mss(&self) -> u32 {
        self.sizes.text_bytes(&self.timestamps)
    }

    /// RFC 6928 §2, in bytes: so many segments, but no more than as many of Ethernet's size, nor less
    /// than two.
    pub(crate) fn initial_window(&self) -> u32 {
        const ETHERNET_MSS_BYTES: u32 = 1_460;
        let (segments, mss) = (u32::from(self.config.initial_window_segments.max(1)), self.mss());
        (segments * mss).min((2 * mss).max(segments * ETHERNET_MSS_BYTES))
    }

    /// One past the last byte the application has written; where the FIN goes or went.
    pub(crate) fn stream_end(&self) -> Seq {
        self.snd.fin.unwrap_or(self.text_start() + self.send_queue.len() as u32)
    }

    /// Where the record ends in which `from` lies, if its end is noted.
    pub(crate) fn record_end(&self, from: Seq) -> Option<Seq> {
        let start = self.text_start();
        let offset = from.offset_from(start).max(0) as usize;
        self.send_queue.record_end(offset).map(|end| start + end as u32)
    }

    /// The sequence number of the first byte in the send queue.
    pub(crate) fn text_start(&self) -> Seq {
        if self.syn_unacked() { self.snd.iss + 1 } else { self.snd.una }
    }

    /// The SYN or SYN-ACK is sent and not acknowledged.
    pub(crate) fn syn_unacked(&self) -> bool {
        !self.marks.syn_acked
    }

    /// Our FIN is acknowledged.
    pub(crate) fn fin_acked(&self) -> bool {
        self.snd.fin.is_some_and(|fin| self.snd.una.after(fin))
    }

    /// Bytes that are in the network as far as we know.
    pub(crate) fn in_flight(&self) -> u32 {
        match self.recovery.resend {
            // After a timeout everything not sent again counts as gone.
            Some(resend) if resend.why == SendReason::Timeout => {
                resend.next.latest(self.snd.una).bytes_since(self.snd.una)
            }
            _ => self.snd.nxt.bytes_since(self.snd.una),
        }
    }
}
