//! The queue in front of a link: drop-tail, or CoDel (RFC 8289), with ECN marking.
//!
//! CoDel looks at how long a packet has waited when its turn comes. Once the wait has stayed above the
//! target for an interval, packets are dropped (or marked) at a growing rate until it falls below.

use std::collections::VecDeque;
use std::time::Duration;
use wire::Instant;

/// Where frames wait for their turn on a link with a rate.
///
/// Fields are added in minor versions: write `Queue { limit, ..Queue::default() }`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Queue {
    /// How much may wait; what comes beyond is lost.
    pub limit: QueueLimit,
    /// Who is thrown away before the queue is full.
    pub discipline: Discipline,
    /// When ECN-capable packets are marked (RFC 3168).
    pub marking: Marking,
}

impl Default for Queue {
    /// 1,000 packets, drop-tail: the default of Linux's interfaces.
    fn default() -> Self {
        Queue { limit: QueueLimit::Packets(1_000), discipline: Discipline::DropTail, marking: Marking::Never }
    }
}

/// How much may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum QueueLimit {
    /// IP bytes.
    Bytes(u64),
    /// Frames.
    Packets(usize),
}

/// Who is thrown away before a queue is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Discipline {
    /// Nobody.
    DropTail,
    /// Controlled delay (RFC 8289): who has waited longer than `target` for longer than `interval`.
    CoDel {
        /// The delay that is good (RFC 8289 §4.4: 5 ms).
        target: Duration,
        /// About the longest round-trip time (RFC 8289 §4.3: 100 ms).
        interval: Duration,
    },
}

impl Discipline {
    /// CoDel with the RFC's values.
    pub const CODEL: Discipline =
        Discipline::CoDel { target: Duration::from_millis(5), interval: Duration::from_millis(100) };
}

/// When a packet is marked "congestion experienced", if its sender is ECN-capable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Marking {
    /// Not at all.
    Never,
    /// Where CoDel would throw it away.
    InsteadOfDropping,
    /// While more than so many bytes wait (RFC 8257 §3.1).
    AboveBytes(u64),
}

/// Something that waits.
#[derive(Debug)]
pub(crate) struct Waiting<T> {
    pub(crate) item: T,
    pub(crate) bytes: u64,
    since: Instant,
}

/// What to do with a packet whose turn has come.
#[derive(Debug)]
pub(crate) enum Turn<T> {
    /// Send it.
    Send(T),
    /// Send it marked if its sender is ECN-capable, else drop it.
    MarkOrDrop(T),
    /// Send it, marked if possible.
    Mark(T),
    /// Throw it away.
    Drop(T),
}

/// Packets in line.
#[derive(Debug)]
pub(crate) struct Line<T> {
    config: Queue,
    waiting: VecDeque<Waiting<T>>,
    bytes: u64,
    codel: CoDel,
}

/// The state variables of RFC 8289 §5.4.
#[derive(Debug, Default)]
struct CoDel {
    first_above: Option<Instant>,
    drop_next: Instant,
    count: u32,
    last_count: u32,
    dropping: bool,
}

/// One packet of this size always may wait before the delay counts (RFC 8289 §5.6: maxpacket).
const PACKET_BYTES: u64 = 1_500;

impl<T> Line<T> {
    pub(crate) fn new(config: Queue) -> Self {
        Line { config, waiting: VecDeque::new(), bytes: 0, codel: CoDel::default() }
    }

    /// Another configuration for what comes, and for what waits when its turn comes.
    pub(crate) const fn configure(&mut self, config: Queue) {
        self.config = config;
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Joins the line; gives the item back if there is no room.
    pub(crate) fn push(&mut self, now: Instant, item: T, bytes: u64) -> Result<(), T> {
        let full = match self.config.limit {
            QueueLimit::Bytes(max) => self.bytes + bytes > max,
            QueueLimit::Packets(max) => self.waiting.len() >= max,
        };
        if full {
            return Err(item);
        }
        self.bytes += bytes;
        self.waiting.push_back(Waiting { item, bytes, since: now });
        Ok(())
    }

    /// Whoever came last, if somebody waits: `change` may make it another, and says how many bytes it then has.
    pub(crate) fn change_last(&mut self, change: impl FnOnce(&mut T) -> Option<u64>) -> bool {
        let Some(last) = self.waiting.back_mut() else { return false };
        let Some(bytes) = change(&mut last.item) else { return false };
        self.bytes = self.bytes - last.bytes + bytes;
        last.bytes = bytes;
        true
    }

    /// The next in line and what is to become of it.
    pub(crate) fn pop(&mut self, now: Instant) -> Option<Turn<T>> {
        let crowded = matches!(self.config.marking, Marking::AboveBytes(max) if self.bytes > max);
        let Some(first) = self.waiting.pop_front() else {
            (self.codel.first_above, self.codel.dropping) = (None, false);
            return None;
        };
        self.bytes -= first.bytes;
        let Discipline::CoDel { target, interval } = self.config.discipline else {
            return Some(if crowded { Turn::Mark(first.item) } else { Turn::Send(first.item) });
        };
        let waited = now.since(first.since);
        let hit = self.codel.hits(now, waited, self.bytes, target, interval);
        Some(match (hit, self.config.marking) {
            (true, Marking::InsteadOfDropping) => Turn::MarkOrDrop(first.item),
            (true, _) => Turn::Drop(first.item),
            (false, _) if crowded => Turn::Mark(first.item),
            (false, _) => Turn::Send(first.item),
        })
    }
}

impl CoDel {
    /// Whether this packet is one to be dropped or marked (RFC 8289 §5.5).
    fn hits(
        &mut self,
        now: Instant,
        waited: Duration,
        left: u64,
        target: Duration,
        interval: Duration,
    ) -> bool {
        let ok_to_drop = if waited < target || left <= PACKET_BYTES {
            self.first_above = None;
            false
        } else {
            let above = *self.first_above.get_or_insert(now + interval);
            now >= above
        };
        if self.dropping {
            if !ok_to_drop {
                self.dropping = false;
                return false;
            }
            if now < self.drop_next {
                return false;
            }
            self.count += 1;
            self.drop_next += control_law(interval, self.count);
            return true;
        }
        if !ok_to_drop {
            return false;
        }
        self.dropping = true;
        let delta = self.count.saturating_sub(self.last_count);
        let recently = now.since(self.drop_next) < interval * 16;
        self.count = if recently && delta > 1 { delta } else { 1 };
        self.last_count = self.count;
        self.drop_next = now + control_law(interval, self.count);
        true
    }
}

/// The time to the next drop shrinks with the square root of how many there were (RFC 8289 §3.3).
fn control_law(interval: Duration, count: u32) -> Duration {
    let nanos = interval.as_nanos() as f64 / f64::from(count.max(1)).sqrt();
    Duration::from_nanos(nanos as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_line_turns_away_the_last() {
        let mut line = Line::new(Queue { limit: QueueLimit::Packets(2), ..Queue::default() });
        assert!(line.push(Instant::ZERO, 1, 9).is_ok() && line.push(Instant::ZERO, 2, 9).is_ok());
        assert_eq!(line.push(Instant::ZERO, 3, 9), Err(3));
        let mut line = Line::new(Queue { limit: QueueLimit::Bytes(20), ..Queue::default() });
        assert!(line.push(Instant::ZERO, 1, 9).is_ok() && line.push(Instant::ZERO, 2, 9).is_ok());
        assert_eq!(line.push(Instant::ZERO, 3, 9), Err(3));
        assert_eq!((line.len(), line.bytes()), (2, 18));
    }

    /// A line that is always 50 ms long, served once per millisecond for a second.
    fn standing(discipline: Discipline, marking: Marking) -> [usize; 3] {
        let mut line = Line::new(Queue { discipline, marking, ..Queue::default() });
        let mut seen = [0; 3];
        for ms in 0..1_050 {
            let now = Instant::from_millis(ms);
            assert!(line.push(now, ms, 1_500).is_ok());
            if ms >= 50 {
                match line.pop(now) {
                    Some(Turn::Send(_)) => seen[0] += 1,
                    Some(Turn::Mark(_) | Turn::MarkOrDrop(_)) => seen[1] += 1,
                    Some(Turn::Drop(_)) => seen[2] += 1,
                    None => {}
                }
            }
        }
        seen
    }

    #[test]
    fn codel_drops_from_a_standing_queue_at_a_growing_rate() {
        let [_, marked, dropped] = standing(Discipline::CODEL, Marking::Never);
        // After the first interval: 100 ms, 100/sqrt(2), 100/sqrt(3) ... : some 25 in 900 ms.
        assert!(marked == 0 && (15..40).contains(&dropped), "{dropped}");
        let [_, marked, dropped] = standing(Discipline::CODEL, Marking::InsteadOfDropping);
        assert!((15..40).contains(&marked) && dropped == 0, "{marked}");
        assert_eq!(standing(Discipline::DropTail, Marking::Never), [1_000, 0, 0]);
        assert_eq!(standing(Discipline::DropTail, Marking::AboveBytes(10_000)), [0, 1_000, 0]);
    }

    #[test]
    fn codel_leaves_a_short_queue_alone() {
        let mut line = Line::new(Queue { discipline: Discipline::CODEL, ..Queue::default() });
        for ms in 0..2_000 {
            assert!(line.push(Instant::from_millis(ms), ms, 1_500).is_ok());
            assert!(matches!(line.pop(Instant::from_millis(ms + 4)), Some(Turn::Send(_))));
        }
    }
}
