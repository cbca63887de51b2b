//! The log knows each frame by its number: which record made it, and which arrival brought a record about.

mod story;

use report::ladder::{Arrival, Remark, Step};
use stack::{Config, ConnectOptions};
use std::time::Duration;
use synfin_sim::apps::{Bulk, Server, Sink};
use synfin_sim::{
    Chance, Entry, Happening, HostId, Lane, LinkConfig, Loss, Order, Origin, Queue, QueueLimit, Recording,
    SuperSegments, World,
};
use tcp::Trace;

/// Two bulk transfers, one each way, over everything that a link does to frames: it cuts super-segments or
/// takes them whole, loses, doubles, damages, reorders, and its queue is short.
fn troubled(seed: u64, super_segments: SuperSegments) -> (World, HostId, HostId) {
    let mut world = World::new(seed);
    world.record(Recording::EVERYTHING);
    let left = world.add_host("left", Config::default(), &["10.0.0.1"]);
    let right = world.add_host("right", Config::default(), &["10.0.0.2"]);
    let lane = Lane {
        rate_bits_per_s: Some(20_000_000),
        delay: Duration::from_millis(10),
        jitter: Duration::from_millis(2),
        order: Order::ByArrival,
        queue: Queue { limit: QueueLimit::Packets(8), ..Queue::default() },
        loss: Loss::Random(Chance::percent(3.0)),
        reorder: Chance::percent(5.0),
        reorder_by: Duration::from_millis(5),
        duplicate: Chance::percent(5.0),
        corrupt: Chance::percent(2.0),
        ..Lane::default()
    };
    world.link(left, right, LinkConfig { super_segments, ..LinkConfig::symmetric(lane) });
    for (here, there, address) in [(left, right, "10.0.0.2:80"), (right, left, "10.0.0.1:80")] {
        world.start(there, Sink::new(80));
        world.start(here, Bulk::new(ConnectOptions::new(address.parse().expect("an address")), 150_000));
    }
    world.run_for(Duration::from_secs(120));
    (world, left, right)
}

fn each_world(check: impl Fn(&World, HostId, HostId)) {
    for seed in 0..10 {
        for super_segments in [SuperSegments::Cut, SuperSegments::Whole] {
            let (world, left, right) = troubled(seed, super_segments);
            check(&world, left, right);
        }
    }
}

/// The sending that made a frame, if the log tells.
fn sending<'a>(world: &'a World, origin: &Origin) -> Option<&'a Entry> {
    match origin {
        Origin::Host { sending } => Some(&world.log()[(*sending)?]),
        _ => None,
    }
}

#[test]
fn every_frame_is_a_piece_of_the_sending_that_made_it() {
    each_world(|world, _, _| {
        let mut sent_bytes = 0;
        for (number, frame) in world.frames().iter().enumerate() {
            let entry =
                sending(world, &frame.origin).unwrap_or_else(|| panic!("frame {number} has no origin"));
            let Happening::Traced(stack::TraceRecord { trace: Trace::Sent { segment, .. }, .. }) =
                &entry.what
            else {
                panic!("{entry:?} made frame {number}");
            };
            let facts = frame.facts().expect("all is TCP");
            assert_eq!((entry.at, entry.host), (frame.sent_at, frame.from));
            let offset = facts.seq.bytes_since(segment.seq);
            assert!(offset + facts.len_bytes <= segment.len_bytes, "{facts:?} is no part of {segment:?}");
            assert_eq!(facts.ack, segment.ack);
            sent_bytes += u64::from(facts.len_bytes);
        }
        let sent = |entry: &Entry| match &entry.what {
            Happening::Traced(stack::TraceRecord { trace: Trace::Sent { segment, .. }, .. }) => {
                u64::from(segment.len_bytes)
            }
            _ => 0,
        };
        // And all that was sent stands in some frame.
        assert_eq!(sent_bytes, world.log().iter().map(sent).sum::<u64>());
    });
}

#[test]
fn every_segment_taken_or_refused_is_the_arrival_that_is_named() {
    each_world(|world, _, _| {
        let mut answered = std::collections::BTreeSet::new();
        for entry in world.log() {
            let Happening::Traced(record) = &entry.what else { continue };
            let (Trace::Taken { segment } | Trace::Refused { segment, .. }) = &record.trace else { continue };
            let cause = entry.cause.expect("every frame is recorded");
            let frame = &world.frames()[cause.frame];
            assert_eq!((frame.arrivals[cause.arrival].at, frame.to), (entry.at, entry.host));
            let facts = frame.facts().expect("all is TCP");
            assert_eq!(
                (facts.seq, facts.len_bytes, facts.flags),
                (segment.seq, segment.len_bytes, segment.flags)
            );
            assert!(
                !frame.corrupted && answered.insert(cause),
                "{cause:?} twice, or in spite of its checksum"
            );
        }
        let arrivals =
            world.frames().iter().filter(|frame| !frame.corrupted).map(|frame| frame.arrivals.len());
        assert_eq!(answered.len(), arrivals.sum::<usize>());
    });
}

#[test]
fn the_ladder_has_every_delivery_and_every_loss() {
    let all = std::cell::Cell::new([0; 4]);
    each_world(|world, left, right| {
        let ladder = story::ladder(world, left, right, None);
        let (mut delivered, mut strays, mut lost, mut thrown_away) = (0, 0, 0, 0);
        for step in &ladder.steps {
            let Step::Segment(segment) = step else { continue };
            match segment.arrival {
                Arrival::Delivered { .. } => delivered += 1,
                Arrival::Stray => strays += 1,
                Arrival::Lost => lost += 1,
                _ => panic!("{segment:?}"),
            }
            thrown_away += usize::from(segment.remarks.contains(&Remark::ThrownAway));
        }
        let frames = world.frames();
        let arrivals = |least: usize| frames.iter().filter(|frame| frame.arrivals.len() >= least).count();
        assert_eq!((delivered, strays), (arrivals(1), arrivals(2)));
        assert_eq!(lost, frames.iter().filter(|frame| frame.lost.is_some()).count());
        let corrupted = frames.iter().filter(|frame| frame.corrupted);
        assert_eq!(thrown_away, corrupted.map(|frame| frame.arrivals.len()).sum::<usize>());
        let before = all.get();
        let [delivered_before, strays_before, lost_before, thrown_before] = before;
        all.set([
            delivered_before + delivered,
            strays_before + strays,
            lost_before + lost,
            thrown_before + thrown_away,
        ]);
    });
    assert!(all.get().iter().all(|count| *count > 50), "troubled worlds: {:?}", all.get());
    let full = troubled(0, SuperSegments::Cut).0.lost(synfin_sim::Lost::QueueFull);
    assert!(full > 0, "a short queue");
}

#[test]
fn what_a_program_says_names_the_arrival_that_it_was_called_for() {
    let mut world = World::new(1);
    world.record(Recording::EVERYTHING);
    let client = world.add_host("client", Config::default(), &["10.0.0.1"]);
    let server = world.add_host("server", Config::default(), &["10.0.0.2"]);
    world.link(client, server, LinkConfig::delay(Duration::from_millis(10)));
    world.start(server, Server::new(80, 1, vec![b'x'; 1]));
    let mut id = None;
    world.start(client, move |at: &mut synfin_sim::At<'_>| {
        let connected = id.is_some_and(|id| at.events().contains(&(id, stack::Event::Connected)));
        id = id.or_else(|| Some(at.connect("10.0.0.2:80")));
        at.say(if connected { "connected" } else { "called" });
    });
    world.run_for(Duration::from_secs(1));
    let said = |text: &str| {
        let is_it = |entry: &&Entry| matches!(&entry.what, Happening::Said(said) if said == text);
        world.log().iter().find(is_it).expect("it was said").cause
    };
    assert_eq!(said("called"), None);
    let cause = said("connected").expect("because of a frame");
    let facts = world.frames()[cause.frame].facts().expect("a segment");
    assert!(facts.flags.syn() && facts.flags.ack());
    // The moves that follow from a call have no arrival as their cause.
    let opened = world.log().iter().find_map(|entry| match &entry.what {
        Happening::Traced(record) if record.trace.row().is_some() => Some(entry.cause),
        _ => None,
    });
    assert_eq!(opened, Some(None));
}
