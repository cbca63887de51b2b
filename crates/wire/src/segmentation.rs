//! What a network card with segmentation offload does, as pure functions: cutting a super-segment into
//! segments that fit the wire, and filling in the checksum that was left to the link.
//!
//! A link that cannot do it itself calls [`cut`] on every frame. Only TCP is cut. What is *not* here: IP
//! fragmentation; that is the host's.

use crate::checksum::Sum;
use crate::ip::protocol;
use crate::tcp::{self, Flags};
use crate::{Checksum, Frame, Head, Medium, Offload, Payload, Seq, TransmitChecksum};
use crate::{ethernet, frame, ipv4, ipv6, udp};

/// Where the headers of a TCP or UDP frame are, in bytes from its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Where the IP header starts.
    pub ip_at: usize,
    /// Whether it is IPv6.
    pub is_ipv6: bool,
    /// TCP or UDP; see [`protocol`].
    pub protocol: u8,
    /// Where the transport header starts.
    pub transport_at: usize,
    /// Where the text starts.
    pub text_at: usize,
    /// Where the packet ends according to its length field. A link may have added padding after it; the
    /// length field of a captured super-segment may be wrong.
    pub end_at: usize,
}

impl Layout {
    /// Finds the headers in the bytes at the start of a frame; `None` for anything that is not a whole
    /// TCP segment or UDP datagram.
    pub fn of(start: &[u8], medium: Medium) -> Option<Layout> {
        let ip_at = match medium {
            Medium::Ip => 0,
            Medium::Ethernet => ethernet::Header::parse(start).ok()?.1,
        };
        let packet = start.get(ip_at..)?;
        let is_ipv6 = packet.first()? >> 4 == 6;
        let (protocol, ip_bytes, packet_bytes) = if is_ipv6 {
            let header = ipv6::Header::parse(packet).ok()?;
            let upper = ipv6::walk(packet).ok().filter(|upper| upper.fragment.is_none())?;
            (upper.protocol, upper.offset_bytes, ipv6::HEADER_BYTES + usize::from(header.payload_bytes))
        } else {
            let (header, header_bytes) = ipv4::Header::parse(packet).ok()?;
            (!header.is_fragment()).then_some((
                header.protocol,
                header_bytes,
                usize::from(header.total_bytes),
            ))?
        };
        let transport_at = ip_at + ip_bytes;
        let transport = start.get(transport_at..)?;
        let text_at = transport_at
            + match protocol {
                protocol::TCP => usize::from(transport.get(12)? >> 4) * 4,
                protocol::UDP => udp::HEADER_BYTES,
                _ => return None,
            };
        let whole = text_at >= transport_at + udp::HEADER_BYTES && text_at <= start.len();
        let whole = whole && (protocol == protocol::UDP || text_at >= transport_at + tcp::HEADER_BYTES_MIN);
        let end_at = ip_at + packet_bytes;
        whole.then_some(Layout { ip_at, is_ipv6, protocol, transport_at, text_at, end_at })
    }

    /// Where the transport checksum is, in bytes from the start of the frame.
    pub const fn checksum_at(&self) -> usize {
        self.transport_at + self.checksum_offset()
    }

    /// Where the transport checksum is, in bytes from the start of the transport header.
    pub const fn checksum_offset(&self) -> usize {
        if self.protocol == protocol::UDP { udp::CHECKSUM_OFFSET } else { tcp::CHECKSUM_OFFSET }
    }

    /// A checksum that is left to the link.
    const fn partial_checksum(&self) -> Checksum {
        Checksum::Partial { start: self.transport_at as u16, offset: self.checksum_offset() as u16 }
    }

    /// The pseudo-header's sum for a frame with these header bytes and this many bytes of text.
    fn pseudo_header(&self, head: &[u8], text_bytes: usize) -> Sum {
        let mut sum = self.addresses_and_protocol(head);
        sum.add_u32((self.text_at - self.transport_at + text_bytes) as u32);
        sum
    }

    /// The pseudo-header's sum without the length.
    fn addresses_and_protocol(&self, head: &[u8]) -> Sum {
        let addresses =
            if self.is_ipv6 { self.ip_at + 8..self.ip_at + 40 } else { self.ip_at + 12..self.ip_at + 20 };
        let mut sum = Sum::new();
        sum.add(&head[addresses]);
        sum.add_u16(u16::from(self.protocol));
        sum
    }
}

/// Cuts a frame into frames that fit the wire, with their transport checksums as `checksum` says.
///
/// A frame that is not a super-segment is returned alone, with its checksum filled in if `checksum` says so.
/// A frame that is neither TCP nor UDP is returned unchanged.
///
/// Every piece has its own IPv4 identification (counting up), lengths, IPv4 header checksum and sequence
/// number; FIN and PSH stay on the last, CWR on the first.
///
/// ```
/// use synfin_wire::{Frame, Medium, TransmitChecksum, segmentation};
/// let frame = Frame::from_bytes(bytes::Bytes::from_static(&[0x45, 0, 0, 20]));
/// assert_eq!(segmentation::cut(frame, Medium::Ip, TransmitChecksum::Full).count(), 1);
/// ```
pub fn cut(mut frame: Frame, medium: Medium, checksum: TransmitChecksum) -> Cut {
    let segment_bytes = usize::from(frame.offload.segment_bytes);
    let nothing_to_do = segment_bytes == 0
        && (frame.offload.checksum == Checksum::Complete || checksum != TransmitChecksum::Full);
    let layout = if nothing_to_do { None } else { bring_headers_together(&mut frame, medium) };
    let Some(layout) = layout else {
        return Cut { rest: Rest::Unchanged(Some(frame)) };
    };
    let is_tcp = layout.protocol == protocol::TCP;
    let segment_bytes = if is_tcp && segment_bytes > 0 { segment_bytes } else { usize::MAX };
    Cut { rest: Rest::Pieces(Pieces::new(frame, layout, segment_bytes, checksum)) }
}

/// Fills in the checksum that the sender left to the link; leaves a complete one alone.
///
/// If the headers of the frame are in its payload, they are moved into its head.
pub fn complete_checksum(frame: &mut Frame, medium: Medium) {
    if frame.offload.checksum == Checksum::Complete {
        return;
    }
    if let Some(layout) = bring_headers_together(frame, medium) {
        write_checksum(frame, &layout, TransmitChecksum::Full);
    }
}

/// Whether the transport checksum of a TCP or UDP frame is right; `None` for any other frame, and for UDP
/// without a checksum. The field is read as it is, even if the sender left the checksum to the link.
pub fn checksum_is_good(frame: &Frame, medium: Medium) -> Option<bool> {
    let start = if frame.head.as_slice().is_empty() {
        frame.payload.pieces().next()?.as_ref()
    } else {
        frame.head.as_slice()
    };
    let layout = Layout::of(start, medium)?;
    if layout.protocol == protocol::UDP && start[layout.checksum_at()..layout.checksum_at() + 2] == [0, 0] {
        return None;
    }
    let end = layout.end_at;
    let text_bytes = end.checked_sub(layout.text_at).filter(|_| end <= frame.len())?;
    let mut sum = layout.pseudo_header(start, text_bytes);
    sum.add(&start[layout.transport_at..layout.text_at]);
    let text_starts = layout.text_at - frame.head.as_slice().len();
    sum.add_payload(&frame.payload.slice(text_starts, text_bytes));
    Some(sum.is_intact())
}

/// The frames that [`cut`] makes, in order.
#[derive(Debug)]
pub struct Cut {
    rest: Rest,
}

#[derive(Debug)]
#[allow(clippy::large_enum_variant)] // lives on the stack of one loop; boxing would cost an allocation
enum Rest {
    Unchanged(Option<Frame>),
    Pieces(Pieces),
}

#[derive(Debug)]
struct Pieces {
    frame: Frame,
    layout: Layout,
    segment_bytes: usize,
    text_bytes: usize,
    checksum: TransmitChecksum,
    constant: Constant,
    /// How many pieces have been returned.
    number: u32,
    /// How many bytes of text have been returned.
    returned_bytes: usize,
}

impl Iterator for Cut {
    type Item = Frame;

    fn next(&mut self) -> Option<Frame> {
        match &mut self.rest {
            Rest::Unchanged(frame) => frame.take(),
            Rest::Pieces(pieces) => pieces.next(),
        }
    }
}

impl Pieces {
    fn new(frame: Frame, layout: Layout, segment_bytes: usize, checksum: TransmitChecksum) -> Pieces {
        let text_bytes = frame.payload.len();
        let constant = Constant::of(frame.head.as_slice(), &layout);
        Pieces { frame, layout, segment_bytes, text_bytes, checksum, constant, number: 0, returned_bytes: 0 }
    }

    fn next(&mut self) -> Option<Frame> {
        if self.number > 0 && self.returned_bytes >= self.text_bytes {
            return None;
        }
        let piece_bytes = self.segment_bytes.min(self.text_bytes - self.returned_bytes);
        let is_last = self.returned_bytes + piece_bytes == self.text_bytes;
        let mut piece = Frame {
            head: self.frame.head.clone(),
            payload: self.frame.payload.slice(self.returned_bytes, piece_bytes),
            offload: Offload { segment_bytes: 0, checksum: self.frame.offload.checksum },
        };
        if self.number > 0 || !is_last {
            self.write_ip_header(&mut piece, piece_bytes);
            self.write_tcp_header(&mut piece, piece_bytes, is_last);
        } else if piece.offload.checksum != Checksum::Complete && self.checksum == TransmitChecksum::Full {
            write_checksum(&mut piece, &self.layout, TransmitChecksum::Full);
        }
        self.number += 1;
        self.returned_bytes += piece_bytes;
        Some(piece)
    }

    fn write_ip_header(&self, piece: &mut Frame, piece_bytes: usize) {
        // A piece is no longer than its frame, whose length fits 16 bits unless it is a captured
        // super-segment. Then the segment size fits 16 bits, so only absurd headers could overflow.
        let ip_bytes = (self.layout.text_at - self.layout.ip_at + piece_bytes) as u16;
        let ip = &mut piece.head.as_mut_slice()[self.layout.ip_at..self.layout.transport_at];
        if self.layout.is_ipv6 {
            let payload_bytes = ip_bytes - ipv6::HEADER_BYTES as u16;
            ip[4..6].copy_from_slice(&payload_bytes.to_be_bytes());
            return;
        }
        let identification = self.constant.identification.wrapping_add(self.number as u16);
        let mut sum = self.constant.ip;
        sum.add_u16(ip_bytes);
        sum.add_u16(identification);
        ip[2..4].copy_from_slice(&ip_bytes.to_be_bytes());
        ip[4..6].copy_from_slice(&identification.to_be_bytes());
        ip[10..12].copy_from_slice(&sum.checksum().to_be_bytes());
    }

    fn write_tcp_header(&self, piece: &mut Frame, piece_bytes: usize, is_last: bool) {
        let seq = self.constant.seq + self.returned_bytes as u32;
        let mut cleared = Flags::NONE;
        if !is_last {
            cleared |= Flags::FIN | Flags::PSH;
        }
        if self.number > 0 {
            cleared |= Flags::CWR;
        }
        let offset_and_flags = self.constant.offset_and_flags & !cleared.bits();
        let transport_bytes = (self.layout.text_at - self.layout.transport_at + piece_bytes) as u32;
        let (value, state) = match self.checksum {
            TransmitChecksum::Full => {
                let mut sum = self.constant.tcp;
                sum.add_u32(transport_bytes);
                sum.add_u32(seq.number());
                sum.add_u16(offset_and_flags);
                sum.add_payload(&piece.payload);
                (sum.checksum(), Checksum::Complete)
            }
            TransmitChecksum::Partial => {
                let mut sum = self.constant.pseudo_header;
                sum.add_u32(transport_bytes);
                (sum.folded(), self.layout.partial_checksum())
            }
            TransmitChecksum::None => (0, Checksum::Trusted),
        };
        piece.offload.checksum = state;
        let tcp = &mut piece.head.as_mut_slice()[self.layout.transport_at..];
        tcp[4..8].copy_from_slice(&seq.number().to_be_bytes());
        tcp[12..14].copy_from_slice(&offset_and_flags.to_be_bytes());
        tcp[16..18].copy_from_slice(&value.to_be_bytes());
    }
}

/// What is the same in all pieces, read and summed once: a piece adds only what differs.
#[derive(Debug)]
struct Constant {
    /// IPv4: the identification of the first piece.
    identification: u16,
    /// IPv4: the header without total length, identification and checksum.
    ip: Sum,
    seq: Seq,
    offset_and_flags: u16,
    /// Addresses and protocol.
    pseudo_header: Sum,
    /// Addresses, protocol, and the TCP header without sequence number, flags and checksum.
    tcp: Sum,
}

impl Constant {
    fn of(head: &[u8], layout: &Layout) -> Constant {
        let ip_header = &head[layout.ip_at..layout.transport_at];
        let tcp = &head[layout.transport_at..];
        let u16_at = |bytes: &[u8], at: usize| u16::from_be_bytes([bytes[at], bytes[at + 1]]);
        let mut ip = Sum::new();
        for range in [0..2, 6..10, 12..ip_header.len()] {
            ip.add(&ip_header[range]);
        }
        let pseudo_header = layout.addresses_and_protocol(head);
        let mut sum = pseudo_header;
        if layout.protocol == protocol::TCP {
            for range in [0..4, 8..12, 14..16, 18..tcp.len()] {
                sum.add(&tcp[range]);
            }
        }
        let is_tcp = layout.protocol == protocol::TCP;
        Constant {
            identification: u16_at(ip_header, 4),
            ip,
            seq: Seq::new(if is_tcp {
                u32::from(u16_at(tcp, 4)) << 16 | u32::from(u16_at(tcp, 6))
            } else {
                0
            }),
            offset_and_flags: if is_tcp { u16_at(tcp, 12) } else { 0 },
            pseudo_header,
            tcp: sum,
        }
    }
}

/// Computes the transport checksum again and writes it as `checksum` says.
fn write_checksum(frame: &mut Frame, layout: &Layout, checksum: TransmitChecksum) {
    let field = layout.checksum_at()..layout.checksum_at() + 2;
    let mut sum = layout.pseudo_header(frame.head.as_slice(), frame.payload.len());
    let head = frame.head.as_mut_slice();
    let (value, state) = match checksum {
        TransmitChecksum::Full => {
            head[field.clone()].copy_from_slice(&[0, 0]);
            sum.add(&head[layout.transport_at..]);
            sum.add_payload(&frame.payload);
            let is_udp = layout.protocol == protocol::UDP;
            let value = if is_udp { udp::checksum_field(sum.checksum()) } else { sum.checksum() };
            (value, Checksum::Complete)
        }
        TransmitChecksum::Partial => (sum.folded(), layout.partial_checksum()),
        TransmitChecksum::None => (0, Checksum::Trusted),
    };
    frame.offload.checksum = state;
    head[field].copy_from_slice(&value.to_be_bytes());
}

/// Moves all headers of a contiguous frame into its head, so that they can be changed, and removes what a
/// link added after the packet. `None`, with nothing changed, if the frame is neither TCP nor UDP or if its
/// headers do not fit.
fn bring_headers_together(frame: &mut Frame, medium: Medium) -> Option<Layout> {
    if !frame.head.as_slice().is_empty() {
        return Layout::of(frame.head.as_slice(), medium)
            .filter(|layout| layout.text_at == frame.head.as_slice().len());
    }
    let first = frame.payload.pieces().next()?;
    let layout = Layout::of(first, medium).filter(|layout| layout.text_at <= frame::HEAD_BYTES_MAX)?;
    let mut head = Head::new();
    head.grow(layout.text_at).copy_from_slice(&first[..layout.text_at]);
    let length_is_possible = (layout.text_at..=frame.payload.len()).contains(&layout.end_at);
    let end_at = if length_is_possible { layout.end_at } else { frame.payload.len() };
    let text: Payload = frame.payload.slice(layout.text_at, end_at - layout.text_at);
    frame.head = head;
    frame.payload = text;
    Some(layout)
}

#[cfg(test)]
mod tests;
