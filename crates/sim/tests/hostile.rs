//! Peers that lie to a sender: duplicate acknowledgments made up, acknowledgments ahead of time or of a byte each,
//! SACK blocks of crumbs and of what was never sent, reports of duplicates that were none, Packet Too Big in storms.
//!
//! Whatever they say: what leaves stays within the congestion window, the window grows by no more than an honest
//! peer would have made it, the work stays bounded, and an honest peer that takes over gets everything.

use std::sync::Arc;
use std::time::Duration;
use synfin_sim::Dice;
use tcp::{Birth, Config, Connection, Info, Instant, Path, PathEvent, Segment, SendReason};
use wire::Seq;
use wire::tcp::{Flags, Header, SackBlock, SackBlocks};

const ISS: u32 = u32::MAX - 40_000;
const PEER: u32 = 7_000;
const MSS: u32 = 1_460;

/// A sender, and what its peer makes of it.
struct Victim {
    now: Instant,
    sender: Connection,
    /// One past the last byte that left.
    sent_to: Seq,
    sent_bytes: u64,
    segments: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sack {
    Agreed,
    Refused,
}

/// What the sender believes to be in the network.
fn pipe(info: &Info) -> u32 {
    let left = info.sacked_bytes + (info.lost_bytes - info.resent_bytes);
    assert!(left <= info.in_flight_bytes, "more has left the network than was in it: {info:?}");
    info.in_flight_bytes - left
}

impl Victim {
    fn new(sack: Sack, write_bytes: usize) -> Victim {
        let config = Config {
            timestamps: false,
            pacing: false,
            send_buffer_bytes: 64 << 20,
            send_buffer_bytes_initial: 0,
            ..Config::default()
        };
        let path = Path { mtu_bytes: 1_500, ip_header_bytes: 20 };
        let birth = Birth { iss: Seq::new(ISS), timestamp_offset: 0, path };
        let sender = Connection::connect(Instant::ZERO, birth, Arc::new(config));
        let first = Seq::new(ISS) + 1;
        let mut victim = Victim { now: Instant::ZERO, sender, sent_to: first, sent_bytes: 0, segments: 0 };
        victim.drain();
        victim.wait(Duration::from_millis(40));
        let mut header = Header {
            seq: Seq::new(PEER),
            ack: first,
            flags: Flags::SYN | Flags::ACK,
            window: 65_535,
            ..Header::default()
        };
        header.options.mss = Some(MSS as u16);
        header.options.window_scale = Some(10);
        header.options.sack_permitted = sack == Sack::Agreed;
        victim.sender.handle_segment(victim.now, Segment { header, ..Segment::default() });
        let written = victim.sender.write(victim.now, &vec![7; write_bytes]).expect("it is open");
        assert_eq!(written, write_bytes);
        victim.drain();
        victim
    }

    fn info(&self) -> Info {
        self.sender.info(self.now)
    }

    fn una(&self) -> Seq {
        self.sender.snapshot().snd_una
    }

    /// Everything leaves that may; each segment is held against the window.
    fn drain(&mut self) {
        for polled in 0.. {
            assert!(polled < 50_000, "it sends without end: {:?}", self.info());
            let before = self.info();
            let Some(transmit) = self.sender.poll_transmit(self.now, 0) else { return };
            let len = transmit.payload.len() as u32;
            if len == 0 {
                continue;
            }
            let after = self.info();
            // A probe asks nobody, and the timer's one segment goes whatever else is in flight.
            let is_probe = matches!(
                transmit.why,
                SendReason::TailLossProbe
                    | SendReason::TailProbeWithNewData
                    | SendReason::ZeroWindowProbe
                    | SendReason::KeepAlive
                    | SendReason::Timeout
            );
            assert!(!is_probe || len <= before.send_mss_bytes, "{:?} of {len} bytes", transmit.why);
            let allowed = before.cwnd_bytes.max(before.send_mss_bytes);
            assert!(
                is_probe || pipe(&after) <= allowed + before.send_mss_bytes,
                "{:?} of {len} bytes leaves {} in flight under a window of {allowed}: {after:?}",
                transmit.why,
                pipe(&after)
            );
            self.sent_to = self.sent_to.latest(transmit.header.seq + len);
            self.sent_bytes += u64::from(len);
            self.segments += 1;
        }
    }

    /// So much time passes.
    fn wait(&mut self, time: Duration) {
        let until = self.now + time;
        for fired in 0.. {
            assert!(fired < 10_000, "its timers run in circles: {:?}", self.info());
            let Some(due) = self.sender.poll_timeout().filter(|due| *due <= until) else { break };
            self.now = self.now.max(due);
            self.sender.handle_timeout(self.now);
            self.drain();
        }
        self.now = until;
    }

    /// The peer says this, and hears what leaves.
    fn hear(&mut self, ack: Seq, blocks: &[(Seq, Seq)]) {
        let mut sack = SackBlocks::default();
        for (left, right) in blocks {
            sack.push(SackBlock { left: *left, right: *right });
        }
        let mut header =
            Header { seq: Seq::new(PEER) + 1, ack, flags: Flags::ACK, window: 65_535, ..Header::default() };
        header.options.sack = sack;
        self.sender.handle_segment(self.now, Segment { header, ..Segment::default() });
        self.drain();
    }

    fn too_big(&mut self, mtu_bytes: u32, seq: Seq) {
        self.sender.handle_path(self.now, PathEvent::PacketTooBig { mtu_bytes, seq });
        self.drain();
    }

    /// An honest peer acknowledges every round trip all that has left.
    fn honest_rounds(&mut self, rounds: u32) {
        for _ in 0..rounds {
            self.wait(Duration::from_millis(40));
            let (mut at, to) = (self.una(), self.sent_to);
            while at.before(to) {
                at = (at + 2 * MSS).earliest(to);
                self.hear(at, &[]);
            }
        }
    }

    /// An honest peer takes everything that is left.
    fn finish(&mut self) {
        for _ in 0..4_000 {
            if self.sender.unacknowledged_bytes() == 0 {
                return;
            }
            self.honest_rounds(1);
        }
        panic!("an honest peer does not get the rest: {:?}", self.info());
    }
}

#[test]
fn duplicates_that_are_made_up_gain_no_more_than_was_in_flight() {
    // RFC 5681 §5: each would let a segment go.
    let mut victim = Victim::new(Sack::Refused, 8 << 20);
    victim.honest_rounds(3);
    victim.wait(Duration::from_millis(40));
    let (una, flight_bytes, sent_before) = (victim.una(), victim.info().in_flight_bytes, victim.sent_bytes);
    for _ in 0..20_000 {
        victim.hear(una, &[]);
    }
    let gained = victim.sent_bytes - sent_before;
    assert!(gained <= u64::from(flight_bytes), "{gained} bytes for {flight_bytes} in flight");
    victim.finish();
}

#[test]
fn acknowledgments_of_a_byte_each_open_the_window_by_a_byte_each() {
    // RFC 3465: bytes count, not acknowledgments.
    let mut victim = Victim::new(Sack::Agreed, 8 << 20);
    victim.wait(Duration::from_millis(40));
    let (una, before) = (victim.una(), victim.info());
    for byte in 1..=before.in_flight_bytes {
        victim.hear(una + byte, &[]);
        let window = victim.info().cwnd_bytes;
        assert!(window <= before.cwnd_bytes + byte, "{window} after {byte} bytes");
    }
    victim.finish();
}

#[test]
fn acknowledgments_ahead_of_time_open_the_window_by_what_they_acknowledge() {
    let mut victim = Victim::new(Sack::Agreed, 48 << 20);
    victim.wait(Duration::from_millis(40));
    let first_window = victim.info().cwnd_bytes;
    for _ in 0..200 {
        // What has just left, before it can have arrived.
        let to = victim.sent_to;
        victim.hear(to, &[]);
        let info = victim.info();
        assert!(u64::from(info.cwnd_bytes) <= u64::from(first_window) + info.bytes_acked, "{info:?}");
    }
    // What was never sent moves nothing.
    let (una, window) = (victim.una(), victim.info().cwnd_bytes);
    for ahead in [1, MSS, 1 << 20, 1 << 30] {
        victim.hear(victim.sent_to + ahead, &[]);
        assert_eq!((victim.una(), victim.info().cwnd_bytes), (una, window), "{ahead} bytes ahead");
    }
    victim.finish();
}

#[test]
fn sack_blocks_of_crumbs_and_of_nothing_are_not_believed() {
    let mut victim = Victim::new(Sack::Agreed, 8 << 20);
    victim.honest_rounds(3);
    victim.wait(Duration::from_millis(40));
    let (una, end, before) = (victim.una(), victim.sent_to, victim.info());
    let half = |index: u32| (una + index * MSS + 700, una + index * MSS + 701);
    for byte in 0..5_000 {
        let at = una + 1 + 2 * byte;
        victim.hear(una, &[(at, at + 1), half(3), half(5)]);
    }
    for (left, right) in [(end, end + MSS), (end - MSS, end + 1), (una + 9 * MSS, una + 8 * MSS)] {
        victim.hear(una, &[(left, right)]);
    }
    victim.hear(una, &[(una + (1 << 31), una), (una - 1, end)]);
    let after = victim.info();
    assert_eq!((after.sacked_bytes, after.lost_bytes), (0, 0), "{after:?}");
    assert_eq!(after.bytes_sent, before.bytes_sent, "nothing leaves for it");
    victim.finish();
}

#[test]
fn lies_about_duplicates_take_back_no_more_than_the_episode_took() {
    let mut victim = Victim::new(Sack::Agreed, 8 << 20);
    victim.honest_rounds(3);
    victim.wait(Duration::from_millis(40));
    let (una, before) = (victim.una(), victim.info());
    // Nothing was sent again: there is nothing to take back.
    for index in 0..200 {
        victim.hear(una, &[(una - (index + 1) * 10, una - index * 10)]);
    }
    assert_eq!((victim.info().cwnd_bytes, victim.info().undone), (before.cwnd_bytes, 0));
    // A loss that SACK shows; then the peer says that it had the segment all along.
    victim.hear(una, &[(una + MSS, una + 6 * MSS)]);
    assert!(victim.info().retransmissions > 0 && victim.info().cwnd_bytes < before.cwnd_bytes);
    victim.wait(Duration::from_millis(40));
    for _ in 0..500 {
        victim.hear(una + 6 * MSS, &[(una, una + MSS)]);
        let window = victim.info().cwnd_bytes;
        assert!(window <= before.cwnd_bytes + 6 * MSS, "{window} after {}", before.cwnd_bytes);
    }
    victim.finish();
}

#[test]
fn a_storm_of_packet_too_big_sends_no_more_than_the_window_each_time() {
    for sack in [Sack::Agreed, Sack::Refused] {
        let mut victim = Victim::new(sack, 4 << 20);
        victim.honest_rounds(4);
        victim.wait(Duration::from_millis(20));
        for step in 0..900u32 {
            let (before, seq) = (victim.info(), victim.una());
            let sent_before = victim.sent_bytes;
            victim.too_big(1_499 - step, seq);
            let sent = victim.sent_bytes - sent_before;
            assert!(sent <= u64::from(before.cwnd_bytes + MSS), "{sent} bytes for a message, {before:?}");
        }
        // The same again, and what says nothing, is not heard.
        let sent_before = victim.sent_bytes;
        for mtu_bytes in [600, 599, 1_500, 9_000, u32::MAX, 0, 1] {
            for _ in 0..200 {
                victim.too_big(mtu_bytes, victim.una() - 1);
                victim.too_big(mtu_bytes, victim.sent_to + 1);
            }
        }
        let sent = victim.sent_bytes - sent_before;
        assert!(sent <= u64::from(victim.info().cwnd_bytes), "{sent} bytes for messages that name nothing");
        victim.finish();
    }
}

#[test]
fn parts_of_segments_say_nothing_with_thousands_in_flight() {
    let mut victim = Victim::new(Sack::Agreed, 60 << 20);
    victim.honest_rounds(8);
    victim.wait(Duration::from_millis(40));
    let segments = victim.info().in_flight_bytes / MSS;
    assert!(segments > 1_000, "{segments} segments in flight");
    let (una, before) = (victim.una(), victim.sent_bytes);
    for index in 0..2_000u32 {
        let at = |share: u32| una + (index * 7 + share * segments / 4) % segments * MSS;
        let blocks: [Seq; 4] = [at(0) + 1, at(1) + 1, at(2) + 1, at(3) + 1];
        victim.hear(una, &blocks.map(|left| (left, left + MSS / 2)));
    }
    let after = victim.info();
    assert_eq!((after.sacked_bytes, after.lost_bytes, victim.sent_bytes - before), (0, 0, 0), "{after:?}");
    victim.finish();
}

#[test]
fn a_peer_that_tells_every_lie_stays_bounded_and_an_honest_one_gets_the_rest() {
    let seeds: u64 = std::env::var("SYNFIN_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(300);
    for seed in 0..seeds {
        let mut dice = Dice::for_purpose(seed, 13);
        let sack = if dice.below(4) == 0 { Sack::Refused } else { Sack::Agreed };
        let mut victim = Victim::new(sack, 300_000);
        for _ in 0..300 {
            lie(&mut victim, &mut dice);
        }
        let sent = victim.sent_bytes;
        assert!(sent < 60_000_000, "seed {seed}: {sent} bytes for 300 lies");
        victim.finish();
    }
}

/// One lie, or a piece of the truth.
fn lie(victim: &mut Victim, dice: &mut Dice) {
    let (una, end) = (victim.una(), victim.sent_to);
    let flight = end.bytes_since(una).max(1);
    let within = |dice: &mut Dice| una + dice.below(u64::from(flight) + 1) as u32;
    match dice.below(10) {
        0 | 1 => victim.hear(una, &[]),
        2 => {
            let to = within(dice);
            victim.hear(to, &[]);
        }
        3 => victim.hear(end + dice.below(3_000) as u32, &[]),
        4 | 5 => {
            let mut blocks: Vec<(Seq, Seq)> = Vec::new();
            for _ in 0..1 + dice.below(4) {
                let left = within(dice) - dice.below(2_000) as u32;
                blocks.push((left, left + dice.below(5_000) as u32));
            }
            victim.hear(una, &blocks);
        }
        6 => {
            // Whole segments, as an honest peer would report them.
            let left = una + dice.below(u64::from(flight / MSS) + 1) as u32 * MSS;
            victim.hear(una, &[(left, (left + 3 * MSS).earliest(end))]);
        }
        7 => {
            let ack = within(dice);
            let left = una - dice.below(5_000) as u32;
            victim.hear(ack, &[(left, left + MSS), (una + MSS, una + 2 * MSS)]);
        }
        8 => {
            let seq = within(dice);
            victim.too_big(500 + dice.below(1_100) as u32, seq);
        }
        _ => victim.wait(Duration::from_micros(dice.below(400_000))),
    }
}
