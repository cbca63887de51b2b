//! How text looks: colours, width, character set.
//!
//! The caller knows the terminal; nothing here examines it. What is *not* here: layout.

use unicode_width::UnicodeWidthChar;

/// Whether ANSI colours are written.
///
/// There are no others: a program may match on all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ColorChoice {
    /// Plain text.
    #[default]
    Never,
    /// ANSI escape sequences with the sixteen base colours, so that the terminal's theme decides.
    Always,
}

/// The characters that may be used.
///
/// There are no others: a program may match on both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Charset {
    /// Arrows and lines of Unicode.
    #[default]
    Unicode,
    /// Only ASCII.
    Ascii,
}

/// How text looks.
///
/// ```
/// use synfin_report::{Charset, ColorChoice, Style};
/// let narrow = Style { width: 80, ..Style::PLAIN };
/// assert_eq!(narrow.color, ColorChoice::Never);
/// assert_eq!(narrow.charset, Charset::Unicode);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Colours or none.
    pub color: ColorChoice,
    /// Columns that may be used; layouts degrade down to about 60.
    pub width: usize,
    /// Unicode or ASCII.
    pub charset: Charset,
}

impl Style {
    /// No colours, Unicode, 120 columns.
    pub const PLAIN: Style = Style { color: ColorChoice::Never, width: 120, charset: Charset::Unicode };

    /// A sentence in lines that are no longer than the width, each after `indent` spaces; a longer word stands alone.
    ///
    /// ```
    /// use synfin_report::Style;
    /// let narrow = Style { width: 12, ..Style::PLAIN };
    /// assert_eq!(narrow.paragraph("never cut, only broken", 1), " never cut,\n only broken\n");
    /// ```
    pub fn paragraph(&self, text: &str, indent: usize) -> String {
        let lines = wrap(&harmless(text), self.width.saturating_sub(indent));
        lines.iter().map(|line| format!("{:indent$}{line}\n", "")).collect()
    }

    /// The Unicode or the ASCII variant of a character or text.
    pub(crate) fn pick<'a>(&self, unicode: &'a str, ascii: &'a str) -> &'a str {
        match self.charset {
            Charset::Unicode => unicode,
            Charset::Ascii => ascii,
        }
    }

    /// `text` in `ink`, or as it is without colours.
    pub(crate) fn paint(&self, ink: Ink, text: &str) -> String {
        if self.color == ColorChoice::Never || ink == Ink::Plain || text.trim().is_empty() {
            return text.to_owned();
        }
        format!("\x1b[{}m{text}\x1b[0m", ink.code())
    }
}

impl Default for Style {
    fn default() -> Self {
        Style::PLAIN
    }
}

/// What a piece of text is, so that one place decides its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ink {
    Plain,
    /// Less important.
    Dim,
    /// Headings.
    Strong,
    /// A state that was just entered.
    Fresh,
    /// From the left end to the right one.
    Rightward,
    /// From the right end to the left one.
    Leftward,
    /// Lost, reset, wrong.
    Bad,
    /// Worth a look.
    Notable,
    /// A call of the application returned.
    Mark,
}

impl Ink {
    const fn code(self) -> &'static str {
        match self {
            Ink::Plain => "0",
            Ink::Dim => "2",
            Ink::Strong => "1",
            Ink::Fresh => "1;32",
            Ink::Rightward => "36",
            Ink::Leftward => "35",
            Ink::Bad => "31",
            Ink::Notable => "33",
            Ink::Mark => "1;34",
        }
    }
}

/// `text` without control characters, so that what a peer sent cannot control a terminal.
pub(crate) fn harmless(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{b7}' } else { c }).collect()
}

/// How many columns of a terminal `text` takes: a Chinese character takes two (UAX #11), whatever we draw with one.
///
/// ```
/// assert_eq!(synfin_report::columns("FIN 半关闭"), 10);
/// ```
pub fn columns(text: &str) -> usize {
    text.chars().map(columns_of).sum()
}

fn columns_of(c: char) -> usize {
    // Characters without a width of their own are shown as marks, or by their neighbours.
    if c.is_ascii() { 1 } else { c.width().unwrap_or(1) }
}

/// `text` and spaces up to `width` columns.
pub(crate) fn padded(text: &str, width: usize) -> String {
    format!("{text}{:gap$}", "", gap = width.saturating_sub(columns(text)))
}

/// Spaces up to `width` columns and `text`.
pub(crate) fn padded_left(text: &str, width: usize) -> String {
    format!("{:gap$}{text}", "", gap = width.saturating_sub(columns(text)))
}

/// `text` cut to `width` columns, with an ellipsis when something is missing.
pub(crate) fn cut(text: &str, width: usize, style: &Style) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let ellipsis = style.pick("…", "~");
    let mut room = width.saturating_sub(1);
    let fits = |c: &char| match room.checked_sub(columns_of(*c)) {
        Some(left) => {
            room = left;
            true
        }
        None => false,
    };
    let mut short: String = text.chars().take_while(fits).collect();
    if width > 0 {
        short.push_str(ellipsis);
    }
    short
}

/// Breaks `text` into lines of at most `width` columns, at spaces and between Chinese characters; a longer word stands alone.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let mut gap = 1;
        for piece in pieces(word) {
            if !line.is_empty() && columns(&line) + gap + columns(piece) > width {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() && gap > 0 {
                line.push(' ');
            }
            line.push_str(piece);
            gap = 0;
        }
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

/// The pieces of a word between which a line may be broken: before and behind a wide character, but neither before a mark
/// that closes nor behind one that opens.
fn pieces(word: &str) -> impl Iterator<Item = &str> {
    let mut rest = word;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let mut chars = rest.char_indices().zip(rest.char_indices().skip(1));
        let end = chars.find(|((_, before), (_, behind))| {
            let is_between = columns_of(*before) > 1 || columns_of(*behind) > 1;
            is_between
                && !"（《“‘「([".contains(*before)
                && !"，。；：！？、）》”’」…,.;:!?)]%".contains(*behind)
        });
        let (piece, left) = rest.split_at(end.map_or(rest.len(), |(_, (at, _))| at));
        rest = left;
        Some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_written_only_when_asked_for() {
        let colored = Style { color: ColorChoice::Always, ..Style::PLAIN };
        assert_eq!(Style::PLAIN.paint(Ink::Bad, "lost"), "lost");
        assert_eq!(colored.paint(Ink::Bad, "lost"), "\x1b[31mlost\x1b[0m");
    }

    #[test]
    fn a_peer_cannot_steer_the_terminal() {
        assert_eq!(harmless("a\x1b[2Jb\n"), "a·[2Jb·");
    }

    #[test]
    fn chinese_takes_two_columns_and_breaks_between_characters() {
        assert_eq!((columns("重传 3 次"), columns("────▶◆"), columns("µ·")), (9, 6, 2));
        assert_eq!(cut("超时重传", 7, &Style::PLAIN), "超时重…");
        assert_eq!(cut("超时重传", 6, &Style::PLAIN), "超时…");
        assert_eq!((padded("秒", 4), padded_left("秒", 4)), ("秒  ".to_owned(), "  秒".to_owned()));
        assert_eq!(wrap("快速重传：三个重复确认", 10), ["快速重传：", "三个重复确", "认"]);
        assert_eq!(wrap("收到 FIN 之后（半关闭）", 8), ["收到 FIN", "之后（半", "关闭）"]);
        assert_eq!(wrap("建立连接 [接收了数据]", 9), ["建立连接", "[接收了数", "据]"]);
        assert_eq!(wrap("10.0.0.1:80 重传", 4), ["10.0.0.1:80", "重传"]);
    }

    #[test]
    fn long_text_is_cut_or_wrapped() {
        assert_eq!(cut("abcdef", 4, &Style::PLAIN), "abc…");
        assert_eq!(cut("abc", 4, &Style::PLAIN), "abc");
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert!(wrap("  ", 7).is_empty());
    }
}
