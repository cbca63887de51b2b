//! What an acceptable acknowledgment does to the connection: its send half hears of it, and whoever waits.
//!
//! RFC 9293 §3.10.7.4 (fifth step). What it says of the flight is `sender/acked.rs`'s to know.

use crate::Instant;
use crate::connection::Connection;
use crate::handshake::Stage;
use crate::segment::{Event, Segment};
use crate::sender::{Ack, Echo, WindowUpdate};
use crate::timers::Timer;
use wire::Seq;

impl Connection {
    /// SND.UNA - MAX.SND.WND =< SEG.ACK =< SND.NXT holds.
    pub(crate) fn on_acknowledgment(&mut self, now: Instant, segment: &Segment) {
        let header = &segment.header;
        let shift = if header.flags.syn() { 0 } else { self.sender.shift };
        let window_bytes = u32::from(header.window) << shift;
        if header.ack.before(self.sender.una) {
            return;
        }
        let stamps = header.options.timestamps.filter(|_| self.timestamps.agreed());
        let echo = if self.ecn.is_some() { self.echo_in(segment) } else { None };
        let ack = Ack {
            ack: header.ack,
            blocks: header.options.sack.as_slice(),
            echo_ms: stamps.map(|stamps| stamps.echo.wrapping_sub(self.timestamps.offset)),
            is_plain: segment.len_in_sequence_space() == 0 && window_bytes == self.sender.wnd,
            echo: echo.as_ref(),
        };
        let syn_was_unacked = !self.sender.syn_acked();
        let (sender, mut lent) = self.sending(now);
        let advanced_bytes = sender.on_ack(&ack, &mut lent);
        sender.update_window(WindowUpdate { seq: header.seq, ack: header.ack, window_bytes }, &mut lent);
        if advanced_bytes > 0 {
            if syn_was_unacked {
                self.measure_handshake(now, ack.echo_ms);
                if self.fast_opening.is_some() {
                    self.hear_fast_open_reply(header);
                }
            }
            self.on_advance(now);
        }
    }

    /// What a segment says of marks. The flags of a SYN say something else.
    #[inline(never)]
    fn echo_in(&self, segment: &Segment) -> Option<Echo> {
        let header = &segment.header;
        if header.flags.syn() || self.ecn.as_ref().is_none_or(|ecn| ecn.reads_syn_ack) {
            return None;
        }
        let stamps = header.options.timestamps.filter(|_| self.timestamps.agreed());
        let newer =
            stamps.is_some_and(|stamps| Seq::new(stamps.value).after(Seq::new(self.timestamps.recent)));
        Some(Echo {
            flags: header.flags,
            option: header.options.accurate_ecn,
            is_newer: newer,
            is_first: !self.sender.syn_acked(),
            is_bare: segment.len_in_sequence_space() == 0 && header.options.sack.is_empty(),
        })
    }

    fn on_advance(&mut self, now: Instant) {
        // The path works: what ICMP said of it is past.
        self.soft_error = None;
        if let Some(mtu_bytes) = self.sender.take_path_news() {
            self.take_path_news(mtu_bytes);
        }
        if self.sender.has_waiting() {
            self.restart_user_timer(now);
        } else {
            self.timers.stop(Timer::User);
        }
        if self.is_orphaned() {
            self.reward_orphan(now);
        }
        if self.sender.writer_waits() && self.write_room() > 0 {
            self.sender.on_room(now);
            self.events.raise(Event::Writable);
        }
    }

    /// The round trip of the SYN, or of the SYN-ACK: what is acknowledged at the very moment in which it was sent
    /// was not sent then, but restored from a cookie.
    fn measure_handshake(&mut self, now: Instant, echo_ms: Option<u32>) {
        let sent_at = self.take_sending_of_syn();
        let micros = match sent_at {
            // What came long after its SYN-ACK was put off says nothing of the path.
            _ if self.handshake.marks.has(Stage::Deferred) => None,
            Some(sent_at) if sent_at == now => return,
            Some(sent_at) => {
                self.sender.rtt.on_shortest(now, now.nanos_since(sent_at));
                Some(now.micros_since(sent_at))
            }
            None => echo_ms.and_then(|echo| self.sender.micros_since_echoed(now, echo)),
        };
        let (sender, mut lent) = self.sending(now);
        if let Some(micros) = micros {
            sender.take_rtt(micros, &mut lent);
        }
        lent.timers.stop(Timer::Retransmit);
        sender.arm(&mut lent);
    }
}
