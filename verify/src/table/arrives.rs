//! One end: what an arriving segment, a call or a timer does to it (RFC 9293 §3.10, without text).
//!
//! Only the guards are here, as [`Cause`]s; where they lead is the table's to say.

use super::{Kind, Number, Segment};
use std::sync::atomic::{AtomicBool, Ordering};
use tcp::state::{Cause, ROWS, Row, Sends, State, lookup};

/// Rows that any exploration of this process has taken.
static ROWS_TAKEN: [AtomicBool; ROWS.len()] = [const { AtomicBool::new(false) }; ROWS.len()];

/// The rows that no exploration of this process has taken.
pub fn rows_never_taken() -> Vec<&'static Row> {
    ROWS.iter().filter(|row| !ROWS_TAKEN[usize::from(row.index())].load(Ordering::Relaxed)).collect()
}

/// One end of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct End {
    /// Which end: 0 or 1.
    pub index: usize,
    /// Where it stands.
    pub state: State,
    /// Its initial sequence number.
    pub iss: Number,
    /// SND.UNA's position.
    pub una: u8,
    /// SND.NXT's position.
    pub nxt: u8,
    /// RCV.NXT, once a SYN has come.
    pub rcv_nxt: Option<Number>,
    /// It began with a passive open.
    pub passive: bool,
    /// A (state, cause) for which the table has no row although the rules ask for one.
    pub missing: Option<(State, Cause)>,
    /// It has been in ESTABLISHED.
    pub was_open: bool,
}

impl End {
    /// An end in CLOSED.
    pub fn closed(index: usize, incarnation: u8) -> End {
        let iss = Number { incarnation, position: 0 };
        End {
            index,
            state: State::Closed,
            iss,
            una: 0,
            nxt: 0,
            rcv_nxt: None,
            passive: false,
            missing: None,
            was_open: false,
        }
    }

    /// Something that the table decides; what the row sends is added to `out`.
    pub fn take(&mut self, cause: Cause, out: &mut Vec<Segment>) -> Option<&'static Row> {
        let Some(row) = lookup(self.state, cause) else {
            self.missing = Some((self.state, cause));
            return None;
        };
        ROWS_TAKEN[usize::from(row.index())].store(true, Ordering::Relaxed);
        self.state = row.to;
        self.was_open |= self.state == State::Established;
        match row.sends {
            Sends::Nothing => {}
            Sends::Syn | Sends::SynAck => {
                self.nxt = self.nxt.max(1);
                out.push(self.segment(0, Kind::Syn));
            }
            Sends::Ack => out.push(self.segment(self.nxt, Kind::Plain)),
            Sends::Fin => {
                self.nxt = 2;
                out.push(self.segment(1, Kind::Fin));
            }
            Sends::Rst => out.push(self.segment(self.nxt, Kind::Rst)),
        }
        if matches!(self.state, State::Closed | State::Listen) {
            (self.una, self.nxt, self.rcv_nxt) = (0, 0, None);
        }
        Some(row)
    }

    fn segment(&self, position: u8, kind: Kind) -> Segment {
        Segment { to: 1 - self.index, seq: Number { position, ..self.iss }, ack: self.rcv_nxt, kind }
    }

    /// The retransmission timer: what is unacknowledged, again.
    pub fn retransmission(&self) -> Option<Segment> {
        match (self.una, self.nxt) {
            (0, 1..) => Some(self.segment(0, Kind::Syn)),
            (1, 2) => Some(self.segment(1, Kind::Fin)),
            _ => None,
        }
    }

    /// A segment arrives.
    pub fn arrives(&mut self, segment: &Segment, out: &mut Vec<Segment>) {
        match self.state {
            State::Closed => out.extend(self.refusal(segment)),
            State::Listen => self.in_listen(segment, out),
            State::SynSent => self.in_syn_sent(segment, out),
            _ => self.otherwise(segment, out),
        }
    }

    /// §3.10.7.1, and whenever an acknowledgment is of something never sent.
    fn refusal(&self, segment: &Segment) -> Option<Segment> {
        if segment.kind == Kind::Rst {
            return None;
        }
        let to = 1 - self.index;
        Some(match segment.ack {
            Some(seq) => Segment { to, seq, ack: None, kind: Kind::Rst },
            None => {
                let nobody = Number { incarnation: 0, position: 0 };
                let ack = Some(segment.seq.plus(segment.len()));
                Segment { to, seq: nobody, ack, kind: Kind::Rst }
            }
        })
    }

    /// §3.10.7.2.
    fn in_listen(&mut self, segment: &Segment, out: &mut Vec<Segment>) {
        match (segment.kind, segment.ack) {
            (Kind::Rst, _) => {}
            (_, Some(_)) => out.extend(self.refusal(segment)),
            (Kind::Syn, None) => {
                self.rcv_nxt = Some(segment.seq.plus(1));
                self.take(Cause::Syn, out);
            }
            _ => {}
        }
    }

    fn acknowledges_mine(&self, ack: Number, above: u8) -> bool {
        ack.incarnation == self.iss.incarnation && ack.position > above && ack.position <= self.nxt
    }

    /// §3.10.7.3.
    fn in_syn_sent(&mut self, segment: &Segment, out: &mut Vec<Segment>) {
        if segment.ack.is_some_and(|ack| !self.acknowledges_mine(ack, 0)) {
            return out.extend(self.refusal(segment));
        }
        match (segment.kind, segment.ack) {
            (Kind::Rst, Some(_)) => drop(self.take(Cause::Rst, out)),
            (Kind::Syn, Some(ack)) => {
                self.rcv_nxt = Some(segment.seq.plus(1));
                self.una = ack.position;
                self.take(Cause::SynAck, out);
            }
            (Kind::Syn, None) => {
                self.rcv_nxt = Some(segment.seq.plus(1));
                self.take(Cause::Syn, out);
            }
            _ => {}
        }
    }

    /// §3.10.7.4.
    fn otherwise(&mut self, segment: &Segment, out: &mut Vec<Segment>) {
        let Some(rcv_nxt) = self.rcv_nxt else { return };
        // First: is it acceptable? The window is large; what is not of this incarnation is outside.
        let same = segment.seq.incarnation == rcv_nxt.incarnation;
        let end = segment.seq.position + segment.len();
        let acceptable = same
            && (end > rcv_nxt.position || (segment.is_empty() && segment.seq.position >= rcv_nxt.position));
        if !acceptable {
            if segment.kind != Kind::Rst {
                out.push(self.segment(self.nxt, Kind::Plain));
            }
            return;
        }
        match segment.kind {
            // Second, with RFC 5961: only the exact number; RFC 1337: not in TIME-WAIT.
            Kind::Rst => {
                if segment.seq == rcv_nxt && self.state != State::TimeWait {
                    let to_listen = self.state == State::SynReceived && self.passive;
                    self.take(if to_listen { Cause::RstToPassiveOpen } else { Cause::Rst }, out);
                }
                return;
            }
            // Fourth, with RFC 5961: a challenge.
            Kind::Syn => return out.push(self.segment(self.nxt, Kind::Plain)),
            Kind::Plain | Kind::Fin => {}
        }
        let Some(ack) = segment.ack else { return };
        if !self.fifth_check_ack(ack, segment, out) {
            return;
        }
        let fin_acked = self.una == 2;
        let fin = segment.kind == Kind::Fin && segment.seq == rcv_nxt;
        if fin {
            self.rcv_nxt = Some(rcv_nxt.plus(1));
        }
        let awaits = self.state.awaits_ack_of_fin();
        match (fin, fin_acked && awaits) {
            (true, true) if self.state == State::FinWait1 => drop(self.take(Cause::FinAndAckOfFin, out)),
            (true, _) if self.state.takes_text() => drop(self.take(Cause::Fin, out)),
            (_, true) => drop(self.take(Cause::AckOfFin, out)),
            _ => {}
        }
    }

    /// Fifth; returns whether to go on.
    fn fifth_check_ack(&mut self, ack: Number, segment: &Segment, out: &mut Vec<Segment>) -> bool {
        if self.state == State::SynReceived {
            if !self.acknowledges_mine(ack, 0) {
                out.extend(self.refusal(segment));
                return false;
            }
            self.una = self.una.max(ack.position);
            self.take(Cause::AckOfSyn, out);
            return true;
        }
        // CLOSE may have come before the SYN was acknowledged.
        if ack.incarnation != self.iss.incarnation || ack.position > self.nxt {
            out.push(self.segment(self.nxt, Kind::Plain));
            return false;
        }
        self.una = self.una.max(ack.position);
        true
    }
}
