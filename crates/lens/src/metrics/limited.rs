//! What a sender waited for: its application, itself, the network, or the receiver's window.
//!
//! The time between two texts of a direction is split at the moment when everything was
//! acknowledged: after it the application had nothing to send; before it the sender waited for
//! acknowledgments, because of the window where that was (nearly) full, because of itself where
//! `own.rs` can show it, and because of the network where not.

pub use super::own::OwnLimit;
use super::own::{AT_ONCE_PART, Own};
use super::traffic::RareTraffic;
use crate::nanos::Nanos;
use wire::Seq;

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
    /// The sender had data to send and kept it back itself, by Nagle's rule or a buffer that is too small; only
    /// what can be shown. See [`OwnLimit`].
    pub sender_ns: u64,
}

impl LimitedTime {
    /// All of it.
    pub fn total_ns(&self) -> u64 {
        let parts = [self.network_ns, self.receiver_ns, self.sender_ns];
        parts.into_iter().fold(self.application_ns, u64::saturating_add)
    }
}

/// The clock of one direction.
#[derive(Clone, Debug, Default)]
pub(crate) struct Limits {
    application_ns: u64,
    network_ns: u64,
    receiver_ns: u64,
    last_text: Option<Nanos>,
    emptied: Option<Nanos>,
    window_was_full: bool,
    /// The last text was less than a segment, and alone in flight.
    was_small: bool,
}

/// What a text met, and left.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TextSent {
    pub(crate) now_ns: u64,
    pub(crate) text_bytes: u32,
    /// With this text.
    pub(crate) in_flight_bytes: u32,
    pub(crate) window_bytes: u32,
    pub(crate) largest_text_bytes: u32,
    pub(crate) mss_bytes: u32,
    /// So much was sent before that a plateau can be seen: fewer texts shall cost no memory.
    pub(crate) is_of_many: bool,
    /// It was sent before: what it waited for is a sign of its loss, not of a window.
    pub(crate) is_again: bool,
    /// Something was lost on the way so far: a congestion window may hold the sender back, however wide the path is by
    /// now.
    pub(crate) is_after_loss: bool,
    /// One past its last byte.
    pub(crate) end: Seq,
    /// What is acknowledged, and when that was said.
    pub(crate) acked: Option<Seq>,
    pub(crate) acked_ns: u64,
    /// When the other end sent text last; 0 for never.
    pub(crate) peer_text_ns: u64,
}

/// What is known of the path; asked for rarely.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PathNow {
    /// From here to the sender and back.
    pub(crate) turn_ns: u64,
    /// The shortest round trip from text to acknowledgment, and as it is now.
    pub(crate) rtt_min_ns: u64,
    pub(crate) srtt_ns: u64,
    /// Something was marked on the way so far.
    pub(crate) is_marked: bool,
}

/// Where what a sender keeps back is noted: made when it seems to.
pub(super) struct OwnPlace<'a>(pub(super) &'a mut Option<Box<RareTraffic>>);

impl<'a> OwnPlace<'a> {
    fn is_made(&self) -> bool {
        self.0.as_ref().is_some_and(|rare| rare.own.is_some())
    }

    fn made(self) -> &'a mut Own {
        self.0.get_or_insert_default().own.get_or_insert_default()
    }
}

impl Limits {
    #[inline]
    pub(super) fn on_text(&mut self, own: OwnPlace<'_>, sent: TextSent, path: impl Fn() -> Option<PathNow>) {
        if let Some(last_ns) = self.last_text.map(Nanos::ns) {
            self.wait(last_ns, own, &sent, path);
        }
        self.was_small = sent.in_flight_bytes == sent.text_bytes && sent.text_bytes < sent.mss_bytes;
        self.last_text = Some(Nanos::of(sent.now_ns));
        self.emptied = None;
        self.window_was_full =
            sent.in_flight_bytes.saturating_add(sent.largest_text_bytes) > sent.window_bytes;
    }

    /// The time since the last text goes to what it was waited for.
    #[inline]
    fn wait(&mut self, last_ns: u64, own: OwnPlace<'_>, sent: &TextSent, path: impl Fn() -> Option<PathNow>) {
        let emptied_ns = self.emptied.map_or(sent.now_ns, Nanos::ns);
        let emptied_ns = emptied_ns.clamp(last_ns, sent.now_ns.max(last_ns));
        let waited_ns = emptied_ns - last_ns;
        let idle_ns = sent.now_ns.saturating_sub(emptied_ns);
        let is_by_window = self.window_was_full && (!sent.is_again || sent.window_bytes == 0);
        if is_by_window {
            self.receiver_ns = self.receiver_ns.saturating_add(waited_ns);
        } else {
            let held = self.emptied.filter(|_| self.was_small && sent.may_be_by_nagle(last_ns));
            let by_nagle =
                |emptied: Nanos| path().is_some_and(|path| sent.is_by_nagle(last_ns, emptied.ns(), &path));
            if held.is_some_and(by_nagle) {
                own.made().on_nagle(last_ns, sent.now_ns);
                return;
            }
            self.network_ns = self.network_ns.saturating_add(waited_ns);
        }
        self.application_ns = self.application_ns.saturating_add(idle_ns);
        if own.is_made() || sent.is_of_many && sent.in_flight_bytes >= sent.mss_bytes.saturating_mul(2) {
            // all may be acknowledged, if the next goes at once
            let is_held = !is_by_window && idle_ns <= waited_ns / AT_ONCE_PART;
            own.made().on_text(sent, is_held.then_some(waited_ns), path);
        }
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

    /// A value out of its line of memory.
    pub(crate) fn warmth(&self) -> u64 {
        self.network_ns
    }

    /// The shares.
    pub(super) fn time(&self, own: Option<&Own>) -> LimitedTime {
        LimitedTime {
            application_ns: self.application_ns,
            // what was shown to be the sender's own only afterwards was first taken for the network's
            network_ns: self.network_ns.saturating_sub(own.map_or(0, Own::plateau_ns)),
            receiver_ns: self.receiver_ns,
            sender_ns: own.map_or(0, Own::all_ns),
        }
    }
}
