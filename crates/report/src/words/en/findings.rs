//! What is said of many connections and findings together, and of what a capture does not show.

use crate::numbers;
use lens::capture::{Damage, Error};
use lens::{Contents, Frame};

/// `needless, seen later: frame 17`
pub(in crate::words) fn needless(frame: Frame) -> String {
    format!("needless, seen later: frame {frame}")
}

/// `7 connections: 4 server closed first, 3 server refused`
pub(in crate::words) fn connections(count: u64, endings: &[(String, u64)], others: u64) -> String {
    let mut told: Vec<String> =
        endings.iter().map(|(ending, count)| format!("{} {ending}", numbers::grouped(*count))).collect();
    if others > 0 {
        told.push(format!("{} in other ways", numbers::grouped(others)));
    }
    format!("{}: {}", numbers::count(count, "connection"), told.join(", "))
}

/// `22 findings: 4 problems, 17 warnings, 1 good to know`
pub(in crate::words) fn findings(problems: u64, warnings: u64, infos: u64) -> String {
    let mut told = Vec::new();
    if problems > 0 {
        told.push(numbers::count(problems, "problem"));
    }
    if warnings > 0 {
        told.push(numbers::count(warnings, "warning"));
    }
    if infos > 0 {
        told.push(format!("{} good to know", numbers::grouped(infos)));
    }
    match told.is_empty() {
        true => "no findings".to_owned(),
        false => format!("{}: {}", numbers::count(problems + warnings + infos, "finding"), told.join(", ")),
    }
}

pub(in crate::words) fn page_has_more(findings: u64) -> String {
    format!("the page has {}", numbers::count(findings, "more finding"))
}

pub(in crate::words) fn more_findings(findings: u64) -> String {
    format!("{}; a larger --top shows them", numbers::count(findings, "more finding"))
}

pub(in crate::words) fn more_connections(more: u64, all: u64) -> String {
    format!("{more} more connections; --top {all} shows them all")
}

pub(in crate::words) fn of_stream(stream: u32, sentence: &str) -> String {
    format!("stream {stream}: {sentence}")
}

pub(in crate::words) const fn nothing_passes() -> &'static str {
    "no segment passes this filter"
}

pub(in crate::words) fn first_segments(count: u64) -> String {
    format!(
        "The page holds the first {} segments; filter the capture to see others.",
        numbers::grouped(count)
    )
}

pub(in crate::words) fn some_connections(held: u64, all: u64) -> String {
    format!(
        "The page holds {} of {} connections, those that ended first; filter the capture to see others.",
        numbers::grouped(held),
        numbers::grouped(all)
    )
}

pub(in crate::words) fn page_title(source: &str) -> String {
    format!("{source}: TCP connections")
}

pub(in crate::words) fn wider(titles: &[&str]) -> String {
    format!("a wider terminal also shows: {}", titles.join(", "))
}

pub(in crate::words) fn stands_for(name: &str, address: &str) -> String {
    format!("{name} is {address}")
}

pub(in crate::words) fn with_host(host: &str) -> String {
    format!("with {host}")
}

pub(in crate::words) const fn several_hosts() -> &'static str {
    "several hosts"
}

pub(in crate::words) const fn window_closed() -> &'static str {
    "its window is closed"
}

pub(in crate::words) const fn scale_inferred() -> &'static str {
    " (scale inferred)"
}

/// A remark in brackets behind a reason.
pub(in crate::words) fn aside(text: &str) -> String {
    format!(" ({text})")
}

/// What is not explained, a sentence for each fact.
pub(in crate::words) fn left_out(contents: &Contents) -> Vec<String> {
    let mut sentences = Vec::new();
    let cut = contents.with_cut_tcp_header();
    if cut > 0 {
        sentences.push(format!(
            "left out {}: the capture cut their TCP headers off; capture more of each packet (tcpdump -s)",
            packets(cut)
        ));
    }
    let malformed = contents.with_malformed_tcp_header();
    if malformed > 0 {
        sentences.push(format!(
            "left out {}: their TCP headers are longer than the packet, or shorter than 20 bytes",
            packets(malformed)
        ));
    }
    if contents.not_tcp() > 0 && contents.tcp() > 0 {
        let of = packets(contents.packets());
        let verb = if contents.not_tcp() == 1 { "is" } else { "are" };
        sentences.push(format!("{} of {of} {verb} not TCP: {contents}", contents.not_tcp()));
    }
    sentences
}

/// What is in a capture that has no TCP connection.
pub(in crate::words) fn no_tcp(contents: &Contents) -> String {
    match contents.packets() {
        0 => "there is no TCP connection in this capture: it has no packets".to_owned(),
        count => format!("there is no TCP connection in this capture, but {}: {contents}", packets(count)),
    }
}

/// Segments that stood behind later ones.
pub(in crate::words) fn put_in_order(moved: u64, late: &str) -> String {
    let stood = if moved == 1 { "segment stands" } else { "segments stand" };
    format!(
        "{moved} {stood} in the file behind later ones, by {late} at most, and went to the lens in the order of time"
    )
}

/// Where the file is damaged.
pub(in crate::words) fn damage(damage: &Damage) -> String {
    format!("the capture was read up to its damage: {damage}")
}

/// Why a file cannot be read.
pub(in crate::words) fn unreadable(error: &Error, source: &str) -> String {
    if source.is_empty() { error.to_string() } else { format!("{source}: {error}") }
}

fn packets(count: u64) -> String {
    if count == 1 { "1 packet".to_owned() } else { format!("{count} packets") }
}
