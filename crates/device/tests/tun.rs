//! TUN against the real kernel, in a network namespace of its own: addresses, UDP, super-segments both
//! ways, live capture. Needs privileges and `/dev/net/tun`; without them it says so and passes, except
//! where `CI` is set.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)] // a test's way to fail

use bytes::Bytes;
use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{IpAddr, TcpListener, UdpSocket};
use std::process::Command;
use std::time::{Duration, Instant};
use synfin_device::{Direction, Link, PacketSocket, Tun, TunConfig, TunError, wait};
use wire::tcp::{Flags, Header, OptionLayout, Options};
use wire::{Checksum, Frame, Medium, Offload, TransmitChecksum, ip::protocol, segmentation, udp};
use wire::{Seq, checksum, ipv4, ipv6};

mod namespace;
use namespace::in_namespace;

fn config() -> TunConfig {
    TunConfig::new("synfin%d")
        .with_host_address("10.90.0.1/24".parse().unwrap())
        .with_host_address("fd90::1/64".parse().unwrap())
}

/// The next frame that `wanted` accepts; other frames of the kernel (such as router solicitations) are skipped.
fn next(tun: &Tun, wanted: impl Fn(&Packet) -> bool) -> Packet {
    next_within(tun, Duration::from_secs(10), wanted).expect("the expected frame comes within 10 s")
}

/// Asks until the kernel answers. Linux lets a socket bind an IPv6 address at once, but accepts packets for it
/// only after a worker has added its route. The worker may wait for seconds for a lock that is held while
/// other namespaces are removed; packets that come earlier are lost.
fn answered<T>(mut ask: impl FnMut() -> Option<T>) -> T {
    (0..30).find_map(|_| ask()).expect("the kernel answers within a minute")
}

fn next_within(tun: &Tun, timeout: Duration, wanted: impl Fn(&Packet) -> bool) -> Option<Packet> {
    let until = Instant::now() + timeout;
    let mut frames = VecDeque::new();
    while Instant::now() < until {
        tun.receive(&mut frames, 1).unwrap();
        if let Some(frame) = frames.pop_front() {
            if let Some(packet) = Packet::read(&frame)
                && wanted(&packet)
            {
                return Some(packet);
            }
        } else {
            wait(&[tun.poll_fd().unwrap()], Some(Duration::from_secs(1))).unwrap();
        }
    }
    None
}

/// A frame taken apart as far as this test needs it.
struct Packet {
    source: IpAddr,
    destination: IpAddr,
    protocol: u8,
    transport: Bytes,
    offload: Offload,
}

impl Packet {
    fn read(frame: &Frame) -> Option<Packet> {
        let bytes = frame.payload.contiguous()?.clone();
        let (source, destination, protocol, start) = if bytes[0] >> 4 == 6 {
            let header = ipv6::Header::parse(&bytes).ok()?;
            let upper = ipv6::walk(&bytes).ok()?;
            (header.source.into(), header.destination.into(), upper.protocol, upper.offset_bytes)
        } else {
            let (header, len) = ipv4::Header::parse(&bytes).ok()?;
            (IpAddr::V4(header.source), IpAddr::V4(header.destination), header.protocol, len)
        };
        Some(Packet {
            source,
            destination,
            protocol,
            transport: bytes.slice(start..),
            offload: frame.offload,
        })
    }

    fn is_for(&self, protocol: u8, port: u16) -> bool {
        self.protocol == protocol && self.transport[2..4] == port.to_be_bytes()
    }
}

/// A frame of ours with its IP header in place and its transport checksum left to the kernel.
fn frame_of(source: IpAddr, destination: IpAddr, protocol: u8, transport: &[u8], text: &[Bytes]) -> Frame {
    let mut frame = Frame::default();
    text.iter().for_each(|piece| frame.payload.push(piece.clone()));
    let transport_bytes = transport.len() + frame.payload.len();
    match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            let total_bytes = (20 + transport_bytes) as u16;
            ipv4::Header { source, destination, protocol, total_bytes, ..Default::default() }
                .emit(frame.head.grow(20));
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            let payload_bytes = transport_bytes as u16;
            ipv6::Header { source, destination, next_header: protocol, payload_bytes, ..Default::default() }
                .emit(frame.head.grow(40));
        }
        _ => panic!("one family"),
    }
    let start = frame.head.as_slice().len();
    let sum = checksum::pseudo_header(source, destination, protocol, transport_bytes as u32);
    let offset = if protocol == protocol::TCP { 16 } else { 6 };
    let head = frame.head.grow(transport.len());
    head.copy_from_slice(transport);
    head[offset..offset + 2].copy_from_slice(&sum.folded().to_be_bytes());
    frame.offload.checksum = Checksum::Partial { start: start as u16, offset: offset as u16 };
    frame
}

fn send(tun: &Tun, frame: Frame) {
    let mut frames = VecDeque::from([frame]);
    assert_eq!(tun.transmit(&mut frames).unwrap(), 1);
}

#[test]
fn udp_crosses_both_ways_for_both_versions() {
    in_namespace("udp_crosses_both_ways_for_both_versions", || {
        let tun = Tun::open(&config()).unwrap();
        for (host, ours) in [("10.90.0.1", "10.90.0.2"), ("fd90::1", "fd90::2")] {
            let ours: IpAddr = ours.parse().unwrap();
            // Bound at once: the address is usable without duplicate address detection.
            let socket = UdpSocket::bind((host.parse::<IpAddr>().unwrap(), 0)).unwrap();
            socket.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
            socket.send_to(b"to the stack", (ours, 4242)).unwrap();
            let packet = next(&tun, |packet| packet.is_for(protocol::UDP, 4242));
            assert_eq!(&packet.transport[8..], b"to the stack");
            let their_port = socket.local_addr().unwrap().port();
            let header =
                udp::Header { source_port: 4242, destination_port: their_port, len_bytes: 20, checksum: 0 };
            let mut transport = [0; 8];
            header.emit(&mut transport);
            let text = [Bytes::from_static(b"to the "), Bytes::from_static(b"host!")];
            let mut buffer = [0; 64];
            let (len, from) = answered(|| {
                send(&tun, frame_of(ours, packet.source, protocol::UDP, &transport, &text));
                socket.recv_from(&mut buffer).ok()
            });
            assert_eq!((&buffer[..len], from.ip(), from.port()), (&b"to the host!"[..], ours, 4242));
            assert_eq!(packet.destination, ours);
        }
    });
}

/// A stack of one connection without timers: enough to see what the device does.
fn super_segments_cross(host: &str, ours: &str, tun: &Tun) {
    let (host, ours): (IpAddr, IpAddr) = (host.parse().unwrap(), ours.parse().unwrap());
    let listener = TcpListener::bind((host, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let segment = |seq: Seq, ack: Seq, flags: Flags, text: &[Bytes], segment_bytes: u16| {
        let syn = flags.syn();
        let options =
            Options { mss: syn.then_some(1_400), window_scale: syn.then_some(7), ..Options::default() };
        let header = Header {
            source_port: 5_000,
            destination_port: port,
            seq,
            ack,
            flags,
            window: 60_000,
            options,
            ..Default::default()
        };
        let mut transport = [0; 60];
        let len = header.emit(&mut transport, OptionLayout::Linux);
        let mut frame = frame_of(ours, host, protocol::TCP, &transport[..len], text);
        frame.offload.segment_bytes = segment_bytes;
        send(tun, frame);
    };
    let from_kernel = |packet: &Packet| packet.is_for(protocol::TCP, 5_000);
    let iss = Seq::new(1_000);
    let answer = answered(|| {
        segment(iss, Seq::new(0), Flags::SYN, &[], 0);
        next_within(tun, Duration::from_secs(2), from_kernel)
    });
    let (syn_ack, _) = Header::parse(&answer.transport).unwrap();
    assert!(syn_ack.flags.contains(Flags::SYN | Flags::ACK));
    let mut rcv_nxt = syn_ack.seq + 1;
    segment(iss + 1, rcv_nxt, Flags::ACK, &[], 0);
    let (mut stream, _) = listener.accept().unwrap();

    // Up: one frame of 60,000 bytes in ten pieces.
    let data: Vec<u8> = (0..60_000u32).map(|number| (number % 251) as u8).collect();
    let whole = Bytes::from(data.clone());
    let pieces: Vec<Bytes> = (0..10).map(|piece| whole.slice(piece * 6_000..(piece + 1) * 6_000)).collect();
    segment(iss + 1, rcv_nxt, Flags::ACK | Flags::PSH, &pieces, 1_400);
    let mut arrived = vec![0; data.len()];
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.read_exact(&mut arrived).unwrap();
    assert!(arrived == data, "the kernel read something else than was sent");
    let snd_nxt = iss + 1 + 60_000;

    // Down: the kernel sends larger frames as its window opens.
    stream.write_all(&data).unwrap();
    let mut received = Vec::new();
    let mut largest = 0;
    while received.len() < data.len() {
        let packet = next(tun, from_kernel);
        let (header, start) = Header::parse(&packet.transport).unwrap();
        let text = packet.transport.slice(start..);
        if header.seq != rcv_nxt || text.is_empty() {
            continue;
        }
        if text.len() > 1_400 {
            assert_eq!(packet.offload.segment_bytes, 1_400, "a super-segment says how to cut it");
        }
        assert!(matches!(packet.offload.checksum, Checksum::Partial { offset: 16, .. }));
        largest = largest.max(text.len());
        received.extend_from_slice(&text);
        rcv_nxt += text.len() as u32;
        segment(snd_nxt, rcv_nxt, Flags::ACK, &[], 0);
    }
    assert!(received == data, "we read something else than the kernel sent");
    println!("{host}: largest super-segment from the kernel: {largest} bytes");
    assert!(largest > 10_000, "the largest frame had only {largest} bytes of text");
    segment(snd_nxt, rcv_nxt, Flags::RST | Flags::ACK, &[], 0);
}

#[test]
fn super_segments_pass_whole_both_ways() {
    in_namespace("super_segments_pass_whole_both_ways", || {
        let tun = Tun::open(&config()).unwrap();
        super_segments_cross("10.90.0.1", "10.90.0.2", &tun);
        super_segments_cross("fd90::1", "fd90::2", &tun);
    });
}

#[test]
fn without_offload_every_frame_is_as_on_the_wire() {
    in_namespace("without_offload_every_frame_is_as_on_the_wire", || {
        let tun = Tun::open(&config().without_offload().with_mtu(1_400)).unwrap();
        assert_eq!(tun.capabilities().transmit_checksum, TransmitChecksum::Full);
        let socket = UdpSocket::bind("10.90.0.1:0").unwrap();
        socket.send_to(&[7; 1_000], "10.90.0.2:9").unwrap();
        let mut frames = VecDeque::new();
        let frame = loop {
            wait(&[tun.poll_fd().unwrap()], Some(Duration::from_secs(10))).unwrap();
            tun.receive(&mut frames, 1).unwrap();
            let frame = frames.pop_front().expect("a frame within 10 s");
            if frame.len() == 1_028 {
                break frame;
            }
        };
        assert_eq!(frame.offload, Offload::default());
        assert_eq!(segmentation::checksum_is_good(&frame, Medium::Ip), Some(true));
    });
}

#[test]
fn several_queues_serve_one_interface() {
    in_namespace("several_queues_serve_one_interface", || {
        let queues = Tun::open_queues(&config(), 3).unwrap();
        assert!(queues.iter().all(|queue| queue.name() == queues[0].name()));
        let socket = UdpSocket::bind("10.90.0.1:0").unwrap();
        socket.send_to(b"somewhere", "10.90.0.2:9").unwrap();
        let fds: Vec<_> = queues.iter().filter_map(Link::poll_fd).collect();
        assert!(!wait(&fds, Some(Duration::from_secs(10))).unwrap().is_empty());
    });
}

#[test]
fn a_live_capture_sees_both_directions_with_times() {
    in_namespace("a_live_capture_sees_both_directions_with_times", || {
        let tun = Tun::open(&config()).unwrap();
        let capture = PacketSocket::open(tun.name()).unwrap();
        assert_eq!(capture.capabilities().medium, Medium::Ip);
        capture.listen_to_all().unwrap();
        let socket = UdpSocket::bind("10.90.0.1:0").unwrap();
        socket.send_to(b"out", "10.90.0.2:9").unwrap();
        let mut transport = [0; 8];
        let len_bytes = 8;
        udp::Header { source_port: 9, destination_port: 9, len_bytes, checksum: 0 }.emit(&mut transport);
        let (ours, host) = (IpAddr::from([10, 90, 0, 2]), IpAddr::from([10, 90, 0, 1]));
        send(&tun, frame_of(ours, host, protocol::UDP, &transport, &[]));
        let mut seen = Vec::new();
        while seen.len() < 2 {
            let ready = wait(&[capture.as_fd()], Some(Duration::from_secs(10))).unwrap();
            assert!(ready.contains(0), "two frames within 10 s");
            while let Some(captured) = capture.capture().unwrap() {
                let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
                assert!(now.abs_diff(captured.time) < Duration::from_secs(10));
                assert_eq!(captured.bytes.len(), captured.wire_bytes);
                if captured.bytes[0] >> 4 == 4 && captured.bytes[9] == protocol::UDP {
                    seen.push((captured.direction, captured.bytes.len()));
                }
            }
        }
        assert_eq!(seen, [(Direction::Transmitted, 31), (Direction::Received, 28)]);
        let statistics = capture.statistics().unwrap();
        assert!(statistics.seen >= 2 && statistics.dropped == 0);
    });
}

/// How many packets the kernel keeps for whoever reads from the interface. The files of /sys are those of the network
/// namespace in which it was mounted, so it is mounted again, for nobody else.
fn queue_packets(name: &str) -> u32 {
    let script = format!("mount -t sysfs sysfs /sys && cat /sys/class/net/{name}/tx_queue_len");
    let output = Command::new("unshare").args(["--mount", "sh", "-c", &script]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
}

#[test]
fn the_transmit_queue_is_lengthened_and_never_shortened() {
    in_namespace("the_transmit_queue_is_lengthened_and_never_shortened", || {
        for medium in [Medium::Ip, Medium::Ethernet] {
            let opened = |packets: u32| {
                Tun::open(&TunConfig { medium, ..config() }.with_queue_packets_min(packets)).unwrap()
            };
            let of_the_kernel = queue_packets(opened(0).name());
            assert_eq!(queue_packets(Tun::open(&TunConfig { medium, ..config() }).unwrap().name()), 4_096);
            assert_eq!(queue_packets(opened(10_000).name()), 10_000);
            assert_eq!(queue_packets(opened(1).name()), of_the_kernel, "a longer queue is left alone");
            let many = TunConfig { medium, ..config() }.with_queue_packets_min(2_000);
            let queues = Tun::open_queues(&many, 2).unwrap();
            assert_eq!(queue_packets(queues[0].name()), 2_000);
        }
    });
}

#[test]
fn a_second_program_is_told_that_the_interface_is_taken_and_it_goes_with_the_first() {
    in_namespace("a_second_program_is_told_that_the_interface_is_taken_and_it_goes_with_the_first", || {
        let first = Tun::open(&config()).unwrap();
        let again = TunConfig::new(first.name());
        let error = Tun::open(&again).unwrap_err();
        assert!(matches!(error, TunError::Busy { .. }), "{error}");
        assert!(error.to_string().contains("in use by another program"));
        let name = first.name().to_owned();
        drop(first);
        assert!(PacketSocket::open(&name).unwrap_err().to_string().contains("there is no network interface"));
    });
}

#[test]
fn an_interface_of_another_kind_is_not_taken_for_a_tun() {
    in_namespace("an_interface_of_another_kind_is_not_taken_for_a_tun", || {
        let tap = TunConfig { medium: Medium::Ethernet, ..config() };
        let tap = Tun::open(&tap).unwrap();
        for name in ["lo", tap.name()] {
            let error = Tun::open(&TunConfig::new(name)).unwrap_err();
            assert!(matches!(error, TunError::OtherKind { .. }), "{error}");
            let text = error.to_string();
            assert!(text.contains(&format!("the interface {name} exists and is no TUN interface")), "{text}");
            assert!(text.contains("choose a name"), "{text}");
        }
    });
}

#[test]
fn a_prepared_interface_needs_no_privilege_and_a_missing_one_says_how_to_prepare_it() {
    in_namespace("a_prepared_interface_needs_no_privilege_and_a_missing_one_says_how_to_prepare_it", || {
        match std::env::var("SYNFIN_TEST_WITHOUT_PRIVILEGE").as_deref() {
            Ok("prepared") => {
                drop(Tun::open(&prepared()).expect("a prepared interface opens"));
                let longer = prepared().with_queue_packets_min(5_000);
                drop(Tun::open(&longer).expect("one whose queue may not be lengthened opens as well"));
            }
            Ok(_) => {
                let error = Tun::open(&TunConfig { name: "synfin9".into(), ..prepared() }).unwrap_err();
                let text = error.to_string();
                assert!(matches!(error, TunError::NotAllowed { .. }), "{text}");
                assert!(text.contains("sudo ip tuntap add dev synfin9 mode tun user"), "{text}");
                assert!(text.contains("sudo ip addr add fd90::1/64 dev synfin9 nodad"), "{text}");
                assert!(text.contains("sudo setcap cap_net_admin+ep"), "{text}");
            }
            Err(_) => prepare_and_try_without_privilege(),
        }
    });
}

fn prepared() -> TunConfig {
    TunConfig { name: "synfin8".into(), ..config() }
}

fn prepare_and_try_without_privilege() {
    let preparation = prepared().preparation().replace("sudo ", "").replace("user root", "user 0");
    let preparation = preparation.replace("user \"$USER\"", "user 0");
    let status = Command::new("sh").args(["-ec", &preparation]).status();
    if !status.is_ok_and(|status| status.success()) {
        drop(writeln!(std::io::stderr(), "skipped: `ip tuntap` is not available"));
        return;
    }
    for case in ["prepared", "missing"] {
        let status = Command::new("setpriv")
            .args(["--bounding-set=-all", "--inh-caps=-all"])
            .arg(std::env::current_exe().unwrap())
            .args(["a_prepared_interface_needs_no_privilege_and_a_missing_one_says_how_to_prepare_it"])
            .args(["--exact", "--nocapture"])
            .env("SYNFIN_TEST_WITHOUT_PRIVILEGE", case)
            .status();
        match status {
            Ok(status) => assert!(status.success(), "{case}"),
            Err(error) => drop(writeln!(std::io::stderr(), "skipped: setpriv: {error}")),
        }
    }
}
