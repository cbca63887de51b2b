//! An interface that somebody else has opened: the descriptor of Android's `VpnService`, of a service manager, of a
//! monitor of virtual machines, or one that came over a Unix socket.
//!
//! The kernel is asked what the descriptor is. Where it may not be asked, the caller says it. The interface itself
//! (its addresses, its MTU, whether it is up) is not touched.

use super::framing::Framing;
use super::{READ_BYTES_MAX, SUPER_SEGMENT_BYTES_MAX, Tun, TunError, features};
use crate::{interface, sys};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileTypeExt;
use std::sync::Mutex;
use wire::{LinkCapabilities, Medium, TransmitChecksum, virtio};

/// What stands before each packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum PacketHeader {
    /// Nothing (`IFF_NO_PI`), as with Android's `VpnService`.
    #[default]
    Nothing,
    /// Four bytes with flags and protocol (no `IFF_NO_PI`).
    Information,
    /// Ten bytes of virtio (`IFF_NO_PI` and `IFF_VNET_HDR`).
    Virtio,
}

/// What is known of a descriptor that others have opened.
///
/// Fields are added in minor versions: write `TunFdConfig { mtu_bytes, ..TunFdConfig::default() }`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TunFdConfig {
    /// The largest IP packet in bytes. `None`: that of the interface, which must be in the network namespace of the
    /// calling thread. Android: what `VpnService.Builder.setMtu` was given.
    pub mtu_bytes: Option<u32>,
    /// IP packets or Ethernet frames, where the kernel does not say.
    pub medium: Medium,
    /// What stands before each packet, where the kernel does not say; it says of Ethernet frames only whether there is
    /// a virtio header.
    pub header: PacketHeader,
    /// The largest payload of a super-segment in bytes, in both directions, where there is a virtio header; 0 turns all
    /// offload off. Without such a header there is none.
    pub super_segment_bytes_max: u32,
}

impl Default for TunFdConfig {
    /// The MTU of the interface, IP packets with nothing before them, and full offload where there is a virtio header.
    fn default() -> Self {
        TunFdConfig {
            mtu_bytes: None,
            medium: Medium::Ip,
            header: PacketHeader::Nothing,
            super_segment_bytes_max: SUPER_SEGMENT_BYTES_MAX,
        }
    }
}

impl Tun {
    /// Makes a link of the descriptor of a TUN or TAP interface that others have opened and set up.
    ///
    /// What the kernel says of it (`TUNGETIFF`: the name, IP or Ethernet, the headers) is taken before what `config`
    /// says. It may refuse, as Android's does to some programs; then `config` holds. To find out whether packet
    /// information stands before each IP packet, one byte that is no packet is written, which the kernel counts as
    /// dropped. The descriptor is made non-blocking, which concerns everybody who shares it; and where there is a
    /// virtio header, what the kernel may leave undone for its frames is agreed on anew for the whole interface.
    ///
    /// # Errors
    /// [`TunError`] for a descriptor of something else, for one without an interface, and for an MTU that is not given
    /// and cannot be asked for.
    ///
    /// ```no_run
    /// use std::os::fd::{FromRawFd, OwnedFd};
    /// use synfin_device::{Tun, TunFdConfig};
    ///
    /// // The integer that Java's `ParcelFileDescriptor.detachFd()` has returned: this program owns it now.
    /// fn start(descriptor: OwnedFd, mtu_bytes: u32) -> Result<Tun, synfin_device::TunError> {
    ///     Tun::from_fd(descriptor, &TunFdConfig { mtu_bytes: Some(mtu_bytes), ..TunFdConfig::default() })
    /// }
    /// ```
    pub fn from_fd(fd: OwnedFd, config: &TunFdConfig) -> Result<Tun, TunError> {
        let said = sys::tun_interface(fd.as_fd());
        Tun::adopt(fd.into(), config, said)
    }

    /// The same, given what the kernel has said.
    pub(super) fn adopt(
        file: File,
        config: &TunFdConfig,
        said: io::Result<(String, libc::c_int)>,
    ) -> Result<Tun, TunError> {
        // What is asked below must not wait.
        let non_blocking = sys::set_nonblocking(file.as_fd());
        let is_said = config.header == PacketHeader::Information;
        let (name, medium, framing) = match said {
            Ok((name, flags)) => {
                let medium = if flags & libc::IFF_TAP != 0 { Medium::Ethernet } else { Medium::Ip };
                let mut framing = virtio_framing(&file, &name, flags)?;
                if has_information(&file, medium, flags, framing).unwrap_or(is_said) {
                    framing = framing.with_information();
                }
                (name, medium, framing)
            }
            Err(error) if is_refusal(&error) && is_device(&file) => {
                let framing = match config.header {
                    PacketHeader::Nothing => Framing::PLAIN,
                    PacketHeader::Information => Framing::PLAIN.with_information(),
                    PacketHeader::Virtio => Framing::VIRTIO,
                };
                (String::new(), config.medium, framing)
            }
            Err(error) if error.raw_os_error() == Some(libc::EBADFD) => return Err(TunError::NotAttached),
            Err(source) => return Err(TunError::NotTun { source }),
        };
        let mtu_bytes = match config.mtu_bytes {
            Some(mtu_bytes) => mtu_bytes,
            None if name.is_empty() => return Err(TunError::UnknownMtu { name }),
            None => match interface::state(&name) {
                Ok(state) => state.mtu_bytes,
                Err(_) => return Err(TunError::UnknownMtu { name }),
            },
        };
        let io_error = |what: &'static str| {
            let name = name.clone();
            move |source: io::Error| TunError::Io { name, what, source }
        };
        non_blocking.map_err(io_error("make it non-blocking"))?;
        let super_segment_bytes_max = if framing.has_virtio() { config.super_segment_bytes_max } else { 0 };
        if framing.has_virtio() {
            // Without effect where the machine's own order is this one.
            let agreed = sys::tun_set_little_endian(file.as_fd());
            if cfg!(target_endian = "big") {
                agreed.map_err(io_error("agree on a header"))?;
            }
            // If it may not be changed it stays as it was; each frame says what is left to do for it.
            let _ = sys::tun_set_offload(file.as_fd(), features(super_segment_bytes_max));
        }
        let has_offload = super_segment_bytes_max > 0;
        let capabilities = LinkCapabilities {
            medium,
            mtu_bytes,
            super_segment_bytes_max,
            transmit_checksum: if has_offload { TransmitChecksum::Partial } else { TransmitChecksum::Full },
        };
        let buffer = Mutex::new(Vec::with_capacity(READ_BYTES_MAX));
        Ok(Tun { file, name, capabilities, framing, buffer })
    }
}

/// The virtio header of an interface with these flags. Its length is that of the interface: other queues of it may be
/// in use elsewhere, so it is not changed.
fn virtio_framing(file: &File, name: &str, flags: libc::c_int) -> Result<Framing, TunError> {
    if flags & libc::IFF_VNET_HDR == 0 {
        return Ok(Framing::PLAIN);
    }
    // 10 bytes unless somebody has changed it.
    let bytes = sys::tun_header_bytes(file.as_fd()).unwrap_or(virtio::HEADER_BYTES);
    Framing::PLAIN.with_virtio(bytes).ok_or_else(|| {
        let source = io::Error::new(io::ErrorKind::Unsupported, format!("it has {bytes} bytes"));
        TunError::Io { name: name.to_owned(), what: "understand its virtio header", source }
    })
}

/// Whether the packet information stands before each packet, as far as it can be found out.
///
/// `TUNGETIFF` says it only if it does: `IFF_NO_PI` has the value of `IFF_NOFILTER` (`linux/if_tun.h`), which is set
/// where no filter is attached, so nearly always. So we ask by writing what is a packet only in one of the two cases.
/// For Ethernet there is nothing that could be written without going further.
fn has_information(file: &File, medium: Medium, flags: libc::c_int, virtio: Framing) -> Option<bool> {
    if flags & libc::IFF_NO_PI == 0 {
        return Some(true);
    }
    if medium == Medium::Ethernet {
        return None;
    }
    match (&mut &*file).write(&virtio.question()) {
        Ok(_) => Some(true),
        // The interface is down, which the kernel looks at after the headers.
        Err(error) if error.raw_os_error() == Some(libc::EIO) => Some(true),
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => Some(false),
        Err(_) => None,
    }
}

/// Whether we may not ask, which says nothing of the descriptor: a policy (SELinux), or a filter of system calls.
fn is_refusal(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EACCES | libc::EPERM | libc::ENOSYS))
}

fn is_device(file: &File) -> bool {
    file.metadata().is_ok_and(|metadata| metadata.file_type().is_char_device())
}
