//! What a script needs that we do not have. This is found before the script runs, so that it is always
//! skipped with a reason, and never passes because that line was not reached.

use super::calls::CALLS;
use super::{icmp_names, sockopts};
use crate::ast::*;

/// The first thing that a script needs and that we do not have, with the number of its event.
pub(crate) fn unmet(script: &Script) -> Option<(usize, String)> {
    let encapsulated =
        script.option("udp_encapsulation").filter(|value| !value.is_empty() && *value != "none");
    if encapsulated.is_some() {
        return Some((0, "UDP encapsulation".to_owned()));
    }
    if ["wire_client", "wire_server"].iter().any(|name| script.option(name).is_some()) {
        return Some((0, "a second machine (wire_client, wire_server)".to_owned()));
    }
    script.events.iter().enumerate().find_map(|(index, event)| {
        let need = match &event.what {
            What::Packet(packet) => of_packet(packet),
            What::Call(call) => of_call(call),
            What::Command(_) | What::Code(_) => None,
        };
        need.map(|need| (index, need))
    })
}

fn of_packet(packet: &Packet) -> Option<String> {
    match &packet.body {
        Body::Unsupported { what, .. } => Some(what.clone()),
        Body::Udp { .. } => None,
        Body::Icmp(IcmpPacket { kind, code, .. }) => {
            let code = code.as_deref();
            let known = icmp_names::v4(kind, code).is_some() || icmp_names::v6(kind, code).is_some();
            let name = code.map_or_else(|| kind.clone(), |code| format!("{kind} {code}"));
            (!known).then(|| format!("the ICMP message `{name}`"))
        }
        Body::Tcp(tcp) => {
            let OptionList::List(list) = &tcp.options else { return None };
            list.iter().find_map(|option| match option {
                TcpOption::Unsupported { name, .. } if is_mptcp(name) => Some("MPTCP".to_owned()),
                TcpOption::Unsupported { name, .. } => Some(format!("the TCP option {name}")),
                TcpOption::Md5(_) => Some("TCP MD5 signatures".to_owned()),
                _ => None,
            })
        }
    }
}

/// Whether a TCP option of that name is MPTCP's (RFC 8684).
fn is_mptcp(name: &str) -> bool {
    let name = name.split('-').next().unwrap_or(name);
    name.starts_with("mp_")
        || name.starts_with("add_addr")
        || name.starts_with("remove_addr")
        || matches!(name, "dss" | "mpcapable" | "multipath")
}

fn of_call(call: &Call) -> Option<String> {
    if !CALLS.contains(&call.name.as_str()) {
        return Some(format!("the call {}", call.name));
    }
    match (call.name.as_str(), call.arguments.get(2)) {
        ("getsockopt" | "setsockopt", Some(Expr::Symbol(name))) if !sockopts::is_known(name) => {
            Some(format!("the socket option {name}"))
        }
        _ => None,
    }
}
