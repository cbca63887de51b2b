//! Directions that are shut, ends, and closes that wait.

use crate::common::{Stream, digest, eventually, pattern};
use crate::{LONG, SHORT};
use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::thread;
use std::time::{Duration, Instant};

over_both! {
    fn half_close_by_the_client(net) {
        let (client, server) = net.pair();
        half_close(client, server);
    }

    fn half_close_by_the_server(net) {
        let (client, server) = net.pair();
        half_close(server, client);
    }

    fn the_end_stays_the_end(net) {
        let (mut client, mut server) = net.pair();
        server.write_all(b"last words").unwrap();
        drop(server);
        let mut received = Vec::new();
        client.read_to_end(&mut received).unwrap();
        assert_eq!(received, b"last words");
        assert_eq!(client.read(&mut [0; 8]).unwrap(), 0);
        assert_eq!(client.peek(&mut [0; 8]).unwrap(), 0);
        assert!(client.take_error().unwrap().is_none());
    }

    fn writing_after_shutdown_is_a_broken_pipe(net) {
        let (mut client, _server) = net.pair();
        client.shutdown(Shutdown::Write).unwrap();
        assert_eq!(client.write(b"late").unwrap_err().kind(), ErrorKind::BrokenPipe);
        client.shutdown(Shutdown::Write).unwrap();
    }

    fn shutdown_read_ends_the_reading_but_not_what_has_arrived(net) {
        let (mut client, mut server) = net.pair();
        server.write_all(b"before").unwrap();
        eventually("the data arrives", || client.peek(&mut [0; 8]).unwrap() == 6);
        client.shutdown(Shutdown::Read).unwrap();
        let mut buf = [0; 16];
        assert_eq!(client.read(&mut buf).unwrap(), 6);
        assert_eq!(client.read(&mut buf).unwrap(), 0);
        // The other direction is as it was.
        client.write_all(b"still here").unwrap();
        assert_eq!(server.read(&mut buf).unwrap(), 10);
    }

    fn shutdown_read_wakes_a_blocked_reader(net) {
        let (client, _server) = net.pair();
        let mut reader = client.try_clone().unwrap();
        let blocked = thread::spawn(move || reader.read(&mut [0; 8]));
        thread::sleep(SHORT);
        client.shutdown(Shutdown::Read).unwrap();
        assert_eq!(blocked.join().unwrap().unwrap(), 0);
    }

    fn shutdown_both_ends_both(net) {
        let (mut client, mut server) = net.pair();
        client.write_all(b"bye").unwrap();
        client.shutdown(Shutdown::Both).unwrap();
        assert_eq!(client.read(&mut [0; 8]).unwrap(), 0);
        assert_eq!(client.write(b"x").unwrap_err().kind(), ErrorKind::BrokenPipe);
        let mut received = Vec::new();
        server.read_to_end(&mut received).unwrap();
        assert_eq!(received, b"bye");
    }

    fn shutdown_of_a_finished_connection_is_not_connected(net) {
        let (mut client, mut server) = net.pair();
        client.shutdown(Shutdown::Write).unwrap();
        assert_eq!(server.read(&mut [0; 8]).unwrap(), 0);
        server.shutdown(Shutdown::Write).unwrap();
        assert_eq!(client.read(&mut [0; 8]).unwrap(), 0);
        for stream in [&client, &server] {
            eventually("both directions are over", || {
                stream.shutdown(Shutdown::Write).is_err_and(|error| error.kind() == ErrorKind::NotConnected)
            });
            assert_eq!(stream.peer_addr().unwrap_err().kind(), ErrorKind::NotConnected);
            assert!(stream.local_addr().is_ok());
        }
    }

    fn what_arrives_after_shutdown_read_can_be_read(net) {
        let (mut client, mut server) = net.pair();
        client.shutdown(Shutdown::Read).unwrap();
        assert_eq!(client.read(&mut [0; 8]).unwrap(), 0);
        server.write_all(b"late").unwrap();
        let mut got = 0;
        eventually("it arrives all the same", || {
            got = client.read_by_ref(&mut [0; 8]).unwrap();
            got > 0
        });
        assert_eq!(got, 4);
    }

    fn linger_of_zero_resets(net) {
        let (mut client, server) = net.pair();
        server.linger_of(Some(Duration::ZERO)).unwrap();
        drop(server);
        assert_eq!(client.read(&mut [0; 8]).unwrap_err().kind(), ErrorKind::ConnectionReset);
    }

    fn linger_waits_for_the_peer_to_have_it_all(net) {
        let (mut client, mut server) = net.pair();
        server.linger_of(Some(LONG)).unwrap();
        let sent = pattern(1 << 20, 9);
        let expected = digest(&sent);
        let closer = thread::spawn(move || {
            server.write_all(&sent).unwrap();
            drop(server);
        });
        let mut received = Vec::new();
        client.read_to_end(&mut received).unwrap();
        assert_eq!(digest(&received), expected);
        drop(client);
        closer.join().unwrap();
    }

    fn a_lingering_close_gives_up_in_time(net) {
        let (client, mut server) = net.pair();
        server.set_write_timeout(Some(SHORT)).unwrap();
        while server.write(&[7; 65536]).is_ok() {}
        server.linger_of(Some(Duration::from_secs(1))).unwrap();
        let before = Instant::now();
        drop(server);
        let took = before.elapsed();
        assert!(took >= Duration::from_millis(900) && took < Duration::from_secs(5), "{took:?}");
        drop(client);
    }
}

/// `first` closes its direction, hears everything the other still has to say, and is then done.
fn half_close<S: Stream>(mut first: S, mut second: S) {
    let early = pattern(100_000, 21);
    let late = pattern(700_000, 22);
    let (early_digest, late_digest) = (digest(&early), digest(&late));
    let other = thread::spawn(move || {
        let mut received = Vec::new();
        second.read_to_end(&mut received).unwrap();
        assert_eq!(digest(&received), early_digest);
        for piece in late.chunks(10_000) {
            second.write_all(piece).unwrap();
        }
        assert_eq!(second.read(&mut [0; 8]).unwrap(), 0, "closed stays closed");
    });
    first.write_all(&early).unwrap();
    first.shutdown(Shutdown::Write).unwrap();
    let mut received = Vec::new();
    first.read_to_end(&mut received).unwrap();
    assert_eq!(digest(&received), late_digest);
    other.join().unwrap();
}
