//! What is on the wire at a moment.

use super::seconds;
use crate::deed::Deed;
use crate::run::{Injected, Run};
use serde::Serialize;
use sim::{FrameRecord, Happening};
use std::time::Duration;
use tcp::{Instant, SegmentFacts, SendReason};

/// A segment on the wire.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Flight {
    /// Its number among those that hosts have sent; none for one that no host sent.
    pub frame: Option<u32>,
    /// 0 or 1: the host that sent it, or seems to have.
    pub from: u8,
    /// When it left. One that no host sent seems to have left the other host in time to arrive when it does: perhaps
    /// before the run began, or after this moment, if its arrival is the next event.
    pub sent: f64,
    /// When it arrives; none if it is lost.
    pub arrives: Option<f64>,
    /// `SYN,ACK`.
    pub flags: String,
    /// The numbers of its header.
    pub seq: u32,
    /// See `seq`; none without ACK.
    pub ack: Option<u32>,
    /// Bytes of text.
    pub len: u32,
    /// The window that it offers, in bytes.
    pub window: u32,
    /// A word for why it was sent: `rto`; empty for one that no host sent.
    pub why: &'static str,
}

impl Run {
    /// What is on the wire at a moment. What was lost is still shown for as long as it would have travelled.
    pub(super) fn flights(&self, now: Instant, at: usize) -> Vec<Flight> {
        let log_end = self.log_end(at);
        let departs = |happening: &Happening| matches!(happening, Happening::Departed { .. });
        let departed = self.world.log().iter().take(log_end).filter(|entry| departs(&entry.what)).count();
        let mut numbers = 0..;
        let mut flights = Vec::new();
        for (place, record) in self.world.frames().iter().enumerate() {
            let flight = match self.injected.get(&place) {
                Some(Injected::Forged { .. }) => self.forged_flight(place, record, now, at),
                // shown as the frame that it is the arrival of
                Some(Injected::Arrival { .. }) => None,
                None => {
                    let number = numbers.next().filter(|number: &u32| (*number as usize) < departed);
                    number.and_then(|number| self.sent_flight(place, record, now, number))
                }
            };
            flights.extend(flight);
        }
        flights
    }

    fn sent_flight(&self, place: usize, record: &FrameRecord, now: Instant, number: u32) -> Option<Flight> {
        let mut arrivals = self.arrivals_of(place);
        let is_lost = arrivals.is_empty();
        arrivals.retain(|at| *at > now);
        let arrives = arrivals.first().copied();
        let until = if is_lost { record.sent_at + self.delay() } else { arrives? };
        let (facts, why) = self.world.segment(place)?;
        let facts = self.as_it_arrives(place, number).map_or(facts, |changed| SegmentFacts {
            window_bytes: scaled(changed.window_bytes, facts, record),
            ..changed
        });
        let from = u8::from(record.from == self.hosts[1]);
        let flight = flight(Some(number), from, facts, why);
        let (sent, arrives) = (seconds(record.sent_at), arrives.map(seconds));
        (until > now).then_some(Flight { sent, arrives, ..flight })
    }

    /// What a frame says that a deed has changed, the window as it stands in the header.
    fn as_it_arrives(&self, place: usize, number: u32) -> Option<SegmentFacts> {
        let is_change = |deed: &Deed| matches!(deed, Deed::Change { frame, .. } if *frame == number);
        let record = self.world.frames().get(place).filter(|record| !record.corrupted)?;
        self.deeds.iter().find(|deed| is_change(deed))?;
        let arrived = record.arrivals.first();
        let let_in = || self.world.frames().get(self.injected_for(place)?)?.arrivals.first();
        arrived.or_else(let_in)?.facts()
    }

    /// It arrives out of nowhere: it is shown for as long as it would have travelled, and before its arrival.
    fn forged_flight(&self, place: usize, record: &FrameRecord, now: Instant, at: usize) -> Option<Flight> {
        let is_it = |what: &Happening| matches!(what, Happening::Arrived(arrived) if arrived.frame == place);
        let logged = self.world.log().iter().position(|entry| is_it(&entry.what))?;
        let has_come = logged < self.log_end(at);
        let is_next = logged < self.log_end(at + 1);
        if has_come || !(is_next || record.sent_at <= now + self.delay()) {
            return None;
        }
        let from = u8::from(record.from == self.hosts[1]);
        let flight = flight(None, from, self.world.segment(place)?.0, None);
        let arrives = seconds(record.sent_at);
        Some(Flight { sent: arrives - self.delay().as_secs_f64(), arrives: Some(arrives), ..flight })
    }

    fn injected_for(&self, place: usize) -> Option<usize> {
        let is_it = |injected: &Injected| *injected == Injected::Arrival { of: place };
        self.injected.iter().find(|(_, injected)| is_it(injected)).map(|(place, _)| *place)
    }

    fn delay(&self) -> Duration {
        Duration::from_millis(self.setup.wire.delay_ms.into())
    }
}

/// A window as it stands in a header, in bytes, by the scale of the window that was sent.
fn scaled(window: u32, sent: SegmentFacts, record: &FrameRecord) -> u32 {
    let raw = record.facts().map_or(0, |raw| raw.window_bytes);
    window.saturating_mul(sent.window_bytes.checked_div(raw).unwrap_or(1))
}

fn flight(frame: Option<u32>, from: u8, facts: SegmentFacts, why: Option<SendReason>) -> Flight {
    Flight {
        frame,
        from,
        sent: 0.0,
        arrives: None,
        flags: facts.flags.to_string(),
        seq: facts.seq.number(),
        ack: facts.flags.ack().then(|| facts.ack.number()),
        len: facts.len_bytes,
        window: facts.window_bytes,
        why: why.map_or("", SendReason::name),
    }
}
