//! What is known of the marks on the packets of each end: those seen here, those that the other end tells of, and what
//! the sender did.
//!
//! AccECN counts packets (ACE) and bytes (the option); three bits wrap, so bytes say how often (RFC 9768 §A.1). Classic
//! ECN tells of a mark, and of no further one until the sender has reduced its window (RFC 3168 §6.1.3). What both
//! cannot tell apart is a round trip: marks told within one count as one time.

use super::{EcnMeaning, EcnTalk};
use crate::live::Seen;
use crate::{Frame, Segment, Side};
use tcp::EcnFeedback;
use wire::Seq;
use wire::ip::Ecn;

/// r.cep begins with this (RFC 9768 §3.2.1).
const PACKETS_INITIAL: u8 = 5;
/// r.e0b and r.e1b begin with this, r.ceb with zero (RFC 9768 §3.2.1).
const BYTES_INITIAL: u32 = 1;
/// The byte counters of the option have 24 bits.
const BYTES_MASK: u32 = 0xff_ffff;
/// So many ECN-capable segments, not only the one that was lost and came again without, are enough for a counter to
/// have counted some.
const CAPABLE_SEGMENTS_MIN: u8 = 3;

/// A handshake packet whose ECN field is another at the end of its way than here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChangedField {
    /// What it has here.
    pub here: Ecn,
    /// With what it arrived, as its receiver tells.
    pub arrived: Ecn,
    /// Its frame here, and that of the answer.
    pub frames: [Frame; 2],
}

/// What is known of marks on the packets of one end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Marked {
    /// Times that the other end told of marks; those of one round trip count once.
    pub told: Seen,
    /// Packets that arrived marked, as the other end tells: AccECN only, and at least so many.
    pub told_packets: u32,
    /// Bytes of text that arrived marked, as the AccECN option tells.
    pub told_bytes: u32,
    /// Segments with CWR of this end (classic ECN).
    pub cwr: Seen,
    /// Of the times that marks were told, those after which this end sent enough to see what was in flight.
    pub watched: u32,
    /// Of these, those after which a twentieth less was in flight, or less still.
    pub slowed: u32,
    /// Bytes in flight before and after the first of those.
    pub first_fall: Option<[u32; 2]>,
    /// Text that was marked here and acknowledged without a word of the mark.
    pub not_echoed: Seen,
    /// Options that count no byte of the ECN-capable text that they acknowledge.
    pub not_counted: Seen,
    /// The SYN or SYN,ACK of this end whose ECN field was changed between here and the other end.
    pub changed: Option<ChangedField>,
    /// What the other end told last: the low bits of r.cep, and r.ceb.
    cep: u8,
    ceb: u32,
    /// Packets told since the last option.
    packets_since_option: u32,
    /// ACE was cleared on the third step: it is not believed (RFC 9768 §3.2.2.1, table 4).
    is_cleared: bool,
    /// The highest acknowledgment, if there was one.
    acked: Option<Seq>,
    /// The latest text that was marked here ends here, and is not acknowledged.
    marked_end: Option<Seq>,
    capable_segments: u8,
    /// A few ECN-capable segments end here.
    capable_end: Option<Seq>,
    capable_field: Option<Ecn>,
    handshake: Option<(Ecn, Frame)>,
    watch: Option<Watch>,
}

/// What is in flight after marks were told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Watch {
    began_ns: u64,
    before_bytes: u32,
    least_bytes: Option<u32>,
}

/// The circumstances of a segment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MarkSigns {
    /// Its sender has said something later by its timestamps.
    pub(crate) is_overtaken: bool,
    /// The round trip of its sender, and of the other end, queues included.
    pub(crate) rtt_ns: u64,
    pub(crate) other_rtt_ns: u64,
    /// Bytes in flight of its sender after it, and of the other end before it.
    pub(crate) in_flight_bytes: Option<u32>,
    pub(crate) other_in_flight_bytes: u32,
    /// The largest text of the other end.
    pub(crate) other_text_bytes_max: u32,
}

/// Both directions of a connection. Made when a SYN asks for ECN, or something is marked.
#[derive(Clone, Debug, Default)]
pub(crate) struct MarksHeard {
    talk: EcnTalk,
    directions: [Marked; 2],
}

impl MarksHeard {
    /// What is known of the packets of this end.
    pub(crate) fn of(&self, side: Side) -> Marked {
        self.directions[side.index()]
    }

    /// Whether this end was told of marks.
    pub(crate) fn was_told(&self, side: Side) -> bool {
        self.directions[side.index()].told.count > 0
    }

    /// `is_without`: the handshake was captured, and did not ask for ECN.
    pub(crate) fn new(is_without: bool) -> MarksHeard {
        let talk = if is_without { EcnTalk::without() } else { EcnTalk::default() };
        MarksHeard { talk, directions: Default::default() }
    }

    /// What both ends agreed on, as far as captured.
    pub(crate) fn agreed(&self) -> Option<EcnFeedback> {
        self.talk.agreed()
    }

    /// Takes the next segment, and says what its flags mean.
    pub(crate) fn take(&mut self, from: Side, segment: &Segment, signs: &MarkSigns) -> EcnMeaning {
        let is_bare = segment.is_pure_ack() && segment.options.sack.is_empty();
        let meaning = self.talk.read(from, segment.flags, is_bare);
        let [a, b] = &mut self.directions;
        let (own, other) = if from == Side::A { (a, b) } else { (b, a) };
        own.on_sent(segment, meaning, signs);
        if !segment.flags.ack() || segment.flags.rst() {
            return meaning;
        }
        let news = other.on_answer(segment, meaning, signs);
        match meaning {
            EcnMeaning::Counts { ace, .. } => EcnMeaning::Counts { ace, news },
            meaning => meaning,
        }
    }
}

impl Marked {
    fn on_sent(&mut self, segment: &Segment, meaning: EcnMeaning, signs: &MarkSigns) {
        let field = Ecn::from_bits(segment.ecn);
        if segment.flags.syn() {
            self.handshake = Some((field, segment.frame));
            if self.told_packets == 0 {
                self.cep = PACKETS_INITIAL;
            }
            return;
        }
        if matches!(meaning, EcnMeaning::Classic { has_slowed: true, .. }) {
            self.cwr.note(segment.frame);
        }
        if segment.text_bytes == 0 {
            return;
        }
        match field {
            Ecn::CongestionExperienced => self.marked_end = Some(segment.end()),
            Ecn::Capable0 | Ecn::Capable1 if self.capable_segments < CAPABLE_SEGMENTS_MIN => {
                self.capable_segments += 1;
                self.capable_field = Some(field);
                if self.capable_segments == CAPABLE_SEGMENTS_MIN {
                    self.capable_end = Some(segment.end());
                }
            }
            _ => {}
        }
        self.watch_flight(segment.time.as_nanos(), signs);
    }

    /// The other end acknowledges. Returns how many packets it newly tells to have arrived marked.
    fn on_answer(&mut self, segment: &Segment, meaning: EcnMeaning, signs: &MarkSigns) -> u32 {
        let is_old = self.acked.is_some_and(|acked| segment.ack.before(acked)) || signs.is_overtaken;
        if is_old {
            return 0;
        }
        self.acked = Some(segment.ack);
        let news = match meaning {
            EcnMeaning::Accepts { syn_arrived: Some(arrived), .. } => {
                self.on_handshake_told(arrived, segment.frame);
                0
            }
            EcnMeaning::AnswersSynAck { arrived: Some(arrived), .. } => {
                self.on_handshake_told(arrived, segment.frame);
                let is_marked = arrived == Ecn::CongestionExperienced;
                self.cep = PACKETS_INITIAL + u8::from(is_marked);
                u32::from(is_marked)
            }
            EcnMeaning::AnswersSynAck { ace: 0, .. } => {
                self.is_cleared = true;
                0
            }
            EcnMeaning::Counts { .. } if self.is_cleared => 0,
            EcnMeaning::Counts { ace, .. } => self.count(ace, segment, signs.other_text_bytes_max),
            EcnMeaning::Classic { begins_echo, .. } => u32::from(begins_echo),
            _ => 0,
        };
        if news > 0 {
            self.on_told(segment, signs);
        }
        if !matches!(meaning, EcnMeaning::Classic { .. }) {
            self.told_packets = self.told_packets.saturating_add(news);
        }
        self.look_for_echo(segment);
        self.look_for_count(segment);
        news
    }

    fn on_handshake_told(&mut self, arrived: Ecn, frame: Frame) {
        let Some((here, sent)) = self.handshake else { return };
        let is_marked = here != Ecn::NotCapable && arrived == Ecn::CongestionExperienced;
        if here != arrived && !is_marked {
            self.changed = Some(ChangedField { here, arrived, frames: [sent, frame] });
        }
    }

    /// How many packets the number and the option say to be newly marked.
    fn count(&mut self, ace: u8, segment: &Segment, text_bytes_max: u32) -> u32 {
        let mut packets = u32::from(ace.wrapping_sub(self.cep) & 7);
        self.cep = ace;
        self.packets_since_option = self.packets_since_option.saturating_add(packets);
        if let Some(ceb) = segment.options.accurate_ecn.and_then(|option| option.ceb()) {
            let bytes = ceb.wrapping_sub(self.ceb) & BYTES_MASK;
            // a step back is an option that was overtaken, or cleared
            if bytes <= BYTES_MASK / 2 {
                self.ceb = ceb;
                self.told_bytes = self.told_bytes.saturating_add(bytes);
                let by_bytes = bytes / text_bytes_max.max(1);
                let wraps = (by_bytes + 4).saturating_sub(self.packets_since_option) / 8;
                packets += wraps * 8;
                self.packets_since_option = 0;
            }
        }
        packets
    }

    fn on_told(&mut self, segment: &Segment, signs: &MarkSigns) {
        let now_ns = segment.time.as_nanos();
        if self.watch.is_some_and(|watch| now_ns < watch.began_ns + signs.other_rtt_ns) {
            self.told.last_frame = segment.frame;
            return;
        }
        self.close_watch();
        self.told.note(segment.frame);
        self.watch =
            Some(Watch { began_ns: now_ns, before_bytes: signs.other_in_flight_bytes, least_bytes: None });
    }

    /// What it has in flight in the two round trips after marks were told.
    fn watch_flight(&mut self, now_ns: u64, signs: &MarkSigns) {
        let (Some(watch), Some(in_flight_bytes)) = (&mut self.watch, signs.in_flight_bytes) else { return };
        if now_ns <= watch.began_ns + 2 * signs.rtt_ns {
            let least = watch.least_bytes.unwrap_or(u32::MAX);
            watch.least_bytes = Some(least.min(in_flight_bytes));
        }
    }

    fn close_watch(&mut self) {
        let Some(Watch { before_bytes, least_bytes: Some(least_bytes), .. }) = self.watch.take() else {
            return;
        };
        self.watched += 1;
        if u64::from(least_bytes) * 20 <= u64::from(before_bytes) * 19 {
            self.slowed += 1;
            self.first_fall.get_or_insert([before_bytes, least_bytes]);
        }
    }

    /// The connection is over.
    pub(crate) fn finished(mut self) -> Marked {
        self.close_watch();
        self
    }

    /// Text that was marked here is acknowledged: did the other end ever say a word of it?
    fn look_for_echo(&mut self, segment: &Segment) {
        if self.marked_end.take_if(|end| segment.ack.at_or_after(*end)).is_some() && self.told.count == 0 {
            self.not_echoed.note(segment.frame);
        }
    }

    /// An option that should have counted what it acknowledges (RFC 9768 §3.2.3).
    fn look_for_count(&mut self, segment: &Segment) {
        let Some(option) = segment.options.accurate_ecn.filter(|_| !segment.flags.syn()) else { return };
        if !self.capable_end.is_some_and(|end| segment.ack.at_or_after(end)) {
            return;
        }
        let (e0b, e1b) = (option.e0b(), option.e1b());
        let told = if self.capable_field == Some(Ecn::Capable1) { e1b } else { e0b };
        let others = [e0b, e1b].into_iter().flatten().all(|bytes| bytes == BYTES_INITIAL);
        if told == Some(BYTES_INITIAL) && others && option.ceb().unwrap_or(0) == 0 {
            self.not_counted.note(segment.frame);
        }
    }
}
