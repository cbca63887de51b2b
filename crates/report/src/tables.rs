//! Aligned tables for terminals, and the same cells as CSV, TSV and Markdown.
//!
//! A cell knows its text and, if it is a number, the value to sort by. When a table is wider than the
//! terminal, columns that may shrink are narrowed, the widest first, and sentences are broken into lines.
//! What is *not* here: units, which are in [`crate::numbers`].

use crate::numbers;
use crate::style::{Ink, Style, columns, cut, harmless, wrap};
use std::cmp::Ordering;
use std::time::Duration;

/// How the cells of a column are aligned.
///
/// There are no others: a program may match on all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// What a column does when the table is too wide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fit {
    /// It keeps its width.
    Keep,
    /// Its cells are cut, but to no less than eight characters.
    Shrink,
    /// Its cells are broken into lines, so that nothing is cut.
    Wrap,
}

/// One column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its heading.
    pub title: String,
    /// How its cells are aligned.
    pub align: Align,
    /// What happens when there is no room.
    pub fit: Fit,
}

impl Fit {
    /// How narrow a column may become.
    fn width_min(self) -> usize {
        match self {
            Fit::Keep => usize::MAX,
            Fit::Shrink => SHRUNK_WIDTH_MIN,
            Fit::Wrap => WRAPPED_WIDTH_MIN,
        }
    }
}

impl Column {
    /// A column of words that may be cut.
    pub fn words(title: &str) -> Column {
        Column { title: title.to_owned(), align: Align::Left, fit: Fit::Shrink }
    }

    /// A column of sentences, which are never cut but broken into lines.
    pub fn sentences(title: &str) -> Column {
        Column { title: title.to_owned(), align: Align::Left, fit: Fit::Wrap }
    }

    /// A column of words that is never cut.
    pub fn names(title: &str) -> Column {
        Column { title: title.to_owned(), align: Align::Left, fit: Fit::Keep }
    }

    /// A column of numbers.
    pub fn numbers(title: &str) -> Column {
        Column { title: title.to_owned(), align: Align::Right, fit: Fit::Keep }
    }
}

/// What a cell sorts by.
#[derive(Clone, Debug, PartialEq)]
enum Key {
    Number(f64),
    Text,
}

/// One cell: what is shown, what programs read, what it sorts by.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    shown: String,
    plain: String,
    key: Key,
}

impl Cell {
    /// Words.
    pub fn text(text: impl Into<String>) -> Cell {
        let shown = text.into();
        Cell { plain: shown.clone(), shown, key: Key::Text }
    }

    /// No value: `-`, which sorts before everything.
    pub fn none() -> Cell {
        Cell { shown: "-".to_owned(), plain: String::new(), key: Key::Number(f64::NEG_INFINITY) }
    }

    /// A plain number, in groups of three digits.
    pub fn number(number: u64) -> Cell {
        Cell { shown: numbers::grouped(number), plain: number.to_string(), key: Key::Number(number as f64) }
    }

    /// A number of bytes; programs read plain bytes.
    pub fn bytes(bytes: u64) -> Cell {
        Cell { shown: numbers::bytes(bytes), ..Cell::number(bytes) }
    }

    /// A span of time; programs read seconds.
    pub fn duration(time: Duration) -> Cell {
        let seconds = time.as_secs_f64();
        Cell { shown: numbers::duration(time), plain: format!("{seconds:.9}"), key: Key::Number(seconds) }
    }

    /// A rate in bits per second; programs read plain bits per second.
    pub fn rate(bits_per_second: f64) -> Cell {
        Cell {
            shown: numbers::rate(bits_per_second),
            plain: format!("{bits_per_second:.0}"),
            key: Key::Number(bits_per_second),
        }
    }
}

/// Which way a table is sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Order {
    /// Smallest first.
    Ascending,
    /// Largest first.
    Descending,
}

/// Rows of cells under headings.
///
/// ```
/// use synfin_report::Style;
/// use synfin_report::tables::{Cell, Column, Order, Table};
///
/// let mut table = Table::new(vec![Column::words("from"), Column::numbers("bytes")]);
/// table.push(vec![Cell::text("10.0.0.1"), Cell::bytes(1_500)]);
/// table.push(vec![Cell::text("10.0.0.2"), Cell::bytes(3_000_000)]);
/// table.sort_by(1, Order::Descending);
/// assert_eq!(table.text(&Style::PLAIN), "from         bytes\n10.0.0.2  2.86 MiB\n10.0.0.1  1.46 KiB\n");
/// assert_eq!(table.csv(), "from,bytes\n10.0.0.2,3000000\n10.0.0.1,1500\n");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

/// The least width of a column whose cells are cut.
const SHRUNK_WIDTH_MIN: usize = 8;
/// The least width of a column whose cells are broken into lines: narrower sentences are hard to read.
const WRAPPED_WIDTH_MIN: usize = 30;

impl Table {
    /// A table without rows.
    pub fn new(columns: Vec<Column>) -> Table {
        Table { columns, rows: Vec::new() }
    }

    /// Adds a row; missing cells stay empty.
    ///
    /// # Panics
    /// When the row has more cells than the table has columns.
    pub fn push(&mut self, mut row: Vec<Cell>) {
        assert!(row.len() <= self.columns.len(), "a row has a cell for each column at most");
        row.resize(self.columns.len(), Cell::text(""));
        self.rows.push(row);
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The position of the column with this heading.
    pub fn column(&self, title: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.title == title)
    }

    /// Sorts by a column: numbers by value, words by letters; equal rows keep their order.
    ///
    /// # Panics
    /// When there is no such column.
    pub fn sort_by(&mut self, column: usize, order: Order) {
        assert!(column < self.columns.len(), "the table has this column");
        self.rows.sort_by(|a, b| {
            let ordering = compare(&a[column], &b[column]);
            if order == Order::Descending { ordering.reverse() } else { ordering }
        });
    }

    /// Keeps the first `rows` rows.
    pub fn truncate(&mut self, rows: usize) {
        self.rows.truncate(rows);
    }

    /// The table for a terminal; two spaces between columns, headings in bold.
    pub fn text(&self, style: &Style) -> String {
        let rows: Vec<Vec<String>> = self
            .rows
            .iter()
            .map(|row| row.iter().map(|cell| in_charset(&harmless(&cell.shown), style)).collect())
            .collect();
        let widths = self.widths(&rows, style);
        let titles: Vec<String> = self.columns.iter().map(|column| column.title.clone()).collect();
        let mut text = self.line(&titles, &widths, style, Ink::Strong);
        for row in &rows {
            for line in self.wrapped(row, &widths) {
                text += &self.line(&line, &widths, style, Ink::Plain);
            }
        }
        text
    }

    /// The lines of one row: more than one if a sentence does not fit into one.
    fn wrapped(&self, row: &[String], widths: &[usize]) -> Vec<Vec<String>> {
        let cells = row.iter().zip(widths).zip(&self.columns).map(|((cell, width), column)| {
            if column.fit == Fit::Wrap { wrap(cell, *width) } else { vec![cell.clone()] }
        });
        let cells: Vec<Vec<String>> = cells.collect();
        let height = cells.iter().map(Vec::len).max().unwrap_or(0).max(1);
        let line = |at: usize| cells.iter().map(|cell| cell.get(at).cloned().unwrap_or_default()).collect();
        (0..height).map(line).collect()
    }

    fn widths(&self, rows: &[Vec<String>], style: &Style) -> Vec<usize> {
        let mut widths: Vec<usize> = self.columns.iter().map(|column| columns(&column.title)).collect();
        for row in rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(columns(cell));
            }
        }
        let gaps = 2 * widths.len().saturating_sub(1);
        // Each round narrows the widest column by one, so there are at most as many rounds as characters.
        while widths.iter().sum::<usize>() + gaps > style.width {
            let widest = self
                .columns
                .iter()
                .zip(&mut widths)
                .filter(|(column, width)| **width > column.fit.width_min())
                .max_by_key(|(_, width)| **width);
            match widest {
                Some((_, width)) => *width -= 1,
                None => break,
            }
        }
        widths
    }

    fn line(&self, cells: &[String], widths: &[usize], style: &Style, ink: Ink) -> String {
        let mut line = String::new();
        for ((cell, width), column) in cells.iter().zip(widths).zip(&self.columns) {
            if !line.is_empty() {
                line.push_str("  ");
            }
            let cell = cut(cell, *width, style);
            line += &match column.align {
                Align::Left => format!("{cell:<width$}"),
                Align::Right => format!("{cell:>width$}"),
            };
        }
        format!("{}\n", style.paint(ink, line.trim_end()))
    }

    /// Comma-separated values with plain numbers (RFC 4180, with line feeds); a control character in a
    /// cell becomes a dot.
    pub fn csv(&self) -> String {
        self.separated(',', |text| {
            let must_quote = text.contains([',', '"']);
            if must_quote { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
        })
    }

    /// Tab-separated values with plain numbers.
    pub fn tsv(&self) -> String {
        self.separated('\t', str::to_owned)
    }

    fn separated(&self, separator: char, quote: fn(&str) -> String) -> String {
        let mut text = String::new();
        let titles = self.columns.iter().map(|column| column.title.as_str()).collect();
        let rows = self.rows.iter().map(|row| row.iter().map(|cell| cell.plain.as_str()).collect());
        for cells in std::iter::once::<Vec<&str>>(titles).chain(rows) {
            let cells: Vec<String> = cells.into_iter().map(|cell| quote(&harmless(cell))).collect();
            text += &cells.join(&separator.to_string());
            text.push('\n');
        }
        text
    }

    /// A Markdown table.
    pub fn markdown(&self) -> String {
        let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
        let clean = |text: &str| harmless(text).replace('|', "\\|");
        let mut text = line(self.columns.iter().map(|column| clean(&column.title)).collect());
        text += &line(
            self.columns
                .iter()
                .map(|column| if column.align == Align::Right { "---:" } else { "---" }.to_owned())
                .collect(),
        );
        for row in &self.rows {
            text += &line(row.iter().map(|cell| clean(&cell.shown)).collect());
        }
        text
    }
}

fn compare(a: &Cell, b: &Cell) -> Ordering {
    match (&a.key, &b.key) {
        (Key::Number(a), Key::Number(b)) => a.total_cmp(b),
        (Key::Number(_), Key::Text) => Ordering::Less,
        (Key::Text, Key::Number(_)) => Ordering::Greater,
        (Key::Text, Key::Text) => a.shown.cmp(&b.shown),
    }
}

/// Replaces characters that are not in the character set. In our numbers this is only `µ`.
fn in_charset(text: &str, style: &Style) -> String {
    if style.charset == crate::Charset::Ascii {
        text.chars()
            .map(|c| {
                if c == 'µ' {
                    'u'
                } else if c.is_ascii() {
                    c
                } else {
                    '?'
                }
            })
            .collect()
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests;
