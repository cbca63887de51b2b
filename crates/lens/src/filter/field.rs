//! What a name in a filter stands for: a field that we keep, a verdict, or what no TCP segment has.

use super::fields::FIELDS;
pub use super::subject::{Packet, Subject};
use super::unkept;
use super::value::Values;
use crate::Verdicts;

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    /// A whole number of so many bits.
    Number(u32),
    /// Seconds.
    Time,
    Address,
    /// An Ethernet address.
    Ethernet,
    Text,
    /// A name that we gave, of which the case does not matter.
    Name,
    Bytes,
    /// It is there or not.
    Presence,
    /// It is never there, so it may be compared with anything.
    Absent,
}

impl Type {
    /// Whether values of the two can be compared.
    pub(super) fn compares_with(self, other: Type) -> bool {
        let class = |kind| match kind {
            Type::Number(_) | Type::Time => 0,
            Type::Address => 1,
            Type::Text | Type::Name | Type::Bytes | Type::Ethernet => 2,
            Type::Presence | Type::Absent => 3,
        };
        self == Type::Absent || other == Type::Absent || class(self) == class(other)
    }

    /// Whether its values consist of bytes.
    pub(super) fn has_bytes(self) -> bool {
        matches!(self, Type::Text | Type::Name | Type::Bytes | Type::Ethernet | Type::Absent)
    }
}

/// A field by its place in [`FIELDS`], or one of Wireshark's verdicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Listed(usize),
    Verdict(Verdicts),
    /// Of a protocol that does not carry TCP and is not carried by it.
    Absent,
}

/// How a field is read.
pub(super) type Read = for<'a> fn(&Subject<'a>) -> Values<'a>;

const ANALYSIS: &str = "tcp.analysis.";

impl Field {
    /// The field of this name.
    pub(super) fn named(name: &str) -> Option<Field> {
        let listed = || FIELDS.iter().position(|(known, ..)| *known == name).map(Field::Listed);
        let verdict = || name.strip_prefix(ANALYSIS).and_then(Verdicts::from_name).map(Field::Verdict);
        let absent = || unkept::is_never_with_tcp(name).then_some(Field::Absent);
        listed().or_else(verdict).or_else(absent)
    }

    /// Whether its value is known only when the connection is over.
    pub(super) fn is_of_the_end(self) -> bool {
        matches!(self, Field::Listed(index) if FIELDS[index].0.starts_with("tcp.completeness"))
    }

    pub(super) fn kind(self) -> Type {
        match self {
            Field::Listed(index) => FIELDS[index].1,
            Field::Verdict(_) => Type::Presence,
            Field::Absent => Type::Absent,
        }
    }

    pub(super) fn values<'a>(self, subject: &Subject<'a>) -> Values<'a> {
        match self {
            Field::Listed(index) => FIELDS[index].2(subject),
            Field::Verdict(verdict) if subject.analysis.verdicts.contains(verdict) => Values::number(1),
            Field::Verdict(_) | Field::Absent => Values::NONE,
        }
    }
}

/// Why a name is no field of ours, and what to use instead.
pub(super) fn unknown(name: &str) -> String {
    if let Some(advice) = unkept::advice(name) {
        return advice;
    }
    let nearest = nearest(name).map_or_else(String::new, |near| format!(": did you mean {near}?"));
    format!("there is no field `{name}`{nearest}")
}

/// The known name that is nearest to `name`, if one is near at all.
fn nearest(name: &str) -> Option<String> {
    let name = name.to_ascii_lowercase();
    let listed = FIELDS.iter().map(|(known, ..)| (*known).to_owned());
    let verdicts = Verdicts::all_names().map(|verdict| format!("{ANALYSIS}{verdict}"));
    let (distance, nearest) = listed
        .chain(verdicts)
        .map(|known| (distance(&name, &known), known))
        .min_by_key(|(distance, _)| *distance)?;
    (distance <= name.len() / 3 + 1).then_some(nearest)
}
/// How many letters must be changed, put in or left out to make one of the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, letter) in a.chars().enumerate() {
        let mut corner = std::mem::replace(&mut row[0], i + 1);
        for (j, other) in b.iter().enumerate() {
            let changed = corner + usize::from(letter != *other);
            corner = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(corner + 1);
        }
    }
    row[b.len()]
}
