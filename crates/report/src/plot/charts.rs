//! The charts that a connection has, from its ladder and its traces.

use super::{Chart, Color, Mark, Series, Unit};
use crate::ladder::{Arrival, Ladder, Segment, Side, Step};
use tcp::{Instant, Trace};
use wire::Seq;

/// Bars of a throughput chart.
const BINS: usize = 100;
/// A window is shown if it reaches no further than this multiple of the bytes sent.
const WINDOW_MAX: f64 = 1.5;
/// A slow-start threshold is shown if it is no larger than this multiple of the largest window.
const THRESHOLD_MAX: f64 = 2.0;
/// Timeouts are shown if none is larger than this multiple of the longest round trip.
const TIMEOUT_MAX: f64 = 5.0;

fn seconds(at: Instant, start: Instant) -> f64 {
    at.since(start).as_nanos() as f64 / 1e9
}

fn start(ladder: &Ladder) -> Instant {
    ladder.steps.first().map_or(Instant::ZERO, Step::at)
}

fn segments(ladder: &Ladder) -> impl Iterator<Item = &Segment> {
    ladder.steps.iter().filter_map(|step| match step {
        Step::Segment(segment) => Some(segment),
        _ => None,
    })
}

/// What `from` sent over time, its acknowledgments, and the limit of the window.
pub fn time_sequence(ladder: &Ladder, from: Side) -> Chart {
    let begin = start(ladder);
    let base = ladder.ends[from.index()]
        .isn
        .or_else(|| segments(ladder).find(|segment| segment.from == from).map(|segment| segment.facts.seq));
    let base = base.unwrap_or_default();
    let offset = |seq: Seq| f64::from(seq.offset_from(base));
    let mut sent = Vec::new();
    let mut again = Vec::new();
    let mut lost = Vec::new();
    let mut acked = Vec::new();
    let mut window = Vec::new();
    for segment in segments(ladder) {
        let at = seconds(segment.at, begin);
        let facts = &segment.facts;
        if segment.from == from && facts.len_bytes > 0 {
            let point = (at, offset(facts.seq + facts.len_bytes));
            if segment.arrival == Arrival::Lost {
                lost.push(point);
            } else if segment.why.is_some_and(|why| why.is_retransmission()) {
                again.push(point);
            } else {
                sent.push(point);
            }
        } else if segment.from != from && facts.flags.ack() && !facts.flags.rst() {
            let heard = match segment.arrival {
                Arrival::Delivered { at } => seconds(at, begin),
                Arrival::Lost | Arrival::InFlight => continue,
                Arrival::Seen | Arrival::Stray => at,
            };
            acked.push((heard, offset(facts.ack)));
            window.push((heard, offset(facts.ack + facts.window_bytes)));
        }
    }
    // A window far beyond everything sent would flatten the other series.
    let reach = sent.iter().chain(&again).chain(&lost).map(|point| point.1).fold(1.0, f64::max) * WINDOW_MAX;
    if window.iter().any(|point: &(f64, f64)| point.1 > reach) {
        window.clear();
    }
    acked.sort_by(|a, b| a.0.total_cmp(&b.0));
    window.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut series = vec![
        Series { name: "window".into(), mark: Mark::Step, color: Color::Grey, points: window },
        Series { name: "acknowledged".into(), mark: Mark::Step, color: Color::Green, points: acked },
        Series { name: "sent".into(), mark: Mark::Points, color: Color::Blue, points: sent },
        Series { name: "sent again".into(), mark: Mark::Points, color: Color::Orange, points: again },
        Series { name: "lost".into(), mark: Mark::Points, color: Color::Red, points: lost },
    ];
    series.retain(|series| !series.points.is_empty());
    let name = &ladder.ends[from.index()].name;
    Chart { title: format!("Bytes sent by {name}"), x: Unit::Seconds, y: Unit::Bytes, series }
}

/// Congestion window and slow-start threshold over time.
pub fn congestion(traces: &[(Instant, Trace)]) -> Chart {
    let begin = traces.first().map_or(Instant::ZERO, |(at, _)| *at);
    let mut window = Vec::new();
    let mut threshold = Vec::new();
    for (at, trace) in traces {
        if let Trace::Congestion { cwnd_bytes, ssthresh_bytes, .. } = trace {
            let at = seconds(*at, begin);
            window.push((at, f64::from(*cwnd_bytes)));
            threshold.push((at, f64::from(*ssthresh_bytes)));
        }
    }
    // Before the first loss the threshold is practically infinite.
    let highest = window.iter().map(|point| point.1).fold(0.0, f64::max);
    threshold.retain(|point| point.1 <= highest * THRESHOLD_MAX);
    let mut series = vec![
        Series { name: "threshold".into(), mark: Mark::Step, color: Color::Grey, points: threshold },
        Series { name: "window".into(), mark: Mark::Step, color: Color::Blue, points: window },
    ];
    series.retain(|series| !series.points.is_empty());
    Chart { title: "Congestion window".into(), x: Unit::Seconds, y: Unit::Bytes, series }
}

/// Round-trip times, smoothed, and the retransmission timeout.
pub fn rtt(traces: &[(Instant, Trace)]) -> Chart {
    let begin = traces.first().map_or(Instant::ZERO, |(at, _)| *at);
    let mut columns: [Vec<(f64, f64)>; 3] = Default::default();
    for (at, trace) in traces {
        if let Trace::RttSample { rtt_us, srtt_us, rto_us } = trace {
            let at = seconds(*at, begin);
            for (column, us) in columns.iter_mut().zip([rtt_us, srtt_us, rto_us]) {
                column.push((at, f64::from(*us) / 1e6));
            }
        }
    }
    let [samples, smoothed, timeout] = columns;
    let highest = samples.iter().map(|point| point.1).fold(0.0, f64::max);
    let mut series = vec![
        Series { name: "measured".into(), mark: Mark::Points, color: Color::Blue, points: samples },
        Series { name: "smoothed".into(), mark: Mark::Line, color: Color::Violet, points: smoothed },
    ];
    // On a short path, the minimum timeout of a second would flatten the other series.
    if timeout.iter().all(|point| point.1 <= highest * TIMEOUT_MAX) {
        series.insert(
            0,
            Series { name: "timeout".into(), mark: Mark::Step, color: Color::Grey, points: timeout },
        );
    }
    series.retain(|series| !series.points.is_empty());
    Chart { title: "Round-trip time".into(), x: Unit::Seconds, y: Unit::Seconds, series }
}

/// Bytes of text over time, in both directions, as bits per second in 100 steps.
pub fn throughput(ladder: &Ladder) -> Chart {
    let begin = start(ladder);
    let end = ladder.steps.last().map_or(begin, Step::at);
    let span = seconds(end, begin).max(1e-9);
    let bin = span / BINS as f64;
    let mut bins = [[0.0f64; BINS]; 2];
    for segment in segments(ladder) {
        let slot = ((seconds(segment.at, begin) / bin) as usize).min(BINS - 1);
        bins[segment.from.index()][slot] += f64::from(segment.facts.len_bytes) * 8.0 / bin;
    }
    let colors = [Color::Blue, Color::Violet];
    let series = [Side::Left, Side::Right]
        .into_iter()
        .map(|side| Series {
            name: format!("from {}", ladder.ends[side.index()].name),
            mark: Mark::Step,
            color: colors[side.index()],
            points: bins[side.index()]
                .iter()
                .enumerate()
                .map(|(index, rate)| (index as f64 * bin, *rate))
                .collect(),
        })
        .collect();
    Chart { title: "Throughput".into(), x: Unit::Seconds, y: Unit::BitsPerSecond, series }
}
