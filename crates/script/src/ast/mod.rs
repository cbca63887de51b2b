//! What a script says, as values.
//!
//! A script is options and events; an event is a time and a packet, a system call, a command or a
//! block of code. Printing a value ([`std::fmt::Display`]) gives the language back. What is *not*
//! here: what any of it means for a stack; that is the runner's.

mod call;
mod display;
mod packet;
mod traffic_class;

pub use call::{Call, Expr, Member, Operator, Outcome};
pub use packet::{
    AccurateEcn, Body, Counted, Direction, Ecn, Field, FlagsWord, IcmpPacket, IpInfo, OptionList, Packet,
    Ports, Quoted, SeqRange, TcpOption, TcpPacket, TsField,
};

pub(crate) use traffic_class::traffic_class;

use crate::source::Span;
use std::time::Duration;

/// A whole script.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Script {
    /// The lines `--name=value`, in order, wherever they stood.
    pub options: Vec<OptionLine>,
    /// The events, in order.
    pub events: Vec<Event>,
}

impl Script {
    /// The value of the last option of that name; an option without a value has an empty one.
    pub fn option(&self, name: &str) -> Option<&str> {
        let line = self.options.iter().rev().find(|line| line.name == name)?;
        Some(line.value.as_deref().unwrap_or(""))
    }
}

/// `--name=value`.
#[derive(Clone, Debug, PartialEq)]
pub struct OptionLine {
    /// The name without its dashes.
    pub name: String,
    /// The value, quotes removed.
    pub value: Option<String>,
    /// Where it stands.
    pub span: Span,
}

/// Something that happens, and when.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// When.
    pub when: When,
    /// What.
    pub what: What,
    /// Where it stands.
    pub span: Span,
}

/// When an event happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum When {
    /// No time was written (commands before the first event): at once.
    AtOnce,
    /// `0.1`: that long after the script's start.
    Absolute(Duration),
    /// `+0.1`: that long after the previous event.
    Relative(Duration),
    /// `*`: at any time.
    Any,
    /// `0.1~0.2`: between these times after the start.
    AbsoluteRange(Duration, Duration),
    /// `+0.1~+0.2`: between these times after the previous event.
    RelativeRange(Duration, Duration),
}

/// What happens.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum What {
    /// A packet arrives or must be seen.
    Packet(Packet),
    /// The application asks for something.
    Call(Call),
    /// A command in backquotes.
    Command(String),
    /// A block of Python.
    Code(String),
}
