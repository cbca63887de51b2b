//! Prague through DualPI2 (RFC 9331, RFC 9332): a short queue for L4S, a fair share beside CUBIC, a full link; and what
//! becomes of it where the path is not for L4S.

use stack::{Config, ConnectOptions};
use std::sync::Arc;
use std::time::Duration;
use synfin_sim::apps::{Bulk, Sink};
use synfin_sim::{
    Discipline, EcnRewrite, Experiment, FlowOutcome, FrameRecord, Happening, Lane, LinkConfig, Lost, Marking,
    Middlebox, Outcome, Queue, QueueLimit, Recording, Stop, World,
};
use tcp::{CongestionControl, EcnFeedback, ScalableDoubt, Trace};
use wire::ip::Ecn;

const MS: Duration = Duration::from_millis(1);
const LASTS: Duration = Duration::from_secs(14);
/// When the rates have had time to converge.
const STARTED: Duration = Duration::from_secs(6);

/// 100 Mbit/s, for these flows; only Prague asks for ECN, and the server can do all of it.
fn run(rtt: Duration, discipline: Discipline, congestion: &[CongestionControl]) -> Outcome {
    let config = tcp::Config { ecn_incoming: EcnFeedback::Accurate, ..tcp::Config::default() };
    let limit = QueueLimit::Bytes(3_000_000);
    let experiment = Experiment {
        stop: Stop::After(LASTS),
        rtt,
        flows: congestion.len(),
        congestion: congestion.to_vec(),
        queue: Some(Queue { limit, discipline, marking: Marking::InsteadOfDropping }),
        config: Arc::new(config),
        ..Experiment::default()
    };
    experiment.run()
}

/// Megabits per second of each flow once started.
fn rates(outcome: &Outcome) -> Vec<f64> {
    let rate = |flow: &FlowOutcome| {
        let started = flow.delivered.iter().find(|(at, _)| at.since(tcp::Instant::ZERO) >= STARTED);
        let bytes = flow.bytes - started.expect("it lasts longer").1;
        bytes as f64 * 8.0 / (LASTS - STARTED).as_secs_f64() / 1e6
    };
    outcome.flows.iter().map(rate).collect()
}

fn longest_wait(outcome: &Outcome) -> Duration {
    outcome.waits.low.below(0.99).expect("L4S packets have waited")
}

#[test]
fn beside_cubic_it_has_a_fair_share_a_short_queue_and_the_link_is_full() {
    use CongestionControl::{Cubic, Prague};
    for rtt in [5 * MS, 20 * MS] {
        let outcome = run(rtt, Discipline::dual_pi2(), &[Prague, Cubic]);
        let rates = rates(&outcome);
        let (ratio, all) = (rates[0] / rates[1], rates[0] + rates[1]);
        assert!((0.55..1.9).contains(&ratio), "{rtt:?}: {rates:?}");
        assert!(all >= 95.0, "{rtt:?}: {rates:?}");
        assert!(longest_wait(&outcome) < MS, "{rtt:?}: {:?}", longest_wait(&outcome));
        let classic = outcome.waits.classic.below(0.5).expect("CUBIC has waited");
        assert!(classic > 10 * MS, "the other queue is the long one: {classic:?}");
        assert!(!outcome.lost.iter().any(|(why, _)| *why == Lost::QueueFull), "{:?}", outcome.lost);
    }
}

#[test]
fn alone_it_fills_the_link_with_a_queue_of_a_millisecond() {
    let outcome = run(20 * MS, Discipline::dual_pi2(), &[CongestionControl::Prague]);
    let rates = rates(&outcome);
    assert!(rates[0] >= 95.0, "{rates:?}");
    assert!(longest_wait(&outcome) < 2 * MS, "{:?}", longest_wait(&outcome));
    assert!(outcome.lost.is_empty(), "nothing is lost, not even in slow start: {:?}", outcome.lost);
}

#[test]
fn two_of_them_share_a_full_link_evenly() {
    let rate = |rtt| {
        let outcome = run(rtt, Discipline::dual_pi2(), &[CongestionControl::Prague; 2]);
        let rates = rates(&outcome);
        assert!((0.8..1.25).contains(&(rates[0] / rates[1])), "{rtt:?}: {rates:?}");
        rates[0] + rates[1]
    };
    assert!(rate(5 * MS) >= 95.0 && rate(20 * MS) >= 93.0);
}

#[test]
fn a_classic_queue_that_marks_is_noticed_and_shared_with_cubic() {
    use CongestionControl::{Cubic, Prague};
    let outcome = run(20 * MS, Discipline::CODEL, &[Prague, Cubic]);
    let rates = rates(&outcome);
    assert!((0.4..2.5).contains(&(rates[0] / rates[1])), "{rates:?}");
}

/// A transfer of 6 MB over 20 Mbit/s and 20 ms with DualPI2: the fields of the packets with text as they left, and why
/// CUBIC took over, if it did.
struct Story {
    fields: Vec<Ecn>,
    doubt: Option<ScalableDoubt>,
}

fn transfer(ecn_of_server: EcnFeedback, middlebox: Option<Middlebox>, dropping: bool) -> Story {
    let mut world = World::new(7);
    world.record(Recording::EVERYTHING);
    let config = |ecn_incoming, congestion| {
        let tcp = tcp::Config { ecn_incoming, congestion, ..tcp::Config::default() };
        Config { tcp: Arc::new(tcp), ..Config::default() }
    };
    let client = world.add_host("client", config(EcnFeedback::Off, CongestionControl::Prague), &["10.0.0.1"]);
    let server = world.add_host("server", config(ecn_of_server, CongestionControl::Cubic), &["10.0.0.2"]);
    let discipline = if dropping { Discipline::DropTail } else { Discipline::dual_pi2() };
    let queue = Queue { limit: QueueLimit::Bytes(50_000), discipline, ..Queue::default() };
    let backward = Lane { rate_bits_per_s: Some(20_000_000), delay: 10 * MS, queue, ..Lane::default() };
    let forward = Lane { middlebox, ..backward.clone() };
    world.link(client, server, LinkConfig { forward, backward, ..LinkConfig::default() });
    let sink = Sink::new(9);
    let seen = sink.seen();
    world.start(server, sink);
    let options = ConnectOptions::new("10.0.0.2:9".parse().expect("an address"));
    world.start(client, Bulk::new(options, 6_000_000));
    world.run_for(Duration::from_secs(60));
    let seen = seen.borrow();
    assert_eq!((seen[0].bytes, seen[0].wrong_at, seen[0].failed), (6_000_000, None, None));
    let has_text = |frame: &&FrameRecord| {
        frame.from == client && frame.tcp().is_some_and(|(_, text_bytes)| text_bytes > 0)
    };
    let fields = world.frames().iter().filter(has_text).map(field_of).collect();
    let doubt = world.log().iter().find_map(|entry| match &entry.what {
        Happening::Traced(record) => match record.trace {
            Trace::NotScalable { doubt } => Some(doubt),
            _ => None,
        },
        _ => None,
    });
    Story { fields, doubt }
}

/// The field of an IPv4 packet: the lower two bits of its second byte.
fn field_of(record: &FrameRecord) -> Ecn {
    match record.frame.head.as_slice()[1] & 3 {
        1 => Ecn::Capable1,
        2 => Ecn::Capable0,
        3 => Ecn::CongestionExperienced,
        _ => Ecn::NotCapable,
    }
}

fn count(story: &Story, field: Ecn) -> usize {
    story.fields.iter().filter(|seen| **seen == field).count()
}

#[test]
fn text_is_ect1_where_accecn_was_agreed_upon_and_ect0_or_nothing_elsewhere() {
    let scalable = transfer(EcnFeedback::Accurate, None, false);
    assert_eq!(scalable.doubt, None);
    assert!(count(&scalable, Ecn::Capable1) > 4_000 && count(&scalable, Ecn::Capable0) == 0);
    let classic = transfer(EcnFeedback::Classic, None, false);
    assert_eq!(classic.doubt, Some(ScalableDoubt::NoFeedback));
    assert!(count(&classic, Ecn::Capable0) > 4_000 && count(&classic, Ecn::Capable1) == 0);
    let none = transfer(EcnFeedback::Off, None, false);
    assert_eq!(none.doubt, Some(ScalableDoubt::NoFeedback));
    assert_eq!(count(&none, Ecn::NotCapable), none.fields.len());
}

#[test]
fn a_path_that_clears_the_field_gets_cubic_at_the_first_loss() {
    let clears = Middlebox { ecn: EcnRewrite::BLEACHED, ..Middlebox::default() };
    let story = transfer(EcnFeedback::Accurate, Some(clears), true);
    assert_eq!(story.doubt, Some(ScalableDoubt::Unconfirmed));
    let first = story.fields.iter().position(|field| *field == Ecn::Capable0).expect("ECT(0) from then on");
    assert!(!story.fields[first..].contains(&Ecn::Capable1), "and nothing else");
    // The same losses where the field gets through are losses, and no more.
    let story = transfer(EcnFeedback::Accurate, None, true);
    assert_eq!(story.doubt, None);
}
