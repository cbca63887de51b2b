//! What both versions of IP share: protocol numbers and the traffic class with its ECN bits.

/// Protocol numbers (IANA) that synfin speaks, has to skip, or can name.
pub mod protocol {
    numbers! { u8:
        /// IPv6 hop-by-hop options.
        HOP_BY_HOP = 0, "IPv6 hop-by-hop options";
        /// ICMP for IPv4.
        ICMP = 1, "ICMP";
        /// IPv4 in IP (RFC 2003).
        IPV4_IN_IP = 4, "IPv4 in IP";
        /// TCP.
        TCP = 6, "TCP";
        /// UDP.
        UDP = 17, "UDP";
        /// IPv6 in IP (RFC 4213).
        IPV6_IN_IP = 41, "IPv6 in IP";
        /// IPv6 routing header.
        ROUTING = 43, "IPv6 routing header";
        /// IPv6 fragment header.
        FRAGMENT = 44, "IPv6 fragment";
        /// Generic routing encapsulation (RFC 2784).
        GRE = 47, "GRE";
        /// Encapsulating security payload.
        ESP = 50, "ESP";
        /// Authentication header.
        AUTHENTICATION = 51, "AH";
        /// ICMP for IPv6.
        ICMPV6 = 58, "ICMPv6";
        /// IPv6: nothing follows.
        NO_NEXT_HEADER = 59, "IPv6 without a payload";
        /// IPv6 destination options.
        DESTINATION_OPTIONS = 60, "IPv6 destination options";
        /// Ethernet within IP (RFC 3378).
        ETHERIP = 97, "EtherIP";
        /// L2TP version 3, directly in IP (RFC 3931).
        L2TP = 115, "L2TPv3";
        /// IPv6 mobility header (RFC 6275).
        MOBILITY = 135, "IPv6 mobility header";
        /// MPLS in IP (RFC 4023).
        MPLS_IN_IP = 137, "MPLS in IP";
        /// Host Identity Protocol (RFC 7401).
        HIP = 139, "HIP";
        /// Shim6 (RFC 5533).
        SHIM6 = 140, "Shim6";
        /// Ethernet, without a header of its own between (RFC 8986).
        ETHERNET = 143, "Ethernet in IP";
    also:
        2, "IGMP";
        8, "EGP";
        9, "IGRP";
        33, "DCCP";
        46, "RSVP";
        88, "EIGRP";
        89, "OSPF";
        103, "PIM";
        108, "IPComp";
        112, "VRRP";
        132, "SCTP";
        136, "UDP-Lite";
    }
}

/// The ECN field (RFC 3168 §5).
///
/// The field has two bits: there are no others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Ecn {
    /// The sender does not do ECN.
    #[default]
    NotCapable,
    /// ECN-capable, codepoint 01 (RFC 8311: L4S).
    Capable1,
    /// ECN-capable, codepoint 10.
    Capable0,
    /// A router on the way saw congestion.
    CongestionExperienced,
}

impl Ecn {
    /// The two bits as they stand in the header.
    pub const fn bits(self) -> u8 {
        match self {
            Ecn::NotCapable => 0,
            Ecn::Capable1 => 1,
            Ecn::Capable0 => 2,
            Ecn::CongestionExperienced => 3,
        }
    }

    /// The codepoint in the low two bits.
    pub const fn from_bits(bits: u8) -> Ecn {
        match bits & 3 {
            0 => Ecn::NotCapable,
            1 => Ecn::Capable1,
            2 => Ecn::Capable0,
            _ => Ecn::CongestionExperienced,
        }
    }
}
