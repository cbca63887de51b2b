//! What `synfin sim` shows of an experiment: a table, JSON, a picture.

use report::plot::{self, Chart, Color, Mark, Series, Unit};
use report::tables::{Cell, Column, Table};
use report::{Style, numbers};
use sim::{Experiment, FlowOutcome, Stop};
use std::time::Duration;

pub(super) fn text(outcome: &sim::Outcome, stop: Stop, style: &Style) -> String {
    let mut table = Table::new(vec![
        Column::names("flow"),
        Column::words("control"),
        Column::numbers("bytes"),
        Column::numbers("goodput"),
        Column::numbers("RTT"),
        Column::numbers("timeouts"),
        Column::sentences("sent again"),
        Column::words("end"),
    ]);
    for flow in &outcome.flows {
        let mut rtt: Vec<Duration> = flow.rtt.iter().map(|(_, rtt)| *rtt).collect();
        rtt.sort();
        let again: Vec<String> =
            flow.resent.iter().map(|(why, resent)| format!("{} {why}", resent.transmissions)).collect();
        table.push(vec![
            Cell::text(flow.local.to_string()),
            Cell::text(flow.congestion.name()),
            Cell::bytes(flow.bytes),
            Cell::rate(flow.goodput_bits_per_s),
            rtt.get(rtt.len() / 2).map_or_else(Cell::none, |median| Cell::duration(*median)),
            Cell::number(flow.timeouts),
            if again.is_empty() { Cell::none() } else { Cell::text(again.join(", ")) },
            Cell::text(match (flow.failed, flow.done_at) {
                (Some(error), _) => error.to_string(),
                (None, Some(_)) => "all arrived".to_owned(),
                (None, None) if matches!(stop, Stop::After(_)) => "sent until the end".to_owned(),
                (None, None) => "time ran out".to_owned(),
            }),
        ]);
    }
    let mut text = table.text(style);
    let share =
        outcome.share.map_or_else(String::new, |share| format!(", {:.1} % of the link", share * 100.0));
    text.push_str(&format!(
        "\ngoodput {}{share}, fairness {:.3}, {} of virtual time\n",
        numbers::rate(outcome.goodput_bits_per_s),
        outcome.fairness,
        numbers::duration(outcome.took),
    ));
    text.push_str(&format!(
        "sent again {:.2} % of what arrived, {:.2} % beyond what was lost\n",
        outcome.resent_share() * 100.0,
        outcome.spurious_share() * 100.0,
    ));
    for (why, count) in &outcome.lost {
        text.push_str(&format!("{}: {}\n", numbers::count(*count, "packet"), why.name()));
    }
    text
}

/// The sentence to show if not everything arrived.
pub(super) fn shortfall(outcome: &sim::Outcome, experiment: &Experiment) -> Option<String> {
    let of = |count: usize| {
        let all = outcome.flows.len();
        if all == 1 { "the flow".to_owned() } else { format!("{count} of {all} flows") }
    };
    let failed = outcome.flows.iter().filter(|flow| flow.failed.is_some()).count();
    let is_late = |flow: &&FlowOutcome| flow.failed.is_none() && flow.done_at.is_none();
    let unfinished = match experiment.stop {
        Stop::Bytes(_) => outcome.flows.iter().filter(is_late).count(),
        _ => 0,
    };
    let mut sentences = Vec::new();
    if failed > 0 {
        sentences.push(format!("{} failed; the table says how", of(failed)));
    }
    if unfinished > 0 {
        sentences.push(format!(
            "time ran out: {} did not end within {} of virtual time; send fewer --bytes, or raise --rate",
            of(unfinished),
            numbers::duration(experiment.within)
        ));
    }
    (!sentences.is_empty()).then(|| sentences.join("; "))
}

pub(super) fn json(outcome: &sim::Outcome) -> String {
    let flows: Vec<serde_json::Value> = outcome
        .flows
        .iter()
        .map(|flow| {
            let resent: serde_json::Map<_, _> = flow
                .resent
                .iter()
                .map(|(why, resent)| {
                    let value = serde_json::json!({"transmissions": resent.transmissions, "bytes": resent.bytes});
                    ((*why).to_owned(), value)
                })
                .collect();
            serde_json::json!({
                "local": flow.local.to_string(),
                "congestion_control": flow.congestion.name(),
                "bytes": flow.bytes,
                "goodput_bits_per_s": flow.goodput_bits_per_s,
                "began_at": seconds(flow.began_at),
                "done_at": flow.done_at.map(seconds),
                "timeouts": flow.timeouts,
                "timeouts_despite_sack": flow.timeouts_despite_sack,
                "resent": resent,
                "resent_bytes": flow.resent_bytes(),
                "spurious_bytes": flow.spurious_bytes(),
                "dropped": {"packets": flow.dropped.packets, "bytes": flow.dropped.bytes},
                "rtt": flow.rtt.iter().map(|(at, rtt)| (seconds(*at), rtt.as_secs_f64())).collect::<Vec<_>>(),
                "cwnd": flow.cwnd.iter().map(|(at, cwnd)| (seconds(*at), *cwnd)).collect::<Vec<_>>(),
                "delivered": flow.delivered.iter().map(|(at, bytes)| (seconds(*at), *bytes)).collect::<Vec<_>>(),
                "failed": flow.failed.map(|error| error.to_string()),
            })
        })
        .collect();
    let lost: serde_json::Map<_, _> =
        outcome.lost.iter().map(|(why, count)| (why.name().to_owned(), (*count).into())).collect();
    let object = serde_json::json!({
        "type": "sim",
        "goodput_bits_per_s": outcome.goodput_bits_per_s,
        "share": outcome.share,
        "fairness": outcome.fairness,
        "resent_share": outcome.resent_share(),
        "spurious_share": outcome.spurious_share(),
        "took": outcome.took.as_secs_f64(),
        "lost": lost,
        "flows": flows,
    });
    format!("{object}\n")
}

/// Windows, round-trip times and goodput of the first six flows, each with its controller: more than six colours are
/// hard to tell apart.
pub(super) fn picture(outcome: &sim::Outcome) -> String {
    let chart = |title: &str, y, mark, points: fn(&FlowOutcome) -> Vec<(f64, f64)>| {
        let colors = [Color::Blue, Color::Orange, Color::Green, Color::Violet, Color::Red, Color::Grey];
        let series = outcome.flows.iter().zip(colors).map(|(flow, color)| Series {
            name: format!("port {}, {}", flow.local.port(), flow.congestion.name()),
            color,
            mark,
            points: points(flow),
        });
        Chart { title: title.to_owned(), x: Unit::Seconds, y, series: series.collect() }
    };
    let charts = [
        chart("Congestion window", Unit::Bytes, Mark::Step, |flow| {
            flow.cwnd.iter().map(|(at, cwnd)| (seconds(*at), f64::from(*cwnd))).collect()
        }),
        chart("Round-trip time", Unit::Seconds, Mark::Line, |flow| {
            flow.rtt.iter().map(|(at, rtt)| (seconds(*at), rtt.as_secs_f64())).collect()
        }),
        chart("Goodput", Unit::BitsPerSecond, Mark::Step, goodput),
    ];
    plot::column(&charts, "Congestion window, round-trip time and goodput over time")
}

/// Steps of the goodput's curve: few enough that single packets do not show.
const GOODPUT_STEPS: usize = 50;

fn goodput(flow: &FlowOutcome) -> Vec<(f64, f64)> {
    let every = (flow.delivered.len() / GOODPUT_STEPS).max(1);
    let mut points: Vec<(f64, f64)> = Vec::new();
    let mut from = (seconds(flow.began_at), 0);
    for (at, bytes) in flow.delivered.iter().skip(every - 1).step_by(every) {
        let to = (seconds(*at), *bytes);
        // The goodput from `from` to `to` is drawn as a step that begins at `from`.
        points.push((from.0, (to.1 - from.1) as f64 * 8.0 / (to.0 - from.0)));
        from = to;
    }
    points.extend(points.last().map(|(_, rate)| (from.0, *rate)));
    points
}

fn seconds(at: tcp::Instant) -> f64 {
    at.as_nanos() as f64 / 1e9
}
