//! Aligned tables for terminals, and the same cells as CSV, TSV and Markdown.
//!
//! A cell knows its text and, if it is a number, the value to sort by. A table that is wider than the terminal says long
//! addresses shortly, leaves out columns that may go, and breaks sentences into lines; a row never becomes longer than a
//! line of the terminal while that is possible.
//! What is *not* here: units, which are in [`crate::numbers`].

mod addresses;
mod layout;

use crate::numbers;
use crate::style::{Ink, Style, cut, harmless, padded, padded_left, wrap};
use crate::words::Language;
use layout::Layout;
use std::cmp::Ordering;
use std::net::{IpAddr, SocketAddr};
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
    /// Its addresses get short names, which are told in full below the table.
    Address,
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
    /// Where there is no room it is left out, the lowest number first; `None` keeps it.
    pub may_go: Option<u8>,
}

impl Column {
    /// From this order on, a column is left out only if sentences are as narrow as they may be.
    pub const LAST: u8 = 100;

    fn new(title: &str, align: Align, fit: Fit) -> Column {
        Column { title: title.to_owned(), align, fit, may_go: None }
    }

    /// A column of words that may be cut.
    pub fn words(title: &str) -> Column {
        Column::new(title, Align::Left, Fit::Shrink)
    }

    /// A column of sentences, which are never cut but broken into lines.
    pub fn sentences(title: &str) -> Column {
        Column::new(title, Align::Left, Fit::Wrap)
    }

    /// A column of words that is never cut.
    pub fn names(title: &str) -> Column {
        Column::new(title, Align::Left, Fit::Keep)
    }

    /// A column of addresses, which are never cut but may get short names.
    pub fn addresses(title: &str) -> Column {
        Column::new(title, Align::Left, Fit::Address)
    }

    /// A column of numbers.
    pub fn numbers(title: &str) -> Column {
        Column::new(title, Align::Right, Fit::Keep)
    }

    /// The same column, left out where there is no room: the lowest number goes first.
    #[must_use]
    pub fn going(self, order: u8) -> Column {
        Column { may_go: Some(order), ..self }
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
    /// Where it is one, so that it can be shortened.
    address: Option<SocketAddr>,
}

impl Cell {
    /// Words.
    pub fn text(text: impl Into<String>) -> Cell {
        let shown = text.into();
        Cell { plain: shown.clone(), shown, key: Key::Text, address: None }
    }

    /// Address and port; for a column of [`Column::addresses`].
    pub fn address(address: SocketAddr) -> Cell {
        Cell { address: Some(address), ..Cell::text(address.to_string()) }
    }

    /// No value: `-`, which sorts before everything.
    pub fn none() -> Cell {
        let key = Key::Number(f64::NEG_INFINITY);
        Cell { shown: "-".to_owned(), plain: String::new(), key, address: None }
    }

    /// A plain number, in groups of three digits.
    pub fn number(number: u64) -> Cell {
        let key = Key::Number(number as f64);
        Cell { shown: numbers::grouped(number), plain: number.to_string(), key, address: None }
    }

    /// A number of bytes; programs read plain bytes.
    pub fn bytes(bytes: u64) -> Cell {
        Cell { shown: numbers::bytes(bytes), ..Cell::number(bytes) }
    }

    /// A span of time; programs read seconds.
    pub fn duration(time: Duration) -> Cell {
        let seconds = time.as_secs_f64();
        let key = Key::Number(seconds);
        Cell { shown: numbers::duration(time), plain: format!("{seconds:.9}"), key, address: None }
    }

    /// A rate in bits per second; programs read plain bits per second.
    pub fn rate(bits_per_second: f64) -> Cell {
        Cell {
            shown: numbers::rate(bits_per_second),
            plain: format!("{bits_per_second:.0}"),
            key: Key::Number(bits_per_second),
            address: None,
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
    /// Of what is told below the table.
    language: Language,
}

impl Table {
    /// A table without rows.
    pub fn new(columns: Vec<Column>) -> Table {
        Table { columns, rows: Vec::new(), language: Language::English }
    }

    /// The same table, with what is told below it in this language; headings and cells are those that it was given.
    #[must_use]
    pub fn in_language(self, language: Language) -> Table {
        Table { language, ..self }
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

    /// The table for a terminal; two spaces between columns, headings in bold. Below it stand the addresses that were
    /// shortened, and the columns that were left out.
    pub fn text(&self, style: &Style) -> String {
        let layout = Layout::of(self, style);
        let titles: Vec<String> = self.columns.iter().map(|column| column.title.clone()).collect();
        let mut text = self.line(&titles, &layout, style, Ink::Strong);
        for row in &layout.rows {
            for line in self.wrapped(row, &layout) {
                text += &self.line(&line, &layout, style, Ink::Plain);
            }
        }
        for line in &layout.legend {
            text += &format!("{}\n", style.paint(Ink::Dim, line));
        }
        text
    }

    /// The lines of one row: more than one if a sentence does not fit into one.
    fn wrapped(&self, row: &[String], layout: &Layout) -> Vec<Vec<String>> {
        let mut cells: Vec<Vec<String>> = row.iter().map(|cell| vec![cell.clone()]).collect();
        for (place, width) in layout.shown.iter().zip(&layout.widths) {
            if self.columns[*place].fit == Fit::Wrap {
                cells[*place] = wrap(&row[*place], *width);
            }
        }
        let height = layout.shown.iter().map(|place| cells[*place].len()).max().unwrap_or(0).max(1);
        let line = |at: usize| cells.iter().map(|cell| cell.get(at).cloned().unwrap_or_default()).collect();
        (0..height).map(line).collect()
    }

    /// The hosts of all addresses.
    fn addresses(&self) -> impl Iterator<Item = IpAddr> + '_ {
        self.rows.iter().flatten().filter_map(|cell| Some(cell.address?.ip()))
    }

    fn line(&self, cells: &[String], layout: &Layout, style: &Style, ink: Ink) -> String {
        let mut line = String::new();
        for (at, (place, width)) in layout.shown.iter().zip(&layout.widths).enumerate() {
            if at > 0 {
                line.push_str(&" ".repeat(layout::GAP));
            }
            let cell = cut(&cells[*place], *width, style);
            line += &match self.columns[*place].align {
                Align::Left => padded(&cell, *width),
                Align::Right => padded_left(&cell, *width),
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

#[cfg(test)]
mod tests;
