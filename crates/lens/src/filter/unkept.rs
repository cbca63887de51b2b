//! Names of Wireshark that are no fields of ours: what they are true of, or what to use instead.
//!
//! A filter for a whole capture names other protocols than TCP (`not arp`, `tcp.port == 53 || udp.port ==
//! 53`). Those that no TCP segment has are false of every segment, as in Wireshark. Protocols over TCP that
//! we do not take apart, and fields that we do not keep, are errors with the nearest way to say it, because
//! false would be a wrong answer.

/// Protocols of which neither TCP is a part nor they of TCP.
const NEVER_WITH_TCP: &[&str] = &[
    "arp", "bfd", "bootp", "carp", "cdp", "dccp", "dhcp", "dhcpv6", "dtls", "eap", "eapol", "eigrp",
    "enip-udp", "homeplug", "igmp", "igrp", "ipx", "isis", "lacp", "lldp", "llmnr", "lltd", "loop", "mdns",
    "mld", "mndp", "nbdgm", "nbipx", "nbns", "netbios", "ntp", "ospf", "pim", "ptp", "quic", "rarp", "rip",
    "ripng", "rtcp", "rtp", "sctp", "slow", "ssdp", "stp", "tftp", "udp", "udplite", "vrrp", "vtp", "wg",
    "wol",
];

/// Protocols over TCP, with the port on which they are usually found.
const OVER_TCP: &[(&str, &str)] = &[
    ("amqp", "5672"),
    ("bgp", "179"),
    ("diameter", "3868"),
    ("dns", "53"),
    ("ftp", "21"),
    ("ftp-data", "20"),
    ("git", "9418"),
    ("grpc", "50051"),
    ("http2", "443"),
    ("imap", "143"),
    ("iscsi", "3260"),
    ("kerberos", "88"),
    ("kafka", "9092"),
    ("ldap", "389"),
    ("ldp", "646"),
    ("mbtcp", "502"),
    ("modbus", "502"),
    ("mongo", "27017"),
    ("mqtt", "1883"),
    ("msrp", "2855"),
    ("mysql", "3306"),
    ("nbss", "139"),
    ("nfs", "2049"),
    ("pgsql", "5432"),
    ("pop", "110"),
    ("rdp", "3389"),
    ("redis", "6379"),
    ("rsync", "873"),
    ("rtmpt", "1935"),
    ("rtsp", "554"),
    ("sip", "5060"),
    ("smb", "445"),
    ("smb2", "445"),
    ("smtp", "25"),
    ("snmp", "161"),
    ("socks", "1080"),
    ("ssh", "22"),
    ("ssl", "443"),
    ("syslog", "514"),
    ("tds", "1433"),
    ("telnet", "23"),
    ("tls", "443"),
    ("vnc", "5900"),
    ("websocket", "80"),
    ("whois", "43"),
    ("x11", "6000"),
    ("xmpp", "5222"),
];

const BY_MESSAGE: &str = "messages over several segments are not put together";
const TAKEN_OFF: &str = "what carries the IP packet is taken off before";
const NOT_KEPT: &str = "that is not kept";

/// Fields and protocols that we do not keep, the longest names first where one begins as another does:
/// the name or what it begins with, why, and what to use.
const UNKEPT: &[(&str, &str, &str)] = &[
    ("http.time", BY_MESSAGE, "tcp.time_delta, or tcp.analysis.ack_rtt"),
    ("http.request_in", BY_MESSAGE, "tcp.stream"),
    ("http.response_in", BY_MESSAGE, "tcp.stream"),
    ("http.host", NOT_KEPT, "http contains \"Host: example.org\""),
    ("http.user_agent", NOT_KEPT, "http contains \"User-Agent: \""),
    ("http.content_type", NOT_KEPT, "http contains \"Content-Type: \""),
    (
        "http.",
        NOT_KEPT,
        "http.request.method, http.request.uri, http.response.code, or http contains \"...\"",
    ),
    ("tcp.segment", BY_MESSAGE, "tcp.stream and tcp.seq"),
    ("tcp.reassembled", BY_MESSAGE, "tcp.stream and tcp.seq"),
    ("tcp.pdu", BY_MESSAGE, "tcp.len"),
    ("tcp.checksum.status", "checksums are not verified", "tcp.checksum"),
    ("tcp.checksum_", "checksums are not verified", "tcp.checksum"),
    ("tcp.window_size_scalefactor", NOT_KEPT, "tcp.window_size, or tcp.options.wscale.shift of a SYN"),
    ("tcp.options.wscale.multiplier", NOT_KEPT, "tcp.options.wscale.shift"),
    ("tcp.options.mptcp", NOT_KEPT, "tcp contains bytes of the option, such as tcp contains 1e:0c"),
    ("tcp.options.nop", NOT_KEPT, "tcp.hdr_len"),
    ("tcp.analysis.push_bytes_sent", NOT_KEPT, "tcp.analysis.bytes_in_flight"),
    ("tcp.analysis.initial_rtt", NOT_KEPT, "tcp.analysis.ack_rtt"),
    ("frame.time_delta", NOT_KEPT, "tcp.time_delta, which is within a connection"),
    ("frame.protocols", NOT_KEPT, "tcp, http, ip or ipv6"),
    ("frame.comment", NOT_KEPT, "synfin.why or tcp.analysis.flags"),
    ("frame.time", "dates are not read", "frame.time_epoch or frame.time_relative, in seconds"),
    ("ip.src_host", NOT_KEPT, "ip.src"),
    ("ip.dst_host", NOT_KEPT, "ip.dst"),
    ("ip.host", NOT_KEPT, "ip.addr"),
    ("ip.geoip", NOT_KEPT, "ip.addr"),
    ("ip.checksum", "checksums are not verified", "frame.number"),
    ("icmpv6.", NOT_KEPT, "icmpv6, which finds the segments that its errors quote"),
    ("icmp.", NOT_KEPT, "icmp, which finds the segments that its errors quote"),
    ("eth.src_resolved", NOT_KEPT, "eth.src"),
    ("eth.dst_resolved", NOT_KEPT, "eth.dst"),
    ("eth.addr_resolved", NOT_KEPT, "eth.addr"),
    ("vlan.", NOT_KEPT, "vlan.id"),
    ("_ws.", "the columns of Wireshark are not made", "the fields that they show"),
    ("data", BY_MESSAGE, "tcp.payload"),
    ("sll", TAKEN_OFF, "ip.addr or ipv6.addr"),
    ("ppp", TAKEN_OFF, "ip.addr or ipv6.addr"),
    ("pppoe", TAKEN_OFF, "ip.addr or ipv6.addr"),
    ("pppoes", TAKEN_OFF, "ip.addr or ipv6.addr"),
    ("mpls", TAKEN_OFF, "ip.addr or ipv6.addr"),
    ("wlan", TAKEN_OFF, "ip.addr or ipv6.addr"),
    ("gre", TAKEN_OFF, "ip.addr or ipv6.addr of the packet inside"),
    ("vxlan", TAKEN_OFF, "ip.addr or ipv6.addr of the packet inside"),
    ("geneve", TAKEN_OFF, "ip.addr or ipv6.addr of the packet inside"),
    ("gtp", TAKEN_OFF, "ip.addr or ipv6.addr of the packet inside"),
    ("erspan", TAKEN_OFF, "ip.addr or ipv6.addr of the packet inside"),
    ("ah", TAKEN_OFF, "ip.addr or ipv6.addr"),
    ("esp", TAKEN_OFF, "ip.addr or ipv6.addr"),
];

/// The protocol of a field.
fn protocol(name: &str) -> &str {
    name.split_once('.').map_or(name, |(protocol, _)| protocol)
}

/// Whether it is a protocol that no TCP segment has, or a field of one.
pub(super) fn is_never_with_tcp(name: &str) -> bool {
    NEVER_WITH_TCP.contains(&protocol(name))
}

/// What to use instead of a name of Wireshark that is no field of ours.
pub(super) fn advice(name: &str) -> Option<String> {
    let is_of = |known: &str| match known.ends_with(['.', '_']) {
        true => name.starts_with(known),
        false => name == known || name.strip_prefix(known).is_some_and(|rest| rest.starts_with(['.', '_'])),
    };
    if let Some((_, why, instead)) = UNKEPT.iter().find(|(known, ..)| is_of(known)) {
        return Some(format!("`{name}` is no field here, because {why}: use {instead}"));
    }
    let (protocol, port) = OVER_TCP.iter().find(|(known, _)| *known == protocol(name))?;
    Some(format!(
        "`{name}` is no field here, because {protocol} is not taken apart: use the port, such as \
         tcp.port == {port}, or tcp.payload contains \"...\""
    ))
}
