use super::*;
use crate::{KeepSegments, Kept, Lens, Segment};
use proptest::prelude::*;
use tcp::Instant;
use wire::Seq;
use wire::tcp::Flags;

/// SYN, SYN-ACK, ACK, a request, and the request again.
fn connection() -> Vec<(Segment, crate::Analysis)> {
    let (a, b) = ("10.0.0.1:50000".parse().unwrap(), "10.0.0.2:80".parse().unwrap());
    let segment = |frame: u32, out: bool, seq: u32, ack: u32, flags: Flags, text_bytes: u32| Segment {
        frame,
        time: Instant::from_millis(u64::from(frame) * 100),
        source: if out { a } else { b },
        destination: if out { b } else { a },
        seq: Seq::new(seq),
        ack: Seq::new(ack),
        flags,
        text_bytes,
        ..Segment::default()
    };
    let mut kept = Kept { keep_segments: KeepSegments::All, ..Kept::default() };
    let mut lens = Lens::new(crate::Config::default());
    for segment in [
        segment(1, true, 1_000, 0, Flags::SYN, 0),
        segment(2, false, 9_000, 1_001, Flags::SYN | Flags::ACK, 0),
        segment(3, true, 1_001, 9_001, Flags::ACK, 0),
        segment(4, true, 1_001, 9_001, Flags::ACK | Flags::PSH, 100),
        segment(9, true, 1_001, 9_001, Flags::ACK | Flags::PSH, 100),
    ] {
        lens.take(&segment, &mut kept);
    }
    kept.segments
}

/// The bytes of a segment in an Ethernet frame, as far as filters look at them.
fn frame(segment: &Segment) -> Vec<u8> {
    let mut bytes = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0];
    bytes.extend([0x45; 20]);
    bytes.extend(segment.source.port().to_be_bytes());
    bytes.extend(segment.destination.port().to_be_bytes());
    bytes.extend(segment.seq.number().to_be_bytes());
    bytes.extend(segment.ack.number().to_be_bytes());
    bytes.extend((0x5000 | segment.flags.bits()).to_be_bytes());
    bytes.extend([0xff, 0xff, 0xab, 0xcd, 0, 0]);
    if segment.text_bytes > 0 {
        bytes.extend(b"GET / HTTP/1.1\r\n\xff");
    }
    bytes
}

/// The frames that a filter lets through.
fn frames(filter: &str) -> Vec<u32> {
    let filter = Filter::parse(filter).unwrap_or_else(|error| panic!("{error}"));
    connection()
        .iter()
        .filter(|(segment, analysis)| {
            let bytes = frame(segment);
            let packet = Packet {
                frame: &bytes,
                is_ethernet: true,
                vlans: &[7],
                tcp: &bytes[34..],
                ..Packet::default()
            };
            filter.holds(&Subject { segment, analysis, packet, origin: Instant::from_millis(100) })
        })
        .map(|(segment, _)| segment.frame)
        .collect()
}

#[test]
fn comparisons_and_connectives() {
    for (filter, wanted) in [
        ("tcp", vec![1, 2, 3, 4, 9]),
        ("ipv6", vec![]),
        ("http", vec![4, 9]),
        ("tcp.flags.syn == 1", vec![1, 2]),
        ("tcp.flags.syn == 1 && tcp.flags.ack == 0", vec![1]),
        ("tcp.flags.syn==1 and not tcp.flags.ack==1", vec![1]),
        ("tcp.port == 80", vec![1, 2, 3, 4, 9]),
        ("tcp.srcport == 80 || tcp.len > 0", vec![2, 4, 9]),
        ("!(tcp.len > 0)", vec![1, 2, 3]),
        ("tcp.len", vec![1, 2, 3, 4, 9]),
        ("tcp.len in {1..99, 100}", vec![4, 9]),
        ("frame.number in {1 3}", vec![1, 3]),
        ("ip.addr == 10.0.0.2", vec![1, 2, 3, 4, 9]),
        ("ip.addr != 10.0.0.2", vec![]),
        ("ip.src == 10.0.0.0/31", vec![1, 3, 4, 9]),
        ("ip.src ne 10.0.0.1", vec![2]),
        ("tcp.seq_raw == 1001", vec![3, 4, 9]),
        ("tcp.seq == 0", vec![1, 2]),
        ("tcp.flags == 0x12", vec![2]),
        ("tcp.flags & 0x02", vec![1, 2]),
        ("tcp.analysis.retransmission", vec![9]),
        ("tcp.analysis.flags", vec![9]),
        ("frame.time_relative >= 0.3", vec![4, 9]),
        ("tcp.time_delta > 0.3", vec![9]),
        ("tcp.time_relative > 0.25", vec![4, 9]),
        ("tcp contains \"GET\" and http contains \"HTTP/1\"", vec![4, 9]),
        ("tcp.payload[0:3] == \"GET\"", vec![4, 9]),
        ("tcp.payload[0-2] == 47:45:54 && tcp[4:] contains \"HTTP\"", vec![4, 9]),
        ("tcp.payload[0] == 0x47 and tcp.payload[-1] == ff", vec![4, 9]),
        ("tcp[13] == 12 or tcp[0:2] == 00:50", vec![2]),
        ("http.request.method == \"GET\" && http.request.uri == \"/\"", vec![4, 9]),
        ("http.request || http.response.code == 200", vec![4, 9]),
        ("tcp.connection.synack", vec![2]),
        ("tcp.payload contains \"GET\"", vec![4, 9]),
        ("tcp.payload contains 47:45", vec![4, 9]),
        ("synfin.state == \"SYN-SENT\"", vec![1]),
        ("synfin.state.dst == \"established\" && tcp.len > 0", vec![4, 9]),
        ("synfin.why == \"rto\"", vec![9]),
        ("tcp.len > 0 ^^ frame.number == 9", vec![4]),
        ("not arp", vec![1, 2, 3, 4, 9]),
        ("arp or udp or udp.port == 53 or quic.version != 1", vec![]),
        ("!(arp.opcode == 1) && frame.number == 1", vec![1]),
        ("icmp", vec![]),
        ("tcp.hdr_len == 20", vec![1, 2, 3, 4, 9]),
        ("tcp.flags.str matches \"s\"", vec![1, 2]),
        ("tcp.flags.str == \"·······A··S·\"", vec![2]),
        ("tcp.completeness == 1", vec![1]),
        ("tcp.completeness & 8", vec![4, 9]),
        ("tcp.completeness.data == 1 and tcp.completeness.rst == 0", vec![4, 9]),
        ("eth.addr == 02:00:00:00:00:01 and eth.src[0:3] == 02-00-00", vec![1, 2, 3, 4, 9]),
        ("eth.dst == 02:00:00:00:00:01", vec![]),
        ("vlan.id == 7 && eth.type == 0x0800", vec![1, 2, 3, 4, 9]),
        ("tcp matches \"^.{20}get\" and tcp.payload ~ r\"HTTP/\\d\\.1\"", vec![4, 9]),
        ("tcp.payload matches \"^get \" and tcp.payload ~ r\"HTTP/\\d\\.1\"", vec![4, 9]),
        ("tcp.payload matches \"\\\\xff$\" && tcp.payload contains \"\\r\\n\\xff\"", vec![4, 9]),
        ("http.request.method == \"get\"", vec![]),
        ("http.request.method in {\"GET\" \"PUT\"}", vec![4, 9]),
        ("lower(http.request.method) == \"get\"", vec![4, 9]),
        ("len(tcp.payload) > 10", vec![4, 9]),
        ("len(http.request.method) == 3 && count(tcp.port) == 2", vec![4, 9]),
        ("len(arp.src) == 3", vec![]),
        ("any tcp.port != 80", vec![1, 2, 3, 4, 9]),
        ("all tcp.port > 79", vec![1, 2, 3, 4, 9]),
        ("all tcp.port == 80", vec![]),
        ("all http.request.method == \"GET\"", vec![4, 9]),
        ("tcp.port === 80", vec![]),
        ("tcp.port !== 80", vec![1, 2, 3, 4, 9]),
        ("tcp.port not in {80}", vec![]),
        ("http.response.code not in {200}", vec![1, 2, 3, 4, 9]),
        ("tcp.srcport < tcp.dstport", vec![2]),
        ("tcp.seq == tcp.ack", vec![1, 3, 4, 9]),
        ("ip.src == ip.dst", vec![]),
        ("tcp.len == 0144", vec![4, 9]),
        ("tcp.flags & 0x12 == 0x12", vec![2]),
        ("tcp.stream eq 0 or tcp.stream eq 1 and tcp.len eq 7", vec![1, 2, 3, 4, 9]),
    ] {
        assert_eq!(frames(filter), wanted, "{filter}");
    }
}

#[test]
fn a_filter_that_asks_for_the_end_says_so() {
    for (filter, looks_ahead) in [
        ("tcp.completeness == 31", true),
        ("!(tcp.len > 0 or tcp.completeness.rst == 1)", true),
        ("tcp.hdr_len == tcp.completeness", true),
        ("tcp.completeness in {31, 63}", true),
        ("tcp.completeness", false),
        ("tcp.stream == 0", false),
    ] {
        assert_eq!(Filter::parse(filter).unwrap().looks_ahead(), looks_ahead, "{filter}");
    }
}

#[test]
fn mistakes_are_shown_with_a_caret_and_the_nearest_field() {
    for (filter, says, column) in [
        ("tcp.prot == 80", "did you mean tcp.port?", 0),
        ("tcp.port == 80 && tcp.analysis.lost_segmnt", "did you mean tcp.analysis.lost_segment?", 18),
        ("zzzzzz", "there is no field `zzzzzz`", 0),
        ("tcp.port == \"eighty\"", "a number should stand here", 12),
        ("ip.addr == 10.0.0.300", "an address should stand here", 11),
        ("(tcp.len > 0", "a closing parenthesis is missing", 12),
        ("tcp.len > 0 tcp.port == 80", "should end here", 12),
        ("tcp.len >", "a value should stand here", 9),
        ("tcp.analysis.retransmission == 1", "not compared", 31),
        ("tcp.port in 80", "a set should stand here", 12),
        ("tcp.payload contains \"GET", "never closed", 21),
        ("tcp.port = 80", "`=` means nothing", 9),
        ("tcp.port[0:2] == 80", "only bytes have parts", 9),
        ("tcp.payload[x] == 47", "which bytes", 12),
        ("", "is empty", 0),
        ("tcp.port contains 80", "neither", 9),
        ("tcp.len == -1", "a number should stand here, from 0 to 4294967295", 11),
        ("tcp.port == 99999", "too large for the field: 65535 at most", 12),
        ("tcp.port == \"80\"", "a number should stand here", 12),
        ("frame.time_relative > inf", "a number of seconds", 22),
        ("80 == tcp.port", "the value behind the comparison", 0),
        ("http.time > 1", "use tcp.time_delta", 0),
        ("not http.host == \"a\"", "http contains", 4),
        ("tls.handshake", "tcp.port == 443", 0),
        ("dns.qry.name == \"a\"", "tcp.port == 53", 0),
        ("frame.time >= \"2026-01-01\"", "frame.time_epoch", 0),
        ("icmp.type == 3", "use icmp,", 0),
        ("tcp.segment_data", "tcp.stream and tcp.seq", 0),
        ("gre", "the packet inside", 0),
        ("tcp.payload matches GET", "in quotation marks", 20),
        ("tcp.payload matches \"(\"", "unclosed group", 20),
        ("tcp.payload matches \"(?=a)\"", "look-around", 20),
        ("tcp.payload matches \"((((a{1,99}){1,99}){1,99}){1,99})\"", "too large", 20),
        ("tcp.payload matches \"\\d\"", "r\"...\"", 21),
        ("eth.addr == 02:00", "an Ethernet address", 12),
        ("max(tcp.port) == 3", "no function `max`", 0),
        ("len(tcp.len) == 3", "only texts, bytes and addresses have a length", 4),
        ("len(tcp.payload)", "a comparison is missing", 16),
        ("any tcp.port", "a comparison is missing", 12),
        ("tcp.payload & 2", "only numbers have bits", 12),
        ("tcp.payload[0:2,4] == 1", "one range", 15),
        ("tcp.len + 1 == 2", "no arithmetic", 8),
        ("ip.src == tcp.port", "cannot be compared", 10),
        ("tcp.port | 3", "write ||", 9),
        ("http.request.method == 'GET'", "double quotation marks", 23),
        ("TCP.port == 80", "did you mean tcp.port?", 0),
    ] {
        let error = Filter::parse(filter).expect_err(filter).to_string();
        assert!(error.contains(says), "{filter}: {error}");
        let caret = error.lines().last().and_then(|line| line.find('^')).expect("a caret");
        assert_eq!(caret, column + 2, "{filter}:\n{error}");
    }
    assert!(Filter::parse(&"(".repeat(10_000)).is_err(), "depth is bounded");
    let deep = format!("tcp matches \"{}a{}\"", "(".repeat(1_000), ")".repeat(1_000));
    assert!(Filter::parse(&deep).is_err(), "that of an expression too");
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,60}") {
        if let Err(error) = Filter::parse(&text) {
            prop_assert!(!error.to_string().is_empty());
        }
    }

    #[test]
    fn words_in_any_order_do_not_either(words in proptest::collection::vec(
        proptest::sample::select(vec!["tcp.port", "==", "80", "&&", "(", ")", "!", "in", "{", "}", "..", ",", "\"x\"", "ip.addr", "10.0.0.1", "any", "all", "len", "matches", "~", "&", "arp", "tcp.payload", "[", "]", "0:2", "not"]), 0..12)) {
        let _ = Filter::parse(&words.join(" "));
    }
}
