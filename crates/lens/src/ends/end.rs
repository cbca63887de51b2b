//! One end: its machine, the rows it took, and the arrivals that nothing has confirmed yet.

use super::{Before, EndState, Facts, Observed};
use crate::Frame;
use tcp::Instant;
use tcp::state::{Cause, Machine, ROWS, Row, State};
use wire::Seq;

/// The rows that one end took because of one segment; more than four do not occur.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Moves {
    len: u8,
    rows: [u8; 4],
}

impl Moves {
    /// The rows of [`tcp::state::ROWS`], in the order in which they were taken.
    pub fn iter(&self) -> impl Iterator<Item = &'static Row> + use<'_> {
        self.rows[..usize::from(self.len)].iter().filter_map(|row| ROWS.get(usize::from(*row)))
    }

    /// Whether the end stayed where it was.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(super) fn push(&mut self, row: u8) {
        if let Some(slot) = self.rows.get_mut(usize::from(self.len)) {
            *slot = row;
            self.len += 1;
        }
    }
}

/// How the lens knows of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Origin {
    /// The end sent the segment.
    Sent,
    /// The segment came to it, and what it sent later agrees.
    Received,
    /// Not captured, but what the end did shows that it happened before this segment.
    Inferred,
}

/// One row taken by one end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The index of the row in [`tcp::state::ROWS`].
    pub row: u8,
    /// How it is known.
    pub origin: Origin,
    /// The segment that made it, or that shows it.
    pub frame: Frame,
    /// When that was captured.
    pub time: Instant,
}

impl Step {
    /// The row itself: the state before and after, the cause, the section.
    pub fn row(&self) -> Option<&'static Row> {
        ROWS.get(usize::from(self.row))
    }
}

/// Steps remembered per end. The longest way through the diagram takes seven, and a start that was
/// inferred three more; a peer that makes more (by resets that are taken back) overwrites the last.
const STEPS_MAX: usize = 10;
/// The rows that one end took, in order.
#[derive(Clone, Copy, Debug, Default)]
pub struct Steps {
    steps: [Option<Step>; STEPS_MAX],
    len: u8,
}

impl Steps {
    /// The steps.
    pub fn iter(&self) -> impl Iterator<Item = Step> + use<'_> {
        self.steps[..usize::from(self.len)].iter().flatten().copied()
    }

    /// Whether the end took none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    fn push(&mut self, step: Step) {
        let at = usize::from(self.len).min(STEPS_MAX - 1);
        self.steps[at] = Some(step);
        self.len = (at + 1) as u8;
    }
}

impl PartialEq for Steps {
    fn eq(&self, other: &Steps) -> bool {
        self.iter().eq(other.iter())
    }
}

/// Arrivals awaiting confirmation. SYN, ACK of SYN, FIN, ACK of FIN and RST can all be under way.
const ARRIVALS_MAX: usize = 5;

/// An arrival that nothing has confirmed yet, and where the end was before it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival {
    pub(super) facts: Facts,
    pub(super) before: Machine,
    pub(super) steps_before: u8,
    pub(super) numbers: NumbersThen,
}

/// The numbers by which an arrival was judged, to judge it again in the same way.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct NumbersThen {
    pub(super) expected: Seq,
    pub(super) acknowledged: Option<Seq>,
    pub(super) window_bytes: u32,
    pub(super) is_contiguous: bool,
}

impl NumbersThen {
    pub(super) fn of(before: &Before) -> Self {
        NumbersThen {
            expected: before.expected,
            acknowledged: before.acknowledged,
            window_bytes: before.window_bytes,
            is_contiguous: before.is_contiguous,
        }
    }

    pub(super) fn before(&self) -> Before {
        Before {
            expected: self.expected,
            acknowledged: self.acknowledged,
            window_bytes: self.window_bytes,
            is_contiguous: self.is_contiguous,
            ..Before::default()
        }
    }
}

/// One end.
#[derive(Clone, Debug, Default)]
pub(crate) struct End {
    pub(super) machine: Machine,
    /// Made when needed: only the handshake and the close have any.
    pub(super) arrivals: Vec<Arrival>,
    /// Its own SYN.
    pub(super) iss: Option<Seq>,
    /// The number after its own FIN.
    pub(crate) fin_end: Option<Seq>,
    /// It waited for a SYN: a passive open.
    pub(crate) is_passive: bool,
    /// Its first state was assumed.
    pub(crate) is_inferred: bool,
    /// It took part in the connection at all.
    pub(super) has_lived: bool,
    /// Its own RST, or one that it obeyed, ended it.
    pub(crate) was_reset: bool,
    steps: Steps,
}

/// Arrivals that were taken back and will be made again.
pub(super) type TakenBack = Vec<Arrival>;

impl End {
    pub(crate) fn state(&self) -> State {
        self.machine.state()
    }

    pub(crate) fn steps(&self) -> Steps {
        self.steps
    }

    /// Nothing is awaited: no unconfirmed arrival, and no handshake or close under way.
    pub(super) fn is_settled(&self) -> bool {
        self.state() == State::Established && self.arrivals.is_empty()
    }

    pub(super) fn state_after(&self, moves: Moves) -> EndState {
        let state = self.state();
        let or_else =
            self.arrivals.first().map(|arrival| arrival.before.state()).filter(|other| *other != state);
        EndState { state, or_else, is_inferred: self.is_inferred, moves }
    }

    /// Takes the row for `cause`, if there is one, and writes it down.
    pub(super) fn step(&mut self, cause: Cause, facts: &Facts, origin: Origin, moves: &mut Moves) -> bool {
        let Some(row) = self.machine.take(cause) else { return false };
        let index = row.index();
        moves.push(index);
        self.has_lived = true;
        self.steps.push(Step {
            row: index,
            origin,
            frame: facts.frame,
            time: Instant::from_nanos(facts.time_ns),
        });
        true
    }

    pub(super) fn steps_len(&self) -> u8 {
        self.steps.len
    }

    pub(super) fn remember_arrival(&mut self, arrival: Arrival) {
        if self.arrivals.len() == ARRIVALS_MAX {
            self.arrivals.remove(0);
        }
        self.arrivals.push(arrival);
    }

    /// Before the end sends `facts`: which of its assumed arrivals had not happened yet?
    pub(super) fn take_back(&mut self, facts: &Facts, before: &Before, observed: &mut Observed) -> TakenBack {
        if self.arrivals.is_empty() {
            return TakenBack::new();
        }
        let judged = |arrival: &Arrival| judge_arrival(arrival, facts, self.fin_end);
        let Some(first) = self.arrivals.iter().position(|arrival| judged(arrival) != Sign::Confirms) else {
            self.arrivals = Vec::new();
            return TakenBack::new();
        };
        self.arrivals.drain(..first);
        let Some(at) = self.arrivals.iter().position(|arrival| judged(arrival).takes_back()) else {
            return TakenBack::new();
        };
        let mut taken_back = self.arrivals.split_off(at);
        let earliest = taken_back[0];
        observed.crossed = true;
        self.machine = earliest.before;
        self.steps.len = earliest.steps_before;
        self.was_reset = false;
        taken_back.retain(|arrival| {
            let refused = judge_arrival(arrival, facts, self.fin_end) == Sign::Refuses;
            let overdue = arrival.facts.flags.rst()
                && facts.time_ns.saturating_sub(arrival.facts.time_ns) > before.travel_ns;
            observed.refused |= refused;
            observed.reset_ignored |= overdue;
            !refused && !overdue
        });
        taken_back
    }

    /// After it was sent: the arrivals that had not happened yet happen now.
    pub(super) fn arrive_again(&mut self, taken_back: &TakenBack, moves: &mut Moves) {
        for arrival in taken_back {
            let mut unseen = Observed::default();
            self.arrive(&arrival.facts, &arrival.numbers.before(), moves, &mut unseen);
        }
    }
}

/// What a segment says about an arrival before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    /// It arrived.
    Confirms,
    /// It had not arrived when the segment was sent.
    Contradicts,
    /// It was answered by a reset: nobody waited for it.
    Refuses,
    /// Nothing.
    Silent,
}

impl Sign {
    fn takes_back(self) -> bool {
        matches!(self, Sign::Contradicts | Sign::Refuses)
    }
}

fn judge_arrival(arrival: &Arrival, sent: &Facts, own_fin_end: Option<Seq>) -> Sign {
    let came = &arrival.facts;
    if came.flags.rst() {
        return if sent.flags.rst() { Sign::Silent } else { Sign::Contradicts };
    }
    if came.flags.syn() {
        if sent.flags.rst() {
            return if came.flags.ack() { Sign::Silent } else { Sign::Refuses };
        }
        return match (sent.acks(came.seq + 1), sent.flags.syn()) {
            (true, _) => Sign::Confirms,
            (false, true) => Sign::Contradicts,
            (false, false) => Sign::Silent,
        };
    }
    if came.flags.fin() && sent.flags.ack() && !sent.flags.rst() && !sent.acks(came.end) {
        return Sign::Contradicts;
    }
    let repeats_fin = sent.flags.fin() && own_fin_end == Some(sent.end);
    if repeats_fin && own_fin_end.is_some_and(|end| came.acks(end)) {
        return Sign::Contradicts;
    }
    if arrival.before.state() == State::SynReceived {
        return if sent.flags.syn() { Sign::Contradicts } else { Sign::Confirms };
    }
    if came.flags.fin() && sent.acks(came.end) { Sign::Confirms } else { Sign::Silent }
}
