//! Datagrams: edges, peers, sizes.

use crate::LONG;
use crate::common::{Datagrams, pattern};
use std::io::ErrorKind;

over_both! {
    fn datagrams_keep_their_edges(net) {
        let (client, server) = (net.client_datagrams(), net.server_datagrams());
        server.set_read_timeout(Some(LONG)).unwrap();
        let to = server.local_addr().unwrap();
        assert_eq!(client.send_to(b"first", to).unwrap(), 5);
        assert_eq!(client.send_to(b"", to).unwrap(), 0);
        assert_eq!(client.send_to(b"a longer one", to).unwrap(), 12);
        let mut buf = [0; 64];
        assert_eq!(server.recv_from(&mut buf).unwrap(), (5, client.local_addr().unwrap()));
        assert_eq!(server.recv_from(&mut buf).unwrap(), (0, client.local_addr().unwrap()));
        assert_eq!(server.peek_from(&mut buf).unwrap(), (12, client.local_addr().unwrap()));
        // A buffer that is too small loses the rest of the datagram.
        let mut small = [0; 8];
        assert_eq!(server.recv_from(&mut small).unwrap().0, 8);
        assert_eq!(&small, b"a longer");
        server.set_nonblocking(true).unwrap();
        assert_eq!(server.recv_from(&mut buf).unwrap_err().kind(), ErrorKind::WouldBlock);
    }

    fn connected_datagrams_hear_only_their_peer(net) {
        let (client, server, stranger) =
            (net.client_datagrams(), net.server_datagrams(), net.server_datagrams());
        client.set_read_timeout(Some(LONG)).unwrap();
        server.set_read_timeout(Some(LONG)).unwrap();
        assert_eq!(client.peer_addr().unwrap_err().kind(), ErrorKind::NotConnected);
        client.connect(server.local_addr().unwrap()).unwrap();
        assert_eq!(client.peer_addr().unwrap(), server.local_addr().unwrap());
        client.send(b"question").unwrap();
        let (n, from) = server.recv_from(&mut [0; 64]).unwrap();
        assert_eq!(n, 8);
        stranger.send_to(b"noise", from).unwrap();
        server.send_to(b"answer", from).unwrap();
        let mut buf = [0; 64];
        assert_eq!(client.peek(&mut buf).unwrap(), 6);
        assert_eq!(client.recv(&mut buf).unwrap(), 6);
        assert_eq!(&buf[..6], b"answer");
    }

    fn a_connected_socket_may_still_send_elsewhere(net) {
        let (client, server, other) = (net.client_datagrams(), net.server_datagrams(), net.server_datagrams());
        other.set_read_timeout(Some(LONG)).unwrap();
        client.connect(server.local_addr().unwrap()).unwrap();
        client.send_to(b"you", other.local_addr().unwrap()).unwrap();
        assert_eq!(other.recv(&mut [0; 8]).unwrap(), 3);
    }

    fn large_datagrams(net) {
        let (client, server) = (net.client_datagrams(), net.server_datagrams());
        server.set_read_timeout(Some(LONG)).unwrap();
        let to = server.local_addr().unwrap();
        let sent = pattern(60_000, 17);
        assert_eq!(client.send_to(&sent, to).unwrap(), 60_000);
        let mut received = vec![0; 65_536];
        assert_eq!(server.recv(&mut received).unwrap(), 60_000);
        assert_eq!(received[..60_000], sent);
        assert!(client.send_to(&vec![0; 65_508], to).is_err(), "longer than UDP can say");
    }

    fn a_datagram_to_nobody_comes_back_as_refused(net) {
        let (client, server) = (net.client_datagrams(), net.server_datagrams());
        let to = server.local_addr().unwrap();
        drop(server);
        client.set_read_timeout(Some(LONG)).unwrap();
        client.connect(to).unwrap();
        client.send(b"anyone?").unwrap();
        assert_eq!(client.recv(&mut [0; 8]).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    }
}
