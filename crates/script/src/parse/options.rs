//! TCP options: `<mss 1460,sackOK,TS val 1 ecr 0,nop,wscale 7>`.

use super::cursor::{Cursor, Parsed, is_word};
use crate::ast::{AccurateEcn, Counted, OptionList, TcpOption, TsField};

/// The option that a name stands for and needs nothing of us to be read: it can only be skipped.
const UNSUPPORTED: [&str; 12] = [
    "add_address",
    "remove_address",
    "dss",
    "exp",
    "tarr",
    "ao",
    "mpcapable",
    "multipath",
    "cookie",
    "unknown",
    "scps",
    "acc",
];

pub(super) fn options(cursor: &mut Cursor<'_>) -> Parsed<OptionList> {
    cursor.expect("<", "options stand between `<` and `>`")?;
    let mut list = Vec::new();
    loop {
        if cursor.eat(">")? {
            break;
        }
        if cursor.is_done() {
            return cursor.wrong("the closing `>` of the options is missing");
        }
        if cursor.eat(",")? {
            continue;
        }
        list.push(option(cursor)?);
        cursor.skip_blanks()?;
    }
    Ok(if list == [TcpOption::Rest] { OptionList::Any } else { OptionList::List(list) })
}

fn option(cursor: &mut Cursor<'_>) -> Parsed<TcpOption> {
    cursor.skip_blanks()?;
    if cursor.eat("...")? {
        return Ok(TcpOption::Rest);
    }
    let start = cursor.at();
    let name = cursor.word("a TCP option is expected here, such as `mss 1460`, `sackOK` or `nop`")?;
    let dashed = cursor.peek() == Some(b'-') || name.starts_with("mp_") || UNSUPPORTED.contains(&name);
    if dashed {
        return Ok(unsupported(cursor, start));
    }
    Ok(match name.to_ascii_lowercase().as_str() {
        "nop" => TcpOption::Nop,
        "eol" => TcpOption::Eol,
        "mss" => TcpOption::Mss(cursor.number("a segment size of 0 to 65535 is expected here")?),
        "wscale" => TcpOption::WindowScale(cursor.number("a shift count of 0 to 255 is expected here")?),
        "sackok" => TcpOption::SackPermitted,
        "sack" => sack(cursor)?,
        "ts" => timestamps(cursor)?,
        "fo" => TcpOption::FastOpen { cookie: bytes(cursor)?, experimental: false },
        "foexp" => TcpOption::FastOpen { cookie: bytes(cursor)?, experimental: true },
        "md5" => md5(cursor)?,
        "ecn" => TcpOption::AccurateEcn(AccurateEcn { counters: counters(cursor)? }),
        // A name that we do not know: the script is skipped, and says which.
        _ => unsupported(cursor, start),
    })
}

/// Takes the option up to the `,` or `>` that ends it.
fn unsupported(cursor: &mut Cursor<'_>, start: usize) -> TcpOption {
    let mut depth = 0_usize;
    while let Some(byte) = cursor.peek() {
        match byte {
            b'[' | b'(' | b'{' => depth += 1,
            b']' | b')' | b'}' => depth = depth.saturating_sub(1),
            b',' | b'>' if depth == 0 => break,
            _ => {}
        }
        cursor.advance(1);
    }
    let text = cursor.text_since(start).trim_end().to_owned();
    let name = text.split(|c: char| c.is_whitespace() || c == '=').next().unwrap_or("").to_owned();
    TcpOption::Unsupported { name, text }
}

fn sack(cursor: &mut Cursor<'_>) -> Parsed<TcpOption> {
    let mut blocks = Vec::new();
    loop {
        cursor.skip_blanks()?;
        let number = cursor.peek().is_some_and(|byte| byte.is_ascii_digit() || byte == b'-');
        if !number && cursor.peek_defined().is_none() {
            break;
        }
        let start = cursor.at();
        let left = cursor.seq("the left edge of a SACK block is expected here")?;
        cursor.expect(":", "`:` is expected between the edges of a SACK block: `1:1001`")?;
        blocks.push((left, cursor.seq("the right edge of a SACK block is expected here")?));
        if blocks.len() > 4 {
            return cursor.wrong_since(start, "no more than four SACK blocks fit a header");
        }
    }
    Ok(TcpOption::Sack(blocks))
}

fn timestamps(cursor: &mut Cursor<'_>) -> Parsed<TcpOption> {
    if !cursor.eat_word("val")? {
        return cursor.wrong("`val` is expected here: `TS val 1 ecr 0`");
    }
    let value = timestamp(cursor)?;
    if !cursor.eat_word("ecr")? {
        return cursor.wrong("`ecr` is expected here: `TS val 1 ecr 0`");
    }
    let echo = timestamp(cursor)?;
    let echo_counted = if cursor.eat("!")? { Counted::FromZero } else { Counted::FromInitial };
    Ok(TcpOption::Timestamps { value, echo, echo_counted })
}

fn timestamp(cursor: &mut Cursor<'_>) -> Parsed<TsField> {
    if cursor.eat("...")? {
        Ok(None)
    } else {
        Ok(Some(cursor.seq("a timestamp of 32 bits is expected here")?))
    }
}

/// Bytes in hexadecimal, or none.
fn bytes(cursor: &mut Cursor<'_>) -> Parsed<Vec<u8>> {
    cursor.skip_blanks()?;
    if let Some(defined) = cursor.defined(bytes) {
        return defined;
    }
    let start = cursor.at();
    let quoted = cursor.eat("\"")?;
    let run = cursor.run()?;
    let digits = run.strip_prefix("0x").unwrap_or(run);
    let pairs = digits.as_bytes().chunks(2);
    let parsed: Option<Vec<u8>> = pairs
        .map(|pair| {
            std::str::from_utf8(pair)
                .ok()
                .filter(|p| p.len() == 2)
                .and_then(|p| u8::from_str_radix(p, 16).ok())
        })
        .collect();
    if quoted {
        cursor.expect("\"", "the closing quote is missing")?;
    }
    match parsed {
        Some(bytes) => Ok(bytes),
        None => cursor.wrong_since(start, "bytes are written as pairs of hexadecimal digits"),
    }
}

/// `md5`, `md5 hex`, or a word such as `valid`, which says nothing about the bytes.
fn md5(cursor: &mut Cursor<'_>) -> Parsed<TcpOption> {
    cursor.skip_blanks()?;
    if cursor.eat("...")? {
        return Ok(TcpOption::Md5(None));
    }
    let start = cursor.at();
    let run = cursor.rest().bytes().take_while(|byte| is_word(*byte)).count();
    let text = &cursor.rest()[..run];
    if cursor.peek_defined().is_none()
        && !text.is_empty()
        && !text.bytes().all(|byte| byte.is_ascii_hexdigit())
    {
        cursor.advance(run);
        return Ok(TcpOption::Unsupported {
            name: "md5".to_owned(),
            text: format!("md5 {}", cursor.text_since(start)),
        });
    }
    let digest = bytes(cursor)?;
    Ok(TcpOption::Md5((!digest.is_empty()).then_some(digest)))
}

fn counters(cursor: &mut Cursor<'_>) -> Parsed<Vec<(String, u32)>> {
    let mut counters = Vec::new();
    loop {
        cursor.skip_blanks()?;
        let name = cursor.peek_word();
        if !matches!(name, "e0b" | "ceb" | "e1b") {
            return Ok(counters);
        }
        if counters.len() == 3 {
            return cursor.wrong("an AccECN option has three counters: e0b, ceb and e1b");
        }
        cursor.advance(name.len());
        counters.push((name.to_owned(), cursor.number("a counter of 24 bits is expected here")?));
    }
}
