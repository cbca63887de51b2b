//! Why bytes are not the packet they claim to be.
//!
//! One small vocabulary for every parser, so that a host can count bad packets by reason.

use core::fmt;

/// Why a parser refused its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Error {
    /// The bytes end before the header does.
    Truncated {
        /// How many bytes the header needs, as far as is known.
        needed_bytes: usize,
        /// How many there are.
        available_bytes: usize,
    },
    /// The version field names another protocol.
    Version {
        /// What stands in the field.
        found: u8,
    },
    /// The header-length field is smaller than the smallest header.
    HeaderLength {
        /// What the field says, in bytes.
        found_bytes: usize,
    },
    /// A length field contradicts the packet around it.
    Length {
        /// What the field says, in bytes.
        claimed_bytes: usize,
        /// How many bytes there are.
        available_bytes: usize,
    },
    /// More headers in a row than any legitimate packet has.
    TooManyHeaders,
    /// A field that must have one value has another.
    Unsupported {
        /// Which field, in words.
        what: &'static str,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Error::Truncated { needed_bytes, available_bytes } => {
                write!(f, "the header needs {needed_bytes} bytes, the packet has {available_bytes}")
            }
            Error::Version { found } => write!(f, "the IP version is {found}"),
            Error::HeaderLength { found_bytes } => {
                write!(f, "the header says it is {found_bytes} bytes long, which is too short")
            }
            Error::Length { claimed_bytes, available_bytes } => {
                write!(f, "the packet says it has {claimed_bytes} bytes, but {available_bytes} are there")
            }
            Error::TooManyHeaders => f.write_str("the packet has too many extension headers"),
            Error::Unsupported { what } => write!(f, "{what} is not what this protocol allows"),
        }
    }
}

impl core::error::Error for Error {}

/// The first `N` bytes from `start` on, or what is missing.
pub(crate) fn take<const N: usize>(bytes: &[u8], start: usize) -> Result<&[u8; N], Error> {
    bytes
        .get(start..)
        .and_then(<[u8]>::first_chunk)
        .ok_or(Error::Truncated { needed_bytes: start + N, available_bytes: bytes.len() })
}
