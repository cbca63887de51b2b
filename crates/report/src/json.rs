//! Traces as JSON lines: one object a line, for programs.
//!
//! The fields of a segment are those of a captured one ([`crate::captured::SCHEMA`]), as far as a trace
//! knows them; sequence numbers are raw and relative. Times are seconds since the origin as a number
//! with nanoseconds.

use crate::ladder::{Arrival, End, Labels, Ladder, NoteKind, Options, Segment, Side, Step};
use serde::Serialize;
use tcp::state::State;
use tcp::{Instant, LossSign, SegmentFacts, Trace};

/// One line of JSON.
#[derive(Clone, Debug, Serialize, PartialEq)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Record {
    /// A segment was sent, taken or refused.
    Segment(SegmentRecord),
    /// A state changed.
    State {
        /// Seconds since the origin.
        time: f64,
        /// Which end: its name.
        end: String,
        /// The state before, where it is known.
        #[serde(skip_serializing_if = "Option::is_none")]
        from: Option<&'static str>,
        /// The state after.
        to: &'static str,
        /// The cause.
        on: String,
        /// RFC and section: `9293#3.10.4`.
        #[serde(skip_serializing_if = "Option::is_none")]
        section: Option<&'static str>,
    },
    /// A timer fired or was set.
    Timer {
        /// Seconds since the origin.
        time: f64,
        /// Which end: its name.
        end: String,
        /// Its name: `retransmit`.
        timer: &'static str,
        /// When it will fire; absent when it fires now.
        #[serde(skip_serializing_if = "Option::is_none")]
        due: Option<f64>,
    },
    /// The round-trip time was measured.
    Rtt {
        /// Seconds since the origin.
        time: f64,
        /// Which end: its name.
        end: String,
        /// The measurement in microseconds.
        rtt_us: u32,
        /// The smoothed value in microseconds.
        srtt_us: u32,
        /// The retransmission timeout in microseconds.
        rto_us: u32,
    },
    /// The congestion window or the threshold changed.
    Congestion {
        /// Seconds since the origin.
        time: f64,
        /// Which end: its name.
        end: String,
        /// Congestion window in bytes.
        cwnd_bytes: u32,
        /// Slow-start threshold in bytes.
        ssthresh_bytes: u32,
        /// By which rule the window grows: `slow-start`, `concave`.
        growth: &'static str,
    },
    /// Loss recovery moved to another phase.
    Phase {
        /// Seconds since the origin.
        time: f64,
        /// Which end: its name.
        end: String,
        /// The phase: `open`, `cwr`, `recovery`, `loss`.
        phase: &'static str,
        /// What showed the loss, if that is why: `rack`.
        #[serde(skip_serializing_if = "Option::is_none")]
        sign: Option<&'static str>,
    },
    /// A reduction of the congestion window was a mistake and is taken back.
    Undone {
        /// Seconds since the origin.
        time: f64,
        /// Which end: its name.
        end: String,
        /// What showed it: `timestamp`, `duplicates`, `early-timeout`.
        sign: &'static str,
    },
    /// Anything else: a call that returned, a loss, a path MTU.
    Note {
        /// Seconds since the origin.
        time: f64,
        /// Which end: its name.
        end: String,
        /// `call`, `timer`, `trouble`, `window`, `loss`, `path_mtu`, `reordering`, `pacing`, `app_limited` or `trace`.
        kind: &'static str,
        /// In words.
        text: String,
    },
}

/// A segment in JSON.
#[derive(Clone, Debug, Serialize, PartialEq)]
pub struct SegmentRecord {
    /// Its number in a capture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frame: Option<u64>,
    /// The connection's number in a capture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream: Option<u64>,
    /// Seconds since the origin.
    pub time: f64,
    /// `sent`, `taken`, `refused`, `lost`, `seen`, `in_flight`, `stray`.
    pub event: &'static str,
    /// The sender: its address, or its name if it has none.
    pub src: String,
    /// The receiver, likewise.
    pub dst: String,
    /// The sequence number as it is in the header.
    pub seq_raw: u32,
    /// The acknowledgment number as it is in the header; absent without ACK.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ack_raw: Option<u32>,
    /// The sequence number from the sender's ISN, where that is known; negative for older numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<i64>,
    /// The acknowledgment number from the receiver's ISN, where that is known; negative likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ack: Option<i64>,
    /// Bytes of text.
    pub len: u32,
    /// `SYN, ACK`.
    pub flags: String,
    /// The window in bytes after scaling.
    pub window: u32,
    /// Wireshark's verdicts without the `tcp.analysis.` before them: `retransmission`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub analysis: Vec<String>,
    /// Why it was sent: `new-data`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<&'static str>,
    /// Why it was refused, and other remarks.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
    /// When it arrived, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arrived: Option<f64>,
    /// The sender's state after it, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_src: Option<&'static str>,
    /// The receiver's state after it, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_dst: Option<&'static str>,
}

impl Record {
    /// The record as one line, with its newline.
    pub fn line(&self) -> String {
        let mut line = serde_json::to_string(self).expect("records have string keys and finite numbers");
        line.push('\n');
        line
    }
}

/// Seconds since the origin; precise to a nanosecond for about 100 days, to a microsecond for centuries.
fn seconds(at: Instant) -> f64 {
    at.as_nanos() as f64 / 1e9
}

/// The ends of a live connection, for the records of its traces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ends {
    /// The end whose traces these are.
    pub local: End,
    /// The other one.
    pub remote: End,
}

impl Ends {
    /// One trace of the local end as a record.
    pub fn record(&self, at: Instant, trace: &Trace) -> Record {
        let time = seconds(at);
        let end = name(&self.local);
        let note = |kind, text| Record::Note { time, end: name(&self.local), kind, text };
        match trace {
            Trace::Sent { segment, why } => {
                let mut record = header_record(segment, [&self.local, &self.remote], time, "sent");
                record.why = Some(why.name());
                Record::Segment(record)
            }
            Trace::Taken { segment } => {
                Record::Segment(header_record(segment, [&self.remote, &self.local], time, "taken"))
            }
            Trace::Refused { segment, why } => {
                let mut record = header_record(segment, [&self.remote, &self.local], time, "refused");
                record.remarks.push(why.sentence().to_owned());
                Record::Segment(record)
            }
            Trace::StateChanged { .. } => match trace.row() {
                Some(row) => Record::State {
                    time,
                    end,
                    from: Some(row.from.name()),
                    to: row.to.name(),
                    on: row.on.name().to_owned(),
                    section: Some(row.section),
                },
                None => note("trace", format!("{trace:?}")),
            },
            Trace::TimerArmed { timer, due } => {
                Record::Timer { time, end, timer: timer.name(), due: Some(seconds(*due)) }
            }
            Trace::TimerFired { timer } => Record::Timer { time, end, timer: timer.name(), due: None },
            Trace::RttSample { rtt_us, srtt_us, rto_us } => {
                Record::Rtt { time, end, rtt_us: *rtt_us, srtt_us: *srtt_us, rto_us: *rto_us }
            }
            Trace::Congestion { cwnd_bytes, ssthresh_bytes, growth } => Record::Congestion {
                time,
                end,
                cwnd_bytes: *cwnd_bytes,
                ssthresh_bytes: *ssthresh_bytes,
                growth: growth.name(),
            },
            Trace::Phase { phase, sign } => {
                Record::Phase { time, end, phase: phase.name(), sign: sign.map(LossSign::name) }
            }
            Trace::Undone { sign } => Record::Undone { time, end, sign: sign.name() },
            Trace::SendWindow { window_bytes } => {
                note("window", format!("the peer offers {window_bytes} bytes"))
            }
            Trace::Loss { seq, sign } => note("loss", format!("{seq} counts as lost: {}", sign.name())),
            Trace::PathMtu { mtu_bytes } => note("path_mtu", format!("the path carries {mtu_bytes} bytes")),
            Trace::Reordering { seen: true } => note("reordering", "the path reorders".to_owned()),
            Trace::Reordering { seen: false } => note("reordering", "the path keeps the order".to_owned()),
            Trace::PacingWait { until } => {
                note("pacing", format!("waits until {} s for the pacer", seconds(*until)))
            }
            Trace::AppLimited => {
                note("app_limited", "nothing more to send, although the window has room".to_owned())
            }
            _ => note("trace", format!("{trace:?}")),
        }
    }
}

/// A whole ladder as JSON lines.
pub fn ladder(ladder: &Ladder) -> String {
    let mut now: [Option<State>; 2] = [ladder.ends[0].state, ladder.ends[1].state];
    let labels = Labels::of(ladder, &Options::default());
    let mut text = String::new();
    for step in &ladder.steps {
        text += &step_record(ladder, &labels, step, &mut now).line();
    }
    text
}

fn step_record(ladder: &Ladder, labels: &Labels, step: &Step, now: &mut [Option<State>; 2]) -> Record {
    let end = |side: Side| name(&ladder.ends[side.index()]);
    match step {
        Step::Segment(segment) => {
            for side in [0, 1] {
                now[side] = segment.states[side].or(now[side]);
            }
            Record::Segment(segment_record(ladder, labels, segment, now))
        }
        Step::Note { at, side, kind, text, .. } => {
            let kind = match kind {
                NoteKind::Call => "call",
                NoteKind::Timer => "timer",
                NoteKind::Trouble => "trouble",
            };
            Record::Note { time: seconds(*at), end: end(*side), kind, text: text.clone() }
        }
        Step::Moved { at, side, to, on } => {
            let from = now[side.index()].replace(*to).map(State::name);
            Record::State {
                time: seconds(*at),
                end: end(*side),
                from,
                to: to.name(),
                on: on.clone(),
                section: None,
            }
        }
    }
}

fn segment_record(
    ladder: &Ladder,
    labels: &Labels,
    segment: &Segment,
    now: &[Option<State>; 2],
) -> SegmentRecord {
    let (from, to) = (segment.from, segment.from.other());
    let (event, arrived) = match segment.arrival {
        Arrival::Seen => ("seen", None),
        Arrival::Delivered { at } => ("sent", Some(seconds(at))),
        Arrival::Lost => ("lost", None),
        Arrival::InFlight => ("in_flight", None),
        Arrival::Stray => ("stray", None),
    };
    let ends = [&ladder.ends[from.index()], &ladder.ends[to.index()]];
    let relative = |seq, side: Side| ladder.ends[side.index()].isn.map(|_| labels.relative(seq, side));
    SegmentRecord {
        seq: relative(segment.facts.seq, from),
        ack: segment.facts.flags.ack().then(|| relative(segment.facts.ack, to)).flatten(),
        frame: segment.frame,
        why: segment.why.map(|why| why.name()),
        remarks: segment.remarks.clone(),
        arrived,
        state_src: now[from.index()].map(State::name),
        state_dst: now[to.index()].map(State::name),
        ..header_record(&segment.facts, ends, seconds(segment.at), event)
    }
}

/// A record with the header's fields, for a segment from one end to the other.
fn header_record(
    facts: &SegmentFacts,
    [from, to]: [&End; 2],
    time: f64,
    event: &'static str,
) -> SegmentRecord {
    let has_ack = facts.flags.ack();
    SegmentRecord {
        frame: None,
        stream: None,
        time,
        event,
        src: address(from),
        dst: address(to),
        seq_raw: facts.seq.number(),
        ack_raw: has_ack.then(|| facts.ack.number()),
        seq: from.isn.map(|isn| i64::from(facts.seq.bytes_since(isn))),
        ack: to.isn.filter(|_| has_ack).map(|isn| i64::from(facts.ack.bytes_since(isn))),
        len: facts.len_bytes,
        flags: facts.flags.to_string(),
        window: facts.window_bytes,
        analysis: Vec::new(),
        why: None,
        remarks: Vec::new(),
        arrived: None,
        state_src: None,
        state_dst: None,
    }
}

fn name(end: &End) -> String {
    if end.name.is_empty() { end.address.clone() } else { end.name.clone() }
}

fn address(end: &End) -> String {
    if end.address.is_empty() { end.name.clone() } else { end.address.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use tcp::state::{Cause, lookup};
    use tcp::{ResetReason, SendReason, Timer};
    use wire::Seq;
    use wire::tcp::Flags;

    fn ends() -> Ends {
        let end = |name: &str, address: &str, isn| End {
            name: name.into(),
            address: address.into(),
            isn: Some(Seq::new(isn)),
            state: None,
        };
        Ends {
            local: end("client", "10.0.0.1:49152", 4_225_926_656),
            remote: end("server", "10.0.0.2:80", 3_022_381_253),
        }
    }

    fn parsed(trace: &Trace) -> Value {
        let line = ends().record(Instant::from_micros(1_500_001), trace).line();
        assert!(line.ends_with('\n') && line.matches('\n').count() == 1, "{line:?}");
        serde_json::from_str(&line).expect("the line is JSON")
    }

    #[test]
    fn a_sent_segment_has_raw_and_relative_numbers() {
        let segment = SegmentFacts {
            seq: Seq::new(4_225_926_657),
            ack: Seq::new(3_022_381_254),
            flags: Flags::PSH | Flags::ACK,
            len_bytes: 537,
            window_bytes: 65_535,
        };
        let json = parsed(&Trace::Sent { segment, why: SendReason::NewData });
        let expected = serde_json::json!({
            "type": "segment", "time": 1.500001, "event": "sent",
            "src": "10.0.0.1:49152", "dst": "10.0.0.2:80",
            "seq_raw": 4_225_926_657u32, "ack_raw": 3_022_381_254u32, "seq": 1, "ack": 1,
            "len": 537, "flags": "PSH, ACK", "window": 65_535, "why": "new-data",
        });
        assert_eq!(json, expected);
        let taken = parsed(&Trace::Taken { segment });
        assert_eq!((&taken["src"], &taken["event"]), (&"10.0.0.2:80".into(), &"taken".into()));
    }

    #[test]
    fn without_ack_there_is_no_acknowledgment_number() {
        let segment = SegmentFacts {
            seq: Seq::new(4_225_926_656),
            ack: Seq::new(77),
            flags: Flags::RST,
            len_bytes: 0,
            window_bytes: 0,
        };
        let json = parsed(&Trace::Sent { segment, why: SendReason::Reset(ResetReason::Aborted) });
        assert_eq!((json.get("ack_raw"), json.get("ack")), (None, None));
        assert_eq!(json["why"], "rst-aborted");
    }

    #[test]
    fn states_timers_and_measurements_have_lines_too() {
        let row = lookup(State::Closed, Cause::ActiveOpen).expect("the table has this row").index();
        let json = parsed(&Trace::StateChanged { row });
        assert_eq!((&json["from"], &json["to"]), (&"CLOSED".into(), &"SYN-SENT".into()));
        assert_eq!(json["section"], "9293#3.10.1");
        let json = parsed(&Trace::TimerArmed { timer: Timer::Retransmit, due: Instant::from_millis(2_500) });
        assert_eq!((&json["timer"], &json["due"]), (&"retransmit".into(), &2.5.into()));
        let json = parsed(&Trace::RttSample { rtt_us: 10, srtt_us: 20, rto_us: 30 });
        assert_eq!((&json["type"], &json["rto_us"]), (&"rtt".into(), &30.into()));
        let growth = tcp::Growth::SlowStart;
        let json = parsed(&Trace::Congestion { cwnd_bytes: 14_600, ssthresh_bytes: 7_300, growth });
        assert_eq!((&json["cwnd_bytes"], &json["growth"]), (&14_600.into(), &"slow-start".into()));
        // A row that the table does not have becomes a note and does not panic.
        assert_eq!(parsed(&Trace::StateChanged { row: 255 })["type"], "note");
    }

    #[test]
    fn what_recovery_decides_has_lines() {
        let phase = tcp::RecoveryPhase::Recovery;
        let json = parsed(&Trace::Phase { phase, sign: Some(LossSign::ReorderTimer) });
        assert_eq!((&json["type"], &json["phase"]), (&"phase".into(), &"recovery".into()));
        assert_eq!(json["sign"], "reorder-timer");
        let json = parsed(&Trace::Phase { phase: tcp::RecoveryPhase::Open, sign: None });
        assert_eq!(json.get("sign"), None);
        let json = parsed(&Trace::Undone { sign: tcp::UndoSign::Timestamp });
        assert_eq!((&json["type"], &json["sign"]), (&"undone".into(), &"timestamp".into()));
        let notes = [
            (Trace::Loss { seq: Seq::new(77), sign: LossSign::Rack }, "loss", "77 counts as lost: rack"),
            (Trace::Reordering { seen: true }, "reordering", "the path reorders"),
            (
                Trace::PacingWait { until: Instant::from_millis(2_500) },
                "pacing",
                "waits until 2.5 s for the pacer",
            ),
            (Trace::AppLimited, "app_limited", "nothing more to send, although the window has room"),
        ];
        for (trace, kind, text) in notes {
            let json = parsed(&trace);
            assert_eq!((&json["kind"], &json["text"]), (&kind.into(), &text.into()));
        }
    }

    #[test]
    fn a_ladder_is_lines_with_the_states_of_both_ends() {
        let mut ladder = Ladder::between(ends().local, ends().remote);
        ladder.ends[1].state = Some(State::Listen);
        let facts = SegmentFacts {
            seq: Seq::new(4_225_926_656),
            ack: Seq::new(0),
            flags: Flags::SYN,
            len_bytes: 0,
            window_bytes: 65_535,
        };
        ladder.steps.push(Step::Segment(Segment {
            at: Instant::ZERO,
            from: Side::Left,
            facts,
            arrival: Arrival::Lost,
            arrives_before: None,
            why: Some(SendReason::Syn),
            remarks: Vec::new(),
            states: [Some(State::SynSent), None],
            frame: Some(1),
        }));
        ladder.steps.push(Step::Moved {
            at: Instant::from_millis(1),
            side: Side::Left,
            to: State::Closed,
            on: "ABORT".into(),
        });
        let text = super::ladder(&ladder);
        let lines: Vec<Value> =
            text.lines().map(|line| serde_json::from_str(line).expect("the line is JSON")).collect();
        assert_eq!(lines.len(), 2);
        assert_eq!((&lines[0]["state_src"], &lines[0]["state_dst"]), (&"SYN-SENT".into(), &"LISTEN".into()));
        assert_eq!((&lines[0]["event"], &lines[0]["frame"]), (&"lost".into(), &1.into()));
        assert_eq!((&lines[1]["from"], &lines[1]["to"]), (&"SYN-SENT".into(), &"CLOSED".into()));
    }
}
