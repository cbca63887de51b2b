//! Two connections, a link with a rate and a queue between them, and an application that writes: all in virtual time.

use super::*;
use crate::{Birth, Config, CongestionControl, Connection, Path, Segment, Trace, Tracing};
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::sync::Arc;
use core::time::Duration;

pub(super) const MS: Duration = Duration::from_millis(1);
pub(super) const SECOND: Duration = Duration::from_secs(1);
pub(super) const MSS: u32 = 1_448;

/// What happens to a segment on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Deliver,
    Lose,
    LateBy(Duration),
}

/// Who writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum App {
    /// As much as the buffer takes.
    Bulk,
    /// So many bytes each period.
    Every(Duration, usize),
    /// Nobody.
    Silent,
}

/// The way of data; acknowledgments come back after the same delay and take no room.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link {
    pub(super) bytes_per_s: u64,
    /// One way.
    pub(super) delay: Duration,
    pub(super) queue_bytes: u64,
    /// A policer instead of a queue: the burst of its bucket.
    pub(super) policer_bytes: Option<u64>,
    /// Acknowledgments wait for the next multiple of this.
    pub(super) acks_every: Option<Duration>,
}

impl Link {
    /// Megabits a second, milliseconds of round trip, and a queue of so many percent of their product.
    pub(super) fn new(megabits: u64, rtt_ms: u64, queue_percent: u64) -> Self {
        let bytes_per_s = megabits * 125_000;
        Link {
            bytes_per_s,
            delay: Duration::from_micros(rtt_ms * 500),
            queue_bytes: bytes_per_s * rtt_ms * queue_percent / 100_000,
            policer_bytes: None,
            acks_every: None,
        }
    }

    pub(super) fn product_bytes(&self) -> u64 {
        self.bytes_per_s * (2 * self.delay).as_micros() as u64 / 1_000_000
    }
}

pub(super) struct World {
    pub(super) now: Instant,
    pub(super) sender: Connection,
    pub(super) receiver: Connection,
    pub(super) link: Link,
    pub(super) app: App,
    /// By the number of the data segment.
    pub(super) fate: Box<dyn FnMut(u64) -> Fate>,
    /// The driver of the sender wakes up so much late.
    pub(super) wakes_late: Duration,
    pub(super) super_bytes: u32,
    /// Where the phase went, and why.
    pub(super) turns: Vec<(Instant, Growth, ProbeReason)>,
    /// When each data segment left, and how long it was.
    pub(super) sent: VecDeque<(Instant, u32)>,
    pub(super) segments: u64,
    pub(super) dropped: u64,
    pub(super) received_bytes: u64,
    writes_at: Instant,
    wire: BTreeMap<(Instant, u64), (bool, Segment)>,
    order: u64,
    /// When the link has sent all that it took.
    free_at: Instant,
    tokens: u64,
    tokens_at: Instant,
}

fn birth(iss: u32) -> Birth {
    Birth { iss: Seq::new(iss), timestamp_offset: 0, path: Path { mtu_bytes: 1_500, ip_header_bytes: 20 } }
}

impl World {
    /// Both ends ESTABLISHED, nothing written yet.
    pub(super) fn new(link: Link) -> Self {
        World::with(link, Config { congestion: CongestionControl::Bbr, ..Config::default() })
    }

    pub(super) fn with(link: Link, config: Config) -> Self {
        let now = Instant::from_millis(1_000);
        let config = Arc::new(config);
        let mut sender = Connection::connect(now, birth(u32::MAX - 100_000), config.clone());
        sender.set_tracing(Tracing::On);
        let mut world = World {
            now,
            sender,
            receiver: Connection::listen(now, birth(77), config),
            link,
            app: App::Silent,
            fate: Box::new(|_| Fate::Deliver),
            wakes_late: Duration::ZERO,
            super_bytes: 0,
            turns: Vec::new(),
            sent: VecDeque::new(),
            segments: 0,
            dropped: 0,
            received_bytes: 0,
            writes_at: now,
            wire: BTreeMap::new(),
            order: 0,
            free_at: now,
            tokens: link.policer_bytes.unwrap_or(0),
            tokens_at: now,
        };
        while world.receiver.state() != crate::State::Established {
            world.step();
        }
        world
    }

    /// The same with an application that always has more.
    pub(super) fn bulk(link: Link) -> Self {
        let mut world = World::new(link);
        world.app = App::Bulk;
        world
    }

    pub(super) fn bbr(&self) -> &Bbr {
        self.sender.sender.congestion.model().expect("it is BBR")
    }

    pub(super) fn state(&self) -> State {
        self.bbr().state
    }

    pub(super) fn in_flight(&self) -> u32 {
        let (sacked, lost, resent) = self.sender.sender.scoreboard();
        self.sender.sender.flight_bytes() - sacked - (lost - resent)
    }

    /// Runs until something holds, and says what it saw if it never does.
    pub(super) fn run_until(&mut self, most: Duration, mut holds: impl FnMut(&World) -> bool) {
        let end = self.now + most;
        while !holds(self) {
            assert!(
                self.now < end && self.step(),
                "not within {most:?}; {:?}, turns {:?}",
                self.bbr(),
                self.turns.iter().rev().take(8).collect::<Vec<_>>()
            );
        }
    }

    pub(super) fn run_until_state(&mut self, state: State) {
        self.run_until(20 * SECOND, |world| world.state() == state);
    }

    pub(super) fn run_for(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end && self.step() {}
    }

    /// Bytes a second that arrived over a time.
    pub(super) fn goodput_over(&mut self, time: Duration) -> u64 {
        let (before, start) = (self.received_bytes, self.now);
        self.run_for(time);
        (self.received_bytes - before) * 1_000_000 / self.now.micros_since(start)
    }

    /// How long what leaves now waits for its turn.
    pub(super) fn queued(&self) -> Duration {
        self.free_at.since(self.now)
    }

    /// Writes so much now.
    pub(super) fn write(&mut self, bytes: usize) {
        let data = alloc::vec![7; bytes];
        self.sender.write(self.now, &data).expect("there is room");
        self.flush();
    }

    fn put(&mut self, segment: Segment) {
        let bytes = segment.payload.len() as u64;
        let mut at = self.now;
        if bytes > 0 {
            self.segments += 1;
            self.sent.push_back((self.now, bytes as u32));
            if self.sent.len() > 1_000 {
                self.sent.pop_front();
            }
            let fate = (self.fate)(self.segments);
            if fate == Fate::Lose || !self.takes(bytes) {
                self.dropped += 1;
                return;
            }
            if self.link.policer_bytes.is_none() {
                let takes_ns = bytes * 1_000_000_000 / self.link.bytes_per_s;
                self.free_at = self.free_at.max(self.now).plus_nanos(takes_ns);
                at = self.free_at;
            }
            if let Fate::LateBy(by) = fate {
                at += by;
            }
        }
        self.order += 1;
        self.wire.insert((at + self.link.delay, self.order), (false, segment));
    }

    fn takes(&mut self, bytes: u64) -> bool {
        let rate = self.link.bytes_per_s;
        let Some(burst) = self.link.policer_bytes else {
            let queued = self.free_at.nanos_since(self.now) * rate / 1_000_000_000;
            return queued + bytes <= self.link.queue_bytes.max(u64::from(2 * MSS));
        };
        let earned = self.now.nanos_since(self.tokens_at) * rate / 1_000_000_000;
        self.tokens = (self.tokens + earned).min(burst);
        self.tokens_at = self.now;
        let takes = self.tokens >= bytes;
        self.tokens -= if takes { bytes } else { 0 };
        takes
    }

    fn flush(&mut self) {
        if self.app == App::Bulk {
            // No more than it takes to be always ahead, so that it can stop.
            while self.sender.sender.unsent_bytes() < 65_536
                && self.sender.write(self.now, &[7; 16_384]).is_ok_and(|count| count > 0)
            {}
        }
        while let Some(transmit) = self.sender.poll_transmit(self.now, self.super_bytes) {
            self.put(Segment::from(transmit));
        }
        while let Some(transmit) = self.receiver.poll_transmit(self.now, 0) {
            self.order += 1;
            let mut due = self.now + self.link.delay;
            if let Some(period) = self.link.acks_every.filter(|_| transmit.header.flags.ack()) {
                let period_ns = period.as_nanos() as u64;
                due = Instant::from_nanos(due.as_nanos().next_multiple_of(period_ns));
            }
            let segment = Segment::from(transmit);
            self.wire.insert((due, self.order), (true, segment));
        }
        let mut buffer = [0; 16_384];
        while let Ok(count @ 1..) = self.receiver.read(&mut buffer) {
            self.received_bytes += count as u64;
        }
        while let Some(trace) = self.sender.poll_trace() {
            if let Trace::Probing { growth, why } = trace {
                self.turns.push((self.now, growth, why));
            }
        }
    }

    /// The next arrival, timer or write. Says whether there was one.
    pub(super) fn step(&mut self) -> bool {
        self.flush();
        let arrival = self.wire.first_key_value().map(|(key, _)| key.0);
        let own = self.sender.poll_timeout().map(|due| due + self.wakes_late);
        let write = matches!(self.app, App::Every(..)).then_some(self.writes_at);
        let Some(due) = [arrival, own, self.receiver.poll_timeout(), write].into_iter().flatten().min()
        else {
            return false;
        };
        self.now = self.now.max(due);
        if arrival == Some(due) {
            let (_, (to_sender, segment)) = self.wire.pop_first().expect("it arrives");
            let end = if to_sender { &mut self.sender } else { &mut self.receiver };
            end.handle_segment(self.now, segment);
        } else if write == Some(due) {
            let App::Every(period, bytes) = self.app else { return false };
            self.writes_at = self.now + period;
            let _ = self.sender.write(self.now, &alloc::vec![7; bytes]);
        } else {
            if own == Some(due) {
                self.sender.handle_timeout(self.now);
            }
            self.receiver.handle_timeout(self.now);
        }
        self.flush();
        true
    }
}
