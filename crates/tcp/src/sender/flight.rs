//! What was sent and is not acknowledged: the scoreboard (RFC 2018, RFC 2883, RFC 6675).
//!
//! A [`Run`] is one transmission, a segment or a super-segment. Runs stand in sequence order; a run is split
//! only where the edge of a SACK block falls on a boundary of its segments, and SACKed neighbours become one,
//! so that there are never more runs than segments in flight. Everything that can count as lost goes through
//! [`Flight::lose`]; the cost of an acknowledgment depends on what it newly says, not on the window.
//!
//! What is *not* here: deciding that something is lost (`rack.rs`, `duplicates.rs`), and how much may be sent.

#[cfg(debug_assertions)]
mod consistent;
mod delivered;
mod lost;
#[cfg(test)]
mod tests;

pub(crate) use delivered::{Belief, Heard, Newest};
pub(crate) use lost::{LostRun, Search};

use crate::Instant;
use crate::fifo::Fifo;
use crate::sender::rate::{DeliveryRate, Stamp};
use crate::trace::LossSign;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use wire::Seq;

/// From here on a new segment joins the last run instead of making another: a window of 32 MiB has 23,000
/// segments of Ethernet's size, and a peer with a tiny MSS must not make us keep a million runs.
const RUNS_MAX: usize = 16_384;

/// How many retransmissions are remembered at least, beside two for each run.
const AGAIN_MIN: usize = 16;

/// Where a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the network, as far as we know.
    InFlight,
    /// The peer has it (RFC 2018).
    Sacked,
    /// It counts as lost and has not been sent again.
    Lost(LossSign),
}

/// Bytes that were sent together and are not acknowledged yet. A FIN counts as one byte.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    pub(crate) start: Seq,
    pub(crate) end: Seq,
    pub(crate) sent_at: Instant,
    /// Orders what was sent at one instant: its end at first, one past all that had been sent when it goes again.
    order: Seq,
    pub(crate) stamp: Stamp,
    /// By what the text was cut into segments.
    segment_bytes: u16,
    /// SACKed: how many segments it was.
    sacked_segments: u32,
    /// How often it was sent again.
    pub(crate) times: u8,
    pub(crate) place: Place,
}

impl Run {
    pub(crate) fn bytes(&self) -> u32 {
        self.end.bytes_since(self.start)
    }

    /// Whether its segments have more text than `mss`.
    pub(crate) fn is_cut_above(&self, mss: u32) -> bool {
        u32::from(self.segment_bytes) > mss && self.bytes() > mss
    }

    /// What tells which of two transmissions left later.
    fn newest(&self) -> Newest {
        Newest { sent_at: self.sent_at, order: self.order, end: self.end }
    }

    /// The first boundary of its segments at or after `at`.
    fn boundary_from(&self, at: Seq) -> Seq {
        let size = u32::from(self.segment_bytes.max(1));
        (self.start + at.bytes_since(self.start).div_ceil(size) * size).earliest(self.end)
    }

    /// The last boundary of its segments at or before `at`.
    fn boundary_until(&self, at: Seq) -> Seq {
        if at == self.end {
            return at;
        }
        let size = u32::from(self.segment_bytes.max(1));
        self.start + at.bytes_since(self.start) / size * size
    }
}

/// A transmission of what had been sent before.
#[derive(Clone, Copy, Debug)]
struct Again {
    start: Seq,
    end: Seq,
    sent_at: Instant,
}

/// What is to be sent again: a range without a hole, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hole {
    pub(crate) start: Seq,
    pub(crate) end: Seq,
    pub(crate) sign: LossSign,
}

/// Everything sent and not cumulatively acknowledged.
#[derive(Clone, Debug)]
pub(crate) struct Flight {
    runs: Fifo<Run>,
    /// What was lost since the controller was told, if it wants to be told. No more than there are runs.
    losses: Option<Vec<LostRun>>,
    /// One past the last byte sent.
    end: Seq,
    /// Where the FIN stands, once sent: a boundary as well, because who reports the text before it need not report it.
    pub(crate) fin: Option<Seq>,
    in_flight_bytes: u32,
    sacked_bytes: u32,
    sacked_segments: u32,
    lost_bytes: u32,
    /// In flight, and sent again.
    resent_bytes: u32,
    /// One past the highest byte delivered (RFC 8985's RACK.fack).
    highest: Seq,
    /// Below it every run that was sent once is known to be delivered or lost.
    undecided: Seq,
    /// What was sent again, in the order of sending; entries that are acknowledged stay until they come first.
    again: VecDeque<Again>,
    /// No run below it is lost.
    lost_from: Seq,
    pub(crate) rate: DeliveryRate,
}

impl Flight {
    /// Nothing in flight; the next byte is `next`.
    pub(crate) fn new(next: Seq) -> Self {
        Flight {
            runs: Fifo::default(),
            losses: None,
            end: next,
            fin: None,
            in_flight_bytes: 0,
            sacked_bytes: 0,
            sacked_segments: 0,
            lost_bytes: 0,
            resent_bytes: 0,
            highest: next,
            undecided: next,
            again: VecDeque::new(),
            lost_from: next,
            rate: DeliveryRate::default(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Memory that it takes besides itself.
    #[inline]
    pub(crate) fn held_bytes(&self) -> usize {
        let losses = self.losses.as_ref().map_or(0, Vec::capacity) * size_of::<LostRun>();
        self.runs.held_bytes() + self.again.capacity() * size_of::<Again>() + losses
    }

    /// The first byte that is not acknowledged.
    pub(crate) fn start(&self) -> Seq {
        self.runs.first().map_or(self.end, |first| first.start)
    }

    /// Bytes in the network, as far as we know: neither delivered nor lost.
    pub(crate) fn in_flight_bytes(&self) -> u32 {
        self.in_flight_bytes
    }

    /// Bytes that the peer reports beyond what it acknowledges.
    pub(crate) fn sacked_bytes(&self) -> u32 {
        self.sacked_bytes
    }

    /// Segments that the peer reports beyond what it acknowledges.
    pub(crate) fn sacked_segments(&self) -> u32 {
        self.sacked_segments
    }

    /// Bytes that count as lost and have not been sent again.
    pub(crate) fn lost_bytes(&self) -> u32 {
        self.lost_bytes
    }

    /// Bytes sent again that are in flight.
    pub(crate) fn resent_bytes(&self) -> u32 {
        self.resent_bytes
    }

    /// The first run, whose first byte is SND.UNA.
    pub(crate) fn first(&self) -> Option<&Run> {
        self.runs.first()
    }

    /// The last segment, for a tail loss probe; a FIN belongs to the text before it.
    pub(crate) fn last_segment(&self) -> Option<(Seq, Seq)> {
        let run = self.runs.last()?;
        let size = u32::from(run.segment_bytes.max(1));
        let whole = self.text_bytes(run).saturating_sub(1) / size * size;
        Some((run.start + whole, run.end))
    }

    /// Bytes of the segment that `seq` lies within; `None` if it is not in flight, or the peer has it.
    pub(crate) fn segment_at(&self, seq: Seq) -> Option<u32> {
        let run = self.runs.get(self.index_of(seq))?;
        let is_within = run.start.at_or_before(seq) && run.place != Place::Sacked;
        is_within.then(|| run.bytes().min(run.segment_bytes.into()))
    }

    /// How much of `start..end` counts as lost and has not been sent again.
    pub(crate) fn lost_bytes_within(&self, start: Seq, end: Seq) -> u32 {
        let from = self.index_of(start);
        let runs = (from..).map_while(|index| self.runs.get(index)).take_while(|run| run.start.before(end));
        runs.filter(|run| matches!(run.place, Place::Lost(_))).map(Run::bytes).sum()
    }

    /// What counts as lost, and `is_meant`, is lost by another sign than it seemed. Looks at every run.
    pub(crate) fn blame_where(&mut self, sign: LossSign, is_meant: impl Fn(&Run) -> bool) {
        for run in self.runs.iter_mut().filter(|run| matches!(run.place, Place::Lost(_))) {
            if is_meant(run) {
                run.place = Place::Lost(sign);
            }
        }
    }

    /// Whether all that is in flight fits one segment.
    pub(crate) fn is_one_segment(&self) -> bool {
        self.runs.len() == 1
            && self.runs.first().is_some_and(|run| self.text_bytes(run) <= u32::from(run.segment_bytes))
    }

    /// The bytes of a run without the FIN.
    fn text_bytes(&self, run: &Run) -> u32 {
        run.bytes() - u32::from(self.fin.is_some_and(|fin| fin + 1 == run.end))
    }

    /// `start..end` leaves, cut by `segment_bytes`: what was sent before, or new data behind it, or both.
    pub(crate) fn on_sent(&mut self, now: Instant, start: Seq, end: Seq, segment_bytes: u16) {
        if start.before(self.end) {
            self.on_sent_again(now, start, end.earliest(self.end), segment_bytes);
        }
        if end.after(self.end) {
            self.on_sent_first(now, start.latest(self.end), end, segment_bytes);
        }
    }

    /// `start..end` leaves for the first time.
    fn on_sent_first(&mut self, now: Instant, start: Seq, end: Seq, segment_bytes: u16) {
        debug_assert!(start == self.end && start.before(end), "new data follows what was sent");
        let bytes = end.bytes_since(start);
        let stamp = self.rate.on_sent(now, self.in_flight_bytes, bytes);
        self.in_flight_bytes += bytes;
        self.end = end;
        if self.runs.len() >= RUNS_MAX
            && let Some(last) = self.runs.last_mut().filter(|last| {
                last.place == Place::InFlight
                    && last.times == 0
                    && last.segment_bytes == segment_bytes
                    && last.bytes().is_multiple_of(u32::from(segment_bytes.max(1)))
            })
        {
            (last.end, last.order, last.sent_at) = (end, end, now);
            return;
        }
        let run = Run {
            start,
            end,
            sent_at: now,
            order: end,
            stamp,
            segment_bytes,
            sacked_segments: 0,
            times: 0,
            place: Place::InFlight,
        };
        self.runs.push(run);
    }

    /// `start..end` leaves again.
    #[inline(never)]
    fn on_sent_again(&mut self, now: Instant, start: Seq, end: Seq, segment_bytes: u16) {
        let stamp = self.rate.on_sent(now, self.in_flight_bytes, end.bytes_since(start));
        let (from, to) = (self.split(start), self.split(end));
        for index in from..to {
            let run = &mut self.runs[index];
            let (bytes, place, times) = (run.bytes(), run.place, run.times);
            (run.sent_at, run.order) = (now, self.end + 1);
            run.stamp = stamp;
            run.segment_bytes = segment_bytes;
            run.times = run.times.saturating_add(1);
            match place {
                Place::Lost(_) => {
                    self.lost_bytes -= bytes;
                    self.in_flight_bytes += bytes;
                    self.resent_bytes += bytes;
                    run.place = Place::InFlight;
                }
                // A probe: it was never taken out.
                Place::InFlight if times == 0 => self.resent_bytes += bytes,
                Place::InFlight => {}
                Place::Sacked => run.times = times,
            }
        }
        self.again.push_back(Again { start, end, sent_at: now });
        if self.again.len() > 2 * self.runs.len() + AGAIN_MIN {
            // The same again and again, as a closed window is probed: older entries say nothing.
            self.judge_anew();
        }
    }

    /// Nothing was lost after all: what has not been sent again is in flight.
    pub(crate) fn find_again(&mut self) {
        for run in self.runs.iter_mut() {
            if matches!(run.place, Place::Lost(_)) {
                run.place = Place::InFlight;
                let bytes = run.bytes();
                self.in_flight_bytes += bytes;
                if run.times > 0 {
                    self.resent_bytes += bytes;
                }
            }
        }
        self.lost_bytes = 0;
        self.lost_from = self.end;
        self.judge_anew();
    }

    /// The peer does not have what it reported (RFC 2018 §8): all of it counts as in flight, to be judged anew.
    pub(crate) fn forget_sacks(&mut self) {
        for run in self.runs.iter_mut() {
            if run.place == Place::Sacked {
                (run.place, run.sacked_segments) = (Place::InFlight, 0);
                let bytes = run.bytes();
                self.in_flight_bytes += bytes;
                if run.times > 0 {
                    self.resent_bytes += bytes;
                }
            }
        }
        (self.sacked_bytes, self.sacked_segments) = (0, 0);
        self.judge_anew();
    }

    /// Nothing in flight is known to be delivered or lost any more.
    fn judge_anew(&mut self) {
        self.undecided = self.runs.first().map_or(self.end, |run| run.start);
        // Those that were sent again count from their last sending; the queue has to know all of them.
        let mut again: Vec<Again> = self
            .runs
            .iter()
            .filter(|run| run.times > 0 && run.place == Place::InFlight)
            .map(|run| Again { start: run.start, end: run.end, sent_at: run.sent_at })
            .collect();
        again.sort_by_key(|again| again.sent_at);
        self.again = again.into();
    }

    /// Whether the first run is SACKed: its sender should have acknowledged it, so it has thrown it away.
    pub(crate) fn is_reneged(&self) -> bool {
        self.runs.first().is_some_and(|first| first.place == Place::Sacked)
    }

    /// The first hole to be sent again, at most `most` bytes of it.
    pub(crate) fn next_lost(&mut self, most: u32) -> Option<Hole> {
        if self.lost_bytes == 0 {
            return None;
        }
        let mut index = self.index_of(self.lost_from);
        let (start, mut end, sign) = loop {
            let run = self.runs.get(index)?;
            if let Place::Lost(sign) = run.place {
                break (run.start, run.end, sign);
            }
            index += 1;
        };
        self.lost_from = start;
        while end.bytes_since(start) < most
            && let Some(next) = self.runs.get(index + 1).filter(|next| next.place == Place::Lost(sign))
        {
            end = next.end;
            index += 1;
        }
        Some(Hole { start, end: end.earliest(start + most), sign })
    }

    /// The run that begins at `at`; splits the one that `at` lies within.
    fn split(&mut self, at: Seq) -> usize {
        let index = self.index_of(at);
        let Some(run) = self.runs.get_mut(index).filter(|run| run.start.before(at)) else { return index };
        let right = Run { start: at, ..*run };
        run.end = at;
        run.stamp.cut(right.bytes());
        self.runs.insert(index + 1, right);
        index + 1
    }

    /// The run that `at` lies within, or the first after it.
    fn index_of(&self, at: Seq) -> usize {
        // Nearly always the first or none at all.
        match self.runs.first() {
            Some(first) if first.end.after(at) => 0,
            Some(_) if at == self.end => self.runs.len(),
            _ => self.runs.partition_point(|run| run.end.at_or_before(at)),
        }
    }
}
