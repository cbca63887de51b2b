//! What goes through the door: captures that are made here in every form that can be read, those that are shared beside
//! the repository if they are there, and files that are none.

use crate::page::{build, cannot};
use crate::root;
use std::fs;
use std::path::{Path, PathBuf};

/// Segments of the large one.
const MILLION: usize = 1_000_000;
/// Segments of the others.
const FEW: usize = 3_000;
/// Bytes that were captured of a packet, as with `tcpdump -s 96`.
const SNAP_BYTES: usize = 96;

/// Everything that is to be explained. Says if the shared captures are not there.
pub(super) fn all(scratch: &Path) -> Result<Vec<PathBuf>, String> {
    let plain = made(FEW);
    let mut late = made(FEW);
    // Two records whose times are exchanged: the second stands too late in the file.
    let (record, bytes) = (24 + 40 * RECORD_BYTES, 8);
    let first: Vec<u8> = late[record..record + bytes].to_vec();
    late.copy_within(record + RECORD_BYTES..record + RECORD_BYTES + bytes, record);
    late[record + RECORD_BYTES..record + RECORD_BYTES + bytes].copy_from_slice(&first);
    let zstd = ruzstd::encoding::compress_to_vec(&plain[..], ruzstd::encoding::CompressionLevel::Fastest);
    let mut files = Vec::new();
    for (name, bytes) in [
        ("cut.pcap.gz", build::gzip(&plain[..plain.len() - 7])),
        ("late.pcap", late),
        ("none.pcap", plain[..24].to_vec()),
        ("plain.pcapng", pcapng(&plain)),
        ("plain.pcap.gz", build::gzip(&plain)),
        ("plain.pcap.zst", zstd),
        ("a <b> \"c\" 三.pcap", plain),
    ] {
        files.push(written(scratch, name, &bytes)?);
    }
    let shared = root().join("../shared/captures");
    if !shared.is_dir() {
        println!("skipped: the shared captures are not here");
    }
    for folder in [shared.clone(), shared.join("labelled")] {
        let found = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
        let is_capture =
            |path: &PathBuf| path.extension().is_some_and(|kind| kind == "pcap" || kind == "pcapng");
        files.extend(found.filter(is_capture).filter_map(|path| fs::canonicalize(path).ok()));
    }
    files.sort();
    // Last, so that a picture shows it.
    let shown = files.iter().position(|file| file.ends_with("plain.pcap.gz"));
    let shown = shown.map(|place| files.remove(place));
    files.extend(shown);
    Ok(files)
}

/// Files that are no captures.
pub(super) fn refused(scratch: &Path) -> Result<Vec<PathBuf>, String> {
    let mut damaged = build::gzip(b"no capture either, and damaged");
    damaged.truncate(24);
    let text = b"not a capture, but long enough for the header of one";
    [
        ("empty.pcap", &b""[..]),
        ("other.zip", b"PK\x03\x04 and more"),
        ("damaged.gz", &damaged),
        ("packed.gz", &build::gzip(text)),
        ("notes.txt", text),
    ]
    .into_iter()
    .map(|(name, bytes)| written(scratch, name, bytes))
    .collect()
}

/// A million segments.
pub(super) fn million(scratch: &Path) -> Result<PathBuf, String> {
    written(scratch, "million.pcap", &made(MILLION))
}

fn written(scratch: &Path, name: &str, bytes: &[u8]) -> Result<PathBuf, String> {
    let file = scratch.join(name);
    fs::write(&file, bytes).map_err(|error| cannot("write", &file, &error))?;
    Ok(file)
}

/// The header of a record, of IPv4, of TCP, and the timestamps option.
const RECORD_BYTES: usize = 16 + HEADERS_BYTES;
const HEADERS_BYTES: usize = 20 + 20 + 12;

/// A connection that is being made up.
struct Talk {
    port: u16,
    /// How far it is: the handshake, rounds of a flight and its acknowledgments, the close.
    step: u32,
    /// Sequence numbers of client and server.
    next: [u32; 2],
}

/// Segments of a flight, with an acknowledgment for each two; some of the first are sent again after the flight.
const FLIGHT: u32 = 10;
const STEPS: u32 = 3 + 20 * ROUND + 3;
const ROUND: u32 = 1 + FLIGHT + FLIGHT / 2 + 1;

const _: () = assert!(HEADERS_BYTES <= SNAP_BYTES, "headers are captured whole");

/// A classic capture of raw IP with so many segments: connections side by side, with requests, flights, losses and closes.
/// Only the headers were captured, as with a snap length.
fn made(segments: usize) -> Vec<u8> {
    let mut file = [0xa1b2_c3d4, 2 | 4 << 16, 0, 0, SNAP_BYTES as u32, 101].map(u32::to_le_bytes).concat();
    file.reserve(segments * RECORD_BYTES);
    let talk = |number: u32| Talk {
        port: 20_000 + (number % 40_000) as u16,
        step: 0,
        next: [number * 7_919, number * 104_729],
    };
    let mut talks: Vec<Talk> = (0..16).map(talk).collect();
    let mut begun = talks.len() as u32;
    for number in 0..segments {
        let place = number % talks.len();
        segment(&mut file, &mut talks[place], number);
        if talks[place].step == STEPS {
            talks[place] = talk(begun);
            begun += 1;
        }
    }
    file
}

const FIN: u8 = 1;
const SYN: u8 = 2;
const ACK: u8 = 16;

/// The next segment of a connection.
fn segment(file: &mut Vec<u8>, talk: &mut Talk, number: usize) {
    let round = (talk.step.wrapping_sub(3)) % ROUND;
    let mut back = 0;
    let (from, flags, text) = match talk.step {
        0 => (0, SYN, 0),
        1 => (1, SYN | ACK, 0),
        2 => (0, ACK, 0),
        step if step == STEPS - 3 => (0, FIN | ACK, 0),
        step if step == STEPS - 2 => (1, FIN | ACK, 0),
        step if step == STEPS - 1 => (0, ACK, 0),
        _ if round == 0 => (0, ACK, 120),
        _ if round <= FLIGHT => (1, ACK, 1_448),
        _ if round < ROUND - 1 => (0, ACK, 0),
        // The last of the flight once more, every third time; else one more request.
        _ if number.is_multiple_of(3) => {
            back = 1_448;
            (1, ACK, 1_448)
        }
        _ => (0, ACK, 90),
    };
    let seq = talk.next[from].wrapping_sub(back);
    record(file, [from as u16, talk.port], [seq, talk.next[1 - from]], flags, text, number);
    let counts = u32::from(flags & (SYN | FIN) != 0) + u32::from(text) - back;
    talk.next[from] = talk.next[from].wrapping_add(counts);
    talk.step += 1;
}

fn record(
    file: &mut Vec<u8>,
    [from, port]: [u16; 2],
    [seq, ack]: [u32; 2],
    flags: u8,
    text: u16,
    number: usize,
) {
    let us = number as u64 * 40;
    let (headers, whole) = (HEADERS_BYTES as u32, HEADERS_BYTES as u32 + u32::from(text));
    for field in [1_750_000_000 + (us / 1_000_000) as u32, (us % 1_000_000) as u32, headers, whole] {
        file.extend(field.to_le_bytes());
    }
    let addresses = [[192, 0, 2, 10], [192, 0, 2, 80]];
    let [source, destination] = [usize::from(from), usize::from(1 - from)];
    file.extend([0x45, 0]);
    file.extend((whole as u16).to_be_bytes());
    file.extend([number as u8, (number >> 8) as u8, 0x40, 0, 64, 6, 0, 0]);
    file.extend(addresses[source]);
    file.extend(addresses[destination]);
    let ports = if from == 0 { [port, 443] } else { [443, port] };
    ports.iter().for_each(|port| file.extend(port.to_be_bytes()));
    file.extend(seq.to_be_bytes());
    file.extend(if flags & ACK == 0 { [0; 4] } else { ack.to_be_bytes() });
    file.extend([0x80, flags, 0xff, 0xff, 0, 0, 0, 0]);
    file.extend([1, 1, 8, 10]);
    file.extend(((us / 1_000) as u32).to_be_bytes());
    file.extend(((us / 1_000) as u32).saturating_sub(1).to_be_bytes());
}

/// The same packets as pcapng.
fn pcapng(classic: &[u8]) -> Vec<u8> {
    let block = |kind: u32, body: &[u8]| {
        let len = (12 + body.len() as u32).to_le_bytes();
        [&kind.to_le_bytes(), &len, body, &len].concat()
    };
    let section = [&0x1a2b_3c4d_u32.to_le_bytes()[..], &[1, 0, 0, 0], &[0xff; 8]].concat();
    let interface = [[101, 0, 0, 0], (SNAP_BYTES as u32).to_le_bytes()].concat();
    let mut file = [block(0x0a0d_0d0a, &section), block(1, &interface)].concat();
    for record in classic[24..].chunks(RECORD_BYTES) {
        let number =
            |at: usize| u32::from_le_bytes([record[at], record[at + 1], record[at + 2], record[at + 3]]);
        let us = u64::from(number(0)) * 1_000_000 + u64::from(number(4));
        let head = [0, (us >> 32) as u32, us as u32, number(8), number(12)].map(u32::to_le_bytes).concat();
        file.extend(block(6, &[&head[..], &record[16..]].concat()));
    }
    file
}
