//! The ladder as SVG: two lifelines, slanted arrows, states where they change.
//!
//! The rows are those of the text, all of the same height; a segment with a row for its departure and
//! one for its arrival is one long arrow from one to the other.

use super::clocks::{Clocks, LastShown};
use super::label::{Form, Labels};
use super::rows::{Kind, Row, StateCell, rows};
use super::text::reason;
use super::{Arrival, Ladder, NoteKind, Options, Segment, Side};
use crate::style::wrap;
use crate::svg::{Anchor, Canvas, THEME};
use crate::words::{self, Label, Language};

const WIDTH: f64 = 1190.0;
const HEAD: f64 = 92.0;
const ROW: f64 = 34.0;
/// How far an arrow descends within one row.
const FALL: f64 = 10.0;
/// The positions of the two lifelines.
const LINE: [f64; 2] = [226.0, 700.0];
/// The right edges of the times of both ends.
const TIME_AT: [f64; 2] = [86.0, 896.0];
const REASON_AT: f64 = 916.0;
/// Characters of a line of the story.
const STORY_COLUMNS: usize = 150;
/// Characters of a line of a reason.
const REASON_COLUMNS: usize = 40;

impl Ladder {
    /// Draws the ladder as a stand-alone SVG, light or dark as the viewer prefers.
    pub fn svg(&self, options: &Options) -> String {
        let rows = rows(self, options);
        let labels = Labels::of(self, options);
        let story: Vec<String> =
            self.story_lines(options.language).iter().flat_map(|line| wrap(line, STORY_COLUMNS)).collect();
        let bottom = y(rows.len());
        let height = bottom + 24.0 + 18.0 * story.len() as f64;
        let mut canvas = Canvas::new();
        canvas.rect("sheet", (0.0, 0.0), (WIDTH, height), 8.0);
        let clocks = Clocks::of(&rows);
        let mut shown = LastShown::default();
        draw_head(&mut canvas, self, &clocks, options.language);
        for x in LINE {
            canvas.line("rule", (x, HEAD - 12.0), (x, bottom));
        }
        for (index, row) in rows.iter().enumerate() {
            for side in [Side::Left, Side::Right] {
                let time = clocks.show(row, side, &mut shown);
                canvas.text("mono dim", (TIME_AT[side.index()], y(index) + 4.0), Anchor::End, &time);
                draw_state(&mut canvas, side, row.states[side.index()], y(index));
            }
            draw_row(&mut canvas, &rows, index, (&labels, options.language));
        }
        for (line, text) in story.iter().enumerate() {
            canvas.text("", (24.0, bottom + 24.0 + 18.0 * line as f64), Anchor::Start, text);
        }
        let [left, right] = &self.ends;
        let title = words::both(&left.name, &right.name, options.language);
        canvas.finish((WIDTH, height), &title, THEME)
    }
}

fn y(row: usize) -> f64 {
    HEAD + ROW * (row as f64 + 0.5)
}

fn draw_head(canvas: &mut Canvas, ladder: &Ladder, clocks: &Clocks, language: Language) {
    for (side, x) in LINE.into_iter().enumerate() {
        let end = &ladder.ends[side];
        canvas.text("bold", (x, 28.0), Anchor::Middle, &end.name);
        canvas.text("mono dim", (x, 46.0), Anchor::Middle, &end.address);
        if let Some(state) = end.state {
            canvas.text("mono dim", (x, 66.0), Anchor::Middle, state.name());
        }
    }
    for at in TIME_AT.into_iter().take(if clocks.has_two { 2 } else { 1 }) {
        canvas.text("small dim", (at, 66.0), Anchor::End, words::label(Label::Seconds, language));
    }
}

fn draw_state(canvas: &mut Canvas, side: Side, cell: StateCell, y: f64) {
    let Some(state) = cell.state else { return };
    let width = 108.0;
    let x = match side {
        Side::Left => LINE[0] - 14.0 - width,
        Side::Right => LINE[1] + 14.0,
    };
    if cell.is_new {
        canvas.rect("fresh", (x, y - 10.0), (width, 20.0), 10.0);
    }
    let class = if cell.is_new { "mono good" } else { "mono dim" };
    canvas.text(class, (x + width / 2.0, y + 4.0), Anchor::Middle, state.name());
}

fn draw_row(canvas: &mut Canvas, rows: &[Row<'_>], index: usize, (labels, language): (&Labels, Language)) {
    let row = &rows[index];
    let here = y(index);
    match &row.kind {
        Kind::Whole(segment) => {
            draw_arrow(canvas, segment, (here - FALL / 2.0, here + FALL / 2.0), labels);
            draw_reason(canvas, here, &reason(segment, &row.kind, language), class_of(segment));
        }
        Kind::Departs(segment) => {
            let arrives = rows[index..].iter().position(
                |later| matches!(later.kind, Kind::Arrives(arriving) if std::ptr::eq(arriving, *segment)),
            );
            let fall = arrives.map_or(ROW / 2.0, |rows| ROW * rows as f64);
            draw_arrow(canvas, segment, (here, here + fall), labels);
            draw_reason(canvas, here, &reason(segment, &row.kind, language), class_of(segment));
        }
        Kind::Arrives(segment) => draw_reason(canvas, here, &reason(segment, &row.kind, language), "dim"),
        Kind::Moved { on } => draw_reason(canvas, here, words::cause(*on, language), ""),
        Kind::Folded(folded) => {
            let middle = (LINE[0] + LINE[1]) / 2.0;
            let parts = [(Side::Left, -4.0, "right", "→"), (Side::Right, 10.0, "left", "←")];
            for (side, down, class, arrow) in parts {
                let text = folded.text(side, language);
                if !text.is_empty() {
                    let text = format!("… {arrow} {text} …");
                    canvas.text(class, (middle, here + down), Anchor::Middle, &text);
                }
            }
        }
        Kind::Note { side, kind, text } => {
            let class = match kind {
                NoteKind::Call => "bold right",
                NoteKind::Timer | NoteKind::Undo | NoteKind::Phase => "note",
                NoteKind::Trouble => "bad",
            };
            let x = LINE[side.index()];
            canvas.circle(class, (x, here), 4.0);
            let (x, anchor) = match side {
                Side::Left => (x + 12.0, Anchor::Start),
                Side::Right => (x - 12.0, Anchor::End),
            };
            canvas.text(&format!("{class} halo"), (x, here + 4.0), anchor, &words::note(text, language));
        }
    }
}

fn draw_reason(canvas: &mut Canvas, y: f64, text: &str, class: &str) {
    let lines = wrap(text, REASON_COLUMNS);
    let up = if lines.len() > 1 { 7.0 } else { 0.0 };
    for (index, line) in lines.iter().take(2).enumerate() {
        let point = (REASON_AT, y + 4.0 - up + 14.0 * index as f64);
        canvas.text(class, point, Anchor::Start, line);
    }
}

fn class_of(segment: &Segment) -> &'static str {
    if segment.arrival == Arrival::Lost || segment.facts.flags.rst() {
        "bad"
    } else if segment.why.is_some_and(|why| why.is_retransmission()) || !segment.remarks.is_empty() {
        "note"
    } else {
        ""
    }
}

fn draw_arrow(canvas: &mut Canvas, segment: &Segment, (top, bottom): (f64, f64), labels: &Labels) {
    let (from, to) = (LINE[segment.from.index()], LINE[segment.from.other().index()]);
    let class = match (segment.arrival, segment.facts.flags.rst(), segment.from) {
        (Arrival::Lost, ..) | (_, true, _) => "bad",
        (_, _, Side::Left) => "right",
        (_, _, Side::Right) => "left",
    };
    let on = |share: f64| (from + (to - from) * share, top + (bottom - top) * share);
    let (begin, end) = match segment.arrival {
        Arrival::Stray => (on(0.3), on(1.0)),
        Arrival::Lost => (on(0.0), on(0.78)),
        Arrival::InFlight => (on(0.0), on(0.85)),
        Arrival::Seen | Arrival::Delivered { .. } => (on(0.0), on(1.0)),
    };
    canvas.line(&format!("{class}-line"), begin, end);
    match segment.arrival {
        Arrival::Stray => {
            canvas.line(&format!("{class}-line dash"), on(0.16), begin);
            draw_arrow_head(canvas, class, begin, end);
        }
        Arrival::Lost => {
            let (x, y) = end;
            canvas.line("bad-line", (x - 6.0, y - 6.0), (x + 6.0, y + 6.0));
            canvas.line("bad-line", (x - 6.0, y + 6.0), (x + 6.0, y - 6.0));
        }
        Arrival::InFlight => canvas.line(&format!("{class}-line dash"), end, on(0.95)),
        Arrival::Seen | Arrival::Delivered { .. } => draw_arrow_head(canvas, class, begin, end),
    }
    let label = labels.text(segment, Form::Full).replace("  ", " ");
    let class = format!("mono halo {class}");
    if bottom - top > FALL {
        // The label of a long arrow is at the departure, away from the arrows that it crosses.
        let (x, anchor) = match segment.from {
            Side::Left => (from + 14.0, Anchor::Start),
            Side::Right => (from - 14.0, Anchor::End),
        };
        canvas.text(&class, (x, top - 5.0), anchor, &label);
    } else {
        canvas.text(&class, ((from + to) / 2.0, (top + bottom) / 2.0 - 6.0), Anchor::Middle, &label);
    }
}

/// An arrow head at `to`, pointing away from `from`.
fn draw_arrow_head(canvas: &mut Canvas, class: &str, from: (f64, f64), to: (f64, f64)) {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let length = dx.hypot(dy).max(1.0);
    let (ux, uy) = (dx / length, dy / length);
    let back = (to.0 - ux * 10.0, to.1 - uy * 10.0);
    canvas.head(class, &[to, (back.0 - uy * 4.0, back.1 + ux * 4.0), (back.0 + uy * 4.0, back.1 - ux * 4.0)]);
}
