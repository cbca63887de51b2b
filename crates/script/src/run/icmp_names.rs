//! The names of ICMP messages: type and code on either version of IP.

/// The numbers of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Numbers {
    pub(crate) kind: u8,
    pub(crate) code: u8,
}

/// RFC 792 and RFC 1812: destination unreachable is type 3.
const UNREACHABLE_V4: [(&str, u8); 16] = [
    ("net_unreachable", 0),
    ("host_unreachable", 1),
    ("protocol_unreachable", 2),
    ("port_unreachable", 3),
    ("frag_needed", 4),
    ("source_route_failed", 5),
    ("net_unknown", 6),
    ("host_unknown", 7),
    ("source_host_isolated", 8),
    ("net_prohibited", 9),
    ("host_prohibited", 10),
    ("net_unreachable_for_tos", 11),
    ("host_unreachable_for_tos", 12),
    ("packet_filtered", 13),
    ("precedence_violation", 14),
    ("precedence_cutoff", 15),
];

/// RFC 4443: destination unreachable is type 1. The names of IPv4 that mean the same are taken too,
/// so that one script runs over both.
const UNREACHABLE_V6: [(&str, u8); 17] = [
    ("no_route", 0),
    ("admin_prohibited", 1),
    ("beyond_scope", 2),
    ("not_neighbour", 2),
    ("not_neighbor", 2),
    ("address_unreachable", 3),
    ("port_unreachable", 4),
    ("source_policy", 5),
    ("reject_route", 6),
    ("net_unreachable", 0),
    ("host_unreachable", 3),
    ("net_unknown", 0),
    ("host_unknown", 3),
    ("net_prohibited", 1),
    ("host_prohibited", 1),
    ("packet_filtered", 1),
    ("protocol_unreachable", 4),
];

const TIME_V4: [(&str, u8); 2] = [("ttl_exceeded_in_transit", 0), ("frag_reass_exceeded", 1)];
const TIME_V6: [(&str, u8); 4] = [
    ("exceeded_hop_limit", 0),
    ("exceeded_frag_time", 1),
    ("ttl_exceeded_in_transit", 0),
    ("frag_reass_exceeded", 1),
];
const PARAMETER_V4: [(&str, u8); 4] =
    [("header_field", 0), ("err_header_field", 0), ("option_missing", 1), ("bad_length", 2)];
const PARAMETER_V6: [(&str, u8); 6] = [
    ("err_header_field", 0),
    ("unknown_next_header", 1),
    ("unknown_option", 2),
    ("header_field", 0),
    ("next_header", 1),
    ("option", 2),
];
/// RFC 792: a better first hop for what goes to a network or a host.
const REDIRECT_V4: [(&str, u8); 8] = [
    ("net", 0),
    ("host", 1),
    ("tos_net", 2),
    ("tos_host", 3),
    ("redirect_net", 0),
    ("redirect_host", 1),
    ("redirect_tos_net", 2),
    ("redirect_tos_host", 3),
];

/// The number of a code, which may be written as the number.
fn of(table: &[(&str, u8)], name: &str) -> Option<u8> {
    let found = table.iter().find(|(known, _)| *known == name).map(|(_, code)| *code);
    found.or_else(|| name.parse().ok())
}

/// The numbers of a message on IPv4.
pub(crate) fn v4(kind: &str, code: Option<&str>) -> Option<Numbers> {
    let numbers = |kind, code| Some(Numbers { kind, code });
    match (kind, code) {
        ("unreachable" | "unreach", Some(code)) => numbers(3, of(&UNREACHABLE_V4, code)?),
        ("unreachable" | "unreach", None) => numbers(3, 0),
        ("packet_too_big", None) => numbers(3, 4),
        ("time_exceeded", code) => numbers(11, code.map_or(Some(0), |code| of(&TIME_V4, code))?),
        ("source_quench", None) => numbers(4, 0),
        ("parameter_problem", code) => numbers(12, code.map_or(Some(0), |code| of(&PARAMETER_V4, code))?),
        ("redirect", code) => numbers(5, code.map_or(Some(0), |code| of(&REDIRECT_V4, code))?),
        ("echo_request", None) => numbers(8, 0),
        ("echo_reply", None) => numbers(0, 0),
        _ => None,
    }
}

/// The numbers of a message on IPv6.
pub(crate) fn v6(kind: &str, code: Option<&str>) -> Option<Numbers> {
    let numbers = |kind, code| Some(Numbers { kind, code });
    match (kind, code) {
        ("packet_too_big", None) | ("unreachable" | "unreach", Some("frag_needed")) => numbers(2, 0),
        ("unreachable" | "unreach", Some(code)) => numbers(1, of(&UNREACHABLE_V6, code)?),
        ("unreachable" | "unreach", None) => numbers(1, 0),
        ("time_exceeded", code) => numbers(3, code.map_or(Some(0), |code| of(&TIME_V6, code))?),
        ("parameter_problem", code) => numbers(4, code.map_or(Some(0), |code| of(&PARAMETER_V6, code))?),
        ("redirect", None) => numbers(137, 0),
        ("echo_request", None) => numbers(128, 0),
        ("echo_reply", None) => numbers(129, 0),
        _ => None,
    }
}

/// The name of a message that was seen.
pub(crate) fn name(is_v6: bool, numbers: Numbers) -> (String, Option<String>) {
    let find = |table: &[(&str, u8)]| {
        table.iter().find(|(_, code)| *code == numbers.code).map(|(name, _)| (*name).to_owned())
    };
    match (is_v6, numbers.kind) {
        (false, 3) => ("unreachable".to_owned(), find(&UNREACHABLE_V4)),
        (true, 1) => ("unreachable".to_owned(), find(&UNREACHABLE_V6)),
        (true, 2) => ("packet_too_big".to_owned(), None),
        (false, 11) => ("time_exceeded".to_owned(), find(&TIME_V4)),
        (true, 3) => ("time_exceeded".to_owned(), find(&TIME_V6)),
        (false, 12) => ("parameter_problem".to_owned(), find(&PARAMETER_V4)),
        (true, 4) => ("parameter_problem".to_owned(), find(&PARAMETER_V6)),
        (false, 5) => ("redirect".to_owned(), find(&REDIRECT_V4)),
        (true, 137) => ("redirect".to_owned(), None),
        (false, 8) | (true, 128) => ("echo_request".to_owned(), None),
        (false, 0) | (true, 129) => ("echo_reply".to_owned(), None),
        (_, kind) => (format!("type_{kind}"), Some(format!("code_{}", numbers.code))),
    }
}
