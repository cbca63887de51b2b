//! What an end offers in its SYNs.

use crate::{Segment, Whole};

/// What one end said of itself in its SYN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Offered {
    /// A SYN of this end was captured, with all of its options.
    pub syn_captured: bool,
    /// Maximum Segment Size in bytes.
    pub mss: Option<u16>,
    /// Window scale.
    pub window_scale: Option<u8>,
    /// SACK permitted.
    pub sack: bool,
    /// Timestamps.
    pub timestamps: bool,
}

impl Offered {
    /// A SYN, or another: one that is sent again may leave options away that were offered before, and which of the two
    /// was answered is not seen.
    pub(super) fn on_syn(&mut self, segment: &Segment) {
        let options = &segment.options;
        self.syn_captured |= segment.whole == Whole::Yes;
        self.mss = options.mss.or(self.mss);
        self.window_scale = options.window_scale.or(self.window_scale);
        self.sack |= options.sack_permitted;
        self.timestamps |= options.timestamps.is_some();
    }
}
