//! A segment arrives in SYN-SENT (RFC 9293 §3.10.7.3).

use crate::connection::Connection;
use crate::refusal::{Refused, Reply};
use crate::segment::{Error, Segment};
use crate::state::Cause;
use crate::timers::Timer;
use crate::{Instant, Refusal};
use wire::tcp::Header;

impl Connection {
    #[inline(never)]
    pub(crate) fn arrives_in_syn_sent(&mut self, now: Instant, segment: &mut Segment) -> Result<(), Refused> {
        let Header { ack, flags, .. } = segment.header;
        // First, check the ACK bit.
        if flags.ack() && !(ack.after(self.sender.iss) && ack.at_or_before(self.sender.nxt)) {
            if !flags.rst() || self.config.habits.reset_hurries_syn_too() {
                self.hurry_syn(now);
            }
            let reply = (!flags.rst()).then_some(Reply::Reset { seq: ack });
            return Err(Refused { why: Refusal::AckOfUnsent, reply });
        }
        // Second, check the RST bit: only one that proves it saw our SYN is believed.
        if flags.rst() {
            if !flags.ack() {
                return Err(Refused::silently(Refusal::UnprovenReset));
            }
            self.fail(now, Cause::Rst, Error::Refused);
            return Ok(());
        }
        // Third, security: see receive.rs. Fourth, check the SYN bit.
        if !flags.syn() {
            return Err(Refused::silently(Refusal::NoSyn));
        }
        self.synchronize(now, segment);
        if !flags.ack() {
            self.hear_ecn_of_syn(segment);
            // Both ends open at once (§3.5, figure 7).
            self.timers.stop(Timer::Retransmit);
            self.take(now, Cause::Syn);
            self.keep_what_came_with_syn(segment);
            return Ok(());
        }
        self.hear_ecn_of_syn_ack(now, segment);
        self.take(now, Cause::SynAck);
        self.on_acknowledgment(now, segment);
        // Other controls and text continue at the sixth step of §3.10.7.4.
        segment.header.seq += 1;
        self.sixth_check_urgent(segment);
        let fin_taken = self.seventh_take_text(now, segment)?;
        self.eighth_check_fin(now, false, fin_taken);
        Ok(())
    }

    /// The peer had another connection in mind: our SYN need not wait for its timer, the first time.
    fn hurry_syn(&mut self, now: Instant) {
        if let Some(soon) = self.config.habits.reset_in_syn_sent_hurries_syn()
            && self.sender.attempts == 0
        {
            self.arm(Timer::Retransmit, now + soon);
        }
    }
}
