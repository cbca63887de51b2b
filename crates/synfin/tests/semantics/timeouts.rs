//! Calls that wait no longer than they were told, and options.

use crate::SHORT;
use crate::common::{Datagrams, Stream, pattern};
use std::io::{ErrorKind, Read, Write};
use std::time::{Duration, Instant};

over_both! {
    fn a_read_timeout_is_would_block(net) {
        let (mut client, mut server) = net.pair();
        assert_eq!(client.read_timeout().unwrap(), None);
        client.set_read_timeout(Some(SHORT)).unwrap();
        let told = client.read_timeout().unwrap().unwrap();
        assert!(told >= SHORT && told < SHORT * 2, "{told:?}");
        let before = Instant::now();
        let error = client.read(&mut [0; 8]).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error:?}");
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
        assert!(before.elapsed() >= SHORT);
        assert_eq!(client.peek(&mut [0; 8]).unwrap_err().kind(), ErrorKind::WouldBlock);
        // Nothing is broken by it.
        server.write_all(b"late").unwrap();
        client.set_read_timeout(None).unwrap();
        assert_eq!(client.read(&mut [0; 8]).unwrap(), 4);
    }

    fn a_write_timeout_is_would_block(net) {
        let (mut client, server) = net.pair();
        assert_eq!(client.write_timeout().unwrap(), None);
        client.set_write_timeout(Some(SHORT)).unwrap();
        let piece = pattern(1 << 20, 1);
        let error = loop {
            match client.write(&piece) {
                Ok(n) => assert!(n > 0),
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
        drop(server);
    }

    fn a_timeout_of_nothing_is_refused(net) {
        let (client, _server) = net.pair();
        for error in [
            client.set_read_timeout(Some(Duration::ZERO)).unwrap_err(),
            client.set_write_timeout(Some(Duration::ZERO)).unwrap_err(),
            net.connect_timeout(client.peer_addr().unwrap(), Duration::ZERO).unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        }
    }

    fn options_are_remembered(net) {
        let (client, _server) = net.pair();
        assert!(!client.nodelay().unwrap());
        client.set_nodelay(true).unwrap();
        assert!(client.nodelay().unwrap());
        client.set_nodelay(false).unwrap();
        assert!(!client.nodelay().unwrap());
        assert_eq!(client.ttl().unwrap(), 64);
        client.set_ttl(9).unwrap();
        assert_eq!(client.ttl().unwrap(), 9);
        assert_eq!(client.set_ttl(0).unwrap_err().kind(), ErrorKind::InvalidInput);
        assert_eq!(client.set_ttl(256).unwrap_err().kind(), ErrorKind::InvalidInput);
        assert_eq!(client.ttl().unwrap(), 9);
    }

    fn datagram_timeouts_and_options(net) {
        let client = net.client_datagrams();
        client.set_read_timeout(Some(SHORT)).unwrap();
        let before = Instant::now();
        assert_eq!(client.recv_from(&mut [0; 8]).unwrap_err().kind(), ErrorKind::WouldBlock);
        assert!(before.elapsed() >= SHORT);
        assert_eq!(client.set_read_timeout(Some(Duration::ZERO)).unwrap_err().kind(), ErrorKind::InvalidInput);
        assert_eq!(client.ttl().unwrap(), 64);
        client.set_ttl(3).unwrap();
        assert_eq!(client.try_clone().unwrap().ttl().unwrap(), 3);
    }
}
