//! Pieces of a capture that outlive the reader's buffer.
//!
//! A piece that the reader gives out lives until the next; who must wait for later ones before it can be written keeps a
//! copy. Buffers are used again, so that keeping costs a copy and no allocation.

use super::{Block, Piece, Record};
use std::ops::Range;

/// A copy of a [`Piece`].
#[derive(Clone, Debug, Default)]
pub struct KeptPiece {
    /// The whole record, or block.
    raw: Vec<u8>,
    packet: Option<Packet>,
    block_kind: u32,
    big_endian: bool,
}

#[derive(Clone, Debug)]
struct Packet {
    /// Without its slices.
    record: Record<'static>,
    bytes: Range<usize>,
    options: Range<usize>,
}

impl KeptPiece {
    /// Keeps another piece, in the same buffer.
    pub fn keep(&mut self, piece: &Piece<'_>) {
        match piece {
            Piece::Packet(record) => self.keep_packet(record),
            Piece::Block(block) => self.keep_block(block),
        }
    }

    /// Keeps a packet.
    pub fn keep_packet(&mut self, record: &Record<'_>) {
        self.raw.clear();
        self.raw.extend_from_slice(record.raw);
        let bytes = self.range_of(record.raw, record.bytes);
        let options = self.range_of(record.raw, record.options);
        let record = Record { bytes: &[], raw: &[], options: &[], ..*record };
        self.packet = Some(Packet { record, bytes, options });
    }

    /// Keeps a block.
    pub fn keep_block(&mut self, block: &Block<'_>) {
        self.raw.clear();
        self.raw.extend_from_slice(block.bytes);
        (self.packet, self.block_kind, self.big_endian) = (None, block.kind, block.big_endian);
    }

    /// Where `part` is in the buffer: it is a part of `whole`, or is put behind it.
    fn range_of(&mut self, whole: &[u8], part: &[u8]) -> Range<usize> {
        let start = (part.as_ptr() as usize).wrapping_sub(whole.as_ptr() as usize);
        if start.checked_add(part.len()).is_some_and(|end| end <= whole.len()) {
            return start..start + part.len();
        }
        let start = self.raw.len();
        self.raw.extend_from_slice(part);
        start..self.raw.len()
    }

    /// How much it holds, in bytes.
    pub fn len_bytes(&self) -> usize {
        self.raw.len()
    }

    /// The piece as the reader gave it.
    pub fn piece(&self) -> Piece<'_> {
        match &self.packet {
            Some(Packet { record, bytes, options }) => Piece::Packet(Record {
                bytes: &self.raw[bytes.clone()],
                raw: &self.raw,
                options: &self.raw[options.clone()],
                ..*record
            }),
            None => {
                Piece::Block(Block { kind: self.block_kind, bytes: &self.raw, big_endian: self.big_endian })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Format, Interface, LinkType, PacketInfo, Reader, Section, Writer};

    #[test]
    fn a_kept_piece_is_the_piece() {
        for format in [Format::PcapMicroseconds, Format::Pcapng] {
            let mut writer = Writer::new(Vec::new(), format, &Section::default()).unwrap();
            let tun = writer.add_interface(&Interface::new(LinkType::RAW)).unwrap();
            for number in 0..3u64 {
                let info = PacketInfo { comments: &["said"], ..PacketInfo::new(tun, number) };
                writer.write_slices(&info, &[&[number as u8; 7]]).unwrap();
            }
            let file = writer.into_inner();
            let mut reader = Reader::new(&file[..]).unwrap();
            let mut kept = KeptPiece::default();
            let mut pieces = 0;
            while let Some(piece) = reader.next_piece() {
                let piece = piece.unwrap();
                kept.keep(&piece);
                assert_eq!(format!("{:?}", kept.piece()), format!("{piece:?}"));
                pieces += 1;
            }
            assert!(pieces >= 3);
        }
    }
}
