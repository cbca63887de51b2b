//! The packetdrill language: read, print, and run against a host in virtual time.
//!
//! A script plays the wire and the peer of a TCP stack: packets that arrive (`<`), packets that must
//! be seen (`>`), the system calls of the application with their results, and when all that happens.
//! [`parse`] reads one.

#![warn(missing_docs)]

pub mod ast;
mod parse;
mod source;

pub use parse::{SOURCE_BYTES_MAX, parse};
pub use source::{Diagnostic, Position, Span};
