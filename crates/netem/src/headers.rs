//! Where the packet of a frame starts, and its headers in a place where they can be changed.

use wire::ethernet::{self, ethertype};
use wire::frame::HEAD_BYTES_MAX;
use wire::segmentation::Layout;
use wire::{Frame, Head, Medium, ipv4, ipv6};

/// Where the IP packet starts; `None` if the frame carries none.
pub(crate) fn packet_at(frame: &Frame, medium: Medium) -> Option<usize> {
    let head = frame.head.as_slice();
    let start = if head.is_empty() { frame.payload.pieces().next()?.as_ref() } else { head };
    let at = match medium {
        Medium::Ip => 0,
        Medium::Ethernet => {
            let (header, bytes) = ethernet::Header::parse(start).ok()?;
            matches!(header.ethertype, ethertype::IPV4 | ethertype::IPV6).then_some(bytes)?
        }
    };
    let first = match start.get(at) {
        Some(first) => *first,
        // The head may be nothing but the Ethernet header.
        None if !head.is_empty() => *frame.payload.pieces().next()?.first()?,
        None => return None,
    };
    matches!(first >> 4, 4 | 6).then_some(at)
}

/// Moves the headers of a frame that is one slice into its head, where they can be changed: down to the text of TCP and
/// UDP, else the IP header.
pub(crate) fn settle(frame: &mut Frame, medium: Medium) {
    if !frame.head.as_slice().is_empty() {
        return;
    }
    let Some(at) = packet_at(frame, medium) else { return };
    let Some(first) = frame.payload.pieces().next() else { return };
    let packet = &first[at..];
    let head_bytes = match Layout::of(first, medium) {
        Some(layout) => layout.text_at,
        None if packet[0] >> 4 == 6 && packet.len() >= ipv6::HEADER_BYTES => at + ipv6::HEADER_BYTES,
        None => match ipv4::Header::parse(packet) {
            Ok((_, bytes)) => at + bytes,
            Err(_) => return,
        },
    };
    if head_bytes > HEAD_BYTES_MAX {
        return;
    }
    let mut head = Head::new();
    head.grow(head_bytes).copy_from_slice(&first[..head_bytes]);
    frame.payload = frame.payload.slice(head_bytes, frame.payload.len() - head_bytes);
    frame.head = head;
}
