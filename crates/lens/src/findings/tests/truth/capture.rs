//! Marks of the capture itself.

use super::{Case, fresh, opened, silent, told};
use crate::FindingId as Id;
use crate::story::{ACK, SYN, Story};

/// A download of so many segments, each acknowledged.
fn download(segments: u32) -> Story {
    opened(|story| {
        for _ in 0..segments {
            story.send(1, ACK, 1_000);
            story.wait_ms(5).send(0, ACK, 0);
        }
    })
}

/// These of the download are not in the capture.
fn missing(segments: u32, of: &[usize]) -> Story {
    let mut story = download(segments);
    let frames: Vec<_> = of.iter().map(|n| story.segments[3 + 2 * n].frame).collect();
    story.segments.retain(|segment| !frames.contains(&segment.frame));
    story
}

/// The server's packets are in the capture so much later.
fn late(segments: u32, ns: u64) -> Story {
    let mut story = download(segments);
    let server = story.ends[1];
    for segment in story.segments.iter_mut().skip(3).filter(|segment| segment.source == server) {
        segment.time = tcp::Instant::from_nanos(segment.time.as_nanos() + ns);
    }
    story.segments.sort_by_key(|segment| segment.time);
    story
}

/// The download with these packets twice.
fn twice(of: &[usize], hops: u8) -> Story {
    let mut story = download(10);
    for n in of.iter().rev() {
        let mut copy = story.segments[*n];
        copy.time = tcp::Instant::from_nanos(copy.time.as_nanos() + 2_000);
        (copy.frame, copy.ttl) = (copy.frame + 500, copy.ttl - hops);
        story.segments.insert(n + 1, copy);
    }
    story
}

fn only(side: usize, segments: u32) -> Story {
    let mut story = download(segments);
    let end = story.ends[side];
    story.segments.retain(|segment| segment.source == end);
    story
}

fn swapped(of: &[usize]) -> Story {
    let mut story = download(10);
    for n in of {
        story.segments.swap(*n, n + 1);
    }
    story
}

fn large(bytes: u32, segments: u32) -> Story {
    opened(|story| {
        (0..segments).for_each(|_| _ = story.send(0, ACK, bytes));
        story.wait_ms(20).send(1, ACK, 0);
    })
}

fn lost_here() -> Story {
    // lost before the capture point, and sent again: nothing is missing
    opened(|story| {
        let first = story.next[1];
        story.send(1, ACK, 1_000);
        story.segments.pop();
        let end = story.next[1];
        story.received[0] = first;
        story.send(1, ACK, 1_000);
        story.received[0] = first;
        story.send(0, ACK, 0);
        story.wait_ms(300).again(1, first, ACK, end - first);
        story.received[0] = story.next[1];
        story.send(0, ACK, 0);
    })
}

fn begins_with_a_keep_alive() -> Story {
    opened(|story| {
        story.segments.clear();
        let before = story.next[0] - 1;
        story.again(0, before, ACK, 0);
        story.wait_ms(20).send(1, ACK, 0);
        story.wait_ms(60_000).again(0, before, ACK, 0);
        story.wait_ms(20).send(1, ACK, 0);
    })
}

pub(super) fn cases() -> Vec<Case> {
    vec![
        told(Id::CaptureLoss, "one segment", missing(20, &[5])),
        told(Id::CaptureLoss, "three in a row", missing(20, &[5, 6, 7])),
        told(Id::CaptureLoss, "here and there", missing(20, &[2, 9, 15])),
        silent(Id::CaptureLoss, "nothing", download(20)),
        silent(Id::CaptureLoss, "lost before it was captured", lost_here()),
        silent(Id::CaptureLoss, "one direction is late", late(20, 6_000_000)),
        silent(Id::CaptureLoss, "it begins with a keep-alive", begins_with_a_keep_alive()),
        told(Id::DirectionLate, "by 6 ms", late(20, 6_000_000)),
        told(Id::DirectionLate, "by 8 ms", late(10, 8_000_000)),
        told(Id::DirectionLate, "by 30 ms", late(10, 30_000_000)),
        silent(Id::DirectionLate, "by less than a round trip", late(20, 1_000_000)),
        silent(Id::DirectionLate, "nothing", download(20)),
        silent(Id::DirectionLate, "something is missing", missing(20, &[5])),
        told(Id::CapturedTwice, "one", twice(&[5], 0)),
        told(Id::CapturedTwice, "five", twice(&[3, 5, 7, 9, 11], 0)),
        told(Id::CapturedTwice, "across a router", twice(&[5], 1)),
        silent(Id::CapturedTwice, "nothing", download(10)),
        silent(Id::CapturedTwice, "sent again", lost_here()),
        silent(Id::CapturedTwice, "keep-alives", begins_with_a_keep_alive()),
        told(Id::OneSided, "the client's", only(0, 10)),
        told(Id::OneSided, "the server's", only(1, 10)),
        told(Id::OneSided, "two segments", only(1, 2)),
        silent(Id::OneSided, "both", download(10)),
        silent(Id::OneSided, "SYNs alone", fresh(|story| _ = story.send(0, SYN, 0))),
        silent(Id::OneSided, "both, for a moment", download(1)),
        told(Id::RecordsReordered, "one", swapped(&[5])),
        told(Id::RecordsReordered, "three", swapped(&[5, 9, 13])),
        told(Id::RecordsReordered, "the first", swapped(&[3])),
        silent(Id::RecordsReordered, "in order", download(10)),
        silent(Id::RecordsReordered, "late, and in order", late(10, 6_000_000)),
        silent(Id::RecordsReordered, "captured twice", twice(&[5], 0)),
        told(Id::SuperSegments, "of 2,920 bytes", large(2_920, 1)),
        told(Id::SuperSegments, "of 14,600 bytes", large(14_600, 3)),
        told(Id::SuperSegments, "of a byte too many", large(1_461, 2)),
        silent(Id::SuperSegments, "of the MSS", large(1_460, 3)),
        silent(Id::SuperSegments, "small ones", large(100, 3)),
        silent(Id::SuperSegments, "without a handshake", {
            let mut story = large(8_960, 3);
            story.segments.drain(..3);
            story
        }),
    ]
}
