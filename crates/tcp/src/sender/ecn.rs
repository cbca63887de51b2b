//! What the peer tells of marks, and what a sender makes of it (RFC 3168 §6.1.2, RFC 9768 §3.2.2, §3.2.3, appendix A).
//!
//! A mark reduces the window as a loss does, once a round trip. This keeps the counters in step with the peer's, decides
//! whether what leaves is ECN-capable, and doubts a path that says what cannot be. It is boxed, because most
//! connections agree on nothing. What is *not* here: the handshake (`ecn.rs`), and what is told back to the peer
//! (`receiver/ecn.rs`).

use crate::congestion::{Congested, Controller, Reduction};
use crate::ecn::{EcnBytes, EcnDoubt, EcnFeedback, PACKETS_INITIAL, ace, handshake_field};
use crate::sender::flight::Heard;
use crate::sender::load::Load;
use crate::sender::phase::Phase;
use crate::sender::{Lent, Sender};
use crate::timers::Timer;
use crate::trace::Trace;
use crate::{Instant, RecoveryPhase};
use wire::Seq;
use wire::ip::Ecn;
use wire::tcp::{AccurateEcn, Flags};

/// If acknowledgments are for so many segments on average, in eighths, a long one says nothing of others that were lost
/// (RFC 9768 §A.2.1: well below 8).
const USUAL_SEGMENTS_X8_MAX: u32 = 5 * 8;
/// Round trips in which every packet was marked, from the first on, until the marks are not believed
/// (RFC 9768 §3.2.2.3).
const ROUNDS_ALL_MARKED_MAX: u8 = 4;

/// What an acknowledgment says of marks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Echo {
    /// AE, CWR and ECE are in it.
    pub(crate) flags: Flags,
    pub(crate) option: Option<AccurateEcn>,
    /// Its timestamp is newer than the last.
    pub(crate) is_newer: bool,
    /// It is the first that acknowledges our SYN-ACK.
    pub(crate) is_first: bool,
    /// It has no text and reports no gap.
    pub(crate) is_bare: bool,
}

/// What is known of marks on our packets.
#[derive(Debug)]
pub(crate) struct Heeds {
    kind: Kind,
    /// What leaves for the first time is ECN-capable.
    is_capable: bool,
    /// Marks are answered by a reduction.
    is_heeded: bool,
    /// CWR is owed to the peer, on the next new text (RFC 3168 §6.1.2).
    owes_cwr: bool,
    /// SND.NXT when the window was reduced last: marks on what was sent before say nothing new.
    reduced_at: Option<Seq>,
    /// The window cannot become smaller, so nothing new leaves until then.
    held_until: Option<Instant>,
    /// Packets of ours that arrived marked, as far as we know.
    marked_packets: u32,
    /// What was delivered since the peer last said that something arrived as ECT(1), or marked.
    unconfirmed_bytes: u32,
}

#[derive(Debug)]
enum Kind {
    Classic,
    Accurate(Counters),
}

#[derive(Debug)]
struct Counters {
    /// s.cep.
    packets: u32,
    bytes: EcnBytes,
    options: Options,
    /// s.cep when an option arrived last.
    packets_at_option: u32,
    /// How many segments an acknowledgment is for, on average, in eighths.
    usual_segments_x8: u32,
    /// Some packet was not marked.
    has_seen_unmarked: bool,
    rounds_all_marked: u8,
}

/// Whether the peer's options get through (RFC 9768 §3.2.3.2.3, §3.2.3.2.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Options {
    Missing,
    Arrive,
    /// They were cleared on the way.
    Ignored,
}

/// How much is newly marked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Marked {
    packets: u32,
    doubt: Option<EcnDoubt>,
}

impl Heeds {
    pub(crate) fn new(feedback: EcnFeedback) -> Self {
        let kind = match feedback {
            EcnFeedback::Off | EcnFeedback::Classic => Kind::Classic,
            EcnFeedback::Accurate => Kind::Accurate(Counters {
                packets: PACKETS_INITIAL,
                bytes: EcnBytes::INITIAL,
                options: Options::Missing,
                packets_at_option: PACKETS_INITIAL,
                usual_segments_x8: 0,
                has_seen_unmarked: false,
                rounds_all_marked: 0,
            }),
        };
        Heeds {
            kind,
            is_capable: true,
            is_heeded: true,
            owes_cwr: false,
            reduced_at: None,
            held_until: None,
            marked_packets: 0,
            unconfirmed_bytes: 0,
        }
    }

    /// What is sent from now on is not ECN-capable; some doubts say that marks mean nothing either. Returns whether that
    /// is news.
    pub(crate) fn doubt(&mut self, doubt: EcnDoubt) -> bool {
        if matches!(doubt, EcnDoubt::ClearedFlags | EcnDoubt::MarksEverything) {
            self.is_heeded = false;
        }
        core::mem::take(&mut self.is_capable)
    }

    /// What leaves for the first time is ECN-capable.
    pub(crate) fn is_capable(&self) -> bool {
        self.is_capable
    }

    /// Packets of ours that arrived marked, as far as we know.
    pub(crate) fn marked_packets(&self) -> u32 {
        self.marked_packets
    }

    /// Bytes of ours by the field with which they arrived, from zero on.
    pub(crate) fn bytes(&self) -> EcnBytes {
        match &self.kind {
            Kind::Classic => EcnBytes::default(),
            Kind::Accurate(Counters { bytes, .. }) => bytes.since_the_beginning(),
        }
    }

    /// Exactly how much is marked is told, and is to be believed: what a scalable controller needs (RFC 9331 §4.2).
    pub(crate) fn tell_shares(&self) -> bool {
        self.is_capable && self.is_heeded && matches!(self.kind, Kind::Accurate(_))
    }

    /// What was delivered since the peer last said that ECT(1) gets through.
    pub(crate) fn unconfirmed_bytes(&self) -> u32 {
        self.unconfirmed_bytes
    }

    /// No new text until then.
    pub(crate) fn hold_until(&mut self, until: Instant) {
        self.held_until = Some(until);
    }

    /// The ECN field of text that leaves for the first time, `capable` if it may be, and the flags with CWR if it is owed.
    pub(crate) fn on_new_text(&mut self, flags: Flags, capable: Ecn) -> (Ecn, Flags) {
        let owes = core::mem::take(&mut self.owes_cwr) && matches!(self.kind, Kind::Classic);
        let field = if self.is_capable { capable } else { Ecn::NotCapable };
        (field, if owes { flags | Flags::CWR } else { flags })
    }

    /// The window was reduced, for whatever reason (RFC 3168 §6.1.2).
    pub(crate) fn on_reduced(&mut self, nxt: Seq) {
        (self.owes_cwr, self.reduced_at) = (true, Some(nxt));
    }

    /// It was not necessary.
    pub(crate) fn on_undone(&mut self) {
        (self.owes_cwr, self.reduced_at) = (false, None);
    }

    /// Whether an acknowledgment tells of marks that were not told before.
    pub(crate) fn hears_of_marks_in(&self, echo: &Echo) -> bool {
        match &self.kind {
            Kind::Classic => echo.flags.contains(Flags::ECE),
            Kind::Accurate(counters) => ace(echo.flags) != counters.packets as u8 & 7,
        }
    }

    /// The first segment on which the option can be: its counters cannot be zero yet, unless somebody has cleared them.
    pub(crate) fn on_first_option(&mut self, option: Option<AccurateEcn>) {
        let Kind::Accurate(counters) = &mut self.kind else { return };
        let Some(option) = option else { return };
        let is_cleared = option.e0b() == Some(0) || option.e1b() == Some(0);
        counters.options = if is_cleared { Options::Ignored } else { Options::Arrive };
        counters.count_bytes(&option);
    }

    /// The peer tells of marks, with an acknowledgment for this much.
    fn hear(&mut self, echo: &Echo, heard: &Heard, mss: u32) -> Marked {
        let before = self.bytes();
        let mut marked = match &mut self.kind {
            Kind::Classic => Marked { packets: u32::from(echo.flags.contains(Flags::ECE)), doubt: None },
            Kind::Accurate(counters) if echo.is_first && echo.is_bare => {
                let marked = counters.hear_third_step(ace(echo.flags));
                self.on_first_option(echo.option);
                marked
            }
            Kind::Accurate(counters) => {
                let marked = counters.hear(echo, heard, mss);
                if echo.is_first {
                    self.on_first_option(echo.option);
                }
                marked
            }
        };
        self.marked_packets = self.marked_packets.wrapping_add(marked.packets);
        let EcnBytes { e0b: _, ceb, e1b } = self.bytes();
        let is_confirmed = marked.packets > 0 || (ceb, e1b) != (before.ceb, before.e1b);
        self.unconfirmed_bytes =
            if is_confirmed { 0 } else { self.unconfirmed_bytes.saturating_add(heard.delivered_bytes) };
        if !self.is_heeded || marked.doubt == Some(EcnDoubt::ClearedFlags) {
            marked.packets = 0;
        }
        marked
    }
}

impl Counters {
    /// The third step tells with which field the SYN-ACK arrived, which left as not capable (RFC 9768 table 4, §3.2.2.3).
    fn hear_third_step(&mut self, ace: u8) -> Marked {
        let doubt = match (ace, handshake_field(ace)) {
            (0, _) => Some(EcnDoubt::ClearedFlags),
            (_, None | Some(Ecn::NotCapable)) => None,
            (_, Some(_)) => Some(EcnDoubt::MangledField),
        };
        let packets = u32::from(handshake_field(ace) == Some(Ecn::CongestionExperienced));
        self.packets = PACKETS_INITIAL + packets;
        self.packets_at_option = self.packets;
        Marked { packets, doubt }
    }

    fn hear(&mut self, echo: &Echo, heard: &Heard, mss: u32) -> Marked {
        let newly_bytes = heard.advanced_bytes.max(heard.delivered_bytes);
        if newly_bytes == 0 && !echo.is_newer {
            // It has been superseded by another, or brings nothing (RFC 9768 §A.1).
            return Marked::default();
        }
        let segments = if newly_bytes == 0 { 0 } else { newly_bytes.div_ceil(mss.max(1)) };
        let least = u32::from(ace(echo.flags).wrapping_sub(self.packets as u8) & 7);
        let option = echo.option.filter(|_| self.options != Options::Ignored);
        let marked_bytes = option.map(|option| {
            if self.options == Options::Missing {
                self.options = Options::Arrive;
            }
            self.count_bytes(&option)
        });
        let packets = self.packets_for(least, segments, marked_bytes, mss);
        self.packets = self.packets.wrapping_add(packets);
        let is_certain = segments < 8;
        let contradicts = marked_bytes.is_some_and(|bytes| bytes > 0)
            && self.packets == self.packets_at_option
            && is_certain;
        if marked_bytes.is_some() {
            self.packets_at_option = self.packets;
        }
        if segments > 0 {
            let sample = segments.min(64);
            self.usual_segments_x8 = self.usual_segments_x8 - self.usual_segments_x8 / 8 + sample;
            self.has_seen_unmarked |= packets < segments;
        }
        let doubt = contradicts.then_some(EcnDoubt::ContradictoryCounters);
        Marked { packets, doubt }
    }

    /// How many packets are newly marked, if the field has grown by `least` modulo 8 with an acknowledgment for so many
    /// segments (RFC 9768 §A.2).
    fn packets_for(&self, least: u32, segments: u32, marked_bytes: Option<u32>, mss: u32) -> u32 {
        if segments < least + 8 {
            return least;
        }
        let safer = segments - (segments - least) % 8;
        let is_enough = match marked_bytes {
            Some(bytes) => {
                let fits = u64::from(bytes) <= u64::from(mss) * u64::from(least);
                fits && u64::from(bytes) * 2 < u64::from(mss) * u64::from(safer)
            }
            None => self.usual_segments_x8 >= USUAL_SEGMENTS_X8_MAX,
        };
        if is_enough { least } else { safer }
    }

    /// Takes over the counters of an option. Returns how many bytes are newly marked.
    fn count_bytes(&mut self, option: &AccurateEcn) -> u32 {
        let grow = |counter: &mut u32, field: Option<u32>| {
            let grown = field.map_or(0, |field| field.wrapping_sub(*counter) & 0xff_ffff);
            *counter = counter.wrapping_add(grown);
            grown
        };
        grow(&mut self.bytes.e0b, option.e0b());
        grow(&mut self.bytes.e1b, option.e1b());
        grow(&mut self.bytes.ceb, option.ceb())
    }
}

impl Sender {
    /// What an acknowledgment says of marks while nothing was in flight but perhaps our SYN-ACK.
    #[inline(never)]
    pub(super) fn hear_echo_alone(&mut self, echo: &Echo, ack: Seq, lent: &mut Lent<'_>) {
        let advanced_bytes = ack.bytes_since(self.una);
        let heard = Heard { advanced_bytes, ..Heard::default() };
        let packets = Sender::hear_marks(echo, &heard, ack, lent);
        if packets > 0 && Sender::asks_for_reduction(lent) {
            self.reduce_for_marks(self.congestion.cwnd_bytes(), lent);
            self.trace_congestion(&Phase::Open, lent);
        }
    }

    /// What an acknowledgment of the flight says of marks; a mark begins a reduction as a loss does. Returns whether one
    /// did.
    #[inline(never)]
    pub(super) fn hear_echo(
        &mut self,
        load: &mut Load,
        heard: &Heard,
        (echo, ack): (&Echo, Seq),
        flight_bytes: u32,
        lent: &mut Lent<'_>,
    ) -> bool {
        let packets = Sender::hear_marks(echo, heard, ack, lent);
        let asks = packets > 0 && Sender::asks_for_reduction(lent);
        if self.congestion.is_scalable() {
            if asks && let Some(heeds) = &mut lent.heeds {
                // Another round of marks.
                heeds.on_reduced(self.nxt);
            }
            self.tell_scalable(load, heard, ack, packets, lent);
            return false;
        }
        if !asks || !matches!(load.phase, Phase::Open) {
            return false;
        }
        self.reduce_for_marks(flight_bytes, lent);
        // No retransmission will show that it was in vain.
        load.episode = None;
        if !load.flight.is_empty() {
            let prr = self.way_down(load, heard, ack, lent);
            load.phase = Phase::Cwr { point: self.nxt, prr };
            lent.tracer.note(|| Trace::Phase { phase: RecoveryPhase::Cwr, sign: None });
        }
        true
    }

    /// How many packets are newly said to be marked.
    fn hear_marks(echo: &Echo, heard: &Heard, ack: Seq, lent: &mut Lent<'_>) -> u32 {
        let Some(heeds) = &mut lent.heeds else { return 0 };
        let marked = heeds.hear(echo, heard, lent.mss);
        heeds.reduced_at = heeds.reduced_at.filter(|nxt| ack.at_or_before(*nxt));
        if let Some(doubt) = marked.doubt
            && heeds.doubt(doubt)
        {
            lent.tracer.note(|| Trace::EcnDoubted { doubt });
        }
        if marked.packets > 0 {
            lent.tracer.note(|| Trace::Marks { packets: marked.packets });
        }
        marked.packets
    }

    /// Whether marks that are news ask for a reduction: none that tell of what was sent before the last one.
    fn asks_for_reduction(lent: &mut Lent<'_>) -> bool {
        let Some(heeds) = &mut lent.heeds else { return false };
        if heeds.reduced_at.is_some() {
            return false;
        }
        if let Kind::Accurate(counters) = &mut heeds.kind
            && !counters.has_seen_unmarked
        {
            counters.rounds_all_marked += 1;
            if counters.rounds_all_marked >= ROUNDS_ALL_MARKED_MAX {
                let doubt = EcnDoubt::MarksEverything;
                heeds.doubt(doubt);
                lent.tracer.note(|| Trace::EcnDoubted { doubt });
                return false;
            }
        }
        true
    }

    /// The peer says that our SYN or SYN-ACK was marked (RFC 9768 §3.2.2.2).
    pub(crate) fn reduce_for_handshake(&mut self, lent: &mut Lent<'_>) {
        let window_bytes = self.congestion.cwnd_bytes();
        self.reduce_for_marks(window_bytes, lent);
        self.trace_congestion(&Phase::Open, lent);
    }

    fn reduce_for_marks(&mut self, flight_bytes: u32, lent: &mut Lent<'_>) {
        let (now, mss) = (lent.now, lent.mss);
        let was_smallest = self.congestion.cwnd_bytes() <= mss;
        let in_flight_bytes = flight_bytes.max(mss);
        // A model of the path has an answer of its own, and so has what counts marks.
        let is_scalable = self.congestion.is_scalable();
        let is_gentle = lent.config.alternative_backoff || is_scalable || self.congestion.has_model();
        let why = if is_gentle { Congested::Marked } else { Congested::Lost };
        let pipe_bytes = in_flight_bytes;
        self.congestion.on_congestion(&Reduction { now, why, in_flight_bytes, pipe_bytes, mss });
        let held_until = now.plus_micros(self.rtt.rto_us().into());
        if let Some(heeds) = &mut lent.heeds {
            heeds.on_reduced(self.nxt);
            // A window of one segment cannot be halved; the timer makes the pace slower (RFC 3168 §6.1.2).
            heeds.held_until = (was_smallest && !is_scalable).then_some(held_until);
        }
    }

    /// New text has to wait, because marks have made the window as small as it can be.
    #[inline(never)]
    pub(super) fn is_held_by_marks(lent: &mut Lent<'_>) -> bool {
        let Some(heeds) = &mut lent.heeds else { return false };
        heeds.held_until = heeds.held_until.filter(|until| *until > lent.now);
        let Some(until) = heeds.held_until else { return false };
        if lent.timers.due(Timer::Pace) != Some(until) {
            lent.arm(Timer::Pace, until);
            lent.tracer.note(|| Trace::PacingWait { until });
        }
        true
    }

    /// The window was reduced because of a loss.
    pub(super) fn note_reduction(&self, lent: &mut Lent<'_>) {
        if let Some(heeds) = &mut lent.heeds {
            heeds.on_reduced(self.nxt);
        }
    }
}

#[cfg(test)]
mod tests;
