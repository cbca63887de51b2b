//! The short route: nearly every segment comes in an open connection in which all is well, and is either text that
//! continues the stream or an acknowledgment of something new. What each room would answer is known beforehand, so only
//! the numbers, the flight and the counters move on.
//!
//! What is asked first decides alone which route a segment takes, and changes nothing; both routes give the same, and
//! `settled/tests.rs` holds that. What is *not* here: any question whose answer could be another one.

use super::ask::CONGESTION_EXPERIENCED;
use super::count::TextNow;
use super::{Before, Half, Live, notes};
use crate::ends::{self, EndState};
use crate::limits::{MSS_BYTES_ETHERNET, WINDOW_LOSS_BYTES};
use crate::metrics::{Spoken, Waited};
use crate::verdicts::{Judged, Scale};
use crate::why::{TextOf, is_alone};
use crate::{AckedFrame, Analysis, EcnMeaning, Notes, Segment, Side, Whole, Why};
use tcp::state::State;
use wire::tcp::Flags;

/// What the short route asks of a connection that no segment on it changes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Course {
    /// Nothing stands in its way.
    pub(super) is_clear: bool,
    /// What came to an end is not confirmed: the next text may do that.
    is_moving: bool,
    /// The ends agreed on SACK.
    has_sack: bool,
    /// The largest text of one segment that both ends allow, as far as known.
    mss_bytes: u16,
    /// Larger text is of several segments.
    text_bytes_max: u16,
}

impl Live {
    /// Takes a segment by the short route, and writes what it says of it into `place`. Returns false, and has changed
    /// nothing, where it is not one for that.
    #[inline(never)]
    pub(super) fn take_settled(
        &mut self,
        from: Side,
        segment: &Segment,
        unacked_max: usize,
        place: &mut Option<Analysis>,
    ) -> bool {
        #[cfg(test)]
        if tests::ALWAYS_LONG.get() {
            return false;
        }
        if !has_plain_header(segment) || !self.is_settled_for(from, segment, unacked_max) {
            return false;
        }
        // the last question: it remembers the packet if it is not known
        let sender = &mut self.halves[from].sender;
        if segment.text_bytes > 0 {
            sender.print_first(segment);
        } else if sender.captured_twice(segment).is_some() {
            return false;
        }
        #[cfg(test)]
        tests::SHORT.set(tests::SHORT.get() + 1);
        self.go_on_with(from, segment, place);
        true
    }

    /// What may be asked once for many segments, after anything has happened.
    pub(super) fn course_now(&self) -> Course {
        let [a, b] = Side::BOTH.map(|side| &self.halves[side]);
        let is_clear = a.is_open()
            && b.is_open()
            && self.times.is_settled()
            && self.marks_heard.is_none()
            && self.mptcp.is_none()
            && !self.as_wireshark.is_apart()
            && self.marks.are_settled()
            && self.talk.is_settled();
        let short = |bytes: u32| u16::try_from(bytes).unwrap_or(u16::MAX);
        Course {
            is_clear,
            is_moving: !(a.end.is_settled() && b.end.is_settled()),
            has_sack: self.marks.has_sack(),
            mss_bytes: short(self.marks.mss_bytes()),
            text_bytes_max: short(self.marks.mss_known_bytes().unwrap_or(MSS_BYTES_ETHERNET)),
        }
    }

    /// Nothing is under way, and the segment is what comes next.
    #[inline(always)]
    fn is_settled_for(&self, from: Side, segment: &Segment, unacked_max: usize) -> bool {
        let (half, other) = self.halves.of(from);
        let has_text = segment.text_bytes > 0;
        segment.time.as_nanos() >= self.times.last_ns
            && (has_text || !self.course.is_moving)
            && segment.text_bytes <= self.course.text_bytes_max.into()
            && half.sender.hole.is_none()
            && half.judged.unacked.len() < unacked_max
            && half.judged.goes_on_with(&other.judged, segment)
            && half.leaves_room_for(other, segment)
            && if has_text {
                half.sender.goes_on_with_text(segment, &other.judged, self.course.mss_bytes.into())
            } else {
                !other.sender.has_asked()
            }
    }

    /// The text comes when a silent tail would be probed with it.
    #[inline(always)]
    fn may_be_probe(&self, from: Side, segment: &Segment) -> bool {
        let (half, other) = self.halves.of(from);
        is_alone(segment.time.as_nanos(), half.judged.next_seq_time_ns)
            && self.course.has_sack
            && half
                .sender
                .may_probe_with(segment, &half.judged, &other.judged, || self.times.turn_ns(half, other))
    }

    /// The states after text that may confirm what came before it.
    #[inline(never)]
    fn move_ends(
        &mut self,
        from: Side,
        segment: &Segment,
        before: &Before,
        notes: &mut Notes,
    ) -> [EndState; 2] {
        let (half, other) = self.halves.split(from);
        let turn = ends::take(&mut half.end, &mut other.end, segment, before);
        *notes = notes::of_states(&turn.observed);
        self.course = self.course_now();
        self.states(from, &turn)
    }

    #[inline(always)]
    fn go_on_with(&mut self, from: Side, segment: &Segment, place: &mut Option<Analysis>) {
        let last_ack = self.halves[from].judged.last_ack;
        let advanced_bytes = last_ack.map_or(0, |last_ack| segment.ack.bytes_since(last_ack));
        let advanced = (advanced_bytes > 0).then_some(advanced_bytes);
        let previous_ns = self.times.last_ns;
        let may_be_probe = segment.text_bytes > 0 && self.may_be_probe(from, segment);
        let moving = if self.course.is_moving { Some(self.before(from, segment)) } else { None };
        self.times.last_ns = segment.time.as_nanos();
        (self.is_recent, self.last_frame) = (true, segment.frame);
        let shown = self.hear_ack(from, segment, last_ack, advanced.is_some());
        let (half, other) = self.halves.split(from);
        let in_flight = half.judged.unacked.len() > 0;
        let judged = half.judged.go_on_with(&mut other.judged, segment);
        self.completeness.note_plain(segment);
        let mut notes = Notes::NONE;
        let ends = match &moving {
            None => self.states_settled(),
            Some(before) => self.move_ends(from, segment, before, &mut notes),
        };
        let analysis = place.insert(self.header_alone(from, segment, previous_ns, ends));
        analysis.verdicts = judged.verdicts;
        analysis.in_flight_bytes = judged.in_flight_bytes;
        analysis.acked = judged.acked.map(|acked| AckedFrame { frame: acked.frame, rtt_ns: acked.rtt_ns });
        analysis.ecn = EcnMeaning::AsNamed;
        analysis.notes = notes;
        analysis.notes.set(Notes::SHOWS_SPURIOUS, shown.is_some());
        analysis.shows_frame = shown;
        analysis.why = self.why_settled(from, segment, in_flight, may_be_probe);
        analysis.waited = self.count_settled(from, segment, &judged, advanced);
        self.marks.on_settled(from, segment, analysis, &judged);
        let (own, other) = self.halves.of(from);
        let spoken = Spoken { from, segment, own, other, marks: &self.marks, times: &self.times };
        self.talk.go_on_with(&spoken, own.window_edge(), advanced.is_some());
        self.ttl[from.index()] = segment.ttl;
    }

    /// Why it was sent. Something was in flight before it, or not.
    #[inline(always)]
    fn why_settled(&mut self, from: Side, segment: &Segment, in_flight: bool, may_be_probe: bool) -> Why {
        let times = &self.times;
        let (half, other) = self.halves.of(from);
        if segment.text_bytes == 0 {
            let turn_ns = || times.turn_ns(half, other);
            let why = other.sender.why_acknowledged(segment.time.as_nanos(), turn_ns);
            self.halves[from].sender.last_reason = why.reason;
            return why;
        }
        let is_afar = half.sender.is_followed_from_afar();
        let sight = if is_afar { Some(times.sight(&self.halves, from)) } else { None };
        let far_turn_ns = sight.and_then(|sight| sight.far_turn_ns());
        let mss_bytes = self.course.mss_bytes.into();
        let (half, other) = self.halves.split(from);
        half.sender.go_on_with_text(
            &TextOf { segment, in_flight, may_be_probe, far_turn_ns, mss_bytes },
            &other.sender,
        )
    }

    /// The counters of both ends, and what its text waited for.
    #[inline(always)]
    fn count_settled(
        &mut self,
        from: Side,
        segment: &Segment,
        judged: &Judged,
        advanced: Option<u32>,
    ) -> Waited {
        let (now_ns, mss_bytes) = (segment.time.as_nanos(), self.course.mss_bytes.into());
        let (half, other) = self.halves.split(from);
        half.traffic.on_sent(segment);
        let window_bytes = half.judged.window_bytes(segment.window).0;
        half.traffic.on_window(window_bytes, segment, now_ns);
        other.count_acknowledgment(segment, judged, advanced);
        other.traffic.limits.on_offer(now_ns, segment.ack + window_bytes);
        let mut waited = Waited::default();
        if segment.text_bytes > 0 {
            half.infer_scale(other, segment, judged);
            let (acked, in_flight_bytes) = (other.judged.last_ack, judged.in_flight_bytes);
            let text = TextNow { in_flight_bytes, mss_bytes, is_again: false, acked };
            waited = half.count_text(other, segment, &text, &self.times, || false);
        }
        half.sender.on_next(segment, mss_bytes);
        waited
    }
}

/// Nothing in the header asks a question but its numbers.
#[inline(always)]
fn has_plain_header(segment: &Segment) -> bool {
    let flags = segment.flags.bits() | Flags::PSH.bits();
    flags == (Flags::ACK | Flags::PSH).bits()
        && segment.whole == Whole::Yes
        && segment.repeats == 0
        && segment.urgent == 0
        && segment.mptcp_subtypes == 0
        && segment.ecn != CONGESTION_EXPERIENCED
        && segment.window != 0
        && segment.options.mss.is_none()
        && segment.options.sack.is_empty()
}

impl Half {
    /// It is open and has sent no FIN, where its numbers begin is known, and it is no simulated host.
    fn is_open(&self) -> bool {
        self.end.state() == State::Established
            && self.end.fin_end.is_none()
            && self.judged.base.is_some()
            && !self.judged.in_flight_unknown
            && self.sender.timed.is_none()
    }

    /// The segment takes back nothing of the window that this end had offered, but what rounding may lose, and what
    /// `other` has in flight fits in.
    #[inline(always)]
    fn leaves_room_for(&self, other: &Half, segment: &Segment) -> bool {
        let edge = segment.ack + self.judged.scaled(segment.window).0;
        let is_kept = self.window_edge().is_none_or(|before| (edge + WINDOW_LOSS_BYTES).at_or_after(before));
        let fits = || other.judged.next_seq.is_some_and(|next| edge.at_or_after(next));
        is_kept && (self.judged.scale == Scale::Unknown || fits())
    }
}

#[cfg(test)]
mod tests;
