//! What the network marked is told back to who sent it: the receive half of RFC 3168 §6.1.3 and of RFC 9768 §3.2.
//!
//! A mirror: it reports whatever arrives, and draws no conclusions. It is boxed, because most connections agree on
//! nothing. What is *not* here: the handshake (`ecn.rs`), and what a report means (`sender/ecn.rs`).

use crate::ecn::{EcnBytes, EcnFeedback, PACKETS_INITIAL, handshake_code, with_ace};
use crate::segment::Segment;
use crate::{Config, SendReason};
use wire::ip::Ecn;
use wire::tcp::{AccurateEcn, Flags};

/// After how many marks an acknowledgment is due while text waits for one, and while none does
/// (RFC 9768 §3.2.2.5.1).
const MARKS_MAX_WITH_TEXT: u32 = 2;
const MARKS_MAX_ALONE: u32 = 3;
/// Every counter is told at least once in so many bytes, so that its 24 bits say all (RFC 9768 §3.2.3.3).
const UNTOLD_BYTES_MAX: u32 = 1 << 22;
/// Options may take so many bytes; NOPs make each begin at a word.
const OPTIONS_BYTES: usize = 40;

/// What is told back.
#[derive(Debug)]
pub(crate) struct Reflector {
    kind: Kind,
    /// Packets with text, or at all, that arrived marked; without those of the handshake.
    marked_packets: u32,
}

#[derive(Debug)]
enum Kind {
    Classic {
        /// A mark arrived, and no CWR since: every acknowledgment has ECE.
        echoes: bool,
    },
    Accurate(Counters),
}

#[derive(Debug)]
struct Counters {
    /// r.cep.
    packets: u32,
    bytes: EcnBytes,
    /// The counters as they were told last.
    told: EcnBytes,
    /// Marks since the last acknowledgment.
    untold_marks: u32,
    /// The field of the packet before.
    last: Ecn,
    /// The field of the SYN, or of the SYN-ACK: the latest that arrived.
    of_handshake: Ecn,
    /// The acknowledgment of a SYN-ACK is owed, and tells its field.
    answers_syn_ack: bool,
    /// A CE on a SYN-ACK was counted: once, however many arrive.
    has_counted_syn_ack: bool,
    /// A byte counter has changed since the last acknowledgment.
    has_news: bool,
    /// Marks on what has no text are why an acknowledgment is owed: it must not look like one of a gap.
    answers_acks: bool,
    /// The last acknowledgment bore the option.
    told_by_option: bool,
    /// Text that came again after such acknowledgments, in a row.
    repetitions: u8,
    options: Options,
}

/// So often in a row may acknowledgments with the option seem to be lost (RFC 9768 §3.2.3.2.2).
const REPETITIONS_MAX: u8 = 2;

/// Whether the option is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Options {
    /// Whenever there is something to tell, and on the first segment with text, because the third step may be lost
    /// (RFC 9768 §3.2.3.2.1).
    UntilFirstText,
    /// Whenever there is something to tell.
    WhenChanged,
    /// It may be what keeps our segments from arriving (RFC 9768 §3.2.3.2.2), or is turned off.
    Never,
}

/// A segment that leaves, as far as its option is concerned.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Leaving {
    pub(crate) is_syn: bool,
    /// It has text that leaves for the first time.
    pub(crate) has_new_text: bool,
    pub(crate) has_timestamps: bool,
    /// SACK blocks that it could report.
    pub(crate) sack_blocks: usize,
}

impl Reflector {
    /// # Panics
    /// If there is no feedback to give.
    pub(crate) fn new(feedback: EcnFeedback, config: &Config) -> Self {
        let kind = match feedback {
            EcnFeedback::Off => unreachable!("what tells nothing is not allocated"),
            EcnFeedback::Classic => Kind::Classic { echoes: false },
            EcnFeedback::Accurate => Kind::Accurate(Counters {
                packets: PACKETS_INITIAL,
                bytes: EcnBytes::INITIAL,
                told: EcnBytes::INITIAL,
                untold_marks: 0,
                last: Ecn::NotCapable,
                of_handshake: Ecn::NotCapable,
                answers_syn_ack: false,
                has_counted_syn_ack: false,
                has_news: false,
                answers_acks: false,
                told_by_option: false,
                repetitions: 0,
                options: if config.accurate_ecn_options { Options::WhenChanged } else { Options::Never },
            }),
        };
        Reflector { kind, marked_packets: 0 }
    }

    pub(crate) fn feedback(&self) -> EcnFeedback {
        match self.kind {
            Kind::Classic { .. } => EcnFeedback::Classic,
            Kind::Accurate(_) => EcnFeedback::Accurate,
        }
    }

    /// Packets that arrived marked.
    pub(crate) fn marked_packets(&self) -> u32 {
        self.marked_packets
    }

    /// Bytes by the field with which they arrived, from zero on.
    pub(crate) fn bytes(&self) -> EcnBytes {
        match &self.kind {
            Kind::Classic { .. } => EcnBytes::default(),
            Kind::Accurate(Counters { bytes, .. }) => bytes.since_the_beginning(),
        }
    }

    /// A SYN arrived with this field. It is not counted: the SYN-ACK tells (RFC 9768 §3.2.2.2).
    pub(crate) fn on_syn(&mut self, ecn: Ecn) {
        if let Kind::Accurate(counters) = &mut self.kind {
            (counters.of_handshake, counters.last) = (ecn, ecn);
        }
    }

    /// A SYN-ACK arrived with this field: its acknowledgment tells, and it is counted once (RFC 9768 §3.2.2.1, §3.2.2.2).
    pub(crate) fn on_syn_ack(&mut self, ecn: Ecn, text_bytes: u32) {
        let Kind::Accurate(counters) = &mut self.kind else { return };
        (counters.of_handshake, counters.last) = (ecn, ecn);
        counters.answers_syn_ack = true;
        if counters.options == Options::WhenChanged {
            counters.options = Options::UntilFirstText;
        }
        if ecn == Ecn::CongestionExperienced && !core::mem::replace(&mut counters.has_counted_syn_ack, true) {
            counters.packets = counters.packets.wrapping_add(1);
        }
        counters.count_text(ecn, text_bytes);
    }

    /// With what field the SYN, or SYN-ACK, arrived last.
    pub(crate) fn field_of_syn(&self) -> Ecn {
        match &self.kind {
            Kind::Classic { .. } => Ecn::NotCapable,
            Kind::Accurate(counters) => counters.of_handshake,
        }
    }

    /// The acknowledgment of the SYN-ACK is owed, and must not bear text.
    pub(crate) fn answers_syn_ack(&self) -> bool {
        matches!(&self.kind, Kind::Accurate(counters) if counters.answers_syn_ack)
    }

    /// An acceptable segment arrived, with its flags unless they are those of a SYN. Says why an acknowledgment is due
    /// at once, if so; `text_waits`: text arrived before that is not acknowledged yet.
    pub(crate) fn on_segment(
        &mut self,
        segment: &Segment,
        flags: Option<Flags>,
        text_waits: bool,
    ) -> Option<SendReason> {
        let (ecn, text_bytes, segments) = (segment.ecn, segment.text_bytes(), segment.segments());
        let is_marked = ecn == Ecn::CongestionExperienced;
        let has_text = text_bytes > 0;
        match &mut self.kind {
            Kind::Classic { echoes } => {
                let had_mark = *echoes;
                let has_slowed = flags.is_some_and(|flags| flags.contains(Flags::CWR));
                if has_slowed {
                    *echoes = false;
                }
                // RFC 3168 §6.1.3 speaks of data; §6.1.6: window probes are some.
                if is_marked && has_text {
                    *echoes = true;
                    self.marked_packets = self.marked_packets.wrapping_add(segments);
                }
                // The window of a sender that has just slowed down may be one segment; and the first mark is news.
                let is_news = *echoes != had_mark || has_slowed;
                (is_news && has_text).then_some(SendReason::CongestionEcho)
            }
            Kind::Accurate(counters) => {
                let was_marked = counters.last == Ecn::CongestionExperienced;
                counters.last = ecn;
                counters.count_text(ecn, text_bytes);
                if has_text && counters.told_by_option {
                    // It goes on behind an acknowledgment with the option, which has arrived.
                    counters.repetitions = 0;
                }
                if !is_marked {
                    return None;
                }
                self.marked_packets = self.marked_packets.wrapping_add(segments);
                counters.packets = counters.packets.wrapping_add(segments);
                counters.untold_marks = counters.untold_marks.saturating_add(segments);
                let most = if has_text || text_waits { MARKS_MAX_WITH_TEXT } else { MARKS_MAX_ALONE };
                let is_due = (has_text && !was_marked) || counters.untold_marks >= most;
                counters.answers_acks = is_due && !has_text && !text_waits;
                is_due.then_some(SendReason::CongestionEcho)
            }
        }
    }

    /// The flags of an acknowledgment, alone or with text, that leaves now; a SYN has others (`ecn.rs`).
    pub(crate) fn with_flags(&self, flags: Flags, is_bare: bool) -> Flags {
        match &self.kind {
            Kind::Classic { echoes } => {
                if *echoes {
                    flags | Flags::ECE
                } else {
                    flags
                }
            }
            Kind::Accurate(counters) if counters.answers_syn_ack && is_bare => {
                with_ace(flags, handshake_code(counters.of_handshake))
            }
            Kind::Accurate(counters) => with_ace(flags, counters.packets as u8),
        }
    }

    /// Whether those who cut a super-segment would spoil its flags: they keep CWR on the first piece alone, and here it is
    /// a digit (RFC 9768 §3.3.4).
    pub(crate) fn must_go_whole(&self) -> bool {
        matches!(&self.kind, Kind::Accurate(counters) if with_ace(Flags::NONE, counters.packets as u8).contains(Flags::CWR))
    }

    /// The acknowledgment that is owed answers acknowledgments: no SACK blocks, or it would look like one of a gap
    /// (RFC 9768 §3.2.2.5.1).
    pub(crate) fn answers_acks(&self) -> bool {
        matches!(&self.kind, Kind::Accurate(counters) if counters.answers_acks)
    }

    /// The option of a segment that leaves now, if it bears one (RFC 9768 §3.2.3.3).
    pub(crate) fn option(&self, leaving: &Leaving) -> Option<AccurateEcn> {
        let Kind::Accurate(counters) = &self.kind else { return None };
        if counters.options == Options::Never {
            return None;
        }
        let EcnBytes { e0b, ceb, e1b } = counters.bytes;
        let is_first =
            counters.answers_syn_ack || (counters.options == Options::UntilFirstText && leaving.has_new_text);
        if leaving.is_syn || is_first {
            // All of it, so that the peer sees that nothing was cleared on the way.
            return Some(AccurateEcn::with_e0b_first(&[e0b, ceb, e1b])).filter(|all| leaving.fits(all));
        }
        if !counters.has_news && !counters.is_overdue() {
            return None;
        }
        let ever = |counter: u32, initial: u32| counter != initial;
        let has_e0b = ever(e0b, EcnBytes::INITIAL.e0b);
        let (has_ceb, has_e1b) = (ever(ceb, EcnBytes::INITIAL.ceb), ever(e1b, EcnBytes::INITIAL.e1b));
        let e1b_first = has_e1b && !has_e0b;
        let fields = match () {
            () if has_e0b && has_e1b => 3,
            () if has_ceb => 2,
            () => 1,
        };
        // What has not changed since it was told last may be left out at the end, if there is no room.
        let changed = counters.changed(e1b_first);
        (changed..=fields.max(changed))
            .rev()
            .map(|fields| counters.first_fields(e1b_first, fields))
            .find(|option| leaving.fits(option))
    }

    /// A segment with ACK has left, with this option.
    pub(crate) fn on_ack_sent(&mut self, option: Option<&AccurateEcn>, has_new_text: bool) {
        let Kind::Accurate(counters) = &mut self.kind else { return };
        (counters.untold_marks, counters.has_news, counters.answers_acks) = (0, false, false);
        counters.answers_syn_ack = false;
        counters.told_by_option = option.is_some();
        if has_new_text && counters.options == Options::UntilFirstText {
            counters.options = Options::WhenChanged;
        }
        let Some(option) = option else { return };
        if option.e0b().is_some() {
            counters.told.e0b = counters.bytes.e0b;
        }
        if option.ceb().is_some() {
            counters.told.ceb = counters.bytes.ceb;
        }
        if option.e1b().is_some() {
            counters.told.e1b = counters.bytes.e1b;
        }
    }

    /// Text that was acknowledged came again. If it always does after an acknowledgment with the option, somebody on the
    /// path drops those (RFC 9768 §3.2.3.2.2).
    pub(crate) fn on_repeated_text(&mut self) {
        let Kind::Accurate(counters) = &mut self.kind else { return };
        if counters.told_by_option {
            counters.repetitions = counters.repetitions.saturating_add(1);
        }
        if counters.repetitions >= REPETITIONS_MAX {
            counters.options = Options::Never;
        }
    }

    /// A segment that bore the option, because it had to show that it gets through, was lost (RFC 9768 §3.2.3.2.2).
    pub(crate) fn leave_options_out(&mut self) {
        if let Kind::Accurate(counters) = &mut self.kind {
            counters.options = Options::Never;
        }
    }
}

impl Counters {
    fn count_text(&mut self, ecn: Ecn, text_bytes: u32) {
        if text_bytes > 0
            && let Some(counter) = self.bytes.counter(ecn)
        {
            *counter = counter.wrapping_add(text_bytes);
            self.has_news = true;
        }
    }

    /// Some counter has grown by so much since it was told that its 24 bits will not say all.
    fn is_overdue(&self) -> bool {
        let EcnBytes { e0b, ceb, e1b } = self.bytes;
        [(e0b, self.told.e0b), (ceb, self.told.ceb), (e1b, self.told.e1b)]
            .iter()
            .any(|(counter, told)| counter.wrapping_sub(*told) >= UNTOLD_BYTES_MAX)
    }

    /// How many fields from the first on have to be there, because they have changed since they were told last.
    fn changed(&self, e1b_first: bool) -> usize {
        let EcnBytes { e0b, ceb, e1b } = self.told;
        let (e0b, ceb, e1b) = (e0b != self.bytes.e0b, ceb != self.bytes.ceb, e1b != self.bytes.e1b);
        let order = if e1b_first { [e1b, ceb, e0b] } else { [e0b, ceb, e1b] };
        order.iter().rposition(|changed| *changed).map_or(0, |last| last + 1)
    }

    fn first_fields(&self, e1b_first: bool, fields: usize) -> AccurateEcn {
        let EcnBytes { e0b, ceb, e1b } = self.bytes;
        if e1b_first {
            AccurateEcn::with_e1b_first(&[e1b, ceb, e0b][..fields])
        } else {
            AccurateEcn::with_e0b_first(&[e0b, ceb, e1b][..fields])
        }
    }
}

impl Leaving {
    /// Whether there is room for the option beside the others: two SACK blocks come first, because losses are more urgent
    /// (RFC 9768 §3.2.3.3). A SYN has room: its others take 20 bytes.
    fn fits(&self, option: &AccurateEcn) -> bool {
        self.sack_room(Some(option)) >= self.sack_blocks.min(2)
    }

    /// How many SACK blocks fit beside the option.
    pub(crate) fn sack_room(&self, option: Option<&AccurateEcn>) -> usize {
        let timestamps = if self.has_timestamps { 12 } else { 0 };
        let accurate_ecn = option.map_or(0, |option| usize::from(option.len_bytes()).next_multiple_of(4));
        (OPTIONS_BYTES - timestamps - accurate_ecn).saturating_sub(4) / 8
    }
}

#[cfg(test)]
mod tests;
