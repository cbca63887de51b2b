//! What is written on one end is read on the other.

use crate::SHORT;
use crate::common::{Listener, Stream, digest, eventually, pattern};
use std::io::{ErrorKind, IoSlice, IoSliceMut, Read, Write};
use std::net::Shutdown;
use std::thread;

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
}
