//! Classic pcap: a file header and records, little-endian.

use super::{Format, packet_bytes};
use crate::{Interface, PacketInfo};
use std::io;

const MAGIC_MICROSECONDS: u32 = 0xa1b2_c3d4;
const MAGIC_NANOSECONDS: u32 = 0xa1b2_3c4d;

/// The snapshot length if the interface gives none: the largest that libpcap accepts without complaint.
const SNAP_BYTES_DEFAULT: u32 = 262_144;

pub(super) fn append_file_header(block: &mut Vec<u8>, format: Format, interface: &Interface<'_>) {
    let magic = if format == Format::PcapNanoseconds { MAGIC_NANOSECONDS } else { MAGIC_MICROSECONDS };
    let snap_bytes = if interface.snap_bytes == 0 { SNAP_BYTES_DEFAULT } else { interface.snap_bytes };
    block.extend(magic.to_le_bytes());
    block.extend([2, 0, 4, 0]); // version 2.4
    block.extend([0; 8]); // time zone and accuracy, which no tool uses
    block.extend(snap_bytes.to_le_bytes());
    block.extend(u32::from(interface.link_type.0).to_le_bytes());
}

pub(super) fn append_record(
    block: &mut Vec<u8>,
    format: Format,
    info: &PacketInfo<'_>,
    slices: &[&[u8]],
) -> io::Result<()> {
    let captured = packet_bytes(slices)?;
    let seconds = u32::try_from(info.time_ns / 1_000_000_000).map_err(|_| {
        io::Error::new(io::ErrorKind::InvalidInput, "a pcap file cannot hold times after 2106: write pcapng")
    })?;
    let nanoseconds = (info.time_ns % 1_000_000_000) as u32;
    let fraction = if format == Format::PcapNanoseconds { nanoseconds } else { nanoseconds / 1_000 };
    block.extend(seconds.to_le_bytes());
    block.extend(fraction.to_le_bytes());
    block.extend(captured.to_le_bytes());
    block.extend(info.wire_bytes.unwrap_or(captured).to_le_bytes());
    slices.iter().for_each(|slice| block.extend_from_slice(slice));
    Ok(())
}
