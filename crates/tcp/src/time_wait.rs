//! TIME-WAIT: what is left of a connection while its last segments die out (RFC 9293 §3.6.1).
//!
//! A few numbers are enough to answer a retransmitted FIN, to ignore strays (RFC 1337), and to let a
//! newer connection between the same ports begin (RFC 6191). [`TimeWait`] is that, small enough for
//! a host to keep many; a [`crate::Connection`] in TIME-WAIT asks the same rules.
//!
//! One reset is no stray: a peer that has lost its state (it rebooted, and its new SYN is not newer by number or
//! timestamp) answers our answer to that SYN with the number that we acknowledged. Only the receiver of our acknowledgment
//! knows it, and a round trip later (RFC 5961 §3.2, §4.2; Linux believes it at any time). Without it such a
//! peer would be locked out until TIME-WAIT ends. All other resets are ignored.

use crate::allowance::Spent;
use crate::receiver::touches;
use crate::segment::{Transmit, sequence_length};
use crate::state::{Cause, State, lookup};
use crate::{Config, Habits, Instant, Refusal, SendReason};
use core::num::NonZeroU32;
use core::time::Duration;
use wire::ip::Ecn;
use wire::tcp::{Flags, Header, Options, Timestamps};
use wire::{Payload, Seq};

/// A connection in TIME-WAIT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeWait {
    pub(crate) snd_nxt: Seq,
    pub(crate) rcv_nxt: Seq,
    pub(crate) stamps: LastStamps,
    /// Until when the reset that answers our answer to a SYN is awaited, in milliseconds of the driver's clock, and one.
    pub(crate) reset_until_ms: Option<NonZeroU32>,
    pub(crate) due: Instant,
    /// The window field of our acknowledgments, scaled already.
    pub(crate) window: u16,
    /// RTO, as far as it fits.
    pub(crate) rto_ms: u16,
    /// The shift of the window field.
    pub(crate) shift: u8,
    /// Empty segments answered.
    pub(crate) spent: Spent,
    /// `stamps` were agreed upon.
    pub(crate) has_stamps: bool,
}

/// TS.Recent, and the offset of our clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LastStamps {
    pub(crate) recent: u32,
    pub(crate) offset: u32,
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
    /// A newer connection may begin (RFC 6191 §2): hand the SYN to the listener, and choose an ISS at or after this. This
    /// one is given up when the newer one opens, and not before (RFC 9293 §3.6.1); when nobody takes
    /// the SYN, [`TimeWait::refuse_syn`] answers it.
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
            return self.take_reset(now, header, config);
        }
        if flags.syn() && !flags.ack() && self.is_newer(header, config) {
            return TimeWaitVerdict::Reopen { iss_at_least: self.iss_at_least() };
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
        TimeWaitVerdict::Reply(match () {
            () if flags.syn() => self.refuse_syn(now),
            () if flags.fin() => self.acknowledge(now, SendReason::FinAck),
            () => self.acknowledge(now, SendReason::OutOfWindowAck),
        })
    }

    /// The acknowledgment that answers a SYN which nobody takes (RFC 5961 §4.2). For the time of one RTO the reset that
    /// answers it is believed.
    pub fn refuse_syn(&mut self, now: Instant) -> Transmit {
        let until = milliseconds(now + Duration::from_millis(self.rto_ms.into()));
        self.reset_until_ms = Some(until);
        self.acknowledge(now, SendReason::ChallengeAck)
    }

    /// The smallest initial sequence number with which a connection may follow: larger than anything this one sent
    /// (RFC 9293 §3.6.1, MAY-2).
    pub fn iss_at_least(&self) -> Seq {
        self.snd_nxt + 65_535 + 2
    }

    fn take_reset(&mut self, now: Instant, header: &Header, config: &Config) -> TimeWaitVerdict {
        let is_awaited = self.reset_until_ms.is_some_and(|until| is_before(milliseconds(now), until));
        if config.time_wait_ignores_rst && !is_awaited {
            return TimeWaitVerdict::Ignore(Refusal::ResetInTimeWait);
        }
        if header.seq == self.rcv_nxt && lookup(State::TimeWait, Cause::Rst).is_some() {
            return TimeWaitVerdict::Closed;
        }
        TimeWaitVerdict::Ignore(Refusal::InexactReset)
    }

    /// What is passed over in silence: the peer's last acknowledgment again, which could be the other half of a loop, and
    /// what has no ACK. The RFC looks at the window first; Linux knows no silence but to the exact number,
    /// FreeBSD wants the exact acknowledgment, too.
    fn expects(&self, header: &Header, len: u32, habits: Habits) -> bool {
        let (flags, exact) = (header.flags, len == 0 && header.seq == self.rcv_nxt);
        match habits {
            Habits::Rfc => {
                exact || !flags.intersects(Flags::ACK | Flags::SYN) && self.is_in_window(header.seq, len)
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

    /// RFC 6191 §2 and RFC 9293 §3.6.1 (MAY-2): a SYN that cannot be a leftover. Without timestamps on the old connection, one
    /// that has them is none: all that is left of the old has no such option.
    fn is_newer(&self, syn: &Header, config: &Config) -> bool {
        let recent = self.stamps.recent;
        match syn.options.timestamps {
            Some(Timestamps { value, .. }) if self.has_stamps && value != recent => {
                Seq::new(value).after(Seq::new(recent))
            }
            Some(_) if !self.has_stamps && config.timestamps => true,
            _ => syn.seq.after(self.rcv_nxt),
        }
    }

    fn acknowledge(&self, now: Instant, why: SendReason) -> Transmit {
        let LastStamps { recent, offset } = self.stamps;
        let timestamps = self
            .has_stamps
            .then(|| Timestamps { value: (now.as_millis() as u32).wrapping_add(offset), echo: recent });
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
            // RFC 3168 §6.1.4, and RFC 9768 §3.1.5: what belongs to no connection is not capable.
            ecn: Ecn::NotCapable,
            why,
        }
    }
}

/// Milliseconds on the driver's clock, never zero.
pub(crate) fn milliseconds(at: Instant) -> NonZeroU32 {
    NonZeroU32::MIN.saturating_add(at.as_millis() as u32)
}

/// Whether one time is at or before another that is at most days away.
fn is_before(at: NonZeroU32, until: NonZeroU32) -> bool {
    until.get().wrapping_sub(at.get()) <= u32::MAX / 2
}
