//! Connections come into being: ports, backlogs, who is accepted when.

use crate::common::{Datagrams, Listener, Stream, eventually};
use crate::{LONG, SHORT, kind_of};
use std::io::{ErrorKind, Read, Write};
use std::thread;
use std::time::Duration;

over_both! {
    fn a_connection_is_there_before_it_is_accepted(net) {
        let listener = net.listen();
        let mut client = net.connect(listener.local_addr().unwrap()).unwrap();
        assert_eq!(client.peer_addr().unwrap(), listener.local_addr().unwrap());
        client.write_all(b"early").unwrap();
    }

    fn what_was_written_before_accept_is_read_after_it(net) {
        let listener = net.listen();
        let mut client = net.connect(listener.local_addr().unwrap()).unwrap();
        client.write_all(b"early").unwrap();
        let (mut server, _) = listener.accept().unwrap();
        let mut buf = [0; 5];
        server.read_exact(&mut buf).unwrap();
        assert_eq!(&buf, b"early");
    }

    fn a_peer_may_speak_and_leave_before_it_is_accepted(net) {
        let listener = net.listen();
        let mut client = net.connect(listener.local_addr().unwrap()).unwrap();
        client.write_all(b"a note").unwrap();
        drop(client);
        let (mut server, _) = listener.accept().unwrap();
        let mut received = Vec::new();
        server.read_to_end(&mut received).unwrap();
        assert_eq!(received, b"a note");
    }

    fn connections_are_accepted_in_the_order_in_which_they_came(net) {
        let listener = net.listen();
        let clients: Vec<_> = (0..8).map(|_| net.connect(listener.local_addr().unwrap()).unwrap()).collect();
        for client in &clients {
            let (_, from) = listener.accept().unwrap();
            assert_eq!(from, client.local_addr().unwrap());
        }
    }

    fn each_connection_has_a_port_of_its_own(net) {
        let listener = net.listen();
        let clients: Vec<_> = (0..16).map(|_| net.connect(listener.local_addr().unwrap()).unwrap()).collect();
        let mut ports: Vec<_> = clients.iter().map(|client| client.local_addr().unwrap().port()).collect();
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), 16);
    }

    fn connections_of_one_listener_do_not_mix(net) {
        let listener = net.listen();
        let to = listener.local_addr().unwrap();
        let mut ends: Vec<_> =
            (0..4).map(|_| (net.connect(to).unwrap(), listener.accept().unwrap().0)).collect();
        for (number, (client, _)) in ends.iter_mut().enumerate() {
            client.write_all(&[number as u8; 100]).unwrap();
        }
        for (number, (_, server)) in ends.iter_mut().enumerate().rev() {
            let mut buf = [0xff; 100];
            server.read_exact(&mut buf).unwrap();
            assert_eq!(buf, [number as u8; 100]);
        }
    }

    fn a_connection_outlives_its_listener(net) {
        let listener = net.listen();
        let mut client = net.connect(listener.local_addr().unwrap()).unwrap();
        let (mut server, _) = listener.accept().unwrap();
        drop(listener);
        client.write_all(b"still").unwrap();
        let mut buf = [0; 5];
        server.read_exact(&mut buf).unwrap();
        server.write_all(b"here").unwrap();
        client.read_exact(&mut buf[..4]).unwrap();
        assert_eq!(&buf[..4], b"here");
    }

    fn a_port_can_be_bound_again_while_its_connections_live(net) {
        let listener = net.listen();
        let at = listener.local_addr().unwrap();
        let mut old_client = net.connect(at).unwrap();
        let (mut old_server, _) = listener.accept().unwrap();
        drop(listener);
        let again = net.bind_server(at).unwrap();
        let new_client = net.connect(at).unwrap();
        let (_, from) = again.accept().unwrap();
        assert_eq!(from, new_client.local_addr().unwrap());
        old_client.write_all(b"old").unwrap();
        assert_eq!(old_server.read(&mut [0; 8]).unwrap(), 3);
    }

    fn a_port_can_be_bound_again_at_once_after_its_connections_are_over(net) {
        let listener = net.listen();
        let at = listener.local_addr().unwrap();
        let mut client = net.connect(at).unwrap();
        let (server, _) = listener.accept().unwrap();
        // The server closes first, so TIME-WAIT is at its port.
        drop(server);
        assert_eq!(client.read(&mut [0; 8]).unwrap(), 0);
        drop((client, listener));
        net.bind_server(at).unwrap();
    }

    fn port_zero_is_another_port_each_time(net) {
        let listeners: Vec<_> = (0..8).map(|_| net.listen()).collect();
        let mut ports: Vec<_> = listeners.iter().map(|listener| listener.local_addr().unwrap().port()).collect();
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), 8);
        assert!(!ports.contains(&0));
    }

    fn datagrams_and_connections_share_no_ports(net) {
        let listener = net.listen();
        let datagrams = net.bind_server_datagrams(listener.local_addr().unwrap()).unwrap();
        assert_eq!(datagrams.local_addr().unwrap(), listener.local_addr().unwrap());
    }

    fn sixty_four_connections_may_wait(net) {
        let listener = net.listen();
        let to = listener.local_addr().unwrap();
        let clients: Vec<_> = (0..64).map(|_| net.connect_timeout(to, LONG).unwrap()).collect();
        for _ in &clients {
            listener.accept().unwrap();
        }
    }

    fn a_clone_keeps_the_listener_open(net) {
        let listener = net.listen();
        let clone = listener.try_clone().unwrap();
        assert_eq!(clone.local_addr().unwrap(), listener.local_addr().unwrap());
        drop(listener);
        let client = net.connect(clone.local_addr().unwrap()).unwrap();
        assert_eq!(clone.accept().unwrap().1, client.local_addr().unwrap());
    }

    fn the_last_clone_of_a_listener_frees_the_port(net) {
        let listener = net.listen();
        let at = listener.local_addr().unwrap();
        let clone = listener.try_clone().unwrap();
        drop(listener);
        assert_eq!(kind_of(net.bind_server(at)), ErrorKind::AddrInUse);
        drop(clone);
        net.bind_server(at).unwrap();
    }

    fn a_port_that_refused_can_be_bound(net) {
        let listener = net.listen();
        let at = listener.local_addr().unwrap();
        drop(listener);
        assert_eq!(kind_of(net.connect(at)), ErrorKind::ConnectionRefused);
        let listener = net.bind_server(at).unwrap();
        let client = net.connect(at).unwrap();
        assert_eq!(listener.accept().unwrap().1, client.local_addr().unwrap());
    }

    fn a_non_blocking_accept_takes_all_that_wait_and_no_more(net) {
        let listener = net.listen();
        let clients: Vec<_> = (0..3).map(|_| net.connect(listener.local_addr().unwrap()).unwrap()).collect();
        listener.set_nonblocking(true).unwrap();
        for client in &clients {
            let mut from = None;
            eventually("it is there", || {
                from = listener.accept().ok().map(|(_, from)| from);
                from.is_some()
            });
            assert_eq!(from, client.local_addr().ok());
        }
        assert_eq!(kind_of(listener.accept()), ErrorKind::WouldBlock);
    }

    fn a_listener_that_blocks_again_waits_again(net) {
        let listener = net.listen();
        let to = listener.local_addr().unwrap();
        listener.set_nonblocking(true).unwrap();
        assert_eq!(kind_of(listener.accept()), ErrorKind::WouldBlock);
        listener.set_nonblocking(false).unwrap();
        let blocked = thread::spawn(move || listener.accept().map(|(_, from)| from));
        thread::sleep(SHORT);
        let client = net.connect(to).unwrap();
        assert_eq!(blocked.join().unwrap().unwrap(), client.local_addr().unwrap());
    }

    fn non_blocking_is_a_matter_of_the_listener_not_of_the_handle(net) {
        let listener = net.listen();
        listener.try_clone().unwrap().set_nonblocking(true).unwrap();
        assert_eq!(kind_of(listener.accept()), ErrorKind::WouldBlock);
    }

    fn a_new_connection_has_the_ordinary_options(net) {
        let (client, server) = net.pair();
        for stream in [&client, &server] {
            assert!(!stream.nodelay().unwrap());
            assert_eq!(stream.ttl().unwrap(), 64);
            assert_eq!(stream.read_timeout().unwrap(), None);
            assert_eq!(stream.write_timeout().unwrap(), None);
            assert!(stream.take_error().unwrap().is_none());
        }
    }

    fn connect_timeout_leaves_a_stream_that_waits(net) {
        let listener = net.listen();
        let mut client = net.connect_timeout(listener.local_addr().unwrap(), LONG).unwrap();
        let (mut server, _) = listener.accept().unwrap();
        let blocked = thread::spawn(move || client.read(&mut [0; 8]));
        thread::sleep(SHORT);
        server.write_all(b"go").unwrap();
        assert_eq!(blocked.join().unwrap().unwrap(), 2);
    }

    fn connect_does_not_wait_for_accept(net) {
        let listener = net.listen();
        let client = net.connect_timeout(listener.local_addr().unwrap(), Duration::from_secs(5)).unwrap();
        assert!(client.take_error().unwrap().is_none());
    }

    fn the_same_client_may_connect_many_times_in_turn(net) {
        let listener = net.listen();
        let to = listener.local_addr().unwrap();
        for number in 0..100_u8 {
            let mut client = net.connect(to).unwrap();
            let (mut server, _) = listener.accept().unwrap();
            client.write_all(&[number]).unwrap();
            let mut buf = [0];
            server.read_exact(&mut buf).unwrap();
            assert_eq!(buf, [number]);
        }
    }
}
