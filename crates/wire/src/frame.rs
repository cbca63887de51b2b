//! A frame as it crosses a link: headers, payload, and what the link still has to do for it.
//!
//! The stack, the links, the simulator and the capture tap all exchange [`Frame`]s. A frame that we
//! send has its headers written into [`Head`] and its payload borrowed from the send queue; a frame
//! read from a device is usually one contiguous slice. [`Offload`] says what the sender left to the
//! link: cutting into segments, filling in a checksum (the job of a network card, or of
//! `virtio_net_hdr` on TUN).

use crate::Payload;
use alloc::vec::Vec;
use bytes::Bytes;

/// Room for every header that we emit: Ethernet 14, IPv6 40 and TCP 60 bytes. With the byte that holds the
/// length, [`Head`] is 120 bytes, a multiple of the word.
pub const HEAD_BYTES_MAX: usize = 119;

/// Header bytes, stored in line: no allocation per segment.
#[derive(Clone)]
pub struct Head {
    len: u8,
    bytes: [u8; HEAD_BYTES_MAX],
}

impl Head {
    /// No header bytes.
    pub const fn new() -> Self {
        Head { len: 0, bytes: [0; HEAD_BYTES_MAX] }
    }

    /// The header bytes.
    pub fn as_slice(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    /// The header bytes, to be changed in place.
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        &mut self.bytes[..usize::from(self.len)]
    }

    /// Adds `len_bytes` zero bytes at the end and returns them to be filled in.
    ///
    /// # Panics
    /// If the headers outgrow [`HEAD_BYTES_MAX`].
    pub fn grow(&mut self, len_bytes: usize) -> &mut [u8] {
        let start = usize::from(self.len);
        let end = start + len_bytes;
        assert!(end <= HEAD_BYTES_MAX, "headers of {end} bytes do not fit");
        self.len = end as u8;
        &mut self.bytes[start..end]
    }
}

impl Default for Head {
    fn default() -> Self {
        Head::new()
    }
}

impl core::fmt::Debug for Head {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_list().entries(self.as_slice()).finish()
    }
}

/// Who has computed the transport checksum, or still has to.
///
/// There are no others: it is there, half there, or not wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Checksum {
    /// The checksum on the wire is whole: written by the sender, to be verified by the receiver.
    #[default]
    Complete,
    /// Only the pseudo-header is summed; the link must add the bytes from `start` on and store the
    /// result at `start + offset` (both counted from the start of the frame).
    Partial {
        /// Where the transport header starts, in bytes from the start of the frame.
        start: u16,
        /// Where in the transport header the checksum field is.
        offset: u16,
    },
    /// The link guarantees the bytes (memory, or verified by hardware): do not verify.
    Trusted,
}

/// What the sender of a frame leaves to the link, or what the link tells the receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Offload {
    /// A super-segment: cut the TCP payload into pieces of this many bytes. Zero: one segment.
    pub segment_bytes: u16,
    /// The state of the transport checksum.
    pub checksum: Checksum,
}

/// One frame. It starts with the Ethernet header on an Ethernet link, with the IP header on an IP link.
///
/// Either `head` holds all headers, the transport's included, and `payload` what follows; or `head`
/// is empty and `payload` is the whole frame in one piece.
///
/// ```
/// use synfin_wire::Frame;
/// let frame = Frame::from_bytes(bytes::Bytes::from_static(&[0x45, 0, 0, 20]));
/// assert_eq!(frame.len(), 4);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Frame {
    /// The headers, or nothing.
    pub head: Head,
    /// What follows the headers, or the whole frame.
    pub payload: Payload,
    /// What is left to the link.
    pub offload: Offload,
}

impl Frame {
    /// A frame that was read as one contiguous slice; its checksum is to be verified.
    pub fn from_bytes(bytes: Bytes) -> Self {
        Frame { head: Head::new(), payload: Payload::from(bytes), offload: Offload::default() }
    }

    /// Length of headers and payload together, in bytes.
    pub fn len(&self) -> usize {
        self.head.as_slice().len() + self.payload.len()
    }

    /// Whether the frame has no bytes at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A copy in one piece, headers first. For captures and tests: it allocates.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.len());
        out.extend_from_slice(self.head.as_slice());
        self.payload.pieces().for_each(|piece| out.extend_from_slice(piece));
        out
    }
}

/// What a link carries and what it does for its users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkCapabilities {
    /// What the first byte of a frame is.
    pub medium: Medium,
    /// The largest IP packet in bytes, as the peers of the link see it.
    pub mtu_bytes: u32,
    /// The largest TCP payload of one super-segment the link will take, in bytes. Zero: the link
    /// does not cut segments and every frame must fit `mtu_bytes`.
    pub super_segment_bytes_max: u32,
    /// Who computes transport checksums of outgoing frames.
    pub transmit_checksum: TransmitChecksum,
}

impl Default for LinkCapabilities {
    /// IP packets of up to 1,500 bytes, and nothing that a link would have to do for its users.
    ///
    /// ```
    /// let tunnel = synfin_wire::LinkCapabilities { mtu_bytes: 1_400, ..Default::default() };
    /// assert_eq!(tunnel.super_segment_bytes_max, 0);
    /// ```
    fn default() -> Self {
        LinkCapabilities {
            medium: Medium::Ip,
            mtu_bytes: 1_500,
            super_segment_bytes_max: 0,
            transmit_checksum: TransmitChecksum::Full,
        }
    }
}

/// What the frames of a link start with.
///
/// There are no others; a program may match on both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Medium {
    /// An IP header (TUN, the in-memory link).
    Ip,
    /// An Ethernet header (TAP, AF_PACKET): addresses must be resolved.
    Ethernet,
}

/// Who computes the transport checksum of an outgoing frame.
///
/// There are no others: nothing, a part, or all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransmitChecksum {
    /// The stack computes all of it.
    Full,
    /// The stack sums the pseudo-header, the link adds the rest ([`Checksum::Partial`]).
    Partial,
    /// Nobody: the bytes never leave memory ([`Checksum::Trusted`]).
    None,
}
