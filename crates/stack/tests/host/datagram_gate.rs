//! Gates for datagrams: both ends, turns, bounds, errors in both directions; and both ends at plain sockets.

use crate::world::{CLIENT, Fate, Pair, SERVER, link, text, usage};
use bytes::Bytes;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use synfin_stack::{
    AnyAddress, Config, Datagram, DatagramError, DatagramGateOptions, Discard, Error, Event, GateAddresses,
    Host, Interface, MemoryBudget, SocketId, Unreachable,
};
use tcp::Instant;
use wire::icmp::{v4, v6};
use wire::ip::protocol;
use wire::{Checksum, Frame, ipv4, ipv6, udp};

const FAR_V4: &str = "9.9.9.9:53";
const FAR_V6: &str = "[2620:fe::9]:53";

/// The client sends everything to the server, which has a gate.
fn gateway_with(config: &Config, options: DatagramGateOptions) -> (Pair, SocketId) {
    let mut pair = Pair::of(&Config::default(), config, link());
    let out = pair.links[CLIENT];
    for everything in ["0.0.0.0/0", "::/0"] {
        pair.client().add_route(everything.parse().unwrap(), None, out);
    }
    let gate = pair.server().open_datagram_gate(options).unwrap();
    (pair, gate)
}

fn gateway() -> (Pair, SocketId) {
    gateway_with(&Config::default(), DatagramGateOptions::default())
}

/// The client asks from a socket of its own.
fn ask(pair: &mut Pair, remote: &str, data: &[u8]) -> SocketId {
    let socket = pair.client().udp_bind("[::]:0".parse().unwrap()).unwrap();
    ask_again(pair, socket, remote, data);
    socket
}

fn ask_again(pair: &mut Pair, socket: SocketId, remote: &str, data: &[u8]) {
    let now = pair.now;
    let data = Bytes::copy_from_slice(data);
    pair.client().udp_send_to(now, socket, data, remote.parse().unwrap()).unwrap();
    pair.settle();
}

fn next(pair: &mut Pair, gate: SocketId) -> Datagram {
    pair.server().next_datagram(gate).expect("a datagram waits")
}

fn answer(pair: &mut Pair, gate: SocketId, asked: &Datagram, data: &[u8]) -> Result<usize, Error> {
    let now = pair.now;
    let data = Bytes::copy_from_slice(data);
    let sent = pair.server().send_datagram_from(now, gate, asked.local, asked.remote, data);
    pair.settle();
    sent
}

fn read(pair: &mut Pair, socket: SocketId) -> Result<(Vec<u8>, SocketAddr), Error> {
    let mut buffer = vec![0; 70_000];
    let (len, from) = pair.client().udp_recv_from(socket, &mut buffer)?;
    Ok((buffer[..len].to_vec(), from))
}

/// A datagram of a peer that is not there, without checksum.
fn datagram(from: &str, to: &str, data: &[u8]) -> Frame {
    let (from, to): (SocketAddr, SocketAddr) = (from.parse().unwrap(), to.parse().unwrap());
    let (IpAddr::V4(source), IpAddr::V4(destination)) = (from.ip(), to.ip()) else { panic!("IPv4 only") };
    let mut packet = vec![0; 28];
    let total_bytes = (28 + data.len()) as u16;
    ipv4::Header { source, destination, protocol: protocol::UDP, total_bytes, ..ipv4::Header::default() }
        .emit(&mut packet);
    let len_bytes = (8 + data.len()) as u16;
    udp::Header { source_port: from.port(), destination_port: to.port(), len_bytes, checksum: 0 }
        .emit(&mut packet[20..]);
    packet.extend_from_slice(data);
    let mut frame = Frame::from_bytes(packet.into());
    frame.offload.checksum = Checksum::Trusted;
    frame
}

fn arrive(pair: &mut Pair, from: &str, data: &[u8]) {
    let (now, link) = (pair.now, pair.links[SERVER]);
    pair.server().handle_frame(now, link, datagram(from, FAR_V4, data));
}

fn answers(pair: &Pair) -> Vec<&[u8]> {
    pair.seen.iter().filter(|(from, _)| *from == SERVER).map(|(_, bytes)| &bytes[..]).collect()
}

#[test]
fn a_datagram_to_any_address_comes_with_both_ends_and_is_answered_from_where_it_was_sent_to() {
    for far in [FAR_V4, FAR_V6] {
        let (mut pair, gate) = gateway();
        for len in [0, 1, 1_400, 5_000] {
            let data = text(len);
            let socket = ask(&mut pair, far, &data);
            assert_eq!(pair.events[SERVER].pop(), Some((gate, Event::Readable)));
            let asked = next(&mut pair, gate);
            assert_eq!(asked.local, far.parse::<SocketAddr>().unwrap());
            assert_eq!(asked.remote.port(), pair.client().local_addr(socket).unwrap().port());
            assert_eq!((asked.interface, asked.hop_limit), (pair.links[SERVER], 64));
            assert!(asked.data == data, "{len} bytes");
            assert_eq!(pair.server().next_datagram(gate), None);
            assert_eq!(answer(&mut pair, gate, &asked, &data), Ok(len));
            assert_eq!(read(&mut pair, socket), Ok((data, asked.local)));
        }
        let flows = usage(|used| (used.datagram_gates, used.datagram_flows) = (1, 4));
        assert_eq!(pair.server().usage().counts(), flows);
        assert_eq!(pair.server().counters().discarded_total(), 0, "{:?}", pair.server().counters());
        assert_eq!(pair.server().counters().datagrams_received, 4);
    }
}

#[test]
fn a_socket_beside_a_gate_has_its_own_address_and_port() {
    let (mut pair, gate) = gateway();
    let own = pair.server().udp_bind("10.0.0.2:53".parse().unwrap()).unwrap();
    let all = pair.server().udp_bind("[::]:99".parse().unwrap()).unwrap();
    ask(&mut pair, "10.0.0.2:53", b"own");
    ask(&mut pair, "10.0.0.2:99", b"all");
    for socket in [own, all] {
        assert_eq!(pair.server().udp_recv_from(socket, &mut [0; 9]).map(|(len, _)| len), Ok(3));
    }
    for taken in ["9.9.9.9:99", "[2620:fe::9]:99", "10.0.0.2:54", FAR_V4] {
        ask(&mut pair, taken, b"?");
        assert_eq!(next(&mut pair, gate).local, taken.parse::<SocketAddr>().unwrap());
    }
    pair.server().set_any_address(AnyAddress::IsOurs);
    ask(&mut pair, "9.9.9.9:99", b"all");
    assert!(pair.server().udp_recv_from(all, &mut [0; 9]).is_ok(), "every address is ours now");
    // What the host sends to itself is not for a gate.
    let now = pair.now;
    pair.server().udp_send_to(now, all, vec![7].into(), "10.0.0.2:1".parse().unwrap()).unwrap();
    pair.settle();
    assert_eq!(pair.server().next_datagram(gate), None);
}

#[test]
fn flows_take_turns() {
    let (mut pair, gate) = gateway();
    for n in 0..100 {
        arrive(&mut pair, "10.0.0.1:1000", &[n]);
    }
    arrive(&mut pair, "10.0.0.1:2000", &[200]);
    arrive(&mut pair, "10.0.0.7:1000", &[201]);
    arrive(&mut pair, "10.0.0.1:2000", &[202]);
    let read: Vec<u8> =
        std::iter::from_fn(|| pair.server().next_datagram(gate)).map(|it| it.data[0]).collect();
    assert_eq!(read[..7], [0, 200, 201, 1, 202, 2, 3]);
    assert_eq!(read.len(), 103);
}

#[test]
fn a_noisy_flow_leaves_room_for_others_and_all_together_stay_within_the_bound() {
    let options =
        DatagramGateOptions { bytes_max: 100_000, flow_bytes_max: 80_000, ..DatagramGateOptions::default() };
    let (mut pair, gate) = gateway_with(&Config::default(), options);
    let before = pair.server().usage().held_bytes;
    let count = |pair: &mut Pair, from: &str| {
        let dropped = pair.server().counters().discarded(Discard::UdpQueueFull);
        (0..1_000).for_each(|_| arrive(pair, from, &[7; 860]));
        1_000 - (pair.server().counters().discarded(Discard::UdpQueueFull) - dropped)
    };
    // Each counts as 1,000 bytes.
    assert_eq!(count(&mut pair, "10.0.0.1:1000"), 50, "one has half");
    assert_eq!(count(&mut pair, "10.0.0.1:1001"), 25, "and the next half of the rest");
    for n in 0..4 {
        assert!(
            count(&mut pair, &format!("10.0.0.1:{}", 2_000 + n)) >= 1,
            "there is room for the {n}th newcomer"
        );
    }
    let held = pair.server().usage().held_bytes - before;
    assert!(held < 115_000, "{held}");
    // One alone is bounded by its own bound, too.
    while pair.server().next_datagram(gate).is_some() {}
    let options = DatagramGateOptions { flow_bytes_max: 10_000, ..DatagramGateOptions::default() };
    let (mut pair, _) = gateway_with(&Config::default(), options);
    assert_eq!(count(&mut pair, "10.0.0.1:1000"), 10);
}

#[test]
fn the_flow_that_was_idle_for_longest_goes_for_a_new_one_unless_something_of_it_waits() {
    let options = DatagramGateOptions { flows_max: 3, ..DatagramGateOptions::default() };
    let (mut pair, gate) = gateway_with(&Config::default(), options);
    let mut from = Vec::new();
    for port in [1_000, 1_001, 1_002] {
        arrive(&mut pair, &format!("10.0.0.1:{port}"), b"?");
        from.push(next(&mut pair, gate));
        pair.now += Duration::from_secs(1);
    }
    // The first is used again, by an answer; the second is the oldest now.
    answer(&mut pair, gate, &from[0], b"!").unwrap();
    arrive(&mut pair, "10.0.0.1:1003", b"?");
    assert_eq!(pair.server().usage().datagram_flows, 3);
    // An error about what was sent to the first is heard; the gate knows it still.
    assert_eq!(pair.server().next_datagram_error(gate).map(|it| it.remote), Some(from[0].remote));
    // Nobody reads: the newcomer finds no place.
    for port in [1_000, 1_002, 1_004] {
        arrive(&mut pair, &format!("10.0.0.1:{port}"), b"?");
    }
    assert_eq!(pair.server().counters().discarded(Discard::UdpQueueFull), 1);
    let ports: Vec<_> =
        std::iter::from_fn(|| pair.server().next_datagram(gate)).map(|it| it.remote.port()).collect();
    assert_eq!(ports, [1_003, 1_000, 1_002]);
    arrive(&mut pair, "10.0.0.1:1004", b"?");
    assert_eq!(next(&mut pair, gate).remote.port(), 1_004);
}

#[test]
fn a_flow_is_forgotten_five_minutes_after_its_last_datagram_in_either_direction() {
    let (mut pair, gate) = gateway();
    let socket = ask(&mut pair, FAR_V4, b"?");
    let asked = next(&mut pair, gate);
    pair.pass_time(Duration::from_secs(200));
    answer(&mut pair, gate, &asked, b"!").unwrap();
    pair.pass_time(Duration::from_secs(200));
    ask_again(&mut pair, socket, FAR_V4, b"?");
    next(&mut pair, gate);
    pair.pass_time(Duration::from_secs(299));
    assert_eq!(pair.server().usage().datagram_flows, 1);
    pair.pass_time(Duration::from_secs(1));
    assert_eq!(pair.server().usage().counts(), usage(|used| used.datagram_gates = 1));
    assert_eq!(pair.server().poll_timeout(), None);
    // It can still be answered.
    answer(&mut pair, gate, &asked, b"late").unwrap();
    assert_eq!(read(&mut pair, socket).unwrap().0, b"!");
    assert_eq!(read(&mut pair, socket).unwrap(), (b"late".to_vec(), asked.local));
    // What nobody has read is not forgotten.
    ask_again(&mut pair, socket, FAR_V4, b"unread");
    pair.pass_time(Duration::from_secs(1_000));
    assert_eq!(&next(&mut pair, gate).data[..], b"unread");
    pair.pass_time(Duration::from_secs(601));
    assert_eq!(pair.server().usage().datagram_flows, 0);
}

#[test]
fn a_flood_of_flows_is_bounded_and_leaves_nothing_behind() {
    let (mut pair, gate) = gateway();
    let before = pair.server().usage().held_bytes;
    for n in 0..100_000u32 {
        let from = format!("172.16.{}.{}:{}", n >> 16, n >> 8 & 255, 1_000 + (n & 255));
        arrive(&mut pair, &from, b"?");
        if n % 2 == 0 {
            pair.server().next_datagram(gate).unwrap();
        }
    }
    let flooded = pair.server().usage();
    assert_eq!(flooded.datagram_flows, 8_192);
    assert!(flooded.held_bytes < before + 8_192 * 800, "{} of {before}", flooded.held_bytes);
    while pair.server().next_datagram(gate).is_some() {}
    pair.pass_time(Duration::from_secs(601));
    let after = pair.server().usage();
    assert_eq!(after.counts(), usage(|used| used.datagram_gates = 1));
    assert!(after.held_bytes < before + 1_024, "{} of {before}", after.held_bytes);
    ask(&mut pair, FAR_V4, b"?");
    next(&mut pair, gate);
}

#[test]
fn a_full_host_takes_no_datagrams() {
    let memory = MemoryBudget::of(120_000);
    let options = DatagramGateOptions { bytes_max: 1 << 20, ..DatagramGateOptions::default() };
    let (mut pair, gate) = gateway_with(&Config { memory, ..Config::default() }, options);
    for n in 0..400 {
        arrive(&mut pair, &format!("10.0.0.1:{}", 1_000 + n % 10), &[7; 1_400]);
    }
    assert!(pair.server().counters().discarded(Discard::MemoryFull) > 100, "{:?}", pair.server().counters());
    assert!(pair.server().usage().held_bytes < 125_000);
    while pair.server().next_datagram(gate).is_some() {}
    arrive(&mut pair, "10.0.0.1:1000", b"?");
    next(&mut pair, gate);
}

#[test]
fn a_refused_datagram_is_quoted_in_an_icmp_error() {
    use Unreachable::{Host, Network, Port, Prohibited};
    for (what, code_v4, code_v6) in [(Network, 0, 0), (Host, 1, 3), (Port, 3, 4), (Prohibited, 13, 1)] {
        for far in [FAR_V4, FAR_V6] {
            let (mut pair, gate) = gateway();
            let socket = pair.client().udp_bind("[::]:0".parse().unwrap()).unwrap();
            pair.client().udp_connect(socket, Some(far.parse().unwrap())).unwrap();
            ask_again(&mut pair, socket, far, &text(1_400));
            let packet = pair.seen[0].1.clone();
            let asked = next(&mut pair, gate);
            let now = pair.now;
            pair.server().refuse_datagram(now, gate, &asked, what).unwrap();
            pair.settle();
            let sent = answers(&pair);
            let (at, kind, code, most) = match far {
                FAR_V4 => (20, 3, code_v4, v4::QUOTE_BYTES_MAX),
                _ => (40, 1, code_v6, v6::QUOTE_BYTES_MAX),
            };
            assert_eq!((sent[0][at], sent[0][at + 1]), (kind, code), "{what:?} to {far}");
            assert_eq!(sent[0][at + 8..], packet[..packet.len().min(most)], "as it came, as far as it fits");
            assert_eq!(pair.client().counters().icmp_errors_delivered, 1);
            assert!(pair.client().udp_take_error(socket).is_some());
        }
    }
}

#[test]
fn an_error_about_an_answer_is_told_with_both_ends() {
    for far in [FAR_V4, FAR_V6] {
        let (mut pair, gate) = gateway();
        let socket = ask(&mut pair, far, b"?");
        let asked = next(&mut pair, gate);
        pair.client().udp_close(socket).unwrap();
        pair.events[SERVER].clear();
        answer(&mut pair, gate, &asked, b"!").unwrap();
        assert_eq!(pair.events[SERVER], [(gate, Event::Failed(tcp::Error::PortUnreachable))]);
        let told = pair.server().next_datagram_error(gate).unwrap();
        let DatagramError { local, remote, error, .. } = told;
        assert_eq!(
            (local, remote, error),
            (asked.local, asked.remote, Error::Icmp(tcp::Error::PortUnreachable))
        );
        assert_eq!(pair.server().next_datagram_error(gate), None);
        assert_eq!(pair.server().counters().icmp_errors_delivered, 1);
    }
    // Who has got no answer has nothing to complain about.
    let (mut pair, gate) = gateway();
    let socket = ask(&mut pair, FAR_V4, b"?");
    let asked = next(&mut pair, gate);
    let forged = {
        let (mut other, gate) = gateway();
        other.fate = Box::new(|_, _| Fate::Deliver);
        let port = pair.client().local_addr(socket).unwrap().port();
        arrive(&mut other, &format!("10.0.0.1:{port}"), b"?");
        let asked = next(&mut other, gate);
        answer(&mut other, gate, &asked, b"!").unwrap();
        other.seen.iter().find(|(from, _)| *from == CLIENT).unwrap().1.clone()
    };
    pair.inject(CLIENT, forged.clone());
    assert_eq!(pair.server().counters().discarded(Discard::IcmpUnmatched), 1);
    assert_eq!(pair.server().next_datagram_error(gate), None);
    answer(&mut pair, gate, &asked, b"!").unwrap();
    pair.inject(CLIENT, forged);
    assert!(pair.server().next_datagram_error(gate).is_some());
}

#[test]
fn a_path_mtu_is_believed_only_for_what_was_sent() {
    for (far, mtu_bytes) in [(FAR_V4, 900), (FAR_V6, 1_300)] {
        let (mut pair, gate) = gateway();
        ask(&mut pair, far, b"?");
        let asked = next(&mut pair, gate);
        answer(&mut pair, gate, &asked, &text(1_400)).unwrap();
        let packet = answers(&pair).last().unwrap().to_vec();
        let too_big = |quoted: &[u8]| match far {
            FAR_V4 => {
                let message = v4::Message::Unreachable { code: 4, mtu_bytes, quoted };
                let mut bytes = vec![0; 20 + message.len_bytes()];
                let total_bytes = bytes.len() as u16;
                let (source, destination) = ([10, 0, 0, 254].into(), [9, 9, 9, 9].into());
                ipv4::Header { source, destination, protocol: 1, total_bytes, ..ipv4::Header::default() }
                    .emit(&mut bytes);
                message.emit(&mut bytes[20..]);
                bytes
            }
            _ => {
                let message = v6::Message::PacketTooBig { mtu_bytes: mtu_bytes.into(), quoted };
                let mut bytes = vec![0; 40 + message.len_bytes()];
                let payload_bytes = message.len_bytes() as u16;
                let (source, destination) = ("fd00::254".parse().unwrap(), "2620:fe::9".parse().unwrap());
                ipv6::Header {
                    source,
                    destination,
                    next_header: 58,
                    payload_bytes,
                    ..ipv6::Header::default()
                }
                .emit(&mut bytes);
                message.emit(&mut bytes[40..], source, destination);
                bytes
            }
        };
        let mut other_length = packet[..60].to_vec();
        let len_at = if far == FAR_V4 { 24 } else { 44 };
        other_length[len_at + 1] ^= 1;
        pair.inject(CLIENT, too_big(&other_length));
        assert_eq!(pair.server().usage().path_mtus, 0);
        pair.inject(CLIENT, too_big(&packet[..60]));
        assert_eq!(pair.server().usage().path_mtus, 1);
        pair.seen.clear();
        answer(&mut pair, gate, &asked, &text(1_400)).unwrap();
        assert_eq!(answers(&pair).len(), 2, "in two fragments");
    }
}

#[test]
fn a_gate_sends_only_from_what_it_takes_and_only_to_one_host() {
    let net = |text: &str| text.parse::<synfin_stack::Cidr>().unwrap();
    let addresses = GateAddresses::of([
        net("9.9.9.0/24"),
        net("10.0.0.0/24"),
        net("::/0"),
        net("224.0.0.0/4"),
        net("127.0.0.0/8"),
    ])
    .except([net("9.9.9.200/32")]);
    let (mut pair, gate) =
        gateway_with(&Config::default(), DatagramGateOptions { addresses, ..DatagramGateOptions::default() });
    pair.server().udp_bind("[::]:53".parse().unwrap()).unwrap();
    let now = pair.now;
    let mut send = |from: &str, to: &str| {
        pair.server().send_datagram_from(
            now,
            gate,
            from.parse().unwrap(),
            to.parse().unwrap(),
            vec![7].into(),
        )
    };
    assert_eq!(send("9.9.9.9:53", "10.0.0.1:1000"), Ok(1), "nobody asked, but it may");
    assert_eq!(send("[2620:fe::9]:53", "[fd00::1]:1000"), Ok(1));
    assert_eq!(send("8.8.8.8:53", "10.0.0.1:1000"), Err(Error::AddressNotAvailable));
    assert_eq!(send("9.9.9.200:53", "10.0.0.1:1000"), Err(Error::AddressNotAvailable));
    assert_eq!(send("10.0.0.2:53", "10.0.0.1:1000"), Err(Error::AddressInUse), "the socket's");
    assert_eq!(send("10.0.0.2:54", "10.0.0.1:1000"), Ok(1));
    assert_eq!(send("[2620:fe::9]:53", "10.0.0.1:1000"), Err(Error::FamilyMismatch));
    for (from, to) in [
        ("9.9.9.9:53", "10.0.0.1:0"),
        ("9.9.9.9:53", "0.0.0.0:53"),
        ("9.9.9.9:53", "10.0.0.255:53"),
        ("9.9.9.9:53", "255.255.255.255:53"),
        ("9.9.9.9:53", "224.0.0.1:53"),
        ("224.0.0.1:53", "10.0.0.1:1000"),
        ("10.0.0.255:53", "10.0.0.1:1000"),
        ("127.0.0.1:53", "10.0.0.1:1000"),
        ("[::1]:53", "[fd00::1]:1000"),
        ("[::]:53", "[fd00::1]:1000"),
        ("[2620:fe::9]:53", "[ff02::1]:1000"),
    ] {
        assert_eq!(send(from, to), Err(Error::InvalidAddress), "{from} to {to}");
    }
    assert_eq!(send("9.9.9.9:53", "203.0.113.7:9"), Ok(1), "one link is the way to everywhere");
    let long = vec![0; 65_508].into();
    let sent = pair.server().send_datagram_from(
        now,
        gate,
        FAR_V4.parse().unwrap(),
        "10.0.0.1:1".parse().unwrap(),
        long,
    );
    assert_eq!(sent, Err(Error::MessageTooLong));
    // What is not taken is not ours.
    pair.settle();
    pair.seen.clear();
    ask(&mut pair, "8.8.8.8:53", b"?");
    assert_eq!(pair.server().counters().discarded(Discard::IpNotForUs), 1);
    assert!(answers(&pair).is_empty());
}

#[test]
fn a_gate_that_finds_no_room_to_send_is_told_when_there_is_some() {
    let (mut pair, gate) =
        gateway_with(&Config { outbox_frames_max: 4, ..Config::default() }, DatagramGateOptions::default());
    ask(&mut pair, FAR_V4, b"?");
    let asked = next(&mut pair, gate);
    let now = pair.now;
    let mut send = || pair.server().send_datagram_from(now, gate, asked.local, asked.remote, vec![7].into());
    (0..4).for_each(|_| assert_eq!(send(), Ok(1)));
    assert_eq!((send(), send()), (Err(Error::WouldBlock), Err(Error::WouldBlock)));
    pair.events[SERVER].clear();
    pair.settle();
    assert_eq!(pair.events[SERVER], [(gate, Event::Writable)]);
    assert_eq!(answer(&mut pair, gate, &asked, b"!"), Ok(1));
}

#[test]
fn a_closed_gate_takes_and_says_nothing() {
    let (mut pair, gate) = gateway();
    let socket = ask(&mut pair, FAR_V4, b"?");
    let asked = next(&mut pair, gate);
    ask_again(&mut pair, socket, FAR_V4, b"?");
    pair.close((SERVER, gate));
    assert_eq!(pair.server().usage().counts(), usage(|_| ()));
    assert_eq!(pair.server().next_datagram(gate), None);
    assert_eq!(answer(&mut pair, gate, &asked, b"!"), Err(Error::UnknownSocket));
    let now = pair.now;
    let refused = pair.server().refuse_datagram(now, gate, &asked, Unreachable::Port);
    assert_eq!(refused, Err(Error::UnknownSocket));
    assert_eq!(pair.server().close_datagram_gate(gate), Err(Error::UnknownSocket));
    ask_again(&mut pair, socket, FAR_V4, b"?");
    assert_eq!(pair.server().counters().discarded(Discard::IpNotForUs), 1);
    assert!(answers(&pair).is_empty());
    let other = pair.server().open_datagram_gate(DatagramGateOptions::default()).unwrap();
    ask_again(&mut pair, socket, FAR_V4, b"?");
    assert_eq!(pair.server().next_datagram(gate), None, "the place is another gate's now");
    next(&mut pair, other);
}

#[test]
fn a_gate_for_datagrams_needs_neither_an_address_nor_a_route() {
    for far in [FAR_V4, FAR_V6] {
        let (mut pair, _) = gateway();
        let mut host = Host::new(Config::default(), [2; 32]);
        let addresses = Vec::new();
        let tun = Interface { name: "tun".into(), capabilities: link(), hardware: None, addresses };
        pair.links[SERVER] = host.add_interface(tun);
        pair.hosts[SERVER] = host;
        let gate = pair.server().open_datagram_gate(DatagramGateOptions::default()).unwrap();
        let socket = ask(&mut pair, far, &text(5_000));
        let asked = next(&mut pair, gate);
        answer(&mut pair, gate, &asked, &text(5_000)).unwrap();
        assert_eq!(read(&mut pair, socket), Ok((text(5_000), asked.local)));
        let now = pair.now;
        pair.server().refuse_datagram(now, gate, &asked, Unreachable::Port).unwrap();
        pair.settle();
        assert_eq!(pair.client().counters().icmp_errors_delivered, 1);
    }
}

#[test]
fn answers_leave_by_the_interface_that_the_question_came_by() {
    let mut host = Host::new(Config::default(), [2; 32]);
    let mut add = |name: &str, address: &str| {
        let addresses = vec![address.parse().unwrap()];
        host.add_interface(Interface { name: name.into(), capabilities: link(), hardware: None, addresses })
    };
    let (inside, outside) = (add("inside", "10.0.0.2/24"), add("outside", "192.0.2.2/24"));
    host.add_route("0.0.0.0/0".parse().unwrap(), Some("192.0.2.1".parse().unwrap()), outside);
    let gate = host.open_datagram_gate(DatagramGateOptions::default()).unwrap();
    let now = Instant::from_millis(5);
    for (came_by, from) in [(inside, "172.16.0.7:5000"), (outside, "172.16.0.7:5001")] {
        host.handle_frame(now, came_by, datagram(from, FAR_V4, b"?"));
        let asked = host.next_datagram(gate).unwrap();
        host.send_datagram_from(now, gate, asked.local, asked.remote, vec![7].into()).unwrap();
        assert_eq!(host.poll_transmit(now).map(|(by, _)| by), Some(came_by));
        host.refuse_datagram(now, gate, &asked, Unreachable::Port).unwrap();
        assert_eq!(host.poll_transmit(now).map(|(by, _)| by), Some(came_by));
    }
}

#[test]
fn a_socket_on_all_addresses_knows_which_was_asked_and_answers_from_it() {
    let mut pair = Pair::new();
    let to_client = pair.links[SERVER];
    pair.server().add_address(to_client, "10.0.0.3/24".parse().unwrap());
    let socket = pair.server().udp_bind("[::]:53".parse().unwrap()).unwrap();
    for asked in ["10.0.0.2:53", "10.0.0.3:53", "[fd00::2]:53"] {
        let asker = ask(&mut pair, asked, b"hello");
        let mut buffer = [0; 3];
        let info = pair.server().udp_recv_with_info(socket, &mut buffer).unwrap();
        assert_eq!((info.copied_bytes, info.datagram_bytes, &buffer), (3, 5, b"hel"));
        assert_eq!(info.local, asked.parse::<SocketAddr>().unwrap());
        assert_eq!((info.interface, info.hop_limit), (Some(to_client), 64));
        let now = pair.now;
        pair.server().udp_send_from(now, socket, vec![7].into(), info.local.ip(), info.remote).unwrap();
        pair.settle();
        assert_eq!(read(&mut pair, asker), Ok((vec![7], info.local)));
    }
    assert_eq!(pair.server().udp_recv_with_info(socket, &mut []), Err(Error::WouldBlock));
    ask(&mut pair, "10.0.0.255:53", b"all");
    let info = pair.server().udp_recv_with_info(socket, &mut []).unwrap();
    assert_eq!(info.local, "10.0.0.255:53".parse::<SocketAddr>().unwrap(), "the broadcast address");
    let now = pair.now;
    pair.server().udp_send_to(now, socket, vec![7].into(), "10.0.0.3:53".parse().unwrap()).unwrap();
    pair.settle();
    assert_eq!(pair.server().udp_recv_with_info(socket, &mut []).unwrap().interface, None, "from itself");
}

#[test]
fn a_socket_sends_only_from_an_address_that_it_has() {
    let mut pair = Pair::new();
    let to_client = pair.links[SERVER];
    pair.server().add_address(to_client, "10.0.0.3/24".parse().unwrap());
    let all = pair.server().udp_bind("[::]:53".parse().unwrap()).unwrap();
    let all_v4 = pair.server().udp_bind("0.0.0.0:54".parse().unwrap()).unwrap();
    let one = pair.server().udp_bind("10.0.0.2:55".parse().unwrap()).unwrap();
    let now = pair.now;
    let mut send = |socket, from: &str, to: &str| {
        pair.server().udp_send_from(now, socket, vec![7].into(), from.parse().unwrap(), to.parse().unwrap())
    };
    assert_eq!(send(all, "10.0.0.3", "10.0.0.1:9"), Ok(1));
    assert_eq!(send(all, "fd00::2", "[fd00::1]:9"), Ok(1));
    assert_eq!(send(all, "0.0.0.0", "10.0.0.1:9"), Ok(1));
    assert_eq!(send(all_v4, "10.0.0.3", "10.0.0.1:9"), Ok(1));
    assert_eq!(send(one, "10.0.0.2", "10.0.0.1:9"), Ok(1));
    assert_eq!(send(one, "10.0.0.3", "10.0.0.1:9"), Err(Error::AddressNotAvailable));
    assert_eq!(send(all, "9.9.9.9", "10.0.0.1:9"), Err(Error::AddressNotAvailable));
    assert_eq!(send(all_v4, "fd00::2", "[fd00::1]:9"), Err(Error::AddressNotAvailable));
    assert_eq!(send(all, "fd00::2", "10.0.0.1:9"), Err(Error::FamilyMismatch));
    pair.settle();
    let sources: Vec<_> = answers(&pair).iter().filter(|it| it[0] >> 4 == 4).map(|it| it[15]).collect();
    assert_eq!(sources, [3, 2, 3, 2]);
}
