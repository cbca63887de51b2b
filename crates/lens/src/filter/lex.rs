//! The words of a filter.

use super::FilterError;

/// A word of a filter and where it starts.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub(super) at: usize,
    pub(super) kind: Kind,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    /// A field, a number, an address, a keyword.
    Word(String),
    /// `"..."` or `r"..."`.
    Quoted(Vec<u8>),
    /// `==`, `&&`, `(` ...
    Sign(&'static str),
}

/// Longest first.
const SIGNS: [&str; 24] = [
    "...", "===", "!==", "==", "!=", "~=", "<=", ">=", "&&", "||", "^^", "..", "<", ">", "!", "~", "&", "(",
    ")", "{", "}", "[", "]", ",",
];

/// What people write for something else, and what they mean.
const MEANT: [(char, &str); 5] = [
    ('=', "write == to compare"),
    ('|', "write || or `or`"),
    ('\'', "texts stand in double quotation marks"),
    ('$', "variables and macros of Wireshark are not known here"),
    ('*', "there is no arithmetic here"),
];

/// Splits the text; what is neither word nor sign is an error.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, FilterError> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        if first.is_whitespace() {
            at += first.len_utf8();
        } else if let Some(raw) = rest.strip_prefix("r\"") {
            let end = raw.find('"').ok_or_else(|| never_closed(text, at))?;
            tokens.push(Token { at, kind: Kind::Quoted(raw.as_bytes()[..end].to_vec()) });
            at += end + 3;
        } else if first == '"' {
            let (quoted, len) = quoted(text, at)?;
            tokens.push(Token { at, kind: Kind::Quoted(quoted) });
            at += len;
        } else if let Some(sign) = SIGNS.into_iter().find(|sign| rest.starts_with(sign)) {
            tokens.push(Token { at, kind: Kind::Sign(sign) });
            at += sign.len();
        } else if is_word(first) {
            let len = word_len(rest);
            tokens.push(Token { at, kind: Kind::Word(rest[..len].to_owned()) });
            at += len;
        } else {
            let meant = MEANT.iter().find(|(letter, _)| *letter == first);
            let meant = meant.map_or_else(String::new, |(_, meant)| format!(": {meant}"));
            return Err(FilterError::new(text, at, format!("`{first}` means nothing in a filter{meant}")));
        }
    }
    Ok(tokens)
}

fn is_word(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_' | ':' | '/' | '-' | '+')
}

/// A word ends before `..`, which makes a range.
fn word_len(rest: &str) -> usize {
    let end = rest.find(|letter| !is_word(letter)).unwrap_or(rest.len());
    rest[..end].find("..").filter(|dots| *dots > 0).unwrap_or(end)
}

fn never_closed(text: &str, at: usize) -> FilterError {
    FilterError::new(text, at, "this quotation mark is never closed")
}

/// The bytes between quotation marks, with C's escapes as in Wireshark, and how long it is with them.
fn quoted(text: &str, at: usize) -> Result<(Vec<u8>, usize), FilterError> {
    let bytes = &text.as_bytes()[at..];
    let (mut out, mut next) = (Vec::new(), 1);
    while let Some(&byte) = bytes.get(next) {
        next += 1;
        match byte {
            b'"' => return Ok((out, next)),
            b'\\' => {
                let (meant, len) = escape(&bytes[next..]).ok_or_else(|| {
                    let what = "this escape is unknown: write \\\\ for a backslash, or r\"...\" for a text without escapes";
                    FilterError::new(text, at + next - 1, what)
                })?;
                out.push(meant);
                next += len;
            }
            other => out.push(other),
        }
    }
    Err(never_closed(text, at))
}

/// The byte that an escape stands for, and how long it is after its backslash.
fn escape(rest: &[u8]) -> Option<(u8, usize)> {
    let number = |digits: &[u8], radix| {
        let digits = std::str::from_utf8(digits).ok().filter(|digits| !digits.starts_with('+'))?;
        u8::from_str_radix(digits, radix).ok()
    };
    let simple = match rest.first()? {
        b'x' => return Some((number(rest.get(1..3)?, 16)?, 3)),
        b'0'..=b'7' => return Some((number(rest.get(..3)?, 8)?, 3)),
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'a' => 7,
        b'b' => 8,
        b'v' => 11,
        b'f' => 12,
        quoted @ (b'\\' | b'"' | b'\'') => *quoted,
        _ => return None,
    };
    Some((simple, 1))
}
