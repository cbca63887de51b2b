//! One connection while the capture is read, and what happens to it on a segment.
//!
//! The order is: is it the same packet again; Wireshark's verdicts; the states of both ends; why it
//! was sent; the counters. Each of these stands in its own room, this file only leads through them.

mod marks;
mod scene;
mod tally;

pub(crate) use marks::{At, Marks};
pub use marks::{Offered, Stuck};
pub use tally::Seen;
pub(crate) use tally::Tally;

use crate::analysis::{AckedFrame, Notes, RepeatedFrame};
use crate::ecn::{self, EcnMeaning, MarkSigns, MarksHeard};
use crate::ends::{Ends, Observed};
use crate::fast_open::{self, FastOpenWords};
use crate::flow::{Flow, FlowKey};
use crate::metrics::{Talk, Traffic};
use crate::verdicts::{
    self, Completeness, Judged, Known, Scale, Verdicts, judge, note_handshake_options, special_verdicts,
};
use crate::when::When;
use crate::why::{Place, Prior, Sender, Twice};
use crate::{Analysis, Config, Frame, Segment, Side, Whole};
use tcp::state::State;
use wire::Seq;
use wire::tcp::Flags;

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
    pub(crate) is_mptcp: bool,
    pub(crate) was_evicted: bool,
    /// The opener used its port before, and said then what its SYN's timestamp is older than.
    pub(crate) has_older_stamp: bool,
    /// The time to live of each end's latest segment that was no RST; 0 for none.
    pub(crate) ttl: [u8; 2],
    pub(crate) data_in_syn: u32,
    pub(crate) fast_open_taken: bool,
    pub(crate) first_frame: Frame,
    pub(crate) last_frame: Frame,
    pub(crate) first_ns: u64,
    pub(crate) last_ns: u64,
    pub(crate) previous_end: When,
    pub(crate) syn: When,
    pub(crate) syn_ack: When,
    pub(crate) initial_rtt: When,
    pub(crate) sides: [verdicts::Side; 2],
    pub(crate) ends: Ends,
    pub(crate) senders: [Sender; 2],
    pub(crate) traffic: [Traffic; 2],
    pub(crate) marks: Marks,
    pub(crate) talk: Talk,
    /// Made when a SYN asks for ECN, or something is marked.
    pub(crate) marks_heard: Option<Box<MarksHeard>>,
}

impl Live {
    pub(crate) fn new(flow: &Flow, stream: u32, first: &Segment, previous_end: When) -> Live {
        Live {
            key: flow.key,
            stream,
            a_is_low: flow.source_is_low,
            is_recent: false,
            completeness: Completeness::default(),
            is_mptcp: false,
            was_evicted: false,
            has_older_stamp: false,
            ttl: [0; 2],
            data_in_syn: 0,
            fast_open_taken: false,
            first_frame: first.frame,
            last_frame: first.frame,
            first_ns: first.time.as_nanos(),
            last_ns: first.time.as_nanos(),
            previous_end,
            syn: When::NEVER,
            syn_ack: When::NEVER,
            initial_rtt: When::NEVER,
            sides: Default::default(),
            ends: Ends::default(),
            senders: Default::default(),
            traffic: Default::default(),
            marks: Marks::default(),
            talk: Talk::default(),
            marks_heard: None,
        }
    }

    /// The end that sent a segment of this flow.
    pub(crate) fn side(&self, flow: &Flow) -> Side {
        if self.a_is_low == flow.source_is_low { Side::A } else { Side::B }
    }

    /// Reads a little of every part at once. Among thousands of connections none is in the cache; asked
    /// for one after the other, each line would be waited for alone.
    pub(crate) fn warm(&self) {
        let mut sum = u64::from(self.completeness.bits()) ^ self.last_ns ^ self.marks.warmth();
        for index in 0..2 {
            let (side, end) = (&self.sides[index], &self.ends.ends[index]);
            sum ^= u64::from(side.next_seq.number()) ^ side.unacked.warmth() ^ side.sack().len() as u64;
            sum ^= end.state() as u64 ^ u64::from(end.is_passive);
            sum ^= self.senders[index].warmth() ^ self.traffic[index].warmth();
        }
        std::hint::black_box(sum);
    }

    /// An end still knows of the connection: it is open, or in TIME-WAIT.
    pub(crate) fn lingers(&self) -> bool {
        self.ends.ends.iter().any(|end| !matches!(end.state(), State::Closed | State::Listen))
    }

    /// Takes the next segment of this connection, sent by `from`.
    pub(crate) fn take(
        &mut self,
        from: Side,
        segment: &Segment,
        reused: Verdicts,
        config: &Config,
    ) -> Analysis {
        if matches!(segment.whole, Whole::QuotedInIcmp | Whole::Fragment) {
            return self.unjudged(from, segment);
        }
        let previous_ns = self.last_ns;
        let mut notes = self.notes_of_header(segment);
        let twice = self.senders[from.index()].captured_twice(segment);
        self.note_times(segment, &mut notes);
        let prior = self.prior(from, segment);
        let edge = self.window_edge(from);
        let before = self.before(from, segment);
        let other_in_flight_bytes = self.in_flight_bytes(from.other());
        if twice.is_none() {
            self.hear_of_flight(from, segment);
        }
        let (judged, dsack) = self.judge(from, segment, config);
        self.note_initial_rtt(from, segment);
        if segment.flags.ack() && segment.ack.at_or_after(prior.last_ack) {
            self.note_windows(from, segment, edge, &mut notes);
        }
        let state_before = self.ends.ends[from.index()].state();
        let own_fin_end = self.ends.ends[from.index()].fin_end;
        let before = self.complete_before(from, before, segment);
        let (observed, ends) = match twice {
            Some(_) => (Observed::default(), self.ends.states(Default::default())),
            None => self.ends.take(from, segment, &before),
        };
        let place = place(&prior, segment);
        let shows_frame = self.learn_of_losses(from, segment, &prior, dsack);
        let scene = scene::Question {
            segment,
            judged: &judged,
            prior,
            twice,
            state_before,
            own_fin_end,
            after: ends,
        };
        let why = self.why(from, &scene);
        notes_of_ends(&mut notes, &observed, twice, shows_frame);
        let (ecn, fast_open) = match twice {
            Some(_) => Default::default(),
            None => {
                (self.hear_of_marks(from, segment, &judged, other_in_flight_bytes), self.fast_open(segment))
            }
        };
        self.count(from, segment, &judged, &prior, place, twice);
        let analysis = self.analysis(from, segment, &judged, ends, why, observed, notes);
        let verdicts = analysis.verdicts | reused;
        let analysis = Analysis {
            verdicts,
            ecn,
            fast_open,
            shows_frame: twice.map(|twice| twice.first).or(shows_frame),
            since_previous_ns: segment.time.as_nanos().saturating_sub(previous_ns),
            ..analysis
        };
        self.marks.on_segment(from, segment, &analysis, &prior);
        if twice.is_none() {
            self.note_talk(from, segment, &analysis, &prior);
        }
        if self.marks.fin[from.other().index()].acked.frame == segment.frame {
            self.sides[from.other().index()].unacked.release();
        }
        analysis
    }

    fn judge(&mut self, from: Side, segment: &Segment, config: &Config) -> (Judged, bool) {
        let known = Known {
            initial_rtt_ns: self.initial_rtt.ns(),
            unacked_max: config.unacked_max,
            mptcp: self.is_mptcp,
        };
        let [a, b] = &mut self.sides;
        let (sent, other) = if from == Side::A { (a, b) } else { (b, a) };
        let mut verdicts = Verdicts::NONE;
        if segment.flags.syn() || !segment.options.sack.is_empty() {
            verdicts = special_verdicts(other, segment, &mut self.data_in_syn);
            self.fast_open_taken |= verdicts.contains(Verdicts::TFO_ACK);
        }
        let sent_before = sent.base.is_some();
        let mut judged = judge(sent, other, segment, known);
        judged.verdicts |= verdicts;
        note_handshake_options(sent, other, segment);
        self.completeness.note(segment, sent_before);
        (judged, verdicts.contains(Verdicts::DSACK))
    }

    /// Bytes that `side` has sent and that are not acknowledged, as far as captured.
    fn in_flight_bytes(&self, side: Side) -> u32 {
        let (sent, other) = (&self.sides[side.index()], &self.sides[side.other().index()]);
        if other.last_ack == Seq::new(0) {
            0
        } else {
            sent.next_seq.offset_from(other.last_ack).max(0).cast_unsigned()
        }
    }

    /// What the flags of ECN mean, and what is marked. Comes before the counters, which remember the segment.
    fn hear_of_marks(
        &mut self,
        from: Side,
        segment: &Segment,
        judged: &Judged,
        other_in_flight_bytes: u32,
    ) -> EcnMeaning {
        let asks = segment.flags.syn() && !segment.flags.ack() && ecn::ace(segment.flags) != 0;
        if self.marks_heard.is_none() && !asks && segment.ecn != 3 {
            return EcnMeaning::AsNamed;
        }
        let signs = MarkSigns {
            is_overtaken: self.senders[from.index()].has_said_later(segment),
            rtt_ns: self.round_trip_ns(from),
            other_rtt_ns: self.round_trip_ns(from.other()),
            in_flight_bytes: judged.in_flight_bytes,
            other_in_flight_bytes,
            other_text_bytes_max: self.senders[from.other().index()].largest_text_bytes,
        };
        let is_without = self.marks.has_handshake();
        let heard = self.marks_heard.get_or_insert_with(|| Box::new(MarksHeard::new(is_without)));
        heard.take(from, segment, &signs)
    }

    fn fast_open(&mut self, segment: &Segment) -> FastOpenWords {
        if !segment.flags.syn() || segment.flags.rst() {
            return FastOpenWords::Nothing;
        }
        let at = At { frame: segment.frame, time_ns: segment.time.as_nanos() };
        let has_words = segment.options.fast_open.is_some() || segment.text_bytes > 0;
        match &mut self.marks.rare {
            None if has_words => fast_open::read(&mut self.marks.rare().fast_opening, segment, at),
            None => FastOpenWords::Nothing,
            Some(rare) => fast_open::read(&mut rare.fast_opening, segment, at),
        }
    }

    fn note_times(&mut self, segment: &Segment, notes: &mut Notes) {
        let now_ns = segment.time.as_nanos();
        notes.set(Notes::RECORD_REORDERED, now_ns < self.last_ns);
        // not by its first segment: a flood of attempts shall push out itself, not those that talk
        self.is_recent |= self.traffic[0].packets + self.traffic[1].packets > 0;
        self.last_frame = segment.frame;
        self.last_ns = self.last_ns.max(now_ns);
        self.is_mptcp |= segment.mptcp_subtypes != 0;
        match (segment.flags.syn(), segment.flags.ack()) {
            (true, false) => self.syn = When::at(now_ns),
            (true, true) => self.syn_ack = When::at(now_ns),
            _ => {}
        }
    }

    /// From the SYN to the first ACK that is no SYN, though no RST of what was not sent; that segment is
    /// itself judged without it.
    fn note_initial_rtt(&mut self, from: Side, segment: &Segment) {
        let flags = segment.flags;
        let answers = flags.ack() && !flags.syn() && (!flags.rst() || self.acknowledges_syn(from, segment));
        if answers && self.initial_rtt.is_never() {
            let since_syn = |syn_ns| segment.time.as_nanos().saturating_sub(syn_ns);
            // a capture with coarse times can show zero; then a later acknowledgment has to do
            let rtt_ns = self.syn.ns().map(since_syn).filter(|ns| *ns > 0);
            self.initial_rtt = rtt_ns.map_or(When::NEVER, When::at);
        }
    }

    fn acknowledges_syn(&self, from: Side, segment: &Segment) -> bool {
        self.sides[from.other().index()].base.is_none_or(|base| segment.ack.after(base))
    }

    /// Remarks that the header alone gives, beyond verdicts.
    fn notes_of_header(&self, segment: &Segment) -> Notes {
        let (flags, options) = (segment.flags, &segment.options);
        let mut notes = Notes::NONE;
        notes.set(Notes::ECN_CONGESTION, segment.ecn == 3);
        notes.set(Notes::ACK_FIELD_WITHOUT_ACK, !flags.ack() && segment.ack != Seq::new(0));
        notes.set(Notes::URGENT_WITHOUT_URG, !flags.urg() && segment.urgent != 0);
        notes.set(Notes::OPTIONS_CUT, segment.whole == Whole::OptionsCut);
        if flags.syn() {
            notes.set(Notes::SYN_WITHOUT_MSS, options.mss.is_none() && segment.whole == Whole::Yes);
            notes.set(Notes::SCALE_TOO_LARGE, options.window_scale.is_some_and(|shift| shift > 14));
        } else {
            notes.set(Notes::MSS_WITHOUT_SYN, options.mss.is_some());
        }
        notes.set(Notes::SUPER_SEGMENT, self.marks.exceeds_mss(segment));
        notes
    }

    /// The right edge of the window that `side` offered last, if it is known exactly.
    pub(crate) fn window_edge(&self, side: Side) -> Option<Seq> {
        let side = &self.sides[side.index()];
        let exact = side.last_ack != Seq::new(0) && !side.window_is_of_syn && side.scale != Scale::Unknown;
        exact.then(|| side.last_ack + side.window_bytes(side.window).0)
    }

    /// Promises taken back, and SACK blocks of what cannot be.
    fn note_windows(&self, from: Side, segment: &Segment, edge: Option<Seq>, notes: &mut Notes) {
        let (sent, other) = (&self.sides[from.index()], &self.sides[from.other().index()]);
        if let (Some(edge), Some(now)) = (edge, self.window_edge(from))
            && !segment.flags.rst()
        {
            // rounding to the scale may lose less than one unit, and some stacks lose a few bytes
            let unit = (1 << sent.scale.shift()).max(536);
            let shrank = (now + unit).before(edge) && edge.bytes_since(now) < 1 << 30;
            // what was overtaken on the way says what held before
            let is_old = shrank && self.senders[from.index()].has_said_later(segment);
            notes.set(Notes::WINDOW_SHRANK, shrank && !is_old);
        }
        if !segment.options.sack.is_empty() && other.next_seq != Seq::new(0) {
            let most = self.traffic[from.index()].window_bytes_max.max(65_535);
            let impossible = segment.options.sack.as_slice().iter().any(|block| {
                block.right.at_or_before(block.left) || block.right.after(other.next_seq + most)
            });
            notes.set(Notes::SACK_OF_UNSENT, impossible);
        }
    }

    /// The verdicts are not for it (ICMP quotes, fragments): it is counted, and nothing moves.
    fn unjudged(&mut self, from: Side, segment: &Segment) -> Analysis {
        let judged = Judged::default();
        let ends = self.ends.states(Default::default());
        let why = crate::why::Why::new(tcp::SendReason::NewData, crate::why::Confidence::LOW);
        let mut notes = Notes::NONE;
        notes.set(Notes::OPTIONS_CUT, segment.whole == Whole::Fragment);
        notes.set(Notes::QUOTED, segment.whole == Whole::QuotedInIcmp);
        if segment.whole == Whole::QuotedInIcmp {
            self.marks.rare().icmp_errors += 1;
        } else {
            // how long it is, is not known; where its numbers begin, is
            let [a, b] = &mut self.sides;
            let (sent, other) = if from == Side::A { (a, b) } else { (b, a) };
            let sent_before = sent.base.is_some();
            verdicts::begin(sent, other, segment);
            self.completeness.note(&Segment { text_bytes: 0, ..*segment }, sent_before);
        }
        self.analysis(from, segment, &judged, ends, why, Observed::default(), notes)
    }

    #[expect(clippy::too_many_arguments, reason = "gathers what the rooms said into one value")]
    fn analysis(
        &self,
        from: Side,
        segment: &Segment,
        judged: &Judged,
        ends: [crate::EndState; 2],
        why: crate::Why,
        observed: Observed,
        notes: Notes,
    ) -> Analysis {
        let (sent, other) = (&self.sides[from.index()], &self.sides[from.other().index()]);
        let relative_seq = sent.relative(segment.seq);
        let (window_bytes, window_is_inferred) = match segment.flags.syn() {
            true => (u32::from(segment.window), false),
            false => sent.scaled(segment.window),
        };
        Analysis {
            stream: self.stream,
            from,
            verdicts: judged.verdicts,
            relative_seq,
            relative_ack: if segment.flags.ack() { other.relative(segment.ack) } else { 0 },
            relative_end: relative_seq.wrapping_add(segment.sequence_bytes()),
            completeness: self.completeness,
            window_bytes,
            window_is_inferred,
            in_flight_bytes: judged.in_flight_bytes,
            acked: judged.acked.map(|acked| AckedFrame { frame: acked.frame, rtt_ns: acked.rtt_ns }),
            duplicate_ack: judged.duplicate_ack,
            rto: judged.rto.map(|(after_ns, frame)| RepeatedFrame { frame, after_ns }),
            ends,
            why,
            reset: observed.reset,
            ecn: EcnMeaning::default(),
            fast_open: FastOpenWords::default(),
            notes,
            shows_frame: None,
            since_first_ns: segment.time.as_nanos().saturating_sub(self.first_ns),
            since_previous_ns: segment.time.as_nanos().saturating_sub(self.last_ns),
        }
    }
}

fn place(prior: &Prior, segment: &Segment) -> Place {
    if prior.next_seq == Seq::new(0) || segment.seq == prior.next_seq || segment.sequence_bytes() == 0 {
        Place::Next
    } else if segment.seq.after(prior.next_seq) {
        Place::BeyondGap
    } else if prior.acknowledged.is_some_and(|una| segment.end().at_or_before(una)) {
        Place::Old
    } else {
        Place::InGap
    }
}

fn notes_of_ends(notes: &mut Notes, observed: &Observed, twice: Option<Twice>, shows: Option<Frame>) {
    notes.set(Notes::CROSSED, observed.crossed);
    notes.set(Notes::TEXT_AFTER_FIN, observed.text_after_fin);
    notes.set(Notes::SYN_IN_SYNCHRONIZED, observed.syn_in_synchronized);
    notes.set(Notes::NO_ROW, observed.no_row);
    notes.set(Notes::UNACCEPTABLE_ACK, observed.unacceptable_ack);
    notes.set(Notes::REFUSED, observed.refused);
    notes.set(Notes::RESET_IGNORED, observed.reset_ignored);
    notes.set(Notes::CAPTURED_TWICE, twice.is_some());
    notes.set(Notes::ACROSS_ROUTER, twice.is_some_and(|twice| twice.across_router));
    notes.set(Notes::SHOWS_SPURIOUS, shows.is_some());
}

impl Live {
    /// How many segments in flight it remembers.
    pub(crate) fn unacked(&self) -> usize {
        self.sides[0].unacked.len() + self.sides[1].unacked.len()
    }

    /// The connection has been closed or reset: a SYN or SYN,ACK with the same number is a new one (4.4).
    pub(crate) fn has_ended(&self) -> bool {
        self.completeness.has(Completeness::FIN | Completeness::RST)
    }

    /// Whether a SYN or SYN,ACK of `from` begins another connection on the same addresses and ports.
    pub(crate) fn is_another(&self, from: Side, segment: &Segment) -> bool {
        let Some(base) = self.sides[from.index()].base else { return false };
        match (segment.flags.syn(), segment.flags.ack()) {
            (true, _) => segment.seq != base || self.has_ended(),
            _ => false,
        }
    }

    /// A SYN with the same number again: numbers shown by an answer to it do not count (4.4).
    pub(crate) fn on_same_syn(&mut self, from: Side, segment: &Segment) {
        if segment.flags.contains(Flags::SYN) && !segment.flags.ack() {
            let side = &mut self.sides[from.index()];
            if side.base.is_some() {
                side.next_seq = side.acknowledgeable;
            }
        }
    }
}
