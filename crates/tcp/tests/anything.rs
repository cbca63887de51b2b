//! Any segments, calls and timeouts, in any order: what must hold of a connection after each.
//!
//! The numbers are chosen near the connection's own variables, for far from them everything is
//! refused by the first check. A failure shrinks to the shortest sequence of steps.

use bytes::Bytes;
use proptest::prelude::*;
use std::sync::Arc;
use std::time::Duration;
use synfin_tcp::{
    Birth, Config, Connection, EcnFeedback, Error, FastOpen, FastOpenAnswer, Instant, KeepAlive, Nagle, Path,
    PathEvent, Segment, State, SynText, Trace, Tracing, state,
};
use wire::Seq;
use wire::ip::Ecn;
use wire::tcp::{AccurateEcn, FastOpenCookie, Flags, Header, Options, SackBlock, SackBlocks, Timestamps};

/// One thing that happens to a connection.
#[derive(Clone, Debug)]
enum Step {
    Segment {
        seq: (u8, i32),
        ack: (u8, i32),
        flags: u16,
        window: u16,
        text: usize,
        stamp: Option<i32>,
        odd: u8,
    },
    Write(usize),
    WriteBytes(usize),
    WriteUrgent(usize),
    Read(usize),
    Finish,
    Close,
    Abort,
    Options(u8),
    Path {
        kind: u8,
        mtu_bytes: u32,
        at: i32,
    },
    Wait(u32),
    Timeout,
    /// The driver takes away what there is to send, as super-segments of at most this size.
    Drain(u32),
}

fn near() -> impl Strategy<Value = i32> {
    prop_oneof![4 => -2..=2i32, 2 => -3_000..=3_000i32, 1 => any::<i32>()]
}

fn step() -> impl Strategy<Value = Step> {
    let flags = prop_oneof![
        6 => Just(Flags::ACK.bits()),
        4 => (0..8u16).prop_map(|ace| Flags::ACK.bits() | ace << 6),
        1 => (0..8u16).prop_map(|ace| Flags::SYN.bits() | ace << 6),
        1 => (0..8u16).prop_map(|ace| (Flags::SYN | Flags::ACK).bits() | ace << 6),
        2 => Just((Flags::ACK | Flags::FIN).bits()),
        1 => Just((Flags::ACK | Flags::SYN).bits()),
        1 => Just(Flags::SYN.bits()),
        1 => Just(Flags::RST.bits()),
        2 => 0..512u16,
    ];
    let text =
        prop_oneof![3 => Just(0usize), 3 => 1..20usize, 2 => 1_000..4_000usize, 1 => 60_000..70_000usize];
    let window = prop_oneof![2 => Just(0u16), 2 => 1..200u16, 3 => any::<u16>()];
    let number = || (0..6u8, near());
    let segment = (number(), number(), flags, window, text, proptest::option::of(-5..5i32), any::<u8>())
        .prop_map(|(seq, ack, flags, window, text, stamp, odd)| Step::Segment {
            seq,
            ack,
            flags,
            window,
            text,
            stamp,
            odd,
        });
    prop_oneof![
        12 => segment,
        3 => (0..20_000usize).prop_map(Step::Write),
        1 => (0..20_000usize).prop_map(Step::WriteBytes),
        1 => (0..3_000usize).prop_map(Step::WriteUrgent),
        3 => (1..20_000usize).prop_map(Step::Read),
        1 => Just(Step::Finish),
        1 => prop_oneof![3 => Just(Step::Close), 1 => Just(Step::Abort)],
        1 => any::<u8>().prop_map(Step::Options),
        1 => (0..3u8, 0..3_000u32, near()).prop_map(|(kind, mtu_bytes, at)| Step::Path { kind, mtu_bytes, at }),
        3 => (0..100_000u32).prop_map(Step::Wait),
        4 => Just(Step::Timeout),
        8 => prop_oneof![Just(0u32), Just(65_535u32), 0..65_535u32].prop_map(Step::Drain),
    ]
}

fn config(odd: u8) -> Config {
    let bit = |index: u8| odd & (1 << index) != 0;
    Config {
        timestamps: bit(0),
        sack: bit(1),
        window_scaling: bit(2),
        receive_buffer_bytes: if bit(3) { 5_000 } else { 1 << 20 },
        send_buffer_bytes: if bit(4) { 4_000 } else { 1 << 20 },
        nagle: [Nagle::Off, Nagle::Rfc896, Nagle::Minshall][usize::from(odd % 3)],
        cork: bit(5) && bit(6),
        defer_accept: (bit(5) && bit(7)).then_some(Duration::from_secs(2)),
        keep_alive: bit(7).then(KeepAlive::default),
        user_timeout: (bit(6) && bit(7)).then_some(Duration::from_secs(30)),
        ecn_incoming: EcnFeedback::ALL[usize::from(odd / 3 % 3)],
        ecn_outgoing: EcnFeedback::ALL[usize::from(odd / 9 % 3)],
        ..Config::default()
    }
}

/// Kinds of subjects that open fast.
const FAST_CLIENT: u8 = 3;
const FAST_SERVER: u8 = 4;

struct Subject {
    now: Instant,
    connection: Connection,
    /// The largest buffers that any of its options allowed.
    receive_bytes: u64,
    send_bytes: u64,
    state: State,
}

impl Subject {
    fn born(kind: u8, odd: u8, iss: u32) -> Subject {
        let now = Instant::from_millis(5_000);
        let path = Path { mtu_bytes: 1_500, ip_header_bytes: if odd.is_multiple_of(2) { 20 } else { 40 } };
        let birth = Birth { iss: Seq::new(iss), timestamp_offset: iss, path };
        let (options, arc) = (config(odd), Arc::new(config(odd)));
        let mut connection = match kind {
            0 | FAST_CLIENT => Connection::connect(now, birth, arc),
            _ => Connection::listen(now, birth, arc),
        };
        if kind == FAST_CLIENT {
            connection.open_fast(FastOpen { cookie: FastOpenCookie::new(&[odd; 8]), peer_mss_bytes: None });
            let _ = connection.write(now, &[4; 900]);
        } else if kind == FAST_SERVER {
            connection.answer_fast(FastOpenAnswer { text: SynText::Taken, cookie: None });
        }
        connection.set_tracing(Tracing::On);
        let state = connection.state();
        let (receive_bytes, send_bytes) =
            (u64::from(options.receive_buffer_bytes), u64::from(options.send_buffer_bytes));
        Subject { now, connection, receive_bytes, send_bytes, state }
    }

    fn number(&self, (near, offset): (u8, i32)) -> Seq {
        let snapshot = self.connection.snapshot();
        let base = match near {
            0 => snapshot.rcv_nxt,
            1 => snapshot.rcv_nxt + snapshot.rcv_wnd,
            2 => snapshot.irs,
            3 => snapshot.snd_una,
            4 => snapshot.snd_nxt,
            _ => snapshot.iss,
        };
        base + offset.cast_unsigned()
    }

    fn take(&mut self, step: &Step) {
        let now = self.now;
        match *step {
            Step::Segment { seq, ack, flags, window, text, stamp, odd } => {
                let mut options = Options::default();
                let clock = now.as_millis() as u32;
                options.timestamps = stamp.map(|by| Timestamps {
                    value: clock.wrapping_add_signed(by),
                    echo: clock.wrapping_add_signed(by),
                });
                if flags & Flags::SYN.bits() != 0 {
                    options.mss =
                        (odd & 1 != 0).then_some([0, 1, 536, 1_460, u16::MAX][usize::from(odd % 5)]);
                    options.window_scale = (odd & 2 != 0).then_some(odd >> 2);
                    options.sack_permitted = odd & 4 != 0;
                } else if odd & 8 != 0 {
                    let mut blocks = SackBlocks::default();
                    blocks.push(SackBlock { left: self.number(ack), right: self.number(seq) });
                    options.sack = blocks;
                }
                if odd & 16 != 0 {
                    let counters = [ack.1.cast_unsigned(), window.into(), 0];
                    options.accurate_ecn =
                        Some(AccurateEcn::with_e0b_first(&counters[..usize::from(odd % 4)]));
                }
                let header = Header {
                    seq: self.number(seq),
                    ack: self.number(ack),
                    flags: Flags::from_bits(flags),
                    window,
                    urgent: u16::from(odd) << (odd % 9),
                    options,
                    ..Header::default()
                };
                let payload = Bytes::from(vec![odd; text]).into();
                self.connection.handle_segment(
                    now,
                    Segment { header, payload, ecn: Ecn::from_bits(odd >> 6), segment_bytes: odd.into() },
                );
            }
            Step::Write(count) => drop(self.connection.write(now, &vec![1; count])),
            Step::WriteBytes(count) => drop(self.connection.write_bytes(now, &Bytes::from(vec![2; count]))),
            Step::WriteUrgent(count) => drop(self.connection.write_urgent(now, &vec![3; count])),
            Step::Read(count) => drop(self.connection.read(&mut vec![0; count])),
            Step::Finish => self.connection.finish(now),
            Step::Close => self.connection.close(now),
            Step::Abort => self.connection.abort(now),
            Step::Options(odd) => {
                let options = config(odd);
                self.receive_bytes = self.receive_bytes.max(u64::from(options.receive_buffer_bytes));
                self.send_bytes = self.send_bytes.max(u64::from(options.send_buffer_bytes));
                self.connection.set_config(now, Arc::new(options));
            }
            Step::Path { kind, mtu_bytes, at } => {
                let (seq, error) = (self.number((3, at)), Error::HostUnreachable);
                let event = match kind {
                    0 => PathEvent::HardError { error, seq },
                    1 => PathEvent::SoftError { error, seq },
                    _ => PathEvent::PacketTooBig { mtu_bytes, seq },
                };
                self.connection.handle_path(now, event);
            }
            Step::Wait(micros) => self.now = now.plus_micros(u64::from(micros)),
            Step::Timeout => {
                if let Some(due) = self.connection.poll_timeout() {
                    self.now = self.now.max(due);
                }
                self.settle();
            }
            Step::Drain(super_bytes) => self.drain(super_bytes),
        }
    }

    /// Everything that is due happens; after a few rounds nothing is due any more.
    fn settle(&mut self) {
        for _ in 0..4 {
            self.connection.handle_timeout(self.now);
            self.drain(0);
            if self.connection.poll_timeout().is_none_or(|due| due > self.now) {
                return;
            }
        }
        panic!("a timer is due for ever in {}", self.connection.state());
    }

    fn drain(&mut self, super_bytes: u32) {
        // The smallest MSS is 8 bytes with all options, and every byte may go out twice.
        let bound = 300 + 2 * self.connection.unacknowledged_bytes() / 8;
        for sent in 0.. {
            let before = self.connection.snapshot();
            let Some(transmit) = self.connection.poll_transmit(self.now, super_bytes) else { break };
            assert!(sent < bound, "{sent} segments, and no end: {:?}", transmit.why);
            let after = self.connection.snapshot();
            let len = transmit.payload.len() as u32;
            let flags = transmit.header.flags;
            if flags.rst() {
                continue;
            }
            let end = transmit.header.seq + len + u32::from(flags.syn()) + u32::from(flags.fin());
            assert!(transmit.header.seq.at_or_after(before.snd_una - 1), "{transmit:?} before {before:?}");
            assert!(end.at_or_before(after.snd_nxt), "{transmit:?} after {after:?}");
            if transmit.segment_bytes > 0 {
                assert!(len > u32::from(transmit.segment_bytes));
            }
            assert!(len <= super_bytes.max(1_460), "{len} bytes for {super_bytes}");
        }
        assert!((0..20).any(|_| self.connection.poll_event().is_none()), "events without end");
    }

    fn check(&mut self) {
        let (snapshot, info) = (self.connection.snapshot(), self.connection.info(self.now));
        let in_flight = u64::from(snapshot.snd_nxt.bytes_since(snapshot.snd_una));
        assert!(in_flight <= self.send_bytes + 2, "{snapshot:?}");
        assert!(self.connection.unacknowledged_bytes() as u64 <= self.send_bytes);
        // A window offered before the options changed stays; a SYN offers 65,535 at most.
        let most = self.receive_bytes + self.receive_bytes / 8 + (1 << 14);
        assert!(u64::from(snapshot.rcv_wnd) <= most, "{snapshot:?}");
        assert!(self.connection.readable_bytes() as u64 <= most, "{}", self.connection.readable_bytes());
        assert!(u64::from(info.held_bytes) <= most);
        while let Some(trace) = self.connection.poll_trace() {
            if let Trace::StateChanged { row } = trace {
                let row = state::ROWS[usize::from(row)];
                assert_eq!(row.from, self.state, "{row:?} does not begin where the last one ended");
                self.state = row.to;
            }
        }
        assert_eq!(self.state, self.connection.state());
    }

    /// Nothing is waiting for something that nobody will start.
    fn check_awake(&mut self) {
        self.settle();
        let (snapshot, info) = (self.connection.snapshot(), self.connection.info(self.now));
        let asleep = self.connection.poll_timeout().is_none();
        let waits = snapshot.snd_una != snapshot.snd_nxt || info.not_sent_bytes > 0;
        let alive = !matches!(snapshot.state, State::Closed | State::Listen);
        assert!(!(alive && waits && asleep), "{snapshot:?} {info:?} waits for ever");
        assert!(snapshot.state != State::TimeWait || !asleep);
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: std::env::var("SYNFIN_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(600),
        max_shrink_iters: 20_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]
    #[test]
    fn a_connection_keeps_its_word_whatever_happens(
        kind in 0..5u8,
        odd in any::<u8>(),
        iss in prop_oneof![Just(u32::MAX - 1), Just(0x7fff_ff00), any::<u32>()],
        steps in proptest::collection::vec(step(), 1..120),
    ) {
        let mut subject = Subject::born(kind, odd, iss);
        if kind > 0 && kind != FAST_CLIENT {
            // Most of what can go wrong goes wrong later: begin with a handshake that succeeds.
            let syn = Step::Segment {
                seq: (0, 0), ack: (0, 0), flags: Flags::SYN.bits(), window: 60_000,
                text: if kind == FAST_SERVER { 700 } else { 0 }, stamp: Some(0), odd,
            };
            subject.take(&syn);
            subject.drain(0);
            if kind == 2 {
                let ack = Step::Segment {
                    seq: (0, 0), ack: (4, 0), flags: Flags::ACK.bits(), window: 60_000, text: 0,
                    stamp: Some(0), odd: 0,
                };
                subject.take(&ack);
            }
            subject.check();
        }
        for step in &steps {
            subject.take(step);
            subject.check();
            if matches!(step, Step::Drain(_) | Step::Timeout) {
                subject.check_awake();
                subject.check();
            }
        }
        subject.connection.abort(subject.now);
        subject.drain(0);
        prop_assert!(subject.connection.is_closed());
        prop_assert_eq!(subject.connection.poll_timeout(), None);
    }
}
