//! What is true of a send half or is not, in a byte. Who writes a fact is the room that it belongs to.

use crate::marks::Mark;
use crate::sender::Sender;

/// What is true of a send half or is not.
#[derive(Clone, Copy, Debug)]
#[repr(u8)]
pub(crate) enum Fact {
    /// Our SYN is acknowledged. The numbers do not tell for long: SND.UNA comes round to ISS again.
    SynAcked = 1,
    /// The application has no more data: a FIN follows the queue.
    FinQueued = 2,
    FinSent = 4,
    /// A write found the buffer full: tell when there is room.
    WriterWaits = 8,
    /// The override timer of §3.8.6.2.1 fired: send what there is.
    SendSmall = 16,
    /// A probe of the closed window has to go out.
    WindowProbeOwed = 32,
}

impl Mark for Fact {
    fn bit(self) -> u8 {
        self as u8
    }
}

impl Sender {
    /// Our SYN is acknowledged.
    #[inline]
    pub(crate) fn syn_acked(&self) -> bool {
        self.marks.has(Fact::SynAcked)
    }

    /// The application has no more data: a FIN follows the queue.
    #[inline]
    pub(crate) fn fin_queued(&self) -> bool {
        self.marks.has(Fact::FinQueued)
    }

    #[inline]
    pub(super) fn fin_sent(&self) -> bool {
        self.marks.has(Fact::FinSent)
    }

    /// A write found the buffer full.
    #[inline]
    pub(crate) fn writer_waits(&self) -> bool {
        self.marks.has(Fact::WriterWaits)
    }

    #[inline]
    pub(crate) fn owes_window_probe(&self) -> bool {
        self.marks.has(Fact::WindowProbeOwed)
    }
}
