//! What becomes of a segment, or of its text, that a step of `receive.rs` does not take.
//!
//! Apart from the steps because it is rare: the code of a busy connection stays together.

use crate::connection::Connection;
use crate::handshake::Opening;
use crate::refusal::{Refused, Reply};
use crate::segment::{Error, Segment};
use crate::state::{Cause, State};
use crate::{Instant, Refusal, SendReason};
use wire::Seq;

impl Connection {
    #[cold]
    pub(crate) fn reply(&mut self, now: Instant, refused: Refused) {
        self.counters.refused = self.counters.refused.wrapping_add(1);
        match refused.reply {
            None => {}
            Some(Reply::Reset { seq }) => self.owe_reset_reply(seq),
            Some(Reply::SynAck) => self.handshake.owed = Some(Opening::Asked),
            Some(Reply::Ack(why))
                if self.receiver.acks.suspicious.take(now, self.config.challenge_acks, why) =>
            {
                self.receiver.acks.owe(why);
            }
            Some(Reply::Ack(_)) => {}
        }
    }

    /// What is outside the window is answered, but not always, and with a closed window still heard.
    #[cold]
    pub(crate) fn refuse_sequence(
        &mut self,
        now: Instant,
        segment: &Segment,
        edge: Seq,
    ) -> Result<bool, Refused> {
        let (seq, len) = (segment.header.seq, segment.len_in_sequence_space());
        let nxt = self.receiver.nxt();
        if !edge.after(nxt) && seq == nxt {
            if segment.header.flags.ack() && !segment.header.flags.rst() {
                self.receiver.acks.owe(SendReason::ProbeAck);
            }
            return Ok(false);
        }
        if segment.header.flags.rst() {
            return Err(Refused::silently(Refusal::OutOfWindow));
        }
        self.receiver.report_duplicate(seq, segment.text_bytes(), &self.config);
        if segment.text_bytes() > 0
            && let Some(ecn) = &mut self.ecn
        {
            ecn.reflector.on_repeated_text();
        }
        let habits = self.config.habits;
        let text_ahead = segment.text_bytes() > 0 && seq.after(nxt);
        if self.is_orphaned() && text_ahead && habits.text_after_close_resets_anywhere() {
            return self.refuse_text_after_close(now, segment.header.ack);
        }
        if segment.header.flags.syn() {
            // RFC 5961 §4.2: whatever its number.
            return Err(Refused::with_ack(Refusal::UnexpectedSyn, SendReason::ChallengeAck));
        }
        if self.is_old_with_news(segment) {
            let fin_acked = self.fifth_check_ack(now, segment)?;
            self.eighth_check_fin(now, fin_acked, false);
            if self.state() == State::Closed {
                return Err(Refused::silently(Refusal::OutOfWindow));
            }
        }
        let before = seq + len == nxt || seq + 1 == nxt;
        let why = if before && len <= 1 { SendReason::ProbeAck } else { SendReason::OutOfWindowAck };
        // Text and FIN must be answered, or a peer whose acknowledgment was lost never stops; what
        // carries nothing could be the other half of a loop of acknowledgments.
        if len > 0 {
            self.receiver.acks.owe(why);
            return Err(Refused::silently(Refusal::OutOfWindow));
        }
        Err(Refused::with_ack(Refusal::OutOfWindow, why))
    }

    /// Whether a segment that lies before what is expected acknowledges something that nothing else has yet.
    ///
    /// RFC 9293 §3.10.7.4 drops it unheard. But each of two ends may stand before what the other expects, after each has
    /// probed the other's closed window (draft-gont-tcpm-tcp-seq-validation); then neither would hear the other ever
    /// again. And an acknowledgment that was lost with the text which carried it would wait for the peer's next
    /// word. FreeBSD drops the text and hears the rest, Linux does if the text was not acknowledged yet. What
    /// is further back than the largest window is not under way any more, and the acknowledgment number is proven as
    /// always (RFC 5961 §5).
    fn is_old_with_news(&self, segment: &Segment) -> bool {
        let (header, len) = (&segment.header, segment.len_in_sequence_space());
        let back = self.receiver.nxt().bytes_since(header.seq);
        header.flags.ack()
            && self.state().is_synchronized()
            && len <= back
            && back <= u32::from(u16::MAX) << self.receiver.shift()
            && header.ack.after(self.sender.una)
            && header.ack.at_or_before(self.sender.nxt)
    }

    #[cold]
    pub(crate) fn refuse_syn(&mut self, now: Instant) -> Result<(), Refused> {
        if self.is_half_open() {
            self.take(now, Cause::SynToPassiveOpen);
            return Err(Refused::silently(Refusal::UnexpectedSyn));
        }
        Err(Refused::with_ack(Refusal::UnexpectedSyn, SendReason::ChallengeAck))
    }

    /// New text, and nobody to read it (§3.6.1): answered as §3.10.7.1 answers what belongs to no
    /// connection, `<SEQ=SEG.ACK><CTL=RST>`.
    #[cold]
    pub(crate) fn refuse_text_after_close(&mut self, now: Instant, ack: Seq) -> Result<bool, Refused> {
        self.owe_reset_reply(ack);
        self.fail(now, Cause::DataAfterClose, Error::Aborted);
        Err(Refused::silently(Refusal::TextAfterClose))
    }
}
