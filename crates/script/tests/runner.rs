//! What the runner does with each part of the language, seen from outside.

use std::io::Write as _;
use synfin_script::{IpVersion, Outcome, RunOptions, check_script, run};
use tcp::Habits;

const PASSIVE: &str = "\
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 65535 <mss 1460>
+0 > S. 0:0(0) ack 1 <mss 1460>
+0.01 < . 1:1(0) ack 1 win 65535
+0 accept(3, ..., ...) = 4
";

fn passive(rest: &str) -> String {
    format!("{PASSIVE}{rest}")
}

fn outcome(text: &str) -> Outcome {
    run(text, &RunOptions::strict())
}

#[track_caller]
fn fails(text: &str, says: &str) {
    match outcome(text) {
        Outcome::Failed(failure) => {
            assert!(failure.to_string().contains(says), "{failure}\ndoes not say {says}");
        }
        other => panic!("{text}\n{other:?}"),
    }
}

#[track_caller]
fn skipped(text: &str, reason: &str) {
    match outcome(text) {
        Outcome::Skipped(why) => assert_eq!(why, reason),
        Outcome::Failed(failure) => panic!("{failure}"),
        Outcome::Passed => panic!("passed: {text}"),
    }
}

#[test]
fn blocking_calls_return_in_virtual_time() {
    check_script(&passive(
        "+0...0.5 read(4, ..., 100) = 100
         +0.5 < P. 1:101(100) ack 1 win 65535
         +0.04 > . 1:1(0) ack 101",
    ));
    fails(
        &passive(
            "+0...0.4 read(4, ..., 100) = 100\n+0.5 < P. 1:101(100) ack 1 win 65535\n+0.04 > . 1:1(0) ack 101",
        ),
        "the call should have returned at 0.410000 s",
    );
    fails(
        &passive(
            "+0...0.6 read(4, ..., 100) = 100\n+0.5 < P. 1:101(100) ack 1 win 65535\n+0.04 > . 1:1(0) ack 101",
        ),
        "the call returned at 0.510000 s, not at 0.610000 s",
    );
    fails(&passive("+0 read(4, ..., 100) = 100"), "the call waits, but the script gives it no time to");
    check_script(
        "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 bind(3, ..., ...) = 0\n+0 listen(3, 1) = 0\n\
        +0...0.2 accept(3, ..., ...) = 4\n+0.1 < S 0:0(0) win 65535 <mss 1460>\n+0 > S. 0:0(0) ack 1 <mss 1460>\n+0.1 < . 1:1(0) ack 1 win 65535",
    );
}

#[test]
fn a_blocking_write_returns_when_all_is_handed_over() {
    check_script(
        "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
         +0 setsockopt(3, SOL_SOCKET, SO_SNDBUF, [5000], 4) = 0
         +0 getsockopt(3, SOL_SOCKET, SO_SNDBUF, [10000], [4]) = 0
         +0 bind(3, ..., ...) = 0
         +0 listen(3, 1) = 0
         +0 < S 0:0(0) win 65535 <mss 1000>
         +0 > S. 0:0(0) ack 1 <mss 1460>
         +0.01 < . 1:1(0) ack 1 win 65535
         +0 accept(3, ..., ...) = 4
         +0...0.1 write(4, ..., 11000) = 11000
         +0 > P. 1:10001(10000) ack 1
         +0.1 < . 1:1(0) ack 2001 win 65535
         +0 > P. 10001:11001(1000) ack 1",
    );
}

#[test]
fn poll_and_epoll_tell_what_is_ready() {
    check_script(&passive(
        "+0 poll([{fd=4, events=POLLIN|POLLOUT, revents=POLLOUT}], 1, 0) = 1
         +0 epoll_create(1) = 5
         +0 epoll_ctl(5, EPOLL_CTL_ADD, 4, {events=EPOLLIN|EPOLLRDHUP, fd=4}) = 0
         +0 epoll_ctl(5, EPOLL_CTL_ADD, 4, {events=EPOLLIN, fd=4}) = -1 EEXIST
         +0 epoll_wait(5, {events=EPOLLIN, fd=4}, 1, 0) = 0
         +0...0.1 poll([{fd=4, events=POLLIN, revents=POLLIN}], 1, -1) = 1
         +0.1 < P. 1:101(100) ack 1 win 65535
         +0 epoll_wait(5, {events=EPOLLIN, fd=4}, 1, 0) = 1
         +0 read(4, ..., 100) = 100
         +0.04 > . 1:1(0) ack 101
         +0...0.25 poll([{fd=4, events=POLLIN, revents=0}], 1, 250) = 0
         +0.3 < F. 101:101(0) ack 1 win 65535
         +0 > . 1:1(0) ack 102
         +0 epoll_wait(5, {events=EPOLLIN|EPOLLRDHUP, fd=4}, 1, 0) = 1
         +0 epoll_ctl(5, EPOLL_CTL_DEL, 4, ...) = 0
         +0 epoll_wait(5, {events=EPOLLIN, fd=4}, 1, 0) = 0
         +0 poll([{fd=4, events=POLLIN, revents=POLLIN}, {fd=9, events=POLLIN, revents=POLLNVAL}], 2, 0) = 2",
    ));
    fails(
        &passive("+0 poll([{fd=4, events=POLLIN|POLLOUT, revents=POLLIN}], 1, 0) = 1"),
        "revents: expected POLLIN, seen 4",
    );
}

#[test]
fn messages_and_vectors() {
    check_script(&passive(
        "+0 setsockopt(4, SOL_TCP, TCP_NODELAY, [1], 4) = 0
         +0 writev(4, [{\"abc\", 3}, {..., 7}], 2) = 10
         +0 > P. 1:11(10) ack 1
         +0 sendmsg(4, {msg_name(...)=..., msg_iov(2)=[{..., 4}, {..., 6}], msg_flags=0}, 0) = 10
         +0 > P. 11:21(10) ack 1
         +0.1 < P. 1:101(100) ack 21 win 65535
         +0 recv(4, ..., 10, MSG_PEEK) = 10
         +0 ioctl(4, SIOCINQ, [100]) = 0
         +0 readv(4, [{..., 10}, {..., 20}], 2) = 30
         +0 recvmsg(4, {msg_name(...)=..., msg_iov(1)=[{\"\\0\\0\"..., 60}], msg_flags=0}, 0) = 60
         +0 recvfrom(4, ..., 100, 0, ..., ...) = 10
         +0 recv(4, ..., 10, MSG_DONTWAIT) = -1 EAGAIN
         +0.04 > . 21:21(0) ack 101
         +0 ioctl(4, SIOCOUTQ, [0]) = 0",
    ));
    fails(
        &passive("+0.1 < P. 1:3(2) ack 1 win 65535\n+0 read(4, \"ab\", 2) = 2"),
        r#"data: expected "ab", seen "\x00\x00""#,
    );
}

#[test]
fn errors_follow_the_profile() {
    let reset = "+0.1 < R. 1:1(0) ack 1 win 0\n";
    let linux = format!(
        "`sysctl net.ipv4.tcp_timestamps=1`\n{PASSIVE}{reset}+0 write(4, ..., 10) = -1 ECONNRESET\n+0 write(4, ..., 10) = -1 EPIPE"
    );
    let freebsd = format!(
        "`sysctl net.inet.tcp.rfc1323=1`\n{PASSIVE}{reset}+0 write(4, ..., 10) = -1 EPIPE\n+0 read(4, ..., 10) = -1 ECONNRESET"
    );
    for text in [linux, freebsd] {
        check_script(&text);
    }
    let options = RunOptions { habits: Some(Habits::FreeBsd), ..RunOptions::strict() };
    let text = "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 write(3, ..., 10) = -1 ENOTCONN\n+0 fcntl(3, F_SETFL, O_NONBLOCK) = 0\n\
                +0 fcntl(3, F_GETFL) = 0x6\n+0 getsockopt(3, SOL_SOCKET, SO_RCVBUF, [65536], [4]) = 0\n+0 close(3) = 0\n+0 close(3) = -1 EBADF";
    assert_eq!(run(text, &options), Outcome::Passed);
}

#[test]
fn what_we_do_not_have_is_named_with_its_line() {
    skipped("0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 < sctp: INIT[]\n", "needs SCTP, line 2");
    skipped("\n0 splice(3, 4) = 0", "needs the call splice, line 2");
    skipped("0 setsockopt(3, SOL_TCP, TCP_MD5SIG, [1], 4) = 0", "needs the socket option TCP_MD5SIG, line 1");
    skipped("0 > S 0:0(0) <mp_capable v1>", "needs MPTCP, line 1");
    skipped("`sysctl net.inet.tcp.insecure_rst=1`", "needs sysctl net.inet.tcp.insecure_rst=1, line 1");
    skipped("`reboot`", "needs the command `reboot`, line 1");
    skipped(&passive("+0 < icmp echo_ping\n"), "needs the ICMP message `echo_ping`, line 8");
    skipped(&passive("+0 send(4, ..., 10, MSG_ZEROCOPY) = 10"), "needs MSG_ZEROCOPY, line 8");
    skipped(
        "--udp_encapsulation=sctp\n0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3",
        "needs UDP encapsulation, line 2",
    );
}

#[test]
fn a_failure_shows_the_packet_and_the_way_there() {
    let text = passive("+0 write(4, ..., 100) = 100\n+0 > P. 1:102(101) ack 2 <nop,nop>\n");
    let Outcome::Failed(failure) = outcome(&text) else { panic!("101 are not 100") };
    assert_eq!(
        failure.to_string(),
        "\
script:9:1: the packet that was sent is not the one that the script expects
 9 | +0 > P. 1:102(101) ack 2 <nop,nop>
   | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  expected  > P. 1:102(101) ack 2 <nop,nop>
  seen      > P. 1:101(100) ack 1 win 65535  at 0.010000 s
  - length: expected 101, seen 100
  - acknowledgment number: expected 2, seen 1
  - options: `nop` is missing
  the last packets, and the state of our end after each:
      0.000000  < S 0:0(0) win 65535 <mss 1460>         SYN-RECEIVED
      0.000000  > S. 0:0(0) ack 1 win 65535 <mss 1460>  SYN-RECEIVED  agrees and asks back
      0.010000  < . 1:1(0) ack 1 win 65535              ESTABLISHED
      0.010000  > P. 1:101(100) ack 1 win 65535         ESTABLISHED   new data"
    );
}

#[test]
fn times_are_kept() {
    let data = "+0 write(4, ..., 100) = 100\n+0 > P. 1:101(100) ack 1\n";
    check_script(&passive(&format!("{data}+1 > P. 1:101(100) ack 1")));
    check_script(&passive(&format!("{data}* > P. 1:101(100) ack 1")));
    check_script(&passive(&format!("{data}+0.5~+1.5 > P. 1:101(100) ack 1")));
    check_script(&passive(&format!("{data}1.010 > P. 1:101(100) ack 1")));
    check_script(&format!(
        "--tolerance_usecs=50000\n{}",
        passive(&format!("{data}+1.04 > P. 1:101(100) ack 1"))
    ));
    fails(
        &passive(&format!("{data}+1.1 > P. 1:101(100) ack 1")),
        "time: expected 1.110000 s, seen 1.010000 s",
    );
    fails(&passive(&format!("{data}+0.9 > P. 1:101(100) ack 1")), "the next packet came too late");
    fails(&passive("+1 > P. 1:101(100) ack 1"), "nothing was sent at 1.010000 s, nor afterwards");
}

#[test]
fn a_script_says_whether_push_and_what_trails_are_compared() {
    let write = "+0 write(4, ..., 100) = 100\n";
    let text = passive(&format!("{write}+0 > . 1:101(100) ack 1"));
    fails(&text, "flags: expected ., seen P.");
    check_script(&format!("--any_push\n{text}"));
    fails(&format!("--any_push\n{}", text.replace("> .", "> F.")), "flags: expected F., seen P.");
    let trails = passive(&format!("{write}+0 getsockopt(4, SOL_SOCKET, SO_ERROR, [0], [4]) = 0"));
    fails(&trails, "a packet that the script does not expect");
    check_script(&format!("--any_trailing\n{trails}"));
    let before = format!("{trails}\n+0.1 getsockopt(4, SOL_SOCKET, SO_ERROR, [0], [4]) = 0");
    fails(&format!("--any_trailing\n{before}"), "a packet that the script does not expect");
}

#[test]
fn segments_are_merged_unless_asked_otherwise() {
    let data = "+0 write(4, ..., 3000) = 3000\n+0 > P. 1:3001(3000) ack 1";
    check_script(&passive(data));
    fails(&format!("--strict_segments\n{}", passive(data)), "length: expected 3000, seen 1460");
    fails(
        &passive("+0 write(4, ..., 3000) = 3000\n+0 > P. 1:2921(2920) ack 1"),
        "flags: expected P., seen .",
    );
    fails(
        &passive("+0 write(4, ..., 3000) = 3000\n+0 > . 1:2921(2920) ack 1"),
        "a packet that the script does not expect",
    );
}

#[test]
fn udp_goes_both_ways() {
    check_script(
        "0 socket(..., SOCK_DGRAM, IPPROTO_UDP) = 3
         +0 bind(3, ..., ...) = 0
         +0 connect(3, ..., ...) = 0
         +0 write(3, ..., 100) = 100
         +0 > udp (100)
         +0.1 < udp (50)
         +0 read(3, ..., 1000) = 50
         +0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0
         +0 read(3, ..., 1000) = -1 EAGAIN
         +0 write(3, ..., 10) = 10
         +0 > udp (10)
         +0 < [udp (10)] icmp unreachable port_unreachable
         +0 read(3, ..., 1000) = -1 ECONNREFUSED",
    );
}

#[test]
fn ip_fields_are_checked_and_sent() {
    let ttl = "+0 setsockopt(4, IPPROTO_IP, IP_TTL, [9], 4) = 0\n+0 write(4, ..., 10) = 10\n";
    check_script(&passive(&format!("{ttl}+0 > (ttl 9, noecn) P. 1:11(10) ack 1")));
    fails(&passive(&format!("{ttl}+0 > [ttl 64] P. 1:11(10) ack 1")), "time to live: expected 64, seen 9");
    fails(&passive(&format!("{ttl}+0 > [ect0] P. 1:11(10) ack 1")), "ECN: expected ect0, seen noecn");
    fails(&passive(&format!("{ttl}+0 > [tos 0x8] P. 1:11(10) ack 1")), "type of service: expected 8, seen 0");
    check_script(&passive("+0.1 < (ce, ttl 3, tos 0x20) P. 1:11(10) ack 1 win 5\n+0.04 > . 1:1(0) ack 11"));
}

#[test]
fn definitions_and_expressions() {
    check_script(
        &format!(
            "--define=SIZE=2*500\n--define \"\"\n{}",
            passive("+0 write(4, ..., SIZE+(1<<3)) = 1008\n+0 > P. 1:1009(1008) ack 1")
        )
        .replace("--define \"\"\n", ""),
    );
    fails("--define=SIZE\n0 close(SIZE) = 0", "the value of SIZE: a value is expected here");
    fails("--ip_version=ipv5\n0 `true`", "is no version of IP");
    fails("--mtu=abc\n0 `true`", "`mtu` is a number");
}

#[test]
fn mapped_addresses_are_ipv6_to_the_application() {
    let text = passive(
        "+0 getpeername(4, {sa_family=AF_INET6, sin6_port=htons(40000), sin6_addr=inet_pton(\"::ffff:192.0.2.1\")}, [28]) = 0",
    );
    let options = RunOptions { ip_version: Some(IpVersion::V4MappedV6), ..RunOptions::strict() };
    assert_eq!(run(&text, &options), Outcome::Passed);
}

#[test]
fn the_same_script_gives_the_same_bytes() {
    let text =
        passive("+0 write(4, ..., 5000) = 5000\n+0 > P. 1:5001(5000) ack 1\n+1 > . 1:1461(1460) ack 1");
    let bytes = || -> Vec<_> {
        synfin_script::run_recorded(&text, &RunOptions::strict())
            .packets
            .into_iter()
            .map(|packet| packet.bytes)
            .collect()
    };
    assert!(bytes().len() > 5);
    assert_eq!(bytes(), bytes());
}

#[test]
fn tcp_info_speaks_each_systems_numbers() {
    let ask = "+0 getsockopt(4, IPPROTO_TCP, TCP_INFO, {tcpi_state=STATE, tcpi_snd_cwnd=CWND, tcpi_rtt=10000}, [...]) = 0\n\
        +0 %{ assert tcpi_state == TCP_ESTABLISHED }%";
    for (habits, state, cwnd) in
        [(Habits::Linux, "TCP_ESTABLISHED", "10"), (Habits::FreeBsd, "TCPS_ESTABLISHED", "14600")]
    {
        let text = passive(&ask.replace("STATE", state).replace("CWND", cwnd));
        // FreeBSD pads otherwise; an MSS alone needs no padding.
        let options = RunOptions { habits: Some(habits), ..RunOptions::strict() };
        match run(&text, &options) {
            Outcome::Passed => {}
            Outcome::Skipped(reason) if reason.contains("python3") => {
                drop(writeln!(std::io::stderr(), "skipped: {reason}"));
            }
            other => panic!("{habits:?}: {other:?}"),
        }
    }
}

#[test]
fn numbers_count_from_the_syn_of_each_end_whatever_it_is() {
    // The SYNs' own numbers are what they are; those of all other segments count from them.
    check_script(
        "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
         +0 bind(3, ..., ...) = 0
         +0 listen(3, 1) = 0
         +0 < S 4294967290:4294967290(0) win 65535 <mss 1460,sackOK,nop,nop>
         +0 > S. 1000:1000(0) ack 4294967291 <mss 1460,nop,nop,sackOK>
         +0.01 < . 1:1(0) ack 1 win 65535
         +0 accept(3, ..., ...) = 4
         +0 < P. 11:21(10) ack 1 win 65535
         +0 > . 1:1(0) ack 1 <nop,nop,sack 11:21>
         +0 < P. 1:11(10) ack 1 win 65535
         +0 > . 1:1(0) ack 21
         +0 write(4, ..., 10) = 10
         +0 > P. 1:11(10) ack 21
         +0.01 < . 5:5(0)! ack 11 win 65535
         +0 > . 11:11(0) ack 21
         +0 < . 21:21(0) ack 11 win 65535",
    );
    check_script(
        "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
         +0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0
         +0 connect(3, ..., ...) = -1 EINPROGRESS
         +0 > S 7:7(0) <...>
         +0.01 < S. 500:500(0) ack 8 win 65535 <mss 1460>
         +0 > . 1:1(0) ack 1
         +0 < [0:0(0)] icmp unreachable host_unreachable
         +0 < F. 1:1(0) ack 1 win 65535
         +0 > . 1:1(0) ack 2",
    );
}

#[test]
fn a_number_may_be_the_one_of_the_wire_or_left_open() {
    check_script(
        "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
         +0 bind(3, ..., ...) = 0
         +0 < S 0:0(0) win 65535 <mss 1460>
         +0 > R. 0:0(0)! ack 1",
    );
    check_script(&passive("+0 write(4, ..., 10) = 10\n+0 > P. ...(10) ack 1"));
    fails(&passive("+0 write(4, ..., 10) = 10\n+0 > P. ...(11) ack 1"), "length: expected 11, seen 10");
    fails(
        &passive("+0 write(4, ..., 10) = 10\n+0 > P. 1:11(10)! ack 1"),
        "sequence number: expected 1, seen",
    );
}

#[test]
fn an_echo_may_be_the_one_of_the_wire() {
    // With PAWS's clock of 0 the peer's segment is taken; its echo of 7 is not ours, and nobody minds.
    check_script(
        "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
         +0 bind(3, ..., ...) = 0
         +0 listen(3, 1) = 0
         +0 < S 0:0(0) win 65535 <mss 1460,nop,nop,TS val 100 ecr 7>
         +0 > S. 0:0(0) ack 1 <mss 1460,nop,nop,TS val ... ecr 100>
         +0.01 < . 1:1(0) ack 1 win 65535 <nop,nop,TS val 101 ecr 7!>
         +0 accept(3, ..., ...) = 4
         +0 write(4, ..., 10) = 10
         +0 > P. 1:11(10) ack 1 <nop,nop,TS val ... ecr 101>",
    );
}

#[test]
fn other_stacks_of_freebsd_are_named() {
    let choose = |name: &str| {
        format!(
            "`sysctl net.inet.tcp.rfc1323=0`\n0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 setsockopt(3, IPPROTO_TCP, TCP_FUNCTION_BLK, {{function_set_name=\"{name}\", pcbcnt=0}}, 36) = 0"
        )
    };
    check_script(&choose("freebsd"));
    // Who asks for one at all is on FreeBSD.
    let text = choose("freebsd").replace("`sysctl net.inet.tcp.rfc1323=0`\n", "");
    let run = synfin_script::run_recorded(&text, &RunOptions::strict());
    assert_eq!((run.outcome, run.habits), (Outcome::Passed, Habits::FreeBsd));
    skipped(&choose("rack"), "needs FreeBSD's TCP stack \"rack\", line 3");
}

#[test]
fn a_script_without_events_does_not_pass() {
    for text in ["", "// nothing\n", "--ip_version=ipv4\n"] {
        fails(text, "the script has no events");
    }
}

#[test]
fn a_field_that_is_not_written_is_zero() {
    let urgent = "+0 setsockopt(4, SOL_TCP, TCP_NODELAY, [1], 4) = 0\n+0 send(4, ..., 5, MSG_OOB) = 5\n";
    check_script(&passive(&format!("{urgent}+0 > PU. 1:6(5) ack 1 urg 5")));
    fails(&passive(&format!("{urgent}+0 > PU. 1:6(5) ack 1")), "urgent pointer: expected 0, seen 5");
}
