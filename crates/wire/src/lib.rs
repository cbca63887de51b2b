//! Bytes to headers and back, for every layer that synfin speaks.
//!
//! Parsers take a slice and return a checked value or say what is wrong; emitters write into a slice
//! that the caller sized. No I/O, no clock, no allocation while parsing, no `unsafe`.
//!
//! | layer | module |
//! | --- | --- |
//! | link | [`ethernet`], [`arp`], [`virtio`] |
//! | network | [`ipv4`], [`ipv6`], [`icmp`] |
//! | transport | [`tcp`], [`udp`] |
//! | what crosses a link | [`Frame`], [`Payload`], [`checksum`], [`segmentation`] |
//! | points in time, for every room above | [`Instant`] |

#![no_std]
#![warn(missing_docs)]

extern crate alloc;
#[cfg(test)]
extern crate std;

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
