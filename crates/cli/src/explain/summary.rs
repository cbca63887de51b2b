//! What a run says that only wrote a page: how many connections there are and how they ended, and the worst findings.

use crate::failure::{Failure, print};
use lens::{Contents, Kept, Severity};
use report::words::{self, Language};
use report::{Style, captured, numbers};
use std::collections::BTreeMap;

/// The worst findings, or groups of them, that are told; the page has all.
const WORST_MAX: usize = 5;
/// Ways to end that are told apart.
const ENDINGS_MAX: usize = 4;

/// Prints the summary; at most `top` findings. `contents` tells what is there instead of TCP.
pub(super) fn show(kept: &Kept, contents: &Contents, top: usize, style: &Style) -> Result<(), Failure> {
    if kept.connections.is_empty() {
        return print(&format!("{}\n", words::instead_of_tcp(contents, Language::English)));
    }
    print(&style.paragraph(&connections(kept), 0))?;
    print(&style.paragraph(&findings(kept), 0))?;
    let (worst, left_out) = captured::groups(&kept.groups, top.min(WORST_MAX));
    if !worst.is_empty() {
        print("\n")?;
        print(&worst.text(style))?;
    }
    if left_out > 0 {
        print(&format!("\nthe page has {}\n", numbers::count(left_out, "more finding")))?;
    }
    Ok(())
}

/// `7 connections: 4 server closed first, 3 server refused`.
fn connections(kept: &Kept) -> String {
    let mut endings: BTreeMap<String, u64> = BTreeMap::new();
    for connection in &kept.connections {
        *endings.entry(captured::ending(connection)).or_default() += 1;
    }
    let mut endings: Vec<(String, u64)> = endings.into_iter().collect();
    endings.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let others: u64 = endings.iter().skip(ENDINGS_MAX).map(|(_, count)| count).sum();
    let mut told: Vec<String> = endings
        .iter()
        .take(ENDINGS_MAX)
        .map(|(ending, count)| format!("{} {ending}", numbers::grouped(*count)))
        .collect();
    if others > 0 {
        told.push(format!("{} in other ways", numbers::grouped(others)));
    }
    let count = numbers::count(kept.connections.len() as u64, "connection");
    format!("{count}: {}", told.join(", "))
}

/// `22 findings: 4 problems, 17 warnings, 1 info`.
fn findings(kept: &Kept) -> String {
    let of = |severity| -> u64 {
        kept.groups.iter().filter(|group| group.severity == severity).map(|group| group.count).sum()
    };
    let (problems, warnings, infos) = (of(Severity::Problem), of(Severity::Warning), of(Severity::Info));
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
        false => {
            format!("{}: {}", numbers::count(problems + warnings + infos, "finding"), told.join(", "))
        }
    }
}
