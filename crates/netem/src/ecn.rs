//! The ECN field of a packet on its way (RFC 3168 §5).

use crate::headers::packet_at;
use wire::ip::Ecn;
use wire::{Frame, Medium, checksum};

/// What the field says; "not capable" for what is no IP packet with its header in its head.
pub(crate) fn field_of(frame: &Frame, medium: Medium) -> Ecn {
    let Some(at) = packet_at(frame, medium) else { return Ecn::NotCapable };
    match frame.head.as_slice().get(at..).unwrap_or_default() {
        [first, class, ..] if first >> 4 == 4 => Ecn::from_bits(*class),
        [first, class, ..] if first >> 4 == 6 => Ecn::from_bits(class >> 4),
        _ => Ecn::NotCapable,
    }
}

/// Writes the field; an IPv4 header's checksum follows. Nothing happens to what is no IP packet.
pub(crate) fn write(frame: &mut Frame, medium: Medium, ecn: Ecn) {
    let Some(at) = packet_at(frame, medium) else { return };
    let Some(head) = frame.head.as_mut_slice().get_mut(at..) else { return };
    match head.first().map(|first| first >> 4) {
        Some(4) if head.len() >= 20 => {
            let old = u16::from_be_bytes([head[0], head[1]]);
            head[1] = head[1] & !3 | ecn.bits();
            let new = u16::from_be_bytes([head[0], head[1]]);
            let sum = checksum::updated(u16::from_be_bytes([head[10], head[11]]), old, new);
            head[10..12].copy_from_slice(&sum.to_be_bytes());
        }
        Some(6) if head.len() >= 40 => head[1] = head[1] & !0x30 | ecn.bits() << 4,
        _ => {}
    }
}

/// Marks a packet "congestion experienced" if its sender is ECN-capable; returns whether.
pub(crate) fn mark(frame: &mut Frame, medium: Medium) -> bool {
    let is_capable = field_of(frame, medium) != Ecn::NotCapable;
    if is_capable {
        write(frame, medium, Ecn::CongestionExperienced);
    }
    is_capable
}
