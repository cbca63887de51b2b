use super::*;
use crate::ladder::{Arrival, End, Ladder, Segment, Side, Step};
use crate::snapshot;
use tcp::{Instant, SegmentFacts, SendReason, Trace};
use wire::Seq;
use wire::tcp::Flags;

/// A transfer over 20 ms with slow start, one loss and a fast retransmission.
fn transfer() -> (Ladder, Vec<(Instant, Trace)>) {
    let mut ladder = Ladder::between(
        End { name: "client".into(), isn: Some(Seq::new(0)), ..End::default() },
        End { name: "server".into(), isn: Some(Seq::new(0)), ..End::default() },
    );
    let mut traces = Vec::new();
    let (mut next, mut cwnd) = (1u32, 10u32);
    for round in 0..12u64 {
        let at = |us: u64| Instant::from_micros(round * 20_000 + us);
        for n in 0..cwnd {
            let is_lost = round == 5 && n == 20;
            ladder.steps.push(Step::Segment(Segment {
                at: at(u64::from(n) * 100),
                from: Side::Left,
                facts: SegmentFacts {
                    seq: Seq::new(next),
                    ack: Seq::new(1),
                    flags: Flags::ACK,
                    len_bytes: 1_460,
                    window_bytes: 65_535,
                },
                ace: None,
                options: None,
                arrival: if is_lost { Arrival::Lost } else { Arrival::Delivered { at: at(10_000) } },
                arrives_before: None,
                why: Some(if round == 6 && n == 0 {
                    SendReason::FastRetransmit
                } else {
                    SendReason::NewData
                }),
                remarks: Vec::new(),
                states: [None; 2],
                frame: None,
            }));
            next += 1_460;
        }
        ladder.steps.push(Step::Segment(Segment {
            at: at(12_000),
            from: Side::Right,
            facts: SegmentFacts {
                seq: Seq::new(1),
                ack: Seq::new(next),
                flags: Flags::ACK,
                len_bytes: 0,
                window_bytes: 200_000,
            },
            ace: None,
            options: None,
            arrival: Arrival::Delivered { at: at(20_000) },
            arrives_before: None,
            why: None,
            remarks: Vec::new(),
            states: [None; 2],
            frame: None,
        }));
        let ssthresh_bytes = if round < 5 { u32::MAX } else { 20 * 1_460 };
        traces.push((
            at(20_000),
            Trace::Congestion { cwnd_bytes: cwnd * 1_460, ssthresh_bytes, growth: tcp::Growth::SlowStart },
        ));
        let rtt_us = 20_000 + (round as u32 * 7_919) % 5_000;
        traces.push((at(20_000), Trace::RttSample { rtt_us, srtt_us: 21_500, rto_us: 60_000 }));
        cwnd = if round == 5 {
            20
        } else if round < 5 {
            cwnd * 3 / 2
        } else {
            cwnd + 1
        };
    }
    (ladder, traces)
}

#[test]
fn the_charts_of_a_transfer_look_like_this() {
    let (ladder, traces) = transfer();
    snapshot::check("plot/time-sequence.svg", &time_sequence(&ladder, Side::Left).svg());
    snapshot::check("plot/throughput.svg", &throughput(&ladder).svg());
    snapshot::check("plot/congestion.svg", &congestion(&traces).svg());
    snapshot::check("plot/rtt.svg", &rtt(&traces).svg());
}

#[test]
fn graphs_of_a_column_share_their_axis_of_time() {
    let chart = |title: &str, end: f64| Chart {
        title: title.to_owned(),
        x: Unit::Seconds,
        y: Unit::Count,
        series: vec![Series {
            name: "n".to_owned(),
            mark: Mark::Line,
            color: Color::Blue,
            points: vec![(0.0, 1.0), (end, 2.0)],
        }],
    };
    let svg = column(&[chart("upper", 10.0), chart("lower", 20.0)], "both");
    assert!(svg.contains(r#"viewBox="0 0 860 680""#) && svg.contains("<title>both</title>"));
    // The upper one's line ends in the middle, the lower one's at the right edge, 340 further down.
    let ends: Vec<&str> = svg
        .lines()
        .filter(|line| line.starts_with("<path"))
        .filter_map(|line| line.rsplit_once('L').and_then(|(_, end)| end.split_once(' ')))
        .map(|(x, _)| x)
        .collect();
    assert_eq!(ends, ["456", "840"]);
    let lower = svg.find(r#"<g transform="translate(0 340)">"#).expect("a second graph");
    assert!(
        svg.find(">upper<").is_some_and(|at| at < lower) && svg.find(">lower<").is_some_and(|at| at > lower)
    );
}

#[test]
fn empty_charts_and_extreme_values_are_drawn() {
    let empty = Chart { title: "<nothing>".into(), x: Unit::Count, y: Unit::Bytes, series: Vec::new() };
    assert!(empty.svg().contains("&lt;nothing&gt;"));
    let nonsense = vec![(f64::NAN, 1.0), (0.0, f64::INFINITY), (5.0, 5.0), (f64::MIN_POSITIVE, -1e300)];
    for mark in [Mark::Line, Mark::Step, Mark::Points] {
        let series = vec![Series { name: "x".into(), mark, color: Color::Red, points: nonsense.clone() }];
        let svg = Chart { title: String::new(), x: Unit::Seconds, y: Unit::BitsPerSecond, series }.svg();
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }
    let ladder = Ladder::between(End::default(), End::default());
    assert!(time_sequence(&ladder, Side::Right).svg().contains("Bytes sent"));
    assert!(throughput(&ladder).svg().contains("bit/s"));
    assert!(rtt(&[]).svg().contains("Round-trip"));
}

#[test]
fn a_million_points_become_a_small_picture() {
    let points: Vec<(f64, f64)> = (0..1_000_000).map(|n| (f64::from(n), f64::from(n % 997))).collect();
    for mark in [Mark::Line, Mark::Step] {
        let series = vec![Series { name: "saw".into(), mark, color: Color::Blue, points: points.clone() }];
        let svg = Chart { title: "Many".into(), x: Unit::Count, y: Unit::Count, series }.svg();
        assert!(svg.len() < 80_000, "{} bytes", svg.len());
    }
}

#[test]
fn axes_have_round_numbers_and_fitting_units() {
    let labels = |unit, to: f64| {
        let axis = Axis::over(unit, [0.0, to].into_iter(), axis::Origin::Zero);
        let ticks: Vec<String> = axis.ticks().into_iter().map(|(_, label)| label).collect();
        format!("{} {}", ticks.join(" "), axis.unit_name())
    };
    assert_eq!(labels(Unit::Seconds, 0.07), "0 10 20 30 40 50 60 70 ms");
    assert_eq!(labels(Unit::Bytes, 58_400.0), "0 10 20 30 40 50 60 KiB");
    assert_eq!(labels(Unit::BitsPerSecond, 9.4e7), "0 20 40 60 80 100 Mbit/s");
    assert_eq!(labels(Unit::Count, 3.0), "0.0 0.5 1.0 1.5 2.0 2.5 3.0 ");
}
