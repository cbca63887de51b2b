//! Timeouts and options: what is remembered, for whom, and what is refused.

use crate::common::{Listener, Stream};
use crate::{SHORT, kind_of};
use std::io::{ErrorKind, Read, Write};
use std::thread;
use std::time::Duration;

over_both! {
    fn the_ends_have_options_of_their_own(net) {
        let (client, server) = net.pair();
        client.set_nodelay(true).unwrap();
        client.set_ttl(5).unwrap();
        assert!(!server.nodelay().unwrap());
        assert_eq!(server.ttl().unwrap(), 64);
    }

    fn clones_share_their_options(net) {
        let (client, _server) = net.pair();
        let clone = client.try_clone().unwrap();
        client.set_nodelay(true).unwrap();
        client.set_ttl(5).unwrap();
        client.set_read_timeout(Some(SHORT)).unwrap();
        client.set_write_timeout(Some(SHORT * 2)).unwrap();
        assert!(clone.nodelay().unwrap());
        assert_eq!(clone.ttl().unwrap(), 5);
        assert!(clone.read_timeout().unwrap().unwrap() >= SHORT);
        assert!(clone.write_timeout().unwrap().unwrap() >= SHORT * 2);
    }

    fn the_two_timeouts_are_two(net) {
        let (client, _server) = net.pair();
        client.set_read_timeout(Some(SHORT)).unwrap();
        assert_eq!(client.write_timeout().unwrap(), None);
        client.set_write_timeout(Some(SHORT)).unwrap();
        client.set_read_timeout(None).unwrap();
        assert_eq!(client.read_timeout().unwrap(), None);
        assert!(client.write_timeout().unwrap().is_some());
    }

    fn a_refused_timeout_changes_nothing(net) {
        let (client, _server) = net.pair();
        client.set_read_timeout(Some(SHORT)).unwrap();
        assert_eq!(kind_of(client.set_read_timeout(Some(Duration::ZERO))), ErrorKind::InvalidInput);
        assert!(client.read_timeout().unwrap().is_some());
    }

    fn the_shortest_timeout_is_still_one(net) {
        let (mut client, _server) = net.pair();
        client.set_read_timeout(Some(Duration::from_nanos(1))).unwrap();
        assert!(client.read_timeout().unwrap().unwrap() > Duration::ZERO);
        assert_eq!(kind_of(client.read(&mut [0; 8])), ErrorKind::WouldBlock);
    }

    fn the_longest_timeout_is_one_too(net) {
        let (mut client, mut server) = net.pair();
        client.set_read_timeout(Some(Duration::MAX)).unwrap();
        let blocked = thread::spawn(move || client.read(&mut [0; 8]));
        thread::sleep(SHORT);
        server.write_all(b"go").unwrap();
        assert_eq!(blocked.join().unwrap().unwrap(), 2);
    }

    fn each_end_of_the_range_of_ttls_is_taken(net) {
        let (client, _server) = net.pair();
        for ttl in [1, 255] {
            client.set_ttl(ttl).unwrap();
            assert_eq!(client.ttl().unwrap(), ttl);
        }
    }

    fn nodelay_can_be_changed_while_data_flows(net) {
        let (mut client, mut server) = net.pair();
        for number in 0..20 {
            client.set_nodelay(number % 2 == 0).unwrap();
            client.write_all(&[number]).unwrap();
        }
        let mut received = [0; 20];
        server.read_exact(&mut received).unwrap();
        assert!(received.iter().copied().eq(0..20));
    }

    fn a_listener_refuses_ttls_that_are_none(net) {
        let listener = net.listen();
        for ttl in [0, 256] {
            assert_eq!(kind_of(listener.set_ttl(ttl)), ErrorKind::InvalidInput);
        }
        assert_eq!(listener.ttl().unwrap(), 64);
    }

    fn the_ttl_of_a_listener_is_shared_by_its_clones(net) {
        let listener = net.listen();
        listener.try_clone().unwrap().set_ttl(12).unwrap();
        assert_eq!(listener.ttl().unwrap(), 12);
    }

    fn the_ttl_of_a_listener_says_nothing_of_whom_it_has_accepted(net) {
        let listener = net.listen();
        let _client = net.connect(listener.local_addr().unwrap()).unwrap();
        let (server, _) = listener.accept().unwrap();
        listener.set_ttl(12).unwrap();
        assert_eq!(server.ttl().unwrap(), 64);
    }

    fn a_timeout_does_not_matter_to_a_non_blocking_stream(net) {
        let (mut client, _server) = net.pair();
        client.set_read_timeout(Some(Duration::from_secs(600))).unwrap();
        client.set_nonblocking(true).unwrap();
        assert_eq!(kind_of(client.read(&mut [0; 8])), ErrorKind::WouldBlock);
        client.set_nonblocking(false).unwrap();
        client.set_read_timeout(Some(SHORT)).unwrap();
        assert_eq!(kind_of(client.read(&mut [0; 8])), ErrorKind::WouldBlock);
    }
}
