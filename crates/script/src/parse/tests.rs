use super::*;
use crate::ast::*;
use proptest::prelude::*;
use std::time::Duration;
use wire::tcp::Flags;

fn one(text: &str) -> Event {
    let script = parse("test.pkt", text).unwrap_or_else(|wrong| panic!("{wrong}"));
    assert_eq!(script.events.len(), 1, "{script}");
    script.events[0].clone()
}

fn tcp(text: &str) -> TcpPacket {
    match one(text).what {
        What::Packet(Packet { body: Body::Tcp(tcp), .. }) => tcp,
        other => panic!("{text} is {other:?}"),
    }
}

fn call(text: &str) -> Call {
    match one(text).what {
        What::Call(call) => call,
        other => panic!("{text} is {other:?}"),
    }
}

fn wrong(text: &str) -> String {
    parse("test.pkt", text).expect_err(text).to_string()
}

/// Every line is one event and prints as the second text.
#[track_caller]
fn prints(rows: &[(&str, &str)]) {
    for (text, printed) in rows {
        assert_eq!(one(text).to_string(), *printed, "from {text}");
        assert_eq!(one(printed).to_string(), *printed, "printing is stable");
    }
}

#[test]
fn times() {
    let ms = Duration::from_millis;
    let when = |text: &str| one(&format!("{text} `x`")).when;
    assert_eq!(when("0"), When::Absolute(ms(0)));
    assert_eq!(when("0.100"), When::Absolute(ms(100)));
    assert_eq!(when(".5"), When::Absolute(ms(500)));
    assert_eq!(when("3."), When::Absolute(ms(3000)));
    assert_eq!(when("+.1"), When::Relative(ms(100)));
    assert_eq!(when("+ 0.1"), When::Relative(ms(100)));
    assert_eq!(when("*"), When::Any);
    assert_eq!(when("0.1~0.2"), When::AbsoluteRange(ms(100), ms(200)));
    assert_eq!(when("+0.1 ~ +.2"), When::RelativeRange(ms(100), ms(200)));
    assert_eq!(when(""), When::AtOnce);
    assert_eq!(when("+0.000000001"), When::Relative(Duration::from_nanos(1)));
    for (text, until) in [
        ("+0...1.2 close(3) = 0", 1200),
        ("0.0...0.1 x() = 0", 100),
        ("+.1...+.6 x() = 0", 600),
        ("+0 ... 2 x() = 0", 2000),
    ] {
        assert_eq!(call(text).until, Some(ms(until)), "{text}");
    }
}

#[test]
fn packets_of_every_form() {
    prints(&[
        (
            "0.1 < S 0:0(0) win 32792 <mss 1000,sackOK,nop,nop,nop,wscale 7>",
            "0.1 < S 0:0(0) win 32792 <mss 1000,sackOK,nop,nop,nop,wscale 7>",
        ),
        ("+0 > S. 0:0(0) ack 1 <...>", "+0 > S. 0:0(0) ack 1 <...>"),
        ("+0 > S. 0:0(0) ack 1 <mss 1460, nop, ...>", "+0 > S. 0:0(0) ack 1 <mss 1460,nop,...>"),
        ("+0 < [ect0] . 1:1001(1000) ack 1 win 257", "+0 < (ect0) . 1:1001(1000) ack 1 win 257"),
        (
            "+0 < (ect01, tos 0x2, ttl 64, flowlabel 0x1) P. 1:2(1) ack 1",
            "+0 < (ect01, tos 0x02, ttl 64, flowlabel 0x1) P. 1:2(1) ack 1",
        ),
        ("+0 > [ce] F. 1:1(0) ack 1", "+0 > (ce) F. 1:1(0) ack 1"),
        ("+0 > [noecn] R 1:1(0)", "+0 > (noecn) R 1:1(0)"),
        ("+0 > [...] R 1:1(0)", "+0 > R 1:1(0)"),
        ("+0 < 1000 > 2000 . 1:1(0) ack 1", "+0 < 1000 > 2000 . 1:1(0) ack 1"),
        ("+0 > 8080>4000 . 1:1(0) ack 1", "+0 > 8080 > 4000 . 1:1(0) ack 1"),
        ("+0 < - 1:1(0) win 0", "+0 < - 1:1(0) win 0"),
        (
            "+0 < . 1:1(0) ack 1 win 257 <sack 1461:2921 3921:4921,nop,nop>",
            "+0 < . 1:1(0) ack 1 win 257 <sack 1461:2921 3921:4921,nop,nop>",
        ),
        (
            "+0 < . 1:1(0) ack 1 <nop,nop,TS val 0x10 ecr ...>",
            "+0 < . 1:1(0) ack 1 <nop,nop,TS val 16 ecr ...>",
        ),
        ("+0 < S 0:0(0) win 1 <FO,nop,nop>", "+0 < S 0:0(0) win 1 <FO,nop,nop>"),
        ("+0 < S 0:0(0) win 1 <FO abcdef0123456789>", "+0 < S 0:0(0) win 1 <FO abcdef0123456789>"),
        ("+0 < S 0:0(0) win 1 <FOEXP 0011>", "+0 < S 0:0(0) win 1 <FOEXP 0011>"),
        (
            "+0 < . 1:1(0) ack 1 <md5 000102030405060708090a0b0c0d0e0f>",
            "+0 < . 1:1(0) ack 1 <md5 000102030405060708090a0b0c0d0e0f>",
        ),
        (
            "+0 < . 1:1(0) ack 1 <ECN e0b 1 ceb 2 e1b 3,nop>",
            "+0 < . 1:1(0) ack 1 <ECN e0b 1 ceb 2 e1b 3,nop>",
        ),
        ("+0 > ... ... ack ... win * urg 3", "+0 > ... ... ack ... win ... urg 3"),
        ("+0 < . 4294967295:0(1) ack 1", "+0 < . 4294967295:0(1) ack 1"),
        ("+0 < . -1:0(1) ack 1", "+0 < . 4294967295:0(1) ack 1"),
        ("+0 < U. 1:2(1) ack 1 win 3 urg 1", "+0 < U. 1:2(1) ack 1 win 3 urg 1"),
        (
            "+0 < . 1:1(0)\n   ack 1 // why\n   win 5 /* and\n why */ <nop,\n nop>",
            "+0 < . 1:1(0) ack 1 win 5 <nop,nop>",
        ),
        ("+0 < . 1:1(0) ack 1 <>", "+0 < . 1:1(0) ack 1 <>"),
    ]);
}

#[test]
fn flags_words() {
    let bits = |text: &str| {
        let flags = tcp(&format!("+0 > {text} 0:0(0)")).flags;
        (flags.bits.value(), flags.ace, flags.to_string())
    };
    assert_eq!(bits("SEW"), (Some(Flags::SYN | Flags::ECE | Flags::CWR), false, "SEW".to_owned()));
    assert_eq!(bits("SE."), (Some(Flags::SYN | Flags::ECE | Flags::ACK), false, "SE.".to_owned()));
    assert_eq!(
        bits("SEWA"),
        (Some(Flags::SYN | Flags::ECE | Flags::CWR | Flags::AE), false, "SEWA".to_owned())
    );
    assert_eq!(bits("S.5"), (Some(Flags::SYN | Flags::ACK | Flags::ECE | Flags::AE), true, "S.5".to_owned()));
    assert_eq!(bits(".2"), (Some(Flags::ACK | Flags::CWR), true, ".2".to_owned()));
    assert_eq!(
        bits("P7."),
        (Some(Flags::PSH | Flags::ACK | Flags::ECE | Flags::CWR | Flags::AE), true, "P.7".to_owned())
    );
    assert_eq!(bits(".PF"), (Some(Flags::PSH | Flags::ACK | Flags::FIN), false, "FP.".to_owned()));
    assert_eq!(bits("-"), (Some(Flags::NONE), false, "-".to_owned()));
}

#[test]
fn icmp_and_udp() {
    prints(&[
        (
            "+0 < [1:1461(1460)] icmp unreachable frag_needed mtu 1200",
            "+0 < [1:1461(1460)] icmp unreachable frag_needed mtu 1200",
        ),
        (
            "+0 < icmp unreachable host_unreachable [1:2(1)]",
            "+0 < [1:2(1)] icmp unreachable host_unreachable",
        ),
        ("+0 < icmp unreachable port_unreachable", "+0 < icmp unreachable port_unreachable"),
        ("+0 < [0:0(0)] icmp packet_too_big mtu 1280", "+0 < [0:0(0)] icmp packet_too_big mtu 1280"),
        (
            "+0 > [udp (8)] icmp unreachable port_unreachable",
            "+0 > [udp (8)] icmp unreachable port_unreachable",
        ),
        ("+0 < udp (10)", "+0 < udp (10)"),
        ("+0 > 53 > 1000 udp (10)", "+0 > 53 > 1000 udp (10)"),
    ]);
}

#[test]
fn what_is_not_run_is_read_and_named() {
    let needs = |text: &str| match &parse("t", text).unwrap_or_else(|wrong| panic!("{wrong}")).events[0].what
    {
        What::Packet(Packet { body: Body::Unsupported { what, .. }, .. }) => what.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(needs("+0 < sctp: INIT[flgs=0, tag=1,\n a_rwnd=1500]\n+0 > R 1:1(0)"), "SCTP");
    assert_eq!(needs("+0 < ipv4 1.1.1.1 > 2.2.2.2: gre: S 0:0(0) win 1 <mss 1460>"), "IPv4 encapsulation");
    assert_eq!(needs("+0 < S 0:0(0) win 1 <mss 1460> udp(9899 > 9899)\n"), "UDP encapsulation");
    assert_eq!(needs("+0 < udp(9899 > 9899): sctp: DATA[flgs=BE]"), "UDP encapsulation");
    let list = |text: &str| match tcp(text).options {
        OptionList::List(list) => list,
        other => panic!("{other:?}"),
    };
    for (text, name) in [
        ("mp_capable v1 flags[flag_h] key[skey=2]", "mp_capable"),
        ("exp-tarr 5", "exp-tarr"),
        ("dss dack4=1, nop", "dss"),
    ] {
        let list = list(&format!("+0 > S 0:0(0) <mss 1460,{text}>"));
        assert!(matches!(&list[1], TcpOption::Unsupported { name: found, .. } if found == name), "{list:?}");
    }
}

#[test]
fn calls_of_every_form() {
    prints(&[
        ("0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3", "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3"),
        ("+0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0", "+0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0"),
        ("+0 fcntl(3, F_GETFL) = 0x2 (flags O_RDWR)", "+0 fcntl(3, F_GETFL) = 0x2 (flags O_RDWR)"),
        (
            "+0 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)",
            "+0 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)",
        ),
        ("+0...1.2 connect(3, ..., ...) = 0", "+0...1.2 connect(3, ..., ...) = 0"),
        (
            "+0 setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0",
            "+0 setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0",
        ),
        (
            "+0 setsockopt(3, SOL_TCP, TCP_CONGESTION, \"cubic\", 5) = 0",
            "+0 setsockopt(3, SOL_TCP, TCP_CONGESTION, \"cubic\", 5) = 0",
        ),
        (
            "+0 setsockopt(3, SOL_SOCKET, SO_LINGER, {onoff=1, linger=0}, 8) = 0",
            "+0 setsockopt(3, SOL_SOCKET, SO_LINGER, {onoff=1, linger=0}, 8) = 0",
        ),
        (
            "+0 bind(3, {sa_family = AF_INET, sin_port = htons(8080), sin_addr = inet_addr(\"192.168.0.1\")}, 16) = 0",
            "+0 bind(3, {sa_family=AF_INET, sin_port=htons(8080), sin_addr=inet_addr(\"192.168.0.1\")}, 16) = 0",
        ),
        (
            "+0 bind(3, {sa_family=AF_INET6, sin6_addr=fd3d::1, a=10.0.0.1}, 16) = 0",
            "+0 bind(3, {sa_family=AF_INET6, sin6_addr=fd3d::1, a=10.0.0.1}, 16) = 0",
        ),
        (
            "+0 poll([{fd=4, events=POLLIN|POLLOUT,\n   revents=POLLIN}], 1, 0) = 1",
            "+0 poll([{fd=4, events=POLLIN|POLLOUT, revents=POLLIN}], 1, 0) = 1",
        ),
        (
            "+0 recvmsg(3, {msg_name(...)=..., msg_iov(1)=[{..., 1000}], msg_flags=0}, 0) = 1000",
            "+0 recvmsg(3, {msg_name(...)=..., msg_iov(1)=[{..., 1000}], msg_flags=0}, 0) = 1000",
        ),
        (
            "+0 epoll_ctl(5, EPOLL_CTL_ADD, 4, {events=EPOLLIN, fd=4}) = 0",
            "+0 epoll_ctl(5, EPOLL_CTL_ADD, 4, {events=EPOLLIN, fd=4}) = 0",
        ),
        (
            "+0 writev(3, [{..., 1000}, {\"ab\\n\", 3}], 2) = 1003",
            "+0 writev(3, [{..., 1000}, {\"ab\\n\", 3}], 2) = 1003",
        ),
        ("+0 read(3, \"abc\"..., 10) = 3", "+0 read(3, \"abc\"..., 10) = 3"),
        ("+0 write(3, \"a\" \"b\", 2*1000+4) = ...", "+0 write(3, \"ab\", (2*1000)+4) = ..."),
        (
            "+0 x(sizeof(int), 1<<10, ~O_NONBLOCK, -5, 1.5, []) = -1 EINVAL",
            "+0 x(sizeof(int), 1<<10, ~O_NONBLOCK, -5, 1.5, []) = -1 EINVAL",
        ),
        ("+0 ioctl(3, SIOCINQ, [1000,]) = 0", "+0 ioctl(3, SIOCINQ, [1000]) = 0"),
        ("+0 x({a={b=[{c=1},{d=(A|B)&C}]}}) = 0", "+0 x({a={b=[{c=1}, {d=(A|B)&C}]}}) = 0"),
        ("+0 x({.a = 1, b.c = 2, d: 3}) = 0", "+0 x({a=1, b.c=2, d=3}) = 0"),
    ]);
    let Expr::Text(bytes) = &call(r#"+0 write(3, "\x01\0\177\"\\z", 6) = 6"#).arguments[1] else { panic!() };
    assert_eq!(bytes, &[1, 0, 127, b'"', b'\\', b'z']);
    // A sign after a result begins the next event, not a sum.
    assert_eq!(parse("t", "+0 close(3) = 0\n+0 close(4) = 0\n* > F. 1:1(0) ack 1").unwrap().events.len(), 3);
}

#[test]
fn options_commands_code_and_comments() {
    let text = "#!/usr/bin/env packetdrill\n--ip_version=ipv4 --tolerance_usecs=5000\n--define=\"X=a b\" --strict_segments\n\
        `sysctl -q net.ipv4.tcp_sack=0\n ./x.sh`\n/* a\n b */ 0 `true` # c\n+0 %{\nassert x == {'a': 1}, x\nprint(5 % 2)\n}%\n";
    let script = parse("t", text).unwrap_or_else(|wrong| panic!("{wrong}"));
    assert_eq!(script.option("ip_version"), Some("ipv4"));
    assert_eq!(script.option("tolerance_usecs"), Some("5000"));
    assert_eq!(script.option("define"), Some("X=a b"));
    assert_eq!(script.option("strict_segments"), Some(""));
    assert_eq!(script.option("mss"), None);
    assert_eq!(script.events[0].when, When::AtOnce);
    assert_eq!(script.events[0].what, What::Command("sysctl -q net.ipv4.tcp_sack=0\n ./x.sh".to_owned()));
    assert_eq!(script.events[2].what, What::Code("\nassert x == {'a': 1}, x\nprint(5 % 2)\n".to_owned()));
    assert!(parse("t", "").unwrap().events.is_empty());
}

#[test]
fn complaints_point_at_the_place() {
    let rows = [
        ("+0 < X 0:0(0)", ":1:6: `X` is no TCP flag"),
        ("+0 < S 0:1(0)", ":1:8: 0 and 0 bytes make 0, not 1"),
        ("\n\n  +0 < S 0:0(0) <mss abc>", ":3:22: a segment size"),
        ("+0 < S 0:0(0) win 65536", ":1:19: 65536 is out of range"),
        ("+0 socket(1, 2", ":1:15: `,` or `)` is expected"),
        ("+0 socket(1) 3", ":1:14: the call's result is missing"),
        ("+0...1 > S 0:0(0)", ":1:8: only a system call may last"),
        ("+0.5...0.1 read(3) = 1", ":1:1: the call would end before it begins"),
        ("+0.5~+0.1 > S 0:0(0)", ":1:7: this range of times ends before it begins"),
        ("hello", ":1:1: an event begins with a time"),
        ("0.1", ":1:4: the script ends after a time"),
        ("/* no end", ":1:1: this comment never ends"),
        ("+0 `no end", ":1:4: this command never ends"),
        ("+0 %{ no end", ":1:4: this block of code never ends"),
        ("+0 x(\"abc) = 0", ":1:6: the closing quote of this string"),
        ("+0 < (foo) S 0:0(0)", ":1:7: `foo` is no fact about an IP header"),
        ("+0 < [1:1(0)] icmp", ":1:19: the type of the ICMP message"),
        ("--", ":1:3: the name of an option is missing"),
        ("99999999999999999999 `x`", ":1:1: this time is more than"),
        ("+0 < . 1:1(0) ack 1 <sack 1:2 2:3 3:4 4:5 5:6>", ":1:43: no more than four SACK blocks"),
        ("+0 x(99999999999999999999) = 0", ":1:6: this number does not fit 64 bits"),
    ];
    for (text, expected) in rows {
        let message = wrong(text);
        assert!(
            message.starts_with(&format!("test.pkt{expected}")),
            "{text}:\n{message}\nexpected {expected}"
        );
    }
    assert_eq!(
        wrong("+0 close(3) = 0\n\t+0 > Q. 0:0(0)"),
        "test.pkt:2:7: `Q` is no TCP flag; flags are S F R P . U E W A, a digit for AccECN, or `-`\n 2 | \t+0 > Q. 0:0(0)\n   | \t     ^"
    );
}

#[test]
fn nesting_is_bounded() {
    for open in ["{", "[", "(", "a(", "{a=", "{a(1)=", "~", "{a({"] {
        let message = wrong(&format!("+0 x({}", open.repeat(100_000)));
        assert!(message.contains("too deeply") || message.contains("expected"), "{message}");
    }
    assert!(wrong(&format!("+0 x(1{}) = 0", "|1".repeat(100_000))).contains("too many terms"));
}

/// Words of the language in any order, which are closer to a script than random characters.
fn words() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "+0",
        "0.1",
        "+.5",
        "...",
        "~",
        "*",
        "<",
        ">",
        "S",
        ".",
        "P.",
        "S.5",
        "0:0(0)",
        "1:1001(1000)",
        "ack",
        "1",
        "win",
        "257",
        "urg",
        "<mss 1460,",
        "sackOK",
        "TS val 1 ecr 0",
        "sack 1:2",
        "FO",
        "abcd",
        "md5",
        "mp_capable",
        "nop>",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "=",
        "-1",
        "EAGAIN",
        "icmp",
        "unreachable",
        "mtu",
        "udp",
        "sctp:",
        "socket(",
        "close(3) = 0",
        "read(3, ..., 5) = 5",
        "`x`",
        "%{",
        "}%",
        "--mss=5",
        "\"abc\"",
        "\\",
        "|",
        "0x1f",
        "é",
        "\n",
        "#",
        "//",
        "/*",
        "*/",
        ",",
        "msg_iov(1)",
        "10.0.0.1",
        "::1",
        "[ect0]",
    ]);
    prop::collection::vec(word, 0..40).prop_map(|words| words.join(" "))
}

#[test]
fn printing_nests_nothing_deeper_than_it_was_written() {
    let deep = format!("+0 x({}1) = 0", "~".repeat(30));
    prints(&[(&deep, &deep), ("+0 x(~(1 | 2) * -3) = 0", "+0 x(~(1|2)*-3) = 0")]);
}

#[test]
fn values_of_options_are_printed_as_they_were_meant() {
    for text in ["--a=1", "--a=\"\"", "--a='x \"y\" z'", "--a=`b c`", "--a=\"it's\"", "--a=`.\" ` `]`"] {
        let read = |text: &str| parse("test.pkt", text).expect(text);
        let (first, printed) = (read(text), read(text).to_string());
        let again = read(&printed);
        assert_eq!(again.options[0].value, first.options[0].value, "{text} was printed as {printed}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_text_panics(text in "\\PC*") {
        let _ = parse("any", &text).map_err(|wrong| wrong.to_string());
    }

    #[test]
    fn no_words_panic_and_printing_is_stable(text in words()) {
        match parse("any", &text) {
            Err(wrong) => { let _ = wrong.to_string(); }
            Ok(script) => {
                let printed = script.to_string();
                let again = parse("printed", &printed).unwrap_or_else(|wrong| panic!("{text}\n{wrong}"));
                prop_assert_eq!(again.to_string(), printed);
            }
        }
    }

    #[test]
    fn a_cut_or_changed_script_does_not_panic(at in 0..SAMPLE.len(), byte in any::<u8>()) {
        let mut bytes = SAMPLE.as_bytes().to_vec();
        bytes[at] = byte;
        let _ = parse("changed", &String::from_utf8_lossy(&bytes));
        let _ = parse("cut", SAMPLE.get(..at).unwrap_or(""));
    }
}

const SAMPLE: &str = "--ip_version=ipv6\n`sysctl -q -w net.ipv4.tcp_timestamps=0`\n0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n\
+0...0.2 connect(3, {sa_family=AF_INET, sin_port=htons(8080), sin_addr=inet_addr(\"192.0.2.1\")}, 16) = -1 ETIMEDOUT (x)\n\
+0.1~+0.2 > (ect0, ttl 64) SEW 0:0(0) win 65535 <mss 1460,sackOK,TS val 1 ecr 0,nop,wscale 7>\n\
* < 1000 > 2000 . 1:1001(1000) ack 1 win 257 <sack 1:2 3:4,nop,FO abcdef01,md5 00ff>\n\
+.5 < [1:1461(1460)] icmp unreachable frag_needed mtu 1200\n+0 %{ assert tcpi_snd_cwnd == 10 }%\n\
+0 recvmsg(3, {msg_name(...)=..., msg_iov(1)=[{..., 1000}], msg_control=[{cmsg_level=1, cmsg_data=\"\\x01\"}]}, 0) = 5\n";
