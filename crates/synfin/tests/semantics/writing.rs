//! What a writer gets rid of, and when it has to wait.

use crate::common::{Stream, digest, eventually, pattern};
use crate::{LONG, SHORT, kind_of};
use std::io::{BufWriter, ErrorKind, IoSlice, Read, Write};
use std::net::Shutdown;
use std::thread;
use std::time::{Duration, Instant};

/// Fills what both ends hold until nothing more is taken; returns how many bytes were.
fn fill<S: Stream>(stream: &S) -> usize {
    stream.set_nonblocking(true).unwrap();
    let piece = pattern(64 << 10, 1);
    let mut taken = 0;
    let mut quiet_since = Instant::now();
    while quiet_since.elapsed() < SHORT {
        match stream.write_by_ref(&piece) {
            Ok(n) => {
                taken += n;
                quiet_since = Instant::now();
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
                thread::sleep(SHORT / 20);
            }
        }
    }
    taken
}

/// Writes on, waiting where it must: a peer may take a little more long after its buffers were full.
fn write_until_it_fails(mut stream: impl Stream) -> ErrorKind {
    loop {
        if let Err(error) = stream.write(&[5; 65_536]) {
            return error.kind();
        }
    }
}

over_both! {
    fn a_write_does_not_wait_for_the_reader(net) {
        let (mut client, mut server) = net.pair();
        assert_eq!(client.write(b"hello").unwrap(), 5);
        assert_eq!(server.read(&mut [0; 8]).unwrap(), 5);
    }

    fn thousands_of_small_writes_keep_their_order(net) {
        let (mut client, mut server) = net.pair();
        let writer = thread::spawn(move || {
            for number in 0..5_000_u32 {
                client.write_all(&number.to_be_bytes()).unwrap();
            }
        });
        let mut buf = [0; 4];
        for number in 0..5_000 {
            server.read_exact(&mut buf).unwrap();
            assert_eq!(u32::from_be_bytes(buf), number);
        }
        writer.join().unwrap();
    }

    fn small_writes_keep_their_order_without_nagle_too(net) {
        let (mut client, mut server) = net.pair();
        client.set_nodelay(true).unwrap();
        let writer = thread::spawn(move || {
            for number in 0..2_000_u32 {
                client.write_all(&number.to_be_bytes()).unwrap();
            }
        });
        let mut buf = [0; 4];
        for number in 0..2_000 {
            server.read_exact(&mut buf).unwrap();
            assert_eq!(u32::from_be_bytes(buf), number);
        }
        writer.join().unwrap();
    }

    fn a_small_write_goes_out_though_nothing_follows(net) {
        let (mut client, mut server) = net.pair();
        for number in 0..10 {
            client.write_all(&[number]).unwrap();
            let mut buf = [0];
            server.read_exact(&mut buf).unwrap();
            assert_eq!(buf, [number]);
        }
    }

    fn a_vectored_write_of_many_pieces(net) {
        let (mut client, mut server) = net.pair();
        let sent = pattern(6_400, 2);
        let pieces: Vec<_> = sent.chunks(100).map(IoSlice::new).collect();
        assert_eq!(client.write_pieces(&pieces).unwrap(), 6_400);
        let mut received = vec![0; 6_400];
        server.read_exact(&mut received).unwrap();
        assert_eq!(received, sent);
    }

    fn a_vectored_write_of_nothing_is_nothing(net) {
        let (mut client, mut server) = net.pair();
        assert_eq!(client.write_pieces(&[]).unwrap(), 0);
        assert_eq!(client.write_pieces(&[IoSlice::new(b""), IoSlice::new(b"")]).unwrap(), 0);
        client.write_all(b"x").unwrap();
        assert_eq!(server.read(&mut [0; 8]).unwrap(), 1);
    }

    fn a_blocking_vectored_write_takes_everything(net) {
        let (mut client, mut server) = net.pair();
        let sent = pattern(2 << 20, 4);
        let expected = digest(&sent);
        let reader = thread::spawn(move || {
            let mut received = Vec::new();
            server.read_to_end(&mut received).unwrap();
            digest(&received)
        });
        let pieces: Vec<_> = sent.chunks(256 << 10).map(IoSlice::new).collect();
        assert_eq!(client.write_pieces(&pieces).unwrap(), 2 << 20);
        drop(client);
        assert_eq!(reader.join().unwrap(), expected);
    }

    fn a_vectored_write_after_shutdown_is_a_broken_pipe(net) {
        let (mut client, _server) = net.pair();
        client.shutdown(Shutdown::Write).unwrap();
        assert_eq!(kind_of(client.write_pieces(&[IoSlice::new(b"a")])), ErrorKind::BrokenPipe);
    }

    fn an_empty_write_after_shutdown_is_a_broken_pipe_too(net) {
        let (mut client, _server) = net.pair();
        client.shutdown(Shutdown::Write).unwrap();
        assert_eq!(kind_of(client.write(b"")), ErrorKind::BrokenPipe);
    }

    fn an_empty_write_tells_of_a_reset(net) {
        let (mut client, server) = net.pair();
        server.linger_of(Some(Duration::ZERO)).unwrap();
        drop(server);
        eventually("the reset arrives", || client.peer_addr().is_err());
        assert_eq!(kind_of(client.write(b"")), ErrorKind::ConnectionReset);
        assert_eq!(kind_of(client.write(b"")), ErrorKind::BrokenPipe);
    }

    fn an_empty_write_does_not_wait_for_room(net) {
        let (mut client, _server) = net.pair();
        fill(&client);
        client.set_nonblocking(false).unwrap();
        assert_eq!(client.write(b"").unwrap(), 0);
    }

    fn formatted_text_can_be_written(net) {
        let (mut client, mut server) = net.pair();
        write!(client, "id-{:04x}", 0xbeef).unwrap();
        let mut buf = [0; 7];
        server.read_exact(&mut buf).unwrap();
        assert_eq!(&buf, b"id-beef");
    }

    fn a_buffered_writer_delivers_at_its_flush(net) {
        let (client, mut server) = net.pair();
        let mut buffered = BufWriter::new(client);
        buffered.write_all(b"held back").unwrap();
        server.set_read_timeout(Some(SHORT / 8)).unwrap();
        assert_eq!(kind_of(server.read(&mut [0; 16])), ErrorKind::WouldBlock);
        server.set_read_timeout(None).unwrap();
        buffered.flush().unwrap();
        assert_eq!(server.read(&mut [0; 16]).unwrap(), 9);
    }

    fn flush_does_not_wait(net) {
        let (mut client, _server) = net.pair();
        fill(&client);
        client.set_nonblocking(false).unwrap();
        let before = Instant::now();
        client.flush().unwrap();
        assert!(before.elapsed() < LONG);
    }

    fn flush_says_nothing_of_a_reset(net) {
        let (mut client, server) = net.pair();
        server.linger_of(Some(Duration::ZERO)).unwrap();
        drop(server);
        eventually("the reset arrives", || client.peer_addr().is_err());
        client.flush().unwrap();
        assert_eq!(kind_of(client.read(&mut [0; 8])), ErrorKind::ConnectionReset);
    }

    fn writing_goes_on_after_the_peer_has_finished(net) {
        let (mut client, mut server) = net.pair();
        server.shutdown(Shutdown::Write).unwrap();
        assert_eq!(client.read(&mut [0; 8]).unwrap(), 0);
        for _ in 0..10 {
            client.write_all(&[1; 1_000]).unwrap();
        }
        drop(client);
        let mut received = Vec::new();
        server.read_to_end(&mut received).unwrap();
        assert_eq!(received.len(), 10_000);
    }

    fn writing_goes_on_after_our_own_reading_is_shut(net) {
        let (mut client, mut server) = net.pair();
        client.shutdown(Shutdown::Read).unwrap();
        client.write_all(b"one way").unwrap();
        let mut buf = [0; 7];
        server.read_exact(&mut buf).unwrap();
        assert_eq!(&buf, b"one way");
    }

    fn a_non_blocking_write_takes_a_part(net) {
        let (mut client, _server) = net.pair();
        client.set_nonblocking(true).unwrap();
        let piece = vec![3; 64 << 20];
        let taken = client.write(&piece).unwrap();
        assert!(taken > 0 && taken < piece.len(), "{taken}");
    }

    fn a_full_queue_has_room_again_when_somebody_reads(net) {
        let (client, mut server) = net.pair();
        let taken = fill(&client);
        let mut received = vec![0; taken];
        server.read_exact(&mut received).unwrap();
        eventually("there is room again", || client.write_by_ref(b"x").is_ok());
    }

    fn a_full_queue_holds_what_it_took(net) {
        let (client, mut server) = net.pair();
        let taken = fill(&client);
        drop(client);
        let mut received = Vec::new();
        server.read_to_end(&mut received).unwrap();
        assert_eq!(received.len(), taken);
    }

    fn a_full_direction_leaves_the_other_one_open(net) {
        let (mut client, mut server) = net.pair();
        fill(&client);
        client.set_nonblocking(false).unwrap();
        server.write_all(b"and back").unwrap();
        let mut buf = [0; 8];
        client.read_exact(&mut buf).unwrap();
        assert_eq!(&buf, b"and back");
    }

    fn a_blocked_writer_is_woken_by_a_reader(net) {
        let (mut client, mut server) = net.pair();
        let taken = fill(&client);
        client.set_nonblocking(false).unwrap();
        let blocked = thread::spawn(move || client.write_all(b"the rest"));
        thread::sleep(SHORT);
        let mut received = Vec::new();
        server.read_to_end(&mut received).unwrap();
        blocked.join().unwrap().unwrap();
        assert_eq!(received.len(), taken + 8);
    }

    fn a_blocked_writer_is_woken_by_a_reset(net) {
        let (client, server) = net.pair();
        fill(&client);
        client.set_nonblocking(false).unwrap();
        let blocked = thread::spawn(move || write_until_it_fails(client));
        thread::sleep(SHORT);
        drop(server);
        // A call that had got rid of a part swallows the reset.
        let kind = blocked.join().unwrap();
        assert!(matches!(kind, ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "{kind:?}");
    }

    fn a_blocked_writer_is_woken_by_our_own_shutdown(net) {
        let (client, _server) = net.pair();
        fill(&client);
        client.set_nonblocking(false).unwrap();
        let writer = client.try_clone().unwrap();
        let blocked = thread::spawn(move || write_until_it_fails(writer));
        thread::sleep(SHORT);
        client.shutdown(Shutdown::Write).unwrap();
        assert_eq!(blocked.join().unwrap(), ErrorKind::BrokenPipe);
    }

    fn a_write_cut_short_by_its_timeout_says_how_much_went(net) {
        let (mut client, mut server) = net.pair();
        client.set_write_timeout(Some(SHORT)).unwrap();
        let piece = vec![3; 64 << 20];
        let taken = client.write(&piece).unwrap();
        assert!(taken > 0 && taken < piece.len(), "{taken}");
        drop(client);
        let mut received = Vec::new();
        server.read_to_end(&mut received).unwrap();
        assert_eq!(received.len(), taken);
    }

    fn write_all_keeps_to_the_timeout(net) {
        let (mut client, _server) = net.pair();
        client.set_write_timeout(Some(SHORT)).unwrap();
        assert_eq!(kind_of(client.write_all(&vec![3; 64 << 20])), ErrorKind::WouldBlock);
    }

    fn a_large_write_cut_short_by_a_reset_says_how_much_went_and_the_next_call_tells_it(net) {
        let (mut client, server) = net.pair();
        let piece = vec![3; 64 << 20];
        let breaker = thread::spawn(move || {
            // With text unread, a close is a reset at once.
            server.peek(&mut [0]).unwrap();
            drop(server);
        });
        let taken = client.write(&piece).unwrap();
        assert!(taken > 0 && taken < piece.len(), "{taken}");
        assert_eq!(kind_of(client.write(b"x")), ErrorKind::ConnectionReset);
        assert_eq!(client.read(&mut [0; 8]).unwrap(), 0);
        breaker.join().unwrap();
    }

    fn a_large_write_to_a_peer_that_has_closed_says_how_much_went_and_then_the_pipe_is_broken(net) {
        let (mut client, server) = net.pair();
        drop(server);
        assert_eq!(client.read(&mut [0; 8]).unwrap(), 0);
        let taken = client.write(&vec![3; 64 << 20]).unwrap();
        assert!(taken > 0, "{taken}");
        assert_eq!(write_until_it_fails(client), ErrorKind::BrokenPipe);
    }
}
