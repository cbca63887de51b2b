//! Traces as JSON lines: one object a line, for programs.
//!
//! The fields of a segment are those of a captured one ([`crate::captured::SCHEMA`]), as far as a trace
//! knows them; sequence numbers are raw and relative. Times are seconds since the origin as a number
//! with nanoseconds.

use crate::ladder::{Arrival, End, Labels, Ladder, NoteKind, Options, Segment, Side, Step};
use crate::words::{self, Language};
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
        /// `call`, `timer`, `phase`, `trouble`, `window`, `loss`, `path_mtu`, `reordering`, `pacing`, `app_limited` or `trace`.
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
    /// `SYN, ACK`; with AccECN's number instead of three of them: `ACK, ACE=5`.
    pub flags: String,
    /// AccECN's number, where both ends have agreed on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ace: Option<u8>,
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
            Trace::Probing { growth, why } => {
                note("probing", format!("{}: {}", growth.name(), why.sentence()))
            }
            Trace::SendWindow { window_bytes } => {
                note("window", format!("the peer offers {window_bytes} bytes"))
            }
            Trace::Loss { seq, sign } => note("loss", format!("{seq} counts as lost: {}", sign.name())),
            Trace::PathMtu { mtu_bytes } => note("path_mtu", format!("the path carries {mtu_bytes} bytes")),
            Trace::PathProbe { mtu_bytes, what } => {
                note("path_probe", format!("a probe of {mtu_bytes} bytes: {}", what.name()))
            }
            Trace::BlackHole { mtu_bytes } => note(
                "black_hole",
                format!("large packets vanish: no more than {mtu_bytes} bytes from here on"),
            ),
            Trace::Reordering => note("reordering", "the path reorders".to_owned()),
            Trace::PacingWait { until } => {
                note("pacing", format!("waits until {} s for the pacer", seconds(*until)))
            }
            Trace::Memory { memory: tcp::Memory::Scarce } => note("memory", "memory is scarce".to_owned()),
            Trace::Memory { memory: tcp::Memory::Ample } => note("memory", "memory is ample".to_owned()),
            Trace::Pruned { bytes } => note(
                "pruned",
                format!("{bytes} bytes that had arrived out of order are dropped, because memory is scarce"),
            ),
            Trace::EcnAgreed { feedback } => {
                note("ecn_agreed", format!("marks are told: {} ECN", feedback.name()))
            }
            Trace::EcnDoubted { doubt } => {
                note("ecn_doubted", format!("no longer ECN-capable: {}", doubt.sentence()))
            }
            Trace::NotScalable { doubt } => {
                note("not_scalable", format!("CUBIC takes the place of Prague: {}", doubt.sentence()))
            }
            Trace::Marks { packets } => note("marks", format!("the peer tells of {packets} marked")),
            Trace::AppLimited => {
                note("app_limited", "nothing more to send, although the window has room".to_owned())
            }
            _ => note("trace", format!("{trace:?}")),
        }
    }
}

/// A whole ladder as JSON lines; notes and remarks are in this language, all else is the same in each.
pub fn ladder(ladder: &Ladder, language: Language) -> String {
    let mut now: [Option<State>; 2] = [ladder.ends[0].state, ladder.ends[1].state];
    let labels = Labels::of(ladder, &Options::default());
    let mut text = String::new();
    for step in &ladder.steps {
        text += &step_record((ladder, language), &labels, step, &mut now).line();
    }
    text
}

fn step_record(
    (ladder, language): (&Ladder, Language),
    labels: &Labels,
    step: &Step,
    now: &mut [Option<State>; 2],
) -> Record {
    let end = |side: Side| name(&ladder.ends[side.index()]);
    match step {
        Step::Segment(segment) => {
            for side in [0, 1] {
                now[side] = segment.states[side].or(now[side]);
            }
            Record::Segment(segment_record((ladder, language), labels, segment, now))
        }
        Step::Note { at, side, kind, text, .. } => {
            let kind = match kind {
                NoteKind::Call => "call",
                NoteKind::Timer => "timer",
                NoteKind::Undo => "undo",
                NoteKind::Phase => "phase",
                NoteKind::Trouble => "trouble",
            };
            Record::Note { time: seconds(*at), end: end(*side), kind, text: words::note(text, language) }
        }
        Step::Moved { at, side, to, on } => {
            let from = now[side.index()].replace(*to).map(State::name);
            Record::State {
                time: seconds(*at),
                end: end(*side),
                from,
                to: to.name(),
                on: on.name().to_owned(),
                section: None,
            }
        }
    }
}

fn segment_record(
    (ladder, language): (&Ladder, Language),
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
        flags: crate::flags::text(segment.facts.flags, segment.ace),
        ace: segment.ace,
        why: segment.why.map(|why| why.name()),
        remarks: segment.remarks.iter().map(|remark| words::remark(remark, language)).collect(),
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
        ace: None,
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
mod tests;
