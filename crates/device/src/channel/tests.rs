use super::*;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Wake;
use std::thread::{self, Thread};
use std::time::Duration;
use wire::{Checksum, Offload, Payload, TransmitChecksum, ipv4, tcp};

/// Longer than anything here takes on a busy machine.
const LONG: Duration = Duration::from_secs(20);

#[derive(Default)]
struct Count(AtomicUsize);

impl Count {
    fn taken(&self) -> usize {
        self.0.swap(0, Ordering::Relaxed)
    }
}

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn counter() -> (Arc<Count>, Waker) {
    let count = Arc::new(Count::default());
    (Arc::clone(&count), Waker::from(count))
}

fn numbered(number: usize) -> Frame {
    let mut bytes = vec![0; 40];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    Frame::from_bytes(bytes.into())
}

fn number_of(frame: &Frame) -> usize {
    usize::from_be_bytes(frame.to_vec()[..8].try_into().unwrap())
}

fn frames(numbers: std::ops::Range<usize>) -> VecDeque<Frame> {
    numbers.map(numbered).collect()
}

fn receive_all(link: &ChannelLink) -> usize {
    let mut frames = VecDeque::new();
    while link.receive(&mut frames, 64).unwrap() > 0 {}
    frames.len()
}

#[test]
fn frames_cross_both_ways_in_order() {
    let (link, sender, receiver) = link(LinkCapabilities::default());
    (0..100).for_each(|number| sender.try_send(numbered(number)).unwrap());
    let mut passing = VecDeque::new();
    assert_eq!(link.receive(&mut passing, 64).unwrap(), 64);
    assert_eq!(link.receive(&mut passing, 64).unwrap(), 36);
    assert_eq!(link.transmit(&mut passing).unwrap(), 100);
    assert_eq!(number_of(&receiver.try_recv().unwrap()), 0);
    assert_eq!(receiver.try_recv_many(&mut passing, 1_000), 99);
    assert!(passing.iter().map(number_of).eq(1..100));
    assert_eq!(receiver.try_recv().unwrap_err(), TryRecvError::Empty);
}

#[test]
fn the_link_calls_its_waker_once_after_each_time_that_it_had_nothing() {
    let (link, sender, _receiver) = link(LinkCapabilities::default());
    let (count, waker) = counter();
    assert!(link.poll_fd().is_none());
    sender.try_send(numbered(0)).unwrap();
    assert_eq!(link.set_waker(&waker), WakerUse::Kept);
    // What was there before is found by looking.
    assert_eq!(receive_all(&link), 1);
    for _ in 0..3 {
        sender.try_send(numbered(1)).unwrap();
        sender.try_send(numbered(2)).unwrap();
        assert_eq!(count.taken(), 1);
        assert_eq!(receive_all(&link), 2);
    }
    assert_eq!(count.taken(), 0);
}

#[test]
fn a_second_waker_takes_the_place_of_the_first() {
    let (link, sender, _receiver) = link(LinkCapabilities::default());
    let ((first, waker), (second, other)) = (counter(), counter());
    let _ = link.set_waker(&waker);
    let _ = link.set_waker(&other);
    assert_eq!(Arc::strong_count(&first), 2, "the link has let go of it");
    assert_eq!(receive_all(&link), 0);
    sender.try_send(numbered(0)).unwrap();
    assert_eq!((first.taken(), second.taken()), (0, 1));
}

#[test]
fn a_full_link_calls_its_waker_when_the_program_has_made_room() {
    let (link, _sender, receiver) = link(LinkCapabilities::default());
    let (count, waker) = counter();
    let _ = link.set_waker(&waker);
    let mut waiting = frames(0..QUEUE_FRAMES_MAX + 2);
    assert_eq!(link.transmit(&mut waiting).unwrap(), QUEUE_FRAMES_MAX);
    assert_eq!((link.transmit(&mut waiting).unwrap(), waiting.len(), count.taken()), (0, 2, 0));
    receiver.try_recv().unwrap();
    receiver.try_recv().unwrap();
    assert_eq!(count.taken(), 1);
    assert_eq!(link.transmit(&mut waiting).unwrap(), 2);
    receiver.try_recv().unwrap();
    assert_eq!(count.taken(), 0, "nobody waits for room any more");
}

#[test]
fn a_program_that_was_refused_gets_its_frame_back_and_is_woken_when_there_is_room_for_it() {
    let (link, sender, _receiver) = link(LinkCapabilities::default());
    let (count, waker) = counter();
    let mut context = Context::from_waker(&waker);
    (0..QUEUE_FRAMES_MAX).for_each(|number| sender.try_send(numbered(number)).unwrap());
    let refused = sender.try_send(numbered(7)).unwrap_err();
    assert!(matches!(&refused, TrySendError::Full(frame) if number_of(frame) == 7), "{refused}");
    assert!(sender.poll_ready(&mut context).is_pending());
    assert_eq!(count.taken(), 0);
    assert_eq!(receive_all(&link), QUEUE_FRAMES_MAX);
    assert_eq!(count.taken(), 1);
    assert!(sender.poll_ready(&mut context).is_ready());
}

#[test]
fn room_for_a_small_frame_is_not_room_for_a_large_one() {
    let (link, sender, _receiver) = link(LinkCapabilities::default());
    let large = || Frame::from_bytes(vec![0; QUEUE_BYTES_MAX / 2].into());
    let mut context = Context::from_waker(Waker::noop());
    sender.try_send(large()).unwrap();
    sender.try_send(numbered(0)).unwrap();
    assert!(matches!(sender.try_send(large()), Err(TrySendError::Full(_))));
    assert!(sender.poll_ready(&mut context).is_pending(), "it would find no room, and ask for ever");
    assert_eq!(link.receive(&mut VecDeque::new(), 1).unwrap(), 1);
    assert!(sender.poll_ready(&mut context).is_ready());
    sender.try_send(large()).unwrap();
}

#[test]
fn each_end_learns_that_the_other_is_gone() {
    let (count, waker) = counter();
    let mut context = Context::from_waker(&waker);

    let (dropped, sender, receiver) = link(LinkCapabilities::default());
    assert!(receiver.poll_recv(&mut context).is_pending());
    dropped.transmit(&mut frames(5..6)).unwrap();
    assert_eq!(count.taken(), 1);
    sender.try_send(numbered(0)).unwrap();
    drop(dropped);
    assert_eq!(number_of(&receiver.try_recv().unwrap()), 5, "what was sent before is not lost");
    assert_eq!(receiver.try_recv().unwrap_err(), TryRecvError::Closed);
    assert!(matches!(receiver.poll_recv(&mut context), Poll::Ready(None)));
    assert!(
        matches!(sender.try_send(numbered(1)), Err(TrySendError::Closed(frame)) if number_of(&frame) == 1)
    );
    assert!(sender.is_closed() && lock(&sender.lane).queue.is_empty());

    let (link, sender, receiver) = link(LinkCapabilities::default());
    let _ = link.set_waker(&waker);
    let mut waiting = frames(0..QUEUE_FRAMES_MAX + 1);
    link.transmit(&mut waiting).unwrap();
    sender.try_send(numbered(3)).unwrap();
    count.taken();
    drop((sender, receiver));
    assert!(count.taken() >= 1, "who waits for room learns that nobody will make any");
    assert_eq!((link.transmit(&mut waiting).unwrap(), receive_all(&link)), (1, 1));
    assert_eq!(receive_all(&link), 0);
    assert!(lock(&link.outward).queue.is_empty());
}

#[test]
fn super_segments_are_cut_unless_the_program_takes_them() {
    let mut frame = Frame::default();
    ipv4::Header { protocol: 6, total_bytes: 2_540, ..ipv4::Header::default() }.emit(frame.head.grow(20));
    tcp::Header::default().emit(frame.head.grow(20), tcp::OptionLayout::Linux);
    frame.payload = Payload::from(bytes::Bytes::from(vec![7; 2_500]));
    frame.offload = Offload { segment_bytes: 1_000, checksum: Checksum::Partial { start: 20, offset: 16 } };
    let partial = TransmitChecksum::Partial;
    let able = LinkCapabilities {
        super_segment_bytes_max: 65_000,
        transmit_checksum: partial,
        ..LinkCapabilities::default()
    };
    for (capabilities, expected) in [(LinkCapabilities::default(), 3), (able, 1)] {
        let (link, _sender, receiver) = link(capabilities);
        link.transmit(&mut VecDeque::from([frame.clone()])).unwrap();
        assert_eq!(receiver.try_recv_many(&mut VecDeque::new(), 9), expected);
    }
}

/// Calls back into the channel, which a waker of a program may do.
struct Curious(Mutex<Option<FrameReceiver>>, AtomicUsize);

impl Wake for Curious {
    fn wake(self: Arc<Self>) {
        let receiver = self.0.lock().unwrap();
        self.1
            .fetch_add(receiver.as_ref().unwrap().try_recv_many(&mut VecDeque::new(), 9), Ordering::Relaxed);
    }
}

#[test]
fn wakers_are_called_without_a_lock() {
    let (link, _sender, receiver) = link(LinkCapabilities::default());
    let curious = Arc::new(Curious(Mutex::default(), AtomicUsize::new(0)));
    let waker = Waker::from(Arc::clone(&curious));
    assert!(receiver.poll_recv(&mut Context::from_waker(&waker)).is_pending());
    *curious.0.lock().unwrap() = Some(receiver);
    link.transmit(&mut frames(0..3)).unwrap();
    assert_eq!(curious.1.load(Ordering::Relaxed), 3);
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn park() {
    let before = std::time::Instant::now();
    thread::park_timeout(LONG);
    assert!(before.elapsed() < LONG, "a wake-up was lost");
}

#[test]
fn no_wake_up_is_lost_between_three_threads() {
    const COUNT: usize = 50_000;
    let (link, sender, receiver) = link(LinkCapabilities::default());
    // A user of the link that sends everything back, as slowly as the program reads.
    let user = thread::spawn(move || {
        let _ = link.set_waker(&Waker::from(Arc::new(Unpark(thread::current()))));
        let (mut passing, mut passed) = (VecDeque::new(), 0);
        while passed < COUNT {
            while passing.len() < 100 && link.receive(&mut passing, 32).unwrap() > 0 {}
            let taken = link.transmit(&mut passing).unwrap();
            passed += taken;
            if taken == 0 && (passing.len() >= 100 || link.receive(&mut passing, 32).unwrap() == 0) {
                park();
            }
        }
    });
    let reader = thread::spawn(move || {
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let mut context = Context::from_waker(&waker);
        for expected in 0..COUNT {
            let frame = loop {
                match receiver.poll_recv(&mut context) {
                    Poll::Ready(frame) => break frame.expect("the user has more to send"),
                    Poll::Pending => park(),
                }
            };
            assert_eq!(number_of(&frame), expected);
        }
    });
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    for number in 0..COUNT {
        let mut frame = numbered(number);
        while let Err(error) = sender.try_send(frame) {
            let TrySendError::Full(refused) = error else { panic!("{error}") };
            frame = refused;
            while sender.poll_ready(&mut context).is_pending() {
                park();
            }
        }
    }
    user.join().unwrap();
    reader.join().unwrap();
}
