//! Buffers that begin small and grow with their use, what becomes of them when memory is scarce, and how long an orphan
//! may get nowhere.

mod pair;

use pair::{Fate, Pair, Side, pattern};
use std::time::Duration;
use synfin_tcp::{Config, CongestionControl, Connection, Event, Memory, SendReason, State};

/// A pair whose buffers grow, opened.
fn growing() -> Pair {
    Pair::growing(Config { pacing: false, ..Config::default() }, Config::default()).opened()
}

fn buffer(connection: &Connection) -> u32 {
    connection.snapshot().rcv_wnd + connection.readable_bytes() as u32
}

#[test]
fn the_receive_buffer_doubles_while_the_reader_takes_a_window_in_a_round_trip() {
    let mut pair = growing();
    assert!(buffer(&pair.server) <= 65_536, "{}", buffer(&pair.server));
    let data = pattern(4_000_000);
    let (mut written, mut read) = (0, 0);
    while read < data.len() {
        let now = pair.now;
        written += pair.client.write(now, &data[written..]).unwrap_or(0);
        pair.run_for(Duration::from_millis(1));
        read += pair.read_all(Side::Server).len();
        assert!(pair.now < now + Duration::from_secs(60), "it goes on");
    }
    let window = pair.server.snapshot().rcv_wnd;
    assert!(window > 1 << 20, "{window}");
    let limited = pair.client.info(pair.now).limited_by_window;
    assert!(limited < Duration::from_millis(5), "the window was never in the way: {limited:?}");
}

#[test]
fn a_reader_that_takes_nothing_is_offered_no_more() {
    let mut pair = growing();
    let data = pattern(1_000_000);
    let mut written = 0;
    for _ in 0..2_000 {
        let now = pair.now;
        written += pair.client.write(now, &data[written..]).unwrap_or(0);
        pair.run_for(Duration::from_millis(5));
    }
    assert!(pair.server.readable_bytes() <= 65_536 + 65_536 / 8, "{}", pair.server.readable_bytes());
    assert!(pair.server.held_bytes() < 2 * 74_000, "{}", pair.server.held_bytes());
}

#[test]
fn what_may_be_written_is_twice_what_may_be_in_flight() {
    let mut pair = growing();
    let now = pair.now;
    let first = pair.client.write(now, &pattern(1_000_000)).expect("room");
    let cwnd = pair.client.info(now).cwnd_bytes as usize;
    assert_eq!(first, 2 * cwnd);
    assert!(pair.client.write(now, b"more").is_err());
    pair.run_for(Duration::from_millis(25));
    assert!(pair.client_events.contains(&Event::Writable), "{:?}", pair.client_events);
    let grown = pair.client.info(pair.now).cwnd_bytes as usize;
    assert!(grown > cwnd && pair.client.write_room() > 0);
}

#[test]
fn scarce_memory_makes_windows_small_takes_nothing_back_and_prunes_the_highest() {
    let mut pair = growing();
    let offered = pair.server.snapshot();
    pair.server.set_memory(Memory::Scarce);
    // A hole in front, and 40 segments behind it.
    let mut first = true;
    pair.fate = Box::new(move |sent| {
        let lost = sent.from == Side::Client && sent.len > 0 && first;
        first &= !lost;
        if lost { Fate::Lose } else { Fate::Deliver }
    });
    let data = pattern(40_000);
    let mut written = 0;
    while written < data.len() {
        let now = pair.now;
        written += pair.client.write(now, &data[written..]).unwrap_or(0);
        pair.run_for(Duration::from_millis(1));
        let held = pair.server.info(pair.now).held_bytes;
        assert!(held <= 16 << 10, "{held} bytes out of order");
    }
    pair.drive();
    assert_eq!(pair.read_all(Side::Server), data, "what was pruned came again");
    let now = pair.server.snapshot();
    assert!(now.rcv_wnd <= offered.rcv_wnd, "no more was offered");
    pair.server.set_memory(Memory::Ample);
    pair.client.set_memory(Memory::Scarce);
    let at = pair.now;
    assert_eq!(pair.client.write(at, &data), Ok(16 << 10), "little may be written ahead");
}

#[test]
fn an_orphan_stays_as_long_as_its_peer_takes_a_fair_share() {
    // 4 MB at 256 kbit/s are 131 s: a farewell is delivered.
    let small = Config { receive_buffer_bytes: 60_000, ..Config::default() };
    let mut pair = Pair::with(Config::default(), small).opened();
    let data = pattern(1_000_000);
    let now = pair.now;
    pair.client.write(now, &data).expect("room");
    pair.client.close(now);
    let mut read = 0;
    while pair.client.state() != State::TimeWait {
        pair.run_for(Duration::from_secs(5));
        let mut little = vec![0; 20_000];
        read += pair.server.read(&mut little).unwrap_or(0);
        if read == data.len() {
            let now = pair.now;
            pair.server.finish(now);
        }
        assert!(pair.now < now + Duration::from_secs(400), "{:?} with {read} read", pair.client.state());
    }
    assert_eq!(read, data.len());
    assert!(pair.now > now + Duration::from_secs(200), "it took its time");
}

#[test]
fn a_controller_that_is_large_is_counted_with_its_connection() {
    use CongestionControl::{Bbr, Cubic, NewReno, Prague};
    let held = |congestion| {
        let config = || Config { congestion, ..Config::default() };
        Pair::with(config(), config()).opened().client.held_bytes()
    };
    assert_eq!((held(NewReno), held(Cubic)), (0, 0));
    assert!(held(Bbr) > 300 && held(Prague) > 100, "{} {}", held(Bbr), held(Prague));
    // A later choice counts, too.
    let mut pair = Pair::with(Config::default(), Config::default()).opened();
    let now = pair.now;
    pair.client.set_congestion(now, Bbr);
    assert_eq!(pair.client.held_bytes(), held(Bbr));
    pair.client.set_congestion(now, Cubic);
    assert_eq!(pair.client.held_bytes(), 0);
}

#[test]
fn an_orphan_whose_peer_takes_a_byte_of_each_probe_ends() {
    let mut pair =
        Pair::with(Config::default(), Config { receive_buffer_bytes: 10_000, ..Config::default() }).opened();
    let now = pair.now;
    pair.client.write(now, &pattern(500_000)).expect("room");
    pair.run_for(Duration::from_secs(1));
    let now = pair.now;
    pair.client.close(now);
    for _ in 0..400 {
        pair.run_for(Duration::from_millis(500));
        let _ = pair.server.read(&mut [0; 1]);
    }
    assert_eq!(pair.client.state(), State::Closed);
    assert!(pair.lines().iter().any(|line| line.contains("R")), "the peer is told");
    assert_eq!(pair.client.held_bytes(), 0);
}

#[test]
fn an_orphan_ends_a_minute_after_its_peer_took_something() {
    let mut pair =
        Pair::with(Config::default(), Config { receive_buffer_bytes: 10_000, ..Config::default() }).opened();
    let now = pair.now;
    pair.client.write(now, &pattern(60_000)).expect("room");
    pair.client.close(now);
    // The peer reads once, half a minute later, and never again.
    pair.run_for(Duration::from_secs(30));
    assert_eq!(pair.server.read(&mut [0; 10_000]), Ok(10_000));
    pair.run_for(Duration::from_secs(55));
    assert_eq!(pair.client.state(), State::FinWait1, "it has taken its share");
    pair.run_for(Duration::from_secs(15));
    assert_eq!(pair.client.state(), State::Closed);
}

#[test]
fn without_a_limit_on_progress_an_orphan_stays() {
    let config = Config { orphan_progress: None, ..Config::default() };
    let mut pair = Pair::with(config, Config { receive_buffer_bytes: 10_000, ..Config::default() }).opened();
    let now = pair.now;
    pair.client.write(now, &pattern(50_000)).expect("room");
    pair.client.close(now);
    pair.run_for(Duration::from_secs(200));
    assert_eq!(pair.client.state(), State::FinWait1);
    assert!(pair.log.iter().any(|sent| sent.why == SendReason::ZeroWindowProbe));
}
