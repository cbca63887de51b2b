//! Datagrams: edges, queues, peers, and what comes back.

use crate::common::{Datagrams, Net, eventually, pattern};
use crate::{LONG, SHORT, kind_of};
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::thread;
use std::time::Duration;

/// Two sockets, the client's and the server's, that give up after a long time.
fn two<N: Net>(net: &N) -> (N::Datagrams, N::Datagrams) {
    let sockets = (net.client_datagrams(), net.server_datagrams());
    sockets.0.set_read_timeout(Some(LONG)).unwrap();
    sockets.1.set_read_timeout(Some(LONG)).unwrap();
    sockets
}

/// The same, each connected to the other.
fn two_connected<N: Net>(net: &N) -> (N::Datagrams, N::Datagrams) {
    let (client, server) = two(net);
    client.connect(server.local_addr().unwrap()).unwrap();
    server.connect(client.local_addr().unwrap()).unwrap();
    (client, server)
}

/// The address of a server's socket that is not there any more.
fn nobody<N: Net>(net: &N) -> SocketAddr {
    net.server_datagrams().local_addr().unwrap()
}

over_both! {
    fn datagrams_of_one_sender_keep_their_order(net) {
        let (client, server) = two(net);
        for number in 0..100_u8 {
            client.send_to(&[number; 20], server.local_addr().unwrap()).unwrap();
        }
        for number in 0..100 {
            let mut buf = [0; 64];
            assert_eq!(server.recv(&mut buf).unwrap(), 20);
            assert_eq!(buf[..20], [number; 20]);
        }
    }

    fn a_datagram_says_who_sent_it(net) {
        let (client, server) = two(net);
        let other = net.client_datagrams();
        other.send_to(b"other", server.local_addr().unwrap()).unwrap();
        let mut buf = [0; 8];
        assert_eq!(server.recv_from(&mut buf).unwrap(), (5, other.local_addr().unwrap()));
        client.send_to(b"client", server.local_addr().unwrap()).unwrap();
        assert_eq!(server.recv_from(&mut buf).unwrap(), (6, client.local_addr().unwrap()));
    }

    fn an_answer_finds_its_way(net) {
        let (client, server) = two(net);
        client.send_to(b"ping", server.local_addr().unwrap()).unwrap();
        let (_, from) = server.recv_from(&mut [0; 8]).unwrap();
        server.send_to(b"pong", from).unwrap();
        let mut buf = [0; 8];
        assert_eq!(client.recv_from(&mut buf).unwrap(), (4, server.local_addr().unwrap()));
        assert_eq!(&buf[..4], b"pong");
    }

    fn an_empty_datagram_is_one(net) {
        let (client, server) = two_connected(net);
        assert_eq!(client.send(b"").unwrap(), 0);
        client.send(b"after").unwrap();
        assert_eq!(server.recv(&mut [0; 8]).unwrap(), 0);
        assert_eq!(server.recv(&mut [0; 8]).unwrap(), 5);
    }

    fn an_empty_buffer_takes_a_datagram_with_it(net) {
        let (client, server) = two_connected(net);
        client.send(b"lost").unwrap();
        client.send(b"kept").unwrap();
        assert_eq!(server.recv(&mut []).unwrap(), 0);
        let mut buf = [0; 8];
        assert_eq!(server.recv(&mut buf).unwrap(), 4);
        assert_eq!(&buf[..4], b"kept");
    }

    fn peek_with_a_small_buffer_loses_nothing(net) {
        let (client, server) = two_connected(net);
        client.send(b"a datagram").unwrap();
        let mut buf = [0; 16];
        assert_eq!(server.peek(&mut buf[..3]).unwrap(), 3);
        assert_eq!(server.recv(&mut buf).unwrap(), 10);
        assert_eq!(&buf[..10], b"a datagram");
    }

    fn peek_from_sees_the_sender_and_takes_nothing(net) {
        let (client, server) = two(net);
        client.send_to(b"one", server.local_addr().unwrap()).unwrap();
        for _ in 0..2 {
            assert_eq!(server.peek_from(&mut [0; 8]).unwrap(), (3, client.local_addr().unwrap()));
        }
        assert_eq!(server.recv_from(&mut [0; 8]).unwrap(), (3, client.local_addr().unwrap()));
    }

    fn what_does_not_fit_does_not_spill_into_the_next(net) {
        let (client, server) = two_connected(net);
        client.send(b"0123456789").unwrap();
        client.send(b"abc").unwrap();
        let mut buf = [0; 4];
        assert_eq!(server.recv(&mut buf).unwrap(), 4);
        assert_eq!(server.recv(&mut buf).unwrap(), 3);
        assert_eq!(&buf[..3], b"abc");
    }

    fn the_largest_datagram_arrives_and_one_more_byte_is_too_much(net) {
        let (client, server) = two_connected(net);
        let sent = pattern(65_507, 3);
        assert_eq!(client.send(&sent).unwrap(), 65_507);
        let mut received = vec![0; 65_536];
        assert_eq!(server.recv(&mut received).unwrap(), 65_507);
        assert!(received[..65_507] == sent[..]);
        assert!(client.send(&vec![0; 65_508]).is_err());
        client.send(b"and no harm is done").unwrap();
        assert_eq!(server.recv(&mut received).unwrap(), 19);
    }

    fn a_socket_without_a_peer_cannot_send_to_it(net) {
        let client = net.client_datagrams();
        assert!(client.send(b"whom?").is_err());
    }

    fn a_second_connect_replaces_the_first(net) {
        let (client, first) = two(net);
        let second = net.server_datagrams();
        second.set_read_timeout(Some(LONG)).unwrap();
        client.connect(first.local_addr().unwrap()).unwrap();
        client.connect(second.local_addr().unwrap()).unwrap();
        assert_eq!(client.peer_addr().unwrap(), second.local_addr().unwrap());
        client.send(b"hello").unwrap();
        assert_eq!(second.recv(&mut [0; 8]).unwrap(), 5);
        first.send_to(b"no", client.local_addr().unwrap()).unwrap();
        second.send_to(b"yes", client.local_addr().unwrap()).unwrap();
        assert_eq!(client.recv(&mut [0; 8]).unwrap(), 3);
    }

    fn what_was_queued_before_connect_stays(net) {
        let (client, server) = two(net);
        let stranger = net.server_datagrams();
        stranger.send_to(b"early", client.local_addr().unwrap()).unwrap();
        assert_eq!(client.peek(&mut [0; 8]).unwrap(), 5);
        client.connect(server.local_addr().unwrap()).unwrap();
        assert_eq!(client.recv_from(&mut [0; 8]).unwrap(), (5, stranger.local_addr().unwrap()));
    }

    fn recv_from_names_the_connected_peer(net) {
        let (client, server) = two_connected(net);
        client.send(b"x").unwrap();
        assert_eq!(server.recv_from(&mut [0; 8]).unwrap(), (1, client.local_addr().unwrap()));
    }

    fn an_address_takes_one_socket(net) {
        let server = net.server_datagrams();
        let taken = server.local_addr().unwrap();
        assert_eq!(kind_of(net.bind_server_datagrams(taken)), ErrorKind::AddrInUse);
        drop(server);
        net.bind_server_datagrams(taken).unwrap();
    }

    fn a_foreign_address_cannot_be_bound(net) {
        let foreign = SocketAddr::new(Ipv4Addr::new(192, 0, 2, 77).into(), 0);
        assert_eq!(kind_of(net.bind_server_datagrams(foreign)), ErrorKind::AddrNotAvailable);
    }

    fn a_clone_keeps_the_port(net) {
        let server = net.server_datagrams();
        let at = server.local_addr().unwrap();
        let clone = server.try_clone().unwrap();
        drop(server);
        assert_eq!(kind_of(net.bind_server_datagrams(at)), ErrorKind::AddrInUse);
        assert_eq!(clone.local_addr().unwrap(), at);
    }

    fn each_datagram_goes_to_one_of_the_clones(net) {
        let (client, server) = two(net);
        let clone = server.try_clone().unwrap();
        client.send_to(b"first", server.local_addr().unwrap()).unwrap();
        client.send_to(b"second", server.local_addr().unwrap()).unwrap();
        assert_eq!(server.recv(&mut [0; 8]).unwrap(), 5);
        assert_eq!(clone.recv(&mut [0; 8]).unwrap(), 6);
        server.set_nonblocking(true).unwrap();
        assert_eq!(kind_of(clone.recv(&mut [0; 8])), ErrorKind::WouldBlock);
    }

    fn a_blocked_receiver_is_woken(net) {
        let (client, server) = two(net);
        let to = server.local_addr().unwrap();
        let blocked = thread::spawn(move || server.recv(&mut [0; 8]));
        thread::sleep(SHORT);
        client.send_to(b"go", to).unwrap();
        assert_eq!(blocked.join().unwrap().unwrap(), 2);
    }

    fn a_blocked_peek_of_datagrams_is_woken(net) {
        let (client, server) = two(net);
        let to = server.local_addr().unwrap();
        let blocked = thread::spawn(move || server.peek_from(&mut [0; 8]).map(|(n, _)| n));
        thread::sleep(SHORT);
        client.send_to(b"go", to).unwrap();
        assert_eq!(blocked.join().unwrap().unwrap(), 2);
    }

    fn a_socket_on_any_address_answers_from_the_one_that_was_asked(net) {
        let any = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 0);
        let server = net.bind_server_datagrams(any).unwrap();
        server.set_read_timeout(Some(LONG)).unwrap();
        let port = server.local_addr().unwrap().port();
        assert!(server.local_addr().unwrap().ip().is_unspecified());
        let client = net.client_datagrams();
        client.set_read_timeout(Some(LONG)).unwrap();
        let to = SocketAddr::new(net.server_ip().into(), port);
        client.connect(to).unwrap();
        client.send(b"ask").unwrap();
        let (_, from) = server.recv_from(&mut [0; 8]).unwrap();
        server.send_to(b"answer", from).unwrap();
        assert_eq!(client.recv_from(&mut [0; 8]).unwrap(), (6, to));
    }

    fn connecting_a_socket_on_any_address_gives_it_one(net) {
        let any = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 0);
        let server = net.bind_server_datagrams(any).unwrap();
        let client = net.client_datagrams();
        server.connect(client.local_addr().unwrap()).unwrap();
        let local = server.local_addr().unwrap();
        assert_eq!(local.ip(), net.server_ip());
        client.connect(local).unwrap();
        client.set_read_timeout(Some(LONG)).unwrap();
        server.set_read_timeout(Some(LONG)).unwrap();
        server.send(b"ask").unwrap();
        assert_eq!(client.recv(&mut [0; 8]).unwrap(), 3);
        client.send(b"answer").unwrap();
        assert_eq!(server.recv(&mut [0; 8]).unwrap(), 6);
    }

    fn a_refusal_is_told_once_and_then_all_is_well(net) {
        let client = net.client_datagrams();
        client.connect(nobody(net)).unwrap();
        client.set_read_timeout(Some(LONG)).unwrap();
        client.send(b"anyone?").unwrap();
        assert_eq!(kind_of(client.recv(&mut [0; 8])), ErrorKind::ConnectionRefused);
        client.set_nonblocking(true).unwrap();
        assert_eq!(kind_of(client.recv(&mut [0; 8])), ErrorKind::WouldBlock);
    }

    fn a_refusal_is_told_to_a_sender_too(net) {
        let client = net.client_datagrams();
        client.connect(nobody(net)).unwrap();
        client.send(b"anyone?").unwrap();
        let mut told = None;
        eventually("it comes back", || {
            told = client.send(b"anyone?").err();
            told.is_some()
        });
        assert_eq!(told.unwrap().kind(), ErrorKind::ConnectionRefused);
    }

    fn a_refusal_can_be_taken(net) {
        let client = net.client_datagrams();
        client.connect(nobody(net)).unwrap();
        client.send(b"anyone?").unwrap();
        let mut taken = None;
        eventually("it comes back", || {
            taken = client.take_error().unwrap();
            taken.is_some()
        });
        assert_eq!(taken.unwrap().kind(), ErrorKind::ConnectionRefused);
        assert!(client.take_error().unwrap().is_none());
    }

    fn a_refusal_wakes_a_blocked_receiver(net) {
        let client = net.client_datagrams();
        client.connect(nobody(net)).unwrap();
        client.set_read_timeout(Some(LONG)).unwrap();
        let clone = client.try_clone().unwrap();
        let blocked = thread::spawn(move || clone.recv(&mut [0; 8]));
        thread::sleep(SHORT);
        client.send(b"anyone?").unwrap();
        assert_eq!(kind_of(blocked.join().unwrap()), ErrorKind::ConnectionRefused);
    }

    fn who_is_not_connected_hears_of_no_refusal(net) {
        let client = net.client_datagrams();
        client.set_read_timeout(Some(SHORT)).unwrap();
        client.send_to(b"anyone?", nobody(net)).unwrap();
        assert_eq!(kind_of(client.recv(&mut [0; 8])), ErrorKind::WouldBlock);
        assert!(client.take_error().unwrap().is_none());
    }

    fn datagram_timeouts_are_remembered(net) {
        let client = net.client_datagrams();
        assert_eq!((client.read_timeout().unwrap(), client.write_timeout().unwrap()), (None, None));
        client.set_read_timeout(Some(SHORT)).unwrap();
        client.set_write_timeout(Some(SHORT * 3)).unwrap();
        let clone = client.try_clone().unwrap();
        assert!(clone.read_timeout().unwrap().unwrap() >= SHORT);
        assert!(clone.write_timeout().unwrap().unwrap() >= SHORT * 3);
        assert_eq!(kind_of(client.set_write_timeout(Some(Duration::ZERO))), ErrorKind::InvalidInput);
    }

    fn datagrams_refuse_ttls_that_are_none(net) {
        let client = net.client_datagrams();
        for ttl in [0, 256] {
            assert_eq!(kind_of(client.set_ttl(ttl)), ErrorKind::InvalidInput);
        }
        assert_eq!(client.ttl().unwrap(), 64);
    }

    fn a_hundred_sockets_do_not_mix(net) {
        let sockets: Vec<_> = (0..100).map(|_| net.server_datagrams()).collect();
        let client = net.client_datagrams();
        for (number, socket) in sockets.iter().enumerate() {
            client.send_to(&[number as u8], socket.local_addr().unwrap()).unwrap();
        }
        for (number, socket) in sockets.iter().enumerate() {
            socket.set_read_timeout(Some(LONG)).unwrap();
            let mut buf = [0; 8];
            assert_eq!((socket.recv(&mut buf).unwrap(), usize::from(buf[0])), (1, number));
        }
    }
}
