//! Keep-alives of one end, and what they got.

use crate::Frame;
use crate::live::Seen;

/// Keep-alives (RFC 9293 §3.8.4) of one end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct KeepAlives {
    /// All of them.
    pub sent: Seen,
    /// How many the other end answered.
    pub answered: u32,
    /// The last ones, since it was heard of: unanswered.
    pub unanswered: Seen,
    /// When the first of these was sent, in nanoseconds; 0 for none.
    pub unanswered_since_ns: u64,
    /// When the last of these was sent, in nanoseconds; 0 for none.
    pub unanswered_last_ns: u64,
}

impl KeepAlives {
    pub(super) fn on_probe(&mut self, frame: Frame, now_ns: u64) {
        self.sent.note(frame);
        if self.unanswered.count == 0 {
            self.unanswered_since_ns = now_ns;
        }
        self.unanswered.note(frame);
        self.unanswered_last_ns = now_ns;
    }

    /// The other end was heard of.
    pub(super) fn on_answer(&mut self) {
        self.answered += u32::from(self.unanswered.count > 0);
        self.unanswered = Seen::default();
        (self.unanswered_since_ns, self.unanswered_last_ns) = (0, 0);
    }
}
