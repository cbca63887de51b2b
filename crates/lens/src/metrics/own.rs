//! What a sender kept back itself, although it had data and neither the receiver's window nor the path stood in its way.
//!
//! Two ways are shown by a capture beyond doubt, and no others are told:
//!
//! - Nagle's rule (RFC 9293 §3.7.4): a small segment is alone in flight, an acknowledgment without text comes, and at
//!   once another small segment goes. No application hears of acknowledgments; so the segment was there.
//! - A plateau: over many round trips no more than the same amount is in flight, every text follows an acknowledgment at
//!   once, nothing was ever lost or marked, the round trip stays at its shortest, and the window has room. A congestion
//!   window would have grown, a queue would have shown, and an application that writes by its own clock does not keep
//!   step with acknowledgments: it is a send buffer, or a fixed limit of the stack.
//!
//! What is *not* here, because it cannot be told apart: pacing and an application that writes at a steady rate
//! (application or network), a small buffer after a loss (network), an application's own window, which follows what the
//! other end says (network), and all of this where the capture is far from the sender.

use super::limited::{PathNow, TextSent};
use crate::limits::{AT_ONCE_NS, NEAR_PART, OWN_ROUNDS_MIN, OWN_SPANS_MAX};
use tcp::Instant;
use wire::Seq;

/// The part of the wait, or of the time between two acknowledgments, within which a text is at once behind one.
pub(super) const AT_ONCE_PART: u64 = 8;
/// Heights are level within a segment, or this part of them: buffers are filled by what an application writes at once.
const LEVEL_PART: u32 = 32;
/// The longer part of a window that a plateau must not reach: two thirds.
const WINDOW_PARTS: [u64; 2] = [2, 3];

/// What shows that a sender limited itself.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct OwnLimit {
    /// How long small segments waited for acknowledgments by Nagle's rule, in nanoseconds.
    pub nagle_ns: u64,
    /// How many waited.
    pub nagle_segments: u32,
    /// How long no more than the same amount was in flight, in nanoseconds.
    pub plateau_ns: u64,
    /// That amount, in bytes; the latest, if there were several.
    pub plateau_bytes: u32,
    /// Over so many round trips.
    pub plateau_rounds: u32,
    /// The first spans of all that, from text to text.
    pub spans: Vec<[Instant; 2]>,
}

/// The same while the capture is read.
#[derive(Clone, Debug, Default)]
pub(super) struct Own {
    shown: OwnLimit,
    plateau: Option<Plateau>,
}

/// A plateau that may be one.
#[derive(Clone, Copy, Debug)]
struct Plateau {
    since_ns: u64,
    /// The waits that are not told yet, and since when: they count with the end of a round.
    waited_ns: u64,
    untold_ns: u64,
    untold_rounds: u32,
    rounds: u32,
    /// The least and the most that was in flight at the height of a round.
    heights: [u32; 2],
    /// The height of this round, which ends when this is acknowledged.
    height: u32,
    round_end: Seq,
    /// How far texts were behind acknowledgments in all, and how many there were of each.
    behind_ns: u64,
    texts: u64,
    acks: u64,
    last_ack_ns: u64,
}

impl TextSent {
    /// It is small and new, nothing was lost, and the other end has said nothing since the last text.
    pub(super) fn may_be_by_nagle(&self, last_ns: u64) -> bool {
        self.text_bytes < self.mss_bytes
            && !self.is_again
            && !self.is_after_loss
            && self.peer_text_ns < last_ns
    }

    /// It waited for the acknowledgment that came at `emptied_ns`: it goes at once behind it, and not before it can.
    pub(super) fn is_by_nagle(&self, last_ns: u64, emptied_ns: u64, path: &PathNow) -> bool {
        let waited_ns = emptied_ns.saturating_sub(last_ns);
        let off_ns = self.now_ns.saturating_sub(emptied_ns).abs_diff(path.turn_ns);
        off_ns <= (waited_ns / AT_ONCE_PART).min(AT_ONCE_NS) && path.is_near() && !path.is_marked
    }

    /// Neither the receiver's window nor a loss holds it back, if it is held back.
    fn is_free(&self) -> bool {
        let [part, whole] = WINDOW_PARTS;
        let has_room = u64::from(self.in_flight_bytes) * whole <= u64::from(self.window_bytes) * part;
        has_room && !self.is_again && !self.is_after_loss
    }
}

impl PathNow {
    /// What the sender does because of an acknowledgment is seen soon behind it.
    fn is_near(&self) -> bool {
        self.turn_ns <= self.rtt_min_ns / NEAR_PART
    }
}

impl Own {
    pub(super) fn on_nagle(&mut self, last_ns: u64, now_ns: u64) {
        let waited_ns = now_ns.saturating_sub(last_ns);
        self.shown.nagle_ns = self.shown.nagle_ns.saturating_add(waited_ns);
        self.shown.nagle_segments = self.shown.nagle_segments.saturating_add(1);
        self.plateau = None;
        self.note_span(last_ns, now_ns);
    }

    /// A text, and how long something was in flight before it; `None` if it waited for something else as well.
    pub(super) fn on_text(
        &mut self,
        sent: &TextSent,
        held_ns: Option<u64>,
        path: impl FnOnce() -> Option<PathNow>,
    ) {
        let Some((waited_ns, acked)) = held_ns.filter(|_| sent.is_free()).zip(sent.acked) else {
            self.plateau = None;
            return;
        };
        let Some(mut plateau) = self.plateau.filter(|plateau| sent.peer_text_ns < plateau.since_ns) else {
            self.plateau = Some(Plateau::from(sent));
            return;
        };
        plateau.on_text(sent, waited_ns);
        if acked.at_or_after(plateau.round_end) {
            if !path().is_some_and(|path| plateau.end_round(sent, &path)) {
                plateau = Plateau::from(sent);
            } else if plateau.is_long(sent.mss_bytes) {
                self.tell(&mut plateau, sent.now_ns);
            }
        }
        self.plateau = Some(plateau);
    }

    /// It is one: what was waited counts.
    fn tell(&mut self, plateau: &mut Plateau, now_ns: u64) {
        let shown = &mut self.shown;
        shown.plateau_ns = shown.plateau_ns.saturating_add(std::mem::take(&mut plateau.waited_ns));
        shown.plateau_bytes = plateau.heights[1];
        let fresh_rounds = std::mem::take(&mut plateau.untold_rounds);
        shown.plateau_rounds = shown.plateau_rounds.saturating_add(fresh_rounds);
        let from_ns = std::mem::replace(&mut plateau.untold_ns, now_ns);
        self.note_span(from_ns, now_ns);
    }

    fn note_span(&mut self, from_ns: u64, to_ns: u64) {
        let [from, to] = [from_ns, to_ns].map(Instant::from_nanos);
        let spans = &mut self.shown.spans;
        if let Some(last) = spans.last_mut().filter(|last| last[1] >= from) {
            last[1] = to;
        } else if spans.len() < OWN_SPANS_MAX {
            spans.push([from, to]);
        }
    }

    pub(super) fn plateau_ns(&self) -> u64 {
        self.shown.plateau_ns
    }

    pub(super) fn all_ns(&self) -> u64 {
        self.shown.nagle_ns.saturating_add(self.shown.plateau_ns)
    }

    pub(super) fn shown(&self) -> OwnLimit {
        self.shown.clone()
    }
}

impl Plateau {
    /// Begins with this text.
    fn from(sent: &TextSent) -> Plateau {
        Plateau {
            since_ns: sent.now_ns,
            waited_ns: 0,
            untold_ns: sent.now_ns,
            untold_rounds: 0,
            rounds: 0,
            heights: [u32::MAX, 0],
            height: 0,
            round_end: sent.end,
            behind_ns: 0,
            texts: 0,
            acks: 0,
            last_ack_ns: sent.acked_ns,
        }
    }

    #[inline]
    fn on_text(&mut self, sent: &TextSent, waited_ns: u64) {
        self.waited_ns = self.waited_ns.saturating_add(waited_ns);
        self.height = self.height.max(sent.in_flight_bytes);
        self.behind_ns = self.behind_ns.saturating_add(sent.now_ns.saturating_sub(sent.acked_ns));
        self.texts += 1;
        if sent.acked_ns != self.last_ack_ns {
            (self.acks, self.last_ack_ns) = (self.acks + 1, sent.acked_ns);
        }
    }

    /// How far its heights may differ.
    fn slack_bytes(&self, mss_bytes: u32) -> u32 {
        mss_bytes.max(self.heights[1] / LEVEL_PART)
    }

    /// A congestion window would have grown by twice that, at half a segment in a round.
    fn is_long(&self, mss_bytes: u32) -> bool {
        let rounds_min = 4 * (self.slack_bytes(mss_bytes) / mss_bytes.max(1));
        self.rounds >= rounds_min.max(OWN_ROUNDS_MIN)
    }

    /// Whether it may still be one after this round.
    fn end_round(&mut self, sent: &TextSent, path: &PathNow) -> bool {
        let height = std::mem::take(&mut self.height);
        self.round_end = sent.end;
        (self.rounds, self.untold_rounds) = (self.rounds.saturating_add(1), self.untold_rounds + 1);
        self.heights = [self.heights[0].min(height), self.heights[1].max(height)];
        let is_flat = self.heights[1] - self.heights[0] <= self.slack_bytes(sent.mss_bytes);
        // on the mean a text is much nearer to the acknowledgment before it than acknowledgments are to each other
        let between_ns = sent.now_ns.saturating_sub(self.since_ns) / self.acks.max(1);
        let behind_ns = self.behind_ns / self.texts.max(1);
        let keeps_step = behind_ns <= path.turn_ns + between_ns / AT_ONCE_PART;
        let is_unqueued = path.rtt_min_ns > 0 && path.srtt_ns <= path.rtt_min_ns + path.rtt_min_ns / 4;
        is_flat && keeps_step && is_unqueued && path.is_near() && !path.is_marked
    }
}

#[cfg(test)]
mod tests;
