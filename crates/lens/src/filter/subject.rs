//! One segment as a filter sees it: what the lens says of it, and the bytes that were captured.

use crate::{Analysis, Segment};
use tcp::Instant;

/// One segment as a filter sees it.
///
/// Take it from [`Subject::of_packet`] for a packet of a capture.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The segment.
    pub segment: &'a Segment,
    /// What the lens says of it.
    pub analysis: &'a Analysis,
    /// The packet that it came in.
    pub packet: Packet<'a>,
    /// When the capture began.
    pub origin: Instant,
}

/// The packet around a segment, as far as it was captured; empty where nothing is known of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Packet<'a> {
    /// All bytes of the frame.
    pub frame: &'a [u8],
    /// Whether the frame begins with an Ethernet header.
    pub is_ethernet: bool,
    /// The identifiers of its VLAN tags, the outermost first.
    pub vlans: &'a [u16],
    /// The TCP header and the text.
    pub tcp: &'a [u8],
    /// The traffic class of the IP header: DSCP and ECN.
    pub traffic_class: u8,
    /// Whether routers may not fragment it.
    pub dont_fragment: bool,
}

/// The addresses and the type of an Ethernet frame.
const ETHERNET_BYTES: usize = 14;

impl<'a> Packet<'a> {
    /// The Ethernet header.
    pub(super) fn ethernet(&self) -> Option<&'a [u8; ETHERNET_BYTES]> {
        self.frame.first_chunk().filter(|_| self.is_ethernet)
    }

    /// The length of the TCP header by its data offset, if that was captured and can be.
    pub(super) fn header_bytes(&self) -> Option<usize> {
        self.tcp.get(12).map(|offset| usize::from(offset >> 4) * 4).filter(|bytes| *bytes >= 20)
    }

    /// The text, as far as it was captured.
    pub(super) fn text(&self) -> &'a [u8] {
        self.header_bytes().and_then(|header| self.tcp.get(header..)).unwrap_or_default()
    }

    /// A 16-bit field of the TCP header.
    pub(super) fn half(&self, at: usize) -> Option<u16> {
        self.tcp.get(at..)?.first_chunk().map(|two| u16::from_be_bytes(*two))
    }
}
