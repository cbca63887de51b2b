//! One connection while the capture is read, and what happens to it on a segment.
//!
//! The order is: is it the same packet again; what was known before it; Wireshark's verdicts; the states of both ends;
//! why it was sent; the counters. Each of these stands in its own room, this file only leads through them.

mod ask;
mod before;
mod corrections;
mod count;
mod half;
mod hear;
mod icmp;
mod marks;
mod notes;
mod offered;
mod settled;
mod talk;
mod tally;
mod times;

pub(crate) use before::Before;
pub(crate) use half::Half;
pub use marks::Stuck;
pub(crate) use marks::{At, Marks};
pub use offered::Offered;
use settled::Course;
pub use tally::Seen;
pub(crate) use tally::Tally;
pub(crate) use times::Times;

use crate::analysis::{AckedFrame, Notes, RepeatedFrame};
use crate::ecn::{EcnMeaning, MarksHeard};
use crate::ends::{self, Turn};
use crate::fast_open::FastOpenWords;
use crate::flow::{Flow, FlowKey};
use crate::habits::Habits;
use crate::metrics::{Talk, Waited};
use crate::nanos::Nanos;
use crate::pair::Pair;
use crate::verdicts::{
    self, AsWireshark, Completeness, Judged, Known, Verdicts, judge, note_handshake_options, special_verdicts,
};
use crate::why::{Confidence, Why};
use crate::{Analysis, EndState, Frame, Moves, SeenLater, Segment, Side, Whole};
use tcp::SendReason;
use tcp::state::State;

/// One connection.
#[derive(Debug)]
pub(crate) struct Live {
    pub(crate) key: FlowKey,
    pub(crate) stream: u32,
    /// The sender of the first packet is the smaller of the key's ends.
    pub(crate) a_is_low: bool,
    /// Heard of since the hand of the clock passed.
    pub(crate) is_recent: bool,
    pub(crate) completeness: Completeness,
    /// The MPTCP operations that both ends have shown, one bit per subtype; `None` before the first.
    mptcp: Option<u8>,
    pub(crate) was_evicted: bool,
    /// The opener used its port before, and said then what its SYN's timestamp is older than.
    pub(crate) has_older_stamp: bool,
    /// The time to live of each end's latest segment that was no RST; 0 for none.
    pub(crate) ttl: [u8; 2],
    /// A SYN had both a Fast Open cookie and text (RFC 7413).
    fast_open_asked: bool,
    pub(crate) fast_open_taken: bool,
    pub(crate) first_frame: Frame,
    pub(crate) last_frame: Frame,
    pub(crate) times: Times,
    pub(crate) halves: Pair<Half>,
    as_wireshark: AsWireshark,
    pub(crate) marks: Marks,
    pub(crate) talk: Talk,
    /// Made when a SYN asks for ECN, or something is marked.
    pub(crate) marks_heard: Option<Box<MarksHeard>>,
    course: Course,
}

impl Live {
    pub(crate) fn new(flow: &Flow, stream: u32, first: &Segment, previous_end: Option<Nanos>) -> Live {
        Live {
            key: flow.key,
            stream,
            a_is_low: flow.source_is_low,
            is_recent: false,
            completeness: Completeness::default(),
            mptcp: None,
            was_evicted: false,
            has_older_stamp: false,
            ttl: [0; 2],
            fast_open_asked: false,
            fast_open_taken: false,
            first_frame: first.frame,
            last_frame: first.frame,
            times: Times::new(first.time.as_nanos(), previous_end),
            halves: Pair::default(),
            as_wireshark: AsWireshark::default(),
            marks: Marks::default(),
            talk: Talk::default(),
            marks_heard: None,
            course: Course::default(),
        }
    }

    /// The end that sent a segment of this flow.
    pub(crate) fn side(&self, flow: &Flow) -> Side {
        if self.a_is_low == flow.source_is_low { Side::A } else { Side::B }
    }

    /// Reads a little of every part at once. Among thousands of connections none is in the cache; asked
    /// for one after the other, each line would be waited for alone.
    pub(crate) fn warm(&self) {
        let own = u64::from(self.completeness.bits()) ^ self.times.last_ns ^ self.marks.warmth();
        let sum = self.halves.iter().fold(own, |sum, half| sum ^ half.warmth());
        std::hint::black_box(sum);
    }

    /// An end still knows of the connection: it is open, or in TIME-WAIT.
    pub(crate) fn lingers(&self) -> bool {
        self.halves.iter().any(|half| !matches!(half.end.state(), State::Closed | State::Listen))
    }

    /// How many segments in flight it remembers.
    pub(crate) fn unacked(&self) -> usize {
        let ours: usize = self.halves.iter().map(|half| half.judged.unacked.len()).sum();
        ours + self.as_wireshark.unacked()
    }

    /// The connection has been closed or reset: a SYN or SYN,ACK with the same number is a new one (4.4).
    pub(crate) fn has_ended(&self) -> bool {
        self.completeness.has(Completeness::FIN | Completeness::RST)
    }

    /// Whether a SYN or SYN,ACK of `from` begins another connection on the same addresses and ports.
    pub(crate) fn is_another(&self, from: Side, segment: &Segment) -> bool {
        let base = self.halves[from].judged.base;
        segment.flags.syn() && base.is_some_and(|base| segment.seq != base || self.has_ended())
    }

    /// A SYN with the same number again: numbers shown by an answer to it do not count (4.4).
    pub(crate) fn on_same_syn(&mut self, from: Side, segment: &Segment) {
        if segment.flags.syn() && !segment.flags.ack() {
            self.halves[from].judged.on_same_syn();
            self.as_wireshark.on_same_syn(from);
        }
    }

    /// Takes the next segment of this connection, sent by `from`. What it says of it is written into `place`, which is
    /// where it stays.
    #[inline(always)]
    pub(crate) fn take<'a>(
        &mut self,
        from: Side,
        segment: &Segment,
        reused: Verdicts,
        unacked_max: usize,
        habits: &mut Habits,
        place: &'a mut Option<Analysis>,
    ) -> &'a Analysis {
        if self.course.is_clear && reused.is_empty() && self.take_settled(from, segment, unacked_max, place) {
            return place.as_ref().expect("it was put there");
        }
        self.take_any(from, segment, reused, unacked_max, habits, place);
        self.course = self.course_now();
        place.as_ref().expect("it was put there")
    }

    /// The same by the long route, on which every question is asked.
    #[inline(never)]
    fn take_any(
        &mut self,
        from: Side,
        segment: &Segment,
        reused: Verdicts,
        unacked_max: usize,
        habits: &mut Habits,
        place: &mut Option<Analysis>,
    ) {
        if matches!(segment.whole, Whole::QuotedInIcmp | Whole::Fragment) {
            *place = Some(self.unjudged(from, segment));
            return;
        }
        let before = self.before(from, segment);
        let twice = self.halves[from].sender.captured_twice(segment);
        let mut notes = self.notes_of_header(segment, &before);
        self.on_segment(segment);
        let shows_frame = if twice.is_none() { self.hear(from, segment, &before) } else { None };
        let mut ours = Judged::default();
        let special = self.judge(from, segment, unacked_max, &mut ours);
        let (half, other) = self.halves.split(from);
        self.times.note_initial_rtt(segment, other);
        if before.is_kept_by(segment) {
            notes |= half.notes_of_windows(other, segment, before.window_edge);
        }
        let mut turn = Turn::default();
        if before.is_moving && twice.is_none() {
            turn = ends::take(&mut half.end, &mut other.end, segment, &before);
            notes |= notes::of_states(&turn.observed);
        }
        notes |= notes::of_repetition(twice, shows_frame);
        let ends = if before.is_moving { self.states(from, &turn) } else { self.states_settled() };
        let analysis = place.insert(self.header_alone(from, segment, before.previous_ns, ends));
        self.why(from, segment, &ours, &before, ends, twice, habits, &mut analysis.why);
        if segment.sequence_bytes() > 0 && self.halves[from].sender.loss.is_some() {
            self.tell_habits(from, segment, habits);
            notes.set(Notes::SHOWS_CAUSE, self.has_decided(from));
        }
        let shown = self.as_wireshark.judged().unwrap_or(&ours);
        analysis.verdicts = shown.verdicts | special | reused;
        analysis.in_flight_bytes = shown.in_flight_bytes;
        analysis.acked = shown.acked.map(|acked| AckedFrame { frame: acked.frame, rtt_ns: acked.rtt_ns });
        analysis.duplicate_ack = shown.duplicate_ack;
        analysis.rto = shown.rto.map(|(after_ns, frame)| RepeatedFrame { frame, after_ns });
        analysis.reset = turn.observed.reset;
        analysis.notes = notes;
        analysis.shows_frame = twice.map(|twice| twice.first).or(shows_frame);
        if twice.is_none() {
            analysis.ecn = self.hear_of_marks(from, segment, &ours, &before);
            if segment.flags.syn() {
                analysis.fast_open = self.fast_open(segment);
            }
        }
        self.halves[from].traffic.on_sent(segment);
        if twice.is_none() {
            let marks = self.marks_heard.as_deref();
            analysis.waited = self.halves.count(from, segment, &ours, &before, &self.times, marks);
        }
        self.marks.on_segment(from, segment, analysis, &ours, &before);
        if twice.is_none() {
            self.note_talk(from, segment, analysis, &before);
        }
        if self.marks.fin_is_acked_by(from.other(), segment) {
            self.halves[from.other()].judged.unacked.release();
        }
    }

    /// The frame and the time.
    fn on_segment(&mut self, segment: &Segment) {
        self.times.on_segment(segment);
        // not by its first segment: a flood of attempts shall push out itself, not those that talk
        self.is_recent = self.is_recent || self.halves.iter().any(|half| half.traffic.packets > 0);
        self.last_frame = segment.frame;
    }

    /// Judges the segment: `ours` is what we conclude from. Returned are the verdicts that options give, which `ours` has
    /// already, and the judgement of Wireshark has not ([`AsWireshark::judged`]).
    #[inline]
    fn judge(&mut self, from: Side, segment: &Segment, unacked_max: usize, ours: &mut Judged) -> Verdicts {
        let known =
            Known { initial_rtt_ns: self.times.initial_rtt.map(Nanos::ns), unacked_max, mptcp: self.mptcp };
        let (half, other) = self.halves.split(from);
        let (sent, other) = (&mut half.judged, &mut other.judged);
        let mut special = Verdicts::NONE;
        if segment.flags.syn() || !segment.options.sack.is_empty() {
            special = special_verdicts(other, segment, &mut self.fast_open_asked);
            self.fast_open_taken |= special.contains(Verdicts::TFO_ACK);
        }
        let sent_before = sent.base.is_some();
        self.as_wireshark.judge(from, segment, &known, (sent, other));
        judge(sent, other, segment, &known, ours);
        ours.verdicts |= special;
        note_handshake_options(sent, other, segment);
        self.completeness.note(segment, sent_before);
        if segment.mptcp_subtypes != 0 {
            // as there, where operations are read after the judgement, and the ninth and later have no bit
            self.mptcp = Some(self.mptcp.unwrap_or(0) | segment.mptcp_subtypes as u8);
        }
        special
    }

    /// The states of both ends after a segment that `from` sent.
    fn states(&self, from: Side, turn: &Turn) -> [EndState; 2] {
        let moves = |side| if side == from { turn.sender } else { turn.receiver };
        Side::BOTH.map(|side| self.halves[side].end.state_after(moves(side)))
    }

    /// The same where nothing moves: both are in ESTABLISHED, and no arrival is in doubt.
    #[inline]
    fn states_settled(&self) -> [EndState; 2] {
        Side::BOTH.map(|side| self.halves[side].end.state_settled())
    }

    /// The states of both ends as they are.
    pub(crate) fn states_now(&self) -> [EndState; 2] {
        Side::BOTH.map(|side| self.halves[side].end.state_after(Moves::default()))
    }

    /// The verdicts are not for it (ICMP quotes, fragments): it is counted, and nothing moves.
    #[cold]
    fn unjudged(&mut self, from: Side, segment: &Segment) -> Analysis {
        let mut notes = Notes::NONE;
        notes.set(Notes::OPTIONS_CUT, segment.whole == Whole::Fragment);
        notes.set(Notes::QUOTED, segment.whole == Whole::QuotedInIcmp);
        if segment.whole == Whole::QuotedInIcmp {
            self.on_icmp(from, segment);
        } else {
            // how long it is, is not known; where its numbers begin, is
            let (half, other) = self.halves.split(from);
            let sent_before = half.judged.base.is_some();
            verdicts::begin(&mut half.judged, &mut other.judged, segment);
            self.as_wireshark.begin(from, segment);
            self.completeness.note(&Segment { text_bytes: 0, ..*segment }, sent_before);
        }
        Analysis { notes, ..self.header_alone(from, segment, self.times.last_ns, self.states_now()) }
    }

    /// What the header of a segment says beside what its connection knows, with nothing concluded.
    #[inline(always)]
    fn header_alone(&self, from: Side, segment: &Segment, previous_ns: u64, ends: [EndState; 2]) -> Analysis {
        let (half, other) = self.halves.of(from);
        let relative_seq = half.judged.relative(segment.seq);
        let (window_bytes, window_is_inferred) = match segment.flags.syn() {
            true => (u32::from(segment.window), false),
            false => half.judged.scaled(segment.window),
        };
        let now_ns = segment.time.as_nanos();
        Analysis {
            stream: self.stream,
            from,
            verdicts: Verdicts::NONE,
            relative_seq,
            relative_ack: if segment.flags.ack() { other.judged.relative(segment.ack) } else { 0 },
            relative_end: relative_seq.wrapping_add(segment.sequence_bytes()),
            completeness: self.completeness,
            window_bytes,
            window_is_inferred,
            in_flight_bytes: None,
            acked: None,
            duplicate_ack: None,
            rto: None,
            ends,
            why: Why::new(SendReason::NewData, Confidence::LOW),
            reset: None,
            ecn: EcnMeaning::default(),
            fast_open: FastOpenWords::default(),
            notes: Notes::NONE,
            waited: Waited::default(),
            shows_frame: None,
            seen_later: SeenLater::default(),
            since_first_ns: now_ns.saturating_sub(self.times.first_ns),
            since_previous_ns: now_ns.saturating_sub(previous_ns),
        }
    }
}

#[cfg(test)]
mod tests;
