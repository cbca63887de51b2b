//! Why a capture could not be read, or not to its end: sentences for the person who has the file.

use std::{fmt, io};

/// Why reading stopped.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The input itself failed.
    Io(io::Error),
    /// There is not a single byte.
    Empty,
    /// A file of another kind, which we know by name but do not read.
    Foreign {
        /// What it is.
        name: &'static str,
        /// What the person can do about it.
        remedy: &'static str,
    },
    /// Nothing that we know.
    NotACapture {
        /// How the file begins.
        first_bytes: [u8; 4],
    },
    /// A capture file of a version that does not exist yet.
    Version {
        /// The major version found.
        major: u16,
        /// The minor version found.
        minor: u16,
    },
    /// The file is good up to here, and no further.
    Damaged(Damage),
}

/// Where a capture file is damaged, and how. Everything before it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Damage {
    /// The number that the damaged packet would have had, counted from 1 as in Wireshark; zero if the
    /// damage is in the file's header.
    pub record: u64,
    /// Where the damaged record starts, in bytes from the start of the (unpacked) file.
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
        /// The bytes that are there.
        have_bytes: u64,
        /// The bytes that it needs.
        need_bytes: u64,
    },
    /// It claims to be longer than any packet is.
    PacketTooLong {
        /// What it claims.
        bytes: u32,
    },
    /// A pcapng block whose length cannot be: too small for its kind, not a multiple of 4, or beyond
    /// what we keep in memory.
    BlockLength {
        /// The kind of the block.
        kind: u32,
        /// The length that it claims.
        bytes: u32,
    },
    /// A pcapng block says two different lengths at its two ends.
    BlockEnds {
        /// The length at its start.
        first_bytes: u32,
        /// The length at its end.
        last_bytes: u32,
    },
    /// A packet is longer than the pcapng block that holds it.
    PacketOutgrowsBlock {
        /// What the packet claims.
        packet_bytes: u32,
        /// The length of the block.
        block_bytes: u32,
    },
    /// A packet of an interface that was never described.
    UnknownInterface {
        /// The interface's number in its section.
        interface: u32,
        /// How many interfaces the section has.
        known: u32,
    },
    /// A section header without the byte order mark that all of them have.
    ByteOrderMark {
        /// What stands in its place.
        found: u32,
    },
    /// A section of a version that we do not know.
    SectionVersion {
        /// Its major version.
        major: u16,
    },
    /// More interfaces than we keep in memory.
    TooManyInterfaces,
    /// The compressed data around the capture is damaged.
    Compression(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Io(error) => write!(f, "the capture could not be read: {error}"),
            Error::Empty => f.write_str("the capture is empty: not even a file header was written"),
            Error::Foreign { name, remedy } => write!(f, "this is {name}, not pcap or pcapng: {remedy}"),
            Error::NotACapture { first_bytes: [a, b, c, d] } => write!(
                f,
                "this is not a capture file that we know (it begins with {a:02x} {b:02x} {c:02x} {d:02x}): \
                 pcap and pcapng are read, plain or packed with gzip or zstd"
            ),
            Error::Version { major, minor } => {
                write!(f, "this pcap file is of version {major}.{minor}; versions 2.x are read")
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
                write!(f, "a block of kind {kind:#x} claims to have {bytes} bytes, which cannot be")
            }
            DamageKind::BlockEnds { first_bytes, last_bytes } => {
                write!(
                    f,
                    "a block says at its start that it has {first_bytes} bytes, at its end {last_bytes}"
                )
            }
            DamageKind::PacketOutgrowsBlock { packet_bytes, block_bytes } => {
                write!(f, "a packet of {packet_bytes} bytes is said to be in a block of {block_bytes}")
            }
            DamageKind::UnknownInterface { interface, known } => {
                write!(f, "it is of interface {interface}, but only {known} were described")
            }
            DamageKind::ByteOrderMark { found } => {
                write!(f, "a section starts with {found:#010x} where the byte order mark should be")
            }
            DamageKind::SectionVersion { major } => {
                write!(f, "a section is of pcapng version {major}; version 1 is read")
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
