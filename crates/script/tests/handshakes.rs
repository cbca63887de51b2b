//! SEGMENT ARRIVES before the handshake is done (RFC 9293 §3.10.7.1 - §3.10.7.3, and SYN-RECEIVED of §3.10.7.4):
//! what each system answers, and whether the connection is still there afterwards.
//!
//! Linux: `tcp_check_req()`, `tcp_rcv_synsent_state_process()`. FreeBSD: `syncache_chkrst()`,
//! `syncache_expand()`, `tcp_input()`, `tcp_do_segment()`.

use synfin_script::{IpVersion, Outcome, RunOptions, run};
use tcp::Habits;

const SYSTEMS: [Habits; 3] = [Habits::Rfc, Habits::Linux, Habits::FreeBsd];

/// A segment, and what is sent for it by each of [`SYSTEMS`]; empty: nothing.
type Row = (&'static str, [&'static str; 3]);

fn play(prelude: &str, arriving: &str, reply: &str, afterwards: &str, system: Habits) -> Result<(), String> {
    let reply = if reply.is_empty() { String::new() } else { format!("+0 > {reply}\n") };
    let source = format!("{prelude}+0.1 < {arriving}\n{reply}{afterwards}");
    for ip_version in [IpVersion::V4, IpVersion::V6] {
        let (ip_version, habits) = (Some(ip_version), Some(system));
        match run(&source, &RunOptions { ip_version, habits, ..RunOptions::strict() }) {
            Outcome::Passed => {}
            Outcome::Failed(failure) => return Err(format!("{system:?}: {arriving}\n{failure}")),
            Outcome::Skipped(reason) => return Err(reason),
        }
    }
    Ok(())
}

#[track_caller]
fn none_failed(results: impl Iterator<Item = Result<(), String>>) {
    let failures: Vec<String> = results.filter_map(Result::err).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

#[test]
fn where_nobody_listens() {
    const ROWS: [(&str, &str); 9] = [
        ("S 5:5(0) win 1000 <mss 1460>", "R. 0:0(0)! ack 6"),
        ("S. 5:5(0) ack 7 win 1000 <mss 1460>", "R 7:7(0)!"),
        (". 5:5(0) ack 7 win 1000", "R 7:7(0)!"),
        ("P. 5:15(10) ack 7 win 1000", "R 7:7(0)!"),
        ("F. 5:5(0) ack 7 win 1000", "R 7:7(0)!"),
        ("F 5:5(0) win 1000", "R. 0:0(0)! ack 6"),
        ("- 5:15(10) win 1000", "R. 0:0(0)! ack 15"),
        ("R 5:5(0) win 0", ""),
        ("R. 5:5(0) ack 7 win 0", ""),
    ];
    let prelude = "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 bind(3, ..., ...) = 0\n";
    none_failed(SYSTEMS.into_iter().flat_map(|system| {
        ROWS.into_iter().map(move |(arriving, reply)| play(prelude, arriving, reply, "", system))
    }));
}

#[test]
fn a_listener() {
    const SYN_ACK: &str = "S. 0:0(0) ack 1 <mss 1460>";
    const ROWS: [Row; 13] = [
        ("S 0:0(0) win 1000 <mss 1460>", [SYN_ACK; 3]),
        ("SP 0:10(10) win 1000 <mss 1460>", [SYN_ACK; 3]),
        ("SF 0:0(0) win 1000 <mss 1460>", ["", "", SYN_ACK]),
        ("S. 0:0(0) ack 7 win 1000 <mss 1460>", ["R 7:7(0)!", "R 7:7(0)!", ""]),
        ("SR 0:0(0) win 1000 <mss 1460>", [""; 3]),
        ("R 0:0(0) win 0", [""; 3]),
        ("R. 0:0(0) ack 7 win 0", [""; 3]),
        (". 0:0(0) ack 7 win 1000", ["R 7:7(0)!"; 3]),
        ("P. 0:10(10) ack 7 win 1000", ["R 7:7(0)!"; 3]),
        ("F. 0:0(0) ack 7 win 1000", ["R 7:7(0)!"; 3]),
        ("F 0:0(0) win 1000", [""; 3]),
        ("- 0:0(0) win 1000", [""; 3]),
        ("- 0:10(10) win 1000", [""; 3]),
    ];
    let prelude =
        "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 bind(3, ..., ...) = 0\n+0 listen(3, 1) = 0\n";
    none_failed(ROWS.into_iter().flat_map(|(arriving, replies)| {
        SYSTEMS
            .into_iter()
            .zip(replies)
            .map(move |(system, reply)| play(prelude, arriving, reply, "", system))
    }));
}

#[test]
fn syn_sent() {
    const REFUSED: &str = "+0 getsockopt(3, SOL_SOCKET, SO_ERROR, [ECONNREFUSED], [4]) = 0\n";
    const WAITS: &str = "+0 getsockopt(3, SOL_SOCKET, SO_ERROR, [0], [4]) = 0\n+0 < S. 0:0(0) ack 1 win 1000 <mss 1460>\n+0 > . 1:1(0) ack 1\n";
    const OPEN: &str = "+0.01 < . 0:0(0) ack 1 win 1000\n+0 > . 1:1(0) ack 1\n";
    const ROWS: [(&str, &str, &str); 16] = [
        ("S. 0:0(0) ack 1 win 1000 <mss 1460>", ". 1:1(0) ack 1", OPEN),
        ("S. 0:0(0) ack 0 win 1000 <mss 1460>", "R 0:0(0)", WAITS),
        ("S. 0:0(0) ack 2 win 1000 <mss 1460>", "R 2:2(0)", WAITS),
        ("S 0:0(0) win 1000 <mss 1460>", "S. 0:0(0) ack 1 <mss 1460>", ""),
        (". 0:0(0) ack 0 win 1000", "R 0:0(0)", WAITS),
        (". 0:0(0) ack 1 win 1000", "", WAITS),
        (". 0:0(0) ack 2 win 1000", "R 2:2(0)", WAITS),
        ("P. 0:10(10) ack 1 win 1000", "", WAITS),
        ("F. 0:0(0) ack 1 win 1000", "", WAITS),
        ("F 0:0(0) win 1000", "", WAITS),
        ("- 0:0(0) win 1000", "", WAITS),
        ("R 0:0(0) win 0", "", WAITS),
        ("R. 0:0(0) ack 1 win 0", "", REFUSED),
        ("SR. 0:0(0) ack 1 win 0", "", REFUSED),
        ("R. 0:0(0) ack 0 win 0", "", WAITS),
        ("R. 0:0(0) ack 2 win 0", "", WAITS),
    ];
    let prelude = "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0\n\
        +0 connect(3, ..., ...) = -1 EINPROGRESS\n+0 > S 0:0(0) <...>\n";
    none_failed(ROWS.into_iter().flat_map(|(arriving, reply, afterwards)| {
        SYSTEMS.into_iter().map(move |system| play(prelude, arriving, reply, afterwards, system))
    }));
}

#[test]
fn syn_received_by_a_listener() {
    const STAND: &str = ". 1:1(0) ack 1";
    const SYN_ACK: &str = "S. 0:0(0) ack 1 <mss 1460>";
    const ALIVE: &str = "+1 < . 1:1(0) ack 1 win 1000\n+0 accept(3, ..., ...) = 4\n";
    const GONE: &str = "+1 < . 1:1(0) ack 1 win 1000\n+0 > R 1:1(0)\n";
    /// Segment; reply and what is left, by system.
    const ROWS: [(&str, [(&str, &str); 3]); 16] = [
        ("S 0:0(0) win 1000 <mss 1460>", [(SYN_ACK, ALIVE); 3]),
        ("R 1:1(0) win 0", [("", GONE); 3]),
        ("R 0:0(0) win 0", [("", ALIVE); 3]),
        ("R 30000:30000(0) win 0", [(STAND, ALIVE), ("", GONE), (STAND, ALIVE)]),
        ("R 65535:65535(0) win 0", [(STAND, ALIVE), ("", GONE), (STAND, ALIVE)]),
        ("R 70000:70000(0) win 0", [("", ALIVE); 3]),
        ("R. 1:1(0) ack 1 win 0", [("", GONE), ("", GONE), (STAND, ALIVE)]),
        ("R. 30000:30000(0) ack 1 win 0", [(STAND, ALIVE), ("", GONE), (STAND, ALIVE)]),
        (". 1:1(0) ack 0 win 1000", [("R 0:0(0)", ALIVE); 3]),
        (". 1:1(0) ack 2 win 1000", [("R 2:2(0)", ALIVE); 3]),
        (". 0:0(0) ack 1 win 1000", [(STAND, ALIVE); 3]),
        (". 70000:70000(0) ack 1 win 1000", [(STAND, ALIVE); 3]),
        ("F 1:1(0) win 1000", [("", ALIVE); 3]),
        ("- 1:1(0) win 1000", [("", ALIVE); 3]),
        ("- 1:11(10) win 1000", [("", ALIVE); 3]),
        ("F. 1:1(0) ack 1 win 1000", [(". 1:1(0) ack 2", "+0 accept(3, ..., ...) = 4\n"); 3]),
    ];
    let prelude = "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 bind(3, ..., ...) = 0\n+0 listen(3, 1) = 0\n\
        +0 < S 0:0(0) win 1000 <mss 1460>\n+0 > S. 0:0(0) ack 1 <mss 1460>\n";
    none_failed(ROWS.into_iter().flat_map(|(arriving, systems)| {
        SYSTEMS.into_iter().zip(systems).map(move |(system, (reply, left))| {
            // The SYN-ACK goes again a second after the first; be there before.
            let left = left.replace("+1 <", "+0.6 <");
            play(prelude, arriving, reply, &left, system)
        })
    }));
}
