//! The state diagram, drawn from the rows that the engine runs on ([`tcp::state::ROWS`]).
//!
//! [`text`] and [`svg`] share one layout in character cells, after figure 5 of RFC 9293 §3.3.2;
//! [`listing`], [`mermaid`] and [`markdown`] need no layout. Resets, aborts and timeouts lead to CLOSED
//! from nearly every state; arrows for them would hide the others, so they are listed in a legend. Every
//! row is in every form; a test counts them.

mod layout;
mod listing;
mod svg;
mod text;

#[cfg(test)]
mod tests;

pub use listing::{listing, markdown, mermaid};
pub use svg::svg;
pub use text::text;

use tcp::state::{Cause, ROWS, Row, Sends, State};

/// Whether a row is in the legend, because it is an abnormal end.
fn is_in_legend(row: &Row) -> bool {
    row.to == State::Closed
        && matches!(
            row.on,
            Cause::Rst
                | Cause::Abort
                | Cause::HardError
                | Cause::GaveUp
                | Cause::UserTimeout
                | Cause::OrphanTimeout
                | Cause::DataAfterClose
        )
}

/// The label of a row's arrow: `rcv SYN / snd SYN,ACK`.
fn label_of(row: &Row) -> String {
    match row.sends {
        Sends::Nothing => row.on.name().to_owned(),
        sends => format!("{} / {}", row.on.name(), sends.name()),
    }
}

/// The rows of the picture, grouped by their two states.
fn arrows() -> Vec<(State, State, Vec<&'static Row>)> {
    let mut arrows: Vec<(State, State, Vec<&'static Row>)> = Vec::new();
    for row in ROWS.iter().filter(|row| !is_in_legend(row)) {
        match arrows.iter_mut().find(|(from, to, _)| (*from, *to) == (row.from, row.to)) {
            Some((_, _, rows)) => rows.push(row),
            None => arrows.push((row.from, row.to, vec![row])),
        }
    }
    arrows
}

/// The rows of the legend: what happens, and the states from which it ends the connection.
fn legend() -> Vec<(String, Vec<State>)> {
    let mut legend: Vec<(String, Vec<State>)> = Vec::new();
    let mut rows: Vec<&Row> = ROWS.iter().filter(|row| is_in_legend(row)).collect();
    rows.sort_by_key(|row| (row.on, row.sends != Sends::Rst, row.from));
    for row in rows {
        let label = label_of(row);
        match legend.iter_mut().find(|(known, _)| *known == label) {
            Some((_, states)) => states.push(row.from),
            None => legend.push((label, vec![row.from])),
        }
    }
    legend
}

fn names(states: &[State]) -> String {
    states.iter().map(|state| state.name()).collect::<Vec<_>>().join(", ")
}
