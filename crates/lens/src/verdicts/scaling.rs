//! The window scale of a direction: from the handshake, or inferred when that was not captured.
//!
//! RFC 7323 §2.2: both SYNs must carry the option, a SYN's own window is never scaled, and a shift
//! beyond 14 counts as 14.

/// What is known of the scale of one direction's windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum Scale {
    /// The handshake was not captured.
    #[default]
    Unknown,
    /// The handshake shows that windows are not scaled.
    NotUsed,
    /// Shift by this much, 14 at most.
    Shift(u8),
}

impl Scale {
    /// The scale that a Window Scale option announces.
    pub(crate) fn announced(shift: u8) -> Self {
        Scale::Shift(shift.min(14))
    }

    /// By how much a window field is shifted.
    pub(crate) fn shift(self) -> u8 {
        match self {
            Scale::Shift(shift) => shift,
            Scale::Unknown | Scale::NotUsed => 0,
        }
    }
}

/// The least shift with which the data that was in flight fits into the window that allowed it.
///
/// Used only where the handshake is missing, and marked as inferred. A sender never exceeds the
/// window, so `in flight > window << shift` proves that the shift is larger.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct InferredScale {
    shift: u8,
}

impl InferredScale {
    /// `in_flight_bytes` were sent into a window whose field reads `window`.
    #[inline]
    pub(crate) fn on_sent(&mut self, in_flight_bytes: u32, window: u16) {
        if window == 0 {
            return; // a probe into a closed window proves nothing
        }
        while self.shift < 14 && u64::from(in_flight_bytes) > u64::from(window) << self.shift {
            self.shift += 1;
        }
    }

    /// The least shift that explains what was seen.
    pub(crate) fn shift(self) -> u8 {
        self.shift
    }
}
