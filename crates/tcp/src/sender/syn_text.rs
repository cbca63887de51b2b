//! Text that leaves with the SYN (RFC 7413 §4.2.2).
//!
//! It is not in the flight: whether it arrived is said once, by the answer to the SYN, and what that does not
//! acknowledge goes again as if it had never left, without a loss, a reduction or a back-off.

use crate::sender::Sender;
use wire::Payload;

impl Sender {
    /// Takes what is queued for the SYN, at most `most_bytes`, and moves SND.NXT behind it.
    pub(crate) fn take_syn_text(&mut self, most_bytes: u32) -> Payload {
        let start = self.iss + 1;
        let queued = self.written.bytes_since(start);
        let record = self.record_end(start).map_or(queued, |end| end.bytes_since(start));
        let len = queued.min(record).min(most_bytes);
        self.nxt = start + len;
        self.queue.first(len as usize)
    }

    /// The SYN is acknowledged up to SND.UNA: the rest of its text has not left.
    pub(crate) fn take_back_syn_text(&mut self) {
        if self.nxt.after(self.una) {
            self.sent.count_again(self.una, self.nxt, 1);
            self.nxt = self.una;
        }
    }
}
