//! What sockets promise, judged over the kernel's loopback and over two of our stacks by the same words.

#![allow(clippy::unwrap_used)]

#[path = "../common/mod.rs"]
#[macro_use]
mod common;
mod connecting;
mod datagrams;
mod differences;
mod ending;
mod families;
mod options;
mod reading;
mod threads;
mod writing;

use common::{Datagrams, Listener, Stream, digest, eventually, pattern};
use std::io::{ErrorKind, IoSlice, IoSliceMut, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr};
use std::thread;
use std::time::{Duration, Instant};

const SHORT: Duration = Duration::from_millis(40);
/// Far beyond what anything here takes: a test that hits it has hung.
const LONG: Duration = Duration::from_secs(20);

/// Judged over both, all files together.
#[test]
fn at_least_a_hundred_and_fifty_behaviours_are_judged() {
    let themes = [
        ("this file", BEHAVIOURS),
        ("connecting", connecting::BEHAVIOURS),
        ("reading", reading::BEHAVIOURS),
        ("writing", writing::BEHAVIOURS),
        ("ending", ending::BEHAVIOURS),
        ("options", options::BEHAVIOURS),
        ("datagrams", datagrams::BEHAVIOURS),
        ("families", families::BEHAVIOURS),
        ("threads", threads::BEHAVIOURS),
    ];
    for (theme, behaviours) in themes {
        println!("{theme}: {}", behaviours.len());
    }
    let mut names: Vec<_> = themes.iter().flat_map(|(_, behaviours)| *behaviours).collect();
    println!("{} behaviours of std::net are judged over the kernel and over ours", names.len());
    assert!(names.len() >= 150, "{}", names.len());
    names.sort_unstable();
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "two behaviours have one name");
}

over_both! {
    fn echo(net) {
        let listener = net.listen();
        let to = listener.local_addr().unwrap();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut buf = [0; 64];
            loop {
                let n = stream.read(&mut buf).unwrap();
                if n == 0 {
                    return;
                }
                stream.write_all(&buf[..n]).unwrap();
            }
        });
        let mut client = net.connect(to).unwrap();
        for word in ["hello", "and", "goodbye"] {
            client.write_all(word.as_bytes()).unwrap();
            let mut back = vec![0; word.len()];
            client.read_exact(&mut back).unwrap();
            assert_eq!(back, word.as_bytes());
        }
        drop(client);
        server.join().unwrap();
    }

    fn three_mebibytes_each_way_at_once(net) {
        let (client, server) = net.pair();
        let ends = [(client, 7), (server, 11)].map(|(mut stream, seed)| {
            let mut writer = stream.try_clone().unwrap();
            let sent = pattern(3 << 20, seed);
            let sent_digest = digest(&sent);
            let write = thread::spawn(move || {
                writer.write_all(&sent).unwrap();
                writer.shutdown(Shutdown::Write).unwrap();
            });
            let read = thread::spawn(move || {
                let mut received = Vec::new();
                stream.read_to_end(&mut received).unwrap();
                (received.len(), digest(&received))
            });
            (write, read, sent_digest)
        });
        let [(write_a, read_a, sent_a), (write_b, read_b, sent_b)] = ends;
        write_a.join().unwrap();
        write_b.join().unwrap();
        assert_eq!(read_a.join().unwrap(), (3 << 20, sent_b));
        assert_eq!(read_b.join().unwrap(), (3 << 20, sent_a));
    }

    fn a_blocking_write_takes_everything(net) {
        let (mut client, mut server) = net.pair();
        let sent = pattern(4 << 20, 3);
        let expected = digest(&sent);
        let reader = thread::spawn(move || {
            thread::sleep(SHORT);
            let mut received = Vec::new();
            server.read_to_end(&mut received).unwrap();
            digest(&received)
        });
        assert_eq!(client.write(&sent).unwrap(), sent.len(), "one call, all of it");
        drop(client);
        assert_eq!(reader.join().unwrap(), expected);
    }

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

    fn reading_and_writing_nothing(net) {
        let (mut client, mut server) = net.pair();
        assert_eq!(client.write(&[]).unwrap(), 0);
        server.write_all(b"x").unwrap();
        let mut one = [0];
        client.peek(&mut one).unwrap();
        assert_eq!(client.read(&mut []).unwrap(), 0);
        client.read_exact(&mut one).unwrap();
        assert_eq!(&one, b"x");
    }

    fn an_early_end_is_unexpected_for_read_exact(net) {
        let (mut client, mut server) = net.pair();
        server.write_all(b"abc").unwrap();
        drop(server);
        let error = client.read_exact(&mut [0; 4]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
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

    fn connect_timeout_in_time(net) {
        let listener = net.listen();
        let client = net.connect_timeout(listener.local_addr().unwrap(), LONG).unwrap();
        let (_, from) = listener.accept().unwrap();
        assert_eq!(from, client.local_addr().unwrap());
    }

    fn non_blocking_calls_do_not_wait(net) {
        let (mut client, mut server) = net.pair();
        client.set_nonblocking(true).unwrap();
        assert_eq!(client.read(&mut [0; 8]).unwrap_err().kind(), ErrorKind::WouldBlock);
        assert_eq!(client.peek(&mut [0; 8]).unwrap_err().kind(), ErrorKind::WouldBlock);
        let piece = pattern(64 << 10, 5);
        let mut sent_bytes = 0;
        let error = loop {
            match client.write(&piece) {
                Ok(n) => sent_bytes += n,
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
        assert!(sent_bytes > 0);
        // Reading on the other side makes room again.
        let mut received_bytes = 0;
        let mut buf = vec![0; 64 << 10];
        while received_bytes < sent_bytes {
            received_bytes += server.read(&mut buf).unwrap();
        }
        eventually("there is room again", || client.write_by_ref(&[1]).is_ok());
        // The option belongs to the socket, not to the handle.
        let clone = client.try_clone().unwrap();
        assert_eq!(clone.read_by_ref(&mut [0; 8]).unwrap_err().kind(), ErrorKind::WouldBlock);
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

    fn peek_leaves_the_data_there(net) {
        let (mut client, mut server) = net.pair();
        server.write_all(b"abcdef").unwrap();
        eventually("the data arrives", || client.peek(&mut [0; 8]).unwrap() == 6);
        let mut buf = [0; 3];
        assert_eq!(client.peek(&mut buf).unwrap(), 3);
        assert_eq!(&buf, b"abc");
        assert_eq!(client.read(&mut buf).unwrap(), 3);
        assert_eq!(&buf, b"abc");
        assert_eq!(client.peek(&mut buf).unwrap(), 3);
        assert_eq!(&buf, b"def");
    }

    fn a_blocked_peek_is_woken(net) {
        let (client, mut server) = net.pair();
        let blocked = thread::spawn(move || client.peek(&mut [0; 8]));
        thread::sleep(SHORT);
        server.write_all(b"go").unwrap();
        assert_eq!(blocked.join().unwrap().unwrap(), 2);
    }

    fn vectored(net) {
        let (mut client, mut server) = net.pair();
        let sent = client
            .write_pieces(&[IoSlice::new(b"one "), IoSlice::new(b""), IoSlice::new(b"two "), IoSlice::new(b"three")])
            .unwrap();
        assert_eq!(sent, 13);
        eventually("the data arrives", || server.peek(&mut [0; 16]).unwrap() == 13);
        let (mut first, mut second, mut third) = ([0; 4], [0; 6], [0; 20]);
        let n = server
            .read_pieces(&mut [
                IoSliceMut::new(&mut first),
                IoSliceMut::new(&mut second),
                IoSliceMut::new(&mut third),
            ])
            .unwrap();
        assert_eq!(n, 13);
        assert_eq!((&first, &second, &third[..3]), (b"one ", b"two th", &b"ree"[..]));
        client.flush().unwrap();
    }

    fn refused(net) {
        let listener = net.listen();
        let to = listener.local_addr().unwrap();
        drop(listener);
        assert_eq!(net.connect(to).unwrap_err().kind(), ErrorKind::ConnectionRefused);
        assert_eq!(net.connect_timeout(to, LONG).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    }

    fn closing_with_data_unread_resets_the_peer(net) {
        let (mut client, server) = net.pair();
        client.write_all(b"never read").unwrap();
        eventually("the data arrives", || server.peek(&mut [0; 16]).unwrap() == 10);
        drop(server);
        assert_eq!(client.read(&mut [0; 8]).unwrap_err().kind(), ErrorKind::ConnectionReset);
        // The failure is told once; from then on the connection is simply over.
        assert_eq!(client.read(&mut [0; 8]).unwrap(), 0);
        assert_eq!(client.write(b"x").unwrap_err().kind(), ErrorKind::BrokenPipe);
        assert_eq!(client.peer_addr().unwrap_err().kind(), ErrorKind::NotConnected);
        assert_eq!(client.shutdown(Shutdown::Both).unwrap_err().kind(), ErrorKind::NotConnected);
    }

    fn a_reset_wakes_a_blocked_reader(net) {
        let (client, mut server) = net.pair();
        let mut writer = client.try_clone().unwrap();
        let mut reader = client;
        let blocked = thread::spawn(move || reader.read(&mut [0; 8]));
        thread::sleep(SHORT);
        writer.write_all(b"unread").unwrap();
        eventually("the data arrives", || server.peek(&mut [0; 16]).unwrap() == 6);
        server.linger_of(Some(Duration::ZERO)).unwrap();
        let _ = server.flush();
        drop(server);
        assert_eq!(blocked.join().unwrap().unwrap_err().kind(), ErrorKind::ConnectionReset);
    }

    fn what_arrived_before_a_reset(net) {
        let (mut client, mut server) = net.pair();
        server.write_all(b"last words").unwrap();
        eventually("the data arrives", || client.peek(&mut [0; 16]).unwrap() == 10);
        server.linger_of(Some(Duration::ZERO)).unwrap();
        drop(server);
        eventually("the reset arrives", || client.peer_addr().is_err());
        let first = client.read(&mut [0; 16]).map_err(|error| error.kind());
        let second = client.read(&mut [0; 16]).map_err(|error| error.kind());
        let third = client.read(&mut [0; 16]).map_err(|error| error.kind());
        println!("{first:?} {second:?} {third:?}");
        assert_eq!((first, second, third), (Ok(10), Err(ErrorKind::ConnectionReset), Ok(0)));
    }

    fn a_reset_after_the_end_is_a_broken_pipe(net) {
        let (mut client, server) = net.pair();
        server.shutdown(Shutdown::Write).unwrap();
        assert_eq!(client.read(&mut [0; 8]).unwrap(), 0);
        server.linger_of(Some(Duration::ZERO)).unwrap();
        drop(server);
        eventually("the reset arrives", || client.peer_addr().is_err());
        assert_eq!(client.read(&mut [0; 8]).unwrap(), 0);
        assert_eq!(client.take_error().unwrap().unwrap().kind(), ErrorKind::BrokenPipe);
        assert_eq!(client.write(b"x").unwrap_err().kind(), ErrorKind::BrokenPipe);
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

    fn take_error_takes_it(net) {
        let (client, server) = net.pair();
        assert!(client.take_error().unwrap().is_none());
        server.linger_of(Some(Duration::ZERO)).unwrap();
        drop(server);
        let mut taken = None;
        eventually("the reset arrives", || {
            taken = client.take_error().unwrap();
            taken.is_some()
        });
        assert_eq!(taken.unwrap().kind(), ErrorKind::ConnectionReset);
        assert!(client.take_error().unwrap().is_none());
        assert_eq!(client.read_by_ref(&mut [0; 8]).unwrap(), 0);
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

    fn writing_to_a_peer_that_is_gone_ends_in_a_broken_pipe(net) {
        let (mut client, server) = net.pair();
        drop(server);
        let mut kinds = Vec::new();
        eventually("the peer's reset arrives", || {
            if let Err(error) = client.write(b"anyone?") {
                kinds.push(error.kind());
            }
            !kinds.is_empty()
        });
        assert!(
            matches!(kinds[0], ErrorKind::BrokenPipe | ErrorKind::ConnectionReset),
            "{kinds:?}"
        );
        assert_eq!(client.write(b"anyone?").unwrap_err().kind(), ErrorKind::BrokenPipe);
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

    fn clones_share_and_the_last_one_closes(net) {
        let (client, mut server) = net.pair();
        let mut clone = client.try_clone().unwrap();
        server.write_all(b"abcd").unwrap();
        let mut buf = [0; 2];
        client.peek(&mut buf).unwrap();
        eventually("all data arrives", || client.peek(&mut [0; 8]).unwrap() == 4);
        let mut first = client;
        first.read_exact(&mut buf).unwrap();
        assert_eq!(&buf, b"ab");
        drop(first);
        clone.read_exact(&mut buf).unwrap();
        assert_eq!(&buf, b"cd");
        clone.write_all(b"still open").unwrap();
        drop(clone);
        let mut received = Vec::new();
        server.read_to_end(&mut received).unwrap();
        assert_eq!(received, b"still open");
    }

    fn read_and_write_by_reference(net) {
        let (client, server) = net.pair();
        assert_eq!(client.write_by_ref(b"ref").unwrap(), 3);
        let mut buf = [0; 8];
        assert_eq!(server.read_by_ref(&mut buf).unwrap(), 3);
    }

    fn two_threads_read_one_socket(net) {
        let (client, mut server) = net.pair();
        let readers = [client.try_clone().unwrap(), client].map(|mut stream| {
            thread::spawn(move || {
                let mut count = 0;
                let mut buf = [0; 512];
                loop {
                    match stream.read(&mut buf).unwrap() {
                        0 => return count,
                        n => count += n,
                    }
                }
            })
        });
        for _ in 0..64 {
            server.write_all(&[5; 4096]).unwrap();
        }
        drop(server);
        let total: usize = readers.into_iter().map(|reader| reader.join().unwrap()).sum();
        assert_eq!(total, 64 * 4096);
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

    fn many_threads(net) {
        let listener = net.listen();
        let to = listener.local_addr().unwrap();
        const CLIENTS: usize = 48;
        thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..CLIENTS {
                    let (mut stream, _) = listener.accept().unwrap();
                    scope.spawn(move || {
                        let mut request = Vec::new();
                        stream.read_to_end(&mut request).unwrap();
                        request.reverse();
                        stream.write_all(&request).unwrap();
                    });
                }
            });
            for number in 0..CLIENTS {
                scope.spawn(move || {
                    let mut stream = net.connect(to).unwrap();
                    let mut sent = pattern(20_000 + number * 1_000, number as u64);
                    stream.write_all(&sent).unwrap();
                    stream.shutdown(Shutdown::Write).unwrap();
                    let mut received = Vec::new();
                    stream.read_to_end(&mut received).unwrap();
                    sent.reverse();
                    assert!(received == sent, "client {number}");
                });
            }
        });
    }

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

/// The kind of the error that something must have ended in.
#[track_caller]
fn kind_of<T>(outcome: std::io::Result<T>) -> ErrorKind {
    outcome.err().expect("an error").kind()
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
