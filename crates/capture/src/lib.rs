//! Capture files: written so that Wireshark shows all that they hold, and read from any tool.
//!
//! [`Writer`] writes pcapng (nanoseconds, several interfaces, directions, comments) and classic pcap.
//! It takes [`wire::Frame`]s as they cross a link and completes the work that the sender left to the link
//! ([`Finish`]), so that a dissector finds good checksums and, if requested, no super-segments.
//!
//! This crate opens no file and no device: the caller passes in what to write to or to read from.

#![warn(missing_docs)]

mod annotator;
mod decode;
mod error;
mod finish;
mod foreign;
mod link_type;
mod meta;
mod reader;
mod writer;

pub use annotator::Annotator;
pub use decode::{Decoded, Decoder, Fragment, IcmpError, Ip, Layer, NotTcp, Segment, Unread, Vlans, decode};
pub use error::{Damage, DamageKind, Error};
pub use finish::{Checksums, Finish, SuperSegments};
pub use foreign::{Foreign, Remedy};
pub use link_type::LinkType;
pub use meta::{Direction, Interface, InterfaceId, PacketInfo, Section};
pub use reader::{Block, Comments, InterfaceDescription, KeptPiece, PACKET_BYTES_MAX, Piece, Reader, Record};
pub use writer::{Format, Writer};

// What appears in signatures, so that programs need not name the crates below.
pub use wire;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
