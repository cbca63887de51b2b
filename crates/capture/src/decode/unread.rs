//! Why no TCP segment was found in a packet, in words: for a count of what a capture holds besides TCP.
//!
//! The names of protocols stand in [`wire`], beside their numbers.

use crate::LinkType;
use std::fmt;

/// Why no TCP segment was found in a packet.
///
/// [`NotTcp::kind`] names what the packet is instead; it prints as a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum NotTcp {
    /// A link type that we do not read.
    LinkType(LinkType),
    /// A link-layer protocol other than IP, by its Ethertype.
    Ethertype(u16),
    /// An IEEE 802.2 frame that carries no IP, by its destination SAP.
    Llc(u8),
    /// A PPP protocol other than IP, such as those that set up the link.
    Ppp(u16),
    /// An IP protocol other than TCP, by its number.
    Protocol(u8),
    /// A fragment of an IP packet that is not complete.
    Fragment,
    /// A fragment that this layer made, behind the first, which has the headers.
    LaterFragment(Layer),
    /// This layer is encrypted.
    Encrypted(Layer),
    /// A message of this layer itself, which carries no packet.
    LinkManagement(Layer),
    /// The checksum of this layer says that bytes were changed on the way.
    Damaged(Layer),
    /// The header of this layer was not captured completely.
    Cut(Layer),
    /// The header of this layer contradicts itself or the packet's length.
    Malformed(Layer),
    /// More nested layers than any real packet has.
    TooDeep,
}

/// Why a packet, or a piece of one, was not read, and in which tunnel it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Unread {
    /// Why.
    pub why: NotTcp,
    /// The innermost tunnel around it.
    pub within: Option<Layer>,
}

/// Outside of any tunnel.
impl From<NotTcp> for Unread {
    fn from(why: NotTcp) -> Unread {
        Unread { why, within: None }
    }
}

macro_rules! layers {
    ($($(#[doc = $doc:literal])+ $layer:ident = $name:literal;)*) => {
        /// A protocol layer that the decoder reads.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Layer {
            $($(#[doc = $doc])+ $layer,)*
        }

        impl Layer {
            /// Its usual name.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Layer::$layer => $name,)*
                }
            }
        }
    };
}

layers! {
    /// The address family before a packet of a loopback interface.
    Loopback = "loopback";
    /// Ethernet, IEEE 802.3.
    Ethernet = "Ethernet";
    /// A VLAN tag, IEEE 802.1Q or 802.1ad.
    Vlan = "VLAN";
    /// The service instance tag of a provider backbone bridge, IEEE 802.1ah.
    ServiceTag = "802.1ah I-TAG";
    /// The tag of a bridge port extender, IEEE 802.1BR.
    PortTag = "802.1BR E-TAG";
    /// Cisco FabricPath.
    FabricPath = "FabricPath";
    /// TRILL, frames between routing bridges.
    Trill = "TRILL";
    /// The security group tag of Cisco.
    CiscoMetaData = "Cisco metadata";
    /// The tag of a redundant ring, IEC 62439-3.
    Hsr = "HSR";
    /// The security tag of IEEE 802.1AE.
    Macsec = "MACsec";
    /// IEEE 802.2 logical link control, with SNAP.
    Llc = "LLC";
    /// FDDI.
    Fddi = "FDDI";
    /// Token ring, IEEE 802.5.
    TokenRing = "token ring";
    /// Frame Relay.
    FrameRelay = "Frame Relay";
    /// IP over Fibre Channel.
    FibreChannel = "Fibre Channel";
    /// IP over Firewire, IEEE 1394.
    Firewire = "Firewire";
    /// ARCnet.
    Arcnet = "ARCnet";
    /// IEEE 802.11.
    Ieee80211 = "802.11";
    /// The radiotap header before an IEEE 802.11 frame.
    Radiotap = "radiotap";
    /// The PPI header before a packet.
    Ppi = "PPI";
    /// The Prism or AVS header before an IEEE 802.11 frame.
    Prism = "Prism";
    /// The header that Linux puts in front of packets in cooked captures, v1 or v2.
    LinuxCooked = "Linux cooked";
    /// A message of the Linux netfilter log.
    Nflog = "NFLOG";
    /// The log of OpenBSD's packet filter.
    Pflog = "PFLOG";
    /// The header of macOS's capture with metadata.
    Pktap = "PKTAP";
    /// The header of a Juniper router's capture.
    Juniper = "Juniper";
    /// A record of Endace's extensible record format.
    Erf = "ERF";
    /// InfiniBand, with IP over it.
    Infiniband = "InfiniBand";
    /// The point-to-point protocol.
    Ppp = "PPP";
    /// PPP over Ethernet.
    Pppoe = "PPPoE";
    /// Cisco's HDLC framing.
    CiscoHdlc = "Cisco HDLC";
    /// A stack of MPLS labels.
    Mpls = "MPLS";
    /// IPv4.
    Ipv4 = "IPv4";
    /// IPv6 with its extension headers.
    Ipv6 = "IPv6";
    /// An IP packet in another.
    IpInIp = "IP in IP";
    /// The encapsulating security payload of IPsec.
    Esp = "ESP";
    /// UDP.
    Udp = "UDP";
    /// GRE.
    Gre = "GRE";
    /// ERSPAN, types I to III.
    Erspan = "ERSPAN";
    /// Ethernet in IP.
    EtherIp = "EtherIP";
    /// L2TP, v2 or v3.
    L2tp = "L2TP";
    /// VXLAN, also with the generic protocol extension.
    Vxlan = "VXLAN";
    /// Geneve.
    Geneve = "Geneve";
    /// The user plane of GTP.
    GtpU = "GTP-U";
    /// Teredo.
    Teredo = "Teredo";
    /// The anything-in-anything protocol.
    Ayiya = "AYIYA";
    /// The data channel between a wireless access point and its controller.
    Capwap = "CAPWAP";
    /// A sample of a switch's traffic, sFlow v5.
    Sflow = "sFlow";
    /// The network service header.
    Nsh = "NSH";
    /// ICMP or ICMPv6.
    Icmp = "ICMP";
    /// TCP.
    Tcp = "TCP";
}

impl NotTcp {
    /// What the packet is, as a short phrase that can stand beside a count: `ARP`, `802.11 encrypted`.
    ///
    /// ```
    /// use synfin_capture::{Layer, NotTcp};
    /// assert_eq!(NotTcp::Protocol(17).kind(), "UDP");
    /// assert_eq!(NotTcp::Encrypted(Layer::Ieee80211).kind(), "802.11 encrypted");
    /// assert_eq!(NotTcp::Ethertype(0x1234).kind(), "Ethertype 0x1234");
    /// ```
    pub fn kind(&self) -> String {
        use wire::{ethernet, ip, ppp};
        let named = |name: Option<&'static str>, number: String| name.map_or(number, str::to_owned);
        match *self {
            NotTcp::LinkType(link_type) => link_type.to_string(),
            NotTcp::Ethertype(number) => {
                named(ethernet::ethertype::name(number), format!("Ethertype {number:#06x}"))
            }
            NotTcp::Llc(sap) => named(ethernet::sap::name(sap), format!("LLC SAP {sap:#04x}")),
            NotTcp::Ppp(number) => match ppp::protocol::name(number) {
                Some(name) => format!("PPP {name}"),
                None => format!("PPP protocol {number:#06x}"),
            },
            NotTcp::Protocol(number) => named(ip::protocol::name(number), format!("IP protocol {number}")),
            NotTcp::Fragment => "fragments of incomplete IP packets".to_owned(),
            NotTcp::LaterFragment(layer) => format!("{layer} fragments behind the first"),
            NotTcp::Encrypted(layer) => format!("{layer} encrypted"),
            NotTcp::LinkManagement(layer) => format!("{layer} management and control"),
            NotTcp::Damaged(layer) => format!("{layer} damaged on the way (wrong checksum)"),
            NotTcp::Cut(layer) => format!("{layer} header cut by the capture"),
            NotTcp::Malformed(layer) => format!("{layer} header malformed"),
            NotTcp::TooDeep => "too many nested layers".to_owned(),
        }
    }
}

impl fmt::Display for NotTcp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotTcp::LinkType(link_type) => write!(f, "{link_type} is not a link type that can be read"),
            NotTcp::Ethertype(_) | NotTcp::Llc(_) | NotTcp::Ppp(_) => {
                write!(f, "it is not IP but {}", self.kind())
            }
            NotTcp::Protocol(_) => write!(f, "it is not TCP but {}", self.kind()),
            NotTcp::Fragment => {
                f.write_str("it is an IP fragment, and other fragments of its packet are still missing")
            }
            NotTcp::LaterFragment(layer) => {
                write!(f, "it is a fragment that {layer} made, and its first fragment has the headers")
            }
            NotTcp::Encrypted(layer) => write!(f, "its {layer} layer is encrypted"),
            NotTcp::LinkManagement(layer) => {
                write!(f, "it is a message of {layer} itself, without a packet in it")
            }
            NotTcp::Damaged(layer) => write!(f, "the checksum of its {layer} frame is wrong"),
            NotTcp::Cut(layer) => write!(f, "the capture does not hold all of its {layer} header"),
            NotTcp::Malformed(layer) => write!(f, "its {layer} header is malformed"),
            NotTcp::TooDeep => f.write_str("it has too many nested layers"),
        }
    }
}

impl std::error::Error for NotTcp {}

/// The tunnel and the kind: `GRE: PPP compressed or encrypted`.
impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.within {
            Some(layer) => write!(f, "{layer}: {}", self.why.kind()),
            None => f.write_str(&self.why.kind()),
        }
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
