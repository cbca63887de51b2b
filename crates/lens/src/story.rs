//! Connections made by hand, for tests: what each end sends, in order.

use crate::{Analysis, Config, Connection, Finding, KeepSegments, Kept, Lens, Segment};
use std::net::SocketAddr;
use tcp::Instant;
use tcp::state::State;
use wire::Seq;
use wire::tcp::{Flags, Options, SackBlock, Timestamps};

pub(crate) const SYN: Flags = Flags::SYN;
pub(crate) const FIN: Flags = Flags::FIN;
pub(crate) const RST: Flags = Flags::RST;
pub(crate) const ACK: Flags = Flags::ACK;

/// Two ends that talk.
pub(crate) struct Story {
    pub(crate) ends: [SocketAddr; 2],
    pub(crate) next: [u32; 2],
    /// What each end has received and acknowledges.
    pub(crate) received: [u32; 2],
    pub(crate) ns: u64,
    frame: u32,
    id: [u16; 2],
    pub(crate) window: [u16; 2],
    stamps: bool,
    pub(crate) segments: Vec<Segment>,
}

impl Story {
    pub(crate) fn new() -> Story {
        Story {
            ends: [SocketAddr::from(([10, 0, 0, 1], 51_000)), SocketAddr::from(([10, 0, 0, 2], 80))],
            next: [1_000, 9_000],
            received: [9_000, 1_000],
            ns: 1_000_000_000,
            frame: 0,
            id: [100, 200],
            window: [65_535, 65_535],
            stamps: false,
            segments: Vec::new(),
        }
    }

    pub(crate) fn with_timestamps() -> Story {
        Story { stamps: true, ..Story::new() }
    }

    /// An opened connection with a round trip of 20 ms, captured at end 0.
    pub(crate) fn open() -> Story {
        Story::new().opened()
    }

    pub(crate) fn opened(mut self) -> Story {
        self.opened_again();
        self
    }

    /// Three steps from the numbers that the ends have now.
    pub(crate) fn opened_again(&mut self) -> &mut Story {
        self.send(0, SYN, 0);
        self.wait_ms(20).send(1, SYN | ACK, 0);
        self.send(0, ACK, 0);
        self
    }

    pub(crate) fn wait_ms(&mut self, ms: u64) -> &mut Story {
        self.ns += ms * 1_000_000;
        self
    }

    /// `from` sends what comes next, and the other end receives it.
    pub(crate) fn send(&mut self, from: usize, flags: Flags, text_bytes: u32) -> &mut Segment {
        let segment = self.build(from, flags, text_bytes);
        self.next[from] = segment.end().number();
        self.received[1 - from] = self.next[from];
        self.segments.push(segment);
        self.segments.last_mut().expect("just pushed")
    }

    /// `from` sends what comes next, and it is lost behind the capture point.
    pub(crate) fn lose(&mut self, from: usize, flags: Flags, text_bytes: u32) -> &mut Segment {
        let segment = self.build(from, flags, text_bytes);
        self.next[from] = segment.end().number();
        self.segments.push(segment);
        self.segments.last_mut().expect("just pushed")
    }

    /// `from` sends the segment of this place again.
    pub(crate) fn again(&mut self, from: usize, seq: u32, flags: Flags, text_bytes: u32) -> &mut Segment {
        let mut segment = self.build(from, flags, text_bytes);
        segment.seq = Seq::new(seq);
        self.segments.push(segment);
        self.segments.last_mut().expect("just pushed")
    }

    /// `from` repeats its acknowledgment and reports `left` up to `right`.
    pub(crate) fn sack(&mut self, from: usize, ack: u32, left: u32, right: u32) -> &mut Segment {
        let mut segment = self.build(from, ACK, 0);
        segment.ack = Seq::new(ack);
        segment.options.sack.push(SackBlock { left: Seq::new(left), right: Seq::new(right) });
        self.segments.push(segment);
        self.segments.last_mut().expect("just pushed")
    }

    fn build(&mut self, from: usize, flags: Flags, text_bytes: u32) -> Segment {
        self.frame += 1;
        self.ns += 10_000;
        self.id[from] += 1;
        let mut options = Options::default();
        if flags.syn() {
            options.mss = Some(1_460);
            options.sack_permitted = true;
        }
        if self.stamps {
            options.timestamps =
                Some(Timestamps { value: (self.ns / 1_000_000) as u32, echo: (self.ns / 1_000_000) as u32 });
        }
        Segment {
            frame: self.frame,
            time: Instant::from_nanos(self.ns),
            source: self.ends[from],
            destination: self.ends[1 - from],
            seq: Seq::new(self.next[from]),
            ack: Seq::new(if flags.ack() { self.received[from] } else { 0 }),
            flags,
            window: self.window[from],
            options,
            text_bytes,
            frame_bytes: 54 + text_bytes,
            ip_bytes: 40 + text_bytes,
            ip_id: Some(self.id[from]),
            ..Segment::default()
        }
    }

    pub(crate) fn told(&self) -> Told {
        told(&self.segments)
    }
}

/// What the lens says of segments.
pub(crate) fn told(segments: &[Segment]) -> Told {
    let mut lens = Lens::new(Config::default());
    let mut kept = Kept { keep_segments: KeepSegments::All, ..Kept::default() };
    for segment in segments {
        lens.take(segment, &mut kept);
    }
    lens.finish(&mut kept);
    Told { kept }
}

pub(crate) struct Told {
    pub(crate) kept: Kept,
}

impl Told {
    /// What is said of the segment of this frame.
    pub(crate) fn frame(&self, frame: u32) -> &Analysis {
        &self.kept.segments[frame as usize - 1].1
    }

    pub(crate) fn last(&self) -> &Analysis {
        &self.kept.segments.last().expect("a segment").1
    }

    pub(crate) fn states(&self) -> Vec<(State, State)> {
        self.kept.segments.iter().map(|(_, said)| (said.ends[0].state, said.ends[1].state)).collect()
    }

    pub(crate) fn connection(&self) -> &Connection {
        &self.kept.connections[0]
    }

    pub(crate) fn finding(&self, kind: &str) -> Option<&Finding> {
        self.kept.findings.iter().find(|finding| finding.id.name() == kind)
    }
}

impl Story {
    /// The next segment of `from`, not sent yet.
    pub(crate) fn build_next(&mut self, from: usize) -> Segment {
        let segment = self.build(from, ACK, 1_000);
        self.next[from] = segment.end().number();
        segment
    }

    /// A segment is captured `ns` from now.
    pub(crate) fn push_at(&mut self, mut segment: Segment, after_ns: u64) {
        segment.time = Instant::from_nanos(self.ns + after_ns);
        self.segments.push(segment);
    }
}
