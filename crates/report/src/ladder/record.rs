//! Builds a ladder from the traces of both ends.
//!
//! One row is one frame that crossed the link, and frames are identified by number: the caller says which
//! frame departs, arrives or is lost, and which arrival caused a trace. Nothing is concluded from the contents
//! of a segment, so that equal segments in flight at the same time, second copies and the pieces of a
//! super-segment are not confused.

use super::{Arrival, End, Ladder, NoteKind, NoteText, Remark, Segment, Side, Step, trace_notes};
use lens::{EcnMeaning, EcnTalk};
use std::collections::BTreeMap;
use tcp::state::{Row, Sends};
use tcp::{EcnFeedback, Instant, PathProbe, SegmentFacts, SendReason, Trace};
use wire::tcp::Flags;

/// The most steps that are kept if the caller gives no limit: some tens of megabytes, more than anybody reads.
const STEPS_MAX: usize = 100_000;

/// One arrival of one frame, by the numbers of the recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FrameArrival {
    /// The frame's number.
    pub frame: usize,
    /// Which of its arrivals: 0 for the first.
    pub arrival: usize,
}

/// Builds a [`Ladder`] from the traces of both ends and the events of the link. Calls must be in the order of
/// time.
///
/// ```
/// use synfin_report::ladder::{End, FrameArrival, Recorder, Side};
/// use tcp::{Instant, SegmentFacts, SendReason, Trace};
/// use wire::{Seq, tcp::Flags};
///
/// let mut recorder = Recorder::new(End::default(), End::default());
/// let syn = SegmentFacts { seq: Seq::new(7), ack: Seq::new(0), flags: Flags::SYN, len_bytes: 0, window_bytes: 64240 };
/// recorder.departs(Instant::ZERO, Side::Left, 0, syn, Some(SendReason::Syn));
/// let first = FrameArrival { frame: 0, arrival: 0 };
/// recorder.arrives(Instant::from_millis(5), Side::Right, first, syn);
/// recorder.record(Instant::from_millis(5), Side::Right, &Trace::Taken { segment: syn }, Some(first));
/// recorder.call(Instant::from_millis(10), Side::Left, "connect gives up", None);
/// let ladder = recorder.finish();
/// assert_eq!(ladder.steps.len(), 2);
/// ```
#[derive(Debug)]
pub struct Recorder {
    ends: [End; 2],
    /// `None` where a state change was merged into the segment that it sends.
    steps: Vec<Option<Step>>,
    steps_max: usize,
    left_out: u64,
    /// By frame: the step of its departure. A step has one frame, so `steps_max` bounds this too.
    frames: BTreeMap<usize, usize>,
    /// The step of each arrival; the second arrival of a frame is a separate step.
    arrivals: BTreeMap<FrameArrival, ArrivalStep>,
    /// By side: a state change that may still be merged into the segment that it sends.
    pending: [Option<Pending>; 2],
    /// What the flags of ECN mean, as both ends have sent them so far.
    ecn: EcnTalk,
    /// By side: the size of a probe of the path's MTU that leaves next.
    probe_bytes: [Option<u32>; 2],
}

/// The step of an arrival.
#[derive(Clone, Copy, Debug)]
struct ArrivalStep {
    /// The index of the step.
    index: usize,
    /// The receiver has taken or refused it.
    is_answered: bool,
}

/// A state change that no arrival caused, until it is known whether it sends a segment.
#[derive(Clone, Copy, Debug)]
struct Pending {
    at: Instant,
    /// Its step, which is removed when it is merged into a segment.
    index: usize,
    row: &'static Row,
}

impl Recorder {
    /// An empty recording of two ends; it keeps the first 100,000 steps.
    pub fn new(left: End, right: End) -> Recorder {
        Recorder::bounded(left, right, STEPS_MAX)
    }

    /// An empty recording that keeps the first `steps_max` steps.
    pub fn bounded(left: End, right: End, steps_max: usize) -> Recorder {
        Recorder {
            ends: [left, right],
            steps: Vec::new(),
            steps_max,
            left_out: 0,
            frames: BTreeMap::new(),
            arrivals: BTreeMap::new(),
            pending: [None; 2],
            ecn: EcnTalk::default(),
            probe_bytes: [None; 2],
        }
    }

    // What the link does.

    /// `from` puts a frame with this number onto the link; it becomes the next row. `why` is the reason of the
    /// [`Trace::Sent`] that made the frame. The pieces of a super-segment have the same reason, but only the
    /// piece with the FIN shows [`SendReason::Fin`]; the others show [`SendReason::NewData`].
    pub fn departs(
        &mut self,
        at: Instant,
        from: Side,
        frame: usize,
        facts: SegmentFacts,
        why: Option<SendReason>,
    ) {
        if facts.flags.syn() {
            // The last SYN counts, because a stale SYN may have been answered before.
            self.ends[from.index()].isn = Some(facts.seq);
        }
        let is_before_fin = |why: &SendReason| *why == SendReason::Fin && !facts.flags.fin();
        let why = why.map(|why| if is_before_fin(&why) { SendReason::NewData } else { why });
        let mut segment = Segment { why, ..bare(at, from, facts, Arrival::InFlight) };
        self.read_ecn(&mut segment);
        if why == Some(SendReason::PathProbe)
            && let Some(bytes) = self.probe_bytes[from.index()].take()
        {
            segment.remarks.push(Remark::PacketOf { bytes });
        }
        if let Some(pending) = self.pending[from.index()].filter(|pending| pending.at == at)
            && row_sends(pending.row, facts.flags)
        {
            segment.states[from.index()] = Some(pending.row.to);
            self.steps[pending.index] = None;
            self.pending[from.index()] = None;
        }
        if let Some(index) = self.push(Step::Segment(segment)) {
            self.frames.insert(frame, index);
        }
    }

    /// A frame arrives at `to`. A second arrival of the same frame, and a frame that never departed, become
    /// separate rows. The traces that the arrival causes are recorded after this call.
    pub fn arrives(&mut self, at: Instant, to: Side, arrived: FrameArrival, facts: SegmentFacts) {
        let departed = self.frames.get(&arrived.frame).copied();
        let place = self.steps.len();
        let index = match departed.and_then(|index| Some((index, self.segment(index)?))) {
            Some((index, segment)) if segment.arrival == Arrival::InFlight => {
                segment.arrival = Arrival::Delivered { at };
                segment.arrives_before = Some(place);
                Some(index)
            }
            Some(_) => {
                let remarks = vec![Remark::SecondCopy];
                let copy = Segment { remarks, ..bare(at, to.other(), facts, Arrival::Stray) };
                self.push(Step::Segment(copy))
            }
            None => self.push(Step::Segment(bare(at, to.other(), facts, Arrival::Stray))),
        };
        if let Some(index) = index {
            self.arrivals.insert(arrived, ArrivalStep { index, is_answered: false });
        }
    }

    /// The link lost the frame with this number.
    pub fn lost(&mut self, frame: usize) {
        if let Some(index) = self.frames.get(&frame).copied()
            && let Some(segment) = self.segment(index)
        {
            segment.arrival = Arrival::Lost;
        }
    }

    // What the ends do.

    /// `side` traced this at `at`; `cause` is the arrival that it was processing, if any. Times must not go
    /// backwards.
    ///
    /// [`Trace::Sent`] adds nothing, because [`Recorder::departs`] records the frames that it made.
    pub fn record(&mut self, at: Instant, side: Side, trace: &Trace, cause: Option<FrameArrival>) {
        match trace {
            Trace::Taken { segment } => self.answered(at, side, segment, cause, None),
            Trace::Refused { segment, why } => {
                self.answered(at, side, segment, cause, Some(Remark::Refused(*why)));
            }
            Trace::StateChanged { .. } => {
                if let Some(row) = trace.row() {
                    self.moved(at, side, row, cause);
                }
            }
            Trace::PathProbe { mtu_bytes, what: PathProbe::Sent } => {
                self.probe_bytes[side.index()] = Some(*mtu_bytes);
            }
            Trace::Marks { packets } if self.ecn.agreed() == Some(EcnFeedback::Accurate) => {
                self.remark(cause, Remark::Ecn(EcnMeaning::Counts { ace: 0, news: *packets }));
            }
            trace => {
                if let Some((kind, text)) = trace_notes::note(trace) {
                    self.note(at, side, kind, text, cause);
                }
            }
        }
    }

    /// What AE, CWR and ECE of a departing segment mean.
    fn read_ecn(&mut self, segment: &mut Segment) {
        let side = if segment.from == Side::Left { lens::Side::A } else { lens::Side::B };
        let flags = segment.facts.flags;
        let meaning = self.ecn.read(side, flags, segment.facts.len_bytes == 0 && !flags.fin());
        segment.ace = meaning.ace();
        segment.remarks.extend(meaning.sentence().is_some().then_some(Remark::Ecn(meaning)));
    }

    /// Adds a remark to the segment that arrived.
    fn remark(&mut self, arrived: Option<FrameArrival>, remark: Remark) {
        let index = arrived.and_then(|arrived| Some(self.arrivals.get(&arrived)?.index));
        if let Some(segment) = index.and_then(|index| self.segment(index)) {
            segment.remarks.push(remark);
        }
    }

    /// A call of the application at `side` returned, or began: `connect returns`. With a `cause` it is
    /// drawn under the row of that arrival.
    pub fn call(&mut self, at: Instant, side: Side, text: &str, cause: Option<FrameArrival>) {
        self.note(at, side, NoteKind::Call, text, cause);
    }

    /// Something else worth a line.
    pub fn note(
        &mut self,
        at: Instant,
        side: Side,
        kind: NoteKind,
        text: impl Into<NoteText>,
        cause: Option<FrameArrival>,
    ) {
        let cause = cause.and_then(|cause| Some(self.arrivals.get(&cause)?.index));
        self.push(Step::Note { at, side, kind, text: text.into(), cause });
    }

    /// Returns the ladder. A frame that neither arrived nor was lost is still under way.
    pub fn finish(mut self) -> Ladder {
        let ignored =
            self.arrivals.values().filter(|arrival| !arrival.is_answered).map(|arrival| arrival.index);
        for index in ignored.collect::<Vec<_>>() {
            if let Some(segment) = self.segment(index) {
                segment.remarks.push(Remark::ThrownAway);
            }
        }
        let mut steps = without_merged(self.steps);
        if let Some(last) = steps.last().filter(|_| self.left_out > 0) {
            let text = NoteText::LeftOut { steps: self.left_out };
            let at = last.at();
            steps.push(Step::Note { at, side: Side::Left, kind: NoteKind::Trouble, text, cause: None });
        }
        Ladder { ends: self.ends, steps, closing: Vec::new() }
    }

    fn push(&mut self, step: Step) -> Option<usize> {
        if self.steps.len() >= self.steps_max {
            self.left_out += 1;
            return None;
        }
        self.steps.push(Some(step));
        Some(self.steps.len() - 1)
    }

    fn segment(&mut self, index: usize) -> Option<&mut Segment> {
        match self.steps.get_mut(index) {
            Some(Some(Step::Segment(segment))) => Some(segment),
            _ => None,
        }
    }

    /// The receiver took or refused an arrival. An arrival that the link did not report becomes a separate row.
    fn answered(
        &mut self,
        at: Instant,
        receiver: Side,
        facts: &SegmentFacts,
        cause: Option<FrameArrival>,
        remark: Option<Remark>,
    ) {
        let arrival = cause.and_then(|cause| self.arrivals.get_mut(&cause));
        let index = match arrival {
            Some(arrival) => {
                arrival.is_answered = true;
                Some(arrival.index)
            }
            None => self.push(Step::Segment(bare(at, receiver.other(), *facts, Arrival::Stray))),
        };
        if let Some(segment) = index.and_then(|index| self.segment(index)) {
            segment.remarks.extend(remark);
        }
    }

    fn moved(&mut self, at: Instant, side: Side, row: &'static Row, cause: Option<FrameArrival>) {
        let arrival = cause.and_then(|cause| self.arrivals.get(&cause)).copied();
        if let Some(segment) = arrival.and_then(|arrival| self.segment(arrival.index)) {
            segment.states[side.index()] = Some(row.to);
            return;
        }
        let step = Step::Moved { at, side, to: row.to, on: row.on };
        self.pending[side.index()] = self.push(step).map(|index| Pending { at, index, row });
    }
}

fn bare(at: Instant, from: Side, facts: SegmentFacts, arrival: Arrival) -> Segment {
    Segment {
        at,
        from,
        facts,
        ace: None,
        options: None,
        arrival,
        arrives_before: None,
        why: None,
        remarks: Vec::new(),
        states: [None; 2],
        frame: None,
    }
}

/// Whether a transition along this row sends a segment with these control bits.
fn row_sends(row: &Row, flags: Flags) -> bool {
    match row.sends {
        Sends::Syn | Sends::SynAck => flags.syn(),
        Sends::Fin => flags.fin(),
        Sends::Ack => flags.ack() && !flags.intersects(Flags::SYN | Flags::FIN | Flags::RST),
        // An end that gives up may still reset the peer.
        Sends::Rst | Sends::Nothing => flags.rst(),
    }
}

/// Removes the steps that were merged, and corrects the indices in the others.
fn without_merged(steps: Vec<Option<Step>>) -> Vec<Step> {
    let mut places = Vec::with_capacity(steps.len() + 1);
    let mut kept = 0;
    for step in &steps {
        places.push(kept);
        kept += usize::from(step.is_some());
    }
    places.push(kept);
    let new_place = |place: Option<usize>| place.map(|place| places[place]);
    let mut steps: Vec<Step> = steps.into_iter().flatten().collect();
    for step in &mut steps {
        match step {
            Step::Segment(segment) => segment.arrives_before = new_place(segment.arrives_before),
            Step::Note { cause, .. } => *cause = new_place(*cause),
            Step::Moved { .. } => {}
        }
    }
    steps
}
