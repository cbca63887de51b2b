//! What a run says that only wrote a page: how many connections there are and how they ended, and the worst findings.

use crate::failure::{Failure, print};
use lens::{Contents, Kept, Severity};
use report::words::{self, Language};
use report::{Style, captured};
use std::collections::BTreeMap;

/// The worst findings, or groups of them, that are told; the page has all.
const WORST_MAX: usize = 5;
/// Ways to end that are told apart.
const ENDINGS_MAX: usize = 4;

/// Prints the summary; at most `top` findings. `contents` tells what is there instead of TCP.
pub(super) fn show(
    kept: &Kept,
    contents: &Contents,
    top: usize,
    (language, style): (Language, &Style),
) -> Result<(), Failure> {
    if kept.connections.is_empty() {
        return print(&format!("{}\n", words::no_tcp(contents, language)));
    }
    print(&style.paragraph(&connections(kept, language), 0))?;
    print(&style.paragraph(&findings(kept, language), 0))?;
    let (worst, left_out) = captured::groups(&kept.groups, top.min(WORST_MAX), language);
    if !worst.is_empty() {
        print("\n")?;
        print(&worst.text(style))?;
    }
    if left_out > 0 {
        print(&format!("\n{}\n", words::page_has_more(left_out, language)))?;
    }
    Ok(())
}

/// `7 connections: 4 server closed first, 3 server refused`.
fn connections(kept: &Kept, language: Language) -> String {
    let mut endings: BTreeMap<String, u64> = BTreeMap::new();
    for connection in &kept.connections {
        *endings.entry(words::ending(connection, language)).or_default() += 1;
    }
    let mut endings: Vec<(String, u64)> = endings.into_iter().collect();
    endings.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let others: u64 = endings.iter().skip(ENDINGS_MAX).map(|(_, count)| count).sum();
    endings.truncate(ENDINGS_MAX);
    let (told, left_out) = (kept.connections.len() as u64, kept.connections_left_out);
    words::connections(told + left_out, &endings, others + left_out, language)
}

/// `22 findings: 4 problems, 17 warnings, 1 good to know`.
fn findings(kept: &Kept, language: Language) -> String {
    let of = |severity| -> u64 {
        kept.groups.iter().filter(|group| group.severity == severity).map(|group| group.count).sum()
    };
    words::findings([Severity::Problem, Severity::Warning, Severity::Info].map(of), language)
}
