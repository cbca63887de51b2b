//! The numbers of both directions of a connection, as lines of a page.

use crate::numbers;
use crate::page::Fact;
use crate::words::{self, Label, Language};
use lens::{Direction, Distribution};
use std::time::Duration;

/// The numbers of both directions, with units.
pub(super) fn facts(directions: [&Direction; 2], language: Language) -> Vec<Fact> {
    let line = |name: Label, value: fn(&Direction) -> String| Fact {
        name: words::label(name, language).to_owned(),
        values: directions.map(value),
    };
    let lines = vec![
        line(Label::Packets, |d| numbers::grouped(u64::from(d.packets))),
        line(Label::FactTextBytes, |d| numbers::grouped(d.unique_bytes)),
        line(Label::FactGoodput, |d| {
            d.goodput_bytes_per_s.map_or_else(nothing, |bytes| numbers::rate(bytes as f64 * 8.0))
        }),
        line(Label::FactRoundTrip, |d| d.rtt.map_or_else(nothing, spread)),
        line(Label::FactTimestampRoundTrip, |d| d.timestamp_rtt.map_or_else(nothing, spread)),
        line(Label::FactInFlight, |d| numbers::bytes(u64::from(d.in_flight_bytes_max))),
        Fact {
            name: words::label(Label::FactWindow, language).to_owned(),
            values: directions.map(|d| {
                let inferred = if d.window_is_inferred { words::scale_inferred(language) } else { "" };
                format!("{}{inferred}", numbers::bytes(u64::from(d.window_bytes_max)))
            }),
        },
        line(Label::FactZeroWindow, |d| numbers::duration(Duration::from_nanos(d.zero_window_ns))),
        line(Label::FactAgain, |d| numbers::grouped(u64::from(d.retransmissions.total()))),
        line(Label::FactAgainBy, |d| {
            let again = &d.retransmissions;
            format!(
                "{} / {} / {} / {} / {}",
                again.timeout, again.fast, again.sack, again.recovery, again.probe
            )
        }),
        line(Label::FactLostProbes, |d| numbers::grouped(u64::from(d.path_probes.lost))),
        line(Label::FactMarked, |d| numbers::grouped(u64::from(d.marked.told.count))),
        line(Label::FactNeedless, |d| numbers::grouped(u64::from(d.retransmissions.spurious))),
        line(Label::FactOvertaken, |d| numbers::grouped(u64::from(d.reordered.count))),
        line(Label::FactWaited, |d| {
            [d.limited.application_ns, d.limited.network_ns, d.limited.receiver_ns, d.limited.sender_ns]
                .map(|ns| numbers::duration(Duration::from_nanos(ns)))
                .join(" / ")
        }),
    ];
    lines.into_iter().filter(|fact| fact.values.iter().any(|value| says_something(value))).collect()
}

/// A page of many short connections would mostly hold zeros.
fn says_something(value: &str) -> bool {
    value.split(" / ").any(|number| !matches!(number, "-" | "0" | "0 s" | "0 B"))
}

fn nothing() -> String {
    "-".to_owned()
}

fn spread(distribution: Distribution) -> String {
    [distribution.min_us, distribution.median_us, distribution.p95_us]
        .map(|us| numbers::duration(Duration::from_micros(u64::from(us))))
        .join(" / ")
}
