//! TIME-WAIT: what is left of a connection while its last segments die out (RFC 9293 §3.6.1).
//!
//! A few numbers are enough to answer a retransmitted FIN, to ignore strays (RFC 1337), and to let a
//! newer connection between the same ports begin (RFC 6191). [`TimeWait`] is that, small enough for
//! a host to keep many; a [`crate::Connection`] in TIME-WAIT asks the same rules.

use crate::allowance::Spent;
use crate::receiver::touches;
use crate::segment::{Transmit, sequence_length};
use crate::state::{Cause, State, lookup};
use crate::{Config, Habits, Instant, Refusal, SendReason};
use wire::tcp::{Flags, Header, Options, Timestamps};
use wire::{Payload, Seq};

/// A connection in TIME-WAIT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeWait {
    pub(crate) snd_nxt: Seq,
    pub(crate) rcv_nxt: Seq,
    /// The window field of our acknowledgments, scaled already.
    pub(crate) window: u16,
    /// The shift of that field.
    pub(crate) shift: u8,
    /// Empty segments answered.
    pub(crate) spent: Spent,
    /// TS.Recent and our clock's offset, if timestamps were agreed upon.
    pub(crate) timestamps: Option<(u32, u32)>,
    pub(crate) due: Instant,
}

/// What becomes of a segment that arrives in TIME-WAIT.
///
/// There are no others: a host has to act on each.
#[derive(Clone, Debug)]
pub enum TimeWaitVerdict {
    /// Nothing.
    Ignore(Refusal),
    /// Send this acknowledgment; the ports are left for the host to fill in.
    Reply(Transmit),
    /// A newer connection begins (RFC 6191 §2): forget this one, hand the SYN to the listener, and
    /// choose an ISS at or after this.
    Reopen {
        /// Larger than anything the old connection sent (RFC 9293 §3.6.1, MAY-2).
        iss_at_least: Seq,
    },
    /// A reset ended it.
    Closed,
}

impl TimeWait {
    /// When 2 MSL are over.
    pub fn due(&self) -> Instant {
        self.due
    }

    /// A segment arrives (RFC 9293 §3.10.7.4, TIME-WAIT).
    pub fn handle_segment(
        &mut self,
        now: Instant,
        header: &Header,
        text_bytes: u32,
        config: &Config,
    ) -> TimeWaitVerdict {
        let flags = header.flags;
        if flags.rst() {
            if config.time_wait_ignores_rst {
                return TimeWaitVerdict::Ignore(Refusal::ResetInTimeWait);
            }
            let exact = header.seq == self.rcv_nxt && lookup(State::TimeWait, Cause::Rst).is_some();
            return if exact {
                TimeWaitVerdict::Closed
            } else {
                TimeWaitVerdict::Ignore(Refusal::InexactReset)
            };
        }
        if flags.syn() && !flags.ack() && self.is_newer(header) {
            return TimeWaitVerdict::Reopen { iss_at_least: self.snd_nxt + 65_535 + 2 };
        }
        let len = sequence_length(header, text_bytes);
        if self.expects(header, len, config.habits) {
            let why = if flags.ack() { Refusal::OutOfWindow } else { Refusal::NoAck };
            return TimeWaitVerdict::Ignore(why);
        }
        // Only the peer's own FIN again, whose acknowledgment was lost, restarts the 2 MSL.
        if flags.fin() && header.seq + len == self.rcv_nxt {
            self.due = now + config.time_wait;
        }
        // An empty segment may be the other half of a loop of acknowledgments.
        if len == 0 && !self.spent.take(now, config.challenge_acks) {
            return TimeWaitVerdict::Ignore(Refusal::OutOfWindow);
        }
        let why = if flags.fin() { SendReason::FinAck } else { SendReason::OutOfWindowAck };
        TimeWaitVerdict::Reply(self.acknowledge(now, why))
    }

    /// What is passed over in silence: an acknowledgment of what we acknowledged, and what has no ACK. The
    /// RFC looks at the window first; Linux knows no silence but to the exact number, FreeBSD wants the
    /// exact acknowledgment, too.
    fn expects(&self, header: &Header, len: u32, habits: Habits) -> bool {
        let (flags, exact) = (header.flags, len == 0 && header.seq == self.rcv_nxt);
        match habits {
            Habits::Rfc => {
                let in_window = self.is_in_window(header.seq, len) && !flags.syn();
                in_window && (len == 0 || !flags.ack())
            }
            Habits::Linux => exact,
            Habits::FreeBsd => !flags.ack() || (exact && header.ack == self.snd_nxt),
        }
    }

    /// The first check of §3.10.7.4: does it begin or end in what is left of the window?
    fn is_in_window(&self, seq: Seq, len: u32) -> bool {
        let wnd = u32::from(self.window) << self.shift;
        // A peer that has filled the window stands on its right edge: see `receiver/window.rs`.
        touches(seq, len.max(1), self.rcv_nxt, wnd) || (len == 0 && seq == self.rcv_nxt + wnd)
    }

    /// RFC 6191 §2 and RFC 9293 §3.6.1 (MAY-2): a SYN that cannot be a leftover.
    fn is_newer(&self, syn: &Header) -> bool {
        match (self.timestamps, syn.options.timestamps) {
            (Some((recent, _)), Some(Timestamps { value, .. })) if value != recent => {
                Seq::new(value).after(Seq::new(recent))
            }
            _ => syn.seq.after(self.rcv_nxt),
        }
    }

    fn acknowledge(&self, now: Instant, why: SendReason) -> Transmit {
        let timestamps = self.timestamps.map(|(recent, offset)| Timestamps {
            value: (now.as_millis() as u32).wrapping_add(offset),
            echo: recent,
        });
        Transmit {
            header: Header {
                seq: self.snd_nxt,
                ack: self.rcv_nxt,
                flags: Flags::ACK,
                window: self.window,
                options: Options { timestamps, ..Options::default() },
                ..Header::default()
            },
            payload: Payload::new(),
            segment_bytes: 0,
            why,
        }
    }
}
