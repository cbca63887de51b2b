//! A hierarchical timer wheel.
//!
//! Varghese and Lauck's sixth scheme: eleven levels of 64 slots, level 0 counting single nanoseconds.
//! The level of an entry is the highest digit (base 64) in which its due time differs from the present
//! time, so every entry on a lower level is due before every entry on a higher one. Setting and
//! cancelling take constant time for any number of entries; an entry is moved at most once per level
//! on its way down. Each place (for example of a connection) has at most one entry.

use std::collections::VecDeque;
use tcp::Instant;

const LEVELS: usize = 11;
const SLOT_BITS: u32 = 6;
const SLOTS: usize = 1 << SLOT_BITS;
/// The end of a list, and "not in the wheel" in `Entry::due`.
const NONE: u32 = u32::MAX;
const UNSET: u64 = u64::MAX;
/// How many entries of the first slot [`Wheel::next_due`] reads before it returns the slot's start instead.
const EXACT_MAX: usize = 16;

#[derive(Clone, Copy)]
struct Entry {
    due: u64,
    previous: u32,
    next: u32,
}

const ABSENT: Entry = Entry { due: UNSET, previous: NONE, next: NONE };

/// For so many places so much room is made: an eighth more instead of double, because a million idle connections need
/// the memory.
fn room_for(places: usize) -> usize {
    places + places / 8 + 64
}

/// Timers of numbered places.
pub(crate) struct Wheel {
    elapsed: u64,
    /// A bit for each level with an occupied slot.
    levels: u16,
    occupied: [u64; LEVELS],
    heads: Box<[[u32; SLOTS]; LEVELS]>,
    entries: Vec<Entry>,
    len: usize,
}

impl Wheel {
    pub(crate) fn new() -> Self {
        Wheel {
            elapsed: 0,
            levels: 0,
            occupied: [0; LEVELS],
            heads: Box::new([[NONE; SLOTS]; LEVELS]),
            entries: Vec::new(),
            len: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Memory that the wheel takes.
    pub(crate) fn held_bytes(&self) -> usize {
        size_of::<[[u32; SLOTS]; LEVELS]>() + self.entries.capacity() * size_of::<Entry>()
    }

    /// Memory that it takes in addition when there are so many places.
    pub(crate) fn growth_bytes(&self, places: usize) -> usize {
        let capacity = self.entries.capacity();
        if places > capacity { (room_for(places) - capacity) * size_of::<Entry>() } else { 0 }
    }

    /// When the timer of `place` fires; in the far future if it is not set.
    #[inline]
    pub(crate) fn due(&self, place: u32) -> Instant {
        Instant::from_nanos(self.entries.get(place as usize).map_or(UNSET, |entry| entry.due))
    }

    /// Sets, moves or (with `None`) cancels the timer of `place`.
    pub(crate) fn set(&mut self, place: u32, due: Option<Instant>) {
        let due = due.map_or(UNSET, Instant::as_nanos);
        let old = self.entries.get(place as usize).map_or(UNSET, |entry| entry.due);
        if old == due {
            return;
        }
        if old != UNSET {
            let from = self.slot_of(old);
            if due != UNSET && self.slot_of(due) == from && due >= self.elapsed {
                self.entries[place as usize].due = due;
                return;
            }
            self.unlink(place, from);
            self.len -= 1;
        }
        if due != UNSET {
            if self.entries.len() <= place as usize {
                let wanted = place as usize + 1;
                if wanted > self.entries.capacity() {
                    self.entries.reserve_exact(room_for(wanted) - self.entries.len());
                }
                self.entries.resize(wanted, ABSENT);
            }
            self.link(place, due.max(self.elapsed));
            self.len += 1;
        }
    }

    /// Level and slot of a due time, relative to the present time.
    fn slot_of(&self, due: u64) -> (usize, usize) {
        let due = due.max(self.elapsed);
        let level = ((63 - ((due ^ self.elapsed) | 1).leading_zeros()) / SLOT_BITS) as usize;
        (level, (due >> (level as u32 * SLOT_BITS)) as usize % SLOTS)
    }

    fn link(&mut self, place: u32, due: u64) {
        let (level, slot) = self.slot_of(due);
        let next = core::mem::replace(&mut self.heads[level][slot], place);
        if next != NONE {
            self.entries[next as usize].previous = place;
        }
        self.entries[place as usize] = Entry { due, previous: NONE, next };
        self.occupied[level] |= 1 << slot;
        self.levels |= 1 << level;
    }

    /// Marks a slot as empty.
    fn vacate(&mut self, level: usize, slot: usize) {
        self.occupied[level] &= !(1 << slot);
        if self.occupied[level] == 0 {
            self.levels &= !(1 << level);
        }
    }

    fn unlink(&mut self, place: u32, (level, slot): (usize, usize)) {
        let Entry { previous, next, .. } = core::mem::replace(&mut self.entries[place as usize], ABSENT);
        if previous == NONE {
            debug_assert_eq!(self.heads[level][slot], place, "an entry stands in the slot of its due time");
            self.heads[level][slot] = next;
            if next == NONE {
                self.vacate(level, slot);
            }
        } else {
            self.entries[previous as usize].next = next;
        }
        if next != NONE {
            self.entries[next as usize].previous = previous;
        }
    }

    /// The earliest occupied slot: its level, its number, and the time at which it starts.
    fn earliest_slot(&self) -> Option<(usize, usize, u64)> {
        if self.levels == 0 {
            return None;
        }
        let level = self.levels.trailing_zeros() as usize;
        let slot = self.occupied[level].trailing_zeros() as usize;
        let shift = level as u32 * SLOT_BITS;
        let above = self.elapsed.checked_shr(shift + SLOT_BITS).unwrap_or(0);
        let start = above.checked_shl(shift + SLOT_BITS).unwrap_or(0) | ((slot as u64) << shift);
        Some((level, slot, start))
    }

    /// When [`Wheel::expire`] should be called next. Exact if the first slot has few entries, else somewhat
    /// before the first of them; never after it.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        let (level, slot, start) = self.earliest_slot()?;
        let mut at = self.heads[level][slot];
        let mut due = u64::MAX;
        for _ in 0..EXACT_MAX {
            let entry = self.entries[at as usize];
            due = due.min(entry.due);
            at = entry.next;
            if at == NONE {
                return Some(Instant::from_nanos(due));
            }
        }
        Some(Instant::from_nanos(start.max(self.elapsed)))
    }

    /// A place whose timer is due soonest, or nearly so.
    pub(crate) fn first_place(&self) -> Option<u32> {
        let (level, slot, _) = self.earliest_slot()?;
        Some(self.heads[level][slot])
    }

    /// Moves on to `now`, appends every place that is due to `fired`, and unsets its timer.
    pub(crate) fn expire(&mut self, now: Instant, fired: &mut VecDeque<u32>) {
        let now = now.as_nanos();
        while let Some((level, slot, start)) = self.earliest_slot().filter(|(_, _, start)| *start <= now) {
            self.elapsed = self.elapsed.max(start);
            let mut at = core::mem::replace(&mut self.heads[level][slot], NONE);
            self.vacate(level, slot);
            while at != NONE {
                let Entry { due, next, .. } = core::mem::replace(&mut self.entries[at as usize], ABSENT);
                if due <= now {
                    self.len -= 1;
                    fired.push_back(at);
                } else {
                    self.link(at, due);
                }
                at = next;
            }
        }
        self.elapsed = self.elapsed.max(now);
    }
}

#[cfg(test)]
mod tests;
