//! A place in the source, and the small words of the language.
//!
//! The language cannot be cut into tokens without context (`.5` is a flags word or half a second, `3`
//! a time or an AccECN code), so the parser asks for what it needs where it stands. Blanks, line ends
//! and comments may stand between any two words.

use super::defines::Defines;
use crate::source::Span;
use std::time::Duration;

/// What is wrong, and where.
#[derive(Clone, Debug)]
pub(super) struct Wrong {
    pub(super) span: Span,
    pub(super) message: String,
}

/// The parser's result.
pub(super) type Parsed<T> = Result<T, Wrong>;

/// A place in the source.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'s> {
    source: &'s str,
    at: usize,
    defines: &'s Defines,
    /// How many definitions lead here: one may name the next.
    depth: u8,
}

/// How many definitions may name each other, so that two that name each other end.
const DEFINITIONS_MAX: u8 = 8;

/// Whether this byte may stand in a name.
pub(super) const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

impl<'s> Cursor<'s> {
    pub(super) fn new(source: &'s str, at: usize, defines: &'s Defines) -> Self {
        Cursor { source, at, defines, depth: 0 }
    }

    /// The name that stands here and what it stands for, if it is defined; not taken.
    pub(super) fn peek_defined(&self) -> Option<(&'s str, &'s str)> {
        let word = self.peek_word();
        Some((word, self.defines.value(word).filter(|_| !word.is_empty())?))
    }

    /// Takes a defined name, if one stands here, and reads what it stands for.
    pub(super) fn defined<T>(
        &mut self,
        read: impl FnOnce(&mut Cursor<'s>) -> Parsed<T>,
    ) -> Option<Parsed<T>> {
        let (word, source) = self.peek_defined()?;
        let start = self.at;
        self.advance(word.len());
        let span = self.since(start);
        let complain =
            |message: String| Err(Wrong { span, message: format!("the value of {word}: {message}") });
        if self.depth >= DEFINITIONS_MAX {
            return Some(complain(format!("more than {DEFINITIONS_MAX} definitions name each other")));
        }
        let mut inner = Cursor { source, at: 0, defines: self.defines, depth: self.depth + 1 };
        let value = read(&mut inner).and_then(|value| {
            inner.skip_blanks()?;
            if inner.is_done() { Ok(value) } else { inner.wrong("something follows the value") }
        });
        Some(value.or_else(|wrong| complain(wrong.message)))
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// The source from here on.
    pub(super) fn rest(&self) -> &'s str {
        self.source.get(self.at..).unwrap_or("")
    }

    /// The source up to here.
    pub(super) fn before(&self) -> &'s str {
        &self.source[..self.at]
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.source.as_bytes().get(self.at).copied()
    }

    fn byte_at(&self, ahead: usize) -> Option<u8> {
        self.source.as_bytes().get(self.at + ahead).copied()
    }

    pub(super) fn is_done(&self) -> bool {
        self.at >= self.source.len()
    }

    /// Goes on by so many bytes, which the caller has seen.
    pub(super) fn advance(&mut self, bytes: usize) {
        self.at = (self.at + bytes).min(self.source.len());
    }

    /// From `start` to here.
    pub(super) fn since(&self, start: usize) -> Span {
        Span::new(start, self.at)
    }

    pub(super) fn text_since(&self, start: usize) -> &'s str {
        self.since(start).of(self.source)
    }

    /// A complaint about the word that stands here.
    pub(super) fn wrong<T>(&self, message: impl Into<String>) -> Parsed<T> {
        let rest = self.rest();
        let word = rest.bytes().take_while(|byte| is_word(*byte)).count();
        let width = if word > 0 { word } else { rest.chars().next().map_or(0, char::len_utf8) };
        Err(Wrong { span: Span::new(self.at, self.at + width), message: message.into() })
    }

    /// A complaint about everything from `start` to here.
    pub(super) fn wrong_since<T>(&self, start: usize, message: impl Into<String>) -> Parsed<T> {
        Err(Wrong { span: self.since(start), message: message.into() })
    }

    /// Skips blanks, line ends and comments.
    pub(super) fn skip_blanks(&mut self) -> Parsed<()> {
        loop {
            let rest = self.rest();
            let blanks = rest.len() - rest.trim_start().len();
            self.advance(blanks);
            if self.rest().starts_with('\u{feff}') {
                self.advance('\u{feff}'.len_utf8());
            } else if !self.skip_comment()? {
                return Ok(());
            }
        }
    }

    /// Skips the comment that stands here, up to the end of its line, and says whether there was one.
    pub(super) fn skip_comment(&mut self) -> Parsed<bool> {
        let rest = self.rest();
        if rest.starts_with('#') || rest.starts_with("//") {
            self.advance(rest.find('\n').unwrap_or(rest.len()));
        } else if rest.starts_with("/*") {
            let Some(end) = rest.get(2..).and_then(|inner| inner.find("*/")) else {
                return self.wrong("this comment never ends; close it with `*/`");
            };
            self.advance(end + 4);
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    /// Skips blanks of this line only.
    pub(super) fn skip_spaces(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t')) {
            self.at += 1;
        }
    }

    /// Takes `text` if it stands here, blanks before it skipped.
    pub(super) fn eat(&mut self, text: &str) -> Parsed<bool> {
        self.skip_blanks()?;
        let found = self.rest().starts_with(text);
        if found {
            self.advance(text.len());
        }
        Ok(found)
    }

    /// Takes `text`, or complains with `message`.
    pub(super) fn expect(&mut self, text: &str, message: &str) -> Parsed<()> {
        if self.eat(text)? { Ok(()) } else { self.wrong(message) }
    }

    /// The name that stands here, not taken; empty if there is none.
    pub(super) fn peek_word(&self) -> &'s str {
        let rest = self.rest();
        let letter = rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        let len = if letter { rest.bytes().take_while(|byte| is_word(*byte)).count() } else { 0 };
        &rest[..len]
    }

    /// Takes the word `word` if it stands here alone, blanks before it skipped.
    pub(super) fn eat_word(&mut self, word: &str) -> Parsed<bool> {
        self.skip_blanks()?;
        let found = self.peek_word().eq_ignore_ascii_case(word);
        if found {
            self.advance(word.len());
        }
        Ok(found)
    }

    /// Takes a name.
    pub(super) fn word(&mut self, message: &str) -> Parsed<&'s str> {
        self.skip_blanks()?;
        let word = self.peek_word();
        if word.is_empty() {
            return self.wrong(message);
        }
        self.advance(word.len());
        Ok(word)
    }

    /// Takes a run of letters and digits, whatever it begins with.
    pub(super) fn run(&mut self) -> Parsed<&'s str> {
        self.skip_blanks()?;
        let len = self.rest().bytes().take_while(|byte| is_word(*byte)).count();
        let run = &self.rest()[..len];
        self.advance(len);
        Ok(run)
    }

    /// Takes a whole number, decimal or hexadecimal, possibly negative; or a name that is defined as one.
    pub(super) fn integer(&mut self, message: &str) -> Parsed<i128> {
        self.skip_blanks()?;
        if let Some(value) = self.defined(|inner| super::call::constant(inner, message)) {
            return value;
        }
        let start = self.at;
        let negative = self.peek() == Some(b'-') && self.byte_at(1).is_some_and(|byte| byte.is_ascii_digit());
        self.at += usize::from(negative);
        let (radix, prefix) = match self.rest().get(..2) {
            Some("0x" | "0X") => (16, 2),
            _ => (10, 0),
        };
        let digits = self
            .rest()
            .bytes()
            .skip(prefix)
            .take_while(|byte| byte.is_ascii_hexdigit() && (radix == 16 || byte.is_ascii_digit()))
            .count();
        if digits == 0 {
            self.at = start;
            return self.wrong(message);
        }
        let text = &self.rest()[prefix..prefix + digits];
        self.advance(prefix + digits);
        match i128::from_str_radix(text, radix) {
            Ok(value) => Ok(if negative { -value } else { value }),
            Err(_) => self.wrong_since(start, "this number is too large"),
        }
    }

    /// Takes a whole number that fits `T`.
    pub(super) fn number<T: TryFrom<i128>>(&mut self, message: &str) -> Parsed<T> {
        self.skip_blanks()?;
        let start = self.at;
        let value = self.integer(message)?;
        T::try_from(value).or_else(|_| self.wrong_since(start, format!("{value} is out of range here")))
    }

    /// Takes a 32-bit number; a negative one counts back from zero around the circle.
    pub(super) fn seq(&mut self, message: &str) -> Parsed<u32> {
        self.skip_blanks()?;
        let start = self.at;
        let value = self.integer(message)?;
        if value < -(1 << 31) || value > i128::from(u32::MAX) {
            return self.wrong_since(start, "a sequence number has 32 bits");
        }
        Ok(value.rem_euclid(1 << 32) as u32)
    }

    /// Takes seconds with an optional fraction. `0...1` is 0, then `...`.
    pub(super) fn seconds(&mut self) -> Parsed<Duration> {
        self.skip_blanks()?;
        let start = self.at;
        let whole = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        self.advance(whole);
        let mut fraction = "";
        let dot = self.peek() == Some(b'.') && self.byte_at(1) != Some(b'.');
        if dot && (whole > 0 || self.byte_at(1).is_some_and(|byte| byte.is_ascii_digit())) {
            self.advance(1);
            let digits = self.rest().bytes().take_while(u8::is_ascii_digit).count();
            fraction = &self.rest()[..digits];
            self.advance(digits);
        }
        if self.at == start {
            return self.wrong("a time in seconds is missing, such as `0.1`");
        }
        let text = self.text_since(start);
        let seconds: u64 = match text.split('.').next().unwrap_or("").parse() {
            Ok(seconds) if seconds <= SECONDS_MAX => seconds,
            Err(_) if whole == 0 => 0,
            _ => return self.wrong_since(start, "this time is more than five hundred years away"),
        };
        let nanos = format!("{fraction:0<9}");
        let nanos: u32 = nanos.get(..9).and_then(|digits| digits.parse().ok()).unwrap_or(0);
        Ok(Duration::new(seconds, nanos))
    }
}

/// Five hundred years: virtual time counts nanoseconds in 64 bits, which end after 584.
const SECONDS_MAX: u64 = 500 * 365 * 86_400;
