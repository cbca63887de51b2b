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
    /// `"..."`.
    Quoted(String),
    /// `==`, `&&`, `(` ...
    Sign(&'static str),
}

/// Longest first.
const SIGNS: [&str; 22] = [
    "...", "===", "!==", "==", "!=", "~=", "<=", ">=", "&&", "||", "^^", "..", "<", ">", "!", "(", ")", "{",
    "}", "[", "]", ",",
];

/// Splits the text; what is neither word nor sign is an error.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, FilterError> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        if first.is_whitespace() {
            at += first.len_utf8();
        } else if first == '"' {
            let (quoted, len) = quoted(rest)
                .ok_or_else(|| FilterError::new(text, at, "this quotation mark is never closed"))?;
            tokens.push(Token { at, kind: Kind::Quoted(quoted) });
            at += len;
        } else if let Some(sign) = SIGNS.into_iter().find(|sign| rest.starts_with(sign)) {
            tokens.push(Token { at, kind: Kind::Sign(sign) });
            at += sign.len();
        } else if first == '&' {
            tokens.push(Token { at, kind: Kind::Sign("&") });
            at += 1;
        } else if is_word(first) {
            let len = word_len(rest);
            tokens.push(Token { at, kind: Kind::Word(rest[..len].to_owned()) });
            at += len;
        } else {
            return Err(FilterError::new(text, at, format!("`{first}` means nothing in a filter")));
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

/// The text between quotation marks, with `\"` and `\\`, and how long it is with them.
fn quoted(rest: &str) -> Option<(String, usize)> {
    let mut out = String::new();
    let mut letters = rest.char_indices().skip(1);
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((out, at + 1)),
            '\\' => out.push(letters.next()?.1),
            other => out.push(other),
        }
    }
    None
}
