//! What `synfin sim` shows of an experiment: a table, JSON, a picture.

use report::plot::{self, Chart, Color, Mark, Series, Unit};
use report::tables::{Cell, Column, Table};
use report::{Style, numbers};
use std::time::Duration;

pub(super) fn text(outcome: &sim::Outcome, style: &Style) -> String {
    let mut table = Table::new(vec![
        Column::names("flow"),
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
            Cell::bytes(flow.bytes),
            Cell::rate(flow.goodput_bits_per_s),
            rtt.get(rtt.len() / 2).map_or_else(Cell::none, |median| Cell::duration(*median)),
            Cell::number(flow.timeouts),
            if again.is_empty() { Cell::none() } else { Cell::text(again.join(", ")) },
            Cell::text(match (flow.failed, flow.done_at) {
                (Some(error), _) => error.to_string(),
                (None, Some(_)) => "all arrived".to_owned(),
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
    for (why, count) in &outcome.lost {
        text.push_str(&format!("{}: {}\n", numbers::count(*count, "packet"), why.name()));
    }
    text
}

/// What to say if not everything arrived.
pub(super) fn shortfall(outcome: &sim::Outcome, within: Duration) -> Option<String> {
    let of = |count: usize| {
        let all = outcome.flows.len();
        if all == 1 { "the flow".to_owned() } else { format!("{count} of {all} flows") }
    };
    let failed = outcome.flows.iter().filter(|flow| flow.failed.is_some()).count();
    let unfinished =
        outcome.flows.iter().filter(|flow| flow.failed.is_none() && flow.done_at.is_none()).count();
    let mut sentences = Vec::new();
    if failed > 0 {
        sentences.push(format!("{} failed; the table says how", of(failed)));
    }
    if unfinished > 0 {
        sentences.push(format!(
            "time ran out: {} did not end within {} of virtual time; send fewer --bytes, or raise --rate",
            of(unfinished),
            numbers::duration(within)
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
                "bytes": flow.bytes,
                "goodput_bits_per_s": flow.goodput_bits_per_s,
                "began_at": seconds(flow.began_at),
                "done_at": flow.done_at.map(seconds),
                "timeouts": flow.timeouts,
                "resent": resent,
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
        "took": outcome.took.as_secs_f64(),
        "lost": lost,
        "flows": flows,
    });
    format!("{object}\n")
}

/// Windows, round-trip times and goodput of the first flows; more than six colours nobody tells apart.
pub(super) fn picture(outcome: &sim::Outcome) -> String {
    let chart = |title: &str, y, mark, points: fn(&sim::FlowOutcome) -> Vec<(f64, f64)>| {
        let colors = [Color::Blue, Color::Orange, Color::Green, Color::Violet, Color::Red, Color::Grey];
        let series = outcome.flows.iter().zip(colors).map(|(flow, color)| Series {
            name: flow.local.to_string(),
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

/// Goodput between points that lie so far apart that single packets do not show: a fiftieth of the flow.
fn goodput(flow: &sim::FlowOutcome) -> Vec<(f64, f64)> {
    let every = (flow.delivered.len() / 50).max(1);
    let mut points: Vec<(f64, f64)> = Vec::new();
    let mut from = (seconds(flow.began_at), 0);
    for (at, bytes) in flow.delivered.iter().skip(every - 1).step_by(every) {
        let to = (seconds(*at), *bytes);
        // What reaches from `from` to `to` is drawn as a step that begins at `from`.
        points.push((from.0, (to.1 - from.1) as f64 * 8.0 / (to.0 - from.0)));
        from = to;
    }
    points.extend(points.last().map(|(_, rate)| (from.0, *rate)));
    points
}

fn seconds(at: tcp::Instant) -> f64 {
    at.as_nanos() as f64 / 1e9
}
