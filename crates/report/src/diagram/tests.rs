//! Every row is in every form, and the picture looks as committed.

use super::layout::{BOXES, ROUTES};
use super::*;
use crate::snapshot;
use crate::style::{Charset, Style};

#[test]
fn the_pictures_look_like_this() {
    snapshot::check("diagram/states.txt", &text(&Style::PLAIN));
    snapshot::check("diagram/states-ascii.txt", &text(&Style { charset: Charset::Ascii, ..Style::PLAIN }));
    snapshot::check("diagram/listing.txt", &text(&Style { width: 80, ..Style::PLAIN }));
    snapshot::check("diagram/states.mmd", &mermaid());
    snapshot::check("diagram/states.svg", &svg());
    snapshot::check("diagram/transitions.md", &markdown());
}

#[test]
fn every_arrow_has_a_route_and_every_route_an_arrow() {
    let mut drawn: Vec<(State, State)> = arrows().into_iter().map(|(from, to, _)| (from, to)).collect();
    let mut routed: Vec<(State, State)> = ROUTES.iter().map(|route| (route.from, route.to)).collect();
    drawn.sort_unstable();
    routed.sort_unstable();
    assert_eq!(drawn, routed);
}

#[test]
fn routes_begin_and_end_at_the_boxes_of_their_states() {
    for route in &ROUTES {
        let touches = |state: State, (column, row): layout::Cell| {
            BOXES.iter().any(|(boxed, (left, top))| {
                *boxed == state
                    && (*left..left + layout::BOX.0).contains(&column)
                    && (*top..top + layout::BOX.1).contains(&row)
            })
        };
        let (first, last) = (route.path[0], route.path[route.path.len() - 1]);
        assert!(touches(route.from, first), "{} to {} begins elsewhere", route.from, route.to);
        assert!(touches(route.to, last), "{} to {} ends elsewhere", route.from, route.to);
    }
}

#[test]
fn every_row_is_in_the_picture_or_in_the_legend() {
    let in_picture: usize = arrows().iter().map(|(_, _, rows)| rows.len()).sum();
    let in_legend: usize = legend().iter().map(|(_, states)| states.len()).sum();
    assert_eq!(in_picture + in_legend, ROWS.len());
    let mermaid = mermaid();
    let labels: usize = mermaid
        .lines()
        .filter(|line| line.contains(" : "))
        .map(|line| line.matches("<br/>").count() + 1)
        .sum();
    assert_eq!(labels, ROWS.len());
    assert_eq!(markdown().lines().count(), ROWS.len() + 2);
}

#[test]
fn labels_are_never_cut_by_lines_or_boxes() {
    let text = text(&Style { charset: Charset::Ascii, ..Style::PLAIN });
    assert!(text.is_ascii());
    for (_, _, rows) in arrows() {
        for row in rows {
            assert!(text.contains(&label_of(row)), "{} is hidden in\n{text}", label_of(row));
        }
    }
    let longest = text.lines().map(str::len).max().unwrap_or(0);
    assert!(longest <= 110, "{longest} columns");
}
