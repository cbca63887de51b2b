//! The numbers behind the symbols of C that scripts use, as each system has them.
//!
//! Socket options are not here: they are known by their names.

use crate::ast::traffic_class;
use tcp::Habits;

/// Symbol, Linux's number, FreeBSD's number.
const SYMBOLS: &[(&str, i64, i64)] = &[
    ("AF_UNSPEC", 0, 0),
    ("AF_INET", 2, 2),
    ("AF_INET6", 10, 28),
    ("PF_INET", 2, 2),
    ("PF_INET6", 10, 28),
    ("SOCK_STREAM", 1, 1),
    ("SOCK_DGRAM", 2, 2),
    ("SOCK_NONBLOCK", 0o4000, 0x2000_0000),
    ("SOCK_CLOEXEC", 0o2000000, 0x1000_0000),
    ("IPPROTO_IP", 0, 0),
    ("IPPROTO_ICMP", 1, 1),
    ("IPPROTO_TCP", 6, 6),
    ("IPPROTO_UDP", 17, 17),
    ("IPPROTO_IPV6", 41, 41),
    ("IPPROTO_SCTP", 132, 132),
    ("SOL_IP", 0, 0),
    ("SOL_TCP", 6, 6),
    ("SOL_UDP", 17, 17),
    ("SOL_IPV6", 41, 41),
    ("SOL_SOCKET", 1, 0xffff),
    ("O_RDONLY", 0, 0),
    ("O_WRONLY", 1, 1),
    ("O_RDWR", 2, 2),
    ("O_NONBLOCK", 0o4000, 4),
    ("O_CLOEXEC", 0o2000000, 0x0010_0000),
    ("FD_CLOEXEC", 1, 1),
    ("SHUT_RD", 0, 0),
    ("SHUT_WR", 1, 1),
    ("SHUT_RDWR", 2, 2),
    ("SOMAXCONN", 4096, 128),
    ("INADDR_ANY", 0, 0),
    ("MSG_OOB", 0x1, 0x1),
    ("MSG_PEEK", 0x2, 0x2),
    ("MSG_DONTROUTE", 0x4, 0x4),
    ("MSG_CTRUNC", 0x8, 0x20),
    ("MSG_TRUNC", 0x20, 0x10),
    ("MSG_DONTWAIT", 0x40, 0x80),
    ("MSG_EOR", 0x80, 0x8),
    ("MSG_WAITALL", 0x100, 0x40),
    ("MSG_ERRQUEUE", 0x2000, 0),
    ("MSG_NOSIGNAL", 0x4000, 0x20000),
    ("MSG_MORE", 0x8000, 0),
    ("MSG_ZEROCOPY", 0x400_0000, 0),
    ("MSG_FASTOPEN", 0x2000_0000, 0),
    ("MSG_CMSG_CLOEXEC", 0x4000_0000, 0x40000),
    ("NULL", 0, 0),
    ("POLLIN", 0x1, 0x1),
    ("POLLPRI", 0x2, 0x2),
    ("POLLOUT", 0x4, 0x4),
    ("POLLERR", 0x8, 0x8),
    ("POLLHUP", 0x10, 0x10),
    ("POLLNVAL", 0x20, 0x20),
    ("POLLRDNORM", 0x40, 0x40),
    ("POLLRDBAND", 0x80, 0x80),
    ("POLLWRNORM", 0x100, 0x100),
    ("POLLWRBAND", 0x200, 0x200),
    ("POLLRDHUP", 0x2000, 0x2000),
    ("POLLINIGNEOF", 0x2000, 0x2000),
    ("EPOLLIN", 0x1, 0x1),
    ("EPOLLPRI", 0x2, 0x2),
    ("EPOLLOUT", 0x4, 0x4),
    ("EPOLLERR", 0x8, 0x8),
    ("EPOLLHUP", 0x10, 0x10),
    ("EPOLLRDNORM", 0x40, 0x40),
    ("EPOLLRDBAND", 0x80, 0x80),
    ("EPOLLWRNORM", 0x100, 0x100),
    ("EPOLLWRBAND", 0x200, 0x200),
    ("EPOLLRDHUP", 0x2000, 0x2000),
    ("EPOLLONESHOT", 1 << 30, 1 << 30),
    ("EPOLLET", 1 << 31, 1 << 31),
    ("IP_PMTUDISC_DONT", 0, 0),
    ("IP_PMTUDISC_WANT", 1, 1),
    ("IP_PMTUDISC_DO", 2, 2),
    ("IP_PMTUDISC_PROBE", 3, 3),
    ("IP_PMTUDISC_INTERFACE", 4, 4),
    ("IPV6_PMTUDISC_DONT", 0, 0),
    ("IPV6_PMTUDISC_WANT", 1, 1),
    ("IPV6_PMTUDISC_DO", 2, 2),
    ("IPV6_PMTUDISC_PROBE", 3, 3),
    ("TCP_CA_Open", 0, 0),
    ("TCP_CA_Disorder", 1, 1),
    ("TCP_CA_CWR", 2, 2),
    ("TCP_CA_Recovery", 3, 3),
    ("TCP_CA_Loss", 4, 4),
    ("TCPI_OPT_TIMESTAMPS", 1, 1),
    ("TCPI_OPT_SACK", 2, 2),
    ("TCPI_OPT_WSCALE", 4, 4),
    ("TCPI_OPT_ECN", 8, 8),
    ("TCPI_OPT_ECN_SEEN", 16, 0),
    ("TCPI_OPT_SYN_DATA", 32, 0),
];

/// The states of a connection as C names them, after `TCP_`, `TCPS_` or `TCPI_`: Linux's number, FreeBSD's.
const STATES: &[(&str, i64, i64)] = &[
    ("ESTABLISHED", 1, 4),
    ("SYN_SENT", 2, 2),
    ("SYN_RECV", 3, 3),
    ("SYN_RECEIVED", 3, 3),
    ("FIN_WAIT1", 4, 6),
    ("FIN_WAIT_1", 4, 6),
    ("FIN_WAIT2", 5, 9),
    ("FIN_WAIT_2", 5, 9),
    ("TIME_WAIT", 6, 10),
    ("CLOSE", 7, 0),
    ("CLOSED", 7, 0),
    ("CLOSE_WAIT", 8, 5),
    ("LAST_ACK", 9, 8),
    ("LISTEN", 10, 1),
    ("CLOSING", 11, 7),
];

/// Which system's numbers: those of the states that only FreeBSD's kernel uses are FreeBSD's everywhere.
const STATE_PREFIXES: [&str; 3] = ["TCP_", "TCPS_", "TCPI_"];

fn state(prefix: &str, (_, linux, freebsd): &(&str, i64, i64), habits: Habits) -> i64 {
    if prefix == "TCPS_" || habits == Habits::FreeBsd { *freebsd } else { *linux }
}

/// The number of a symbol.
pub(crate) fn number(name: &str, habits: Habits) -> Option<i64> {
    if let Some((_, linux, freebsd)) = SYMBOLS.iter().find(|(known, ..)| *known == name) {
        return Some(if habits == Habits::FreeBsd { *freebsd } else { *linux });
    }
    if let Some(class) = traffic_class(name) {
        return Some(class.into());
    }
    STATE_PREFIXES.iter().find_map(|prefix| {
        let rest = name.strip_prefix(prefix)?;
        let found = STATES.iter().find(|(known, ..)| *known == rest)?;
        Some(state(prefix, found, habits))
    })
}

/// Those symbols that a block of Python may use, with their numbers.
pub(crate) fn for_python(habits: Habits) -> impl Iterator<Item = (String, i64)> {
    let wanted = SYMBOLS.iter().filter(|(name, ..)| name.starts_with("TCP"));
    let plain = wanted.map(move |(name, linux, freebsd)| {
        ((*name).to_owned(), if habits == Habits::FreeBsd { *freebsd } else { *linux })
    });
    let states = STATE_PREFIXES.into_iter().flat_map(move |prefix| {
        STATES.iter().map(move |found| (format!("{prefix}{}", found.0), state(prefix, found, habits)))
    });
    plain.chain(states)
}
