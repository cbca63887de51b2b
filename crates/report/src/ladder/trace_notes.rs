//! Which traces become a line of their own in a ladder, and what it says.
//!
//! Those that explain what follows and that no segment shows: a reduction taken back, a phase of BBR's search, what
//! became of a probe of the path's MTU.

use super::{NoteKind, NoteText};
use tcp::{PathProbe, Trace};

/// The line, if there is one.
pub(super) fn note(trace: &Trace) -> Option<(NoteKind, NoteText)> {
    Some(match *trace {
        Trace::Undone { sign } => (NoteKind::Undo, NoteText::Undone(sign)),
        Trace::Probing { growth, why } => (NoteKind::Phase, NoteText::Probing { growth, why }),
        Trace::PathProbe { mtu_bytes, what: PathProbe::Arrived } => {
            (NoteKind::Phase, NoteText::PathProbeArrived { bytes: mtu_bytes })
        }
        Trace::PathProbe { mtu_bytes, what: PathProbe::Lost } => {
            (NoteKind::Phase, NoteText::PathProbeLost { bytes: mtu_bytes })
        }
        Trace::BlackHole { mtu_bytes } => (NoteKind::Phase, NoteText::BlackHole { bytes: mtu_bytes }),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use crate::Style;
    use crate::ladder::{End, FrameArrival, Ladder, Options, Recorder, Side, Step};
    use crate::words::{self, Language};
    use tcp::{EcnFeedback, Growth, Instant, PathProbe, ProbeReason, SegmentFacts, SendReason, Trace};
    use wire::Seq;
    use wire::tcp::Flags;

    fn facts(flags: Flags, len_bytes: u32) -> SegmentFacts {
        SegmentFacts { seq: Seq::new(1), ack: Seq::new(1), flags, len_bytes, window_bytes: 65_535 }
    }

    fn with(flags: Flags, number: u16) -> Flags {
        flags | Flags::from_bits(number << 6)
    }

    fn drawn(ladder: &Ladder) -> String {
        ladder.text(&Options::default(), &Style::PLAIN)
    }

    #[test]
    fn phases_of_bbr_and_probes_of_the_path_have_a_line_each() {
        let mut recorder = Recorder::new(End::default(), End::default());
        let at = Instant::from_millis(3);
        let traces = [
            Trace::Probing { growth: Growth::Drain, why: ProbeReason::FullPipe },
            Trace::Probing { growth: Growth::ProbeBwUp, why: ProbeReason::Refilled },
            Trace::PathProbe { mtu_bytes: 1_400, what: PathProbe::Arrived },
            Trace::PathProbe { mtu_bytes: 1_500, what: PathProbe::Lost },
            Trace::AppLimited,
        ];
        traces.iter().for_each(|trace| recorder.record(at, Side::Left, trace, None));
        let ladder = recorder.finish();
        assert_eq!(ladder.steps.len(), 4, "what a segment shows, or nobody needs, has none");
        let text = drawn(&ladder);
        for line in [
            "◇ BBR enters Drain: the delivery rate has stopped growing",
            "◇ BBR enters ProbeBW_UP: the pipe is refilled",
            "◇ the path probe of 1,400 bytes has arrived",
            "◇ lost path probe of 1,500 bytes",
        ] {
            assert!(text.contains(line), "{text}");
        }
        assert!(crate::json::ladder(&ladder, Language::English).contains("\"kind\":\"phase\""));
    }

    #[test]
    fn a_probe_of_the_path_says_how_large_it_is() {
        let mut recorder = Recorder::new(End::default(), End::default());
        let at = Instant::ZERO;
        recorder.record(at, Side::Left, &Trace::PathProbe { mtu_bytes: 1_400, what: PathProbe::Sent }, None);
        recorder.departs(at, Side::Left, 0, facts(Flags::ACK, 1_348), Some(SendReason::PathProbe));
        recorder.departs(at, Side::Left, 1, facts(Flags::ACK, 972), Some(SendReason::NewData));
        let ladder = recorder.finish();
        let remarks = ladder.steps.iter().map(|step| match step {
            Step::Segment(segment) => {
                let told = segment.remarks.iter().map(|remark| words::remark(remark, Language::English));
                told.collect::<Vec<_>>().join(", ")
            }
            other => panic!("{other:?}"),
        });
        assert_eq!(remarks.collect::<Vec<_>>(), ["a packet of 1,400 bytes", ""]);
    }

    #[test]
    fn accurate_ecn_makes_a_number_of_three_flags() {
        let mut recorder = Recorder::new(End::default(), End::default());
        let (at, ack) = (Instant::ZERO, Flags::ACK);
        let sends = |recorder: &mut Recorder, frame, from, flags, len_bytes| {
            recorder.departs(at, from, frame, facts(flags, len_bytes), None);
            recorder.arrives(at, from.other(), FrameArrival { frame, arrival: 0 }, facts(flags, len_bytes));
        };
        sends(&mut recorder, 0, Side::Left, with(Flags::SYN, 0b111), 0);
        sends(&mut recorder, 1, Side::Right, with(Flags::SYN | ack, 0b010), 0);
        sends(&mut recorder, 2, Side::Left, with(ack, 0b010), 0);
        sends(&mut recorder, 3, Side::Left, with(ack, 5), 900);
        sends(&mut recorder, 4, Side::Right, with(ack, 6), 0);
        let heard = Some(FrameArrival { frame: 4, arrival: 0 });
        recorder.record(at, Side::Left, &Trace::EcnAgreed { feedback: EcnFeedback::Accurate }, heard);
        recorder.record(at, Side::Left, &Trace::Marks { packets: 1 }, heard);
        let text = drawn(&recorder.finish());
        for words in [
            "asks for AccECN",
            "SYN,ACK,CWR",
            "accepts AccECN; the SYN",
            "ACK,ACE=2",
            "ACK,ACE=5",
            "ACK,ACE=6",
            "1 more packet arrived marked",
        ] {
            assert!(text.contains(words), "no {words} in\n{text}");
        }
        assert!(!text.contains("ACK,ECE"), "{text}");
    }
}
