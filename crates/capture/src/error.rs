//! Why a capture could not be read, or not to its end, in sentences for the person who has the file.

use crate::Foreign;
use std::{fmt, io};

/// Why reading stopped.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The input itself failed.
    Io(io::Error),
    /// The input has no bytes.
    Empty,
    /// A file of another kind, which is recognized but cannot be read.
    Foreign(Foreign),
    /// A file that is not recognized.
    NotACapture {
        /// The first bytes of the file; zero beyond its end.
        first_bytes: [u8; 4],
    },
    /// A capture file of a version that does not exist yet.
    Version {
        /// The major version found.
        major: u16,
        /// The minor version found.
        minor: u16,
    },
    /// The file is damaged or cut short; everything before the damage was read.
    Damaged(Damage),
}

/// Where a capture file is damaged, and how. Everything before it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Damage {
    /// The number that the damaged packet would have had, counted from 1 as in Wireshark; zero if the
    /// damage is in the file's header.
    pub record: u64,
    /// Where the damaged record starts, in bytes from the start of the (decompressed) file.
    pub offset_bytes: u64,
    /// What is wrong.
    pub what: DamageKind,
}

/// What is wrong with a record.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DamageKind {
    /// The file ends in the middle of it.
    CutShort {
        /// The bytes that the file has of it.
        have_bytes: u64,
        /// The bytes that it should have.
        need_bytes: u64,
    },
    /// It claims to be longer than any packet.
    PacketTooLong {
        /// The length that it claims.
        bytes: u32,
    },
    /// A pcapng block with an impossible length: too small for its kind, not a multiple of 4, or more than
    /// the reader keeps in memory.
    BlockLength {
        /// The kind of the block.
        kind: u32,
        /// The length that it claims.
        bytes: u32,
    },
    /// A pcapng block gives different lengths at its start and its end.
    BlockEnds {
        /// The length at its start.
        first_bytes: u32,
        /// The length at its end.
        last_bytes: u32,
    },
    /// A packet is longer than the pcapng block that holds it.
    PacketOutgrowsBlock {
        /// The length that the packet claims.
        packet_bytes: u32,
        /// The length of the block.
        block_bytes: u32,
    },
    /// A packet of an interface that the file does not describe.
    UnknownInterface {
        /// The interface's number in its section.
        interface: u32,
        /// How many interfaces the section has.
        known: u32,
    },
    /// A section header without the byte order mark.
    ByteOrderMark {
        /// The number in its place.
        found: u32,
    },
    /// A section of an unknown version.
    SectionVersion {
        /// Its major version.
        major: u16,
    },
    /// More interfaces than the reader keeps in memory.
    TooManyInterfaces,
    /// The compressed data around the capture is damaged.
    Compression(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Io(error) => write!(f, "the capture could not be read: {error}"),
            Error::Empty => f.write_str("the capture is empty: it has not even a file header; capture again"),
            Error::Foreign(foreign) => foreign.fmt(f),
            Error::NotACapture { first_bytes: [a, b, c, d] } => write!(
                f,
                "this is not a known capture file (it begins with {a:02x} {b:02x} {c:02x} {d:02x}): \
                 give a pcap or pcapng file, plain or compressed with gzip or zstd"
            ),
            Error::Version { major, minor } => {
                write!(f, "this pcap file has version {major}.{minor}, but only versions 2.x can be read")
            }
            Error::Damaged(damage) => damage.fmt(f),
        }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.offset_bytes;
        match (self.record, &self.what) {
            (0, DamageKind::CutShort { .. }) => write!(f, "the capture is cut short: ")?,
            (0, _) => write!(f, "the capture is damaged: ")?,
            (record, DamageKind::CutShort { .. }) => {
                write!(f, "the capture is cut short in packet {record} (at byte {at}): ")?;
            }
            (record, _) => write!(f, "the capture is damaged at packet {record} (at byte {at}): ")?,
        }
        self.what.fmt(f)?;
        match self.record {
            0 | 1 => f.write_str("; nothing could be read"),
            record => write!(f, "; the {} before it were read", record - 1),
        }
    }
}

impl fmt::Display for DamageKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DamageKind::CutShort { have_bytes, need_bytes } => {
                write!(f, "{have_bytes} of {need_bytes} bytes are there")
            }
            DamageKind::PacketTooLong { bytes } => {
                write!(
                    f,
                    "it claims to have {bytes} bytes, more than the {} of any packet",
                    crate::PACKET_BYTES_MAX
                )
            }
            DamageKind::BlockLength { kind, bytes } => {
                write!(f, "a block of kind {kind:#x} claims to have {bytes} bytes, which is impossible")
            }
            DamageKind::BlockEnds { first_bytes, last_bytes } => {
                write!(
                    f,
                    "a block claims to have {first_bytes} bytes at its start, but {last_bytes} at its end"
                )
            }
            DamageKind::PacketOutgrowsBlock { packet_bytes, block_bytes } => {
                write!(f, "a packet of {packet_bytes} bytes does not fit into its block of {block_bytes}")
            }
            DamageKind::UnknownInterface { interface, known } => {
                write!(f, "it names interface {interface}, but its section describes only {known}")
            }
            DamageKind::ByteOrderMark { found } => {
                write!(f, "a section has {found:#010x} where its byte order mark should be")
            }
            DamageKind::SectionVersion { major } => {
                write!(f, "a section has pcapng version {major}, but only version 1 can be read")
            }
            DamageKind::TooManyInterfaces => f.write_str("it describes more than 65,536 interfaces"),
            DamageKind::Compression(why) => write!(f, "its compressed data is damaged ({why})"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Io(error) => Some(error),
            _ => None,
        }
    }
}

impl std::error::Error for Damage {}
