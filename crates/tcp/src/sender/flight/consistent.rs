//! What must hold of a flight at every moment: for debug assertions, in all tests and worlds.

use super::{Flight, Place};
use wire::Seq;

/// A longer flight is not looked at: it would cost its length with every segment.
const RUNS_MAX: usize = 64;

impl Flight {
    /// Whether the runs cover `una..nxt` without a gap, and what they say in sum is what the counters say.
    pub(crate) fn is_consistent(&self, una: Seq, nxt: Seq) -> bool {
        if self.runs.is_empty() {
            return (self.in_flight_bytes, self.sacked_bytes, self.lost_bytes) == (0, 0, 0)
                && (self.sacked_segments, self.resent_bytes) == (0, 0);
        }
        if self.runs.len() > RUNS_MAX {
            return true;
        }
        let (mut at, mut in_flight, mut sacked, mut lost) = (self.start(), 0, 0, 0);
        let (mut sacked_segments, mut resent) = (0, 0);
        for run in self.runs.iter() {
            if run.start != at || !run.start.before(run.end) {
                return false;
            }
            at = run.end;
            match run.place {
                Place::InFlight => {
                    in_flight += run.bytes();
                    resent += if run.times > 0 { run.bytes() } else { 0 };
                }
                Place::Sacked => {
                    sacked += run.bytes();
                    sacked_segments += run.sacked_segments;
                }
                Place::Lost(_) => {
                    lost += run.bytes();
                    if run.start.before(self.lost_from) {
                        return false;
                    }
                }
            }
        }
        let is_covered = at == nxt && at == self.end && self.start() == una;
        is_covered
            && (in_flight, sacked, lost) == (self.in_flight_bytes, self.sacked_bytes, self.lost_bytes)
            && (sacked_segments, resent) == (self.sacked_segments, self.resent_bytes)
    }
}
