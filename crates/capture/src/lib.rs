//! Capture files: written so that Wireshark is at home in them, read whatever tool wrote them.
//!
//! [`Writer`] writes pcapng (nanoseconds, several interfaces, directions, comments) and classic pcap.
//! It takes [`wire::Frame`]s as they cross a link and finishes what the sender had left to the link
//! ([`Finish`]), so that a dissector finds good checksums and, if wanted, no super-segments.
//!
//! This crate opens no file and no device: it is given something to write to or to read from.

#![warn(missing_docs)]

mod decode;
mod error;
mod finish;
mod link_type;
mod meta;
mod reader;
mod writer;

pub use decode::{Decoded, Decoder, Fragment, IcmpError, Ip, Layer, NotTcp, Segment, Vlans, decode};
pub use error::{Damage, DamageKind, Error};
pub use finish::{Checksums, Finish, SuperSegments};
pub use link_type::LinkType;
pub use meta::{Direction, Interface, InterfaceId, PacketInfo, Section};
pub use reader::{CapturedOn, Comments, PACKET_BYTES_MAX, Reader, Record};
pub use writer::{Format, Writer};

// What appears in signatures, so that programs need not name the crates below.
pub use wire;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
