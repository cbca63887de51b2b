//! What a capture puts in front of an IEEE 802.11 frame: radiotap (radiotap.org), PPI (CACE, "Per-Packet Information
//! Header Specification" 1.0.7), the Prism header and the AVS header that drivers wrote before them.
//!
//! Of all that they tell of the radio, only what is needed to read the frame is read: whether a checksum ends it,
//! whether the checksum was wrong, and whether the driver padded the frame's header.

use super::view::{be32, le16, le32};
use super::walk::{Halt, Next, RadioHeader, Walk};
use super::{Layer, NotTcp};
use crate::LinkType;

/// The frame check sequence at the end of a frame (IEEE 802.11-2020 §9.2.4.8).
const FCS_BYTES: usize = 4;

impl<'a> Walk<'a> {
    /// Version, padding, length, then words that say which fields follow. The flags are the second of all fields.
    pub(super) fn radiotap(&mut self) -> Result<Next, Halt<'a>> {
        const ANOTHER_WORD: u32 = 1 << 31;
        const TIME: u32 = 1;
        const FLAGS: u32 = 1 << 1;
        const FCS_AT_END: u8 = 0x10;
        const PADDED: u8 = 0x20;
        const FCS_WRONG: u8 = 0x40;
        let malformed = Halt::NotTcp(NotTcp::Malformed(Layer::Radiotap));

        let start = self.view.peek(8, Layer::Radiotap)?;
        let len = usize::from(le16(start, 2));
        if start[0] != 0 || len < 8 {
            return Err(malformed);
        }
        let header = self.view.take(len, Layer::Radiotap)?;
        let mut words = header[4..].chunks_exact(4).map(|word| le32(word, 0));
        let Some(present) = words.next() else { return Err(malformed) };
        let mut fields_at = 8_usize;
        let mut word = present;
        while word & ANOTHER_WORD != 0 {
            fields_at += 4;
            let Some(next) = words.next() else { return Err(malformed) };
            word = next;
        }
        if present & FLAGS == 0 {
            return Ok(Next::Ieee80211(RadioHeader::Plain));
        }
        let flags_at = match present & TIME {
            0 => fields_at,
            // numbers stand at multiples of their size, counted from the start of the header
            _ => fields_at.next_multiple_of(8) + 8,
        };
        let Some(&flags) = header.get(flags_at) else { return Err(malformed) };
        self.end_of_frame(flags & FCS_AT_END != 0, flags & FCS_WRONG != 0)?;
        Ok(Next::Ieee80211(if flags & PADDED != 0 { RadioHeader::Padded } else { RadioHeader::Plain }))
    }

    /// Version, flags, length, the link type of what follows, then fields of a kind and a length each.
    pub(super) fn ppi(&mut self) -> Result<Next, Halt<'a>> {
        const ALIGNED: u8 = 1;
        const COMMON_OF_802_11: u16 = 2;
        const FCS_AT_END: u16 = 1;
        const FCS_WRONG: u16 = 4;
        let malformed = Halt::NotTcp(NotTcp::Malformed(Layer::Ppi));

        let start = self.view.peek(8, Layer::Ppi)?;
        let (len, link_type) = (usize::from(le16(start, 2)), le32(start, 4));
        if start[0] != 0 || len < 8 {
            return Err(malformed);
        }
        let header = self.view.take(len, Layer::Ppi)?;
        let Some(link_type) = u16::try_from(link_type).ok().map(LinkType) else { return Err(malformed) };
        let mut fields = &header[8..];
        while let Some((start, rest)) = fields.split_first_chunk::<4>() {
            let (kind, len) = (le16(start, 0), usize::from(le16(start, 2)));
            if kind == COMMON_OF_802_11 && len >= 10 && rest.len() >= 10 {
                let flags = le16(rest, 8);
                self.end_of_frame(flags & FCS_AT_END != 0, flags & FCS_WRONG != 0)?;
                break;
            }
            let padded = if header[1] & ALIGNED != 0 { len.next_multiple_of(4) } else { len };
            fields = rest.get(padded..).unwrap_or_default();
        }
        match link_type {
            LinkType::PPI => Err(malformed),
            other => self.link(other),
        }
    }

    /// Both numbers of the Prism header are in the byte order of the capturing host. Drivers also wrote the AVS header
    /// under this link type; its first number tells it apart.
    pub(super) fn prism(&mut self) -> Result<Next, Halt<'a>> {
        /// Above every length and kind of message that a driver wrote.
        const NUMBER_MAX: u32 = 0xffff;
        let start = self.view.peek(8, Layer::Prism)?;
        if is_avs(be32(start, 0)) {
            return self.avs();
        }
        let is_little = le32(start, 0) <= NUMBER_MAX;
        let len = if is_little { le32(start, 4) } else { be32(start, 4) };
        if !(8..=NUMBER_MAX).contains(&len) {
            return Err(Halt::NotTcp(NotTcp::Malformed(Layer::Prism)));
        }
        self.view.take(len as usize, Layer::Prism)?;
        Ok(Next::Ieee80211(RadioHeader::Plain))
    }

    /// A magic number with the version, and the header's length, both big-endian.
    pub(super) fn avs(&mut self) -> Result<Next, Halt<'a>> {
        let start = self.view.peek(8, Layer::Prism)?;
        let len = be32(start, 4) as usize;
        if !is_avs(be32(start, 0)) || len < 8 {
            return Err(Halt::NotTcp(NotTcp::Malformed(Layer::Prism)));
        }
        self.view.take(len, Layer::Prism)?;
        Ok(Next::Ieee80211(RadioHeader::Plain))
    }

    /// Takes the checksum off. A frame whose checksum is wrong was damaged on the air: no station took it, and its
    /// bytes cannot be believed.
    fn end_of_frame(&mut self, has_fcs: bool, fcs_is_wrong: bool) -> Result<(), Halt<'a>> {
        if fcs_is_wrong {
            return Err(Halt::NotTcp(NotTcp::Damaged(Layer::Ieee80211)));
        }
        if has_fcs {
            self.view.limit(self.view.wire_bytes.saturating_sub(FCS_BYTES));
        }
        Ok(())
    }
}

fn is_avs(number: u32) -> bool {
    number & 0xffff_f000 == 0x8021_1000
}
