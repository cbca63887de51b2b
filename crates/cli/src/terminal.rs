//! What the terminal can show: colours only on one, and its width.

use clap::ValueEnum;
use report::{Charset, ColorChoice, Style};
use std::io::IsTerminal;

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Columns when nobody says how many.
const WIDTH: usize = 120;

/// How to draw on standard output.
pub(crate) fn style(color: Color, ascii: bool) -> Style {
    let on_terminal = std::io::stdout().is_terminal();
    let colored = match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => on_terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
    };
    Style {
        color: if colored { ColorChoice::Always } else { ColorChoice::Never },
        width: columns().unwrap_or(WIDTH).clamp(60, 200),
        charset: if ascii { Charset::Ascii } else { Charset::Unicode },
    }
}

fn columns() -> Option<usize> {
    if let Some(columns) = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok()) {
        return Some(columns);
    }
    terminal_size::terminal_size().map(|(width, _)| usize::from(width.0))
}
