use super::*;
use crate::wait;
use std::time::Duration;
use wire::{Checksum, Medium, Offload, TransmitChecksum, ipv4, segmentation, tcp};

const MTU_1500: LinkCapabilities = LinkCapabilities {
    medium: Medium::Ip,
    mtu_bytes: 1500,
    super_segment_bytes_max: 0,
    transmit_checksum: TransmitChecksum::Full,
};
const WHOLE: LinkCapabilities = LinkCapabilities {
    super_segment_bytes_max: 65_000,
    transmit_checksum: TransmitChecksum::None,
    ..MTU_1500
};
const AT_ONCE: Option<Duration> = Some(Duration::ZERO);

fn small(byte: u8) -> Frame {
    Frame::from_bytes(vec![byte; 40].into())
}

fn super_segment(text_bytes: usize, checksum: Checksum) -> Frame {
    let mut frame = Frame::default();
    let total_bytes = (40 + text_bytes) as u16;
    ipv4::Header { protocol: 6, total_bytes, ..ipv4::Header::default() }.emit(frame.head.grow(20));
    tcp::Header::default().emit(frame.head.grow(20), tcp::OptionLayout::Linux);
    frame.payload = wire::Payload::from(bytes::Bytes::from(vec![7; text_bytes]));
    frame.offload = Offload { segment_bytes: 1_000, checksum };
    frame
}

fn readable(link: &MemoryLink) -> bool {
    wait(&[link.poll_fd().unwrap()], AT_ONCE).unwrap().contains(0)
}

#[test]
fn frames_arrive_in_order_and_without_a_copy() {
    let (here, there) = pair(WHOLE);
    let frame = super_segment(60_000, Checksum::Trusted);
    let memory = frame.payload.contiguous().unwrap().as_ptr();
    let mut frames = VecDeque::from([small(1), frame, small(2)]);
    assert_eq!(here.transmit(&mut frames).unwrap(), 3);
    assert!(frames.is_empty());
    assert_eq!(there.receive(&mut frames, 2).unwrap(), 2);
    assert_eq!(there.receive(&mut frames, 9).unwrap(), 1);
    assert_eq!(there.receive(&mut frames, 9).unwrap(), 0);
    assert_eq!(frames[0].to_vec(), vec![1; 40]);
    assert_eq!(frames[1].payload.contiguous().unwrap().as_ptr(), memory);
    assert_eq!(frames[2].to_vec(), vec![2; 40]);
}

#[test]
fn a_link_that_cuts_delivers_segments_with_good_checksums() {
    let (here, there) = pair(MTU_1500);
    let partial = Checksum::Partial { start: 20, offset: 16 };
    let mut frames = VecDeque::from([super_segment(2_500, partial)]);
    here.transmit(&mut frames).unwrap();
    assert_eq!(there.receive(&mut frames, 9).unwrap(), 3);
    for frame in &frames {
        assert_eq!(frame.offload, Offload::default());
        assert_eq!(segmentation::checksum_is_good(frame, Medium::Ip), Some(true));
    }
}

#[test]
fn a_full_queue_leaves_the_rest_and_says_when_there_is_room() {
    let (here, there) = pair(MTU_1500);
    assert!(!readable(&here));
    let mut frames: VecDeque<Frame> = (0..QUEUE_FRAMES_MAX + 5).map(|_| small(0)).collect();
    assert_eq!(here.transmit(&mut frames).unwrap(), QUEUE_FRAMES_MAX);
    assert_eq!(frames.len(), 5);
    assert!(!readable(&here));
    let mut arrived = VecDeque::new();
    there.receive(&mut arrived, 3).unwrap();
    assert!(readable(&here), "the sender must notice that there is room");
    assert_eq!(here.transmit(&mut frames).unwrap(), 3);
    assert_eq!(here.receive(&mut arrived, 1).unwrap(), 0);
    assert!(!readable(&here), "it must be readable once");
    while there.receive(&mut arrived, 64).unwrap() > 0 {}
    assert_eq!(arrived.len(), QUEUE_FRAMES_MAX + 3);
    assert_eq!(there.here.lock().queue.len(), (0, 0));
}

#[test]
fn bytes_are_bounded_too() {
    let (here, _there) = pair(WHOLE);
    let mut frames: VecDeque<Frame> = (0..600).map(|_| super_segment(60_000, Checksum::Trusted)).collect();
    assert_eq!(here.transmit(&mut frames).unwrap(), QUEUE_BYTES_MAX / 60_040);
}

#[test]
fn the_descriptor_is_readable_exactly_while_there_are_frames() {
    let (here, there) = pair(MTU_1500);
    here.transmit(&mut VecDeque::from([small(1)])).unwrap();
    // The first call of `poll_fd`, when a frame is waiting already.
    assert!(readable(&there));
    here.transmit(&mut VecDeque::from([small(2)])).unwrap();
    let mut frames = VecDeque::new();
    there.receive(&mut frames, 1).unwrap();
    assert!(readable(&there));
    there.receive(&mut frames, 1).unwrap();
    assert!(!readable(&there));
}

#[test]
fn a_sleeping_receiver_is_woken() {
    let (here, there) = pair(MTU_1500);
    let receiver = std::thread::spawn(move || {
        let mut frames = VecDeque::new();
        let mut sleeps = 0;
        while frames.len() < 1_000 {
            if there.receive(&mut frames, 64).unwrap() == 0 {
                let ready = wait(&[there.poll_fd().unwrap()], Some(Duration::from_secs(20))).unwrap();
                assert!(ready.contains(0), "woken by time instead of by a frame");
                sleeps += 1;
            }
        }
        (frames, sleeps)
    });
    for number in 0..1_000 {
        if number % 100 == 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
        here.transmit(&mut VecDeque::from([small(number as u8)])).unwrap();
    }
    let (frames, sleeps) = receiver.join().unwrap();
    assert!(frames.iter().enumerate().all(|(number, frame)| frame.to_vec()[0] == number as u8));
    assert!(sleeps > 0);
}

#[test]
fn a_wire_whose_other_end_was_dropped_loses_everything() {
    let (here, there) = pair(MTU_1500);
    drop(there);
    let mut frames: VecDeque<Frame> = (0..QUEUE_FRAMES_MAX * 2).map(|_| small(0)).collect();
    assert_eq!(here.transmit(&mut frames).unwrap(), QUEUE_FRAMES_MAX * 2);
    assert_eq!(here.there.lock().queue.len(), (0, 0));
}

#[derive(Default)]
struct Count(std::sync::atomic::AtomicUsize);

impl Count {
    fn taken(&self) -> usize {
        self.0.swap(0, std::sync::atomic::Ordering::Relaxed)
    }
}

impl std::task::Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }
}

#[test]
fn a_waker_is_called_when_frames_come_and_when_there_is_room_without_any_descriptor() {
    let (here, there) = pair(MTU_1500);
    let counts = [Arc::new(Count::default()), Arc::new(Count::default())];
    for (end, count) in [&here, &there].into_iter().zip(&counts) {
        assert_eq!(end.set_waker(&Waker::from(Arc::clone(count))), WakerUse::Kept);
    }
    let [ours, theirs] = &counts;
    let mut frames: VecDeque<Frame> = (0..QUEUE_FRAMES_MAX + 5).map(|_| small(0)).collect();
    here.transmit(&mut frames).unwrap();
    assert_eq!((ours.taken(), theirs.taken()), (0, 1));
    let mut arrived = VecDeque::new();
    there.receive(&mut arrived, 3).unwrap();
    there.receive(&mut arrived, 3).unwrap();
    assert_eq!((ours.taken(), theirs.taken()), (1, 0), "room was made, once");
    while there.receive(&mut arrived, 64).unwrap() > 0 {}
    assert_eq!(here.receive(&mut VecDeque::new(), 64).unwrap(), 0);
    here.transmit(&mut frames).unwrap();
    assert_eq!((ours.taken(), theirs.taken()), (0, 1));
    assert!(here.here.event.get().is_none() && there.here.event.get().is_none());
    // A descriptor that is asked for later knows what has come before.
    assert!(readable(&there) && !readable(&here));
}

#[test]
fn a_sender_that_waits_for_room_is_woken_when_the_other_end_goes() {
    let (here, there) = pair(MTU_1500);
    let count = Arc::new(Count::default());
    let _ = here.set_waker(&Waker::from(Arc::clone(&count)));
    let mut frames: VecDeque<Frame> = (0..QUEUE_FRAMES_MAX + 1).map(|_| small(0)).collect();
    here.transmit(&mut frames).unwrap();
    drop(there);
    assert_eq!(count.taken(), 1);
    assert_eq!(here.transmit(&mut frames).unwrap(), 1);
}
