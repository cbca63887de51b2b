//! An Ethernet end of a link: what it puts before packets, takes from them, and to whom it does not listen.
//!
//! Links carry IP packets; only the hosts at their ends see Ethernet. ARP packets, which are not IP, cross as whole
//! frames. What is *not* here: bridges, VLANs, a third station (a stranger's frames are injected).

use wire::ethernet::{HEADER_BYTES, Header, MacAddress, ethertype};
use wire::{Checksum, Frame, Head, Payload};

/// The address of a host on a link: made by us (the bit of the first byte says so), and no two are the same.
pub(crate) const fn address(link: usize, side: usize) -> MacAddress {
    let [.., a, b] = (link as u16).to_be_bytes();
    MacAddress([0x02, 0, 0, a, b, side as u8 + 1])
}

/// A frame that a host sends as the link carries it; `None` if it is for a station that is not there.
pub(super) fn leaves(frame: Frame, peer: MacAddress) -> Option<Frame> {
    let start = if frame.head.as_slice().is_empty() {
        frame.payload.pieces().next().map_or(&[][..], |piece| piece.as_ref())
    } else {
        frame.head.as_slice()
    };
    let (header, ip_at) = Header::parse(start).ok()?;
    if header.destination != peer && !header.destination.is_multicast() {
        return None;
    }
    let is_ip = matches!(header.ethertype, ethertype::IPV4 | ethertype::IPV6);
    if !is_ip || ip_at != HEADER_BYTES {
        return Some(frame);
    }
    let Frame { head, mut payload, mut offload } = frame;
    let mut without = Head::new();
    match head.as_slice() {
        [] => payload.advance(HEADER_BYTES),
        head => without.grow(head.len() - HEADER_BYTES).copy_from_slice(&head[HEADER_BYTES..]),
    }
    if let Checksum::Partial { start, .. } = &mut offload.checksum {
        *start -= HEADER_BYTES as u16;
    }
    Some(Frame { head: without, payload, offload })
}

/// What the link carries as it arrives at a host. What is no IP is a frame already, or noise.
pub(super) fn arrives(frame: Frame, [from, to]: [MacAddress; 2]) -> Frame {
    let is_contiguous = frame.head.as_slice().is_empty();
    let bytes = if is_contiguous { frame.to_vec() } else { frame.head.as_slice().to_vec() };
    let (ethertype, destination) = match bytes.as_slice() {
        [first, ..] if first >> 4 == 4 => (ethertype::IPV4, to),
        [first, ..] if first >> 4 == 6 => (ethertype::IPV6, station_of_v6(&bytes).unwrap_or(to)),
        _ => return frame,
    };
    let mut ethernet = [0; HEADER_BYTES];
    Header { destination, source: from, ethertype, vlan: None }.emit(&mut ethernet);
    let mut offload = frame.offload;
    if let Checksum::Partial { start, .. } = &mut offload.checksum {
        *start += HEADER_BYTES as u16;
    }
    if is_contiguous {
        let whole = [ethernet.as_slice(), bytes.as_slice()].concat();
        return Frame { head: Head::new(), payload: Payload::from(bytes::Bytes::from(whole)), offload };
    }
    let mut head = Head::new();
    head.grow(HEADER_BYTES).copy_from_slice(&ethernet);
    head.grow(bytes.len()).copy_from_slice(&bytes);
    Frame { head, payload: frame.payload, offload }
}

/// The group of stations that an IPv6 packet to a group is for.
fn station_of_v6(packet: &[u8]) -> Option<MacAddress> {
    let destination = wire::ipv6::Header::parse(packet).ok()?.destination;
    destination.is_multicast().then(|| MacAddress::of_ipv6_multicast(destination))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leaves_arrives_as_it_was() {
        let (here, there) = (address(3, 0), address(3, 1));
        let mut sent = Frame::default();
        Header { destination: there, source: here, ethertype: ethertype::IPV4, vlan: None }
            .emit(sent.head.grow(HEADER_BYTES));
        sent.head.grow(20)[0] = 0x45;
        sent.payload = Payload::from(bytes::Bytes::from_static(b"text"));
        sent.offload.checksum = Checksum::Partial { start: 34, offset: 16 };
        let whole = sent.to_vec();
        let under_way = leaves(sent.clone(), there).expect("it is for the other end");
        assert_eq!(under_way.to_vec(), whole[HEADER_BYTES..]);
        assert_eq!(under_way.offload.checksum, Checksum::Partial { start: 20, offset: 16 });
        let arrived = arrives(under_way, [here, there]);
        assert_eq!((arrived.to_vec(), arrived.offload), (whole.clone(), sent.offload));
        // In one piece, too; and nobody else is on the link.
        let contiguous =
            leaves(Frame::from_bytes(whole.clone().into()), there).expect("it is for the other end");
        assert_eq!(arrives(contiguous, [here, there]).to_vec(), whole);
        assert!(leaves(sent, address(3, 2)).is_none());
        assert!(leaves(Frame::default(), there).is_none());
    }
}
