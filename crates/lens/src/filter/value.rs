//! Values of fields, literals in filters, and how they compare.

use super::pattern::Pattern;
use std::borrow::Cow;
use std::cmp::Ordering;
use std::net::IpAddr;

/// One value of a field.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value<'a> {
    Number(f64),
    Address(IpAddr),
    Text(Cow<'a, str>),
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

    /// How many bytes it has.
    pub(super) fn len_bytes(&self) -> Option<usize> {
        match self {
            Value::Number(_) => None,
            Value::Address(IpAddr::V4(_)) => Some(4),
            Value::Address(IpAddr::V6(_)) => Some(16),
            Value::Text(text) => Some(text.len()),
            Value::Bytes(bytes) => Some(bytes.len()),
        }
    }

    /// The same value for the other side of a comparison.
    pub(super) fn to_literal(&self) -> Literal {
        match self {
            Value::Number(number) => Literal::Number(*number),
            Value::Address(address) => Literal::Network(*address, if address.is_ipv4() { 32 } else { 128 }),
            Value::Text(text) => Literal::Bytes(text.as_bytes().to_vec()),
            Value::Bytes(bytes) => Literal::Bytes(bytes.to_vec()),
        }
    }

    fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Value::Text(text) => Some(text.as_bytes()),
            Value::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }
}

/// How many values a field has at most: as many as there are SACK blocks in a header.
const VALUES_MAX: usize = 4;

/// The values of a field in one segment: none, one, both ends' or those of a list.
#[derive(Clone, Debug)]
pub(super) struct Values<'a>([Option<Value<'a>>; VALUES_MAX]);

impl<'a> Values<'a> {
    pub(super) const NONE: Values<'static> = Values([None, None, None, None]);

    pub(super) fn one(value: Value<'a>) -> Self {
        Values([Some(value), None, None, None])
    }

    pub(super) fn both(first: Value<'a>, second: Value<'a>) -> Self {
        Values([Some(first), Some(second), None, None])
    }

    pub(super) fn number(number: impl Into<f64>) -> Self {
        Values::one(Value::Number(number.into()))
    }

    pub(super) fn maybe(number: Option<f64>) -> Self {
        number.map_or(Values::NONE, Values::number)
    }

    pub(super) fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Values::one(Value::Text(text.into()))
    }

    pub(super) fn bytes(bytes: Option<&'a [u8]>) -> Self {
        bytes.map_or(Values::NONE, |bytes| Values::one(Value::Bytes(bytes)))
    }

    /// The first of them, as many as there is room for.
    pub(super) fn of(values: impl Iterator<Item = Value<'a>>) -> Self {
        let mut all = Values::NONE;
        all.0.iter_mut().zip(values).for_each(|(place, value)| *place = Some(value));
        all
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Value<'a>> {
        self.0.iter().flatten()
    }

    /// Each of them changed, without those of which nothing is left.
    pub(super) fn map(self, change: impl Fn(Value<'a>) -> Option<Value<'a>>) -> Self {
        Values::of(self.0.into_iter().flatten().filter_map(change))
    }
}

/// What a filter compares with.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Literal {
    Number(f64),
    /// An address, or a network with the length of its prefix.
    Network(IpAddr, u8),
    Bytes(Vec<u8>),
    Pattern(Pattern),
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
    Matches,
}

impl Comparison {
    /// Whether it holds of two values that stand in this order.
    fn is(self, order: Ordering) -> bool {
        match self {
            Comparison::Equal => order.is_eq(),
            Comparison::NotEqual => order.is_ne(),
            Comparison::Less => order.is_lt(),
            Comparison::AtMost => order.is_le(),
            Comparison::Greater => order.is_gt(),
            Comparison::AtLeast => order.is_ge(),
            Comparison::Contains | Comparison::Matches => false,
        }
    }
}

impl Literal {
    /// Whether `value` stands in this relation to the literal.
    pub(super) fn matches(&self, value: &Value<'_>, comparison: Comparison) -> bool {
        match (value, self) {
            (Value::Number(value), Literal::Number(literal)) => {
                value.partial_cmp(literal).is_some_and(|order| comparison.is(order))
            }
            (Value::Address(value), Literal::Network(network, prefix)) => match comparison {
                Comparison::Equal => is_in(*value, *network, *prefix),
                Comparison::NotEqual => !is_in(*value, *network, *prefix),
                other => other.is(value.cmp(network)),
            },
            (_, Literal::Bytes(literal)) => value.as_bytes().is_some_and(|value| match comparison {
                Comparison::Contains => contains(value, literal),
                other => other.is(value.cmp(literal)),
            }),
            (_, Literal::Pattern(pattern)) => {
                comparison == Comparison::Matches
                    && value.as_bytes().is_some_and(|value| pattern.is_match(value))
            }
            _ => false,
        }
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
