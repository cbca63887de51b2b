//! Point-to-point links and labels: PPP (RFC 1661) bare and in HDLC-like framing (RFC 1662), PPPoE
//! (RFC 2516), Cisco HDLC, MPLS (RFC 3032) with IP or an Ethernet pseudowire (RFC 4448) inside.

use super::view::be16;
use super::walk::{Halt, Next, Walk};
use super::{Layer, NotTcp};

/// The most labels in a stack; real networks use fewer.
const MPLS_LABELS_MAX: usize = 16;

impl<'a> Walk<'a> {
    /// Captures use one link type for both; the address byte distinguishes Cisco's framing from PPP's.
    pub(super) fn hdlc_or_ppp(&mut self) -> Result<Next, Halt<'a>> {
        match self.view.peek(1, Layer::Ppp)?[0] {
            0x0f | 0x8f => Ok(Next::CiscoHdlc),
            _ => Ok(Next::Ppp),
        }
    }

    pub(super) fn ppp(&mut self) -> Result<Next, Halt<'a>> {
        if self.view.bytes.starts_with(&[0xff, 0x03]) {
            self.view.take(2, Layer::Ppp)?;
        }
        // RFC 1661 §6.5: a protocol field of one byte is an odd number.
        let protocol = match self.view.take(1, Layer::Ppp)?[0] {
            short if short & 1 == 1 => u16::from(short),
            long => u16::from(long) << 8 | u16::from(self.view.take(1, Layer::Ppp)?[0]),
        };
        match protocol {
            0x0021 | 0x0057 => Ok(Next::Ip),
            0x0281 | 0x0283 => Ok(Next::Mpls),
            other => Err(Halt::NotTcp(NotTcp::Ppp(other))),
        }
    }

    pub(super) fn cisco_hdlc(&mut self) -> Result<Next, Halt<'a>> {
        Ok(Next::Ethertype(be16(self.view.take(4, Layer::CiscoHdlc)?, 2)))
    }

    /// Version and type, code 0 for data, session, length.
    pub(super) fn pppoe(&mut self) -> Result<Next, Halt<'a>> {
        let header = self.view.take(6, Layer::Pppoe)?;
        if header[..2] != [0x11, 0] {
            return Err(Halt::NotTcp(NotTcp::Malformed(Layer::Pppoe)));
        }
        self.view.limit(usize::from(be16(header, 4)));
        Ok(Next::Ppp)
    }

    pub(super) fn mpls(&mut self) -> Result<Next, Halt<'a>> {
        const BOTTOM_OF_STACK: u8 = 1;
        for _ in 0..MPLS_LABELS_MAX {
            if self.view.take(4, Layer::Mpls)?[2] & BOTTOM_OF_STACK == 0 {
                continue;
            }
            // No field says what follows; the first nibble does, as it does for routers (RFC 4928).
            return match self.view.peek(1, Layer::Mpls)?[0] >> 4 {
                4 | 6 => Ok(Next::Ip),
                0 => {
                    self.view.take(4, Layer::Mpls)?; // the control word of a pseudowire
                    Ok(self.enter_tunnel(Layer::Mpls, Next::Ethernet))
                }
                _ => Err(Halt::NotTcp(NotTcp::Malformed(Layer::Mpls))),
            };
        }
        Err(Halt::NotTcp(NotTcp::TooDeep))
    }
}
