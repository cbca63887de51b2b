//! What is remembered of one end as a sender, to conclude why it sends.

use super::clock::Clock;
use super::packet_ids::PacketIds;
use super::place::Place;
use super::signs::TIMEOUT_NS_MIN;
use super::timed::Timed;
use super::{Afar, Loss, PacketSizes};
use crate::limits::{
    LARGE_BYTES, PRINTS, RTO_NS_INITIAL, RTO_VARIANCE_US_MIN, RTT_US_MAX, TWICE_US, TWICE_WITHOUT_ID_US,
};
use crate::live::Before;
use crate::{Frame, Segment};
use std::num::NonZeroU32;
use tcp::{SendReason, SmoothedRtt};
use wire::Seq;

/// One end as a sender.
#[derive(Clone, Debug)]
pub(crate) struct Sender {
    /// Something that it sent was captured.
    pub(crate) has_sent: bool,
    /// When its latest segment was captured.
    pub(crate) last_ns: u64,
    /// When the other end last acknowledged something new of this one.
    pub(crate) progress_ns: u64,
    /// From text to its acknowledgment, smoothed as its own timer would (RFC 6298 §2).
    pub(crate) rtt: SmoothedRtt,
    pub(crate) last_reason: SendReason,
    /// It sent text at the very moment at which an acknowledgment came: a simulated host, and how it measures.
    pub(crate) timed: Option<Box<Timed>>,
    /// Whether its host was seen to probe tails before this connection: above zero it was, below zero it was seen not to.
    pub(crate) host_probes: i8,
    pub(crate) largest_text_bytes: u32,
    pub(crate) large_was_acked: bool,
    /// Text segments since the other end last acknowledged: how many, how many bytes, the last's time.
    pub(crate) owed_segments: u16,
    pub(crate) owed_bytes: u32,
    pub(crate) owed_last_ns: u64,
    /// The latest segment was beyond a gap, or below what was acknowledged, or filled a gap.
    pub(crate) last_place: Place,
    /// Text from here on was not captured, though text behind it was: it is lost, late or overtaken.
    pub(crate) hole: Option<Seq>,
    /// Its timestamp clock: how fast, and when it said what.
    pub(crate) clock: Clock,
    /// How old the echo in its text usually is, in µs: from here to it and back.
    pub(crate) echo_turn_us: Option<NonZeroU32>,
    /// The identifications of its packets.
    pub(crate) ids: PacketIds,
    prints: [Print; PRINTS],
    next_print: u8,
    /// How large its packets are.
    pub(crate) sizes: PacketSizes,
    /// Made when something is sent again for the first time.
    pub(crate) loss: Option<Box<Loss>>,
    /// Its application was seen to pause for about as long as a timer takes, or longer.
    pub(crate) has_paused: bool,
    /// By how much its timestamps are ahead of the echoes in them, at the least: when it answers at once. `i32::MAX` while
    /// nothing is known.
    pub(crate) ahead_min: i32,
}

#[derive(Clone, Copy, Debug, Default)]
struct Print {
    hash: u32,
    /// The low bits of the time in µs.
    time_us: u32,
    frame: Frame,
    ttl: u8,
    interface: u8,
    /// It holds a packet.
    is_used: bool,
}

impl Default for Sender {
    fn default() -> Self {
        Sender {
            has_sent: false,
            last_ns: 0,
            progress_ns: 0,
            rtt: SmoothedRtt::default(),
            last_reason: SendReason::NewData,
            timed: None,
            host_probes: 0,
            largest_text_bytes: 0,
            large_was_acked: false,
            owed_segments: 0,
            owed_bytes: 0,
            owed_last_ns: 0,
            last_place: Place::Next,
            hole: None,
            clock: Clock::default(),
            echo_turn_us: None,
            ids: PacketIds::default(),
            prints: [Print::default(); PRINTS],
            next_print: 0,
            sizes: PacketSizes::default(),
            loss: None,
            has_paused: false,
            ahead_min: i32::MAX,
        }
    }
}

/// The same packet as one captured before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Twice {
    pub(crate) first: Frame,
    /// The hop count differs: once before and once behind a router.
    pub(crate) across_router: bool,
    pub(crate) other_interface: bool,
    /// The radio of a link sent it again (IEEE 802.11): it is no doing of the capture.
    pub(crate) by_link: bool,
}

impl Sender {
    /// Whether this very packet was captured before; remembers it if not.
    #[inline]
    pub(crate) fn captured_twice(&mut self, segment: &Segment) -> Option<Twice> {
        if segment.repeats != 0 {
            let first = segment.repeats;
            return Some(Twice { first, across_router: false, other_interface: false, by_link: true });
        }
        let now_us = segment.time.as_micros() as u32;
        let id = segment.ip_id.filter(|id| *id != 0);
        let hash = print_of(segment, id);
        let twice = self.found(segment, id, hash, now_us);
        if twice.is_none() {
            self.print(segment, hash, now_us);
        }
        twice
    }

    /// Remembers text that cannot have been captured before, because its sender had not come so far.
    #[inline(always)]
    pub(crate) fn print_first(&mut self, segment: &Segment) {
        let hash = print_of(segment, segment.ip_id.filter(|id| *id != 0));
        self.print(segment, hash, segment.time.as_micros() as u32);
    }

    #[inline]
    fn found(&self, segment: &Segment, id: Option<u16>, hash: u32, now_us: u32) -> Option<Twice> {
        let found = self.prints.iter().find(|print| {
            let age_us = now_us.wrapping_sub(print.time_us);
            print.hash == hash
                && print.is_used
                && match id {
                    Some(_) => age_us <= TWICE_US,
                    None => segment.text_bytes > 0 && age_us <= TWICE_WITHOUT_ID_US,
                }
        });
        found.map(|print| Twice {
            first: print.frame,
            across_router: print.ttl != segment.ttl,
            other_interface: print.interface != segment.interface as u8,
            by_link: false,
        })
    }

    #[inline]
    fn print(&mut self, segment: &Segment, hash: u32, now_us: u32) {
        self.prints[usize::from(self.next_print)] = Print {
            hash,
            time_us: now_us,
            frame: segment.frame,
            ttl: segment.ttl,
            interface: segment.interface as u8,
            is_used: true,
        };
        self.next_print = (self.next_print + 1) % PRINTS as u8;
    }

    /// A value out of every line of memory, to have them all fetched at once.
    pub(crate) fn warmth(&self) -> u64 {
        let prints = self.prints.iter().fold(0, |sum, print| sum ^ print.hash);
        self.progress_ns
            ^ u64::from(prints)
            ^ u64::from(self.rtt.rttvar_us())
            ^ self.clock.warmth()
            ^ self.ids.warmth()
    }

    /// The retransmission timeout that its round trips imply (RFC 6298 §2.3), at least 200 ms more than these, as on
    /// Linux; a second while nothing is known.
    pub(crate) fn rto_ns(&self) -> u64 {
        let rto_us = self.measured().rto_us(RTO_VARIANCE_US_MIN);
        rto_us.map_or(RTO_NS_INITIAL, |rto_us| u64::from(rto_us) * 1_000)
    }

    /// What it knows, as followed where its receiver is.
    pub(super) fn afar(&mut self) -> Option<&mut Afar> {
        self.loss.as_mut()?.afar.as_deref_mut()
    }

    /// The smoothed round trip in nanoseconds; `None` before the first was measured.
    pub(crate) fn srtt_ns(&self) -> Option<u64> {
        self.measured().srtt_us().map(|srtt_us| u64::from(srtt_us) * 1_000)
    }

    fn measured(&self) -> SmoothedRtt {
        self.timed.as_ref().map_or(self.rtt, |timed| timed.rtt)
    }

    /// It answers in no time at all: a simulated host, whose timers are on time.
    pub(crate) fn is_exact(&self) -> bool {
        self.timed.is_some()
    }

    /// It was seen to answer in no time at all.
    pub(super) fn on_exact(&mut self) {
        let rtt = self.rtt;
        self.timed.get_or_insert_with(|| Box::new(Timed::new(rtt)));
    }

    /// A round trip was measured.
    #[inline]
    pub(crate) fn on_rtt(&mut self, rtt_ns: u64) {
        self.rtt.on_sample(u32::try_from(rtt_ns / 1_000).unwrap_or(u32::MAX).min(RTT_US_MAX));
    }

    /// Whether it probes its tails: above zero it was seen to, below zero it was seen not to.
    pub(crate) fn probes_seen(&self) -> i8 {
        self.host_probes.saturating_add(self.loss.as_ref().map_or(0, |loss| loss.probes_seen))
    }

    /// How old the echo in its text usually is, in nanoseconds.
    pub(crate) fn echo_turn_ns(&self) -> Option<u64> {
        self.echo_turn_us.map(|turn_us| u64::from(turn_us.get()) * 1_000)
    }

    /// The echo in new text was so old.
    #[inline]
    pub(crate) fn on_echo_turn(&mut self, age_ns: u64) {
        let age_us = u32::try_from(age_ns / 1_000).unwrap_or(u32::MAX);
        let weighted =
            |turn_us: NonZeroU32| (3 * u64::from(turn_us.get()) + u64::from(age_us)).div_euclid(4) as u32;
        let turn_us = self.echo_turn_us.map_or(age_us, weighted);
        self.echo_turn_us = Some(NonZeroU32::new(turn_us).unwrap_or(NonZeroU32::MIN));
    }

    /// Its unacknowledged number moved forward to `ack`.
    #[inline]
    pub(crate) fn on_progress(&mut self, now_ns: u64, ack: Seq, advanced_bytes: u32) {
        self.large_was_acked |= advanced_bytes >= LARGE_BYTES;
        self.progress_ns = now_ns;
        self.owed_segments = 0;
        self.owed_bytes = 0;
        self.sizes.on_progress(ack);
        if let Some(loss) = &mut self.loss {
            loss.on_progress(ack);
        }
    }

    /// Its timestamps show that it sent others after this one: it was overtaken on the way.
    pub(crate) fn has_said_later(&self, segment: &Segment) -> bool {
        let (stamps, high) = (segment.options.timestamps, self.clock.highest());
        stamps.zip(high).is_some_and(|(stamps, high)| stamps.value.wrapping_sub(high).cast_signed() < 0)
    }

    /// Remembers a segment after the question was answered.
    #[inline]
    pub(crate) fn on_sent(&mut self, segment: &Segment, place: Place, before: &Before) {
        let now_ns = segment.time.as_nanos();
        if place == Place::BeyondGap || self.hole.is_some() {
            self.note_hole(segment, place, before);
        }
        self.last_place = place;
        if segment.text_bytes > 0 {
            self.owe(segment, now_ns);
            if let Some(timed) = &mut self.timed {
                let is_again = before.next_seq.is_some_and(|next| segment.seq.before(next));
                let has_sack = self.loss.as_ref().is_some_and(|loss| loss.is_watching());
                timed.on_sent(segment, is_again, has_sack);
                if self.last_reason == SendReason::Timeout {
                    timed.on_timeout();
                }
            }
        }
        self.read_clock(segment, now_ns, before.mss_bytes);
    }

    /// The same for what continues the stream of an end that is no simulated host, with no hole behind it.
    #[inline(always)]
    pub(crate) fn on_next(&mut self, segment: &Segment, mss_bytes: u32) {
        let now_ns = segment.time.as_nanos();
        self.last_place = Place::Next;
        if segment.text_bytes > 0 {
            self.owe(segment, now_ns);
        }
        self.read_clock(segment, now_ns, mss_bytes);
    }

    /// The other end has to acknowledge a segment with text.
    #[inline(always)]
    fn owe(&mut self, segment: &Segment, now_ns: u64) {
        self.largest_text_bytes = self.largest_text_bytes.max(segment.text_bytes);
        self.owed_segments = self.owed_segments.saturating_add(1);
        self.owed_bytes = self.owed_bytes.saturating_add(segment.text_bytes);
        self.owed_last_ns = now_ns;
    }

    /// What its clock and its counter of packets show.
    #[inline(always)]
    fn read_clock(&mut self, segment: &Segment, now_ns: u64, mss_bytes: u32) {
        if let Some(stamps) = segment.options.timestamps {
            self.clock.on_value(stamps.value, now_ns);
        }
        let follows_silence = now_ns.saturating_sub(self.last_ns) >= TIMEOUT_NS_MIN;
        self.ids.on_sent(segment, mss_bytes, follows_silence);
        (self.has_sent, self.last_ns) = (true, now_ns);
    }

    /// The first hole alone is followed: behind it nothing is in order anyway.
    #[inline(never)]
    fn note_hole(&mut self, segment: &Segment, place: Place, before: &Before) {
        self.hole = self.hole.filter(|hole| before.acknowledged.is_none_or(|heard| !heard.after(*hole)));
        match self.hole {
            None if place == Place::BeyondGap => self.hole = before.next_seq,
            Some(hole) if segment.seq.at_or_before(hole) && segment.end().after(hole) => {
                let is_left = before.next_seq.is_some_and(|next| segment.end().before(next));
                self.hole = is_left.then_some(segment.end());
            }
            _ => {}
        }
    }
}

#[inline]
fn print_of(segment: &Segment, id: Option<u16>) -> u32 {
    // both halves of the product, so that every bit of a word counts
    let mix = |hash: u64, word: u64| {
        let product = u128::from(hash ^ word) * 0x9e37_79b9_7f4a_7c15;
        (product as u64) ^ (product >> 64) as u64
    };
    let stamps =
        segment.options.timestamps.map_or(0, |stamps| u64::from(stamps.value) << 32 | u64::from(stamps.echo));
    let numbers = u64::from(segment.seq.number()) << 32 | u64::from(segment.ack.number());
    let rest = u64::from(segment.flags.bits()) << 48
        | u64::from(segment.window) << 32
        | u64::from(segment.text_bytes) << 16 & 0xffff_0000
        | u64::from(id.unwrap_or(0));
    (mix(mix(mix(1, numbers), stamps), rest) >> 16) as u32
}
