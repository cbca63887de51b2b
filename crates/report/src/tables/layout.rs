//! Which columns of a table are shown in a terminal, how wide they are, and how its addresses are written.
//!
//! Where there is no room, in this order: long addresses get short names, columns that may go are left out, sentences
//! become narrow, and last of all words are cut.

use super::addresses::ShortNames;
use super::{Cell, Column, Fit, Table};
use crate::style::{Style, columns, harmless};
use crate::{Charset, style, words};

/// The least width of a column whose cells are cut.
const SHRUNK_WIDTH_MIN: usize = 8;
/// The least width of a column whose cells are broken into lines while others may be left out for it: narrower sentences
/// are hard to read.
const WRAPPED_WIDTH_WISHED: usize = 24;
/// Its least width where nothing else can give way: the longest words that are ours.
const WRAPPED_WIDTH_MIN: usize = 14;
/// Between two columns.
pub(super) const GAP: usize = 2;

impl Fit {
    /// How narrow a column may become.
    fn width_min(self) -> usize {
        match self {
            Fit::Keep | Fit::Address => usize::MAX,
            Fit::Shrink => SHRUNK_WIDTH_MIN,
            Fit::Wrap => WRAPPED_WIDTH_MIN,
        }
    }
}

/// What is shown of a table.
pub(super) struct Layout {
    /// The columns that are shown, by their places.
    pub(super) shown: Vec<usize>,
    /// By the same order.
    pub(super) widths: Vec<usize>,
    /// Rows of the cells of all columns.
    pub(super) rows: Vec<Vec<String>>,
    /// What is told below the table.
    pub(super) legend: Vec<String>,
}

impl Layout {
    pub(super) fn of(table: &Table, style: &Style) -> Layout {
        let mut layout = Layout::with(table, &ShortNames::default(), style);
        if layout.needs(table, WRAPPED_WIDTH_WISHED) > style.width {
            let names = ShortNames::of(table.addresses(), style);
            layout = Layout::with(table, &names, style);
            layout.legend = names.legend(table.language).collect();
        }
        layout.leave_out(table, style);
        layout.narrow(table, style);
        layout
    }

    /// All columns, as wide as they wish.
    fn with(table: &Table, names: &ShortNames, style: &Style) -> Layout {
        let text = |cell: &Cell| match cell.address {
            Some(address) => names.text(address),
            None => in_charset(&harmless(&cell.shown), style),
        };
        let rows: Vec<Vec<String>> = table.rows.iter().map(|row| row.iter().map(text).collect()).collect();
        let mut widths: Vec<usize> = table.columns.iter().map(|column| columns(&column.title)).collect();
        for row in &rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(columns(cell));
            }
        }
        Layout { shown: (0..widths.len()).collect(), widths, rows, legend: Vec::new() }
    }

    fn columns<'a>(&self, table: &'a Table) -> impl Iterator<Item = &'a Column> {
        self.shown.iter().map(|place| &table.columns[*place]).collect::<Vec<_>>().into_iter()
    }

    fn gaps(&self) -> usize {
        GAP * self.shown.len().saturating_sub(1)
    }

    /// The width at which nothing is cut, with sentences of `sentence` columns.
    fn needs(&self, table: &Table, sentence: usize) -> usize {
        let width = |(column, width): (&Column, &usize)| match column.fit {
            Fit::Wrap => (*width).min(sentence),
            _ => *width,
        };
        self.columns(table).zip(&self.widths).map(width).sum::<usize>() + self.gaps()
    }

    /// Leaves out columns, those that may go first, until nothing need be cut.
    fn leave_out(&mut self, table: &Table, style: &Style) {
        let mut left_out: Vec<usize> = Vec::new();
        loop {
            let going = self.columns(table).enumerate().filter_map(|(at, column)| Some((column.may_go?, at)));
            let Some((order, at)) = going.min() else { break };
            let sentence = if order < Column::LAST { WRAPPED_WIDTH_WISHED } else { WRAPPED_WIDTH_MIN };
            if self.needs(table, sentence) <= style.width {
                break;
            }
            self.widths.remove(at);
            left_out.push(self.shown.remove(at));
        }
        left_out.sort_unstable();
        if !left_out.is_empty() {
            let titles: Vec<&str> =
                left_out.into_iter().map(|place| table.columns[place].title.as_str()).collect();
            let told = words::wider(&titles, table.language);
            self.legend.extend(style::wrap(&told, style.width));
        }
    }

    /// Each round narrows the widest column by one, so there are at most as many rounds as characters.
    fn narrow(&mut self, table: &Table, style: &Style) {
        let fits: Vec<Fit> = self.columns(table).map(|column| column.fit).collect();
        while self.widths.iter().sum::<usize>() + self.gaps() > style.width {
            let may = |wrapped: bool| {
                let fits = fits.iter().zip(self.widths.iter().enumerate());
                fits.filter(move |(fit, (_, width))| {
                    **width > fit.width_min() && (**fit == Fit::Wrap) == wrapped
                })
                .max_by_key(|(_, (_, width))| **width)
                .map(|(_, (at, _))| at)
            };
            match may(true).or_else(|| may(false)) {
                Some(at) => self.widths[at] -= 1,
                None => break,
            }
        }
    }
}

/// Replaces characters that are not in the character set. In our numbers this is only `µ`. Who asks for Chinese can show it:
/// wide characters stay.
fn in_charset(text: &str, style: &Style) -> String {
    if style.charset == Charset::Unicode {
        return text.to_owned();
    }
    let plain = |c: char| match c {
        'µ' => 'u',
        c if c.is_ascii() || columns(c.encode_utf8(&mut [0; 4])) > 1 => c,
        _ => '?',
    };
    text.chars().map(plain).collect()
}
