//! The times of a connection, and how long its path takes.

use super::Half;
use crate::limits::{NEAR_PART, RTT_NS_MAX};
use crate::nanos::Nanos;
use crate::pair::Pair;
use crate::{Segment, Side};

/// When it began, and its handshake.
#[derive(Debug)]
pub(crate) struct Times {
    pub(crate) first_ns: u64,
    /// The latest time of its segments.
    pub(crate) last_ns: u64,
    /// The last frame of the connection that had the same ends before.
    pub(crate) previous_end: Option<Nanos>,
    /// The latest SYN without ACK, and with it.
    pub(super) syn: Option<Nanos>,
    syn_ack: Option<Nanos>,
    /// From the SYN to the end of the handshake.
    pub(crate) initial_rtt: Option<Nanos>,
}

/// What an acknowledgment is measured by: times, and the size of segments.
#[derive(Clone, Copy, Debug)]
pub(super) struct PathTimes {
    /// From the capture point to the end and back.
    pub(super) turn_ns: u64,
    pub(super) initial_rtt_ns: Option<u64>,
    /// The largest text of one segment that both ends allow.
    pub(super) mss_bytes: u32,
}

/// How an end is seen from the capture point.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sight {
    /// The round trip of the path as far as known.
    pub(super) rtt_ns: u64,
    /// From the capture point to the end and back; 0 while that is not known.
    pub(super) turn_ns: u64,
    /// The capture was taken near it.
    pub(super) is_near: bool,
}

impl Sight {
    /// From the capture point to the end and back, if it is not near.
    pub(super) fn far_turn_ns(self) -> Option<u64> {
        (!self.is_near).then_some(self.turn_ns)
    }
}

impl Times {
    pub(super) fn new(first_ns: u64, previous_end: Option<Nanos>) -> Times {
        let (syn, syn_ack, initial_rtt) = (None, None, None);
        Times { first_ns, last_ns: first_ns, previous_end, syn, syn_ack, initial_rtt }
    }

    #[inline]
    pub(super) fn on_segment(&mut self, segment: &Segment) {
        let now_ns = segment.time.as_nanos();
        self.last_ns = self.last_ns.max(now_ns);
        match (segment.flags.syn(), segment.flags.ack()) {
            (true, false) => self.syn = Some(Nanos::of(now_ns)),
            (true, true) => self.syn_ack = Some(Nanos::of(now_ns)),
            _ => {}
        }
    }

    /// From the SYN to the first ACK that is no SYN, though no RST of what was not sent; that segment is
    /// itself judged without it.
    #[inline]
    pub(super) fn note_initial_rtt(&mut self, segment: &Segment, other: &Half) {
        let flags = segment.flags;
        if self.initial_rtt.is_some() || !flags.ack() || flags.syn() {
            return;
        }
        let acks_syn = || other.judged.base.is_none_or(|base| segment.ack.after(base));
        if !flags.rst() || acks_syn() {
            let since_syn = |syn: Nanos| segment.time.as_nanos().saturating_sub(syn.ns());
            // a capture with coarse times can show zero; then a later acknowledgment has to do
            self.initial_rtt = self.syn.map(since_syn).filter(|ns| *ns > 0).map(Nanos::of);
        }
    }

    pub(super) fn initial_rtt_ns(&self) -> Option<u64> {
        self.initial_rtt.map(Nanos::ns)
    }

    /// The round trip of the path as far as known: of the handshake, or both ways together.
    #[inline]
    pub(super) fn rtt_ns(&self, halves: &Pair<Half>) -> u64 {
        let both = || halves.iter().filter_map(|half| half.sender.srtt_ns()).sum();
        self.initial_rtt_ns().unwrap_or_else(both).clamp(1, RTT_NS_MAX)
    }

    /// How the end that sends is seen.
    #[inline]
    pub(super) fn sight(&self, halves: &Pair<Half>, from: Side) -> Sight {
        let rtt_ns = self.rtt_ns(halves);
        let (half, other) = halves.of(from);
        let turn_ns = self.known_turn_ns(half, other);
        // a handshake that was lost in part seems to take long
        let back_ns = self.known_turn_ns(other, half);
        let both_ways_ns =
            turn_ns.zip(back_ns).map_or(rtt_ns, |(there_ns, back_ns)| rtt_ns.min(there_ns + back_ns));
        let is_near = turn_ns.is_some_and(|turn_ns| turn_ns < both_ways_ns / NEAR_PART);
        Sight { rtt_ns, turn_ns: turn_ns.unwrap_or(0), is_near }
    }

    /// What the handshake shows will not change by a segment without SYN.
    #[inline]
    pub(super) fn is_settled(&self) -> bool {
        self.initial_rtt.is_some() || self.syn.is_none()
    }

    /// The round trip of what `half` sends, with the queues that it meets at present; `rtt_ns` is that of the path.
    pub(super) fn round_trip_ns(&self, half: &Half, other: &Half, rtt_ns: u64) -> u64 {
        let srtt_ns = half.sender.srtt_ns().map(|srtt_ns| srtt_ns + self.turn_ns(half, other));
        rtt_ns.max(srtt_ns.unwrap_or(0)).min(RTT_NS_MAX)
    }

    /// From the capture point to `half` and back: how long after a segment its answer can be seen.
    #[inline]
    pub(crate) fn turn_ns(&self, half: &Half, other: &Half) -> u64 {
        self.known_turn_ns(half, other).unwrap_or(0)
    }

    /// The same; `None` while neither the handshake nor an answer has shown it.
    #[inline]
    pub(super) fn known_turn_ns(&self, half: &Half, other: &Half) -> Option<u64> {
        self.turn_to_ns(half.end.is_passive, other.traffic.rtt.min_ns())
    }

    /// The same, of an end that accepted or opened, by the quickest answer of its own.
    #[inline]
    pub(super) fn turn_to_ns(&self, is_passive: bool, answer_ns: Option<u64>) -> Option<u64> {
        let handshake = match (self.syn, self.syn_ack, self.initial_rtt) {
            (Some(syn), Some(syn_ack), Some(rtt)) => {
                let to_acceptor_ns = syn_ack.ns().saturating_sub(syn.ns()).min(rtt.ns());
                Some(if is_passive { to_acceptor_ns } else { rtt.ns() - to_acceptor_ns })
            }
            _ => None,
        };
        let least = match (handshake, answer_ns) {
            (Some(handshake), Some(answer)) => Some(handshake.min(answer)),
            (handshake, answer) => handshake.or(answer),
        };
        least.map(|turn_ns| turn_ns.min(RTT_NS_MAX))
    }
}
