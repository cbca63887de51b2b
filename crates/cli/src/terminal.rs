//! What the terminal can show: colours and progress bars only on one that can, its width, and Unicode
//! unless the locale has another character set.

use clap::ValueEnum;
use report::{Charset, ColorChoice, Style};
use std::ffi::OsString;
use std::io::IsTerminal;

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless `NO_COLOR` is set or `TERM` is `dumb`.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Columns when nobody says how many.
const WIDTH: usize = 120;

/// How to draw on standard output.
pub(crate) fn style(color: Color, charset: Option<Charset>) -> Style {
    let on_terminal = std::io::stdout().is_terminal();
    let colored = match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => on_terminal && value("NO_COLOR").is_none() && !is_dumb(),
    };
    Style {
        color: if colored { ColorChoice::Always } else { ColorChoice::Never },
        width: columns().unwrap_or(WIDTH).clamp(60, 200),
        charset: charset.unwrap_or_else(|| charset_of(value, is_dumb())),
    }
}

/// A line of ours as the style can show it: `41 us` where there is no `µ`. Names of others stay as they are.
pub(crate) fn plain(line: String, style: &Style) -> String {
    if style.charset == Charset::Ascii { line.replace('µ', "u") } else { line }
}

/// Whether the terminal can neither colour nor move its cursor.
pub(crate) fn is_dumb() -> bool {
    value("TERM").is_some_and(|term| term == "dumb")
}

/// The value of a variable that is set to something.
fn value(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// The characters that the locale has: the first of these variables that is set decides (POSIX.1-2024,
/// chapter 8.2). Where none is set the default is ours to define, and it is Unicode.
fn charset_of(value: impl Fn(&str) -> Option<OsString>, is_dumb: bool) -> Charset {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(value);
    let is_unicode = locale.is_none_or(|locale| {
        let locale = locale.to_string_lossy().to_ascii_lowercase();
        // language_TERRITORY.codeset@modifier
        let codeset = locale.split_once('.').map_or("", |(_, rest)| rest.split('@').next().unwrap_or(rest));
        matches!(codeset, "utf-8" | "utf8")
    });
    if is_unicode && !is_dumb { Charset::Unicode } else { Charset::Ascii }
}

fn columns() -> Option<usize> {
    if let Some(columns) = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok()) {
        return Some(columns);
    }
    terminal_size::terminal_size().map(|(width, _)| usize::from(width.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_variable_that_is_set_says_what_characters_there_are() {
        for (variables, is_unicode) in [
            (&[][..], true),
            (&[("LANG", "en_US.UTF-8")], true),
            (&[("LANG", "C")], false),
            (&[("LANG", "POSIX")], false),
            (&[("LANG", "C.utf8")], true),
            (&[("LANG", "de_DE.ISO-8859-1@euro")], false),
            (&[("LANG", "de_DE.UTF-8@euro")], true),
            // a locale without a codeset has the one that the system gave it: not known to be Unicode
            (&[("LANG", "de_DE")], false),
            (&[("LANG", "C"), ("LC_CTYPE", "C.UTF-8")], true),
            (&[("LANG", "C.UTF-8"), ("LC_ALL", "C")], false),
            (&[("LC_CTYPE", "C"), ("LC_ALL", "C.UTF-8")], true),
        ] {
            let value = |name: &str| {
                variables.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(*value))
            };
            let wanted = if is_unicode { Charset::Unicode } else { Charset::Ascii };
            assert_eq!(charset_of(value, false), wanted, "{variables:?}");
            assert_eq!(charset_of(value, true), Charset::Ascii, "{variables:?} on a dumb terminal");
        }
    }
}
