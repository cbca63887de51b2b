//! What the lens reads of marks and of path MTU probes out of a capture is what happened in the world.

mod through_a_file;

use lens::{KeepSegments, Kept};
use stack::{Config, ConnectOptions};
use std::time::Duration;
use synfin_sim::apps::{Bulk, Sink};
use synfin_sim::{
    Discipline, Lane, LinkConfig, Marking, PathMtu, Queue, QueueLimit, Recording, TooBigAnswer, Vantage,
    World, captured,
};
use tcp::{EcnFeedback, MtuProbing, SendReason};
use through_a_file::explained;

const MS: Duration = Duration::from_millis(1);

/// A bulk flow from one host over `lane`; all that crossed the sender's card is explained.
fn flow(config: &tcp::Config, lane: &Lane, bytes: u64, lasts: Duration) -> (World, Kept) {
    let mut world = World::new(3);
    world.record(Recording::EVERYTHING);
    let config = Config { tcp: config.clone().into(), ..Config::default() };
    let client = world.add_host("client", config.clone(), &["10.0.0.1"]);
    let server = world.add_host("server", config, &["10.0.0.2"]);
    world.link(client, server, LinkConfig::symmetric(lane.clone()));
    world.start(server, Sink::new(9));
    let options = ConnectOptions::new("10.0.0.2:9".parse().expect("an address and a port"));
    world.start(client, Bulk::new(options, bytes));
    world.run_for(lasts);
    let seen = captured(world.frames(), Vantage::At(client));
    let kept = explained(&seen, Kept { keep_segments: KeepSegments::All, ..Kept::default() });
    (world, kept)
}

#[test]
fn as_many_packets_are_told_as_were_marked() {
    for (feedback, discipline) in [
        (EcnFeedback::Accurate, Discipline::CODEL),
        (EcnFeedback::Accurate, Discipline::dual_pi2()),
        (EcnFeedback::Classic, Discipline::CODEL),
    ] {
        let tcp = tcp::Config { ecn_incoming: feedback, ecn_outgoing: feedback, ..tcp::Config::default() };
        let queue =
            Queue { limit: QueueLimit::Bytes(500_000), discipline, marking: Marking::InsteadOfDropping };
        let lane = Lane { rate_bits_per_s: Some(20_000_000), delay: 10 * MS, queue, ..Lane::default() };
        let (world, kept) = flow(&tcp, &lane, 6_000_000, Duration::from_secs(60));
        let happened = world.frames().iter().filter(|frame| frame.marked).count();
        let connection = &kept.connections[0];
        assert_eq!(connection.handshake.ecn, Some(feedback));
        let marked = connection.directions[0].marked;
        println!("{feedback:?}: {happened} were marked, told of {marked:?}");
        assert!(happened > 5 && marked.told.count > 2, "{happened} {marked:?}");
        if feedback == EcnFeedback::Accurate {
            assert_eq!(marked.told_packets as usize, happened);
        }
        assert!(marked.slowed * 2 > marked.watched, "a sender slows down: {marked:?}");
        assert_eq!((marked.changed, marked.not_counted.count, marked.not_echoed.count), (None, 0, 0));
        assert!(kept.findings.iter().any(|finding| finding.id == lens::FindingId::CongestionMarked));
    }
}

/// A flow whose sender searches for the MTU of a path that carries so much. How many probes, and pieces of lost ones,
/// the lens names as the engine does: all of them, and no others.
fn probed(mtu_bytes: Option<u32>) -> (u32, u32, Kept) {
    let tcp = tcp::Config { mtu_probing: MtuProbing::Always, ..tcp::Config::default() };
    let path_mtu = mtu_bytes.map(|mtu_bytes| PathMtu { mtu_bytes, answer: TooBigAnswer::Silence });
    let lane = Lane { rate_bits_per_s: Some(10_000_000), delay: 10 * MS, path_mtu, ..Lane::default() };
    let (world, kept) = flow(&tcp, &lane, 40_000_000, Duration::from_secs(30));
    let (mut probes, mut resent, mut missed, mut wrong) = (0, 0, 0, 0);
    let client = world.frames()[0].from;
    let sent = world.frames().iter().enumerate().filter(|(_, frame)| frame.from == client);
    let said = kept.segments.iter().filter(|(segment, _)| segment.source.port() != 9);
    for ((number, _), (_, said)) in sent.zip(said) {
        let Some((_, Some(engine))) = world.segment(number) else { continue };
        let is_asked = |reason| matches!(reason, SendReason::PathProbe | SendReason::PathMtu);
        match (engine, said.why.reason) {
            (engine, lens) if engine == lens && is_asked(engine) => {
                probes += u32::from(engine == SendReason::PathProbe);
                resent += u32::from(engine == SendReason::PathMtu);
            }
            (engine, lens) if is_asked(engine) => {
                println!("the engine says {}, the lens {}", engine.name(), lens.name());
                missed += 1;
            }
            (engine, lens) if is_asked(lens) => {
                println!("the lens says {}, the engine {}", lens.name(), engine.name());
                wrong += 1;
            }
            _ => {}
        }
    }
    println!("{probes} probes and {resent} pieces of lost ones alike, {missed} missed, {wrong} wrong");
    assert_eq!((missed, wrong), (0, 0));
    (probes, resent, kept)
}

#[test]
fn probes_of_the_path_and_their_losses_are_what_the_engine_meant() {
    let (probes, resent, kept) = probed(Some(1_350));
    let found = kept.connections[0].directions[0].path_probes;
    assert!(probes >= 3 && resent >= 6, "{probes} {resent}");
    assert_eq!((found.lost, found.lost_bytes_min), (probes, 1_500));
    assert!(kept.findings.iter().all(|finding| finding.id != lens::FindingId::Loss), "{:?}", kept.findings);

    let (probes, resent, kept) = probed(None);
    let found = kept.connections[0].directions[0].path_probes;
    assert!(probes >= 1 && resent == 0, "{probes} {resent}");
    assert_eq!((found.arrived, found.arrived_bytes_max, found.lost), (probes, 1_500, 0));
}
