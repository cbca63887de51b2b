//! Link types: with which protocol a captured packet begins.
//!
//! The numbers are those of the LINKTYPE_ registry at tcpdump.org, which pcap and pcapng share. Raw
//! IP also appears as 12 and 14, in files of programs that wrote their system's DLT_ number instead.

use std::fmt;

/// A number of the LINKTYPE_ registry.
///
/// ```
/// use synfin_capture::LinkType;
/// assert_eq!(LinkType::ETHERNET.to_string(), "Ethernet");
/// assert_eq!(LinkType(9999).to_string(), "link type 9999");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LinkType(pub u16);

macro_rules! link_types {
    (read: { $($name:ident = $number:literal, $words:literal;)* } told: { $($other:literal, $what:literal;)* }) => {
        impl LinkType {
            $(#[doc = concat!($words, ".")] pub const $name: LinkType = LinkType($number);)*

            /// The name of the link type, if this crate knows it.
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($number => Some($words),)*
                    $($other => Some($what),)*
                    _ => None,
                }
            }
        }
    };
}

link_types! {
    read: {
    NULL = 0, "BSD loopback, address family in the byte order of the capturing host";
    ETHERNET = 1, "Ethernet";
    TOKEN_RING = 6, "token ring";
    ARCNET = 7, "ARCnet";
    PPP = 9, "PPP";
    FDDI = 10, "FDDI";
    RAW_BSD = 12, "raw IP (as 12)";
    RAW_OPENBSD = 14, "raw IP (as 14)";
    PPP_HDLC = 50, "PPP in HDLC-like framing";
    PPP_ETHER = 51, "PPPoE session";
    ATM_LLC = 100, "LLC over ATM";
    RAW = 101, "raw IP";
    CISCO_HDLC = 104, "Cisco HDLC";
    IEEE802_11 = 105, "IEEE 802.11";
    FRAME_RELAY = 107, "Frame Relay";
    LOOP = 108, "OpenBSD loopback, address family in network byte order";
    ENC = 109, "OpenBSD's IPsec interface";
    LINUX_SLL = 113, "Linux cooked capture v1";
    PFLOG = 117, "the log of OpenBSD's packet filter";
    IEEE802_11_PRISM = 119, "IEEE 802.11 behind a Prism header";
    IP_OVER_FIBRE_CHANNEL = 122, "IP over Fibre Channel";
    IEEE802_11_RADIOTAP = 127, "IEEE 802.11 behind a radiotap header";
    ARCNET_LINUX = 129, "ARCnet, as Linux captures it";
    IP_OVER_FIREWIRE = 138, "IP over Firewire, as Apple captures it";
    IEEE802_11_AVS = 163, "IEEE 802.11 behind an AVS header";
    PPP_PPPD = 166, "PPP with a direction byte, as pppd captures it";
    JUNIPER_ETHER = 178, "Ethernet behind a Juniper header";
    JUNIPER_PPP = 179, "PPP behind a Juniper header";
    JUNIPER_FRAME_RELAY = 180, "Frame Relay behind a Juniper header";
    JUNIPER_CISCO_HDLC = 181, "Cisco HDLC behind a Juniper header";
    PPI = 192, "per-packet information (PPI)";
    ERF = 197, "Endace's extensible record format";
    PPP_WITH_DIRECTION = 204, "PPP with a direction byte";
    CISCO_HDLC_WITH_DIRECTION = 205, "Cisco HDLC with a direction byte";
    FRAME_RELAY_WITH_DIRECTION = 206, "Frame Relay with a direction byte";
    MPLS = 219, "MPLS";
    IPV4 = 228, "raw IPv4";
    IPV6 = 229, "raw IPv6";
    NFLOG = 239, "Linux netfilter log";
    IP_OVER_INFINIBAND = 242, "IP over InfiniBand";
    INFINIBAND = 247, "InfiniBand";
    PKTAP = 258, "macOS's capture with metadata (PKTAP)";
    LINUX_SLL2 = 276, "Linux cooked capture v2";
    }
    told: {
    103, "AX.25 over UDP";
    114, "LocalTalk";
    130, "multilink PPP behind a Juniper header";
    135, "ATM behind a Juniper header";
    136, "services behind a Juniper header";
    137, "ATM behind a Juniper header";
    143, "DOCSIS";
    144, "IrDA";
    167, "PPPoE behind a Juniper header";
    187, "Bluetooth HCI";
    189, "USB, as Linux captures it";
    190, "CAN";
    195, "IEEE 802.15.4";
    201, "Bluetooth HCI";
    209, "IPMB";
    215, "IEEE 802.15.4";
    220, "USB, as Linux captures it";
    227, "CAN, as Linux captures it";
    230, "IEEE 802.15.4";
    240, "netANALYZER";
    249, "USB, as Windows captures it";
    251, "Bluetooth Low Energy";
    253, "netlink";
    256, "Bluetooth Low Energy";
    266, "USB, as macOS captures it";
    271, "VM sockets";
    272, "Nordic's Bluetooth sniffer";
    283, "IEEE 802.15.4";
    }
}

impl fmt::Display for LinkType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "link type {}", self.0),
        }
    }
}
