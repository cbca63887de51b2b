//! The value of `Host`: a host and perhaps a port (RFC 9110 §7.2, RFC 3986 §3.2.2 and §3.2.3).

use std::net::Ipv6Addr;

/// Whether this is `uri-host [ ":" port ]`. Nothing at all is a host, too: that of a target without one.
///
/// An address of a future version of IP (`[v7.x]`) is refused, because nobody can have asked for it here.
pub(crate) fn is_host(value: &str) -> bool {
    let (is_name, port) = if let Some(literal) = value.strip_prefix('[') {
        let Some((address, port)) = literal.split_once(']') else { return false };
        (address.parse::<Ipv6Addr>().is_ok(), port)
    } else {
        let (name, port) = value.split_at(value.find(':').unwrap_or(value.len()));
        (is_registered_name(name), port)
    };
    let has_port = port.strip_prefix(':').is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()));
    is_name && (port.is_empty() || has_port)
}

/// `reg-name`, of which an IPv4 address is one.
fn is_registered_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    while let Some(byte) = bytes.next() {
        let is_allowed = match byte {
            b'%' => [bytes.next(), bytes.next()].iter().all(|b| b.is_some_and(|b| b.is_ascii_hexdigit())),
            _ => byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&byte),
        };
        if !is_allowed {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_or_an_address_and_perhaps_a_port() {
        for host in [
            "",
            "x",
            "files.example",
            "files.example:8080",
            "files.example:",
            "10.90.0.2:80",
            "[fd90::2]",
            "[fd90::2]:80",
            "xn--bcher-kva.example",
            "a%20b",
            "a_b",
        ] {
            assert!(is_host(host), "{host:?}");
        }
        for host in [
            "a b/c",
            "a/b",
            "a?b",
            "a#b",
            "a\\b",
            "me@files.example",
            "a:http",
            "a:80:80",
            "fd90::2",
            "[fd90::2",
            "[fd90::2]80",
            "[10.90.0.2]",
            "[]",
            "a%2",
            "a%zz",
            "b\u{fc}cher.example",
            "a,b c",
        ] {
            assert!(!is_host(host), "{host:?}");
        }
    }
}
