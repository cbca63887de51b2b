//! Paths that carry less than their links: black holes heal by themselves, and what has become smaller is tried larger
//! again (RFC 4821, RFC 8201 §4).

use stack::{Config, ConnectOptions};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;
use synfin_sim::apps::{Bulk, Shared, Sink, Transfer};
use synfin_sim::{
    Happening, Lane, LinkConfig, LinkId, PathMtu, Queue, QueueLimit, Recording, TooBigAnswer, World,
};
use tcp::{Instant, MtuProbing, Trace};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const REMOTES: [&str; 2] = ["10.0.0.2:7", "[fd00::2]:7"];
/// Bytes of a TCP header with timestamps.
const TCP_HEADER_BYTES: u64 = 32;
const ENDLESS: u64 = u64::MAX / 2;

/// A stream over a link of some bits a second, whose queue has room for fifty packets.
struct Stream {
    world: World,
    link: LinkId,
    read: Shared<Vec<Transfer>>,
    /// What the client said of its path.
    said: Rc<RefCell<Vec<(Instant, Trace)>>>,
    ip_header_bytes: u64,
    rate_bits_per_s: u64,
}

fn narrow(mtu_bytes: u32, answer: TooBigAnswer) -> Option<PathMtu> {
    Some(PathMtu { mtu_bytes, answer })
}

impl Stream {
    fn new(remote: &str, rate_bits_per_s: u64, bytes: u64, mtu_probing: MtuProbing) -> Self {
        let mut world = World::new(1);
        world.record(Recording { frames_max: 0, entries_max: 1 });
        let tcp = tcp::Config { mtu_probing, ..tcp::Config::default() };
        let config = Config { tcp: tcp.into(), ..Config::default() };
        let client = world.add_host("client", config, &["10.0.0.1", "fd00::1"]);
        let server = world.add_host("server", Config::default(), &["10.0.0.2", "fd00::2"]);
        let queue = Queue { limit: QueueLimit::Packets(50), ..Queue::default() };
        let lane = Lane { rate_bits_per_s: Some(rate_bits_per_s), delay: 10 * MS, queue, ..Lane::default() };
        let link = world.link(client, server, LinkConfig::symmetric(lane));
        let said = Rc::new(RefCell::new(Vec::new()));
        let keep = said.clone();
        world.observe(client, move |entry| {
            if let Happening::Traced(record) = &entry.what
                && let Trace::PathMtu { .. } | Trace::PathProbe { .. } | Trace::BlackHole { .. } =
                    record.trace
            {
                keep.borrow_mut().push((entry.at, record.trace));
            }
        });
        let sink = Sink::new(7);
        let read = sink.seen();
        world.start(server, sink);
        let options = ConnectOptions::new(remote.parse().expect("an address and a port"));
        world.start(client, Bulk::new(options, bytes));
        let ip_header_bytes = if remote.starts_with('[') { 40 } else { 20 };
        Stream { world, link, read, said, ip_header_bytes, rate_bits_per_s }
    }

    fn set_path(&mut self, path_mtu: Option<PathMtu>) {
        self.world.change_link(self.link, |link| link.forward.path_mtu = path_mtu);
    }

    fn bytes(&self) -> u64 {
        let read = self.read.borrow();
        assert!(read.iter().all(|read| read.wrong_at.is_none() && read.failed.is_none()), "{read:?}");
        read.first().map_or(0, |read| read.bytes)
    }

    /// Which part of what the link carries at best in packets of this size arrives, in percent.
    fn percent_of(&mut self, mtu_bytes: u64, seconds: u64) -> u64 {
        let before = self.bytes();
        self.world.run_for(SECOND * seconds as u32);
        let text_bytes = mtu_bytes - self.ip_header_bytes - TCP_HEADER_BYTES;
        let best = self.rate_bits_per_s / 8 * seconds * text_bytes / mtu_bytes;
        ((self.bytes() - before) * 1_000 / best).div_ceil(10)
    }

    /// When the client first said this.
    fn said_at(&self, is_it: impl Fn(&Trace) -> bool) -> Option<Duration> {
        let said = self.said.borrow();
        said.iter().find(|(_, trace)| is_it(trace)).map(|(at, _)| at.since(Instant::ZERO))
    }

    /// The MTU that the client uses now.
    fn mtu_bytes(&self) -> u32 {
        let said = self.said.borrow();
        let last = said.iter().rev().find_map(|(_, trace)| match trace {
            Trace::PathMtu { mtu_bytes } => Some(u32::from(*mtu_bytes)),
            _ => None,
        });
        last.unwrap_or(1_500)
    }
}

#[test]
fn a_black_hole_heals_within_a_second_and_its_size_is_found() {
    for remote in REMOTES {
        for mtu_bytes in [1_280, 1_400] {
            let mut stream = Stream::new(remote, 10_000_000, ENDLESS, MtuProbing::OnBlackHole);
            stream.set_path(narrow(mtu_bytes, TooBigAnswer::Silence));
            stream.world.run_for(SECOND);
            let first_at = stream.read.borrow()[0].first_at.expect("text arrives");
            println!("{remote} {mtu_bytes}: first text after {:?}", first_at.since(Instant::ZERO));
            assert!(stream.bytes() > 0);
            stream.world.run_for(59 * SECOND);
            assert_eq!(stream.mtu_bytes(), mtu_bytes, "{remote}");
            let percent = stream.percent_of(mtu_bytes.into(), 10);
            println!("{remote} {mtu_bytes}: {percent} % of the best after a minute");
            assert!(percent >= 97, "{remote} {mtu_bytes}: {percent} % of what the link carries");
        }
    }
}

#[test]
fn without_probes_nothing_large_ever_arrives() {
    let mut stream = Stream::new(REMOTES[0], 10_000_000, ENDLESS, MtuProbing::Off);
    stream.set_path(narrow(1_400, TooBigAnswer::Silence));
    stream.world.run_for(30 * SECOND);
    assert_eq!(stream.bytes(), 0);
}

#[test]
fn a_short_transfer_through_a_black_hole_is_complete() {
    for remote in REMOTES {
        for bytes in [1_300, 5_000, 100_000] {
            let mut stream = Stream::new(remote, 10_000_000, bytes, MtuProbing::OnBlackHole);
            stream.set_path(narrow(1_280, TooBigAnswer::Silence));
            stream.world.run_for(10 * SECOND);
            assert_eq!(stream.bytes(), bytes, "{remote}");
            assert!(stream.read.borrow()[0].done_at.is_some(), "{remote} {bytes}");
        }
    }
}

#[test]
fn a_path_that_shrinks_in_the_middle_goes_on_and_is_used_in_full_when_it_grows_again() {
    for remote in REMOTES {
        for answer in [TooBigAnswer::Icmp, TooBigAnswer::Silence] {
            let mut stream = Stream::new(remote, 2_000_000, ENDLESS, MtuProbing::OnBlackHole);
            stream.world.run_for(5 * SECOND);
            stream.set_path(narrow(1_300, answer));
            stream.world.run_for(30 * SECOND);
            let path = stream.mtu_bytes();
            assert!((1_280..=1_300).contains(&path), "{remote} {answer:?}: {path}");
            assert!(stream.percent_of(1_280, 10) >= 95, "{remote} {answer:?}");
            stream.set_path(None);
            stream.world.run_for(240 * SECOND);
            if answer == TooBigAnswer::Icmp {
                assert_eq!(stream.mtu_bytes(), 1_300, "not so soon after it was said");
            }
            stream.world.run_for(700 * SECOND);
            assert_eq!(stream.mtu_bytes(), 1_500, "{remote} {answer:?}: {:?}", stream.said.borrow());
        }
    }
}

#[test]
fn connections_that_begin_small_are_large_soon() {
    for remote in REMOTES {
        let mut stream = Stream::new(remote, 10_000_000, ENDLESS, MtuProbing::Always);
        stream.world.run_for(2 * SECOND);
        let at = stream.said_at(|trace| *trace == Trace::PathMtu { mtu_bytes: 1_500 });
        assert!(at.is_some_and(|at| at < SECOND), "{remote}: {at:?}");
    }
}
