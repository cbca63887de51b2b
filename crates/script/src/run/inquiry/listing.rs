//! The list of sockets as each program prints it: the same columns, the same names of states.
//!
//! Options that ask for more than we know give `None`.

use stack::Listed;
use std::fmt::Write as _;
use std::net::SocketAddr;
use tcp::{Habits, State};

/// The names of states in FreeBSD's programs.
pub(super) const fn state_of_freebsd(state: State) -> &'static str {
    match state {
        State::Closed => "CLOSED",
        State::Listen => "LISTEN",
        State::SynSent => "SYN_SENT",
        State::SynReceived => "SYN_RCVD",
        State::Established => "ESTABLISHED",
        State::CloseWait => "CLOSE_WAIT",
        State::FinWait1 => "FIN_WAIT_1",
        State::Closing => "CLOSING",
        State::LastAck => "LAST_ACK",
        State::FinWait2 => "FIN_WAIT_2",
        State::TimeWait => "TIME_WAIT",
    }
}

/// The names of states in the output of `ss`, and in its filters.
const fn state_of_ss(state: State) -> (&'static str, &'static str) {
    match state {
        State::Closed => ("UNCONN", "closed"),
        State::Listen => ("LISTEN", "listening"),
        State::SynSent => ("SYN-SENT", "syn-sent"),
        State::SynReceived => ("SYN-RECV", "syn-recv"),
        State::Established => ("ESTAB", "established"),
        State::CloseWait => ("CLOSE-WAIT", "close-wait"),
        State::FinWait1 => ("FIN-WAIT-1", "fin-wait-1"),
        State::Closing => ("CLOSING", "closing"),
        State::LastAck => ("LAST-ACK", "last-ack"),
        State::FinWait2 => ("FIN-WAIT-2", "fin-wait-2"),
        State::TimeWait => ("TIME-WAIT", "time-wait"),
    }
}

/// An end as programs print it: `*` for what is open.
fn shown(end: Option<SocketAddr>, separator: char) -> String {
    match end {
        None => format!("*{separator}*"),
        Some(end) if end.ip().is_unspecified() => format!("*{separator}{}", end.port()),
        Some(end) => format!("{}{separator}{}", end.ip(), end.port()),
    }
}

fn has_port(line: &Listed, ports: &str) -> bool {
    let ours =
        |port: u16| line.local.port() == port || line.remote.is_some_and(|remote| remote.port() == port);
    ports.split(',').any(|range| match range.split_once('-') {
        Some((from, to)) => match (from.parse(), to.parse()) {
            (Ok(from), Ok(to)) => (from..=to).any(ours),
            _ => false,
        },
        None => range.parse().is_ok_and(ours),
    })
}

/// `sockstat [-46cCilnqsSUvw] [-p ports] [-P protocols]`
pub(super) fn sockstat(listed: &[Listed], arguments: &[&str], habits: Habits) -> Option<String> {
    let mut letters = String::new();
    let mut ports = None;
    let mut protocols = None;
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        let flags = argument.strip_prefix('-')?;
        let (plain, value) = match flags.find(['p', 'P', 'j']) {
            Some(at) => (&flags[..at], Some((&flags[at..=at], &flags[at + 1..]))),
            None => (flags, None),
        };
        letters.push_str(plain);
        if let Some((name, glued)) = value {
            let value = if glued.is_empty() { arguments.next()? } else { glued };
            match name {
                "p" => ports = Some(value),
                "P" => protocols = Some(value),
                _ => return None,
            }
        }
    }
    if letters.chars().any(|letter| !"46cCilnqsSUvwu".contains(letter)) {
        return None;
    }
    let has = |letter| letters.contains(letter);
    if protocols.is_some_and(|protocols| !protocols.split(',').any(|protocol| protocol == "tcp")) {
        return Some(String::new());
    }
    let mut text = String::new();
    if !has('q') {
        text.push_str("USER     COMMAND    PID   FD  PROTO  LOCAL ADDRESS         FOREIGN ADDRESS      ");
        text.push_str(if has('s') { " CONN STATE" } else { "" });
        text.push_str(if has('S') { "  STACK" } else { "" });
        text.push_str(if has('C') { "  CC" } else { "" });
        text.push('\n');
    }
    for line in listed {
        let is_v4 = line.local.is_ipv4();
        let wanted = (has('4') == has('6') || has('4') == is_v4)
            && (has('c') == has('l') || has('l') == (line.state == State::Listen))
            && ports.is_none_or(|ports| has_port(line, ports));
        if !wanted {
            continue;
        }
        let (local, foreign) = (shown(Some(line.local), ':'), shown(line.remote, ':'));
        let protocol = if is_v4 { "tcp4" } else { "tcp6" };
        let _ = write!(text, "root     script     1000  3   {protocol:6} {local:21} {foreign:21}");
        if has('s') {
            let _ = write!(text, " {:11}", state_of_freebsd(line.state));
        }
        if has('S') {
            text.push_str("  freebsd");
        }
        if has('C') {
            let name = line.congestion.map_or("-", |control| habits.congestion_control_name(control));
            let _ = write!(text, "  {name}");
        }
        text.push('\n');
    }
    Some(text)
}

/// `netstat -an [-p tcp] [-f inet]`
pub(super) fn netstat(listed: &[Listed], arguments: &[&str], habits: Habits) -> Option<String> {
    let plain = arguments.join(" ");
    let mut letters = String::new();
    let mut words = plain.split_whitespace();
    while let Some(word) = words.next() {
        match word {
            "-p" if words.next() == Some("tcp") => {}
            "-f" if matches!(words.next(), Some("inet" | "inet6")) => {}
            word => letters.push_str(word.strip_prefix('-')?),
        }
    }
    if letters.chars().any(|letter| !"46Walntw".contains(letter)) {
        return None;
    }
    let separator = if habits == Habits::FreeBsd { '.' } else { ':' };
    let mut text =
        String::from("Proto Recv-Q Send-Q Local Address          Foreign Address        (state)\n");
    for line in listed {
        let listens = line.state == State::Listen;
        if listens && !letters.contains(['a', 'l']) {
            continue;
        }
        let (local, foreign) = (shown(Some(line.local), separator), shown(line.remote, separator));
        let protocol = if line.local.is_ipv4() { "tcp4" } else { "tcp6" };
        let (received, sent) = if listens { (0, 0) } else { (line.receive_queue, line.send_queue) };
        let state = state_of_freebsd(line.state);
        let _ = writeln!(text, "{protocol:5} {received:6} {sent:6} {local:22} {foreign:22} {state}");
    }
    Some(text)
}

/// `ss [-46aHlntp] [state S] [sport = :P] [dport = :P]`
pub(super) fn ss(listed: &[Listed], arguments: &[&str]) -> Option<String> {
    let mut letters = String::new();
    let mut states = Vec::new();
    let mut ports = Vec::new();
    // `( sport = :80 or dport = :80 )` has words and signs; unknown ones are refused.
    let mut words = arguments.iter().flat_map(|argument| argument.split_whitespace()).peekable();
    let mut joint = None;
    while let Some(word) = words.next() {
        match word {
            "state" => states.push(words.next()?),
            "sport" | "dport" | "src" | "dst" => {
                words.next_if(|sign| matches!(*sign, "=" | "==" | "eq"));
                let port = words.next()?.rsplit(':').next()?.parse::<u16>().ok()?;
                ports.push((matches!(word, "sport" | "src"), port));
            }
            "(" | ")" => {}
            "and" | "or" => joint = Some(word),
            word => letters.push_str(long_option(word)?),
        }
    }
    if letters.chars().any(|letter| !"46aHlntpr".contains(letter)) {
        return None;
    }
    let has = |letter| letters.contains(letter);
    let mut text = String::new();
    if !has('H') {
        text.push_str("State      Recv-Q Send-Q Local Address:Port   Peer Address:Port\n");
    }
    for line in listed {
        let (name, filter) = state_of_ss(line.state);
        let by_state = match states.as_slice() {
            [] if has('a') => true,
            [] if has('l') => line.state == State::Listen,
            [] => !matches!(line.state, State::Listen | State::TimeWait | State::SynReceived),
            states => {
                states.iter().any(|state| *state == filter || *state == "all" || is_group(state, line.state))
            }
        };
        let matches = |(is_local, port): &(bool, u16)| match is_local {
            true => line.local.port() == *port,
            false => line.remote.is_some_and(|remote| remote.port() == *port),
        };
        let by_port = match joint {
            Some("or") => ports.is_empty() || ports.iter().any(matches),
            _ => ports.iter().all(matches),
        };
        let by_version = has('4') == has('6') || has('4') == line.local.is_ipv4();
        if !(by_state && by_port && by_version) {
            continue;
        }
        let (local, foreign) = (shown(Some(line.local), ':'), shown(line.remote, ':'));
        let (received, sent) = (line.receive_queue, line.send_queue);
        let _ = writeln!(text, "{name:10} {received:<6} {sent:<6} {local:20} {foreign:20}");
    }
    Some(text)
}

fn long_option(word: &str) -> Option<&str> {
    Some(match word {
        "--tcp" => "t",
        "--all" => "a",
        "--listening" => "l",
        "--numeric" => "n",
        "--no-header" => "H",
        _ => word.strip_prefix('-').filter(|letters| !letters.starts_with('-'))?,
    })
}

fn is_group(name: &str, state: State) -> bool {
    match name {
        "connected" => !matches!(state, State::Listen | State::Closed),
        "synchronized" => !matches!(state, State::Listen | State::Closed | State::SynSent),
        _ => false,
    }
}
