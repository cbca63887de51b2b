//! The times beside the rows: one clock for each end, or a single one for a capture.
//!
//! If it is known when segments arrive, there are two clocks, one at each end, and both count from the first
//! row. Times have three decimals if all are whole milliseconds, and six otherwise.

use super::Side;
use super::rows::{Kind, Row};
use crate::numbers;
use crate::style::columns;
use tcp::Instant;

/// How times are written in one ladder.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clocks {
    start: Instant,
    is_in_milliseconds: bool,
    /// There is one for each end.
    pub(super) has_two: bool,
    last: Instant,
}

/// The last time that each clock showed, so that notes do not repeat it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LastShown([Option<Instant>; 2]);

impl Clocks {
    pub(super) fn of(rows: &[Row<'_>]) -> Clocks {
        let times = || rows.iter().flat_map(|row| row.clocks.into_iter().flatten().chain([row.at]));
        let start = times().min().unwrap_or(Instant::ZERO);
        let is_in_milliseconds = times().all(|at| at.since(start).subsec_micros().is_multiple_of(1_000));
        let arrives =
            |row: &Row<'_>| row.clocks.iter().all(Option::is_some) || matches!(row.kind, Kind::Arrives(_));
        let has_two = rows.iter().any(arrives);
        Clocks { start, is_in_milliseconds, has_two, last: times().max().unwrap_or(start) }
    }

    /// The width of a clock; at least that of its title.
    pub(super) fn columns(&self, title: &str) -> usize {
        self.text(self.last).len().max(columns(title))
    }

    fn text(&self, at: Instant) -> String {
        let time = at.since(self.start);
        if self.is_in_milliseconds {
            format!("{}.{:03}", time.as_secs(), time.subsec_millis())
        } else {
            numbers::seconds(time)
        }
    }

    /// What this end's clock shows on a row. It is empty if nothing happens at this end, and beside a note or
    /// a state change at the time shown last. A single clock is the left one.
    pub(super) fn show(&self, row: &Row<'_>, side: Side, shown: &mut LastShown) -> String {
        let at = match (self.has_two, side) {
            (true, side) => row.clocks[side.index()],
            (false, Side::Left) => Some(row.at),
            (false, Side::Right) => None,
        };
        let Some(at) = at else { return String::new() };
        let before = shown.0[side.index()].replace(at);
        let is_aside = matches!(row.kind, Kind::Note { .. } | Kind::Moved { .. });
        if is_aside && before == Some(at) { String::new() } else { self.text(at) }
    }
}
