//! Values of fields, literals in filters, and how they compare.

use std::net::IpAddr;

/// One value of a field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value<'a> {
    Number(f64),
    Address(IpAddr),
    Text(&'a str),
    Bytes(&'a [u8]),
}

impl Value<'_> {
    /// The number that it is, or that its text says.
    pub(super) fn as_number(&self) -> Option<f64> {
        match self {
            Value::Number(number) => Some(*number),
            Value::Text(text) => text.parse().ok(),
            _ => None,
        }
    }
}

/// The values of a field in one segment: none, one, or both ends'.
#[derive(Clone, Copy, Debug)]
pub(super) struct Values<'a>([Option<Value<'a>>; 2]);

impl<'a> Values<'a> {
    pub(super) const NONE: Values<'static> = Values([None, None]);

    pub(super) fn one(value: Value<'a>) -> Self {
        Values([Some(value), None])
    }

    pub(super) fn both(first: Value<'a>, second: Value<'a>) -> Self {
        Values([Some(first), Some(second)])
    }

    pub(super) fn number(number: impl Into<f64>) -> Self {
        Values::one(Value::Number(number.into()))
    }

    pub(super) fn maybe(number: Option<f64>) -> Self {
        Values([number.map(Value::Number), None])
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Value<'a>> {
        self.0.iter().flatten()
    }
}

/// What a filter compares with.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Literal {
    Number(f64),
    /// An address, or a network with the length of its prefix.
    Network(IpAddr, u8),
    Text(String),
    Bytes(Vec<u8>),
}

/// How to compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    AtMost,
    Greater,
    AtLeast,
    Contains,
    /// `&`: any of these bits.
    AnyBit,
}

impl Literal {
    /// Whether `value` stands in this relation to the literal.
    pub(super) fn matches(&self, value: &Value<'_>, comparison: Comparison) -> bool {
        match (value, self) {
            (Value::Number(value), Literal::Number(literal)) => compare(*value, *literal, comparison),
            (Value::Address(value), Literal::Network(network, prefix)) => match comparison {
                Comparison::Equal => is_in(*value, *network, *prefix),
                Comparison::Less => value < network,
                Comparison::AtMost => value <= network,
                Comparison::Greater => value > network,
                Comparison::AtLeast => value >= network,
                Comparison::NotEqual | Comparison::Contains | Comparison::AnyBit => false,
            },
            (Value::Text(value), Literal::Text(literal)) => match comparison {
                Comparison::Equal => value.eq_ignore_ascii_case(literal),
                Comparison::Contains => value.to_ascii_lowercase().contains(&literal.to_ascii_lowercase()),
                _ => false,
            },
            (Value::Bytes(value), Literal::Text(literal)) => match comparison {
                Comparison::Contains => contains(value, literal.as_bytes()),
                Comparison::Equal => *value == literal.as_bytes(),
                _ => false,
            },
            (Value::Bytes(value), Literal::Bytes(literal)) => match comparison {
                Comparison::Contains => contains(value, literal),
                Comparison::Equal => value == literal,
                _ => false,
            },
            _ => false,
        }
    }
}

fn compare(value: f64, literal: f64, comparison: Comparison) -> bool {
    match comparison {
        Comparison::Equal => value == literal,
        Comparison::NotEqual => value != literal,
        Comparison::Less => value < literal,
        Comparison::AtMost => value <= literal,
        Comparison::Greater => value > literal,
        Comparison::AtLeast => value >= literal,
        Comparison::AnyBit => value as u64 & literal as u64 != 0,
        Comparison::Contains => false,
    }
}

fn is_in(address: IpAddr, network: IpAddr, prefix: u8) -> bool {
    let (bits, a, n) = match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => {
            (32, u128::from(address.to_bits()), u128::from(network.to_bits()))
        }
        (IpAddr::V6(address), IpAddr::V6(network)) => (128, address.to_bits(), network.to_bits()),
        _ => return false,
    };
    let host_bits = bits - u32::from(prefix).min(bits);
    a.checked_shr(host_bits).unwrap_or(0) == n.checked_shr(host_bits).unwrap_or(0)
}

fn contains(value: &[u8], wanted: &[u8]) -> bool {
    wanted.is_empty() || value.windows(wanted.len()).any(|window| window == wanted)
}
