//! An arriving IP packet whose headers have been read, as offsets into the frame: nothing is copied or moved.

use crate::flow::Address;
use crate::interface::InterfaceId;
use bytes::{Buf, Bytes};
use wire::ip::Ecn;
use wire::{Frame, Payload};

/// To how many hosts a packet was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cast {
    /// To us alone.
    Unicast,
    /// To all hosts on the link or network, by its IP address or its link address.
    Broadcast,
    /// To a group.
    Multicast,
}

/// What the IP header of a packet says, and where things are in the frame.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PacketFacts {
    pub(crate) arrival: InterfaceId,
    pub(crate) source: Address,
    pub(crate) destination: Address,
    pub(crate) cast: Cast,
    pub(crate) protocol: u8,
    pub(crate) hop_limit: u8,
    pub(crate) ecn: Ecn,
    /// Where the IP header starts, in bytes from the start of the frame.
    pub(crate) ip_at: usize,
    /// Where the transport header starts.
    pub(crate) transport_at: usize,
    /// Where the packet ends; after it there may be padding of the link.
    pub(crate) end_at: usize,
    /// Where the byte is that names the transport protocol, in bytes from the start of the IP header.
    pub(crate) named_at: usize,
}

/// The headers of smaller frames may be as long as their text.
const SMALL_FRAME_BYTES: usize = 512;

/// An arriving packet: the frame it came in, and what its header says.
#[derive(Debug)]
pub(crate) struct Packet<'a> {
    pub(crate) frame: &'a mut Frame,
    pub(crate) facts: PacketFacts,
}

impl core::ops::Deref for Packet<'_> {
    type Target = PacketFacts;
    fn deref(&self) -> &PacketFacts {
        &self.facts
    }
}

/// The first contiguous bytes of a frame: its head, or all of it.
pub(crate) fn first_bytes(frame: &Frame) -> &[u8] {
    match frame.head.as_slice() {
        [] => frame.payload.contiguous().map_or(&[], |bytes| bytes),
        head => head,
    }
}

/// Whether a frame is in one piece.
pub(crate) fn is_flat(frame: &Frame) -> bool {
    frame.head.as_slice().is_empty() && frame.payload.contiguous().is_some()
}

/// Copies the frame into one piece, unless it is in one piece already.
#[inline(never)]
pub(crate) fn flatten(frame: &mut Frame) {
    if !is_flat(frame) {
        let offload = frame.offload;
        *frame = Frame { offload, ..Frame::from_bytes(Bytes::from(frame.to_vec())) };
    }
}

impl Packet<'_> {
    /// The transport header and, in a contiguous frame, its text.
    pub(crate) fn transport(&self) -> &[u8] {
        let start = first_bytes(self.frame);
        start.get(self.transport_at..self.end_at.min(start.len())).unwrap_or_default()
    }

    /// How many bytes transport header and text have together.
    pub(crate) fn transport_bytes(&self) -> usize {
        self.end_at - self.transport_at
    }

    /// Whether a transport header of `header_bytes` can be read without flattening the frame: header and text
    /// are in one piece, or the head ends exactly where the text starts.
    pub(crate) fn is_readable(&self, header_bytes: usize) -> bool {
        let head_bytes = self.frame.head.as_slice().len();
        head_bytes == 0 || head_bytes == self.transport_at + header_bytes
    }

    /// Whether the checksum over pseudo-header, transport header and text is right.
    pub(crate) fn is_intact(&self, mut pseudo_header: wire::checksum::Sum) -> bool {
        pseudo_header.add(self.transport());
        let head_bytes = self.frame.head.as_slice().len();
        if head_bytes > 0 {
            let mut left = self.end_at.saturating_sub(head_bytes);
            for piece in self.frame.payload.pieces() {
                let take = left.min(piece.len());
                pseudo_header.add(&piece[..take]);
                left -= take;
            }
        }
        pseudo_header.is_intact()
    }

    /// Takes the text after a transport header of this size out of the frame. Only if
    /// [`Packet::is_readable`].
    pub(crate) fn take_text(&mut self, header_bytes: usize) -> Payload {
        let text_at = self.transport_at + header_bytes;
        let mut payload = core::mem::take(&mut self.frame.payload);
        if !self.frame.head.as_slice().is_empty() {
            payload.truncate(self.end_at - text_at);
            return payload;
        }
        let mut bytes = payload.into_pieces().next().unwrap_or_default();
        let frame_bytes = bytes.len();
        bytes.truncate(self.end_at);
        bytes.advance(text_at.min(bytes.len()));
        let mut text = Payload::from(bytes);
        if frame_bytes > SMALL_FRAME_BYTES && text.len() * 3 / 2 < frame_bytes {
            // It would keep a frame that is mostly headers or padding.
            text.compact();
        }
        text
    }

    /// Takes the packet from its IP header on out of the frame, in one piece.
    pub(crate) fn take_whole(&mut self) -> Bytes {
        flatten(self.frame);
        let mut bytes = core::mem::take(&mut self.frame.payload).into_pieces().next().unwrap_or_default();
        let frame_bytes = bytes.len();
        bytes.truncate(self.end_at);
        bytes.advance(self.ip_at.min(bytes.len()));
        if bytes.len() * 3 / 2 < frame_bytes {
            // It would keep a frame that is mostly padding.
            return Bytes::copy_from_slice(&bytes);
        }
        bytes
    }

    /// A copy of at most `bytes_max` bytes of the packet from its IP header on, as an ICMP error quotes it.
    pub(crate) fn quote(&self, bytes_max: usize) -> Vec<u8> {
        let want = bytes_max.min(self.end_at - self.ip_at);
        let mut out = Vec::with_capacity(want);
        let mut skip = self.ip_at;
        let pieces = self.frame.payload.pieces().map(|piece| &piece[..]);
        for piece in core::iter::once(self.frame.head.as_slice()).chain(pieces) {
            let from = skip.min(piece.len());
            let take = (want - out.len()).min(piece.len() - from);
            out.extend_from_slice(&piece[from..from + take]);
            skip -= from;
        }
        out
    }
}
