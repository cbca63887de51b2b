//! Text to values: `parse("name.pkt", text)`.
//!
//! A recursive descent over the characters, one file for each part of the language: this one reads
//! options, times and events. Bad input is a [`Diagnostic`], never a panic; nesting is bounded.

mod call;
mod conditionals;
mod cursor;
mod defines;
mod options;
mod packet;

use crate::ast::{Event, OptionLine, Script, What, When};
use crate::source::{Diagnostic, Span};
use cursor::{Cursor, Parsed, Wrong};
use defines::Defines;
use std::time::Duration;

/// The longest script that is read, in bytes. The longest public ones have some tens of kilobytes.
pub const SOURCE_BYTES_MAX: usize = 16 << 20;

/// Reads a script; `file` is its name in messages.
///
/// # Errors
/// The first place that is not understood, with a sentence about it.
///
/// ```
/// let script = synfin_script::parse("demo.pkt", "+0 < S 0:0(0) win 32792 <mss 1460>\n+0 > S. 0:0(0) ack 1 <mss 1460>").unwrap();
/// assert_eq!(script.events.len(), 2);
/// assert_eq!(script.events[1].to_string(), "+0 > S. 0:0(0) ack 1 <mss 1460>");
/// ```
pub fn parse(file: &str, source: &str) -> Result<Script, Diagnostic> {
    parse_with(file, source, &[])
}

/// Like [`parse`], with names that are defined before the script is read: what they stand for, and for
/// `#ifdef` that they are there.
///
/// # Errors
/// As [`parse`].
///
/// ```
/// let text = "0 close(3) = 0\n#ifdef TWICE\n+0 close(FD) = 0\n#endif\n";
/// let defined = [("TWICE", ""), ("FD", "3")].map(|(name, value)| (name.to_owned(), value.to_owned()));
/// assert_eq!(synfin_script::parse("demo.pkt", text).unwrap().events.len(), 1);
/// assert_eq!(synfin_script::parse_with("demo.pkt", text, &defined).unwrap().events.len(), 2);
/// ```
pub fn parse_with(file: &str, source: &str, defined: &[(String, String)]) -> Result<Script, Diagnostic> {
    let mut script = Script::default();
    if source.len() > SOURCE_BYTES_MAX {
        let message = format!("the script is longer than {} MiB", SOURCE_BYTES_MAX >> 20);
        return Err(Diagnostic::new(file, source, Span::default(), message));
    }
    let read = conditionals::without_excluded(source, defined)
        .and_then(|counted| script_of(&counted, Defines::new(defined), &mut script));
    match read {
        Ok(()) => Ok(script),
        Err(Wrong { span, message }) => Err(Diagnostic::new(file, source, span, message)),
    }
}

pub(crate) use conditionals::has_conditions;

fn script_of(source: &str, mut defines: Defines, script: &mut Script) -> Parsed<()> {
    let mut at = 0;
    loop {
        let mut cursor = Cursor::new(source, at, &defines);
        cursor.skip_blanks()?;
        if cursor.is_done() {
            return Ok(());
        }
        if cursor.rest().starts_with("--") {
            let option = option_line(&mut cursor)?;
            at = cursor.at();
            defines.learn(&option);
            script.options.push(option);
        } else {
            script.events.push(event(&mut cursor)?);
            at = cursor.at();
        }
    }
}

/// `--name`, `--name=value`, `--name="value with blanks"`.
fn option_line(cursor: &mut Cursor<'_>) -> Parsed<OptionLine> {
    let start = cursor.at();
    cursor.advance(2);
    let rest = cursor.rest();
    let len = rest.bytes().take_while(|byte| cursor::is_word(*byte) || *byte == b'-').count();
    let name = rest[..len].replace('-', "_");
    if name.is_empty() {
        return cursor.wrong("the name of an option is missing after `--`");
    }
    cursor.advance(len);
    let mut value = None;
    let mut ahead = *cursor;
    ahead.skip_spaces();
    if ahead.peek() == Some(b'=') {
        ahead.advance(1);
        ahead.skip_spaces();
        *cursor = ahead;
        value = Some(option_value(cursor)?);
    }
    Ok(OptionLine { name, value, span: cursor.since(start) })
}

/// Everything up to the next blank; quotes protect blanks and are taken off, backquotes stay.
fn option_value(cursor: &mut Cursor<'_>) -> Parsed<String> {
    let mut value = String::new();
    let mut quote = None;
    let start = cursor.at();
    while let Some(c) = cursor.rest().chars().next() {
        match quote {
            Some('`') if c == '`' => {
                quote = None;
                value.push(c);
            }
            Some(open) if c == open => quote = None,
            Some(_) => value.push(c),
            None if c == '`' => {
                quote = Some(c);
                value.push(c);
            }
            None if c == '"' || c == '\'' => quote = Some(c),
            None if c.is_whitespace() => break,
            None => value.push(c),
        }
        cursor.advance(c.len_utf8());
    }
    match quote {
        None => Ok(value),
        Some(open) => cursor.wrong_since(start, format!("the closing {open} of this value is missing")),
    }
}

fn event(cursor: &mut Cursor<'_>) -> Parsed<Event> {
    let start = cursor.at();
    if let Some(command) = defined_command(cursor) {
        return Ok(Event { when: When::AtOnce, what: What::Command(command), span: cursor.since(start) });
    }
    let when = when(cursor)?;
    cursor.skip_blanks()?;
    let until = if cursor.eat("...")? {
        // `+0...+1.2`: the second time counts from where the first does.
        cursor.eat("+")?;
        Some(cursor.seconds()?)
    } else {
        None
    };
    cursor.skip_blanks()?;
    let what = match defined_command(cursor) {
        Some(command) => What::Command(command),
        None => what(cursor, until)?,
    };
    if let (Some(until), Some(from)) = (until, earliest(when))
        && until < from
    {
        return cursor.wrong_since(start, "the call would end before it begins");
    }
    Ok(Event { when, what, span: cursor.since(start) })
}

/// The command that `--define=NAME=`command`` gave this word, if it stands here.
fn defined_command(cursor: &mut Cursor<'_>) -> Option<String> {
    let (word, value) = cursor.peek_defined()?;
    let command = value.strip_prefix('`')?.strip_suffix('`')?.to_owned();
    cursor.advance(word.len());
    Some(command)
}

fn what(cursor: &mut Cursor<'_>, until: Option<Duration>) -> Parsed<What> {
    cursor.skip_blanks()?;
    let calls = cursor.peek().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    if until.is_some() && !calls && !cursor.is_done() {
        return cursor.wrong("only a system call may last from one time to another");
    }
    match cursor.peek() {
        Some(b'<' | b'>') => Ok(What::Packet(packet::packet(cursor)?)),
        Some(b'`') => Ok(What::Command(enclosed(cursor, "`", "`", "command")?)),
        Some(b'%') => Ok(What::Code(enclosed(cursor, "%{", "}%", "block of code")?)),
        Some(_) if calls => Ok(What::Call(call::call(cursor, until)?)),
        Some(_) => cursor.wrong(
            "an event is expected here: a packet (`<`, `>`), a call, a command in backquotes or `%{ code }%`",
        ),
        None => cursor.wrong("the script ends after a time; an event is missing"),
    }
}

/// The text between two marks; a backslash protects the closing backquote.
fn enclosed(cursor: &mut Cursor<'_>, open: &str, close: &str, what: &str) -> Parsed<String> {
    let start = cursor.at();
    cursor.expect(open, "a block of code begins with `%{`")?;
    let inner = cursor.rest();
    let mut from = 0;
    while let Some(found) = inner.get(from..).and_then(|rest| rest.find(close)) {
        let end = from + found;
        if close == "`" && inner[..end].ends_with('\\') {
            from = end + 1;
            continue;
        }
        cursor.advance(end + close.len());
        return Ok(inner[..end].replace("\\`", "`"));
    }
    let span = Span::new(start, start + open.len());
    Err(Wrong { span, message: format!("this {what} never ends; close it with {close}") })
}

fn when(cursor: &mut Cursor<'_>) -> Parsed<When> {
    match cursor.peek() {
        Some(b'*') => {
            cursor.advance(1);
            Ok(When::Any)
        }
        Some(b'+') => {
            cursor.advance(1);
            let from = cursor.seconds()?;
            if !cursor.eat("~")? {
                return Ok(When::Relative(from));
            }
            cursor.expect("+", "the end of a relative range needs its own `+`, as in `+0.1~+0.2`")?;
            range(cursor, from, When::RelativeRange)
        }
        Some(byte) if byte.is_ascii_digit() || byte == b'.' => {
            let from = cursor.seconds()?;
            if cursor.eat("~")? { range(cursor, from, When::AbsoluteRange) } else { Ok(When::Absolute(from)) }
        }
        Some(b'`' | b'%') => Ok(When::AtOnce),
        _ => cursor.wrong("an event begins with a time: `0.1`, `+0.1`, `*` or `0.1~0.2`"),
    }
}

fn range(cursor: &mut Cursor<'_>, from: Duration, make: fn(Duration, Duration) -> When) -> Parsed<When> {
    let start = cursor.at();
    let to = cursor.seconds()?;
    if to < from {
        return cursor.wrong_since(start, "this range of times ends before it begins");
    }
    Ok(make(from, to))
}

const fn earliest(when: When) -> Option<Duration> {
    match when {
        When::Absolute(at) | When::Relative(at) => Some(at),
        When::AbsoluteRange(from, _) | When::RelativeRange(from, _) => Some(from),
        When::AtOnce | When::Any => None,
    }
}

#[cfg(test)]
mod tests;
