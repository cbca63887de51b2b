//! Peers that choose their acknowledgments to hurt a sender, and paths that do it by chance.

use bytes::Bytes;
use proptest::prelude::*;
use std::sync::Arc;
use std::time::Duration;
use synfin_tcp::{
    Birth, Config, CongestionControl, Connection, EcnFeedback, Instant, Path, Segment, SendReason, State,
    Transmit,
};
use wire::Seq;
use wire::tcp::{AccurateEcn, Flags, Header, Options, SackBlock, SackBlocks, Timestamps};

const ISS: u32 = u32::MAX - 2_500;
const PEER_ISS: u32 = 70_000;
const MSS: u32 = 1_000;

/// A sender whose peer is the test.
struct Victim {
    now: Instant,
    connection: Connection,
    window: u16,
    shift: u8,
}

impl Victim {
    /// ESTABLISHED after a round trip of 100 ms.
    fn new(config: Config, options: Options) -> Victim {
        let now = Instant::from_millis(1_000);
        let path = Path { mtu_bytes: 1_500, ip_header_bytes: 20 };
        let birth = Birth { iss: Seq::new(ISS), timestamp_offset: 0, path };
        let mut victim = Victim {
            now,
            connection: Connection::connect(now, birth, Arc::new(config)),
            window: u16::MAX,
            shift: options.window_scale.unwrap_or(0),
        };
        assert_eq!(victim.sent().len(), 1);
        victim.wait(100);
        let header = Header {
            seq: Seq::new(PEER_ISS),
            ack: Seq::new(ISS) + 1,
            flags: Flags::SYN | Flags::ACK,
            window: u16::MAX,
            options: Options { mss: Some(MSS as u16), ..options },
            ..Header::default()
        };
        victim.connection.handle_segment(victim.now, Segment { header, ..Segment::default() });
        victim.sent();
        assert_eq!(victim.connection.state(), State::Established);
        victim
    }

    fn with_sack(config: &Config) -> Victim {
        let config = Config { pacing: false, timestamps: false, ..config.clone() };
        Victim::new(config, Options { sack_permitted: true, ..Options::default() })
    }

    fn wait(&mut self, millis: u64) {
        self.now += Duration::from_millis(millis);
    }

    /// What leaves now.
    fn sent(&mut self) -> Vec<Transmit> {
        let mut sent = Vec::new();
        while let Some(transmit) = self.connection.poll_transmit(self.now, 60_000) {
            sent.push(transmit);
            assert!(sent.len() < 10_000, "it never stops sending");
        }
        sent
    }

    fn write(&mut self, bytes: usize) -> Vec<Transmit> {
        self.connection.write_bytes(self.now, &Bytes::from(vec![7; bytes])).expect("there is room");
        self.sent()
    }

    /// The peer acknowledges `ack` bytes and reports `blocks`, as offsets in the stream; returns what leaves then.
    fn acks(&mut self, ack: u64, blocks: &[(u64, u64)]) -> Vec<Transmit> {
        let at = |offset: u64| Seq::new(ISS) + 1 + offset as u32;
        let mut sack = SackBlocks::default();
        for (left, right) in blocks {
            let _ = sack.push(SackBlock { left: at(*left), right: at(*right) });
        }
        let header = Header {
            seq: Seq::new(PEER_ISS) + 1,
            ack: at(ack),
            flags: Flags::ACK,
            window: self.window >> self.shift,
            options: Options { sack, ..Options::default() },
            ..Header::default()
        };
        self.connection.handle_segment(self.now, Segment { header, ..Segment::default() });
        self.sent()
    }

    /// Time passes until then, timer by timer; returns what leaves, and when in milliseconds from now on.
    fn passes(&mut self, millis: u64) -> Vec<(u64, Transmit)> {
        let (start, end) = (self.now, self.now + Duration::from_millis(millis));
        let mut sent = Vec::new();
        for _ in 0..10_000 {
            let Some(due) = self.connection.poll_timeout().filter(|due| *due <= end) else {
                self.now = end;
                return sent;
            };
            self.now = self.now.max(due);
            self.connection.handle_timeout(self.now);
            let after = self.now.since(start).as_millis() as u64;
            sent.extend(self.sent().into_iter().map(|transmit| (after, transmit)));
        }
        panic!("the timers never let time pass: {:?} at {:?}", self.connection.poll_timeout(), self.now);
    }
}

#[test]
fn a_report_just_before_the_timeout_does_not_stop_the_clock() {
    // The delivery that it reports took longer than what is left of the timeout: what was sent before it may be late
    // for longer than that.
    let mut victim = Victim::with_sack(&Config { tail_loss_probes: false, ..Config::default() });
    victim.write(6_000);
    victim.wait(100);
    victim.acks(1_000, &[]);
    let rto = victim.connection.info(victim.now).rto.as_millis() as u64;
    assert!(victim.passes(rto - 5).is_empty());
    assert!(victim.acks(1_000, &[(3_000, 4_000)]).is_empty());
    let sent = victim.passes(40);
    assert!(!sent.is_empty(), "the timer of what may be late, or of the timeout");
}

#[test]
fn a_loss_of_two_gibibytes_ago_does_not_forbid_fast_retransmit_in_an_unbroken_flow() {
    let config = Config {
        sack: false,
        timestamps: false,
        pacing: false,
        congestion: CongestionControl::NewReno,
        ..Config::default()
    };
    let mut victim = Victim::new(config, Options::default());
    victim.write(10_000);
    victim.wait(100);
    for _ in 0..3 {
        victim.acks(0, &[]);
    }
    victim.wait(100);
    victim.acks(10_000, &[]);
    let mut acked = 10_000_u64;
    victim.write(2_000);
    while acked < (1 << 31) + 100_000 {
        let room = victim.connection.write_room() / 1_000 * 1_000;
        victim.write(room);
        // One segment stays in flight, always.
        acked += u64::from(victim.connection.info(victim.now).in_flight_bytes) - 1_000;
        victim.wait(50);
        victim.acks(acked, &[]);
        assert!(victim.connection.info(victim.now).in_flight_bytes > 0);
    }
    victim.wait(50);
    let sent: Vec<Transmit> = (0..3).flat_map(|_| victim.acks(acked, &[])).collect();
    assert!(sent.iter().any(|transmit| transmit.why == SendReason::FastRetransmit), "{:?}", sent.len());
}

#[test]
fn a_probe_of_the_tail_keeps_records_apart() {
    let mut victim = Victim::with_sack(&Config::default());
    victim.write(10_000);
    let now = victim.now;
    victim.connection.write_record(now, &[1; 300]).expect("room");
    victim.connection.write_record(now, &[2; 300]).expect("room");
    assert!(victim.sent().is_empty(), "the window is full");
    let sent = victim.passes(250);
    let [(_, probe)] = &sent[..] else { panic!("one probe, not {sent:?}") };
    assert_eq!((probe.why, probe.payload.len()), (SendReason::TailProbeWithNewData, 300));
    assert!(probe.header.flags.psh());
}

/// What a peer does that knows every number of ours.
#[derive(Clone, Debug)]
enum Move {
    /// Acknowledges so much of what is in flight, in 255ths, and reports blocks: offsets from SND.UNA in hundreds of
    /// bytes, lengths in bytes.
    Ack {
        share: u8,
        blocks: Vec<(i16, u16)>,
        echo_age_ms: i32,
    },
    Window(u16),
    Write(u16),
    Record(u16),
    Wait(u16),
    /// Moves the time without calling the timers.
    Sleep(u16),
    Finish,
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let share = prop_oneof![4 => Just(0u8), 1 => Just(255u8), 2 => any::<u8>()];
    let length = prop_oneof![3 => Just(1_000u16), 1 => any::<u16>(), 1 => 0..4u16];
    let echo = prop_oneof![4 => 0..2_000i32, 1 => any::<i32>()];
    let blocks = proptest::collection::vec((-30..400i16, length), 0..4);
    let ack = (share, blocks, echo).prop_map(|(share, blocks, echo_age_ms)| Move::Ack {
        share,
        blocks,
        echo_age_ms,
    });
    let window = prop_oneof![2 => Just(0u16), 1 => 0..3_000u16, 3 => any::<u16>()];
    let one = prop_oneof![
        12 => ack,
        2 => window.prop_map(Move::Window),
        4 => (1..30_000u16).prop_map(Move::Write),
        1 => (1..3_000u16).prop_map(Move::Record),
        4 => (0..500u16).prop_map(Move::Wait),
        1 => any::<u16>().prop_map(Move::Wait),
        1 => (0..2_000u16).prop_map(Move::Sleep),
        1 => Just(Move::Finish),
    ];
    proptest::collection::vec(one, 1..120)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_acknowledgments_make_a_sender_spin_or_lose_count(
        moves in moves(),
        sack in any::<bool>(),
        timestamps in any::<bool>(),
        pacing in any::<bool>(),
        cubic in any::<bool>(),
    ) {
        let congestion = if cubic { CongestionControl::Cubic } else { CongestionControl::NewReno };
        let config = Config { sack, timestamps, pacing, congestion, ..Config::default() };
        let stamps = timestamps.then_some(Timestamps { value: 9, echo: 1_000 });
        let mut victim = Victim::new(config, Options { sack_permitted: sack, timestamps: stamps, ..Options::default() });
        for step in moves {
            let snapshot = victim.connection.snapshot();
            match step {
                Move::Ack { share, blocks, echo_age_ms } => {
                    let flight = u64::from(snapshot.snd_nxt.bytes_since(snapshot.snd_una));
                    let ack = snapshot.snd_una + (flight * u64::from(share) / 255) as u32;
                    let mut sack = SackBlocks::default();
                    for (at, len) in blocks {
                        let left = snapshot.snd_una + (i32::from(at) * 100).cast_unsigned();
                        let _ = sack.push(SackBlock { left, right: left + u32::from(len) });
                    }
                    let now_ms = victim.now.as_millis() as u32;
                    let stamps = timestamps.then_some(Timestamps {
                        value: now_ms,
                        echo: now_ms.wrapping_sub(echo_age_ms.cast_unsigned()),
                    });
                    let header = Header {
                        seq: Seq::new(PEER_ISS) + 1,
                        ack,
                        flags: Flags::ACK,
                        window: victim.window,
                        options: Options { sack, timestamps: stamps, ..Options::default() },
                        ..Header::default()
                    };
                    victim.connection.handle_segment(victim.now, Segment { header, ..Segment::default() });
                }
                Move::Window(window) => victim.window = window,
                Move::Write(bytes) => {
                    let _ = victim.connection.write_bytes(victim.now, &Bytes::from(vec![7; bytes.into()]));
                }
                Move::Record(bytes) => {
                    let _ = victim.connection.write_record(victim.now, &vec![7; bytes.into()]);
                }
                Move::Wait(millis) => drop(victim.passes(millis.into())),
                Move::Sleep(millis) => victim.wait(millis.into()),
                Move::Finish => victim.connection.finish(victim.now),
            }
            victim.sent();
            let info = victim.connection.info(victim.now);
            prop_assert!(info.sacked_bytes + info.lost_bytes <= info.in_flight_bytes.max(1), "{:?}", info);
            if victim.connection.is_closed() {
                break;
            }
            let busy = info.in_flight_bytes > 0;
            prop_assert!(!busy || victim.connection.poll_timeout().is_some(), "nothing will ever happen: {:?}", info);
        }
    }
}

/// A victim that has agreed on this feedback, and acknowledges `answers` with flags and counters as they come.
fn sent_to_a_liar(feedback: EcnFeedback, answers: &[(u8, Option<[u32; 3]>)]) -> u64 {
    let congestion = CongestionControl::NewReno;
    let config =
        Config { ecn_outgoing: feedback, congestion, pacing: false, timestamps: false, ..Config::default() };
    let now = Instant::from_millis(1_000);
    let path = Path { mtu_bytes: 1_500, ip_header_bytes: 20 };
    let birth = Birth { iss: Seq::new(ISS), timestamp_offset: 0, path };
    let connection = Connection::connect(now, birth, Arc::new(config));
    let mut victim = Victim { now, connection, window: u16::MAX, shift: 7 };
    victim.sent();
    victim.wait(100);
    let agrees = match feedback {
        EcnFeedback::Off => Flags::NONE,
        EcnFeedback::Classic => Flags::ECE,
        _ => Flags::CWR,
    };
    let options = Options { mss: Some(MSS as u16), window_scale: Some(7), ..Options::default() };
    let header = Header {
        seq: Seq::new(PEER_ISS),
        ack: Seq::new(ISS) + 1,
        flags: Flags::SYN | Flags::ACK | agrees,
        window: u16::MAX,
        options,
        ..Header::default()
    };
    victim.connection.handle_segment(victim.now, Segment { header, ..Segment::default() });
    assert_eq!(victim.connection.info(victim.now).ecn, feedback);
    for (code, counters) in answers {
        let _ = victim.connection.write(victim.now, &vec![7; 400_000]);
        victim.sent();
        victim.wait(100);
        let snapshot = victim.connection.snapshot();
        let flags = Flags::from_bits(Flags::ACK.bits() | u16::from(*code) << 6);
        let accurate_ecn = counters.map(|counters| AccurateEcn::with_e0b_first(&counters));
        let header = Header {
            seq: Seq::new(PEER_ISS) + 1,
            ack: snapshot.snd_nxt,
            flags,
            window: u16::MAX,
            options: Options { accurate_ecn, ..Options::default() },
            ..Header::default()
        };
        victim.connection.handle_segment(victim.now, Segment { header, ..Segment::default() });
        assert!(victim.connection.held_bytes() < 6 << 20);
    }
    victim.sent();
    victim.connection.info(victim.now).bytes_acked
}

proptest! {
    /// Whatever a peer says of marks, it gets nothing sooner than one that says there are none.
    #[test]
    fn no_lie_about_marks_makes_a_sender_faster(
        accurate in any::<bool>(),
        answers in proptest::collection::vec((0..8u8, proptest::option::of(any::<[u32; 3]>())), 1..14),
    ) {
        let feedback = if accurate { EcnFeedback::Accurate } else { EcnFeedback::Classic };
        let honest: Vec<_> = answers.iter().map(|_| (0, None)).collect();
        prop_assert!(sent_to_a_liar(feedback, &answers) <= sent_to_a_liar(EcnFeedback::Off, &honest));
    }
}
