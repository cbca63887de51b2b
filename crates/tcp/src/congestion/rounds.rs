//! What is counted while much is in flight: round trips, what each delivered, and HyStart++'s round-trip times.
//!
//! Made when half of the window is in flight, because less can neither validate it nor fill a queue; freed when
//! nothing is in flight. Short exchanges never make it.

use super::slow_start::HyStart;
use super::validation::PipeAck;
use super::{Acked, Reduction};
use crate::Instant;
use wire::Seq;

/// The rounds of one flight (RFC 9406 §4.2: a round ends when what was SND.NXT at its start is acknowledged).
#[derive(Clone, Copy, Debug)]
pub(super) struct Rounds {
    end: Seq,
    /// Delivered in this round.
    bytes: u32,
    pipe_ack: PipeAck,
    /// Only in the initial slow start, and only where the controller uses it.
    pub(super) hystart: Option<HyStart>,
}

impl Rounds {
    /// The rounds from this acknowledgment on; `None`: too little is in flight to need them.
    pub(super) fn begin(acked: &Acked, cwnd_bytes: u32) -> Option<Self> {
        let worth_it = acked.cwnd_limited || acked.in_flight_bytes_before >= cwnd_bytes / 2;
        worth_it.then(|| Rounds {
            end: acked.nxt,
            bytes: 0,
            pipe_ack: PipeAck::new(acked.now),
            hystart: None,
        })
    }

    /// Something was delivered outside of recovery. Returns whether a round ended.
    pub(super) fn on_acked(&mut self, acked: &Acked) -> bool {
        self.bytes = self.bytes.saturating_add(acked.bytes);
        if acked.una.before(self.end) {
            return false;
        }
        self.pipe_ack.on_round(acked.now, self.bytes, acked.srtt_us);
        self.bytes = 0;
        self.end = acked.nxt;
        true
    }

    /// An episode begins: nothing is measured in it, and what was measured is void after it (RFC 7661 §4.2, §4.4.1);
    /// HyStart++ is for the initial slow start alone (RFC 9406 §4.3).
    pub(super) fn on_congestion(&mut self, now: Instant) {
        self.pipe_ack.forget(now);
        self.bytes = 0;
        self.hystart = None;
    }

    /// Whether the window counts as validated.
    pub(super) fn validates(&self, now: Instant, cwnd_bytes: u32) -> bool {
        self.pipe_ack.validates(now, cwnd_bytes)
    }

    /// pipeACK, where a reduction has to heed it: the window is not validated.
    pub(super) fn pipe_ack_bytes(&self, reduction: &Reduction, cwnd_bytes: u32) -> Option<u32> {
        self.pipe_ack.bytes(reduction.now).filter(|_| !self.validates(reduction.now, cwnd_bytes))
    }
}
