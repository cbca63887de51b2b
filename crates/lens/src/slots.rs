//! Where connections live: in large pieces of memory, side by side, so that a new one costs no allocation
//! of its own and none is ever moved.

use crate::limits::CHUNK;
use crate::live::Live;

/// Numbered places for connections. Those that are over leave theirs free for others.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    chunks: Vec<Vec<Option<Live>>>,
    free: Vec<u32>,
}

impl Slots {
    /// How many places there are, taken or free.
    pub(crate) fn len(&self) -> usize {
        self.chunks.last().map_or(0, |last| (self.chunks.len() - 1) * CHUNK + last.len())
    }

    #[inline]
    pub(crate) fn get(&self, at: u32) -> Option<&Live> {
        let at = at as usize;
        self.chunks.get(at / CHUNK)?.get(at % CHUNK)?.as_ref()
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, at: u32) -> Option<&mut Live> {
        let at = at as usize;
        self.chunks.get_mut(at / CHUNK)?.get_mut(at % CHUNK)?.as_mut()
    }

    /// Finds a place for a connection.
    pub(crate) fn put(&mut self, live: Live) -> u32 {
        if let Some(at) = self.free.pop() {
            self.chunks[at as usize / CHUNK][at as usize % CHUNK] = Some(live);
            return at;
        }
        if self.chunks.last().is_none_or(|last| last.len() == CHUNK) {
            self.chunks.push(Vec::with_capacity(CHUNK));
        }
        if let Some(last) = self.chunks.last_mut() {
            last.push(Some(live));
        }
        (self.len() - 1) as u32
    }

    /// Forgets a connection; its place is free.
    pub(crate) fn free(&mut self, at: u32) {
        let index = at as usize;
        let place = self.chunks.get_mut(index / CHUNK).and_then(|chunk| chunk.get_mut(index % CHUNK));
        if let Some(place) = place.filter(|place| place.is_some()) {
            *place = None;
            self.free.push(at);
        }
    }

    /// The numbers of the places that are taken, and whose they are.
    pub(crate) fn streams(&self) -> Vec<(u32, u32)> {
        let places = (0..self.len() as u32).filter_map(|at| Some((self.get(at)?.stream, at)));
        let mut streams: Vec<(u32, u32)> = places.collect();
        streams.sort_unstable();
        streams
    }
}
