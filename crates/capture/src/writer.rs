//! The writer of capture files: pcapng by default, classic pcap for tools that cannot read pcapng.
//!
//! It buffers only the current packet, so wrap files in a `BufWriter`. What it does not do: compress,
//! rotate files, resolve names, write statistics blocks.

mod pcap;
pub(crate) mod pcapng;

use crate::{Finish, Interface, InterfaceId, LinkType, PacketInfo, Section};
use std::io::{self, Write};
use wire::Frame;

/// Which file format to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Format {
    /// pcapng, nanoseconds.
    #[default]
    Pcapng,
    /// Classic pcap, microseconds: every tool reads it, but it has only one link type and no names,
    /// directions or comments.
    PcapMicroseconds,
    /// Classic pcap, nanoseconds.
    PcapNanoseconds,
}

/// Writes a capture file into `W`.
///
/// ```
/// use synfin_capture::{Format, Interface, LinkType, PacketInfo, Section, Writer};
/// let mut writer = Writer::new(Vec::new(), Format::Pcapng, &Section::default())?;
/// let tun = writer.add_interface(&Interface { name: "tun0", ..Interface::new(LinkType::RAW) })?;
/// writer.write_slices(&PacketInfo::new(tun, 1_000), &[&[0x45, 0], &[0, 20]])?;
/// let file = writer.into_inner();
/// assert_eq!(file[..4], [0x0a, 0x0d, 0x0d, 0x0a]);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Writer<W: Write> {
    out: W,
    format: Format,
    /// The link type of each interface.
    link_types: Vec<LinkType>,
    /// The block that is being built.
    block: Vec<u8>,
}

impl<W: Write> Writer<W> {
    /// Starts a file. With pcapng, the section header is written now; with classic pcap, which cannot store
    /// `section`, the file header is written with the first interface.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn new(out: W, format: Format, section: &Section<'_>) -> io::Result<Self> {
        let mut writer = Writer { out, format, link_types: Vec::new(), block: Vec::new() };
        if format == Format::Pcapng {
            pcapng::append_section_header(&mut writer.block, section);
            writer.out.write_all(&writer.block)?;
        }
        Ok(writer)
    }

    /// Adds an interface and returns its number, by which packets refer to it. Interfaces may be added after
    /// packets.
    ///
    /// # Errors
    /// Those of `out`; `InvalidInput` for a second link type in a classic pcap file, which has only one.
    pub fn add_interface(&mut self, interface: &Interface<'_>) -> io::Result<InterfaceId> {
        self.block.clear();
        match (self.format, self.link_types.first()) {
            (Format::Pcapng, _) => pcapng::append_interface_description(&mut self.block, interface),
            (format, None) => pcap::append_file_header(&mut self.block, format, interface),
            (_, Some(&first)) if first == interface.link_type => {}
            (_, Some(&first)) => {
                let message = format!(
                    "a pcap file has only one link type ({first}) and cannot take {}: write pcapng",
                    interface.link_type
                );
                return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
            }
        }
        self.out.write_all(&self.block)?;
        self.link_types.push(interface.link_type);
        Ok(InterfaceId(self.link_types.len() as u32 - 1))
    }

    /// Writes a packet unchanged. `slices` are its bytes in several parts.
    ///
    /// # Errors
    /// Those of `out`; `InvalidInput` if the interface was not added, the packet has 4 GB or more, or the
    /// format cannot hold the time (pcap: after 2106).
    pub fn write_slices(&mut self, info: &PacketInfo<'_>, slices: &[&[u8]]) -> io::Result<()> {
        self.link_type(info.interface)?;
        self.block.clear();
        match self.format {
            Format::Pcapng => pcapng::append_enhanced_packet(&mut self.block, info, slices)?,
            format => pcap::append_record(&mut self.block, format, info, slices)?,
        }
        self.out.write_all(&self.block)
    }

    /// Writes a frame after completing it as `finish` says. If it is cut, the first packet gets the comments.
    ///
    /// # Errors
    /// As [`Writer::write_slices`].
    pub fn write_frame(&mut self, info: &PacketInfo<'_>, frame: &Frame, finish: Finish) -> io::Result<()> {
        let mut info = *info;
        for piece in finish.apply(frame, self.link_type(info.interface)?) {
            match piece.payload.contiguous() {
                Some(payload) => self.write_slices(&info, &[piece.head.as_slice(), payload])?,
                None => self.write_slices(&info, &[&piece.to_vec()])?,
            }
            info.comments = &[];
        }
        Ok(())
    }

    /// Flushes `out`.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// The output. What the caller writes to it becomes part of the file.
    pub fn get_mut(&mut self) -> &mut W {
        &mut self.out
    }

    /// Ends the file and returns the output, which is not flushed.
    pub fn into_inner(self) -> W {
        self.out
    }

    fn link_type(&self, interface: InterfaceId) -> io::Result<LinkType> {
        self.link_types.get(interface.0 as usize).copied().ok_or_else(|| {
            let message = format!(
                "interface {} was never added to the capture file: add it before its packets",
                interface.0
            );
            io::Error::new(io::ErrorKind::InvalidInput, message)
        })
    }
}

/// Room in a block's length field for the fields and comments around the packet; they need less in practice.
const BLOCK_OVERHEAD_BYTES_MAX: u32 = 1 << 20;

/// The total length of `slices`, if the length fields of a capture file can hold it.
fn packet_bytes(slices: &[&[u8]]) -> io::Result<u32> {
    let total: usize = slices.iter().map(|slice| slice.len()).sum();
    // The block around the packet is longer, and its length field has 32 bits, too.
    u32::try_from(total).ok().filter(|&total| total < u32::MAX - BLOCK_OVERHEAD_BYTES_MAX).ok_or_else(|| {
        io::Error::new(io::ErrorKind::InvalidInput, "a packet of 4 GB does not fit into a capture file")
    })
}

#[cfg(test)]
mod tests;
