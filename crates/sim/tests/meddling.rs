//! What paths and hosts do beside losing: numbers and ports are rewritten, segments cut anew, damage passes unseen, a
//! host loses its memory, neighbours must be asked for.

use stack::{Config, ConnectOptions};
use std::time::Duration;
use synfin_sim::apps::{Bulk, Shared, Sink, Transfer};
use synfin_sim::{
    Chance, Ends, HostId, Lane, LinkConfig, Loss, Lost, Middlebox, PathMtu, PortMapping, Recording,
    Renumbering, SackNumbers, TooBigAnswer, World,
};
use tcp::State;

const MS: Duration = Duration::from_millis(1);
const SIZE_BYTES: u64 = 300_000;

/// A client that sends to a server over this link; over IPv4, then over IPv6.
fn transfers(seed: u64, config: LinkConfig) -> (World, [HostId; 2], Vec<Shared<Vec<Transfer>>>) {
    let mut world = World::new(seed);
    world.record(Recording::FRAMES);
    let client = world.add_host("client", Config::default(), &["10.0.0.1", "fd00::1"]);
    let server = world.add_host("server", Config::default(), &["10.0.0.2", "fd00::2"]);
    world.link(client, server, config);
    let mut seen = Vec::new();
    for (port, remote) in [(1, "10.0.0.2:1"), (2, "[fd00::2]:2")] {
        let sink = Sink::new(port);
        seen.push(sink.seen());
        world.start(server, sink);
        let options = ConnectOptions::new(remote.parse().expect("an address and a port"));
        world.start(client, Bulk::new(options, SIZE_BYTES));
    }
    (world, [client, server], seen)
}

fn check_all_there(seen: &[Shared<Vec<Transfer>>]) {
    for seen in seen {
        let seen = seen.borrow();
        assert_eq!((seen[0].bytes, seen[0].wrong_at), (SIZE_BYTES, None), "{seen:?}");
    }
}

fn lossy(middleboxes: [Middlebox; 2]) -> LinkConfig {
    let lane = Lane { delay: 10 * MS, loss: Loss::Random(Chance::percent(2.0)), ..Lane::default() };
    let [forward, backward] =
        middleboxes.map(|middlebox| Lane { middlebox: Some(middlebox), ..lane.clone() });
    LinkConfig { forward, backward, ..LinkConfig::default() }
}

#[test]
fn numbers_that_the_path_rewrites_are_nobodys_business() {
    for sack in [SackNumbers::Rewritten, SackNumbers::Left] {
        let numbers = Renumbering::pair(u32::MAX - 1_000, 77, sack);
        let middleboxes = numbers.map(|numbers| Middlebox { numbers: Some(numbers), ..Middlebox::default() });
        let (mut world, _, seen) = transfers(1, lossy(middleboxes));
        world.run_for(Duration::from_secs(120));
        check_all_there(&seen);
    }
}

#[test]
fn a_path_that_rewrites_numbers_rewrites_what_errors_quote() {
    let numbers = Renumbering::pair(1 << 31, 5, SackNumbers::Rewritten);
    let mut config =
        lossy(numbers.map(|numbers| Middlebox { numbers: Some(numbers), ..Middlebox::default() }));
    config.forward.path_mtu = Some(PathMtu { mtu_bytes: 1_300, answer: TooBigAnswer::Icmp });
    let (mut world, _, seen) = transfers(2, config);
    world.run_for(Duration::from_secs(120));
    assert!(world.lost(Lost::TooBig) > 0);
    check_all_there(&seen);
}

#[test]
fn segments_that_are_split_and_merged_are_one_stream() {
    let split = Middlebox { split_to_bytes: Some(100), ..Middlebox::default() };
    let (mut world, _, seen) = transfers(3, lossy([split, Middlebox::default()]));
    world.run_for(Duration::from_secs(120));
    check_all_there(&seen);
    let pieces = world.frames().iter().map(|frame| frame.arrivals.len()).max();
    assert!(pieces > Some(10), "a segment arrives in {pieces:?} pieces");

    let merge = Middlebox { merge_to_bytes: Some(9_000), ..Middlebox::default() };
    let mut config = lossy([merge, Middlebox::default()]);
    config.forward.rate_bits_per_s = Some(5_000_000);
    let (mut world, _, seen) = transfers(4, config);
    world.run_for(Duration::from_secs(120));
    check_all_there(&seen);
    assert!(world.lost(Lost::Merged) > 20, "{} segments were merged", world.lost(Lost::Merged));
}

#[test]
fn damage_that_the_checksum_misses_reaches_the_reader() {
    for (unseen, is_wrong) in [(false, false), (true, true)] {
        let chance = Chance::percent(10.0);
        let lane = Lane { delay: 10 * MS, ..Lane::default() };
        let forward = match unseen {
            true => Lane { corrupt_unseen: chance, ..lane.clone() },
            false => Lane { corrupt: chance, ..lane.clone() },
        };
        let config = LinkConfig { forward, backward: lane, ..LinkConfig::default() };
        let (mut world, hosts, seen) = transfers(5, config);
        world.run_for(Duration::from_secs(3_600));
        let damaged = world.frames().iter().filter(|frame| frame.corrupted).count();
        assert!(damaged > 0);
        let any_wrong =
            seen.iter().any(|seen| seen.borrow().iter().any(|transfer| transfer.wrong_at.is_some()));
        assert_eq!(any_wrong, is_wrong, "{damaged} frames are damaged");
        let bad = world.host(hosts[1]).counters().discarded(stack::Discard::TcpChecksum);
        assert_eq!(bad > 0, !unseen, "{bad} segments with a wrong checksum");
    }
}

#[test]
fn a_translator_that_forgets_ends_a_connection_and_lets_others_be_made() {
    let mut world = World::new(6);
    let client = world.add_host("client", Config::default(), &["10.0.0.1"]);
    let server = world.add_host("server", Config::default(), &["10.0.0.2"]);
    let link = world.link(client, server, LinkConfig::delay(10 * MS));
    let listener = world.at(server).listen(80);
    let stream = world.at(client).connect("10.0.0.2:80");
    world.run_for(Duration::from_secs(1));
    let [there, back] = PortMapping::pair(100);
    world.change_link(link, |link| {
        link.forward.middlebox = Some(Middlebox { ports: Some(there), ..Middlebox::default() });
        link.backward.middlebox = Some(Middlebox { ports: Some(back), ..Middlebox::default() });
    });
    let _ = world.at(client).write(stream, b"still there?");
    world.run_for(Duration::from_secs(1));
    assert_eq!(world.at(client).state(stream), State::Closed, "the server knows nobody at that port");
    let first = world.at(server).accept(listener).expect("before");
    let stream = world.at(client).connect("10.0.0.2:80");
    world.run_for(Duration::from_secs(1));
    assert_eq!(world.at(client).state(stream), State::Established);
    let second = world.at(server).accept(listener).expect("after");
    assert_eq!(
        world.at(server).state(first.id),
        State::Established,
        "of the old one the server hears nothing"
    );
    assert!(second.remote.port() > 49_151 && second.remote.port() != first.remote.port());
}

#[test]
fn a_host_that_starts_anew_has_forgotten_its_connections() {
    for ends in [Ends::Ip, Ends::Ethernet] {
        let mut world = World::new(7);
        let client = world.add_host("client", Config::default(), &["10.0.0.1"]);
        let server = world.add_host("server", Config::default(), &["10.0.0.2"]);
        world.link(client, server, LinkConfig { ends, ..LinkConfig::delay(10 * MS) });
        world.at(server).listen(80);
        let stream = world.at(client).connect("10.0.0.2:80");
        world.run_for(Duration::from_secs(1));
        assert_eq!(world.at(client).state(stream), State::Established);
        world.restart(server, Config::default());
        assert_eq!(world.host(server).usage().counts(), stack::Usage::default());
        let _ = world.at(client).write(stream, b"still there?");
        world.run_for(Duration::from_secs(5));
        assert_eq!(world.at(client).state(stream), State::Closed, "a reset came");
        world.at(server).listen(80);
        let stream = world.at(client).connect("10.0.0.2:80");
        world.run_for(Duration::from_secs(5));
        assert_eq!(world.at(client).state(stream), State::Established);
    }
}

#[test]
fn neighbours_are_asked_for_on_ethernet() {
    let lane = Lane { delay: MS, loss: Loss::Random(Chance::percent(2.0)), ..Lane::default() };
    let config = LinkConfig { ends: Ends::Ethernet, ..LinkConfig::symmetric(lane) };
    let (mut world, hosts, seen) = transfers(8, config);
    world.run_for(Duration::from_secs(60));
    check_all_there(&seen);
    assert_eq!(world.lost(Lost::NoStation), 0);
    for host in hosts {
        assert_eq!(world.host(host).usage().neighbours, 2, "one of each family");
    }
    let sees_tcp = world.frames().iter().filter(|frame| frame.tcp().is_some()).count();
    assert!(sees_tcp > 400, "records hold IP packets: {sees_tcp}");
}
