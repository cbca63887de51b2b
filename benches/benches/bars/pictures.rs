//! Each controller over time on six paths, and Prague beside CUBIC on a seventh: its window, what it has in flight, how
//! fast it sends, how long the round trip takes. As SVG.

use crate::rows::{path_20ms, path_40ms, path_fat, path_l4s};
use report::plot::{self, Chart, Color, Mark, Series, Unit};
use sim::tcp::{self, CongestionControl, EcnFeedback};
use sim::{Chance, Experiment, FlowOutcome, Stop};
use std::path::Path;
use std::time::Duration;

/// Points of a curve.
const LOOKS: u32 = 400;
/// Those that have a path to themselves. Prague without marks is CUBIC.
const ALONE: [CongestionControl; 3] =
    [CongestionControl::NewReno, CongestionControl::Cubic, CongestionControl::Bbr];

/// Draws into this folder, which is made if it is not there; prints the name of each file.
pub(crate) fn draw(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let reordered = Experiment { reorder: Chance::percent(3.0), ..path_20ms(0.0) };
    for (file, title, seconds, path) in [
        ("queue-quarter", "100 Mbit/s, 40 ms, queue 0.25 BDP", 10, path_40ms(0.25)),
        ("queue-one", "100 Mbit/s, 40 ms, queue 1 BDP", 20, path_40ms(1.0)),
        ("queue-five", "100 Mbit/s, 40 ms, queue 5 BDP", 40, path_40ms(5.0)),
        ("loss", "100 Mbit/s, 20 ms, 0.1 % loss", 20, path_20ms(0.1)),
        ("reordering", "100 Mbit/s, 20 ms, 3 % held back by a quarter of the RTT", 10, reordered),
        ("fat", "1 Gbit/s, 100 ms, queue 1 BDP", 30, path_fat()),
    ] {
        let flows = ALONE.map(|control| {
            let path = Experiment { congestion: vec![control], ..path.clone() };
            watched(path, seconds).swap_remove(0)
        });
        write(folder, file, title, &flows)?;
    }
    let together = vec![CongestionControl::Prague, CongestionControl::Cubic];
    let flows = watched(path_l4s(Duration::from_millis(20), together, EcnFeedback::Off), 20);
    write(folder, "l4s", "100 Mbit/s, 20 ms, DualPI2, both at once", &flows)
}

fn write(folder: &Path, file: &str, title: &str, flows: &[FlowOutcome]) -> std::io::Result<()> {
    let place = folder.join(format!("{file}.svg"));
    std::fs::write(&place, picture(title, flows))?;
    println!("{}", place.display());
    Ok(())
}

/// The flows of a path, looked at for so many seconds.
fn watched(path: Experiment, seconds: u64) -> Vec<FlowOutcome> {
    let time = Duration::from_secs(seconds);
    Experiment { stop: Stop::After(time), sampling: Some(time / LOOKS), seed: 1, ..path }.run().flows
}

/// A column of charts, one for each quantity.
fn picture(title: &str, flows: &[FlowOutcome]) -> String {
    let colors = [Color::Orange, Color::Blue, Color::Green, Color::Violet];
    let chart = |title: &str, y, mark, value: fn(&tcp::Info) -> Option<f64>| {
        let series = flows.iter().zip(colors).map(|(flow, color)| Series {
            name: flow.congestion.name().to_owned(),
            color,
            mark,
            points: flow.samples.iter().filter_map(|(at, info)| Some((seconds(*at), value(info)?))).collect(),
        });
        Chart { title: title.to_owned(), x: Unit::Seconds, y, series: series.collect() }
    };
    let charts = [
        chart(&format!("Congestion window: {title}"), Unit::Bytes, Mark::Step, |info| {
            Some(f64::from(info.cwnd_bytes))
        }),
        chart("In the network", Unit::Bytes, Mark::Line, |info| {
            let gone = info.sacked_bytes + info.lost_bytes.saturating_sub(info.resent_bytes);
            Some(f64::from(info.in_flight_bytes.saturating_sub(gone)))
        }),
        chart("Pacing rate", Unit::BitsPerSecond, Mark::Step, |info| {
            info.pacing_bytes_per_s.map(|rate| rate as f64 * 8.0)
        }),
        chart("Round-trip time", Unit::Seconds, Mark::Line, |info| {
            info.rtt_latest.map(|rtt| rtt.as_secs_f64())
        }),
    ];
    plot::column(&charts, title)
}

fn seconds(at: sim::tcp::Instant) -> f64 {
    at.as_nanos() as f64 / 1e9
}
