//! `virtio_net_hdr`: how a kernel and its guest tell each other what is left to do for a frame (virtio 1.2
//! §5.1.6). TUN and TAP speak it with `IFF_VNET_HDR`.
//!
//! Always little-endian here; a device must have asked for that (`TUNSETVNETLE`).

use crate::error::{Error, take};
use crate::ip::protocol;
use crate::segmentation::Layout;
use crate::tcp::Flags;
use crate::{Checksum, Frame, Medium, Offload};

/// The legacy header, in bytes.
pub const HEADER_BYTES: usize = 10;
/// The header with a buffer count after it, in bytes.
pub const HEADER_MERGEABLE_BYTES: usize = 12;

const NEEDS_CHECKSUM: u8 = 1;
const DATA_VALID: u8 = 2;
const GSO_ECN: u8 = 0x80;

/// Which kind of super-segment a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Gso {
    /// None: the frame already fits the wire.
    #[default]
    None,
    /// TCP over IPv4.
    TcpV4,
    /// TCP over IPv6.
    TcpV6,
}

/// A `virtio_net_hdr` as a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Header {
    /// The kind of super-segment.
    pub gso: Gso,
    /// The super-segment carries CWR, which only its first segment may keep.
    pub gso_ecn: bool,
    /// Length of all headers in bytes: a hint.
    pub header_bytes: u16,
    /// TCP payload per segment, in bytes.
    pub segment_bytes: u16,
    /// The state of the checksum; `start` counts from the start of the frame.
    pub checksum: Checksum,
}

impl Header {
    /// Reads the header before a frame; the buffer count in a longer header is ignored.
    ///
    /// # Errors
    /// [`Error::Truncated`]; [`Error::Unsupported`] for a kind of super-segment other than TCP's.
    ///
    /// ```
    /// use synfin_wire::virtio::Header;
    /// let header = Header::parse(&[1, 0, 0, 0, 0, 0, 20, 0, 16, 0])?;
    /// assert_eq!(header.checksum, synfin_wire::Checksum::Partial { start: 20, offset: 16 });
    /// # Ok::<(), synfin_wire::Error>(())
    /// ```
    pub fn parse(bytes: &[u8]) -> Result<Header, Error> {
        let [flags, gso, h0, h1, s0, s1, c0, c1, o0, o1] = *take::<HEADER_BYTES>(bytes, 0)?;
        let word = |low: u8, high: u8| u16::from_le_bytes([low, high]);
        let checksum = if flags & NEEDS_CHECKSUM != 0 {
            Checksum::Partial { start: word(c0, c1), offset: word(o0, o1) }
        } else if flags & DATA_VALID != 0 {
            Checksum::Trusted
        } else {
            Checksum::Complete
        };
        Ok(Header {
            gso: match gso & !GSO_ECN {
                0 => Gso::None,
                1 => Gso::TcpV4,
                4 => Gso::TcpV6,
                _ => return Err(Error::Unsupported { what: "the kind of super-segment in a virtio header" }),
            },
            gso_ecn: gso & GSO_ECN != 0,
            header_bytes: word(h0, h1),
            segment_bytes: word(s0, s1),
            checksum,
        })
    }

    /// The header for `frame`, according to its [`Offload`].
    pub fn for_frame(frame: &Frame, medium: Medium) -> Header {
        let checksum = frame.offload.checksum;
        let plain = Header { checksum, ..Header::default() };
        if frame.offload.segment_bytes == 0 {
            return plain;
        }
        let headers = frame.head.as_slice();
        let start = if headers.is_empty() {
            frame.payload.pieces().next().map_or(&[][..], |first| first)
        } else {
            headers
        };
        let Some(layout) = Layout::of(start, medium).filter(|layout| layout.protocol == protocol::TCP) else {
            return plain;
        };
        if frame.len() - layout.text_at <= usize::from(frame.offload.segment_bytes) {
            return plain;
        }
        Header {
            gso: if layout.is_ipv6 { Gso::TcpV6 } else { Gso::TcpV4 },
            gso_ecn: u16::from(start[layout.transport_at + 13]) & Flags::CWR.bits() != 0,
            header_bytes: layout.text_at as u16,
            segment_bytes: frame.offload.segment_bytes,
            checksum,
        }
    }

    /// What the header says about its frame, for [`Frame::offload`].
    pub const fn offload(&self) -> Offload {
        let segment_bytes = if matches!(self.gso, Gso::None) { 0 } else { self.segment_bytes };
        Offload { segment_bytes, checksum: self.checksum }
    }

    /// Writes the header over all of `into`: 10 bytes, or 12 with a buffer count of one.
    ///
    /// # Panics
    /// If `into` is shorter than [`HEADER_BYTES`].
    pub fn emit(&self, into: &mut [u8]) {
        into.fill(0);
        let (flags, start, offset) = match self.checksum {
            Checksum::Complete => (0, 0, 0),
            Checksum::Trusted => (DATA_VALID, 0, 0),
            Checksum::Partial { start, offset } => (NEEDS_CHECKSUM, start, offset),
        };
        let gso = match self.gso {
            Gso::None => 0,
            Gso::TcpV4 => 1,
            Gso::TcpV6 => 4,
        };
        into[0] = flags;
        into[1] = gso | if self.gso_ecn { GSO_ECN } else { 0 };
        into[2..4].copy_from_slice(&self.header_bytes.to_le_bytes());
        into[4..6].copy_from_slice(&self.segment_bytes.to_le_bytes());
        into[6..8].copy_from_slice(&start.to_le_bytes());
        into[8..10].copy_from_slice(&offset.to_le_bytes());
        if let Some(buffers) = into.get_mut(10) {
            *buffers = 1;
        }
    }
}

#[cfg(test)]
mod tests;
