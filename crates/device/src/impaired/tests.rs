use super::*;
use crate::{MemoryLink, memory};
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
    fn new(transmit: Impairment, receive: Impairment, seed: u64) -> World {
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

fn numbered(number: u16) -> Frame {
    let mut bytes = vec![0; 125];
    bytes[..2].copy_from_slice(&number.to_be_bytes());
    Frame::from_bytes(bytes.into())
}

fn number_of(frame: &Frame) -> u16 {
    let bytes = frame.to_vec();
    u16::from_be_bytes([bytes[0], bytes[1]])
}

fn none() -> Impairment {
    Impairment::default()
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
        let lossy = Impairment { loss: Chance::percent(10.0), duplicate: other, ..none() };
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
    let world = World::new(Impairment { delay: Duration::from_millis(10), ..none() }, none(), 1);
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
    let slow = Impairment { rate_bits_per_s: Some(1_000_000), queue_frames_max: 3, ..none() };
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
    let mixed = Impairment { reorder: Chance::percent(30.0), ..none() };
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
    let world = World::new(Impairment { corrupt: Chance::ALWAYS, ..none() }, none(), 1);
    world.send([numbered(0)]);
    let mut frames = VecDeque::new();
    world.far.receive(&mut frames, 9).unwrap();
    let flipped: u32 =
        frames[0].to_vec().iter().zip(numbered(0).to_vec()).map(|(a, b)| (a ^ b).count_ones()).sum();
    assert_eq!(flipped, 1);
}

#[test]
fn what_is_received_is_impaired_in_its_own_way() {
    let world = World::new(none(), Impairment { duplicate: Chance::ALWAYS, ..none() }, 1);
    world.far.transmit(&mut VecDeque::from([numbered(4)])).unwrap();
    let mut frames = VecDeque::new();
    assert_eq!(world.link.receive(&mut frames, 1).unwrap(), 1);
    assert_eq!(world.link.due_in(), Some(Duration::ZERO), "the second is held because there was no room");
    assert_eq!(world.link.receive(&mut frames, 9).unwrap(), 1);
    assert_eq!(frames.iter().map(number_of).collect::<Vec<_>>(), [4, 4]);
}

#[test]
fn chances_are_clamped() {
    assert_eq!(Chance::percent(250.0), Chance::ALWAYS);
    assert_eq!(Chance::percent(-1.0), Chance::NEVER);
    assert_eq!(Chance::percent(f64::NAN), Chance::NEVER);
    assert_eq!(Chance::percent(0.1), Chance::per_million(1_000));
    assert!(Chance::ALWAYS.happens(u64::MAX) && !Chance::NEVER.happens(0));
}
