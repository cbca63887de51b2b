//! Duplicate acknowledgments of a peer without SACK: each stands for a segment that arrived out of order
//! (RFC 5681 §3.2, RFC 6582, RFC 3042).
//!
//! Once counted they are used as SACK would be: they take bytes out of flight, which lets new data go (limited
//! transmit) and feeds the reduction. They never stand for more than is outstanding, so that a peer that makes
//! them up gains nothing (RFC 5681 §5).

/// Duplicate acknowledgments that make a loss (RFC 5681 §3.2).
const FOR_LOSS: u16 = 3;

/// Duplicate acknowledgments since SND.UNA last moved.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Duplicates {
    count: u16,
    /// What they stand for.
    bytes: u32,
}

impl Duplicates {
    /// Another one, while so much is outstanding.
    pub(crate) fn on_duplicate(&mut self, mss: u32, outstanding_bytes: u32) {
        self.count = self.count.saturating_add(1);
        // The first segment has not arrived, or it would be acknowledged.
        self.bytes = (self.bytes + mss).min(outstanding_bytes.saturating_sub(mss));
    }

    /// The last one is the one that makes a loss.
    pub(crate) fn is_loss(&self) -> bool {
        self.count == FOR_LOSS
    }

    /// SND.UNA moved: what they stood for is acknowledged now, behind the segment that was missing. Returns how
    /// much of it had been counted as delivered before.
    pub(crate) fn on_advance(&mut self, advanced_bytes: u32, mss: u32) -> u32 {
        let counted = self.bytes.min(advanced_bytes.saturating_sub(mss));
        self.bytes -= counted;
        self.count = 0;
        counted
    }

    /// Without a recovery under way only the first two let new data go (RFC 3042 §2).
    pub(crate) fn limit_to(&mut self, bytes: u32) {
        self.bytes = self.bytes.min(bytes);
    }

    /// How many bytes have left the network.
    pub(crate) fn bytes(&self) -> u32 {
        self.bytes
    }

    pub(crate) fn count(&self) -> u16 {
        self.count
    }

    pub(crate) fn clear(&mut self) {
        *self = Duplicates::default();
    }
}

#[cfg(test)]
mod tests;
