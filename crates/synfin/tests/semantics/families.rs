//! The same over IPv6, and both families at one port.

use crate::common::{Datagrams, Listener, Stream, digest, eventually, pattern};
use crate::{LONG, kind_of};
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv6Addr, Shutdown, SocketAddr};
use std::thread;
use std::time::Duration;

over_both! {
    fn a_connection_over_ipv6_carries_both_ways(net) {
        let (mut client, mut server) = net.pair_over(net.server_ip6().into());
        client.write_all(b"ping").unwrap();
        let mut buf = [0; 4];
        server.read_exact(&mut buf).unwrap();
        server.write_all(b"pong").unwrap();
        client.read_exact(&mut buf).unwrap();
        assert_eq!(&buf, b"pong");
    }

    fn addresses_over_ipv6_agree(net) {
        let (client, server) = net.pair_over(net.server_ip6().into());
        assert_eq!(client.peer_addr().unwrap(), server.local_addr().unwrap());
        assert_eq!(server.peer_addr().unwrap(), client.local_addr().unwrap());
        assert_eq!(server.local_addr().unwrap().ip(), net.server_ip6());
        assert_eq!(client.local_addr().unwrap().ip(), net.client_ip6());
    }

    fn a_mebibyte_over_ipv6(net) {
        let (mut client, mut server) = net.pair_over(net.server_ip6().into());
        let sent = pattern(1 << 20, 15);
        let expected = digest(&sent);
        let writer = thread::spawn(move || client.write_all(&sent));
        let mut received = Vec::new();
        server.read_to_end(&mut received).unwrap();
        writer.join().unwrap().unwrap();
        assert_eq!(digest(&received), expected);
    }

    fn a_closed_port_refuses_over_ipv6(net) {
        let listener = net.bind_server(SocketAddr::new(net.server_ip6().into(), 0)).unwrap();
        let to = listener.local_addr().unwrap();
        drop(listener);
        assert_eq!(kind_of(net.connect(to)), ErrorKind::ConnectionRefused);
    }

    fn a_reset_over_ipv6_is_one(net) {
        let (mut client, server) = net.pair_over(net.server_ip6().into());
        server.linger_of(Some(Duration::ZERO)).unwrap();
        drop(server);
        assert_eq!(kind_of(client.read(&mut [0; 8])), ErrorKind::ConnectionReset);
    }

    fn a_half_close_over_ipv6(net) {
        let (mut client, mut server) = net.pair_over(net.server_ip6().into());
        client.shutdown(Shutdown::Write).unwrap();
        assert_eq!(server.read(&mut [0; 8]).unwrap(), 0);
        server.write_all(b"still").unwrap();
        assert_eq!(client.read(&mut [0; 8]).unwrap(), 5);
    }

    fn an_ipv6_address_is_given_once(net) {
        let listener = net.bind_server(SocketAddr::new(net.server_ip6().into(), 0)).unwrap();
        assert_eq!(kind_of(net.bind_server(listener.local_addr().unwrap())), ErrorKind::AddrInUse);
    }

    fn a_foreign_ipv6_address_is_not_available(net) {
        let foreign: SocketAddr = "[2001:db8::77]:0".parse().unwrap();
        assert_eq!(kind_of(net.bind_server(foreign)), ErrorKind::AddrNotAvailable);
    }

    fn the_families_have_ports_of_their_own(net) {
        let listener = net.listen();
        let port = listener.local_addr().unwrap().port();
        let other = net.bind_server(SocketAddr::new(net.server_ip6().into(), port)).unwrap();
        assert_eq!(other.local_addr().unwrap().port(), port);
    }

    fn a_listener_on_any_ipv6_address_takes_both_families(net) {
        let listener = net.bind_server(SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let over6 = net.connect(SocketAddr::new(net.server_ip6().into(), port)).unwrap();
        assert_eq!(listener.accept().unwrap().1, over6.local_addr().unwrap());
        let over4 = net.connect(SocketAddr::new(net.server_ip().into(), port)).unwrap();
        let (_, from) = listener.accept().unwrap();
        assert_eq!(from.ip().to_canonical(), over4.local_addr().unwrap().ip());
        assert_eq!(from.port(), over4.local_addr().unwrap().port());
    }

    fn datagrams_over_ipv6(net) {
        let client = net.bind_client_datagrams(SocketAddr::new(net.client_ip6().into(), 0)).unwrap();
        let server = net.bind_server_datagrams(SocketAddr::new(net.server_ip6().into(), 0)).unwrap();
        server.set_read_timeout(Some(LONG)).unwrap();
        client.send_to(b"over six", server.local_addr().unwrap()).unwrap();
        let mut buf = [0; 16];
        assert_eq!(server.recv_from(&mut buf).unwrap(), (8, client.local_addr().unwrap()));
        assert_eq!(&buf[..8], b"over six");
    }

    fn large_datagrams_over_ipv6(net) {
        let client = net.bind_client_datagrams(SocketAddr::new(net.client_ip6().into(), 0)).unwrap();
        let server = net.bind_server_datagrams(SocketAddr::new(net.server_ip6().into(), 0)).unwrap();
        server.set_read_timeout(Some(LONG)).unwrap();
        let sent = pattern(20_000, 19);
        client.send_to(&sent, server.local_addr().unwrap()).unwrap();
        let mut received = vec![0; 65_536];
        assert_eq!(server.recv(&mut received).unwrap(), 20_000);
        assert_eq!(received[..20_000], sent);
    }

    fn a_datagram_to_nobody_comes_back_over_ipv6(net) {
        let client = net.bind_client_datagrams(SocketAddr::new(net.client_ip6().into(), 0)).unwrap();
        let server = net.bind_server_datagrams(SocketAddr::new(net.server_ip6().into(), 0)).unwrap();
        client.connect(server.local_addr().unwrap()).unwrap();
        drop(server);
        client.set_read_timeout(Some(LONG)).unwrap();
        client.send(b"anyone?").unwrap();
        assert_eq!(kind_of(client.recv(&mut [0; 8])), ErrorKind::ConnectionRefused);
    }

    fn a_datagram_to_the_other_family_is_refused(net) {
        let client = net.client_datagrams();
        assert!(client.send_to(b"x", SocketAddr::new(net.server_ip6().into(), 9)).is_err());
        assert!(client.connect(SocketAddr::new(net.server_ip6().into(), 9)).is_err());
    }

    fn peek_over_ipv6(net) {
        let (client, mut server) = net.pair_over(net.server_ip6().into());
        server.write_all(b"abc").unwrap();
        eventually("the data arrives", || client.peek(&mut [0; 8]).unwrap() == 3);
        assert_eq!(client.read_by_ref(&mut [0; 8]).unwrap(), 3);
    }
}
