//! System calls and their arguments.

use crate::source::Span;
use std::time::Duration;

/// `name(args) = result ERRNO (note)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// `...T`: the call blocks and must return at this time, counted like the event's own.
    pub until: Option<Duration>,
    /// The function's name.
    pub name: String,
    /// Its arguments.
    pub arguments: Vec<Expr>,
    /// Where each argument stands.
    pub spans: Vec<Span>,
    /// What it must return.
    pub outcome: Outcome,
}

/// What a call must return.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The returned value; [`Expr::Any`] is not checked.
    pub value: Expr,
    /// The name of the error.
    pub errno: Option<String>,
    /// The remark in parentheses, not checked.
    pub note: Option<String>,
}

/// An argument or a result.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Expr {
    /// `...`: the runner fills it in, or does not check it.
    Any,
    /// A whole number.
    Integer(i64),
    /// A whole number that was written in hexadecimal.
    Hex(u64),
    /// A decimal fraction, in billionths.
    Decimal(i64),
    /// A symbol: `AF_INET`.
    Symbol(String),
    /// A string of bytes.
    Text(Vec<u8>),
    /// `"abc"...`: a string that begins like this.
    TextAndMore(Vec<u8>),
    /// An address without quotes.
    Address(String),
    /// `htons(8080)`.
    Function(String, Vec<Expr>),
    /// `[a, b]`.
    Array(Vec<Expr>),
    /// `{name = value, ...}`.
    Struct(Vec<Member>),
    /// `a | b`.
    Binary(Operator, Box<Expr>, Box<Expr>),
    /// `~a`.
    Complement(Box<Expr>),
    /// A structure with a grammar of its own, as it was written.
    Foreign(String),
}

/// One member of a structure.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// Its name, if it has one.
    pub name: Option<String>,
    /// The length in parentheses after the name: `msg_iov(1)=`.
    pub len: Option<Expr>,
    /// Its value.
    pub value: Expr,
}

/// An operator between two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Operator {
    /// `|`
    Or,
    /// `&`
    And,
    /// `+`
    Plus,
    /// `-`
    Minus,
    /// `*`
    Times,
    /// `/`
    Over,
    /// `<<`
    ShiftLeft,
    /// `>>`
    ShiftRight,
}

impl Operator {
    /// As it is written.
    pub const fn symbol(self) -> &'static str {
        match self {
            Operator::Or => "|",
            Operator::And => "&",
            Operator::Plus => "+",
            Operator::Minus => "-",
            Operator::Times => "*",
            Operator::Over => "/",
            Operator::ShiftLeft => "<<",
            Operator::ShiftRight => ">>",
        }
    }
}

impl Operator {
    /// The result; `None` where there is none that fits 64 bits.
    pub fn apply(self, left: i64, right: i64) -> Option<i64> {
        match self {
            Operator::Or => Some(left | right),
            Operator::And => Some(left & right),
            Operator::Plus => left.checked_add(right),
            Operator::Minus => left.checked_sub(right),
            Operator::Times => left.checked_mul(right),
            Operator::Over => left.checked_div(right),
            Operator::ShiftLeft => u32::try_from(right).ok().and_then(|bits| left.checked_shl(bits)),
            Operator::ShiftRight => u32::try_from(right).ok().and_then(|bits| left.checked_shr(bits)),
        }
    }
}

impl Expr {
    /// The number that it is, if it is one without symbols.
    pub fn constant(&self) -> Option<i64> {
        match self {
            Expr::Integer(value) => Some(*value),
            Expr::Hex(value) => Some(value.cast_signed()),
            Expr::Complement(inner) => Some(!inner.constant()?),
            Expr::Binary(operator, left, right) => operator.apply(left.constant()?, right.constant()?),
            _ => None,
        }
    }

    /// The named member of a structure.
    pub fn member(&self, name: &str) -> Option<&Expr> {
        match self {
            Expr::Struct(members) => {
                members.iter().find(|member| member.name.as_deref() == Some(name)).map(|member| &member.value)
            }
            _ => None,
        }
    }
}
