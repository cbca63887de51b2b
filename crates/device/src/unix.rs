//! Links over Unix sockets, which virtual machines and the programs beside them speak.
//!
//! | who is at the other end | how frames travel | link |
//! | --- | --- | --- |
//! | QEMU (`-netdev stream`), passt, libkrun (`krun_add_net_unixstream`) | after their length | [`StreamLink`] |
//! | QEMU (`-netdev dgram`), gvproxy, vfkit, libkrun (`krun_add_net_unixgram`) | a datagram each | [`DatagramLink`] |
//!
//! Frames are Ethernet's, without a header of virtio: neither end leaves segments to be cut or checksums to be
//! completed to the other. Both links have a descriptor that is readable while there is something to receive, and while
//! a full link has room again. What is *not* here: listening for connections, which the standard library does.

mod datagram;
mod stream;
mod vfkit;

pub use datagram::DatagramLink;
pub use stream::StreamLink;
pub use vfkit::HANDSHAKE;

use crate::sys::{self, Poller};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use wire::{LinkCapabilities, Medium, TransmitChecksum};

/// The longest frame that QEMU and passt know: a packet of 64 KiB with all headers (`NET_BUFSIZE` of QEMU's
/// `include/net/net.h`).
pub const FRAME_BYTES_MAX: usize = 65_536 + 4_096;
/// Ethernet's header, in bytes.
const ETHERNET_HEADER_BYTES: usize = 14;

/// The settings of a link over a socket.
///
/// Fields are added in minor versions: write `SocketConfig { mtu_bytes, ..SocketConfig::default() }`.
///
/// ```
/// let config = synfin_device::unix::SocketConfig::default().with_mtu(65_520); // as large as passt takes
/// assert_eq!(config.frame_bytes_max, 69_632);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SocketConfig {
    /// What each frame starts with.
    pub medium: Medium,
    /// The largest IP packet that we send, in bytes; both ends should agree on it.
    pub mtu_bytes: u32,
    /// The longest frame that we accept, in bytes. The link holds a buffer of that size.
    pub frame_bytes_max: usize,
}

impl Default for SocketConfig {
    /// Ethernet with an MTU of 1,500 bytes, and frames of up to [`FRAME_BYTES_MAX`] accepted.
    fn default() -> Self {
        SocketConfig { medium: Medium::Ethernet, mtu_bytes: 1_500, frame_bytes_max: FRAME_BYTES_MAX }
    }
}

impl SocketConfig {
    /// The same with another MTU, in bytes.
    #[must_use]
    pub const fn with_mtu(mut self, mtu_bytes: u32) -> SocketConfig {
        self.mtu_bytes = mtu_bytes;
        self
    }

    fn check(&self) -> io::Result<()> {
        let largest = self.mtu_bytes as usize + ETHERNET_HEADER_BYTES;
        if largest <= self.frame_bytes_max {
            return Ok(());
        }
        let text = format!(
            "frames of up to {} bytes are accepted, which is less than an MTU of {} bytes with its header; \
             set frame_bytes_max to {largest} or more",
            self.frame_bytes_max, self.mtu_bytes
        );
        Err(io::Error::new(io::ErrorKind::InvalidInput, text))
    }

    const fn capabilities(&self) -> LinkCapabilities {
        LinkCapabilities {
            medium: self.medium,
            mtu_bytes: self.mtu_bytes,
            super_segment_bytes_max: 0,
            transmit_checksum: TransmitChecksum::Full,
        }
    }
}

/// A fact that is told once, to whoever asks first.
#[derive(Debug, Default)]
struct Once(AtomicBool);

impl Once {
    /// The error the first time, and nothing afterwards.
    fn tell(&self, error: impl FnOnce() -> io::Error) -> io::Result<()> {
        if self.0.swap(true, Ordering::AcqRel) { Ok(()) } else { Err(error()) }
    }
}

/// Buffers as large as gvproxy and vfkit make theirs, if the system allows it.
fn enlarge_buffers(socket: BorrowedFd<'_>, frame_bytes_max: usize) {
    let send_bytes = (1 << 20).max(frame_bytes_max);
    for (name, bytes) in [(libc::SO_SNDBUF, send_bytes), (libc::SO_RCVBUF, 4 * send_bytes)] {
        let bytes = libc::c_int::try_from(bytes).unwrap_or(libc::c_int::MAX);
        // Smaller ones do as well, more slowly.
        let _ = sys::set_option(socket, libc::SOL_SOCKET, name, bytes);
    }
}

/// Watches a socket, which from here on neither blocks nor raises a signal when its peer is gone.
fn watch(socket: &impl AsFd) -> io::Result<Poller> {
    #[cfg(target_vendor = "apple")]
    sys::set_option(socket.as_fd(), libc::SOL_SOCKET, libc::SO_NOSIGPIPE, 1)?;
    Poller::new(socket.as_fd())
}
