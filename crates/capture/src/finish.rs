//! Finishing a copied frame: what its sender had left to the link.
//!
//! A frame captured on a link with offload has a partial checksum, or none, and may be a
//! super-segment. A reader of the file would call that a bad checksum. [`Finish`] says what the
//! writer repairs in the copy; the frame on the link is never touched. IPv4 (RFC 791) and IPv6
//! (RFC 8200) with TCP (RFC 9293 §3.1) or UDP (RFC 768) directly behind the IP header, which is all
//! that this stack emits; other packets are written as they are.

use crate::LinkType;

/// Whether the checksums of the copy are made good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Checksums {
    /// The bytes as they crossed the link, checksum filled in or not.
    AsTheyAre,
    /// Frames whose checksum was left to the link get it computed.
    #[default]
    Completed,
}

/// How a super-segment is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum SuperSegments {
    /// As one long packet, as a capture on a host with segmentation offload shows it.
    #[default]
    Whole,
    /// As the packets that the link would cut it into.
    Cut,
}

/// What to repair in the copy of a frame before it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Finish {
    /// What happens to checksums.
    pub checksums: Checksums,
    /// What happens to super-segments.
    pub super_segments: SuperSegments,
}

const PROTOCOL_TCP: u8 = 6;
const PROTOCOL_UDP: u8 = 17;

/// Where a packet's headers start.
#[derive(Clone, Copy, Debug)]
struct Layout {
    ip: usize,
    transport: usize,
    end: usize,
    protocol: u8,
}

/// Writes a good TCP or UDP checksum into `packet`, whatever was there. Leaves other packets alone.
pub(crate) fn complete_checksum(link_type: LinkType, packet: &mut [u8]) {
    let Some(layout) = layout(link_type, packet) else { return };
    let field = layout.transport + if layout.protocol == PROTOCOL_TCP { 16 } else { 6 };
    let Some(place) = packet.get_mut(field..field + 2) else { return };
    place.fill(0);
    let sum = checksum(packet, &layout);
    packet[field..field + 2].copy_from_slice(&sum.to_be_bytes());
}

fn checksum(packet: &[u8], layout: &Layout) -> u16 {
    let addresses = match packet[layout.ip] >> 4 {
        4 => &packet[layout.ip + 12..layout.ip + 20],
        _ => &packet[layout.ip + 8..layout.ip + 40],
    };
    let transport = &packet[layout.transport..layout.end];
    let mut sum = u64::from(layout.protocol) + transport.len() as u64;
    sum += sum_words(addresses) + sum_words(transport);
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    match (!(sum as u16), layout.protocol) {
        (0, PROTOCOL_UDP) => 0xffff, // RFC 768: zero means "not computed"
        (complement, _) => complement,
    }
}

fn sum_words(bytes: &[u8]) -> u64 {
    let (words, last) = bytes.as_chunks::<2>();
    let sum: u64 = words.iter().map(|&word| u64::from(u16::from_be_bytes(word))).sum();
    sum + last.first().map_or(0, |&byte| u64::from(byte) << 8)
}

fn layout(link_type: LinkType, packet: &[u8]) -> Option<Layout> {
    let ip = match link_type {
        LinkType::ETHERNET => match packet.get(12..14)? {
            [0x08, 0x00] | [0x86, 0xdd] => 14,
            _ => return None,
        },
        LinkType::RAW | LinkType::IPV4 | LinkType::IPV6 => 0,
        _ => return None,
    };
    let header = packet.get(ip..)?;
    let (header_bytes, protocol, end) = match header.first()? >> 4 {
        4 if header.len() >= 20 => {
            let total = usize::from(u16::from_be_bytes([header[2], header[3]]));
            let fragmented = u16::from_be_bytes([header[6], header[7]]) & 0x3fff != 0;
            if fragmented {
                return None;
            }
            (usize::from(header[0] & 0x0f) * 4, header[9], ip + total)
        }
        6 if header.len() >= 40 => {
            (40, header[6], ip + 40 + usize::from(u16::from_be_bytes([header[4], header[5]])))
        }
        _ => return None,
    };
    let transport = ip + header_bytes;
    let least = match protocol {
        PROTOCOL_TCP => 20,
        PROTOCOL_UDP => 8,
        _ => return None,
    };
    let fits = header_bytes >= 20 && end <= packet.len() && transport + least <= end;
    fits.then_some(Layout { ip, transport, end, protocol })
}

#[cfg(test)]
mod tests;
