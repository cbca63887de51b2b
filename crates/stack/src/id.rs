//! Ids of sockets, and the store in which sockets are found by them.
//!
//! A [`SocketId`] carries the generation of its place, so that a stale id finds nothing instead of another
//! connection. [`Slab`] keeps its values in chunks: growing never moves them, so a million connections are
//! never copied.

use core::fmt;

/// Names one socket of one host: a connection, a listener, a UDP socket or a gate.
///
/// An id stays valid until the application closes the socket. After that, every call with it returns an
/// error, even if another socket has taken the place.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SocketId {
    place: u32,
    generation: u32,
}

/// What a [`SocketId`] names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SocketKind {
    /// A TCP connection.
    Connection,
    /// A TCP listener.
    Listener,
    /// A UDP socket.
    Udp,
    /// What holds connections to any address and port until the program decides ([`crate::Host::open_gate`]).
    Gate,
    /// The same for datagrams ([`crate::Host::open_datagram_gate`]).
    DatagramGate,
    /// No socket but the host itself ([`SocketId::HOST`]).
    Host,
}

const KIND_SHIFT: u32 = 29;
const INDEX_MASK: u32 = (1 << KIND_SHIFT) - 1;

impl SocketId {
    /// No socket: for what the host does itself, such as a reset from a closed port.
    pub const HOST: SocketId = SocketId { place: u32::MAX, generation: 0 };

    pub(crate) fn new(kind: SocketKind, key: SlabKey) -> Self {
        SocketId { place: ((kind as u32) << KIND_SHIFT) | key.index, generation: key.generation }
    }

    /// What kind of socket this is.
    pub fn kind(self) -> SocketKind {
        match self.place >> KIND_SHIFT {
            0 => SocketKind::Connection,
            1 => SocketKind::Listener,
            2 => SocketKind::Udp,
            3 => SocketKind::Gate,
            4 => SocketKind::DatagramGate,
            _ => SocketKind::Host,
        }
    }

    pub(crate) fn key(self, kind: SocketKind) -> Option<SlabKey> {
        (self.kind() == kind)
            .then_some(SlabKey { index: self.place & INDEX_MASK, generation: self.generation })
    }
}

impl fmt::Debug for SocketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}#{}.{}", self.kind(), self.place & INDEX_MASK, self.generation)
    }
}

/// A place in a [`Slab`] and the generation of the value in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SlabKey {
    pub(crate) index: u32,
    pub(crate) generation: u32,
}

const CHUNK: usize = 64;

/// Consecutive places. The generations are stored apart from the values, because the alignment of the
/// values would double the memory for generations, and because they outlive them: while no place is taken there are no
/// values.
struct Chunk<T> {
    generations: [u32; CHUNK],
    values: Box<[Option<T>]>,
    taken: u8,
}

impl<T> Chunk<T> {
    fn make_room(&mut self) {
        self.values = (0..CHUNK).map(|_| None).collect();
    }
}

/// Chunks without a value that keep their room, so that a few connections that come and go do not allocate it each
/// time.
const EMPTY_CHUNKS_MAX: usize = 4;

/// Values in numbered places; a place that is freed is used again with the next generation.
pub(crate) struct Slab<T> {
    chunks: Vec<Chunk<T>>,
    free: Vec<u32>,
    len: usize,
    /// Chunks with room for values, and those of them that have none.
    roomy: usize,
    empty: usize,
}

impl<T> Slab<T> {
    pub(crate) fn new() -> Self {
        Slab { chunks: Vec::new(), free: Vec::new(), len: 0, roomy: 0, empty: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    #[inline]
    pub(crate) fn insert(&mut self, value: T) -> SlabKey {
        self.insert_with(|| value)
    }

    /// Inserts what `make` returns. The value is created in its place, because values may be large to move.
    #[inline]
    pub(crate) fn insert_with(&mut self, make: impl FnOnce() -> T) -> SlabKey {
        if self.free.is_empty() {
            let first = (self.chunks.len() * CHUNK) as u32;
            self.add_chunk(first);
        }
        let index = self.free.pop().expect("a chunk was added when there was no free place");
        if self.chunks[index as usize / CHUNK].taken == 0 {
            self.take_up_chunk(index as usize / CHUNK);
        }
        self.len += 1;
        let chunk = &mut self.chunks[index as usize / CHUNK];
        chunk.taken += 1;
        let generation = chunk.generations[index as usize % CHUNK];
        let place = &mut chunk.values[index as usize % CHUNK];
        *place = Some(make());
        SlabKey { index, generation }
    }

    #[inline(never)]
    fn take_up_chunk(&mut self, place: usize) {
        if self.chunks[place].values.is_empty() {
            self.chunks[place].make_room();
            self.roomy += 1;
        } else {
            self.empty -= 1;
        }
    }

    /// Memory that the store takes.
    pub(crate) fn held_bytes(&self) -> usize {
        let chunks = self.chunks.capacity() * size_of::<Chunk<T>>() + self.free.capacity() * size_of::<u32>();
        chunks + self.roomy * CHUNK * size_of::<Option<T>>()
    }

    #[inline(never)]
    fn add_chunk(&mut self, first: u32) {
        assert!(first < INDEX_MASK - CHUNK as u32, "fewer than 2^30 sockets: the bounds in Config are lower");
        self.chunks.push(Chunk { generations: [0; CHUNK], values: Box::default(), taken: 0 });
        self.free.extend((first..first + CHUNK as u32).rev());
    }

    fn generation(&self, index: u32) -> Option<u32> {
        Some(self.chunks.get(index as usize / CHUNK)?.generations[index as usize % CHUNK])
    }

    /// The value under this key, if it is still the same one.
    pub(crate) fn get(&self, key: SlabKey) -> Option<&T> {
        self.at(key.index).filter(|_| self.generation(key.index) == Some(key.generation))
    }

    /// The value under this key, if it is still the same one.
    pub(crate) fn get_mut(&mut self, key: SlabKey) -> Option<&mut T> {
        if self.generation(key.index) == Some(key.generation) { self.at_mut(key.index) } else { None }
    }

    /// The value that is in this place now.
    pub(crate) fn at(&self, index: u32) -> Option<&T> {
        self.chunks.get(index as usize / CHUNK)?.values.get(index as usize % CHUNK)?.as_ref()
    }

    /// The value that is in this place now.
    pub(crate) fn at_mut(&mut self, index: u32) -> Option<&mut T> {
        self.chunks.get_mut(index as usize / CHUNK)?.values.get_mut(index as usize % CHUNK)?.as_mut()
    }

    /// The key of the value that is in this place now.
    pub(crate) fn key_at(&self, index: u32) -> Option<SlabKey> {
        self.entry(index).map(|(key, _)| key)
    }

    /// The value that is in this place now, with its key.
    pub(crate) fn entry(&self, index: u32) -> Option<(SlabKey, &T)> {
        let chunk = self.chunks.get(index as usize / CHUNK)?;
        let value = chunk.values.get(index as usize % CHUNK)?.as_ref()?;
        Some((SlabKey { index, generation: chunk.generations[index as usize % CHUNK] }, value))
    }

    pub(crate) fn remove(&mut self, index: u32) -> Option<T> {
        let chunk = self.chunks.get_mut(index as usize / CHUNK)?;
        let value = chunk.values.get_mut(index as usize % CHUNK)?.take()?;
        self.free_up(index);
        Some(value)
    }

    /// Drops the value in this place without moving it.
    pub(crate) fn discard(&mut self, index: u32) {
        let Some(chunk) = self.chunks.get_mut(index as usize / CHUNK) else { return };
        let Some(value) = chunk.values.get_mut(index as usize % CHUNK) else { return };
        if value.is_some() {
            *value = None;
            self.free_up(index);
        }
    }

    fn free_up(&mut self, index: u32) {
        let chunk = &mut self.chunks[index as usize / CHUNK];
        let generation = &mut chunk.generations[index as usize % CHUNK];
        *generation = generation.wrapping_add(1);
        chunk.taken -= 1;
        self.free.push(index);
        self.len -= 1;
        if chunk.taken == 0 {
            self.give_up_chunk(index as usize / CHUNK);
        }
    }

    #[inline(never)]
    fn give_up_chunk(&mut self, place: usize) {
        if self.empty < EMPTY_CHUNKS_MAX {
            self.empty += 1;
        } else {
            self.chunks[place].values = Box::default();
            self.roomy -= 1;
        }
    }

    /// Every value in the order of its place. Visits all places, so it must not be called per segment.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (SlabKey, &T)> {
        self.chunks.iter().enumerate().flat_map(|(place, chunk)| {
            let places = chunk.generations.iter().zip(&chunk.values).enumerate();
            places.filter_map(move |(offset, (generation, value))| {
                let index = (place * CHUNK + offset) as u32;
                Some((SlabKey { index, generation: *generation }, value.as_ref()?))
            })
        })
    }

    /// Like [`Slab::iter`], to change the values.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (u32, &mut T)> {
        self.chunks.iter_mut().enumerate().flat_map(|(place, chunk)| {
            let values = chunk.values.iter_mut().enumerate();
            values.filter_map(move |(offset, value)| Some(((place * CHUNK + offset) as u32, value.as_mut()?)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stale_key_finds_nothing() {
        let mut slab = Slab::new();
        let old = slab.insert("old");
        assert_eq!(slab.remove(old.index), Some("old"));
        let new = slab.insert("new");
        assert_eq!(old.index, new.index, "the place is used again");
        assert_eq!(slab.get(old), None);
        assert_eq!(slab.get(new), Some(&"new"));
        assert_eq!(slab.remove(999), None);
    }

    #[test]
    fn room_that_nobody_needs_is_given_back_and_stale_keys_still_find_nothing() {
        let mut slab = Slab::new();
        let keys: Vec<_> = (0..10_000u64).map(|n| slab.insert([n; 50])).collect();
        let full = slab.held_bytes();
        keys.iter().for_each(|key| slab.discard(key.index));
        assert!(slab.held_bytes() * 2 < full, "{} of {full}", slab.held_bytes());
        assert_eq!(slab.iter().count() + slab.iter_mut().count(), 0);
        let again: Vec<_> = (0..10_000u64).map(|n| slab.insert([n; 50])).collect();
        assert!(keys.iter().all(|key| slab.get(*key).is_none()));
        assert!(again.iter().all(|key| slab.get(*key).is_some()));
        assert!(slab.held_bytes() < full + full / 16, "the places are the same");
    }

    #[test]
    fn ids_keep_their_kind() {
        let key = SlabKey { index: 7, generation: 3 };
        let id = SocketId::new(SocketKind::Udp, key);
        assert_eq!(id.key(SocketKind::Udp), Some(key));
        assert_eq!(id.key(SocketKind::Connection), None);
        assert_eq!(SocketId::HOST.kind(), SocketKind::Host);
        assert_eq!(format!("{id:?}"), "Udp#7.3");
    }

    #[test]
    fn growing_over_chunks_keeps_every_value() {
        let mut slab = Slab::new();
        let keys: Vec<_> = (0..1_000u32).map(|n| slab.insert(n)).collect();
        assert_eq!(slab.len(), 1_000);
        for (n, key) in keys.iter().enumerate() {
            assert_eq!(slab.get(*key), Some(&(n as u32)));
        }
        assert_eq!(slab.iter_mut().count(), 1_000);
        assert!(slab.iter().map(|(key, _)| key).eq(keys), "in the order of their places");
    }
}
