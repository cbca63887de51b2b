//! Events that are worth stopping at, worked out from a run: steps of opening and closing, calls that return, losses and
//! how they are found, windows that close, resets.

use crate::run::{Event, Run};
use crate::said;
use crate::words::filled;
use report::words::Language;
use serde::Serialize;
use sim::{Entry, Happening};
use tcp::{SegmentFacts, SendReason, State, Trace};

/// The most marks of a run: more is a list that nobody reads.
const MARKS_MAX: usize = 80;

/// An event that is worth stopping at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Mark {
    /// So many events have happened then: a moment's `at`.
    pub at: usize,
    /// What happens there.
    pub text: String,
}

/// The marks of a run, in the order of time, the first 80.
pub(crate) fn of(run: &Run, lang: Language) -> Vec<Mark> {
    let mut marks =
        Marks { run, lang, marks: Vec::new(), windows: [None; 2], starts_slowly: [true; 2], last: None };
    let mut logged = 0;
    for (place, event) in run.events.iter().enumerate() {
        for entry in &run.world.log()[logged..event.log_end] {
            marks.read(place + 1, entry);
        }
        logged = event.log_end;
        marks.threshold(place + 1, event);
    }
    marks.marks.truncate(MARKS_MAX);
    marks.marks
}

struct Marks<'a> {
    run: &'a Run,
    lang: Language,
    marks: Vec<Mark>,
    /// The window that each host has offered last.
    windows: [Option<u32>; 2],
    /// Whether each host's window has never reached its slow-start threshold.
    starts_slowly: [bool; 2],
    /// What the last mark was, and whose.
    last: Option<(&'static str, usize)>,
}

impl Marks<'_> {
    fn read(&mut self, at: usize, entry: &Entry) {
        let host = usize::from(entry.host == self.run.hosts[1]);
        match &entry.what {
            Happening::Said(text) => self.said(at, host, text),
            Happening::Traced(record) => self.traced(at, host, &record.trace),
            Happening::Departed { frame } => {
                if let Some((facts, why)) = self.run.world.segment(*frame) {
                    self.departs(at, host, facts, why);
                }
            }
            Happening::Lost { frame, .. } => {
                if let Some((facts, _)) = self.run.world.segment(*frame) {
                    self.add(at, "mark/lost", host, &[("seq", facts.seq.number())]);
                }
            }
            Happening::Arrived(arrived) if self.run.is_forged(arrived.frame) => {
                self.add(at, "mark/forged", host, &[]);
            }
            _ => {}
        }
    }

    /// Adds a mark; of several losses or repairs in a row, only the first.
    fn add(&mut self, at: usize, key: &'static str, host: usize, numbers: &[(&str, u32)]) {
        let before = self.last.replace((key, host));
        if before == Some((key, host)) && matches!(key, "mark/lost" | "mark/again-told" | "mark/again-rto") {
            return;
        }
        let numbers: Vec<(&str, String)> =
            numbers.iter().map(|(name, number)| (*name, number.to_string())).collect();
        let mut values: Vec<(&str, &str)> = vec![("host", said::host(host, self.lang))];
        values.extend(numbers.iter().map(|(name, number)| (*name, number.as_str())));
        self.marks.push(Mark { at, text: filled(self.lang, key, &values) });
    }

    fn said(&mut self, at: usize, host: usize, text: &str) {
        match text {
            "connect returns" => self.add(at, "mark/connect-returns", host, &[]),
            "accept returns" => self.add(at, "mark/accept-returns", host, &[]),
            "crash" => self.add(at, "mark/crash", host, &[]),
            text => {
                let Some((call, _)) = text.split_once(said::FAILS) else { return };
                let values = [("host", said::host(host, self.lang)), ("call", call)];
                self.marks.push(Mark { at, text: filled(self.lang, "mark/fails", &values) });
            }
        }
    }

    fn traced(&mut self, at: usize, host: usize, trace: &Trace) {
        let Some(row) = trace.row() else { return };
        match (row.from, row.to) {
            (_, State::TimeWait) => self.add(at, "mark/time-wait", host, &[]),
            (State::TimeWait, State::Closed) => self.add(at, "mark/time-wait-ends", host, &[]),
            (_, State::Closing) => self.add(at, "mark/closing", host, &[]),
            (State::SynSent, State::SynReceived) => self.add(at, "mark/syn-crossed", host, &[]),
            _ => {}
        }
    }

    /// Slow start ends where the window reaches the threshold; after a timeout it is below it, and begins anew.
    fn threshold(&mut self, at: usize, event: &Event) {
        for host in [0, 1] {
            let Some(connection) = event.hosts[host].connections.first() else { continue };
            let (cwnd, ssthresh) = (connection.info.cwnd_bytes, connection.info.ssthresh_bytes);
            if self.starts_slowly[host] && cwnd >= ssthresh && connection.info.state != State::Closed {
                self.starts_slowly[host] = false;
                self.add(at, "mark/slow-start-ends", host, &[("n", ssthresh)]);
            }
        }
    }

    fn departs(&mut self, at: usize, host: usize, facts: SegmentFacts, why: Option<SendReason>) {
        let (seq, ack) = (facts.seq.number(), facts.ack.number());
        self.window(at, host, facts);
        let flags = facts.flags;
        match why {
            _ if flags.rst() => self.add(at, "mark/reset", host, &[]),
            Some(SendReason::Syn) => self.add(at, "mark/step-1", host, &[("seq", seq)]),
            Some(SendReason::SynAck) => self.add(at, "mark/step-2", host, &[("seq", seq), ("ack", ack)]),
            Some(SendReason::HandshakeAck) => {
                self.add(at, "mark/step-3", host, &[("seq", seq), ("ack", ack)]);
            }
            Some(SendReason::Timeout | SendReason::AfterTimeout) => {
                self.add(at, "mark/again-rto", host, &[("seq", seq)]);
            }
            Some(
                SendReason::FastRetransmit
                | SendReason::RecoveryRetransmit
                | SendReason::SackRecovery
                | SendReason::ReorderTimeout,
            ) => self.add(at, "mark/again-told", host, &[("seq", seq)]),
            Some(SendReason::TailLossProbe | SendReason::TailProbeWithNewData) => {
                self.add(at, "mark/again-tail", host, &[("seq", seq)]);
            }
            Some(SendReason::ZeroWindowProbe) => self.add(at, "mark/window-probe", host, &[]),
            Some(SendReason::ChallengeAck) => self.add(at, "mark/challenge", host, &[]),
            Some(SendReason::FinAck) => self.add(at, "mark/fin-acked", host, &[("ack", ack)]),
            _ => {}
        }
        if flags.fin() {
            let fin = seq.wrapping_add(facts.len_bytes);
            self.add(at, "mark/fin", host, &[("seq", fin)]);
        }
    }

    fn window(&mut self, at: usize, host: usize, facts: SegmentFacts) {
        if facts.flags.rst() {
            return;
        }
        let (before, now) = (self.windows[host].replace(facts.window_bytes), facts.window_bytes);
        match (before, now) {
            (Some(before), 0) if before > 0 => self.add(at, "mark/window-closed", host, &[]),
            (Some(0), now) if now > 0 => self.add(at, "mark/window-open", host, &[("n", now)]),
            _ => {}
        }
    }
}
