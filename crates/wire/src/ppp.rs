//! The protocol numbers of PPP (RFC 1661 §2; IANA, PPP numbers). Its frames are read where captures are read.

/// What a PPP frame carries.
pub mod protocol {
    numbers! { u16:
        /// IPv4 (RFC 1332).
        IPV4 = 0x0021, "IPv4";
        /// A frame of a bridge (RFC 3518).
        BRIDGED = 0x0031, "bridged frame";
        /// A fragment or a whole packet of a multilink bundle (RFC 1990).
        MULTILINK = 0x003d, "multilink fragment";
        /// IPv6 (RFC 5072).
        IPV6 = 0x0057, "IPv6";
        /// MPLS (RFC 3032 §4.3).
        MPLS = 0x0281, "MPLS";
        /// MPLS whose label the next router chose.
        MPLS_UPSTREAM = 0x0283, "MPLS";
    also:
        0x0029, "AppleTalk";
        0x002b, "IPX";
        0x002d, "TCP with compressed headers";
        0x002f, "TCP with compressed headers, uncompressed once";
        0x0053, "encrypted";
        0x0055, "encrypted, of a multilink";
        0x0061, "IP with compressed headers";
        0x00fb, "compressed or encrypted, of a multilink";
        0x00fd, "compressed or encrypted";
        0x8021, "IPCP";
        0x8031, "bridging control";
        0x8053, "encryption control";
        0x8057, "IPv6CP";
        0x80fd, "compression control";
        0x8281, "MPLS control";
        0xc021, "LCP";
        0xc023, "PAP";
        0xc025, "link quality report";
        0xc02b, "bandwidth allocation";
        0xc223, "CHAP";
        0xc227, "EAP";
    }
}
