//! What a sender with SACK knows to be lost, and by what: something sent later has arrived, and what is missing
//! has had time enough (RFC 6675, RFC 8985 §6), or the retransmission timer ran out (§6.3).
//!
//! What counts as lost is known in the order of sending. So a few [`Mark`]s say it of everything: "what was sent
//! up to here counts as lost, and this showed it". Times are those of the capture: what reaches the sender later
//! and leaves it sooner than it is captured is accounted for by the turn, the time from here to it and back.

use super::marks::{Mark, Marks, Overdue, Sending, Shown};
use super::patience::Patience;
use crate::Frame;
use crate::verdicts::Delivery;
use wire::Seq;

/// SACKed segments that make reordering unlikely (RFC 8985 §6.2, step 4; RFC 5681's DupThresh).
const SEGMENTS_FOR_LOSS: u32 = 3;
/// What runs out leaves no later than this: a busy host, a pacer.
const TIMER_LATE_NS_MAX: u64 = 20_000_000;
/// What is captured and what the sender's clock says differ by no more than this: a timer may seem to be a little early.
const EARLY_NS: i64 = 300_000;
/// Linux adds two ticks, which are 2 or 8 ms, to the time for what may only be late.
const TIMER_LATE_NS_USUAL: u64 = 2_000_000;
/// So many that one odd case does not decide, and no more, so that it can be decided otherwise.
const TIMER_VOTES_MAX: i8 = 8;

/// What decides how patient the sender is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Circumstances {
    pub(crate) now_ns: u64,
    pub(crate) is_recovering: bool,
    /// Segments beyond the acknowledgment that the receiver has.
    pub(crate) sacked_segments: u32,
    /// The shortest round trip so far, turn included.
    pub(crate) rtt_min_ns: u64,
    pub(crate) srtt_ns: u64,
}

/// What was overtaken.
#[derive(Clone, Debug, Default)]
pub(crate) struct Overtaken {
    marks: Marks,
    /// The latest sending of which something was delivered.
    newest: Option<Sending>,
    /// Its round trip, as captured.
    rtt_ns: u64,
    /// The shortest round trip of those measured here; `None` before the first.
    rtt_min_ns: Option<u64>,
    /// How long the sender waits for what may only be late.
    patience_ns: u64,
    /// What decides how long that is.
    patience: Patience,
    /// Whether it seems to have the timer for what may only be late: below zero it does not.
    timer_votes: i8,
    /// It answers in no time at all: a simulated host, whose timers are on time.
    pub(crate) is_exact: bool,
    /// Nobody had such a timer at that time.
    pub(crate) is_old: bool,
    /// The least by which that timer was late.
    timer_late_ns: Option<u64>,
}

impl Overtaken {
    /// The timer for what may only be late may have run out by now: marks what it shows of `oldest`, the first of
    /// what was overtaken and counts as lost by nothing yet.
    pub(crate) fn look_at_timer(
        &mut self,
        now_ns: u64,
        turn_ns: u64,
        oldest: Option<Sending>,
        is_recovering: bool,
        is_seen: bool,
    ) {
        let (Some(newest), Some(oldest)) = (self.newest, oldest) else { return };
        let slack_ns = match (self.is_exact, is_seen) {
            (true, _) => 0,
            (false, true) => -EARLY_NS,
            (false, false) => self.late_ns().cast_signed(),
        };
        let due_ns = self.due_ns(oldest, turn_ns);
        let is_due = now_ns >= due_ns.saturating_add_signed(slack_ns) && oldest.frame < newest.frame;
        if is_due && !self.has_no_timer() && self.shown(oldest).is_none() {
            // a recovery that began since it was set has no patience, unless the path reorders (§6.2, step 4)
            let patience_ns = if is_recovering && !self.patience.reorders { 0 } else { self.patience_ns };
            let until_ns = now_ns.saturating_sub(self.rtt_ns + patience_ns + turn_ns).max(oldest.time_ns);
            self.marks.push(Mark {
                until_ns,
                before: newest.frame,
                shown: Shown::ReorderTimer,
                is_close: false,
            });
            if is_seen {
                let late_ns = now_ns.saturating_sub(due_ns);
                self.timer_late_ns =
                    Some(self.timer_late_ns.map_or(late_ns, |least_ns| least_ns.min(late_ns)));
            }
        }
    }

    /// When the timer for what may only be late is due for something sent then.
    fn due_ns(&self, sending: Sending, turn_ns: u64) -> u64 {
        sending.time_ns + self.rtt_ns + self.patience_ns + turn_ns
    }

    /// How much later than it is due the timer runs out: as seen, or as on most systems.
    fn late_ns(&self) -> u64 {
        self.timer_late_ns.unwrap_or(TIMER_LATE_NS_USUAL)
    }

    /// Nothing limits the sender, and an acknowledgment came before it sent `oldest` again: did its timer run out
    /// long ago?
    pub(crate) fn on_silence(&mut self, now_ns: u64, turn_ns: u64, oldest: Option<Sending>) {
        let (Some(newest), Some(oldest)) = (self.newest, oldest) else { return };
        let late_ns = self.rtt_ns / 8 + TIMER_LATE_NS_MAX;
        if oldest.frame < newest.frame && now_ns > self.due_ns(oldest, turn_ns) + late_ns {
            self.doubt_timer();
        }
    }

    /// It sent something again sooner than with such a timer, or did not when it would have run out.
    pub(crate) fn doubt_timer(&mut self) {
        if self.is_exact && self.patience.reorders {
            return; // what was too soon for its timer was shown before several acknowledgments came at once
        }
        self.timer_votes = (self.timer_votes - 1).max(-TIMER_VOTES_MAX);
        if self.has_no_timer() {
            self.marks.forget_reorder_timer();
        }
    }

    /// It sent this again without an acknowledgment just before: that is its timer, if it was overtaken at all and
    /// no acknowledgment had shown the loss.
    pub(crate) fn on_sent_by_timer(&mut self, now_ns: u64, turn_ns: u64, earlier: Sending) {
        let late_ns = self.rtt_ns / 2 + TIMER_LATE_NS_MAX;
        if self.is_old || now_ns > self.due_ns(earlier, turn_ns) + late_ns {
            return; // that timer would have run out long before
        }
        let is_overtaken = self.newest.is_some_and(|newest| earlier.frame < newest.frame);
        let is_shown = self.shown(earlier).is_some_and(|(shown, _)| shown != Shown::ReorderTimer);
        if is_overtaken && !is_shown {
            self.timer_votes = TIMER_VOTES_MAX;
            self.marks.push(Mark {
                until_ns: earlier.time_ns,
                before: earlier.frame + 1,
                shown: Shown::ReorderTimer,
                is_close: false,
            });
        }
    }

    /// It sent this again as soon as the acknowledgment of `acked_ns` came, and that alone would show the loss: the
    /// timer was due before, but probably had not run out yet, because a host is not that exact.
    pub(crate) fn on_sent_by_ack(&mut self, acked_ns: u64, earlier: Sending) {
        if self.due_ns(earlier, 0) > acked_ns {
            return;
        }
        self.marks.blame_acknowledgment(earlier);
    }

    /// Most of what was seen says that it counts acknowledgments, as senders did before RFC 8985.
    fn has_no_timer(&self) -> bool {
        self.timer_votes < 0 || self.is_old
    }

    /// An acknowledgment says what was delivered (RFC 8985 §6.2, steps 1 to 3).
    pub(crate) fn on_delivery(&mut self, delivery: &Delivery, now_ns: u64, turn_ns: u64) {
        self.patience.reorders |= delivery.reordered;
        if let Some(sending) = delivery.newest {
            self.rtt_ns = now_ns.saturating_sub(sending.time_ns);
            if self.newest.is_none_or(|newest| sending.frame > newest.frame) {
                self.newest = Some(sending);
            }
        }
        if let Some(fresh) = delivery.fresh {
            let rtt_ns = now_ns.saturating_sub(fresh.time_ns) + turn_ns;
            self.rtt_min_ns = Some(self.rtt_min_ns.unwrap_or(u64::MAX).min(rtt_ns));
        }
    }

    /// It looks what counts as lost now (RFC 8985 §6.2, steps 4 and 5).
    pub(crate) fn look(&mut self, around: &Circumstances) {
        let rtt_min_ns = around.rtt_min_ns.min(self.rtt_min_ns.unwrap_or(u64::MAX));
        let few = !around.is_recovering && around.sacked_segments < SEGMENTS_FOR_LOSS;
        if few && self.has_no_timer() {
            return;
        }
        self.patience_ns = if (self.patience.reorders && !self.has_no_timer()) || few {
            self.patience.window_ns(rtt_min_ns, around.srtt_ns)
        } else {
            0
        };
        if let Some(newest) = self.newest {
            let until_ns = around.now_ns.saturating_sub(self.rtt_ns + self.patience_ns);
            self.marks.push(Mark { until_ns, before: newest.frame, shown: Shown::Ack, is_close: false });
        }
    }

    /// The retransmission timer ran out, as `frame` shows.
    pub(crate) fn on_timeout(&mut self, now_ns: u64, turn_ns: u64, frame: Frame) {
        let until_ns = now_ns.saturating_sub(self.rtt_ns + self.patience_ns + turn_ns);
        self.marks.push(Mark { until_ns, before: frame, shown: Shown::Timeout, is_close: false });
    }

    /// A retransmission turned out to be needless, where `una` is acknowledged and `next` comes next. Most systems ask
    /// besides that the path was seen to reorder.
    pub(crate) fn on_needless(&mut self, una: Seq, next: Seq) {
        if self.patience.reorders || self.is_exact {
            self.patience.on_needless(una, next);
        }
    }

    /// The same, as an old echo shows: most systems do not care.
    pub(crate) fn on_mistake(&mut self, una: Seq, next: Seq) {
        if self.is_exact {
            self.patience.on_needless(una, next);
        }
    }

    /// Everything before `una` is acknowledged.
    pub(crate) fn on_progress(&mut self, una: Seq) {
        self.patience.on_progress(una);
    }

    /// A whole recovery turned out to be a mistake: what counts as lost is judged anew.
    pub(crate) fn on_undone(&mut self) {
        self.marks.clear();
    }

    /// Something came later than what was sent after it.
    pub(crate) fn on_reordering(&mut self) {
        self.patience.reorders = true;
    }

    /// A recovery is over.
    pub(crate) fn on_recovered(&mut self) {
        self.patience.on_recovered();
    }

    /// It waits for what may only be late even where much says that it is lost.
    fn is_patient(&self) -> bool {
        self.patience.reorders && self.patience_ns > 0
    }

    /// SACK blocks were seen: what acknowledgments say of the flight matters.
    pub(crate) fn is_watching(&self) -> bool {
        self.newest.is_some()
    }

    /// Something sent after it has arrived.
    pub(crate) fn is_overtaken(&self, sending: Sending) -> bool {
        self.newest.is_some_and(|newest| sending.frame < newest.frame)
    }

    /// What shows that this sending is lost, if anything does, and whether it is a close call.
    pub(crate) fn shown(&self, sending: Sending) -> Option<(Shown, bool)> {
        let mark = self.marks.first_over(sending)?;
        Some((mark.shown, mark.is_close || self.is_patient()))
    }

    /// All that counts as lost.
    pub(crate) fn overdue(&self) -> Option<Overdue> {
        self.marks.overdue()
    }
}
