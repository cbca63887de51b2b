//! What stands before each frame that is read from or written to `/dev/net/tun`: nothing, the packet information
//! (`struct tun_pi` of `linux/if_tun.h`), a virtio header, or the former before the latter.

use std::io;
use wire::ethernet::ethertype;
use wire::{Frame, Medium, Offload, virtio};

/// Flags and protocol, two bytes each.
const INFORMATION_BYTES: usize = 4;
/// `TUN_PKT_STRIP`: the kernel had to cut the frame short.
const CUT_SHORT: u16 = 1;
/// More than the longest virtio header, which has 20 bytes with the hash of a flow (`virtio_net_hdr_v1_hash`).
const VIRTIO_BYTES_MAX: usize = 32;
/// Room for all that may stand before a frame.
pub(super) const HEADERS_BYTES_MAX: usize = INFORMATION_BYTES + VIRTIO_BYTES_MAX;

/// Which headers there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Framing {
    information_bytes: usize,
    virtio_bytes: usize,
}

impl Framing {
    /// Nothing but the frame.
    pub(super) const PLAIN: Framing = Framing { information_bytes: 0, virtio_bytes: 0 };
    /// The virtio header that we ask for ourselves.
    pub(super) const VIRTIO: Framing = Framing { information_bytes: 0, virtio_bytes: virtio::HEADER_BYTES };

    /// The same with the packet information before it.
    pub(super) const fn with_information(self) -> Framing {
        Framing { information_bytes: INFORMATION_BYTES, ..self }
    }

    /// The same with a virtio header of this length, if it can be one.
    pub(super) fn with_virtio(self, virtio_bytes: usize) -> Option<Framing> {
        let fits = (virtio::HEADER_BYTES..=VIRTIO_BYTES_MAX).contains(&virtio_bytes);
        fits.then_some(Framing { virtio_bytes, ..self })
    }

    /// Whether the packet information comes first.
    #[cfg(test)]
    pub(super) const fn has_information(self) -> bool {
        self.information_bytes > 0
    }

    /// A packet that the kernel takes if it expects the packet information, and refuses if it does not. The packet
    /// itself is one byte and goes no further than to the kernel's check of its header.
    pub(super) fn question(self) -> Vec<u8> {
        let mut question = vec![0; INFORMATION_BYTES + self.virtio_bytes + 1];
        // Without packet information the first byte is that of a packet, of no version of IP, or of a virtio header,
        // whose third and fourth byte then claim headers that are longer than all that follows.
        question[2..INFORMATION_BYTES].copy_from_slice(&ethertype::IPV4.to_be_bytes());
        question
    }

    /// Whether work on a frame can be left to the kernel.
    pub(super) const fn has_virtio(self) -> bool {
        self.virtio_bytes > 0
    }

    /// Writes what stands before `frame` into `into`, and returns that part of it.
    pub(super) fn emit<'a>(
        self,
        frame: &Frame,
        medium: Medium,
        into: &'a mut [u8; HEADERS_BYTES_MAX],
    ) -> &'a [u8] {
        let first = frame.head.as_slice();
        let first = if first.is_empty() {
            frame.payload.pieces().next().map_or(&[][..], |piece| piece)
        } else {
            first
        };
        self.emit_information(first, medium, into);
        if self.has_virtio() {
            let end = self.information_bytes + self.virtio_bytes;
            virtio::Header::for_frame(frame, medium).emit(&mut into[self.information_bytes..end]);
        }
        &into[..self.information_bytes + self.virtio_bytes]
    }

    /// The same for a frame for which nothing is left to be done.
    pub(super) fn emit_plain<'a>(
        self,
        frame: &[u8],
        medium: Medium,
        into: &'a mut [u8; HEADERS_BYTES_MAX],
    ) -> &'a [u8] {
        self.emit_information(frame, medium, into);
        &into[..self.information_bytes + self.virtio_bytes]
    }

    /// The kernel believes the protocol of an IP packet (`tun_get_user` of `drivers/net/tun.c`), and reads that of an
    /// Ethernet frame itself.
    fn emit_information(self, frame: &[u8], medium: Medium, into: &mut [u8; HEADERS_BYTES_MAX]) {
        if self.information_bytes == 0 {
            return;
        }
        let protocol = match (medium, frame.first().map(|byte| byte >> 4)) {
            (Medium::Ip, Some(4)) => ethertype::IPV4,
            (Medium::Ip, Some(6)) => ethertype::IPV6,
            _ => 0,
        };
        into[2..INFORMATION_BYTES].copy_from_slice(&protocol.to_be_bytes());
    }

    /// What the headers say of the frame after them, and where it starts.
    pub(super) fn parse(self, bytes: &[u8]) -> io::Result<(Offload, usize)> {
        let start = self.information_bytes + self.virtio_bytes;
        let invalid = |text: &str| io::Error::new(io::ErrorKind::InvalidData, text);
        if bytes.len() < start {
            return Err(invalid("the kernel gave a frame without the headers that were agreed on"));
        }
        if self.information_bytes > 0 && u16::from_ne_bytes([bytes[0], bytes[1]]) & CUT_SHORT != 0 {
            return Err(invalid("the kernel cut a frame short, because it is larger than any that can be"));
        }
        if !self.has_virtio() {
            return Ok((Offload::default(), start));
        }
        let header = virtio::Header::parse(&bytes[self.information_bytes..])
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        Ok((header.offload(), start))
    }
}
