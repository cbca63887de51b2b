//! The diagram as SVG, light or dark as the viewer prefers.

use super::layout::{BOX, BOXES, Cell, LabelPlace, ROUTES, SIZE, route_of};
use super::{arrows, label_of, legend, names};
use crate::style::wrap;
use crate::svg::{Anchor, Canvas, THEME, at};
use tcp::state::{Row, Sends, State};

/// Width and height of a cell, and the margin around all.
const CELL: (f64, f64) = (9.4, 19.0);
const MARGIN: f64 = 16.0;
/// Radius of the bends.
const BEND: f64 = 9.0;
const LEGEND_LINE: f64 = 19.0;
/// Where the states of a legend line begin, and how many characters of them fit.
const LEGEND_STATES: f64 = 230.0;
const LEGEND_COLUMNS: usize = 105;

/// Draws the diagram as a stand-alone SVG.
pub fn svg() -> String {
    let mut canvas = Canvas::new();
    let mut lines = Vec::new();
    for (label, states) in legend() {
        for (line, names) in wrap(&names(&states), LEGEND_COLUMNS).into_iter().enumerate() {
            lines.push((if line == 0 { label.clone() } else { String::new() }, names));
        }
    }
    for (from, to, rows) in arrows() {
        if route_of(from, to).is_none() {
            lines.extend(rows.iter().map(|row| (label_of(row), format!("{from} to {to}"))));
        }
    }
    let (width, picture) = (point(SIZE).0 + MARGIN, point(SIZE).1 + 12.0);
    let height = picture + LEGEND_LINE * (lines.len() as f64 + 2.0) + MARGIN;
    canvas.rect("sheet", (0.0, 0.0), (width, height), 8.0);
    for route in &ROUTES {
        draw_path(&mut canvas, route.path);
    }
    for (state, corner) in BOXES {
        draw_state(&mut canvas, state, corner);
    }
    for (from, to, rows) in arrows() {
        if let Some(route) = route_of(from, to) {
            for (line, row) in rows.iter().enumerate() {
                draw_label(&mut canvas, route.label, line, row);
            }
        }
    }
    canvas.line("rule", (MARGIN, picture), (width - MARGIN, picture));
    canvas.text("bold", (MARGIN + 4.0, picture + LEGEND_LINE + 4.0), Anchor::Start, "Besides, to CLOSED:");
    for (index, (label, states)) in lines.iter().enumerate() {
        let y = picture + LEGEND_LINE * (index as f64 + 2.0) + 6.0;
        canvas.text("", (MARGIN + 4.0, y), Anchor::Start, label);
        canvas.text("mono dim", (LEGEND_STATES, y), Anchor::Start, states);
    }
    canvas.finish((width, height), "The states of a TCP connection (RFC 9293)", THEME)
}

/// The middle of a cell.
fn point((column, row): Cell) -> (f64, f64) {
    (MARGIN + (column as f64 + 0.5) * CELL.0, MARGIN + (row as f64 + 0.5) * CELL.1)
}

fn draw_state(canvas: &mut Canvas, state: State, (left, top): Cell) {
    let (x, y) = point((left, top));
    let (right, bottom) = point((left + BOX.0 - 1, top + BOX.1 - 1));
    let class = if state == State::Established { "fresh" } else { "soft" };
    canvas.rect(class, (x, y), (right - x, bottom - y), 7.0);
    canvas.text("bold", ((x + right) / 2.0, (y + bottom) / 2.0 + 4.5), Anchor::Middle, state.name());
}

/// Draws an arrow: a line with round bends and a head.
fn draw_path(canvas: &mut Canvas, cells: &[Cell]) {
    let points: Vec<(f64, f64)> = cells.iter().map(|cell| point(*cell)).collect();
    let (Some(first), [.., before, last]) = (points.first(), points.as_slice()) else { return };
    let mut d = format!("M{} {}", at(first.0), at(first.1));
    for bend in points.windows(3) {
        let (a, corner, b) = (toward(bend[1], bend[0], BEND), bend[1], toward(bend[1], bend[2], BEND));
        let (ax, ay, cx, cy) = (at(a.0), at(a.1), at(corner.0), at(corner.1));
        d += &format!(" L{ax} {ay} Q{cx} {cy} {} {}", at(b.0), at(b.1));
    }
    let neck = toward(*last, *before, 8.0);
    d += &format!(" L{} {}", at(neck.0), at(neck.1));
    canvas.path("dim-line", &d);
    let (dx, dy) = ((last.0 - neck.0) / 2.0, (last.1 - neck.1) / 2.0);
    canvas.head("dim", &[*last, (neck.0 - dy, neck.1 + dx), (neck.0 + dy, neck.1 - dx)]);
}

/// The point `by` away from `from` towards `to`, on a horizontal or vertical line.
fn toward(from: (f64, f64), to: (f64, f64), by: f64) -> (f64, f64) {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let length = dx.abs() + dy.abs();
    if length == 0.0 { from } else { (from.0 + dx / length * by, from.1 + dy / length * by) }
}

fn draw_label(canvas: &mut Canvas, place: LabelPlace, line: usize, row: &Row) {
    let (column, at_row, anchor) = match place {
        LabelPlace::From(column, row) => (column, row, Anchor::Start),
        LabelPlace::UpTo(column, row) => (column, row, Anchor::End),
    };
    let (x, y) = point((column, at_row + line));
    let spans = match row.sends {
        Sends::Nothing => vec![("", row.on.name())],
        sends => vec![("", row.on.name()), ("dim", "\u{a0}/\u{a0}"), ("right", sends.name())],
    };
    canvas.spans((x, y + 5.0), anchor, &spans);
}
