//! The errors by name: what a router or host says became of a packet (RFC 792, RFC 1122 §3.2.2.1, RFC 1812 §5.2.7.1,
//! RFC 4443 §3).

/// What an ICMP error message for IPv4 says, as a phrase: `fragmentation needed`. `None` if it is not an error.
///
/// ```
/// assert_eq!(synfin_wire::icmp::v4_error_name(3, 4), Some("fragmentation needed"));
/// assert_eq!(synfin_wire::icmp::v4_error_name(8, 0), None);
/// ```
pub const fn v4_error_name(kind: u8, code: u8) -> Option<&'static str> {
    Some(match (kind, code) {
        (3, 0) => "network unreachable",
        (3, 1) => "host unreachable",
        (3, 2) => "protocol unreachable",
        (3, 3) => "port unreachable",
        (3, 4) => "fragmentation needed",
        (3, 5) => "source route failed",
        (3, 6) => "network unknown",
        (3, 7) => "host unknown",
        (3, 8) => "source host isolated",
        (3, 9) => "network administratively prohibited",
        (3, 10) => "host administratively prohibited",
        (3, 11) => "network unreachable for this type of service",
        (3, 12) => "host unreachable for this type of service",
        (3, 13) => "administratively prohibited",
        (3, 14) => "host precedence violation",
        (3, 15) => "precedence cut off",
        (3, _) => "destination unreachable",
        (4, _) => "source quench",
        (11, 0) => "time to live exceeded",
        (11, 1) => "fragment reassembly time exceeded",
        (11, _) => "time exceeded",
        (12, 1) => "required option missing",
        (12, 2) => "bad length",
        (12, _) => "parameter problem",
        _ => return None,
    })
}

/// What an ICMPv6 error message says, as a phrase: `packet too big`. `None` if it is not an error.
///
/// ```
/// assert_eq!(synfin_wire::icmp::v6_error_name(2, 0), Some("packet too big"));
/// assert_eq!(synfin_wire::icmp::v6_error_name(135, 0), None);
/// ```
pub const fn v6_error_name(kind: u8, code: u8) -> Option<&'static str> {
    Some(match (kind, code) {
        (1, 0) => "no route to destination",
        (1, 1) => "administratively prohibited",
        (1, 2) => "beyond the scope of the source address",
        (1, 3) => "address unreachable",
        (1, 4) => "port unreachable",
        (1, 5) => "source address failed policy",
        (1, 6) => "route to destination rejected",
        (1, 7) => "error in source routing header",
        (1, _) => "destination unreachable",
        (2, _) => "packet too big",
        (3, 0) => "hop limit exceeded",
        (3, 1) => "fragment reassembly time exceeded",
        (3, _) => "time exceeded",
        (4, 1) => "unrecognized next header",
        (4, 2) => "unrecognized IPv6 option",
        (4, _) => "parameter problem",
        _ => return None,
    })
}
