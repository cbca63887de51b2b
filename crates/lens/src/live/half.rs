//! One half of a connection: what one end sends.

use crate::ends::End;
use crate::metrics::Traffic;
use crate::verdicts::{Remembered, Scale};
use crate::why::Sender;
use wire::Seq;

/// One end, and all that is remembered of what it sends.
#[derive(Debug, Default)]
pub(crate) struct Half {
    /// What the verdicts go by: its numbers, its window, what is in flight.
    pub(crate) judged: Remembered,
    /// Its state.
    pub(crate) end: End,
    /// What tells why it sends.
    pub(crate) sender: Sender,
    /// What is counted.
    pub(crate) traffic: Traffic,
}

impl Half {
    /// A value out of every line of memory, to have them all fetched at once.
    pub(super) fn warmth(&self) -> u64 {
        let judged = u64::from(self.judged.next_seq.unwrap_or_default().number())
            ^ self.judged.unacked.warmth()
            ^ self.judged.sack().len() as u64;
        let end = self.end.state() as u64 ^ u64::from(self.end.is_passive);
        judged ^ end ^ self.sender.warmth() ^ self.traffic.warmth()
    }

    /// Bytes that it has sent and `other` has not acknowledged, as far as captured.
    #[inline]
    pub(super) fn in_flight_bytes(&self, other: &Half) -> u32 {
        let numbers = self.judged.next_seq.zip(other.judged.last_ack);
        numbers.map_or(0, |(next, una)| next.offset_from(una).max(0).cast_unsigned())
    }

    /// The window that it offered last, in bytes.
    #[inline]
    pub(super) fn window_bytes(&self) -> u32 {
        self.judged.window_bytes(self.judged.window).0
    }

    /// The right edge of the window that it offered last, if it is known exactly.
    #[inline]
    pub(crate) fn window_edge(&self) -> Option<Seq> {
        let exact = !self.judged.window_is_of_syn && self.judged.scale != Scale::Unknown;
        self.judged.last_ack.filter(|_| exact).map(|last_ack| last_ack + self.window_bytes())
    }
}
