//! Fast Open with the blocking sockets: names, keys, and what a program sees of it.

#![allow(clippy::unwrap_used)]

mod common;

use common::pair::{Pair, SERVER};
use std::io::{Read, Write};
use std::thread;
use synfin::net::{TcpListener, TcpStream};
use synfin::tcp::FastOpenOutcome;

/// Serves so many connections: everything comes back.
fn echo(listener: &TcpListener, count: usize) {
    for _ in 0..count {
        let (mut stream, _) = listener.accept().unwrap();
        let mut text = Vec::new();
        stream.read_to_end(&mut text).unwrap();
        stream.write_all(&text).unwrap();
    }
}

fn ask(pair: &Pair, port: u16, first: &[u8]) -> FastOpenOutcome {
    let mut stream = TcpStream::connect_with(&pair.client, (SERVER, port), first).unwrap();
    let outcome = stream.info().unwrap().fast_open;
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut text = Vec::new();
    stream.read_to_end(&mut text).unwrap();
    assert_eq!(text, first);
    outcome
}

#[test]
fn a_cookie_text_with_the_syn_and_rotated_keys() {
    let pair = Pair::new();
    let listener = TcpListener::bind(&pair.server, (SERVER, 80)).unwrap();
    listener.set_fastopen(16).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| echo(&listener, 6));
        assert_eq!(ask(&pair, 80, b"who are you?"), FastOpenOutcome::NoCookie);
        assert_eq!(ask(&pair, 80, b"GET /"), FastOpenOutcome::Taken);
        assert_eq!(ask(&pair, 80, &[7; 3_000_000]), FastOpenOutcome::Taken, "most of it follows");
        assert_eq!(ask(&pair, 80, b""), FastOpenOutcome::None, "nothing to send with the SYN");
        pair.server.set_fastopen_keys(pair.server.fastopen_keys().rotated([7; 16]));
        assert_eq!(ask(&pair, 80, b"by the old key"), FastOpenOutcome::Taken);
        pair.server.set_fastopen_keys(pair.server.fastopen_keys().rotated([8; 16]));
        assert_eq!(ask(&pair, 80, b"by the one that replaced it"), FastOpenOutcome::Taken);
    });
    let counters = pair.server.counters();
    assert_eq!((counters.fast_opens_taken, counters.fast_opens_refused), (5, 0));
}

#[test]
fn a_listener_that_was_not_asked_takes_nothing_early() {
    let pair = Pair::new();
    let listener = TcpListener::bind(&pair.server, (SERVER, 80)).unwrap();
    listener.set_fastopen(0).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| echo(&listener, 2));
        assert_eq!(ask(&pair, 80, b"who are you?"), FastOpenOutcome::NoCookie);
        assert_eq!(ask(&pair, 80, b"who are you?"), FastOpenOutcome::None, "nobody asks again for a while");
    });
    assert_eq!(pair.server.counters().fast_opens_taken, 0);
}
