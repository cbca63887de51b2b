//! Why a segment was sent, in the engine's own words ([`tcp::SendReason`]).
//!
//! A capture shows what was sent, not why; the reason is concluded from what the sender had seen, so
//! each answer has a confidence, the evidence, and the other candidates. It takes SACK, timestamps,
//! IP identification and the clock into account, which Wireshark's verdicts do not. What is *not*
//! here: those verdicts, and the states.

mod ack;
mod afar;
mod clock;
mod data;
mod era;
mod evidence;
mod loss;
mod lost_before;
mod marks;
mod needless;
mod order;
mod overtaken;
mod packet_ids;
mod path_probe;
mod patience;
mod place;
mod reopened;
mod resent;
mod reset;
mod retransmission;
mod sender;
mod settled;
mod signs;
mod tick;
mod timed;
mod timers;

#[cfg(test)]
mod tests;

pub(crate) use afar::Afar;
pub(crate) use era::{has_probes, has_reorder_timer};
pub use evidence::Evidence;
pub use loss::RetransmissionCounts;
pub(crate) use loss::{Loss, Reported};
pub(crate) use marks::{Overdue, Sending};
pub(crate) use overtaken::Circumstances;
pub(crate) use path_probe::PacketSizes;
pub use path_probe::PathProbes;
pub(crate) use place::Place;
pub(crate) use sender::{Sender, Twice};
pub(crate) use settled::TextOf;
pub(crate) use tick::Ticks;
pub(crate) use timers::is_alone;

use crate::live::Before;
use crate::metrics::Closed;
use crate::verdicts::{Judged, Remembered, Verdicts};
use crate::{EndState, Frame, Segment};
use signs::TIMEOUT_NS_MIN;
use tcp::SendReason;

/// How sure a conclusion is, in percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Confidence(u8);

impl Confidence {
    /// The header itself says it.
    pub const CERTAIN: Confidence = Confidence(100);
    /// Several signs agree.
    pub const HIGH: Confidence = Confidence(90);
    /// It is the usual reason.
    pub const LIKELY: Confidence = Confidence(75);
    /// Better than the candidates, not by much.
    pub const LOW: Confidence = Confidence(50);

    /// Several signs agree where they are best seen: text that goes again, captured where it is sent.
    pub const NEAR_CERTAIN: Confidence = Confidence(97);

    /// The same signs, seen where the text is sent: what was likely from afar is nearly certain there. Measured beside a
    /// kernel's own word; see `docs/causes.md`.
    pub(crate) const fn seen_near(self) -> Confidence {
        if self.0 >= Confidence::LIKELY.0 && self.0 < Confidence::NEAR_CERTAIN.0 {
            Confidence::NEAR_CERTAIN
        } else {
            self
        }
    }

    /// The same signs, seen where the text arrives, by what its sender is known to know: measured beside a kernel's own word
    /// they are right more often than they were thought to be; see `docs/causes.md`.
    pub(crate) const fn seen_afar(self) -> Confidence {
        match self {
            Confidence::LIKELY => Confidence(82),
            Confidence::LOW => Confidence(62),
            other => other,
        }
    }

    /// The percentage.
    pub const fn percent(self) -> u8 {
        self.0
    }
}

/// Why a segment was sent, as far as the capture shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Why {
    /// The likeliest reason; of a reordered segment the reason for which it was sent at first.
    pub reason: SendReason,
    /// How sure that is.
    pub confidence: Confidence,
    /// Other reasons that fit.
    pub candidates: [Option<SendReason>; 2],
    /// What the conclusion rests on.
    pub evidence: Evidence,
    /// For a timeout: the time since the bytes were sent before, which is the timeout it implies, in
    /// nanoseconds.
    pub implied_rto_ns: Option<u64>,
    /// For a probe of the path's MTU, and for what goes again because one was lost: the size of the probe's packet, in
    /// bytes.
    pub path_probe_bytes: Option<u32>,
    /// How the segment stands to those before it.
    pub order: Order,
}

/// How a segment stands to those of its sender that were captured before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Order {
    /// It continues, or it repeats in the order in which it was sent.
    #[default]
    InOrder,
    /// It was overtaken on the way: sent before what was captured before it.
    Reordered,
    /// The same packet was captured twice; it was sent once.
    CapturedTwice {
        /// The frame that holds it first.
        first: Frame,
    },
}

impl Why {
    pub(crate) fn new(reason: SendReason, confidence: Confidence) -> Why {
        Why {
            reason,
            confidence,
            candidates: [None; 2],
            evidence: Evidence::NONE,
            implied_rto_ns: None,
            path_probe_bytes: None,
            order: Order::InOrder,
        }
    }

    pub(crate) fn or(mut self, other: SendReason) -> Why {
        match &mut self.candidates {
            [first @ None, _] => *first = Some(other),
            [_, second @ None] => *second = Some(other),
            _ => {}
        }
        self
    }

    pub(crate) fn by(mut self, evidence: Evidence) -> Why {
        self.evidence |= evidence;
        self
    }
}

/// All that the question is asked about.
pub(crate) struct Scene<'a> {
    pub(crate) segment: &'a Segment,
    pub(crate) judged: &'a Judged,
    /// What was known before the segment.
    pub(crate) prior: &'a Before,
    pub(crate) sent: &'a Remembered,
    pub(crate) other: &'a Remembered,
    /// The ends after it.
    pub(crate) sender_after: EndState,
    pub(crate) receiver_after: EndState,
    /// The frame with the same packet, if there is one.
    pub(crate) captured_twice: Option<Frame>,
    /// When the sender's last SYN (or SYN,ACK, if this is one) was captured.
    pub(crate) same_syn_ns: Option<u64>,
    /// When the latest SYN without ACK was captured, of either end.
    pub(crate) asked_ns: Option<u64>,
    /// The path's round-trip time as far as known, in nanoseconds.
    pub(crate) rtt_ns: u64,
    /// The time from here to the sender and back, in nanoseconds.
    pub(crate) turn_ns: u64,
    /// The capture was taken near the sender: what it does is seen when it does it.
    pub(crate) is_near: bool,
    /// The receiver answers this connection's segments with suspicion: its last segment was a RST or
    /// SYN that a synchronized end must challenge.
    pub(crate) other_was_suspicious: bool,
    /// The ends agreed on SACK.
    pub(crate) has_sack: bool,
    /// And the time is one in which tails are probed: without SACK nobody does (RFC 8985 §7).
    pub(crate) has_probes: bool,
    /// For what goes again: when the receiver's window was closed last, if it is open again.
    pub(crate) reopened: Option<Closed>,
    /// The largest text of one segment that both ends allow, as far as known.
    pub(crate) mss_bytes: u32,
    /// A timer of the sender's host can have run out just now; `None` where that is not known. Asked of text that goes
    /// again.
    pub(crate) is_at_tick: Option<bool>,
    /// Of a RST: what its sender has received and certainly not read.
    pub(crate) unread_bytes: u32,
}

/// The answer. `from` and `to` are the memories of the sender and of the other end.
#[inline]
pub(crate) fn why(scene: &Scene<'_>, from: &mut Sender, to: &Sender) -> Why {
    let flags = scene.segment.flags;
    if let Some(first) = scene.captured_twice {
        let repeated = Why::new(from.last_reason, Confidence::HIGH).by(Evidence::SEEN_BEFORE);
        return Why { order: Order::CapturedTwice { first }, ..repeated };
    }
    if flags.rst() {
        return reset::why_reset(scene, from, to);
    }
    if flags.syn() {
        return why_syn(scene);
    }
    if scene.judged.verdicts.intersects(Verdicts::PROBES)
        && let Some(probe) = why_probe(scene)
    {
        return probe;
    }
    if scene.segment.text_bytes > 0 || flags.fin() {
        return data::why_data(scene, from, to);
    }
    ack::why_ack(scene, to)
}

#[inline(never)]
fn why_syn(scene: &Scene<'_>) -> Why {
    let first = if scene.segment.flags.ack() { SendReason::SynAck } else { SendReason::Syn };
    match scene.same_syn_ns {
        // the SYN came again, and is answered again: when this one comes no timer can have run out since the last
        Some(before_ns)
            if scene.segment.flags.ack()
                && (scene.asked_ns.is_some_and(|asked| asked > before_ns)
                    || scene.segment.time.as_nanos().saturating_sub(before_ns) < TIMEOUT_NS_MIN) =>
        {
            Why::new(first, Confidence::NEAR_CERTAIN)
                .or(SendReason::Timeout)
                .by(Evidence::SEEN_BEFORE | Evidence::TIMING)
        }
        Some(before_ns) => {
            let rto_ns = scene.segment.time.as_nanos().saturating_sub(before_ns);
            let again = Why::new(SendReason::Timeout, Confidence::NEAR_CERTAIN).or(first);
            let again = again.by(Evidence::SEEN_BEFORE | Evidence::TIMING);
            Why { implied_rto_ns: Some(rto_ns), ..again }
        }
        None => Why::new(first, Confidence::CERTAIN),
    }
}

/// Keep-alives and window probes, and the answers to them.
#[inline(never)]
fn why_probe(scene: &Scene<'_>) -> Option<Why> {
    let verdicts = scene.judged.verdicts;
    if verdicts.contains(Verdicts::ZERO_WINDOW_PROBE) {
        return Some(Why::new(SendReason::ZeroWindowProbe, Confidence::HIGH));
    }
    // a byte that waits for its acknowledgment is sent again, and asks nothing
    let is_again = scene.segment.text_bytes > 0
        && !scene.other.is_closed()
        && scene.prior.acknowledged.is_none_or(|una| una.at_or_before(scene.segment.seq));
    if verdicts.contains(Verdicts::KEEP_ALIVE) && !is_again {
        // Linux probes a closed window with the number before the next and no byte
        return Some(if scene.other.is_closed() {
            Why::new(SendReason::ZeroWindowProbe, Confidence::HIGH).or(SendReason::KeepAlive)
        } else if scene.prior.in_flight {
            Why::new(SendReason::KeepAlive, Confidence::LOW)
                .or(SendReason::Timeout)
                .or(SendReason::ZeroWindowProbe)
        } else {
            Why::new(SendReason::KeepAlive, Confidence::HIGH).or(SendReason::ZeroWindowProbe)
        });
    }
    if verdicts.intersects(Verdicts::KEEP_ALIVE_ACK | Verdicts::ZERO_WINDOW_PROBE_ACK) {
        return Some(Why::new(SendReason::ProbeAck, Confidence::HIGH));
    }
    None
}
