//! The TCP header and its options (RFC 9293 §3.1, RFC 7323, RFC 2018, RFC 7413).
//!
//! [`Header`] is the value; [`Header::parse`] and [`Header::emit`] convert it from and to bytes.
//! Unknown options are skipped (MUST-6), malformed ones end the list (MUST-7). What is *not* here:
//! checksums; see [`checksum`](crate::checksum).

mod flags;
mod header;
mod layout;
mod options;
#[cfg(test)]
mod tests;

pub use flags::Flags;
pub use header::{CHECKSUM_OFFSET, HEADER_BYTES_MAX, HEADER_BYTES_MIN, Header};
pub use layout::OptionLayout;
pub use options::{
    AccurateEcn, FastOpenCookie, MalformedOption, Options, RawOption, RawOptions, SackBlock, SackBlocks,
    Timestamps, kind,
};
