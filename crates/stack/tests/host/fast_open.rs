//! Fast Open between two hosts: cookies, the bound of a listener, what is remembered of servers.

use crate::world::{CLIENT, Fate, Pair, SERVER, link, text, usage};
use std::net::SocketAddr;
use std::time::Duration;
use synfin_stack::{
    Config, ConnectOptions, CookiePolicy, FastOpenOptions, ListenOptions, MemoryBudget, OpenFast, SocketId,
};
use tcp::{FastOpenOutcome, ReadError, State};

const HTTP: &str = "10.0.0.2:80";

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn listen(pair: &mut Pair, at: &str, backlog: usize, pending_max: usize) -> SocketId {
    let fast_open = Some(FastOpenOptions::new(pending_max));
    let options = ListenOptions { fast_open, ..ListenOptions::new(address(at), backlog) };
    pair.server().tcp_listen_with(options).unwrap()
}

/// The client's SYN leaves with the text, if it has a cookie; nothing has arrived yet.
fn open(pair: &mut Pair, at: &str, local: Option<&str>, text: &[u8]) -> SocketId {
    let fast_open = Some(OpenFast { text: text.to_vec().into(), ..OpenFast::default() });
    let options = ConnectOptions { fast_open, local: local.map(address), ..ConnectOptions::new(address(at)) };
    let now = pair.now;
    pair.client().tcp_connect_with(now, options).unwrap()
}

/// A connection that brings the client a cookie, and is over.
fn get_cookie(pair: &mut Pair, listener: SocketId, at: &str) {
    let id = open(pair, at, None, b"first");
    pair.settle();
    let accepted = pair.server().tcp_accept(listener).expect("the handshake is complete").id;
    pair.close((CLIENT, id));
    assert_eq!(read(pair, SERVER, accepted), b"first");
    pair.close((SERVER, accepted));
}

fn read(pair: &mut Pair, at: usize, id: SocketId) -> Vec<u8> {
    let (now, mut into) = (pair.now, vec![0; 70_000]);
    match pair.hosts[at].tcp_read(now, id, &mut into) {
        Ok(count) => into[..count].to_vec(),
        Err(ReadError::WouldBlock) => Vec::new(),
        Err(error) => panic!("{error:?}"),
    }
}

fn outcome(pair: &mut Pair, at: usize, id: SocketId) -> FastOpenOutcome {
    let now = pair.now;
    pair.hosts[at].tcp(id).unwrap().info(now).fast_open
}

/// Only what the client sends arrives.
fn deafen(pair: &mut Pair) {
    pair.fate = Box::new(|from, _| if from == CLIENT { Fate::Deliver } else { Fate::Lose });
}

#[test]
fn the_second_connections_text_is_there_before_its_third_step() {
    let mut pair = Pair::new();
    let listener = listen(&mut pair, HTTP, 8, 4);
    get_cookie(&mut pair, listener, HTTP);
    let id = open(&mut pair, HTTP, None, &text(3_000));
    assert!(pair.carry(CLIENT));
    let accepted = pair.server().tcp_accept(listener).expect("its SYN brought text").id;
    assert_eq!(pair.server().tcp(accepted).unwrap().state(), State::SynReceived);
    let first = read(&mut pair, SERVER, accepted);
    assert_eq!(first, text(3_000)[..first.len()]);
    assert_eq!(first.len(), 1_460 - 32, "a segment less its options");
    let now = pair.now;
    assert_eq!(pair.server().tcp_write(now, accepted, b"answer"), Ok(6));
    pair.settle();
    assert_eq!(read(&mut pair, SERVER, accepted), text(3_000)[first.len()..]);
    assert_eq!(read(&mut pair, CLIENT, id), b"answer");
    assert_eq!(outcome(&mut pair, CLIENT, id), FastOpenOutcome::Taken);
    assert_eq!(pair.server().counters().fast_opens_taken, 1);
    pair.close((CLIENT, id));
    pair.close((SERVER, accepted));
    assert_eq!(pair.server().usage().counts(), usage(|used| used.listeners = 1));
}

#[test]
fn keys_rotate_without_a_round_trip() {
    let mut pair = Pair::new();
    let listener = listen(&mut pair, HTTP, 8, 4);
    get_cookie(&mut pair, listener, HTTP);
    for (round, outcome_then) in [(1, FastOpenOutcome::Taken), (2, FastOpenOutcome::NotTaken)] {
        // After two rotations at once the client's cookie is of no key that is known.
        for key in 0..round {
            let keys = pair.server().fast_open_keys().rotated([round * 10 + key; 16]);
            pair.server().set_fast_open_keys(keys);
        }
        for expected in [outcome_then, FastOpenOutcome::Taken] {
            let id = open(&mut pair, HTTP, None, b"text");
            pair.settle();
            assert_eq!(outcome(&mut pair, CLIENT, id), expected, "{round}");
            let accepted = pair.server().tcp_accept(listener).unwrap().id;
            assert_eq!(read(&mut pair, SERVER, accepted), b"text", "once, whatever became of the SYN");
        }
    }
    assert_eq!(pair.server().counters().fast_opens_refused, 1);
}

#[test]
fn a_flood_with_good_cookies_is_bounded_even_if_the_program_takes_and_closes_all_of_it() {
    let mut pair = Pair::new();
    let listener = listen(&mut pair, HTTP, 600, 4);
    get_cookie(&mut pair, listener, HTTP);
    deafen(&mut pair);
    for _ in 0..500 {
        open(&mut pair, HTTP, None, &text(1_000));
        pair.settle();
        if let Some(accepted) = pair.server().tcp_accept(listener) {
            // Its answer goes to whoever the address belongs to; then the program forgets it.
            let now = pair.now;
            assert_eq!(read(&mut pair, SERVER, accepted.id).len(), 1_000);
            let _ = pair.server().tcp_write(now, accepted.id, b"answer");
            pair.close((SERVER, accepted.id));
        }
    }
    let (used, counters) = (pair.server().usage(), pair.server().counters().clone());
    assert_eq!((counters.fast_opens_taken, counters.fast_opens_over_bound), (4, 496));
    assert_eq!(used.orphans, 4);
    assert!(used.half_open <= 600, "{used:?}");
    // Whoever is there still gets in, with three steps.
    pair.fate = Box::new(|_, _| Fate::Deliver);
    let id = open(&mut pair, HTTP, None, b"hello");
    pair.settle();
    assert_eq!(outcome(&mut pair, CLIENT, id), FastOpenOutcome::NotTaken);
    let accepted = std::iter::from_fn(|| pair.server().tcp_accept(listener)).last().unwrap().id;
    assert_eq!(read(&mut pair, SERVER, accepted), b"hello");
}

#[test]
fn those_that_are_proven_or_given_up_make_room_and_those_that_were_reset_after_a_minute() {
    let mut pair = Pair::new();
    let listener = listen(&mut pair, HTTP, 64, 1);
    get_cookie(&mut pair, listener, HTTP);
    let taken = |pair: &mut Pair| pair.server().counters().fast_opens_taken;
    // Proven.
    open(&mut pair, HTTP, None, b"a");
    pair.settle();
    assert!(pair.server().tcp_accept(listener).is_some());
    // Reset: its sender has forgotten it before the answer came.
    deafen(&mut pair);
    let id = open(&mut pair, HTTP, None, b"b");
    pair.settle();
    assert_eq!(taken(&mut pair), 2);
    let accepted = pair.server().tcp_accept(listener).unwrap().id;
    let now = pair.now;
    pair.client().tcp_abort(now, id).unwrap();
    pair.fate = Box::new(|_, _| Fate::Deliver);
    pair.pass_time(Duration::from_secs(2));
    assert_eq!(read(&mut pair, SERVER, accepted), b"b");
    let now = pair.now;
    assert_eq!(pair.server().tcp_read(now, accepted, &mut [0]), Err(ReadError::Failed(tcp::Error::Reset)));
    let id = open(&mut pair, HTTP, None, b"c");
    pair.settle();
    assert_eq!(
        (taken(&mut pair), outcome(&mut pair, CLIENT, id)),
        (2, FastOpenOutcome::NotTaken),
        "it counts on"
    );
    // What was not taken makes the client wait for an hour, and the server for a minute.
    pair.pass_time(Duration::from_secs(3_601));
    open(&mut pair, HTTP, None, b"d");
    pair.settle();
    assert_eq!(taken(&mut pair), 3);
    // Given up: nobody answers.
    deafen(&mut pair);
    open(&mut pair, HTTP, None, b"e");
    pair.settle();
    assert_eq!(taken(&mut pair), 4);
    pair.fate = Box::new(|_, _| Fate::Lose);
    pair.pass_time(Duration::from_secs(500));
    pair.fate = Box::new(|_, _| Fate::Deliver);
    pair.pass_time(Duration::from_secs(2 * 3_601));
    open(&mut pair, HTTP, None, b"f");
    pair.settle();
    assert_eq!(taken(&mut pair), 5);
}

#[test]
fn a_fast_syn_follows_time_wait_and_brings_it_back_if_it_comes_to_nothing() {
    let mut pair = Pair::new();
    let listener = listen(&mut pair, HTTP, 8, 4);
    get_cookie(&mut pair, listener, HTTP);
    let local = Some("10.0.0.1:5000");
    for is_reset in [false, false, true, false] {
        pair.pass_time(Duration::from_millis(10));
        let rests = pair.server().usage().time_waits;
        if is_reset {
            deafen(&mut pair);
        }
        let id = open(&mut pair, HTTP, local, b"again");
        pair.carry(CLIENT);
        let accepted = pair.server().tcp_accept(listener).expect("it is open").id;
        assert_eq!(read(&mut pair, SERVER, accepted), b"again");
        assert_eq!(pair.server().usage().time_waits, 0, "it is set aside");
        if is_reset {
            let now = pair.now;
            pair.settle();
            pair.client().tcp_abort(now, id).unwrap();
            pair.client().tcp_close(now, id).unwrap();
            pair.fate = Box::new(|_, _| Fate::Deliver);
            pair.pass_time(Duration::from_secs(2));
            assert_eq!(pair.server().usage().time_waits, rests, "it is back");
            pair.close((SERVER, accepted));
            continue;
        }
        pair.settle();
        // The server closes first, so TIME-WAIT is at the server.
        pair.close((SERVER, accepted));
        pair.close((CLIENT, id));
        assert_eq!(pair.server().usage().time_waits, 1);
    }
    assert_eq!(pair.server().counters().time_waits_reopened, 2);
}

#[test]
fn a_listener_that_closes_resets_what_nobody_accepted_and_leaves_the_rest() {
    let mut pair = Pair::new();
    let listener = listen(&mut pair, HTTP, 8, 4);
    get_cookie(&mut pair, listener, HTTP);
    deafen(&mut pair);
    open(&mut pair, HTTP, None, b"accepted");
    pair.settle();
    let accepted = pair.server().tcp_accept(listener).unwrap().id;
    open(&mut pair, HTTP, None, b"waiting");
    pair.settle();
    pair.close((SERVER, listener));
    assert_eq!(pair.server().usage().connections, 1, "what waited is gone");
    // Another listener takes the place of the first, and knows nothing of its connections.
    let other = "10.0.0.2:81";
    let listener = listen(&mut pair, other, 8, 1);
    pair.fate = Box::new(|_, _| Fate::Deliver);
    pair.pass_time(Duration::from_secs(4));
    assert_eq!(pair.server().tcp(accepted).unwrap().state(), State::Established);
    assert_eq!(read(&mut pair, SERVER, accepted), b"accepted");
    let before = pair.server().counters().fast_opens_taken;
    for local in ["10.0.0.1:6001", "10.0.0.1:6002"] {
        open(&mut pair, other, Some(local), b"new");
    }
    pair.carry(CLIENT);
    pair.carry(CLIENT);
    assert_eq!(pair.server().counters().fast_opens_taken - before, 1, "one, as it says");
    pair.settle();
    assert!(pair.server().tcp_accept(listener).is_some());
}

#[test]
fn while_memory_is_scarce_syns_get_syn_cookies_and_no_text_is_taken() {
    let config = Config { memory: MemoryBudget::of(600 << 10), ..Config::default() };
    let mut pair = Pair::of(&Config::default(), &config, link());
    let listener = listen(&mut pair, HTTP, 64, 32);
    get_cookie(&mut pair, listener, HTTP);
    let hog = listen(&mut pair, "10.0.0.2:81", 64, 32);
    let mut streams = Vec::new();
    while pair.server().usage().memory < synfin_stack::MemoryLevel::Pressure {
        let (id, _) = pair.connect(hog, "10.0.0.2:81");
        let now = pair.now;
        let _ = pair.client().tcp_write(now, id, &text(60_000));
        pair.settle();
        streams.push(id);
        assert!(streams.len() < 60, "{:?}", pair.server().usage());
    }
    let taken = pair.server().counters().fast_opens_taken;
    let id = open(&mut pair, HTTP, None, b"text");
    pair.settle();
    assert_eq!(
        (pair.server().counters().fast_opens_taken, pair.server().counters().cookies_sent),
        (taken, 1)
    );
    assert_eq!(outcome(&mut pair, CLIENT, id), FastOpenOutcome::NotTaken);
    let accepted = pair.server().tcp_accept(listener).expect("an ordinary handshake").id;
    assert_eq!(read(&mut pair, SERVER, accepted), b"text");
}

#[test]
fn a_service_that_swallows_syns_with_text_is_left_alone_and_the_others_are_not() {
    let mut pair = Pair::new();
    let listener = listen(&mut pair, HTTP, 8, 4);
    let other = listen(&mut pair, "10.0.0.2:81", 8, 4);
    get_cookie(&mut pair, listener, HTTP);
    // What is longer than 60 bytes and goes to port 80 disappears.
    pair.fate = Box::new(|from, bytes| match from {
        CLIENT if bytes.len() > 80 && bytes[22..24] == [0, 80] => Fate::Lose,
        _ => Fate::Deliver,
    });
    let id = open(&mut pair, HTTP, None, &text(100));
    pair.pass_time(Duration::from_millis(1_500));
    assert_eq!(outcome(&mut pair, CLIENT, id), FastOpenOutcome::SynRepeated);
    pair.fate = Box::new(|_, _| Fate::Deliver);
    pair.pass_time(Duration::from_secs(3));
    for (at, listener, expected) in
        [(HTTP, listener, FastOpenOutcome::None), ("10.0.0.2:81", other, FastOpenOutcome::Taken)]
    {
        let id = open(&mut pair, at, None, &text(100));
        pair.settle();
        assert_eq!(outcome(&mut pair, CLIENT, id), expected, "{at}");
        let accepted = std::iter::from_fn(|| pair.server().tcp_accept(listener)).last().unwrap().id;
        assert_eq!(read(&mut pair, SERVER, accepted), text(100), "{at}");
    }
    assert_eq!(pair.client().can_open(HTTP), (false, true));
    pair.pass_time(Duration::from_secs(3_600));
    assert_eq!(pair.client().can_open(HTTP), (true, true));
}

trait CanOpen {
    fn can_open(&mut self, at: &str) -> (bool, bool);
}

impl CanOpen for synfin_stack::Host {
    /// Whether text could go with a SYN: to this service, and to port 81 of that host.
    fn can_open(&mut self, at: &str) -> (bool, bool) {
        let now = tcp::Instant::ZERO; // counts as the latest time
        let mut other = address(at);
        other.set_port(81);
        let mut can = |to| self.can_open_fast(now, None, to, CookiePolicy::Required);
        (can(address(at)), can(other))
    }
}

#[test]
fn a_server_that_does_not_answer_at_all_is_left_alone() {
    let mut pair = Pair::new();
    let listener = listen(&mut pair, HTTP, 8, 4);
    get_cookie(&mut pair, listener, HTTP);
    pair.fate = Box::new(|_, _| Fate::Lose);
    open(&mut pair, HTTP, None, b"anybody there?");
    pair.pass_time(Duration::from_secs(4));
    assert_eq!(pair.client().can_open(HTTP), (true, true), "two timeouts may be a bad day");
    pair.pass_time(Duration::from_secs(4));
    assert_eq!(pair.client().can_open(HTTP), (false, true));
    assert_eq!(pair.client().counters().fast_open_pauses, 1);
}

#[test]
fn ordinary_connections_and_listeners_know_nothing_of_it() {
    let mut pair = Pair::new();
    let listener = pair.server().tcp_listen(address(HTTP), 8).unwrap();
    let id = open(&mut pair, HTTP, None, b"asks in vain");
    pair.settle();
    let accepted = pair.server().tcp_accept(listener).unwrap().id;
    assert_eq!(read(&mut pair, SERVER, accepted), b"asks in vain");
    assert_eq!(outcome(&mut pair, CLIENT, id), FastOpenOutcome::NoCookie);
    // It is not asked again for a while.
    let id = open(&mut pair, HTTP, None, b"ordinary");
    pair.settle();
    assert_eq!(outcome(&mut pair, CLIENT, id), FastOpenOutcome::None);
    let accepted = pair.server().tcp_accept(listener).unwrap().id;
    assert_eq!(read(&mut pair, SERVER, accepted), b"ordinary");
    // Turned on and off.
    let options = FastOpenOptions { cookies: CookiePolicy::NotRequired, ..FastOpenOptions::new(2) };
    pair.server().set_fast_open(listener, Some(options)).unwrap();
    pair.server().set_fast_open(listener, None).unwrap();
    assert!(pair.server().set_fast_open(accepted, None).is_err());
    assert_eq!(pair.server().counters().fast_opens_taken, 0);
}
