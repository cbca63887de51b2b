//! System calls: `name(arguments) = result ERRNO (note)`.

use super::cursor::{Cursor, Parsed, is_word};
use crate::ast::{Call, Expr, Member, Operator, Outcome};
use std::time::Duration;

/// How deep structures and arrays may nest. Public scripts stay below ten; the bound keeps the stack.
const DEPTH_MAX: usize = 64;

pub(super) fn call(cursor: &mut Cursor<'_>, until: Option<Duration>) -> Parsed<Call> {
    let name = cursor.word("the name of a system call is expected here")?.to_owned();
    cursor.expect("(", "a system call has its arguments in parentheses")?;
    let (mut arguments, mut spans) = (Vec::new(), Vec::new());
    if !cursor.eat(")")? {
        loop {
            cursor.skip_blanks()?;
            let start = cursor.at();
            arguments.push(item(cursor, 0)?);
            spans.push(cursor.since(start));
            if cursor.eat(")")? {
                break;
            }
            cursor.expect(",", "`,` or `)` is expected here")?;
        }
    }
    cursor.expect("=", "the call's result is missing: `= 0`, `= -1 EAGAIN`, or `= ...`")?;
    let outcome = outcome(cursor)?;
    Ok(Call { until, name, arguments, spans, outcome })
}

/// One value.
pub(super) fn value(cursor: &mut Cursor<'_>) -> Parsed<Expr> {
    expression(cursor, 0)
}

/// A number, or an expression of numbers, as what a name stands for.
pub(super) fn constant(cursor: &mut Cursor<'_>, message: &str) -> Parsed<i128> {
    let start = cursor.at();
    match value(cursor)?.constant() {
        Some(number) => Ok(number.into()),
        None => cursor.wrong_since(start, message),
    }
}

fn outcome(cursor: &mut Cursor<'_>) -> Parsed<Outcome> {
    // No `+`, `-` or `*` here: they begin the next event's time.
    let value = alternatives(cursor, 0, primary)?;
    cursor.skip_blanks()?;
    let word = cursor.peek_word();
    cursor.advance(word.len());
    let errno = (!word.is_empty()).then(|| word.to_owned());
    cursor.skip_blanks()?;
    let mut note = None;
    if cursor.peek() == Some(b'(') {
        let mut depth = 0_usize;
        let closing = cursor.rest().bytes().position(|byte| {
            depth = depth + usize::from(byte == b'(') - usize::from(byte == b')');
            depth == 0
        });
        let Some(end) = closing else {
            return cursor.wrong("the closing `)` of this remark is missing");
        };
        note = cursor.rest().get(1..end).map(str::to_owned);
        cursor.advance(end + 1);
    }
    Ok(Outcome { value, errno, note })
}

type Level = fn(&mut Cursor<'_>, usize) -> Parsed<Expr>;

/// `a | b & c`, where `next` reads the parts.
fn alternatives(cursor: &mut Cursor<'_>, depth: usize, next: Level) -> Parsed<Expr> {
    let mut left = next(cursor, depth)?;
    for _ in 0..TERMS_MAX {
        let operator = if cursor.eat("|")? {
            Operator::Or
        } else if cursor.eat("&")? {
            Operator::And
        } else {
            return Ok(left);
        };
        left = Expr::Binary(operator, Box::new(left), Box::new(next(cursor, depth)?));
    }
    cursor.wrong("this expression has too many terms")
}

/// How many terms an expression may have: a chain becomes a tree as deep as it is long.
const TERMS_MAX: usize = 64;

fn expression(cursor: &mut Cursor<'_>, depth: usize) -> Parsed<Expr> {
    if depth > DEPTH_MAX {
        return cursor.wrong("structures nest too deeply here");
    }
    alternatives(cursor, depth, sum)
}

/// `a + b - c << d`
fn sum(cursor: &mut Cursor<'_>, depth: usize) -> Parsed<Expr> {
    const OPERATORS: [Operator; 4] =
        [Operator::ShiftLeft, Operator::ShiftRight, Operator::Plus, Operator::Minus];
    chain(cursor, depth, &OPERATORS, |cursor, depth| {
        chain(cursor, depth, &[Operator::Times, Operator::Over], primary)
    })
}

fn chain(cursor: &mut Cursor<'_>, depth: usize, operators: &[Operator], next: Level) -> Parsed<Expr> {
    let mut left = next(cursor, depth)?;
    'terms: for _ in 0..TERMS_MAX {
        for operator in operators {
            if cursor.eat(operator.symbol())? {
                left = Expr::Binary(*operator, Box::new(left), Box::new(next(cursor, depth)?));
                continue 'terms;
            }
        }
        return Ok(left);
    }
    cursor.wrong("this expression has too many terms")
}

fn primary(cursor: &mut Cursor<'_>, depth: usize) -> Parsed<Expr> {
    if depth > DEPTH_MAX {
        return cursor.wrong("structures nest too deeply here");
    }
    if cursor.eat("...")? || cursor.eat("?")? {
        return Ok(Expr::Any);
    }
    match cursor.peek() {
        Some(b'"') => text(cursor),
        Some(b'[') => array(cursor, depth),
        Some(b'{') => structure(cursor, depth),
        Some(b'(') => {
            cursor.advance(1);
            let inner = expression(cursor, depth + 1)?;
            cursor.expect(")", "the closing `)` is missing")?;
            Ok(inner)
        }
        Some(b'~') => {
            cursor.advance(1);
            Ok(Expr::Complement(Box::new(primary(cursor, depth + 1)?)))
        }
        Some(b'&') => {
            // `&{...}` as C would write it: the address of a value is the value here.
            cursor.advance(1);
            primary(cursor, depth + 1)
        }
        Some(b'0'..=b'9' | b'-' | b'.' | b':') => number_or_address(cursor),
        Some(byte) if byte.is_ascii_alphabetic() || byte == b'_' => symbol(cursor, depth),
        _ => {
            cursor.wrong("a value is expected here: a number, a symbol, a string, `[...]`, `{...}` or `...`")
        }
    }
}

/// A symbol, a function, or an IPv6 address that begins with a letter.
fn symbol(cursor: &mut Cursor<'_>, depth: usize) -> Parsed<Expr> {
    if let Some(address) = address(cursor) {
        return Ok(address);
    }
    if let Some(value) = cursor.defined(|inner| expression(inner, depth + 1)) {
        return value;
    }
    let name = cursor.word("a symbol is expected here")?.to_owned();
    if cursor.peek() != Some(b'(') {
        return Ok(Expr::Symbol(name));
    }
    cursor.advance(1);
    Ok(Expr::Function(name, list(cursor, ")", depth)?))
}

/// An address without quotes, if one stands here.
fn address(cursor: &mut Cursor<'_>) -> Option<Expr> {
    let rest = cursor.rest();
    let len = rest.bytes().take_while(|byte| is_word(*byte) || matches!(byte, b':' | b'.')).count();
    let text = &rest[..len];
    let parses = text.parse::<std::net::IpAddr>().is_ok();
    parses.then(|| {
        cursor.advance(len);
        Expr::Address(text.to_owned())
    })
}

fn number_or_address(cursor: &mut Cursor<'_>) -> Parsed<Expr> {
    if let Some(address) = address(cursor) {
        return Ok(address);
    }
    let start = cursor.at();
    let rest = cursor.rest();
    let digits = rest.trim_start_matches('-');
    let hex = digits.starts_with("0x") || digits.starts_with("0X");
    let after = digits.trim_start_matches(|c: char| c.is_ascii_digit());
    let fraction = after.starts_with('.') && after[1..].starts_with(|c: char| c.is_ascii_digit());
    if !hex && fraction {
        let negative = rest.starts_with('-');
        cursor.advance(usize::from(negative));
        let value = cursor.seconds()?;
        let Ok(billionths) = i64::try_from(value.as_nanos()) else {
            return cursor.wrong_since(start, "this number is too large");
        };
        return Ok(Expr::Decimal(if negative { -billionths } else { billionths }));
    }
    let value = cursor.integer("a number is expected here")?;
    let negative = value < 0;
    let parsed = match (hex && !negative, u64::try_from(value), i64::try_from(value)) {
        (true, Ok(value), _) => Some(Expr::Hex(value)),
        (_, _, Ok(value)) => Some(Expr::Integer(value)),
        (false, Ok(value), _) => Some(Expr::Hex(value)),
        _ => None,
    };
    parsed.map_or_else(|| cursor.wrong_since(start, "this number does not fit 64 bits"), Ok)
}

/// One or more strings side by side, then perhaps `...`.
fn text(cursor: &mut Cursor<'_>) -> Parsed<Expr> {
    let mut bytes = Vec::new();
    while cursor.peek() == Some(b'"') {
        string(cursor, &mut bytes)?;
        cursor.skip_blanks()?;
    }
    Ok(if cursor.eat("...")? { Expr::TextAndMore(bytes) } else { Expr::Text(bytes) })
}

fn string(cursor: &mut Cursor<'_>, bytes: &mut Vec<u8>) -> Parsed<()> {
    let start = cursor.at();
    cursor.advance(1);
    while let Some(c) = cursor.rest().chars().next() {
        cursor.advance(c.len_utf8());
        match c {
            '"' => return Ok(()),
            '\\' => escape(cursor, bytes)?,
            _ => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    cursor.wrong_since(start, "the closing quote of this string is missing")
}

/// What follows a backslash, as in C.
fn escape(cursor: &mut Cursor<'_>, bytes: &mut Vec<u8>) -> Parsed<()> {
    let Some(c) = cursor.rest().chars().next() else {
        return cursor.wrong("the string ends after a backslash");
    };
    let digits = |radix: u32, skip: usize, most: usize| {
        let digits = cursor.rest().bytes().skip(skip).take(most);
        digits.take_while(|byte| char::from(*byte).is_digit(radix)).count()
    };
    let (len, byte) = match c {
        'n' => (1, b'\n'),
        't' => (1, b'\t'),
        'r' => (1, b'\r'),
        'a' => (1, 7),
        'b' => (1, 8),
        'v' => (1, 11),
        'f' => (1, 12),
        'x' if digits(16, 1, 2) > 0 => {
            let count = digits(16, 1, 2);
            (1 + count, u8::from_str_radix(&cursor.rest()[1..=count], 16).unwrap_or(0))
        }
        '0'..='7' => {
            let count = digits(8, 0, 3);
            (count, u16::from_str_radix(&cursor.rest()[..count], 8).unwrap_or(0) as u8)
        }
        _ => {
            bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            cursor.advance(c.len_utf8());
            return Ok(());
        }
    };
    bytes.push(byte);
    cursor.advance(len);
    Ok(())
}

fn array(cursor: &mut Cursor<'_>, depth: usize) -> Parsed<Expr> {
    cursor.advance(1);
    Ok(Expr::Array(list(cursor, "]", depth)?))
}

/// A value among others; `name = value` alone is a structure of one member.
fn item(cursor: &mut Cursor<'_>, depth: usize) -> Parsed<Expr> {
    let mut ahead = *cursor;
    ahead.skip_blanks()?;
    ahead.advance(ahead.peek_word().len());
    if ahead.at() > cursor.at() && ahead.eat("=")? {
        return Ok(Expr::Struct(vec![member(cursor, depth + 1)?]));
    }
    expression(cursor, depth)
}

/// Values up to `close`; a comma before it is allowed.
fn list(cursor: &mut Cursor<'_>, close: &str, depth: usize) -> Parsed<Vec<Expr>> {
    let mut items = Vec::new();
    while !cursor.eat(close)? {
        items.push(item(cursor, depth + 1)?);
        if !cursor.eat(",")? {
            cursor.expect(
                close,
                if close == ")" { "`,` or `)` is expected here" } else { "`,` or `]` is expected here" },
            )?;
            break;
        }
    }
    Ok(items)
}

/// `{a, name = b, name(2) = c, .name = d}`
fn structure(cursor: &mut Cursor<'_>, depth: usize) -> Parsed<Expr> {
    if let Some(header) = foreign_header(cursor)? {
        return Ok(header);
    }
    cursor.advance(1);
    let mut members = Vec::new();
    while !cursor.eat("}")? {
        members.push(member(cursor, depth + 1)?);
        if !cursor.eat(",")? && !cursor.eat(";")? {
            cursor.expect("}", "`,` or `}` is expected here")?;
            break;
        }
    }
    Ok(Expr::Struct(members))
}

/// `{flags [key present], sum 0, off 0, key = 1, seq 0}` and `{(label 1, tc 0, [S], ttl 64)}`: the headers
/// of GRE and MPLS, which have a grammar of their own. Nobody here looks into them.
fn foreign_header(cursor: &mut Cursor<'_>) -> Parsed<Option<Expr>> {
    let mut ahead = *cursor;
    ahead.advance(1);
    let is_mpls = ahead.eat("(")? && ahead.eat_word("label")?;
    let is_gre = !is_mpls && ahead.eat_word("flags")? && !ahead.eat("=")?;
    let len = ahead.rest().find('}');
    let (Some(len), true) = (len, is_mpls || is_gre) else { return Ok(None) };
    let start = cursor.at();
    ahead.advance(len + 1);
    *cursor = ahead;
    Ok(Some(Expr::Foreign(cursor.text_since(start).to_owned())))
}

fn member(cursor: &mut Cursor<'_>, depth: usize) -> Parsed<Member> {
    cursor.skip_blanks()?;
    // Try `name =`, `name(len) =`, `name:`; anything else is a value without a name.
    let mut ahead = *cursor;
    if !ahead.rest().starts_with("...") {
        ahead.eat(".")?;
    }
    let name = ahead.peek_word();
    if !name.is_empty() && address(&mut ahead.clone()).is_none() {
        ahead.advance(name.len());
        let mut full = name.to_owned();
        while ahead.peek() == Some(b'.') && !ahead.rest().starts_with("...") {
            ahead.advance(1);
            full.push('.');
            full.push_str(ahead.run()?);
        }
        let len = member_len(&mut ahead);
        if ahead.eat("=")? || ahead.eat(":")? {
            *cursor = ahead;
            let value = expression(cursor, depth)?;
            return Ok(Member { name: Some(full), len, value });
        }
    }
    Ok(Member { name: None, len: None, value: expression(cursor, depth)? })
}

/// `(len)` after a member's name: a number, a symbol or `...`. If it does not read as one it is no
/// length, and the caller says so.
fn member_len(cursor: &mut Cursor<'_>) -> Option<Expr> {
    let mut ahead = *cursor;
    if !ahead.eat("(").ok()? {
        return None;
    }
    let len = if ahead.eat("...").ok()? {
        Expr::Any
    } else if ahead.peek_word().is_empty() {
        Expr::Integer(ahead.number("a length is expected here").ok()?)
    } else {
        Expr::Symbol(ahead.run().ok()?.to_owned())
    };
    if !ahead.eat(")").ok()? {
        return None;
    }
    *cursor = ahead;
    Some(len)
}
