//! Down to the TCP segment: from the bytes of a captured packet, whatever wraps it.
//!
//! Link layers, tunnels and IP headers are taken off one by one until a TCP header stands there, or
//! something that cannot hold one. The innermost addresses count, as in Wireshark. Lengths on the
//! wire are kept apart from what was captured. What it does not do: check checksums, decrypt, or
//! follow a protocol that needs memory, but for IP fragments, which [`Decoder`] puts together.

mod icmp;
mod ip;
mod link;
mod point_to_point;
mod reassembly;
mod tunnel;
mod view;
mod walk;

use crate::{Direction, LinkType, Record};
use reassembly::Reassembly;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use walk::{Halt, Piece, Walk};
use wire::ip::protocol;

/// Fragmented packets in one another that are put together.
const FRAGMENTED_TUNNELS_MAX: usize = 3;

/// What a packet turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Decoded<'a> {
    /// A TCP segment.
    Tcp(Segment<'a>),
    /// An ICMP error, quoting the beginning of the TCP segment that provoked it.
    Quoted {
        /// What the error says, and who says it.
        error: IcmpError,
        /// What it quotes: at least the ports and the sequence number.
        segment: Segment<'a>,
    },
}

/// A TCP segment with what its packet says about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Segment<'a> {
    /// The innermost IP header.
    pub ip: Ip,
    /// What was captured of the TCP header and payload: at least 16 bytes, which is up to the window
    /// (8 in a quotation), but perhaps not all of the header or its options.
    pub tcp: &'a [u8],
    /// The length of TCP header and payload on the wire, by the IP header.
    pub tcp_wire_bytes: u32,
    /// Where in the captured packet the TCP header starts; zero if it was put together from fragments.
    pub offset_bytes: u32,
    /// Whether the segment came in one IP packet.
    pub fragment: Fragment,
    /// The VLAN tags passed on the way.
    pub vlans: Vlans,
    /// How many tunnels the segment was in.
    pub tunnels: u8,
    /// Which way it went, by the record or the link layer.
    pub direction: Option<Direction>,
}

/// What an IP header says that concerns TCP. RFC 791 §3.1, RFC 8200 §3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ip {
    /// The source address.
    pub src: IpAddr,
    /// The destination address.
    pub dst: IpAddr,
    /// The time to live, or hop limit.
    pub ttl: u8,
    /// The type of service, or traffic class: DSCP and ECN.
    pub traffic_class: u8,
    /// Whether routers may not fragment it (always so in IPv6).
    pub dont_fragment: bool,
    /// The identification field; IPv6 has it in fragments only.
    pub id: Option<u32>,
    /// The flow label; zero in IPv4.
    pub flow_label: u32,
    /// The length of the packet by its header; zero if the sender left it to its network card.
    pub total_bytes: u32,
}

impl Ip {
    /// The differentiated services codepoint (RFC 2474).
    pub const fn dscp(&self) -> u8 {
        self.traffic_class >> 2
    }

    /// The two ECN bits (RFC 3168 §5): 0 not capable, 1 ECT(1), 2 ECT(0), 3 congestion experienced.
    pub const fn ecn(&self) -> u8 {
        self.traffic_class & 3
    }
}

/// In how many IP packets a segment came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fragment {
    /// In one.
    Whole,
    /// Only the first fragment is at hand: the lengths are the fragment's.
    First,
    /// In several, put together; this packet completed it.
    Reassembled,
}

/// The VLAN tags of a frame, outermost first. More than two are counted, not kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Vlans {
    ids: [u16; 2],
    count: u8,
}

impl Vlans {
    /// The VLAN identifiers.
    pub fn ids(&self) -> &[u16] {
        &self.ids[..usize::from(self.count.min(2))]
    }

    fn push(&mut self, id: u16) {
        if let Some(place) = self.ids.get_mut(usize::from(self.count)) {
            *place = id;
        }
        self.count = self.count.saturating_add(1);
    }
}

/// An ICMP error message (RFC 792, RFC 4443 §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct IcmpError {
    /// Who reports.
    pub from: IpAddr,
    /// To whom: the sender of the quoted segment.
    pub to: IpAddr,
    /// The ICMP type.
    pub kind: u8,
    /// The ICMP code.
    pub code: u8,
    /// The MTU of the next hop in bytes, where the message is "too big" and carries one.
    pub mtu_bytes: Option<u32>,
}

/// Why a packet is not a TCP segment, as far as we can see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NotTcp {
    /// A link type that we do not read.
    LinkType(LinkType),
    /// A link-layer protocol other than IP, by its Ethertype.
    Ethertype(u16),
    /// A frame of IEEE 802.2 that carries no IP, by its destination SAP.
    Llc(u8),
    /// A PPP protocol other than IP: the link's own talk.
    Ppp(u16),
    /// An IP protocol other than TCP, by its number.
    Protocol(u8),
    /// A fragment of an IP packet that is not complete.
    Fragment,
    /// The capture kept too little of the packet to go on: the header of this layer is cut off.
    Cut(Layer),
    /// The header of this layer contradicts itself or the packet's length.
    Malformed(Layer),
    /// More layers in one another than any real packet has.
    TooDeep,
}

/// A protocol layer that we take off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Layer {
    /// The address family before a packet of a loopback interface.
    Loopback,
    /// Ethernet, IEEE 802.3.
    Ethernet,
    /// A VLAN tag, IEEE 802.1Q or 802.1ad.
    Vlan,
    /// IEEE 802.2 logical link control, with SNAP.
    Llc,
    /// FDDI.
    Fddi,
    /// The header that Linux makes up for cooked captures, v1 or v2.
    LinuxCooked,
    /// A message of the Linux netfilter log.
    Nflog,
    /// The point-to-point protocol.
    Ppp,
    /// PPP over Ethernet.
    Pppoe,
    /// Cisco's HDLC framing.
    CiscoHdlc,
    /// A stack of MPLS labels.
    Mpls,
    /// IPv4.
    Ipv4,
    /// IPv6 with its extension headers.
    Ipv6,
    /// UDP.
    Udp,
    /// GRE, ERSPAN.
    Gre,
    /// VXLAN.
    Vxlan,
    /// Geneve.
    Geneve,
    /// The user plane of GTP.
    GtpU,
    /// ICMP or ICMPv6.
    Icmp,
    /// TCP.
    Tcp,
}

/// Takes one packet apart; fragments stay fragments.
///
/// `wire_bytes` is the length of the packet on the wire, of which `packet` may be the beginning.
///
/// # Errors
/// Why it is not a TCP segment.
///
/// ```
/// use synfin_capture::{Decoded, LinkType, NotTcp, decode};
/// let mut packet = vec![0x45, 0, 0, 41, 0, 7, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
/// packet.extend([0x1f, 0x90, 0, 80, 0, 0, 0, 1, 0, 0, 0, 2, 0x50, 0x18, 1, 0, 0, 0, 0, 0, b'!']);
/// let Ok(Decoded::Tcp(segment)) = decode(LinkType::RAW, &packet, 41) else { panic!() };
/// assert_eq!((segment.src_port(), segment.dst_port()), (8080, 80));
/// assert_eq!((segment.payload(), segment.ip.ttl, segment.ip.id), (&b"!"[..], 64, Some(7)));
///
/// packet[9] = 17;
/// assert_eq!(decode(LinkType::RAW, &packet, 41), Err(NotTcp::Protocol(17)));
/// ```
#[inline]
pub fn decode(link_type: LinkType, packet: &[u8], wire_bytes: u32) -> Result<Decoded<'_>, NotTcp> {
    if let Some(segment) = plain(link_type, packet, wire_bytes) {
        return Ok(Decoded::Tcp(segment));
    }
    Walk::new(packet, wire_bytes).start(link_type).map_err(|halt| match halt {
        Halt::Not(why) => why,
        Halt::Fragment(_) => NotTcp::Fragment,
    })
}

/// Takes packet after packet apart, putting IP fragments together.
///
/// Memory is bounded: fragments of 256 packets and 16 MB are kept at most, each for a minute.
///
/// ```
/// use synfin_capture::{Decoded, Decoder, Reader};
/// # let file: &[u8] = b"\xd4\xc3\xb2\xa1\x02\0\x04\0\0\0\0\0\0\0\0\0\xff\xff\0\0\x01\0\0\0";
/// let (mut reader, mut decoder) = (Reader::new(file)?, Decoder::new());
/// while let Some(record) = reader.next() {
///     if let Ok(Decoded::Tcp(segment)) = decoder.decode(&record?) {
///         println!("{} -> {}: {} bytes", segment.ip.src, segment.ip.dst, segment.payload_wire_bytes());
///     }
/// }
/// # Ok::<(), synfin_capture::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Decoder {
    reassembly: Reassembly,
}

impl Decoder {
    /// A decoder that has seen no packet.
    pub fn new() -> Self {
        Decoder::default()
    }

    /// Takes a packet apart. A fragment that completes its packet yields the whole.
    ///
    /// # Errors
    /// Why it is not a TCP segment.
    #[inline]
    pub fn decode<'a>(&'a mut self, record: &Record<'a>) -> Result<Decoded<'a>, NotTcp> {
        if let Some(mut segment) = plain(record.link_type, record.bytes, record.wire_bytes) {
            segment.direction = record.direction;
            return Ok(Decoded::Tcp(segment));
        }
        self.decode_wrapped(record)
    }

    fn decode_wrapped<'a>(&'a mut self, record: &Record<'a>) -> Result<Decoded<'a>, NotTcp> {
        let mut walk = Walk::new(record.bytes, record.wire_bytes);
        walk.direction = record.direction;
        match walk.start(record.link_type) {
            Ok(decoded) => Ok(decoded),
            Err(Halt::Not(why)) => Err(why),
            Err(Halt::Fragment(piece)) => self.put_together(*piece, record.time_ns),
        }
    }

    /// What a fragment completes may hold a tunnel with a fragment in it, which completes another packet.
    fn put_together(&mut self, piece: Piece<'_>, now_ns: u64) -> Result<Decoded<'_>, NotTcp> {
        let (mut walk, mut protocol) = (piece.walk.bare(), self.reassembly.add(&piece, now_ns));
        for _ in 0..FRAGMENTED_TUNNELS_MAX {
            let whole = self.reassembly.whole(protocol.ok_or(NotTcp::Fragment)?);
            let Err(Halt::Fragment(inner)) = walk.resume(whole) else { break };
            let data = inner.data.to_vec();
            let inner = Piece { walk: inner.walk.bare(), data: &data, ..*inner };
            (walk, protocol) = (inner.walk.bare(), self.reassembly.add(&inner, now_ns));
        }
        let whole = self.reassembly.whole(protocol.ok_or(NotTcp::Fragment)?);
        walk.resume(whole).map_err(|halt| match halt {
            Halt::Not(why) => why,
            Halt::Fragment(_) => NotTcp::Fragment,
        })
    }
}

/// The packet that most packets are: Ethernet or nothing, IPv4 without options, whole, TCP.
#[inline]
fn plain(link_type: LinkType, packet: &[u8], wire_bytes: u32) -> Option<Segment<'_>> {
    let offset = match link_type {
        LinkType::ETHERNET if packet.get(12..14)? == [0x08, 0x00] => 14,
        LinkType::RAW => 0,
        _ => return None,
    };
    let ip: &[u8; 40] = packet.get(offset..)?.first_chunk()?;
    let total = usize::from(u16::from_be_bytes([ip[2], ip[3]]));
    let wire = (wire_bytes as usize).max(packet.len()) - offset;
    let header_bytes = usize::from(ip[32] >> 4) * 4;
    let is_plain = ip[0] == 0x45
        && ip[9] == protocol::TCP
        && ip[6] & 0x3f == 0
        && ip[7] == 0
        && total <= wire
        && header_bytes >= 20
        && total >= 20 + header_bytes;
    if !is_plain {
        return None;
    }
    let end = (offset + total).min(packet.len());
    Some(Segment {
        ip: Ip {
            src: IpAddr::V4(Ipv4Addr::new(ip[12], ip[13], ip[14], ip[15])),
            dst: IpAddr::V4(Ipv4Addr::new(ip[16], ip[17], ip[18], ip[19])),
            ttl: ip[8],
            traffic_class: ip[1],
            dont_fragment: ip[6] & 0x40 != 0,
            id: Some(u32::from(u16::from_be_bytes([ip[4], ip[5]]))),
            flow_label: 0,
            total_bytes: total as u32,
        },
        tcp: &packet[offset + 20..end],
        tcp_wire_bytes: total as u32 - 20,
        offset_bytes: offset as u32 + 20,
        fragment: Fragment::Whole,
        vlans: Vlans::default(),
        tunnels: 0,
        direction: None,
    })
}

impl<'a> Segment<'a> {
    /// The port of the sender.
    pub fn src_port(&self) -> u16 {
        u16::from_be_bytes([self.tcp[0], self.tcp[1]])
    }

    /// The port of the receiver.
    pub fn dst_port(&self) -> u16 {
        u16::from_be_bytes([self.tcp[2], self.tcp[3]])
    }

    /// The length of the TCP header by its data offset; in a short quotation the least there can be.
    pub fn header_bytes(&self) -> usize {
        self.tcp.get(12).map_or(20, |offset| usize::from(offset >> 4) * 4)
    }

    /// What was captured of the payload.
    pub fn payload(&self) -> &'a [u8] {
        self.tcp.get(self.header_bytes()..).unwrap_or(&[])
    }

    /// The length of the payload on the wire, in bytes.
    pub fn payload_wire_bytes(&self) -> u32 {
        self.tcp_wire_bytes.saturating_sub(self.header_bytes() as u32)
    }
}

impl fmt::Display for NotTcp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotTcp::LinkType(link_type) => write!(f, "{link_type} is not a link type that can be read"),
            NotTcp::Ethertype(ethertype) => write!(f, "it is not IP but Ethertype {ethertype:#06x}"),
            NotTcp::Llc(sap) => write!(f, "it is an IEEE 802.2 frame for SAP {sap:#04x}"),
            NotTcp::Ppp(protocol) => write!(f, "it is not IP but PPP protocol {protocol:#06x}"),
            NotTcp::Protocol(protocol) => write!(f, "it is not TCP but IP protocol {protocol}"),
            NotTcp::Fragment => f.write_str("it is a fragment whose other parts were not captured yet"),
            NotTcp::Cut(layer) => write!(f, "the capture cut its {layer:?} header off"),
            NotTcp::Malformed(layer) => write!(f, "its {layer:?} header is malformed"),
            NotTcp::TooDeep => f.write_str("it has too many layers in one another"),
        }
    }
}

impl std::error::Error for NotTcp {}

#[cfg(test)]
mod tests;
