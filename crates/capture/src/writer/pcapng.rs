//! pcapng blocks, little-endian: section header, interface description, enhanced packet
//! (draft-ietf-opsawg-pcapng §4.1 to §4.3).

use super::packet_bytes;
use crate::{Direction, Interface, PacketInfo, Section};
use std::io;

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
const ENHANCED_PACKET: u32 = 6;
const BYTE_ORDER_MAGIC: u32 = 0x1a2b_3c4d;

const OPTION_END: u16 = 0;
const OPTION_COMMENT: u16 = 1;
const SECTION_HARDWARE: u16 = 2;
const SECTION_OS: u16 = 3;
const SECTION_APPLICATION: u16 = 4;
const INTERFACE_NAME: u16 = 2;
const INTERFACE_DESCRIPTION_TEXT: u16 = 3;
const INTERFACE_TIME_RESOLUTION: u16 = 9;
const PACKET_FLAGS: u16 = 2;

/// `if_tsresol`: units of 10^-9 seconds.
const NANOSECONDS: u8 = 9;

pub(super) fn append_section_header(block: &mut Vec<u8>, section: &Section<'_>) {
    let start = begin_block(block, SECTION_HEADER);
    block.extend(BYTE_ORDER_MAGIC.to_le_bytes());
    block.extend([1, 0, 0, 0]); // version 1.0
    block.extend(u64::MAX.to_le_bytes()); // section length: unknown
    let texts = [
        (OPTION_COMMENT, section.comment),
        (SECTION_HARDWARE, section.hardware),
        (SECTION_OS, section.os),
        (SECTION_APPLICATION, section.application),
    ];
    append_text_options(block, &texts);
    end_options(block, start + 24);
    end_block(block, start);
}

pub(super) fn append_interface_description(block: &mut Vec<u8>, interface: &Interface<'_>) {
    let start = begin_block(block, INTERFACE_DESCRIPTION);
    block.extend(u32::from(interface.link_type.0).to_le_bytes()); // and 16 reserved bits
    block.extend(interface.snap_bytes.to_le_bytes());
    let texts = [(INTERFACE_NAME, interface.name), (INTERFACE_DESCRIPTION_TEXT, interface.description)];
    append_text_options(block, &texts);
    append_option(block, INTERFACE_TIME_RESOLUTION, &[NANOSECONDS]);
    end_options(block, start + 16);
    end_block(block, start);
}

pub(super) fn append_enhanced_packet(
    block: &mut Vec<u8>,
    info: &PacketInfo<'_>,
    slices: &[&[u8]],
) -> io::Result<()> {
    let captured = packet_bytes(slices)?;
    let start = begin_block(block, ENHANCED_PACKET);
    block.extend(info.interface.0.to_le_bytes());
    block.extend(((info.time_ns >> 32) as u32).to_le_bytes());
    block.extend((info.time_ns as u32).to_le_bytes());
    block.extend(captured.to_le_bytes());
    block.extend(info.wire_bytes.unwrap_or(captured).to_le_bytes());
    slices.iter().for_each(|slice| block.extend_from_slice(slice));
    pad_block(block);
    let options_start = block.len();
    for comment in info.comments {
        append_text_options(block, &[(OPTION_COMMENT, comment)]);
    }
    if let Some(direction) = info.direction {
        let flags: u32 = match direction {
            Direction::Inbound => 1,
            Direction::Outbound => 2,
        };
        append_option(block, PACKET_FLAGS, &flags.to_le_bytes());
    }
    end_options(block, options_start);
    end_block(block, start);
    Ok(())
}

/// Starts a block and returns where it starts; [`end_block`] fills in its length.
fn begin_block(block: &mut Vec<u8>, kind: u32) -> usize {
    let start = block.len();
    block.extend(kind.to_le_bytes());
    block.extend([0; 4]);
    start
}

fn end_block(block: &mut Vec<u8>, start: usize) {
    let total = (block.len() - start + 4) as u32;
    block.extend(total.to_le_bytes());
    block[start + 4..start + 8].copy_from_slice(&total.to_le_bytes());
}

fn pad_block(block: &mut Vec<u8>) {
    block.resize(block.len().next_multiple_of(4), 0);
}

fn append_text_options(block: &mut Vec<u8>, texts: &[(u16, &str)]) {
    for (code, text) in texts.iter().filter(|(_, text)| !text.is_empty()) {
        append_option(block, *code, option_text(text));
    }
}

/// The longest prefix of the text that an option can hold, cut between characters.
pub(crate) fn option_text(text: &str) -> &[u8] {
    let mut end = text.len().min(usize::from(u16::MAX));
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text.as_bytes()[..end]
}

/// `value` is at most 65,535 bytes long.
fn append_option(block: &mut Vec<u8>, code: u16, value: &[u8]) {
    block.extend(code.to_le_bytes());
    block.extend((value.len() as u16).to_le_bytes());
    block.extend_from_slice(value);
    pad_block(block);
}

/// Ends the list of options if there is one.
fn end_options(block: &mut Vec<u8>, options_start: usize) {
    if block.len() > options_start {
        append_option(block, OPTION_END, &[]);
    }
}
