//! Bytes to headers and back, for every layer that synfin speaks.
//!
//! Parsers take a slice and return a checked value or say what is wrong; emitters write into a slice
//! that the caller sized. No I/O, no clock, no allocation while parsing, no `unsafe`.
//!
//! | layer | module |
//! | --- | --- |
//! | link | [`ethernet`], [`arp`], [`ppp`], [`virtio`] |
//! | network | [`ipv4`], [`ipv6`], [`icmp`] |
//! | transport | [`tcp`], [`udp`] |
//! | what crosses a link | [`Frame`], [`Payload`], [`checksum`], [`segmentation`] |
//! | points in time, for every room above | [`Instant`] |

#![no_std]
#![warn(missing_docs)]

extern crate alloc;
#[cfg(test)]
extern crate std;

/// Constants for the assigned numbers of a registry, and `name`, which gives the name of a number. A number that has
/// only a name is one that synfin tells a person about and does not read.
macro_rules! numbers {
    ($kind:ty: $($(#[doc = $doc:literal])+ $constant:ident = $number:literal, $name:literal;)* $(also: $($other:literal, $words:literal;)*)?) => {
        $($(#[doc = $doc])+ pub const $constant: $kind = $number;)*

        /// The usual name of a number, if it is known here.
        pub const fn name(number: $kind) -> Option<&'static str> {
            match number {
                $($number => Some($name),)*
                $($($other => Some($words),)*)?
                _ => None,
            }
        }
    };
}

pub mod arp;
pub mod checksum;
mod error;
pub mod ethernet;
pub mod frame;
pub mod icmp;
pub mod ip;
pub mod ipv4;
pub mod ipv6;
mod payload;
pub mod ppp;
pub mod segmentation;
mod seq;
pub mod tcp;
mod time;
pub mod udp;
pub mod virtio;
mod words;

pub use error::Error;
pub use frame::{Checksum, Frame, Head, LinkCapabilities, Medium, Offload, TransmitChecksum};
pub use payload::Payload;
pub use seq::Seq;
pub use time::Instant;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
