//! One end: its machine, the rows it took, and the arrivals that nothing has confirmed yet.

use super::steps::{Moves, Origin, Step, Steps, Trail};
use super::{EndState, Facts, Numbers, Observed, Turn};
use crate::limits::ARRIVALS_MAX;
use crate::live::Before;
use tcp::Instant;
use tcp::state::{Cause, Machine, State};
use wire::Seq;

/// An arrival that nothing has confirmed yet, and where the end was before it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival {
    pub(super) facts: Facts,
    pub(super) before: Machine,
    pub(super) steps_before: u8,
    pub(super) numbers: Numbers,
    /// The same FIN was sent again since, or had to wait for text: what came before it is not known.
    pub(super) is_late: bool,
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
    /// In SYN-RECEIVED a RST came that is not obeyed: its answer is no sign that the handshake is complete.
    pub(super) owes_challenge: bool,
    steps: Trail,
}

/// Arrivals that were taken back and will be made again.
pub(super) type TakenBack = Vec<Arrival>;

impl End {
    pub(crate) fn state(&self) -> State {
        self.machine.state()
    }

    /// The steps; those that nothing confirms are assumed.
    pub(crate) fn steps(&self) -> Steps {
        let mut steps = self.steps.all();
        if let Some(first) = self.arrivals.first() {
            steps.doubt(first.steps_before);
        }
        steps
    }

    /// Nothing is awaited: no unconfirmed arrival, and no handshake or close under way.
    #[inline]
    pub(crate) fn is_settled(&self) -> bool {
        self.state() == State::Established && self.arrivals.is_empty()
    }

    /// The state of one that [is settled](End::is_settled), without a move.
    #[inline]
    pub(crate) fn state_settled(&self) -> EndState {
        let (state, is_inferred) = (State::Established, self.is_inferred);
        EndState { state, or_else: None, is_inferred, moves: Moves::default() }
    }

    pub(crate) fn state_after(&self, moves: Moves) -> EndState {
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
        self.steps.len()
    }

    pub(super) fn remember_arrival(&mut self, arrival: Arrival) {
        if self.arrivals.len() == ARRIVALS_MAX {
            self.doubt_first(1);
        }
        if self.arrivals.capacity() == 0 {
            self.arrivals.reserve_exact(1); // the last acknowledgment of every connection stays for good
        }
        self.arrivals.push(arrival);
    }

    /// Forgets the first arrivals without knowing that they came.
    fn doubt_first(&mut self, count: usize) {
        let steps_end = self.arrivals.get(count).map_or(self.steps.len(), |next| next.steps_before);
        for (at, arrival) in self.arrivals.drain(..count).enumerate() {
            if at == 0 {
                self.steps.doubt(arrival.steps_before, steps_end);
            }
        }
    }

    /// Forgets all arrivals: what it sent shows nothing of them.
    pub(super) fn doubt_arrivals(&mut self) {
        self.doubt_first(self.arrivals.len());
        self.arrivals = Vec::new();
    }

    /// A FIN that is sent again may be the one that arrives.
    pub(super) fn on_fin_again(&mut self, fin_end: Seq) {
        for arrival in self.arrivals.iter_mut().filter(|arrival| arrival.facts.flags.fin()) {
            arrival.is_late |= arrival.facts.end == fin_end;
        }
    }

    /// Before the end sends `facts`: which of its assumed arrivals had not happened yet?
    pub(super) fn take_back(&mut self, facts: &Facts, before: &Before, turn: &mut Turn) -> TakenBack {
        if self.arrivals.is_empty() {
            return TakenBack::new();
        }
        let judged = |arrival: &Arrival| judge_arrival(arrival, facts, self.fin_end);
        let back = self.arrivals.iter().position(|arrival| judged(arrival).takes_back());
        let undisputed = &self.arrivals[..back.unwrap_or(self.arrivals.len())];
        // an arrival that is confirmed says all that those before it said, so they do not matter any more
        if let Some(last) = undisputed.iter().rposition(|arrival| judged(arrival) == Sign::Confirms) {
            let sure = |arrival: &Arrival| judged(arrival) == Sign::Confirms && !arrival.is_late;
            let unsure = undisputed[..=last].iter().position(|arrival| !sure(arrival));
            self.confirm(unsure.unwrap_or(last + 1), last + 1);
        }
        if self.arrivals.is_empty() {
            self.arrivals = Vec::new();
            return TakenBack::new();
        }
        let judged = |arrival: &Arrival| judge_arrival(arrival, facts, self.fin_end);
        let Some(at) = self.arrivals.iter().position(|arrival| judged(arrival).takes_back()) else {
            return TakenBack::new();
        };
        let mut taken_back = self.arrivals.split_off(at);
        for arrival in &mut taken_back {
            // text before it was missing: when it counts at last, and after what, is not seen
            arrival.is_late |= facts.flags.ack() && facts.ack.before(arrival.facts.seq);
        }
        let earliest = taken_back[0];
        let observed = &mut turn.observed;
        observed.crossed = true;
        self.machine = earliest.before;
        self.steps.truncate(earliest.steps_before);
        self.was_reset = false;
        taken_back.retain(|arrival| {
            let refused = judge_arrival(arrival, facts, self.fin_end) == Sign::Refuses;
            let overdue = arrival.facts.flags.rst()
                && facts.time_ns.saturating_sub(arrival.facts.time_ns) > before.travel_ns;
            observed.refused |= refused && !arrival.facts.flags.ack();
            observed.reset_ignored |= overdue;
            !refused && !overdue
        });
        if facts.flags.rst() {
            // nothing follows a RST: what it does not speak of came before it, if it came, and of a FIN
            // that it does not acknowledge only the acknowledgment did
            let (mut came, others): (TakenBack, TakenBack) =
                taken_back.into_iter().partition(|arrival| !arrival.facts.flags.rst());
            for arrival in &mut came {
                arrival.numbers.is_contiguous &= facts.acks(arrival.facts.end);
            }
            self.arrive_again(&came, &mut turn.sender);
            taken_back = others;
        }
        taken_back
    }

    /// The first `sure` arrivals are certain; those up to `settled` do not matter any more.
    fn confirm(&mut self, sure: usize, settled: usize) {
        self.arrivals.drain(..sure);
        self.doubt_first(settled - sure);
    }

    /// After it was sent: the arrivals that had not happened yet happen now.
    pub(super) fn arrive_again(&mut self, taken_back: &TakenBack, moves: &mut Moves) {
        for arrival in taken_back {
            let mut unseen = Observed::default();
            let before = self.arrivals.len();
            self.arrive(&arrival.facts, &arrival.numbers, moves, &mut unseen);
            for again in self.arrivals.iter_mut().skip(before) {
                again.is_late |= arrival.is_late;
            }
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
        // no RST answers a RST, and one of its own carries its acknowledgment
        return if sent.flags.rst() && !sent.flags.ack() { Sign::Silent } else { Sign::Contradicts };
    }
    if came.flags.syn() {
        if sent.flags.rst() {
            // in the name of nobody: it takes its number from the acknowledgment (RFC 9293 §3.5.2)
            let of_nobody = !sent.flags.ack() && sent.seq == came.ack;
            let refuses = !came.flags.ack() || of_nobody;
            return if refuses { Sign::Refuses } else { Sign::Silent };
        }
        return match (sent.acks(came.seq + 1), sent.flags.syn()) {
            (true, _) => Sign::Confirms,
            (false, true) => Sign::Contradicts,
            (false, false) => Sign::Silent,
        };
    }
    let took_fin = came.flags.fin() && arrival.numbers.is_contiguous;
    if took_fin && sent.flags.ack() && !sent.acks(came.end) {
        return Sign::Contradicts;
    }
    let repeats_fin = sent.flags.fin() && own_fin_end == Some(sent.end);
    if repeats_fin && own_fin_end.is_some_and(|end| came.acks(end)) {
        return Sign::Contradicts;
    }
    if arrival.before.state() == State::SynReceived {
        // an ACK of nothing new may be a challenge (RFC 5961 §3.2, §4.2), which needs no open connection
        let may_challenge = sent.seq == sent.end && came.seq != came.end && !sent.acks(came.end);
        return match (sent.flags.syn(), may_challenge) {
            (true, _) => Sign::Contradicts,
            (false, true) => Sign::Silent,
            (false, false) => Sign::Confirms,
        };
    }
    if came.flags.fin() && sent.acks(came.end) { Sign::Confirms } else { Sign::Silent }
}
