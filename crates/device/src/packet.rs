//! Raw frames of a network interface through `AF_PACKET`: live capture, and a link to real Ethernet
//! (`packet(7)`). Needs `CAP_NET_RAW`.
//!
//! The host's own stack sees the same frames and answers them too; for a station of our own on the wire
//! the address must be one that the host does not have. What is *not* here: capture files.

use crate::{Direction, Link, interface, sys};
use bytes::Bytes;
use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use wire::{Checksum, Frame, LinkCapabilities, Medium, Offload, TransmitChecksum, segmentation};

/// Room for the largest super-segment that an interface hands us before cutting it.
const FRAME_BYTES_MAX: usize = 65_536 + 256;

/// One frame as it was seen on an interface.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Captured {
    /// When the kernel saw it, since 1970.
    pub time: Duration,
    /// Whether this machine sent it or got it.
    pub direction: Direction,
    /// Its bytes.
    pub bytes: Bytes,
    /// Its length on the wire; more than there are bytes if it was longer than 65,792.
    pub wire_bytes: usize,
    /// Whether the transport checksum can be judged. [`Checksum::Trusted`]: the kernel has verified it, or
    /// a sender on this machine left it to a network card that the frame never reached.
    pub checksum: Checksum,
}

/// How many frames came and how many the kernel threw away because we were slow, since asked last.
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
}

impl PacketSocket {
    /// Opens a socket on the interface of this name. It must be up to see anything.
    ///
    /// # Errors
    /// A sentence that says what is missing: the interface, or the right `CAP_NET_RAW` and the command
    /// that gives it.
    pub fn open(interface_name: &str) -> io::Result<PacketSocket> {
        let index = sys::interface_index(interface_name).map_err(|error| {
            let text = format!(
                "there is no network interface {interface_name}: {error}; `ip link` lists those there are"
            );
            io::Error::new(error.kind(), text)
        })?;
        let state = interface::state(interface_name)?;
        // Protocol 0 first, so that nothing from other interfaces comes in before the socket is bound.
        let socket =
            sys::socket(libc::AF_PACKET, libc::SOCK_RAW | libc::SOCK_NONBLOCK, 0).map_err(explain)?;
        sys::set_option(socket.as_fd(), libc::SOL_SOCKET, libc::SO_TIMESTAMPNS, 1)?;
        sys::set_option(socket.as_fd(), libc::SOL_PACKET, libc::PACKET_AUXDATA, 1)?;
        // 8 MB, as far as the system's limit allows: bursts while the program is busy.
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
        Ok(PacketSocket { socket, index, capabilities, hardware: state.hardware, buffer })
    }

    /// Frames for other stations are wanted too (promiscuous mode), as long as the socket is open.
    ///
    /// # Errors
    /// What the system says.
    pub fn listen_to_all(&self) -> io::Result<()> {
        sys::packet_listen_to_all(self.socket.as_fd(), self.index)
    }

    /// The next frame in either direction, or `None` when there is none now.
    ///
    /// # Errors
    /// What the system says, for instance that the interface is down or gone.
    pub fn capture(&self) -> io::Result<Option<Captured>> {
        let mut buffer = self.buffer.lock().unwrap_or_else(PoisonError::into_inner);
        buffer.clear();
        let note = match sys::packet_receive(self.socket.as_fd(), &mut buffer) {
            Ok(note) => note,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(error),
        };
        let direction = if note.packet_type == libc::PACKET_OUTGOING {
            Direction::Transmitted
        } else {
            Direction::Received
        };
        let time = note.time.unwrap_or_default();
        let trusted = note.status & (libc::TP_STATUS_CSUMNOTREADY | libc::TP_STATUS_CSUM_VALID) != 0;
        let checksum = if trusted { Checksum::Trusted } else { Checksum::Complete };
        let (bytes, tag_bytes) = with_vlan_tag(&buffer, note.vlan);
        let wire_bytes = note.wire_bytes + tag_bytes;
        Ok(Some(Captured { time, direction, bytes, wire_bytes, checksum }))
    }

    /// Frames seen and dropped since this was asked last.
    ///
    /// # Errors
    /// What the system says.
    pub fn statistics(&self) -> io::Result<PacketStatistics> {
        let (seen, dropped) = sys::packet_statistics(self.socket.as_fd())?;
        Ok(PacketStatistics { seen, dropped })
    }

    /// `ARPHRD_*`: 1 Ethernet, 772 loopback (as Ethernet), 65534 none (bare IP packets).
    pub const fn hardware(&self) -> u16 {
        self.hardware
    }

    /// What to wait on.
    pub fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Link for PacketSocket {
    fn capabilities(&self) -> LinkCapabilities {
        self.capabilities
    }

    fn transmit(&self, frames: &mut VecDeque<Frame>) -> io::Result<usize> {
        let mut taken = 0;
        while let Some(frame) = frames.pop_front() {
            for piece in segmentation::cut(frame.clone(), self.capabilities.medium, TransmitChecksum::Full) {
                match sys::send(self.socket.as_fd(), &piece.to_vec()) {
                    Ok(_) => {}
                    Err(error) if is_full(&error) => {
                        frames.push_front(frame);
                        return Ok(taken);
                    }
                    Err(error) => return Err(error),
                }
            }
            taken += 1;
        }
        Ok(taken)
    }

    fn receive(&self, frames: &mut VecDeque<Frame>, frames_max: usize) -> io::Result<usize> {
        let mut count = 0;
        // What we sent comes back marked so; twice the budget bounds the loop.
        for _ in 0..frames_max.saturating_mul(2) {
            if count == frames_max {
                break;
            }
            let Some(captured) = self.capture()? else { break };
            if captured.direction == Direction::Received {
                let offload = Offload { segment_bytes: 0, checksum: captured.checksum };
                frames.push_back(Frame { offload, ..Frame::from_bytes(captured.bytes) });
                count += 1;
            }
        }
        Ok(count)
    }

    fn poll_fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.socket.as_fd())
    }
}

/// The frame with the VLAN tag where it stood on the wire, before the kernel took it out, and its length.
fn with_vlan_tag(frame: &[u8], vlan: Option<(u16, u16)>) -> (Bytes, usize) {
    let (Some((control, ethertype)), Some((addresses, rest))) = (vlan, frame.split_at_checked(12)) else {
        return (Bytes::copy_from_slice(frame), 0);
    };
    let (ethertype, control) = (ethertype.to_be_bytes(), control.to_be_bytes());
    (Bytes::from([addresses, &ethertype, &control, rest].concat()), 4)
}

fn is_full(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock || error.raw_os_error() == Some(libc::ENOBUFS)
}

fn explain(error: io::Error) -> io::Error {
    if error.kind() != io::ErrorKind::PermissionDenied {
        return error;
    }
    let program = std::env::current_exe().map_or("PROGRAM".to_owned(), |path| path.display().to_string());
    let text = format!(
        "capturing from an interface needs the right CAP_NET_RAW; give it to the program with \
         `sudo setcap cap_net_raw+ep {program}`, or run it with sudo"
    );
    io::Error::new(io::ErrorKind::PermissionDenied, text)
}
