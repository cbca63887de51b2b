//! From the bytes of a captured packet to the TCP segment in it, through all layers around it.
//!
//! Link layers, tunnels and IP headers are removed one by one, until a TCP header follows or something
//! that cannot hold TCP. The innermost addresses count, as in Wireshark. Lengths on the wire are kept
//! apart from captured lengths. What it does not do: verify checksums, decrypt, or follow protocols that
//! need state, except for IP fragments, which [`Decoder`] reassembles.

mod captured;
mod frames;
mod icmp;
mod ip;
mod link;
mod other_links;
mod pieces;
mod point_to_point;
mod radio;
mod reassembly;
mod sflow;
mod tunnel;
mod udp_tunnel;
mod unread;
mod view;
mod walk;
mod wifi;

use crate::{Direction, LinkType, Record};
use frames::RecentFrames;
use reassembly::Reassembly;
use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU64;
pub use unread::{Layer, NotTcp, Unread};
use walk::{Halt, IpFragment, Walk};
use wire::ip::protocol;

/// The most nested fragmented packets that are reassembled. Real packets have one or two.
const FRAGMENTED_TUNNELS_MAX: usize = 3;

/// What a packet holds.
///
/// There are no others: what has no segment of TCP is a [`NotTcp`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decoded<'a> {
    /// A TCP segment.
    Tcp(Segment<'a>),
    /// An ICMP error that quotes the beginning of the TCP segment that caused it.
    Quoted {
        /// What the error reports, and who sent it.
        error: IcmpError,
        /// What it quotes: at least the ports and the sequence number.
        segment: Segment<'a>,
    },
}

impl<'a> Decoded<'a> {
    /// The TCP segment: the packet's own, or the one that an ICMP error quotes.
    pub fn segment(&self) -> &Segment<'a> {
        match self {
            Decoded::Tcp(segment) | Decoded::Quoted { segment, .. } => segment,
        }
    }

    fn set_repeats(&mut self, record: Option<NonZeroU64>) {
        if record.is_some() {
            let (Decoded::Tcp(segment) | Decoded::Quoted { segment, .. }) = self;
            segment.repeats = record;
        }
    }
}

/// A TCP segment, with what the headers around it say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Segment<'a> {
    /// The innermost IP header.
    pub ip: Ip,
    /// The captured bytes of the TCP header and payload: at least 16, so that the window is included (8 in
    /// a quotation), but not always the whole header and its options.
    pub tcp: &'a [u8],
    /// The length of TCP header and payload on the wire, according to the IP header.
    pub tcp_wire_bytes: u32,
    /// Where in the captured packet the TCP header starts; zero if it was reassembled from fragments.
    pub offset_bytes: u32,
    /// Whether the segment was in one IP packet.
    pub fragment: Fragment,
    /// The VLAN tags of the frame.
    pub vlans: Vlans,
    /// How many tunnels the segment was in.
    pub tunnels: u8,
    /// Its direction, from the record or the link layer.
    pub direction: Option<Direction>,
    /// The number of the record that holds the same frame: the radio of an IEEE 802.11 link sent it again. Only
    /// [`Decoder`] knows it.
    pub repeats: Option<NonZeroU64>,
}

/// The fields of an IP header that concern TCP. RFC 791 §3.1, RFC 8200 §3.
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
    /// The length of the packet according to its header; zero if the sender left it to its network card.
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

/// In how many IP packets a segment was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fragment {
    /// In one.
    Whole,
    /// Only the first fragment is available; the lengths are the fragment's.
    First,
    /// In several, which were reassembled; this packet completed the segment.
    Reassembled,
}

/// The VLAN tags of a frame, outermost first. From the third on, tags are counted but not kept.
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
    /// The host or router that reports.
    pub from: IpAddr,
    /// The sender of the quoted segment.
    pub to: IpAddr,
    /// The ICMP type.
    pub kind: u8,
    /// The ICMP code.
    pub code: u8,
    /// The MTU of the next hop in bytes, if the message is "too big" and gives one.
    pub mtu_bytes: Option<u32>,
}

/// Decodes one packet, without reassembling fragments. Of a packet that holds several segments, as an A-MSDU does,
/// it returns the first.
///
/// `wire_bytes` is the length of the packet on the wire; `packet` may be only its beginning.
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
    if let Some(segment) = decode_plain(link_type, packet, wire_bytes) {
        return Ok(Decoded::Tcp(segment));
    }
    let mut walk = Walk::new(packet, wire_bytes);
    let mut found = walk.start(link_type);
    loop {
        let why = match found {
            Ok(decoded) => return Ok(decoded),
            Err(Halt::NotTcp(why)) => why,
            Err(Halt::Fragment(_)) => NotTcp::Fragment,
        };
        found = walk.next_piece().ok_or(why)?;
    }
}

/// Decodes one packet after another, and reassembles IP fragments.
///
/// Memory is bounded: fragments of at most 256 packets and at most 16 MB are kept, each for a minute, and by what
/// the last 256 frames of IEEE 802.11 are known.
///
/// ```
/// use synfin_capture::{Decoded, Decoder, Reader};
/// # let file: &[u8] = b"\xd4\xc3\xb2\xa1\x02\0\x04\0\0\0\0\0\0\0\0\0\xff\xff\0\0\x01\0\0\0";
/// let mut reader = Reader::new(file)?;
/// let mut decoder = Decoder::new();
/// while let Some(record) = reader.next() {
///     decoder.decode_each(&record?, |found| match found {
///         Ok(decoded) => {
///             let segment = decoded.segment();
///             println!("{} -> {}: {} bytes", segment.ip.src, segment.ip.dst, segment.payload_wire_bytes());
///         }
///         Err(unread) => println!("{unread}"),
///     });
/// }
/// # Ok::<(), synfin_capture::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Decoder {
    reassembly: Reassembly,
    frames: RecentFrames,
}

impl Decoder {
    /// A decoder that has seen no packet.
    pub fn new() -> Self {
        Decoder::default()
    }

    /// Decodes a packet. A fragment that completes its packet returns the segment of the whole packet. Of a packet
    /// that holds several segments it returns the first; [`Decoder::decode_each`] returns all.
    ///
    /// # Errors
    /// Why it is not a TCP segment.
    #[inline]
    pub fn decode<'a>(&'a mut self, record: &Record<'a>) -> Result<Decoded<'a>, NotTcp> {
        if let Some(mut segment) = decode_plain(record.link_type, record.bytes, record.wire_bytes) {
            segment.direction = record.direction;
            return Ok(Decoded::Tcp(segment));
        }
        self.decode_first(record)
    }

    /// Decodes a packet, and gives `take` every segment in it, or why there is none: nearly always one. Frames that
    /// aggregate packets (A-MSDU of IEEE 802.11, sFlow) give one result for each.
    #[inline]
    pub fn decode_each(&mut self, record: &Record<'_>, mut take: impl FnMut(Result<&Decoded<'_>, Unread>)) {
        if let Some(mut segment) = decode_plain(record.link_type, record.bytes, record.wire_bytes) {
            segment.direction = record.direction;
            return take(Ok(&Decoded::Tcp(segment)));
        }
        self.decode_wrapped(record, &mut take);
    }

    fn decode_first<'a>(&'a mut self, record: &Record<'a>) -> Result<Decoded<'a>, NotTcp> {
        let mut walk = Walk::new(record.bytes, record.wire_bytes);
        walk.direction = record.direction;
        let mut found = walk.start(record.link_type);
        self.frames.note(&mut walk, record.number);
        loop {
            let why = match found {
                Ok(mut decoded) => {
                    decoded.set_repeats(walk.repeats);
                    return Ok(decoded);
                }
                Err(Halt::NotTcp(why)) => why,
                Err(Halt::Fragment(fragment)) => return self.reassemble(*fragment, record.time_ns),
            };
            found = walk.next_piece().ok_or(why)?;
        }
    }

    fn decode_wrapped(&mut self, record: &Record<'_>, take: &mut impl FnMut(Result<&Decoded<'_>, Unread>)) {
        let mut walk = Walk::new(record.bytes, record.wire_bytes);
        walk.direction = record.direction;
        let mut found = walk.start(record.link_type);
        self.frames.note(&mut walk, record.number);
        loop {
            match found {
                Ok(ref mut decoded) => {
                    decoded.set_repeats(walk.repeats);
                    take(Ok(decoded));
                }
                Err(Halt::NotTcp(why)) => take(Err(walk.unread(why))),
                Err(Halt::Fragment(fragment)) => {
                    let whole = self.reassemble(*fragment, record.time_ns);
                    take(whole.as_ref().map_err(|why| walk.unread(*why)));
                }
            }
            found = match walk.next_piece() {
                Some(next) => next,
                None => return,
            };
        }
    }

    /// Adds a fragment. If it completes a packet, that may be a tunnel with another fragment inside, which
    /// may complete another packet.
    fn reassemble(&mut self, fragment: IpFragment<'_>, now_ns: u64) -> Result<Decoded<'_>, NotTcp> {
        let mut walk = fragment.walk.without_packet();
        let mut protocol = self.reassembly.add(&fragment, now_ns);
        for _ in 0..FRAGMENTED_TUNNELS_MAX {
            let whole = self.reassembly.completed_packet(protocol.ok_or(NotTcp::Fragment)?);
            let Err(Halt::Fragment(inner)) = walk.resume(whole) else { break };
            let data = inner.data.to_vec();
            let inner = IpFragment { walk: inner.walk.without_packet(), data: &data, ..*inner };
            walk = inner.walk.without_packet();
            protocol = self.reassembly.add(&inner, now_ns);
        }
        let whole = self.reassembly.completed_packet(protocol.ok_or(NotTcp::Fragment)?);
        walk.resume(whole).map_err(|halt| match halt {
            Halt::NotTcp(why) => why,
            Halt::Fragment(_) => NotTcp::Fragment,
        })
    }
}

/// The fast path for the most common packet: Ethernet or raw IP, IPv4 without options or fragments, TCP.
#[inline]
fn decode_plain(link_type: LinkType, packet: &[u8], wire_bytes: u32) -> Option<Segment<'_>> {
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
        repeats: None,
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

    /// The length of the TCP header, from its data offset; 20 if a quotation is too short to have one.
    pub fn header_bytes(&self) -> usize {
        self.tcp.get(12).map_or(20, |offset| usize::from(offset >> 4) * 4)
    }

    /// The captured bytes of the payload.
    pub fn payload(&self) -> &'a [u8] {
        self.tcp.get(self.header_bytes()..).unwrap_or(&[])
    }

    /// The length of the payload on the wire, in bytes.
    pub fn payload_wire_bytes(&self) -> u32 {
        self.tcp_wire_bytes.saturating_sub(self.header_bytes() as u32)
    }
}

#[cfg(test)]
mod tests;
