//! For tests: which words of a Chinese text are English and should not be.
//!
//! Names that Chinese readers write in Latin letters are allowed: states, flags, options, algorithms, calls, units, protocols.

/// Words in Latin letters that stand in Chinese texts, in the order of the alphabet.
const ALLOWED: &[&str] = &[
    "ABORT",
    "ACE",
    "ACK",
    "AE",
    "ARP",
    "AccECN",
    "Ack",
    "BBR",
    "CE",
    "CLOSE",
    "CLOSE-WAIT",
    "CLOSED",
    "CLOSING",
    "CUBIC",
    "CWR",
    "Ctrl",
    "D-SACK",
    "DF",
    "DNS",
    "DSACK",
    "Drain",
    "ECE",
    "ECN",
    "ECT",
    "ESTABLISHED",
    "F-RTO",
    "FIN",
    "FIN-WAIT-1",
    "FIN-WAIT-2",
    "Fast Open",
    "GRE",
    "GTP-U",
    "HTTP",
    "ICMP",
    "ICMPv6",
    "IGMP",
    "IP",
    "IPv4",
    "IPv6",
    "KiB",
    "MiB",
    "GiB",
    "L2TP",
    "LAST-ACK",
    "LISTEN",
    "Len",
    "MPLS",
    "MSL",
    "MSS",
    "MTU",
    "NS",
    "Nagle",
    "Not-ECT",
    "PAWS",
    "PgDn",
    "PgUp",
    "PSH",
    "ProbeBW_CRUISE",
    "ProbeBW_DOWN",
    "ProbeBW_REFILL",
    "ProbeBW_UP",
    "ProbeRTT",
    "RACK-TLP",
    "RCV.NXT",
    "RFC",
    "RST",
    "RTO",
    "RTT",
    "Reno",
    "SACK",
    "SCTP",
    "SEND",
    "SYN",
    "SYN-RECEIVED",
    "SYN-SENT",
    "Seq",
    "Startup",
    "TCP",
    "TCP_NODELAY",
    "TIME-WAIT",
    "TTL",
    "UDP",
    "URG",
    "VLAN",
    "VXLAN",
    "Win",
    "accept",
    "bit",
    "close",
    "connect",
    "cookie",
    "e1b",
    "e0b",
    "ceb",
    "kbit",
    "Mbit",
    "Gbit",
    "ms",
    "min",
    "ns",
    "reordercap",
    "rto",
    "shutdown",
    "synfin",
    "tcpdump",
    "top",
    "µs",
    "r.e0b",
    "r.ceb",
    "r.e1b",
    "R2",
    "Write",
];

/// The words of `text` in Latin letters that are not among the allowed ones. Addresses and hexadecimal numbers are no words.
pub(crate) fn english_in(text: &str) -> Vec<String> {
    let mut text = text.to_owned();
    // names of several words
    for name in ALLOWED.iter().filter(|name| name.contains([' ', '.'])) {
        text = text.replace(name, " ");
    }
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | ':' | 'µ');
    let words = text.split(|c| !is_part(c)).map(|word| word.trim_matches(['.', ':', '-']));
    let words = words.filter(|word| word.contains(|c: char| c.is_ascii_alphabetic()) && !is_address(word));
    // keys, and the marks of events
    let words = words.filter(|word| word.len() > 1 && !ALLOWED.contains(word));
    words.map(str::to_owned).collect()
}

/// An IPv6 address, short or cut, with or without what stands around it.
fn is_address(word: &str) -> bool {
    word.contains(':') && word.chars().all(|c| c.is_ascii_hexdigit() || matches!(c, ':' | '.'))
}
