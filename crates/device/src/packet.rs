//! Raw frames of a network interface through `AF_PACKET`: live capture, and a link to real Ethernet
//! (`packet(7)`). Needs `CAP_NET_RAW`.
//!
//! The host's kernel sees the same frames and answers them too. A station of our own on the wire needs an
//! address that the host does not have. What is *not* here: capture files.

use crate::pieces::transmit_pieces;
use crate::{Direction, Link, interface, sys};
use bytes::Bytes;
use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use wire::{Checksum, Frame, LinkCapabilities, Medium, Offload, TransmitChecksum};

/// Room for the largest super-segment that an interface gives us before it is cut.
const FRAME_BYTES_MAX: usize = 65_536 + 256;

/// One frame as it was seen on an interface.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Captured {
    /// When the kernel saw the frame, as the time since 1970.
    pub time: Duration,
    /// Whether this machine sent or received the frame.
    pub direction: Direction,
    /// The bytes of the frame.
    pub bytes: Bytes,
    /// The length of the frame on the wire; more than `bytes` if it was longer than 65,792.
    pub wire_bytes: usize,
    /// Whether the transport checksum can be verified. [`Checksum::Trusted`] means that the kernel has
    /// verified it, or that a sender on this machine left it to a network card that the frame did not reach.
    pub checksum: Checksum,
}

/// How many frames came, and how many the kernel dropped because we were too slow, since the last call of
/// [`PacketSocket::statistics`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct PacketStatistics {
    /// Frames that were for us, dropped ones included.
    pub seen: u32,
    /// Frames dropped.
    pub dropped: u32,
}

/// A packet socket on one interface.
///
/// ```no_run
/// let socket = synfin_device::PacketSocket::open("eth0")?;
/// socket.listen_to_all()?;
/// while let Some(captured) = socket.capture()? {
///     println!("{:?} {:?} {} bytes", captured.time, captured.direction, captured.wire_bytes);
/// }
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct PacketSocket {
    socket: OwnedFd,
    index: u32,
    capabilities: LinkCapabilities,
    hardware: u16,
    buffer: Mutex<Vec<u8>>,
    /// `receive` stopped although there may be more.
    may_have_more: AtomicBool,
}

impl PacketSocket {
    /// Opens a socket on the interface of this name. The interface must be up, or no frame arrives.
    ///
    /// # Errors
    /// A sentence that says what is missing: the interface, or the capability `CAP_NET_RAW` and the command
    /// that gives it.
    pub fn open(interface_name: &str) -> io::Result<PacketSocket> {
        let index = sys::interface_index(interface_name).map_err(|error| {
            let text = format!(
                "there is no network interface {interface_name}: {error}; `ip link` lists the interfaces"
            );
            io::Error::new(error.kind(), text)
        })?;
        let state = interface::state(interface_name)?;
        // Protocol 0 first, so that no frames of other interfaces arrive before the socket is bound.
        let socket = sys::socket(libc::AF_PACKET, libc::SOCK_RAW | libc::SOCK_NONBLOCK, 0)
            .map_err(explain_permission)?;
        sys::set_option(socket.as_fd(), libc::SOL_SOCKET, libc::SO_TIMESTAMPNS, 1)?;
        sys::set_option(socket.as_fd(), libc::SOL_PACKET, libc::PACKET_AUXDATA, 1)?;
        // 8 MB if the system's limit allows it, for bursts while the program is busy.
        sys::set_option(socket.as_fd(), libc::SOL_SOCKET, libc::SO_RCVBUF, 8 << 20)?;
        sys::packet_bind(socket.as_fd(), index)?;
        let is_ethernet = matches!(state.hardware, libc::ARPHRD_ETHER | libc::ARPHRD_LOOPBACK);
        let capabilities = LinkCapabilities {
            medium: if is_ethernet { Medium::Ethernet } else { Medium::Ip },
            mtu_bytes: state.mtu_bytes,
            super_segment_bytes_max: 0,
            transmit_checksum: TransmitChecksum::Full,
        };
        let buffer = Mutex::new(Vec::with_capacity(FRAME_BYTES_MAX));
        let (hardware, may_have_more) = (state.hardware, AtomicBool::new(false));
        Ok(PacketSocket { socket, index, capabilities, hardware, buffer, may_have_more })
    }

    /// Also receives frames for other stations (promiscuous mode), as long as the socket is open.
    ///
    /// # Errors
    /// The system's error.
    pub fn listen_to_all(&self) -> io::Result<()> {
        sys::packet_listen_to_all(self.socket.as_fd(), self.index)
    }

    /// The next frame in either direction, or `None` if there is none now.
    ///
    /// # Errors
    /// The system's error, for example because the interface is down or was removed.
    pub fn capture(&self) -> io::Result<Option<Captured>> {
        let mut buffer = self.buffer.lock().unwrap_or_else(PoisonError::into_inner);
        buffer.clear();
        let metadata = match sys::packet_receive(self.socket.as_fd(), &mut buffer) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(error),
        };
        let direction = if metadata.packet_type == libc::PACKET_OUTGOING {
            Direction::Transmitted
        } else {
            Direction::Received
        };
        let time = metadata.time.unwrap_or_default();
        let trusted = metadata.status & (libc::TP_STATUS_CSUMNOTREADY | libc::TP_STATUS_CSUM_VALID) != 0;
        let checksum = if trusted { Checksum::Trusted } else { Checksum::Complete };
        let (bytes, tag_bytes) = with_vlan_tag(&buffer, metadata.vlan);
        let wire_bytes = metadata.wire_bytes + tag_bytes;
        Ok(Some(Captured { time, direction, bytes, wire_bytes, checksum }))
    }

    /// Frames seen and dropped since the last call.
    ///
    /// # Errors
    /// The system's error.
    pub fn statistics(&self) -> io::Result<PacketStatistics> {
        let (seen, dropped) = sys::packet_statistics(self.socket.as_fd())?;
        Ok(PacketStatistics { seen, dropped })
    }

    /// `ARPHRD_*`: 1 Ethernet, 772 loopback (as Ethernet), 65534 none (bare IP packets).
    pub const fn hardware(&self) -> u16 {
        self.hardware
    }

    /// The descriptor to wait on.
    pub fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Link for PacketSocket {
    fn capabilities(&self) -> LinkCapabilities {
        self.capabilities
    }

    fn transmit(&self, frames: &mut VecDeque<Frame>) -> io::Result<usize> {
        let send = |bytes: &[u8]| sys::send(self.socket.as_fd(), bytes).map(drop);
        transmit_pieces(frames, self.capabilities.medium, send)
    }

    fn receive(&self, frames: &mut VecDeque<Frame>, frames_max: usize) -> io::Result<usize> {
        // Not while it fails: whoever is told so waits a little.
        self.may_have_more.store(false, Ordering::Release);
        let mut count = 0;
        let mut is_drained = frames_max == 0;
        // Frames that we sent come back, marked as such, and do not count; so the loop needs a bound too.
        for _ in 0..frames_max.saturating_mul(2) {
            if count == frames_max {
                break;
            }
            let Some(captured) = self.capture()? else {
                is_drained = true;
                break;
            };
            if captured.direction == Direction::Received {
                let offload = Offload { segment_bytes: 0, checksum: captured.checksum };
                frames.push_back(Frame { offload, ..Frame::from_bytes(captured.bytes) });
                count += 1;
            }
        }
        self.may_have_more.store(!is_drained, Ordering::Release);
        Ok(count)
    }

    fn poll_fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.socket.as_fd())
    }

    fn due_in(&self) -> Option<Duration> {
        self.may_have_more.load(Ordering::Acquire).then_some(Duration::ZERO)
    }
}

/// The frame with the VLAN tag that the kernel took out put back in its place, and the length of the tag.
fn with_vlan_tag(frame: &[u8], vlan: Option<(u16, u16)>) -> (Bytes, usize) {
    let (Some((control, ethertype)), Some((addresses, rest))) = (vlan, frame.split_at_checked(12)) else {
        return (Bytes::copy_from_slice(frame), 0);
    };
    let ethertype = ethertype.to_be_bytes();
    let control = control.to_be_bytes();
    (Bytes::from([addresses, &ethertype, &control, rest].concat()), 4)
}

fn explain_permission(error: io::Error) -> io::Error {
    if error.kind() != io::ErrorKind::PermissionDenied {
        return error;
    }
    let program = std::env::current_exe().map_or("PROGRAM".to_owned(), |path| path.display().to_string());
    let text = format!(
        "capturing from an interface needs the capability CAP_NET_RAW; give it to the program with \
         `sudo setcap cap_net_raw+ep {program}`, or run it with sudo"
    );
    io::Error::new(io::ErrorKind::PermissionDenied, text)
}
