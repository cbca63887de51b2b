//! The packetdrill language: read, print, and run against a host in virtual time.
//!
//! A script plays the wire and the peer of a TCP stack: packets that arrive (`<`), packets that must
//! be seen (`>`), the system calls of the application with their results, and when all that happens.
//! [`parse`] reads one, [`run`] plays it against a [`stack::Host`] without a device, a privilege or a
//! wait: the same script gives the same packets every time.

#![warn(missing_docs)]

pub mod ast;
mod parse;
mod run;
mod source;

pub use parse::{SOURCE_BYTES_MAX, parse, parse_with};
pub use run::{
    Failure, IpVersion, MakeHost, Outcome, Recorded, Rigour, Run, RunOptions, Rung, Segments, check_script,
    habits_of, host, run, run_on, run_recorded,
};
pub use source::{Diagnostic, Position, Span};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
