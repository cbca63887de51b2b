//! `#ifdef NAME`, `#ifndef NAME`, `#else`, `#endif`: which lines of a script count.
//!
//! Lines that do not count become blanks of the same length, so that every place keeps its number. All other
//! lines that begin with `#` are comments, and none of this module's.

use super::cursor::{Wrong, is_word};
use super::defines::Defines;
use crate::ast::OptionLine;
use crate::source::Span;
use std::borrow::Cow;

/// One `#ifdef` that has not ended.
struct Open {
    /// Where it stands.
    span: Span,
    /// Lines count here; lines around it may not.
    counts: bool,
    in_else: bool,
}

/// A line of a script that says which lines count.
enum Directive<'s> {
    If { name: &'s str, wanted: bool },
    Else,
    End,
}

fn directive(line: &str) -> Option<Directive<'_>> {
    let line = line.trim_start().strip_prefix('#')?;
    let len = line.bytes().take_while(|byte| is_word(*byte)).count();
    let name = line[len..].split_whitespace().next().unwrap_or("");
    match &line[..len] {
        "ifdef" => Some(Directive::If { name, wanted: true }),
        "ifndef" => Some(Directive::If { name, wanted: false }),
        "else" => Some(Directive::Else),
        "endif" => Some(Directive::End),
        _ => None,
    }
}

/// Whether a script has lines that count only under a condition.
pub(crate) fn has_conditions(source: &str) -> bool {
    source.contains('#') && source.lines().any(|line| directive(line).is_some())
}

/// The source without the lines that do not count.
///
/// # Errors
/// A directive without its partner, and where it stands.
pub(super) fn without_excluded<'s>(
    source: &'s str,
    given: &[(String, String)],
) -> Result<Cow<'s, str>, Wrong> {
    if !has_conditions(source) {
        return Ok(Cow::Borrowed(source));
    }
    let mut defines = Defines::new(given);
    let (mut kept, mut open, mut at) = (String::with_capacity(source.len()), Vec::<Open>::new(), 0);
    for line in source.split_inclusive('\n') {
        let text = line.trim_end_matches(['\n', '\r']);
        let span = Span::new(at, at + text.len());
        at += line.len();
        let wrong = |message: &str| Err(Wrong { span, message: message.to_owned() });
        match directive(text) {
            Some(Directive::If { name: "", .. }) => return wrong("the name of this condition is missing"),
            Some(Directive::If { name, wanted }) => {
                open.push(Open { span, counts: defines.value(name).is_some() == wanted, in_else: false });
            }
            Some(Directive::Else) => match open.last_mut() {
                Some(last) if !last.in_else => (last.counts, last.in_else) = (!last.counts, true),
                _ => return wrong("this `#else` belongs to no `#ifdef`"),
            },
            Some(Directive::End) if open.pop().is_none() => {
                return wrong("this `#endif` belongs to no `#ifdef`");
            }
            Some(Directive::End) => {}
            None if open.iter().all(|open| open.counts) => {
                learn(text, &mut defines);
                kept.push_str(line);
                continue;
            }
            None => {}
        }
        kept.extend(text.bytes().map(|_| ' '));
        kept.push_str(&line[text.len()..]);
    }
    match open.pop() {
        None => Ok(Cow::Owned(kept)),
        Some(open) => {
            Err(Wrong { span: open.span, message: "the `#endif` of this condition is missing".to_owned() })
        }
    }
}

/// Options that define a name before a condition asks for it.
fn learn(line: &str, defines: &mut Defines) {
    let mut rest = line.trim_start();
    while let Some(after) = rest.strip_prefix("--") {
        let word = after.split_whitespace().next().unwrap_or("");
        let (name, value) = word.split_once('=').unwrap_or((word, ""));
        let value = Some(value.trim_matches(['"', '\'']).to_owned());
        defines.learn(&OptionLine { name: name.to_owned(), value, span: Span::default() });
        rest = after[word.len()..].trim_start();
    }
}
