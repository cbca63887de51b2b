//! The writer of capture files: pcapng by default, classic pcap for tools that know no better.
//!
//! Nothing is buffered beyond one packet: give it a `BufWriter` around a file. What it does not do:
//! compress, rotate files, resolve names, write statistics blocks.

mod pcap;
mod pcapng;

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
    /// Classic pcap, microseconds: read by everything; one link type, no names, directions or comments.
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
    /// The block under construction.
    block: Vec<u8>,
}

impl<W: Write> Writer<W> {
    /// Starts a file. pcapng writes its section header now, classic pcap (which has no place for
    /// `section`) its header with the first interface.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn new(out: W, format: Format, section: &Section<'_>) -> io::Result<Self> {
        let mut writer = Writer { out, format, link_types: Vec::new(), block: Vec::new() };
        if format == Format::Pcapng {
            pcapng::section(&mut writer.block, section);
            writer.out.write_all(&writer.block)?;
        }
        Ok(writer)
    }

    /// Adds an interface; packets refer to it by the number returned. May come after packets.
    ///
    /// # Errors
    /// Those of `out`; `InvalidInput` if a classic pcap file, which has one link type, is given a second.
    pub fn add_interface(&mut self, interface: &Interface<'_>) -> io::Result<InterfaceId> {
        self.block.clear();
        match (self.format, self.link_types.first()) {
            (Format::Pcapng, _) => pcapng::interface(&mut self.block, interface),
            (format, None) => pcap::header(&mut self.block, format, interface),
            (_, Some(&first)) if first == interface.link_type => {}
            (_, Some(&first)) => {
                let message = format!(
                    "a pcap file has one link type ({first}), {} does not fit in: write pcapng",
                    interface.link_type
                );
                return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
            }
        }
        self.out.write_all(&self.block)?;
        self.link_types.push(interface.link_type);
        Ok(InterfaceId(self.link_types.len() as u32 - 1))
    }

    /// Writes a packet given in pieces, as it is.
    ///
    /// # Errors
    /// Those of `out`; `InvalidInput` if the interface was not added, the packet is longer than 4 GB,
    /// or the time does not fit the format (pcap: 2106).
    pub fn write_slices(&mut self, info: &PacketInfo<'_>, slices: &[&[u8]]) -> io::Result<()> {
        self.link_type(info.interface)?;
        self.block.clear();
        match self.format {
            Format::Pcapng => pcapng::packet(&mut self.block, info, slices)?,
            format => pcap::packet(&mut self.block, format, info, slices)?,
        }
        self.out.write_all(&self.block)
    }

    /// Writes a frame, finished as asked for. Of a frame that is cut, the first piece gets the comments.
    ///
    /// # Errors
    /// As [`Writer::write_slices`].
    pub fn write_frame(&mut self, info: &PacketInfo<'_>, frame: &Frame, finish: Finish) -> io::Result<()> {
        let mut info = *info;
        for piece in finish.apply(frame, self.link_type(info.interface)?) {
            match piece.payload.contiguous() {
                Some(text) => self.write_slices(&info, &[piece.head.as_slice(), text])?,
                None => self.write_slices(&info, &[&piece.to_vec()])?,
            }
            info.comments = &[];
        }
        Ok(())
    }

    /// Pushes what `out` has buffered to where it goes.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// Ends the file and returns what it was written into, not flushed.
    pub fn into_inner(self) -> W {
        self.out
    }

    fn link_type(&self, interface: InterfaceId) -> io::Result<LinkType> {
        self.link_types.get(interface.0 as usize).copied().ok_or_else(|| {
            let message = format!("interface {} was never added to the capture file", interface.0);
            io::Error::new(io::ErrorKind::InvalidInput, message)
        })
    }
}

/// The total length of `slices`, if a capture format can express it.
fn packet_bytes(slices: &[&[u8]]) -> io::Result<u32> {
    let total: usize = slices.iter().map(|slice| slice.len()).sum();
    // Room for the block around it: its own length has 32 bits, too.
    u32::try_from(total).ok().filter(|&total| total < u32::MAX - (1 << 20)).ok_or_else(|| {
        io::Error::new(io::ErrorKind::InvalidInput, "a packet of 4 GB does not fit a capture file")
    })
}

#[cfg(test)]
mod tests;
