//! What stands at a side of a comparison: a field, some of its bytes or bits, or a function of it.

use super::field::{Field, Subject, Type};
use super::value::{Value, Values};

/// A field, and what is taken of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Operand {
    pub(super) field: Field,
    pub(super) slice: Option<Slice>,
    pub(super) function: Option<Function>,
    /// Only these bits of a number.
    pub(super) mask: Option<u64>,
}

/// Which bytes: from this one on (from the end if negative), so many at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slice {
    pub(super) start: i64,
    pub(super) len: usize,
}

/// What is said of a field instead of its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    /// The length in bytes.
    Len,
    /// How many values there are.
    Count,
    /// In lower case.
    Lower,
    /// In upper case.
    Upper,
}

impl Function {
    /// The function of this name.
    pub(super) fn named(name: &str) -> Option<Function> {
        match name {
            "len" => Some(Function::Len),
            "count" => Some(Function::Count),
            "lower" => Some(Function::Lower),
            "upper" => Some(Function::Upper),
            _ => None,
        }
    }

    /// The type of what it gives for a field of this type, if it takes one.
    pub(super) fn of(self, kind: Type) -> Option<Type> {
        match (self, kind) {
            (_, Type::Absent) => Some(Type::Absent),
            (Function::Count, _) => Some(Type::Number(u32::BITS)),
            (Function::Len, Type::Text | Type::Name | Type::Bytes | Type::Ethernet | Type::Address) => {
                Some(Type::Number(u32::BITS))
            }
            (Function::Lower | Function::Upper, Type::Text | Type::Name) => Some(Type::Text),
            _ => None,
        }
    }

    fn apply<'a>(self, values: Values<'a>) -> Values<'a> {
        match self {
            Function::Count => match values.iter().count() {
                0 => Values::NONE,
                count => Values::number(count as u32),
            },
            Function::Len => values.map(|value| value.len_bytes().map(|len| Value::Number(len as f64))),
            Function::Lower => values.map(|value| with_text(value, str::to_ascii_lowercase)),
            Function::Upper => values.map(|value| with_text(value, str::to_ascii_uppercase)),
        }
    }
}

fn with_text<'a>(value: Value<'a>, change: impl Fn(&str) -> String) -> Option<Value<'a>> {
    match value {
        Value::Text(text) => Some(Value::Text(change(&text).into())),
        _ => None,
    }
}

impl Slice {
    fn take(self, bytes: &[u8]) -> Option<&[u8]> {
        let start = match usize::try_from(self.start) {
            Ok(start) => start,
            Err(_) => bytes.len().checked_sub(usize::try_from(self.start.unsigned_abs()).ok()?)?,
        };
        let rest = bytes.get(start..).filter(|rest| !rest.is_empty())?;
        Some(&rest[..self.len.min(rest.len())])
    }
}

impl Operand {
    /// What it holds; `Absent` for what no TCP segment has.
    pub(super) fn kind(&self) -> Type {
        let kind = match (self.field.kind(), self.slice) {
            (Type::Ethernet, Some(_)) => Type::Bytes,
            (kind, _) => kind,
        };
        self.function.map_or(kind, |function| function.of(kind).unwrap_or(kind))
    }

    pub(super) fn values<'a>(&self, subject: &Subject<'a>) -> Values<'a> {
        let mut values = self.field.values(subject);
        if let Some(slice) = self.slice {
            values = values.map(|value| match value {
                Value::Bytes(bytes) => slice.take(bytes).map(Value::Bytes),
                _ => None,
            });
        }
        // names of ours are compared without regard to case; the literals are in lower case already
        match self.function {
            None if self.field.kind() == Type::Name => values = Function::Lower.apply(values),
            None => {}
            Some(function) => values = function.apply(values),
        }
        match self.mask {
            None => values,
            Some(mask) => values
                .map(|value| value.as_number().map(|number| Value::Number((number as u64 & mask) as f64))),
        }
    }

    pub(super) fn is_present(&self, subject: &Subject<'_>) -> bool {
        self.values(subject).iter().next().is_some()
    }
}
