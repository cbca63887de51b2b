//! What a sender waited for: its application, the network, or the receiver's window.
//!
//! The time between two texts of a direction is split at the moment when everything was
//! acknowledged: after it the application had nothing to send; before it the sender waited for
//! acknowledgments, because of the window where that was (nearly) full and because of the network
//! where not.

use crate::nanos::Nanos;

/// Time by what limited the sender, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct LimitedTime {
    /// Everything sent was acknowledged: the application had nothing to send.
    pub application_ns: u64,
    /// Data was in flight and the window had room: the congestion window or the path.
    pub network_ns: u64,
    /// The receiver's window was full.
    pub receiver_ns: u64,
}

impl LimitedTime {
    /// All of it.
    pub fn total_ns(&self) -> u64 {
        self.application_ns.saturating_add(self.network_ns).saturating_add(self.receiver_ns)
    }
}

/// The clock of one direction.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Limits {
    pub(crate) time: LimitedTime,
    last_text: Option<Nanos>,
    emptied: Option<Nanos>,
    window_was_full: bool,
}

/// What a text met, and left.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TextSent {
    pub(crate) now_ns: u64,
    pub(crate) in_flight_bytes: u32,
    pub(crate) window_bytes: u32,
    pub(crate) largest_text_bytes: u32,
    /// It was sent before: what it waited for is a sign of its loss, not of a window.
    pub(crate) is_again: bool,
}

impl Limits {
    #[inline]
    pub(crate) fn on_text(&mut self, sent: TextSent) {
        if let Some(last_ns) = self.last_text.map(Nanos::ns) {
            let emptied_ns = self.emptied.map_or(sent.now_ns, Nanos::ns);
            let emptied_ns = emptied_ns.clamp(last_ns, sent.now_ns.max(last_ns));
            let waited_ns = emptied_ns - last_ns;
            let time = &mut self.time;
            let is_by_window = self.window_was_full && (!sent.is_again || sent.window_bytes == 0);
            let waited = if is_by_window { &mut time.receiver_ns } else { &mut time.network_ns };
            *waited = waited.saturating_add(waited_ns);
            time.application_ns = time.application_ns.saturating_add(sent.now_ns.saturating_sub(emptied_ns));
        }
        self.last_text = Some(Nanos::of(sent.now_ns));
        self.emptied = None;
        self.window_was_full =
            sent.in_flight_bytes.saturating_add(sent.largest_text_bytes) > sent.window_bytes;
    }

    /// Everything is acknowledged. A window that closes with the last byte keeps back what may follow, until it opens.
    #[inline]
    pub(crate) fn on_emptied(&mut self, now_ns: u64, window_is_closed: bool) {
        if window_is_closed {
            self.window_was_full = true;
        } else {
            self.emptied.get_or_insert(Nanos::of(now_ns));
        }
    }
}
