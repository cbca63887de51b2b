//! The budget of a host: what is done when it is used up, and that it ends.

use crate::world::{CLIENT, Pair, SERVER, link, text};
use std::sync::Arc;
use std::time::Duration;
use synfin_stack::{Config, Discard, Error, Event, MemoryBudget, MemoryLevel, SocketId};
use tcp::{ReadError, WriteError};

/// A server with a budget of a megabyte, whose connections may hold half of that each.
fn small() -> Pair {
    Pair::of(&client(), &server(), link())
}

fn server() -> Config {
    let tcp = tcp::Config {
        send_buffer_bytes: 512 << 10,
        send_buffer_bytes_initial: 0,
        receive_buffer_bytes: 512 << 10,
        receive_buffer_bytes_initial: 0,
        ..tcp::Config::default()
    };
    Config { memory: MemoryBudget::of(1 << 20), tcp: Arc::new(tcp), orphans_max: 8, ..Config::default() }
}

/// A peer with memory enough, whose text is sent as soon as the window allows.
fn client() -> Config {
    let tcp = tcp::Config { send_buffer_bytes_initial: 0, pacing: false, ..tcp::Config::default() };
    Config { tcp: Arc::new(tcp), ..Config::default() }
}

fn level(pair: &mut Pair) -> MemoryLevel {
    pair.server().usage().memory
}

/// Opens so many connections: the client's and the server's ends.
fn open(pair: &mut Pair, count: usize) -> Vec<(SocketId, SocketId)> {
    let listener = pair.server().tcp_listen("[::]:80".parse().unwrap(), 64).unwrap();
    (0..count).map(|_| pair.connect(listener, "10.0.0.2:80")).collect()
}

/// The client's ends write until nothing more is taken.
fn fill(pair: &mut Pair, ends: &[(SocketId, SocketId)]) {
    for (client, _) in ends {
        let now = pair.now;
        let _ = pair.client().tcp_write(now, *client, &text(100_000));
        pair.settle();
    }
}

#[test]
fn text_that_nobody_reads_stays_within_the_budget_and_a_reader_ends_the_pressure() {
    let mut pair = small();
    let ends = open(&mut pair, 20);
    for _ in 0..30 {
        fill(&mut pair, &ends);
        pair.pass_time(Duration::from_millis(100));
        let usage = pair.server().usage();
        assert!(usage.held_bytes <= (1 << 20) / 20 * 21, "{usage:?}");
    }
    let counters = pair.server().counters().clone();
    assert!(counters.memory_pressures > 0, "{counters:?}");
    for (_, server) in &ends {
        let now = pair.now;
        while pair.server().tcp_read(now, *server, &mut [0; 65_536]).is_ok_and(|count| count > 0) {}
    }
    assert_eq!(level(&mut pair), MemoryLevel::Calm);
}

/// Fills a server with such a budget, then has those that hold little send pieces of such a size until one is dropped.
/// Returns the most that was held.
fn most_held(max_bytes: usize, piece_bytes: usize) -> usize {
    let server = Config { memory: MemoryBudget::of(max_bytes), ..server() };
    let mut client = client();
    Arc::make_mut(&mut client.tcp).nagle = tcp::Nagle::Off;
    let mut pair = Pair::of(&client, &server, link());
    let ends = open(&mut pair, 52);
    let (large, small) = ends.split_at(12);
    while level(&mut pair) < MemoryLevel::Full {
        fill(&mut pair, large);
    }
    let dropped = pair.server().counters().discarded(Discard::MemoryFull);
    let mut most_bytes = 0;
    for (client, _) in small.iter().cycle().take(small.len() * 64) {
        let now = pair.now;
        let _ = pair.client().tcp_write(now, *client, &text(piece_bytes));
        pair.settle();
        most_bytes = most_bytes.max(pair.server().usage().held_bytes);
        if pair.server().counters().discarded(Discard::MemoryFull) > dropped {
            // What is owed goes out, and timers are set and fire.
            pair.pass_time(Duration::from_millis(300));
            return most_bytes.max(pair.server().usage().held_bytes);
        }
    }
    panic!("nothing of {piece_bytes} bytes was ever refused with a budget of {max_bytes}");
}

#[test]
fn what_text_keeps_beside_itself_does_not_go_over_the_bound_however_the_sizes_fall() {
    for piece_bytes in [1, 100, 511, 600, 1_448] {
        for max_bytes in (1 << 19..).step_by(100).take(16) {
            let bound = max_bytes + max_bytes / 20;
            let most = most_held(max_bytes, piece_bytes);
            assert!(most <= bound, "{piece_bytes} bytes each, budget {max_bytes}: {} above", most - bound);
            assert!(
                most > bound - 4_096,
                "{piece_bytes} bytes each, budget {max_bytes}: {} below",
                bound - most
            );
        }
    }
}

#[test]
fn who_holds_most_and_gets_nowhere_goes_and_who_moves_stays() {
    let mut pair = small();
    let ends = open(&mut pair, 12);
    let (reading, silent) = ends.split_at(4);
    for _ in 0..60 {
        fill(&mut pair, &ends);
        for (_, server) in reading {
            let now = pair.now;
            while pair.server().tcp_read(now, *server, &mut [0; 65_536]).is_ok_and(|count| count > 0) {}
        }
        pair.pass_time(Duration::from_millis(100));
    }
    assert!(pair.server().counters().stalled_ended > 0, "{:?}", pair.server().counters());
    for (_, server) in reading {
        let now = pair.now;
        let read = pair.server().tcp_read(now, *server, &mut [0; 10]);
        assert!(matches!(read, Ok(_) | Err(ReadError::WouldBlock)), "{read:?}");
    }
    let now = pair.now;
    let ended = silent.iter().filter(|(_, server)| {
        let read = pair.hosts[SERVER].tcp_read(now, *server, &mut [0; 10]);
        matches!(read, Err(ReadError::Failed(tcp::Error::OutOfMemory)))
    });
    assert!(ended.count() > 0, "the program of one that went is told why");
}

#[test]
fn what_is_out_of_order_goes_first_and_comes_again() {
    let mut pair = small();
    let ends = open(&mut pair, 4);
    // The first segment of each is lost, and what fills the memory is another's unread text.
    let hole = ends[0];
    let now = pair.now;
    pair.client().tcp_write(now, hole.0, &text(60_000)).unwrap();
    pair.carry(CLIENT);
    assert!(pair.server().usage().held_bytes > 0);
    pair.settle();
    fill(&mut pair, &ends[1..]);
    pair.pass_time(Duration::from_secs(5));
    let mut read = 0;
    let now = pair.now;
    while let Ok(count) = pair.server().tcp_read(now, hole.1, &mut [0; 65_536]) {
        read += count;
    }
    assert_eq!(read, 60_000);
}

#[test]
fn orphans_go_before_others_and_their_number_is_bounded() {
    let mut pair = small();
    let ends = open(&mut pair, 12);
    for (_, server) in &ends {
        let now = pair.now;
        pair.server().tcp_write(now, *server, &text(1_000)).unwrap();
    }
    // The client does not answer any more.
    let now = pair.now;
    for (_, server) in &ends {
        pair.server().tcp_close(now, *server).unwrap();
    }
    while pair.server().poll_transmit(now).is_some() {}
    let usage = pair.server().usage();
    assert_eq!((usage.orphans, pair.server().counters().orphans_ended), (8, 4), "{usage:?}");
}

#[test]
fn a_full_host_takes_no_datagrams_opens_nothing_and_tells_its_writers_when_there_is_room() {
    let tcp = tcp::Config {
        receive_buffer_bytes: 2 << 20,
        receive_buffer_bytes_initial: 0,
        send_buffer_bytes_initial: 0,
        ..tcp::Config::default()
    };
    let memory = MemoryBudget { max_bytes: 400_000, high_bytes: 399_000, ..MemoryBudget::of(1 << 20) };
    let mut pair = Pair::of(&client(), &Config { memory, tcp: Arc::new(tcp), ..Config::default() }, link());
    let ends = open(&mut pair, 2);
    let socket = pair.server().udp_bind("[::]:53".parse().unwrap()).unwrap();
    let asker = pair.client().udp_bind("[::]:0".parse().unwrap()).unwrap();
    let (client, server) = ends[0];
    for _ in 0..10 {
        let now = pair.now;
        let _ = pair.client().tcp_write(now, client, &text(100_000));
        pair.settle();
    }
    assert_eq!(level(&mut pair), MemoryLevel::Full);
    let now = pair.now;
    assert_eq!(pair.server().tcp_write(now, ends[1].1, b"more"), Err(WriteError::WouldBlock));
    let refused = pair.server().tcp_connect(now, None, "10.0.0.1:9".parse().unwrap());
    assert_eq!(refused, Err(Error::OutOfMemory));
    let _ = pair.client().udp_send_to(now, asker, text(100).into(), "10.0.0.2:53".parse().unwrap());
    pair.settle();
    assert_eq!(pair.server().udp_recv_from(socket, &mut [0; 9]), Err(Error::WouldBlock));
    assert!(pair.server().counters().discarded(Discard::MemoryFull) > 0);
    while pair.server().poll_event().is_some() {}
    // Reading makes room, and the writer hears of it.
    while pair.server().tcp_read(now, server, &mut [0; 65_536]).is_ok_and(|count| count > 0) {}
    let _ = pair.server().poll_transmit(now);
    let events: Vec<_> = core::iter::from_fn(|| pair.server().poll_event()).collect();
    assert!(events.contains(&(ends[1].1, Event::Writable)), "{events:?}");
    assert_eq!(pair.server().tcp_write(now, ends[1].1, b"more"), Ok(4));
}
