//! Measures how many segments a second the lens takes, without reading a file.
//!
//! `cargo run --release -p synfin-lens --example rate`

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use synfin_lens::{Config, Discard, Lens, Segment};
use tcp::Instant;
use wire::Seq;
use wire::tcp::{Flags, Options, SackBlock, Timestamps};

/// One connection being written down.
struct Story {
    ends: [SocketAddr; 2],
    next: [u32; 2],
    ns: u64,
    id: [u16; 2],
}

impl Story {
    fn new(number: u32, ns: u64) -> Story {
        let client = SocketAddr::from((
            Ipv4Addr::from_bits(0x0a00_0000 + number / 20_000),
            1_024 + (number % 20_000) as u16,
        ));
        Story {
            ends: [client, SocketAddr::from(([192, 0, 2, 1], 443))],
            next: [number.wrapping_mul(7_919), number.wrapping_mul(104_729)],
            ns,
            id: [1, 1],
        }
    }

    fn send(&mut self, from: usize, flags: Flags, text_bytes: u32, step_ns: u64) -> Segment {
        self.ns += step_ns;
        self.id[from] = self.id[from].wrapping_add(1);
        let stamps = Timestamps { value: (self.ns / 1_000_000) as u32, echo: (self.ns / 1_000_000) as u32 };
        let mut options = Options { timestamps: Some(stamps), ..Options::default() };
        if flags.syn() {
            options.mss = Some(1_460);
            options.window_scale = Some(7);
            options.sack_permitted = true;
        }
        let segment = Segment {
            time: Instant::from_nanos(self.ns),
            source: self.ends[from],
            destination: self.ends[1 - from],
            seq: Seq::new(self.next[from]),
            ack: Seq::new(if flags.ack() { self.next[1 - from] } else { 0 }),
            flags,
            window: 502,
            options,
            text_bytes,
            frame_bytes: 66 + text_bytes,
            ip_bytes: 52 + text_bytes,
            ip_id: Some(self.id[from]),
            ..Segment::default()
        };
        self.next[from] = self.next[from].wrapping_add(segment.sequence_bytes());
        segment
    }
}

fn web(connections: u32) -> Vec<Segment> {
    let mut all: Vec<Segment> = Vec::new();
    for number in 0..connections {
        let mut story = Story::new(number, 1_000_000_000 + u64::from(number) * 20_000);
        let (a, p) = (Flags::ACK, Flags::ACK | Flags::PSH);
        all.extend([
            story.send(0, Flags::SYN, 0, 0),
            story.send(1, Flags::SYN | a, 0, 9_000_000),
            story.send(0, a, 0, 1_000_000),
            story.send(0, p, 400, 100_000),
            story.send(1, a, 0, 9_000_000),
            story.send(1, a, 1_448, 2_000_000),
            story.send(1, p, 1_448, 10_000),
            story.send(0, a, 0, 1_000_000),
            story.send(1, p, 600, 1_000_000),
            story.send(0, a, 0, 1_000_000),
            story.send(1, Flags::FIN | a, 0, 1_000_000),
            story.send(0, Flags::FIN | a, 0, 1_000_000),
            story.send(1, a, 0, 9_000_000),
        ]);
    }
    all.sort_by_key(|segment| segment.time);
    all
}

fn bulk(rounds: u32, loss_every: u32) -> Vec<Segment> {
    let mut story = Story::new(1, 1_000_000_000);
    let mut all = vec![
        story.send(0, Flags::SYN, 0, 0),
        story.send(1, Flags::SYN | Flags::ACK, 0, 9_000_000),
        story.send(0, Flags::ACK, 0, 1_000_000),
    ];
    for round in 0..rounds {
        let mut burst: Vec<Segment> = (0..20).map(|_| story.send(1, Flags::ACK, 1_448, 5_000)).collect();
        if loss_every > 0 && round % loss_every == 0 {
            let lost = burst.remove(3);
            let hole = lost.seq;
            all.extend(&burst);
            for behind in burst.iter().skip(3).step_by(2) {
                let mut duplicate = story.send(0, Flags::ACK, 0, 5_000);
                duplicate.ack = hole;
                duplicate.options.sack.push(SackBlock { left: lost.end(), right: behind.end() });
                all.push(duplicate);
            }
            let mut again = lost;
            again.time = Instant::from_nanos(story.ns + 10_000);
            all.push(again);
            story.ns += 20_000;
            all.push(story.send(0, Flags::ACK, 0, 1_000_000));
        } else {
            for (index, segment) in burst.iter().enumerate() {
                all.push(*segment);
                if index % 2 == 1 {
                    let mut ack = story.send(0, Flags::ACK, 0, 0);
                    ack.ack = segment.end();
                    ack.time = segment.time;
                    all.push(ack);
                }
            }
            story.ns += 1_000_000;
        }
    }
    all
}

/// Writes down a world.
type World = fn() -> Vec<Segment>;

/// The time that this thread spent computing (Linux), so that a busy machine does not disturb.
fn cpu_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(text.split_whitespace().next().and_then(|ns| ns.parse().ok()).unwrap_or(0))
}

fn main() {
    println!("{} bytes a connection, {} a segment", synfin_lens::CONNECTION_BYTES, size_of::<Segment>());
    let only = std::env::args().nth(1);
    let worlds =
        [("web", (|| web(200_000)) as World), ("bulk", || bulk(100_000, 0)), ("lossy", || bulk(100_000, 5))];
    for (name, world) in worlds.into_iter().filter(|world| only.as_ref().is_none_or(|only| *only == world.0))
    {
        let mut segments = world();
        for (index, segment) in segments.iter_mut().enumerate() {
            segment.frame = index as u32 + 1;
        }
        for _ in 0..4 {
            let mut lens = Lens::new(Config {
                connections_max: std::env::args().nth(2).map_or(1_000_000, |n| n.parse().expect("a number")),
                ..Config::default()
            });
            let began = cpu_time();
            for segment in &segments {
                lens.take(segment, &mut Discard);
            }
            let took = cpu_time() - began;
            let finishing = cpu_time();
            lens.finish(&mut Discard);
            let rate = segments.len() as f64 / took.as_secs_f64() / 1e6;
            println!(
                "{name}: {} segments, {rate:.2} M/s, finish {:?}",
                segments.len(),
                cpu_time() - finishing
            );
        }
    }
}
