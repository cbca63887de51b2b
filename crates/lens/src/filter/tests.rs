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

/// The frames that a filter lets through.
fn frames(filter: &str) -> Vec<u32> {
    let filter = Filter::parse(filter).unwrap_or_else(|error| panic!("{error}"));
    connection()
        .iter()
        .filter(|(segment, analysis)| {
            let text: &[u8] = if segment.text_bytes > 0 { b"GET / HTTP/1.1\r\n" } else { b"" };
            filter.holds(&Subject { segment, analysis, text, origin: Instant::from_millis(100) })
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
        ("http.request.method == \"GET\" && http.request.uri == \"/\"", vec![4, 9]),
        ("http.request || http.response.code == 200", vec![4, 9]),
        ("tcp.connection.synack", vec![2]),
        ("tcp.payload contains \"GET\"", vec![4, 9]),
        ("tcp.payload contains 47:45", vec![4, 9]),
        ("synfin.state == \"SYN-SENT\"", vec![1]),
        ("synfin.state.dst == \"established\" && tcp.len > 0", vec![4, 9]),
        ("synfin.why == \"rto\"", vec![9]),
        ("tcp.len > 0 ^^ frame.number == 9", vec![4]),
        ("tcp.stream eq 0 or tcp.stream eq 1 and tcp.len eq 7", vec![1, 2, 3, 4, 9]),
    ] {
        assert_eq!(frames(filter), wanted, "{filter}");
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
    ] {
        let error = Filter::parse(filter).expect_err(filter).to_string();
        assert!(error.contains(says), "{filter}: {error}");
        let caret = error.lines().last().and_then(|line| line.find('^')).expect("a caret");
        assert_eq!(caret, column + 2, "{filter}:\n{error}");
    }
    assert!(Filter::parse(&"(".repeat(10_000)).is_err(), "depth is bounded");
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
        proptest::sample::select(vec!["tcp.port", "==", "80", "&&", "(", ")", "!", "in", "{", "}", "..", ",", "\"x\"", "ip.addr", "10.0.0.1"]), 0..12)) {
        let _ = Filter::parse(&words.join(" "));
    }
}
