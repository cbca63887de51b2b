//! What was sent again, in three numbers: sent again, needless, lost.

use crate::Segment;
use crate::live::Seen;
use wire::Seq;

/// What one end sent again, in segments of the MSS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Again {
    /// Sent again, for whatever reason; keep-alives and window probes are none.
    pub sent_again_segments: u32,
    /// Of these: the original had arrived, as D-SACK, timestamps or acknowledgments show, or both copies, seen at the
    /// receiver.
    pub needless_segments: u32,
    /// Of these: sent beyond the window, or while it was closed, and so refused at the receiver.
    pub refused_segments: u32,
    /// Of these: never acknowledged, because the other end was not heard of any more.
    pub unanswered_segments: u32,
    /// The rest: what was sent before it was lost on the way, as its acknowledgment after the repetition shows.
    pub lost_segments: u32,
    /// Where something was sent again after a loss, first and last.
    pub lost: Seen,
    /// Where something was sent again in vain at the end.
    pub unanswered: Seen,
}

/// The counters of one direction.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Repeats {
    all: u32,
    refused: u32,
    /// Since the last progress.
    open: u32,
    open_frames: Seen,
    /// What was in flight when the receiver took back the window for it ends here.
    taken_back_until: Option<Seq>,
    frames: Seen,
}

impl Repeats {
    pub(super) fn on_again(&mut self, segment: &Segment, segments: u32, is_beyond: bool) {
        let segments = segments.max(u32::from(segment.flags.fin()));
        self.all = self.all.saturating_add(segments);
        let was_refused = self.taken_back_until.is_some_and(|until| segment.end().at_or_before(until));
        if is_beyond || was_refused {
            self.refused = self.refused.saturating_add(segments);
        } else {
            self.open = self.open.saturating_add(segments);
            self.open_frames.note(segment.frame);
        }
    }

    /// The receiver took its window back: it discards what is in flight beyond it, up to `until`.
    pub(super) fn on_taken_back(&mut self, until: Seq) {
        self.taken_back_until = Some(until);
    }

    /// Something new was acknowledged: what was sent again until now has an answer.
    pub(super) fn on_progress(&mut self) {
        self.open = 0;
        let open = std::mem::take(&mut self.open_frames);
        if open.count > 0 {
            let first_frame = if self.frames.count == 0 { open.first_frame } else { self.frames.first_frame };
            let count = self.frames.count + open.count;
            self.frames = Seen { count, first_frame, last_frame: open.last_frame };
        }
    }

    /// The numbers, given how many segments, and how many packets of a lost path probe, are known to be no loss.
    pub(crate) fn sum(&self, needless: u32, path_mtu: u32) -> Again {
        let needless = needless.min(self.all - self.refused);
        let no_loss =
            self.refused.saturating_add(self.open).saturating_add(needless).saturating_add(path_mtu);
        Again {
            sent_again_segments: self.all,
            needless_segments: needless,
            refused_segments: self.refused,
            unanswered_segments: self.open,
            lost_segments: self.all.saturating_sub(no_loss),
            lost: self.frames,
            unanswered: self.open_frames,
        }
    }
}
