//! Segments that no host has sent: made from nothing, or from one on its way.

use crate::deed::Change;
use std::net::{Ipv4Addr, SocketAddrV4};
use wire::tcp::{Header, OptionLayout};
use wire::{Checksum, Frame, Medium, Payload, Seq, ipv4, segmentation};

const IP_BYTES: usize = 20;

/// A segment without text, from one end to the other.
pub(crate) fn segment([from, to]: [SocketAddrV4; 2], header: &Header) -> Frame {
    let header = Header { source_port: from.port(), destination_port: to.port(), ..*header };
    packet([*from.ip(), *to.ip()], &header, Payload::default())
}

fn packet([source, destination]: [Ipv4Addr; 2], header: &Header, text: Payload) -> Frame {
    let layout = OptionLayout::default();
    let len = header.len_bytes(layout);
    let ip = ipv4::Header {
        source,
        destination,
        protocol: wire::ip::protocol::TCP,
        total_bytes: (IP_BYTES + len + text.len()) as u16,
        ..ipv4::Header::default()
    };
    let mut frame = Frame::default();
    ip.emit(frame.head.grow(IP_BYTES));
    header.emit(frame.head.grow(len), layout);
    frame.payload = text;
    frame.offload.checksum = Checksum::Partial { start: IP_BYTES as u16, offset: 16 };
    segmentation::complete_checksum(&mut frame, Medium::Ip);
    frame
}

/// The same segment with other fields; `None` if it is none that the lab's hosts send.
pub(crate) fn changed(frame: &Frame, change: &Change) -> Option<Frame> {
    let (ip, at) = ipv4::Header::parse(frame.head.as_slice()).ok()?;
    let (mut header, _) = Header::parse(frame.head.as_slice().get(at..)?).ok()?;
    apply(&mut header, change);
    Some(packet([ip.source, ip.destination], &header, frame.payload.clone()))
}

/// Puts what is changed into a header.
pub(crate) fn apply(header: &mut Header, change: &Change) {
    if let Ok(Some(flags)) = change.flags() {
        header.flags = flags;
    }
    header.seq = change.seq.map_or(header.seq, Seq::new);
    header.ack = change.ack.map_or(header.ack, Seq::new);
    header.window = change.window.unwrap_or(header.window);
}
