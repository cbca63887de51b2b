//! Random segments, judged by us and by tshark: segments that no stack would send stand on the edges of
//! every condition, where a verdict is decided.
//!
//! What is compared depends on tshark's release: before 4.4 it split streams otherwise, knew nothing of
//! SACK, told reordering from retransmission by time alone, and lost its way at window probes.

mod shared;

use capture::{Format, Interface, LinkType, PacketInfo, Section, Writer};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

const CONNECTIONS: u16 = 60;
const SEGMENTS: usize = 120;

/// Verdicts whose conditions are the same in all releases from 4.0 on.
const SHARED: [&str; 7] = [
    "lost_segment",
    "spurious_retransmission",
    "duplicate_ack",
    "keep_alive",
    "keep_alive_ack",
    "window_update",
    "window_full",
];
const SINCE_4_4: [&str; 9] = [
    "reused_ports",
    "ack_lost_segment",
    "out_of_order",
    "retransmission",
    "fast_retransmission",
    "zero_window",
    "zero_window_probe",
    "zero_window_probe_ack",
    "tfo_ack",
];

/// Numbers from a seed (splitmix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed >> 33) as u32 % sides
    }

    fn of<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.below(values.len() as u32) as usize]
    }
}

/// Two ends that send what is near to sense.
struct Talk {
    dice: Dice,
    port: u16,
    next: [u32; 2],
    acked: [u32; 2],
    window: [u16; 2],
    unit: u32,
    /// SYNs in the middle, SACK, closed windows: only for a judge that knows what we know.
    all: bool,
}

impl Talk {
    fn new(number: u16, all: bool) -> Talk {
        let mut dice = Dice(number.into());
        let next = [(); 2].map(|()| dice.of(&[1_000, u32::MAX - 3_000, 1 << 31, 7]));
        let window = [(); 2].map(|()| dice.of(&[u16::from(!all), 1, 100, 502, 65_535]));
        let unit = dice.of(&[1, 7, 100, 1_460]);
        let (port, acked) = (40_000 + number, [next[1], next[0]]);
        Talk { dice, port, next, acked, window, unit, all }
    }

    /// The next segment of end 0 or 1, as an IPv4 packet.
    fn packet(&mut self) -> Vec<u8> {
        let (dice, unit) = (&mut self.dice, self.unit);
        let from = dice.below(2) as usize;
        let (own, others) = (self.next[from], self.next[1 - from]);
        let near = |dice: &mut Dice, number: u32| match dice.below(12) {
            0 => number.wrapping_sub(1),
            1 | 2 => number.wrapping_sub(unit * (1 + dice.below(4))),
            3 => number.wrapping_add(unit * (1 + dice.below(3))),
            4 => number.wrapping_add(1),
            _ => number,
        };
        let seq = near(dice, own);
        let base = if dice.below(2) == 0 { self.acked[from] } else { others };
        let ack = near(dice, base);
        let text = dice.of(&[0, 0, 0, 1, unit, unit, 2 * unit]);
        if dice.below(5) == 0 {
            self.window[from] = dice.of(&[u16::from(!self.all), 1, 2, 100, 502, unit as u16, 65_535]);
        }
        let flags = match dice.below(40) {
            0 => 0x11,
            1 if self.all => 0x04,
            2 if self.all => 0x12,
            3 if self.all => 0x02,
            _ => 0x10,
        };
        let sack = (self.all && flags == 0x10 && dice.below(6) == 0).then(|| near(dice, others));
        let end = seq.wrapping_add(text).wrapping_add(u32::from(flags & 3 != 0));
        if end.wrapping_sub(own) < 1 << 31 {
            self.next[from] = end;
        }
        self.acked[from] = ack;
        let options = sack.map_or(Vec::new(), |left| {
            [&[1, 1, 5, 10][..], &left.to_be_bytes(), &left.wrapping_add(unit).to_be_bytes()].concat()
        });
        self.wrap(from, [seq, ack], flags, &options, text)
    }

    fn wrap(&self, from: usize, numbers: [u32; 2], flags: u8, options: &[u8], text: u32) -> Vec<u8> {
        let total = 40 + options.len() as u16 + text as u16;
        let (mut hosts, mut ports) = ([[10, 0, 0, 1], [10, 0, 0, 2]], [self.port, 7_777]);
        if from == 1 {
            hosts.reverse();
            ports.reverse();
        }
        let mut packet = vec![0x45, 0];
        packet.extend(total.to_be_bytes());
        packet.extend([0, 0, 0x40, 0, 64, 6, 0, 0]);
        packet.extend(hosts.concat());
        packet.extend(ports.map(u16::to_be_bytes).concat());
        packet.extend(numbers.map(u32::to_be_bytes).concat());
        packet.extend([0x50 + (options.len() as u8) * 4, flags]);
        packet.extend(self.window[from].to_be_bytes());
        packet.extend([0; 4]);
        packet.extend(options);
        packet.resize(usize::from(total), b'.');
        packet
    }
}

/// All the talks, one after the other, in one file.
fn write(all: bool) -> PathBuf {
    let mut writer = Writer::new(Vec::new(), Format::Pcapng, &Section::default()).expect("memory");
    let interface = writer.add_interface(&Interface::new(LinkType::RAW)).expect("memory");
    let mut ns = 1_700_000_000_000_000_000;
    for mut talk in (0..CONNECTIONS).map(|number| Talk::new(number, all)) {
        for _ in 0..SEGMENTS {
            let packet = talk.packet();
            for _ in 0..talk.dice.of(&[1, 1, 1, 1, 1, 1, 3]) {
                ns += 1_000 * talk.dice.of(&[1, 100, 1_000, 2_900, 3_100, 19_000, 21_000, 250_000]);
                writer.write_slices(&PacketInfo::new(interface, ns), &[&packet]).expect("memory");
            }
        }
    }
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("differential.pcapng");
    std::fs::write(&path, writer.into_inner()).expect("the test's directory can be written");
    path
}

/// What tshark says of each frame: its stream, then the names of those verdicts that it gives.
fn tshark<'a>(path: &Path, verdicts: &[&'a str]) -> Vec<(u32, Vec<&'a str>)> {
    let mut command = Command::new("tshark");
    command.args(["-n", "-2", "-r"]).arg(path).args([
        "-T",
        "fields",
        "-E",
        "separator=|",
        "-e",
        "tcp.stream",
    ]);
    for verdict in verdicts {
        command.args(["-e", &format!("tcp.analysis.{verdict}")]);
    }
    let output = command.output().expect("tshark runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let frame = |line: &str| {
        let mut fields = line.split('|');
        let stream = fields.next().and_then(|stream| stream.parse().ok()).expect("a stream");
        let given = verdicts.iter().zip(fields).filter(|(_, field)| !field.is_empty());
        (stream, given.map(|(name, _)| *name).collect())
    };
    text.lines().map(frame).collect()
}

/// Its release as `[major, minor]`, `None` when it is absent.
fn release() -> Option<[u32; 2]> {
    let output = Command::new("tshark").arg("--version").output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut numbers = text
        .split_whitespace()
        .find(|word| word.starts_with(|first: char| first.is_ascii_digit()))?
        .split('.');
    Some([numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?])
}

#[test]
fn random_segments_get_the_verdicts_of_wireshark() {
    let Some(release) = release() else {
        assert!(std::env::var_os("CI").is_none(), "tshark is absent");
        drop(writeln!(std::io::stderr(), "skipped: tshark is absent"));
        return;
    };
    let all = release >= [4, 4];
    let verdicts = if all { [&SHARED[..], &SINCE_4_4].concat() } else { SHARED.to_vec() };
    let path = write(all);
    let kept = shared::explain(&path).expect("our own file");
    let theirs = tshark(&path, &verdicts);
    assert_eq!(kept.segments.len(), theirs.len());
    for ((segment, said), (stream, given)) in kept.segments.iter().zip(&theirs) {
        let names: Vec<&str> = said.verdicts.names().collect();
        let ours: Vec<&str> = verdicts.iter().copied().filter(|name| names.contains(name)).collect();
        assert_eq!(
            (said.stream, ours),
            (*stream, given.clone()),
            "frame {} of {}",
            segment.frame,
            path.display()
        );
    }
    println!("{} segments compared with tshark {}.{}", theirs.len(), release[0], release[1]);
}
