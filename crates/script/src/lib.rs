//! The packetdrill language: read, print, and run against a host in virtual time.
//!
//! A script plays the network, the peer and the application of a TCP stack: packets that arrive (`<`),
//! packets that must be seen (`>`), system calls with their results, and the time of each. [`parse`] reads
//! one, [`run`] plays it against a [`stack::Host`] without a device, a privilege or a wait: the same script
//! gives the same packets every time.

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
