//! Small graphs as SVG: lines, steps and points over an axis of time.
//!
//! A [`Chart`] is a value; [`Chart::svg`] draws it, the same bytes for the same values. The charts that
//! a connection has ([`time_sequence`], [`congestion`], [`rtt`], [`throughput`]) are made from ladders
//! and traces; [`column()`] draws several over one axis of time. What is *not* here: zoom and hover, which
//! the page has.

mod axis;
mod charts;

#[cfg(test)]
mod tests;

pub use charts::{congestion, rtt, throughput, time_sequence};

use crate::svg::{Anchor, Canvas, THEME, at};
use axis::Axis;

/// What the numbers on an axis are; the prefix (milli, mega, ...) follows from their size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unit {
    /// Seconds.
    Seconds,
    /// Bytes, with binary prefixes.
    Bytes,
    /// Bits per second.
    BitsPerSecond,
    /// A plain count.
    Count,
}

/// How a series is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mark {
    /// Straight from point to point.
    Line,
    /// A value holds until the next one.
    Step,
    /// Single points.
    Points,
}

/// The colour of a series; the theme decides the shade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Color {
    /// The main series.
    Blue,
    /// A second series of the same kind.
    Violet,
    /// A limit, an acknowledgment.
    Green,
    /// Something to look at.
    Orange,
    /// Something wrong.
    Red,
    /// Background.
    Grey,
}

impl Color {
    const fn class(self) -> &'static str {
        match self {
            Color::Blue => "right",
            Color::Violet => "left",
            Color::Green => "good",
            Color::Orange => "note",
            Color::Red => "bad",
            Color::Grey => "dim",
        }
    }
}

/// One series of points, ordered by `x`.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Its name in the legend.
    pub name: String,
    /// How it is drawn.
    pub mark: Mark,
    /// Its colour.
    pub color: Color,
    /// `(x, y)` in the units of the axes; points that are not finite are left out.
    pub points: Vec<(f64, f64)>,
}

/// A graph.
///
/// ```
/// use synfin_report::plot::{Chart, Color, Mark, Series, Unit};
/// let chart = Chart {
///     title: "Congestion window".into(),
///     x: Unit::Seconds,
///     y: Unit::Bytes,
///     series: vec![Series {
///         name: "cwnd".into(),
///         mark: Mark::Step,
///         color: Color::Blue,
///         points: vec![(0.0, 14_600.0), (0.1, 29_200.0)],
///     }],
/// };
/// assert!(chart.svg().starts_with("<svg"));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Chart {
    /// What it shows.
    pub title: String,
    /// The unit of the horizontal axis.
    pub x: Unit,
    /// The unit of the vertical axis.
    pub y: Unit,
    /// What is drawn, the first at the bottom.
    pub series: Vec<Series>,
}

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 340.0;
/// The corners of the plane: left, top, right, bottom.
const PLANE: (f64, f64, f64, f64) = (72.0, 56.0, WIDTH - 20.0, HEIGHT - 46.0);

impl Chart {
    /// Draws the graph as a stand-alone SVG, light or dark as the viewer prefers.
    pub fn svg(&self) -> String {
        column(std::slice::from_ref(self), &self.title)
    }

    fn points(&self) -> impl Iterator<Item = &(f64, f64)> {
        self.series.iter().flat_map(|series| &series.points).filter(is_finite)
    }

    fn draw(&self, canvas: &mut Canvas, x: &Axis) {
        let y = Axis::over(self.y, self.points().map(|point| point.1), axis::Origin::Zero);
        canvas.text("bold", (PLANE.0, 24.0), Anchor::Start, &self.title);
        draw_grid(canvas, x, &y);
        for series in &self.series {
            let points = series.points.iter().filter(is_finite);
            let pixels: Vec<(f64, f64)> = points.map(|(px, py)| to_pixel(x, &y, *px, *py)).collect();
            draw_series(canvas, series, &pixels);
        }
        self.draw_legend(canvas);
    }

    /// Names of the series, from the right edge leftwards above the plane.
    fn draw_legend(&self, canvas: &mut Canvas) {
        let mut x = PLANE.2;
        for series in self.series.iter().rev() {
            canvas.text("small", (x, 44.0), Anchor::End, &series.name);
            x -= series.name.chars().count() as f64 * 5.9 + 8.0;
            match series.mark {
                Mark::Points => canvas.circle(series.color.class(), (x - 5.0, 40.0), 3.0),
                Mark::Line | Mark::Step => {
                    canvas.line(&format!("{}-line", series.color.class()), (x - 14.0, 40.0), (x, 40.0));
                }
            }
            x -= 26.0;
        }
    }
}

/// Draws graphs one below the other over the same axis, in the unit of the first one, as one SVG; `title` is
/// what screen readers read.
pub fn column(charts: &[Chart], title: &str) -> String {
    let unit = charts.first().map_or(Unit::Seconds, |chart| chart.x);
    let x = Axis::over(unit, charts.iter().flat_map(Chart::points).map(|point| point.0), axis::Origin::AsIs);
    let size = (WIDTH, HEIGHT * charts.len().max(1) as f64);
    let mut canvas = Canvas::new();
    canvas.rect("sheet", (0.0, 0.0), size, 8.0);
    for (index, chart) in charts.iter().enumerate() {
        match index {
            0 => chart.draw(&mut canvas, &x),
            below => canvas.lowered(HEIGHT * below as f64, |canvas| chart.draw(canvas, &x)),
        }
    }
    canvas.finish(size, title, THEME)
}

fn is_finite((x, y): &&(f64, f64)) -> bool {
    x.is_finite() && y.is_finite()
}

fn to_pixel(x: &Axis, y: &Axis, px: f64, py: f64) -> (f64, f64) {
    (PLANE.0 + x.share(px) * (PLANE.2 - PLANE.0), PLANE.3 - y.share(py) * (PLANE.3 - PLANE.1))
}

fn draw_grid(canvas: &mut Canvas, x: &Axis, y: &Axis) {
    for (value, label) in y.ticks() {
        let (_, at_y) = to_pixel(x, y, x.from, value);
        canvas.line("rule", (PLANE.0, at_y), (PLANE.2, at_y));
        canvas.text("small dim", (PLANE.0 - 8.0, at_y + 4.0), Anchor::End, &label);
    }
    for (value, label) in x.ticks() {
        let (at_x, _) = to_pixel(x, y, value, y.from);
        canvas.line("rule", (at_x, PLANE.3), (at_x, PLANE.3 + 5.0));
        canvas.text("small dim", (at_x, PLANE.3 + 18.0), Anchor::Middle, &label);
    }
    canvas.line("dim-line", (PLANE.0, PLANE.3), (PLANE.2, PLANE.3));
    canvas.text("small dim", (PLANE.2, PLANE.3 + 36.0), Anchor::End, &x.unit_name());
    canvas.text("small dim", (PLANE.0 - 8.0, PLANE.1 - 12.0), Anchor::End, &y.unit_name());
}

fn draw_series(canvas: &mut Canvas, series: &Series, pixels: &[(f64, f64)]) {
    match series.mark {
        Mark::Points => {
            // Rare points must be visible among many others.
            let radius = if matches!(series.color, Color::Red | Color::Orange) { 3.2 } else { 2.0 };
            let mut drawn = std::collections::BTreeSet::new();
            for (x, y) in pixels {
                // Points on the same pixel are drawn once.
                if drawn.insert((x.round() as i64, y.round() as i64)) {
                    canvas.circle(series.color.class(), (*x, *y), radius);
                }
            }
        }
        Mark::Line | Mark::Step => {
            let mut d = String::new();
            let mut pen: Option<(f64, f64)> = None;
            for (x, y) in thin(pixels) {
                let (at_x, at_y) = (at(x), at(y));
                match (pen, series.mark) {
                    (None, _) => d += &format!("M{at_x} {at_y}"),
                    (Some(_), Mark::Step) => d += &format!("H{at_x}V{at_y}"),
                    (Some(_), _) => d += &format!("L{at_x} {at_y}"),
                }
                pen = Some((x, y));
            }
            if !d.is_empty() {
                canvas.path(&format!("{}-line", series.color.class()), &d);
            }
        }
    }
}

/// At most four points for each column of pixels: the first, the lowest, the highest and the last one.
fn thin(pixels: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut thinned: Vec<(f64, f64)> = Vec::new();
    for column in pixels.chunk_by(|a, b| a.0.floor() == b.0.floor()) {
        if column.len() <= 4 {
            thinned.extend(column);
            continue;
        }
        let lowest = (0..column.len()).max_by(|a, b| column[*a].1.total_cmp(&column[*b].1));
        let highest = (0..column.len()).min_by(|a, b| column[*a].1.total_cmp(&column[*b].1));
        let mut kept = vec![0, column.len() - 1];
        kept.extend(lowest.into_iter().chain(highest));
        kept.sort_unstable();
        kept.dedup();
        thinned.extend(kept.into_iter().map(|index| column[index]));
    }
    thinned
}
