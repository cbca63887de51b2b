//! Frames over a stream, each after its length in four bytes, most significant first (QEMU's `net/stream_data.c`, which
//! passt and libkrun follow).
//!
//! A stream knows nothing of frames: a read or a write may end at any byte, and the next one goes on there. What was
//! taken from the caller and not written yet is at most a batch; as long as there is such a rest the link is full. The
//! peer's lengths are checked before anything is made of them, and the buffer for what it sends has one size.

use super::{Once, SocketConfig, enlarge_buffers, watch};
use crate::Link;
use crate::pieces::is_full;
use crate::sys::{self, Poller, Room};
use bytes::Bytes;
use std::collections::VecDeque;
use std::io;
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use wire::{Frame, LinkCapabilities, Medium, TransmitChecksum, segmentation};

/// The length before a frame.
const LENGTH_BYTES: usize = 4;
/// Frames are written together up to this size: a few dozen, as many as the kernel's buffer holds of them.
const BATCH_BYTES: usize = 64 << 10;
/// The most reads in one `receive`, so that a peer that sends a few bytes each time cannot keep us there.
const READS_MAX: usize = 16;

/// A link over a connected Unix stream socket.
///
/// When the peer closes the connection, sends a frame that is longer than accepted, or the connection breaks, this is
/// an error of `receive` or `transmit` once; from then on nothing arrives, and what is sent is lost, as on a cut wire.
///
/// ```
/// use std::collections::VecDeque;
/// use std::io::{Read, Write};
/// use std::os::unix::net::UnixStream;
/// use synfin_device::unix::{SocketConfig, StreamLink};
/// use synfin_device::{Link, wire::Frame};
///
/// let (ours, mut theirs) = UnixStream::pair()?;
/// let link = StreamLink::new(ours, &SocketConfig::default())?;
///
/// link.transmit(&mut VecDeque::from([Frame::from_bytes((&[7; 60][..]).into())]))?;
/// let mut seen = [0; 64];
/// theirs.read_exact(&mut seen)?;
/// assert_eq!(seen[..5], [0, 0, 0, 60, 7]);
///
/// theirs.write_all(&seen)?;
/// let mut frames = VecDeque::new();
/// assert_eq!(link.receive(&mut frames, 64)?, 1);
/// assert_eq!(frames[0].to_vec(), [7; 60]);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// An end that another program has left open, such as libkrun, comes as a descriptor: `UnixStream::from(owned_fd)`.
#[derive(Debug)]
pub struct StreamLink {
    stream: UnixStream,
    poller: Poller,
    capabilities: LinkCapabilities,
    frame_bytes_max: usize,
    reader: Mutex<Reader>,
    writer: Mutex<Writer>,
    /// There may be more to receive than the descriptor shows.
    may_have_more: AtomicBool,
    /// A rest is to be written.
    has_rest: AtomicBool,
    no_more_reads: AtomicBool,
    no_more_writes: AtomicBool,
    end: Once,
}

/// What has been read and not been made into frames.
#[derive(Debug)]
struct Reader {
    /// Never grows; has room for the longest frame.
    buffer: Vec<u8>,
    start: usize,
}

/// What has been taken and not been written.
#[derive(Debug, Default)]
struct Writer {
    buffer: Vec<u8>,
    start: usize,
}

/// What the bytes that were read begin with.
enum Piece {
    Frame(Bytes),
    /// A frame of which something is missing.
    Part,
    TooLong(usize),
}

impl StreamLink {
    /// A link over a stream that is connected already. It is made non-blocking, which concerns everybody who shares the
    /// socket.
    ///
    /// # Errors
    /// `InvalidInput` for settings that contradict each other; what the system says.
    pub fn new(stream: UnixStream, config: &SocketConfig) -> io::Result<StreamLink> {
        config.check()?;
        stream.set_nonblocking(true)?;
        enlarge_buffers(stream.as_fd(), config.frame_bytes_max);
        let poller = watch(&stream)?;
        let buffer = Vec::with_capacity(BATCH_BYTES.max(LENGTH_BYTES + config.frame_bytes_max));
        Ok(StreamLink {
            stream,
            poller,
            capabilities: config.capabilities(),
            frame_bytes_max: config.frame_bytes_max,
            reader: Mutex::new(Reader { buffer, start: 0 }),
            writer: Mutex::default(),
            may_have_more: AtomicBool::new(false),
            has_rest: AtomicBool::new(false),
            no_more_reads: AtomicBool::new(false),
            no_more_writes: AtomicBool::new(false),
            end: Once::default(),
        })
    }

    /// Connects to the socket at this path, where passt (`--socket`) or QEMU
    /// (`-netdev stream,server=on,addr.type=unix,addr.path=...`) waits.
    ///
    /// # Errors
    /// A sentence with the path in it; the kind is the system's. As [`new`](StreamLink::new).
    ///
    /// ```
    /// # use synfin_device::unix::{SocketConfig, StreamLink};
    /// let error = StreamLink::connect("/nowhere/passt.socket", &SocketConfig::default()).unwrap_err();
    /// assert!(error.to_string().contains("/nowhere/passt.socket"), "{error}");
    /// ```
    pub fn connect(path: impl AsRef<Path>, config: &SocketConfig) -> io::Result<StreamLink> {
        let path = path.as_ref();
        let stream = UnixStream::connect(path).map_err(|error| {
            let path = path.display();
            let text =
                format!("connecting to the socket {path} failed: {error}; is the program there running?");
            io::Error::new(error.kind(), text)
        })?;
        StreamLink::new(stream, config)
    }

    /// Writes the rest, if there is one. Returns whether all of it is written.
    fn flush(&self, writer: &mut Writer) -> io::Result<bool> {
        while !writer.rest().is_empty() {
            match sys::send(self.stream.as_fd(), writer.rest()) {
                Ok(count) => writer.start += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if is_full(&error) => {
                    self.note_rest(Room::Wanted)?;
                    return Ok(false);
                }
                Err(error) => {
                    // What the peer has sent before it went is still to be read.
                    self.no_more_writes.store(true, Ordering::Release);
                    writer.clear();
                    self.end.tell(|| broken(&error))?;
                }
            }
        }
        writer.clear();
        self.note_rest(Room::NotWanted)?;
        Ok(true)
    }

    /// Whether there is a rest, and so room is waited for.
    fn note_rest(&self, room: Room) -> io::Result<()> {
        let has_rest = room == Room::Wanted;
        if self.has_rest.swap(has_rest, Ordering::AcqRel) == has_rest {
            return Ok(());
        }
        match self.poller.set_room(self.stream.as_fd(), room) {
            // Nothing is waited for any more.
            Err(_) if self.no_more_reads.load(Ordering::Acquire) => Ok(()),
            outcome => outcome,
        }
    }

    fn take_frames(&self, frames: &mut VecDeque<Frame>, frames_max: usize) -> io::Result<usize> {
        let mut reader = lock(&self.reader);
        if frames_max == 0 || self.no_more_reads.load(Ordering::Acquire) {
            return Ok(0);
        }
        let (mut count, mut reads, mut is_drained) = (0, 0, false);
        while count < frames_max {
            match reader.next(self.frame_bytes_max) {
                Piece::Frame(bytes) => {
                    frames.push_back(Frame::from_bytes(bytes));
                    count += 1;
                }
                Piece::TooLong(bytes) => {
                    let max = self.frame_bytes_max;
                    return self.close(|| too_long(bytes, max)).map(|()| count);
                }
                Piece::Part if reads == READS_MAX => break,
                Piece::Part => {
                    reads += 1;
                    match reader.fill(self.stream.as_fd()) {
                        Ok(0) => {
                            let is_whole = reader.rest().is_empty();
                            return self.close(|| closed_by_peer(is_whole)).map(|()| count);
                        }
                        Ok(_) => {}
                        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                            is_drained = true;
                            break;
                        }
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                        Err(error) => return self.close(|| broken(&error)).map(|()| count),
                    }
                }
            }
        }
        self.may_have_more.store(!is_drained, Ordering::Release);
        Ok(count)
    }

    /// The end of the link, in both directions.
    fn close(&self, error: impl FnOnce() -> io::Error) -> io::Result<()> {
        self.no_more_reads.store(true, Ordering::Release);
        self.no_more_writes.store(true, Ordering::Release);
        self.may_have_more.store(false, Ordering::Release);
        // Otherwise the descriptor would be readable for ever, because the socket is at its end.
        let outcome = self.poller.forget(self.stream.as_fd());
        // The peer may be gone already.
        let _ = self.stream.shutdown(Shutdown::Both);
        self.end.tell(error).and(outcome)
    }
}

impl Link for StreamLink {
    fn capabilities(&self) -> LinkCapabilities {
        self.capabilities
    }

    fn transmit(&self, frames: &mut VecDeque<Frame>) -> io::Result<usize> {
        let mut writer = lock(&self.writer);
        let mut taken = 0;
        while !self.no_more_writes.load(Ordering::Acquire) {
            if !self.flush(&mut writer)? || frames.is_empty() {
                return Ok(taken);
            }
            taken += writer.gather(frames, self.capabilities.medium);
        }
        Ok(taken + frames.drain(..).count())
    }

    fn receive(&self, frames: &mut VecDeque<Frame>, frames_max: usize) -> io::Result<usize> {
        if self.has_rest.load(Ordering::Acquire) {
            self.flush(&mut lock(&self.writer))?;
        }
        self.take_frames(frames, frames_max)
    }

    fn poll_fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.poller.as_fd())
    }

    fn due_in(&self) -> Option<Duration> {
        self.may_have_more.load(Ordering::Acquire).then_some(Duration::ZERO)
    }
}

impl Reader {
    fn rest(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    fn next(&mut self, frame_bytes_max: usize) -> Piece {
        let Some((length, bytes)) = self.rest().split_first_chunk::<LENGTH_BYTES>() else {
            return Piece::Part;
        };
        let length_bytes = u32::from_be_bytes(*length) as usize;
        if length_bytes > frame_bytes_max {
            return Piece::TooLong(length_bytes);
        }
        let Some(frame) = bytes.get(..length_bytes) else { return Piece::Part };
        let frame = Bytes::copy_from_slice(frame);
        self.start += LENGTH_BYTES + length_bytes;
        Piece::Frame(frame)
    }

    /// Reads as much as there is room for; returns how many bytes, 0 at the end. There is room after a
    /// [`Piece::Part`]: the buffer holds the longest frame, and a part of it is moved to the front.
    fn fill(&mut self, socket: BorrowedFd<'_>) -> io::Result<usize> {
        self.buffer.drain(..self.start);
        self.start = 0;
        debug_assert!(self.buffer.len() < self.buffer.capacity());
        sys::read_into_spare(socket, &mut self.buffer)
    }
}

impl Writer {
    fn rest(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    fn clear(&mut self) {
        self.buffer.clear();
        self.start = 0;
    }

    /// Takes frames until there is a batch of them; returns how many. A frame that is to be cut is cut, and may exceed
    /// the batch.
    fn gather(&mut self, frames: &mut VecDeque<Frame>, medium: Medium) -> usize {
        let mut taken = 0;
        while self.buffer.len() < BATCH_BYTES
            && let Some(frame) = frames.pop_front()
        {
            taken += 1;
            for piece in segmentation::cut(frame, medium, TransmitChecksum::Full) {
                // No frame is as long as 4 GiB: an IP packet is not.
                let length = piece.len() as u32;
                self.buffer.extend_from_slice(&length.to_be_bytes());
                self.buffer.extend_from_slice(piece.head.as_slice());
                piece.payload.pieces().for_each(|bytes| self.buffer.extend_from_slice(bytes));
            }
        }
        taken
    }
}

fn lock<T>(part: &Mutex<T>) -> MutexGuard<'_, T> {
    // No user code runs under the lock, so the bytes are consistent even if a thread panicked.
    part.lock().unwrap_or_else(PoisonError::into_inner)
}

fn closed_by_peer(is_whole: bool) -> io::Error {
    let how = if is_whole { "" } else { " in the middle of a frame" };
    let text =
        format!("the program at the other end closed the link{how}; start it again and make a new link");
    io::Error::new(io::ErrorKind::UnexpectedEof, text)
}

fn too_long(frame_bytes: usize, max: usize) -> io::Error {
    let text = format!(
        "the program at the other end announced a frame of {frame_bytes} bytes, and {max} are accepted: either it does \
         not put a length before each frame, or frame_bytes_max has to be larger; the link is closed"
    );
    io::Error::new(io::ErrorKind::InvalidData, text)
}

fn broken(error: &io::Error) -> io::Error {
    let text = format!("the link to the program at the other end broke: {error}; make a new link");
    io::Error::new(error.kind(), text)
}

#[cfg(test)]
mod tests;
