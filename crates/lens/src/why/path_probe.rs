//! Probes of a larger path MTU: one segment of new text larger than all before, and what became of it
//! (RFC 4821 §7.4 to §7.6, RFC 8899 §5).
//!
//! A capture shows sizes, not intentions. What suffices: many full segments of one size, which an application does not
//! write (no PSH); then one larger packet, no multiple of them, within the MSS, amid a flow that goes on. A
//! super-segment is a multiple or beyond the MSS; whoever sends those here is not judged at all. A sender that has
//! simply gone over to larger segments looks the same at first, unless a probe of that size has arrived. So the reason
//! is likely and no more; what follows confirms a probe (the next segment is small again) or refutes it, and only
//! confirmed ones are counted.

use super::{Confidence, Evidence, Scene, Why};
use crate::{Frame, Segment};
use tcp::SendReason;
use wire::Seq;

/// Full segments of one size that show how large segments are at present: fewer than the windows of senders
/// that probe (Linux and synfin want eleven).
const FULL_SEGMENTS_MIN: u8 = 8;

/// What became of the probes of one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct PathProbes {
    /// Probes that were acknowledged.
    pub arrived: u32,
    /// Probes that were lost, and whose text went again in smaller segments.
    pub lost: u32,
    /// The largest packet that arrived, in bytes; 0 for none.
    pub arrived_bytes_max: u32,
    /// The smallest packet that was lost, in bytes; 0 for none.
    pub lost_bytes_min: u32,
    /// The first and the last of their frames.
    pub frames: [Frame; 2],
}

/// How large the packets of a sender are, and its probe in flight.
#[derive(Clone, Debug, Default)]
pub(crate) struct PacketSizes {
    /// The largest packet with text so far, and that text; no packet has more than 65,535 bytes.
    full_bytes: u16,
    full_text_bytes: u16,
    /// Packets of this size, without PSH.
    full_count: u8,
    /// Super-segments were captured: sizes say nothing.
    is_joined: bool,
    probing: Option<Box<Probing>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Probing {
    in_flight: Option<Probe>,
    probes: PathProbes,
    /// Since this frame a timer has sent smaller segments: the sender takes the path for narrow.
    small_since: Frame,
    /// The path turned out to be too small for what is in flight.
    shrunk: Option<Shrunk>,
}

#[derive(Clone, Copy, Debug)]
struct Probe {
    start: Seq,
    end: Seq,
    bytes: u32,
    /// Packets were so large before.
    before_bytes: u32,
    frame: Frame,
    /// The next segment was small again.
    is_confirmed: bool,
    is_lost: bool,
}

/// What was sent before `frame`, and ends at or before `until`, goes again in smaller segments.
#[derive(Clone, Copy, Debug)]
struct Shrunk {
    frame: Frame,
    until: Seq,
}

/// By what else smaller text goes again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shrunken {
    /// The retransmission timer may have sent it, or its timeout goes on.
    pub(super) timer: bool,
    /// An acknowledgment, or a timer before, shows that what was sent before is lost.
    pub(super) shown_lost: bool,
}

impl PacketSizes {
    /// A packet of this sender is too big; what is in flight ends at `next`.
    pub(crate) fn on_too_big(&mut self, frame: Frame, next: Seq) {
        self.probing.get_or_insert_default().shrunk = Some(Shrunk { frame, until: next });
    }

    /// Text that goes again because it was in a packet too big for the path (RFC 1191 §6.5, RFC 8201 §5.4): a part of
    /// a segment, cut smaller than it was, without a timeout before; and then all that was in flight with it.
    /// What a timer sends is no sign of the path, nor what an acknowledgment has shown to be lost of what was sent before
    /// segments became small.
    pub(super) fn why_shrunk(&mut self, scene: &Scene<'_>, by: Shrunken) -> Option<Why> {
        let (segment, earlier) = (scene.segment, scene.prior.earlier?);
        let is_of =
            |shrunk: &Shrunk| earlier.frame < shrunk.frame && segment.end().at_or_before(shrunk.until);
        let [start, end] = scene.prior.earlier_text;
        let is_cut = !self.is_joined
            && segment.seq.at_or_after(start)
            && segment.end().before(end)
            && segment.text_bytes < self.full_text_bytes.into();
        let (packet, text) = (saturated(segment.ip_bytes), saturated(segment.text_bytes));
        let was_larger = self.probing.as_ref().is_some_and(|probing| earlier.frame < probing.small_since);
        if is_cut && by.timer {
            self.probing.get_or_insert_default().small_since = segment.frame;
        }
        if is_cut {
            // with or without a word of a router: packets are so large from here on (RFC 4821 §7.7)
            (self.full_bytes, self.full_text_bytes, self.full_count) = (packet, text, 0);
        } else if packet == self.full_bytes {
            self.full_count = self.full_count.saturating_add(1);
        }
        let evidence = match self.probing.as_ref().and_then(|probing| probing.shrunk).filter(is_of) {
            Some(_) => Evidence::SIZE | Evidence::SEEN_BEFORE,
            None if is_cut && !by.timer && !(by.shown_lost && was_larger) => {
                self.on_too_big(segment.frame, scene.prior.next_seq?);
                Evidence::SIZE | Evidence::SEEN_BEFORE | Evidence::TIMING
            }
            None => return None,
        };
        Some(Why::new(SendReason::PathMtu, Confidence::HIGH).or(SendReason::AfterTimeout).by(evidence))
    }

    pub(crate) fn probes(&self) -> PathProbes {
        self.probing.as_ref().map(|probing| probing.probes).unwrap_or_default()
    }

    fn probe(&self) -> Option<&Probe> {
        self.probing.as_ref()?.in_flight.as_ref()
    }

    /// So much text is that of several full segments, as they are known to be.
    #[inline]
    fn is_several(&self, text_bytes: u32) -> bool {
        self.full_count >= FULL_SEGMENTS_MIN
            && text_bytes > self.full_text_bytes.into()
            && text_bytes.is_multiple_of(self.full_text_bytes.into())
    }

    /// New text: a probe, as far as can be seen now.
    #[inline]
    pub(super) fn why_probe(&self, scene: &Scene<'_>) -> Option<Why> {
        let segment = scene.segment;
        let is_larger =
            segment.ip_bytes > self.full_bytes.into() && segment.text_bytes > self.full_text_bytes.into();
        if is_larger { self.why_larger(scene) } else { None }
    }

    /// New text of this size may be a probe: the question has to be asked.
    #[inline]
    pub(super) fn may_be_probe(&self, segment: &Segment) -> bool {
        let is_larger =
            segment.ip_bytes > self.full_bytes.into() && segment.text_bytes > self.full_text_bytes.into();
        is_larger && self.full_count >= FULL_SEGMENTS_MIN && !self.is_joined
    }

    fn why_larger(&self, scene: &Scene<'_>) -> Option<Why> {
        let segment = scene.segment;
        // Nobody probes for a size that has arrived.
        let is_news = self.probing.as_ref().is_none_or(|it| segment.ip_bytes > it.probes.arrived_bytes_max);
        if !is_news || self.full_count < FULL_SEGMENTS_MIN || self.is_joined {
            return None;
        }
        let is_one = segment.text_bytes <= scene.mss_bytes && !self.is_several(segment.text_bytes);
        let goes_on = !segment.flags.psh() && !segment.flags.fin() && scene.prior.in_flight;
        let is_next = scene.prior.next_seq == Some(segment.seq) && self.probe().is_none();
        (is_one && goes_on && is_next).then(|| {
            let why = Why::new(SendReason::PathProbe, Confidence::LIKELY).or(SendReason::NewData);
            Why { path_probe_bytes: Some(segment.ip_bytes), ..why.by(Evidence::SIZE) }
        })
    }

    /// Text of a probe that was lost, in a smaller segment (RFC 4821 §7.6.2): only a path too small loses it alone.
    pub(super) fn why_again(&mut self, scene: &Scene<'_>) -> Option<Why> {
        let (segment, other) = (scene.segment, scene.other);
        let probing = self.probing.as_mut()?;
        let probe = probing.in_flight.as_mut().filter(|probe| probe.is_confirmed)?;
        let is_of_probe = segment.seq.at_or_after(probe.start) && segment.end().at_or_before(probe.end);
        let is_told =
            other.duplicate_acks > 0 || other.sack().iter().any(|block| block.left.at_or_after(probe.end));
        let is_first_missing = other.last_ack == Some(probe.start) || probe.is_lost;
        if !is_of_probe || segment.ip_bytes > probe.before_bytes || !is_told || !is_first_missing {
            return None;
        }
        if !std::mem::replace(&mut probe.is_lost, true) {
            let (bytes, frame) = (probe.bytes, probe.frame);
            let probes = &mut probing.probes;
            probes.lost += 1;
            probes.lost_bytes_min =
                if probes.lost_bytes_min == 0 { bytes } else { probes.lost_bytes_min.min(bytes) };
            probes.note(frame);
        }
        let bytes = self.probe().map(|probe| probe.bytes);
        let why = Why::new(SendReason::PathMtu, Confidence::HIGH).or(SendReason::SackRecovery);
        Some(Why { path_probe_bytes: bytes, ..why.by(Evidence::SIZE | Evidence::SEEN_BEFORE) })
    }

    /// Remembers a segment with text, and the reason that was given for it.
    #[inline]
    pub(super) fn on_sent(&mut self, segment: &Segment, is_new: bool, why: SendReason, mss_bytes: u32) {
        let bytes = segment.ip_bytes;
        self.is_joined |= segment.text_bytes > mss_bytes || self.is_several(segment.text_bytes);
        if why == SendReason::PathProbe {
            let before_bytes = self.full_bytes.into();
            let (start, end, frame) = (segment.seq, segment.end(), segment.frame);
            let probe = Probe { start, end, bytes, before_bytes, frame, is_confirmed: false, is_lost: false };
            self.probing.get_or_insert_default().in_flight = Some(probe);
            return;
        }
        if is_new && self.refutes_or_confirms(bytes) {
            self.full_bytes = 0;
        }
        let (packet, text) = (saturated(bytes), saturated(segment.text_bytes));
        if packet > self.full_bytes {
            (self.full_bytes, self.full_text_bytes, self.full_count) = (packet, text, 0);
        }
        if packet == self.full_bytes && !segment.flags.psh() {
            self.full_count = self.full_count.saturating_add(1);
        }
    }

    /// New text behind a probe: small again, or the sender sends larger segments now. Returns whether that is so.
    #[inline]
    fn refutes_or_confirms(&mut self, bytes: u32) -> bool {
        let Some(probing) = &mut self.probing else { return false };
        let Some(probe) = probing.in_flight.as_mut().filter(|probe| !probe.is_confirmed) else {
            return false;
        };
        probe.is_confirmed = bytes <= probe.before_bytes;
        let is_refuted = !probe.is_confirmed;
        probing.in_flight = probing.in_flight.filter(|_| !is_refuted);
        is_refuted
    }

    /// The other end acknowledges what is before `ack`.
    #[inline]
    pub(super) fn on_progress(&mut self, ack: Seq) {
        let Some(probing) = &mut self.probing else { return };
        let Some(probe) = probing.in_flight.take_if(|probe| ack.at_or_after(probe.end)) else { return };
        if probe.is_confirmed && !probe.is_lost {
            probing.probes.arrived += 1;
            probing.probes.arrived_bytes_max = probing.probes.arrived_bytes_max.max(probe.bytes);
            probing.probes.note(probe.frame);
        }
    }
}

fn saturated(bytes: u32) -> u16 {
    u16::try_from(bytes).unwrap_or(u16::MAX)
}

impl PathProbes {
    fn note(&mut self, frame: Frame) {
        if self.frames[0] == 0 {
            self.frames[0] = frame;
        }
        self.frames[1] = self.frames[1].max(frame);
    }
}
