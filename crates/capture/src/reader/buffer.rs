//! One reused buffer in front of an input, which holds the next bytes in one piece however small the
//! pieces are that `read` returns.
//!
//! Memory is [`BUFFER_BYTES`], or the largest record that was requested; the formats limit the size of records.

use std::io::{self, Read};

/// Large enough that the cost of system calls does not matter, small enough to stay in the L2 cache.
const BUFFER_BYTES: usize = 256 * 1024;

/// Buffered bytes of `input`, of which `buffer[start..end]` were not taken yet.
#[derive(Debug)]
pub(super) struct ReadBuffer<R> {
    input: R,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// The offset of `buffer[start]` in the input.
    offset: u64,
}

impl<R: Read> ReadBuffer<R> {
    pub(super) fn new(input: R) -> Self {
        ReadBuffer { input, buffer: vec![0; BUFFER_BYTES], start: 0, end: 0, offset: 0 }
    }

    pub(super) fn input(&self) -> &R {
        &self.input
    }

    /// The bytes that are in the buffer.
    #[inline]
    pub(super) fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Where [`ReadBuffer::bytes`] starts in the input.
    #[inline]
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Reads until `len_bytes` bytes are in the buffer; false if the input ends before.
    #[inline]
    pub(super) fn fill_to(&mut self, len_bytes: usize) -> io::Result<bool> {
        if self.end - self.start >= len_bytes {
            return Ok(true);
        }
        self.read_until(len_bytes)
    }

    /// Removes `len_bytes` bytes, which must be in the buffer.
    #[inline]
    pub(super) fn advance(&mut self, len_bytes: usize) {
        debug_assert!(len_bytes <= self.end - self.start);
        self.start += len_bytes;
        self.offset += len_bytes as u64;
    }

    /// Removes `len_bytes` bytes and reads more as needed; false if the input ends before.
    pub(super) fn skip(&mut self, mut len_bytes: u64) -> io::Result<bool> {
        loop {
            let at_hand = ((self.end - self.start) as u64).min(len_bytes);
            self.advance(at_hand as usize);
            len_bytes -= at_hand;
            if len_bytes == 0 {
                return Ok(true);
            }
            if !self.fill_to(1)? {
                return Ok(false);
            }
        }
    }

    #[cold]
    fn read_until(&mut self, len_bytes: usize) -> io::Result<bool> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        if self.buffer.len() < len_bytes {
            self.buffer.resize(len_bytes, 0);
        }
        while self.end < len_bytes {
            match self.input.read(&mut self.buffer[self.end..]) {
                Ok(0) => return Ok(false),
                Ok(read) => self.end += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }
}
