//! The same seed gives the same bytes at the same times; another seed does not.

use stack::{Config, ConnectOptions};
use std::time::Duration;
use synfin_sim::apps::{Bulk, Echo, Exchange, Reading, Server, Sink};
use synfin_sim::{
    Chance, Discipline, Lane, LinkConfig, Loss, Marking, Order, Queue, QueueLimit, Recording, World,
};

/// When, and what.
type Seen = (u64, Vec<u8>);

/// Everything that was sent, and its arrivals.
fn live(seed: u64) -> Vec<(Seen, Vec<Seen>)> {
    let mut world = World::new(seed);
    world.record(Recording::FRAMES);
    let client = world.add_host("client", Config::default(), &["10.0.0.1", "fd00::1"]);
    let server = world.add_host("server", Config::default(), &["10.0.0.2", "fd00::2"]);
    let lane = Lane {
        rate_bits_per_s: Some(20_000_000),
        delay: Duration::from_millis(10),
        jitter: Duration::from_millis(2),
        order: Order::ByArrival,
        queue: Queue {
            limit: QueueLimit::Bytes(100_000),
            discipline: Discipline::CODEL,
            marking: Marking::InsteadOfDropping,
        },
        loss: Loss::GilbertElliott {
            to_bad: Chance::percent(1.0),
            to_good: Chance::percent(30.0),
            in_good: Chance::percent(0.1),
            in_bad: Chance::percent(40.0),
        },
        reorder: Chance::percent(1.0),
        reorder_by: Duration::from_millis(3),
        duplicate: Chance::percent(1.0),
        corrupt: Chance::percent(1.0),
        ..Lane::default()
    };
    world.link(client, server, LinkConfig::symmetric(lane));
    let to = |remote: &str| ConnectOptions::new(remote.parse().expect("an address"));
    let pause = Duration::from_millis(5);
    world.start(server, Sink::reading(9, Reading::Sipping { bytes_max: 9_000, pause }));
    world.start(server, Echo::new(7));
    world.start(server, Server::new(80, 500, vec![1; 20_000]));
    world.start(client, Bulk::new(to("10.0.0.2:9"), 200_000));
    world.start(client, Bulk::new(to("[fd00::2]:9"), 200_000));
    world
        .start(client, Exchange::new(to("10.0.0.2:80"), vec![2; 500]).repeated(5, Duration::from_millis(70)));
    world.run_for(Duration::from_secs(20));
    let bytes = |frame: &wire::Frame| frame.to_vec();
    world
        .frames()
        .iter()
        .map(|record| {
            let arrivals =
                record.arrivals.iter().map(|arrival| (arrival.at.as_nanos(), bytes(&arrival.frame)));
            ((record.sent_at.as_nanos(), bytes(&record.frame)), arrivals.collect())
        })
        .collect()
}

#[test]
fn a_seed_is_a_world() {
    let (once, again, other) = (live(7), live(7), live(8));
    assert!(once.len() > 500, "something happened: {} frames", once.len());
    assert!(once == again, "one seed, two worlds");
    assert!(once != other);
}
