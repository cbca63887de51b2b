//! What a sender waited for: its application, itself, the network, or the receiver's window.
//!
//! The time between two texts of a direction is split at the moment when everything was
//! acknowledged: after it the application had nothing to send; before it the sender waited for
//! acknowledgments, because of the window where that was (nearly) full, because of itself where
//! `own.rs` can show it, and because of the network where not.
//!
//! That is the sender's view. Captured far from it, an acknowledgment reaches it some time later, and what it sends then
//! takes as long to come here: what comes within that turn had left before, and the window that it filled is the one
//! offered a turn ago.

pub use super::own::OwnLimit;
use super::own::{AT_ONCE_PART, Own};
use super::traffic::RareTraffic;
use crate::limits::FAR_NS_MIN;
use crate::nanos::Nanos;
use std::num::NonZeroU32;
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

/// What a text waited for, since the one before it: for acknowledgments, and after that for its application.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Waited {
    /// So long for acknowledgments, in microseconds.
    pub for_acknowledgments_us: u32,
    /// Because of the receiver's window, and not of the network.
    pub by_window: bool,
}

/// The clock of one direction.
#[derive(Clone, Debug, Default)]
pub(crate) struct Limits {
    application_ns: u64,
    network_ns: u64,
    receiver_ns: u64,
    last_text: Option<Nanos>,
    /// Everything was acknowledged so long after the last text (and a microsecond), an hour at the most.
    emptied_us: Option<NonZeroU32>,
    /// When an acknowledgment offered what, if one is looked at; the time modulo an hour or so.
    offer_at_us: u32,
    offer_edge: Seq,
    has_offer: bool,
    window_was_full: bool,
    /// The last text was less than a segment, and alone in flight.
    was_small: bool,
}

/// What a text met, and left.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TextSent {
    pub(crate) now_ns: u64,
    /// From the capture point to its sender and back; 0 while that is not known.
    pub(crate) turn_ns: u64,
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
    pub(super) fn on_text(
        &mut self,
        own: OwnPlace<'_>,
        sent: TextSent,
        path: impl Fn() -> Option<PathNow>,
    ) -> Waited {
        let mut waited = Waited::default();
        if let Some(last_ns) = self.last_text.map(Nanos::ns) {
            waited = self.wait(last_ns, own, &sent, path);
        }
        self.was_small = sent.in_flight_bytes == sent.text_bytes && sent.text_bytes < sent.mss_bytes;
        self.last_text = Some(Nanos::of(sent.now_ns));
        self.emptied_us = None;
        if sent.turn_ns < FAR_NS_MIN {
            self.window_was_full =
                sent.in_flight_bytes.saturating_add(sent.largest_text_bytes) > sent.window_bytes;
        } else if let Some(is_full) = self.has_filled(&sent) {
            (self.window_was_full, self.has_offer) = (is_full, false);
        }
        waited
    }

    /// Whether a sender far away has filled the window that it knew of; `None` before what it heard then can show.
    fn has_filled(&self, sent: &TextSent) -> Option<bool> {
        if !self.has_offer {
            return None;
        }
        let since_ns = u64::from(micros(sent.now_ns).wrapping_sub(self.offer_at_us)) * 1_000;
        let late_ns = since_ns.checked_sub(sent.turn_ns)?;
        // what comes later may know of a further one, and did not wait for this
        let is_at_once = late_ns <= sent.turn_ns / 8;
        let is_full = (sent.end + sent.largest_text_bytes).after(self.offer_edge);
        if is_at_once && !is_full { None } else { Some(is_at_once) }
    }

    /// An acknowledgment lets the sender go up to `edge`.
    #[inline]
    pub(crate) fn on_offer(&mut self, now_ns: u64, edge: Seq) {
        if !self.has_offer {
            (self.has_offer, self.offer_at_us, self.offer_edge) = (true, micros(now_ns), edge);
        }
    }

    /// When everything was acknowledged, as its sender heard it and could answer here.
    fn emptied_ns(&self, last_ns: u64, turn_ns: u64) -> Option<u64> {
        let after_ns = u64::from(self.emptied_us?.get() - 1) * 1_000;
        Some(last_ns.saturating_add(after_ns).saturating_add(turn_ns))
    }

    /// The time since the last text goes to what it was waited for.
    #[inline]
    fn wait(
        &mut self,
        last_ns: u64,
        own: OwnPlace<'_>,
        sent: &TextSent,
        path: impl Fn() -> Option<PathNow>,
    ) -> Waited {
        let emptied_ns = self.emptied_ns(last_ns, sent.turn_ns).unwrap_or(sent.now_ns);
        let emptied_ns = emptied_ns.clamp(last_ns, sent.now_ns.max(last_ns));
        let waited_ns = emptied_ns - last_ns;
        let idle_ns = sent.now_ns.saturating_sub(emptied_ns);
        let for_acknowledgments_us = u32::try_from(waited_ns / 1_000).unwrap_or(u32::MAX);
        let is_by_window = self.window_was_full && (!sent.is_again || sent.window_bytes == 0);
        let waited = Waited { for_acknowledgments_us, by_window: is_by_window };
        if is_by_window {
            self.receiver_ns = self.receiver_ns.saturating_add(waited_ns);
        } else {
            let emptied_ns = self.emptied_ns(last_ns, 0);
            let held = emptied_ns.filter(|_| self.was_small && sent.may_be_by_nagle(last_ns));
            let by_nagle =
                |emptied_ns: u64| path().is_some_and(|path| sent.is_by_nagle(last_ns, emptied_ns, &path));
            if held.is_some_and(by_nagle) {
                own.made().on_nagle(last_ns, sent.now_ns);
                return waited;
            }
            self.network_ns = self.network_ns.saturating_add(waited_ns);
        }
        self.application_ns = self.application_ns.saturating_add(idle_ns);
        if own.is_made() || sent.is_of_many && sent.in_flight_bytes >= sent.mss_bytes.saturating_mul(2) {
            // all may be acknowledged, if the next goes at once
            let is_held = !is_by_window && idle_ns <= waited_ns / AT_ONCE_PART;
            own.made().on_text(sent, is_held.then_some(waited_ns), path);
        }
        waited
    }

    /// Everything is acknowledged. A window that closes with the last byte keeps back what may follow, until it opens.
    #[inline]
    pub(crate) fn on_emptied(&mut self, now_ns: u64, window_is_closed: bool) {
        if window_is_closed {
            self.window_was_full = true;
        } else {
            let since_ns = now_ns.saturating_sub(self.last_text.map_or(now_ns, Nanos::ns));
            let after_us = u32::try_from(since_ns / 1_000).unwrap_or(u32::MAX);
            self.emptied_us.get_or_insert(NonZeroU32::MIN.saturating_add(after_us));
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

/// Microseconds, the low 32 bits of them.
fn micros(ns: u64) -> u32 {
    (ns / 1_000) as u32
}

#[cfg(test)]
mod tests {
    use super::LimitedTime;
    use crate::Side;
    use crate::story::{ACK, Story};

    /// What held back end 1, 20 ms away, which sends `texts` of 1,000 bytes every so many milliseconds; each is
    /// acknowledged when it comes.
    fn from_afar(every_ms: u64, texts: usize, window: u16) -> [u64; 3] {
        let mut story = Story::open();
        story.window = [window; 2];
        for _ in 0..50 {
            story.wait_ms(every_ms);
            for _ in 0..texts {
                story.send(1, ACK, 1_000);
            }
            story.send(0, ACK, 0);
        }
        let LimitedTime { application_ns, network_ns, receiver_ns, .. } =
            story.told().connection().sent_by(Side::B).limited;
        [application_ns, network_ns, receiver_ns].map(|ns| ns / 1_000_000)
    }

    #[test]
    fn text_that_had_left_before_its_sender_heard_of_it_did_not_wait_for_its_application() {
        let [application, network, receiver] = from_afar(5, 1, 65_535);
        assert!(application == 0 && receiver == 0 && network >= 240, "{application} {network} {receiver}");
        // clocked by the acknowledgments: each flight takes a round trip
        let [application, network, receiver] = from_afar(20, 10, 65_535);
        assert!(application == 0 && receiver == 0 && network >= 970, "{application} {network} {receiver}");
    }

    #[test]
    fn what_comes_a_pause_after_the_turn_waited_for_its_application() {
        let [application, network, receiver] = from_afar(120, 10, 65_535);
        assert!(
            (4_850..4_950).contains(&application) && network >= 950 && receiver == 0,
            "{application} {network}"
        );
    }

    #[test]
    fn a_window_that_each_flight_fills_holds_its_sender_back_from_afar_too() {
        let [application, network, receiver] = from_afar(20, 10, 10_000);
        assert!(application == 0 && network < 50 && receiver >= 900, "{application} {network} {receiver}");
    }
}
