use super::*;
use crate::{Chance, Loss, MemoryLink, memory};
use netem::{Lost, PathMtu, Queue, QueueLimit, TooBigAnswer};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use wire::Medium;

const CAPABILITIES: LinkCapabilities = LinkCapabilities {
    medium: Medium::Ip,
    mtu_bytes: 1500,
    super_segment_bytes_max: 65_000,
    transmit_checksum: TransmitChecksum::None,
};

/// An impaired link, its far end, and the clock that the test moves, in microseconds.
struct World {
    link: Box<dyn Link>,
    far: MemoryLink,
    clock: Arc<AtomicU64>,
}

impl World {
    fn new(transmit: Lane, receive: Lane, seed: u64) -> World {
        let (near, far) = memory::pair(CAPABILITIES);
        let clock = Arc::new(AtomicU64::new(5_000_000));
        let time = Arc::clone(&clock);
        let now = move || Duration::from_micros(time.load(Ordering::Relaxed));
        World { link: Box::new(Impaired::with_clock(near, transmit, receive, seed, now)), far, clock }
    }

    fn send(&self, frames: impl IntoIterator<Item = Frame>) {
        let mut frames: VecDeque<Frame> = frames.into_iter().collect();
        self.link.transmit(&mut frames).unwrap();
        assert!(frames.is_empty());
    }

    fn pass(&self, micros: u64) {
        self.clock.fetch_add(micros, Ordering::Relaxed);
        self.link.receive(&mut VecDeque::new(), 0).unwrap();
    }

    /// The numbers of the frames that arrived at the far end.
    fn arrived(&self) -> Vec<u16> {
        let mut frames = VecDeque::new();
        while self.far.receive(&mut frames, 64).unwrap() > 0 {}
        frames.iter().map(number_of).collect()
    }
}

/// An IPv4 packet of nothing, with the number as its identification.
fn numbered(number: u16) -> Frame {
    let mut bytes = vec![0; 125];
    bytes[0] = 0x45;
    bytes[4..6].copy_from_slice(&number.to_be_bytes());
    Frame::from_bytes(bytes.into())
}

fn number_of(frame: &Frame) -> u16 {
    let bytes = frame.to_vec();
    u16::from_be_bytes([bytes[4], bytes[5]])
}

fn none() -> Lane {
    Lane::default()
}

#[test]
fn by_default_nothing_happens_to_frames() {
    let world = World::new(none(), none(), 1);
    world.send((0..100).map(numbered));
    assert_eq!(world.arrived(), (0..100).collect::<Vec<u16>>());
    assert_eq!(world.link.due_in(), None);
}

#[test]
fn the_same_seed_loses_the_same_frames() {
    let run = |seed, other: Chance| {
        let lossy = Lane { loss: Loss::Random(Chance::percent(10.0)), duplicate: other, ..none() };
        let world = World::new(lossy, none(), seed);
        world.send((0..500).map(numbered));
        let mut arrived = world.arrived();
        arrived.dedup();
        arrived
    };
    let first = run(7, Chance::NEVER);
    assert_eq!(first, run(7, Chance::NEVER));
    assert_ne!(first, run(8, Chance::NEVER));
    assert!((420..480).contains(&first.len()), "{} of 500 at 10 % loss", first.len());
    assert_eq!(first, run(7, Chance::ALWAYS), "another impairment does not change which frames are lost");
}

#[test]
fn a_delay_holds_every_frame_for_that_long() {
    let world = World::new(Lane { delay: Duration::from_millis(10), ..none() }, none(), 1);
    world.send([numbered(1)]);
    assert_eq!(world.link.due_in(), Some(Duration::from_millis(10)));
    world.pass(9_999);
    assert_eq!(world.arrived(), []);
    assert_eq!(world.link.due_in(), Some(Duration::from_micros(1)));
    world.pass(1);
    assert_eq!(world.arrived(), [1]);
}

#[test]
fn a_rate_spaces_frames_and_a_full_queue_drops_the_last() {
    // 125 bytes at 1 Mbit/s: a millisecond each.
    let slow = Lane {
        rate_bits_per_s: Some(1_000_000),
        queue: Queue { limit: QueueLimit::Packets(2), ..Queue::default() },
        ..none()
    };
    let world = World::new(slow, none(), 1);
    world.send((0..5).map(numbered));
    let mut arrivals = Vec::new();
    for _ in 0..5 {
        world.pass(1_000);
        arrivals.push(world.arrived());
    }
    assert_eq!(arrivals, [vec![0], vec![1], vec![2], vec![], vec![]]);
}

#[test]
fn a_reordered_frame_is_overtaken() {
    let mixed = Lane { reorder: Chance::percent(30.0), reorder_by: Duration::from_millis(1), ..none() };
    let world = World::new(mixed, none(), 3);
    for number in 0..50 {
        world.send([numbered(number)]);
        world.pass(300);
    }
    world.pass(10_000);
    let mut arrived = world.arrived();
    assert!(!arrived.is_sorted());
    arrived.sort_unstable();
    assert_eq!(arrived, (0..50).collect::<Vec<u16>>());
}

#[test]
fn corruption_flips_one_bit_and_the_checksum_notices() {
    let world = World::new(Lane { corrupt: Chance::ALWAYS, ..none() }, none(), 1);
    world.send([numbered(0)]);
    let mut frames = VecDeque::new();
    world.far.receive(&mut frames, 9).unwrap();
    let flipped: u32 =
        frames[0].to_vec().iter().zip(numbered(0).to_vec()).map(|(a, b)| (a ^ b).count_ones()).sum();
    assert_eq!(flipped, 1);
}

#[test]
fn what_is_received_is_impaired_in_its_own_way() {
    let world = World::new(none(), Lane { duplicate: Chance::ALWAYS, ..none() }, 1);
    world.far.transmit(&mut VecDeque::from([numbered(4)])).unwrap();
    let mut frames = VecDeque::new();
    assert_eq!(world.link.receive(&mut frames, 1).unwrap(), 1);
    assert_eq!(world.link.due_in(), Some(Duration::ZERO), "the second is held because there was no room");
    assert_eq!(world.link.receive(&mut frames, 9).unwrap(), 1);
    assert_eq!(frames.iter().map(number_of).collect::<Vec<_>>(), [4, 4]);
}

#[test]
fn who_sends_what_is_too_big_hears_of_it_at_either_end() {
    let narrow = Lane {
        path_mtu: Some(PathMtu { mtu_bytes: 100, answer: TooBigAnswer::Icmp }),
        delay: Duration::from_millis(2),
        ..none()
    };
    let world = World::new(narrow.clone(), narrow, 1);
    let mut big = vec![0; 200];
    wire::ipv4::Header { total_bytes: 200, ttl: 9, protocol: 17, ..Default::default() }.emit(&mut big);
    let big = Frame::from_bytes(big.into());
    world.send([big.clone()]);
    world.far.transmit(&mut VecDeque::from([big])).unwrap();
    let mut ours = VecDeque::new();
    (0..2).for_each(|_| assert_eq!(world.link.receive(&mut ours, 9).unwrap(), 0));
    assert_eq!(world.link.due_in(), Some(Duration::from_millis(2)));
    world.clock.fetch_add(2_000, Ordering::Relaxed);
    assert_eq!(world.link.receive(&mut ours, 9).unwrap(), 1, "the answer to ours");
    let mut theirs = VecDeque::new();
    assert_eq!(world.far.receive(&mut theirs, 9).unwrap(), 1, "the answer to theirs");
    for answer in [&ours[0], &theirs[0]] {
        assert_eq!(answer.to_vec()[9], wire::ip::protocol::ICMP);
    }
}

#[test]
fn what_is_done_may_change_and_is_counted() {
    let (near, far) = memory::pair(CAPABILITIES);
    let link = Impaired::with_clock(near, none(), none(), 1, || Duration::ZERO);
    link.transmit(&mut VecDeque::from([numbered(1)])).unwrap();
    link.configure(Lane { loss: Loss::Random(Chance::ALWAYS), ..none() }, none());
    link.transmit(&mut VecDeque::from([numbered(2)])).unwrap();
    far.transmit(&mut VecDeque::from([numbered(3)])).unwrap();
    let mut frames = VecDeque::new();
    assert_eq!(link.receive(&mut frames, 9).unwrap(), 1);
    let [sent, received] = link.counts();
    assert_eq!((sent.entered_frames, sent.delivered_frames, sent.lost(Lost::Wire)), (2, 1, 1));
    assert_eq!((received.entered_frames, received.delivered_frames), (1, 1));
}

#[test]
fn a_link_without_room_loses_nothing_and_is_not_asked_in_vain() {
    let (near, far) = memory::pair(CAPABILITIES);
    let link = Impaired::with_clock(near, none(), none(), 1, || Duration::ZERO);
    let sent = 3 * memory::QUEUE_FRAMES_MAX;
    link.transmit(&mut (0..sent).map(|_| numbered(0)).collect()).unwrap();
    assert_eq!(link.due_in(), None, "the link says when it has room");
    let mut frames = VecDeque::new();
    while far.receive(&mut frames, 100).unwrap() > 0 {
        link.receive(&mut VecDeque::new(), 1).unwrap();
    }
    assert_eq!(frames.len(), sent);
}
