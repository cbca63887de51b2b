//! It was no loss after all: the signs by which an episode is undone (RFC 3522, RFC 3708, RFC 5682, RFC 4015).
//!
//! An [`Episode`] begins with a reduction of the congestion window and remembers the controller as it was. It is
//! undone when a timestamp shows that the original was late (Eifel), when every retransmission is reported as a
//! duplicate (D-SACK), or when a timeout turns out to have been early (F-RTO). A retransmission that was needed
//! ends the matter: networks duplicate packets, too.

use crate::congestion::Congestion;
use wire::Seq;
use wire::tcp::SackBlock;

/// Retransmissions that are remembered: an episode with more of them was hardly in vain.
const RESENT_MAX: usize = 32;

/// A reduction that may turn out to have been a mistake.
#[derive(Clone, Debug)]
pub(crate) struct Episode {
    /// The controller before it.
    pub(crate) before: Congestion,
    /// The first retransmission of the segment at SND.UNA: its first byte, and when it left in milliseconds.
    first: Option<(Seq, u32)>,
    first_is_answered: bool,
    /// What was sent again and is not reported as a duplicate.
    resent: alloc::vec::Vec<Resent>,
    /// Some retransmission was needed.
    is_needed: bool,
    /// Everything was acknowledged since, and new data left.
    is_late: bool,
}

#[derive(Clone, Copy, Debug)]
struct Resent {
    start: Seq,
    end: Seq,
    unreported_bytes: u32,
}

impl Episode {
    /// Memory that it takes.
    pub(crate) fn held_bytes(&self) -> usize {
        size_of::<Episode>() + self.resent.capacity() * size_of::<Resent>()
    }

    pub(crate) fn new(before: Congestion) -> Self {
        Episode {
            before,
            first: None,
            first_is_answered: false,
            resent: alloc::vec::Vec::new(),
            is_needed: false,
            is_late: false,
        }
    }

    /// `start..end` leaves again at `sent_ms`; `una` is SND.UNA.
    pub(crate) fn on_resent(&mut self, start: Seq, end: Seq, una: Seq, sent_ms: u32) {
        if start == una && self.first.is_none() {
            self.first = Some((start, sent_ms));
        }
        if self.resent.len() == RESENT_MAX {
            self.is_needed = true;
            return;
        }
        self.resent.push(Resent { start, end, unreported_bytes: end.bytes_since(start) });
    }

    /// Everything before `ack` is acknowledged by a segment that echoes something sent at `echo_ms`. Says whether
    /// the first retransmission was in vain (RFC 3522 §3.2).
    pub(crate) fn on_advance(&mut self, ack: Seq, echo_ms: Option<u32>) -> bool {
        let Some((_, sent_ms)) = self.first.filter(|(start, _)| ack.after(*start)) else { return false };
        if core::mem::replace(&mut self.first_is_answered, true) {
            return false;
        }
        let Some(echo) = echo_ms else { return false };
        let is_older = (echo.wrapping_sub(sent_ms) as i32) < 0;
        self.is_needed |= !is_older;
        is_older && !self.is_needed
    }

    /// The peer got `block` twice. Says whether every retransmission was in vain (RFC 3708 §2).
    pub(crate) fn on_duplicate(&mut self, block: SackBlock) -> bool {
        if self.is_needed || self.resent.is_empty() {
            return false;
        }
        for resent in &mut self.resent {
            let from = block.left.latest(resent.start);
            let to = block.right.earliest(resent.end);
            if from.before(to) {
                resent.unreported_bytes = resent.unreported_bytes.saturating_sub(to.bytes_since(from));
            }
        }
        self.resent.iter().all(|resent| resent.unreported_bytes == 0)
    }

    /// Everything is acknowledged: may a report of what was in vain still come? It follows within a round trip.
    pub(crate) fn awaits_report(&self) -> bool {
        !self.is_needed && !self.resent.is_empty() && !self.is_late
    }

    /// New data leaves after everything was acknowledged: when that is acknowledged, too, no report will come.
    pub(crate) fn on_next_flight(&mut self) {
        self.is_late = true;
    }

    /// Whether `block` names something that was sent again in this episode.
    pub(crate) fn has_resent(&self, block: SackBlock) -> bool {
        self.resent.iter().any(|resent| block.left.before(resent.end) && resent.start.before(block.right))
    }
}

#[cfg(test)]
mod tests;
