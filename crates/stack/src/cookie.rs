//! SYN cookies: answering SYNs without storing anything (RFC 4987 §3.6).
//!
//! When too many connections are half open, the sequence number of the SYN-ACK holds what must be
//! remembered: the time, the peer's MSS, and a keyed hash over both ends and the peer's number. With
//! timestamps, window scale, SACK-permitted and whether ECN was agreed upon are in the low bits of our timestamp. The
//! peer's acknowledgment returns both, and only then the connection is created. AccECN needs no timestamp: the third step
//! has flags that nobody else sends (RFC 9768 §5.1). What is lost: options that do not fit, and retransmission of the
//! SYN-ACK.

use crate::connections::NewConnection;
use crate::counters::Discard;
use crate::flow::FlowKey;
use crate::host::Host;
use crate::limits::{MSS_V4_DEFAULT, MSS_V6_DEFAULT};
use crate::reopen::Succession;
use crate::secret::{Keyed, Purpose, Secret};
use crate::socket::Standing;
use core::time::Duration;
use std::sync::Arc;
use tcp::{Birth, Config, Connection, EcnFeedback, Instant, Segment, SendReason};
use wire::Seq;
use wire::tcp::{Flags, Header, Options, Timestamps};

/// A cookie is valid in the period in which it was made and in the next one.
const PERIOD: Duration = Duration::from_secs(64);
/// The MSS values that fit into three bits. A peer gets the largest one that is not above its own (RFC 9293 §3.7.1,
/// MUST-16). The first is the least that a connection believes of any peer, so that no cookie makes segments larger
/// than they would be without it; nobody is known to have something between it and the second.
const MSS_TABLE: [u16; 8] = [48, 536, 1_220, 1_360, 1_400, 1_440, 1_460, 8_960];
const HASH_BITS: u32 = 24;
const HASH_MASK: u32 = (1 << HASH_BITS) - 1;
const MSS_SHIFT: u32 = HASH_BITS;
const PERIOD_SHIFT: u32 = HASH_BITS + 3;
/// How many low bits of our timestamp hold options: window scale (15: none), SACK-permitted, ECN.
const TIMESTAMP_BITS: u32 = 6;
const SCALE_NONE: u8 = 15;

/// Makes and checks cookies.
pub(crate) struct Cookies {
    hash: Keyed,
    /// When the last cookie was sent. If none was sent recently, no acknowledgment can hold one.
    last: Option<Instant>,
}

fn period(now: Instant) -> u32 {
    (now.as_nanos() / PERIOD.as_nanos() as u64) as u32
}

impl Cookies {
    pub(crate) fn new(secret: &Secret) -> Self {
        Cookies { hash: Keyed::new(secret, Purpose::Cookie), last: None }
    }

    fn digest(&self, key: &FlowKey, irs: Seq, period: u32, mss_index: u32) -> u32 {
        let mut bytes = [0; 48];
        let mut ends = [0; 36];
        let len = key.hashed_bytes(&mut ends);
        bytes[..len].copy_from_slice(&ends[..len]);
        bytes[36..40].copy_from_slice(&irs.number().to_be_bytes());
        bytes[40..44].copy_from_slice(&period.to_be_bytes());
        bytes[44..48].copy_from_slice(&mss_index.to_be_bytes());
        self.hash.hash(&bytes) as u32 & HASH_MASK
    }

    fn make(&mut self, now: Instant, key: &FlowKey, irs: Seq, mss: u16) -> Seq {
        self.last = Some(now);
        let mss_index = MSS_TABLE.iter().rposition(|entry| *entry <= mss).unwrap_or(0) as u32;
        let period = period(now);
        let digest = self.digest(key, irs, period, mss_index);
        Seq::new((period % 32) << PERIOD_SHIFT | mss_index << MSS_SHIFT | digest)
    }

    /// Whether a cookie that was made may still come back.
    pub(crate) fn are_out(&self, now: Instant) -> bool {
        self.last.is_some_and(|last| now.since(last) < PERIOD * 2)
    }

    /// The MSS in a cookie that this host made recently for these ends.
    fn check(&self, now: Instant, key: &FlowKey, irs: Seq, cookie: Seq) -> Option<u16> {
        if !self.are_out(now) {
            return None;
        }
        let number = cookie.number();
        let mss_index = number >> MSS_SHIFT & 7;
        let this = period(now);
        let made =
            [this, this.wrapping_sub(1)].into_iter().find(|made| made % 32 == number >> PERIOD_SHIFT)?;
        let good = self.digest(key, irs, made, mss_index) == number & HASH_MASK;
        good.then(|| MSS_TABLE[mss_index as usize])
    }
}

/// Puts window scale, SACK-permitted and ECN into the low bits of a timestamp. The result is never larger than
/// the timestamp.
fn encode_options(value: u32, options: &Options, ecn: bool) -> u32 {
    let scale = options.window_scale.map_or(SCALE_NONE, |scale| scale.min(14));
    let bits = u32::from(scale) | u32::from(options.sack_permitted) << 4 | u32::from(ecn) << 5;
    let hidden = value >> TIMESTAMP_BITS << TIMESTAMP_BITS | bits;
    if hidden > value { hidden.wrapping_sub(1 << TIMESTAMP_BITS) } else { hidden }
}

/// The options of the SYN, as far as cookie and timestamp hold them.
fn decode_options(mss: u16, timestamps: Option<Timestamps>) -> Options {
    let bits = timestamps.map_or(u32::from(SCALE_NONE), |timestamps| timestamps.echo);
    let scale = (bits & 15) as u8;
    Options {
        mss: Some(mss),
        window_scale: (scale != SCALE_NONE).then_some(scale),
        sack_permitted: timestamps.is_some() && bits & 16 != 0,
        timestamps: timestamps.map(|timestamps| Timestamps { value: timestamps.value, echo: 0 }),
        ..Options::default()
    }
}

/// The flags of the SYN, as far as the third step and its timestamp tell what it asked of ECN. Without text the flags of the
/// third step are 2 to 7 exactly if AccECN was agreed upon (RFC 9768 §5.1, table 3). With text, our timestamp says
/// whether anything was, and AE is in the first counters that there can be.
fn flags_of_syn(ack: &Header, has_text: bool, timestamps: Option<Timestamps>) -> Flags {
    let told = timestamps.map(|timestamps| timestamps.echo & 32 != 0);
    let is_accurate = if has_text {
        told == Some(true) && ack.flags.contains(Flags::AE)
    } else {
        told != Some(false) && ack.flags.intersects(Flags::AE | Flags::CWR)
    };
    match (is_accurate, told) {
        (true, _) => Flags::SYN | Flags::AE | Flags::CWR | Flags::ECE,
        (false, Some(true)) => Flags::SYN | Flags::CWR | Flags::ECE,
        (false, _) => Flags::SYN,
    }
}

impl Host {
    /// Answers a SYN with a cookie, without storing anything. Ends in TIME-WAIT get one only if its number, which
    /// cannot be chosen, is large enough (RFC 9293 §3.6.1, MAY-2). Returns whether it is; else TIME-WAIT challenges the
    /// SYN, and a peer that has forgotten the old connection answers with the reset that ends it.
    pub(crate) fn send_cookie(
        &mut self,
        now: Instant,
        key: &FlowKey,
        syn: &Segment,
        mut birth: Birth,
        config: Arc<Config>,
        succession: Option<Succession>,
    ) -> bool {
        let mss = syn.header.options.mss.unwrap_or(if key.is_v4() { MSS_V4_DEFAULT } else { MSS_V6_DEFAULT });
        birth.iss = self.cookies.make(now, key, syn.header.seq, mss);
        if succession.is_some_and(|succession| birth.iss.before(succession.iss_at_least)) {
            return false;
        }
        // Without timestamps only the MSS returns to us, so no other option may be agreed on.
        let mut asked = Segment { header: syn.header, ecn: syn.ecn, ..Segment::default() };
        if asked.header.options.timestamps.is_none() || !config.timestamps {
            asked.header.options = Options { mss: Some(mss), ..Options::default() };
            // Classic ECN is agreed upon by nothing that would come back.
            let asks_for_classic =
                !asked.header.flags.contains(Flags::AE) || config.ecn_given() != EcnFeedback::Accurate;
            if asks_for_classic {
                let ecn = (Flags::AE | Flags::CWR | Flags::ECE).bits();
                asked.header.flags = Flags::from_bits(asked.header.flags.bits() & !ecn);
            }
        }
        let options = asked.header.options;
        let mut short_lived = Connection::answer(now, birth, config, &asked);
        let Some(mut answer) = short_lived.poll_transmit(now, 0).map(|transmit| transmit.header) else {
            return true;
        };
        if let Some(timestamps) = &mut answer.options.timestamps {
            let ecn = answer.flags.intersects(Flags::AE | Flags::CWR | Flags::ECE);
            timestamps.value = encode_options(timestamps.value, &options, ecn);
        }
        self.counters.cookies_sent += 1;
        self.send_header(now, key, answer, SendReason::SynAck);
        true
    }

    /// Whether a segment that a listener would refuse with a reset is dropped instead: while cookies are out, it may
    /// belong to a handshake that is not complete. The third step was lost, and text that was sent after it comes
    /// first; a reset would end a connection that only has to send it again.
    pub(crate) fn may_follow_cookie(&self, now: Instant, header: &Header) -> bool {
        !header.flags.syn() && self.cookies.are_out(now)
    }

    /// Whether a segment acknowledges a cookie. If so, its connection has been created, in place of one in TIME-WAIT
    /// at `followed`.
    pub(crate) fn accept_cookie(
        &mut self,
        now: Instant,
        parent: u32,
        key: &FlowKey,
        ack: &mut Segment,
        followed: Option<u32>,
    ) -> bool {
        let Header { seq, ack: acknowledged, flags, window, options, .. } = ack.header;
        if flags.intersects(Flags::SYN | Flags::RST) {
            return false;
        }
        let irs = seq - 1;
        let cookie = acknowledged - 1;
        let Some(mss) = self.cookies.check(now, key, irs, cookie) else { return false };
        let Some(listener) = self.listeners.at(parent) else { return false };
        if listener.is_full() || self.sockets.len() >= self.config.connections_max {
            self.counters.discard(Discard::TcpAcceptQueueFull);
            return true;
        }
        if self.budget.is_full() {
            self.counters.discard(Discard::MemoryFull);
            return true;
        }
        let config = listener.config.clone().unwrap_or_else(|| self.config.tcp.clone());
        let Some(hop) = self.route_back(key) else { return false };
        let birth = Birth { iss: cookie, ..self.birth(now, key, hop, None) };
        let timestamps = options.timestamps.filter(|_| config.timestamps);
        let flags = flags_of_syn(&ack.header, !ack.payload.is_empty(), timestamps);
        let options = decode_options(mss, timestamps);
        let header = Header { seq: irs, flags, window, options, ..Header::default() };
        let syn = Segment { header, ..Segment::default() };
        let mut connection = Connection::listen(now, birth, config);
        connection.set_tracing(self.tracing);
        connection.handle_segment(now, syn);
        // The SYN-ACK was sent earlier; taking it here only moves the connection to the next state.
        let _ = connection.poll_transmit(now, 0);
        connection.take_segment(now, ack);
        self.counters.cookies_accepted += 1;
        let standing = Standing::HalfOpen;
        let new = NewConnection { key: *key, parent, standing, interface: hop.interface };
        let predecessor = followed.and_then(|place| self.set_aside(place));
        let place = self.add_connection(now, connection, new);
        self.set_predecessor(place.index, predecessor);
        self.touch_connection(now, place.index);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> FlowKey {
        FlowKey::new("10.0.0.1:80".parse().unwrap(), "10.0.0.2:999".parse().unwrap())
    }

    #[test]
    fn a_cookie_brings_back_the_mss_for_two_periods_and_only_for_its_ends() {
        let mut cookies = Cookies::new(&Secret::new([9; 32]));
        let start = Instant::ZERO + PERIOD * 40;
        let irs = Seq::new(77);
        assert_eq!(cookies.check(start, &key(), irs, Seq::new(5)), None, "none was ever made");
        let cookie = cookies.make(start, &key(), irs, 1_452);
        assert_eq!(cookies.check(start, &key(), irs, cookie), Some(1_440));
        assert_eq!(cookies.check(start + PERIOD, &key(), irs, cookie), Some(1_440));
        assert_eq!(cookies.check(start + PERIOD * 2, &key(), irs, cookie), None);
        assert_eq!(cookies.check(start, &key(), irs + 1, cookie), None);
        assert_eq!(cookies.check(start, &key(), irs, cookie + 1), None);
        let other = FlowKey { remote_port: 998, ..key() };
        assert_eq!(cookies.check(start, &other, irs, cookie), None);
    }

    #[test]
    fn no_cookie_makes_segments_larger_than_the_peer_takes() {
        let mut cookies = Cookies::new(&Secret::new([9; 32]));
        let (now, irs) = (Instant::ZERO, Seq::new(77));
        let path = tcp::Path { mtu_bytes: 9_000, ip_header_bytes: 20 };
        let segment_bytes = |mss| {
            let birth = Birth { iss: Seq::new(1), timestamp_offset: 0, path };
            let options = Options { mss: Some(mss), ..Options::default() };
            let header = Header { flags: Flags::SYN, options, ..Header::default() };
            let syn = Segment { header, ..Segment::default() };
            Connection::answer(now, birth, Arc::default(), &syn).info(now).send_mss_bytes
        };
        for mss in (0..=1_500).chain([8_959, 8_960, u16::MAX]) {
            let cookie = cookies.make(now, &key(), irs, mss);
            let told = cookies.check(now, &key(), irs, cookie).expect("it was made just now");
            assert!(segment_bytes(told) <= segment_bytes(mss), "{mss} became {told}");
        }
    }

    #[test]
    fn options_travel_in_a_timestamp_that_does_not_run_ahead() {
        for (scale, sack) in [(None, false), (Some(0), true), (Some(7), true), (Some(14), false)] {
            for value in [0u32, 31, 32, 1_000_000, u32::MAX] {
                let options = Options { window_scale: scale, sack_permitted: sack, ..Options::default() };
                let echo = encode_options(value, &options, sack);
                assert!(value.wrapping_sub(echo) < 128, "{value} {echo}");
                assert_eq!(echo & 32 != 0, sack, "ECN");
                let back = decode_options(1_460, Some(Timestamps { value: 5, echo }));
                assert_eq!((back.window_scale, back.sack_permitted), (scale, sack));
            }
        }
        assert_eq!(decode_options(536, None), Options { mss: Some(536), ..Options::default() });
    }
}
