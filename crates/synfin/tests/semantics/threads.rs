//! Many threads at one socket, and many sockets.

use crate::SHORT;
use crate::common::{Datagrams, Listener, Stream, digest, pattern};
use std::io::{Read, Write};
use std::net::Shutdown;
use std::thread;

over_both! {
    fn a_blocked_reader_does_not_stop_a_writer(net) {
        let (client, mut server) = net.pair();
        let mut reader = client.try_clone().unwrap();
        let blocked = thread::spawn(move || reader.read(&mut [0; 8]));
        thread::sleep(SHORT);
        client.write_by_ref(b"hello").unwrap();
        server.read_exact(&mut [0; 5]).unwrap();
        server.write_all(b"go").unwrap();
        assert_eq!(blocked.join().unwrap().unwrap(), 2);
    }

    fn small_writes_of_several_threads_stay_whole(net) {
        let (client, mut server) = net.pair();
        const WRITES: usize = 200;
        thread::scope(|scope| {
            for letter in [b'a', b'b', b'c', b'd'] {
                let mut writer = client.try_clone().unwrap();
                scope.spawn(move || {
                    for _ in 0..WRITES {
                        assert_eq!(writer.write(&[letter; 16]).unwrap(), 16);
                    }
                });
            }
            for _ in 0..4 * WRITES {
                let mut piece = [0; 16];
                server.read_exact(&mut piece).unwrap();
                assert_eq!(piece, [piece[0]; 16]);
            }
        });
    }

    fn a_clone_dropped_elsewhere_does_not_disturb_a_reader(net) {
        let (client, mut server) = net.pair();
        let clone = client.try_clone().unwrap();
        let mut reader = client;
        let blocked = thread::spawn(move || reader.read(&mut [0; 8]));
        thread::sleep(SHORT);
        drop(clone);
        thread::sleep(SHORT / 4);
        server.write_all(b"go").unwrap();
        assert_eq!(blocked.join().unwrap().unwrap(), 2);
    }

    fn every_connection_is_accepted_once(net) {
        let listener = net.listen();
        let to = listener.local_addr().unwrap();
        let mut seen = thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| {
                    let listener = listener.try_clone().unwrap();
                    scope.spawn(move || (0..10).map(|_| listener.accept().unwrap().1).collect::<Vec<_>>())
                })
                .collect();
            for _ in 0..40 {
                net.connect(to).unwrap();
            }
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
        });
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 40);
    }

    fn a_hundred_connections_at_once(net) {
        let listener = net.listen();
        let to = listener.local_addr().unwrap();
        let mut clients: Vec<_> = (0..100).map(|_| net.connect(to).unwrap()).collect();
        let mut servers: Vec<_> = (0..100).map(|_| listener.accept().unwrap().0).collect();
        for (number, client) in clients.iter_mut().enumerate() {
            client.write_all(&[number as u8; 50]).unwrap();
        }
        for (number, server) in servers.iter_mut().enumerate() {
            let mut buf = [0; 50];
            server.read_exact(&mut buf).unwrap();
            assert_eq!(buf, [number as u8; 50]);
        }
    }

    fn a_slow_reader_holds_up_nobody_else(net) {
        let (slow_client, slow_server) = net.pair();
        let (mut client, mut server) = net.pair();
        slow_client.set_nonblocking(true).unwrap();
        while slow_client.write_by_ref(&[0; 65_536]).is_ok() {}
        let sent = pattern(1 << 20, 23);
        let expected = digest(&sent);
        let writer = thread::spawn(move || client.write_all(&sent));
        let mut received = Vec::new();
        server.read_to_end(&mut received).unwrap();
        writer.join().unwrap().unwrap();
        assert_eq!(digest(&received), expected);
        drop(slow_server);
    }

    fn ping_pong_of_a_thousand_rounds(net) {
        let (mut client, mut server) = net.pair();
        let echo = thread::spawn(move || {
            let mut buf = [0; 4];
            while server.read_exact(&mut buf).is_ok() {
                server.write_all(&buf).unwrap();
            }
        });
        for number in 0..1_000_u32 {
            client.write_all(&number.to_be_bytes()).unwrap();
            let mut buf = [0; 4];
            client.read_exact(&mut buf).unwrap();
            assert_eq!(u32::from_be_bytes(buf), number);
        }
        drop(client);
        echo.join().unwrap();
    }

    fn a_relay_passes_everything_on_and_the_end(net) {
        let (mut source, mut relay_in) = net.pair();
        let (mut relay_out, mut sink) = net.pair();
        let relay = thread::spawn(move || {
            let passed = std::io::copy(&mut relay_in, &mut relay_out).unwrap();
            relay_out.shutdown(Shutdown::Write).unwrap();
            passed
        });
        let sent = pattern(1 << 20, 29);
        let expected = digest(&sent);
        let writer = thread::spawn(move || {
            source.write_all(&sent).unwrap();
            source.shutdown(Shutdown::Write).unwrap();
            source
        });
        let mut received = Vec::new();
        sink.read_to_end(&mut received).unwrap();
        assert_eq!(relay.join().unwrap(), 1 << 20);
        assert_eq!(digest(&received), expected);
        drop(writer.join().unwrap());
    }

    fn several_threads_receive_datagrams_of_one_socket(net) {
        let (client, server) = (net.client_datagrams(), net.server_datagrams());
        let to = server.local_addr().unwrap();
        let mut seen = thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| {
                    let server = server.try_clone().unwrap();
                    scope.spawn(move || {
                        (0..10)
                            .map(|_| {
                                let mut buf = [0; 8];
                                assert_eq!(server.recv(&mut buf).unwrap(), 1);
                                buf[0]
                            })
                            .collect::<Vec<_>>()
                    })
                })
                .collect();
            for number in 0..40 {
                client.send_to(&[number], to).unwrap();
            }
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
        });
        seen.sort_unstable();
        assert!(seen.iter().copied().eq(0..40), "{seen:?}");
    }
}
