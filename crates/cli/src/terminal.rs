//! What the terminal can show: colours and progress bars, unless it is dumb; its width; and Unicode, unless
//! the locale has another character set.

use clap::ValueEnum;
use report::words::Language;
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

/// In which language a command speaks of what it found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Lang {
    /// English
    En,
    /// Chinese (simplified)
    Zh,
}

impl Lang {
    /// What `--lang` says, for output that programs read: without it English, whatever the locale is.
    pub(crate) const fn of_programs(asked: Option<Lang>) -> Language {
        match asked {
            Some(Lang::Zh) => Language::Chinese,
            Some(Lang::En) | None => Language::English,
        }
    }

    /// What `--lang` says, for output that people read: without it the locale decides.
    pub(crate) fn of_people(asked: Option<Lang>) -> Language {
        match asked {
            Some(_) => Lang::of_programs(asked),
            None => language_of(value),
        }
    }
}

/// The language of the locale: the first of these variables that is set decides (POSIX.1-2024, chapter 8.2). Chinese is
/// written in UTF-8, so that a locale that names another character set, such as `zh_CN.GBK`, gets English.
fn language_of(value: impl Fn(&str) -> Option<OsString>) -> Language {
    let locale = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(value);
    let locale = locale.map_or(String::new(), |locale| locale.to_string_lossy().to_ascii_lowercase());
    let language = locale.split(['_', '-', '.', '@']).next().unwrap_or_default();
    match (language, codeset(&locale)) {
        ("zh", None | Some("utf-8" | "utf8")) => Language::Chinese,
        _ => Language::English,
    }
}

/// The character set that a locale names: language_TERRITORY.codeset@modifier.
fn codeset(locale: &str) -> Option<&str> {
    locale.split_once('.').map(|(_, rest)| rest.split('@').next().unwrap_or(rest))
}

/// Columns if their number is unknown.
const WIDTH_DEFAULT: usize = 120;
/// The least width that is drawn for: a ladder needs about this much.
const WIDTH_MIN: usize = 60;
/// The largest width that is drawn for: longer lines are hard to follow.
const WIDTH_MAX: usize = 200;

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
        width: columns().unwrap_or(WIDTH_DEFAULT).clamp(WIDTH_MIN, WIDTH_MAX),
        charset: charset.unwrap_or_else(|| charset_of(value, is_dumb())),
    }
}

/// The same style for lists that programs may search: their lines are broken only where a terminal would break them.
pub(crate) fn for_lists(style: &Style) -> Style {
    Style { width: columns().map_or(usize::MAX, |_| style.width), ..*style }
}

/// One of our lines in the characters of the style: `41 us` where there is no `µ`. Nothing else is replaced.
pub(crate) fn plain(line: String, style: &Style) -> String {
    if style.charset == Charset::Ascii { line.replace('µ', "u") } else { line }
}

/// What somebody else wrote, in characters that show themselves: controls and those that reorder, hide or
/// join their neighbours become escapes such as `\u{202e}`. A backslash is doubled, so that none of these
/// can be written by hand.
pub(crate) fn foreign(text: &str) -> String {
    // Nearly all text is like that, and a server shows a lot of it.
    if text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\') {
        return text.to_owned();
    }
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if shows_itself(c) && c != '\\' { shown.push(c) } else { shown.extend(c.escape_debug()) }
    }
    shown
}

/// Whether a character shows itself and leaves its neighbours alone. Combining marks do not.
pub(crate) fn shows_itself(c: char) -> bool {
    matches!(c, '\'' | '"' | '\\') || c.escape_debug().len() == 1
}

/// Whether the terminal can neither colour nor move its cursor.
pub(crate) fn is_dumb() -> bool {
    value("TERM").is_some_and(|term| term == "dumb")
}

/// The value of a variable that is set and not empty.
fn value(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// The characters that the locale has: the first of these variables that is set decides (POSIX.1-2024,
/// chapter 8.2). Where none is set the default is ours to define, and it is Unicode.
fn charset_of(value: impl Fn(&str) -> Option<OsString>, is_dumb: bool) -> Charset {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(value);
    let is_unicode = locale.is_none_or(|locale| {
        let locale = locale.to_string_lossy().to_ascii_lowercase();
        matches!(codeset(&locale), Some("utf-8" | "utf8"))
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
    fn what_a_stranger_wrote_shows_itself() {
        assert_eq!(foreign("it's \"plain\" \u{e9}\u{4e2d}"), "it's \"plain\" \u{e9}\u{4e2d}");
        assert_eq!(foreign("a\x1b[2J\r\n\0\u{9b}"), r"a\u{1b}[2J\r\n\0\u{9b}");
        // right-to-left override, isolate, zero width, soft hyphen, byte order mark, a private one, a tag
        for c in "\u{202e}\u{2066}\u{200b}\u{ad}\u{feff}\u{e000}\u{e0041}\u{2028}".chars() {
            assert_eq!(foreign(&format!("a{c}b")), format!("a\\u{{{:x}}}b", c as u32));
        }
        assert_eq!(foreign(r"\u{202e}"), r"\\u{202e}");
    }

    #[test]
    fn the_locale_says_the_language_unless_the_command_line_does() {
        for (variables, language) in [
            (&[][..], Language::English),
            (&[("LANG", "zh_CN.UTF-8")], Language::Chinese),
            (&[("LANG", "zh_TW.utf8")], Language::Chinese),
            (&[("LANG", "zh_CN")], Language::Chinese),
            (&[("LANG", "zh")], Language::Chinese),
            (&[("LANG", "zh-CN")], Language::Chinese),
            (&[("LANG", "zh_CN.GBK")], Language::English),
            (&[("LANG", "zhx_XX.UTF-8")], Language::English),
            (&[("LANG", "C.UTF-8")], Language::English),
            (&[("LANG", "zh_CN.UTF-8"), ("LC_MESSAGES", "en_US.UTF-8")], Language::English),
            (&[("LANG", "en_US.UTF-8"), ("LC_MESSAGES", "zh_CN.UTF-8")], Language::Chinese),
            (&[("LC_MESSAGES", "en_US.UTF-8"), ("LC_ALL", "zh_CN.UTF-8")], Language::Chinese),
            (&[("LC_ALL", "C"), ("LANG", "zh_CN.UTF-8")], Language::English),
            (&[("LC_CTYPE", "zh_CN.UTF-8")], Language::English),
        ] {
            let value = |name: &str| {
                variables.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(*value))
            };
            assert_eq!(language_of(value), language, "{variables:?}");
        }
        assert_eq!(Lang::of_people(Some(Lang::Zh)), Language::Chinese);
        assert_eq!(
            (Lang::of_programs(None), Lang::of_programs(Some(Lang::Zh))),
            (Language::English, Language::Chinese)
        );
    }

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
