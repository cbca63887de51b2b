//! From the traces of both ends to a ladder.
//!
//! What one end sent and the other took (or refused) is one segment; a move of a state belongs to the
//! segment that caused it or that it sends. What *no* trace can say, that the link lost a segment, is
//! concluded when later ones arrived, or told by [`Recorder::lost`].

use super::{Arrival, End, Ladder, NoteKind, Segment, Side, Step};
use std::collections::VecDeque;
use tcp::state::{Cause, Row};
use tcp::{Instant, SegmentFacts, Trace};

/// Steps kept unless the caller says otherwise: more than anybody reads, some tens of megabytes.
const STEPS_MAX: usize = 100_000;
/// Segments under way that are looked at when one arrives: a window of 16 MiB in segments of 1,460 bytes.
const IN_FLIGHT_MAX: usize = 12_000;

/// A segment that has not arrived, or not wholly: links without segmentation offload cut it.
#[derive(Clone, Copy, Debug)]
struct UnderWay {
    /// Its step.
    index: usize,
    /// Bytes of its text that have neither arrived nor been lost.
    missing_bytes: u32,
    /// Bytes of its text that were lost.
    lost_bytes: u32,
}

/// Builds a [`Ladder`] from what both ends say.
///
/// ```
/// use synfin_report::ladder::{End, Recorder, Side};
/// use tcp::{Instant, SegmentFacts, SendReason, Trace};
/// use wire::{Seq, tcp::Flags};
///
/// let mut recorder = Recorder::new(End::default(), End::default());
/// let syn = SegmentFacts { seq: Seq::new(7), ack: Seq::new(0), flags: Flags::SYN, len_bytes: 0, window_bytes: 64240 };
/// recorder.record(Instant::ZERO, Side::Left, &Trace::Sent { segment: syn, why: SendReason::Syn });
/// recorder.record(Instant::from_millis(5), Side::Right, &Trace::Taken { segment: syn });
/// recorder.call(Instant::from_millis(10), Side::Left, "connect returns");
/// let ladder = recorder.finish();
/// assert_eq!(ladder.steps.len(), 2);
/// ```
#[derive(Debug)]
pub struct Recorder {
    ends: [End; 2],
    /// `None` where a move was merged into the segment that it sends.
    steps: Vec<Option<Step>>,
    steps_max: usize,
    left_out: u64,
    /// By sender: the steps of segments that have not arrived, oldest first.
    in_flight: [VecDeque<UnderWay>; 2],
    /// By sender: the newest segment that has arrived.
    newest_arrived: [Option<usize>; 2],
    /// By receiver: what arrived last, and when.
    last_arrival: [Option<(Instant, usize)>; 2],
    /// A move that waits for its segment: when, the step that stands for it, and the row.
    pending: [Option<(Instant, usize, &'static Row)>; 2],
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
            in_flight: Default::default(),
            newest_arrived: [None; 2],
            last_arrival: [None; 2],
            pending: [None; 2],
        }
    }

    /// `side` said this at `at`; times do not go backwards.
    pub fn record(&mut self, at: Instant, side: Side, trace: &Trace) {
        match trace {
            Trace::Sent { segment, why } => {
                if segment.flags.syn() {
                    // The last one counts: a stale SYN may have been answered before.
                    self.ends[side.index()].isn = Some(segment.seq);
                }
                self.sent(Segment { why: Some(*why), ..bare(at, side, *segment, Arrival::InFlight) });
            }
            Trace::Taken { segment } => self.arrived(at, side, segment, None),
            Trace::Refused { segment, why } => {
                self.arrived(at, side, segment, Some(format!("refused: {}", why.sentence())));
            }
            Trace::StateChanged { .. } => {
                if let Some(row) = trace.row() {
                    self.moved(at, side, row);
                }
            }
            _ => {}
        }
    }

    /// A call of the application at `side` returned, or began: `connect returns`.
    pub fn call(&mut self, at: Instant, side: Side, text: &str) {
        self.note(at, side, NoteKind::Call, text);
    }

    /// Something else worth a line.
    pub fn note(&mut self, at: Instant, side: Side, kind: NoteKind, text: &str) {
        self.push(Step::Note { at, side, kind, text: text.to_owned() });
    }

    /// The link lost the segment that `from` sent last with these facts, or a part of one that it cut.
    /// Tell it after the trace of its sending: what was not sent yet cannot be found.
    pub fn lost(&mut self, from: Side, facts: &SegmentFacts) {
        let queue = &self.in_flight[from.index()];
        let whole = queue.iter().rposition(|sent| is_same(&self.steps, sent.index, facts));
        let found = whole.or_else(|| queue.iter().rposition(|sent| holds(&self.steps, sent.index, facts)));
        let Some(position) = found else { return };
        let Some(sent) = self.in_flight[from.index()].get_mut(position) else { return };
        let bytes = facts.len_bytes.min(sent.missing_bytes);
        sent.missing_bytes -= bytes;
        sent.lost_bytes += bytes;
        if sent.missing_bytes == 0 {
            self.settle(from, position);
        }
    }

    /// The ladder. What was overtaken and never arrived counts as lost.
    pub fn finish(mut self) -> Ladder {
        for side in [Side::Left, Side::Right] {
            while let Some(sent) = self.in_flight[side.index()].front_mut() {
                if self.newest_arrived[side.index()].is_some_and(|newest| newest > sent.index) {
                    sent.lost_bytes += std::mem::take(&mut sent.missing_bytes);
                    self.settle(side, 0);
                } else {
                    self.in_flight[side.index()].pop_front();
                }
            }
        }
        let mut steps: Vec<Step> = self.steps.into_iter().flatten().collect();
        if let Some(last) = steps.last().filter(|_| self.left_out > 0) {
            let text = format!("{} more are not drawn", crate::numbers::count(self.left_out, "step"));
            steps.push(Step::Note { at: last.at(), side: Side::Left, kind: NoteKind::Trouble, text });
        }
        Ladder { ends: self.ends, steps }
    }

    fn push(&mut self, step: Step) -> Option<usize> {
        if self.steps.len() >= self.steps_max {
            self.left_out += 1;
            return None;
        }
        self.steps.push(Some(step));
        Some(self.steps.len() - 1)
    }

    fn sent(&mut self, mut segment: Segment) {
        let side = segment.from.index();
        if let Some((at, moved, row)) = self.pending[side].take()
            && at == segment.at
        {
            segment.states[side] = Some(row.to);
            self.steps[moved] = None;
        }
        let missing_bytes = segment.facts.len_bytes;
        if let Some(index) = self.push(Step::Segment(segment)) {
            let queue = &mut self.in_flight[side];
            queue.push_back(UnderWay { index, missing_bytes, lost_bytes: 0 });
            if queue.len() > IN_FLIGHT_MAX {
                queue.pop_front();
            }
        }
    }

    fn arrived(&mut self, at: Instant, receiver: Side, facts: &SegmentFacts, remark: Option<String>) {
        let from = receiver.other();
        let again = self.last_arrival[receiver.index()]
            .filter(|(when, index)| *when == at && remark.is_some() && is_same(&self.steps, *index, facts));
        let found = again.map(|(_, index)| index).or_else(|| self.take_in_flight(from, facts));
        let index = match found {
            Some(index) => {
                self.set_arrival(index, Arrival::Delivered { at });
                let queue = &self.in_flight[from.index()];
                let whole = queue.iter().position(|sent| sent.index == index && sent.missing_bytes == 0);
                if let Some(position) = whole {
                    self.settle(from, position);
                }
                let newest = &mut self.newest_arrived[from.index()];
                *newest = (*newest).max(Some(index));
                Some(index)
            }
            None => self.push(Step::Segment(bare(at, from, *facts, Arrival::Stray))),
        };
        let Some(index) = index else { return };
        self.last_arrival[receiver.index()] = Some((at, index));
        if let Some(Step::Segment(segment)) = &mut self.steps[index] {
            segment.remarks.extend(remark);
        }
        // The engine may say the move before it says that the segment was taken.
        if let Some((when, moved, row)) = self.pending[receiver.index()]
            && when == at
            && comes_from_a_segment(row.on)
        {
            self.pending[receiver.index()] = None;
            self.steps[moved] = None;
            self.set_state(index, receiver, row);
        }
    }

    /// The segment under way that arrives with these facts. One that was cut stays until its last part
    /// has arrived; of two equal ones, the older is taken to be lost when a later one has overtaken it.
    fn take_in_flight(&mut self, from: Side, facts: &SegmentFacts) -> Option<usize> {
        let overtaken = self.newest_arrived[from.index()];
        let queue = &mut self.in_flight[from.index()];
        let same = |sent: &UnderWay| is_same(&self.steps, sent.index, facts);
        let exact = queue
            .iter()
            .position(|sent| same(sent) && overtaken.is_none_or(|newest| sent.index > newest))
            .or_else(|| queue.iter().rposition(same));
        if let Some(position) = exact {
            return queue.remove(position).map(|sent| sent.index);
        }
        let position = queue.iter().position(|sent| holds(&self.steps, sent.index, facts))?;
        let sent = queue.get_mut(position)?;
        sent.missing_bytes = sent.missing_bytes.saturating_sub(facts.len_bytes);
        Some(sent.index)
    }

    /// Nothing more is known of a segment under way than that it, or a part of it, was lost.
    fn settle(&mut self, from: Side, position: usize) {
        let Some(sent) = self.in_flight[from.index()].remove(position) else { return };
        let Some(Some(Step::Segment(segment))) = self.steps.get_mut(sent.index) else { return };
        match segment.arrival {
            Arrival::Delivered { .. } if sent.lost_bytes > 0 => {
                let (lost, all) = (u64::from(sent.lost_bytes), u64::from(segment.facts.len_bytes));
                let (lost, all) = (crate::numbers::grouped(lost), crate::numbers::count(all, "byte"));
                segment.remarks.push(format!("{lost} of its {all} lost"));
            }
            Arrival::InFlight => segment.arrival = Arrival::Lost,
            _ => {}
        }
    }

    fn moved(&mut self, at: Instant, side: Side, row: &'static Row) {
        if comes_from_a_segment(row.on)
            && let Some((when, index)) = self.last_arrival[side.index()]
            && when == at
        {
            self.set_state(index, side, row);
            return;
        }
        let step = Step::Moved { at, side, to: row.to, on: row.on.name().to_owned() };
        self.pending[side.index()] = self.push(step).map(|index| (at, index, row));
    }

    fn set_state(&mut self, index: usize, side: Side, row: &Row) {
        if let Some(Some(Step::Segment(segment))) = self.steps.get_mut(index) {
            segment.states[side.index()] = Some(row.to);
        }
    }

    fn set_arrival(&mut self, index: usize, arrival: Arrival) {
        if let Some(Some(Step::Segment(segment))) = self.steps.get_mut(index)
            && segment.arrival != Arrival::Stray
        {
            segment.arrival = arrival;
        }
    }
}

fn bare(at: Instant, from: Side, facts: SegmentFacts, arrival: Arrival) -> Segment {
    Segment { at, from, facts, arrival, why: None, remarks: Vec::new(), states: [None; 2], frame: None }
}

fn is_same(steps: &[Option<Step>], index: usize, facts: &SegmentFacts) -> bool {
    match steps.get(index) {
        Some(Some(Step::Segment(sent))) => {
            let sent = &sent.facts;
            sent.seq == facts.seq
                && sent.len_bytes == facts.len_bytes
                && sent.flags == facts.flags
                && (!facts.flags.ack() || sent.ack == facts.ack)
        }
        _ => false,
    }
}

/// Whether the text with these facts is a part of what was sent, or what was sent a part of it.
fn holds(steps: &[Option<Step>], index: usize, facts: &SegmentFacts) -> bool {
    let end = facts.seq + facts.len_bytes;
    match steps.get(index) {
        Some(Some(Step::Segment(sent))) if facts.len_bytes > 0 && sent.facts.len_bytes > 0 => {
            let sent_end = sent.facts.seq + sent.facts.len_bytes;
            (sent.facts.seq.at_or_before(facts.seq) && end.at_or_before(sent_end))
                || (facts.seq.at_or_before(sent.facts.seq) && sent_end.at_or_before(end))
        }
        _ => false,
    }
}

/// Whether an arriving segment is what causes this, rather than a call or a timer.
const fn comes_from_a_segment(cause: Cause) -> bool {
    matches!(
        cause,
        Cause::Syn
            | Cause::SynAck
            | Cause::SynToPassiveOpen
            | Cause::NewSyn
            | Cause::AckOfSyn
            | Cause::Fin
            | Cause::AckOfFin
            | Cause::FinAndAckOfFin
            | Cause::Rst
            | Cause::RstToPassiveOpen
            | Cause::DataAfterClose
    )
}
