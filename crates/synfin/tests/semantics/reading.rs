//! What a reader gets, and when.

use crate::common::{Stream, digest, eventually, pattern};
use crate::{LONG, SHORT, kind_of};
use std::io::{self, BufRead, BufReader, ErrorKind, IoSliceMut, Read, Write};
use std::net::Shutdown;
use std::thread;
use std::time::Instant;

over_both! {
    fn a_read_gives_what_is_there_not_what_was_asked_for(net) {
        let (mut client, mut server) = net.pair();
        server.write_all(b"abc").unwrap();
        assert_eq!(client.read(&mut [0; 1_000]).unwrap(), 3);
    }

    fn what_does_not_fit_is_left_for_the_next_read(net) {
        let (mut client, mut server) = net.pair();
        server.write_all(b"abcdefgh").unwrap();
        eventually("the data arrives", || client.peek(&mut [0; 16]).unwrap() == 8);
        let mut buf = [0; 3];
        for (n, expected) in [(3, b"abc"), (3, b"def"), (2, b"ghf")] {
            assert_eq!(client.read(&mut buf).unwrap(), n);
            assert_eq!(&buf, expected);
        }
    }

    fn writes_run_together(net) {
        let (mut client, mut server) = net.pair();
        for piece in ["one", "two", "three"] {
            server.write_all(piece.as_bytes()).unwrap();
        }
        eventually("the data arrives", || client.peek(&mut [0; 16]).unwrap() == 11);
        let mut buf = [0; 16];
        assert_eq!(client.read(&mut buf).unwrap(), 11);
        assert_eq!(&buf[..11], b"onetwothree");
    }

    fn read_exact_waits_for_the_last_byte(net) {
        let (mut client, mut server) = net.pair();
        let reader = thread::spawn(move || {
            let mut buf = [0; 6];
            client.read_exact(&mut buf).unwrap();
            buf
        });
        for piece in ["ab", "cd", "ef"] {
            server.write_all(piece.as_bytes()).unwrap();
            thread::sleep(SHORT / 8);
        }
        assert_eq!(&reader.join().unwrap(), b"abcdef");
    }

    fn a_blocked_read_is_woken_by_data(net) {
        let (mut client, mut server) = net.pair();
        let blocked = thread::spawn(move || client.read(&mut [0; 8]));
        thread::sleep(SHORT);
        server.write_all(b"go").unwrap();
        assert_eq!(blocked.join().unwrap().unwrap(), 2);
    }

    fn a_blocked_read_is_woken_by_the_end(net) {
        let (mut client, server) = net.pair();
        let blocked = thread::spawn(move || client.read(&mut [0; 8]));
        thread::sleep(SHORT);
        server.shutdown(Shutdown::Write).unwrap();
        assert_eq!(blocked.join().unwrap().unwrap(), 0);
    }

    fn the_end_comes_behind_the_last_byte(net) {
        let (mut client, mut server) = net.pair();
        server.write_all(&[1; 100_000]).unwrap();
        server.shutdown(Shutdown::Write).unwrap();
        thread::sleep(SHORT);
        let mut total = 0;
        loop {
            match client.read(&mut [0; 777]).unwrap() {
                0 => break,
                n => total += n,
            }
        }
        assert_eq!(total, 100_000);
    }

    fn text_can_be_read_to_its_end(net) {
        let (mut client, mut server) = net.pair();
        server.write_all("zwölf Boxkämpfer".as_bytes()).unwrap();
        drop(server);
        let mut text = String::new();
        client.read_to_string(&mut text).unwrap();
        assert_eq!(text, "zwölf Boxkämpfer");
    }

    fn lines_come_one_by_one(net) {
        let (client, mut server) = net.pair();
        server.write_all(b"first\nsecond\r\nthird").unwrap();
        drop(server);
        let lines: Vec<_> = BufReader::new(client).lines().map(Result::unwrap).collect();
        assert_eq!(lines, ["first", "second", "third"]);
    }

    fn bytes_come_one_by_one(net) {
        let (client, mut server) = net.pair();
        server.write_all(b"abc").unwrap();
        drop(server);
        assert_eq!(BufReader::new(client).bytes().map(Result::unwrap).collect::<Vec<_>>(), b"abc");
    }

    fn a_part_can_be_taken_and_the_rest_read_later(net) {
        let (mut client, mut server) = net.pair();
        server.write_all(b"headbody").unwrap();
        drop(server);
        let (mut head, mut body) = (Vec::new(), Vec::new());
        (&mut client).take(4).read_to_end(&mut head).unwrap();
        client.read_to_end(&mut body).unwrap();
        assert_eq!((&head[..], &body[..]), (&b"head"[..], &b"body"[..]));
    }

    fn a_copy_ends_at_the_end(net) {
        let (mut client, mut server) = net.pair();
        let sent = pattern(300_000, 5);
        let expected = digest(&sent);
        let writer = thread::spawn(move || {
            server.write_all(&sent).unwrap();
        });
        let mut received = Vec::new();
        assert_eq!(io::copy(&mut client, &mut received).unwrap(), 300_000);
        assert_eq!(digest(&received), expected);
        writer.join().unwrap();
    }

    fn one_byte_at_a_time(net) {
        let (mut client, mut server) = net.pair();
        let sent = pattern(500, 3);
        server.write_all(&sent).unwrap();
        for expected in sent {
            let mut buf = [0];
            client.read_exact(&mut buf).unwrap();
            assert_eq!(buf, [expected]);
        }
    }

    fn a_vectored_read_fills_one_buffer_after_the_other(net) {
        let (mut client, mut server) = net.pair();
        server.write_all(b"abcde").unwrap();
        eventually("the data arrives", || client.peek(&mut [0; 16]).unwrap() == 5);
        let (mut first, mut second, mut third) = ([0; 2], [0; 2], [9; 2]);
        let mut bufs = [&mut first, &mut second, &mut third].map(|buf| IoSliceMut::new(buf));
        assert_eq!(client.read_pieces(&mut bufs).unwrap(), 5);
        assert_eq!((&first, &second, &third), (b"ab", b"cd", b"e\x09"));
    }

    fn a_vectored_read_passes_over_empty_buffers(net) {
        let (mut client, mut server) = net.pair();
        server.write_all(b"abc").unwrap();
        eventually("the data arrives", || client.peek(&mut [0; 16]).unwrap() == 3);
        let (mut first, mut second) = ([0; 2], [0; 2]);
        let mut bufs = [&mut [][..], &mut first[..], &mut [][..], &mut second[..]].map(IoSliceMut::new);
        assert_eq!(client.read_pieces(&mut bufs).unwrap(), 3);
        assert_eq!((&first, second[0]), (b"ab", b'c'));
    }

    fn a_vectored_read_at_the_end_is_nothing(net) {
        let (mut client, server) = net.pair();
        drop(server);
        let (mut first, mut second) = ([0; 2], [0; 2]);
        let mut bufs = [&mut first, &mut second].map(|buf| IoSliceMut::new(buf));
        assert_eq!(client.read_pieces(&mut bufs).unwrap(), 0);
    }

    fn a_blocked_vectored_read_is_woken(net) {
        let (mut client, mut server) = net.pair();
        let blocked = thread::spawn(move || {
            let (mut first, mut second) = ([0; 2], [0; 2]);
            let n = client.read_pieces(&mut [IoSliceMut::new(&mut first), IoSliceMut::new(&mut second)]);
            (n.unwrap(), first, second)
        });
        thread::sleep(SHORT);
        server.write_all(b"abc").unwrap();
        assert_eq!(blocked.join().unwrap(), (3, *b"ab", *b"c\0"));
    }

    fn peek_gives_as_much_as_there_is(net) {
        let (client, mut server) = net.pair();
        server.write_all(b"abc").unwrap();
        let mut buf = [0; 100];
        eventually("the data arrives", || client.peek(&mut buf).unwrap() == 3);
        assert_eq!(&buf[..3], b"abc");
    }

    fn peek_sees_the_same_again_and_what_has_come_since(net) {
        let (client, mut server) = net.pair();
        let mut buf = [0; 16];
        server.write_all(b"abc").unwrap();
        assert_eq!(client.peek(&mut buf[..3]).unwrap(), 3);
        assert_eq!(client.peek(&mut buf[..3]).unwrap(), 3);
        server.write_all(b"def").unwrap();
        eventually("the rest arrives", || client.peek(&mut buf).unwrap() == 6);
        assert_eq!(&buf[..6], b"abcdef");
    }

    fn peek_sees_across_segments(net) {
        let (client, mut server) = net.pair();
        let sent = pattern(10_000, 8);
        server.write_all(&sent).unwrap();
        let mut buf = vec![0; 10_000];
        eventually("all of it arrives", || client.peek(&mut buf).unwrap() == 10_000);
        assert_eq!(buf, sent);
    }

    fn peek_at_the_end_is_nothing(net) {
        let (client, server) = net.pair();
        drop(server);
        assert_eq!(client.peek(&mut [0; 8]).unwrap(), 0);
        assert_eq!(client.peek(&mut [0; 8]).unwrap(), 0);
    }

    fn peek_before_the_end_sees_the_data_first(net) {
        let (mut client, mut server) = net.pair();
        server.write_all(b"x").unwrap();
        drop(server);
        thread::sleep(SHORT / 8);
        assert_eq!(client.peek(&mut [0; 8]).unwrap(), 1);
        assert_eq!(client.read(&mut [0; 8]).unwrap(), 1);
        assert_eq!(client.peek(&mut [0; 8]).unwrap(), 0);
    }

    fn a_read_timeout_begins_anew_with_each_call(net) {
        let (mut client, _server) = net.pair();
        client.set_read_timeout(Some(SHORT)).unwrap();
        for _ in 0..3 {
            let before = Instant::now();
            assert_eq!(kind_of(client.read(&mut [0; 8])), ErrorKind::WouldBlock);
            assert!(before.elapsed() >= SHORT);
        }
    }

    fn a_read_timeout_does_not_delay_what_is_there(net) {
        let (mut client, mut server) = net.pair();
        client.set_read_timeout(Some(LONG * 10)).unwrap();
        server.write_all(b"x").unwrap();
        let before = Instant::now();
        assert_eq!(client.read(&mut [0; 8]).unwrap(), 1);
        assert!(before.elapsed() < LONG);
    }

    fn read_exact_keeps_to_the_timeout(net) {
        let (mut client, mut server) = net.pair();
        client.set_read_timeout(Some(SHORT)).unwrap();
        server.write_all(b"ab").unwrap();
        assert_eq!(kind_of(client.read_exact(&mut [0; 4])), ErrorKind::WouldBlock);
    }

    fn a_stream_that_blocks_again_waits_again(net) {
        let (mut client, mut server) = net.pair();
        client.set_nonblocking(true).unwrap();
        assert_eq!(kind_of(client.read(&mut [0; 8])), ErrorKind::WouldBlock);
        client.set_nonblocking(false).unwrap();
        let blocked = thread::spawn(move || client.read(&mut [0; 8]));
        thread::sleep(SHORT);
        server.write_all(b"go").unwrap();
        assert_eq!(blocked.join().unwrap().unwrap(), 2);
    }

    fn a_non_blocking_read_takes_what_is_there_and_then_would_block(net) {
        let (mut client, mut server) = net.pair();
        server.write_all(b"abc").unwrap();
        eventually("the data arrives", || client.peek(&mut [0; 8]).unwrap() == 3);
        client.set_nonblocking(true).unwrap();
        assert_eq!(client.read(&mut [0; 8]).unwrap(), 3);
        assert_eq!(kind_of(client.read(&mut [0; 8])), ErrorKind::WouldBlock);
    }

    fn a_non_blocking_read_sees_the_end(net) {
        let (mut client, server) = net.pair();
        client.set_nonblocking(true).unwrap();
        drop(server);
        let mut outcome = client.read(&mut [0; 8]);
        eventually("the end arrives", || {
            outcome = client.read(&mut [0; 8]);
            outcome.is_ok()
        });
        assert_eq!(outcome.unwrap(), 0);
    }

    fn a_reader_that_pauses_loses_nothing(net) {
        let (mut client, mut server) = net.pair();
        let sent = pattern(8 << 20, 13);
        let expected = digest(&sent);
        let writer = thread::spawn(move || server.write_all(&sent));
        let mut received = Vec::new();
        for pause in 0..4 {
            thread::sleep(SHORT / 2);
            let goal = (pause + 1) << 20;
            let mut piece = vec![0; goal - received.len()];
            client.read_exact(&mut piece).unwrap();
            received.extend(piece);
        }
        client.read_to_end(&mut received).unwrap();
        writer.join().unwrap().unwrap();
        assert_eq!((received.len(), digest(&received)), (8 << 20, expected));
    }
}
