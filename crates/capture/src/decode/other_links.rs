//! Links other than Ethernet and IEEE 802.11: FDDI, token ring (IEEE 802.5), ARCnet (RFC 1201, RFC 1051), Frame Relay
//! (RFC 2427), IP over Fibre Channel (RFC 2625), over Firewire (RFC 2734) and over InfiniBand (RFC 4391).

use super::view::{be16, be32};
use super::walk::{Halt, Next, Walk};
use super::{Layer, NotTcp};

/// The most bytes of a Frame Relay address (Q.922 §3.2 has up to 4).
const FRAME_RELAY_ADDRESS_BYTES_MAX: usize = 4;

impl<'a> Walk<'a> {
    /// Frame control and two addresses. Asynchronous and synchronous LLC frames carry data.
    pub(super) fn fddi(&mut self) -> Result<Next, Halt<'a>> {
        let header = self.view.take(13, Layer::Fddi)?;
        if header[0] & 0x70 != 0x50 {
            return Err(Halt::NotTcp(NotTcp::Llc(0)));
        }
        Ok(Next::Llc)
    }

    /// Access and frame control, two addresses, and the route if the first bit of the source says that one is there.
    pub(super) fn token_ring(&mut self) -> Result<Next, Halt<'a>> {
        const LLC_FRAME: u8 = 0x40;
        const ROUTED: u8 = 0x80;
        let header = self.view.take(14, Layer::TokenRing)?;
        if header[1] & 0xc0 != LLC_FRAME {
            return Err(Halt::NotTcp(NotTcp::LinkManagement(Layer::TokenRing)));
        }
        if header[8] & ROUTED != 0 {
            let route_bytes = usize::from(self.view.peek(2, Layer::TokenRing)?[0] & 0x1f);
            self.view.take(route_bytes, Layer::TokenRing)?;
        }
        Ok(Next::Llc)
    }

    /// Source and destination, on Linux an offset, the protocol; then, in the newer of two encapsulations, flags and
    /// a sequence number, twice in the frames that the medium cannot carry as they are (RFC 1201 §2).
    pub(super) fn arcnet(&mut self, offset_bytes: usize) -> Result<Next, Halt<'a>> {
        const IP: u8 = 212;
        const ARP: u8 = 213;
        const OLD_IP: u8 = 240;
        const OLD_ARP: u8 = 241;
        const EXCEPTION: u8 = 0xff;
        let protocol = self.view.take(3 + offset_bytes, Layer::Arcnet)?[2 + offset_bytes];
        match protocol {
            OLD_IP => return Ok(Next::Ip),
            ARP | OLD_ARP => return Err(Halt::NotTcp(NotTcp::Ethertype(wire::ethernet::ethertype::ARP))),
            IP => {}
            _ => return Err(Halt::NotTcp(NotTcp::LinkManagement(Layer::Arcnet))),
        }
        let mut split = self.view.take(3, Layer::Arcnet)?[0];
        if split == EXCEPTION {
            split = self.view.take(4, Layer::Arcnet)?[1];
        }
        // an odd flag begins a packet in fragments, an even one continues it
        if split != 0 && split & 1 == 0 {
            return Err(Halt::NotTcp(NotTcp::LaterFragment(Layer::Arcnet)));
        }
        self.is_part |= split != 0;
        Ok(Next::Ip)
    }

    /// An address whose last byte has its lowest bit set; then either a control byte and the number of a network layer
    /// protocol, perhaps with padding between (RFC 2427 §3), or, in Cisco's encapsulation, an Ethertype.
    pub(super) fn frame_relay(&mut self) -> Result<Next, Halt<'a>> {
        const LAST: u8 = 1;
        const UNNUMBERED_INFORMATION: u8 = 0x03;
        const IPV4: u8 = 0xcc;
        const IPV6: u8 = 0x8e;
        const PPP: u8 = 0xcf;
        const SNAP: u8 = 0x80;
        let mut address_bytes = 0;
        loop {
            address_bytes += 1;
            let is_last = self.view.take(1, Layer::FrameRelay)?[0] & LAST != 0;
            if is_last {
                break;
            }
            if address_bytes == FRAME_RELAY_ADDRESS_BYTES_MAX {
                return Err(Halt::NotTcp(NotTcp::Malformed(Layer::FrameRelay)));
            }
        }
        if self.view.peek(1, Layer::FrameRelay)?[0] != UNNUMBERED_INFORMATION {
            return Ok(Next::Ethertype(be16(self.view.take(2, Layer::FrameRelay)?, 0)));
        }
        self.view.take(1, Layer::FrameRelay)?;
        let mut protocol = self.view.take(1, Layer::FrameRelay)?[0];
        if protocol == 0 {
            protocol = self.view.take(1, Layer::FrameRelay)?[0];
        }
        match protocol {
            IPV4 | IPV6 => Ok(Next::Ip),
            PPP => Ok(Next::Ppp),
            SNAP => {
                let snap = self.view.take(5, Layer::FrameRelay)?;
                match (&snap[..3], be16(snap, 3)) {
                    ([0, 0, 0], ethertype) => Ok(Next::Ethertype(ethertype)),
                    // IEEE 802.1's own: a bridged Ethernet frame, with or without its checksum
                    ([0, 0x80, 0xc2], 1 | 7) => Ok(Next::Ethernet),
                    _ => Err(Halt::NotTcp(NotTcp::LinkManagement(Layer::FrameRelay))),
                }
            }
            _ => Err(Halt::NotTcp(NotTcp::LinkManagement(Layer::FrameRelay))),
        }
    }

    /// Two addresses of 8 bytes, then LLC.
    pub(super) fn ip_over_fibre_channel(&mut self) -> Result<Next, Halt<'a>> {
        self.view.take(16, Layer::FibreChannel)?;
        Ok(Next::Llc)
    }

    /// Two addresses of 8 bytes, then an Ethertype.
    pub(super) fn ip_over_firewire(&mut self) -> Result<Next, Halt<'a>> {
        Ok(Next::Ethertype(be16(self.view.take(18, Layer::Firewire)?, 16)))
    }

    /// A global route header, then the header of IP over InfiniBand (RFC 4391 §6): an Ethertype and two bytes.
    pub(super) fn ip_over_infiniband(&mut self) -> Result<Next, Halt<'a>> {
        const GLOBAL_ROUTE_BYTES: usize = 40;
        let header = self.view.take(GLOBAL_ROUTE_BYTES + 4, Layer::Infiniband)?;
        Ok(Next::Ethertype(be16(header, GLOBAL_ROUTE_BYTES)))
    }

    /// InfiniBand Architecture §5.2: the local route header says whether a global one follows; the base transport
    /// header says which operation this is. IP uses datagrams, and connections in connected mode (RFC 4755).
    pub(super) fn infiniband(&mut self) -> Result<Next, Halt<'a>> {
        const LOCAL_WITH_TRANSPORT: u8 = 2;
        const GLOBAL: u8 = 3;
        const CONNECTED_SEND_ONLY: u8 = 0x04;
        const DATAGRAM_SEND_ONLY: u8 = 0x64;
        match self.view.take(8, Layer::Infiniband)?[1] & 3 {
            LOCAL_WITH_TRANSPORT => {}
            GLOBAL => {
                self.view.take(40, Layer::Infiniband)?;
            }
            _ => return Err(Halt::NotTcp(NotTcp::LinkManagement(Layer::Infiniband))),
        }
        let operation = self.view.take(12, Layer::Infiniband)?[0];
        match operation {
            DATAGRAM_SEND_ONLY => {
                self.view.take(8, Layer::Infiniband)?;
            }
            CONNECTED_SEND_ONLY => {}
            _ => return Err(Halt::NotTcp(NotTcp::LinkManagement(Layer::Infiniband))),
        }
        // messages that set up the fabric have the same form: IP begins with an Ethertype and two zero bytes
        let header = be32(self.view.take(4, Layer::Infiniband)?, 0);
        match header {
            0x0800_0000 | 0x86dd_0000 => Ok(Next::Ip),
            _ => Err(Halt::NotTcp(NotTcp::LinkManagement(Layer::Infiniband))),
        }
    }
}
