//! Frames over Unix datagrams, one in each.
//!
//! The kernel keeps datagrams whole: one is sent whole or not at all, and one that is longer than accepted costs itself
//! alone. What is *not* here: how two programs find each other, which is in `vfkit.rs` where it needs more than a path.

use super::{Once, SocketConfig, enlarge_buffers, vfkit, watch};
use crate::Link;
use crate::pieces::transmit_pieces;
use crate::sys::{self, Poller, Room};
use bytes::Bytes;
use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use wire::{Frame, LinkCapabilities};

/// Where a system has no room it may say so without saying when there is again (`ENOBUFS`); then we try again after
/// this.
const TRY_AGAIN: Duration = Duration::from_millis(1);

/// A link over a connected Unix datagram socket.
///
/// When the peer is gone, which only a transmission shows, this is an error once; from then on what is sent is lost, as
/// on a cut wire. Linux then also forgets what the peer had sent and was not received yet.
///
/// ```
/// use std::collections::VecDeque;
/// use std::os::unix::net::UnixDatagram;
/// use synfin_device::unix::{DatagramLink, SocketConfig};
/// use synfin_device::{Link, wire::Frame};
///
/// let (ours, theirs) = UnixDatagram::pair()?;
/// let link = DatagramLink::new(ours, &SocketConfig::default())?;
///
/// theirs.send(&[7; 60])?;
/// let mut frames = VecDeque::new();
/// assert_eq!(link.receive(&mut frames, 64)?, 1);
/// link.transmit(&mut frames)?;
/// assert_eq!(theirs.recv(&mut [0; 100])?, 60);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct DatagramLink {
    socket: UnixDatagram,
    poller: Poller,
    capabilities: LinkCapabilities,
    frame_bytes_max: usize,
    reader: Mutex<Reader>,
    /// What the poller waits for; locked while it is told. `None` when it waits for nothing any more.
    room: Mutex<Option<Room>>,
    tries_again: AtomicBool,
    no_more_writes: AtomicBool,
    end: Once,
    /// The path that we have made for ourselves.
    own_path: Option<PathBuf>,
}

#[derive(Debug)]
struct Reader {
    /// Has room for one byte more than the longest frame.
    buffer: Vec<u8>,
    /// A frame that came before the link was made.
    first: Option<Bytes>,
}

impl DatagramLink {
    /// A link over a socket that is connected already, such as one end of a pair of which a virtual machine has the
    /// other. It is made non-blocking, which concerns everybody who shares the socket.
    ///
    /// # Errors
    /// `InvalidInput` for settings that contradict each other; what the system says.
    pub fn new(socket: UnixDatagram, config: &SocketConfig) -> io::Result<DatagramLink> {
        DatagramLink::with_first(socket, config, None)
    }

    /// A link between two paths: `own_path`, which is made and must not exist, and `peer_path`, where the other program
    /// has bound a socket (`-netdev dgram` of QEMU: its `local.path`). The own path is removed with the link.
    ///
    /// # Errors
    /// A sentence with the path in it; the kind is the system's. As [`new`](DatagramLink::new).
    pub fn connect(
        own_path: impl AsRef<Path>,
        peer_path: impl AsRef<Path>,
        config: &SocketConfig,
    ) -> io::Result<DatagramLink> {
        let (own_path, peer_path) = (own_path.as_ref(), peer_path.as_ref());
        let failed = |what: &str, path: &Path, error: io::Error| {
            let next = match error.kind() {
                io::ErrorKind::AddrInUse => "; remove it if it is left over, or choose another path",
                io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound => {
                    "; is the program there running?"
                }
                _ => "",
            };
            io::Error::new(
                error.kind(),
                format!("{what} the socket {} failed: {error}{next}", path.display()),
            )
        };
        let socket = UnixDatagram::bind(own_path).map_err(|error| failed("making", own_path, error))?;
        let own_path = RemovedOnDrop(Some(own_path.to_owned()));
        socket.connect(peer_path).map_err(|error| failed("connecting to", peer_path, error))?;
        let mut link = DatagramLink::new(socket, config)?;
        link.own_path = own_path.keep();
        Ok(link)
    }

    /// The same for a peer that waits for a greeting before the first frame, as gvproxy does (`-listen-vfkit`): sends
    /// [`HANDSHAKE`](super::HANDSHAKE).
    ///
    /// # Errors
    /// As [`connect`](DatagramLink::connect).
    pub fn connect_as_vfkit(
        own_path: impl AsRef<Path>,
        peer_path: impl AsRef<Path>,
        config: &SocketConfig,
    ) -> io::Result<DatagramLink> {
        let link = DatagramLink::connect(own_path, peer_path, config)?;
        link.socket.send(&vfkit::HANDSHAKE)?;
        Ok(link)
    }

    /// Waits on a bound socket, at most this long, until a virtual machine sends its first datagram, and makes the link
    /// to it: the side of gvproxy. The first datagram is [`HANDSHAKE`](super::HANDSHAKE) of vfkit or libkrun, or a
    /// frame.
    ///
    /// Whoever may write to the socket's path may be first; the permissions of its directory decide who that is.
    ///
    /// # Errors
    /// `TimedOut` if nobody comes; `InvalidInput` if the sender has no address to send to. As
    /// [`new`](DatagramLink::new).
    ///
    /// ```
    /// use std::{os::unix::net::UnixDatagram, time::Duration};
    /// use synfin_device::{Link, unix::{DatagramLink, SocketConfig}};
    /// # let directory = std::env::temp_dir().join(format!("synfin-vfkit-{}", std::process::id()));
    /// # std::fs::create_dir_all(&directory)?;
    /// let (ours, theirs) = (directory.join("network.sock"), directory.join("vm.sock"));
    /// let config = SocketConfig::default();
    /// let socket = UnixDatagram::bind(&ours)?;
    ///
    /// // In the program with the virtual machine:
    /// let machine = DatagramLink::connect_as_vfkit(&theirs, &ours, &config)?;
    ///
    /// let link = DatagramLink::accept_vfkit(socket, Duration::from_secs(10), &config)?;
    /// # let mut frames = [synfin_device::wire::Frame::from_bytes(vec![7; 60].into())].into();
    /// # link.transmit(&mut frames)?;
    /// # assert_eq!(machine.receive(&mut frames, 9)?, 1);
    /// # drop((link, machine));
    /// # assert!(!theirs.exists());
    /// # std::fs::remove_dir_all(&directory)?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn accept_vfkit(
        socket: UnixDatagram,
        timeout: Duration,
        config: &SocketConfig,
    ) -> io::Result<DatagramLink> {
        config.check()?;
        let first = vfkit::greet(&socket, timeout, config.frame_bytes_max)?;
        DatagramLink::with_first(socket, config, first)
    }

    fn with_first(
        socket: UnixDatagram,
        config: &SocketConfig,
        first: Option<Bytes>,
    ) -> io::Result<DatagramLink> {
        config.check()?;
        socket.set_nonblocking(true)?;
        enlarge_buffers(socket.as_fd(), config.frame_bytes_max);
        let poller = watch(&socket)?;
        let buffer = Vec::with_capacity(config.frame_bytes_max + 1);
        Ok(DatagramLink {
            socket,
            poller,
            capabilities: config.capabilities(),
            frame_bytes_max: config.frame_bytes_max,
            reader: Mutex::new(Reader { buffer, first }),
            room: Mutex::new(Some(Room::NotWanted)),
            tries_again: AtomicBool::new(false),
            no_more_writes: AtomicBool::new(false),
            end: Once::default(),
            own_path: None,
        })
    }

    /// Says whether the descriptor shows room.
    fn want(&self, room: Room) -> io::Result<()> {
        let mut current = self.room.lock().unwrap_or_else(PoisonError::into_inner);
        if current.is_some_and(|current| current != room) {
            self.poller.set_room(self.socket.as_fd(), room)?;
            *current = Some(room);
        }
        Ok(())
    }

    /// Some systems say on reading that the peer is gone, and would say so for ever.
    fn stop_reading(&self) -> io::Result<()> {
        self.no_more_writes.store(true, Ordering::Release);
        let mut current = self.room.lock().unwrap_or_else(PoisonError::into_inner);
        if current.take().is_some() {
            self.poller.forget(self.socket.as_fd())?;
        }
        Ok(())
    }

    fn send(&self, bytes: &[u8]) -> io::Result<()> {
        loop {
            match sys::send(self.socket.as_fd(), bytes) {
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.want(Room::Wanted)?;
                    return Err(error);
                }
                Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => {
                    self.tries_again.store(true, Ordering::Release);
                    return Err(error);
                }
                Err(error) if is_gone(&error) => {
                    self.no_more_writes.store(true, Ordering::Release);
                    // Told once; this frame is lost like all after it.
                    return self.end.tell(|| gone(&error));
                }
                Err(error) => return Err(error),
            }
        }
    }
}

impl Link for DatagramLink {
    fn capabilities(&self) -> LinkCapabilities {
        self.capabilities
    }

    fn transmit(&self, frames: &mut VecDeque<Frame>) -> io::Result<usize> {
        if self.no_more_writes.load(Ordering::Acquire) {
            return Ok(frames.drain(..).count());
        }
        transmit_pieces(frames, self.capabilities.medium, |bytes| self.send(bytes))
    }

    fn receive(&self, frames: &mut VecDeque<Frame>, frames_max: usize) -> io::Result<usize> {
        // Whoever has frames left tries again after this, and room is waited for again if it must.
        self.tries_again.store(false, Ordering::Release);
        self.want(Room::NotWanted)?;
        let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        let mut count = 0;
        while count < frames_max {
            let bytes = match reader.first.take() {
                Some(first) => first,
                None => match reader.read(self.socket.as_fd(), self.frame_bytes_max) {
                    Ok(bytes) => bytes,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    Err(error) if is_gone(&error) => {
                        self.stop_reading()?;
                        self.end.tell(|| gone(&error))?;
                        break;
                    }
                    Err(error) => return Err(error),
                },
            };
            frames.push_back(Frame::from_bytes(bytes));
            count += 1;
        }
        Ok(count)
    }

    fn poll_fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.poller.as_fd())
    }

    fn due_in(&self) -> Option<Duration> {
        self.tries_again.load(Ordering::Acquire).then_some(TRY_AGAIN)
    }
}

impl Reader {
    fn read(&mut self, socket: BorrowedFd<'_>, frame_bytes_max: usize) -> io::Result<Bytes> {
        self.buffer.clear();
        sys::read_into_spare(socket, &mut self.buffer)?;
        // What is behind the room was lost, so that we only know that it was too much.
        if self.buffer.len() > frame_bytes_max {
            return Err(vfkit::too_long(frame_bytes_max));
        }
        Ok(Bytes::copy_from_slice(&self.buffer))
    }
}

/// A path that goes when something fails before the link is made.
struct RemovedOnDrop(Option<PathBuf>);

impl RemovedOnDrop {
    fn keep(mut self) -> Option<PathBuf> {
        self.0.take()
    }
}

impl Drop for RemovedOnDrop {
    fn drop(&mut self) {
        remove(self.0.take());
    }
}

impl Drop for DatagramLink {
    fn drop(&mut self) {
        remove(self.own_path.take());
    }
}

fn remove(path: Option<PathBuf>) {
    if let Some(path) = path {
        // Somebody may have cleaned up before us.
        let _ = std::fs::remove_file(path);
    }
}

fn is_gone(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionRefused, ConnectionReset, NotConnected};
    matches!(error.kind(), ConnectionRefused | ConnectionReset | NotConnected | BrokenPipe)
        || error.raw_os_error() == Some(libc::EDESTADDRREQ)
}

fn gone(error: &io::Error) -> io::Error {
    let text = format!(
        "the program at the other end of the link is gone: {error}; start it again and make a new link"
    );
    io::Error::new(error.kind(), text)
}

#[cfg(test)]
mod tests;
