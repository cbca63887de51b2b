//! Connections between two hosts: handshake, data, closing, refusal, in both families and over every link.

use crate::world::{CLIENT, Fate, Pair, SERVER, link, text, usage};
use std::time::Duration;
use synfin_stack::{Config, ConnectOptions, Error, Event, IsnPolicy, SocketId, Tracing, Usage};
use tcp::{ReadError, State, Trace, WriteError};
use wire::{LinkCapabilities, Medium, Seq, TransmitChecksum};

#[test]
fn connect_returns_at_the_second_step_and_accept_at_the_third() {
    for address in ["10.0.0.2:80", "[fd00::2]:80"] {
        let mut pair = Pair::new();
        let listener = pair.server().tcp_listen("[::]:80".parse().unwrap(), 8).unwrap();
        let now = pair.now;
        let id = pair.client().tcp_connect(now, None, address.parse().unwrap()).unwrap();
        assert!(pair.carry(CLIENT), "the first step");
        assert_eq!(pair.server().usage().half_open, 1);
        assert!(pair.server().tcp_accept(listener).is_none());
        assert!(pair.carry(SERVER), "the second step");
        assert_eq!(pair.client().poll_event(), Some((id, Event::Connected)));
        assert!(pair.server().tcp_accept(listener).is_none());
        assert!(pair.carry(CLIENT), "the third step");
        pair.settle();
        assert_eq!(pair.events[SERVER], [(listener, Event::Acceptable)]);
        let accepted = pair.server().tcp_accept(listener).expect("accept returns");
        assert_eq!(accepted.local, address.parse().unwrap());
        assert_eq!(Some(accepted.remote), pair.client().local_addr(id));
        assert_eq!(pair.server().usage().half_open, 0);
        assert_eq!(pair.client().tcp(id).unwrap().state(), State::Established);
        assert_eq!(pair.server().tcp(accepted.id).unwrap().state(), State::Established);
    }
}

fn links() -> [LinkCapabilities; 6] {
    let ethernet = LinkCapabilities { medium: Medium::Ethernet, ..link() };
    [
        link(),
        LinkCapabilities { super_segment_bytes_max: 65_536, ..link() },
        LinkCapabilities {
            super_segment_bytes_max: 65_536,
            transmit_checksum: TransmitChecksum::None,
            ..link()
        },
        LinkCapabilities { transmit_checksum: TransmitChecksum::Partial, ..link() },
        ethernet,
        LinkCapabilities { super_segment_bytes_max: 65_536, ..ethernet },
    ]
}

#[test]
fn data_flows_both_ways_over_every_kind_of_link() {
    for capabilities in links() {
        for address in ["10.0.0.2:80", "[fd00::2]:80"] {
            let mut pair = Pair::with(&Config::default(), capabilities);
            pair.keep_seen = false;
            let listener = pair.server().tcp_listen("[::]:80".parse().unwrap(), 8).unwrap();
            let (client, server) = pair.connect(listener, address);
            let data = text(3_000_000);
            assert!(pair.send((CLIENT, client), (SERVER, server), &data) == data, "up, {capabilities:?}");
            assert!(pair.send((SERVER, server), (CLIENT, client), &data) == data, "down, {capabilities:?}");
            for host in &pair.hosts {
                assert_eq!(host.counters().discarded_total(), 0, "{:?}", host.counters());
            }
        }
    }
}

#[test]
fn frames_never_exceed_the_link_and_their_checksums_are_right() {
    let mut pair = Pair::new();
    let listener = pair.server().tcp_listen("[::]:80".parse().unwrap(), 8).unwrap();
    let (client, server) = pair.connect(listener, "10.0.0.2:80");
    pair.send((CLIENT, client), (SERVER, server), &text(200_000));
    assert!(pair.seen.iter().any(|(_, frame)| frame.len() == 1_500), "full-sized ones are sent");
    for (_, frame) in &pair.seen {
        assert!(frame.len() <= 1_500);
        let frame = wire::Frame::from_bytes(frame.clone().into());
        assert_eq!(wire::segmentation::checksum_is_good(&frame, Medium::Ip), Some(true));
    }
}

#[test]
fn either_end_may_go_on_after_the_other_has_finished() {
    let mut pair = Pair::new();
    let listener = pair.server().tcp_listen("10.0.0.2:80".parse().unwrap(), 8).unwrap();
    let (client, server) = pair.connect(listener, "10.0.0.2:80");
    let now = pair.now;
    pair.client().tcp_finish(now, client).unwrap();
    pair.settle();
    assert!(pair.events[SERVER].contains(&(server, Event::PeerFinished)));
    assert_eq!(pair.server().tcp_read(now, server, &mut [0; 9]), Ok(0));
    assert_eq!(pair.client().tcp_write(now, client, b"x"), Err(WriteError::Finished));
    let data = text(100_000);
    assert_eq!(pair.send((SERVER, server), (CLIENT, client), &data), data);
    assert_eq!(pair.server().tcp(server).unwrap().state(), State::CloseWait);
    pair.close((SERVER, server));
    assert_eq!(pair.client().tcp_read(now, client, &mut [0; 9]), Ok(0));
    pair.close((CLIENT, client));
    pair.pass_time(Duration::from_secs(61));
    assert_eq!(pair.client().usage().counts(), Usage::default());
    assert_eq!(pair.server().usage().counts(), usage(|used| used.listeners = 1));
}

#[test]
fn a_closed_port_refuses() {
    for address in ["10.0.0.2:81", "[fd00::2]:81"] {
        let mut pair = Pair::new();
        let now = pair.now;
        let id = pair.client().tcp_connect(now, None, address.parse().unwrap()).unwrap();
        pair.settle();
        assert!(pair.events[CLIENT].contains(&(id, Event::Failed(tcp::Error::Refused))));
        assert_eq!(pair.client().tcp_read(now, id, &mut [0; 9]), Err(ReadError::Failed(tcp::Error::Refused)));
        pair.close((CLIENT, id));
        assert_eq!(pair.client().usage().counts(), Usage::default());
    }
}

#[test]
fn resets_to_closed_ports_are_limited() {
    let config =
        Config { resets_per_second: synfin_stack::Rate { per_second: 10, burst: 5 }, ..Config::default() };
    let mut pair = Pair::with(&config, link());
    let now = pair.now;
    for _ in 0..20 {
        pair.client().tcp_connect(now, None, "10.0.0.2:81".parse().unwrap()).unwrap();
    }
    pair.settle();
    // How many a period allows is drawn anew each time, from half of the burst on.
    let sent = pair.server().counters().resets_sent;
    assert!((3..=5).contains(&sent), "{sent}");
    assert_eq!(pair.server().counters().discarded(synfin_stack::Discard::ResetLimited), 20 - sent);
}

#[test]
fn a_lost_segment_is_sent_again() {
    let mut pair = Pair::new();
    let listener = pair.server().tcp_listen("10.0.0.2:80".parse().unwrap(), 8).unwrap();
    let (client, server) = pair.connect(listener, "10.0.0.2:80");
    let mut count = 0;
    pair.fate = Box::new(move |from, frame| {
        count += usize::from(from == CLIENT && frame.len() > 100);
        if from == CLIENT && frame.len() > 100 && count % 10 == 0 { Fate::Lose } else { Fate::Deliver }
    });
    let data = text(300_000);
    assert!(pair.send((CLIENT, client), (SERVER, server), &data) == data);
    assert!(pair.client().tcp(client).unwrap().info(tcp::Instant::ZERO).retransmissions > 0);
}

#[test]
fn a_program_connects_to_itself() {
    for (bound, address) in
        [("0.0.0.0:80", "127.0.0.1:80"), ("10.0.0.1:80", "10.0.0.1:80"), ("[::]:80", "[::1]:80")]
    {
        let mut pair = Pair::new();
        let now = pair.now;
        let host = pair.client();
        let listener = host.tcp_listen(bound.parse().unwrap(), 8).unwrap();
        let id = host.tcp_connect(now, None, address.parse().unwrap()).unwrap();
        assert!(host.poll_transmit(now).is_none(), "nothing leaves the host");
        let accepted = host.tcp_accept(listener).expect("it is there already");
        let data = text(2_000_000);
        let mut sent = 0;
        let mut got = Vec::new();
        let mut buffer = vec![0; 65_536];
        for _ in 0..10_000 {
            sent += host.tcp_write(now, id, &data[sent..]).unwrap_or(0);
            assert!(host.poll_transmit(now).is_none());
            while let Ok(count @ 1..) = host.tcp_read(now, accepted.id, &mut buffer) {
                got.extend_from_slice(&buffer[..count]);
            }
            if got.len() == data.len() {
                break;
            }
        }
        assert!(got == data);
        assert_eq!(
            host.tcp_connect(now, Some(address.parse().unwrap()), address.parse().unwrap()),
            Err(Error::InvalidAddress)
        );
    }
}

#[test]
fn stale_ids_never_reach_another_connection() {
    let mut pair = Pair::new();
    let listener = pair.server().tcp_listen("10.0.0.2:80".parse().unwrap(), 8).unwrap();
    let (old, server) = pair.connect(listener, "10.0.0.2:80");
    pair.close((SERVER, server));
    pair.close((CLIENT, old));
    let (new, _) = pair.connect(listener, "10.0.0.2:80");
    let now = pair.now;
    assert_ne!(old, new);
    assert_eq!(pair.client().tcp_write(now, old, b"hello"), Err(WriteError::NotConnected));
    assert_eq!(pair.client().tcp_read(now, old, &mut [0; 5]), Err(ReadError::NotConnected));
    assert_eq!(pair.client().tcp_finish(now, old), Err(Error::UnknownSocket));
    assert_eq!(pair.client().tcp_abort(now, old), Err(Error::UnknownSocket));
    assert_eq!(pair.client().tcp_close(now, old), Err(Error::UnknownSocket));
    assert_eq!(pair.client().tcp_configure(now, old, |_| {}), Err(Error::UnknownSocket));
    assert_eq!(pair.client().local_addr(old), None);
    assert!(pair.client().tcp(old).is_none());
    assert_eq!(pair.client().tcp(new).unwrap().state(), State::Established);
    // An id of one kind does not name a socket of another kind.
    assert_eq!(pair.client().udp_close(new), Err(Error::UnknownSocket));
    assert!(pair.client().tcp_accept(new).is_none());
}

#[test]
fn impossible_destinations_are_refused() {
    let mut pair = Pair::new();
    let now = pair.now;
    for address in [
        "0.0.0.0:80",
        "224.0.0.1:80",
        "255.255.255.255:80",
        "10.0.0.255:80",
        "[::]:80",
        "[ff02::1]:80",
        "10.0.0.2:0",
    ] {
        assert_eq!(
            pair.client().tcp_connect(now, None, address.parse().unwrap()),
            Err(Error::InvalidAddress),
            "{address}"
        );
    }
    assert_eq!(
        pair.client().tcp_connect(now, None, "192.0.2.1:80".parse().unwrap()),
        Err(Error::NetworkUnreachable)
    );
    let foreign = Some("10.0.0.9:0".parse().unwrap());
    assert_eq!(
        pair.client().tcp_connect(now, foreign, "10.0.0.2:80".parse().unwrap()),
        Err(Error::AddressNotAvailable)
    );
    let other = Some("[fd00::1]:0".parse().unwrap());
    assert_eq!(
        pair.client().tcp_connect(now, other, "10.0.0.2:80".parse().unwrap()),
        Err(Error::FamilyMismatch)
    );
}

#[test]
fn a_pair_of_ends_is_connected_once_and_ports_run_out_with_an_error() {
    let config = Config { ephemeral_ports: 50_000..=50_003, ..Config::default() };
    let mut pair = Pair::with(&config, link());
    let now = pair.now;
    let (local, remote) = (Some("10.0.0.1:1000".parse().unwrap()), "10.0.0.2:80".parse().unwrap());
    pair.client().tcp_connect(now, local, remote).unwrap();
    assert_eq!(pair.client().tcp_connect(now, local, remote), Err(Error::AddressInUse));
    assert!(pair.client().tcp_connect(now, local, "10.0.0.2:81".parse().unwrap()).is_ok());
    for _ in 0..4 {
        pair.client().tcp_connect(now, None, remote).unwrap();
    }
    assert_eq!(pair.client().tcp_connect(now, None, remote), Err(Error::NoFreePort));
    assert!(
        pair.client().tcp_connect(now, None, "10.0.0.2:81".parse().unwrap()).is_ok(),
        "towards another port"
    );
}

#[test]
fn sequence_numbers_can_be_chosen() {
    let config = Config { isn: IsnPolicy::Fixed(Seq::new(3_022_381_253)), ..Config::default() };
    let mut pair = Pair::with(&config, link());
    let listener = pair.server().tcp_listen("10.0.0.2:80".parse().unwrap(), 8).unwrap();
    let now = pair.now;
    let isn = Some(IsnPolicy::Fixed(Seq::new(4_225_926_656)));
    let options = ConnectOptions { isn, ..ConnectOptions::new("10.0.0.2:80".parse().unwrap()) };
    let id = pair.client().tcp_connect_with(now, options).unwrap();
    pair.settle();
    let accepted = pair.server().tcp_accept(listener).unwrap().id;
    assert_eq!(pair.client().tcp(id).unwrap().snapshot().iss.number(), 4_225_926_656);
    assert_eq!(pair.server().tcp(accepted).unwrap().snapshot().iss.number(), 3_022_381_253);
}

#[test]
fn options_and_hop_limits_are_per_socket() {
    let mut pair = Pair::new();
    let listener = pair.server().tcp_listen("10.0.0.2:80".parse().unwrap(), 8).unwrap();
    let now = pair.now;
    pair.server().tcp_configure(now, listener, |config| config.receive_buffer_bytes = 10_000).unwrap();
    let (client, server) = pair.connect(listener, "10.0.0.2:80");
    assert_eq!(pair.server().tcp(server).unwrap().config().receive_buffer_bytes, 10_000);
    assert_eq!(pair.server().config().tcp.receive_buffer_bytes, tcp::Config::default().receive_buffer_bytes);
    pair.client().set_hop_limit(client, 7).unwrap();
    assert_eq!(pair.client().hop_limit(client), Some(7));
    pair.seen.clear();
    pair.client().tcp_write(now, client, b"hello").unwrap();
    pair.settle();
    assert_eq!(pair.seen[0].1[8], 7, "the TTL of the packet");
}

#[test]
fn the_traffic_class_is_what_the_application_says_and_may_change() {
    for (address, class_of) in [
        ("10.0.0.2:80", (|packet: &[u8]| packet[1]) as fn(&[u8]) -> u8),
        ("[fd00::2]:80", |packet| (packet[0] << 4) | (packet[1] >> 4)),
    ] {
        let mut pair = Pair::new();
        let listener = pair.server().tcp_listen("[::]:80".parse().unwrap(), 8).unwrap();
        let (client, _) = pair.connect(listener, address);
        for class in [0xb8, 0x20, 0] {
            let now = pair.now;
            // The lower two bits are not the application's to set.
            pair.client().tcp_configure(now, client, |config| config.traffic_class = class | 3).unwrap();
            pair.seen.clear();
            pair.client().tcp_write(now, client, b"hello").unwrap();
            pair.settle();
            let (from, packet) = &pair.seen[0];
            assert_eq!((*from, class_of(packet)), (CLIENT, class), "{address}");
        }
    }
}

#[test]
fn traces_show_both_ends_and_every_state_to_the_last() {
    let mut pair = Pair::new();
    pair.hosts.iter_mut().for_each(|host| host.set_tracing(Tracing::On));
    let listener = pair.server().tcp_listen("10.0.0.2:80".parse().unwrap(), 8).unwrap();
    let (client, server) = pair.connect(listener, "10.0.0.2:80");
    pair.close((CLIENT, client));
    pair.close((SERVER, server));
    pair.pass_time(Duration::from_secs(61));
    let mut states = |at: usize, id: SocketId, remote: &str| {
        let mut states = Vec::new();
        while let Some(record) = pair.hosts[at].poll_trace() {
            assert_eq!((record.id, record.flow.remote.ip()), (id, remote.parse().unwrap()));
            if let Trace::StateChanged { .. } = record.trace {
                states.push(record.trace.row().unwrap().to.name());
            }
        }
        states
    };
    let expected = ["SYN-SENT", "ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT", "CLOSED"];
    assert_eq!(states(CLIENT, client, "10.0.0.2"), expected);
    let expected = ["SYN-RECEIVED", "ESTABLISHED", "CLOSE-WAIT", "LAST-ACK", "CLOSED"];
    assert_eq!(states(SERVER, server, "10.0.0.1"), expected);
    assert_eq!(pair.client().usage().counts(), Usage::default());
}

#[test]
fn bulk_transfers_take_turns() {
    let mut pair = Pair::new();
    let listener = pair.server().tcp_listen("10.0.0.2:80".parse().unwrap(), 8).unwrap();
    let connections: Vec<_> = (0..4).map(|_| pair.connect(listener, "10.0.0.2:80")).collect();
    let warm = text(400_000);
    for (client, server) in &connections {
        pair.send((CLIENT, *client), (SERVER, *server), &warm);
    }
    let mut now = pair.now;
    for (client, _) in &connections {
        pair.client().tcp_write(now, *client, &warm).unwrap();
    }
    let mut ports = Vec::new();
    let mut sent = 0;
    while sent < 200 {
        let Some((_, frame)) = pair.client().poll_transmit(now) else {
            // The pacers wait.
            now = pair.client().poll_timeout().expect("there is a lot to send");
            pair.client().handle_timeout(now);
            continue;
        };
        sent += 1;
        let frame = frame.to_vec();
        let port = u16::from_be_bytes([frame[20], frame[21]]);
        if ports.last() != Some(&port) {
            ports.push(port);
        }
    }
    let different: std::collections::BTreeSet<_> = ports.iter().collect();
    assert!(different.len() >= 2, "one connection has the wire for itself: {ports:?}");
}

#[test]
fn a_port_with_a_connection_half_open_can_be_listened_on() {
    // RFC 9293 §3.9.1.1, MUST-42, MUST-41.
    let mut pair = Pair::new();
    pair.fate = Box::new(|_, _| Fate::Lose);
    let now = pair.now;
    let local = Some("10.0.0.1:4000".parse().unwrap());
    let opening = pair.client().tcp_connect(now, local, "10.0.0.2:80".parse().unwrap()).unwrap();
    pair.pass_time(Duration::from_millis(10));
    assert_eq!(pair.client().tcp(opening).unwrap().state(), State::SynSent);
    pair.client().tcp_listen("10.0.0.1:4000".parse().unwrap(), 8).expect("a listener beside it");
    assert_eq!(pair.client().tcp(opening).unwrap().state(), State::SynSent, "it is left alone");
}

#[test]
fn data_of_a_closed_connection_is_undelivered_until_the_peer_has_it() {
    let mut pair = Pair::new();
    let listener = pair.server().tcp_listen("[::]:80".parse().unwrap(), 8).unwrap();
    let (client, server) = pair.connect(listener, "10.0.0.2:80");
    let now = pair.now;
    assert_eq!(pair.client().tcp_write(now, client, &text(5_000)), Ok(5_000));
    assert_eq!(pair.client().undelivered(), [], "the application has not closed it");
    pair.client().tcp_close(now, client).unwrap();
    assert_eq!(pair.client().undelivered(), [client]);
    assert_eq!(pair.client().undelivered_bytes(client), 5_001, "the FIN counts");
    pair.settle();
    // The server reads nothing and does not close, but it has everything.
    assert_eq!((pair.client().undelivered_bytes(client), pair.client().undelivered()), (0, vec![]));
    assert_eq!(pair.client().usage().connections, 1, "FIN-WAIT-2");

    let (client, other) = pair.connect(listener, "10.0.0.2:80");
    let now = pair.now;
    assert_eq!(pair.client().tcp_write(now, client, &text(5_000)), Ok(5_000));
    pair.client().tcp_close(now, client).unwrap();
    pair.server().tcp_abort(now, other).unwrap();
    pair.settle();
    assert_eq!(pair.client().undelivered(), [], "a reset connection has nothing to deliver");
    assert_eq!(pair.client().undelivered_bytes(server), 0, "an id of another host");
}

#[test]
fn a_clock_that_goes_back_stands_still_and_stops_no_connection() {
    let mut pair = Pair::new();
    let listener = pair.server().tcp_listen("10.0.0.2:80".parse().unwrap(), 8).unwrap();
    let (client, server) = pair.connect(listener, "10.0.0.2:80");
    assert_eq!(pair.send((CLIENT, client), (SERVER, server), &text(50_000)), text(50_000));
    // A virtual machine is restored from an hour ago: its own clock goes back, the peer's does not.
    let mut earlier = tcp::Instant::from_millis(pair.now.as_millis() - 600_000);
    let mut received = 0;
    for _ in 0..40 {
        earlier += Duration::from_millis(50);
        pair.now += Duration::from_millis(50);
        let now = pair.now;
        let link = pair.links;
        let _ = pair.client().tcp_write(earlier, client, &text(3_000));
        pair.client().handle_timeout(earlier);
        pair.server().handle_timeout(now);
        for _ in 0..100 {
            while let Some((_, frame)) = pair.client().poll_transmit(earlier) {
                pair.server().handle_frame(now, link[SERVER], frame);
            }
            while let Some((_, frame)) = pair.server().poll_transmit(now) {
                pair.client().handle_frame(earlier, link[CLIENT], frame);
            }
        }
        while let Ok(count @ 1..) = pair.server().tcp_read(now, server, &mut [0; 9_000]) {
            received += count;
        }
    }
    assert_eq!(received, 40 * 3_000);
}
