//! Listeners: addresses, refusals, who is accepted, and what becomes of the others.

use crate::common::{Listener, Stream, eventually};
use crate::{LONG, SHORT};
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::thread;
use std::time::Duration;

over_both! {
    fn connect_timeout_in_time(net) {
        let listener = net.listen();
        let client = net.connect_timeout(listener.local_addr().unwrap(), LONG).unwrap();
        let (_, from) = listener.accept().unwrap();
        assert_eq!(from, client.local_addr().unwrap());
    }

    fn a_non_blocking_accept_does_not_wait(net) {
        let listener = net.listen();
        listener.set_nonblocking(true).unwrap();
        assert_eq!(listener.accept().map(|_| ()).unwrap_err().kind(), ErrorKind::WouldBlock);
        let mut client = net.connect(listener.local_addr().unwrap()).unwrap();
        let mut accepted = None;
        eventually("the connection is there", || {
            accepted = listener.accept().ok();
            accepted.is_some()
        });
        // What is accepted blocks, whatever the listener does.
        let (mut server, _) = accepted.unwrap();
        let blocked = thread::spawn(move || server.read(&mut [0; 8]));
        thread::sleep(SHORT);
        client.write_all(b"go").unwrap();
        assert_eq!(blocked.join().unwrap().unwrap(), 2);
    }

    fn refused(net) {
        let listener = net.listen();
        let to = listener.local_addr().unwrap();
        drop(listener);
        assert_eq!(net.connect(to).unwrap_err().kind(), ErrorKind::ConnectionRefused);
        assert_eq!(net.connect_timeout(to, LONG).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    }

    fn a_connection_may_die_before_it_is_accepted(net) {
        let listener = net.listen();
        let client = net.connect(listener.local_addr().unwrap()).unwrap();
        let from = client.local_addr().unwrap();
        client.linger_of(Some(Duration::ZERO)).unwrap();
        drop(client);
        thread::sleep(SHORT);
        let (mut server, peer) = listener.accept().unwrap();
        assert_eq!(peer, from);
        assert_eq!(server.read(&mut [0; 8]).unwrap_err().kind(), ErrorKind::ConnectionReset);
        assert_eq!(server.read(&mut [0; 8]).unwrap(), 0);
    }

    fn addresses_agree(net) {
        let listener = net.listen();
        let client = net.connect(listener.local_addr().unwrap()).unwrap();
        let (server, from) = listener.accept().unwrap();
        assert_eq!(client.peer_addr().unwrap(), listener.local_addr().unwrap());
        assert_eq!(server.local_addr().unwrap(), listener.local_addr().unwrap());
        assert_eq!(server.peer_addr().unwrap(), client.local_addr().unwrap());
        assert_eq!(from, client.local_addr().unwrap());
        assert_ne!(from.port(), 0);
    }

    fn an_address_is_given_once(net) {
        let listener = net.listen();
        let taken = listener.local_addr().unwrap();
        let error = net.bind_server(taken).map(|_| ()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
        drop(listener);
        net.bind_server(taken).unwrap();
    }

    fn a_foreign_address_is_not_available(net) {
        let foreign = SocketAddr::new(Ipv4Addr::new(192, 0, 2, 77).into(), 0);
        let error = net.bind_server(foreign).map(|_| ()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrNotAvailable);
    }

    fn a_listener_on_any_address_takes_them_all(net) {
        let listener = net.bind_server(SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 0)).unwrap();
        let bound = listener.local_addr().unwrap();
        assert!(bound.ip().is_unspecified());
        let to = SocketAddr::new(net.server_ip().into(), bound.port());
        let client = net.connect(to).unwrap();
        let (server, _) = listener.accept().unwrap();
        assert_eq!(server.local_addr().unwrap(), to);
        drop(client);
    }

    fn a_listener_has_options_too(net) {
        let listener = net.listen();
        assert_eq!(listener.ttl().unwrap(), 64);
        listener.set_ttl(33).unwrap();
        assert_eq!(listener.ttl().unwrap(), 33);
        assert!(listener.take_error().unwrap().is_none());
        let client = net.connect(listener.local_addr().unwrap()).unwrap();
        let (server, _) = listener.accept().unwrap();
        assert_eq!(server.ttl().unwrap(), 33, "accepted sockets inherit it");
        drop(client);
    }

    fn incoming_gives_one_after_the_other(net) {
        let listener = net.listen();
        let clients: Vec<_> = (0..3).map(|_| net.connect(listener.local_addr().unwrap()).unwrap()).collect();
        let mut seen: Vec<_> =
            (0..3).map(|_| listener.next_incoming().unwrap().unwrap().peer_addr().unwrap()).collect();
        let mut expected: Vec<_> = clients.iter().map(|client| client.local_addr().unwrap()).collect();
        seen.sort_unstable();
        expected.sort_unstable();
        assert_eq!(seen, expected);
    }

    fn two_threads_accept_from_one_listener(net) {
        let listener = net.listen();
        let to = listener.local_addr().unwrap();
        let accepting = [listener.try_clone().unwrap(), listener]
            .map(|listener| thread::spawn(move || listener.accept().unwrap().1));
        let mut expected =
            [net.connect(to).unwrap(), net.connect(to).unwrap()].map(|client| client.local_addr().unwrap());
        let mut seen = accepting.map(|thread| thread.join().unwrap());
        expected.sort_unstable();
        seen.sort_unstable();
        assert_eq!(seen, expected);
    }

    fn closing_a_listener_resets_who_waits_there(net) {
        let listener = net.listen();
        let mut client = net.connect(listener.local_addr().unwrap()).unwrap();
        client.write_all(b"hello?").unwrap();
        drop(listener);
        let mut outcome = client.read(&mut [0; 8]);
        if matches!(outcome, Ok(0)) {
            outcome = client.read(&mut [0; 8]);
        }
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::ConnectionReset);
    }
}
