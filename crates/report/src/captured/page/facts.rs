//! The numbers of both directions of a connection, as lines of a page.

use crate::numbers;
use crate::page::Fact;
use lens::{Direction, Distribution};
use std::time::Duration;

/// The numbers of both directions, with units.
pub(super) fn facts(directions: [&Direction; 2]) -> Vec<Fact> {
    let line = |name: &str, value: fn(&Direction) -> String| Fact {
        name: name.to_owned(),
        values: directions.map(value),
    };
    let lines = vec![
        line("packets", |d| numbers::grouped(u64::from(d.packets))),
        line("bytes of text", |d| numbers::grouped(d.unique_bytes)),
        line("goodput", |d| {
            d.goodput_bytes_per_s.map_or_else(nothing, |bytes| numbers::rate(bytes as f64 * 8.0))
        }),
        line("round trip (min / median / p95)", |d| d.rtt.map_or_else(nothing, spread)),
        line("round trip by timestamps", |d| d.timestamp_rtt.map_or_else(nothing, spread)),
        line("most in flight", |d| numbers::bytes(u64::from(d.in_flight_bytes_max))),
        line("window offered", |d| {
            let inferred = if d.window_is_inferred { " (scale inferred)" } else { "" };
            format!("{}{inferred}", numbers::bytes(u64::from(d.window_bytes_max)))
        }),
        line("window closed for", |d| numbers::duration(Duration::from_nanos(d.zero_window_ns))),
        line("sent again", |d| numbers::grouped(u64::from(d.retransmissions.total()))),
        line("of these: timeout / fast / SACK / recovery / probe", |d| {
            let again = &d.retransmissions;
            format!(
                "{} / {} / {} / {} / {}",
                again.timeout, again.fast, again.sack, again.recovery, again.probe
            )
        }),
        line("lost path probes, sent again smaller", |d| numbers::grouped(u64::from(d.path_probes.lost))),
        line("round trips in which marks were told (ECN)", |d| {
            numbers::grouped(u64::from(d.marked.told.count))
        }),
        line("needless", |d| numbers::grouped(u64::from(d.retransmissions.spurious))),
        line("overtaken", |d| numbers::grouped(u64::from(d.reordered.count))),
        line("waited for application / network / receiver / itself", |d| {
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
