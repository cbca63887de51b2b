//! What a test sees of a frame for which it decides a [`Fate`](netem::Fate).

use crate::ids::{HostId, LinkId};
use tcp::{Instant, SegmentFacts};
use wire::ip::protocol;
use wire::segmentation::Layout;
use wire::{Frame, Medium};

/// A frame that a host is sending, as [`crate::World::set_fate`] sees it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Sent<'a> {
    /// When.
    pub at: Instant,
    /// Where.
    pub link: LinkId,
    /// By whom.
    pub from: HostId,
    /// To the host at the other end.
    pub to: HostId,
    /// The frame itself, headers in its head.
    pub frame: &'a Frame,
}

/// A frame that has come to the end of its way, as [`crate::World::set_arrival`] sees it: behind the queue, the delay and
/// all that a link does.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Arriving<'a> {
    /// When.
    pub at: Instant,
    /// Its place among the world's frames.
    pub record: usize,
    /// From whom.
    pub from: HostId,
    /// To whom.
    pub to: HostId,
    /// The frame itself.
    pub frame: &'a Frame,
}

impl Sent<'_> {
    /// The TCP header and the number of bytes of text; `None` if it is no TCP segment.
    pub fn tcp(&self) -> Option<(wire::tcp::Header, usize)> {
        tcp_of(self.frame)
    }
}

/// What a segment says, the window as it stands in the header.
pub(crate) fn facts_of(frame: &Frame) -> Option<SegmentFacts> {
    let (header, text_bytes) = tcp_of(frame)?;
    let wire::tcp::Header { seq, ack, flags, window, .. } = header;
    Some(SegmentFacts { seq, ack, flags, len_bytes: text_bytes as u32, window_bytes: u32::from(window) })
}

/// The TCP header of a frame and how many bytes of text follow it.
pub(crate) fn tcp_of(frame: &Frame) -> Option<(wire::tcp::Header, usize)> {
    let head = frame.head.as_slice();
    let layout = Layout::of(head, Medium::Ip).filter(|layout| layout.protocol == protocol::TCP)?;
    let (header, _) = wire::tcp::Header::parse(&head[layout.transport_at..]).ok()?;
    Some((header, frame.len() - layout.text_at))
}
