//! Every form of the language, as small scripts: those that are read, those that are read and skipped by
//! name, and those that are wrong and say where.

use synfin_script::{Outcome, RunOptions, parse, run};
use tcp::Habits;

/// Each is read whole, and what it prints is read again as the same.
#[track_caller]
fn read(lines: &[&str]) {
    for text in lines {
        let script = parse("form.pkt", text).unwrap_or_else(|wrong| panic!("{text}\n{wrong}"));
        assert_eq!(script.events.len(), 1, "{text}");
        let printed = script.to_string();
        let again = parse("printed.pkt", &printed).unwrap_or_else(|wrong| panic!("{printed}\n{wrong}"));
        assert_eq!(again.to_string(), printed, "{text}");
    }
}

/// Each is read, and skipped for the reason beside it.
#[track_caller]
fn skipped(rows: &[(&str, &str)]) {
    for (text, need) in rows {
        let options = RunOptions { habits: Some(Habits::Linux), ..RunOptions::strict() };
        match run(text, &options) {
            Outcome::Skipped(reason) => assert_eq!(reason, format!("needs {need}, line 1"), "{text}"),
            Outcome::Failed(failure) => panic!("{text}\n{failure}"),
            Outcome::Passed => panic!("passed: {text}"),
        }
    }
}

#[test]
fn times() {
    read(&[
        "0 close(3) = 0",
        "0.1 close(3) = 0",
        ".1 close(3) = 0",
        "1.000000 close(3) = 0",
        "+0 close(3) = 0",
        "+.25 close(3) = 0",
        "+ 0.25 close(3) = 0",
        "+2 close(3) = 0",
        "* > . 1:1(0) ack 1",
        "0.1~0.2 > . 1:1(0) ack 1",
        "0.1 ~ 0.2 > . 1:1(0) ack 1",
        "+0.1~+0.2 > . 1:1(0) ack 1",
        "+.1 ~ +.2 > . 1:1(0) ack 1",
        "0...0.5 read(3, ..., 10) = 0",
        "0.100...0.200 read(3, ..., 10) = 0",
        "0.1 ... 0.2 read(3, ..., 10) = 0",
        "+0...1 read(3, ..., 10) = 0",
        "+0...+1.5 read(3, ..., 10) = 0",
        "+.1...0.200 read(3, ..., 10) = 0",
    ]);
}

#[test]
fn comments_line_ends_and_the_last_line() {
    read(&[
        "// first\n/* second\n * third */ # fourth\n+0 close(3) /* five */ = /* six */ 0 // seven",
        "/***/+0 close(3) = 0/* */",
        "/* a * b ** / c **/\n+0 close(3) = 0 #",
        "#!/usr/bin/env packetdrill\n+0 close(3) = 0",
        "+0 close(3) = 0\r\n// DOS\r\n",
        "\u{feff}+0 close(3) = 0\n",
        "// caf\u{e9} \u{2014} \u{65e5}\u{672c}\u{8a9e} \u{fffd}\n+0 close(3) = 0",
        "\n\n\t +0\n\tclose(3)\n\t=\n\t0\n\n",
        "+0 <\n S\n 0:0(0)\n win 1 // here\n <mss 1460, // and\n /* there */ nop,nop>\n",
        "--ip_version=ipv4\r\n--mtu=1500\r\n+0 > . 1:1(0) ack 1\r\n",
    ]);
}

#[test]
fn options() {
    read(&[
        "--ip_version=ipv4 --local_ip=192.168.0.1 --remote_ip=192.0.2.1\n+0 close(3) = 0",
        "--ip_version=ipv6\n--local_ip=fd3d:fa7b:d17d::1\n--remote_ip=2001:db8::1/32\n+0 close(3) = 0",
        "--ip_version=ipv4-mapped-ipv6\n--bind_port=8080 --connect_port=8081\n+0 close(3) = 0",
        "--netmask_ip=255.255.0.0 --gateway_ip=192.168.0.2 --mss=1460\n+0 close(3) = 0",
        "--tolerance_usecs=10000 --tolerance_percent=5 --tcp_ts_tick_usecs=1000 --tcp_ts_ecr_scaled\n+0 close(3) = 0",
        "--strict_segments --non_fatal=packet,syscall\n+0 close(3) = 0",
        "--send_omit_free\n--so_filename=./a.so\n--so_flags=\"-a -b c\"\n+0 close(3) = 0",
        "--init_scripts=./defaults.sh,../common/other.sh\n+0 close(3) = 0",
        "--define=PROTO=IPPROTO_TCP --define=CC=\"reno\" --define='A=b c'\n+0 close(3) = 0",
        "--udp_encapsulation=none\n+0 close(3) = 0",
        "--mtu = 1500\n+0 close(3) = 0",
        "--define=CLEAN=`./clean.sh now`\n+0 CLEAN",
        "--define=CLEAN=`./clean.sh now`\nCLEAN",
    ]);
    let script = parse("t", "--define=CLEAN=`./clean.sh now`\n+0 CLEAN").unwrap();
    assert_eq!(script.events[0].to_string(), "+0 `./clean.sh now`");
}

#[test]
fn segments() {
    read(&[
        "+0 < S 0:0(0) win 65535 <mss 1460,sackOK,TS val 100 ecr 0,nop,wscale 7>",
        "+0 > S. 4294967295:4294967295(0) ack 4294967295 win 65535",
        "+0 < . 1:1(0) ack 1 win 0",
        "+0 < - 1:1(0)",
        "+0 < F 1:1(0)",
        "+0 < FSRPUEW. 1:2(1) ack 1 win 1 urg 65535",
        "+0 > SEW 0:0(0) <...>",
        "+0 > SE. 0:0(0) ack 1 < ... >",
        "+0 > SEWA 0:0(0) win 1",
        "+0 > .0 1:1(0) ack 1",
        "+0 > P.7 1:2(1) ack 1",
        "+0 > S.5 0:0(0) ack 1",
        "+0 > . ...(1460) ack 1",
        "+0 > R. 0:0(0)! ack 1",
        "+0 < . 1000:1001(1)! ack 1 win 1",
        "+0 < (ect0) . 1:1(0) ack 1",
        "+0 < [ect1] . 1:1(0) ack 1",
        "+0 > [ect01] . 1:1(0) ack 1",
        "+0 < [ce] . 1:1(0) ack 1",
        "+0 > [noecn] . 1:1(0) ack 1",
        "+0 > (tos 0x10) . 1:1(0) ack 1",
        "+0 > (tos 0x10, flowlabel 0xfffff) . 1:1(0) ack 1",
        "+0 > [flowlabel 0x1] . 1:1(0) ack 1",
        "+0 > (ttl 64) . 1:1(0) ack 1",
        "+0 > (hlim 255) . 1:1(0) ack 1",
        "+0 < 1000 > 8080 . 1:1(0) ack 1",
        "+0 < [ect0] 1000>8080 . 1:1(0) ack 1",
        "+0 < . 1 : 1 ( 0 ) ack 1",
    ]);
}

#[test]
fn tcp_options() {
    read(&[
        "+0 < S 0:0(0) <mss 1460>",
        "+0 < S 0:0(0) < mss 1460 , nop , wscale 14 >",
        "+0 < S 0:0(0) <mss 0,nop,nop,eol>",
        "+0 < S 0:0(0) <mss 1460,nop,wscale 6,sackOK,eol,eol>",
        "+0 < S 0:0(0) <mss 1460,nop,wscale 6,sackOK,TS val 4294967295 ecr 0>",
        "+0 < . 1:1(0) ack 1 <nop,nop,TS val 100 ecr 200!>",
        "+0 > . 1:1(0) ack 1 <nop,nop,TS val ... ecr 100>",
        "+0 > . 1:1(0) ack 1 <nop,nop,sack 1:2>",
        "+0 > . 1:1(0) ack 1 <nop,nop,sack 1:2 3:4 5:6 4294967295:0>",
        "+0 < S 0:0(0) <FO,nop,nop>",
        "+0 < S 0:0(0) <FO 0123456789,nop>",
        "+0 < S 0:0(0) <FO abcd1234abcd1234,nop,nop>",
        "+0 < S 0:0(0) <FOEXP,nop,nop>",
        "+0 < S 0:0(0) <FOEXP abcd1234,nop,nop>",
        "+0 < S 0:0(0) <nop,nop,md5 000102030405060708090a0b0c0d0e0f>",
        "+0 < S 0:0(0) <nop,nop,md5 valid>",
        "+0 < . 1:1(0) ack 1 <ECN e0b 1 ceb 0 e1b 1,nop>",
        "+0 < . 1:1(0) ack 1 <ECN e1b 1 ceb 0,nop>",
        "+0 < . 1:1(0) ack 1 <ECN,nop,nop>",
        "+0 > . 1:1(0) ack 1 <nop,...>",
        "+0 < S 0:0(0) <exp-fo,nop>",
        "+0 < S 0:0(0) <unheard of = [1, 2], nop>",
    ]);
}

#[test]
fn icmp_and_datagrams() {
    read(&[
        "+0 < icmp unreachable host_unreachable",
        "+0 < [1:1461(1460)] icmp unreachable frag_needed mtu 1200",
        "+0 < [1:1(0)] icmp unreachable port_unreachable",
        "+0 < icmp unreachable frag_needed mtu 1200 [1:1461(1460)]",
        "+0 < icmp packet_too_big mtu 1280 [1:1(0)]",
        "+0 < (ttl 3) icmp time_exceeded exceeded_hop_limit [1:1(0)]",
        "+0 < [udp (10)] icmp unreachable port_unreachable",
        "+0 < [udp(10)] icmp unreachable port_unreachable",
        "+0 < icmp unreachable address_unreachable [udp (10)]",
        "+0 < udp (1000)",
        "+0 > udp(1000)",
        "+0 < udp 53 > 1000 (10)",
        "+0 < 53 > 1000 udp (10)",
    ]);
}

#[test]
fn what_others_have_is_read_and_named() {
    skipped(&[
        ("+0 < S 0:0(0) win 1 <mss 1460>/udp(9899 > 9899)", "UDP encapsulation"),
        ("+0 > . 1:1(0) ack 1 win 1 / udp (9899 > 9899)", "UDP encapsulation"),
        ("+0 < [1:1(0)/udp(9899 > 9899)] icmp unreachable port_unreachable", "UDP encapsulation"),
        ("+0 < udp(9899 > 9899): sctp: DATA[flgs=BE, len=20, tsn=1]", "UDP encapsulation"),
        ("+0 < sctp: INIT[flgs=0, tag=1, a_rwnd=1500, os=1, is=1, tsn=1]", "SCTP"),
        (
            "+0 > sctp(tag=3)/udp(1 > 2): SACK[flgs=0, cum_tsn=1, a_rwnd=1, gaps=[2:3], dups=[1]];\n ERROR[flgs=0, STALE_COOKIE_ERROR[staleness=1]]",
            "SCTP",
        ),
        ("+0 > sctp: CHUNK[type=DATA, flgs=0x1, len=8, val=[0x01, 2]] // a comment (with ]\n", "SCTP"),
        ("+0 < [sctp(1)] icmp unreachable host_unreachable", "SCTP"),
        ("+0 < udplite (10, 8)", "UDP-Lite"),
        ("+0 < [udplite (10, 8)] icmp unreachable host_unreachable", "UDP-Lite"),
        ("+0 < ipv4 1.1.1.1 > 2.2.2.2: gre: . 1:1(0) ack 1 win 1", "IPv4 encapsulation"),
        ("+0 < ipv4 (ttl 3) 1.1.1.1 > 2.2.2.2: . 1:1(0) ack 1 win 1", "IPv4 encapsulation"),
        ("+0 < ipv6 1::1 > 2::2: . 1:1(0) ack 1 win 1", "IPv6 encapsulation"),
        ("+0 < gre: . 1:1(0) ack 1 win 1", "GRE encapsulation"),
        (
            "+0 < GREv0, Flags [checksum present, sequence# present], sum 0x0, off 0x0, key=5, seq 1: . 1:1(0) ack 1",
            "GRE encapsulation",
        ),
        ("+0 < mpls (label 1, tc 0, [S], ttl 255): . 1:1(0) ack 1", "MPLS encapsulation"),
        ("+0 < [raw (20)] icmp unreachable host_unreachable", "raw packets"),
        ("+0 < icmp unreachable host_unreachable [raw (20)]", "raw packets"),
        ("+0 < icmp echo_request id 7", "ICMP echoes with an identifier"),
        ("+0 < icmp router_advertisement", "the ICMP message `router_advertisement`"),
        ("+0 > S 0:0(0) win 1 <mss 1460>{mut tcp mss}", "packets that are broken on purpose"),
        ("+0 > . 1:1(0) ack 1 {trun ip 1-2; ins tcp 3 4}", "packets that are broken on purpose"),
        ("+0 > (dscp 0x2e) . 1:1(0) ack 1", "checks of the Differentiated Services code point"),
        ("+0 > (id 7) . 1:1(0) ack 1", "checks of the IP identification or fragmentation fields"),
        ("+0 < S 0:0(0) <exp-fo,nop>", "the TCP option exp-fo"),
        ("+0 < S 0:0(0) <mp_capable v1 flags[flag_h] nokey,nop>", "MPTCP"),
        ("+0 < S 0:0(0) <nop,nop,md5 valid>", "the TCP option md5"),
        ("+0 < S 0:0(0) <nop,nop,md5 000102030405060708090a0b0c0d0e0f>", "TCP MD5 signatures"),
        (
            "+0 sctp_bindx(3, [{sa_family=AF_INET, sin_port=htons(1), sin_addr=inet_addr(\"1.1.1.1\")}], 1, 1) = 0",
            "the call sctp_bindx",
        ),
        ("+0 splice(3, NULL, 4, NULL, 10, SPLICE_F_MOVE|SPLICE_F_NONBLOCK) = 10", "the call splice"),
        (
            "+0 sendfile(3, 4, 0, 10, {headers(1)=[{..., 1}], trailers(0)=[]}, [10], 0) = 0",
            "the call sendfile",
        ),
        ("+0 pipe([5, 6]) = 0", "the call pipe"),
        ("+0 open(\"/dev/zero\", O_RDONLY) = 5", "the call open"),
        ("+0 cap_set(...) = 0", "the call cap_set"),
        ("+0 setsockopt(3, SOL_TCP, TCP_MD5SIG, ..., 16) = 0", "the socket option TCP_MD5SIG"),
        (
            "+0 setsockopt(3, SOL_SOCKET, SO_ACCEPTFILTER, {af_name=\"dataready\", af_arg=...}, 256) = 0",
            "the socket option SO_ACCEPTFILTER",
        ),
        ("`./packetdrill_helper --now`", "the command `./packetdrill_helper --now`"),
    ]);
}

#[test]
fn calls() {
    read(&[
        "+0 socket(..., SOCK_STREAM | SOCK_NONBLOCK, IPPROTO_TCP) = 3",
        "0 socket(AF_INET, SOCK_STREAM, 0) = 3",
        "+0 bind(3, ..., ...) = 0",
        "+0 bind(3, {sa_family=AF_INET, sin_port=htons(8080), sin_addr=inet_addr(\"0.0.0.0\")}, 16) = 0",
        "+0 bind(3, {sa_family = AF_INET6, sin_port = htons(8080), sin_addr = inet_pton(AF_INET6, \"::1\")}, 28) = 0",
        "+0 connect(3, {sa_family = AF_INET, sin_port = htons(8080), sin_addr = htonl(INADDR_LOOPBACK)}, ...) = 0",
        "+0 x(inet6_addr(\"2001:db8::1\"), htonl(0x7f000001), NULL) = 0",
        "+0 accept(3, ..., ...) = 4",
        "+0 accept(3, {sa_family=AF_INET, sin_port=..., sin_addr=...}, [16]) = 4",
        "+0 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)",
        "+0 connect(3, ..., ...) = -1 EADDRNOTAVAIL (Can't assign requested address)",
        "+0 read(3, ..., 1000) = ?",
        "+0 read(3, ..., 1000) = ...",
        "+0 fcntl(3, F_GETFL) = 0x802 (flags O_RDWR|O_NONBLOCK)",
        "+0 fcntl(3, F_GETFL, ...) = 0x6 (flags O_RDWR | O_NONBLOCK)",
        "+0 fcntl(3, F_SETFL, O_RDWR | O_NONBLOCK) = 0",
        "+0 x(0x0, 0xffffffffffffffff, -1, 010, -0x1) = 0",
        "+0 write(3, \"a\\\"b\\\\c\\n\\t\\0\\x7f\\177\", 9) = 9",
        "+0 write(3, \"two\" \"strings\", 10) = 10",
        "+0 read(3, \"begins like this\"..., 100) = 100",
        "+0 x([], [...], [1], [1, 2], [[1], [2]], {}) = 0",
        "+0 writev(3, [{..., 1000}, {\"abc\", 3}], 2) = 1003",
        "+0 writev(3, [{iov_base=..., iov_len=1000}], 1) = 1000",
        "+0 sendmsg(3, {msg_name(...)=..., msg_iov(1)=[{..., 10}], msg_flags=0}, 0) = 10",
        "+0 sendmsg(3, {msg_name(...)=...,\n msg_iov(2)=[{..., 10}, {..., 20}],\n msg_flags=MSG_EOR|MSG_MORE}, 0) = 30",
        "+0 recvmsg(3, {msg_name(...)=..., msg_iov(1)=[{..., 10}], msg_flags=0, msg_control=[]}, 0) = 10",
        "+0 recvmsg(3, {msg_name(...)=..., msg_iov(1)=[{..., 10}], msg_control(0)=[], msg_flags=0}, 0) = 10",
        "+0 recvmsg(3, {msg_name(...)=..., msg_iov(1)=[{..., 10}], msg_flags=MSG_ERRQUEUE, msg_control=[{cmsg_level=SOL_SOCKET, cmsg_type=SCM_TIMESTAMPING, cmsg_data={scm_sec=0, scm_nsec=1000}}, {cmsg_level=SOL_IP, cmsg_type=IP_RECVERR, cmsg_data={ee_errno=ENOMSG, ee_origin=SO_EE_ORIGIN_ZEROCOPY, ee_type=0, ee_code=0, ee_info=0, ee_data=1}}]}, MSG_ERRQUEUE) = 0",
        "+0 recvmsg(3, {..., msg_control(24)=[{cmsg_len=20, cmsg_level=IPPROTO_TCP, cmsg_type=..., cmsg_data=...}]}, 0) = 1",
        "+0 poll([{fd=4, events=POLLIN|POLLOUT, revents=POLLIN}, {fd=5, events=POLLIN}], 2, 1000) = 1",
        "+0 epoll_create1(EPOLL_CLOEXEC) = 5",
        "+0 epoll_ctl(5, EPOLL_CTL_ADD, 4, {events=EPOLLIN|EPOLLET, fd=4}) = 0",
        "+0 epoll_wait(5, {events=EPOLLIN, ptr=4}, 1, 0) = 1",
        "+0 epoll_wait(5, [{events=EPOLLIN, u32=3}, {events=EPOLLOUT, u64=0x100000003}], 2, 0) = 2",
        "+0 setsockopt(3, SOL_SOCKET, SO_LINGER, {onoff=1, linger=0}, 8) = 0",
        "+0 getsockopt(3, SOL_SOCKET, SO_LINGER, {onoff=..., linger=...}, [8]) = 0",
        "+0 setsockopt(3, IPPROTO_TCP, TCP_FUNCTION_BLK, {function_set_name=\"freebsd\",\n pcbcnt=...}, 36) = 0",
        "+0 setsockopt(3, SOL_SOCKET, SO_RCVTIMEO, {tv_sec=1, tv_usec=500000}, 16) = 0",
        "+0 setsockopt(3, SOL_TCP, TCP_CONGESTION, \"reno\", 4) = 0",
        "+0 setsockopt(3, SOL_TCP, TCP_MD5SIG, {tcpm_addr={sa_family=AF_INET, sin_port=htons(0), sin_addr=inet_addr(\"1.2.3.4\")}, tcpm_keylen=3, tcpm_key=\"abc\"}, ...) = 0",
        "+0 getsockopt(3, SOL_SOCKET, SO_ERROR, [ECONNREFUSED], [4]) = 0",
        "+0 getsockopt(3, IPPROTO_TCP, TCP_INFO, {tcpi_state=TCPS_ESTABLISHED, tcpi_rto=..., tcpi_snd_cwnd=10}, [...]) = 0",
        "+0 sendto(3, ..., 500, MSG_FASTOPEN|MSG_DONTWAIT, ..., ...) = 500",
        "+0 ioctl(3, SIOCINQ, [1000]) = 0",
        "+0 x(name = value, other = {a = [1]}) = 0",
        "+0 x({flags [none], sum 0x0, off 0x0, key = 5, seq 1}) = 0",
        "+0 x({(label 0, tc 0, [S], ttl 255)}) = 0",
        "+0...1 close(3) = 0",
        "+0 x(2*3+4, (1|2)&3, 1<<16, 5/2, ~0) = 0",
    ]);
}

#[test]
fn commands_and_code() {
    read(&[
        "`sysctl -q net.ipv4.tcp_timestamps=0`",
        "`sysctl -q net.ipv4.tcp_rmem=\"4096 131072 6291456\"\n sysctl -q -w net.ipv4.tcp_sack=1`",
        "0 `./defaults.sh\n./set_sysctls.py /proc/sys/net/ipv4/tcp_timestamps=0`",
        "0.00 `kldload -n tcp_rack || true`",
        "+0 `echo \\`date\\` '}%' \"%{\"`",
        "+0 %{ assert tcpi_snd_cwnd == 10, tcpi_snd_cwnd }%",
        "+0 %{\nassert tcpi_state == TCP_ESTABLISHED, \\\n  tcpi_state\nif tcpi_rtt > 0:\n    x = {'a': {1: 2}}\n    assert x['a'] % 2\n}%",
        "%{\r\nassert True\r\n}%\r\n",
    ]);
}

#[test]
fn what_is_wrong_is_shown_with_its_place() {
    for (text, said) in [
        ("+0 > S 0:0(0)!!", "form.pkt:1:15: an event begins with a time"),
        ("+0 > . ...(x)", "form.pkt:1:12: the length in bytes is expected here"),
        ("+0 < . 1:1(0) ack 1 <TS val 1 ecr !>", "form.pkt:1:35: a timestamp of 32 bits"),
        ("+0 x(a = ) = 0", "form.pkt:1:10: a value is expected here"),
        ("--define=X=`never", "form.pkt:1:10: the closing ` of this value is missing"),
        ("+0 close(3) = 0 0", "form.pkt:1:18: the script ends after a time"),
    ] {
        match parse("form.pkt", text) {
            Err(wrong) => assert!(wrong.to_string().starts_with(said), "{text}\n{wrong}"),
            Ok(script) => panic!("{text} is read as {script}"),
        }
    }
}
