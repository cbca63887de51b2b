//! Places in a script, and how to show them to the script's author.
//!
//! A [`Span`] is a range of bytes; a [`Diagnostic`] is a sentence about such a range, with file, line,
//! column, the line itself and a caret. What is *not* here: any knowledge of the language.

use std::fmt;

/// A range of bytes of the source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
}

impl Span {
    /// The bytes from `start` up to, not including, `end`.
    pub const fn new(start: usize, end: usize) -> Self {
        Span { start, end }
    }

    /// The bytes of `source` in this span; empty if it is not a span of that source.
    pub fn of(self, source: &str) -> &str {
        source.get(self.start..self.end).unwrap_or("")
    }
}

/// Line and column of a byte, both counted from 1; columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

impl Position {
    /// The position of the byte `offset` of `source`.
    pub fn of(source: &str, offset: usize) -> Self {
        let mut offset = offset.min(source.len());
        while !source.is_char_boundary(offset) {
            offset -= 1;
        }
        let before = &source[..offset];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Position {
            line: before.bytes().filter(|byte| *byte == b'\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }
}

/// A sentence about a place in a script.
///
/// ```
/// let wrong = synfin_script::parse("demo.pkt", "0.1 > S 0:0(0) ack").unwrap_err();
/// assert!(wrong.to_string().starts_with("demo.pkt:1:19: "));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Diagnostic {
    /// The name of the script.
    pub file: String,
    /// Where the problem begins.
    pub position: Position,
    /// What is wrong, and what would be right.
    pub message: String,
    /// The line of the source.
    pub line_text: String,
    /// How many characters the caret underlines, at least one.
    pub width: usize,
}

impl Diagnostic {
    /// A sentence about `span` of `source`.
    pub fn new(file: &str, source: &str, span: Span, message: impl Into<String>) -> Self {
        let position = Position::of(source, span.start);
        let line_text = source.lines().nth(position.line - 1).unwrap_or("").to_owned();
        let room = line_text.chars().count().saturating_sub(position.column - 1).max(1);
        let width = span.of(source).chars().take_while(|c| *c != '\n').count().clamp(1, room);
        Diagnostic { file: file.to_owned(), position, message: message.into(), line_text, width }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Position { line, column } = self.position;
        writeln!(f, "{}:{line}:{column}: {}", self.file, self.message)?;
        let number = line.to_string();
        writeln!(f, " {number} | {}", self.line_text)?;
        let pad: String =
            self.line_text.chars().take(column - 1).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        write!(f, " {:number_width$} | {pad}{}", "", "^".repeat(self.width), number_width = number.len())
    }
}

impl std::error::Error for Diagnostic {}
