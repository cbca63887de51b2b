//! What counts as lost of a flight: the one function through which anything does, and the searches that call it.
//!
//! Deciding when is `rack.rs`'s and `duplicates.rs`'s.

use super::{Again, Flight, Newest, Place, Run, Stamp};
use crate::Instant;
use crate::trace::LossSign;
use alloc::vec::Vec;
use wire::Seq;

/// What a search for losses found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Search {
    /// Bytes that newly count as lost.
    pub(crate) lost_bytes: u32,
    /// When the next run will be old enough to count as lost.
    pub(crate) due: Option<Instant>,
}

/// A run that has just been marked as lost, for a controller that judges each loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LostRun {
    pub(crate) start: Seq,
    pub(crate) end: Seq,
    pub(crate) stamp: Stamp,
    /// Lost since it left, itself included.
    pub(crate) lost_bytes: u32,
}

impl Flight {
    /// Marks what is lost: everything sent so long before the `newest` delivery that `patience_ns` have passed since
    /// then (RFC 8985 §6.2, step 5).
    pub(crate) fn lose_older(
        &mut self,
        now: Instant,
        newest: Newest,
        patience_ns: u64,
        sign: LossSign,
    ) -> Search {
        let mut search = Search::default();
        let mut index = self.index_of(self.undecided);
        while let Some(run) = self.runs.get(index) {
            if run.place == Place::InFlight && run.times == 0 {
                if !newest.is_after(run.newest()) {
                    break;
                }
                let deadline = run.sent_at.plus_nanos(patience_ns);
                if deadline > now {
                    search.due = Some(deadline);
                    break;
                }
                search.lost_bytes += self.lose(index, sign);
            }
            index += 1;
        }
        self.undecided = self.runs.get(index).map_or(self.end, |run| run.start);
        while let Some(Again { start, end, sent_at }) = self.again.front().copied() {
            let mut index = self.index_of(start);
            let mut is_decided = true;
            while let Some(run) = self.runs.get(index).filter(|run| run.start.before(end)) {
                if run.place == Place::InFlight && run.times > 0 && run.sent_at == sent_at {
                    let deadline = run.sent_at.plus_nanos(patience_ns);
                    if !newest.is_after(run.newest()) {
                        is_decided = false;
                        break;
                    }
                    if deadline > now {
                        search.due = Some(search.due.map_or(deadline, |due| due.min(deadline)));
                        is_decided = false;
                        break;
                    }
                    search.lost_bytes += self.lose(index, sign);
                }
                index += 1;
            }
            if !is_decided {
                break;
            }
            self.again.pop_front();
        }
        search
    }

    /// Marks as lost what `is_lost` names; returns how many bytes newly are. Looks at every run: for what happens
    /// seldom, a timeout or a smaller path.
    pub(crate) fn lose_where(&mut self, sign: LossSign, is_lost: impl Fn(&Run) -> bool) -> u32 {
        let mut bytes = 0;
        for index in 0..self.runs.len() {
            if self.runs[index].place == Place::InFlight && is_lost(&self.runs[index]) {
                bytes += self.lose(index, sign);
            }
        }
        bytes
    }

    /// The first segment is lost; returns how many bytes newly are.
    pub(crate) fn lose_first(&mut self, sign: LossSign) -> u32 {
        let Some(first) = self.runs.first().filter(|first| first.place == Place::InFlight) else { return 0 };
        let end = first.boundary_from(first.start + 1);
        self.split(end);
        self.lose(0, sign)
    }

    pub(super) fn lose(&mut self, index: usize, sign: LossSign) -> u32 {
        let run = &mut self.runs[index];
        let bytes = run.bytes();
        run.place = Place::Lost(sign);
        self.in_flight_bytes -= bytes;
        self.lost_bytes += bytes;
        if run.times > 0 {
            self.resent_bytes -= bytes;
        }
        self.lost_from = self.lost_from.earliest(run.start);
        if sign.is_congestion() {
            let lost = self.rate.on_lost(run.stamp, bytes);
            if let Some(losses) = &mut self.losses {
                let Run { start, end, stamp, .. } = *run;
                losses.push(LostRun { start, end, stamp, lost_bytes: lost.wrapping_sub(stamp.lost) });
            }
        }
        bytes
    }

    /// From now on each loss is kept for [`Flight::take_losses`].
    pub(crate) fn keep_losses(&mut self) {
        self.losses.get_or_insert_default();
    }

    /// What was lost since this was asked last, in the order in which it was marked.
    pub(crate) fn take_losses(&mut self) -> Vec<LostRun> {
        self.losses.as_mut().map(core::mem::take).unwrap_or_default()
    }
}
