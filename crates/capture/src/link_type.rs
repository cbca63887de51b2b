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
    ($($name:ident = $number:literal, $words:literal;)*) => {
        impl LinkType {
            $(#[doc = concat!($words, ".")] pub const $name: LinkType = LinkType($number);)*

            /// The name of the link type, if this crate knows it.
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($number => Some($words),)*
                    _ => None,
                }
            }
        }
    };
}

link_types! {
    NULL = 0, "BSD loopback, address family in the byte order of the capturing host";
    ETHERNET = 1, "Ethernet";
    PPP = 9, "PPP";
    FDDI = 10, "FDDI";
    RAW_BSD = 12, "raw IP (as 12)";
    RAW_OPENBSD = 14, "raw IP (as 14)";
    PPP_HDLC = 50, "PPP in HDLC-like framing";
    PPP_ETHER = 51, "PPPoE session";
    RAW = 101, "raw IP";
    CISCO_HDLC = 104, "Cisco HDLC";
    LOOP = 108, "OpenBSD loopback, address family in network byte order";
    LINUX_SLL = 113, "Linux cooked capture v1";
    PPP_WITH_DIRECTION = 204, "PPP with a direction byte";
    IPV4 = 228, "raw IPv4";
    IPV6 = 229, "raw IPv6";
    NFLOG = 239, "Linux netfilter log";
    LINUX_SLL2 = 276, "Linux cooked capture v2";
}

impl fmt::Display for LinkType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "link type {}", self.0),
        }
    }
}
