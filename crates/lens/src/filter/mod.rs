//! Display filters in Wireshark's syntax: which segments somebody wants to see.
//!
//! `tcp.port == 80 && !tcp.analysis.retransmission`, with the field names that Wireshark has and a few
//! of our own (`synfin.state`, `synfin.why`). [`Filter::parse`] reads the text and says where it goes
//! wrong; [`Filter::holds`] asks one segment. Comparisons follow Wireshark 4: of a field that occurs twice
//! (`ip.addr`), one value has to satisfy `==`, and each has to satisfy `!=`; `any` and `all` before the
//! field say otherwise. `tcp.completeness` is known at the end only: who can read a capture twice hands the
//! final value in ([`Filter::looks_ahead`]), else it is that up to the segment.
//!
//! What is *not* here: other protocols. Those that no TCP segment has are false; those over TCP are
//! recognised by their first bytes (HTTP/1) or refused with what to use instead. Of a packet in a tunnel
//! only the innermost headers count, so `udp` is false of TCP in VXLAN, where Wireshark says true.

mod field;
mod fields;
mod http;
mod lex;
mod literal;
mod operand;
mod parse;
mod pattern;
mod subject;
#[cfg(test)]
mod tests;
mod unkept;
mod value;

pub use field::{Packet, Subject};

use operand::Operand;
use std::fmt;
use value::{Comparison, Literal, Value};

/// A filter that was understood.
///
/// ```
/// use synfin_lens::Filter;
/// assert!(Filter::parse("ip.addr == 10.0.0.0/8 and tcp.flags.syn == 1").is_ok());
/// let error = Filter::parse("tcp.analysis.retransmision").unwrap_err();
/// assert!(error.to_string().contains("tcp.analysis.retransmission"), "{error}");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Filter {
    root: Node,
}

/// One operation of a filter.
#[derive(Clone, Debug, PartialEq)]
enum Node {
    Present(Operand),
    Compare(Operand, Quantifier, Comparison, Right),
    In(Operand, Quantifier, Vec<(Literal, Option<Literal>)>),
    Not(Box<Node>),
    And(Box<Node>, Box<Node>),
    Or(Box<Node>, Box<Node>),
    Xor(Box<Node>, Box<Node>),
}

/// Which of the values of a field have to satisfy a comparison; none never do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quantifier {
    Any,
    All,
}

impl Quantifier {
    fn holds<T>(self, values: impl Iterator<Item = T>, of: impl FnMut(T) -> bool) -> bool {
        let mut values = values.peekable();
        match self {
            Quantifier::Any => values.any(of),
            Quantifier::All => values.peek().is_some() && values.all(of),
        }
    }
}

/// The right side of a comparison.
#[derive(Clone, Debug, PartialEq)]
enum Right {
    Literal(Literal),
    Operand(Operand),
}

impl Right {
    /// Whether `value` stands in this relation to it.
    fn satisfies(
        &self,
        value: &Value<'_>,
        quantifier: Quantifier,
        comparison: Comparison,
        subject: &Subject<'_>,
    ) -> bool {
        match self {
            Right::Literal(literal) => literal.matches(value, comparison),
            Right::Operand(operand) => quantifier
                .holds(operand.values(subject).iter(), |right| right.to_literal().matches(value, comparison)),
        }
    }
}

/// What is wrong with a filter, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterError {
    text: String,
    at: usize,
    what: String,
}

impl FilterError {
    fn new(text: &str, at: usize, what: impl Into<String>) -> Self {
        FilterError { text: text.to_owned(), at, what: what.into() }
    }
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let column = self.text.get(..self.at).map_or(self.at, |before| before.chars().count());
        write!(f, "{}\n  {}\n  {:column$}^", self.what, self.text, "")
    }
}

impl std::error::Error for FilterError {}

impl Filter {
    /// Reads a filter.
    ///
    /// # Errors
    /// What is wrong with it and where, with the nearest known field for an unknown one.
    pub fn parse(text: &str) -> Result<Filter, FilterError> {
        parse::parse(text).map(|root| Filter { root })
    }

    /// Whether it asks for `tcp.completeness`, of which only the end of a connection decides.
    ///
    /// Wireshark reads a capture twice to show it. To do the same, put each connection's
    /// [`completeness`](crate::Connection::completeness) into the [`Analysis`](crate::Analysis) of its
    /// segments, which has that up to the segment.
    pub fn looks_ahead(&self) -> bool {
        self.root.looks_ahead()
    }

    /// Whether a segment is one of those that are wanted.
    pub fn holds(&self, subject: &Subject<'_>) -> bool {
        self.root.holds(subject)
    }
}

impl Node {
    fn looks_ahead(&self) -> bool {
        match self {
            Node::Present(_) => false,
            Node::Compare(left, _, _, Right::Operand(right)) => {
                left.field.is_of_the_end() || right.field.is_of_the_end()
            }
            Node::Compare(operand, ..) | Node::In(operand, ..) => operand.field.is_of_the_end(),
            Node::Not(node) => node.looks_ahead(),
            Node::And(left, right) | Node::Or(left, right) | Node::Xor(left, right) => {
                left.looks_ahead() || right.looks_ahead()
            }
        }
    }

    fn holds(&self, subject: &Subject<'_>) -> bool {
        match self {
            Node::Present(operand) => operand.is_present(subject),
            Node::Compare(operand, quantifier, comparison, right) => quantifier
                .holds(operand.values(subject).iter(), |value| {
                    right.satisfies(value, *quantifier, *comparison, subject)
                }),
            Node::In(operand, quantifier, ranges) => {
                quantifier.holds(operand.values(subject).iter(), |value| {
                    ranges.iter().any(|(low, high)| match high {
                        None => low.matches(value, Comparison::Equal),
                        Some(high) => {
                            low.matches(value, Comparison::AtLeast) && high.matches(value, Comparison::AtMost)
                        }
                    })
                })
            }
            Node::Not(node) => !node.holds(subject),
            Node::And(left, right) => left.holds(subject) && right.holds(subject),
            Node::Or(left, right) => left.holds(subject) || right.holds(subject),
            Node::Xor(left, right) => left.holds(subject) != right.holds(subject),
        }
    }
}
