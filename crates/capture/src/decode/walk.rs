//! The walk through a packet's layers: each removes its header and says what follows.

use super::pieces::Rest;
use super::view::View;
use super::{Decoded, Fragment, IcmpError, Ip, Layer, NotTcp, Segment, Unread, Vlans};
use crate::{Direction, LinkType};
use std::num::NonZeroU64;
use wire::ip::protocol;

/// The most headers in a packet. Real packets have fewer than ten; the limit bounds the work for others.
const LAYERS_MAX: usize = 32;

/// The smallest TCP header (RFC 9293 §3.1).
const TCP_HEADER_BYTES_MIN: usize = 20;
/// How much of the header must have been captured: up to the window, because some captures keep little.
const TCP_CAPTURED_BYTES_MIN: usize = 16;
/// The least that an ICMP error quotes (RFC 792).
const TCP_QUOTED_BYTES_MIN: usize = 8;

/// What the next bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Ethernet,
    Ethertype(u16),
    Llc,
    Fddi,
    Nsh,
    Ppp,
    HdlcOrPpp,
    CiscoHdlc,
    Pppoe,
    Mpls,
    FrameRelay,
    Infiniband,
    Ieee80211(RadioHeader),
    /// IPv4 or IPv6, by its first nibble.
    Ip,
    Protocol(u8),
}

/// How the header of an IEEE 802.11 frame stands in the packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RadioHeader {
    /// As on the air.
    Plain,
    /// The driver put bytes behind it, so that the data starts at a multiple of 4.
    Padded,
    /// In CAPWAP: some controllers swap its first two bytes.
    PerhapsSwapped,
}

/// Why the walk ended before a TCP header.
pub(super) enum Halt<'a> {
    NotTcp(NotTcp),
    Fragment(Box<IpFragment<'a>>),
}

/// A fragment of an IP packet, and where the walk continues once the packet is complete.
#[derive(Clone, Copy, Debug)]
pub(super) struct IpFragment<'a> {
    pub(super) walk: Walk<'a>,
    pub(super) ip: Ip,
    /// Part of what identifies the packet: the protocol in IPv4 (RFC 791 §3.2), zero in IPv6.
    pub(super) key_protocol: u8,
    pub(super) protocol: u8,
    pub(super) offset_bytes: u32,
    pub(super) more: bool,
    pub(super) data: &'a [u8],
}

/// The payload of an IP packet that was reassembled from fragments.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReassembledPacket<'a> {
    pub(super) protocol: u8,
    pub(super) data: &'a [u8],
}

/// What is known of a packet after the layers that were read so far.
#[derive(Clone, Copy, Debug)]
pub(super) struct Walk<'a> {
    pub(super) view: View<'a>,
    pub(super) direction: Option<Direction>,
    pub(super) vlans: Vlans,
    pub(super) tunnels: u8,
    pub(super) fragment: Fragment,
    pub(super) ip: Option<Ip>,
    pub(super) quote: Option<IcmpError>,
    /// What was captured is only the beginning of the packet, whose length IP gives.
    pub(super) is_part: bool,
    /// The innermost tunnel.
    pub(super) within: Option<Layer>,
    /// By what the IEEE 802.11 frame is known.
    pub(super) link_frame: Option<LinkFrame>,
    /// The record that holds the same frame.
    pub(super) repeats: Option<NonZeroU64>,
    /// What follows the piece that is read, if the packet has several.
    pub(super) rest: Option<Rest<'a>>,
    pub(super) layers: usize,
}

/// By what a station tells whether an IEEE 802.11 frame was received before (802.11-2020 §10.3.2.14).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) struct LinkFrame {
    pub(super) transmitter: [u8; 6],
    /// The traffic identifier: each has sequence numbers of its own.
    pub(super) traffic: u8,
    /// Sequence and fragment number.
    pub(super) sequence_control: u16,
    pub(super) is_retry: bool,
}

impl<'a> Walk<'a> {
    pub(super) fn new(packet: &'a [u8], wire_bytes: u32) -> Self {
        Walk {
            view: View::new(packet, wire_bytes as usize),
            direction: None,
            vlans: Vlans::default(),
            tunnels: 0,
            fragment: Fragment::Whole,
            ip: None,
            quote: None,
            is_part: false,
            within: None,
            link_frame: None,
            repeats: None,
            rest: None,
            layers: 0,
        }
    }

    /// Walks from the link layer to the TCP segment.
    pub(super) fn start(&mut self, link_type: LinkType) -> Result<Decoded<'a>, Halt<'a>> {
        let next = self.link(link_type)?;
        self.take_layers(next)
    }

    /// The walk so far, without the packet's bytes.
    pub(super) fn without_packet<'b>(&self) -> Walk<'b> {
        Walk {
            view: View::new(&[], 0),
            rest: None,
            direction: self.direction,
            vlans: self.vlans,
            tunnels: self.tunnels,
            fragment: self.fragment,
            ip: self.ip,
            quote: self.quote,
            is_part: false,
            within: self.within,
            link_frame: self.link_frame,
            repeats: self.repeats,
            layers: self.layers,
        }
    }

    /// Continues after the IP header of a packet that is now complete.
    pub(super) fn resume<'b>(&self, whole: ReassembledPacket<'b>) -> Result<Decoded<'b>, Halt<'b>> {
        let view = View::new(whole.data, whole.data.len());
        let mut walk = Walk { view, fragment: Fragment::Reassembled, ..self.without_packet() };
        if let Some(ip) = &mut walk.ip {
            let header_bytes = if ip.src.is_ipv4() { 20 } else { 40 };
            ip.total_bytes = header_bytes + whole.data.len() as u32;
        }
        walk.take_layers(Next::Protocol(whole.protocol))
    }

    pub(super) fn take_layers(&mut self, mut next: Next) -> Result<Decoded<'a>, Halt<'a>> {
        while self.layers < LAYERS_MAX {
            self.layers += 1;
            next = match next {
                Next::Protocol(protocol::TCP) => return self.tcp(),
                Next::Protocol(protocol) => self.protocol(protocol)?,
                Next::Ip => self.ip()?,
                Next::Ethernet => self.ethernet()?,
                Next::Ethertype(ethertype) => self.ethertype(ethertype)?,
                Next::Llc => self.llc()?,
                Next::Fddi => self.fddi()?,
                Next::Nsh => self.nsh()?,
                Next::Ppp => self.ppp()?,
                Next::HdlcOrPpp => self.hdlc_or_ppp()?,
                Next::CiscoHdlc => self.cisco_hdlc()?,
                Next::Pppoe => self.pppoe()?,
                Next::Mpls => self.mpls()?,
                Next::FrameRelay => self.frame_relay()?,
                Next::Infiniband => self.infiniband()?,
                Next::Ieee80211(form) => self.ieee80211(form)?,
            };
        }
        Err(Halt::NotTcp(NotTcp::TooDeep))
    }

    fn tcp(&self) -> Result<Decoded<'a>, Halt<'a>> {
        let Some(ip) = self.ip else { return Err(Halt::NotTcp(NotTcp::Malformed(Layer::Tcp))) };
        let least = if self.quote.is_some() { TCP_QUOTED_BYTES_MIN } else { TCP_CAPTURED_BYTES_MIN };
        self.view.peek(least, Layer::Tcp)?;
        let View { bytes, offset, wire_bytes } = self.view;
        let segment = Segment {
            ip,
            tcp: bytes,
            tcp_wire_bytes: wire_bytes as u32,
            offset_bytes: if self.fragment == Fragment::Reassembled { 0 } else { offset as u32 },
            fragment: self.fragment,
            vlans: self.vlans,
            tunnels: self.tunnels,
            direction: self.direction,
            repeats: None,
        };
        match self.quote {
            Some(error) => Ok(Decoded::Quoted { error, segment }),
            None if !(TCP_HEADER_BYTES_MIN..=wire_bytes).contains(&segment.header_bytes()) => {
                Err(Halt::NotTcp(NotTcp::Malformed(Layer::Tcp)))
            }
            None => Ok(Decoded::Tcp(segment)),
        }
    }

    /// What follows is in a tunnel of this layer.
    pub(super) fn enter_tunnel(&mut self, layer: Layer, next: Next) -> Next {
        self.tunnels = self.tunnels.saturating_add(1);
        self.within = Some(layer);
        next
    }

    /// Why the packet was not read. What an ICMP error quotes was sent before: the packet is the error.
    pub(super) fn unread(&self, why: NotTcp) -> Unread {
        let why = match (why, self.quote) {
            (NotTcp::Protocol(_), Some(error)) if error.from.is_ipv4() => NotTcp::Protocol(protocol::ICMP),
            (NotTcp::Protocol(_), Some(_)) => NotTcp::Protocol(protocol::ICMPV6),
            _ => why,
        };
        Unread { why, within: self.within }
    }
}
