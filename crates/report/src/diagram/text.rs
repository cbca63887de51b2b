//! The diagram in a terminal: boxes and lines in character cells.

use super::layout::{BOX, BOXES, Cell, LabelPlace, ROUTES, Route, SIZE, route_of};
use super::{arrows, label_of, legend, listing, names};
use crate::style::{Charset, Ink, Style, columns, wrap};
use tcp::state::State;

const UP: u8 = 1;
const DOWN: u8 = 2;
const LEFT: u8 = 4;
const RIGHT: u8 = 8;

/// Draws the diagram; in less than 106 columns, the [`listing`] instead.
pub fn text(style: &Style) -> String {
    if style.width < SIZE.0 {
        return listing(style);
    }
    let mut grid = Grid::new(*style);
    for route in &ROUTES {
        grid.put_route(route);
    }
    for (state, corner) in BOXES {
        grid.put_state(state, corner);
    }
    let mut unplaced = Vec::new();
    for (from, to, rows) in arrows() {
        match route_of(from, to) {
            Some(route) => {
                for (line, row) in rows.iter().enumerate() {
                    grid.put_label(route.label, line, &label_of(row));
                }
            }
            None => unplaced.extend(rows.iter().map(|row| format!("{from} -> {to}: {}", label_of(row)))),
        }
    }
    let mut text = grid.finish();
    for line in unplaced {
        text += &format!("{line}\n");
    }
    text.push('\n');
    text + &legend_lines(style)
}

/// The transitions to CLOSED that the picture leaves out.
pub(super) fn legend_lines(style: &Style) -> String {
    let legend = legend();
    let width = legend.iter().map(|(label, _)| columns(label)).max().unwrap_or(0);
    let mut text = format!("{}\n", style.paint(Ink::Strong, "Besides, to CLOSED:"));
    for (label, states) in legend {
        let room = style.width.clamp(60, 110).saturating_sub(width + 4);
        for (line, states) in wrap(&names(&states), room).iter().enumerate() {
            let label = if line == 0 { label.as_str() } else { "" };
            text += &format!("  {label:<width$}  {states}\n");
        }
    }
    text
}

/// What a cell shows.
#[derive(Clone, Copy)]
enum Shown {
    Blank,
    /// Lines that leave the cell in these directions.
    Line(u8),
    Border(u8),
    Glyph(char, Ink),
}

struct Grid {
    style: Style,
    cells: Vec<[Shown; SIZE.0]>,
}

impl Grid {
    fn new(style: Style) -> Grid {
        Grid { style, cells: vec![[Shown::Blank; SIZE.0]; SIZE.1] }
    }

    fn put(&mut self, (column, row): Cell, shown: Shown) {
        if let Some(cell) = self.cells.get_mut(row).and_then(|row| row.get_mut(column)) {
            *cell = shown;
        }
    }

    fn add_line(&mut self, (column, row): Cell, directions: u8) {
        if let Some(cell) = self.cells.get_mut(row).and_then(|row| row.get_mut(column)) {
            let before = if let Shown::Line(before) = cell { *before } else { 0 };
            *cell = Shown::Line(before | directions);
        }
    }

    fn put_route(&mut self, route: &Route) {
        for pair in route.path.windows(2) {
            let [from, to] = [pair[0], pair[1]];
            let mut here = from;
            while here != to {
                let (next, out, into) = step(here, to);
                self.add_line(here, out);
                self.add_line(next, into);
                here = next;
            }
        }
        if let [.., before, last] = route.path {
            let (_, _, into) = step(*before, *last);
            let (column, row) = *last;
            let (cell, unicode, ascii) = match into {
                UP => ((column, row - 1), '▼', 'v'),
                DOWN => ((column, row + 1), '▲', '^'),
                LEFT => ((column - 1, row), '▶', '>'),
                _ => ((column + 1, row), '◀', '<'),
            };
            let head = if self.style.charset == Charset::Unicode { unicode } else { ascii };
            self.put(cell, Shown::Glyph(head, Ink::Plain));
        }
    }

    fn put_state(&mut self, state: State, (left, top): Cell) {
        let (right, bottom) = (left + BOX.0 - 1, top + BOX.1 - 1);
        for column in left..=right {
            for row in top..=bottom {
                let vertical = column == left || column == right;
                let horizontal = row == top || row == bottom;
                let mut directions = 0;
                if vertical {
                    directions |= if row > top { UP } else { 0 } | if row < bottom { DOWN } else { 0 };
                }
                if horizontal {
                    directions |=
                        if column > left { LEFT } else { 0 } | if column < right { RIGHT } else { 0 };
                }
                let shown = if vertical || horizontal { Shown::Border(directions) } else { Shown::Blank };
                self.put((column, row), shown);
            }
        }
        let name = format!("{:^width$}", state.name(), width = BOX.0 - 2);
        for (index, c) in name.chars().enumerate() {
            self.put((left + 1 + index, top + 1), Shown::Glyph(c, Ink::Fresh));
        }
    }

    fn put_label(&mut self, place: LabelPlace, line: usize, text: &str) {
        let (column, row) = match place {
            LabelPlace::From(column, row) => (column, row),
            LabelPlace::UpTo(column, row) => ((column + 1).saturating_sub(columns(text)), row),
        };
        for (index, c) in text.chars().enumerate() {
            self.put((column + index, row + line), Shown::Glyph(c, Ink::Plain));
        }
    }

    fn finish(self) -> String {
        let mut text = String::new();
        for row in &self.cells {
            let mut line = String::new();
            let mut run = (Ink::Plain, String::new());
            for shown in row {
                let (c, ink) = self.glyph(*shown);
                if ink != run.0 {
                    line += &self.style.paint(run.0, &run.1);
                    run = (ink, String::new());
                }
                run.1.push(c);
            }
            line += &self.style.paint(run.0, &run.1);
            text += line.trim_end();
            text.push('\n');
        }
        text
    }

    fn glyph(&self, shown: Shown) -> (char, Ink) {
        match shown {
            Shown::Blank => (' ', Ink::Plain),
            Shown::Glyph(c, ink) => (c, ink),
            Shown::Line(directions) => (self.stroke(directions), Ink::Dim),
            Shown::Border(directions) => (self.stroke(directions), Ink::Plain),
        }
    }

    fn stroke(&self, directions: u8) -> char {
        let is_ascii = self.style.charset == Charset::Ascii;
        let (unicode, ascii) = match directions {
            d if d & (LEFT | RIGHT) == 0 => ('│', '|'),
            d if d & (UP | DOWN) == 0 => ('─', '-'),
            d if d == DOWN | RIGHT => ('┌', '+'),
            d if d == DOWN | LEFT => ('┐', '+'),
            d if d == UP | RIGHT => ('└', '+'),
            d if d == UP | LEFT => ('┘', '+'),
            _ => ('┼', '+'),
        };
        if is_ascii { ascii } else { unicode }
    }
}

/// One step towards `to`: the next cell, the side at which the line leaves this cell, and the side at which
/// it enters the next.
fn step((column, row): Cell, to: Cell) -> (Cell, u8, u8) {
    if to.0 > column {
        ((column + 1, row), RIGHT, LEFT)
    } else if to.0 < column {
        ((column - 1, row), LEFT, RIGHT)
    } else if to.1 > row {
        ((column, row + 1), DOWN, UP)
    } else {
        ((column, row.saturating_sub(1)), UP, DOWN)
    }
}
