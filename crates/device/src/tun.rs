//! TUN and TAP interfaces of Linux and Android, with segmentation offload: super-segments pass whole, both ways
//! (`Documentation/networking/tuntap.rst`).
//!
//! The kernel is the other station on the wire. Before every frame stands a [`wire::virtio::Header`]; a
//! transmission is one gathering write of this header, the frame's headers and the payload pieces, without
//! copying. A descriptor that others have opened may be without it ([`Tun::from_fd`]); then super-segments are cut
//! here. The kernel removes the interface with its last descriptor, even if the program crashes, unless it
//! was made persistent by another program. Routes are those
//! that an address brings along, and on request the default routes.

mod adopt;
mod config;
mod error;
mod framing;

pub use adopt::{PacketHeader, TunFdConfig};
pub use config::{InterfaceAddress, InterfaceAddressError, SUPER_SEGMENT_BYTES_MAX, TunConfig};
pub use error::TunError;

use crate::pieces::transmit_pieces;
use crate::{Link, interface, sys};
use bytes::Bytes;
use framing::{Framing, HEADERS_BYTES_MAX};
use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, IoSlice, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::sync::{Mutex, PoisonError};
use wire::{Checksum, Frame, LinkCapabilities, Medium, TransmitChecksum, segmentation, virtio};

/// The largest frame with what stands before it: 64 KiB of IPv6 payload and all headers.
const READ_BYTES_MAX: usize = HEADERS_BYTES_MAX + 65_536 + 512;
/// From this size on, a frame keeps the buffer into which it was read. Smaller frames are copied: who keeps a frame
/// counts its bytes, and the buffer must not be much larger than that.
const HAND_OVER_BYTES: usize = READ_BYTES_MAX / 4 * 3;
/// The smallest MTU over which Linux speaks IPv6.
const IPV6_MTU_BYTES_MIN: u32 = 1_280;
/// The most pieces in one gathering write, far below the system's limit of 1,024.
const PIECES_MAX: usize = 64;

/// One queue of a TUN or TAP interface.
///
/// ```no_run
/// use synfin_device::{Tun, TunConfig};
/// let config = TunConfig::new("synfin0").with_host_address("10.90.0.1/24".parse()?);
/// let tun = Tun::open(&config)?;
/// println!("{} is up", tun.name());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Tun {
    file: File,
    name: String,
    capabilities: LinkCapabilities,
    framing: Framing,
    buffer: Mutex<Vec<u8>>,
}

impl Tun {
    /// Opens the interface, creating it if it does not exist, gives the kernel's side its addresses, MTU and
    /// a transmit queue that is long enough, and brings it up.
    ///
    /// If the interface exists already, was created for this user, has its addresses and is up, no privilege
    /// is needed.
    ///
    /// # Errors
    /// [`TunError`], whose text says what is missing and the commands that provide it.
    pub fn open(config: &TunConfig) -> Result<Tun, TunError> {
        let tun = Tun::attach(config)?;
        let set_up_error = |what: &'static str| {
            let config = TunConfig { name: tun.name.clone(), ..config.clone() };
            move |source: io::Error| TunError::of_setting_up(config, what, source)
        };
        interface::set_mtu(&tun.name, config.mtu_bytes).map_err(set_up_error("set its MTU"))?;
        for host in &config.host_addresses {
            interface::add_address(&tun.name, host.address, host.prefix_bits)
                .map_err(set_up_error("give it an address"))?;
        }
        // Before it is up, because then its queues are made. Nobody needs a longer queue to exchange packets, so it is
        // no failure if we may not have one.
        let _ = interface::lengthen_queue(&tun.name, config.queue_packets_min);
        interface::bring_up(&tun.name).map_err(set_up_error("bring it up"))?;
        Ok(tun)
    }

    /// Opens an interface that is there, as it is: its MTU, its addresses and whether it is up stay. No privilege is needed
    /// for an interface that was created for this user.
    ///
    /// # Errors
    /// [`TunError`]; also if there is no interface of this name.
    pub fn open_existing(name: &str) -> Result<Tun, TunError> {
        let state = interface::state(name).map_err(|source| TunError::Io {
            name: name.to_owned(),
            what: "find it",
            source,
        })?;
        Tun::attach(&TunConfig::new(name).with_mtu(state.mtu_bytes))
    }

    /// Opens `count` queues of one interface; the kernel distributes flows over them. Each queue can be served
    /// by a separate thread.
    ///
    /// # Errors
    /// As [`open`](Tun::open).
    pub fn open_queues(config: &TunConfig, count: usize) -> Result<Vec<Tun>, TunError> {
        let first = Tun::open(&TunConfig { multi_queue: true, ..config.clone() })?;
        let rest = TunConfig { multi_queue: true, name: first.name.clone(), ..config.clone() };
        let mut queues = vec![first];
        for _ in 1..count {
            queues.push(Tun::attach(&rest)?);
        }
        Ok(queues)
    }

    /// Attaches a new descriptor to the interface, without changing its settings.
    fn attach(config: &TunConfig) -> Result<Tun, TunError> {
        if config.name.len() > 15 || config.name.contains(['/', '\0', ' ']) {
            return Err(TunError::Name { name: config.name.clone() });
        }
        // The kernel refuses the flag if the interface was made without it, and requires it otherwise.
        let (file, name) = match attach_as(config, config.multi_queue) {
            Err(TunError::OtherKind { .. }) => attach_as(config, !config.multi_queue)?,
            outcome => outcome?,
        };
        let io_error = |what: &'static str| {
            let name = name.clone();
            move |source: io::Error| TunError::Io { name, what, source }
        };
        sys::tun_set_header(file.as_fd(), virtio::HEADER_BYTES).map_err(io_error("agree on a header"))?;
        sys::tun_set_little_endian(file.as_fd()).map_err(io_error("agree on a header"))?;
        let offload = config.super_segment_bytes_max > 0;
        sys::tun_set_offload(file.as_fd(), features(config.super_segment_bytes_max))
            .map_err(io_error("agree on offload"))?;
        let capabilities = LinkCapabilities {
            medium: config.medium,
            mtu_bytes: config.mtu_bytes,
            super_segment_bytes_max: config.super_segment_bytes_max,
            transmit_checksum: if offload { TransmitChecksum::Partial } else { TransmitChecksum::Full },
        };
        let buffer = Mutex::new(Vec::with_capacity(READ_BYTES_MAX));
        Ok(Tun { file, name, capabilities, framing: Framing::VIRTIO, buffer })
    }

    /// The interface's name, as `ip link` shows it; empty if the kernel did not tell it for a descriptor of others.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Makes the interface the way to everywhere: a default route of IPv4, and one of IPv6 where its MTU is
    /// large enough for that (RFC 8200 §5: 1,280 bytes).
    ///
    /// # Errors
    /// What the system says: `EPERM` without the privilege.
    pub fn route_everything(&self) -> io::Result<()> {
        interface::add_default_route(&self.name, libc::AF_INET)?;
        if self.capabilities.mtu_bytes < IPV6_MTU_BYTES_MIN {
            return Ok(());
        }
        interface::add_default_route(&self.name, libc::AF_INET6)
    }

    fn write(&self, frame: &Frame) -> io::Result<()> {
        let mut header = [0; HEADERS_BYTES_MAX];
        let header = self.framing.emit(frame, self.capabilities.medium, &mut header);
        let mut pieces = [IoSlice::new(&[]); PIECES_MAX];
        let mut count = 0;
        let headers = [header, frame.head.as_slice()];
        for piece in headers.into_iter().chain(frame.payload.pieces().map(|piece| &piece[..])) {
            let Some(slot) = pieces.get_mut(count) else { return self.write_copied(header, frame) };
            *slot = IoSlice::new(piece);
            count += 1;
        }
        // A frame is written whole or not at all.
        (&self.file).write_vectored(&pieces[..count]).map(drop)
    }

    /// Writes a frame that the link has left nothing to do for.
    fn write_piece(&self, piece: &[u8]) -> io::Result<()> {
        let mut header = [0; HEADERS_BYTES_MAX];
        let header = self.framing.emit_plain(piece, self.capabilities.medium, &mut header);
        loop {
            match (&self.file).write_vectored(&[IoSlice::new(header), IoSlice::new(piece)]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                outcome => return outcome.map(drop),
            }
        }
    }

    /// Writes a frame whose payload has more pieces than one write can gather.
    fn write_copied(&self, header: &[u8], frame: &Frame) -> io::Result<()> {
        let copy = frame.to_vec();
        (&self.file).write_vectored(&[IoSlice::new(header), IoSlice::new(&copy)]).map(drop)
    }
}

impl Link for Tun {
    fn capabilities(&self) -> LinkCapabilities {
        self.capabilities
    }

    fn transmit(&self, frames: &mut VecDeque<Frame>) -> io::Result<usize> {
        if !self.framing.has_virtio() {
            return transmit_pieces(frames, self.capabilities.medium, |piece| self.write_piece(piece));
        }
        let mut taken = 0;
        while let Some(mut frame) = frames.pop_front() {
            if frame.offload.checksum == Checksum::Trusted {
                // The kernel verifies checksums, so the frame must have one.
                segmentation::complete_checksum(&mut frame, self.capabilities.medium);
            }
            match self.write(&frame) {
                Ok(()) => taken += 1,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    frames.push_front(frame);
                    break;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => frames.push_front(frame),
                Err(error) => return Err(error),
            }
        }
        Ok(taken)
    }

    fn receive(&self, frames: &mut VecDeque<Frame>, frames_max: usize) -> io::Result<usize> {
        let mut buffer = self.buffer.lock().unwrap_or_else(PoisonError::into_inner);
        for count in 0..frames_max {
            buffer.clear();
            while let Err(error) = sys::read_into_spare(self.file.as_fd(), &mut buffer) {
                match error.kind() {
                    io::ErrorKind::Interrupted => {}
                    io::ErrorKind::WouldBlock => return Ok(count),
                    _ => return Err(error),
                }
            }
            let (offload, start) = self.framing.parse(&buffer)?;
            let bytes = if buffer.len() < HAND_OVER_BYTES {
                Bytes::copy_from_slice(&buffer[start..])
            } else {
                let full = std::mem::replace(&mut *buffer, Vec::with_capacity(READ_BYTES_MAX));
                Bytes::from(full).slice(start..)
            };
            frames.push_back(Frame { offload, ..Frame::from_bytes(bytes) });
        }
        Ok(frames_max)
    }

    fn poll_fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.file.as_fd())
    }
}

/// What the kernel may leave to be done for the frames that it sends (`TUN_F_*`).
fn features(super_segment_bytes_max: u32) -> libc::c_uint {
    if super_segment_bytes_max == 0 {
        return 0;
    }
    libc::TUN_F_CSUM | libc::TUN_F_TSO4 | libc::TUN_F_TSO6 | libc::TUN_F_TSO_ECN
}

fn attach_as(config: &TunConfig, multi_queue: bool) -> Result<(File, String), TunError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC);
    let file = options.open("/dev/net/tun").map_err(|source| TunError::of_device(config, source))?;
    let kind = if config.medium == Medium::Ip { libc::IFF_TUN } else { libc::IFF_TAP };
    let queue = if multi_queue { libc::IFF_MULTI_QUEUE } else { 0 };
    let flags = kind | queue | libc::IFF_NO_PI | libc::IFF_VNET_HDR;
    let name = sys::tun_attach(file.as_fd(), &config.name, flags)
        .map_err(|source| TunError::of_attaching(config, source))?;
    Ok((file, name))
}

#[cfg(test)]
mod tests;
