use super::*;
use netem::Lane;
use std::os::fd::BorrowedFd;
use std::sync::Mutex;
use wire::{LinkCapabilities, Medium};

/// A link of which a test says what it has and what it takes.
#[derive(Debug, Default)]
struct Staged {
    inbox: Mutex<VecDeque<Frame>>,
    /// What it does with the next frames: takes, refuses, or is full.
    answers: Mutex<VecDeque<Answer>>,
    taken: Mutex<Vec<usize>>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Answer {
    Takes,
    Refuses,
    IsFull,
}

impl Link for Staged {
    fn capabilities(&self) -> LinkCapabilities {
        LinkCapabilities::default()
    }

    fn transmit(&self, frames: &mut VecDeque<Frame>) -> io::Result<usize> {
        let mut count = 0;
        while let Some(frame) = frames.pop_front() {
            match self.answers.lock().unwrap().pop_front().unwrap_or(Answer::Takes) {
                Answer::Takes => self.taken.lock().unwrap().push(frame.len()),
                Answer::Refuses => return Err(io::ErrorKind::InvalidInput.into()),
                Answer::IsFull => {
                    frames.push_front(frame);
                    break;
                }
            }
            count += 1;
        }
        Ok(count)
    }

    fn receive(&self, frames: &mut VecDeque<Frame>, frames_max: usize) -> io::Result<usize> {
        let mut inbox = self.inbox.lock().unwrap();
        let count = frames_max.min(inbox.len());
        frames.extend(inbox.drain(..count));
        Ok(count)
    }

    fn poll_fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

#[derive(Debug, Default)]
struct Seen {
    entered: usize,
    leaving: usize,
    left: Vec<usize>,
    refused: usize,
}

impl Watch for Seen {
    fn enters(&mut self, _: &Frame) {
        self.entered += 1;
    }

    fn leaves(&mut self, _: &Leaving) {
        self.leaving += 1;
    }

    fn has_left(&mut self, bytes: usize, _: Duration) {
        self.left.push(bytes);
    }

    fn is_refused(&mut self) {
        self.refused += 1;
    }
}

/// Three frames of 41, 42 and 43 bytes over a wire that does nothing to them, to a link that answers so.
fn three(answers: &[Answer], turns: usize) -> (Seen, Vec<usize>) {
    let (from, to) = (Arc::new(Staged::default()), Arc::new(Staged::default()));
    from.inbox.lock().unwrap().extend((41..44).map(|bytes| Frame::from_bytes(vec![0x45; bytes].into())));
    to.answers.lock().unwrap().extend(answers);
    let pipe = Pipe::new(Lane::default(), 1, Medium::Ip);
    let mut carrier = Carrier::new(from, to.clone(), pipe, Instant::now());
    let mut seen = Seen::default();
    (0..turns).for_each(|_| carrier.turn(&mut seen, Duration::ZERO).unwrap());
    let taken = to.taken.lock().unwrap().clone();
    (seen, taken)
}

#[test]
fn frames_cross_in_order_and_are_told_of() {
    let (seen, taken) = three(&[], 1);
    assert_eq!(taken, [41, 42, 43]);
    assert_eq!((seen.entered, seen.leaving, seen.refused, seen.left), (3, 3, 0, vec![41, 42, 43]));
}

#[test]
fn a_frame_that_is_refused_is_told_and_the_next_ones_cross() {
    let (seen, taken) = three(&[Answer::Takes, Answer::Refuses], 1);
    assert_eq!(taken, [41, 43]);
    assert_eq!((seen.refused, seen.left), (1, vec![41, 43]));
}

#[test]
fn a_full_link_gets_the_rest_when_it_has_room() {
    let answers = [Answer::Takes, Answer::IsFull];
    let (seen, taken) = three(&answers, 1);
    assert_eq!((taken.as_slice(), seen.left.as_slice(), seen.leaving), (&[41][..], &[41][..], 3));
    let (seen, taken) = three(&answers, 2);
    assert_eq!(
        (taken.as_slice(), seen.left.as_slice(), seen.leaving),
        (&[41, 42, 43][..], &[41, 42, 43][..], 3)
    );
}
