//! The lines of each kind of record, read back.

use super::*;
use serde_json::Value;
use tcp::state::{Cause, lookup};
use tcp::{EcnDoubt, EcnFeedback, ResetReason, SendReason, Timer};
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
        (Trace::Reordering, "reordering", "the path reorders"),
        (
            Trace::Probing { growth: tcp::Growth::Drain, why: tcp::ProbeReason::FullPipe },
            "probing",
            "drain: the delivery rate has stopped growing",
        ),
        (
            Trace::PacingWait { until: Instant::from_millis(2_500) },
            "pacing",
            "waits until 2.5 s for the pacer",
        ),
        (Trace::Memory { memory: tcp::Memory::Scarce }, "memory", "memory is scarce"),
        (
            Trace::Pruned { bytes: 1_460 },
            "pruned",
            "1460 bytes that had arrived out of order are dropped, because memory is scarce",
        ),
        (Trace::EcnAgreed { feedback: EcnFeedback::Accurate }, "ecn_agreed", "marks are told: accurate ECN"),
        (
            Trace::EcnDoubted { doubt: EcnDoubt::PlainHandshake },
            "ecn_doubted",
            "no longer ECN-capable: a SYN or SYN-ACK went without ECN",
        ),
        (
            Trace::NotScalable { doubt: tcp::ScalableDoubt::LongQueue },
            "not_scalable",
            "CUBIC takes the place of Prague: the marks come from a long queue",
        ),
        (Trace::Marks { packets: 3 }, "marks", "the peer tells of 3 marked"),
        (
            Trace::PathProbe { mtu_bytes: 1_500, what: tcp::PathProbe::Arrived },
            "path_probe",
            "a probe of 1500 bytes: arrived",
        ),
        (
            Trace::BlackHole { mtu_bytes: 1_076 },
            "black_hole",
            "large packets vanish: no more than 1076 bytes from here on",
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
        ace: None,
        options: None,
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
        on: Cause::Abort,
    });
    let text = super::ladder(&ladder, Language::English);
    let lines: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("the line is JSON")).collect();
    assert_eq!(lines.len(), 2);
    assert_eq!((&lines[0]["state_src"], &lines[0]["state_dst"]), (&"SYN-SENT".into(), &"LISTEN".into()));
    assert_eq!((&lines[0]["event"], &lines[0]["frame"]), (&"lost".into(), &1.into()));
    assert_eq!((&lines[1]["from"], &lines[1]["to"]), (&"SYN-SENT".into(), &"CLOSED".into()));
}
