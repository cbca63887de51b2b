//! Who waits for what: the places of a socket in which wakers are left.
//!
//! A socket has one slot for a reader and one for a writer. They are for callers that poll, as `AsyncRead` and
//! `AsyncWrite` do: the waker of the last poll counts, and the one before it is forgotten. Everybody else (a thread in
//! a blocking call, a future that waits for readiness or for a connection) is a [`Waiter`]: it has an entry of its own,
//! so that several can wait at once, and takes it away when it stops waiting. So a socket never holds more
//! wakers than there are threads and futures that wait on it.
//!
//! Wakers are taken out while the stack is locked and woken after it is released ([`Wakeups`]), so that who is woken
//! does not run into the lock; those that are replaced or forgotten are dropped after it, too, because a waker may own
//! a task, and the task a socket. Nothing here knows what a socket is ready *for*: who is woken tries again.

use std::num::NonZeroU64;
use std::task::Waker;

/// What a caller waits for.
///
/// There are no others: a driver may match on all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interest {
    /// Data, a connection to accept, a datagram, the peer's FIN, or a failure.
    Read,
    /// Room in the send queue, the end of a handshake or of a close, or a failure.
    Write,
    /// Any of these.
    Either,
}

impl Interest {
    const fn covers(self, other: Interest) -> bool {
        matches!(
            (self, other),
            (Interest::Either, _)
                | (_, Interest::Either)
                | (Interest::Read, Interest::Read)
                | (Interest::Write, Interest::Write)
        )
    }
}

/// Where the waker of a call that cannot be finished yet is left.
///
/// There are no others: a driver may match on all of them.
#[derive(Debug)]
pub enum Place<'a> {
    /// Nowhere: the caller does not wait.
    Nowhere,
    /// In the socket's slot for this interest, in the place of the one that was there. [`Interest::Either`] takes both.
    Slot,
    /// In an entry of the caller's own.
    Entry(&'a mut Waiter),
}

/// A call that may be polled several times: it keeps its entry in the socket's list.
///
/// Give it to [`crate::Core::forget`] when the call is given up before it was ready.
#[derive(Debug, Default)]
pub struct Waiter(Option<NonZeroU64>);

impl Waiter {
    /// Nobody waits yet.
    pub const fn new() -> Waiter {
        Waiter(None)
    }

    /// Whether an entry may be left in the socket.
    pub const fn is_waiting(&self) -> bool {
        self.0.is_some()
    }
}

/// The wakers of one socket.
#[derive(Debug, Default)]
pub(crate) struct Wakers {
    reader: Option<Waker>,
    writer: Option<Waker>,
    /// As many as there are threads and futures that wait, in the order in which they began.
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    key: NonZeroU64,
    interest: Interest,
    waker: Waker,
}

impl Wakers {
    /// Leaves a waker; `next_key` is where new entries get their numbers from. What it replaces is in `wakeups`.
    pub(crate) fn register(
        &mut self,
        interest: Interest,
        place: Place<'_>,
        waker: &Waker,
        next_key: &mut u64,
        wakeups: &mut Wakeups,
    ) {
        match place {
            Place::Nowhere => {}
            Place::Slot => {
                if Interest::Read.covers(interest) {
                    leave(&mut self.reader, waker, wakeups);
                }
                if Interest::Write.covers(interest) {
                    leave(&mut self.writer, waker, wakeups);
                }
            }
            Place::Entry(waiter) => {
                let key = *waiter.0.get_or_insert_with(|| {
                    *next_key += 1;
                    NonZeroU64::new(*next_key).expect("a number above zero")
                });
                match self.entries.iter_mut().find(|entry| entry.key == key) {
                    Some(entry) => {
                        entry.interest = interest;
                        replace(&mut entry.waker, waker, wakeups);
                    }
                    None => self.entries.push(Entry { key, interest, waker: waker.clone() }),
                }
            }
        }
    }

    /// Takes a waiter's entry away; its waker is in `wakeups`.
    pub(crate) fn forget(&mut self, waiter: &mut Waiter, wakeups: &mut Wakeups) {
        if let Some(key) = waiter.0.take() {
            let forgotten = self.entries.extract_if(.., |entry| entry.key == key);
            wakeups.to_drop.extend(forgotten.map(|entry| entry.waker));
        }
    }

    /// Moves the wakers for this interest to those that are to be woken.
    pub(crate) fn take(&mut self, interest: Interest, wakeups: &mut Wakeups) {
        if Interest::Read.covers(interest) {
            wakeups.to_wake.extend(self.reader.take());
        }
        if Interest::Write.covers(interest) {
            wakeups.to_wake.extend(self.writer.take());
        }
        if !self.entries.is_empty() {
            let woken = self.entries.extract_if(.., |entry| entry.interest.covers(interest));
            wakeups.to_wake.extend(woken.map(|entry| entry.waker));
        }
    }

    /// How many wakers are left here.
    pub(crate) fn len(&self) -> usize {
        usize::from(self.reader.is_some()) + usize::from(self.writer.is_some()) + self.entries.len()
    }
}

fn leave(slot: &mut Option<Waker>, waker: &Waker, wakeups: &mut Wakeups) {
    match slot {
        Some(known) => replace(known, waker, wakeups),
        None => *slot = Some(waker.clone()),
    }
}

fn replace(known: &mut Waker, waker: &Waker, wakeups: &mut Wakeups) {
    if !known.will_wake(waker) {
        wakeups.to_drop.push(std::mem::replace(known, waker.clone()));
    }
}

/// Wakers to be woken, and others to be dropped, once the stack's lock is released.
#[derive(Debug, Default)]
#[must_use = "the wakers are woken by `wake`"]
pub struct Wakeups {
    to_wake: Vec<Waker>,
    /// Replaced or forgotten.
    to_drop: Vec<Waker>,
}

impl Wakeups {
    /// More to be woken.
    pub fn extend(&mut self, wakers: impl IntoIterator<Item = Waker>) {
        self.to_wake.extend(wakers);
    }

    /// Whether nobody is to be woken, and nothing to be dropped.
    pub fn is_empty(&self) -> bool {
        self.to_wake.is_empty() && self.to_drop.is_empty()
    }

    /// Wakes them all.
    pub fn wake(self) {
        self.to_wake.into_iter().for_each(Waker::wake);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn counting() -> (Arc<Count>, Waker) {
        let count = Arc::new(Count::default());
        (Arc::clone(&count), Waker::from(count))
    }

    #[test]
    fn a_slot_keeps_the_last_waker() {
        let (mut wakers, mut keys, mut wakeups) = (Wakers::default(), 0, Wakeups::default());
        let ((first, one), (second, two)) = (counting(), counting());
        wakers.register(Interest::Read, Place::Slot, &one, &mut keys, &mut wakeups);
        wakers.register(Interest::Read, Place::Slot, &two, &mut keys, &mut wakeups);
        wakers.take(Interest::Read, &mut wakeups);
        wakeups.wake();
        assert_eq!((first.0.load(Ordering::Relaxed), second.0.load(Ordering::Relaxed)), (0, 1));
    }

    #[test]
    fn a_waiter_is_stored_once_however_often_it_is_polled_and_can_leave() {
        let (mut wakers, mut keys, mut wakeups) = (Wakers::default(), 0, Wakeups::default());
        let mut waiter = Waiter::new();
        let (_, waker) = counting();
        for _ in 0..3 {
            wakers.register(Interest::Read, Place::Entry(&mut waiter), &waker, &mut keys, &mut wakeups);
        }
        assert_eq!(wakers.len(), 1);
        wakers.forget(&mut waiter, &mut wakeups);
        assert_eq!((wakers.len(), waiter.is_waiting()), (0, false));
        assert!(wakeups.to_wake.is_empty());
        wakeups.wake();
    }

    #[test]
    fn who_leaves_takes_nobody_elses_waker() {
        let (mut wakers, mut keys, mut wakeups) = (Wakers::default(), 0, Wakeups::default());
        let (mut stays, mut leaves) = (Waiter::new(), Waiter::new());
        let (count, waker) = counting();
        wakers.register(Interest::Read, Place::Entry(&mut stays), &waker, &mut keys, &mut wakeups);
        wakers.register(Interest::Read, Place::Entry(&mut leaves), Waker::noop(), &mut keys, &mut wakeups);
        wakers.forget(&mut leaves, &mut wakeups);
        wakers.take(Interest::Read, &mut wakeups);
        wakeups.wake();
        assert_eq!(count.0.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn readers_are_woken_apart_from_writers() {
        let (mut wakers, mut keys, mut wakeups) = (Wakers::default(), 0, Wakeups::default());
        let ((reads, reader), (writes, writer), (any, either)) = (counting(), counting(), counting());
        let (mut first, mut second) = (Waiter::new(), Waiter::new());
        wakers.register(Interest::Read, Place::Slot, &reader, &mut keys, &mut wakeups);
        wakers.register(Interest::Write, Place::Entry(&mut first), &writer, &mut keys, &mut wakeups);
        wakers.register(Interest::Either, Place::Entry(&mut second), &either, &mut keys, &mut wakeups);
        wakers.take(Interest::Write, &mut wakeups);
        std::mem::take(&mut wakeups).wake();
        let counts = [&reads, &writes, &any].map(|count| count.0.load(Ordering::Relaxed));
        assert_eq!((counts, wakers.len()), ([0, 1, 1], 1));
    }

    #[test]
    fn what_is_replaced_or_forgotten_is_kept_until_the_lock_is_released() {
        let (mut wakers, mut keys, mut wakeups) = (Wakers::default(), 0, Wakeups::default());
        let (count, waker) = counting();
        let mut waiter = Waiter::new();
        wakers.register(Interest::Read, Place::Slot, &waker, &mut keys, &mut wakeups);
        wakers.register(Interest::Read, Place::Slot, Waker::noop(), &mut keys, &mut wakeups);
        wakers.register(Interest::Read, Place::Entry(&mut waiter), &waker, &mut keys, &mut wakeups);
        wakers.forget(&mut waiter, &mut wakeups);
        drop(waker);
        assert_eq!(Arc::strong_count(&count), 3, "both are kept");
        wakeups.wake();
        assert_eq!((Arc::strong_count(&count), count.0.load(Ordering::Relaxed)), (1, 0));
    }
}
