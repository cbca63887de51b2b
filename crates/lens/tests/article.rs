//! The connection of an article on TCP: HTTP on one's own machine, the server closes first.
//!
//! The questions that it answers with a packet analyser are asked here: the three packets with raw
//! numbers, who closed first, the four packets of the close, how many bytes each end sent.

use std::net::SocketAddr;
use synfin_lens::{Config, KeepSegments, Kept, Lens, Opened, Segment, Side};
use tcp::Instant;
use tcp::state::State;
use wire::Seq;
use wire::tcp::{Flags, Options};

const CLIENT_ISN: u32 = 4_225_926_656;
const SERVER_ISN: u32 = 3_022_381_253;

struct Line {
    from: usize,
    flags: Flags,
    text_bytes: u32,
}

fn line(from: usize, flags: Flags, text_bytes: u32) -> Line {
    Line { from, flags, text_bytes }
}

fn connection() -> Vec<Segment> {
    let (syn, ack, fin) = (Flags::SYN, Flags::ACK, Flags::FIN);
    let lines = [
        line(0, syn, 0),
        line(1, syn | ack, 0),
        line(0, ack, 0),
        line(0, ack | Flags::PSH, 1_974),
        line(1, ack, 0),
        line(0, ack | Flags::PSH, 400),
        line(1, ack, 0),
        line(1, ack | Flags::PSH, 537),
        line(0, ack, 0),
        line(1, fin | ack, 0),
        line(0, ack, 0),
        line(0, fin | ack, 0),
        line(1, ack, 0),
    ];
    let ends: [SocketAddr; 2] =
        [SocketAddr::from(([127, 0, 0, 1], 51_234)), SocketAddr::from(([127, 0, 0, 1], 8_080))];
    let mut next = [Seq::new(CLIENT_ISN), Seq::new(SERVER_ISN)];
    let mut segments = Vec::new();
    for (index, line) in lines.into_iter().enumerate() {
        let (from, to) = (line.from, 1 - line.from);
        let mut options = Options::default();
        if line.flags.syn() {
            options = Options { mss: Some(65_495), window_scale: Some(7), sack_permitted: true, ..options };
        }
        let segment = Segment {
            frame: index as u32 + 1,
            time: Instant::from_micros(1_000 + 50 * index as u64),
            source: ends[from],
            destination: ends[to],
            seq: next[from],
            ack: if line.flags.ack() { next[to] } else { Seq::new(0) },
            flags: line.flags,
            window: 512,
            options,
            text_bytes: line.text_bytes,
            ..Segment::default()
        };
        next[from] = segment.end();
        segments.push(segment);
    }
    segments
}

#[test]
fn the_questions_of_the_article_are_answered() {
    let mut lens = Lens::new(Config::default());
    let mut kept = Kept { keep_segments: KeepSegments::All, ..Kept::default() };
    for segment in connection() {
        lens.take(&segment, &mut kept);
    }
    lens.finish(&mut kept);
    let connection = &kept.connections[0];

    // the three packets
    let numbers: Vec<_> = kept.segments[..3].iter().map(|(s, _)| (s.seq.number(), s.ack.number())).collect();
    assert_eq!(numbers, [(CLIENT_ISN, 0), (SERVER_ISN, CLIENT_ISN + 1), (CLIENT_ISN + 1, SERVER_ISN + 1)]);
    let relative: Vec<_> =
        kept.segments[..3].iter().map(|(_, said)| (said.relative_seq, said.relative_ack)).collect();
    assert_eq!(relative, [(0, 0), (0, 1), (1, 1)]);
    assert_eq!(connection.opened, Opened::By(Side::A));
    let handshake = connection.handshake;
    assert_eq!(
        [handshake.syn, handshake.syn_ack, handshake.ack].map(|at| at.map(|at| at.frame)),
        [Some(1), Some(2), Some(3)]
    );

    // how much each end sent
    assert_eq!(connection.sent_by(Side::A).unique_bytes, 2_374);
    assert_eq!(connection.sent_by(Side::B).unique_bytes, 537);

    // who closed first, and the four packets of the close
    assert_eq!(connection.close.first, Some(Side::B));
    let [client, server] = connection.close.fins.map(|fin| fin.expect("both closed"));
    assert_eq!((server.sent.frame, server.acked.map(|at| at.frame)), (10, Some(11)));
    assert_eq!((client.sent.frame, client.acked.map(|at| at.frame)), (12, Some(13)));
    assert_eq!(connection.states, [State::Closed, State::TimeWait]);
    assert_eq!(connection.completeness.name(), "Complete, WITH_DATA");
    assert_eq!((connection.zeek_state.name(), connection.zeek_history().as_str()), ("SF", "ShADadfF"));
    assert!(
        connection.sentence().ends_with("127.0.0.1:8080 closed first (frame 10)"),
        "{}",
        connection.sentence()
    );
    assert!(kept.segments.iter().all(|(_, said)| said.verdicts.is_empty() && said.notes.is_empty()));
    assert!(kept.findings.is_empty(), "{:?}", kept.findings);
}
