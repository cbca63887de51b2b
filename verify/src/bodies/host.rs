//! A host fed with arbitrary frames: whole nonsense, well-formed packets with arbitrary headers, fragments,
//! neighbours; and an application that reads, writes, connects and leaves.
//!
//! Whatever comes: nothing panics, every table stays within its bound, what is sent is well-formed, what is read
//! is what was said at that place, datagrams in honest fragments arrive and such with overlaps do not, whoever
//! asks for our link address gets it, and the host comes to rest.

mod packets;

use super::feed::Feed;
use bytes::Bytes;
use packets::{Fragments, OUR_ISS, OUR_MAC, Packet, byte};
use stack::{Config, Host, Interface, InterfaceId, IsnPolicy, Mac, MemoryBudget, SocketId};
use stack::{ConnectOptions, CookiePolicy, FastOpenOptions, OpenFast};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;
use tcp::Instant;
use wire::ip::protocol;
use wire::{Frame, LinkCapabilities, Medium, Seq, TransmitChecksum, segmentation};

const FRAMES_MAX: usize = 2_000;
const SENT_AT_ONCE_MAX: usize = 100_000;
const REASSEMBLIES_MAX: usize = 4;
const CONNECTIONS_MAX: usize = 64;
const BUFFER_BYTES: u32 = 20_000;
/// Less than what the tables and buffers might hold together.
const MEMORY_BYTES: usize = 512 << 10;

/// A host, what its application holds, and what was seen.
struct Life {
    host: Host,
    now: Instant,
    wires: [InterfaceId; 2],
    listener: SocketId,
    udp: SocketId,
    streams: Vec<Stream>,
    /// Numbers of datagrams.
    datagrams: u32,
    /// Datagrams that must not arrive.
    broken: BTreeSet<u32>,
    arrived: BTreeSet<u32>,
    /// Frames that have left since the last look, by wire.
    sent: [usize; 2],
}

/// A connection of the application, and how far it has read.
struct Stream {
    id: SocketId,
    read: u32,
}

/// The body.
pub(super) fn host(bytes: &[u8]) {
    let mut feed = Feed::new(bytes);
    let mut life = Life::new();
    for _ in 0..FRAMES_MAX {
        if feed.is_empty() {
            break;
        }
        life.step(&mut feed);
        life.turn();
        life.check();
    }
    life.rest();
}

impl Life {
    fn new() -> Life {
        let config = Config {
            tcp: Arc::new(tcp::Config {
                send_buffer_bytes: BUFFER_BYTES,
                receive_buffer_bytes: BUFFER_BYTES,
                ..tcp::Config::default()
            }),
            isn: IsnPolicy::Fixed(Seq::new(OUR_ISS)),
            half_open_max: 8,
            connections_max: CONNECTIONS_MAX,
            time_waits_max: 8,
            neighbours_max: 8,
            reassembly_datagrams_max: REASSEMBLIES_MAX,
            reassembly_bytes_max: 100_000,
            udp_receive_bytes_max: 100_000,
            outbox_frames_max: 64,
            memory: MemoryBudget::of(MEMORY_BYTES),
            ..Config::default()
        };
        let mut host = Host::new(config, [7; 32]);
        let wires = [Medium::Ip, Medium::Ethernet].map(|medium| {
            let net = match medium {
                Medium::Ip => ["10.0.0.2/24", "fd00::2/64"],
                Medium::Ethernet => ["10.1.0.2/24", "fd01::2/64"],
            };
            host.add_interface(Interface {
                name: "wire".into(),
                capabilities: LinkCapabilities {
                    medium,
                    mtu_bytes: 1_500,
                    super_segment_bytes_max: 0,
                    transmit_checksum: TransmitChecksum::Full,
                },
                hardware: (medium == Medium::Ethernet).then_some(Mac(OUR_MAC)),
                addresses: net.map(|address| address.parse().expect("an address")).to_vec(),
            })
        });
        let any = |port| SocketAddr::from((std::net::Ipv6Addr::UNSPECIFIED, port));
        let listener = host.tcp_listen(any(80), 4).expect("the port is free");
        // Whoever sends text with its SYN is open at once.
        let fast = FastOpenOptions { cookies: CookiePolicy::NotRequired, ..FastOpenOptions::new(4) };
        host.set_fast_open(listener, Some(fast)).expect("it is a listener");
        let udp = host.udp_bind(any(53)).expect("the port is free");
        Life {
            host,
            now: Instant::from_millis(1_000),
            wires,
            listener,
            udp,
            streams: Vec::new(),
            datagrams: 0,
            broken: BTreeSet::new(),
            arrived: BTreeSet::new(),
            sent: [0; 2],
        }
    }

    fn step(&mut self, feed: &mut Feed<'_>) {
        match feed.u8() % 16 {
            0 => self.now += Duration::from_micros(u64::from(feed.u32() >> 6)),
            1 => self.now += Duration::from_millis(u64::from(feed.u32() >> (feed.u8() % 32))),
            2 => self.accept(feed),
            3 | 4 => self.use_stream(feed),
            5 => {
                let count = usize::from(feed.u8());
                let bytes = feed.bytes(count).to_vec();
                let wire = usize::from(feed.u8() & 1);
                self.arrive(wire, bytes);
            }
            6 => self.hear_neighbour(packets::arp(feed)),
            7 => self.hear_neighbour(packets::neighbour(feed)),
            8 => self.datagram(feed),
            9 => {
                let packet = packets::any(feed, 1);
                let ethertype = if packet.source.is_ipv4() { 0x0800 } else { 0x86dd };
                self.arrive(1, packets::on_ethernet(ethertype, OUR_MAC, &packet.whole()));
            }
            10 => {
                let packet = packets::any(feed, 0);
                let fragments = cut(feed, &packet, self.datagrams);
                self.datagrams += 1;
                packet.in_fragments(&fragments).into_iter().for_each(|fragment| self.arrive(0, fragment));
            }
            11 => self.talk_to_neighbour(feed),
            _ => {
                let packet = packets::any(feed, 0);
                self.arrive(0, packet.whole());
            }
        }
    }

    fn arrive(&mut self, wire: usize, bytes: Vec<u8>) {
        self.host.handle_frame(self.now, self.wires[wire], Frame::from_bytes(Bytes::from(bytes)));
    }

    /// Who asks for our link address gets it.
    fn hear_neighbour(&mut self, (frame, asks): (Vec<u8>, bool)) {
        self.sent = [0; 2];
        self.arrive(1, frame);
        self.turn();
        assert!(self.sent[1] > 0 || !asks, "a neighbour that asks is answered");
    }

    /// A datagram in fragments: honest ones arrive, such with overlaps do not (RFC 5722).
    fn datagram(&mut self, feed: &mut Feed<'_>) {
        self.read_datagrams();
        let number = self.datagrams;
        self.datagrams += 1;
        let is_v4 = feed.u8() & 1 == 0;
        let text_bytes = usize::from(feed.u16() % 5_000);
        let transport = packets::datagram(number, text_bytes);
        let stranger = 3 + feed.u8() % 4;
        let packet = Packet::new(is_v4, 0, stranger, protocol::UDP, transport).with_checksum();
        let mut fragments = cut(feed, &packet, number);
        let whole_bytes = packet.fragmentable(&fragments).1.len();
        if fragments.parts.len() > 1 {
            let at = usize::from(feed.u8()) % fragments.parts.len();
            let part = fragments.parts[at].clone();
            match feed.u8() % 8 {
                // It goes missing, comes twice, or begins eight bytes early.
                0 => drop(fragments.parts.remove(at)),
                1 => fragments.parts.push(part),
                2 if part.start > 0 => fragments.parts[at].start -= 8,
                _ => {}
            }
        }
        // A first fragment without all headers is refused by itself (RFC 7112 §5).
        let headers_bytes = whole_bytes - packet.transport.len() + wire::udp::HEADER_BYTES;
        let heard = fragments.parts.iter().filter(|part| part.start > 0 || part.end >= headers_bytes);
        let is_honest = is_whole_before_it_overlaps(heard, whole_bytes);
        // A table that others have filled may refuse it.
        let has_room = self.host.usage().reassemblies == 0;
        if !is_honest {
            self.broken.insert(number);
        }
        packet.in_fragments(&fragments).into_iter().for_each(|fragment| self.arrive(0, fragment));
        self.read_datagrams();
        assert!(
            !is_honest || !has_room || self.arrived.contains(&number),
            "an honest datagram in fragments arrives: {fragments:?} of {whole_bytes}"
        );
    }

    fn read_datagrams(&mut self) {
        let mut into = [0; 6_000];
        while let Ok((count, from)) = self.host.udp_recv_from(self.udp, &mut into) {
            // Others send what they like.
            if count < 4 || from.port() != 5_353 {
                continue;
            }
            let (head, text) = into[..count].split_at(4);
            let number = u32::from_be_bytes([head[0], head[1], head[2], head[3]]);
            let is_true = text.iter().enumerate().all(|(place, is)| *is == byte(number, place));
            assert!(is_true, "datagram {number} has other bytes");
            assert!(!self.broken.contains(&number), "datagram {number} is not whole, or overlaps");
            self.arrived.insert(number);
        }
    }

    fn accept(&mut self, feed: &mut Feed<'_>) {
        if let Some(accepted) = self.host.tcp_accept(self.listener) {
            let text_bytes = usize::from(feed.u8()) * 100;
            let _ = self.host.tcp_write(self.now, accepted.id, &vec![1; text_bytes]);
            self.streams.push(Stream { id: accepted.id, read: 0 });
        }
        self.read_datagrams();
    }

    fn use_stream(&mut self, feed: &mut Feed<'_>) {
        if self.streams.is_empty() {
            return;
        }
        let (now, at) = (self.now, usize::from(feed.u8()) % self.streams.len());
        let stream = &mut self.streams[at];
        match feed.u8() % 8 {
            // What was aborted stays the application's until it is closed.
            0 if feed.u8() & 1 == 0 => drop(self.host.tcp_abort(now, stream.id)),
            0 => {
                let stream = self.streams.swap_remove(at);
                let _ = self.host.tcp_close(now, stream.id);
            }
            1 => drop(self.host.tcp_write(now, stream.id, &vec![1; usize::from(feed.u16())])),
            2 => drop(self.host.tcp_finish(now, stream.id)),
            _ => {
                let Some(irs) = self.host.tcp(stream.id).map(|connection| connection.snapshot().irs) else {
                    return;
                };
                let mut into = vec![0; 1 + usize::from(feed.u16() % 4_000)];
                if let Ok(count) = self.host.tcp_read(now, stream.id, &mut into) {
                    let from = irs + 1 + stream.read;
                    for (place, is) in into[..count].iter().enumerate() {
                        let number = (from + place as u32).number();
                        assert_eq!(*is, byte(number, 0), "byte {} of a stream", stream.read + place as u32);
                    }
                    stream.read += count as u32;
                }
            }
        }
    }

    /// The application sends to a neighbour that may not answer, and connects to it.
    fn talk_to_neighbour(&mut self, feed: &mut Feed<'_>) {
        let host = 3 + feed.u8() % 64;
        let to = SocketAddr::from(([10, 1, 0, host], 9));
        if feed.u8() & 3 == 0 {
            let cookies = CookiePolicy::NotRequired;
            let fast = OpenFast { text: vec![1; 900].into(), cookies, ..OpenFast::default() };
            let fast_open = (host & 1 == 0).then_some(fast);
            let options = ConnectOptions { fast_open, ..ConnectOptions::new(to) };
            if let Ok(id) = self.host.tcp_connect_with(self.now, options) {
                let _ = self.host.tcp_close(self.now, id);
            }
        } else {
            let text = vec![2; usize::from(feed.u16() % 20_000)];
            let _ = self.host.udp_send_to(self.now, self.udp, text.into(), to);
        }
    }

    fn turn(&mut self) {
        self.host.handle_timeout(self.now);
        for sent in 0.. {
            let Some((wire, frame)) = self.host.poll_transmit(self.now) else { break };
            assert!(sent < SENT_AT_ONCE_MAX, "never stops sending");
            let wire = usize::from(wire != self.wires[0]);
            let medium = [Medium::Ip, Medium::Ethernet][wire];
            assert!(frame.len() <= [1_500, 1_514][wire], "fits the link: {}", frame.len());
            assert_ne!(segmentation::checksum_is_good(&frame, medium), Some(false), "{frame:?}");
            self.sent[wire] += 1;
        }
        while self.host.poll_event().is_some() {}
    }

    fn check(&self) {
        let usage = self.host.usage();
        assert!(
            usage.half_open <= 8 && usage.connections <= CONNECTIONS_MAX && usage.time_waits <= 8,
            "{usage:?}"
        );
        assert!(usage.neighbours <= 8 && usage.reassemblies <= REASSEMBLIES_MAX, "{usage:?}");
        // A twentieth more, for what is under way while room is made.
        assert!(usage.held_bytes <= MEMORY_BYTES / 20 * 21, "{usage:?}");
    }

    /// The application leaves and nobody sends any more: nothing is left but what was there at the beginning.
    fn rest(&mut self) {
        for stream in std::mem::take(&mut self.streams) {
            let _ = self.host.tcp_close(self.now, stream.id);
        }
        while let Some(accepted) = self.host.tcp_accept(self.listener) {
            let _ = self.host.tcp_close(self.now, accepted.id);
        }
        self.turn();
        for _ in 0..20_000 {
            let Some(due) = self.host.poll_timeout() else { break };
            self.now = self.now.max(due);
            self.turn();
            // Connections that had been half-open may have become whole.
            while let Some(accepted) = self.host.tcp_accept(self.listener) {
                let _ = self.host.tcp_close(self.now, accepted.id);
            }
        }
        let usage = self.host.usage();
        assert_eq!((usage.connections, usage.half_open, usage.time_waits), (0, 0, 0), "{usage:?}");
        assert_eq!((usage.reassemblies, usage.neighbours, usage.timers), (0, 0, 0), "{usage:?}");
    }
}

/// Whether parts that come in this order make a whole before one overlaps another, which ends it (RFC 5722; the
/// same part again is harmless, RFC 8200 §4.5).
fn is_whole_before_it_overlaps<'a>(
    parts: impl Iterator<Item = &'a Range<usize>>,
    whole_bytes: usize,
) -> bool {
    let mut there: Vec<&'a Range<usize>> = Vec::new();
    for part in parts {
        let overlaps = |other: &&Range<usize>| other.start < part.end && part.start < other.end;
        match there.iter().find(|other| overlaps(other)) {
            Some(same) if *same == part => {}
            // All of it at once is no fragment (RFC 6946).
            _ if part.len() == whole_bytes => return true,
            Some(_) => return false,
            None => there.push(part),
        }
        if there.iter().map(|part| part.len()).sum::<usize>() == whole_bytes {
            return true;
        }
    }
    false
}

/// Cuts into up to eight parts at multiples of eight, and mixes them.
fn cut(feed: &mut Feed<'_>, packet: &Packet, identification: u32) -> Fragments {
    let bits = feed.u8();
    let mut fragments = Fragments {
        identification,
        parts: Vec::new(),
        options_before: bits & 1 != 0,
        options_behind: bits & 2 != 0,
    };
    let len_bytes = packet.fragmentable(&fragments).1.len();
    let mut ends: BTreeSet<usize> =
        (0..bits >> 2 & 7).map(|_| usize::from(feed.u16()) % (len_bytes / 8 + 1) * 8).collect();
    ends.insert(len_bytes);
    let mut from = 0;
    for to in ends {
        if from < to {
            fragments.parts.push(from..to);
            from = to;
        }
    }
    let turn = usize::from(feed.u8()) % fragments.parts.len().max(1);
    fragments.parts.rotate_left(turn);
    fragments
}
