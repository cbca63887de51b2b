//! UDP sockets: both directions, refusals, fragments, bounds.

use crate::world::{CLIENT, Fate, Pair, SERVER, link, text};
use bytes::Bytes;
use std::net::SocketAddr;
use synfin_stack::{Config, Discard, Error, Event, SocketId, Usage};
use wire::{LinkCapabilities, Medium, TransmitChecksum};

fn bind(pair: &mut Pair, at: usize, local: &str) -> SocketId {
    pair.hosts[at].udp_bind(local.parse().unwrap()).unwrap()
}

fn send(pair: &mut Pair, id: SocketId, data: &[u8], remote: &str) {
    let now = pair.now;
    let sent = pair.client().udp_send_to(now, id, Bytes::copy_from_slice(data), remote.parse().unwrap());
    assert_eq!(sent, Ok(data.len()));
    pair.settle();
}

#[test]
fn datagrams_of_every_size_cross_every_link() {
    let partial = LinkCapabilities { transmit_checksum: TransmitChecksum::Partial, ..link() };
    let ethernet = LinkCapabilities { medium: Medium::Ethernet, ..link() };
    for capabilities in [link(), partial, ethernet] {
        for (client, server) in [("10.0.0.1:1000", "10.0.0.2:53"), ("[fd00::1]:1000", "[fd00::2]:53")] {
            let mut pair = Pair::with(&Config::default(), capabilities);
            let asker = bind(&mut pair, CLIENT, client);
            let answerer = bind(&mut pair, SERVER, "[::]:53");
            for len in [0, 1, 1_400, 1_472, 1_473, 4_000, 65_507, 65_527] {
                if len > 65_507 && !client.starts_with('[') {
                    continue;
                }
                let data = text(len);
                send(&mut pair, asker, &data, server);
                assert_eq!(pair.events[SERVER].pop(), Some((answerer, Event::Readable)));
                let mut buffer = vec![0; 70_000];
                let (got, from) = pair.server().udp_recv_from(answerer, &mut buffer).unwrap();
                assert!(buffer[..got] == data, "{len} bytes");
                assert_eq!(from, client.parse::<SocketAddr>().unwrap());
            }
            let longest = if client.starts_with('[') { 65_527 } else { 65_507 };
            let now = pair.now;
            let too_long =
                pair.client().udp_send_to(now, asker, text(longest + 1).into(), server.parse().unwrap());
            assert_eq!(too_long, Err(Error::MessageTooLong));
            assert!(pair.seen.iter().all(|(_, frame)| frame.len() <= 1_514));
            assert_eq!(pair.server().usage().reassemblies, 0);
            assert_eq!(pair.server().counters().discarded_total(), 0, "{:?}", pair.server().counters());
        }
    }
}

#[test]
fn fragments_in_any_order_are_put_together_and_a_lost_one_times_out() {
    for remote in ["10.0.0.2:53", "[fd00::2]:53"] {
        let mut pair = Pair::new();
        let asker = bind(&mut pair, CLIENT, "[::]:0");
        let answerer = bind(&mut pair, SERVER, "[::]:53");
        let data = text(10_000);
        // All fragments are held back, then delivered in reverse order.
        pair.fate = Box::new(|_, _| Fate::Lose);
        send(&mut pair, asker, &data, remote);
        let frames: Vec<_> = pair.seen.drain(..).map(|(_, frame)| frame).collect();
        assert_eq!(frames.len(), 7);
        for frame in frames.iter().rev() {
            pair.inject(CLIENT, frame.clone());
        }
        let mut buffer = vec![0; 20_000];
        let (got, _) = pair.server().udp_recv_from(answerer, &mut buffer).unwrap();
        assert!(buffer[..got] == data);
        // Duplicates do no harm. Without the middle fragment the others time out, and the sender gets an error.
        for frame in frames.iter().enumerate().filter(|(n, _)| *n != 3).map(|(_, frame)| frame) {
            pair.inject(CLIENT, frame.clone());
            pair.inject(CLIENT, frame.clone());
        }
        assert_eq!(pair.server().usage().reassemblies, 1);
        pair.seen.clear();
        pair.fate = Box::new(|_, _| Fate::Deliver);
        pair.pass_time(std::time::Duration::from_secs(31));
        assert_eq!(pair.server().usage().reassemblies, 0);
        assert_eq!(pair.server().counters().discarded(Discard::FragmentTimeout), 1);
        assert_eq!(pair.server().counters().icmp_errors_sent, 1, "time exceeded");
        assert_eq!(pair.server().udp_recv_from(answerer, &mut buffer), Err(Error::WouldBlock));
    }
}

#[test]
fn a_connected_socket_gets_the_error_of_a_closed_port() {
    for remote in ["10.0.0.2:53", "[fd00::2]:53"] {
        let mut pair = Pair::new();
        let asker = bind(&mut pair, CLIENT, "[::]:0");
        pair.client().udp_connect(asker, Some(remote.parse().unwrap())).unwrap();
        let now = pair.now;
        pair.client().udp_send(now, asker, Bytes::from_static(b"anybody?")).unwrap();
        pair.settle();
        assert!(pair.events[CLIENT].contains(&(asker, Event::Failed(tcp::Error::PortUnreachable))));
        assert_eq!(
            pair.client().udp_recv_from(asker, &mut [0; 9]),
            Err(Error::Icmp(tcp::Error::PortUnreachable))
        );
        assert_eq!(pair.client().udp_recv_from(asker, &mut [0; 9]), Err(Error::WouldBlock), "returned once");
        assert_eq!(pair.client().udp_take_error(asker), None);
    }
}

#[test]
fn a_connected_socket_takes_its_peers_datagrams_alone() {
    let mut pair = Pair::new();
    let answerer = bind(&mut pair, SERVER, "10.0.0.2:53");
    pair.server().udp_connect(answerer, Some("10.0.0.1:1000".parse().unwrap())).unwrap();
    let peer = bind(&mut pair, CLIENT, "0.0.0.0:1000");
    let other = bind(&mut pair, CLIENT, "0.0.0.0:1001");
    send(&mut pair, other, b"hello", "10.0.0.2:53");
    assert_eq!(pair.server().udp_recv_from(answerer, &mut [0; 9]), Err(Error::WouldBlock));
    send(&mut pair, peer, b"hello", "10.0.0.2:53");
    let mut short = [0; 2];
    assert_eq!(pair.server().udp_peek_from(answerer, &mut short).map(|(len, _)| len), Ok(2));
    assert_eq!(pair.server().udp_recv_from(answerer, &mut [0; 9]).map(|(len, _)| len), Ok(5));
    assert_eq!(pair.server().remote_addr(answerer), Some("10.0.0.1:1000".parse().unwrap()));
}

#[test]
fn unread_datagrams_are_bounded() {
    let config = Config { udp_receive_bytes_max: 10_000, outbox_frames_max: 4, ..Config::default() };
    let mut pair = Pair::with(&config, link());
    let asker = bind(&mut pair, CLIENT, "[::]:0");
    let answerer = bind(&mut pair, SERVER, "[::]:53");
    for _ in 0..20 {
        send(&mut pair, asker, &[7; 808], "10.0.0.2:53");
    }
    assert_eq!(pair.server().counters().datagrams_received, 10);
    assert_eq!(pair.server().counters().discarded(Discard::UdpQueueFull), 10);
    for _ in 0..10 {
        assert!(pair.server().udp_recv_from(answerer, &mut [0; 1_000]).is_ok());
    }
    send(&mut pair, asker, b"again", "10.0.0.2:53");
    assert!(pair.server().udp_recv_from(answerer, &mut [0; 1_000]).is_ok());
    let now = pair.now;
    let one = Bytes::from_static(b"x");
    let remote = "10.0.0.2:53".parse().unwrap();
    for _ in 0..4 {
        assert_eq!(pair.client().udp_send_to(now, asker, one.clone(), remote), Ok(1));
    }
    assert_eq!(pair.client().udp_send_to(now, asker, one.clone(), remote), Err(Error::WouldBlock));
    pair.settle();
    assert!(pair.events[CLIENT].contains(&(asker, Event::Writable)));
    assert_eq!(pair.client().udp_send_to(now, asker, one, remote), Ok(1));
}

#[test]
fn ends_conflicts_and_closing() {
    let mut pair = Pair::new();
    let socket = bind(&mut pair, CLIENT, "10.0.0.1:0");
    let local = pair.client().local_addr(socket).unwrap();
    assert!((49_152..).contains(&local.port()));
    assert_eq!(pair.client().udp_bind(local), Err(Error::AddressInUse));
    assert_eq!(pair.client().udp_bind("192.0.2.1:53".parse().unwrap()), Err(Error::AddressNotAvailable));
    let now = pair.now;
    for remote in ["0.0.0.0:53", "10.0.0.2:0"] {
        let sent = pair.client().udp_send_to(now, socket, Bytes::new(), remote.parse().unwrap());
        assert_eq!(sent, Err(Error::InvalidAddress));
    }
    let sent = pair.client().udp_send_to(now, socket, Bytes::new(), "192.0.2.1:53".parse().unwrap());
    assert_eq!(sent, Err(Error::NetworkUnreachable));
    assert_eq!(pair.client().udp_send(now, socket, Bytes::new()), Err(Error::NotConnected));
    pair.client().udp_close(socket).unwrap();
    assert_eq!(pair.client().udp_recv_from(socket, &mut [0; 1]), Err(Error::UnknownSocket));
    assert_eq!(pair.client().usage().counts(), Usage::default());
    assert!(pair.client().udp_bind(local).is_ok());
}

#[test]
fn a_program_sends_to_itself() {
    let mut pair = Pair::new();
    let (one, two) = (bind(&mut pair, CLIENT, "127.0.0.1:1"), bind(&mut pair, CLIENT, "127.0.0.1:2"));
    send(&mut pair, one, &text(60_000), "127.0.0.1:2");
    assert!(pair.seen.is_empty());
    assert_eq!(pair.client().udp_recv_from(two, &mut vec![0; 65_536]).map(|(len, _)| len), Ok(60_000));
    let now = pair.now;
    let outside = pair.client().udp_send_to(now, one, Bytes::new(), "10.0.0.2:2".parse().unwrap());
    assert_eq!(outside, Err(Error::AddressNotAvailable), "127.0.0.1 must not appear outside");
}
