//! Talks between two ends, as a capture point somewhere between them sees them: any order of text, acknowledgments, losses,
//! copies and odd headers.

use crate::Segment;
use proptest::prelude::*;
use std::net::SocketAddr;
use tcp::Instant;
use wire::Seq;
use wire::tcp::{Flags, SackBlock, Timestamps};

/// One thing that happens between two ends.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// New text, in so many segments; the capture does not show one of them, or it comes later.
    Say {
        from: usize,
        segments: usize,
        bytes: u32,
        lost: Option<usize>,
        late: bool,
        psh: bool,
    },
    /// The other end acknowledges so many of what is there, of a window so large, with SACK if something is missing.
    Ack {
        from: usize,
        behind: u32,
        window: u16,
    },
    /// Text that is not acknowledged goes again, or a byte of it.
    Again {
        from: usize,
        is_probe: bool,
    },
    /// The latest segment comes again.
    Twice,
    Wait {
        us: u64,
    },
    Odd {
        from: usize,
        flags: u16,
        ecn: u8,
        urgent: u16,
    },
    Finish {
        from: usize,
    },
    Reset {
        from: usize,
    },
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    let end = || 0..2_usize;
    let window = prop_oneof![8 => Just(500_u16), 1 => 0..700_u16, 1 => Just(0)];
    let say =
        (end(), 1..9_usize, 1..4_u32, prop::option::weighted(0.15, 0..9_usize), any::<bool>(), any::<bool>())
            .prop_map(|(from, segments, size, lost, late, psh)| {
                let bytes = [1, 300, 1_000, 1_460][size as usize];
                Step::Say { from, segments, bytes, lost, late, psh }
            });
    let ack = (end(), prop_oneof![6 => Just(0_u32), 1 => 0..3_000_u32], window);
    let odd = (end(), 0..512_u16, 0..4_u8, 0..2_u16);
    prop_oneof![
        12 => say,
        12 => ack.prop_map(|(from, behind, window)| Step::Ack { from, behind, window }),
        2 => (end(), any::<bool>()).prop_map(|(from, is_probe)| Step::Again { from, is_probe }),
        1 => Just(Step::Twice),
        6 => prop_oneof![0..40_u64, 900..3_000_u64, 10_000..60_000_u64, 150_000..1_500_000_u64]
            .prop_map(|us| Step::Wait { us }),
        1 => odd.prop_map(|(from, flags, ecn, urgent)| Step::Odd { from, flags, ecn, urgent }),
        1 => end().prop_map(|from| Step::Finish { from }),
        1 => end().prop_map(|from| Step::Reset { from }),
    ]
}

/// How a connection is captured.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setting {
    pub(super) has_handshake: bool,
    pub(super) stamps: bool,
    pub(super) sack: bool,
    pub(super) scale: Option<u8>,
    pub(super) ids: u16,
    pub(super) start: u32,
    pub(super) path_us: [u64; 2],
}

pub(super) fn setting() -> impl Strategy<Value = Setting> {
    let start = prop_oneof![4 => any::<u32>(), 1 => (0..8_000_u32).prop_map(|n| 0_u32.wrapping_sub(n))];
    let path = || prop_oneof![Just(0_u64), 10..200_u64, 2_000..30_000_u64];
    let options =
        (prop::bool::weighted(0.85), any::<bool>(), any::<bool>(), prop::option::of(0..9_u8), 0..3_u16);
    (options, start, path(), path()).prop_map(
        |((has_handshake, stamps, sack, scale, ids), start, there, back)| Setting {
            has_handshake,
            stamps,
            sack,
            scale,
            ids,
            start,
            path_us: [there, back],
        },
    )
}

struct Talk {
    setting: Setting,
    ns: u64,
    next: [Seq; 2],
    /// What each end has of the other, and what arrived beyond a hole.
    has: [Seq; 2],
    beyond: [Option<[Seq; 2]>; 2],
    acked: [Seq; 2],
    window: [u16; 2],
    id: u16,
    segments: Vec<Segment>,
    late: Vec<Segment>,
}

impl Talk {
    fn new(setting: Setting) -> Talk {
        let next = [Seq::new(setting.start), Seq::new(setting.start.wrapping_mul(3))];
        Talk {
            setting,
            ns: 1_700_000_000_000_000_000,
            next,
            has: [next[1], next[0]],
            beyond: [None; 2],
            acked: next,
            window: [500; 2],
            id: 1,
            segments: Vec::new(),
            late: Vec::new(),
        }
    }

    fn build(&mut self, from: usize, flags: Flags, seq: Seq, text_bytes: u32) -> Segment {
        let ends = [SocketAddr::from(([10, 0, 0, 1], 51_000)), SocketAddr::from(([10, 0, 0, 2], 80))];
        self.ns += 7_000;
        self.id = self.id.wrapping_add(self.setting.ids);
        let mut segment = Segment {
            time: Instant::from_nanos(self.ns),
            source: ends[from],
            destination: ends[1 - from],
            seq,
            ack: if flags.ack() { self.has[from] } else { Seq::new(0) },
            flags,
            window: self.window[from],
            text_bytes,
            frame_bytes: 54 + text_bytes,
            ip_bytes: 40 + text_bytes,
            ip_id: (self.setting.ids > 0).then_some(self.id),
            ..Segment::default()
        };
        if self.setting.stamps {
            let ms = |us: u64| ((self.ns / 1_000 - us) / 1_000) as u32;
            let path_us = self.setting.path_us;
            segment.options.timestamps =
                Some(Timestamps { value: ms(path_us[from] / 2), echo: ms(path_us[0] + path_us[1]) });
        }
        if flags.syn() {
            segment.options.mss = Some(1_460);
            segment.options.sack_permitted = self.setting.sack;
            segment.options.window_scale = self.setting.scale;
        } else if let Some([left, right]) = self.beyond[from]
            && self.setting.sack
        {
            segment.options.sack.push(SackBlock { left, right });
        }
        segment
    }

    fn send(&mut self, from: usize, flags: Flags) {
        let segment = self.build(from, flags, self.next[from], 0);
        self.next[from] = segment.end();
        self.has[1 - from] = segment.end();
        self.segments.push(segment);
    }

    fn open(&mut self) {
        self.send(0, Flags::SYN);
        self.ns += self.setting.path_us[1] * 1_000;
        self.send(1, Flags::SYN | Flags::ACK);
        self.ns += self.setting.path_us[0] * 1_000;
        self.send(0, Flags::ACK);
        self.acked = self.next;
    }

    fn say(&mut self, from: usize, flags: Flags, bytes: u32, is_lost: bool, is_late: bool) {
        let segment = self.build(from, flags, self.next[from], bytes);
        let (start, end) = (segment.seq, segment.end());
        self.next[from] = end;
        if is_lost {
            if is_late {
                self.late.push(segment);
            }
            return;
        }
        let to = 1 - from;
        if self.has[to] == start {
            self.has[to] = end;
        } else {
            let left = self.beyond[to].map_or(start, |[left, _]| left);
            self.beyond[to] = Some([left, end]);
        }
        self.segments.push(segment);
    }

    fn arrive(&mut self, from: usize, segment: &Segment) {
        let to = 1 - from;
        if self.has[to].at_or_after(segment.seq) {
            self.has[to] = self.has[to].latest(segment.end());
        }
        if let Some([left, right]) = self.beyond[to]
            && self.has[to].at_or_after(left)
        {
            self.has[to] = self.has[to].latest(right);
            self.beyond[to] = None;
        }
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::Say { from, segments, bytes, lost, late, psh } => {
                for at in 0..segments {
                    let is_last = psh && at + 1 == segments;
                    let flags = if is_last { Flags::ACK | Flags::PSH } else { Flags::ACK };
                    self.say(from, flags, bytes, lost == Some(at), late);
                }
                for mut segment in std::mem::take(&mut self.late) {
                    self.ns += 3_000;
                    segment.time = Instant::from_nanos(self.ns);
                    self.arrive(from, &segment);
                    self.segments.push(segment);
                }
            }
            Step::Ack { from, behind, window } => {
                self.window[from] = window;
                let mut segment = self.build(from, Flags::ACK, self.next[from], 0);
                let least = self.acked[1 - from];
                let cut = segment.ack - behind;
                segment.ack = if cut.before(least) { least } else { cut };
                self.acked[1 - from] = self.acked[1 - from].latest(segment.ack);
                self.segments.push(segment);
            }
            Step::Again { from, is_probe } => {
                let from_seq = if is_probe { self.next[from] - 1 } else { self.has[1 - from] };
                let left_bytes = self.next[from].bytes_since(from_seq).min(1_460);
                let bytes = if is_probe { left_bytes.min(1) } else { left_bytes };
                let segment = self.build(from, Flags::ACK, from_seq, bytes);
                self.arrive(from, &segment);
                self.segments.push(segment);
            }
            Step::Twice => {
                if let Some(mut segment) = self.segments.last().copied() {
                    self.ns += 2_000;
                    segment.time = Instant::from_nanos(self.ns);
                    self.segments.push(segment);
                }
            }
            Step::Wait { us } => self.ns += us * 1_000,
            Step::Odd { from, flags, ecn, urgent } => {
                let flags = Flags::from_bits(flags & !(Flags::SYN | Flags::FIN | Flags::RST).bits());
                let mut segment = self.build(from, flags, self.next[from], 100);
                (segment.ecn, segment.urgent) = (ecn, urgent);
                self.next[from] = segment.end();
                self.arrive(from, &segment);
                self.segments.push(segment);
            }
            Step::Finish { from } => {
                let segment = self.build(from, Flags::FIN | Flags::ACK, self.next[from], 0);
                self.next[from] = segment.end();
                self.arrive(from, &segment);
                self.segments.push(segment);
            }
            Step::Reset { from } => {
                let segment = self.build(from, Flags::RST | Flags::ACK, self.next[from], 0);
                self.segments.push(segment);
            }
        }
    }
}

pub(super) fn talk(setting: Setting, steps: &[Step]) -> Vec<Segment> {
    let mut talk = Talk::new(setting);
    if setting.has_handshake {
        talk.open();
    }
    steps.iter().for_each(|step| talk.take(step));
    for (at, segment) in talk.segments.iter_mut().enumerate() {
        segment.frame = at as u32 + 1;
    }
    talk.segments
}
