//! How connections end: by a FIN, by a reset, in one direction or both.

use crate::common::{Stream, digest, eventually, pattern};
use crate::{LONG, SHORT, kind_of};
use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::thread;
use std::time::{Duration, Instant};

/// Makes the peer's reset arrive; what is left is a stream that knows of it and has told nobody.
fn reset_by_peer<S: Stream>((client, server): (S, S)) -> S {
    server.linger_of(Some(Duration::ZERO)).unwrap();
    drop(server);
    eventually("the reset arrives", || client.peer_addr().is_err());
    client
}

over_both! {
    fn a_drop_is_an_end_for_the_peer(net) {
        let (client, mut server) = net.pair();
        drop(client);
        assert_eq!(server.read(&mut [0; 8]).unwrap(), 0);
        assert!(server.take_error().unwrap().is_none());
    }

    fn a_drop_after_everything_was_read_is_an_end_too(net) {
        let (mut client, mut server) = net.pair();
        server.write_all(b"read me").unwrap();
        client.read_exact(&mut [0; 7]).unwrap();
        drop(client);
        assert_eq!(server.read(&mut [0; 8]).unwrap(), 0);
    }

    fn what_was_only_peeked_at_is_unread(net) {
        let (client, mut server) = net.pair();
        server.write_all(b"look").unwrap();
        assert_eq!(client.peek(&mut [0; 4]).unwrap(), 4);
        drop(client);
        assert_eq!(kind_of(server.read(&mut [0; 8])), ErrorKind::ConnectionReset);
    }

    fn what_was_read_in_part_is_unread(net) {
        let (mut client, mut server) = net.pair();
        server.write_all(b"look").unwrap();
        eventually("all of it arrives", || client.peek(&mut [0; 8]).unwrap() == 4);
        client.read_exact(&mut [0; 3]).unwrap();
        drop(client);
        assert_eq!(kind_of(server.read(&mut [0; 8])), ErrorKind::ConnectionReset);
    }

    fn a_drop_delivers_what_was_written(net) {
        let (mut client, mut server) = net.pair();
        let sent = pattern(200_000, 6);
        let expected = digest(&sent);
        client.write_all(&sent).unwrap();
        drop(client);
        thread::sleep(SHORT);
        let mut received = Vec::new();
        server.read_to_end(&mut received).unwrap();
        assert_eq!(digest(&received), expected);
    }

    fn a_drop_does_not_wait_for_the_reader(net) {
        let (mut client, server) = net.pair();
        client.write_all(&pattern(200_000, 6)).unwrap();
        let before = Instant::now();
        drop(client);
        assert!(before.elapsed() < LONG / 4);
        drop(server);
    }

    fn both_may_leave_at_once(net) {
        for _ in 0..20 {
            let (client, server) = net.pair();
            let other = thread::spawn(move || drop(client));
            drop(server);
            other.join().unwrap();
        }
        let (mut client, mut server) = net.pair();
        client.write_all(b"fine").unwrap();
        assert_eq!(server.read(&mut [0; 8]).unwrap(), 4);
    }

    fn both_may_shut_down_at_once(net) {
        let (mut client, mut server) = net.pair();
        client.write_all(b"to server").unwrap();
        server.write_all(b"to client").unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        server.shutdown(Shutdown::Write).unwrap();
        for stream in [&mut client, &mut server] {
            let mut received = Vec::new();
            stream.read_to_end(&mut received).unwrap();
            assert_eq!(received.len(), 9);
        }
    }

    fn shutting_the_reading_twice_is_fine(net) {
        let (client, _server) = net.pair();
        client.shutdown(Shutdown::Read).unwrap();
        client.shutdown(Shutdown::Read).unwrap();
    }

    fn shutting_one_after_the_other_is_both(net) {
        let (mut client, mut server) = net.pair();
        client.shutdown(Shutdown::Read).unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        assert_eq!(client.read(&mut [0; 8]).unwrap(), 0);
        assert_eq!(kind_of(client.write(b"x")), ErrorKind::BrokenPipe);
        assert_eq!(server.read(&mut [0; 8]).unwrap(), 0);
    }

    fn the_peer_does_not_notice_that_our_reading_is_shut(net) {
        let (client, mut server) = net.pair();
        client.shutdown(Shutdown::Read).unwrap();
        server.set_read_timeout(Some(SHORT)).unwrap();
        assert_eq!(kind_of(server.read(&mut [0; 8])), ErrorKind::WouldBlock);
        server.write_all(b"x").unwrap();
    }

    fn shutdown_does_not_wait_for_the_peer(net) {
        let (mut client, server) = net.pair();
        client.write_all(&pattern(200_000, 6)).unwrap();
        let before = Instant::now();
        client.shutdown(Shutdown::Write).unwrap();
        assert!(before.elapsed() < LONG / 4);
        drop(server);
    }

    fn data_is_read_after_the_peer_has_gone(net) {
        let (mut client, mut server) = net.pair();
        server.write_all(b"testament").unwrap();
        drop(server);
        thread::sleep(SHORT);
        let mut received = Vec::new();
        client.read_to_end(&mut received).unwrap();
        assert_eq!(received, b"testament");
    }

    fn every_clone_sees_the_end(net) {
        let (client, server) = net.pair();
        let clones = [client.try_clone().unwrap(), client.try_clone().unwrap(), client];
        drop(server);
        for mut clone in clones {
            assert_eq!(clone.read(&mut [0; 8]).unwrap(), 0);
        }
    }

    fn several_blocked_readers_are_all_woken_by_the_end(net) {
        let (client, server) = net.pair();
        let blocked = [client.try_clone().unwrap(), client.try_clone().unwrap(), client]
            .map(|mut clone| thread::spawn(move || clone.read(&mut [0; 8])));
        thread::sleep(SHORT);
        drop(server);
        for thread in blocked {
            assert_eq!(thread.join().unwrap().unwrap(), 0);
        }
    }

    fn shutdown_works_through_any_clone(net) {
        let (client, mut server) = net.pair();
        let mut clone = client.try_clone().unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        assert_eq!(kind_of(clone.write(b"x")), ErrorKind::BrokenPipe);
        assert_eq!(server.read(&mut [0; 8]).unwrap(), 0);
    }

    fn a_shut_direction_is_shut_though_a_clone_lives(net) {
        let (client, mut server) = net.pair();
        let clone = client.try_clone().unwrap();
        client.shutdown(Shutdown::Both).unwrap();
        drop(client);
        assert_eq!(server.read(&mut [0; 8]).unwrap(), 0);
        assert_eq!(clone.read_by_ref(&mut [0; 8]).unwrap(), 0);
    }

    fn a_reset_is_told_to_a_reader_once(net) {
        let mut client = reset_by_peer(net.pair());
        assert_eq!(kind_of(client.read(&mut [0; 8])), ErrorKind::ConnectionReset);
        assert_eq!(client.read(&mut [0; 8]).unwrap(), 0);
        assert!(client.take_error().unwrap().is_none());
    }

    fn a_reset_is_told_to_a_writer_once(net) {
        let mut client = reset_by_peer(net.pair());
        assert_eq!(kind_of(client.write(b"x")), ErrorKind::ConnectionReset);
        assert_eq!(kind_of(client.write(b"x")), ErrorKind::BrokenPipe);
        assert_eq!(client.read(&mut [0; 8]).unwrap(), 0);
    }

    fn a_reset_is_told_to_whoever_peeks_once(net) {
        let client = reset_by_peer(net.pair());
        assert_eq!(kind_of(client.peek(&mut [0; 8])), ErrorKind::ConnectionReset);
        assert_eq!(client.peek(&mut [0; 8]).unwrap(), 0);
    }

    fn a_reset_is_told_without_waiting_too(net) {
        let mut client = reset_by_peer(net.pair());
        client.set_nonblocking(true).unwrap();
        assert_eq!(kind_of(client.read(&mut [0; 8])), ErrorKind::ConnectionReset);
        assert_eq!(client.read(&mut [0; 8]).unwrap(), 0);
    }

    fn a_reset_is_told_once_for_all_clones(net) {
        let mut client = reset_by_peer(net.pair());
        let mut clone = client.try_clone().unwrap();
        assert_eq!(kind_of(client.read(&mut [0; 8])), ErrorKind::ConnectionReset);
        assert_eq!(clone.read(&mut [0; 8]).unwrap(), 0);
    }

    fn options_can_be_asked_after_a_reset(net) {
        let client = reset_by_peer(net.pair());
        assert!(!client.nodelay().unwrap());
        client.set_nodelay(true).unwrap();
        assert!(client.nodelay().unwrap());
        assert_eq!(client.ttl().unwrap(), 64);
        client.set_ttl(7).unwrap();
        assert_eq!(client.ttl().unwrap(), 7);
        assert_eq!(client.read_timeout().unwrap(), None);
        assert!(client.local_addr().is_ok());
        assert_eq!(client.take_error().unwrap().unwrap().kind(), ErrorKind::ConnectionReset);
    }

    fn a_clone_of_a_dead_connection_can_be_made(net) {
        let client = reset_by_peer(net.pair());
        let clone = client.try_clone().unwrap();
        assert_eq!(clone.local_addr().unwrap(), client.local_addr().unwrap());
    }

    fn linger_of_zero_resets_though_something_was_written(net) {
        let (mut client, mut server) = net.pair();
        server.write_all(b"gone?").unwrap();
        eventually("the data arrives", || client.peek(&mut [0; 8]).unwrap() == 5);
        server.linger_of(Some(Duration::ZERO)).unwrap();
        drop(server);
        eventually("the reset arrives", || client.peer_addr().is_err());
        // Which of the two comes first is the platform's; that there is a reset is not.
        let outcomes = [client.read(&mut [0; 8]), client.read(&mut [0; 8])];
        assert!(
            outcomes.iter().flat_map(|outcome| outcome.as_ref().err()).any(|error| {
                error.kind() == ErrorKind::ConnectionReset
            }),
            "{outcomes:?}"
        );
    }

    fn linger_can_be_taken_back(net) {
        let (mut client, server) = net.pair();
        server.linger_of(Some(Duration::ZERO)).unwrap();
        server.linger_of(None).unwrap();
        drop(server);
        assert_eq!(client.read(&mut [0; 8]).unwrap(), 0);
    }

    fn linger_counts_for_the_last_clone_only(net) {
        let (mut client, server) = net.pair();
        server.linger_of(Some(Duration::ZERO)).unwrap();
        let clone = server.try_clone().unwrap();
        drop(server);
        client.set_read_timeout(Some(SHORT)).unwrap();
        assert_eq!(kind_of(client.read(&mut [0; 8])), ErrorKind::WouldBlock);
        drop(clone);
        client.set_read_timeout(None).unwrap();
        assert_eq!(kind_of(client.read(&mut [0; 8])), ErrorKind::ConnectionReset);
    }

    fn writing_to_a_peer_that_left_cleanly_is_taken_at_first(net) {
        let (mut client, server) = net.pair();
        drop(server);
        assert_eq!(client.read(&mut [0; 8]).unwrap(), 0);
        assert_eq!(client.write(b"are you there?").unwrap(), 14);
        eventually("its reset arrives", || client.peer_addr().is_err());
        assert_eq!(kind_of(client.write(b"hello?")), ErrorKind::BrokenPipe);
    }

    fn shutdown_after_the_peer_finished_is_fine(net) {
        let (mut client, server) = net.pair();
        server.shutdown(Shutdown::Write).unwrap();
        assert_eq!(client.read(&mut [0; 8]).unwrap(), 0);
        client.shutdown(Shutdown::Write).unwrap();
    }

    fn peer_addr_is_known_while_one_direction_is_open(net) {
        let (mut client, server) = net.pair();
        let peer = client.peer_addr().unwrap();
        server.shutdown(Shutdown::Write).unwrap();
        assert_eq!(client.read(&mut [0; 8]).unwrap(), 0);
        assert_eq!(client.peer_addr().unwrap(), peer);
        assert_eq!(server.peer_addr().unwrap(), client.local_addr().unwrap());
    }
}
