//! A host fed with arbitrary frames: whole nonsense, and well-formed packets with arbitrary headers.
//!
//! Whatever comes: nothing panics, every table stays within its bound, the host comes to rest.

use super::feed::Feed;
use bytes::Bytes;
use stack::{Config, Host, Interface, InterfaceId, Mac};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;
use tcp::Instant;
use wire::ip::protocol;
use wire::tcp::{Flags, Header, OptionLayout, Options, Timestamps};
use wire::{Checksum, Frame, LinkCapabilities, Medium, Payload, TransmitChecksum, ipv4, ipv6, segmentation};

const FRAMES_MAX: usize = 2_000;
const SENT_AT_ONCE_MAX: usize = 100_000;

/// The body.
pub(super) fn host(bytes: &[u8]) {
    let mut feed = Feed::new(bytes);
    let config = Config {
        half_open_max: 8,
        connections_max: 64,
        time_waits_max: 8,
        neighbours_max: 8,
        reassembly_datagrams_max: 4,
        reassembly_bytes_max: 100_000,
        outbox_frames_max: 64,
        ..Config::default()
    };
    let mut host = Host::new(config, [7; 32]);
    let wires = [Medium::Ip, Medium::Ethernet].map(|medium| {
        let hardware = (medium == Medium::Ethernet).then_some(Mac([2, 0, 0, 0, 0, 1]));
        let net =
            if medium == Medium::Ip { ["10.0.0.2/24", "fd00::2/64"] } else { ["10.1.0.2/24", "fd01::2/64"] };
        host.add_interface(Interface {
            name: "wire".into(),
            capabilities: LinkCapabilities {
                medium,
                mtu_bytes: 1_500,
                super_segment_bytes_max: 0,
                transmit_checksum: TransmitChecksum::Full,
            },
            hardware,
            addresses: net.map(|address| address.parse().expect("an address")).to_vec(),
        })
    });
    let listener = host.tcp_listen("[::]:80".parse().expect("an address"), 4).expect("the port is free");
    let udp = host.udp_bind("[::]:53".parse().expect("an address")).expect("the port is free");
    let mut now = Instant::from_millis(1_000);
    for _ in 0..FRAMES_MAX {
        if feed.is_empty() {
            break;
        }
        match feed.u8() % 8 {
            0 => now += Duration::from_micros(u64::from(feed.u32() >> 6)),
            1 => {
                if let Some(accepted) = host.tcp_accept(listener) {
                    let _ = host.tcp_write(now, accepted.id, &[1; 3_000]);
                    let _ = host.tcp_close(now, accepted.id);
                }
                let _ = host.udp_recv_from(udp, &mut [0; 100]);
            }
            2 => {
                let count = usize::from(feed.u8());
                let frame = Frame::from_bytes(Bytes::copy_from_slice(feed.bytes(count)));
                let wire = wires[usize::from(feed.u8() & 1)];
                host.handle_frame(now, wire, frame);
            }
            kind => host.handle_frame(now, wires[0], packet(&mut feed, kind & 1 == 0)),
        }
        host.handle_timeout(now);
        drain(&mut host, now);
        let usage = host.usage();
        assert!(usage.half_open <= 8 && usage.connections <= 64 && usage.time_waits <= 8, "{usage:?}");
        assert!(usage.neighbours <= 8 && usage.reassemblies <= 4, "{usage:?}");
    }
}

fn drain(host: &mut Host, now: Instant) {
    for sent in 0.. {
        let Some((_, frame)) = poll(host, now) else { break };
        assert!(sent < SENT_AT_ONCE_MAX, "never stops sending");
        assert!(frame.len() <= 1_514, "fits the link: {}", frame.len());
    }
    while host.poll_event().is_some() {}
}

fn poll(host: &mut Host, now: Instant) -> Option<(InterfaceId, Frame)> {
    host.poll_transmit(now)
}

/// A packet whose lengths and checksums are right and whose contents are anything.
fn packet(feed: &mut Feed<'_>, is_v4: bool) -> Frame {
    let protocol = match feed.u8() {
        0..=179 => protocol::TCP,
        180..=209 => protocol::UDP,
        210..=239 if is_v4 => protocol::ICMP,
        210..=239 => protocol::ICMPV6,
        other => other,
    };
    let transport = if protocol == protocol::TCP { segment(feed) } else { feed.bytes(60).to_vec() };
    let last = feed.u8() % 4;
    let mut frame = Frame::default();
    if is_v4 {
        let fragment = if protocol == protocol::TCP { 0 } else { u16::from(feed.u8()) };
        ipv4::Header {
            source: Ipv4Addr::new(10, 0, 0, 3 + last),
            destination: Ipv4Addr::new(10, 0, 0, 2),
            protocol,
            ttl: 64,
            more_fragments: fragment & 1 != 0,
            fragment_offset_bytes: fragment & 0xf8,
            total_bytes: (ipv4::HEADER_BYTES + transport.len()) as u16,
            ..ipv4::Header::default()
        }
        .emit(frame.head.grow(ipv4::HEADER_BYTES));
    } else {
        ipv6::Header {
            source: Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 3 + u16::from(last)),
            destination: Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 2),
            dscp: 0,
            ecn: wire::ip::Ecn::default(),
            flow_label: 0,
            payload_bytes: transport.len() as u16,
            next_header: protocol,
            hop_limit: 255,
        }
        .emit(frame.head.grow(ipv6::HEADER_BYTES));
    }
    let mut whole = frame.to_vec();
    whole.extend(transport);
    let mut frame = Frame { payload: Payload::from(Bytes::from(whole)), ..Frame::default() };
    frame.offload.checksum = Checksum::Trusted;
    if feed.u8() != 0 {
        segmentation::complete_checksum(&mut frame, Medium::Ip);
    }
    frame
}

fn segment(feed: &mut Feed<'_>) -> Vec<u8> {
    let flags = Flags::from_bits(match feed.u8() {
        0..=79 => Flags::SYN.bits(),
        80..=159 => Flags::ACK.bits(),
        any => u16::from(any & 0x3f),
    });
    let stamps = Timestamps { value: feed.u32(), echo: feed.u32() };
    let options = Options {
        mss: flags.syn().then(|| feed.u16()),
        window_scale: flags.syn().then_some(7),
        timestamps: (feed.u8() & 1 == 0).then_some(stamps),
        ..Options::default()
    };
    let header = Header {
        source_port: 1_000 + u16::from(feed.u8() % 16),
        destination_port: if feed.u8() & 7 == 0 { feed.u16() } else { 80 },
        seq: wire::Seq::new(feed.offset()),
        ack: wire::Seq::new(feed.offset()),
        flags,
        window: feed.u16(),
        urgent: 0,
        options,
    };
    let mut out = vec![0; header.len_bytes(OptionLayout::Linux)];
    header.emit(&mut out, OptionLayout::Linux);
    out.extend(feed.bytes(40));
    out
}
