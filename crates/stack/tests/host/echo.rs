//! Pings to addresses at a gate.

use crate::world::{CLIENT, Pair, SERVER, link, text, usage};
use std::net::IpAddr;
use synfin_stack::{
    Config, Discard, EchoPolicy, EchoRequest, Error, Event, GateOptions, MemoryBudget, SocketId, Unreachable,
};
use wire::icmp::{Echo, v4, v6};
use wire::{ipv4, ipv6};

const FAR: [&str; 2] = ["9.9.9.9", "2620:fe::9"];

fn gateway(config: &Config, echo: EchoPolicy) -> (Pair, SocketId) {
    let capabilities = wire::LinkCapabilities { mtu_bytes: 9_000, ..link() };
    let mut pair = Pair::of(&Config::default(), config, capabilities);
    let gate = pair.server().open_gate(GateOptions { echo, ..GateOptions::default() }).unwrap();
    (pair, gate)
}

/// A ping of the client: the packet.
fn ping(to: &str, sequence: u16, data: &[u8]) -> Vec<u8> {
    let echo = Echo { identifier: 7, sequence, data };
    match to.parse().unwrap() {
        IpAddr::V4(destination) => {
            let message = v4::Message::EchoRequest(echo);
            let mut packet = vec![0; 20 + message.len_bytes()];
            let (source, total_bytes) = ([10, 0, 0, 1].into(), packet.len() as u16);
            ipv4::Header {
                source,
                destination,
                protocol: 1,
                total_bytes,
                ttl: 33,
                ..ipv4::Header::default()
            }
            .emit(&mut packet);
            message.emit(&mut packet[20..]);
            packet
        }
        IpAddr::V6(destination) => {
            let message = v6::Message::EchoRequest(echo);
            let mut packet = vec![0; 40 + message.len_bytes()];
            let (source, payload_bytes) = ("fd00::1".parse().unwrap(), message.len_bytes() as u16);
            let hop_limit = 33;
            ipv6::Header {
                source,
                destination,
                next_header: 58,
                payload_bytes,
                hop_limit,
                ..ipv6::Header::default()
            }
            .emit(&mut packet);
            message.emit(&mut packet[40..], source, destination);
            packet
        }
    }
}

fn send(pair: &mut Pair, packet: Vec<u8>) {
    pair.inject(CLIENT, packet);
    pair.settle();
}

/// The ICMP messages of the server: who they are from, type, code, and what follows the first eight bytes.
fn answers(pair: &Pair) -> Vec<(String, u8, u8, Vec<u8>)> {
    let parse = |packet: &Vec<u8>| {
        let source: IpAddr = match packet[0] >> 4 {
            4 => <[u8; 4]>::try_from(&packet[12..16]).unwrap().into(),
            _ => <[u8; 16]>::try_from(&packet[8..24]).unwrap().into(),
        };
        let at = if source.is_ipv4() { 20 } else { 40 };
        (source.to_string(), packet[at], packet[at + 1], packet[at + 8..].to_vec())
    };
    pair.seen.iter().filter(|(from, _)| *from == SERVER).map(|(_, packet)| parse(packet)).collect()
}

fn reply_kind(far: &str) -> u8 {
    if far.contains(':') { 129 } else { 0 }
}

#[test]
fn pings_to_any_address_are_answered_while_a_gate_is_open_unless_it_says_otherwise() {
    for far in FAR {
        let (mut pair, gate) = gateway(&Config::default(), EchoPolicy::Answer);
        send(&mut pair, ping(far, 1, b"hello"));
        assert_eq!(answers(&pair), [(far.to_owned(), reply_kind(far), 0, b"hello".to_vec())]);
        assert_eq!(pair.server().next_echo(gate), None);
        pair.close((SERVER, gate));
        send(&mut pair, ping(far, 2, b"hello"));
        assert_eq!(answers(&pair).len(), 1);
        assert_eq!(pair.server().counters().discarded(Discard::IpNotForUs), 1);

        let (mut pair, gate) = gateway(&Config::default(), EchoPolicy::Ignore);
        send(&mut pair, ping(far, 1, b"hello"));
        assert!(answers(&pair).is_empty());
        assert_eq!(pair.server().next_echo(gate), None);
    }
}

#[test]
fn our_own_addresses_answer_whatever_the_gate_says() {
    for policy in [EchoPolicy::Ignore, EchoPolicy::HandOver] {
        for own in ["10.0.0.2", "fd00::2"] {
            let (mut pair, gate) = gateway(&Config::default(), policy);
            send(&mut pair, ping(own, 1, b"hello"));
            assert_eq!(answers(&pair), [(own.to_owned(), reply_kind(own), 0, b"hello".to_vec())]);
            assert_eq!(pair.server().next_echo(gate), None);
        }
    }
}

#[test]
fn a_program_answers_or_refuses_a_ping() {
    for far in FAR {
        let (mut pair, gate) = gateway(&Config::default(), EchoPolicy::HandOver);
        let (small, large) = (ping(far, 1, b"hello"), ping(far, 2, &text(5_000)));
        pair.inject(CLIENT, small);
        send(&mut pair, large.clone());
        assert_eq!(pair.events[SERVER], [(gate, Event::Readable)]);
        assert!(answers(&pair).is_empty());
        let first = pair.server().next_echo(gate).unwrap();
        let EchoRequest { local, remote, identifier, sequence, interface, hop_limit, ref data, .. } = first;
        assert_eq!((local, identifier, sequence, hop_limit), (far.parse().unwrap(), 7, 1, 33));
        assert_eq!((interface, &data[..]), (pair.links[SERVER], &b"hello"[..]));
        assert_eq!(remote.is_ipv4(), local.is_ipv4());
        let second = pair.server().next_echo(gate).unwrap();
        assert_eq!(pair.server().next_echo(gate), None);
        let now = pair.now;
        pair.server().answer_echo(now, gate, &first).unwrap();
        pair.server().refuse_echo(now, gate, &second, Unreachable::Host).unwrap();
        pair.settle();
        let sent = answers(&pair);
        assert_eq!(sent[0], (far.to_owned(), reply_kind(far), 0, b"hello".to_vec()));
        let (kind, code) = if far.contains(':') { (1, 3) } else { (3, 1) };
        assert_eq!((sent[1].1, sent[1].2), (kind, code));
        assert!(large.starts_with(&sent[1].3), "the request is quoted as it came");
        // The next one is told anew.
        pair.events[SERVER].clear();
        send(&mut pair, ping(far, 3, b"again"));
        assert_eq!(pair.events[SERVER], [(gate, Event::Readable)]);
        pair.close((SERVER, gate));
        assert_eq!(pair.server().answer_echo(now, gate, &first), Err(Error::UnknownSocket));
        assert_eq!(pair.server().next_echo(gate), None);
    }
}

#[test]
fn a_program_answers_only_for_what_its_gate_takes() {
    let addresses = synfin_stack::GateAddresses::of(["9.9.9.0/24".parse().unwrap()]);
    let echo = EchoPolicy::HandOver;
    let mut pair = Pair::new();
    let gate = pair.server().open_gate(GateOptions { addresses, echo, ..GateOptions::default() }).unwrap();
    send(&mut pair, ping("9.9.9.9", 1, b"hello"));
    let mut request = pair.server().next_echo(gate).unwrap();
    let now = pair.now;
    request.local = "8.8.8.8".parse().unwrap();
    assert_eq!(pair.server().answer_echo(now, gate, &request), Err(Error::AddressNotAvailable));
    request.local = "9.9.9.9".parse().unwrap();
    request.remote = "fd00::1".parse().unwrap();
    let refused = pair.server().refuse_echo(now, gate, &request, Unreachable::Host);
    assert_eq!(refused, Err(Error::FamilyMismatch));
}

#[test]
fn a_flood_of_pings_is_bounded_and_leaves_nothing_behind() {
    let (mut pair, gate) = gateway(&Config::default(), EchoPolicy::HandOver);
    let before = pair.server().usage().held_bytes;
    for n in 0..10_000 {
        pair.inject(CLIENT, ping("9.9.9.9", n, &[7; 56]));
    }
    let held = pair.server().usage().held_bytes - before;
    assert!(held <= 70_000, "{held}");
    let waited = std::iter::from_fn(|| pair.server().next_echo(gate)).count();
    assert!((150..250).contains(&waited), "{waited}");
    assert_eq!(pair.server().counters().discarded(Discard::EchoLimited), 10_000 - waited as u64);
    assert!(pair.server().usage().held_bytes < before + 1_024);
    assert_eq!(pair.server().usage().counts(), usage(|used| used.gates = 1));
    // A full host keeps none.
    let memory = MemoryBudget::of(16);
    let (mut pair, gate) = gateway(&Config { memory, ..Config::default() }, EchoPolicy::HandOver);
    pair.inject(CLIENT, ping("9.9.9.9", 1, &[7; 56]));
    assert_eq!(pair.server().next_echo(gate), None);
    assert_eq!(pair.server().counters().discarded(Discard::MemoryFull), 1);
}
