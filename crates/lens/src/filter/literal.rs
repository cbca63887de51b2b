//! The value on the right of a comparison, read as the field on its left needs it.

use super::field::Type;
use super::pattern::Pattern;
use super::value::{Comparison, Literal};
use std::net::IpAddr;

/// A value as it stands in the filter.
#[derive(Clone, Debug)]
pub(super) enum Written {
    Word(String),
    Quoted(Vec<u8>),
}

impl Written {
    fn word(&self) -> &str {
        match self {
            Written::Word(word) => word,
            // a quoted number is none, as in Wireshark
            Written::Quoted(_) => "",
        }
    }

    fn text(self) -> Vec<u8> {
        match self {
            Written::Word(word) => word.into_bytes(),
            Written::Quoted(text) => text,
        }
    }
}

/// The value for a comparison with something of this type.
///
/// # Errors
/// What should stand there instead.
pub(super) fn literal(written: Written, kind: Type, comparison: Comparison) -> Result<Literal, String> {
    if comparison == Comparison::Matches {
        return match written {
            Written::Quoted(text) => Pattern::new(&text).map(Literal::Pattern),
            Written::Word(_) => {
                Err("a regular expression in quotation marks should stand here, such as \"^GET \"".to_owned())
            }
        };
    }
    match kind {
        Type::Number(bits) => number(written.word(), bits),
        Type::Time => match written.word().parse() {
            Ok(seconds) if f64::is_finite(seconds) => Ok(Literal::Number(seconds)),
            _ => Err("a number of seconds should stand here, such as 0.2".to_owned()),
        },
        Type::Address => network(written.word()).ok_or_else(|| {
            "an address should stand here, such as 10.0.0.1, 10.0.0.0/8 or fd00::1; names are not looked up"
                .to_owned()
        }),
        Type::Ethernet => match bytes(written.word()) {
            Some(bytes) if bytes.len() == 6 || comparison == Comparison::Contains => {
                Ok(Literal::Bytes(bytes))
            }
            _ => Err("an Ethernet address should stand here, such as 02:00:00:00:00:01".to_owned()),
        },
        Type::Text | Type::Absent => Ok(Literal::Bytes(written.text())),
        Type::Name => Ok(Literal::Bytes(written.text().to_ascii_lowercase())),
        Type::Bytes => match written {
            Written::Quoted(text) => Ok(Literal::Bytes(text)),
            Written::Word(word) => bytes(&word)
                .map(Literal::Bytes)
                .ok_or_else(|| "bytes should stand here, such as 47:45:54 or \"GET\"".to_owned()),
        },
        Type::Presence => Err("this is there or not: it is not compared with anything".to_owned()),
    }
}

/// A whole number, decimal, octal after 0 or hexadecimal after 0x, that fits in so many bits.
fn number(word: &str, bits: u32) -> Result<Literal, String> {
    let max = u32::MAX >> (32 - bits.clamp(1, 32));
    let number = match word.to_ascii_lowercase().as_str() {
        "true" => Some(1),
        "false" => Some(0),
        word => unsigned(word),
    };
    match number {
        Some(number) if number <= u64::from(max) => Ok(Literal::Number(number as f64)),
        Some(_) => Err(format!("this number is too large for the field: {max} at most")),
        None => Err(format!("a number should stand here, from 0 to {max}")),
    }
}

/// A number as C writes it.
pub(super) fn unsigned(word: &str) -> Option<u64> {
    let (digits, radix) = match word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")) {
        Some(hex) => (hex, 16),
        None if word.len() > 1 && word.starts_with('0') => (&word[1..], 8),
        None => (word, 10),
    };
    u64::from_str_radix(digits, radix).ok().filter(|_| !digits.starts_with('+'))
}

fn network(word: &str) -> Option<Literal> {
    let (address, prefix) = match word.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix.parse::<u8>().ok()?)),
        None => (word, None),
    };
    let address: IpAddr = address.parse().ok()?;
    let bits = if address.is_ipv4() { 32 } else { 128 };
    let prefix = prefix.unwrap_or(bits);
    (prefix <= bits).then_some(Literal::Network(address, prefix))
}

/// `47:45:54`, `47-45-54`, `47.45.54`, `474554`, `0x47`.
fn bytes(word: &str) -> Option<Vec<u8>> {
    let one = |byte: &str| {
        let is_hex = byte.bytes().all(|digit| digit.is_ascii_hexdigit());
        u8::from_str_radix(byte, 16).ok().filter(|_| is_hex && byte.len() <= 2)
    };
    if let Some(hex) = word.strip_prefix("0x") {
        return one(hex).map(|byte| vec![byte]);
    }
    if word.len() > 2 && word.len().is_multiple_of(2) && word.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return (0..word.len()).step_by(2).map(|at| word.get(at..at + 2).and_then(one)).collect();
    }
    word.split([':', '-', '.']).map(one).collect()
}
