//! How much may be in flight: what the controllers are told, and what they answer.
//!
//! A controller decides the congestion window and the slow-start threshold, BBR the rate as well, and nothing else.
//! Which bytes are lost, when an episode of congestion begins and ends, how fast a reduction takes effect (RFC 9937)
//! and whether the window was filled are the sender's to decide. One algorithm, one file; slow start (standard or
//! HyStart++) and avoidance (Reno or CUBIC) are parts that know nothing of each other. BBR is none of these: it has a
//! model of the path. Prague follows the share of marks instead of single ones.

mod bbr;
mod cubic;
mod cwnd;
mod new_reno;
mod prague;
mod rounds;
mod slow_start;
mod validation;

#[cfg(test)]
mod tests;

pub use bbr::ProbeReason;
pub(crate) use bbr::{Bbr, Measured, Transport};
pub(crate) use cubic::Cubic;
pub(crate) use new_reno::NewReno;
pub use prague::ScalableDoubt;
pub(crate) use prague::{Answer, Feedback, Prague};

use crate::sender::DeliveryRate;
use crate::{CongestionControl, Instant};
use alloc::boxed::Box;
use cwnd::Cwnd;
use wire::Seq;
use wire::ip::Ecn;

/// What an acknowledgment said, as far as a controller is concerned.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Acked {
    /// When it arrived.
    pub(crate) now: Instant,
    /// Bytes that it newly delivers, cumulatively or by SACK.
    pub(crate) bytes: u32,
    /// Bytes in flight before it.
    pub(crate) in_flight_bytes_before: u32,
    /// The round-trip time of the newest delivered segment that was never sent again, in nanoseconds.
    pub(crate) rtt_ns: Option<u64>,
    /// The smoothed round-trip time in microseconds; 0: none yet.
    pub(crate) srtt_us: u32,
    /// SND.UNA after it.
    pub(crate) una: Seq,
    /// SND.NXT after it. Rounds are counted with these two.
    pub(crate) nxt: Seq,
    /// The sender filled the window in the last round trip, or would have without its pacer. False: the window
    /// does not grow (RFC 7661 §4.4).
    pub(crate) cwnd_limited: bool,
    /// The sender paces.
    pub(crate) paced: bool,
    /// SMSS with the options taken off, in bytes.
    pub(crate) mss: u32,
    /// By how much this acknowledgment may open the window in slow start (the limit L of RFC 3465 §2.2);
    /// `u32::MAX`: by all that it acknowledges.
    pub(crate) growth_bytes_max: u32,
    /// An episode of congestion has not ended: a controller that answers to losses does not grow.
    pub(crate) recovering: bool,
}

/// How the network said that it is too full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Congested {
    /// It dropped something.
    Lost,
    /// It marked something (ECN, RFC 3168).
    Marked,
}

/// An episode of congestion begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reduction {
    /// When it was noticed.
    pub(crate) now: Instant,
    /// The sign.
    pub(crate) why: Congested,
    /// FlightSize (RFC 5681 §2): what was in flight before anything of it was marked as lost.
    pub(crate) in_flight_bytes: u32,
    /// What is in flight after it was.
    pub(crate) pipe_bytes: u32,
    /// SMSS with the options taken off, in bytes.
    pub(crate) mss: u32,
}

/// What a controller finds when it takes over from another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Takeover {
    pub(crate) transport: Transport,
    /// Of the flight that is out.
    pub(crate) counters: DeliveryRate,
    pub(crate) initial_window_bytes: u32,
    /// The connection's ISS, for decisions that should not be the same everywhere.
    pub(crate) seed: Seq,
    /// In the middle of a recovery.
    pub(crate) is_recovering: bool,
}

/// By which rule a window grows: what a trace says of a controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Growth {
    /// By what is acknowledged: twice the window each round trip (RFC 5681 §3.1).
    SlowStart,
    /// By a quarter of that, because round trips became longer (RFC 9406 §4.2).
    ConservativeSlowStart,
    /// By the clock, slower than Reno would: as fast as Reno, then (RFC 9438 §4.3).
    RenoFriendly,
    /// By the clock, ever more slowly, towards the window of the last loss (RFC 9438 §4.4).
    Concave,
    /// By the clock, ever faster, away from the window of the last loss (RFC 9438 §4.5).
    Convex,
    /// By one segment each round trip (RFC 5681 §3.1).
    Linear,
    /// BBR: faster each round trip, until the rate at which data is delivered stops growing.
    Startup,
    /// BBR: slower than data is delivered, until the queue of the start is gone.
    Drain,
    /// BBR: a little slower than data is delivered, to leave room.
    ProbeBwDown,
    /// BBR: as fast as data is delivered.
    ProbeBwCruise,
    /// BBR: as fast as data is delivered, with the short-term bounds lifted, before it probes for more.
    ProbeBwRefill,
    /// BBR: a quarter faster than data is delivered, to find out whether there is more.
    ProbeBwUp,
    /// BBR: half of what the path holds in flight, to measure the round trip without a queue.
    ProbeRtt,
    /// Prague: by one segment each round trip, or 25 ms if that is longer, for what arrives unmarked.
    Scalable,
}

impl Growth {
    /// Its short name, for tables and JSON: `slow-start`, `conservative-slow-start`, `reno-friendly`, `concave`,
    /// `convex` or `linear`; `startup`, `drain`, `probe-bw-down`, `probe-bw-cruise`, `probe-bw-refill`, `probe-bw-up` or
    /// `probe-rtt`; `scalable`.
    pub const fn name(self) -> &'static str {
        match self {
            Growth::SlowStart => "slow-start",
            Growth::ConservativeSlowStart => "conservative-slow-start",
            Growth::RenoFriendly => "reno-friendly",
            Growth::Concave => "concave",
            Growth::Convex => "convex",
            Growth::Linear => "linear",
            Growth::Startup => "startup",
            Growth::Drain => "drain",
            Growth::ProbeBwDown => "probe-bw-down",
            Growth::ProbeBwCruise => "probe-bw-cruise",
            Growth::ProbeBwRefill => "probe-bw-refill",
            Growth::ProbeBwUp => "probe-bw-up",
            Growth::ProbeRtt => "probe-rtt",
            Growth::Scalable => "scalable",
        }
    }
}

/// A congestion controller; windows in bytes.
pub(crate) trait Controller {
    /// The congestion window.
    fn cwnd_bytes(&self) -> u32;

    /// The slow-start threshold; `u32::MAX` until the path's capacity was met once.
    fn ssthresh_bytes(&self) -> u32;

    /// At how many bytes a second to send, whatever the round trip; `None`: the pacer derives it from the window and
    /// SRTT.
    fn pacing_rate(&self) -> Option<u64> {
        None
    }

    /// In a recovery the window is its own, too, instead of that of PRR (RFC 9937).
    fn reduces_by_itself(&self) -> bool {
        false
    }

    /// Something was delivered.
    fn on_acked(&mut self, acked: &Acked);

    /// An episode of congestion begins: at most once a round trip. Sets ssthresh, and the window to it; the window
    /// alone may fall to one segment at a mark (RFC 9438 §4.6), and is never raised.
    fn on_congestion(&mut self, reduction: &Reduction);

    /// The retransmission timer ran out: one segment, then slow start. `again`: for the same data once more, so
    /// that ssthresh stays (RFC 5681 §3.1).
    fn on_timeout(&mut self, reduction: &Reduction, again: bool);

    /// The episode is over: everything sent before it began is acknowledged.
    fn on_recovered(&mut self) {}

    /// It was no congestion after all. `before` is a clone from the start of the episode. A window that has become
    /// larger than that one meanwhile stays (RFC 9438 §4.9.2).
    fn on_undo(&mut self, before: &Self, now: Instant);

    /// Data is about to be sent after longer than the retransmission timeout without any: slow start anew from
    /// min(IW, cwnd) (RFC 5681 §4.1).
    fn on_idle(&mut self, now: Instant, initial_window_bytes: u32);

    /// Data is about to be sent when nothing was in flight, and the window is kept: one that was not validated for
    /// five minutes decays towards IW (RFC 7661 §4.4.3). Instead of [`Controller::on_idle`], where slow start after
    /// idle is off.
    fn on_resumed(&mut self, now: Instant, initial_window_bytes: u32);

    /// Nothing is in flight any more: what only matters within a flight is freed. The time until data is sent again
    /// is not counted.
    fn on_quiet(&mut self, now: Instant);

    /// The path carries only smaller packets: one segment, then slow start back to where the window was
    /// (RFC 1191 §6.5).
    fn on_mtu(&mut self, mss: u32);

    /// By which rule the window grows now.
    fn explain(&self) -> Growth;
}

/// The controller of a connection: one value, without `dyn`, so that a connection can be cloned and compared.
#[derive(Clone, Debug)]
pub(crate) enum Congestion {
    /// RFC 5681.
    NewReno(NewReno),
    /// RFC 9438 and RFC 9406.
    Cubic(Cubic),
    /// draft-ietf-ccwg-bbr.
    Bbr(Box<Bbr>),
    /// draft-briscoe-iccrg-prague-congestion-control.
    Prague(Box<Prague>),
}

// An idle connection is counted in bytes; what only loaded ones need is in boxes.
const _: () = assert!(size_of::<Congestion>() <= 32);

/// The same call on whichever it is.
macro_rules! either {
    ($congestion:expr, $controller:ident => $call:expr) => {
        match $congestion {
            Congestion::NewReno($controller) => $call,
            Congestion::Cubic($controller) => $call,
            Congestion::Bbr($controller) => $call,
            Congestion::Prague($controller) => $call,
        }
    };
}

impl Congestion {
    /// The controller of that name, with this much to begin with (RFC 6928 §2). `seed`: the connection's ISS.
    #[inline]
    pub(crate) fn new(control: CongestionControl, initial_window_bytes: u32, seed: Seq) -> Self {
        match control {
            CongestionControl::NewReno => Congestion::NewReno(NewReno::new(initial_window_bytes)),
            CongestionControl::Cubic => Congestion::Cubic(Cubic::new(initial_window_bytes)),
            CongestionControl::Bbr => Congestion::Bbr(new_model(initial_window_bytes, seed)),
            CongestionControl::Prague => Congestion::Prague(new_scalable(initial_window_bytes)),
        }
    }

    /// Which one it is.
    pub(crate) fn control(&self) -> CongestionControl {
        match self {
            Congestion::NewReno(_) => CongestionControl::NewReno,
            Congestion::Cubic(_) => CongestionControl::Cubic,
            Congestion::Bbr(_) => CongestionControl::Bbr,
            Congestion::Prague(_) => CongestionControl::Prague,
        }
    }

    /// Memory of the controllers that are large whatever they do.
    pub(crate) fn held_bytes(&self) -> usize {
        match self {
            Congestion::NewReno(_) | Congestion::Cubic(_) => 0,
            Congestion::Bbr(_) => size_of::<Bbr>(),
            Congestion::Prague(_) => size_of::<Prague>(),
        }
    }

    /// It has a model of the path: it wants to hear what each acknowledgment measured and of each loss.
    #[inline]
    pub(crate) fn has_model(&self) -> bool {
        matches!(self, Congestion::Bbr(_))
    }

    /// The controller that has a model of the path.
    #[inline]
    pub(crate) fn model(&self) -> Option<&Bbr> {
        match self {
            Congestion::Bbr(model) => Some(model),
            Congestion::NewReno(_) | Congestion::Cubic(_) | Congestion::Prague(_) => None,
        }
    }

    #[inline]
    pub(crate) fn model_mut(&mut self) -> Option<&mut Bbr> {
        match self {
            Congestion::Bbr(model) => Some(model),
            Congestion::NewReno(_) | Congestion::Cubic(_) | Congestion::Prague(_) => None,
        }
    }

    /// It answers to the share of marks, and has not been replaced by one that does not: its packets are ECT(1), and
    /// leave in small bursts.
    #[inline]
    pub(crate) fn is_scalable(&self) -> bool {
        matches!(self, Congestion::Prague(prague) if prague.scalable().is_some())
    }

    /// The controller that answers to the share of marks, or would if the path let it.
    #[inline]
    pub(crate) fn prague_mut(&mut self) -> Option<&mut Prague> {
        match self {
            Congestion::Prague(prague) => Some(prague),
            Congestion::NewReno(_) | Congestion::Cubic(_) | Congestion::Bbr(_) => None,
        }
    }

    /// The window of a scalable controller that pacing is to spread over a round trip, however small it is.
    #[inline]
    pub(crate) fn finely_paced_bytes(&self) -> Option<u32> {
        match self {
            Congestion::Prague(prague) => prague.scalable().map(|scalable| scalable.paced_bytes()),
            Congestion::NewReno(_) | Congestion::Cubic(_) | Congestion::Bbr(_) => None,
        }
    }

    /// The ECN field of what is ECN-capable: ECT(1) asks for the treatment of L4S (RFC 9331 §4.1).
    pub(crate) fn capable_field(&self) -> Ecn {
        if self.is_scalable() { Ecn::Capable1 } else { Ecn::Capable0 }
    }

    /// Another controller takes over, with the window and the threshold as they are.
    pub(crate) fn switch(&mut self, control: CongestionControl, takeover: &Takeover) {
        if control == self.control() {
            return;
        }
        let Transport { now, mss, .. } = takeover.transport;
        let cwnd: Cwnd = either!(self, controller => controller.cwnd()).taken_over(mss);
        *self = match control {
            CongestionControl::NewReno => Congestion::NewReno(NewReno::with(cwnd)),
            CongestionControl::Cubic => Congestion::Cubic(Cubic::with(cwnd, now, mss)),
            CongestionControl::Bbr => Congestion::Bbr(Box::new(Bbr::with(cwnd.bytes, takeover))),
            CongestionControl::Prague => Congestion::Prague(Box::new(Prague::with(cwnd))),
        };
    }
}

#[inline(never)]
fn new_scalable(initial_window_bytes: u32) -> Box<Prague> {
    Box::new(Prague::new(initial_window_bytes))
}

/// Apart: it is large, and the other controllers are a few numbers.
#[inline(never)]
fn new_model(initial_window_bytes: u32, seed: Seq) -> Box<Bbr> {
    Box::new(Bbr::new(initial_window_bytes, seed))
}

impl Controller for Congestion {
    fn cwnd_bytes(&self) -> u32 {
        either!(self, controller => controller.cwnd_bytes())
    }

    fn ssthresh_bytes(&self) -> u32 {
        either!(self, controller => controller.ssthresh_bytes())
    }

    fn pacing_rate(&self) -> Option<u64> {
        either!(self, controller => controller.pacing_rate())
    }

    fn reduces_by_itself(&self) -> bool {
        self.has_model()
    }

    fn on_acked(&mut self, acked: &Acked) {
        either!(self, controller => controller.on_acked(acked));
    }

    fn on_congestion(&mut self, reduction: &Reduction) {
        either!(self, controller => controller.on_congestion(reduction));
    }

    fn on_timeout(&mut self, reduction: &Reduction, again: bool) {
        either!(self, controller => controller.on_timeout(reduction, again));
    }

    fn on_recovered(&mut self) {
        either!(self, controller => controller.on_recovered());
    }

    fn on_undo(&mut self, before: &Self, now: Instant) {
        match (self, before) {
            (Congestion::NewReno(controller), Congestion::NewReno(before)) => controller.on_undo(before, now),
            (Congestion::Cubic(controller), Congestion::Cubic(before)) => controller.on_undo(before, now),
            (Congestion::Bbr(controller), Congestion::Bbr(before)) => controller.on_undo(before, now),
            (Congestion::Prague(controller), Congestion::Prague(before)) => controller.on_undo(before, now),
            // Another controller took over meanwhile: what the first one knew does not fit it.
            (Congestion::NewReno(_) | Congestion::Cubic(_), _)
            | (Congestion::Bbr(_) | Congestion::Prague(_), _) => {}
        }
    }

    fn on_idle(&mut self, now: Instant, initial_window_bytes: u32) {
        either!(self, controller => controller.on_idle(now, initial_window_bytes));
    }

    fn on_resumed(&mut self, now: Instant, initial_window_bytes: u32) {
        either!(self, controller => controller.on_resumed(now, initial_window_bytes));
    }

    fn on_quiet(&mut self, now: Instant) {
        either!(self, controller => controller.on_quiet(now));
    }

    fn on_mtu(&mut self, mss: u32) {
        either!(self, controller => controller.on_mtu(mss));
    }

    fn explain(&self) -> Growth {
        either!(self, controller => controller.explain())
    }
}
