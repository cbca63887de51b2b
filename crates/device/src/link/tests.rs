use super::*;
use crate::{Direction, Impaired, Lane, Tap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Wake;

/// A link without descriptor: what was put into it is received, and each time it calls its waker.
#[derive(Default)]
struct Mailbox {
    frames: Mutex<VecDeque<Frame>>,
    waker: Mutex<Option<Waker>>,
}

impl Mailbox {
    fn put(&self, count: usize) {
        let frame = Frame::from_bytes(vec![0; 20].into());
        self.frames.lock().unwrap().extend(std::iter::repeat_n(frame, count));
        let waker = self.waker.lock().unwrap().clone();
        waker.expect("the waker was passed on").wake();
    }
}

impl Link for Mailbox {
    fn capabilities(&self) -> LinkCapabilities {
        LinkCapabilities::default()
    }
    fn transmit(&self, frames: &mut VecDeque<Frame>) -> io::Result<usize> {
        Ok(frames.drain(..).count())
    }
    fn receive(&self, frames: &mut VecDeque<Frame>, frames_max: usize) -> io::Result<usize> {
        let mut held = self.frames.lock().unwrap_or_else(PoisonError::into_inner);
        let count = frames_max.min(held.len());
        frames.extend(held.drain(..count));
        Ok(count)
    }
    fn poll_fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }
    fn set_waker(&self, waker: &Waker) -> WakerUse {
        *self.waker.lock().unwrap() = Some(waker.clone());
        WakerUse::Kept
    }
}

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_waker_reaches_the_link_through_every_wrapper() {
    let mailbox = Arc::new(Mailbox::default());
    let shared: Arc<dyn Link> = mailbox.clone();
    let tapped = Tap::new(Box::new(shared), |_: Direction, _: Duration, _: &Frame| {});
    let link = Impaired::new(tapped, Lane::default(), Lane::default(), 1);
    let count = Arc::new(Count::default());
    assert_eq!(link.set_waker(&Waker::from(Arc::clone(&count))), WakerUse::Kept);
    mailbox.put(1);
    assert_eq!(count.0.load(Ordering::Relaxed), 1);
}

#[test]
fn a_link_that_holds_frames_back_is_asked_until_the_link_inside_has_nothing_more() {
    let mailbox = Arc::new(Mailbox::default());
    let late = Lane { delay: Duration::from_secs(1), ..Lane::default() };
    let link = Impaired::with_clock(Arc::clone(&mailbox), late.clone(), late, 1, || Duration::from_secs(7));
    let _ = link.set_waker(Waker::noop());
    mailbox.put(5);
    let mut frames = VecDeque::new();
    let mut asked = 0;
    // The link inside has called its waker once for the five, and two are taken at a time.
    loop {
        assert_eq!(link.receive(&mut frames, 2).unwrap(), 0, "nothing is due yet");
        asked += 1;
        if link.due_in() != Some(Duration::ZERO) {
            break;
        }
    }
    assert_eq!((asked, mailbox.frames.lock().unwrap().len()), (4, 0));
    assert_eq!(link.due_in(), Some(Duration::from_secs(1)));
}
