//! The rest of a packet: its captured bytes, where they start, and how many bytes the wire had.

use super::walk::Halt;
use super::{Layer, NotTcp};

/// The rest of a packet, after the headers that were removed so far.
#[derive(Clone, Copy, Debug)]
pub(super) struct View<'a> {
    /// What was captured.
    pub(super) bytes: &'a [u8],
    /// Where `bytes` starts in the packet.
    pub(super) offset: usize,
    /// How many bytes the wire had; never less than `bytes.len()`.
    pub(super) wire_bytes: usize,
}

impl<'a> View<'a> {
    pub(super) fn new(bytes: &'a [u8], wire_bytes: usize) -> Self {
        View { bytes, offset: 0, wire_bytes: wire_bytes.max(bytes.len()) }
    }

    /// The first `len` bytes, which stay in the view.
    pub(super) fn peek(&self, len: usize, layer: Layer) -> Result<&'a [u8], Halt<'a>> {
        self.bytes.get(..len).ok_or(Halt::NotTcp(if self.wire_bytes < len {
            NotTcp::Malformed(layer)
        } else {
            NotTcp::Cut(layer)
        }))
    }

    /// Removes the first `len` bytes and returns them.
    pub(super) fn take(&mut self, len: usize, layer: Layer) -> Result<&'a [u8], Halt<'a>> {
        let taken = self.peek(len, layer)?;
        self.bytes = &self.bytes[len..];
        self.offset += len;
        self.wire_bytes -= len;
        Ok(taken)
    }

    /// What is behind the first `len` bytes; nothing if the packet ends before.
    pub(super) fn behind(&self, len: usize) -> Option<View<'a>> {
        let wire_bytes = self.wire_bytes.checked_sub(len)?;
        let bytes = self.bytes.get(len..).unwrap_or_default();
        Some(View { bytes, offset: self.offset + len, wire_bytes })
    }

    /// Drops what follows the first `wire_bytes` bytes: padding, trailers.
    pub(super) fn limit(&mut self, wire_bytes: usize) {
        self.wire_bytes = self.wire_bytes.min(wire_bytes);
        self.bytes = &self.bytes[..self.bytes.len().min(wire_bytes)];
    }
}

/// A big-endian number of 16 bits at `at`. The caller has checked that `bytes` is long enough.
pub(super) fn be16(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

/// A big-endian number of 32 bits at `at`. The caller has checked that `bytes` is long enough.
pub(super) fn be32(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

/// A little-endian number of 16 bits at `at`. The caller has checked that `bytes` is long enough.
pub(super) fn le16(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

/// A little-endian number of 32 bits at `at`. The caller has checked that `bytes` is long enough.
pub(super) fn le32(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}
