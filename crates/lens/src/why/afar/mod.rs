//! A sender as its receiver knows it: which acknowledgments have reached it, and what it concludes from them.
//!
//! At the receiver the capture shows each acknowledgment half a round trip before the sender hears it, if it does at all. So
//! what the sender knows is followed here, behind the capture: an acknowledgment counts once an echo (RFC 7323 §3.3), or
//! without timestamps the time, says that it has arrived there; what a later silence shows to be lost never counts. From that
//! follows in which state its congestion control is: after a timeout it sends again what was out, until all of that is
//! acknowledged, or until it finds out that the timeout was a mistake (RFC 3522, RFC 5682, D-SACK); else what goes again
//! because of an acknowledgment is recovery. As Linux does it.
//!
//! What is *not* here: which timer it was, and captures near the sender.

mod conclude;
mod ranges;
mod sure;
mod timing;

pub(super) use timing::Timing;

use crate::Segment;
use crate::verdicts::reports_duplicate;
use ranges::Ranges;
use std::collections::VecDeque;
use tcp::SendReason;
use wire::Seq;
use wire::tcp::{SackBlock, SackBlocks};

/// Acknowledgments that are remembered until the sender has heard them: those of a round trip, if every segment is
/// acknowledged; of more the oldest count as heard.
const ACKS_MAX: usize = 96;
/// An acknowledgment later than the quickest by no more than this can still be on its way.
const LATE_MS: i32 = 12;

/// So many segments' worth of what arrived beyond a hole show that it is lost (RFC 6675).
const SEGMENTS_FOR_LOSS: u32 = 3;

/// An acknowledgment that is on its way to the sender.
#[derive(Clone, Copy, Debug)]
struct Ack {
    time_ns: u64,
    /// Its timestamp and its echo.
    stamps: Option<[u32; 2]>,
    ack: Seq,
    /// Its blocks, without the one that reports a duplicate.
    blocks: [[Seq; 2]; 3],
    reports_duplicate: bool,
}

impl Ack {
    /// What arrived beyond what it acknowledges.
    fn beyond(&self) -> impl Iterator<Item = [Seq; 2]> {
        let ack = self.ack;
        self.blocks.into_iter().filter(move |[left, right]| left.before(*right) && left.at_or_after(ack))
    }
}

/// In which state the sender's congestion control is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) enum State {
    /// Nothing is known to be lost.
    #[default]
    Open,
    /// Acknowledgments showed a loss; until this is acknowledged.
    Recovery(Seq),
    /// The timer ran out; until this is acknowledged.
    Loss {
        until: Seq,
        /// An acknowledgment of what was sent once shows that the timeout was a mistake (RFC 5682).
        may_be_early: bool,
    },
}

/// What the sender knows.
#[derive(Clone, Debug)]
pub(crate) struct Afar {
    acks: VecDeque<Ack>,
    una: Seq,
    /// That was acknowledged, but not heard of when the timer ran out: it is late, or lost.
    late: Option<(Seq, Ranges)>,
    /// What it knows to have arrived beyond that.
    arrived: Ranges,
    /// What it sent again, beyond that.
    again: Ranges,
    /// What it sent again since all was well, acknowledged or not.
    again_before: Ranges,
    state: State,
    /// The timestamp of the first retransmission since all was well.
    first_again: Option<u32>,
    /// Retransmissions of this episode that no D-SACK reported.
    undo_left: u16,
    /// Timeouts since the last progress.
    timeouts: u8,
    /// Text up to there was sent before, and lost before the capture; and what the sender acknowledged when that was found.
    hidden_until: Option<[Seq; 2]>,
    /// How often it waited with new text, of late: it spreads its window over the round trip.
    paced: u8,
    /// What it had acknowledged with its latest new text.
    answered: Option<Seq>,
    /// The shortest time in which a hole was filled, which is more than from here to the sender and back.
    filled_ns_min: u64,
    /// What it sent again last.
    last: Option<Last>,
    has_sack: bool,
    mss_bytes: u32,
}

/// By what it sent again last, and what it had heard then.
#[derive(Clone, Copy, Debug)]
struct Last {
    by: By,
    echo: Option<u32>,
    una: Seq,
}

impl Afar {
    pub(crate) fn new(una: Seq) -> Afar {
        Afar {
            acks: VecDeque::new(),
            una,
            late: None,
            arrived: Ranges::default(),
            again: Ranges::default(),
            again_before: Ranges::default(),
            state: State::Open,
            first_again: None,
            undo_left: 0,
            timeouts: 0,
            hidden_until: None,
            paced: 0,
            answered: None,
            filled_ns_min: u64::MAX,
            last: None,
            has_sack: false,
            mss_bytes: 1_460,
        }
    }

    /// No text is known that was sent before and lost before the capture.
    pub(super) fn hides_nothing(&self) -> bool {
        self.hidden_until.is_none()
    }

    /// The receiver acknowledges.
    pub(crate) fn on_ack(&mut self, segment: &Segment) {
        if !segment.flags.ack() || segment.flags.rst() {
            return;
        }
        let is_twice = reports_duplicate(segment);
        let blocks: &SackBlocks = &segment.options.sack;
        let mut news = [[segment.ack; 2]; 3];
        let beyond = blocks.as_slice().iter().skip(usize::from(is_twice));
        for (new, SackBlock { left, right }) in news.iter_mut().zip(beyond) {
            *new = [*left, *right];
        }
        self.has_sack |= !blocks.is_empty();
        if self.acks.len() == ACKS_MAX
            && let Some(oldest) = self.acks.pop_front()
        {
            self.hear(&oldest, None);
        }
        self.acks.push_back(Ack {
            time_ns: segment.time.as_nanos(),
            stamps: segment.options.timestamps.map(|stamps| [stamps.value, stamps.echo]),
            ack: segment.ack,
            blocks: news,
            reports_duplicate: is_twice,
        });
    }

    /// A segment of the sender arrives: what it had heard when it sent this, it has heard. `next` is one past the highest
    /// number that it has sent.
    pub(super) fn on_arrival(&mut self, segment: &Segment, timing: &Timing, next: Seq) {
        let Timing { turn_ns, ahead, mss_bytes, filled_ns, .. } = *timing;
        self.filled_ns_min = self.filled_ns_min.min(filled_ns);
        let turn_ns = turn_ns.min(self.filled_ns_min);
        self.mss_bytes = mss_bytes;
        let now_ns = segment.time.as_nanos();
        let Some(stamps) = segment.options.timestamps else {
            if let Some((ack, arrived)) = self.late.take_if(|(late, _)| segment.seq.at_or_after(*late)) {
                let blocks = arrived.highest_pieces(ack);
                let ack = Ack { time_ns: now_ns, stamps: None, ack, blocks, reports_duplicate: false };
                self.hear(&ack, Some(next));
            }
            while let Some(ack) = self.acks.front().copied()
                && ack.time_ns + turn_ns - turn_ns / 8 <= now_ns
            {
                self.acks.pop_front();
                self.hear(&ack, Some(next));
            }
            return;
        };
        let at_most = |value: u32, limit: u32| value.wrapping_sub(limit).cast_signed() <= 0;
        while let Some(ack) = self.acks.front().copied() {
            let Some([value, _]) = ack.stamps else { break };
            let in_time = value != stamps.echo || ack.time_ns + turn_ns - turn_ns / 8 <= now_ns;
            if !at_most(value, stamps.echo) || !in_time {
                break;
            }
            self.acks.pop_front();
            self.hear(&ack, Some(next));
        }
        // what would have reached it by then, and had not, is lost
        if let Some(ahead) = ahead {
            let heard_by = stamps.value.wrapping_sub(ahead.wrapping_add(LATE_MS).cast_unsigned());
            while let Some(Ack { stamps: Some([value, _]), .. }) = self.acks.front()
                && at_most(*value, heard_by)
                && !at_most(*value, stamps.echo)
            {
                self.acks.pop_front();
            }
        }
    }

    /// The sender hears an acknowledgment.
    fn hear(&mut self, ack: &Ack, next: Option<Seq>) {
        let advances = ack.ack.after(self.una);
        let is_original = self.shows_original(ack);
        ack.beyond().for_each(|[left, right]| self.arrived.add(left, right));
        if ack.reports_duplicate {
            self.undo_left = self.undo_left.saturating_sub(1);
        }
        if advances {
            self.una = ack.ack;
            self.timeouts = 0;
            self.arrived.forget_before(ack.ack);
            self.again.forget_before(ack.ack);
        }
        let is_needless = self.first_again.is_some() && (self.is_older(ack) || self.undo_left == 0);
        match self.state {
            State::Loss { .. } if self.has_sack && advances && is_needless => self.open(),
            State::Loss { may_be_early: true, .. } if is_original => self.open(),
            State::Loss { until, .. } | State::Recovery(until) if self.is_over(until) => self.open(),
            State::Recovery(_) if ack.reports_duplicate && self.undo_left == 0 => self.open(),
            _ => {}
        }
        if self.state == State::Open
            && let Some(next) = next
            && self.arrived.bytes() > SEGMENTS_FOR_LOSS * self.mss_bytes
        {
            self.state = State::Recovery(next);
        }
    }

    /// It says that something arrived that was sent before the timeout, and not again.
    fn shows_original(&self, ack: &Ack) -> bool {
        let State::Loss { until, .. } = self.state else { return false };
        let is_once = |[left, right]: [Seq; 2]| {
            let mut news = self.arrived.gaps(left, right);
            news.any(|[left, right]| self.again.gaps(left, right).any(|[_, end]| end.at_or_before(until)))
        };
        // without SACK what was sent again may be what arrived
        let is_told = ack.ack.after(self.una) && (self.has_sack || !self.again.touches(self.una, ack.ack));
        is_told && is_once([self.una, ack.ack]) || ack.beyond().any(is_once)
    }

    /// It answers what was sent before the first retransmission (RFC 3522).
    fn is_older(&self, ack: &Ack) -> bool {
        let stamps = ack.stamps.zip(self.first_again);
        stamps.is_some_and(|([_, echo], first)| echo.wrapping_sub(first).cast_signed() < 0)
    }

    fn is_over(&self, until: Seq) -> bool {
        if self.has_sack { self.una.at_or_after(until) } else { self.una.after(until) }
    }

    fn open(&mut self) {
        (self.state, self.first_again, self.undo_left) = (State::Open, None, 0);
    }

    /// The first that goes again because of acknowledgments: what is missing before it was sent before it.
    fn enter_recovery(&mut self, segment: &Segment, timing: &Timing, next: Seq) {
        let until = next + u32::from(timing.missing) * self.mss_bytes;
        if timing.missing > 0 {
            self.hidden_until = Some([until, segment.ack]);
        }
        self.state = State::Recovery(until);
    }

    /// Without SACK an acknowledgment shows one hole at a time, and in recovery one segment goes again for it (RFC 6582
    /// §3.2, step 3). After a timeout everything does.
    fn is_beyond_newreno(&self, segment: &Segment) -> bool {
        let is_second = self.last.is_some_and(|last| last.by == By::Acks && last.una == self.una);
        let is_recovery = matches!(self.state, State::Recovery(_)) && !self.has_sack;
        is_recovery && is_second && segment.seq.after(self.una)
    }

    /// The sender sent this again, by its timer or not; what was out then ended at `next`.
    pub(super) fn on_again(&mut self, segment: &Segment, by: By, next: Seq, timing: &Timing) {
        let is_new_episode = self.state == State::Open;
        match by {
            By::Timeout => {
                let timeouts = timing.timeouts(segment);
                let may_be_early = is_new_episode || self.timeouts > 0 || timeouts > 1;
                self.timeouts = self.timeouts.saturating_add(timeouts);
                let hidden = timing.missing.saturating_sub(u16::from(timeouts - 1));
                let next = next + u32::from(hidden) * self.mss_bytes;
                self.hidden_until = (hidden > 0).then_some([next, segment.ack]);
                // what its timer sends again is the first that it does not know to have arrived
                if segment.seq.before(self.una) {
                    self.late = Some((self.una, std::mem::take(&mut self.arrived)));
                    self.una = segment.seq;
                }
                let is_begun =
                    is_new_episode || self.timeouts == 1 && matches!(self.state, State::Loss { .. });
                if is_begun {
                    (self.first_again, self.undo_left) = (None, 0);
                }
                self.state = State::Loss { until: next, may_be_early };
            }
            By::Probe => {
                self.again.add(segment.seq, segment.end());
                return;
            }
            By::Acks | By::ReorderTimer | By::Router => {
                if is_new_episode {
                    (self.first_again, self.undo_left) = (None, 0);
                }
                if self.first_again.is_none() && self.undo_left == 0 {
                    self.enter_recovery(segment, timing, next);
                } else if by == By::Acks && self.is_beyond_newreno(segment) {
                    self.state = State::Loss { until: next, may_be_early: false };
                }
            }
        }
        if self.first_again.is_none() {
            self.first_again = segment.options.timestamps.map(|stamps| stamps.value);
        }
        let lost_before = if by == By::Timeout { timing.timeouts(segment) - 1 } else { 0 };
        self.undo_left = self.undo_left.saturating_add(1 + u16::from(lost_before));
        let echo = segment.options.timestamps.map(|stamps| stamps.echo);
        self.last = Some(Last { by, echo, una: self.una });
        self.again.add(segment.seq, segment.end());
        if is_new_episode && by != By::Timeout {
            self.again_before.clear();
        }
        self.again_before.add(segment.seq, segment.end());
    }
}

/// By what a sender sends again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    Timeout,
    Acks,
    ReorderTimer,
    Probe,
    /// A router said that packets were too big for the path.
    Router,
}

impl By {
    pub(super) fn of(reason: SendReason) -> By {
        match reason {
            SendReason::Timeout => By::Timeout,
            SendReason::TailLossProbe => By::Probe,
            SendReason::ReorderTimeout => By::ReorderTimer,
            SendReason::PathMtu => By::Router,
            _ => By::Acks,
        }
    }
}

#[cfg(test)]
mod tests;
