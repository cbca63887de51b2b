//! Resets: who is told, and how often.

use crate::SHORT;
use crate::common::{Stream, eventually};
use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::thread;
use std::time::Duration;

over_both! {
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
}
