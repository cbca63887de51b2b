//! Gathers what a question needs that more than one half knows: why, what marks mean, what a SYN asks.

use super::times::Sight;
use super::{At, Before, Live};
use crate::ecn::{self, EcnMeaning, MarkSigns, MarksHeard};
use crate::fast_open::{self, FastOpenWords};
use crate::habits::Habits;
use crate::nanos::Nanos;
use crate::verdicts::Judged;
use crate::why::{Loss, Scene, Twice, has_probes, why};
use crate::{EndState, Segment, Side, Why};

/// The codepoint of ECN that says that the path is congested (RFC 3168 §5).
pub(super) const CONGESTION_EXPERIENCED: u8 = 3;

impl Live {
    /// Asks why the segment was sent, and lets the sender remember the reason.
    #[inline]
    #[expect(clippy::too_many_arguments, reason = "the answer is written where it stays")]
    pub(super) fn why(
        &mut self,
        from: Side,
        segment: &Segment,
        judged: &Judged,
        before: &Before,
        after: [EndState; 2],
        twice: Option<Twice>,
        habits: &Habits,
        answer: &mut Why,
    ) {
        let Sight { rtt_ns, turn_ns, is_near } = self.times.sight(&self.halves, from);
        let unread_bytes =
            if segment.flags.rst() { self.talk.unread_bytes(from, before.last_ack) } else { 0 };
        let (half, other) = self.halves.split(from);
        let is_again = before.next_seq.is_some_and(|next| segment.text_bytes > 0 && segment.seq.before(next));
        let mut is_at_tick = None;
        if is_again {
            let host = segment.source.ip();
            // what its other connections have shown meanwhile counts, too
            half.sender.host_probes = habits.probes(host);
            is_at_tick = if is_near { habits.is_at_tick(host, segment.time.as_nanos()) } else { None };
        }
        let has_sack = self.marks.has_sack();
        let scene = Scene {
            segment,
            judged,
            prior: before,
            sent: &half.judged,
            other: &other.judged,
            sender_after: after[from.index()],
            receiver_after: after[from.other().index()],
            same_syn_ns: self.marks.last_syn_ns(from, segment),
            asked_ns: self.times.syn.map(Nanos::ns),
            captured_twice: twice.map(|twice| twice.first),
            rtt_ns,
            turn_ns,
            is_near,
            other_was_suspicious: self.marks.suspicious_from(from.other()),
            has_sack,
            has_probes: has_sack && has_probes(segment.time.as_nanos()),
            mss_bytes: before.mss_bytes,
            is_at_tick,
            reopened: if before.earlier.is_some() { other.traffic.reopened() } else { None },
            unread_bytes,
        };
        *answer = why(&scene, &mut half.sender, &other.sender);
        half.sender.last_reason = answer.reason;
    }

    /// What is known of the hosts from their other connections, when this one begins with `first`.
    pub(crate) fn on_habits(&mut self, first: &Segment, habits: &Habits) {
        self.halves[Side::A].sender.host_probes = habits.probes(first.source.ip());
        self.halves[Side::B].sender.host_probes = habits.probes(first.destination.ip());
    }

    /// What this segment showed of its sender's host, which sent something again.
    pub(super) fn tell_habits(&mut self, from: Side, segment: &Segment, habits: &mut Habits) {
        if let Some(loss) = &mut self.halves[from].sender.loss {
            vote(loss, segment, habits);
        }
    }

    /// What the flags of ECN mean, and what is marked. Comes before the counters, which remember the segment.
    #[inline]
    pub(super) fn hear_of_marks(
        &mut self,
        from: Side,
        segment: &Segment,
        judged: &Judged,
        before: &Before,
    ) -> EcnMeaning {
        let asks = segment.flags.syn() && !segment.flags.ack() && ecn::ace(segment.flags) != 0;
        if self.marks_heard.is_none() && !asks && segment.ecn != CONGESTION_EXPERIENCED {
            return EcnMeaning::AsNamed;
        }
        self.take_marks(from, segment, judged, before)
    }

    #[inline(never)]
    fn take_marks(&mut self, from: Side, segment: &Segment, judged: &Judged, before: &Before) -> EcnMeaning {
        let rtt_ns = self.times.rtt_ns(&self.halves);
        let (half, other) = self.halves.of(from);
        let signs = MarkSigns {
            is_overtaken: half.sender.has_said_later(segment),
            rtt_ns: self.times.round_trip_ns(half, other, rtt_ns),
            other_rtt_ns: self.times.round_trip_ns(other, half, rtt_ns),
            in_flight_bytes: judged.in_flight_bytes,
            other_in_flight_bytes: before.other_in_flight_bytes,
            other_text_bytes_max: other.sender.largest_text_bytes,
        };
        let is_without = self.marks.has_handshake();
        let heard = self.marks_heard.get_or_insert_with(|| Box::new(MarksHeard::new(is_without)));
        heard.take(from, segment, &signs)
    }

    /// What a SYN says of Fast Open.
    #[cold]
    pub(super) fn fast_open(&mut self, segment: &Segment) -> FastOpenWords {
        if segment.flags.rst() {
            return FastOpenWords::Nothing;
        }
        let at = At { frame: segment.frame, time: Nanos::of(segment.time.as_nanos()) };
        let has_words = segment.options.fast_open.is_some() || segment.text_bytes > 0;
        match self.marks.fast_opening(has_words) {
            Some(opening) => fast_open::read(opening, segment, at),
            None => FastOpenWords::Nothing,
        }
    }
}

/// Whether the sender of a retransmission probes its tails, and when its timers run out, if that was seen.
#[inline(never)]
fn vote(loss: &mut Loss, segment: &Segment, habits: &mut Habits) {
    if let Some(was_probed) = loss.take_probe_vote() {
        habits.on_tail(segment.source.ip(), was_probed);
    }
    if loss.take_timer_seen() {
        habits.on_timer(segment.source.ip(), segment.time.as_nanos());
    }
}
