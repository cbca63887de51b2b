//! The table of connections, and the findings above it, without keeping what is not shown.
//!
//! A capture may hold hundreds of thousands of connections, and a screenful is shown. Only those that come
//! first by the chosen column are kept; the others are counted. Findings come in groups, which the lens bounds.

use crate::failure::{Failure, print};
use clap::ValueEnum;
use lens::{Connection, Contents, FindingGroup, Sink};
use report::Style;
use report::captured::{self, Figures};
use report::tables::Table;
use report::words::{self, Language};
use std::cmp::Ordering;
use std::time::Duration;

/// What connections are sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Sort {
    /// By number, that is by their first segment
    Stream,
    /// The most packets first
    Packets,
    /// The most bytes from the client first
    Sent,
    /// The most bytes from the server first
    Received,
    /// The longest first
    Time,
    /// The slowest round trips first
    Rtt,
    /// The most retransmissions first
    Again,
}

impl Sort {
    /// Larger comes first.
    fn rank(self, figures: &Figures) -> i128 {
        let nanos = |time: Duration| i128::try_from(time.as_nanos()).unwrap_or(i128::MAX);
        match self {
            Sort::Stream => -i128::from(figures.stream),
            Sort::Packets => figures.packets.into(),
            Sort::Sent => figures.sent_bytes.into(),
            Sort::Received => figures.received_bytes.into(),
            Sort::Time => nanos(figures.time),
            Sort::Rtt => figures.rtt.map_or(-1, nanos),
            Sort::Again => figures.again.into(),
        }
    }
}

/// A connection and its place in the order: first by rank, then by when it ended.
#[derive(Debug)]
struct Ranked {
    rank: i128,
    ended: usize,
    connection: Box<Connection>,
}

impl Ranked {
    fn compare(&self, other: &Ranked) -> Ordering {
        other.rank.cmp(&self.rank).then(self.ended.cmp(&other.ended))
    }
}

/// Keeps the connections that come first, and the findings.
#[derive(Debug)]
pub(super) struct Overview {
    sort: Sort,
    top: usize,
    /// How many connections there were.
    total: usize,
    /// The first `top` are among these, at most twice as many.
    first: Vec<Ranked>,
    /// The lowest rank that was kept when connections were last dropped. A later connection is shown only
    /// if its rank is higher.
    rank_min: Option<i128>,
    groups: Vec<FindingGroup>,
    pub(super) language: Language,
}

impl Overview {
    pub(super) fn new(sort: Sort, top: usize, language: Language) -> Self {
        Overview { sort, top, total: 0, first: Vec::new(), rank_min: None, groups: Vec::new(), language }
    }

    /// The overview of connections that are kept already.
    pub(super) fn of(kept: &lens::Kept, sort: Sort, top: usize, language: Language) -> Self {
        let mut overview = Overview::new(sort, top, language);
        kept.connections.iter().for_each(|connection| overview.connection(connection));
        kept.groups.iter().for_each(|group| overview.group(group));
        overview
    }

    /// `contents` tells what is there instead of TCP.
    pub(super) fn show(mut self, contents: &Contents, style: &Style) -> Result<(), Failure> {
        let language = self.language;
        if self.total == 0 {
            return print(&format!("{}\n", words::no_tcp(contents, language)));
        }
        let (findings, left_out) = captured::groups(&self.groups, self.top, language);
        if !findings.is_empty() {
            print(&findings.text(style))?;
        }
        if left_out > 0 {
            print(&format!("\n{}\n", words::more_findings(left_out, language)))?;
        }
        if !self.groups.is_empty() {
            print("\n")?;
        }
        print(&self.table().text(style))?;
        let Overview { total, top, .. } = self;
        if total > top {
            let more = words::more_connections((total - top) as u64, total as u64, language);
            print(&format!("\n{more}\n"))?;
        }
        Ok(())
    }

    fn table(&mut self) -> Table {
        self.prune();
        captured::connections(self.first.iter().map(|ranked| &*ranked.connection), self.language)
    }

    /// Sorts, and drops the connections that are not shown.
    fn prune(&mut self) {
        self.first.sort_by(Ranked::compare);
        self.first.truncate(self.top);
    }
}

impl Sink for Overview {
    fn connection(&mut self, connection: &Connection) {
        let rank = self.sort.rank(&Figures::of(connection));
        let ended = self.total;
        self.total += 1;
        if self.top == 0 || self.rank_min.is_some_and(|rank_min| rank <= rank_min) {
            return;
        }
        self.first.push(Ranked { rank, ended, connection: Box::new(connection.clone()) });
        if self.first.len() >= self.top.saturating_mul(2) {
            self.prune();
            self.rank_min = self.first.last().map(|ranked| ranked.rank);
        }
    }

    fn group(&mut self, group: &FindingGroup) {
        self.groups.push(group.clone());
    }
}

#[cfg(test)]
mod tests;
