//! Headers as the 32-bit words that the RFCs draw.
//!
//! A header made of words is written with few stores, and its checksum is computed from the words: a
//! processor is slow to read back in large pieces what it has just written in small ones.

/// Writes the words to the start of `into`, which has room for them.
pub(crate) fn put<const COUNT: usize>(words: &[u32; COUNT], into: &mut [u8]) {
    let slots = into[..COUNT * 4].as_chunks_mut::<4>().0;
    slots.iter_mut().zip(words).for_each(|(slot, word)| *slot = word.to_be_bytes());
}
