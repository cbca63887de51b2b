//! Queues that mark instead of dropping, and what a connection makes of it (RFC 3168, RFC 8511, RFC 9768).

use stack::{Config, ConnectOptions};
use std::sync::Arc;
use std::time::Duration;
use synfin_sim::apps::{Bulk, Sink};
use synfin_sim::{Discipline, Lane, LinkConfig, Marking, Queue, QueueLimit, Recording, World};
use tcp::EcnFeedback;

const BYTES: u64 = 6_000_000;

/// What a transfer over 20 Mbit/s and 20 ms was like, behind CoDel: how long it took, and how many frames were marked
/// and sent again.
struct Story {
    took: Duration,
    marked: usize,
    dropped: usize,
    agreed: bool,
}

fn transfer(feedback: EcnFeedback) -> Story {
    let mut world = World::new(7);
    world.record(Recording::FRAMES);
    let tcp = tcp::Config { ecn_incoming: feedback, ecn_outgoing: feedback, ..tcp::Config::default() };
    let config = Config { tcp: Arc::new(tcp), ..Config::default() };
    let client = world.add_host("client", config.clone(), &["10.0.0.1"]);
    let server = world.add_host("server", config, &["10.0.0.2"]);
    let lane = Lane {
        rate_bits_per_s: Some(20_000_000),
        delay: Duration::from_millis(10),
        queue: Queue {
            limit: QueueLimit::Bytes(500_000),
            discipline: Discipline::CODEL,
            marking: Marking::InsteadOfDropping,
        },
        ..Lane::default()
    };
    world.link(client, server, LinkConfig::symmetric(lane));
    let sink = Sink::new(9);
    let seen = sink.seen();
    world.start(server, sink);
    world.start(client, Bulk::new(ConnectOptions::new("10.0.0.2:9".parse().expect("an address")), BYTES));
    world.run_for(Duration::from_secs(60));
    let seen = seen.borrow();
    assert_eq!((seen[0].bytes, seen[0].wrong_at, seen[0].failed), (BYTES, None, None), "{feedback:?}");
    let took = seen[0].done_at.expect("it is done").since(tcp::Instant::ZERO);
    let marked = world.frames().iter().filter(|frame| frame.marked).count();
    let dropped = world.frames().iter().filter(|frame| frame.lost.is_some()).count();
    let asked = world.frames()[0].tcp().expect("a segment").0.flags;
    Story { took, marked, dropped, agreed: asked.contains(wire::tcp::Flags::ECE) }
}

#[test]
fn where_marks_are_told_nothing_has_to_go_again() {
    let without = transfer(EcnFeedback::Off);
    assert!(!without.agreed && without.marked == 0 && without.dropped > 0, "CoDel drops");
    for feedback in [EcnFeedback::Classic, EcnFeedback::Accurate] {
        let with = transfer(feedback);
        assert!(with.agreed && with.marked > 5, "{feedback:?} {}", with.marked);
        assert_eq!(with.dropped, 0, "{feedback:?}");
        assert!(with.took < without.took * 11 / 10, "{feedback:?} {:?} {:?}", with.took, without.took);
    }
}
