//! What each ICMP error does to an attempt to connect, by system and version of IP.
//!
//! Linux ends the attempt with whatever it is told (`tcp_v4_err`, `icmp_err_convert`; `tcp_v6_err`,
//! `icmpv6_err_convert`); FreeBSD only with what maps to `ECONNREFUSED` and with an exceeded time to live
//! (`icmp_errmap`, `tcp_ctlinput`); RFC 9293 §3.9.2.2 with the hard ones.

use synfin_script::{IpVersion, Outcome, RunOptions, run};
use tcp::Habits;

/// The message; the error on Linux, and on FreeBSD (`None`: the attempt goes on).
type Row = (&'static str, &'static str, Option<&'static str>);

const V4: [Row; 16] = [
    ("unreachable net_unreachable", "ENETUNREACH", None),
    ("unreachable host_unreachable", "EHOSTUNREACH", None),
    ("unreachable protocol_unreachable", "ENOPROTOOPT", Some("ECONNREFUSED")),
    ("unreachable port_unreachable", "ECONNREFUSED", Some("ECONNREFUSED")),
    ("unreachable source_route_failed", "EOPNOTSUPP", None),
    ("unreachable net_unknown", "ENETUNREACH", None),
    ("unreachable host_unknown", "EHOSTDOWN", None),
    ("unreachable source_host_isolated", "ENONET", None),
    ("unreachable net_prohibited", "ENETUNREACH", Some("ECONNREFUSED")),
    ("unreachable host_prohibited", "EHOSTUNREACH", Some("ECONNREFUSED")),
    ("unreachable net_unreachable_for_tos", "ENETUNREACH", None),
    ("unreachable host_unreachable_for_tos", "EHOSTUNREACH", None),
    ("unreachable packet_filtered", "EHOSTUNREACH", Some("ECONNREFUSED")),
    ("unreachable precedence_violation", "EHOSTUNREACH", None),
    ("unreachable precedence_cutoff", "EHOSTUNREACH", None),
    ("time_exceeded ttl_exceeded_in_transit", "EHOSTUNREACH", Some("EHOSTUNREACH")),
];

const V6: [Row; 6] = [
    ("unreachable no_route", "ENETUNREACH", None),
    ("unreachable admin_prohibited", "EACCES", Some("ECONNREFUSED")),
    ("unreachable not_neighbour", "EHOSTUNREACH", None),
    ("unreachable address_unreachable", "EHOSTUNREACH", None),
    ("unreachable port_unreachable", "ECONNREFUSED", Some("ECONNREFUSED")),
    ("time_exceeded exceeded_hop_limit", "EHOSTUNREACH", Some("EHOSTUNREACH")),
];

fn attempt(message: &str, error: Option<&str>) -> String {
    let opening = format!(
        "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
         +0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0
         +0 connect(3, ..., ...) = -1 EINPROGRESS
         +0 > S 0:0(0) <...>
         +0.1 < [0:0(0)] icmp {message}\n"
    );
    match error {
        Some(error) => {
            format!("{opening}+0 getsockopt(3, SOL_SOCKET, SO_ERROR, [{error}], [4]) = 0\n+5 close(3) = 0")
        }
        None => format!(
            "{opening}+0 getsockopt(3, SOL_SOCKET, SO_ERROR, [0], [4]) = 0
             +0.9 > S 0:0(0) <...>
             +0 < S. 0:0(0) ack 1 win 65535 <mss 1460>
             +0 > . 1:1(0) ack 1"
        ),
    }
}

#[track_caller]
fn check(ip_version: IpVersion, habits: Habits, message: &str, error: Option<&str>) {
    let source = attempt(message, error);
    let options = RunOptions { ip_version: Some(ip_version), habits: Some(habits), ..RunOptions::strict() };
    match run(&source, &options) {
        Outcome::Passed => {}
        Outcome::Failed(failure) => panic!("{habits:?}, {message}:\n{failure}"),
        Outcome::Skipped(reason) => panic!("{message}: {reason}"),
    }
}

#[test]
fn an_attempt_to_connect_ends_as_each_system_has_it() {
    for (ip_version, rows) in [(IpVersion::V4, &V4[..]), (IpVersion::V6, &V6[..])] {
        for (message, linux, freebsd) in rows {
            check(ip_version, Habits::Linux, message, Some(linux));
            check(ip_version, Habits::FreeBsd, message, *freebsd);
        }
    }
}

#[test]
fn by_the_rfc_only_hard_errors_end_it() {
    for (message, error) in [
        ("unreachable protocol_unreachable", Some("ENOPROTOOPT")),
        ("unreachable port_unreachable", Some("ECONNREFUSED")),
        ("unreachable net_unreachable", None),
        ("unreachable host_unreachable", None),
        ("time_exceeded ttl_exceeded_in_transit", None),
        ("parameter_problem", None),
    ] {
        check(IpVersion::V4, Habits::Rfc, message, error);
    }
}

#[test]
fn a_message_about_another_number_is_not_believed() {
    for habits in [Habits::Linux, Habits::FreeBsd, Habits::Rfc] {
        let source = attempt("unreachable port_unreachable", None).replace("[0:0(0)]", "[100:100(0)]");
        let options = RunOptions { habits: Some(habits), ..RunOptions::strict() };
        assert_eq!(run(&source, &options), Outcome::Passed, "{habits:?}");
    }
}
