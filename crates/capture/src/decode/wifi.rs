//! IEEE 802.11 frames (802.11-2020 §9.2 and §9.3.2): the data in them, one packet or an aggregate (A-MSDU).
//!
//! Only data frames carry packets; those of management and control are told by their kind. Nothing is decrypted. Of a
//! packet in fragments the first is read, because IP says how long the whole is; the others hold only text.

use super::pieces::Pieces;
use super::view::{View, be16, le16};
use super::walk::{Halt, LinkFrame, Next, RadioHeader, Walk};
use super::{Layer, NotTcp};

// The frame control field (§9.2.4.1), byte by byte.
const VERSION: u8 = 0x03;
const TYPE: u8 = 0x0c;
const MANAGEMENT: u8 = 0x00;
const CONTROL: u8 = 0x04;
const DATA: u8 = 0x08;
const WITHOUT_DATA: u8 = 0x40;
const WITH_QOS: u8 = 0x80;
const TO_DISTRIBUTION: u8 = 0x01;
const FROM_DISTRIBUTION: u8 = 0x02;
const MORE_FRAGMENTS: u8 = 0x04;
const RETRY: u8 = 0x08;
const PROTECTED: u8 = 0x40;
const WITH_HT_CONTROL: u8 = 0x80;

/// The header of a subframe of an A-MSDU: two addresses and a length (§9.3.2.2.2).
const SUBFRAME_HEADER_BYTES: usize = 14;

impl<'a> Walk<'a> {
    pub(super) fn ieee80211(&mut self, form: RadioHeader) -> Result<Next, Halt<'a>> {
        let control = self.view.peek(2, Layer::Ieee80211)?;
        let (kind, flags) = match (form, control) {
            // there is no other version than 0, and a frame to or from a distribution system has one of the low bits
            (RadioHeader::PerhapsSwapped, &[flags, kind]) if flags & VERSION != 0 => (kind, flags),
            _ => (control[0], control[1]),
        };
        match kind & (TYPE | VERSION) {
            DATA if kind & WITHOUT_DATA == 0 => {}
            DATA | MANAGEMENT | CONTROL => {
                return Err(Halt::NotTcp(NotTcp::LinkManagement(Layer::Ieee80211)));
            }
            _ => return Err(Halt::NotTcp(NotTcp::Malformed(Layer::Ieee80211))),
        }
        let has_four_addresses = flags & TO_DISTRIBUTION != 0 && flags & FROM_DISTRIBUTION != 0;
        let has_qos = kind & WITH_QOS != 0;
        let qos_at = if has_four_addresses { 30 } else { 24 };
        let has_ht_control = has_qos && flags & WITH_HT_CONTROL != 0;
        let header_bytes = qos_at + if has_qos { 2 } else { 0 } + if has_ht_control { 4 } else { 0 };
        let header = self.view.take(header_bytes, Layer::Ieee80211)?;
        if form == RadioHeader::Padded {
            self.view.take(header_bytes.next_multiple_of(4) - header_bytes, Layer::Ieee80211)?;
        }
        if flags & PROTECTED != 0 {
            return Err(Halt::NotTcp(NotTcp::Encrypted(Layer::Ieee80211)));
        }
        let qos = if has_qos { header[qos_at] } else { 0 };
        self.note_frame(header, flags, qos);
        self.fragment_of_frame(le16(header, 22), flags)?;
        const AGGREGATE: u8 = 0x80;
        if qos & AGGREGATE == 0 {
            return Ok(Next::Llc);
        }
        self.begin_pieces(Pieces::Msdus)
    }

    /// Remembers by what the frame is known, and whether the sender's radio sent it before: with the same sequence
    /// number for the same transmitter and traffic identifier (§10.3.2.14).
    fn note_frame(&mut self, header: &[u8], flags: u8, qos: u8) {
        const TRAFFIC_IDENTIFIER: u8 = 0x0f;
        let mut transmitter = [0; 6];
        transmitter.copy_from_slice(&header[10..16]);
        self.link_frame = Some(LinkFrame {
            transmitter,
            traffic: qos & TRAFFIC_IDENTIFIER,
            sequence_control: le16(header, 22),
            is_retry: flags & RETRY != 0,
        });
    }

    fn fragment_of_frame(&mut self, sequence_control: u16, flags: u8) -> Result<(), Halt<'a>> {
        const FRAGMENT_NUMBER: u16 = 0x000f;
        if sequence_control & FRAGMENT_NUMBER != 0 {
            return Err(Halt::NotTcp(NotTcp::LaterFragment(Layer::Ieee80211)));
        }
        self.is_part |= flags & MORE_FRAGMENTS != 0;
        Ok(())
    }

    /// A subframe of an A-MSDU: destination, source, length, the packet, and padding to a multiple of 4. Returns also
    /// what is behind it.
    pub(super) fn msdu(&mut self) -> Result<(Next, Option<(View<'a>, Pieces)>), Halt<'a>> {
        let len = usize::from(be16(self.view.take(SUBFRAME_HEADER_BYTES, Layer::Ieee80211)?, 12));
        if len > self.view.wire_bytes {
            return Err(Halt::NotTcp(NotTcp::Malformed(Layer::Ieee80211)));
        }
        let padded = (SUBFRAME_HEADER_BYTES + len).next_multiple_of(4) - SUBFRAME_HEADER_BYTES;
        // shorter than a header: a checksum, or what a driver added
        let behind = self.view.behind(padded).filter(|view| view.wire_bytes >= SUBFRAME_HEADER_BYTES);
        self.view.limit(len);
        Ok((Next::Llc, behind.map(|view| (view, Pieces::Msdus))))
    }
}
