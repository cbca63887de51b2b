//! Timers of connections. A connection without a set timer takes no memory here.
//!
//! A thin layer over the wheel: a timer has a place in the wheel only while it is set, and its owner keeps
//! the number of the place. Nearly every segment moves a timer farther away, and next to none ever fires; so a
//! timer in the wheel is not touched for that. It fires when it was due first, and its owner sets it again. What is
//! *not* here: what a timer is for; the connection knows that.

use crate::usage::growth;
use crate::wheel::Wheel;
use std::collections::VecDeque;
use tcp::Instant;

/// The number of a set timer, kept by its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timer(u32);

impl Timer {
    /// No timer is set.
    pub(crate) const NONE: Timer = Timer(u32::MAX);
}

/// Timers with their owners.
pub(crate) struct Timers {
    wheel: Wheel,
    owners: Vec<u32>,
    free: Vec<u32>,
}

impl Timers {
    pub(crate) fn new() -> Self {
        Timers { wheel: Wheel::new(), owners: Vec::new(), free: Vec::new() }
    }

    pub(crate) fn len(&self) -> usize {
        self.wheel.len()
    }

    /// Memory that the timers take.
    pub(crate) fn held_bytes(&self) -> usize {
        self.wheel.held_bytes() + (self.owners.capacity() + self.free.capacity()) * size_of::<u32>()
    }

    /// Memory that they take in addition when so many more are set, and when all that are set fire.
    pub(crate) fn growth_bytes(&self, count: usize) -> usize {
        let places = self.owners.len() + count.saturating_sub(self.free.len());
        let lists = growth(self.owners.capacity(), places) + growth(self.free.capacity(), places);
        self.wheel.growth_bytes(places) + lists * size_of::<u32>()
    }

    /// When [`Timers::expire`] should be called next, at the latest; see [`Wheel::next_due`].
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.wheel.next_due()
    }

    /// The timer of `owner` fires at `due` or earlier; with `None` it does not fire.
    #[inline]
    pub(crate) fn set(&mut self, timer: &mut Timer, owner: u32, due: Option<Instant>) {
        match due.filter(|due| *due != Instant::FAR_FUTURE) {
            Some(due) if due < self.wheel.due(timer.0) => self.hasten(timer, owner, due),
            Some(_) => {}
            None => self.cancel(timer),
        }
    }

    #[inline(never)]
    fn hasten(&mut self, timer: &mut Timer, owner: u32, due: Instant) {
        if *timer == Timer::NONE {
            let place = self.free.pop().unwrap_or_else(|| {
                self.owners.push(owner);
                self.owners.len() as u32 - 1
            });
            self.owners[place as usize] = owner;
            *timer = Timer(place);
        }
        self.wheel.set(timer.0, Some(due));
    }

    /// The timer does not fire any more.
    #[inline]
    pub(crate) fn cancel(&mut self, timer: &mut Timer) {
        if *timer != Timer::NONE {
            self.take_out(timer);
        }
    }

    #[inline(never)]
    fn take_out(&mut self, timer: &mut Timer) {
        self.wheel.set(timer.0, None);
        self.free.push(timer.0);
        *timer = Timer::NONE;
    }

    /// Moves on to `now` and appends every owner whose timer fires to `fired`. The caller must set each
    /// owner's number to [`Timer::NONE`], and its timer again if nothing was due yet.
    pub(crate) fn expire(&mut self, now: Instant, fired: &mut VecDeque<u32>) {
        let before = fired.len();
        self.wheel.expire(now, fired);
        for place in fired.iter_mut().skip(before) {
            self.free.push(*place);
            *place = self.owners[*place as usize];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timer_has_a_number_only_while_it_is_set() {
        let mut timers = Timers::new();
        let mut fired = VecDeque::new();
        let mut one = Timer::NONE;
        let mut two = Timer::NONE;
        timers.set(&mut one, 7, Some(Instant::from_millis(5)));
        timers.set(&mut two, 8, Some(Instant::from_millis(3)));
        assert_eq!((timers.next_due(), timers.len()), (Some(Instant::from_millis(3)), 2));
        timers.expire(Instant::from_millis(4), &mut fired);
        assert_eq!(fired, [8]);
        two = Timer::NONE;
        timers.set(&mut two, 8, Some(Instant::from_millis(6)));
        assert_eq!(timers.owners.len(), 2, "the place is used again");
        timers.cancel(&mut one);
        timers.cancel(&mut one);
        assert_eq!((one, timers.next_due()), (Timer::NONE, Some(Instant::from_millis(6))));
        timers.set(&mut one, 7, Some(Instant::FAR_FUTURE));
        timers.set(&mut one, 7, None);
        assert_eq!(one, Timer::NONE);
    }

    #[test]
    fn a_timer_fires_when_it_was_due_first_and_not_after_it_is_due() {
        let mut timers = Timers::new();
        let mut fired = VecDeque::new();
        let mut one = Timer::NONE;
        timers.set(&mut one, 7, Some(Instant::from_millis(5)));
        timers.set(&mut one, 7, Some(Instant::from_millis(9)));
        assert_eq!(timers.next_due(), Some(Instant::from_millis(5)), "what is later moves nothing");
        timers.set(&mut one, 7, Some(Instant::from_millis(3)));
        assert_eq!(timers.next_due(), Some(Instant::from_millis(3)));
        timers.expire(Instant::from_millis(3), &mut fired);
        assert_eq!((&fired, timers.len()), (&VecDeque::from([7]), 0));
    }
}
