//! Ethernet II frames and their VLAN tags (RFC 894, IEEE 802.1Q), and the numbers of what frames carry.

use crate::error::{Error, take};
use core::fmt;

/// The header without a VLAN tag, in bytes: what [`Header::emit`] writes.
pub const HEADER_BYTES: usize = 14;
/// The most VLAN tags that are skipped: one of the customer, one of the provider, and one to spare.
const TAGS_MAX: usize = 3;

/// What an Ethernet frame carries (IEEE registry of Ethertypes; IANA, IEEE 802 numbers).
pub mod ethertype {
    numbers! { u16:
        /// IPv4.
        IPV4 = 0x0800, "IPv4";
        /// ARP.
        ARP = 0x0806, "ARP";
        /// Ethernet in another frame (RFC 1701: transparent bridging).
        BRIDGED = 0x6558, "bridged Ethernet";
        /// A VLAN tag (802.1Q).
        VLAN = 0x8100, "VLAN";
        /// PPP without a framing of its own (RFC 2637 in GRE).
        PPP = 0x880b, "PPP";
        /// MPLS (RFC 3032).
        MPLS = 0x8847, "MPLS";
        /// MPLS whose label the next router chose (RFC 5332).
        MPLS_UPSTREAM = 0x8848, "MPLS";
        /// PPPoE, the session (RFC 2516).
        PPPOE_SESSION = 0x8864, "PPPoE";
        /// WCCP, a packet that a router passes to a cache, in GRE.
        WCCP = 0x883e, "WCCP";
        /// ERSPAN type I or II, in GRE.
        ERSPAN = 0x88be, "ERSPAN";
        /// ERSPAN type III, in GRE.
        ERSPAN_III = 0x22eb, "ERSPAN III";
        /// A provider's VLAN tag (802.1ad).
        PROVIDER_VLAN = 0x88a8, "provider VLAN";
        /// A service instance tag (802.1ah).
        SERVICE_TAG = 0x88e7, "802.1ah";
        /// The tag of a port extender (802.1BR).
        PORT_TAG = 0x893f, "802.1BR";
        /// Cisco FabricPath.
        FABRIC_PATH = 0x8903, "FabricPath";
        /// A security tag (802.1AE).
        MACSEC = 0x88e5, "MACsec";
        /// Cisco's metadata, such as a security group tag.
        CISCO_META_DATA = 0x8909, "Cisco metadata";
        /// The tag of a redundant ring (IEC 62439-3).
        HSR = 0x892f, "HSR";
        /// TRILL (RFC 6325).
        TRILL = 0x22f3, "TRILL";
        /// The network service header (RFC 8300).
        NSH = 0x894f, "NSH";
        /// A VLAN tag of older provider networks.
        OLD_PROVIDER_VLAN = 0x9100, "VLAN";
        /// A VLAN tag of older provider networks.
        OLD_PROVIDER_VLAN_2 = 0x9200, "VLAN";
        /// IPv6.
        IPV6 = 0x86dd, "IPv6";
    also:
        0x0842, "Wake-on-LAN";
        0x2000, "CDP";
        0x2004, "DTP";
        0x6002, "DEC MOP";
        0x6003, "DECnet";
        0x8035, "RARP";
        0x809b, "AppleTalk";
        0x80f3, "AppleTalk ARP";
        0x8137, "IPX";
        0x8808, "Ethernet flow control";
        0x8809, "LACP and other slow protocols";
        0x8863, "PPPoE discovery";
        0x8870, "jumbo LLC";
        0x887b, "HomePlug";
        0x888e, "EAPOL (802.1X)";
        0x8892, "PROFINET";
        0x88a2, "ATA over Ethernet";
        0x88a4, "EtherCAT";
        0x88c7, "802.11 pre-authentication";
        0x88ca, "TIPC";
        0x88cc, "LLDP";
        0x88e1, "HomePlug AV";
        0x88f5, "MVRP";
        0x88f7, "PTP";
        0x8902, "CFM";
        0x8906, "FCoE";
        0x8914, "FCoE initialization";
        0x8915, "RoCE";
        0x9000, "Ethernet loopback test";
    }
}

/// Service access points: what an IEEE 802.2 frame carries (IEEE registry; RFC 1340 lists them).
pub mod sap {
    numbers! { u8:
        /// IPv4, without an Ethertype.
        IP = 0x06, "IPv4 in LLC";
        /// SNAP: an Ethertype follows.
        SNAP = 0xaa, "SNAP of a vendor";
    also:
        0x00, "LLC null";
        0x42, "spanning tree";
        0xe0, "IPX";
        0xf0, "NetBIOS";
        0xfe, "OSI (IS-IS, CLNS)";
        0xff, "raw IPX or global LLC";
    }
}

/// A 48-bit link-layer address.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct MacAddress(pub [u8; 6]);

impl MacAddress {
    /// Every station on the link.
    pub const BROADCAST: MacAddress = MacAddress([0xff; 6]);

    /// Whether it names a group of stations, broadcast included.
    pub const fn is_multicast(self) -> bool {
        self.0[0] & 1 != 0
    }

    /// The group address for an IPv6 multicast address (RFC 2464 §7).
    pub const fn of_ipv6_multicast(address: core::net::Ipv6Addr) -> MacAddress {
        let [.., a, b, c, d] = address.octets();
        MacAddress([0x33, 0x33, a, b, c, d])
    }

    /// The group address for an IPv4 multicast address (RFC 1112 §6.4).
    pub const fn of_ipv4_multicast(address: core::net::Ipv4Addr) -> MacAddress {
        let [_, b, c, d] = address.octets();
        MacAddress([0x01, 0x00, 0x5e, b & 0x7f, c, d])
    }
}

impl fmt::Display for MacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl fmt::Debug for MacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// An Ethernet header as a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Header {
    /// The address that the frame is sent to.
    pub destination: MacAddress,
    /// The sender's address.
    pub source: MacAddress,
    /// What it carries, after all VLAN tags; see [`ethertype`]. Below 1,536 it is a length (802.3).
    pub ethertype: u16,
    /// The VLAN of the innermost tag, 12 bits.
    pub vlan: Option<u16>,
}

impl Header {
    /// Reads the header at the start of a frame; returns it with its length in bytes, tags included.
    ///
    /// # Errors
    /// [`Error::Truncated`], [`Error::TooManyHeaders`] for more than three VLAN tags.
    ///
    /// ```
    /// use synfin_wire::ethernet::{Header, ethertype};
    /// let header = Header { ethertype: ethertype::IPV4, ..Header::default() };
    /// let mut frame = [0; 14];
    /// header.emit(&mut frame);
    /// assert_eq!(Header::parse(&frame), Ok((header, 14)));
    /// ```
    pub fn parse(frame: &[u8]) -> Result<(Header, usize), Error> {
        let [d0, d1, d2, d3, d4, d5, s0, s1, s2, s3, s4, s5] = *take::<12>(frame, 0)?;
        let mut header = Header {
            destination: MacAddress([d0, d1, d2, d3, d4, d5]),
            source: MacAddress([s0, s1, s2, s3, s4, s5]),
            ethertype: u16::from_be_bytes(*take(frame, 12)?),
            vlan: None,
        };
        let mut header_bytes = HEADER_BYTES;
        for _ in 0..TAGS_MAX {
            if !is_tag(header.ethertype) {
                return Ok((header, header_bytes));
            }
            let [t0, t1, e0, e1] = *take::<4>(frame, header_bytes)?;
            header.vlan = Some(u16::from_be_bytes([t0, t1]) & 0x0fff);
            header.ethertype = u16::from_be_bytes([e0, e1]);
            header_bytes += 4;
        }
        if is_tag(header.ethertype) { Err(Error::TooManyHeaders) } else { Ok((header, header_bytes)) }
    }

    /// Writes the header, without VLAN tag, to the start of `into`.
    ///
    /// # Panics
    /// If `into` is shorter than [`HEADER_BYTES`].
    pub fn emit(&self, into: &mut [u8]) {
        into[0..6].copy_from_slice(&self.destination.0);
        into[6..12].copy_from_slice(&self.source.0);
        into[12..14].copy_from_slice(&self.ethertype.to_be_bytes());
    }
}

const fn is_tag(ethertype: u16) -> bool {
    matches!(ethertype, ethertype::VLAN | ethertype::PROVIDER_VLAN)
}
