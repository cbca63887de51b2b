//! Captures to measure the lens by, made here: headers only, as with a short snap length.

use capture::{Decoder, Format, Interface, LinkType, PacketInfo, Reader, Section, Writer};
use lens::{Config, Discard, Lens, Segment};
use std::collections::VecDeque;
use std::fs::File;
use std::io::BufWriter;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use wire::Seq;
use wire::tcp::{Flags, Header, OptionLayout, Options, SackBlock, Timestamps};

/// What a capture holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Traffic {
    /// Many short connections, a hundred at a time.
    Web,
    /// One long transfer.
    Bulk,
    /// The same, with every hundredth segment lost.
    Lossy,
    /// One with a thousand segments in flight, of which every five thousandth is lost, and SACK.
    Wide,
}

impl Traffic {
    /// All of them.
    pub const ALL: [Traffic; 4] = [Traffic::Web, Traffic::Bulk, Traffic::Lossy, Traffic::Wide];

    /// What it is called in a table.
    pub fn name(self) -> &'static str {
        match self {
            Traffic::Web => "web",
            Traffic::Bulk => "bulk",
            Traffic::Lossy => "lossy",
            Traffic::Wide => "lossy, wide, SACK",
        }
    }

    /// Writes a capture of at least so many packets to `path`; returns how many it has.
    pub fn write(self, path: &Path, packets: u64) -> u64 {
        let mut scribe = Scribe::new(path);
        match self {
            Traffic::Web => web(&mut scribe, packets),
            Traffic::Bulk => bulk(&mut scribe, packets, false),
            Traffic::Lossy => bulk(&mut scribe, packets, true),
            Traffic::Wide => wide(&mut scribe, packets),
        }
        scribe.writer.flush().expect("room on the disk");
        scribe.packets
    }

    /// The same, to a file that goes away with what is returned.
    pub fn make(self, packets: u64) -> Made {
        let path = std::env::temp_dir().join(format!("synfin-bench-{}-{self:?}.pcap", std::process::id()));
        let packets = self.write(&path, packets);
        Made { path, packets }
    }
}

/// A capture whose file goes away with it.
#[derive(Debug)]
pub struct Made {
    /// Where it is.
    pub path: PathBuf,
    /// How many packets it has.
    pub packets: u64,
}

impl Drop for Made {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Explains a capture, packet by packet, as far as the last of them; the lens is to be finished.
pub fn explain(path: &Path, config: Config) -> Lens {
    let mut reader = Reader::new(File::open(path).expect("it was made")).expect("a capture");
    let (mut decoder, mut lens) = (Decoder::new(), Lens::new(config));
    while let Some(record) = reader.next() {
        let record = record.expect("undamaged");
        if let Ok(decoded) = &decoder.decode(&record)
            && let Some(segment) = &Segment::of_packet(&record, decoded)
        {
            lens.take(segment, &mut Discard);
        }
    }
    lens
}

/// Writes packets with headers alone, as a capture with a short snap length.
struct Scribe {
    writer: Writer<BufWriter<File>>,
    interface: capture::InterfaceId,
    now_ns: u64,
    packets: u64,
}

/// One end of a connection that is being written.
#[derive(Clone, Copy)]
struct End {
    address: Ipv4Addr,
    port: u16,
    seq: u32,
}

impl Scribe {
    fn new(path: &Path) -> Scribe {
        let out = BufWriter::with_capacity(1 << 20, File::create(path).expect("a place for a capture"));
        let mut writer = Writer::new(out, Format::PcapMicroseconds, &Section::default()).expect("a header");
        let interface = writer.add_interface(&Interface::new(LinkType::RAW)).expect("an interface");
        Scribe { writer, interface, now_ns: 1_700_000_000_000_000_000, packets: 0 }
    }

    /// `from` says this to `to`.
    fn say(&mut self, from: &mut End, to: End, flags: Flags, text: u16) {
        self.say_with(from, to, flags, text, None);
    }

    /// The same, and which text it has out of order.
    fn say_with(&mut self, from: &mut End, to: End, flags: Flags, text: u16, sack: Option<SackBlock>) {
        self.now_ns += 10_000;
        let stamp = (self.now_ns / 1_000_000) as u32;
        let syn = flags.syn();
        let mut options = Options {
            mss: syn.then_some(1_460),
            window_scale: syn.then_some(7),
            sack_permitted: syn,
            timestamps: Some(Timestamps { value: stamp, echo: stamp }),
            ..Options::default()
        };
        if let Some(block) = sack {
            options.sack.push(block);
        }
        let header = Header {
            source_port: from.port,
            destination_port: to.port,
            seq: Seq::new(from.seq),
            ack: Seq::new(if flags.ack() { to.seq } else { 0 }),
            flags,
            window: 5_000,
            options,
            ..Header::default()
        };
        let len = header.len_bytes(OptionLayout::Linux);
        let total = 20 + len as u16 + text;
        let ip = wire::ipv4::Header {
            source: from.address,
            destination: to.address,
            protocol: wire::ip::protocol::TCP,
            identification: self.packets as u16,
            total_bytes: total,
            ..wire::ipv4::Header::default()
        };
        let mut bytes = [0; 80];
        ip.emit(&mut bytes);
        header.emit(&mut bytes[20..], OptionLayout::Linux);
        let info =
            PacketInfo { wire_bytes: Some(u32::from(total)), ..PacketInfo::new(self.interface, self.now_ns) };
        self.writer.write_slices(&info, &[&bytes[..20 + len]]).expect("room on the disk");
        from.seq = from.seq.wrapping_add(u32::from(text) + u32::from(syn) + u32::from(flags.fin()));
        self.packets += 1;
    }

    fn open(&mut self, client: &mut End, server: &mut End) {
        self.say(client, *server, Flags::SYN, 0);
        self.say(server, *client, Flags::SYN | Flags::ACK, 0);
        self.say(client, *server, Flags::ACK, 0);
    }

    fn close(&mut self, first: &mut End, second: &mut End) {
        self.say(first, *second, Flags::FIN | Flags::ACK, 0);
        self.say(second, *first, Flags::FIN | Flags::ACK, 0);
        self.say(first, *second, Flags::ACK, 0);
    }
}

fn ends(number: u64) -> (End, End) {
    let [_, a, b, c, ..] = (number / 50_000).to_be_bytes()[4..] else { return ends(0) };
    let port = 10_000 + (number % 50_000) as u16;
    let client = End { address: Ipv4Addr::new(10, a, b, c), port, seq: number as u32 };
    (client, End { address: Ipv4Addr::new(192, 0, 2, 1), port: 80, seq: (number as u32).wrapping_mul(7) })
}

/// Many connections of 12 packets, a hundred at a time.
fn web(scribe: &mut Scribe, packets: u64) {
    let mut number = 0;
    while scribe.packets < packets {
        let mut open: Vec<(End, End)> = (number..number + 100).map(ends).collect();
        number += 100;
        open.iter_mut().for_each(|(client, server)| scribe.open(client, server));
        open.iter_mut()
            .for_each(|(client, server)| scribe.say(client, *server, Flags::ACK | Flags::PSH, 400));
        for _ in 0..3 {
            open.iter_mut().for_each(|(client, server)| {
                scribe.say(server, *client, Flags::ACK, 1_448);
                if server.seq % 2 == 0 {
                    scribe.say(client, *server, Flags::ACK, 0);
                }
            });
        }
        open.iter_mut().for_each(|(client, server)| scribe.close(client, server));
    }
}

/// One connection with a thousand segments in flight, of which every five thousandth is lost; SACK tells, and it is
/// sent again.
fn wide(scribe: &mut Scribe, packets: u64) {
    const TEXT_BYTES: u16 = 1_448;
    const IN_FLIGHT: usize = 1_000;
    let (mut client, mut server) = ends(1);
    scribe.open(&mut client, &mut server);
    // Where the receiver stands: what it acknowledges, and up to where it has text beyond a hole.
    let (mut next, mut highest) = (server.seq, server.seq);
    let mut under_way = VecDeque::new();
    let (mut sent, mut duplicates) = (0_u64, 0);
    while scribe.packets < packets {
        sent += 1;
        if !sent.is_multiple_of(5_000) {
            under_way.push_back(server.seq);
        }
        scribe.say(&mut server, client, Flags::ACK, TEXT_BYTES);
        if under_way.len() < IN_FLIGHT {
            continue;
        }
        let Some(arrived) = under_way.pop_front() else { continue };
        let end = arrived.wrapping_add(TEXT_BYTES.into());
        let (mut acker, mut hole) = (client, End { seq: next, ..server });
        if arrived == next {
            next = if highest == next { end } else { highest };
            (highest, duplicates) = (next, 0);
            scribe.say(&mut acker, End { seq: next, ..server }, Flags::ACK, 0);
            continue;
        }
        (highest, duplicates) = (end, duplicates + 1);
        let block = SackBlock { left: Seq::new(next) + u32::from(TEXT_BYTES), right: Seq::new(highest) };
        scribe.say_with(&mut acker, hole, Flags::ACK, 0, Some(block));
        if duplicates == 3 {
            under_way.push_back(next);
            scribe.say(&mut hole, client, Flags::ACK, TEXT_BYTES);
        }
    }
    scribe.close(&mut server, &mut client);
}

/// One connection; `lossy`: every hundredth segment is missing, told by duplicate ACKs, and sent again.
fn bulk(scribe: &mut Scribe, packets: u64, lossy: bool) {
    let (mut client, mut server) = ends(1);
    scribe.open(&mut client, &mut server);
    let mut sent = 0u64;
    while scribe.packets < packets {
        sent += 1;
        if lossy && sent.is_multiple_of(100) {
            let hole = server;
            server.seq = server.seq.wrapping_add(1_448);
            for _ in 0..4 {
                let acked = client;
                scribe.say(&mut server, client, Flags::ACK, 1_448);
                let mut acker = acked;
                scribe.say(&mut acker, hole, Flags::ACK, 0);
            }
            let mut again = hole;
            scribe.say(&mut again, client, Flags::ACK, 1_448);
        } else {
            scribe.say(&mut server, client, Flags::ACK, 1_448);
            scribe.say(&mut server, client, Flags::ACK, 1_448);
        }
        scribe.say(&mut client, server, Flags::ACK, 0);
    }
    scribe.close(&mut server, &mut client);
}
