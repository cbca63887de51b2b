//! Small worlds, each a story: opening, transfer, closing, faults at one place, time that jumps.

mod story;

use stack::{Config, ConnectOptions, IsnPolicy};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;
use synfin_sim::apps::{Bulk, Exchange, Server, Sink};
use synfin_sim::{
    Ended, Fate, Happening, Lane, LinkConfig, Lost, PathMtu, Queue, QueueLimit, Recording, TooBigAnswer,
    Vantage, World, captured,
};
use tcp::State;
use wire::Seq;

const MS: Duration = Duration::from_millis(1);

fn fixed(isn: u32) -> Config {
    Config { isn: IsnPolicy::Fixed(Seq::new(isn)), ..Config::default() }
}

#[test]
fn one_exchange_has_the_digits_of_the_article() {
    let mut world = World::new(1);
    world.record(Recording::EVERYTHING);
    let client = world.add_host("client", fixed(4_225_926_656), &["10.0.0.1"]);
    let server = world.add_host("server", fixed(3_022_381_253), &["10.0.0.2"]);
    world.link(client, server, LinkConfig::delay(10 * MS));
    let answering = Server::new(80, 2_374, vec![b'r'; 537]);
    let asking = Exchange::new(ConnectOptions::new("10.0.0.2:80".parse().unwrap()), vec![b'q'; 2_374]);
    let (served, asked) = (answering.seen(), asking.seen());
    world.start(server, answering);
    world.start(client, asking);
    world.run_for(Duration::from_secs(1));
    println!("{}", story::text(&world, client, server, None));

    assert_eq!(served.borrow()[0].request.len(), 2_374);
    let asked = asked.borrow();
    assert_eq!((asked[0].response.len(), asked[0].failed), (537, None));
    assert_eq!(asked[0].connected_at.unwrap().since(asked[0].began_at), 20 * MS, "the second step");
    let numbers: Vec<(u32, u32, String)> = world
        .frames()
        .iter()
        .filter_map(|frame| frame.tcp())
        .map(|(header, _)| (header.seq.number(), header.ack.number(), header.flags.to_string()))
        .collect();
    assert_eq!((numbers[0].0, &*numbers[0].2), (4_225_926_656, "SYN"));
    assert_eq!((numbers[1].0, numbers[1].1), (3_022_381_253, 4_225_926_657));
    assert_eq!((numbers[2].0, numbers[2].1), (4_225_926_657, 3_022_381_254));
    let fins: Vec<u32> =
        numbers.iter().filter(|(.., flags)| flags.contains("FIN")).map(|fin| fin.0).collect();
    // Both FINs go with the last data or after it; what they acknowledge is past them.
    let acks: Vec<u32> = numbers.iter().map(|number| number.1).collect();
    assert!(acks.contains(&3_022_381_792) && acks.contains(&4_225_929_032), "{numbers:?}");
    assert_eq!(fins.len(), 2);
    world.run_for(Duration::from_secs(61));
    assert_eq!(world.host(server).usage().connections, 0, "TIME-WAIT is over");
}

#[test]
fn a_lost_segment_comes_again_and_the_record_says_what_happened() {
    let mut world = World::new(2);
    world.record(Recording::EVERYTHING);
    let client = world.add_host("client", Config::default(), &["10.0.0.1", "fd00::1"]);
    let server = world.add_host("server", Config::default(), &["10.0.0.2", "fd00::2"]);
    world.link(client, server, LinkConfig::delay(10 * MS));
    let mut data = 0;
    world.set_fate(move |sent| {
        data += u32::from(sent.tcp().is_some_and(|(_, text)| text > 0));
        if data == 3 { Fate::Lose } else { Fate::Deliver }
    });
    let sink = Sink::new(9);
    let seen = sink.seen();
    world.start(server, sink);
    world.start(client, Bulk::new(ConnectOptions::new("[fd00::2]:9".parse().unwrap()), 20_000));
    world.run_for(Duration::from_secs(5));
    let seen = seen.borrow();
    assert_eq!((seen[0].bytes, seen[0].wrong_at, seen[0].failed), (20_000, None, None));
    assert!(seen[0].done_at.is_some());
    let lost: Vec<_> = world.frames().iter().filter(|frame| frame.lost.is_some()).collect();
    assert!(!lost.is_empty() && lost[0].arrivals.is_empty());
    assert!(story::text(&world, client, server, None).contains("retransmission"));
    let near_client = captured(world.frames(), Vantage::At(client)).len();
    let near_server = captured(world.frames(), Vantage::At(server)).len();
    assert_eq!(near_client, near_server + lost.len());
    assert_eq!(captured(world.frames(), Vantage::Everywhere).len(), near_client + near_server);
}

#[test]
fn an_hour_of_an_idle_connection_costs_nothing() {
    let mut world = World::new(3);
    let client = world.add_host("client", Config::default(), &["10.0.0.1"]);
    let server = world.add_host("server", Config::default(), &["10.0.0.2"]);
    world.link(client, server, LinkConfig::delay(10 * MS));
    world.at(server).listen(7);
    let stream = world.at(client).connect("10.0.0.2:7");
    world.run_for(Duration::from_secs(1));
    let events = world.tally().events;
    world.run_for(Duration::from_secs(3_600));
    assert_eq!(world.at(client).state(stream), State::Established);
    assert!(world.tally().events - events < 10);
}

#[test]
fn a_narrow_place_that_answers_is_learned() {
    let mut world = World::new(4);
    let client = world.add_host("client", Config::default(), &["10.0.0.1", "fd00::1"]);
    let server = world.add_host("server", Config::default(), &["10.0.0.2", "fd00::2"]);
    let mut config = LinkConfig::delay(10 * MS);
    config.forward.path_mtu = Some(PathMtu { mtu_bytes: 1_300, answer: TooBigAnswer::Icmp });
    world.link(client, server, config);
    for (port, remote) in [(1, "10.0.0.2:1"), (2, "[fd00::2]:2")] {
        let sink = Sink::new(port);
        let seen = sink.seen();
        world.start(server, sink);
        world.start(client, Bulk::new(ConnectOptions::new(remote.parse().unwrap()), 50_000));
        world.run_for(Duration::from_secs(3));
        assert_eq!((seen.borrow()[0].bytes, seen.borrow()[0].wrong_at), (50_000, None), "{remote}");
    }
}

#[test]
fn a_rate_is_kept_and_a_queue_delays() {
    let mut world = World::new(5);
    let client = world.add_host("client", Config::default(), &["10.0.0.1"]);
    let server = world.add_host("server", Config::default(), &["10.0.0.2"]);
    // Room for the whole send buffer: nothing is lost.
    let queue = Queue { limit: QueueLimit::Packets(5_000), ..Queue::default() };
    let lane = Lane { rate_bits_per_s: Some(10_000_000), delay: 5 * MS, queue, ..Lane::default() };
    world.link(client, server, LinkConfig::symmetric(lane));
    let sink = Sink::new(9);
    let seen = sink.seen();
    world.start(server, sink);
    world.start(client, Bulk::new(ConnectOptions::new("10.0.0.2:9".parse().unwrap()), 5_000_000));
    world.run_for(Duration::from_secs(10));
    let seen = seen.borrow();
    let took = seen[0].done_at.unwrap().since(seen[0].first_at.unwrap()).as_secs_f64();
    let mbit_per_s = 5_000_000.0 * 8.0 / took / 1e6;
    assert!((9.0..9.8).contains(&mbit_per_s), "{mbit_per_s} Mbit/s of text over 10");
}

#[test]
fn three_hosts_know_their_links() {
    let mut world = World::new(6);
    let server = world.add_host("server", Config::default(), &["10.0.0.1"]);
    let sink = Sink::new(9);
    let seen = sink.seen();
    world.start(server, sink);
    for (name, address, delay) in [("near", "10.0.1.1", MS), ("far", "10.0.2.1", 100 * MS)] {
        let client = world.add_host(name, Config::default(), &[address]);
        world.link(client, server, LinkConfig::delay(delay));
        world.start(client, Bulk::new(ConnectOptions::new("10.0.0.1:9".parse().unwrap()), 100_000));
    }
    world.run_for(Duration::from_secs(10));
    let seen = seen.borrow();
    let took = |peer: &str| {
        let transfer =
            seen.iter().find(|seen| seen.peer.is_some_and(|end| end.ip().to_string() == peer)).unwrap();
        assert_eq!((transfer.bytes, transfer.wrong_at), (100_000, None));
        transfer.done_at.unwrap().as_millis()
    };
    assert!(took("10.0.1.1") < 50 && took("10.0.2.1") > 300);
}

#[test]
fn who_watches_frames_hears_once_of_each_what_became_of_it() {
    let mut world = World::new(4);
    let client = world.add_host("client", fixed(100), &["10.0.0.1"]);
    let server = world.add_host("server", fixed(900), &["10.0.0.2"]);
    world.link(client, server, LinkConfig::delay(10 * MS));
    let mut count = 0;
    world.set_fate(move |sent| {
        let has_text = sent.from == client && sent.tcp().is_some_and(|(_, bytes)| bytes > 0);
        count += u32::from(has_text);
        match count {
            1 if has_text => Fate::Lose,
            2 if has_text => Fate::Corrupt,
            3 if has_text => Fate::Double,
            _ => Fate::Deliver,
        }
    });
    let (frames, said) = (Rc::new(RefCell::new(Vec::new())), Rc::new(RefCell::new(Vec::new())));
    let (seen, heard) = (frames.clone(), said.clone());
    world.observe_frames(move |crossing| {
        if crossing.from == client && crossing.tcp().is_some_and(|(_, bytes)| bytes > 0) {
            seen.borrow_mut().push((crossing.to, crossing.ended));
        }
    });
    world.observe(client, move |entry| {
        assert!(matches!(entry.what, Happening::Traced(_)));
        heard.borrow_mut().push(entry.host);
    });
    world.start(server, Sink::new(80));
    world.start(client, Bulk::new(ConnectOptions::new("10.0.0.2:80".parse().unwrap()), 6_000));
    world.run_for(Duration::from_secs(5));
    let frames = frames.borrow();
    assert_eq!(
        frames[..3],
        [Ended::Lost(Lost::Fate), Ended::Damaged, Ended::Whole].map(|ended| (server, ended))
    );
    let whole = frames.iter().filter(|(_, ended)| *ended == Ended::Whole).count();
    assert!(whole >= 5 && whole + 2 == frames.len(), "two came again; the copy is not told: {frames:?}");
    let said = said.borrow();
    assert!(said.len() > 10 && said.iter().all(|host| *host == client), "the server is not listened to");
    assert!(world.log().is_empty(), "nothing is kept");
}
