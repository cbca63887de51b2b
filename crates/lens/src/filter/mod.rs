//! Display filters in Wireshark's syntax: which segments somebody wants to see.
//!
//! `tcp.port == 80 && !tcp.analysis.retransmission`, with the field names that Wireshark has and a few
//! of our own (`synfin.state`, `synfin.why`). [`Filter::parse`] reads the text and says where it goes
//! wrong; [`Filter::holds`] asks one segment. Comparisons follow Wireshark 4: a field that occurs twice
//! (`ip.addr`) satisfies `==` if one of its values does, and `!=` only if none equals.

mod field;
mod lex;
mod parse;
#[cfg(test)]
mod tests;
mod value;

pub use field::Subject;

use field::Field;
use std::fmt;
use value::{Comparison, Literal};

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
    Present(Field),
    Compare(Field, Comparison, Literal),
    In(Field, Vec<(Literal, Option<Literal>)>),
    Not(Box<Node>),
    And(Box<Node>, Box<Node>),
    Or(Box<Node>, Box<Node>),
    Xor(Box<Node>, Box<Node>),
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

    /// Whether a segment is one of those that are wanted.
    pub fn holds(&self, subject: &Subject<'_>) -> bool {
        self.root.holds(subject)
    }
}

impl Node {
    fn holds(&self, subject: &Subject<'_>) -> bool {
        match self {
            Node::Present(field) => field.is_present(subject),
            Node::Compare(field, comparison, literal) => {
                let values = field.values(subject);
                match comparison {
                    // Wireshark 4: "all not equal", so that `ip.addr != x` means "x is not part of it".
                    Comparison::NotEqual => {
                        values.iter().next().is_some()
                            && values.iter().all(|value| !literal.matches(value, Comparison::Equal))
                    }
                    other => values.iter().any(|value| literal.matches(value, *other)),
                }
            }
            Node::In(field, ranges) => field.values(subject).iter().any(|value| {
                ranges.iter().any(|(low, high)| match high {
                    None => low.matches(value, Comparison::Equal),
                    Some(high) => {
                        low.matches(value, Comparison::AtLeast) && high.matches(value, Comparison::AtMost)
                    }
                })
            }),
            Node::Not(node) => !node.holds(subject),
            Node::And(left, right) => left.holds(subject) && right.holds(subject),
            Node::Or(left, right) => left.holds(subject) || right.holds(subject),
            Node::Xor(left, right) => left.holds(subject) != right.holds(subject),
        }
    }
}
